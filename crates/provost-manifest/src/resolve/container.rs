//! Containers: from what is written and what is in force to what the engine is told.

use provost_model::{Access, Resources, VolumeMount, Workload};
use serde_json::{Map, Value};

use crate::kinds::{SecretUseSpec, Settings, VolumeSpec};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::Given;
use crate::resolve::layers::Layers;
use crate::resolve::secret::Wishes;

/// What a container says of itself, besides the settings.
pub(crate) struct Parts<'a> {
    pub(crate) image: &'a str,
    pub(crate) command: &'a [String],
    pub(crate) args: &'a [String],
    pub(crate) working_dir: Option<&'a str>,
    pub(crate) volumes: &'a [VolumeSpec],
    pub(crate) secrets: &'a [SecretUseSpec],
    pub(crate) access: Access,
}

/// The settings in force, typed.
///
/// Errors: what the schema let pass and the types refuse, at the document's name.
pub(crate) fn settings(document: &Document, layers: &Layers<'_>, out: &mut Vec<Diagnostic>) -> Option<Settings> {
    let mut object = Map::new();
    layers.write(&mut object);
    let settings = serde_json::from_value(Value::Object(object));
    settings
        .map_err(|error| {
            out.push(Diagnostic::new(
                Code::INTERNAL,
                &document.name_spot(),
                format!("what is in force cannot be read: {error}"),
            ))
        })
        .ok()
}

/// The container at `path` of `document`; what is wrong with it is told.
pub(crate) fn workload(
    document: &Document,
    path: &str,
    parts: &Parts<'_>,
    layers: &Layers<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Workload> {
    let settings = settings(document, layers, out)?;
    from_settings(document, path, parts, &settings, layers, given, out)
}

/// The same, with the settings in force at hand.
pub(crate) fn from_settings(
    document: &Document,
    path: &str,
    parts: &Parts<'_>,
    settings: &Settings,
    layers: &Layers<'_>,
    given: &Given<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Workload> {
    check_volumes(document, path, parts.volumes, out);
    check_env(document, layers, out);
    let env = settings.env.iter().flatten().map(|(name, _)| name.as_str()).collect();
    let wishes = Wishes { document, path, uses: parts.secrets, volumes: parts.volumes, env };
    let secrets = wishes.resolve(&given.secrets, out);
    let resources = settings.resources.as_ref()?;
    Some(Workload {
        image: parts.image.to_owned(),
        pull: settings.pull_policy?,
        command: parts.command.to_vec(),
        args: parts.args.to_vec(),
        env: settings.env.clone().unwrap_or_default(),
        user: settings.user.clone(),
        working_dir: parts.working_dir.map(str::to_owned),
        read_only_root: settings.read_only_root?,
        drop_capabilities: settings.drop_capabilities.clone()?,
        add_capabilities: settings.add_capabilities.clone()?,
        user_namespace: settings.user_namespace?,
        network: settings.network.clone()?,
        volumes: parts.volumes.iter().map(mount).collect(),
        secrets,
        ports: Vec::new(),
        resources: Resources { cpu_millis: resources.cpu?.0, memory_bytes: resources.memory?.0, pids: resources.pids? },
        access: parts.access.clone(),
    })
}

fn mount(volume: &VolumeSpec) -> VolumeMount {
    let VolumeSpec { name, path, host_path, read_only, scope } = volume.clone();
    VolumeMount { name, path, host_path, read_only, scope: scope.unwrap_or_default() }
}

/// Tells of volumes of an automation or a run, for a container that is of neither; `what` says what it is.
pub(crate) fn check_scopes(
    document: &Document,
    path: &str,
    volumes: &[VolumeSpec],
    what: &str,
    out: &mut Vec<Diagnostic>,
) {
    let is_own = |(_, volume): &(usize, &VolumeSpec)| volume.scope.is_some_and(|scope| !scope.is_of_server());
    for (index, volume) in volumes.iter().enumerate().filter(is_own) {
        let spot = document.spot_of(&format!("{path}/volumes/{index}/scope"));
        let message = format!("{what}, so volume `{}` cannot be an automation's or a run's own", volume.name);
        out.push(
            Diagnostic::new(Code::TOGETHER, &spot, message)
                .hint("remove `scope`, and give the volume a name of its own"),
        );
    }
}

/// The folder in which Provost itself puts things.
const OWN_FOLDER: &str = "/provost";

fn check_volumes(document: &Document, path: &str, volumes: &[VolumeSpec], out: &mut Vec<Diagnostic>) {
    for (index, volume) in volumes.iter().enumerate() {
        let place = |key: &str| document.spot_of(&format!("{path}/volumes/{index}/{key}"));
        let plain = |text: &str| text.trim_end_matches('/').to_owned();
        let mut refuse = |key: &str, message: String, hint: &str| {
            out.push(Diagnostic::new(Code::PATH, &place(key), message).hint(hint.to_owned()))
        };
        let inside = plain(&volume.path);
        if inside.is_empty() || inside == OWN_FOLDER || inside.starts_with("/provost/") {
            refuse(
                "path",
                format!("nothing can be mounted at `{}`", volume.path),
                "choose another folder of the container, such as /data",
            );
        }
        for (key, text) in [("path", Some(&volume.path)), ("hostPath", volume.host_path.as_ref())] {
            if let Some(text) = text.filter(|text| !is_plain(text)) {
                let message = format!("`{text}` has `.`, `..`, `//`, `:` or `,` in it, or `/` at its end");
                refuse(key, message, "write the path straight out");
            }
        }
        if volume.host_path.is_some() && volume.scope.is_some() {
            let message = "`scope` is about volumes, and `hostPath` is a path of the server";
            let error = Diagnostic::new(Code::TOGETHER, &place("scope"), message);
            out.push(error.hint("remove one of the two"));
        }
        if let Some(first) = volumes[..index].iter().position(|other| plain(&other.path) == inside) {
            let error = Diagnostic::new(Code::PATH, &place("path"), format!("two volumes are mounted at `{inside}`"));
            out.push(
                error
                    .related(&document.spot_of(&format!("{path}/volumes/{first}/path")), "first here")
                    .hint("give one of them another `path`"),
            );
        }
    }
}

/// Whether an absolute path is spelled in the one plain way, without what engines take for more than a path.
fn is_plain(path: &str) -> bool {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    parts.into_iter().all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains([':', ','])
        && !path.contains(char::is_control)
}

fn check_env(document: &Document, layers: &Layers<'_>, out: &mut Vec<Diagnostic>) {
    for (path, setting) in layers.iter() {
        let Some(name) = path.strip_prefix("env.") else {
            continue;
        };
        let spot = setting.by.map_or_else(|| document.name_spot(), |(_, leaf)| leaf.key.clone());
        let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !word {
            let error = Diagnostic::new(Code::ENV_NAME, &spot, format!("`{name}` cannot be the name of a variable"));
            out.push(error.hint("use letters, digits and `_`, not beginning with a digit"));
        } else if name.starts_with("PROVOST_") {
            let error = Diagnostic::new(
                Code::ENV_NAME,
                &spot,
                format!("`{name}`: names beginning with PROVOST_ are Provost's own"),
            );
            out.push(error.hint("choose another name"));
        }
    }
}
