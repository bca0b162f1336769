//! A recording out into the open: one track, or the sum, as WAV; and its time line.

use crate::{End, Entry, Event, MIX, Reader, RecordingError};
use meishier_media::{Codec, FRAME, g711};
use std::fs::OpenOptions;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All parties together.
    Mixed,
    /// One of them, by its track.
    Party(u8),
}

/// Samples a second.
const RATE: u32 = 8000;

/// Writes what is wanted into a WAV file of its owner's alone (8000 Hz, 16 bits, one channel), silence
/// where nobody spoke; gives the time line and how the recording ends. What was damaged is written up to
/// there, with the error.
///
/// # Errors
/// As [`Reader::chunk`]; [`RecordingError::NoTrack`]; [`RecordingError::File`] also if the file is there.
pub fn export(
    reader: &mut Reader,
    which: Which,
    to: &Path,
) -> Result<(Vec<(u32, Event)>, End), RecordingError> {
    let form = reader.header().form;
    if matches!(which, Which::Party(_)) && !form.has_parties() {
        return Err(RecordingError::NoTrack);
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(to);
    let mut out = Out {
        file: BufWriter::new(file.map_err(RecordingError::file(to))?),
        frames: 0,
        sum: [0; FRAME],
        open: None,
    };
    let write = |result: std::io::Result<()>| result.map_err(RecordingError::file(to));
    write(out.head())?;
    let mut line = Vec::new();
    let read = loop {
        let entries = match reader.chunk() {
            Ok(Some(entries)) => entries,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        for entry in entries {
            match entry {
                Entry::Sound {
                    frame,
                    track,
                    sound,
                } => {
                    let wanted = match which {
                        Which::Mixed if form.has_mix() => track == MIX,
                        Which::Mixed => true,
                        Which::Party(party) => track == party,
                    };
                    if wanted {
                        write(out.add(frame, &sound))?;
                    }
                }
                Entry::Event { frame, event } => {
                    if matches!(event, Event::Ended { .. }) {
                        write(out.silence_to(frame))?;
                    }
                    line.push((frame, event));
                }
            }
        }
    };
    write(out.finish())?;
    read?;
    if let Which::Party(party) = which
        && !line
            .iter()
            .any(|(_, event)| matches!(event, Event::Joined { track, .. } if *track == party))
    {
        // An empty file would look like a party who said nothing.
        write(std::fs::remove_file(to))?;
        return Err(RecordingError::NoTrack);
    }
    Ok((line, reader.end().unwrap_or(End::CutOff)))
}

struct Out {
    file: BufWriter<std::fs::File>,
    /// Written so far.
    frames: u32,
    sum: [i32; FRAME],
    /// The frame that `sum` is of.
    open: Option<u32>,
}

impl Out {
    fn head(&mut self) -> std::io::Result<()> {
        let data = self.frames.saturating_mul(FRAME as u32 * 2);
        let mut head = Vec::with_capacity(44);
        head.extend(b"RIFF");
        head.extend(data.saturating_add(36).to_le_bytes());
        head.extend(b"WAVEfmt ");
        head.extend(16u32.to_le_bytes());
        head.extend([1, 0, 1, 0]);
        head.extend(RATE.to_le_bytes());
        head.extend((RATE * 2).to_le_bytes());
        head.extend([2, 0, 16, 0]);
        head.extend(b"data");
        head.extend(data.to_le_bytes());
        self.file.write_all(&head)
    }

    fn add(&mut self, frame: u32, sound: &[u8; FRAME]) -> std::io::Result<()> {
        if self.open != Some(frame) {
            self.close()?;
            self.silence_to(frame)?;
            self.open = Some(frame);
        }
        for (sum, byte) in self.sum.iter_mut().zip(sound) {
            *sum += i32::from(g711::decode(Codec::Pcma, *byte));
        }
        Ok(())
    }

    fn close(&mut self) -> std::io::Result<()> {
        if self.open.take().is_some() {
            for sum in std::mem::replace(&mut self.sum, [0; FRAME]) {
                let sample = sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
                self.file.write_all(&sample.to_le_bytes())?;
            }
            self.frames += 1;
        }
        Ok(())
    }

    fn silence_to(&mut self, frame: u32) -> std::io::Result<()> {
        self.close()?;
        while self.frames < frame {
            self.file.write_all(&[0; FRAME * 2])?;
            self.frames += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.close()?;
        self.file.flush()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.head()?;
        self.file.flush()
    }
}
