//! One worker's SIP socket on one UDP address.

use crate::stats::SocketCounts;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

/// Datagrams that may wait for the socket to take them; then the oldest is dropped.
const BACKLOG: usize = 1024;

/// A socket and what it would not take yet.
pub(crate) struct UdpSip {
    socket: UdpSocket,
    token: Token,
    /// What Via and Contact say, and the `local` of its flows.
    pub local: SocketAddr,
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
            backlog: VecDeque::new(),
        })
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer)
    }

    /// Sends, or keeps for later if the socket is full.
    ///
    /// # Errors
    /// What the system says when it will never send this (no route, message too long).
    pub(crate) fn send(
        &mut self,
        registry: &Registry,
        remote: SocketAddr,
        bytes: Vec<u8>,
        counts: &mut SocketCounts,
    ) -> io::Result<()> {
        if self.backlog.is_empty() {
            match self.socket.send_to(&bytes, remote) {
                Ok(_) => {
                    counts.udp_sent += 1;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let both = Interest::READABLE | Interest::WRITABLE;
                    registry.reregister(&mut self.socket, self.token, both)?;
                }
                Err(error) => return Err(error),
            }
        } else if self.backlog.len() >= BACKLOG {
            self.backlog.pop_front();
            counts.udp_backlog_dropped += 1;
        }
        self.backlog.push_back((remote, bytes));
        Ok(())
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
