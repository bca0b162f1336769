//! Cities, provinces and area codes as the file names them.

use crate::section::At;
use crate::sink::{Both, Sink, both};
use crate::value::nearest;
use meishier_routing::{
    AreaCode, Atlas, Block, CityError, CityId, CodeId, Gazetteer, GazetteerError, ProvinceId,
    Segments,
};
use std::sync::{Arc, LazyLock};

/// Most names that a mistake proposes.
const PROPOSED: usize = 3;

/// What is compiled in: made once, for a file is read again whenever it changes.
static BUILTIN: LazyLock<(Arc<Atlas>, Arc<Segments>)> = LazyLock::new(|| {
    let atlas = Atlas::builtin();
    let segments = Segments::builtin(&atlas);
    (Arc::new(atlas), Arc::new(segments))
});

/// The atlas with its mistakes in words.
pub(crate) struct Places {
    atlas: Arc<Atlas>,
}

impl Places {
    pub fn new() -> Self {
        Self {
            atlas: BUILTIN.0.clone(),
        }
    }

    /// Cities, provinces and area codes.
    pub fn atlas(&self) -> Arc<Atlas> {
        self.atlas.clone()
    }

    /// The city that a text names, or a note with the cities that it may mean.
    pub fn city(&self, sink: &Sink, text: &At<&str>) -> Option<CityId> {
        let error = match self.atlas.find(text.value) {
            Ok(city) => return Some(city),
            Err(error) => error,
        };
        let value = text.value;
        match error {
            CityError::Unknown => {
                let names = self.atlas.cities().iter().map(|city| city.name);
                let message = both!("没有城市 {value:?}", "there is no city {value:?}");
                let example = both!(
                    "写城市名、行政区划代码或区号，例如 \"贵阳\"",
                    "a city's name, its GB/T 2260 code or its area code, such as \"贵阳\""
                );
                sink.error(&text.span, message, meant(value, names).unwrap_or(example));
            }
            CityError::Ambiguous(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
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
        let value = text.value;
        let found = self.atlas.find_province(value).ok();
        if found.is_none() {
            let names = self.atlas.provinces().iter().map(|it| it.name);
            let message = both!("没有省份 {value:?}", "there is no province {value:?}");
            let example = both!("例如 \"贵州\"", "such as \"贵州\"");
            sink.error(&text.span, message, meant(value, names).unwrap_or(example));
        }
        found
    }

    /// The shared area code that a text is, or a note.
    pub fn shared_code(&self, sink: &Sink, text: &At<&str>) -> Option<CodeId> {
        let value = text.value;
        let Some(code) = self.atlas.find_code(value) else {
            self.no_code(sink, text);
            return None;
        };
        if let Some(city) = code.city {
            let name = self.name(city);
            sink.error(
                &text.span,
                both!(
                    "区号 {value:?} 只属于 {name}",
                    "area code {value:?} is of {name} alone"
                ),
                both!("写 city = {name:?}", "write city = {name:?}"),
            );
        }
        code.city.is_none().then_some(code.id)
    }

    /// Passes on an area code that some city has, or notes that none does.
    pub fn area_code(&self, sink: &Sink, text: &At<&str>) -> Option<String> {
        let known = self.atlas.find_code(text.value);
        if known.is_none() {
            self.no_code(sink, text);
        }
        known.map(|code| code.text.to_owned())
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
    pub fn shared_codes(&self) -> impl Iterator<Item = AreaCode<'_>> {
        self.atlas.codes().filter(|code| code.city.is_none())
    }

    /// Name of a city, with its province if the name alone could mean another.
    pub fn name(&self, id: CityId) -> String {
        match self.atlas.city(id) {
            Some(city) if self.atlas.find(city.name) == Ok(id) => city.name.to_owned(),
            Some(city) => city.full_name(),
            None => String::new(),
        }
    }

    /// Digits of an area code.
    pub fn code_text(&self, id: CodeId) -> &'static str {
        self.atlas.code(id).map_or("", |code| code.text)
    }

    /// Name of a province.
    pub fn province_name(&self, id: ProvinceId) -> &'static str {
        self.atlas.province(id).map_or("", |it| it.name)
    }

    /// The province in which a city lies.
    pub fn province_of(&self, id: CityId) -> Option<ProvinceId> {
        self.atlas.province_of(id)
    }

    /// The province in which all cities of an area code lie.
    pub fn province_of_code(&self, id: CodeId) -> Option<ProvinceId> {
        self.atlas.code(id)?.province
    }

    /// Where callers are.
    pub fn gazetteer(
        &self,
        blocks: &[Block],
        cells: Vec<(String, CityId)>,
    ) -> Result<Gazetteer, GazetteerError> {
        Gazetteer::new(self.atlas.clone(), BUILTIN.1.clone(), blocks, cells)
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
