//! The judges' own decision: which pools a caller may be answered by, and when each opens.

use super::hours::Clock;
use super::place::{self, Found, Place};
use super::plan::{Plan, RoutePlan};
use super::policy::{Step, When, Which};
use super::service::Service;
use meishier_model::Wall;
use std::time::Duration;

/// Most pools of a caller.
const MOST_RINGS: usize = 8;
/// Most skills that are held out for.
const MOST_PREFERENCES: usize = 8;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Over which trunk.
    pub trunk: u16,
    /// Caller's number in plain form; empty if withheld.
    pub caller: String,
    /// What was dialled, in plain form.
    pub called: String,
    /// The cell that a trusted carrier names; empty if none does.
    pub cell: String,
    /// A header says more of who calls whom, which the judges do not read.
    pub unread: bool,
    /// Known to be at risk, lists not counted.
    pub risk: bool,
    /// Known for nuisance, lists not counted.
    pub nuisance: bool,
    /// Whom this caller talked with, if it matters.
    pub last: Option<u32>,
}

/// Pools of one moment, and when they open after the arrival.
pub type Tier = (Vec<u16>, Duration);

/// What the file says of a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The route.
    pub route: usize,
    /// No other fitted.
    pub by_default: bool,
    /// Pools in order.
    pub tiers: Vec<Tier>,
    /// Pools of the route, where a policy leads elsewhere: they follow if none of its pools takes
    /// calls.
    pub behind: Vec<u16>,
    /// Priority class.
    pub class: u8,
    /// At risk.
    pub risk: bool,
    /// Held for nuisance, with its effect.
    pub nuisance: bool,
    /// Skills needed.
    pub required: u64,
    /// Skills held out for.
    pub preferred: u64,
    /// Whose caller it is.
    pub own: Option<u32>,
    /// The judges do not know the place, and somebody asks for it; or something else of the call.
    pub unlisted: bool,
}

impl Verdict {
    /// What a route asks for beside its pools.
    #[must_use]
    pub fn asks(&self) -> (u8, bool, bool, u64, u64, Option<u32>) {
        let flags = (self.risk, self.nuisance);
        let skills = (self.required, self.preferred);
        (self.class, flags.0, flags.1, skills.0, skills.1, self.own)
    }
}

/// Who is asked about in conditions.
struct Facts<'a> {
    ask: &'a Ask,
    place: Place,
    wall: Wall,
    risk: bool,
    nuisance: bool,
    tags: u64,
    states: &'a Service,
}

fn holds(when: &When, clock: &Clock, facts: &Facts<'_>) -> bool {
    let ask = facts.ask;
    let named = |list: &[String], it: Option<&str>| {
        list.is_empty() || it.is_some_and(|it| list.iter().any(|one| one == it))
    };
    let starts = |head: &String| ask.caller.starts_with(head.as_str());
    (when.called.is_empty() || when.called.contains(&ask.called))
        && (when.callers.is_empty() || when.callers.iter().any(starts))
        && (when.trunks.is_empty() || when.trunks.contains(&ask.trunk))
        && named(&when.cities, facts.place.city)
        && named(&when.provinces, facts.place.province)
        && when.risk.is_none_or(|it| it == facts.risk)
        && when.nuisance.is_none_or(|it| it == facts.nuisance)
        && (when.tags == 0 || when.tags & facts.tags != 0)
        && when
            .states
            .iter()
            .all(|(pool, states)| facts.states.of(*pool) & states != 0)
        && (when.days.is_empty() && when.hours.is_empty() || {
            let (date, minute) = clock.civil(facts.wall);
            when.at(&clock.calendar, date, minute)
        })
}

impl Plan {
    /// The caller's place by the policy; whether the judges would have to know more.
    fn place(&self, ask: &Ask) -> (Place, bool) {
        if !self.policies.by_place {
            return (Place::default(), false);
        }
        let signs = self.policies.signs(ask.trunk, &ask.caller, &ask.cell);
        let dialled = match self.policies.aliases.get(&ask.called) {
            Some(Some(place)) => Found::At(*place),
            _ => place::called(&ask.called, &ask.caller, &signs),
        };
        for which in &self.policies.first {
            let found = match which {
                Which::Called => dialled,
                Which::Here => place::here(&ask.caller, &signs),
                Which::Home => place::home(&ask.caller, &signs),
            };
            match found {
                Found::At(place) => return (place, false),
                Found::Unlisted => return (Place::default(), true),
                Found::Nowhere => {}
            }
        }
        (Place::default(), false)
    }

    /// What the file says of a caller at this moment, whatever state pools are in.
    #[must_use]
    pub fn verdict(&self, ask: &Ask, wall: Wall) -> Verdict {
        self.verdict_with(ask, wall, &Service::default())
    }

    /// The same where routes look at the states of pools: one verdict for each that the states leave
    /// possible, the first by the states that are the most usual.
    #[must_use]
    pub fn verdicts(&self, ask: &Ask, wall: Wall, states: &Service) -> Vec<Verdict> {
        let mut out: Vec<Verdict> = Vec::new();
        for one in states.each() {
            let verdict = self.verdict_with(ask, wall, &one);
            if !out.contains(&verdict) {
                out.push(verdict);
            }
        }
        out
    }

    fn verdict_with(&self, ask: &Ask, wall: Wall, states: &Service) -> Verdict {
        let policies = &self.policies;
        let (place, unlisted) = self.place(ask);
        let mut facts = Facts {
            ask,
            place,
            wall,
            risk: ask.risk,
            nuisance: ask.nuisance,
            tags: 0,
            states,
        };
        let mut planned = None;
        for listed in policies.numbers.get(&ask.caller).into_iter().flatten() {
            if listed.until.is_none_or(|until| wall < until) && !ask.caller.is_empty() {
                facts.risk |= listed.risk;
                facts.nuisance |= listed.nuisance;
                facts.tags |= listed.tags;
                planned = planned.or(listed.counsellor);
            }
        }
        facts.nuisance &= !facts.risk;
        let routes = || self.routes.iter().enumerate();
        let found = routes().find(|(_, route)| holds(&route.when, &self.clock, &facts));
        let at = found.map_or(self.default, |(at, _)| at);
        let mut out = Verdict {
            route: at,
            by_default: found.is_none(),
            unlisted: unlisted || ask.unread,
            own: planned,
            ..Verdict::default()
        };
        let Some(route) = self.routes.get(at) else {
            return out;
        };
        facts.risk |= route.risk;
        facts.nuisance &= !facts.risk;
        (out.risk, out.nuisance) = (facts.risk, facts.nuisance);
        (out.class, out.required) = (route.class, route.required);
        if facts.nuisance {
            out.class = policies
                .nuisance_class
                .map_or(out.class, |it| it.max(out.class));
        }
        if facts.risk {
            out.own = out.own.or(ask.last);
        }
        out.tiers = self.tiers(&facts, route);
        let of_policy = (facts.risk && !policies.risk_steps.is_empty())
            || (facts.nuisance && !policies.nuisance_steps.is_empty());
        if of_policy {
            let steps = route.steps.iter();
            let pools = steps.flat_map(|(to, _)| policies.areas.pools(*to, &facts.place));
            out.behind = pools.collect();
        }
        out.preferred = self.preferred(&facts, route);
        out
    }

    /// The steps that count, with their pools: of a policy, of the route, of the default route.
    fn tiers(&self, facts: &Facts<'_>, route: &RoutePlan) -> Vec<Tier> {
        let policies = &self.policies;
        let of_policy: &[Step] = match (facts.risk, facts.nuisance) {
            (true, _) => &policies.risk_steps,
            (_, true) => &policies.nuisance_steps,
            _ => &[],
        };
        let default = self.routes.get(self.default);
        let ladders = [of_policy, &route.steps, default.map_or(&[], |it| &it.steps)];
        for steps in ladders {
            let tiers: Vec<Tier> = steps
                .iter()
                .map(|(to, after)| (policies.areas.pools(*to, &facts.place), *after))
                .collect();
            if tiers.iter().any(|tier| !tier.0.is_empty()) {
                return tiers;
            }
        }
        Vec::new()
    }

    fn preferred(&self, facts: &Facts<'_>, route: &RoutePlan) -> u64 {
        let policies = &self.policies;
        let mut out = 0u64;
        let mut like = |bits: u64| {
            let new = bits & !route.required & !out;
            // Which of too many fall away is the engine's affair; scenarios have no more.
            if (out | new).count_ones() as usize <= MOST_PREFERENCES {
                out |= new;
            }
        };
        if facts.risk {
            like(policies.risk_prefer | policies.fresh);
        }
        for (_, when, skills) in &policies.preferences {
            if holds(when, &self.clock, facts) {
                like(*skills);
            }
        }
        like(route.preferred);
        out
    }
}

/// When each pool opens after the arrival: a moment of which no pool takes calls makes nobody wait
/// for the next one.
#[must_use]
pub fn climb(tiers: &[Tier], takes: impl Fn(u16) -> bool) -> Vec<(u16, Duration)> {
    let mut out: Vec<(u16, Duration)> = Vec::new();
    // The file's first moment counts as one that nobody serves.
    let mut wait = Duration::ZERO;
    let mut at = 0;
    while let Some((_, after)) = tiers.get(at) {
        let together = tiers[at..]
            .iter()
            .take_while(|tier| tier.1 == *after)
            .count();
        let pools = tiers[at..at + together].iter().flat_map(|tier| &tier.0);
        let mut served = false;
        for pool in pools {
            served |= takes(*pool);
            if out.len() < MOST_RINGS && out.iter().all(|ring| ring.0 != *pool) {
                out.push((*pool, wait));
            }
        }
        if let Some((_, next)) = tiers.get(at + together)
            && served
        {
            wait += next.saturating_sub(*after);
        }
        at += together;
    }
    out
}
