//! A shelf with a key beside it, and tones to be recorded.
#![allow(dead_code, reason = "each test file uses its own part")]

use meishier_media::{FRAME, Taped, tone};
use meishier_model::{CallId, TapeForm, TapeId, Wall};
use meishier_recordings::{Entry, Keys, Reader, Recorder, RecordingError, Shelf, new_key};
use std::path::{Path, PathBuf};

/// 2026-03-04 10:00 in Shanghai.
pub const BEGUN: Wall = Wall(1_772_589_600_000);
pub const TONES: [f64; 2] = [400.0, 1000.0];

pub struct Place {
    pub folder: tempfile::TempDir,
    pub keys: Vec<PathBuf>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Self {
            folder,
            keys: Vec::new(),
        };
        place.rotate();
        place
    }

    /// A new key, which encrypts from now on.
    pub fn rotate(&mut self) {
        let path = self.folder.path().join(format!("{}.key", self.keys.len()));
        new_key(&path).unwrap();
        self.keys.insert(0, path);
    }

    pub fn tapes(&self) -> PathBuf {
        self.folder.path().join("recordings")
    }

    pub fn shelf(&self) -> Shelf {
        Shelf::open(&self.tapes()).unwrap()
    }

    pub fn read_keys(&self) -> Keys {
        Keys::read(&self.keys, &[&self.tapes()]).unwrap()
    }

    pub fn recorder(&self) -> Recorder {
        Recorder::start(self.shelf(), self.read_keys(), || BEGUN).unwrap()
    }

    /// Records two tones for so many frames, closed in order; the file.
    pub fn record(&self, id: TapeId, form: TapeForm, frames: u32) -> PathBuf {
        let recorder = self.recorder();
        play(&recorder, id, form, frames);
        end(&recorder, id, frames, true);
        recorder.close();
        self.shelf().find(id).unwrap().path
    }

    pub fn open(&self, path: &Path) -> Result<Reader, RecordingError> {
        Reader::open(path, &self.read_keys())
    }
}

pub fn tape(number: u64) -> TapeId {
    TapeId {
        call: CallId(number),
        segment: 0,
    }
}

pub fn give(recorder: &Recorder, part: Taped) {
    let mut part = part;
    while let Err(back) = recorder.take(part) {
        part = *back;
        std::thread::yield_now();
    }
}

/// Two parties say a tone each.
pub fn play(recorder: &Recorder, id: TapeId, form: TapeForm, frames: u32) {
    give(
        recorder,
        Taped::Started {
            tape: id,
            form,
            begun: BEGUN,
            about: r#"{"pool":"city"}"#.into(),
        },
    );
    let mut sines = TONES.map(|tone| tone::Sine::new(tone, 6000));
    for (track, label) in (0..).zip(["caller", "seat a01"]) {
        let label = label.to_owned();
        give(
            recorder,
            Taped::Joined {
                tape: id,
                frame: 0,
                track,
                label,
            },
        );
    }
    for frame in 0..frames {
        for (track, sine) in (0..).zip(&mut sines) {
            let samples: [i16; FRAME] = std::array::from_fn(|_| sine.next().unwrap());
            give(
                recorder,
                Taped::Block {
                    tape: id,
                    frame,
                    track,
                    samples,
                },
            );
        }
    }
}

pub fn end(recorder: &Recorder, id: TapeId, frame: u32, keep: bool) {
    give(
        recorder,
        Taped::Ended {
            tape: id,
            frame,
            keep,
            lost: 0,
        },
    );
}

/// Everything that can be read, and what then came.
pub fn read(reader: &mut Reader) -> (Vec<Entry>, Option<RecordingError>) {
    let mut entries = Vec::new();
    loop {
        match reader.chunk() {
            Ok(Some(more)) => entries.extend(more),
            Ok(None) => return (entries, None),
            Err(error) => return (entries, Some(error)),
        }
    }
}

/// The samples of a WAV file of ours.
pub fn samples(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    let data = u32::from_le_bytes(bytes[40..44].try_into().unwrap());
    assert_eq!(data as usize, bytes.len() - 44);
    let pairs = bytes[44..].chunks_exact(2);
    pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}
