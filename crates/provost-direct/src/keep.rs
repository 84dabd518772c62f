//! Images that nobody needs any more go, some time later.
//!
//! Several instances may have the engine in common, and none knows what the others need: so it is written down when each
//! image was needed last, by whomever. An instance that is away for longer gets its images anew when it is back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use jiff::{SignedDuration, Timestamp};
use provost_controller::EngineError;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::DirectEngine;
use crate::engine::Home;
use crate::place::replace;
use crate::trouble;

/// How long an image stays that nobody needs: a revision is taken back, an automation comes back.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// When each image was needed last, by its digest.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct LastNeeded(BTreeMap<String, Timestamp>);

impl LastNeeded {
    /// The same at `now`, when these images are there and those are needed; what has not been needed for too long is left
    /// out. An image that nobody has spoken of before counts as needed: it has just come.
    fn at(&self, now: Timestamp, there: impl Iterator<Item = String>, needed: &BTreeSet<String>) -> Self {
        let last = |image: &String| match self.0.get(image) {
            Some(last) if !needed.contains(image) => *last,
            _ => now,
        };
        let dated = there.map(|image| (last(&image), image));
        Self(dated.filter(|(last, _)| now.duration_since(*last) <= KEPT).map(|(last, image)| (image, last)).collect())
    }
}

impl DirectEngine {
    /// How many are gone.
    pub(crate) async fn keep(&self, needed: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        self.home.present()?;
        let (home, needed) = (Arc::clone(&self.home), needed.clone());
        let done = spawn_blocking(move || home.keep(&needed, now)).await;
        done.unwrap_or_else(|error| Err(trouble::around(DOING, &io::Error::other(error))))
    }
}

const DOING: &str = "take away images that nobody needs";

impl Home {
    /// What a container is made of stays, whosever it is.
    fn keep(&self, names: &BTreeSet<String>, now: Timestamp) -> Result<usize, EngineError> {
        let mut needed: BTreeSet<String> = self.all()?.into_iter().map(|found| found.made.image).collect();
        // A name that makes no sense is told where the container is made that has it.
        let found = names.iter().filter_map(|name| self.images.find(name).ok().flatten());
        needed.extend(found.map(|image| image.digest.to_string()));
        let before = self.last_needed();
        let mut after = LastNeeded::default();
        let collected = self.images.collect_by(|listed| {
            after = before.at(now, listed.iter().map(|image| image.digest.to_string()), &needed);
            let stays = listed.iter().filter(|image| after.0.contains_key(&image.digest.to_string()));
            stays.map(|image| image.digest.clone()).collect()
        });
        let gone = collected.map_err(|error| trouble::of_store(DOING, &error))?.images;
        let file = self.last_needed_file();
        // Another instance may write it too.
        let draft = file.with_extension(format!("{}.new", std::process::id()));
        replace(&file, &draft, &after).map_err(|error| trouble::around(DOING, &error))?;
        Ok(gone)
    }

    /// A file that is broken, or not there, makes all of them young.
    fn last_needed(&self) -> LastNeeded {
        let text = fs::read(self.last_needed_file()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn last_needed_file(&self) -> PathBuf {
        self.folder().join("images-needed.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    #[test]
    fn an_image_goes_when_nobody_has_needed_it_for_thirty_days() {
        let there = || ["a", "b", "c"].into_iter().map(str::to_owned);
        let needs = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let dates = |last: &LastNeeded| last.0.iter().map(|(image, at)| (image.clone(), *at)).collect::<Vec<_>>();
        let first = LastNeeded::default().at(at(1), there().take(2), &needs(&["a"]));
        assert_eq!(dates(&first), [("a".to_owned(), at(1)), ("b".to_owned(), at(1))], "all have just come");
        let second = first.at(at(31), there(), &needs(&["a"]));
        assert_eq!(dates(&second).len(), 3, "thirty days are not over");
        let third = second.at(at(32), there(), &needs(&["a"]));
        assert_eq!(dates(&third), [("a".to_owned(), at(32)), ("c".to_owned(), at(31))]);
        // The clock was set back.
        assert_eq!(dates(&third.at(at(2), there(), &needs(&[]))).len(), 3);
    }
}
