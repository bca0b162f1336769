//! The use of one key: every state with every input, and its snapshot at each state.

use meishier_model::{Mono, TransferOutcome};
use meishier_transfer::{Action, Handover, Manner, Notice, State, Terms};
use std::time::Duration;

const START: Mono = Mono(1_000_000);
const RING: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(50);
const TARGETS: u8 = 2;

fn terms(manner: Manner, brief: bool) -> Terms {
    Terms {
        manner,
        brief,
        ring: RING,
        limit: LIMIT,
    }
}

fn first(manner: Manner, brief: bool) -> Handover {
    let mut machine = Handover::dialling(START, terms(manner, brief), TARGETS);
    let begun = vec![Action::Tell(Notice::Dialling(0)), Action::Dial(0)];
    assert_eq!(drain(&mut machine), begun);
    machine
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Settle,
    Ringing,
    Answered,
    Briefed,
    Busy,
    Join,
    Confirm,
    Cancel,
    Nobody,
    Early,
    Late,
}

use Input::*;

const INPUTS: [Input; 11] = [
    Settle, Ringing, Answered, Briefed, Busy, Join, Confirm, Cancel, Nobody, Early, Late,
];

/// True if the input was refused.
fn feed(machine: &mut Handover, input: Input) -> bool {
    match input {
        Settle => return machine.handle_settled(START, TARGETS).is_err(),
        Ringing => machine.handle_ringing(),
        Answered => machine.handle_answered(),
        Briefed => machine.handle_briefed(),
        Busy => machine.handle_failed(START, 486),
        Join => return machine.handle_join().is_err(),
        Confirm => return machine.handle_confirm().is_err(),
        Cancel => return machine.handle_cancel().is_err(),
        Nobody => machine.handle_nobody(),
        Early => machine.handle_timeout(Mono(START.0 + 9_999_999)),
        Late => machine.handle_timeout(START + RING),
    }
    false
}

fn drain(machine: &mut Handover) -> Vec<Action> {
    std::iter::from_fn(|| machine.poll_action()).collect()
}

/// Where a walk may stand: the state, and whether another target is left.
const STANDS: [(State, bool); 8] = [
    (State::Asking, true),
    (State::Dialling, true),
    (State::Dialling, false),
    (State::Briefing, true),
    (State::Apart, true),
    (State::Joined, true),
    (State::Confirmed, true),
    (State::Over, true),
];

fn at((state, more): (State, bool)) -> Handover {
    let mut machine = match state {
        State::Asking => {
            let until = START + Duration::from_secs(15);
            Handover::asking(until, terms(Manner::Warm, false), TARGETS)
        }
        State::Briefing => first(Manner::Warm, true),
        State::Apart => first(Manner::Consult, false),
        _ => first(Manner::Warm, false),
    };
    let inputs: &[Input] = match (state, more) {
        (State::Asking, _) | (State::Dialling, true) => &[],
        (State::Dialling, false) => &[Busy],
        (State::Briefing | State::Apart | State::Joined, _) => &[Answered],
        (State::Confirmed, _) => &[Answered, Confirm],
        (State::Over, _) => &[Cancel],
    };
    for input in inputs {
        assert!(!feed(&mut machine, *input));
    }
    assert_eq!(machine.state(), state);
    drain(&mut machine);
    machine
}

/// All that does anything: the next state and what is to be done.
fn expected((state, more): (State, bool), input: Input) -> Option<(State, Vec<Action>)> {
    use Action::{Dial, Drop, Finished, Join as JoinIt, Tell};
    use State::{Apart, Asking, Briefing, Confirmed, Dialling, Joined, Over};
    let over = |outcome, status| Finished { outcome, status };
    let cancelled = || over(TransferOutcome::Cancelled, 0);
    let second = || vec![Tell(Notice::Dialling(1)), Dial(1)];
    Some(match (state, input) {
        (Asking, Settle | Late) => (Dialling, vec![Tell(Notice::Dialling(0)), Dial(0)]),
        (Dialling, Ringing) => (Dialling, vec![Tell(Notice::Ringing)]),
        (Dialling, Answered) => (Joined, vec![JoinIt, Tell(Notice::Joined)]),
        (Dialling | Briefing, Busy) => {
            let mut actions = vec![Tell(Notice::Failed(486))];
            if more {
                actions.extend(second());
                (Dialling, actions)
            } else {
                actions.push(over(TransferOutcome::Failed, 486));
                (Over, actions)
            }
        }
        (Dialling, Late) => {
            let mut actions = vec![Drop, Tell(Notice::NoAnswer)];
            if more {
                actions.extend(second());
                (Dialling, actions)
            } else {
                actions.push(over(TransferOutcome::NoAnswer, 0));
                (Over, actions)
            }
        }
        (Briefing, Briefed) => (Joined, vec![JoinIt, Tell(Notice::Joined)]),
        (Apart, Join) => (Joined, vec![JoinIt, Tell(Notice::Joined)]),
        (Apart, Busy) => {
            let left = [Tell(Notice::TargetLeft), Drop];
            let failed = over(TransferOutcome::Failed, 0);
            (Over, left.into_iter().chain([failed]).collect())
        }
        (Joined | Confirmed, Busy) => {
            let left = [Tell(Notice::TargetLeft), Drop];
            let joined = over(TransferOutcome::Joined, 0);
            (Over, left.into_iter().chain([joined]).collect())
        }
        (Joined, Confirm) => (Confirmed, vec![Tell(Notice::Confirmed)]),
        (Asking | Dialling | Briefing | Apart, Cancel) => {
            (Over, vec![Drop, Tell(Notice::Cancelled), cancelled()])
        }
        (Asking | Dialling | Briefing | Apart, Nobody) => (Over, vec![Drop, cancelled()]),
        (Joined | Confirmed, Nobody) => (Over, vec![Drop, over(TransferOutcome::Joined, 0)]),
        (Over, Answered) => (Over, vec![Drop]),
        _ => return None,
    })
}

fn refused(state: State, input: Input) -> bool {
    match input {
        Settle => state != State::Asking,
        Join => state != State::Apart,
        Confirm => !matches!(state, State::Joined | State::Confirmed),
        Cancel => matches!(state, State::Joined | State::Confirmed | State::Over),
        _ => false,
    }
}

#[test]
fn every_state_with_every_input() {
    for stand in STANDS {
        for input in INPUTS {
            let mut machine = at(stand);
            let was_refused = feed(&mut machine, input);
            assert_eq!(was_refused, refused(stand.0, input), "{stand:?} {input:?}");
            let wanted = expected(stand, input).unwrap_or((stand.0, vec![]));
            let done = (machine.state(), drain(&mut machine));
            assert_eq!(done, wanted, "{stand:?} {input:?}");
            let timed = matches!(machine.state(), State::Asking | State::Dialling);
            assert_eq!(
                machine.poll_timeout().is_some(),
                timed,
                "{stand:?} {input:?}"
            );
        }
    }
}

#[test]
fn a_snapshot_taken_anywhere_goes_on_as_the_original() {
    for stand in STANDS {
        for before in INPUTS {
            for after in INPUTS {
                let mut machine = at(stand);
                feed(&mut machine, before);
                let text = serde_json::to_string(&machine).unwrap();
                let mut restored: Handover = serde_json::from_str(&text).unwrap();
                assert_eq!(restored, machine, "with the actions not done yet");
                assert_eq!(feed(&mut restored, after), feed(&mut machine, after));
                assert_eq!(drain(&mut restored), drain(&mut machine));
                assert_eq!(restored, machine);
            }
        }
    }
}

#[test]
fn a_target_is_told_first_and_met_apart_if_the_key_says_so() {
    let mut machine = first(Manner::Consult, true);
    machine.handle_answered();
    let told = vec![Action::Tell(Notice::Briefing), Action::Brief];
    assert_eq!(drain(&mut machine), told);
    machine.handle_briefed();
    let met = vec![Action::Meet, Action::Tell(Notice::Apart)];
    assert_eq!(drain(&mut machine), met);
    assert!(machine.is_present());
}

#[test]
fn all_targets_together_have_one_limit() {
    let mut machine = first(Manner::Warm, false);
    let ring_over = START + RING;
    assert_eq!(machine.poll_timeout(), Some(ring_over));
    machine.handle_timeout(ring_over);
    drain(&mut machine);
    // The second may ring as long as the first, but not past the limit of all.
    assert_eq!(machine.poll_timeout(), Some(START + LIMIT));
    machine.handle_timeout(START + LIMIT);
    let outcome = TransferOutcome::NoAnswer;
    let over = Action::Finished { outcome, status: 0 };
    assert_eq!(drain(&mut machine).last(), Some(&over));
}

#[test]
fn whoever_is_asked_last_in_an_emergency_is_given_a_while() {
    let mut machine = first(Manner::Warm, false);
    let end = START + Duration::from_secs(60);
    machine.handle_another(end);
    // At the limit for all people hear of it, once, and it rings on.
    assert_eq!(machine.poll_timeout(), Some(START + LIMIT));
    machine.handle_timeout(START + LIMIT);
    assert_eq!(drain(&mut machine), [Action::Late]);
    assert_eq!(machine.state(), State::Dialling);
    assert_eq!(machine.poll_timeout(), Some(end));
    machine.handle_another(START + Duration::from_secs(45));
    assert_eq!(machine.poll_timeout(), Some(end));
    machine.handle_timeout(end);
    assert!(!drain(&mut machine).contains(&Action::Late));
}

#[test]
fn who_is_given_up_at_the_limit_is_not_late_besides() {
    let mut machine = first(Manner::Warm, false);
    machine.handle_timeout(START + RING);
    machine.handle_timeout(START + LIMIT);
    assert!(!drain(&mut machine).contains(&Action::Late));
    assert_eq!(machine.state(), State::Over);
}

#[test]
fn however_often_another_is_asked_there_is_an_end() {
    let mut machine = first(Manner::Warm, false);
    for seconds in 40..200 {
        machine.handle_another(START + Duration::from_secs(seconds));
    }
    machine.handle_timeout(START + LIMIT);
    let end = START + LIMIT + Duration::from_secs(15);
    assert_eq!(machine.poll_timeout(), Some(end));
}

/// In no walk is a target left behind, dialled beside another, or closed twice.
#[test]
fn no_walk_leaves_a_target_behind() {
    #[derive(Clone, PartialEq, Debug)]
    struct Facts {
        live: bool,
        over: bool,
    }
    let mut walks = vec![(
        first(Manner::Warm, true),
        Facts {
            live: true,
            over: false,
        },
    )];
    for _ in 0..6 {
        let mut next: Vec<(Handover, Facts)> = Vec::new();
        for (machine, facts) in walks {
            for input in INPUTS {
                let (mut machine, mut facts) = (machine.clone(), facts.clone());
                facts.live &= input != Busy;
                feed(&mut machine, input);
                for action in drain(&mut machine) {
                    match action {
                        Action::Dial(_) => {
                            assert!(!facts.live, "two targets at once");
                            facts.live = true;
                        }
                        Action::Drop => facts.live = false,
                        Action::Finished { .. } => {
                            assert!(!facts.over, "closed twice");
                            facts.over = true;
                        }
                        Action::Brief
                        | Action::Meet
                        | Action::Join
                        | Action::Late
                        | Action::Tell(_) => {}
                    }
                }
                assert_eq!(facts.over, machine.state() == State::Over);
                assert!(!(facts.over && facts.live), "left behind after {input:?}");
                if !next.contains(&(machine.clone(), facts.clone())) {
                    next.push((machine, facts));
                }
            }
        }
        walks = next;
    }
    assert!(walks.len() > 5);
}
