//! Starting the whole: sockets bound, threads up, shards in them; and ending it.

use crate::alarm::Alarm;
use crate::bind::{self, BoundRtp, BoundSip};
use crate::certificates::{Certificates, Keyring};
use crate::clock::Clock;
use crate::control::{Control, Reach};
use crate::hep::Tap;
use crate::inbox::{Inbox, Letter};
use crate::names::{BOUNDS, Names, Readers};
use crate::outside::{Outside, Parts, StreamLocal};
use crate::registrations::Registrations;
use crate::rtp::{EventSink, OrderOutlet, PortSockets, RtpThread};
use crate::seeds::{SeedSource, Seeds};
use crate::tape::TapeSink;
use crate::topology::Topology;
use crate::udp::UdpSip;
use crate::worker::{FIRST_LISTENER, FIRST_UDP, Listener, WAKE, Worker};
use crate::{Sink, StartError};
use meishier_engine::config::Config;
use meishier_engine::media::{Hub, MediaEvent, PromptSet};
use meishier_engine::queue::Queue;
use meishier_engine::routing::Note;
use meishier_engine::signaling::Transport;
use meishier_engine::{BoundPort, Shard, ShardConfig, queue_config};
use meishier_model::PortId;
use mio::net::TcpListener;
use mio::{Interest, Poll, Token, Waker};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// How long calls may take to end after they were all hung up.
const HANG_UP_LIMIT: Duration = Duration::from_secs(5);

/// What a runtime is started with.
pub struct RuntimeConfig {
    /// The engine's configuration.
    pub config: Arc<Config>,
    /// Prompts and music.
    pub prompts: Arc<PromptSet>,
    /// The time that the shards see.
    pub clock: Clock,
    /// Randomness.
    pub seeds: Seeds,
    /// Where a SIP or RTP port is taken: use any free one instead of giving up.
    pub any_free_port: bool,
    /// What was kept of numbers ([`Sink::keep`]); every shard knows it before its first call.
    pub remembered: Vec<Note>,
    /// Where recordings go; without it there are none.
    pub tapes: Option<TapeSink>,
}

/// Starts engines.
pub struct Runtime;

/// How a graceful end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call had ended.
    Quiet,
    /// The limit passed while calls were running.
    LimitPassed,
}

/// A running engine. Dropping it ends its threads and closes its sockets, whatever calls there are.
pub struct Running {
    control: Control,
    inboxes: Vec<Arc<Inbox>>,
    workers: Vec<JoinHandle<()>>,
    media: Vec<RtpThread>,
    idle: Vec<watch::Receiver<bool>>,
    broken: watch::Receiver<bool>,
    sip: Vec<(Transport, SocketAddr)>,
    rtp_ports: usize,
    names: Arc<Names>,
}

impl Runtime {
    /// Binds every socket, starts every thread, and returns once every shard is ready.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left behind then.
    pub fn start(setup: RuntimeConfig, sink: Arc<dyn Sink>) -> Result<Running, StartError> {
        let config = &setup.config;
        let topology = Topology::new(config.shards, config.rtp.threads);
        let certificates = Certificates::read(config).map_err(StartError::Certificate)?;
        let sip = bind::sip(config, usize::from(topology.workers), setup.any_free_port)?;
        let rtp = bind::rtp(config, setup.any_free_port)?;
        bind::warn_of_few_ports(config, &rtp);
        let mut start = Start::prepare(&setup, topology, sink)?;
        start.keyring.change(certificates);
        let ports = start.media_threads(&setup, rtp)?;
        let shards = shard_configs(&setup, topology, &start.queue, &sip, &ports)?;
        start.workers(&setup, sip, shards)?;
        let looked_up = start.names.follow(config);
        looked_up.map_err(StartError::system(
            "starting the thread that looks names up",
        ))?;
        Ok(start.into_running())
    }
}

/// What exists so far; dropped half-way, it ends what was started.
struct Start {
    topology: Topology,
    clock: Clock,
    queue: Arc<Queue>,
    registrations: Arc<Registrations>,
    keyring: Arc<Keyring>,
    names: Arc<Names>,
    sink: Arc<dyn Sink>,
    polls: Vec<Poll>,
    rtp_failed: u64,
    alarm: Alarm,
    running: Threads,
}

#[derive(Default)]
struct Threads {
    inboxes: Vec<Arc<Inbox>>,
    workers: Vec<JoinHandle<()>>,
    media: Vec<RtpThread>,
    idle: Vec<watch::Receiver<bool>>,
    sip: Vec<(Transport, SocketAddr)>,
    rtp_ports: usize,
}

impl Start {
    fn prepare(
        setup: &RuntimeConfig,
        topology: Topology,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, StartError> {
        let (mut polls, mut inboxes) = (Vec::new(), Vec::new());
        for _ in 0..topology.workers {
            let poll = Poll::new().map_err(StartError::system("making an epoll"))?;
            let waker = Waker::new(poll.registry(), WAKE);
            let waker = waker.map_err(StartError::system("making an eventfd"))?;
            inboxes.push(Arc::new(Inbox::new(waker)));
            polls.push(poll);
        }
        let keyring = Arc::<Keyring>::default();
        let readers = Readers {
            inboxes: inboxes.clone(),
            keyring: keyring.clone(),
        };
        Ok(Self {
            topology,
            clock: setup.clock.clone(),
            queue: Arc::new(Queue::new(queue_config(&setup.config, setup.clock.wall()))),
            registrations: Arc::default(),
            keyring,
            names: Arc::new(Names::new(readers, BOUNDS)),
            sink,
            polls,
            rtp_failed: 0,
            alarm: Alarm::default(),
            running: Threads {
                inboxes,
                ..Threads::default()
            },
        })
    }

    /// Starts the media threads; gives the ports with the addresses that SDP is to name.
    fn media_threads(
        &mut self,
        setup: &RuntimeConfig,
        rtp: BoundRtp,
    ) -> Result<Vec<BoundPort>, StartError> {
        self.rtp_failed = rtp.failed as u64;
        let mut seeds = SeedSource::open(setup.seeds)?;
        let mut ports = Vec::with_capacity(rtp.sockets.len());
        let mut sets: Vec<Vec<PortSockets>> = Vec::new();
        sets.resize_with(usize::from(self.topology.media_threads), Vec::new);
        let told = rtp.advertised.into_iter().zip(rtp.networks);
        let all = rtp.sockets.into_iter().zip(rtp.reports).zip(told);
        for (number, ((socket, reports), (ip, network))) in (0u32..).zip(all) {
            let bound = socket.local_addr();
            let bound = bound.map_err(StartError::system("reading a socket's address"))?;
            let id = PortId(number);
            let address = SocketAddr::new(ip, bound.port());
            ports.push(BoundPort {
                id,
                address,
                network,
            });
            let thread = self.topology.media_of(self.topology.shard_of_port(id));
            let rtp = socket;
            sets[thread].push(PortSockets { id, rtp, reports });
        }
        for (number, sockets) in sets.into_iter().enumerate() {
            let hub = Hub::new(setup.prompts.clone(), seeds.next_u64()?);
            let events = self.media_events();
            let name = format!("rtp-{number}");
            let (clock, alarm) = (self.clock.clone(), self.alarm.armed());
            let hub = (hub, setup.tapes.clone());
            let thread = RtpThread::start_with(&name, sockets, hub, clock, events, alarm);
            let thread = thread.map_err(StartError::system("starting a media thread"))?;
            self.running.media.push(thread);
        }
        self.running.rtp_ports = ports.len();
        Ok(ports)
    }

    fn media_events(&self) -> EventSink {
        let (topology, inboxes) = (self.topology, self.running.inboxes.clone());
        Box::new(move |event| {
            let (MediaEvent::PlaylistDone { port, .. }
            | MediaEvent::Digit { port, .. }
            | MediaEvent::Silent { port }
            | MediaEvent::Heard { port }
            | MediaEvent::Closed { port, .. }) = event;
            let shard = topology.shard_of_port(port);
            let inbox = &inboxes[topology.worker_of(shard)];
            let letter = Letter::Media { shard, event };
            let put = match event {
                MediaEvent::Closed { .. } => inbox.patient_letter(letter),
                _ => inbox.letter(letter),
            };
            put.map_err(|_| event)
        })
    }

    fn workers(
        &mut self,
        setup: &RuntimeConfig,
        mut sip: Vec<BoundSip>,
        shards: Vec<ShardConfig>,
    ) -> Result<(), StartError> {
        let bound = sip
            .iter()
            .map(|listener| (listener.transport, listener.bound));
        self.running.sip = bound.collect();
        let (ready, all_ready) = mpsc::channel();
        for (number, poll) in std::mem::take(&mut self.polls).into_iter().enumerate() {
            let (idle, idle_seen) = watch::channel(false);
            self.running.idle.push(idle_seen);
            let worker = self.worker(setup, number, poll, &mut sip, idle);
            let mut worker = worker.map_err(StartError::system("watching a SIP socket"))?;
            let mine = self.topology.shards_of(number);
            let mine: Vec<_> = mine
                .filter_map(|id| shards.get(usize::from(id.0)).cloned())
                .collect();
            let (clock, ready) = (self.clock.clone(), ready.clone());
            let remembered = setup.remembered.clone();
            let builder = std::thread::Builder::new().name(format!("sip-{number}"));
            let thread = builder.spawn(move || {
                for shard in mine {
                    let id = shard.id;
                    worker.add(id, Shard::new(shard, clock.now()), remembered.clone());
                }
                // The starter has gone only if another thread could not be started.
                let _ = ready.send(());
                worker.run();
            });
            let thread = thread.map_err(StartError::system("starting a SIP thread"))?;
            self.running.workers.push(thread);
        }
        drop(ready);
        for _ in 0..self.running.workers.len() {
            if all_ready.recv().is_err() {
                let ended = io::Error::other("a SIP thread ended while it started");
                return Err(StartError::system("starting the shards")(ended));
            }
        }
        Ok(())
    }

    fn worker(
        &self,
        setup: &RuntimeConfig,
        number: usize,
        poll: Poll,
        sip: &mut [BoundSip],
        idle: watch::Sender<bool>,
    ) -> io::Result<Worker> {
        let registry = poll.registry().try_clone()?;
        let (mut udp, mut listeners) = (Vec::new(), Vec::new());
        let mut stream_local = StreamLocal::default();
        for bound in sip {
            if let Some(socket) = bound.udp.pop() {
                let token = Token(FIRST_UDP + udp.len());
                udp.push(UdpSip::new(socket, bound.advertised, token, &registry)?);
            }
            match bound.transport {
                Transport::Udp => {}
                Transport::Tcp => stream_local.tcp.push(bound.advertised),
                Transport::Tls => stream_local.tls.push(bound.advertised),
            }
            // The first worker accepts and deals the connections out.
            if let Some(listener) = bound.tcp.take() {
                let mut socket = TcpListener::from_std(listener);
                let token = Token(FIRST_LISTENER + listeners.len());
                registry.register(&mut socket, token, Interest::READABLE)?;
                listeners.push(Listener {
                    socket,
                    local: bound.advertised,
                    secure: bound.transport == Transport::Tls,
                });
            }
        }
        let tap = setup.config.hep.as_ref();
        let tap = tap.map(|hep| Tap::open(hep, self.clock.clone()));
        let media = self.running.media.iter();
        let outside = Outside::new(Parts {
            worker: number,
            topology: self.topology,
            config: setup.config.clone(),
            clock: self.clock.clone(),
            registry,
            udp,
            stream_local,
            keyring: self.keyring.clone(),
            inboxes: self.running.inboxes.clone(),
            media: media
                .map(|thread| OrderOutlet::new(thread.orders()))
                .collect(),
            registrations: self.registrations.clone(),
            sink: self.sink.clone(),
            tap: tap.transpose()?,
        });
        let inbox = self.running.inboxes[number].clone();
        let alarm = self.alarm.armed();
        Ok(Worker::new(poll, outside, inbox, listeners, idle, alarm))
    }

    fn into_running(mut self) -> Running {
        let threads = std::mem::take(&mut self.running);
        let orders = threads.media.iter().map(RtpThread::orders).collect();
        Running {
            control: Control::new(Reach {
                topology: self.topology,
                clock: self.clock.clone(),
                queue: self.queue.clone(),
                inboxes: threads.inboxes.clone(),
                media: orders,
                registrations: self.registrations.clone(),
                keyring: self.keyring.clone(),
                names: self.names.clone(),
                rtp_ports_failed: self.rtp_failed,
            }),
            inboxes: threads.inboxes,
            workers: threads.workers,
            media: threads.media,
            idle: threads.idle,
            broken: self.alarm.watch(),
            sip: threads.sip,
            rtp_ports: threads.rtp_ports,
            names: self.names.clone(),
        }
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        stop(&self.running.inboxes, &mut self.running.workers);
    }
}

impl Running {
    /// Addresses that SIP is bound to, in the order of the configuration; ports are real ones.
    #[must_use]
    pub fn sip_addresses(&self) -> &[(Transport, SocketAddr)] {
        &self.sip
    }

    /// How many RTP ports are bound.
    #[must_use]
    pub fn rtp_ports_bound(&self) -> usize {
        self.rtp_ports
    }

    /// A handle for commands and figures.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Takes no new calls and waits until the running ones have ended, at most `limit`.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.post(|| Letter::Drain).await;
        self.quiet_within(limit).await
    }

    /// Hangs every call up and waits until they have ended, at most five seconds.
    pub async fn hang_up_all(&self) -> Drained {
        self.post(|| Letter::Drain).await;
        self.post(|| Letter::HangUpAll).await;
        self.quiet_within(HANG_UP_LIMIT).await
    }

    /// Comes back only if a thread has ended by itself. What is left is half an engine: end the
    /// process and let its supervisor start a whole one.
    pub async fn broken(&self) {
        if self
            .broken
            .clone()
            .wait_for(|broken| *broken)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// Ends the threads and closes the sockets. The records of calls that had ended are out by then.
    pub fn shutdown(self) {
        drop(self);
    }

    async fn post(&self, letter: impl Fn() -> Letter) {
        for inbox in &self.inboxes {
            let mut waiting = letter();
            while let Err(back) = inbox.letter(waiting) {
                if inbox.is_closed() {
                    break;
                }
                waiting = back;
                // The worker is emptying its inbox at this moment.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    async fn quiet_within(&self, limit: Duration) -> Drained {
        let all = async {
            for idle in &self.idle {
                // An error says that the worker has ended, which is as quiet as can be.
                let _ = idle.clone().wait_for(|idle| *idle).await;
            }
        };
        match tokio::time::timeout(limit, all).await {
            Ok(()) => Drained::Quiet,
            Err(_) => Drained::LimitPassed,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        stop(&self.inboxes, &mut self.workers);
        self.names.stop();
        self.media.clear();
    }
}

fn stop(inboxes: &[Arc<Inbox>], workers: &mut Vec<JoinHandle<()>>) {
    for inbox in inboxes.iter().take(workers.len()) {
        while inbox.letter(Letter::Stop).is_err() && !inbox.is_closed() {
            std::thread::yield_now(); // the worker is emptying its inbox
        }
    }
    for worker in workers.drain(..) {
        if worker.join().is_err() {
            tracing::error!("a SIP thread had panicked");
        }
    }
}

fn shard_configs(
    setup: &RuntimeConfig,
    topology: Topology,
    queue: &Arc<Queue>,
    sip: &[BoundSip],
    ports: &[BoundPort],
) -> Result<Vec<ShardConfig>, StartError> {
    let mut seeds = SeedSource::open(setup.seeds)?;
    let secret = seeds.next()?;
    let boot = setup.clock.wall();
    let local: Vec<_> = sip
        .iter()
        .map(|bound| (bound.transport, bound.advertised))
        .collect();
    let shards = (0..topology.shards).map(meishier_model::ShardId);
    shards
        .map(|id| {
            let mine = ports
                .iter()
                .filter(|port| topology.shard_of_port(port.id) == id);
            Ok(ShardConfig {
                id,
                config: setup.config.clone(),
                queue: queue.clone(),
                ports: mine.copied().collect(),
                local: local.clone(),
                seed: seeds.next()?,
                secret,
                boot,
            })
        })
        .collect()
}
