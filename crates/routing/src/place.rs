//! stub
use meishier_model::TrunkId;
use crate::number::Number;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CityId(pub u16);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvinceId(pub u8);
#[derive(Clone, Debug, Default)]
pub struct Gazetteer;
#[derive(Clone, Debug)]
pub struct Atlas;
pub struct City { pub name: &'static str, pub area_code: &'static str }
impl Atlas { pub fn cities(&self) -> &[City] { &[] } pub fn provinces(&self) -> &[String] { &[] }
 pub fn cities_with(&self, _f: CityId) -> &[CityId] { &[] } pub fn province_of(&self, _f: CityId) -> ProvinceId { ProvinceId(0) } pub fn city(&self, _c: CityId) -> Option<&City> { None } }
#[derive(Clone, Copy, Debug)]
pub struct Found { pub city: Option<CityId>, pub province: Option<ProvinceId>, pub code: Option<CityId> }
impl Found { pub fn alias(c: CityId, _a: &Atlas) -> Self { Self { city: Some(c), province: None, code: None } } }
#[derive(Clone, Copy, Debug, Default)]
pub struct Places { pub called: Option<Found>, pub here: Option<Found>, pub home: Option<Found> }
pub struct Evidence<'a> { pub trunk: TrunkId, pub caller: &'a Number, pub called: &'a Number, pub cell: Option<&'a str> }
impl Gazetteer { pub fn atlas(&self) -> &Atlas { &Atlas } pub fn places(&self, _e: &Evidence<'_>) -> Places { Places::default() } }
