//! Each invariant can fail: the same engine, with something hidden from the judges, shown twice,
//! or shown that never was. What concerns messages on the wire is in `invariants_wire.rs`.

mod invariants_world;

use invariants_world::forge::{disguise, forge, found, hide, one_call, one_seat, quiet};
use invariants_world::scene::Scene;
use invariants_world::{CONFIG, Forge};
use meishier_engine::{CallBackResult, Command, Notice, Phase, Refusal, Reply, SeatChange};
use meishier_model::{CallId, CallRecord, CounsellorId, SeatId};
use meishier_sim::invariants::{Invariant, Seen};

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

/// The engine tells something that it never would while it is sound.
fn tells(notice: Notice) -> Invariant {
    let mut scene = quiet();
    scene.call("133", "12356");
    let (now, shard) = (scene.rig.now, 0);
    let notice = &notice;
    scene.rig.checker.see(now, &Seen::Notice { shard, notice });
    scene.pass(10);
    found(&scene)
}

#[test]
fn stranded_whom_the_watchdog_has_to_match() {
    let (call, seat) = (CallId(1), SeatId(0));
    assert_eq!(tells(Notice::Missed { call, seat }), Invariant::Stranded);
}

#[test]
fn risk_a_queue_without_a_place() {
    for risk in [true, false] {
        let call = CallId(1);
        assert_eq!(tells(Notice::KeptOutside { call, risk }), Invariant::Risk);
    }
}

#[test]
fn transfer_a_call_back_to_nobody_or_without_consent() {
    let (call, result) = (CallId(1), CallBackResult::Dialled);
    let nobody = tells(Notice::CallBack { call, result });
    assert_eq!(nobody, Invariant::Transfer);
    let mut scene = quiet();
    scene.rig.forger = Some(Box::new(move |_, seen| match seen {
        Seen::Notice {
            shard,
            notice: Notice::Answered { call, .. },
        } => {
            let (shard, call) = (*shard, *call);
            Forge::Instead(Box::new(move |checker, now| {
                let notice = &Notice::CallBack { call, result };
                checker.see(now, &Seen::Notice { shard, notice });
            }))
        }
        _ => Forge::Pass,
    }));
    one_call(&mut scene);
    assert_eq!(found(&scene), Invariant::Transfer);
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
fn flag_a_caller_at_risk_is_taken_for_another() {
    let mut scene = quiet();
    one_seat(&mut scene);
    scene.call("133", "12356");
    scene.answer_all();
    scene.call("133", "12356");
    scene.pass(100);
    assert_eq!(scene.rig.found, None);
    disguise(&mut scene, "c3", "133", "139");
    scene.call("133", "12356");
    scene.pass(1_000);
    assert_eq!(found(&scene), Invariant::Flag);
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
    // Somebody has what is preferred, and talks; everybody knows.
    scene.sign_on(3, 3);
    scene.call("137", "12356");
    scene.answer_all();
    scene.pass(1_000);
    disguise(&mut scene, "c2", "133", "137");
    scene.call("133", "12356");
    assert_eq!(found(&scene), Invariant::Fit);
}

#[test]
fn fit_a_ring_opens_too_early() {
    let mut scene = a_province_that_is_staffed_and_busy("30s");
    scene.pass(16_000);
    assert_eq!(found(&scene), Invariant::Fit);
}

/// A caller waits for the province, which has a line left and a counsellor who talks; the city's seat
/// is free and opens after 15 s, by the judges' file after `judged`.
fn a_province_that_is_staffed_and_busy(judged: &str) -> Scene {
    let judges = CONFIG.replace("after = \"15s\"", &format!("after = \"{judged}\""));
    let mut scene = Scene::judged_by(&judges);
    scene.sign_on(3, 3);
    scene.call("133", "01012356");
    scene.answer_all();
    scene.sign_on(0, 0);
    // Everybody knows by now who is there.
    scene.pass(1_000);
    scene.call("133", "01012356");
    assert_eq!(scene.rig.found, None);
    scene
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
fn risk_a_caller_is_told_of_no_room_where_there_is_some() {
    let mut scene = quiet();
    for seat in 0..3 {
        scene.seat(seat, SeatChange::SignOff);
    }
    for _ in 0..10 {
        scene.call("133", "12356");
    }
    let refused = |seen: &Seen<'_>| {
        let Seen::Notice { notice, .. } = seen else {
            return false;
        };
        matches!(notice, Notice::Refused(Refusal::Overload))
    };
    forge(&mut scene, refused, || {
        Forge::Instead(Box::new(|checker, now| {
            let notice = &Notice::Refused(Refusal::RiskOverload);
            checker.see(now, &Seen::Notice { shard: 0, notice });
        }))
    });
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
    scene.rig.command(Command::press(call, "110", "贵阳"));
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
    let mut scene = a_province_that_is_staffed_and_busy("1s");
    scene.pass(900);
    assert_eq!(scene.rig.found, None);
    for _ in 0..10 {
        scene.pass(50);
    }
    // By the judges' file the ring was due, and with it a seat.
    assert!(matches!(
        found(&scene),
        Invariant::Stranded | Invariant::Ladder
    ));
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
