//! Offers of ours that stand in responses, because the party made none: in the 200 or a reliable
//! ringing response to its INVITE, or in the 200 to its re-INVITE (RFC 3261 §13.2.1, §14.2). And the
//! answer to the offer by which SIP refreshes a session (RFC 4028 §7.4).
//!
//! ```text
//!   INVITE without SDP ─► our offer rings or answers ─► ACK or PRACK: agreed, the call is heard
//!                                                    └► none, or none that fits: the call ends
//! ```

use crate::call::{Call, State};
use crate::shard::{LegOwner, Shard};
use meishier_config::{AnswerMode, Early};
use meishier_media::{Accept, MediaCommand, Negotiated, sdp};
use meishier_model::{LegId, Now, PortId, ReleasedBy};

impl Shard {
    /// An answer to an offer of ours may have come with an ACK or PRACK.
    pub(crate) fn on_offer_answered(&mut self, now: Now, leg: LegId) {
        let owner = self.legs.get(&leg).copied();
        let Some(LegOwner::Caller(id) | LegOwner::Seat(id, _) | LegOwner::Target(id)) = owner
        else {
            return;
        };
        let answer = self.endpoint.take_ack_sdp(leg);
        self.with_call(id, |shard, call| match (owner, answer) {
            (Some(LegOwner::Caller(_)), answer) if call.side.voice.agreed.is_none() => {
                shard.on_caller_described(now, call, answer.as_deref());
            }
            (_, Some(answer)) => shard.on_described_anew(call, leg, &answer),
            (_, None) => {}
        });
    }

    /// The answer of a caller who had made no offer.
    fn on_caller_described(&mut self, now: Now, call: &mut Call, answer: Option<&[u8]>) {
        let agreed = self.accept_answer(&call.codecs, answer, None);
        if agreed.is_none() {
            // RFC 3261 §13.2.2.4: no session comes of it.
            return self.on_caller_gone(now, call, ReleasedBy::Engine, 488);
        }
        call.side.voice.agreed = agreed;
        let trunk = self.config.trunks.get(usize::from(call.trunk.0));
        let early = trunk.is_some_and(|trunk| {
            let progress = Early::Progress183;
            matches!(trunk.answer, AnswerMode::OnSeat { early, .. } if early == progress)
        });
        match &call.state {
            State::Queued | State::Offered(_) if call.side.answered || early => {
                self.start_waiting_audio(now, call);
            }
            State::Talking(_) => self.connect(call),
            State::Transferring(..) => self.arrange(call),
            _ => {}
        }
    }

    /// The answer of a party whose re-INVITE asked for our offer, or whose session we refreshed.
    fn on_described_anew(&mut self, call: &mut Call, leg: LegId, answer: &[u8]) {
        let target = match &call.state {
            State::Transferring(_, target) if target.leg == Some(leg) => Some(&target.codecs),
            _ => None,
        };
        let codecs = target.unwrap_or(&call.codecs).clone();
        let Ok(media) = sdp::accept(answer, &codecs) else {
            // RFC 3261 §14.2: what was agreed before goes on.
            return;
        };
        let may_send = media.direction.receives();
        if let Some((port, media, accept)) = settle(call, leg, media) {
            if !may_send {
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

/// Notes what was agreed anew with the party of this leg; what media is to be told.
fn settle(call: &mut Call, leg: LegId, media: Negotiated) -> Option<(PortId, Negotiated, Accept)> {
    let voice = if call.side.leg == leg {
        Some(&mut call.side.voice)
    } else if call.seat_side().is_some_and(|side| side.leg == Some(leg)) {
        call.seat_side_mut()?.voice.as_mut()
    } else {
        call.target_mut()?.voice.as_mut()
    }?;
    let signalling = voice.agreed.as_ref().and_then(|(_, it)| it.signalling);
    let accept = Accept {
        sdp: media.remote.ip(),
        signalling,
    };
    voice.agreed = Some((media.clone(), accept));
    voice.open.then_some((voice.port, media, accept))
}
