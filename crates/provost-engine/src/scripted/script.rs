//! What containers do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use provost_controller::OutputStream;
use provost_model::{ContainerRequest, Owner};

/// What one container does, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How long it runs by itself; nothing: until it is stopped.
    pub run_for: Option<Duration>,
    /// Its exit code when it ends by itself.
    pub code: i64,
    /// The kernel ends it for want of memory.
    pub out_of_memory: bool,
    /// It ignores SIGTERM.
    pub stubborn: bool,
    /// The engine refuses to start it, and says this.
    pub refuses: Option<String>,
    /// What it prints.
    pub lines: Vec<Line>,
    /// What it leaves in `/provost/out` when it ends by itself: contents by file name.
    pub files: BTreeMap<String, String>,
}

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How long after the start.
    pub after: Duration,
    /// Which stream.
    pub stream: OutputStream,
    /// The text, without its line's end.
    pub text: String,
}

impl Default for Script {
    /// Succeeds after a second, in silence.
    fn default() -> Self {
        Self::running(Duration::from_secs(1))
    }
}

impl Script {
    /// Succeeds after `run_for`, in silence.
    pub fn running(run_for: Duration) -> Self {
        Self {
            run_for: Some(run_for),
            code: 0,
            out_of_memory: false,
            stubborn: false,
            refuses: None,
            lines: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// Runs until it is stopped.
    pub fn endless() -> Self {
        Self { run_for: None, ..Self::default() }
    }

    /// The same with this exit code.
    #[must_use]
    pub fn code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// The same, deaf to SIGTERM.
    #[must_use]
    pub fn stubborn(mut self) -> Self {
        self.stubborn = true;
        self
    }

    /// The same with a line of standard output, `after` the start.
    #[must_use]
    pub fn line(mut self, after: Duration, text: &str) -> Self {
        self.lines.push(Line { after, stream: OutputStream::Stdout, text: text.to_owned() });
        self
    }

    /// The same with a file left behind.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.insert(name.to_owned(), content.to_owned());
        self
    }
}

/// Which containers are meant: those that match all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// The image.
    pub image: Option<String>,
    /// The automation whose run it is.
    pub automation: Option<String>,
    /// How the step's id begins: `main.`, `run.starting`.
    pub step: Option<String>,
}

impl When {
    /// All containers.
    pub fn any() -> Self {
        Self::default()
    }

    /// Those of an image.
    pub fn image(image: &str) -> Self {
        Self { image: Some(image.to_owned()), ..Self::default() }
    }

    /// Those of runs of an automation.
    pub fn automation(name: &str) -> Self {
        Self { automation: Some(name.to_owned()), ..Self::default() }
    }

    /// Of these, the steps whose id begins like that.
    #[must_use]
    pub fn step(mut self, head: &str) -> Self {
        self.step = Some(head.to_owned());
        self
    }

    fn matches(&self, request: &ContainerRequest) -> bool {
        let automation = match &request.step.owner {
            Owner::Run(run) => run.as_str().split('.').next(),
            Owner::Event(_) | Owner::Notice(_) => None,
        };
        self.image.as_ref().is_none_or(|image| *image == request.workload.image)
            && self.automation.as_ref().is_none_or(|name| Some(name.as_str()) == automation)
            && self.step.as_ref().is_none_or(|head| request.step.step.as_str().starts_with(head))
    }
}

/// Says what a container does.
pub(super) type Director = Box<dyn Fn(&ContainerRequest) -> Option<Script> + Send>;

/// All that was said about what containers do.
#[derive(Default)]
pub(super) struct Scripts {
    rules: Vec<Rule>,
    pub(super) director: Option<Director>,
}

struct Rule {
    when: When,
    times: Option<u32>,
    script: Arc<Script>,
}

impl Scripts {
    pub(super) fn add(&mut self, when: When, times: Option<u32>, script: Script) {
        self.rules.push(Rule { when, times, script: Arc::new(script) });
    }

    /// What this container does, and counts it.
    pub(super) fn take(&mut self, request: &ContainerRequest) -> Arc<Script> {
        let mut rules = self.rules.iter_mut().rev();
        let Some(rule) = rules.find(|rule| rule.times != Some(0) && rule.when.matches(request)) else {
            let directed = self.director.as_ref().and_then(|director| director(request));
            return Arc::new(directed.unwrap_or_default());
        };
        rule.times = rule.times.map(|times| times - 1);
        rule.script.clone()
    }
}
