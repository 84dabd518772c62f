//! The files of revisions, packed into one column.

use jiff::Timestamp;
use provost_controller::{Revision, SourceFile};
use provost_model::RevisionId;
use rusqlite::{Connection, Row, params};

use crate::sqlite::columns::{damaged, instant, timestamp};
use crate::sqlite::snapshot::{compress, decompress};

/// Keeps `revision`. One that is kept already stays as it is: its id says what is in it.
pub(crate) fn keep(db: &Connection, revision: &Revision, received_at: Timestamp) -> rusqlite::Result<()> {
    let files = compress(&pack(&revision.files)).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let sql = "INSERT INTO revisions (id, received_at, author, subject, at, signer, files)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let row = params![
        revision.id.as_str(),
        instant(received_at),
        revision.author,
        revision.subject,
        revision.at.map(instant),
        revision.signer,
        files,
    ];
    db.execute(sql, row).map(drop)
}

/// Returns the revision with `id`, or the only one whose id begins with it.
pub(crate) fn find(db: &Connection, id: &str) -> rusqlite::Result<Option<Revision>> {
    if id.is_empty() {
        return Ok(None);
    }
    // Ids are ASCII, so DEL is after every id that begins with `id`. The whole id comes before longer ones.
    let sql = "SELECT id, author, subject, at, signer, files FROM revisions
               WHERE id >= ?1 AND id < ?1 || char(127) ORDER BY id LIMIT 2";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query_map([id], revision_of)?.collect::<Result<Vec<_>, _>>()?;
    let is_meant = found.len() == 1 || found.first().is_some_and(|first| first.id.as_str() == id);
    Ok(is_meant.then(|| found.swap_remove(0)))
}

fn revision_of(row: &Row<'_>) -> rusqlite::Result<Revision> {
    let id: String = row.get(0)?;
    let packed = decompress(row.get_ref(5)?.as_blob()?).map_err(|e| damaged(5, e))?;
    Ok(Revision {
        id: RevisionId::parse(id).map_err(|e| damaged(0, e))?,
        author: row.get(1)?,
        subject: row.get(2)?,
        at: row.get::<_, Option<i64>>(3)?.map(timestamp),
        signer: row.get(4)?,
        files: unpack(&packed).ok_or_else(|| damaged(5, "the packed files end too early"))?,
    })
}

/// Each file as: length of the path, path, length of the content, content. Lengths are 8 bytes, least first.
fn pack(files: &[SourceFile]) -> Vec<u8> {
    let mut packed = Vec::new();
    for part in files.iter().flat_map(|file| [file.path.as_bytes(), &file.bytes]) {
        packed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        packed.extend_from_slice(part);
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Option<Vec<SourceFile>> {
    let mut files = Vec::new();
    while !packed.is_empty() {
        let path = String::from_utf8(take(&mut packed)?.to_vec()).ok()?;
        files.push(SourceFile { path, bytes: take(&mut packed)?.to_vec() });
    }
    Some(files)
}

fn take<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = packed.split_first_chunk::<8>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *packed = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_unpacked_as_they_were_packed_and_cut_ones_are_refused() {
        let file = |path: &str, bytes: &[u8]| SourceFile { path: path.to_owned(), bytes: bytes.to_vec() };
        let files = vec![file("a.yaml", b"kind: Policy"), file("ä/b", &[0, 255, 10]), file("empty", b"")];
        let packed = pack(&files);
        assert_eq!(unpack(&packed).unwrap(), files);
        assert_eq!(unpack(&packed[..packed.len() - 1]), None);
        assert_eq!(unpack(&[255; 9]), None);
    }
}
