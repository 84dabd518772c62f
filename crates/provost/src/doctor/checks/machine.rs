//! The machine: configuration, permissions, state, disks, clock.

use std::path::Path;

use crate::doctor::evidence::{ConfigFile, Evidence, ServerAsked, Space, StateFolder, There};
use crate::doctor::finding::{Finding, Level};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Whether the file is there and says what it should. A server that runs without it was started in another way.
pub(super) fn config(file: &ConfigFile, has_server: bool) -> Finding {
    let path = file.path.display();
    match &file.trouble {
        None => Finding::ok("configuration", format!("{path} is valid")),
        Some(_) if file.mode.is_none() && has_server => Finding::warning(
            "configuration",
            format!("there is no {path}, so only the running server and the engine were asked"),
            "name the server's file with --config FILE",
        ),
        Some(trouble) => Finding::problem("configuration", trouble.what.clone(), trouble.mend.clone()),
    }
}

/// Who may change or read what is the server's alone.
pub(super) fn permissions(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = &evidence.config;
    if config.mode.is_some_and(|mode| mode & 0o022 != 0) {
        let path = config.path.display();
        let what = format!("others than its owner may write {path}, which decides what may run");
        findings.push(Finding::problem("permissions", what, format!("chmod go-w {path}")));
    }
    for (folder, mode) in evidence.private.iter().filter(|(_, mode)| mode & 0o077 != 0) {
        let what = format!("others than its owner may look into {} (mode {:o})", folder.display(), mode & 0o777);
        findings.push(Finding::warning("permissions", what, format!("chmod go= {}", folder.display())));
    }
    let engine = evidence.engine.as_ref().ok();
    if engine.and_then(|engine| engine.socket_mode).is_some_and(|mode| mode & 0o006 != 0) {
        let what = "everyone on this machine may talk to the engine, and be root through it";
        findings.push(Finding::problem("permissions", what, "chmod o= the engine's socket; use a group"));
    }
    if evidence.server.mode.is_some_and(|mode| mode & 0o006 != 0) {
        let socket = evidence.server.socket.display();
        let what = format!("everyone on this machine may order the server through {socket}");
        findings.push(Finding::problem("permissions", what, format!("chmod o= {socket}")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("permissions", "files and sockets are closed to others"));
    }
    findings
}

/// The state folder, and who has it.
pub(super) fn state(state: &StateFolder, server: &ServerAsked) -> Option<Finding> {
    let path = state.path.display();
    let another = "name another folder as `state`";
    Some(match (&state.there, state.holder) {
        (There::Other, _) => Finding::problem("state", format!("{path} is no folder"), another),
        (There::Nothing { can_be_made: true }, _) => {
            Finding::ok("state", format!("{path} is not there yet; the first start makes it"))
        }
        (There::Nothing { can_be_made: false }, _) => Finding::problem(
            "state",
            format!("{path} is not there, and may not be made by this user"),
            format!("start the server as a user who may, or {another}"),
        ),
        (There::Folder { .. }, Some(pid)) if server.answer.is_err() => Finding::problem(
            "state",
            format!("process {pid} has {path}, and nobody answers at {}", server.socket.display()),
            format!("look at what it is (ps -fp {pid}) and at its log, then end it"),
        ),
        (There::Folder { .. }, Some(pid)) => Finding::ok("state", format!("{path} is held by process {pid}")),
        (There::Folder { is_writable: false }, None) => Finding::warning(
            "state",
            format!("{path} may not be written by this user"),
            "run provost doctor as the user that the server runs as",
        ),
        (There::Folder { is_writable: true }, None) => Finding::ok("state", format!("{path} is held by nobody")),
    })
}

/// The disks of the state and of the engine.
pub(super) fn disks(evidence: &Evidence) -> Vec<Finding> {
    let state = evidence.state.as_ref().and_then(|state| Some((state.path.as_path(), state.space?)));
    let engine = evidence.engine.as_ref().ok().and_then(|engine| {
        let data = engine.machine.as_ref().ok()?.data.as_deref()?;
        Some((data, engine.space?))
    });
    state.into_iter().chain(engine).map(|(path, space)| disk(path, space)).collect()
}

fn disk(path: &Path, space: Space) -> Finding {
    let path = path.display();
    let free = size(space.free_bytes);
    let what = format!("{free} of {} free at {path}", size(space.total_bytes));
    let few_files = space.total_files > 0 && space.free_files < space.total_files / 100;
    let level = match space.free_bytes {
        ..=199_999_999 => Level::Problem,
        _ if space.total_files > 0 && space.free_files < 1000 => Level::Problem,
        free if free < space.total_bytes / 20 && free < 5 * GIB => Level::Warning,
        _ if few_files => Level::Warning,
        _ => Level::Ok,
    };
    let what = if few_files { format!("{what}, and room for {} more files", space.free_files) } else { what };
    let mend = "free some: docker system df shows what the engine keeps; a full disk stops every start";
    match level {
        Level::Ok => Finding::ok("disk", what),
        Level::Warning => Finding::warning("disk", what, mend),
        Level::Problem => Finding::problem("disk", what, mend),
    }
}

/// `3.4 GiB`, `512 MiB`.
fn size(bytes: u64) -> String {
    if bytes >= GIB {
        return format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB);
    }
    format!("{} MiB", bytes / MIB)
}

/// The clock, against all that knows what time it is.
pub(super) fn clock(evidence: &Evidence) -> Vec<Finding> {
    let clock = &evidence.clock;
    let machine = evidence.engine.as_ref().ok().and_then(|engine| engine.machine.as_ref().ok());
    let engine_ahead_s = machine.and_then(|machine| machine.now).map(|now| now.duration_since(evidence.now).as_secs());
    let mut findings = Vec::new();
    for (whose, ahead_s) in [("engine", engine_ahead_s), ("source", clock.source_ahead_s)] {
        findings.extend(ahead_s.and_then(|ahead_s| apart(whose, ahead_s)));
    }
    if clock.is_synchronised == Some(false) {
        let what = "nothing keeps this machine's clock right, and due times follow it";
        findings.push(Finding::warning("clock", what, "timedatectl set-ntp true, or install chrony"));
    }
    if findings.is_empty() {
        let synchronised = if clock.is_synchronised == Some(true) { "is synchronised" } else { "is right" };
        let told = engine_ahead_s.is_some() || clock.source_ahead_s.is_some() || clock.is_synchronised.is_some();
        let what =
            if told { format!("the clock {synchronised}") } else { "the clock was compared with nothing".into() };
        findings.push(Finding::ok("clock", format!("{what}; time zones are those of {}", clock.zones)));
    }
    findings.extend(zones(&clock.zones, evidence.now));
    findings
}

/// Whether another clock is so far from ours that a due time would be missed by it.
fn apart(whose: &str, ahead_s: i64) -> Option<Finding> {
    let (length, direction) = (ahead_s.unsigned_abs(), if ahead_s < 0 { "behind" } else { "ahead" });
    let what = format!("the {whose}'s clock is {length} s {direction} of this machine's");
    let mend = "see which of the two is wrong (timedatectl), and let it be synchronised";
    match length {
        ..=5 => None,
        6..=60 => Some(Finding::warning("clock", what, mend)),
        _ => Some(Finding::problem("clock", what, mend)),
    }
}

/// Whether the time zones that are compiled in are older than two years; laws change every year.
fn zones(version: &str, now: jiff::Timestamp) -> Option<Finding> {
    let year: i16 = version.get(..4)?.parse().ok()?;
    let this_year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    let what = format!("the time zones are those of {version}, and countries change theirs every year");
    (this_year - year >= 2).then(|| Finding::warning("clock", what, "install a newer Provost"))
}
