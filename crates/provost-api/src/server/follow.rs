//! Telling output: what is kept, then what comes.
//!
//! The two overlap, and a reader may be slower than a container: lines that the channel of new ones has lost are read
//! from the store again. So, once something has been told, a line of the same identity (when, where, what) is not told
//! again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use provost_controller as controller;
use provost_model::{Name, Owner, Recorded, RunId, RunRecord};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Shared;
use super::lines::{Gone, Lines};
use super::logs::youngest_runs;
use super::runs::is_end_of;
use crate::convert::{automation_of, log_line};
use crate::wire::{LogLine, LogsQuery};

/// How many lines are read at once.
const PAGE: usize = 1000;

/// How many of the youngest lines are known by identity: more than the channel of new ones holds.
const KNOWN_MAX: usize = 16 * 1024;

/// How far before the last line that was read a second reading begins: steps that run side by side are merged by time,
/// so a late line may come before it.
const OVERLAP: usize = 1000;

type Output = Receiver<(Owner, controller::LogLine)>;
type Facts = Receiver<Arc<Recorded>>;

/// Whose output is told.
pub(super) enum Wanted {
    /// Of one run, until it is over.
    Run(RunId),
    /// Of every run of one automation, without end.
    Automation(Name),
}

/// Tells output to one reader.
pub(super) struct Follower {
    shared: Shared,
    wanted: Wanted,
    query: LogsQuery,
    lines: Lines,
    known: Known,
    /// How many lines of each run were seen.
    seen: BTreeMap<RunId, usize>,
    /// Runs that were due before are not told.
    from: Option<Timestamp>,
    /// New lines are told already, so that what is read may have been told.
    follows: bool,
}

impl Follower {
    pub(super) fn new(shared: Shared, wanted: Wanted, query: LogsQuery, lines: Lines) -> Self {
        let (known, seen) = (Known::default(), BTreeMap::new());
        Self { shared, wanted, query, lines, known, seen, from: None, follows: false }
    }

    /// Tells what is kept of `runs`, oldest first, and then, if that is asked for, what comes.
    pub(super) async fn tell(mut self, runs: Vec<RunRecord>, output: Output, facts: Facts) -> Result<(), Gone> {
        self.from = runs.iter().map(|run| run.due).min();
        let is_over = runs.iter().all(|run| run.ended_at.is_some());
        self.tell_kept(runs.into_iter().map(|run| run.run).collect()).await?;
        let goes_on = matches!(self.wanted, Wanted::Automation(_)) || !is_over;
        if self.query.follow && goes_on { self.follow(output, facts).await } else { Ok(()) }
    }

    /// Tells what is kept of `runs`: all of it, or the youngest lines.
    async fn tell_kept(&mut self, runs: Vec<RunId>) -> Result<(), Gone> {
        let Some(tail) = self.query.tail else {
            return self.tell_new(runs).await;
        };
        let mut youngest = VecDeque::new();
        for run in &runs {
            while let Some(page) = self.next_page(run, 0).await? {
                for line in page {
                    youngest.push_back(line);
                    if youngest.len() > tail {
                        youngest.pop_front();
                    }
                }
            }
        }
        for line in youngest {
            self.lines.send(&line).await?;
        }
        Ok(())
    }

    /// Tells the lines of `runs` in the store that were not told.
    async fn tell_new(&mut self, runs: Vec<RunId>) -> Result<(), Gone> {
        for run in runs {
            let mut back = OVERLAP;
            while let Some(page) = self.next_page(&run, back).await? {
                back = 0;
                for line in page {
                    self.lines.send(&line).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the next lines of `run` that are wanted and new, from `back` lines before those that were seen; nothing
    /// once all were read.
    async fn next_page(&mut self, run: &RunId, back: usize) -> Result<Option<Vec<LogLine>>, Gone> {
        let seen = self.seen.get(run).copied().unwrap_or(0);
        let skip = seen.saturating_sub(back);
        let limit = PAGE + (seen - skip);
        let read = self.shared.controller.logs().read(&Owner::Run(run.clone()), skip, limit).await;
        let read = self.lines.checked(read).await?;
        let is_end = skip + read.len() <= seen;
        let is_first = !self.follows;
        self.seen.insert(run.clone(), seen.max(skip + read.len()));
        let mut new = Vec::new();
        for line in read.into_iter().map(|line| log_line(run.as_str(), line)) {
            let is_new = self.known.is_new(&line) || is_first;
            if is_new && is_wanted(&self.query, &line) {
                new.push(line);
            }
        }
        Ok(if is_end && new.is_empty() { None } else { Some(new) })
    }

    async fn follow(mut self, mut output: Output, mut facts: Facts) -> Result<(), Gone> {
        self.follows = true;
        loop {
            tokio::select! {
                line = output.recv() => match line {
                    Ok((Owner::Run(run), line)) if self.is_about(&run) => self.tell_line(&run, line).await?,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(RecvError::Closed) => return Err(self.lines.break_off("the server shuts down").await),
                },
                fact = facts.recv() => match fact {
                    Ok(recorded) => if self.is_last(&recorded) {
                        return self.catch_up().await;
                    },
                    Err(RecvError::Lagged(_)) => if self.is_over().await? {
                        return self.catch_up().await;
                    },
                    Err(RecvError::Closed) => return Err(self.lines.break_off("the server shuts down").await),
                },
                () = self.lines.closed() => return Ok(()),
                () = self.shared.stop.cancelled() => return Err(self.lines.break_off("the server shuts down").await),
            }
        }
    }

    async fn tell_line(&mut self, run: &RunId, line: controller::LogLine) -> Result<(), Gone> {
        let line = log_line(run.as_str(), line);
        if !self.known.is_new(&line) {
            return Ok(());
        }
        *self.seen.entry(run.clone()).or_default() += 1;
        if is_wanted(&self.query, &line) { self.lines.send(&line).await } else { Ok(()) }
    }

    /// Tells what is in the store and was not told.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        let runs = match &self.wanted {
            Wanted::Run(run) => vec![run.clone()],
            Wanted::Automation(name) => {
                let youngest = youngest_runs(&self.shared, name).await;
                let youngest = self.lines.checked(youngest).await?.into_iter().rev();
                let told = youngest.filter(|run| self.from.is_none_or(|from| run.due >= from));
                told.map(|run| run.run).collect()
            }
        };
        self.tell_new(runs).await
    }

    fn is_about(&self, run: &RunId) -> bool {
        match &self.wanted {
            Wanted::Run(wanted) => wanted == run,
            Wanted::Automation(name) => automation_of(run).as_ref() == Some(name),
        }
    }

    fn is_last(&self, recorded: &Recorded) -> bool {
        matches!(&self.wanted, Wanted::Run(run) if is_end_of(recorded, run))
    }

    async fn is_over(&self) -> Result<bool, Gone> {
        let Wanted::Run(run) = &self.wanted else {
            return Ok(false);
        };
        let record = self.shared.controller.store().run(run).await;
        let record = self.lines.checked(record).await?;
        Ok(record.is_none_or(|record| record.ended_at.is_some()))
    }
}

pub(super) fn is_wanted(query: &LogsQuery, line: &LogLine) -> bool {
    query.since.is_none_or(|since| line.at >= since)
        && query.until.is_none_or(|until| line.at < until)
        && query.step.as_ref().is_none_or(|step| line.step == *step)
}

/// The youngest lines that were seen, by identity.
#[derive(Default)]
struct Known {
    lines: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Known {
    /// Whether `line` was not seen among the youngest; it is from now on.
    fn is_new(&mut self, line: &LogLine) -> bool {
        let mut hasher = DefaultHasher::new();
        let is_error = line.stream == crate::wire::OutputStream::Stderr;
        (&line.run, &line.step, is_error, line.at, &line.text).hash(&mut hasher);
        let identity = hasher.finish();
        if !self.lines.insert(identity) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.lines.remove(&oldest);
        }
        true
    }
}
