//! Who is at the other end of a connection, as the kernel says.

use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use provost_model::Caller;
use tokio::net::UnixListener;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) enum Peer {
    /// A process of this machine, through the Unix socket.
    Local {
        /// Its user; absent where the kernel does not say.
        uid: Option<u32>,
    },
    /// Anybody, through TLS.
    Remote,
    /// A container, through its own socket.
    Container(Arc<Caller>),
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred();
        Self::Local { uid: credentials.ok().map(|credentials| credentials.uid()) }
    }
}

/// What the user `uid` is called: `root`, `alice (uid 1000)`, `uid 1000`.
pub(super) async fn name_of_user(uid: Option<u32>) -> String {
    // Read each time: it is rare, and people come and go.
    let read = async |path| tokio::fs::read_to_string(path).await.unwrap_or_default();
    let map = read("/proc/self/uid_map").await;
    match uid.and_then(|uid| outside(uid, &map)) {
        Some(uid) => name_of(uid, &read("/etc/passwd").await),
        None => "an unknown user".to_owned(),
    }
}

/// The machine's id of the user `uid` of a user namespace that is mapped so; absent for one that is not in it.
/// Source: user_namespaces(7).
fn outside(uid: u32, map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (inside, outside, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        uid.checked_sub(inside).filter(|distance| *distance < count)?.checked_add(outside)
    })
}

/// What `uid` is called, by `passwd` (passwd(5)).
fn name_of(uid: u32, passwd: &str) -> String {
    if uid == 0 {
        return "root".to_owned();
    }
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let of = fields.nth(1)?.parse::<u32>().ok()?;
        (of == uid).then_some(name)
    });
    named.map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_known_from_within_a_namespace() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        assert_eq!(
            [0, 5, 65_534, 70_000].map(|uid| outside(uid, map)),
            [Some(1000), Some(100_004), Some(165_533), None]
        );
        assert_eq!(outside(70_000, "         0          0 4294967295\n"), Some(70_000));
    }

    #[test]
    fn people_are_called_by_name_and_uid() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n\n:x:7::\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(0, passwd), "root");
        assert_eq!(name_of(0, ""), "root");
        assert_eq!(name_of(1000, passwd), "alice (uid 1000)");
        assert_eq!(name_of(7, passwd), "uid 7");
        assert_eq!(name_of(1001, passwd), "uid 1001");
    }
}
