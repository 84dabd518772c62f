//! What all of these tests need: a shop of manifests, a server that runs it, and the evidence that containers leave.

use std::{fs, path::PathBuf, time::Duration};

use provost_testkit::{Cli, EngineView, ServerOptions, ServerUnderTest, TOOLBOX, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take on a slow, shared machine. Only reached when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The volume that evidence is left in, and the folder where containers see it.
const EVIDENCE: &str = "evidence";

/// A folder of manifests. JSON is YAML, so the specs of these tests are written with `json!`.
#[derive(Debug)]
pub struct Shop {
    folder: TempDir,
}

impl Shop {
    /// An empty one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pv-shop-").tempdir().unwrap();
        Self { folder }
    }

    /// The folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Adds or replaces an automation, `automations/NAME.yaml`, of the toolbox image unless `spec` names another.
    pub fn automation(&self, name: &str, spec: Value) -> &Self {
        self.add("Automation", name, with_toolbox(spec))
    }

    /// Adds or replaces a policy, `policies/NAME.yaml`.
    pub fn policy(&self, name: &str, spec: Value) -> &Self {
        self.add("Policy", name, spec)
    }

    /// Adds or replaces a plugin, `plugins/NAME.yaml`, of the toolbox image unless `spec` names another.
    pub fn plugin(&self, name: &str, spec: Value) -> &Self {
        self.add("Plugin", name, with_toolbox(spec))
    }

    /// Adds or replaces a channel, `channels/NAME.yaml`.
    pub fn channel(&self, name: &str, spec: Value) -> &Self {
        self.add("Channel", name, spec)
    }

    /// Writes a document of this kind.
    pub fn add(&self, kind: &str, name: &str, spec: Value) -> &Self {
        self.write(&place(kind, name), &document(kind, name, spec))
    }

    /// Writes a file, in one step for whoever watches the folder.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let beside = file.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &file).unwrap();
        self
    }

    /// Removes a document of this kind.
    pub fn remove(&self, kind: &str, name: &str) -> &Self {
        fs::remove_file(self.folder.path().join(place(kind, name))).unwrap();
        self
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }
}

/// Where a document is in a shop: `policies/NAME.yaml`.
pub fn place(kind: &str, name: &str) -> String {
    let folder = match kind {
        "Policy" => "policies".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    format!("{folder}/{name}.yaml")
}

/// A manifest's text.
pub fn document(kind: &str, name: &str, spec: Value) -> String {
    let document = json!({"apiVersion": "provost/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    format!("{document:#}\n")
}

/// The spec with the toolbox as its image, unless it names another.
pub fn with_toolbox(mut spec: Value) -> Value {
    if spec.get("image").is_none() {
        spec["image"] = json!(TOOLBOX);
    }
    spec
}

/// A hook of the toolbox: `name`, on `event`, with these arguments. More keys can be set on the value.
pub fn hook(name: &str, event: &str, args: &[&str]) -> Value {
    json!({"name": name, "event": event, "image": TOOLBOX, "args": args})
}

/// A hook that appends a line to the evidence file [`Server::evidence`] of that name.
pub fn witness(name: &str, event: &str, file: &str, line: &str) -> Value {
    let mut hook = hook(name, event, &["append", &seen(file), line]);
    hook["volumes"] = evidence_volume();
    hook
}

/// What `volumes` of a manifest says so that the container can leave evidence.
pub fn evidence_volume() -> Value {
    json!([{"name": EVIDENCE, "path": "/data"}])
}

/// The path at which containers see an evidence file.
pub fn seen(file: &str) -> String {
    format!("/data/{file}")
}

/// The options of a server on the engine of the tests, with the toolbox loaded; the source is to be added.
pub fn options() -> ServerOptions {
    ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::shared())
}

/// A server that runs this shop's folder.
pub fn server(shop: &Shop) -> Server {
    Server::start(options().folder(&shop.path()))
}

/// A running server, with questions that these tests ask often.
#[derive(Debug)]
pub struct Server {
    pub process: ServerUnderTest,
}

impl Server {
    /// Starts it; returns when its control socket answers.
    #[track_caller]
    pub fn start(options: ServerOptions) -> Self {
        Self { process: options.start() }
    }

    /// Runs a command, whatever its exit code.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Cli {
        self.process.cli(args)
    }

    /// Runs a command that must exit with 0; returns its stdout.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let Cli { code, stdout, stderr } = self.cli(args);
        assert_eq!(code, 0, "provost {args:?}\n{stdout}{stderr}\n{}", self.process.log());
        stdout
    }

    /// Runs a command that must succeed, with `-o json`; returns what it prints.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.ok(&[args, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("provost {args:?} is not JSON ({error}): {text}"))
    }

    /// The items of a listing: `get KIND …`.
    #[track_caller]
    pub fn list(&self, args: &[&str]) -> Vec<Value> {
        let listing = self.json(&[&["get"], args].concat());
        let items = listing.as_array().or_else(|| listing["items"].as_array());
        items.unwrap_or_else(|| panic!("get {args:?} is not a list: {listing}")).clone()
    }

    /// All events so far, oldest first, that have this name.
    #[track_caller]
    pub fn events(&self, name: &str) -> Vec<Value> {
        let text = self.ok(&["events", "--tail", "10000", "-o", "json"]);
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["name"] == name).collect()
    }

    /// Waits until `ask` gives an answer.
    #[track_caller]
    pub fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        eventually(PATIENCE, ask).unwrap_or_else(|| panic!("{what} does not happen\n{}", self.process.log()))
    }

    /// Waits until an automation of this name is in force.
    #[track_caller]
    pub fn has(&self, automation: &str) {
        self.until(&format!("automation {automation}"), || {
            let here = self.list(&["automations"]);
            here.iter().any(|one| one["name"] == automation).then_some(())
        });
    }

    /// Starts a run and waits for its end; returns the exit code of the command line, which says how the run went.
    #[track_caller]
    pub fn run(&self, automation: &str) -> i32 {
        self.cli(&["run", automation, "--wait", "--timeout", "2m"]).code
    }

    /// Starts a run and waits for its end; returns what is recorded of it.
    #[track_caller]
    pub fn finished(&self, automation: &str) -> Value {
        let Cli { stdout, stderr, .. } = self.cli(&["run", automation, "--wait", "--timeout", "2m", "-o", "json"]);
        serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{automation} does not end: {stdout}{stderr}"))
    }

    /// Starts a run and does not wait for it; returns its id.
    #[track_caller]
    pub fn begun(&self, automation: &str) -> String {
        let answer = self.json(&["run", automation]);
        answer["run"].as_str().unwrap().to_owned()
    }

    /// What is recorded of a run, once it is over.
    #[track_caller]
    pub fn over(&self, run: &str) -> Value {
        self.until(&format!("the end of {run}"), || {
            let record = self.json(&["describe", run]);
            (!record["endedAt"].is_null()).then_some(record)
        })
    }

    /// The texts of what one step of a run wrote, such as `main.1`, line by line.
    #[track_caller]
    pub fn lines(&self, run: &Value, step: &str) -> Vec<String> {
        let run = run["run"].as_str().unwrap();
        let text = self.ok(&["logs", run, "--step", step, "-o", "name"]);
        text.lines().map(str::to_owned).collect()
    }

    /// The lines of an evidence file; none if it is not there.
    #[track_caller]
    pub fn evidence(&self, file: &str) -> Vec<String> {
        self.process.lines(EVIDENCE, file)
    }
}

/// The names of the steps of a run, in their order.
pub fn steps(run: &Value) -> Vec<&str> {
    let steps = run["steps"].as_array().into_iter().flatten();
    steps.map(|step| step["step"].as_str().unwrap()).collect()
}

/// `text` as a value, for the JSON lines that `mark` leaves.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}
