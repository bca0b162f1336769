//! SRTP of the parties: which keys of ours go into which description, and what was agreed.
//!
//! Keys of ours follow from the shard's own secret, which is another one at each start, the moment and a
//! count. So none comes twice: not in a restarted process, for its secret is new; not in a shard that goes
//! on from a snapshot with the secret that it had, for its moment is later.

use crate::call::Voice;
use crate::shard::Shard;
use meishier_media::sdp::Guard;
use meishier_media::srtp::{KeySeed, Policy, Protection};
use meishier_media::{Accept, Codec, Negotiated, SdpError, SessionId, sdp};
use meishier_model::{Mono, Now, PortId};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The shortest time in which 2^16 packets are sent: 10 ms each.
const TURN: Duration = Duration::from_millis(10 * 65_536);

impl Voice {
    /// A party with whom nothing is agreed yet. `signalling`: where its media may come from beside the
    /// address of its SDP.
    pub(crate) fn new(port: PortId, signalling: Option<IpAddr>, srtp: Policy) -> Self {
        Self {
            port,
            signalling,
            agreed: None,
            open: false,
            srtp,
            keys: None,
            since: Mono(0),
        }
    }

    /// Where media of this description may come from.
    fn sources(&self, media: &Negotiated) -> Accept {
        Accept {
            sdp: media.remote.ip(),
            signalling: self.signalling,
        }
    }

    /// The keys that hold, if SRTP was agreed.
    fn protection(&self) -> Option<&Protection> {
        let (media, _) = self.agreed.as_ref()?;
        media.protection.as_deref()
    }

    /// What the party's answer to our last offer settles.
    pub(crate) fn accept(
        &self,
        answer: &[u8],
        codecs: &[Codec],
    ) -> Result<(Negotiated, Accept), SdpError> {
        let guard = Guard {
            policy: self.keys.as_ref().map_or(Policy::Off, |_| Policy::Required),
            seed: self.keys.as_ref(),
            before: None,
        };
        let media = sdp::accept_guarded(answer, codecs, guard)?;
        let accept = self.sources(&media);
        Ok((media, accept))
    }

    /// What the party's answer to a repeated description of ours settles; `None` if it is what holds, or
    /// fits nothing.
    pub(crate) fn accept_again(
        &self,
        answer: &[u8],
        codecs: &[Codec],
    ) -> Option<(Negotiated, Accept)> {
        let (before, accept) = self.agreed.as_ref()?;
        let media = sdp::accept_again(answer, codecs, before.protection.as_deref()).ok()?;
        let accept = Accept {
            sdp: media.remote.ip(),
            ..*accept
        };
        (media != *before).then_some((media, accept))
    }

    /// What was agreed last is what holds.
    pub(crate) fn settle(&mut self, now: Now, agreed: (Negotiated, Accept)) {
        let theirs = agreed.0.protection.as_ref().map(|it| &it.theirs);
        if self.protection().map(|it| &it.theirs) != theirs {
            self.since = now.mono;
        }
        self.agreed = Some(agreed);
        self.keys = None;
    }

    /// What media is told when it begins with a party, first or in the midst of a call: the party's numbers
    /// may have turned over as often as the time allows since it began with its key. Once at least: they may
    /// begin just below the turn, and the packets before it be lost.
    pub(crate) fn resumed(&self, now: Mono) -> Option<(Negotiated, Accept)> {
        let (mut media, accept) = self.agreed.clone()?;
        if let Some(protection) = &mut media.protection {
            let turns = 1 + now.since(self.since).as_millis() / TURN.as_millis();
            protection.turns = u8::try_from(turns).unwrap_or(u8::MAX);
        }
        Some((media, accept))
    }
}

impl Shard {
    fn fresh_seed(&mut self, now: Now) -> KeySeed {
        let count = self.token();
        KeySeed::derive(&self.seed, &[self.id.0.into(), now.mono.0, count])
    }

    /// An offer of ours to this party: of SRTP where it is required, or holds already.
    pub(crate) fn describe(
        &mut self,
        now: Now,
        voice: &mut Voice,
        (address, session): (SocketAddr, SessionId),
        codecs: &[Codec],
    ) -> Vec<u8> {
        let wanted = voice.protection().is_some() || voice.srtp == Policy::Required;
        voice.keys = wanted.then(|| self.fresh_seed(now));
        let guard = Guard {
            policy: Policy::Required,
            seed: voice.keys.as_ref(),
            before: None,
        };
        sdp::offer_guarded(address, session, codecs, guard)
    }

    /// The answer to an offer of this party, which holds from now on.
    pub(crate) fn answer_offer(
        &mut self,
        now: Now,
        voice: &mut Voice,
        offer: &[u8],
        (address, session): (SocketAddr, SessionId),
        codecs: &[Codec],
    ) -> Result<Vec<u8>, SdpError> {
        let seed = self.fresh_seed(now);
        let guard = Guard {
            policy: voice.srtp,
            seed: Some(&seed),
            before: voice.protection(),
        };
        // RFC 3264 §8: who only refreshes or holds goes on in the codec that is spoken.
        let spoken = voice.agreed.as_ref().map(|(media, _)| media.codec);
        let mut codecs: SmallVec<[Codec; 2]> = codecs.into();
        codecs.sort_by_key(|codec| Some(*codec) != spoken);
        let (answer, media) = sdp::answer_guarded(offer, address, session, &codecs, guard)?;
        let accept = voice.sources(&media);
        voice.settle(now, (media, accept));
        Ok(answer)
    }
}
