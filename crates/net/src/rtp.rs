//! One media thread: its RTP sockets, its hub, nothing else.
//!
//! ```text
//!   sockets ──recv──► Hub ──send──► sockets        a port has one for RTP and one for RTCP
//!   orders ─queue──►   │  ──events──► worker of the port's shard
//!   time ──────────►   ┘
//! ```
//!
//! A thread of its own with epoll and not a task a port: it costs less a packet and loses none
//! when many come at once. Where they come thick the thread rests up to a millisecond between two rounds,
//! and what is made for a beat leaves bit by bit: see `pace`.

mod orders;
mod pace;

use crate::alarm::Alarm;
use crate::bell::Bell;
use crate::clock::{Clock, until};
use crate::stats::RtpSocketCounts;
use crate::tape::{TapeSink, Tapes};
use meishier_engine::media::{Hub, MediaCommand, MediaEvent, RtcpPath};
use meishier_model::PortId;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
pub(crate) use orders::{Order, OrderOutlet, Orders};
use pace::{Density, Round, Spread};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Packets read from one socket before the others get their turn.
const PACKETS: usize = 32;
/// Packets thrown away when a port is opened; what is more than that is not left-over speech.
const STALE: usize = 1024;
/// Largest packet read; RTP over UDP stays far below.
const PACKET_BYTES: usize = 2048;
/// How soon an event that its receiver could not take is tried again.
const RETRY: Duration = Duration::from_millis(1);
const WAKE: Token = Token(usize::MAX);
/// No place in a list of ports.
const NOWHERE: u32 = u32::MAX;
/// Added to a port's index, this is the token of its socket for RTCP.
const REPORTS: usize = 1 << 30;

/// The sockets of one port (both non-blocking).
#[derive(Debug)]
pub struct PortSockets {
    /// The port.
    pub id: PortId,
    /// For RTP, and for RTCP of parties that take it there (RFC 5761).
    pub rtp: std::net::UdpSocket,
    /// For RTCP, one above; without one nothing is reported to the parties that want it there.
    pub reports: Option<std::net::UdpSocket>,
}

/// Where a thread's events go: `Err` gives an event back that cannot be taken now.
pub type EventSink = Box<dyn FnMut(MediaEvent) -> Result<(), MediaEvent> + Send>;

/// A running media thread. Dropping it ends the thread and closes its sockets.
pub struct RtpThread {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

impl RtpThread {
    /// Starts a thread that serves `sockets` with `hub`.
    ///
    /// # Errors
    /// What the system says if it gives no epoll or no thread.
    pub fn start(
        name: &str,
        sockets: Vec<PortSockets>,
        hub: Hub,
        clock: Clock,
        events: EventSink,
    ) -> io::Result<Self> {
        let alarm = Alarm::default();
        Self::start_with(name, sockets, (hub, None), clock, events, alarm)
    }

    pub(crate) fn start_with(
        name: &str,
        sockets: Vec<PortSockets>,
        (hub, tapes): (Hub, Option<TapeSink>),
        clock: Clock,
        events: EventSink,
        alarm: Alarm,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let orders = Arc::new(Orders::new(Bell::new(Waker::new(poll.registry(), WAKE)?)));
        let mut state = State::new(poll, sockets, hub, clock, orders.clone(), events, alarm)?;
        state.tapes = Tapes::new(tapes);
        let builder = std::thread::Builder::new().name(name.to_owned());
        let thread = builder.spawn(move || state.run())?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Gives the hub an order; gives it back if too many wait.
    ///
    /// # Errors
    /// The order, if the thread's inbox is full.
    pub fn order(&self, command: MediaCommand) -> Result<(), MediaCommand> {
        match self.orders.push(Order::Media(command)) {
            Err(Order::Media(command)) => Err(command),
            _ => Ok(()),
        }
    }

    pub(crate) fn orders(&self) -> Arc<Orders> {
        self.orders.clone()
    }

    /// Ends the thread and waits for it.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        while self.orders.push(Order::Stop).is_err() && !self.orders.is_closed() {
            std::thread::yield_now(); // the thread is emptying its inbox
        }
        if thread.join().is_err() {
            tracing::error!("a media thread had panicked");
        }
    }
}

impl Drop for RtpThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Port {
    id: PortId,
    socket: UdpSocket,
    /// For RTCP.
    reports: Option<UdpSocket>,
    /// A call uses it.
    open: bool,
    /// It stands in [`State::again`].
    listed: bool,
}

struct State {
    poll: Poll,
    /// The index is the socket's token.
    ports: Vec<Port>,
    /// By the port's number its place in `ports`; [`NOWHERE`] for ports of other threads.
    index: Vec<u32>,
    hub: Hub,
    clock: Clock,
    orders: Arc<Orders>,
    events: EventSink,
    tapes: Tapes,
    /// Events that could not be delivered yet, in order.
    waiting: VecDeque<MediaEvent>,
    /// Sockets with more to read than their share.
    again: Vec<usize>,
    buffer: Vec<u8>,
    counts: RtpSocketCounts,
    alarm: Alarm,
    round: Round,
    density: Density,
    spread: Spread,
}

impl Drop for State {
    /// However the thread ends, nobody is to wait for its answers.
    fn drop(&mut self) {
        self.orders.close();
    }
}

impl State {
    fn new(
        poll: Poll,
        sockets: Vec<PortSockets>,
        hub: Hub,
        clock: Clock,
        orders: Arc<Orders>,
        events: EventSink,
        alarm: Alarm,
    ) -> io::Result<Self> {
        let mut ports = Vec::with_capacity(sockets.len());
        for (number, PortSockets { id, rtp, reports }) in sockets.into_iter().enumerate() {
            let registry = poll.registry();
            let watch = |socket: std::net::UdpSocket, token: usize| {
                let mut socket = UdpSocket::from_std(socket);
                registry
                    .register(&mut socket, Token(token), Interest::READABLE)
                    .map(|()| socket)
            };
            ports.push(Port {
                id,
                socket: watch(rtp, number)?,
                reports: reports
                    .map(|socket| watch(socket, REPORTS + number))
                    .transpose()?,
                open: false,
                listed: false,
            });
        }
        let mut index = Vec::new();
        for (place, port) in (0u32..).zip(&ports) {
            let number = port.id.0 as usize;
            if index.len() <= number {
                index.resize(number + 1, NOWHERE);
            }
            index[number] = place;
        }
        let counts = RtpSocketCounts {
            ports: ports.len() as u64,
            ..RtpSocketCounts::default()
        };
        Ok(Self {
            poll,
            ports,
            index,
            hub,
            round: Round::new(clock.mono()),
            density: Density::default(),
            spread: Spread::default(),
            clock,
            orders,
            events,
            tapes: Tapes::new(None),
            waiting: VecDeque::new(),
            again: Vec::new(),
            buffer: vec![0; PACKET_BYTES],
            counts,
            alarm,
        })
    }

    fn run(mut self) {
        let mut ready = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a media thread cannot wait for packets and ends");
                return;
            }
            self.round = Round::new(self.clock.mono());
            self.orders.rise();
            if !self.take_orders() {
                self.alarm.expected();
                return;
            }
            let again = std::mem::take(&mut self.again);
            for number in again {
                self.ports[number].listed = false;
                self.read(number);
            }
            for event in &ready {
                match event.token() {
                    WAKE => {}
                    Token(number) if number >= REPORTS => self.read_reports(number - REPORTS),
                    Token(number) => self.read(number),
                }
            }
            self.tick();
            self.rest();
        }
    }

    /// Where packets come thick, waits until there are many to be read together.
    fn rest(&mut self) {
        let now = self.clock.mono();
        let dense = self.density.is_dense(now);
        if !dense || !self.again.is_empty() || !self.waiting.is_empty() {
            return;
        }
        let next = [self.hub.poll_timeout(), self.spread.next()];
        let next = next.into_iter().flatten().min();
        let rest = self.round.rest(now, next);
        if !rest.is_zero() {
            std::thread::sleep(rest);
        }
    }

    /// How long the thread may sleep; zero if something is left to do.
    fn timeout(&mut self) -> Option<Duration> {
        let orders = &self.orders;
        if !self.again.is_empty() || !orders.lie_down() {
            return Some(Duration::ZERO);
        }
        let next = [self.hub.poll_timeout(), self.spread.next()];
        let next = next.into_iter().flatten().min();
        let next = next.map(|at| until(self.clock.mono(), at));
        if self.waiting.is_empty() && !self.tapes.waits() {
            return next;
        }
        Some(next.map_or(RETRY, |next| next.min(RETRY)))
    }

    /// False if the thread is to end.
    fn take_orders(&mut self) -> bool {
        while let Some(order) = self.orders.pop() {
            match order {
                Order::Media(command) => self.command(command),
                Order::Report(reply) => {
                    // The asker may have gone.
                    let _ = reply.send((self.hub.totals(), self.counts));
                }
                Order::Stop => {
                    self.tapes.flush(&mut self.hub);
                    return false;
                }
            }
        }
        true
    }

    fn command(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Open { port, .. } => self.set_open(*port, true),
            MediaCommand::Close { port } => self.set_open(*port, false),
            MediaCommand::Update { .. }
            | MediaCommand::Hear { .. }
            | MediaCommand::StartTape { .. }
            | MediaCommand::Tape { .. }
            | MediaCommand::Untape { .. }
            | MediaCommand::NoteTape { .. }
            | MediaCommand::EndTape { .. } => {}
        }
        // What was made for the old order leaves before what follows from the new one.
        self.send_made(usize::MAX);
        self.hub.handle_command(self.round.now, command);
        self.flush_hub();
    }

    fn set_open(&mut self, port: PortId, open: bool) {
        let Some(number) = place(&self.index, port) else {
            return;
        };
        let port = &mut self.ports[number];
        if open && !port.open {
            // What lies in the socket belongs to whoever had the port before.
            for _ in 0..STALE {
                if port.socket.recv_from(&mut self.buffer).is_err() {
                    break;
                }
                self.counts.unused_port += 1;
            }
            if let Some(reports) = &port.reports {
                for _ in 0..STALE {
                    if reports.recv_from(&mut self.buffer).is_err() {
                        break;
                    }
                }
            }
        }
        port.open = open;
    }

    fn read(&mut self, number: usize) {
        for _ in 0..PACKETS {
            let Some(port) = self.ports.get(number) else {
                return;
            };
            match receive(&port.socket, &mut self.buffer) {
                Ok(_) if !port.open => self.counts.unused_port += 1,
                Ok((length, from)) => {
                    if self.density.note() {
                        self.round.now = self.clock.mono();
                    }
                    let id = port.id;
                    let packet = &self.buffer[..length];
                    self.hub.handle_packet(self.round.now, id, from, packet);
                    self.flush_hub();
                }
                Err(Errno::AGAIN) => return,
                // An ICMP answer to something sent earlier, or a signal.
                Err(_) => {}
            }
        }
        let port = &mut self.ports[number];
        if !std::mem::replace(&mut port.listed, true) {
            self.again.push(number);
        }
    }

    /// Reads what came for RTCP, not more than a share of it: the next packet that comes tells of the
    /// rest, and who floods it gets no more than that.
    fn read_reports(&mut self, number: usize) {
        for _ in 0..PACKETS {
            let Some(port) = self.ports.get(number) else {
                return;
            };
            let Some(socket) = &port.reports else { return };
            match socket.recv_from(&mut self.buffer) {
                Ok(_) if !port.open => {}
                Ok((length, from)) => {
                    let packet = &self.buffer[..length];
                    self.hub
                        .handle_rtcp(self.clock.mono(), port.id, from, packet);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP answer to a report, or a signal.
                Err(_) => {}
            }
        }
    }

    fn tick(&mut self) {
        let now = self.clock.mono();
        if self.hub.poll_timeout().is_some_and(|at| at <= now) {
            let before = self.hub.made();
            self.hub.handle_timeout(now);
            self.flush_hub();
            let new = self.hub.made() - before;
            if new > 0 {
                // What is left of the last beat does not wait for the pieces of this one.
                self.send_made(before);
                self.spread.begin(now, new);
            }
        }
        self.tapes.flush(&mut self.hub);
        let due = self.spread.due(now);
        self.send_made(due);
        while let Some(event) = self.waiting.pop_front() {
            if let Err(event) = (self.events)(event) {
                self.waiting.push_front(event);
                return;
            }
        }
    }

    /// Sends so many of the packets that were made for a beat.
    fn send_made(&mut self, most: usize) {
        for _ in 0..most.min(self.hub.made()) {
            let Some((port, to, packet)) = self.hub.poll_send() else {
                return;
            };
            send(&self.index, &self.ports, &mut self.counts, port, to, packet);
        }
    }

    /// Sends what parties say, reports on it, and passes the hub's events on.
    fn flush_hub(&mut self) {
        while let Some((port, to, packet)) = self.hub.poll_relayed() {
            send(&self.index, &self.ports, &mut self.counts, port, to, packet);
        }
        while let Some(report) = self.hub.poll_report() {
            let port = place(&self.index, report.port).map(|n| &self.ports[n]);
            let socket = port.and_then(|port| match report.path {
                RtcpPath::Muxed => Some(&port.socket),
                RtcpPath::Apart => port.reports.as_ref(),
            });
            // A report that is lost is made good for by the next (RFC 3550 §6.4).
            let _ = socket.map(|s| s.send_to(report.packet.as_bytes(), report.to));
        }
        // Delivered together at the end of the round: their receiver is woken once for all.
        while let Some(event) = self.hub.poll_event() {
            self.waiting.push_back(event);
        }
    }
}

/// Where the port stands in the list, if it is one of this thread's.
fn place(index: &[u32], port: PortId) -> Option<usize> {
    let place = *index.get(port.0 as usize)?;
    (place != NOWHERE).then_some(place as usize)
}

/// One packet. By the system call itself: the library's wrapper is a point where a thread may be
/// cancelled, which costs as much as the rest of our own part.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), Errno> {
    let (length, _, from) = recvfrom(socket, buffer, RecvFlags::empty())?;
    let from = from.ok_or(Errno::AFNOSUPPORT)?;
    Ok((length, from.try_into()?))
}

fn send(
    index: &[u32],
    ports: &[Port],
    counts: &mut RtpSocketCounts,
    port: PortId,
    to: SocketAddr,
    packet: &[u8],
) {
    let Some(number) = place(index, port) else {
        return;
    };
    let sent = match to {
        SocketAddr::V4(to) => sendto(&ports[number].socket, packet, SendFlags::empty(), &to),
        SocketAddr::V6(to) => sendto(&ports[number].socket, packet, SendFlags::empty(), &to),
    };
    if sent.is_err() {
        counts.send_dropped += 1;
    }
}
