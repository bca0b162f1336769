//! Every name by which people call a place, from provinces down to counties, and whose place it is.
//!
//! A place here is what has an emergency service of its own: a region of routing's table, or one of
//! the county cities that no region holds.

use meishier_routing::{City, CityTable};
use smallvec::SmallVec;
use std::collections::BTreeMap;

const DATA: &str = include_str!("../data/districts.txt");

/// Names in the regions' table that people shorten, with the long ones.
const LONG_NAMES: [(&str, &str); 3] = [
    ("博州", "博尔塔拉"),
    ("巴州", "巴音郭楞"),
    ("克州", "克孜勒苏"),
];

/// Districts that are called what every town calls a part of itself: they tell nothing.
const ANYWHERE: [&str; 11] = [
    "城区",
    "郊区",
    "矿区",
    "东区",
    "西区",
    "老城区",
    "新城区",
    "古城区",
    "港口区",
    "河口区",
    "新市区",
];

/// Peoples of whom the names of autonomous counties tell, so that these can be left out.
const PEOPLES: [&str; 42] = [
    "满族",
    "蒙古族",
    "蒙古",
    "回族",
    "藏族",
    "维吾尔族",
    "苗族",
    "彝族",
    "壮族",
    "布依族",
    "朝鲜族",
    "侗族",
    "瑶族",
    "白族",
    "土家族",
    "哈尼族",
    "哈萨克族",
    "哈萨克",
    "傣族",
    "黎族",
    "傈僳族",
    "佤族",
    "畲族",
    "拉祜族",
    "水族",
    "东乡族",
    "纳西族",
    "土族",
    "达斡尔族",
    "仫佬族",
    "羌族",
    "布朗族",
    "撒拉族",
    "毛南族",
    "仡佬族",
    "锡伯",
    "塔吉克",
    "怒族",
    "鄂温克族",
    "裕固族",
    "保安族",
    "独龙族",
];

/// A place: its index among [`Districts::spot`]. Regions have the index of their
/// [`meishier_routing::CityId`].
pub(crate) type SpotId = u16;

/// A place with services of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Its names and codes.
    pub city: City,
    /// The region in which it lies, if that is one too.
    pub inside: Option<SpotId>,
}

/// What a name may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// A province: any of its places.
    Province,
    /// The place itself.
    Place,
    /// A county or district in it.
    District,
}

/// One meaning of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// What it is.
    pub rank: Rank,
    /// The places that may be meant, ascending.
    pub spots: SmallVec<[SpotId; 2]>,
    /// Its own area code, if it has another than its place.
    pub code: Option<&'static str>,
}

/// A name and all that it may mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    /// As it is written.
    pub text: String,
    /// True if what it ends in says what it is: `朝阳区`, not `朝阳`.
    pub full: bool,
    /// Its meanings; never empty.
    pub meanings: SmallVec<[Meaning; 1]>,
}

/// All names. Built once, then only read.
#[derive(Clone, Default)]
pub struct Districts {
    spots: Vec<Spot>,
    /// By first character, longest first.
    names: BTreeMap<char, Vec<Name>>,
    by_code: BTreeMap<&'static str, Vec<SpotId>>,
    /// By [`City::full_name`], of which no two are alike.
    by_full_name: BTreeMap<String, SpotId>,
}

impl std::fmt::Debug for Districts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Districts")
            .field("spots", &self.spots.len())
            .finish_non_exhaustive()
    }
}

impl Districts {
    /// The names that are compiled in. It takes milliseconds: to be made once.
    #[must_use]
    pub fn builtin() -> Self {
        let table = CityTable::builtin();
        let mut out = Self {
            spots: table.cities().iter().map(|city| spot(*city)).collect(),
            ..Self::default()
        };
        for line in DATA.lines().filter_map(|line| line.strip_prefix('+')) {
            out.spots.extend(outside(line).map(spot));
        }
        out.enclose();
        let mut names = Names::default();
        out.name_provinces(&mut names);
        out.name_places(&mut names, table.cities().len());
        out.name_districts(&mut names);
        for (text, (full, meanings)) in names.0 {
            let Some(first) = text.chars().next() else {
                continue;
            };
            let name = Name {
                text,
                full,
                meanings,
            };
            out.names.entry(first).or_default().push(name);
        }
        for list in out.names.values_mut() {
            list.sort_by_key(|name| std::cmp::Reverse(name.text.len()));
        }
        for (spot, id) in out.spots.iter().zip(0..) {
            out.by_code.entry(spot.city.area_code).or_default().push(id);
            out.by_full_name.insert(spot.city.full_name(), id);
        }
        out
    }

    /// The place of an index.
    pub(crate) fn spot(&self, id: SpotId) -> Option<&Spot> {
        self.spots.get(usize::from(id))
    }

    /// The place with this code; the first, if two share it.
    pub(crate) fn with_adcode(&self, adcode: u32) -> Option<SpotId> {
        let mut spots = self.spots.iter().zip(0..);
        spots
            .find(|(spot, _)| spot.city.adcode == adcode)
            .map(|(_, id)| id)
    }

    /// The place with this [`City::full_name`].
    pub(crate) fn with_full_name(&self, name: &str) -> Option<SpotId> {
        self.by_full_name.get(name).copied()
    }

    /// Places of an area code with its 0; empty if there is none such.
    pub(crate) fn of_code(&self, code: &str) -> &[SpotId] {
        self.by_code.get(code).map_or(&[], Vec::as_slice)
    }

    /// The longest name with which a text begins.
    pub(crate) fn longest(&self, text: &str) -> Option<&Name> {
        let names = self.names.get(&text.chars().next()?)?;
        names.iter().find(|name| text.starts_with(&name.text))
    }

    /// Province and name of a place, a municipality's once.
    pub(crate) fn full_name(&self, id: SpotId) -> String {
        self.spot(id)
            .map_or_else(String::new, |spot| spot.city.full_name())
    }

    /// These places without those that lie in another of them.
    pub(crate) fn outermost(&self, spots: &[SpotId]) -> Vec<SpotId> {
        let held = |id: &SpotId| {
            let inside = self.spot(*id).and_then(|spot| spot.inside);
            inside.is_some_and(|outer| spots.contains(&outer))
        };
        spots.iter().copied().filter(|id| !held(id)).collect()
    }

    fn enclose(&mut self) {
        let cities: Vec<City> = self.spots.iter().map(|spot| spot.city).collect();
        for (at, spot) in self.spots.iter_mut().enumerate() {
            let code = spot.city.adcode;
            let holds = |(other, of): (usize, &City)| {
                let same = of.adcode == code && other < at;
                let outer = code != of.adcode
                    && (of.adcode == code / 100 * 100 || of.adcode == code / 10_000 * 10_000);
                same || outer
            };
            let found = cities.iter().enumerate().position(holds);
            spot.inside = found.and_then(|at| u16::try_from(at).ok());
        }
    }

    /// A place and those that lie in it.
    fn with_inner(&self, id: SpotId, same_code: bool) -> SmallVec<[SpotId; 2]> {
        let code = |id: SpotId| self.spot(id).map(|spot| spot.city.adcode);
        let own = code(id);
        let inner = self.spots.iter().zip(0..).filter(|(spot, other)| {
            *other == id || spot.inside == Some(id) && (!same_code || Some(spot.city.adcode) == own)
        });
        inner.map(|(_, id)| id).collect()
    }

    fn name_provinces(&self, names: &mut Names) {
        let mut provinces: BTreeMap<u8, (&'static str, SmallVec<[SpotId; 2]>)> = BTreeMap::new();
        for (spot, id) in self.spots.iter().zip(0..) {
            let of = provinces.entry(spot.city.province_code());
            let (_, spots) = of.or_insert((spot.city.province, SmallVec::new()));
            spots.push(id);
        }
        for (code, (name, spots)) in provinces {
            let suffixes: &[&str] = match code {
                11 | 12 | 31 | 50 => &[],
                15 | 54 => &["自治区", "省"],
                45 => &["壮族自治区", "自治区", "省"],
                64 => &["回族自治区", "自治区", "省"],
                65 => &["维吾尔自治区", "自治区", "省"],
                _ => &["省"],
            };
            let meaning = Meaning {
                rank: Rank::Province,
                spots,
                code: None,
            };
            if !suffixes.is_empty() {
                names.add(name, false, &meaning);
            }
            if name == "内蒙古" {
                names.add("内蒙", false, &meaning);
            }
            for suffix in suffixes {
                names.add(&format!("{name}{suffix}"), true, &meaning);
            }
        }
    }

    fn name_places(&self, names: &mut Names, regions: usize) {
        for (spot, id) in self.spots.iter().zip(0..).take(regions) {
            let city = spot.city;
            let meaning = Meaning {
                rank: Rank::Place,
                spots: self.with_inner(id, false),
                code: None,
            };
            let long = LONG_NAMES.iter().find(|(short, _)| *short == city.name);
            for name in [Some(city.name), long.map(|(_, long)| *long)]
                .into_iter()
                .flatten()
            {
                names.add(name, false, &meaning);
                for suffix in suffixes(&city) {
                    names.add(&format!("{name}{suffix}"), true, &meaning);
                }
            }
        }
        for (spot, id) in self.spots.iter().zip(0..).skip(regions) {
            let meaning = Meaning {
                rank: Rank::District,
                spots: SmallVec::from_elem(id, 1),
                code: None,
            };
            names.add(spot.city.name, false, &meaning);
            for suffix in ["市", "县"] {
                names.add(&format!("{}{suffix}", spot.city.name), true, &meaning);
            }
        }
    }

    fn name_districts(&self, names: &mut Names) {
        for line in DATA.lines() {
            let mut words = line.split(' ');
            let region = words.next().and_then(|code| code.parse().ok());
            let Some(id) = region.and_then(|code| self.with_adcode(code)) else {
                continue;
            };
            for word in words {
                let (full, code) = match word.split_once('=') {
                    Some((full, code)) => (full, Some(code)),
                    None => (word, None),
                };
                let bare = bare(full);
                let own = self.with_inner(id, false).into_iter().any(|inner| {
                    inner != id && self.spot(inner).is_some_and(|it| it.city.name == bare)
                });
                // It is a place of its own.
                if own || ANYWHERE.contains(&full) {
                    continue;
                }
                let meaning = Meaning {
                    rank: Rank::District,
                    spots: self.with_inner(id, true),
                    code,
                };
                names.add(full, true, &meaning);
                if bare != full {
                    names.add(bare, false, &meaning);
                }
                let kind = full.chars().next_back();
                if let (Some(kind), false) = (kind, full.len() == bare.len() + 3) {
                    names.add(&format!("{bare}{kind}"), true, &meaning);
                }
            }
        }
    }
}

/// Names while they are collected: whether each is a full one, and its meanings.
#[derive(Default)]
struct Names(BTreeMap<String, (bool, SmallVec<[Meaning; 1]>)>);

impl Names {
    fn add(&mut self, text: &str, full: bool, meaning: &Meaning) {
        let entry = self.0.entry(text.to_owned()).or_default();
        entry.0 |= full;
        if !entry.1.contains(meaning) {
            entry.1.push(meaning.clone());
        }
    }
}

fn spot(city: City) -> Spot {
    Spot { city, inside: None }
}

/// A county or county city that no region holds.
fn outside(line: &'static str) -> Option<City> {
    let mut words = line.split(' ');
    let (adcode, province) = (words.next()?.parse().ok()?, words.next()?);
    let (name, area_code) = (bare(words.next()?), words.next()?);
    Some(City {
        adcode,
        province,
        name,
        area_code,
    })
}

/// What such a place is called beside its name (GB/T 2260), as [`CityTable::find`] takes it.
fn suffixes(city: &City) -> &'static [&'static str] {
    if !city.adcode.is_multiple_of(100) {
        &["市", "县", "区", "林区"]
    } else if !(21..=50).contains(&(city.adcode / 100 % 100)) {
        &["市", "新区"]
    } else if city.name == "海南" {
        &["州", "地区", "盟"]
    } else {
        &["州", "地区", "盟", "市"]
    }
}

/// The name of a county or district as people shorten it: at least two characters.
fn bare(full: &str) -> &str {
    let ends = [
        "自治县",
        "自治旗",
        "特区",
        "新区",
        "林区",
        "区",
        "县",
        "市",
        "旗",
    ];
    let cut = ends.iter().find_map(|end| full.strip_suffix(end));
    let mut name = cut.unwrap_or(full);
    while let Some(rest) = PEOPLES.iter().find_map(|it| name.strip_suffix(it)) {
        if rest.chars().count() < 2 {
            break;
        }
        name = rest;
    }
    if name.chars().count() < 2 { full } else { name }
}
