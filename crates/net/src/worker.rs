//! The thread that runs some shards: one loop over sockets, inbox and timers.
//!
//! ```text
//!   epoll ─► sockets, a share each ─► inbox, a share ─► timers that are due ─► lie down ─┐
//!     ▲                                                                                 │
//!     └─────────────────────────────────────────────────────────────────────────────────┘
//!   each input:  Shard::handle ─► outputs until none ─► what they meant for shards of this worker
//! ```
//!
//! A datagram for a shard of this worker goes from `recv` through the engine to `send` on this
//! thread without a queue, an allocation of ours or another thread in between.

mod letters;

use crate::alarm::Alarm;
use crate::clock::until;
use crate::connection::FIRST_TOKEN;
use crate::hep::Way;
use crate::inbox::{Inbox, Letter};
use crate::outside::{Local, Outside};
use crate::stats::TlsFailure;
use crate::udp::UdpSip;
use meishier_engine::config::Config;
use meishier_engine::routing::Note;
use meishier_engine::signaling::{Flow, Transport, stun};
use meishier_engine::{Command, Input, Output, Shard};
use meishier_model::{Mono, ShardId};
use mio::net::TcpListener;
use mio::{Events, Poll, Token};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Token of the thread's waker.
pub(crate) const WAKE: Token = Token(0);
/// First token of UDP sockets; their index follows.
pub(crate) const FIRST_UDP: usize = 1;
/// First token of TCP listeners; their index follows.
pub(crate) const FIRST_LISTENER: usize = 1 << 12;
/// Datagrams or letters taken from one place before the others get their turn.
pub(crate) const SHARE: usize = 64;
/// Largest datagram that UDP carries.
const DATAGRAM_BYTES: usize = 64 << 10;
/// How soon something that an inbox could not take is tried again.
const RETRY: Duration = Duration::from_millis(1);
/// How often the civil clock is compared with the machine's.
const CLOCK_CHECK: Duration = Duration::from_secs(10);

/// A listener for TCP or TLS, and what Via and Contact say of it.
pub(crate) struct Listener {
    pub socket: TcpListener,
    pub local: SocketAddr,
    /// Whether it speaks TLS.
    pub secure: bool,
}

struct Slot {
    id: ShardId,
    shard: Shard,
    /// When it wants to hear the time, as it last said.
    next: Option<Mono>,
}

/// One worker thread's state.
pub(crate) struct Worker {
    poll: Poll,
    slots: Vec<Slot>,
    pub(crate) outside: Outside,
    inbox: Arc<Inbox>,
    pub(crate) listeners: Vec<Listener>,
    /// Which worker gets the next accepted connection.
    pub(crate) next_owner: usize,
    /// Sockets with more to read than their share.
    again: Vec<Token>,
    buffer: Vec<u8>,
    draining: bool,
    /// Whether no shard of this worker has a call left, once it drains.
    idle: watch::Sender<bool>,
    clock_check: Mono,
    /// The configuration that the shards follow.
    latest: Arc<Config>,
    alarm: Alarm,
}

impl Drop for Worker {
    /// However the thread ends, nobody is to wait for its answers.
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl Worker {
    pub(crate) fn new(
        poll: Poll,
        outside: Outside,
        inbox: Arc<Inbox>,
        listeners: Vec<Listener>,
        idle: watch::Sender<bool>,
        alarm: Alarm,
    ) -> Self {
        let latest = Arc::clone(&outside.config);
        Self {
            latest,
            poll,
            slots: Vec::new(),
            outside,
            inbox,
            listeners,
            next_owner: 0,
            again: Vec::new(),
            buffer: vec![0; DATAGRAM_BYTES],
            draining: false,
            idle,
            clock_check: Mono(0),
            alarm,
        }
    }

    /// Takes a shard in, tells it what is remembered, and does what it asks for at its start.
    pub(crate) fn add(&mut self, id: ShardId, mut shard: Shard, remembered: Vec<Note>) {
        shard.handle(self.outside.clock.now(), Input::Remember(remembered));
        self.slots.push(Slot {
            id,
            shard,
            next: None,
        });
        self.drain_outputs(self.slots.len() - 1);
        self.settle();
    }

    /// Runs until told to stop.
    pub(crate) fn run(mut self) {
        self.loop_until_stop();
    }

    fn loop_until_stop(&mut self) {
        let mut ready = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a SIP thread cannot wait for messages and ends");
                return;
            }
            self.inbox.bell().rise();
            self.follow_machine_clock();
            self.outside.tcp.begin_round();
            for token in std::mem::take(&mut self.again) {
                self.read(token);
            }
            for event in &ready {
                self.on_ready(event);
            }
            if !self.take_inbox() {
                self.alarm.expected();
                return;
            }
            self.run_timers();
            self.outside.look_after_closings();
            self.outside.flush_outlets();
            self.report_idle();
        }
    }

    /// How long the thread may sleep; zero if something is left to do.
    fn timeout(&mut self) -> Option<Duration> {
        let inbox = &self.inbox;
        if !self.again.is_empty() || !inbox.bell().lie_down(|| inbox.is_empty()) {
            return Some(Duration::ZERO);
        }
        let now = self.outside.clock.mono();
        let mut sleep = CLOCK_CHECK;
        let deadlines = self.slots.iter().filter_map(|slot| slot.next);
        let others = [self.outside.tcp.poll_timeout(), self.outside.closings.due()];
        for deadline in deadlines.chain(others.into_iter().flatten()) {
            sleep = sleep.min(until(now, deadline));
        }
        if self.outside.stuck {
            sleep = sleep.min(RETRY);
        }
        Some(sleep)
    }

    fn follow_machine_clock(&mut self) {
        let now = self.outside.clock.mono();
        // One worker looks for all; the others hear of a step by the command.
        if self.outside.worker != 0 || now < self.clock_check {
            return;
        }
        self.clock_check = now + CLOCK_CHECK;
        if self.outside.clock.follow() {
            tracing::warn!("the machine's civil time was stepped; schedules are evaluated again");
            for shard in (0..self.outside.topology.shards).map(ShardId) {
                let (reply, _) = tokio::sync::oneshot::channel();
                let worker = self.outside.topology.worker_of(shard);
                let command = Command::Reschedule;
                let letter = Letter::Command {
                    shard,
                    command,
                    reply,
                };
                self.outside.stuck |= !self.outside.outlets[worker].letter(letter);
            }
        }
    }

    fn on_ready(&mut self, event: &mio::event::Event) {
        let token = event.token();
        match token.0 {
            0 => {}
            t if t >= FIRST_TOKEN => {
                let connection = self.outside.tcp.number(token);
                if event.is_writable() {
                    let now = self.outside.clock.mono();
                    let Outside { tcp, registry, .. } = &mut self.outside;
                    if let Err(why) = tcp.writable(registry, now, connection) {
                        self.outside.close(connection, why);
                        return self.settle();
                    }
                }
                if event.is_readable() || event.is_error() {
                    self.read(token);
                }
            }
            t if t >= FIRST_LISTENER => self.accept(t - FIRST_LISTENER),
            t => {
                if event.is_writable() {
                    let Outside {
                        udp,
                        registry,
                        counts,
                        ..
                    } = &mut self.outside;
                    if let Some(socket) = udp.get_mut(t - FIRST_UDP) {
                        socket.flush(registry, counts);
                    }
                }
                if event.is_readable() || event.is_error() {
                    self.read(token);
                }
            }
        }
    }

    fn read(&mut self, token: Token) {
        if token.0 >= FIRST_TOKEN {
            self.read_tcp(token);
        } else if token.0 >= FIRST_LISTENER {
            self.accept(token.0 - FIRST_LISTENER);
        } else {
            self.read_udp(token);
        }
    }

    fn read_udp(&mut self, token: Token) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut more = true;
        for _ in 0..SHARE {
            let Some(socket) = self.outside.udp.get(token.0 - FIRST_UDP) else {
                more = false;
                break;
            };
            match socket.receive(&mut buffer) {
                Ok((length, remote)) => {
                    let flow = Flow {
                        transport: Transport::Udp,
                        local: socket.local,
                        remote,
                        connection: 0,
                    };
                    self.outside.counts.udp_received += 1;
                    let bytes = &buffer[..length];
                    if UdpSip::is_keepalive(bytes) {
                        self.outside.counts.udp_keepalives += 1;
                    } else if let Some(bytes) = stun::answer(bytes, remote) {
                        // RFC 5626 §4.4.2: once, to where it came from; the phone asks again.
                        self.outside.counts.udp_keepalives += 1;
                        socket.send_now(&bytes, remote);
                    } else {
                        self.deliver(flow, bytes);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    more = false;
                    break;
                }
                // An ICMP answer to something sent earlier, or a signal.
                Err(_) => {}
            }
        }
        self.buffer = buffer;
        if more {
            self.come_back(token);
        }
    }

    fn read_tcp(&mut self, token: Token) {
        let connection = self.outside.tcp.number(token);
        let now = self.outside.clock.mono();
        let Outside { tcp, registry, .. } = &mut self.outside;
        let arrived = tcp.readable(registry, now, connection);
        // Only now is it said whose certificate it has shown.
        let Some(flow) = tcp.flow(connection) else {
            return;
        };
        if arrived.foreign {
            self.outside.counts.tls_failed[TlsFailure::Unnamed as usize] += 1;
            tracing::debug!("a peer with a trunk's address has somebody else's certificate");
        }
        self.outside.counts.tls_handshakes += u64::from(arrived.secured);
        for message in &arrived.messages {
            self.deliver(flow, message);
        }
        if let Some(why) = arrived.closed {
            self.outside.close(connection, why);
            self.settle();
        } else if arrived.more {
            self.come_back(token);
        }
    }

    /// Reads this socket again in the next round.
    pub(crate) fn come_back(&mut self, token: Token) {
        if !self.again.contains(&token) {
            self.again.push(token);
        }
    }

    /// Gives a message to its shard, here or at another worker.
    fn deliver(&mut self, flow: Flow, bytes: &[u8]) {
        let topology = self.outside.topology;
        let shard = if topology.shards == 1 {
            ShardId(0)
        } else {
            meishier_engine::dispatch(bytes, &self.outside.config, topology.shards)
        };
        if self.outside.is_mine(shard) {
            self.handle(topology.index_of(shard), Input::Message { flow, bytes });
        } else {
            self.outside.forward(shard, flow, bytes);
        }
    }

    /// One input, and everything that follows from it on this worker.
    fn handle(&mut self, index: usize, input: Input<'_>) {
        self.handle_one(index, input);
        self.settle();
    }

    fn handle_one(&mut self, index: usize, input: Input<'_>) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        // A message is copied when its shard knows what call it is of.
        let message = match &input {
            Input::Message { flow, bytes } if self.outside.tap.is_some() => Some((*flow, *bytes)),
            _ => None,
        };
        slot.shard.handle(self.outside.clock.now(), input);
        if let (Some(tap), Some((flow, bytes))) = (&mut self.outside.tap, message) {
            tap.copy(&slot.shard, Way::In, flow, bytes);
        }
        self.drain_outputs(index);
    }

    fn drain_outputs(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        while let Some(output) = slot.shard.poll_output() {
            if let Output::Lookup { token, user } = output {
                let now = self.outside.clock.now();
                let contacts = self.outside.registrations.contacts(&user, now.mono);
                slot.shard.handle(now, Input::Contacts { token, contacts });
            } else {
                if let (Some(tap), Output::Transmit(it)) = (&mut self.outside.tap, &output) {
                    tap.copy(&slot.shard, Way::Out, it.flow, &it.bytes);
                }
                self.outside.execute(slot.id, output);
            }
        }
        slot.next = slot.shard.poll_timeout();
    }

    /// Hands over what shards of this worker meant for one another, until there is nothing left.
    fn settle(&mut self) {
        loop {
            while let Some((index, what)) = self.outside.local.pop_front() {
                match what {
                    Local::Inbox => self.handle_one(index, Input::Inbox),
                    Local::Shard(message) => self.handle_one(index, Input::Shard(message)),
                    Local::FlowFailed(flow) => self.handle_one(index, Input::FlowFailed { flow }),
                }
            }
            self.outside.send_datagrams();
            // What could not be sent is told to its shard.
            if self.outside.local.is_empty() {
                break;
            }
        }
        self.outside.ring_media();
        self.outside.catch_up();
    }

    fn run_timers(&mut self) {
        for index in 0..self.slots.len() {
            let now = self.outside.clock.mono();
            if self.slots[index].next.is_some_and(|at| at <= now) {
                self.handle(index, Input::Timeout);
            }
        }
        let now = self.outside.clock.mono();
        let phones = self.outside.registrations.clone();
        for (connection, why) in self.outside.tcp.overdue(now, |it| phones.uses(it)) {
            self.outside.close(connection, why);
            self.settle();
        }
    }

    fn report_idle(&mut self) {
        if !self.draining {
            return;
        }
        let idle = self.slots.iter().all(|slot| slot.shard.idle());
        self.idle
            .send_if_modified(|was| std::mem::replace(was, idle) != idle);
    }
}
