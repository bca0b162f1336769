//! `[[networks]]`: where the engine stands in each of several networks, and what is told of it there.

use crate::listen::dscp;
use crate::names::{Known, check_plain};
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::types::{Config, Listen, Rtp, Seat, Sip, Trunk};
use std::net::IpAddr;
use std::ops::Range;

/// Most networks.
const MOST: usize = 16;

/// One network. Trunks and seats that name it are spoken to from here: SIP by the listeners at
/// [`Network::address`], RTP by ports of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Name, unique.
    pub name: String,
    /// Our address in it; never the unspecified one, and no other network's.
    pub address: IpAddr,
    /// What Via, Contact and SDP say if it differs (carrier NAT); no other network's either.
    pub advertised: Option<IpAddr>,
    /// First RTP port, even.
    pub first_port: u16,
    /// Last RTP port, inclusive. Only even ports carry RTP.
    pub last_port: u16,
    /// Code point of RTP packets (RFC 2474), 0 to 63. SIP is marked as its listener says.
    pub dscp: u8,
}

impl Network {
    /// The address that peers are told.
    #[must_use]
    pub fn shown(&self) -> IpAddr {
        self.advertised.unwrap_or(self.address)
    }

    /// Where its RTP sockets are; as many media threads as `rtp` says.
    #[must_use]
    pub fn rtp(&self, rtp: &Rtp) -> Rtp {
        Rtp {
            address: self.address,
            advertised: self.advertised,
            dscp: self.dscp,
            first_port: self.first_port,
            last_port: self.last_port,
            threads: rtp.threads,
        }
    }
}

impl Config {
    /// The network of this index, as [`Trunk::network`] and [`Seat::network`] have it.
    #[must_use]
    pub fn network(&self, index: Option<u8>) -> Option<&Network> {
        self.networks.get(usize::from(index?))
    }

    /// True if somebody is spoken to by way of `[rtp]` itself: a trunk or a seat that names no network.
    #[must_use]
    pub fn uses_common_rtp(&self) -> bool {
        let trunks = self.trunks.iter().map(|trunk| trunk.network);
        let mut all = trunks.chain(self.seats.iter().map(|seat| seat.network));
        all.any(|network| network.is_none())
    }
}

/// A network and where it and its ports stand in the file.
pub(crate) struct Entry {
    pub network: Network,
    at: Range<usize>,
    ports: Range<usize>,
}

/// Reads all networks and gives them their indices.
pub(crate) fn networks(top: &Section<'_>, known: &mut Known) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for section in top.tables("networks", "[[networks]]", MOST) {
        let entry = network(&section, known);
        section.finish();
        if let Some(entry) = entry {
            tell_same(top.sink(), &entry, &out);
            out.push(entry);
        }
    }
    out
}

fn network(section: &Section<'_>, known: &mut Known) -> Option<Entry> {
    let sink = section.sink();
    let name = section.need_text("name", "\"carrier\"");
    if let Some(name) = &name {
        check_plain(sink, "name", name.value, &name.span);
        known.add(sink, name.value, &name.span);
    }
    let address = section.ip("address");
    let advertised = section.ip("advertised");
    if section.raw("address").is_none() {
        section.missing("address", "\"10.0.0.5\"");
    }
    let rtp = section.table("rtp", "rtp");
    if section.raw("rtp").is_none() {
        section.missing("rtp", "{ first_port = 20000, last_port = 20999 }");
    }
    let span = rtp
        .as_ref()
        .map_or(section.span.clone(), |rtp| rtp.span.clone());
    let ports = rtp.map(|rtp| {
        let port = |key: &'static str, example: &str| {
            if rtp.raw(key).is_none() {
                rtp.missing(key, example);
            }
            let found = rtp.number(key, 1024..=65535);
            found.and_then(|At { value, .. }| u16::try_from(value).ok())
        };
        let ports = (port("first_port", "20000"), port("last_port", "20999"));
        let marked = dscp(&rtp, crate::service::RTP_DSCP);
        rtp.finish();
        (ports, marked)
    });
    let ((first_port, last_port), dscp) = ports?;
    Some(Entry {
        network: Network {
            name: name?.value.to_owned(),
            address: address?,
            advertised,
            first_port: first_port?,
            last_port: last_port?,
            dscp,
        },
        at: section.span.clone(),
        ports: span,
    })
}

/// Networks are told apart by their addresses.
fn tell_same(sink: &Sink, entry: &Entry, before: &[Entry]) {
    let own = &entry.network;
    let same = before.iter().find(|other| {
        let other = &other.network;
        other.address == own.address || other.shown() == own.shown()
    });
    if let Some(other) = same {
        let (name, other) = (&own.name, &other.network.name);
        sink.error(
            &entry.at,
            both!(
                "网络 {name:?} 与 {other:?} 的地址相同",
                "network {name:?} has the address of {other:?}"
            ),
            both!(
                "每个网络用自己的 address 和 advertised",
                "give each an address and an advertised one of its own"
            ),
        );
    }
    if own.address.is_unspecified() || own.shown().is_unspecified() {
        let name = &own.name;
        sink.error(
            &entry.at,
            both!(
                "网络 {name:?} 没有确定的地址",
                "network {name:?} has no address of its own"
            ),
            both!(
                "写一个本机地址，例如 \"10.0.0.5\"",
                "name one of this machine, such as \"10.0.0.5\""
            ),
        );
    }
}

/// The network that a trunk or a seat names.
pub(crate) fn named(section: &Section<'_>, known: &Known) -> Option<u8> {
    let name = section.full_text("network", "\"carrier\"")?;
    let found = known.find(section.sink(), &name);
    found.and_then(|index| u8::try_from(index).ok())
}

/// Notes listeners outside a network that peers would see at its address: by it they tell our sides,
/// and so do we.
fn check_listeners(sink: &Sink, entry: &Entry, sip: &Sip) {
    let (network, name) = (&entry.network, &entry.network.name);
    let told = |listen: &Listen| {
        let own = listen.advertised.map(|it| it.ip()).or(sip.advertised);
        own.unwrap_or_else(|| listen.address.ip())
    };
    let outside = |it: &&Listen| it.address.ip() != network.address;
    let mut same = sip.listen.iter().filter(outside);
    if let Some(listen) = same.find(|it| told(it) == network.shown()) {
        let address = listen.address;
        sink.error(
            &entry.at,
            both!(
                "[sip] 在 {address} 上的监听对外用的是网络 {name:?} 的地址",
                "peers see the listener at {address} of [sip] at the address of network {name:?}"
            ),
            both!(
                "为这个监听另写一个 advertised，或给网络另一个",
                "give the listener an advertised address of its own, or the network another"
            ),
        );
    }
}

/// Notes networks without a listener, and port ranges that are too small or in the way.
pub(crate) fn check(
    sink: &Sink,
    networks: &[Entry],
    (sip, rtp, shards): (&Sip, &Rtp, usize),
    trunks: &[Trunk],
    seats: &[Seat],
) {
    for (index, entry) in (0u8..).zip(networks) {
        let network = &entry.network;
        let here = |listen: &Listen| listen.address.ip() == network.address;
        let (name, address) = (&network.name, network.address);
        if !sip.listen.iter().any(here) {
            sink.error(
                &entry.at,
                both!(
                    "网络 {name:?} 的地址 {address} 上没有监听 SIP",
                    "nothing listens for SIP at {address} of network {name:?}"
                ),
                both!(
                    "在 [sip] listen 中加上 \"udp:{address}:5060\"",
                    "add \"udp:{address}:5060\" to listen of [sip]"
                ),
            );
        }
        check_listeners(sink, entry, sip);
        let own = network.rtp(rtp);
        let trunk = trunks.iter().any(|trunk| trunk.network == Some(index));
        let seats = seats
            .iter()
            .filter(|seat| seat.network == Some(index))
            .count();
        let calls = sip.max_calls;
        // Each caller and each target of a transfer one, where trunks are. Any shard may have all that
        // talk, which may carry twice its share of calls.
        let needed = if trunk { 2 * calls } else { 0 } + (2 * calls).min(seats * shards);
        crate::service::check_range(sink, &own, &entry.ports, sip, needed);
        let common = rtp.address == own.address || rtp.address.is_unspecified();
        let apart = own.last_port < rtp.first_port || rtp.last_port < own.first_port;
        let used = trunks.iter().any(|it| it.network.is_none());
        if common && !apart && used {
            sink.error(
                &entry.ports,
                both!(
                    "网络 {name:?} 的语音端口与 [rtp] 的重叠",
                    "RTP ports of network {name:?} overlap those of [rtp]"
                ),
                both!("移开其中一个", "move one of them"),
            );
        }
    }
}
