//! One worker's SIP connections over TCP and TLS (RFC 3261 §18).
//!
//! ```text
//!   connect ─► Opening ──writable──┬─ plain ─► Open ──┬─ peer closed, garbage, error ─► closed
//!   accept / adopt ────────────────┤            ▲     └─ outgoing queue full ─────────► closed
//!                                  └─ TLS ─► Handshaking ── 5 s, failed, crowded out ─► closed
//!              Opening ── 5 s, refused ───────────────────────────────────────────────► closed
//!   a stranger's ── silent too long, or its place is wanted (`room.rs`) ─────────────► closed
//! ```
//!
//! Closed means that shards which may use the flow hear that it failed.
//!
//! A connection's number names its worker in the upper 16 bits, so that any worker can find the
//! owner. A peer that does not read fills only its own queue, and is then closed.

mod stay;

use crate::connection::{Connection, FIRST_TOKEN, MESSAGES, NUMBER_MASK, SILENCE_LIMIT, token_of};
use crate::known::Known;
use crate::room::{IDLE_LIMIT, Limits, Room, Standing};
use crate::stats::TlsFailure;
use crate::tls::Session;
use meishier_engine::signaling::framing::TcpFramer;
use meishier_engine::signaling::{Flow, Transport};
use meishier_model::Mono;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Connections of one worker. Strangers of one address may be as many as the telephones behind one
/// router that begin to register at the same moment; peers of one more than any trunk
/// or telephone has use for.
pub(crate) const LIMITS: Limits = Limits {
    all: 4096,
    kept: 512,
    source: 256,
    peers: 512,
};
/// After how long without a byte the system asks a peer whether it is still there, and how often it
/// asks then: a peer that lost its power would else hold its connection for ever.
const PROBE_AFTER: Duration = Duration::from_secs(120);
const PROBE_EVERY: Duration = Duration::from_secs(20);
/// Bytes that may wait for a peer to read them.
const OUTGOING: usize = 256 << 10;
/// Bytes that may wait for all peers of one worker; beyond them each may only have a little waiting,
/// so that many who do not read cannot take the memory, nor the others' share.
const OUTGOING_TOGETHER: usize = 64 << 20;
/// Bytes that may wait for a peer while too many wait for all.
const OUTGOING_IN_NEED: usize = 16 << 10;
/// How long a connection of ours may take to be set up.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Most TLS handshakes of peers that one worker has under way; beyond them the oldest has to go, so
/// that a flood of them must outrun an honest one.
pub(crate) const HANDSHAKES: usize = 512;
/// Steps of handshakes in one round of the worker: each may cost a millisecond of arithmetic, and
/// whoever talks already is not to wait for more of them.
pub(crate) const STEPS: usize = 16;
/// Reads of one readiness event before others get their turn.
const READS: usize = 16;

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
    /// A stranger that had said nothing for long.
    Idle,
    /// A stranger whose place was wanted.
    Crowded,
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
    /// Its certificate is that of somebody else than who is at home at its address.
    pub foreign: bool,
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

/// The connections of one worker.
pub(crate) struct Connections {
    worker: u64,
    next: u64,
    open: HashMap<u64, Connection>,
    /// The newest connection to an address, for requests that ask for "any" (RFC 3261 §18.1.1). Of
    /// TLS only our own, on which the peer has shown who it is.
    by_remote: HashMap<(Transport, SocketAddr), u64>,
    /// TLS handshakes that peers began: those of strangers first, then the oldest, which has the
    /// smallest number.
    handshakes: BTreeSet<(bool, u64)>,
    /// Who may stay.
    room: Room,
    known: Known,
    /// Steps of handshakes that are left in this round.
    steps: usize,
    /// Bytes that wait for all peers together.
    queued: usize,
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
            room: Room::new(LIMITS),
            known: Known::default(),
            steps: STEPS,
            queued: 0,
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
        self.open.get(&key(connection)).map(|c| c.flow)
    }

    /// The open connection to `remote`, if there is one.
    pub(crate) fn to(&self, transport: Transport, remote: SocketAddr) -> Option<u64> {
        self.by_remote.get(&(transport, remote)).copied()
    }

    /// Another round of the worker.
    pub(crate) fn begin_round(&mut self) {
        self.steps = STEPS;
    }

    /// A handshake that has to make room for newer ones.
    pub(crate) fn crowded_out(&self) -> Option<u64> {
        let crowded = self.handshakes.len() > HANDSHAKES;
        let first = self.handshakes.first().filter(|_| crowded);
        first.map(|(_, connection)| *connection)
    }

    /// Takes over an accepted connection.
    pub(crate) fn adopt(
        &mut self,
        registry: &Registry,
        now: Mono,
        beginning: Beginning,
    ) -> io::Result<u64> {
        let standing = self.standing(beginning.remote);
        let limit = match (&beginning.session, standing) {
            (Some(_), _) => Some(HANDSHAKE_LIMIT),
            (None, Standing::Stranger) => Some(SILENCE_LIMIT),
            (None, _) => None,
        };
        let deadline = limit.map(|limit| now + limit);
        self.insert(registry, now, beginning, standing, deadline)
    }

    /// Begins to connect; what is sent meanwhile waits. Given are what Via says of us, the peer, and the
    /// address from which to connect if it matters.
    pub(crate) fn connect(
        &mut self,
        registry: &Registry,
        now: Mono,
        (local, remote, from): (SocketAddr, SocketAddr, Option<IpAddr>),
        session: Option<Box<Session>>,
    ) -> io::Result<u64> {
        let beginning = Beginning {
            stream: begin_to_connect(remote, from, self.dscp)?,
            local,
            remote,
            session,
        };
        let deadline = Some(now + CONNECT_LIMIT);
        self.insert(registry, now, beginning, Standing::Ours, deadline)
    }

    fn insert(
        &mut self,
        registry: &Registry,
        now: Mono,
        beginning: Beginning,
        standing: Standing,
        deadline: Option<Mono>,
    ) -> io::Result<u64> {
        let Beginning {
            mut stream,
            local,
            remote,
            session,
        } = beginning;
        let opening = standing == Standing::Ours;
        let known = standing != Standing::Stranger;
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
        let probes = TcpKeepalive::new().with_time(PROBE_AFTER);
        // A system that has none leaves it to SIP's own.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&probes.with_interval(PROBE_EVERY));
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
                deadline,
                idle_at: None,
                known,
            },
        );
        if opening || !handshaking {
            self.by_remote.insert((transport, remote), connection);
        } else {
            self.handshakes.insert((known, connection));
        }
        self.room.enter(now, connection, remote.ip(), standing);
        deadline.into_iter().for_each(|at| self.check_by(at));
        if !known {
            self.watch_idle(connection, now + IDLE_LIMIT);
        }
        Ok(connection)
    }

    /// Sends or queues. `Err` says why the connection was given up; an unknown one counts as
    /// closed by the peer.
    pub(crate) fn send(
        &mut self,
        registry: &Registry,
        now: Mono,
        connection: u64,
        bytes: Vec<u8>,
    ) -> Result<(), Closed> {
        let Some(open) = self.open.get_mut(&key(connection)) else {
            return Err(Closed::ByPeer);
        };
        if open.queued + bytes.len() > allowed(self.queued) {
            return Err(Closed::Blocked);
        }
        self.room.told(now, key(connection));
        let before = open.queued;
        open.queued += bytes.len();
        open.out.push_back(bytes);
        let written = match open.opening || open.handshaking || open.out.len() > 1 {
            true => Ok(()),
            false => open.write(registry),
        };
        let now = open.queued;
        self.queued = self.queued + now - before;
        written
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
        let before = open.queued;
        let written = open.write(registry);
        self.queued = self.queued + open.queued - before;
        written
    }

    /// Reads what is there, up to a share.
    pub(crate) fn readable(&mut self, registry: &Registry, now: Mono, connection: u64) -> Arrived {
        let mut result = Arrived::default();
        let Some(open) = self.open.get_mut(&connection) else {
            return result;
        };
        if open.handshaking && self.steps == 0 {
            result.more = true;
            return result;
        }
        self.steps -= usize::from(open.handshaking);
        let before = open.queued;
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
        let spoke = !result.messages.is_empty();
        result.secured = open.finish_handshake(now, spoke, &mut self.check_at);
        if result.secured {
            self.handshakes.remove(&(open.known, connection));
        }
        if spoke {
            self.room.spoke(now, connection);
        }
        if open.session.as_ref().is_some_and(|it| it.wants_write()) || result.secured {
            let written = open.write(registry);
            result.closed = result.closed.or(written.err());
        }
        open.expect(now, &mut self.check_at);
        self.queued = self.queued + open.queued - before;
        result.foreign = result.secured && self.unmask(now, connection);
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
        let connection = key(connection);
        let mut open = self.open.remove(&connection)?;
        self.room.leave(connection);
        self.queued -= open.queued;
        let to = (open.flow.transport, open.flow.remote);
        if self.by_remote.get(&to) == Some(&connection) {
            self.by_remote.remove(&to);
        }
        self.handshakes.remove(&(open.known, connection));
        // Both may fail when the peer was first; the descriptor is closed in any case.
        let _ = registry.deregister(&mut open.stream);
        let readable = match why {
            Closed::Tls(TlsFailure::Late | TlsFailure::Crowded) => false,
            Closed::ByPeer | Closed::Tls(_) | Closed::Idle => true,
            Closed::Crowded | Closed::Blocked | Closed::Unfit | Closed::NotOpened => false,
        };
        if !readable {
            let _ = SockRef::from(&open.stream).set_linger(Some(Duration::ZERO));
        }
        (open.ours || !open.handshaking).then_some(open.flow)
    }
}

/// The number without what is said of its peer.
fn key(connection: u64) -> u64 {
    connection & !Flow::FOREIGN
}

/// Bytes that may wait for one peer while `together` wait for all.
fn allowed(together: usize) -> usize {
    match together < OUTGOING_TOGETHER {
        true => OUTGOING,
        false => OUTGOING_IN_NEED,
    }
}

/// A socket on its way to `remote`; it can be written to once it is there.
fn begin_to_connect(remote: SocketAddr, from: Option<IpAddr>, dscp: u8) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(remote),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    crate::bind::mark(&socket, remote, dscp);
    if let Some(from) = from.filter(|from| from.is_ipv4() == remote.is_ipv4()) {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&remote.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

#[cfg(test)]
mod tests;
