//! Calls: phases, latencies, where they were led, and how they sound.

use crate::{CALL, telemetry, value};
use meishier_engine::api::{LegParty, Notice, Phase};
use meishier_engine::routing::{Dialled, NuisanceWhy, RiskWhy};
use meishier_model::{CallId, Outcome, PoolId, RtpStats, SeatId, TrunkId};
use std::time::Duration;

/// These series of a page have these values.
fn shows(page: &str, all: &[(&str, f64)]) {
    for (series, expected) in all {
        assert_eq!(value(page, series), *expected, "{series}");
    }
}

#[test]
fn a_call_moves_through_the_phases_and_is_counted_once() {
    let t = telemetry();
    let phase = |from, to| {
        t.notice(&Notice::Phase {
            call: CALL,
            from,
            to,
        })
    };
    t.notice(&Notice::Arrived {
        call: CALL,
        trunk: TrunkId(1),
    });
    phase(None, Some(Phase::Queued));
    phase(None, Some(Phase::Queued));
    phase(Some(Phase::Queued), Some(Phase::Offered));
    shows(
        &t.render(),
        &[
            ("meishier_calls_arrived_total{trunk=\"mobile\"}", 1.0),
            ("meishier_calls_arrived_total{trunk=\"telecom\"}", 0.0),
            ("meishier_calls{phase=\"queued\"}", 1.0),
            ("meishier_calls{phase=\"offered\"}", 1.0),
        ],
    );
    phase(Some(Phase::Offered), Some(Phase::Talking));
    phase(Some(Phase::Talking), Some(Phase::WrappingUp));
    phase(Some(Phase::WrappingUp), None);
    phase(Some(Phase::Queued), None);
    t.notice(&Notice::Ended {
        call: CALL,
        outcome: Outcome::Answered,
        lasted: Duration::from_secs(61),
    });
    let page = t.render();
    for phase in Phase::ALL {
        let series = format!("meishier_calls{{phase=\"{}\"}}", phase.as_str());
        shows(&page, &[(&series, 0.0)]);
    }
    shows(
        &page,
        &[
            ("meishier_calls_ended_total{outcome=\"answered\"}", 1.0),
            ("meishier_calls_ended_total{outcome=\"abandoned\"}", 0.0),
            ("meishier_call_duration_seconds_bucket{le=\"60\"}", 0.0),
            ("meishier_call_duration_seconds_bucket{le=\"120\"}", 1.0),
        ],
    );
}

#[test]
fn latencies_fall_into_their_buckets() {
    let t = telemetry();
    let offered = |ready: Option<u64>, setup: Option<u64>| {
        t.notice(&Notice::Offered {
            call: CALL,
            seat: SeatId(0),
            ready_to_invite: ready.map(Duration::from_micros),
            setup: setup.map(Duration::from_micros),
        });
    };
    offered(Some(40), None);
    offered(Some(900), None);
    offered(None, Some(180));
    offered(None, None);
    t.notice(&Notice::Answered {
        call: CALL,
        pool: PoolId(1),
        waited: Duration::from_secs(15),
    });
    t.run_upkeep();
    shows(
        &t.render(),
        &[
            (
                "meishier_ready_to_invite_seconds_bucket{le=\"0.00005\"}",
                1.0,
            ),
            (
                "meishier_ready_to_invite_seconds_bucket{le=\"0.00075\"}",
                1.0,
            ),
            ("meishier_ready_to_invite_seconds_bucket{le=\"0.001\"}", 2.0),
            ("meishier_setup_seconds_bucket{le=\"0.0001\"}", 0.0),
            ("meishier_setup_seconds_bucket{le=\"0.0002\"}", 1.0),
            ("meishier_setup_seconds_count", 1.0),
            ("meishier_offers_started_total", 4.0),
            (
                "meishier_answer_time_seconds_bucket{pool=\"province\",le=\"15\"}",
                1.0,
            ),
        ],
    );
}

/// A call was routed; an odd one by the default, as one of several, and after a call before.
fn routed(
    dialled: Dialled,
    risk: Option<RiskWhy>,
    nuisance: Option<NuisanceWhy>,
    odd: bool,
) -> Notice {
    Notice::Routed {
        call: CallId(1),
        dialled,
        ambiguous: odd,
        default: odd,
        risk,
        nuisance,
        redial: odd,
    }
}

#[test]
fn routed_calls_are_counted_by_number_and_reason() {
    let t = telemetry();
    for dialled in [
        Dialled::Short,
        Dialled::Area,
        Dialled::Alias(0),
        Dialled::Other,
        // Of a configuration that was replaced at this moment.
        Dialled::Alias(9),
    ] {
        t.notice(&routed(dialled, None, None, false));
    }
    t.notice(&routed(
        Dialled::Short,
        Some(RiskWhy::Dropped),
        Some(NuisanceWhy::CallsADay),
        true,
    ));
    t.notice(&Notice::Flagged {
        call: CallId(1),
        why: RiskWhy::Key,
    });
    shows(
        &t.render(),
        &[
            ("meishier_calls_by_number_total{number=\"12356\"}", 2.0),
            ("meishier_calls_by_number_total{number=\"area\"}", 1.0),
            ("meishier_calls_by_number_total{number=\"old\"}", 1.0),
            ("meishier_calls_by_number_total{number=\"other\"}", 2.0),
            ("meishier_routed_total{by=\"table\"}", 5.0),
            ("meishier_routed_total{by=\"default\"}", 1.0),
            ("meishier_routed_ambiguous_total", 1.0),
            ("meishier_routed_risk_total{why=\"dropped\"}", 1.0),
            ("meishier_routed_risk_total{why=\"listed\"}", 0.0),
            ("meishier_routed_nuisance_total{why=\"calls_a_day\"}", 1.0),
            ("meishier_routed_redial_total", 1.0),
            ("meishier_flagged_total{why=\"key\"}", 1.0),
        ],
    );
}

#[test]
fn old_numbers_follow_another_configuration() {
    let t = telemetry();
    let dialled = |at| routed(Dialled::Alias(at), None, None, false);
    t.notice(&dialled(0));
    t.set_aliases(&["new".into(), "old".into()]);
    t.notice(&dialled(0));
    t.notice(&dialled(1));
    let page = t.render();
    let of = |name: &str| {
        value(
            &page,
            &format!("meishier_calls_by_number_total{{number=\"{name}\"}}"),
        )
    };
    assert_eq!((of("old"), of("new")), (2.0, 1.0));
}

#[test]
fn the_sound_of_legs_is_counted_by_party() {
    let t = telemetry();
    let over = |party, stats| {
        let call = CALL;
        t.notice(&Notice::LegOver { call, party, stats });
    };
    let heard = RtpStats {
        received: 90,
        lost: 10,
        sent: 50,
        jitter_us: 12_000,
        ..RtpStats::default()
    };
    over(LegParty::Caller, heard);
    let reported = RtpStats {
        reports: 3,
        peer_lost: 5,
        round_trip_us: 30_000,
        ..heard
    };
    over(LegParty::Caller, reported);
    // Of more lost packets than were sent, no more than these count; who was never heard has no jitter.
    let liar = RtpStats {
        sent: 7,
        reports: 1,
        peer_lost: 8_000_000,
        ..RtpStats::default()
    };
    over(LegParty::Seat, liar);
    for begins in [true, true, false] {
        t.notice(&Notice::OneWay {
            call: CALL,
            party: LegParty::Seat,
            begins,
        });
    }
    t.notice(&Notice::MediaLost { call: CALL });
    let page = t.render();
    let leg = |name: &str, party: &str, by: &str| {
        value(
            &page,
            &format!("{name}{{party=\"{party}\",received_by=\"{by}\"}}"),
        )
    };
    let (lost, all) = (
        "meishier_leg_lost_packets_total",
        "meishier_leg_packets_total",
    );
    assert_eq!(
        (leg(lost, "caller", "us"), leg(all, "caller", "us")),
        (20.0, 200.0)
    );
    assert_eq!(
        (leg(lost, "caller", "party"), leg(all, "caller", "party")),
        (5.0, 50.0)
    );
    assert_eq!(
        (leg(lost, "seat", "party"), leg(all, "seat", "party")),
        (7.0, 7.0)
    );
    assert_eq!(leg(all, "seat", "us"), 0.0);
    let count =
        |name: &str, party: &str| value(&page, &format!("{name}_count{{party=\"{party}\"}}"));
    assert_eq!(count("meishier_leg_jitter_seconds", "caller"), 2.0);
    assert_eq!(count("meishier_leg_jitter_seconds", "seat"), 0.0);
    assert_eq!(count("meishier_leg_round_trip_seconds", "caller"), 1.0);
    assert_eq!(value(&page, "meishier_one_way_total{party=\"seat\"}"), 2.0);
    assert_eq!(value(&page, "meishier_one_way"), 1.0);
    assert_eq!(value(&page, "meishier_media_lost_at_risk_total"), 1.0);
}
