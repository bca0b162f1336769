//! Everything of one media thread but its sockets: who hears whom, prompts, music, mixing.
//!
//! ```text
//!   packet ──► port: from the party? RTP? type agreed? ──► key press ──► MediaEvent::Digit
//!                     │                                     (in the sound, where no event is agreed)
//!                     │ no: counted, dropped                  │
//!                     ▼ yes                                   ▼
//!          listeners by Peer: numbers, law, type ──► outbox ──► poll_send
//!          listeners by Mix:  jitter buffer ──┐        ▲
//!          tapes:             the same ─────┤        │            ──► poll_tape
//!   beat of 20 ms ── sum of the others ◄──────┘        │
//!                 └─ prompts, music, ringback, noise ──┘  encoded beforehand: a header and a copy
//! ```
//!
//! The driver's part: call a `handle_*`, then empty [`Hub::poll_send`], [`Hub::poll_report`] and
//! [`Hub::poll_event`], then wait for a packet, a command or [`Hub::poll_timeout`].

mod beat;
mod digits;
mod ghosts;
mod guard;
mod inband;
mod jitter;
mod loops;
mod outbox;
mod port;
mod reception;
mod reports;
mod silence;
mod stream;
mod tapes;

use crate::g711::Tables;
use crate::rtp::{self, Packet};
use crate::{Codec, MediaCommand, MediaEvent, PromptSet, Rtcp};
use ghosts::Ghosts;
use jitter::Jitter;
use loops::Loops;
use meishier_model::{Mono, PortId};
use outbox::Outbox;
use port::{Hearing, Kind, Port, Refusal};
use reports::Schedule;
pub use reports::{Outgoing, RtcpPath};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use tapes::Tapes;

/// Most events that wait for the driver before key presses are dropped and counted, and silence is
/// told later.
const MAX_EVENTS: usize = 4096;

/// Counts of a hub since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpTotals {
    /// Packets accepted.
    pub received: u64,
    /// Packets handed to the driver.
    pub sent: u64,
    /// Packets dropped: not from the party, or for a port that is not open.
    pub wrong_source: u64,
    /// Packets dropped: not RTP of a negotiated payload type.
    pub malformed: u64,
    /// Packets of RTP and RTCP dropped: not made with the party's key (SRTP).
    pub forged: u64,
    /// Packets of RTP and RTCP dropped: taken before, or too old to tell (SRTP).
    pub replayed: u64,
    /// RTCP packets of parties, read or not understood.
    pub rtcp: u64,
    /// Those of them that break the rules.
    pub rtcp_malformed: u64,
    /// RTCP packets handed to the driver.
    pub reports: u64,
    /// Packets dropped: the party may not send now (hold).
    pub wrong_direction: u64,
    /// Packets not passed on: older than the listener's last change of source, or under a number that
    /// was given to another.
    pub late: u64,
    /// Packets not sent: the outbox was full.
    pub unsent: u64,
    /// Key presses dropped: the driver did not fetch the events.
    pub lost_digits: u64,
    /// Beats of 20 ms left out because the driver came too late.
    pub skipped_beats: u64,
    /// Ports that are open now.
    pub open: u64,
}

/// One place for a port. What refers to it outlives its opening and closing.
#[derive(Default)]
struct Slot {
    port: Option<Box<Port>>,
    /// Ports that hear this one, each once.
    heard_by: SmallVec<[PortId; 2]>,
    /// For as long as a mix contains this port, or a tape.
    jitter: Option<Box<Jitter>>,
    /// Who has sent to it, in this call and before.
    ghosts: Ghosts,
}

/// Splitmix64: numbers that follow from the seed alone.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The ports of one media thread.
pub struct Hub {
    slots: Vec<Slot>,
    /// Ports that hear something with a beat, in no order of meaning.
    beating: Vec<PortId>,
    next_beat: Option<Mono>,
    /// When it is next looked who is silent; `None` while no port is open.
    next_look: Option<Mono>,
    /// Beats since the start; music and noise follow it.
    beats: u64,
    prompts: Arc<PromptSet>,
    loops: Loops,
    tables: Tables,
    /// Packets of parties that are passed on.
    outbox: Outbox,
    /// Packets of the beat.
    made: Outbox,
    events: VecDeque<MediaEvent>,
    totals: RtpTotals,
    random: Random,
    reports: Schedule,
    tapes: Tapes,
}

impl Hub {
    /// Port numbers stay below this.
    pub const MAX_PORTS: u32 = 1 << 17;

    /// A hub without ports. SSRCs and first numbers follow from `seed`, which is to be random
    /// wherever strangers send (RFC 3550 §5.1).
    #[must_use]
    pub fn new(prompts: Arc<PromptSet>, seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            beating: Vec::new(),
            next_beat: None,
            next_look: None,
            beats: 0,
            prompts,
            loops: Loops::new(seed),
            tables: Tables::new(),
            outbox: Outbox::default(),
            made: Outbox::default(),
            events: VecDeque::new(),
            totals: RtpTotals::default(),
            random: Random::new(seed),
            reports: Schedule::new(seed),
            tapes: Tapes::default(),
        }
    }

    /// Carries out an order.
    pub fn handle_command(&mut self, now: Mono, command: MediaCommand) {
        match command {
            MediaCommand::Open {
                port,
                media,
                accept,
            } => {
                self.on_close(now, port);
                let stream = self.fresh_stream(media.protection.is_some());
                if let Some(slot) = self.slot_mut(port) {
                    slot.ghosts.age();
                    slot.port = Some(Box::new(Port::new(media, accept, stream)));
                    self.totals.open += 1;
                    self.start_looks(now);
                    self.plan_reports(now, port);
                }
            }
            MediaCommand::Update {
                port,
                media,
                accept,
            } => {
                let renews = self.port_mut(port).is_some_and(|p| p.renews_key(&media));
                let stream = renews.then(|| self.fresh_stream(true));
                if let Some(slot) = self.slots.get_mut(port.0 as usize)
                    && let Some(party) = slot.port.as_deref_mut()
                {
                    if let Some(stream) = stream {
                        party.begin_stream(stream);
                    }
                    party.update(now, media, accept, &mut slot.ghosts);
                    self.plan_reports(now, port);
                }
            }
            MediaCommand::Hear { port, source } => {
                self.on_hear(now, port, Hearing::new(port, source));
            }
            MediaCommand::Close { port } => self.on_close(now, port),
            MediaCommand::StartTape {
                tape,
                form,
                begun,
                about,
            } => self.start_tape(now, tape, form, (begun, about)),
            MediaCommand::Tape {
                tape,
                port,
                track,
                label,
            } => self.tape(tape, port, track, label),
            MediaCommand::Untape { tape, port } => self.untape(tape, port),
            MediaCommand::NoteTape { tape, note } => self.note_tape(tape, note),
            MediaCommand::EndTape { tape, keep } => self.end_tape(tape, keep),
        }
    }

    /// A stream of ours that nobody has seen yet. Under SRTP its numbers begin in the lower half, so that
    /// one lost packet cannot hide that they turned over (RFC 3711 §3.3.1).
    fn fresh_stream(&mut self, guarded: bool) -> Stream {
        let (ssrc, first) = (self.random.draw(), self.random.draw());
        let sequence = first as u16 & if guarded { 0x7fff } else { 0xffff };
        Stream::new(ssrc as u32, sequence, (first >> 32) as u32)
    }

    /// Takes a datagram that came from `from` at the local port `port`. One of SRTP is opened first.
    pub fn handle_packet(&mut self, now: Mono, port: PortId, from: SocketAddr, bytes: &[u8]) {
        let party = self.port_mut(port).filter(|party| party.is_guarded());
        let Some(party) = party else {
            return self.take_packet(now, port, from, bytes);
        };
        let mut buffer = [0; guard::MAX_PACKET];
        match party.open(from, bytes, &mut buffer) {
            Ok(length) => {
                let plain = buffer.get(..length).unwrap_or_default();
                self.take_packet(now, port, from, plain);
            }
            Err(refusal) => self.count_refusal(refusal),
        }
    }

    fn count_refusal(&mut self, refusal: Refusal) {
        let count = match refusal {
            Refusal::Source => &mut self.totals.wrong_source,
            Refusal::Rtcp => &mut self.totals.rtcp,
            Refusal::Malformed => &mut self.totals.malformed,
            Refusal::Direction => &mut self.totals.wrong_direction,
            Refusal::Forged => &mut self.totals.forged,
            Refusal::Replayed => &mut self.totals.replayed,
        };
        *count += 1;
    }

    fn take_packet(&mut self, now: Mono, port: PortId, from: SocketAddr, bytes: &[u8]) {
        let Some(slot) = self.slots.get_mut(port.0 as usize) else {
            self.totals.wrong_source += 1;
            return;
        };
        let Some(party) = slot.port.as_deref_mut() else {
            slot.ghosts.hear(now, from, bytes);
            self.totals.wrong_source += 1;
            return;
        };
        let codec = party.media.codec;
        let (kind, packet) = match party.admit(now, from, bytes, &mut slot.ghosts) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let muxed = party.media.rtcp == Rtcp::Muxed;
                self.count_refusal(refusal);
                if refusal == Refusal::Rtcp && muxed {
                    self.read_report(now, port, None, bytes);
                }
                return;
            }
        };
        let digits = match kind {
            Kind::Event => party.digits.handle(now, &packet).into_iter().collect(),
            Kind::Audio => party.keys_in_sound(&packet, &self.tables),
        };
        self.totals.received += 1;
        for digit in digits {
            if self.events.len() < MAX_EVENTS {
                self.events.push_back(MediaEvent::Digit { port, digit });
            } else {
                self.totals.lost_digits += 1;
            }
        }
        // A packet without audio keeps a NAT open (RFC 6263) and is for nobody else.
        if packet.payload.is_empty() {
            return;
        }
        let Some(slot) = self.slots.get_mut(port.0 as usize) else {
            return;
        };
        if kind == Kind::Audio
            && let Some(jitter) = &mut slot.jitter
        {
            let wait = self
                .next_beat
                .map_or(Duration::ZERO, |beat| beat.since(now));
            jitter.put(&packet, codec, &self.tables, wait);
        }
        for i in 0..slot.heard_by.len() {
            if let Some(&listener) = self.slots[port.0 as usize].heard_by.get(i) {
                self.relay(now, port, listener, kind, codec, &packet);
            }
        }
    }

    /// Makes the frames and reports that are due. After a stall at most three beats are made up for,
    /// the others are left out: prompts go on where they were, music as if nothing had been. Once a
    /// second it is looked who is silent.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.on_beats(now);
        self.on_look(now);
        self.on_reports(now);
    }

    /// When to call [`Self::handle_timeout`]; `None` while no port is open.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        [self.next_beat, self.next_look, self.reports.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The oldest packet that waits: the local port to send from, where to, and its bytes. What
    /// parties say goes before what is made for the beat.
    pub fn poll_send(&mut self) -> Option<(PortId, SocketAddr, &[u8])> {
        match self.outbox.len() {
            0 => self.made.pop(),
            _ => self.outbox.pop(),
        }
    }

    /// As [`Self::poll_send`], but only what parties say. A driver may spread the rest over the beat,
    /// so that it is no burst: it is to be out before the next order and before the next beat.
    pub fn poll_relayed(&mut self) -> Option<(PortId, SocketAddr, &[u8])> {
        self.outbox.pop()
    }

    /// Packets of the beat that wait for [`Self::poll_send`].
    #[must_use]
    pub fn made(&self) -> usize {
        self.made.len()
    }

    /// The oldest event that waits.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// Counts of all ports since the start.
    #[must_use]
    pub fn totals(&self) -> RtpTotals {
        self.totals
    }

    fn port_mut(&mut self, port: PortId) -> Option<&mut Port> {
        self.slots.get_mut(port.0 as usize)?.port.as_deref_mut()
    }

    /// The slot, made if it is not there yet; `None` from [`Self::MAX_PORTS`] on.
    fn slot_mut(&mut self, port: PortId) -> Option<&mut Slot> {
        if port.0 >= Self::MAX_PORTS {
            return None;
        }
        let index = port.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        self.slots.get_mut(index)
    }

    fn on_hear(&mut self, now: Mono, port: PortId, hearing: Hearing) {
        let Some(listener) = self.port_mut(port) else {
            return;
        };
        if listener.hearing.is_same(&hearing) {
            return;
        }
        if !(listener.hearing.is_mixed() && hearing.is_mixed()) {
            listener.stream.interrupt();
            listener.gathered.clear();
        }
        let parties: SmallVec<[PortId; 4]> = hearing.parties().into();
        let has_beat = hearing.has_beat();
        let before = std::mem::replace(&mut listener.hearing, hearing);
        // New parties first: a party of both mixes keeps its jitter buffer.
        for &party in &parties {
            if let Some(slot) = self.slot_mut(party)
                && !slot.heard_by.contains(&port)
            {
                slot.heard_by.push(port);
            }
        }
        for &party in before.parties().iter().filter(|p| !parties.contains(p)) {
            self.forget_listener(party, port);
        }
        for party in before.parties().iter().chain(&parties) {
            self.fit_jitter(*party);
        }
        self.set_beat(now, port, has_beat);
    }

    fn on_close(&mut self, now: Mono, port: PortId) {
        self.set_beat(Mono(0), port, false);
        self.say_bye(now, port);
        let Some(slot) = self.slots.get_mut(port.0 as usize) else {
            return;
        };
        let Some(closed) = slot.port.take() else {
            return;
        };
        closed.leave(now, &mut slot.ghosts);
        slot.jitter = None;
        let listeners = std::mem::take(&mut slot.heard_by);
        self.leave_tape(port);
        for listener in listeners {
            let Some(listener_port) = self.port_mut(listener) else {
                continue;
            };
            match &mut listener_port.hearing {
                Hearing::Mix(parties) | Hearing::Over { parties, .. } => {
                    parties.retain(|p| *p != port);
                }
                other => *other = Hearing::Silence,
            }
            listener_port.stream.interrupt();
        }
        for party in closed.hearing.parties() {
            self.forget_listener(*party, port);
            self.fit_jitter(*party);
        }
        self.totals.open = self.totals.open.saturating_sub(1);
        if self.totals.open == 0 {
            self.next_look = None;
        }
        self.events.push_back(MediaEvent::Closed {
            port,
            stats: closed.counted(),
        });
    }

    fn forget_listener(&mut self, party: PortId, listener: PortId) {
        if let Some(slot) = self.slots.get_mut(party.0 as usize) {
            slot.heard_by.retain(|l| *l != listener);
        }
    }

    /// A party has a jitter buffer exactly while a mix or a tape contains it.
    fn fit_jitter(&mut self, party: PortId) {
        let Some(slot) = self.slots.get(party.0 as usize) else {
            return;
        };
        let mixed = self.tapes.holds(party)
            || slot.heard_by.iter().any(|l| {
                let listener = self.slots.get(l.0 as usize).and_then(|s| s.port.as_deref());
                listener.is_some_and(|p| p.hearing.is_mixed())
            });
        if let Some(slot) = self.slots.get_mut(party.0 as usize) {
            match (mixed, slot.jitter.is_some()) {
                (true, false) => slot.jitter = Some(Box::new(Jitter::new())),
                (false, true) => slot.jitter = None,
                _ => {}
            }
        }
    }

    /// Passes a packet of `party` on to one listener, if that hears it as it is.
    fn relay(
        &mut self,
        now: Mono,
        party: PortId,
        listener: PortId,
        kind: Kind,
        codec: Codec,
        packet: &Packet<'_>,
    ) {
        let Some(port) = self
            .slots
            .get_mut(listener.0 as usize)
            .and_then(|s| s.port.as_deref_mut())
        else {
            return;
        };
        if !matches!(port.hearing, Hearing::Peer(peer) if peer == party) {
            return;
        }
        let Some(to) = port.destination() else {
            port.stream.interrupt();
            return;
        };
        let (payload_type, samples) = match kind {
            Kind::Audio => (Some(port.media.payload_type), packet.payload.len() as u32),
            Kind::Event => {
                let duration = u16::from_be_bytes([packet.payload[2], packet.payload[3]]);
                (port.media.telephone_event, u32::from(duration))
            }
        };
        let Some(payload_type) = payload_type else {
            port.stream.skip(packet);
            return;
        };
        let Some(numbers) = port.stream.relayed(now, packet, samples) else {
            self.totals.late += 1;
            return;
        };
        let Ok(index) = port.index(numbers.sequence) else {
            self.totals.late += 1;
            return;
        };
        let header = rtp::header(
            payload_type,
            numbers.marker,
            numbers.sequence,
            numbers.timestamp,
            port.stream.ssrc,
        );
        match self.outbox.push(listener, to, header, packet.payload) {
            Some(payload) => {
                if kind == Kind::Audio {
                    self.tables.transcode(codec, port.media.codec, payload);
                }
                self.outbox.seal(|packet| port.seal(index, packet));
                port.count_sent(packet.payload.len());
                self.totals.sent += 1;
            }
            None => self.totals.unsent += 1,
        }
    }
}
