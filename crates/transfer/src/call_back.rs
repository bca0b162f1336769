//! Whether a caller who has hung up may be called back, and when.
//!
//! ```text
//!   a number that can be dialled? ── no ─► NoNumber
//!        │ yes
//!   the caller agreed? ───────────── no ─► NoConsent
//!        │ yes
//!   the caller's own safe hours,
//!   else those of the house: in them? no ─► UnsafeHours, with the next moment that is
//!        │ yes
//!        ▼
//!     allowed
//! ```
//!
//! An emergency changes none of it: whoever is with the caller may be the danger. The caller's own hours
//! take the place of the house's, in either direction, for nobody else knows when it is safe there.

use meishier_model::Wall;
use meishier_routing::{Hours, Kind, Number};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest note, in characters.
const LONGEST_NOTE: usize = 200;
/// Civil time in all of China is that of UTC+8, without summer time, in minutes.
const OFFSET: i64 = 8 * 60;
/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// What the caller said of being called back, as the counsellor wrote it down. `Debug` shows no words.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallBack {
    /// The caller agrees to be called back.
    pub consent: bool,
    /// From when on it is safe there, `HH:MM` of Beijing time; goes with `until`.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when, `HH:MM`; earlier than `from`: on the next day; `24:00` ends a day.
    #[serde(default)]
    pub until: Option<String>,
    /// For whom to ask, who else may answer; at most 200 characters.
    #[serde(default)]
    pub note: Option<String>,
}

impl fmt::Debug for CallBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBack")
            .field("consent", &self.consent)
            .field("hours", &self.from.is_some())
            .field("note", &self.note.is_some())
            .finish()
    }
}

impl CallBack {
    /// The caller's own safe hours; `None` if none were given.
    #[must_use]
    pub fn hours(&self) -> Option<Hours> {
        let (from, until) = (self.from.as_deref()?, self.until.as_deref()?);
        Hours::parse(&format!("{from}-{until}")).ok()
    }

    /// True if both ends of the hours or none are given, as times of a day, and the note keeps to its
    /// limits.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        let hours = match (&self.from, &self.until) {
            (None, None) => true,
            _ => self.hours().is_some(),
        };
        let note = self.note.as_deref().unwrap_or_default();
        let short = note.chars().count() <= LONGEST_NOTE;
        hours && short && !note.chars().any(char::is_control)
    }
}

/// Why nobody is called back. Nothing was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The number is withheld, leads to a switchboard, or is none of this country's subscribers.
    NoNumber,
    /// The record has no consent of the caller.
    NoConsent,
    /// It is not safe at this time.
    UnsafeHours {
        /// The next moment at which it is.
        next: Wall,
    },
}

impl Refused {
    /// The name used in the API, in records and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoNumber => "no_number",
            Self::NoConsent => "no_consent",
            Self::UnsafeHours { .. } => "unsafe_hours",
        }
    }
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// There is a number, and [`is_subscriber`] holds of it.
    pub number: bool,
    /// The caller agreed.
    pub consent: bool,
    /// The caller's own safe hours.
    pub own: Option<Hours>,
    /// The hours that hold for callers who named none.
    pub house: Hours,
}

impl Terms {
    /// Whether the caller may be called back at this moment.
    ///
    /// # Errors
    /// Why not; see [`Refused`].
    pub fn allow(&self, at: Wall) -> Result<(), Refused> {
        if !self.number {
            return Err(Refused::NoNumber);
        }
        if !self.consent {
            return Err(Refused::NoConsent);
        }
        match next_within(self.own.unwrap_or(self.house), at) {
            next if next == at => Ok(()),
            next => Err(Refused::UnsafeHours { next }),
        }
    }
}

/// The first moment from `at` on, itself included, that lies in these hours of the day in China.
fn next_within(hours: Hours, at: Wall) -> Wall {
    let minute = at.0.div_euclid(MINUTE) + OFFSET;
    let (midnight, of_day) = (minute - minute.rem_euclid(DAY), minute.rem_euclid(DAY));
    let (start, end) = (i64::from(hours.start()), i64::from(hours.end()));
    // Hours across midnight are those that began yesterday as well.
    let within = |minute: i64| (start..end).contains(&minute);
    if within(of_day) || within(of_day + DAY) {
        return at;
    }
    let wait = if of_day < start { 0 } else { DAY };
    Wall((midnight + wait + start - OFFSET).saturating_mul(MINUTE))
}

/// True for the number of one subscriber in mainland China: a mobile number, or a landline with its area
/// code. Services and short numbers called nobody, and what is dialled abroad is nobody's to pay.
#[must_use]
pub fn is_subscriber(number: &Number) -> bool {
    match number.kind() {
        Kind::Mobile => true,
        Kind::Landline { code } => {
            let own = number.as_bytes().len() - usize::from(code).min(number.as_bytes().len());
            matches!(own, 7 | 8)
        }
        _ => false,
    }
}
