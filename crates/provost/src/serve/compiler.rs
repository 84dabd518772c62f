//! From files to what they want: the controller's port, over `provost-manifest`.

use jiff::Timestamp;
use provost_controller::{Compiled, Compiler, Revision};
use provost_manifest::{ServerFacts, SourceFile, Style, compile};
use provost_model::SourceReference;

/// Compiles revisions for a server.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// What the server's configuration says about manifests.
    pub facts: ServerFacts,
}

impl Compiler for Manifests {
    fn compile(&self, revision: &Revision, now: Timestamp) -> Compiled {
        let compiled = compile(&files(revision), &self.facts, revision.id.clone(), now);
        let (errors, warnings) = compiled.count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let report = if errors + warnings == 0 { String::new() } else { compiled.report(Style::Plain) };
        Compiled { desired: compiled.desired, report, errors: number(errors), warnings: number(warnings) }
    }
}

/// The files of `revision`, as the compiler takes them.
pub fn files(revision: &Revision) -> Vec<SourceFile> {
    revision.files.iter().map(file).collect()
}

/// The sources that `files` refer to.
pub fn references(files: &[provost_controller::SourceFile]) -> Vec<SourceReference> {
    provost_manifest::references(&files.iter().map(file).collect::<Vec<_>>())
}

fn file(file: &provost_controller::SourceFile) -> SourceFile {
    SourceFile { path: file.path.clone(), bytes: file.bytes.clone() }
}

#[cfg(test)]
mod tests {
    use provost_model::RevisionId;

    use super::*;

    fn compiled(text: &str) -> Compiled {
        let file = provost_controller::SourceFile { path: "a.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
        let id = RevisionId::parse("r1").unwrap();
        let (author, subject) = (String::new(), String::new());
        let revision = Revision { id, author, subject, at: None, signer: None, files: vec![file] };
        Manifests::default().compile(&revision, "2026-11-20T12:00:00Z".parse().unwrap())
    }

    const GOOD: &str = "apiVersion: provost/v1\nkind: Automation\nmetadata: {name: a}\nspec: {schedule: \"0 2 * * *\", image: \"x:1\"}\n";

    #[test]
    fn a4_name_image_and_schedule_are_enough() {
        let compiled = compiled(GOOD);
        assert_eq!(compiled.errors, 0, "{}", compiled.report);
        assert_eq!(compiled.desired.unwrap().automations.len(), 1);
    }

    #[test]
    fn c2_one_error_refuses_the_whole() {
        let compiled =
            compiled(&format!("{GOOD}---\n{}", GOOD.replace("name: a", "name: b").replace("image", "imagee")));
        assert!(compiled.desired.is_none());
        assert!(compiled.errors > 0 && compiled.report.contains("imagee"), "{}", compiled.report);
    }
}
