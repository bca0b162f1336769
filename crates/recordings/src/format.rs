//! The bytes of a file: a header in the clear, then chunks of entries.

use crate::RecordingError;
use crate::keys::{DataKey, KeyId, Keys, TAG, WRAPPED};
use meishier_media::FRAME;
use meishier_model::{CallId, TapeForm, TapeId, Wall};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Bytes of the header.
pub const HEADER: usize = 128;
/// The track that is the sum of all others.
pub const MIX: u8 = 255;
/// The part of a header that is authenticated with the data key and with every chunk.
const HEAD: usize = 40;
const MAGIC: &[u8; 8] = b"MEISTAP1";
const GONE: &[u8; 8] = b"MEISGONE";
/// G.711 A-law, the one coding there is.
const ALAW: u8 = 1;
/// Bytes before a chunk: its length and whether it is the last.
pub(crate) const BEFORE: usize = 5;
/// Most bytes of a chunk; a length beyond it was never written.
pub(crate) const MAX_CHUNK: usize = 1 << 20;

/// What a file says of itself in the clear. No number and no name stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which recording.
    pub tape: TapeId,
    /// What it holds.
    pub form: TapeForm,
    /// When it began.
    pub begun: Wall,
    /// Which key file it needs.
    pub key: KeyId,
    pub(crate) bytes: [u8; HEADER],
}

impl Header {
    /// The header of a new recording, with its data key wrapped.
    pub(crate) fn new(
        (tape, form, begun): (TapeId, TapeForm, Wall),
        keys: &Keys,
        data: &DataKey,
        nonce: [u8; 12],
    ) -> Option<Self> {
        let key = keys.newest()?;
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&tape.call.0.to_be_bytes());
        bytes[16..18].copy_from_slice(&tape.segment.to_be_bytes());
        bytes[18] = match form {
            TapeForm::Mixed => 0,
            TapeForm::Parties => 1,
            TapeForm::Both => 2,
        };
        bytes[19] = ALAW;
        bytes[24..32].copy_from_slice(&begun.0.to_be_bytes());
        bytes[32..HEAD].copy_from_slice(&key.0);
        let wrapped = keys.wrap(data, nonce, &bytes[..HEAD])?;
        bytes[HEAD..HEAD + WRAPPED].copy_from_slice(&wrapped);
        Some(Self {
            tape,
            form,
            begun,
            key,
            bytes,
        })
    }

    /// Reads a header; whether it was changed is seen when the data key is taken out.
    pub(crate) fn parse(bytes: [u8; HEADER], path: &Path) -> Result<Self, RecordingError> {
        let word = |from: usize| -> [u8; 8] { std::array::from_fn(|i| bytes[from + i]) };
        match &word(0) {
            GONE => return Err(RecordingError::Deleted(path.to_owned())),
            MAGIC if bytes[19] == ALAW => {}
            _ => return Err(RecordingError::Foreign(path.to_owned())),
        }
        let form = match bytes[18] {
            0 => TapeForm::Mixed,
            1 => TapeForm::Parties,
            2 => TapeForm::Both,
            _ => return Err(RecordingError::Foreign(path.to_owned())),
        };
        Ok(Self {
            tape: TapeId {
                call: CallId(u64::from_be_bytes(word(8))),
                segment: u16::from_be_bytes([bytes[16], bytes[17]]),
            },
            form,
            begun: Wall(i64::from_be_bytes(word(24))),
            key: KeyId(word(32)),
            bytes,
        })
    }

    pub(crate) fn data_key(&self, keys: &Keys) -> Result<DataKey, RecordingError> {
        let wrapped = std::array::from_fn(|i| self.bytes[HEAD + i]);
        keys.unwrap(self.key, &wrapped, &self.bytes[..HEAD])
    }

    /// What names this file for ever: SHA-256 of its header, 64 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(self.bytes))
    }

    /// The header without its key: in its place the fingerprint of what it was.
    pub(crate) fn shredded(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(GONE);
        bytes[8..HEAD].copy_from_slice(&self.bytes[8..HEAD]);
        bytes[HEAD..HEAD + 32].copy_from_slice(&Sha256::digest(self.bytes));
        bytes
    }

    /// What a shredded header says: which recording it was, and its fingerprint.
    pub(crate) fn was(bytes: &[u8; HEADER]) -> Option<(TapeId, String)> {
        if &bytes[..8] != GONE {
            return None;
        }
        let call: [u8; 8] = std::array::from_fn(|i| bytes[8 + i]);
        let tape = TapeId {
            call: CallId(u64::from_be_bytes(call)),
            segment: u16::from_be_bytes([bytes[16], bytes[17]]),
        };
        Some((tape, hex(&bytes[HEAD..HEAD + 32])))
    }

    /// What is authenticated with a chunk: the header, its number, whether it is the last.
    pub(crate) fn about_chunk(&self, number: u64, last: bool) -> [u8; HEAD + 9] {
        let mut out = [0; HEAD + 9];
        out[..HEAD].copy_from_slice(&self.bytes[..HEAD]);
        out[HEAD..HEAD + 8].copy_from_slice(&number.to_be_bytes());
        out[HEAD + 8] = u8::from(last);
        out
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One thing on a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// 20 ms of a track, G.711 A-law. A frame of which there is none is silence.
    Sound {
        /// Which 20 ms, from the beginning.
        frame: u32,
        /// Whose; [`MIX`] is the sum.
        track: u8,
        /// The bytes.
        sound: [u8; FRAME],
    },
    /// Something of the time line.
    Event {
        /// When.
        frame: u32,
        /// What.
        event: Event,
    },
}

/// What happened in a recorded call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// The recording begins.
    Began {
        /// What the engine says of the call.
        about: String,
    },
    /// A party is heard from now on.
    Joined {
        /// Its track.
        track: u8,
        /// Who.
        party: String,
    },
    /// A party is heard no more.
    Left {
        /// Its track.
        track: u8,
    },
    /// Something else of the call.
    Note {
        /// What.
        note: String,
    },
    /// The recording ends as it should.
    Ended {
        /// Blocks that could not be kept: disk or machine was too slow.
        lost: u64,
    },
}

const SOUND: u8 = 1;
const EVENT: u8 = 2;

impl Entry {
    /// Appends the entry as it stands in a chunk.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sound {
                frame,
                track,
                sound,
            } => {
                out.extend([SOUND, *track]);
                out.extend(frame.to_be_bytes());
                out.extend(sound);
            }
            Self::Event { frame, event } => {
                let text = serde_json::to_vec(event).unwrap_or_default();
                let text = text.get(..text.len().min(usize::from(u16::MAX)));
                let text = text.unwrap_or_default();
                out.extend([EVENT, 0]);
                out.extend(frame.to_be_bytes());
                out.extend((text.len() as u16).to_be_bytes());
                out.extend(text);
            }
        }
    }

    /// Takes the first entry off a chunk; `None` if it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(6)?;
        let frame = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        match head[0] {
            SOUND => {
                let (sound, rest) = rest.split_first_chunk::<FRAME>()?;
                let entry = Self::Sound {
                    frame,
                    track: head[1],
                    sound: *sound,
                };
                Some((entry, rest))
            }
            EVENT => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (text, rest) = rest.split_at_checked(length)?;
                let event = serde_json::from_slice(text).ok()?;
                Some((Self::Event { frame, event }, rest))
            }
            _ => None,
        }
    }
}

/// A chunk as it stands in the file.
pub(crate) fn seal(
    header: &Header,
    key: &DataKey,
    (number, last): (u64, bool),
    mut entries: Vec<u8>,
) -> Option<Vec<u8>> {
    let length = u32::try_from(entries.len()).ok()?;
    let tag: [u8; TAG] = key.seal(number, &header.about_chunk(number, last), &mut entries)?;
    let mut out = Vec::with_capacity(BEFORE + entries.len() + TAG);
    out.extend(length.to_be_bytes());
    out.push(u8::from(last));
    out.append(&mut entries);
    out.extend(tag);
    Some(out)
}
