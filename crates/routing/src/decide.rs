//! One decision: from a call and a moment to pools, class, skills, and the rules that led there.
//!
//! ```text
//!   Query ─► lists (numbers) ─► places ─► policy: which city ─► first route that holds
//!                                                                   │
//!   Decision ◄─ preferences ◄─ class, risk, nuisance ◄─ ladder ─────┘
//! ```
//!
//! Nothing allocates. [`Table::explain`](crate::Table::explain) goes the same way with a trace that
//! keeps every rule looked at.

use meishier_model::{Class, CounsellorId, DialString, PoolId, SkillSet, TrunkId, Wall};
use smallvec::SmallVec;
use std::time::Duration;

use crate::ladder::{Grounds, MOST_RINGS, climb};
use crate::number::Number;
use crate::place::prefixes::Key;
use crate::place::{CityId, CodeId, Confidence, Evidence, Found, Places, ProvinceId, Source};
use crate::policy::{Known, NuisanceWhy, RiskWhy, Which};
use crate::service::Service;
use crate::source::Step;
use crate::table::{Preference, Ring, RouteId, Table};
use crate::when::{Facts, Miss};

/// Most preferences of a decision: as many as the queue lets a caller have.
pub const MOST_PREFERENCES: usize = 8;

/// What is known of a call when it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// When it is decided.
    pub wall: Wall,
    /// Over which trunk it came.
    pub trunk: TrunkId,
    /// Caller's number; empty if nobody knows it.
    pub caller: &'a DialString,
    /// Number dialled, before any forward.
    pub called: &'a DialString,
    /// The cell, as a trusted trunk names it.
    pub cell: Option<&'a str>,
    /// What else is known of the caller; lists of the table need not be in it.
    pub known: Known,
}

impl<'a> Query<'a> {
    /// A call of which nothing is known but its numbers.
    #[must_use]
    pub fn new(wall: Wall, trunk: TrunkId, caller: &'a DialString, called: &'a DialString) -> Self {
        Self {
            wall,
            trunk,
            caller,
            called,
            cell: None,
            known: Known::default(),
        }
    }
}

/// A pool at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolNow {
    /// Its service state.
    pub service: Service,
    /// Every open line is in use.
    pub full: bool,
}

/// How the pools stand, asked when a decision needs it.
pub trait Pools {
    /// The state of one pool; of one that does not exist, anything.
    fn state(&self, pool: PoolId) -> PoolNow;
}

/// Every pool is in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllNormal;

impl Pools for AllNormal {
    fn state(&self, _: PoolId) -> PoolNow {
        PoolNow {
            service: Service::Normal,
            full: false,
        }
    }
}

/// A rule that a decision rests on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A route whose conditions hold.
    Route(u16),
    /// The default route, because no other holds.
    Default(u16),
    /// An area, by its place in the file.
    Area(u16),
    /// An old number of the hotline.
    Alias(u16),
    /// A preference.
    Preference(u16),
    /// A listed number.
    Listed(u16),
    /// The policy of risk.
    Risk(RiskWhy),
    /// The policy of nuisance.
    Nuisance(NuisanceWhy),
    /// The policy of redial.
    Redial,
    /// Several cities share the area code and nothing settles it.
    Ambiguous,
}

/// Which form of the hotline's number was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialled {
    /// 12356.
    Short,
    /// Area code and 12356.
    Area,
    /// An old number, by its place in the file.
    Alias(u16),
    /// Something else.
    Other,
}

/// The caller's place as the policy settles it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The city.
    pub city: Option<CityId>,
    /// The shared area code, if nothing settles which of its cities it is.
    pub code: Option<CodeId>,
    /// The province.
    pub province: Option<ProvinceId>,
    /// Which of the cities known it is.
    pub which: Option<Which>,
    /// Another city that is known.
    pub other: Option<CityId>,
}

/// Which seats may answer a caller, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The route that was taken.
    pub route: RouteId,
    /// Pools in order; at least one unless nobody serves the caller's place nor the default's.
    pub rings: SmallVec<[Ring; MOST_RINGS]>,
    /// Rings that take calls at this moment, as bits.
    pub taking: u8,
    /// Class in the queue.
    pub class: Class,
    /// Whether the caller is flagged as at risk.
    pub risk: bool,
    /// Skills a counsellor must have.
    pub required: SkillSet,
    /// Skills that count in the choice of a counsellor.
    pub preferred: SmallVec<[Preference; MOST_PREFERENCES]>,
    /// The counsellor who should have this caller if possible.
    pub own: Option<CounsellorId>,
    /// The caller's place.
    pub place: Settled,
    /// The number's form.
    pub dialled: Dialled,
    /// Rules that it rests on, in the order in which they were applied; those beyond the twelfth
    /// are left out.
    pub rules: SmallVec<[Rule; 12]>,
}

impl Decision {
    /// True if the area code is shared and nothing settles which city it is.
    #[must_use]
    pub fn ambiguous(&self) -> bool {
        self.place.code.is_some()
    }
}

/// Where a decision tells what it looked at.
pub(crate) trait Trace {
    /// A rule was looked at, and holds unless something missed.
    fn looked(&mut self, _: Rule, _: Option<Miss>) {}
    /// Whether every rule is to be looked at in turn rather than by the index.
    fn wants_all(&self) -> bool {
        false
    }
    /// The evidence of places.
    fn places(&mut self, _: &Places) {}
}

/// Tells nobody.
impl Trace for () {}

/// Every rule in turn, told to nobody: what an uncompiled table would do.
pub(crate) struct Linear;

impl Trace for Linear {
    fn wants_all(&self) -> bool {
        true
    }
}

impl Table {
    /// Decides for one call while every pool is in order. Anything unknown gets the default route,
    /// never a rejection.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>) -> Decision {
        self.run(query, &AllNormal, &mut ())
    }

    /// The same with the pools as they stand.
    #[must_use]
    pub fn decide_among(&self, query: &Query<'_>, pools: &impl Pools) -> Decision {
        self.run(query, pools, &mut ())
    }

    /// The same by looking at every rule in turn: the reference of the tests and the baseline of the
    /// benchmark.
    #[must_use]
    pub fn decide_linearly(&self, query: &Query<'_>, pools: &impl Pools) -> Decision {
        self.run(query, pools, &mut Linear)
    }

    pub(crate) fn run<P: Pools + ?Sized, T: Trace>(
        &self,
        query: &Query<'_>,
        pools: &P,
        trace: &mut T,
    ) -> Decision {
        let code = self.trunk_code(query.trunk);
        let caller = Number::in_area(query.caller.reveal(), code);
        let called = self.called_number(query.called.reveal(), code);
        let keys = (Key::new(called.as_bytes()), Key::new(caller.as_bytes()));
        let mut out = Decision::empty(self.dialled(keys.0));
        let known = self.listed(query, keys.1, &mut out, trace);
        let mut places = self.gazetteer.places(&Evidence {
            trunk: query.trunk,
            caller: &caller,
            called: &called,
            cell: query.cell,
        });
        if let Dialled::Alias(at) = out.dialled {
            trace.looked(Rule::Alias(at), None);
            out.hit(Rule::Alias(at));
            if let Some(city) = self.aliases.get(usize::from(at)).and_then(|it| it.city) {
                places.called = Some(self.known_city(city));
            }
        }
        trace.places(&places);
        out.place = self.settle(&places);
        if out.ambiguous() {
            out.hit(Rule::Ambiguous);
        }
        let mut facts = Facts {
            called: keys.0,
            caller: keys.1,
            trunk: query.trunk,
            city: out.place.city,
            province: out.place.province,
            local: self.local(query.wall),
            risk: known.risk.is_some(),
            nuisance: known.nuisance.is_some() && known.risk.is_none(),
            tags: known.tags,
            pools,
        };
        self.find(&facts, &mut out, trace);
        self.weigh(&known, &mut out);
        // A route may have flagged the caller: what follows goes by that.
        facts.risk = out.risk;
        facts.nuisance &= !out.risk;
        self.fill_rings(&facts, &mut out, trace);
        self.prefer(&facts, &mut out, trace);
        out
    }

    /// What is known of the caller, with what the lists say that hold at this moment.
    fn listed<T: Trace>(
        &self,
        query: &Query<'_>,
        caller: Key<'_>,
        out: &mut Decision,
        trace: &mut T,
    ) -> Known {
        let mut known = query.known;
        for (at, entry) in self.lists.of(caller) {
            let rule = Rule::Listed(at);
            if entry.until.is_some_and(|until| until <= query.wall) {
                trace.looked(rule, Some(Miss::Expired));
                continue;
            }
            trace.looked(rule, None);
            out.hit(rule);
            if entry.risk {
                known.risk = known.risk.or(Some(RiskWhy::Listed));
            }
            if entry.nuisance {
                known.nuisance = known.nuisance.or(Some(NuisanceWhy::Listed));
            }
            known.planned = known.planned.or(entry.counsellor);
            known.tags.0 |= entry.tags.0;
        }
        known
    }

    /// The city of an old number: as good as an area code that was dialled.
    fn known_city(&self, city: CityId) -> Found {
        let atlas = self.gazetteer.atlas();
        Found {
            city: Some(city),
            province: atlas.province_of(city),
            code: atlas.code_of_city(city),
            by: Source::CalledCode,
            confidence: Confidence::High,
        }
    }

    /// Which of the places known is the caller's: the first in the policy's order.
    fn settle(&self, places: &Places) -> Settled {
        let of = |which: &Which| match which {
            Which::Called => places.called.as_ref(),
            Which::Here => places.here.as_ref(),
            Which::Home => places.home.as_ref(),
        };
        let first = &self.policies.first;
        let found = first.iter().find_map(|which| Some((*which, of(which)?)));
        let Some((which, found)) = found else {
            return Settled::default();
        };
        let mut others = first.iter().filter_map(|it| of(it)?.city);
        Settled {
            city: found.city,
            code: found.code.filter(|_| found.is_ambiguous()),
            province: found.province,
            which: Some(which),
            other: others.find(|other| Some(*other) != found.city),
        }
    }

    /// The first route in the file's order whose conditions hold, else the default.
    fn find<P: Pools + ?Sized, T: Trace>(
        &self,
        facts: &Facts<'_, P>,
        out: &mut Decision,
        trace: &mut T,
    ) {
        let found = if trace.wants_all() {
            let mut found = None;
            for (route, id) in self.routes.iter().zip(0u16..) {
                let miss = match found {
                    Some(_) => Some(Miss::Later),
                    None => route.when.miss(facts),
                };
                found = found.or(miss.is_none().then_some(id));
                trace.looked(Rule::Route(id), miss);
            }
            found
        } else {
            let holds = |id| {
                let route = self.routes.get(usize::from(id));
                route.is_some_and(|route| route.when.miss_beyond(facts).is_none())
            };
            self.index.first(facts, holds)
        };
        let rule = found.map_or(Rule::Default(self.default), Rule::Route);
        out.route = RouteId(found.unwrap_or(self.default));
        out.hit(rule);
        if let Some(route) = self.routes.get(usize::from(out.route.0)) {
            (out.class, out.risk, out.required) = (route.class, route.risk, route.required);
        }
    }

    /// Risk, nuisance, redial, and whose caller it is.
    fn weigh(&self, known: &Known, out: &mut Decision) {
        let policies = &self.policies;
        let risk = known.risk.or(out.risk.then_some(RiskWhy::Route));
        out.risk = risk.is_some();
        out.own = known.planned;
        if let Some(why) = risk {
            out.hit(Rule::Risk(why));
            out.own = out.own.or(known.last);
        } else if let Some(why) = known.nuisance {
            out.hit(Rule::Nuisance(why));
            out.class = policies
                .nuisance
                .class
                .map_or(out.class, |class| class.max(out.class));
        }
        if known.redial {
            out.hit(Rule::Redial);
        }
    }

    fn fill_rings<P: Pools + ?Sized, T: Trace>(
        &self,
        facts: &Facts<'_, P>,
        out: &mut Decision,
        trace: &mut T,
    ) {
        let (city, other, province) = (out.place.city, out.place.other, out.place.province);
        let city = match out.place.code {
            Some(first) => self.areas.of_code(first),
            None => city.and_then(|city| self.areas.of_city(city)),
        };
        let province = province.and_then(|province| self.areas.of_province(province));
        let other = other.and_then(|other| self.areas.of_city(other));
        let nation = self.areas.nation();
        let used = [city, other, province, nation];
        let served = |found: Option<(u16, _)>| found.map(|(_, served)| served);
        let grounds = Grounds {
            city: served(city),
            other: served(other),
            province: served(province),
            nation: served(nation),
        };
        let takes = |pool| {
            let now = facts.pools.state(pool);
            self.lines_at(pool, &facts.local) > 0 && now.service.takes_calls() && !now.full
        };
        // If nobody serves this place whoever serves the unknown does.
        let [of_policy, of_route, of_default] = self.ladders(facts, out.route);
        let mut climbed = [of_policy, &[]];
        if !of_policy.is_empty() {
            out.taking = climb(of_policy, &grounds, takes, &mut out.rings);
        }
        if out.taking == 0 {
            // A policy chooses among who answers; it never makes a caller wait for nobody.
            climbed[1] = of_route;
            if out.rings.is_empty() {
                out.taking = climb(of_route, &grounds, takes, &mut out.rings);
            } else {
                let mut rings = SmallVec::new();
                let taking = climb(of_route, &grounds, takes, &mut rings);
                out.go_on(&rings, taking);
            }
        }
        if out.rings.is_empty() {
            climbed[1] = of_default;
            out.taking = climb(of_default, &grounds, takes, &mut out.rings);
        }
        let mut led = [false; 4];
        for step in climbed.into_iter().flatten() {
            let place = Grounds::place(&step.to).and_then(|at| led.get_mut(at));
            if let Some(led @ false) = place {
                let pools = grounds.pools(&step.to);
                *led = out.rings.iter().any(|ring| pools.contains(&ring.pool));
            }
        }
        for (found, led) in used.into_iter().zip(led) {
            if let Some((area, _)) = found.filter(|_| led) {
                trace.looked(Rule::Area(area), None);
                out.hit(Rule::Area(area));
            }
        }
    }

    /// Steps that may be climbed, the ones that count first: of a policy, of the route, of the
    /// default route.
    fn ladders<P: Pools + ?Sized>(&self, facts: &Facts<'_, P>, route: RouteId) -> [&[Step]; 3] {
        let policies = &self.policies;
        let of_policy: &[Step] = match (facts.risk, facts.nuisance) {
            (true, _) => &policies.risk.steps,
            (false, true) => &policies.nuisance.steps,
            (false, false) => &[],
        };
        let of_route = |at: u16| {
            let route = self.routes.get(usize::from(at));
            route.map_or(&[][..], |route| &route.steps)
        };
        [of_policy, of_route(route.0), of_route(self.default)]
    }

    fn prefer<P: Pools + ?Sized, T: Trace>(
        &self,
        facts: &Facts<'_, P>,
        out: &mut Decision,
        trace: &mut T,
    ) {
        let policies = &self.policies;
        if out.risk {
            out.like(&policies.risk.prefer);
        }
        for (rule, id) in self.preferences.iter().zip(0u16..) {
            let miss = rule.when.miss(facts);
            trace.looked(Rule::Preference(id), miss);
            if miss.is_none() {
                out.hit(Rule::Preference(id));
                out.like(&rule.prefer);
            }
        }
        if let Some(route) = self.routes.get(usize::from(out.route.0)) {
            out.like(&route.preferred);
        }
    }
}

impl Decision {
    fn empty(dialled: Dialled) -> Self {
        Self {
            route: RouteId(0),
            rings: SmallVec::new(),
            taking: 0,
            class: Class::ORDINARY,
            risk: false,
            required: SkillSet::EMPTY,
            preferred: SmallVec::new(),
            own: None,
            place: Settled::default(),
            dialled,
            rules: SmallVec::new(),
        }
    }

    /// Adds rings behind those that are there, each pool once.
    fn go_on(&mut self, rings: &[Ring], taking: u8) {
        for (at, ring) in rings.iter().enumerate() {
            let known = self.rings.iter().any(|it| it.pool == ring.pool);
            if known || self.rings.len() >= MOST_RINGS {
                continue;
            }
            let least = self.rings.last().map_or(Duration::ZERO, |it| it.after);
            self.taking |= (taking >> at & 1) << self.rings.len();
            self.rings.push(Ring {
                pool: ring.pool,
                after: ring.after.max(least),
            });
        }
    }

    /// Keeps a rule, as long as nothing need be allocated for it.
    fn hit(&mut self, rule: Rule) {
        if self.rules.len() < self.rules.inline_size() {
            self.rules.push(rule);
        }
    }

    /// Adds preferences that are not there yet and not required anyway, as far as there is room.
    fn like(&mut self, preferences: &[Preference]) {
        for preference in preferences {
            let known = self.required.contains(preference.skill)
                || self.preferred.iter().any(|it| it.skill == preference.skill);
            if !known && self.preferred.len() < MOST_PREFERENCES {
                self.preferred.push(*preference);
            }
        }
    }
}
