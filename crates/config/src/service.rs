//! `[sip]`, `[rtp]`, `[http]`, `[records]`, `[offer]`, `[waiting]`.

use crate::limits::MOST_CALLS;
use crate::listen::{default_listen, dscp, listen};
use crate::section::{At, Section};
use crate::secure;
use crate::sink::{Sink, both};
use crate::types::{Digest, Http, Offer, Records, Rtp, Sip, Transport, Waiting};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;
/// Most calls that one engine may be told to take.
const MAX_CALLS: i64 = MOST_CALLS as i64;
/// Class Selector 3 (RFC 4594 §4.2: signalling).
const SIP_DSCP: u8 = 24;
/// Expedited Forwarding (RFC 4594 §4.1: telephony).
pub(crate) const RTP_DSCP: u8 = 46;
/// Words for a transport.
pub(crate) const TRANSPORTS: [(&str, Transport); 3] = [
    ("udp", Transport::Udp),
    ("tcp", Transport::Tcp),
    ("tls", Transport::Tls),
];

/// Words for what phones are offered.
const DIGESTS: [(&str, Digest); 2] = [("both", Digest::Both), ("md5", Digest::Md5)];

/// A section that was not in the file counts as an empty one: its defaults hold.
fn with<T>(section: Option<Section<'_>>, read: impl FnOnce(Option<&Section<'_>>) -> T) -> T {
    let value = read(section.as_ref());
    if let Some(section) = section {
        section.finish();
    }
    value
}

pub(crate) fn sip(section: Option<Section<'_>>) -> Sip {
    with(section, |s| {
        let duration = |key, from, to, default| {
            let found = s.and_then(|s| s.duration(key, from..=to));
            found.map_or(default, |found| found.value)
        };
        let dscp = s.map_or(SIP_DSCP, |s| dscp(s, SIP_DSCP));
        let t1 = duration("t1", MS(100), S(5), MS(500));
        Sip {
            listen: s.map_or_else(|| default_listen(dscp), |s| listen(s, dscp)),
            dscp,
            advertised: s.and_then(|s| s.ip("advertised")),
            tls: s.and_then(secure::tls),
            domain: s
                .and_then(|s| host_name(s, "domain"))
                .unwrap_or_else(|| "meishier.invalid".to_owned()),
            user_agent: s
                .and_then(|s| s.full_text("user_agent", "\"meishier\""))
                .map_or_else(|| "meishier".to_owned(), |text| text.value.to_owned()),
            digest: s
                .and_then(|s| s.choice("digest", &DIGESTS))
                .unwrap_or_default(),
            t1,
            t2: duration("t2", t1, S(32), S(4).max(t1)),
            t4: duration("t4", S(1), S(32), S(5)),
            nat_keep_alive: duration("nat_keep_alive", S(0), S(300), S(25)),
            max_calls: s
                .and_then(|s| s.number("max_calls", 1..=MAX_CALLS))
                .map_or(2000, |found| found.value.unsigned_abs() as usize),
        }
    })
}

/// A host name, or an IPv4 address in its place.
pub(crate) fn host_name(section: &Section<'_>, key: &'static str) -> Option<String> {
    let text = section.full_text(key, "\"12356.example.cn\"")?;
    let host = |b: u8| b.is_ascii_alphanumeric() || b".-".contains(&b);
    let fits = text.value.len() <= 253 && text.value.bytes().all(host);
    let parsed = fits.then(|| text.value.to_owned());
    section.parsed(
        key,
        &text,
        parsed,
        ("域名", "a host name"),
        "\"12356.example.cn\"",
    )
}

/// RTP, checked against the most calls: each needs a port for the caller, and each that talks one
/// for the seat and one for a third party. Nothing is checked if `[sip]` had mistakes of its own,
/// that is, if there are more than `before`; nor if nobody uses these ports (`seats` is `None`), since
/// trunks and seats are all in networks of their own.
pub(crate) fn rtp(top: &Section<'_>, sip: &Sip, seats: Option<usize>, before: usize) -> Rtp {
    let section = top.table("rtp", "[rtp]");
    let mut spans = (None, None);
    let rtp = with(section, |s| {
        let port = |key, default: u16| {
            let found = s.and_then(|s| s.number(key, 1024..=65535));
            found.map_or((default, None), |At { value, span }| {
                (u16::try_from(value).unwrap_or(default), Some(span))
            })
        };
        let (first_port, first_span) = port("first_port", 20000);
        let (last_port, last_span) = port("last_port", 29999);
        let at = s.map_or(0..0, |s| s.span.clone());
        spans = (
            first_span.clone(),
            Some(last_span.or(first_span).unwrap_or(at)),
        );
        Rtp {
            address: s
                .and_then(|s| s.ip("address"))
                .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            advertised: s.and_then(|s| s.ip("advertised")),
            dscp: s.map_or(RTP_DSCP, |s| dscp(s, RTP_DSCP)),
            first_port,
            last_port,
            threads: s
                .and_then(|s| s.number("threads", 1..=64))
                .map_or(1, |found| u16::try_from(found.value).unwrap_or(1)),
        }
    });
    let (first, span) = (rtp.first_port, spans.1.unwrap_or(0..0));
    let sound = top.sink().count() == before;
    if first % 2 == 1 {
        let next = u32::from(first) + 1;
        top.sink().error(
            &spans.0.unwrap_or_else(|| span.clone()),
            both!("first_port {first} 是奇数", "first_port {first} is odd"),
            both!(
                "RTP 用偶数端口，例如 {next}",
                "RTP uses even ports, such as {next}"
            ),
        );
    }
    if let Some(seats) = seats.filter(|_| sound) {
        check_ports(top.sink(), &rtp, &span, sip, seats);
    }
    rtp
}

fn check_ports(sink: &Sink, rtp: &Rtp, span: &Range<usize>, sip: &Sip, seats: usize) {
    let needed = sip.max_calls + 2 * sip.max_calls.min(seats);
    check_range(sink, rtp, span, sip, needed);
}

/// Notes a range that is empty, has fewer ports than `needed`, or a SIP port in it.
pub(crate) fn check_range(sink: &Sink, rtp: &Rtp, span: &Range<usize>, sip: &Sip, needed: usize) {
    let (first, last) = (rtp.first_port, rtp.last_port);
    if last <= first {
        sink.error(
            span,
            both!(
                "last_port {last} 不大于 first_port {first}",
                "last_port {last} is not above first_port {first}"
            ),
            both!("例如 20000 到 29999", "such as 20000 to 29999"),
        );
        return;
    }
    let (ports, calls) = (rtp.ports(), sip.max_calls);
    if ports < needed {
        sink.error(
            span,
            both!(
                "RTP 端口不够：{first}-{last} 有 {ports} 个偶数端口，max_calls = {calls} 需要 {needed} 个",
                "too few RTP ports: {first}-{last} has {ports} even ones, max_calls = {calls} needs {needed}"
            ),
            both!("扩大端口范围，或减小 max_calls", "widen the range, or lower max_calls"),
        );
    }
    for listen in &sip.listen {
        let (ip, port) = (listen.address.ip(), listen.address.port());
        let same = ip == rtp.address || ip.is_unspecified() || rtp.address.is_unspecified();
        if listen.transport == Transport::Udp && same && (first..=last).contains(&port) {
            sink.error(
                span,
                both!(
                    "SIP 端口 {port} 落在 RTP 端口范围内",
                    "SIP port {port} lies within the RTP ports"
                ),
                both!("移开其中一个", "move one of them"),
            );
        }
    }
}

pub(crate) fn http(section: Option<Section<'_>>) -> Http {
    with(section, |s| {
        let listen = s.and_then(|s| s.socket("listen"));
        let token = s.and_then(|s| s.full_text("token", "\"0123456789abcdef\""));
        if let (Some(s), Some(token)) = (s, &token)
            && (token.value.len() < 16 || !token.value.bytes().all(|b| b.is_ascii_graphic()))
        {
            s.sink().error(
                &token.span,
                both!(
                    "token 太短或含有不可用的字符",
                    "token is too short or has characters it may not have"
                ),
                both!(
                    "至少 16 个英文字母、数字或符号",
                    "at least 16 ASCII letters, digits or signs"
                ),
            );
        }
        if let (Some(s), Some(listen), None) = (s, &listen, &token)
            && !listen.value.ip().is_loopback()
        {
            s.sink().error(
                &listen.span,
                both!(
                    "HTTP 对外开放却没有 token",
                    "HTTP is open to others without a token"
                ),
                both!(
                    "加上 token，或只监听 127.0.0.1",
                    "add a token, or listen on 127.0.0.1 only"
                ),
            );
        }
        Http {
            listen: listen.map_or_else(
                || SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
                |at| at.value,
            ),
            token: token.map(|token| token.value.to_owned()),
        }
    })
}

pub(crate) fn records(section: Option<Section<'_>>) -> Records {
    with(section, |s| {
        let path = s.and_then(|s| s.full_text("path", "\"records.db\""));
        Records {
            path: PathBuf::from(path.map_or("records.db", |path| path.value)),
        }
    })
}

pub(crate) fn offer(section: Option<Section<'_>>) -> Offer {
    with(section, |s| {
        let duration = |key, from, to, default| {
            let found = s.and_then(|s| s.duration(key, from..=to));
            found.map_or(default, |found| found.value)
        };
        Offer {
            ring: duration("ring", S(5), S(120), S(20)),
            backoff: duration("backoff", S(0), S(600), S(30)),
            pause_after: s
                .and_then(|s| s.number("pause_after", 0..=100))
                .map_or(3, |found| u8::try_from(found.value).unwrap_or(3)),
            wrapup: duration("wrapup", S(0), S(3600), S(60)),
            keep_caller_user: s.and_then(|s| s.flag("keep_caller_user")).unwrap_or(true),
            session_expires: s.and_then(crate::trunks::session_expires),
        }
    })
}

pub(crate) fn waiting(section: Option<Section<'_>>) -> Waiting {
    with(section, |s| {
        let every = s.and_then(|s| s.duration("announce_every", S(0)..=S(600)));
        if let (Some(s), Some(every)) = (s, &every)
            && every.value > S(0)
            && every.value < S(10)
        {
            s.sink().error(
                &every.span,
                both!("announce_every 太密", "announce_every is too often"),
                both!(
                    "至少 \"10s\"；\"0s\" 表示不播报",
                    "at least \"10s\"; \"0s\" for never"
                ),
            );
        }
        Waiting {
            greeting: s.and_then(|s| s.flag("greeting")).unwrap_or(true),
            music: s.and_then(|s| s.flag("music")).unwrap_or(true),
            announce_every: every.map_or(Some(S(60)), |at| Some(at.value).filter(|d| *d > S(0))),
            ageing_step: s
                .and_then(|s| s.duration("ageing_step", S(0)..=S(86_400)))
                .map_or(S(120), |at| at.value),
            max_waiting: s
                .and_then(|s| s.number("max_waiting", 1..=MAX_CALLS))
                .map_or(1000, |found| found.value.unsigned_abs() as usize),
        }
    })
}
