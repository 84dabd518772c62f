//! The logs of an owner that is over, in one compressed file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::logs::reader::{ARCHIVE, Reader, STEP_SUFFIX, steps_in};
use crate::place::sync_folder;

/// Moves the logs in `folder` into its archive, but for the steps in `live`, which still write theirs.
///
/// At every moment each line is in a file that is read: the archive takes its name when it is whole and on the disk, and
/// only then the steps' files go.
pub(crate) fn archive(folder: &Path, live: &BTreeSet<String>) -> io::Result<()> {
    let steps = &steps_in(folder)? - live;
    if steps.is_empty() {
        return Ok(());
    }
    let unfinished = folder.join(format!("{ARCHIVE}.unfinished"));
    write(&unfinished, Reader::open(folder, live)?)?;
    std::fs::rename(&unfinished, folder.join(ARCHIVE))?;
    sync_folder(folder)?;
    for step in steps {
        std::fs::remove_file(folder.join(format!("{step}{STEP_SUFFIX}")))?;
    }
    Ok(())
}

fn write(path: &Path, mut lines: Reader) -> io::Result<()> {
    // The encoder takes large pieces: each of the many that JSON is written in costs it as much.
    let mut text = BufWriter::with_capacity(64 << 10, GzEncoder::new(File::create(path)?, Compression::default()));
    while let Some(line) = lines.next()? {
        serde_json::to_writer(&mut text, &line)?;
        text.write_all(b"\n")?;
    }
    text.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?.sync_all()
}
