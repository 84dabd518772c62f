use std::sync::LazyLock;

use futures_executor::block_on;
use jiff::Timestamp;
use provost_controller::{Logs as _, OutputStream};
use provost_model::{EventId, Owner, StepId, StepRef};
use provost_store::MemoryLogs;

static OWNER: LazyLock<Owner> = LazyLock::new(|| Owner::Event(EventId::parse("e3bcaeaed3fe70dbb").unwrap()));

/// The most that is kept, in bytes.
const LIMIT: u64 = 2000;

/// What a container writes, cut into pieces of any length: kept as text without control codes and secrets, bounded, and
/// the same however it was cut.
pub fn output(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = kept(bytes, usize::MAX);
    let pieces = kept(bytes, usize::from(cut % 23) + 1);
    assert_eq!(whole, pieces, "cut into pieces of {}", cut % 23 + 1);
    let text: usize = whole.iter().map(String::len).sum();
    assert!(text <= LIMIT as usize + 200, "{text} bytes are kept");
    for line in &whole {
        assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
        assert!(!line.contains("hunter2") && !line.contains("s3cr\u{e9}t"), "{line:?}");
    }
}

/// The lines that are kept of one stream that comes in pieces of this length.
fn kept(bytes: &[u8], length: usize) -> Vec<String> {
    let logs = MemoryLogs::new();
    let step = StepRef { owner: OWNER.clone(), step: StepId::main(1) };
    let masked = ["hunter2".to_owned(), "s3cr\u{e9}t".to_owned()];
    let mut sink = logs.open(&step, LIMIT, &masked).unwrap();
    for piece in bytes.chunks(length) {
        sink.write(OutputStream::Stdout, Timestamp::UNIX_EPOCH, piece).unwrap();
    }
    let tail = sink.finish().unwrap();
    assert!(tail.len() <= 4096 && !tail.contains("hunter2"), "{tail:?}");
    let lines = block_on(logs.read(&OWNER, 0, 10_000)).unwrap();
    lines.into_iter().map(|line| line.text).collect()
}
