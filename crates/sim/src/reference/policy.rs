//! What holds across all routes, as the judges read it.

use super::hours::Calendar;
use super::place::{Place, Signs};
use jiff::civil::Date;
use meishier_model::Wall;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which city of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of the area code that was dialled.
    Called,
    /// Where the call is made.
    Here,
    /// Where the number is from.
    Home,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// One pool.
    Pool(u16),
    /// The city's pools.
    City,
    /// Those of the cities paired with it.
    Paired,
    /// The province's.
    Province,
    /// The nation's.
    Nation,
}

/// A step and the time from the arrival at which it opens.
pub type Step = (To, Duration);

/// Pools of places.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    /// Of cities by name: pools, and paired cities.
    pub cities: BTreeMap<String, (Vec<u16>, Vec<String>)>,
    /// Of shared area codes.
    pub codes: BTreeMap<String, (Vec<u16>, Vec<String>)>,
    /// Of provinces.
    pub provinces: BTreeMap<String, Vec<u16>>,
    /// Of the nation.
    pub nation: Vec<u16>,
}

impl Policies {
    /// The signs of a caller's place that are of this file.
    #[must_use]
    pub fn signs(&self, trunk: u16, caller: &str, cell: &str) -> Signs {
        let fits = |block: &&Block| block.trunks.is_empty() || block.trunks.contains(&trunk);
        let blocks = || self.blocks.iter().filter(fits);
        // The longest beginning goes first; of two one that names the trunk.
        let of_number = blocks().flat_map(|block| {
            let begins = |head: &&String| caller.starts_with(head.as_str());
            let heads = block.callers.iter().filter(begins);
            heads.map(move |head| ((head.len(), !block.trunks.is_empty()), block.place))
        });
        let of_trunk = blocks().filter(|block| block.callers.is_empty());
        let cell = cell.to_ascii_uppercase();
        let of_cell = self
            .cells
            .iter()
            .filter(|row| cell.starts_with(row.0.as_str()));
        Signs {
            block: of_number.max_by_key(|found| found.0).map(|found| found.1),
            cell: of_cell.max_by_key(|row| row.0.len()).map(|row| row.1),
            trunk: of_trunk
                .max_by_key(|block| !block.trunks.is_empty())
                .map(|block| block.place),
        }
    }
}

impl Areas {
    /// The pools of a step for a caller of this place.
    #[must_use]
    pub fn pools(&self, to: To, place: &Place) -> Vec<u16> {
        let own = match place.code {
            Some(code) => self.codes.get(code),
            None => place.city.and_then(|city| self.cities.get(city)),
        };
        match to {
            To::Pool(pool) => vec![pool],
            To::City => own.map(|own| own.0.clone()).unwrap_or_default(),
            To::Paired => own
                .into_iter()
                .flat_map(|own| &own.1)
                .filter_map(|city| self.cities.get(city))
                .flat_map(|of| of.0.clone())
                .collect(),
            To::Province => {
                let pools = place.province.and_then(|it| self.provinces.get(it));
                pools.cloned().unwrap_or_default()
            }
            To::Nation => self.nation.clone(),
        }
    }
}

/// Conditions of a route or a preference; empty ones hold for everyone.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// Numbers dialled.
    pub called: Vec<String>,
    /// First digits of callers.
    pub callers: Vec<String>,
    /// Trunks.
    pub trunks: Vec<u16>,
    /// Cities.
    pub cities: Vec<String>,
    /// Provinces.
    pub provinces: Vec<String>,
    /// Words of `days`.
    pub days: Vec<String>,
    /// First minute and minute after the last, beyond 1440 if that is on the next day.
    pub hours: Vec<(u16, u16)>,
    /// At risk, or not.
    pub risk: Option<bool>,
    /// Held for nuisance, or not.
    pub nuisance: Option<bool>,
    /// Tags of which one is needed, as bits.
    pub tags: u64,
    /// Pools, each with the states of which it must be in one, as bits of [`super::service`].
    pub states: Vec<(u16, u8)>,
}

impl When {
    /// True at this date and minute. What begins before midnight belongs to the day before.
    #[must_use]
    pub fn at(&self, calendar: &Calendar, date: Date, minute: u16) -> bool {
        const DAY: u16 = 24 * 60;
        if self.days.is_empty() && self.hours.is_empty() {
            return true;
        }
        let on = |date| self.days.is_empty() || self.days.iter().any(|it| calendar.is(date, it));
        if self.hours.is_empty() {
            return on(date);
        }
        let yesterday = date.yesterday().unwrap_or(date);
        self.hours.iter().any(|(from, to)| {
            (*from <= minute && minute < *to && on(date)) || (minute + DAY < *to && on(yesterday))
        })
    }
}

/// Numbers or trunks of one city.
#[derive(Clone, Debug)]
pub struct Block {
    /// The city.
    pub place: Place,
    /// First digits; empty for whoever calls.
    pub callers: Vec<String>,
    /// Trunks; empty for any.
    pub trunks: Vec<u16>,
}

/// When a pool counts as overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The pool.
    pub pool: u16,
    /// If so many or more wait for it.
    pub waiting: Option<u64>,
    /// If somebody has waited for it so long or longer.
    pub wait: Option<Duration>,
}

/// What people say of a number.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// At risk.
    pub risk: bool,
    /// Held for nuisance.
    pub nuisance: bool,
    /// The counsellor planned.
    pub counsellor: Option<u32>,
    /// Tags as bits.
    pub tags: u64,
    /// From when on it does not hold.
    pub until: Option<Wall>,
}

/// Rules across all routes.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Which city counts first.
    pub first: Vec<Which>,
    /// Pools of places.
    pub areas: Areas,
    /// Someone asks where callers are.
    pub by_place: bool,
    /// Old numbers with their cities.
    pub aliases: BTreeMap<String, Option<Place>>,
    /// Blocks of numbers, and whole trunks.
    pub blocks: Vec<Block>,
    /// Beginnings of cells' names, in capitals, with their cities.
    pub cells: Vec<(String, Place)>,
    /// Pools at whose state some route looks, with what makes it.
    pub watched: Vec<Watched>,
    /// Lists kept by people, by number.
    pub numbers: BTreeMap<String, Vec<Listed>>,
    /// Who calls again so soon after a conversation that broke off is at risk.
    pub dropped_within: Duration,
    /// How long a flag outlasts the call.
    pub flagged_for: Duration,
    /// How long one's own counsellor is waited for.
    pub own_hold: Duration,
    /// Where callers at risk go.
    pub risk_steps: Vec<Step>,
    /// Skills held out for if at risk.
    pub risk_prefer: u64,
    /// The key that says that life is in danger.
    pub danger_key: Option<char>,
    /// Calls of a day from which on it is nuisance; 0 never.
    pub calls_a_day: usize,
    /// Short conversations of a day from which on it is.
    pub short_calls: usize,
    /// What a short one is.
    pub short: Duration,
    /// Class of nuisance callers.
    pub nuisance_class: Option<u8>,
    /// Where they go.
    pub nuisance_steps: Vec<Step>,
    /// How long a mark lasts.
    pub marked_for: Duration,
    /// How long a place is kept.
    pub redial_within: Duration,
    /// Preferences: condition and skills.
    pub preferences: Vec<(String, When, u64)>,
    /// Calls at risk of a shift after which a counsellor gets them last; 0 never.
    pub risk_calls: u16,
    /// The bit that says that this cap is not reached.
    pub fresh: u64,
    /// Talk of a shift after which the engine pauses.
    pub talk: Option<Duration>,
    /// Rest after a call at risk.
    pub rest_risk: Duration,
    /// Rest after an emergency.
    pub rest_emergency: Duration,
    /// Rest after a long call, and from when on it is long.
    pub rest_long: Option<(Duration, Duration)>,
    /// Transfer keys for emergencies.
    pub emergency_keys: Vec<String>,
}
