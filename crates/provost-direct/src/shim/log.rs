//! A container's output, as it goes into files: two of them, so that a flood cannot fill the disk.

use std::fs::{self, File};
use std::io::{self, Write as _};

use jiff::Timestamp;
use provost_controller::OutputStream;

use crate::frame;
use crate::place::{LOG, OLD_LOG, Place};

/// A line that is longer comes in several pieces.
const PIECE_MAX: usize = 16 << 10;

/// The log of one container.
pub(super) struct Log {
    place: Place,
    file: File,
    length: u64,
    most: u64,
    /// Times do not go back, whatever the clock does.
    last: Timestamp,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Log {
    /// Goes on with the log of a place; `most` bytes go into each of its two files.
    pub(super) fn open(place: &Place, most: u64) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(place.path(LOG))?;
        let length = file.metadata()?.len();
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Ok(Self { place: place.clone(), file, length, most, last: Timestamp::now(), stdout, stderr })
    }

    /// Takes what came from a stream. What does not end with a line's end waits for it, and for so much only.
    pub(super) fn take(&mut self, stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
        let mut waiting = std::mem::take(self.waiting(stream));
        waiting.extend_from_slice(bytes);
        let mut frames = Vec::with_capacity(waiting.len() + 64);
        self.last = self.last.max(Timestamp::now());
        let mut rest = waiting.as_slice();
        while let Some(length) = piece(rest) {
            let (head, tail) = rest.split_at(length);
            frame::put(&mut frames, stream, self.last, head);
            rest = tail;
        }
        *self.waiting(stream) = rest.to_vec();
        self.write(&frames)
    }

    /// Nothing more comes from a stream: what waits for the end of its line waits no longer.
    pub(super) fn end(&mut self, stream: OutputStream) -> io::Result<()> {
        let waiting = std::mem::take(self.waiting(stream));
        let mut frames = Vec::new();
        if !waiting.is_empty() {
            frame::put(&mut frames, stream, self.last.max(Timestamp::now()), &waiting);
        }
        self.write(&frames)
    }

    fn waiting(&mut self, stream: OutputStream) -> &mut Vec<u8> {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        if self.length > 0 && self.length + frames.len() as u64 > self.most {
            fs::rename(self.place.path(LOG), self.place.path(OLD_LOG))?;
            self.file = File::options().create(true).append(true).open(self.place.path(LOG))?;
            self.length = 0;
        }
        self.file.write_all(frames)?;
        self.length += frames.len() as u64;
        Ok(())
    }
}

/// The length of the next piece, if there is a whole one.
fn piece(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(PIECE_MAX)];
    let line = head.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
    line.or_else(|| (head.len() == PIECE_MAX).then_some(PIECE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(place: &Place, name: &str) -> Vec<String> {
        let bytes = fs::read(place.path(name)).unwrap_or_default();
        let mut frames = frame::Frames::default();
        frames.push(&bytes);
        std::iter::from_fn(|| frames.next()).map(|chunk| String::from_utf8_lossy(&chunk.bytes).into_owned()).collect()
    }

    #[test]
    fn lines_are_whole_and_long_ones_come_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().to_path_buf());
        let mut log = Log::open(&place, 1 << 20).unwrap();
        log.take(OutputStream::Stdout, b"a\nb").unwrap();
        log.take(OutputStream::Stderr, b"e\n").unwrap();
        assert_eq!(read(&place, LOG), ["a\n", "e\n"]);
        log.take(OutputStream::Stdout, b"c\n").unwrap();
        log.take(OutputStream::Stdout, &[b'x'; PIECE_MAX + 1]).unwrap();
        log.end(OutputStream::Stdout).unwrap();
        let lengths: Vec<usize> = read(&place, LOG).iter().map(String::len).collect();
        assert_eq!(lengths, [2, 2, 3, PIECE_MAX, 1]);
    }

    #[test]
    fn a_flood_is_bounded_and_its_end_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().to_path_buf());
        let mut log = Log::open(&place, 1000).unwrap();
        for number in 0..1000 {
            log.take(OutputStream::Stdout, format!("{number}\n").as_bytes()).unwrap();
        }
        let lengths = [LOG, OLD_LOG].map(|name| fs::metadata(place.path(name)).unwrap().len());
        assert!(lengths.iter().all(|length| *length <= 1000), "{lengths:?}");
        assert_eq!(read(&place, LOG).last().map(String::as_str), Some("999\n"));
    }
}
