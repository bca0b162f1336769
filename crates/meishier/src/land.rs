//! Names of places for people, and samples of callers from everywhere.

use meishier_config::Lang;
use meishier_routing::Table;
use meishier_routing::place::{CityId, Found, ProvinceId};
use meishier_model::DialString;
use meishier_transfer::{CityError, CityTable};
use std::collections::BTreeMap;

/// `贵阳（贵州）`; a municipality once.
pub fn city(table: &Table, city: CityId) -> String {
    let Some(found) = table.gazetteer().atlas().city(city) else {
        return String::new();
    };
    let all = CityTable::builtin();
    let same = |it: &&meishier_transfer::City| it.name == found.name && it.area_code == found.area_code;
    match all.cities().iter().find(same).map(|it| it.province) {
        Some(province) if province != found.name => format!("{}（{province}）", found.name),
        _ => found.name.to_owned(),
    }
}

/// The province's name; provinces are counted in the order of their codes.
pub fn province(province: ProvinceId) -> String {
    let all = CityTable::builtin();
    let names: BTreeMap<u32, &str> =
        all.cities().iter().map(|it| (it.adcode / 10_000, it.province)).collect();
    let found = names.values().nth(usize::from(province.0));
    found.copied().unwrap_or_default().to_owned()
}

/// The area code that a city has.
pub fn area_code(table: &Table, city: CityId) -> String {
    let found = table.gazetteer().atlas().city(city);
    found.map_or_else(String::new, |it| it.area_code.to_owned())
}

/// Every area code with its 0, and its cities with their provinces, ascending.
pub fn area_codes() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut out: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for city in CityTable::builtin().cities() {
        out.entry(city.area_code).or_default().push((city.name, city.province));
    }
    out
}

/// What says where a place is, and how much that is worth.
pub fn evidence(_: &Found, _: Lang) -> Option<String> {
    None
}

/// The area code of a city and the number of a caller who is from there; empty where no number tells.
///
/// # Errors
/// The cities that the name may mean; none if there is no such city.
pub fn caller_of(table: &Table, name: &str) -> Result<(String, DialString), Vec<String>> {
    let city = CityTable::builtin().find(name).map_err(|error| match error {
        CityError::Unknown => Vec::new(),
        CityError::Ambiguous(others) => others,
    })?;
    let number = mobiles(table).remove(&(city.province, city.name));
    let number = DialString::new(&number.unwrap_or_default());
    Ok((city.area_code.to_owned(), number))
}

/// A mobile number of every city that has one, by province and name.
pub type Mobiles = BTreeMap<(&'static str, &'static str), String>;

/// A mobile number of every city that has one.
pub fn mobiles(_: &Table) -> Mobiles {
    BTreeMap::new()
}
