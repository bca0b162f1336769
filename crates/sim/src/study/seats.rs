//! The seats of a study: who is on duty, who talks, and for how long.

use super::nation::Nation;
use crate::dice::Dice;
use meishier_model::{CounsellorId, Mono, PoolId, SeatId, ShardId, SkillId};
use meishier_queue::{Lowest, ReadySeat};
use smallvec::SmallVec;

/// One seat.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// Its own pool first.
    pub pools: SmallVec<[PoolId; 4]>,
    /// Seat of the file that it is, or is a copy of.
    pub of: usize,
    pub on_duty: bool,
    /// Rings, talks, rests or has a break.
    pub busy: bool,
    /// The break that is due, or is taken.
    pub break_due: bool,
    pub away: bool,
    pub rang_out: u8,
    pub counsellor: CounsellorId,
    pub skills: SmallVec<[(SkillId, u8); 8]>,
    pub idle_since: Mono,
    pub talked_ms: u64,
    /// Since when on duty, for the figures.
    pub since: Mono,
    pub duty_ms: u64,
    pub all_talk_ms: u64,
}

impl Seat {
    /// What the queue is told.
    pub fn ready(&self, seat: usize) -> ReadySeat {
        ReadySeat {
            seat: SeatId(seat as u32),
            shard: ShardId(0),
            counsellor: self.counsellor,
            pools: self.pools.clone(),
            skills: self.skills.clone(),
            lowest: Lowest::Everyone,
            idle_since: self.idle_since,
            talked_ms: self.talked_ms,
        }
    }

    /// Somebody sits here who takes calls, now or after the present one.
    pub fn staffed(&self) -> bool {
        self.on_duty && !self.away
    }
}

/// All seats, those of a pool together; with more lines than the file's, copies come after its own.
pub(super) fn seats(nation: &Nation, times: f64) -> (Vec<Seat>, Vec<Vec<usize>>) {
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); nation.config.pools.len()];
    for (index, seat) in nation.config.seats.iter().enumerate() {
        if let Some(pool) = seat.pools.first() {
            own[usize::from(pool.0)].push(index);
        }
    }
    let mut out = Vec::new();
    let mut by_pool = vec![Vec::new(); own.len()];
    for (pool, list) in own.iter_mut().enumerate() {
        // Who is lent to others is on duty whenever anybody is.
        list.sort_by_key(|seat| std::cmp::Reverse(nation.config.seats[*seat].pools.len()));
        let many = scaled(list.len(), times);
        for of in list.iter().cycle().take(many) {
            by_pool[pool].push(out.len());
            out.push(Seat {
                pools: nation.config.seats[*of].pools.iter().copied().collect(),
                of: *of,
                on_duty: false,
                busy: false,
                break_due: false,
                away: false,
                rang_out: 0,
                counsellor: CounsellorId(0),
                skills: SmallVec::new(),
                idle_since: Mono(0),
                talked_ms: 0,
                since: Mono(0),
                duty_ms: 0,
                all_talk_ms: 0,
            });
        }
    }
    (out, by_pool)
}

/// So many times `lines`, rounded up.
pub(super) fn scaled(lines: usize, times: f64) -> usize {
    // A little less, so that 1.1 times 10 is not 12.
    (lines as f64 * times - 1e-9).ceil() as usize
}

/// Counsellors of each seat of the file.
pub(super) fn rosters(nation: &Nation) -> Vec<Vec<u32>> {
    let mut out = vec![Vec::new(); nation.config.seats.len()];
    for (who, counsellor) in (0u32..).zip(&nation.config.counsellors) {
        for seat in counsellor.seats.iter() {
            if let Some(list) = out.get_mut(seat.0 as usize) {
                list.push(who);
            }
        }
    }
    out
}

/// Somebody of the roster who does not sit elsewhere; the first if all do.
pub(super) fn pick(roster: &[u32], taken: &[u32], dice: &mut Dice) -> u32 {
    let first = dice.index(roster.len());
    let mut turn = roster.iter().cycle().skip(first).take(roster.len());
    let free = turn.find(|who| !taken.contains(who));
    free.or(roster.first()).copied().unwrap_or(0)
}
