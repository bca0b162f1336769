//! The channels of trunks: never more than there are, whoever asks at once.

mod fixtures;

use fixtures::queue;
use meishier_model::TrunkId;
use meishier_queue::{MAX_TRUNKS, Strategy};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const TRUNK: TrunkId = TrunkId(3);

#[test]
fn a_trunk_gives_no_more_channels_than_it_has() {
    let queue = queue(Strategy::LongestIdle);
    let channels = queue.channels();
    let taken = (0..10).filter(|_| channels.take(TRUNK, 4)).count();
    assert_eq!(taken, 4);
    assert!(channels.take(TRUNK, 5), "the reserve of somebody else");
    assert!(channels.take(TrunkId(4), 1), "another trunk has its own");
    channels.give_back(TRUNK);
    assert!(!channels.take(TRUNK, 4));
    channels.give_back(TRUNK);
    assert!(channels.take(TRUNK, 4));
    channels.hold(TRUNK);
    assert_eq!(channels.taken(TRUNK), 5);
    for _ in 0..9 {
        channels.give_back(TRUNK);
    }
    assert_eq!(channels.taken(TRUNK), 0, "and never below");
    assert!(!channels.take(TRUNK, 0));
}

#[test]
fn a_trunk_that_is_not_there_has_none() {
    let queue = queue(Strategy::LongestIdle);
    let beyond = TrunkId(MAX_TRUNKS as u16);
    assert!(!queue.channels().take(beyond, u32::MAX));
    queue.channels().hold(beyond);
    queue.channels().give_back(beyond);
    assert_eq!(queue.channels().taken(beyond), 0);
}

#[test]
fn threads_at_once_never_pass_the_limit_and_lose_none() {
    const LIMIT: u32 = 7;
    let queue = queue(Strategy::LongestIdle);
    let (now, most, got) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    if queue.channels().take(TRUNK, LIMIT) {
                        let held = now.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(held, Ordering::SeqCst);
                        got.fetch_add(1, Ordering::SeqCst);
                        now.fetch_sub(1, Ordering::SeqCst);
                        queue.channels().give_back(TRUNK);
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= u64::from(LIMIT));
    assert!(got.into_inner() > 0);
    assert_eq!(queue.channels().taken(TRUNK), 0);
}
