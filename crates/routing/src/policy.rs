//! What holds across all routes: which city counts, risk, nuisance, redial, preferences, lists.

use meishier_model::{Class, CounsellorId, Wall};
use smallvec::SmallVec;
use std::time::Duration;

use crate::source::{Ladder, Tags, When};
use crate::table::Preference;

/// Which of the cities that are known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The city whose area code was dialled before 12356.
    Called,
    /// The city from which the call is made.
    Here,
    /// The city that the caller's number is of.
    Home,
}

/// Policies of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// Which city counts first; the first one known is the caller's.
    pub first: SmallVec<[Which; 3]>,
    /// Callers at risk.
    pub risk: RiskPolicy,
    /// Nuisance callers.
    pub nuisance: NuisancePolicy,
    /// Callers who were cut off while they waited and call again.
    pub redial: RedialPolicy,
    /// Skills that count for some callers; every one that holds is applied, in this order.
    pub preferences: Vec<PreferenceRule>,
    /// Numbers of which people have said something.
    pub listed: Vec<Listed>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            first: [Which::Called, Which::Here, Which::Home]
                .into_iter()
                .collect(),
            risk: RiskPolicy::default(),
            nuisance: NuisancePolicy::default(),
            redial: RedialPolicy::default(),
            preferences: Vec::new(),
            listed: Vec::new(),
        }
    }
}

/// Callers at risk stand above every class whatever stands here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskPolicy {
    /// Who calls again so soon after a conversation that broke off is at risk; zero: never.
    pub dropped_within: Duration,
    /// How long a number stays flagged after a call at risk; zero: not beyond the call.
    pub flagged_for: Duration,
    /// How long the counsellor who knows the caller is waited for; zero: not at all.
    pub own_hold: Duration,
    /// Skills that count for callers at risk, before all others.
    pub prefer: SmallVec<[Preference; 2]>,
    /// Where callers at risk go instead of their route's steps; empty: by their route.
    pub steps: Ladder,
    /// Key by which a waiting caller says that life is in danger, as ASCII.
    pub danger_key: Option<u8>,
}

/// Callers who take the line from others. The effect is never a rejection, and a risk flag lifts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NuisancePolicy {
    /// From so many calls of a number in 24 hours on; 0: never.
    pub calls_a_day: u16,
    /// From so many conversations shorter than [`Self::short`] in 24 hours on; 0: never.
    pub short_calls: u16,
    /// What a short conversation is.
    pub short: Duration,
    /// Class in the queue; `None` leaves the route's. A better one of the route does not help.
    pub class: Option<Class>,
    /// Where they go instead of their route's steps, such as to a pool with few lines (a share of
    /// the seats); empty: by their route.
    pub steps: Ladder,
    /// How long a mark of a counsellor lasts if none is said.
    pub marked_for: Duration,
}

/// Who gave up, or was cut off, while waiting and calls again keeps the place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedialPolicy {
    /// How long the place is kept; zero: not at all.
    pub within: Duration,
}

/// Skills that count for callers for whom the conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferenceRule {
    /// Name for reasons.
    pub name: String,
    /// For whom.
    pub when: When,
    /// Which skills, and how much.
    pub prefer: SmallVec<[Preference; 2]>,
}

/// What people say of one number, for a time.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// The number, in any form that [`crate::Number`] reads.
    pub number: String,
    /// Flagged as at risk.
    pub risk: bool,
    /// Held for nuisance.
    pub nuisance: bool,
    /// The counsellor who is planned for this caller.
    pub counsellor: Option<CounsellorId>,
    /// What else is known.
    pub tags: Tags,
    /// First moment at which it no longer holds; `None`: for good.
    pub until: Option<Wall>,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listed")
            .field("risk", &self.risk)
            .field("nuisance", &self.nuisance)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Why a caller counts as at risk.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RiskWhy {
    /// A list kept by people.
    Listed,
    /// A counsellor flagged an earlier call of this number.
    Flagged,
    /// The conversation of a moment ago broke off.
    Dropped,
    /// The caller pressed the key while waiting.
    Key,
    /// The route says so.
    Route,
    /// A person flagged this call.
    Person,
}

/// Why a caller is held for nuisance.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NuisanceWhy {
    /// A list kept by people.
    Listed,
    /// A counsellor marked an earlier call of this number.
    Marked,
    /// Too many calls in 24 hours.
    CallsADay,
    /// Too many short conversations in 24 hours.
    ShortCalls,
}

/// What is known of a caller beyond the number, when the call arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    /// At risk, and why.
    pub risk: Option<RiskWhy>,
    /// Held for nuisance, and why. Of no effect while at risk.
    pub nuisance: Option<NuisanceWhy>,
    /// The counsellor planned for this caller.
    pub planned: Option<CounsellorId>,
    /// The counsellor who talked with this caller last; counts if the caller is at risk, by then or
    /// while waiting.
    pub last: Option<CounsellorId>,
    /// Keeps the place of an earlier call.
    pub redial: bool,
    /// What else is known.
    pub tags: Tags,
}
