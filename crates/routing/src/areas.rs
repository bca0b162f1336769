//! Which pools serve which place, looked up by index.

use std::collections::BTreeMap;

use crate::ladder::Served;
use crate::place::{Atlas, CityId, CodeId, ProvinceId};
use crate::source::{Area, AreaOf};

/// No area.
const NONE: u16 = u16::MAX;

/// All areas.
#[derive(Clone, Debug)]
pub(crate) struct Areas {
    served: Vec<Served>,
    cities: Vec<u16>,
    codes: Vec<u16>,
    provinces: Vec<u16>,
    nation: u16,
}

impl Areas {
    /// The place in the list of an area of which there is one already, if so.
    pub fn new(areas: &[Area], atlas: &Atlas) -> Result<Self, usize> {
        let mut out = Self {
            served: Vec::with_capacity(areas.len()),
            cities: vec![NONE; atlas.cities().len()],
            codes: vec![NONE; atlas.codes().count()],
            provinces: vec![NONE; atlas.provinces().len()],
            nation: NONE,
        };
        let by_city: BTreeMap<CityId, &Area> = areas
            .iter()
            .filter_map(|area| match area.of {
                AreaOf::City(city) => Some((city, area)),
                _ => None,
            })
            .collect();
        for (area, at) in areas.iter().zip(0u16..) {
            let slot = match area.of {
                AreaOf::City(city) => out.cities.get_mut(usize::from(city.0)),
                AreaOf::Code(code) => out.codes.get_mut(usize::from(code.0)),
                AreaOf::Province(province) => out.provinces.get_mut(usize::from(province.0)),
                AreaOf::Nation => Some(&mut out.nation),
            };
            match slot {
                Some(slot) if *slot == NONE => *slot = at,
                Some(_) => return Err(usize::from(at)),
                None => {}
            }
            let paired = area.paired.iter().filter_map(|city| by_city.get(city));
            out.served.push(Served {
                pools: area.pools.clone().into(),
                paired: paired.flat_map(|it| it.pools.iter().copied()).collect(),
            });
        }
        Ok(out)
    }

    fn get(&self, at: Option<&u16>) -> Option<(u16, &Served)> {
        let at = *at?;
        Some((at, self.served.get(usize::from(at))?))
    }

    pub fn of_city(&self, city: CityId) -> Option<(u16, &Served)> {
        self.get(self.cities.get(usize::from(city.0)))
    }

    /// The area of a shared area code.
    pub fn of_code(&self, code: CodeId) -> Option<(u16, &Served)> {
        self.get(self.codes.get(usize::from(code.0)))
    }

    pub fn of_province(&self, province: ProvinceId) -> Option<(u16, &Served)> {
        self.get(self.provinces.get(usize::from(province.0)))
    }

    pub fn nation(&self) -> Option<(u16, &Served)> {
        self.get(Some(&self.nation))
    }
}
