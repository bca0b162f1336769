//! sipsak asks, floods and sends broken messages; afterwards a call goes as ever.

use crate::stage::{self, finish, offers};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use std::process::Command;

/// sipsak with these options towards the engine.
fn start(engine: &Engine, options: &[&str]) -> Peer {
    let port = free_port();
    let mut command = Command::new("sipsak");
    command.args(options);
    command.args(["-l", &port.to_string()]);
    command.args(["-s", &format!("sip:12356@{}", engine.udp())]);
    Peer::spawn("sipsak", command, engine.folder(), port)
}

/// Runs it to its end; its output, and whether it was content.
fn sipsak(engine: &Engine, options: &[&str]) -> (bool, String) {
    let mut peer = start(engine, options);
    let status = peer.await_end();
    (status.success(), peer.whole_output())
}

/// A caller who is served, and nothing else that is left.
fn then_a_call(engine: &Engine, seats: Vec<Peer>) {
    let caller = Sipp::new(engine, "caller", Udp).start(engine);
    caller.succeeds(engine);
    let records = finish(engine, seats, 1);
    assert_eq!(offers(&records[0]), [("s0000", "answered")]);
}

#[test]
fn a_ping_is_answered_and_its_last_hop_refused() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let (good, said) = sipsak(&engine, &["-vv"]);
    assert!(good && said.contains("200 OK"), "{said}");
    assert!(said.contains("Allow: INVITE, ACK, CANCEL, BYE"), "{said}");
    let (_, said) = sipsak(&engine, &["-vv", "-m", "0"]);
    assert!(said.contains("483 Too Many Hops"), "{said}");
    then_a_call(&engine, seats);
}

#[test]
fn a_flood_passes() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    // More than the engine keeps answers of; its callers have room beside them.
    let _ = sipsak(&engine, &["-F", "-e", "5000"]);
    engine.await_metrics("the flood was read", |page| {
        let labels = [("direction", "received"), ("method", "OPTIONS")];
        page.sum("meishier_sip_requests_total", &labels) >= 1000.0
    });
    then_a_call(&engine, seats);
}

#[test]
fn broken_messages_do_no_harm() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    // It repeats what is not answered, and what it has broken may deserve no answer.
    let peer = start(&engine, &["-R", "-t", "100"]);
    engine.await_metrics("three broken messages", |page| {
        let received = [("direction", "received")];
        let again = page.sum("meishier_sip_retransmissions_total", &received);
        let asked = page.sum("meishier_sip_requests_total", &received);
        asked + again + page.sum("meishier_sip_dropped_total", &[]) >= 3.0
    });
    drop(peer);
    then_a_call(&engine, seats);
}

#[test]
fn a_large_message_is_answered() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let file = engine.folder().join("large.sip");
    // sipsak holds 4,096 bytes, and refuses a file that does not leave it some.
    let text = format!(
        "OPTIONS sip:12356@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKlarge;rport\n\
         From: <sip:ask@127.0.0.1>;tag=large\nTo: <sip:12356@127.0.0.1>\nCall-ID: large\n\
         CSeq: 1 OPTIONS\nMax-Forwards: 70\nSubject: {}\nContent-Length: 0\n\n",
        "x".repeat(3_500)
    );
    std::fs::write(&file, text).unwrap();
    let (_, said) = sipsak(&engine, &["-vvv", "-f", &file.to_string_lossy()]);
    assert!(said.contains("200 OK"), "{said}");
    then_a_call(&engine, seats);
}
