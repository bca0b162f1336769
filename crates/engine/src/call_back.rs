//! A caller who hung up while help was on the way or there is called back into the same conversation:
//! only as [`meishier_transfer::call_back`] allows it, and one call at a time.
//!
//! Whoever answers comes in as a third party of the role of a caller. It hears nobody but those who are
//! there: nothing is played, no name is given, no dossier goes along, and From is the trunk's own number.
//! That it is the caller who answered, and nobody else, is what a confirmation says of this third party.
//! If nobody answers it is told as that of any target, and is no alarm.

use crate::api::{CallBackResult, CallBackView, CommandError, Notice, Reply, TransferStarted};
use crate::call::{Call, State, ThirdSide};
use crate::key::write_event;
use crate::press::MOST_PARTIES;
use crate::shard::Shard;
use meishier_model::{
    CallBackRecord, CallId, Now, TransferEvent, TransferOutcome, TransferRecord, Wall,
};
use meishier_routing::Number;
use meishier_transfer::call_back::{Refused, Terms as Asked, is_subscriber};
use meishier_transfer::{
    Dial, Facts, Handover, Key, KeyKind, Manner, Mode, Role, Target, Terms, ThirdId,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

/// What stands in the record instead of a key's name.
const KEY: &str = "call_back";
/// How long the caller's telephone rings at most; most mailboxes answer later.
const RING: Duration = Duration::from_secs(25);
/// Most times that a caller is called back in one call: a telephone that rings again and again is noticed.
const MOST_TIMES: usize = 3;

/// What a call knows of calling back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CallBackState {
    /// When the consent that holds was written down.
    consent: Option<Wall>,
    /// When the caller hung up and somebody was to call back.
    since: Option<Wall>,
    /// A counsellor has said that the caller answered.
    reached: bool,
}

/// These facts take the place of those before: a consent that stands on keeps its moment.
pub(crate) fn note_consent(now: Now, call: &mut Call, facts: &Facts) {
    let agreed = facts.call_back.as_ref().is_some_and(|it| it.consent);
    let kept = call.call_back.consent.filter(|_| agreed);
    call.call_back.consent = kept.or(agreed.then_some(now.wall));
}

impl ThirdSide {
    /// It is the caller's own telephone, called back.
    pub(crate) fn is_call_back(&self) -> bool {
        self.role == Role::Caller
    }
}

fn is_over(call: &Call) -> bool {
    matches!(call.state, State::Parting(_) | State::WrappingUp)
}

/// How often the caller was called back.
fn times(call: &Call) -> usize {
    call.transfers.iter().filter(|it| it.key == KEY).count()
}

impl Shard {
    pub(crate) fn on_call_back(&mut self, now: Now, token: u64, id: CallId) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| result = shard.call_back(now, call));
        self.reply(token, Reply::Transfer(result));
    }

    fn call_back(&mut self, now: Now, call: &mut Call) -> Result<TransferStarted, CommandError> {
        match &call.state {
            _ if is_over(call) => return Err(CommandError::UnknownCall),
            State::Transferring(_) if call.side.gone => {}
            State::Talking(_) | State::Transferring(_) => return Err(CommandError::CallerThere),
            _ => return Err(CommandError::NotTalking),
        }
        if call.thirds.iter().any(ThirdSide::is_call_back) {
            return Err(CommandError::CallBackRunning);
        }
        if let Err(why) = self.may_call_back(now, call) {
            return Err(self.refuse_call_back(now, call, why));
        }
        if times(call) >= MOST_TIMES {
            return Err(CommandError::CallBackSpent);
        }
        let full = call.thirds.len() + 2 >= MOST_PARTIES;
        let Some(count) = call.third_count.checked_add(1).filter(|_| !full) else {
            return Err(CommandError::ConferenceFull);
        };
        call.third_count = count;
        let third = ThirdId(count);
        let started = TransferStarted {
            third,
            dialled: call.caller.masked(),
            reason: self.reason_for(call),
            asks: None,
        };
        self.tell_call_back(call.id, CallBackResult::Dialled);
        self.enter_call_back(now, call, &started);
        self.run_third(now, call, third);
        Ok(started)
    }

    /// Nothing is dialled; that it was asked for stands in the time line of whoever came last.
    fn refuse_call_back(&mut self, now: Now, call: &mut Call, why: Refused) -> CommandError {
        let last = call.transfers.len().saturating_sub(1);
        let event = TransferEvent::new(now.wall, "call_back_refused", why.as_str().to_owned());
        write_event(call, last, event);
        self.tell_call_back(call.id, why.into());
        CommandError::CallBack(why)
    }

    /// Whether the caller may be called back at this moment.
    fn may_call_back(&self, now: Now, call: &Call) -> Result<(), Refused> {
        let said = call.facts.call_back.as_ref();
        let asked = Asked {
            number: self.has_own_number(call),
            consent: call.call_back.consent.is_some(),
            own: said.and_then(|it| it.hours()),
            house: self.config.call_backs.hours,
        };
        asked.allow(now.wall)
    }

    fn has_own_number(&self, call: &Call) -> bool {
        !call.withheld && !call.switchboard && is_subscriber(&self.own_number(call))
    }

    /// The caller's number in its one form.
    pub(crate) fn own_number(&self, call: &Call) -> Number {
        let trunk = self.config.trunks.get(usize::from(call.trunk.0));
        let code = trunk.and_then(|it| it.area_code.as_deref());
        Number::in_area(call.caller.reveal(), code)
    }

    fn reason_for(&self, call: &Call) -> String {
        let own = call.facts.call_back.as_ref().and_then(|it| it.hours());
        match own {
            Some(_) => "来电者同意回拨，且在其所说的安全时段内".to_owned(),
            None => "来电者同意回拨，且在回拨时段内".to_owned(),
        }
    }

    fn enter_call_back(&mut self, now: Now, call: &mut Call, started: &TransferStarted) {
        let record = TransferRecord {
            dialled: started.dialled.clone(),
            reason: started.reason.clone(),
            ..TransferRecord::begun(KEY, now.wall)
        };
        let mut trunks = self.config.call_backs.trunks.iter().copied();
        let trunk = trunks.next().unwrap_or(call.trunk);
        let key = Key {
            backup: trunks.collect(),
            ring: RING,
            limit: RING,
            ..Key::usual(KEY, "", KeyKind::Number, trunk)
        };
        let terms = Terms {
            manner: Manner::Warm,
            brief: false,
            ring: RING,
            limit: RING,
        };
        let target = Target {
            dials: SmallVec::from_iter([Dial::Caller]),
            trunks: SmallVec::new(),
            city: String::new(),
            key: usize::MAX,
            reason: started.reason.clone(),
            doubt: String::new(),
        };
        let machine = Handover::dialling(now.mono, terms, 1);
        let at = (trunk, call.transfers.len());
        let side = ThirdSide {
            key: Some(Box::new(key)),
            ..ThirdSide::new((started.third, Role::Caller), machine, target, at)
        };
        self.put_third(call, side, record);
    }

    /// Somebody at the caller's is there: police of a quiet key are not to be heard there.
    pub(crate) fn hush(&mut self, now: Now, call: &mut Call) {
        let loud = |it: &&mut ThirdSide| {
            let quiet = it.machine.terms().manner == Manner::Quiet && it.role == Role::Target;
            it.present && quiet && it.mode == Mode::Full
        };
        let mut hushed: SmallVec<[ThirdId; 4]> = SmallVec::new();
        for side in call.thirds.iter_mut().filter(loud) {
            side.mode = Mode::Back;
            hushed.push(side.id);
        }
        for third in hushed {
            self.note_part(now, call, third);
        }
    }

    /// The caller hung up while help was on the way or there.
    pub(crate) fn call_back_due(&mut self, now: Now, call: &mut Call) {
        call.call_back.since.get_or_insert(now.wall);
        self.notice(Notice::CallBackDue { call: call.id });
    }

    /// A call back is over.
    pub(crate) fn called_back(
        &mut self,
        call: &mut Call,
        third: ThirdId,
        outcome: TransferOutcome,
    ) {
        let Some(side) = call.third(third).filter(|it| it.is_call_back()) else {
            return;
        };
        call.call_back.reached |= side.confirmed;
        self.tell_call_back(call.id, outcome.into());
    }

    fn tell_call_back(&mut self, call: CallId, result: CallBackResult) {
        self.notice(Notice::CallBack { call, result });
    }

    /// What people see of it, once the caller has hung up.
    pub(crate) fn call_back_view(&self, now: Now, call: &Call) -> Option<CallBackView> {
        if !call.side.gone || !matches!(call.state, State::Transferring(_)) {
            return None;
        }
        Some(match self.may_call_back(now, call) {
            _ if call.thirds.iter().any(ThirdSide::is_call_back) => CallBackView::Running,
            Err(why) => CallBackView::Refused(why),
            Ok(()) if times(call) >= MOST_TIMES => CallBackView::Spent,
            Ok(()) => CallBackView::Allowed,
        })
    }

    /// What stands of it in the call's record.
    pub(crate) fn call_back_record(&self, call: &Call) -> Option<Box<CallBackRecord>> {
        let said = call.facts.call_back.as_ref();
        let state = &call.call_back;
        if said.is_none() && state.since.is_none() {
            return None;
        }
        let hours = said.filter(|it| it.hours().is_some());
        let hours = hours.and_then(|it| it.from.as_deref().zip(it.until.as_deref()));
        Some(Box::new(CallBackRecord {
            consent: state.consent,
            hours: hours.map_or(String::new(), |(from, until)| format!("{from}-{until}")),
            note: said.and_then(|it| it.note.clone()).unwrap_or_default(),
            number: self.has_own_number(call),
            since: state.since,
            reached: state.reached,
        }))
    }
}
