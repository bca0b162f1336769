//! Whoever makes another's matches and has no room for names leaves them to the next that has.
//!
//! One thread is stopped at each access while it opens a pool in which several pairs fit. Another
//! finishes its work with an operation that answers yes, no or an error, then does one that can name
//! shards. All shards with a match have been named when both are done.

mod fixtures;

use fixtures::operation::{Answer, Operation};
use fixtures::{caller, config, pools, seat};
use meishier_model::{CallId, Mono, PoolId, SeatId, ShardId};
use meishier_queue::{Caller, Queue, QueueConfig, ReadySeat, Strategy, Widening, hold};
use std::sync::mpsc::channel;

const SHARDS: u16 = 4;
const NOW: Mono = Mono(1000);

/// Three pairs, of shards 0 to 2, wait for pool 0 to open.
fn before() -> Queue {
    let queue = Queue::new(QueueConfig {
        shards: SHARDS,
        ..config(Strategy::LongestIdle, 8)
    });
    Operation::Drain(PoolId(0), true).on(&queue, NOW);
    for n in 0..3 {
        let shard = ShardId(n);
        let call = u64::from(n);
        let waits = Caller {
            shard,
            ..caller(call, call)
        };
        let ready = ReadySeat {
            shard,
            ..seat(u32::from(n))
        };
        Operation::Enqueue(waits).on(&queue, NOW);
        Operation::Ready(ready).on(&queue, NOW);
    }
    let elsewhere = Caller {
        rings: pools(&[1]),
        ..caller(9, 9)
    };
    Operation::Enqueue(elsewhere).on(&queue, NOW);
    queue
}

/// Operations whose answer has no room for names.
fn silent() -> Vec<Operation> {
    vec![
        Operation::Rewrite(caller(77, 1)),
        Operation::Enqueue(caller(9, 9)),
        Operation::PutBack(caller(9, 9)),
        Operation::Abandon(CallId(77)),
        Operation::Withdraw(SeatId(50)),
        Operation::Take(ShardId(3)),
        Operation::Has(ShardId(0)),
    ]
}

fn names(answer: &Answer) -> Vec<ShardId> {
    answer.wakes().unwrap_or_default().to_vec()
}

/// Stops the one who opens at one access. False if it was done before.
fn named_at(silent: &Operation, at: u64) -> bool {
    let queue = &before();
    let (reached, news) = channel();
    let (let_go, go_on) = channel::<()>();
    std::thread::scope(move |scope| {
        let opening = scope.spawn(move || {
            let done = reached.clone();
            hold::set(Some(Box::new(move |n| {
                if n == at {
                    let _ = reached.send(true);
                    let _ = go_on.recv();
                }
            })));
            let answer = Operation::Drain(PoolId(0), false).on(queue, NOW);
            hold::set(None);
            let _ = done.send(false);
            names(&answer)
        });
        let held = news.recv().unwrap();
        let answer = silent.clone().on(queue, NOW);
        assert!(answer.wakes().is_none(), "{silent:?}: {answer:?}");
        let unknown = Operation::Widen(CallId(77), Widening::OpenRing);
        let mut named = names(&unknown.clone().on(queue, NOW));
        drop(let_go);
        named.extend(opening.join().unwrap());
        named.extend(names(&unknown.on(queue, NOW)));
        for shard in (0..SHARDS).map(ShardId).filter(|it| queue.has_match(*it)) {
            assert!(
                named.contains(&shard),
                "{silent:?}, held at {at}: nobody named {shard}"
            );
        }
        assert_eq!(queue.missed(), None);
        assert_eq!(queue.counts().matches, 3);
        held
    })
}

#[test]
fn every_match_is_named_though_its_maker_had_no_room() {
    for silent in silent() {
        let points = (0..).take_while(|at| named_at(&silent, *at)).count();
        println!("{silent:?}: at {points} accesses");
        assert!(points > 100, "{points}");
    }
}
