//! Channels of a trunk, both ways, across shards.

use crate::world::scene::{SECOND, talking};
use crate::world::{CARRIER, Caller, TEN_O_CLOCK, World, addr, reply};
use crate::{A, OTHER, only_call, press, pressed, world};
use meishier_engine::{Command, Notice, Refusal};
use meishier_model::TrunkId;

const TRUNK: TrunkId = TrunkId(0);

fn taken(world: &World) -> u64 {
    world.queue.channels().taken(TRUNK)
}

fn callers(world: &mut World, count: u32) -> Vec<Caller> {
    let all: Vec<Caller> = (0..count)
        .map(|n| Caller::new(CARRIER, &format!("1330000{n:04}")))
        .collect();
    all.iter().for_each(|caller| caller.invite(world));
    all
}

#[test]
fn a_call_beyond_the_channels_gets_503_whichever_shards_the_others_are_on() {
    let mut world = world("to = [\"10.0.1.1\"]\nchannels = 6");
    let all = callers(&mut world, 8);
    let shards = world
        .shards
        .iter()
        .filter(|s| s.calls().count() > 0)
        .count();
    assert!(shards > 1, "the calls are spread");
    assert_eq!(taken(&world), 6);
    let refused = world.sent.iter().filter(|m| m.is("SIP/2.0 503"));
    let again = refused.clone().all(|m| m.find("Retry-After").is_some());
    assert_eq!((refused.count(), again), (2, true));
    let told = |notice: &&Notice| matches!(notice, Notice::Refused(Refusal::Channels));
    assert_eq!(world.notices.iter().filter(told).count(), 2);
    all[0].cancel(&mut world);
    // The channel is free when nothing of the leg is left: after the ACK of its 487.
    let ack = all[0].request("ACK", 1, "i", "");
    world.arrive(all[0].from, &ack);
    assert_eq!(taken(&world), 5);
    let other = Caller::new(CARRIER, "13500000000");
    other.invite(&mut world);
    assert_eq!(taken(&world), 6);
}

#[test]
fn everything_comes_back_to_nothing() {
    let mut world = world("to = [\"10.0.1.1\"]\nchannels = 6");
    let all = callers(&mut world, 8);
    all.iter().for_each(|caller| caller.cancel(&mut world));
    world.pass(120 * SECOND);
    assert_eq!(taken(&world), 0);
    let change = world.notices.iter().fold(0, |sum, it| match it {
        Notice::Channel { taken, .. } => sum + if *taken { 1 } else { -1 },
        _ => sum,
    });
    assert_eq!(change, 0);
}

#[test]
fn calls_out_count_once_however_many_peers_are_asked_and_the_reserve_is_for_emergencies() {
    let mut world = world("to = [\"10.0.1.1\", \"10.0.1.5\"]\nchannels = 2\nreserve = 1");
    let (caller, _) = talking(&mut world);
    assert_eq!(taken(&world), 1);
    let call = only_call(&world);
    press(&mut world, call, "12345");
    world.none(addr(A), "INVITE sip:085112345");
    let full = |notice: &&Notice| {
        matches!(
            notice,
            Notice::ChannelsFull {
                emergency: false,
                out: true,
                ..
            }
        )
    };
    assert_eq!(world.notices.iter().filter(full).count(), 1);
    press(&mut world, call, "110");
    let first = world.take(addr(A), "INVITE sip:0851110");
    assert_eq!(taken(&world), 2);
    reply(&mut world, &first, "503 Service Unavailable", "x", "");
    assert_eq!(taken(&world), 2);
    let second = world.take(addr(crate::B), "INVITE sip:0851110");
    assert_eq!(taken(&world), 2);
    reply(&mut world, &second, "486 Busy Here", "x", "");
    assert_eq!(taken(&world), 1);
    drop(caller);
}

#[test]
fn a_trunk_without_a_channel_leaves_the_call_to_the_next() {
    let (mut world, ..) = pressed("to = [\"10.0.1.1\"]\nchannels = 1", "120");
    world.none(addr(A), "INVITE sip:0851120");
    world.take(addr(OTHER), "INVITE sip:0851120");
    assert_eq!(world.queue.channels().taken(TrunkId(1)), 1);
}

fn used_up(world: &World) -> usize {
    let full = |it: &&Notice| {
        matches!(
            it,
            Notice::ChannelsFull {
                emergency: true,
                out: true,
                ..
            }
        )
    };
    world.notices.iter().filter(full).count()
}

#[test]
fn an_emergency_without_any_channel_goes_out_all_the_same_and_is_counted() {
    let (mut world, _, call) = pressed("to = [\"10.0.1.1\", \"10.0.1.5\"]\nchannels = 1", "12345");
    world.none(addr(A), "INVITE sip:085112345");
    press(&mut world, call, "110");
    let first = world.take(addr(A), "INVITE sip:0851110");
    assert_eq!((taken(&world), used_up(&world)), (2, 1));
    reply(&mut world, &first, "503 Service Unavailable", "x", "");
    let second = world.take(addr(crate::B), "INVITE sip:0851110");
    assert_eq!((taken(&world), used_up(&world)), (2, 1));
    reply(&mut world, &second, "486 Busy Here", "x", "");
    assert_eq!(taken(&world), 1);
}

#[test]
fn an_emergency_takes_a_free_trunk_first_and_the_full_one_at_last() {
    let (mut world, ..) = pressed("to = [\"10.0.1.1\"]\nchannels = 1", "120");
    let first = world.take(addr(OTHER), "INVITE sip:0851120");
    assert_eq!(taken(&world), 1);
    reply(&mut world, &first, "503 Service Unavailable", "x", "");
    let last = world.take(addr(A), "INVITE sip:0851120");
    assert_eq!((taken(&world), used_up(&world)), (2, 1));
    reply(&mut world, &last, "503 Service Unavailable", "x", "");
    assert_eq!(taken(&world), 1);
    assert_eq!(world.queue.channels().taken(TrunkId(1)), 0);
}

#[test]
fn who_is_left_keeps_its_channel_until_it_is_gone() {
    for (key, channels, asked) in [("12345", 3, true), ("12345", 2, false), ("110", 2, true)] {
        let carrier = format!("to = [\"10.0.1.1\", \"10.0.1.5\"]\nchannels = {channels}");
        let (mut world, ..) = pressed(&carrier, key);
        let first = world.take(addr(A), "INVITE sip:0851");
        world.pass(5 * SECOND);
        let second = world
            .sent
            .iter()
            .any(|m| m.to == addr(crate::B) && m.is("INVITE"));
        assert_eq!(second, asked, "{key}");
        let both = if asked { 3 } else { 2 };
        assert_eq!(taken(&world), both, "{key}");
        assert_eq!(used_up(&world), usize::from(key == "110"));
        if asked {
            // It wakes up, is cancelled, and is over with the 487.
            reply(&mut world, &first, "180 Ringing", "late", "");
            let cancel = world.take(addr(A), "CANCEL");
            reply(&mut world, &cancel, "200 OK", "late", "");
            assert_eq!(taken(&world), 3);
            reply(&mut world, &first, "487 Request Terminated", "late", "");
            assert_eq!(taken(&world), 2);
        }
    }
}

#[test]
fn channels_survive_a_restart_and_new_limits_hold_from_the_next_call_on() {
    let mut world = world("to = [\"10.0.1.1\"]\nchannels = 3");
    let _ = callers(&mut world, 2);
    world.replace_by_snapshots();
    assert_eq!(taken(&world), 2, "beside the same queue");
    world.restart();
    assert_eq!(taken(&world), 2, "beside a new one");
    let text = crate::config("to = [\"10.0.1.1\"]\nchannels = 1");
    world.configure(&text);
    assert_eq!(taken(&world), 2, "nobody is cut off");
    let third = Caller::new(CARRIER, "13500000000");
    third.invite(&mut world);
    world.take(third.from, "SIP/2.0 503");
    world.pass(600 * SECOND);
    assert_eq!(world.gauges().calls, taken(&world));
}

#[test]
fn a_caller_at_risk_and_one_with_priority_get_the_reserve() {
    let trusted =
        "to = [\"10.0.1.1\"]\nchannels = 2\nreserve = 1\ntrust = [\"asserted\", \"priority\"]";
    let untrusted = trusted.replace(", \"priority\"", "");
    for (trusted, priority, expected) in [
        (trusted, "esnet.1", 2),
        (trusted, "ESNET.0", 2),
        (trusted, "wps.4, ets.1", 2),
        (trusted, "dsn.flash", 2),
        (trusted, "q735.0", 2),
        (&untrusted, "esnet.1", 1),
        (trusted, "dsn.routine", 1),
        (trusted, "drsn.priority", 1),
        (trusted, "q735.4", 1),
        (trusted, "ets.4", 1),
        (trusted, "wps.4", 1),
        (trusted, "mine.0", 1),
    ] {
        let mut world = world(trusted);
        let _ = callers(&mut world, 1);
        let second = Caller::new(CARRIER, "13500000000");
        let text = second
            .request("INVITE", 1, "i", &crate::world::sdp(second.from, 4000))
            .replace(
                "Max-Forwards",
                &format!("Resource-Priority: {priority}\r\nMax-Forwards"),
            );
        world.arrive(second.from, &text);
        assert_eq!(taken(&world), expected, "{priority}");
    }
    let text = format!(
        "{}\n[risk]\nflagged_for = \"24h\"\n",
        crate::config(trusted)
    );
    let mut world = World::with(&text, TEN_O_CLOCK);
    let risky = Caller::new(CARRIER, "13300009999");
    risky.invite(&mut world);
    let call = only_call(&world);
    world.command(Command::Flag { call });
    risky.cancel(&mut world);
    let ack = risky.request("ACK", 1, "i", "");
    world.arrive(risky.from, &ack);
    // Its transactions are over, so that the next call is another one.
    world.pass(40 * SECOND);
    assert_eq!(taken(&world), 0);
    let _ = callers(&mut world, 2);
    assert_eq!(taken(&world), 1);
    // The same number again: at risk, and the engine knows it.
    risky.invite(&mut world);
    assert_eq!(taken(&world), 2);
}
