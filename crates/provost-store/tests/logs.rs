//! R8: output is kept, in order, without control codes and secrets, up to a limit that is said.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};

use common::*;
use jiff::Timestamp;
use provost_controller::{LogLine, LogSink, Logs, OutputStream, StoreError};
use provost_model::{Owner, StepId, StepRef};
use provost_store::{FileLogs, MemoryLogs};
use tokio::sync::broadcast::error::TryRecvError;

use OutputStream::{Stderr, Stdout};

macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $test() { super::$test(&MemoryLogs::new()).await })*
        }
        mod files {
            use super::*;
            $(#[tokio::test] async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(&FileLogs::open(folder.path()).unwrap()).await
            })*
        }
    };
}

conformance! {
    r8_lines_are_kept_in_their_order
    r8_lines_cut_anywhere_are_whole
    r8_steps_are_merged_by_time
    r8_control_codes_are_gone
    r8_secrets_are_masked_across_chunks
    r8_the_limit_is_said
    r8_long_lines_come_in_pieces
    r8_a_log_that_is_opened_again_begins_anew
    r8_a_closed_log_is_read_as_before
    a_log_is_read_in_pages_while_it_grows
    the_tail_is_the_end_of_both_streams
    a_follower_sees_lines_as_they_come
    a_removed_log_is_gone
    owners_of_one_id_are_kept_apart
    old_output_of_events_is_forgotten_and_that_of_runs_is_not
}

const PLENTY: u64 = 1 << 30;

fn owner(minute: i64) -> Owner {
    Owner::Run(run_id("a", minute))
}

fn step(owner: &Owner, step: &str) -> StepRef {
    StepRef { owner: owner.clone(), step: StepId(step.into()) }
}

fn open(logs: &dyn Logs, name: &str) -> Box<dyn LogSink> {
    logs.open(&step(&owner(0), name), PLENTY, &[]).unwrap()
}

async fn all(logs: &dyn Logs) -> Vec<LogLine> {
    logs.read(&owner(0), 0, usize::MAX).await.unwrap()
}

/// The lines of the owner, as `step stream text`.
async fn shown(logs: &dyn Logs) -> Vec<String> {
    let stream = |line: &LogLine| if line.stream == Stdout { "out" } else { "err" };
    all(logs).await.iter().map(|line| format!("{} {} {}", line.step, stream(line), line.text)).collect()
}

async fn texts(logs: &dyn Logs) -> Vec<String> {
    all(logs).await.into_iter().map(|line| line.text).collect()
}

async fn r8_lines_are_kept_in_their_order(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    sink.write(Stdout, at(1), b"one\n").unwrap();
    sink.write(Stderr, at(2), b"two\n\nthree\n").unwrap();
    sink.write(Stdout, at(3), b"four, without an end").unwrap();
    let expected = ["main.1 out one", "main.1 err two", "main.1 err ", "main.1 err three"];
    assert_eq!(shown(logs).await, expected, "while it goes on");
    assert_eq!(sink.finish().unwrap(), "one\ntwo\n\nthree\nfour, without an end");
    assert_eq!(shown(logs).await[4..], ["main.1 out four, without an end"]);
    assert_eq!(all(logs).await[1].at, at(2));
    assert_eq!(logs.read(&owner(0), 1, 2).await.unwrap(), all(logs).await[1..3]);
    assert_eq!(logs.read(&owner(0), 5, 2).await.unwrap(), []);
    assert_eq!(logs.read(&owner(7), 0, 2).await.unwrap(), []);
}

async fn r8_lines_cut_anywhere_are_whole(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    for byte in "grün\r\n漢字\n".as_bytes() {
        sink.write(Stdout, at(1), &[*byte]).unwrap();
        sink.write(Stderr, at(1), b"x").unwrap();
    }
    sink.finish().unwrap();
    assert_eq!(shown(logs).await, ["main.1 out grün", "main.1 out 漢字", "main.1 err xxxxxxxxxxxxxx"]);
}

async fn r8_steps_are_merged_by_time(logs: &dyn Logs) {
    let (mut before, mut main) = (open(logs, "run.starting-b"), open(logs, "main.1"));
    for minute in [1, 3, 5] {
        before.write(Stdout, at(minute), format!("before {minute}\n").as_bytes()).unwrap();
        main.write(Stdout, at(minute + 1), format!("main {}\n", minute + 1).as_bytes()).unwrap();
    }
    let expected = ["before 1", "main 2", "before 3", "main 4", "before 5", "main 6"];
    assert_eq!(texts(logs).await, expected);
    assert_eq!((before.finish().unwrap().lines().count(), main.finish().unwrap().lines().count()), (3, 3));
    logs.close(&owner(0)).await.unwrap();
    assert_eq!(texts(logs).await, expected);
}

async fn r8_control_codes_are_gone(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    sink.write(Stdout, at(1), b"\x1b[1;31mred\x1b").unwrap();
    sink.write(Stdout, at(1), b"[0m\x1b]0;title\x07\ttab\x00\x08\n\x1b]52;c;c3RlYWw=\x1b\\safe\n").unwrap();
    assert_eq!(sink.finish().unwrap(), "red\ttab\nsafe");
    assert_eq!(texts(logs).await, ["red\ttab", "safe"]);
}

async fn r8_secrets_are_masked_across_chunks(logs: &dyn Logs) {
    let masked = ["hunter2".to_owned(), "line one\nline two".to_owned()];
    let mut follower = logs.follow();
    let mut sink = logs.open(&step(&owner(0), "main.1"), PLENTY, &masked).unwrap();
    for piece in [b"a hun".as_slice(), b"t", b"er2 b\nline one\n", b"line two\nhunt", b"\x1b[1mer\x1b[0m2\nhunter"] {
        sink.write(Stdout, at(1), piece).unwrap();
    }
    assert_eq!(sink.finish().unwrap(), "a *** b\n***\n***\nhunter");
    assert_eq!(texts(logs).await, ["a *** b", "***", "***", "hunter"]);
    let mut followed = Vec::new();
    while let Ok((_, line)) = follower.try_recv() {
        followed.push(line.text);
    }
    assert_eq!(followed, texts(logs).await);
}

async fn r8_the_limit_is_said(logs: &dyn Logs) {
    let mut sink = logs.open(&step(&owner(0), "main.1"), 1024, &[]).unwrap();
    for number in 0..1000 {
        sink.write(Stdout, at(number), format!("line {number:04}\n").as_bytes()).unwrap();
    }
    let tail = sink.finish().unwrap();
    assert!(tail.ends_with("line 0998\nline 0999"), "the tail is of the real end");
    let texts = texts(logs).await;
    let kept = texts.iter().filter(|text| text.starts_with("line ")).map(|text| text.len() + 1).sum::<usize>();
    assert!((1000..=1024).contains(&kept), "{kept} bytes are kept");
    let notices: Vec<_> = texts.iter().filter(|text| text.starts_with("provost: ")).collect();
    assert_eq!(notices[0], "provost: output limit of 1 KiB reached; the rest is not kept");
    assert_eq!(notices[1], "provost: 7.8 KiB and 897 more lines were not kept");
    assert_eq!(notices.len(), 2);
}

async fn r8_long_lines_come_in_pieces(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    let line = "0123456789".repeat(20_000);
    sink.write(Stdout, at(1), line.as_bytes()).unwrap();
    sink.write(Stdout, at(1), b"\nshort\n").unwrap();
    let tail = sink.finish().unwrap();
    assert_eq!(tail, "short", "the last lines that fit whole");
    let lines = all(logs).await;
    let marks: Vec<_> = lines.iter().map(|line| line.continued).collect();
    assert_eq!(marks, [false, true, true, true, false]);
    assert!(lines.iter().all(|line| line.text.len() <= 64 << 10));
    assert_eq!(lines[..4].iter().map(|line| line.text.as_str()).collect::<String>(), line);
}

async fn r8_a_log_that_is_opened_again_begins_anew(logs: &dyn Logs) {
    let mut first = open(logs, "main.1");
    first.write(Stdout, at(1), b"one\ntwo\nthree\n").unwrap();
    assert_eq!(texts(logs).await.len(), 3);
    let mut second = open(logs, "main.1");
    second.write(Stdout, at(1), b"one\n").unwrap();
    assert_eq!(texts(logs).await, ["one"]);
    second.finish().unwrap();
    assert_eq!(texts(logs).await, ["one"]);
}

async fn r8_a_closed_log_is_read_as_before(logs: &dyn Logs) {
    for name in ["main.1", "main.2"] {
        let mut sink = open(logs, name);
        for number in 0..500 {
            sink.write(Stdout, at(number), format!("{name} {number}\n").as_bytes()).unwrap();
        }
        sink.finish().unwrap();
    }
    let before = all(logs).await;
    assert_eq!(before.len(), 1000);
    for _ in 0..2 {
        logs.close(&owner(0)).await.unwrap();
        assert_eq!(all(logs).await, before);
        assert_eq!(logs.read(&owner(0), 700, 10).await.unwrap(), before[700..710]);
    }
    // A step that begins only then is merged with the rest.
    let mut late = open(logs, "run.finished-late");
    late.write(Stdout, at(1000), b"late\n").unwrap();
    assert_eq!(all(logs).await.len(), 1001);
    late.finish().unwrap();
    logs.close(&owner(0)).await.unwrap();
    assert_eq!(all(logs).await[..1000], before);
    assert_eq!(all(logs).await[1000].text, "late");
    logs.close(&owner(9)).await.unwrap();
}

async fn a_log_is_read_in_pages_while_it_grows(logs: &dyn Logs) {
    let (mut sink, mut seen) = (open(logs, "main.1"), Vec::new());
    for round in 0..20 {
        for number in 0..7 {
            sink.write(Stdout, at(round), format!("{round}.{number}\n").as_bytes()).unwrap();
        }
        for _ in 0..2 {
            seen.extend(logs.read(&owner(0), seen.len(), 3).await.unwrap());
        }
    }
    sink.finish().unwrap();
    logs.close(&owner(0)).await.unwrap();
    loop {
        let page = logs.read(&owner(0), seen.len(), 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 140);
    assert_eq!(seen, all(logs).await);
}

async fn the_tail_is_the_end_of_both_streams(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    for number in 0..10_000 {
        let stream = if number % 2 == 0 { Stdout } else { Stderr };
        sink.write(stream, at(number), format!("line {number}\n").as_bytes()).unwrap();
    }
    let tail = sink.finish().unwrap();
    assert!(tail.len() <= 4096 && tail.len() > 4000, "{}", tail.len());
    assert!(tail.starts_with("line ") && tail.ends_with("line 9998\nline 9999"));
    assert_eq!(open(logs, "main.2").finish().unwrap(), "");
}

async fn a_follower_sees_lines_as_they_come(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    sink.write(Stdout, at(1), b"before\n").unwrap();
    let mut follower = logs.follow();
    sink.write(Stdout, at(2), b"now\nnot yet").unwrap();
    let (whose, line) = follower.try_recv().unwrap();
    assert_eq!((whose, line.text.as_str(), line.at, line.step.as_str()), (owner(0), "now", at(2), "main.1"));
    assert_eq!(follower.try_recv().unwrap_err(), TryRecvError::Empty);
    sink.finish().unwrap();
    assert_eq!(follower.try_recv().unwrap().1.text, "not yet");
}

async fn a_removed_log_is_gone(logs: &dyn Logs) {
    let mut sink = open(logs, "main.1");
    sink.write(Stdout, at(1), b"one\n").unwrap();
    assert_eq!(logs.read(&owner(0), 0, 1).await.unwrap().len(), 1);
    for _ in 0..2 {
        logs.remove(&owner(0)).await.unwrap();
        assert_eq!(texts(logs).await, [] as [&str; 0]);
        assert_eq!(logs.read(&owner(0), 1, 1).await.unwrap(), []);
    }
    sink.write(Stdout, at(1), b"two\n").unwrap();
    sink.finish().unwrap();
    assert_eq!(texts(logs).await, [] as [&str; 0]);
}

async fn owners_of_one_id_are_kept_apart(logs: &dyn Logs) {
    let owners = [Owner::Event(event("x1")), Owner::Notice(event("x1"))];
    for owner in &owners {
        let mut sink = logs.open(&step(owner, "main.1"), PLENTY, &[]).unwrap();
        sink.write(Stdout, at(1), owner.kind().as_bytes()).unwrap();
        sink.finish().unwrap();
    }
    for owner in &owners {
        assert_eq!(logs.read(owner, 0, 9).await.unwrap()[0].text, owner.kind());
    }
}

async fn old_output_of_events_is_forgotten_and_that_of_runs_is_not(logs: &dyn Logs) {
    let owners = [Owner::Event(event("x1")), Owner::Notice(event("x2")), owner(0)];
    for owner in &owners {
        let mut sink = logs.open(&step(owner, "main.1"), PLENTY, &[]).unwrap();
        sink.write(Stdout, at(1), b"a line\n").unwrap();
        sink.finish().unwrap();
    }
    for (before, kept) in [(Timestamp::UNIX_EPOCH, [1, 1, 1]), (Timestamp::MAX, [0, 0, 1])] {
        logs.forget_events(before).await.unwrap();
        for (owner, lines) in owners.iter().zip(kept) {
            assert_eq!(logs.read(owner, 0, 9).await.unwrap().len(), lines, "{owner:?} at {before}");
        }
    }
}

fn folder_of(folder: &Path) -> PathBuf {
    folder.join("logs/run").join(owner(0).id())
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder_of(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn steps_cannot_leave_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    for bad in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0b", "a b", "ä", &"a".repeat(300)] {
        let error = logs.open(&step(&owner(0), bad), PLENTY, &[]).err().unwrap();
        assert!(
            matches!(error, StoreError::Write { .. }) && error.to_string().contains("cannot name a file"),
            "{error}"
        );
    }
    assert!(!folder_of(folder.path()).exists());
}

#[tokio::test]
async fn a_closed_log_is_one_compressed_file() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    let (mut main, mut background) = (open(&logs, "main.1"), open(&logs, "run.started-b"));
    for number in 0..2000 {
        main.write(Stdout, at(number), b"the same line again and again\n").unwrap();
    }
    background.write(Stdout, at(1), b"begun\n").unwrap();
    main.finish().unwrap();
    logs.close(&owner(0)).await.unwrap();
    assert_eq!(files_in(folder.path()), ["archive.jsonl.gz", "run.started-b.jsonl"], "what goes on stays open");
    background.write(Stdout, at(5000), b"ended\n").unwrap();
    background.finish().unwrap();
    logs.close(&owner(0)).await.unwrap();
    assert_eq!(files_in(folder.path()), ["archive.jsonl.gz"]);
    assert_eq!(texts(&logs).await.len(), 2002);
    let size = std::fs::metadata(folder_of(folder.path()).join("archive.jsonl.gz")).unwrap().len();
    assert!(size < 30_000, "{size} bytes for 60 kB of one line");
}

/// A crash may leave an unfinished archive, or a whole one beside the files that are in it.
#[tokio::test]
async fn a_crash_while_archiving_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = || {
        let logs = FileLogs::open(folder.path()).unwrap();
        let mut sink = open(&logs, "main.1");
        sink.write(Stdout, at(1), b"one\ntwo\n").unwrap();
        sink.finish().unwrap();
        logs
    };
    let logs = write();
    let step_file = folder_of(folder.path()).join("main.1.jsonl");
    let kept = std::fs::read(&step_file).unwrap();
    logs.close(&owner(0)).await.unwrap();
    std::fs::write(&step_file, kept).unwrap();
    std::fs::write(folder_of(folder.path()).join("archive.jsonl.gz.unfinished"), b"half").unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    assert_eq!(texts(&logs).await, ["one", "two"]);
    logs.close(&owner(0)).await.unwrap();
    assert_eq!(texts(&logs).await, ["one", "two"]);
    assert_eq!(files_in(folder.path()), ["archive.jsonl.gz"]);
}

#[tokio::test]
async fn damage_is_said_and_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    let mut sink = open(&logs, "main.1");
    sink.write(Stdout, at(1), b"one\ntwo\n").unwrap();
    sink.finish().unwrap();
    let file = folder_of(folder.path()).join("main.1.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let (one, two) = text.split_once('\n').unwrap();
    std::fs::write(&file, format!("{one}\n{{\"at\":\"tor\n{two}{{\"cut")).unwrap();
    assert_eq!(texts(&logs).await, ["one", "provost: this line of the log is damaged", "two"]);
}

#[tokio::test]
async fn what_a_sink_took_is_there_although_it_never_ended() {
    let folder = tempfile::tempdir().unwrap();
    let logs = FileLogs::open(folder.path()).unwrap();
    let mut sink = open(&logs, "main.1");
    sink.write(Stdout, at(1), b"one\n").unwrap();
    drop(sink);
    let logs = FileLogs::open(folder.path()).unwrap();
    assert_eq!(texts(&logs).await, ["one"]);
}
