//! What the forgers of several test files share.

use super::scene::{Faults, Scene};
use super::{Forge, Forger};
use meishier_engine::SeatChange;
use meishier_sim::invariants::{Invariant, Seen};

pub fn quiet() -> Scene {
    Scene::new(1, Faults::default())
}

/// One counsellor at seat 0, and nobody else.
pub fn one_seat(scene: &mut Scene) {
    for seat in 1..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
}

pub fn forge(
    scene: &mut Scene,
    forger: impl FnMut(&Seen<'_>) -> bool + 'static,
    what: fn() -> Forge,
) {
    let mut forger = forger;
    let forger: Forger = Box::new(move |_, seen| if forger(seen) { what() } else { Forge::Pass });
    scene.rig.forger = Some(forger);
}

pub fn hide(scene: &mut Scene, which: impl FnMut(&Seen<'_>) -> bool + 'static) {
    forge(scene, which, || Forge::Hide);
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A caller who is served and hangs up.
pub fn one_call(scene: &mut Scene) {
    let name = scene.call("133", "12356");
    scene.answer_all();
    scene.pass(5_000);
    let mut caller = scene.callers.remove(&name).unwrap();
    caller.hang_up(&mut scene.rig);
    scene.mail();
    scene.pass(10_000);
}

/// The judges see the INVITE of this caller as if it came from somebody else.
pub fn disguise(scene: &mut Scene, name: &str, from: &'static str, to: &'static str) {
    let call_id = format!("{name}@caller");
    scene.rig.forger = Some(Box::new(move |_, seen| match seen {
        Seen::In {
            shard,
            from: peer,
            bytes,
        } if text(bytes).starts_with("INVITE") && text(bytes).contains(&call_id) => {
            let (shard, peer) = (*shard, *peer);
            let text = text(bytes).replace(&format!("<sip:{from}"), &format!("<sip:{to}"));
            Forge::Instead(Box::new(move |checker, now| {
                checker.see(
                    now,
                    &Seen::In {
                        shard,
                        from: peer,
                        bytes: text.as_bytes(),
                    },
                );
            }))
        }
        _ => Forge::Pass,
    }));
}

pub fn found(scene: &Scene) -> Invariant {
    scene.rig.broken().expect("a violation")
}
