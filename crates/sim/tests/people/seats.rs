//! Seats: the telephone, the key, breaks, and an engine that forgets.

use crate::{S, bye, ended, hears, plan};
use meishier_model::{Mono, Now, Wall};
use meishier_sim::dice::Dice;
use meishier_sim::people::{Asked, Duties, Fault, Happening, SeatMind, Token, Wish};
use meishier_sim::scenario::Scenario;
use meishier_sim::traffic::{Holding, TalkPlan};
use std::sync::Arc;
use std::time::Duration;

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
    assert_eq!(desk.after(S(51)).first(), Some(&press));
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
