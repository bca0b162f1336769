//! The endpoint: all SIP of one shard. Messages and time go in, messages and events come out.
//!
//! ```text
//!   handle_message ─▶ endpoint_inbound ─▶ transactions ─┬▶ leg ─▶ poll_event
//!   handle_timeout ─────────────────────▶ timers ───────┘   │
//!   invite, ring, answer, hangup, … ────────────────────────┘
//!                                          transactions ─▶ poll_transmit
//! ```
//!
//! Contract: after any `handle_*` or any other call that changes something, drain `poll_transmit`
//! and `poll_event`, then come back at `poll_timeout` at the latest. `now` never goes back.

use crate::attached::Attached;
use crate::client_auth::{AccountId, Wallet};
use crate::counters::{Counters, Stats};
use crate::defect::Broken;
use crate::dialog::Dialog;
use crate::event::{EndpointError, Event, LegError, RequestId};
use crate::flow::{Flow, Transmit};
use crate::keys::{Owner, ServerKey, TimerKey};
use crate::leg::{Context, Leg, LegState};
use crate::leg_timer::Draft;
use crate::names::Names;
use crate::terms::Terms;
use crate::timers::{Due, Timers};
use crate::transactions::{Report, Transactions};
use crate::write;
use meishier_model::{LegId, Mono, ShardId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What an endpoint is told once.
#[derive(Clone)]
pub struct EndpointConfig {
    /// The shard that it serves; its Call-IDs carry it.
    pub shard: ShardId,
    /// Value of User-Agent and Server.
    pub user_agent: String,
    /// Timer values.
    pub timers: Timers,
    /// Most legs at a time. An INVITE beyond it gets 503, an `invite` beyond it an error.
    pub max_legs: usize,
    /// Most transactions of each kind for requests outside dialogs; those within calls may go
    /// beyond it by four a leg.
    pub max_transactions: usize,
    /// Tags, branches and Call-IDs derive from it: 256 random bits, new at every start.
    pub seed: [u8; 32],
    /// Option tags that we take in Require (RFC 3261 §20.32), and that Supported names. The
    /// endpoint itself implements 100rel (RFC 3262), timer (RFC 4028) and norefersub (RFC 4488);
    /// name beside them only what its user does.
    pub supported: Vec<String>,
}

/// A call to be started.
#[derive(Clone)]
pub struct Invite {
    /// The path on which INVITE and everything after it goes.
    pub flow: Flow,
    /// Request-URI. Headers in it, which a registered Contact may have, are left out: honouring
    /// them would let their author write into our requests (RFC 3261 §19.1.5).
    pub uri: String,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// User part of our Contact; empty for none.
    pub contact_user: String,
    /// The offer. With `None` the callee makes it, and gets an ACK without an answer: of use only
    /// where no media is wanted.
    pub sdp: Option<Vec<u8>>,
    /// What goes along with the description, in the INVITE alone; nothing if `None`.
    pub attached: Option<Attached>,
    /// Further headers, name and value. Max-Forwards among them takes the place of our 70.
    pub headers: Vec<(String, String)>,
    /// How the dialog is kept.
    pub terms: Terms,
}

/// One side of a call as From and To name it.
#[derive(Clone)]
pub struct Party {
    /// Display name, without quotes.
    pub display: Option<String>,
    /// URI, without angle brackets.
    pub uri: String,
}

/// All SIP of one shard.
pub struct Endpoint {
    pub(crate) config: EndpointConfig,
    pub(crate) names: Names,
    pub(crate) wallet: Wallet,
    pub(crate) tx: Transactions,
    pub(crate) legs: BTreeMap<LegId, Box<Leg>>,
    /// Legs on TCP by connection, so that a stranger's closed connections cost nothing.
    connections: BTreeSet<(u64, LegId)>,
    pub(crate) requests: BTreeMap<RequestId, ServerKey>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) next_leg: u64,
    next_request: u64,
    /// The last time handed in; snapshots are taken at it.
    pub(crate) last: Mono,
    pub(crate) broken: Broken,
}

impl Endpoint {
    /// An endpoint without calls.
    #[must_use]
    pub fn new(config: EndpointConfig) -> Self {
        Self {
            names: Names::new(config.seed, config.shard),
            wallet: Wallet::default(),
            tx: Transactions::new(config.timers),
            config,
            legs: BTreeMap::new(),
            connections: BTreeSet::new(),
            requests: BTreeMap::new(),
            events: VecDeque::new(),
            next_leg: 1,
            next_request: 1,
            last: Mono::default(),
            broken: Broken::default(),
        }
    }

    // ---- time and output

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.last = now;
        while let Some((at, key)) = self.tx.timers.due(now) {
            match key {
                TimerKey::Client(client) => {
                    let report = self.tx.on_client_timer(now, client);
                    self.on_reports(now, report);
                }
                TimerKey::Server(server) => {
                    let report = self.tx.on_server_timer(now, server);
                    self.on_reports(now, report);
                }
                TimerKey::Leg(leg) => {
                    let _ = self.with_leg(now, leg, |leg, cx| leg.on_timer(cx));
                }
            }
            if self.tx.timers.due(now) == Some((at, key)) {
                // Whoever the timer was for has not set it anew: it must not be asked for ever.
                self.tx.timers.forget((at, key));
            }
        }
    }

    /// When [`Endpoint::handle_timeout`] is to be called next; `None` if nothing waits. State that
    /// is only to be freed waits up to [`crate::timers::LINGER_GRAIN`] longer than it must.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.tx.timers.next()
    }

    /// The next message to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.tx.outbox.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The peer of `flow` cannot be reached by it any more: its TCP connection is closed, or ICMP
    /// said so. Requests of ours that wait on it for a response fail as 503 (RFC 3261 §8.1.3.1).
    /// Calls that are up stay up: what they send next asks for a new connection (§18.1.1).
    pub fn handle_flow_failed(&mut self, now: Mono, flow: Flow) {
        self.last = now;
        if flow.connection != 0 {
            let first = (flow.connection, LegId(0));
            let last = (flow.connection, LegId(u64::MAX));
            let legs: Vec<LegId> = self.connections.range(first..=last).map(|c| c.1).collect();
            for leg in legs {
                let _ = self.with_leg(now, leg, |leg, _| leg.flow.connection = 0);
            }
        }
        let reports = self.tx.on_flow_failed(flow);
        self.on_reports(now, reports);
    }

    // ---- calls

    /// Starts a call. Exactly one of [`Event::Answered`] and [`Event::Failed`] follows, unless
    /// `hangup` comes first; then only [`Event::Gone`].
    ///
    /// # Errors
    /// [`EndpointError::Full`] at a limit, [`EndpointError::Uri`] if a URI cannot be written.
    pub fn invite(&mut self, now: Mono, invite: Invite) -> Result<LegId, EndpointError> {
        self.invite_as(now, None, invite)
    }

    /// As [`Endpoint::invite`]; challenges to every request of the call are answered for this account.
    ///
    /// # Errors
    /// As [`Endpoint::invite`].
    pub fn invite_as(
        &mut self,
        now: Mono,
        account: Option<AccountId>,
        invite: Invite,
    ) -> Result<LegId, EndpointError> {
        self.last = now;
        if self.legs.len() >= self.config.max_legs
            || self.tx.clients.len() >= self.config.max_transactions
        {
            self.tx.counters.limited += 1;
            return Err(EndpointError::Full);
        }
        if ![&invite.uri, &invite.from.uri, &invite.to.uri]
            .into_iter()
            .all(|uri| write::is_uri(uri))
        {
            return Err(EndpointError::Uri);
        }
        let target = write::without_headers(&invite.uri);
        let callee = write::without_headers(&invite.to.uri);
        let id = self.take_leg_id();
        let tag = self.names.leg_tag(id);
        let from = write::party(invite.from.display.as_deref(), &invite.from.uri);
        let dialog = Dialog {
            call_id: self.names.call_id().into(),
            local: format!("{from};tag={tag}").into(),
            local_tag: tag.into(),
            remote_tag: "".into(),
            remote: write::party(invite.to.display.as_deref(), callee).into(),
            route: "".into(),
            target: target.into(),
            local_seq: 0,
            remote_seq: None,
        };
        let leg = Leg::new(
            id,
            LegState::Calling,
            invite.flow,
            dialog,
            &invite.contact_user,
        );
        let mut leg = Box::new(leg);
        leg.terms = invite.terms;
        leg.account = account;
        leg.described = invite.sdp.as_deref().map(Into::into);
        let kept = invite.terms.session.is_some() || invite.attached.is_some();
        let draft = Draft::new(invite.headers, invite.sdp, invite.attached);
        self.legs.insert(id, leg);
        let _ = self.with_leg(now, id, |leg, cx| {
            leg.send_invite(cx, &draft);
            leg.draft = kept.then(|| Box::new(draft));
        });
        Ok(id)
    }

    /// Says how the dialog of a call that came is kept; before it is answered in any way. Until then
    /// [`Terms::default`] holds.
    ///
    /// # Errors
    /// [`LegError::State`]: the call rings or more.
    pub fn set_terms(&mut self, now: Mono, leg: LegId, terms: Terms) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, _| match leg.state {
            LegState::Arrived => {
                leg.terms = terms;
                Ok(())
            }
            _ => Err(LegError::State),
        })?
    }

    /// Sends a ringing response, 180 to 183, with early media if `sdp` is given. It is repeated
    /// every minute (RFC 3261 §13.3.1.1). Where the caller can and the terms say so it is sent
    /// until its PRACK comes (RFC 3262), for 64·T1 at most; then the leg ends
    /// ([`crate::event::EndCause::NoPrack`]), unless it is to [`Endpoint::be_patient`]. To a caller who made no offer `sdp` is ours, and goes
    /// only in a response that is sent so.
    ///
    /// # Errors
    /// [`LegError`]: not an incoming leg without answer, or another status.
    pub fn ring(
        &mut self,
        now: Mono,
        leg: LegId,
        status: u16,
        sdp: Option<&[u8]>,
    ) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.ring(cx, status, sdp))?
    }

    /// Answers with 200, as soon as a session description of ours that was sent before is
    /// acknowledged (RFC 3262 §3). It is repeated until the ACK comes ([`Event::Confirmed`]), for 64·T1 at
    /// most; then the leg ends ([`crate::event::EndCause::NoAck`]).
    ///
    /// # Errors
    /// [`LegError::State`]: not an incoming leg without answer.
    pub fn answer(&mut self, now: Mono, leg: LegId, sdp: &[u8]) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.answer(cx, sdp))?
    }

    /// Refuses a call with a status of 300 to 699. Only [`Event::Gone`] follows.
    ///
    /// # Errors
    /// [`LegError`]: not an incoming leg without answer, or another status.
    pub fn reject(
        &mut self,
        now: Mono,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.reject(cx, status, headers))?
    }

    /// Ends a leg in whatever way its state asks for: 480 before the answer, BYE after it, CANCEL
    /// for a call of ours. `reason` is the value of a Reason header (RFC 3326). Only
    /// [`Event::Gone`] follows. Hanging up twice does no harm.
    ///
    /// # Errors
    /// [`LegError::Unknown`].
    pub fn hangup(&mut self, now: Mono, leg: LegId, reason: Option<&str>) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| {
            if !matches!(leg.state, LegState::Cancelling | LegState::Ending) {
                leg.hangup(cx, reason);
            }
        })
    }

    /// Changes the session by re-INVITE. [`Event::ReinviteDone`] follows, unless the leg ends. If
    /// the peer's own change crosses it (491) it is sent again by itself (RFC 3261 §14.1).
    ///
    /// # Errors
    /// [`LegError::State`]: the call is not up. [`LegError::Busy`]: another change is under way.
    pub fn reinvite(&mut self, now: Mono, leg: LegId, sdp: &[u8]) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.reinvite(cx, sdp))?
    }

    /// Asks the peer of a call that is up for a sign of life, by OPTIONS within the dialog (RFC 3261
    /// §11, §12.2). [`Event::Probed`] follows, unless the leg ends; the probe itself ends nothing.
    ///
    /// # Errors
    /// [`LegError::State`]: the call is not up. [`LegError::Busy`]: a probe is under way.
    pub fn probe(&mut self, now: Mono, leg: LegId) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.probe(cx))?
    }

    /// Agrees to the change of [`Event::Reinvite`].
    ///
    /// # Errors
    /// [`LegError::State`]: none waits for an answer (any more).
    pub fn answer_reinvite(&mut self, now: Mono, leg: LegId, sdp: &[u8]) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.answer_reinvite(cx, sdp))?
    }

    /// Refuses the change of [`Event::Reinvite`] with a status of 300 to 699; the session stays.
    ///
    /// # Errors
    /// [`LegError`]: none waits for an answer (any more), or another status.
    pub fn reject_reinvite(
        &mut self,
        now: Mono,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.reject_reinvite(cx, status, headers))?
    }

    /// A call that came is not to be refused for want of a PRACK, now or later (see
    /// [`crate::reliable::Reliable::be_patient`]).
    ///
    /// # Errors
    /// [`LegError::Unknown`].
    pub fn be_patient(&mut self, now: Mono, leg: LegId) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, _| leg.be_patient())
    }

    // ---- looking

    /// The Call-ID of a leg.
    #[must_use]
    pub fn call_id(&self, leg: LegId) -> Option<&str> {
        self.legs.get(&leg).map(|leg| &*leg.dialog.call_id)
    }

    /// Where a leg stands; `None` once it is gone.
    #[must_use]
    pub fn leg_state(&self, leg: LegId) -> Option<LegState> {
        self.legs.get(&leg).map(|leg| leg.state)
    }

    /// The session description in the ACK of our 200, which is the answer when the 200 held the
    /// offer (RFC 3261 §13.3.1.4). Handed out once.
    pub fn take_ack_sdp(&mut self, leg: LegId) -> Option<Vec<u8>> {
        self.legs.get_mut(&leg)?.ack_sdp.take().map(Vec::from)
    }

    /// What is held now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            legs: self.legs.len(),
            client_transactions: self.tx.clients.len(),
            server_transactions: self.tx.servers.len(),
            timers: self.tx.timers.len(),
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.tx.counters
    }

    /// 64 bits that look random, for choices of our user: from the seed, so that a run can be repeated.
    pub fn random(&mut self) -> u64 {
        self.names.word()
    }

    // ---- inside

    /// Lets a leg work, then sets its timer, or frees it if it is over.
    pub(crate) fn with_leg<R>(
        &mut self,
        now: Mono,
        id: LegId,
        work: impl FnOnce(&mut Leg, &mut Context<'_>) -> R,
    ) -> Result<R, LegError> {
        self.last = now;
        let leg = self.legs.get_mut(&id).ok_or(LegError::Unknown)?;
        let mut context = Context {
            now,
            config: &self.config,
            names: &mut self.names,
            wallet: &mut self.wallet,
            tx: &mut self.tx,
            events: &mut self.events,
            broken: self.broken,
        };
        let result = work(leg, &mut context);
        let over = leg.state == LegState::Over;
        let deadline = leg.next_timer().filter(|_| !over).map(|at| Due {
            at,
            lingering: false,
        });
        let mut kept = leg.deadline.take();
        self.tx.timers.set(TimerKey::Leg(id), &mut kept, deadline);
        leg.deadline = kept;
        let connection = if over { 0 } else { leg.flow.connection };
        if leg.indexed != connection {
            self.connections.remove(&(leg.indexed, id));
            if connection != 0 {
                self.connections.insert((connection, id));
            }
            leg.indexed = connection;
        }
        if over {
            self.legs.remove(&id);
            self.events.push_back(Event::Gone { leg: id });
        }
        Ok(result)
    }

    /// Tells the owners of transactions what became of them.
    pub(crate) fn on_reports(&mut self, now: Mono, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            match report {
                Report::Client {
                    key,
                    owner: Owner::Leg(leg),
                    purpose,
                    failure,
                } => {
                    let _ = self.with_leg(now, leg, |leg, cx| {
                        leg.on_failure(cx, key, purpose, failure);
                    });
                }
                Report::Client {
                    owner: Owner::Request(id),
                    purpose,
                    failure,
                    ..
                } => self.on_request_done(id, purpose, failure.status(), None),
                Report::Acknowledged {
                    owner: Owner::Leg(leg),
                    key,
                } => {
                    let _ = self.with_leg(now, leg, |leg, _| leg.on_acknowledged(key));
                }
                Report::Unanswered {
                    owner: Owner::Request(id),
                } => {
                    self.requests.remove(&id);
                }
                Report::Client { .. } | Report::Acknowledged { .. } | Report::Unanswered { .. } => {
                }
            }
        }
    }

    pub(crate) fn take_leg_id(&mut self) -> LegId {
        let id = LegId(self.next_leg);
        self.next_leg += 1;
        id
    }

    pub(crate) fn take_request_id(&mut self) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        id
    }
}
