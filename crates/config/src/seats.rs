//! `[[seats]]`, single or as a range of names.

use crate::limits::{MOST_POOLS_OF_A_SEAT, MOST_SEATS};
use crate::names::{Known, check_plain};
use crate::section::{At, Section};
use crate::secure::srtp;
use crate::service::TRANSPORTS;
use crate::sink::{Sink, both};
use crate::types::{Seat, SeatContact, Transport};
use crate::value::{NUMBER, Names, NamesError};
use meishier_model::PoolId;
use std::net::SocketAddr;

/// Reads all seats and gives them their indices.
pub(crate) fn seats(
    sections: Vec<Section<'_>>,
    known: &mut Known,
    pools: &Known,
    networks: &Known,
) -> Vec<Seat> {
    let mut out = Vec::new();
    for section in sections {
        let (first, network) = (out.len(), crate::networks::named(&section, networks));
        entry(&section, known, pools, &mut out);
        for seat in out.iter_mut().skip(first) {
            seat.network = network;
        }
        section.finish();
    }
    out
}

fn entry(section: &Section<'_>, known: &mut Known, pools: &Known, out: &mut Vec<Seat>) {
    let sink = section.sink();
    let name = section.need_text("name", "\"gy01\"");
    let title = section.full_text("title", "\"贵阳一号\"");
    let pools = seat_pools(section, pools);
    let contact = contact(section);
    // A telephone that registers comes by what it likes; one with a fixed address says.
    let tls =
        !matches!(&contact, Contact::Static { transport, .. } if *transport != Transport::Tls);
    let srtp = srtp(section, tls);
    let Some(name) = name else { return };
    let Some(names) = names(sink, "name", &name, MOST_SEATS, out.len()) else {
        return known.broken(name.value);
    };
    number_outside_range(section, &names);
    for (seat, number) in names.iter() {
        let before = sink.count();
        check_plain(sink, "name", &seat, &name.span);
        known.add(sink, &seat, &name.span);
        let title = title
            .as_ref()
            .map_or(seat.clone(), |t| t.value.replace(NUMBER, &number));
        let contact = contact.resolve(section, &number);
        out.push(Seat {
            name: seat,
            title,
            contact,
            network: None,
            pools: pools.clone(),
            srtp,
        });
        if sink.count() > before {
            // The rest of a range would only say the same again.
            return;
        }
    }
}

/// Reads a name or a range, and notes when there would be too many.
pub(crate) fn names<'t>(
    sink: &Sink,
    key: &str,
    text: &At<&'t str>,
    most: usize,
    before: usize,
) -> Option<Names<'t>> {
    let value = text.value;
    let names = match Names::parse(value) {
        Ok(names) => names,
        Err(error) => {
            let help = match error {
                NamesError::Form => both!(
                    "范围写成 \"a{{0000..0999}}\"，两端位数相同",
                    "write a range as \"a{{0000..0999}}\", both ends with as many digits"
                ),
                NamesError::Falling => both!("小的在前", "the lower end comes first"),
            };
            let message = both!(
                "{key} 的范围看不懂：{value:?}",
                "{key} has a bad range: {value:?}"
            );
            sink.error(&text.span, message, help);
            return None;
        }
    };
    let count = before + names.len();
    if count > most {
        sink.error(
            &text.span,
            both!(
                "太多了：到这里已有 {count} 个",
                "too many: {count} up to here"
            ),
            both!("最多 {most} 个", "at most {most}"),
        );
        return None;
    }
    Some(names)
}

/// Notes `{n}` where there is no range that would give it a number.
fn number_outside_range(section: &Section<'_>, names: &Names<'_>) {
    if names.is_range() {
        return;
    }
    for key in ["title", "password", "contact"] {
        if let Some(text) = section
            .raw(key)
            .and_then(|v| Some((v.get_ref().as_str()?, v.span())))
            && text.0.contains(NUMBER)
        {
            section.sink().error(
                &text.1,
                both!(
                    "{key} 中有 {NUMBER}，但 name 不是范围",
                    "{key} has {NUMBER}, but name is no range"
                ),
                both!(
                    "{NUMBER} 只在 name = \"a{{01..09}}\" 时可用",
                    "{NUMBER} needs name = \"a{{01..09}}\""
                ),
            );
        }
    }
}

fn seat_pools(section: &Section<'_>, known: &Known) -> Vec<PoolId> {
    let sink = section.sink();
    let texts = section.texts("pools", MOST_POOLS_OF_A_SEAT);
    if texts.is_empty() {
        match section.raw("pools") {
            Some(value) if value.get_ref().is_array() => {
                let message = both!("坐席不属于任何坐席组", "the seat belongs to no pool");
                sink.error(
                    &value.span(),
                    message,
                    both!("例如 [\"city\"]", "such as [\"city\"]"),
                );
            }
            Some(_) => {}
            None => section.missing("pools", "[\"city\"]"),
        }
    }
    let mut out = Vec::new();
    for text in texts {
        let Some(id) = known.find(sink, &text) else {
            continue;
        };
        let id = PoolId(u16::try_from(id).unwrap_or(u16::MAX));
        let value = text.value;
        if out.contains(&id) {
            let message = both!("pools 中 {value:?} 重复", "pools has {value:?} twice");
            sink.error(&text.span, message, both!("删去一个", "remove one"));
        } else {
            out.push(id);
        }
    }
    out
}

/// A contact before `{n}` has its number.
enum Contact<'f> {
    Register(&'f str),
    Static {
        uri: At<&'f str>,
        address: Option<SocketAddr>,
        transport: Transport,
    },
    Nothing,
}

fn contact<'f>(section: &Section<'f>) -> Contact<'f> {
    let sink = section.sink();
    let password = section.full_text("password", "\"请换成自己的密码\"");
    let uri = section.full_text("contact", "\"sip:gy01@192.0.2.20:5060\"");
    let address = section.socket("address").map(|at| at.value);
    let transport = section.choice("transport", &TRANSPORTS).unwrap_or_default();
    match (password, uri) {
        (Some(password), None) => Contact::Register(password.value),
        (None, Some(uri)) => Contact::Static {
            uri,
            address,
            transport,
        },
        (Some(_), Some(uri)) => {
            sink.error(
                &uri.span,
                both!(
                    "password 和 contact 只能有一个",
                    "only one of password and contact is possible"
                ),
                both!(
                    "会注册的话机写 password，地址固定的写 contact",
                    "password for a telephone that registers, contact for a fixed address"
                ),
            );
            Contact::Nothing
        }
        (None, None) => {
            if section.raw("password").is_none() && section.raw("contact").is_none() {
                section.missing("password", "\"请换成自己的密码\"");
            }
            Contact::Nothing
        }
    }
}

impl Contact<'_> {
    fn resolve(&self, section: &Section<'_>, number: &str) -> SeatContact {
        match self {
            Self::Nothing => SeatContact::Register {
                password: String::new(),
            },
            Self::Register(password) => SeatContact::Register {
                password: password.replace(NUMBER, number),
            },
            Self::Static {
                uri,
                address,
                transport,
            } => {
                let text = uri.value.replace(NUMBER, number);
                let parsed = address
                    .or_else(|| uri_address(&text))
                    .filter(|_| is_uri(&text));
                let what = ("带 IP 地址的 SIP 地址", "a SIP address with an IP address");
                let example = "\"sip:gy01@192.0.2.20:5060\"";
                let parsed = section.parsed("contact", uri, parsed, what, example);
                let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
                SeatContact::Static {
                    uri: text,
                    address: parsed.unwrap_or(nowhere),
                    transport: *transport,
                }
            }
        }
    }
}

/// True if the text can stand as a Request-URI: `sip:` and no character that ends one.
fn is_uri(text: &str) -> bool {
    text.starts_with("sip:")
        && text.len() <= 256
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"{}\\".contains(&b))
}

/// The address that a URI names, port 5060 if it names none; `None` for a host name.
fn uri_address(uri: &str) -> Option<SocketAddr> {
    let rest = uri.strip_prefix("sip:")?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split([';', '?']).next()?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let alone = bare.parse().ok().map(|ip| SocketAddr::new(ip, 5060));
    alone.or_else(|| host.parse().ok())
}
