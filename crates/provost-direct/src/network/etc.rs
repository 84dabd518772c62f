//! The files of `/etc` that say where a container is: its own name, its peers' names, and who knows other names.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::Network;
use super::members::Member;

/// In the folder of the container: what is `/etc/hosts` inside.
pub(super) const HOSTS: &str = "hosts";
/// What is `/etc/resolv.conf` inside.
pub(super) const RESOLV: &str = "resolv.conf";
const HOSTNAME: &str = "hostname";
/// The files, and where they are seen inside.
pub(crate) const FILES: [(&str, &str); 3] =
    [(HOSTS, "/etc/hosts"), (RESOLV, "/etc/resolv.conf"), (HOSTNAME, "/etc/hostname")];
/// Where the nameservers are of a host whose own one is systemd-resolved.
const BEHIND_RESOLVED: &str = "/run/systemd/resolve/resolv.conf";
const LOCALHOST: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// Writes them into the container's folder. A container in the host's network has the host's.
pub(crate) fn write_files(folder: &Path, network: &Network, hostname: &str) -> io::Result<()> {
    if network.is_none() {
        return Ok(());
    }
    let host = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let own = host("/etc/resolv.conf");
    let (hosts, resolv) = match network {
        Network::Host => (host("/etc/hosts"), own),
        _ => (LOCALHOST.to_owned(), resolv(&own, &host(BEHIND_RESOLVED))),
    };
    fs::write(folder.join(HOSTS), hosts)?;
    fs::write(folder.join(RESOLV), resolv)?;
    fs::write(folder.join(HOSTNAME), format!("{hostname}\n"))
}

/// What `own` finds in `/etc/hosts`: itself, and the services among `members`.
pub(super) fn hosts(own: &Member, members: &[Member]) -> String {
    let mut text = LOCALHOST.to_owned();
    if let Some(address) = own.address {
        text.push_str(&format!("{address}\t{}\n", own.hostname));
    }
    for member in members {
        if let (Some(address), Some(service)) = (member.address, member.service.as_deref())
            && service != "localhost"
        {
            text.push_str(&format!("{address}\t{service} {service}.{}\n", member.instance));
        }
    }
    text
}

/// The host's `resolv.conf` for a container, which cannot reach what listens on the host's loopback: those nameservers
/// are left out, and where none is left, those count that are behind the host's own.
fn resolv(own: &str, behind: &str) -> String {
    let kept = without_loopback(own);
    let kept = if nameservers(&kept).is_empty() { without_loopback(behind) } else { kept };
    kept + "\n"
}

fn without_loopback(text: &str) -> String {
    let is_kept = |line: &&str| match nameserver(line) {
        Some(address) => address.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback()),
        None => true,
    };
    text.lines().filter(is_kept).filter(|line| !line.starts_with(['#', ';'])).collect::<Vec<_>>().join("\n")
}

fn nameserver(line: &str) -> Option<&str> {
    line.trim().strip_prefix("nameserver")?.split_whitespace().next()
}

fn nameservers(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(nameserver).collect()
}

/// The nameservers that the network itself has, if it names any.
pub(super) fn resolv_of(result: &serde_json::Value) -> Option<String> {
    let words = |key: &str| result["dns"][key].as_array().into_iter().flatten().filter_map(|word| word.as_str());
    let servers: String = words("nameservers").map(|address| format!("nameserver {address}\n")).collect();
    let search: Vec<&str> = words("search").collect();
    let search = if search.is_empty() { String::new() } else { format!("search {}\n", search.join(" ")) };
    (!servers.is_empty()).then(|| search + &servers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_on_the_loopback_are_not_for_containers() {
        let own = "# by hand\nsearch lan\nnameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver ::1\noptions edns0\n";
        assert_eq!(resolv(own, ""), "search lan\nnameserver 192.0.2.53\noptions edns0\n");
        assert_eq!(resolv("nameserver 127.0.0.53\n", "nameserver 192.0.2.1\n"), "nameserver 192.0.2.1\n");
        assert_eq!(resolv("nameserver 127.0.0.53\n", ""), "\n");
        let result = serde_json::json!({"dns": {"nameservers": ["192.0.2.9"], "search": ["a", "b"]}});
        assert_eq!(resolv_of(&result).as_deref(), Some("search a b\nnameserver 192.0.2.9\n"));
        assert_eq!(resolv_of(&serde_json::json!({"dns": {}})), None);
    }
}
