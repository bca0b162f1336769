//! What becomes of the leg of somebody whom a key called: it rings, answers, fails, ends.

use crate::call::Call;
use crate::shard::Shard;
use meishier_model::{LegId, Now, OfferOutcome};
use meishier_transfer::ThirdId;

impl Shard {
    pub(crate) fn on_target_progress(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        status: u16,
    ) {
        if status <= 100 {
            return;
        }
        self.on_peer_progress(call, third);
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_ringing();
            self.run_third(now, call, third);
        }
    }

    pub(crate) fn on_target_answered(
        &mut self,
        now: Now,
        call: &mut Call,
        (third, leg): (ThirdId, LegId),
        sdp: Option<&[u8]>,
    ) {
        if call.third(third).is_none_or(|side| side.leg != Some(leg)) {
            return self.release_leg(now, leg, None);
        }
        self.on_peer_progress(call, third);
        self.note_tried(call, third, 200);
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let agreed = (side.voice.as_ref().zip(sdp))
            .and_then(|(voice, sdp)| voice.accept(sdp, &side.codecs).ok());
        match (agreed, &mut side.voice) {
            (Some(agreed), Some(voice)) => {
                voice.settle(now, agreed);
                let record = side.record;
                side.machine.handle_answered();
                if let Some(record) = call.transfers.get_mut(record) {
                    record.answered = Some(now.wall);
                    record.status = 200;
                }
                self.tell_answered(now, call, third);
                self.second_answered(now, call, third);
            }
            _ if side.seat.is_some() => {
                self.end_bid(now, call, third, (OfferOutcome::Unreachable, 488));
            }
            _ => {
                side.leg = None;
                self.drop_third(now, call, third);
                if let Some(side) = call.third_mut(third) {
                    side.machine.handle_failed(now.mono, 488);
                }
                self.release_leg(now, leg, None);
            }
        }
        self.run_third(now, call, third);
    }

    pub(crate) fn on_target_failed(
        &mut self,
        now: Now,
        call: &mut Call,
        (third, leg): (ThirdId, LegId),
        (status, retry_after): (u16, Option<u32>),
        cause: String,
    ) {
        if self.is_seat(call, third) {
            return self.on_telephone_failed(now, call, (third, leg), status, cause);
        }
        if self.ask_another(now, call, third, leg, (status, retry_after)) {
            return self.run_third(now, call, third);
        }
        self.note_cause(call, third, cause);
        if let Some(side) = call.third_mut(third) {
            side.leg = None;
            self.drop_third(now, call, third);
        }
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_failed(now.mono, status);
            self.run_third(now, call, third);
        }
    }

    /// Why the target's side says that it refused or ended.
    pub(crate) fn note_cause(&mut self, call: &mut Call, third: ThirdId, cause: String) {
        let record = call.third(third).map(|side| side.record);
        if let Some(record) = record.and_then(|at| call.transfers.get_mut(at)) {
            record.cause = cause;
        }
    }

    /// The peer that was asked last has said nothing for as long as it is given.
    pub(crate) fn on_peer_timer(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if self.is_seat(call, third) {
            self.on_telephone_silent(now, call, third);
        } else {
            self.on_peer_silent(now, call, third);
        }
        self.run_third(now, call, third);
    }

    pub(crate) fn on_target_gone(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if let Some(side) = call.third_mut(third) {
            side.leg = None;
            side.machine.handle_failed(now.mono, 0);
            self.run_third(now, call, third);
        }
    }

    /// The target vanished without a word: a caller who was alone with it was not served.
    pub(crate) fn on_target_lost(&mut self, now: Now, call: &mut Call, leg: LegId) {
        let Some(third) = call.third_of(leg).map(|side| side.id) else {
            return;
        };
        if let Some(side) = call.third_mut(third) {
            side.lost = true;
        }
        self.on_target_gone(now, call, third);
    }

    pub(crate) fn on_target_timer(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_timeout(now.mono);
            self.run_third(now, call, third);
        }
    }
}
