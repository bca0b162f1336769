//! Seats, pools and facts that are told one by one.

use crate::{CALL, telemetry, value};
use meishier_engine::api::{CallBackResult, LegParty, Notice, Phase, Refusal, SeatState};
use meishier_engine::routing::Service;
use meishier_engine::transfer::{KeyKind, ThirdId};
use meishier_model::{OfferOutcome, PoolId, SeatId, TransferOutcome, TrunkId};
use std::time::Duration;

#[test]
fn seats_add_up_whatever_is_told_twice() {
    let t = telemetry();
    let seat = |seat, from, to, by_engine| {
        t.notice(&Notice::Seat {
            seat: SeatId(seat),
            from,
            to,
            by_engine,
        });
    };
    for n in 0..3 {
        seat(n, SeatState::SignedOff, SeatState::SignedOff, false);
        seat(n, SeatState::SignedOff, SeatState::SignedOff, false);
    }
    seat(1, SeatState::SignedOff, SeatState::Ready, false);
    seat(0, SeatState::SignedOff, SeatState::Ready, false);
    seat(0, SeatState::Offered, SeatState::Paused, true);
    // A seat that is in no configuration changes nothing.
    seat(77, SeatState::SignedOff, SeatState::Ready, false);
    let page = t.render();
    assert_eq!(value(&page, "meishier_seats{state=\"signed_off\"}"), 1.0);
    assert_eq!(value(&page, "meishier_seats{state=\"ready\"}"), 1.0);
    assert_eq!(value(&page, "meishier_seats{state=\"paused\"}"), 1.0);
    assert_eq!(value(&page, "meishier_seats{state=\"offered\"}"), 0.0);
    assert_eq!(value(&page, "meishier_seats_ready{pool=\"city\"}"), 1.0);
    assert_eq!(value(&page, "meishier_seats_ready{pool=\"province\"}"), 1.0);
    assert_eq!(value(&page, "meishier_seats_paused_by_engine_total"), 1.0);
}

#[test]
fn uses_of_keys_are_counted_by_what_they_reach() {
    let t = telemetry();
    for (kind, outcome) in [
        (KeyKind::Emergency, TransferOutcome::Joined),
        (KeyKind::Emergency, TransferOutcome::Failed),
        (KeyKind::SecondLine, TransferOutcome::Joined),
    ] {
        t.notice(&Notice::Transfer {
            call: CALL,
            third: ThirdId(1),
            kind,
            outcome,
        });
    }
    t.notice(&Notice::TransferAnswered {
        call: CALL,
        kind: KeyKind::Emergency,
        after: Duration::from_millis(4_800),
    });
    t.notice(&Notice::TransferAlarm {
        call: CALL,
        third: ThirdId(1),
    });
    t.notice(&Notice::CallBackDue { call: CALL });
    for result in [
        CallBackResult::UnsafeHours,
        CallBackResult::Dialled,
        CallBackResult::Dialled,
    ] {
        t.notice(&Notice::CallBack { call: CALL, result });
    }
    let page = t.render();
    for (series, expected) in [
        (
            "transfers_total{kind=\"emergency\",outcome=\"joined\"}",
            1.0,
        ),
        (
            "transfers_total{kind=\"emergency\",outcome=\"failed\"}",
            1.0,
        ),
        (
            "transfers_total{kind=\"second_line\",outcome=\"joined\"}",
            1.0,
        ),
        ("transfers_total{kind=\"hotline\",outcome=\"joined\"}", 0.0),
        (
            "transfer_answer_seconds_bucket{kind=\"emergency\",le=\"2\"}",
            0.0,
        ),
        (
            "transfer_answer_seconds_bucket{kind=\"emergency\",le=\"5\"}",
            1.0,
        ),
        ("transfer_alarms_total", 1.0),
        ("call_backs_due_total", 1.0),
        ("call_backs_total{result=\"unsafe_hours\"}", 1.0),
        ("call_backs_total{result=\"dialled\"}", 2.0),
        ("call_backs_total{result=\"no_consent\"}", 0.0),
    ] {
        let found = value(&page, &format!("meishier_{series}"));
        assert_eq!(found, expected, "{series}");
    }
}

#[test]
fn facts_are_counted_under_their_names() {
    let t = telemetry();
    t.notice(&Notice::Refused(Refusal::UnknownSource));
    t.notice(&Notice::OfferEnded {
        call: CALL,
        seat: SeatId(0),
        outcome: OfferOutcome::NoAnswer,
    });
    t.notice(&Notice::Lines {
        pool: PoolId(1),
        lines: 9,
    });
    t.notice(&Notice::Unexpected("stale match"));
    let seat = SeatId(1);
    t.notice(&Notice::Missed { call: CALL, seat });
    for risk in [true, false, true] {
        t.notice(&Notice::KeptOutside { call: CALL, risk });
    }
    for party in [LegParty::Seat, LegParty::Seat, LegParty::Caller] {
        t.notice(&Notice::Probe { call: CALL, party });
    }
    t.notice(&Notice::DeadLeg {
        call: CALL,
        party: LegParty::Seat,
    });
    let before = t.render();
    assert_eq!(value(&before, "meishier_trunk_up{trunk=\"telecom\"}"), 1.0);
    t.notice(&Notice::Trunk {
        trunk: TrunkId(0),
        up: false,
    });
    let registered = "meishier_trunk_registered{trunk=\"mobile\"}";
    assert_eq!(value(&before, registered), 1.0, "until it is known better");
    let registration = |registered, status| Notice::Registration {
        trunk: TrunkId(1),
        registered,
        status,
    };
    t.notice(&registration(false, 408));
    assert_eq!(value(&t.render(), registered), 0.0);
    t.notice(&registration(true, 200));
    assert_eq!(value(&t.render(), registered), 1.0);
    let page = t.render();
    assert_eq!(value(&page, "meishier_trunk_up{trunk=\"telecom\"}"), 0.0);
    assert_eq!(value(&page, "meishier_trunk_up{trunk=\"mobile\"}"), 1.0);
    assert_eq!(
        value(
            &page,
            "meishier_calls_refused_total{reason=\"unknown_source\"}"
        ),
        1.0
    );
    assert_eq!(
        value(&page, "meishier_offers_total{outcome=\"no_answer\"}"),
        1.0
    );
    assert_eq!(value(&page, "meishier_lines_open{pool=\"province\"}"), 9.0);
    assert_eq!(value(&page, "meishier_unexpected_total"), 1.0);
    assert_eq!(value(&page, "meishier_queue_missed_total"), 1.0);
    let outside = |caller: &str| {
        let series = format!("meishier_queue_kept_outside_total{{caller=\"{caller}\"}}");
        value(&page, &series)
    };
    assert_eq!((outside("risk"), outside("other")), (2.0, 1.0));
    for (name, seat, caller) in [
        ("meishier_probes_total", 2.0, 1.0),
        ("meishier_dead_legs_total", 1.0, 0.0),
    ] {
        let of = |party: &str| value(&page, &format!("{name}{{party=\"{party}\"}}"));
        assert_eq!(
            (of("seat"), of("caller"), of("target")),
            (seat, caller, 0.0)
        );
    }
}

#[test]
fn many_threads_may_tell_at_once() {
    let t = telemetry();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    let (queued, talking) = (Some(Phase::Queued), Some(Phase::Talking));
                    t.notice(&Notice::Phase {
                        call: CALL,
                        from: None,
                        to: queued,
                    });
                    t.notice(&Notice::Phase {
                        call: CALL,
                        from: queued,
                        to: talking,
                    });
                    t.notice(&Notice::Phase {
                        call: CALL,
                        from: talking,
                        to: None,
                    });
                }
            });
        }
    });
    let page = t.render();
    assert_eq!(value(&page, "meishier_calls{phase=\"queued\"}"), 0.0);
    assert_eq!(value(&page, "meishier_calls{phase=\"talking\"}"), 0.0);
}

#[test]
fn a_pool_is_in_one_state_and_holidays_are_known_or_not() {
    let t = telemetry();
    let told = |service| {
        t.notice(&Notice::Pool {
            pool: PoolId(1),
            service,
        });
        let page = t.render();
        Service::ALL.map(|state| {
            let state = state.as_str();
            value(
                &page,
                &format!("meishier_pool_service{{pool=\"province\",state=\"{state}\"}}"),
            )
        })
    };
    assert_eq!(told(Service::Normal), [1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(told(Service::Down), [0.0, 0.0, 0.0, 0.0, 1.0]);
    for missing in [true, false] {
        t.notice(&Notice::CalendarMissing(missing));
        let page = t.render();
        assert_eq!(
            value(&page, "meishier_calendar_missing"),
            f64::from(u8::from(missing))
        );
    }
}
