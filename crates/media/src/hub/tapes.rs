//! Recording: what parties say, laid on the beat, for whoever keeps it.
//!
//! ```text
//!   packet ──► jitter buffer of the party (the one of mixes) ──┐ each beat: a block a track
//!   StartTape, Tape, Untape, NoteTape, EndTape, Close ─────────┴──► poll_tape
//! ```
//!
//! What a party hears is not recorded: prompts and music are on no tape. Frames of pure silence make no
//! block, and key presses that are sent as events (RFC 4733) make no sound. Blocks that are not fetched
//! are dropped and counted once [`MAX_BLOCKS`] wait; the rest is never dropped, for orders bound it.

use super::Hub;
use crate::Taped;
use crate::prompts::FRAME;
use meishier_model::{Mono, PortId, TapeForm, TapeId, Wall};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Most blocks that wait for the driver: 40 s of one party, 0.7 MiB.
pub(super) const MAX_BLOCKS: usize = 2048;
/// Most parties on one tape at one time.
const MAX_PARTIES: usize = 16;

struct Tape {
    id: TapeId,
    /// The hub's beat at which it began.
    first: u64,
    parties: SmallVec<[(PortId, u8); 3]>,
    lost: u64,
}

impl Tape {
    fn frame(&self, beats: u64) -> u32 {
        u32::try_from(beats.saturating_sub(self.first)).unwrap_or(u32::MAX)
    }
}

/// The tapes of one hub.
#[derive(Default)]
pub(super) struct Tapes {
    running: Vec<Tape>,
    out: VecDeque<Taped>,
    /// How many of `out` are blocks.
    blocks: usize,
    /// Blocks dropped since the start.
    lost: u64,
}

impl Tapes {
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// True if a tape is to have what this party says.
    pub fn holds(&self, port: PortId) -> bool {
        let mut tapes = self.running.iter();
        tapes.any(|tape| tape.parties.iter().any(|(party, _)| *party == port))
    }

    fn get(&mut self, id: TapeId) -> Option<&mut Tape> {
        self.running.iter_mut().find(|tape| tape.id == id)
    }

    /// Takes a party off its tape.
    fn leave(&mut self, port: PortId, beats: u64) {
        for tape in &mut self.running {
            let Some(place) = tape.parties.iter().position(|(party, _)| *party == port) else {
                continue;
            };
            let (_, track) = tape.parties.remove(place);
            self.out.push_back(Taped::Left {
                tape: tape.id,
                frame: tape.frame(beats),
                track,
            });
        }
    }
}

impl Hub {
    pub(super) fn start_tape(
        &mut self,
        now: Mono,
        id: TapeId,
        form: TapeForm,
        about: (Wall, String),
    ) {
        if self.tapes.get(id).is_some() {
            return;
        }
        let (begun, about) = about;
        self.tapes.running.push(Tape {
            id,
            first: self.beats,
            parties: SmallVec::new(),
            lost: 0,
        });
        self.tapes.out.push_back(Taped::Started {
            tape: id,
            form,
            begun,
            about,
        });
        self.next_beat = self.next_beat.or(Some(now));
    }

    pub(super) fn tape(&mut self, id: TapeId, port: PortId, track: u8, label: String) {
        if self.port_mut(port).is_none() {
            return;
        }
        let beats = self.beats;
        match self.tapes.get(id) {
            Some(tape) if tape.parties.len() < MAX_PARTIES => {
                if tape.parties.contains(&(port, track)) {
                    return;
                }
            }
            _ => return,
        }
        self.tapes.leave(port, beats);
        let Some(tape) = self.tapes.get(id) else {
            return;
        };
        tape.parties.push((port, track));
        let frame = tape.frame(beats);
        self.tapes.out.push_back(Taped::Joined {
            tape: id,
            frame,
            track,
            label,
        });
        self.fit_jitter(port);
    }

    pub(super) fn untape(&mut self, id: TapeId, port: PortId) {
        let on_it = |tape: &mut Tape| tape.parties.iter().any(|(party, _)| *party == port);
        if self.tapes.get(id).is_some_and(on_it) {
            self.leave_tape(port);
            self.fit_jitter(port);
        }
    }

    /// The party is closed, or recorded no more.
    pub(super) fn leave_tape(&mut self, port: PortId) {
        self.tapes.leave(port, self.beats);
    }

    pub(super) fn note_tape(&mut self, id: TapeId, note: String) {
        let beats = self.beats;
        if let Some(frame) = self.tapes.get(id).map(|tape| tape.frame(beats)) {
            self.tapes.out.push_back(Taped::Note {
                tape: id,
                frame,
                note,
            });
        }
    }

    pub(super) fn end_tape(&mut self, id: TapeId, keep: bool) {
        let mut running = self.tapes.running.iter();
        let Some(place) = running.position(|tape| tape.id == id) else {
            // One that ended before, here or in another process, is refused as a whole.
            if !keep {
                self.tapes.out.push_back(Taped::Ended {
                    tape: id,
                    frame: 0,
                    keep,
                    lost: 0,
                });
            }
            return;
        };
        let tape = self.tapes.running.swap_remove(place);
        self.tapes.out.push_back(Taped::Ended {
            tape: id,
            frame: tape.frame(self.beats),
            keep,
            lost: tape.lost,
        });
        for (port, _) in tape.parties {
            self.fit_jitter(port);
        }
        if !self.has_beat() {
            self.next_beat = None;
        }
    }

    /// One frame of every party that is recorded.
    pub(super) fn on_tape_beat(&mut self) {
        let (beats, slots, tapes) = (self.beats, &mut self.slots, &mut self.tapes);
        for tape in &mut tapes.running {
            let frame = tape.frame(beats);
            for (port, track) in &tape.parties {
                let slot = slots.get_mut(port.0 as usize);
                let Some(jitter) = slot.and_then(|slot| slot.jitter.as_deref_mut()) else {
                    continue;
                };
                let samples = jitter.take(beats);
                if samples.iter().all(|sample| *sample == 0) {
                    continue;
                }
                if tapes.blocks >= MAX_BLOCKS {
                    tape.lost += 1;
                    tapes.lost += 1;
                    continue;
                }
                tapes.blocks += 1;
                tapes.out.push_back(Taped::Block {
                    tape: tape.id,
                    frame,
                    track: *track,
                    samples: *samples,
                });
            }
        }
    }

    /// The oldest part of a recording that waits.
    pub fn poll_tape(&mut self) -> Option<Taped> {
        let taped = self.tapes.out.pop_front()?;
        if matches!(taped, Taped::Block { .. }) {
            self.tapes.blocks = self.tapes.blocks.saturating_sub(1);
        }
        Some(taped)
    }

    /// Blocks of recordings that were dropped since the start because nobody fetched them in time.
    #[must_use]
    pub fn tape_lost(&self) -> u64 {
        self.tapes.lost
    }
}

// A block is a frame and little more: the queue of them stays small.
const _: () = assert!(std::mem::size_of::<Taped>() <= FRAME * 2 + 48);
