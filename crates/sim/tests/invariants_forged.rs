//! Each invariant can fail: the same engine, with something hidden from the judges, shown twice,
//! or shown that never was.

mod invariants_world;

use invariants_world::scene::{Faults, Scene};
use invariants_world::{CONFIG, Forge, Forger};
use meishier_engine::{Command, Notice, Phase, Reply, SeatChange};
use meishier_model::{CallId, CallRecord, CounsellorId, SeatId};
use meishier_sim::invariants::{Invariant, Seen};

fn quiet() -> Scene {
    Scene::new(1, Faults::default())
}

/// One counsellor at seat 0, and nobody else.
fn one_seat(scene: &mut Scene) {
    for seat in 1..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
}

fn forge(scene: &mut Scene, forger: impl FnMut(&Seen<'_>) -> bool + 'static, what: fn() -> Forge) {
    let mut forger = forger;
    let forger: Forger = Box::new(move |_, seen| if forger(seen) { what() } else { Forge::Pass });
    scene.rig.forger = Some(forger);
}

fn hide(scene: &mut Scene, which: impl FnMut(&Seen<'_>) -> bool + 'static) {
    forge(scene, which, || Forge::Hide);
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A caller who is served and hangs up.
fn one_call(scene: &mut Scene) {
    let name = scene.call("133", "12356");
    scene.answer_all();
    scene.pass(5_000);
    let mut caller = scene.callers.remove(&name).unwrap();
    caller.hang_up(&mut scene.rig);
    scene.mail();
    scene.pass(10_000);
}

/// The judges see the INVITE of this caller as if it came from somebody else.
fn disguise(scene: &mut Scene, name: &str, from: &'static str, to: &'static str) {
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

fn found(scene: &Scene) -> Invariant {
    scene.rig.broken().expect("a violation")
}

#[test]
fn one_place_a_record_that_nobody_gets() {
    let mut scene = quiet();
    hide(&mut scene, |seen| matches!(seen, Seen::Record(_)));
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::OnePlace);
}

#[test]
fn one_place_a_call_nobody_was_told_of() {
    let mut scene = quiet();
    hide(&mut scene, |seen| {
        matches!(
            seen,
            Seen::Notice {
                notice: Notice::Arrived { .. },
                ..
            }
        )
    });
    one_call(&mut scene);
    // The first thing that is told of it is an offer of a call that is not there.
    assert_eq!(found(&scene), Invariant::OneOffer);
    let mut scene = quiet();
    for seat in 0..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
    hide(&mut scene, |seen| {
        matches!(
            seen,
            Seen::Notice {
                notice: Notice::Arrived { .. },
                ..
            }
        )
    });
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::OnePlace);
}

#[test]
fn one_place_a_phase_that_was_not_told() {
    let mut scene = quiet();
    hide(&mut scene, |seen| {
        matches!(
            seen,
            Seen::Notice {
                notice: Notice::Phase {
                    to: Some(Phase::Talking),
                    ..
                },
                ..
            }
        )
    });
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::OnePlace);
}

#[test]
fn one_offer_to_a_seat_that_counts_as_paused() {
    let mut scene = quiet();
    one_seat(&mut scene);
    scene.pause(0);
    // The counsellor is ready again, but the judges do not get to know.
    hide(&mut scene, |seen| matches!(seen, Seen::Reply { .. }));
    scene.seat(0, SeatChange::Ready);
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::OneOffer);
}

#[test]
fn one_offer_to_a_seat_that_wraps_up() {
    let judges = CONFIG.replace("wrapup = \"4s\"", "wrapup = \"40s\"");
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    one_call(&mut scene);
    assert_eq!(scene.rig.found, None);
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::OneOffer);
}

#[test]
fn one_offer_after_two_that_rang_out() {
    let judges = CONFIG.replace("pause_after = 2", "pause_after = 1");
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    scene.call("133", "12356");
    scene.pass(30_000);
    assert_eq!(found(&scene), Invariant::OneOffer);
}

#[test]
fn one_offer_of_a_seat_to_two_calls() {
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(|_, seen| match seen {
        // Whatever seat the engine chose, the judges hear of seat 1.
        Seen::Notice {
            shard,
            notice:
                Notice::Offered {
                    call,
                    ready_to_invite,
                    setup,
                    ..
                },
        } => {
            let (shard, call) = (*shard, *call);
            let (ready_to_invite, setup) = (*ready_to_invite, *setup);
            Forge::Instead(Box::new(move |checker, now| {
                let seat = SeatId(1);
                let notice = Notice::Offered {
                    call,
                    seat,
                    ready_to_invite,
                    setup,
                };
                checker.see(
                    now,
                    &Seen::Notice {
                        shard,
                        notice: &notice,
                    },
                );
            }))
        }
        _ => Forge::Pass,
    }));
    scene.call("133", "12356");
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::OneOffer);
}

#[test]
fn order_a_caller_at_risk_is_passed_over() {
    let mut scene = quiet();
    one_seat(&mut scene);
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(100);
    disguise(&mut scene, "c3", "133", "139");
    scene.call("133", "12356");
    scene.pass(1_000);
    assert_eq!(scene.rig.found, None);
    let talking = scene.talking();
    invariants_world::scene::far_bye(&mut scene.rig, &talking[0]);
    scene.mail();
    scene.pass(6_000);
    assert_eq!(found(&scene), Invariant::Order);
}

#[test]
fn order_a_better_class_is_passed_over() {
    // Without ageing the better class of the later caller would not count.
    let judges = CONFIG.replace("ageing_step = \"60s\"", "ageing_step = \"0s\"");
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(1_000);
    scene.call("137", "12356");
    scene.pass(21_000);
    let talking = scene.talking();
    invariants_world::scene::far_bye(&mut scene.rig, &talking[0]);
    scene.mail();
    scene.pass(6_000);
    assert_eq!(found(&scene), Invariant::Order);
}

#[test]
fn fit_a_skill_is_missing() {
    let mut scene = quiet();
    disguise(&mut scene, "c1", "133", "138");
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::Fit);
}

#[test]
fn fit_a_preference_falls_too_early() {
    let mut scene = quiet();
    disguise(&mut scene, "c1", "133", "137");
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::Fit);
}

#[test]
fn fit_a_ring_opens_too_early() {
    let judges = CONFIG.replace("after = \"10s\"", "after = \"30s\"");
    let mut scene = Scene::judged_by(&judges);
    let pools = "pools = [\"province\", \"city\"]";
    assert!(judges.contains(pools));
    scene.sign_on(3, 3);
    // Both lines of the city are taken by seats that ring.
    scene.sign_on(0, 0);
    scene.sign_on(1, 1);
    scene.call("133", "12356");
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(12_000);
    assert_eq!(found(&scene), Invariant::Fit);
}

#[test]
fn fit_a_counsellor_sits_where_he_may_not() {
    let judges = CONFIG.replacen("seats = [\"s{0..3}\"]", "seats = [\"s1\"]", 1);
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    assert_eq!(found(&scene), Invariant::Fit);
}

#[test]
fn risk_a_caller_is_refused() {
    let mut scene = quiet();
    for seat in 0..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
    for _ in 0..10 {
        scene.call("133", "12356");
    }
    disguise(&mut scene, "c11", "133", "139");
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::Risk);
}

#[test]
fn transfer_nobody_is_told_how_it_ended() {
    let mut scene = quiet();
    scene.call("133", "12356");
    scene.answer_all();
    hide(&mut scene, |seen| {
        matches!(
            seen,
            Seen::Notice {
                notice: Notice::Transfer { .. },
                ..
            }
        )
    });
    let call = scene
        .rig
        .shards
        .iter()
        .find_map(|shard| shard.calls().next())
        .unwrap();
    let (key, city) = ("110".to_owned(), "贵阳".to_owned());
    scene.rig.command(Command::Transfer { call, key, city });
    scene.mail();
    scene.pass(10_000);
    assert_eq!(scene.rig.found, None);
    scene.pass(20_000);
    scene.pass(1_000);
    assert_eq!(found(&scene), Invariant::Transfer);
}

/// The judges get every record after it was changed.
fn changed_record(change: fn(&mut CallRecord)) -> Invariant {
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(move |_, seen| match seen {
        Seen::Record(record) => {
            let mut record = (*record).clone();
            change(&mut record);
            Forge::Instead(Box::new(move |checker, now| {
                checker.see(now, &Seen::Record(&record));
            }))
        }
        _ => Forge::Pass,
    }));
    one_call(&mut scene);
    found(&scene)
}

#[test]
fn record_twice() {
    let mut scene = quiet();
    forge(
        &mut scene,
        |seen| matches!(seen, Seen::Record(_)),
        || Forge::Twice,
    );
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::Record);
}

#[test]
fn record_that_is_wrong() {
    let changes: [fn(&mut CallRecord); 9] = [
        |record| record.waited_ms += 100,
        |record| record.talked_ms = 0,
        |record| record.ended.0 -= 60_000,
        |record| record.answered = None,
        |record| record.seat = Some("s3".to_owned()),
        |record| record.offers.clear(),
        |record| record.caller = "13912345678".into(),
        |record| record.route.truncate(1),
        |record| record.call = CallId(record.call.0 + 1),
    ];
    for change in changes {
        assert_eq!(changed_record(change), Invariant::Record);
    }
}

#[test]
fn stranded_beside_a_seat_that_should_be_ready() {
    let mut scene = quiet();
    for seat in 0..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
    scene.call("133", "12356");
    // The judges are told that somebody signed on; the engine is not.
    let now = scene.rig.now;
    let change = SeatChange::SignOn {
        counsellor: CounsellorId(0),
        pin: None,
    };
    let command = Command::Seat {
        seat: SeatId(0),
        change,
    };
    scene.rig.checker.see(
        now,
        &Seen::Command {
            token: 900,
            command: &command,
        },
    );
    let status = scene.rig.shards[0].view(now).seats[0].clone();
    let reply = Reply::Seat(Ok(status));
    scene.rig.checker.see(
        now,
        &Seen::Reply {
            token: 900,
            reply: &reply,
        },
    );
    scene.pass(4_000);
    assert_eq!(scene.rig.found, None);
    scene.pass(2_000);
    assert_eq!(found(&scene), Invariant::Stranded);
}

#[test]
fn stranded_because_a_ring_opens_late() {
    let judges = CONFIG.replace("after = \"10s\"", "after = \"1s\"");
    let mut scene = Scene::judged_by(&judges);
    for seat in [0, 1, 3] {
        scene.sign_on(seat, seat);
    }
    // The city's lines are in use, the province's seat is free.
    scene.call("133", "12356");
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(900);
    assert_eq!(scene.rig.found, None);
    for _ in 0..10 {
        scene.pass(50);
    }
    assert_eq!(found(&scene), Invariant::Stranded);
}

#[test]
fn overtaken_by_an_offer_without_end() {
    let judges = CONFIG.replace("ring = \"10s\"", "ring = \"5s\"");
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    scene.call("133", "12356");
    scene.pass(5_500);
    assert_eq!(scene.rig.found, None);
    scene.pass(2_000);
    assert_eq!(found(&scene), Invariant::Overtaken);
}

#[test]
fn baseline_a_seat_that_nobody_paused() {
    let mut scene = quiet();
    one_call(&mut scene);
    hide(&mut scene, |seen| {
        matches!(seen, Seen::Reply { .. } | Seen::Command { .. })
    });
    scene.pause(0);
    scene.end();
    assert_eq!(found(&scene), Invariant::Baseline);
}

#[test]
fn baseline_a_call_that_stays() {
    let mut scene = quiet();
    scene.call("133", "12356");
    scene.answer_all();
    scene.pass(60_000);
    assert_eq!(scene.rig.found, None);
    assert_eq!(
        scene.rig.rest().map_err(|v| v.invariant),
        Err(Invariant::Baseline)
    );
}

#[test]
fn lines_beyond_the_shift() {
    let judges = CONFIG.replacen("lines = 2", "lines = 1", 1);
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(0, 0);
    assert_eq!(found(&scene), Invariant::Lines);
}

#[test]
fn lines_that_do_not_open() {
    let mut scene = quiet();
    scene.pass(8 * 3_600_000 - 1_000);
    assert_eq!(scene.rig.found, None);
    hide(&mut scene, |seen| {
        matches!(
            seen,
            Seen::Notice {
                notice: Notice::Lines { .. },
                ..
            }
        )
    });
    scene.pass(2_000);
    assert_eq!(found(&scene), Invariant::Lines);
}

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
