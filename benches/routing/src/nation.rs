//! A made-up nation: every city of the atlas with a pool, every province, routes by area code, by
//! number, by city and by mobile segment, as many as the whole country may have in one table.

use meishier_model::{Class, CounsellorId, PoolId, SkillId, TrunkId, Wall};
use meishier_routing::{
    Alias, Area, AreaOf, Atlas, Block, CityId, Days, Gazetteer, GazetteerError, Hours, Listed,
    Policies, PoolSource, Preference, PreferenceRule, ProvinceId, Route, RouteId, Schedule,
    Segments, Service, ServiceRules, Services, Shift, Step, TableSource, Tags, To, When,
};
use std::sync::Arc;
use std::time::Duration;

use crate::dice::Dice;

/// Trunks: one of each of four carriers in each province.
pub const TRUNKS: u16 = 124;

/// Numbers of which people have said something.
pub const LISTED: usize = 2_000;

/// Old numbers, the first so many cities have one each.
pub const ALIASES: usize = 200;

/// 2026-06-01 10:00 in Shanghai.
pub const DAY: Wall = Wall(1_780_279_200_000);

/// Blocks and cells that go into a gazetteer.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Trunks and numbers.
    pub blocks: Vec<Block>,
    /// Beginnings of cells.
    pub cells: Vec<(String, CityId)>,
}

/// Everything a table is made from but the gazetteer.
#[derive(Clone, Debug)]
pub struct Nation {
    /// Cities, provinces, area codes.
    pub atlas: Arc<Atlas>,
    /// Mobile segments.
    pub segments: Arc<Segments>,
    /// What goes into the gazetteer beside them.
    pub evidence: Evidence,
    /// The rest; its gazetteer is empty.
    pub source: TableSource,
}

impl Nation {
    /// The same nation each time.
    #[must_use]
    pub fn new() -> Self {
        let atlas = Arc::new(Atlas::builtin());
        let segments = Arc::new(Segments::builtin(&atlas));
        let mut dice = Dice(12356);
        let routes = routes(&atlas, &mut dice);
        let source = TableSource {
            zone: "Asia/Shanghai".to_owned(),
            pools: pools(&atlas, &mut dice),
            trunk_codes: trunk_codes(&atlas),
            aliases: aliases(&atlas),
            areas: areas(&atlas, &mut dice),
            default: RouteId(u16::try_from(routes.len() - 1).unwrap_or(0)),
            routes,
            policies: policies(&mut dice),
            ..TableSource::default()
        };
        Self {
            evidence: evidence(&atlas, &mut dice),
            atlas,
            segments,
            source,
        }
    }

    /// The gazetteer, compiled anew.
    ///
    /// # Errors
    /// If blocks or cells contradict each other.
    pub fn gazetteer(&self) -> Result<Gazetteer, GazetteerError> {
        let Evidence { blocks, cells } = &self.evidence;
        let (atlas, segments) = (Arc::clone(&self.atlas), Arc::clone(&self.segments));
        Gazetteer::new(atlas, segments, blocks, cells.clone())
    }

    /// The source with a gazetteer.
    #[must_use]
    pub fn with(&self, gazetteer: Gazetteer) -> TableSource {
        TableSource {
            gazetteer: Arc::new(gazetteer),
            ..self.source.clone()
        }
    }
}

impl Default for Nation {
    fn default() -> Self {
        Self::new()
    }
}

fn cities(atlas: &Atlas) -> impl Iterator<Item = CityId> + use<> {
    (0..).map(CityId).take(atlas.cities().len())
}

fn provinces(atlas: &Atlas) -> impl Iterator<Item = ProvinceId> + use<> {
    (0..).map(ProvinceId).take(atlas.provinces().len())
}

/// Pools in order: of each city, of each province, of the nation.
fn pool_of_province(atlas: &Atlas, province: ProvinceId) -> PoolId {
    let cities = u16::try_from(atlas.cities().len()).unwrap_or(u16::MAX);
    PoolId(cities + u16::from(province.0))
}

fn pool_of_nation(atlas: &Atlas) -> PoolId {
    let provinces = u8::try_from(atlas.provinces().len()).unwrap_or(u8::MAX);
    pool_of_province(atlas, ProvinceId(provinces))
}

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap_or(Hours::ALL_DAY)
}

/// A third is open round the clock with fewer lines by night, the others at least 18 hours; about
/// 1,000 seats in all.
fn pools(atlas: &Atlas, dice: &mut Dice) -> Vec<PoolSource> {
    let shift = |days, text, lines| Shift {
        days,
        hours: hours(text),
        lines,
    };
    let pool = |name: String, most: u16, dice: &mut Dice| {
        let shifts = match dice.below(3) {
            0 => vec![
                shift(Days::ALL, "08:00-22:00", most),
                shift(Days::ALL, "22:00-08:00", most.div_ceil(2)),
            ],
            1 => vec![
                shift(Days::WORKDAYS, "06:00-24:00", most),
                shift(Days::RESTDAYS, "08:00-02:00", most.div_ceil(2)),
            ],
            _ => vec![shift(Days::ALL, "06:00-24:00", most)],
        };
        PoolSource {
            name,
            schedule: Schedule { shifts },
            rules: ServiceRules::default(),
        }
    };
    let mut out = Vec::new();
    for city in atlas.cities() {
        let most = 2 + dice.below(2) as u16;
        out.push(pool(city.full_name(), most, dice));
    }
    for province in atlas.provinces() {
        out.push(pool(format!("{}省级", province.name), 6, dice));
    }
    out.push(pool("全国".to_owned(), 20, dice));
    out
}

fn trunk_codes(atlas: &Atlas) -> Vec<Option<String>> {
    let capitals = provinces(atlas).map(|province| {
        let mut of = cities(atlas).filter(|city| atlas.province_of(*city) == Some(province));
        let capital = of.next().and_then(|city| atlas.city(city));
        capital.map(|city| city.area_code.to_owned())
    });
    let mut codes: Vec<_> = capitals
        .flat_map(|code| [code.clone(), None, None, code])
        .collect();
    codes.truncate(usize::from(TRUNKS));
    codes
}

/// An old number of a city: its area code and a number that all of them have.
fn aliases(atlas: &Atlas) -> Vec<Alias> {
    let alias = |id: CityId| {
        let city = atlas.city(id)?;
        Some(Alias {
            number: format!("{}88{:05}", city.area_code, id.0),
            name: format!("old-{}", city.adcode),
            city: Some(id),
        })
    };
    cities(atlas).filter_map(alias).take(ALIASES).collect()
}

/// Every city with one or two partners of its province, shared codes, provinces, the nation.
fn areas(atlas: &Atlas, dice: &mut Dice) -> Vec<Area> {
    let area = |of, pools: Vec<PoolId>, paired| Area { of, pools, paired };
    let all: Vec<CityId> = cities(atlas).collect();
    let mut out = Vec::new();
    for &city in &all {
        let province = atlas.province_of(city);
        let others = all.iter().copied();
        let others = others.filter(|it| *it != city && atlas.province_of(*it) == province);
        let others: Vec<CityId> = others.collect();
        let paired = match others.len() {
            0 => Vec::new(),
            _ => (0..=dice.below(2)).map(|_| *dice.one(&others)).collect(),
        };
        out.push(area(AreaOf::City(city), vec![PoolId(city.0)], paired));
    }
    for code in atlas.codes().filter(|code| code.city.is_none()) {
        let pools = code.cities.iter().map(|city| PoolId(city.0)).collect();
        out.push(area(AreaOf::Code(code.id), pools, Vec::new()));
    }
    for province in provinces(atlas) {
        let pool = pool_of_province(atlas, province);
        out.push(area(AreaOf::Province(province), vec![pool], Vec::new()));
    }
    out.push(area(
        AreaOf::Nation,
        vec![pool_of_nation(atlas)],
        Vec::new(),
    ));
    out
}

/// City, province, partners, nation.
fn national() -> [Step; 4] {
    let step = |to, seconds| Step {
        to,
        after: Duration::from_secs(seconds),
    };
    [
        step(To::City, 0),
        step(To::Province, 15),
        step(To::Paired, 30),
        step(To::Nation, 60),
    ]
}

/// About 1,500: a few for everyone, of each area code by night and by day, of each city, of callers'
/// area codes, of mobile segments, of each province.
fn routes(atlas: &Atlas, dice: &mut Dice) -> Vec<Route> {
    let mut out = for_everyone();
    let route = |name: String, when| Route {
        when,
        ..Route::new(&name, national())
    };
    let night = || vec![hours("18:00-08:00")];
    for code in atlas.codes() {
        let called = || vec![format!("{}12356", code.text)];
        let by_night = When {
            called: called(),
            hours: night(),
            ..When::default()
        };
        let by_day = When {
            called: called(),
            ..When::default()
        };
        out.push(route(format!("night-{}", code.text), by_night));
        out.push(route(format!("code-{}", code.text), by_day));
    }
    for city in cities(atlas) {
        let minors = When {
            cities: vec![city],
            tags: Tags(0b1),
            ..When::default()
        };
        out.push(route(format!("minors-{}", city.0), minors));
    }
    for code in atlas.codes() {
        let landline = When {
            callers: vec![code.text.to_owned()],
            hours: night(),
            ..When::default()
        };
        out.push(route(format!("landline-{}", code.text), landline));
    }
    for at in 0..150 {
        let segment = |dice: &mut Dice| (1_300_000 + dice.below(700_000)).to_string();
        let mobile = When {
            callers: (0..10).map(|_| segment(dice)).collect(),
            ..When::default()
        };
        out.push(route(format!("mobile-{at}"), mobile));
    }
    for province in provinces(atlas) {
        let of_province = When {
            provinces: vec![province],
            ..When::default()
        };
        out.push(route(format!("province-{}", province.0), of_province));
    }
    let steps = [Step::pool(pool_of_nation(atlas), Duration::ZERO)];
    out.push(Route::new("rest", steps));
    out
}

/// Rules of conditions that the caller's place and number say nothing of.
fn for_everyone() -> Vec<Route> {
    let down = Services::default().with(Service::Down);
    let conditions = [
        When {
            risk: Some(true),
            nuisance: Some(true),
            ..When::default()
        },
        When {
            tags: Tags(0b10),
            days: Days::RESTDAYS,
            ..When::default()
        },
        When {
            trunks: vec![TrunkId(3), TrunkId(7)],
            hours: vec![hours("00:00-05:00")],
            ..When::default()
        },
        When {
            risk: Some(true),
            states: vec![(PoolId(0), down)],
            ..When::default()
        },
        When {
            tags: Tags(0b100),
            ..When::default()
        },
    ];
    let route = |(when, at): (When, u8)| Route {
        when,
        class: Class::new(at).unwrap_or(Class::ORDINARY),
        ..Route::new(&format!("everyone-{at}"), national())
    };
    conditions.into_iter().zip(0..).map(route).collect()
}

/// A number on the list; `at` is below [`LISTED`].
#[must_use]
pub fn listed_number(at: usize) -> String {
    format!("139{:08}", at * 49_999)
}

fn policies(dice: &mut Dice) -> Policies {
    let liked = |at: u8, weight| Preference {
        skill: SkillId::new(at).unwrap_or_else(|| unreachable!("below 64")),
        weight,
    };
    let rule = |at: u8| PreferenceRule {
        name: format!("tag{at}"),
        when: When {
            tags: Tags(1 << at),
            ..When::default()
        },
        prefer: [liked(at, 300)].into_iter().collect(),
    };
    let mut policies = Policies {
        preferences: (0..8).map(rule).collect(),
        ..Policies::default()
    };
    policies.risk.prefer = [liked(20, 1000)].into_iter().collect();
    policies.nuisance.class = Class::new(6);
    let listed = |at| Listed {
        number: listed_number(at),
        risk: dice.percent(20),
        nuisance: dice.percent(50),
        counsellor: dice.percent(30).then_some(CounsellorId(at as u32)),
        tags: Tags(dice.roll() & 0b111),
        until: dice
            .percent(80)
            .then(|| Wall(DAY.0 + dice.roll() as i64 % 1_000_000_000)),
    };
    policies.listed = (0..LISTED).map(listed).collect();
    policies
}

/// Cities whose code is shared have number blocks; each city has three cells.
fn evidence(atlas: &Atlas, dice: &mut Dice) -> Evidence {
    let mut blocks = Vec::new();
    for code in atlas.codes().filter(|code| code.cities.len() > 1) {
        for (city, at) in code.cities.iter().zip(2..) {
            let callers = (0..8).map(|n| format!("{}{at}{n}", code.text)).collect();
            blocks.push(Block {
                trunks: Vec::new(),
                callers,
                city: *city,
            });
        }
    }
    let mut cells: Vec<(String, CityId)> = Vec::new();
    for city in cities(atlas) {
        for carrier in ["46000", "46001", "46011"] {
            cells.push((format!("{carrier}{:04}", city.0), city));
        }
    }
    // Whose trunk a city has is chance; half of them are of a whole province and of no city.
    for trunk in (0..TRUNKS).filter(|trunk| trunk % 2 == 0) {
        blocks.push(Block {
            trunks: vec![TrunkId(trunk)],
            callers: Vec::new(),
            city: CityId(dice.below(atlas.cities().len()) as u16),
        });
    }
    Evidence { blocks, cells }
}
