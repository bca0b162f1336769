//! Who is still there, and what that asks for.
//!
//! One rule stands above all others: while the caller is on the line, somebody is with it or on the
//! way, or it goes back to the head of the queue. And who has been called to help a caller that hung up
//! is not left alone: counsellor and target stay together, and no emergency that rings is given up
//! because the line to somebody here broke.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How a third party stands, for the conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Third {
    /// It is dialled, or hears what is known.
    Pending {
        /// An emergency's: it goes on without the caller.
        emergency: bool,
    },
    /// It is there.
    Present,
    /// The same of an emergency's: police, ambulance, fire.
    Emergency,
    /// Whoever answered at the caller's number, called back.
    Returned,
    /// Somebody of this house is there and speaks: the second line, or a supervisor.
    Officer,
    /// It is there to hear or to whisper: nobody's help by itself.
    Bystander,
}

impl Third {
    /// Called or there for an emergency.
    fn is_emergency(self) -> bool {
        matches!(self, Self::Emergency | Self::Pending { emergency: true })
    }

    /// There to be talked with.
    fn is_there(self) -> bool {
        let target = matches!(self, Self::Present | Self::Emergency);
        target || matches!(self, Self::Officer | Self::Returned)
    }
}

/// How the counsellor left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// Somebody has taken over, and no emergency is open.
    Planned,
    /// The counsellor hung up.
    HungUp,
    /// The telephone vanished.
    Lost,
}

/// What the engine has to do, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The counsellor dropped out: call the second line in.
    CallSecondLine,
    /// The caller is alone and was not served: back to the head of the queue, flagged as at risk.
    Requeue,
    /// Offer the caller's number for call-back: it hung up while help was on the way.
    OfferCallBack,
    /// End everything that is left.
    End,
}

/// Where the conference stands.
///
/// ```text
///                    counsellor left, somebody is there or on the way
///   Attended ─────────────────────────────────────────────► Unattended
///     │                                                       │ │
///     │ caller left, somebody is there                        │ │ the last one left: End;
///     │ or an emergency is on the way                         │ │ the last failed: Requeue;
///     ▼                                                       │ │ caller left: End
///   Callerless ── counsellor or the last one left: End ───────┼─┴────► Over
///     │                                                       │         ▲
///     │ counsellor lost, an emergency is on the way or there, │         │
///     │ or who was called back is; or left, and who was       │         │
///     │ called back is with somebody                          │         │
///     ▼       caller left, an emergency is on the way;        │         │
///   Bereft ◄─ or somebody of this house talks with a target ──┘         │
///     └────── no emergency is on the way, and no two are there: End ────┤
///   Attended ──── caller or counsellor left, nobody else there: End ────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Caller and counsellor are there.
    Attended,
    /// The counsellor is not; somebody else is there or on the way.
    Unattended,
    /// The caller is not; the counsellor is.
    Callerless,
    /// Neither is; an emergency is on the way, or somebody else talks with it.
    Bereft,
    /// It is over.
    Over,
}

/// The machine of one call while third parties are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    standing: Standing,
    orders: VecDeque<Order>,
}

impl Default for Conference {
    fn default() -> Self {
        Self::new()
    }
}

impl Conference {
    /// Caller and counsellor talk.
    #[must_use]
    pub fn new() -> Self {
        Self {
            standing: Standing::Attended,
            orders: VecDeque::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The next thing to do; drain it after each input.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// True if neither caller nor counsellor is there.
    #[must_use]
    pub fn is_bereft(&self) -> bool {
        self.standing == Standing::Bereft
    }

    /// The caller's leg ended; `thirds` are those who are about.
    pub fn handle_caller_left(&mut self, thirds: &[Third]) {
        let rings = thirds.contains(&Third::Pending { emergency: true });
        let there = thirds.iter().any(|third| third.is_there());
        match self.standing {
            Standing::Attended if rings || there => {
                self.standing = Standing::Callerless;
                self.orders.push_back(Order::OfferCallBack);
            }
            Standing::Unattended if rings || talks(thirds) => {
                self.orders.push_back(Order::OfferCallBack);
                self.bereave(thirds);
            }
            Standing::Attended | Standing::Unattended => self.end(),
            Standing::Callerless | Standing::Bereft => self.end(),
            Standing::Over => {}
        }
    }

    /// The counsellor is not there any more; `thirds` are those who are about.
    pub fn handle_counsellor_left(&mut self, how: Leaving, thirds: &[Third]) {
        let somebody = thirds.iter().any(|third| *third != Third::Bystander);
        let lost = how == Leaving::Lost;
        let emergency = thirds.iter().any(|third| third.is_emergency());
        let returned = thirds.contains(&Third::Returned);
        match self.standing {
            Standing::Attended if somebody => {
                self.standing = Standing::Unattended;
                if how != Leaving::Planned {
                    self.orders.push_back(Order::CallSecondLine);
                }
            }
            // Who was called back is a caller again: whoever is with it stays.
            Standing::Callerless if returned && has_company(thirds) => {
                self.standing = Standing::Bereft;
                if how != Leaving::Planned && !thirds.contains(&Third::Officer) {
                    self.orders.push_back(Order::CallSecondLine);
                }
            }
            // Who hangs up wants no more of it; a line that broke says nothing.
            Standing::Callerless if lost && (emergency || returned) => self.bereave(thirds),
            Standing::Attended | Standing::Callerless => self.end(),
            Standing::Unattended | Standing::Bereft | Standing::Over => {}
        }
    }

    /// A third party is not there any more, `served` if it had joined and hung up by its own will, and of
    /// an emergency's only if it had taken the caller over; `thirds` are those who remain.
    pub fn handle_third_left(&mut self, served: bool, thirds: &[Third]) {
        let somebody = thirds.iter().any(|third| *third != Third::Bystander);
        let rings = thirds.contains(&Third::Pending { emergency: true });
        match self.standing {
            Standing::Unattended if !somebody && served => self.end(),
            Standing::Unattended if !somebody => {
                self.standing = Standing::Over;
                self.orders.push_back(Order::Requeue);
            }
            Standing::Callerless if !somebody => self.end(),
            Standing::Bereft if !rings && !may_talk(thirds) => self.end(),
            _ => {}
        }
    }

    /// Whoever comes for an emergency is to find somebody of this house.
    fn bereave(&mut self, thirds: &[Third]) {
        self.standing = Standing::Bereft;
        if !thirds.contains(&Third::Officer) {
            self.orders.push_back(Order::CallSecondLine);
        }
    }

    fn end(&mut self) {
        self.standing = Standing::Over;
        self.orders.push_back(Order::End);
    }
}

fn is_target(third: &Third) -> bool {
    matches!(third, Third::Present | Third::Emergency)
}

/// Somebody of this house talks with a target, or either of them with who was called back.
fn talks(thirds: &[Third]) -> bool {
    let officer = thirds.contains(&Third::Officer);
    let returned = thirds.contains(&Third::Returned);
    let target = thirds.iter().any(is_target);
    officer && (target || returned) || target && returned
}

/// The same, or the one of this house is on the way still. Nobody else is called for nobody.
fn may_talk(thirds: &[Third]) -> bool {
    let comes = thirds.contains(&Third::Pending { emergency: false });
    let waits = |third: &Third| is_target(third) || *third == Third::Returned;
    talks(thirds) || comes && thirds.iter().any(waits)
}

/// Who was called back is not alone without the counsellor, or will not be.
fn has_company(thirds: &[Third]) -> bool {
    let with = |third: &Third| !matches!(third, Third::Returned | Third::Bystander);
    thirds.iter().any(with)
}
