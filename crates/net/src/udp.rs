//! One worker's SIP socket on one UDP address.

use crate::stats::SocketCounts;
use meishier_engine::signaling::Flow;
use meishier_model::ShardId;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use std::array::from_fn;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// Datagrams that may wait for the socket to take them; then the oldest is dropped.
const BACKLOG: usize = 1024;

/// Datagrams handed to the system at once; one input of a shard rarely leads to more than three.
const BATCH: usize = 8;

/// A datagram that a shard wants sent.
pub(crate) struct Outgoing {
    pub from: ShardId,
    pub flow: Flow,
    pub bytes: Vec<u8>,
}

/// A socket, what is to be sent next and what it would not take yet.
///
/// What one input leads to is sent by one system call: with a call for each datagram the receiver
/// of the first one, once awake, takes the processor from the thread that still has to send the
/// others.
pub(crate) struct UdpSip {
    socket: UdpSocket,
    token: Token,
    /// What Via and Contact say, and the `local` of its flows.
    pub local: SocketAddr,
    next: Vec<Outgoing>,
    backlog: VecDeque<(SocketAddr, Vec<u8>)>,
}

impl UdpSip {
    /// Registers the socket for reading. Writing is asked for only while the backlog holds
    /// something: every datagram sent would else wake the thread once more.
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        local: SocketAddr,
        token: Token,
        registry: &Registry,
    ) -> io::Result<Self> {
        let mut socket = UdpSocket::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self {
            socket,
            token,
            local,
            next: Vec::with_capacity(BATCH),
            backlog: VecDeque::new(),
        })
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer)
    }

    /// Sends a datagram of which nothing depends: a socket that is full loses it.
    pub(crate) fn send_now(&self, bytes: &[u8], to: SocketAddr) {
        let _ = self.socket.send_to(bytes, to);
    }

    /// Takes a datagram for the next [`Self::send`].
    pub(crate) fn push(&mut self, outgoing: Outgoing) {
        self.next.push(outgoing);
    }

    /// Sends what was pushed, in order, or keeps it for later if the socket is full. Gives back
    /// what the system will never send (no route, message too long), with its reason.
    pub(crate) fn send(
        &mut self,
        registry: &Registry,
        counts: &mut SocketCounts,
    ) -> Vec<(Outgoing, io::Error)> {
        let mut refused = Vec::new();
        let mut sent = 0;
        while self.backlog.is_empty() && sent < self.next.len() {
            match self.send_some(&self.next[sent..]) {
                Ok(more) => {
                    sent += more;
                    counts.udp_sent += more as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let both = Interest::READABLE | Interest::WRITABLE;
                    if let Err(error) = registry.reregister(&mut self.socket, self.token, both) {
                        refused.push((self.next.remove(sent), error));
                    }
                    break;
                }
                // It stands for the first one of those that were given.
                Err(error) => refused.push((self.next.remove(sent), error)),
            }
        }
        for outgoing in self.next.drain(..).skip(sent) {
            if self.backlog.len() >= BACKLOG {
                self.backlog.pop_front();
                counts.udp_backlog_dropped += 1;
            }
            self.backlog
                .push_back((outgoing.flow.remote, outgoing.bytes));
        }
        refused
    }

    /// Sends the first of these, at least one; how many.
    fn send_some(&self, list: &[Outgoing]) -> io::Result<usize> {
        let list = &list[..list.len().min(BATCH)];
        let (Some(last), true) = (list.last(), list.len() > 1) else {
            let Some(one) = list.first() else {
                return Ok(0);
            };
            return self.socket.send_to(&one.bytes, one.flow.remote).map(|_| 1);
        };
        let at = |n: usize| list.get(n).unwrap_or(last);
        let remotes: [_; BATCH] = from_fn(|n| SocketAddrAny::from(at(n).flow.remote));
        let slices: [_; BATCH] = from_fn(|n| [IoSlice::new(&at(n).bytes)]);
        let mut controls: [_; BATCH] = from_fn(|_| SendAncillaryBuffer::default());
        let parts = remotes.iter().zip(&slices).zip(&mut controls);
        let mut headers: Vec<MMsgHdr<'_>> = parts
            .take(list.len())
            .map(|((remote, slice), control)| MMsgHdr::new_with_addr(remote, slice, control))
            .collect();
        Ok(sendmmsg(&self.socket, &mut headers, SendFlags::empty())?)
    }

    /// The socket takes datagrams again.
    pub(crate) fn flush(&mut self, registry: &Registry, counts: &mut SocketCounts) {
        while let Some((remote, bytes)) = self.backlog.front() {
            match self.socket.send_to(bytes, *remote) {
                Ok(_) => counts.udp_sent += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The transaction's timers deal with a datagram that was lost this late.
                Err(_) => counts.udp_send_failed += 1,
            }
            self.backlog.pop_front();
        }
        let asked = registry.reregister(&mut self.socket, self.token, Interest::READABLE);
        if let Err(error) = asked {
            tracing::error!(%error, "a SIP socket could not be watched");
        }
    }

    /// True if the datagram only keeps a path open: line ends (RFC 3261 §7.5, RFC 5626 §3.5.1) or
    /// bytes of zero, as some gateways send.
    pub(crate) fn is_keepalive(bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
    }
}
