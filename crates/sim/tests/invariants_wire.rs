//! The rules about messages, notices and answers can fail: see `invariants_forged.rs`.

mod invariants_world;

use invariants_world::Forge;
use invariants_world::forge::{forge, found, hide, one_call, one_seat, quiet, text};
use meishier_engine::Notice;
use meishier_sim::invariants::{Invariant, Seen};

/// The judges see every message that the engine sends and that begins so, after it was changed.
fn changed_message(start: &'static str, from: &'static str, to: &'static str) -> Invariant {
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(move |_, seen| match seen {
        Seen::Out {
            shard,
            to: peer,
            bytes,
        } if text(bytes).starts_with(start) => {
            let (shard, peer) = (*shard, *peer);
            assert!(text(bytes).contains(from), "{}", text(bytes));
            let text = text(bytes).replacen(from, to, 1);
            Forge::Instead(Box::new(move |checker, now| {
                checker.see(
                    now,
                    &Seen::Out {
                        shard,
                        to: peer,
                        bytes: text.as_bytes(),
                    },
                );
            }))
        }
        _ => Forge::Pass,
    }));
    one_call(&mut scene);
    found(&scene)
}

#[test]
fn sip_that_is_not_sound() {
    assert_eq!(
        changed_message("INVITE", "Max-Forwards", "Max-Something"),
        Invariant::Sip
    );
    assert_eq!(
        changed_message("INVITE", "Contact", "Kontakt"),
        Invariant::Sip
    );
    assert_eq!(
        changed_message("INVITE", "branch=z9hG4bK", "branch=x"),
        Invariant::Sip
    );
    assert_eq!(
        changed_message("INVITE", "Content-Length: ", "Content-Length: 1"),
        Invariant::Sip
    );
    assert_eq!(
        changed_message("SIP/2.0 180", "To: ", "X-To: "),
        Invariant::Sip
    );
    assert_eq!(changed_message("BYE", "CSeq: 2", "CSeq: 1"), Invariant::Sip);
}

#[test]
fn sip_an_answer_without_ack() {
    let mut scene = quiet();
    hide(
        &mut scene,
        |seen| matches!(seen, Seen::Out { bytes, .. } if bytes.starts_with(b"ACK")),
    );
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::Sip);
}

#[test]
fn sip_two_final_responses() {
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(|_, seen| match seen {
        Seen::Out { shard, to, bytes }
            if text(bytes).starts_with("SIP/2.0 200") && text(bytes).contains("BYE") =>
        {
            let (shard, to, text) = (*shard, *to, text(bytes).to_owned());
            Forge::Instead(Box::new(move |checker, now| {
                checker.see(
                    now,
                    &Seen::Out {
                        shard,
                        to,
                        bytes: text.as_bytes(),
                    },
                );
                let other = text.replacen("200 OK", "481 Gone", 1);
                checker.see(
                    now,
                    &Seen::Out {
                        shard,
                        to,
                        bytes: other.as_bytes(),
                    },
                );
            }))
        }
        _ => Forge::Pass,
    }));
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::Sip);
}

#[test]
fn answered_twice() {
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(|_, seen| match seen {
        Seen::Out { shard, to, bytes }
            if text(bytes).starts_with("SIP/2.0 200") && text(bytes).contains("1 INVITE") =>
        {
            let (shard, to, text) = (*shard, *to, text(bytes).to_owned());
            Forge::Instead(Box::new(move |checker, now| {
                checker.see(
                    now,
                    &Seen::Out {
                        shard,
                        to,
                        bytes: text.as_bytes(),
                    },
                );
                let at = text.find("\r\nTo: ").unwrap();
                let (head, tail) = text.split_at(at);
                let other = format!("{head}{}", tail.replacen(";tag=", ";tag=x", 1));
                checker.see(
                    now,
                    &Seen::Out {
                        shard,
                        to,
                        bytes: other.as_bytes(),
                    },
                );
            }))
        }
        _ => Forge::Pass,
    }));
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::AnsweredOnce);
}

#[test]
fn rings_for_ever() {
    let mut scene = quiet();
    one_seat(&mut scene);
    hide(&mut scene, |seen| {
        matches!(seen, Seen::Out { bytes, .. } if bytes.starts_with(b"CANCEL"))
            || matches!(seen, Seen::In { bytes, .. } if bytes.starts_with(b"SIP/2.0 487"))
            || matches!(seen, Seen::Out { bytes, .. } if bytes.starts_with(b"ACK"))
    });
    scene.call("133", "12356");
    scene.pass(10_500);
    assert_eq!(scene.rig.found, None);
    scene.pass(2_000);
    assert_eq!(found(&scene), Invariant::Rings);
}

#[test]
fn rings_a_conversation_that_is_not_ended() {
    let mut scene = quiet();
    hide(
        &mut scene,
        |seen| matches!(seen, Seen::Out { bytes, .. } if bytes.starts_with(b"BYE")),
    );
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::Rings);
}

#[test]
fn leg_over_a_record_while_the_caller_is_there() {
    let mut scene = quiet();
    hide(
        &mut scene,
        |seen| matches!(seen, Seen::In { bytes, .. } if bytes.starts_with(b"BYE")),
    );
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::LegOver);
}

#[test]
fn notices_of_the_unexpected() {
    let mut scene = quiet();
    let notice = Notice::Unexpected("something");
    scene.rig.show(&Seen::Notice {
        shard: 0,
        notice: &notice,
    });
    scene.pass(1);
    assert_eq!(found(&scene), Invariant::Notices);
}

#[test]
fn replies_twice_or_never() {
    let mut scene = quiet();
    forge(
        &mut scene,
        |seen| matches!(seen, Seen::Reply { .. }),
        || Forge::Twice,
    );
    scene.pause(0);
    assert_eq!(found(&scene), Invariant::Replies);
    let mut scene = quiet();
    hide(&mut scene, |seen| matches!(seen, Seen::Reply { .. }));
    scene.pause(0);
    scene.pass(2_000);
    assert_eq!(found(&scene), Invariant::Replies);
}

#[test]
fn every_invariant_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> =
        Invariant::ALL.iter().map(|row| row.0.name()).collect();
    assert_eq!(names.len(), Invariant::ALL.len());
}
