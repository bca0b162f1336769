//! Callers: patience, further attempts, talks that end well and badly.

use crate::{S, answered, at, bye, ended, hears, plan, refused};
use meishier_model::{Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{AttemptEnd, CallerEnd, CallerMind, Dial, Happening, Token, Wish};
use meishier_sim::traffic::{CallPlan, Holding};
use std::time::Duration;

/// A caller with everything said so far.
struct Caller(CallerMind);

impl Caller {
    fn new(plan: CallPlan) -> Self {
        Self(CallerMind::new(plan, Dice::new(1)))
    }

    /// Lets time pass to `seconds`, doing what falls due, and gives what was wanted.
    fn until(&mut self, seconds: u64) -> Vec<Wish> {
        let mut out = Vec::new();
        while let Some(due) = self.0.poll_timeout().filter(|due| *due <= at(seconds).mono) {
            let wall = Wall(0);
            self.0.handle_timeout(Now { mono: due, wall });
            out.extend(std::iter::from_fn(|| self.0.poll_wish()));
        }
        out
    }

    fn hears_of(&mut self, seconds: u64, what: &Happening) -> Vec<Wish> {
        let mut out = self.until(seconds);
        self.0.handle_event(at(seconds), what);
        out.extend(std::iter::from_fn(|| self.0.poll_wish()));
        out
    }

    fn attempts(&mut self) -> Vec<(u64, Duration, AttemptEnd)> {
        std::iter::from_fn(|| self.0.poll_attempt())
            .map(|one| (one.call.0, one.waited, one.end))
            .collect()
    }
}

fn dial(call: u64) -> Wish {
    Wish::Dial(Dial {
        call: Token(call),
        called: "12356".into(),
        caller: "13800001234".into(),
        asserted: Some("13800001234".into()),
    })
}

fn done(end: CallerEnd) -> Wish {
    Wish::Done { end }
}

#[test]
fn a_caller_talks_and_hangs_up() {
    let mut caller = Caller::new(plan());
    assert_eq!(caller.until(0), [dial(0)]);
    assert_eq!(caller.hears_of(10, &answered(0)), []);
    assert_eq!(caller.hears_of(30, &hears(0, true)), []);
    assert_eq!(caller.until(629), []);
    assert_eq!(caller.until(630), [bye(0), done(CallerEnd::Talked)]);
    assert_eq!(caller.0.poll_timeout(), None);
    assert_eq!(caller.attempts(), [(0, S(30), AttemptEnd::Answered)]);
}

#[test]
fn patience_counts_from_dialling_until_a_person_answers() {
    // Before 200: CANCEL.
    let mut caller = Caller::new(plan());
    assert_eq!(caller.until(99), [dial(0)]);
    let cancel = Wish::Cancel { call: Token(0) };
    assert_eq!(caller.until(100), [cancel]);
    assert_eq!(caller.hears_of(101, &refused(0, 487)), []);
    assert_eq!(caller.until(121), [dial(1)]);
    // After 200, at music: BYE.
    assert_eq!(caller.hears_of(151, &answered(1)), []);
    assert_eq!(caller.until(221), [bye(1)]);
    // Patience is over for good after as many attempts as the plan has.
    assert_eq!(caller.until(241), [dial(2)]);
    assert_eq!(caller.until(341), [Wish::Cancel { call: Token(2) }]);
    let end = caller.hears_of(342, &refused(2, 487));
    assert_eq!(end, [done(CallerEnd::GaveUp)]);
    let gave_up = |call| (call, S(100), AttemptEnd::Abandoned);
    assert_eq!(caller.attempts(), [0, 1, 2].map(gave_up));
}

#[test]
fn a_cancel_that_crosses_the_answer_leaves_no_call_behind() {
    let mut caller = Caller::new(CallPlan {
        redial: false,
        ..plan()
    });
    caller.until(100);
    let wishes = caller.hears_of(101, &answered(0));
    assert_eq!(wishes, [bye(0), done(CallerEnd::GaveUp)]);
    // A CANCEL that nobody answers does not hold the caller for ever.
    let mut caller = Caller::new(plan());
    caller.until(100);
    assert_eq!(caller.until(189), []);
    assert_eq!(caller.until(190), [dial(1)]);
}

#[test]
fn who_finds_it_busy_tries_again_a_few_times() {
    let mut caller = Caller::new(plan());
    caller.until(0);
    assert_eq!(caller.hears_of(1, &refused(0, 486)), []);
    assert_eq!(caller.until(21), [dial(1)]);
    // What comes late about the first attempt is nothing to the second.
    assert_eq!(caller.hears_of(21, &ended(0)), []);
    let failed = Happening::CallFailed { call: Token(1) };
    assert_eq!(caller.hears_of(53, &failed), []);
    assert_eq!(caller.until(73), [dial(2)]);
    let end = caller.hears_of(74, &refused(2, 503));
    assert_eq!(end, [done(CallerEnd::TurnedAway)]);
    let lost = |call, waited| (call, S(waited), AttemptEnd::Lost);
    assert_eq!(caller.attempts(), [lost(0, 1), lost(1, 32), lost(2, 1)]);
    assert_eq!(caller.0.redials(), 2);
}

#[test]
fn who_is_cut_off_or_hears_nobody_tries_again() {
    let mut caller = Caller::new(plan());
    caller.until(0);
    caller.hears_of(5, &answered(0));
    caller.hears_of(5, &hears(0, true));
    assert_eq!(caller.hears_of(60, &ended(0)), []);
    assert_eq!(caller.until(80), [dial(1)]);
    // A voice may be there before the 200 is.
    caller.hears_of(85, &hears(1, true));
    caller.hears_of(86, &answered(1));
    caller.hears_of(200, &hears(1, false));
    caller.hears_of(210, &hears(1, true));
    assert_eq!(caller.until(300), []);
    caller.hears_of(300, &hears(1, false));
    let wishes = caller.until(350);
    assert_eq!(wishes, [bye(1), dial(2)]);
    let ends: Vec<_> = caller.attempts().iter().map(|one| one.2).collect();
    assert_eq!(ends, [AttemptEnd::Answered; 2]);
    assert_eq!(caller.hears_of(360, &ended(2)), [done(CallerEnd::Talked)]);
}

#[test]
fn a_caller_waits_for_the_counsellors_good_bye_but_not_for_ever() {
    let mut plan = plan();
    plan.talk.caller_ends = false;
    let talking = || {
        let mut caller = Caller::new(plan.clone());
        caller.until(0);
        caller.hears_of(1, &answered(0));
        caller.hears_of(1, &hears(0, true));
        caller
    };
    let mut caller = talking();
    assert_eq!(caller.hears_of(602, &ended(0)), [done(CallerEnd::Talked)]);
    let mut caller = talking();
    assert_eq!(caller.until(900), [bye(0), done(CallerEnd::Talked)]);
}

#[test]
fn a_caller_may_hold_and_stay_anonymous() {
    let mut plan = plan();
    plan.withheld = true;
    plan.talk.hold = Some(Holding {
        by_caller: true,
        at: S(50),
        lasts: S(8),
    });
    let mut caller = Caller::new(plan);
    let Some(Wish::Dial(dial)) = caller.until(0).pop() else {
        panic!("no dialling");
    };
    assert_eq!((dial.caller.as_str(), dial.asserted), ("anonymous", None));
    caller.hears_of(1, &answered(0));
    caller.hears_of(1, &hears(0, true));
    let hold = |on| Wish::Hold { call: Token(0), on };
    assert_eq!(caller.until(51), [hold(true)]);
    assert_eq!(caller.until(59), [hold(false)]);
}
