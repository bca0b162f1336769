//! When a media thread works: many packets by one wake-up where many come, few at once where many
//! are to be made.

use crate::clock::until;
use meishier_model::Mono;
use std::time::Duration;

/// From the beginning of one round to the next where packets come thick. The rest keeps no packet longer;
/// the jitter of who speaks (20 ms a packet) is told that much too coarsely.
const REST: Duration = Duration::from_millis(1);
/// Over which packets are counted.
const WINDOW: Duration = Duration::from_millis(20);
/// Packets of a window from which on they come thick: those of 50 conversations, five a rest. A wake-up
/// costs about as much as one packet.
const THICK: u32 = 100;
/// Packets after which the clock is read anew within a round.
const STEP: u32 = 64;

/// How thick packets come.
#[derive(Default)]
pub(super) struct Density {
    window: Mono,
    packets: u32,
    thick: bool,
}

impl Density {
    /// One more; true if the clock is to be read again.
    pub(super) fn note(&mut self) -> bool {
        self.packets = self.packets.saturating_add(1);
        self.packets.is_multiple_of(STEP)
    }

    /// True if packets come thick.
    pub(super) fn is_dense(&mut self, now: Mono) -> bool {
        let passed = now.since(self.window);
        if passed >= WINDOW {
            let share = WINDOW.as_micros() * u128::from(self.packets) / passed.as_micros().max(1);
            self.thick = share >= u128::from(THICK);
            self.packets = 0;
            self.window = now;
        }
        self.thick
    }
}

/// One round of a media thread.
pub(super) struct Round {
    begun: Mono,
    /// The time that its packets have: at first that of its beginning, by which all had come.
    pub(super) now: Mono,
}

impl Round {
    /// A round that begins when the wait for packets is over.
    pub(super) fn new(now: Mono) -> Self {
        Self { begun: now, now }
    }

    /// How long the thread may rest after it, with `next` to be done. A round that took as long as a rest
    /// has none: packets have come meanwhile.
    pub(super) fn rest(&self, now: Mono, next: Option<Mono>) -> Duration {
        let end = self.begun + REST;
        until(now, next.map_or(end, |next| next.min(end)))
    }
}

/// From one piece of a beat to the next.
const PIECE: Duration = Duration::from_millis(2);
/// Pieces of a beat: the last leaves before the next beat.
const PIECES: u32 = 8;
/// Packets that are no burst.
const FEW: usize = 64;

/// The packets of one beat, cut into pieces.
#[derive(Default)]
pub(super) struct Spread {
    next: Option<Mono>,
    left: usize,
    piece: usize,
}

impl Spread {
    /// A beat made so many packets.
    pub(super) fn begin(&mut self, now: Mono, packets: usize) {
        self.left = packets;
        self.piece = match packets {
            0..=FEW => packets,
            _ => packets.div_ceil(PIECES as usize),
        };
        self.next = (packets > 0).then_some(now);
    }

    /// When the next piece is due.
    pub(super) fn next(&self) -> Option<Mono> {
        self.next
    }

    /// How many packets are to leave now.
    pub(super) fn due(&mut self, now: Mono) -> usize {
        let mut due = 0;
        while let Some(at) = self.next.filter(|at| *at <= now) {
            let piece = self.piece.min(self.left);
            due += piece;
            self.left -= piece;
            self.next = (self.left > 0).then(|| at + PIECE);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono(ms * 1000)
    }

    #[test]
    fn a_large_beat_leaves_in_pieces_before_the_next() {
        let mut spread = Spread::default();
        spread.begin(at(100), 1001);
        let sent: Vec<usize> = (100..120).map(|ms| spread.due(at(ms))).collect();
        assert_eq!(sent.iter().sum::<usize>(), 1001);
        assert_eq!(sent.iter().max(), Some(&126));
        assert_eq!(spread.next(), None);
        assert!(sent[15..].iter().all(|it| *it == 0), "{sent:?}");
    }

    #[test]
    fn a_small_beat_leaves_at_once_and_a_late_look_makes_up() {
        let mut spread = Spread::default();
        spread.begin(at(0), FEW);
        assert_eq!((spread.due(at(0)), spread.next()), (FEW, None));
        spread.begin(at(20), 800);
        assert_eq!(spread.due(at(20)), 100);
        assert_eq!(spread.next(), Some(at(22)));
        assert_eq!(spread.due(at(29)), 400);
        assert_eq!(spread.due(at(60)), 300);
        assert_eq!(spread.next(), None);
        spread.begin(at(80), 0);
        assert_eq!((spread.due(at(80)), spread.next()), (0, None));
    }

    #[test]
    fn a_rest_counts_from_where_the_round_began_whenever_the_clock_was_read() {
        let us = Duration::from_micros;
        let begun = at(100);
        let mut round = Round::new(begun);
        assert_eq!(round.rest(begun + us(100), None), us(900));
        round.now = begun + us(800);
        assert_eq!(round.rest(begun + us(900), None), us(100));
        // What is due comes first.
        assert_eq!(round.rest(begun + us(900), Some(begun + us(950))), us(50));
        assert_eq!(round.rest(begun + us(900), Some(begun)), us(0));
        // A saturated thread does not rest.
        round.now = begun + us(1400);
        assert_eq!(round.rest(begun + us(1500), None), us(0));
    }

    #[test]
    fn few_packets_are_read_as_they_come() {
        let mut density = Density::default();
        let mut play = |from: u64, each_ms: u32| {
            (from..from + 60)
                .map(|ms| {
                    (0..each_ms).for_each(|_| _ = density.note());
                    density.is_dense(at(ms))
                })
                .last()
        };
        assert_eq!(play(1000, 4), Some(false));
        assert_eq!(play(1060, 6), Some(true));
        assert_eq!(play(1120, 1), Some(false));
    }
}
