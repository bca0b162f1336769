//! Who hears whom: a pure function over what each party is and how it takes part.
//!
//! Speech goes into rooms and is heard from rooms. A party hears everybody who speaks into a room that
//! it listens to, itself apart.
//!
//! ```text
//!   mode     speaks into   listens to             used for
//!   Full     main          main                   caller, counsellor, whoever has joined
//!   Aside    aside         aside                  counsellor and target before they join (consult)
//!   Listen   nothing       main, aside            a supervisor who only listens
//!   Whisper  ear           main, aside            a supervisor whom the counsellor alone hears; police
//!                                                 in a quiet emergency while nobody is at the desk
//!   Desk     back          main, back             the second line, which speaks for a caller with police
//!   Back     back          back                   police, whom neither caller nor counsellor hears
//!   Held     nothing       nothing (music)        whoever is on hold, as was asked for
//!
//!   the counsellor listens to the ear as well, in every mode but Held
//! ```

use serde::{Deserialize, Serialize};

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who called the hotline.
    Caller,
    /// Who answered.
    Counsellor,
    /// Whom a key reached: police, another hotline, a clinic.
    Target,
    /// A second counsellor (二线).
    SecondLine,
    /// A supervisor (督导).
    Supervisor,
}

impl Role {
    /// The name used in records and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Counsellor => "counsellor",
            Self::Target => "target",
            Self::SecondLine => "second_line",
            Self::Supervisor => "supervisor",
        }
    }
}

/// The number of a third party within its call, from 1; none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThirdId(pub u8);

/// How a party takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Hears and is heard by everybody in the conversation.
    #[default]
    Full,
    /// Counsellor and target apart from the caller.
    Aside,
    /// Hears, and is heard by nobody.
    Listen,
    /// Hears, and is heard by the counsellor alone.
    Whisper,
    /// Hears the conversation and talks with those in [`Mode::Back`].
    Desk,
    /// Talks with those in [`Mode::Desk`], and hears nobody else.
    Back,
    /// On hold.
    Held,
}

impl Mode {
    /// The name used in records and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Aside => "aside",
            Self::Listen => "listen",
            Self::Whisper => "whisper",
            Self::Desk => "desk",
            Self::Back => "back",
            Self::Held => "held",
        }
    }

    /// True if a party of this role may take part so.
    #[must_use]
    pub fn fits(self, role: Role) -> bool {
        match self {
            Self::Full | Self::Held => true,
            Self::Aside => role != Role::Caller,
            Self::Back => role == Role::Target,
            Self::Desk => matches!(role, Role::SecondLine | Role::Supervisor),
            Self::Listen => matches!(role, Role::SecondLine | Role::Supervisor),
            Self::Whisper => !matches!(role, Role::Caller | Role::Counsellor),
        }
    }
}

const MAIN: u8 = 1;
const ASIDE: u8 = 2;
const EAR: u8 = 4;
const BACK: u8 = 8;

fn speaks_into(mode: Mode) -> u8 {
    match mode {
        Mode::Full => MAIN,
        Mode::Aside => ASIDE,
        Mode::Whisper => EAR,
        Mode::Desk | Mode::Back => BACK,
        Mode::Listen | Mode::Held => 0,
    }
}

fn listens_to(role: Role, mode: Mode) -> u8 {
    let own = match mode {
        Mode::Full => MAIN,
        Mode::Aside => ASIDE,
        Mode::Listen | Mode::Whisper => MAIN | ASIDE,
        Mode::Desk => MAIN | BACK,
        Mode::Back => BACK,
        Mode::Held => return 0,
    };
    match role {
        Role::Counsellor => own | EAR,
        _ => own,
    }
}

/// True if the first hears the second; nobody is both.
#[must_use]
pub fn hears(listener: (Role, Mode), speaker: (Role, Mode)) -> bool {
    listens_to(listener.0, listener.1) & speaks_into(speaker.1) != 0
}
