//! What is played: traffic, people and the engine's configuration, read from one small file.
//!
//! ```text
//!   scenarios/NAME.toml ──► Scenario ──► Traffic (who calls when)
//!            │                 ├───────► Roster  (who sits where when)
//!            └─ config ──► deploy/*.toml + [engine] = engine_config()
//! ```

mod error;
mod hours;
mod overlay;
mod read;
mod reader;
mod shipped;

pub use error::ScenarioError;
pub use hours::{PersonFacts, PoolFacts, Roster, SeatFacts, ShiftFacts};
pub use overlay::{AnswerAs, Overlay};
pub use shipped::NAMES;

use meishier_model::Wall;
use std::time::Duration;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The configuration as the deploy file has it, before [`Overlay`].
    pub config_text: String,
    /// Civil time at which it starts, in the configuration's zone.
    pub start: Start,
    /// How long one of the days lasts that a run is given: 24 h unless the file says less, as where a
    /// whole day has too many steps to be played often.
    pub day: Duration,
    /// People who call in a day, without surges; their second attempts come on top.
    pub calls_per_day: f64,
    /// The hours of the day and what share of the calls falls into each; together they cover the
    /// day and the shares make 1.
    pub hours: Vec<HourShare>,
    /// How long people talk.
    pub talk: Talk,
    /// Shares of callers, 0 to 1.
    pub mix: Mix,
    /// How long people wait, and whether they try again.
    pub patience: Patience,
    /// What is dialled, by weight.
    pub called: Vec<Weighted>,
    /// Who calls, by weight.
    pub callers: Vec<CallerGroup>,
    /// Cities of crisis calls, by weight.
    pub cities: Vec<Weighted>,
    /// Transfer keys that are pressed in crisis calls, by weight.
    pub keys: Vec<Weighted>,
    /// Beginning of the numbers of flagged callers.
    pub flagged_prefix: String,
    /// Times with more calls than usual.
    pub surges: Vec<Surge>,
    /// How counsellors behave.
    pub seats: SeatHabits,
    /// How police, ambulance and other hotlines behave.
    pub targets: TargetHabits,
    /// What people do that routing has rules for.
    pub says: Says,
    /// What people do in conversations with third parties.
    pub helps: Helps,
    /// What of the engine's configuration differs from the deploy file.
    pub engine: Overlay,
}

/// What people do once a transfer key was pressed, as shares of the occasions; all 0 if the file has
/// nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Helps {
    /// Another key is pressed beside the first.
    pub more: f64,
    /// Two people press the same key at once.
    pub twice: f64,
    /// Another key is pressed so that counsellor and target talk first.
    pub consult: f64,
    /// The key is taken back while the target is dialled.
    pub back: f64,
    /// The key is taken back in the moment in which the target answers.
    pub cross: f64,
    /// The target takes the caller over.
    pub confirm: f64,
    /// The counsellor wishes to leave, whether or not anybody has taken over.
    pub leave: f64,
    /// The caller is put on hold for a while.
    pub hold: f64,
    /// The counsellor hangs up.
    pub drops: f64,
    /// The caller hangs up.
    pub goes: f64,
    /// A supervisor comes into the conversation, from a seat where nobody sits.
    pub supervise: f64,
    /// A place is said that several cities have.
    pub vague: f64,
}

/// What callers, counsellors and operators do beside calling and answering; all 0 if the file has
/// nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Says {
    /// Share of callers at risk who press the danger key while they wait.
    pub danger: f64,
    /// Share of redials from a withheld number.
    pub hidden: f64,
    /// Share of callers whose number is foreign, malformed or no number at all.
    pub odd: f64,
    /// Share of conversations at risk in which the counsellor flags the caller.
    pub flags: f64,
    /// Share of conversations of nuisance that the counsellor marks.
    pub marks: f64,
    /// How often a day an operator sets the state of a pool.
    pub hands: f64,
}

/// The civil moment at which a scenario starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// Day, 1 to 31.
    pub day: i8,
    /// Minute of the day, 0 to 1439.
    pub minute: u16,
}

/// Hours of the day with their share of the calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HourShare {
    /// First minute of the day.
    pub from: u16,
    /// Minute after the last one; above 1440 if the hours go over midnight.
    pub to: u16,
    /// Share of a day's calls, 0 to 1.
    pub share: f64,
}

/// How long people talk. Log-normal; nuisance calls exponential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Talk {
    /// Mean of calls that are no nuisance.
    pub mean: Duration,
    /// Standard deviation of the logarithm.
    pub spread: f64,
    /// No talk is longer.
    pub longest: Duration,
    /// Mean of nuisance calls.
    pub nuisance_mean: Duration,
    /// Share of the talks that the caller ends; the counsellor ends the others.
    pub caller_ends: f64,
    /// Share of the talks with a hold in the middle.
    pub hold_share: f64,
}

/// Shares of all callers, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Nuisance.
    pub nuisance: f64,
    /// High suicide risk; never nuisance.
    pub risk: f64,
    /// A transfer key is pressed; part of those at risk.
    pub crisis: f64,
    /// Minors.
    pub minors: f64,
    /// Women.
    pub women: f64,
    /// Share of those at risk who call from a number that routing flags.
    pub flagged: f64,
    /// Numbers withheld; never of flagged callers.
    pub withheld: f64,
}

/// How long people wait for a person, and whether they try again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Nobody hangs up sooner.
    pub floor: Duration,
    /// Mean of the exponential part on top.
    pub mean: Duration,
    /// Share of callers who try again.
    pub redial_share: f64,
    /// Shortest and longest time until the next attempt.
    pub redial_after: (Duration, Duration),
    /// Most further attempts.
    pub redials: u8,
}

/// A text with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// The text.
    pub text: String,
    /// Its weight, 0 or more.
    pub weight: f64,
}

/// Callers whose numbers begin alike.
#[derive(Clone, Debug, PartialEq)]
pub struct CallerGroup {
    /// The beginning; the rest is rolled.
    pub prefix: String,
    /// Digits of the whole number: 11, or 12 after a 0, if the file does not say.
    pub digits: usize,
    /// Weight, 0 or more.
    pub weight: f64,
    /// Name of the trunk over which they come; empty for any.
    pub trunk: String,
    /// The cell that the carrier names (P-Access-Network-Info, RFC 7315 §4.4); empty for none.
    pub cell: String,
}

/// A time with more calls than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    /// Beginning, since the start of the scenario.
    pub from: Duration,
    /// End, since the start of the scenario.
    pub to: Duration,
    /// How many times the usual number.
    pub times: f64,
}

/// How counsellors behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeatHabits {
    /// Shortest and longest time until the telephone is taken up.
    pub answer_after: (Duration, Duration),
    /// Share of the offers that are refused.
    pub refuse_share: f64,
    /// Share of the offers that nobody takes up.
    pub ring_out_share: f64,
    /// Time between breaks.
    pub pause_every: Duration,
    /// Length of a break.
    pub pause_for: Duration,
    /// Shortest and longest time until somebody notices that the engine paused the seat.
    pub notice_after: (Duration, Duration),
    /// Longest stretch of one person at one seat; longer shifts are cut into equal parts.
    pub stretch: Duration,
    /// How far people come before, and leave after, the hour.
    pub stagger: Duration,
}

/// How the ends of transfers behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetHabits {
    /// Shortest and longest time until the telephone is taken up.
    pub answer_after: (Duration, Duration),
    /// Share of the calls that find it busy.
    pub busy_share: f64,
    /// Share of the calls that nobody takes up.
    pub ring_out_share: f64,
    /// Mean time until the target hangs up by itself.
    pub talk: Duration,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// Every mistake in the file, in order of lines; the list is never empty.
    pub fn parse(text: &str) -> Result<Self, Vec<ScenarioError>> {
        read::parse(text)
    }

    /// One of the shipped scenarios, see [`NAMES`]; `None` if there is none of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        // Every shipped file is read by a test, so that no mistake can get here.
        Self::parse(shipped::scenario(name)?).ok()
    }

    /// The TOML text that the engine gets: the deploy file, with what [`Overlay`] changes.
    #[must_use]
    pub fn engine_config(&self) -> String {
        overlay::apply(self)
    }

    /// Pools, seats and counsellors as the configuration has them.
    ///
    /// # Errors
    /// What of the configuration could not be read.
    pub fn roster(&self) -> Result<Roster, String> {
        Roster::read(&self.config_text)
    }

    /// The civil moment of the start.
    ///
    /// # Errors
    /// If the configuration cannot be read, or its zone has no such moment.
    pub fn start_wall(&self) -> Result<Wall, String> {
        let start = self.start;
        let civil = jiff::civil::Date::new(start.year, start.month, start.day)
            .map_err(|error| format!("{error}"))?;
        let (hour, minute) = ((start.minute / 60) as i8, (start.minute % 60) as i8);
        let wall = self.roster()?.wall(civil.at(hour, minute, 0, 0));
        wall.ok_or_else(|| format!("{civil} {hour:02}:{minute:02}"))
    }

    /// Callers per second at a time since the start, surges included.
    #[must_use]
    pub fn rate(&self, at: Duration) -> f64 {
        crate::traffic::rate(self, at)
    }
}
