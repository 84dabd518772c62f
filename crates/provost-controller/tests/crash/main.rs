//! The crash-point sweep: a story that passes through every durable write, every call of the engine and every delivery,
//! told once without a crash, and then once for each of these points and each side of it. The process dies just before
//! the call takes effect; or just after, with its reply lost; or before it takes effect all the same, as when an engine
//! takes its time. The next process has the durable store and the same engine.
//!
//! `cargo test -p provost-controller --test crash -- --nocapture` prints what was swept; `PROVOST_CRASH_AT` limits the
//! sweep to points that contain this text.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod check;
mod fakes;
mod points;
mod ports;
mod shop;
mod story;

use std::collections::BTreeSet;
use std::sync::Mutex;

use points::{Side, Trap};
use story::{Story, Takes};

/// Where the ports are written down: a method that is added there has to be reached, or excused, here.
const PORTS: [(&str, &str); 4] = [
    ("store", include_str!("../../src/ports/store.rs")),
    ("engine", include_str!("../../src/ports/engine.rs")),
    ("logs", include_str!("../../src/ports/logs.rs")),
    ("messenger", include_str!("../../src/ports/messenger.rs")),
];

/// Methods that are no effects of a reconciler, and why.
const EXCUSED: [(&str, &str); 10] = [
    ("store.revision", "it reads, for `provost rollback`"),
    ("store.runs", "it reads, for people"),
    ("store.run", "it reads, for people"),
    ("store.outcomes", "it reads, for people"),
    ("store.facts", "it reads, for people"),
    ("store.automations", "it reads, for retention"),
    ("logs.read", "it reads, for people"),
    ("engine.check_health", "it asks a service how it is, which changes nothing"),
    ("engine.call_service", "it is a caller's question to a service, of which nothing is recorded"),
    ("engine.load", "images are loaded behind `ensure_image`, and loading one twice is loading it once"),
];

/// Every method of the ports, as `port.method`. Only asynchronous ones: a call that does not wait cannot be cut in two.
fn methods() -> BTreeSet<String> {
    let in_port = |(port, source): (&'static str, &'static str)| {
        let names = source.lines().filter_map(|line| line.strip_prefix("    async fn ")?.split('(').next());
        names.map(move |name| format!("{port}.{name}"))
    };
    PORTS.into_iter().flat_map(in_port).collect()
}

fn method_of(point: &str) -> String {
    point.split(':').next().unwrap_or(point).to_owned()
}

#[test]
fn r2_a_crash_before_or_after_any_effect_changes_nothing() {
    let points = points();

    let reached: BTreeSet<String> = points.iter().map(|point| method_of(point)).collect();
    let excused: BTreeSet<String> = EXCUSED.iter().map(|(method, _)| (*method).to_owned()).collect();
    let known: BTreeSet<String> = reached.union(&excused).cloned().collect();
    assert_eq!(known, methods(), "each method of a port is reached by the story or excused, and no other is named");
    assert!(reached.is_disjoint(&excused), "reached and excused: {:?}", reached.intersection(&excused));

    sweep("a crash", &points, Takes::Process, Story::check);
}

#[test]
fn d2_a_crash_that_takes_all_containers_along_starts_nothing_twice() {
    let is_of_start = |point: &String| point.contains("start");
    let points = points().into_iter().filter(is_of_start).collect();
    sweep("a crash and the loss of all containers", &points, Takes::Containers, Story::check_loss);
}

/// What a story without a crash passes through.
fn points() -> BTreeSet<String> {
    let told = Story::tell(None, Takes::Process);
    told.check().unwrap_or_else(|wrong| panic!("without any crash: {wrong}"));
    told.points()
}

type Check = fn(&Story) -> Result<(), String>;

/// Sweeps `points`, and prints how many there were.
fn sweep(what: &str, points: &BTreeSet<String>, takes: Takes, check: Check) {
    let wanted = std::env::var("PROVOST_CRASH_AT").unwrap_or_default();
    let points: BTreeSet<String> = points.iter().filter(|point| point.contains(&wanted)).cloned().collect();
    let Sweep { swept, crashes, wrong } = Sweep::of(&points, takes, check);
    tell_figures(what, &points, crashes);
    assert!(wrong.is_empty(), "{} of {crashes} went wrong:\n{}", wrong.len(), wrong.join("\n"));
    let missed: Vec<Trap> = traps(&points).filter(|trap| !swept.contains(&(trap.point.clone(), trap.side))).collect();
    assert!(missed.is_empty(), "not swept: {missed:?}");
}

const SIDES: [Side; 4] = [Side::Before, Side::After, Side::Late, Side::Later];

/// Every way to die at each of `points`. What an engine takes long for may come true after all.
fn traps(points: &BTreeSet<String>) -> impl Iterator<Item = Trap> {
    points.iter().flat_map(|point| {
        let may_be_late = ["engine.create", "engine.start"].contains(&method_of(point).as_str());
        let sides: &[Side] = if may_be_late { &SIDES } else { &SIDES[..2] };
        sides.iter().map(|side| Trap { point: point.clone(), side: *side })
    })
}

/// What came of all crashes.
#[derive(Default)]
struct Sweep {
    /// Where a process died, and all was well in the end.
    swept: BTreeSet<(String, Side)>,
    crashes: usize,
    wrong: Vec<String>,
}

impl Sweep {
    /// Tells the story once for each side of each of `points`, on all processors. A batch of facts is at several points:
    /// one crash sweeps all of them.
    fn of(points: &BTreeSet<String>, takes: Takes, check: Check) -> Self {
        let (traps, sweep) = (Mutex::new(traps(points)), Mutex::new(Self::default()));
        let next = || traps.lock().unwrap().find(|trap| !sweep.lock().unwrap().has(trap));
        let work = || {
            while let Some(trap) = next() {
                let told = Story::tell(Some(trap.clone()), takes);
                sweep.lock().unwrap().note(&trap, &told, check(&told));
            }
        };
        std::thread::scope(|scope| {
            let workers = std::thread::available_parallelism().map_or(1, usize::from);
            (0..workers).for_each(|_| drop(scope.spawn(work)));
        });
        sweep.into_inner().unwrap()
    }

    fn has(&self, trap: &Trap) -> bool {
        self.swept.contains(&(trap.point.clone(), trap.side))
    }

    fn note(&mut self, trap: &Trap, told: &Story, verdict: Result<(), String>) {
        self.crashes += 1;
        self.swept.extend(told.watch.died_at().into_iter().map(|point| (point, trap.side)));
        self.wrong.extend(verdict.err().map(|why| format!("{:?} {}: {why}", trap.side, trap.point)));
    }
}

#[expect(clippy::print_stdout, reason = "the figure is what somebody runs this for")]
fn tell_figures(what: &str, points: &BTreeSet<String>, crashes: usize) {
    points.iter().for_each(|point| println!("{point}"));
    println!("points swept with {what}: {} ({crashes} crashes)", points.len());
}
