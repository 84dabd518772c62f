//! Skills: calls that containers offer to others, who need not know which container answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EventFact, Exit, Fact, Name, Param, PluginName, StepFact, StepOutput, StopCause};

/// The first word of the events that calls of skills are: `skill.fx.rate`.
pub const SKILL: &str = "skill.";

/// The longest that another server may take to answer, in seconds; before that, its own limit ends the call.
pub const PEER_TIMEOUT_S: u64 = 3600;

/// A skill as it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skill {
    /// What callers call it: `fx.rate`.
    pub name: String,
    /// What it is for, for people.
    pub description: Option<String>,
    /// What callers may hand in, by name.
    pub params: BTreeMap<String, Param>,
    /// Who answers.
    pub provider: Provider,
    /// The longest that an answer may take, in seconds.
    pub timeout_s: u64,
}

impl Skill {
    /// The event that a call of it is, where a container is made for each call.
    pub fn event(&self) -> String {
        format!("{SKILL}{}", self.name)
    }
}

/// Who answers the calls of a skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Provider {
    /// A container of a plugin, made for each call.
    Container {
        /// The plugin.
        plugin: PluginName,
    },
    /// Nobody: it is a value.
    Constant {
        /// The plugin that declares it.
        plugin: PluginName,
        /// The value.
        value: Value,
    },
    /// A service, by HTTP.
    Http {
        /// The service.
        service: Name,
        /// The container's port.
        port: u16,
        /// The path.
        path: String,
    },
    /// A program that is run in the container of a service for each call.
    Program {
        /// The service.
        service: Name,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Other servers, which are asked over HTTP: the first that answers.
    Peers {
        /// Their names in the server's configuration.
        peers: BTreeSet<Name>,
    },
}

impl Provider {
    /// Who declares it: `Plugin/bank`, `Service/rates`, or the server's configuration: `peers.berlin`.
    pub fn document(&self) -> String {
        match self {
            Self::Container { plugin } | Self::Constant { plugin, .. } => format!("Plugin/{plugin}"),
            Self::Http { service, .. } | Self::Program { service, .. } => format!("Service/{service}"),
            Self::Peers { peers } => peers.iter().map(|peer| format!("peers.{peer}")).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A call of a service that is up: what is asked, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceCall {
    /// How.
    pub way: CallWay,
    /// What is handed in.
    pub data: Value,
    /// The longest that the answer may take.
    pub timeout: SignedDuration,
}

/// How a service is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallWay {
    /// A POST request; the data are its body, the answer's body is the result.
    Http {
        /// The container's port.
        port: u16,
        /// The path.
        path: String,
    },
    /// A program; it reads the data on its standard input and writes the result on its standard output.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// Why a call has no result. Its kind and message cross from one container to another; nothing else of a failure does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// What sort of failure, in one word: `Failed`, `Timeout`, `BadResult`, `Unavailable`, or what the provider says.
    pub kind: String,
    /// What happened, in one sentence.
    pub message: String,
}

impl CallError {
    /// An error of `kind`.
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), message: message.into() }
    }
}

/// What came of a call that is an event, as its facts say; absent while it goes on.
pub fn call_answer<'a>(facts: impl Iterator<Item = &'a Fact>) -> Option<Result<Value, CallError>> {
    let mut stopped = None;
    let mut ended = None;
    for fact in facts {
        let Fact::Event { change, .. } = fact else { continue };
        match change {
            EventFact::Step { fact: StepFact::Stopping { why }, .. } => stopped = Some(why),
            EventFact::Step { fact: StepFact::Ended { result, output, .. }, .. } => ended = Some((result, output)),
            EventFact::Handled { failure } => {
                let Some((exit, output)) = ended else {
                    let why =
                        failure.clone().unwrap_or_else(|| "its provider does not take part at present".to_owned());
                    return Some(Err(CallError::new("Unavailable", why)));
                };
                return Some(answer(exit, stopped, output));
            }
            _ => {}
        }
    }
    None
}

fn answer(exit: &Exit, stopped: Option<&StopCause>, output: &StepOutput) -> Result<Value, CallError> {
    match (exit, stopped) {
        (_, Some(StopCause::Timeout)) => Err(CallError::new("Timeout", "the provider took too long and was ended")),
        (Exit::Code { code: 0 }, None) => match output.problems.first() {
            Some(problem) => Err(CallError::new("BadResult", problem.clone())),
            None => Ok(output.result.clone().unwrap_or(Value::Null)),
        },
        (Exit::Code { code }, _) => Err(output.error.clone().unwrap_or_else(|| {
            let last = output.tail.trim_end().lines().next_back().unwrap_or_default();
            let colon = if last.is_empty() { "" } else { ": " };
            CallError::new("Failed", format!("exit {code}{colon}{last}"))
        })),
        (Exit::OutOfMemory, _) => Err(CallError::new("Failed", "out of memory")),
        (Exit::NotStarted { why }, _) => Err(CallError::new("Unavailable", why.clone())),
        (Exit::Lost { why }, _) => Err(CallError::new("Unavailable", format!("lost: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::{EventId, StepId};

    fn told(result: Exit, output: StepOutput) -> Option<Result<Value, CallError>> {
        let at = Timestamp::UNIX_EPOCH;
        let fact = StepFact::Ended { result, started_at: Some(at), finished_at: at, output: Box::new(output) };
        let changes = [
            EventFact::Began,
            EventFact::Step { id: StepId("skill.fx.rate-bank.fx-rate".into()), fact },
            EventFact::Handled { failure: None },
        ];
        let id = EventId::derived(&["call"]);
        let facts: Vec<Fact> = changes.into_iter().map(|change| Fact::Event { id: id.clone(), change }).collect();
        assert_eq!(call_answer(facts[..2].iter()), None, "it goes on until it is handled");
        call_answer(facts.iter())
    }

    #[test]
    fn a_result_is_what_the_container_left() {
        let output = StepOutput { result: Some(json!({"rate": 1.08})), ..StepOutput::default() };
        assert_eq!(told(Exit::Code { code: 0 }, output), Some(Ok(json!({"rate": 1.08}))));
        assert_eq!(told(Exit::Code { code: 0 }, StepOutput::default()), Some(Ok(Value::Null)));
    }

    #[test]
    fn d21_an_error_crosses_by_kind_and_message() {
        let error = |exit, output| told(exit, output).unwrap().unwrap_err();
        let own = StepOutput { error: Some(CallError::new("UnknownCurrency", "XYZ")), ..StepOutput::default() };
        assert_eq!(error(Exit::Code { code: 1 }, own), CallError::new("UnknownCurrency", "XYZ"));
        let silent = StepOutput { tail: "Traceback\n  line 3\nKeyError: 'XYZ'\n".to_owned(), ..StepOutput::default() };
        assert_eq!(error(Exit::Code { code: 1 }, silent).message, "exit 1: KeyError: 'XYZ'");
        let broken = StepOutput { problems: vec!["result.json: EOF".to_owned()], ..StepOutput::default() };
        assert_eq!(error(Exit::Code { code: 0 }, broken).kind, "BadResult");
    }
}
