//! Writing one step's file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use provost_controller::{LogLine, StoreError};

use crate::logs::reader::StoredLine;
use crate::place::Place;

/// How much is collected before it is written.
const FLUSH_AT: usize = 16 << 10;

/// How much waits at most while the disk takes nothing.
const WAITING_MAX: usize = 1 << 20;

/// Appends lines to a file. A write that fails leaves nothing half written: the next one begins at the same place.
#[derive(Debug)]
pub(crate) struct Appender {
    place: Place,
    file: File,
    written: u64,
    waiting: Vec<u8>,
}

impl Appender {
    /// Begins the file at `path` from nothing. Whoever still has an earlier one writes to that, which nobody sees any more.
    pub fn create(path: PathBuf) -> Result<Self, StoreError> {
        let place = Place::new(path);
        let file = create_new(&place).map_err(|e| place.write(e))?;
        Ok(Self { place, file, written: 0, waiting: Vec::new() })
    }

    /// Appends `line`; it is in the file after [`Appender::flush`] at the latest.
    ///
    /// After an error lines may be missing; those that could wait are written once the disk takes them.
    pub fn push(&mut self, line: &LogLine) -> Result<(), StoreError> {
        if self.waiting.len() >= WAITING_MAX {
            self.flush()?;
        }
        self.encode(line)?;
        if self.waiting.len() >= FLUSH_AT { self.flush() } else { Ok(()) }
    }

    fn encode(&mut self, line: &LogLine) -> Result<(), StoreError> {
        serde_json::to_writer(&mut self.waiting, &StoredLine::from(line)).map_err(|e| self.place.write(e))?;
        self.waiting.push(b'\n');
        Ok(())
    }

    /// Writes what waits.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.file.write_all_at(&self.waiting, self.written).map_err(|e| self.place.write(e))?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Writes what waits, through to the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.file.sync_all().map_err(|e| self.place.write(e))
    }
}

fn create_new(place: &Place) -> std::io::Result<File> {
    if let Some(folder) = place.path().parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::remove_file(place.path()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).open(place.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use provost_controller::OutputStream;

    fn line(text: &str) -> LogLine {
        let (at, step) = (Timestamp::UNIX_EPOCH, "main.1".to_owned());
        LogLine { at, step, stream: OutputStream::Stdout, text: text.to_owned(), continued: false }
    }

    #[test]
    fn a_full_disk_is_said_and_bounded_and_what_waits_is_written_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.1.jsonl");
        let mut appender = Appender::create(path.clone()).unwrap();
        let disk = std::mem::replace(&mut appender.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
        appender.push(&line("first")).unwrap();
        let full = appender.flush().unwrap_err();
        assert!(full.to_string().contains("main.1.jsonl: No space left on device"), "{full}");
        let text = "x".repeat(1000);
        let refused = (0..5000).filter(|_| appender.push(&line(&text)).is_err()).count();
        assert!(refused > 4900 && appender.waiting.len() < 2 * WAITING_MAX, "{refused}");
        appender.file = disk;
        appender.push(&line("last")).unwrap();
        appender.sync().unwrap();
        let written = std::fs::read_to_string(path).unwrap();
        assert!(written.contains("first") && written.lines().last().unwrap().contains("last"));
        assert!(written.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }
}
