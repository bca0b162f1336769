//! Callers and seats of one shard, made before the clock is read.

use meishier_model::{
    CallId, Class, CounsellorId, Mono, PoolId, SeatId, ShardId, SkillId, SkillSet,
};
use meishier_queue::{Caller, Lowest, ReadySeat, Stamp};
use std::collections::VecDeque;

use crate::sizes::{SEATS, Size, Stand};

/// Skills that callers ask for beside the first, which all of them need.
const ASKED: u8 = 6;
/// Groups of the seats that fit nobody.
const IDLE_GROUPS: u64 = 10;
const POOL: PoolId = PoolId(0);
/// Odd, so that steps of it meet every slot of a power of two once, far from each other.
const STRIDE: usize = 40_503;

/// The numbers below `count`, a power of two, each once, out of order.
pub fn shuffled(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |n| n * STRIDE % count)
}

/// Seats that stand ready and fit no caller, and seats that take part, of all shards together.
#[must_use]
pub fn seats_of(size: Size) -> (Vec<u32>, Vec<u32>) {
    let idle = match size.stand {
        Stand::Callers => size.seats,
        Stand::Seats => 0,
    };
    let all: Vec<u32> = (0..)
        .zip(shuffled(SEATS))
        .map(|(_, n): (u32, _)| n as u32)
        .collect();
    let (idle, taking_part) = all.split_at(idle);
    (idle.to_vec(), taking_part.to_vec())
}

/// A ready seat that fits no caller.
#[must_use]
pub fn idle_seat(id: u32, shard: u16) -> ReadySeat {
    // Without the skill that all need; the others tell the groups apart.
    let skills = 1 + u64::from(id) % IDLE_GROUPS;
    seat(id, shard, SkillSet(skills << 1), Mono(0))
}

fn seat(id: u32, shard: u16, skills: SkillSet, now: Mono) -> ReadySeat {
    let has = (0..=ASKED + 1).filter_map(SkillId::new);
    ReadySeat {
        seat: SeatId(id),
        shard: ShardId(shard),
        counsellor: CounsellorId(id),
        pools: [POOL].into_iter().collect(),
        skills: has
            .filter(|s| skills.contains(*s))
            .map(|s| (s, 3))
            .collect(),
        lowest: Lowest::Everyone,
        idle_since: now,
        talked_ms: 0,
    }
}

/// The calls and seats of one shard.
pub struct Traffic {
    shard: u16,
    lanes: u64,
    count: u64,
    seats: VecDeque<u32>,
}

impl Traffic {
    /// Calls of `shard` and those of `seats` that are its own, of `shards`.
    #[must_use]
    pub fn new(shard: u16, shards: u16, lanes: usize, seats: &[u32]) -> Self {
        let own = seats.iter().skip(usize::from(shard));
        let own: VecDeque<u32> = own.step_by(usize::from(shards)).copied().collect();
        Self {
            shard,
            lanes: lanes as u64,
            count: 0,
            seats: own,
        }
    }

    /// The next caller; the lanes by turns.
    pub fn caller(&mut self, now: Mono) -> Caller {
        self.count += 1;
        // Shards begin at different lanes, or all would press into the same one.
        let lane = (self.count + u64::from(self.shard) * 7) % self.lanes;
        let skills = lane % (1 << ASKED);
        let class = Class::new((lane >> ASKED) as u8).unwrap_or(Class::LOWEST);
        Caller {
            call: self.call(self.count),
            shard: ShardId(self.shard),
            stamp: Stamp {
                at: now,
                tie: u32::from(self.shard),
            },
            class,
            risk: false,
            required: SkillSet(skills << 1 | 1),
            preferred: Default::default(),
            rings: [POOL].into_iter().collect(),
            open: 1,
            own_seat: None,
        }
    }

    /// The name of this shard's caller number `count`, from 1.
    #[must_use]
    pub fn call(&self, count: u64) -> CallId {
        CallId::new(ShardId(self.shard), count)
    }

    /// How many callers there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next seat that is free, ready since `now`; it fits every caller. `None` if all of them
    /// are taken.
    pub fn seat(&mut self, now: Mono) -> Option<ReadySeat> {
        let id = self.seats.pop_front()?;
        Some(seat(id, self.shard, SkillSet((2 << ASKED) - 1), now))
    }

    /// A seat is free again; all the others have their turn first.
    pub fn free(&mut self, seat: SeatId) {
        self.seats.push_back(seat.0);
    }

    /// The same for a seat that was not taken after all.
    pub fn keep(&mut self, seat: SeatId) {
        self.seats.push_front(seat.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Traffic, idle_seat, seats_of, shuffled};
    use crate::sizes::{SEATS, Size};
    use meishier_model::Mono;
    use std::collections::BTreeSet;

    #[test]
    fn every_slot_has_its_turn() {
        let met: BTreeSet<usize> = shuffled(SEATS).collect();
        assert_eq!((met.len(), met.last()), (SEATS, Some(&(SEATS - 1))));
    }

    #[test]
    fn there_are_as_many_lanes_as_said_and_the_seats_fit_all_but_the_idle_ones() {
        for lanes in [1, 30, 300] {
            let (idle, own) = seats_of(Size::waiting(10, 1_000, lanes));
            assert_eq!(idle.len() + own.len(), SEATS);
            let mut traffic = Traffic::new(1, 2, lanes, &own);
            let seat = traffic.seat(Mono(1)).unwrap();
            let idle = idle_seat(idle[0], 0);
            let mut met = BTreeSet::new();
            for _ in 0..2 * lanes {
                let caller = traffic.caller(Mono(1));
                assert!(seat.skill_set().covers(caller.needs()));
                assert!(!idle.skill_set().covers(caller.needs()));
                met.insert((caller.needs().0, caller.class.number()));
            }
            assert_eq!(met.len(), lanes);
        }
    }
}
