//! The non-INVITE server transactions of a far end: what was answered is answered the same again.
//!
//! ```text
//!            request                      timer J (64·T1; 0 over TCP)
//!   ───────► answered at once: Completed ────────────────────────────► Terminated
//!              │   ▲ request again: response again
//!              └───┘
//! ```
//! RFC 3261 §17.2.2. Trying and Proceeding do not occur: every answer is given at once.

use super::text::Message;
use super::timers::LONG;
use meishier_model::Mono;
use std::collections::{BTreeMap, VecDeque};

/// Responses that were given within the last 64·T1.
#[derive(Debug, Default)]
pub(crate) struct OtherIn {
    responses: BTreeMap<u64, Vec<u8>>,
    /// Timer J of each; all last the same, so the first to come is the first to go.
    ends: VecDeque<(Mono, u64)>,
}

/// Branch, sent-by and method tell transactions apart (§17.2.3): here their hash (FNV-1a).
pub(crate) fn name_of(request: &Message<'_>) -> u64 {
    let sent_by = request.via.split(';').next().unwrap_or_default();
    let parts = [sent_by, request.branch(), request.cseq.1, request.call_id];
    parts
        .iter()
        .flat_map(|p| p.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

impl OtherIn {
    pub(crate) fn remember(&mut self, now: Mono, request: &Message<'_>, response: &[u8]) {
        let name = name_of(request);
        if self.responses.insert(name, response.to_vec()).is_none() {
            self.ends.push_back((now + LONG, name));
        }
    }

    /// What a request that came before was answered.
    pub(crate) fn again(&self, request: &Message<'_>) -> Option<&[u8]> {
        self.responses.get(&name_of(request)).map(Vec::as_slice)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        self.ends.front().map(|(at, _)| *at)
    }

    pub(crate) fn handle_timeout(&mut self, now: Mono) {
        while let Some((at, name)) = self.ends.front()
            && *at <= now
        {
            self.responses.remove(name);
            self.ends.pop_front();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn clear(&mut self) {
        self.responses.clear();
        self.ends.clear();
    }
}
