//! Health checks and calls, by programs in a container that runs.

use jiff::SignedDuration;
use provost_controller::{Engine as _, EngineErrorKind};
use provost_model::{CallWay, HealthCheck, Probe, ServiceCall};
use serde_json::{Value, json};

use crate::conformance::ended;
use crate::job::{Job, kind};
use crate::rig::{self, Direct, rig};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn check(probe: Probe) -> HealthCheck {
    HealthCheck { probe, interval_s: 1, timeout_s: 1, failures: 1, start_timeout_s: 1 }
}

pub async fn health(rig: &Direct, job: &Job, command: &[&str]) -> Result<(), String> {
    let check = check(Probe::Command { command: words(command) });
    rig.engine.check_health(job.name(), &check).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_a_service_is_asked_by_a_program_in_its_container() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    let ask = check(Probe::Command { command: words(&["/toolbox", "echo"]) });
    assert_eq!(kind(rig.engine.check_health(job.name(), &ask).await), EngineErrorKind::NotFound, "it does not run yet");
    rig.engine.start(job.name()).await.unwrap();
    assert_eq!(health(&rig, &job, &["/toolbox", "echo", "fine"]).await, Ok(()));
    assert_eq!(
        health(&rig, &job, &["/toolbox", "fail", "3", "no", "orders"]).await,
        Err("exit 3: no orders".to_owned())
    );
    assert_eq!(health(&rig, &job, &["/toolbox", "sleep", "60"]).await, Err("no answer within 1 s".to_owned()));
    let missing = health(&rig, &job, &["/no/such"]).await.unwrap_err();
    assert!(missing.contains("no program `/no/such`"), "{missing}");
    let by_port = check(Probe::Http { port: 80, path: "/".to_owned() });
    let answer = rig.engine.check_health(job.name(), &by_port).await.unwrap();
    assert_eq!(answer, Err("the container has no address".to_owned()));
    rig.engine.stop(job.name(), 5).await.unwrap();
    ended(&rig, job.name()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d18_a_service_is_called_by_a_program_with_the_privileges_of_its_container() {
    let rig = rig();
    let job = Job::new(&rig, &["sleep", "60"]);
    job.go(&rig).await;
    let call = async |command: &[&str], data: Value| {
        let way = CallWay::Program { command: words(command) };
        let call = ServiceCall { way, data, timeout: SignedDuration::from_secs(10) };
        rig.engine.call_service(job.name(), &call).await.unwrap()
    };
    assert_eq!(call(&["/toolbox", "cat", "/dev/stdin"], json!({"of": "EUR"})).await, Ok(json!({"of": "EUR"})));
    let failed = call(&["/toolbox", "fail", "4", "woe"], json!(null)).await.unwrap_err();
    assert_eq!((failed.kind.as_str(), failed.message.as_str()), ("Failed", "exit 4: woe"));
    let said = call(&["/toolbox", "id"], json!(null)).await.unwrap_err();
    assert_eq!(said.kind, "BadResult", "that is no JSON");
    rig.engine.remove(job.name()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a20_a_program_beside_the_containers_own_has_no_more_privileges() {
    let rig = rig();
    let mut job = Job::new(&rig, &["-c", "sleep 60"]);
    rig::with_host_tools(&mut job.request.workload);
    job.go(&rig).await;
    let status = "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t\\n' ' '; exit 1";
    let said = health(&rig, &job, &["/usr/bin/sh", "-c", status]).await.unwrap_err();
    let none = "0000000000000000";
    assert_eq!(said, format!("exit 1: CapEff: {none} CapBnd: {none} NoNewPrivs: 1 Seccomp: 2"));
    let own = "of() { grep -E ':(memory|pids|cpu):' /proc/$1/cgroup || cat /proc/$1/cgroup; }; of self; \
        [ \"$(of self)\" = \"$(of 1)\" ]";
    let limits = health(&rig, &job, &["/usr/bin/sh", "-c", own]).await;
    assert_eq!(limits, Ok(()), "it is under the container's limits");
    let other = "for kind in pid ipc uts mnt net cgroup; do [ $(readlink /proc/self/ns/$kind) = $(readlink /proc/2/ns/$kind) ] || echo $kind; done; id -u; pwd; ls /sys/class/net; exit 1";
    let place = health(&rig, &job, &["/usr/bin/sh", "-c", other]).await;
    assert_eq!(place, Err("exit 1: 65532 / lo".to_owned()), "it is where the container is");
}
