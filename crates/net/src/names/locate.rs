//! Where a SIP name is (RFC 3263 §4).
//!
//! ```text
//!   transport given? ──yes──► port given? ──yes──► addresses
//!        │ no                     └─ no ──► SRV of that transport ──none──► addresses, usual port
//!   port given? ──yes──► UDP: addresses
//!        │ no
//!   NAPTR ──found──► SRV of each that we can speak, by order and preference
//!     └─ none ──► SRV of each transport that we speak ──none──► UDP: addresses, port 5060
//! ```
//!
//! A question without an answer counts as "none", and the result as a part: servers that do not know a
//! kind of record, or lose one of many, do not take the rest of the name with them.

use super::records::{Answer, Naptr, Records, Srv};
use meishier_engine::signaling::Transport;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long one search may take, however many questions it asks.
const SEARCH_LIMIT: Duration = Duration::from_secs(30);
/// Most places of one name; what DNS says beyond them is left out.
pub(super) const MOST: usize = 64;

/// What is to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    /// The name, without a dot at its end.
    pub host: String,
    pub port: Option<u16>,
    pub transport: Option<Transport>,
}

/// One way of speaking: a transport, and whether over IPv4.
pub(crate) type Way = (Transport, bool);

/// One place that goes by the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub address: SocketAddr,
    pub transport: Transport,
    /// The lowest goes first.
    pub rank: u16,
    /// Share among those of the same rank, as SRV says; `None` where it does not.
    pub weight: Option<u16>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// Empty if DNS says that there is none.
    pub places: Vec<Place>,
    /// How long it holds.
    pub holds: Duration,
    /// A question had no answer: there may be more, or better.
    pub part: bool,
}

/// DNS gave no answer; another may come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

/// A search under way.
struct Search<'a> {
    records: &'a Records,
    ways: &'a [Way],
    found: Located,
}

/// Finds a name; `ways` is what we can speak.
///
/// # Errors
/// [`NoAnswer`] if a question was not answered and nobody was found.
pub(crate) async fn locate(
    records: &Records,
    wanted: &Wanted,
    ways: &[Way],
) -> Result<Located, NoAnswer> {
    let mut search = Search {
        records,
        ways,
        found: Located {
            places: Vec::new(),
            holds: Duration::MAX,
            part: false,
        },
    };
    let limited = tokio::time::timeout(SEARCH_LIMIT, search.run(wanted)).await;
    let mut found = search.found;
    found.part |= limited.is_err();
    found.places.truncate(MOST);
    match found.part && found.places.is_empty() {
        true => Err(NoAnswer),
        false => Ok(found),
    }
}

/// The port that is used where nobody names one (RFC 3261 §19.1.2).
fn usual_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

/// How the name of an SRV record begins (RFC 3263 §4.1, §4.2).
fn prefix(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    }
}

/// The transport of a NAPTR service (RFC 3263 §4.1).
fn of_service(service: &str) -> Option<Transport> {
    match service {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

/// Those that we can speak, in the order in which they are to be used (RFC 3403 §4.1).
fn usable(mut list: Vec<Naptr>, ways: &[Way]) -> Vec<(Transport, String)> {
    list.sort_by_key(|it| (it.order, it.preference));
    let speaks = |transport: &Transport| ways.iter().any(|way| way.0 == *transport);
    let usable = list.into_iter().filter_map(|it| {
        let transport = of_service(&it.service).filter(speaks)?;
        Some((transport, it.replacement))
    });
    usable.collect()
}

impl Search<'_> {
    async fn run(&mut self, wanted: &Wanted) {
        let host = wanted.host.as_str();
        let transport = match (wanted.transport, wanted.port) {
            (Some(transport), None) => {
                let name = format!("{}.{host}", prefix(transport));
                if self.services(transport, &name).await {
                    return;
                }
                transport
            }
            (Some(transport), Some(_)) => transport,
            (None, Some(_)) => Transport::Udp,
            (None, None) => {
                if self.any_service(host).await {
                    return;
                }
                Transport::Udp
            }
        };
        let port = wanted.port.unwrap_or_else(|| usual_port(transport));
        self.add(transport, host, port, 0, None).await;
    }

    /// Takes what NAPTR says, or the SRV records of all that we speak; true if there is anything.
    async fn any_service(&mut self, host: &str) -> bool {
        let answer = self.records.naptr(host).await;
        let named = usable(self.heard(answer), self.ways);
        let mut found = false;
        for (transport, name) in &named {
            found |= self.services(*transport, name).await;
        }
        if !named.is_empty() {
            return found;
        }
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            if self.ways.iter().any(|way| way.0 == transport) {
                let name = format!("{}.{host}", prefix(transport));
                found |= self.services(transport, &name).await;
            }
        }
        found
    }

    /// Takes the SRV records of a name; true if there are any, be it only one that says "not here".
    async fn services(&mut self, transport: Transport, name: &str) -> bool {
        let answer = self.records.srv(name).await;
        let mut list: Vec<Srv> = self.heard(answer);
        let any = !list.is_empty();
        list.sort_by_key(|it| it.priority);
        let mut rank = self.next_rank();
        let mut before = list.first().map(|it| it.priority);
        for service in list {
            if before != Some(service.priority) {
                before = Some(service.priority);
                rank = rank.saturating_add(1);
            }
            if service.target != "." {
                let weight = Some(service.weight);
                self.add(transport, &service.target, service.port, rank, weight)
                    .await;
            }
        }
        any
    }

    fn next_rank(&self) -> u16 {
        let last = self.found.places.iter().map(|it| it.rank).max();
        last.map_or(0, |rank| rank.saturating_add(1))
    }

    /// Takes the addresses of a host, of the families that the transport is spoken over.
    async fn add(
        &mut self,
        transport: Transport,
        host: &str,
        port: u16,
        rank: u16,
        weight: Option<u16>,
    ) {
        let mut all: Vec<IpAddr> = Vec::new();
        for is_v4 in [true, false] {
            if self.found.places.len() >= MOST || !self.ways.contains(&(transport, is_v4)) {
                continue;
            }
            let answer = match is_v4 {
                true => self.records.v4(host).await,
                false => self.records.v6(host).await,
            };
            all.extend(self.heard(answer));
        }
        for ip in all {
            let address = SocketAddr::new(ip, port);
            let same = |it: &Place| (it.address, it.transport) == (address, transport);
            if !self.found.places.iter().any(same) {
                self.found.places.push(Place {
                    address,
                    transport,
                    rank,
                    weight,
                });
            }
        }
    }

    /// Takes note of how long an answer holds, or that there was none; its records.
    fn heard<T>(&mut self, answer: Answer<T>) -> Vec<T> {
        let (list, holds) = match answer {
            Answer::Found(list, holds) => (list, holds),
            Answer::Nothing(holds) => (Vec::new(), holds),
            Answer::Failed => {
                self.found.part = true;
                return Vec::new();
            }
        };
        self.found.holds = self.found.holds.min(holds);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_do_not_speak_is_passed_over_and_order_goes_before_preference() {
        let record = |order, preference, service: &str| Naptr {
            order,
            preference,
            service: service.into(),
            replacement: format!("{service}-{order}-{preference}."),
        };
        let list = vec![
            record(50, 1, "SIP+D2U"),
            record(10, 9, "SIP+D2T"),
            record(10, 5, "SIPS+D2T"),
            record(1, 1, "SIP+D2S"),
            record(1, 1, "E2U+SIP"),
            record(1, 1, ""),
        ];
        let of = |ways: &[Way]| -> Vec<String> {
            let all = usable(list.clone(), ways).into_iter();
            all.map(|(_, name)| name).collect()
        };
        let (udp, tcp, tls) = (Transport::Udp, Transport::Tcp, Transport::Tls);
        assert_eq!(
            of(&[(udp, true), (tcp, true), (tls, false)]),
            ["SIPS+D2T-10-5.", "SIP+D2T-10-9.", "SIP+D2U-50-1."]
        );
        assert_eq!(of(&[(udp, true)]), ["SIP+D2U-50-1."]);
        assert!(of(&[]).is_empty());
    }
}
