//! Services: containers that are meant not to end, with their ports and health.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What makes an automation a service: a run of it is meant not to end, and is kept up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceTerms {
    /// How it is found out whether it does its work; absent: while it runs, it is healthy.
    pub health_check: Option<HealthCheck>,
    /// Which ends of its container are mended by a restart; how often is in `retries`.
    pub restart: RestartPolicy,
    /// In which order a new container takes the place of an old one.
    pub replace: Replacement,
}

/// Which ends of a service's container are mended by a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Those with an exit code other than 0, and ill health.
    #[default]
    OnFailure,
    /// All.
    Always,
}

/// In which order a new container takes the place of an old one (C5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    /// The old one goes once the new one is healthy, unless both want one port of the server.
    #[default]
    StartFirst,
    /// The new one starts once the old one is gone.
    StopFirst,
}

/// How it is found out whether a service does its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// What is asked.
    pub probe: Probe,
    /// From one question to the next, in seconds.
    pub interval_s: u64,
    /// The longest that an answer may take, in seconds.
    pub timeout_s: u64,
    /// So many bad answers in a row make it unhealthy.
    pub failures: u32,
    /// The longest from its start to its first good answer, in seconds.
    pub start_timeout_s: u64,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "camelCase")]
pub enum Probe {
    /// A GET request to the container, good if its status is 200 to 399.
    Http {
        /// The container's port.
        port: u16,
        /// The path, with its `/`.
        path: String,
    },
    /// A program in the container, good if it exits with 0.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// How healthy a service's container is, as far as a check has said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether it does its work.
    pub is_healthy: bool,
    /// Since when.
    pub since: Timestamp,
    /// Whether it ever did, since this container started.
    pub was_healthy: bool,
    /// What is wrong, in one clause; empty while nothing is.
    pub why: String,
}

/// A port of the server that leads to one of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortMapping {
    /// The address of the server; `0.0.0.0` or `::` for all.
    pub address: IpAddr,
    /// The server's port.
    pub host: u16,
    /// The container's port.
    pub container: u16,
    /// What is spoken.
    pub protocol: Protocol,
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Protocol {
    /// The word in manifests and engines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl PortMapping {
    /// Whether both want one port of the server.
    pub fn clashes(&self, other: &Self) -> bool {
        let overlap = self.address == other.address || self.address.is_unspecified() || other.address.is_unspecified();
        overlap && self.host == other.host && self.protocol == other.protocol
    }
}

/// A text that is no port mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no port: write HOST:CONTAINER or ADDRESS:HOST:CONTAINER, and /udp at its end where it is not tcp")]
pub struct PortError(pub String);

impl FromStr for PortMapping {
    type Err = PortError;

    /// Reads `8090:80`, which is the loopback address, `192.0.2.1:8090:80`, `[::1]:8090:80`, each with `/tcp` or `/udp`.
    fn from_str(text: &str) -> Result<Self, PortError> {
        let refuse = || PortError(text.to_owned());
        let (ports, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.split('/').next().unwrap_or(text), Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some(_) => return Err(refuse()),
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0 && !text.starts_with(['+', '0']));
        let (rest, container) = ports.rsplit_once(':').ok_or_else(refuse)?;
        let (address, host) = match rest.rsplit_once(':') {
            None => (IpAddr::V4(Ipv4Addr::LOCALHOST), rest),
            Some((address, host)) => (address_of(address).ok_or_else(refuse)?, host),
        };
        let (Some(host), Some(container)) = (number(host), number(container)) else {
            return Err(refuse());
        };
        Ok(Self { address, host, container, protocol })
    }
}

/// An IPv4 address, or an IPv6 address in brackets.
fn address_of(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        write!(f, "{address}:{}:{}", self.host, self.container)?;
        if self.protocol == Protocol::Udp { f.write_str("/udp") } else { Ok(()) }
    }
}

impl TryFrom<String> for PortMapping {
    type Error = PortError;

    fn try_from(text: String) -> Result<Self, PortError> {
        text.parse()
    }
}

impl From<PortMapping> for String {
    fn from(port: PortMapping) -> Self {
        port.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_and_written() {
        for (text, written) in [
            ("8090:80", "127.0.0.1:8090:80"),
            ("192.0.2.1:8090:80/tcp", "192.0.2.1:8090:80"),
            ("0.0.0.0:53:5353/udp", "0.0.0.0:53:5353/udp"),
            ("[::1]:8090:80", "[::1]:8090:80"),
        ] {
            assert_eq!(text.parse::<PortMapping>().unwrap().to_string(), written);
        }
        for text in ["", "80", "80:", ":80", "0:80", "80:0", "080:80", "65536:80", "a:80:80", "::1:80:80", "80:80/sctp"]
        {
            assert!(text.parse::<PortMapping>().is_err(), "{text:?} must be refused");
        }
    }

    #[test]
    fn one_port_cannot_be_had_twice() {
        let port = |text: &str| text.parse::<PortMapping>().unwrap();
        assert!(port("80:1").clashes(&port("80:2")));
        assert!(port("80:1").clashes(&port("0.0.0.0:80:2")));
        for other in ["81:1", "192.0.2.1:80:1", "80:1/udp"] {
            assert!(!port("80:1").clashes(&port(other)), "{other}");
        }
    }
}
