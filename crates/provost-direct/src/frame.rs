//! How a piece of output stands in a log: its stream, its time, its length, its bytes.

use bytes::Bytes;
use jiff::Timestamp;
use provost_controller::{OutputChunk, OutputStream};

/// One byte of the stream, eight of the time in nanoseconds, four of the length.
const HEADER: usize = 13;

/// Writes one piece down.
pub(crate) fn put(to: &mut Vec<u8>, stream: OutputStream, at: Timestamp, bytes: &[u8]) {
    to.push(u8::from(stream == OutputStream::Stderr));
    to.extend_from_slice(&i64::try_from(at.as_nanosecond()).unwrap_or_default().to_le_bytes());
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(bytes);
}

/// Bytes of a log that are read again as pieces. What is incomplete waits for the rest.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    read: usize,
}

impl Frames {
    /// Takes bytes that follow those it has.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets what is incomplete: the log was turned over.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.read = 0;
    }

    /// The next piece that is whole.
    pub(crate) fn next(&mut self) -> Option<OutputChunk> {
        let rest = &self.bytes[self.read..];
        let header = rest.get(..HEADER)?;
        let at = i64::from_le_bytes(header[1..9].try_into().ok()?);
        let length = u32::from_le_bytes(header[9..HEADER].try_into().ok()?) as usize;
        let bytes = Bytes::copy_from_slice(rest.get(HEADER..HEADER + length)?);
        let stream = if header[0] == 0 { OutputStream::Stdout } else { OutputStream::Stderr };
        self.read += HEADER + length;
        Some(OutputChunk { stream, at: Timestamp::from_nanosecond(i128::from(at)).ok()?, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_however_they_are_cut() {
        let at: Timestamp = "2026-11-20T02:00:00.123456789Z".parse().unwrap();
        let mut log = Vec::new();
        put(&mut log, OutputStream::Stdout, at, b"one\n");
        put(&mut log, OutputStream::Stderr, at, b"");
        let mut frames = Frames::default();
        let mut pieces = Vec::new();
        for byte in log {
            frames.push(&[byte]);
            pieces.extend(frames.next());
        }
        let piece = |stream, bytes: &'static [u8]| OutputChunk { stream, at, bytes: Bytes::from_static(bytes) };
        assert_eq!(pieces, [piece(OutputStream::Stdout, b"one\n"), piece(OutputStream::Stderr, b"")]);
    }
}
