//! The demo shop: the example shop of `manifests/`, for a folder that has none.

use std::path::Path;

use crate::exit::Failure;

macro_rules! shop {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../manifests/", $name)))),*]
    };
}

/// Every file of the shop, by its path in the folder.
const FILES: &[(&str, &str)] = shop![
    "policies/shop.yaml",
    "policies/finance.yaml",
    "automations/heartbeat.yaml",
    "automations/flaky.yaml",
    "automations/daily-report.yaml",
    "automations/extract.yaml",
    "automations/load.yaml",
    "plugins/warehouse.yaml",
    "channels/ops.yaml",
];

/// Writes the shop into `folder`, with the schemas that its first lines name; what is there stays.
pub fn write(folder: &Path) -> Result<(), Failure> {
    let schema = |(name, schema): (String, serde_json::Value)| {
        Ok((format!("schema/{name}"), serde_json::to_string_pretty(&schema).map_err(Failure::no)? + "\n"))
    };
    let schemas: Vec<(String, String)> =
        provost_manifest::schemas().into_iter().map(schema).collect::<Result<_, Failure>>()?;
    // In a folder of its own, the schemas are one folder nearer.
    let files = FILES.iter().map(|(name, text)| ((*name).to_owned(), text.replace("../../schema/", "../schema/")));
    for (name, text) in files.chain(schemas) {
        let path = folder.join(&name);
        let parent = path.parent().unwrap_or(folder);
        let written = std::fs::create_dir_all(parent)
            .and_then(|()| if path.exists() { Ok(()) } else { std::fs::write(&path, text) });
        written.map_err(|error| Failure::no(format!("{} cannot be written: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use provost_manifest::{ServerFacts, SourceFile, compile};
    use provost_model::RevisionId;

    use super::*;

    #[test]
    fn the_shop_has_no_errors_and_every_hook_place() {
        let file =
            |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() };
        let files: Vec<SourceFile> = FILES.iter().map(file).collect();
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let compiled = compile(&files, &ServerFacts::default(), RevisionId::parse("demo").unwrap(), now);
        let report = compiled.report(provost_manifest::Style::Plain);
        let desired = compiled.desired.expect(&report);
        assert_eq!(desired.automations.len(), 5);
        let bound: Vec<&str> = desired.automations["heartbeat"]
            .hooks
            .iter()
            .chain(&desired.hooks)
            .map(|hook| hook.event.as_str())
            .collect();
        let places = provost_model::OWN_EVENTS
            .iter()
            .filter(|event| !event.starts_with("drift.") && !event.starts_with("service."))
            .filter(|event| **event != "revision.received");
        for event in places {
            assert!(bound.contains(event), "no hook is bound to {event}");
        }
        assert!(!desired.automations["load"].triggers.is_empty());
    }

    #[test]
    fn every_file_of_the_shop_is_in_the_demo() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests");
        let mut found = Vec::new();
        for folder in std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
        {
            let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            found.extend(files.map(|file| file.strip_prefix(&root).unwrap().display().to_string()));
        }
        let mut known: Vec<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        found.sort();
        known.sort();
        assert_eq!(found, known);
    }
}
