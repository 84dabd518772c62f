//! What the way through Provost adds to what the engine itself needs: start lag and runs a second, on both engines.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use provost_testkit::{
    EngineView, ServerOptions, ServerUnderTest, TOOLBOX, direct, engine, eventually, toolbox_archive,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bare::{self, Bare};
use crate::table::{Table, percentile};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How far ahead the due time is: so that the server is at rest by then, and has made containers ahead.
const LEAD_S: i64 = 45;
/// How many runs with two hooks are asked for at once.
const BURST: usize = 40;

/// An engine, and what is measured beside it.
struct Side {
    name: &'static str,
    engine: EngineView,
    floor: Box<dyn Bare>,
    floor_is: &'static str,
    due_at_once: &'static [usize],
}

fn sides() -> [Side; 2] {
    direct().offer("toolbox.tar", toolbox_archive());
    let (floor, floor_is) = bare::crun().map_or_else(|| (bare::process(), "fork and exec"), |crun| (crun, "crun"));
    let own = EngineView::Direct(direct().clone());
    let own = Side { name: "direct", engine: own, floor, floor_is, due_at_once: &[1, 100, 1000] };
    let docker = EngineView::of(engine());
    [
        own,
        Side {
            name: "Docker",
            engine: docker,
            floor: bare::docker(),
            floor_is: "Docker's API",
            due_at_once: &[1, 100],
        },
    ]
}

pub fn measure(table: &mut Table) {
    let sides = sides();
    for side in &sides {
        for &count in side.due_at_once {
            let (mut lags, mut floor) = (lags(&side.engine, count), side.floor.lags(count));
            for (percent, share) in [("p50", 0.5), ("p99", 0.99)] {
                let (lag, bare) = (percentile(&mut lags, share), percentile(&mut floor, share));
                let what = format!("{}: start lag {percent}, {count} due at once", side.name);
                table.row(what, "ms", lag, bare, side.floor_is);
            }
        }
        let what = format!("{}: a run with two hooks, one after the other", side.name);
        table.row(what, "ms", single(&side.engine), 3.0 * side.floor.life(5), side.floor_is);
    }
    let [own, docker] = sides.map(|side| burst(&side.engine));
    table.row("direct: runs a second, two hooks each", "/s", own, docker, "Provost on Docker");
}

fn shop(count: usize, spec: &Value) -> TempDir {
    let shop = tempfile::tempdir().unwrap();
    for index in 0..count {
        let manifest = json!({"apiVersion": "provost/v1", "kind": "Automation",
            "metadata": {"name": format!("job-{index}")}, "spec": spec});
        std::fs::write(shop.path().join(format!("job-{index}.yaml")), manifest.to_string()).unwrap();
    }
    shop
}

/// A shop whose policy has a hook before each run and one after it.
fn hooked(count: usize, spec: &Value) -> TempDir {
    let shop = shop(count, spec);
    let hook =
        |event: &str| json!({"name": event.replace('.', "-"), "event": event, "image": TOOLBOX, "args": ["hook"]});
    let policy = json!({"apiVersion": "provost/v1", "kind": "Policy", "metadata": {"name": "shop"},
        "spec": {"hooks": [hook("run.starting"), hook("run.finished")]}});
    std::fs::write(shop.path().join("policy.yaml"), policy.to_string()).unwrap();
    shop
}

fn serve(engine: &EngineView, shop: &TempDir) -> ServerUnderTest {
    ServerOptions::new(env!("CARGO_BIN_EXE_provost"), engine.clone()).folder(shop.path()).start()
}

/// All runs that are recorded.
fn runs(server: &ServerUnderTest) -> Vec<Value> {
    let text = server.cli(["get", "runs", "--limit", "1000", "-o", "json"]).stdout;
    let listing: Value = serde_json::from_str(&text).unwrap_or_default();
    listing["items"].as_array().cloned().unwrap_or_default()
}

/// From the one to the other of a run's times, in milliseconds.
fn between(run: &Value, from: &str, to: &str) -> Option<f64> {
    let instant = |key: &str| run[key].as_str()?.parse::<Timestamp>().ok();
    Some(instant(to)?.duration_since(instant(from)?).as_secs_f64() * 1000.0)
}

/// From the due time to the main container's start, in milliseconds, of `count` automations that are due at once.
fn lags(engine: &EngineView, count: usize) -> Vec<f64> {
    let due = (Timestamp::now() + LEAD_S.seconds()).to_zoned(TimeZone::UTC) + 1.minute();
    let once = due.strftime("%-M %-H %-d %-m *").to_string();
    let shop = shop(count, &json!({"schedule": once, "image": TOOLBOX, "args": ["echo", "hello"]}));
    let server = serve(engine, &shop);
    let all = || {
        let lags: Vec<f64> = runs(&server).iter().filter_map(|run| between(run, "due", "mainAt")).collect();
        (lags.len() >= count).then_some(lags)
    };
    eventually(PATIENCE, all).unwrap_or_else(|| panic!("{}", server.log()))
}

/// How many runs with two hooks end in a second, when many are asked for at once.
fn burst(engine: &EngineView) -> f64 {
    let spec = json!({"triggers": [{"event": "shop.opened"}], "image": TOOLBOX, "args": ["echo", "hello"]});
    let server = serve(engine, &hooked(BURST, &spec));
    let has_all = || server.cli(["get", "automations", "-o", "name"]).stdout.lines().count() == BURST;
    eventually(PATIENCE, || has_all().then_some(())).unwrap_or_else(|| panic!("{}", server.log()));
    assert_eq!(server.cli(["fire", "shop.opened"]).code, 0);
    let all = || {
        let ended: Vec<f64> = runs(&server).iter().filter_map(|run| between(run, "acceptedAt", "endedAt")).collect();
        (ended.len() == BURST).then_some(ended)
    };
    let took = eventually(PATIENCE, all).unwrap_or_else(|| panic!("{}", server.log()));
    // All were accepted at the same moment.
    BURST as f64 * 1000.0 / took.iter().copied().fold(0.0, f64::max)
}

/// One run with a hook before it and one after it, from its acceptance to its end, in milliseconds.
fn single(engine: &EngineView) -> f64 {
    let server = serve(engine, &hooked(1, &json!({"image": TOOLBOX, "args": ["echo", "hello"]})));
    let run = || server.cli(["run", "job-0", "--wait"]).code == 0;
    eventually(PATIENCE, || run().then_some(())).unwrap_or_else(|| panic!("{}", server.log()));
    assert!((0..9).all(|_| run()), "{}", server.log());
    let mut took: Vec<f64> = runs(&server).iter().filter_map(|run| between(run, "acceptedAt", "endedAt")).collect();
    percentile(&mut took, 0.5)
}
