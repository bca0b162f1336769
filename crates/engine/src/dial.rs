//! A call out: by which trunk and to which of its peers, and what happens if one of them is dead.
//!
//! ```text
//!            a peer by priority and weight          no peer left: the next trunk
//!   trunk ──────────────────────────────► INVITE ◄──────────────────────────────┐
//!     ▲ takes one channel                   │                                    │
//!     │                                     ├─ 101 to 199: the timers below stop │
//!     │                                     ├─ 200: answered                     │
//!     │                                     ├─ no response at all within `try_for` ──┤ CANCEL, as soon as it may
//!     │                                     ├─ an emergency: 100 alone for PATIENCE ─┤ be sent (RFC 3261 §9.1)
//!     │                                     ├─ a final response that is the peer's ──┤ the next peer
//!     │                                     ├─ one that is the trunk's ──────────────┘ the next trunk
//!     │                                     └─ the callee's own word: the end
//!     └─ the key's trunk, then its `backup`; an emergency: then those that had no channel left,
//!        over the limit, and those that are not registered, for the carrier may take it all the same
//! ```
//!
//! | final response | emergency keys | other keys |
//! | --- | --- | --- |
//! | 408, 500, 502, 503, 504, unreachable | the next peer | the next peer; after 101 to 199 the end |
//! | 401, 403, 407 (the password was shown) | the next peer | the next trunk; after 101 to 199 the end |
//! | 486, 600, 603 | the end | the end |
//! | any other | the next peer | the end |
//!
//! RFC 3263 §4.3: the next one is tried after a timeout, a failure of the transport or a 503; here also
//! after 500, 502 and 504, by which a server speaks of itself (RFC 3261 §21.5). A final response ends all
//! that the INVITE has brought about, so that nobody's telephone rings any more: police are not called
//! twice, and an emergency goes on whatever rang before. For other keys a 408 or 503 after ringing is
//! mostly a telephone that nobody has answered, which another way would only ring again. A peer whose
//! 503 has Retry-After rests as long as it says; one that did not respond is asked last for a while. Who
//! is the last is given all the time that the key has, and in an emergency a while at least.

use crate::api::ShardMessage;
use crate::arrival::{media_codecs, session, third_party};
use crate::call::{Call, Voice};
use crate::channels::Way;
use crate::peers::{PeerKey, Target as Peer};
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_model::{LegId, Mono, Now, PeerTried, TrunkId};
use meishier_signaling::{Invite, LegState, Party};
use meishier_transfer::{Dial, ThirdId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

/// How long a peer that did not respond is asked last.
const DOUBT: Duration = Duration::from_secs(30);
/// How long a peer that has said 100 alone is waited for in an emergency, if there is another one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long whoever is asked next in an emergency may ring at least.
const LEAST_RING: Duration = Duration::from_secs(15);

/// A call out that is under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Whom to reach; `None` before it begins.
    goal: Option<Dial>,
    emergency: bool,
    /// Trunks that are left.
    later: SmallVec<[TrunkId; 2]>,
    /// Trunks that an emergency passed over: no channel, or not registered.
    #[serde(default)]
    passed: SmallVec<[TrunkId; 2]>,
    /// Those passed over are asked in spite of it.
    #[serde(default)]
    anyway: bool,
    /// The present trunk is not to be asked, or not any more.
    #[serde(default)]
    closed: bool,
    /// Who was asked on the present trunk.
    tried: SmallVec<[PeerKey; 4]>,
    /// Who is asked now.
    peer: Option<PeerKey>,
    /// When it was asked.
    #[serde(default)]
    since: Mono,
    /// A channel of the present trunk that no leg holds.
    channel: bool,
    /// A provisional response above 100 came from who is asked now.
    progress: bool,
    /// The status of the last that failed.
    status: u16,
}

/// Of whom a final response speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Callee,
    Peer,
    Trunk,
}

impl Word {
    fn of(status: u16, emergency: bool) -> Self {
        match status {
            486 | 600 | 603 => Self::Callee,
            408 | 500 | 502 | 503 | 504 => Self::Peer,
            // Any other refusal of an emergency is the carrier's word on us or on how we dial.
            _ if emergency => Self::Peer,
            401 | 403 | 407 => Self::Trunk,
            _ => Self::Callee,
        }
    }
}

impl Shard {
    /// Dials the target with this index; what cannot be dialled has failed at once.
    pub(crate) fn dial(&mut self, now: Now, call: &mut Call, third: ThirdId, index: u8) {
        let Some(side) = call.third(third) else {
            return;
        };
        let key = match side.is_call_back() {
            true => side.key.as_deref(),
            false => self.key_of(side.key_name(call), side.key.as_deref()),
        };
        let goal = side.target.dials.get(usize::from(index)).cloned();
        let (Some(key), Some(goal)) = (key.cloned(), goal) else {
            return self.dial_failed(now, call, third, 503);
        };
        let emergency = side.emergency;
        let Some(side) = call.third_mut(third) else {
            return;
        };
        // The table may name a trunk for the place; then the key's own are the way round it.
        let trunk = side.target.trunk(usize::from(index)).unwrap_or(key.trunk);
        let all = std::iter::once(&key.trunk).chain(&key.backup);
        side.attempt = Attempt {
            goal: Some(goal),
            emergency,
            later: all.copied().filter(|it| *it != trunk).collect(),
            // 503: no way out at this moment (RFC 3261 §21.5.4).
            status: 503,
            ..Attempt::default()
        };
        self.enter_trunk(call, third, trunk);
        self.dial_on(now, call, third);
    }

    fn dial_failed(&mut self, now: Now, call: &mut Call, third: ThirdId, status: u16) {
        if let Some(side) = call.third_mut(third) {
            side.machine.handle_failed(now.mono, status);
        }
    }

    /// Asks the next peer, of this trunk or the next; if there is none the call out has failed.
    fn dial_on(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        loop {
            let next = self.next_peer(now, call, third);
            let Some(side) = call.third_mut(third) else {
                return;
            };
            let (trunk, attempt) = (side.trunk, &mut side.attempt);
            match next {
                Some(peer) => {
                    attempt.tried.push(peer.key());
                    attempt.peer = Some(peer.key());
                    attempt.since = now.mono;
                    attempt.progress = false;
                    if self.ask_peer(now, call, third, trunk, &peer).is_some() {
                        return;
                    }
                    self.note_tried(call, third, 503);
                }
                None if !self.next_trunk(call, third) => {
                    let status = call
                        .third_mut(third)
                        .map_or(503, |side| side.attempt.status);
                    return self.dial_failed(now, call, third, status);
                }
                None => {}
            }
        }
    }

    /// Who of the present trunk is asked next; there is a channel for it.
    fn next_peer(&mut self, now: Now, call: &mut Call, third: ThirdId) -> Option<Peer> {
        let side = call.third_mut(third)?;
        let (trunk, attempt) = (side.trunk, &mut side.attempt);
        let emergency = attempt.emergency;
        if attempt.closed || !(emergency || self.may_call_out(trunk)) {
            return None;
        }
        let word = self.endpoint.random();
        let set = self.peers.get(usize::from(trunk.0))?;
        let tried = attempt.tried.as_slice();
        let holder = self.holder(trunk);
        let peer = holder
            .and_then(|key| set.prefer(now.mono, key, tried))
            .or_else(|| set.choose(now.mono, word, tried, emergency))?
            .clone();
        // The one before may still have its own: its leg is not over.
        if !attempt.channel {
            attempt.channel = self.take_channel(trunk, emergency, Way::Out);
            if !attempt.channel && emergency {
                self.hold_channel(trunk);
                attempt.channel = true;
            }
        }
        attempt.channel.then_some(peer)
    }

    /// Gives up the present trunk; false if there is no other.
    fn next_trunk(&mut self, call: &mut Call, third: ThirdId) -> bool {
        self.drop_spare_channel(call, third);
        let Some(side) = call.third_mut(third) else {
            return false;
        };
        let attempt = &mut side.attempt;
        if attempt.later.is_empty() && !attempt.anyway {
            attempt.anyway = true;
            attempt.later = std::mem::take(&mut attempt.passed);
            attempt.later.sort_by_key(|it| !self.may_call_out(*it));
        }
        if attempt.later.is_empty() {
            return false;
        }
        let trunk = attempt.later.remove(0);
        self.enter_trunk(call, third, trunk);
        true
    }

    /// The call goes by this trunk from now on, if it has a channel and its registration.
    fn enter_trunk(&mut self, call: &mut Call, third: ThirdId, trunk: TrunkId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        side.trunk = trunk;
        let attempt = &mut side.attempt;
        attempt.tried.clear();
        if attempt.anyway {
            // That its channels are used up was told when it was passed over.
            self.hold_channel(trunk);
            (attempt.channel, attempt.closed) = (true, false);
            return;
        }
        attempt.channel = self.take_channel(trunk, attempt.emergency, Way::Out);
        attempt.closed = !attempt.channel || !self.may_call_out(trunk);
        if attempt.closed && attempt.emergency {
            attempt.passed.push(trunk);
        }
    }

    /// Sends the INVITE; `None` if it cannot be sent.
    fn ask_peer(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        trunk_id: TrunkId,
        peer: &Peer,
    ) -> Option<()> {
        let (goal, emergency) = {
            let attempt = &call.third_mut(third)?.attempt;
            (attempt.goal.clone()?, attempt.emergency)
        };
        let config = std::sync::Arc::clone(&self.config);
        let trunk = config.trunk(trunk_id)?;
        let flow = self.flow_to(peer.transport, peer.address, trunk.network)?;
        let uri = match &goal {
            Dial::Number(number) => self.outgoing_uri(trunk, number, peer.address),
            Dial::Uri(uri) => uri.clone(),
            Dial::Caller => {
                let number = self.own_number(call);
                self.outgoing_uri(trunk, number.as_str(), peer.address)
            }
        };
        let identity = match goal {
            Dial::Caller => self.own_identity(call, trunk),
            _ => self.outgoing_identity(call, (trunk_id, trunk), (&uri, emergency)),
        };
        let codecs = media_codecs(&trunk.codecs);
        let (port, address) = match emergency {
            true => self.ports.take(trunk.network)?,
            false => self.ports.take_spare(trunk.network)?,
        };
        let mut voice = Voice::new(port, None, trunk.srtp);
        let ours = (address, session(call.id, third_party(third), 1));
        let described = self.describe(now, &mut voice, ours, &codecs);
        let attached = self.attached(now, call, third, (trunk, &described));
        let invite = Invite {
            flow,
            uri: uri.clone(),
            from: Party {
                display: None,
                uri: identity.from,
            },
            to: Party { display: None, uri },
            contact_user: "12356".to_owned(),
            sdp: Some(described),
            attached,
            headers: identity.headers,
            terms: crate::terms::of_trunk(trunk),
        };
        let Some(leg) = self.call_out(now, trunk_id, invite) else {
            self.ports.give_back(port);
            return None;
        };
        self.legs.insert(leg, LegOwner::Target(call.id, third));
        self.ports.own(port, PortOwner::Target(call.id, third));
        let side = call.third_mut(third)?;
        if std::mem::take(&mut side.attempt.channel) {
            self.channels.insert(leg, trunk_id);
        }
        side.codecs = codecs.into();
        side.leg = Some(leg);
        side.voice = Some(voice);
        self.set_call_timer(
            call,
            now.mono + trunk.try_for,
            Timer::PeerTry(call.id, third),
        );
        Some(())
    }

    /// The target's telephone rings, or a network says that it is on the way.
    pub(crate) fn on_peer_progress(&mut self, call: &mut Call, third: ThirdId) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        if let Some(side) = call.third_mut(third) {
            side.attempt.progress = true;
        }
    }

    /// The target's leg failed; true if another peer is asked, so that nothing has failed yet.
    pub(crate) fn ask_another(
        &mut self,
        now: Now,
        call: &mut Call,
        third: ThirdId,
        leg: LegId,
        (status, retry_after): (u16, Option<u32>),
    ) -> bool {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_, it) if *it == third));
        self.note_tried(call, third, status);
        let Some(side) = call.third_mut(third) else {
            return false;
        };
        let (trunk, attempt) = (side.trunk, &mut side.attempt);
        let word = Word::of(status, attempt.emergency);
        let Some(peer) = attempt
            .tried
            .last()
            .copied()
            .filter(|_| word != Word::Callee)
        else {
            return false;
        };
        if attempt.progress && !attempt.emergency {
            return false;
        }
        attempt.closed |= word == Word::Trunk;
        attempt.status = status;
        match (status, retry_after) {
            (503, Some(seconds)) => {
                let lasts = Duration::from_secs(seconds.into());
                self.leave_peer(now, (trunk, peer), lasts, true);
            }
            // 503 may also stand for a path that is dead (RFC 3261 §8.1.3.1).
            (408 | 503, _) => self.leave_peer(now, (trunk, peer), DOUBT, false),
            _ => {}
        }
        // Nothing is left of this leg, so its channel is for the next.
        if let Some(of) = self.channels.remove(&leg) {
            match call.third_mut(third) {
                Some(side) if of == side.trunk => side.attempt.channel = true,
                _ => self.give_channel_back(of),
            }
        }
        if !self.others(now, call, third) {
            self.drop_spare_channel(call, third);
            return false;
        }
        self.leave_leg(call, third);
        self.dial_next(now, call, third);
        true
    }

    /// The peer has not said anything for as long as it is given.
    pub(crate) fn on_peer_silent(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let (until, attempt) = (side.attempt.since + PATIENCE, &side.attempt);
        let (Some(leg), emergency) = (side.leg, attempt.emergency && !attempt.progress) else {
            return;
        };
        match self.endpoint.leg_state(leg) {
            Some(LegState::Calling) => {}
            // Who has said 100 is there, and the rest is its own network's; but police cannot wait.
            Some(LegState::Proceeding) if emergency && now.mono < until => {
                return self.set_call_timer(call, until, Timer::PeerTry(call.id, third));
            }
            Some(LegState::Proceeding) if emergency => {}
            _ => return,
        }
        if !self.others(now, call, third) {
            return;
        }
        self.note_tried(call, third, 408);
        if let Some(side) = call.third_mut(third) {
            side.attempt.status = 408;
            let peer = side.attempt.tried.last().copied();
            if let Some(peer) = peer {
                let trunk = side.trunk;
                self.leave_peer(now, (trunk, peer), DOUBT, false);
            }
        }
        self.leave_leg(call, third);
        // RFC 3326 §2: why the INVITE is cancelled, should it still be cancelled.
        self.release_leg(now, leg, Some("SIP;cause=408"));
        self.dial_next(now, call, third);
    }

    /// Asks the next after one that failed; an emergency's has time enough to be answered.
    fn dial_next(&mut self, now: Now, call: &mut Call, third: ThirdId) {
        self.dial_on(now, call, third);
        if let Some(side) = call.third_mut(third).filter(|it| it.attempt.emergency) {
            side.machine.handle_another(now.mono + LEAST_RING);
        }
    }

    /// True if somebody is left to be asked.
    fn others(&self, now: Now, call: &mut Call, third: ThirdId) -> bool {
        let Some(side) = call.third_mut(third) else {
            return false;
        };
        let (trunk, attempt) = (side.trunk, &side.attempt);
        let emergency = attempt.emergency;
        let any = |trunk: TrunkId, tried: &[PeerKey]| {
            let set = self.peers.get(usize::from(trunk.0));
            set.is_some_and(|set| set.choose(now.mono, 0, tried, emergency).is_some())
        };
        // An emergency goes over the limit and without a registration.
        let open = |trunk: TrunkId, channel: bool| {
            emergency || self.may_call_out(trunk) && (channel || self.has_channel(trunk, false))
        };
        let here = !attempt.closed && open(trunk, attempt.channel) && any(trunk, &attempt.tried);
        let mut more = attempt.later.iter().chain(&attempt.passed);
        here || more.any(|trunk| open(*trunk, false) && any(*trunk, &[]))
    }

    /// Takes the port from a leg that is given up. Its channel is its own until nothing of it is left.
    fn leave_leg(&mut self, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        side.leg = None;
        if let Some(voice) = side.voice.take() {
            self.drop_voice(&voice, call);
        }
    }

    pub(crate) fn drop_spare_channel(&mut self, call: &mut Call, third: ThirdId) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let trunk = side.trunk;
        if std::mem::take(&mut side.attempt.channel) {
            self.give_channel_back(trunk);
        }
    }

    /// A peer takes no calls, as it said, or did not respond; every shard is told.
    fn leave_peer(
        &mut self,
        now: Now,
        (trunk, peer): (TrunkId, PeerKey),
        lasts: Duration,
        said: bool,
    ) {
        self.on_peer_rests(now, trunk, peer, (lasts, said));
        let (address, transport) = peer;
        self.send_others(&ShardMessage::PeerRests {
            trunk,
            address,
            transport,
            lasts,
            said,
        });
    }

    /// Writes down what came of the peer that is asked now, once.
    pub(crate) fn note_tried(&mut self, call: &mut Call, third: ThirdId, status: u16) {
        let Some(side) = call.third_mut(third) else {
            return;
        };
        let Some((address, _)) = side.attempt.peer.take() else {
            return;
        };
        let record = side.record;
        let name = self.config.trunk(side.trunk).map(|it| it.name.clone());
        if let Some(record) = call.transfers.get_mut(record) {
            record.tried.push(PeerTried {
                trunk: name.unwrap_or_default(),
                peer: address.to_string(),
                status,
            });
        }
    }
}
