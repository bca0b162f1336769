//! rtpengine between the carrier's caller and the engine: both hear each other's tones through it,
//! and the caller's keys arrive.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::peers::rtpengine::{Rtpengine, Value, audio};
use meishier_tests::plan::{Plan, free_ports};
use meishier_tests::sip::{Dialog, Sip};
use meishier_tests::talker::{Talker, press, talk};
use std::time::Duration;

const CALLER_TONE: f64 = 440.0;
const SEAT_TONE: f64 = 1000.0;

/// A caller behind the relay and a seat that talk with each other.
struct Talk {
    engine: Engine,
    relay: Rtpengine,
    caller: Line,
    dialog: Dialog,
    seat: Line,
    caller_media: Talker,
    seat_media: Talker,
    /// What the engine was offered, and what it answered.
    described: (String, String),
}

impl Talk {
    /// `outward` goes with the offer to the engine, `inward` with its answer.
    fn new(outward: &[(&str, Value)], inward: &[(&str, Value)]) -> Self {
        let seat = Line::new();
        let plan = Plan::with_seats(1, seat.address(), "udp");
        let engine = Engine::start(&plan);
        let mut seat = seat.towards(engine.udp());
        let first = free_ports("127.0.0.1", 20);
        let mut relay = Rtpengine::start(engine.folder(), (first, first + 39));
        let (mut caller_media, mut seat_media) = (Talker::new(CALLER_TONE), Talker::new(SEAT_TONE));
        let offer = relay.describe("offer", &caller_media.sdp(), outward);
        let mut caller = Line::new().towards(engine.udp());
        let mut dialog = Dialog::new("13900000001", "relay", caller.address(), engine.udp());
        caller.send(dialog.request("INVITE", 1, "INVITE", &offer));
        let invite = seat.request("INVITE");
        seat_media.towards(audio(invite.body()));
        seat.reply(&invite, "200 OK", &seat_media.sdp());
        let answer: Sip = caller.confirm(&mut dialog);
        let ours = relay.describe("answer", answer.body(), inward);
        caller_media.towards(audio(&ours));
        Self {
            engine,
            relay,
            caller,
            dialog,
            seat,
            caller_media,
            seat_media,
            described: (offer, answer.body().to_owned()),
        }
    }

    fn talk(&mut self, length: Duration) {
        talk(&mut [&mut self.caller_media, &mut self.seat_media], length);
    }

    /// Hangs up; nothing is left, and the relay has relayed. The record.
    fn end(mut self) -> serde_json::Value {
        self.caller.hang_up(&self.dialog);
        let bye = self.seat.request("BYE");
        self.seat.reply(&bye, "200 OK", "");
        let counts = self.relay.delete();
        assert!(counts.contains("6:result2:ok"), "{counts}");
        self.relay.end();
        let record = self.engine.await_records(1).remove(0);
        assert_eq!(record["outcome"], "answered");
        for party in ["rtp_caller", "rtp_seat"] {
            assert_eq!(record[party]["lost"], 0, "{party}: {record}");
            assert_eq!(record[party]["wrong_source"], 0, "{party}: {record}");
            assert!(record[party]["received"].as_u64() >= Some(80), "{record}");
        }
        self.engine.check_log();
        record
    }
}

#[test]
fn both_hear_each_other_through_the_relay() {
    let mut call = Talk::new(&[], &[]);
    call.talk(Duration::from_secs(2));
    let (by_caller, by_seat) = (call.caller_media.heard(), call.seat_media.heard());
    assert!(
        by_caller.seconds_of(SEAT_TONE) >= 1.5,
        "{}",
        by_caller.seconds_of(SEAT_TONE)
    );
    assert!(
        by_seat.seconds_of(CALLER_TONE) >= 1.5,
        "{}",
        by_seat.seconds_of(CALLER_TONE)
    );
    assert_eq!(
        by_caller.seconds_of(CALLER_TONE),
        0.0,
        "nobody hears itself"
    );
    assert_eq!(by_seat.seconds_of(SEAT_TONE), 0.0, "nobody hears itself");
    call.end();
}

#[test]
fn keys_come_through_the_relay_once_each() {
    let mut call = Talk::new(&[], &[]);
    call.talk(Duration::from_secs(1));
    for key in [1, 1, 10, 11] {
        press(&mut [&mut call.caller_media, &mut call.seat_media], key);
        call.talk(Duration::from_millis(200));
    }
    assert_eq!(call.seat_media.keys(), [1, 1, 10, 11]);
    call.talk(Duration::from_millis(500));
    call.end();
}

/// The relay speaks SRTP with the engine and plain RTP with the caller.
#[test]
fn the_relay_secures_its_side() {
    for suite in ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"] {
        let outward = [
            ("transport-protocol", "RTP/SAVP".into()),
            ("DTLS", "off".into()),
            ("SDES", Value::List(vec![format!("only-{suite}")])),
        ];
        let inward = [("transport-protocol", "RTP/AVP".into())];
        let mut call = Talk::new(&outward, &inward);
        let (offer, answer) = call.described.clone();
        let crypto = format!(" {suite} inline:");
        assert!(
            offer.contains("RTP/SAVP") && offer.contains(&crypto),
            "{offer}"
        );
        assert!(
            answer.contains("RTP/SAVP") && answer.contains(&crypto),
            "{answer}"
        );
        call.talk(Duration::from_secs(2));
        press(&mut [&mut call.caller_media, &mut call.seat_media], 3);
        call.talk(Duration::from_millis(200));
        let (by_caller, by_seat) = (call.caller_media.heard(), call.seat_media.heard());
        assert!(
            by_caller.seconds_of(SEAT_TONE) >= 1.5,
            "{}",
            by_caller.seconds_of(SEAT_TONE)
        );
        assert!(
            by_seat.seconds_of(CALLER_TONE) >= 1.5,
            "{}",
            by_seat.seconds_of(CALLER_TONE)
        );
        assert_eq!(call.seat_media.keys(), [3]);
        let record = call.end();
        assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
        assert_eq!(record["rtp_caller"]["unauthentic"], 0, "{record}");
    }
}
