//! The network `None`: a namespace with nothing in it but the loopback, which is up as it is in every container.

use std::fs;
use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

use super::ShimError;

/// Sets this process's network namespace up. Ports below 1024 are for everybody in it, as with other engines.
pub(super) fn prepare() -> Result<(), ShimError> {
    raise_loopback().map_err(ShimError::around("raise the loopback of the container"))?;
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
        .map_err(ShimError::around("open the low ports of the container"))
}

/// Asks the kernel to raise the first interface. Source: rtnetlink(7), `RTM_NEWLINK`.
fn raise_loopback() -> io::Result<()> {
    /// Its length, its type (`RTM_NEWLINK`), its flags (`NLM_F_REQUEST`, `NLM_F_ACK`), its number and the sender's.
    const HEADER: [u32; 4] = [32, 16 | (5 << 16), 1, 0];
    /// No family and type; the interface 1; the flags (`IFF_UP`) and which of them are meant.
    const LINK: [u32; 4] = [0, 1, 1, 1];
    let message: Vec<u8> = HEADER.iter().chain(&LINK).flat_map(|word| word.to_ne_bytes()).collect();
    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    sendto(&kernel, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 256];
    let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    // The answer has the same header, and an error number that is 0 when all is well.
    let number = answer.get(16..20).filter(|_| length >= 20).and_then(|bytes| bytes.try_into().ok());
    match number.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(-number)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
