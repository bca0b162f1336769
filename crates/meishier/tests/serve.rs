//! `meishier serve` as a process: ready line, probes, SIP, graceful end, second signal.
#![allow(missing_docs)]

mod served;

use served::{
    Served, answer_to_invite, command, configuration, expect, message, phone, serve, started,
};
use std::net::UdpSocket;
use std::process::Command;

#[test]
fn it_serves_until_a_signal_and_ends_in_order() {
    let mut served = serve(4);
    assert!(served.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 200"));
    let phone = phone();
    let from = phone.local_addr().unwrap();
    phone
        .send_to(message("OPTIONS", from, 1, "", "").as_bytes(), served.sip)
        .unwrap();
    expect(&phone, "SIP/2.0 200");
    let page = served.get("/metrics");
    assert!(page.contains("meishier_records_written_total 0"), "{page}");
    // Who closes a terminal ends no calls.
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 200"));
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

#[test]
fn the_file_is_read_again_at_sighup_and_taken_whole_or_not_at_all() {
    let mut served = serve(4);
    let file = served.folder.path().join("test.toml");
    let first = std::fs::read_to_string(&file).unwrap();
    let phone = phone();
    let hup = |served: &mut Served, text: &str| {
        std::fs::write(&file, text).unwrap();
        served.signal(rustix::process::Signal::HUP);
        served.line()
    };
    assert_eq!(answer_to_invite(&phone, served.sip, 1), "180");
    // Another mode of answering: whoever calls from now on hears it.
    let early = first.replace("early = \"ringing\"", "early = \"progress\"");
    assert_ne!(early, first);
    assert!(hup(&mut served, &early).starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 2), "183");
    // Mistakes, and what takes a restart, change nothing of it.
    let said = hup(&mut served, "shards = many\n[wrong");
    assert!(said.starts_with("not configured anew"), "{said}");
    let two = first
        .replace("shards = 4", "shards = 2")
        .replace("max_calls = 16", "max_calls = 17");
    let said = hup(&mut served, &two);
    assert!(said.contains("2 problems"), "{said}");
    assert_eq!(answer_to_invite(&phone, served.sip, 3), "183");
    assert!(hup(&mut served, &first).starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 4), "180");
    // And the calls that were there are there: a signal waits for them, the second ends them.
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    served.signal(rustix::process::Signal::TERM);
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

#[test]
fn afolder_is_read_again_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = configuration(folder.path(), "127.0.0.1:0", 1);
    let begins = text.find("[[trunks]]").unwrap();
    let ends = text[begins..].find("\n[").unwrap() + begins + 1;
    let trunks = &text[begins..ends];
    let main = format!("{}{}", &text[..begins], &text[ends..]);
    assert!(trunks.contains("early = \"ringing\"") && !main.contains("early = "));
    std::fs::write(at("main.toml"), &main).unwrap();
    std::fs::write(at("trunks.toml"), trunks).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_meishier"));
    command
        .args(["serve", "--lang", "en", "--config"])
        .arg(folder.path());
    let mut served = started(command, folder);
    let folder = served.folder.path().to_owned();
    let phone = phone();
    assert_eq!(answer_to_invite(&phone, served.sip, 1), "180");
    // One file is better, another is wrong: neither counts.
    let early = trunks.replace("early = \"ringing\"", "early = \"progress\"");
    std::fs::write(folder.join("trunks.toml"), early).unwrap();
    std::fs::write(folder.join("wrong.toml"), "seats = 7").unwrap();
    served.signal(rustix::process::Signal::HUP);
    let said = served.line();
    assert!(
        said.starts_with("not configured anew") && said.contains("1 problems"),
        "{said}"
    );
    assert_eq!(answer_to_invite(&phone, served.sip, 2), "180");
    std::fs::remove_file(folder.join("wrong.toml")).unwrap();
    served.signal(rustix::process::Signal::HUP);
    assert!(served.line().starts_with("configured anew"));
    assert_eq!(answer_to_invite(&phone, served.sip, 3), "183");
    served.signal(rustix::process::Signal::TERM);
    assert!(served.line().starts_with("stopping"));
    served.signal(rustix::process::Signal::TERM);
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
}

#[test]
fn a_running_call_holds_the_end_up_until_a_second_signal_and_leaves_its_record() {
    let mut served = serve(1);
    let phone = phone();
    let from = phone.local_addr().unwrap();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let invite = message("INVITE", from, 1, "Content-Type: application/sdp\r\n", sdp);
    phone.send_to(invite.as_bytes(), served.sip).unwrap();
    expect(&phone, "SIP/2.0 180");
    served.signal(rustix::process::Signal::INT);
    assert!(served.line().starts_with("stopping"));
    assert!(served.get("/readyz").starts_with("HTTP/1.1 503"));
    served.signal(rustix::process::Signal::TERM);
    expect(&phone, "SIP/2.0 480");
    assert_eq!(served.line(), "stopped\n");
    assert!(served.end().success());
    let records = served.folder.path().join("records.db");
    assert!(records.metadata().unwrap().len() > 0);
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &taken, 1).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("UDP port {taken} is taken")),
        "{said}"
    );
}
