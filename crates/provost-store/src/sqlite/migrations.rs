//! The formats of the database, as numbered steps from one to the next.

use provost_controller::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::place::Place;

/// Step `n` (from 1) leads from format `n - 1` to `n`. A step that was released is never changed.
pub(crate) const STEPS: &[&str] = &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Brings the database to the format that `steps` lead to; each step whole or not at all.
///
/// Errors: [`StoreError::TooNew`] if it is beyond them; it is not touched then.
pub(crate) fn migrate(db: &mut Connection, steps: &[&str], place: &Place) -> Result<(), StoreError> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let found: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|e| place.read(e))?;
    if found > known {
        return Err(StoreError::TooNew { place: place.path().display().to_string(), found, known });
    }
    for (format, step) in (1..=known).zip(steps).filter(|(format, _)| *format > found) {
        apply(db, format, step).map_err(|e| place.write(format!("format {format}: {e}")))?;
    }
    Ok(())
}

fn apply(db: &mut Connection, format: u32, step: &str) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(step)?;
    tx.pragma_update(None, "user_version", format)?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::new("test.db")
    }

    fn format_of(db: &Connection) -> u32 {
        db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    fn schema_of(db: &Connection) -> Vec<String> {
        let mut rows = db.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let schema = rows.query_map((), |row| row.get(0)).unwrap();
        schema.map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_format_ends_as_a_fresh_one() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, STEPS, &place()).unwrap();
        for earlier in 0..STEPS.len() {
            let mut db = Connection::open_in_memory().unwrap();
            migrate(&mut db, &STEPS[..earlier], &place()).unwrap();
            migrate(&mut db, STEPS, &place()).unwrap();
            assert_eq!(schema_of(&db), schema_of(&fresh), "from format {earlier}");
        }
        assert_eq!(format_of(&fresh) as usize, STEPS.len());
    }

    #[test]
    fn steps_are_applied_once_and_rows_stay() {
        let (first, second) = ("CREATE TABLE t (a TEXT) STRICT", "ALTER TABLE t ADD COLUMN b TEXT");
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, &[first], &place()).unwrap();
        db.execute("INSERT INTO t VALUES ('kept')", ()).unwrap();
        migrate(&mut db, &[first, second], &place()).unwrap();
        migrate(&mut db, &[first, second], &place()).unwrap();
        let kept: String = db.query_row("SELECT a FROM t WHERE b IS NULL", (), |row| row.get(0)).unwrap();
        assert_eq!((kept.as_str(), format_of(&db)), ("kept", 2));
    }

    #[test]
    fn a_step_that_fails_leaves_the_format_before_it() {
        let mut db = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE t (a TEXT) STRICT", "CREATE TABLE u (a TEXT) STRICT; nonsense"];
        let error = migrate(&mut db, &steps, &place()).unwrap_err();
        assert!(error.to_string().contains("test.db: format 2:"), "{error}");
        assert_eq!((format_of(&db), schema_of(&db).len()), (1, 1));
    }

    #[test]
    fn a_newer_format_is_refused_and_not_touched() {
        let mut db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut db, STEPS, &place()).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 99, known, .. } if known as usize == STEPS.len()));
        assert_eq!((format_of(&db), schema_of(&db).len()), (99, 0));
    }
}
