//! The list of what is refused names tests that are there.

use crate::support::repository;

#[test]
fn every_refusal_of_the_list_has_its_test() {
    let list = std::fs::read_to_string(repository("tests/security.md")).unwrap();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |")?.rsplit_once(" | `"));
    let rows: Vec<(&str, &str)> = rows.collect();
    let marks = list.matches("::").count() - list.matches("`ext::`").count() - list.matches("`fd::`").count();
    assert_eq!(rows.len(), marks, "a row is not written as the others are");
    assert!(rows.len() > 70, "{}", rows.len());
    let missing: Vec<&str> = rows.iter().filter(|(_, test)| !is_there(test)).map(|(what, _)| *what).collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

/// Whether `file.rs::name` is a test.
fn is_there(test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let text = std::fs::read_to_string(repository(file)).unwrap_or_default();
    text.contains(&format!("fn {name}("))
}
