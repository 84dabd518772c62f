//! Why a request had no answer, or the wrong one.

use std::path::PathBuf;

use crate::wire::Problem;

/// Why a request had no answer, or the wrong one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("no server answers on {}", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// How to mend it.
        hint: String,
    },
    /// The socket may not be opened by whoever asks.
    #[error("{} may not be opened", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
        /// How to mend it.
        hint: String,
    },
    /// The server said no.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The connection broke.
    #[error("the connection to {} broke: {why}", socket.display())]
    Io {
        /// The socket.
        socket: PathBuf,
        /// What happened.
        why: String,
    },
    /// The answer could not be read: another version, or no Provost at all.
    #[error("{} gave an answer that could not be read: {why}", socket.display())]
    Answer {
        /// The socket.
        socket: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

impl ClientError {
    /// How to mend it, if that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotRunning { hint, .. } | Self::Denied { hint, .. } => Some(hint),
            Self::Problem(problem) => problem.hint.as_deref(),
            Self::Io { .. } | Self::Answer { .. } => None,
        }
    }

    /// The problem that the server named, if it did.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}
