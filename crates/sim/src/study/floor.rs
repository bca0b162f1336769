//! The run: callers, the table, the queue and the seats, event by event.

mod deciding;
mod duty;

use super::figures::{Figures, Place};
use super::nation::Nation;
use super::people::{People, Person, State, scenario};
use super::seats::{Seat, rosters, seats};
use super::{HOLDS, HOLDS_AT_RISK, Setting};
use crate::agenda::Agenda;
use crate::dice::Dice;
use crate::scenario::Scenario;
use meishier_model::{LineId, Mono, PoolId, ShardId, Wall};
use meishier_queue::{Ageing, Match, PoolConfig, Queue, QueueConfig, Side, Strategy, Widening};
use meishier_routing::{PoolFacts, PoolNow, Pools, Service, ServiceRules};
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// How long the last callers may take.
const LAST: Duration = Duration::from_secs(12 * 3600);
/// More callers at a time than any surge brings.
const CAPACITY: usize = 8192;
/// Attempts of one caller have so many numbers.
const ATTEMPTS: u64 = 16;

#[derive(Debug)]
enum Due {
    Arrival,
    Again(usize),
    GivesUp(usize, u8),
    Widens(usize, u8),
    Drops(usize, u8),
    Answers(usize, u64),
    Misses(usize, u64, bool),
    HangsUp(usize, usize, LineId),
    SeatBack(usize),
    Break(usize),
    Shift,
}

pub(super) struct Floor<'n> {
    nation: &'n Nation,
    setting: &'n Setting,
    scenario: Scenario,
    people: People<'n>,
    dice: Dice,
    agenda: Agenda<Due>,
    queue: Queue,
    now: Mono,
    start: Wall,
    ends: Mono,
    callers: Vec<Person>,
    next: Option<Person>,
    waiting: BTreeSet<usize>,
    seats: Vec<Seat>,
    by_pool: Vec<Vec<usize>>,
    served_by: Vec<Vec<usize>>,
    rosters: Vec<Vec<u32>>,
    lines: Vec<u16>,
    offers: Vec<Option<(u64, LineId)>>,
    figures: Figures,
}

impl Pools for Floor<'_> {
    fn state(&self, pool: PoolId) -> PoolNow {
        let index = usize::from(pool.0);
        let seats = self.served_by.get(index).map_or(&[][..], |list| list);
        let facts = PoolFacts {
            lines: self.lines.get(index).copied().unwrap_or(0),
            used: self.queue.lines_used(pool),
            staffed: seats
                .iter()
                .filter(|seat| self.seats[**seat].staffed())
                .count() as u32,
            reachable: seats.len() as u32,
            ..PoolFacts::default()
        };
        PoolNow {
            service: Service::of(&facts, &ServiceRules::default()),
            full: facts.full(),
        }
    }
}

impl<'n> Floor<'n> {
    pub fn new(
        nation: &'n Nation,
        setting: &'n Setting,
        seed: u64,
        days: u32,
    ) -> Result<Self, String> {
        let scenario = scenario(setting)?;
        let dice = Dice::new(seed);
        let (seats, by_pool) = seats(nation, setting.seats);
        let mut served_by = vec![Vec::new(); nation.config.pools.len()];
        for (index, seat) in seats.iter().enumerate() {
            seat.pools
                .iter()
                .for_each(|pool| served_by[usize::from(pool.0)].push(index));
        }
        let pools = nation.config.pools.iter().map(|_| PoolConfig {
            strategy: Strategy::LeastTalk,
            lines: 0,
        });
        let queue = Queue::new(QueueConfig {
            shards: 1,
            pools: pools.collect(),
            seats: seats.len(),
            max_callers: nation.config.waiting.max_waiting.min(CAPACITY),
            capacity: CAPACITY,
            ageing: Ageing {
                step: nation.config.waiting.ageing_step,
            },
        });
        Ok(Self {
            people: People::new(nation, &scenario, &dice),
            start: scenario.start_wall()?,
            scenario,
            dice: dice.branch("floor"),
            agenda: Agenda::default(),
            queue,
            now: Mono(0),
            ends: Mono(0) + DAY * (days + 1),
            callers: Vec::new(),
            next: None,
            waiting: BTreeSet::new(),
            offers: vec![None; seats.len()],
            seats,
            by_pool,
            served_by,
            rosters: rosters(nation),
            lines: vec![0; nation.config.pools.len()],
            figures: Figures::default(),
            nation,
            setting,
        })
    }

    pub fn play(mut self) -> Result<Figures, String> {
        self.agenda.put(self.now, Due::Shift);
        self.foresee();
        while let Some((at, due)) = self.agenda.take() {
            if at > self.ends + LAST {
                break;
            }
            self.now = at;
            self.happen(due);
            self.take_matches();
        }
        if !self.waiting.is_empty() {
            return Err(format!("{} callers wait for ever", self.waiting.len()));
        }
        for seat in 0..self.seats.len() {
            self.off_duty(seat);
        }
        self.figures.seats(&self.seats);
        Ok(self.figures)
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Arrival => {
                if let Some(person) = self.next.take() {
                    self.callers.push(person);
                    self.calls(self.callers.len() - 1);
                }
                self.foresee();
            }
            Due::Again(who) => self.calls(who),
            Due::GivesUp(who, attempt) => self.gives_up(who, attempt),
            Due::Widens(who, attempt) => self.widens(who, attempt),
            Due::Drops(who, attempt) => self.drops(who, attempt),
            Due::Answers(who, offer) => self.answers(who, offer),
            Due::Misses(who, offer, refused) => self.misses(who, offer, refused),
            Due::HangsUp(who, seat, line) => self.hangs_up(who, seat, line),
            Due::SeatBack(seat) => self.seat_back(seat),
            Due::Break(seat) => self.wants_break(seat),
            Due::Shift => self.shift(),
        }
    }

    fn wall(&self) -> Wall {
        Wall(self.start.0 + (self.now.0 / 1000) as i64)
    }

    fn counted(&self) -> bool {
        self.now.since(Mono(0)) >= DAY
    }

    fn foresee(&mut self) {
        let Some((at, person)) = self.people.next() else {
            return;
        };
        let at = Mono(0) + at;
        if at < self.ends {
            self.next = Some(person);
            self.agenda.put(at, Due::Arrival);
        }
    }

    fn hours(&self, at: Mono) -> usize {
        let minute = ((at.0 / 60_000_000) % 1440) as u16;
        let within = |from: u16, to: u16| {
            (from..to).contains(&minute) || (from..to).contains(&(minute + 1440))
        };
        let hours = self.scenario.hours.iter();
        hours
            .clone()
            .position(|it| within(it.from, it.to))
            .unwrap_or(0)
    }

    fn calls(&mut self, who: usize) {
        let counts = self.counted();
        let person = &mut self.callers[who];
        person.attempts += 1;
        person.began = self.now;
        if person.attempts == 1 {
            person.first = self.now;
            person.counts = counts;
        }
        if person.counts {
            let hours = self.hours(self.callers[who].first);
            self.figures.began(&self.callers[who], hours);
        }
        let decision = self.decide(who);
        let (entry, closed) = self.entry(who, &decision);
        let let_in = !entry.rings.is_empty() && self.queue.enqueue(self.now, entry.clone()).is_ok();
        let call = entry.call;
        let person = &mut self.callers[who];
        (person.entry, person.closed) = (Some(entry), closed);
        if !let_in {
            return self.hears_busy(who);
        }
        person.state = State::Waiting;
        self.waiting.insert(who);
        self.take_matches();
        if self.callers[who].state == State::Waiting && self.setting.way.hears_busy() {
            self.queue.abandon(self.now, call);
            self.waiting.remove(&who);
            return self.hears_busy(who);
        }
        let person = &self.callers[who];
        let (attempt, patience) = (person.attempts, person.plan.patience);
        let holds = person
            .entry
            .as_ref()
            .is_some_and(|it| it.preferred.iter().any(|p| !p.dropped));
        self.agenda
            .put(self.now + patience, Due::GivesUp(who, attempt));
        if holds {
            let at_risk = person.entry.as_ref().is_some_and(|it| it.risk);
            let most = if at_risk { HOLDS_AT_RISK } else { HOLDS };
            let holds = self.setting.holds.min(most);
            self.agenda.put(self.now + holds, Due::Drops(who, attempt));
        }
        self.watch(who);
    }

    /// The next ring of a caller opens in time.
    fn watch(&mut self, who: usize) {
        let person = &self.callers[who];
        if let Some((_, at)) = person.closed.first() {
            self.agenda.put(*at, Due::Widens(who, person.attempts));
        }
    }

    fn hears_busy(&mut self, who: usize) {
        if self.callers[who].counts {
            self.figures.busy += 1;
        }
        self.hung_up(who);
    }

    fn hung_up(&mut self, who: usize) {
        let person = &mut self.callers[who];
        person.state = State::Away;
        if person.plan.redial && person.attempts <= person.plan.redials {
            let at = self.now + person.plan.redial_after;
            return self.agenda.put(at, Due::Again(who));
        }
        if person.counts {
            self.figures.left(self.now, &self.callers[who]);
        }
    }

    fn gives_up(&mut self, who: usize, attempt: u8) {
        if self.callers[who].attempts != attempt {
            return;
        }
        match self.callers[who].state {
            State::Waiting => {
                self.queue.abandon(self.now, self.id(who));
                self.waiting.remove(&who);
            }
            State::Ringing(seat, _) => {
                self.end_offer(seat);
                self.free(seat);
            }
            State::Away | State::Talking => return,
        }
        if self.callers[who].counts {
            self.figures.gave_up(self.now, &self.callers[who]);
        }
        self.hung_up(who);
    }

    fn widens(&mut self, who: usize, attempt: u8) {
        let now = self.now;
        let person = &mut self.callers[who];
        if person.attempts != attempt {
            return;
        }
        let id = person.entry.as_ref().map(|entry| entry.call);
        while person.closed.first().is_some_and(|(_, at)| *at <= now) {
            person.closed.remove(0);
            if let Some(entry) = &mut person.entry {
                entry.open += 1;
            }
            if let (State::Waiting, Some(id)) = (person.state, id) {
                self.queue.widen(now, id, Widening::OpenRing);
            }
        }
        if matches!(self.callers[who].state, State::Waiting | State::Ringing(..)) {
            self.watch(who);
        }
    }

    fn drops(&mut self, who: usize, attempt: u8) {
        let person = &mut self.callers[who];
        let Some(entry) = person.entry.as_mut().filter(|_| person.attempts == attempt) else {
            return;
        };
        for preference in &mut entry.preferred {
            preference.dropped = true;
            if person.state == State::Waiting {
                let step = Widening::DropPreference(preference.skill);
                self.queue.widen(self.now, entry.call, step);
            }
        }
    }

    /// Everybody who waits is decided anew: pools opened, closed, or lost their last counsellor.
    fn reconsider(&mut self) {
        for who in self.waiting.clone() {
            let decision = self.decide(who);
            let (entry, closed) = self.entry(who, &decision);
            if entry.rings.is_empty() {
                continue;
            }
            if self.queue.rewrite(self.now, entry.clone()).is_ok() {
                (self.callers[who].entry, self.callers[who].closed) = (Some(entry), closed);
                self.watch(who);
            }
        }
    }

    fn take_matches(&mut self) {
        while let Some(found) = self.queue.take_match(ShardId(0)) {
            if found.side == Side::Caller {
                self.offer(&found);
            }
        }
    }

    fn offer(&mut self, found: &Match) {
        let (who, seat) = ((found.call.0 / ATTEMPTS) as usize, found.seat.0 as usize);
        let offer = found.offer.0;
        self.waiting.remove(&who);
        self.callers[who].state = State::Ringing(seat, offer);
        self.seats[seat].busy = true;
        self.offers[seat] = Some((offer, found.line));
        let habits = self.scenario.seats;
        let ring = self.setting.ring.unwrap_or(self.nation.config.offer.ring);
        let (refuses, misses) = (
            self.dice.chance(habits.refuse_share),
            self.dice.chance(habits.ring_out_share),
        );
        let after = self
            .dice
            .between(habits.answer_after.0, habits.answer_after.1);
        let (at, due) = match (refuses, misses || after > ring) {
            (true, _) => (after.min(ring), Due::Misses(who, offer, true)),
            (_, true) => (ring, Due::Misses(who, offer, false)),
            _ => (after, Due::Answers(who, offer)),
        };
        self.agenda.put(self.now + at, due);
    }

    /// The seat of an offer that is still in force.
    fn ringing(&self, who: usize, offer: u64) -> Option<usize> {
        match self.callers[who].state {
            State::Ringing(seat, found) if found == offer => Some(seat),
            _ => None,
        }
    }

    /// The telephone falls silent, and the line is free.
    fn end_offer(&mut self, seat: usize) {
        if let Some((_, line)) = self.offers[seat].take() {
            self.queue.release_line(self.now, line);
        }
    }

    fn misses(&mut self, who: usize, offer: u64, refused: bool) {
        let Some(seat) = self.ringing(who, offer) else {
            return;
        };
        self.end_offer(seat);
        let mut rest = self.nation.config.offer.backoff;
        let desk = &mut self.seats[seat];
        desk.rang_out = if refused { 0 } else { desk.rang_out + 1 };
        if desk.rang_out >= self.nation.config.offer.pause_after.max(1) {
            desk.rang_out = 0;
            let notice = self.scenario.seats.notice_after;
            rest = self.dice.between(notice.0, notice.1);
        }
        self.agenda.put(self.now + rest, Due::SeatBack(seat));
        self.callers[who].state = State::Waiting;
        self.waiting.insert(who);
        if let Some(entry) = self.callers[who].entry.clone() {
            // It stood here before, so there is room.
            let _ = self.queue.put_back(self.now, entry);
        }
    }

    fn answers(&mut self, who: usize, offer: u64) {
        let Some(seat) = self.ringing(who, offer) else {
            return;
        };
        let Some((_, line)) = self.offers[seat].take() else {
            return;
        };
        self.seats[seat].rang_out = 0;
        self.callers[who].state = State::Talking;
        let pool = usize::from(self.seats[seat].pools[0].0);
        let (sits, calls) = (
            self.nation.pool_codes[pool],
            self.nation.towns[self.callers[who].town].adcode,
        );
        let place = match (sits == calls, sits / 10_000 == calls / 10_000) {
            (true, _) => Place::City,
            (_, true) => Place::Province,
            _ => Place::Elsewhere,
        };
        let person = &self.callers[who];
        if person.counts {
            let hours = self.hours(person.first);
            self.figures.answered(self.now, person, place, hours);
        }
        let at = self.now + self.callers[who].plan.talk.length;
        self.agenda.put(at, Due::HangsUp(who, seat, line));
    }

    fn hangs_up(&mut self, who: usize, seat: usize, line: LineId) {
        self.queue.release_line(self.now, line);
        let plan = &self.callers[who].plan;
        let (offer, care) = (&self.nation.config.offer, &self.nation.config.care.recovery);
        let long = !care.long_from.is_zero() && plan.talk.length >= care.long_from;
        let asked = [
            (true, offer.wrapup),
            (plan.risk, care.risk),
            (plan.talk.crisis, care.emergency),
            (long, care.long),
        ];
        let rest = asked
            .iter()
            .filter(|it| it.0)
            .map(|it| it.1)
            .max()
            .unwrap_or_default();
        let talked = plan.talk.length.as_millis() as u64;
        let counted = self.counted();
        let desk = &mut self.seats[seat];
        desk.talked_ms += talked;
        desk.all_talk_ms += if counted { talked } else { 0 };
        desk.idle_since = self.now;
        self.callers[who].state = State::Away;
        self.agenda.put(self.now + rest, Due::SeatBack(seat));
    }
}
