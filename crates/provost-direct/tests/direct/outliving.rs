//! Containers outlive the engine; nothing outlives its shim unseen.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use provost_controller::Engine as _;
use provost_direct::DirectEngine;
use provost_model::{ContainerName, Instance, Life};
use provost_testkit::TOOLBOX;
use rustix::process::{Pid, Signal, kill_process};

use crate::conformance::{code, ended, meanwhile, read};
use crate::job::Job;
use crate::rig::{Direct, images, open, rig, shim};

/// The processes of a container as the host sees them: its shim first, then what the shim made.
pub fn processes(name: &ContainerName) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let named = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(name.as_str())
    };
    let mut pids: Vec<i32> = pids.filter(named).collect();
    pids.sort_unstable();
    pids.into_iter().filter_map(Pid::from_raw).collect()
}

async fn nothing_is_left(rig: &Direct, name: &ContainerName, id: &str) {
    meanwhile(rig, async {
        while !processes(name).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(name.as_str()), "no mount is left");
    let groups = Command::new("find").args(["/sys/fs/cgroup", "-name", id]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&groups.stdout), "", "no control group is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_leaves_nothing_behind() {
    let rig = rig();
    let job = Job::new(&rig, &["echo"]);
    job.go(&rig).await;
    ended(&rig, job.name()).await;
    let id = job.seen(&rig).await.unwrap().id;
    nothing_is_left(&rig, job.name(), &id).await;
    rig.engine.remove(job.name()).await.unwrap();
    assert!(!rig.place(job.name()).exists(), "it is out of sight at once");
    meanwhile(&rig, rig.trash_is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_engine_took_away_that_was_killed_then_the_next_one_takes() {
    let rig = rig();
    let job = Job::new(&rig, &["stubborn", "60"]);
    job.go(&rig).await;
    let id = job.seen(&rig).await.unwrap().id;
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    std::fs::rename(rig.place(job.name()), rig.folder().join("trash/half")).unwrap();
    let groups = || Command::new("find").args(["/sys/fs/cgroup", "-name", &id]).output().unwrap().stdout;
    assert!(!groups().is_empty(), "nobody has taken its control groups away yet");
    open(&rig.folder(), &rig.instances[0]);
    meanwhile(&rig, rig.trash_is_empty()).await;
    nothing_is_left(&rig, job.name(), &id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shim_whose_engine_was_killed_at_its_birth_is_waited_for() {
    let rig = rig();
    let job = Job::new(&rig, &["echo"]);
    // It has done nothing yet when its engine is gone.
    let mut late = shim();
    let program = std::mem::replace(&mut late.program, "/bin/sh".into());
    late.args = vec!["-c".into(), "sleep 1; exec \"$0\" \"$@\"".into(), program.into()];
    let first = DirectEngine::open(&rig.folder(), images(), late, rig.instances[0].clone()).unwrap();
    let created = tokio::time::timeout(Duration::from_millis(300), first.create(&job.request, &job.folder)).await;
    assert!(created.is_err(), "it was given up");
    drop(first);
    job.go(&rig).await;
    ended(&rig, job.name()).await;
    let seen = job.seen(&rig).await.unwrap();
    assert_eq!(code(&seen.life), 0, "{seen:?}");
    nothing_is_left(&rig, job.name(), &seen.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_who_lists_is_not_disturbed_by_what_others_take_away() {
    let rig = rig();
    let (lister, instance) = (rig.engine.for_instance(rig.instances[1].clone()), rig.instances[1].clone());
    let listing = async {
        loop {
            assert_eq!(lister.list(&instance).await.unwrap(), []);
            tokio::task::yield_now().await;
        }
    };
    let going = async {
        for _ in 0..10 {
            let job = Job::new(&rig, &["sleep", "60"]);
            job.go(&rig).await;
            kill_process(processes(job.name())[0], Signal::KILL).unwrap();
            rig.engine.remove(job.name()).await.unwrap();
        }
    };
    tokio::select! {
        () = going => {}
        () = listing => {}
    }
}

/// Writes into the file that says how far a container has come.
fn spoil(rig: &Direct, name: &ContainerName, place: u64, bytes: &[u8]) {
    let life = std::fs::File::options().write(true).open(rig.place(name).join("life")).unwrap();
    life.write_all_at(bytes, place).unwrap();
}

const STARTED: u64 = 0;
const ENDED: u64 = 512;
const TOLD: u64 = 3584;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_an_end_that_was_written_and_not_told_counts_and_half_an_end_is_lost() {
    let rig = rig();
    let job = Job::new(&rig, &["fail", "7"]);
    job.go(&rig).await;
    let life = ended(&rig, job.name()).await;
    meanwhile(&rig, async {
        while !processes(job.name()).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    spoil(&rig, job.name(), TOLD, b"     ");
    assert_eq!(job.seen(&rig).await.unwrap().life, life, "it is told by whoever sees it");
    spoil(&rig, job.name(), ENDED, b"}");
    rig.engine.inspect(job.name()).await.expect_err("what was told and is damaged is not told otherwise");
    spoil(&rig, job.name(), TOLD, b"     ");
    let lost = job.seen(&rig).await.unwrap().life;
    assert!(matches!(&lost, Life::Exited { code: 255, error: Some(_), .. }), "{lost:?}");
    assert_eq!(job.seen(&rig).await.unwrap().life, lost, "what was said once stays so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_half_a_start_is_a_start() {
    let rig = rig();
    let job = Job::new(&rig, &["append", "/provost/out/file", "line"]);
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    spoil(&rig, job.name(), STARTED, b"\"2026-");
    // Such as a loss of power leaves it, which takes words away that are not durable.
    std::fs::remove_file(rig.place(job.name()).join("ready")).unwrap();
    let lost = ended(&rig, job.name()).await;
    assert!(matches!(&lost, Life::Exited { code: 255, started_at: None, .. }), "{lost:?}");
    rig.engine.start(job.name()).await.unwrap();
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    assert_eq!(job.seen(&rig).await.unwrap().life, lost, "it is not run again");
    assert!(!job.folder.out.join("file").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_container_whose_shim_is_killed_is_seen_to_be_lost_and_cleaned_away() {
    let rig = rig();
    let job = Job::new(&rig, &["stubborn", "60"]);
    job.go(&rig).await;
    let id = job.seen(&rig).await.unwrap().id;
    let mut wakes = rig.engine.watch(&rig.instances[0]).await.unwrap();
    let output = rig.engine.output(job.name(), true).await.unwrap();
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    assert_eq!(meanwhile(&rig, wakes.next()).await.as_ref(), Some(job.name()), "that wakes");
    let life = ended(&rig, job.name()).await;
    assert!(matches!(&life, Life::Exited { code: 255, error: Some(why), .. } if why.contains("shim")), "{life:?}");
    assert!(meanwhile(&rig, output.collect::<Vec<_>>()).await.iter().all(Result::is_ok), "its output ends");
    nothing_is_left(&rig, job.name(), &id).await;
    assert_eq!(job.seen(&rig).await.unwrap().life, life, "what was said once stays so");
    rig.engine.remove(job.name()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_a_container_whose_shim_went_before_its_start_is_started_all_the_same_and_once() {
    let rig = rig();
    let job = Job::new(&rig, &["append", "/provost/out/file", "line"]);
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    let id = job.seen(&rig).await.unwrap().id;
    meanwhile(&rig, async {
        while !processes(job.name()).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(job.seen(&rig).await.unwrap().life, Life::Created);
    rig.engine.start(job.name()).await.unwrap();
    assert_eq!(code(&ended(&rig, job.name()).await), 0);
    rig.engine.start(job.name()).await.unwrap();
    assert_eq!(std::fs::read_to_string(job.folder.out.join("file")).unwrap(), "line\n");
    nothing_is_left(&rig, job.name(), &id).await;
}

/// Not a test: what [`a_killed_engine_leaves_its_containers_running`] starts as another process, and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of another test"]
async fn an_engine_that_will_be_killed() {
    let (Ok(folder), Ok(instance)) = (std::env::var("DIRECT_FOLDER"), std::env::var("DIRECT_INSTANCE")) else {
        return;
    };
    let instance = Instance::parse(instance).unwrap();
    let engine = open(folder.as_ref(), &instance);
    let script = [&["sleep", "1.5"][..], &["spam", "3"], &["fail", "7"]];
    let jobs: Vec<Job> = script.iter().map(|args| Job::of(&instance, TOOLBOX, args)).collect();
    for job in &jobs {
        engine.create(&job.request, &job.folder).await.unwrap();
    }
    engine.start(jobs[0].name()).await.unwrap();
    let names: Vec<&str> = jobs.iter().map(|job| job.name().as_str()).collect();
    use std::io::Write as _;
    writeln!(std::io::stderr(), "\nnames {}", names.join(" ")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_engine_leaves_its_containers_running() {
    let rig = rig();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "outliving::an_engine_that_will_be_killed", "--ignored", "--nocapture"])
        .env("DIRECT_FOLDER", rig.folder())
        .env("DIRECT_INSTANCE", rig.instances[0].as_str())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(other.stderr.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("names ")).unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    let names: Vec<_> = line.split(' ').skip(1).map(|name| ContainerName::parse(name).unwrap()).collect();
    let mut wakes = rig.engine.watch(&rig.instances[0]).await.unwrap();
    let running = rig.engine.inspect(&names[0]).await.unwrap().unwrap();
    assert!(matches!(running.life, Life::Running { .. }), "{running:?}");
    assert_eq!(meanwhile(&rig, wakes.next()).await.as_ref(), Some(&names[0]), "its end wakes the new engine");
    assert_eq!(code(&ended(&rig, &names[0]).await), 0);
    for (name, expected) in [(&names[1], 0), (&names[2], 7)] {
        rig.engine.start(name).await.unwrap();
        assert_eq!(code(&ended(&rig, name).await), expected);
    }
    assert_eq!(read(&rig, &names[1], true).await.lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_container_of_a_killed_engine_is_made_anew() {
    let rig = rig();
    let job = Job::new(&rig, &["echo", "whole"]);
    std::fs::create_dir_all(rig.place(job.name()).join("bundle")).unwrap();
    assert_eq!(job.seen(&rig).await, None, "nobody is shown it");
    assert_eq!(code(&job.run(&rig).await), 0);
    assert_eq!(read(&rig, job.name(), false).await, "whole\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_output_is_bounded_and_followed() {
    let rig = rig();
    let mut job = Job::new(&rig, &["spam", "200000"]);
    job.request.log_bytes = 1 << 16;
    job.go(&rig).await;
    let followed = read(&rig, job.name(), true).await;
    assert!(followed.lines().last().unwrap().contains("200000"), "its end is there");
    let kept: u64 = ["log", "log.1"].iter().map(|log| rig.place(job.name()).join(log).metadata().unwrap().len()).sum();
    assert!(kept <= 2 << 20, "{kept}");
}
