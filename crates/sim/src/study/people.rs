//! The callers of a study: the simulator's own, each in a city.

use super::nation::Nation;
use super::{Setting, Way};
use crate::dice::Dice;
use crate::scenario::Scenario;
use crate::traffic::{CallPlan, Traffic};
use meishier_model::{DialString, Mono, PoolId};
use meishier_queue::Caller;
use std::time::Duration;

/// Share of callers who use a landline of their city (assumed).
const LANDLINE: f64 = 0.10;
/// Share whose mobile number is of another city (assumed).
const FROM_ELSEWHERE: f64 = 0.15;
/// Share who dial the area code of their city before 12356 (assumed).
const AREA_CODE: f64 = 0.10;

/// Where a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not on the telephone.
    Away,
    /// In the queue.
    Waiting,
    /// A telephone rings for the caller: which seat, which offer.
    Ringing(usize, u64),
    /// In conversation.
    Talking,
}

/// A caller.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub plan: CallPlan,
    pub town: usize,
    pub number: DialString,
    pub called: DialString,
    pub state: State,
    /// Attempts so far.
    pub attempts: u8,
    /// When the first and when the present attempt began.
    pub first: Mono,
    pub began: Mono,
    /// What the queue was told, and the rings that open later.
    pub entry: Option<Caller>,
    pub closed: Vec<(PoolId, Mono)>,
    /// Counted in the figures.
    pub counts: bool,
}

/// Rolls callers.
pub(super) struct People<'n> {
    nation: &'n Nation,
    traffic: Traffic,
    weights: Vec<f64>,
    places: Dice,
}

impl<'n> People<'n> {
    pub fn new(nation: &'n Nation, scenario: &Scenario, dice: &Dice) -> Self {
        Self {
            nation,
            traffic: Traffic::new(scenario, dice.branch("traffic")),
            weights: nation.towns.iter().map(|town| town.weight).collect(),
            places: dice.branch("places"),
        }
    }

    /// The next caller, and when since the start.
    pub fn next(&mut self) -> Option<(Duration, Person)> {
        let arrival = self.traffic.next()?;
        let dice = &mut self.places;
        let place = dice.weighted(&self.weights);
        let town = &self.nation.towns[place];
        let elsewhere = dice.weighted(&self.weights);
        let (landline, moved, code) = (
            dice.chance(LANDLINE),
            dice.chance(FROM_ELSEWHERE),
            dice.chance(AREA_CODE),
        );
        let home = if moved { elsewhere } else { place };
        let (fixed, mobile) = (town.landline(dice), self.nation.towns[home].mobile(dice));
        let number = if landline { fixed } else { mobile };
        let number = if arrival.plan.withheld {
            String::new()
        } else {
            number
        };
        let called = match code {
            true => format!("{}12356", town.area_code),
            false => "12356".to_owned(),
        };
        let person = Person {
            plan: arrival.plan,
            town: place,
            number: DialString::new(&number),
            called: DialString::new(&called),
            state: State::Away,
            attempts: 0,
            first: Mono(0),
            began: Mono(0),
            entry: None,
            closed: Vec::new(),
            counts: false,
        };
        Some((arrival.at, person))
    }
}

/// The callers and counsellors of a setting: the simulator's ordinary days.
pub(super) fn scenario(setting: &Setting) -> Result<Scenario, String> {
    let mut scenario = Scenario::named("guizhou").ok_or("no scenario")?;
    scenario.calls_per_day = setting.calls_per_day;
    scenario.surges.clear();
    if let Some(share) = setting.ring_out {
        scenario.seats.ring_out_share = share;
    }
    Ok(scenario)
}

impl Way {
    /// True if nobody may wait.
    pub(super) fn hears_busy(self) -> bool {
        self == Self::Alone
    }
}
