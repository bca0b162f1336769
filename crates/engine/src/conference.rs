//! Who is left of a conversation with third parties, and what that asks for. What happens when is the
//! conference machine's (meishier-transfer); here its orders are carried out.

use crate::api::{CommandError, Press, Reply};
use crate::call::{Call, State, ThirdSide};
use crate::defect::Defect;
use crate::key::write_event;
use crate::quiet::{has_caller, has_officer, has_quiet, is_attended, is_ours, stands_in};
use crate::shard::Shard;
use crate::talk::is_remote;
use crate::timers::Timer;
use meishier_model::{CallId, Now, Outcome, ReleasedBy, TransferEvent, TransferOutcome};
use meishier_signaling::EndCause;
use meishier_transfer::{
    Action, KeyKind, Leaving, Mode, Order, Role, State as Step, Third, ThirdId,
};
use smallvec::SmallVec;

/// How a third party stands, for the machine.
pub(crate) fn standing(side: &ThirdSide) -> Third {
    let returned = side.role == Role::Caller;
    let bystander = side.role == Role::Supervisor && side.mode != Mode::Full;
    match side.machine.is_pending() {
        // Nobody waits for a supervisor who comes unasked.
        true if side.is_named() => Third::Bystander,
        true => Third::Pending {
            emergency: side.emergency,
        },
        false if bystander => Third::Bystander,
        false if returned => Third::Returned,
        false if is_ours(side) => Third::Officer,
        false if side.emergency => Third::Emergency,
        false => Third::Present,
    }
}

fn thirds(call: &Call) -> SmallVec<[Third; 8]> {
    call.thirds.iter().map(standing).collect()
}

fn ids(call: &Call) -> SmallVec<[ThirdId; 8]> {
    call.thirds.iter().map(|it| it.id).collect()
}

/// One line in the time line of everybody who is about.
fn note_all(call: &mut Call, now: Now, what: &str) {
    let records: SmallVec<[usize; 8]> = call.thirds.iter().map(|it| it.record).collect();
    for record in records {
        write_event(
            call,
            record,
            TransferEvent::new(now.wall, what, String::new()),
        );
    }
}

impl Shard {
    pub(crate) fn on_caller_gone_in_transfer(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        note_all(call, now, "caller_left");
        call.conference.handle_caller_left(&thirds(call));
        self.close_caller(call);
        self.run_conference(now, call, by);
        if call.ending.is_some() {
            return;
        }
        // Nobody but an emergency is called for a caller who is not there any more, and the second line
        // if nobody else is there for that.
        let bereft = call.conference.is_bereft();
        for third in ids(call) {
            let side = call.third_mut(third);
            let needed = |it: &ThirdSide| bereft && it.role == Role::SecondLine;
            let idle = side.filter(|it| it.machine.is_pending() && !it.emergency && !needed(it));
            if let Some(side) = idle {
                side.machine.handle_nobody();
                self.run_third(now, call, third);
            }
        }
        self.settle_conference(now, call);
    }

    pub(crate) fn on_counsellor_gone_in_transfer(
        &mut self,
        now: Now,
        call: &mut Call,
        cause: EndCause,
    ) {
        if self.broken.is(Defect::CounsellorTakesCallerAlong) {
            return self.end_transfer(now, call, ReleasedBy::Seat);
        }
        let alone = call
            .thirds
            .iter()
            .all(|it| standing(it) == Third::Bystander);
        if alone && !is_remote(cause) && !call.side.gone {
            // The telephone vanished in mid-sentence: the caller is not to pay for it.
            self.drop_thirds(now, call);
            self.release_seat(now, call, true);
            return self.back_in_line(now, call);
        }
        let confirmed =
            |it: &ThirdSide| it.machine.state() == Step::Confirmed && it.role != Role::Caller;
        let how = if call.thirds.iter().any(confirmed) || Self::left_by_refer(call) {
            Leaving::Planned
        } else if is_remote(cause) {
            Leaving::HungUp
        } else {
            Leaving::Lost
        };
        self.counsellor_leaves(now, call, how);
    }

    /// The counsellor leaves, as planned, if somebody has taken over.
    pub(crate) fn on_leave(&mut self, now: Now, token: u64, id: CallId) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            let State::Transferring(Some(_)) = call.state else {
                result = Err(CommandError::NoTransfer);
                return;
            };
            let over = |it: &ThirdSide| match it.machine.state() {
                _ if matches!(standing(it), Third::Bystander | Third::Returned) => false,
                Step::Confirmed => true,
                Step::Joined => !it.emergency,
                _ => false,
            };
            let unasked = shard.broken.is(Defect::CounsellorLetGoUnconfirmed);
            if unasked || call.thirds.iter().any(over) {
                shard.counsellor_leaves(now, call, Leaving::Planned);
                result = Ok(());
            } else {
                result = Err(CommandError::NotConfirmed);
            }
        });
        self.reply(token, Reply::Done(result));
    }

    /// Nobody is apart or in the back any more: the caller is to hear whoever is there.
    pub(crate) fn counsellor_leaves(&mut self, now: Now, call: &mut Call, how: Leaving) {
        note_all(call, now, "counsellor_left");
        self.release_seat(now, call, true);
        if !matches!(call.state, State::Transferring(_)) {
            call.state = State::Transferring(None);
        }
        // Nobody is left who could take the caller off hold.
        call.modes = (Mode::Full, Mode::Full);
        for third in ids(call) {
            if let Some(side) = call.third_mut(third) {
                // An error: it was not apart.
                let _ = side.machine.handle_join();
                // Who is in the back or at the desk stays quiet, if somebody is left for the caller.
                let muted = match (side.role, side.mode) {
                    (_, Mode::Aside) => true,
                    (Role::Target | Role::Caller, mode) => mode == Mode::Held,
                    (Role::SecondLine, mode) => !matches!(mode, Mode::Full | Mode::Desk),
                    _ => false,
                };
                if side.present && muted {
                    let told = std::mem::replace(&mut side.mode, Mode::Full) != Mode::Aside;
                    if told {
                        self.note_part(now, call, third);
                    }
                }
                self.run_third(now, call, third);
            }
        }
        call.conference.handle_counsellor_left(how, &thirds(call));
        let by = if call.side.gone {
            ReleasedBy::Caller
        } else {
            ReleasedBy::Seat
        };
        self.run_conference(now, call, by);
        self.settle_conference(now, call);
    }

    /// A third party is not there any more.
    pub(crate) fn third_left(&mut self, now: Now, call: &mut Call, served: bool) {
        if self.broken.is(Defect::CallerReleasedFirst) {
            return self.end_transfer(now, call, ReleasedBy::Seat);
        }
        call.conference.handle_third_left(served, &thirds(call));
        let by = if call.side.gone {
            ReleasedBy::Caller
        } else {
            ReleasedBy::Seat
        };
        self.run_conference(now, call, by);
    }

    fn run_conference(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        while let Some(order) = call.conference.poll_order() {
            if call.ending.is_some() {
                continue;
            }
            match order {
                Order::CallSecondLine => self.call_second_line(now, call),
                Order::Requeue => {
                    self.drop_thirds(now, call);
                    self.release_seat(now, call, true);
                    call.state = State::Queued;
                    self.back_in_line(now, call);
                }
                Order::OfferCallBack => self.call_back_due(now, call),
                Order::End => self.end_transfer(now, call, by),
            }
        }
    }

    /// The counsellor dropped out: the second line is to take the place, if there is a key for it and it
    /// is not there yet; with police who are not to be heard, one is needed for these as well.
    fn call_second_line(&mut self, now: Now, call: &mut Call) {
        if stands_in(call).is_some() && !has_quiet(call) {
            return;
        }
        let second = |key: &&meishier_transfer::Key| key.kind == KeyKind::SecondLine;
        let key = self.config.transfer.keys.iter().find(second);
        let Some(key) = key.map(|key| key.name.clone()) else {
            return;
        };
        let press = Press {
            key,
            place: String::new(),
            manner: None,
        };
        // Refused: one is on the way already, or there is no room. Who is there stays.
        let _ = self.press(now, call, &press);
    }

    /// Back to two who talk when the last third party has gone; everybody hears whom they are to hear.
    pub(crate) fn settle_conference(&mut self, now: Now, call: &mut Call) {
        if let State::Transferring(side @ Some(_)) = &mut call.state
            && call.thirds.is_empty()
            && !call.side.gone
            && let Some(side) = side.take()
        {
            call.state = State::Talking(side);
            call.modes.1 = Mode::Full;
        }
        self.come_back(call);
        if matches!(call.state, State::Talking(_) | State::Transferring(_)) {
            self.seat_desk(now, call);
            let somebody = has_caller(call) || is_attended(call) || has_officer(call);
            let there = call.thirds.iter_mut().filter(|it| it.present && somebody);
            there.for_each(|it| it.met = true);
            self.arrange(call);
        }
    }

    /// Ends everything that is left of the call.
    pub(crate) fn end_transfer(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        self.drop_thirds(now, call);
        self.release_seat(now, call, true);
        self.finish(now, call, Outcome::Answered, by, 0);
    }

    /// Every third party goes; what came of each is in the record.
    pub(crate) fn drop_thirds(&mut self, now: Now, call: &mut Call) {
        for third in ids(call) {
            let mut over = (TransferOutcome::Cancelled, 0);
            if let Some(side) = call.third_mut(third) {
                side.machine.handle_nobody();
                while let Some(action) = side.machine.poll_action() {
                    if let Action::Finished { outcome, status } = action {
                        over = (outcome, status);
                    }
                }
            }
            self.close_third(call, third, over, true);
            self.close_dossier(now, call, third, (over.0, true));
            self.drop_third(now, call, third);
        }
        call.thirds.clear();
        self.cancel_call_timers(call, |t| matches!(t, Timer::TransferRing(..)));
    }
}
