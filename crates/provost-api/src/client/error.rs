//! Why a request had no answer, or the wrong one.

use crate::wire::Problem;

/// Why a request had no answer, or the wrong one. `server` is its socket or its address.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no server answers on {server}")]
    NotRunning {
        /// Which.
        server: String,
        /// How to mend it.
        hint: String,
    },
    /// Somebody listens there, and says nothing.
    #[error("the server at {server} takes the question and does not answer")]
    Silent {
        /// Which.
        server: String,
    },
    /// The socket may not be opened by whoever asks.
    #[error("{server} may not be opened")]
    Denied {
        /// Which.
        server: String,
        /// How to mend it.
        hint: String,
    },
    /// What was said about the server, or the server's certificate, is wrong.
    #[error("{server}: {why}")]
    Unproven {
        /// Which.
        server: String,
        /// What is wrong.
        why: String,
        /// How to mend it.
        hint: String,
    },
    /// The server said no.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The connection broke.
    #[error("the connection to {server} broke: {why}")]
    Io {
        /// Which.
        server: String,
        /// What happened.
        why: String,
    },
    /// The answer could not be read: another version, or no Provost at all.
    #[error("{server} gave an answer that could not be read: {why}")]
    Answer {
        /// Which.
        server: String,
        /// What was wrong with it.
        why: String,
    },
}

impl ClientError {
    /// How to mend it, if that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotRunning { hint, .. } | Self::Denied { hint, .. } | Self::Unproven { hint, .. } => Some(hint),
            Self::Silent { .. } => Some(
                "look at its log (journalctl -u provost): it starts, or it hangs; a restart is safe, runs go on meanwhile",
            ),
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
