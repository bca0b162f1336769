//! The key: a third party is called while caller and counsellor keep talking.
//!
//! What happens when is the hand-over machine's (meishier-transfer); here its actions become legs and
//! events of the record. Who is left, and what that asks for, is the conference's.

use crate::api::{CommandError, LateAlarm, Notice, Reply};
use crate::call::{Call, KeyAlarm, State, ThirdSide};
use crate::conference::may_be_left;
use crate::defect::Defect;
use crate::quiet::{has_caller, is_attended, is_ours};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_media::PromptId;
use meishier_model::{CallId, Now, TransferEvent, TransferOutcome};
use meishier_transfer::{
    Action, Dial, KeyKind, Leaving, Manner, Mode, Notice as Told, Role, Target, ThirdId,
};
use std::time::Duration;

/// Most emergencies of one call that are remembered as failed.
const MOST_ALARMS: usize = 8;
/// Most alarms of calls that are over that a shard keeps.
const MOST_LATE_ALARMS: usize = 64;
/// Most events of one use of a key that the record keeps; the rest is of no use to anybody.
const MOST_EVENTS: usize = 256;

/// What a use of a key reaches, as the key was when it was pressed.
fn kind_of(side: &ThirdSide) -> KeyKind {
    match (&side.key, side.role) {
        (_, Role::Caller) => KeyKind::Number,
        (Some(key), _) => key.kind,
        (None, Role::SecondLine) => KeyKind::SecondLine,
        (None, Role::Supervisor) => KeyKind::Supervisor,
        (None, _) if side.emergency => KeyKind::Emergency,
        (None, _) => KeyKind::Number,
    }
}

/// What a person may dial by hand. A telephone has no keys for a SIP address: the number that is tried
/// after it, which is area code and key where the place counts; else the key, if that is a number.
fn number_by_hand<'a>(target: &'a Target, key: &'a str) -> &'a str {
    let number = |dial: &'a Dial| match dial {
        Dial::Number(number) => Some(number.as_str()),
        Dial::Uri(_) | Dial::Caller => None,
    };
    let digits = !key.is_empty() && key.bytes().all(|it| it.is_ascii_digit());
    let mut last = target.dials.iter().rev();
    let found = last.find_map(number).or(digits.then_some(key));
    found.unwrap_or(target.first())
}

/// Who hung up without having taken over a caller who was alone with them.
fn left_alone(call: &Call, side: &ThirdSide) -> bool {
    let other = |it: &&ThirdSide| it.id != side.id && it.present && is_ours(it);
    let somebody = is_attended(call) || call.thirds.iter().any(|it| other(&it));
    side.emergency && !side.confirmed && !somebody && has_caller(call)
}

impl Shard {
    /// Carries out what the machine wants, then arranges who hears whom.
    pub(crate) fn run_third(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let mut told = None;
        let mut over = None;
        // Nobody hears that a supervisor's telephone rings, or that it does not answer.
        let unheard = call.third(third).is_some_and(ThirdSide::is_named);
        // A caller is not to hear that police were called: somebody may listen.
        let quiet = |it: &ThirdSide| it.machine.terms().manner == Manner::Quiet;
        let discreet = call
            .third(third)
            .is_some_and(|it| it.emergency || quiet(it));
        let mut lost_help = false;
        while let Some(action) = call
            .third_mut(third)
            .and_then(|it| it.machine.poll_action())
        {
            match action {
                Action::Dial(_) if self.is_seat(call, third) => self.call_seat(now, call, third),
                Action::Dial(index) => self.dial(now, call, third, index),
                Action::Brief => self.brief(now, call, third),
                Action::Meet if !is_attended(call) => {
                    // Nobody is there to talk apart with: the caller is not to wait for that.
                    let _ = call.third_mut(third).map(|it| it.machine.handle_join());
                }
                Action::Meet => self.take_part(call, third, Mode::Aside),
                Action::Join => self.join(now, call, third),
                Action::Tell(notice) => {
                    if let (Told::Confirmed, Some(side)) = (notice, call.third_mut(third)) {
                        side.confirmed = true;
                    }
                    if let Told::Dialling(_) = notice {
                        self.note_emergency(now, call, third);
                    }
                    self.note_event(now, call, third, notice);
                    self.refer_told(now, call, third, notice);
                    told = Some(notice);
                }
                Action::Late => self.alarm_third(call, third),
                Action::Drop => self.drop_third(now, call, third),
                Action::Finished { outcome, status } => over = Some((outcome, status)),
            }
        }
        if let Some((outcome, status)) = over {
            lost_help = call
                .third(third)
                .is_some_and(|it| it.emergency && !it.confirmed);
            self.close_third(call, third, (outcome, status), false);
            self.close_dossier(now, call, third, (outcome, false));
            self.refer_over(now, call, third, (outcome, status));
            // Police who have not taken over have left the caller where it was.
            let done = |it: &ThirdSide| !it.lost && (!it.emergency || it.confirmed);
            let served = call.third(third).is_some_and(done);
            let (role, key) = (call.third(third)).map_or((Role::Target, String::new()), |it| {
                (it.role, it.key_name(call).to_owned())
            });
            self.drop_third(now, call, third);
            call.thirds.retain(|it| it.id != third);
            self.third_left(now, call, served && outcome == TransferOutcome::Joined);
            let missing = match outcome {
                TransferOutcome::Failed | TransferOutcome::NoAnswer => true,
                // Who stood in has left a caller with police who have not taken over.
                TransferOutcome::Joined => !may_be_left(call),
                TransferOutcome::Cancelled => false,
            };
            if missing && role == Role::SecondLine {
                self.alarm_unattended(call, third, key);
            }
        }
        self.set_ring_timer(call, third);
        self.settle_conference(now, call);
        match told {
            _ if unheard => {}
            Some(Told::Failed(_) | Told::NoAnswer) if over.is_some() => {
                self.say_over(call, PromptId::TransferFailed, !discreet);
            }
            Some(Told::TargetLeft) if lost_help => {
                self.say_over(call, PromptId::TransferFailed, false);
            }
            // Not before it is settled whom to dial, and not if that has failed at once.
            Some(Told::Dialling(0)) if self.is_blind(call, third) => {
                self.counsellor_leaves(now, call, Leaving::Planned);
            }
            Some(Told::Dialling(0)) => self.say_over(call, PromptId::TransferDialling, false),
            _ => {}
        }
    }

    /// The counsellor does not wait for this target, unless an emergency is open.
    fn is_blind(&self, call: &Call, third: ThirdId) -> bool {
        let blind = |it: &ThirdSide| it.machine.terms().manner == Manner::Blind;
        let there = matches!(call.state, State::Transferring(Some(_)));
        there && may_be_left(call) && call.third(third).is_some_and(blind)
    }

    /// Police, ambulance or fire are dialled: the call is an emergency to its end, and whoever of the
    /// second line is asked for stands at the head.
    fn note_emergency(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let emergency = call.third(third).is_some_and(|it| it.emergency);
        if emergency && !call.emergency {
            call.emergency = true;
            self.raise_seconds(now, call);
        }
    }

    pub(crate) fn is_seat(&self, call: &Call, third: ThirdId) -> bool {
        call.third(third).is_some_and(|it| it.seat.is_some())
    }

    fn set_ring_timer(&mut self, call: &mut Call, third: ThirdId) {
        self.cancel_call_timers(
            call,
            |t| matches!(t, Timer::TransferRing(_, it) if *it == third),
        );
        let deadline = call.third(third).and_then(|it| it.machine.poll_timeout());
        if let Some(at) = deadline.filter(|_| !self.broken.is(Defect::TargetRingsForEver)) {
            self.set_call_timer(call, at, Timer::TransferRing(call.id, third));
        }
    }

    /// The target comes into the conversation as its manner has it; who was apart with it comes back.
    fn join(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let mode = match call.third(third) {
            Some(side) if side.is_named() => side.mode,
            Some(side)
                if side.machine.terms().manner == Manner::Quiet && side.role == Role::Target =>
            {
                Mode::Back
            }
            _ => Mode::Full,
        };
        self.take_part(call, third, mode);
        if call.third(third).is_some_and(ThirdSide::is_call_back) {
            self.hush(now, call);
        }
        if mode != Mode::Full || call.third(third).is_some_and(ThirdSide::is_named) {
            self.note_part(now, call, third);
        }
        let record = call.third(third).map(|it| it.record);
        if let Some(record) = record.and_then(|at| call.transfers.get(at)) {
            call.alarms
                .retain(|it| !it.is_of(&record.key, &record.city));
        }
    }

    pub(crate) fn take_part(&mut self, call: &mut Call, third: ThirdId, mode: Mode) {
        if let Some(side) = call.third_mut(third) {
            side.present = true;
            side.mode = mode;
        }
        self.come_back(call);
    }

    /// The counsellor is apart exactly as long as somebody is with them.
    pub(crate) fn come_back(&self, call: &mut Call) {
        let apart = |it: &ThirdSide| it.present && it.mode == Mode::Aside;
        call.modes.1 = match (call.thirds.iter().any(apart), call.modes.1) {
            (true, _) => Mode::Aside,
            (false, Mode::Aside) => Mode::Full,
            (false, mode) => mode,
        };
    }

    /// Tells how long it took from the key to an answer.
    pub(crate) fn tell_answered(&mut self, now: Now, call: &Call, third: ThirdId) {
        let Some(side) = call.third(third) else {
            return;
        };
        let pressed = call.transfers.get(side.record).map_or(now.wall, |it| it.at);
        let after = u64::try_from(now.wall.0.saturating_sub(pressed.0)).unwrap_or(0);
        self.notice(Notice::TransferAnswered {
            call: call.id,
            kind: kind_of(side),
            after: Duration::from_millis(after),
        });
    }

    /// Writes down what came of a use of a key. An emergency that reached nobody is an alarm, and so is
    /// one that nobody waits for any more (`cut_off`), and one that vanished before it took over.
    pub(crate) fn close_third(
        &mut self,
        call: &mut Call,
        third: ThirdId,
        (outcome, status): (TransferOutcome, u16),
        cut_off: bool,
    ) {
        self.called_back(call, third, outcome);
        let Some(side) = call.third(third) else {
            return;
        };
        let (index, emergency, kind) = (side.record, side.emergency, kind_of(side));
        // Whoever vanished before it took over may not have been told enough, nor may police who have
        // found nobody, or a caller alone.
        let alone = !cut_off && left_alone(call, side);
        let vanished = !side.confirmed && (side.lost || !side.met || alone);
        if let Some(record) = call.transfers.get_mut(index) {
            record.outcome = outcome;
            record.status = if status == 0 { record.status } else { status };
        }
        let id = call.id;
        self.notice(Notice::Transfer {
            call: id,
            third,
            kind,
            outcome,
        });
        let reached_nobody = match outcome {
            TransferOutcome::Failed | TransferOutcome::NoAnswer => true,
            TransferOutcome::Joined => vanished,
            TransferOutcome::Cancelled => cut_off,
        };
        if emergency && reached_nobody {
            self.alarm_third(call, third);
        } else if outcome == TransferOutcome::Cancelled {
            // A person took it back after all: nobody is to dial by hand.
            call.alarms.retain(|it| it.third != third.0);
        }
    }

    /// An emergency reached nobody, or has not within the time for all of it; told once.
    pub(crate) fn alarm_third(&mut self, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third).filter(|it| it.emergency) else {
            return;
        };
        if std::mem::replace(&mut side.alarmed, true) {
            return;
        }
        let (index, target) = (side.record, side.target.clone());
        let Some(record) = call.transfers.get(index) else {
            return;
        };
        let alarm = KeyAlarm {
            third: third.0,
            key: record.key.clone(),
            city: record.city.clone(),
            number: number_by_hand(&target, &record.key).to_owned(),
        };
        self.raise_alarm(call, alarm);
    }

    /// The same service of the same place is not shown twice: the later stands for both.
    pub(crate) fn raise_alarm(&mut self, call: &mut Call, alarm: KeyAlarm) {
        if self.broken.is(Defect::AlarmForgotten) {
            return;
        }
        let third = ThirdId(alarm.third);
        call.alarms.retain(|it| !it.is_of(&alarm.key, &alarm.city));
        if call.alarms.len() < MOST_ALARMS {
            call.alarms.push(alarm);
        }
        self.notice(Notice::TransferAlarm {
            call: call.id,
            third,
        });
    }

    /// What nobody has seen to yet is not forgotten because its call is over; that nobody of this house
    /// was there is of no use any more.
    pub(crate) fn keep_alarms(&mut self, call: &mut Call) {
        let id = call.id;
        let mut alarms = std::mem::take(&mut call.alarms);
        alarms.retain(|it| !it.is_of_this_house());
        for it in alarms {
            if self.alarms.len() >= MOST_LATE_ALARMS {
                self.alarms.pop_front();
            }
            self.alarms.push_back(LateAlarm {
                call: id,
                third: ThirdId(it.third),
                key: it.key,
                number: it.number,
            });
        }
    }

    /// Somebody has seen to the alarms of these third parties; to all of the call's if none is named.
    pub(crate) fn on_alarm_seen(&mut self, token: u64, id: CallId, thirds: &[ThirdId]) {
        let mut result = Err(CommandError::UnknownCall);
        let seen = |third: ThirdId| thirds.is_empty() || thirds.contains(&third);
        if self.alarms.iter().any(|it| it.call == id) {
            result = Ok(());
        }
        self.alarms.retain(|it| it.call != id || !seen(it.third));
        self.with_call(id, |_, call| {
            call.alarms.retain(|it| !seen(ThirdId(it.third)));
            result = Ok(());
        });
        self.reply(token, Reply::Done(result));
    }

    fn note_event(&mut self, now: Now, call: &mut Call, third: ThirdId, notice: Told) {
        let Some(side) = call.third(third) else {
            return;
        };
        let (what, detail) = match notice {
            Told::Asking => ("asking", String::new()),
            Told::Dialling(index) => {
                let dial = side.target.dials.get(usize::from(index));
                (
                    "dialling",
                    dial.map_or(String::new(), |it| it.as_str().to_owned()),
                )
            }
            Told::Ringing => ("ringing", String::new()),
            Told::Briefing => ("briefing", String::new()),
            Told::Apart => ("apart", String::new()),
            Told::Joined => ("joined", String::new()),
            Told::Confirmed => ("confirmed", String::new()),
            Told::Failed(status) => ("failed", status.to_string()),
            Told::NoAnswer => ("no_answer", String::new()),
            Told::Cancelled => ("cancelled", String::new()),
            Told::TargetLeft => ("target_left", String::new()),
        };
        let (record, role) = (side.record, side.role);
        self.notice(Notice::TransferStep {
            call: call.id,
            third,
            role,
            step: notice,
        });
        write_event(call, record, TransferEvent::new(now.wall, what, detail));
    }

    /// Hangs up the target and gives its port up; the machine is left as it is.
    pub(crate) fn drop_third(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        side.present = false;
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        self.drop_second(now, call, third);
        self.note_tried(call, third, 0);
        self.drop_spare_channel(call, third);
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let (leg, voice) = (side.leg.take(), side.voice.take());
        if let Some(leg) = leg.filter(|_| !self.broken.is(Defect::TargetLeftBehind)) {
            self.release_leg(now, leg, None);
        }
        if let Some(voice) = voice {
            self.drop_voice(&voice, call);
        }
    }
}

/// One line of the time line of a use of a key.
pub(crate) fn write_event(call: &mut Call, record: usize, event: TransferEvent) {
    if let Some(record) = call.transfers.get_mut(record)
        && record.events.len() < MOST_EVENTS
    {
        record.events.push(event);
    }
}
