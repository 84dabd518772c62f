use std::collections::BTreeMap;
use std::sync::LazyLock;

use provost_expr::Expr;
use serde_json::{Value, json};

static VARIABLES: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    let spec = json!({
        "image": "registry.example.org/report:1", "retries": {"limit": 2}, "locks": ["warehouse", "till"],
        "env": {"A": "1", "ß": ""}, "limits": {"memory": 2_147_483_648_u64, "cpu": 0.5},
    });
    let data =
        json!({"count": -3, "items": (0..50).collect::<Vec<_>>(), "none": null, "deep": {"a": {"b": {"c": [[[]]]}}}});
    BTreeMap::from([("spec", spec), ("data", data), ("labels", json!({"team": "finance"})), ("name", json!("report"))])
});

/// A condition: refused with a place in the text, or answered.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Expr::parse(text) {
        Err(error) => {
            assert!(error.offset <= text.len(), "{error:?} in {text:?}");
            assert!(!error.message.is_empty());
        }
        Ok(expression) => {
            expression.variables();
            let first = expression.holds(&VARIABLES);
            assert_eq!(first, expression.holds(&VARIABLES), "the same question has the same answer");
        }
    }
}
