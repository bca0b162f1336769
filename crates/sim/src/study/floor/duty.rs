//! Who is on duty when, and their breaks.

use super::{DAY, Due, Floor};
use crate::study::seats::{pick, scaled};
use meishier_model::{CounsellorId, Mono, PoolId, SeatId};
use std::time::Duration;

impl Floor<'_> {
    pub(super) fn seat_back(&mut self, seat: usize) {
        let was_away = self.seats[seat].away;
        self.seats[seat].away = false;
        self.free(seat);
        if was_away {
            self.reconsider();
        }
    }

    /// The seat is free: its break, if one is due; otherwise the next caller.
    pub(super) fn free(&mut self, seat: usize) {
        let desk = &mut self.seats[seat];
        desk.busy = false;
        if !desk.on_duty {
            return;
        }
        if desk.break_due {
            (desk.break_due, desk.away, desk.busy) = (false, true, true);
            self.agenda.put(
                self.now + self.scenario.seats.pause_for,
                Due::SeatBack(seat),
            );
            return self.reconsider();
        }
        let ready = desk.ready(seat);
        // Seats and pools are those that the queue was made for.
        let _ = self.queue.seat_ready(self.now, ready);
    }

    pub(super) fn wants_break(&mut self, seat: usize) {
        self.agenda
            .put(self.now + self.scenario.seats.pause_every, Due::Break(seat));
        if !self.seats[seat].on_duty {
            return;
        }
        self.seats[seat].break_due = true;
        if !self.seats[seat].busy && self.queue.seat_withdrawn(SeatId(seat as u32)) {
            self.free(seat);
        }
    }

    pub(super) fn off_duty(&mut self, seat: usize) {
        let now = self.now.min(self.ends);
        let from = Mono(0) + DAY;
        let desk = &mut self.seats[seat];
        if desk.on_duty {
            desk.duty_ms += now.since(desk.since.max(from)).as_millis() as u64;
        }
        desk.on_duty = false;
        desk.break_due = false;
    }

    /// Lines and counsellors of this hour.
    pub(super) fn shift(&mut self) {
        let wall = self.wall();
        for pool in 0..self.lines.len() {
            let id = PoolId(pool as u16);
            let lines = usize::from(self.nation.config.routing.lines(id, wall));
            let lines = scaled(lines, self.setting.seats) as u16;
            let before = std::mem::replace(&mut self.lines[pool], lines);
            if before != lines {
                self.queue.set_lines(self.now, id, lines);
                self.staff(pool, usize::from(lines));
            }
        }
        self.reconsider();
        let next = self.nation.config.routing.next_change(wall);
        if let Some(next) = next {
            let ms = u64::try_from(next.0 - wall.0).unwrap_or(DAY.as_millis() as u64);
            self.agenda
                .put(self.now + Duration::from_millis(ms.max(1)), Due::Shift);
        }
    }

    /// So many seats of a pool are on duty from now on, with other people than before.
    pub(super) fn staff(&mut self, pool: usize, lines: usize) {
        let mut taken = Vec::new();
        let first = self.now == Mono(0);
        for (place, seat) in self.by_pool[pool].clone().into_iter().enumerate() {
            self.off_duty(seat);
            let withdrawn = self.queue.seat_withdrawn(SeatId(seat as u32));
            if first {
                let at = self
                    .dice
                    .between(Duration::ZERO, self.scenario.seats.pause_every);
                self.agenda.put(self.now + at, Due::Break(seat));
            }
            if place >= lines {
                continue;
            }
            let who = pick(&self.rosters[self.seats[seat].of], &taken, &mut self.dice);
            taken.push(who);
            let skills = self.nation.config.counsellors.get(who as usize);
            let desk = &mut self.seats[seat];
            desk.counsellor = CounsellorId(who);
            desk.skills =
                skills.map_or_else(Default::default, |it| it.skills.iter().copied().collect());
            (desk.on_duty, desk.since, desk.talked_ms) = (true, self.now, 0);
            if withdrawn || !desk.busy {
                self.free(seat);
            }
        }
    }
}
