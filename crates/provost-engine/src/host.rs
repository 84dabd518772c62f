//! Where an engine listens.

use std::fmt;
use std::path::{Path, PathBuf};

/// The address of an engine, as `DOCKER_HOST` spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A Unix socket, by its absolute path.
    Unix(PathBuf),
    /// A TCP port without encryption: `host:port`.
    Tcp(String),
}

/// Why a text is not the address of an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Neither `unix://` nor `tcp://`.
    #[error("{0:?} is not an engine's address; write unix:///path/of/the.sock or tcp://host:port")]
    Scheme(String),
    /// `unix://` without an absolute path.
    #[error("{0:?} names no absolute path; write unix:///path/of/the.sock")]
    Path(String),
    /// `tcp://` with more or less than a host and a port.
    #[error("{0:?} names no host and port; write tcp://host:port")]
    Port(String),
}

impl Host {
    /// Reads `unix:///path` or `tcp://host[:port]`; the port is 2375 where it is left out.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') && !path.ends_with('/') {
                Ok(Self::Unix(PathBuf::from(path)))
            } else {
                Err(HostError::Path(text.to_owned()))
            };
        }
        let Some(address) = text.strip_prefix("tcp://").map(|rest| rest.trim_end_matches('/')) else {
            return Err(HostError::Scheme(text.to_owned()));
        };
        read_tcp(address).map(Self::Tcp).ok_or_else(|| HostError::Port(text.to_owned()))
    }

    /// The path of the Unix socket, if it is one.
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp(_) => None,
        }
    }
}

fn read_tcp(address: &str) -> Option<String> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (address, 2375),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let inner = if bracketed { &host[1..host.len() - 1] } else { host };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || (bracketed && c == ':');
    (!inner.is_empty() && inner.chars().all(legal)).then(|| format!("{host}:{port}"))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, same) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://10.0.0.1:2376", "tcp://10.0.0.1:2376"),
            ("tcp://engine.local", "tcp://engine.local:2375"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
            ("tcp://[::1]:99/", "tcp://[::1]:99"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), same);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_right_spelling() {
        for text in [
            "",
            "/var/run/docker.sock",
            "ssh://a",
            "http://a",
            "unix://docker.sock",
            "unix:///",
            "tcp://",
            "tcp://:1",
            "tcp://a:x",
            "tcp://a/b",
            "tcp://a?b",
            "tcp://a b",
            "tcp://::1",
        ] {
            let error = Host::parse(text).unwrap_err().to_string();
            assert!(error.contains("write unix://") || error.contains("write tcp://"), "{text:?}: {error}");
        }
    }
}
