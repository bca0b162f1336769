//! Which routes can hold for a call at all, so that a decision looks at few of thousands.
//!
//! Each route stands in the lists of its most telling condition, in the file's order:
//!
//! ```text
//!   number dialled ─► routes      city ─► routes      province ─► routes
//!   caller's first digits ─► routes      trunk ─► routes      everything else ─► routes
//! ```
//!
//! The first route that holds is the least of the firsts of the lists that a call has.

use std::collections::BTreeMap;

use crate::decide::Pools;
use crate::place::prefixes::Prefixes;
use crate::when::{Conditions, Facts, Gate};

/// A route and what two comparisons tell of it: most that do not hold fail there, without a look at
/// the route itself.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    route: u16,
    gate: Gate,
}

/// Candidates by the number of a place or a trunk, each list in the file's order.
#[derive(Clone, Debug)]
struct Lists {
    /// Where the list of each number begins; one more than there are numbers.
    starts: Vec<u32>,
    candidates: Vec<Candidate>,
}

impl Lists {
    fn new(map: &BTreeMap<u16, Vec<Candidate>>) -> Self {
        let (mut starts, mut candidates) = (vec![0], Vec::new());
        let last = map.keys().next_back().copied();
        for number in last.into_iter().flat_map(|last| 0..=last) {
            candidates.extend(map.get(&number).into_iter().flatten());
            starts.push(u32::try_from(candidates.len()).unwrap_or(u32::MAX));
        }
        Self { starts, candidates }
    }

    fn get(&self, number: u16) -> &[Candidate] {
        let at = usize::from(number);
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&from), Some(&to)) => {
                let list = self.candidates.get(from as usize..to as usize);
                list.unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// All lists.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    called: Prefixes<Box<[Candidate]>>,
    cities: Lists,
    provinces: Lists,
    callers: Prefixes<Box<[Candidate]>>,
    trunks: Lists,
    rest: Vec<Candidate>,
}

fn numbers(map: BTreeMap<Box<[u8]>, Vec<Candidate>>) -> Prefixes<Box<[Candidate]>> {
    Prefixes::new(map.into_iter().map(|(key, list)| (key, list.into())))
}

impl Index {
    pub fn new<'c>(routes: impl Iterator<Item = &'c Conditions>) -> Self {
        let mut called = BTreeMap::<Box<[u8]>, Vec<Candidate>>::new();
        let mut cities = BTreeMap::<u16, Vec<Candidate>>::new();
        let mut provinces = BTreeMap::<u16, Vec<Candidate>>::new();
        let mut callers = BTreeMap::<Box<[u8]>, Vec<Candidate>>::new();
        let mut trunks = BTreeMap::<u16, Vec<Candidate>>::new();
        let mut rest = Vec::new();
        for (when, route) in routes.zip(0u16..) {
            let it = Candidate {
                route,
                gate: when.gate,
            };
            if !when.called.is_empty() {
                let keys = when.called.iter();
                keys.for_each(|key| called.entry(key.clone()).or_default().push(it));
            } else if !when.cities.is_empty() {
                let keys = when.cities.iter();
                keys.for_each(|key| cities.entry(key.0).or_default().push(it));
            } else if !when.callers.is_empty() {
                let keys = when.callers.iter();
                keys.for_each(|key| callers.entry(key.clone()).or_default().push(it));
            } else if !when.provinces.is_empty() {
                let keys = when.provinces.iter();
                keys.for_each(|key| provinces.entry(key.0.into()).or_default().push(it));
            } else if !when.trunks.is_empty() {
                let keys = when.trunks.iter();
                keys.for_each(|key| trunks.entry(key.0).or_default().push(it));
            } else {
                rest.push(it);
            }
        }
        Self {
            called: numbers(called),
            cities: Lists::new(&cities),
            provinces: Lists::new(&provinces),
            callers: numbers(callers),
            trunks: Lists::new(&trunks),
            rest,
        }
    }

    /// The first route, in the file's order, of which the gate lets the call through and `holds` is
    /// true.
    pub fn first<P: Pools + ?Sized>(
        &self,
        facts: &Facts<'_, P>,
        mut holds: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        let mut best = None;
        let mut look = |list: &[Candidate]| {
            for it in list {
                if best.is_some_and(|best| it.route >= best) {
                    break;
                }
                if it.gate.admits(facts) && holds(it.route) {
                    best = Some(it.route);
                    break;
                }
            }
        };
        look(self.called.get(facts.called).map_or(&[], |list| list));
        if let Some(city) = facts.city {
            look(self.cities.get(city.0));
        }
        if let Some(province) = facts.province {
            look(self.provinces.get(province.0.into()));
        }
        let callers = self.callers.of(facts.caller);
        callers.for_each(|(_, list)| look(list));
        look(self.trunks.get(facts.trunk.0));
        look(&self.rest);
        best
    }
}
