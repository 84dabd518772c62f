//! Many containers: how many lives a second, and how late many begin that are to begin at once, beside `crun`.
//!
//! `cargo bench -p provost-direct --bench load`, as root.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic and prints")]

mod floor;
mod home;
#[path = "../../provost-engine/tests/job/mod.rs"]
#[expect(dead_code, reason = "of the jobs, not everything is needed")]
mod job;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use floor::Floor;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use home::Home;
use job::Job;
use provost_controller::Engine as _;
use provost_direct::DirectEngine;
use provost_model::Instance;
use provost_testkit::TOOLBOX;

const LIVES: usize = 120;
/// How many at once, and how often that is tried.
const CROWDS: [(usize, usize); 3] = [(1, 60), (20, 6), (100, 3)];

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let home = Home::open();
    let floor = Floor::new(&home).await;
    let Home { engine, instance, folder: _folder, .. } = home;

    for width in [1, 2, 4, 8] {
        let ours = lives(&engine, &instance, width).await;
        let theirs = lives_of_floor(&floor, width);
        println!("lives a second, {width} at a time: {ours:>7.1}, crun {theirs:.1}, ratio {:.2}", ours / theirs);
    }
    for (size, rounds) in CROWDS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.extend(starts(&engine, &instance, size).await);
            theirs.extend(starts_of_floor(&floor, size));
        }
        show(&format!("start lag, {size} at once"), ours);
        show("  crun", theirs);
    }
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("{what:<28}p50 {:>8.2} ms, p99 {:>8.2} ms", at(50), at(99));
}

/// Lives a second, so many at a time.
async fn lives(engine: &DirectEngine, instance: &Instance, width: usize) -> f64 {
    let left = Arc::new(AtomicUsize::new(LIVES));
    let began = Instant::now();
    let workers = (0..width).map(|_| {
        let (engine, instance, left) = (engine.clone(), instance.clone(), Arc::clone(&left));
        tokio::spawn(async move {
            while take_one(&left) {
                live(&engine, &instance).await;
            }
        })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    LIVES as f64 / began.elapsed().as_secs_f64()
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

async fn live(engine: &DirectEngine, instance: &Instance) {
    let job = Job::of(instance, TOOLBOX, &["echo"]);
    engine.create(&job.request, &job.folder).await.unwrap();
    engine.start(job.name()).await.unwrap();
    end(engine, instance, &job).await;
}

/// Waits for the end, and removes it.
async fn end(engine: &DirectEngine, instance: &Instance, job: &Job) {
    let mut wakes = engine.watch(instance).await.unwrap();
    while !engine.inspect(job.name()).await.unwrap().is_some_and(|seen| seen.life.is_over()) {
        wakes.next().await.unwrap();
    }
    engine.remove(job.name()).await.unwrap();
}

fn lives_of_floor(floor: &Floor, width: usize) -> f64 {
    let left = AtomicUsize::new(LIVES);
    let began = Instant::now();
    thread::scope(|scope| {
        for worker in 0..width {
            let left = &left;
            scope.spawn(move || {
                while take_one(left) {
                    crun(&["run", "--bundle", floor.bundle(&worker.to_string()).to_str().unwrap(), &name(worker)]);
                }
            });
        }
    });
    LIVES as f64 / began.elapsed().as_secs_f64()
}

/// From the moment when all are to start until each program runs.
async fn starts(engine: &DirectEngine, instance: &Instance, size: usize) -> Vec<Duration> {
    let jobs: Vec<Job> = (0..size).map(|_| Job::of(instance, TOOLBOX, &["echo"])).collect();
    for job in &jobs {
        engine.create(&job.request, &job.folder).await.unwrap();
    }
    let began = Instant::now();
    let started = jobs.iter().map(|job| {
        let (engine, name) = (engine.clone(), job.name().clone());
        tokio::spawn(async move {
            engine.start(&name).await.unwrap();
            began.elapsed()
        })
    });
    let lags = join_all(started).await.into_iter().map(Result::unwrap).collect();
    for job in &jobs {
        end(engine, instance, job).await;
    }
    lags
}

fn starts_of_floor(floor: &Floor, size: usize) -> Vec<Duration> {
    for number in 0..size {
        crun(&["create", "--bundle", floor.bundle(&number.to_string()).to_str().unwrap(), &name(number)]);
    }
    let began = Instant::now();
    let lags = thread::scope(|scope| {
        let started = (0..size).map(|number| {
            scope.spawn(move || {
                crun(&["start", &name(number)]);
                began.elapsed()
            })
        });
        let started: Vec<_> = started.collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for number in 0..size {
        crun(&["delete", "--force", &name(number)]);
    }
    lags
}

fn name(number: usize) -> String {
    format!("provost-bench-{}-{number}", std::process::id())
}

fn crun(args: &[&str]) {
    let mut command = Command::new("crun");
    command.arg("--cgroup-manager=cgroupfs").args(args);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}
