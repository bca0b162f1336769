//! One recording that is being written: parties to entries, the sum of them, entries to chunks.

use crate::format::seal;
use crate::keys::{DataKey, random};
use crate::{Entry, Event, Header, Keys, MIX, RecordingError};
use meishier_media::{Codec, FRAME, g711};
use meishier_model::{TapeForm, TapeId, Wall};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A chunk is full from here on.
const FULL: usize = 32 * 1024;
/// How long an entry waits for its chunk to fill, in frames: 5 s. So much is lost in a crash.
const OLD: u32 = 250;

/// A file that is being written.
pub(crate) struct Tape {
    pub path: PathBuf,
    file: File,
    /// Bytes of whole chunks.
    length: u64,
    /// Blocks that came.
    blocks: u64,
    /// How many of them are in whole chunks.
    written: u64,
    header: Header,
    key: DataKey,
    form: TapeForm,
    next: u64,
    entries: Vec<u8>,
    /// Frame of the first entry that waits.
    oldest: u32,
    /// The sum of the frame that is under way.
    sum: Option<(u32, Box<[i32; FRAME]>)>,
}

impl Tape {
    /// Begins a file in a folder that is there.
    pub fn begin(
        path: PathBuf,
        (tape, form, begun): (TapeId, TapeForm, Wall),
        keys: &Keys,
    ) -> Result<Self, RecordingError> {
        let key = DataKey::new(random()?);
        let nonce = *random::<12>()?;
        let header = Header::new((tape, form, begun), keys, &key, nonce);
        let header = header.ok_or(RecordingError::NoKey)?;
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let file = options.open(&path).map_err(RecordingError::file(&path))?;
        let mut tape = Self {
            length: 0,
            blocks: 0,
            written: 0,
            path,
            file,
            header,
            key,
            form,
            next: 0,
            entries: Vec::new(),
            oldest: 0,
            sum: None,
        };
        let bytes = tape.header.bytes;
        tape.put(&bytes)?;
        Ok(tape)
    }

    pub fn event(&mut self, frame: u32, event: Event) -> Result<(), RecordingError> {
        self.close_sum();
        self.add(frame, &Entry::Event { frame, event });
        self.fit(frame)
    }

    /// What a party said in a frame; frames come in order.
    pub fn block(
        &mut self,
        frame: u32,
        track: u8,
        samples: &[i16; FRAME],
    ) -> Result<(), RecordingError> {
        self.blocks += 1;
        if self.form.has_mix() {
            if self.sum.as_ref().is_some_and(|(at, _)| *at != frame) {
                self.close_sum();
            }
            let (_, sum) = self
                .sum
                .get_or_insert_with(|| (frame, Box::new([0; FRAME])));
            for (sum, sample) in sum.iter_mut().zip(samples) {
                *sum += i32::from(*sample);
            }
        }
        if self.form.has_parties() {
            let sound = samples.map(|sample| g711::encode(Codec::Pcma, sample));
            let entry = Entry::Sound {
                frame,
                track,
                sound,
            };
            self.add(frame, &entry);
        }
        self.fit(frame)
    }

    /// Blocks that came and are not in the file.
    pub fn unwritten(&self) -> u64 {
        self.blocks.saturating_sub(self.written)
    }

    /// Ends the file as it should end; gives its bytes.
    pub fn end(&mut self, frame: u32, lost: u64) -> Result<u64, RecordingError> {
        self.close_sum();
        let event = Event::Ended { lost };
        self.add(frame, &Entry::Event { frame, event });
        self.chunk(true)?;
        let synced = self.file.sync_all();
        synced.map_err(RecordingError::file(&self.path))?;
        if let Some(day) = self.path.parent() {
            let synced = File::open(day).and_then(|folder| folder.sync_all());
            synced.map_err(RecordingError::file(day))?;
        }
        Ok(self.length)
    }

    /// Writes what waits, should it be cut off now.
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        self.close_sum();
        if self.entries.is_empty() {
            return Ok(());
        }
        self.chunk(false)
    }

    fn close_sum(&mut self) {
        if let Some((frame, sum)) = self.sum.take() {
            let clamp = |s: i32| s.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            let sound = sum.map(|sample| g711::encode(Codec::Pcma, clamp(sample)));
            let entry = Entry::Sound {
                frame,
                track: MIX,
                sound,
            };
            self.add(frame, &entry);
        }
    }

    fn add(&mut self, frame: u32, entry: &Entry) {
        if self.entries.is_empty() {
            self.oldest = frame;
        }
        entry.write(&mut self.entries);
    }

    fn fit(&mut self, frame: u32) -> Result<(), RecordingError> {
        if self.entries.len() < FULL && frame.saturating_sub(self.oldest) < OLD {
            return Ok(());
        }
        self.chunk(false)
    }

    fn chunk(&mut self, last: bool) -> Result<(), RecordingError> {
        let entries = std::mem::take(&mut self.entries);
        let sealed = seal(&self.header, &self.key, (self.next, last), entries);
        let sealed = sealed.ok_or(RecordingError::Damaged {
            chunk: Some(self.next),
        })?;
        self.next += 1;
        self.put(&sealed)?;
        self.written = self.blocks;
        self.stand()
    }

    /// A file that somebody removed takes what is written and keeps nothing of it.
    fn stand(&mut self) -> Result<(), RecordingError> {
        let there = std::fs::metadata(&self.path).and_then(|there| {
            let ours = self.file.metadata()?;
            Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        });
        let gone = match there {
            Ok(true) => return Ok(()),
            Ok(false) => ErrorKind::NotFound.into(),
            Err(error) => error,
        };
        self.written = 0;
        Err(RecordingError::file(&self.path)(gone))
    }

    /// Writes all of it or, as far as the disk still obeys, nothing.
    fn put(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        if let Err(error) = self.file.write_all(bytes) {
            // What came before stays readable either way: half a chunk counts as cut off.
            let _ = self.file.set_len(self.length);
            return Err(RecordingError::file(&self.path)(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// The folder of the day (UTC) on which a recording began: `2026-11-22`.
pub(crate) fn day(begun: Wall) -> String {
    // Days since 1970 to a date of the Gregorian calendar, counted from March of the year 0.
    let days = begun.0.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}")
}

/// The file of a recording on a shelf.
pub(crate) fn place(shelf: &Path, tape: TapeId, begun: Wall) -> PathBuf {
    shelf.join(day(begun)).join(format!("{tape}.tape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, day_of) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (951_868_800_000, "2000-03-01"),
            (1_772_589_600_000, "2026-03-04"),
            (1_798_761_599_999, "2026-12-31"),
            (1_798_761_600_000, "2027-01-01"),
        ] {
            assert_eq!(day(Wall(ms)), day_of);
        }
    }
}
