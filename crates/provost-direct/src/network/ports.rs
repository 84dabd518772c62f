//! Ports of the server, held as long as a container has them.
//!
//! Packets for them are led to the container before they come here. But while they are held, nobody else can have
//! them: no other container of whatever engine, and no program. And when the shim that holds them goes, however that comes,
//! the kernel gives them back.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use provost_model::{PortMapping, Protocol};

use super::NetworkError;

/// A port that is held.
#[derive(Debug)]
pub(crate) enum Held {
    Tcp { _socket: TcpListener },
    Udp { _socket: UdpSocket },
}

/// Takes all of them, or none.
pub(crate) fn hold(ports: &[PortMapping]) -> Result<Vec<Held>, NetworkError> {
    ports.iter().map(|port| bind(port).map_err(|error| refused(port, &error))).collect()
}

fn bind(port: &PortMapping) -> io::Result<Held> {
    let address = SocketAddr::new(port.address, port.host);
    Ok(match port.protocol {
        Protocol::Tcp => Held::Tcp { _socket: TcpListener::bind(address)? },
        Protocol::Udp => Held::Udp { _socket: UdpSocket::bind(address)? },
    })
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
        let error = hold(&ports).unwrap_err();
        assert!(!error.may_pass && error.to_string().contains("is taken"), "{error}");
        drop(held);
        hold(&ports).unwrap();
        let nowhere = hold(&["192.0.2.77:80:80".parse().unwrap()]).unwrap_err();
        assert!(nowhere.to_string().contains("has no address 192.0.2.77"), "{nowhere}");
    }
}
