//! What is said of recordings: who they are of, in which form, on what ground, and what a record keeps.

use crate::{CallId, Wall};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One recording: a call, and which of its recordings, from 0. Shown as `0001000000000abc-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TapeId {
    /// The call.
    pub call: CallId,
    /// A call that is put back into the queue, or outlives a restart, has more than one.
    pub segment: u16,
}

impl fmt::Display for TapeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.call.0, self.segment)
    }
}

/// A text that names no recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTape;

impl FromStr for TapeId {
    type Err = NoTape;

    fn from_str(text: &str) -> Result<Self, NoTape> {
        let (call, segment) = text.split_once('-').ok_or(NoTape)?;
        let call = u64::from_str_radix(call, 16).map_err(|_| NoTape)?;
        let segment = segment.parse().map_err(|_| NoTape)?;
        Ok(Self {
            call: CallId(call),
            segment,
        })
    }
}

/// What a recording holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapeForm {
    /// One track: the sum of all parties.
    #[default]
    Mixed,
    /// A track for each party.
    Parties,
    /// Both.
    Both,
}

impl TapeForm {
    /// True if the sum is kept.
    #[must_use]
    pub fn has_mix(self) -> bool {
        self != Self::Parties
    }

    /// True if each party is kept.
    #[must_use]
    pub fn has_parties(self) -> bool {
        self != Self::Mixed
    }

    /// The word in configuration and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Parties => "parties",
            Self::Both => "both",
        }
    }
}

/// On what ground the calls of a pool are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// They are not.
    #[default]
    Off,
    /// The caller is told; recording begins after that.
    Announced,
    /// The caller is told, and by which key to refuse.
    Asked,
    /// Only from an emergency key on, without asking: to protect life (PIPL article 13, item 4).
    EmergencyOnly,
}

impl Consent {
    /// The word in configuration and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Announced => "announced",
            Self::Asked => "asked",
            Self::EmergencyOnly => "emergency_only",
        }
    }
}

/// What a call's record says of its recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRecord {
    /// On what ground, as the pool that answered last has it.
    pub consent: Consent,
    /// When the caller had been told, the first time.
    #[serde(default)]
    pub told: Option<Wall>,
    /// When the caller had been told by which key to refuse, the first time.
    #[serde(default)]
    pub asked: Option<Wall>,
    /// When the caller refused; nothing was kept then.
    #[serde(default)]
    pub refused: Option<Wall>,
    /// Each recording, in order.
    #[serde(default)]
    pub tapes: Vec<TapeRecord>,
    /// Where a person stopped the recording and let it go on.
    #[serde(default)]
    pub pauses: Vec<PauseRecord>,
}

/// One recording of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeRecord {
    /// Its number within the call, as in [`TapeId::segment`].
    pub segment: u16,
    /// What it holds.
    pub form: TapeForm,
    /// On what ground it began; `Off` in records of before that was kept.
    #[serde(default)]
    pub consent: Consent,
    /// When it began.
    pub begun: Wall,
    /// When it ended; `None` if the engine ended before it.
    #[serde(default)]
    pub ended: Option<Wall>,
    /// Blocks of 20 ms, of all parties, that could not be kept.
    #[serde(default)]
    pub lost: u64,
    /// The disk refused: the file has none of what was said after the first of the lost blocks, or there is
    /// no file.
    #[serde(default)]
    pub given_up: bool,
    /// Who is on which track.
    pub tracks: Vec<TrackRecord>,
}

/// One track of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// Its number.
    pub track: u8,
    /// Who: `caller`, `seat a01`, `target 110`.
    pub party: String,
    /// When the party came.
    pub from: Wall,
}

/// A person stopped the recording, or let it go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseRecord {
    /// When.
    pub at: Wall,
    /// True: it goes on.
    pub on: bool,
    /// Why, as was said.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_reads_as_it_shows() {
        let tape = TapeId {
            call: CallId(0x0001_0000_0000_0abc),
            segment: 3,
        };
        assert_eq!(tape.to_string(), "0001000000000abc-3");
        assert_eq!(tape.to_string().parse(), Ok(tape));
        for wrong in ["", "12", "x-1", "12-", "12-70000"] {
            assert_eq!(wrong.parse::<TapeId>(), Err(NoTape), "{wrong}");
        }
    }
}
