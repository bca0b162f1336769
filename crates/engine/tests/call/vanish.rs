//! Parties that vanish without a word, and parties that only say nothing.

use crate::world::scene::{
    S0, S1, SECOND, baseline, offer_at, police_answer, seat_state, sign_on, talking,
};
use crate::world::{
    CARRIER, CONFIG, Caller, ENGINE, Sent, TEN_O_CLOCK, World, addr, reply, sdp, seat_bye,
    seat_request,
};
use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::signaling::{Flow, Transport};
use meishier_engine::{Command, Input, LegParty, Notice, SeatState};
use meishier_model::{Outcome, ReleasedBy, TransferOutcome};

/// Where the parties' media is.
const CALLER: &str = "10.0.1.1:4000";
const SEAT: &str = "10.0.2.0:6000";
const POLICE: &str = "10.0.1.1:7000";
const AT_ONCE: &str = "10.0.1.2:5060";

fn silent(world: &mut World, media: &str) {
    let port = world.port_of(media);
    world.silent(port);
}

fn heard(world: &mut World, media: &str) {
    let port = world.port_of(media);
    world.heard(port);
}

fn dead(world: &World) -> Vec<LegParty> {
    let dead = world.notices.iter().filter_map(|notice| match notice {
        Notice::DeadLeg { party, .. } => Some(*party),
        _ => None,
    });
    dead.collect()
}

/// The key is pressed and the police answer.
fn joined(world: &mut World) -> Sent {
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    world.command(Command::press(call, "110", "贵阳"));
    let police = world.take(addr(CARRIER), "INVITE");
    police_answer(world, &police);
    police
}

#[test]
fn a_dead_telephone_puts_its_caller_back_before_all_others() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    let other = Caller::new(CARRIER, "13300000002");
    other.invite(&mut world);
    world.clear();
    silent(&mut world, SEAT);
    world.take(addr(S0), "OPTIONS");
    world.none(caller.from, "OPTIONS");
    world.pass(31 * SECOND);
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
    world.none(addr(S0), "BYE");
    world.pass(2 * SECOND);
    world.take(addr(S0), "BYE");
    world.none(caller.from, "BYE");
    assert_eq!(dead(&world), [LegParty::Seat]);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    assert!(matches!(
        world.media.last(),
        Some(MediaCommand::Hear {
            source: Source::Music,
            ..
        })
    ));
    sign_on(&mut world, 1, 1);
    let offer = offer_at(&mut world, S1);
    assert!(offer.header("From").contains("13300000001"), "{offer:?}");
    assert!(world.records.is_empty());
}

#[test]
fn a_dead_caller_ends_the_call() {
    let mut world = World::new();
    let before = world.gauges();
    let (caller, _) = talking(&mut world);
    silent(&mut world, CALLER);
    let options = world.take(caller.from, "OPTIONS");
    world.none(addr(S0), "OPTIONS");
    reply(
        &mut world,
        &options,
        "481 Call/Transaction Does Not Exist",
        "",
        "",
    );
    let bye = world.take(addr(S0), "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    world.take(caller.from, "BYE");
    assert_eq!(dead(&world), [LegParty::Caller]);
    let record = &world.records[0];
    assert_eq!(record.outcome, Outcome::Answered);
    assert_eq!(record.released_by, ReleasedBy::Engine);
    assert_eq!(record.status, 0);
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
    baseline(&mut world, before);
}

#[test]
fn a_caller_who_dies_while_waiting_leaves_the_queue() {
    let mut world = World::new();
    let before = world.gauges();
    let mut caller = Caller::new(AT_ONCE, "1");
    caller.invite(&mut world);
    caller.answered(&mut world);
    silent(&mut world, "10.0.1.2:4000");
    world.take(caller.from, "OPTIONS");
    world.pass(33 * SECOND);
    let record = &world.records[0];
    assert_eq!(record.outcome, Outcome::Failed);
    assert_eq!(record.released_by, ReleasedBy::Engine);
    assert_eq!(world.queue.counts().waiting, 0);
    baseline(&mut world, before);
}

#[test]
fn when_both_are_dead_everything_comes_back() {
    let mut world = World::new();
    let before = world.gauges();
    talking(&mut world);
    silent(&mut world, SEAT);
    silent(&mut world, CALLER);
    world.pass(33 * SECOND);
    assert_eq!(world.records.len(), 1);
    let record = &world.records[0];
    assert_eq!(record.outcome, Outcome::Answered);
    assert_eq!(record.released_by, ReleasedBy::Engine);
    assert!(
        world
            .queue
            .counts()
            .lines_used
            .iter()
            .all(|used| *used == 0)
    );
    baseline(&mut world, before);
    assert_eq!(seat_state(&mut world, 0), SeatState::Ready);
}

#[test]
fn a_muted_telephone_that_answers_anything_talks_for_an_hour() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    silent(&mut world, SEAT);
    let statuses = [
        "200 OK",
        "405 Method Not Allowed",
        "501 Not Implemented",
        "486 Busy Here",
        "500 Oops",
        "503 Service Unavailable",
        "404 Not Found",
    ];
    for round in 0..120 {
        let options = world.take(addr(S0), "OPTIONS");
        reply(&mut world, &options, statuses[round % 7], "", "");
        world.none(addr(S0), "OPTIONS");
        world.pass(30 * SECOND);
    }
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
    assert_eq!(dead(&world), []);
    world.none(addr(S0), "BYE");
    let asked = world.notices.iter().filter(|n| {
        matches!(
            n,
            Notice::Probe {
                party: LegParty::Seat,
                ..
            }
        )
    });
    assert_eq!(asked.count(), 121, "every 30 s");
    world.none(caller.from, "OPTIONS");
    caller.bye(&mut world);
    assert_eq!(world.records[0].released_by, ReleasedBy::Caller);
}

#[test]
fn who_is_heard_again_before_the_verdict_stays() {
    let mut world = World::new();
    talking(&mut world);
    silent(&mut world, SEAT);
    let first = world.take(addr(S0), "OPTIONS");
    world.pass(20 * SECOND);
    heard(&mut world, SEAT);
    // Silent once more while the first question is still open: it proves nothing about now.
    silent(&mut world, SEAT);
    reply(&mut world, &first, "481 Gone", "", "");
    assert_eq!(dead(&world), []);
    world.clear();
    world.pass(30 * SECOND);
    let second = world.take(addr(S0), "OPTIONS");
    assert_ne!(second.header("CSeq"), first.header("CSeq"));
    heard(&mut world, SEAT);
    world.clear();
    world.pass(120 * SECOND);
    let late = [addr(S0), addr(CARRIER)].map(|to| {
        let asked = world.sent.iter().filter(|m| m.to == to);
        asked
            .filter(|m| m.header("CSeq") != second.header("CSeq"))
            .count()
    });
    assert_eq!(late, [0, 0], "nobody is asked any more");
    assert_eq!(dead(&world), []);
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
}

#[test]
fn who_holds_is_not_asked() {
    let mut world = World::new();
    let (_, invite) = talking(&mut world);
    silent(&mut world, SEAT);
    let body = sdp(invite.to, 6000).replace("sendrecv", "recvonly");
    world.arrive(invite.to, &seat_request(&invite, "INVITE", 10, &body));
    world.take(invite.to, "SIP/2.0 200");
    world.arrive(invite.to, &seat_request(&invite, "ACK", 10, ""));
    world.clear();
    world.pass(3600 * SECOND);
    assert_eq!(dead(&world), []);
    assert_eq!(seat_state(&mut world, 0), SeatState::Talking);
}

#[test]
fn a_snapshot_in_the_middle_of_a_probe_changes_nothing() {
    // Between the question and the verdict, and between two questions.
    for (answered, at) in [(false, 10), (false, 31), (true, 10)] {
        let mut world = World::new();
        talking(&mut world);
        silent(&mut world, SEAT);
        let options = world.take(addr(S0), "OPTIONS");
        if answered {
            reply(&mut world, &options, "200 OK", "", "");
        }
        world.pass(at * SECOND);
        world.replace_by_snapshots();
        // Media begins anew, and tells it again.
        world.pass(SECOND / 2);
        silent(&mut world, SEAT);
        world.clear();
        if answered {
            world.pass((29 - at) * SECOND);
            world.none(addr(S0), "OPTIONS");
            world.pass(SECOND);
            world.take(addr(S0), "OPTIONS");
            world.pass(33 * SECOND);
        } else {
            world.pass((33 - at) * SECOND);
        }
        assert_eq!(dead(&world), [LegParty::Seat], "{answered} {at}");
        world.take(addr(S0), "BYE");
        assert_eq!(world.queue.counts().waiting, 1);
    }
}

#[test]
fn a_restored_party_that_is_heard_is_left_alone() {
    let mut world = World::new();
    talking(&mut world);
    silent(&mut world, SEAT);
    world.pass(10 * SECOND);
    world.replace_by_snapshots();
    heard(&mut world, SEAT);
    world.pass(120 * SECOND);
    assert_eq!(dead(&world), []);
}

#[test]
fn a_dead_target_is_dropped_and_the_talk_goes_on() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    joined(&mut world);
    silent(&mut world, POLICE);
    let options = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &options, "408 Request Timeout", "", "");
    world.take(addr(CARRIER), "BYE");
    world.none(addr(S0), "BYE");
    assert_eq!(dead(&world), [LegParty::Target]);
    let (seat, caller_port) = (world.port_of(SEAT), world.port_of(CALLER));
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Hear { port, source } if *port == caller_port => Some(source.clone()),
        _ => None,
    });
    assert_eq!(last, Some(Source::Peer(seat)));
    caller.bye(&mut world);
    let record = &world.records[0];
    assert_eq!(record.transfers[0].outcome, TransferOutcome::Joined);
    assert_eq!(record.released_by, ReleasedBy::Caller);
}

#[test]
fn a_caller_whom_a_dead_target_leaves_alone_goes_back_to_the_head_of_the_queue() {
    let mut world = World::new();
    let before = world.gauges();
    let (caller, seat) = talking(&mut world);
    joined(&mut world);
    seat_bye(&mut world, &seat);
    let other = Caller::new(CARRIER, "13300000002");
    other.invite(&mut world);
    silent(&mut world, POLICE);
    let options = world.take(addr(CARRIER), "OPTIONS");
    reply(&mut world, &options, "481 Gone", "", "");
    assert_eq!(dead(&world), [LegParty::Target]);
    world.none(caller.from, "BYE sip:13300000001");
    sign_on(&mut world, 1, 1);
    let offer = offer_at(&mut world, S1);
    assert!(offer.header("From").contains("13300000001"), "{offer:?}");
    caller.bye(&mut world);
    other.cancel(&mut world);
    let ack = other.request("ACK", 1, "i", "");
    world.arrive(other.from, &ack);
    assert_eq!(world.records.len(), 2);
    world.pass(60 * SECOND);
    baseline(&mut world, before);
}

#[test]
fn a_counsellor_who_dies_beside_the_police_leaves_the_caller_with_them() {
    let mut world = World::new();
    let (caller, _) = talking(&mut world);
    joined(&mut world);
    silent(&mut world, SEAT);
    let options = world.take(addr(S0), "OPTIONS");
    reply(&mut world, &options, "481 Gone", "", "");
    assert_eq!(dead(&world), [LegParty::Seat]);
    world.none(caller.from, "BYE");
    world.none(addr(CARRIER), "BYE");
    assert_eq!(seat_state(&mut world, 0), SeatState::Wrapup);
}

#[test]
fn a_telephone_whose_machine_says_that_it_is_gone_is_dead_at_the_second_time() {
    let mut world = World::new();
    talking(&mut world);
    let port = world.port_of(SEAT);
    let fail = |world: &mut World| {
        let flow = Flow {
            transport: Transport::Udp,
            local: addr(ENGINE),
            remote: addr(S0),
            connection: 0,
        };
        for shard in 0..4 {
            world.handle(shard, Input::FlowFailed { flow });
        }
    };
    world.silent(port);
    fail(&mut world);
    assert_eq!(dead(&world), [], "once may be chance");
    world.pass(30 * SECOND);
    fail(&mut world);
    assert_eq!(dead(&world), [LegParty::Seat]);
}

#[test]
fn a_caller_who_still_hears_ringing_is_asked_only_once_it_is_answered() {
    let text = CONFIG.replacen("early = \"ringing\"", "early = \"progress\"", 1);
    let mut world = World::with(&text, TEN_O_CLOCK);
    let mut caller = Caller::new(CARRIER, "1");
    caller.invite(&mut world);
    silent(&mut world, CALLER);
    world.pass(20 * SECOND);
    world.none(caller.from, "OPTIONS");
    world.pass(11 * SECOND);
    caller.answered(&mut world);
    world.none(caller.from, "OPTIONS");
    world.pass(30 * SECOND);
    let options = world.take(caller.from, "OPTIONS");
    reply(&mut world, &options, "200 OK", "", "");
    assert_eq!(world.queue.counts().waiting, 1);
}

/// What was told of one-way speech: who is not heard, and whether it begins.
fn one_way(world: &World) -> Vec<(LegParty, bool)> {
    let told = world.notices.iter().filter_map(|notice| match notice {
        Notice::OneWay { party, begins, .. } => Some((*party, *begins)),
        _ => None,
    });
    told.collect()
}

#[test]
fn one_way_speech_is_told_while_it_lasts_and_when_it_is_over() {
    for (unheard, other, party) in [
        (CALLER, SEAT, LegParty::Caller),
        (SEAT, CALLER, LegParty::Seat),
    ] {
        let mut world = World::new();
        let (_, _) = talking(&mut world);
        heard(&mut world, other);
        world.pass(20 * SECOND);
        silent(&mut world, unheard);
        assert_eq!(one_way(&world), [(party, true)]);
        // Told again by media, it is not told twice.
        silent(&mut world, unheard);
        assert_eq!(one_way(&world).len(), 1);
        heard(&mut world, unheard);
        assert_eq!(one_way(&world), [(party, true), (party, false)]);
        // Both silent is no speech in any direction.
        silent(&mut world, other);
        silent(&mut world, unheard);
        let told = one_way(&world);
        let other_party = match party {
            LegParty::Caller => LegParty::Seat,
            _ => LegParty::Caller,
        };
        assert_eq!(told[2..], [(other_party, true), (other_party, false)]);
    }
}

#[test]
fn who_was_silent_while_waiting_has_time_to_speak() {
    let mut world = World::new();
    let before = world.gauges();
    let (caller, seat) = talking(&mut world);
    // Media knows of the caller's silence from before, and hears the counsellor at once.
    silent(&mut world, CALLER);
    let options = world.take(caller.from, "OPTIONS");
    reply(&mut world, &options, "200 OK", "", "");
    heard(&mut world, SEAT);
    world.pass(14 * SECOND);
    assert_eq!(one_way(&world), []);
    world.pass(2 * SECOND);
    assert_eq!(one_way(&world), [(LegParty::Caller, true)]);
    // The end of the conversation is its end, and no timer stays.
    seat_bye(&mut world, &seat);
    assert_eq!(one_way(&world).last(), Some(&(LegParty::Caller, false)));
    let bye = world.take(caller.from, "BYE");
    reply(&mut world, &bye, "200 OK", "", "");
    baseline(&mut world, before);
}

#[test]
fn who_speaks_in_time_is_never_told_of() {
    let mut world = World::new();
    let (_, _) = talking(&mut world);
    silent(&mut world, CALLER);
    heard(&mut world, SEAT);
    world.pass(10 * SECOND);
    heard(&mut world, CALLER);
    world.pass(60 * SECOND);
    assert_eq!(one_way(&world), []);
}

#[test]
fn a_dead_caller_at_risk_is_an_alarm_and_no_end() {
    let mut world = World::new();
    let (caller, seat) = talking(&mut world);
    let call = world.shards.iter().flat_map(|s| s.calls()).next().unwrap();
    world.command(Command::Flag { call });
    silent(&mut world, CALLER);
    for round in 0..3 {
        if round > 0 {
            world.pass(30 * SECOND);
        }
        let options = world.take(caller.from, "OPTIONS");
        let gone = "481 Call/Transaction Does Not Exist";
        reply(&mut world, &options, gone, "", "");
    }
    let lost = |world: &World| {
        let lost = |n: &&Notice| matches!(n, Notice::MediaLost { .. });
        world.notices.iter().filter(lost).count()
    };
    assert_eq!(lost(&world), 1);
    assert_eq!(dead(&world), []);
    world.none(addr(S0), "BYE");
    world.none(caller.from, "BYE");
    assert!(world.records.is_empty());
    // The caller is heard again, and lost again: told again.
    heard(&mut world, CALLER);
    silent(&mut world, CALLER);
    let options = world.take(caller.from, "OPTIONS");
    reply(&mut world, &options, "408 Request Timeout", "", "");
    assert_eq!(lost(&world), 2);
    // People end it.
    seat_bye(&mut world, &seat);
    world.take(caller.from, "BYE");
    assert_eq!(world.records[0].released_by, ReleasedBy::Seat);
}
