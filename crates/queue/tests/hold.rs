//! A thread that is stopped for ever keeps nobody from matching, abandoning or widening.
//!
//! One thread is stopped at its first, second, … atomic access inside an operation, for each kind
//! of operation, until the operation ends before it comes so far. While it stands there the others
//! finish ten thousand operations, and nobody but itself may miss anything. Then it goes on, and
//! its operation must end as if nothing had been.

mod fixtures;

use fixtures::dice::Dice;
use fixtures::operation::Operation;
use fixtures::world::{Listening, POOLS, Shard, World, all_is_whole, others_are_whole};
use fixtures::{class, held, pools, set, skill};
use meishier_model::{CallId, LineId, PoolId, SeatId, ShardId};
use meishier_queue::{Caller, Lowest, Queue, QueueConfig, ReadySeat, Strategy, Widening, hold};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What the others finish while one is held, all together.
const OPERATIONS: u64 = 10_000;
const SHARDS: u16 = 4;
/// Nothing is measured by it: it ends a test in which the others wait for the one who is held.
const PATIENCE: Duration = Duration::from_secs(60);
/// A skill that only the held thread's callers need and only its seats have.
const MINE: u8 = 10;
/// A skill that nobody has.
const NOBODYS: u8 = 11;

/// News from the threads of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// It stands at its access.
    Held,
    /// Its operation ended.
    Done,
    /// The others have done what they had to do.
    Others,
}

/// Everybody who is in the held thread's hands at the beginning, and what it does.
struct Scene {
    world: World,
    mine: Shard,
    others: Vec<Shard>,
    act: Act,
}

type Act = Box<dyn FnOnce(&World, &mut Shard) + Send>;

fn one(operation: Operation) -> Act {
    Box::new(move |world, shard| shard.perform(world, operation))
}

fn my_seat(n: u32, able: bool) -> ReadySeat {
    let skills = if able { vec![0, 1, 2, MINE] } else { vec![0] };
    ReadySeat {
        seat: SeatId(n),
        counsellor: meishier_model::CounsellorId(n),
        pools: pools(&[0, 1]),
        skills: skills.into_iter().map(|s| (skill(s), 3)).collect(),
        ..fixtures::seat(n)
    }
}

impl Scene {
    fn new(act: Act) -> Self {
        let shard = |n| Shard::new(ShardId(n));
        Self {
            world: World::new(SHARDS, 24, 128),
            mine: shard(0),
            others: (1..SHARDS).map(shard).collect(),
            act,
        }
    }

    /// Somebody of the held thread's shard. Pool 2 has none of its seats.
    fn caller(&mut self) -> Caller {
        let caller = self.mine.caller(&self.world, &mut Dice::new(1));
        Caller {
            class: class(4),
            risk: false,
            required: set(&[]),
            preferred: Default::default(),
            rings: pools(&[0, 1]),
            open: 2,
            own_seat: None,
            ..caller
        }
    }

    fn enter(&mut self, caller: &Caller) {
        let entry = Operation::Enqueue(caller.clone());
        self.mine.perform(&self.world, entry);
        assert!(self.waits(caller.call));
    }

    fn waits(&self, call: CallId) -> bool {
        self.world.queue.position(call).is_some()
    }

    /// Callers of all shards wait.
    fn crowd(mut self) -> Self {
        let mut dice = Dice::new(7);
        for _ in 0..2 {
            for shard in &mut self.others {
                let caller = shard.caller(&self.world, &mut dice);
                shard.perform(&self.world, Operation::Enqueue(caller));
            }
            let caller = self.caller();
            self.enter(&caller);
        }
        self
    }

    /// Seats of all shards are ready.
    fn seats(mut self) -> Self {
        let mut dice = Dice::new(8);
        for n in 0..3 {
            for shard in &mut self.others {
                let seat = shard.seat(&mut dice);
                shard.perform(&self.world, Operation::Ready(seat));
            }
            if n % 2 == 0 {
                let ready = Operation::Ready(my_seat(n, true));
                self.mine.perform(&self.world, ready);
            }
        }
        self
    }

    /// Seats that take nobody who is not at risk.
    fn reserve(mut self) -> Self {
        for n in 0..3 {
            let seat = ReadySeat {
                lowest: Lowest::RiskOnly,
                ..my_seat(n, true)
            };
            self.mine.perform(&self.world, Operation::Ready(seat));
        }
        self
    }

    /// All pools closed by `close`, callers and seats that fit in front of them.
    fn behind(self, close: impl Fn(PoolId) -> Operation) -> Self {
        for pool in (0..POOLS).map(PoolId) {
            self.world.perform(close(pool));
        }
        self.crowd().seats()
    }

    fn then(mut self, act: impl FnOnce(&mut Self) -> Act) -> Self {
        self.act = act(&mut self);
        self
    }
}

fn nothing() -> Act {
    Box::new(|_, _| {})
}

/// A kind of operation, at a moment at which it has something to do.
type Kind = (&'static str, fn() -> Scene);

const ENTRIES: &[Kind] = &[
    ("enqueue, waits", || {
        Scene::new(nothing())
            .crowd()
            .then(|s| one(Operation::Enqueue(s.caller())))
    }),
    ("enqueue, matches", || {
        Scene::new(nothing())
            .seats()
            .then(|s| one(Operation::Enqueue(s.caller())))
    }),
    ("put back, waits", || {
        Scene::new(nothing())
            .crowd()
            .then(|s| one(Operation::PutBack(s.caller())))
    }),
    ("put back, matches", || {
        Scene::new(nothing())
            .seats()
            .then(|s| one(Operation::PutBack(s.caller())))
    }),
    ("abandon", || {
        Scene::new(nothing()).crowd().then(|s| {
            let caller = s.caller();
            s.enter(&caller);
            one(Operation::Abandon(caller.call))
        })
    }),
    ("abandon, unknown", || {
        Scene::new(one(Operation::Abandon(CallId(u64::MAX)))).crowd()
    }),
];

const CHANGES: &[Kind] = &[
    ("widen by a ring, matches", || {
        Scene::new(nothing()).seats().then(|s| {
            let required = set(&[MINE]);
            let caller = Caller {
                rings: pools(&[2, 0]),
                open: 1,
                required,
                ..s.caller()
            };
            s.enter(&caller);
            one(Operation::Widen(caller.call, Widening::OpenRing))
        })
    }),
    ("widen by a preference, matches", || {
        Scene::new(nothing()).seats().then(|s| {
            let preferred = [held(NOBODYS, 3)].into_iter().collect();
            let caller = Caller {
                preferred,
                ..s.caller()
            };
            s.enter(&caller);
            let step = Widening::DropPreference(skill(NOBODYS));
            one(Operation::Widen(caller.call, step))
        })
    }),
    ("release the own seat", || {
        Scene::new(nothing()).crowd().then(|s| {
            let caller = Caller {
                own_seat: Some(SeatId(1)),
                ..s.caller()
            };
            s.enter(&caller);
            one(Operation::Widen(caller.call, Widening::ReleaseOwnSeat))
        })
    }),
    ("raise, waits", || {
        Scene::new(nothing()).crowd().then(|s| {
            let caller = s.caller();
            s.enter(&caller);
            one(Operation::Raise(caller.call, Some(class(0)), false))
        })
    }),
    ("raise, matches", || {
        Scene::new(nothing()).reserve().then(|s| {
            let caller = s.caller();
            s.enter(&caller);
            one(Operation::Raise(caller.call, None, true))
        })
    }),
    ("rewrite, matches", || {
        Scene::new(nothing()).seats().then(|s| {
            let caller = Caller {
                required: set(&[NOBODYS]),
                ..s.caller()
            };
            s.enter(&caller);
            let required = set(&[MINE]);
            one(Operation::Rewrite(Caller { required, ..caller }))
        })
    }),
    ("rewrite, waits", || {
        Scene::new(nothing()).crowd().then(|s| {
            let caller = s.caller();
            s.enter(&caller);
            let required = set(&[NOBODYS]);
            one(Operation::Rewrite(Caller { required, ..caller }))
        })
    }),
];

const SEATS: &[Kind] = &[
    ("seat ready, waits", || {
        Scene::new(one(Operation::Ready(my_seat(1, true)))).seats()
    }),
    ("seat ready, matches", || {
        Scene::new(one(Operation::Ready(my_seat(1, true)))).crowd()
    }),
    ("seat ready again, matches", || {
        Scene::new(nothing()).then(|s| {
            let caller = Caller {
                required: set(&[MINE]),
                ..s.caller()
            };
            s.enter(&caller);
            let world = &s.world;
            s.mine.perform(world, Operation::Ready(my_seat(1, false)));
            // What was said of it is replaced.
            s.mine.ready.insert(SeatId(1), my_seat(1, true));
            one(Operation::Ready(my_seat(1, true)))
        })
    }),
    ("seat withdrawn", || {
        Scene::new(one(Operation::Withdraw(SeatId(2)))).seats()
    }),
    ("take", || {
        Scene::new(nothing()).crowd().then(|s| {
            let world = &s.world;
            s.mine.perform(world, Operation::Ready(my_seat(0, true)));
            one(Operation::Take(ShardId(0)))
        })
    }),
];

const POOL_CHANGES: &[Kind] = &[
    ("set lines, several match", || {
        let act = one(Operation::Lines(PoolId(0), 9));
        Scene::new(act).behind(|pool| Operation::Lines(pool, 0))
    }),
    ("drain off, several match", || {
        let act = one(Operation::Drain(PoolId(0), false));
        Scene::new(act).behind(|pool| Operation::Drain(pool, true))
    }),
    ("heal", || Scene::new(one(Operation::Heal)).crowd()),
    ("drain on", || {
        Scene::new(one(Operation::Drain(PoolId(0), true))).crowd()
    }),
    ("release of a line, matches", || {
        Scene::new(nothing()).then(|s| {
            let caller = s.caller();
            s.enter(&caller);
            let world = &s.world;
            s.mine.perform(world, Operation::Ready(my_seat(0, true)));
            s.mine.listen(world, Listening::Asking);
            let (_, line): (_, LineId) = s.mine.talking.remove(0);
            for pool in (0..POOLS).map(PoolId) {
                world.perform(Operation::Lines(pool, u16::from(pool == line.pool)));
            }
            let next = s.caller();
            s.enter(&next);
            s.mine.perform(&s.world, Operation::Ready(my_seat(2, true)));
            one(Operation::Release(line))
        })
    }),
];

/// Three threads, ten thousand operations together.
fn others_work(world: &World, others: Vec<Shard>, seed: u64) -> Vec<Shard> {
    let done = &AtomicU64::new(0);
    std::thread::scope(|scope| {
        let work = |mut shard: Shard| {
            scope.spawn(move || {
                let mut dice = Dice::new(seed * 64 + u64::from(shard.id.0));
                while done.fetch_add(1, Ordering::SeqCst) < OPERATIONS {
                    while shard
                        .choose(world, &mut dice)
                        .map(|it| shard.perform(world, it))
                        .is_none()
                    {}
                    shard.listen(world, Listening::Asking);
                }
                shard
            })
        };
        let threads: Vec<_> = others.into_iter().map(work).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

/// Stops the operation at one access. False if it ended before.
fn held_at(kind: Kind, at: u64) -> bool {
    let scene = kind.1();
    let (world, mut mine, act) = (&scene.world, scene.mine, scene.act);
    let (reached, news) = channel();
    // Dropped, it lets the thread go as well: if this fails, it does not hang.
    let (let_go, go_on) = channel::<()>();
    std::thread::scope(move |scope| {
        let reached_by_me = reached.clone();
        let held = scope.spawn(move || {
            stand_at(at, reached_by_me.clone(), go_on);
            act(world, &mut mine);
            hold::set(None);
            let _ = reached_by_me.send(Reached::Done);
            mine
        });
        if news.recv().unwrap() == Reached::Done {
            held.join().unwrap();
            return false;
        }
        let working = scope.spawn(move || {
            let work = || others_work(world, scene.others, at);
            let others = catch_unwind(AssertUnwindSafe(work));
            let _ = reached.send(Reached::Others);
            others
        });
        let heard = news.recv_timeout(PATIENCE);
        assert_eq!(
            heard,
            Ok(Reached::Others),
            "{}: who is held at access {at} holds up the others",
            kind.0
        );
        let mut shards = working.join().unwrap().unwrap_or_else(|panic| {
            eprintln!("{}: held at access {at}", kind.0);
            resume_unwind(panic)
        });
        others_are_whole(world, &mut shards);
        drop(let_go);
        shards.insert(0, held.join().unwrap());
        all_is_whole(world, shards);
        true
    })
}

/// This thread stops at its access number `at` from now, until `go_on` says something or nobody is
/// left who could.
fn stand_at(at: u64, reached: Sender<Reached>, go_on: Receiver<()>) {
    let mut accesses = 0;
    hold::set(Some(Box::new(move |_| {
        if accesses == at {
            let _ = reached.send(Reached::Held);
            let _ = go_on.recv();
        }
        accesses += 1;
    })));
}

fn hold_everywhere(kinds: &[Kind]) {
    for kind in kinds {
        let points = (0..).take_while(|at| held_at(*kind, *at)).count();
        println!("{}: held at {points} accesses", kind.0);
        assert!(points > 0, "{}: the hook is never called", kind.0);
    }
}

#[test]
fn whoever_is_held_while_it_lets_somebody_in_or_out() {
    hold_everywhere(ENTRIES);
}

#[test]
fn whoever_is_held_while_it_changes_a_caller() {
    hold_everywhere(CHANGES);
}

#[test]
fn whoever_is_held_with_a_seat() {
    hold_everywhere(SEATS);
}

#[test]
fn whoever_is_held_while_a_pool_changes() {
    hold_everywhere(POOL_CHANGES);
}

/// A match puts one letter each into two inboxes. At whatever access its maker stands, who has seen the
/// one sees the other.
#[test]
fn both_letters_of_a_match_are_there_at_once() {
    let mut seen = 0;
    for first in [0, 1] {
        let queue = Arc::new(Queue::new(QueueConfig {
            shards: 2,
            ..fixtures::config(Strategy::LongestIdle, 10)
        }));
        let inboxes = [ShardId(first), ShardId(1 - first)];
        let caller = Caller {
            shard: ShardId(1),
            ..fixtures::caller(1, 1)
        };
        queue.enqueue(fixtures::secs(1), caller).unwrap();
        let (looked, inside) = (Arc::clone(&queue), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&inside);
        hold::set(Some(Box::new(move |access| {
            let [one, other] = inboxes.map(|shard| looked.has_match(shard));
            assert!(other || !one, "access {access}: the one without the other");
            counted.fetch_add(u64::from(one), Ordering::Relaxed);
        })));
        queue
            .seat_ready(fixtures::secs(2), fixtures::seat(1))
            .unwrap();
        hold::set(None);
        seen += inside.load(Ordering::Relaxed);
        for shard in inboxes {
            assert!(queue.take_match(shard).is_some());
        }
    }
    assert!(seen > 0, "nobody looked between the match and the end");
}
