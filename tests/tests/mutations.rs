//! 200,000 spoiled messages over UDP to a running engine: it goes on, answers, and stays as big.

use meishier_tests::engine::Engine;
use meishier_tests::line::Line;
use meishier_tests::noise::Noise;
use meishier_tests::plan::Plan;
use meishier_tests::sip::{Dialog, sdp};

const MESSAGES: usize = 200_000;
/// Messages between two that must be answered; so the sender never outruns the engine.
const STRIDE: usize = 500;
/// Calls that the messages speak of; a message of a known one reaches deeper than a new one.
const CALLS: usize = 2_000;
/// Messages after which every buffer has found its size.
const WARM: usize = 50_000;
/// Memory that the rest may add.
const MAY_GROW_KIB: u64 = 24 * 1024;

/// Whole messages of every kind, as they are before they are spoiled.
fn seeds(line: &Line, engine: std::net::SocketAddr, number: usize) -> Vec<String> {
    let dialog = Dialog::new(
        "13800000000",
        &format!("mutated{number}"),
        line.address(),
        engine,
    );
    let body = sdp(line.address().port() ^ 1);
    let mut seeds = vec![
        dialog.request("INVITE", 1, "INVITE", &body),
        dialog.request("ACK", 1, "ACK", ""),
        dialog.request("BYE", 2, "BYE", ""),
        dialog.request("CANCEL", 1, "INVITE", ""),
        dialog.request("OPTIONS", 1, "OPTIONS", ""),
        dialog.request("INFO", 3, "INFO", "Signal=5\r\nDuration=160\r\n"),
        dialog.request("UPDATE", 4, "UPDATE", &body),
    ];
    let register = dialog.request("REGISTER", 1, "REGISTER", "");
    seeds.push(register.replace(
        "Max-Forwards: 70\r\n",
        "Max-Forwards: 70\r\nExpires: 60\r\nAuthorization: Digest username=\"s0000\", realm=\"x\", \
         nonce=\"abc\", uri=\"sip:x\", response=\"00\", algorithm=SHA-256, qop=auth, nc=00000001\r\n",
    ));
    for status in [
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "302 Moved",
        "486 Busy Here",
    ] {
        let via = "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx";
        seeds.push(format!(
            "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {}\r\nTo: {};tag=x\r\nCall-ID: {}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
            dialog.from, dialog.to, dialog.call_id
        ));
    }
    seeds
}

/// Asks and waits for the answer: 200, or 503 while the spoiled messages hold all transactions.
fn ask(line: &mut Line, engine: &Engine, number: usize) -> u16 {
    let dialog = Dialog::new("ask", &format!("ask{number}"), line.address(), engine.udp());
    line.send(dialog.request("OPTIONS", 1, "OPTIONS", ""));
    let answer = line.wait("an answer to OPTIONS", |m| m.call_id() == dialog.call_id);
    answer.status().unwrap_or_default()
}

#[test]
fn mutated_messages_do_no_harm() {
    let mut seat = Line::new();
    let mut plan = Plan::with_seats(1, seat.address(), "udp");
    // Answered at once, a call whose caller sends no ACK ends after 64·T1.
    plan.answer = "answer = \"at_once\"";
    plan.max_calls = 500;
    let mut engine = Engine::start(&plan);
    // The seat takes nothing until it is asked to: what spoiled calls there are stay in the queue.
    let paused = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"paused\"}");
    assert_eq!(paused.status, 200, "{}", paused.body);
    seat = seat.towards(engine.udp());
    let (mut asker, spoiler) = (
        Line::new().towards(engine.udp()),
        Line::new().towards(engine.udp()),
    );
    let mut noise = Noise::new(0x12356);
    let mut warm = None;
    let mut answers = Vec::new();
    for number in 0..MESSAGES {
        let seeds = seeds(&spoiler, engine.udp(), number / 3 % CALLS);
        let mut message = seeds[noise.below(seeds.len())].clone().into_bytes();
        noise.mutate(&mut message);
        spoiler.send(&message);
        if number % STRIDE == 0 {
            answers.push(ask(&mut asker, &engine, number));
        }
        if number == WARM {
            warm = Some(engine.sizes());
        }
    }
    assert!(
        answers.iter().all(|status| [200, 503].contains(status)),
        "{answers:?}"
    );
    assert!(engine.runs(), "it is still the same process");
    let (warm, end) = (warm.unwrap(), engine.sizes());
    let grown = end.resident.saturating_sub(warm.resident);
    assert!(grown < MAY_GROW_KIB, "memory: {warm:?} → {end:?}");

    // What the spoiled calls took is given back, and a whole call goes as ever.
    for gauge in [
        "meishier_engine_calls",
        "meishier_dialogs",
        "meishier_rtp_ports_used",
        "meishier_transactions",
    ] {
        engine.await_gauge(gauge, &[], 0.0);
    }
    let ready = engine.post("/api/v1/seats/s0000/state", "{\"state\": \"ready\"}");
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert_eq!(ask(&mut asker, &engine, MESSAGES), 200);
    let mut dialog = asker.invite("13800000001");
    asker.confirm(&mut dialog);
    seat.answer();
    asker.hang_up(&dialog);
    let bye = seat.request("BYE");
    seat.reply(&bye, "200 OK", "");
    engine.await_gauge("meishier_engine_calls", &[], 0.0);
    let page = engine.metrics();
    assert!(page.sum("meishier_sip_dropped_total", &[("reason", "malformed")]) > 1000.0);
    assert_eq!(page.sum("meishier_unexpected_total", &[]), 0.0);
    println!(
        "{} of {} questions answered by 200; memory {warm:?} → {end:?}; dropped as malformed {}",
        answers.iter().filter(|status| **status == 200).count(),
        answers.len(),
        page.sum("meishier_sip_dropped_total", &[("reason", "malformed")]),
    );
    engine.check_log();
}
