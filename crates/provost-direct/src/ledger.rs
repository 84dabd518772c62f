//! How far a container's life has come: one file, made whole with the container, and from then on only written over.
//!
//! No folder and no table of the file system changes with it, so one short wait for the disk makes it durable; and a disk
//! that has become full in the meantime holds it too. Each thing has sectors of its own: a loss of power cannot take what
//! was written before. Whoever reads the beginning of a start sees a start, in doubt: what may have run is never taken for
//! something that has not (D2).

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::place::{MADE, Place, READY};
use crate::record::Ended;

/// The file.
pub(crate) const LIFE: &str = "life";
/// What was made before its start is on the disk.
const KEPT: &str = "kept";
const LENGTH: usize = 4096;
const STARTED: Range<usize> = 0..512;
const ENDED: Range<usize> = 512..3584;
/// That the end is durable, and may be told.
const TOLD: Range<usize> = 3584..LENGTH;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// It was started; when, if that can be read.
    pub(crate) started: Option<Option<Timestamp>>,
    /// It has ended.
    pub(crate) ended: Option<Ended>,
    /// The end may be told.
    pub(crate) is_told: bool,
}

impl Place {
    /// Makes the file, in which nothing has happened.
    pub(crate) fn begin(&self) -> io::Result<()> {
        fs::write(self.path(LIFE), [b' '; LENGTH])
    }

    /// Makes durable that the container is there, which may take its time: its start does not have to then.
    pub(crate) fn keep(&self) -> io::Result<()> {
        for part in [LIFE, MADE, ".", ".."] {
            File::open(self.path(part))?.sync_all()?;
        }
        File::create(self.path(KEPT)).map(drop)
    }

    pub(crate) fn progress(&self) -> io::Result<Progress> {
        match self.read_progress()? {
            // Perhaps it was read while it was written.
            Progress { started: Some(None), .. } => self.read_progress(),
            progress => Ok(progress),
        }
    }

    fn read_progress(&self) -> io::Result<Progress> {
        let bytes = match fs::read(self.path(LIFE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.path(READY).exists() => Vec::new(),
            Err(error) => return Err(error),
        };
        let part = |range: Range<usize>| {
            let range = range.start.min(bytes.len())..range.end.min(bytes.len());
            Some(bytes[range].trim_ascii()).filter(|part| part.iter().any(|byte| *byte != 0))
        };
        let started = part(STARTED).map(|text| serde_json::from_slice(text).ok());
        let (ended, is_told) = (part(ENDED).map(serde_json::from_slice), part(TOLD).is_some());
        // One that was not told is as good as none where it cannot be read.
        let ended = if is_told { ended.transpose()? } else { ended.and_then(Result::ok) };
        Ok(Progress { started, ended, is_told })
    }

    /// Durable before anything runs (D2).
    pub(crate) fn set_started(&self, at: Timestamp) -> io::Result<()> {
        if !self.path(KEPT).exists() {
            self.keep()?;
        }
        let file = self.life()?;
        let written = write(&file, &at, STARTED).and_then(|()| file.sync_data());
        if written.is_err() {
            let _ = file.write_all_at(&[b' '; STARTED.end], 0);
        }
        written
    }

    /// Durable before anybody is told (R9).
    pub(crate) fn set_ended(&self, ended: &Ended) -> io::Result<()> {
        write(&self.life()?, ended, ENDED)?;
        self.tell()
    }

    /// Makes the end durable that is written down, and lets everybody see it.
    pub(crate) fn tell(&self) -> io::Result<()> {
        let file = self.life()?;
        file.sync_data()?;
        write(&file, &true, TOLD)
    }

    fn life(&self) -> io::Result<File> {
        File::options().write(true).open(self.path(LIFE))
    }
}

fn write(file: &File, value: &impl Serialize, range: Range<usize>) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    if text.len() > range.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.write_all_at(&text, range.start as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().join("place"));
        fs::create_dir(place.folder()).unwrap();
        (folder, place)
    }

    fn begun() -> (tempfile::TempDir, Place) {
        let (folder, place) = place();
        place.begin().unwrap();
        fs::write(place.path(MADE), "{}").unwrap();
        (folder, place)
    }

    fn end() -> Ended {
        Ended { code: 3, out_of_memory: true, at: Timestamp::UNIX_EPOCH, error: Some("why".to_owned()) }
    }

    /// Puts bytes where they do not belong.
    fn spoil(place: &Place, range: Range<usize>, bytes: &[u8]) {
        place.life().unwrap().write_all_at(bytes, range.start as u64).unwrap();
    }

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_absent() {
        let (_folder, place) = begun();
        assert_eq!(place.progress().unwrap(), Progress::default());
        place.set_started(Timestamp::UNIX_EPOCH).unwrap();
        let started = Some(Some(Timestamp::UNIX_EPOCH));
        assert_eq!(place.progress().unwrap(), Progress { started, ended: None, is_told: false });
        assert!(place.path(KEPT).exists(), "what nobody has kept is kept before the start");
        place.set_ended(&end()).unwrap();
        assert_eq!(place.progress().unwrap(), Progress { started, ended: Some(end()), is_told: true });
        assert_eq!(fs::metadata(place.path(LIFE)).unwrap().len(), LENGTH as u64, "it does not grow");
    }

    #[test]
    fn a_container_that_is_being_made_has_no_file_and_a_made_one_must_have_it() {
        let (_folder, place) = place();
        assert_eq!(place.progress().unwrap(), Progress::default());
        place.set_ready().unwrap();
        assert!(place.progress().is_err());
    }

    #[test]
    fn half_a_start_is_a_start_and_half_an_end_is_none() {
        let (_folder, place) = begun();
        spoil(&place, STARTED, b"\"1970-");
        assert_eq!(place.progress().unwrap().started, Some(None));
        spoil(&place, ENDED, b"{\"code\":");
        assert_eq!(place.progress().unwrap().ended, None);
        place.set_ended(&end()).unwrap();
        assert_eq!(place.progress().unwrap().ended, Some(end()), "it can still be written");
    }

    #[test]
    fn an_end_that_was_told_and_is_damaged_is_no_absent_one() {
        let (_folder, place) = begun();
        place.set_ended(&end()).unwrap();
        spoil(&place, ENDED, b"}");
        assert!(place.progress().is_err());
    }

    #[test]
    fn zeros_say_nothing() {
        let (_folder, place) = begun();
        fs::write(place.path(LIFE), [0; 700]).unwrap();
        assert_eq!(place.progress().unwrap(), Progress::default());
    }
}
