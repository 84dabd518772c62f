//! The containers of a server as its engine shows them to one that looks from outside, whichever engine it is.

use std::{collections::BTreeMap, env};

use provost_image::Archive;
use serde_json::{Value, json};

use crate::{Direct, Docker, Engine, TOOLBOX, direct, engine, load_toolbox, toolbox_archive};

/// The label of every container and volume of a Provost instance; its value is the instance's name.
const INSTANCE_LABEL: &str = "provost.instance";

/// Which engine the tests are about: `docker`, or `direct`.
const CHOICE: &str = "PROVOST_TEST_ENGINE";

/// An engine under test.
#[derive(Clone, Debug)]
pub enum EngineView {
    /// Docker, or what speaks its API.
    Docker(Docker),
    /// Provost's own, without a daemon.
    Direct(Direct),
}

/// A container, as its engine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    /// The engine's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has started and not ended.
    pub is_running: bool,
}

impl ContainerView {
    /// The value of one of Provost's labels, `provost.` before its name; empty if it has no such one.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(&format!("provost.{name}")).map_or("", String::as_str)
    }
}

impl EngineView {
    /// The engine that the tests of this process share, with the toolbox loaded: Docker's, or with
    /// `PROVOST_TEST_ENGINE=direct` the direct one.
    ///
    /// # Panics
    /// If there is none and none can be started, or it is neither of the two.
    #[must_use]
    pub fn shared() -> Self {
        match env::var(CHOICE).as_deref() {
            Err(_) | Ok("" | "docker") => Self::of(engine()),
            Ok("direct") => {
                let direct = direct();
                direct.offer("toolbox.tar", toolbox_archive());
                Self::Direct(direct.clone())
            }
            Ok(other) => panic!("{CHOICE} is `{other}`: it can be docker, or direct"),
        }
    }

    /// The same, where no other test's containers are as far as that can be: what others do is not to be counted.
    #[must_use]
    pub fn apart() -> Self {
        match Self::shared() {
            Self::Direct(direct) => Self::Direct(direct.apart()),
            docker @ Self::Docker(_) => docker,
        }
    }

    /// A Docker Engine of the test's own, with the toolbox loaded.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        load_toolbox(engine.host());
        Self::Docker(engine.docker())
    }

    /// Docker's API, if that is what the tests are about. What asks for it says with that why it is of Docker only.
    #[must_use]
    pub fn docker(&self) -> Option<&Docker> {
        match self {
            Self::Docker(docker) => Some(docker),
            Self::Direct(_) => None,
        }
    }

    /// Gives the engine an image, until [`EngineView::forget`]: Docker has it, the direct engine finds it where servers
    /// look for images. `name` is one that no other test uses.
    ///
    /// # Panics
    /// If the engine refuses it.
    #[track_caller]
    pub fn offer(&self, name: &str, archive: &Archive) {
        match self {
            Self::Docker(docker) => docker.load(archive),
            Self::Direct(direct) => direct.offer(&format!("{name}.tar"), archive),
        }
    }

    /// Takes an image away from Docker, which others use too.
    pub fn forget(&self, reference: &str) {
        if let Self::Docker(docker) = self {
            let _ = docker.http().delete(&format!("/images/{reference}?force=1"));
        }
    }

    /// The containers of an instance.
    #[must_use]
    #[track_caller]
    pub fn containers(&self, instance: &str) -> Vec<ContainerView> {
        match self {
            Self::Docker(docker) => docker.labelled(&label(instance)).iter().map(of_docker).collect(),
            Self::Direct(direct) => direct.containers(instance),
        }
    }

    /// Leaves a container in the engine as a server that crashed would: made, and never started, for this run.
    #[track_caller]
    pub fn litter(&self, instance: &str, run: &str) {
        let labels = json!({"provost.instance": instance, "provost.owner.kind": "run", "provost.owner": run,
            "provost.step": "main.1"});
        match self {
            Self::Docker(docker) => {
                let request = json!({"Image": TOOLBOX, "Cmd": ["sleep", "600"], "Labels": labels});
                let made = docker.http().post("/containers/create", &request);
                assert!(made.is_ok_and(|made| made.is_success()), "the engine makes no container");
            }
            Self::Direct(direct) => direct.litter(instance, labels),
        }
    }

    /// All that the engine remembers of a container's making, as it comes: for looking whether something is in it.
    #[must_use]
    #[track_caller]
    pub fn inspected(&self, container: &ContainerView) -> Vec<u8> {
        match self {
            Self::Docker(docker) => {
                let shown = docker.http().get(&format!("/containers/{}/json", container.id));
                shown.unwrap_or_else(|error| panic!("the engine does not answer: {error}")).body
            }
            Self::Direct(direct) => direct.inspected(container),
        }
    }

    /// Removes a container behind its server's back.
    #[track_caller]
    pub fn remove(&self, container: &ContainerView) {
        match self {
            Self::Docker(docker) => docker.remove(&container.id),
            Self::Direct(direct) => direct.remove(container),
        }
    }

    /// The volumes of an instance, by the names that manifests give them.
    #[must_use]
    #[track_caller]
    pub fn volumes(&self, instance: &str) -> Vec<String> {
        let all = match self {
            Self::Docker(docker) => docker.volumes(),
            Self::Direct(direct) => direct.volumes(),
        };
        let head = volume(instance, "");
        let mut own: Vec<_> = all.iter().filter_map(|name| name.strip_prefix(&head)).map(str::to_owned).collect();
        own.sort();
        own
    }

    /// The lines of a file of an instance's volume; none if it is not there.
    #[must_use]
    #[track_caller]
    pub fn lines(&self, instance: &str, name: &str, file: &str) -> Vec<String> {
        let volume = volume(instance, name);
        let text = match self {
            Self::Docker(docker) => docker.file(TOOLBOX, &volume, file),
            Self::Direct(direct) => direct.file(&volume, file),
        };
        text.lines().map(str::to_owned).collect()
    }

    /// Removes what is left of an instance, as far as the engine is there and does it.
    pub(crate) fn sweep(&self, instance: &str) {
        match self {
            Self::Docker(docker) => docker.sweep(&label(instance)),
            Self::Direct(direct) => direct.sweep(instance),
        }
    }
}

fn label(instance: &str) -> String {
    format!("{INSTANCE_LABEL}={instance}")
}

fn volume(instance: &str, name: &str) -> String {
    format!("provost-{instance}-{name}")
}

/// A container of Docker's list.
fn of_docker(listed: &Value) -> ContainerView {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = listed["Labels"].as_object().into_iter().flatten();
    ContainerView {
        id: text(&listed["Id"]),
        name: text(&listed["Names"][0]).trim_start_matches('/').to_owned(),
        labels: labels.map(|(name, value)| (name.clone(), text(value))).collect(),
        is_running: listed["State"] == "running",
    }
}
