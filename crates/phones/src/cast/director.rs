//! Tells a seat what to do with the call that rings at it, and a caller's script which seat rings.

use super::plan::{Planned, Script};
use crate::call::Call;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Offers that one caller's script has not looked at yet; further ones are not shown to it.
const OFFERS: usize = 32;

/// What a seat does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Answer(Duration),
    Refuse(u16),
    Ignore,
}

/// A seat that rings (or answered) for a caller.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// Index of the seat.
    pub seat: usize,
    pub call: Call,
    pub act: Act,
}

#[derive(Debug)]
struct Caller {
    number: String,
    script: Script,
    ring: Duration,
    offers: mpsc::Sender<Offer>,
    /// The one seat that had to refuse or ignore it did so.
    spent: bool,
}

#[derive(Debug, Default)]
struct State {
    /// By the caller's tone: distinct among those who are in a call.
    callers: BTreeMap<u16, Caller>,
    /// Whether the engine shows the caller's number to the seat, once known.
    number_kept: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Director {
    state: Mutex<State>,
}

impl Director {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller is about to dial; the seats that ring for it come out of the channel.
    pub(crate) fn enter(
        &self,
        tone: u16,
        number: &str,
        planned: &Planned,
    ) -> mpsc::Receiver<Offer> {
        let (offers, receiver) = mpsc::channel(OFFERS);
        let caller = Caller {
            number: number.to_owned(),
            script: planned.script,
            ring: planned.ring,
            offers,
            spent: false,
        };
        self.lock().callers.insert(tone, caller);
        receiver
    }

    pub(crate) fn leave(&self, tone: u16) {
        self.lock().callers.remove(&tone);
    }

    /// False once a seat was offered a call without the caller's number.
    pub(crate) fn number_kept(&self) -> bool {
        self.lock().number_kept != Some(false)
    }

    /// What `seat` does with `call`. The caller's script hears of it at once if the number tells who it is.
    pub(crate) fn decide(&self, seat: usize, call: &Call) -> (Act, bool) {
        let mut state = self.lock();
        let known = state
            .callers
            .values()
            .any(|c| c.number == call.remote_user());
        // Somebody from outside the play may call too; that says nothing about the others' numbers.
        let kept = known || state.number_kept == Some(true);
        state.number_kept = Some(kept);
        // Without the number whoever waits for a refusal gets this seat's.
        let caller = state.callers.values_mut().find(|c| {
            if kept {
                c.number == call.remote_user()
            } else {
                !c.spent && c.special()
            }
        });
        let Some(caller) = caller else {
            return (Act::Answer(Duration::from_millis(600)), false);
        };
        let act = caller.next_act(known);
        if known || !matches!(act, Act::Answer(_)) {
            let _ = caller.offers.try_send(Offer {
                seat,
                call: call.clone(),
                act,
            });
        }
        (act, known)
    }

    /// A seat heard the tone of the caller it talks with.
    pub(crate) fn identified(&self, tone: u16, offer: Offer) {
        if let Some(caller) = self.lock().callers.get(&tone) {
            let _ = caller.offers.try_send(offer);
        }
    }

    /// The tones of all who are in a call.
    pub(crate) fn tones(&self) -> Vec<u16> {
        self.lock().callers.keys().copied().collect()
    }
}

impl Caller {
    fn special(&self) -> bool {
        matches!(
            self.script,
            Script::SeatRefuses { .. } | Script::SeatIgnores
        )
    }

    fn next_act(&mut self, known: bool) -> Act {
        let spent = std::mem::replace(&mut self.spent, true);
        match self.script {
            Script::SeatRefuses { status } if !spent => Act::Refuse(status),
            Script::SeatIgnores if !spent => Act::Ignore,
            Script::GiveUpRinging | Script::GiveUpWaiting if known => Act::Ignore,
            _ => Act::Answer(self.ring),
        }
    }
}
