//! From a step's output to the lines that are kept of it.

use jiff::Timestamp;
use provost_controller::{LogLine, LogSink, OutputStream, StoreError};
use provost_model::{Owner, StepRef};
use tokio::sync::broadcast;

use crate::logs::limit::Limit;
use crate::logs::lines::{Lines, Piece, Tail};
use crate::logs::mask::Masker;
use crate::logs::text::Cleaner;

/// How many bytes are worked on at once: a bound for what is in memory, however much comes in one piece.
const BITE: usize = 32 << 10;

/// Where lines are kept.
pub(crate) trait Keep: Send {
    /// Keeps `line`. After an error lines may be missing; it can still be given more.
    fn keep(&mut self, line: &LogLine) -> Result<(), StoreError>;

    /// Makes what was kept durable.
    fn finish(&mut self) -> Result<(), StoreError>;
}

/// Takes the output of one step, and keeps its lines in `K`.
pub(crate) struct Recorder<K> {
    stdout: Stream,
    stderr: Stream,
    kept: Kept<K>,
    last_at: Timestamp,
}

/// One stream, on its way to lines.
struct Stream {
    cleaner: Cleaner,
    masker: Masker,
    lines: Lines,
}

/// Lines, on their way to where they are kept.
struct Kept<K> {
    step: StepRef,
    keep: K,
    live: broadcast::Sender<(Owner, LogLine)>,
    limit: Limit,
    tail: Tail,
    error: Option<StoreError>,
}

impl<K: Keep> Recorder<K> {
    /// Records `step`: at most `limit_bytes` of text, without `masked`; what is kept is sent to `live` too.
    pub fn new(
        step: StepRef,
        keep: K,
        limit_bytes: u64,
        masked: &[String],
        live: broadcast::Sender<(Owner, LogLine)>,
    ) -> Self {
        let kept = Kept { step, keep, live, limit: Limit::new(limit_bytes), tail: Tail::default(), error: None };
        Self { stdout: Stream::new(masked), stderr: Stream::new(masked), kept, last_at: Timestamp::UNIX_EPOCH }
    }
}

impl<K: Keep> LogSink for Recorder<K> {
    fn write(&mut self, stream: OutputStream, at: Timestamp, bytes: &[u8]) -> Result<(), StoreError> {
        self.last_at = self.last_at.max(at);
        let text = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        for bite in bytes.chunks(BITE) {
            text.push(bite, |piece| self.kept.take(stream, at, piece));
        }
        self.kept.error.take().map_or(Ok(()), Err)
    }

    fn finish(mut self: Box<Self>) -> Result<String, StoreError> {
        let at = self.last_at;
        self.stdout.end(|piece| self.kept.take(OutputStream::Stdout, at, piece));
        self.stderr.end(|piece| self.kept.take(OutputStream::Stderr, at, piece));
        if let Some(notice) = self.kept.limit.account() {
            self.kept.put(OutputStream::Stderr, at, notice, false);
        }
        self.kept.error.take().map_or(Ok(()), Err)?;
        self.kept.keep.finish()?;
        Ok(self.kept.tail.end())
    }
}

impl Stream {
    fn new(masked: &[String]) -> Self {
        Self { cleaner: Cleaner::default(), masker: Masker::new(masked), lines: Lines::default() }
    }

    fn push(&mut self, bytes: &[u8], take: impl FnMut(Piece<'_>)) {
        let (mut text, mut masked) = (String::new(), String::new());
        self.cleaner.push(bytes, &mut text);
        self.masker.push(&text, &mut masked);
        self.lines.push(&masked, take);
    }

    fn end(&mut self, mut take: impl FnMut(Piece<'_>)) {
        let (mut text, mut masked) = (String::new(), String::new());
        self.cleaner.end(&mut text);
        self.masker.push(&text, &mut masked);
        self.masker.end(&mut masked);
        self.lines.push(&masked, &mut take);
        self.lines.end(take);
    }
}

impl<K: Keep> Kept<K> {
    fn take(&mut self, stream: OutputStream, at: Timestamp, piece: Piece<'_>) {
        self.tail.push(stream, piece);
        let (text, notice) = self.limit.admit(piece);
        if let Some(text) = text {
            self.put(stream, at, text.to_owned(), piece.continued);
        }
        if let Some(notice) = notice {
            self.put(stream, at, notice, false);
        }
    }

    fn put(&mut self, stream: OutputStream, at: Timestamp, text: String, continued: bool) {
        let line = LogLine { at, step: self.step.step.to_string(), stream, text, continued };
        match self.keep.keep(&line) {
            Ok(()) if self.live.receiver_count() > 0 => {
                // Those who followed may have gone in this moment.
                let _ = self.live.send((self.step.owner.clone(), line));
            }
            Ok(()) => {}
            Err(error) => self.error = Some(error),
        }
    }
}
