//! The engine's events, as names of containers to look at.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use provost_controller::{EngineError, EngineErrorKind};
use provost_model::{ContainerName, Instance, LABEL_INSTANCE};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use crate::names::escape;
use crate::wire::Wire;

/// After so much silence the engine is asked whether it is still there: a frozen one closes no connection.
const SILENCE: Duration = Duration::from_secs(60);
/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest event that is read, in bytes.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// What starts, ends or takes away a container; `died`, `remove` and `cleanup` are Podman's words.
const ACTIONS: &[&str] =
    &["start", "restart", "pause", "unpause", "oom", "die", "died", "stop", "destroy", "remove", "cleanup", "rename"];

/// Returns the names of containers of `instance` to which something happens from now on.
///
/// The engine notes its listeners shortly after it has answered, so what happened since the second before is asked for
/// too, by the engine's own clock: a name may come twice, and none is missed.
pub(super) async fn watch(wire: &Wire, instance: &Instance) -> Result<BoxStream<'static, ContainerName>, EngineError> {
    let filters = json!({"type": ["container"], "label": [format!("{LABEL_INSTANCE}={instance}")]});
    let since = wire.ping().await?.map(|now| format!("&since={}", now.as_second())).unwrap_or_default();
    let response = wire.open(&format!("/events?filters={}{since}", escape(&filters.to_string()))).await;
    let response = response.map_err(|error| EngineError::new(EngineErrorKind::Unavailable, error.message))?;
    let events = Events { body: response.into_body(), buffer: BytesMut::new(), wire: wire.patience(PATIENCE) };
    Ok(stream::unfold(events, |mut events| async { Some((events.next().await?, events)) }).boxed())
}

struct Events {
    body: Incoming,
    buffer: BytesMut,
    wire: Wire,
}

impl Events {
    /// The next name; nothing when the engine is gone.
    async fn next(&mut self) -> Option<ContainerName> {
        loop {
            while let Some(line) = take_line(&mut self.buffer) {
                if let Some(name) = read_event(&line) {
                    return Some(name);
                }
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Option<()> {
        let frame = match timeout(SILENCE, self.body.frame()).await {
            Ok(frame) => frame?.ok()?,
            Err(_) => return self.wire.ping().await.ok().map(drop),
        };
        self.buffer.extend_from_slice(frame.data_ref()?);
        (self.buffer.len() <= EVENT_BYTES_MAX).then_some(())
    }
}

fn take_line(buffer: &mut BytesMut) -> Option<BytesMut> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    Some(buffer.split_to(end + 1))
}

/// An event. Source: Docker Engine API 1.41, `SystemEvents`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(default)]
    action: String,
    #[serde(default)]
    actor: Actor,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Actor {
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    name: String,
}

/// The container that an event speaks of, if it is one to look at. What cannot be read is passed over: the truth is in
/// what the engine shows, and the next look will find it.
fn read_event(line: &[u8]) -> Option<ContainerName> {
    let event: Event = serde_json::from_slice(line).ok()?;
    let name = ContainerName::parse(event.actor.attributes.name).ok()?;
    ACTIONS.contains(&event.action.as_str()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_with_tolerance() {
        let name = |line: &str| read_event(line.as_bytes()).map(|name| name.to_string());
        let event =
            |action: &str| format!(r#"{{"Type":"x","Action":"{action}","Actor":{{"Attributes":{{"name":"a-b"}}}}}}"#);
        for action in ["start", "die", "died", "destroy", "remove"] {
            assert_eq!(name(&event(action)), Some("a-b".to_owned()), "{action}");
        }
        for line in ["", "{", "{}", &event("exec_create: x"), &event("create"), r#"{"Action":"die","Actor":{}}"#] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    #[test]
    fn lines_are_cut_where_they_end() {
        let mut buffer = BytesMut::from(&b"one\ntw"[..]);
        assert_eq!(take_line(&mut buffer).as_deref(), Some(&b"one\n"[..]));
        assert_eq!(take_line(&mut buffer), None);
        buffer.extend_from_slice(b"o\n");
        assert_eq!(take_line(&mut buffer).as_deref(), Some(&b"two\n"[..]));
    }
}
