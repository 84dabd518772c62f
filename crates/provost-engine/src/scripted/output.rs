//! What scripted containers print.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use provost_controller::{EngineError, OutputChunk};
use provost_model::ContainerName;
use tokio::sync::watch;

use super::ScriptedEngine;
use super::container::Stage;
use super::script::Script;
use super::world::World;

type Item = Result<OutputChunk, EngineError>;

/// Returns the output of a container from its beginning; with `follow`, until it ends or is gone.
pub(super) fn output(engine: &ScriptedEngine, name: &ContainerName, follow: bool) -> BoxStream<'static, Item> {
    let changes = engine.changes.subscribe();
    let reader = Reader { engine: engine.clone(), changes, name: name.clone(), follow, read: 0, done: false };
    stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) }).boxed()
}

struct Reader {
    engine: ScriptedEngine,
    changes: watch::Receiver<u64>,
    name: ContainerName,
    follow: bool,
    read: usize,
    done: bool,
}

/// What there is to do.
enum Next {
    Item(Item),
    Wait,
    End,
}

impl Reader {
    async fn next(&mut self) -> Option<Item> {
        while !self.done {
            self.changes.borrow_and_update();
            let next = self.look(&self.engine.world());
            match next {
                Next::Item(item) => {
                    self.read += 1;
                    self.done = item.is_err();
                    return Some(item);
                }
                Next::End => return None,
                Next::Wait => self.changes.changed().await.ok()?,
            }
        }
        None
    }

    fn look(&self, world: &World) -> Next {
        if let Err(error) = world.reachable() {
            return Next::Item(Err(error));
        }
        let Some(container) = world.containers.get(&self.name) else {
            return Next::End;
        };
        let (printed, over) = match &container.stage {
            Stage::Created => (None, false),
            Stage::Running { since, script, .. } => (chunk(script, self.read, *since, world.now), false),
            Stage::Over { since, script, end } => (chunk(script, self.read, *since, end.at), true),
        };
        match printed {
            Some(chunk) => Next::Item(Ok(chunk)),
            None if over || !self.follow => Next::End,
            None => Next::Wait,
        }
    }
}

/// The line with this number, if it was printed by `until`.
fn chunk(script: &Script, number: usize, since: Timestamp, until: Timestamp) -> Option<OutputChunk> {
    let line = script.lines.get(number)?;
    let at = since + line.after;
    let bytes = Bytes::from(format!("{}\n", line.text));
    (at <= until).then_some(OutputChunk { stream: line.stream, at, bytes })
}
