//! One change to a server where all is well, and what is said of it.

use jiff::{SignedDuration, Timestamp};
use provost_api::wire::Status;
use provost_engine::{Machine, Tried};
use provost_model::PullPolicy;
use serde_json::json;

use super::examine;
use crate::doctor::evidence::{
    Answered, CertificateFound, ChannelTried, Clock, ConfigFile, EngineFound, Evidence, ImageAsked, Newest,
    ServerAsked, SourceAsked, Space, StateFolder, There, Trouble,
};
use crate::doctor::finding::{Finding, Level};

const NOW: &str = "2026-11-20T12:00:00Z";
const GIB: u64 = 1 << 30;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn space(free_bytes: u64) -> Option<Space> {
    Some(Space { free_bytes, total_bytes: 100 * GIB, free_files: 1_000_000, total_files: 6_000_000 })
}

fn status() -> Status {
    let status = json!({
        "instance": "ber-1", "host": "ber-1", "version": env!("CARGO_PKG_VERSION"), "zoneDatabase": "2026e", "now": NOW,
        "boots": 1, "stopping": false, "startup": "passed", "engine": {"containers": 0}, "source": {"name": "git x"},
        "waitingFor": [], "recipient": "age1x",
        "counts": {
            "automations": 1, "ok": 1, "failing": 0, "running": 0, "queued": 0, "paused": 0, "suspended": 0, "new": 0,
            "runs": 0, "events": 0, "notices": 0,
        },
    });
    serde_json::from_value(status).unwrap()
}

/// A server where all is well.
fn well() -> Evidence {
    let machine = Machine {
        now: Some(now()),
        data: Some("/var/lib/docker".into()),
        cgroups: Some("2".to_owned()),
        warnings: Vec::new(),
        socket: Some("/var/run/docker.sock".into()),
    };
    let newest = Newest {
        id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        signer: Some("ops".to_owned()),
        errors: 0,
        report: String::new(),
        automations: 2,
    };
    let image = ImageAsked {
        image: "job:1".to_owned(),
        needed_by: vec!["automation nightly".to_owned()],
        pull: PullPolicy::IfNotPresent,
        is_there: true,
        is_in_folder: false,
    };
    Evidence {
        now: now(),
        config: ConfigFile { path: "/etc/provost/server.yaml".into(), mode: Some(0o100_644), trouble: None },
        private: vec![("/var/lib/provost".into(), 0o040_700)],
        state: Some(StateFolder {
            path: "/var/lib/provost".into(),
            there: There::Folder { is_writable: true },
            space: space(50 * GIB),
            holder: Some(4711),
        }),
        engine: Ok(EngineFound {
            product: "Docker Engine".to_owned(),
            version: "20.10.24".to_owned(),
            address: "unix:///var/run/docker.sock (Docker's socket)".to_owned(),
            took: SignedDuration::from_millis(3),
            machine: Ok(machine),
            space: space(50 * GIB),
            socket_mode: Some(0o140_660),
            lacks: Vec::new(),
        }),
        clock: Clock { is_synchronised: Some(true), source_ahead_s: Some(0), zones: "2026e".to_owned() },
        source: Some(SourceAsked {
            name: "git https://git.example.org/shop.git branch main".to_owned(),
            took: SignedDuration::from_millis(400),
            newest: Ok(newest),
        }),
        channels: vec![ChannelTried { name: "ops".to_owned(), trouble: None }],
        images: vec![image],
        certificate: Some(CertificateFound {
            path: "/etc/provost/tls/cert.pem".into(),
            until: Ok(now() + SignedDuration::from_hours(24 * 90)),
        }),
        server: ServerAsked {
            socket: "/run/provost/provost.sock".into(),
            mode: Some(0o140_600),
            answer: Ok(Box::new(Answered { status: status(), waiting: Vec::new(), failing: Vec::new() })),
        },
    }
}

fn engine(evidence: &mut Evidence) -> &mut EngineFound {
    evidence.engine.as_mut().unwrap()
}

fn machine(evidence: &mut Evidence) -> &mut Machine {
    engine(evidence).machine.as_mut().unwrap()
}

fn answered(evidence: &mut Evidence) -> &mut Answered {
    evidence.server.answer.as_mut().unwrap()
}

fn silent(evidence: &mut Evidence) {
    let trouble = Trouble { what: "no server answers".to_owned(), mend: "start it: provost serve".to_owned() };
    (evidence.server.answer, evidence.server.mode) = (Err(trouble), None);
}

/// After `change` there is exactly one finding that is not well, of this sort, and it says how it is mended.
#[track_caller]
fn check(change: impl FnOnce(&mut Evidence), level: Level, about: &str, words: &[&str]) {
    let mut evidence = well();
    change(&mut evidence);
    let findings = examine(&evidence);
    let bad: Vec<&Finding> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!((bad[0].level, bad[0].about), (level, about), "{bad:#?}");
    let mend = bad[0].mend.as_deref().expect("a mend");
    let said = format!("{} → {mend}", bad[0].what);
    words.iter().for_each(|word| assert!(said.contains(word), "{word:?} is not in {said}"));
}

#[test]
fn where_all_is_well_nothing_else_is_said() {
    let findings = examine(&well());
    assert!(findings.iter().all(|finding| finding.level == Level::Ok && finding.mend.is_none()), "{findings:#?}");
    let about: Vec<_> = findings.iter().map(|finding| finding.about).collect();
    let expected = [
        "configuration",
        "permissions",
        "state",
        "disk",
        "disk",
        "clock",
        "engine",
        "source",
        "images",
        "channels",
        "certificate",
        "server",
    ];
    assert_eq!(about, expected);
    let source = findings.iter().find(|finding| finding.about == "source").unwrap();
    assert!(source.what.contains("is at 0123456789ab, signed by ops, with 2 automations"), "{}", source.what);
}

#[test]
fn the_configuration() {
    use Level::{Problem, Warning};
    let trouble =
        || Some(Trouble { what: "unknown field `stat`".to_owned(), mend: "did you mean `state`?".to_owned() });
    check(|it| it.config.trouble = trouble(), Problem, "configuration", &["unknown field `stat`", "did you mean"]);
    let missing = |it: &mut Evidence| (it.config.trouble, it.config.mode) = (trouble(), None);
    check(missing, Warning, "configuration", &["there is no /etc/provost/server.yaml", "--config FILE"]);
}

#[test]
fn the_certificate() {
    use Level::{Problem, Warning};
    let until = |hours: i64| {
        move |it: &mut Evidence| {
            it.certificate.as_mut().unwrap().until = Ok(now() + SignedDuration::from_hours(hours));
        }
    };
    check(until(-1), Problem, "certificate", &["/etc/provost/tls/cert.pem has expired", "renew it"]);
    check(until(240), Warning, "certificate", &["expires in 240 h", "renew it"]);
    let unreadable = |it: &mut Evidence| {
        it.certificate.as_mut().unwrap().until = Err("/etc/provost/tls/key.pem: Permission denied".to_owned());
    };
    check(unreadable, Problem, "certificate", &["key.pem: Permission denied", "may read"]);
}

#[test]
fn permissions() {
    use Level::{Problem, Warning};
    check(|it| it.config.mode = Some(0o100_664), Problem, "permissions", &["may write /etc/provost", "chmod go-w"]);
    check(
        |it| it.private[0].1 = 0o040_755,
        Warning,
        "permissions",
        &["look into /var/lib/provost (mode 755)", "chmod go="],
    );
    check(|it| engine(it).socket_mode = Some(0o140_666), Problem, "permissions", &["be root through it", "chmod o="]);
    check(|it| it.server.mode = Some(0o140_666), Problem, "permissions", &["order the server", "chmod o="]);
}

#[test]
fn the_state_folder() {
    use Level::{Problem, Warning};
    let state = |change: fn(&mut StateFolder)| {
        move |it: &mut Evidence| {
            change(it.state.as_mut().unwrap());
        }
    };
    check(state(|it| it.there = There::Other), Problem, "state", &["is no folder"]);
    check(state(|it| it.there = There::Nothing { can_be_made: false }), Problem, "state", &["may not be made"]);
    let not_ours = |it: &mut StateFolder| (it.there, it.holder) = (There::Folder { is_writable: false }, None);
    check(state(not_ours), Warning, "state", &["may not be written", "as the user"]);
}

#[test]
fn a_server_that_does_not_answer() {
    let mut evidence = well();
    silent(&mut evidence);
    let bad: Vec<Finding> = examine(&evidence).into_iter().filter(|it| it.level != Level::Ok).collect();
    assert_eq!(
        bad.iter().map(|it| (it.level, it.about)).collect::<Vec<_>>(),
        [(Level::Problem, "state"), (Level::Warning, "server")]
    );
    assert!(bad[0].what.contains("process 4711 has /var/lib/provost, and nobody answers at /run/provost"), "{bad:?}");
    let nobody = |it: &mut Evidence| {
        silent(it);
        it.state.as_mut().unwrap().holder = None;
    };
    check(nobody, Level::Warning, "server", &["no server answers", "provost serve"]);
}

#[test]
fn disks() {
    use Level::{Problem, Warning};
    let state = |space: Option<Space>| move |it: &mut Evidence| it.state.as_mut().unwrap().space = space;
    check(state(space(100 << 20)), Problem, "disk", &["100 MiB of 100.0 GiB free at /var/lib/provost", "free some"]);
    check(state(space(2 * GIB)), Warning, "disk", &["2.0 GiB"]);
    check(|it| engine(it).space = space(1 << 20), Problem, "disk", &["/var/lib/docker"]);
    let few = |free_files| Some(Space { free_files, ..space(50 * GIB).unwrap() });
    check(state(few(30_000)), Warning, "disk", &["room for 30000 more files"]);
    check(state(few(10)), Problem, "disk", &["room for 10 more files"]);
    // File systems without a fixed number of files say zero.
    let mut evidence = well();
    state(Some(Space { free_files: 0, total_files: 0, ..space(50 * GIB).unwrap() }))(&mut evidence);
    assert!(examine(&evidence).iter().all(|finding| finding.level == Level::Ok));
}

#[test]
fn clocks() {
    use Level::{Problem, Warning};
    check(|it| it.clock.is_synchronised = Some(false), Warning, "clock", &["nothing keeps", "timedatectl"]);
    check(|it| it.clock.source_ahead_s = Some(-30), Warning, "clock", &["the source's clock is 30 s behind"]);
    check(|it| it.clock.source_ahead_s = Some(3600), Problem, "clock", &["the source's clock is 3600 s ahead"]);
    check(
        |it| machine(it).now = "2026-11-20T11:00:00Z".parse().ok(),
        Problem,
        "clock",
        &["engine's clock is 3600 s behind"],
    );
    check(|it| it.clock.zones = "2024b".to_owned(), Warning, "clock", &["2024b", "newer Provost"]);
    let mut evidence = well();
    (evidence.clock.is_synchronised, evidence.clock.source_ahead_s) = (None, None);
    machine(&mut evidence).now = None;
    assert!(examine(&evidence).iter().any(|it| it.what.starts_with("the clock was compared with nothing")));
}

#[test]
fn the_engine() {
    use Level::{Problem, Warning};
    let tried = Tried {
        address: "unix:///var/run/docker.sock".to_owned(),
        why: "DOCKER_HOST".to_owned(),
        problem: "cannot be reached: No such file or directory".to_owned(),
        mend: "apt-get install docker.io, or correct the address".to_owned(),
    };
    check(|it| it.engine = Err(vec![tried]), Problem, "engine", &["(DOCKER_HOST)", "No such file", "apt-get install"]);
    check(|it| engine(it).took = SignedDuration::from_secs(3), Warning, "engine", &["answers in 3s", "busy"]);
    check(|it| engine(it).machine = Err("it says nonsense".to_owned()), Problem, "engine", &["nonsense", "restart"]);
    let networks = ("containers cannot be on a network".to_owned(), "apt-get install iptables".to_owned());
    check(|it| engine(it).lacks = vec![networks], Warning, "engine", &["cannot be on a network", "install iptables"]);
    let lacks = |it: &mut Evidence| machine(it).warnings = vec!["WARNING: No swap limit support".to_owned()];
    check(lacks, Warning, "engine", &["cannot keep every limit: No swap limit support"]);
    let mut evidence = well();
    machine(&mut evidence).warnings = vec!["WARNING: bridge-nf-call-iptables is disabled".to_owned()];
    assert!(examine(&evidence).iter().all(|finding| finding.level == Level::Ok), "that is no matter of ours");
}

#[test]
fn images() {
    use Level::{Problem, Warning};
    let missing = |pull| move |it: &mut Evidence| (it.images[0].is_there, it.images[0].pull) = (false, pull);
    let words = ["does not have job:1, which automation nightly needs"];
    check(missing(PullPolicy::IfNotPresent), Warning, "images", &[words[0], "docker pull job:1"]);
    check(missing(PullPolicy::Never), Problem, "images", &[words[0], "load it"]);
    let mut evidence = well();
    missing(PullPolicy::Never)(&mut evidence);
    evidence.images[0].is_in_folder = true;
    assert!(examine(&evidence).iter().all(|finding| finding.level == Level::Ok), "it is loaded from there");
}

#[test]
fn the_source() {
    use Level::Problem;
    let source = |newest: Result<Newest, Trouble>| move |it: &mut Evidence| it.source.as_mut().unwrap().newest = newest;
    let trouble =
        Trouble { what: "revision 0123 is not accepted: it is not signed".to_owned(), mend: "sign it".to_owned() };
    check(source(Err(trouble)), Problem, "source", &["branch main: revision 0123 is not accepted", "sign it"]);
    let report: String = (1..=20).map(|line| format!("error {line}\n\n")).collect();
    let newest = well().source.unwrap().newest.unwrap();
    let bad = Newest { errors: 20, report, ..newest };
    check(
        source(Ok(bad)),
        Problem,
        "source",
        &["0123456789ab of git https", "has 20 errors\nerror 1\n", "error 12\n…", "validate"],
    );
}

#[test]
fn channels() {
    let trouble = || Some(Trouble { what: "webhook to x: nobody".to_owned(), mend: "correct it".to_owned() });
    check(|it| it.channels[0].trouble = trouble(), Level::Problem, "channels", &["ops: webhook to x: nobody"]);
}

#[test]
fn why_it_is_not_converging() {
    use Level::{Problem, Warning};
    check(|it| answered(it).status.version = "0.0.1".to_owned(), Warning, "server", &["provost 0.0.1", "restart"]);
    check(|it| answered(it).status.stopping = true, Warning, "server", &["about to end"]);
    let waits = |why: &str| {
        let why = why.to_owned();
        move |it: &mut Evidence| answered(it).status.waiting_for = vec![why]
    };
    check(waits("Run a.b waits for its image; again at 12."), Warning, "server", &["Run a.b waits", "by itself"]);
    let pinned = |it: &mut Evidence| {
        answered(it).status.pinned = Some("r7".to_owned());
        waits("The server stays at revision r7 until `provost apply`.")(it);
    };
    check(pinned, Warning, "server", &["stays at revision r7", "provost apply"]);
    let rejected = |it: &mut Evidence| {
        let rejected = json!({"revision": "r8", "at": NOW, "errors": 1, "report": "error"});
        answered(it).status.rejected = serde_json::from_value(rejected).unwrap();
        waits("Revision r8 is refused (1 error); the one before stays in force until a good one comes.")(it);
    };
    check(rejected, Problem, "server", &["Revision r8 is refused", "provost status"]);
    let refused = |it: &mut Evidence| {
        answered(it).status.startup = provost_api::wire::StartupState::Refused;
        waits("Nothing starts: the startup hooks refused (no); they run again with the next revision or start.")(it);
    };
    check(refused, Problem, "server", &["startup hooks refused", "mend it"]);
    let deaf = |it: &mut Evidence| {
        answered(it).status.engine.trouble = Some("gone".to_owned());
        waits("The engine does not answer (gone); it is tried again within 30 s.")(it);
    };
    check(deaf, Problem, "server", &["does not answer (gone)"]);
}

#[test]
fn runs_that_wait_and_fail() {
    use Level::Warning;
    let waiting = |it: &mut Evidence| answered(it).waiting = vec![("a.1".to_owned(), "lock till".to_owned())];
    check(waiting, Warning, "runs", &["a.1 waits: lock till", "provost describe a.1"]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    check(|it| answered(it).failing = names(&["a"]), Warning, "runs", &["1 automation did not", "provost logs a"]);
    let five = names(&["a", "b", "c", "d", "e"]);
    check(|it| answered(it).failing = five, Warning, "runs", &["5 automations did not", "a, b, c and 2 more"]);
    let mut evidence = well();
    answered(&mut evidence).waiting = (0..9).map(|run| (format!("a.{run}"), String::new())).collect();
    let told: Vec<Finding> = examine(&evidence).into_iter().filter(|it| it.about == "runs").collect();
    assert_eq!(told.len(), 6, "a page has an end");
    assert_eq!(told[5].what, "4 more runs wait");
}
