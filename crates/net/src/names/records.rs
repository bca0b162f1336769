//! What DNS says: NAPTR, SRV and addresses, each with how long it holds.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use meishier_engine::config::Dns;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How long one server is given; nobody waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How often all servers are asked before the answer counts as missing.
const ATTEMPTS: usize = 2;
/// How long "there is none" holds if the answer does not say (RFC 2308 §5 leaves it open).
const NOTHING_HOLDS: Duration = Duration::from_secs(60);
/// Most records of one answer that are looked at.
const MOST: usize = 64;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// These, for so long.
    Found(Vec<T>, Duration),
    /// There are none of them, for so long.
    Nothing(Duration),
    /// None came, or one that is of no use.
    Failed,
}

/// RFC 3403 §4.1, as far as RFC 3263 uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naptr {
    pub order: u16,
    pub preference: u16,
    /// Upper case; empty if its flag is not "s".
    pub service: String,
    /// A name with a dot at its end.
    pub replacement: String,
}

/// RFC 2782.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// A name with a dot at its end; "." alone says that the service is not there.
    pub target: String,
}

/// Asks servers. Answers are kept as long as they hold.
#[derive(Clone)]
pub(crate) struct Records(TokioResolver);

impl Records {
    /// Asks the configured servers, or those of the machine.
    ///
    /// # Errors
    /// The machine's own configuration cannot be read.
    pub(crate) fn new(dns: &Dns) -> Result<Self, NetError> {
        let mut builder = match dns.servers.is_empty() {
            true => TokioResolver::builder_tokio()?,
            false => {
                let servers = dns.servers.iter().copied().map(server).collect();
                let config = ResolverConfig::from_name_servers(servers);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        builder.build().map(Self)
    }

    pub(crate) async fn naptr(&self, name: &str) -> Answer<Naptr> {
        self.ask(name, RecordType::NAPTR, |data| match data {
            RData::NAPTR(found) => Some(Naptr {
                order: found.order,
                preference: found.preference,
                service: match found.flags.eq_ignore_ascii_case(b"s") {
                    true => String::from_utf8_lossy(&found.services).to_ascii_uppercase(),
                    false => String::new(),
                },
                replacement: found.replacement.to_ascii(),
            }),
            _ => None,
        })
        .await
    }

    pub(crate) async fn srv(&self, name: &str) -> Answer<Srv> {
        self.ask(name, RecordType::SRV, |data| match data {
            RData::SRV(found) => Some(Srv {
                priority: found.priority,
                weight: found.weight,
                port: found.port,
                target: found.target.to_ascii(),
            }),
            _ => None,
        })
        .await
    }

    pub(crate) async fn v4(&self, name: &str) -> Answer<IpAddr> {
        self.ask(name, RecordType::A, |data| match data {
            RData::A(found) => Some(IpAddr::V4(found.0)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn v6(&self, name: &str) -> Answer<IpAddr> {
        self.ask(name, RecordType::AAAA, |data| match data {
            RData::AAAA(found) => Some(IpAddr::V6(found.0)),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Answer<T> {
        // Search lists of the machine are for people.
        let Ok(mut full) = Name::from_ascii(name) else {
            return Answer::Failed;
        };
        full.set_fqdn(true);
        match self.0.lookup(full, kind).await {
            Ok(found) => found_in(&found, read),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                let holds = none.negative_ttl.map(|it| Duration::from_secs(it.into()));
                Answer::Nothing(holds.unwrap_or(NOTHING_HOLDS))
            }
            Err(error) => {
                tracing::debug!(%error, name, ?kind, "DNS gave no answer");
                Answer::Failed
            }
        }
    }
}

fn found_in<T>(found: &Lookup, read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
    let holds = found
        .valid_until()
        .saturating_duration_since(Instant::now());
    let records = found.answers().iter().filter_map(|it| read(&it.data));
    let records: Vec<T> = records.take(MOST).collect();
    match records.is_empty() {
        // An alias that leads nowhere.
        true => Answer::Nothing(holds),
        false => Answer::Found(records, holds),
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    let with_port = |mut it: ConnectionConfig| {
        it.port = address.port();
        it
    };
    server.connections = server.connections.into_iter().map(with_port).collect();
    server
}
