//! The early dialogs of a call of ours (RFC 3261 §12.1.2, §13.2.2.1): one a To tag, for a carrier may
//! try several telephones at once; and the reliable provisional responses in each (RFC 3262 §4).

use crate::dialog::Dialog;
use serde::{Deserialize, Serialize};

/// Most early dialogs of a call that are kept. What comes from further ones is not acknowledged, so
/// that their telephones give up by themselves.
pub(crate) const MOST_EARLY: usize = 8;

/// Most reliable responses of one early dialog that are acknowledged: each begins a transaction, and
/// nobody rings in so many ways.
const MOST_HEARD: u16 = 64;

/// What a reliable provisional response is to its early dialog.
///
/// ```text
///            the first of its To tag                RSeq one above the last
///   (none) ───────────────────────────▶ Heard(RSeq) ◀──┐ ───────────────────┐
///                                           │  ▲       └────────────────────┘
///                     RSeq not above: Again │  │ a gap: OutOfOrder, waits to come again
///                                           └──┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The next one: it is acknowledged and handed up.
    Next,
    /// One that was acknowledged already: dropped (§4).
    Again,
    /// One before it is missing: not acknowledged, it comes again (§4).
    OutOfOrder,
}

/// One early dialog.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Early {
    pub dialog: Dialog,
    /// RSeq of the last one that was acknowledged.
    rseq: u32,
    /// How many were acknowledged.
    #[serde(default)]
    heard: u16,
    /// The answer to our offer: the first session description that came reliably. Those that
    /// follow are not to be looked at (RFC 3261 §13.2.1). Once the callee has offered anew and we have
    /// agreed, that.
    pub answer: Option<Box<[u8]>>,
    /// What we answered to an offer of the callee's in it (RFC 3311 §5.2), the last time; else what
    /// our INVITE described holds.
    #[serde(default)]
    pub described: Option<Box<[u8]>>,
}

impl Early {
    /// The early dialog that a first reliable response makes.
    pub(crate) fn new(dialog: Dialog, rseq: u32) -> Self {
        Self {
            dialog,
            rseq,
            heard: 1,
            answer: None,
            described: None,
        }
    }

    /// Another reliable response came.
    pub(crate) fn hear(&mut self, rseq: u32) -> Heard {
        match self.rseq.checked_add(1) {
            Some(next) if next == rseq && self.heard < MOST_HEARD => {
                self.rseq = rseq;
                self.heard += 1;
                Heard::Next
            }
            _ if rseq <= self.rseq => Heard::Again,
            _ => Heard::OutOfOrder,
        }
    }

    /// The RAck value of its PRACK (RFC 3262 §7.2).
    pub(crate) fn rack(&self, invite: u32) -> String {
        format!("{} {invite} INVITE", self.rseq)
    }
}
