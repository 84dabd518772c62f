//! Values as columns hold them, and back.

use jiff::Timestamp;
use rusqlite::ErrorCode;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Nanoseconds since 1970; what lies outside of 1677 to 2262 becomes the end of that range.
pub(crate) fn instant(at: Timestamp) -> i64 {
    let end = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(end)
}

/// The instant that [`instant`] made a number of.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

/// A count as SQLite holds it.
pub(crate) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// JSON for a column.
pub(crate) fn encode(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// A value of the JSON in `column`.
pub(crate) fn decode<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|e| damaged(column, e))
}

/// `column` holds something that does not belong there.
pub(crate) fn damaged(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// Why SQLite refused, and how to mend it where that is known.
pub(crate) fn why(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full: free some space on it".to_owned(),
        Some(ErrorCode::ReadOnly) => "it may not be written to: check its owner and mode".to_owned(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("{error}: the file is damaged, restore it from a backup")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_nanoseconds_and_their_order() {
        let at: Timestamp = "2026-11-20T02:00:00.123456789Z".parse().unwrap();
        assert_eq!(timestamp(instant(at)), at);
        assert_eq!(instant(Timestamp::MAX), i64::MAX);
        assert_eq!(instant(Timestamp::MIN), i64::MIN);
        assert!(instant(Timestamp::UNIX_EPOCH) < instant(at));
    }
}
