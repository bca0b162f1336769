//! What may leave the hub, and what has to.

use super::far_end::FarEnd;
use super::voice::{UNIT, Voice, voices};
use super::{Due, Scene};
use crate::stream::{Hears, PortStream};
use meishier_media::Codec;
use meishier_model::{Mono, PortId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a voice may still be heard after the hub was told otherwise: packets of up to 60 ms are
/// being filled, and up to three beats are made at once.
const ECHO: Duration = Duration::from_millis(80);
/// How long what a party said before it was held lies in the buffers of a sum.
const BUFFERED: Duration = Duration::from_millis(240);
/// How long packets may be under way that were sent before a change, on a clean network.
const IN_FLIGHT: Duration = Duration::from_millis(100);
/// For how long everything must stand before it is asked whether all is heard.
const STEADY: Duration = Duration::from_millis(1600);
/// How late a key may be told of.
const KEY: Duration = Duration::from_secs(2);

/// What a party has been sent.
pub(super) struct Ear {
    ssrc: Option<u32>,
    /// Sequence number and timestamp of the last packet, and whether it was passed on.
    last: Option<(u16, u32, bool)>,
    /// Voices that were right a moment ago, and when.
    recent: BTreeMap<Voice, Mono>,
    /// Pieces of 10 ms by voice, in this second.
    heard: BTreeMap<Voice, u32>,
    /// All of them.
    units: u32,
}

impl Ear {
    pub fn new() -> Self {
        Self {
            ssrc: None,
            last: None,
            recent: BTreeMap::new(),
            heard: BTreeMap::new(),
            units: 0,
        }
    }

    /// The numbers of a packet follow those of the one before: one stream, and no hole in what the
    /// hub makes itself, nor, if everything of the parties arrives (`whole`), in what it passes on.
    fn follow(&mut self, ssrc: u32, next: (u16, u32, bool), whole: bool) -> Result<(), String> {
        if *self.ssrc.get_or_insert(ssrc) != ssrc {
            return Err("the SSRC changed".to_owned());
        }
        let (sequence, timestamp, relayed) = next;
        if let Some((before, earlier, was_relayed)) = self.last.replace(next)
            && (whole || !(relayed || was_relayed))
        {
            if sequence != before.wrapping_add(1) {
                return Err(format!("number {sequence} was sent after {before}"));
            }
            if (timestamp.wrapping_sub(earlier) as i32) < 0 {
                return Err(format!("timestamp {timestamp} was sent after {earlier}"));
            }
        }
        Ok(())
    }
}

/// The header's numbers: marker and payload type, sequence number, timestamp, SSRC; and the payload.
fn read(packet: &[u8]) -> Option<(u8, u16, u32, u32, &[u8])> {
    let (head, payload) = packet.split_first_chunk::<12>()?;
    let [0x80, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *head else {
        return None;
    };
    Some((
        kind & 0x7f,
        u16::from_be_bytes([s0, s1]),
        u32::from_be_bytes([t0, t1, t2, t3]),
        u32::from_be_bytes([i0, i1, i2, i3]),
        payload,
    ))
}

/// How long the hub's thread was awake since then: buffers are not emptied while it stands still.
fn awake([from, until]: [Mono; 2], now: Mono, then: Mono) -> Duration {
    let asleep = until.min(now).since(from.max(then));
    now.since(then).saturating_sub(asleep)
}

impl Scene {
    fn end_at(&self, port: PortId) -> Option<&FarEnd> {
        self.ends.get(self.at.get(&port)?)
    }

    /// The parties that this stream carries, as the books say.
    fn speakers<'a>(&'a self, stream: &'a PortStream) -> impl Iterator<Item = &'a FarEnd> {
        let parties = stream.hears.parties().iter();
        parties.filter_map(|port| self.end_at(*port))
    }

    /// Voices that may be in this stream now.
    fn allowed(&self, stream: &PortStream) -> Vec<Voice> {
        let lately = |end: &FarEnd| awake(self.stalled, self.now, end.changed) < BUFFERED;
        let receives = |end: &FarEnd| {
            let place = Self::place(end.port);
            let stream = self.streams.stream(place);
            stream.is_some_and(|s| s.media.direction.receives())
        };
        let mut voices: Vec<Voice> = self
            .speakers(stream)
            .filter(|end| receives(end) || lately(end))
            .map(|end| end.voice)
            .collect();
        match stream.hears {
            Hears::Playlist { .. } | Hears::Over { .. } => voices.push(Voice::PROMPT),
            Hears::Music => voices.push(Voice::MUSIC),
            _ => {}
        }
        voices
    }

    /// Before something changes: what is right now may be heard a moment longer.
    pub(super) fn remember(&mut self) {
        let now = self.now;
        let mut ears = std::mem::take(&mut self.ears);
        for (port, ear) in &mut ears {
            if let Some(stream) = self.streams.stream(Self::place(*port)) {
                for voice in self.allowed(stream) {
                    ear.recent.insert(voice, now);
                }
            }
        }
        self.ears = ears;
    }

    /// One packet that the hub sends.
    pub(super) fn judge_packet(
        &mut self,
        port: PortId,
        to: SocketAddr,
        packet: &[u8],
    ) -> Result<(), String> {
        let name = port.0;
        let (Some(stream), Some(end)) = (self.streams.stream(Self::place(port)), self.end_at(port))
        else {
            return Err(format!("port {name} is closed and sends to {to}"));
        };
        if !stream.media.direction.sends() {
            return Err(format!("port {name} sends to a party that holds"));
        }
        if !end.addresses.contains(&to) {
            return Err(format!("port {name} sends to {to}, which is not its party"));
        }
        let Some((kind, sequence, timestamp, ssrc, payload)) = read(packet) else {
            return Err(format!("port {name} sends what is no RTP"));
        };
        let relayed = matches!(stream.hears, Hears::Peer(_));
        // The end of a playlist may be told of before the beats that were made up for are sent.
        let echo = self.ears.get(&port).is_some_and(|ear| {
            let mut recent = ear.recent.values();
            recent.any(|then| awake(self.stalled, self.now, *then) <= ECHO)
        });
        if matches!(stream.hears, Hears::Silence) && !echo {
            return Err(format!("port {name} hears silence, and was sent a packet"));
        }
        // What a party sent before it heard of a change is rightly refused: a loss, and seen as one.
        let faults = &self.faults;
        let whole = faults.network_is_clean()
            && (faults.breaks, faults.rebinds) == (0.0, 0.0)
            && self
                .speakers(stream)
                .all(|end| self.now.since(end.changed) > IN_FLIGHT);
        if Some(kind) == stream.media.telephone_event {
            let pressed = |end: &FarEnd| end.pressed_within(self.now, KEY);
            if !relayed || !self.speakers(stream).any(pressed) {
                return Err(format!("port {name} was sent a key that nobody pressed"));
            }
        } else if kind == stream.media.payload_type {
            let (codec, allowed) = (stream.media.codec, self.allowed(stream));
            self.judge_audio(port, codec, &allowed, payload)?;
        } else {
            return Err(format!("port {name} was sent payload type {kind}"));
        }
        match self.ears.get_mut(&port) {
            Some(ear) => ear.follow(ssrc, (sequence, timestamp, relayed), whole),
            None => Err("nobody is there".to_owned()),
        }
        .map_err(|what| format!("port {name}: {what}"))
    }

    fn judge_audio(
        &mut self,
        port: PortId,
        codec: Codec,
        allowed: &[Voice],
        payload: &[u8],
    ) -> Result<(), String> {
        let (now, stalled) = (self.now, self.stalled);
        let Some(ear) = self.ears.get_mut(&port) else {
            return Err(format!("port {} sends, and nobody listens", port.0));
        };
        if payload.is_empty() || !payload.len().is_multiple_of(UNIT) {
            return Err(format!("port {} sent {} bytes", port.0, payload.len()));
        }
        for unit in payload.chunks(UNIT) {
            ear.units += 1;
            for voice in voices(codec, unit) {
                let recent = ear.recent.get(&voice);
                let lately = recent.is_some_and(|then| awake(stalled, now, *then) <= ECHO);
                if !allowed.contains(&voice) && !lately {
                    return Err(format!("port {} hears {voice:?}, not {allowed:?}", port.0));
                }
                self.figures.heard += 1;
                *ear.heard.entry(voice).or_default() += 1;
            }
        }
        Ok(())
    }

    /// A key that the hub tells of was pressed by that party, lately, and is told of once.
    pub(super) fn judge_digit(&mut self, port: PortId, digit: char) -> Result<(), String> {
        let now = self.now;
        let number = self.at.get(&port).copied().unwrap_or(u32::MAX);
        let presses = self.ends.get_mut(&number).map(|end| &mut end.presses);
        let press = presses.and_then(|presses| {
            presses
                .iter_mut()
                .find(|press| press.digit == digit && !press.told && now.since(press.at) < KEY)
        });
        match press {
            Some(press) => {
                press.told = true;
                self.figures.digits += 1;
                Ok(())
            }
            None => Err(format!(
                "port {}: key {digit} was told and not pressed, or twice",
                port.0
            )),
        }
    }

    /// At the end of a second: who has had time to hear everything has heard it.
    pub(super) fn judge_second(&mut self) -> Result<(), String> {
        self.due(Duration::from_secs(1), Due::Judge);
        let mut ears = std::mem::take(&mut self.ears);
        for (port, ear) in &mut ears {
            let Some(stream) = self.streams.stream(Self::place(*port)) else {
                continue;
            };
            if self.is_steady(*port, stream) {
                self.judge_ear(*port, stream, ear)?;
                self.figures.seconds += 1;
            }
            ear.heard.clear();
            ear.units = 0;
            let (now, stalled) = (self.now, self.stalled);
            ear.recent
                .retain(|_, then| awake(stalled, now, *then) <= ECHO);
        }
        self.ears = ears;
        self.judge_keys()?;
        if self.network.chance(self.faults.stalls) {
            let stall = self
                .network
                .between(Duration::ZERO, Duration::from_millis(400));
            self.stalled = [self.now, self.now + stall];
        }
        Ok(())
    }

    fn is_steady(&self, port: PortId, stream: &PortStream) -> bool {
        let ends = self.speakers(stream).chain(self.end_at(port));
        let changes = ends.map(|end| end.changed);
        let last = changes.chain([stream.since, self.stalled[1]]).max();
        last.is_some_and(|last| self.now.since(last) >= STEADY) && stream.media.direction.sends()
    }

    fn judge_ear(&self, port: PortId, stream: &PortStream, ear: &Ear) -> Result<(), String> {
        let want = |voice: Voice, least: u32| {
            let units = ear.heard.get(&voice).copied().unwrap_or(0);
            if units >= least {
                return Ok(());
            }
            Err(format!(
                "port {} heard {units} of 100 pieces of {voice:?}, by {:?}",
                port.0, stream.hears
            ))
        };
        let clean = self.faults.network_is_clean();
        let least = match stream.hears {
            _ if clean => 90,
            // Lost by the network alone.
            Hears::Peer(_) => 35,
            // And by the buffers of a sum, for what comes too late.
            _ => 10,
        };
        for end in self.speakers(stream) {
            let place = Self::place(end.port);
            let direction = self.streams.stream(place).map(|s| s.media.direction);
            if end.sending && !end.rebound && direction.is_some_and(|d| d.receives()) {
                want(end.voice, least)?;
            }
        }
        match stream.hears {
            Hears::Playlist { .. } | Hears::Over { .. } => want(Voice::PROMPT, 90)?,
            Hears::Music => want(Voice::MUSIC, 90)?,
            _ => {}
        }
        let beats = !matches!(stream.hears, Hears::Silence | Hears::Peer(_));
        if beats && ear.units < 90 {
            return Err(format!(
                "port {} was sent {} of 100 pieces",
                port.0, ear.units
            ));
        }
        Ok(())
    }

    /// On a clean network, every key of a party that was heard is told of.
    fn judge_keys(&self) -> Result<(), String> {
        if !self.faults.network_is_clean() {
            return Ok(());
        }
        for end in self.at.values().filter_map(|number| self.ends.get(number)) {
            let open = self.now.since(end.changed) >= STEADY;
            let late = |at: Mono| (KEY..2 * KEY).contains(&self.now.since(at));
            let missed = |press: &&super::far_end::Press| !press.told && late(press.at);
            if let Some(press) = end.presses.iter().find(missed).filter(|_| open) {
                return Err(format!(
                    "port {}: key {} was pressed and never told",
                    end.port.0, press.digit
                ));
            }
        }
        Ok(())
    }
}
