//! The rest of the world: a clock that no process stops, a branch, manifests as they are, and receivers.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use provost_controller::{
    Clock, Compiled, Compiler, DeliveryError, Messenger, Revision, Source, SourceError, SourceFile,
};
use provost_manifest::{ServerFacts, Style, compile};
use provost_model::{Channel, Reply, RevisionId};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Follows the paused clock of the runtime that a process lives in, from where the last one left it.
pub struct TestClock(Mutex<(Timestamp, Option<Instant>)>);

impl TestClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new((now, None)))
    }

    /// A process starts; to be called in its runtime.
    pub fn set_going(&self) {
        self.0.lock().unwrap().1 = Some(Instant::now());
    }

    /// A process has ended at what [`Clock::now`] said, and the next one starts `seconds` later.
    pub fn stop(&self, now: Timestamp, seconds: i64) {
        *self.0.lock().unwrap() = (now + jiff::SignedDuration::from_secs(seconds), None);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let (base, since) = *self.0.lock().unwrap();
        base + since.map(|since| since.elapsed()).unwrap_or_default()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let left = instant.duration_since(self.now());
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }
}

/// A branch.
#[derive(Default)]
pub struct TestSource {
    head: Mutex<Option<Revision>>,
    has_changed: Notify,
}

impl TestSource {
    pub fn commit(&self, id: &str, yaml: &str) {
        let (author, subject) = ("ann".to_owned(), format!("commit {id}"));
        let files = vec![SourceFile { path: "shop.yaml".to_owned(), bytes: yaml.as_bytes().to_vec() }];
        let id = RevisionId::parse(id).unwrap();
        *self.head.lock().unwrap() = Some(Revision { id, author, subject, at: None, signer: None, files });
        self.has_changed.notify_one();
    }
}

#[async_trait]
impl Source for TestSource {
    fn describe(&self) -> String {
        "a branch".to_owned()
    }

    async fn fetch(&self) -> Result<Revision, SourceError> {
        let head = self.head.lock().unwrap().clone();
        head.ok_or_else(|| SourceError::Unreachable("no route to host".to_owned()))
    }

    async fn changed(&self) {
        self.has_changed.notified().await;
    }
}

/// Compiles as the binary does.
pub struct TestCompiler;

impl Compiler for TestCompiler {
    fn compile(&self, revision: &Revision, now: Timestamp) -> Compiled {
        let own =
            |file: &SourceFile| provost_manifest::SourceFile { path: file.path.clone(), bytes: file.bytes.clone() };
        let files: Vec<_> = revision.files.iter().map(own).collect();
        let compiled = compile(&files, &ServerFacts::default(), revision.id.clone(), now);
        let (report, (errors, warnings)) = (compiled.report(Style::Plain), compiled.count());
        let number = |count| u32::try_from(count).unwrap();
        Compiled { desired: compiled.desired, report, errors: number(errors), warnings: number(warnings) }
    }
}

/// Receivers that take everything, and say yes.
#[derive(Default)]
pub struct TestMessenger {
    pub taken: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl Messenger for TestMessenger {
    async fn deliver(&self, channel: &Channel, body: &Value) -> Result<Option<Reply>, DeliveryError> {
        self.taken.lock().unwrap().push((channel.name.to_string(), body.clone()));
        Ok(Some(Reply { allow: true, reason: String::new() }))
    }
}
