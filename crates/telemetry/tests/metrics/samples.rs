//! What is sampled: sums over shards, the process, and that all have help and a type.

use crate::{CALL, telemetry, value};
use meishier_engine::api::{Gauges, Notice};
use meishier_engine::queue::Figures;
use meishier_model::SeatId;
use meishier_telemetry::{
    DnsSample, DossierSample, MediaSample, PoolSample, RecordingsSample, RecordsSample, Sample,
    ShardSample, SipSample, SocketSample,
};
use std::time::Duration;

fn sample() -> Sample {
    let shard = |n: u64| ShardSample {
        gauges: Gauges {
            calls: n,
            legs: 2 * n,
            transactions: 3 * n,
            timers: 4 * n,
            ports: 5 * n,
            thirds: 7 * n,
            alarms: 8 * n,
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
        recordings: RecordingsSample {
            open: 31,
            kept: 32,
            refused: 33,
            failed: 34,
            failing: 1,
            lost: 35,
            bytes: 36,
            deleted: 37,
            held: 38,
            undeleted: 39,
        },
        dossiers: DossierSample {
            sent: 41,
            failed: 42,
            given_up: 43,
            lost: 44,
            pending: 45,
            late: 46,
            oldest: Duration::from_secs(47),
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
        ("meishier_transfer_parties", 21.0),
        ("meishier_transfer_alarms", 24.0),
        ("meishier_registrations", 18.0),
        ("meishier_rtp_ports_bound", 400.0),
        ("meishier_recordings_open", 31.0),
        ("meishier_dossiers_sent_total", 41.0),
        ("meishier_dossiers_failed_total", 42.0),
        ("meishier_dossiers_lost_total{reason=\"given_up\"}", 43.0),
        ("meishier_dossiers_lost_total{reason=\"full\"}", 44.0),
        ("meishier_dossiers_pending", 45.0),
        ("meishier_dossiers_late", 46.0),
        ("meishier_dossiers_oldest_seconds", 47.0),
        ("meishier_recordings_total{result=\"kept\"}", 32.0),
        ("meishier_recordings_failing", 1.0),
        ("meishier_recordings_deleted_total", 37.0),
        ("meishier_recordings_undeleted", 39.0),
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
