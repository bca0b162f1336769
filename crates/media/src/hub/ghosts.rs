//! Parties of earlier calls that go on sending to a port: their BYE was lost, perhaps together with
//! their old place behind a NAT. A new party of the same public address must not be taken for one.
//!
//! ```text
//!            sent while the port        port opened again
//!            was open, last of all ───►  for another party ──► refused, however it comes first
//!   Current ─────────────────────────► Old ──► not heard of for 5 min, or let in: forgotten
//! ```
//! An old party is known by address, port and SSRC together. A telephone with one RTP socket for all
//! its calls begins a new stream for each (RFC 3550 §8.1), and so does a gateway; those that do not
//! are the same party as before by what SDP says.

use crate::codec::Accept;
use crate::rtp;
use meishier_model::Mono;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a source that has fallen silent is still taken for the old party: longer than NATs
/// keep an idle mapping as a rule (RFC 4787 §4.3), shorter than anybody would wait.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// Most sources that one port remembers; the one unheard for the longest makes room.
const MOST: usize = 8;

/// What SDP and signalling say of a party: the address that it wants its RTP at, and whose packets are its.
pub(super) type Agreement = (SocketAddr, Accept);

#[derive(Clone, Copy, Debug)]
struct Ghost {
    from: SocketAddr,
    ssrc: u32,
    agreement: Agreement,
    heard: Mono,
    /// Of an earlier opening of the port.
    old: bool,
}

/// Who has sent to one port, under which agreement. It outlives the port's closing.
#[derive(Debug, Default)]
pub(super) struct Ghosts(Vec<Ghost>);

impl Ghosts {
    /// Notes a stream of the party that the port is open for, which goes, or of somebody at its
    /// address, who was refused.
    pub fn note(&mut self, now: Mono, from: SocketAddr, ssrc: u32, agreement: Agreement) {
        if let Some(known) = self.find(from, ssrc) {
            known.heard = now;
            if !known.old {
                known.agreement = agreement;
            }
            return;
        }
        self.0.retain(|ghost| now.since(ghost.heard) <= FORGOTTEN);
        let stalest = (0..self.0.len()).min_by_key(|i| self.0[*i].heard);
        if let Some(stalest) = stalest.filter(|_| self.0.len() >= MOST) {
            self.0.swap_remove(stalest);
        }
        self.0.push(Ghost {
            from,
            ssrc,
            agreement,
            heard: now,
            old: false,
        });
    }

    /// True if somebody has sent from there.
    pub fn knows(&self, from: SocketAddr) -> bool {
        self.0.iter().any(|ghost| ghost.from == from)
    }

    /// The port is opened again: whoever sent until now is of an earlier call.
    pub fn age(&mut self) {
        for ghost in &mut self.0 {
            ghost.old = true;
        }
    }

    /// A datagram for the closed port: whoever goes on is not forgotten.
    pub fn hear(&mut self, now: Mono, from: SocketAddr, bytes: &[u8]) {
        if self.0.is_empty() || rtp::is_rtcp(bytes) {
            return;
        }
        if let Some(packet) = rtp::parse(bytes)
            && let Some(known) = self.find(from, packet.ssrc)
        {
            known.heard = now;
        }
    }

    /// True if this is the stream of an old party, and not of the one that the agreement is with.
    /// The address that SDP names is the new party's whoever had it before.
    pub fn haunts(&mut self, now: Mono, from: SocketAddr, ssrc: u32, agreement: Agreement) -> bool {
        if self.0.is_empty() || from == agreement.0 {
            return false;
        }
        match self.find(from, ssrc) {
            Some(known) if known.old && known.agreement != agreement => {
                let haunts = now.since(known.heard) <= FORGOTTEN;
                known.heard = now;
                haunts
            }
            _ => false,
        }
    }

    /// The stream is the party's.
    pub fn clear(&mut self, from: SocketAddr, ssrc: u32) {
        self.0
            .retain(|ghost| (ghost.from, ghost.ssrc) != (from, ssrc));
    }

    fn find(&mut self, from: SocketAddr, ssrc: u32) -> Option<&mut Ghost> {
        self.0
            .iter_mut()
            .find(|ghost| ghost.from == from && ghost.ssrc == ssrc)
    }
}
