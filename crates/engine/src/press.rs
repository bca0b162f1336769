//! A key is pressed, or something is wished of whom it called: what fits the moment, and what does not.

use crate::api::{Asks, CommandError, Press, Reply, ThirdWish, TransferStarted};
use crate::call::{Call, State, ThirdSide};
use crate::conference::standing;
use crate::defect::Defect;
use crate::quiet::is_attended;
use crate::shard::Shard;
use meishier_model::{CallId, Now, TransferRecord};
use meishier_transfer::{
    Choice, Handover, Key, KeyKind, Manner, Reach, Role, State as Step, Target, TargetError, Terms,
    Third, ThirdId,
};
use std::time::Duration;

/// Most parties of one conference, caller and counsellor included.
pub(crate) const MOST_PARTIES: usize = 8;

impl From<TargetError> for CommandError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::UnknownKey => Self::UnknownKey,
            TargetError::UnknownCity => Self::UnknownCity,
            TargetError::Ambiguous(names) => Self::AmbiguousCity(names),
        }
    }
}

/// What the counsellor is asked, and for how long.
fn asked(choice: &Choice) -> (Option<Asks>, Option<Duration>) {
    let Choice::Asks {
        likely,
        others,
        within,
    } = choice
    else {
        return (None, None);
    };
    let cities = std::iter::once(&likely.city).chain(others);
    let asks = Asks {
        cities: cities.cloned().collect(),
        within_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
    };
    (Some(asks), Some(*within))
}

fn role_of(kind: KeyKind) -> Role {
    match kind {
        KeyKind::SecondLine => Role::SecondLine,
        KeyKind::Supervisor => Role::Supervisor,
        KeyKind::Emergency | KeyKind::Hotline | KeyKind::Clinic | KeyKind::Number => Role::Target,
    }
}

impl ThirdSide {
    /// The name of the key that called it, whatever the configuration says by now.
    pub(crate) fn key_name<'a>(&'a self, call: &'a Call) -> &'a str {
        let record = call.transfers.get(self.record);
        record.map_or("", |it| it.key.as_str())
    }

    fn is_by(&self, call: &Call, key: &str) -> bool {
        !self.is_named() && self.key_name(call) == key
    }
}

/// The same service is called: that of one city, or one that has a number in common.
fn same_service(one: &Target, other: &Target) -> bool {
    let city = !one.city.is_empty() && one.city == other.city;
    city || one.dials == other.dials || one.dials.iter().any(|it| other.dials.contains(it))
}

/// True if another third party than this one is that service already, by the same key.
fn runs_elsewhere(call: &Call, (third, key): (ThirdId, &str), target: &Target) -> bool {
    let others = call.thirds.iter().filter(|it| it.id != third);
    let mut others = others.filter(|it| it.machine.state() != Step::Asking);
    others.any(|it| it.is_by(call, key) && same_service(&it.target, target))
}

impl Shard {
    /// The key that called a third party, as the configuration has it now; as it was when it was pressed,
    /// if there is none of its name any more.
    pub(crate) fn key_of<'a>(&'a self, name: &str, kept: Option<&'a Key>) -> Option<&'a Key> {
        let mut keys = self.config.transfer.keys.iter();
        keys.find(|it| it.name == name).or(kept)
    }

    pub(crate) fn on_key(&mut self, now: Now, token: u64, id: CallId, press: &Press) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| result = shard.press(now, call, press));
        self.reply(token, Reply::Transfer(result));
    }

    /// A key is pressed: by the desk, by the seat's telephone, or by the engine itself.
    pub(crate) fn press(
        &mut self,
        now: Now,
        call: &mut Call,
        press: &Press,
    ) -> Result<TransferStarted, CommandError> {
        match &call.state {
            State::Parting(_) | State::WrappingUp => return Err(CommandError::UnknownCall),
            State::Queued | State::Offered(_) => return Err(CommandError::NotTalking),
            State::Talking(_) | State::Transferring(_) => {}
        }
        let given = self.given_place(call, &press.place);
        let choice = self.choose_target(call, &press.key, &given)?;
        let choice = self.beside(choice, &press.key, &given, call);
        let (asks, within) = asked(&choice);
        let target = choice.into_target();
        let config = std::sync::Arc::clone(&self.config);
        let key = (config.transfer.keys.get(target.key)).ok_or(CommandError::UnknownKey)?;
        let manner = press.manner.or(key.manners.first().copied());
        let manner = manner.unwrap_or_default();
        if press.manner.is_some() && !key.manners.contains(&manner) {
            return Err(CommandError::MannerNotAllowed);
        }
        // Nobody is there who could talk with them first.
        let manner = match is_attended(call) {
            false if matches!(manner, Manner::Consult | Manner::Blind) => Manner::Warm,
            _ => manner,
        };
        let asking =
            |it: &&ThirdSide| it.is_by(call, &key.name) && it.machine.state() == Step::Asking;
        if let Some(id) = call.thirds.iter().find(asking).map(|it| it.id) {
            // The key again, while its place is asked for: that settles it, if it names one place.
            return match self.settle_place(now, call, id, given.settling()) {
                Err(CommandError::AmbiguousCity(_)) => Err(CommandError::TransferRunning),
                other => other,
            };
        }
        // Two people press at once: one call goes out. Another place of the same service is another.
        // And one request for the second line: in the queue it has the place that its caller has left.
        let seats = matches!(key.reach, Reach::Seats { .. });
        let running = |it: &ThirdSide| match seats {
            true => it.request().is_some() && it.machine.is_pending(),
            false => it.is_by(call, &key.name) && same_service(&it.target, &target),
        };
        if call.thirds.iter().any(running) {
            return Err(CommandError::TransferRunning);
        }
        if key.is_emergency() {
            self.make_room(now, call);
        }
        let full = call.thirds.len() + 2 >= MOST_PARTIES;
        let Some(count) = call.third_count.checked_add(1).filter(|_| !full) else {
            return Err(CommandError::ConferenceFull);
        };
        call.third_count = count;
        let third = ThirdId(count);
        let started = TransferStarted {
            third,
            dialled: target.first().to_owned(),
            reason: target.reason.clone(),
            asks,
        };
        if within.is_none() {
            self.keep_place(call, &given, &target);
        }
        self.enter_third(now, call, third, (key, manner, within), target);
        self.send_dossier(now, call, third, &given.words);
        self.run_third(now, call, third);
        Ok(started)
    }

    /// Who only listens goes for whom an emergency calls, or for who is to take the counsellor's place.
    pub(crate) fn make_room(&mut self, now: Now, call: &mut Call) {
        let full = call.thirds.len() + 2 >= MOST_PARTIES;
        let mut thirds = call.thirds.iter().rev();
        let listener = thirds.find(|it| full && standing(it) == Third::Bystander);
        if let Some(third) = listener.map(|it| it.id) {
            let _ = call.third_mut(third).map(|it| it.machine.handle_nobody());
            self.run_third(now, call, third);
        }
    }

    /// The place that was asked for is answered: by the key again, or at the desk. What was said with the
    /// press stays said, and goes along.
    fn settle_place(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        answer: &str,
    ) -> Result<TransferStarted, CommandError> {
        let side = call.third(third).ok_or(CommandError::NoTransfer)?;
        let key = side.key_name(call).to_owned();
        let given = self.answered_place(&side.given.0, answer);
        let target = self.choose_target(call, &key, &given)?.settled()?;
        if runs_elsewhere(call, (third, &key), &target) {
            return Err(CommandError::TransferRunning);
        }
        let side = call.third_mut(third).ok_or(CommandError::NoTransfer)?;
        let targets = u8::try_from(target.dials.len()).unwrap_or(u8::MAX);
        (side.machine.handle_settled(now.mono, targets))
            .map_err(|_| CommandError::TransferElsewhere)?;
        let started = TransferStarted {
            third,
            dialled: target.first().to_owned(),
            reason: target.reason.clone(),
            asks: None,
        };
        self.keep_place(call, &given, &target);
        self.settle_third(call, third, target);
        self.send_dossier(now, call, third, &given.words);
        self.run_third(now, call, third);
        Ok(started)
    }

    /// The place is another one than was thought: so is whom to dial, and what the record says of it.
    fn settle_third(&mut self, call: &mut Call, third: ThirdId, target: Target) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let index = side.record;
        let brief = side.key.as_ref().is_some_and(|key| key.brief);
        side.machine.set_brief(brief || !target.doubt.is_empty());
        side.target = target.clone();
        if let Some(record) = call.transfers.get_mut(index) {
            record.dialled = target.first().to_owned();
            record.city = target.city;
            record.reason = target.reason;
        }
    }

    /// Puts a third party into the call, as one that is to be dialled.
    fn enter_third(
        &mut self,
        now: Now,
        call: &mut Call,
        id: ThirdId,
        (key, manner, within): (&Key, Manner, Option<Duration>),
        target: Target,
    ) {
        let record = TransferRecord {
            city: target.city.clone(),
            dialled: target.first().to_owned(),
            reason: target.reason.clone(),
            ..TransferRecord::begun(&key.name, now.wall)
        };
        let limit = key.limit.max(key.ring);
        // Of seats each rings as long as an offer does; the key's limit is for all of them.
        let seats = match key.reach {
            Reach::Seats { pool, skills } => Some((pool, skills)),
            Reach::Place | Reach::Fixed(_) => None,
        };
        let terms = Terms {
            manner,
            // Whoever is sent to a place that is not certain is to know it.
            brief: key.brief || !target.doubt.is_empty() && !self.broken.is(Defect::DoubtUnsaid),
            ring: if seats.is_some() { limit } else { key.ring },
            limit,
        };
        let one = self.broken.is(Defect::SecondTargetForgotten);
        let targets = match seats {
            Some(_) => 1,
            None if one => 1,
            None => u8::try_from(target.dials.len()).unwrap_or(u8::MAX),
        };
        let seat = seats.map(|wanted| Box::new(self.ask_for_second(now, call, id, wanted)));
        let machine = match within {
            Some(within) => Handover::asking(now.mono + within, terms, targets),
            None => Handover::dialling(now.mono, terms, targets),
        };
        let at = (key.trunk, call.transfers.len());
        let side = ThirdSide {
            emergency: key.is_emergency(),
            key: Some(Box::new(key.clone())),
            seat,
            ..ThirdSide::new((id, role_of(key.kind)), machine, target, at)
        };
        self.put_third(call, side, record);
    }

    /// Somebody is to come into the conversation.
    pub(crate) fn put_third(&mut self, call: &mut Call, side: ThirdSide, record: TransferRecord) {
        call.transfers.push(record);
        call.thirds.push(side);
        if let State::Talking(_) = call.state {
            let State::Talking(side) = std::mem::replace(&mut call.state, State::Queued) else {
                return;
            };
            call.state = State::Transferring(Some(side));
            call.conference = meishier_transfer::Conference::new();
        }
    }

    /// Somebody wishes something of a third party.
    pub(crate) fn on_third(
        &mut self,
        now: Now,
        token: u64,
        id: CallId,
        third: Option<ThirdId>,
        wish: &ThirdWish,
    ) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            // Without a number: the last that it can be.
            let meant = |it: &&ThirdSide| !it.is_named() && standing(it) != Third::Bystander;
            let fits = |it: &&ThirdSide| third.map_or(meant(it), |third| it.id == third);
            let Some(third) = call.thirds.iter().rev().find(fits).map(|it| it.id) else {
                result = Err(CommandError::NoTransfer);
                return;
            };
            result = shard.wish(now, call, third, wish);
        });
        self.reply(token, Reply::Done(result));
    }

    pub(crate) fn wish(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        wish: &ThirdWish,
    ) -> Result<(), CommandError> {
        if let ThirdWish::Settle(city) = wish {
            return self.settle_place(now, call, third, city).map(drop);
        }
        let side = call.third_mut(third).ok_or(CommandError::NoTransfer)?;
        let bystander = standing(side) == Third::Bystander;
        let machine = &mut side.machine;
        match wish {
            // Who only listens is nobody's help, and may be sent away.
            ThirdWish::Cancel if bystander => {
                machine.handle_nobody();
                Ok(())
            }
            ThirdWish::Confirm if bystander => return Err(CommandError::TransferElsewhere),
            ThirdWish::Cancel => machine.handle_cancel(),
            ThirdWish::Join => machine.handle_join(),
            ThirdWish::Confirm => machine.handle_confirm(),
            ThirdWish::Settle(_) => Ok(()),
        }
        .map_err(|_| CommandError::TransferElsewhere)?;
        self.run_third(now, call, third);
        Ok(())
    }
}
