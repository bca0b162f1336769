//! Who called, and from where, is in the record and nowhere else: not in logs, not in metrics.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::plan::Plan;
use meishier_tests::sip::Dialog;

/// A number that nothing else contains.
const CALLER: &str = "13987654321";
const GIVES_UP: &str = "13912348765";
const STRANGER: &str = "17755443322";
/// Names and words that arrive in headers and bodies.
const WORDS: &[&str] = &[
    CALLER,
    GIVES_UP,
    STRANGER,
    "Zhang Wei",
    "geheim",
    "test.invalid",
];

fn check(what: &str, text: &str) {
    for word in WORDS {
        let line = text.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{what} holds {word}");
    }
}

#[test]
fn numbers_reach_neither_logs_nor_metrics() {
    for (log, level) in [("text", "trace"), ("json", "info")] {
        play(log, level);
    }
}

fn play(log: &'static str, level: &'static str) {
    let seat = Line::new();
    let mut plan = Plan::with_seats(1, seat.address(), "udp");
    (plan.log, plan.log_level) = (log, level);
    let mut engine = Engine::start(&plan);
    let mut seat = seat.towards(engine.udp());
    let mut line = Line::new().towards(engine.udp());

    // A whole call.
    let mut dialog = line.invite(CALLER);
    seat.answer();
    line.confirm(&mut dialog);
    line.hang_up(&dialog);
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");

    // One that gives up while the seat rings.
    let dialog = line.invite(GIVES_UP);
    let invite = seat.request("INVITE");
    seat.reply(&invite, "180 Ringing", "");
    line.response(&dialog, "INVITE", 180);
    line.send(dialog.request("CANCEL", 1, "INVITE", ""));
    line.response(&dialog, "INVITE", 487);
    line.send(dialog.request("ACK", 1, "INVITE", ""));
    let cancel = seat.request("CANCEL");
    seat.reply(&cancel, "200 OK", "");
    seat.reply(&invite, "487 Request Terminated", "");

    // Broken, refused and strange ones.
    let mut strange = Dialog::new(STRANGER, "strange", line.address(), engine.udp());
    strange.from = format!("\"Zhang Wei\" <sip:{STRANGER}@geheim.example>;tag=1");
    let invite = strange.request("INVITE", 1, "INVITE", "v=0\r\ns=geheim\r\n");
    line.send(&invite);
    line.wait("a refusal", |m| {
        m.call_id() == strange.call_id && m.status() >= Some(400)
    });
    line.send(invite.replace("CSeq: 1 INVITE", "CSeq: geheim"));
    line.send(invite.replace("Max-Forwards: 70", "Require: geheim"));
    line.send(invite.replace("Call-ID", "Call-ID\0"));
    let register = strange.request("REGISTER", 1, "REGISTER", "");
    line.send(register.replace(
        "Max-Forwards: 70",
        "Authorization: Digest username=\"Zhang Wei\", realm=\"geheim\", nonce=\"1\", \
         uri=\"sip:x\", response=\"00\"",
    ));
    let answer = engine.get("/api/v1/records/geheim").status;
    assert_eq!(answer, 404);
    let refused = engine.post(
        "/api/v1/seats/s0000/state",
        "{\"state\": \"ready\", \"counsellor\": \"c0000\", \"pin\": \"geheim\"}",
    );
    assert!(refused.status >= 400, "{}", refused.body);

    let records = engine.await_records(2);
    assert!(
        records
            .iter()
            .all(|record| record["caller"].as_str().is_some())
    );
    check("the list of records", &engine.get("/api/v1/records").body);
    check("the list of calls", &engine.get("/api/v1/calls").body);
    check("the page", &engine.get("/").body);
    check("the metrics page", &engine.get("/metrics").body);
    engine.terminate();
    assert!(engine.await_exit().success());
    let printed = engine.printed();
    assert!(
        printed.contains("call ended"),
        "the log tells of calls:\n{printed}"
    );
    check("the log", &printed);
}
