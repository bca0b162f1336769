//! Uses of transfer keys as the judges know them: whom each may dial, whom it dialled, how far it came.

use super::bids::Bid;
use super::books::Books;
use super::calls::Call;
use super::parts::{Part, Parts};
use super::place;
use super::plan::Plan;
use meishier_engine::{Asks, Manner, Phase, TransferStep, Who};
use meishier_model::{CallId, Mono, Now, TransferOutcome};
use std::sync::Arc;
use std::time::Duration;

/// How long whoever is asked next in an emergency may ring at least, by the architecture.
const LEAST_RING: Duration = Duration::from_secs(15);
/// A question about the place stands so long at most.
const LONGEST_QUESTION: Duration = Duration::from_secs(60);

/// One line of what the engine told of a use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Now,
    /// What, in the words of the record.
    pub what: &'static str,
}

/// One use of a transfer key: one third party.
#[derive(Clone, Debug)]
pub struct Press {
    /// Its number within the call.
    pub third: u8,
    /// The key; empty as long as nobody has said which.
    pub key: String,
    /// What it is, in the record's word.
    pub role: &'static str,
    /// Police, ambulance, fire.
    pub emergency: bool,
    /// Talks in the back room.
    pub quiet: bool,
    /// Each target may ring so long; all of them; and a question may stand so long.
    pub limits: Option<(Duration, Duration)>,
    /// Until when a question stands.
    pub asks: Mono,
    /// Whom it may dial, in this order; only the first if no more is known.
    pub numbers: Vec<String>,
    /// All of them are known.
    pub whole: bool,
    /// Which of them is dialled, and since when.
    pub target: Option<(usize, Now)>,
    /// When the first was.
    pub began: Option<Mono>,
    /// INVITEs to the present target.
    pub asked: u32,
    /// An emergency's next peer may ring until then at least.
    pub least: Mono,
    /// Call-IDs of the legs, the present one last.
    pub legs: Vec<Arc<str>>,
    /// When the target answered.
    pub joined: Option<Mono>,
    /// It takes part in the conversation.
    pub there: bool,
    /// How.
    pub part: Part,
    /// What was told.
    pub lines: Vec<Line>,
    /// How it ended, and when.
    pub outcome: Option<TransferOutcome>,
    /// When that was told, and in which step.
    pub closed: Option<(Mono, u64)>,
    /// When people were told that it reached nobody.
    pub alarm: Option<Mono>,
    /// What asks the queue for a seat, if the key reaches one.
    pub bid: Option<Box<Bid>>,
    /// A supervisor's seat, and how it is to take part.
    pub named: Option<(u32, Part)>,
    /// Nobody said which of several cities is meant: whoever answers is to hear that.
    pub doubt: bool,
    /// That was at its limit, while the last way was still tried.
    pub late: bool,
}

impl Press {
    fn new(third: u8, role: &'static str) -> Self {
        Self {
            third,
            key: String::new(),
            role,
            emergency: false,
            quiet: false,
            limits: None,
            asks: Mono(0),
            numbers: Vec::new(),
            whole: false,
            target: None,
            began: None,
            asked: 0,
            least: Mono(0),
            legs: Vec::new(),
            joined: None,
            there: false,
            part: Part::Full,
            lines: Vec::new(),
            outcome: None,
            closed: None,
            alarm: None,
            bid: None,
            named: None,
            doubt: false,
            late: false,
        }
    }

    /// True while the target is neither there nor given up.
    #[must_use]
    pub fn pending(&self) -> bool {
        self.outcome.is_none() && self.joined.is_none()
    }

    /// Latest moment of an answer, as far as it is known: the present target's, or all of them.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        let (ring, limit) = self.limits?;
        let Some((_, since)) = self.target else {
            return Some(self.asks);
        };
        let ring = since.mono + ring;
        let all = self.began.map_or(ring, |began| began + limit);
        Some(ring.min(all).max(self.least))
    }

    /// When all are to be given up.
    #[must_use]
    pub fn last_due(&self) -> Option<Mono> {
        let (_, limit) = self.limits?;
        Some((self.began? + limit).max(self.least))
    }

    /// True for a supervisor who does not speak with everybody: nobody's help, and nobody's company.
    #[must_use]
    pub fn bystander(&self) -> bool {
        self.role == "supervisor" && self.part != Part::Full
    }

    /// True for whoever is told something before joining, since the last number was dialled.
    #[must_use]
    pub fn briefed(&self) -> bool {
        let lines = self.lines.iter().rev();
        let mut since = lines.take_while(|line| line.what != "dialling");
        since.any(|line| line.what == "briefing")
    }

    /// True once the target has taken the caller over.
    #[must_use]
    pub fn confirmed(&self) -> bool {
        self.lines.iter().any(|line| line.what == "confirmed")
    }

    fn tell(&mut self, at: Now, what: &'static str) {
        self.lines.push(Line { at, what });
    }
}

/// What of a key stands in the file.
#[derive(Clone, Debug, Default)]
pub struct KeyPlan {
    /// Each target may ring so long.
    pub ring: Duration,
    /// All of them together.
    pub limit: Duration,
    /// Its usual manner: the back room.
    pub quiet: bool,
    /// Its usual manner: the counsellor is free at once.
    pub blind: bool,
    /// Numbers that are the same everywhere; empty if it goes by the place.
    pub to: Vec<String>,
    /// Word of `kind`.
    pub kind: String,
    /// The pool whose seats it reaches, and the skills that it asks for; `None` if it dials.
    pub seats: Option<(u16, u64)>,
    /// Direct numbers of places: city or province, and what is dialled.
    pub places: Vec<(String, Vec<String>)>,
}

impl KeyPlan {
    /// How long each may ring, and all: of seats each rings as long as an offer does, and the key's
    /// limit is for all of them.
    fn limits(&self) -> (Duration, Duration) {
        let limit = self.limit.max(self.ring);
        match self.seats {
            Some(_) => (limit, limit),
            None => (self.ring, limit),
        }
    }
}

impl Plan {
    /// Whom a key dials for an event at a place, as far as the judges can tell.
    #[must_use]
    pub fn numbers(&self, key: &str, place: &str) -> Option<Vec<String>> {
        let plan = self.keys.get(key)?;
        if !plan.to.is_empty() {
            return Some(plan.to.clone());
        }
        let code = place::area_code(place)?;
        let here = |it: &&(String, Vec<String>)| it.0 == place;
        let direct = plan.places.iter().filter(here).flat_map(|it| &it.1);
        let mut numbers: Vec<String> = direct.cloned().collect();
        numbers.push(format!("{code}{key}"));
        Some(numbers)
    }
}

impl Plan {
    /// What is known of a use of a key that nobody pressed: the engine calls the second line itself.
    fn fill(&self, press: &mut Press, (now, step): (Mono, u64)) {
        if press.role != "second_line" {
            return;
        }
        let name = self.second.as_ref();
        if let Some((name, key)) = name.and_then(|name| self.keys.get_key_value(name)) {
            press.key.clone_from(name);
            press.limits = Some(key.limits());
            press.numbers.clone_from(&key.to);
            press.whole = !key.to.is_empty();
            press.bid = key.seats.map(|seats| Box::new(Bid::new(now, step, seats)));
        }
    }
}

impl Books {
    fn press_mut(&mut self, id: CallId, third: u8) -> Option<&mut Press> {
        let call = self.calls.get_mut(&id)?;
        call.presses.iter_mut().find(|press| press.third == third)
    }

    /// Police, ambulance or fire were dialled.
    fn is_emergency(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.emergency = true;
        }
    }

    /// A use of a key came so far.
    pub(super) fn told_step(
        &mut self,
        now: Now,
        id: CallId,
        (third, role): (u8, &'static str),
        step: TransferStep,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !call.presses.iter().any(|press| press.third == third) {
            let mut press = Press::new(third, role);
            press.asks = now.mono + LONGEST_QUESTION;
            self.plan.fill(&mut press, (now.mono, self.step));
            call.presses.push(press);
        }
        // Nobody can be talked with apart, if nobody is there.
        let alone = call.talk.is_none();
        let Some(press) = self.press_mut(id, third) else {
            return;
        };
        match step {
            TransferStep::Asking => press.tell(now, "asking"),
            TransferStep::Dialling(target) => {
                press.target = Some((usize::from(target), now));
                press.began = press.began.or(Some(now.mono));
                // A target that was told something and hung up had answered; the next has not.
                (press.asked, press.joined) = (0, None);
                press.tell(now, "dialling");
            }
            TransferStep::Ringing => press.tell(now, "ringing"),
            TransferStep::Briefing => press.tell(now, "briefing"),
            TransferStep::Apart => {
                let part = if alone { Part::Full } else { Part::Aside };
                (press.there, press.part) = (true, part);
                press.tell(now, "apart");
            }
            TransferStep::Joined => {
                let own = press.named.map(|(_, part)| part);
                let part = if press.quiet { Part::Back } else { Part::Full };
                let part = own.unwrap_or(part);
                (press.there, press.part) = (true, part);
                press.tell(now, "joined");
            }
            TransferStep::Confirmed => press.tell(now, "confirmed"),
            TransferStep::Failed(_) => press.tell(now, "failed"),
            TransferStep::NoAnswer => press.tell(now, "no_answer"),
            TransferStep::Cancelled => press.tell(now, "cancelled"),
            TransferStep::TargetLeft => press.tell(now, "target_left"),
        }
        if press.emergency && press.target.is_some() {
            self.is_emergency(id);
        }
        self.facts.moved.insert(id);
    }

    /// A use of a key is over.
    pub(super) fn told_over(&mut self, now: Now, id: CallId, third: u8, outcome: TransferOutcome) {
        let step = self.step;
        let Some(press) = self.press_mut(id, third) else {
            self.facts.unasked.push((id, third));
            return;
        };
        press.outcome = Some(outcome);
        press.closed = Some((now.mono, step));
        press.there = false;
        let legs = press.legs.clone();
        self.second_over(now, id, third);
        for leg in legs {
            self.legs.release(now.mono, &leg);
        }
        self.facts.moved.insert(id);
    }

    /// People were told that an emergency reached nobody.
    pub(super) fn told_alarm(&mut self, now: Now, id: CallId, third: u8) {
        match self.press_mut(id, third) {
            Some(press) => {
                let limit = press.began.zip(press.limits);
                let over = limit.is_some_and(|(began, (_, all))| now.mono >= began + all);
                press.late = press.pending() && over;
                press.alarm = Some(now.mono);
            }
            // There was nobody of the second line to be called.
            None if third == 0 => {}
            None => self.facts.unasked.push((id, third)),
        }
        self.facts.moved.insert(id);
    }

    /// The engine says whom a key that a person pressed dials.
    pub(super) fn started(
        &mut self,
        now: Now,
        id: CallId,
        (third, key, place): (u8, &str, &str),
        (said, manner, asks): (&str, Option<Manner>, Option<&Asks>),
    ) {
        let plan = self.plan.keys.get(key).cloned().unwrap_or_default();
        let step = self.step;
        let likely = asks.and_then(|asks| asks.cities.first());
        let place = likely.map_or(place, |likely| place::bare(likely));
        let known = self.plan.numbers(key, place).filter(|it| !it.is_empty());
        let emergency = self.plan.policies.emergency_keys.iter().any(|it| it == key);
        let Some(press) = self.press_mut(id, third) else {
            self.facts.unasked.push((id, third));
            return;
        };
        press.key = key.to_owned();
        press.emergency = emergency;
        let dialled = press.target.is_some();
        press.quiet = manner.map_or(plan.quiet, |it| it == Manner::Quiet);
        press.limits = Some(plan.limits());
        press.whole = known.is_some() && plan.seats.is_none();
        press.numbers = known.unwrap_or_else(|| vec![said.to_owned()]);
        press.bid = plan.seats.map(|seats| {
            // Until then it was taken for one of the engine's own.
            let bid = press.bid.take();
            let bid = bid.unwrap_or_else(|| Box::new(Bid::new(now.mono, step, seats)));
            let (pool, skills) = seats;
            Box::new(Bid {
                pool,
                skills,
                ..*bid
            })
        });
        press.doubt = asks.is_some();
        if let Some(asks) = asks {
            press.asks = now.mono + Duration::from_millis(asks.within_ms);
        }
        if manner.map_or(plan.blind, |it| it == Manner::Blind) {
            self.facts.let_go.push(id);
        }
        if dialled && emergency {
            self.is_emergency(id);
        }
        self.facts.said.push((id, third, said.to_owned()));
    }

    /// The place of a use of a key was settled.
    pub(super) fn settled(&mut self, id: CallId, third: Option<u8>, place: &str) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let mut open = call.presses.iter().rev().filter(|it| it.pending());
        let Some(press) = open.find(|it| third.is_none_or(|third| it.third == third)) else {
            return;
        };
        let (third, numbers) = (
            press.third,
            self.plan.numbers(&press.key, place::bare(place)),
        );
        if let Some(press) = self.press_mut(id, third) {
            press.whole = numbers.is_some();
            press.numbers = numbers.unwrap_or_default();
            press.doubt = false;
        }
    }

    /// A supervisor's seat is called.
    pub(super) fn supervised(&mut self, id: CallId, third: u8, (seat, part): (u32, Part)) {
        let ring = self.plan.ring;
        let Some(press) = self.press_mut(id, third) else {
            self.facts.unasked.push((id, third));
            return;
        };
        "supervise".clone_into(&mut press.key);
        press.named = Some((seat, part));
        press.part = part;
        press.limits = Some((ring, ring));
    }

    /// Somebody is to take part in another way.
    pub(super) fn heard_anew(&mut self, id: CallId, who: Who, part: Part) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match who {
            Who::Caller => call.parts.caller = part,
            Who::Counsellor => call.parts.counsellor = part,
            Who::Third(third) => {
                self.facts.parts.push((id, third.0, part));
                let mut presses = call.presses.iter_mut();
                if let Some(press) = presses.find(|press| press.third == third.0) {
                    press.part = part;
                    let named = press.named.as_mut();
                    named.into_iter().for_each(|it| it.1 = part);
                }
            }
        }
    }

    /// What the step did to uses of keys, once all of it was told.
    pub(super) fn settle_presses(&mut self, now: Now) {
        for (id, leg, number) in std::mem::take(&mut self.facts.dialled) {
            self.place_leg(now, id, leg, number);
        }
        let moved = std::mem::take(&mut self.facts.moved);
        for id in &moved {
            if let Some(call) = self.calls.get_mut(id) {
                come_back(call);
            }
        }
        self.facts.moved = moved;
    }

    /// Whose an INVITE to a target is.
    fn place_leg(&mut self, now: Now, id: CallId, leg: Arc<str>, number: String) {
        let step = self.step;
        let Some(call) = self.calls.get_mut(&id) else {
            // Its record came in the same step.
            return self.legs.release(now.mono, &leg);
        };
        let over = matches!(call.phase, Phase::Queued | Phase::WrappingUp);
        let now_open = |press: &&mut Press| {
            press.outcome.is_none() || press.closed.is_some_and(|(_, at)| at == step)
        };
        let of = |press: &&mut Press| match press.target {
            // A key that nobody told the judges of may be anyone's.
            Some(_) if press.key.is_empty() => true,
            Some((target, _)) => match press.whole {
                true => press.numbers.get(target) == Some(&number),
                false => press.numbers.contains(&number),
            },
            None => false,
        };
        let mut fits: Vec<&mut Press> = call
            .presses
            .iter_mut()
            .filter(now_open)
            .filter(of)
            .collect();
        // Whoever was dialled in this step, or has lost the one before, rather than another.
        fits.sort_by_key(|press| (press.key.is_empty(), press.asked));
        let Some(press) = fits.into_iter().next() else {
            self.facts.strange.push((id, number));
            return self.legs.release(now.mono, &leg);
        };
        press.asked += 1;
        if press.asked > 1 && press.emergency {
            let all = press.began.zip(press.limits);
            let last = all.map(|(began, (_, limit))| began + limit + LEAST_RING);
            let least = now.mono + LEAST_RING;
            press.least = last.map_or(least, |last| least.min(last));
        }
        let before = press.legs.last().cloned();
        press.legs.push(Arc::clone(&leg));
        let closed = press.outcome.is_some() || over;
        if let Some(before) = before {
            self.legs.release(now.mono, &before);
        }
        if closed {
            self.legs.release(now.mono, &leg);
        }
    }

    /// When targets answered, as far as their legs tell.
    pub(super) fn note_joined(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        for press in call.presses.iter_mut().filter(|press| press.pending()) {
            let leg = press.legs.last().and_then(|leg| self.legs.get(leg));
            let leg = leg.filter(|leg| leg.answered() && press.asked > 0);
            press.joined = leg.and_then(|leg| leg.last).map(|(_, at)| at);
        }
    }

    /// The counsellor is not in the conversation any more.
    pub(super) fn counsellor_left(call: &mut Call) {
        call.parts = Parts::default();
        for press in call.presses.iter_mut().filter(|press| press.there) {
            // Who is in the back, or at the desk, is where the engine says from now on.
            if press.part == Part::Aside {
                press.part = Part::Full;
            }
        }
    }
}

/// The counsellor is apart exactly as long as somebody is with them.
fn come_back(call: &mut Call) {
    let apart = |press: &Press| press.there && press.part == Part::Aside;
    call.parts.counsellor = match call.presses.iter().any(apart) {
        true => Part::Aside,
        false if call.parts.counsellor == Part::Aside => Part::Full,
        false => call.parts.counsellor,
    };
}
