//! A batch as rows, made outside of the writer, and written by it.

use jiff::Timestamp;
use provost_controller::{Batch, StoreError};
use provost_model::{DueOutcome, DueVerdict, Recorded, RunRecord};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::{Map, Value};

use crate::about::{About, kind_of};
use crate::sqlite::columns::{damaged, encode, instant, number, timestamp};

/// A batch that is ready to be written.
pub(crate) struct Rows {
    facts: Vec<FactRow>,
    runs: Vec<RunRow>,
    outcomes: Vec<DueOutcome>,
}

struct FactRow {
    seq: u64,
    at: i64,
    kind: &'static str,
    about: About,
    json: String,
}

struct RunRow {
    record: RunRecord,
    json: String,
}

/// Where the facts end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The last fact.
    pub seq: u64,
    /// The latest instant at which one was recorded.
    pub latest: i64,
}

impl Rows {
    /// The rows of `batch`.
    pub fn of(batch: Batch) -> rusqlite::Result<Self> {
        Ok(Self {
            facts: batch.facts.iter().map(FactRow::of).collect::<Result<_, _>>()?,
            runs: batch.runs.into_iter().map(RunRow::of).collect::<Result<_, _>>()?,
            outcomes: batch.outcomes,
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.facts.len() + self.runs.len() + self.outcomes.len()
    }

    /// Where the facts end once these are written after `end`.
    ///
    /// Errors: [`StoreError::Gap`] if they do not follow on it.
    pub fn extend(&self, end: End) -> Result<End, StoreError> {
        self.facts.iter().try_fold(end, |end, fact| {
            if fact.seq != end.seq + 1 {
                return Err(StoreError::Gap { last: end.seq, got: fact.seq });
            }
            Ok(End { seq: fact.seq, latest: end.latest.max(fact.at) })
        })
    }

    /// Writes the rows; facts are after `end`.
    pub fn write(&self, tx: &Transaction<'_>, end: End) -> rusqlite::Result<()> {
        let mut latest = end.latest;
        for fact in &self.facts {
            latest = latest.max(fact.at);
            fact.write(tx, latest)?;
        }
        for run in &self.runs {
            run.write(tx)?;
        }
        for outcome in &self.outcomes {
            write_outcome(tx, outcome)?;
        }
        Ok(())
    }
}

impl FactRow {
    fn of(recorded: &Recorded) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: recorded.seq,
            at: instant(recorded.at),
            kind: kind_of(&recorded.fact),
            about: About::of(&recorded.fact),
            json: encode(&recorded.fact)?,
        })
    }

    fn write(&self, tx: &Transaction<'_>, latest: i64) -> rusqlite::Result<()> {
        let event = self.about.event.as_ref().map(|id| id.as_str());
        let (mut run, mut automation) = (self.about.run.as_ref().map(|id| id.to_string()), None);
        if self.about.follows() {
            (run, automation) = first_of_event(tx, event)?;
        }
        let automation = self.about.automation.as_ref().map(|name| name.to_string()).or(automation);
        let sql = "INSERT INTO facts (seq, at, latest, kind, run, automation, event, json)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let row = params![number(self.seq), self.at, latest, self.kind, run, automation, event, self.json];
        tx.prepare_cached(sql)?.execute(row).map(drop)
    }
}

type RunAndAutomation = (Option<String>, Option<String>);

fn first_of_event(tx: &Transaction<'_>, event: Option<&str>) -> rusqlite::Result<RunAndAutomation> {
    let sql = "SELECT run, automation FROM facts WHERE event = ?1 ORDER BY seq LIMIT 1";
    let found = tx.prepare_cached(sql)?.query_row([event], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.unwrap_or_default())
}

impl RunRow {
    fn of(record: RunRecord) -> rusqlite::Result<Self> {
        Ok(Self { json: encode(&record)?, record })
    }

    fn write(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let Self { record, json } = self;
        let sql = "INSERT INTO runs (run, automation, due, began, ended, outcome, json)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (run) DO UPDATE SET
                       due = excluded.due, began = excluded.began, ended = excluded.ended,
                       outcome = excluded.outcome, json = excluded.json";
        tx.prepare_cached(sql)?
            .execute(params![
                record.run.as_str(),
                record.automation.as_str(),
                instant(record.due),
                record.began_at.map(instant),
                record.ended_at.map(instant),
                record.outcome.map(|outcome| outcome.word()),
                json,
            ])
            .map(drop)
    }
}

/// Writes `outcome`. The first outcome of a due time stands (D1).
fn write_outcome(tx: &Transaction<'_>, outcome: &DueOutcome) -> rusqlite::Result<()> {
    let verdict = serde_json::to_value(&outcome.verdict).unwrap_or_default();
    let part = |key: &str| verdict.get(key).and_then(Value::as_str);
    let sql = "INSERT INTO outcomes (automation, due, last, count, verdict, reason, detail, run, at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    let written = tx.prepare_cached(sql)?.execute(params![
        outcome.automation.as_str(),
        instant(outcome.due),
        instant(outcome.last),
        number(outcome.count),
        part("verdict"),
        part("reason"),
        part("detail"),
        part("run"),
        instant(outcome.at),
    ])?;
    if written == 0 {
        warn_of_second(&outcome.automation, outcome.last);
    }
    Ok(())
}

/// Says that a due time got a second outcome, which is a defect of whoever settled it.
pub(crate) fn warn_of_second(automation: &provost_model::Name, due: Timestamp) {
    tracing::warn!(%automation, %due, "this due time has an outcome already; the first one stands");
}

/// The outcome in a row of [`OUTCOME_COLUMNS`].
pub(crate) fn outcome_of(row: &Row<'_>) -> rusqlite::Result<DueOutcome> {
    let names = ["verdict", "reason", "detail", "run"];
    let mut parts = Map::new();
    for (name, column) in names.into_iter().zip(4..) {
        if let Some(part) = row.get::<_, Option<String>>(column)? {
            parts.insert(name.to_owned(), Value::String(part));
        }
    }
    let verdict: DueVerdict = serde_json::from_value(Value::Object(parts)).map_err(|e| damaged(4, e))?;
    let automation: String = row.get(0)?;
    Ok(DueOutcome {
        automation: provost_model::Name::new(automation).map_err(|e| damaged(0, e))?,
        due: timestamp(row.get(1)?),
        last: timestamp(row.get(2)?),
        count: u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
        verdict,
        at: timestamp(row.get(8)?),
    })
}

/// What [`outcome_of`] reads, in its order.
pub(crate) const OUTCOME_COLUMNS: &str = "automation, due, last, count, verdict, reason, detail, run, at";
