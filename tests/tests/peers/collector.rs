//! Kamailio as the collector of copies (HEPv3): every message of a call comes out of them.

use crate::stage;
use meishier_tests::peers::Transport::Udp;
use meishier_tests::peers::sipp::Sipp;
use meishier_tests::peers::{Peer, free_port};
use meishier_tests::plan::Plan;
use meishier_tests::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// Starts the collector at this port, with its tables in the folder.
fn collector(folder: &TempDir, port: u16) -> Peer {
    // It wants to know a table's version before it looks at anything.
    let version = "table_name(string) table_version(int)\nversion:1\nsip_capture:4\n";
    fs::write(folder.path().join("version"), version).unwrap();
    let mut command = Command::new("kamailio");
    command.arg("-f");
    command.arg(tree::root().join("tests/scenarios/collector.cfg"));
    command.args(["-DD", "-E", "-m", "32", "-M", "8"]);
    command.arg("-Y").arg(folder.path());
    command.arg("-w").arg(folder.path());
    command.args(["-l", &format!("udp:127.0.0.1:{port}")]);
    let tables = folder.path().display();
    command.args(["-A", &format!("TABLES=\"text://{tables}\"")]);
    let peer = Peer::spawn("collector", command, folder.path(), port);
    peer.await_port("udp");
    peer
}

#[test]
fn a_collector_is_told_every_message() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let collector = collector(&folder, port);
    let mut plan = Plan::default();
    plan.add_tables(&format!(
        "[hep]\ncollector = \"127.0.0.1:{port}\"\nnumbers = \"whole\"\nbodies = true\n"
    ));
    let (engine, seats) = stage::engine(plan, &["seat"], Udp);
    let caller = Sipp::new(&engine, "caller", Udp).start(&engine);
    caller.succeeds(&engine);
    stage::finish(&engine, seats, 1);
    // The caller's INVITE, 100, 180, 200, ACK, BYE, 200; the seat's without 100.
    collector.await_count("COPY ", 13);
    let output = collector.whole_output();
    let mut legs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in output.lines().filter_map(|line| line.split_once("COPY ")) {
        let mut words = line.1.split(' ');
        let leg = words.next().unwrap_or_default();
        legs.entry(leg)
            .or_default()
            .insert(words.nth(1).unwrap_or_default());
    }
    assert_eq!(legs.len(), 2, "the caller's and the seat's: {output}");
    for methods in legs.values() {
        assert_eq!(
            *methods,
            BTreeSet::from(["ACK", "BYE", "INVITE"]),
            "{output}"
        );
    }
    for wrong in ["ERROR:", "CRITICAL:"] {
        assert!(!output.contains(wrong), "{output}");
    }
    collector.end();
}
