//! Trunks whose carrier wants us to register, or to show a password.
//!
//! ```text
//!   first shard                                       every shard
//!   ┌───────────────────┐  REGISTER, 200              ┌──────────────────────────────┐
//!   │ one Registration  │ ◄──────────► carrier        │ known: is it registered, and │
//!   │ for each trunk    │ ── TrunkRegistered ───────► │ by which route calls go out  │
//!   └───────────────────┘                             │ wallet: nonces of its own    │
//!                                                     └──────────────────────────────┘
//! ```
//! Nonces are no business of other shards: each use of one is counted (RFC 7616 §3.4), and two who
//! count by themselves would show the same count twice. So every shard is challenged once.
//!
//! A trunk that is to be registered and is not takes no calls out but emergencies that reach nobody
//! else. Graceful ends keep it registered
//! as long as calls run, for a key may still be pressed in them: it leaves when they are hung up.
//!
//! Where another configuration names another user or registrar, the old binding is taken back first, with
//! the old password; no call goes out until the new one stands. Two at once could be one to the carrier,
//! and the leave of the old undo the new.

use crate::api::{Notice, ShardMessage};
use crate::offer::sip_transport;
use crate::peers::{PeerKey, Target};
use crate::shard::Shard;
use crate::timers::Timer;
use meishier_config::{Config, Contact, Login, Register, Trunk};
use meishier_model::{LegId, Mono, Now, ShardId, TrunkId};
use meishier_signaling::registration::ContactMode;
use meishier_signaling::{
    Account, AccountId, Flow, Invite, Message, Registration, RegistrationConfig, RegistrationState,
    RequestId,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the end waits for the carriers' answers to our leave.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// What the configuration asks of a trunk.
struct Wish {
    config: RegistrationConfig,
    login: Option<Login>,
    way: Option<PeerKey>,
}

/// A registration that the first shard keeps.
struct Line {
    it: Registration,
    login: Option<Login>,
    /// Where the registrar is; one that leaves is told there, whatever the configuration says by then.
    /// `None`: one of the trunk's peers.
    way: Option<PeerKey>,
    /// The peer that was taken.
    peer: Option<PeerKey>,
    /// When its timer stands.
    timer: Option<Mono>,
    /// What was told of it: whether it is bound, and by which status.
    told: Option<(bool, u16)>,
    /// Another is to take its place, once it has left or at this time.
    parting: Option<Mono>,
}

impl Line {
    fn new(wish: Wish) -> Self {
        Self {
            it: Registration::new(wish.config),
            login: wish.login,
            way: wish.way,
            peer: None,
            timer: None,
            told: None,
            parting: None,
        }
    }

    /// True if it does what is wished.
    fn serves(&self, wish: &Wish) -> bool {
        let wished = (&wish.config, &wish.login, wish.way);
        self.parting.is_none() && (self.it.config(), &self.login, self.way) == wished
    }

    /// True if the carrier has, or may soon have, a binding of ours that the wished one does not replace.
    fn stands_elsewhere(&self, wish: &Wish) -> bool {
        let (ours, theirs) = (self.it.config(), &wish.config);
        let other =
            (&ours.aor, &ours.registrar, self.way) != (&theirs.aor, &theirs.registrar, wish.way);
        other && (self.it.state().is_bound() || self.it.pending().is_some())
    }

    /// True if it has left, or need not be waited for any longer.
    fn has_parted(&self, now: Mono) -> bool {
        let left = self.it.state() == RegistrationState::Unregistered;
        self.parting.is_some_and(|until| left || until <= now)
    }
}

/// How a trunk's registration stands, as its first shard sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationView {
    /// Where it stands.
    pub state: RegistrationState,
    /// Status of the last final response; 408 if none came, 503 if none could, 0 before the first.
    pub status: u16,
}

/// What a shard knows of registrations.
#[derive(Default)]
pub(crate) struct Registrations {
    lines: BTreeMap<TrunkId, Line>,
    /// Trunks that are registered, and the Route of calls out (Service-Route; empty: none).
    pub(crate) known: BTreeMap<TrunkId, String>,
    /// Who holds the binding of each.
    holders: BTreeMap<TrunkId, PeerKey>,
    /// The end waits until then for those that leave.
    leaving: Option<Mono>,
}

impl Registrations {
    /// True while the end waits for a carrier's answer.
    pub(crate) fn is_leaving(&self) -> bool {
        let under_way = |line: &Line| line.it.state() != RegistrationState::Unregistered;
        self.leaving.is_some() && self.lines.values().any(under_way)
    }

    /// How this trunk's registration stands; `None` on other shards than the first.
    pub(crate) fn view(&self, trunk: TrunkId) -> Option<RegistrationView> {
        let line = self.lines.get(&trunk)?;
        Some(RegistrationView {
            state: line.it.state(),
            status: line.it.status(),
        })
    }
}

/// The account of a trunk, if its carrier is to be shown one.
pub(crate) fn account_of(config: &Config, trunk: TrunkId) -> Option<AccountId> {
    let trunk_of = config.trunk(trunk)?;
    trunk_of.login.as_ref().map(|_| AccountId(trunk.0))
}

fn wanted(id: TrunkId, trunk: &Trunk, register: &Register) -> RegistrationConfig {
    let (user, domain) = (&register.user, &register.domain);
    RegistrationConfig {
        registrar: format!("sip:{domain}"),
        aor: format!("sip:{user}@{domain}"),
        contact_user: user.clone(),
        contact: match register.contact {
            Contact::Own => ContactMode::Own,
            Contact::AsSeen => ContactMode::AsSeen,
        },
        expires: register.expires,
        account: trunk.login.as_ref().map(|_| AccountId(id.0)),
    }
}

/// The same user at another host; what names no host stays.
fn at_host(uri: &str, host: &str) -> String {
    match uri.split_once('@').filter(|_| uri.starts_with("sip:")) {
        Some((user, rest)) => {
            let params = rest.find(';').and_then(|at| rest.get(at..)).unwrap_or("");
            format!("{user}@{host}{params}")
        }
        None => uri.to_owned(),
    }
}

impl Shard {
    /// Follows the configuration: accounts, and on the first shard registrations that are new, are
    /// other ones, or are to end.
    pub(crate) fn follow_registrations(&mut self, now: Now) {
        let config = std::sync::Arc::clone(&self.config);
        let mut wishes = BTreeMap::new();
        for (id, trunk) in (0..).map(TrunkId).zip(&config.trunks) {
            if let Some(register) = &trunk.register {
                let transport = sip_transport(trunk.transport);
                let wish = Wish {
                    config: wanted(id, trunk, register),
                    login: trunk.login.clone(),
                    way: register.registrar.map(|registrar| (registrar, transport)),
                };
                wishes.insert(id, wish);
            }
        }
        self.registrations
            .known
            .retain(|id, _| wishes.contains_key(id));
        self.registrations
            .holders
            .retain(|id, _| wishes.contains_key(id));
        let keeps = self.id == ShardId(0) && self.registrations.leaving.is_none();
        if keeps {
            self.take_back(now, &wishes);
        }
        for (id, trunk) in (0..).map(TrunkId).zip(&config.trunks) {
            // One that leaves still answers for itself, so accounts are put in and never taken out.
            let parting = self.registrations.lines.get(&id);
            let parting = parting.is_some_and(|line| line.parting.is_some());
            if let Some(login) = trunk.login.as_ref().filter(|_| !parting) {
                let account = Account {
                    user: login.user.clone(),
                    password: login.password.text().to_owned(),
                };
                self.endpoint.set_account(AccountId(id.0), Some(account));
            }
        }
        if keeps {
            self.begin_wished(now, wishes);
        }
    }

    /// Has those registrations leave that nobody wishes any more, and those that another is to follow.
    fn take_back(&mut self, now: Now, wishes: &BTreeMap<TrunkId, Wish>) {
        let mut leave = Vec::new();
        for (id, line) in &mut self.registrations.lines {
            match wishes.get(id) {
                None => line.parting = None,
                Some(wish) if line.parting.is_none() && line.stands_elsewhere(wish) => {
                    line.parting = Some(now.mono + LEAVE_LIMIT);
                }
                Some(_) => continue,
            }
            leave.push(*id);
        }
        for id in leave {
            self.change_line(now, id, |line, shard, flow| {
                line.it.leave(now.mono, &mut shard.endpoint, flow);
            });
        }
    }

    /// Begins what is wished and is not there.
    fn begin_wished(&mut self, now: Now, wishes: BTreeMap<TrunkId, Wish>) {
        for (id, wish) in wishes {
            let stays = |line: &Line| line.parting.is_some() || line.serves(&wish);
            if self.registrations.lines.get(&id).is_some_and(stays) {
                continue;
            }
            let before = self.registrations.lines.insert(id, Line::new(wish));
            if let Some(at) = before.and_then(|line| line.timer) {
                self.timers.cancel(at, Timer::Register(id));
            }
            self.change_line(now, id, |line, shard, flow| {
                line.it.start(now.mono, &mut shard.endpoint, flow);
            });
        }
    }

    /// Where a registration has made room, the wished one begins.
    fn begin_next(&mut self, now: Now, id: TrunkId) {
        if self.trunk_registers(id) && !self.registrations.lines.contains_key(&id) {
            self.follow_registrations(now);
        }
    }

    /// The way to a registrar: to one of the trunk's peers the one that has the binding, or another
    /// than the one that failed.
    fn flow_to_registrar(&mut self, now: Now, id: TrunkId, line: &mut Line) -> Option<Flow> {
        let trunk = self.config.trunk(id)?;
        let network = trunk.network;
        if let Some((registrar, transport)) = line.way {
            return self.flow_to(transport, registrar, network);
        }
        if let (Some(peer), true) = (line.peer, line.parting.is_some()) {
            // The binding is there, whoever the peers are now.
            return self.flow_to(peer.1, peer.0, network);
        }
        let word = self.endpoint.random();
        let set = self.peers.get(usize::from(id.0))?;
        let holds = matches!(
            line.it.state(),
            RegistrationState::Registered
                | RegistrationState::Registering
                | RegistrationState::Refreshing
                | RegistrationState::Leaving
        );
        let before = line
            .peer
            .filter(|peer| set.targets().any(|it| it.key() == *peer));
        let peer = before.filter(|_| holds).or_else(|| {
            let other = set.choose(now.mono, word, before.as_slice(), true);
            other.map(Target::key).or(before)
        })?;
        line.peer = Some(peer);
        self.flow_to(peer.1, peer.0, network)
    }

    /// Other peers of a trunk are known: a registration that had no way may have one now.
    pub(crate) fn register_by_new_peers(&mut self, now: Now, id: TrunkId) {
        let waits = |line: &Line| line.way.is_none() && line.peer.is_none();
        if self.registrations.lines.get(&id).is_some_and(waits) {
            self.change_line(now, id, |line, shard, flow| {
                line.it.hurry(now.mono, &mut shard.endpoint, flow);
            });
        }
    }

    /// Lets a registration work, then sets its timer and tells what changed.
    fn change_line(
        &mut self,
        now: Now,
        id: TrunkId,
        work: impl FnOnce(&mut Line, &mut Self, Option<Flow>),
    ) {
        let Some(mut line) = self.registrations.lines.remove(&id) else {
            return;
        };
        let flow = self.flow_to_registrar(now, id, &mut line);
        work(&mut line, self, flow);
        let ends = self.registrations.leaving.is_some();
        let parted = line.has_parted(now.mono) && !ends;
        let parting = line.parting.filter(|_| !ends);
        let next = match parted {
            true => None,
            false => [line.it.poll_timeout(), parting]
                .into_iter()
                .flatten()
                .min(),
        };
        if next != line.timer {
            if let Some(at) = line.timer.take() {
                self.timers.cancel(at, Timer::Register(id));
            }
            if let Some(at) = next {
                self.timers.set(at, Timer::Register(id));
            }
            line.timer = next;
        }
        self.tell_line(now, id, &mut line);
        let wished = self.trunk_registers(id) && !parted;
        // A line that is over and asked for no more is forgotten.
        if wished || (!parted && line.it.state() != RegistrationState::Unregistered) {
            self.registrations.lines.insert(id, line);
        }
    }

    fn tell_line(&mut self, now: Now, id: TrunkId, line: &mut Line) {
        let (state, status) = (line.it.state(), line.it.status());
        let bound = state.is_bound();
        // Nothing is known before the first answer.
        let answered = !matches!(state, RegistrationState::Registering) || line.told.is_some();
        let route = bound.then(|| line.it.route().to_owned());
        let peer = line.way.or(line.peer).filter(|_| bound);
        let known = &self.registrations;
        let before = (known.known.get(&id), known.holders.get(&id));
        if answered && before != (route.as_ref(), peer.as_ref()) {
            let trunk = id;
            let message = ShardMessage::TrunkRegistered { trunk, route, peer };
            self.send_others(&message);
            self.on_shard_message(now, message);
        }
        // A refresh that will pass is no news; a status that changes while nothing is bound is.
        let news = match self.trunk_registers(id) {
            true => (bound, if bound { 200 } else { status }),
            false => (true, 0),
        };
        if answered && line.told != Some(news) {
            line.told = Some(news);
            self.notice(Notice::Registration {
                trunk: id,
                registered: news.0,
                status: news.1,
            });
        }
    }

    /// True if the configuration wants this trunk registered.
    fn trunk_registers(&self, id: TrunkId) -> bool {
        let trunk = self.config.trunk(id);
        trunk.is_some_and(|trunk| trunk.register.is_some())
    }

    pub(crate) fn on_trunk_registered(
        &mut self,
        trunk: TrunkId,
        route: Option<String>,
        peer: Option<PeerKey>,
    ) {
        let it = &mut self.registrations;
        match route {
            Some(route) => drop(it.known.insert(trunk, route)),
            None => drop(it.known.remove(&trunk)),
        }
        match peer {
            Some(peer) => drop(it.holders.insert(trunk, peer)),
            None => drop(it.holders.remove(&trunk)),
        }
    }

    /// Who holds the binding of this trunk, which its carrier's others may not know.
    pub(crate) fn holder(&self, trunk: TrunkId) -> Option<PeerKey> {
        self.registrations.holders.get(&trunk).copied()
    }

    pub(crate) fn on_register_timer(&mut self, now: Now, id: TrunkId) {
        if let Some(line) = self.registrations.lines.get_mut(&id) {
            line.timer = None;
        }
        self.change_line(now, id, |line, shard, flow| {
            line.it.handle_timeout(now.mono, &mut shard.endpoint, flow);
        });
        self.begin_next(now, id);
    }

    pub(crate) fn on_register_done(
        &mut self,
        now: Now,
        id: RequestId,
        status: u16,
        reply: Option<&Message>,
    ) {
        let mut lines = self.registrations.lines.iter();
        let found = lines.find(|(_, line)| line.it.pending() == Some(id));
        // The answer to one that has been replaced since is of no use.
        let Some(trunk) = found.map(|(trunk, _)| *trunk) else {
            return;
        };
        self.change_line(now, trunk, |line, shard, flow| {
            let done = (id, status, reply);
            line.it
                .handle_done(now.mono, &mut shard.endpoint, flow, done);
        });
        self.begin_next(now, trunk);
    }

    /// Every call is being hung up: carriers are told that we are gone.
    pub(crate) fn leave_registrars(&mut self, now: Now) {
        let all: Vec<TrunkId> = self.registrations.lines.keys().copied().collect();
        if all.is_empty() || self.registrations.leaving.is_some() {
            return;
        }
        let until = now.mono + LEAVE_LIMIT;
        self.registrations.leaving = Some(until);
        self.timers.set(until, Timer::Leave);
        for id in all {
            self.change_line(now, id, |line, shard, flow| {
                line.it.leave(now.mono, &mut shard.endpoint, flow);
            });
        }
    }

    pub(crate) fn on_leave_limit(&mut self) {
        self.registrations.leaving = None;
        for (id, line) in std::mem::take(&mut self.registrations.lines) {
            if let Some(at) = line.timer {
                self.timers.cancel(at, Timer::Register(id));
            }
        }
    }

    /// False while calls out by this trunk have little chance: it is to be registered and is not.
    /// Emergency keys alone ask it even so, at last.
    pub(crate) fn may_call_out(&self, id: TrunkId) -> bool {
        !self.trunk_registers(id) || self.registrations.known.contains_key(&id)
    }

    /// Calls out by a trunk: with its credentials, and as its carrier's registrar wants it; without
    /// the Route if the trunk is not registered (see [`Self::may_call_out`]). `None` if there is no
    /// way out now.
    pub(crate) fn call_out(&mut self, now: Now, id: TrunkId, mut invite: Invite) -> Option<LegId> {
        let trunk = self.config.trunk(id)?;
        if let Some(register) = &trunk.register {
            let route = self.registrations.known.get(&id);
            // RFC 3608 §5: as our own outbound route, before any other.
            if let Some(route) = route.filter(|route| !route.is_empty()) {
                invite.headers.push(("Route".to_owned(), route.clone()));
            }
            // The carrier knows whom we call by its own domain.
            for uri in [&mut invite.uri, &mut invite.to.uri] {
                *uri = at_host(uri, &register.domain);
            }
        }
        let account = account_of(&self.config, id);
        self.endpoint.invite_as(now.mono, account, invite).ok()
    }
}
