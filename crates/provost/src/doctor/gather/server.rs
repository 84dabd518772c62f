//! The running server, through its socket.

use std::path::Path;

use provost_api::wire::{AutomationState, AutomationsQuery, RunPhase, RunsQuery};
use provost_api::{Client, ClientError};

use super::{PATIENCE, machine};
use crate::doctor::evidence::{Answered, ServerAsked, Trouble};

/// How many of the youngest runs are looked at for such as wait.
const RUNS: usize = 1000;

pub(super) async fn ask(socket: &Path) -> ServerAsked {
    let answer = match tokio::time::timeout(PATIENCE, answered(&Client::unix(socket))).await {
        Ok(Ok(answered)) => Ok(Box::new(answered)),
        Ok(Err(error)) => Err(trouble(&error)),
        Err(_) => Err(Trouble {
            what: format!("the server at {} takes the question and does not answer", socket.display()),
            mend: "look at its log (journalctl -u provost); restart it: runs go on meanwhile".to_owned(),
        }),
    };
    ServerAsked { socket: socket.to_owned(), mode: machine::mode(socket), answer }
}

async fn answered(client: &Client) -> Result<Answered, ClientError> {
    let status = client.status().await?;
    let runs = client.runs(&RunsQuery { limit: Some(RUNS), ..RunsQuery::default() }).await?;
    let waiting = runs.into_iter().filter(|run| run.phase == RunPhase::Queued);
    let automations = client.automations(&AutomationsQuery::default()).await?;
    let failing = automations.into_iter().filter(|automation| automation.state == AutomationState::Failing);
    Ok(Answered {
        status,
        waiting: waiting.map(|run| (run.run, run.detail)).collect(),
        failing: failing.map(|automation| automation.name).collect(),
    })
}

fn trouble(error: &ClientError) -> Trouble {
    let mend =
        error.hint().map_or_else(|| "look at its log (journalctl -u provost)".to_owned(), |hint| hint.to_string());
    Trouble { what: error.to_string(), mend }
}
