//! Streams that are not trusted: unpacked, counted and hashed as they are read.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use provost_image::Digest;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};

use crate::Refusal;
use crate::limits::Budget;

/// How a file is compressed, as its first bytes say it. What a manifest says of it is not asked: tools disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to be skipped (zstd, "Skippable Frames"), with which archives that can be sought begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// What `file` holds, unpacked.
pub(crate) fn unpacked<'a>(file: impl Read + 'a) -> io::Result<(Compression, Box<dyn Read + 'a>)> {
    let mut file = BufReader::with_capacity(64 * 1024, file);
    let compression = Compression::of(file.fill_buf()?);
    let stream: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(Frames { source: file, decoder: FrameDecoder::new(), is_within: false }),
    };
    Ok((compression, stream))
}

/// The frames of a zstd stream, one after the other; the decoder by itself knows one.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    is_within: bool,
}

impl<R: BufRead> Frames<R> {
    /// Goes on to the next frame; whether there is one.
    fn next(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
                    if skipped != length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if self.is_within && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            } else {
                self.is_within = self.next()?;
                if !self.is_within {
                    return Ok(0);
                }
            }
        }
        self.decoder.read(buffer)
    }
}

/// Hashes what is read through it, and stops at a limit.
pub(crate) struct Meter<R> {
    stream: R,
    hasher: Sha256,
    read: u64,
    max: u64,
    /// What to say at `max`.
    refusal: fn(u64) -> Refusal,
    said: u64,
}

impl<R: Read> Meter<R> {
    /// Reads at most what the budget has left, and no more than a compressed file of `size` bytes may grow to.
    pub fn new(stream: R, compression: Compression, size: u64, budget: &Budget) -> Self {
        let limits = budget.limits;
        let grown = match compression {
            Compression::None => u64::MAX,
            Compression::Gzip | Compression::Zstd => size.saturating_mul(limits.ratio).max(limits.ratio_from),
        };
        let (max, refusal, said): (_, fn(u64) -> Refusal, _) = if grown < budget.bytes() {
            (grown, Refusal::Bomb, limits.ratio)
        } else {
            (budget.bytes(), Refusal::Large, limits.bytes)
        };
        Self { stream, hasher: Sha256::new(), read: 0, max, refusal, said }
    }

    /// Reads at most `max` bytes.
    pub fn up_to(stream: R, max: u64) -> Self {
        Self { stream, hasher: Sha256::new(), read: 0, max, refusal: Refusal::Large, said: max }
    }

    /// What was read: its digest, and how many bytes.
    pub fn finish(self) -> (Digest, u64) {
        (Digest::from(<[u8; 32]>::from(self.hasher.finalize())), self.read)
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.read += read as u64;
        if self.read > self.max {
            return Err(io::Error::other((self.refusal)(self.said)));
        }
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Write as _;

    use super::*;
    use crate::Limits;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn all(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        unpacked(bytes)?.1.read_to_end(&mut read)?;
        Ok(read)
    }

    #[test]
    fn the_first_bytes_say_how_a_file_is_compressed() {
        for file in [b"plain".to_vec(), gzip(b"plain"), zstd(b"plain")] {
            assert_eq!(all(&file).unwrap(), b"plain");
        }
        assert_eq!(all(b"").unwrap(), b"");
    }

    /// pigz, estargz and zstd:chunked write many members or frames, and frames that hold no content.
    #[test]
    fn all_parts_of_a_file_are_read() {
        assert_eq!(all(&[gzip(b"one, "), gzip(b"two")].concat()).unwrap(), b"one, two");
        let skipped = [&[0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(all(&[skipped.clone(), zstd(b"one, "), skipped, zstd(b"two")].concat()).unwrap(), b"one, two");
    }

    #[test]
    fn a_file_that_ends_too_early_is_an_error() {
        let text = "a long text with some words in it ".repeat(1000);
        for whole in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
            assert!(all(&whole[..whole.len() - 9]).is_err());
        }
        assert!(all(&[0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1]).is_err());
    }

    #[test]
    fn the_limits_are_kept_to_the_byte() {
        let limits = Limits { bytes: 1000, ratio: 10, ratio_from: 100, ..Limits::default() };
        let budget = Budget::new(limits);
        let read = |bytes: usize, compression, size| {
            let zeros = io::repeat(0).take(bytes as u64);
            let mut meter = Meter::new(zeros, compression, size, &budget);
            io::copy(&mut meter, &mut io::sink()).map_err(Refusal::from)
        };
        assert_eq!(read(1000, Compression::None, 0).unwrap(), 1000);
        assert!(matches!(read(1001, Compression::None, 0), Err(Refusal::Large(1000))));
        assert_eq!(read(100, Compression::Gzip, 5).unwrap(), 100, "what is small is not looked at");
        assert_eq!(read(200, Compression::Gzip, 20).unwrap(), 200);
        assert!(matches!(read(201, Compression::Gzip, 20), Err(Refusal::Bomb(10))));
        assert!(matches!(read(1001, Compression::Zstd, 2000), Err(Refusal::Large(1000))));
    }
}
