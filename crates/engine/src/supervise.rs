//! A supervisor (督导) listens, whispers or speaks: the telephone of a seat at which nobody takes calls
//! comes into a conversation, without the queue, and neither caller nor counsellor hears it ring.
//!
//! Who it is and whether that person may is the asker's matter; here each use is written into the
//! call's record, and told by notices for the audit.

use crate::api::{CommandError, Notice, Reply, TransferStarted, Who};
use crate::call::{Call, State, ThirdSide};
use crate::defect::Defect;
use crate::key::write_event;
use crate::press::MOST_PARTIES;
use crate::second::SeatCall;
use crate::shard::Shard;
use meishier_model::{CallId, Now, SeatId, TransferEvent, TransferRecord};
use meishier_transfer::{Handover, Manner, Mode, Role, Target, Terms, ThirdId};
use smallvec::SmallVec;

/// What stands in the record instead of a key's name.
const KEY: &str = "supervise";

impl Shard {
    pub(crate) fn on_supervise(
        &mut self,
        now: Now,
        token: u64,
        id: CallId,
        (seat, mode): (SeatId, Mode),
    ) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            result = shard.supervise(now, call, seat, mode);
        });
        self.reply(token, Reply::Transfer(result));
    }

    fn supervise(
        &mut self,
        now: Now,
        call: &mut Call,
        seat: SeatId,
        mode: Mode,
    ) -> Result<TransferStarted, CommandError> {
        match &call.state {
            State::Parting(_) | State::WrappingUp => return Err(CommandError::UnknownCall),
            State::Queued | State::Offered(_) => return Err(CommandError::NotTalking),
            State::Talking(_) | State::Transferring(_) => {}
        }
        let config = std::sync::Arc::clone(&self.config);
        let known = config.seats.get(seat.0 as usize);
        let name = known.ok_or(CommandError::UnknownSeat)?.name.clone();
        if !matches!(mode, Mode::Listen | Mode::Whisper | Mode::Full) {
            return Err(CommandError::ModeNotAllowed);
        }
        if self.pools.takes_calls(seat) {
            return Err(CommandError::SeatTakesCalls);
        }
        let there = |it: &ThirdSide| it.seat.as_ref().and_then(|it| it.seat()) == Some(seat);
        if call.thirds.iter().any(there) {
            return Err(CommandError::TransferRunning);
        }
        let full = call.thirds.len() + 2 >= MOST_PARTIES;
        let Some(count) = call.third_count.checked_add(1).filter(|_| !full) else {
            return Err(CommandError::ConferenceFull);
        };
        call.third_count = count;
        let third = ThirdId(count);
        self.enter_supervisor(now, call, third, (seat, &name, mode));
        if !self.broken.is(Defect::SupervisorUntold) {
            self.tell_part(call, Who::Third(third), Role::Supervisor, mode);
        }
        self.run_third(now, call, third);
        Ok(TransferStarted {
            third,
            dialled: name,
            reason: mode.as_str().to_owned(),
            asks: None,
        })
    }

    fn enter_supervisor(
        &mut self,
        now: Now,
        call: &mut Call,
        id: ThirdId,
        (seat, name, mode): (SeatId, &str, Mode),
    ) {
        let record = TransferRecord {
            dialled: name.to_owned(),
            reason: mode.as_str().to_owned(),
            ..TransferRecord::begun(KEY, now.wall)
        };
        let ring = self.config.offer.ring;
        let terms = Terms {
            manner: Manner::Warm,
            brief: false,
            ring,
            limit: ring,
        };
        let target = Target {
            dials: SmallVec::new(),
            trunks: SmallVec::new(),
            city: String::new(),
            located: None,
            key: usize::MAX,
            reason: String::new(),
            doubt: String::new(),
        };
        let machine = Handover::dialling(now.mono, terms, 1);
        let at = (call.trunk, call.transfers.len());
        let side = ThirdSide {
            mode,
            seat: Some(Box::new(SeatCall::named(seat))),
            ..ThirdSide::new((id, Role::Supervisor), machine, target, at)
        };
        self.put_third(call, side, record);
    }

    /// Tells that a party takes part so from now on: for the audit.
    pub(crate) fn tell_part(&mut self, call: &Call, who: Who, role: Role, mode: Mode) {
        self.notice(Notice::TakesPart {
            call: call.id,
            who,
            role,
            mode,
        });
    }

    /// The same, with a line in the time line of whoever came by a key.
    pub(crate) fn note_part(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third(third) else {
            return;
        };
        let (record, role, mode) = (side.record, side.role, side.mode);
        let event = TransferEvent::new(now.wall, "mode", mode.as_str().to_owned());
        write_event(call, record, event);
        self.tell_part(call, Who::Third(third), role, mode);
    }
}
