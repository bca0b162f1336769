//! `meishier diff`: what another configuration would change, by what is decided rather than by text.
//!
//! ```text
//!   OLD, NEW ─┬─ sample ── callers × numbers × trunks ─┐
//!             ├─ days ──── times at which they differ ─┴─► routes ── the same change told once
//!             ├─ lines by hour, pools that come and go
//!             └─ facts ── policies, trunks, keys, care, numbers, calendar ──► rows that differ
//! ```

mod callers;
mod days;
mod facts;
mod keys;
mod named;
mod outcome;
mod routes;
mod rules;
mod sample;
mod tell;

use crate::cli;
use crate::land::{self, AreaCodes, Mobiles};
use crate::loaded::Loaded;
use crate::moment::clock;
use days::Times;
use meishier_config::{Config, Lang};
use meishier_model::PoolId;
use meishier_routing::CityId;
use named::Named;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Status of files that cannot be compared.
const TROUBLE: u8 = 2;

/// Lines of a pool that differ at some times.
pub struct LinesChange {
    /// The pool's name.
    pub pool: String,
    /// Times by their place in [`Times`].
    pub times: Vec<usize>,
    /// Lines in the old configuration.
    pub old: u16,
    /// Lines in the new one.
    pub new: u16,
}

/// Everything that differs.
pub struct Differences {
    /// The times that were looked at.
    pub times: Times,
    /// Callers who would be routed otherwise.
    pub routes: Vec<routes::RouteChange>,
    /// Pools that only the old configuration has.
    pub removed: Vec<String>,
    /// Pools that only the new one has.
    pub added: Vec<String>,
    /// Lines by hour.
    pub lines: Vec<LinesChange>,
    /// Numbers that are treated otherwise, masked.
    pub numbers: Vec<facts::FactChange>,
    /// Policies, calendar and exceptional times.
    pub policies: Vec<facts::FactChange>,
}

impl Differences {
    /// True if nothing differs.
    pub fn is_empty(&self) -> bool {
        let lists = [
            self.routes.is_empty(),
            self.removed.is_empty(),
            self.added.is_empty(),
            self.lines.is_empty(),
            self.numbers.is_empty(),
            self.policies.is_empty(),
        ];
        lists.into_iter().all(|empty| empty)
    }
}

/// 0: nothing would change. 1: something would. 2: a file cannot be read or is wrong.
pub fn run(args: &cli::Diff) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let both = (
        Loaded::read(&args.old, asked),
        Loaded::read(&args.new, asked),
    );
    let (Some(old), Some(new)) = both else {
        return ExitCode::from(TROUBLE);
    };
    let lang = asked.unwrap_or(new.config.lang);
    let found = compare(&old, &new, lang);
    if args.json {
        println!("{}", tell::json(&found, &old, &new, args.all));
    } else {
        print!("{}", tell::text(&found, args.all, lang));
    }
    match found.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Places by whose callers the configurations are compared.
pub struct Lands {
    /// Area codes.
    pub codes: AreaCodes,
    /// Mobile numbers of cities.
    pub mobiles: Mobiles,
    /// Names of those cities, with their provinces.
    pub cities: BTreeMap<CityId, (String, String)>,
}

impl Lands {
    fn of(config: &Config) -> Self {
        let table = &config.routing;
        let mobiles = land::mobiles(table);
        let name = |id: &CityId| (*id, land::names(table, *id));
        Self {
            codes: land::area_codes(table),
            cities: mobiles.keys().map(name).collect(),
            mobiles,
        }
    }
}

fn compare(old: &Loaded, new: &Loaded, lang: Lang) -> Differences {
    let named = Named::of([old, new]);
    let now = meishier_net::Clock::system().wall();
    let configs = [&old.config, &new.config];
    let times = Times::of(configs, &named, now);
    let lands = Lands::of(&new.config);
    let scenarios = sample::scenarios(&named, &lands.codes, &lands.mobiles);
    let names = |config: &Config| config.pools.iter().map(|it| it.name.clone()).collect();
    let (olds, news): (Vec<String>, Vec<String>) = (names(&old.config), names(&new.config));
    Differences {
        routes: routes::changes(configs, &scenarios, &times, &named, &lands, lang),
        lines: lines(configs, &times),
        removed: olds
            .iter()
            .filter(|it| !news.contains(it))
            .cloned()
            .collect(),
        added: news
            .iter()
            .filter(|it| !olds.contains(it))
            .cloned()
            .collect(),
        numbers: facts::numbers(old, new, lang),
        policies: facts::policies(old, new, lang),
        times,
    }
}

fn lines([old, new]: [&Config; 2], times: &Times) -> Vec<LinesChange> {
    let mut out = Vec::new();
    for (pool, id) in old.pools.iter().zip(0u16..) {
        let Some(at) = new.pools.iter().position(|it| it.name == pool.name) else {
            continue;
        };
        let at = PoolId(u16::try_from(at).unwrap_or(u16::MAX));
        let mut changes: BTreeMap<(u16, u16), Vec<usize>> = BTreeMap::new();
        for (time, slot) in times.slots().iter().enumerate() {
            let before = old.routing.lines(PoolId(id), slot.old);
            let after = new.routing.lines(at, slot.new);
            if before != after {
                changes.entry((before, after)).or_default().push(time);
            }
        }
        out.extend(
            changes
                .into_iter()
                .map(|((before, after), times)| LinesChange {
                    pool: pool.name.clone(),
                    times,
                    old: before,
                    new: after,
                }),
        );
    }
    out
}

/// `08:00-18:00`
fn hours(from: u16, to: u16) -> String {
    format!("{}-{}", clock(from), clock(to))
}
