//! What an engine shows of a container, read with tolerance.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_model::{ContainerName, ContainerSeen, LABEL_INSTANCE, Life};
use serde::Deserialize;

use crate::labels::seen;

/// The answer to an inspect request. Source: Docker Engine API 1.41, `ContainerInspect`; Podman's has more states.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    #[serde(rename = "Id")]
    pub(super) id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: State,
    #[serde(default)]
    config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    status: String,
    #[serde(default)]
    running: bool,
    #[serde(default)]
    exit_code: i64,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    finished_at: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// One line of the answer to a list request.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(rename = "Id")]
    pub(super) id: String,
}

/// A container, whosever it is.
#[derive(Debug)]
pub(super) struct Found {
    /// What it shows.
    pub(super) seen: ContainerSeen,
    /// All of its labels.
    pub(super) labels: BTreeMap<String, String>,
}

impl Found {
    /// The instance that it says it belongs to.
    pub(super) fn instance(&self) -> Option<&str> {
        self.labels.get(LABEL_INSTANCE).map(String::as_str)
    }
}

impl Inspected {
    /// The container; nothing if it is as good as gone, or has a name that no engine gives.
    pub(super) fn found(self) -> Option<Found> {
        let life = self.state.life()?;
        let labels = self.config.labels.unwrap_or_default();
        let name = ContainerName::parse(self.name.trim_start_matches('/')).ok()?;
        Some(Found { seen: seen(name, self.id, &labels, life), labels })
    }
}

impl State {
    /// What it does; nothing while it is being removed.
    fn life(self) -> Option<Life> {
        let (started_at, finished_at) = (self.started_at(), self.finished_at());
        match self.status.as_str() {
            "removing" => None,
            // Podman: `configured` before, `initialized` just before the start.
            "created" | "configured" | "initialized" => Some(Life::Created),
            "running" | "paused" | "restarting" | "stopping" => Some(Life::Running { started_at }),
            "exited" | "dead" | "stopped" => Some(self.exited()),
            // A word that came later: what is known besides decides, and an end is never invented (R9).
            _ if self.running => Some(Life::Running { started_at }),
            _ if finished_at.is_some() => Some(self.exited()),
            _ if started_at.is_none() => Some(Life::Created),
            _ => Some(Life::Running { started_at }),
        }
    }

    fn exited(self) -> Life {
        Life::Exited {
            code: self.exit_code,
            out_of_memory: self.oom_killed,
            started_at: self.started_at(),
            // Docker writes down the start of one that ends at once after its end.
            finished_at: self.finished_at().max(self.finished_at().and(self.started_at())),
            error: self.error.filter(|error| !error.is_empty()),
        }
    }

    fn started_at(&self) -> Option<Timestamp> {
        instant(self.started_at.as_deref())
    }

    fn finished_at(&self) -> Option<Timestamp> {
        instant(self.finished_at.as_deref())
    }
}

/// Engines write the year 1 for *never*.
fn instant(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|instant| *instant > Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use provost_model::{LABEL_OWNER, LABEL_OWNER_KIND, LABEL_STEP, StepId};
    use serde_json::{Value, json};

    use super::*;

    fn life(state: Value) -> Option<Life> {
        let answer = json!({"Id": "0123", "Name": "/provost-a-b-main.1", "State": state, "Config": {"Labels": null}});
        serde_json::from_value::<Inspected>(answer).unwrap().found().map(|found| found.seen.life)
    }

    #[test]
    fn every_status_of_docker_and_podman_is_understood() {
        let start = "2026-11-20T02:00:00.123456789Z";
        let started_at: Option<Timestamp> = start.parse().ok();
        let running = Some(Life::Running { started_at });
        for status in ["running", "paused", "restarting", "stopping"] {
            assert_eq!(life(json!({"Status": status, "StartedAt": start})), running, "{status}");
        }
        for status in ["created", "configured", "initialized"] {
            assert_eq!(life(json!({"Status": status, "StartedAt": "0001-01-01T00:00:00Z"})), Some(Life::Created));
        }
        for status in ["exited", "dead", "stopped"] {
            let state = json!({"Status": status, "ExitCode": 3, "OOMKilled": true, "StartedAt": start,
                "FinishedAt": "2026-11-20T03:00:01+01:00", "Error": "why"});
            let finished_at = "2026-11-20T02:00:01Z".parse().ok();
            let error = Some("why".to_owned());
            let exited = Life::Exited { code: 3, out_of_memory: true, started_at, finished_at, error };
            assert_eq!(life(state), Some(exited), "{status}");
        }
        assert_eq!(life(json!({"Status": "removing"})), None);
    }

    #[test]
    fn r9_a_status_that_came_later_invents_no_end() {
        let start = "2026-11-20T02:00:00Z";
        let zero = "0001-01-01T00:00:00Z";
        let is = |state: Value| life(json!(state)).unwrap();
        assert!(matches!(is(json!({"Status": "new", "Running": true})), Life::Running { .. }));
        assert!(matches!(is(json!({"Status": "new", "StartedAt": start, "FinishedAt": zero})), Life::Running { .. }));
        assert!(matches!(is(json!({"Status": "new", "StartedAt": zero, "FinishedAt": zero})), Life::Created));
        assert!(matches!(is(json!({"Status": "new", "StartedAt": start, "FinishedAt": start})), Life::Exited { .. }));
    }

    #[test]
    fn labels_that_make_no_sense_are_no_step() {
        let of = |labels: Value| {
            let answer = json!({"Id": "0", "Name": "/x", "State": {"Status": "created"}, "Config": {"Labels": labels}});
            serde_json::from_value::<Inspected>(answer).unwrap().found().unwrap().seen.step
        };
        let good = json!({LABEL_OWNER_KIND: "run", LABEL_OWNER: "a.b", LABEL_STEP: "main.1"});
        assert_eq!(of(good).unwrap().step, StepId::main(1));
        assert_eq!(of(json!({LABEL_OWNER_KIND: "run", LABEL_OWNER: "../x", LABEL_STEP: "main.1"})), None);
        assert_eq!(of(json!({LABEL_OWNER_KIND: "walk", LABEL_OWNER: "a.b", LABEL_STEP: "main.1"})), None);
        assert_eq!(of(json!({})), None);
    }
}
