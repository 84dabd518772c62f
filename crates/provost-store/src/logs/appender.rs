//! Writing one step's file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use provost_controller::{LogLine, StoreError};

use crate::logs::reader::StoredLine;
use crate::place::Place;

/// How much is collected before it is written.
const FLUSH_AT: usize = 16 << 10;

/// How much waits at most while the disk takes nothing; what comes then is counted, and lost.
const WAITING_MAX: usize = 1 << 20;

/// Appends lines to a file. A write that fails leaves nothing half written: the next one begins at the same place.
#[derive(Debug)]
pub(crate) struct Appender {
    place: Place,
    file: File,
    written: u64,
    waiting: Vec<u8>,
    lost: u64,
}

impl Appender {
    /// Begins the file at `path` from nothing. Whoever still has an earlier one writes to that, which nobody sees any more.
    pub fn create(path: PathBuf) -> Result<Self, StoreError> {
        let place = Place::new(path);
        let file = create_new(&place).map_err(|e| place.write(e))?;
        Ok(Self { place, file, written: 0, waiting: Vec::new(), lost: 0 })
    }

    /// Appends `line`; it is in the file after [`Appender::flush`] at the latest.
    pub fn push(&mut self, line: &LogLine) -> Result<(), StoreError> {
        if self.waiting.len() >= WAITING_MAX {
            self.flush().inspect_err(|_| self.lost += 1)?;
        }
        if self.lost > 0 && self.waiting.is_empty() {
            let text = format!("provost: {} lines could not be kept, the disk took nothing", self.lost);
            self.lost = 0;
            self.encode(&LogLine { text, ..line.clone() })?;
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
