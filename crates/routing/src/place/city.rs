//! The table of cities, and how a counsellor may name one.
//!
//! A wrong city sends the police to the wrong place, so whatever could mean two cities names none:
//! `海南` is an island province and a prefecture of 青海, `吉林` a province and a city, `0731` three
//! cities. A suffix must be of the right kind: `朝阳区` is a district of 北京 and not the city of 辽宁.

use std::collections::BTreeMap;

/// One city, or an area within a city that is known by a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct City {
    /// GB/T 2260 code, six digits.
    pub adcode: u32,
    /// Province, without 省, 市 or 自治区.
    pub province: &'static str,
    /// Name, without 市, 州, 地区 or 盟.
    pub name: &'static str,
    /// Area code with its leading 0.
    pub area_code: &'static str,
}

/// Why a text names no one city. Whoever wrote it is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CityError {
    /// Nothing in the table answers to it.
    Unknown,
    /// Several do; they are named, province first, in the order of their codes.
    Ambiguous(Vec<String>),
}

/// All cities, by code.
#[derive(Clone, Debug, Default)]
pub struct CityTable {
    cities: Vec<City>,
    by_area_code: BTreeMap<&'static str, Vec<City>>,
}

const DATA: &str = include_str!("../../data/regions.csv");

/// Names in the table that people shorten, and the long ones.
const LONG_NAMES: [(&str, &str); 3] = [
    ("博州", "博尔塔拉"),
    ("巴州", "巴音郭楞"),
    ("克州", "克孜勒苏"),
];

impl City {
    /// Province and name, a municipality's once: `贵州贵阳`, `吉林吉林`, `北京`. [`CityTable::find`]
    /// takes it for this city and no other.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.is_municipal() && self.province == self.name {
            self.name.to_owned()
        } else {
            format!("{}{}", self.province, self.name)
        }
    }

    /// Code of the province, the first two digits of the city's: 11 to 65.
    #[must_use]
    pub fn province_code(&self) -> u8 {
        // The table has six digits, so the quotient is below 100.
        (self.adcode / 10_000) as u8
    }

    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split(',');
        let (adcode, province) = (fields.next()?.parse().ok()?, fields.next()?);
        let (name, area_code) = (fields.next()?, fields.next()?);
        Some(Self {
            adcode,
            province,
            name,
            area_code,
        })
    }

    /// True if `text` is the name, bare or with a suffix that such a place bears.
    fn is_called(&self, text: &str) -> bool {
        let long = LONG_NAMES
            .iter()
            .find(|(short, _)| *short == self.name)
            .map(|(_, long)| *long);
        let rests = [Some(self.name), long]
            .into_iter()
            .flatten()
            .filter_map(|name| text.strip_prefix(name));
        rests
            .into_iter()
            .any(|rest| rest.is_empty() || self.bears(rest))
    }

    /// GB/T 2260: codes that do not end in 00 are of the rank of a county; the middle digits 21 to
    /// 50 are prefectures and leagues, whose seat is often a 市 of the same name and area code.
    /// `海南市` is none: who says it means the island.
    fn bears(&self, suffix: &str) -> bool {
        if !self.adcode.is_multiple_of(100) {
            matches!(suffix, "市" | "县" | "区" | "林区")
        } else if (21..=50).contains(&(self.adcode / 100 % 100)) {
            matches!(suffix, "州" | "地区" | "盟")
                || suffix.ends_with("自治州")
                || (suffix == "市" && self.name != "海南")
        } else {
            matches!(suffix, "市" | "新区")
        }
    }

    /// What follows the province in `text`, if it begins with that.
    pub(super) fn after_province<'a>(&self, text: &'a str) -> Option<&'a str> {
        let rest = text.strip_prefix(self.province)?;
        let suffixes: &[&str] = if self.is_municipal() {
            &["市"]
        } else {
            &["省", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区"]
        };
        let cut = suffixes.iter().find_map(|suffix| rest.strip_prefix(suffix));
        Some(cut.unwrap_or(rest))
    }

    /// 北京, 天津, 上海, 重庆: cities that are provinces.
    fn is_municipal(&self) -> bool {
        matches!(self.adcode / 10_000, 11 | 12 | 31 | 50)
    }

    /// True if this place lies within `other`, so that who names both means `other`.
    pub(super) fn within(&self, other: &City) -> bool {
        let (mine, code) = (self.adcode, other.adcode);
        mine != code && (code == mine / 100 * 100 || code == mine / 10_000 * 10_000)
    }
}

impl CityTable {
    /// The table that is compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        let lines = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
        let cities: Vec<City> = lines.filter_map(City::parse).collect();
        let mut by_area_code: BTreeMap<&'static str, Vec<City>> = BTreeMap::new();
        for city in &cities {
            by_area_code.entry(city.area_code).or_default().push(*city);
        }
        Self {
            cities,
            by_area_code,
        }
    }

    /// Every city, by code.
    #[must_use]
    pub fn cities(&self) -> &[City] {
        &self.cities
    }

    /// The city that `text` names: a name with or without its suffix, province and name, a
    /// GB/T 2260 code of six digits, or an area code that only one city has. White space is
    /// ignored. The name of a province alone names a city only for the four municipalities.
    ///
    /// # Errors
    /// See [`CityError`].
    pub fn find(&self, text: &str) -> Result<City, CityError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if text.is_empty() {
            return Err(CityError::Unknown);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return self.by_name(&text);
        }
        if text.starts_with('0') {
            return one_of(
                self.by_area_code
                    .get(text.as_str())
                    .map_or(&[][..], Vec::as_slice),
            );
        }
        let with_code = self
            .cities
            .iter()
            .filter(|c| text.parse() == Ok(c.adcode))
            .copied();
        one_of(&with_code.collect::<Vec<_>>())
    }

    fn by_name(&self, text: &str) -> Result<City, CityError> {
        let by_province = self
            .cities
            .iter()
            .filter(|c| c.after_province(text) == Some(""));
        let by_name = self.cities.iter().filter(|c| {
            c.is_called(text)
                || c.after_province(text)
                    .is_some_and(|rest| !rest.is_empty() && c.is_called(rest))
        });
        let mut found: Vec<City> = by_name.chain(by_province).copied().collect();
        found.sort_by_key(|c| c.adcode);
        found.dedup();
        one_of(&found)
    }
}

/// The one city among these (in the order of their codes). A place within another of them is not
/// counted, and of two names for one code the first is the city itself.
fn one_of(found: &[City]) -> Result<City, CityError> {
    let mut outer: Vec<City> = found
        .iter()
        .filter(|city| !found.iter().any(|other| city.within(other)))
        .copied()
        .collect();
    outer.dedup_by_key(|city| city.adcode);
    match outer.as_slice() {
        [] => Err(CityError::Unknown),
        [city] => Ok(*city),
        several => Err(CityError::Ambiguous(
            several.iter().map(City::full_name).collect(),
        )),
    }
}
