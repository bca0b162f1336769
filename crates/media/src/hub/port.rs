//! One party: whose packets it accepts, what it hears, its stream.

use super::digits::Digits;
use super::ghosts::{Agreement, Ghosts};
use super::guard::Guard;
use super::inband::InBand;
use super::reception::Reception;
use super::reports::Peer;
use super::silence::Silence;
use super::stream::Stream;
use crate::codec::{Accept, Negotiated, Rtcp};
use crate::command::Source;
use crate::g711::Tables;
use crate::prompts::{FRAME, PromptId};
use crate::rtp::{self, Packet};
use crate::sdp;
use meishier_model::{Mono, PortId, RtpStats};
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::time::Duration;

/// Most bytes of audio in a packet: 120 ms.
pub(super) const MAX_PAYLOAD: usize = 960;

/// How long packets from where a party was before it moved are kept out.
const MOVING: Duration = Duration::from_millis(500);

pub(super) struct Port {
    pub media: Negotiated,
    accept: Accept,
    /// The last address in the party's SDP that was one.
    settled: SocketAddr,
    /// Address and port of the first valid packet, or of the first from the very port that SDP
    /// names, should another of the same address have come before.
    fixed: Option<SocketAddr>,
    /// The stream that last came from there.
    ssrc: u32,
    /// Until then the party moves: addresses that were known before are not learned, because packets
    /// from there may be under way.
    moving: Mono,
    pub hearing: Hearing,
    pub stream: Stream,
    pub digits: Digits,
    /// From the first packet of a party that knows no telephone-event.
    in_band: Option<Box<InBand>>,
    pub stats: RtpStats,
    pub reception: Reception,
    pub peer: Peer,
    pub silence: Silence,
    /// For a party of SRTP.
    pub guard: Option<Box<Guard>>,
    /// Place in the hub's list of ports that hear something with a beat.
    pub beat: Option<usize>,
    /// Audio that waits until a packet of the party's ptime is full; empty at 10 and 20 ms.
    pub gathered: Vec<u8>,
}

/// [`Source`], with its progress.
pub(super) enum Hearing {
    Silence,
    Comfort,
    Playlist {
        prompts: SmallVec<[PromptId; 8]>,
        next: usize,
        offset: usize,
        then_music: bool,
        token: u64,
    },
    Music,
    Ringback {
        frames: u64,
    },
    Peer(PortId),
    Mix(SmallVec<[PortId; 4]>),
    Over {
        parties: SmallVec<[PortId; 4]>,
        prompts: SmallVec<[PromptId; 8]>,
        next: usize,
        offset: usize,
        token: u64,
    },
}

impl Hearing {
    /// For the listener `port`.
    pub fn new(port: PortId, source: Source) -> Self {
        match source {
            Source::Silence => Self::Silence,
            Source::Comfort => Self::Comfort,
            Source::Playlist {
                prompts,
                then_music,
                token,
            } => Self::Playlist {
                prompts: prompts.into_iter().take(Source::MAX_PROMPTS).collect(),
                next: 0,
                offset: 0,
                then_music,
                token,
            },
            Source::Music => Self::Music,
            Source::Ringback => Self::Ringback { frames: 0 },
            Source::Peer(peer) => Self::Peer(peer),
            Source::Mix(parties) => Self::Mix(others(port, parties)),
            Source::Over {
                parties,
                prompts,
                token,
            } => Self::Over {
                parties: others(port, parties),
                prompts: prompts.into_iter().take(Source::MAX_PROMPTS).collect(),
                next: 0,
                offset: 0,
                token,
            },
        }
    }

    /// True if parties are summed for it.
    pub fn is_mixed(&self) -> bool {
        matches!(self, Self::Mix(_) | Self::Over { .. })
    }

    /// True if frames must be made in a beat of 20 ms.
    pub fn has_beat(&self) -> bool {
        !matches!(self, Self::Silence | Self::Peer(_))
    }

    /// True if the party hears `next` already, and goes on where it is.
    pub fn is_same(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Peer(a), Self::Peer(b)) => a == b,
            (Self::Silence, Self::Silence)
            | (Self::Comfort, Self::Comfort)
            | (Self::Music, Self::Music)
            | (Self::Ringback { .. }, Self::Ringback { .. }) => true,
            _ => false,
        }
    }

    /// The parties whose packets are heard.
    pub fn parties(&self) -> &[PortId] {
        match self {
            Self::Peer(peer) => std::slice::from_ref(peer),
            Self::Mix(parties) | Self::Over { parties, .. } => parties,
            _ => &[],
        }
    }
}

/// The parties of a mix for the listener `port`: each once, itself left out.
fn others(port: PortId, parties: Vec<PortId>) -> SmallVec<[PortId; 4]> {
    let mut parts = SmallVec::new();
    for party in parties {
        if party != port && !parts.contains(&party) && parts.len() < Source::MAX_MIX {
            parts.push(party);
        }
    }
    parts
}

/// Why a packet is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not from the party.
    Source,
    /// RTCP and not RTP.
    Rtcp,
    /// Not RTP of a negotiated payload type.
    Malformed,
    /// The party may not send now.
    Direction,
    /// Not made with the party's key.
    Forged,
    /// It came before.
    Replayed,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Audio,
    Event,
}

impl Port {
    pub fn new(media: Negotiated, accept: Accept, stream: Stream) -> Self {
        let guard = media.protection.as_deref().map(Guard::new);
        Self {
            settled: media.remote,
            media,
            accept,
            fixed: None,
            ssrc: 0,
            moving: Mono(0),
            hearing: Hearing::Silence,
            stream,
            digits: Digits::default(),
            in_band: None,
            stats: RtpStats {
                secured: guard.is_some(),
                ..RtpStats::default()
            },
            reception: Reception::default(),
            peer: Peer::default(),
            silence: Silence::new(),
            guard,
            beat: None,
            gathered: Vec::new(),
        }
    }

    /// A new agreement. The learned address holds as long as nothing about addresses changed; a
    /// party that holds by c=0.0.0.0 did not move.
    pub fn update(&mut self, now: Mono, media: Negotiated, accept: Accept, ghosts: &mut Ghosts) {
        match (&mut self.guard, &media.protection) {
            (Some(guard), Some(protection)) => guard.update(protection),
            (guard, protection) => *guard = protection.as_deref().map(Guard::new),
        }
        self.stats.secured &= media.protection.is_some();
        let held = media.remote.ip().is_unspecified();
        if !held && (media.remote, accept) != (self.settled, self.accept) {
            self.leave(now, ghosts);
            self.fixed = None;
            self.moving = now + MOVING;
            self.digits.on_move();
            self.stream.interrupt();
            self.settled = media.remote;
            self.accept = accept;
        }
        if media.direction != self.media.direction {
            self.reception.pause();
        }
        if media.direction != self.media.direction || media.codec != self.media.codec {
            self.stream.interrupt();
        }
        if media.ptime_ms != self.media.ptime_ms || media.codec != self.media.codec {
            self.gathered.clear();
        }
        if media.telephone_event.is_some() || media.codec != self.media.codec {
            self.in_band = None;
        }
        self.media = media;
    }

    /// Lets a packet in, or says why not; counts either.
    pub fn admit<'a>(
        &mut self,
        now: Mono,
        from: SocketAddr,
        bytes: &'a [u8],
        ghosts: &mut Ghosts,
    ) -> Result<(Kind, Packet<'a>), Refusal> {
        let result = self.examine(from, bytes).and_then(|(kind, packet)| {
            let moving = self.fixed.is_none() && now < self.moving && from != self.settled;
            // What proved to be the party's is no ghost's.
            let haunts =
                !self.is_guarded() && ghosts.haunts(now, from, packet.ssrc, self.agreement());
            if (moving && ghosts.knows(from)) || haunts {
                return Err(Refusal::Source);
            }
            Ok((kind, packet))
        });
        if result.is_err() {
            self.note(now, from, bytes, ghosts);
        }
        match &result {
            Ok((kind, packet)) => {
                if self.fixed != Some(from) {
                    if self.fixed.is_some() {
                        self.digits.on_move();
                        self.stream.interrupt();
                    }
                    self.fixed = Some(from);
                    ghosts.clear(from, packet.ssrc);
                }
                self.ssrc = packet.ssrc;
                self.stats.received += 1;
                let sound = *kind == Kind::Audio && !packet.payload.is_empty();
                self.reception.note(now, packet, sound);
            }
            Err(Refusal::Source) => self.stats.wrong_source += 1,
            Err(Refusal::Malformed) => self.stats.malformed += 1,
            Err(Refusal::Rtcp | Refusal::Direction | Refusal::Forged | Refusal::Replayed) => {}
        }
        result
    }

    /// The keys that are pressed in a packet of sound, for a party that has no other way to say so. A
    /// party that has one is not listened to: its telephone may send both.
    pub fn keys_in_sound(&mut self, packet: &Packet<'_>, tables: &Tables) -> SmallVec<[char; 4]> {
        if self.media.telephone_event.is_some() {
            return SmallVec::new();
        }
        let codec = self.media.codec;
        self.in_band
            .get_or_insert_with(|| Box::new(InBand::new(packet)))
            .handle(packet, codec, tables)
    }

    /// Remembers who was refused at the party's own address: a NAT may have given the party itself
    /// another port there, and its BYE may have been lost with the old one.
    fn note(&mut self, now: Mono, from: SocketAddr, bytes: &[u8], ghosts: &mut Ghosts) {
        if !self.accept.allows(from.ip()) || rtp::is_rtcp(bytes) {
            return;
        }
        if let Some(packet) = rtp::parse(bytes) {
            if self.fixed == Some(from) {
                self.ssrc = packet.ssrc;
            } else {
                ghosts.note(now, from, packet.ssrc, self.agreement());
            }
        }
    }

    fn agreement(&self) -> Agreement {
        (self.settled, self.accept)
    }

    /// The party is not where it was: its port is closed, or it moves.
    pub fn leave(&self, now: Mono, ghosts: &mut Ghosts) {
        if let Some(fixed) = self.fixed {
            ghosts.note(now, fixed, self.ssrc, self.agreement());
        }
    }

    /// True if packets from there may be the party's.
    pub fn is_ours(&self, from: SocketAddr) -> bool {
        match self.fixed {
            // A gateway speaks for many calls from one address. One that goes on with a call which
            // we have lost may come first; the port that SDP names is the party's all the same.
            Some(fixed) => fixed == from || (from == self.settled && fixed.ip() == from.ip()),
            None => self.accept.allows(from.ip()),
        }
    }

    fn examine<'a>(
        &self,
        from: SocketAddr,
        bytes: &'a [u8],
    ) -> Result<(Kind, Packet<'a>), Refusal> {
        if !self.is_ours(from) {
            return Err(Refusal::Source);
        }
        if rtp::is_rtcp(bytes) {
            return Err(Refusal::Rtcp);
        }
        let packet = rtp::parse(bytes).ok_or(Refusal::Malformed)?;
        let kind = self.kind(packet.payload_type).ok_or(Refusal::Malformed)?;
        let fits = match kind {
            Kind::Audio => packet.payload.len() <= MAX_PAYLOAD,
            Kind::Event => (4..=64).contains(&packet.payload.len()),
        };
        match () {
            () if !fits => Err(Refusal::Malformed),
            () if !self.media.direction.receives() => Err(Refusal::Direction),
            () => Ok((kind, packet)),
        }
    }

    /// A party that answers with a number of its own for telephone-event may still send with the
    /// one that we offered (RFC 3264 §6.1).
    fn kind(&self, payload_type: u8) -> Option<Kind> {
        if payload_type == self.media.payload_type {
            return Some(Kind::Audio);
        }
        let event = self.media.telephone_event?;
        (payload_type == event || payload_type == sdp::TELEPHONE_EVENT).then_some(Kind::Event)
    }

    /// Where the party is, as far as is known.
    pub fn place(&self) -> SocketAddr {
        self.fixed.unwrap_or(self.media.remote)
    }

    /// True if reports from there may be the party's: its address, whichever port.
    pub fn may_report(&self, from: SocketAddr) -> bool {
        let ip = from.ip().to_canonical();
        let named = matches!(self.media.rtcp, Rtcp::Apart(to) if to.ip().to_canonical() == ip);
        match self.fixed {
            Some(fixed) => named || fixed.ip().to_canonical() == ip,
            None => named || self.accept.allows(ip),
        }
    }

    /// True if this is the stream that the party sends.
    pub fn is_stream(&self, ssrc: u32) -> bool {
        self.fixed.is_some() && self.ssrc == ssrc
    }

    /// A packet with so many bytes of payload went to the party.
    pub fn count_sent(&mut self, payload: usize) {
        self.stats.sent += 1;
        self.peer.octets = self.peer.octets.wrapping_add(payload as u32);
    }

    /// Everything that was counted of the party.
    pub fn counted(&self) -> RtpStats {
        RtpStats {
            lost: self.reception.lost(),
            jitter_us: self.reception.jitter_us(),
            ..self.stats
        }
    }

    /// Where packets to the party go; `None` if it is to be sent nothing.
    pub fn destination(&self) -> Option<SocketAddr> {
        if !self.media.direction.sends() {
            return None;
        }
        let to = self.place();
        (!to.ip().is_unspecified() && to.port() != 0).then_some(to)
    }

    /// Bytes of audio in a packet to the party.
    pub fn packet_size(&self) -> usize {
        usize::from(self.media.ptime_ms).clamp(10, 60) * FRAME / 20
    }
}
