//! What the engine asks of a media thread and what it hears back.

use crate::prompts::FRAME;
use crate::{Accept, Negotiated, PromptId};
use meishier_model::{PortId, RtpStats, TapeForm, TapeId, Wall};
use serde::{Deserialize, Serialize};

/// What a party hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nothing; no packets are sent.
    Silence,
    /// Quiet noise, so that the line does not seem dead.
    Comfort,
    /// Prompts one after the other, from the first.
    Playlist {
        /// What to play; at most [`Source::MAX_PROMPTS`], the rest is left out. May be empty.
        prompts: Vec<PromptId>,
        /// Music after the last prompt; else silence.
        then_music: bool,
        /// Comes back in [`MediaEvent::PlaylistDone`].
        token: u64,
    },
    /// Music on hold; all who hear it hear the same frame.
    Music,
    /// China's ringback tone: 450 Hz, 1 s on, 4 s off, starting with the tone.
    Ringback,
    /// Another party, its packets passed on as they come.
    Peer(PortId),
    /// The sum of these parties, at most [`Source::MAX_MIX`] (the rest is left out); the listener
    /// itself is never part of what it hears.
    Mix(Vec<PortId>),
    /// Prompts over a conversation that goes on: the sum of these parties and of the prompts, then
    /// the parties alone, as in [`Source::Mix`].
    Over {
        /// Who is heard, at most [`Source::MAX_MIX`].
        parties: Vec<PortId>,
        /// What is said, at most [`Source::MAX_PROMPTS`].
        prompts: Vec<PromptId>,
        /// Comes back in [`MediaEvent::PlaylistDone`].
        token: u64,
    },
}

impl Source {
    /// Most prompts of one playlist.
    pub const MAX_PROMPTS: usize = 64;
    /// Most parties of one mix.
    pub const MAX_MIX: usize = 16;
}

/// An order to a [`crate::Hub`]. Orders about a port that is not open are ignored, `Open` apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaCommand {
    /// Begin with a party; it hears silence. An open port is closed first.
    Open {
        /// The local port; its number stays below [`crate::Hub::MAX_PORTS`].
        port: PortId,
        /// What was agreed.
        media: Negotiated,
        /// Whose packets are the party's.
        accept: Accept,
    },
    /// A new agreement with the same party (re-INVITE): hold, other address, other codec. What the
    /// party hears stays. The address learned from its packets stays unless `accept` or the remote changed.
    Update {
        /// The port.
        port: PortId,
        /// What was agreed.
        media: Negotiated,
        /// Whose packets are the party's.
        accept: Accept,
    },
    /// What the party at this port hears from now on.
    Hear {
        /// The listener.
        port: PortId,
        /// What it hears.
        source: Source,
    },
    /// The end of a party: parties that heard it hear silence in its place, and it leaves its tape.
    Close {
        /// The port.
        port: PortId,
    },
    /// A recording begins; nobody is on it yet. One that runs already goes on as it is.
    StartTape {
        /// Which.
        tape: TapeId,
        /// What is kept of it.
        form: TapeForm,
        /// What time it is.
        begun: Wall,
        /// For whoever keeps the recording; passed on as it is.
        about: String,
    },
    /// What the party at this port says is recorded from now on; what it hears is not. A port is on one
    /// tape at a time.
    Tape {
        /// The recording; ignored if it does not run.
        tape: TapeId,
        /// The party.
        port: PortId,
        /// Number of its track.
        track: u8,
        /// Who it is, for whoever keeps the recording.
        label: String,
    },
    /// The party is not recorded any more.
    Untape {
        /// The recording.
        tape: TapeId,
        /// The party.
        port: PortId,
    },
    /// Something happened, for the time line of a recording.
    NoteTape {
        /// The recording.
        tape: TapeId,
        /// What.
        note: String,
    },
    /// A recording ends, whoever is still on it.
    EndTape {
        /// The recording.
        tape: TapeId,
        /// False: nothing of it is to be kept, also if it ended before.
        keep: bool,
    },
}

/// What a recording is made of, in the order in which it happened. A frame is a beat of 20 ms, counted
/// from the beginning of the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are blocks, and a box each would be an allocation each"
)]
pub enum Taped {
    /// It begins.
    Started {
        /// The recording.
        tape: TapeId,
        /// What is to be kept of it.
        form: TapeForm,
        /// What time it was, as it was ordered.
        begun: Wall,
        /// As it was ordered.
        about: String,
    },
    /// A party is on it from this frame on.
    Joined {
        /// The recording.
        tape: TapeId,
        /// Since when.
        frame: u32,
        /// The party's track.
        track: u8,
        /// Who it is.
        label: String,
    },
    /// A party is not on it any more.
    Left {
        /// The recording.
        tape: TapeId,
        /// Since when.
        frame: u32,
        /// The party's track.
        track: u8,
    },
    /// Something happened.
    Note {
        /// The recording.
        tape: TapeId,
        /// When.
        frame: u32,
        /// What.
        note: String,
    },
    /// What a party said in one frame. Frames of a track of which none comes are silence.
    Block {
        /// The recording.
        tape: TapeId,
        /// Which frame.
        frame: u32,
        /// The party's track.
        track: u8,
        /// 20 ms at 8000 Hz.
        samples: [i16; FRAME],
    },
    /// It is over; the last of it.
    Ended {
        /// The recording.
        tape: TapeId,
        /// The first frame that is not on it.
        frame: u32,
        /// False: nothing of it is to be kept.
        keep: bool,
        /// Blocks that were dropped because nobody fetched them in time.
        lost: u64,
    },
}

impl Taped {
    /// Whose part it is.
    #[must_use]
    pub fn tape(&self) -> TapeId {
        match self {
            Self::Started { tape, .. }
            | Self::Joined { tape, .. }
            | Self::Left { tape, .. }
            | Self::Note { tape, .. }
            | Self::Block { tape, .. }
            | Self::Ended { tape, .. } => *tape,
        }
    }
}

/// News from a [`crate::Hub`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaEvent {
    /// The last prompt of a playlist was played to its end. Not sent for a playlist that was replaced.
    PlaylistDone {
        /// The listener.
        port: PortId,
        /// The playlist's token.
        token: u64,
    },
    /// A key was pressed: once a press. By RFC 4733; in the sound (Q.23) if the party agreed on no
    /// telephone-event.
    Digit {
        /// The party that pressed it.
        port: PortId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// The party may send and has sent no valid packet for [`crate::Hub::SILENCE`], or none since
    /// its port was opened. Once for each silence. It may be muted; it need not be gone.
    Silent {
        /// The party.
        port: PortId,
    },
    /// The first packets of a party, or the first after its silence; or a silent party may not send
    /// any more (hold). Told within a second.
    Heard {
        /// The party.
        port: PortId,
    },
    /// A port was closed; the last event about it.
    Closed {
        /// The port.
        port: PortId,
        /// Counts of its packets.
        stats: RtpStats,
    },
}
