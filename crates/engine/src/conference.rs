//! Who is left of a conversation with third parties, and what that asks for. What happens when is the
//! conference machine's (meishier-transfer); here its orders are carried out.

use crate::api::{CommandError, Press, Reply};
use crate::call::{Call, KeyAlarm, State, ThirdSide};
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

/// In an alarm: nobody was called at all. The numbers of third parties begin at 1.
const NOBODY: ThirdId = ThirdId(0);

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
pub(crate) fn note_all(call: &mut Call, now: Now, what: &str, detail: &str) {
    let records: SmallVec<[usize; 8]> = call.thirds.iter().map(|it| it.record).collect();
    for record in records {
        let event = TransferEvent::new(now.wall, what, detail.to_owned());
        write_event(call, record, event);
    }
}

/// True if the counsellor would leave nothing open: every emergency that was called has confirmed that
/// it takes over, or somebody of this house stays for it.
pub(crate) fn may_be_left(call: &Call) -> bool {
    let open = |it: &ThirdSide| it.emergency && it.machine.state() != Step::Confirmed;
    has_officer(call) || !call.thirds.iter().any(open)
}

/// Somebody of the second line who is on the way.
fn is_second_coming(side: &ThirdSide) -> bool {
    side.role == Role::SecondLine && side.machine.is_pending()
}

impl Shard {
    pub(crate) fn on_caller_gone_in_transfer(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        note_all(call, now, "caller_left", "");
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
        let over = call.thirds.iter().any(confirmed) || Self::left_by_refer(call);
        let how = match is_remote(cause) {
            // A telephone that vanishes has planned nothing.
            false => Leaving::Lost,
            true if over && may_be_left(call) => Leaving::Planned,
            true => Leaving::HungUp,
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
            if unasked || call.thirds.iter().any(over) && may_be_left(call) {
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
        note_all(call, now, "counsellor_left", "");
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
                    // It is with nobody: whoever is called now comes by the queue.
                    call.alarms.retain(|it| !it.is_of_this_house());
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
            return self.alarm_unattended(call, NOBODY, String::new());
        };
        let press = Press {
            key,
            place: String::new(),
            manner: None,
        };
        if !call.thirds.iter().any(is_second_coming) {
            self.make_room(now, call);
        }
        // Refused: one is on the way already, or there is no room. Who is there stays.
        if self.press(now, call, &press).is_err() {
            self.alarm_unattended(call, NOBODY, press.key);
        }
    }

    /// Nobody of this house is with those who are left, and nobody comes: people are to see to it.
    /// `third` is the one who did not come.
    pub(crate) fn alarm_unattended(&mut self, call: &mut Call, third: ThirdId, key: String) {
        let left = matches!(call.state, State::Transferring(None)) && call.ending.is_none();
        let somebody = |it: &ThirdSide| standing(it) != Third::Bystander;
        let there = call.thirds.iter().any(somebody);
        let comes = call.thirds.iter().any(is_second_coming);
        if left && there && !comes && !has_officer(call) {
            self.raise_alarm(call, KeyAlarm::of_this_house(third, key));
        }
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
            if is_attended(call) || has_officer(call) {
                call.alarms.retain(|it| !it.is_of_this_house());
            }
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
