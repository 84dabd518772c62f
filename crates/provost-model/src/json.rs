//! Deep merging of JSON objects, as locals and globals need it.

use serde_json::Value;

use crate::JsonMap;

/// Merges `patch` into `base`: objects key by key at every depth, everything else is replaced (E1).
///
/// A `null` in `patch` removes the key, so that a hook can take back what it set (RFC 7396).
pub fn deep_merge(base: &mut JsonMap, patch: &JsonMap) {
    for (key, value) in patch {
        match (base.get_mut(key), value) {
            (_, Value::Null) => drop(base.remove(key)),
            (Some(Value::Object(below)), Value::Object(patch)) => deep_merge(below, patch),
            (_, Value::Object(patch)) => {
                let mut fresh = JsonMap::new();
                deep_merge(&mut fresh, patch); // Nothing to take back below: its nulls go.
                base.insert(key.clone(), Value::Object(fresh));
            }
            (_, value) => drop(base.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> JsonMap {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn e1_updating_a_nested_key_keeps_its_siblings() {
        let mut base = object(r#"{"a": {"x": 1, "y": 2}, "b": [1]}"#);
        deep_merge(&mut base, &object(r#"{"a": {"y": 3}, "b": [2], "c": 4}"#));
        assert_eq!(base, object(r#"{"a": {"x": 1, "y": 3}, "b": [2], "c": 4}"#));
    }

    #[test]
    fn e1_null_removes_a_key() {
        let mut base = object(r#"{"a": {"x": 1, "y": 2}}"#);
        deep_merge(&mut base, &object(r#"{"a": {"y": null}}"#));
        assert_eq!(base, object(r#"{"a": {"x": 1}}"#));
    }

    #[test]
    fn e1_a_null_is_never_kept_at_any_depth() {
        let mut base = object(r#"{"a": 1}"#);
        deep_merge(&mut base, &object(r#"{"a": {"x": {"y": null, "z": 1}}, "b": {"c": null}, "d": null}"#));
        assert_eq!(base, object(r#"{"a": {"x": {"z": 1}}, "b": {}}"#));
    }
}
