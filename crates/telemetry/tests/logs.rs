//! Log lines: readable by machines, and nobody's number or name in them.
#![allow(missing_docs)]

use meishier_engine::api::{Notice, Phase, Refusal, SeatState};
use meishier_engine::routing::{Dialled, RiskWhy, Service};
use meishier_model::{
    CallId, DialString, OfferOutcome, Outcome, PoolId, SeatId, ShardId, TransferOutcome, TrunkId,
};
use meishier_telemetry::logs::{self, Level, LogFormat};
use meishier_telemetry::{Telemetry, TelemetryNames};
use std::io::Write;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn captured(format: LogFormat, level: Level, within: impl FnOnce()) -> String {
    let log = Log::default();
    let out = log.clone();
    let subscriber = logs::subscriber(format, level, move || out.clone());
    tracing::subscriber::with_default(subscriber, within);
    log.text()
}

fn telemetry() -> Arc<Telemetry> {
    Telemetry::new(&TelemetryNames {
        trunks: vec!["telecom".into()],
        pools: vec!["city".into()],
        seats: vec![vec![PoolId(0)]; 8],
        aliases: vec!["old".into()],
    })
    .unwrap()
}

/// One of every kind.
fn notices() -> Vec<Notice> {
    let call = CallId::new(ShardId(2), 77);
    let seat = SeatId(7);
    let mut all = vec![
        Notice::Arrived {
            call,
            trunk: TrunkId(0),
        },
        Notice::Routed {
            call,
            dialled: Dialled::Alias(0),
            ambiguous: true,
            default: true,
            risk: Some(RiskWhy::Listed),
            nuisance: None,
            redial: true,
        },
        Notice::Flagged {
            call,
            why: RiskWhy::Key,
        },
        Notice::Pool {
            pool: PoolId(0),
            service: Service::Down,
        },
        Notice::Pool {
            pool: PoolId(0),
            service: Service::Normal,
        },
        Notice::CalendarMissing(true),
        Notice::CalendarMissing(false),
        Notice::Refused(Refusal::Overload),
        Notice::Phase {
            call,
            from: None,
            to: Some(Phase::Queued),
        },
        Notice::Phase {
            call,
            from: Some(Phase::WrappingUp),
            to: None,
        },
        Notice::Offered {
            call,
            seat,
            ready_to_invite: Some(Duration::from_micros(70)),
            setup: Some(Duration::from_micros(70)),
        },
        Notice::Answered {
            call,
            pool: PoolId(0),
            waited: Duration::from_millis(1234),
        },
        Notice::Ended {
            call,
            outcome: Outcome::Abandoned,
            lasted: Duration::from_secs(3),
        },
        Notice::Seat {
            seat,
            from: SeatState::Ready,
            to: SeatState::Paused,
            by_engine: true,
        },
        Notice::Seat {
            seat,
            from: SeatState::Ready,
            to: SeatState::Offered,
            by_engine: false,
        },
        Notice::Trunk {
            trunk: TrunkId(0),
            up: true,
        },
        Notice::Trunk {
            trunk: TrunkId(9),
            up: false,
        },
        Notice::Registration {
            trunk: TrunkId(0),
            registered: true,
            status: 200,
        },
        Notice::Registration {
            trunk: TrunkId(0),
            registered: false,
            status: 403,
        },
        Notice::Lines {
            pool: PoolId(0),
            lines: 9,
        },
        Notice::Missed { call, seat },
        Notice::KeptOutside { call, risk: true },
        Notice::Unexpected("stale match"),
    ];
    for outcome in [
        OfferOutcome::Answered,
        OfferOutcome::NoAnswer,
        OfferOutcome::Refused,
        OfferOutcome::Unreachable,
        OfferOutcome::CallerGone,
        OfferOutcome::Withdrawn,
    ] {
        all.push(Notice::OfferEnded {
            call,
            seat,
            outcome,
        });
    }
    for outcome in [
        TransferOutcome::Joined,
        TransferOutcome::Failed,
        TransferOutcome::NoAnswer,
        TransferOutcome::Cancelled,
    ] {
        let third = meishier_engine::transfer::ThirdId(1);
        let kind = meishier_engine::transfer::KeyKind::Emergency;
        all.push(Notice::Transfer {
            call,
            third,
            kind,
            outcome,
        });
        all.push(Notice::TransferAnswered {
            call,
            kind,
            after: Duration::from_secs(5),
        });
    }
    all
}

#[test]
fn every_notice_is_one_json_line_without_strangers_words() {
    let t = telemetry();
    let all = notices();
    let text = captured(LogFormat::Json, Level::Trace, || {
        all.iter().for_each(|notice| t.log_notice(notice));
    });
    assert_eq!(text.lines().count(), all.len());
    let known = [
        "timestamp",
        "level",
        "target",
        "message",
        "call",
        "seat",
        "pool",
        "trunk",
        "reason",
        "from",
        "to",
        "outcome",
        "waited_ms",
        "lasted_ms",
        "lines",
        "what",
        "risk",
        "nuisance",
        "redial",
        "default",
        "ambiguous",
        "why",
        "state",
        "status",
        "kind",
        "after_ms",
    ];
    for line in text.lines() {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in object.keys() {
            assert!(known.contains(&field.as_str()), "{field} in {line}");
        }
    }
    assert!(text.contains("\"call\":\"000200000000004d\""), "{text}");
}

#[test]
fn numbers_stay_masked_however_they_are_written() {
    let number = DialString::new("13955556666");
    let text = captured(LogFormat::Text, Level::Trace, || {
        tracing::info!(target: "meishier_net", caller = %number, again = ?number, "{number} {number:?}");
    });
    assert!(text.contains("139****6666"), "{text}");
    assert!(!text.contains("5555"), "{text}");
}

#[test]
fn other_crates_are_not_heard_below_warnings() {
    let speak = || {
        tracing::trace!(target: "hyper::proto", "marker of a header");
        tracing::info!(target: "sqlx::query", "marker of a statement");
        tracing::warn!(target: "sqlx::query", "heard");
        tracing::trace!(target: "meishier_net::tcp", "heard too");
    };
    let text = captured(LogFormat::Text, Level::Trace, speak);
    assert!(!text.contains("marker"), "{text}");
    assert!(
        text.contains("heard\n") && text.contains("heard too"),
        "{text}"
    );
    let text = captured(LogFormat::Text, Level::Error, speak);
    assert_eq!(text, "");
}

#[test]
fn info_tells_calls_and_debug_tells_steps() {
    let t = telemetry();
    let at = |level| {
        captured(LogFormat::Text, level, || {
            notices().iter().for_each(|n| t.log_notice(n))
        })
    };
    let info = at(Level::Info);
    assert!(
        info.contains("call arrived") && info.contains("call ended"),
        "{info}"
    );
    assert!(!info.contains("phase"), "{info}");
    assert!(at(Level::Debug).contains("phase"));
    let warn = at(Level::Warn);
    assert!(
        warn.contains("trunk does not answer") && !warn.contains("call arrived"),
        "{warn}"
    );
}

#[test]
fn a_flood_of_unexpected_inputs_does_not_flood_the_log() {
    let t = telemetry();
    let text = captured(LogFormat::Text, Level::Info, || {
        for _ in 0..10_000 {
            t.log_notice(&Notice::Unexpected("stale match"));
        }
    });
    // Ten a second, and this takes a few seconds at most even on a slow machine.
    assert!(
        (10..1_000).contains(&text.lines().count()),
        "{}",
        text.lines().count()
    );
}

#[test]
fn words_of_the_configuration_are_understood() {
    assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
    assert_eq!("text".parse::<LogFormat>().unwrap(), LogFormat::Text);
    assert!("xml".parse::<LogFormat>().is_err());
    assert_eq!("debug".parse::<Level>().unwrap(), Level::Debug);
    assert!("loud".parse::<Level>().is_err());
}

#[test]
fn lines_are_whole_and_all_there_when_the_guard_is_gone() {
    let log = Log::default();
    let (lines, guard) = logs::start(log.clone()).unwrap();
    for n in 0..1_000 {
        (&lines)
            .write_all(format!("line {n}\n").as_bytes())
            .unwrap();
    }
    drop(guard);
    let text = log.text();
    assert_eq!(text.lines().count(), 1_000);
    assert_eq!(text.lines().last(), Some("line 999"));
}

/// Takes nothing until told to.
struct Stuck(Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Ends with an error, too, when the test drops its end.
        let _ = self.0.recv();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn whoever_logs_never_waits_for_a_reader_that_is_stuck() {
    let (release, held) = sync_channel(0);
    let (lines, guard) = logs::start(Stuck(held)).unwrap();
    let before = logs::dropped();
    for _ in 0..100_000 {
        (&lines).write_all(b"line\n").unwrap();
    }
    assert!(logs::dropped() > before);
    drop(release);
    drop(guard);
}
