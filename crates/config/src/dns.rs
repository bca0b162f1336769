//! `[dns]`: whom names of trunks are asked from.

use crate::section::Section;
use std::net::{IpAddr, SocketAddr};

/// Most servers.
const MOST: usize = 8;

/// `[dns]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Servers to be asked, in this order; empty: those of the machine (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
}

/// Reads `[dns]`.
pub(crate) fn dns(section: Option<Section<'_>>) -> Dns {
    let Some(section) = section else {
        return Dns::default();
    };
    let mut servers = Vec::new();
    for text in section.texts("servers", MOST) {
        let alone = text
            .value
            .parse::<IpAddr>()
            .map(|ip| SocketAddr::new(ip, 53));
        let parsed = alone.or_else(|_| text.value.parse()).ok();
        let parsed = parsed.filter(|it: &SocketAddr| it.port() != 0);
        let what = ("IP 地址，可带端口", "an IP address, with a port or without");
        servers.extend(section.parsed("servers", &text, parsed, what, "\"192.0.2.53\""));
    }
    section.finish();
    Dns { servers }
}
