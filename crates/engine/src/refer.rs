//! REFER from a seat's telephone: its transfer key presses a key of the desk.
//!
//! Whom a telephone names is never dialled. It is looked up in the list of keys, and the key that is
//! found is pressed as any other: by the place of the call, its trunks, its limits. So a telephone
//! that was broken into reaches nobody whom the configuration does not name (toll fraud).
//!
//! ```text
//!   REFER ─┬─ of caller or target: 403
//!          ├─ Replaces: 403 (attended transfer: only we join calls)
//!          ├─ no plain URI of ours: 403
//!          ├─ no key's name, star code or number: 403
//!          └─ key ── press ─┬─ refused: 480, 484, 486
//!                           └─ begun: 200, NOTIFY 100 ── the target rings, answers, fails: NOTIFY …
//! ```
//! The seat stays in the conversation until it hangs up. If its telephone says BYE as soon as it is
//! told of 200, the target has joined and stays with the caller; where that is an emergency's and has
//! not confirmed, the second line is called in as whenever a counsellor drops out. If it says BYE
//! before, the caller hears the target being called, and goes back to the head of the queue should
//! that fail.

use crate::api::{ByTelephone, CommandError, LegParty, Notice, ReferWhy, Refusal};
use crate::arrival::WARNER;
use crate::call::{Call, ThirdSide};
use crate::quiet::at_the_keys;
use crate::shard::{LegOwner, Shard};
use meishier_model::{CallId, LegId, Now, TransferOutcome};
use meishier_signaling::Uri;
use meishier_transfer::{Dial, Key, Notice as Told, Reach, State as Step, ThirdId};

/// The key whose name, star code or number this is, as a telephone writes it: a star may be escaped,
/// for some do so; digits are not, for none does.
fn key_of<'a>(keys: &'a [Key], user: &str) -> Option<&'a Key> {
    let star = ["*", "%2A", "%2a"]
        .into_iter()
        .find_map(|star| user.strip_prefix(star));
    if let Some(star) = star {
        return keys.iter().find(|key| !star.is_empty() && key.star == star);
    }
    let has = |key: &&Key| match &key.reach {
        Reach::Fixed(dials) => dials.iter().any(|dial| *dial == Dial::Number(user.into())),
        Reach::Place | Reach::Seats { .. } => false,
    };
    let named = keys.iter().find(|key| key.name == user);
    named.or_else(|| keys.iter().find(has))
}

impl Shard {
    pub(crate) fn on_refer(&mut self, now: Now, leg: LegId, refer_to: &str, replaces: bool) {
        let (id, party) = match self.legs.get(&leg) {
            Some(LegOwner::Seat(id, _)) => (Some(*id), LegParty::Seat),
            Some(LegOwner::Caller(id)) => (Some(*id), LegParty::Caller),
            Some(LegOwner::Target(id, third)) if self.has_keys(*id, *third) => {
                (Some(*id), LegParty::Seat)
            }
            Some(LegOwner::Target(id, _)) => (Some(*id), LegParty::Target),
            Some(LegOwner::Service(_) | LegOwner::Nobody) | None => (None, LegParty::Seat),
        };
        let found = match id.filter(|_| party == LegParty::Seat) {
            None => Err(ReferWhy::Party),
            Some(_) if replaces => Err(ReferWhy::Replaces),
            Some(id) => self.key_referred_to(refer_to).map(|key| (id, key)),
        };
        match found {
            Ok((id, key)) => self.press_by_refer(now, (id, leg), &key),
            Err(why) => {
                self.notice(Notice::ReferRefused {
                    call: id,
                    party,
                    why,
                });
                self.refuse(Refusal::NotAllowed);
                let words = match why {
                    ReferWhy::Party => "only seats transfer",
                    ReferWhy::Uri | ReferWhy::List => "not on the list of keys",
                    ReferWhy::Replaces => "no attended transfer: press the key, it calls and joins",
                };
                let warning = format!("399 {WARNER} \"{words}\"");
                let headers = [("Warning", &*warning)];
                let _ = self.endpoint.reject_refer(now.mono, leg, 403, &headers);
            }
        }
    }

    /// The name of the key that a Refer-To means.
    fn key_referred_to(&self, refer_to: &str) -> Result<String, ReferWhy> {
        let uri = Uri::parse(refer_to).map_err(|_| ReferWhy::Uri)?;
        let plain = |name: &str| {
            ["user", "transport"]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it))
        };
        let user = uri.user.filter(|_| {
            uri.is_sip()
                && uri.password.is_none()
                && uri.headers.is_empty()
                && uri.params.iter().all(|(name, _)| plain(name))
                && self.is_our_host(&uri)
        });
        let user = user.ok_or(ReferWhy::Uri)?;
        let key = key_of(&self.config.transfer.keys, user);
        key.map(|key| key.name.clone()).ok_or(ReferWhy::List)
    }

    /// True if a URI names us: our domain, or an address of ours and its port.
    fn is_our_host(&self, uri: &Uri<'_>) -> bool {
        let port_is = |ours: u16| uri.port.is_none_or(|port| port == ours);
        match uri.address() {
            Some((ip, _)) => {
                let ip = ip.to_canonical();
                let mut local = self.local.iter().map(|(_, address)| address);
                local.any(|at| at.ip().to_canonical() == ip && port_is(at.port()))
            }
            None => {
                let ours = uri.host.eq_ignore_ascii_case(&self.config.sip.domain);
                let mut ports = self.local.iter().map(|(_, address)| address.port());
                ours && (uri.port.is_none() || ports.any(port_is))
            }
        }
    }

    fn press_by_refer(&mut self, now: Now, (id, leg): (CallId, LegId), key: &str) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            let stands_in = at_the_keys(call);
            let own = match stands_in {
                Some(third) => call.third(third).and_then(|it| it.leg),
                None => call.seat_side().and_then(|side| side.leg),
            };
            if own != Some(leg) {
                return;
            }
            result = shard.press_from_seat(now, call, (key, ByTelephone::Refer));
            let Ok(third) = result else {
                return;
            };
            // An error: the key lets the counsellor go at once, and the leg is about to end.
            let _ = shard.endpoint.accept_refer(now.mono, leg);
            let seat = stands_in.and_then(|it| call.third_mut(it)?.seat.as_mut());
            if let Some(seat) = seat {
                seat.referred = Some(third);
            } else if let Some(side) = call.seat_side_mut() {
                side.referred = Some(third);
            }
            if call.third(third).is_none() {
                // There was no way to anybody: it is over already.
                shard.tell_referrer(now, call, third, 480);
            }
        });
        let status = match result {
            Ok(_) => return,
            // Where it happened is not known: the console asks.
            Err(CommandError::UnknownCity | CommandError::AmbiguousCity(_)) => 484,
            Err(CommandError::TransferRunning | CommandError::ConferenceFull) => 486,
            Err(_) => 480,
        };
        let _ = self.endpoint.reject_refer(now.mono, leg, status, &[]);
    }

    /// How a third party gets on is told to the telephone that asked for it. A target that talks with
    /// the counsellor apart has answered as well.
    pub(crate) fn refer_told(&mut self, now: Now, call: &Call, third: ThirdId, told: Told) {
        match told {
            Told::Ringing => self.tell_referrer(now, call, third, 180),
            Told::Apart | Told::Joined => self.tell_referrer(now, call, third, 200),
            _ => {}
        }
    }

    /// A use of a key is over, having reached nobody if the telephone has not been told otherwise.
    pub(crate) fn refer_over(
        &mut self,
        now: Now,
        call: &Call,
        third: ThirdId,
        (outcome, status): (TransferOutcome, u16),
    ) {
        let status = match outcome {
            TransferOutcome::Joined => 200,
            TransferOutcome::NoAnswer => 408,
            TransferOutcome::Cancelled => 487,
            TransferOutcome::Failed if (300..=699).contains(&status) => status,
            TransferOutcome::Failed => 480,
        };
        self.tell_referrer(now, call, third, status);
    }

    fn tell_referrer(&mut self, now: Now, call: &Call, third: ThirdId, status: u16) {
        let side = call.seat_side().filter(|side| side.referred == Some(third));
        let mut others = call.thirds.iter();
        let asked = |it: &&ThirdSide| {
            let seat = it.seat.as_ref();
            seat.is_some_and(|it| it.referred == Some(third))
        };
        let other = others.find(asked).and_then(|it| it.leg);
        if let Some(leg) = side.and_then(|side| side.leg).or(other) {
            // An error: it wanted to hear nothing, has stopped listening, or has heard the end.
            let _ = self.endpoint.notify_refer(now.mono, leg, status);
        }
    }

    /// True if the telephone left because whom it asked for by REFER has joined: that is what it sends
    /// BYE for. Not of an emergency's, which has to confirm that it takes over.
    pub(crate) fn left_by_refer(call: &Call) -> bool {
        let third = call.seat_side().and_then(|side| side.referred);
        let side = third.and_then(|third| call.third(third));
        side.is_some_and(|side| side.machine.state() == Step::Joined && !side.emergency)
    }
}
