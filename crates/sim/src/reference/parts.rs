//! How people take part in a conversation of several, as the architecture has it: who hears whom.
//!
//! Written again from the words of the issue, line by line, so that the engine's own table is held
//! against another one.

use meishier_engine::Mode;

/// How somebody takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// In the conversation.
    #[default]
    Full,
    /// Counsellor and target by themselves.
    Aside,
    /// Hears and says nothing.
    Listen,
    /// Speaks to the counsellor alone.
    Whisper,
    /// Hears the conversation, and talks with the back room.
    Desk,
    /// In the back room.
    Back,
    /// On hold.
    Held,
}

impl Part {
    /// The same by the engine's word.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        match mode {
            Mode::Full => Self::Full,
            Mode::Aside => Self::Aside,
            Mode::Listen => Self::Listen,
            Mode::Whisper => Self::Whisper,
            Mode::Desk => Self::Desk,
            Mode::Back => Self::Back,
            Mode::Held => Self::Held,
        }
    }

    /// Whom somebody with this part hears: others by their parts.
    #[must_use]
    pub fn hears(self, counsellor: bool) -> &'static [Part] {
        match (self, counsellor) {
            (Self::Full, false) => &[Self::Full],
            (Self::Full, true) => &[Self::Full, Self::Whisper],
            (Self::Aside, false) => &[Self::Aside],
            (Self::Aside, true) => &[Self::Aside, Self::Whisper],
            (Self::Listen | Self::Whisper, false) => &[Self::Full, Self::Aside],
            (Self::Listen | Self::Whisper, true) => &[Self::Full, Self::Aside, Self::Whisper],
            (Self::Desk, false) => &[Self::Full, Self::Desk, Self::Back],
            (Self::Desk, true) => &[Self::Full, Self::Desk, Self::Back, Self::Whisper],
            (Self::Back, false) => &[Self::Desk, Self::Back],
            (Self::Back, true) => &[Self::Desk, Self::Back, Self::Whisper],
            (Self::Held, _) => &[],
        }
    }
}

/// How caller and counsellor take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The caller's.
    pub caller: Part,
    /// The counsellor's.
    pub counsellor: Part,
}
