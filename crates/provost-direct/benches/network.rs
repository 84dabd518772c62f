//! What a network adds to a container's life.
//!
//! `cargo bench -p provost-direct --bench network`, as root. One after another; the median and the slowest tenth, in
//! milliseconds.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic and prints")]

#[expect(dead_code, reason = "images are for those who have a floor")]
mod home;
#[path = "../../provost-engine/tests/job/mod.rs"]
#[expect(dead_code, reason = "of the jobs, not everything is needed")]
mod job;

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use home::Home;
use job::Job;
use provost_controller::Engine as _;
use provost_direct::DirectEngine;
use provost_model::Instance;
use provost_testkit::TOOLBOX;

const ROUNDS: usize = 40;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Home { engine, instance, folder: _folder, .. } = Home::open();
    measure("without a network", &engine, &instance, "None", None).await;
    measure("alone on Shared", &engine, &instance, "Shared", None).await;
    // Somebody on it keeps its bridge and rules.
    let mut other = Job::of(&instance, TOOLBOX, &["sleep", "600"]);
    other.request.workload.network = "Shared".to_owned();
    engine.create(&other.request, &other.folder).await.unwrap();
    engine.start(other.name()).await.unwrap();
    measure("on Shared beside another", &engine, &instance, "Shared", None).await;
    measure("the same, with a port", &engine, &instance, "Shared", Some("127.0.0.1:29998:80")).await;
    engine.remove(other.name()).await.unwrap();
}

async fn measure(what: &str, engine: &DirectEngine, instance: &Instance, network: &str, port: Option<&str>) {
    let mut parts: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let mut job = Job::of(instance, TOOLBOX, &["echo"]);
        job.request.workload.network = network.to_owned();
        job.request.workload.ports = port.into_iter().map(|port| port.parse().unwrap()).collect();
        for (times, took) in parts.iter_mut().zip(live(engine, instance, &job).await) {
            times.push(took);
        }
    }
    for (name, times) in ["to create", "to start", "until its end is seen", "to remove"].iter().zip(parts) {
        show(&format!("{what}, {name}"), times);
    }
}

/// From the creation until nothing is left, in parts.
async fn live(engine: &DirectEngine, instance: &Instance, job: &Job) -> [Duration; 4] {
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
    [created, started - created, ended - started, began.elapsed() - ended]
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("{what:<48}{:>8.2} ms, slowest tenth from {:.2} ms", at(50), at(90));
}
