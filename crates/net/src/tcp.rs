//! One worker's SIP connections over TCP (RFC 3261 §18).
//!
//! ```text
//!   connect ─► Opening ──writable──► Open ──┬─ peer closed, garbage, error ─► closed: flow failed
//!   accept / adopt ─────────────────► Open ─┼─ outgoing queue full ────────► closed: flow failed
//!              Opening ── 5 s, refused ─────┴─► closed: flow failed
//! ```
//!
//! A connection's number names its worker in the upper 16 bits, so that any worker can find the
//! owner. A peer that does not read fills only its own queue, and is then closed.

use meishier_engine::signaling::framing::TcpFramer;
use meishier_engine::signaling::{Flow, Transport};
use meishier_model::Mono;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Most connections of one worker.
pub(crate) const CONNECTIONS: usize = 4096;
/// Bytes that may wait for a peer to read them.
const OUTGOING: usize = 256 << 10;
/// How long a connection of ours may take to be set up.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an accepted connection may stay without one whole message.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// Reads of one readiness event before others get their turn.
const READS: usize = 16;
/// Messages of one readiness event before others get their turn.
const MESSAGES: usize = 64;
/// First token of connections; smaller ones are other sockets of the worker.
pub(crate) const FIRST_TOKEN: usize = 1 << 16;
const NUMBER_MASK: u64 = (1 << 48) - 1;

/// Which worker owns the connection.
pub(crate) fn owner(connection: u64) -> usize {
    usize::try_from(connection >> 48).unwrap_or(usize::MAX)
}

/// Why a connection was closed, for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The peer closed it, or the network did.
    ByPeer,
    /// It did not read what was sent to it.
    Blocked,
    /// It sent no SIP, or nothing within the limit.
    Unfit,
    /// It could not be set up.
    NotOpened,
}

/// What came out of a readiness event.
#[derive(Default)]
pub(crate) struct Arrived {
    pub messages: Vec<Vec<u8>>,
    /// More may be there: come back without waiting for another event.
    pub more: bool,
    pub closed: Option<Closed>,
}

struct Connection {
    stream: TcpStream,
    flow: Flow,
    framer: TcpFramer,
    out: VecDeque<Vec<u8>>,
    /// Bytes of the front of `out` that are sent already.
    sent: usize,
    queued: usize,
    opening: bool,
    watches_writing: bool,
    /// Closed at this moment unless it has opened, or said something whole, by then.
    deadline: Option<Mono>,
}

/// The connections of one worker.
pub(crate) struct Connections {
    worker: u64,
    next: u64,
    open: HashMap<u64, Connection>,
    /// The newest connection to an address, for requests that ask for "any" (RFC 3261 §18.1.1).
    by_remote: HashMap<SocketAddr, u64>,
    /// No deadline lies before this moment.
    check_at: Option<Mono>,
    buffer: Vec<u8>,
}

impl Connections {
    pub(crate) fn new(worker: usize) -> Self {
        Self {
            worker: worker as u64,
            next: 1,
            open: HashMap::new(),
            by_remote: HashMap::new(),
            check_at: None,
            buffer: vec![0; 16 << 10],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// The connection behind a token.
    pub(crate) fn number(&self, token: Token) -> u64 {
        (self.worker << 48) | ((token.0 - FIRST_TOKEN) as u64 & NUMBER_MASK)
    }

    /// The flow of a connection.
    pub(crate) fn flow(&self, connection: u64) -> Option<Flow> {
        self.open.get(&connection).map(|c| c.flow)
    }

    /// The open connection to `remote`, if there is one.
    pub(crate) fn to(&self, remote: SocketAddr) -> Option<u64> {
        self.by_remote.get(&remote).copied()
    }

    /// Takes over an accepted connection.
    pub(crate) fn adopt(
        &mut self,
        registry: &Registry,
        now: Mono,
        stream: TcpStream,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> io::Result<u64> {
        self.insert(registry, stream, local, remote, false, now + SILENCE_LIMIT)
    }

    /// Begins to connect; what is sent meanwhile waits.
    pub(crate) fn connect(
        &mut self,
        registry: &Registry,
        now: Mono,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> io::Result<u64> {
        if self.open.len() >= CONNECTIONS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let stream = TcpStream::connect(remote)?;
        self.insert(registry, stream, local, remote, true, now + CONNECT_LIMIT)
    }

    fn insert(
        &mut self,
        registry: &Registry,
        mut stream: TcpStream,
        local: SocketAddr,
        remote: SocketAddr,
        opening: bool,
        deadline: Mono,
    ) -> io::Result<u64> {
        let number = self.next;
        self.next += 1;
        let connection = (self.worker << 48) | (number & NUMBER_MASK);
        let interest = if opening {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        registry.register(&mut stream, token_of(connection), interest)?;
        // Messages leave whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let flow = Flow {
            transport: Transport::Tcp,
            local,
            remote,
            connection,
        };
        self.open.insert(
            connection,
            Connection {
                stream,
                flow,
                framer: TcpFramer::new(),
                out: VecDeque::new(),
                sent: 0,
                queued: 0,
                opening,
                watches_writing: opening,
                deadline: Some(deadline),
            },
        );
        self.by_remote.insert(remote, connection);
        self.check_at = Some(self.check_at.map_or(deadline, |at| at.min(deadline)));
        Ok(connection)
    }

    /// Sends or queues. `Err` says why the connection was given up; an unknown one counts as
    /// closed by the peer.
    pub(crate) fn send(
        &mut self,
        registry: &Registry,
        connection: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Closed> {
        let Some(open) = self.open.get_mut(&connection) else {
            return Err(Closed::ByPeer);
        };
        if open.queued + bytes.len() > OUTGOING {
            return Err(Closed::Blocked);
        }
        open.queued += bytes.len();
        open.out.push_back(bytes);
        if open.opening || open.out.len() > 1 {
            return Ok(());
        }
        open.write(registry)
    }

    /// The socket can be written: the connection is set up, or the peer reads again.
    pub(crate) fn writable(&mut self, registry: &Registry, connection: u64) -> Result<(), Closed> {
        let Some(open) = self.open.get_mut(&connection) else {
            return Ok(());
        };
        if open.opening {
            if matches!(open.stream.take_error(), Ok(Some(_)) | Err(_)) {
                return Err(Closed::NotOpened);
            }
            match open.stream.peer_addr() {
                Ok(_) => {
                    open.opening = false;
                    open.deadline = None;
                }
                // Not yet: another event will come.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(_) => return Err(Closed::NotOpened),
            }
        }
        open.write(registry)
    }

    /// Reads what is there, up to a share.
    pub(crate) fn readable(&mut self, registry: &Registry, now: Mono, connection: u64) -> Arrived {
        let mut result = Arrived::default();
        let Some(open) = self.open.get_mut(&connection) else {
            return result;
        };
        for _ in 0..READS {
            result.closed = open.take_messages(registry, &mut result.messages).err();
            if result.closed.is_some() || result.messages.len() >= MESSAGES {
                result.more = result.closed.is_none();
                break;
            }
            result.more = true;
            match open.stream.read(&mut self.buffer) {
                Ok(0) => result.closed = Some(Closed::ByPeer),
                Ok(n) => {
                    open.framer.push(&self.buffer[..n]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => result.closed = Some(Closed::ByPeer),
            }
            result.more = false;
            break;
        }
        open.expect(now, &mut self.check_at);
        result
    }

    /// Forgets a connection and gives its flow. A peer at fault gets a reset: its unread bytes
    /// would else stay in the kernel until it gives up.
    pub(crate) fn close(
        &mut self,
        registry: &Registry,
        connection: u64,
        why: Closed,
    ) -> Option<Flow> {
        let mut open = self.open.remove(&connection)?;
        if self.by_remote.get(&open.flow.remote) == Some(&connection) {
            self.by_remote.remove(&open.flow.remote);
        }
        // Both may fail when the peer was first; the descriptor is closed in any case.
        let _ = registry.deregister(&mut open.stream);
        if why != Closed::ByPeer {
            let _ = socket2::SockRef::from(&open.stream).set_linger(Some(Duration::ZERO));
        }
        Some(open.flow)
    }

    /// When [`Self::overdue`] has to look.
    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        self.check_at
    }

    /// Connections whose deadline has passed.
    pub(crate) fn overdue(&mut self, now: Mono) -> Vec<(u64, Closed)> {
        if self.check_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut late = Vec::new();
        self.check_at = None;
        for (connection, open) in &self.open {
            match open.deadline {
                Some(deadline) if deadline <= now => late.push((*connection, open.late())),
                Some(deadline) => {
                    let at = self.check_at.map_or(deadline, |at| at.min(deadline));
                    self.check_at = Some(at);
                }
                None => {}
            }
        }
        late
    }
}

impl Connection {
    fn late(&self) -> Closed {
        if self.opening {
            Closed::NotOpened
        } else {
            Closed::Unfit
        }
    }

    /// Moves whole messages out of the framer.
    fn take_messages(
        &mut self,
        registry: &Registry,
        into: &mut Vec<Vec<u8>>,
    ) -> Result<(), Closed> {
        while into.len() < MESSAGES {
            match self.framer.next() {
                Ok(Some(message)) => {
                    self.deadline = None;
                    into.push(message);
                }
                Ok(None) => break,
                Err(_) => return Err(Closed::Unfit),
            }
        }
        // A peer that does not read gets no answers to its pings either.
        if self.framer.take_pings() > 0 && self.out.is_empty() {
            self.queued += 2;
            self.out.push_back(b"\r\n".to_vec());
            return self.write(registry);
        }
        Ok(())
    }

    /// A message that has begun must be whole in time, or anybody could fill the memory with halves.
    fn expect(&mut self, now: Mono, check_at: &mut Option<Mono>) {
        if self.framer.buffered() > 0 && self.deadline.is_none() {
            let deadline = now + SILENCE_LIMIT;
            self.deadline = Some(deadline);
            *check_at = Some(check_at.map_or(deadline, |at| at.min(deadline)));
        }
    }

    fn write(&mut self, registry: &Registry) -> Result<(), Closed> {
        while let Some(front) = self.out.front() {
            match self.stream.write(&front[self.sent..]) {
                Ok(n) => {
                    self.sent += n;
                    if self.sent == front.len() {
                        self.queued -= front.len();
                        self.sent = 0;
                        self.out.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.watch_writing(registry, true);
                }
                Err(_) => return Err(Closed::ByPeer),
            }
        }
        self.watch_writing(registry, false)
    }

    fn watch_writing(&mut self, registry: &Registry, wanted: bool) -> Result<(), Closed> {
        if self.watches_writing == wanted {
            return Ok(());
        }
        self.watches_writing = wanted;
        let interest = if wanted {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        let token = token_of(self.flow.connection);
        let asked = registry.reregister(&mut self.stream, token, interest);
        asked.map_err(|_| Closed::ByPeer)
    }
}

fn token_of(connection: u64) -> Token {
    Token(FIRST_TOKEN + usize::try_from(connection & NUMBER_MASK).unwrap_or(0))
}
