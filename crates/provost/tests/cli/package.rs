//! Packages, from a folder through a registry into another project.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use provost_testkit::Registry;

use crate::support::{Ran, provost, provost_in};

const PLUGIN: &str = "apiVersion: provost/v1\nkind: Plugin\nmetadata: {name: warehouse}\n\
    spec: {image: \"registry.example.org/warehouse:2\", hooks: [{name: index, event: run.succeeded}]}\n";

fn put(folder: &Path, path: &str, text: &str) {
    let place = folder.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

/// A folder with a plugin, an image and this much more in its definition.
fn project(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let definition = format!("name = \"warehouse\"\nversion = \"1.2.0\"\nimages = [\"images/tool.tar\"]\n{more}");
    put(folder.path(), "package.toml", &definition);
    put(folder.path(), "plugins/warehouse.yaml", PLUGIN);
    put(folder.path(), "README.md", "How to");
    put(folder.path(), "images/tool.tar", "an image archive");
    folder
}

fn digest(ran: &Ran) -> String {
    ran.out.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a15_same_input_same_digest_one_archive() {
    let (one, two) = (project(""), project(""));
    let first = provost_in(one.path(), &["package", "."]).exits(0);
    let second = provost_in(two.path(), &["package", "."]).exits(0);
    assert_eq!(first.out, second.out);
    assert!(first.out.ends_with("  warehouse-1.2.0.tar\n"), "{}", first.out);
    let bytes = |folder: &Path| fs::read(folder.join("warehouse-1.2.0.tar")).unwrap();
    assert_eq!(bytes(one.path()), bytes(two.path()));
    put(two.path(), "plugins/warehouse.yaml", &PLUGIN.replace(":2", ":3"));
    assert_ne!(digest(&provost_in(two.path(), &["package", "."]).exits(0)), digest(&first));
}

#[test]
fn a15_a_package_goes_through_a_registry_and_keeps_its_digest() {
    let registry = Registry::start();
    let place = registry.place("team/warehouse:1.2.0");
    let made = project("");
    let packed = provost_in(made.path(), &["package", "."]).exits(0);
    let archive = made.path().join("warehouse-1.2.0.tar").display().to_string();
    let pushed = provost(&["package", "push", &archive, &place, "--plain-http"]).exits(0);
    assert_eq!(digest(&pushed), digest(&packed));

    let other = tempfile::tempdir().unwrap();
    let pulled = provost_in(other.path(), &["package", "pull", &place, "--plain-http"]).exits(0);
    assert_eq!(pulled.out, packed.out);
    assert_eq!(fs::read(other.path().join("warehouse-1.2.0.tar")).unwrap(), fs::read(&archive).unwrap());
    provost_in(other.path(), &["package", "install", &place, "--plain-http"]).exits(0);
    assert_eq!(fs::read_to_string(other.path().join("plugins/warehouse.yaml")).unwrap(), PLUGIN);
    assert_eq!(fs::read_to_string(other.path().join("images/tool.tar")).unwrap(), "an image archive");
    provost_in(other.path(), &["validate"]).exits(0);
}

#[test]
fn what_is_not_there_is_said_with_the_place() {
    let registry = Registry::start();
    let place = registry.place("team/nothing:1");
    let ran = provost(&["package", "pull", &place, "--plain-http"]).exits(1);
    assert!(ran.err.contains("team/nothing:1"), "{}", ran.err);
    let ran = provost(&["package", "show", "nothing.tar"]).exits(5);
    assert!(ran.err.contains("nothing.tar cannot be read"), "{}", ran.err);
    let empty = tempfile::tempdir().unwrap();
    let ran = provost_in(empty.path(), &["package", "."]).exits(5);
    assert!(ran.err.contains("package.toml") && ran.err.contains("help: "), "{}", ran.err);
    put(empty.path(), "package.toml", "name = \"x\"\nversion = \"1\"\nfilez = []\n");
    let ran = provost_in(empty.path(), &["package", "."]).exits(1);
    assert!(ran.err.contains("unknown field `filez`") && ran.err.contains("line 3"), "{}", ran.err);
}

#[test]
fn a33_what_was_edited_here_is_not_overwritten_without_consent() {
    let made = project("");
    provost_in(made.path(), &["package", "."]).exits(0);
    let first = made.path().join("warehouse-1.2.0.tar").display().to_string();
    let shop = tempfile::tempdir().unwrap();
    provost_in(shop.path(), &["package", "install", &first]).exits(0);
    let mine = PLUGIN.replace("metadata: {name: warehouse}", "metadata: {name: warehouse, description: mine}");
    put(shop.path(), "plugins/warehouse.yaml", &mine);

    put(made.path(), "plugins/warehouse.yaml", &PLUGIN.replace(":2", ":3"));
    provost_in(made.path(), &["package", "."]).exits(0);
    let ran = provost_in(shop.path(), &["package", "install", &first]).exits(0);
    assert!(ran.out.contains("was edited here and stays"), "{}", ran.text());
    assert_eq!(fs::read_to_string(shop.path().join("plugins/warehouse.yaml")).unwrap(), mine);
    assert!(shop.path().join("plugins/warehouse.yaml.new").exists());
    provost_in(shop.path(), &["validate"]).exits(0);
    provost_in(shop.path(), &["package", "install", &first, "--replace"]).exits(0);
    assert!(fs::read_to_string(shop.path().join("plugins/warehouse.yaml")).unwrap().contains("warehouse:3"));
}

#[test]
fn b37_the_archive_holds_exactly_the_mapped_names() {
    let map = "[[files]]\nfrom = \"build.zip\"\ninclude = [\"dist/**\"]\nexclude = [\"**/*.tmp\"]\n\
        removePrefix = \"dist/\"\nprefix = \"plugins/\"\n[[files]]\ninclude = [\"*.md\"]\nprefix = \"docs/\"\n";
    let made = project(map);
    let mut zip = zip::ZipWriter::new(fs::File::create(made.path().join("build.zip")).unwrap());
    for (path, text) in [("dist/warehouse.yaml", PLUGIN), ("dist/x.tmp", ""), ("src/main.rs", "")] {
        zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    provost_in(made.path(), &["package", ".", "--write", "out/p.tar"]).exits(0);
    let shown = provost_in(made.path(), &["package", "show", "out/p.tar"]).exits(0);
    let files: Vec<&str> =
        shown.out.lines().filter_map(|line| line.strip_prefix("file   ")?.split_whitespace().next()).collect();
    assert_eq!(files, ["docs/README.md", "plugins/warehouse.yaml"]);
}
