//! The engine's watchdog can fire: a queue that forgets to match when a line comes free leaves a
//! caller waiting beside a ready seat, and the engine finds, tells and mends it.

mod invariants_world;

use invariants_world::Forge;
use invariants_world::forge::{found, quiet};
use invariants_world::scene::Scene;
use meishier_engine::{Notice, Phase};
use meishier_model::Mono;
use meishier_queue::Defect;
use meishier_sim::invariants::{Invariant, Seen};
use std::cell::RefCell;
use std::rc::Rc;

/// When the watchdog told of a pair.
type Told = Rc<RefCell<Vec<Mono>>>;

/// What the watchdog tells is noted, and is hidden from the judges if `hidden`.
fn listen(scene: &mut Scene, hidden: bool) -> Told {
    let told = Told::default();
    let list = Rc::clone(&told);
    scene.rig.forger = Some(Box::new(move |now, seen| match seen {
        Seen::Notice {
            notice: Notice::Missed { .. },
            ..
        } => {
            list.borrow_mut().push(now.mono);
            if hidden { Forge::Hide } else { Forge::Pass }
        }
        _ => Forge::Pass,
    }));
    told
}

/// Two talk on the city's two lines, a third waits beside a ready seat; then one hangs up. Returns
/// when.
fn a_line_comes_free(scene: &mut Scene) -> Mono {
    let first = scene.call("133", "12356");
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(1_000);
    assert_eq!(phases(scene, Phase::Queued), 1);
    let mut caller = scene.callers.remove(&first).unwrap();
    caller.hang_up(&mut scene.rig);
    let at = scene.rig.now.mono;
    scene.rig.read_all();
    at
}

fn phases(scene: &Scene, phase: Phase) -> usize {
    let shards = scene.rig.shards.iter();
    let calls = shards.flat_map(|shard| shard.call_standings());
    calls.filter(|call| call.phase == phase).count()
}

#[test]
fn a_caller_whom_the_queue_forgot_is_found_told_and_matched() {
    let mut scene = quiet();
    let told = listen(&mut scene, true);
    scene
        .rig
        .queue
        .break_deliberately(Defect::FreedLineUnmatched);
    let at = a_line_comes_free(&mut scene);
    assert!(scene.rig.queue.missed().is_some(), "that is the defect");
    scene.pass(99);
    assert!(
        told.borrow().is_empty(),
        "not before it is older than 100 ms"
    );
    assert_eq!(phases(&scene, Phase::Queued), 1);
    scene.pass(111);
    let times = told.borrow().clone();
    assert_eq!(times.len(), 1, "counted once: {times:?}");
    let after = times[0].since(at).as_millis();
    assert!((100..=210).contains(&after), "{after} ms");
    assert_eq!(phases(&scene, Phase::Queued), 0, "and it rings for it");
    assert!(scene.rig.queue.missed().is_none());
    scene.pass(5_000);
    assert_eq!(told.borrow().len(), 1);
}

#[test]
fn the_judges_hear_the_watchdog() {
    let mut scene = quiet();
    let told = listen(&mut scene, false);
    scene
        .rig
        .queue
        .break_deliberately(Defect::FreedLineUnmatched);
    a_line_comes_free(&mut scene);
    scene.pass(250);
    assert_eq!(told.borrow().len(), 1);
    assert_eq!(found(&scene), Invariant::Stranded);
}

#[test]
fn a_sound_queue_gives_it_nothing_to_do() {
    let mut scene = quiet();
    let told = listen(&mut scene, false);
    a_line_comes_free(&mut scene);
    scene.pass(5_000);
    assert!(told.borrow().is_empty());
    assert_eq!(scene.rig.found, None);
}

#[test]
fn an_idle_engine_is_not_kept_awake() {
    let mut scene = quiet();
    scene.pass(1_000);
    let next = |scene: &Scene| {
        let shards = scene.rig.shards.iter();
        let times = shards.filter_map(|shard| shard.poll_timeout());
        times.min().map(|at| at.since(scene.rig.now.mono))
    };
    // Seats are ready and nobody waits: the next thing is the schedule's.
    assert!(next(&scene).is_none_or(|time| time.as_secs() > 60));
    for seat in 0..3 {
        scene.pause(seat);
    }
    scene.call("133", "12356");
    scene.pass(1_000);
    assert!(next(&scene).is_some_and(|time| time.as_secs() < 2));
}
