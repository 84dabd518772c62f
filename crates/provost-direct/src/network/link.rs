//! Interfaces of the network that this process is in: raised and taken away. Source: rtnetlink(7).

use std::io;

use rustix::net::netdevice::name_to_index;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

/// `RTM_NEWLINK` and `RTM_DELLINK`.
const NEW: u32 = 16;
const DELETE: u32 = 17;
/// `IFF_UP`.
const UP: u32 = 1;

/// Asks the kernel to raise the first interface, which is the loopback.
pub(crate) fn raise_loopback() -> io::Result<()> {
    ask(NEW, 1, UP)
}

/// Whether there is an interface of that name.
pub(super) fn exists(name: &str) -> io::Result<bool> {
    index(name).map(|index| index.is_some())
}

/// Takes an interface away; one that is gone is fine.
pub(super) fn remove(name: &str) -> io::Result<()> {
    match index(name)? {
        Some(index) => ask(DELETE, index, 0),
        None => Ok(()),
    }
}

fn index(name: &str) -> io::Result<Option<u32>> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    match name_to_index(&any, name) {
        Ok(index) => Ok(Some(index)),
        Err(rustix::io::Errno::NODEV) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sends one message about an interface and takes the answer. `flags` are what is to be set of it.
fn ask(kind: u32, index: u32, flags: u32) -> io::Result<()> {
    // Its length, its type with its flags (`NLM_F_REQUEST`, `NLM_F_ACK`), its number and the sender's; then no family
    // and type, the interface, the flags and which of them are meant.
    let message = [32, kind | (5 << 16), 1, 0, 0, index, flags, flags];
    let message: Vec<u8> = message.iter().flat_map(|word| word.to_ne_bytes()).collect();
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
