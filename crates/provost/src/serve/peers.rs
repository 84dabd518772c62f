//! Other servers, asked over HTTPS.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::time::Duration;

use async_trait::async_trait;
use provost_api::wire::SkillCall;
use provost_api::{Client, ClientError, Remote};
use provost_controller::{NotAsked, PeerCall};
use provost_model::{CallError, Name};
use serde_json::Value;

use crate::config::{Peer, Peers};

/// No token is longer, in bytes.
const TOKEN_MAX: u64 = 4096;

/// How often a server is looked for that is not there, such as one that is started anew.
const TRIES: u32 = 3;

/// How long is waited in between.
const PAUSE: Duration = Duration::from_millis(500);

/// The servers that the configuration names.
pub struct HttpsPeers(pub Peers);

#[async_trait]
impl provost_controller::Peers for HttpsPeers {
    fn providers(&self, skill: &str) -> BTreeSet<Name> {
        let provides = |peer: &Peer| peer.skills.iter().any(|provided| provided == skill);
        self.0.iter().filter(|(_, peer)| provides(peer)).map(|(name, _)| name.clone()).collect()
    }

    async fn call_skill(&self, call: &PeerCall) -> Result<Result<Value, CallError>, NotAsked> {
        let told = |why: String| format!("peer {}: {why}", call.peer);
        let not_asked = |why: String| NotAsked(told(why));
        let peer =
            self.0.get(&call.peer).ok_or_else(|| not_asked("the configuration names no such server".to_owned()))?;
        let client = client(peer).map_err(not_asked)?;
        let Ok(answer) = tokio::time::timeout(call.timeout, ask(&client, call)).await else {
            return Ok(Err(CallError::new("Timeout", told("it has not answered in time".to_owned()))));
        };
        match answer {
            Ok(result) => Ok(Ok(result)),
            Err(ClientError::Problem(problem)) => match problem.error {
                // What the provider itself says crosses as it is.
                Some(error) => Ok(Err(CallError { kind: error.kind, message: error.message })),
                None => Err(not_asked(problem.to_string())),
            },
            Err(error) if may_have_been_asked(&error) => {
                Ok(Err(CallError::new("Unavailable", told(error.to_string()))))
            }
            Err(error) => Err(not_asked(error.to_string())),
        }
    }
}

/// Whether the call may have been taken, though no answer came.
fn may_have_been_asked(error: &ClientError) -> bool {
    matches!(error, ClientError::Silent { .. } | ClientError::Io { .. } | ClientError::Answer { .. })
}

async fn ask(client: &Client, call: &PeerCall) -> Result<Value, ClientError> {
    let asked = SkillCall { data: call.data.clone(), request: Some(call.request.clone()), own: true };
    let mut tries = 1;
    loop {
        match client.call_skill(&call.skill, &asked).await {
            Err(ClientError::NotRunning { .. }) if tries < TRIES => {
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
            answer => return answer.map(|answer| answer.result),
        }
    }
}

/// A client that shows the token which the file holds now.
fn client(peer: &Peer) -> Result<Client, String> {
    let path = &peer.token_file;
    let mut token = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(TOKEN_MAX).read_to_string(&mut token));
    read.map_err(|error| format!("its token cannot be read: {}: {error}", path.display()))?;
    let remote = Remote { token: Some(token.trim().to_owned()), ..peer.remote() };
    Client::remote(remote).map_err(|error| error.to_string())
}
