//! As many callers and seats as the engine must carry, and the memory that they leave behind.

mod fixtures;

use fixtures::dice::Dice;
use fixtures::{caller, class, seat, secs, set, skill};
use meishier_model::{Class, CounsellorId, PoolId, SeatId, ShardId};
use meishier_queue::{
    Ageing, Caller, EnqueueError, MAX_LINES, PoolConfig, Queue, QueueConfig, ReadySeat, Side,
    Strategy,
};
use std::time::Duration;

const SEATS: u32 = 8192;
const CALLERS: u64 = 65_536;
/// Kept for risk callers and for those who are put back.
const RISK: u64 = 4096;
const POOLS: u16 = 4;
const SHARDS: u16 = 4;
const ROUNDS: u64 = 3;
/// Pages of memory that may come and go by themselves: 4 MiB.
const SLACK: u64 = 1024;

fn large() -> QueueConfig {
    let strategies = [
        Strategy::LongestIdle,
        Strategy::BestSkill,
        Strategy::LeastTalk,
        Strategy::RoundRobin,
    ];
    let lines = MAX_LINES;
    QueueConfig {
        shards: SHARDS,
        pools: strategies
            .map(|strategy| PoolConfig { strategy, lines })
            .to_vec(),
        seats: SEATS as usize,
        max_callers: CALLERS as usize,
        capacity: (CALLERS + RISK) as usize,
        ageing: Ageing {
            step: Duration::from_secs(60),
        },
    }
}

/// Caller `n` needs a skill that only some seats have.
fn someone(n: u64) -> Caller {
    let first = (n % u64::from(POOLS)) as u16;
    Caller {
        shard: ShardId((n % u64::from(SHARDS)) as u16),
        class: class((n % 7) as u8),
        required: set(&[(n % 5) as u8]),
        rings: [PoolId(first), PoolId((first + 1) % POOLS)]
            .into_iter()
            .collect(),
        open: 2,
        ..caller(n, n / 100)
    }
}

fn at_risk(n: u64) -> Caller {
    Caller {
        risk: true,
        class: Class::LOWEST,
        ..someone(n)
    }
}

fn telephone(n: u32, able: bool) -> ReadySeat {
    let skills = (0..5).map(|s| (skill(if able { s } else { 20 + s }), 3));
    ReadySeat {
        shard: ShardId((n % u32::from(SHARDS)) as u16),
        counsellor: CounsellorId(n),
        pools: [PoolId((n % u32::from(POOLS)) as u16)]
            .into_iter()
            .collect(),
        skills: skills.collect(),
        ..seat(n)
    }
}

/// Resident pages of this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Takes everything and hangs up at once. How many calls were matched.
fn serve_and_hang_up(queue: &Queue) -> u64 {
    let mut served = 0;
    for shard in (0..SHARDS).map(ShardId) {
        while let Some(made) = queue.take_match(shard) {
            if made.side == Side::Caller {
                served += 1;
                queue.release_line(secs(9999), made.line);
            }
        }
    }
    served
}

fn fill(queue: &Queue, round: u64) -> u64 {
    let first = round * 1_000_000;
    for n in first..first + CALLERS {
        assert!(queue.enqueue(secs(1000), someone(n)).unwrap().is_empty());
    }
    for n in 0..SEATS {
        let wakes = queue.seat_ready(secs(1000), telephone(n, false)).unwrap();
        assert!(wakes.is_empty());
    }
    first
}

/// Beyond `max_callers` only risk and put-back come in, beyond the capacity nobody.
fn overfill(queue: &Queue, first: u64) {
    let full = Err(EnqueueError::Full);
    let (above, end) = (first + CALLERS, first + CALLERS + RISK);
    assert_eq!(queue.enqueue(secs(1001), someone(above)), full);
    for n in above..end {
        let entered = if n % 2 == 0 {
            queue.enqueue(secs(1001), at_risk(n))
        } else {
            queue.put_back(secs(1001), someone(n))
        };
        assert!(entered.unwrap().is_empty());
    }
    assert_eq!(queue.enqueue(secs(1001), someone(end)), full);
    assert_eq!(queue.enqueue(secs(1001), at_risk(end)), full);
    assert_eq!(queue.put_back(secs(1001), someone(end)), full);
    assert_eq!(queue.reenter_caller(secs(1001), someone(end)), full);
    assert_eq!(
        queue.enqueue(secs(1001), someone(first)),
        Err(EnqueueError::Duplicate)
    );
    let counts = queue.counts();
    assert_eq!(u64::from(counts.waiting), CALLERS + RISK);
    assert_eq!(counts.ready, SEATS);
    // One place is free again, and one caller takes it.
    assert!(queue.abandon(secs(1002), someone(first).call));
    assert!(queue.enqueue(secs(1002), at_risk(end)).is_ok());
    assert_eq!(queue.enqueue(secs(1002), at_risk(end + 1)), full);
    assert!(queue.abandon(secs(1002), someone(end).call));
    assert!(queue.put_back(secs(1002), someone(first)).is_ok());
}

/// A part is served by the seats, which all changed their skills, the rest hangs up.
fn leave(queue: &Queue, first: u64) {
    for n in 0..SEATS {
        queue.seat_ready(secs(1003), telephone(n, true)).unwrap();
    }
    assert_eq!(queue.counts().ready, 0, "there was a caller for each");
    assert_eq!(
        queue.enqueue(secs(1003), someone(first + 500_000)),
        Err(EnqueueError::Full)
    );
    assert_eq!(serve_and_hang_up(queue), u64::from(SEATS));
    for n in (first..first + CALLERS + RISK).rev() {
        queue.abandon(secs(1004), someone(n).call);
    }
    for n in 0..SEATS {
        assert!(!queue.seat_withdrawn(SeatId(n)));
    }
    let counts = queue.counts();
    assert_eq!((counts.waiting, counts.ready), (0, 0));
    assert_eq!(counts.lines_used, [0; POOLS as usize]);
    assert!(queue.waiting_list().is_empty());
}

#[test]
fn everybody_fits_and_leaves_the_memory_as_it_was() {
    let queue = Queue::new(large());
    let mut pages = Vec::new();
    for round in 0..ROUNDS {
        let first = fill(&queue, round);
        assert_eq!(queue.missed(), None);
        overfill(&queue, first);
        leave(&queue, first);
        assert_eq!(queue.counts().matches, u64::from(SEATS) * (round + 1));
        pages.push(resident());
    }
    assert!(
        pages[ROUNDS as usize - 1] <= pages[0] + SLACK,
        "memory grows: {pages:?} pages"
    );
}

/// Callers who come and go leave nothing behind that fills the queue, though some stay throughout:
/// whoever came first, and whoever stands last.
#[test]
fn stale_entries_never_fill_the_queue() {
    let config = QueueConfig {
        max_callers: 64,
        capacity: 64,
        seats: 16,
        ..large()
    };
    let queue = Queue::new(config);
    let mut dice = Dice::new(1);
    let staying = (0..8).chain(9_000_000..9_000_008);
    for n in staying.clone() {
        assert!(queue.enqueue(secs(0), someone(n)).unwrap().is_empty());
    }
    let mut here: Vec<u64> = Vec::new();
    for n in 1000..200_000 {
        assert!(queue.enqueue(secs(n), someone(n)).unwrap().is_empty());
        here.push(n);
        if here.len() == 48 {
            let gone = here.swap_remove(dice.roll(48) as usize);
            assert!(queue.abandon(secs(n), someone(gone).call));
        }
        let telephone = telephone(dice.roll(16) as u32, false);
        assert!(queue.seat_ready(secs(n), telephone.clone()).is_ok());
        assert!(queue.seat_withdrawn(telephone.seat));
    }
    for n in here {
        assert!(queue.abandon(secs(200_000), someone(n).call));
    }
    let listed = queue.waiting_list().into_iter().map(|view| view.call.0);
    let mut listed: Vec<u64> = listed.collect();
    listed.sort_unstable();
    assert_eq!(listed, staying.collect::<Vec<_>>());
    for n in 300_000..300_048 {
        assert!(queue.enqueue(secs(n), someone(n)).is_ok());
    }
    assert_eq!(queue.counts().waiting, 64);
}
