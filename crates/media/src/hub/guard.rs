//! A party's SRTP: what comes is opened before anybody looks at it, what goes is sealed last of all.
//!
//! ```text
//!   Open, Update: protection agreed ──► Guard (both keys)
//!   Update, party's key changed ──► new inbound; the old one holds until the new key is used
//!   Update, our key changed ──────► new outbound, and a new stream of ours
//! ```

use super::port::{Port, Refusal};
use super::stream::Stream;
use crate::codec::{Negotiated, Rtcp};
use crate::rtcp::Written;
use crate::rtp;
use crate::srtp::{Inbound, Outbound, Protection, Tag, Unsafe};
use std::net::SocketAddr;

/// Longest packet that is opened: 120 ms of speech with CSRCs, extension and tag have a third of it.
pub(super) const MAX_PACKET: usize = 1500;

/// A packet that cannot be sealed, for its number was given to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken;

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

impl Port {
    /// True for a party of SRTP.
    pub fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// True if this agreement gives our packets another key, so that a stream of ours begins: the party
    /// need know nothing of how often our numbers turned over.
    pub fn renews_key(&self, media: &Negotiated) -> bool {
        let Some(protection) = media.protection.as_deref() else {
            return false;
        };
        let guard = self.guard.as_deref();
        guard.is_none_or(|guard| !guard.sends_with(protection))
    }

    /// Another stream of ours takes the place of the one so far.
    pub fn begin_stream(&mut self, stream: Stream) {
        self.stream = stream;
        self.peer.begin_stream(self.stats.sent);
    }

    /// Opens a datagram of SRTP or SRTCP that came from there, and counts one that is refused. Nothing is
    /// learned of it.
    pub fn open(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        buffer: &mut [u8; MAX_PACKET],
    ) -> Result<usize, Refusal> {
        if !self.is_ours(from) {
            self.stats.wrong_source += 1;
            return Err(Refusal::Source);
        }
        let rtcp = rtp::is_rtcp(bytes);
        if rtcp && self.media.rtcp != Rtcp::Muxed {
            return Err(Refusal::Rtcp);
        }
        self.unseal(bytes, rtcp, buffer)
            .map(|length| length.unwrap_or(0))
    }

    /// Opens a report of a party of SRTP; `None` for another's, which is as it is.
    pub fn open_report(
        &mut self,
        bytes: &[u8],
        buffer: &mut [u8; MAX_PACKET],
    ) -> Result<Option<usize>, Refusal> {
        self.unseal(bytes, true, buffer)
    }

    fn unseal(
        &mut self,
        bytes: &[u8],
        rtcp: bool,
        buffer: &mut [u8; MAX_PACKET],
    ) -> Result<Option<usize>, Refusal> {
        let Some(guard) = self.guard.as_deref_mut() else {
            return Ok(None);
        };
        let (count, refusal) = match guard.open(bytes, rtcp, buffer) {
            Ok(length) => return Ok(Some(length)),
            Err(Unsafe::Malformed) => (&mut self.stats.malformed, Refusal::Malformed),
            Err(Unsafe::Forged) => (&mut self.stats.unauthentic, Refusal::Forged),
            Err(Unsafe::Replayed) => (&mut self.stats.unauthentic, Refusal::Replayed),
        };
        *count += 1;
        Err(refusal)
    }

    /// The index of a packet of ours under SRTP; `None` without. An error if its number is taken.
    pub fn index(&mut self, sequence: u16) -> Result<Option<u64>, Taken> {
        let Some(guard) = self.guard.as_deref_mut() else {
            return Ok(None);
        };
        guard.outbound.number(sequence).map(Some).ok_or(Taken)
    }

    /// Seals a packet of ours with the index that [`Self::index`] gave.
    pub fn seal(&self, index: Option<u64>, packet: &mut [u8]) -> Option<Tag> {
        let guard = self.guard.as_deref()?;
        Some(guard.outbound.seal_rtp(index?, packet))
    }

    /// Seals a report of ours, if the party is one of SRTP.
    pub fn seal_report(&mut self, report: &mut Written) {
        if let Some(guard) = &mut self.guard {
            guard.seal(report);
        }
    }
}
