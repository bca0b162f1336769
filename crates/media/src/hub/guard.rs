//! A party's SRTP: what comes is opened before anybody looks at it, what goes is sealed last of all.
//!
//! ```text
//!   Open, Update: protection agreed ──► Guard (both keys)
//!   Update, party's key changed ──► new inbound; the old one holds until the new key is used
//!   Update, our key changed ──────► new outbound, and a new stream of ours
//! ```

use crate::rtcp::Written;
use crate::srtp::{Inbound, Outbound, Protection, Unsafe};

/// Longest packet that is opened: 120 ms of speech with CSRCs, extension and tag have a third of it.
pub(super) const MAX_PACKET: usize = 1500;

pub(super) struct Guard {
    protection: Protection,
    inbound: Inbound,
    /// The party's key of before: its packets may be under way when the new one is agreed.
    before: Option<Inbound>,
    pub outbound: Outbound,
}

impl Guard {
    pub fn new(protection: &Protection) -> Box<Self> {
        Box::new(Self {
            inbound: Inbound::new(&protection.theirs, protection.turns),
            before: None,
            outbound: Outbound::new(&protection.ours),
            protection: protection.clone(),
        })
    }

    /// What was agreed anew. A key that stays keeps its counters (RFC 4568 §7.1.4).
    pub fn update(&mut self, protection: &Protection) {
        if protection.theirs != self.protection.theirs {
            // RFC 3711 §3.3.1 lets counters go on under a new key, many devices begin at zero.
            let turns = self.inbound.turns().saturating_add(1);
            let fresh = Inbound::new(&protection.theirs, turns.max(protection.turns));
            self.before = Some(std::mem::replace(&mut self.inbound, fresh));
        }
        if protection.ours != self.protection.ours {
            self.outbound = Outbound::new(&protection.ours);
        }
        self.protection = protection.clone();
    }

    /// True if our packets are made with this key.
    pub fn sends_with(&self, protection: &Protection) -> bool {
        self.protection.ours == protection.ours
    }

    /// Opens a packet into `buffer` and gives its length there.
    pub fn open(
        &mut self,
        bytes: &[u8],
        rtcp: bool,
        buffer: &mut [u8; MAX_PACKET],
    ) -> Result<usize, Unsafe> {
        let mut open = |inbound: &mut Inbound| {
            let copy = buffer.get_mut(..bytes.len()).ok_or(Unsafe::Malformed)?;
            copy.copy_from_slice(bytes);
            if rtcp {
                inbound.open_rtcp(copy)
            } else {
                inbound.open_rtp(copy)
            }
        };
        match (open(&mut self.inbound), &mut self.before) {
            (Err(Unsafe::Forged), Some(before)) => open(before),
            (Ok(length), _) => {
                self.before = None;
                Ok(length)
            }
            (refused, _) => refused,
        }
    }

    /// Seals a report.
    pub fn seal(&mut self, report: &mut Written) {
        report.seal(|bytes| self.outbound.seal_rtcp(bytes));
    }
}
