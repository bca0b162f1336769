//! The key: a third party is called while caller and counsellor keep talking.
//!
//! What happens when is the hand-over machine's (meishier-transfer); here its actions become legs
//! and media. Whoever is in the conversation is arranged anew after every change, from scratch.

use crate::api::{CommandError, Notice, Reply, TransferStarted};
use crate::call::{Call, State, TargetSide};
use crate::defect::Defect;
use crate::dial::Attempt;
use crate::ports::PortOwner;
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_media::{PromptId, Source};
use meishier_model::{
    CallId, LegId, Now, Outcome, PortId, ReleasedBy, TransferOutcome, TransferRecord,
};
use meishier_transfer::{
    Action, Handover, KeyKind, Notice as Told, Party, State as HandoverState, Target, TargetError,
};
use smallvec::SmallVec;

impl From<TargetError> for CommandError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::UnknownKey => Self::UnknownKey,
            TargetError::UnknownCity => Self::UnknownCity,
            TargetError::Ambiguous(names) => Self::AmbiguousCity(names),
        }
    }
}

impl Shard {
    pub(crate) fn on_key(&mut self, now: Now, token: u64, id: CallId, key: &str, city: &str) {
        let target = self.config.transfer.target(key, city);
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            result = match (&call.state, target) {
                (State::Parting(_) | State::WrappingUp, _) => Err(CommandError::UnknownCall),
                (State::Transferring(..), _) => Err(CommandError::TransferRunning),
                (State::Queued | State::Offered(_), _) => Err(CommandError::NotTalking),
                (State::Talking(_), Err(error)) => Err(error.into()),
                (State::Talking(_), Ok(target)) => shard.press(now, call, key, target),
            };
        });
        self.reply(token, Reply::Transfer(result));
    }

    /// True if an emergency key was pressed in this call.
    pub(crate) fn called_emergency(&self, call: &Call) -> bool {
        let keys = &self.config.transfer.keys;
        let emergency = |name: &str| {
            let key = keys.iter().find(|key| key.name == name);
            key.is_some_and(|key| key.kind == KeyKind::Emergency)
        };
        call.transfers
            .iter()
            .any(|transfer| emergency(&transfer.key))
    }

    fn press(
        &mut self,
        now: Now,
        call: &mut Call,
        key: &str,
        target: Target,
    ) -> Result<TransferStarted, CommandError> {
        let keys = &self.config.transfer.keys;
        let (ring, trunk) = keys
            .get(target.key)
            .map(|k| (k.ring, k.trunk))
            .ok_or(CommandError::UnknownKey)?;
        let mut machine = Handover::new();
        let started = TransferStarted {
            dialled: target.dial.clone(),
            reason: target.reason.clone(),
        };
        let record = TransferRecord {
            key: key.to_owned(),
            city: target.city.clone(),
            dialled: target.dial.clone(),
            reason: target.reason.clone(),
            at: now.wall,
            answered: None,
            outcome: TransferOutcome::Failed,
            status: 0,
            cause: String::new(),
            tried: Vec::new(),
        };
        machine
            .handle_press(now.mono, target, ring)
            .map_err(|_| CommandError::TransferRunning)?;
        let State::Talking(side) = std::mem::replace(&mut call.state, State::Queued) else {
            return Err(CommandError::NotTalking);
        };
        call.transfers.push(record);
        let target = TargetSide {
            machine,
            trunk,
            codecs: SmallVec::new(),
            leg: None,
            voice: None,
            version: 1,
            record: call.transfers.len() - 1,
            joined: false,
            attempt: Attempt::default(),
        };
        call.state = State::Transferring(Some(side), Box::new(target));
        self.run_handover(now, call);
        Ok(started)
    }

    pub(crate) fn on_cancel_key(&mut self, now: Now, token: u64, id: CallId) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            let Some(target) = call.target_mut() else {
                result = Err(CommandError::NoTransfer);
                return;
            };
            target.machine.handle_cancel();
            result = Ok(TransferStarted {
                dialled: String::new(),
                reason: String::new(),
            });
            shard.run_handover(now, call);
        });
        self.reply(token, Reply::Transfer(result));
    }

    pub(crate) fn on_target_progress(&mut self, now: Now, call: &mut Call, status: u16) {
        if status > 100 {
            self.on_peer_progress(call);
        }
        if status > 100
            && let Some(target) = call.target_mut()
        {
            target.machine.handle_ringing();
            self.run_handover(now, call);
        }
    }

    pub(crate) fn on_target_answered(
        &mut self,
        now: Now,
        call: &mut Call,
        leg: LegId,
        sdp: Option<&[u8]>,
    ) {
        if call
            .target_mut()
            .is_some_and(|target| target.leg == Some(leg))
        {
            self.on_peer_progress(call);
            self.note_tried(call, 200);
        }
        let agreed = call.target_mut().and_then(|target| {
            let voice = target.voice.as_ref()?;
            voice.accept(sdp?, &target.codecs).ok()
        });
        let Some(target) = call.target_mut().filter(|t| t.leg == Some(leg)) else {
            return self.release_leg(now, leg, None);
        };
        match (agreed, &mut target.voice) {
            (Some(agreed), Some(voice)) => {
                voice.settle(now, agreed);
                let record = target.record;
                target.machine.handle_answered();
                if let Some(record) = call.transfers.get_mut(record) {
                    record.answered = Some(now.wall);
                    record.status = 200;
                }
            }
            _ => {
                target.leg = None;
                target.machine.handle_failed(488);
                self.release_leg(now, leg, None);
            }
        }
        self.run_handover(now, call);
    }

    pub(crate) fn on_target_failed(
        &mut self,
        now: Now,
        call: &mut Call,
        leg: LegId,
        (status, retry_after): (u16, Option<u32>),
        cause: String,
    ) {
        if self.ask_another(now, call, leg, (status, retry_after)) {
            return self.run_handover(now, call);
        }
        self.note_cause(call, cause);
        if let Some(target) = call.target_mut() {
            target.leg = None;
            target.machine.handle_failed(status);
            self.run_handover(now, call);
        }
    }

    /// Why the target's side says that it refused or ended.
    pub(crate) fn note_cause(&mut self, call: &mut Call, cause: String) {
        let record = call.target_mut().map(|target| target.record);
        if let Some(record) = record.and_then(|at| call.transfers.get_mut(at)) {
            record.cause = cause;
        }
    }

    /// The peer that was asked last has said nothing for as long as it is given.
    pub(crate) fn on_peer_timer(&mut self, now: Now, call: &mut Call) {
        self.on_peer_silent(now, call);
        self.run_handover(now, call);
    }

    pub(crate) fn on_target_gone(&mut self, now: Now, call: &mut Call) {
        if let Some(target) = call.target_mut() {
            target.leg = None;
            target.machine.handle_party_left(Party::Target);
            self.run_handover(now, call);
        }
    }

    /// The target vanished without a word. A caller who was alone with it has nobody now: back to the
    /// head of the queue.
    pub(crate) fn on_target_lost(&mut self, now: Now, call: &mut Call) {
        let alone = matches!(&call.state, State::Transferring(None, target) if target.joined);
        if !alone {
            return self.on_target_gone(now, call);
        }
        self.close_transfer(call, TransferOutcome::Joined, 0);
        self.drop_target(now, call);
        self.back_in_line(now, call);
    }

    pub(crate) fn on_target_timer(&mut self, now: Now, call: &mut Call) {
        if let Some(target) = call.target_mut() {
            target.machine.handle_timeout(now.mono);
            self.run_handover(now, call);
        }
    }

    pub(crate) fn on_counsellor_gone_in_transfer(&mut self, now: Now, call: &mut Call) {
        if self.broken.is(Defect::CounsellorTakesCallerAlong) {
            self.close_transfer(call, TransferOutcome::Joined, 0);
            return self.end_transfer(now, call, ReleasedBy::Seat);
        }
        self.release_seat(now, call, false);
        if let Some(target) = call.target_mut() {
            target.machine.handle_party_left(Party::Counsellor);
            self.run_handover(now, call);
        }
    }

    pub(crate) fn on_caller_gone_in_transfer(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        if let Some(target) = call.target_mut() {
            target.machine.handle_party_left(Party::Caller);
            self.run_handover(now, call);
        }
        if call.ending.is_none() {
            self.end_transfer(now, call, by);
        }
    }

    /// Ends everything that is left of the call.
    fn end_transfer(&mut self, now: Now, call: &mut Call, by: ReleasedBy) {
        self.drop_target(now, call);
        self.release_seat(now, call, true);
        self.finish(now, call, Outcome::Answered, by, 0);
    }

    /// Carries out what the machine wants, then arranges who hears whom.
    fn run_handover(&mut self, now: Now, call: &mut Call) {
        let mut told = None;
        while let Some(action) = call.target_mut().and_then(|t| t.machine.poll_action()) {
            match action {
                Action::Dial(target) => self.dial(now, call, &target),
                Action::Join => {
                    if let Some(target) = call.target_mut() {
                        target.joined = true;
                    }
                }
                Action::Tell(notice) => told = Some(notice),
                Action::Drop(Party::Target) => self.drop_target(now, call),
                Action::Drop(Party::Counsellor) => self.release_seat(now, call, false),
                Action::Drop(Party::Caller) | Action::End => {
                    let by = if call.side.gone {
                        ReleasedBy::Caller
                    } else {
                        ReleasedBy::Seat
                    };
                    return self.end_transfer(now, call, by);
                }
                Action::Finished { outcome, status } => self.close_transfer(call, outcome, status),
                Action::Requeue => {
                    self.drop_target(now, call);
                    return self.back_in_line(now, call);
                }
            }
        }
        self.after_handover(now, call, told);
    }

    fn after_handover(&mut self, now: Now, call: &mut Call, told: Option<Told>) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::TransferRing(_)));
        let Some(target) = call.target_mut() else {
            return;
        };
        let (deadline, state) = (target.machine.poll_timeout(), target.machine.state());
        if let Some(at) = deadline.filter(|_| !self.broken.is(Defect::TargetRingsForEver)) {
            self.set_call_timer(call, at, Timer::TransferRing(call.id));
        }
        if state == HandoverState::Done {
            // A target that left by itself has no leg any more, but still its port.
            self.drop_target(now, call);
        }
        if state == HandoverState::Done
            && let State::Transferring(side @ Some(_), _) = &mut call.state
            && let Some(side) = side.take()
        {
            call.state = State::Talking(side);
        }
        self.arrange(call);
        match told {
            Some(Told::Failed(_) | Told::NoAnswer) => {
                self.say_over(call, PromptId::TransferFailed, true)
            }
            Some(Told::Dialling) => self.say_over(call, PromptId::TransferDialling, false),
            _ => {}
        }
    }

    fn close_transfer(&mut self, call: &mut Call, outcome: TransferOutcome, status: u16) {
        let id = call.id;
        let Some(index) = call.target_mut().map(|t| t.record) else {
            return;
        };
        if let Some(record) = call.transfers.get_mut(index) {
            record.outcome = outcome;
            record.status = if status == 0 { record.status } else { status };
        }
        self.notice(Notice::Transfer { call: id, outcome });
    }

    /// Hangs up the target and gives its port up; the machine is left as it is.
    pub(crate) fn drop_target(&mut self, now: Now, call: &mut Call) {
        let Some(target) = call.target_mut() else {
            return;
        };
        target.joined = false;
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_)));
        self.note_tried(call, 0);
        let Some(target) = call.target_mut() else {
            return;
        };
        let (leg, voice) = (target.leg.take(), target.voice.take());
        if let Some(leg) = leg {
            self.release_leg(now, leg, None);
        }
        if let Some(voice) = voice {
            self.drop_voice(&voice, call);
        }
    }

    /// Who hears whom, from those who are there.
    pub(crate) fn arrange(&mut self, call: &mut Call) {
        let mut caller = call.side.voice.clone();
        let mut seat = call.seat_side().and_then(|side| side.voice.clone());
        let (mut target, dialling) = match &call.state {
            State::Transferring(_, side) => (
                side.voice.clone().filter(|_| side.joined),
                side.leg.is_some() && !side.joined,
            ),
            _ => (None, false),
        };
        for voice in [Some(&mut caller), seat.as_mut(), target.as_mut()]
            .into_iter()
            .flatten()
        {
            self.open_voice(voice);
        }
        let present: Vec<PortId> = [Some(&caller), seat.as_ref(), target.as_ref()]
            .into_iter()
            .flatten()
            .filter(|v| v.open)
            .map(|v| v.port)
            .collect();
        for voice in [Some(&caller), seat.as_ref(), target.as_ref()]
            .into_iter()
            .flatten()
        {
            let others: Vec<PortId> = present
                .iter()
                .copied()
                .filter(|port| *port != voice.port)
                .collect();
            let source = match others.as_slice() {
                [] if dialling => Source::Ringback,
                [] => Source::Comfort,
                [other] => Source::Peer(*other),
                _ => Source::Mix(others),
            };
            self.hear(voice, source);
        }
        call.side.voice = caller;
        if let (Some(side), Some(voice)) = (call.seat_side_mut(), seat) {
            side.voice = Some(voice);
        }
        if let (Some(side), Some(voice)) = (call.target_mut(), target) {
            side.voice = Some(voice);
        }
    }

    /// Says something to the counsellor, and to the caller if `both`, over the conversation that
    /// goes on.
    fn say_over(&mut self, call: &mut Call, prompt: PromptId, both: bool) {
        let caller = call.side.voice.clone();
        let Some(seat) = call.seat_side().and_then(|side| side.voice.clone()) else {
            return;
        };
        let listeners = [(&seat, &caller), (&caller, &seat)];
        for (voice, other) in listeners.into_iter().take(if both { 2 } else { 1 }) {
            let token = self.token();
            let prompts = vec![prompt];
            // A caller whose description is still to come with the ACK is not heard yet.
            let parties = other.open.then_some(other.port).into_iter().collect();
            self.hear(
                voice,
                Source::Over {
                    parties,
                    prompts,
                    token,
                },
            );
        }
    }

    /// What was said over a conversation is over.
    pub(crate) fn on_said(&mut self, port: PortId) {
        let id = match self.ports.owner(port) {
            Some(PortOwner::Caller(id) | PortOwner::Seat(id) | PortOwner::Target(id)) => id,
            _ => return,
        };
        self.with_call(id, |shard, call| {
            if matches!(call.state, State::Talking(_) | State::Transferring(..)) {
                shard.arrange(call);
            }
        });
    }
}
