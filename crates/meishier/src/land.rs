//! Names of places for people, and samples of callers from everywhere.

use meishier_config::Lang;
use meishier_model::DialString;
use meishier_routing::{
    Atlas, CityError, CityId, CodeId, Confidence, Found, ProvinceId, Source, Table,
};
use std::collections::BTreeMap;

/// The first mobile segment of mainland China and the one after the last.
const SEGMENTS: std::ops::Range<u32> = 1_300_000..2_000_000;
/// Digits after a segment.
const REST: &str = "8000";

/// `贵阳（贵州）`; a municipality once.
pub fn city(table: &Table, city: CityId) -> String {
    match atlas(table).city(city) {
        Some(found) if found.province != found.name => {
            format!("{}（{}）", found.name, found.province)
        }
        Some(found) => found.name.to_owned(),
        None => String::new(),
    }
}

/// The province and the full name of a city, such as `贵州` and `贵州贵阳`.
pub fn names(table: &Table, city: CityId) -> (String, String) {
    let found = atlas(table).city(city);
    found.map_or_else(Default::default, |it| {
        (it.province.to_owned(), it.full_name())
    })
}

/// The city's name alone.
pub fn city_name(table: &Table, city: CityId) -> Option<&'static str> {
    atlas(table).city(city).map(|it| it.name)
}

/// The province's name.
pub fn province(table: &Table, province: ProvinceId) -> &'static str {
    atlas(table).province(province).map_or("", |it| it.name)
}

/// The digits of an area code with its 0.
pub fn area_code(table: &Table, code: CodeId) -> &'static str {
    atlas(table).code(code).map_or("", |it| it.text)
}

/// Every area code with its 0, and its cities with their provinces, ascending.
pub type AreaCodes = BTreeMap<&'static str, Vec<(&'static str, &'static str)>>;

/// Every area code.
pub fn area_codes(table: &Table) -> AreaCodes {
    let atlas = atlas(table);
    let name = |id: &CityId| atlas.city(*id).map(|it| (it.name, it.province));
    let codes = atlas.codes();
    codes
        .map(|code| (code.text, code.cities.iter().filter_map(name).collect()))
        .collect()
}

/// What says where a place is, and how much that is worth.
pub fn evidence(found: &Found, lang: Lang) -> String {
    let (zh, en) = match found.by {
        Source::Block => ("号码段或中继", "number block or trunk"),
        Source::Cell => ("基站", "cell"),
        Source::AreaCode => ("固话区号", "area code of the landline"),
        Source::CalledCode => ("所拨区号", "area code dialled"),
        Source::Segment => ("手机号段", "mobile segment"),
    };
    let (zh_worth, en_worth) = match found.confidence {
        Confidence::Low => ("把握小", "low confidence"),
        Confidence::Middle => ("把握较大", "middling confidence"),
        Confidence::High => ("把握大", "high confidence"),
    };
    match lang {
        Lang::Zh => format!("据{zh}，{zh_worth}"),
        Lang::En => format!("from the {en}, {en_worth}"),
    }
}

/// How much a place is worth, for programs.
pub fn confidence(found: &Found) -> &'static str {
    match found.confidence {
        Confidence::Low => "low",
        Confidence::Middle => "middle",
        Confidence::High => "high",
    }
}

/// What says where a place is, for programs.
pub fn source(found: &Found) -> &'static str {
    match found.by {
        Source::Block => "block",
        Source::Cell => "cell",
        Source::AreaCode => "area_code",
        Source::CalledCode => "called_code",
        Source::Segment => "segment",
    }
}

/// The area code of a city and the number of a caller who is from there; empty where no number tells.
///
/// # Errors
/// The cities that the name may mean; none if there is no such city.
pub fn caller_of(table: &Table, name: &str) -> Result<(String, DialString), Vec<String>> {
    let id = atlas(table).find(name).map_err(|error| match error {
        CityError::Unknown => Vec::new(),
        CityError::Ambiguous(others) => others,
    })?;
    let number = mobiles(table).remove(&id).unwrap_or_default();
    let code = atlas(table).city(id).map_or("", |it| it.area_code);
    Ok((code.to_owned(), DialString::new(&number)))
}

/// A mobile number of every city that has one.
pub type Mobiles = BTreeMap<CityId, String>;

/// A mobile number of every city that has one.
pub fn mobiles(table: &Table) -> Mobiles {
    let segments = table.gazetteer().segments();
    let mut out = Mobiles::new();
    for segment in SEGMENTS {
        let number = format!("{segment}{REST}");
        if let Some(city) = segments.find(number.as_bytes()) {
            out.entry(city).or_insert(number);
        }
    }
    out
}

fn atlas(table: &Table) -> &Atlas {
    table.gazetteer().atlas()
}
