//! `to` of a trunk: where its calls out go.

use crate::section::{At, Entry, Section};
use crate::service::TRANSPORTS;
use crate::sink::both;
use crate::types::{Transport, Trunk};
use std::net::{IpAddr, SocketAddr};
use toml::Spanned;
use toml::de::DeValue;

/// Most destinations of one trunk.
pub const MAX_DESTINATIONS: usize = 16;

/// One place where the calls of a trunk go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    /// An address, or a name to be looked up.
    pub destination: Destination,
    /// By which transport; `None` if the file says nothing: then UDP to an address, and to a name
    /// what its NAPTR records say (RFC 3263 §4.1).
    pub transport: Option<Transport>,
    /// The name that its certificate must show on TLS (RFC 5922 §7); host name or address if absent.
    pub tls_name: Option<String>,
    /// The lowest that answers is taken (RFC 2782). What the file leaves out is the place in the list.
    pub priority: u16,
    /// The share of calls among those of the same priority (RFC 2782); 0 gets next to none.
    pub weight: u16,
}

impl To {
    /// This address alone, by the usual transport.
    #[must_use]
    pub fn only(address: SocketAddr) -> Self {
        Self {
            destination: Destination::Address(address),
            transport: None,
            tls_name: None,
            priority: 0,
            weight: 1,
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.destination {
            Destination::Address(address) => Some(address),
            Destination::Name { .. } => None,
        }
    }

    /// The transport to an address.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport.unwrap_or_default()
    }
}

/// Where requests are sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// This address.
    Address(SocketAddr),
    /// What DNS says of this name (RFC 3263 §4); several addresses, perhaps.
    Name {
        /// The name, in lower case.
        host: String,
        /// The port, if the file says one: then neither NAPTR nor SRV are asked (RFC 3263 §4.2).
        port: Option<u16>,
    },
}

impl Destination {
    /// Reads an address or a name, each with a port or without one.
    fn parse(text: &str, transport: Transport) -> Option<Self> {
        let usual = if transport == Transport::Tls {
            5061
        } else {
            5060
        };
        if let Ok(address) = text.parse::<SocketAddr>() {
            return (address.port() != 0).then_some(Self::Address(address));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::Address(SocketAddr::new(ip, usual)));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
            None => (text, None),
        };
        host_name(host).map(|host| Self::Name { host, port })
    }
}

/// A host name in lower case, without a dot at its end; `None` if it is none.
pub(crate) fn host_name(host: &str) -> Option<String> {
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let labels = host.strip_suffix('.').unwrap_or(host);
    // What ends in a number is a mistyped address (RFC 1123 §2.1).
    let last = labels.rsplit('.').next().unwrap_or(labels);
    let named = last.bytes().any(|b| b.is_ascii_alphabetic());
    let fits = labels.len() <= 253 && named && labels.split('.').all(plain);
    fits.then(|| labels.to_ascii_lowercase())
}

impl Trunk {
    /// True if calls can go out by it.
    #[must_use]
    pub fn leads_out(&self) -> bool {
        !self.to.is_empty()
    }
}

/// Reads `to`, else its short form: `out`, `transport` and `tls_name`, else the registrar, else the first peer with
/// a port.
pub(crate) fn destinations(
    section: &Section<'_>,
    transport: Option<Transport>,
    tls_name: Option<&str>,
    (registrar, peers): (Option<SocketAddr>, &[SocketAddr]),
) -> Vec<To> {
    let entries = section.entries("to", "[[trunks.to]]", MAX_DESTINATIONS);
    let out = section.socket("out");
    if let (Some(out), Some(_)) = (&out, section.raw("to")) {
        section.sink().error(
            &out.span,
            both!("out 和 to 只能写一个", "out and to exclude each other"),
            both!("把 out 的地址写进 to", "put the address of out into to"),
        );
    }
    let single = |address| To {
        transport,
        tls_name: tls_name.map(str::to_owned),
        ..To::only(address)
    };
    if section.raw("to").is_none() {
        let peer = || peers.iter().find(|peer| peer.port() != 0).copied();
        let address = out.map(|at| at.value).or(registrar).or_else(peer);
        return address.map(single).into_iter().collect();
    }
    let empty =
        |value: &&Spanned<DeValue<'_>>| value.get_ref().as_array().is_some_and(|it| it.is_empty());
    if let Some(value) = section.raw("to").filter(empty) {
        section.sink().error(
            &value.span(),
            both!("to 不能为空", "to must not be empty"),
            both!(
                "不从这里呼出就删去这一行",
                "remove the line if no call goes out here"
            ),
        );
    }
    let mut list: Vec<To> = Vec::new();
    for (place, entry) in (0..).zip(entries) {
        let Some((to, at)) = one(section, entry, place, (transport, tls_name)) else {
            continue;
        };
        if list
            .iter()
            .any(|it| it.destination == to.destination && it.transport == to.transport)
        {
            let value = at.value;
            section.sink().error(
                &at.span,
                both!("to 中 {value:?} 重复", "to has {value:?} twice"),
                both!(
                    "删去一个，用 weight 分配话务",
                    "remove one; weight shares the calls"
                ),
            );
        }
        list.push(to);
    }
    if list.is_empty() {
        // What is wrong was told; whoever goes out by this trunk is not to be told of it again.
        list.extend(peers.first().copied().map(single));
    }
    list
}

fn one<'f>(
    section: &Section<'f>,
    entry: Entry<'f>,
    place: u16,
    (transport, tls_name): (Option<Transport>, Option<&str>),
) -> Option<(To, At<&'f str>)> {
    let usual = tls_name.map(str::to_owned);
    match entry {
        Entry::Text(text) => {
            let destination = read(section, "to", &text, transport)?;
            let to = To {
                destination,
                transport,
                tls_name: usual,
                priority: place,
                weight: 1,
            };
            Some((to, text))
        }
        Entry::Table(table) => {
            let number = |key, default| {
                let found = table.number(key, 0..=65_535);
                found.map_or(default, |at| u16::try_from(at.value).unwrap_or(default))
            };
            let transport = table.choice("transport", &TRANSPORTS).or(transport);
            let (priority, weight) = (number("priority", place), number("weight", 1));
            let tls_name = crate::service::host_name(&table, "tls_name").or(usual);
            let address = table.need_text("address", "\"192.0.2.10:5060\"");
            let found = address.and_then(|text| {
                let destination = read(&table, "address", &text, transport)?;
                let to = To {
                    destination,
                    transport,
                    tls_name,
                    priority,
                    weight,
                };
                Some((to, text))
            });
            table.finish();
            found
        }
    }
}

fn read(
    section: &Section<'_>,
    key: &str,
    text: &At<&str>,
    transport: Option<Transport>,
) -> Option<Destination> {
    section.parsed(
        key,
        text,
        Destination::parse(text.value, transport.unwrap_or_default()),
        ("地址或域名", "an address or a host name"),
        "\"192.0.2.10:5060\"、\"sip.example.cn\"",
    )
}
