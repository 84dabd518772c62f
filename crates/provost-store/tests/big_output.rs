//! Output that would not fit into memory. One test, so that the memory of this process is its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

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

fn open(logs: &FileLogs, name: &str, limit: usize) -> (Owner, Box<dyn LogSink>) {
    let owner = Owner::Run(run_id(name, 0));
    let step = StepRef { owner: owner.clone(), step: StepId::main(1) };
    (owner, logs.open(&step, limit as u64, &["hunter2".to_owned()]).unwrap())
}

#[tokio::test]
async fn a_line_of_100_mb_and_2_million_lines_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    let before = memory_max();

    let (long, mut sink) = open(&logs, "long", 16 * MIB);
    let piece = vec![b'x'; MIB];
    for _ in 0..100 {
        sink.write(OutputStream::Stdout, at(0), &piece).unwrap();
    }
    assert_eq!(sink.finish().unwrap().len(), 4096);
    let kept = logs.read(&long, 250, 100).await.unwrap();
    assert!(kept[0].continued && kept[0].text.len() == 64 << 10);
    let notices: Vec<_> = kept.iter().map(|line| &line.text).filter(|text| text.starts_with("provost: ")).collect();
    assert_eq!(notices[0], "provost: output limit of 16 MiB reached; the rest is not kept");
    assert!(notices[1].starts_with("provost: 84 MiB and 0 more lines"), "{notices:?}");
    logs.close(&long).await.unwrap();
    assert_eq!(logs.read(&long, 250, 100).await.unwrap(), kept);

    let (many, mut sink) = open(&logs, "many", 1024 * MIB);
    let lines: String = (0..1000).map(|number| format!("line {number:03}\n")).collect();
    for minute in 0..2000 {
        sink.write(OutputStream::Stdout, at(minute), lines.as_bytes()).unwrap();
    }
    assert!(sink.finish().unwrap().ends_with("line 999"));
    let last = logs.read(&many, 1_999_999, 100).await.unwrap();
    assert_eq!((last.len(), last[0].text.as_str(), last[0].at), (1, "line 999", at(1999)));

    if let (Some(before), Some(after)) = (before, memory_max()) {
        assert!(after - before < 48, "{} MiB more than before", after - before);
    }
}
