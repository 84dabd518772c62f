//! Services on networks, how they are asked, and what may be left of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::SignedDuration;
use provost_controller::Engine as _;
use provost_model::{
    CallWay, ContainerName, HealthCheck, Instance, Name, Owner, Probe, RunId, ServiceCall, StepId, StepRef, Workload,
};
use provost_testkit::{TOOLBOX, unique};
use serde_json::Value;

use crate::conformance::meanwhile;
use crate::job::Job;
use crate::rig::Direct;

pub fn shared(workload: &mut Workload) {
    workload.network = "Shared".to_owned();
}

/// A container of a service on the shared network.
pub fn service(instance: &Instance, name: &str, args: &[&str]) -> Job {
    let mut job = Job::of(instance, TOOLBOX, args);
    let run = RunId::of_service(&Name::new(name).unwrap(), &unique("cause"));
    job.request.step = StepRef { owner: Owner::Run(run), step: StepId::main(1) };
    job.request.name = ContainerName::of(instance, job.request.step.owner.id(), "main.1");
    shared(&mut job.request.workload);
    job
}

/// The service `web`, which answers with a text on a port of the server.
pub fn published(rig: &Direct, port: u16, text: &str) -> Job {
    let mut job = service(&rig.instances[0], "web", &["serve", "80", text]);
    job.request.workload.ports = vec![format!("{port}:80").parse().unwrap()];
    job
}

/// A port of the server that nobody has, out of those that the kernel gives to connections.
pub fn free_port() -> u16 {
    let port = |_| {
        let bytes: Vec<u8> = unique("port").into_bytes();
        20_000
            + bytes
                .iter()
                .fold(std::process::id() as u16, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()))
                % 10_000
    };
    (0..1000).map(port).find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok()).unwrap()
}

/// What is answered at a port of the server.
pub fn asked(port: u16) -> Option<String> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), limit).ok()?;
    stream.set_read_timeout(Some(limit)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// Waits until the service answers on its port 80.
pub async fn is_answered(rig: &Direct, job: &Job) {
    let probe = Probe::Http { port: 80, path: "/".to_owned() };
    let check = HealthCheck { probe, interval_s: 1, timeout_s: 5, failures: 1, start_timeout_s: 1 };
    meanwhile(rig, async {
        while rig.engine.check_health(job.name(), &check).await.unwrap().is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn tried(rig: &Direct, job: &Job, place: &str, limit: i64) -> Result<String, String> {
    let command = ["/toolbox", "get", place].map(str::to_owned).to_vec();
    let call =
        ServiceCall { way: CallWay::Program { command }, data: Value::Null, timeout: SignedDuration::from_secs(limit) };
    let answer = rig.engine.call_service(job.name(), &call).await.unwrap();
    answer.map(|said| said.to_string()).map_err(|error| error.message)
}

/// What a container is answered at a place; asked again while nobody listens there yet.
pub async fn get(rig: &Direct, job: &Job, place: &str) -> Result<String, String> {
    let mut last = Err(String::new());
    for _ in 0..100 {
        last = tried(rig, job, place, 10).await;
        if !last.as_ref().is_err_and(|error| error.contains("refused")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    last
}

/// Whether a container is answered at a place.
pub async fn reaches(rig: &Direct, job: &Job, place: &str) -> bool {
    tried(rig, job, place, 2).await.is_ok()
}

/// Where the container's port 80 is.
pub fn address(rig: &Direct, job: &Job) -> String {
    let text = std::fs::read(rig.place(job.name()).join("network.json")).unwrap();
    let attachment: Value = serde_json::from_slice(&text).unwrap();
    let address = attachment["result"]["ips"][0]["address"].as_str().unwrap();
    format!("{}:80", address.split('/').next().unwrap())
}

/// The bridge and the addresses of an engine's shared network, while it is there.
pub fn bridge(engine: &Path) -> Option<(String, String)> {
    let text = std::fs::read(engine.join("networks/Shared/state.json")).ok()?;
    let state: Value = serde_json::from_slice(&text).unwrap();
    let part = |key: &str| state[key].as_str().unwrap().to_owned();
    Some((part("bridge"), part("subnet")))
}

pub fn rules() -> String {
    String::from_utf8(Command::new("iptables-save").output().unwrap().stdout).unwrap()
}

/// Nothing is left of a shared network: no rule, no bridge, no address that is taken, nobody on it.
pub fn nothing_is_left(rig: &Direct, known: &(String, String)) {
    let (name, subnet) = known;
    assert_eq!(bridge(&rig.folder()), None);
    let rules = rules();
    let head = subnet.strip_suffix("0/22").unwrap();
    assert!(!rules.contains(name.as_str()) && !rules.contains(&format!(" {head}")), "{name} {subnet}: {rules}");
    assert!(!Path::new("/sys/class/net").join(name).exists());
    let shared = rig.folder().join("networks/Shared");
    let files = |path: &str| std::fs::read_dir(shared.join(path)).into_iter().flatten().flatten();
    let taken = files(&format!("addresses/{name}")).map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(taken.filter(|file| file.starts_with(|first: char| first.is_ascii_digit())).count(), 0);
    assert_eq!(files("members").count(), 0);
}
