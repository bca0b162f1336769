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

use crate::place::prefixes::Prefixes;
use crate::when::Conditions;

/// Routes by one kind of key, both in order.
#[derive(Clone, Debug)]
struct Lists<K> {
    keys: Vec<K>,
    /// Where the routes of each key begin; one more than there are keys.
    starts: Vec<u32>,
    routes: Vec<u16>,
}

impl<K: Ord> Lists<K> {
    fn new(map: BTreeMap<K, Vec<u16>>) -> Self {
        let (mut keys, mut starts, mut routes) = (Vec::new(), vec![0], Vec::new());
        for (key, of_key) in map {
            keys.push(key);
            routes.extend(of_key);
            starts.push(u32::try_from(routes.len()).unwrap_or(u32::MAX));
        }
        Self {
            keys,
            starts,
            routes,
        }
    }

    fn get(&self, key: &K) -> &[u16] {
        let Ok(at) = self.keys.binary_search(key) else {
            return &[];
        };
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&from), Some(&to)) => self
                .routes
                .get(from as usize..to as usize)
                .unwrap_or_default(),
            _ => &[],
        }
    }
}

/// All lists.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    called: Prefixes<Box<[u16]>>,
    cities: Lists<u16>,
    provinces: Lists<u8>,
    callers: Prefixes<Box<[u16]>>,
    trunks: Lists<u16>,
    rest: Vec<u16>,
}

fn numbers(map: BTreeMap<Box<[u8]>, Vec<u16>>) -> Prefixes<Box<[u16]>> {
    Prefixes::new(map.into_iter().map(|(key, list)| (key, list.into())))
}

/// What of a call the lists are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub called: &'a [u8],
    pub caller: &'a [u8],
    pub city: Option<u16>,
    pub province: Option<u8>,
    pub trunk: u16,
}

impl Index {
    pub fn new<'c>(routes: impl Iterator<Item = &'c Conditions>) -> Self {
        let mut called = BTreeMap::<Box<[u8]>, Vec<u16>>::new();
        let mut cities = BTreeMap::<u16, Vec<u16>>::new();
        let mut provinces = BTreeMap::<u8, Vec<u16>>::new();
        let mut callers = BTreeMap::<Box<[u8]>, Vec<u16>>::new();
        let mut trunks = BTreeMap::<u16, Vec<u16>>::new();
        let mut rest = Vec::new();
        for (route, id) in routes.zip(0u16..) {
            if !route.called.is_empty() {
                (route.called.iter()).for_each(|it| called.entry(it.clone()).or_default().push(id));
            } else if !route.cities.is_empty() {
                (route.cities.iter()).for_each(|it| cities.entry(it.0).or_default().push(id));
            } else if !route.callers.is_empty() {
                (route.callers.iter())
                    .for_each(|it| callers.entry(it.clone()).or_default().push(id));
            } else if !route.provinces.is_empty() {
                (route.provinces.iter()).for_each(|it| provinces.entry(it.0).or_default().push(id));
            } else if !route.trunks.is_empty() {
                (route.trunks.iter()).for_each(|it| trunks.entry(it.0).or_default().push(id));
            } else {
                rest.push(id);
            }
        }
        Self {
            called: numbers(called),
            cities: Lists::new(cities),
            provinces: Lists::new(provinces),
            callers: numbers(callers),
            trunks: Lists::new(trunks),
            rest,
        }
    }

    /// The first route, in the file's order, of which `holds` is true.
    pub fn first(&self, keys: Keys<'_>, mut holds: impl FnMut(u16) -> bool) -> Option<u16> {
        let mut best = None;
        let mut look = |list: &[u16]| {
            let sooner = list
                .iter()
                .copied()
                .take_while(|id| best.is_none_or(|best| *id < best));
            if let Some(found) = sooner.into_iter().find(|id| holds(*id)) {
                best = Some(found);
            }
        };
        look(self.called.get(keys.called).map_or(&[], |list| list));
        if let Some(city) = keys.city {
            look(self.cities.get(&city));
        }
        if let Some(province) = keys.province {
            look(self.provinces.get(&province));
        }
        self.callers
            .of(keys.caller)
            .for_each(|(_, list)| look(list));
        look(self.trunks.get(&keys.trunk));
        look(&self.rest);
        best
    }
}
