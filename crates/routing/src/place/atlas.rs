//! Cities, provinces and area codes by number, so that a call's places are found without a search.

use super::city::{City, CityError, CityTable};

/// A city: its place in the table, which is ordered by code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CityId(pub u16);

/// A province: its place among the 31, which are ordered by code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvinceId(pub u8);

/// An area code: its place among the 320, which are ordered by their digits as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeId(pub u16);

/// One province.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Province {
    /// First two digits of its cities' codes, 11 to 65.
    pub code: u8,
    /// Name without 省, 市 or 自治区.
    pub name: &'static str,
}

/// One area code and its cities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AreaCode<'a> {
    /// Its place among all.
    pub id: CodeId,
    /// The digits with their 0: `010`, `0851`.
    pub text: &'static str,
    /// Its cities in the order of their codes; at least one.
    pub cities: &'a [CityId],
    /// The city that is meant if only the code is known: the only one, or the one in which all
    /// others lie.
    pub city: Option<CityId>,
    /// The province, if all its cities lie in one.
    pub province: Option<ProvinceId>,
}

/// Cities, provinces and area codes. Built once, then only read.
#[derive(Clone, Default)]
pub struct Atlas {
    table: CityTable,
    /// By [`CityId`].
    provinces_of: Vec<ProvinceId>,
    /// By [`CityId`].
    codes_of: Vec<CodeId>,
    provinces: Vec<Province>,
    codes: Vec<Code>,
    /// By the digits of a code as a number, at most 999; `NONE` where there is no such code.
    by_digits: Vec<u16>,
}

#[derive(Clone, Debug)]
struct Code {
    text: &'static str,
    cities: Vec<CityId>,
    city: Option<CityId>,
    province: Option<ProvinceId>,
}

const NONE: u16 = u16::MAX;

impl std::fmt::Debug for Atlas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Atlas")
            .field("cities", &self.cities().len())
            .finish_non_exhaustive()
    }
}

impl Atlas {
    /// The atlas of the table that is compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        let table = CityTable::builtin();
        let mut provinces: Vec<Province> = table.cities().iter().map(Province::of).collect();
        provinces.sort_by_key(|province| province.code);
        provinces.dedup();
        let province_of = |city: &City| {
            let at = provinces.binary_search_by_key(&city.province_code(), |p| p.code);
            // Every city's province was put there.
            ProvinceId(u8::try_from(at.unwrap_or(0)).unwrap_or(u8::MAX))
        };
        let provinces_of: Vec<ProvinceId> = table.cities().iter().map(province_of).collect();
        let codes = Code::all(&table, &provinces_of);
        let mut by_digits = vec![NONE; 1000];
        let mut codes_of = vec![CodeId::default(); table.cities().len()];
        for (code, id) in codes.iter().zip(0..) {
            if let Some(slot) = digits_of(code.text.as_bytes()).and_then(|at| by_digits.get_mut(at))
            {
                *slot = id;
            }
            for city in &code.cities {
                codes_of[usize::from(city.0)] = CodeId(id);
            }
        }
        Self {
            table,
            provinces_of,
            codes_of,
            provinces,
            codes,
            by_digits,
        }
    }

    /// Every city by [`CityId`].
    #[must_use]
    pub fn cities(&self) -> &[City] {
        self.table.cities()
    }

    /// A city; `None` if the atlas has no such place.
    #[must_use]
    pub fn city(&self, id: CityId) -> Option<&City> {
        self.table.cities().get(usize::from(id.0))
    }

    /// The city that `text` names; see [`CityTable::find`].
    ///
    /// # Errors
    /// See [`CityError`].
    pub fn find(&self, text: &str) -> Result<CityId, CityError> {
        let found = self.table.find(text)?;
        let at = self.table.cities().iter().position(|city| *city == found);
        at.and_then(city_id).ok_or(CityError::Unknown)
    }

    /// The city of a GB/T 2260 code; of two names for one code the first.
    #[must_use]
    pub fn city_of_adcode(&self, adcode: u32) -> Option<CityId> {
        let cities = self.table.cities();
        let at = cities.partition_point(|city| city.adcode < adcode);
        let found = cities.get(at).filter(|city| city.adcode == adcode)?;
        debug_assert_eq!(found.adcode, adcode);
        city_id(at)
    }

    /// Every province by [`ProvinceId`].
    #[must_use]
    pub fn provinces(&self) -> &[Province] {
        &self.provinces
    }

    /// A province; `None` if the atlas has no such place.
    #[must_use]
    pub fn province(&self, id: ProvinceId) -> Option<&Province> {
        self.provinces.get(usize::from(id.0))
    }

    /// The province in which a city lies.
    #[must_use]
    pub fn province_of(&self, city: CityId) -> Option<ProvinceId> {
        self.provinces_of.get(usize::from(city.0)).copied()
    }

    /// The province that `text` names: `贵州`, `贵州省`, `广西壮族自治区`, `北京市`, or its code of
    /// six digits (`520000`). White space is ignored. `吉林` and `海南` are provinces here.
    ///
    /// # Errors
    /// [`CityError::Unknown`]; a province is never ambiguous.
    pub fn find_province(&self, text: &str) -> Result<ProvinceId, CityError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let code = text
            .strip_suffix("0000")
            .filter(|code| code.len() == 2)
            .and_then(|code| code.parse::<u8>().ok());
        let cities = self.table.cities().iter();
        let mut named = cities.zip(&self.provinces_of).filter(|(city, _)| {
            code == Some(city.province_code()) || city.after_province(&text) == Some("")
        });
        named
            .next()
            .map(|(_, province)| *province)
            .ok_or(CityError::Unknown)
    }

    /// Every area code in the order of [`CodeId`].
    pub fn codes(&self) -> impl Iterator<Item = AreaCode<'_>> {
        (0..).map_while(|id| self.code(CodeId(id)))
    }

    /// An area code; `None` if the atlas has no such place.
    #[must_use]
    pub fn code(&self, id: CodeId) -> Option<AreaCode<'_>> {
        let code = self.codes.get(usize::from(id.0))?;
        Some(AreaCode {
            id,
            text: code.text,
            cities: &code.cities,
            city: code.city,
            province: code.province,
        })
    }

    /// The area code of these digits with their 0; `None` if no city has it.
    #[must_use]
    pub fn find_code(&self, text: &str) -> Option<AreaCode<'_>> {
        self.code_of_digits(text.as_bytes())
    }

    fn code_of_digits(&self, digits: &[u8]) -> Option<AreaCode<'_>> {
        let id = *self.by_digits.get(digits_of(digits)?)?;
        self.code(CodeId(id))
            .filter(|code| code.text.as_bytes() == digits)
    }

    /// The area code of a city.
    #[must_use]
    pub fn code_of_city(&self, city: CityId) -> Option<CodeId> {
        self.codes_of.get(usize::from(city.0)).copied()
    }

    /// The cities of an area code with its 0; empty if there is no such code. 31 codes have several.
    #[must_use]
    pub fn cities_of_code(&self, text: &str) -> &[CityId] {
        self.find_code(text).map_or(&[], |code| code.cities)
    }

    /// The area code that a number in its form begins with; the longest, though none begins another.
    #[must_use]
    pub fn code_of(&self, number: &[u8]) -> Option<AreaCode<'_>> {
        let mut lengths = [4, 3].into_iter();
        lengths.find_map(|len| self.code_of_digits(number.get(..len)?))
    }
}

impl Province {
    fn of(city: &City) -> Self {
        Self {
            code: city.province_code(),
            name: city.province,
        }
    }
}

impl Code {
    fn all(table: &CityTable, provinces_of: &[ProvinceId]) -> Vec<Self> {
        let mut sorted: Vec<(&'static str, CityId)> = table
            .cities()
            .iter()
            .zip(0..)
            .map(|(city, id)| (city.area_code, CityId(id)))
            .collect();
        sorted.sort_by_key(|&(text, id)| (digits_of(text.as_bytes()), id));
        sorted
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|cities| {
                let text = cities.first()?.0;
                let cities: Vec<CityId> = cities.iter().map(|&(_, id)| id).collect();
                Some(Self::new(text, cities, table, provinces_of))
            })
            .collect()
    }

    fn new(
        text: &'static str,
        cities: Vec<CityId>,
        table: &CityTable,
        provinces_of: &[ProvinceId],
    ) -> Self {
        let city = |id: CityId| table.cities().get(usize::from(id.0));
        let holds_all = |outer: &CityId| {
            cities.iter().all(|id| match (city(*id), city(*outer)) {
                // Of two names for one code the first is the city itself.
                (Some(inner), Some(of)) => {
                    inner.within(of) || (inner.adcode == of.adcode && id >= outer)
                }
                _ => false,
            })
        };
        let province = |id: &CityId| provinces_of.get(usize::from(id.0)).copied();
        let first = cities.first().and_then(province);
        Self {
            text,
            city: cities.iter().copied().find(holds_all),
            province: first.filter(|_| cities.iter().all(|id| province(id) == first)),
            cities,
        }
    }
}

fn city_id(at: usize) -> Option<CityId> {
    u16::try_from(at).ok().map(CityId)
}

/// The digits of `010` or `0851` as a number below 1000; no two codes have the same.
fn digits_of(text: &[u8]) -> Option<usize> {
    let fits = matches!(text.len(), 3 | 4) && text[0] == b'0';
    let digits = text.iter().all(u8::is_ascii_digit);
    let sum = |sum: usize, b: &u8| sum * 10 + usize::from(b - b'0');
    (fits && digits).then(|| text.iter().fold(0, sum))
}
