//! Secrets: from what is written to what containers get, sealed as it is.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::{Name, Sealed, SecretUse};

use crate::kinds::{SecretUseSpec, VolumeSpec};
use crate::read::{Document, Spec};
use crate::report::{Code, Diagnostic};

/// The sealed values of a revision by their names.
pub(crate) type Secrets = BTreeMap<Name, Sealed>;

const HEAD: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const FOOT: &str = "-----END AGE ENCRYPTED FILE-----";

/// `age-encryption.org/v1` in base64: how every armoured age file goes on after its head.
const VERSION: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3Yx";

/// Where Provost puts a file that does not say where.
const DEFAULT_FOLDER: &str = "/run/secrets";

/// Where no file can be put: Provost's own folder, and the kernel's.
const TAKEN: [&str; 4] = ["/provost", "/proc", "/sys", "/dev"];

/// The secrets among `documents`; those that are not sealed are told and left out.
pub(crate) fn all(documents: &[Document], out: &mut Vec<Diagnostic>) -> Secrets {
    let mut secrets = Secrets::new();
    for document in documents {
        if let Spec::Secret(spec) = &document.spec {
            match unsealed(&spec.age) {
                None => drop(secrets.insert(document.name.clone(), Sealed::new(spec.age.as_str()))),
                Some(why) => {
                    let spot = document.key_spot("spec/age");
                    let error = Diagnostic::new(Code::SEALED, &spot, format!("this is no age file in armour: {why}"));
                    out.push(error.hint(format!("`provost secret set {}` writes it anew", document.name)));
                }
            }
        }
    }
    secrets
}

/// Why `armour` is no age file in ASCII armour, if it is none. Whether it can be opened is for the holders of keys.
///
/// Source: age(1), "ASCII armor"; C2SP age specification.
fn unsealed(armour: &str) -> Option<String> {
    let lines: Vec<&str> = armour.trim().lines().map(str::trim_end).collect();
    let [head, body @ .., foot] = lines.as_slice() else {
        return Some("it has one line only".to_owned());
    };
    let is_base64 = |line: &&str| line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if *head != HEAD {
        return Some(format!("its first line is not `{HEAD}`"));
    }
    if *foot != FOOT {
        return Some(format!("its last line is not `{FOOT}`"));
    }
    if let Some(at) = body.iter().position(|line| !is_base64(line)) {
        return Some(format!("its line {} is not base64", at + 2));
    }
    let whole = body.split_last().is_some_and(|(last, others)| {
        others.iter().all(|line| line.len() == 64) && (1..=64).contains(&last.len()) && last.len() % 4 == 0
    });
    match whole && body.first().is_some_and(|line| line.starts_with(VERSION)) {
        true => None,
        false => Some("what is between its first and its last line was cut or changed".to_owned()),
    }
}

/// A container's wishes, and what may not be in their way.
pub(crate) struct Wishes<'a> {
    pub(crate) document: &'a Document,
    /// Where the container stands in the document: `spec`, `spec/hooks/0`.
    pub(crate) path: &'a str,
    pub(crate) uses: &'a [SecretUseSpec],
    pub(crate) volumes: &'a [VolumeSpec],
    /// The names of its variables.
    pub(crate) env: BTreeSet<&'a str>,
}

impl Wishes<'_> {
    /// What the container gets; what is wrong with it is told.
    pub(crate) fn resolve(&self, secrets: &Secrets, out: &mut Vec<Diagnostic>) -> Vec<SecretUse> {
        let mut resolved: Vec<SecretUse> = Vec::new();
        let mut files: Vec<(usize, String)> = Vec::new();
        let mut variables: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, used) in self.uses.iter().enumerate() {
            let by_default = || used.env.is_none().then(|| format!("{DEFAULT_FOLDER}/{}", used.name));
            let file = used.file.clone().or_else(by_default);
            if let Some(file) = &file {
                out.extend(self.check_file(index, file, &files));
                files.push((index, file.clone()));
            }
            if let Some(env) = &used.env {
                out.extend(self.check_variable(index, env, variables.insert(env, index)));
            }
            // That there is none of this name was told with the references.
            if let Some(sealed) = secrets.get(&used.name) {
                resolved.push(SecretUse {
                    name: used.name.clone(),
                    sealed: sealed.clone(),
                    env: used.env.clone(),
                    file,
                });
            }
        }
        resolved
    }

    fn check_file(&self, index: usize, file: &str, before: &[(usize, String)]) -> Option<Diagnostic> {
        let place = |index: usize| {
            let key = if self.uses[index].file.is_some() { "file" } else { "name" };
            self.document.spot_of(&format!("{}/secrets/{index}/{key}", self.path))
        };
        let refuse = |why: String| Diagnostic::new(Code::PATH, &place(index), why);
        let is_clean = file.len() > 1
            && file[1..].split('/').all(|part| !matches!(part, "" | "." | ".."))
            && !file.contains([':', '\n', '\0']);
        if !is_clean {
            return Some(
                refuse(format!("`{file}` is no path of a file: it has an empty part, `.`, `..` or `:` in it"))
                    .hint("write the path straight out, without a `/` at its end"),
            );
        }
        if let Some(folder) = TAKEN.into_iter().find(|folder| is_at_or_below(file, folder)) {
            return Some(
                refuse(format!("a secret cannot be put at `{file}`: `{folder}` is not a container's own"))
                    .hint(format!("choose another path, such as {DEFAULT_FOLDER}/{}", self.uses[index].name)),
            );
        }
        let meets = |other: &str| is_at_or_below(file, other) || is_at_or_below(other, file);
        if let Some((first, _)) = before.iter().find(|(_, other)| meets(other)) {
            let error = refuse(format!("two secrets are at `{file}`, or one is below the other"));
            return Some(error.related(&place(*first), "first here").hint("give one of them another `file`"));
        }
        let volume = self.volumes.iter().position(|volume| meets(volume.path.trim_end_matches('/')))?;
        let error = refuse(format!(
            "`{file}` is in the volume `{}`, where a trace of it would stay",
            self.volumes[volume].name
        ));
        let spot = self.document.spot_of(&format!("{}/volumes/{volume}/path", self.path));
        Some(error.related(&spot, "the volume").hint("choose a `file` outside of it"))
    }

    fn check_variable(&self, index: usize, name: &str, before: Option<usize>) -> Option<Diagnostic> {
        let place = |index: usize| self.document.spot_of(&format!("{}/secrets/{index}/env", self.path));
        let refuse = |why: String| Diagnostic::new(Code::ENV_NAME, &place(index), why);
        if name.starts_with("PROVOST_") {
            let why = format!("`{name}`: names beginning with PROVOST_ are Provost's own");
            return Some(refuse(why).hint("choose another name"));
        }
        if let Some(first) = before {
            let error = refuse(format!("two secrets are the variable `{name}`"));
            return Some(error.related(&place(first), "first here").hint("give one of them another `env`"));
        }
        let why = format!("`{name}` is among the container's `env` already");
        self.env.contains(name).then(|| refuse(why).hint("remove it there, or choose another name here"))
    }
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armour_is_told_from_what_is_none() {
        let body = format!("{VERSION}{}", "A".repeat(36));
        let armour = |body: &str| format!("{HEAD}\n{body}\n{FOOT}\n");
        assert_eq!(unsealed(&armour(&format!("{body}\nAAA="))), None);
        let check = |text: &str, part: &str| {
            let why = unsealed(text).unwrap_or_default();
            assert!(why.contains(part), "{text}: {why}");
        };
        check("hunter2", "one line only");
        check(&format!("{HEAD}\n{body}\n"), "its last line");
        check(&format!("{body}\n{FOOT}\n"), "its first line");
        check(&armour(&format!("{body}\nA{{A}}")), "its line 3 is not base64");
        check(&armour(""), "cut or changed");
        check(&armour(&body[..40]), "");
        check(&armour(&format!("{}\nAAA=", &body[..60])), "cut or changed");
        check(&armour(&"A".repeat(64)), "cut or changed");
    }

    #[test]
    fn below_is_by_whole_names() {
        assert!(is_at_or_below("/proc/1", "/proc") && is_at_or_below("/proc", "/proc"));
        assert!(!is_at_or_below("/process", "/proc"));
    }
}
