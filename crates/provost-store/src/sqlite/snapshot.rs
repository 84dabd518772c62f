//! Snapshots of the state, and the fold that goes on from one.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use provost_model::State;
use rusqlite::{Connection, TransactionBehavior};

use crate::fold::fold;
use crate::sqlite::columns::number;
use crate::sqlite::query::recorded_of;

/// How many snapshots are kept: the last, and the one before, should the last be unreadable.
const KEPT: i64 = 2;

/// Compresses `bytes`, quickly rather than well.
pub(crate) fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Returns what [`compress`] was given.
pub(crate) fn decompress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    DeflateDecoder::new(bytes).read_to_end(&mut whole)?;
    Ok(whole)
}

/// Keeps `state`, compressed JSON of the state at `seq`, and forgets older ones.
pub(crate) fn keep(db: &mut Connection, seq: u64, state: &[u8]) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute("INSERT OR REPLACE INTO snapshots (seq, state) VALUES (?1, ?2)", (number(seq), state))?;
    tx.execute(
        "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?1)",
        [KEPT],
    )?;
    tx.commit()
}

/// The facts up to this one are in every snapshot that is kept: no fold needs them. 0 without a snapshot.
pub(crate) fn covered(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(min(seq), 0) FROM snapshots", (), |row| row.get(0))
}

/// Returns the state: the last snapshot that can be read, with every later fact folded in.
pub(crate) fn load(db: &Connection) -> rusqlite::Result<State> {
    // One transaction, so that snapshot and facts are of one moment.
    let tx = db.unchecked_transaction()?;
    let mut state = last_readable(&tx)?;
    let mut facts = tx.prepare("SELECT seq, at, json FROM facts WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = facts.query([number(state.seq)])?;
    while let Some(row) = rows.next()? {
        fold(&mut state, &recorded_of(row)?);
    }
    Ok(state)
}

fn last_readable(db: &Connection) -> rusqlite::Result<State> {
    let mut snapshots = db.prepare("SELECT seq, state FROM snapshots ORDER BY seq DESC")?;
    let mut rows = snapshots.query(())?;
    while let Some(row) = rows.next()? {
        match parse(row.get_ref(1)?.as_blob()?) {
            Ok(state) => return Ok(state),
            Err(error) => {
                let seq: i64 = row.get(0)?;
                tracing::warn!(seq, %error, "a snapshot cannot be read; the facts are folded instead");
            }
        }
    }
    Ok(State::default())
}

fn parse(bytes: &[u8]) -> std::io::Result<State> {
    Ok(serde_json::from_slice(&decompress(bytes)?)?)
}
