//! Who a caller is and what the call will be like.

use crate::dice::Dice;
use crate::scenario::{CallerGroup, Scenario, Weighted};
use std::time::Duration;

/// A caller: everything that is settled before the telephone is taken up.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPlan {
    /// The caller's number, national, with the 0 of an area code.
    pub number: String,
    /// Name of the trunk over which the calls come; empty for any.
    pub trunk: String,
    /// The cell that the carrier names; empty for none.
    pub cell: String,
    /// The number is not sent.
    pub withheld: bool,
    /// What is dialled.
    pub called: String,
    /// A nuisance call.
    pub nuisance: bool,
    /// High risk of suicide.
    pub risk: bool,
    /// Calls from a number that routing flags as at risk.
    pub flagged: bool,
    /// A minor.
    pub minor: bool,
    /// A woman or a girl.
    pub woman: bool,
    /// How long the caller waits for a person, from dialling; anew at each attempt.
    pub patience: Duration,
    /// Tries again if refused, cut off or out of patience.
    pub redial: bool,
    /// Time until the next attempt.
    pub redial_after: Duration,
    /// Most further attempts.
    pub redials: u8,
    /// What happens once a person answers.
    pub talk: TalkPlan,
}

/// What happens in a talk; the counsellor's mind is told when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct TalkPlan {
    /// How long it lasts.
    pub length: Duration,
    /// The caller hangs up at its end; otherwise the counsellor does.
    pub caller_ends: bool,
    /// A life is in danger: the counsellor presses a transfer key.
    pub crisis: bool,
    /// The key of a crisis call, such as `110`; empty if it is none.
    pub key: String,
    /// The city of the event of a crisis call; empty if it is none.
    pub city: String,
    /// Somebody puts the other on hold for a while.
    pub hold: Option<Holding>,
}

/// A hold in the middle of a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The caller holds; otherwise the counsellor.
    pub by_caller: bool,
    /// When, since the beginning of the talk.
    pub at: Duration,
    /// How long.
    pub lasts: Duration,
}

/// Rolls callers.
#[derive(Clone, Debug)]
pub(super) struct Planner {
    scenario: Scenario,
    dice: Dice,
}

impl Planner {
    pub(super) fn new(scenario: &Scenario, dice: Dice) -> Self {
        Self {
            scenario: scenario.clone(),
            dice,
        }
    }

    pub(super) fn plan(&mut self) -> CallPlan {
        let (mix, patience) = (self.scenario.mix, self.scenario.patience);
        let rest = (1.0 - mix.nuisance - mix.risk).max(0.0);
        let kind = self.dice.weighted(&[mix.nuisance, mix.risk, rest]);
        let (nuisance, risk) = (kind == 0, kind == 1);
        let flagged = risk && self.dice.chance(mix.flagged);
        let crisis = risk
            && self
                .dice
                .chance(mix.crisis / mix.risk.max(f64::MIN_POSITIVE));
        let (shortest, longest) = patience.redial_after;
        let (number, trunk, cell) = self.number(flagged);
        CallPlan {
            number,
            trunk,
            cell,
            withheld: !flagged && self.dice.chance(mix.withheld),
            called: pick(&mut self.dice, &self.scenario.called),
            nuisance,
            risk,
            flagged,
            minor: self.dice.chance(mix.minors),
            woman: self.dice.chance(mix.women),
            patience: patience.floor + self.dice.exponential(patience.mean),
            redial: self.dice.chance(patience.redial_share),
            redial_after: self.dice.between(shortest, longest),
            redials: patience.redials,
            talk: self.talk(nuisance, crisis),
        }
    }

    fn talk(&mut self, nuisance: bool, crisis: bool) -> TalkPlan {
        let talk = self.scenario.talk;
        let length = if nuisance {
            self.dice.exponential(talk.nuisance_mean)
        } else {
            // The mean of a log-normal is exp(mu + sigma² / 2).
            let factor = (talk.spread * self.dice.normal() - talk.spread * talk.spread / 2.0).exp();
            talk.mean.mul_f64(factor)
        };
        let length = length.clamp(Duration::from_secs(1), talk.longest);
        let hold = self.dice.chance(talk.hold_share).then(|| Holding {
            by_caller: self.dice.chance(0.5),
            at: self.dice.between(Duration::ZERO, length),
            lasts: self
                .dice
                .between(Duration::from_secs(3), Duration::from_secs(12)),
        });
        let mut word = |list: &[Weighted]| match crisis {
            true => pick(&mut self.dice, list),
            false => String::new(),
        };
        let (key, city) = (word(&self.scenario.keys), word(&self.scenario.cities));
        TalkPlan {
            length,
            caller_ends: self.dice.chance(talk.caller_ends),
            crisis,
            key,
            city,
            hold,
        }
    }

    /// A number, the trunk over which it comes, and the cell.
    fn number(&mut self, flagged: bool) -> (String, String, String) {
        let (mut number, digits, trunk, cell) = match flagged {
            true => {
                let prefix = self.scenario.flagged_prefix.clone();
                let digits = if prefix.starts_with('0') { 12 } else { 11 };
                (prefix, digits, String::new(), String::new())
            }
            false => {
                let list = &self.scenario.callers;
                let weight = |group: &CallerGroup| group.weight;
                let group = by_weight(&mut self.dice, list, weight).cloned();
                let none = (String::new(), 11, String::new(), String::new());
                group.map_or(none, |it| (it.prefix, it.digits, it.trunk, it.cell))
            }
        };
        while number.len() < digits {
            number.push(char::from(b'0' + self.dice.roll(10) as u8));
        }
        (number, trunk, cell)
    }
}

/// One of these texts by weight; empty if there is none.
fn pick(dice: &mut Dice, list: &[Weighted]) -> String {
    let found = by_weight(dice, list, |one| one.weight);
    found.map_or_else(String::new, |one| one.text.clone())
}

/// One of these by weight.
fn by_weight<'l, T>(dice: &mut Dice, list: &'l [T], weight: fn(&T) -> f64) -> Option<&'l T> {
    // A roll even of a list of one keeps the stream in step whatever the scenario lists.
    let mut at = dice.share() * list.iter().map(weight).sum::<f64>();
    for one in list {
        if at < weight(one) {
            return Some(one);
        }
        at -= weight(one);
    }
    list.first()
}
