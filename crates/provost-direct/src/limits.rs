//! What a container may use, in the words of both versions of control groups.
//!
//! On version 2 the runtime sets limits, as the bundle says. On version 1 the shim writes them itself: the library would
//! move processes in a way that makes the whole machine wait.

use bollard::models::HostConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long the kernel counts what a container may use of the processors, in microseconds.
const CPU_PERIOD_US: i64 = 100_000;
/// The devices that every container has, and what may be done with others: they can be made, and not opened. What a
/// terminal is made of is among them.
const DEVICES: &[&str] = &[
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
    "c 10:200 rwm",
];

/// The file that limits memory and swap together.
pub(crate) const SWAP: &str = "memory.memsw.limit_in_bytes";

/// A line for a file of a control group of version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limit {
    /// What limits: `memory`.
    pub(crate) controller: String,
    /// `memory.limit_in_bytes`
    pub(crate) file: String,
    pub(crate) value: String,
}

/// The bundle's `linux.resources`, for version 2. What is 0 or absent is not limited; swap is not added to memory.
pub(crate) fn unified(host: &HostConfig) -> Value {
    let mut resources = json!({"devices": [{"allow": false, "access": "rwm"}]});
    if let Some(pids) = host.pids_limit {
        resources["pids"] = json!({"limit": pids});
    }
    if let Some(memory) = host.memory {
        resources["memory"] = json!({"limit": memory, "swap": host.memory_swap.unwrap_or(memory)});
    }
    if let Some(quota) = quota_us(host) {
        resources["cpu"] = json!({"period": CPU_PERIOD_US, "quota": quota});
    }
    resources
}

/// The same for version 1, in the order in which it has to be written.
pub(crate) fn by_controller(host: &HostConfig) -> Vec<Limit> {
    let mut limits = Vec::new();
    let mut add = |controller: &str, file: &str, value: String| {
        let file = format!("{controller}.{file}");
        limits.push(Limit { controller: controller.to_owned(), file, value });
    };
    add("devices", "deny", "a *:* rwm".to_owned());
    for device in DEVICES {
        add("devices", "allow", (*device).to_owned());
    }
    if let Some(pids) = host.pids_limit {
        add("pids", "max", if pids > 0 { pids.to_string() } else { "max".to_owned() });
    }
    if let Some(memory) = host.memory {
        add("memory", "limit_in_bytes", memory.to_string());
        add("memory", "memsw.limit_in_bytes", host.memory_swap.unwrap_or(memory).to_string());
    }
    if let Some(quota) = quota_us(host) {
        add("cpu", "cfs_period_us", CPU_PERIOD_US.to_string());
        add("cpu", "cfs_quota_us", quota.to_string());
    }
    limits
}

fn quota_us(host: &HostConfig) -> Option<i64> {
    let quota = (i128::from(host.nano_cpus?) * i128::from(CPU_PERIOD_US) / 1_000_000_000).max(1_000);
    Some(i64::try_from(quota).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_that_were_asked_for() {
        let host = HostConfig {
            memory: Some(1 << 20),
            memory_swap: Some(1 << 20),
            nano_cpus: Some(1_500_000_000),
            pids_limit: Some(64),
            ..HostConfig::default()
        };
        let limits = unified(&host);
        assert_eq!(limits["cpu"], json!({"period": 100_000, "quota": 150_000}));
        assert_eq!((&limits["memory"]["swap"], &limits["pids"]["limit"]), (&json!(1 << 20), &json!(64)));
        assert_eq!(unified(&HostConfig::default()).as_object().map(serde_json::Map::len), Some(1));
        let lines = |host: &HostConfig| {
            let lines = by_controller(host).into_iter().filter(|limit| limit.controller != "devices");
            lines.map(|limit| format!("{} {}", limit.file, limit.value)).collect::<Vec<_>>()
        };
        let expected = [
            "pids.max 64",
            "memory.limit_in_bytes 1048576",
            "memory.memsw.limit_in_bytes 1048576",
            "cpu.cfs_period_us 100000",
            "cpu.cfs_quota_us 150000",
        ];
        assert_eq!(lines(&host), expected);
        assert_eq!(lines(&HostConfig::default()), Vec::<String>::new());
    }

    #[test]
    fn no_device_can_be_opened_that_is_not_named() {
        let limits = by_controller(&HostConfig::default());
        assert_eq!((limits[0].file.as_str(), limits[0].value.as_str()), ("devices.deny", "a *:* rwm"), "first of all");
        let open = limits[1..].iter().filter(|limit| limit.value.contains("*:*"));
        assert!(open.into_iter().all(|limit| limit.value.ends_with("*:* m")));
    }
}
