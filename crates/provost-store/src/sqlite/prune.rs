//! Retention: what history does not keep goes, in transactions short enough that appends go on between them.

use provost_controller::{PruneOrder, Pruned};
use provost_model::RunId;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::about::kept_kinds;
use crate::sqlite::columns::{damaged, instant};
use crate::sqlite::snapshot::covered;

/// How many runs, or facts, or outcomes, go in one transaction.
const PIECE: i64 = 1000;

/// Begins to carry out an order: returns what was said to go before the last start, to be said once more.
pub(crate) fn begin(db: &mut Connection, order: &PruneOrder) -> rusqlite::Result<Pruned> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let automation = name_of(order);
    // What was said since the start was heard: here is the next order.
    tx.execute("DELETE FROM gone WHERE automation = ?1 AND owed = 0", [automation])?;
    let owed =
        |whole: bool| runs_of(&tx, "SELECT run FROM gone WHERE automation = ?1 AND whole = ?2", (automation, whole));
    let pruned = Pruned { runs: owed(true)?, logs: owed(false)? };
    tx.execute("UPDATE gone SET owed = 0 WHERE automation = ?1", [automation])?;
    tx.commit()?;
    Ok(pruned)
}

/// From now on, what was said to go before is owed: whoever was told may have crashed before removing it.
pub(crate) fn owe_again(db: &Connection) -> rusqlite::Result<()> {
    db.execute("UPDATE gone SET owed = 1 WHERE owed = 0", ()).map(drop)
}

/// Lets one piece go. Returns what went, and whether there may be more.
pub(crate) fn prune_piece(db: &mut Connection, order: &PruneOrder) -> rusqlite::Result<(Pruned, bool)> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut pruned = Pruned { runs: forget_runs(&tx, order)?, logs: Vec::new() };
    // Output, facts and outcomes only once all the runs are gone that they are of.
    let mut is_more = is_full(pruned.runs.len());
    if !is_more {
        pruned.logs = forget_logs(&tx, order)?;
        is_more = is_full(pruned.logs.len());
    }
    is_more = is_more || is_full(forget_facts(&tx, order)?) || is_full(forget_outcomes(&tx, order)?);
    tx.commit()?;
    Ok((pruned, is_more))
}

fn is_full(count: usize) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= PIECE)
}

fn forget_runs(tx: &Transaction<'_>, order: &PruneOrder) -> rusqlite::Result<Vec<RunId>> {
    let sql = "SELECT run FROM
                   (SELECT run, ended FROM runs WHERE automation = ?1 AND ended IS NOT NULL
                    ORDER BY due DESC, run DESC LIMIT -1 OFFSET ?2)
               WHERE ended < ?3 LIMIT ?4";
    let key = (name_of(order), order.keep_last, instant(order.runs_before), PIECE);
    let runs = runs_of(tx, sql, key)?;
    for run in &runs {
        tx.prepare_cached("DELETE FROM runs WHERE run = ?1")?.execute([run.as_str()])?;
    }
    remember_gone(tx, order, &runs, true)?;
    Ok(runs)
}

fn forget_logs(tx: &Transaction<'_>, order: &PruneOrder) -> rusqlite::Result<Vec<RunId>> {
    let sql = "SELECT run FROM runs WHERE automation = ?1 AND logs = 1 AND ended IS NOT NULL AND ended < ?2 LIMIT ?3";
    let runs = runs_of(tx, sql, (name_of(order), instant(order.logs_before), PIECE))?;
    for run in &runs {
        tx.prepare_cached("UPDATE runs SET logs = 0 WHERE run = ?1")?.execute([run.as_str()])?;
    }
    remember_gone(tx, order, &runs, false)?;
    Ok(runs)
}

fn remember_gone(tx: &Transaction<'_>, order: &PruneOrder, runs: &[RunId], whole: bool) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO gone (run, automation, whole) VALUES (?1, ?2, ?3)";
    for run in runs {
        tx.prepare_cached(sql)?.execute((run.as_str(), name_of(order), whole))?;
    }
    Ok(())
}

/// Forgets facts that no fold needs and that are of no run that is kept.
fn forget_facts(tx: &Transaction<'_>, order: &PruneOrder) -> rusqlite::Result<usize> {
    // From this fact on all are too young to go; they are not even looked at.
    let sql =
        "SELECT coalesce((SELECT seq FROM facts WHERE latest >= ?1 ORDER BY latest, seq LIMIT 1), 9223372036854775807)";
    let recent: i64 = tx.query_row(sql, [instant(order.runs_before)], |row| row.get(0))?;
    // Two conditions, since each has an index of its own.
    let is_meant = if order.automation.is_some() { "automation = ?1" } else { "automation IS NULL AND ?1 IS NULL" };
    let sql = format!(
        "DELETE FROM facts WHERE seq IN
             (SELECT seq FROM facts
              WHERE {is_meant} AND seq <= ?2 AND kind NOT IN ('{}')
                AND (run IS NULL OR NOT EXISTS (SELECT 1 FROM runs WHERE runs.run = facts.run))
              LIMIT ?3)",
        kept_kinds().collect::<Vec<_>>().join("', '")
    );
    let last = covered(tx)?.min(recent.saturating_sub(1));
    tx.prepare_cached(&sql)?.execute((name_of(order), last, PIECE))
}

fn forget_outcomes(tx: &Transaction<'_>, order: &PruneOrder) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM outcomes WHERE automation = ?1 AND last IN
                   (SELECT last FROM outcomes WHERE automation = ?1 AND last < ?2
                      AND (run IS NULL OR NOT EXISTS (SELECT 1 FROM runs WHERE runs.run = outcomes.run))
                    LIMIT ?3)";
    tx.prepare_cached(sql)?.execute((name_of(order), instant(order.runs_before), PIECE))
}

fn runs_of(tx: &Transaction<'_>, sql: &str, key: impl rusqlite::Params) -> rusqlite::Result<Vec<RunId>> {
    let mut statement = tx.prepare_cached(sql)?;
    let texts = statement.query_map(key, |row| row.get::<_, String>(0))?;
    texts.map(|text| RunId::parse(text?).map_err(|e| damaged(0, e))).collect()
}

/// The automation, as the tables have it. No run and no outcome is about none, so that nothing equals it there.
fn name_of(order: &PruneOrder) -> Option<&str> {
    order.automation.as_ref().map(|name| name.as_str())
}
