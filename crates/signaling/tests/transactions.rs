//! The four transaction machines alone, against the timer tables of RFC 3261 and RFC 6026.

use meishier_model::Mono;
use meishier_signaling::Timers;
use meishier_signaling::invite_client::{InviteClient, InviteClientAction, InviteClientState};
use meishier_signaling::invite_server::{InviteServer, InviteServerAction, InviteServerState};
use meishier_signaling::non_invite_client::{
    NonInviteClient, NonInviteClientAction, NonInviteClientState,
};
use meishier_signaling::non_invite_server::{
    NonInviteServer, NonInviteServerAction, NonInviteServerState,
};
use meishier_signaling::timers::{Due, TimerQueue};
use std::time::Duration;

const T: fn() -> Timers = Timers::default;

fn ms(n: u64) -> Mono {
    Mono(n * 1000)
}

/// The milliseconds at which a machine that nobody talks to acts, with what it does.
fn alone<A: PartialEq>(
    deadline: impl Fn() -> Option<Mono>,
    mut fire: impl FnMut(Mono) -> A,
) -> Vec<(u64, A)> {
    let mut out = Vec::new();
    while let Some(at) = deadline() {
        out.push((at.0 / 1000, fire(at)));
        assert!(out.len() < 100);
    }
    out
}

macro_rules! run {
    ($machine:expr, $fire:expr) => {{
        let cell = std::cell::RefCell::new($machine);
        let out = alone(
            || cell.borrow().deadline(),
            |at| $fire(&mut *cell.borrow_mut(), at),
        );
        (out, cell.into_inner())
    }};
}

#[test]
fn an_invite_without_any_response() {
    use InviteClientAction::{Resend, TimedOut};
    let (did, machine) = run!(
        InviteClient::new(ms(0), &T(), false),
        InviteClient::on_timeout
    );
    let want = [500, 1500, 3500, 7500, 15500, 31500].map(|at| (at, Resend));
    assert_eq!(did[..6], want);
    assert_eq!(did[6..], [(32000, TimedOut)]);
    assert_eq!(machine.state(), InviteClientState::Terminated);
    let (did, _) = run!(
        InviteClient::new(ms(0), &T(), true),
        InviteClient::on_timeout
    );
    assert_eq!(did, [(32000, TimedOut)]);
}

#[test]
fn an_invite_and_its_responses() {
    use InviteClientAction::{Ack, AckAndDeliver, Deliver, Nothing};
    use InviteClientState::{Accepted, Completed, Proceeding, Terminated};
    // (status, what to do, state afterwards) one after another, then the end by timer.
    type Steps = Vec<(u16, InviteClientAction, InviteClientState)>;
    let table: [(bool, Steps, Option<u64>); 5] = [
        (
            false,
            vec![(180, Deliver, Proceeding), (183, Deliver, Proceeding)],
            None,
        ),
        (
            false,
            vec![
                (100, Deliver, Proceeding),
                (200, Deliver, Accepted),
                (200, Deliver, Accepted),
                (180, Nothing, Accepted),
                (486, Nothing, Accepted),
            ],
            Some(32000),
        ),
        (
            false,
            vec![
                (486, AckAndDeliver, Completed),
                (486, Ack, Completed),
                (180, Nothing, Completed),
                (200, Nothing, Completed),
            ],
            Some(32000),
        ),
        (
            true,
            vec![
                (180, Deliver, Proceeding),
                (603, AckAndDeliver, Terminated),
                (603, Nothing, Terminated),
            ],
            None,
        ),
        (true, vec![(200, Deliver, Accepted)], Some(32000)),
    ];
    for (reliable, steps, end) in table {
        let mut machine = InviteClient::new(ms(0), &T(), reliable);
        for (status, action, state) in steps {
            assert_eq!(machine.on_response(ms(0), &T(), status), action, "{status}");
            assert_eq!(machine.state(), state, "{status}");
        }
        let (did, _) = run!(machine, InviteClient::on_timeout);
        assert_eq!(
            did,
            end.map(|at| (at, Nothing)).into_iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn an_invite_given_up_waits_64_t1_at_most() {
    for first_given_up in [true, false] {
        let mut machine = InviteClient::new(ms(0), &T(), false);
        if first_given_up {
            machine.on_given_up(ms(0), &T());
        }
        machine.on_response(ms(100), &T(), 180);
        if !first_given_up {
            assert_eq!(machine.deadline(), None, "ringing has no end");
            machine.on_given_up(ms(100), &T());
        }
        assert_eq!(machine.on_timeout(ms(32_099)), InviteClientAction::Nothing);
        assert_eq!(machine.on_timeout(ms(32_100)), InviteClientAction::TimedOut);
    }
}

#[test]
fn an_invite_on_a_flow_that_fails() {
    let states = [(0, true), (180, true), (200, false), (486, false)];
    for (status, told) in states {
        let mut machine = InviteClient::new(ms(0), &T(), false);
        if status > 0 {
            machine.on_response(ms(0), &T(), status);
        }
        assert_eq!(machine.on_flow_failed(), told, "{status}");
        let over = machine.state() == InviteClientState::Terminated;
        assert_eq!(over, status != 200, "a 2xx may still come by another way");
    }
}

#[test]
fn a_failure_response_to_invite_without_ack() {
    use InviteServerAction::{NoAck, Resend};
    let fire = |m: &mut InviteServer, at| m.on_timeout(at, &T());
    let mut machine = InviteServer::new(false);
    assert!(machine.on_send(ms(0), &T(), 100));
    assert_eq!(machine.deadline(), None);
    assert!(machine.on_send(ms(0), &T(), 486));
    assert!(!machine.on_send(ms(0), &T(), 200), "one final response");
    let (did, machine) = run!(machine, fire);
    let times: Vec<u64> = did.iter().map(|d| d.0).collect();
    assert_eq!(
        times,
        [
            500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000
        ]
    );
    assert!(did[..10].iter().all(|d| d.1 == Resend));
    assert_eq!(did[10].1, NoAck);
    assert_eq!(machine.state(), InviteServerState::Terminated);
    let mut machine = InviteServer::new(true);
    machine.on_send(ms(0), &T(), 486);
    let (did, _) = run!(machine, fire);
    assert_eq!(did, [(32000, NoAck)], "no timer G on TCP, but timer H");
}

#[test]
fn a_failure_response_to_invite_with_ack() {
    use InviteServerAction::{Acknowledged, Nothing, Resend};
    let mut machine = InviteServer::new(false);
    machine.on_send(ms(0), &T(), 486);
    assert_eq!(machine.on_retransmission(), Resend);
    assert_eq!(machine.on_ack(ms(100), &T()), Acknowledged);
    assert_eq!(machine.on_ack(ms(200), &T()), Nothing);
    assert_eq!(machine.on_retransmission(), Nothing);
    assert_eq!(machine.deadline(), Some(ms(5100)), "timer I");
    assert_eq!(machine.on_timeout(ms(5100), &T()), Nothing);
    assert_eq!(machine.state(), InviteServerState::Terminated);
    let mut machine = InviteServer::new(true);
    machine.on_send(ms(0), &T(), 486);
    assert_eq!(machine.on_ack(ms(100), &T()), Acknowledged);
    assert_eq!(machine.state(), InviteServerState::Terminated);
}

#[test]
fn a_2xx_to_invite_is_left_to_the_leg() {
    for reliable in [false, true] {
        let mut machine = InviteServer::new(reliable);
        machine.on_send(ms(0), &T(), 180);
        assert_eq!(machine.on_retransmission(), InviteServerAction::Resend);
        machine.on_send(ms(0), &T(), 200);
        assert_eq!(machine.state(), InviteServerState::Accepted);
        assert_eq!(machine.on_retransmission(), InviteServerAction::Nothing);
        assert_eq!(machine.on_ack(ms(1), &T()), InviteServerAction::Nothing);
        let fire = |m: &mut InviteServer, at| m.on_timeout(at, &T());
        let (did, _) = run!(machine, fire);
        assert_eq!(did, [(32000, InviteServerAction::Nothing)], "timer L");
    }
}

#[test]
fn another_request_without_any_response() {
    let fire = |m: &mut NonInviteClient, at| m.on_timeout(at, &T());
    let (did, machine) = run!(NonInviteClient::new(ms(0), &T(), false), fire);
    let times: Vec<u64> = did.iter().map(|d| d.0).collect();
    assert_eq!(
        times,
        [
            500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000
        ]
    );
    assert_eq!(did[10].1, NonInviteClientAction::TimedOut);
    assert_eq!(machine.state(), NonInviteClientState::Terminated);
    let (did, _) = run!(NonInviteClient::new(ms(0), &T(), true), fire);
    assert_eq!(did, [(32000, NonInviteClientAction::TimedOut)]);
}

#[test]
fn another_request_and_its_responses() {
    use NonInviteClientAction::{Deliver, Nothing, Resend};
    let mut machine = NonInviteClient::new(ms(0), &T(), false);
    assert_eq!(machine.on_response(ms(100), &T(), 100), Deliver);
    assert_eq!(
        machine.deadline(),
        Some(ms(4100)),
        "timer E is T2 in Proceeding"
    );
    assert_eq!(machine.on_timeout(ms(4100), &T()), Resend);
    assert_eq!(machine.deadline(), Some(ms(8100)));
    assert_eq!(machine.on_response(ms(4200), &T(), 200), Deliver);
    assert_eq!(machine.on_response(ms(4300), &T(), 200), Nothing);
    assert!(!machine.on_flow_failed(), "nobody waits any more");
    assert_eq!(machine.deadline(), Some(ms(9200)), "timer K");
    assert_eq!(machine.on_timeout(ms(9200), &T()), Nothing);
    assert_eq!(machine.state(), NonInviteClientState::Terminated);
    let mut machine = NonInviteClient::new(ms(0), &T(), true);
    assert_eq!(machine.on_response(ms(100), &T(), 481), Deliver);
    assert_eq!(machine.state(), NonInviteClientState::Terminated);
    let mut machine = NonInviteClient::new(ms(0), &T(), true);
    assert!(machine.on_flow_failed());
}

#[test]
fn an_answer_to_another_request() {
    use NonInviteServerAction::{Nothing, Resend};
    let mut machine = NonInviteServer::new(ms(0), &T(), false);
    assert_eq!(machine.on_retransmission(), Nothing);
    assert!(machine.on_send(ms(0), &T(), 100));
    assert_eq!(machine.state(), NonInviteServerState::Proceeding);
    assert_eq!(machine.on_retransmission(), Resend);
    assert!(machine.on_send(ms(10), &T(), 200));
    assert!(!machine.on_send(ms(10), &T(), 500));
    assert_eq!(machine.on_retransmission(), Resend);
    assert_eq!(machine.deadline(), Some(ms(32_010)), "timer J");
    assert!(!machine.on_timeout(ms(32_009)));
    assert!(machine.on_timeout(ms(32_010)));
    let mut machine = NonInviteServer::new(ms(0), &T(), true);
    assert!(machine.on_send(ms(0), &T(), 200));
    assert_eq!(machine.state(), NonInviteServerState::Terminated);
    let mut machine = NonInviteServer::new(ms(0), &T(), false);
    assert!(
        machine.on_timeout(ms(32_000)),
        "RFC 4320: nobody waits for an answer any more"
    );
    assert!(!machine.on_send(ms(32_000), &T(), 200));
}

#[test]
fn a_driver_that_comes_late_does_not_cause_a_burst() {
    let mut machine = InviteClient::new(ms(0), &T(), false);
    assert_eq!(machine.on_timeout(ms(20_000)), InviteClientAction::Resend);
    assert_eq!(machine.deadline(), Some(ms(21_000)));
}

#[test]
fn machines_move_to_another_clock() {
    let mut machine = InviteClient::new(ms(1_000_000), &T(), false);
    machine.rebase(ms(1_000_200), ms(7));
    assert_eq!(machine.deadline(), Some(ms(307)));
    machine.rebase(ms(999), ms(5000));
    assert_eq!(
        machine.deadline(),
        Some(ms(5000)),
        "what was due is due at once"
    );
}

#[test]
fn the_timer_queue_is_exact() {
    let mut queue = TimerQueue::default();
    let (mut a, mut b) = (None, None);
    let prompt = |at| {
        Some(Due {
            at: ms(at),
            lingering: false,
        })
    };
    queue.set('a', &mut a, prompt(5));
    queue.set('b', &mut b, prompt(3));
    queue.set('b', &mut b, prompt(7));
    assert_eq!((queue.next(), queue.len()), (Some(ms(5)), 2));
    assert_eq!(queue.due(ms(4)), None);
    assert_eq!(queue.due(ms(5)), Some((ms(5), 'a')));
    queue.set('a', &mut a, None);
    queue.forget((ms(7), 'b'));
    assert!(queue.is_empty() && queue.next().is_none());
    assert_eq!(T().timeout(), Duration::from_secs(32));
}

#[test]
fn lingering_timers_wait_for_one_another_but_hold_up_nothing() {
    let mut queue = TimerQueue::default();
    let (mut a, mut b, mut c) = (None, None, None);
    let due = |at, lingering| {
        Some(Due {
            at: ms(at),
            lingering,
        })
    };
    queue.set('a', &mut a, due(5_010, true));
    queue.set('b', &mut b, due(5_490, true));
    assert_eq!(queue.next(), Some(ms(5_500)), "both at once");
    queue.set('c', &mut c, due(5_200, false));
    assert_eq!(queue.next(), Some(ms(5_200)));
    assert_eq!(queue.due(ms(5_009)), None);
    // Whoever comes by for another reason frees what may be freed.
    assert_eq!(queue.due(ms(5_200)), Some((ms(5_010), 'a')));
    queue.set('a', &mut a, None);
    assert_eq!(queue.due(ms(5_200)), Some((ms(5_200), 'c')));
    queue.set('c', &mut c, None);
    assert_eq!(queue.due(ms(5_200)), None);
    queue.set('b', &mut b, due(5_490, false));
    assert_eq!((queue.next(), queue.len()), (Some(ms(5_490)), 1));
}
