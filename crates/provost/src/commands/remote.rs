//! What the commands that talk to a server have in common.

use provost_api::wire::ProblemCode;
use provost_api::{Client, ClientError};

use crate::app::FormatArgs;
use crate::config::{ServerArgs, ServerPlace};
use crate::exit::{Exit, Failure};

/// What a list of all that a server has may be told.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// A client of the server that `args` name.
pub fn client(args: &ServerArgs) -> Result<Client, Failure> {
    match args.find()? {
        ServerPlace::Local(socket) => Ok(Client::unix(socket)),
        ServerPlace::Remote(remote) => Ok(Client::remote(*remote)?),
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::NotRunning { .. } => Exit::NotFound,
            ClientError::Denied { .. } => Exit::Denied,
            ClientError::Unproven { .. } => Exit::Usage,
            ClientError::Silent { .. } => Exit::NotFound,
            ClientError::Io { .. } | ClientError::Answer { .. } => Exit::No,
            ClientError::Problem(problem) => match problem.code {
                ProblemCode::NotFound => Exit::NotFound,
                ProblemCode::Denied | ProblemCode::Unknown => Exit::Denied,
                ProblemCode::Invalid => Exit::Usage,
                _ => Exit::No,
            },
        };
        let is_report = error.problem().is_some_and(|problem| problem.code == ProblemCode::Rejected);
        let failure = if is_report { Self::report(exit, &error) } else { Self::new(exit, &error) };
        match error.hint() {
            Some(hint) => failure.help(hint),
            None => failure,
        }
    }
}

/// Something that is named on a command line: an automation or service, a run or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An automation, by name.
    Automation(String),
    /// A service, by name, where that is said; a bare name may be one too.
    Service(String),
    /// A run, by id. Unlike a name, an id has a dot in it.
    Run(String),
    /// An event that is no run's own, by id.
    Event(String),
}

/// Says that there is only output to be shown of `event`.
pub fn only_output(event: &str) -> Failure {
    Failure::usage(format!("{event} is an event; of events there is only output"))
        .help(format!("provost logs event/{event} shows it"))
}

impl Subject {
    /// What `text` names: `nightly`, `automation/nightly`, `nightly.20261120T020000Z`, `run/…`, `event/e3bcaeaed3fe70dbb`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once('/') {
            Some(("automation" | "automations", name)) => Ok(Self::Automation(name.to_owned())),
            Some(("service" | "services", name)) => Ok(Self::Service(name.to_owned())),
            Some(("run" | "runs", run)) => Ok(Self::Run(run.to_owned())),
            Some(("event" | "events", event)) => Ok(Self::Event(event.to_owned())),
            Some((kind, _)) => Err(Failure::usage(format!(
                "{kind:?} is none of `automation`, `service`, `run` and `event`"
            ))
            .help("write the name of an automation or service, the id of a run, or event/ and the id of an event")),
            None if text.contains('.') => Ok(Self::Run(text.to_owned())),
            None => Ok(Self::Automation(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_makes_a_run() {
        let check = |text: &str, expected: Subject| assert_eq!(Subject::parse(text).unwrap(), expected);
        check("nightly", Subject::Automation("nightly".to_owned()));
        check("service/relay", Subject::Service("relay".to_owned()));
        check("automation/nightly", Subject::Automation("nightly".to_owned()));
        check("nightly.20261120T020000Z", Subject::Run("nightly.20261120T020000Z".to_owned()));
        check("run/nightly.a", Subject::Run("nightly.a".to_owned()));
        check("event/e3bcaeaed3fe70dbb", Subject::Event("e3bcaeaed3fe70dbb".to_owned()));
        assert_eq!(Subject::parse("policy/shop").unwrap_err().exit, Exit::Usage);
    }
}
