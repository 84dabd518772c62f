//! What an engine's errors mean: whether waiting may help.

use bollard::errors::Error;
use provost_controller::{EngineError, EngineErrorKind};

use crate::words::with_sources;

/// Parts of messages that speak of a failure that may pass, whatever the status.
const PASSING: &[&str] = &[
    "no space left on device",
    "resource temporarily unavailable",
    "cannot allocate memory",
    "context deadline exceeded",
    "connection refused",
    "connection reset",
    "transport is closing",
    "ttrpc: closed",
    "i/o timeout",
    "too many requests",
    "toomanyrequests",
    "server misbehaving",
    "no such host",
    "TLS handshake timeout",
    "network is unreachable",
    "unexpected EOF",
];

/// Parts of messages of status 500 that no waiting will mend.
const LASTING: &[&str] = &[
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "OCI runtime",
    "oci runtime",
    "runc create failed",
    "crun:",
    "programming external connectivity",
    "port is already allocated",
    "unable to find user",
    "no matching entries in passwd",
    "no such image",
    "image not known",
    "manifest unknown",
    "manifest for",
    "name unknown",
    "repository does not exist",
    "pull access denied",
    "access denied",
    "unauthorized",
    "denied:",
    "invalid reference format",
    "x509:",
    "invalid tar header",
    "unrecognized image format",
];

/// The status that the engine answered, if it answered.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The engine's own words.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        Error::RequestTimeoutError => "it does not answer in time".to_owned(),
        other => with_sources(other),
    }
}

/// The error of having failed to `doing`: "start container provost-a-b-main.1".
pub(super) fn say(doing: &str, error: Error) -> EngineError {
    let words = words(&error);
    EngineError::new(kind(&error, &words), format!("cannot {doing}: {words}"))
}

fn kind(error: &Error, words: &str) -> EngineErrorKind {
    let speaks_of = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match error {
        _ if speaks_of(PASSING) => EngineErrorKind::Unavailable,
        Error::DockerResponseServerError { status_code: 404, .. } => EngineErrorKind::NotFound,
        // Whoever asks for a name that is taken looks closer; elsewhere it is a change that is under way.
        Error::DockerResponseServerError { status_code: 409, .. } => EngineErrorKind::Unavailable,
        Error::DockerResponseServerError { status_code: 400..=499, .. } => EngineErrorKind::Refused,
        Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. } if speaks_of(LASTING) => {
            EngineErrorKind::Refused
        }
        Error::URLParseError { .. } | Error::InvalidURIError { .. } | Error::HttpClientError { .. } => {
            EngineErrorKind::Refused
        }
        _ => EngineErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> EngineErrorKind {
        say("do it", Error::DockerResponseServerError { status_code, message: message.to_owned() }).kind
    }

    #[test]
    fn kinds_say_whether_waiting_may_help() {
        use EngineErrorKind::{NotFound, Refused, Unavailable};
        for (status, message, kind) in [
            (404, "No such container: x", NotFound),
            (400, "invalid reference format", Refused),
            (400, r#"exec: "nope": executable file not found in $PATH"#, Refused),
            (500, "crun: executable file `nope` not found: No such file or directory", Refused),
            (500, "OCI runtime create failed: runc create failed: unable to start", Refused),
            (500, "OCI runtime create failed: write: no space left on device", Unavailable),
            (500, "driver failed programming external connectivity: Bind failed: port is already allocated", Refused),
            (500, "something went wrong", Unavailable),
            (503, "", Unavailable),
            (409, "removal of container x is already in progress", Unavailable),
            (500, "Get https://reg.example/v2/: dial tcp: lookup reg.example: no such host", Unavailable),
            (404, "manifest for a:1 not found: manifest unknown", NotFound),
        ] {
            assert_eq!(answer(status, message), kind, "{status} {message}");
        }
        let timeout = say("do it", Error::RequestTimeoutError);
        assert_eq!((timeout.kind, timeout.message.as_str()), (Unavailable, "cannot do it: it does not answer in time"));
        let stream = |error: &str| say("pull", Error::DockerStreamError { error: error.to_owned() }).kind;
        assert_eq!(stream("manifest unknown"), Refused);
        assert_eq!(stream("unexpected EOF"), Unavailable);
    }
}
