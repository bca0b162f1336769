//! The demo's cast against a stand-in for the engine.

mod common;

use common::exchange::{self, Desk};
use common::mixer::Mixer;
use meishier_phones::cast::{
    CastOptions, DeskStep, KeyPress, Mute, Progress, Report, Script, SeatAccount, Side, Stage,
    Step, Who, Why,
};
use meishier_phones::sdp::RemoteSdp;
use rsip::headers::UntypedHeader;
use rsip::prelude::HeadersExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

async fn options(seats: usize, calls: usize, length: Duration) -> CastOptions {
    let account = |n| SeatAccount {
        name: format!("s{n:02}"),
        password: "x".into(),
        number: None,
    };
    let seats = (1..=seats).map(account).collect();
    let talk = (Duration::from_millis(1_300), Duration::from_millis(1_800));
    CastOptions {
        length,
        talk,
        key: None,
        patience: Duration::from_secs(60),
        ..CastOptions::new(exchange::start().await, seats, calls)
    }
}

async fn play(options: CastOptions) -> (Report, Vec<Progress>, Vec<String>) {
    let stage = Stage::open().await.unwrap();
    let (progress, mut steps) = mpsc::channel(16);
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(step) = steps.recv().await {
            seen.push(step);
        }
        seen
    });
    let pressed = Arc::new(Mutex::new(Vec::new()));
    let keys = pressed.clone();
    let press_key = move |press: KeyPress| {
        keys.lock().unwrap().push(format!(
            "{} {} {}",
            press.key.key, press.key.city, press.seat
        ));
        async { Err("this exchange has no key".to_owned()) }
    };
    let report = stage.play(options, press_key, progress).await.unwrap();
    let pressed = pressed.lock().unwrap().clone();
    (report, seen.await.unwrap(), pressed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_ends_as_scripted() {
    let mut options = options(4, 24, Duration::from_secs(12)).await;
    options.seats_used = Some(4);
    let (report, steps, _) = play(options).await;
    let wrong: Vec<_> = report.results.iter().filter(|r| !r.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((report.calls, report.failed), (24, 0));
    assert!(report.rtp_packets_each_way_ok && report.as_scripted());
    assert_eq!(report.answered + report.abandoned, 24);
    for script in [
        "first seat refuses",
        "first seat does not answer",
        "caller gives up while it rings",
        "caller gives up waiting",
    ] {
        assert!(
            report.results.iter().any(|r| r.script.name() == script),
            "no call with: {script}"
        );
    }
    assert!(
        report
            .results
            .iter()
            .filter(|r| r.answered)
            .all(|r| r.both_ways_ms >= 1_000 && r.seat.is_some())
    );
    let waited = report
        .results
        .iter()
        .filter(|r| r.answer_time_ms.is_some_and(|ms| ms > 2_000))
        .count();
    assert!(waited > 0, "the wave must make somebody wait");
    let ended = steps
        .iter()
        .filter(|s| matches!(s.step, Step::Ended(_)))
        .count();
    assert_eq!(ended, 24);
    assert!(steps.iter().all(|s| s.caller.contains("****")));
}

#[tokio::test]
async fn a_cut_direction_is_seen() {
    for side in [Side::Caller, Side::Seat] {
        let mut options = options(2, 1, Duration::from_secs(1)).await;
        options.mute = Some(Mute { call: 1, side });
        let (report, ..) = play(options).await;
        assert_eq!((report.answered, report.failed), (1, 1));
        assert!(!report.rtp_packets_each_way_ok && !report.as_scripted());
        let deaf = match side {
            Side::Caller => Who::Counsellor,
            Side::Seat => Who::Caller,
        };
        assert_eq!(report.results[0].why_not, Some(Why::Deaf(deaf)));
    }
}

#[tokio::test]
async fn a_refused_key_fails_the_call_in_danger() {
    let mut options = options(2, 2, Duration::from_secs(1)).await;
    options.key = CastOptions::new(options.engine, vec![], 1).key;
    let (report, _, pressed) = play(options).await;
    assert_eq!(pressed.len(), 1);
    assert!(pressed[0].starts_with("110 贵阳 s"));
    let danger = report
        .results
        .iter()
        .find(|r| r.script == Script::Danger)
        .unwrap();
    let refused = Why::KeyRefused("this exchange has no key".into());
    assert_eq!(danger.why_not, Some(refused));
    assert_eq!((report.failed, report.transfers), (1, 0));
    assert!(report.rtp_packets_each_way_ok);
}

/// What an engine does when the key is pressed: calls the police and mixes them in until the caller
/// whom they have taken over hangs up.
async fn call_police(police: std::net::SocketAddr, mixer: Mixer, desk: Desk) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let us = socket.local_addr().unwrap();
    let rtp = mixer.add_third();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtp} RTP/AVP 8\r\n"
    );
    let request = |method: &str, to: &str, branch: &str, sdp: &str| {
        format!(
            "{method} sip:0851110@{police} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:12356@{us}>;tag=1\r\nTo: {to}\r\nCall-ID: police\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:12356@{us}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    };
    let invite = request("INVITE", &format!("<sip:0851110@{police}>"), "1", &sdp);
    socket.send_to(invite.as_bytes(), police).await.unwrap();
    let mut buffer = vec![0u8; 65_536];
    let mut to = String::new();
    loop {
        let (length, _) = tokio::select! {
            received = socket.recv_from(&mut buffer) => received.unwrap(),
            () = desk.over() => {
                mixer.drop_third();
                let bye = request("BYE", &to, "3", "").replace("CSeq: 1", "CSeq: 2");
                socket.send_to(bye.as_bytes(), police).await.unwrap();
                return;
            }
        };
        match rsip::SipMessage::try_from(&buffer[..length]).unwrap() {
            rsip::SipMessage::Response(response) if response.status_code.code() == 200 => {
                let answer = RemoteSdp::read(&response.body).unwrap();
                mixer.found(answer.address.port());
                to = response.to_header().unwrap().value().to_owned();
                socket
                    .send_to(request("ACK", &to, "2", "").as_bytes(), police)
                    .await
                    .unwrap();
            }
            rsip::SipMessage::Response(_) => {}
            rsip::SipMessage::Request(request) => panic!("{} of the police", request.method),
        }
    }
}

#[tokio::test]
async fn three_talk_after_the_key() {
    let mixer = Mixer::start();
    let desk = Desk::default();
    let engine = exchange::start_with(Some(mixer.clone()), desk.clone()).await;
    let seats = vec![SeatAccount {
        name: "s01".into(),
        password: "x".into(),
        number: None,
    }];
    // Two calls far enough apart: this exchange mixes one call at a time.
    let options = CastOptions {
        length: Duration::from_secs(20),
        ..CastOptions::new(engine, seats, 2)
    };
    let stage = Stage::open().await.unwrap();
    let police = stage.trunk_address();
    let press_key = move |press: KeyPress| {
        match press.step {
            DeskStep::Press => {
                tokio::spawn(call_police(police, mixer.clone(), desk.clone()));
            }
            DeskStep::Note | DeskStep::Confirm => {}
            DeskStep::Leave => desk.leave(),
        }
        async { Ok(()) }
    };
    let (progress, mut steps) = mpsc::channel(256);
    let report = stage.play(options, press_key, progress).await.unwrap();
    assert!(report.as_scripted(), "{:#?}", report.results);
    assert_eq!((report.answered, report.transfers), (2, 1));
    assert_eq!(report.handed_over, 1);
    let mut seen = Vec::new();
    while let Some(step) = steps.recv().await {
        seen.push(step.step);
    }
    assert!(seen.contains(&Step::PoliceAnswered {
        dialled: "0851110".into()
    }));
    let at = |step: Step| seen.iter().position(|it| *it == step);
    let steps = [Step::ThreeTalk, Step::Confirmed, Step::CounsellorLeft].map(at);
    assert!(steps[0].is_some() && steps.is_sorted(), "{seen:?}");
}

#[test]
fn the_default_run_has_every_script_and_is_repeatable() {
    let seats: Vec<_> = (0..23)
        .map(|n| SeatAccount {
            name: format!("s{n}"),
            password: "x".into(),
            number: None,
        })
        .collect();
    let engine = "127.0.0.1:5060".parse().unwrap();
    let options = CastOptions::new(engine, seats, 60);
    let scripts = options.scripts();
    assert_eq!(scripts.len(), 60);
    assert_eq!(scripts, options.scripts());
    let count = |wanted: fn(&Script) -> bool| scripts.iter().filter(|(_, s)| wanted(s)).count();
    assert_eq!(count(|s| *s == Script::Danger), 1);
    assert_eq!(count(|s| *s == Script::GiveUpWaiting), 2);
    assert!(count(|s| *s == Script::GiveUpRinging) >= 2);
    assert!(count(|s| *s == Script::SeatIgnores) >= 1);
    assert!(count(|s| matches!(s, Script::SeatRefuses { .. })) >= 2);
    assert!(count(|s| s.answered()) >= 50, "most calls are answered");
    assert!(scripts.last().unwrap().0 <= Duration::from_secs(120));
    // More than all seats are wanted within one second.
    let most = (0..120)
        .map(|second| {
            scripts
                .iter()
                .filter(|(at, _)| at.as_secs() == second)
                .count()
        })
        .max();
    assert!(most.unwrap() > 23);
    for calls in 1..12 {
        assert_eq!(
            CastOptions {
                calls,
                ..options.clone()
            }
            .scripts()
            .len(),
            calls
        );
    }
}
