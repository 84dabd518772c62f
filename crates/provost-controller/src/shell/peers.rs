//! Calls of skills on other servers, and on several.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use provost_model::{CallError, Name, PEER_TIMEOUT_S, Provider};

use super::skill::{CallAnswer, SkillAsked, UNAVAILABLE};
use crate::core::unknown;
use crate::{Controller, NotAsked, PeerCall, Refusal, RefusalKind, View};

/// How long another server may take.
const TIMEOUT: Duration = Duration::from_secs(PEER_TIMEOUT_S);

impl Controller {
    /// Calls a skill on each of `servers`, side by side, and returns what each has answered. None: on all that provide it.
    ///
    /// Errors: nobody provides it, one of `servers` is not known to, or nothing can be called at present.
    pub async fn call_skill_on(
        &self,
        asked: SkillAsked,
        servers: BTreeSet<String>,
    ) -> Result<BTreeMap<String, CallAnswer>, Refusal> {
        let _place = self.place()?;
        let known = self.providers(&asked.skill).await?;
        if known.is_empty() {
            return Err(unknown(&asked.skill));
        }
        if let Some(server) = servers.difference(&known).next() {
            let message = format!("{server} is not known to provide {}", asked.skill);
            let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(Refusal::new(RefusalKind::Invalid, message).hint(format!("these are: {known}")));
        }
        let servers = if servers.is_empty() { known } else { servers };
        let answers = join_all(servers.iter().map(|server| self.call_at(server, &asked))).await;
        Ok(servers.into_iter().zip(answers).collect())
    }

    /// The servers that provide `skill`: this one by its instance's name.
    async fn providers(&self, skill: &str) -> Result<BTreeSet<String>, Refusal> {
        let wanted = skill.to_owned();
        let is_own = move |view: &View<'_>| {
            let skill = view.state.desired.skills.get(&wanted);
            skill.is_some_and(|skill| !matches!(skill.provider, Provider::Peers { .. }))
        };
        let own = self.view(is_own).await?.then(|| self.instance.to_string());
        let peers = self.peers.providers(skill).into_iter().map(|peer| peer.to_string());
        Ok(own.into_iter().chain(peers).collect())
    }

    /// Calls a skill on one server. That it is not asked is an answer here.
    async fn call_at(&self, server: &str, asked: &SkillAsked) -> CallAnswer {
        match Name::new(server) {
            Ok(peer) if server != self.instance.as_str() => self.call_peer(peer, asked).await.unwrap_or_else(failed),
            _ => {
                let answer = self.call_skill(SkillAsked { own: true, ..asked.clone() }).await;
                answer.unwrap_or_else(|refusal| Err(CallError::new(UNAVAILABLE, refusal.to_string())))
            }
        }
    }

    /// Asks `peers`, in their order, until one of them has taken the call: then it is not made a second time.
    pub(super) async fn call_peers(&self, peers: BTreeSet<Name>, asked: SkillAsked) -> CallAnswer {
        let mut why = NotAsked("no other server provides it".to_owned());
        for peer in peers {
            match self.call_peer(peer, &asked).await {
                Ok(answer) => return answer,
                Err(not_asked) => why = not_asked,
            }
        }
        failed(why)
    }

    async fn call_peer(&self, peer: Name, asked: &SkillAsked) -> Result<CallAnswer, NotAsked> {
        let SkillAsked { skill, data, request, .. } = asked.clone();
        self.peers.call_skill(&PeerCall { peer, skill, data, request, timeout: TIMEOUT }).await
    }
}

fn failed(NotAsked(why): NotAsked) -> CallAnswer {
    Err(CallError::new(UNAVAILABLE, why))
}
