//! Networks that the machine names: lists of plugins in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use provost_model::PortMapping;
use serde_json::{Value, json};

use super::cni::takes_ports;
use super::{NetworkFolders, PACKAGES, missing};

/// The list of the network `name`. A file with one plugin is a list of it.
///
/// Errors: there is none, with what to do. Source: CNI 1.0, "Section 1: Network configuration format".
pub(super) fn read(name: &str, folders: &NetworkFolders) -> Result<Value, String> {
    let mut problems = Vec::new();
    for path in files(&folders.lists) {
        let read = fs::read(&path).map_err(|error| error.to_string());
        match read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string())) {
            Ok(found) if found["name"] == name => return as_list(found, &path),
            Ok(_) => {}
            Err(error) => problems.push(format!("; {} cannot be read: {error}", path.display())),
        }
    }
    let lists = folders.lists.display();
    Err(format!(
        "there is no network `{name}`: put a list of CNI plugins with that `name` into {lists} (a file `{name}.conflist`), or set \
         `network: Shared`{}",
        problems.concat()
    ))
}

/// The files with lists, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let is_list =
        |path: &PathBuf| path.extension().is_some_and(|kind| kind == "conflist" || kind == "conf" || kind == "json");
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(is_list).collect();
    files.sort();
    files
}

fn as_list(found: Value, path: &Path) -> Result<Value, String> {
    let version = found.get("cniVersion").cloned().unwrap_or_else(|| json!("0.2.0"));
    if found["type"].is_string() {
        return Ok(json!({"name": found["name"], "cniVersion": version, "plugins": [found]}));
    }
    match found["plugins"].as_array() {
        Some(plugins) if !plugins.is_empty() => {
            Ok(json!({"name": found["name"], "cniVersion": version, "plugins": plugins}))
        }
        _ => Err(format!(
            "the file {} has neither `plugins` nor a `type`; write a list of plugins into it",
            path.display()
        )),
    }
}

/// Whether a list can be used for a container with these ports.
pub(super) fn check(name: &str, list: &Value, ports: &[PortMapping], folders: &NetworkFolders) -> Result<(), String> {
    let plugins: Vec<&Value> = list["plugins"].as_array().into_iter().flatten().collect();
    let address_plugins = plugins.iter().filter_map(|plugin| plugin["ipam"]["type"].as_str());
    let types = plugins.iter().map(|plugin| plugin["type"].as_str().unwrap_or("without a type")).chain(address_plugins);
    // A type is the name of a file, and not a path to one.
    if let Some(path) = types.clone().find(|kind| kind.contains('/')) {
        return Err(format!("the network `{name}` has the plugin `{path}`, which is a path; name a plugin"));
    }
    let missing = missing(&folders.plugins, types);
    if !missing.is_empty() {
        return Err(format!(
            "the network `{name}` needs plugins that are not installed: {} ({PACKAGES})",
            missing.join(", ")
        ));
    }
    if !ports.is_empty() && !plugins.iter().any(|plugin| takes_ports(plugin)) {
        return Err(format!(
            "the network `{name}` publishes no ports: add {{\"type\": \"portmap\", \"capabilities\": {{\"portMappings\": true}}}} to \
             its list, or leave `ports` out"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(files: &[(&str, Value)]) -> (tempfile::TempDir, NetworkFolders) {
        let folder = tempfile::tempdir().unwrap();
        for (name, list) in files {
            fs::write(folder.path().join(name), list.to_string()).unwrap();
        }
        fs::write(folder.path().join("bridge"), "").unwrap();
        let path = folder.path().to_path_buf();
        (folder, NetworkFolders { plugins: vec![path.clone()], lists: path })
    }

    #[test]
    fn a_network_is_found_by_its_name_and_not_by_its_file() {
        let list = json!({"name": "backend", "cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]});
        let (_folder, folders) = folders(&[
            ("10-a.conflist", list.clone()),
            ("20-b.conf", json!({"name": "single", "type": "bridge"})),
            ("30-c.conflist", json!({"name": "empty"})),
            ("other.txt", json!({"name": "other", "type": "bridge"})),
        ]);
        assert_eq!(read("backend", &folders), Ok(list));
        assert_eq!(read("single", &folders).unwrap()["plugins"][0]["type"], "bridge");
        assert!(read("empty", &folders).unwrap_err().contains("neither `plugins`"));
        assert!(read("other", &folders).unwrap_err().contains("`other.conflist`"));
    }

    #[test]
    fn a_list_that_cannot_work_is_refused_with_what_to_do() {
        let (_folder, folders) = folders(&[]);
        let check = |plugins: Value, ports: &[PortMapping]| check("n", &json!({"plugins": plugins}), ports, &folders);
        let ports = ["80:80".parse().unwrap()];
        assert_eq!(check(json!([{"type": "bridge"}]), &[]), Ok(()));
        assert!(check(json!([{"type": "bridge"}]), &ports).unwrap_err().contains("portmap"));
        let addresses = json!([{"type": "bridge", "ipam": {"type": "host-local"}}]);
        assert!(check(addresses, &[]).unwrap_err().contains("not installed: host-local"));
        assert!(check(json!([{"type": "../bridge"}]), &[]).unwrap_err().contains("is a path"));
    }
}
