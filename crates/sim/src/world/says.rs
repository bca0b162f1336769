//! What people do that routing has rules for: the danger key, withheld redials, odd numbers, flags
//! and marks of counsellors, states of pools set by hand.

use super::desks::Leg;
use super::{Due, World};
use crate::people::{Dial, Token};
use crate::rig::ToEngine;
use crate::traffic::CallPlan;
use meishier_engine::Command;
use meishier_model::{CallId, PoolId};
use std::time::Duration;

/// Numbers that are none, or nobody's here.
const ODD: [&str; 8] = [
    "+85229998888",
    "0019175550123",
    "0000",
    "*99",
    "alice",
    "86",
    "12356",
    "99999999999999999999999999",
];
const DAY: Duration = Duration::from_secs(86_400);

/// Something said.
#[derive(Debug)]
pub(super) enum Saying {
    /// A caller presses the danger key in this attempt.
    Danger(u64, Token),
    /// A counsellor flags the caller.
    Flag(CallId),
    /// A counsellor marks the caller, and ends the conversation or not.
    Mark(CallId, bool),
    /// An operator sets the state of some pool.
    Hand,
    /// An operator leaves the pool to the rules again.
    HandBack(u16),
}

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl World {
    fn later(&mut self, shortest: Duration, longest: Duration, saying: Saying) {
        let at = self.now.mono + self.dice.between(shortest, longest);
        self.agenda.put(at, Due::Says(saying));
    }

    /// The first time that an operator does something.
    pub(super) fn plan_hands(&mut self) {
        let often = self.scenario.says.hands;
        if often > 0.0 {
            let after = self.dice.exponential(DAY.div_f64(often));
            let at = self.now.mono + after;
            if at <= self.arrivals_until {
                self.agenda.put(at, Due::Says(Saying::Hand));
            }
        }
    }

    /// Somebody whose number is odd.
    pub(super) fn odd_number(&mut self, plan: &mut CallPlan) {
        let odd = self.scenario.says.odd;
        if odd > 0.0 && self.dice.chance(odd) {
            plan.number = ODD[self.dice.index(ODD.len())].to_owned();
        }
    }

    /// What a caller does beside dialling.
    pub(super) fn dials(&mut self, id: u64, dial: &mut Dial) {
        let says = self.scenario.says;
        let risk = self.callers.get(&id).is_some_and(|desk| desk.plan.risk);
        if says.hidden > 0.0 && dial.call.0 > 0 && self.dice.chance(says.hidden) {
            (dial.caller, dial.asserted) = ("anonymous".to_owned(), None);
        }
        if says.danger > 0.0 && risk && self.dice.chance(says.danger) {
            self.later(s(1), s(60), Saying::Danger(id, dial.call));
        }
    }

    /// What a counsellor says in a conversation.
    pub(super) fn talks(&mut self, engine: Option<CallId>, caller: Option<u64>) {
        let says = self.scenario.says;
        let desk = caller.and_then(|id| self.callers.get(&id));
        let (Some(call), Some(desk)) = (engine, desk) else {
            return;
        };
        let (risk, nuisance) = (desk.plan.risk, desk.plan.nuisance);
        if says.flags > 0.0 && risk && self.dice.chance(says.flags) {
            self.later(s(1), s(20), Saying::Flag(call));
        }
        // Now and then the wrong one is marked; somebody at risk cannot be.
        if says.marks > 0.0 && (nuisance || risk) && self.dice.chance(says.marks) {
            let ends = self.dice.chance(0.5);
            self.later(s(2), s(20), Saying::Mark(call, ends));
        }
    }

    pub(super) fn say(&mut self, saying: Saying) {
        match saying {
            Saying::Danger(id, attempt) => self.press_danger_key(id, attempt),
            Saying::Flag(call) => self.ask(Command::Flag { call }),
            Saying::Mark(call, end) => self.ask(Command::Nuisance {
                call,
                lasts: None,
                reason: "骚扰".to_owned(),
                end,
            }),
            Saying::Hand => {
                let pool = self.dice.index(self.rig.config().pools.len()) as u16;
                let state = ["down", "unstaffed", "overloaded", "normal"][self.dice.index(4)];
                self.set_pool(pool, Some(state));
                self.later(s(30), s(1200), Saying::HandBack(pool));
                self.plan_hands();
            }
            Saying::HandBack(pool) => self.set_pool(pool, None),
        }
    }

    fn press_danger_key(&mut self, id: u64, attempt: Token) {
        let leg: Option<Leg> = self
            .callers
            .get(&id)
            .and_then(|desk| desk.leg)
            .and_then(|(leg, token)| (token == attempt).then_some(leg));
        let Some((far, key)) = leg else { return };
        let sip = self.fars[far.0].agent.call_id(key).unwrap_or("").to_owned();
        let Some(to) = self.judges.told.get(&sip).copied() else {
            return;
        };
        let what = ToEngine::Key {
            sip,
            to,
            digit: '9',
        };
        self.agenda.put(self.now.mono, Due::Engine(what));
    }

    pub(super) fn ask(&mut self, command: Command) {
        self.next_token += 1;
        let token = self.next_token;
        let what = ToEngine::Command { token, command };
        self.agenda.put(self.now.mono, Due::Engine(what));
    }

    /// Tells every shard.
    fn set_pool(&mut self, pool: u16, state: Option<&str>) {
        let hand = state.map(|state| serde_json::json!({ "state": state, "reason": "演练" }));
        // The words are the engine's own, in the form in which shards write them down.
        let hand = hand.and_then(|hand| serde_json::from_value(hand).ok());
        let pool = PoolId(pool);
        for shard in 0..self.rig.shards().len() {
            self.next_token += 1;
            let what = ToEngine::OneOfAll {
                shard,
                token: self.next_token,
                command: Command::PoolState {
                    pool,
                    hand: hand.clone(),
                },
            };
            self.agenda.put(self.now.mono, Due::Engine(what));
        }
    }
}
