//! Via (RFC 3261 §20.42) with `rport` (RFC 3581).

use crate::index::Span;
use crate::lex::{self, Params, is_token, trim};
use crate::uri::{bare_address, split_host};
use std::net::SocketAddr;

/// One Via value: who sent the message and where the response goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, … as written.
    pub transport: &'a str,
    /// Host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// Port of sent-by.
    pub port: Option<u16>,
    /// The transaction (§8.1.1.7); `None` for peers of RFC 2543.
    pub branch: Option<&'a str>,
    /// `Some(None)` if the sender asks for `rport`, `Some(Some(port))` once filled in.
    pub rport: Option<Option<u16>>,
    /// Source address that an element behind us wrote in.
    pub received: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

/// A Via value that cannot be read. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaError;

impl<'a> Via<'a> {
    /// Reads one Via value (not a list): `SIP/2.0/UDP host:port;branch=…`.
    ///
    /// # Errors
    /// [`ViaError`] if protocol, sent-by or a parameter is malformed, or one of them is repeated.
    pub fn parse(value: &'a str) -> Result<Self, ViaError> {
        match Self::read(value)? {
            (via, true) => Ok(via),
            (_, false) => Err(ViaError),
        }
    }

    /// As [`Via::parse`], but blind to malformed parameters and other versions: enough to send a
    /// 400 or 505.
    pub(crate) fn parse_sent_by(value: &'a str) -> Result<Self, ViaError> {
        Self::read(value).map(|(via, _)| via)
    }

    /// The value, and whether version and parameters are as they should be.
    fn read(value: &'a str) -> Result<(Self, bool), ViaError> {
        let (name, rest) = lex::split_once(value, b'/').ok_or(ViaError)?;
        let (version, rest) = lex::split_once(rest, b'/').ok_or(ViaError)?;
        let version = trim(version);
        if !trim(name).eq_ignore_ascii_case("SIP") || !is_token(version) {
            return Err(ViaError);
        }
        let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let (transport, rest) = rest.split_at(rest.bytes().position(lex::is_lws).ok_or(ViaError)?);
        if !is_token(transport) {
            return Err(ViaError);
        }
        let (sent_by, params) = lex::split_before(rest, b';');
        let (host, port) = split_sent_by(trim(sent_by))?;
        let mut via = Self {
            transport,
            host,
            port,
            params: Params::new(params),
            ..Self::default()
        };
        let good = via.read_params();
        Ok((via, good && version == "2.0"))
    }

    /// Takes out what is needed; false if a parameter is malformed or comes twice.
    fn read_params(&mut self) -> bool {
        const KNOWN: [&str; 5] = ["branch", "received", "rport", "maddr", "ttl"];
        let mut seen = [false; KNOWN.len()];
        self.params.visit(|name, value| {
            let Some(at) = KNOWN.iter().position(|k| k.eq_ignore_ascii_case(name)) else {
                return true;
            };
            match at {
                0 => self.branch = value.filter(|v| !v.is_empty()),
                1 => self.received = value,
                2 => {
                    let port = value.and_then(lex::number);
                    self.rport = Some(port.and_then(|n| u16::try_from(n).ok()));
                }
                _ => {}
            }
            !std::mem::replace(&mut seen[at], true)
        })
    }

    /// True if the branch was made by RFC 3261's rules and so names the transaction (§17.2.3).
    #[must_use]
    pub fn has_magic_cookie(&self) -> bool {
        self.branch.is_some_and(|b| {
            b.len() > 7 && b.is_char_boundary(7) && b[..7].eq_ignore_ascii_case("z9hG4bK")
        })
    }
}

/// Where the parts of a Via that was read stand in its message, so that it need not be read again
/// by each of those who ask for it.
#[derive(Clone, Copy, Default)]
pub(crate) struct ViaSpans {
    transport: Span,
    host: Span,
    port: Option<u16>,
    branch: Span,
    rport: Option<Option<u16>>,
    received: Option<Span>,
    params: Span,
}

impl ViaSpans {
    /// `via` was read from `whole`, which is the text at `place`.
    pub(crate) fn of(via: &Via<'_>, place: Span, whole: &str) -> Self {
        let span = |part: &str| place.part(whole, part);
        Self {
            transport: span(via.transport),
            host: span(via.host),
            port: via.port,
            branch: via.branch.map_or(Span::default(), span),
            rport: via.rport,
            received: via.received.map(span),
            params: match via.params.as_str() {
                // May be a text from elsewhere.
                "" => Span::default(),
                params => span(params),
            },
        }
    }

    /// The Via in its message's text.
    pub(crate) fn via(self, text: &str) -> Via<'_> {
        Via {
            transport: self.transport.text(text),
            host: self.host.text(text),
            port: self.port,
            branch: self.branch.some(text),
            rport: self.rport,
            received: self.received.map(|span| span.text(text)),
            params: Params(self.params.text(text)),
        }
    }
}

/// Host and port; white space around the colon is allowed (§25.1, COLON).
fn split_sent_by(text: &str) -> Result<(&str, Option<u16>), ViaError> {
    if let Ok(plain) = split_host(text) {
        return Ok(plain);
    }
    let (host, port) = text.rsplit_once(':').ok_or(ViaError)?;
    let (host, none) = split_host(trim(host)).map_err(|_| ViaError)?;
    match lex::number(trim(port)).and_then(|n| u16::try_from(n).ok()) {
        Some(port) if none.is_none() && port != 0 => Ok((host, Some(port))),
        _ => Err(ViaError),
    }
}

/// A request whose top Via says UDP, with TCP and `local` in its place (RFC 3261 §18.1.1); the
/// branch and all else stay. `None` if it is no such request.
#[must_use]
pub fn by_tcp(request: &[u8], local: SocketAddr) -> Option<Vec<u8>> {
    const BEFORE: &[u8] = b"\r\nVia: SIP/2.0/UDP ";
    let at = request.windows(BEFORE.len()).position(|it| it == BEFORE)?;
    let head_ends = request.windows(4).position(|it| it == b"\r\n\r\n");
    let (before, rest) = request.split_at_checked(at)?;
    let rest = rest.get(BEFORE.len()..)?;
    let sent_by_ends = rest.iter().position(|b| matches!(b, b';' | b'\r'))?;
    if head_ends.is_some_and(|end| end < at) {
        return None;
    }
    let changed = format!("\r\nVia: SIP/2.0/TCP {local}");
    Some([before, changed.as_bytes(), rest.get(sent_by_ends..)?].concat())
}

/// The text of a Via header line with `received` and `rport` of its first value set to where the
/// request came from (RFC 3261 §18.2.1, RFC 3581 §4): `received` if the sent-by host is not that
/// address or `rport` was asked for, `rport` only if asked for. What the sender itself claimed in
/// either is replaced; the rest of the line stays as it came.
#[must_use]
pub fn with_source(line: &str, remote: SocketAddr) -> String {
    let first = lex::list(line).next().unwrap_or("");
    let Ok(via) = Via::parse_sent_by(first) else {
        return line.to_owned();
    };
    let address = remote.ip().to_canonical();
    let same = bare_address(via.host).is_some_and(|ip| ip.to_canonical() == address);
    if same && via.rport.is_none() && via.received.is_none() {
        return line.to_owned();
    }
    let start = line.find(first).unwrap_or(0);
    let (head, _) = lex::split_before(first, b';');
    let mut out = String::with_capacity(line.len() + 48);
    out.push_str(head.trim_end());
    for (name, value) in via.params.iter() {
        if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
            continue;
        }
        out.push(';');
        out.push_str(name);
        if let Some(value) = value {
            out.push('=');
            out.push_str(value);
        }
    }
    if via.rport.is_some() || !same {
        out.push_str(";received=");
        out.push_str(&address.to_string());
    }
    if via.rport.is_some() {
        out.push_str(";rport=");
        out.push_str(&remote.port().to_string());
    }
    out.push_str(line.get(start + first.len()..).unwrap_or(""));
    out
}
