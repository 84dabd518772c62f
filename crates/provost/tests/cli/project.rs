//! `init` and `new`: what they write validates untouched.

use std::fs::read_to_string;

use crate::support::provost_in;

#[test]
fn a14_a_new_project_validates_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let ran = provost_in(folder.path(), &["init", "shop"]).exits(0);
    assert_eq!(ran.out, "shop/policies/shop.yaml\nshop/automations/hello.yaml\nshop/README.md\nshop/schema\n");
    assert!(ran.err.contains("next: provost dev shop"), "{}", ran.err);
    provost_in(folder.path(), &["validate", "shop", "--strict"]).exits(0);
}

#[test]
fn a14_every_template_validates_untouched() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["automation", "policy", "plugin", "channel"] {
        provost_in(folder.path(), &["new", kind, "first"]).exits(0);
        provost_in(folder.path(), &["new", kind, "second"]).exits(0);
    }
    // Two policies of one order must not set one value twice: the second gets its own.
    let ran = provost_in(folder.path(), &["validate"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let text = read_to_string(folder.path().join("automations/first.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=../schema/manifest.json\n"));
    assert!(text.contains("name: first\n") && !text.contains("NAME") && !text.contains("VERSION"), "{text}");
}

#[test]
fn a14_a_project_with_a_flake_is_called_by_its_name_and_validates_untouched() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["automation", "policy", "plugin"] {
        let name = format!("nightly-{kind}");
        let ran = provost_in(folder.path(), &["new", kind, &name, "--nix"]).exits(0);
        let files = ["flake.nix", "program.nix", "package.toml", &format!("manifests/{name}.yaml")];
        let expected: String = files.iter().map(|file| format!("./{name}/{file}\n")).collect();
        assert_eq!(ran.out, expected);
        for file in files {
            let text = read_to_string(folder.path().join(&name).join(file)).unwrap();
            assert!(text.contains(&name) && !text.contains("my-"), "{file}: {text}");
        }
        provost_in(folder.path(), &["validate", &format!("{name}/manifests")]).exits(0);
        // Only the image is missing, which Nix builds.
        let ran = provost_in(folder.path(), &["package", &name]);
        assert!(ran.code != 0 && ran.err.contains(&format!("images/{name}.tar cannot be read")), "{}", ran.err);
    }
    let ran = provost_in(folder.path(), &["new", "policy", "nightly-policy", "--nix"]).exits(1);
    assert!(ran.err.contains("is there already; nothing was changed"), "{}", ran.err);
    let ran = provost_in(folder.path(), &["new", "channel", "ops", "--nix"]).exits(2);
    assert!(ran.err.contains("leave it out"), "{}", ran.err);
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    provost_in(folder.path(), &["init"]).exits(0);
    let before = read_to_string(folder.path().join("policies/shop.yaml")).unwrap();
    std::fs::remove_file(folder.path().join("README.md")).unwrap();
    let ran = provost_in(folder.path(), &["init"]).exits(1);
    assert!(ran.err.contains("is there already; nothing was changed"), "{}", ran.err);
    assert!(!folder.path().join("README.md").exists(), "nothing was changed");
    provost_in(folder.path(), &["new", "policy", "shop"]).exits(1);
    assert_eq!(read_to_string(folder.path().join("policies/shop.yaml")).unwrap(), before);
}

#[test]
fn a_bad_name_is_refused_with_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Nightly", "a_b", "-a", "../a", ""] {
        let ran = provost_in(folder.path(), &["new", "automation", "--", name]).exits(2);
        assert!(ran.err.contains("name"), "{}", ran.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
