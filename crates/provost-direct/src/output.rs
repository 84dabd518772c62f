//! A container's output, read from its log as it grows.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use provost_controller::{EngineError, EngineErrorKind, OutputChunk};
use provost_model::ContainerName;
use tokio::sync::watch;

use crate::DirectEngine;
use crate::frame::Frames;
use crate::place::{LOG, OLD_LOG, Place};
use crate::trouble;

const BUFFER: usize = 64 << 10;

type Item = Result<OutputChunk, EngineError>;

/// Returns the output of `name`, which must be ours, from its beginning or from what is left of it; with `follow`, until
/// the container's end.
pub(crate) fn output(
    engine: &DirectEngine,
    name: &ContainerName,
    follow: bool,
) -> Result<BoxStream<'static, Item>, EngineError> {
    let missing = || {
        let message = format!("cannot read the output of container {name}: there is none; somebody has removed it");
        EngineError::new(EngineErrorKind::NotFound, message)
    };
    let found = engine.own(name, "read the output of")?.ok_or_else(missing)?;
    let hub = engine.home.hub()?;
    let pulse = hub.pulse(name).ok_or_else(missing)?;
    let reader = Reader {
        engine: engine.clone(),
        name: name.clone(),
        pulse,
        gone: hub.gone(),
        log: LogFiles::new(found.place),
        follow,
        done: false,
    };
    Ok(stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) }).boxed())
}

struct Reader {
    engine: DirectEngine,
    name: ContainerName,
    pulse: watch::Receiver<u64>,
    gone: watch::Receiver<bool>,
    log: LogFiles,
    follow: bool,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(chunk) = self.log.frames.next() {
                return Some(Ok(chunk));
            }
            if self.done {
                return None;
            }
            if let Err(error) = self.read_on().await {
                self.done = true;
                return Some(Err(error));
            }
        }
    }

    /// Reads more, or waits for more, or finds out that no more will come.
    async fn read_on(&mut self) -> Result<(), EngineError> {
        self.pulse.mark_unchanged();
        // Before the log is read to its end: what is written until the container's end is in it then.
        let is_over = !self.follow || self.is_over()?;
        let doing = || format!("read the output of container {}", self.name);
        if self.log.read().map_err(|error| trouble::around(&doing(), &error))? {
            return Ok(());
        }
        if is_over {
            self.done = true;
            return Ok(());
        }
        tokio::select! {
            // An error says that the container's folder is gone, which is looked at next.
            _ = self.pulse.changed() => return Ok(()),
            _ = self.gone.changed() => {}
        }
        self.engine.home.present().map(drop)
    }

    fn is_over(&self) -> Result<bool, EngineError> {
        let seen = self.engine.inspect_own(&self.name)?;
        Ok(seen.is_none_or(|seen| seen.life.is_over()))
    }
}

/// The files of a log, the older one first. It may be turned over while it is read.
struct LogFiles {
    place: Place,
    file: Option<File>,
    /// To be read after this one.
    next: Option<File>,
    frames: Frames,
}

impl LogFiles {
    fn new(place: Place) -> Self {
        // The newer one first: it may become the older one meanwhile.
        let newer = File::open(place.path(LOG)).ok();
        let older = File::open(place.path(OLD_LOG)).ok().filter(|older| !is_same(Some(older), newer.as_ref()));
        let (file, next) = if older.is_some() { (older, newer) } else { (newer, None) };
        Self { place, file, next, frames: Frames::default() }
    }

    /// Reads some; false if there is no more now.
    fn read(&mut self) -> io::Result<bool> {
        loop {
            if self.file.is_none() {
                self.file = File::open(self.place.path(LOG)).ok();
            }
            let Some(file) = &mut self.file else {
                return Ok(false);
            };
            if read_some(file, &mut self.frames)? {
                return Ok(true);
            }
            let next = match self.next.take() {
                Some(next) => Some(next),
                None => self.turned_over(),
            };
            let Some(next) = next else {
                return Ok(false);
            };
            // What was written between the last reading and the turn.
            let rest = self.file.as_mut().map(|file| read_some(file, &mut self.frames)).transpose()?;
            if rest == Some(true) {
                self.next = Some(next);
                return Ok(true);
            }
            self.frames.clear();
            self.file = Some(next);
        }
    }

    /// The file that is written to now, if it is another one.
    fn turned_over(&self) -> Option<File> {
        let newest = File::open(self.place.path(LOG)).ok()?;
        (!is_same(self.file.as_ref(), Some(&newest))).then_some(newest)
    }
}

fn read_some(file: &mut File, frames: &mut Frames) -> io::Result<bool> {
    let mut buffer = [0; BUFFER];
    let length = file.read(&mut buffer)?;
    frames.push(&buffer[..length]);
    Ok(length > 0)
}

fn is_same(one: Option<&File>, other: Option<&File>) -> bool {
    let identity = |file: Option<&File>| {
        file.and_then(|file| file.metadata().ok()).map(|data: fs::Metadata| (data.dev(), data.ino()))
    };
    identity(one) == identity(other)
}
