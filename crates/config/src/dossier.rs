//! `[dossier]`: who gets the dossier of a caller by HTTPS, and how they know that it is from us.

use crate::keys::{ask_first, without_consent};
use crate::names::Known;
use crate::registration::Secret;
use crate::section::{At, Section};
use crate::sink::both;
use meishier_transfer::Plan;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

/// Most receivers.
const MOST: usize = 32;
/// Longest address.
const MAX_URL: usize = 1024;
/// When a receiver that cannot be reached is told: shortest, usual and longest.
const ALERT: (Duration, Duration, Duration) = (
    Duration::from_secs(10),
    Duration::from_secs(300),
    Duration::from_secs(86_400),
);
/// When a delivery is given up: shortest, usual and longest.
const GIVE_UP: (Duration, Duration, Duration) = (
    Duration::from_secs(60),
    Duration::from_secs(86_400),
    Duration::from_secs(7 * 86_400),
);

/// Who gets dossiers by HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossiers {
    /// All of them; none: nothing is sent.
    pub receivers: Vec<Receiver>,
    /// A delivery that fails for so long raises an alert, 10 s to a day.
    pub alert_after: Duration,
    /// A delivery that fails for so long is given up, a minute to a week.
    pub give_up: Duration,
}

impl Default for Dossiers {
    fn default() -> Self {
        Self {
            receivers: Vec::new(),
            alert_after: ALERT.1,
            give_up: GIVE_UP.1,
        }
    }
}

/// One who gets dossiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Name, unique; stands in logs, metrics and the audit.
    pub name: String,
    /// Where to.
    pub url: WebAddress,
    /// Of which keys.
    pub keys: Vec<String>,
    /// Callers agree to it before one of those keys is pressed that is no emergency's.
    pub consent: bool,
    /// Of every emergency key, at once: an overseeing body.
    pub emergencies: bool,
    /// What the signature is made with (HMAC-SHA256); none: no signature.
    pub secret: Option<Secret>,
    /// Certificate chain and private key that we show, PEM; none: nothing is shown.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Certificates of whom we believe, PEM; there with https.
    pub trusted_ca: Option<PathBuf>,
}

impl Receiver {
    /// True if this receiver gets the dossier of this key.
    #[must_use]
    pub fn takes(&self, key: &str, emergency: bool) -> bool {
        (self.emergencies && emergency) || self.keys.iter().any(|it| it == key)
    }
}

/// An address of the web, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress {
    /// https; plain http only within the machine.
    pub secure: bool,
    /// Name or address, one of IPv6 without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
}

/// Without path and query, in which a secret may stand.
impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebAddress({})", self.authority())
    }
}

impl WebAddress {
    /// The address of this text; `None` if it is none that can be used: https, or http to this machine.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (secure, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let fits = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}#@".contains(&b);
        if text.len() > MAX_URL || !text.bytes().all(fits) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = match authority.strip_prefix('[') {
            Some(six) => {
                let (host, port) = six.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let named = |b: u8| b.is_ascii_alphanumeric() || b"-.:".contains(&b);
        if host.is_empty() || !host.bytes().all(named) {
            return None;
        }
        let usual = if secure { 443 } else { 80 };
        let port = port.map_or(Some(usual), |port| port.parse().ok())?;
        let here = host == "localhost"
            || host
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let slash = if path.starts_with('/') { "" } else { "/" };
        (port != 0 && (secure || here)).then(|| Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
            path: format!("{slash}{path}"),
        })
    }

    /// Host and port, as the header Host has it.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Reads `[dossier]`.
pub(crate) fn dossier(section: Option<Section<'_>>, plan: &Plan) -> Dossiers {
    let Some(section) = section else {
        return Dossiers::default();
    };
    let mut names = Known::new("接收方", "receiver");
    let mut receivers = Vec::new();
    for entry in section.tables("receivers", "[[dossier.receivers]]", MOST) {
        receivers.extend(receiver(&entry, &mut names, plan));
        entry.finish();
    }
    let alert = section.duration("alert_after", ALERT.0..=ALERT.2);
    let give_up = section.duration("give_up", GIVE_UP.0..=GIVE_UP.2);
    section.finish();
    Dossiers {
        receivers,
        alert_after: alert.map_or(ALERT.1, |at| at.value),
        give_up: give_up.map_or(GIVE_UP.1, |at| at.value),
    }
}

fn receiver(section: &Section<'_>, names: &mut Known, plan: &Plan) -> Option<Receiver> {
    let name = section.need_text("name", "\"省厅接警平台\"");
    if let Some(name) = &name {
        names.add(section.sink(), name.value, &name.span);
    }
    const EXAMPLE: &str = "\"https://cad.example.cn/incidents\"";
    let text = section.need_text("url", EXAMPLE);
    let url = text.as_ref().and_then(|text| {
        let what = (
            "可用的地址（https；http 只能到本机）",
            "an address that can be used (https; http to this machine only)",
        );
        section.parsed("url", text, WebAddress::parse(text.value), what, EXAMPLE)
    });
    let consent = section.flag("consent").unwrap_or(false);
    let keys = keys(section, plan, consent);
    let emergencies = section.flag("emergencies").unwrap_or(false);
    let secret = section.full_text("secret_file", "\"police.secret\"");
    let file = |key| section.full_text(key, "\"police.pem\"");
    let (certificate, key) = (file("certificate"), file("key"));
    let trusted_ca = file("trusted_ca");
    let secure = url.as_ref().is_none_or(|url| url.secure);
    let checks = [
        (
            keys.is_empty() && !emergencies,
            both!("接收方没有任何卷宗可收", "the receiver gets no dossier"),
            both!(
                "加上 keys = [\"110\"] 或 emergencies = true",
                "add keys = [\"110\"] or emergencies = true"
            ),
        ),
        (
            certificate.is_some() != key.is_some(),
            both!(
                "certificate 和 key 要么都写，要么都不写",
                "certificate and key stand together or not at all"
            ),
            both!("补上另一个", "add the other one"),
        ),
        (
            secret.is_none() && certificate.is_none(),
            both!(
                "接收方无法辨认我们",
                "the receiver cannot know that it is us"
            ),
            both!(
                "加上 secret_file，或 certificate 和 key",
                "add secret_file, or certificate and key"
            ),
        ),
        (
            !secure && secret.is_none() && certificate.is_some(),
            both!(
                "http 没有证书，要用 secret_file 签名",
                "http shows no certificate: it must be signed"
            ),
            both!("加上 secret_file", "add secret_file"),
        ),
        (
            secure && trusted_ca.is_none(),
            both!("https 缺少 trusted_ca", "https lacks trusted_ca"),
            both!(
                "加上 trusted_ca = \"/etc/ssl/certs/ca-certificates.crt\"",
                "add trusted_ca = \"/etc/ssl/certs/ca-certificates.crt\""
            ),
        ),
    ];
    for (wrong, message, help) in checks {
        if wrong {
            section.sink().error(&section.span, message, help);
        }
    }
    let path = |text: At<&str>| PathBuf::from(text.value);
    Some(Receiver {
        name: name?.value.to_owned(),
        url: url?,
        keys,
        consent,
        emergencies,
        secret: secret.map(path).map(Secret::File),
        identity: certificate.map(path).zip(key.map(path)),
        trusted_ca: trusted_ca.map(path),
    })
}

fn keys(section: &Section<'_>, plan: &Plan, consent: bool) -> Vec<String> {
    let mut out = Vec::new();
    for text in section.texts("keys", 64) {
        if let Some(key) = plan.keys.iter().find(|key| key.name == text.value) {
            if !(key.is_emergency() || key.consent || consent) {
                let why = without_consent(&key.name);
                section.sink().error(&text.span, why, ask_first());
            }
            out.push(text.value.to_owned());
            continue;
        }
        let names: Vec<String> = plan
            .keys
            .iter()
            .map(|key| format!("{:?}", key.name))
            .collect();
        let words = plan.keys.iter().map(|key| key.name.as_str());
        section.unknown_word("keys", &text, &names, words);
    }
    out
}
