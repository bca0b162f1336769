//! sipsak asks, floods and sends broken messages; afterwards a call goes as ever.

use crate::stage::{self, finish, offers};
use meishier_tests::engine::Engine;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use std::process::Command;

/// Runs sipsak with these options towards the engine; its output, and whether it was content.
fn sipsak(engine: &Engine, options: &[&str]) -> (bool, String) {
    let port = free_port();
    let mut command = Command::new("sipsak");
    command.args(options);
    command.args(["-l", &port.to_string()]);
    command.args(["-s", &format!("sip:12356@{}", engine.udp())]);
    let mut peer = Peer::spawn("sipsak", command, engine.folder(), port);
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

fn options_received(engine: &Engine) -> f64 {
    let labels = [("direction", "received"), ("method", "OPTIONS")];
    engine.metrics().sum("meishier_sip_requests_total", &labels)
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
    let (_, said) = sipsak(&engine, &["-F", "-e", "5000", "-v"]);
    println!("{said}");
    // What the socket could not hold is not counted; the most of it was read.
    engine.await_metrics("the flood was read", |page| {
        let labels = [("direction", "received"), ("method", "OPTIONS")];
        page.sum("meishier_sip_requests_total", &labels) >= 1000.0
    });
    then_a_call(&engine, seats);
}

#[test]
fn broken_messages_do_no_harm() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    for trash in ["1", "5", "50"] {
        let (_, said) = sipsak(&engine, &["-R", "-t", trash, "-v"]);
        println!("{said}");
    }
    assert!(options_received(&engine) >= 1.0);
    then_a_call(&engine, seats);
}

#[test]
fn a_large_message_is_answered_and_one_with_too_large_a_head_refused() {
    let (engine, seats) = stage::engine(Plan::default(), &["seat"], Udp);
    let file = engine.folder().join("large.sip");
    for (length, status) in [(8_000, "200 OK"), (40_000, "513 ")] {
        let text = format!(
            "OPTIONS sip:12356@$dsthost$ SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:$port$;branch=z9hG4bKlarge{length};rport\n\
             From: <sip:ask@127.0.0.1>;tag=large\nTo: <sip:12356@127.0.0.1>\nCall-ID: {length}@large\n\
             CSeq: 1 OPTIONS\nMax-Forwards: 70\nSubject: {}\nContent-Length: 0\n\n",
            "x".repeat(length)
        );
        std::fs::write(&file, text).unwrap();
        let (_, said) = sipsak(&engine, &["-vvv", "-G", "-f", &file.to_string_lossy()]);
        assert!(said.contains(status), "{length}: {said}");
    }
    then_a_call(&engine, seats);
}
