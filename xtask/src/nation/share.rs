//! Who gets which seats: by people, as far as the figures are not known.

use super::facts::{
    COUNSELLORS_OF_BEIJING, COUNSELLORS_OF_FOUR_SEATS, FEWEST, KNOWN, OLD, Old, PARTNERS,
    PROVINCES, SEATS,
};

const REGIONS: &str = include_str!("../../../crates/routing/data/regions.csv");
/// Seats of a capital's own pool, and of any other city's.
const CAPITAL: u32 = 4;
const CITY: u32 = 2;
/// Own pools of provinces from this size on lend two seats to the nation.
const LENDS: u32 = 12;
/// Seats that such a pool lends.
pub(super) const LENT: u32 = 2;

/// A city of the table of regions.
#[derive(Clone, Copy)]
pub(super) struct City {
    pub adcode: u32,
    pub name: &'static str,
    pub code: &'static str,
}

impl City {
    fn is_within(&self, other: &City) -> bool {
        let outer = [self.adcode / 100 * 100, self.adcode / 10_000 * 10_000];
        self.adcode != other.adcode && outer.contains(&other.adcode)
    }
}

/// Seats that answer together.
pub(super) struct Pool {
    /// GB/T 2260 of the city, or of the province for its own.
    pub adcode: u32,
    pub title: String,
    pub seats: u32,
    pub shifts: Vec<(String, u32)>,
    /// Its last [`LENT`] seats serve the nation as well.
    pub lends: bool,
}

impl Pool {
    pub fn most_lines(&self) -> u32 {
        self.shifts
            .iter()
            .map(|(_, lines)| *lines)
            .max()
            .unwrap_or(0)
    }

    /// Counsellors.
    pub fn people(&self) -> u32 {
        match self.adcode {
            110_000 => COUNSELLORS_OF_BEIJING,
            _ => self.seats * COUNSELLORS_OF_FOUR_SEATS / 4,
        }
    }
}

/// A province with its pools, its own first.
pub(super) struct Province {
    pub facts: &'static super::facts::Province,
    pub cities: Vec<City>,
    pub pools: Vec<Pool>,
}

impl Province {
    pub fn seats(&self) -> u32 {
        self.pools.iter().map(|pool| pool.seats).sum()
    }

    /// The pool of a city; the province's own if it has none.
    pub fn pool_of(&self, adcode: u32) -> &Pool {
        let own = self.pools.iter().find(|pool| pool.adcode == adcode);
        own.unwrap_or(&self.pools[0])
    }

    pub fn has_own(&self, adcode: u32) -> bool {
        self.pools.iter().any(|pool| pool.adcode == adcode)
    }

    /// Its old numbers.
    pub fn old_numbers(&self) -> impl Iterator<Item = &'static Old> {
        let own = self.facts.adcode / 10_000;
        OLD.iter().filter(move |old| old.adcode / 10_000 == own)
    }

    /// Area codes that several of its cities share, each with the cities. A place within one of
    /// them does not count.
    pub fn shared_codes(&self) -> Vec<(&'static str, Vec<City>)> {
        let mut out: Vec<(&str, Vec<City>)> = Vec::new();
        for city in &self.cities {
            match out.iter_mut().find(|(code, _)| *code == city.code) {
                Some((_, cities)) => cities.push(*city),
                None => out.push((city.code, vec![*city])),
            }
        }
        for (_, cities) in &mut out {
            let all = cities.clone();
            cities.retain(|city| !all.iter().any(|other| city.is_within(other)));
            cities.dedup_by_key(|city| city.adcode);
        }
        out.retain(|(_, cities)| cities.len() > 1);
        out
    }

    /// Cities that stand in for one: its partner elsewhere if it is a capital that has one, else
    /// the capital of its own province.
    pub fn paired(&self, adcode: u32) -> Option<u32> {
        let partner = PARTNERS.iter().find(|(city, _)| *city == adcode);
        let capital = self.facts.adcode + 100;
        match partner {
            Some((_, partner)) => Some(*partner),
            None => (adcode != capital && self.has_own(capital)).then_some(capital),
        }
    }
}

fn regions() -> impl Iterator<Item = (&'static str, City)> {
    let lines = REGIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1);
    lines.filter_map(|line| {
        let mut fields = line.split(',');
        let adcode = fields.next()?.parse().ok()?;
        let (province, name, code) = (fields.next()?, fields.next()?, fields.next()?);
        Some((province, City { adcode, name, code }))
    })
}

/// The name of a city by its code, province first where the bare name would not do.
pub(super) fn name_of(adcode: u32) -> &'static str {
    let found = regions().find(|(_, city)| city.adcode == adcode);
    found.map_or("", |(_, city)| city.name)
}

fn known_seats(province: u32) -> Option<u32> {
    let own = KNOWN
        .iter()
        .filter(|known| known.adcode / 10_000 == province / 10_000);
    let seats: u32 = own.map(|known| known.seats).sum();
    (seats > 0).then_some(seats)
}

/// Seats of each province: what is known, the rest by people (largest remainder), none below
/// [`FEWEST`].
fn seats() -> Vec<u32> {
    let mut out: Vec<u32> = PROVINCES
        .iter()
        .map(|it| known_seats(it.adcode).unwrap_or(0))
        .collect();
    let mut open: Vec<usize> = (0..out.len()).filter(|at| out[*at] == 0).collect();
    // Whoever would get too few gets the least, and is out of the sharing.
    loop {
        let rest = SEATS - out.iter().sum::<u32>();
        let people: u32 = open.iter().map(|at| PROVINCES[*at].people).sum();
        let few = |at: &usize| PROVINCES[*at].people * rest / people < FEWEST;
        let Some(at) = open.iter().position(few) else {
            share(&mut out, &open, rest, people);
            return out;
        };
        out[open.remove(at)] = FEWEST;
    }
}

fn share(out: &mut [u32], open: &[usize], rest: u32, people: u32) {
    let mut left = rest;
    let mut remainders: Vec<(u32, usize)> = Vec::new();
    for at in open {
        let product = PROVINCES[*at].people * rest;
        out[*at] = product / people;
        left -= out[*at];
        remainders.push((product % people, *at));
    }
    remainders.sort_by_key(|(remainder, at)| (u32::MAX - remainder, *at));
    for (_, at) in remainders.into_iter().take(left as usize) {
        out[at] += 1;
    }
}

/// All provinces with their pools.
pub(super) fn provinces() -> Vec<Province> {
    PROVINCES
        .iter()
        .zip(seats())
        .map(|(facts, seats)| {
            let of = regions().filter(|(province, _)| *province == facts.name);
            let mut cities: Vec<City> = of.map(|(_, city)| city).collect();
            // Of two names for one code the first is the city itself.
            cities.dedup_by_key(|city| city.adcode);
            let pools = pools(facts, seats, &cities);
            Province {
                facts,
                cities,
                pools,
            }
        })
        .collect()
}

/// A third of the seats stays with the province; the capital gets four, other cities two each in
/// the order of their codes as long as there are any; what is left over is the province's.
fn pools(facts: &'static super::facts::Province, seats: u32, cities: &[City]) -> Vec<Pool> {
    let municipal = cities.iter().any(|city| city.adcode == facts.adcode);
    let mut left = seats - (seats / 3).max(4);
    let mut out = Vec::new();
    // Codes that do not end in 00 are of places within a city, or run by the province itself.
    let own = cities
        .iter()
        .filter(|city| city.adcode.is_multiple_of(100) && !municipal);
    for city in own {
        let known = KNOWN.iter().find(|known| known.adcode == city.adcode);
        let wanted = match known {
            Some(known) => known.seats,
            None if known_seats(facts.adcode).is_some() => continue,
            None if city.adcode == facts.adcode + 100 => CAPITAL,
            None => CITY,
        };
        if known.is_none() && left < wanted {
            continue;
        }
        left = left.saturating_sub(wanted);
        out.push(pool(city.adcode, city.name.to_owned(), wanted));
    }
    let own = seats - out.iter().map(|pool: &Pool| pool.seats).sum::<u32>();
    let title = if municipal {
        facts.name.to_owned()
    } else {
        format!("{}省级", facts.name)
    };
    out.insert(0, pool(facts.adcode, title, own));
    out
}

fn pool(adcode: u32, title: String, seats: u32) -> Pool {
    let is_province = adcode.is_multiple_of(10_000);
    let known = KNOWN.iter().find(|known| known.adcode == adcode);
    let shifts: Vec<(&str, u32)> = match known {
        Some(known) => known.shifts.to_vec(),
        None if is_province => vec![
            ("08:00-18:00", seats.div_ceil(2)),
            // By night the province answers for its cities.
            ("18:00-02:00", (seats * 2).div_ceil(3)),
            ("02:00-08:00", seats.div_ceil(3).max(2)),
        ],
        None if seats == CAPITAL => vec![("08:00-18:00", 2), ("18:00-08:00", 1)],
        None => vec![("08:00-20:00", 1)],
    };
    Pool {
        adcode,
        title,
        seats,
        shifts: shifts
            .into_iter()
            .map(|(hours, lines)| (hours.to_owned(), lines))
            .collect(),
        lends: is_province && known.is_none() && seats >= LENDS,
    }
}

/// One line of figures.
pub(super) fn summary(provinces: &[Province]) -> String {
    let pools = || provinces.iter().flat_map(|it| &it.pools);
    let seats: u32 = pools().map(|pool| pool.seats).sum();
    let lines: u32 = pools().map(Pool::most_lines).sum();
    let people: u32 = pools().map(Pool::people).sum();
    format!(
        "{} provinces, {} pools, {seats} seats, {lines} lines, {people} counsellors",
        provinces.len(),
        pools().count() + 1
    )
}
