//! Finding an engine.

use std::fmt;
use std::path::Path;

use provost_controller::EngineError;
use provost_model::Instance;

use crate::{DockerEngine, Host};

/// Where to look. Values are handed in: this crate reads no environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search<'a> {
    /// `engine.docker.host` of the server's configuration.
    pub configured: Option<&'a str>,
    /// The variable `DOCKER_HOST`.
    pub docker_host: Option<&'a str>,
    /// The variable `XDG_RUNTIME_DIR`, where a user's own Podman listens.
    pub runtime_dir: Option<&'a str>,
}

/// Who names an address.
const CONFIGURED: &str = "engine.docker.host";
const DOCKER_HOST: &str = "DOCKER_HOST";

/// No engine answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NoEngine {
    /// What was tried, in this order.
    pub tried: Vec<Tried>,
}

impl NoEngine {
    /// Whether nobody named an engine, and none is where engines usually are.
    pub fn is_installed_nowhere(&self) -> bool {
        let is_usual = |tried: &Tried| !matches!(tried.why.as_str(), CONFIGURED | DOCKER_HOST);
        self.tried.iter().all(|tried| is_usual(tried) && tried.problem.contains("No such file"))
    }
}

/// An address that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The address.
    pub address: String,
    /// Who named it: `DOCKER_HOST`.
    pub why: String,
    /// What went wrong there.
    pub problem: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for NoEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no container engine answers")?;
        for Tried { address, why, problem, mend } in &self.tried {
            write!(f, "\n  {address} ({why}): {problem}\n    {mend}")?;
        }
        Ok(())
    }
}

/// Connects to the first engine that answers, for the containers of `instance`.
///
/// The order: the configuration, `DOCKER_HOST`, Docker's socket, Podman's, the user's Podman's. An address that somebody
/// named is the only one that is tried: an engine that nobody expects would be worse than none.
///
/// Errors: each address that was tried, what is wrong there, and how to mend it.
pub async fn discover(search: Search<'_>, instance: &Instance) -> Result<DockerEngine, NoEngine> {
    let mut tried = Vec::new();
    for (address, why) in candidates(search) {
        let problem = match Host::parse(&address) {
            Err(error) => error.to_string(),
            Ok(host) => match DockerEngine::connect(host, why, instance.clone()).await {
                Ok(engine) => return Ok(engine),
                Err(EngineError { message, .. }) => message,
            },
        };
        let mend = mend(&address, &problem);
        tried.push(Tried { address, why: why.to_owned(), problem, mend });
    }
    Err(NoEngine { tried })
}

fn candidates(search: Search<'_>) -> Vec<(String, &'static str)> {
    let named = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(host) = named(search.configured) {
        return vec![(host, CONFIGURED)];
    }
    if let Some(host) = named(search.docker_host) {
        return vec![(host, DOCKER_HOST)];
    }
    let mut usual = vec![
        ("unix:///var/run/docker.sock".to_owned(), "Docker's socket"),
        ("unix:///run/podman/podman.sock".to_owned(), "Podman's socket"),
    ];
    if let Some(folder) = named(search.runtime_dir).filter(|folder| Path::new(folder).is_absolute()) {
        usual.push((
            format!("unix://{}/podman/podman.sock", folder.trim_end_matches('/')),
            "this user's Podman's socket",
        ));
    }
    usual
}

/// What a person can do, by what is wrong.
fn mend(address: &str, problem: &str) -> String {
    let podman = address.contains("podman");
    let has = |part: &str| problem.contains(part);
    let text = match podman {
        _ if has("write unix://") || has("write tcp://") => "correct the address",
        _ if has("too old") => "install a newer engine",
        _ if has("Permission denied") && !podman => {
            "join the group of the socket: sudo usermod -aG docker $USER, then log in again"
        }
        _ if has("Permission denied") => {
            "run as root, or start a Podman of your own: systemctl --user start podman.socket"
        }
        true if has("No such file") => "apt-get install podman, then systemctl start podman.socket",
        false if has("No such file") => "apt-get install docker.io, or correct the address",
        true => "systemctl restart podman.socket",
        false => "start it: systemctl start docker",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept() {
        let addresses = |search| candidates(search).into_iter().map(|(address, _)| address).collect::<Vec<_>>();
        let all =
            Search { configured: Some("unix:///a"), docker_host: Some("unix:///b"), runtime_dir: Some("/run/user/1") };
        assert_eq!(addresses(all), ["unix:///a"]);
        assert_eq!(addresses(Search { configured: None, ..all }), ["unix:///b"]);
        let usual = addresses(Search { configured: Some(" "), docker_host: Some(""), ..all });
        let podman = "unix:///run/user/1/podman/podman.sock";
        assert_eq!(usual, ["unix:///var/run/docker.sock", "unix:///run/podman/podman.sock", podman]);
    }

    #[test]
    fn an_engine_that_is_stopped_or_was_named_is_installed() {
        let tried = |why: &str, problem: &str| {
            let (why, problem) = (why.to_owned(), problem.to_owned());
            Tried { address: String::new(), why, problem, mend: String::new() }
        };
        let none = |tried: Vec<Tried>| NoEngine { tried }.is_installed_nowhere();
        let (absent, stopped) =
            ("cannot be reached: No such file or directory", "cannot be reached: Connection refused");
        assert!(none(vec![tried("Docker's socket", absent), tried("Podman's socket", absent)]));
        assert!(!none(vec![tried("Docker's socket", stopped), tried("Podman's socket", absent)]));
        assert!(!none(vec![tried(DOCKER_HOST, absent)]) && !none(vec![tried(CONFIGURED, absent)]));
    }

    #[test]
    fn every_problem_has_its_mend() {
        for (address, problem, part) in [
            (
                "unix:///var/run/docker.sock",
                "cannot be reached: No such file or directory",
                "apt-get install docker.io",
            ),
            ("unix:///var/run/docker.sock", "cannot be reached: Permission denied", "usermod -aG docker"),
            ("unix:///var/run/docker.sock", "cannot be reached: Connection refused", "systemctl start docker"),
            (
                "unix:///run/podman/podman.sock",
                "cannot be reached: No such file or directory",
                "apt-get install podman",
            ),
            ("ssh://x", "is not an engine's address; write unix:///path", "correct"),
        ] {
            assert!(mend(address, problem).contains(part), "{address} {problem}: {}", mend(address, problem));
        }
    }
}
