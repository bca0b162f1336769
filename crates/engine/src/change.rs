//! A party changes its session: hold, resume, another address or codec (RFC 3264 §8).

use crate::arrival::session;
use crate::call::{Call, State, Voice};
use crate::defect::Defect;
use crate::shard::{LegOwner, Shard};
use meishier_media::MediaCommand;
use meishier_model::{LegId, Now};

impl Shard {
    /// Hold, resume or a new address from a party (RFC 3264 §8). What it hears stays.
    pub(crate) fn on_reinvite(&mut self, now: Now, leg: LegId, sdp: Option<&[u8]>) {
        let owner = self.legs.get(&leg).copied();
        let id = match owner {
            Some(LegOwner::Caller(id) | LegOwner::Seat(id, _) | LegOwner::Target(id)) => id,
            _ => {
                let _ = self.endpoint.reject_reinvite(now.mono, leg, 488);
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
        let codecs = match (&call.state, owner) {
            (State::Transferring(_, target), Some(LegOwner::Target(_))) => target.codecs.clone(),
            _ => call.codecs.clone(),
        };
        let (voice, version, party): (Option<&mut Voice>, &mut u64, u64) = match owner {
            Some(LegOwner::Caller(_)) => (Some(&mut call.side.voice), &mut call.side.version, 0),
            Some(LegOwner::Seat(..)) => match &mut call.state {
                State::Talking(side) | State::Transferring(Some(side), _) => {
                    (side.voice.as_mut(), &mut side.version, 1)
                }
                _ => (None, &mut call.side.version, 1),
            },
            _ => match &mut call.state {
                State::Transferring(_, target) => (target.voice.as_mut(), &mut target.version, 2),
                _ => (None, &mut call.side.version, 2),
            },
        };
        let answer = voice.and_then(|voice| {
            let address = self.ports.address(voice.port)?;
            // RFC 3264 §8: one more than in the description before.
            let next = *version + 1;
            let ours = (address, session(call.id, party, next));
            let Some(offer) = offer else {
                // RFC 3261 §14.2: it asks for our offer; its answer comes in the ACK.
                *version = next;
                let offer = self.describe(now, voice, ours, &codecs);
                return Some((offer, None, (voice.port, true)));
            };
            let answer = self.answer_offer(now, voice, offer, ours, &codecs).ok()?;
            *version = next;
            let (media, accept) = voice.agreed.clone()?;
            let may_send = media.direction.receives();
            let update = voice.open.then_some(MediaCommand::Update {
                port: voice.port,
                media,
                accept,
            });
            Some((answer, update, (voice.port, may_send)))
        });
        match answer {
            Some((answer, update, (port, may_send))) => {
                if self.broken.is(Defect::PortLostAtReinvite) {
                    let _ = self.ports.take(None);
                }
                if !may_send {
                    // Who holds is not silent; a restored call's media would not say so.
                    self.end_silence(call, port);
                }
                if let Some(update) = update {
                    self.media(update);
                }
                let _ = self.endpoint.answer_reinvite(now.mono, leg, &answer);
            }
            // RFC 3261 §14.2: the session stays as it was.
            None => {
                let _ = self.endpoint.reject_reinvite(now.mono, leg, 488);
            }
        }
    }
}
