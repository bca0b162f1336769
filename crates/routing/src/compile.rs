//! From the source to the table: every reference checked, every list in order.

use meishier_model::PoolId;
use smallvec::SmallVec;

use crate::areas::Areas;
use crate::exceptional::ExceptionalDays;
use crate::index::Index;
use crate::listed::Lists;
use crate::number::Number;
use crate::place::prefixes::Prefixes;
use crate::schedule::WeekPlan;
use crate::source::{
    Ladder, MOST_HOPS, MOST_RULES, PoolSource, Route, Step, TableError, TableSource, To,
};
use crate::table::{AliasTable, PoolTable, PreferenceTable, RouteId, RouteTable, Table};
use crate::when::Conditions;

pub(crate) fn compile(source: TableSource) -> Result<Table, TableError> {
    let zone = Table::zone(&source.zone).ok_or(TableError::UnknownZone)?;
    check_sizes(&source)?;
    for (pool, id) in source.pools.iter().zip(0..) {
        if let Some(clash) = pool.schedule.clash() {
            return Err(TableError::Clash(PoolId(id), clash));
        }
    }
    check_pools(&source)?;
    let mut routes = Vec::with_capacity(source.routes.len());
    for (route, id) in source.routes.iter().zip(0..) {
        let steps = chain(&source.routes, RouteId(id))?;
        routes.push(compiled_route(route, steps));
    }
    let areas = Areas::new(&source.areas, source.gazetteer.atlas());
    let by_alias = source
        .aliases
        .iter()
        .map(|it| Box::<[u8]>::from(Number::new(&it.number).as_bytes()))
        .zip(0u16..)
        // A number that is none is not what callers dial who dial nothing.
        .filter(|(number, _)| !number.is_empty());
    let by_alias = Prefixes::new(by_alias);
    let preferences: Vec<_> = source
        .policies
        .preferences
        .iter()
        .map(|it| PreferenceTable {
            name: it.name.clone(),
            when: Conditions::new(&it.when),
            prefer: it.prefer.clone(),
        })
        .collect();
    let conditions = routes.iter().map(|it: &RouteTable| &it.when);
    let conditions = conditions.chain(preferences.iter().map(|it| &it.when));
    let mut watched: Vec<PoolId> = conditions.clone().flat_map(Conditions::watched).collect();
    watched.sort_unstable();
    watched.dedup();
    let dated = conditions.clone().any(Conditions::asks_calendar);
    let mut edges: Vec<u16> = conditions.flat_map(Conditions::edges).collect();
    edges.sort_unstable();
    edges.dedup();
    Ok(Table {
        zone,
        calendar: source.calendar,
        exceptional: ExceptionalDays::compile(source.exceptional)
            .map_err(TableError::Exceptional)?,
        pools: source.pools.into_iter().map(compiled_pool).collect(),
        trunk_codes: source.trunk_codes,
        aliases: source
            .aliases
            .iter()
            .map(|it| AliasTable {
                name: it.name.clone(),
                city: it.city,
            })
            .collect(),
        by_alias,
        areas: areas.map_err(TableError::AreaTwice)?,
        index: Index::new(routes.iter().map(|it| &it.when)),
        routes,
        default: source.default.0,
        preferences,
        edges,
        watched,
        dated,
        lists: Lists::new(&source.policies.listed),
        policies: source.policies,
        gazetteer: source.gazetteer,
    })
}

fn check_sizes(source: &TableSource) -> Result<(), TableError> {
    let policies = &source.policies;
    let sizes = [
        source.pools.len(),
        source.routes.len(),
        source.areas.len(),
        source.aliases.len(),
        policies.preferences.len(),
        policies.listed.len(),
    ];
    // The last number of 16 bits stands for "none" in places.
    if sizes.into_iter().any(|size| size >= MOST_RULES) {
        return Err(TableError::TooMany);
    }
    if usize::from(source.default.0) >= source.routes.len() {
        return Err(TableError::UnknownRoute(source.default));
    }
    Ok(())
}

/// Every pool that is named is there.
fn check_pools(source: &TableSource) -> Result<(), TableError> {
    let there = |pool: &PoolId| usize::from(pool.0) < source.pools.len();
    let of_steps = |steps: &[Step]| {
        let pools = steps.iter().filter_map(|step| match step.to {
            To::Pool(pool) => Some(pool),
            _ => None,
        });
        pools.into_iter().find(|pool| !there(pool))
    };
    for (route, id) in source.routes.iter().zip(0..) {
        let states = route.when.states.iter().map(|(pool, _)| *pool);
        if let Some(pool) =
            of_steps(&route.steps).or_else(|| states.into_iter().find(|it| !there(it)))
        {
            return Err(TableError::UnknownPool(Some(RouteId(id)), pool));
        }
    }
    let policies = &source.policies;
    let states = policies.preferences.iter().flat_map(|it| &it.when.states);
    let mut named = source
        .areas
        .iter()
        .flat_map(|area| &area.pools)
        .chain(states.map(|(pool, _)| pool));
    let unknown = named.find(|pool| !there(pool)).copied();
    let of_policies = || of_steps(&policies.risk.steps).or(of_steps(&policies.nuisance.steps));
    match unknown.or_else(of_policies) {
        Some(pool) => Err(TableError::UnknownPool(None, pool)),
        None => Ok(()),
    }
}

/// The steps of a route and of those that follow it, with waits counted from the arrival.
fn chain(routes: &[Route], first: RouteId) -> Result<Ladder, TableError> {
    let mut steps = Ladder::new();
    let mut seen: SmallVec<[RouteId; MOST_HOPS]> = SmallVec::new();
    let mut next = Some(first);
    let mut from = std::time::Duration::ZERO;
    while let Some(id) = next {
        let route = routes
            .get(usize::from(id.0))
            .ok_or(TableError::UnknownRoute(id))?;
        if seen.contains(&id) {
            return Err(TableError::Loop(first));
        }
        if seen.len() > MOST_HOPS {
            return Err(TableError::TooManyHops(first));
        }
        seen.push(id);
        if route
            .steps
            .windows(2)
            .any(|pair| pair[1].after < pair[0].after)
        {
            return Err(TableError::FallingWait(id));
        }
        steps.extend(route.steps.iter().map(|step| Step {
            to: step.to,
            after: from.saturating_add(step.after),
        }));
        next = route.then.map(|(id, _)| id);
        if let Some((_, wait)) = route.then {
            let last = steps.last().map_or(from, |step| step.after);
            from = last.saturating_add(wait);
        }
    }
    if steps.is_empty() {
        return Err(TableError::NoRing(first));
    }
    Ok(steps)
}

fn compiled_route(route: &Route, steps: Ladder) -> RouteTable {
    RouteTable {
        name: route.name.clone(),
        when: Conditions::new(&route.when),
        steps,
        class: route.class,
        risk: route.risk,
        required: route.required,
        preferred: route.preferred.clone(),
    }
}

fn compiled_pool(pool: PoolSource) -> PoolTable {
    PoolTable {
        plan: WeekPlan::compile(&pool.schedule),
        name: pool.name,
        schedule: pool.schedule,
        rules: pool.rules,
    }
}
