//! A list that only grows: each row carries the hash of the one before, so that none can be changed or
//! taken out without all after it being made anew.
//!
//! Who could write the whole file could make all of it anew, or cut off its end: keep the last hash
//! elsewhere from time to time (`meishier recordings verify` prints it).

use crate::RecordingError;
use crate::format::hex;
use meishier_model::{TapeId, Wall};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Most characters of a reason that are kept.
const REASON: usize = 500;
/// A row is shorter than this many bytes: a reason of four bytes a character, and the rest of it.
const ROW: u64 = 16 * 1024;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// From 1.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// What was done: `deleted`, `exported`, `held`, `released`.
    pub what: String,
    /// The recording.
    pub tape: String,
    /// SHA-256 of the recording's header, 64 hexadecimal digits.
    pub header: String,
    /// Who did it.
    pub by: String,
    /// By which rule, or why.
    pub why: String,
    /// The hash of the row before; of the first, 64 zeros.
    pub before: String,
    /// SHA-256 of this row with an empty hash, 64 hexadecimal digits.
    pub hash: String,
}

impl Row {
    fn hashed(&self) -> String {
        let bare = Self {
            hash: String::new(),
            ..self.clone()
        };
        hex(&Sha256::digest(
            serde_json::to_vec(&bare).unwrap_or_default(),
        ))
    }
}

/// Where a ledger is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Number of the line, from 1.
    pub line: u64,
}

/// The ledger in a file.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// The ledger in this file, which need not be there yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Adds a row and waits for the disk.
    ///
    /// # Errors
    /// [`RecordingError::File`]; nothing was added then.
    pub fn add(
        &self,
        at: Wall,
        (tape, header): (TapeId, &str),
        (what, by, why): (&str, &str, &str),
    ) -> Result<Row, RecordingError> {
        let add = || {
            let mut options = OpenOptions::new();
            let options = options.read(true).append(true).create(true).mode(0o600);
            let mut file = options.open(&self.path)?;
            // Another process may add at the same time; given back when the file is closed.
            file.lock()?;
            let last = last(&mut file)?;
            let mut row = Row {
                number: last.as_ref().map_or(1, |row| row.number + 1),
                at: at.0,
                what: what.to_owned(),
                tape: tape.to_string(),
                header: header.to_owned(),
                by: by.chars().take(REASON).collect(),
                why: why.chars().take(REASON).collect(),
                before: last.map_or_else(|| "0".repeat(64), |row| row.hash),
                hash: String::new(),
            };
            row.hash = row.hashed();
            let mut line = serde_json::to_vec(&row)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_all()?;
            Ok(row)
        };
        add().map_err(RecordingError::file(&self.path))
    }

    /// Every row, checked against the one before it; and where the chain breaks, if it does: the rows
    /// up to there are given.
    ///
    /// # Errors
    /// [`RecordingError::File`].
    pub fn rows(&self) -> Result<(Vec<Row>, Option<Broken>), RecordingError> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(RecordingError::file(&self.path))?,
        };
        let mut rows: Vec<Row> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let before = rows
                .last()
                .map_or_else(|| "0".repeat(64), |row| row.hash.clone());
            let row = serde_json::from_str::<Row>(text).ok();
            let row = row.filter(|row| {
                row.number == line && row.before == before && row.hash == row.hashed()
            });
            match row {
                Some(row) => rows.push(row),
                None => return Ok((rows, Some(Broken { line }))),
            }
        }
        Ok((rows, None))
    }
}

/// The last whole row. Half a row behind it, from a machine that stopped, is cut off: what it was to
/// say is said anew.
fn last(file: &mut File) -> std::io::Result<Option<Row>> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(2 * ROW);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < tail.len() {
        file.set_len(from + whole as u64)?;
        tail.truncate(whole);
    }
    let mut lines = tail.split(|byte| *byte == b'\n');
    let text = lines.rfind(|line| !line.is_empty());
    let Some(text) = text else { return Ok(None) };
    Ok(Some(serde_json::from_slice(text)?))
}
