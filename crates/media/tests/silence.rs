//! Who is silent, and since when; who is held or muted is not mistaken for somebody else.

mod support;

use meishier_media::{Codec, Direction, Hub, MediaCommand, MediaEvent, Source};
use meishier_model::PortId;
use std::time::Duration;
use support::*;

const SECOND: Duration = Duration::from_secs(1);

fn silent(port: u32) -> MediaEvent {
    MediaEvent::Silent { port: PortId(port) }
}

fn heard(port: u32) -> MediaEvent {
    MediaEvent::Heard { port: PortId(port) }
}

fn news(wire: &mut Wire) -> Vec<MediaEvent> {
    wire.silences.drain(..).map(|(_, event)| event).collect()
}

fn update(wire: &mut Wire, port: u32, direction: Direction) {
    let mut media = media(port, Codec::Pcma);
    media.direction = direction;
    wire.command(MediaCommand::Update {
        port: PortId(port),
        media,
        accept: accept(port),
    });
}

#[test]
fn a_party_of_whom_nothing_ever_comes_is_told_once_after_fifteen_seconds() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.hear(0, Source::Music);
    let opened = wire.now;
    wire.run_to(opened + 3600 * SECOND);
    assert_eq!(wire.silences.len(), 1);
    let (at, event) = wire.silences[0];
    assert_eq!(event, silent(0));
    assert!(at >= opened + Hub::SILENCE && at <= opened + Hub::SILENCE + 2 * SECOND);
}

#[test]
fn who_stops_is_silent_who_begins_again_is_heard_and_others_are_not_concerned() {
    let mut wire = Wire::new();
    for port in 0..2 {
        wire.open(port, Codec::Pcma);
    }
    let mut phones = [400.0, 800.0].map(|tone| Phone::new(Codec::Pcma, tone as u32, tone));
    let mut talk = |wire: &mut Wire, who: &[u32], seconds: u64| {
        for _ in 0..seconds * 50 {
            wire.run_to(wire.now + Duration::from_millis(20));
            for port in who {
                let packet = phones[*port as usize].next(160);
                wire.packet(*port, &packet);
            }
        }
    };
    talk(&mut wire, &[0, 1], 30);
    assert_eq!(news(&mut wire), [heard(0), heard(1)], "the first packets");
    talk(&mut wire, &[0], 14);
    assert_eq!(news(&mut wire), []);
    talk(&mut wire, &[0], 3);
    assert_eq!(news(&mut wire), [silent(1)]);
    talk(&mut wire, &[0], 600);
    assert_eq!(news(&mut wire), [], "told once");
    talk(&mut wire, &[0, 1], 2);
    assert_eq!(news(&mut wire), [heard(1)]);
    talk(&mut wire, &[0], 17);
    assert_eq!(news(&mut wire), [silent(1)], "and told again");
}

#[test]
fn packets_that_are_not_the_partys_end_no_silence() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    for _ in 0..20 {
        wire.run_to(wire.now + SECOND);
        wire.packet_from(0, "203.0.113.66:4002".parse().unwrap(), &phone.next(160));
        wire.packet(0, b"not RTP");
    }
    assert_eq!(news(&mut wire), [silent(0)]);
    assert_eq!(wire.hub.totals().received, 0);
}

#[test]
fn a_party_on_hold_is_not_silent_and_its_time_begins_when_it_may_send_again() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.run_to(wire.now + 10 * SECOND);
    update(&mut wire, 0, Direction::SendOnly);
    wire.run_to(wire.now + 3600 * SECOND);
    update(&mut wire, 0, Direction::Inactive);
    wire.run_to(wire.now + 3600 * SECOND);
    assert_eq!(news(&mut wire), []);
    update(&mut wire, 0, Direction::SendRecv);
    wire.run_to(wire.now + 14 * SECOND);
    assert_eq!(news(&mut wire), []);
    wire.run_to(wire.now + 3 * SECOND);
    assert_eq!(news(&mut wire), [silent(0)]);
    update(&mut wire, 0, Direction::SendOnly);
    wire.run_to(wire.now + 2 * SECOND);
    assert_eq!(news(&mut wire), [heard(0)], "a hold ends what was told");
}

#[test]
fn a_thread_that_stood_still_takes_nobody_for_silent() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    wire.packet(0, &phone.next(160));
    wire.run_to(wire.now + 2 * SECOND);
    wire.now = wire.now + 60 * SECOND;
    wire.hub.handle_timeout(wire.now);
    wire.drain();
    for _ in 0..50 {
        wire.run_to(wire.now + Duration::from_millis(20));
        wire.packet(0, &phone.next(160));
    }
    wire.run_to(wire.now + 2 * SECOND);
    assert_eq!(news(&mut wire), [heard(0)]);
}

#[test]
fn nobody_is_looked_at_who_is_not_there_and_a_port_opened_anew_begins_anew() {
    let mut wire = Wire::new();
    wire.open(0, Codec::Pcma);
    wire.run_to(wire.now + 20 * SECOND);
    wire.command(MediaCommand::Close { port: PortId(0) });
    assert_eq!(wire.hub.poll_timeout(), None);
    assert_eq!(news(&mut wire), [silent(0)]);
    wire.open(0, Codec::Pcma);
    let mut phone = Phone::new(Codec::Pcma, 1, 400.0);
    wire.packet(0, &phone.next(160));
    wire.run_to(wire.now + 2 * SECOND);
    assert_eq!(
        news(&mut wire),
        [heard(0)],
        "also for who was silent before"
    );
}
