//! Everybody's position in one go: for people, from a copy of who waits.

use meishier_model::{CallId, PoolId, SeatId};
use smallvec::SmallVec;
use std::collections::BTreeMap;

use crate::view::WaitingView;

/// Pools that are open for a caller, in ascending order.
type Open = SmallVec<[PoolId; 4]>;

/// Callers counted so far by the pools that are open for them: many callers, few such sets.
#[derive(Default)]
struct Counted {
    numbers: BTreeMap<Open, usize>,
    counts: Vec<u32>,
    /// For each set, those that share a pool with it, itself among them unless it is empty.
    shares: Vec<Vec<usize>>,
    /// By own seat, how many of each set.
    owned: BTreeMap<SeatId, BTreeMap<usize, u32>>,
}

impl Counted {
    fn number(&mut self, open: Open) -> usize {
        if let Some(number) = self.numbers.get(&open) {
            return *number;
        }
        let number = self.counts.len();
        let others = self.numbers.iter();
        let mut shares: Vec<usize> = others
            .filter(|(other, _)| other.iter().any(|pool| open.contains(pool)))
            .map(|(_, other)| *other)
            .collect();
        for other in &shares {
            if let Some(theirs) = self.shares.get_mut(*other) {
                theirs.push(number);
            }
        }
        if !open.is_empty() {
            shares.push(number);
        }
        self.shares.push(shares);
        self.counts.push(0);
        self.numbers.insert(open, number);
        number
    }

    /// How many of those counted compete with the next caller, who is counted by this.
    fn ahead(&mut self, caller: &WaitingView) -> u32 {
        let open = usize::from(caller.open).min(caller.rings.len());
        let mut pools: Open = caller.rings.iter().take(open).copied().collect();
        pools.sort_unstable();
        pools.dedup();
        let number = self.number(pools);
        let shares = self.shares.get(number).map_or(&[][..], Vec::as_slice);
        let count = |other: &usize| self.counts.get(*other).copied().unwrap_or(0);
        let mut ahead: u32 = shares.iter().map(count).sum();
        if let Some(seat) = caller.own_seat {
            let same = self.owned.entry(seat).or_default();
            let others = same.iter().filter(|(other, _)| !shares.contains(other));
            ahead += others.map(|(_, count)| *count).sum::<u32>();
            *same.entry(number).or_default() += 1;
        }
        if let Some(count) = self.counts.get_mut(number) {
            *count += 1;
        }
        ahead
    }
}

/// For each waiting caller, how many stand before it and compete with it. `waiting` is in order.
pub(crate) fn positions_of(waiting: &[WaitingView]) -> BTreeMap<CallId, u32> {
    let mut counted = Counted::default();
    let all = waiting.iter();
    all.map(|caller| (caller.call, counted.ahead(caller)))
        .collect()
}
