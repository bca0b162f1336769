//! Everything of a worker except its shards: where their outputs go.

use crate::Sink;
use crate::certificates::Keyring;
use crate::clock::Clock;
use crate::hep::Tap;
use crate::inbox::{Datagram, Inbox, Letter, Outlet};
use crate::known::Known;
use crate::large::{self, Large, Way, by_stream};
use crate::names::Outcome;
use crate::registrations::Registrations;
use crate::room::Entry;
use crate::rtp::OrderOutlet;
use crate::stats::SocketCounts;
use crate::tcp::{Closed, Connections, owner};
use crate::tls::Session;
use crate::topology::Topology;
use crate::udp::{Outgoing, UdpSip};
use meishier_engine::config::Config;
use meishier_engine::media::MediaCommand;
use meishier_engine::signaling::{Flow, Transmit, Transport};
use meishier_engine::{Output, Reply, ShardMessage};
use meishier_model::{Mono, ShardId, TrunkId};
use mio::Registry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Commands of people and programs that one worker may have under way.
const COMMANDS: usize = 4096;

/// Something for a shard of this very worker, to be handed over once the shard that made it is done.
pub(crate) enum Local {
    Inbox,
    Shard(ShardMessage),
    FlowFailed(Flow),
}

/// How long a port may wait to be closed, and then the answer to be read.
const PATIENCE: Duration = Duration::from_millis(100);

/// Ports of finished calls that a media thread is to close, which nobody waits for.
///
/// Neither is the media thread woken for the order nor the worker for the answer: both are found
/// when the threads are awake for another reason, which on a busy engine is soon. The worker looks
/// twice: first it wakes the media thread, then it reads the answer. On a busy engine this saves
/// two wake-ups a call; each costs more than closing the ports.
#[derive(Default)]
pub(crate) struct Closings {
    next: Option<Mono>,
    looks: u8,
}

impl Closings {
    fn begin(&mut self, now: Mono) {
        self.looks = 2;
        self.next.get_or_insert(now + PATIENCE);
    }

    /// When the worker is to look.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.next
    }

    /// True if it is time to look.
    fn look(&mut self, now: Mono) -> bool {
        if self.next.is_none_or(|at| at > now) {
            return false;
        }
        self.looks = self.looks.saturating_sub(1);
        self.next = (self.looks > 0).then(|| now + PATIENCE);
        true
    }
}

/// Addresses that connections of ours speak of, if we listen there.
#[derive(Clone, Default)]
pub(crate) struct StreamLocal {
    pub tcp: Vec<SocketAddr>,
    pub tls: Vec<SocketAddr>,
}

impl StreamLocal {
    /// The one beside another address of ours, else the first.
    fn beside(&self, transport: Transport, near: SocketAddr) -> Option<SocketAddr> {
        let all = match transport {
            Transport::Tls => &self.tls,
            _ => &self.tcp,
        };
        let same = all.iter().find(|it| it.ip() == near.ip());
        same.or(all.first()).copied()
    }
}

/// A worker's sockets and its ways to everybody else.
pub(crate) struct Outside {
    pub worker: usize,
    pub topology: Topology,
    pub config: Arc<Config>,
    pub clock: Clock,
    pub registry: Registry,
    pub udp: Vec<UdpSip>,
    /// What Via and Contact say of TCP and of TLS, for connections of ours.
    pub stream_local: StreamLocal,
    pub tcp: Connections,
    pub keyring: Arc<Keyring>,
    pub large: Large,
    /// Where the names of trunks are.
    pub named: BTreeMap<TrunkId, Arc<Outcome>>,
    /// By worker; the own one is there too, unused.
    pub outlets: Vec<Outlet>,
    /// By media thread.
    pub media: Vec<OrderOutlet>,
    pub registrations: Arc<Registrations>,
    pub sink: Arc<dyn Sink>,
    pub local: VecDeque<(usize, Local)>,
    /// Something waits in an outlet.
    pub stuck: bool,
    /// Ports that media closes.
    pub closings: Closings,
    /// For [`Outside::catch_up`], once the datagrams are out.
    later: Vec<(ShardId, Output)>,
    pub counts: SocketCounts,
    /// Copies of messages, if they are wanted.
    pub tap: Option<Tap>,
    commands: HashMap<u64, oneshot::Sender<Reply>>,
    next_command: u64,
}

/// What [`Outside::new`] is made of.
pub(crate) struct Parts {
    pub worker: usize,
    pub topology: Topology,
    pub config: Arc<Config>,
    pub clock: Clock,
    pub registry: Registry,
    pub udp: Vec<UdpSip>,
    pub stream_local: StreamLocal,
    pub keyring: Arc<Keyring>,
    pub inboxes: Vec<Arc<Inbox>>,
    pub media: Vec<OrderOutlet>,
    pub registrations: Arc<Registrations>,
    pub sink: Arc<dyn Sink>,
    pub tap: Option<Tap>,
}

impl Outside {
    pub(crate) fn new(parts: Parts) -> Self {
        let tcp = Connections::new(parts.worker, parts.config.sip.dscp);
        let mut outside = Self {
            worker: parts.worker,
            topology: parts.topology,
            config: parts.config,
            clock: parts.clock,
            registry: parts.registry,
            udp: parts.udp,
            stream_local: parts.stream_local,
            keyring: parts.keyring,
            large: Large::default(),
            named: BTreeMap::new(),
            tcp,
            outlets: parts.inboxes.into_iter().map(Outlet::new).collect(),
            media: parts.media,
            registrations: parts.registrations,
            sink: parts.sink,
            local: VecDeque::new(),
            stuck: false,
            closings: Closings::default(),
            later: Vec::new(),
            counts: SocketCounts::default(),
            tap: parts.tap,
            commands: HashMap::new(),
            next_command: 1,
        };
        let config = outside.config.clone();
        outside.follow(&config);
        outside
    }

    /// Whom this configuration knows, and where the names in it are as far as is known, hold from now on.
    pub(crate) fn follow(&mut self, config: &Config) {
        let mut known = Known::new(config);
        let mut large = large::peers_of(config);
        for (trunk, outcome) in &self.named {
            let Some(trunk) = config.trunk(*trunk) else {
                continue;
            };
            // Those that the file no longer names have no part in it.
            let goes_by_name = trunk.to.iter().any(|to| to.address().is_none());
            for target in outcome.targets.iter().filter(|_| goes_by_name) {
                known.add(trunk, target.address);
                if target.transport == Transport::Udp && !trunk.udp_only {
                    large.push(target.address);
                }
            }
            let has_names = !trunk.peer_names.is_empty();
            for caller in outcome.callers.iter().filter(|_| has_names) {
                known.add(trunk, SocketAddr::new(*caller, 0));
            }
        }
        self.tcp.follow(known);
        self.large.follow(large);
    }

    /// True if the shard runs on this worker.
    pub(crate) fn is_mine(&self, shard: ShardId) -> bool {
        self.topology.worker_of(shard) == self.worker
    }

    /// Does what shard `from` asks for. [`Output::Lookup`] is not for here: its answer goes back
    /// into the shard at once.
    pub(crate) fn execute(&mut self, from: ShardId, output: Output) {
        match output {
            Output::Transmit(transmit) => self.transmit(from, transmit),
            Output::Media(command) => {
                if matches!(command, MediaCommand::Close { .. }) {
                    self.closings.begin(self.clock.mono());
                }
                let outlet = &mut self.media[self.topology.media_of(from)];
                self.stuck |= !outlet.push(command);
            }
            Output::Shard { to, message } => self.tell(to, Local::Shard(message)),
            Output::Wake(to) => self.tell(to, Local::Inbox),
            Output::Registered(change) => self.registrations.apply(change),
            Output::Record(_)
            | Output::Keep(_)
            | Output::Dossier(_)
            | Output::Reply { .. }
            | Output::Notice(_) => {
                self.later.push((from, output));
            }
            Output::Lookup { .. } => {}
        }
    }

    /// Does what no telephone waits for: records, metrics and log lines, answers to commands.
    pub(crate) fn catch_up(&mut self) {
        for (from, output) in self.later.drain(..) {
            match output {
                Output::Record(record) => self.sink.record(from, record),
                Output::Keep(mark) => self.sink.keep(from, mark),
                Output::Dossier(dossier) => self.sink.dossier(from, dossier),
                Output::Notice(notice) => self.sink.notice(from, notice),
                Output::Reply { token, reply } => {
                    if let Some(asker) = self.commands.remove(&token) {
                        // The asker may have gone away meanwhile.
                        let _ = asker.send(reply);
                    }
                }
                _ => {}
            }
        }
    }

    /// Hands something to a shard, here or elsewhere.
    pub(crate) fn tell(&mut self, to: ShardId, what: Local) {
        if to.0 >= self.topology.shards {
            return;
        }
        let index = self.topology.index_of(to);
        if self.is_mine(to) {
            self.local.push_back((index, what));
            return;
        }
        let outlet = &mut self.outlets[self.topology.worker_of(to)];
        let letter = match what {
            Local::Inbox => return outlet.inbox().wake(index),
            Local::Shard(message) => Letter::Shard { to, message },
            Local::FlowFailed(flow) => Letter::FlowFailed { shard: to, flow },
        };
        self.stuck |= !outlet.letter(letter);
    }

    /// Gives a datagram of another worker's shard away.
    pub(crate) fn forward(&mut self, shard: ShardId, flow: Flow, bytes: &[u8]) {
        let inbox = self.outlets[self.topology.worker_of(shard)].inbox();
        inbox.datagram(Datagram {
            shard,
            flow,
            bytes: bytes.into(),
        });
    }

    /// Wakes the media threads for what one input has led to.
    pub(crate) fn ring_media(&mut self) {
        for outlet in &mut self.media {
            outlet.ring();
        }
    }

    /// Sees after ports to be closed, once their time has come.
    pub(crate) fn look_after_closings(&mut self) {
        if self.closings.due().is_none() || !self.closings.look(self.clock.mono()) {
            return;
        }
        for outlet in &mut self.media {
            outlet.ring_for_all();
        }
    }

    /// Tries again what an inbox could not take.
    pub(crate) fn flush_outlets(&mut self) {
        if !self.stuck {
            return;
        }
        let mut all = true;
        for outlet in &mut self.outlets {
            all &= outlet.flush();
        }
        for outlet in &mut self.media {
            all &= outlet.flush();
            outlet.ring_for_all();
        }
        self.stuck = !all;
    }

    /// Remembers who asked; `None` if too many commands are under way, the asker then hears that.
    pub(crate) fn open_command(&mut self, reply: oneshot::Sender<Reply>) -> Option<u64> {
        if self.commands.len() >= COMMANDS {
            self.commands.retain(|_, asker| !asker.is_closed());
        }
        if self.commands.len() >= COMMANDS {
            return None;
        }
        let token = self.next_command;
        self.next_command += 1;
        self.commands.insert(token, reply);
        Some(token)
    }

    fn transmit(&mut self, from: ShardId, transmit: Transmit) {
        let Transmit { flow, bytes } = transmit;
        match flow.transport {
            Transport::Udp => self.send_by_size(Outgoing { from, flow, bytes }),
            Transport::Tcp | Transport::Tls => self.send_tcp(from, flow, bytes),
        }
    }

    /// Sends a datagram, or by TCP what is too large for one.
    fn send_by_size(&mut self, outgoing: Outgoing) {
        let now = self.clock.mono();
        let local = self
            .stream_local
            .beside(Transport::Tcp, outgoing.flow.local);
        let way = self.large.way(now, &outgoing, local);
        let (bytes, local) = match (way, local) {
            (Way::Nothing, _) => return,
            (Way::Stream(bytes), Some(local)) => (bytes, local),
            _ => return self.send_udp(outgoing),
        };
        let (from, remote) = (outgoing.from, outgoing.flow.remote);
        let any = by_stream(outgoing.flow, local, 0);
        let open = self.tcp.to(any.transport, remote);
        match open.map_or_else(|| self.connect(any), Ok) {
            Ok(connection) => {
                self.counts.udp_too_large += 1;
                self.large.sent(now, outgoing);
                self.send_tcp(from, Flow { connection, ..any }, bytes);
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be begun");
                self.large.refused(now, remote);
                self.send_udp(outgoing);
            }
        }
    }

    fn send_udp(&mut self, outgoing: Outgoing) {
        let Outgoing { from, flow, bytes } = outgoing;
        let mut sockets = self.udp.iter_mut();
        let fits = |socket: &&mut UdpSip| socket.local.is_ipv4() == flow.remote.is_ipv4();
        let socket = match sockets.position(|socket| socket.local == flow.local) {
            Some(index) => self.udp.get_mut(index),
            None => self.udp.iter_mut().find(fits),
        };
        match socket {
            Some(socket) => socket.push(Outgoing { from, flow, bytes }),
            None => {
                let error = std::io::ErrorKind::AddrNotAvailable.into();
                self.not_sent(from, flow, &error);
            }
        }
    }

    fn not_sent(&mut self, from: ShardId, flow: Flow, error: &std::io::Error) {
        self.counts.udp_send_failed += 1;
        tracing::debug!(%error, "a datagram could not be sent");
        self.tell(from, Local::FlowFailed(flow));
    }

    /// Sends the datagrams that have come together. Shards may have to be told of failures.
    pub(crate) fn send_datagrams(&mut self) {
        for index in 0..self.udp.len() {
            let refused = self.udp[index].send(&self.registry, &mut self.counts);
            for (outgoing, error) in refused {
                self.not_sent(outgoing.from, outgoing.flow, &error);
            }
        }
    }

    /// Sends on the connection that the flow names, on one to the same address, or on a new one
    /// (RFC 3261 §18.1.1; responses on the connection of their request, §18.2.2).
    pub(crate) fn send_tcp(&mut self, from: ShardId, flow: Flow, bytes: Vec<u8>) {
        let connection = if flow.connection != 0 {
            flow.connection
        } else if let Some(open) = self.tcp.to(flow.transport, flow.remote) {
            open
        } else {
            match self.connect(flow) {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be begun");
                    return self.tell(from, Local::FlowFailed(flow));
                }
            }
        };
        let owner = owner(connection);
        if owner != self.worker {
            match self.outlets.get_mut(owner) {
                Some(outlet) if !outlet.is_full() => {
                    self.stuck |= !outlet.letter(Letter::Send { from, flow, bytes });
                }
                // To the shard a path that takes nothing is one that is gone.
                _ => {
                    self.counts.inbox_dropped += 1;
                    self.tell(from, Local::FlowFailed(flow));
                }
            }
            return;
        }
        let (now, registry) = (self.clock.mono(), &self.registry);
        if let Err(why) = self.tcp.send(registry, now, connection, bytes) {
            if self.tcp.flow(connection).is_some() {
                self.close(connection, why);
            } else {
                self.tell(from, Local::FlowFailed(flow));
            }
        }
    }

    /// Begins a connection to where the flow leads.
    fn connect(&mut self, flow: Flow) -> std::io::Result<u64> {
        let secure = flow.transport == Transport::Tls;
        let ours = self.stream_local.beside(flow.transport, flow.local);
        let session = match secure {
            true => {
                let client = self.keyring.client(flow.remote);
                let session = client.and_then(|(config, name)| Session::opened(config, name));
                Some(session.ok_or(std::io::ErrorKind::Unsupported)?)
            }
            false => None,
        };
        let found = ours.filter(|_| flow.local.port() == 0);
        let local = found.unwrap_or(flow.local);
        let (now, phones) = (self.clock.mono(), self.registrations.clone());
        match self
            .tcp
            .entry_of_ours(now, flow.remote, |it| phones.uses(it))
        {
            Entry::Free => {}
            Entry::Instead(stranger) => self.close(stranger, Closed::Crowded),
            Entry::Full => return Err(std::io::ErrorKind::QuotaExceeded.into()),
        }
        let mut networks = self.config.networks.iter();
        let network = networks.find(|it| it.shown() == local.ip());
        let ways = (local, flow.remote, network.map(|it| it.address));
        self.tcp.connect(&self.registry, now, ways, session)
    }

    /// Closes a connection and tells every shard, in both forms in which a flow may name it.
    pub(crate) fn close(&mut self, connection: u64, why: Closed) {
        match why {
            Closed::Blocked => self.counts.tcp_blocked += 1,
            Closed::Unfit => self.counts.tcp_unfit += 1,
            Closed::Idle => self.counts.tcp_idle += 1,
            Closed::Crowded => self.counts.tcp_crowded += 1,
            Closed::Tls(failure) => {
                self.counts.tls_failed[failure as usize] += 1;
                tracing::debug!(why = failure.as_str(), "TLS with a peer came to nothing");
            }
            Closed::ByPeer | Closed::NotOpened => {}
        }
        let Some(flow) = self.tcp.close(&self.registry, connection, why) else {
            return;
        };
        if flow.transport == Transport::Tcp && why == Closed::NotOpened {
            for outgoing in self.large.refused(self.clock.mono(), flow.remote) {
                self.send_udp(outgoing);
            }
        } else {
            self.large.forget(flow.remote);
        }
        let any = Flow {
            connection: 0,
            ..flow
        };
        for shard in (0..self.topology.shards).map(ShardId) {
            self.tell(shard, Local::FlowFailed(flow));
            self.tell(shard, Local::FlowFailed(any));
        }
    }
}
