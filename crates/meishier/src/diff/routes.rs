//! Callers who would be routed otherwise; who gets the same change at the same times is told together.

use super::Lands;
use super::days::{Sort, Times};
use super::named::Named;
use super::outcome::Outcome;
use super::sample::{Mark, Scenario};
use crate::land::Mobiles;
use crate::standing::Standing;
use meishier_config::{Config, Lang};
use meishier_routing::{Known, NuisanceWhy, Query, RiskWhy, Tags};
use std::collections::BTreeMap;

/// One change.
pub struct RouteChange {
    /// Whom it concerns, for people, the most telling first.
    pub callers: Vec<String>,
    /// How many sorts of calls that are.
    pub sorts: usize,
    /// Times by their place in [`Times`].
    pub times: Vec<usize>,
    /// What they get now.
    pub old: Outcome,
    /// What they would get.
    pub new: Outcome,
}

/// Times that no rule tells apart and at which every pool of both configurations stands alike.
struct Moment {
    /// The day if rules look at days, and the stretch between the hours that rules name.
    rules: (Option<Sort>, usize),
    times: Vec<usize>,
    standing: [Standing; 2],
}

/// Everything that would be routed otherwise, what concerns most first.
pub fn changes(
    both: [&Config; 2],
    scenarios: &[Scenario],
    times: &Times,
    named: &Named,
    lands: &Lands,
    lang: Lang,
) -> Vec<RouteChange> {
    let moments = moments(both, times, named);
    let mut groups: BTreeMap<(Outcome, Outcome, Vec<usize>), Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        let changes = of_scenario(both, scenario, &moments, times, &lands.mobiles);
        for ((old, new), mut times) in changes {
            times.sort_unstable();
            groups.entry((old, new, times)).or_default().push(scenario);
        }
    }
    let mut out: Vec<RouteChange> = groups
        .into_iter()
        .map(|((old, new, times), scenarios)| RouteChange {
            callers: super::callers::callers(&scenarios, lands, lang),
            sorts: scenarios.len(),
            times,
            old,
            new,
        })
        .collect();
    out.sort_by_key(|it| std::cmp::Reverse(it.sorts * it.times.len()));
    out
}

fn moments([old, new]: [&Config; 2], times: &Times, named: &Named) -> Vec<Moment> {
    let mut out: Vec<Moment> = Vec::new();
    for (time, slot) in times.slots().iter().enumerate() {
        let standing = [
            Standing::new(&old.routing, old.pools.len(), slot.old, &[]),
            Standing::new(&new.routing, new.pools.len(), slot.new, &[]),
        ];
        let passed = named.minutes.iter().filter(|minute| **minute <= slot.from);
        let rules = (named.by_day.then_some(slot.sort), passed.count());
        let alike = out
            .iter_mut()
            .find(|it| it.rules == rules && it.standing == standing);
        match alike {
            Some(moment) => moment.times.push(time),
            None => out.push(Moment {
                rules,
                times: vec![time],
                standing,
            }),
        }
    }
    out
}

/// What changes for one sort of call, and when.
fn of_scenario(
    [old, new]: [&Config; 2],
    scenario: &Scenario,
    moments: &[Moment],
    times: &Times,
    mobiles: &Mobiles,
) -> BTreeMap<(Outcome, Outcome), Vec<usize>> {
    let mut out: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let (Some(old_trunk), Some(new_trunk)) = (scenario.trunk_in(old), scenario.trunk_in(new))
    else {
        // A trunk that only one of them has is told as such.
        return out;
    };
    let caller = scenario.caller(mobiles);
    let called = meishier_model::DialString::new(&scenario.called);
    for moment in moments {
        let slot = moment.times.first().and_then(|at| times.slots().get(*at));
        let Some(slot) = slot else { continue };
        let query = |config, wall, trunk| Query {
            cell: scenario.cell(),
            known: known(&scenario.mark, config),
            ..Query::new(wall, trunk, &caller, &called)
        };
        let [before, after] = &moment.standing;
        let before = old
            .routing
            .decide_among(&query(old, slot.old, old_trunk), before);
        let after = new
            .routing
            .decide_among(&query(new, slot.new, new_trunk), after);
        let marked = scenario.mark == Mark::Risk;
        let before = Outcome::of(old, &before, marked);
        let after = Outcome::of(new, &after, marked);
        if before != after {
            out.entry((before, after))
                .or_default()
                .extend(&moment.times);
        }
    }
    out
}

fn known(mark: &Mark, config: &Config) -> Known {
    let mut known = Known::default();
    match mark {
        Mark::None => {}
        Mark::Risk => known.risk = Some(RiskWhy::Person),
        Mark::Nuisance => known.nuisance = Some(NuisanceWhy::Marked),
        Mark::Tag(tag) => {
            let at = config.tags.iter().position(|it| it == tag);
            known.tags = at.map_or(Tags::default(), |at| Tags::default().with(at));
        }
    }
    known
}
