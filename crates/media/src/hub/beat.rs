//! The beat of 20 ms: a frame for everybody who hears prompts, music, tones or a mix.

use super::loops::{self, Loops};
use super::outbox::Outbox;
use super::port::{Hearing, Port};
use super::{Hub, RtpTotals};
use crate::prompts::FRAME;
use crate::{Codec, MediaEvent, PromptId, PromptSet, g711, rtp};
use meishier_model::{Mono, PortId};
use std::time::Duration;

const BEAT: Duration = Duration::from_millis(20);
/// Most beats made up for at once.
const CATCH_UP: u64 = 3;

impl Hub {
    /// Makes every beat that is due at `now`.
    pub(super) fn on_beats(&mut self, now: Mono) {
        let Some(mut at) = self.next_beat.filter(|at| *at <= now) else {
            return;
        };
        let period = BEAT.as_micros() as u64;
        let due = (now.0 - at.0) / period + 1;
        if due > CATCH_UP {
            let skipped = due - CATCH_UP;
            self.beats += skipped;
            self.totals.skipped_beats += skipped;
            at = Mono(at.0 + skipped * period);
            for i in 0..self.beating.len() {
                if let Some(port) = self.port_mut(self.beating[i]) {
                    port.stream.interrupt();
                }
            }
        }
        while at <= now && self.has_beat() {
            self.on_beat(at);
            at = at + BEAT;
        }
        self.next_beat = self.has_beat().then_some(at);
    }

    pub(super) fn has_beat(&self) -> bool {
        !(self.beating.is_empty() && self.tapes.is_empty())
    }

    /// Enters a port into the list of those with a beat, or takes it out.
    pub(super) fn set_beat(&mut self, now: Mono, port: PortId, wanted: bool) {
        let length = self.beating.len();
        let Some(listener) = self.port_mut(port) else {
            return;
        };
        match (listener.beat, wanted) {
            (None, true) => {
                listener.beat = Some(length);
                self.beating.push(port);
                self.next_beat = self.next_beat.or(Some(now));
            }
            (Some(place), false) => {
                listener.beat = None;
                self.beating.swap_remove(place);
                if let Some(&moved) = self.beating.get(place)
                    && let Some(moved) = self.port_mut(moved)
                {
                    moved.beat = Some(place);
                }
                if !self.has_beat() {
                    self.next_beat = None;
                }
            }
            _ => {}
        }
    }

    fn on_beat(&mut self, at: Mono) {
        // Backwards: a port that leaves is replaced by one that had its turn.
        for i in (0..self.beating.len()).rev() {
            let id = self.beating[i];
            let mixed = self.mixed(id);
            let beats = self.beats;
            let Some(port) = self
                .slots
                .get_mut(id.0 as usize)
                .and_then(|s| s.port.as_deref_mut())
            else {
                continue;
            };
            if let Some(token) = finish_playlist(port, &self.prompts) {
                self.events
                    .push_back(MediaEvent::PlaylistDone { port: id, token });
            }
            let codec = port.media.codec;
            let encoded: [u8; FRAME];
            let frame = match &mixed {
                Some(sum) => {
                    encoded = sum.map(|s| g711::encode(codec, clamp(s)));
                    &encoded
                }
                None => frame(&mut port.hearing, codec, beats, &self.prompts, &self.loops),
            };
            if frame.is_empty() {
                self.set_beat(at, id, false);
            } else {
                send(&mut self.made, &mut self.totals, at, id, port, frame);
            }
        }
        self.on_tape_beat();
        self.beats += 1;
    }

    /// The sum of what a listener of a mix hears in this beat; `None` for other listeners.
    fn mixed(&mut self, listener: PortId) -> Option<[i32; FRAME]> {
        let port = self.port_mut(listener)?;
        let parties = match &mut port.hearing {
            Hearing::Mix(parties) | Hearing::Over { parties, .. } => std::mem::take(parties),
            _ => return None,
        };
        let mut sum = [0; FRAME];
        for party in &parties {
            let jitter = self
                .slots
                .get_mut(party.0 as usize)
                .and_then(|s| s.jitter.as_deref_mut());
            if let Some(jitter) = jitter {
                for (sum, sample) in sum.iter_mut().zip(jitter.take(self.beats)) {
                    *sum += i32::from(*sample);
                }
            }
        }
        let port = self
            .slots
            .get_mut(listener.0 as usize)
            .and_then(|s| s.port.as_deref_mut())?;
        if let Some(token) = say_over(&mut port.hearing, parties, &mut sum, &self.prompts) {
            self.events.push_back(MediaEvent::PlaylistDone {
                port: listener,
                token,
            });
        }
        Some(sum)
    }
}

/// Gives the parties back to the hearing and adds what is said over them. After the last prompt
/// the parties remain; the token of the list that ended is given.
fn say_over(
    hearing: &mut Hearing,
    mixed: smallvec::SmallVec<[PortId; 4]>,
    sum: &mut [i32; FRAME],
    prompts: &PromptSet,
) -> Option<u64> {
    let Hearing::Over {
        parties,
        prompts: list,
        next,
        offset,
        token,
    } = hearing
    else {
        *hearing = Hearing::Mix(mixed);
        return None;
    };
    while let Some(&prompt) = list.get(*next) {
        let recording = prompts.encoded(prompt, Codec::Pcma);
        if let Some(said) = recording.get(*offset..*offset + FRAME) {
            for (sum, byte) in sum.iter_mut().zip(said) {
                *sum += i32::from(g711::decode(Codec::Pcma, *byte));
            }
            *offset += FRAME;
            *parties = mixed;
            return None;
        }
        *next += 1;
        *offset = 0;
    }
    let token = *token;
    *hearing = Hearing::Mix(mixed);
    Some(token)
}

fn clamp(sum: i32) -> i16 {
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// Goes to the next prompt; after the last, to what follows. Gives the token of a list that ended.
fn finish_playlist(port: &mut Port, prompts: &PromptSet) -> Option<u64> {
    let Hearing::Playlist {
        prompts: list,
        next,
        offset,
        then_music,
        token,
    } = &mut port.hearing
    else {
        return None;
    };
    while let Some(&prompt) = list.get(*next) {
        if *offset < prompts.encoded(prompt, Codec::Pcma).len() {
            return None;
        }
        *next += 1;
        *offset = 0;
    }
    let token = *token;
    port.hearing = if *then_music {
        Hearing::Music
    } else {
        Hearing::Silence
    };
    Some(token)
}

/// The next 20 ms; empty if there is nothing to send.
fn frame<'a>(
    hearing: &mut Hearing,
    codec: Codec,
    beats: u64,
    prompts: &'a PromptSet,
    loops: &'a Loops,
) -> &'a [u8] {
    match hearing {
        Hearing::Silence | Hearing::Peer(_) | Hearing::Mix(_) | Hearing::Over { .. } => &[],
        Hearing::Comfort => loops.comfort(codec, beats),
        Hearing::Music => loops::frame(prompts.encoded(PromptId::Music, codec), beats),
        Hearing::Ringback { frames } => {
            *frames += 1;
            loops.ringback(codec, *frames - 1)
        }
        Hearing::Playlist {
            prompts: list,
            next,
            offset,
            ..
        } => {
            let Some(&prompt) = list.get(*next) else {
                return &[];
            };
            let start = *offset;
            *offset += FRAME;
            prompts
                .encoded(prompt, codec)
                .get(start..start + FRAME)
                .unwrap_or_default()
        }
    }
}

/// Cuts frames into packets of the party's ptime: at 10 ms two of a frame, above 20 ms they are
/// gathered first.
fn send(
    outbox: &mut Outbox,
    totals: &mut RtpTotals,
    at: Mono,
    id: PortId,
    port: &mut Port,
    frame: &[u8],
) {
    let size = port.packet_size();
    if FRAME.is_multiple_of(size) {
        for piece in frame.chunks(size) {
            send_piece(outbox, totals, at, id, port, piece);
        }
        return;
    }
    let mut gathered = std::mem::take(&mut port.gathered);
    gathered.extend_from_slice(frame);
    if gathered.len() >= size {
        send_piece(outbox, totals, at, id, port, &gathered[..size]);
        gathered.drain(..size);
    }
    port.gathered = gathered;
}

fn send_piece(
    outbox: &mut Outbox,
    totals: &mut RtpTotals,
    at: Mono,
    id: PortId,
    port: &mut Port,
    piece: &[u8],
) {
    let Some(to) = port.destination() else {
        port.stream.interrupt();
        return;
    };
    let numbers = port.stream.own(at, piece.len() as u32);
    // A number of our own is above all that were given out.
    let Ok(index) = port.index(numbers.sequence) else {
        totals.late += 1;
        return;
    };
    let header = rtp::header(
        port.media.payload_type,
        numbers.marker,
        numbers.sequence,
        numbers.timestamp,
        port.stream.ssrc,
    );
    if outbox.push(id, to, header, piece).is_some() {
        outbox.seal(|packet| port.seal(index, packet));
        port.count_sent(piece.len());
        totals.sent += 1;
    } else {
        totals.unsent += 1;
    }
}
