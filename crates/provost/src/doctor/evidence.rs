//! What was found out. What is absent could not be asked, for a reason that is told elsewhere.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use provost_api::wire::Status;
use provost_engine::{Machine, Tried};
use provost_model::PullPolicy;

/// Everything that was found out.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// When.
    pub now: Timestamp,
    /// The configuration file.
    pub config: ConfigFile,
    /// The folders that only the server's user has any business in, with their modes: state, keys of webhooks.
    pub private: Vec<(PathBuf, u32)>,
    /// The state folder.
    pub state: Option<StateFolder>,
    /// The engine, or where it was looked for.
    pub engine: Result<EngineFound, Vec<Tried>>,
    /// The clock.
    pub clock: Clock,
    /// Where manifests come from.
    pub source: Option<SourceAsked>,
    /// Where notifications go.
    pub channels: Vec<ChannelTried>,
    /// The images that are named, which the engine was asked for.
    pub images: Vec<ImageAsked>,
    /// The certificate that other machines are shown, if they are let in.
    pub certificate: Option<CertificateFound>,
    /// The running server.
    pub server: ServerAsked,
}

/// A certificate.
#[derive(Clone, Debug)]
pub struct CertificateFound {
    /// Its file.
    pub path: PathBuf,
    /// When it expires, or why it cannot be used.
    pub until: Result<Timestamp, String>,
}

/// What is wrong with something, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// The configuration file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its mode, if it is there.
    pub mode: Option<u32>,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
}

/// The state folder.
#[derive(Clone, Debug)]
pub struct StateFolder {
    /// Where it is.
    pub path: PathBuf,
    /// What is there.
    pub there: There,
    /// The disk that it is on.
    pub space: Option<Space>,
    /// The process that has it.
    pub holder: Option<u32>,
}

/// What is at the place of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum There {
    /// Nothing; whether it could be made by whoever asks.
    Nothing {
        /// Whether it could.
        can_be_made: bool,
    },
    /// A folder; whether whoever asks may write into it.
    Folder {
        /// Whether one may.
        is_writable: bool,
    },
    /// Something else.
    Other,
}

/// How much room there is on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What is free for ordinary users, in bytes.
    pub free_bytes: u64,
    /// All of it, in bytes.
    pub total_bytes: u64,
    /// How many more files there may be.
    pub free_files: u64,
    /// How many files there may be; zero where that is not limited.
    pub total_files: u64,
}

/// An engine that answers.
#[derive(Clone, Debug)]
pub struct EngineFound {
    /// `Docker Engine` or `Podman`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Where it was found, and who said so.
    pub address: String,
    /// How long it took to answer.
    pub took: SignedDuration,
    /// What it says of its machine, or why it says nothing.
    pub machine: Result<Machine, String>,
    /// The disk that its data is on, if that is one of this machine.
    pub space: Option<Space>,
    /// The mode of its socket, if it is one of this machine.
    pub socket_mode: Option<u32>,
    /// What its containers cannot have on this machine, and how to mend that.
    pub lacks: Vec<(String, String)>,
}

/// The clock of this machine.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Whether something keeps it right; absent where nobody knows.
    pub is_synchronised: Option<bool>,
    /// How far the source's clock is ahead, in seconds.
    pub source_ahead_s: Option<i64>,
    /// The version of the time zone database: `2026e`.
    pub zones: String,
}

/// Where manifests come from.
#[derive(Clone, Debug)]
pub struct SourceAsked {
    /// What people call it.
    pub name: String,
    /// How long it took.
    pub took: SignedDuration,
    /// The newest revision, or why there is none.
    pub newest: Result<Newest, Trouble>,
}

/// The newest revision of the source.
#[derive(Clone, Debug)]
pub struct Newest {
    /// The commit, or the digest of the folder.
    pub id: String,
    /// Who signed it, where signers are listed.
    pub signer: Option<String>,
    /// How many errors it has.
    pub errors: u32,
    /// Its diagnostics.
    pub report: String,
    /// How many automations it has.
    pub automations: usize,
}

/// A channel that was tried, without a notification.
#[derive(Clone, Debug)]
pub struct ChannelTried {
    /// Its name.
    pub name: String,
    /// What would keep a notification from arriving.
    pub trouble: Option<Trouble>,
}

/// An image that the engine was asked for.
#[derive(Clone, Debug)]
pub struct ImageAsked {
    /// Which.
    pub image: String,
    /// Who needs it: `automation nightly`, `hook shop/announce`, `channel ops`.
    pub needed_by: Vec<String>,
    /// When it is pulled.
    pub pull: PullPolicy,
    /// Whether the engine has it.
    pub is_there: bool,
    /// Whether the server's image folder has it.
    pub is_in_folder: bool,
}

/// The running server.
#[derive(Clone, Debug)]
pub struct ServerAsked {
    /// Its socket.
    pub socket: PathBuf,
    /// The socket's mode, if it is there.
    pub mode: Option<u32>,
    /// What it answers, or why it does not.
    pub answer: Result<Box<Answered>, Trouble>,
}

/// What a running server answers.
#[derive(Clone, Debug)]
pub struct Answered {
    /// How it is.
    pub status: Status,
    /// Runs that wait, and what for.
    pub waiting: Vec<(String, String)>,
    /// Automations whose last run failed.
    pub failing: Vec<String>,
}
