//! `[[trunks]]`.

use crate::destinations::destinations;
use crate::names::{Known, check_plain};
use crate::outgoing;
use crate::places::Places;
use crate::registration;
use crate::section::{At, Section};
use crate::secure::srtp;
use crate::service::{TRANSPORTS, host_name};
use crate::sink::{Sink, both};
use crate::types::{AnswerMode, Codec, Early, Hysteresis, Reliable, Transport, Trunk, Trust};
use crate::value::peer;
use meishier_model::TrunkId;
use std::net::SocketAddr;
use std::time::Duration;

/// Most trunks.
pub(crate) const MAX_TRUNKS: usize = 256;
/// How long a peer may be silent before the next is tried: three INVITEs over UDP have gone by then
/// (RFC 3261 §17.1.1.2: at 0, 0.5, 1.5 and 3.5 s).
const TRY_FOR: Duration = Duration::from_secs(4);
const CODECS: [(&str, Codec); 2] = [("pcma", Codec::Pcma), ("pcmu", Codec::Pcmu)];

/// Words of `trust`.
const TRUSTS: [(&str, Trust); 6] = [
    ("asserted", Trust::ASSERTED),
    ("remote_party", Trust::REMOTE_PARTY),
    ("diversion", Trust::DIVERSION),
    ("history", Trust::HISTORY),
    ("cell", Trust::ACCESS),
    ("priority", Trust::PRIORITY),
];

/// Words of `reliable`.
const RELIABLE: [(&str, Reliable); 3] = [
    ("off", Reliable::Off),
    ("supported", Reliable::Supported),
    ("required", Reliable::Required),
];

/// Words of `answer`; `true` for at once.
const ANSWERS: [(&str, bool); 2] = [("at_once", true), ("on_seat", false)];

/// Reads all trunks and gives them their indices.
pub(crate) fn trunks(
    sections: Vec<Section<'_>>,
    known: &mut Known,
    places: &Places,
    networks: &Known,
) -> Vec<Trunk> {
    let mut out: Vec<Trunk> = Vec::new();
    for section in sections {
        let network = crate::networks::named(&section, networks);
        let trunk = Trunk {
            network,
            ..trunk(&section, known, &out, places)
        };
        section.finish();
        out.push(trunk);
    }
    out
}

fn trunk(section: &Section<'_>, known: &mut Known, before: &[Trunk], places: &Places) -> Trunk {
    let sink = section.sink();
    let name = section.need_text("name", "\"telecom\"");
    if let Some(name) = &name {
        check_plain(sink, "name", name.value, &name.span);
        known.add(sink, name.value, &name.span);
    }
    let (peers, peer_names) = peers(section, before);
    let transport = section.choice("transport", &TRANSPORTS);
    let tls_name = host_name(section, "tls_name");
    let (register, login) = registration::read(section);
    let registrar = register.as_ref().and_then(|register| register.registrar);
    let to = destinations(section, transport, tls_name.as_deref(), (registrar, &peers));
    let every = section
        .duration("options_every", Duration::ZERO..=Duration::from_secs(3600))
        .filter(|every| every.value > Duration::ZERO);
    if let (Some(every), true) = (&every, to.is_empty()) {
        sink.error(
            &every.span,
            both!(
                "不知道 OPTIONS 发往哪里",
                "there is nowhere to send OPTIONS"
            ),
            both!(
                "加上 out = \"运营商地址:5060\"",
                "add out = \"address:5060\""
            ),
        );
    }
    let number = section.need_text("outgoing_number", "\"12356\"");
    if let Some(number) = &number {
        check_number(sink, "outgoing_number", number);
    }
    let area_code = section.full_text("area_code", "\"0851\"");
    let limits = Duration::from_millis(500)..=Duration::from_secs(32);
    let try_for = section.duration("try_for", limits);
    Trunk {
        name: name.map_or_else(String::new, |name| name.value.to_owned()),
        network: None,
        peers,
        peer_names,
        to,
        try_for: try_for.map_or(TRY_FOR, |at| at.value),
        transport: transport.unwrap_or(Transport::Udp),
        udp_only: transport == Some(Transport::Udp),
        tls_name: tls_name.clone(),
        answer: answer(section),
        codecs: codecs(section),
        keep_caller_user: section.flag("keep_caller_user").unwrap_or(false),
        options_every: every.map(|every| every.value),
        outgoing_number: number.map_or_else(String::new, |number| number.value.to_owned()),
        trust: trust(section),
        area_code: area_code.and_then(|code| places.area_code(sink, &code)),
        reliable: section.choice("reliable", &RELIABLE).unwrap_or_default(),
        session_expires: session_expires(section),
        hysteresis: Hysteresis {
            down: count(section, "down_after", 2),
            up: count(section, "up_after", 1),
        },
        channels: outgoing::channels(section),
        numbers_in: outgoing::numbers(section, "numbers_in"),
        numbers_out: outgoing::numbers(section, "numbers_out"),
        tells: outgoing::tells(section),
        priority: outgoing::priority(section),
        srtp: srtp(section, transport.unwrap_or_default() == Transport::Tls),
        register,
        login,
    }
}

fn count(section: &Section<'_>, key: &'static str, default: u8) -> u8 {
    section
        .number(key, 1..=20)
        .map_or(default, |at| u8::try_from(at.value).unwrap_or(default))
}

/// How long a session may stand without a refresh (RFC 4028 §4: not below 90 s).
pub(crate) fn session_expires(section: &Section<'_>) -> Option<Duration> {
    let limits = Duration::from_secs(90)..=Duration::from_secs(86_400);
    section
        .duration("session_expires", limits)
        .map(|at| at.value)
}

/// Which headers are believed; those of the carrier's assertion if the file says nothing.
fn trust(section: &Section<'_>) -> Trust {
    let mut out = Trust::NOTHING;
    for text in section.texts("trust", TRUSTS.len()) {
        match TRUSTS.iter().find(|(word, _)| *word == text.value) {
            Some((_, trust)) => out = out | *trust,
            None => {
                let list = TRUSTS.map(|(word, _)| format!("{word:?}"));
                section.unknown_word("trust", &text, &list, TRUSTS.map(|(word, _)| word));
            }
        }
    }
    match section.raw("trust") {
        Some(_) => out,
        None => Trust::ASSERTED,
    }
}

/// The addresses and the names in `peers`.
fn peers(section: &Section<'_>, before: &[Trunk]) -> (Vec<SocketAddr>, Vec<String>) {
    let sink = section.sink();
    let (mut out, mut names) = (Vec::<SocketAddr>::new(), Vec::<String>::new());
    let texts = section.texts("peers", 64);
    if texts.is_empty() && section.raw("peers").is_none() {
        section.missing("peers", "[\"192.0.2.10\"]");
    } else if texts.is_empty() {
        let span = section
            .raw("peers")
            .map_or(section.span.clone(), |value| value.span());
        let message = both!(
            "peers 不能为空：谁也打不进来",
            "peers must not be empty: nobody could call"
        );
        sink.error(
            &span,
            message,
            both!("例如 [\"192.0.2.10\"]", "such as [\"192.0.2.10\"]"),
        );
    }
    for text in texts {
        let value = text.value;
        let name = crate::destinations::host_name(value);
        let again = name.as_ref().is_some_and(|name| names.contains(name));
        let what = ("IP 地址或域名", "an IP address or a host name");
        let parsed = match name {
            Some(name) if !again => {
                names.push(name);
                continue;
            }
            Some(_) => None,
            None => section.parsed("peers", &text, peer(value), what, "\"192.0.2.10\""),
        };
        let twice = |parsed| out.iter().any(|other| same_peer(*other, parsed));
        if again || parsed.is_some_and(twice) {
            sink.error(
                &text.span,
                both!("peers 中 {value:?} 重复", "peers has {value:?} twice"),
                both!(
                    "删去一个；不写端口即任何端口",
                    "remove one; without a port means any port"
                ),
            );
        }
        let Some(parsed) = parsed else { continue };
        let other = before
            .iter()
            .find(|trunk| trunk.peers.iter().any(|o| same_peer(*o, parsed)));
        if let Some(other) = other {
            let name = &other.name;
            sink.error(
                &text.span,
                both!(
                    "{value:?} 已属于中继 {name:?}",
                    "{value:?} belongs to trunk {name:?} already"
                ),
                both!(
                    "一个地址只能属于一条中继，否则无法分辨来话",
                    "an address belongs to one trunk, or calls cannot be told apart"
                ),
            );
        }
        out.push(parsed);
    }
    (out, names)
}

fn same_peer(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip() == b.ip() && (a.port() == b.port() || a.port() == 0 || b.port() == 0)
}

fn answer(section: &Section<'_>) -> AnswerMode {
    let at_once = section.choice("answer", &ANSWERS).unwrap_or(false);
    let words = [
        ("ringing", Early::Ringing180),
        ("progress", Early::Progress183),
    ];
    let early = section.choice("early", &words).unwrap_or(Early::Ringing180);
    // Carriers give up after 60 s or more; so the engine answers before.
    let limits = Duration::from_secs(1)..=Duration::from_secs(59);
    let after = section.duration("answer_after", limits);
    if at_once {
        return AnswerMode::AtOnce;
    }
    let answer_after = after.map_or(Duration::from_secs(50), |after| after.value);
    AnswerMode::OnSeat {
        early,
        answer_after,
    }
}

fn codecs(section: &Section<'_>) -> Vec<Codec> {
    let mut out = Vec::new();
    let texts = section.texts("codecs", 8);
    let given = section.raw("codecs");
    for text in &texts {
        match CODECS.iter().find(|(word, _)| *word == text.value) {
            Some((_, codec)) if !out.contains(codec) => out.push(*codec),
            Some(_) => {}
            None => {
                let list = CODECS.map(|(word, _)| format!("{word:?}"));
                section.unknown_word("codecs", text, &list, CODECS.map(|(word, _)| word));
            }
        }
    }
    if let (true, Some(given)) = (texts.is_empty(), given) {
        let message = both!("codecs 不能为空", "codecs must not be empty");
        let help = both!("例如 [\"pcma\", \"pcmu\"]", "such as [\"pcma\", \"pcmu\"]");
        section.sink().error(&given.span(), message, help);
    }
    if out.is_empty() {
        CODECS.map(|(_, codec)| codec).to_vec()
    } else {
        out
    }
}

/// Notes a number that is not 1 to 20 digits.
pub(crate) fn check_number(sink: &Sink, key: &str, number: &At<&str>) {
    let value = number.value;
    if value.is_empty() || value.len() > 20 || !value.bytes().all(|b| b.is_ascii_digit()) {
        sink.error(
            &number.span,
            both!(
                "{key} 不是电话号码：{value:?}",
                "{key} is not a telephone number: {value:?}"
            ),
            both!(
                "1 到 20 位数字，区号带 0",
                "1 to 20 digits, area codes with their 0"
            ),
        );
    }
}

/// The trunk of this name, by which calls must be able to go out.
pub(crate) fn leading_out(
    sink: &Sink,
    named: &At<&str>,
    trunks: &[Trunk],
    known: &Known,
) -> Option<TrunkId> {
    let id = known.find(sink, named)?;
    if trunks.get(id as usize).is_some_and(|it| !it.leads_out()) {
        let value = named.value;
        sink.error(
            &named.span,
            both!(
                "中继 {value:?} 没有呼出地址，转不出去",
                "trunk {value:?} has no address for calls out"
            ),
            both!(
                "在该中继加上 out = \"地址:端口\"",
                "add out = \"address:port\" to that trunk"
            ),
        );
    }
    u16::try_from(id).ok().map(TrunkId)
}
