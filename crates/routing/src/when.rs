//! Conditions, compiled: whether one rule holds for one call, and if not, which condition fails.

use meishier_model::{PoolId, TrunkId};

use crate::calendar::Day;
use crate::decide::Pools;
use crate::hours::{DAY, Days};
use crate::number::Number;
use crate::place::prefixes::Key;
use crate::place::{CityId, ProvinceId};
use crate::source::{Services, Tags, When};

/// The first condition that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Miss {
    /// Another number was dialled.
    Called,
    /// The caller's number begins otherwise.
    Callers,
    /// It came over another trunk.
    Trunks,
    /// The caller's city is another, or unknown.
    Cities,
    /// The caller's province is another, or unknown.
    Provinces,
    /// It is another day or hour.
    Hours,
    /// This pool is in another state.
    State(PoolId),
    /// The caller is at risk, or is not.
    Risk,
    /// The caller is held for nuisance, or is not.
    Nuisance,
    /// None of the tags is known of the caller.
    Tags,
    /// What the list says has run out.
    Expired,
    /// An earlier rule had decided.
    Later,
}

/// A moment in the table's zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    pub before: Day,
    pub day: Day,
    /// Both days as plans of pools look them up.
    pub slot: usize,
    /// Minute of the day, 0 to 1439.
    pub minute: u16,
    pub wall: meishier_model::Wall,
}

/// What conditions are held against.
pub(crate) struct Facts<'a, P: ?Sized> {
    pub called: Key<'a>,
    pub caller: Key<'a>,
    pub trunk: TrunkId,
    pub city: Option<CityId>,
    pub province: Option<ProvinceId>,
    pub local: Local,
    pub risk: bool,
    pub nuisance: bool,
    pub tags: Tags,
    pub pools: &'a P,
}

/// Conditions on what is known of the caller beyond place and number: all that a first look
/// needs, in 16 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    risk: Option<bool>,
    nuisance: Option<bool>,
    tags: Tags,
}

impl Gate {
    /// True if none of them fails.
    pub fn admits<P: Pools + ?Sized>(self, facts: &Facts<'_, P>) -> bool {
        self.miss(facts).is_none()
    }

    #[inline]
    fn miss<P: Pools + ?Sized>(self, facts: &Facts<'_, P>) -> Option<Miss> {
        if self.risk.is_some_and(|risk| risk != facts.risk) {
            return Some(Miss::Risk);
        }
        if self.nuisance.is_some_and(|it| it != facts.nuisance) {
            return Some(Miss::Nuisance);
        }
        (!self.tags.is_empty() && !self.tags.meet(facts.tags)).then_some(Miss::Tags)
    }
}

/// [`When`] with its numbers in normal form and its lists in order.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub called: Box<[Box<[u8]>]>,
    pub callers: Box<[Box<[u8]>]>,
    pub trunks: Box<[TrunkId]>,
    pub cities: Box<[CityId]>,
    pub provinces: Box<[ProvinceId]>,
    days: Days,
    hours: Box<[crate::hours::Hours]>,
    states: Box<[(PoolId, Services)]>,
    pub gate: Gate,
}

/// The list in order, each once.
fn ordered<T: Ord>(list: impl Iterator<Item = T>) -> Box<[T]> {
    let mut list: Vec<T> = list.collect();
    list.sort_unstable();
    list.dedup();
    list.into()
}

impl Conditions {
    pub fn new(when: &When) -> Self {
        let normal = |text: &String| Box::<[u8]>::from(Number::new(text).as_bytes());
        Self {
            called: ordered(when.called.iter().map(normal)),
            // A prefix is no number: `010` must not be taken for one.
            callers: ordered(when.callers.iter().map(|text| Box::from(text.as_bytes()))),
            trunks: ordered(when.trunks.iter().copied()),
            cities: ordered(when.cities.iter().copied()),
            provinces: ordered(when.provinces.iter().copied()),
            days: when.days,
            hours: when.hours.clone().into(),
            states: when.states.clone().into(),
            gate: Gate {
                risk: when.risk,
                nuisance: when.nuisance,
                tags: when.tags,
            },
        }
    }

    /// Minutes of the day at which it may begin or cease to hold.
    pub fn edges(&self) -> impl Iterator<Item = u16> {
        // Days begin and end at midnight.
        let midnight = (self.days != Days::ALL).then_some(0);
        let hours = self.hours.iter();
        let hours = hours.flat_map(|hours| [hours.start() % DAY, hours.end() % DAY]);
        hours.chain(midnight)
    }

    /// Pools whose states it looks at.
    pub fn watched(&self) -> impl Iterator<Item = PoolId> {
        self.states.iter().map(|(pool, _)| *pool)
    }

    /// True if it depends on the calendar of holidays.
    pub fn asks_calendar(&self) -> bool {
        self.days.asks_calendar()
    }

    /// `None` if all of them hold.
    #[inline]
    pub fn miss<P: Pools + ?Sized>(&self, facts: &Facts<'_, P>) -> Option<Miss> {
        // What costs least comes first.
        self.gate.miss(facts).or_else(|| self.miss_beyond(facts))
    }

    /// The same of a call that the gate admits.
    pub fn miss_beyond<P: Pools + ?Sized>(&self, facts: &Facts<'_, P>) -> Option<Miss> {
        if !within(&self.cities, facts.city) {
            return Some(Miss::Cities);
        }
        if !within(&self.provinces, facts.province) {
            return Some(Miss::Provinces);
        }
        if !self.trunks.is_empty() && self.trunks.binary_search(&facts.trunk).is_err() {
            return Some(Miss::Trunks);
        }
        let called = facts.called.bytes();
        if !self.called.is_empty()
            && self
                .called
                .binary_search_by(|it| (**it).cmp(called))
                .is_err()
        {
            return Some(Miss::Called);
        }
        let caller = facts.caller.bytes();
        if !self.callers.is_empty() && !self.callers.iter().any(|it| caller.starts_with(it)) {
            return Some(Miss::Callers);
        }
        if !self.at(&facts.local) {
            return Some(Miss::Hours);
        }
        let in_state = |(pool, states): &&(PoolId, Services)| {
            !states.contains(facts.pools.state(*pool).service)
        };
        self.states
            .iter()
            .find(in_state)
            .map(|(pool, _)| Miss::State(*pool))
    }

    /// True at this moment; hours that cross midnight belong to the day on which they begin.
    fn at(&self, local: &Local) -> bool {
        let Local {
            before,
            day,
            minute,
            ..
        } = *local;
        if self.hours.is_empty() {
            return self.days.contains(day);
        }
        self.hours.iter().any(|hours| {
            let (from, to) = hours.first_day();
            let today = (from..to).contains(&minute) && self.days.contains(day);
            let spilt = hours.second_day().is_some_and(|(_, to)| minute < to);
            today || (spilt && self.days.contains(before))
        })
    }
}

fn within<T: Ord + Copy>(list: &[T], item: Option<T>) -> bool {
    list.is_empty() || item.is_some_and(|item| list.binary_search(&item).is_ok())
}
