//! What holds where nobody says anything.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The built-in defaults, by their path below `spec`.
static VALUES: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    vec![
        ("timeZone", json!("UTC")),
        ("timeout", json!("1h")),
        ("gracePeriod", json!("10s")),
        ("retries.limit", json!(0)),
        ("retries.backoff", json!("30s")),
        ("retries.maxBackoff", json!("10m")),
        ("concurrencyPolicy", json!("Forbid")),
        ("queueLimit", json!(1)),
        ("catchUp", json!("Last")),
        ("lateAfter", json!("1m")),
        ("pullPolicy", json!("IfNotPresent")),
        ("readOnlyRoot", json!(true)),
        ("dropCapabilities", json!(["ALL"])),
        ("addCapabilities", json!([])),
        ("userNamespace", json!(false)),
        ("network", json!("None")),
        ("resources.cpu", json!("1")),
        ("resources.memory", json!("512Mi")),
        ("resources.pids", json!(256)),
        ("history.keep", json!("90d")),
        ("history.keepLast", json!(100)),
        ("history.logs", json!("30d")),
        ("history.logSize", json!("50Mi")),
    ]
});

/// How long a hook may take that does not say.
pub(crate) const HOOK_TIMEOUT_S: u64 = 300;

/// From SIGTERM to SIGKILL, for a hook that does not say.
pub(crate) const HOOK_GRACE_S: u64 = 10;

/// How long one delivery may take, for a channel that does not say.
pub(crate) const CHANNEL_TIMEOUT_S: u64 = 30;

/// The defaults, by their path below `spec`; those of `history` are a policy's.
pub(crate) fn values() -> &'static [(&'static str, Value)] {
    &VALUES
}

/// Whether a path is of a field that every container has: hooks and channels too.
pub(crate) fn is_container_field(path: &str) -> bool {
    let first = path.split('.').next().unwrap_or(path);
    matches!(
        first,
        "pullPolicy"
            | "env"
            | "user"
            | "readOnlyRoot"
            | "dropCapabilities"
            | "addCapabilities"
            | "userNamespace"
            | "network"
            | "resources"
    )
}

/// Whether a path is of a field that policies may default and enforce.
pub(crate) fn is_setting(path: &str) -> bool {
    let first = path.split('.').next().unwrap_or(path);
    let runs = [
        "timeZone",
        "timeout",
        "gracePeriod",
        "retries",
        "concurrencyPolicy",
        "queueLimit",
        "catchUp",
        "startDeadline",
        "lateAfter",
    ];
    is_container_field(first) || runs.contains(&first)
}
