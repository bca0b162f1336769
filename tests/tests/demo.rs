//! The demonstration is what a newcomer sees first; it must be right wherever and whenever it runs,
//! and notice when it is not.

use meishier_tests::binary;
use serde_json::Value;
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output};

/// A demonstration of eight calls, as quick as it can be without calls becoming others.
fn demo(more: &[&str]) -> Command {
    let mut words = vec![
        "demo", "--lang", "en", "--calls", "8", "--json", "--length", "10",
    ];
    words.extend(more);
    binary::command(&words)
}

fn run(command: &mut Command) -> (Output, Value) {
    let output = command.output().unwrap();
    let (out, err) = binary::texts(&output);
    let last = out.lines().last().unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(summary) => (output, summary),
        Err(error) => panic!("the last line is no JSON ({error}): {last:?}\n{err}"),
    }
}

/// Holds a summary to what every good run shows.
fn check(output: &Output, summary: &Value) {
    let (out, err) = binary::texts(output);
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    let number = |key: &str| {
        summary[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key}: {summary}"))
    };
    assert_eq!(number("calls"), 8, "{summary}");
    assert_eq!(number("records"), 8, "{summary}");
    assert_eq!(number("failed"), 0, "{summary}\n{err}");
    assert_eq!(number("answered") + number("abandoned"), 8, "{summary}");
    assert!(number("abandoned") >= 1, "some give up: {summary}");
    assert!(
        number("answered") > number("abandoned"),
        "most are answered: {summary}"
    );
    assert_eq!(number("transfers"), 1, "one caller in danger: {summary}");
    assert_eq!(number("handed_over"), 1, "and handed over: {summary}");
    assert_eq!(number("dossiers"), 1, "its dossier came: {summary}");
    assert_eq!(summary["time_lines_ok"], true, "{summary}");
    assert_eq!(summary["rtp_packets_each_way_ok"], true, "{summary}");
    assert_eq!(
        summary.as_object().map(serde_json::Map::len),
        Some(10),
        "{summary}"
    );
}

#[test]
fn every_call_ends_as_its_script_says_in_another_zone() {
    // The default ports are taken, by us or by somebody else; then it takes free ones.
    let _sip = UdpSocket::bind("127.0.0.1:5060");
    let _http = TcpListener::bind("127.0.0.1:8080");
    let (output, summary) = run(demo(&[]).env("TZ", "America/New_York"));
    check(&output, &summary);
    let (_, err) = binary::texts(&output);
    assert!(err.contains("10:00:0"), "a workday from 10:00:\n{err}");
    assert!(err.contains("23:00:0"), "the night from 23:00:\n{err}");
    // The whole story of the key, in its order.
    let mut rest = err.as_str();
    for step in [
        "presses the key 110",
        "telephone rings (0851110)",
        "the police answer",
        "three talk",
        "have taken over",
        "caller and police talk on",
        "time line of the key 110",
        "what those who come are told",
        "红色外套",
    ] {
        let found = rest.split_once(step).map(|(_, after)| after);
        rest = found.unwrap_or_else(|| panic!("no {step:?} in its turn:\n{err}"));
    }
}

#[test]
fn every_call_ends_as_its_script_says_in_2031() {
    let (output, summary) = run(demo(&["--wall", "2031-03-05T10:00"]).env("TZ", "UTC"));
    check(&output, &summary);
    let (_, err) = binary::texts(&output);
    assert!(err.contains("10:00:0"), "a workday from 10:00:\n{err}");
}

#[test]
fn a_direction_without_speech_is_noticed() {
    let (output, summary) = run(&mut demo(&["--cut-one-direction"]));
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert_eq!(summary["rtp_packets_each_way_ok"], false, "{summary}");
    assert!(summary["failed"].as_u64() >= Some(1), "{summary}");
    assert_eq!(summary["records"], 8, "{summary}");
}

#[test]
fn a_named_port_that_is_taken_is_a_clear_error() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let output = demo(&["--sip", &taken]).output().unwrap();
    let (_, err) = binary::texts(&output);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(&taken) && err.contains("taken"), "{err}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let output = demo(&["--http", &taken]).output().unwrap();
    let (_, err) = binary::texts(&output);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(&taken) && err.contains("taken"), "{err}");
}
