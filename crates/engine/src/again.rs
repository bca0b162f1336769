//! Where a call goes: decided when it arrives, and anew whenever something changes while it waits.
//!
//! Nobody loses by it: stamp and risk flag stay, a pool that is open for the caller stays open as
//! long as the table leads there, and a preference that has fallen does not bind again.

use crate::call::{Call, State};
use crate::defect::Defect;
use crate::pools::{Fullness, PoolsNow};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_model::{CallId, CounsellorId, DialString, Mono, Now, PoolId, SeatId, SkillId};
use meishier_queue::{Caller, Preference, Stamp};
use meishier_routing::{Decision, Query, RiskWhy};
use smallvec::SmallVec;
use std::time::Duration;

/// How long a preference holds a caller back from a counsellor who lacks it.
const PREFERENCE_HOLDS: Duration = Duration::from_secs(20);
/// The same of a caller at risk, for whom somebody soon is worth more than somebody fitting.
const PREFERENCE_HOLDS_AT_RISK: Duration = Duration::from_secs(5);

/// Rings that are not open yet: pool and moment, soonest first.
pub(crate) type ClosedRings = SmallVec<[(PoolId, Mono); 2]>;

impl Shard {
    pub(crate) fn decide(&self, now: Now, fullness: Fullness, query: &Query<'_>) -> Decision {
        let pools = PoolsNow {
            shard: self,
            now,
            fullness,
        };
        self.config.routing.decide_among(query, &pools)
    }

    /// What the queue is told of a caller who waits since `since`: waits count from its place in line, so that whoever calls
    /// again has waited already.
    pub(crate) fn entry(
        &self,
        now: Now,
        id: CallId,
        (stamp, since): (Stamp, Mono),
        decision: &Decision,
    ) -> (Caller, ClosedRings) {
        let own_seat = decision.own.and_then(|who| self.pools.seat_of(who));
        // However often it is decided anew, others are asked after this; and at once, if the caller's
        // own counsellor is not back by then.
        let by = since + self.config.routing.policies().risk.own_hold;
        let waited_for = own_seat.is_some_and(|seat| self.pools.is_soon_free(seat, by));
        let hold = if waited_for { by } else { Mono(0) };
        let mut open = 0u8;
        let mut closed = ClosedRings::new();
        for ring in &decision.rings {
            let at = (stamp.at + ring.after).max(hold);
            if at <= now.mono || self.broken.is(Defect::RingsOpenAtOnce) {
                open += 1;
            } else {
                closed.push((ring.pool, at));
            }
        }
        // Who knows the caller need not have what others would be asked for; but who is not waited for
        // takes no skill from those who are asked at once.
        let lacking = |skill| waited_for && !self.counsellor_has(decision.own, skill);
        let preferred = decision.preferred.iter();
        let entry = Caller {
            call: id,
            shard: self.id,
            stamp,
            class: decision.class,
            risk: decision.risk,
            required: decision.required,
            preferred: preferred
                .map(|p| Preference {
                    skill: p.skill,
                    weight: p.weight,
                    dropped: lacking(p.skill),
                })
                .collect(),
            rings: decision.rings.iter().map(|ring| ring.pool).collect(),
            open,
            own_seat,
        };
        (entry, closed)
    }

    /// Preferences that nobody can meet who would be asked before they fall: they fall at once. What
    /// stands for not having reached a cap is a matter of those seats alone, and falls by time.
    pub(crate) fn let_fall(&self, entry: &mut Caller, closed: &ClosedRings) {
        if self.broken.is(Defect::PreferenceForNobody) {
            return;
        }
        let until = entry.stamp.at + holds(entry);
        let late = |pool: &PoolId| {
            let mut closed = closed.iter();
            closed.any(|(it, at)| it == pool && *at >= until)
        };
        let asked: SmallVec<[PoolId; 8]> =
            entry.rings.iter().filter(|it| !late(it)).copied().collect();
        for preference in &mut entry.preferred {
            let skill = preference.skill;
            let met = asked.iter().any(|pool| self.pools.has_skill(*pool, skill));
            preference.dropped |= !met && Some(skill) != self.config.care.fresh;
        }
    }

    /// True if this counsellor has this skill for certain: a cap may take the skill that stands for
    /// it at any time.
    fn counsellor_has(&self, who: Option<CounsellorId>, skill: SkillId) -> bool {
        let who = who.and_then(|who| self.config.counsellors.get(who.0 as usize));
        let skills = who.map_or(&[][..], |who| &who.skills);
        Some(skill) != self.config.care.fresh && skills.iter().any(|(held, _)| *held == skill)
    }

    /// Decides anew for a caller who waits, or rings and may have to wait again.
    pub(crate) fn reconsider(&mut self, now: Now, call: &mut Call) {
        let waits = matches!(call.state, State::Queued | State::Offered(_));
        if !waits || self.broken.is(Defect::NeverDecidedAnew) {
            return;
        }
        let own = match &call.state {
            State::Offered(side) => Some(side.line.pool),
            _ => None,
        };
        let decision = self.decide(
            now,
            Fullness::Lasting { own },
            &Query {
                wall: now.wall,
                trunk: call.trunk,
                caller: &call.caller,
                called: &call.called,
                cell: call.cell.as_ref().map(DialString::reveal),
                known: call.known,
            },
        );
        let (mut entry, mut closed) =
            self.entry(now, call.id, (call.entry.stamp, call.enqueued), &decision);
        entry.risk |= call.entry.risk;
        // Who only pauses may come back; a seat at which somebody else sits is not the caller's own.
        let still = |seat: &SeatId| {
            let sits = self.pools.sits_at(*seat);
            sits.is_some() && sits == decision.own
        };
        entry.own_seat = entry.own_seat.or(call.entry.own_seat.filter(still));
        keep_open(&mut entry, &mut closed, call.entry.open_rings());
        let late = entry.stamp.at + holds(&entry) <= now.mono;
        for preference in &mut entry.preferred {
            let before = call
                .entry
                .preferred
                .iter()
                .find(|it| it.skill == preference.skill);
            preference.dropped |= before.map_or(late, |it| it.dropped);
        }
        self.let_fall(&mut entry, &closed);
        self.say_why(call, &decision);
        if entry == call.entry && closed == call.closed_rings {
            return;
        }
        call.entry = entry;
        call.closed_rings = closed;
        if call.entry.risk {
            self.stay_with(now, call.side.leg);
        }
        self.set_widening(now, call);
        if matches!(call.state, State::Queued) {
            match self.queue.rewrite(now.mono, call.entry.clone()) {
                Ok(Some(wakes)) => self.wake(now, &wakes),
                // Its match is under way; if it comes to nothing, the new entry is put back.
                Ok(None) => {}
                Err(_) => self.notice(crate::api::Notice::Unexpected(
                    "the queue did not take what a caller asks for now",
                )),
            }
        }
    }

    /// Back into the queue after a conversation that was cut off: flagged, and decided anew, for
    /// pools may have changed since.
    pub(crate) fn back_in_line(&mut self, now: Now, call: &mut Call) {
        // Who is put on hold is so by whoever has gone.
        call.modes = Default::default();
        call.entry.risk = true;
        call.known.risk.get_or_insert(RiskWhy::Dropped);
        call.known.last = call.answer.map(|answer| answer.counsellor);
        self.requeue(now, call);
        self.reconsider(now, call);
        self.resume_waiting_audio(now, call);
    }

    /// Timers by which the search widens, set anew.
    pub(crate) fn set_widening(&mut self, now: Now, call: &mut Call) {
        let widens = |t: &Timer| matches!(t, Timer::OpenRing(_) | Timer::DropPreferences(_));
        self.cancel_call_timers(call, widens);
        if let Some((_, at)) = call.closed_rings.first().copied() {
            self.set_call_timer(call, at, Timer::OpenRing(call.id));
        }
        if call.entry.preferred.iter().any(|it| !it.dropped) {
            let at = (call.entry.stamp.at + holds(&call.entry)).max(now.mono);
            self.set_call_timer(call, at, Timer::DropPreferences(call.id));
        }
    }

    /// Words, rules and version for the record. Nothing of it delays an offer.
    pub(crate) fn say_why(&self, call: &mut Call, decision: &Decision) {
        let routing = &self.config.routing;
        call.route_reason = routing.reason(decision).into();
        call.rules = routing.rule_names(decision);
        if !self.broken.is(Defect::TableNotNamed) {
            call.table = self.config.table_hash.as_str().into();
        }
        let seconds = |after: Duration| u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
        let rings = decision.rings.iter();
        call.route = rings.map(|ring| (ring.pool, seconds(ring.after))).collect();
    }
}

fn holds(entry: &Caller) -> Duration {
    if entry.risk {
        PREFERENCE_HOLDS_AT_RISK
    } else {
        PREFERENCE_HOLDS
    }
}

/// Pools that were open stay open, and stand before those that are not.
fn keep_open(entry: &mut Caller, closed: &mut ClosedRings, was_open: &[PoolId]) {
    closed.retain(|(pool, _)| !was_open.contains(pool));
    entry
        .rings
        .sort_by_key(|pool| closed.iter().any(|(it, _)| it == pool));
    let open = entry.rings.len().saturating_sub(closed.len());
    entry.open = u8::try_from(open).unwrap_or(u8::MAX);
}
