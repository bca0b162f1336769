//! RTCP of every open port: when a report is due, what it says, and what the party's says.
//!
//! ```text
//!   open ──► due in 1.0 to 3.1 s ──► SR or RR with CNAME ──► due in 2.1 to 6.2 s ──► … ──► close: BYE
//! ```
//! Intervals are those of RFC 3550 §6.2 and §6.3.1 for a session of two: five seconds, by half more or
//! less so that parties do not fall into step, divided by e - 1.5. With two of G.711, RTCP's share of
//! the bandwidth never asks for longer ones. The engine knows no civil time; what reports name is time
//! since its start, as §6.4.1 allows.

use super::{Hub, Random, guard};
use crate::Rtcp;
use crate::rtcp::{self, Sender, Written};
use meishier_model::{Mono, PortId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Least interval, microseconds (§6.2).
const LEAST: u64 = 5_000_000;
/// e - 1.5, in thousandths (§6.3.1): the timer's reconsideration makes intervals longer than meant.
const COMPENSATION: u64 = 1218;
/// Reports fall on multiples of this, so that a thread wakes once for many.
const GRID: u64 = 20_000;
/// Most reports that wait for the driver; what is more is left out.
const MOST: usize = 4096;

/// Which of a party's two ways RTCP takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPath {
    /// The socket above RTP's.
    Apart,
    /// The socket of RTP.
    Muxed,
}

/// A report to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// From this local port, or the one above it.
    pub port: PortId,
    /// Which of the two.
    pub path: RtcpPath,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub packet: Written,
}

/// What a party's reports said.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// Where its RTCP came from, if from a port of its own.
    learned: Option<SocketAddr>,
    /// The middle of its last report's time, and when that came.
    last_report: Option<(u32, Mono)>,
    /// Bytes of payload that were sent to it.
    pub octets: u32,
    /// Packets sent in streams of before.
    sent_before: u64,
    /// Packets sent up to the last report.
    reported: u64,
    /// A report was sent.
    told: bool,
    /// A report is planned.
    planned: bool,
}

impl Peer {
    /// Another stream of ours begins after so many packets: its counts begin at zero (§6.4.1), and what was
    /// planned for the old one falls away.
    pub fn begin_stream(&mut self, sent: u64) {
        self.octets = 0;
        self.sent_before = sent;
        self.planned = false;
        self.told = false;
    }
}

/// When which port's report is due.
pub(super) struct Schedule {
    due: BinaryHeap<Reverse<(Mono, PortId, u32)>>,
    random: Random,
    out: VecDeque<Outgoing>,
}

impl Schedule {
    pub fn new(seed: u64) -> Self {
        Self {
            due: BinaryHeap::new(),
            random: Random::new(seed ^ 0x7274_6370_7265_706f),
            out: VecDeque::new(),
        }
    }

    /// The next report of the port whose stream is `ssrc`; the first one comes in half the time.
    fn plan(&mut self, now: Mono, port: PortId, ssrc: u32, first: bool) {
        let least = if first { LEAST / 2 } else { LEAST };
        let wait = (least / 2 + self.random.draw() % least) * 1000 / COMPENSATION;
        let at = (now.0 + wait).next_multiple_of(GRID);
        self.due.push(Reverse((Mono(at), port, ssrc)));
    }

    pub fn next(&self) -> Option<Mono> {
        self.due.peek().map(|Reverse((at, _, _))| *at)
    }

    fn take(&mut self, now: Mono) -> Option<(PortId, u32)> {
        let Reverse((at, port, ssrc)) = *self.due.peek()?;
        (at <= now).then(|| {
            self.due.pop();
            (port, ssrc)
        })
    }
}

/// Time since the start as NTP writes it: seconds above, their fraction below.
fn ntp(now: Mono) -> u64 {
    let (seconds, rest) = (now.0 / 1_000_000, now.0 % 1_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000)
}

/// The middle 32 bits of [`ntp`]: 1/65536 s.
fn middle(now: Mono) -> u32 {
    (ntp(now) >> 16) as u32
}

/// A name for the session, from its stream's numbers, which are random (RFC 7022 §4.2).
fn cname(ssrc: u32) -> [u8; rtcp::CNAME] {
    let mut random = Random::new(u64::from(ssrc) ^ 0x636e_616d_652e_2e2e);
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    std::array::from_fn(|_| letters[(random.draw() % 32) as usize])
}

impl Hub {
    /// Takes a datagram that came from `from` at the port above the local port `port`.
    pub fn handle_rtcp(&mut self, now: Mono, port: PortId, from: SocketAddr, bytes: &[u8]) {
        let party = self
            .port_mut(port)
            .filter(|party| matches!(party.media.rtcp, Rtcp::Apart(_)) && party.may_report(from));
        let Some(party) = party else {
            self.totals.wrong_source += 1;
            return;
        };
        let mut buffer = [0; guard::MAX_PACKET];
        let bytes = match party.open_report(bytes, &mut buffer) {
            Ok(None) => bytes,
            Ok(Some(length)) => buffer.get(..length).unwrap_or_default(),
            Err(refusal) => return self.count_refusal(refusal),
        };
        self.totals.rtcp += 1;
        self.read_report(now, port, Some(from), bytes);
    }

    /// The oldest report that waits.
    pub fn poll_report(&mut self) -> Option<Outgoing> {
        self.reports.out.pop_front()
    }

    /// Reads a report of the party. `from` if it came to the port for reports alone.
    pub(super) fn read_report(
        &mut self,
        now: Mono,
        port: PortId,
        from: Option<SocketAddr>,
        bytes: &[u8],
    ) {
        let Some(party) = self.port_mut(port) else {
            return;
        };
        let Some(report) = rtcp::read(bytes, party.stream.ssrc) else {
            self.totals.rtcp_malformed += 1;
            return;
        };
        // Of another's stream, such as a party of the port's call before: nothing here is about us.
        let known = party.is_stream(report.ssrc);
        if !known && report.block.is_none() {
            return;
        }
        party.peer.learned = from.or(party.peer.learned);
        if let Some(sender) = report.sender.filter(|_| known) {
            party.peer.last_report = Some(((sender.ntp >> 16) as u32, now));
        }
        let Some(block) = report.block else { return };
        party.stats.reports += 1;
        party.stats.peer_lost = block.lost.max(0) as u64;
        let jitter_us = u64::from(block.jitter) * 125;
        party.stats.peer_jitter_us = party
            .stats
            .peer_jitter_us
            .max(u32::try_from(jitter_us).unwrap_or(u32::MAX));
        if block.last_report != 0 {
            // §6.4.1: what is left of the time since our report when the party's own delay is taken off.
            let trip = middle(now)
                .wrapping_sub(block.last_report)
                .wrapping_sub(block.delay);
            // A party that miscounts its delay would have answered before it was asked.
            if trip < 1 << 31 {
                let trip_us = u64::from(trip) * 1_000_000 / 65_536;
                party.stats.round_trip_us = u32::try_from(trip_us).unwrap_or(u32::MAX);
            }
        }
    }

    /// A party was agreed with, anew or again: its reports begin, if it wants any and they have not.
    pub(super) fn plan_reports(&mut self, now: Mono, port: PortId) {
        let Some(party) = self.port_mut(port) else {
            return;
        };
        if party.media.rtcp != Rtcp::Off && !std::mem::replace(&mut party.peer.planned, true) {
            let (ssrc, first) = (party.stream.ssrc, !party.peer.told);
            self.reports.plan(now, port, ssrc, first);
        }
    }

    /// Writes every report that is due.
    pub(super) fn on_reports(&mut self, now: Mono) {
        while let Some((port, ssrc)) = self.reports.take(now) {
            // The port may have been closed meanwhile, and opened for another party.
            let party = self.port_mut(port).filter(|p| p.stream.ssrc == ssrc);
            if let Some(party) = party {
                party.peer.planned = false;
                self.report(now, port, false);
                self.plan_reports(now, port);
            }
        }
    }

    /// Writes a report of one port, if its party wants any.
    fn report(&mut self, now: Mono, port: PortId, bye: bool) {
        let Some(party) = self.port_mut(port) else {
            return;
        };
        let (path, to) = match party.media.rtcp {
            Rtcp::Off => return,
            Rtcp::Apart(to) => (RtcpPath::Apart, party.peer.learned.unwrap_or(to)),
            Rtcp::Muxed => (RtcpPath::Muxed, party.place()),
        };
        if to.ip().is_unspecified() || to.port() == 0 {
            return;
        }
        let sent = party.stats.sent;
        let sender = (sent > party.peer.reported).then(|| Sender {
            ntp: ntp(now),
            timestamp: party.stream.clock(now),
            packets: sent.saturating_sub(party.peer.sent_before) as u32,
            octets: party.peer.octets,
        });
        party.peer.reported = sent;
        party.peer.told = true;
        let (last, delay) = party.peer.last_report.map_or((0, 0), |(last, at)| {
            (last, middle(now).wrapping_sub(middle(at)))
        });
        let ssrc = party.stream.ssrc;
        let block = party.reception.block(last, delay);
        let mut packet = rtcp::write(ssrc, cname(ssrc), sender, block, bye);
        party.seal_report(&mut packet);
        if self.reports.out.len() < MOST {
            self.totals.reports += 1;
            self.reports.out.push_back(Outgoing {
                port,
                path,
                to,
                packet,
            });
        }
    }

    /// Tells a party that was told of the stream that it ends (§6.6).
    pub(super) fn say_bye(&mut self, now: Mono, port: PortId) {
        if self.port_mut(port).is_some_and(|p| p.peer.told) {
            self.report(now, port, true);
        }
    }

    /// The longest time from one report to the next.
    pub const REPORTS: Duration = Duration::from_micros(LEAST * 1500 / COMPENSATION + GRID);
}
