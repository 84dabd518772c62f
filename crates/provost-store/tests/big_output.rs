//! Output that would not fit into memory. One test, so that the memory of this process is its own.

mod common;

use common::*;
use provost_controller::{LogSink, Logs, OutputStream};
use provost_model::{Owner, StepId, StepRef};
use provost_store::FileLogs;

const MIB: usize = 1 << 20;

/// The most memory that this process ever had, in MiB; absent where the system does not say.
fn memory_max() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

fn open(logs: &FileLogs, name: &str) -> (Owner, Box<dyn LogSink>) {
    let owner = Owner::Run(run_id(name, 0));
    let step = StepRef { owner: owner.clone(), step: StepId::main(1) };
    (owner, logs.open(&step, 1 << 30, &["hunter2".to_owned()]).unwrap())
}

/// Reads all of `owner` in pages; returns how many lines there are, and how much text.
async fn measure(logs: &FileLogs, owner: &Owner) -> (usize, usize) {
    let (mut lines, mut bytes) = (0, 0);
    loop {
        let page = logs.read(owner, lines, 100).await.unwrap();
        if page.is_empty() {
            return (lines, bytes);
        }
        lines += page.len();
        bytes += page.iter().map(|line| line.text.len()).sum::<usize>();
    }
}

#[tokio::test]
async fn a_line_of_100_mb_and_2_million_lines_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    let before = memory_max();

    let t=std::time::Instant::now();
    let (long, mut sink) = open(&logs, "long");
    let piece = vec![b'x'; MIB];
    for _ in 0..100 {
        sink.write(OutputStream::Stdout, at(0), &piece).unwrap();
    }
    assert_eq!(sink.finish().unwrap().len(), 4096);
    assert_eq!(measure(&logs, &long).await, (1600, 100 * MIB));

    eprintln!("long {:?}",t.elapsed());
    let (many, mut sink) = open(&logs, "many");
    let lines: String = (0..1000).map(|number| format!("line {number:03}\n")).collect();
    let t=std::time::Instant::now();
    for minute in 0..2000 {
        sink.write(OutputStream::Stdout, at(minute), lines.as_bytes()).unwrap();
    }
    eprintln!("write {:?}",t.elapsed());
    assert!(sink.finish().unwrap().ends_with("line 999"));
    let t=std::time::Instant::now();
    assert_eq!(logs.read(&many, 1_999_990, 100).await.unwrap().len(), 10);
    eprintln!("skip {:?}",t.elapsed());
    let t=std::time::Instant::now();
    logs.close(&many).await.unwrap();
    eprintln!("close {:?}",t.elapsed());
    let t=std::time::Instant::now();
    assert_eq!(logs.read(&many, 1_999_990, 100).await.unwrap().len(), 10);
    eprintln!("skip {:?}",t.elapsed());

    if let (Some(before), Some(after)) = (before, memory_max()) {
        assert!(after - before < 48, "{} MiB more than before", after - before);
    }
}
