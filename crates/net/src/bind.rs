//! Binding every socket at start, and finding out what others should be told about it.

use crate::StartError;
use crate::topology::Topology;
use meishier_engine::config::{self, Config, Listen, Rtp};
use meishier_engine::signaling::Transport;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// Wished size of a SIP socket's buffers, bytes; the system may give less.
const SIP_BUFFER: usize = 4 << 20;
/// Wished size of an RTP socket's receive buffer, bytes: about a second of packets.
const RTP_BUFFER: usize = 64 << 10;
/// Descriptors that RTP leaves to TCP connections, HTTP, records and threads.
const DESCRIPTORS_KEPT: usize = 512;
/// Descriptors that HTTP (512 connections), records, files and threads may need, with room to spare.
const BESIDE: usize = 1024;
/// TCP connections that may wait to be accepted.
const TCP_BACKLOG: i32 = 256;

/// The sockets of one configured listener.
pub(crate) struct BoundSip {
    pub transport: Transport,
    /// Where it is bound.
    pub bound: SocketAddr,
    /// What Via and Contact say.
    pub advertised: SocketAddr,
    /// UDP: one socket a worker.
    pub udp: Vec<UdpSocket>,
    /// TCP and TLS: one listener.
    pub tcp: Option<TcpListener>,
}

/// Binds every SIP listener of the configuration.
pub(crate) fn sip(
    config: &Config,
    workers: usize,
    any_free_port: bool,
) -> Result<Vec<BoundSip>, StartError> {
    let mut all = Vec::with_capacity(config.sip.listen.len());
    for listen in &config.sip.listen {
        let (transport, name) = match listen.transport {
            config::Transport::Udp => (Transport::Udp, "UDP"),
            config::Transport::Tcp => (Transport::Tcp, "TCP"),
            config::Transport::Tls => (Transport::Tls, "TLS"),
        };
        let bind = |address| bind_one(transport, address, listen.dscp, workers);
        let (udp, tcp) = bind(listen.address)
            .or_else(|error| {
                let taken = error.kind() == io::ErrorKind::AddrInUse;
                if taken && any_free_port {
                    bind(SocketAddr::new(listen.address.ip(), 0))
                } else {
                    Err(error)
                }
            })
            .map_err(|error| StartError::bind(name, listen.address, error))?;
        let bound = match (&tcp, udp.first()) {
            (Some(listener), _) => listener.local_addr(),
            (None, Some(socket)) => socket.local_addr(),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
        .map_err(StartError::system("reading a socket's address"))?;
        all.push(BoundSip {
            transport,
            bound,
            advertised: advertised(listen, bound, config),
            udp,
            tcp,
        });
    }
    Ok(all)
}

type Sockets = (Vec<UdpSocket>, Option<TcpListener>);

/// What peers are told of a listener.
fn advertised(listen: &Listen, bound: SocketAddr, config: &Config) -> SocketAddr {
    let mut networks = config.networks.iter();
    let network = networks.find(|it| it.address == bound.ip());
    // Who is in a network is told by it from which of our addresses peers see it.
    let own = network.map(|it| it.shown());
    let own = own.or(listen.advertised.map(|it| it.ip()));
    let ip = own.or(config.sip.advertised);
    let ip = ip.unwrap_or_else(|| outward(bound.ip(), config));
    let port = listen.advertised.map_or(0, |it| it.port());
    SocketAddr::new(ip, if port == 0 { bound.port() } else { port })
}

/// Lets routers tell the socket's packets from others. What they do with it is up to them, and a
/// system that does not allow it still carries calls.
pub(crate) fn mark(socket: &Socket, address: SocketAddr, dscp: u8) {
    let class = u32::from(dscp) << 2;
    let set = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(class),
        SocketAddr::V6(_) => socket.set_tclass_v6(class),
    };
    if let Err(error) = set {
        tracing::warn!(%error, dscp, "packets could not be marked");
    }
}

fn bind_one(
    transport: Transport,
    address: SocketAddr,
    dscp: u8,
    workers: usize,
) -> io::Result<Sockets> {
    match transport {
        Transport::Udp => Ok((udp_group(address, dscp, workers)?, None)),
        Transport::Tcp | Transport::Tls => Ok((Vec::new(), Some(tcp_listener(address, dscp)?))),
    }
}

/// `count` sockets on one address; the kernel spreads senders over them by their addresses.
///
/// The first is bound without SO_REUSEPORT, so that an address in use by another engine of the
/// same user is an error and not a silent division of the traffic.
fn udp_group(address: SocketAddr, dscp: u8, count: usize) -> io::Result<Vec<UdpSocket>> {
    let first = udp_socket(address, dscp)?;
    first.bind(&SockAddr::from(address))?;
    let first = UdpSocket::from(first);
    let bound = first.local_addr()?;
    let mut group = vec![first];
    if count > 1 {
        socket2::SockRef::from(&group[0]).set_reuse_port(true)?;
    }
    for _ in 1..count {
        let socket = udp_socket(bound, dscp)?;
        socket.set_reuse_port(true)?;
        socket.bind(&SockAddr::from(bound))?;
        group.push(socket.into());
    }
    Ok(group)
}

fn udp_socket(address: SocketAddr, dscp: u8) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // A smaller buffer than wished still works.
    let _ = socket.set_recv_buffer_size(SIP_BUFFER);
    let _ = socket.set_send_buffer_size(SIP_BUFFER);
    mark(&socket, address, dscp);
    Ok(socket)
}

fn tcp_listener(address: SocketAddr, dscp: u8) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Accepted connections have it from their listener.
    mark(&socket, address, dscp);
    // Connections of an earlier process in TIME_WAIT do not hold the port; a listener does.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket.into())
}

/// RTP sockets, in order of their ports.
pub(crate) struct BoundRtp {
    pub sockets: Vec<UdpSocket>,
    /// For each of them the one above it, for RTCP (RFC 3550 §11), where that could be bound.
    pub reports: Vec<Option<UdpSocket>>,
    /// The address that SDP names, for each of them.
    pub advertised: Vec<IpAddr>,
    /// The network of each of them; `None` for those of `[rtp]`.
    pub networks: Vec<Option<u8>>,
    /// Ports of the range that could not be bound.
    pub failed: usize,
}

/// Binds the ports of all networks, and of `[rtp]` if anybody is spoken to by way of it.
pub(crate) fn rtp(config: &Config, any_free_port: bool) -> Result<BoundRtp, StartError> {
    let mut ranges = Vec::with_capacity(1 + config.networks.len());
    if config.uses_common_rtp() {
        ranges.push((None, config.rtp.clone()));
    }
    let networks = (0u8..).zip(&config.networks);
    ranges.extend(networks.map(|(index, it)| (Some(index), it.rtp(&config.rtp))));
    let mut all = BoundRtp {
        sockets: Vec::new(),
        reports: Vec::new(),
        advertised: Vec::new(),
        networks: Vec::new(),
        failed: 0,
    };
    let mut room = descriptors_left();
    for (left, (network, range)) in (1..=ranges.len()).rev().zip(&ranges) {
        // What there is for all is shared, so that the last does not go without.
        let bound = rtp_of(range, config, any_free_port, (room / left).max(1))?;
        let reports = bound.reports.iter().flatten().count();
        room = room.saturating_sub(bound.sockets.len() + reports);
        let count = all.sockets.len() + bound.sockets.len();
        all.networks.resize(count, *network);
        all.sockets.extend(bound.sockets);
        all.reports.extend(bound.reports);
        all.advertised.extend(bound.advertised);
        all.failed += bound.failed;
    }
    Ok(all)
}

/// Says so when calls may be refused for want of ports.
pub(crate) fn warn_of_few_ports(config: &Config, rtp: &BoundRtp) {
    // Every caller one, every call in talk its seat's and a transfer target's; the seats bound those.
    let calls = config.sip.max_calls;
    let (bound, needed) = (rtp.sockets.len(), calls + 2 * calls.min(config.seats.len()));
    if bound < needed {
        tracing::warn!(
            bound,
            needed,
            taken = rtp.failed,
            "fewer RTP ports than max_calls needs; calls beyond them will be refused"
        );
    }
}

/// Binds the even ports of a range, leaving out what is taken; or, if any free port will do, putting
/// others in their places.
fn rtp_of(
    range: &Rtp,
    config: &Config,
    any_free_port: bool,
    room: usize,
) -> Result<BoundRtp, StartError> {
    let (mut sockets, mut failed, mut refusal) = (Vec::new(), 0, None);
    let first = range
        .first_port
        .checked_next_multiple_of(2)
        .unwrap_or(u16::MAX);
    for port in (first..=range.last_port).step_by(2) {
        if sockets.len() >= room {
            failed += 1;
            continue;
        }
        match rtp_socket(SocketAddr::new(range.address, port), range.dscp) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                failed += 1;
                refusal.get_or_insert(error);
            }
        }
    }
    if any_free_port {
        let wanted = failed.min(room.saturating_sub(sockets.len()));
        let others = free_ports(range.address, range.dscp, wanted);
        failed -= others.len();
        sockets.extend(others);
    }
    if sockets.is_empty() {
        return Err(StartError::NoRtpPort {
            address: range.address,
            first: range.first_port,
            last: range.last_port,
            source: refusal.unwrap_or_else(|| io::ErrorKind::NotFound.into()),
        });
    }
    let advertised = range.advertised;
    let advertised = advertised.unwrap_or_else(|| outward(range.address, config));
    Ok(BoundRtp {
        advertised: vec![advertised; sockets.len()],
        networks: Vec::new(),
        reports: reports(&sockets, range.dscp, room),
        sockets,
        failed,
    })
}

/// The port above each of `sockets`. Speech goes first: what is left of `room` is theirs, and who gets
/// none reports only to parties that take RTCP at the port of RTP.
fn reports(sockets: &[UdpSocket], dscp: u8, room: usize) -> Vec<Option<UdpSocket>> {
    let mut left = room.saturating_sub(sockets.len());
    let above = |socket: &UdpSocket| {
        let mut address = socket.local_addr().ok()?;
        address.set_port(address.port().checked_add(1)?);
        rtp_socket(address, dscp).ok()
    };
    sockets
        .iter()
        .map(|socket| {
            let found = (left > 0).then(|| above(socket)).flatten();
            left -= usize::from(found.is_some());
            found
        })
        .collect()
}

/// How many descriptors a process with this configuration may need: RTP and RTCP at each port of all
/// networks, as many connections as its SIP threads bear, SIP sockets, HTTP, records and threads.
#[must_use]
pub fn descriptors_wanted(config: &Config) -> usize {
    let workers = usize::from(Topology::new(config.shards, config.rtp.threads).workers);
    let networks = config.networks.iter().map(|it| it.rtp(&config.rtp).ports());
    let common = if config.uses_common_rtp() {
        config.rtp.ports()
    } else {
        0
    };
    let ports: usize = common + networks.sum::<usize>();
    let listeners = config.sip.listen.len() * workers;
    2 * ports + workers * crate::tcp::LIMITS.all + listeners + BESIDE
}

/// How many sockets the process may open and still have descriptors for all else.
fn descriptors_left() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| {
        limit.saturating_sub(DESCRIPTORS_KEPT).max(1)
    })
}

fn rtp_socket(address: SocketAddr, dscp: u8) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(RTP_BUFFER);
    mark(&socket, address, dscp);
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

/// Up to `count` ports that the system chooses. Odd ones too: a description names its port
/// (RFC 3550 §11), and where the range is taken there may be few even ones.
fn free_ports(address: IpAddr, dscp: u8, count: usize) -> Vec<UdpSocket> {
    let any = SocketAddr::new(address, 0);
    (0..count)
        .map_while(|_| rtp_socket(any, dscp).ok())
        .collect()
}

/// The address that peers can use for a socket bound to `ip`: itself, or for the unspecified
/// address the one from which the machine would reach the first trunk.
fn outward(ip: IpAddr, config: &Config) -> IpAddr {
    if !ip.is_unspecified() {
        return ip;
    }
    // Who names a network is met there.
    let common = config.trunks.iter().filter(|it| it.network.is_none());
    let peers = common.flat_map(|trunk| &trunk.peers);
    let peer = peers.copied().find(|peer| peer.is_ipv4() == ip.is_ipv4());
    let found = peer.and_then(|peer| source_towards(ip, peer).ok());
    found.unwrap_or_else(|| {
        let loopback = match ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        tracing::warn!(
            address = %loopback,
            "no address to tell peers is configured and none could be found; set sip.advertised and rtp.advertised"
        );
        loopback
    })
}

/// Asks the routing table; connecting a UDP socket sends nothing.
fn source_towards(any: IpAddr, peer: SocketAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    let port = if peer.port() == 0 { 5060 } else { peer.port() };
    socket.connect(SocketAddr::new(peer.ip(), port))?;
    let address = socket.local_addr()?.ip();
    if address.is_unspecified() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;
    use std::net::TcpStream;

    /// Class Selector 3 and Expedited Forwarding, as they stand in the byte of the header.
    const SIGNALLING: u32 = 24 << 2;
    const SPEECH: u32 = 46 << 2;

    #[test]
    fn packets_of_every_kind_of_socket_are_marked() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for socket in udp_group(any, 24, 2).unwrap() {
            assert_eq!(SockRef::from(&socket).tos_v4().unwrap(), SIGNALLING);
        }
        let speech = rtp_socket(any, 46).unwrap();
        assert_eq!(SockRef::from(&speech).tos_v4().unwrap(), SPEECH);
        let listener = tcp_listener(any, 24).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(SockRef::from(&accepted).tos_v4().unwrap(), SIGNALLING);
    }

    #[test]
    fn ipv6_has_a_place_of_its_own_for_the_mark() {
        let any = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
        // A machine without IPv6 has none to mark.
        let Ok(socket) = udp_socket(any, 24) else {
            return;
        };
        assert_eq!(socket.tclass_v6().unwrap(), SIGNALLING);
    }

    #[test]
    fn every_port_of_every_network_counts_twice_and_every_connection_once() {
        let text = |networks: &str, named: &str| {
            format!(
                "name = \"t\"\nzone = \"Asia/Shanghai\"\nshards = 1\n\
                 [sip]\nlisten = [\"udp:127.0.0.1:5060\", \"udp:127.0.0.2:5060\"]\nmax_calls = 10\n\
                 [rtp]\nfirst_port = 20000\nlast_port = 20199\n{networks}\
                 [[trunks]]\nname = \"carrier\"\npeers = [\"127.0.0.9\"]\noutgoing_number = \"12356\"\n{named}\
                 [[pools]]\nname = \"all\"\ntitle = \"all\"\nshifts = [{{ hours = \"00:00-24:00\", lines = 1 }}]\n\
                 [[seats]]\nname = \"a\"\ncontact = \"sip:a@127.0.0.8:9\"\npools = [\"all\"]\n{named}\
                 [[counsellors]]\naccount = \"c\"\npin = \"00001\"\nseats = [\"a\"]\n\
                 [routing]\ndefault = \"all\"\n[[routes]]\nname = \"all\"\nrings = [\"all\"]\n"
            )
        };
        let wanted = |text: &str| {
            let parsed = config::parse(text, None);
            descriptors_wanted(&parsed.unwrap().0)
        };
        let network = "[[networks]]\nname = \"office\"\naddress = \"127.0.0.2\"\n\
                       rtp = { first_port = 30000, last_port = 30999 }\n";
        let beside = crate::tcp::LIMITS.all + 2 + BESIDE;
        assert_eq!(wanted(&text("", "")), 2 * 100 + beside);
        assert_eq!(wanted(&text(network, "")), 2 * (100 + 500) + beside);
        // Nobody is spoken to by way of [rtp], which is not bound then.
        let office = "network = \"office\"\n";
        assert_eq!(wanted(&text(network, office)), 2 * 500 + beside);
    }
}
