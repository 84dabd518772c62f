//! What may go wrong with a call.

use std::time::Duration;

use jiff::Timestamp;
use provost_controller::EngineErrorKind;

/// A call of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the methods of `Engine`")]
pub enum Call {
    Probe,
    List,
    Inspect,
    Watch,
    EnsureImage,
    Create,
    Start,
    Stop,
    Remove,
    Output,
    Load,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// When, by the engine's clock.
    pub at: Timestamp,
    /// Which.
    pub call: Call,
    /// For which container, image or instance; empty where there is none.
    pub subject: String,
    /// The fault that it met.
    pub fault: Option<Fault>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; the answer is an error of this kind.
    Refuse(EngineErrorKind),
    /// It is done, and the answer is lost: [`EngineErrorKind::Unavailable`].
    LoseReply,
    /// It is done twice; the answer is the second one's.
    Twice,
    /// It is done, and answered, when the clock has moved by this.
    Late(Duration),
}

/// Decides which fault a call meets.
pub(super) type Judge = Box<dyn FnMut(&Called) -> Option<Fault> + Send>;

/// Faults that wait for their call.
#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<Waiting>,
    pub(super) judge: Option<Judge>,
}

struct Waiting {
    call: Call,
    subject: Option<String>,
    fault: Fault,
}

impl Faults {
    pub(super) fn push(&mut self, call: Call, subject: Option<&str>, fault: Fault) {
        self.waiting.push(Waiting { call, subject: subject.map(str::to_owned), fault });
    }

    /// The fault that this call meets.
    pub(super) fn take(&mut self, called: &Called) -> Option<Fault> {
        let judged = self.judge.as_mut().and_then(|judge| judge(called));
        judged.or_else(|| {
            let meant = |waiting: &Waiting| {
                waiting.call == called.call && waiting.subject.as_ref().is_none_or(|subject| *subject == called.subject)
            };
            let place = self.waiting.iter().position(meant)?;
            Some(self.waiting.remove(place).fault)
        })
    }
}
