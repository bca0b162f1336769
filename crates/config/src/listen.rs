//! `[sip] listen`: where the engine listens, what others are told of it, how its packets are marked.

use crate::section::{At, Section};
use crate::service::TRANSPORTS;
use crate::sink::both;
use crate::types::{Listen, Transport};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use toml::de::DeValue;

/// Most listeners.
const MOST: usize = 16;
const EXAMPLE: &str = "\"udp:127.0.0.1:5060\"";

/// A code point of RFC 2474 §3.
pub(crate) fn dscp(section: &Section<'_>, default: u8) -> u8 {
    let found = section.number("dscp", 0..=63);
    found.map_or(default, |found| {
        u8::try_from(found.value).unwrap_or(default)
    })
}

/// UDP and TCP on loopback.
pub(crate) fn default_listen(dscp: u8) -> Vec<Listen> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
    [Transport::Udp, Transport::Tcp]
        .map(|transport| Listen {
            dscp,
            ..Listen::new(transport, address)
        })
        .to_vec()
}

/// Reads the listeners; `dscp` holds for those that name none.
pub(crate) fn listen(section: &Section<'_>, dscp: u8) -> Vec<Listen> {
    let mut out: Vec<Listen> = Vec::new();
    let values = section.array("listen", MOST);
    if values.is_empty() {
        if let Some(value) = section.raw("listen") {
            let message = both!("listen 不能为空", "listen must not be empty");
            let help = both!("例如 [{EXAMPLE}]", "such as [{EXAMPLE}]");
            section.sink().error(&value.span(), message, help);
        }
        return default_listen(dscp);
    }
    for value in values {
        let (text, more) = match value.get_ref() {
            DeValue::String(text) => (
                Some(At {
                    value: text.as_ref(),
                    span: value.span(),
                }),
                None,
            ),
            DeValue::Table(table) => {
                let more = Section::new(section.sink(), table, value.span(), "listen");
                (more.need_text("on", EXAMPLE), Some(more))
            }
            _ => {
                let expected = ("字符串或表", "a string or a table");
                (section.wrong("listen", value, expected), None)
            }
        };
        let one = text.and_then(|text| place(section, &text));
        let advertised = more.as_ref().and_then(advertised);
        let own = more.as_ref().map_or(dscp, |more| self::dscp(more, dscp));
        if let Some(more) = more {
            more.finish();
        }
        let Some((transport, address)) = one else {
            continue;
        };
        let same = |it: &Listen| (it.transport, it.address) == (transport, address);
        if out.iter().any(same) {
            let word = TRANSPORTS.iter().find(|(_, it)| *it == transport);
            let span = value.span();
            let value = format!("{}:{address}", word.map_or("", |(word, _)| word));
            section.sink().error(
                &span,
                both!("listen 中 {value:?} 重复", "listen has {value:?} twice"),
                both!("删去一个", "remove one"),
            );
        }
        out.push(Listen {
            transport,
            address,
            advertised,
            dscp: own,
        });
    }
    out
}

/// A transport and an address.
fn place(section: &Section<'_>, text: &At<&str>) -> Option<(Transport, SocketAddr)> {
    let parsed = text.value.split_once(':').and_then(|(word, address)| {
        let (_, transport) = TRANSPORTS.iter().find(|(known, _)| *known == word)?;
        Some((*transport, address.parse().ok()?))
    });
    let what = ("传输方式加地址", "a transport and an address");
    section.parsed("listen", text, parsed, what, EXAMPLE)
}

/// An address, with a port if that differs as well; port 0 stands for the one bound.
fn advertised(more: &Section<'_>) -> Option<SocketAddr> {
    let text = more.text("advertised")?;
    let alone = text.value.parse::<IpAddr>().ok();
    let whole = alone.map(|ip| SocketAddr::new(ip, 0));
    let parsed = whole.or_else(|| text.value.parse().ok());
    let what = ("IP 地址，可带端口", "an IP address, with a port or without");
    more.parsed("advertised", &text, parsed, what, "\"203.0.113.9\"")
}
