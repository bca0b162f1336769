//! The page says what the notices and samples said.
#![allow(missing_docs)]

use meishier_engine::api::{Gauges, LegParty, Notice, Phase, Refusal, SeatState};
use meishier_engine::queue::Figures;
use meishier_engine::routing::{Dialled, NuisanceWhy, RiskWhy, Service};
use meishier_model::{
    CallId, OfferOutcome, Outcome, PoolId, RtpStats, SeatId, TransferOutcome, TrunkId,
};
use meishier_telemetry::{
    DnsSample, MediaSample, PoolSample, RecordsSample, Sample, ShardSample, SipSample,
    SocketSample, Telemetry, TelemetryNames,
};
use std::sync::Arc;
use std::time::Duration;

const CALL: CallId = CallId(1);

fn telemetry() -> Arc<Telemetry> {
    Telemetry::new(&TelemetryNames {
        trunks: vec!["telecom".into(), "mobile".into()],
        pools: vec!["city".into(), "province".into()],
        seats: vec![vec![PoolId(0)], vec![PoolId(0), PoolId(1)], vec![PoolId(1)]],
        aliases: vec!["old".into()],
    })
    .unwrap()
}

/// The value of the line that begins with `series` (name and labels as rendered).
fn value(page: &str, series: &str) -> f64 {
    let line = page
        .lines()
        .find(|line| {
            line.strip_prefix(series)
                .is_some_and(|rest| rest.starts_with(' '))
        })
        .unwrap_or_else(|| panic!("no {series} in\n{page}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
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
    let page = t.render();
    assert_eq!(
        value(&page, "meishier_calls_arrived_total{trunk=\"mobile\"}"),
        1.0
    );
    assert_eq!(
        value(&page, "meishier_calls_arrived_total{trunk=\"telecom\"}"),
        0.0
    );
    assert_eq!(value(&page, "meishier_calls{phase=\"queued\"}"), 1.0);
    assert_eq!(value(&page, "meishier_calls{phase=\"offered\"}"), 1.0);
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
        assert_eq!(
            value(
                &page,
                &format!("meishier_calls{{phase=\"{}\"}}", phase.as_str())
            ),
            0.0
        );
    }
    assert_eq!(
        value(&page, "meishier_calls_ended_total{outcome=\"answered\"}"),
        1.0
    );
    assert_eq!(
        value(&page, "meishier_calls_ended_total{outcome=\"abandoned\"}"),
        0.0
    );
    assert_eq!(
        value(&page, "meishier_call_duration_seconds_bucket{le=\"60\"}"),
        0.0
    );
    assert_eq!(
        value(&page, "meishier_call_duration_seconds_bucket{le=\"120\"}"),
        1.0
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
    let page = t.render();
    assert_eq!(
        value(
            &page,
            "meishier_ready_to_invite_seconds_bucket{le=\"0.00005\"}"
        ),
        1.0
    );
    assert_eq!(
        value(
            &page,
            "meishier_ready_to_invite_seconds_bucket{le=\"0.00075\"}"
        ),
        1.0
    );
    assert_eq!(
        value(
            &page,
            "meishier_ready_to_invite_seconds_bucket{le=\"0.001\"}"
        ),
        2.0
    );
    assert_eq!(
        value(&page, "meishier_setup_seconds_bucket{le=\"0.0001\"}"),
        0.0
    );
    assert_eq!(
        value(&page, "meishier_setup_seconds_bucket{le=\"0.0002\"}"),
        1.0
    );
    assert_eq!(value(&page, "meishier_setup_seconds_count"), 1.0);
    assert_eq!(value(&page, "meishier_offers_started_total"), 4.0);
    let bucket = "meishier_answer_time_seconds_bucket{pool=\"province\",le=\"15\"}";
    assert_eq!(value(&page, bucket), 1.0);
}

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
fn facts_are_counted_under_their_names() {
    let t = telemetry();
    t.notice(&Notice::Refused(Refusal::UnknownSource));
    t.notice(&Notice::OfferEnded {
        call: CALL,
        seat: SeatId(0),
        outcome: OfferOutcome::NoAnswer,
    });
    t.notice(&Notice::Transfer {
        call: CALL,
        outcome: TransferOutcome::Joined,
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
    assert_eq!(
        value(&page, "meishier_transfers_total{outcome=\"joined\"}"),
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

fn sample() -> Sample {
    let shard = |n: u64| ShardSample {
        gauges: Gauges {
            calls: n,
            legs: 2 * n,
            transactions: 3 * n,
            timers: 4 * n,
            ports: 5 * n,
            registrations: 6 * n,
        },
        sip: SipSample {
            received_requests: vec![("INVITE", n), ("BYE", 0)],
            sent_requests: vec![("INVITE", 10 * n)],
            received_responses: vec![(200, n), (299, n), (298, n)],
            sent_responses: vec![(100, 7 * n)],
            retransmissions_sent: n,
            retransmissions_received: 2 * n,
            malformed: 3 * n,
            malformed_responses: 6 * n,
            unmatched: 4 * n,
            limited: 5 * n,
        },
    };
    Sample {
        shards: vec![shard(1), shard(2)],
        media: MediaSample {
            received: 1,
            sent: 2,
            wrong_source: 3,
            forged: 31,
            replayed: 32,
            malformed: 4,
            rtcp_received: 21,
            rtcp_sent: 22,
            send_failed: 5,
        },
        dns: DnsSample {
            found: 12,
            nothing: 13,
            failed: 14,
            stale: 15,
        },
        sockets: SocketSample {
            connections: 1,
            blocked: 2,
            unfit: 3,
            idle: 10,
            crowded: 11,
            refused: 4,
            socket_full: 5,
            inbox_full: 6,
            tls_handshakes: 7,
            tls_failed: vec![("no_certificate", 8), ("crowded", 9)],
            hep_sent: 23,
            hep_dropped: 24,
        },
        pools: vec![
            PoolSample {
                waiting: 4,
                oldest_wait: Duration::from_millis(1500),
                lines_used: 2,
            },
            PoolSample::default(),
        ],
        waiting: 4,
        queue: Figures {
            matches: 6,
            helped: 7,
            repeated: 8,
            scanned: 9,
        },
        records: RecordsSample {
            written: 1,
            duplicates: 2,
            failed: 3,
            refused: 4,
            pending: 5,
        },
        ports_bound: 400,
        tasks: 17,
    }
}

#[test]
fn samples_are_summed_over_the_shards() {
    let t = telemetry();
    t.scrape(&sample());
    let page = t.render();
    let expected = [
        ("meishier_engine_calls", 3.0),
        ("meishier_dialogs", 6.0),
        ("meishier_transactions", 9.0),
        ("meishier_timers", 12.0),
        ("meishier_rtp_ports_used", 15.0),
        ("meishier_registrations", 18.0),
        ("meishier_rtp_ports_bound", 400.0),
        ("meishier_rtcp_packets_total{direction=\"received\"}", 21.0),
        ("meishier_rtcp_packets_total{direction=\"sent\"}", 22.0),
        ("meishier_tasks", 17.0),
        (
            "meishier_sip_requests_total{direction=\"received\",method=\"INVITE\"}",
            3.0,
        ),
        (
            "meishier_sip_requests_total{direction=\"sent\",method=\"INVITE\"}",
            30.0,
        ),
        (
            "meishier_sip_responses_total{direction=\"received\",code=\"200\"}",
            9.0,
        ),
        (
            "meishier_sip_responses_total{direction=\"sent\",code=\"100\"}",
            21.0,
        ),
        (
            "meishier_sip_retransmissions_total{direction=\"sent\"}",
            3.0,
        ),
        (
            "meishier_sip_retransmissions_total{direction=\"received\"}",
            6.0,
        ),
        ("meishier_sip_dropped_total{reason=\"malformed\"}", 9.0),
        (
            "meishier_sip_dropped_total{reason=\"malformed_response\"}",
            18.0,
        ),
        ("meishier_sip_dropped_total{reason=\"unmatched\"}", 12.0),
        ("meishier_sip_dropped_total{reason=\"limited\"}", 15.0),
        ("meishier_sip_connections", 1.0),
        (
            "meishier_sip_connections_closed_total{reason=\"blocked\"}",
            2.0,
        ),
        (
            "meishier_sip_connections_closed_total{reason=\"unfit\"}",
            3.0,
        ),
        (
            "meishier_sip_connections_closed_total{reason=\"idle\"}",
            10.0,
        ),
        (
            "meishier_sip_connections_closed_total{reason=\"crowded\"}",
            11.0,
        ),
        (
            "meishier_sip_connections_closed_total{reason=\"refused\"}",
            4.0,
        ),
        ("meishier_dns_searches_total{result=\"found\"}", 12.0),
        ("meishier_dns_searches_total{result=\"nothing\"}", 13.0),
        ("meishier_dns_searches_total{result=\"failed\"}", 14.0),
        ("meishier_dns_names_stale", 15.0),
        ("meishier_sip_queue_full_total{queue=\"socket\"}", 5.0),
        ("meishier_sip_queue_full_total{queue=\"inbox\"}", 6.0),
        ("meishier_tls_handshakes_total", 7.0),
        ("meishier_tls_failed_total{reason=\"no_certificate\"}", 8.0),
        ("meishier_hep_copies_total{result=\"sent\"}", 23.0),
        ("meishier_hep_copies_total{result=\"dropped\"}", 24.0),
        ("meishier_tls_failed_total{reason=\"crowded\"}", 9.0),
        ("meishier_tls_failed_total{reason=\"late\"}", 0.0),
        ("meishier_rtp_packets_total{direction=\"received\"}", 1.0),
        ("meishier_rtp_packets_total{direction=\"sent\"}", 2.0),
        ("meishier_rtp_dropped_total{reason=\"wrong_source\"}", 3.0),
        ("meishier_rtp_dropped_total{reason=\"malformed\"}", 4.0),
        ("meishier_rtp_dropped_total{reason=\"forged\"}", 31.0),
        ("meishier_rtp_dropped_total{reason=\"replayed\"}", 32.0),
        ("meishier_rtp_dropped_total{reason=\"send_failed\"}", 5.0),
        ("meishier_waiting{pool=\"city\"}", 4.0),
        ("meishier_waiting_callers", 4.0),
        ("meishier_oldest_wait_seconds{pool=\"city\"}", 1.5),
        ("meishier_lines_used{pool=\"city\"}", 2.0),
        ("meishier_queue_matches_total", 6.0),
        ("meishier_queue_helped_total", 7.0),
        ("meishier_queue_repeated_total", 8.0),
        ("meishier_queue_scanned_total", 9.0),
        ("meishier_records_written_total", 1.0),
        ("meishier_records_duplicate_total", 2.0),
        ("meishier_records_failed_total", 3.0),
        ("meishier_records_refused_total", 4.0),
        ("meishier_records_pending", 5.0),
    ];
    for (series, wanted) in expected {
        assert_eq!(value(&page, series), wanted, "{series}");
    }
    // What never happened has no line: the page does not grow with what might be.
    assert!(!page.contains("method=\"BYE\""));
    assert!(!page.contains("code=\"299\"") && !page.contains("code=\"298\""));
    // A second scrape of the same totals adds nothing.
    t.scrape(&sample());
    let page = t.render();
    assert_eq!(
        value(
            &page,
            "meishier_sip_retransmissions_total{direction=\"sent\"}"
        ),
        3.0
    );
}

#[test]
fn the_process_is_measured() {
    let t = telemetry();
    t.scrape(&Sample::default());
    let page = t.render();
    assert!(value(&page, "process_resident_memory_bytes") > 1_000_000.0);
    assert!(value(&page, "process_open_fds") >= 3.0);
    assert!(value(&page, "process_max_fds") >= value(&page, "process_open_fds"));
    assert!(value(&page, "process_threads") >= 1.0);
    assert!(value(&page, "process_start_time_seconds") > 1_600_000_000.0);
    assert!(value(&page, "process_cpu_seconds_total") >= 0.0);
    assert!(page.contains("# TYPE process_cpu_seconds_total counter\n"));
}

#[test]
fn every_metric_has_help_and_a_type() {
    let t = telemetry();
    t.scrape(&sample());
    t.notice(&Notice::Offered {
        call: CALL,
        seat: SeatId(0),
        ready_to_invite: Some(Duration::ZERO),
        setup: Some(Duration::ZERO),
    });
    let page = t.render();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(
            page.contains(&format!("# HELP {name} ")),
            "{name} has no help text"
        );
        assert!(
            name.starts_with("meishier_") || name.starts_with("process_"),
            "{name}"
        );
        if line.ends_with(" counter") {
            assert!(name.ends_with("_total"), "{name}");
        }
        if line.ends_with(" histogram") {
            assert!(name.ends_with("_seconds"), "{name}");
        }
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
fn routed_calls_are_counted_by_number_and_reason() {
    let t = telemetry();
    let call = CallId(1);
    let routed = |dialled, risk, nuisance, odd| Notice::Routed {
        call,
        dialled,
        ambiguous: odd,
        default: odd,
        risk,
        nuisance,
        redial: odd,
    };
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
        call,
        why: RiskWhy::Key,
    });
    let page = t.render();
    for (series, expected) in [
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
    ] {
        assert_eq!(value(&page, series), expected, "{series}");
    }
}

#[test]
fn old_numbers_follow_another_configuration() {
    let t = telemetry();
    let dialled = |at| Notice::Routed {
        call: CallId(1),
        dialled: Dialled::Alias(at),
        ambiguous: false,
        default: false,
        risk: None,
        nuisance: None,
        redial: false,
    };
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
