//! A call out: by which trunk and to which of its peers, and what happens if one of them is dead.
//!
//! ```text
//!            a peer by priority and weight          no peer left: the next trunk
//!   trunk ──────────────────────────────► INVITE ◄──────────────────────────────┐
//!     ▲ takes one channel                   │                                    │
//!     │                                     ├─ 101 to 199: stays with this peer for good
//!     │                                     ├─ 200: answered                     │
//!     │                                     ├─ no response at all within `try_for` ──┤ CANCEL, as soon as it may
//!     │                                     ├─ unreachable, 408, 500, 502, 503, 504 ─┤ be sent (RFC 3261 §9.1)
//!     │                                     └─ any other: the callee's own word, the end
//!     └─ the key's trunk, then its `backup`
//! ```
//! RFC 3263 §4.3: the next one is tried after a timeout, a failure of the transport or a 503; here also
//! after 500, 502 and 504, by which a server speaks of itself (RFC 3261 §21.5). Nobody is tried after a
//! provisional response above 100: then somebody's telephone may ring already, and police would be
//! called twice. A peer whose 503 has Retry-After rests as long as it says; one that did not respond
//! is asked last for a while. Who is the last is given all the time that the key has.

use crate::api::ShardMessage;
use crate::arrival::{media_codecs, session};
use crate::call::{Call, Voice};
use crate::channels::Way;
use crate::peers::{PeerKey, Target as Peer};
use crate::ports::PortOwner;
use crate::shard::{LegOwner, Shard};
use crate::timers::Timer;
use meishier_model::{LegId, Now, PeerTried, TrunkId};
use meishier_signaling::{Invite, LegState, Party};
use meishier_transfer::{KeyKind, Target};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

/// How long a peer that did not respond is asked last.
const DOUBT: Duration = Duration::from_secs(30);

/// A call out that is under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Whom to reach; `None` before it begins.
    goal: Option<Target>,
    emergency: bool,
    /// Trunks that are left.
    later: SmallVec<[TrunkId; 2]>,
    /// Who was asked on the present trunk.
    tried: SmallVec<[PeerKey; 4]>,
    /// Who is asked now.
    peer: Option<PeerKey>,
    /// A channel of the present trunk that no leg holds.
    channel: bool,
    /// A provisional response above 100 came.
    progress: bool,
    /// The status of the last that failed.
    status: u16,
}

/// True for a failure that is the peer's and not the callee's.
fn is_of_peer(status: u16) -> bool {
    matches!(status, 408 | 500 | 502 | 503 | 504)
}

impl Shard {
    /// Dials a target; what cannot be dialled has failed at once.
    pub(crate) fn dial(&mut self, now: Now, call: &mut Call, target: &Target) {
        let Some(key) = self.config.transfer.keys.get(target.key) else {
            return self.dial_failed(call, 503);
        };
        let (trunk, emergency) = (key.trunk, key.kind == KeyKind::Emergency);
        let later = key.backup.iter().copied().collect();
        let Some(side) = call.target_mut() else {
            return;
        };
        side.trunk = trunk;
        side.attempt = Attempt {
            goal: Some(target.clone()),
            emergency,
            later,
            // 503: no way out at this moment (RFC 3261 §21.5.4).
            status: 503,
            ..Attempt::default()
        };
        side.attempt.channel = self.take_channel(trunk, emergency, Way::Out);
        self.dial_on(now, call);
    }

    fn dial_failed(&mut self, call: &mut Call, status: u16) {
        if let Some(side) = call.target_mut() {
            side.machine.handle_failed(status);
        }
    }

    /// Asks the next peer, of this trunk or the next; if there is none the call out has failed.
    fn dial_on(&mut self, now: Now, call: &mut Call) {
        loop {
            let Some(side) = call.target_mut() else {
                return;
            };
            let (trunk, attempt) = (side.trunk, &side.attempt);
            let next = match attempt.channel {
                true => self.next_peer(now, trunk, &side.attempt.tried, attempt.emergency),
                false => None,
            };
            match next {
                Some(peer) => {
                    side.attempt.tried.push(peer.key());
                    side.attempt.peer = Some(peer.key());
                    if self.ask_peer(now, call, trunk, &peer).is_some() {
                        return;
                    }
                    self.note_tried(call, 503);
                }
                None if !self.next_trunk(call) => {
                    let status = call.target_mut().map_or(503, |side| side.attempt.status);
                    return self.dial_failed(call, status);
                }
                None => {}
            }
        }
    }

    fn next_peer(
        &mut self,
        now: Now,
        trunk: TrunkId,
        tried: &[PeerKey],
        emergency: bool,
    ) -> Option<Peer> {
        let word = self.endpoint.random();
        let set = self.peers.get(usize::from(trunk.0))?;
        set.choose(now.mono, word, tried, emergency).cloned()
    }

    /// Gives up the present trunk; false if there is no other.
    fn next_trunk(&mut self, call: &mut Call) -> bool {
        let Some(side) = call.target_mut() else {
            return false;
        };
        let (before, attempt) = (side.trunk, &mut side.attempt);
        if std::mem::take(&mut attempt.channel) {
            self.give_channel_back(before);
        }
        if attempt.later.is_empty() {
            return false;
        }
        side.trunk = attempt.later.remove(0);
        attempt.tried.clear();
        let (trunk, emergency) = (side.trunk, attempt.emergency);
        let taken = self.take_channel(trunk, emergency, Way::Out);
        if let Some(side) = call.target_mut() {
            side.attempt.channel = taken;
        }
        true
    }

    /// Sends the INVITE; `None` if it cannot be sent.
    fn ask_peer(
        &mut self,
        now: Now,
        call: &mut Call,
        trunk_id: TrunkId,
        peer: &Peer,
    ) -> Option<()> {
        let (goal, emergency) = {
            let attempt = &call.target_mut()?.attempt;
            (attempt.goal.clone()?, attempt.emergency)
        };
        let config = std::sync::Arc::clone(&self.config);
        let trunk = config.trunks.get(usize::from(trunk_id.0))?;
        let flow = self.flow_to(peer.transport, peer.address, trunk.network)?;
        let uri = self.outgoing_uri(trunk, &goal.dial, peer.address);
        let identity = self.outgoing_identity(call, (trunk_id, trunk), (&uri, emergency));
        let codecs = media_codecs(&trunk.codecs);
        let (port, address) = self.ports.take(trunk.network)?;
        let mut voice = Voice::new(port, None, trunk.srtp);
        let ours = (address, session(call.id, 2, 1));
        let described = self.describe(now, &mut voice, ours, &codecs);
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
            headers: identity.headers,
            terms: crate::terms::of_trunk(trunk),
        };
        let Some(leg) = self.call_out(now, trunk_id, invite) else {
            self.ports.give_back(port);
            return None;
        };
        self.legs.insert(leg, LegOwner::Target(call.id));
        self.ports.own(port, PortOwner::Target(call.id));
        let side = call.target_mut()?;
        if std::mem::take(&mut side.attempt.channel) {
            self.channels.insert(leg, trunk_id);
        }
        side.codecs = codecs.into();
        side.leg = Some(leg);
        side.voice = Some(voice);
        self.set_call_timer(call, now.mono + trunk.try_for, Timer::PeerTry(call.id));
        Some(())
    }

    /// The target's telephone rings, or a network says that it is on the way.
    pub(crate) fn on_peer_progress(&mut self, call: &mut Call) {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_)));
        if let Some(side) = call.target_mut() {
            side.attempt.progress = true;
        }
    }

    /// The target's leg failed; true if another peer is asked, so that nothing has failed yet.
    pub(crate) fn ask_another(
        &mut self,
        now: Now,
        call: &mut Call,
        leg: LegId,
        (status, retry_after): (u16, Option<u32>),
    ) -> bool {
        self.cancel_call_timers(call, |t| matches!(t, Timer::PeerTry(_)));
        self.note_tried(call, status);
        let Some(side) = call.target_mut() else {
            return false;
        };
        let (trunk, attempt) = (side.trunk, &mut side.attempt);
        let Some(peer) = attempt.tried.last().copied().filter(|_| is_of_peer(status)) else {
            return false;
        };
        if attempt.progress {
            return false;
        }
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
        if !self.others(now, call) {
            return false;
        }
        self.leave_leg(call, leg);
        self.dial_on(now, call);
        true
    }

    /// The peer has not said anything for as long as it is given.
    pub(crate) fn on_peer_silent(&mut self, now: Now, call: &mut Call) {
        let leg = call.target_mut().and_then(|side| side.leg);
        let Some(leg) = leg else { return };
        // Who has said 100 is there, and the rest is its own network's.
        if self.endpoint.leg_state(leg) != Some(LegState::Calling) || !self.others(now, call) {
            return;
        }
        self.note_tried(call, 408);
        if let Some(side) = call.target_mut() {
            side.attempt.status = 408;
            let peer = side.attempt.tried.last().copied();
            if let Some(peer) = peer {
                let trunk = side.trunk;
                self.leave_peer(now, (trunk, peer), DOUBT, false);
            }
        }
        self.leave_leg(call, leg);
        // RFC 3326 §2: why the INVITE is cancelled, should it still be cancelled.
        self.release_leg(now, leg, Some("SIP;cause=408"));
        self.dial_on(now, call);
    }

    /// True if somebody is left to be asked.
    fn others(&self, now: Now, call: &mut Call) -> bool {
        let Some(side) = call.target_mut() else {
            return false;
        };
        let (trunk, attempt) = (side.trunk, &side.attempt);
        let any = |trunk: TrunkId, tried: &[PeerKey]| {
            let set = self.peers.get(usize::from(trunk.0));
            let set = set.filter(|_| self.may_call_out(trunk));
            set.is_some_and(|set| set.choose(now.mono, 0, tried, attempt.emergency).is_some())
        };
        let free = |trunk: &TrunkId| self.has_channel(*trunk, attempt.emergency);
        any(trunk, &attempt.tried)
            || attempt
                .later
                .iter()
                .any(|trunk| free(trunk) && any(*trunk, &[]))
    }

    /// Takes channel and port from a leg that is given up.
    fn leave_leg(&mut self, call: &mut Call, leg: LegId) {
        let channel = self.channels.remove(&leg).is_some();
        let Some(side) = call.target_mut() else {
            return;
        };
        side.attempt.channel = channel;
        side.leg = None;
        if let Some(voice) = side.voice.take() {
            self.drop_voice(&voice, call);
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
    pub(crate) fn note_tried(&mut self, call: &mut Call, status: u16) {
        let Some(side) = call.target_mut() else {
            return;
        };
        let Some((address, _)) = side.attempt.peer.take() else {
            return;
        };
        let (trunk, record) = (usize::from(side.trunk.0), side.record);
        let name = self.config.trunks.get(trunk).map(|it| it.name.clone());
        if let Some(record) = call.transfers.get_mut(record) {
            record.tried.push(PeerTried {
                trunk: name.unwrap_or_default(),
                peer: address.to_string(),
                status,
            });
        }
    }
}
