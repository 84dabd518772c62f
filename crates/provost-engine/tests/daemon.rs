//! What engines answer now and then, played by a socket: Podman's words, broken streams, pulls.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod fake;
mod job;

use std::sync::Mutex;
use std::time::Duration;

use fake::{Answer, Fake};
use futures_util::StreamExt as _;
use job::{Job, kind, text};
use provost_controller::{Engine, EngineError, EngineErrorKind};
use provost_engine::{DockerEngine, Host, Machine, Search, discover};
use provost_model::{ContainerRequest, Instance, Life, PullPolicy};
use serde_json::{Value, json};

const VERSION: &str =
    r#"{"Version": "20.10.24", "ApiVersion": "1.41", "Components": [{"Name": "Engine", "Version": "20.10.24"}]}"#;
const PODMAN: &str =
    r#"{"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}"#;

fn instance() -> Instance {
    Instance::parse("here").unwrap()
}

/// An engine that answers as `answer` says, and what connects to it.
async fn engine(
    version: &'static str,
    answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
) -> (Fake, DockerEngine) {
    let fake = Fake::start(move |call, body| match call {
        "GET /version" => Answer::json(version),
        "GET /info" => Answer::json(r#"{"InitBinary": ""}"#),
        "GET /_ping" => Answer::json("OK"),
        call => answer(call, body),
    });
    let engine = DockerEngine::connect(Host::Unix(fake.path()), "the test", instance()).await.unwrap();
    (fake, engine)
}

fn inspected(request: &ContainerRequest, state: Value) -> Answer {
    let (name, labels) = (format!("/{}", request.name), request.labels());
    let seen = json!({"Id": "0123", "Name": name, "State": state, "Config": {"Labels": labels}});
    Answer::json(&seen.to_string())
}

fn job() -> Job {
    Job::of(&instance(), "toolbox:1", &["echo"])
}

#[tokio::test]
async fn podmans_words_are_understood() {
    let job = job();
    let name = job.name().clone();
    let answers = job.request.clone();
    let (_fake, engine) = engine(PODMAN, move |call, _| {
        let labels = answers.labels();
        let seen = |name: &str, status: &str| json!({"Id": name, "Name": name, "State": {"Status": status}, "Config": {"Labels": labels}});
        match call {
            call if call.starts_with("GET /containers/json") => Answer::json(r#"[{"Id": "a", "State": "stopped"}, {"Id": "b"}, {"Id": "c"}]"#),
            "GET /containers/a/json" => Answer::json(&seen("a", "stopped").to_string()),
            "GET /containers/b/json" => Answer::json(&seen("b", "initialized").to_string()),
            call if call.starts_with("GET /events") => {
                let event = |action: &str| format!("{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"Attributes\":{{\"name\":\"{}\"}}}}}}\n", answers.name);
                Answer::stream(&[&event("init"), &event("start"), &event("died"), &event("remove")].map(String::as_str).concat())
            }
            _ => Answer::error(404, "no such container"),
        }
    })
    .await;
    assert_eq!(engine.probe().await.unwrap().product, "Podman");
    let listed = engine.list(&instance()).await.unwrap();
    let mut lives: Vec<_> = listed.iter().map(|seen| (seen.name.to_string(), seen.life.is_over())).collect();
    lives.sort();
    assert_eq!(lives, [("a".to_owned(), true), ("b".to_owned(), false)], "one is gone before it is looked at");
    let wakes: Vec<_> = engine.watch(&instance()).await.unwrap().collect().await;
    assert_eq!(wakes, [name.clone(), name.clone(), name], "the stream ends with the connection");
}

#[tokio::test]
async fn an_engine_without_an_init_program_does_without() {
    let (fake, engine) = engine(PODMAN, |call, body| match call {
        call if call.starts_with("POST /containers/create") && body.contains("\"Init\":true") => {
            Answer::error(500, "container-init binary not found on the host: stat /usr/libexec/podman/catatonit")
        }
        call if call.starts_with("POST /containers/create") => Answer::json(r#"{"Id": "0", "Warnings": []}"#),
        _ => Answer::error(404, "no"),
    })
    .await;
    let job = job();
    engine.create(&job.request, &job.folder).await.unwrap();
    engine.create(&job.request, &job.folder).await.unwrap();
    let creates = fake.calls().iter().filter(|call| call.starts_with("POST /containers/create")).count();
    assert_eq!(creates, 3, "it is remembered");
}

#[tokio::test]
async fn calls_that_change_something_name_ids() {
    let job = job();
    let answers = job.request.clone();
    let (fake, engine) = engine(VERSION, move |call, _| match call {
        call if call.ends_with("/json") => inspected(&answers, json!({"Status": "running"})),
        "POST /containers/0123/stop?t=7" => Answer::error(404, "No such container"),
        "DELETE /containers/0123?v=true&force=true&link=false" => {
            Answer::error(409, "removal of container x is already in progress")
        }
        call => Answer::error(500, call),
    })
    .await;
    engine.stop(job.name(), 7).await.unwrap();
    engine.remove(job.name()).await.unwrap();
    let changes: Vec<_> = fake.calls().into_iter().filter(|call| !call.starts_with("GET")).collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[tokio::test]
async fn a_name_that_is_being_removed_is_free_later() {
    let (_fake, engine) = engine(VERSION, |call, _| match call {
        call if call.starts_with("POST /containers/create") => Answer::error(409, "the name is in use"),
        _ => Answer::error(404, "no"),
    })
    .await;
    let job = job();
    assert_eq!(kind(engine.create(&job.request, &job.folder).await), EngineErrorKind::Unavailable);
}

#[tokio::test]
async fn an_engine_in_trouble_is_unavailable() {
    let (_fake, engine) = engine(VERSION, |_, _| Answer::error(500, "database is locked")).await;
    let job = job();
    for result in [engine.create(&job.request, &job.folder).await, engine.start(job.name()).await] {
        assert_eq!(kind(result), EngineErrorKind::Unavailable);
    }
    assert_eq!(kind(engine.list(&instance()).await), EngineErrorKind::Unavailable);
}

/// The digest, the sentences, and what the engine was asked for.
type Pulled = (Result<String, EngineError>, Vec<String>, Vec<String>);

#[tokio::test]
async fn an_engine_that_does_not_list_is_not_taken_for_empty() {
    let (_fake, engine) = engine(VERSION, |_, _| Answer::error(404, "page not found")).await;
    assert_eq!(kind(engine.list(&instance()).await), EngineErrorKind::Unavailable);
}

/// What `ensure_image` makes of the engine's image and the registry's answer, and what it asked for.
async fn pull(reference: &str, policy: PullPolicy, local: bool, answer: &str) -> Pulled {
    let answer = answer.to_owned();
    let pulled = Mutex::new(local);
    let (fake, engine) = engine(VERSION, move |call, _| match call {
        call if call.starts_with("POST /images/create") => {
            *pulled.lock().unwrap() = true;
            Answer::stream(&answer)
        }
        _ if *pulled.lock().unwrap() => Answer::json(r#"{"Id": "sha256:1", "RepoDigests": ["a@sha256:2"]}"#),
        _ => Answer::error(404, "No such image"),
    })
    .await;
    let said = Mutex::new(Vec::new());
    let digest = engine.ensure_image(reference, policy, &|sentence| said.lock().unwrap().push(sentence)).await;
    let calls = fake.calls().into_iter().filter(|call| call.starts_with("POST")).collect();
    (digest, said.into_inner().unwrap(), calls)
}

const PULLED: &str = "{\"status\":\"Pulling from library/a\",\"id\":\"1\"}\n{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"x\"}\n{\"status\":\"Status: Downloaded newer image for a:1\"}\n";

#[tokio::test]
async fn images_are_pulled_when_policy_says_so() {
    let (digest, said, calls) = pull("a:1", PullPolicy::IfNotPresent, false, PULLED).await;
    assert_eq!(digest.unwrap(), "sha256:2");
    assert_eq!(said, ["pulling a:1", "pulled a:1"]);
    assert_eq!(calls, ["POST /images/create?fromImage=a&tag=1&platform="]);
    let (digest, said, calls) = pull("a:1", PullPolicy::IfNotPresent, true, "").await;
    assert!(digest.is_ok() && said.is_empty() && calls.is_empty(), "an unreachable registry is no matter: {calls:?}");
    let (_, _, calls) = pull("a", PullPolicy::Always, true, PULLED).await;
    assert_eq!(calls, ["POST /images/create?fromImage=a&tag=latest&platform="], "never all tags");
    let (digest, _, calls) = pull("a:1", PullPolicy::Never, false, "").await;
    assert!(kind(digest) == EngineErrorKind::Refused && calls.is_empty());
}

#[tokio::test]
async fn errors_inside_of_a_good_answer_are_found() {
    use EngineErrorKind::{Refused, Unavailable};
    for (message, expected) in [
        ("manifest for a:1 not found: manifest unknown", Refused),
        ("pull access denied for a, repository does not exist or may require 'docker login'", Refused),
        ("dial tcp: lookup registry-1.docker.io: no such host", Unavailable),
        ("toomanyrequests: You have reached your pull rate limit", Unavailable),
    ] {
        let line = json!({"errorDetail": {"message": message}, "error": message}).to_string();
        let error = pull("a:1", PullPolicy::Always, true, &format!("{PULLED}{line}\n")).await.0.unwrap_err();
        assert_eq!(error.kind, expected, "{error}");
        assert!(
            error.message.contains(message) && (expected == Unavailable || error.message.contains("check its name"))
        );
    }
}

#[tokio::test]
async fn wrong_references_reach_no_engine() {
    let (fake, engine) = engine(VERSION, |_, _| Answer::error(500, "asked")).await;
    for reference in ["", "../../volumes/prune?", "a b", "a?b"] {
        assert_eq!(kind(engine.ensure_image(reference, PullPolicy::Always, &|_| ()).await), EngineErrorKind::Refused);
    }
    let asked = fake.calls().into_iter().filter(|call| call.contains("/images/")).count();
    assert_eq!(asked, 0);
}

/// A frame of output. Source: Docker Engine API 1.41, `ContainerAttach`.
fn frame(stream: u8, text: &str) -> String {
    let size = u8::try_from(text.len()).unwrap();
    format!("{}\0\0\0\0\0\0{}{text}", char::from(stream), char::from(size))
}

async fn output(follow: bool, status: &'static str, answer: Answer) -> Vec<Result<String, EngineErrorKind>> {
    let job = job();
    let answers = job.request.clone();
    let (_fake, engine) = engine(VERSION, move |call, _| match call {
        call if call.ends_with("/json") => inspected(&answers, json!({"Status": status})),
        _ => answer.clone(),
    })
    .await;
    let output = engine.output(job.name(), follow).await.unwrap();
    let read = output.map(|item| item.map(|chunk| text(&[chunk])).map_err(|error| error.kind)).collect::<Vec<_>>();
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap()
}

#[tokio::test]
async fn output_that_breaks_off_is_no_end() {
    let line = frame(1, "2026-11-20T02:00:00Z one\n");
    let cut = format!("{line}{}", &frame(2, "2026-11-20T02:00:00Z two\n")[..12]);
    let one = Ok("one\n".to_owned());
    let broken = Err(EngineErrorKind::Unavailable);
    assert_eq!(output(false, "exited", Answer::stream(&line)).await, std::slice::from_ref(&one));
    assert_eq!(output(true, "exited", Answer::stream(&line)).await, std::slice::from_ref(&one));
    assert_eq!(output(true, "running", Answer::stream(&line)).await, [one.clone(), broken.clone()]);
    assert_eq!(output(false, "exited", Answer::stream(&cut)).await, [one, broken]);
}

#[tokio::test]
async fn output_that_is_stuck_some_seconds_after_the_container_is_an_error_and_no_end() {
    let line = frame(1, "2026-11-20T02:00:00Z one\n");
    let told = output(true, "exited", Answer::stuck(&line)).await;
    assert_eq!(told, [Ok("one\n".to_owned()), Err(EngineErrorKind::Unavailable)]);
}

#[tokio::test]
async fn an_old_engine_is_said_to_be_old() {
    let fake = Fake::start(|_, _| Answer::json(r#"{"Version": "19.03.1", "ApiVersion": "1.40", "Components": []}"#));
    let host = Host::Unix(fake.path()).to_string();
    let error = discover(Search { docker_host: Some(&host), ..Search::default() }, &instance()).await.err().unwrap();
    assert!(error.to_string().contains("Docker Engine 19.03.1") && error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn a_container_that_started_between_is_seen_as_running() {
    let job = job();
    let answers = job.request.clone();
    let (_fake, engine) = engine(VERSION, move |call, _| match call {
        call if call.ends_with("/json") => inspected(&answers, json!({"Status": "created"})),
        "POST /containers/0123/start" => Answer { status: 304, ..Answer::json("") },
        call => Answer::error(500, call),
    })
    .await;
    engine.start(job.name()).await.unwrap();
    assert_eq!(engine.inspect(job.name()).await.unwrap().unwrap().life, Life::Created);
}

/// Docker Engine 20.10, ended and started again between two halves of a start, with `--live-restore`.
#[tokio::test]
async fn a_container_whose_start_got_stuck_will_never_start() {
    let job = job();
    let answers = job.request.clone();
    let (_fake, engine) = engine(VERSION, move |call, _| match call {
        call if call.ends_with("/json") => inspected(&answers, json!({"Status": "created"})),
        call => {
            let id = call.trim_start_matches("POST /containers/").trim_end_matches("/start");
            Answer::error(500, &format!("task {id}: already exists"))
        }
    })
    .await;
    assert_eq!(kind(engine.start(job.name()).await), EngineErrorKind::Stuck);
}

#[tokio::test]
async fn the_engine_says_what_it_knows_of_its_machine() {
    let info = r#"{"SystemTime": "2026-11-20T12:00:00.5+01:00", "DockerRootDir": "/var/lib/docker", "CgroupVersion": "2",
        "Warnings": ["WARNING: No swap limit support"], "InitCommit": {"ID": "de40ad0"}}"#;
    for (info, expected) in [
        (
            info,
            Machine {
                now: "2026-11-20T11:00:00.5Z".parse().ok(),
                data: Some("/var/lib/docker".into()),
                cgroups: Some("2".to_owned()),
                warnings: vec!["WARNING: No swap limit support".to_owned()],
                socket: None,
            },
        ),
        (r#"{"SystemTime": "soon", "DockerRootDir": "", "Warnings": null}"#, Machine::default()),
    ] {
        let fake = Fake::start(move |call, _| match call {
            "GET /version" => Answer::json(VERSION),
            "GET /info" => Answer::json(info),
            _ => Answer::json("OK"),
        });
        let engine = DockerEngine::connect(Host::Unix(fake.path()), "the test", instance()).await.unwrap();
        assert_eq!(engine.machine().await.unwrap(), Machine { socket: Some(fake.path()), ..expected });
    }
}
