//! rtpengine between the carrier's caller and the engine: both hear each other's tones through it,
//! and the caller's keys arrive.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::peers::rtpengine::{Rtpengine, Value, audio};
use meishier_tests::plan::{Plan, free_ports};
use meishier_tests::sip::{Dialog, Sip};
use meishier_tests::sound::hear_each_other;
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

    /// Both have heard a second and a half of the other.
    fn heard(&self) {
        let (caller, seat) = (self.caller_media.heard(), self.seat_media.heard());
        hear_each_other([(&caller, CALLER_TONE), (&seat, SEAT_TONE)], 1.5);
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
    call.heard();
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
    let all = [
        "AEAD_AES_256_GCM",
        "AEAD_AES_128_GCM",
        "AES_256_CM_HMAC_SHA1_80",
        "AES_256_CM_HMAC_SHA1_32",
        "AES_CM_128_HMAC_SHA1_80",
        "AES_CM_128_HMAC_SHA1_32",
    ];
    for suite in &all[1..] {
        let others = all.iter().filter(|other| *other != suite);
        let outward = [
            ("transport-protocol", "RTP/SAVP".into()),
            ("DTLS", "off".into()),
            (
                "SDES",
                Value::List(others.map(|other| format!("no-{other}")).collect()),
            ),
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
        call.heard();
        assert_eq!(call.seat_media.keys(), [3]);
        let record = call.end();
        assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
        assert_eq!(record["rtp_caller"]["unauthentic"], 0, "{record}");
    }
}
