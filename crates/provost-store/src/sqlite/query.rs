//! Questions about the past, as SQL. Each is answered from an index; `tests` below look at SQLite's own plan.

use std::collections::BTreeSet;

use provost_controller::{FactQuery, OutcomeQuery, RunQuery};
use provost_model::{DueOutcome, Name, Recorded, RunRecord};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::about::REVISION_KINDS;
use crate::sqlite::columns::{damaged, decode, instant, number, timestamp};
use crate::sqlite::rows::{OUTCOME_COLUMNS, outcome_of};

/// A `SELECT` that grows by its conditions.
struct Select {
    text: String,
    values: Vec<Value>,
}

impl Select {
    fn from(columns: &str, table: &str) -> Self {
        Self { text: format!("SELECT {columns} FROM {table} WHERE 1"), values: Vec::new() }
    }

    /// Adds `condition`, in which each `?` stands for `value`, if there is a value.
    fn and(mut self, condition: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.values.push(value.into());
            self.text += " AND ";
            self.text += &condition.replace('?', &format!("?{}", self.values.len()));
        }
        self
    }

    /// Keeps what comes behind `place`, in the falling order of two columns.
    fn behind(mut self, columns: [&str; 2], place: Option<(i64, String)>) -> Self {
        if let Some((first, second)) = place {
            self.values.extend([Value::Integer(first), Value::Text(second)]);
            let ([one, two], last) = (columns, self.values.len());
            // The first condition alone leads into the index.
            self.text += &format!(" AND {one} <= ?{} AND ({one}, {two}) < (?{}, ?{last})", last - 1, last - 1);
        }
        self
    }

    fn end(mut self, order: &str, limit: usize) -> Self {
        self.values.push(Value::Integer(number(limit)));
        self.text += &format!(" ORDER BY {order} LIMIT ?{}", self.values.len());
        self
    }

    fn all<T>(self, db: &Connection, of_row: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
        let mut statement = db.prepare_cached(&self.text)?;
        let rows = statement.query_map(params_from_iter(self.values), |row| of_row(row))?;
        rows.collect()
    }
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Returns runs, youngest due first.
pub(crate) fn runs(db: &Connection, query: &RunQuery) -> rusqlite::Result<Vec<RunRecord>> {
    select_runs(query).all(db, |row| decode(row, 0))
}

fn select_runs(query: &RunQuery) -> Select {
    // With `+` no index is looked for: one automation's index holds the outcomes too, and has fewer rows than all the
    // runs of one outcome.
    let outcome = if query.automation.is_some() { "+outcome = ?" } else { "outcome = ?" };
    Select::from("json", "runs")
        .and("automation = ?", text(query.automation.as_ref()))
        .and(outcome, text(query.outcome.map(|outcome| outcome.word())))
        .and("due < ?", query.before.map(instant))
        .and("due >= ?", query.since.map(instant))
        .behind(["due", "run"], query.behind.as_ref().map(|(due, run)| (instant(*due), run.to_string())))
        .end("due DESC, run DESC", query.limit)
}

/// Returns the run with `id`.
pub(crate) fn run(db: &Connection, id: &str) -> rusqlite::Result<Option<RunRecord>> {
    db.prepare_cached("SELECT json FROM runs WHERE run = ?1")?.query_row([id], |row| decode(row, 0)).optional()
}

/// Returns outcomes of due times, youngest first.
pub(crate) fn outcomes(db: &Connection, query: &OutcomeQuery) -> rusqlite::Result<Vec<DueOutcome>> {
    select_outcomes(query).all(db, outcome_of)
}

fn select_outcomes(query: &OutcomeQuery) -> Select {
    Select::from(OUTCOME_COLUMNS, "outcomes")
        .and("automation = ?", text(query.automation.as_ref()))
        .and("last >= ?", query.since.map(instant))
        .behind(["last", "automation"], query.behind.as_ref().map(|(last, name)| (instant(*last), name.to_string())))
        .end("last DESC, automation DESC", query.limit)
}

/// Returns the automations that history tells of.
pub(crate) fn automations(db: &Connection) -> rusqlite::Result<BTreeSet<Name>> {
    let sql = "SELECT automation FROM facts WHERE automation IS NOT NULL
               UNION SELECT automation FROM runs UNION SELECT automation FROM outcomes";
    let mut statement = db.prepare_cached(sql)?;
    let names = statement.query_map((), |row| row.get::<_, String>(0))?;
    names.map(|name| Name::new(&name?).map_err(|e| damaged(0, e))).collect()
}

/// Returns facts in their order.
pub(crate) fn facts(db: &Connection, query: &FactQuery) -> rusqlite::Result<Vec<Recorded>> {
    let mut found = select_facts(query).all(db, recorded_of)?;
    if query.tail {
        found.reverse();
    }
    Ok(found)
}

/// Facts are in the order of `seq`. That of `at` may differ, where the clock stepped back; `latest` never does, so it
/// leads to the first fact that can be meant.
const SINCE: &str = "at >= ? AND seq >= coalesce(
    (SELECT seq FROM facts WHERE latest >= ? ORDER BY latest, seq LIMIT 1), 9223372036854775807)";

fn select_facts(query: &FactQuery) -> Select {
    let kinds = format!("kind IN ('{}') AND seq > ?", REVISION_KINDS.join("', '"));
    Select::from("seq, at, json", "facts")
        .and("seq > ?", Some(number(query.after_seq)))
        .and("seq < ?", query.before_seq.map(number))
        .and("run = ?", text(query.run.as_ref()))
        .and("automation = ?", text(query.automation.as_ref()))
        .and("event = ?", text(query.event.as_ref()))
        .and(&kinds, query.revisions_only.then_some(0))
        .and(SINCE, query.since.map(instant))
        .end(if query.tail { "seq DESC" } else { "seq" }, query.limit)
}

/// The fact in a row of `seq, at, json`.
pub(crate) fn recorded_of(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    let seq: i64 = row.get(0)?;
    Ok(Recorded { seq: u64::try_from(seq).unwrap_or_default(), at: timestamp(row.get(1)?), fact: decode(row, 2)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::sqlite::migrations::{STEPS, migrate};
    use jiff::Timestamp;
    use provost_model::{EventId, Name, Outcome, RunId};

    fn plan_of(db: &Connection, select: Select) -> String {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", select.text)).unwrap();
        let lines = statement.query_map(params_from_iter(select.values), |row| row.get::<_, String>(3)).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    /// The plan must go through `index`, in its order, and sort or scan nothing.
    fn check(select: Select, index: &str) {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, STEPS, &Place::new("memory")).unwrap();
        let text = select.text.clone();
        let plan = plan_of(&db, select);
        assert!(plan.contains(index), "{text}\nis not answered from {index}:\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{text}\nsorts:\n{plan}");
        assert!(
            !plan.lines().any(|line| line.starts_with("SCAN") && !line.contains("INDEX")),
            "{text}\nscans:\n{plan}"
        );
    }

    fn name() -> Option<Name> {
        Some(Name::new("nightly").unwrap())
    }

    fn now() -> Option<Timestamp> {
        Some(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn runs_come_from_an_index() {
        let all = RunQuery { limit: 50, ..RunQuery::default() };
        check(select_runs(&all), "runs_by_due");
        check(select_runs(&RunQuery { since: now(), before: now(), ..all.clone() }), "runs_by_due");
        check(select_runs(&RunQuery { automation: name(), ..all.clone() }), "runs_by_automation");
        check(select_runs(&RunQuery { automation: name(), before: now(), ..all.clone() }), "runs_by_automation");
        check(select_runs(&RunQuery { outcome: Some(Outcome::Failed), ..all.clone() }), "runs_by_outcome");
        let behind = Some((Timestamp::UNIX_EPOCH, provost_model::RunId::parse("a.1").unwrap()));
        check(select_runs(&RunQuery { behind: behind.clone(), ..all.clone() }), "runs_by_due");
        check(select_runs(&RunQuery { automation: name(), behind, ..all.clone() }), "runs_by_automation");
        let both = RunQuery { automation: name(), outcome: Some(Outcome::Failed), ..all };
        check(select_runs(&both), "runs_by_automation");
    }

    #[test]
    fn outcomes_come_from_an_index() {
        let all = OutcomeQuery { limit: 50, ..OutcomeQuery::default() };
        check(select_outcomes(&all), "outcomes_by_last");
        check(select_outcomes(&OutcomeQuery { since: now(), ..all.clone() }), "outcomes_by_last");
        let behind = Some((Timestamp::UNIX_EPOCH, Name::new("a").unwrap()));
        check(select_outcomes(&OutcomeQuery { behind, ..all.clone() }), "outcomes_by_last");
        check(select_outcomes(&OutcomeQuery { automation: name(), ..all.clone() }), "PRIMARY KEY (automation=?)");
        let since = OutcomeQuery { automation: name(), since: now(), ..all };
        check(select_outcomes(&since), "PRIMARY KEY (automation=? AND last>?)");
    }

    #[test]
    fn facts_come_from_an_index() {
        let run = RunId::scheduled(&name().unwrap(), Timestamp::UNIX_EPOCH);
        for tail in [false, true] {
            let all = FactQuery { limit: 50, tail, ..FactQuery::default() };
            check(select_facts(&all), "INTEGER PRIMARY KEY (rowid>?)");
            check(select_facts(&FactQuery { since: now(), ..all.clone() }), "facts_by_latest");
            check(select_facts(&FactQuery { run: Some(run.clone()), ..all.clone() }), "facts_by_run");
            check(select_facts(&FactQuery { automation: name(), ..all.clone() }), "facts_by_automation");
            let event = EventId::parse("e1").ok();
            check(select_facts(&FactQuery { event, ..all.clone() }), "facts_by_event");
            check(select_facts(&FactQuery { revisions_only: true, ..all }), "facts_of_revisions");
        }
    }
}
