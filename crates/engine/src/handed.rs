//! For whom dossiers of a call are, and until when.
//!
//! ```text
//!              a key is pressed                    written down, settled
//!   (nothing) ──────────────────► handed ─────────────────────────────► handed: the whole of it again
//!                                   │ │ │
//!   taken back, or nobody came to a │ │ │ the call is over, or who came to
//!   key that is no emergency's      │ │ │ a key that is no emergency's has left
//!                       Cancelled ◄─┘ │ └─► Closed
//!                                     └ an emergency's target that failed or has hung up stays: its
//!                                       people may be on their way, and the danger is not over
//! ```
//! After the end nothing goes there any more.

use crate::api::{CommandError, Notice, Output, Reply};
use crate::call::Call;
use crate::call_back::note_consent;
use crate::dossier::{Words, told};
use crate::shard::Shard;
use meishier_model::{CallId, Now, TransferOutcome};
use meishier_transfer::dossier::{Dossier, Facts, LONGEST_FACT, Status};
use meishier_transfer::{Key, Target, ThirdId};
use serde::{Deserialize, Serialize};

/// Most dossiers for one use of a key; what is written down after that goes along with the last one, when it
/// is over.
const MOST: u32 = 64;
/// Most uses of keys in one call whose receivers are told what is written down afterwards.
const MOST_TARGETS: usize = 8;

/// For whom a dossier is. `Debug` says who it is of the call's parties, and no place.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Handed {
    pub(crate) third: ThirdId,
    pub(crate) target: Target,
    pub(crate) given: Words,
    /// The key's name, and the key as it was pressed.
    #[serde(default)]
    name: String,
    #[serde(default)]
    key: Option<Box<Key>>,
    /// How many dossiers went out for it.
    #[serde(default)]
    sent: u32,
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handed").field(&self.third).finish()
    }
}

impl Handed {
    pub(crate) fn of(call: &Call, third: ThirdId) -> Option<Self> {
        let side = call.third(third)?;
        Some(Self {
            third,
            target: side.target.clone(),
            given: side.given.clone(),
            name: side.key_name(call).to_owned(),
            key: side.key.clone(),
            sent: 0,
        })
    }
}

impl Shard {
    /// The counsellor wrote something down: it takes the place of all before, and goes to whoever got a
    /// dossier of this call already.
    pub(crate) fn on_facts(&mut self, now: Now, token: u64, id: CallId, facts: Facts) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            if call.ending.is_some() {
                return;
            }
            result = facts.check().map_err(CommandError::UnfitFacts);
            if result.is_ok() && call.facts != facts {
                note_consent(now, call, &facts);
                let news = told(&call.facts) != told(&facts);
                call.facts = facts;
                let all = call.handed.iter().filter(|_| news);
                let all: Vec<ThirdId> = all.map(|it| it.third).collect();
                for third in all {
                    shard.emit_dossier(now, call, third);
                }
            }
        });
        self.reply(token, Reply::Done(result));
    }

    /// Somebody goes on writing what another began, or wrote before the page was loaded again.
    pub(crate) fn on_written(&mut self, token: u64, id: CallId) {
        let call = self.calls.get(&id).filter(|call| call.ending.is_none());
        let facts = call.map(|call| Box::new(call.facts.clone()));
        let facts = facts.ok_or(CommandError::UnknownCall);
        self.reply(token, Reply::Written(facts));
    }

    /// A key was pressed, or its place settled: sends its dossier at once to all who get it. `given` is
    /// what the counsellor said of the place. The transfer stands in the call's record already.
    pub(crate) fn send_dossier(&mut self, now: Now, call: &mut Call, third: ThirdId, given: &str) {
        if let Some(side) = call.third_mut(third) {
            side.given = Words(given.chars().take(LONGEST_FACT).collect());
        }
        let Some(mut handed) = Handed::of(call, third) else {
            return;
        };
        if !self.has_receiver(&handed) {
            return;
        }
        // What is known of a place that was settled since takes the place of what was thought before.
        let before = call.handed.iter().position(|it| it.third == third);
        handed.sent = before.map_or(0, |at| call.handed.remove(at).sent);
        if call.handed.len() >= MOST_TARGETS {
            // The last that was called needs it most; an emergency's people more than others.
            let other = |it: &Handed| !self.is_emergencys(it);
            let least = call.handed.iter().position(other).unwrap_or(0);
            let least = call.handed.remove(least);
            self.end_dossier(now, call, &least, Status::Closed);
        }
        call.handed.push(handed);
        self.emit_dossier(now, call, third);
    }

    /// A use of a key is over; `cut_off`: by nobody's will.
    pub(crate) fn close_dossier(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        (outcome, cut_off): (TransferOutcome, bool),
    ) {
        let Some(at) = call.handed.iter().position(|it| it.third == third) else {
            return;
        };
        let emergency = call.handed.get(at).is_some_and(|it| self.is_emergencys(it));
        let taken_back = outcome == TransferOutcome::Cancelled && !cut_off;
        if emergency && !taken_back {
            return;
        }
        let status = match outcome {
            TransferOutcome::Joined => Status::Closed,
            _ => Status::Cancelled,
        };
        let handed = call.handed.remove(at);
        self.end_dossier(now, call, &handed, status);
    }

    /// The call is over: whoever has a dossier of it still is told so.
    pub(crate) fn close_dossiers(&mut self, now: Now, call: &mut Call) {
        for handed in std::mem::take(&mut call.handed) {
            self.end_dossier(now, call, &handed, Status::Closed);
        }
    }

    pub(crate) fn key_handed<'a>(&'a self, handed: &'a Handed) -> Option<&'a Key> {
        self.key_of(&handed.name, handed.key.as_deref())
    }

    fn is_emergencys(&self, handed: &Handed) -> bool {
        self.key_handed(handed).is_some_and(Key::is_emergency)
    }

    fn has_receiver(&self, handed: &Handed) -> bool {
        let Some(key) = self.key_handed(handed) else {
            return false;
        };
        let receivers = &self.config.dossier.receivers;
        receivers
            .iter()
            .any(|it| it.takes(&key.name, key.is_emergency()))
    }

    /// The whole of it, to those who get it of this key. However much was written down before, the first of
    /// a key goes.
    fn emit_dossier(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let found = call.handed.iter_mut().find(|it| it.third == third);
        let Some(handed) = found else {
            return;
        };
        if handed.sent >= MOST {
            return self.notice(Notice::DossierLeftOut { call: call.id });
        }
        handed.sent += 1;
        let handed = handed.clone();
        call.dossiers = call.dossiers.saturating_add(1);
        if let Some(dossier) = self.dossier_of(now, call, &handed) {
            self.outputs.push_back(Output::Dossier(Box::new(dossier)));
        }
    }

    /// The last of it.
    fn end_dossier(&mut self, now: Now, call: &mut Call, handed: &Handed, status: Status) {
        call.dossiers = call.dossiers.saturating_add(1);
        if let Some(dossier) = self.dossier_of(now, call, handed) {
            let dossier = match status {
                Status::Cancelled => dossier.taken_back(),
                _ => Dossier { status, ..dossier },
            };
            self.outputs.push_back(Output::Dossier(Box::new(dossier)));
        }
    }
}
