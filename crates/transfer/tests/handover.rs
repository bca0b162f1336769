//! The hand-over: every state with every input, and its snapshot at each state.

use meishier_model::{Mono, TransferOutcome};
use meishier_transfer::{Action, Handover, Notice, Party, PressError, State, Target};
use std::time::Duration;

const START: Mono = Mono(1_000_000);
const RING: Duration = Duration::from_secs(30);

fn target() -> Target {
    Target {
        dial: "0851110".into(),
        city: "贵州贵阳".into(),
        key: 0,
        reason: "因".into(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Input {
    Press,
    Cancel,
    Ringing,
    Answered,
    Busy,
    TargetLeft,
    CounsellorLeft,
    CallerLeft,
    Early,
    Late,
}

use Input::*;

const INPUTS: [Input; 10] = [
    Press,
    Cancel,
    Ringing,
    Answered,
    Busy,
    TargetLeft,
    CounsellorLeft,
    CallerLeft,
    Early,
    Late,
];

const STATES: [State; 7] = [
    State::Idle,
    State::Dialling,
    State::DiallingAlone,
    State::Joined,
    State::JoinedAlone,
    State::Done,
    State::Over,
];

fn feed(machine: &mut Handover, input: Input) -> Option<PressError> {
    match input {
        Press => return machine.handle_press(START, target(), RING).err(),
        Cancel => machine.handle_cancel(),
        Ringing => machine.handle_ringing(),
        Answered => machine.handle_answered(),
        Busy => machine.handle_failed(486),
        TargetLeft => machine.handle_party_left(Party::Target),
        CounsellorLeft => machine.handle_party_left(Party::Counsellor),
        CallerLeft => machine.handle_party_left(Party::Caller),
        Early => machine.handle_timeout(Mono(START.0 + 29_999_999)),
        Late => machine.handle_timeout(START + RING),
    }
    None
}

fn drain(machine: &mut Handover) -> Vec<Action> {
    std::iter::from_fn(|| machine.poll_action()).collect()
}

/// A machine in this state, its actions done.
fn at(state: State) -> Handover {
    let inputs: &[Input] = match state {
        State::Idle => &[],
        State::Dialling => &[Press],
        State::DiallingAlone => &[Press, CounsellorLeft],
        State::Joined => &[Press, Answered],
        State::JoinedAlone => &[Press, Answered, CounsellorLeft],
        State::Done => &[Press, Busy],
        State::Over => &[CallerLeft],
    };
    let mut machine = Handover::new();
    for input in inputs {
        assert_eq!(feed(&mut machine, *input), None);
    }
    assert_eq!(machine.state(), state);
    drain(&mut machine);
    machine
}

/// What the machine does in `state` with `input`: all transitions that do anything.
fn expected(state: State, input: Input) -> Option<(State, Vec<Action>)> {
    use Action::{Dial, Drop, End, Finished, Join, Requeue, Tell};
    use State::{Dialling, DiallingAlone, Done, Idle, Joined, JoinedAlone, Over};
    let ended = |outcome, status| Finished { outcome, status };
    let failed = |status| ended(TransferOutcome::Failed, status);
    let drop = || Drop(Party::Target);
    let silent = || ended(TransferOutcome::NoAnswer, 0);
    let cancelled = || ended(TransferOutcome::Cancelled, 0);
    let joined = || ended(TransferOutcome::Joined, 0);
    Some(match (state, input) {
        (Idle | Done, Press) => (Dialling, vec![Dial(target()), Tell(Notice::Dialling)]),
        (Idle | Done, CallerLeft | CounsellorLeft) => (Over, vec![]),
        (Done | Over, Answered) => (state, vec![drop()]),

        (Dialling | DiallingAlone, Ringing) => (state, vec![Tell(Notice::Ringing)]),
        (Dialling, Answered) => (Joined, vec![Join, Tell(Notice::Joined)]),
        (Dialling, Busy) => (Done, vec![Tell(Notice::Failed(486)), failed(486)]),
        (Dialling, TargetLeft) => (Done, vec![Tell(Notice::Failed(0)), failed(0)]),
        (Dialling, Late) => (Done, vec![drop(), Tell(Notice::NoAnswer), silent()]),
        (Dialling, Cancel) => (Done, vec![drop(), Tell(Notice::Cancelled), cancelled()]),
        (Dialling, CounsellorLeft) => (DiallingAlone, vec![Tell(Notice::CounsellorLeft)]),
        (Dialling | DiallingAlone, CallerLeft) => (Over, vec![drop(), cancelled()]),

        (DiallingAlone, Answered) => (JoinedAlone, vec![Join, Tell(Notice::Joined)]),
        (DiallingAlone, Busy) => (Over, vec![Tell(Notice::Failed(486)), failed(486), Requeue]),
        (DiallingAlone, TargetLeft) => (Over, vec![Tell(Notice::Failed(0)), failed(0), Requeue]),
        (DiallingAlone, Late) => (
            Over,
            vec![drop(), Tell(Notice::NoAnswer), silent(), Requeue],
        ),
        (DiallingAlone, Cancel) => (
            Over,
            vec![drop(), Tell(Notice::Cancelled), cancelled(), Requeue],
        ),

        (Joined, CounsellorLeft) => (JoinedAlone, vec![Tell(Notice::CounsellorLeft)]),
        (Joined, Busy | TargetLeft) => (Done, vec![Tell(Notice::TargetLeft), joined()]),
        (JoinedAlone, Busy | TargetLeft) => (Over, vec![joined(), End]),
        (Joined | JoinedAlone, CallerLeft) => (Over, vec![drop(), joined()]),
        _ => return None,
    })
}

fn refusal(state: State, input: Input) -> Option<PressError> {
    match (state, input) {
        (State::Dialling | State::Joined, Press) => Some(PressError::Busy),
        (State::DiallingAlone | State::JoinedAlone | State::Over, Press) => Some(PressError::Ended),
        _ => None,
    }
}

#[test]
fn every_state_with_every_input() {
    for state in STATES {
        for input in INPUTS {
            let mut machine = at(state);
            let refused = feed(&mut machine, input);
            assert_eq!(refused, refusal(state, input), "{state:?} {input:?}");
            let (next, actions) = expected(state, input).unwrap_or((state, vec![]));
            assert_eq!(
                (machine.state(), drain(&mut machine)),
                (next, actions),
                "{state:?} {input:?}"
            );
            let timed = matches!(next, State::Dialling | State::DiallingAlone);
            assert_eq!(
                machine.poll_timeout(),
                timed.then_some(START + RING),
                "{state:?} {input:?}"
            );
        }
    }
}

#[test]
fn a_snapshot_taken_anywhere_goes_on_as_the_original() {
    for state in STATES {
        for first in INPUTS {
            for second in INPUTS {
                let mut machine = at(state);
                feed(&mut machine, first);
                let text = serde_json::to_string(&machine).unwrap();
                let mut restored: Handover = serde_json::from_str(&text).unwrap();
                assert_eq!(restored, machine, "with the actions not done yet");
                assert_eq!(feed(&mut restored, second), feed(&mut machine, second));
                assert_eq!(drain(&mut restored), drain(&mut machine));
                assert_eq!(restored, machine);
            }
        }
    }
}

/// What has happened to a call so far.
#[derive(Clone, Debug, Default, PartialEq)]
struct Facts {
    caller_gone: bool,
    counsellor_gone: bool,
    open: bool,
    target_may_live: bool,
    requeued: bool,
    ended: bool,
}

impl Facts {
    fn note(&mut self, input: Input, actions: &[Action], state: State) {
        self.caller_gone |= matches!(input, CallerLeft);
        if matches!(input, CounsellorLeft) && !self.counsellor_gone {
            self.counsellor_gone = true;
            // With no target about, a counsellor who leaves ends an ordinary call.
            self.ended |= !self.open;
        }
        if matches!(input, Busy | TargetLeft) {
            self.target_may_live = false;
        }
        for action in actions {
            match action {
                Action::Dial(_) => {
                    assert!(!self.open, "two attempts at once");
                    (self.open, self.target_may_live) = (true, true);
                }
                Action::Finished { .. } => {
                    assert!(self.open, "finished twice");
                    self.open = false;
                }
                Action::Drop(Party::Target) => self.target_may_live = false,
                Action::Drop(party) => panic!("{party:?} must never be dropped"),
                Action::Requeue => self.requeued = true,
                Action::End => self.ended = true,
                Action::Join | Action::Tell(_) => {}
            }
        }
        let active = !matches!(state, State::Idle | State::Done | State::Over);
        let attended = active || !self.counsellor_gone;
        assert!(
            attended || self.caller_gone || self.requeued || self.ended,
            "{self:?} in {state:?}"
        );
        assert_eq!(self.open, active, "{state:?}");
        assert!(
            active || !self.target_may_live,
            "the target's leg was left behind in {state:?}"
        );
    }
}

#[test]
fn no_walk_leaves_the_caller_alone_or_an_attempt_open() {
    let mut walks = vec![(Handover::new(), Facts::default())];
    for _ in 0..7 {
        let mut next = Vec::new();
        for (machine, facts) in walks {
            for input in INPUTS {
                let (mut machine, mut facts) = (machine.clone(), facts.clone());
                feed(&mut machine, input);
                facts.note(input, &drain(&mut machine), machine.state());
                if !next.contains(&(machine.clone(), facts.clone())) {
                    next.push((machine, facts));
                }
            }
        }
        walks = next;
    }
    assert!(walks.len() > 10);
}

#[test]
fn ringing_is_told_once_an_attempt() {
    let mut machine = at(State::Dialling);
    for expected in [vec![Action::Tell(Notice::Ringing)], vec![]] {
        machine.handle_ringing();
        assert_eq!(drain(&mut machine), expected);
    }
    machine.handle_failed(486);
    machine.handle_press(START, target(), RING).unwrap();
    drain(&mut machine);
    machine.handle_ringing();
    assert_eq!(drain(&mut machine), [Action::Tell(Notice::Ringing)]);
}
