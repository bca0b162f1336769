//! A desk with keys of every kind, and an ear at every party.

use crate::world::scene::{S0, SECOND, offer_at, seat_state, sign_on, talking};
use crate::world::{
    CARRIER, CONFIG, Caller, ENGINE, Sent, TEN_O_CLOCK, World, addr, answer, reply, sdp,
};
use meishier_engine::media::{MediaCommand, Source};
use meishier_engine::signaling::{Binding, Flow, Transport};
use meishier_engine::transfer::{Manner, Mode, State, ThirdId};
use meishier_engine::{
    Command, CommandError, Notice, Press, Reply, SeatState, ThirdWish, TransferStarted, Who,
};
use meishier_model::{CallId, PortId, TransferRecord};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Telephones of the second line: the first has the skill `crisis`.
pub const L0: &str = "10.0.2.10:5060";
pub const L1: &str = "10.0.2.11:5060";
/// A supervisor's telephone.
pub const V: &str = "10.0.2.20:5060";
pub const SEAT_L0: u32 = 4;
pub const SEAT_L1: u32 = 5;
pub const SEAT_V: u32 = 6;
pub const SEAT_W: u32 = 7;
/// Counsellors of the second line.
pub const OF_L0: u32 = 4;
pub const OF_L1: u32 = 5;

const MORE: &str = r#"
[[pools]]
name = "second"
title = "second"
strategy = "longest_idle"
shifts = [{ hours = "00:00-24:00", lines = 5 }]

[[seats]]
name = "l{0..1}"
contact = "sip:l{n}@10.0.2.1{n}:5060"
pools = ["second"]

[[seats]]
name = "v"
contact = "sip:v@10.0.2.20:5060"
pools = ["city"]

[[seats]]
name = "w"
password = "secret-w"
pools = ["second"]

[[counsellors]]
account = "304"
pin = "1234"
seats = ["l0", "w"]
skills = { crisis = 5 }

[[counsellors]]
account = "305"
pin = "1235"
seats = ["l1", "v"]

[[transfer.keys]]
name = "2"
title = "second line"
kind = "second_line"
pool = "second"
limit = "60s"

[[transfer.keys]]
name = "3"
title = "second line for a crisis"
kind = "second_line"
pool = "second"
skills = ["crisis"]
limit = "60s"

[[transfer.keys]]
name = "12345"
title = "government"
kind = "hotline"
ring = "20s"
trunk = "carrier"
manner = ["warm", "consult", "blind"]

[[transfer.keys]]
name = "120"
title = "ambulance"
kind = "emergency"
ring = "30s"
trunk = "carrier"
manner = ["warm", "consult", "quiet"]
"#;

/// `3` asks for the skill. Emergencies may be quiet or consult first, 12345 blind.
pub fn world() -> World {
    world_where(("", ""))
}

/// The same with this in the place of that.
pub fn world_where(change: (&str, &str)) -> World {
    let police = "kind = \"emergency\"\n";
    let more = format!("{police}manner = [\"warm\", \"consult\", \"quiet\"]\n");
    let text = format!("{}{MORE}", CONFIG.replacen(police, &more, 1));
    World::with(&text.replacen(change.0, change.1, 1), TEN_O_CLOCK)
}

/// Caller and counsellor talk at s0.
pub fn pair() -> (World, Caller, Sent) {
    let mut world = world();
    let (caller, seat) = talking(&mut world);
    (world, caller, seat)
}

pub fn the_call(world: &World) -> CallId {
    world.shards.iter().flat_map(|s| s.calls()).next().unwrap()
}

pub fn press_as(
    world: &mut World,
    key: &str,
    manner: Manner,
) -> Result<TransferStarted, CommandError> {
    let call = the_call(world);
    let press = Press {
        key: key.to_owned(),
        place: "贵阳".to_owned(),
        manner: (manner != Manner::Warm).then_some(manner),
    };
    match world.command(Command::Transfer { call, press }) {
        Reply::Transfer(result) => result,
        other => panic!("{other:?}"),
    }
}

pub fn press(world: &mut World, key: &str) -> ThirdId {
    press_as(world, key, Manner::Warm).unwrap().third
}

pub fn done(world: &mut World, command: Command) -> Result<(), CommandError> {
    match world.command(command) {
        Reply::Done(result) => result,
        other => panic!("{other:?}"),
    }
}

pub fn wish(world: &mut World, third: ThirdId, wish: ThirdWish) -> Result<(), CommandError> {
    let (call, third) = (the_call(world), Some(third));
    done(world, Command::Third { call, third, wish })
}

pub fn leave(world: &mut World) -> Result<(), CommandError> {
    let call = the_call(world);
    done(world, Command::Leave { call })
}

pub fn hear(world: &mut World, who: Who, mode: Mode) -> Result<(), CommandError> {
    let call = the_call(world);
    done(world, Command::Hear { call, who, mode })
}

pub fn supervise(world: &mut World, seat: u32, mode: Mode) -> Result<ThirdId, CommandError> {
    let call = the_call(world);
    let seat = meishier_model::SeatId(seat);
    match world.command(Command::Supervise { call, seat, mode }) {
        Reply::Transfer(result) => result.map(|it| it.third),
        other => panic!("{other:?}"),
    }
}

/// The INVITE to a trunk's peer.
pub fn dialled(world: &mut World) -> Sent {
    world.take(addr(CARRIER), "INVITE")
}

/// Whom a trunk leads to answers, with its media at this port.
pub fn answers_at(world: &mut World, invite: &Sent, port: u16) {
    reply(world, invite, "200 OK", "seat", &sdp(invite.to, port));
    world.take(invite.to, "ACK");
}

/// Somebody of the second line is called by `key` and answers.
pub fn second_at(world: &mut World, key: &str, seat: &str) -> (ThirdId, Sent) {
    let third = press(world, key);
    let invite = offer_at(world, seat);
    answer(world, &invite);
    (third, invite)
}

/// Where the third parties stand, in order.
pub fn thirds(world: &World) -> Vec<(Mode, State)> {
    let views = world.shards.iter().map(|it| it.view(world.now));
    let calls = views.flat_map(|it| it.calls);
    let thirds = calls.flat_map(|it| it.thirds);
    thirds.map(|it| (it.mode, it.state)).collect()
}

pub fn state_of(world: &mut World, seat: u32) -> SeatState {
    seat_state(world, seat)
}

pub fn nothing_unexpected(world: &World) {
    let odd = |n: &&Notice| matches!(n, Notice::Unexpected(_) | Notice::Missed { .. });
    assert_eq!(world.notices.iter().find(odd), None);
}

/// Everybody has hung up: no line is held, nobody waits, one record.
pub fn all_over(world: &mut World) -> Vec<TransferRecord> {
    world.pass(70 * SECOND);
    nothing_unexpected(world);
    let counts = world.queue.counts();
    assert_eq!((counts.lines_used, counts.waiting), (vec![0, 0, 0], 0));
    let gauges = world.gauges();
    assert_eq!((gauges.calls, gauges.legs, gauges.ports), (0, 0, 0));
    let [record] = &world.records[..] else {
        panic!("one record: {:?}", world.records);
    };
    record.transfers.clone()
}

/// What the time line of a use of a key says.
pub fn story(record: &TransferRecord) -> Vec<&str> {
    record.events.iter().map(|it| it.what.as_str()).collect()
}

/// Letters of the parties by where their media is.
const PARTIES: [(&str, &str); 8] = [
    ("10.0.1.1:4000", "C"),
    ("10.0.2.0:6000", "K"),
    ("10.0.2.10:6000", "L"),
    ("10.0.2.11:6000", "M"),
    ("10.0.1.1:7000", "P"),
    ("10.0.1.1:7002", "Q"),
    ("10.0.2.20:6000", "V"),
    ("10.0.2.21:6000", "W"),
];

fn letter(remote: SocketAddr) -> String {
    let text = remote.to_string();
    let found = PARTIES.iter().find(|(at, _)| *at == text);
    found.map_or(text.clone(), |(_, letter)| (*letter).to_owned())
}

/// Who hears whom by what media was told last: `C:K K:CL L:CK`; `~` comfort noise, `ring`, `music`.
pub fn ears(world: &World) -> String {
    let mut open: BTreeMap<PortId, (String, Option<Source>)> = BTreeMap::new();
    for command in &world.media {
        match command {
            MediaCommand::Open { port, media, .. } => {
                open.insert(*port, (letter(media.remote), None));
            }
            MediaCommand::Hear { port, source } => {
                if let Some(it) = open.get_mut(port) {
                    it.1 = Some(source.clone());
                }
            }
            MediaCommand::Close { port } => drop(open.remove(port)),
            _ => {}
        }
    }
    let names: BTreeMap<PortId, String> = open.iter().map(|(p, it)| (*p, it.0.clone())).collect();
    let named = |ports: &[PortId]| {
        let mut all: Vec<&str> = ports
            .iter()
            .map(|p| names.get(p).map_or("?", |it| it))
            .collect();
        all.sort_unstable();
        all.concat()
    };
    let mut heard: Vec<String> = open
        .values()
        .map(|(name, source)| {
            let heard = match source {
                Some(Source::Peer(port)) => named(&[*port]),
                Some(Source::Mix(ports) | Source::Over { parties: ports, .. }) => named(ports),
                Some(Source::Comfort) => "~".to_owned(),
                Some(Source::Ringback) => "ring".to_owned(),
                Some(Source::Music) => "music".to_owned(),
                Some(_) => "said".to_owned(),
                None => "nothing".to_owned(),
            };
            format!("{name}:{heard}")
        })
        .collect();
    heard.sort();
    heard.join(" ")
}

/// The second line is there: l0 with the skill, l1 without.
pub fn staff(world: &mut World) {
    sign_on(world, SEAT_L0, OF_L0);
    world.pass(Duration::from_millis(1));
    sign_on(world, SEAT_L1, OF_L1);
}

/// s0 hangs up.
pub fn counsellor_hangs_up(world: &mut World, seat: &Sent) {
    assert_eq!(seat.to, addr(S0));
    crate::world::seat_bye(world, seat);
}

/// The driver's index of registrations says that this telephone is at these places, in this order.
pub fn register(world: &mut World, user: &str, places: &[&str]) {
    let binding = |place: &&str| Binding {
        uri: format!("sip:{user}@{place}"),
        flow: Flow {
            transport: Transport::Udp,
            local: addr(ENGINE),
            remote: addr(place),
            connection: 0,
        },
        expires: world.now.mono + 300 * SECOND,
        route: String::new(),
        flow_id: None,
        q: 1000,
    };
    let all = places.iter().map(binding).collect();
    world.bindings.insert(user.to_owned(), all);
}
