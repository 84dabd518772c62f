use std::sync::LazyLock;

use jiff::Timestamp;
use provost_api::wire::{FireRequest, PauseRequest, RetryRequest, RunRequest};
use provost_controller::{Command, Compiled, Core, DriftMode, EngineFacts, Input, Pin, Rules};
use provost_manifest::{ServerFacts, SourceFile, compile};
use provost_model::{Fact, Instance, Name, RevisionId, RunId, State};
use provost_planner::{Identity, Requests};
use serde::de::DeserializeOwned;

const SHOP: &str = include_str!("shop.yaml");

static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-20T12:00:00Z".parse().unwrap());

/// A server with [`SHOP`] in force.
static STATE: LazyLock<State> = LazyLock::new(|| {
    let file = SourceFile { path: "shop.yaml".to_owned(), bytes: SHOP.as_bytes().to_vec() };
    let revision = RevisionId::parse("r1").unwrap();
    let compiled = compile(&[file], &ServerFacts::default(), revision.clone(), *NOW);
    let report = compiled.report(provost_manifest::Style::Plain);
    assert!(compiled.desired.is_some(), "{report}");
    let compiled = Box::new(Compiled { desired: compiled.desired, report, errors: 0, warnings: 0 });
    let (about, by) = (String::new(), "source".to_owned());
    let (mut core, _) = Core::new(rules(), State::default(), *NOW);
    core.handle(*NOW, [engine(), Input::Revision { revision, about, by, compiled, pin: Pin::Leave }]);
    core.state().clone()
});

fn rules() -> Rules {
    let instance = Instance::parse("fuzz").unwrap();
    let (host, user, version) = ("fuzz".to_owned(), "fuzz".to_owned(), "1".to_owned());
    Rules {
        identity: Identity { instance, host, user, pid: 1, version, traces: false },
        drift: DriftMode::Correct,
        shutdown_grace_s: 1,
        prepare_ahead: true,
        requests: Requests::Whole,
        allow_empty: true,
    }
}

fn engine() -> Input {
    let facts = EngineFacts { product: "fuzz".to_owned(), version: String::new(), address: String::new() };
    Input::EngineUp { facts, containers: Vec::new() }
}

/// Which question, then its body, as it comes over HTTP: refused, or facts that can be stored and folded; and the server
/// goes on.
pub fn api(bytes: &[u8]) {
    let Some((which, body)) = bytes.split_first() else {
        return;
    };
    let Some(command) = command(*which, body) else {
        return;
    };
    let (mut core, begun) = Core::new(rules(), STATE.clone(), *NOW);
    let Ok((facts, done)) = core.order(*NOW, command.clone(), None) else {
        return;
    };
    assert_eq!(core.order(*NOW, command, None), Ok((facts.clone(), done)), "asking changes nothing");
    for fact in &facts {
        let stored = serde_json::to_string(fact).unwrap();
        assert_eq!(&serde_json::from_str::<Fact>(&stored).unwrap(), fact, "it can be stored");
    }
    let recorded = core.handle(*NOW, [Input::Ordered { facts }, engine()]).batch;
    let mut folded = STATE.clone();
    begun.batch.facts.iter().chain(&recorded.facts).for_each(|fact| drop(folded.apply(fact).unwrap()));
    assert!(&folded == core.state(), "the state is the fold of the facts");
    core.handle(NOW.checked_add(jiff::SignedDuration::from_hours(1)).unwrap(), [Input::Tick]);
}

fn command(which: u8, body: &[u8]) -> Option<Command> {
    let automation = || Name::new(if which & 8 == 0 { "job" } else { "report" }).ok();
    let (by, id) = ("uid 0".to_owned(), |id: Option<String>| id.unwrap_or_else(|| "1".to_owned()));
    Some(match which % 4 {
        0 => {
            let RunRequest { params, testing, request } = read(body)?;
            Command::Run { automation: automation()?, params, testing, request: id(request), by }
        }
        1 => {
            let PauseRequest { until, reason } = read(body)?;
            Command::Pause { automation: automation()?, until, reason, by }
        }
        2 => {
            let FireRequest { name, data, request } = read(body)?;
            Command::Fire { name, data, request: id(request), by }
        }
        _ => {
            let RetryRequest { request } = read(body)?;
            Command::Retry { run: RunId::parse(id(request.clone())).ok()?, request: id(request), by }
        }
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
