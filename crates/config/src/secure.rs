//! `[sip.tls]`: certificates, and whether all that is to go by TLS can; `srtp` of trunks and seats.

use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::types::{Seat, SeatContact, Sip, Srtp, Tls, Transport, Trunk};
use std::ops::Range;
use std::path::PathBuf;

/// Reads `[sip.tls]`.
pub(crate) fn tls(sip: &Section<'_>) -> Option<Tls> {
    let section = sip.table("tls", "[sip.tls]")?;
    let file = |key, example| {
        let text = section.full_text(key, example);
        text.map(|text| PathBuf::from(text.value))
    };
    let certificate = section.need_text("certificate", "\"sip.pem\"");
    let key = section.need_text("key", "\"sip.key\"");
    let (client_ca, trusted_ca) = (
        file("client_ca", "\"seats-ca.pem\""),
        file("trusted_ca", "\"carrier-ca.pem\""),
    );
    section.finish();
    // What is lacking was told; an empty path lets the rest be checked.
    let path = |text: Option<At<&str>>| PathBuf::from(text.map_or("", |text| text.value));
    Some(Tls {
        certificate: path(certificate),
        key: path(key),
        client_ca,
        trusted_ca,
    })
}

/// Words of `srtp`.
const SRTP: [(&str, Srtp); 3] = [
    ("off", Srtp::Off),
    ("if_offered", Srtp::IfOffered),
    ("required", Srtp::Required),
];

/// Reads `srtp`. Its keys stand in SIP messages: who can read those can listen (RFC 4568 §8.3).
pub(crate) fn srtp(section: &Section<'_>, tls: bool) -> Srtp {
    let wanted = section.choice("srtp", &SRTP);
    if let (false, Some(Srtp::IfOffered | Srtp::Required), Some(value)) =
        (tls, wanted, section.raw("srtp"))
    {
        section.sink().warn(
            &value.span(),
            both!(
                "SRTP 的密钥随 SIP 明文传送，截获者可以解密通话",
                "keys of SRTP go by plain SIP: whoever reads along can listen"
            ),
            both!(
                "改用 transport = \"tls\"，或确认该网络可信",
                "use transport = \"tls\", or be sure of that network"
            ),
        );
    }
    wanted.unwrap_or_default()
}

/// Notes listeners, trunks and seats that are to speak TLS without what it takes. `span` is where
/// `[sip]` stands.
pub(crate) fn check(sink: &Sink, span: &Range<usize>, sip: &Sip, trunks: &[Trunk], seats: &[Seat]) {
    let listens = sip.listen.iter().any(|it| it.transport == Transport::Tls);
    if listens && sip.tls.is_none() {
        sink.error(
            span,
            both!(
                "监听 TLS 却没有证书",
                "TLS is listened on without a certificate"
            ),
            both!(
                "加上 [sip.tls] certificate = \"证书.pem\"、key = \"私钥.pem\"",
                "add [sip.tls] certificate = \"…pem\", key = \"…pem\""
            ),
        );
    }
    let speaks = |trunk: &&Trunk| {
        let to = trunk
            .to
            .iter()
            .any(|to| to.transport == Some(Transport::Tls));
        to || trunk.transport == Transport::Tls
    };
    let trunk = trunks.iter().find(speaks);
    let by_tls = |seat: &&Seat| {
        let tls = Transport::Tls;
        matches!(seat.contact, SeatContact::Static { transport, .. } if transport == tls)
    };
    let name = trunk.map(|it| &it.name);
    let Some(name) = name.or_else(|| Some(&seats.iter().find(by_tls)?.name)) else {
        return;
    };
    if !listens {
        sink.error(
            span,
            both!(
                "{name:?} 用 TLS，却没有监听 TLS",
                "{name:?} is to use TLS, which is not listened on"
            ),
            both!(
                "在 listen 中加上 \"tls:地址:5061\"：对方的请求也要有地方来",
                "add \"tls:address:5061\" to listen: the peer's requests need a way in"
            ),
        );
    }
    if sip.tls.as_ref().is_some_and(|tls| tls.trusted_ca.is_none()) {
        sink.error(
            span,
            both!(
                "{name:?} 用 TLS，却没有写信任哪些证书颁发者",
                "{name:?} is to use TLS, but it is not said whose certificates are trusted"
            ),
            both!(
                "在 [sip.tls] 加上 trusted_ca = \"颁发者.pem\"",
                "add trusted_ca = \"…pem\" to [sip.tls]"
            ),
        );
    }
}
