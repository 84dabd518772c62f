//! A container's output, as it comes.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use provost_controller::{EngineError, EngineErrorKind, OutputChunk, OutputStream};
use provost_model::{ContainerName, Life};
use tokio::time::{sleep, timeout};

use super::{DockerEngine, trouble};

/// Silence after which it is first looked whether the container still runs. Doubles up to [`SILENCE_MAX`].
const SILENCE: Duration = Duration::from_secs(5);
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long an engine may keep silent about the rest of the output of a container that has ended.
const REST: Duration = Duration::from_secs(3);
/// How often it is looked whether a container that was silent from the beginning has started.
const START: Duration = Duration::from_millis(250);
/// The end of the output comes some moments before the engine knows of the end.
const LOOKS_AFTER_END: u32 = 20;

type Chunks = BoxStream<'static, Result<LogOutput, Error>>;
type Item = Result<OutputChunk, EngineError>;

/// Returns the output of `name`, which must be ours.
///
/// One chunk at a time is held, and the engine is read as fast as the chunks are taken. The engine splits lines at
/// 16 KiB and gives each piece a time; the pieces are passed on as they are.
pub(super) async fn output(
    engine: &DockerEngine,
    name: &ContainerName,
    follow: bool,
) -> Result<BoxStream<'static, Item>, EngineError> {
    let Some(seen) = engine.own(name, "read the output of").await? else {
        let message = format!(
            "cannot read the output of container {name}: there is none; somebody has removed it"
        );
        return Err(EngineError::new(EngineErrorKind::NotFound, message));
    };
    let reader = Reader {
        chunks: open(engine, &seen.id, follow),
        engine: engine.clone(),
        name: name.clone(),
        id: seen.id,
        follow,
        silence: SILENCE,
        over: false,
        done: false,
    };
    Ok(stream::unfold(reader, |mut reader| async {
        Some((reader.next().await?, reader))
    })
    .boxed())
}

fn open(engine: &DockerEngine, id: &str, follow: bool) -> Chunks {
    let options = LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        timestamps: true,
        ..LogsOptions::default()
    };
    // Podman begins its answer with the first line; the silence is watched here.
    engine
        .patient(u64::from(u32::MAX))
        .logs(id, Some(options))
        .boxed()
}

struct Reader {
    chunks: Chunks,
    engine: DockerEngine,
    name: ContainerName,
    id: String,
    follow: bool,
    silence: Duration,
    /// The container was seen to have ended.
    over: bool,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Item> {
        while !self.done {
            let waited = timeout(
                if self.over { REST } else { self.silence },
                self.chunks.next(),
            )
            .await;
            let item = match waited {
                Ok(Some(Ok(chunk))) => {
                    self.silence = SILENCE;
                    Some(self.read(chunk))
                }
                Ok(Some(Err(error))) => Some(Err(trouble::say(&self.doing(), error))),
                Ok(None) => self.after_end().await,
                Err(_) => self.after_silence().await,
            };
            self.done |= matches!(item, Some(Err(_)));
            if item.is_some() {
                return item;
            }
        }
        None
    }

    fn read(&self, chunk: LogOutput) -> Item {
        let (stream, message) = match chunk {
            LogOutput::StdOut { message } => (OutputStream::Stdout, message),
            LogOutput::StdErr { message } => (OutputStream::Stderr, message),
            // What is left of a frame when the connection breaks.
            LogOutput::StdIn { .. } | LogOutput::Console { .. } => return Err(self.broken()),
        };
        let (at, bytes) = split_time(message).ok_or_else(|| self.broken())?;
        Ok(OutputChunk { stream, at, bytes })
    }

    /// The engine ends the output when the container ends, when it has not started, or when the engine itself ends.
    async fn after_end(&mut self) -> Option<Item> {
        if !self.follow {
            self.done = true;
            return None;
        }
        for _ in 0..LOOKS_AFTER_END {
            match self.engine.life(&self.id).await {
                Err(error) => return Some(Err(error)),
                Ok(Some(Life::Running { .. })) => sleep(START / 2).await,
                Ok(Some(Life::Created)) => {
                    sleep(START).await;
                    self.chunks = open(&self.engine, &self.id, true);
                    return None;
                }
                Ok(None | Some(Life::Exited { .. })) => {
                    self.done = true;
                    return None;
                }
            }
        }
        Some(Err(self.broken()))
    }

    /// A silent container is left alone; one that has ended has nothing more to say after a while.
    async fn after_silence(&mut self) -> Option<Item> {
        match self.engine.life(&self.id).await {
            Err(error) => return Some(Err(error)),
            Ok(None | Some(Life::Exited { .. })) if self.over => self.done = true,
            Ok(None | Some(Life::Exited { .. })) => self.over = true,
            Ok(Some(_)) => self.silence = (self.silence * 2).min(SILENCE_MAX),
        }
        None
    }

    fn doing(&self) -> String {
        format!("read the output of container {}", self.name)
    }

    fn broken(&self) -> EngineError {
        let message = format!(
            "cannot {}: the engine broke it off while the container runs",
            self.doing()
        );
        EngineError::new(EngineErrorKind::Unavailable, message)
    }
}

/// Takes the time off the beginning of a piece of output.
fn split_time(mut message: Bytes) -> Option<(Timestamp, Bytes)> {
    let end = message.iter().take(40).position(|byte| *byte == b' ')?;
    let at = std::str::from_utf8(&message[..end]).ok()?.parse().ok()?;
    let _ = message.split_to(end + 1);
    Some((at, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_off() {
        let split = |text: &'static str| split_time(Bytes::from_static(text.as_bytes()));
        let at: Timestamp = "2026-11-20T02:00:00.5Z".parse().unwrap();
        assert_eq!(
            split("2026-11-20T02:00:00.500000000Z a b\n"),
            Some((at, Bytes::from_static(b"a b\n")))
        );
        assert_eq!(
            split("2026-11-20T03:00:00.5+01:00 "),
            Some((at, Bytes::new()))
        );
        for cut in ["", "2026-11-20T02:00", "2026-11-20T02: x", "no time at all"] {
            assert_eq!(split(cut), None, "{cut}");
        }
    }
}
