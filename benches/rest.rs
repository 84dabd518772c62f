//! What a server costs that has nothing to do: the real binary, its memory and its processor time.

use std::time::Duration;

use provost_testkit::{EngineView, ServerOptions, engine, eventually};

use crate::pure::files;
use crate::table::Table;

/// How long it is watched at rest.
const WATCHED: Duration = Duration::from_secs(20);

pub fn measure(table: &mut Table) {
    let (floor_mib, floor_cpu) = at_rest(0);
    for count in [1_000, 10_000] {
        let (mib, cpu) = at_rest(count);
        table.row(format!("memory at rest, {count} automations"), "MiB", mib, floor_mib, "the same server with none");
        let floor_cpu = floor_cpu.max(0.001);
        table.row(
            format!("processor at rest, {count} automations"),
            "% of a core",
            cpu,
            floor_cpu,
            "the same server with none",
        );
    }
}

/// Resident memory in MiB, and per cent of a core, of a server with `count` automations.
fn at_rest(count: usize) -> (f64, f64) {
    let shop = tempfile::tempdir().unwrap();
    for file in files(count) {
        let path = shop.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Due on one day of the year only, so that the server rests.
        let text = String::from_utf8(file.bytes).unwrap().replace(" * * *\"", " 29 2 *\"");
        std::fs::write(path, text).unwrap();
    }
    let server = ServerOptions::new(env!("CARGO_BIN_EXE_provost"), EngineView::of(engine())).folder(shop.path());
    let server = server.set("allowEmpty", true.into()).start();
    let status = || server.cli(["status", "-o", "json"]);
    let is_applied = || (count == 0 || status().stdout.contains(&format!("\"automations\": {count},"))).then_some(());
    eventually(Duration::from_secs(120), is_applied).unwrap_or_else(|| panic!("{}", status().stdout));
    std::thread::sleep(Duration::from_secs(3));
    let before = processor_ticks(server.id());
    std::thread::sleep(WATCHED);
    let ticks = processor_ticks(server.id()) - before;
    (resident_mib(server.id()), ticks as f64 / WATCHED.as_secs_f64()) // A tick is a hundredth of a second.
}

/// The resident memory of a process, in MiB.
pub fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// User and system time, in hundredths of a second.
fn processor_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
