//! How far a pull is, in one sentence.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::manifest::Descriptor;

/// How often a pull is spoken of.
const SENTENCE: Duration = Duration::from_secs(1);

/// Counts what comes in, and says it now and then.
pub(super) struct Progress<'a> {
    image: &'a str,
    blobs: usize,
    size: u64,
    say: &'a (dyn Fn(String) + Send + Sync),
    state: Mutex<State>,
}

struct State {
    done: usize,
    bytes: u64,
    spoken: Instant,
}

impl<'a> Progress<'a> {
    pub fn new(image: &'a str, blobs: &[Descriptor], say: &'a (dyn Fn(String) + Send + Sync)) -> Self {
        let size = blobs.iter().map(|blob| blob.size).sum();
        let state = Mutex::new(State { done: 0, bytes: 0, spoken: Instant::now() });
        Self { image, blobs: blobs.len(), size, say, state }
    }

    /// Bytes came in, or what had come in is worth nothing.
    pub fn add(&self, came: u64, lost: u64) {
        self.change(|state| state.bytes = (state.bytes + came).saturating_sub(lost), SENTENCE);
    }

    /// A blob is there.
    pub fn done(&self) {
        self.change(|state| state.done += 1, Duration::ZERO);
    }

    fn change(&self, change: impl FnOnce(&mut State), every: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.spoken.elapsed() >= every {
            state.spoken = Instant::now();
            (self.say)(self.sentence(&state));
        }
    }

    /// `pulling alpine:3: 1 of 4 layers, 12.3 of 40.0 MB`; the configuration counts as a layer, as it does in Docker.
    fn sentence(&self, state: &State) -> String {
        let mb = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
        let (bytes, size) = (mb(state.bytes), mb(self.size));
        format!("pulling {}: {} of {} layers, {bytes} of {size} MB", self.image, state.done, self.blobs)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use provost_image::Digest;

    use super::*;

    #[test]
    fn what_came_in_is_told() {
        let said = Mutex::new(Vec::new());
        let say = |sentence| said.lock().unwrap().push(sentence);
        let blobs = [12_340_000, 27_660_000].map(|size| Descriptor::new("", Digest::of(b""), size));
        let progress = Progress::new("a:1", &blobs, &say);
        progress.add(20_000_000, 0);
        progress.add(340_000, 8_000_000);
        assert_eq!(*said.lock().unwrap(), Vec::<String>::new(), "not all the time");
        progress.done();
        assert_eq!(*said.lock().unwrap(), ["pulling a:1: 1 of 2 layers, 12.3 of 40.0 MB"]);
    }
}
