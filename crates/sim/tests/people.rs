//! Minds: what people want, given what happens to them.

use meishier_model::{Mono, Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{
    Asked, AttemptEnd, CallerEnd, CallerMind, Dial, Duties, Fault, Happening, SeatMind, TargetMind,
    Token, Wish,
};
use meishier_sim::scenario::Scenario;
use meishier_sim::traffic::{CallPlan, Holding, TalkPlan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const S: fn(u64) -> Duration = Duration::from_secs;

fn at(seconds: u64) -> Now {
    Now {
        mono: Mono(seconds * 1_000_000),
        wall: Wall(0),
    }
}

fn plan() -> CallPlan {
    CallPlan {
        number: "13800001234".into(),
        withheld: false,
        called: "12356".into(),
        nuisance: false,
        risk: false,
        flagged: false,
        minor: false,
        woman: true,
        patience: S(100),
        redial: true,
        redial_after: S(20),
        redials: 2,
        talk: TalkPlan {
            length: S(600),
            caller_ends: true,
            crisis: false,
            key: String::new(),
            city: String::new(),
            hold: None,
        },
    }
}

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

fn answered(call: u64) -> Happening {
    Happening::CallAnswered { call: Token(call) }
}

fn ended(call: u64) -> Happening {
    Happening::CallEnded { call: Token(call) }
}

fn hears(call: u64, person: bool) -> Happening {
    let call = Token(call);
    Happening::Hears { call, person }
}

fn refused(call: u64, status: u16) -> Happening {
    let call = Token(call);
    Happening::CallRefused { call, status }
}

fn bye(call: u64) -> Wish {
    Wish::Bye { call: Token(call) }
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

/// A seat at 10:00 of the scenario's first day, and an engine that does as it is told.
struct Desk {
    mind: SeatMind,
    start: Wall,
    now: Mono,
}

impl Desk {
    fn new(change: impl Fn(&mut Scenario)) -> Self {
        let mut scenario = Scenario::named("tiny").unwrap();
        scenario.seats.refuse_share = 0.0;
        scenario.seats.ring_out_share = 0.0;
        scenario.seats.pause_every = S(864_000);
        scenario.seats.stretch = S(86_400);
        change(&mut scenario);
        let duties = Duties::new(&scenario, &Dice::new(3)).unwrap();
        let habits = scenario.seats;
        Self {
            mind: SeatMind::new(0, Arc::new(duties), habits, Dice::new(4)),
            start: Wall(scenario.start_wall().unwrap().0 + 3_600_000),
            now: Mono(0),
        }
    }

    fn now(&self) -> Now {
        let wall = Wall(self.start.0 + (self.now.0 / 1000) as i64);
        Now {
            mono: self.now,
            wall,
        }
    }

    fn wishes(&mut self) -> Vec<Wish> {
        std::iter::from_fn(|| self.mind.poll_wish()).collect()
    }

    fn told(&mut self, what: &Happening) -> Vec<Wish> {
        self.mind.handle_event(self.now(), what);
        self.wishes()
    }

    fn after(&mut self, time: Duration) -> Vec<Wish> {
        let (end, mut out) = (self.now + time, Vec::new());
        while let Some(due) = self.mind.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.mind.handle_timeout(self.now());
            out.extend(self.wishes());
        }
        self.now = end;
        out
    }

    fn done(&mut self, asked: Asked, result: Result<(), Fault>) -> Vec<Wish> {
        self.told(&Happening::CommandDone { asked, result })
    }

    /// Signed on.
    fn staffed(change: impl Fn(&mut Scenario)) -> Self {
        let mut desk = Self::new(change);
        let wishes = desk.after(S(0));
        assert!(matches!(&wishes[..], [Wish::SignOn { .. }]), "{wishes:?}");
        assert_eq!(desk.done(Asked::SignOn, Ok(())), []);
        desk
    }

    fn rings(&mut self, call: u64) -> Vec<Wish> {
        self.told(&Happening::Rings { call: Token(call) })
    }
}

fn ring(call: u64) -> Wish {
    Wish::Ring {
        call: Token(call),
        status: 180,
    }
}

fn reject(call: u64, status: u16) -> Wish {
    let call = Token(call);
    Wish::Reject { call, status }
}

fn answer(call: u64) -> Wish {
    Wish::Answer { call: Token(call) }
}

fn talks(call: u64, plan: Option<TalkPlan>) -> Happening {
    let call = Token(call);
    Happening::Talks { call, plan }
}

#[test]
fn a_counsellor_answers_talks_and_says_good_bye() {
    let mut desk = Desk::staffed(|_| ());
    assert_eq!(desk.rings(5), [ring(5)]);
    assert_eq!(desk.after(Duration::from_millis(1900)), []);
    assert_eq!(desk.rings(6), [reject(6, 486)]);
    assert_eq!(desk.after(S(8)), [answer(5)]);
    let mut talk = plan().talk;
    talk.caller_ends = false;
    assert_eq!(desk.told(&talks(5, Some(talk))), []);
    assert_eq!(desk.after(S(599)), []);
    assert_eq!(desk.after(S(1)), [bye(5)]);
    assert_eq!(desk.mind.call(), None);
    // The caller may be first, and what is not acknowledged ends as well.
    assert_eq!(desk.rings(7), [ring(7)]);
    assert_eq!(desk.after(S(8)), [answer(7)]);
    desk.told(&talks(7, None));
    desk.told(&ended(7));
    assert_eq!(desk.rings(8), [ring(8)]);
    assert_eq!(desk.after(S(8)), [answer(8)]);
    assert_eq!(desk.after(S(120)), [bye(8)]);
}

#[test]
fn the_key_is_pressed_in_a_crisis_and_again_when_the_engine_is_short() {
    let mut desk = Desk::staffed(|_| ());
    desk.rings(1);
    desk.after(S(8));
    let mut talk = plan().talk;
    (talk.crisis, talk.key, talk.city) = (true, "110".into(), "黔南".into());
    talk.hold = Some(Holding {
        by_caller: false,
        at: S(300),
        lasts: S(5),
    });
    desk.told(&talks(1, Some(talk)));
    let press = Wish::PressKey {
        call: Token(1),
        key: "110".into(),
        city: "黔南".into(),
    };
    assert_eq!(desk.after(S(9)), []);
    assert_eq!(desk.after(S(51)), [press.clone()]);
    desk.done(Asked::Key, Err(Fault::Busy));
    assert_eq!(desk.after(S(5)), [press]);
    desk.done(Asked::Key, Ok(()));
    let hold = |on| Wish::Hold { call: Token(1), on };
    assert_eq!(desk.after(S(240)), [hold(true), hold(false)]);
    // Silence is borne for a while; a caller who is gone is not waited for.
    desk.told(&hears(1, false));
    assert_eq!(desk.after(S(179)), []);
    assert_eq!(desk.after(S(1)), [bye(1)]);
}

#[test]
fn offers_are_refused_and_rung_out_by_share() {
    let mut desk = Desk::staffed(|s| {
        (s.seats.refuse_share, s.seats.ring_out_share) = (0.2, 0.3);
    });
    let mut seen = [0; 3];
    for call in 0..1000 {
        desk.rings(call);
        match &desk.after(S(15))[..] {
            [Wish::Answer { .. }] => seen[2] += 1,
            [Wish::Reject { status: 486, .. }] => seen[0] += 1,
            [] => seen[1] += 1,
            other => panic!("{other:?}"),
        }
        let call = Token(call);
        desk.told(&Happening::RingingStopped { call });
    }
    assert!((170..230).contains(&seen[0]), "{seen:?}");
    assert!((265..335).contains(&seen[1]), "{seen:?}");
}

#[test]
fn a_break_waits_for_the_end_of_the_call() {
    let mut desk = Desk::staffed(|s| s.seats.pause_every = S(3600));
    assert_eq!(desk.after(S(2800)), []);
    desk.rings(1);
    desk.after(S(8));
    let mut talk = plan().talk;
    talk.length = S(7200);
    desk.told(&talks(1, Some(talk)));
    assert_eq!(desk.after(S(5000)), []);
    let wishes = desk.told(&ended(1));
    assert!(matches!(&wishes[..], [Wish::Pause { .. }]), "{wishes:?}");
    assert_eq!(desk.done(Asked::Pause, Ok(())), []);
    // Nobody is there to take up an offer that was on its way.
    assert_eq!(desk.rings(2), [ring(2)]);
    assert_eq!(desk.after(S(20)), []);
    desk.told(&Happening::RingingStopped { call: Token(2) });
    // Ten minutes, some three more or fewer.
    assert_eq!(desk.after(S(399)), []);
    assert_eq!(desk.after(S(361)), [Wish::Ready]);
}

#[test]
fn who_was_paused_by_the_engine_notices_after_some_minutes() {
    let mut desk = Desk::staffed(|_| ());
    desk.told(&Happening::PausedByEngine);
    assert_eq!(desk.after(S(119)), []);
    assert_eq!(desk.after(S(241)), [Wish::Ready]);
    // An engine that is short is asked again.
    assert_eq!(desk.done(Asked::Ready, Err(Fault::Busy)), []);
    assert_eq!(desk.after(S(10)), [Wish::Ready]);
}

#[test]
fn who_was_forgotten_signs_on_again() {
    let signs_on = |wishes: &[Wish]| matches!(wishes, [Wish::SignOn { .. }]);
    let mut desk = Desk::staffed(|_| ());
    let who = desk.mind.counsellor().cloned();
    desk.told(&Happening::Forgotten);
    assert_eq!(desk.mind.counsellor(), None);
    assert!(signs_on(&desk.after(S(360))));
    // The engine was short; then the seat was still taken by somebody of an older state.
    assert_eq!(desk.done(Asked::SignOn, Err(Fault::Busy)), []);
    assert!(signs_on(&desk.after(S(10))));
    let wishes = desk.done(Asked::SignOn, Err(Fault::SeatTaken));
    assert_eq!(wishes, [Wish::SignOff]);
    assert!(signs_on(&desk.done(Asked::SignOff, Ok(()))));
    // No answer at all: asked again.
    assert!(signs_on(&desk.after(S(30))));
    desk.done(Asked::SignOn, Ok(()));
    assert_eq!(desk.mind.counsellor().cloned(), who);
    // A pause or a readiness for nobody tells as well.
    desk.done(Asked::Ready, Err(Fault::NobodySignedOn));
    assert!(signs_on(&desk.after(S(10))));
}

#[test]
fn a_dead_telephone_forgets_its_call() {
    let mut desk = Desk::staffed(|_| ());
    desk.rings(1);
    desk.told(&Happening::PhoneDied);
    assert_eq!(desk.mind.call(), None);
    assert_eq!(desk.rings(2), [ring(2)]);
}

#[test]
fn targets_answer_are_busy_or_not_there() {
    let scenario = Scenario::named("beijing").unwrap();
    let mut mind = TargetMind::new(scenario.targets, Dice::new(8));
    let mut seen = BTreeMap::new();
    let (mut now, mut begun, mut ended) = (Mono(0), 0, 0);
    for call in 0..2000 {
        let call = Token(call);
        let wall = Wall(0);
        mind.handle_event(Now { mono: now, wall }, &Happening::Rings { call });
        let end = now + S(20);
        while let Some(due) = mind.poll_timeout().filter(|due| *due <= end) {
            mind.handle_timeout(Now { mono: due, wall });
            while let Some(wish) = mind.poll_wish() {
                match wish {
                    Wish::Answer { call } => {
                        begun += 1;
                        *seen.entry("answer").or_insert(0) += 1;
                        let talks = Happening::Talks { call, plan: None };
                        mind.handle_event(Now { mono: due, wall }, &talks);
                    }
                    Wish::Bye { .. } => ended += 1,
                    Wish::Reject { status: 486, .. } => *seen.entry("busy").or_insert(0) += 1,
                    Wish::Reject { .. } => *seen.entry("nobody").or_insert(0) += 1,
                    Wish::Ring { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        while let Some(wish) = mind.poll_wish() {
            if let Wish::Reject { status: 486, .. } = wish {
                *seen.entry("busy").or_insert(0) += 1;
            }
        }
        now = end;
    }
    assert!((1750..1850).contains(&seen["answer"]), "{seen:?}");
    assert!((70..130).contains(&seen["busy"]), "{seen:?}");
    assert!((70..130).contains(&seen["nobody"]), "{seen:?}");
    assert!(ended > begun * 9 / 10, "{ended} of {begun}");
}

/// Plays ten days of shifts with an engine that does everything, and looks every ten minutes.
fn shifts(name: &str, look: impl Fn(i64, &BTreeMap<usize, String>)) {
    let scenario = Scenario::named(name).unwrap();
    let duties = Arc::new(Duties::new(&scenario, &Dice::new(11)).unwrap());
    let start = scenario.start_wall().unwrap();
    let seats = duties.roster().seats.len();
    let mut minds: Vec<_> = (0..seats)
        .map(|seat| {
            let dice = Dice::new(12).branch(&format!("seat {seat}"));
            SeatMind::new(seat, Arc::clone(&duties), scenario.seats, dice)
        })
        .collect();
    for minute in (0..10 * 1440).step_by(10) {
        let end = Mono(minute * 60_000_000);
        for mind in &mut minds {
            while let Some(due) = mind.poll_timeout().filter(|due| *due <= end) {
                let wall = Wall(start.0 + (due.0 / 1000) as i64);
                let now = Now { mono: due, wall };
                mind.handle_timeout(now);
                while let Some(wish) = mind.poll_wish() {
                    if let Some(asked) = wish.asked() {
                        let result = Ok(());
                        mind.handle_event(now, &Happening::CommandDone { asked, result });
                    }
                }
            }
        }
        let who =
            |(seat, mind): (usize, &SeatMind)| Some((seat, mind.counsellor()?.account.clone()));
        let there: BTreeMap<_, _> = minds.iter().enumerate().filter_map(who).collect();
        look((minute % 1440) as i64, &there);
    }
}

#[test]
fn seats_are_staffed_by_the_hours_of_their_pools() {
    for name in ["guizhou", "beijing"] {
        let scenario = Scenario::named(name).unwrap();
        let roster = scenario.roster().unwrap();
        shifts(name, |minute, there| {
            let people: BTreeSet<_> = there.values().collect();
            assert_eq!(people.len(), there.len(), "somebody is at two seats");
            for (seat, account) in there {
                let person = roster.people.iter().find(|one| &one.account == account);
                assert!(person.unwrap().seats.contains(seat), "{account} at {seat}");
            }
            for (pool, facts) in roster.pools.iter().enumerate() {
                let members = roster
                    .seats
                    .iter()
                    .filter(|seat| seat.pools.contains(&pool));
                let members = members.count();
                let count = there.keys();
                let count = count.filter(|seat| roster.seats[**seat].pools.contains(&pool));
                let count = count.count();
                let lines = |at: i64| {
                    let at = at.rem_euclid(1440) as u16;
                    let open = |from: u16, to: u16| {
                        (from..to).contains(&at) || (from..to).contains(&(at + 1440))
                    };
                    let shift = facts.shifts.iter().find(|s| open(s.from, s.to));
                    shift.map_or(0, |shift| usize::from(shift.lines))
                };
                let (before, now, after) = (lines(minute - 11), lines(minute), lines(minute + 11));
                let wanted = |lines: usize| {
                    if lines == 0 {
                        0
                    } else {
                        (lines + 1).min(members)
                    }
                };
                if before == now && now == after {
                    assert_eq!(count, wanted(now), "{name} {} at {minute}", facts.name);
                } else {
                    let least = wanted(before).min(wanted(now)).min(wanted(after));
                    assert!(count >= least, "{name} {} at {minute}", facts.name);
                }
            }
        });
    }
}

#[test]
fn everybody_has_a_turn() {
    let seen = std::cell::RefCell::new(BTreeSet::new());
    shifts("beijing", |_, there| {
        seen.borrow_mut().extend(there.values().cloned());
    });
    let seen = seen.into_inner();
    // Ten days of some ten by day in two parts and three by night in two.
    assert!(seen.len() > 150, "{}", seen.len());
    // The second line judges danger and takes no calls.
    assert!(!seen.contains("ad01"));
}

#[test]
fn a_clock_that_was_set_changes_the_shift_and_nothing_else() {
    let mut scenario = Scenario::named("guizhou").unwrap();
    scenario.seats.pause_every = S(864_000);
    let duties = Arc::new(Duties::new(&scenario, &Dice::new(1)).unwrap());
    let qiannan = duties
        .roster()
        .seats
        .iter()
        .position(|seat| seat.name == "qn01");
    let mut mind = SeatMind::new(qiannan.unwrap(), duties, scenario.seats, Dice::new(2));
    let midnight = scenario.start_wall().unwrap().0;
    let now = |seconds: u64, hour: i64| Now {
        mono: at(seconds).mono,
        wall: Wall(midnight + hour * 3_600_000),
    };
    mind.handle_timeout(now(0, 10));
    assert!(matches!(mind.poll_wish(), Some(Wish::SignOn { .. })));
    let told = |mind: &mut SeatMind, now, asked| {
        let result = Ok(());
        mind.handle_event(now, &Happening::CommandDone { asked, result });
    };
    told(&mut mind, now(1, 10), Asked::SignOn);
    // Set to the night: qiannan is closed.
    mind.handle_event(now(2, 23), &Happening::ShiftTick);
    assert_eq!(mind.poll_wish(), Some(Wish::SignOff));
    told(&mut mind, now(3, 23), Asked::SignOff);
    assert_eq!(mind.poll_wish(), None);
    mind.handle_event(now(4, 11), &Happening::ShiftTick);
    assert!(matches!(mind.poll_wish(), Some(Wish::SignOn { .. })));
}

#[test]
fn the_same_numbers_make_the_same_person() {
    let scenario = Scenario::named("beijing").unwrap();
    let duties = |seed| Duties::new(&scenario, &Dice::new(seed)).unwrap();
    let wall = scenario.start_wall().unwrap();
    let night = |duties: &Duties| -> Vec<_> {
        (0..17)
            .map(|seat| duties.at(seat, wall).counsellor.is_some())
            .collect()
    };
    assert_eq!(night(&duties(1)), night(&duties(1)));
    assert!(night(&duties(1)) != night(&duties(2)));
}
