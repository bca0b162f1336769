//! The shipped table of the nation, and where its calls come from.

use crate::dice::Dice;
use meishier_config::{Config, Files, Lang, Source, Sources};
use std::collections::BTreeMap;

/// People of the provinces by the census of 2020, 10,000 each, in the order of their codes.
const PEOPLE: [(u8, f64); 31] = [
    (11, 2189.0),
    (12, 1387.0),
    (13, 7461.0),
    (14, 3492.0),
    (15, 2405.0),
    (21, 4259.0),
    (22, 2407.0),
    (23, 3185.0),
    (31, 2487.0),
    (32, 8475.0),
    (33, 6457.0),
    (34, 6103.0),
    (35, 4154.0),
    (36, 4519.0),
    (37, 10_153.0),
    (41, 9937.0),
    (42, 5775.0),
    (43, 6644.0),
    (44, 12_601.0),
    (45, 5013.0),
    (46, 1008.0),
    (50, 3205.0),
    (51, 8367.0),
    (52, 3856.0),
    (53, 4721.0),
    (54, 365.0),
    (61, 3953.0),
    (62, 2502.0),
    (63, 592.0),
    (64, 720.0),
    (65, 2585.0),
];

/// Calls a day of provinces where they are known; the others share the rest by their people.
const KNOWN: [(u8, f64); 2] = [(11, 119.0), (31, 145.0)];
/// A capital's part against that of another city of its province: about a fifth of a province's
/// people live in its capital (assumed).
const CAPITAL: f64 = 3.0;
/// The part of a county that the province governs itself.
const COUNTY: f64 = 0.25;
/// Most beginnings of mobile numbers that are kept of a city.
const MOST_PREFIXES: usize = 64;

/// A city and its share of the calls.
#[derive(Clone, Debug)]
pub(super) struct Town {
    pub adcode: u32,
    pub area_code: &'static str,
    /// Index of the trunk of its province.
    pub trunk: u16,
    pub weight: f64,
    /// Beginnings of its mobile numbers, seven digits.
    pub mobiles: Vec<u32>,
}

/// The nation.
#[derive(Debug)]
pub struct Nation {
    pub(super) config: Config,
    pub(super) towns: Vec<Town>,
    /// GB/T 2260 of each pool; 0 of one that is of no place.
    pub(super) pool_codes: Vec<u32>,
}

impl Nation {
    /// Reads the shipped table: `main.toml` of `deploy/nation` and what it includes.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(files: &mut dyn Files) -> Result<Self, String> {
        let name = "main.toml".to_owned();
        let text = files
            .text(&name, usize::MAX)
            .map_err(|why| why.message_en)?;
        let sources = Sources::gather(vec![Source { name, text }], files);
        let parsed = sources.parse(None);
        let (config, _) = parsed.map_err(|list| sources.render(&list, Lang::En))?;
        Self::of(config)
    }

    fn of(config: Config) -> Result<Self, String> {
        let towns = towns(&config)?;
        let codes = config.pools.iter().map(|it| it.name.parse().unwrap_or(0));
        Ok(Self {
            pool_codes: codes.collect(),
            towns,
            config,
        })
    }

    /// Which version of the table it is.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.config.table_hash
    }

    /// Seats of the table.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.config.seats.len()
    }
}

fn towns(config: &Config) -> Result<Vec<Town>, String> {
    let gazetteer = config.routing.gazetteer();
    let atlas = gazetteer.atlas();
    if config.trunks.len() != atlas.provinces().len() {
        return Err("a trunk for each province is wanted".to_owned());
    }
    let mut mobiles: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    // Every seventh beginning is enough to find each city's.
    for prefix in (1_300_000u32..2_000_000).step_by(7) {
        let city = gazetteer.segments().find(prefix.to_string().as_bytes());
        if let Some(city) = city.and_then(|id| atlas.city(id)) {
            let list = mobiles.entry(city.adcode).or_default();
            if list.len() < MOST_PREFIXES {
                list.push(prefix);
            }
        }
    }
    let known: f64 = KNOWN.iter().map(|(_, calls)| calls).sum();
    let is_known = |code: u8| KNOWN.iter().find(|(it, _)| *it == code);
    let others = PEOPLE.iter().filter(|(code, _)| is_known(*code).is_none());
    let people: f64 = others.map(|(_, people)| people).sum();
    let mut out = Vec::new();
    for (trunk, province) in (0u16..).zip(atlas.provinces()) {
        let cities = atlas.cities().iter();
        let cities: Vec<_> = cities
            .filter(|it| it.province_code() == province.code)
            .collect();
        let parts: f64 = cities.iter().map(|city| part(city.adcode)).sum();
        let heads = PEOPLE.iter().find(|(code, _)| *code == province.code);
        let heads = heads
            .ok_or_else(|| format!("province {} has no people", province.code))?
            .1;
        let calls = is_known(province.code).map_or(
            (super::CALLS_PER_DAY - known) * heads / people,
            |(_, calls)| *calls,
        );
        for city in cities {
            out.push(Town {
                adcode: city.adcode,
                area_code: city.area_code,
                trunk,
                weight: calls * part(city.adcode) / parts,
                mobiles: mobiles.remove(&city.adcode).unwrap_or_default(),
            });
        }
    }
    Ok(out)
}

fn part(adcode: u32) -> f64 {
    match (adcode % 10_000, adcode % 100) {
        (0 | 100, _) => CAPITAL,
        (_, 0) => 1.0,
        _ => COUNTY,
    }
}

impl Town {
    /// A mobile number of this city; a landline's if the segments know none.
    pub fn mobile(&self, dice: &mut Dice) -> String {
        match self.mobiles.get(dice.index(self.mobiles.len())) {
            Some(prefix) => format!("{prefix}{:04}", dice.roll(10_000)),
            None => self.landline(dice),
        }
    }

    /// A landline's number with its area code.
    pub fn landline(&self, dice: &mut Dice) -> String {
        format!(
            "{}{:08}",
            self.area_code,
            20_000_000 + dice.roll(60_000_000)
        )
    }
}
