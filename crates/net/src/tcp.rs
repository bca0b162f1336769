//! One worker's SIP connections over TCP and TLS (RFC 3261 §18).
//!
//! ```text
//!   connect ─► Opening ──writable──┬─ plain ─► Open ──┬─ peer closed, garbage, error ─► closed
//!   accept / adopt ────────────────┤            ▲     └─ outgoing queue full ─────────► closed
//!                                  └─ TLS ─► Handshaking ── 5 s, failed, crowded out ─► closed
//!              Opening ── 5 s, refused ───────────────────────────────────────────────► closed
//! ```
//!
//! Closed means that shards which may use the flow hear that it failed.
//!
//! A connection's number names its worker in the upper 16 bits, so that any worker can find the
//! owner. A peer that does not read fills only its own queue, and is then closed.

use crate::stats::TlsFailure;
use crate::tls::Session;
use meishier_engine::signaling::framing::TcpFramer;
use meishier_engine::signaling::{Flow, Transport};
use meishier_model::Mono;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Most connections of one worker.
pub(crate) const CONNECTIONS: usize = 4096;
/// Bytes that may wait for a peer to read them.
const OUTGOING: usize = 256 << 10;
/// How long a connection of ours may take to be set up.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Most TLS handshakes of peers that one worker has under way; beyond them the oldest has to go, so
/// that a flood of them must outrun an honest one.
pub(crate) const HANDSHAKES: usize = 256;
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
    /// TLS came to nothing.
    Tls(TlsFailure),
}

/// What came out of a readiness event.
#[derive(Default)]
pub(crate) struct Arrived {
    pub messages: Vec<Vec<u8>>,
    /// More may be there: come back without waiting for another event.
    pub more: bool,
    pub closed: Option<Closed>,
    /// Its TLS handshake is done.
    pub secured: bool,
}

/// What a connection begins with.
pub(crate) struct Beginning {
    pub stream: TcpStream,
    /// What Via and Contact say.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// Its TLS; plain TCP without.
    pub session: Option<Box<Session>>,
}

struct Connection {
    stream: TcpStream,
    session: Option<Box<Session>>,
    /// TLS is not finished; nothing of SIP has come or gone.
    handshaking: bool,
    /// We asked for it, the peer did not.
    ours: bool,
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
    /// The newest connection to an address, for requests that ask for "any" (RFC 3261 §18.1.1). Of
    /// TLS only our own, on which the peer has shown who it is.
    by_remote: HashMap<(Transport, SocketAddr), u64>,
    /// TLS handshakes that peers began; the oldest has the smallest number.
    handshakes: BTreeSet<u64>,
    /// Code point of packets on connections of ours.
    dscp: u8,
    /// No deadline lies before this moment.
    check_at: Option<Mono>,
    buffer: Vec<u8>,
}

impl Connections {
    pub(crate) fn new(worker: usize, dscp: u8) -> Self {
        Self {
            worker: worker as u64,
            next: 1,
            open: HashMap::new(),
            by_remote: HashMap::new(),
            handshakes: BTreeSet::new(),
            dscp,
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
    pub(crate) fn to(&self, transport: Transport, remote: SocketAddr) -> Option<u64> {
        self.by_remote.get(&(transport, remote)).copied()
    }

    /// A handshake that has to make room for newer ones.
    pub(crate) fn crowded_out(&self) -> Option<u64> {
        let crowded = self.handshakes.len() > HANDSHAKES;
        self.handshakes.first().copied().filter(|_| crowded)
    }

    /// Takes over an accepted connection.
    pub(crate) fn adopt(
        &mut self,
        registry: &Registry,
        now: Mono,
        beginning: Beginning,
    ) -> io::Result<u64> {
        let limit = match beginning.session {
            Some(_) => HANDSHAKE_LIMIT,
            None => SILENCE_LIMIT,
        };
        self.insert(registry, beginning, false, now + limit)
    }

    /// Begins to connect; what is sent meanwhile waits.
    pub(crate) fn connect(
        &mut self,
        registry: &Registry,
        now: Mono,
        local: SocketAddr,
        remote: SocketAddr,
        session: Option<Box<Session>>,
    ) -> io::Result<u64> {
        if self.open.len() >= CONNECTIONS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let beginning = Beginning {
            stream: begin_to_connect(remote, self.dscp)?,
            local,
            remote,
            session,
        };
        self.insert(registry, beginning, true, now + CONNECT_LIMIT)
    }

    fn insert(
        &mut self,
        registry: &Registry,
        beginning: Beginning,
        opening: bool,
        deadline: Mono,
    ) -> io::Result<u64> {
        let Beginning {
            mut stream,
            local,
            remote,
            session,
        } = beginning;
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
        let handshaking = session.is_some();
        let transport = match handshaking {
            true => Transport::Tls,
            false => Transport::Tcp,
        };
        let flow = Flow {
            transport,
            local,
            remote,
            connection,
        };
        self.open.insert(
            connection,
            Connection {
                stream,
                session,
                handshaking,
                ours: opening,
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
        if opening || !handshaking {
            self.by_remote.insert((transport, remote), connection);
        } else {
            self.handshakes.insert(connection);
        }
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
        if open.opening || open.handshaking || open.out.len() > 1 {
            return Ok(());
        }
        open.write(registry)
    }

    /// The socket can be written: the connection is set up, or the peer reads again.
    pub(crate) fn writable(
        &mut self,
        registry: &Registry,
        now: Mono,
        connection: u64,
    ) -> Result<(), Closed> {
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
                    open.deadline = open.handshaking.then_some(now + HANDSHAKE_LIMIT);
                    if let Some(deadline) = open.deadline {
                        self.check_at = Some(self.check_at.map_or(deadline, |at| at.min(deadline)));
                    }
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
            match open.read_some(&mut self.buffer) {
                Ok(0) => result.closed = Some(Closed::ByPeer),
                Ok(n) => {
                    open.framer.push(&self.buffer[..n]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => result.closed = Some(open.why()),
            }
            result.more = false;
            break;
        }
        result.secured = open.finish_handshake(now, &mut self.check_at);
        if result.secured {
            self.handshakes.remove(&connection);
        }
        if open.session.as_ref().is_some_and(|it| it.wants_write()) || result.secured {
            let written = open.write(registry);
            result.closed = result.closed.or(written.err());
        }
        open.expect(now, &mut self.check_at);
        result
    }

    /// Forgets a connection; gives its flow if a shard may know of it. A peer at fault gets a reset:
    /// its unread bytes would else stay in the kernel until it gives up. One at fault in TLS is to
    /// read why.
    pub(crate) fn close(
        &mut self,
        registry: &Registry,
        connection: u64,
        why: Closed,
    ) -> Option<Flow> {
        let mut open = self.open.remove(&connection)?;
        let to = (open.flow.transport, open.flow.remote);
        if self.by_remote.get(&to) == Some(&connection) {
            self.by_remote.remove(&to);
        }
        self.handshakes.remove(&connection);
        // Both may fail when the peer was first; the descriptor is closed in any case.
        let _ = registry.deregister(&mut open.stream);
        let readable = match why {
            Closed::Tls(TlsFailure::Late | TlsFailure::Crowded) => false,
            Closed::ByPeer | Closed::Tls(_) => true,
            Closed::Blocked | Closed::Unfit | Closed::NotOpened => false,
        };
        if !readable {
            let _ = socket2::SockRef::from(&open.stream).set_linger(Some(Duration::ZERO));
        }
        (open.ours || !open.handshaking).then_some(open.flow)
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
        } else if self.handshaking {
            Closed::Tls(TlsFailure::Late)
        } else {
            Closed::Unfit
        }
    }

    /// Why reading failed.
    fn why(&self) -> Closed {
        let failure = self.session.as_ref().and_then(|it| it.failure());
        failure.map_or(Closed::ByPeer, Closed::Tls)
    }

    /// Reads plain bytes.
    fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.session {
            Some(session) => session.read(&mut self.stream, into),
            None => self.stream.read(into),
        }
    }

    /// True if TLS has been finished since the last call. Who connected to us has to say something
    /// whole before long.
    fn finish_handshake(&mut self, now: Mono, check_at: &mut Option<Mono>) -> bool {
        let done = self.handshaking && self.session.as_ref().is_none_or(|it| !it.is_handshaking());
        if done {
            self.handshaking = false;
            self.deadline = (!self.ours).then_some(now + SILENCE_LIMIT);
            if let Some(deadline) = self.deadline {
                *check_at = Some(check_at.map_or(deadline, |at| at.min(deadline)));
            }
        }
        done
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

    /// Hands one piece over, or, on TLS, what came of the pieces before it; false if there is none.
    fn write_some(&mut self) -> io::Result<bool> {
        if let Some(session) = &mut self.session {
            session.flush(&mut self.stream)?;
        }
        if self.handshaking {
            return Ok(false);
        }
        let Some(front) = self.out.front() else {
            return Ok(false);
        };
        let rest = front.get(self.sent..).unwrap_or(&[]);
        self.sent += match &mut self.session {
            Some(session) => session.push(rest)?,
            None => self.stream.write(rest)?,
        };
        if self.sent >= front.len() {
            self.queued -= front.len();
            self.sent = 0;
            self.out.pop_front();
        }
        Ok(true)
    }

    fn write(&mut self, registry: &Registry) -> Result<(), Closed> {
        loop {
            match self.write_some() {
                Ok(true) => {}
                Ok(false) => return self.watch_writing(registry, false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.watch_writing(registry, true);
                }
                Err(_) => return Err(Closed::ByPeer),
            }
        }
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

/// A socket on its way to `remote`; it can be written to once it is there.
fn begin_to_connect(remote: SocketAddr, dscp: u8) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(remote),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    crate::bind::mark(&socket, remote, dscp);
    match socket.connect(&remote.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

fn token_of(connection: u64) -> Token {
    Token(FIRST_TOKEN + usize::try_from(connection & NUMBER_MASK).unwrap_or(0))
}
