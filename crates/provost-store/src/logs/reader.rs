//! Reading the logs of one owner: the files of its steps, and its archive.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use provost_controller::{LogLine, OutputStream};
use serde::{Deserialize, Serialize};

use crate::logs::merge::earliest;

/// The name of an archive in the folder of its owner.
pub(crate) const ARCHIVE: &str = "archive.jsonl.gz";

/// What the names of steps' files end with.
pub(crate) const STEP_SUFFIX: &str = ".jsonl";

/// How often a folder is looked at again, because a file that was there was archived in that moment.
const LOOKS_MAX: usize = 8;

/// A line as a step's file holds it; the step is the file's name.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredLine<'a> {
    at: Timestamp,
    stream: OutputStream,
    text: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    continued: bool,
}

impl<'a> From<&'a LogLine> for StoredLine<'a> {
    fn from(line: &'a LogLine) -> Self {
        Self { at: line.at, stream: line.stream, text: Cow::Borrowed(&line.text), continued: line.continued }
    }
}

/// The lines of all steps of one owner, in the order of time. At the end it can be asked again: files grow.
pub(crate) struct Reader {
    sources: Vec<Source>,
}

struct Source {
    kind: SourceKind,
    bytes: Box<dyn BufRead + Send>,
    /// The beginning of a line whose end is not written yet.
    cut: Vec<u8>,
    head: Option<LogLine>,
    is_at_end: bool,
}

enum SourceKind {
    Step(String),
    /// Without the lines of steps that have a file: that is newer.
    Archive {
        without: BTreeSet<String>,
    },
}

impl Reader {
    /// Reads `folder`, but for the files of the steps in `without`. A folder that is not there has no lines.
    pub fn open(folder: &Path, without: &BTreeSet<String>) -> io::Result<Self> {
        for _ in 1..LOOKS_MAX {
            match Self::try_open(folder, without) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result,
            }
        }
        Self::try_open(folder, without)
    }

    fn try_open(folder: &Path, without: &BTreeSet<String>) -> io::Result<Self> {
        let steps = steps_in(folder)?;
        let mut sources = Vec::new();
        for step in steps.difference(without) {
            let file = File::open(folder.join(format!("{step}{STEP_SUFFIX}")))?;
            sources.push(Source::new(SourceKind::Step(step.clone()), Box::new(BufReader::new(file))));
        }
        match File::open(folder.join(ARCHIVE)) {
            Ok(file) => {
                let text = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
                sources.push(Source::new(SourceKind::Archive { without: steps }, Box::new(text)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { sources })
    }

    /// Passes over `count` lines, or as many as there are.
    pub fn skip(&mut self, count: usize) -> io::Result<()> {
        self.look_again();
        for _ in 0..count {
            let is_passed = match self.sources.as_mut_slice() {
                [only] if only.counts_every_line() => only.next_bytes()?.is_some(),
                _ => self.next()?.is_some(),
            };
            if !is_passed {
                break;
            }
        }
        Ok(())
    }

    /// Returns the next lines, at most `limit`; fewer, if there are no more at the moment.
    pub fn read(&mut self, limit: usize) -> io::Result<Vec<LogLine>> {
        self.look_again();
        let mut lines = Vec::new();
        while lines.len() < limit
            && let Some(line) = self.next()?
        {
            lines.push(line);
        }
        Ok(lines)
    }

    /// Returns the next line.
    pub fn next(&mut self) -> io::Result<Option<LogLine>> {
        self.sources.iter_mut().try_for_each(Source::fill)?;
        let first = earliest(self.sources.iter().map(|source| source.head.as_ref()));
        Ok(first.and_then(|index| self.sources[index].head.take()))
    }

    fn look_again(&mut self) {
        self.sources.iter_mut().for_each(|source| source.is_at_end = false);
    }
}

impl Source {
    fn new(kind: SourceKind, bytes: Box<dyn BufRead + Send>) -> Self {
        Self { kind, bytes, cut: Vec::new(), head: None, is_at_end: false }
    }

    /// Whether every line of it is one that is shown, so that lines can be passed over unread.
    fn counts_every_line(&self) -> bool {
        let is_whole = match &self.kind {
            SourceKind::Step(_) => true,
            SourceKind::Archive { without } => without.is_empty(),
        };
        is_whole && self.head.is_none()
    }

    /// Sees to it that there is a head, unless the end is reached.
    fn fill(&mut self) -> io::Result<()> {
        while self.head.is_none()
            && let Some(bytes) = self.next_bytes()?
        {
            self.head = self.kind.parse(&bytes);
        }
        Ok(())
    }

    fn next_bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.is_at_end {
            return Ok(None);
        }
        self.bytes.read_until(b'\n', &mut self.cut)?;
        self.is_at_end = !self.cut.ends_with(b"\n");
        Ok((!self.is_at_end).then(|| std::mem::take(&mut self.cut)))
    }
}

impl SourceKind {
    /// The line in `bytes`, unless it is another file's matter. One that does not parse, which only a disk does to it, is
    /// shown as such.
    fn parse(&self, bytes: &[u8]) -> Option<LogLine> {
        match self {
            Self::Step(step) => {
                let line = serde_json::from_slice::<StoredLine<'_>>(bytes);
                let of_step = |line: StoredLine<'_>| LogLine {
                    at: line.at,
                    step: step.clone(),
                    stream: line.stream,
                    text: line.text.into_owned(),
                    continued: line.continued,
                };
                Some(line.map_or_else(|_| damaged(step), of_step))
            }
            Self::Archive { without } => {
                let line: LogLine = serde_json::from_slice(bytes).unwrap_or_else(|_| damaged(""));
                Some(line).filter(|line| !without.contains(&line.step))
            }
        }
    }
}

fn damaged(step: &str) -> LogLine {
    LogLine {
        at: Timestamp::UNIX_EPOCH,
        step: step.to_owned(),
        stream: OutputStream::Stderr,
        text: "provost: this line of the log is damaged".to_owned(),
        continued: false,
    }
}

/// The steps that have a file in `folder`.
pub(crate) fn steps_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut steps = BTreeSet::new();
    for entry in entries {
        if let Some(step) = entry?.file_name().to_str().and_then(|name| name.strip_suffix(STEP_SUFFIX)) {
            steps.insert(step.to_owned());
        }
    }
    Ok(steps)
}
