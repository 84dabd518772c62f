use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn holds(text: &str, spec: Value) -> Result<bool, String> {
    Expr::parse(text).map_err(|error| format!("@{} {error}", error.offset))?.holds(&BTreeMap::from([("spec", spec)]))
}

#[test]
fn rules_read_the_manifest() {
    let spec = json!({"image": "registry.example.org/a:1", "retries": {"limit": 2}, "locks": ["a", "b"]});
    for yes in [
        "spec.image.startsWith('registry.example.org/')",
        "spec.retries.limit + 1 == 3",
        "spec.retries.limit - 5 < 0",
        "spec.retries.limit * 2 == 4 && spec.retries.limit % 2 == 0",
        "spec.locks.exists(l, l == 'b')",
        "!has(spec.timeout)",
        "size(spec.locks) == 2",
        "spec.image.matches('^registry[.]')",
    ] {
        assert_eq!(holds(yes, spec.clone()), Ok(true), "{yes}");
    }
    assert_eq!(holds("spec.image == 'x'", spec), Ok(false));
}

#[test]
fn errors_say_what_to_do() {
    let missing = holds("spec.timeout == '1h'", json!({})).unwrap_err();
    assert!(missing.contains("`timeout`") && missing.contains("has("), "{missing}");
    assert_eq!(holds("1 + 1", json!({})).unwrap_err(), "gives a number, not true or false");
    assert!(holds("nobody == 1", json!({})).unwrap_err().contains("`nobody`"));
}

#[test]
fn syntax_errors_have_a_place() {
    for (text, at) in [("spec.a == ", 10), ("spec.a ==\n== 2", 10), ("'ä' + ", 7), ("a b", 2)] {
        let error = Expr::parse(text).unwrap_err();
        assert_eq!(error.offset, at, "{text:?}: {error}");
        assert!(!error.message.contains("expecting"), "{error}");
    }
}

#[test]
fn what_is_too_large_is_refused_not_tried() {
    let sum = vec!["1"; 900].join("+") + " == 1";
    let deep = format!("{}1{} == 1", "(".repeat(200), ")".repeat(200));
    let not = format!("{}true", "!".repeat(1500));
    let long = format!("'{}' == ''", "x".repeat(LENGTH_MAX));
    let loops = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))";
    for text in [sum.as_str(), &deep, &not, &long, loops, "", "  ", "a\0b"] {
        assert!(Expr::parse(text).is_err(), "{:.40}", text);
    }
}

#[test]
fn cost_is_bounded_by_the_values() {
    let nested = Expr::parse("spec.all(a, spec.all(b, spec.all(c, a + b + c >= 0)))").unwrap();
    let list = |n: usize| BTreeMap::from([("spec", json!(vec![1; n]))]);
    assert_eq!(nested.holds(&list(8)), Ok(true));
    assert!(nested.holds(&list(10_000)).unwrap_err().contains("too long"));
}

#[test]
fn the_largest_allowed_expression_fits_a_small_stack() {
    let sum = format!("{} == 98", vec!["1"; 98].join("+"));
    let brackets = format!("{}1{} == 1", "(".repeat(32), ")".repeat(32));
    let lists = format!("size({}1{}) == 1", "[".repeat(31), "]".repeat(31));
    for text in [sum, brackets, lists] {
        let small_stack = std::thread::Builder::new().stack_size(1024 * 1024);
        let answer = small_stack.spawn(move || holds(&text, json!({}))).unwrap().join().unwrap();
        assert_eq!(answer, Ok(true));
    }
}

#[test]
fn variables_are_listed() {
    let expr = Expr::parse("data.count > 0 && spec.locks.all(l, l != event)").unwrap();
    let names = expr.variables();
    for wanted in ["data", "spec", "event"] {
        assert!(names.iter().any(|name| name == wanted), "{names:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-a-c0-9+*/%!?.,:<>=&|()\\[\\]{}'\" \\\\]{0,80}") {
        if let Ok(expr) = Expr::parse(&text) {
            let _ = expr.holds(&BTreeMap::from([("a", json!({"b": [1, 2]})), ("b", json!(1))]));
        }
    }
}
