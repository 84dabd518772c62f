//! What the commands that talk to a server have in common.

use provost_api::wire::ProblemCode;
use provost_api::{Client, ClientError};

use crate::config::ServerArgs;
use crate::exit::{Exit, Failure};

/// A client of the server that `args` name.
pub fn client(args: &ServerArgs) -> Result<Client, Failure> {
    Ok(Client::unix(args.find()?))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::NotRunning { .. } => Exit::NotFound,
            ClientError::Denied { .. } => Exit::Denied,
            ClientError::Io { .. } | ClientError::Answer { .. } => Exit::No,
            ClientError::Problem(problem) => match problem.code {
                ProblemCode::NotFound => Exit::NotFound,
                ProblemCode::Denied => Exit::Denied,
                ProblemCode::Invalid => Exit::Usage,
                _ => Exit::No,
            },
        };
        let failure = Self::new(exit, &error);
        match error.hint() {
            Some(hint) => failure.help(hint),
            None => failure,
        }
    }
}

/// Something that is named on a command line: an automation or a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An automation, by name.
    Automation(String),
    /// A run, by id. Unlike a name, an id has a dot in it.
    Run(String),
}

impl Subject {
    /// What `text` names: `nightly`, `automation/nightly`, `nightly.20261120T020000Z`, `run/…`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once('/') {
            Some(("automation" | "automations", name)) => Ok(Self::Automation(name.to_owned())),
            Some(("run" | "runs", run)) => Ok(Self::Run(run.to_owned())),
            Some((kind, _)) => Err(Failure::usage(format!("{kind:?} is neither `automation` nor `run`"))
                .help("write the name of an automation, or the id of a run")),
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
        check("automation/nightly", Subject::Automation("nightly".to_owned()));
        check("nightly.20261120T020000Z", Subject::Run("nightly.20261120T020000Z".to_owned()));
        check("run/nightly.a", Subject::Run("nightly.a".to_owned()));
        assert_eq!(Subject::parse("policy/shop").unwrap_err().exit, Exit::Usage);
    }
}
