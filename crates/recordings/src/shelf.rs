//! The folder of recordings: what stands there, what is held, what is past its time.
//!
//! ```text
//!   recordings/2026-11-22/0001…abc-0.tape      a recording
//!   recordings/2026-11-22/0001…abc-0.hold      it is not to be deleted, and why
//!   recordings/2026-11-22/0001…abc-0.refused   it is to be deleted at once: the caller refused
//!   recordings/deletions.log                   what was deleted, when, by which rule (a ledger)
//!   recordings/audit.log                       who exported, held, released, and why (a ledger)
//!
//!   deletion:  key in the header overwritten ─► row in deletions.log ─► file removed
//! ```
//! Each step waits for the disk before the next. What stops half-way is finished by the next sweep: a
//! header without its key says itself what it was. What was refused and could not be deleted is so when
//! a recorder starts.

use crate::format::HEADER;
use crate::track::{day, place};
use crate::{Header, Ledger, RecordingError};
use meishier_model::{CallId, TapeId, Wall};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest call that a sweep allows for: what is kept so long from its end is kept a day longer from
/// its beginning.
const LONGEST_CALL: Duration = Duration::from_secs(86_400);

/// One recording on the shelf.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub header: Header,
    /// Its bytes.
    pub bytes: u64,
    /// It is not to be deleted.
    pub held: bool,
    /// The caller refused, and it could not be deleted yet.
    pub refused: bool,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Recordings deleted.
    pub deleted: u64,
    /// Recordings past their time that are held.
    pub held: u64,
    /// Files that could not be deleted; they are tried again by the next sweep.
    pub failed: u64,
}

/// The folder of recordings.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// Held while a file is deleted: a sweep and a refusal may come upon the same one.
    deleting: Arc<Mutex<()>>,
}

impl Shelf {
    /// The shelf in this folder, made if it is not there, for its owner alone.
    ///
    /// # Errors
    /// [`RecordingError::File`].
    pub fn open(folder: &Path) -> Result<Self, RecordingError> {
        make(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            deleting: Arc::default(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was deleted.
    #[must_use]
    pub fn deletions(&self) -> Ledger {
        Ledger::at(self.folder.join("deletions.log"))
    }

    /// Who used recordings, and why.
    #[must_use]
    pub fn audit(&self) -> Ledger {
        Ledger::at(self.folder.join("audit.log"))
    }

    /// Where a recording goes; the folder of its day is there afterwards.
    pub(crate) fn place(&self, tape: TapeId, begun: Wall) -> Result<PathBuf, RecordingError> {
        let path = place(&self.folder, tape, begun);
        path.parent().map_or(Ok(()), make)?;
        Ok(path)
    }

    /// Every recording, oldest day first; and how many files are none that can be read as one.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the folder cannot be read.
    pub fn list(&self) -> Result<(Vec<Found>, u64), RecordingError> {
        let (mut found, mut odd) = (Vec::new(), 0);
        for path in self.files("tape")? {
            match self.look(&path) {
                Ok(one) => found.push(one),
                Err(_) => odd += 1,
            }
        }
        found.sort_by_key(|it| (it.header.begun, it.header.tape));
        Ok((found, odd))
    }

    /// One recording by its name.
    ///
    /// # Errors
    /// [`RecordingError::Unknown`], [`RecordingError::File`], [`RecordingError::Foreign`],
    /// [`RecordingError::Deleted`].
    pub fn find(&self, tape: TapeId) -> Result<Found, RecordingError> {
        self.look(&self.path(tape)?)
    }

    /// Looks into each day for the name, which reads no folder of a day: years of recordings are many.
    fn path(&self, tape: TapeId) -> Result<PathBuf, RecordingError> {
        let name = format!("{tape}.tape");
        let mut days = entries(&self.folder)?;
        // What is looked for in haste is of today.
        days.sort_unstable_by(|a, b| b.cmp(a));
        let mut paths = days.iter().map(|day| day.join(&name));
        let path = paths.find(|path| path.exists());
        path.ok_or(RecordingError::Unknown)
    }

    /// Deletes a recording, whatever there is of it; false if there is nothing.
    ///
    /// # Errors
    /// [`RecordingError::File`], [`RecordingError::Foreign`].
    pub(crate) fn refuse(
        &self,
        now: Wall,
        tape: TapeId,
        rule: &str,
    ) -> Result<bool, RecordingError> {
        let path = match self.path(tape) {
            Err(RecordingError::Unknown) => return Ok(false),
            other => other?,
        };
        let about = fs::metadata(&path).map_err(RecordingError::file(&path))?;
        if about.len() < HEADER as u64 {
            // The disk refused the header: nothing in it could be read by anybody.
            fs::remove_file(&path).map_err(RecordingError::file(&path))?;
            return Ok(false);
        }
        // Without the mark it is deleted as well: it is for the next process, should this one not get to it.
        if let Err(error) = touch(&refused_of(&path)) {
            tracing::warn!(%tape, %error, "a refused recording could not be marked");
        }
        self.delete(now, &path, (rule, false))?;
        Ok(true)
    }

    /// Marks what there is of calls in which somebody refused, for the next [`crate::Recorder`] that starts
    /// to delete. Looks into the folders of the day of `since` and after.
    ///
    /// # Errors
    /// [`RecordingError::File`].
    pub fn mark_refused(
        &self,
        calls: &BTreeSet<CallId>,
        since: Wall,
    ) -> Result<(), RecordingError> {
        let first = self.folder.join(day(since));
        for path in self.files("tape")? {
            let late = path.parent().is_some_and(|day| day >= first.as_path());
            if late && named(&path).is_some_and(|tape| calls.contains(&tape.call)) {
                touch(&refused_of(&path))?;
            }
        }
        Ok(())
    }

    /// Recordings that somebody refused and that are still here.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the folder cannot be read.
    pub(crate) fn refused(&self) -> Result<Vec<TapeId>, RecordingError> {
        let mut out = Vec::new();
        for mark in self.files("refused")? {
            match named(&mark) {
                Some(tape) if mark.with_extension("tape").exists() => out.push(tape),
                // It stopped between the file and its mark.
                _ => fs::remove_file(&mark).map_err(RecordingError::file(&mark))?,
            }
        }
        Ok(out)
    }

    fn look(&self, path: &Path) -> Result<Found, RecordingError> {
        let mut file = File::open(path).map_err(RecordingError::file(path))?;
        let about = file.metadata().map_err(RecordingError::file(path))?;
        let bytes = head(&mut file).ok_or_else(|| RecordingError::Foreign(path.to_owned()))?;
        Ok(Found {
            header: Header::parse(bytes, path)?,
            bytes: about.len(),
            held: hold_of(path).exists(),
            refused: refused_of(path).exists(),
            path: path.to_owned(),
        })
    }

    fn files(&self, kind: &str) -> Result<Vec<PathBuf>, RecordingError> {
        let mut out = Vec::new();
        for day in entries(&self.folder)? {
            if day.is_dir() {
                let tapes = entries(&day)?.into_iter();
                out.extend(tapes.filter(|path| path.extension().is_some_and(|it| it == kind)));
            }
        }
        out.sort();
        Ok(out)
    }

    /// Keeps a recording from deletion; the reason stands in the audit.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn hold(
        &self,
        now: Wall,
        tape: TapeId,
        (by, why): (&str, &str),
    ) -> Result<(), RecordingError> {
        let path = self.path(tape)?;
        let file = File::open(&path).map_err(RecordingError::file(&path))?;
        // A sweep of another process has deleted it before this, or finds it held.
        file.lock().map_err(RecordingError::file(&path))?;
        touch(&self.audited(now, tape, ("held", by, why))?)
    }

    /// Lets a recording that was held be deleted when its time comes.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn release(
        &self,
        now: Wall,
        tape: TapeId,
        (by, why): (&str, &str),
    ) -> Result<(), RecordingError> {
        let path = self.audited(now, tape, ("released", by, why))?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RecordingError::file(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes into the audit what is done with a recording, before it is; gives the place of its hold.
    fn audited(
        &self,
        now: Wall,
        tape: TapeId,
        said: (&str, &str, &str),
    ) -> Result<PathBuf, RecordingError> {
        let found = self.find(tape)?;
        let of = (tape, &*found.header.fingerprint());
        self.audit().add(now, of, said)?;
        Ok(hold_of(&found.path))
    }

    /// Deletes every recording that began longer ago than `keep` and a day, unless it is held; and
    /// finishes deletions that stopped half-way.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the folder cannot be read.
    pub fn sweep(&self, now: Wall, keep: Duration, rule: &str) -> Result<Swept, RecordingError> {
        let mut swept = Swept::default();
        let keep = (keep + LONGEST_CALL).as_millis();
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        for path in self.files("tape")? {
            let done = match self.look(&path) {
                Ok(found) if found.header.begun.0.saturating_add(keep) > now.0 => continue,
                Ok(found) if found.held => {
                    swept.held += 1;
                    continue;
                }
                Ok(_) | Err(RecordingError::Deleted(_)) => self.delete(now, &path, (rule, true)),
                // Not ours, or half a header: nothing that could be read by anybody.
                Err(_) => continue,
            };
            match done {
                Ok(true) => swept.deleted += 1,
                Ok(false) => swept.held += 1,
                Err(error) => {
                    tracing::error!(%error, "a recording past its time could not be deleted");
                    swept.failed += 1;
                }
            }
        }
        Ok(swept)
    }

    /// Deletes one file: first the key, then the row, then the file. False if it is held, where a hold
    /// counts.
    fn delete(
        &self,
        now: Wall,
        path: &Path,
        (rule, heeds_hold): (&str, bool),
    ) -> Result<bool, RecordingError> {
        let fault = || RecordingError::file(path);
        let mut options = OpenOptions::new();
        // It guards nothing that a panic could leave half done.
        let _alone = self.deleting.lock().unwrap_or_else(PoisonError::into_inner);
        let file = options.read(true).write(true).open(path);
        let mut file = match file {
            // Somebody else was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            other => other.map_err(fault())?,
        };
        // Whoever holds it does so in another process, and has it either before or not at all.
        file.lock().map_err(fault())?;
        let bytes = head(&mut file).ok_or_else(|| RecordingError::Foreign(path.to_owned()))?;
        let (tape, fingerprint, told) = match Header::was(&bytes) {
            // Its row was perhaps written before it stopped.
            Some((tape, fingerprint)) => {
                let (rows, _) = self.deletions().rows()?;
                let told = rows.iter().any(|row| row.header == fingerprint);
                (tape, fingerprint, told)
            }
            None if heeds_hold && hold_of(path).exists() => return Ok(false),
            None => {
                let header = Header::parse(bytes, path)?;
                let gone = file
                    .seek(SeekFrom::Start(0))
                    .and_then(|_| file.write_all(&header.shredded()))
                    .and_then(|()| file.sync_all());
                gone.map_err(fault())?;
                (header.tape, header.fingerprint(), false)
            }
        };
        if !told {
            let said = ("deleted", "meishier", rule);
            self.deletions().add(now, (tape, &fingerprint), said)?;
        }
        fs::remove_file(path).map_err(fault())?;
        // Marks of what is not there are of no use any more; the next start clears those of refusals away.
        let _ = fs::remove_file(hold_of(path));
        let _ = fs::remove_file(refused_of(path));
        if let Some(day) = path.parent() {
            let synced = File::open(day).and_then(|folder| folder.sync_all());
            synced.map_err(RecordingError::file(day))?;
        }
        Ok(true)
    }

    /// Recordings that the list of deletions says are gone and that are still here.
    ///
    /// # Errors
    /// [`RecordingError::File`].
    pub fn undeleted(&self) -> Result<Vec<TapeId>, RecordingError> {
        let (rows, _) = self.deletions().rows()?;
        let (found, _) = self.list()?;
        let gone = |it: &Found| {
            let print = it.header.fingerprint();
            rows.iter().any(|row| row.header == print)
        };
        Ok(found
            .iter()
            .filter(|it| gone(it))
            .map(|it| it.header.tape)
            .collect())
    }
}

fn head(file: &mut File) -> Option<[u8; HEADER]> {
    let mut bytes = [0; HEADER];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn hold_of(path: &Path) -> PathBuf {
    path.with_extension("hold")
}

fn refused_of(path: &Path) -> PathBuf {
    path.with_extension("refused")
}

/// Which recording a file is of, by its name.
fn named(path: &Path) -> Option<TapeId> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Makes an empty file, or leaves one that is there, and waits for the disk.
fn touch(path: &Path) -> Result<(), RecordingError> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path).and_then(|file| file.sync_all());
    file.map_err(RecordingError::file(path))
}

fn make(folder: &Path) -> Result<(), RecordingError> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.map_err(RecordingError::file(folder))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    let read = fs::read_dir(folder).map_err(RecordingError::file(folder))?;
    Ok(read.flatten().map(|entry| entry.path()).collect())
}
