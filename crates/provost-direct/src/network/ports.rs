//! Ports of the server, held as long as a container has them.
//!
//! Packets for them are led to the container before they come here. But while they are held, nobody else can have
//! them: no other container of whatever engine, and no program. And when the shim that holds them goes, however that
//! comes, the kernel gives them back. Nobody listens on what is held: who comes before the container is connected is
//! refused, and does not wait for an answer that nobody gives.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use provost_model::{PortMapping, Protocol};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use super::NetworkError;

/// A port that is held.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "it is held, and nothing else")] OwnedFd);

/// Takes all of them, or none.
pub(crate) fn hold(ports: &[PortMapping]) -> Result<Vec<Held>, NetworkError> {
    ports.iter().map(|port| take(port).map(Held).map_err(|error| refused(port, &error))).collect()
}

fn take(port: &PortMapping) -> io::Result<OwnedFd> {
    let address = SocketAddr::new(port.address, port.host);
    let kind = if port.protocol == Protocol::Tcp { SocketType::STREAM } else { SocketType::DGRAM };
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    match bind(&socket, &address) {
        // It may be that only the last connections of somebody who is gone are in the way.
        Err(rustix::io::Errno::ADDRINUSE) if port.protocol == Protocol::Tcp => {
            TcpListener::bind(address).map(OwnedFd::from)
        }
        bound => Ok(bound.map(|()| socket)?),
    }
}

fn refused(port: &PortMapping, error: &io::Error) -> NetworkError {
    let place = SocketAddr::new(port.address, port.host);
    let protocol = port.protocol.word();
    match error.kind() {
        io::ErrorKind::AddrInUse => NetworkError::lasting(format!(
            "the port {place}/{protocol} of the server is taken by another container or program; end that (`ss -lpn` shows it), or \
             publish another port"
        )),
        io::ErrorKind::AddrNotAvailable => NetworkError::lasting(format!(
            "the server has no address {}, at which the port {} is to be published",
            port.address, port.host
        )),
        _ => NetworkError::passing(format!("cannot take the port {place}/{protocol} of the server: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_until_it_is_let_go() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ports = [format!("{free}:80").parse().unwrap(), format!("{free}:80/udp").parse().unwrap()];
        let held = hold(&ports).unwrap();
        let refused = std::net::TcpStream::connect(("127.0.0.1", free)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "nobody waits for nobody");
        let error = hold(&ports).unwrap_err();
        assert!(!error.may_pass && error.to_string().contains("is taken"), "{error}");
        drop(held);
        hold(&ports).unwrap();
        let nowhere = hold(&["192.0.2.77:80:80".parse().unwrap()]).unwrap_err();
        assert!(nowhere.to_string().contains("has no address 192.0.2.77"), "{nowhere}");
    }
}
