//! Which ports of a server may be had.

use std::fmt;
use std::net::IpAddr;

use provost_model::PortMapping;

/// Ports of one address of a server, or of all: `0.0.0.0:443`, `*:8000-8999`, `[::1]:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRule {
    /// Absent: whatever the address.
    address: Option<IpAddr>,
    first: u16,
    last: u16,
}

impl PortRule {
    /// Reads `ADDRESS:PORT`, `ADDRESS:FIRST-LAST` or `ADDRESS:*`; `*` for any address, IPv6 in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, ports) = text.rsplit_once(':')?;
        let address = match address.strip_prefix('[') {
            _ if address == "*" => None,
            Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
            None => Some(IpAddr::V4(address.parse().ok()?)),
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let (first, last) = match ports.split_once('-') {
            _ if ports == "*" => (1, u16::MAX),
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(ports)?, number(ports)?),
        };
        (first <= last).then_some(Self { address, first, last })
    }

    /// Whether the rule is about the server's side of `port`.
    pub(crate) fn covers(&self, port: &PortMapping) -> bool {
        self.address.is_none_or(|address| address == port.address) && (self.first..=self.last).contains(&port.host)
    }

    /// Whether `port` takes something that the rule is about: all addresses take each of them.
    pub(crate) fn touches(&self, port: &PortMapping) -> bool {
        let address = self.address.is_none_or(|address| address == port.address) || port.address.is_unspecified();
        address && (self.first..=self.last).contains(&port.host)
    }
}

/// The server's side of a port, as rules write it: `0.0.0.0:443`.
pub(crate) fn host_side(port: &PortMapping) -> impl fmt::Display {
    let address = match port.address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    format!("{address}:{}", port.host)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_fit() {
        let port = |text: &str| text.parse::<PortMapping>().unwrap();
        for (rule, fits, other) in [
            ("0.0.0.0:443", "0.0.0.0:443:443", "0.0.0.0:444:443"),
            ("*:8000-8999", "192.0.2.1:8080:80", "192.0.2.1:9000:80"),
            ("[::1]:*", "[::1]:53:53", "127.0.0.1:53:53"),
        ] {
            let rule = PortRule::parse(rule).unwrap();
            assert!(rule.covers(&port(fits)) && !rule.covers(&port(other)), "{rule:?}");
        }
        let loopback = PortRule::parse("127.0.0.1:22").unwrap();
        assert!(loopback.touches(&port("0.0.0.0:22:22")) && !loopback.covers(&port("0.0.0.0:22:22")));
        for text in ["", "443", "*:", "*:0", "*:9-8", "*:65536", "::1:443", "host:443"] {
            assert!(PortRule::parse(text).is_none(), "{text:?} must be refused");
        }
    }
}
