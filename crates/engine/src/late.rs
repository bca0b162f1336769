//! Offers of ours that stand in responses, because the party made none: in the 200 or a reliable
//! ringing response to its INVITE, or in the 200 to its re-INVITE (RFC 3261 §13.2.1, §14.2). And the
//! answer to the offer by which SIP refreshes a session (RFC 4028 §7.4).
//!
//! ```text
//!   INVITE without SDP ─► our offer rings or answers ─► ACK or PRACK: agreed, the call is heard
//!                                                    └► none, or none that fits: the call ends
//! ```

use crate::call::{Call, State, Voice};
use crate::shard::{LegOwner, Shard};
use meishier_config::{AnswerMode, Early};
use meishier_media::{Accept, Codec, MediaCommand, Negotiated};
use meishier_model::{LegId, Now, PortId, ReleasedBy};
use smallvec::SmallVec;

impl Shard {
    /// An answer to an offer of ours may have come with an ACK or PRACK.
    pub(crate) fn on_offer_answered(&mut self, now: Now, leg: LegId) {
        let owner = self.legs.get(&leg).copied();
        let Some(LegOwner::Caller(id) | LegOwner::Seat(id, _) | LegOwner::Target(id, _)) = owner
        else {
            return;
        };
        let answer = self.endpoint.take_ack_sdp(leg);
        self.with_call(id, |shard, call| match (owner, answer) {
            (Some(LegOwner::Caller(_)), answer) if call.side.voice.agreed.is_none() => {
                shard.on_caller_described(now, call, answer.as_deref());
            }
            (_, Some(answer)) => shard.on_described_anew(now, call, leg, &answer),
            (_, None) => {}
        });
    }

    /// The answer of a caller who had made no offer.
    fn on_caller_described(&mut self, now: Now, call: &mut Call, answer: Option<&[u8]>) {
        let agreed = answer.and_then(|it| call.side.voice.accept(it, &call.codecs).ok());
        let Some(agreed) = agreed else {
            // RFC 3261 §13.2.2.4: no session comes of it.
            return self.on_caller_gone(now, call, ReleasedBy::Engine, 488);
        };
        call.side.voice.settle(now, agreed);
        let trunk = self.config.trunk(call.trunk);
        let early = trunk.is_some_and(|trunk| {
            let progress = Early::Progress183;
            matches!(trunk.answer, AnswerMode::OnSeat { early, .. } if early == progress)
        });
        match &call.state {
            State::Queued | State::Offered(_) if call.side.answered || early => {
                self.start_waiting_audio(now, call);
            }
            State::Talking(_) => self.connect(call),
            State::Transferring(_) => self.arrange(call),
            _ => {}
        }
    }

    /// The answer of a party whose re-INVITE asked for our offer, or whose session we refreshed.
    fn on_described_anew(&mut self, now: Now, call: &mut Call, leg: LegId, answer: &[u8]) {
        let codecs = codecs_of(call, leg);
        // One that fits nothing leaves what was agreed before (RFC 3261 §14.2).
        // A refresh repeats what holds, its keys too; another offer has keys of its own.
        let accept = |voice: &Voice| match &voice.keys {
            Some(_) => voice.accept(answer, &codecs).ok(),
            None => voice.accept_again(answer, &codecs),
        };
        if let Some((port, media, accept)) = settle(now, call, leg, accept) {
            if !media.direction.receives() {
                // Who holds is not silent.
                self.end_silence(call, port);
            }
            self.media(MediaCommand::Update {
                port,
                media,
                accept,
            });
        }
    }
}

/// What is spoken with the party of this leg.
fn codecs_of(call: &Call, leg: LegId) -> SmallVec<[Codec; 2]> {
    match call.third_of(leg) {
        Some(third) => third.codecs.clone(),
        None => call.codecs.clone(),
    }
}

/// Notes what was agreed anew with the party of this leg; what media is to be told.
fn settle(
    now: Now,
    call: &mut Call,
    leg: LegId,
    accept: impl FnOnce(&Voice) -> Option<(Negotiated, Accept)>,
) -> Option<(PortId, Negotiated, Accept)> {
    let voice = if call.side.leg == leg {
        Some(&mut call.side.voice)
    } else if call.seat_side().is_some_and(|side| side.leg == Some(leg)) {
        call.seat_side_mut()?.voice.as_mut()
    } else {
        let third = call.third_of(leg)?.id;
        call.third_mut(third)?.voice.as_mut()
    }?;
    let (media, accept) = accept(voice)?;
    voice.settle(now, (media.clone(), accept));
    voice.open.then_some((voice.port, media, accept))
}
