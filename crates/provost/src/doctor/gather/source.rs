//! The source's newest revision, read into a folder of its own: the running server's copy is left alone.

use jiff::{SignedDuration, Timestamp};
use provost_controller::{Compiler as _, Revision, SourceError};
use provost_model::Desired;

use super::{PATIENCE, trouble};
use crate::config::ServerConfig;
use crate::doctor::evidence::{Newest, SourceAsked, Trouble};
use crate::serve::{Manifests, facts, open_source};

/// What the source brings, and what it wants if there is no error in it.
pub(super) async fn ask(config: Option<&ServerConfig>, now: Timestamp) -> Option<(SourceAsked, Option<Desired>)> {
    let config = config?;
    let begun = std::time::Instant::now();
    let (name, fetched) = fetch(config).await;
    let took = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
    match fetched {
        Err(trouble) => Some((SourceAsked { name, took, newest: Err(trouble) }, None)),
        Ok(revision) => {
            let compiled = Manifests { facts: facts(config) }.compile(&revision, now);
            let newest = Newest {
                id: revision.id.to_string(),
                signer: revision.signer,
                errors: compiled.errors,
                report: compiled.report,
                automations: compiled.desired.as_ref().map_or(0, |desired| desired.automations.len()),
            };
            Some((SourceAsked { name, took, newest: Ok(newest) }, compiled.desired))
        }
    }
}

async fn fetch(config: &ServerConfig) -> (String, Result<Revision, Trouble>) {
    let failed = |failure| ("the source".to_owned(), Err(trouble(&failure)));
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(error.into()),
    };
    let mut config = config.clone();
    if let Some(git) = &mut config.source.git {
        git.timeout = git.timeout.min(PATIENCE);
    }
    match open_source(&config, folder.path()) {
        Ok(source) => (source.describe(), source.fetch().await.map_err(|error| unreadable(&error))),
        Err(failure) => failed(failure),
    }
}

fn unreadable(error: &SourceError) -> Trouble {
    let mend = match error {
        SourceError::Unreachable(_) => {
            "see whether the host is up and this machine may reach it; it is tried again by itself"
        }
        SourceError::Refused(_) => "correct `source` in the server's configuration, or what it names",
        SourceError::Unsigned { .. } => "sign the commit with a key that `signers` lists, or list the key",
    };
    Trouble { what: error.to_string(), mend: mend.to_owned() }
}
