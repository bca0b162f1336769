//! A few pools and a call that a test changes where it matters.

#![allow(dead_code, reason = "each test binary uses a part")]

use meishier_model::{DialString, PoolId, SkillId, TrunkId, Wall};
use meishier_routing::{
    AllNormal, Days, Decision, Explained, Hours, Known, Ladder, Listed, PoolNow, PoolSource, Pools,
    Preference, Query, Route, RouteId, Schedule, Service, Shift, Step, Table, TableSource, Tags,
    To,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// 2026-06-01 10:00 in Shanghai, a Monday.
pub const DAY: Wall = Wall(1_780_279_200_000);
/// The same day, 23:00.
pub const NIGHT: Wall = Wall(DAY.0 + 13 * HOUR);
/// Milliseconds.
pub const HOUR: i64 = 3_600_000;

/// Pools of [`source`].
pub const CITY: u16 = 0;
pub const COUNTY: u16 = 1;
pub const PROVINCE: u16 = 2;

fn schedule(hours: &str, lines: u16) -> Schedule {
    Schedule {
        shifts: vec![Shift {
            days: Days::ALL,
            hours: Hours::parse(hours).unwrap(),
            lines,
        }],
    }
}

pub fn always(name: &str) -> PoolSource {
    PoolSource {
        name: name.into(),
        schedule: schedule("00:00-24:00", 5),
        ..Default::default()
    }
}

pub fn by_day(name: &str) -> PoolSource {
    PoolSource {
        name: name.into(),
        schedule: schedule("08:00-18:00", 2),
        ..Default::default()
    }
}

/// City and county are open by day, the province always; `routes`, and the last is the default.
pub fn source(routes: Vec<Route>) -> TableSource {
    TableSource {
        zone: "Asia/Shanghai".into(),
        pools: vec![by_day("city"), by_day("county"), always("province")],
        default: RouteId(routes.len() as u16 - 1),
        routes,
        ..Default::default()
    }
}

pub fn compiled(source: TableSource) -> Table {
    Table::compile(source).unwrap()
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Pools with their waits in seconds.
pub fn ladder(pools: &[(u16, u64)]) -> Ladder {
    let step = |&(pool, after)| Step::pool(PoolId(pool), secs(after));
    pools.iter().map(step).collect()
}

/// Steps with their waits in seconds.
pub fn steps(to: &[(To, u64)]) -> Ladder {
    let step = |&(to, after)| Step {
        to,
        after: secs(after),
    };
    to.iter().map(step).collect()
}

pub fn route(name: &str, pools: &[(u16, u64)]) -> Route {
    Route::new(name, ladder(pools))
}

pub fn liked(skill: u8, weight: u16) -> Preference {
    Preference {
        skill: SkillId::new(skill).unwrap(),
        weight,
    }
}

pub fn listed(number: &str) -> Listed {
    Listed {
        number: number.into(),
        risk: false,
        nuisance: false,
        counsellor: None,
        tags: Tags::default(),
        until: None,
    }
}

/// How some pools stand; the others are in order.
#[derive(Clone, Debug, Default)]
pub struct States(pub BTreeMap<u16, PoolNow>);

impl States {
    pub fn with(mut self, pool: u16, service: Service) -> Self {
        let full = false;
        self.0.insert(pool, PoolNow { service, full });
        self
    }

    pub fn full(mut self, pool: u16) -> Self {
        let service = Service::Normal;
        let full = true;
        self.0.insert(pool, PoolNow { service, full });
        self
    }
}

impl Pools for States {
    fn state(&self, pool: PoolId) -> PoolNow {
        let found = self.0.get(&pool.0).copied();
        found.unwrap_or_else(|| AllNormal.state(pool))
    }
}

/// A call to the hotline by day, of which a test changes what matters.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub wall: Wall,
    pub trunk: u16,
    pub caller: &'a str,
    pub called: &'a str,
    pub cell: Option<&'a str>,
    pub known: Known,
}

impl Default for Call<'_> {
    fn default() -> Self {
        Self {
            wall: DAY,
            trunk: 0,
            caller: "13312345678",
            called: "12356",
            cell: None,
            known: Known::default(),
        }
    }
}

impl Call<'_> {
    /// The decision while all pools are in order.
    pub fn on(&self, table: &Table) -> Decision {
        let decision = self.among(table, &States::default());
        let (caller, called) = (DialString::new(self.caller), DialString::new(self.called));
        assert_eq!(table.decide(&self.query(&caller, &called)), decision);
        decision
    }

    /// The decision, which every way through the table agrees on.
    pub fn among(&self, table: &Table, pools: &impl Pools) -> Decision {
        let (caller, called) = (DialString::new(self.caller), DialString::new(self.called));
        let query = self.query(&caller, &called);
        let decision = table.decide_among(&query, pools);
        assert_eq!(table.decide_linearly(&query, pools), decision, "{self:?}");
        assert_eq!(table.explain(&query, pools).decision, decision, "{self:?}");
        decision
    }

    pub fn explain(&self, table: &Table, pools: &impl Pools) -> Explained {
        let (caller, called) = (DialString::new(self.caller), DialString::new(self.called));
        table.explain(&self.query(&caller, &called), pools)
    }

    pub fn query<'q>(&self, caller: &'q DialString, called: &'q DialString) -> Query<'q>
    where
        Self: 'q,
    {
        Query {
            known: self.known,
            cell: self.cell,
            ..Query::new(self.wall, TrunkId(self.trunk), caller, called)
        }
    }
}

/// Pools and their waits in seconds.
pub fn rings(decision: &Decision) -> Vec<(u16, u64)> {
    let rings = decision.rings.iter();
    rings
        .map(|ring| (ring.pool.0, ring.after.as_secs()))
        .collect()
}

/// The name of the route that was taken.
pub fn name<'t>(table: &'t Table, decision: &Decision) -> &'t str {
    let at = usize::from(decision.route.0);
    table.route_names().nth(at).unwrap()
}

/// Skills that count, with their weights.
pub fn likes(decision: &Decision) -> Vec<(u8, u16)> {
    let preferred = decision.preferred.iter();
    preferred.map(|it| (it.skill.index(), it.weight)).collect()
}
