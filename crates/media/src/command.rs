//! What the engine asks of a media thread and what it hears back.

use crate::{Accept, Negotiated, PromptId};
use meishier_model::{PortId, RtpStats};
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
    /// The end of a party: parties that heard it hear silence in its place.
    Close {
        /// The port.
        port: PortId,
    },
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
