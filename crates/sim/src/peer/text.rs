//! SIP messages as text: a tolerant reader that only borrows, and a writer of one `String` each.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// The first line of a message (RFC 3261 §7.1, §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start<'a> {
    /// Method and Request-URI.
    Request { method: &'a str, uri: &'a str },
    /// Status code.
    Response { status: u16 },
}

/// A message, as far as every reader needs it; other headers are looked for on demand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub start: Start<'a>,
    /// Value of the first Via header.
    pub via: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    /// Number and method of CSeq.
    pub cseq: (u32, &'a str),
    /// What follows the empty line, cut to Content-Length.
    pub body: &'a str,
    headers: &'a str,
}

impl<'a> Message<'a> {
    /// Reads a whole message; `None` if it is none or a header that every message has is missing.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let text = text.trim_start_matches(['\r', '\n']);
        let (head, body) = match text.split_once("\r\n\r\n") {
            Some(parts) => parts,
            None => text.split_once("\n\n").unwrap_or((text, "")),
        };
        let (first, headers) = head.split_once('\n')?;
        let start = start_of(first.trim_end())?;
        let mut message = Self {
            start,
            via: "",
            from: "",
            to: "",
            call_id: "",
            cseq: (0, ""),
            body,
            headers,
        };
        let mut has_cseq = false;
        for (name, value) in lines(headers) {
            match long_name(name) {
                Name::Via if message.via.is_empty() => message.via = value,
                Name::From => message.from = value,
                Name::To => message.to = value,
                Name::CallId => message.call_id = value,
                Name::CSeq => {
                    let (number, method) = value.split_once([' ', '\t'])?;
                    message.cseq = (number.parse().ok()?, method.trim());
                    has_cseq = true;
                }
                Name::ContentLength => {
                    let length: usize = value.parse().ok()?;
                    message.body = body.get(..length.min(body.len()))?;
                }
                _ => {}
            }
        }
        let whole =
            has_cseq && ![message.via, message.from, message.to, message.call_id].contains(&"");
        whole.then_some(message)
    }

    /// The values of a header by its long name, one a line, in their order.
    pub(crate) fn headers(&self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        lines(self.headers)
            .filter(move |(found, _)| {
                found.eq_ignore_ascii_case(name)
                    || (found.len() == 1 && compact(found).eq_ignore_ascii_case(name))
            })
            .map(|(_, value)| value)
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// The branch of the topmost Via; empty if it has none.
    pub(crate) fn branch(&self) -> &'a str {
        // A Via line may hold several values; commas do not occur inside one.
        let top = self.via.split(',').next().unwrap_or_default();
        parameter(top, "branch").unwrap_or_default()
    }

    /// The branch as a number, if this end made it.
    pub(crate) fn own_branch(&self) -> Option<u64> {
        u64::from_str_radix(self.branch().strip_prefix(MAGIC)?, 16).ok()
    }

    /// The URI of Contact.
    pub(crate) fn contact(&self) -> Option<&'a str> {
        self.header("Contact").map(uri_of)
    }
}

/// What every branch begins with (RFC 3261 §8.1.1.7).
pub(crate) const MAGIC: &str = "z9hG4bK";

fn start_of(line: &str) -> Option<Start<'_>> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let status = rest.get(..3)?.parse().ok()?;
        return Some(Start::Response { status });
    }
    let mut words = line.split(' ');
    let (method, uri, version) = (words.next()?, words.next()?, words.next()?);
    version
        .eq_ignore_ascii_case("SIP/2.0")
        .then_some(Start::Request { method, uri })
}

/// Names and values; folded lines (§7.3.1) stay in one value.
fn lines(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let mut end = 0;
            loop {
                match rest[end..].find('\n') {
                    Some(at) => end += at + 1,
                    None => end = rest.len(),
                }
                if !rest[end..].starts_with([' ', '\t']) {
                    break;
                }
            }
            let (line, after) = rest.split_at(end);
            rest = after;
            if let Some((name, value)) = line.split_once(':') {
                return Some((name.trim(), value.trim()));
            }
        }
        None
    })
}

enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    ContentLength,
    Other,
}

fn long_name(name: &str) -> Name {
    let long = if name.len() == 1 { compact(name) } else { name };
    match long.len() {
        2 if long.eq_ignore_ascii_case("To") => Name::To,
        3 if long.eq_ignore_ascii_case("Via") => Name::Via,
        4 if long.eq_ignore_ascii_case("From") => Name::From,
        4 if long.eq_ignore_ascii_case("CSeq") => Name::CSeq,
        7 if long.eq_ignore_ascii_case("Call-ID") => Name::CallId,
        14 if long.eq_ignore_ascii_case("Content-Length") => Name::ContentLength,
        _ => Name::Other,
    }
}

/// Compact forms (§7.3.3) of the headers that are read here.
fn compact(name: &str) -> &'static str {
    match name {
        "v" | "V" => "Via",
        "f" | "F" => "From",
        "t" | "T" => "To",
        "i" | "I" => "Call-ID",
        "m" | "M" => "Contact",
        "l" | "L" => "Content-Length",
        "c" | "C" => "Content-Type",
        "k" | "K" => "Supported",
        _ => "",
    }
}

/// The value without a quoted display name, which may hold anything.
fn after_display(value: &str) -> &str {
    let Some(quoted) = value.strip_prefix('"') else {
        return value;
    };
    let mut escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return &quoted[at + 1..],
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

/// The URI of a name-addr or addr-spec (§20.10).
pub(crate) fn uri_of(value: &str) -> &str {
    let value = after_display(value);
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split([';', ',']).next().unwrap_or(value).trim(),
    }
}

/// The user part of a SIP URI, or the number of a `tel:` URI; empty if there is none.
pub(crate) fn user_of(uri: &str) -> &str {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    if scheme.eq_ignore_ascii_case("tel") {
        return rest.split(';').next().unwrap_or(rest);
    }
    let user = rest.split_once('@').map_or("", |(user, _)| user);
    user.split([':', ';']).next().unwrap_or(user)
}

/// The tag of From or To; empty if there is none.
pub(crate) fn tag_of(value: &str) -> &str {
    let value = after_display(value);
    let params = value.split_once('>').map_or(value, |(_, params)| params);
    parameter(params, "tag").unwrap_or_default()
}

/// A parameter among `;name=value` ones; `Some("")` if it has no value.
pub(crate) fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').skip(1).find_map(|part| {
        let (found, value) = part.split_once('=').unwrap_or((part, ""));
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim())
    })
}

/// A message that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// A request (§8.1.1) by this branch; Via names where the answer goes, and asks for the port
    /// that was seen (RFC 3581).
    pub(crate) fn request(
        method: &str,
        uri: &str,
        transport: &str,
        address: SocketAddr,
        branch: u64,
    ) -> Self {
        let mut text = String::with_capacity(768);
        let _ = write!(
            text,
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {address};branch={MAGIC}{branch:016x};rport\r\n"
        );
        Self { text }
    }

    /// A response (§8.2.6): Via, From, Call-ID and CSeq are the request's, and To, with this tag if
    /// the request had none. `from` is where the request came from (§18.2.1, RFC 3581 §4).
    pub(crate) fn response(request: &Message<'_>, status: u16, tag: u64, from: SocketAddr) -> Self {
        let mut text = String::with_capacity(768);
        let _ = write!(text, "SIP/2.0 {status} {}\r\n", phrase(status));
        for (index, via) in request.headers("Via").enumerate() {
            let asks = index == 0 && parameter(via, "rport") == Some("");
            match via.split_once(";rport").filter(|_| asks) {
                Some((before, after)) => {
                    let (ip, port) = (from.ip(), from.port());
                    let _ = write!(text, "Via: {before};received={ip};rport={port}{after}\r\n");
                }
                None => {
                    let _ = write!(text, "Via: {via}\r\n");
                }
            }
        }
        let _ = write!(text, "From: {}\r\nTo: {}", request.from, request.to);
        // 100 has no tag of its own (§8.2.6.2 lets it).
        if status > 100 && tag_of(request.to).is_empty() {
            let _ = write!(text, ";tag={tag:016x}");
        }
        let (number, method) = request.cseq;
        let _ = write!(
            text,
            "\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\n",
            request.call_id
        );
        Self { text }
    }

    /// One header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    /// One header of a value that is still to be put together.
    pub(crate) fn format(mut self, name: &str, value: std::fmt::Arguments<'_>) -> Self {
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    /// The end, with an SDP body if there is one.
    pub(crate) fn finish(mut self, sdp: Option<&str>) -> Vec<u8> {
        if sdp.is_some() {
            self.text.push_str("Content-Type: application/sdp\r\n");
        }
        let body = sdp.unwrap_or_default();
        let _ = write!(self.text, "Content-Length: {}\r\n\r\n{body}", body.len());
        self.text.into_bytes()
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Unknown",
    }
}
