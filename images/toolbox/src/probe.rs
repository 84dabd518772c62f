//! Commands that say what the container is and may do, as the kernel sees it.

use std::fs;

use crate::{Outcome, args::Args, failure::Failure, output};

/// `id`: `uid=65532 gid=65532 groups=…`, the effective ids.
pub fn id(args: Args) -> Outcome {
    args.end()?;
    let status = read("/proc/self/status")?;
    let effective = |name| field(&status, name).map(|ids| ids.split_whitespace().nth(1).unwrap_or_default());
    let groups = field(&status, "Groups")?.split_whitespace().collect::<Vec<_>>().join(",");
    output::line(&format!("uid={} gid={} groups={groups}", effective("Uid")?, effective("Gid")?))?;
    Ok(0)
}

/// `caps`: `CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2`.
pub fn caps(args: Args) -> Outcome {
    args.end()?;
    let status = read("/proc/self/status")?;
    let fields = ["CapEff", "NoNewPrivs", "Seccomp"]
        .map(|name| field(&status, name).map(|value| format!("{name}={value}")))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    output::line(&fields.join(" "))?;
    Ok(0)
}

/// `mounts`: one line a mount, `TARGET TYPE OPTIONS`.
pub fn mounts(args: Args) -> Outcome {
    args.end()?;
    for mount in read("/proc/self/mounts")?.lines() {
        let parts: Vec<&str> = mount.split(' ').collect();
        if let [_, target, kind, options, ..] = parts[..] {
            output::line(&format!("{target} {kind} {options}"))?;
        }
    }
    Ok(0)
}

/// `net`: one line an interface.
pub fn net(args: Args) -> Outcome {
    args.end()?;
    for (name, _) in read("/proc/net/dev")?.lines().filter_map(|line| line.split_once(':')) {
        output::line(name.trim())?;
    }
    Ok(0)
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::at("read", path, &error))
}

/// The value of a `Name:<tab>value` line.
fn field<'a>(status: &'a str, name: &str) -> Result<&'a str, Failure> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
        .ok_or_else(|| Failure::work(format!("the kernel does not say `{name}`")))
}
