//! A call arrives: from which trunk, to whom, with which media; then it is queued at once.

use crate::api::{Notice, Phase, Refusal};
use crate::call::{Call, CallerSide, Description, State, Voice, most_hops};
use crate::channels::Way;
use crate::defect::Defect;
use crate::identity::{Parties, number_of};
use crate::offer::sip_transport;
use crate::outgoing::is_high;
use crate::pools::Fullness;
use crate::ports::{KEPT_FOR_RISK, PortOwner};
use crate::recording::Taping;
use crate::registration::account_of;
use crate::shard::{LegOwner, Shard, most_calls};
use crate::terms::for_caller;
use crate::timers::Timer;
use meishier_config::{AnswerMode, Early};
use meishier_media::{Codec, SdpError, SessionId};
use meishier_model::{CallId, DialString, LegId, Now, PortId, RtpStats, TrunkId};
use meishier_queue::{EnqueueError, Stamp};
use meishier_routing::{Decision, Fact, KeptPlace, Known, Query, Rule};
use meishier_signaling::{Flow, Message, Transport, body};
use meishier_transfer::{Conference, Mode, ThirdId};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};

/// Retry-After of a refusal for want of room, seconds (RFC 3261 §20.33).
pub(crate) const RETRY_AFTER: &str = "5";

/// Who warns in a Warning header: a name, for our address is nobody's business (RFC 3261 §20.43).
pub(crate) const WARNER: &str = "meishier";

pub(crate) fn media_codecs(codecs: &[meishier_config::Codec]) -> Vec<Codec> {
    codecs
        .iter()
        .map(|codec| match codec {
            meishier_config::Codec::Pcma => Codec::Pcma,
            meishier_config::Codec::Pcmu => Codec::Pcmu,
        })
        .collect()
}

/// Which party of the call a third one is, for [`session`].
pub(crate) fn third_party(third: ThirdId) -> u64 {
    256 + u64::from(third.0)
}

/// The identifier of a call's SDP session; below 2^63 (RFC 8866 §5.2). The caller is party 0, the seat 1.
pub(crate) fn session(call: CallId, party: u64, version: u64) -> SessionId {
    SessionId {
        id: ((call.0 << 9) | party) & (u64::MAX >> 1),
        version,
    }
}

fn routed(call: &Call, decision: &Decision) -> Notice {
    let mut risk = None;
    let mut nuisance = None;
    for rule in &decision.rules {
        match rule {
            Rule::Risk(why) => risk = Some(*why),
            Rule::Nuisance(why) => nuisance = Some(*why),
            _ => {}
        }
    }
    Notice::Routed {
        call: call.id,
        dialled: decision.dialled,
        ambiguous: decision.ambiguous(),
        default: decision
            .rules
            .iter()
            .any(|rule| matches!(rule, Rule::Default(_))),
        risk,
        nuisance,
        redial: call.known.redial,
    }
}

impl Shard {
    /// The place in line: its own, or the one that an earlier call of this number gave up.
    fn stamp(&self, now: Now, id: CallId, place: Option<KeptPlace>) -> Stamp {
        let waits = |call: &Call| matches!(call.state, State::Queued);
        if self.broken.is(Defect::StrangersPlaceTaken)
            && let Some(other) = self.calls.values().find(|call| waits(call))
        {
            return other.entry.stamp;
        }
        match place.filter(|_| !self.broken.is(Defect::RedialLosesPlace)) {
            Some(place) => Stamp {
                at: place.arrived.min(now.mono),
                tie: place.tie,
            },
            // Calls of one microsecond on one shard are told apart by their count.
            None => Stamp {
                at: now.mono,
                tie: (id.0 & 0xffff_ffff) as u32,
            },
        }
    }

    /// The trunk whose peer sent this; a peer with port 0 stands for every port of its address. What
    /// did not come by TLS is of no trunk that speaks TLS: anybody can write its address into a
    /// datagram. Nor is what came from somebody whose certificate names another, nor what came to
    /// another address than ours in the trunk's network: addresses of a closed network can be
    /// written into datagrams of an open one.
    pub(crate) fn trunk_of(&self, flow: Flow) -> Option<TrunkId> {
        let remote = flow.remote;
        let ip = remote.ip().to_canonical();
        let is_peer = |peer: &SocketAddr| {
            peer.ip().to_canonical() == ip && (peer.port() == 0 || peer.port() == remote.port())
        };
        let by_name = |addresses: &Vec<IpAddr>| {
            let mut addresses = addresses.iter();
            addresses.any(|address| address.to_canonical() == ip)
        };
        let mut trunks = self.config.trunks.iter().zip(&self.callers);
        let index = trunks.position(|(trunk, callers)| {
            let secure = sip_transport(trunk.transport) != Transport::Tls
                || flow.transport == Transport::Tls && !flow.is_foreign();
            let network = self.config.network(trunk.network);
            let here = network.is_none_or(|it| it.shown() == flow.local.ip());
            secure && here && (trunk.peers.iter().any(is_peer) || by_name(callers))
        })?;
        u16::try_from(index).ok().map(TrunkId)
    }

    /// False while a trunk's peers go by names of which DNS has not said anybody yet: whoever calls may
    /// be one of them, and is to try again.
    fn knows_all_callers(&self) -> bool {
        let mut trunks = self.config.trunks.iter().zip(&self.callers);
        trunks.all(|(trunk, callers)| trunk.peer_names.is_empty() || !callers.is_empty())
    }

    pub(crate) fn reject(
        &mut self,
        now: Now,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
        why: Refusal,
    ) {
        self.legs.insert(leg, LegOwner::Nobody);
        // The leg can only have ended meanwhile; then there is nothing to refuse.
        let _ = self.endpoint.reject(now.mono, leg, status, headers);
        self.refuse(why);
    }

    /// Refuses an offer that cannot be answered, and says why: Warning (RFC 3261 §20.43), a notice.
    pub(crate) fn reject_media(
        &mut self,
        now: Now,
        leg: LegId,
        error: SdpError,
        trunk: Option<TrunkId>,
    ) {
        let warning = error.warning(WARNER);
        let headers = warning.as_deref().map(|text| ("Warning", text));
        if let (SdpError::NoCommonCodec(offered), Some(trunk)) = (error, trunk) {
            self.notice(Notice::ForeignCodec { trunk, offered });
        }
        self.reject(now, leg, 488, headers.as_slice(), Refusal::NoCommonMedia);
    }

    /// Refuses a call of somebody who has shown no right to call; nothing of it is kept.
    pub(crate) fn turn_away(
        &mut self,
        now: Now,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
    ) {
        self.legs.insert(leg, LegOwner::Nobody);
        // The leg can only have ended meanwhile; then there is nothing to refuse.
        let _ = self.endpoint.turn_away(now.mono, leg, status, headers);
    }

    pub(crate) fn on_invite(&mut self, now: Now, leg: LegId, flow: Flow, request: &Message) {
        let called_star = number_of(request.request_uri()).reveal().starts_with('*');
        if called_star {
            return self.on_star_invite(now, leg, flow, request);
        }
        let Some(trunk) = self.trunk_of(flow) else {
            self.refuse(Refusal::UnknownSource);
            return match self.knows_all_callers() {
                true => self.turn_away(now, leg, 403, &[]),
                false => self.turn_away(now, leg, 503, &[("Retry-After", RETRY_AFTER)]),
            };
        };
        if self.is_own_call(request) {
            return self.reject(now, leg, 482, &[], Refusal::Loop);
        }
        if self.draining {
            return self.reject(
                now,
                leg,
                503,
                &[("Retry-After", RETRY_AFTER)],
                Refusal::Draining,
            );
        }
        let terms = self.terms(trunk);
        if let Err(unfit) = terms.admit(request) {
            let headers = [unfit.header];
            return self.reject(now, leg, unfit.status, &headers, Refusal::NotAgreed);
        }
        let codecs = media_codecs(&self.config.trunks[usize::from(trunk.0)].codecs);
        let parties = self.parties(request, trunk);
        let policies = self.config.routing.policies();
        let nobody = DialString::default();
        let remembered = if parties.switchboard {
            &nobody
        } else {
            &parties.caller
        };
        let (known, place) = self.book.known(remembered, now, policies);
        let decision = self.decide(
            now,
            Fullness::AtOnce,
            &Query {
                known,
                cell: parties.cell.as_ref().map(DialString::reveal),
                ..Query::new(now.wall, trunk, &parties.caller, &parties.called)
            },
        );
        // The leg can only have ended meanwhile; its event follows.
        let terms = for_caller(terms, decision.risk);
        let _ = self.endpoint.set_terms(now.mono, leg, terms);
        let account = account_of(&self.config, trunk);
        let _ = self.endpoint.set_leg_account(now.mono, leg, account);
        if decision.risk {
            self.stay_with(now, leg);
        }
        if self.broken.is(Defect::UnknownRefused) && parties.caller.is_empty() {
            return self.reject(now, leg, 404, &[], Refusal::NotAllowed);
        }
        let high = parties.priority.as_deref().is_some_and(is_high);
        let emergency = decision.risk || high;
        if !self.take_channel(trunk, emergency, Way::In) {
            let again = [("Retry-After", RETRY_AFTER)];
            return self.reject(now, leg, 503, &again, Refusal::Channels);
        }
        // Given back when nothing of the leg is left, whatever becomes of it.
        self.channels.insert(leg, trunk);
        let Some((port, address)) = self.room_for(trunk, decision.risk) else {
            let why = if decision.risk {
                Refusal::RiskOverload
            } else {
                Refusal::Overload
            };
            return self.reject(now, leg, 503, &[("Retry-After", RETRY_AFTER)], why);
        };
        let id = CallId::new(self.id, self.next_call);
        let ours = (address, session(id, 0, 1));
        let srtp = self.config.trunks[usize::from(trunk.0)].srtp;
        let mut voice = Voice::new(port, None, srtp);
        let answer = match body::sdp(request) {
            Some(offer) => self.answer_offer(now, &mut voice, offer, ours, &codecs),
            // RFC 3261 §13.2.1: then the offer is ours.
            None => Ok(self.describe(now, &mut voice, ours, &codecs)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.ports.give_back(port);
                return self.reject_media(now, leg, error, Some(trunk));
            }
        };
        self.next_call += 1;
        let media = (voice, answer);
        let stamp = self.stamp(now, id, place);
        let mut call = self.new_call(now, (id, leg, trunk), parties, (&decision, stamp), media);
        call.codecs = codecs.into();
        call.known = known;
        let hops = request
            .max_forwards()
            .map(|it| u8::try_from(it).unwrap_or(u8::MAX));
        call.hops = hops.unwrap_or_else(most_hops);
        call.nuisance = !decision.risk && {
            let nuisance = |rule: &Rule| matches!(rule, Rule::Nuisance(_));
            decision.rules.iter().any(nuisance)
        };
        self.admit(now, call, &decision);
    }

    /// A port for a caller, if there is room for the call. A share of all places is kept for callers
    /// at risk; whoever has a place keeps it, so that even they find none once that is used up.
    fn room_for(&mut self, trunk: TrunkId, risk: bool) -> Option<(PortId, SocketAddr)> {
        let most = most_calls(&self.config);
        let kept = if risk { 0 } else { most / KEPT_FOR_RISK };
        if self.calls.len() + kept >= most {
            return None;
        }
        let trunk = self.config.trunk(trunk);
        self.ports
            .take_for_caller(trunk.and_then(|trunk| trunk.network), risk)
    }

    fn new_call(
        &mut self,
        now: Now,
        (id, leg, trunk): (CallId, LegId, TrunkId),
        parties: Parties,
        (decision, stamp): (&Decision, Stamp),
        (voice, answer): (Voice, Vec<u8>),
    ) -> Box<Call> {
        let (mut entry, closed_rings) = self.entry(now, id, (stamp, now.mono), decision);
        self.let_fall(&mut entry, &closed_rings);
        self.legs.insert(leg, LegOwner::Caller(id));
        self.ports.own(voice.port, PortOwner::Caller(id));
        Box::new(Call {
            id,
            trunk,
            codecs: SmallVec::new(),
            caller: parties.caller,
            called: parties.called,
            from_user: parties.from_user,
            sip_call_id: self.endpoint.call_id(leg).unwrap_or_default().into(),
            arrived: now,
            state: State::Queued,
            side: CallerSide {
                leg,
                voice,
                answer: Description(answer.into_boxed_slice()),
                answered: false,
                gone: false,
                closed: false,
                version: 1,
            },
            entry,
            enqueued: now.mono,
            closed_rings,
            route: SmallVec::new(),
            route_reason: "".into(),
            rules: Vec::new(),
            table: "".into(),
            known: Known::default(),
            cell: parties.cell,
            charging: parties.charging,
            priority: parties.priority,
            hops: most_hops(),
            causes: Default::default(),
            withheld: parties.withheld,
            switchboard: parties.switchboard,
            asserted: parties.asserted,
            facts: Default::default(),
            call_back: Default::default(),
            place: Default::default(),
            place_words: Default::default(),
            dossiers: 0,
            handed: Vec::new(),
            cut_off: false,
            nuisance: false,
            offers: Vec::new(),
            transfers: Vec::new(),
            thirds: Vec::new(),
            third_count: 0,
            conference: Conference::new(),
            modes: (Mode::Full, Mode::Full),
            alarms: Vec::new(),
            emergency: false,
            answer: None,
            talked_ms: 0,
            ending: None,
            rtp_caller: RtpStats::default(),
            rtp_seat: RtpStats::default(),
            closing: SmallVec::new(),
            timers: SmallVec::new(),
            silences: SmallVec::new(),
            heard: SmallVec::new(),
            one_way: None,
            taping: Taping::default(),
        })
    }

    /// Queues the call before anything else is done for it: a free seat is offered at once.
    fn admit(&mut self, now: Now, mut call: Box<Call>, decision: &Decision) {
        let mut refused = None;
        match self.queue.enqueue(now.mono, call.entry.clone()) {
            Ok(wakes) => self.wake(now, &wakes),
            // Nobody at risk is sent away for want of room: who is here is kept until there is some.
            Err(error) if call.entry.risk => refused = Some(error),
            Err(error) => {
                let why = Refusal::Overload;
                if error != EnqueueError::Full {
                    self.notice(Notice::Unexpected("the queue did not take a caller"));
                }
                self.ports.give_back(call.side.voice.port);
                return self.reject(
                    now,
                    call.side.leg,
                    503,
                    &[("Retry-After", RETRY_AFTER)],
                    why,
                );
            }
        }
        let (id, trunk) = (call.id, call.trunk);
        self.notice(Notice::Arrived { call: id, trunk });
        self.notice(routed(&call, decision));
        self.notice(Notice::Phase {
            call: id,
            from: None,
            to: Some(Phase::Queued),
        });
        if let Some(error) = refused {
            self.keep_outside(now, &mut call, error);
        }
        self.set_widening(now, &mut call);
        self.begins_to_wait(now, id);
        self.calls.insert(id, call);
        // The seat's INVITE, if there is a free seat, leaves before the caller's own progress, and
        // before anything that is for the record alone.
        self.match_now(now);
        self.with_call(id, |shard, call| {
            shard.greet(now, call);
            shard.say_why(call, decision);
            shard.note_call(call, now.wall, Fact::Arrived);
            // A route may have looked at a pool that is no ring of the call, in a state that this shard
            // has not seen yet.
            shard.look_at_all_crowds();
        });
    }

    /// The first response to the caller, and what it hears from then on.
    fn greet(&mut self, now: Now, call: &mut Call) {
        let mode = self.config.trunks[usize::from(call.trunk.0)].answer;
        match mode {
            AnswerMode::AtOnce => self.answer_caller(now, call),
            AnswerMode::OnSeat {
                early,
                answer_after,
            } => {
                let with_sdp = early == Early::Progress183;
                let status = if with_sdp { 183 } else { 180 };
                // An offer of ours goes as early as it can: an answer is no use before it.
                let late = call.side.voice.agreed.is_none();
                let body = (with_sdp || late).then_some(&*call.side.answer.0);
                // An error means that the leg has just ended; its event follows.
                let _ = self.endpoint.ring(now.mono, call.side.leg, status, body);
                self.set_call_timer(
                    call,
                    call.arrived.mono + answer_after,
                    Timer::AnswerAfter(call.id),
                );
                if with_sdp && !late {
                    self.start_waiting_audio(now, call);
                }
            }
        }
    }

    /// 200 to the caller, once; a caller who still waits hears greeting and music from then on.
    pub(crate) fn answer_caller(&mut self, now: Now, call: &mut Call) {
        if call.side.answered || call.side.gone {
            return;
        }
        call.side.answered = true;
        self.cancel_call_timers(call, |t| matches!(t, Timer::AnswerAfter(_)));
        let answer = std::mem::take(&mut call.side.answer.0);
        // An error means that the leg has just ended; its event follows.
        let _ = self.endpoint.answer(now.mono, call.side.leg, &answer);
        let heard = call.side.voice.agreed.is_some();
        if heard && call.is_waiting() && !call.side.voice.open {
            self.start_waiting_audio(now, call);
        }
    }
}
