//! What a container's life costs, beside what the machine itself, `crun` and `runc` need for the same program.
//!
//! Neither of the two has a filter of system calls, output that is kept, or an end that is written down.
//!
//! `cargo bench -p provost-direct`, as root. In turn; the median and the slowest tenth, in milliseconds.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic and prints")]

mod floor;
mod home;
#[path = "../../provost-engine/tests/job/mod.rs"]
#[expect(dead_code, reason = "of the jobs, not everything is needed")]
mod job;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use floor::Floor;
use futures_util::StreamExt as _;
use home::Home;
use job::Job;
use provost_controller::Engine as _;
use provost_direct::DirectEngine;
use provost_model::{Instance, Life};
use provost_testkit::{TOOLBOX, toolbox_program};

const ROUNDS: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let home = Home::open();

    show(
        "fork and exec alone",
        (0..ROUNDS).map(|_| timed(|| run(Command::new(toolbox_program()).arg("echo")))).collect(),
    );
    let bundle = Floor::new(&home).await.bundle("0");
    let Home { engine, instance, folder: _folder, .. } = home;
    let life = |runtime: &str, number: usize| {
        let mut command = Command::new(runtime);
        if runtime == "crun" {
            command.arg("--cgroup-manager=cgroupfs");
        }
        let name = format!("provost-bench-{}-{number}", std::process::id());
        finishes(command.args(["run", "--bundle"]).arg(&bundle).arg(name))
    };
    let mut floors = Vec::new();
    for runtime in ["crun", "runc"] {
        match life(runtime, ROUNDS) {
            true => floors.push((runtime, Vec::new(), Duration::ZERO)),
            false => println!("{runtime} is not here, or does not run here"),
        }
    }
    let (mut parts, mut work): ([Vec<Duration>; 5], _) = (Default::default(), Duration::ZERO);
    // In turn, since other work on the machine comes and goes.
    for round in 0..ROUNDS {
        for (runtime, times, work) in &mut floors {
            let before = worked();
            times.push(timed(|| assert!(life(runtime, round), "{runtime}")));
            *work += worked().saturating_sub(before);
        }
        let before = worked();
        for (times, took) in parts.iter_mut().zip(live(&engine, &instance).await) {
            times.push(took);
        }
        work += worked().saturating_sub(before);
    }
    for (runtime, times, work) in floors {
        show(&format!("{runtime} run, for a whole life"), times);
        show_work(work);
    }
    let names =
        ["for a whole life", "  to create", "  to start what was created", "  until its end is seen", "  to remove"];
    for (name, times) in names.iter().zip(parts) {
        show(&format!("direct, {name}"), times);
    }
    show_work(work);
    memory(&engine, &instance).await;
}

/// What this process and those that it has waited for have used of the processors. The kernel counts in hundredths of a
/// second, which is enough for many lives.
fn worked() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(4);
    Duration::from_millis(fields.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}

fn show_work(work: Duration) {
    println!("{:<36}{:>8.2} ms", "  of that, work of processors", work.as_secs_f64() * 1000.0 / ROUNDS as f64);
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn run(command: &mut Command) {
    assert!(finishes(command), "{command:?}");
}

fn finishes(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// From the creation until nothing is left, and the parts of that.
async fn live(engine: &DirectEngine, instance: &Instance) -> [Duration; 5] {
    let job = Job::of(instance, TOOLBOX, &["echo"]);
    let mut wakes = engine.watch(instance).await.unwrap();
    let began = Instant::now();
    engine.create(&job.request, &job.folder).await.unwrap();
    let created = began.elapsed();
    engine.start(job.name()).await.unwrap();
    let started = began.elapsed();
    while !engine.inspect(job.name()).await.unwrap().is_some_and(|seen| seen.life.is_over()) {
        wakes.next().await.unwrap();
    }
    let ended = began.elapsed();
    engine.remove(job.name()).await.unwrap();
    let removed = began.elapsed();
    [removed, created, started - created, ended - started, removed - ended]
}

/// What a shim and a container's first process hold that is theirs alone.
async fn memory(engine: &DirectEngine, instance: &Instance) {
    let job = Job::of(instance, TOOLBOX, &["sleep", "60"]);
    engine.create(&job.request, &job.folder).await.unwrap();
    engine.start(job.name()).await.unwrap();
    assert!(matches!(engine.inspect(job.name()).await.unwrap().unwrap().life, Life::Running { .. }));
    for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if !String::from_utf8_lossy(&command).contains(job.name().as_str()) {
            continue;
        }
        let rollup = fs::read_to_string(entry.path().join("smaps_rollup")).unwrap_or_default();
        let of = |field: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(field));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
        };
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let (private, shared) = (of("Private_Dirty:") + of("Private_Clean:"), of("Pss:"));
        println!("{:<36}{private:>8} KiB alone, {shared} KiB with its share", format!("memory of {}", name.trim()));
    }
    engine.remove(job.name()).await.unwrap();
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("{what:<36}{:>8.2} ms, slowest tenth from {:.2} ms", at(50), at(90));
}
