//! The judge is able to fail: the hub is given orders behind the books' back, each a defect that a
//! hub or an engine might have, and each is found by what leaves the hub or does not.

use super::far_end::header;
use super::script::Call;
use super::{MediaFaults, START, Scene};
use meishier_media::{Direction, MediaCommand, Source};
use meishier_model::PortId;
use std::net::SocketAddr;
use std::time::Duration;

/// A scene after 12 s, and two calls as `wanted` says, of which nobody holds. No call changes any more.
fn scene(faults: &MediaFaults, wanted: impl Fn(&Call) -> bool) -> (Scene, [Vec<PortId>; 2]) {
    for seed in 0..50 {
        let mut scene = Scene::new(seed, faults.clone());
        scene.run_until(START + Duration::from_secs(12)).unwrap();
        let open = |call: &&Call| wanted(call) && !call.parties().is_empty();
        let calls: Vec<Vec<PortId>> = scene
            .calls
            .values()
            .filter(open)
            .map(Call::parties)
            .collect();
        let sendrecv = |port: &PortId| {
            let stream = scene.streams.stream(Scene::place(*port));
            stream.is_some_and(|s| s.media.direction == Direction::SendRecv)
        };
        let mut able = calls.into_iter().filter(|c| c.iter().all(sendrecv));
        if let (Some(one), Some(two)) = (able.next(), able.next()) {
            scene
                .agenda
                .retain(|_, due| !matches!(due, super::Due::Step(_)));
            return (scene, [one, two]);
        }
    }
    panic!("no seed brings such calls about");
}

fn found(scene: &mut Scene) -> String {
    let end = scene.now + Duration::from_secs(5);
    let drained = scene.drain();
    let found = drained.and_then(|()| scene.run_until(end));
    found.expect_err("the defect was not found")
}

fn assert_found(scene: &mut Scene, order: MediaCommand, words: &str) {
    scene.hub.handle_command(scene.now, order);
    let found = found(scene);
    assert!(found.contains(words), "{found}");
}

fn hear(port: PortId, source: Source) -> MediaCommand {
    MediaCommand::Hear { port, source }
}

fn update(scene: &Scene, port: PortId, remote: Option<&str>, direction: Direction) -> MediaCommand {
    let stream = scene.streams.stream(Scene::place(port)).unwrap();
    let (mut media, mut accept) = (stream.media.clone(), stream.accept);
    media.direction = direction;
    if let Some(remote) = remote {
        media.remote = remote.parse().unwrap();
        accept.sdp = media.remote.ip();
    }
    MediaCommand::Update {
        port,
        media,
        accept,
    }
}

fn talking() -> (Scene, [Vec<PortId>; 2]) {
    scene(&MediaFaults::none(), |call| call.parties().len() == 2)
}

#[test]
fn without_sabotage_nothing_is_found() {
    let (mut scene, _) = talking();
    let end = scene.now + Duration::from_secs(5);
    scene.run_until(end).unwrap();
}

#[test]
fn another_call_is_heard() {
    let (mut scene, [one, two]) = talking();
    let order = hear(one[0], Source::Peer(two[0]));
    assert_found(&mut scene, order, "hears Voice");
}

#[test]
fn another_call_is_in_the_sum() {
    let (mut scene, [one, two]) = talking();
    let order = hear(one[0], Source::Mix(vec![one[1], two[1]]));
    assert_found(&mut scene, order, "hears Voice");
}

#[test]
fn a_waiting_caller_hears_another() {
    let (mut scene, [one, two]) = scene(&MediaFaults::none(), |call| call.parties().len() == 1);
    let order = hear(one[0], Source::Peer(two[0]));
    assert_found(&mut scene, order, "hears Voice");
}

#[test]
fn one_way_only() {
    let (mut scene, [one, _]) = talking();
    let order = hear(one[0], Source::Silence);
    assert_found(&mut scene, order, "heard 0 of 100 pieces");
}

#[test]
fn music_in_the_place_of_the_other() {
    let (mut scene, [one, _]) = talking();
    let order = hear(one[1], Source::Music);
    assert_found(&mut scene, order, "hears Voice(62)");
}

#[test]
fn sent_elsewhere() {
    let (mut scene, [one, _]) = talking();
    let order = update(
        &scene,
        one[0],
        Some("203.0.113.9:6000"),
        Direction::SendRecv,
    );
    assert_found(
        &mut scene,
        order,
        "203.0.113.9:6000, which is not its party",
    );
}

#[test]
fn a_stranger_is_let_in() {
    let mut faults = MediaFaults::none();
    faults.attacks = 2000;
    let (mut scene, [one, _]) = scene(&faults, |call| call.parties().len() == 2);
    let mut order = update(&scene, one[0], None, Direction::SendRecv);
    if let MediaCommand::Update { accept, .. } = &mut order {
        accept.signalling = "203.0.113.2".parse().ok();
    }
    // Else the party itself would be heard first, and be taken for the party.
    for end in scene.ends.values_mut() {
        end.sending = false;
    }
    let arrived = scene.now + Duration::from_millis(100);
    scene.run_until(arrived).unwrap();
    assert_found(&mut scene, order, "let in the stranger");
}

#[test]
fn a_hold_that_nobody_asked_for() {
    let (mut scene, [one, _]) = talking();
    let order = update(&scene, one[0], None, Direction::Inactive);
    assert_found(&mut scene, order, "heard 0 of 100 pieces");
}

#[test]
fn a_holding_party_is_sent_to() {
    let (mut scene, [one, _]) = talking();
    let order = update(&scene, one[0], None, Direction::RecvOnly);
    scene.streams.on_command(scene.now, super::SHARD, &order);
    let found = found(&mut scene);
    assert!(found.contains("sends to a party that holds"), "{found}");
}

#[test]
fn a_port_is_closed_by_itself() {
    let (mut scene, [one, _]) = talking();
    let order = MediaCommand::Close { port: one[0] };
    assert_found(&mut scene, order, "closed without an order");
}

#[test]
fn a_closed_port_goes_on_sending() {
    let (mut scene, [one, _]) = talking();
    let order = MediaCommand::Close { port: one[0] };
    scene.streams.on_command(scene.now, super::SHARD, &order);
    let found = found(&mut scene);
    assert!(found.contains("is closed and sends to"), "{found}");
}

#[test]
fn a_stream_begins_anew() {
    let (mut scene, [one, _]) = talking();
    let stream = scene.streams.stream(Scene::place(one[0])).unwrap();
    let (media, accept) = (stream.media.clone(), stream.accept);
    let port = one[0];
    let order = MediaCommand::Open {
        port,
        media,
        accept,
    };
    scene.hub.handle_command(scene.now, order);
    scene
        .hub
        .handle_command(scene.now, hear(port, Source::Peer(one[1])));
    // The event of the closing would be found first.
    while scene.hub.poll_event().is_some() {}
    let found = found(&mut scene);
    assert!(found.contains("the SSRC changed"), "{found}");
}

#[test]
fn a_key_is_told_twice() {
    let (mut scene, _) = talking();
    let end = scene.ends.values().find(|end| {
        let stream = scene.streams.stream(Scene::place(end.port));
        end.media.telephone_event.is_some()
            && !end.pressed_within(scene.now, Duration::from_secs(4))
            && stream.is_some_and(|s| s.media.direction == Direction::SendRecv)
    });
    let (port, from): (PortId, SocketAddr) = end.map(|end| (end.port, end.source)).unwrap();
    let mut packet = header(101, true, 1, 1, 1);
    packet.extend([5, 10, 0, 160]);
    scene.hub.handle_packet(scene.now, port, from, &packet);
    let found = found(&mut scene);
    assert!(found.contains("key"), "{found}");
}

#[test]
fn noise_that_is_never_made() {
    let (mut scene, [one, _]) = talking();
    scene.order(hear(one[0], Source::Comfort)).unwrap();
    let order = hear(one[0], Source::Silence);
    assert_found(&mut scene, order, "was sent 0 of 100 pieces");
}
