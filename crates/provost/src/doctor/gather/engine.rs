//! The engine, and which of the images that are named it has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use provost_controller::Engine;
use provost_direct::DirectEngine;
use provost_engine::{Machine, Tried};
use provost_model::{Desired, Hook, Instance, PullPolicy, Target, Workload};

use super::machine;
use crate::config::EngineChoice;
use crate::doctor::evidence::{EngineFound, ImageAsked};
use crate::exit::Failure;
use crate::serve::choice::{self, Found, NotFound};
use crate::serve::open_direct;

/// The engine that was chosen.
pub(super) async fn find(
    choice: &EngineChoice,
    instance: Option<Instance>,
    without_root: Result<(), Failure>,
) -> Result<(Arc<dyn Engine>, EngineFound), Vec<Tried>> {
    if let Err(failure) = without_root {
        let (address, why) = ("the engine".to_owned(), "engine.direct.rootless".to_owned());
        let mend = "do what it says, or start Provost as root".to_owned();
        return Err(vec![Tried { address, why, problem: failure.message, mend }]);
    }
    let Some(instance) = instance else {
        return Err(Vec::new());
    };
    let (engine, told, host, lacks): (Arc<dyn Engine>, _, _, _) = match choice::find(choice, &instance).await {
        Ok(Found::Docker(engine)) => {
            let told = engine.machine().await.map_err(|error| error.message);
            let host = if let EngineChoice::Docker(host) = choice { host.clone() } else { None };
            (Arc::new(engine), told, host, Vec::new())
        }
        Ok(Found::Direct(folder)) => {
            let engine = direct(&folder, &instance).map_err(|tried| vec![tried])?;
            let machine = Machine { data: Some(folder.clone()), ..Machine::default() };
            let lacks = engine.lacks();
            (Arc::new(engine), Ok(machine), Some(folder.display().to_string()), lacks)
        }
        Err(NotFound::Silent(none)) => return Err(none.tried),
        Err(not_found) => {
            let problem = provost_controller::EngineError::from(not_found).message;
            let (address, why) = ("the engine".to_owned(), "remembered".to_owned());
            return Err(vec![Tried { address, why, problem, mend: "write `docker` or `direct` there".to_owned() }]);
        }
    };
    let begun = std::time::Instant::now();
    let facts = engine.probe().await;
    let took = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
    let known = told.as_ref().ok();
    let socket = known.and_then(|machine| machine.socket.as_deref());
    let data = known.and_then(|machine| machine.data.as_deref());
    let (product, version, address) = match facts {
        Ok(facts) => (facts.product, facts.version, facts.address),
        Err(error) => return Err(vec![silent(host.as_deref(), error.message)]),
    };
    let found = EngineFound {
        product,
        version,
        address,
        took,
        space: data.filter(|path| path.exists()).and_then(machine::space),
        socket_mode: socket.and_then(machine::mode),
        lacks,
        machine: told,
    };
    Ok((engine, found))
}

/// The engine without a daemon, if its server has made it: nothing is made here.
fn direct(folder: &Path, instance: &Instance) -> Result<DirectEngine, Tried> {
    let tried = |problem: String, mend: &str| {
        let (address, why) = (folder.display().to_string(), "engine.direct".to_owned());
        Tried { address, why, problem, mend: mend.to_owned() }
    };
    if !folder.is_dir() {
        return Err(tried("there is no such folder yet".to_owned(), "start the server, which makes it"));
    }
    open_direct(folder, instance).map_err(|error| tried(error.message, "run this as the server's user"))
}

/// It answered once, and then no more.
fn silent(host: Option<&str>, problem: String) -> Tried {
    let address = host.unwrap_or("its usual place").to_owned();
    Tried { address, why: "found".to_owned(), problem, mend: "restart it: systemctl restart docker".to_owned() }
}

/// Asks for every image that `desired` names. Nothing is pulled.
pub(super) async fn images(engine: &dyn Engine, desired: &Desired, folder: Option<&Path>) -> Vec<ImageAsked> {
    let mut asked = Vec::new();
    for (image, (needed_by, pull)) in named(desired) {
        let answer = engine.ensure_image(&image, PullPolicy::Never, &|_| {}).await;
        let is_in_folder = folder.is_some_and(|folder| crate::images::holds(folder, &image));
        asked.push(ImageAsked { is_there: answer.is_ok(), is_in_folder, image, needed_by, pull });
    }
    asked
}

type Named = BTreeMap<String, (Vec<String>, PullPolicy)>;

/// Every image, who needs it, and when it is pulled: the strictest of what is said.
fn named(desired: &Desired) -> Named {
    let mut images = Named::new();
    for (name, automation) in &desired.automations {
        add(&mut images, &automation.workload, format!("automation {name}"));
        automation.hooks.iter().for_each(|hook| add_hook(&mut images, hook));
    }
    desired.hooks.iter().for_each(|hook| add_hook(&mut images, hook));
    for (name, channel) in &desired.channels {
        if let Target::Command { workload } = &channel.target {
            add(&mut images, workload, format!("channel {name}"));
        }
    }
    images
}

fn add_hook(images: &mut Named, hook: &Hook) {
    add(images, &hook.workload, format!("hook {}", hook.label()));
}

fn add(images: &mut Named, workload: &Workload, who: String) {
    let (needed_by, pull) = images.entry(workload.image.clone()).or_insert_with(|| (Vec::new(), workload.pull));
    if !needed_by.contains(&who) {
        needed_by.push(who);
    }
    if workload.pull == PullPolicy::Never {
        *pull = PullPolicy::Never;
    }
}
