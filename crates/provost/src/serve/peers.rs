//! Other servers, asked over HTTPS.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::time::Duration;

use async_trait::async_trait;
use provost_api::wire::SkillCall;
use provost_api::{Client, ClientError, Remote};
use provost_controller::PeerCall;
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
pub struct Neighbours(pub Peers);

#[async_trait]
impl provost_controller::Peers for Neighbours {
    fn providers(&self, skill: &str) -> BTreeSet<Name> {
        let provides = |peer: &Peer| peer.skills.iter().any(|provided| provided == skill);
        self.0.iter().filter(|(_, peer)| provides(peer)).map(|(name, _)| name.clone()).collect()
    }

    async fn call_skill(&self, call: &PeerCall) -> Result<Value, CallError> {
        let unavailable = |why: String| CallError::new("Unavailable", format!("peer {}: {why}", call.peer));
        let peer =
            self.0.get(&call.peer).ok_or_else(|| unavailable("the configuration names no such server".to_owned()))?;
        let client = client(peer).map_err(unavailable)?;
        let answer = tokio::time::timeout(call.timeout, ask(&client, call)).await;
        let late = |_| CallError::new("Timeout", format!("peer {} has not answered in time", call.peer));
        answer.map_err(late)?.map_err(|error| match error.problem().and_then(|problem| problem.error.clone()) {
            // What the provider itself says crosses as it is.
            Some(error) => CallError { kind: error.kind, message: error.message },
            None => unavailable(error.to_string()),
        })
    }
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
