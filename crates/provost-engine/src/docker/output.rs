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
/// An engine that is silent for this long about what it has already is stuck: that is an error, and no end of the output.
const STUCK: Duration = Duration::from_secs(20);
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
///
/// An engine that is followed may break off in good order some moments after the container's end, whatever is left to
/// tell (Docker does so after 5 s). So the rest is asked for once more when the container has ended.
pub(super) async fn output(
    engine: &DockerEngine,
    name: &ContainerName,
    follow: bool,
) -> Result<BoxStream<'static, Item>, EngineError> {
    let Some(seen) = engine.own(name, "read the output of").await? else {
        let message = format!("cannot read the output of container {name}: there is none; somebody has removed it");
        return Err(EngineError::new(EngineErrorKind::NotFound, message));
    };
    let reader = Reader {
        chunks: open(engine, &seen.id, follow, None),
        engine: engine.clone(),
        name: name.clone(),
        id: seen.id,
        follow,
        told: Told::default(),
        known: Told::default(),
        silence: SILENCE,
        over: false,
        done: false,
    };
    Ok(stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) }).boxed())
}

/// The output of `id`, from the second of `since`.
fn open(engine: &DockerEngine, id: &str, follow: bool, since: Option<Timestamp>) -> Chunks {
    let since = since.and_then(|since| i32::try_from(since.as_second()).ok());
    let options = LogsOptions {
        follow,
        since: since.unwrap_or_default(),
        stdout: true,
        stderr: true,
        timestamps: true,
        ..LogsOptions::default()
    };
    // Podman begins its answer with the first line; the silence is watched here.
    engine.patient(u64::from(u32::MAX)).logs(id, Some(options)).boxed()
}

struct Reader {
    chunks: Chunks,
    engine: DockerEngine,
    name: ContainerName,
    id: String,
    follow: bool,
    /// What was passed on.
    told: Told,
    /// What was passed on before the rest was asked for, and comes once more.
    known: Told,
    silence: Duration,
    /// The container was seen to have ended.
    over: bool,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Item> {
        while !self.done {
            let patience = if self.over && self.follow { REST } else { self.silence };
            let waited = timeout(patience, self.chunks.next()).await;
            let item = match waited {
                Ok(Some(Ok(chunk))) => {
                    self.silence = SILENCE;
                    self.read(chunk)
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

    /// The chunk, unless it was passed on already.
    fn read(&mut self, chunk: LogOutput) -> Option<Item> {
        let (stream, message) = match chunk {
            LogOutput::StdOut { message } => (OutputStream::Stdout, message),
            LogOutput::StdErr { message } => (OutputStream::Stderr, message),
            // What is left of a frame when the connection breaks.
            LogOutput::StdIn { .. } | LogOutput::Console { .. } => return Some(Err(self.broken())),
        };
        let Some((at, bytes)) = split_time(message) else {
            return Some(Err(self.broken()));
        };
        if self.known.of(stream).covers(at) {
            return None;
        }
        self.told.of(stream).take(at);
        Some(Ok(OutputChunk { stream, at, bytes }))
    }

    /// Asks for what a follower may not have been told; once.
    fn ask_for_rest(&mut self) {
        if !self.follow {
            self.done = true;
            return;
        }
        self.follow = false;
        self.silence = STUCK;
        self.known = self.told.clone();
        self.chunks = open(&self.engine, &self.id, false, self.told.since());
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
                    self.chunks = open(&self.engine, &self.id, true, None);
                    return None;
                }
                Ok(Some(Life::Exited { .. })) => {
                    self.ask_for_rest();
                    return None;
                }
                Ok(None) => {
                    self.done = true;
                    return None;
                }
            }
        }
        Some(Err(self.broken()))
    }

    /// A silent container is left alone; of one that has ended, the rest is asked for after a while.
    async fn after_silence(&mut self) -> Option<Item> {
        match self.engine.life(&self.id).await {
            Err(error) => return Some(Err(error)),
            Ok(None) => self.done = true,
            Ok(Some(Life::Exited { .. })) if self.follow && self.over => self.ask_for_rest(),
            Ok(Some(Life::Exited { .. })) if self.follow => self.over = true,
            // Nothing is to come any more but what the engine has: it is slow, and does not stay so for ever.
            Ok(Some(_)) if !self.follow && self.silence >= STUCK => {
                return Some(Err(self.broken()));
            }
            Ok(Some(_)) => self.silence = (self.silence * 2).min(SILENCE_MAX),
        }
        None
    }

    fn doing(&self) -> String {
        format!("read the output of container {}", self.name)
    }

    fn broken(&self) -> EngineError {
        let message = format!("cannot {}: the engine broke it off", self.doing());
        EngineError::new(EngineErrorKind::Unavailable, message)
    }
}

/// How far both streams were passed on. Each is in the order of time; one may be ahead of the other.
#[derive(Clone, Debug, Default)]
struct Told {
    stdout: Mark,
    stderr: Mark,
}

impl Told {
    fn of(&mut self, stream: OutputStream) -> &mut Mark {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    /// From when on there may be more; `None`: from the beginning.
    fn since(&self) -> Option<Timestamp> {
        self.stdout.at.min(self.stderr.at)
    }
}

/// How far one stream was passed on: up to this instant, and of this instant so many pieces.
#[derive(Clone, Debug, Default)]
struct Mark {
    at: Option<Timestamp>,
    count: u64,
}

impl Mark {
    /// One more piece was passed on.
    fn take(&mut self, at: Timestamp) {
        self.count = if self.at == Some(at) { self.count + 1 } else { 1 };
        self.at = Some(at);
    }

    /// Whether the next piece, of `at`, is one of those that were passed on; it is told of each of them once.
    fn covers(&mut self, at: Timestamp) -> bool {
        let is_last = self.at == Some(at) && self.count > 0;
        if is_last {
            self.count -= 1;
        }
        is_last || self.at.is_some_and(|last| at < last)
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
    fn what_was_passed_on_is_known_again() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut told = Mark::default();
        assert!(!told.covers(at(1)), "nothing was passed on");
        [1, 2, 2].into_iter().for_each(|second| told.take(at(second)));
        let known: Vec<bool> = [1, 2, 2, 2, 3].map(|second| told.covers(at(second))).into();
        assert_eq!(known, [true, true, true, false, false]);
    }

    #[test]
    fn the_rest_begins_where_the_stream_that_is_behind_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut told = Told::default();
        told.of(OutputStream::Stdout).take(at(5));
        assert_eq!(told.since(), None, "nothing is known of the other stream");
        told.of(OutputStream::Stderr).take(at(3));
        assert_eq!(told.since(), Some(at(3)));
    }

    #[test]
    fn times_are_taken_off() {
        let split = |text: &'static str| split_time(Bytes::from_static(text.as_bytes()));
        let at: Timestamp = "2026-11-20T02:00:00.5Z".parse().unwrap();
        assert_eq!(split("2026-11-20T02:00:00.500000000Z a b\n"), Some((at, Bytes::from_static(b"a b\n"))));
        assert_eq!(split("2026-11-20T03:00:00.5+01:00 "), Some((at, Bytes::new())));
        for cut in ["", "2026-11-20T02:00", "2026-11-20T02: x", "no time at all"] {
            assert_eq!(split(cut), None, "{cut}");
        }
    }
}
