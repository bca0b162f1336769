//! Requests that are too large for a datagram go by TCP (RFC 3261 §18.1.1), to trunks that do not
//! refuse it.
//!
//! ```text
//!   request of more than 1300 bytes for UDP
//!     ├─ trunk is UDP only, or we do not listen on TCP, or it would not connect lately ─► UDP
//!     └─► TCP, Via says so ──┬─ connection refused, late ─► UDP, for ten minutes
//!                            └─ sent: what the transaction's timers send again is dropped, for
//!                               the stream repeats what was lost by itself
//! ```
//!
//! The transaction goes on as one over UDP: its timers are longer, and nothing else differs.

use crate::udp::Outgoing;
use meishier_engine::config::{Config, To, Transport};
use meishier_engine::signaling::Flow;
use meishier_engine::signaling::via::by_tcp;
use meishier_model::Mono;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// Largest request that goes as a datagram, bytes, as long as nobody knows the path's MTU.
const LARGEST: usize = 1300;
/// Requests remembered to be told from what is sent again; then the oldest is forgotten.
const REMEMBERED: usize = 256;
/// How long a transaction may send a request again: 64·T1 at the largest T1.
const AGAIN: Duration = Duration::from_secs(320);
/// How long a peer that does not take TCP is not asked again.
const REFUSED: Duration = Duration::from_secs(600);
/// Peers remembered that do not take TCP; each is one of a trunk's.
const PEERS: usize = 4096;

struct Sent {
    outgoing: Outgoing,
    at: Mono,
}

/// The addresses that a configuration itself names of trunks that are not UDP only.
pub(crate) fn peers_of(config: &Config) -> Vec<SocketAddr> {
    let trunks = config.trunks.iter();
    let open = trunks.filter(|it| it.transport == Transport::Udp && !it.udp_only);
    open.flat_map(|trunk| {
        let to = trunk.to.iter().filter(|it| it.transport.is_none());
        let peers = trunk.peers.iter().copied();
        peers.chain(to.filter_map(To::address))
    })
    .collect()
}

/// What is to be done with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Send it as it is.
    Datagram,
    /// Send this on a stream instead.
    Stream(Vec<u8>),
    /// It is on a stream already.
    Nothing,
}

/// One worker's large requests.
#[derive(Default)]
pub(crate) struct Large {
    /// Addresses of trunks that are not UDP only; port 0 for any.
    trunks: Vec<SocketAddr>,
    sent: VecDeque<Sent>,
    /// Until when each gets datagrams, however large.
    refused: HashMap<SocketAddr, Mono>,
}

impl Large {
    /// Takes other addresses of trunks that are not UDP only; port 0 for any.
    pub(crate) fn follow(&mut self, trunks: Vec<SocketAddr>) {
        self.trunks = trunks;
    }

    /// Decides about a datagram to be sent; `local` is what Via says of our TCP.
    pub(crate) fn way(&mut self, now: Mono, outgoing: &Outgoing, local: Option<SocketAddr>) -> Way {
        let Outgoing { flow, bytes, .. } = outgoing;
        if bytes.len() <= LARGEST || bytes.starts_with(b"SIP/2.0 ") {
            return Way::Datagram;
        }
        while self.sent.front().is_some_and(|it| it.at + AGAIN <= now) {
            self.sent.pop_front();
        }
        let mut sent = self.sent.iter();
        if sent.any(|it| it.outgoing.flow == *flow && it.outgoing.bytes == *bytes) {
            return Way::Nothing;
        }
        let local = local.filter(|local| local.is_ipv4() == flow.remote.is_ipv4());
        let changed = local.filter(|_| self.takes_tcp(now, flow.remote));
        match changed.and_then(|local| by_tcp(bytes, local)) {
            Some(changed) => Way::Stream(changed),
            None => Way::Datagram,
        }
    }

    fn takes_tcp(&self, now: Mono, remote: SocketAddr) -> bool {
        let is_remote =
            |it: &SocketAddr| it.ip() == remote.ip() && [0, remote.port()].contains(&it.port());
        let refused = self.refused.get(&remote).is_some_and(|until| *until > now);
        !refused && self.trunks.iter().any(is_remote)
    }

    /// A request is on its way by a stream.
    pub(crate) fn sent(&mut self, now: Mono, outgoing: Outgoing) {
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { outgoing, at: now });
    }

    /// The peer cannot be reached by TCP: gives what is to be sent as datagrams after all.
    pub(crate) fn refused(&mut self, now: Mono, remote: SocketAddr) -> Vec<Outgoing> {
        if self.refused.len() >= PEERS {
            self.refused.retain(|_, until| *until > now);
        }
        if self.refused.len() < PEERS {
            self.refused.insert(remote, now + REFUSED);
        }
        self.forget(remote)
    }

    /// A connection to the peer has ended: what is sent again is to go by another one.
    pub(crate) fn forget(&mut self, remote: SocketAddr) -> Vec<Outgoing> {
        let all = std::mem::take(&mut self.sent).into_iter();
        let (gone, kept): (Vec<_>, _) = all.partition(|it| it.outgoing.flow.remote == remote);
        self.sent = VecDeque::from(kept);
        gone.into_iter().map(|it| it.outgoing).collect()
    }
}

/// The same flow by TCP.
pub(crate) fn by_stream(flow: Flow, local: SocketAddr, connection: u64) -> Flow {
    Flow {
        transport: meishier_engine::signaling::Transport::Tcp,
        local,
        connection,
        ..flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meishier_engine::signaling::Transport;
    use meishier_model::ShardId;

    fn request(remote: &str, length: usize) -> Outgoing {
        let head = "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\nX: ";
        let mut bytes = head.as_bytes().to_vec();
        bytes.resize(length, b'x');
        Outgoing {
            from: ShardId(0),
            flow: Flow {
                transport: Transport::Udp,
                local: "10.0.0.1:5060".parse().unwrap(),
                remote: remote.parse().unwrap(),
                connection: 0,
            },
            bytes,
        }
    }

    fn large() -> (Large, Option<SocketAddr>) {
        let large = Large {
            trunks: vec![
                "10.0.0.2:0".parse().unwrap(),
                "10.0.0.3:5060".parse().unwrap(),
            ],
            ..Large::default()
        };
        (large, Some("10.0.0.1:5070".parse().unwrap()))
    }

    #[test]
    fn only_large_requests_to_trunks_that_take_tcp_change() {
        let (mut large, local) = large();
        let mut way = |outgoing: &Outgoing, local| large.way(Mono(1), outgoing, local);
        let changes = |way: Way| match way {
            Way::Stream(bytes) => {
                let text = String::from_utf8(bytes).unwrap();
                assert!(
                    text.contains("Via: SIP/2.0/TCP 10.0.0.1:5070;branch="),
                    "{text}"
                );
                true
            }
            other => {
                assert_eq!(other, Way::Datagram);
                false
            }
        };
        assert!(!changes(way(&request("10.0.0.2:9", 1300), local)));
        assert!(changes(way(&request("10.0.0.2:9", 1301), local)));
        assert!(changes(way(&request("10.0.0.3:5060", 1301), local)));
        assert!(!changes(way(&request("10.0.0.3:5061", 1301), local)));
        assert!(!changes(way(&request("10.0.0.4:5060", 1301), local)));
        assert!(!changes(way(&request("10.0.0.2:9", 1301), None)));
        let other_family = Some("[::1]:5070".parse().unwrap());
        assert!(!changes(way(&request("10.0.0.2:9", 1301), other_family)));
        let mut response = request("10.0.0.2:9", 1400);
        response
            .bytes
            .splice(.., b"SIP/2.0 200 OK".iter().chain(&[b'x'; 1400]).copied());
        assert!(!changes(way(&response, local)));
    }

    #[test]
    fn what_is_on_a_stream_is_not_sent_again_until_the_stream_ends() {
        let (mut large, local) = large();
        let one = || request("10.0.0.2:9", 1400);
        assert!(matches!(large.way(Mono(1), &one(), local), Way::Stream(_)));
        large.sent(Mono(1), one());
        assert_eq!(large.way(Mono(2), &one(), local), Way::Nothing);
        let another = request("10.0.0.2:9", 1401);
        assert!(matches!(
            large.way(Mono(2), &another, local),
            Way::Stream(_)
        ));
        assert!(large.forget("10.0.0.3:5060".parse().unwrap()).is_empty());
        assert_eq!(large.forget(one().flow.remote).len(), 1);
        assert!(matches!(large.way(Mono(3), &one(), local), Way::Stream(_)));
    }

    #[test]
    fn who_refuses_tcp_gets_datagrams_for_ten_minutes() {
        let (mut large, local) = large();
        let one = || request("10.0.0.2:9", 1400);
        large.sent(Mono(1), one());
        let back = large.refused(Mono(1), one().flow.remote);
        assert_eq!(back.len(), 1);
        assert_eq!(large.way(Mono(2), &one(), local), Way::Datagram);
        let later = Mono(1) + REFUSED;
        assert!(matches!(large.way(later, &one(), local), Way::Stream(_)));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (mut large, _) = large();
        for number in 0..REMEMBERED + 10 {
            large.sent(Mono(1), request("10.0.0.2:9", 1400 + number));
        }
        assert_eq!(large.sent.len(), REMEMBERED);
    }
}
