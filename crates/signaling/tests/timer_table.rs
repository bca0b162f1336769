//! Every timer of RFC 3261 Table 4, RFC 6026 §7 and RFC 3262 §3, measured on the machines themselves
//! and printed beside what the RFC says (`cargo test --test timer_table -- --nocapture`).

mod wire;

use meishier_model::Mono;
use meishier_signaling::Timers;
use meishier_signaling::invite_client::{InviteClient, InviteClientAction, InviteClientState};
use meishier_signaling::invite_server::{InviteServer, InviteServerAction, InviteServerState};
use meishier_signaling::non_invite_client::{
    NonInviteClient, NonInviteClientAction, NonInviteClientState,
};
use meishier_signaling::non_invite_server::{NonInviteServer, NonInviteServerState};
use meishier_signaling::reliable::{Reliable, ReliableAction};
use wire::ms;

/// Milliseconds after which something was sent again, and after which it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    again: Vec<u64>,
    end: u64,
}

/// Lets a machine run from 0 to its end: `fire` is asked at each deadline and says whether something
/// was sent again (`Some(true)`) or all is over (`None`).
fn run<M>(
    mut machine: M,
    deadline: impl Fn(&M) -> Option<Mono>,
    mut fire: impl FnMut(&mut M, Mono) -> Option<bool>,
) -> Found {
    let mut found = Found::default();
    while let Some(at) = deadline(&machine) {
        found.end = at.0 / 1000;
        match fire(&mut machine, at) {
            Some(true) => found.again.push(at.0 / 1000),
            Some(false) => {}
            None => break,
        }
    }
    found
}

fn invite_client(reliable: bool, statuses: &[u16]) -> Found {
    let timers = Timers::default();
    let mut machine = InviteClient::new(ms(0), &timers, reliable);
    for status in statuses {
        machine.on_response(ms(0), &timers, *status);
    }
    run(machine, InviteClient::deadline, |m, at| {
        let action = m.on_timeout(at);
        (m.state() != InviteClientState::Terminated).then_some(action == InviteClientAction::Resend)
    })
}

fn other_client(reliable: bool, statuses: &[u16]) -> Found {
    let timers = Timers::default();
    let mut machine = NonInviteClient::new(ms(0), &timers, reliable);
    for status in statuses {
        machine.on_response(ms(0), &timers, *status);
    }
    run(machine, NonInviteClient::deadline, |m, at| {
        let action = m.on_timeout(at, &timers);
        let over = m.state() == NonInviteClientState::Terminated;
        (!over).then_some(action == NonInviteClientAction::Resend)
    })
}

fn invite_server(reliable: bool, status: u16, ack: bool) -> Found {
    let timers = Timers::default();
    let mut machine = InviteServer::new(reliable);
    machine.on_send(ms(0), &timers, status);
    if ack {
        machine.on_ack(ms(0), &timers);
    }
    run(machine, InviteServer::deadline, |m, at| {
        let action = m.on_timeout(at, &timers);
        let over = m.state() == InviteServerState::Terminated;
        (!over).then_some(action == InviteServerAction::Resend)
    })
}

fn other_server(reliable: bool) -> Found {
    let timers = Timers::default();
    let mut machine = NonInviteServer::new(ms(0), &timers, reliable);
    machine.on_send(ms(0), &timers, 200);
    run(machine, NonInviteServer::deadline, |m, at| {
        m.on_timeout(at);
        (m.state() != NonInviteServerState::Terminated).then_some(false)
    })
}

fn reliable_response() -> Found {
    let timers = Timers::default();
    let mut machine = Reliable::new(1, 1);
    machine.on_send(ms(0), &timers, false);
    run(machine, Reliable::deadline, |m, at| {
        match m.on_timeout(at) {
            ReliableAction::GiveUp => None,
            action => Some(action == ReliableAction::Resend),
        }
    })
}

#[test]
fn ours_stand_beside_those_of_the_rfc() {
    const DOUBLING: &[u64] = &[500, 1500, 3500, 7500, 15500, 31500];
    const CAPPED: &[u64] = &[
        500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500,
    ];
    const SLOW: &[u64] = &[4000, 8000, 12000, 16000, 20000, 24000, 28000];
    const NONE: &[u64] = &[];
    let timers = Timers::default();
    for (name, ours, rfc) in [
        ("T1", timers.t1, 500),
        ("T2", timers.t2, 4000),
        ("T4", timers.t4, 5000),
        ("64*T1", timers.timeout(), 32_000),
    ] {
        println!(
            "{name:<6} RFC {rfc:>6} ms   ours {:>6} ms",
            ours.as_millis()
        );
        assert_eq!(ours.as_millis(), rfc, "{name}");
    }
    // What it is, what the RFC says, what was found; when it is sent again, when it ends.
    let table = [
        (
            "A, B  INVITE, UDP",
            "§17.1.1.2: T1 doubled; 64*T1",
            invite_client(false, &[]),
            DOUBLING,
            32_000,
        ),
        (
            "B     INVITE, TCP",
            "§17.1.1.2: no A; 64*T1",
            invite_client(true, &[]),
            NONE,
            32_000,
        ),
        (
            "-     INVITE after 1xx",
            "§17.1.1.2: none (C is a proxy's)",
            invite_client(false, &[180]),
            NONE,
            0,
        ),
        (
            "D     INVITE failed, UDP",
            "§17.1.1.2: 32 s at least",
            invite_client(false, &[486]),
            NONE,
            32_000,
        ),
        (
            "D     INVITE failed, TCP",
            "§17.1.1.2: 0",
            invite_client(true, &[486]),
            NONE,
            0,
        ),
        (
            "M     INVITE answered",
            "RFC 6026 §7.2: 64*T1",
            invite_client(false, &[200]),
            NONE,
            32_000,
        ),
        (
            "M     INVITE answered, TCP",
            "RFC 6026 §7.2: 64*T1",
            invite_client(true, &[200]),
            NONE,
            32_000,
        ),
        (
            "E, F  request, UDP",
            "§17.1.2.2: T1 doubled to T2; 64*T1",
            other_client(false, &[]),
            CAPPED,
            32_000,
        ),
        (
            "F     request, TCP",
            "§17.1.2.2: no E; 64*T1",
            other_client(true, &[]),
            NONE,
            32_000,
        ),
        (
            "K     request done, UDP",
            "§17.1.2.2: T4",
            other_client(false, &[200]),
            NONE,
            5_000,
        ),
        (
            "K     request done, TCP",
            "§17.1.2.2: 0",
            other_client(true, &[200]),
            NONE,
            0,
        ),
        (
            "G, H  failure, UDP",
            "§17.2.1: T1 doubled to T2; 64*T1",
            invite_server(false, 486, false),
            CAPPED,
            32_000,
        ),
        (
            "H     failure, TCP",
            "§17.2.1: no G; 64*T1",
            invite_server(true, 486, false),
            NONE,
            32_000,
        ),
        (
            "I     ACK came, UDP",
            "§17.2.1: T4",
            invite_server(false, 486, true),
            NONE,
            5_000,
        ),
        (
            "I     ACK came, TCP",
            "§17.2.1: 0",
            invite_server(true, 486, true),
            NONE,
            0,
        ),
        (
            "L     2xx sent",
            "RFC 6026 §7.1: 64*T1",
            invite_server(false, 200, false),
            NONE,
            32_000,
        ),
        (
            "J     answered, UDP",
            "§17.2.2: 64*T1",
            other_server(false),
            NONE,
            32_000,
        ),
        (
            "J     answered, TCP",
            "§17.2.2: 0",
            other_server(true),
            NONE,
            0,
        ),
        (
            "-     reliable 1xx",
            "RFC 3262 §3: T1 doubled; 64*T1",
            reliable_response(),
            DOUBLING,
            32_000,
        ),
    ];
    for (what, rfc, found, again, end) in &table {
        println!(
            "{what:<27} {rfc:<38} again at {:?}, ends at {} ms",
            found.again, found.end
        );
        assert_eq!((&*found.again, found.end), (*again, *end), "{what}: {rfc}");
    }
    // §17.1.2.2: in Proceeding E is T2.
    let found = other_client(false, &[100]);
    println!(
        "E     request after 1xx, UDP   §17.1.2.2: T2: again at {:?}",
        found.again
    );
    assert_eq!((&*found.again, found.end), (SLOW, 32_000));
}
