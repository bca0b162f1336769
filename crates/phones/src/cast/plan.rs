//! Who calls when, and what must come of it. The same options and seed give the same plan.

use super::{CastOptions, MAX_SEATS};
use serde::Serialize;
use std::time::Duration;

/// One side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The caller.
    Caller,
    /// The counsellor's phone.
    Seat,
}

/// What a call must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Script {
    /// A seat answers, both talk, one side hangs up.
    Talk {
        /// Who hangs up.
        ends: Side,
    },
    /// The first seat refuses, another one (or the same, later) answers.
    SeatRefuses {
        /// SIP status of the refusal.
        status: u16,
    },
    /// The first seat rings until the engine takes the offer back; another one answers.
    SeatIgnores,
    /// The caller hangs up while a seat rings.
    GiveUpRinging,
    /// The caller hangs up while it waits, all seats being taken.
    GiveUpWaiting,
    /// The counsellor uses the key, the police answer, three talk; the police take over, and the
    /// counsellor leaves.
    Danger,
}

impl Script {
    /// A short name for people and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Talk { ends: Side::Caller } => "talk, caller hangs up",
            Self::Talk { ends: Side::Seat } => "talk, counsellor hangs up",
            Self::SeatRefuses { .. } => "first seat refuses",
            Self::SeatIgnores => "first seat does not answer",
            Self::GiveUpRinging => "caller gives up while it rings",
            Self::GiveUpWaiting => "caller gives up waiting",
            Self::Danger => "danger: key, police, three talk, handed over",
        }
    }

    /// True if a counsellor must answer.
    #[must_use]
    pub fn answered(self) -> bool {
        !matches!(self, Self::GiveUpRinging | Self::GiveUpWaiting)
    }
}

/// One call of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// From `first_call`, in the order of arrival.
    pub call: usize,
    pub at: Duration,
    pub script: Script,
    pub talk: Duration,
    /// How long the seat rings before it answers.
    pub ring: Duration,
    /// How long a caller who gives up waiting waits.
    pub gives_up_after: Duration,
}

/// What a seat refuses with: busy, unavailable, declined (RFC 3261 §21.4.24, §21.4.18, §21.6.2).
const REFUSALS: [u16; 3] = [486, 603, 480];
/// Callers more than seats that arrive at one moment.
const OVERFLOW: usize = 3;

/// How many of the seats play: at most half the calls, so that one wave can fill them all.
pub(crate) fn seats_used(options: &CastOptions) -> usize {
    let most = options.seats.len().min(MAX_SEATS);
    let fitting = (options.calls / 2).saturating_sub(OVERFLOW).max(2);
    options.seats_used.unwrap_or(fitting).min(most)
}

/// The plan, in the order of arrival.
///
/// Calls are spread evenly over the length, but in the middle a wave of as many calls as there are seats
/// and three more comes within a second: the last of them must wait, and the very last give up waiting.
pub(crate) fn plan(options: &CastOptions) -> Vec<Planned> {
    let mut random = Random(options.seed);
    let wave = seats_used(options) + OVERFLOW;
    let wave = if options.calls >= 2 * wave { wave } else { 0 };
    let spread = options.calls - wave;
    let mut scripts = specials(options, spread, &mut random);
    let wave_at = options.length * 2 / 5;
    let mut calls: Vec<Planned> = Vec::with_capacity(options.calls);
    for index in 0..spread {
        let at = options.length * u32::try_from(index).unwrap_or(0)
            / u32::try_from(spread.max(1)).unwrap_or(1);
        let script = scripts.pop().flatten().unwrap_or_else(|| talk(&mut random));
        calls.push(planned(options, at, script, &mut random));
    }
    for index in 0..wave {
        let at = wave_at + Duration::from_millis(20) * u32::try_from(index).unwrap_or(0);
        let script = if index + 2 >= wave {
            Script::GiveUpWaiting
        } else {
            talk(&mut random)
        };
        calls.push(planned(options, at, script, &mut random));
    }
    calls.sort_by_key(|call| call.at);
    for (index, call) in calls.iter_mut().enumerate() {
        call.call = options.first_call + index;
    }
    calls
}

fn talk(random: &mut Random) -> Script {
    Script::Talk {
        ends: if random.below(3) == 0 {
            Side::Seat
        } else {
            Side::Caller
        },
    }
}

fn planned(options: &CastOptions, at: Duration, script: Script, random: &mut Random) -> Planned {
    let (least, most) = options.talk;
    let more = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
    Planned {
        call: 0,
        at,
        script,
        talk: least + Duration::from_millis(random.below(more)),
        ring: Duration::from_millis(600 + random.below(700)),
        gives_up_after: Duration::from_millis(1_200 + random.below(500)),
    }
}

/// The scripts other than talk, shuffled among `spread` calls; the first call is always a talk.
///
/// The result is popped from its end, so that its last entry is the first call's.
fn specials(options: &CastOptions, spread: usize, random: &mut Random) -> Vec<Option<Script>> {
    let mut scripts: Vec<Option<Script>> = Vec::new();
    if options.key.is_some() && spread >= 2 {
        scripts.push(Some(Script::Danger));
    }
    let enough = |least: usize, part: usize| {
        if spread >= least {
            (spread / part).max(1)
        } else {
            0
        }
    };
    for n in 0..enough(4, 12) {
        scripts.push(Some(Script::SeatRefuses {
            status: REFUSALS[(n + random.below(2) as usize) % REFUSALS.len()],
        }));
    }
    scripts.extend(std::iter::repeat_n(
        Some(Script::GiveUpRinging),
        enough(3, 12),
    ));
    scripts.extend(std::iter::repeat_n(
        Some(Script::SeatIgnores),
        enough(6, 24),
    ));
    scripts.resize(spread.saturating_sub(1), None);
    for index in (1..scripts.len()).rev() {
        let other = random.below(index as u64 + 1) as usize;
        scripts.swap(index, other);
    }
    scripts.push(None);
    scripts
}

/// SplitMix64: small, seedable, good enough to shuffle a play.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}
