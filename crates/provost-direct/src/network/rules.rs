//! The rules of the shared network, made with its bridge and taken away with it.
//!
//! They are those of the network and not of one container, and so no plugin's. The bridge's plugin could translate
//! addresses too, with rules for each container, but it finds them again only as long as the container's namespace is
//! there: of a shim that was killed they would stay.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use super::{NetworkError, SEARCH_PATH};

/// One rule: its table, whether it has to come first, its chain, and what it says.
type Rule = (&'static str, bool, &'static str, String);

/// What holds for all that goes through `bridge`, whose containers have addresses of `subnet`:
///
/// * The loopback of the host is not for them: to publish ports there, its addresses are routed on the bridge.
/// * Nobody reaches them but themselves, who answers them, and who comes by a published port: no other bridge, and no
///   machine beside this one that knows their addresses.
/// * Where the host drops what it forwards (so it is where Docker is), they are an exception.
/// * Outside they have the address of the host.
fn rules(bridge: &str, subnet: &str) -> [Rule; 5] {
    [
        ("raw", true, "PREROUTING", format!("-i {bridge} -d 127.0.0.0/8 -j DROP")),
        (
            "filter",
            true,
            "FORWARD",
            format!("! -i {bridge} -o {bridge} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"),
        ),
        ("filter", false, "FORWARD", format!("-i {bridge} -j ACCEPT")),
        ("filter", false, "FORWARD", format!("-o {bridge} -j ACCEPT")),
        ("nat", false, "POSTROUTING", format!("-s {subnet} ! -o {bridge} -j MASQUERADE")),
    ]
}

/// Makes the rules.
pub(super) fn make(bridge: &str, subnet: &str) -> Result<(), NetworkError> {
    let made = restore(&script(bridge, subnet, |is_first| if is_first { "-I" } else { "-A" }));
    made.map_err(|error| NetworkError::lasting(format!("cannot make the rules of the network Shared: {error}")))
}

/// Takes the rules away; those that are gone are fine.
pub(super) fn remove(bridge: &str, subnet: &str) {
    if restore(&script(bridge, subnet, |_| "-D")).is_ok() {
        return;
    }
    for (table, _, chain, rule) in rules(bridge, subnet) {
        let args = ["-w", "10", "-t", table, "-D", chain].into_iter().chain(rule.split(' '));
        let _ = command("iptables").args(args).stdin(Stdio::null()).output();
    }
}

/// All rules as one text, so that one program makes them at once.
fn script(bridge: &str, subnet: &str, action: impl Fn(bool) -> &'static str) -> String {
    let mut text = String::new();
    for table in ["raw", "filter", "nat"] {
        text.push_str(&format!("*{table}\n"));
        for (_, is_first, chain, rule) in rules(bridge, subnet).into_iter().filter(|(of, ..)| *of == table) {
            text.push_str(&format!("{} {chain} {rule}\n", action(is_first)));
        }
        text.push_str("COMMIT\n");
    }
    text
}

fn restore(script: &str) -> io::Result<()> {
    let mut child = command("iptables-restore")
        .args(["--noflush", "-w", "10"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes())).transpose()?;
    let done = child.wait_with_output()?;
    let said = || String::from_utf8_lossy(&done.stderr).trim().to_owned();
    if done.status.success() { Ok(()) } else { Err(io::Error::other(said())) }
}

fn command(tool: &str) -> Command {
    let program = super::find(SEARCH_PATH.split(':'), tool).unwrap_or_else(|| tool.into());
    let mut command = Command::new(program);
    command.env_clear().env("PATH", SEARCH_PATH);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_what_is_taken_away() {
        let made = script("pv-0", "10.212.0.0/22", |is_first| if is_first { "-I" } else { "-A" });
        let removed = script("pv-0", "10.212.0.0/22", |_| "-D");
        assert_eq!(made.replace("-I ", "-D ").replace("-A ", "-D "), removed);
        assert!(made.contains("*raw\n-I PREROUTING -i pv-0 -d 127.0.0.0/8 -j DROP\nCOMMIT\n"), "{made}");
        assert!(made.contains("*nat\n-A POSTROUTING -s 10.212.0.0/22 ! -o pv-0 -j MASQUERADE\nCOMMIT\n"), "{made}");
    }
}
