//! baresip with SRTP by SDES: as a caller and as a seat, with keys beside plain RTP and with SRTP alone.

use super::baresip::{CALLER_TONE, HEARD, SEAT_TONE, heard, telephone, tone};
use meishier_tests::engine::Engine;
use meishier_tests::plan::Plan;
use serde_json::Value;

/// What the two telephones say of SRTP, and the seat's line of configuration.
struct Pair {
    caller: &'static str,
    seat: &'static str,
    line: &'static str,
}

/// Two telephones speak with each other through the engine and hear each other; the record.
fn talk(pair: &Pair) -> Value {
    let mut plan = Plan::default();
    plan.digest = "md5";
    plan.phones = pair.line;
    let name = plan.add_phone("geheim-x", "ready");
    let engine = Engine::start(&plan);
    let sip = engine.udp();
    let (caller, seat) = (pair.caller, pair.seat);
    let seat = telephone(
        &engine,
        "seat",
        &format!(
            "<sip:{name}@{sip}>;auth_user={name};auth_pass=geheim-x;regint=60;answermode=auto;audio_codecs=PCMA{seat}\n"
        ),
        &tone(engine.folder(), SEAT_TONE),
        &[],
    );
    engine.await_gauge("meishier_registrations", &[], 1.0);
    engine.await_gauge("meishier_seats", &[("state", "ready")], 1.0);
    let caller = telephone(
        &engine,
        "caller",
        &format!(
            "<sip:13800001234@127.0.0.1:{{port}}>;regint=0;outbound=\"sip:{sip}\";audio_codecs=PCMA{caller}\n"
        ),
        &tone(engine.folder(), CALLER_TONE),
        &[format!("/dial sip:12356@{sip}")],
    );
    engine.await_gauge("meishier_calls", &[("phase", "talking")], 1.0);
    // 50 packets a second from each side; three seconds of them.
    engine.await_metrics("three seconds of speech", |page| {
        let dropped = [("reason", "forged")];
        assert_eq!(page.sum("meishier_rtp_dropped_total", &dropped), 0.0);
        page.sum("meishier_rtp_packets_total", &[("direction", "received")]) >= 300.0
    });
    caller.end();
    let record = engine.await_records(1).swap_remove(0);
    seat.end();
    engine.await_gauge("meishier_registrations", &[], 0.0);
    assert_eq!(record["outcome"], "answered");
    let (by_caller, by_seat) = (heard(&engine, "caller"), heard(&engine, "seat"));
    assert!(by_caller.seconds_of(SEAT_TONE) >= HEARD);
    assert!(by_seat.seconds_of(CALLER_TONE) >= HEARD);
    engine.check_log();
    record
}

#[test]
fn two_telephones_with_srtp_alone_hear_each_other() {
    let record = talk(&Pair {
        caller: ";mediaenc=srtp-mand",
        seat: ";mediaenc=srtp-mand",
        line: "srtp = \"required\"",
    });
    assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
    assert_eq!(record["rtp_seat"]["secured"], true, "{record}");
    for side in ["rtp_caller", "rtp_seat"] {
        assert_eq!(record[side]["unauthentic"], 0, "{record}");
    }
}

#[test]
fn a_caller_with_keys_beside_plain_rtp_hears_a_seat_without() {
    let record = talk(&Pair {
        caller: ";mediaenc=srtp",
        seat: "",
        line: "",
    });
    assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
    assert_eq!(record["rtp_seat"]["secured"], false, "{record}");
}
