//! How much an image may be.

/// What an image may need at most, as somebody else made it. The limits are far above what images are like, and far
/// below what would harm a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes the images of one archive may have, unpacked.
    pub bytes: u64,
    /// How many times its size a compressed layer may grow to; gzip alone can do a thousand.
    pub ratio: u64,
    /// Up to how many bytes `ratio` is not looked at: a small layer may be all zeros.
    pub ratio_from: u64,
    /// How many files, folders and links the images of one archive may have.
    pub files: u64,
    /// How many bytes a path may have.
    pub path: usize,
    /// How many layers an image may have; the kernel stacks 500.
    pub layers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 30, ratio: 200, ratio_from: 256 << 20, files: 1_000_000, path: 4095, layers: 400 }
    }
}

/// What is left of the limits while an archive is unpacked.
#[derive(Debug)]
pub(crate) struct Budget {
    pub limits: Limits,
    bytes: u64,
    files: u64,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self { limits, bytes: limits.bytes, files: limits.files }
    }

    /// How many bytes are left.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes `bytes` off.
    pub fn spend(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Takes one file off; whether there was one left.
    pub fn spend_file(&mut self) -> bool {
        let left = self.files.checked_sub(1);
        self.files = left.unwrap_or_default();
        left.is_some()
    }
}
