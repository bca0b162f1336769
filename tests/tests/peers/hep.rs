//! Kamailio's own reader of HEP, the one in front of HOMER, takes every copy for what it is.

use crate::stage::{self, finish};
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use meishier_tests::tree;
use std::fs;
use std::process::Command;

/// Kamailio as a collector.
fn collector(folder: &std::path::Path) -> Peer {
    let port = free_port();
    let mut command = Command::new("kamailio");
    command
        .arg("-f")
        .arg(tree::root().join("tests/scenarios/collector.cfg"));
    command.args(["-DD", "-E", "-m", "32", "-M", "8"]);
    command.args(["-l", &format!("udp:127.0.0.1:{port}")]);
    let tables = folder.join("tables");
    let made = fs::create_dir(&tables).and_then(|()| {
        let head = "id(int,auto) table_name(string) table_version(int) \n";
        fs::write(tables.join("version"), head)
    });
    made.unwrap();
    command.args(["-A", &format!("FOLDER=\"text://{}\"", tables.display())]);
    let peer = Peer::spawn("collector", command, folder, port);
    peer.await_port("udp");
    peer
}

#[test]
fn a_foreign_collector_reads_every_copy() {
    let folder = tempfile::TempDir::new().unwrap();
    let collector = collector(folder.path());
    let mut plan = Plan::default();
    let address = collector.address();
    plan.add_tables(&format!("[hep]\ncollector = \"{address}\"\nbodies = true"));
    let (engine, seats) = stage::engine(plan, &["seat"], Udp);
    let seat = seats[0].address();
    let caller = Sipp::new(&engine, "caller", Udp).start(&engine);
    let from = caller.address();
    caller.succeeds(&engine);
    finish(&engine, seats, 1);
    let sent = |result| {
        let labels = [("result", result)];
        engine.metrics().sum("meishier_hep_copies_total", &labels)
    };
    assert!(sent("sent") >= 10.0);
    assert_eq!(sent("dropped"), 0.0);
    let (ours, theirs) = (engine.udp(), [from, seat]);
    for words in [
        "copy: INVITE of ".to_owned(),
        "copy: 200 of ".to_owned(),
        "copy: BYE of ".to_owned(),
        format!("from {ours} by"),
        format!("from {} by", theirs[0]),
        format!("from {} by", theirs[1]),
    ] {
        collector.await_words(&words);
    }
    let copies = || {
        let said = collector.whole_output();
        said.lines().filter(|it| it.contains("copy: ")).count()
    };
    // What was sent last may still be on its way.
    engine.await_metrics("every copy was read", |page| {
        let labels = [("result", "sent")];
        let sent = page.sum("meishier_hep_copies_total", &labels);
        copies() as f64 >= sent
    });
    let said = collector.whole_output();
    assert!(!said.contains("hep_msg_received"), "{said}");
    assert!(!said.contains("parse error"), "{said}");
}
