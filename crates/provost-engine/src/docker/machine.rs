//! What an engine says of the machine that it runs on, for those who look after that machine.

use std::path::PathBuf;

use jiff::Timestamp;
use provost_controller::EngineError;
use serde::Deserialize;

use super::{DockerEngine, PROBE};

/// What an engine says of the machine that it runs on. What it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// What time it is there.
    pub now: Option<Timestamp>,
    /// The folder where it keeps images and containers.
    pub data: Option<PathBuf>,
    /// The version of control groups that limits rest on: `1` or `2`.
    pub cgroups: Option<String>,
    /// What it lacks, in its own words: `WARNING: No swap limit support`.
    pub warnings: Vec<String>,
    /// The socket that it was reached at, if that is one of this machine.
    pub socket: Option<PathBuf>,
}

/// The answer to `GET /info`. Source: Docker Engine API 1.41, `SystemInfo`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    system_time: Option<String>,
    docker_root_dir: Option<PathBuf>,
    cgroup_version: Option<String>,
    warnings: Option<Vec<String>>,
    security_options: Option<Vec<String>>,
}

impl Info {
    /// Whether the users of its containers are nobody on the machine: `userns-remap`, or an engine without root.
    fn remaps_users(&self) -> bool {
        let options = self.security_options.iter().flatten();
        options.into_iter().any(|option| matches!(option.as_str(), "name=userns" | "name=rootless"))
    }
}

impl DockerEngine {
    /// Whether the users of its containers are nobody on the machine, which it decides for all of them.
    pub(super) async fn remaps_users(&self) -> Result<bool, EngineError> {
        let info: Option<Info> = self.wire.patience(PROBE).json("/info").await?;
        Ok(info.is_some_and(|info| info.remaps_users()))
    }

    /// Asks the engine about its machine.
    ///
    /// Errors: it does not answer within 10 s, or answers what makes no sense.
    pub async fn machine(&self) -> Result<Machine, EngineError> {
        let info: Info = self.wire.patience(PROBE).json("/info").await?.unwrap_or_default();
        Ok(Machine {
            now: info.system_time.and_then(|text| text.parse().ok()),
            data: info.docker_root_dir.filter(|path| path.is_absolute()),
            cgroups: info.cgroup_version.filter(|version| !version.is_empty()),
            warnings: info.warnings.unwrap_or_default(),
            socket: self.wire.host().socket().map(ToOwned::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_says_whether_its_containers_have_users_of_their_own() {
        let remaps = |options: &str| {
            let info: Info = serde_json::from_str(&format!("{{\"SecurityOptions\": {options}}}")).unwrap();
            info.remaps_users()
        };
        assert!(!remaps("null") && !remaps(r#"["name=seccomp,profile=default", "name=cgroupns"]"#));
        assert!(remaps(r#"["name=seccomp,profile=default", "name=userns"]"#) && remaps(r#"["name=rootless"]"#));
    }
}
