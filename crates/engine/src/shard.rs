//! The shard: what it owns, how inputs reach its parts, how outputs leave.

use crate::api::{
    Command, CommandError, Gauges, Input, LateAlarm, Notice, Output, Refusal, Reply, ShardMessage,
};
use crate::call::Call;
use crate::defect::Broken;
use crate::full::FullPools;
use crate::matches::Watch;
use crate::peers::{PeerKey, PeerSet, Target};
use crate::pools::PoolStates;
use crate::ports::{BoundPort, Ports};
use crate::reason::causes;
use crate::registration::Registrations;
use crate::seat::SeatMachine;
use crate::service::ServiceCall;
use crate::timers::Timers;
use meishier_config::{Config, Digest};
use meishier_media::MediaCommand;
use meishier_model::{CallId, CounsellorId, LegId, Mono, Now, SeatId, ShardId, TrunkId, Wall};
use meishier_queue::{OfferId, Queue};
use meishier_routing::Book;
use meishier_signaling::{
    AuthConfig, Authenticator, Counters, Endpoint, EndpointConfig, Event, Registrar,
    RegistrarConfig, RequestId, Timers as SipTimers, Transport,
};
use meishier_transfer::ThirdId;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long a digest nonce is good: the longest registration and a minute. So a telephone that
/// refreshes before it expires uses its nonce once more. Whoever reads along could show it to another
/// shard, which keeps counts of its own, for as long: so no longer than that.
const NONCE_TTL: Duration = EXPIRES.2.saturating_add(Duration::from_secs(60));
/// Shortest, default and longest registration. The registrar may shorten what a phone asks for
/// (RFC 3261 §10.3 step 7); ten minutes is how long a restarted engine waits for it at most.
const EXPIRES: (Duration, Duration, Duration) = (
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(600),
);
/// Contacts that one seat may register.
const MAX_CONTACTS: usize = 4;
/// Legs a call may need beside its caller's: offers that are being cancelled and a target.
const LEGS_PER_CALL: usize = 4;
/// Transactions a call may have open at once, late ones that absorb retransmissions included.
const TRANSACTIONS_PER_CALL: usize = 16;

/// Legs that are looked at for a Call-ID: more than one input begins.
const NEWEST: usize = 64;

/// What a shard is made of.
#[derive(Clone)]
pub struct ShardConfig {
    /// Which shard.
    pub id: ShardId,
    /// The whole configuration.
    pub config: Arc<Config>,
    /// The queue that all shards share.
    pub queue: Arc<Queue>,
    /// RTP ports of this shard with the addresses to be written into SDP.
    pub ports: Vec<BoundPort>,
    /// SIP addresses that are really bound, as peers are to see them.
    pub local: Vec<(Transport, SocketAddr)>,
    /// Randomness for tags, branches and Call-IDs; another one for each shard and start.
    pub seed: [u8; 32],
    /// Randomness for digest nonces; the same for all shards.
    pub secret: [u8; 32],
    /// When the engine started; identifiers of calls count from here.
    pub boot: Wall,
}

impl std::fmt::Debug for ShardConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardConfig")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Whose leg it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegOwner {
    Caller(CallId),
    Seat(CallId, OfferId),
    Target(CallId, ThirdId),
    Service(u64),
    /// Its call is over or turned elsewhere; the endpoint still finishes it.
    Nobody,
}

/// One shard: a pure engine for the calls that live on it and the seats at home on it.
pub struct Shard {
    pub(crate) id: ShardId,
    pub(crate) shards: u16,
    pub(crate) config: Arc<Config>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) endpoint: Endpoint,
    pub(crate) registrar: Registrar,
    pub(crate) authenticator: Authenticator,
    pub(crate) local: Vec<(Transport, SocketAddr)>,
    pub(crate) ports: Ports,
    pub(crate) calls: BTreeMap<CallId, Box<Call>>,
    pub(crate) legs: BTreeMap<LegId, LegOwner>,
    pub(crate) seat_names: BTreeMap<String, SeatId>,
    /// Boxed, because each change takes one out and puts it back.
    pub(crate) seats: BTreeMap<SeatId, Box<SeatMachine>>,
    /// Where the counsellors at home here are signed on.
    pub(crate) claims: BTreeMap<CounsellorId, SeatId>,
    /// Offers that wait for the answer to a look-up.
    pub(crate) lookups: BTreeMap<u64, CallId>,
    /// Requests for the second line, by the number that the queue knows; one waits or rings for a call at most.
    pub(crate) requests: BTreeMap<CallId, (CallId, ThirdId)>,
    /// Alarms of calls that are over, until somebody has seen to them; the oldest first.
    pub(crate) alarms: VecDeque<LateAlarm>,
    pub(crate) services: BTreeMap<u64, ServiceCall>,
    /// Whom the requests of each trunk go to.
    pub(crate) peers: Vec<PeerSet>,
    /// What DNS says of the names among each trunk's peers; bounded by the driver.
    pub(crate) callers: Vec<Vec<IpAddr>>,
    pub(crate) registrations: Registrations,
    pub(crate) pings: BTreeMap<RequestId, (TrunkId, PeerKey)>,
    /// Which leg holds a channel of which trunk.
    pub(crate) channels: BTreeMap<LegId, TrunkId>,
    /// By which calls of this engine are known when they come back.
    pub(crate) mark: Box<str>,
    pub(crate) timers: Timers,
    pub(crate) outputs: VecDeque<Output>,
    /// Messages of this shard to itself, read when the present input has been dealt with.
    pub(crate) own: VecDeque<ShardMessage>,
    /// Another entry of this shard's inbox in the queue may be there.
    pub(crate) inbox_dirty: bool,
    pub(crate) watch: Watch,
    /// What is remembered of numbers.
    pub(crate) book: Book,
    /// How the pools stand.
    pub(crate) pools: PoolStates,
    pub(crate) full: FullPools,
    /// A copy of everybody's position in the queue, and when it was taken.
    pub(crate) positions: Option<(Mono, BTreeMap<CallId, u32>)>,
    /// When what is dealt with happened.
    pub(crate) now: Mono,
    pub(crate) next_call: u64,
    pub(crate) next_token: u64,
    /// What keys of SRTP follow from; see `secure`.
    pub(crate) seed: [u8; 32],
    /// The lines were set for the time from the first moment up to the second.
    pub(crate) lines_valid: Option<(Wall, Option<Wall>)>,
    pub(crate) lines_timer: Option<Mono>,
    pub(crate) hands_timer: Option<Mono>,
    /// When telephones behind NAT are to hear something next, if there are any.
    pub(crate) keep_open: Option<Mono>,
    pub(crate) draining: bool,
    pub(crate) broken: Broken,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard")
            .field("id", &self.id)
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

/// Calls that one shard carries at most. Calls spread over the shards by hash, so each is given room
/// for twice its even share.
pub(crate) fn most_calls(config: &Config) -> usize {
    (config.sip.max_calls * 2)
        .div_ceil(usize::from(config.shards.max(1)))
        .max(16)
}

fn endpoint_config(setup: &ShardConfig) -> EndpointConfig {
    let sip = &setup.config.sip;
    let share = most_calls(&setup.config);
    EndpointConfig {
        shard: setup.id,
        user_agent: sip.user_agent.clone(),
        timers: SipTimers {
            t1: sip.t1,
            t2: sip.t2,
            t4: sip.t4,
            ..SipTimers::default()
        },
        max_legs: share * LEGS_PER_CALL,
        max_transactions: share * TRANSACTIONS_PER_CALL,
        seed: setup.seed,
        supported: ["100rel", "timer", "norefersub"]
            .map(str::to_owned)
            .to_vec(),
    }
}

impl Shard {
    /// A shard with the seats that are at home on it, their start states taken from the
    /// configuration.
    #[must_use]
    pub fn new(setup: ShardConfig, now: Now) -> Self {
        let mut shard = Self::bare(setup);
        shard.start_lines(now);
        shard.start_seats(now);
        shard.start_trunks(now);
        shard.settle(now);
        shard
    }

    /// A shard without seats, lines and timers.
    pub(crate) fn bare(setup: ShardConfig) -> Self {
        let auth = || AuthConfig {
            realm: setup.config.sip.domain.clone(),
            secret: setup.secret,
            nonce_ttl: NONCE_TTL,
            sha256: setup.config.sip.digest == Digest::Both,
        };
        let config = Arc::clone(&setup.config);
        let seat_names = (0u32..)
            .zip(&config.seats)
            .map(|(i, seat)| (seat.name.clone(), SeatId(i)))
            .collect();
        Self {
            id: setup.id,
            shards: config.shards.max(1),
            queue: Arc::clone(&setup.queue),
            endpoint: Endpoint::new(endpoint_config(&setup)),
            registrar: Registrar::new(RegistrarConfig {
                auth: auth(),
                min_expires: EXPIRES.0,
                default_expires: EXPIRES.1,
                max_expires: EXPIRES.2,
                max_contacts: MAX_CONTACTS,
            }),
            authenticator: Authenticator::new(auth()),
            local: setup.local,
            ports: Ports::new(setup.ports, &config),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            seat_names,
            seats: BTreeMap::new(),
            claims: BTreeMap::new(),
            lookups: BTreeMap::new(),
            requests: BTreeMap::new(),
            alarms: VecDeque::new(),
            services: BTreeMap::new(),
            peers: config
                .trunks
                .iter()
                .map(|trunk| PeerSet::new(Target::fixed(trunk)))
                .collect(),
            registrations: Registrations::default(),
            callers: vec![Vec::new(); config.trunks.len()],
            pings: BTreeMap::new(),
            channels: BTreeMap::new(),
            mark: meishier_signaling::mark(&setup.secret).into(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            own: VecDeque::new(),
            inbox_dirty: false,
            watch: Watch::default(),
            book: Book::default(),
            pools: PoolStates::default(),
            full: FullPools::default(),
            positions: None,
            now: Mono(0),
            next_call: CallId::first_count(setup.boot),
            next_token: 0,
            seed: setup.seed,
            lines_valid: None,
            lines_timer: None,
            hands_timer: None,
            keep_open: None,
            draining: false,
            broken: Broken::default(),
            config,
        }
    }

    /// Takes in one thing that happened. Drain [`Self::poll_output`] before the next.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        self.now = now.mono;
        // A match reaches seat and call before any message that follows from it.
        self.take_matches(now);
        self.check_lines(now);
        self.check_hands(now);
        match input {
            Input::Message { flow, bytes } => self.endpoint.handle_message(now.mono, flow, bytes),
            Input::FlowFailed { flow } => {
                // First of all: an offer that fails now is not to go the same way again.
                self.registrar.handle_flow_failed(flow);
                self.endpoint.handle_flow_failed(now.mono, flow);
            }
            Input::Media(event) => self.on_media(now, event),
            Input::Inbox => {}
            Input::Shard(message) => self.on_shard_message(now, message),
            Input::Command { token, command } => self.on_command(now, token, command),
            Input::Contacts { token, contacts } => self.on_contacts(now, token, contacts),
            Input::Timeout => self.on_timeout(now),
            Input::Configure(config) => self.configure(now, config),
            Input::Remember(notes) => notes.iter().for_each(|note| self.on_noted(note)),
            Input::Peers { trunk, targets } => {
                self.on_peers(trunk, targets);
                self.register_by_new_peers(now, trunk);
            }
            Input::Callers { trunk, addresses } => {
                if let Some(callers) = self.callers.get_mut(usize::from(trunk.0)) {
                    *callers = addresses;
                }
            }
            Input::Drain => self.draining = true,
            Input::HangUpAll => {
                self.hang_up_all(now);
                self.leave_registrars(now);
            }
        }
        self.settle(now);
    }

    /// The next thing to be done outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        self.endpoint.poll_transmit().map(Output::Transmit)
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        [
            self.timers.next(),
            self.endpoint.poll_timeout(),
            self.registrar.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Counts of SIP messages since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        self.endpoint.counters()
    }

    /// Sizes that return to their baseline when no call is there.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let sip = self.endpoint.stats();
        // The watchdog's belongs to no call, nor does the look at full pools, nor what keeps ways open.
        let looks = usize::from(self.watch.stands())
            + usize::from(self.full.stands())
            + usize::from(self.keep_open.is_some());
        let timers = self.timers.len() - looks;
        let over = |size: fn(&Call) -> usize| -> u64 {
            self.calls.values().map(|call| size(call) as u64).sum()
        };
        Gauges {
            calls: self.calls.len() as u64,
            legs: sip.legs as u64,
            transactions: (sip.client_transactions + sip.server_transactions) as u64,
            timers: (timers + sip.timers) as u64,
            ports: self.ports.in_use() as u64,
            thirds: over(|call| call.thirds.len()),
            alarms: over(|call| call.alarms.len()) + self.alarms.len() as u64,
            registrations: self.registrar.len() as u64,
        }
    }

    /// The call that a Call-ID is of, looked for among the newest legs: to be asked when one has
    /// just begun. `None` for what is no call's.
    #[must_use]
    pub fn call_of(&self, call_id: &str) -> Option<CallId> {
        let newest = self.legs.iter().rev().take(NEWEST);
        newest
            .filter(|(leg, _)| self.endpoint.call_id(**leg) == Some(call_id))
            .find_map(|(_, owner)| match owner {
                LegOwner::Caller(call) | LegOwner::Seat(call, _) | LegOwner::Target(call, _) => {
                    Some(*call)
                }
                LegOwner::Service(_) | LegOwner::Nobody => None,
            })
    }

    /// True if no call is left, and no carrier that is to be told of our end.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.calls.is_empty() && self.services.is_empty() && !self.registrations.is_leaving()
    }

    /// Works until nothing inside has anything left to say.
    pub(crate) fn settle(&mut self, now: Now) {
        self.now = now.mono;
        loop {
            if let Some(message) = self.own.pop_front() {
                self.on_shard_message(now, message);
            } else if let Some(event) = self.endpoint.poll_event() {
                self.on_event(now, event);
            } else if std::mem::take(&mut self.inbox_dirty) {
                self.take_matches(now);
            } else if let Some(change) = self.registrar.poll_change() {
                self.on_binding_change(now, change);
            } else if self.unheard() {
                self.take_matches(now);
            } else if self.evaluate_pools(now) {
                // Whoever was decided anew may have been matched.
            } else {
                return;
            }
        }
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    pub(crate) fn refuse(&mut self, why: Refusal) {
        self.notice(Notice::Refused(why));
    }

    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.outputs.push_back(Output::Media(command));
    }

    pub(crate) fn reply(&mut self, token: u64, reply: Reply) {
        self.outputs.push_back(Output::Reply { token, reply });
    }

    pub(crate) fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    /// Sends to another shard or to this one.
    pub(crate) fn send(&mut self, to: ShardId, message: ShardMessage) {
        if to == self.id {
            self.own.push_back(message);
        } else {
            self.outputs.push_back(Output::Shard { to, message });
        }
    }

    /// Takes the call out of the map while `work` changes it, and tells of a change of phase.
    pub(crate) fn with_call(&mut self, id: CallId, work: impl FnOnce(&mut Self, &mut Call)) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        let before = call.state.phase();
        work(self, &mut call);
        self.end_one_way(&mut call);
        self.tape_follow(&mut call);
        let after = call.state.phase();
        if before != after {
            self.notice(Notice::Phase {
                call: id,
                from: Some(before),
                to: Some(after),
            });
        }
        if call.ending.is_some() && call.closing.is_empty() {
            self.write_record(*call);
        } else {
            self.calls.insert(id, call);
        }
    }

    fn on_event(&mut self, now: Now, event: Event) {
        match event {
            Event::Invite { leg, flow, request } => self.on_invite(now, leg, flow, &request),
            Event::Progress { leg, status, .. } => self.on_progress(now, leg, status),
            Event::Answered { leg, sdp } => self.on_answered(now, leg, sdp.as_deref()),
            Event::Confirmed { leg } | Event::OfferAnswered { leg } => {
                self.on_offer_answered(now, leg);
            }
            Event::Failed {
                leg,
                status,
                reason,
                retry_after,
            } => {
                let cause = reason.as_deref().map(causes).unwrap_or_default();
                self.on_failed(now, leg, (status, retry_after), cause);
            }
            Event::Ended { leg, cause, reason } => {
                self.on_ended(now, leg, cause, reason.as_deref());
            }
            Event::Gone { leg } => {
                self.legs.remove(&leg);
                self.end_channel(leg);
            }
            Event::Reinvite { leg, sdp } => self.on_reinvite(now, leg, sdp.as_deref()),
            Event::Probed { leg, result } => self.on_probed(now, leg, result),
            Event::Refer {
                leg,
                refer_to,
                replaces,
            } => self.on_refer(now, leg, &refer_to, replaces),
            Event::ReinviteDone { .. } | Event::Info { .. } => {}
            Event::Request { id, flow, request } => self.on_request(now, id, flow, &request),
            Event::RegisterDone { id, status, reply } => {
                self.on_register_done(now, id, status, reply.as_ref());
            }
            Event::Response { id, status } => self.on_ping_response(now, id, status),
        }
    }

    fn on_command(&mut self, now: Now, token: u64, command: Command) {
        match command {
            Command::Seat { seat, change } => self.on_seat_command(now, seat, change, token),
            Command::Transfer { call, press } => self.on_key(now, token, call, &press),
            Command::Third { call, third, wish } => self.on_third(now, token, call, third, &wish),
            Command::Hear { call, who, mode } => self.on_hear(now, token, call, (who, mode)),
            Command::Supervise { call, seat, mode } => {
                self.on_supervise(now, token, call, (seat, mode));
            }
            Command::CallBack { call } => self.on_call_back(now, token, call),
            Command::Leave { call } => self.on_leave(now, token, call),
            Command::AlarmSeen { call, thirds } => self.on_alarm_seen(token, call, &thirds),
            Command::Record { call, on, reason } => self.on_record(token, call, on, &reason),
            Command::Flag { call } => self.on_flag(now, token, call),
            Command::Facts { call, facts } => self.on_facts(now, token, call, *facts),
            Command::Written { call } => self.on_written(token, call),
            Command::Nuisance {
                call,
                lasts,
                reason,
                end,
            } => self.on_nuisance(now, token, call, (lasts, reason, end)),
            Command::PoolState { pool, hand } => {
                let known = self.set_pool_state(now, pool, hand);
                let result = known.then_some(()).ok_or(CommandError::UnknownPool);
                self.reply(token, Reply::Done(result));
            }
            Command::Reveal { call } => self.on_reveal(token, call),
            Command::Why { call } => self.on_why(now, token, call),
            Command::Reschedule => {
                self.start_lines(now);
                self.reply(token, Reply::Rescheduled);
            }
            Command::View => {
                let view = self.view(now);
                self.reply(token, Reply::View(Box::new(view)));
            }
        }
    }
}
