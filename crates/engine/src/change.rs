//! A party changes its session: hold, resume, another address or codec (RFC 3264 §8).

use crate::arrival::{WARNER, session, third_party};
use crate::call::{Call, State, Voice};
use crate::defect::Defect;
use crate::shard::{LegOwner, Shard};
use meishier_media::{Codec, MediaCommand, Negotiated, SdpError, SessionId, sdp};
use meishier_model::{LegId, Now, PortId};
use std::net::SocketAddr;

impl Shard {
    /// Hold, resume or a new address from a party (RFC 3264 §8). What it hears stays.
    pub(crate) fn on_reinvite(&mut self, now: Now, leg: LegId, sdp: Option<&[u8]>) {
        let owner = self.legs.get(&leg).copied();
        let id = match owner {
            Some(LegOwner::Caller(id) | LegOwner::Seat(id, _) | LegOwner::Target(id, _)) => id,
            _ => {
                let _ = self.endpoint.reject_reinvite(now.mono, leg, 488, &[]);
                return;
            }
        };
        self.with_call(id, |shard, call| {
            shard.renegotiate(now, call, leg, owner, sdp)
        });
    }

    fn renegotiate(
        &mut self,
        now: Now,
        call: &mut Call,
        leg: LegId,
        owner: Option<LegOwner>,
        offer: Option<&[u8]>,
    ) {
        let codecs = match call.third_of(leg) {
            Some(third) => third.codecs.clone(),
            None => call.codecs.clone(),
        };
        let id = call.id;
        let (voice, version, party) = side_of(call, owner);
        // RFC 3264 §8: one more than in the description before.
        let next = *version + 1;
        let described = session(id, party, next);
        let called = !matches!(owner, Some(LegOwner::Caller(_)));
        let change = match voice {
            Some(voice) => self.change(now, voice, (called, described), offer, &codecs),
            None => Err(None),
        };
        match change {
            Ok(change) => {
                *version = next;
                if self.broken.is(Defect::PortLostAtReinvite) {
                    let _ = self.ports.take(None);
                }
                if !change.may_send {
                    // Who holds is not silent; a restored call's media would not say so.
                    self.end_silence(call, change.port);
                }
                if let Some(update) = change.update {
                    self.media(update);
                }
                let _ = self.endpoint.answer_reinvite(now.mono, leg, &change.answer);
            }
            // RFC 3261 §14.2: the session stays as it was.
            Err(fault) => {
                let warning = fault.and_then(|error| error.warning(WARNER));
                let headers = warning.as_deref().map(|text| ("Warning", text));
                let headers = headers.as_slice();
                let _ = (self.endpoint).reject_reinvite(now.mono, leg, 488, headers);
            }
        }
    }

    /// What a party's change comes to.
    ///
    /// # Errors
    /// Why it is refused, as far as there is something to be said.
    fn change(
        &mut self,
        now: Now,
        voice: &mut Voice,
        (called, described): (bool, SessionId),
        offer: Option<&[u8]>,
        codecs: &[Codec],
    ) -> Result<Change, Option<SdpError>> {
        let port = voice.port;
        let ours = (self.ports.address(port).ok_or(None)?, described);
        let Some(offer) = offer else {
            // RFC 3261 §14.2: it asks for our offer; its answer comes in the ACK.
            return Ok(Change {
                answer: self.describe(now, voice, ours, codecs),
                update: None,
                port,
                may_send: true,
            });
        };
        if called && voice.agreed.is_none() {
            let (answer, media) = before_the_answer(voice, offer, ours, codecs)?;
            return Ok(Change {
                answer,
                update: None,
                port,
                may_send: media.direction.receives(),
            });
        }
        let before = voice.agreed.as_ref().map(|(media, _)| media.direction);
        let answer = self.answer_offer(now, voice, offer, ours, codecs)?;
        let (media, accept) = voice.agreed.clone().ok_or(None)?;
        let may_send = media.direction.receives();
        let resumed = media.direction.sends() && before.is_some_and(|before| !before.sends());
        let unheard = resumed && self.broken.is(Defect::ResumeUnheard);
        let update = (voice.open && !unheard).then_some(MediaCommand::Update {
            port,
            media,
            accept,
        });
        Ok(Change {
            answer,
            update,
            port,
            may_send,
        })
    }
}

/// What is to be done about a party's change.
struct Change {
    answer: Vec<u8>,
    update: Option<MediaCommand>,
    port: PortId,
    may_send: bool,
}

/// Who is called offers anew before the answer (RFC 3311 §5.2). Nothing is heard so long; what was
/// offered last is told as the answer when it comes, and read as one: its first codec that is ours. A
/// session with keys stays as it was offered: keys of ours belong to our offer.
fn before_the_answer(
    voice: &Voice,
    offer: &[u8],
    (address, described): (SocketAddr, SessionId),
    codecs: &[Codec],
) -> Result<(Vec<u8>, Negotiated), Option<SdpError>> {
    if voice.keys.is_some() {
        return Err(None);
    }
    let chosen = sdp::accept(offer, codecs)?.codec;
    Ok(sdp::answer(offer, address, described, &[chosen])?)
}

/// The voice of this party with how often it was described, and which party of the call it is.
fn side_of(call: &mut Call, owner: Option<LegOwner>) -> (Option<&mut Voice>, &mut u64, u64) {
    match owner {
        Some(LegOwner::Caller(_)) => (Some(&mut call.side.voice), &mut call.side.version, 0),
        Some(LegOwner::Seat(..)) => match &mut call.state {
            State::Offered(side) | State::Talking(side) | State::Transferring(Some(side)) => {
                (side.voice.as_mut(), &mut side.version, 1)
            }
            _ => (None, &mut call.side.version, 1),
        },
        Some(LegOwner::Target(_, id)) => {
            let party = third_party(id);
            // Looked for twice, since a borrow that is given out on one path holds on all.
            match call.thirds.iter().position(|it| it.id == id) {
                Some(at) => {
                    let third = &mut call.thirds[at];
                    (third.voice.as_mut(), &mut third.version, party)
                }
                None => (None, &mut call.side.version, party),
            }
        }
        _ => (None, &mut call.side.version, 0),
    }
}
