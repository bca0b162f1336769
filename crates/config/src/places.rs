//! Cities, provinces and area codes as the file names them.

use crate::areas::BlockEntry;
use crate::section::At;
use crate::sink::{Both, Sink, both};
use crate::value::nearest;
use meishier_routing::place::{CityId, Gazetteer, ProvinceId};
use meishier_transfer::{City, CityError, CityTable};
use std::sync::Arc;

/// Most names that a mistake proposes.
const PROPOSED: usize = 3;

/// The atlas with its mistakes in words.
pub(crate) struct Places {
    table: CityTable,
    provinces: Vec<(u8, &'static str)>,
}

/// An area code that several cities share.
pub(crate) struct SharedCode {
    pub text: &'static str,
    /// What the routing table knows it by.
    pub first: CityId,
    pub cities: Vec<CityId>,
}

impl Places {
    pub fn new() -> Self {
        let table = CityTable::builtin();
        let of = |city: &City| ((city.adcode / 10_000) as u8, city.province);
        let mut provinces: Vec<_> = table.cities().iter().map(of).collect();
        provinces.sort_unstable();
        provinces.dedup();
        Self { table, provinces }
    }

    /// The city that a text names, or a note with the cities that it may mean.
    pub fn city(&self, sink: &Sink, text: &At<&str>) -> Option<CityId> {
        let error = match self.table.find(text.value) {
            Ok(city) => return self.id(&city),
            Err(error) => error,
        };
        let value = text.value;
        match error {
            CityError::Unknown => {
                let names = self.table.cities().iter().map(|city| city.name);
                let message = both!("没有城市 {value:?}", "there is no city {value:?}");
                let example = both!(
                    "写城市名、行政区划代码或区号，例如 \"贵阳\"",
                    "a city's name, its GB/T 2260 code or its area code, such as \"贵阳\""
                );
                sink.error(&text.span, message, meant(value, names).unwrap_or(example));
            }
            CityError::Ambiguous(names) => {
                let (zh, en) = (names.join("、"), names.join(", "));
                sink.error(
                    &text.span,
                    both!("{value:?} 不止一个城市", "{value:?} may be several cities"),
                    both!("写明是哪一个：{zh}", "write which one: {en}"),
                );
            }
        }
        None
    }

    /// The province that a text names, or a note.
    pub fn province(&self, sink: &Sink, text: &At<&str>) -> Option<ProvinceId> {
        const SUFFIXES: [&str; 6] = [
            "壮族自治区",
            "回族自治区",
            "维吾尔自治区",
            "自治区",
            "省",
            "市",
        ];
        let value = text.value;
        let bare = SUFFIXES
            .iter()
            .find_map(|suffix| value.strip_suffix(suffix));
        let is = |name: &str| value == name || bare == Some(name);
        let at = self.provinces.iter().position(|(_, name)| is(name));
        let Some(at) = at else {
            let names = self.provinces.iter().map(|(_, name)| *name);
            let message = both!("没有省份 {value:?}", "there is no province {value:?}");
            let example = both!("例如 \"贵州\"", "such as \"贵州\"");
            sink.error(&text.span, message, meant(value, names).unwrap_or(example));
            return None;
        };
        u8::try_from(at).ok().map(ProvinceId)
    }

    /// The shared area code that a text is, or a note.
    pub fn shared_code(&self, sink: &Sink, text: &At<&str>) -> Option<CityId> {
        let value = text.value;
        let code = self
            .shared_codes()
            .into_iter()
            .find(|code| code.text == value);
        if let Some(code) = code {
            return Some(code.first);
        }
        let city = self
            .table
            .cities()
            .iter()
            .find(|city| city.area_code == value);
        match city {
            Some(city) => {
                let name = city.name;
                sink.error(
                    &text.span,
                    both!(
                        "区号 {value:?} 只属于 {name}",
                        "area code {value:?} is of {name} alone"
                    ),
                    both!("写 city = {name:?}", "write city = {name:?}"),
                );
            }
            None => self.no_code(sink, text),
        }
        None
    }

    /// Passes on an area code that some city has, or notes that none does.
    pub fn area_code(&self, sink: &Sink, text: &At<&str>) -> Option<String> {
        let known = self
            .table
            .cities()
            .iter()
            .any(|city| city.area_code == text.value);
        if !known {
            self.no_code(sink, text);
        }
        known.then(|| text.value.to_owned())
    }

    fn no_code(&self, sink: &Sink, text: &At<&str>) {
        let value = text.value;
        sink.error(
            &text.span,
            both!("没有区号 {value:?}", "there is no area code {value:?}"),
            both!("区号带 0，例如 \"0851\"", "with its 0, such as \"0851\""),
        );
    }

    /// Every area code that several cities share, none of which holds the others.
    pub fn shared_codes(&self) -> Vec<SharedCode> {
        let mut codes: Vec<SharedCode> = Vec::new();
        for (city, id) in self.table.cities().iter().zip(0..) {
            match codes.iter_mut().find(|code| code.text == city.area_code) {
                Some(code) => code.cities.push(CityId(id)),
                None => codes.push(SharedCode {
                    text: city.area_code,
                    first: CityId(id),
                    cities: vec![CityId(id)],
                }),
            }
        }
        codes.retain(|code| code.cities.len() > 1);
        codes
    }

    /// Name of a city, with its province if the name alone could mean another.
    pub fn name(&self, id: CityId) -> String {
        match self.table.cities().get(usize::from(id.0)) {
            Some(city) if self.table.find(city.name) == Ok(*city) => city.name.to_owned(),
            Some(city) => city.full_name(),
            None => String::new(),
        }
    }

    /// Name of a province.
    pub fn province_name(&self, id: ProvinceId) -> &'static str {
        self.provinces
            .get(usize::from(id.0))
            .map_or("", |(_, name)| name)
    }

    /// The province in which a city lies.
    pub fn province_of(&self, id: CityId) -> Option<ProvinceId> {
        let code = (self.table.cities().get(usize::from(id.0))?.adcode / 10_000) as u8;
        let at = self
            .provinces
            .iter()
            .position(|(known, _)| *known == code)?;
        u8::try_from(at).ok().map(ProvinceId)
    }

    /// Where callers are, from blocks and cells in which no prefix has two cities.
    pub fn gazetteer(
        &self,
        _blocks: &[BlockEntry],
        _cells: Vec<(String, CityId)>,
    ) -> Arc<Gazetteer> {
        Arc::default()
    }

    fn id(&self, city: &City) -> Option<CityId> {
        let at = self.table.cities().iter().position(|known| known == city)?;
        u16::try_from(at).ok().map(CityId)
    }
}

/// The names that a text is most likely a slip of.
fn meant<'n>(text: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<Both> {
    let mut near: Vec<&str> = Vec::new();
    while near.len() < PROPOSED {
        let rest = names.clone().filter(|name| !near.contains(name));
        let Some(next) = nearest(text, rest) else {
            break;
        };
        near.push(next);
    }
    let list: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
    let (zh, en) = (list.join("、"), list.join(", "));
    (!near.is_empty()).then(|| both!("是否想写 {zh}？", "did you mean {en}?"))
}
