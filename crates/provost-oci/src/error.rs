//! What can go wrong, with its place and its mend.

use std::io;
use std::path::{Path, PathBuf};

use provost_image::Digest;

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk says no.
    #[error("cannot {what} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the store's own that cannot be read any more.
    #[error("{} is damaged ({problem}); move the folder away, and the images are loaded again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that no image can have.
    #[error("{0:?} is not an image; write registry/name:tag, name:tag or name@sha256:…")]
    Name(String),
    /// A file that holds no image.
    #[error("no image archive: {0}; `docker save` makes one, and `skopeo copy … oci-archive:FILE`")]
    Archive(String),
    /// Something that an image refers to and that did not come with it.
    #[error("the image is not whole: {0} is missing; make the archive anew")]
    Missing(String),
    /// Content that is not what its digest says.
    #[error("{what} is damaged: its digest is {found} and not {expected}; fetch it, or make the archive, anew")]
    Digest {
        /// What was read.
        what: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// A manifest or a configuration that makes no sense.
    #[error("{what} is no image's: {problem}")]
    Foreign {
        /// What was read.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Images for other machines only.
    #[error("there is no image for {wanted}, only for {found}; build it for {wanted}")]
    Platform {
        /// What this machine runs.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A registry that does not give what was asked for.
    #[error("{problem}")]
    Registry {
        /// What is wrong, and what may mend it.
        problem: String,
        /// Whether trying again may help.
        may_pass: bool,
    },
    /// A layer that is not unpacked.
    #[error("layer {layer} is refused at `{entry}`: {source}")]
    Layer {
        /// The digest of its blob.
        layer: Digest,
        /// The path in it, as it is written there.
        entry: String,
        /// Why.
        source: Refusal,
    },
}

impl StoreError {
    /// Whether it is the machine's fault and not the image's, so that trying again may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        use io::ErrorKind::{OutOfMemory, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match self {
            Self::Disk { .. } => true,
            Self::Registry { may_pass, .. } => *may_pass,
            Self::Layer { source: Refusal::Disk(error), .. } => {
                matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | OutOfMemory)
            }
            _ => false,
        }
    }

    pub(crate) fn registry(problem: String, may_pass: bool) -> Self {
        Self::Registry { problem, may_pass }
    }

    /// What to make of an error of the disk's: `map_err(StoreError::disk("write", path))`.
    pub(crate) fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { what, path: path.to_path_buf(), source }
    }
}

/// Why an entry of an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `../x`, `/x`.
    #[error("its path leaves the image; write it like `usr/bin/tool`")]
    Path,
    /// Through a link `x -> ../..` of the archive's.
    #[error("it goes through a link that leads out of the image")]
    LinkOut,
    /// Through links that lead to each other.
    #[error("it goes through too many links")]
    LinkLoop,
    /// In a file, as if that were a folder.
    #[error("what it lies in is no folder")]
    NoFolder,
    /// A root that is no folder.
    #[error("the image's root is a folder, and nothing else")]
    Root,
    /// A hard link to what is not there.
    #[error("it is a hard link to `{0}`, which is no file of the same layer")]
    HardLink(String),
    /// A device.
    #[error("it is a device; leave it out, a container gets its own /dev")]
    Device,
    /// A sparse file, which images do not have.
    #[error("it is a sparse file; make the archive without them")]
    Sparse,
    /// An entry of a kind that is not known.
    #[error("it is of a kind, {0:?}, that images do not have")]
    Kind(char),
    /// An attribute that would change how layers are put together.
    #[error("its attribute `{0}` belongs to the overlay file system")]
    Attribute(String),
    /// A file of somebody whom this process cannot give files to.
    #[error(
        "it belongs to {0}:{1}, and the user that Provost runs as was given fewer ids; give it a larger range in /etc/subuid and /etc/subgid"
    )]
    Owner(u32, u32),
    /// A path that is too long.
    #[error("its path has more than {0} bytes")]
    Long(usize),
    /// A path that is too deep.
    #[error("its path has more than {0} folders")]
    Deep(usize),
    /// Headers that cannot be read.
    #[error("its header is damaged: {0}")]
    Header(String),
    /// Too much content.
    #[error("the image has more than {0} bytes when it is unpacked")]
    Large(u64),
    /// Too much content for its size: a bomb.
    #[error("the layer grows to more than {0} times its size when it is unpacked")]
    Bomb(u64),
    /// Too many entries.
    #[error("the image has more than {0} files")]
    Many(u64),
    /// A stream that ends too early, or is not what it seems to be.
    #[error("it cannot be read: {0}")]
    Stream(io::Error),
    /// The disk says no.
    #[error("it cannot be written: {0}")]
    Disk(io::Error),
}

/// A limit that a reader came to travels inside of the reader's own error.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Stream)
    }
}

impl From<rustix::io::Errno> for Refusal {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Disk(error.into())
    }
}
