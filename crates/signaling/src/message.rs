//! A SIP message: the bytes as they came, and an index of where its parts stand.
//!
//! ```text
//!   bytes ── "INVITE sip:12356@… SIP/2.0\r\nVia: …\r\n…\r\n\r\nv=0…"     one allocation
//!   index ── start line, (name, value) × n, where the body begins       one allocation
//! ```
//!
//! Values are read when they are asked for; headers that nobody asks for are never looked at and
//! can be copied verbatim. What every element needs (Via, From, To, Call-ID, CSeq, Content-Length)
//! is checked once, in [`Message::parse`].

pub use crate::address::{AddressError, NameAddr};
pub use crate::error::ParseError;
pub use crate::field::Field;
pub use crate::header::HeaderName;
pub use crate::method::Method;
pub use crate::via::{Via, ViaError};

use crate::error::substitute;
use crate::index::{self, Head, Line, Span, Start};
use crate::lex;
use crate::via::ViaSpans;
use std::borrow::Cow;
use std::fmt;

/// A request or response that was read and checked.
#[derive(Clone)]
pub struct Message {
    store: Store,
    start: Start,
    lines: Vec<Line>,
    body: u16,
    known: Known,
}

/// What [`check`] has read anyway and others ask for again and again. An empty span is "none".
#[derive(Clone, Copy, Default)]
struct Known {
    sequence: u32,
    sequence_method: Span,
    from_tag: Span,
    to_tag: Span,
    via: ViaSpans,
}

/// The message as it came, and its head as it is read. In that, folds are kept in length but are
/// spaces (RFC 3261 §7.3.1 makes them equal), so that no value holds a line end.
#[derive(Clone)]
enum Store {
    /// All of it is UTF-8 and as it came: one allocation.
    Text(Box<str>),
    /// The bytes, and the head with SUB for each byte that is not UTF-8 and spaces for folds.
    Mixed { bytes: Box<[u8]>, head: Box<str> },
}

impl Store {
    /// For messages with folds or bytes that are not UTF-8, or whose body is cut within a character.
    fn mixed(bytes: &[u8], text: &str, head: &Head) -> Result<Self, ParseError> {
        let mut clean = text.as_bytes().get(..head.body).unwrap_or(&[]).to_vec();
        if head.folded {
            unfold(&mut clean);
        }
        let head = String::from_utf8(clean).map_err(|_| ParseError::HeaderLine)?;
        Ok(Self::Mixed {
            bytes: bytes.into(),
            head: head.into_boxed_str(),
        })
    }
}

/// Shows method or status only: everything else may tell who calls.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            Start::Request { method, .. } => write!(f, "Message({method} …)"),
            Start::Response { status, .. } => write!(f, "Message({status} …)"),
        }
    }
}

impl Message {
    /// Most bytes of one message.
    pub const MAX_BYTES: usize = 65_535;
    /// Most header fields of one message, counted by lines.
    pub const MAX_HEADERS: usize = 128;

    /// Reads one message from a datagram, or from what the TCP framer cut out.
    ///
    /// Line ends before the start line are skipped (RFC 3261 §7.5). Bytes beyond Content-Length
    /// are dropped; without Content-Length the body is all that is left (§18.3).
    ///
    /// # Errors
    /// [`ParseError`] says what is wrong; [`ParseError::reply_400`] builds the answer.
    pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ParseError::TooLarge);
        }
        let skip = bytes
            .iter()
            .position(|b| !matches!(b, b'\r' | b'\n'))
            .ok_or(ParseError::Empty)?;
        let bytes = &bytes[skip..];
        let text = substitute(bytes);
        let head = index::head(&text, Self::MAX_HEADERS)?;
        let known = check(&text, &head)?;
        let end = body_end(&text, &head)?;
        let store = match text.get(..end) {
            Some(all) if !head.folded && matches!(text, Cow::Borrowed(_)) => {
                Store::Text(all.into())
            }
            _ => Store::mixed(&bytes[..end], &text, &head)?,
        };
        let Head {
            start, lines, body, ..
        } = head;
        Ok(Self {
            store,
            start,
            lines,
            body: body as u16,
            known,
        })
    }

    fn text(&self) -> &str {
        match &self.store {
            Store::Text(text) => text,
            Store::Mixed { head, .. } => head,
        }
    }

    /// The message as it came, without what stood before the start line and behind the body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.store {
            Store::Text(text) => text.as_bytes(),
            Store::Mixed { bytes, .. } => bytes,
        }
    }

    /// The body; empty if there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes().get(usize::from(self.body)..).unwrap_or(&[])
    }

    /// True for a request, false for a response.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request; `None` for a response.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The method as written: of a request, or in the CSeq of a response.
    #[must_use]
    pub fn method_str(&self) -> &str {
        match self.start {
            Start::Request { name, .. } => name.text(self.text()),
            Start::Response { .. } => self.known.sequence_method.text(self.text()),
        }
    }

    /// The status of a response, 100 to 699; `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response, as it came; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        match self.start {
            Start::Request { .. } => &[],
            Start::Response { reason, .. } => reason.bytes(self.bytes()),
        }
    }

    /// The Request-URI of a request, known to be well-formed; empty for a response.
    #[must_use]
    pub fn request_uri(&self) -> &str {
        match self.start {
            Start::Request { uri, .. } => uri.text(self.text()),
            Start::Response { .. } => "",
        }
    }

    /// The value of the first line with this header, trimmed. Each byte that is not UTF-8 reads
    /// as SUB (U+001A); [`Message::header_bytes`] has it as it came.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers(name).next()
    }

    /// The values of all lines with this header, in order. A line may hold a comma list;
    /// [`Message::values`] takes it apart.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |line| line.name == name)
            .map(|line| line.value.text(self.text()))
    }

    /// The values of all lines with this header as they came, byte for byte; folds are still in them.
    pub fn header_bytes(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name == name)
            .map(|line| line.value.bytes(self.bytes()))
    }

    /// The elements of all lines with this header, comma lists taken apart. For Via, Contact,
    /// Route, Record-Route, Require, Supported, Allow and their kin (§7.3.1).
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.headers(name).flat_map(lex::list)
    }

    /// The value of the first line with the header of this name, whatever its case. For headers
    /// that [`HeaderName`] does not know; long form only for those that it does.
    #[must_use]
    pub fn raw_header(&self, name: &str) -> Option<&str> {
        let text = self.text();
        let known = HeaderName::of(name);
        let same = |line: &&Line| match known {
            HeaderName::Other => line.name_text(text).eq_ignore_ascii_case(name),
            known => line.name == known,
        };
        self.lines
            .iter()
            .find(same)
            .map(|line| line.value.text(text))
    }

    /// Name as written and value of every header line, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.text();
        self.lines
            .iter()
            .map(move |line| (line.name_text(text), line.value.text(text)))
    }

    /// Every header field as it came, in order: what [`crate::builder::Builder::field`] hands on.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let bytes = self.bytes();
        // Each ends before the line end of its last line; behind the last one the head ends too.
        let starts = self.lines.iter().map(|line| usize::from(line.name_start));
        let last = usize::from(self.body).saturating_sub(2);
        let ends = starts.clone().skip(1).chain([last]);
        let places = starts.zip(ends);
        self.lines
            .iter()
            .zip(places)
            .map(move |(line, (start, end))| {
                let whole = bytes.get(start..end.saturating_sub(2)).unwrap_or(&[]);
                Field::new(line.name, usize::from(line.name_len), whole)
            })
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.header(HeaderName::CallId).unwrap_or("")
    }

    /// Sequence number and method as written.
    #[must_use]
    pub fn cseq(&self) -> (u32, &str) {
        (
            self.known.sequence,
            self.known.sequence_method.text(self.text()),
        )
    }

    /// The method that CSeq names.
    #[must_use]
    pub fn cseq_method(&self) -> Method {
        match self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => Method::of(self.known.sequence_method.text(self.text())),
        }
    }

    /// The tag of From; `None` for peers of RFC 2543.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        self.known.from_tag.some(self.text())
    }

    /// The tag of To; `None` outside dialogs.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.known.to_tag.some(self.text())
    }

    /// The first Via value; known to be well-formed.
    #[must_use]
    pub fn top_via(&self) -> Via<'_> {
        self.known.via.via(self.text())
    }

    /// From.
    ///
    /// # Errors
    /// None in a message that was parsed; the type is that of other addresses.
    pub fn from_addr(&self) -> Result<NameAddr<'_>, AddressError> {
        NameAddr::parse(self.header(HeaderName::From).ok_or(AddressError::Missing)?)
    }

    /// To.
    ///
    /// # Errors
    /// None in a message that was parsed; the type is that of other addresses.
    pub fn to_addr(&self) -> Result<NameAddr<'_>, AddressError> {
        NameAddr::parse(self.header(HeaderName::To).ok_or(AddressError::Missing)?)
    }

    /// The first Contact.
    ///
    /// # Errors
    /// [`AddressError`] if there is none or it is malformed.
    pub fn contact(&self) -> Result<NameAddr<'_>, AddressError> {
        self.contacts().next().unwrap_or(Err(AddressError::Missing))
    }

    /// Every Contact. `Contact: *` gives an address whose URI is `*`.
    pub fn contacts(&self) -> impl Iterator<Item = Result<NameAddr<'_>, AddressError>> {
        self.values(HeaderName::Contact).map(NameAddr::parse)
    }

    /// Max-Forwards; `None` if absent or not a number.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        self.header(HeaderName::MaxForwards).and_then(lex::number)
    }

    /// The media type of the body without its parameters, such as `application/sdp`; empty if absent.
    #[must_use]
    pub fn content_type(&self) -> &str {
        let value = self.header(HeaderName::ContentType).unwrap_or("");
        lex::trim(value.split(';').next().unwrap_or(""))
    }
}

/// What every message must have (§8.1.1), and what may come once only.
fn check(text: &str, head: &Head) -> Result<Known, ParseError> {
    let mut seen = 0_u128;
    let mut found: [Option<Span>; 5] = [None; 5];
    for line in &head.lines {
        let bit = 1_u128 << line.name as u8;
        if seen & bit != 0 {
            if line.name.is_single() {
                return Err(ParseError::Repeated(line.name));
            }
            continue;
        }
        seen |= bit;
        if let Some(place) = found.get_mut(line.name as usize) {
            *place = Some(line.value);
        }
    }
    let get = |name: HeaderName| {
        let value = found
            .get(name as usize)
            .copied()
            .flatten()
            .ok_or(ParseError::Missing(name))?;
        Ok((value.text(text), value))
    };
    let (line, place) = get(HeaderName::Via)?;
    let via = lex::list(line).next().map(Via::parse);
    let Some(Ok(via)) = via else {
        return Err(ParseError::Malformed(HeaderName::Via));
    };
    let via = ViaSpans::of(&via, place, line);
    let tag = |name: HeaderName| {
        let (value, span) = get(name)?;
        let address = NameAddr::parse(value).map_err(|_| ParseError::Malformed(name))?;
        Ok(address
            .tag()
            .map_or(Span::default(), |tag| span.part(value, tag)))
    };
    let (from_tag, to_tag) = (tag(HeaderName::From)?, tag(HeaderName::To)?);
    let (call_id, _) = get(HeaderName::CallId)?;
    if call_id.is_empty() || call_id.bytes().any(lex::is_lws) {
        return Err(ParseError::Malformed(HeaderName::CallId));
    }
    let (cseq, span) = get(HeaderName::CSeq)?;
    let (number, method) = read_cseq(cseq).ok_or(ParseError::Malformed(HeaderName::CSeq))?;
    if let Start::Request { name, .. } = head.start
        && name.text(text) != method
    {
        return Err(ParseError::MethodMismatch);
    }
    let end = usize::from(span.end);
    Ok(Known {
        sequence: number,
        sequence_method: Span::of(end - method.len(), end),
        from_tag,
        to_tag,
        via,
    })
}

/// Number below 2³² (RFC 3261 §8.1.1.5 asks below 2³¹ of the sender; RFC 4475 §3.1.2.4 refuses
/// beyond 32 bits) and method.
fn read_cseq(value: &str) -> Option<(u32, &str)> {
    let (number, method) = value.split_at(value.bytes().position(lex::is_lws)?);
    let method = lex::trim(method);
    lex::is_token(method).then_some((lex::number(number)?, method))
}

/// Where the message ends (§18.3).
fn body_end(text: &str, head: &Head) -> Result<usize, ParseError> {
    let Some(line) = head
        .lines
        .iter()
        .find(|line| line.name == HeaderName::ContentLength)
    else {
        return Ok(text.len());
    };
    let length = lex::number(line.value.text(text))
        .ok_or(ParseError::Malformed(HeaderName::ContentLength))?;
    let end = head.body.saturating_add(length as usize);
    if end > Message::MAX_BYTES {
        return Err(ParseError::TooLarge);
    }
    if end > text.len() {
        return Err(ParseError::BodyTooShort);
    }
    Ok(end)
}

/// Spaces for the line end of every fold; the length stays.
fn unfold(head: &mut [u8]) {
    for i in 2..head.len() {
        if matches!(head[i], b' ' | b'\t') && head[i - 1] == b'\n' && head[i - 2] == b'\r' {
            head[i - 1] = b' ';
            head[i - 2] = b' ';
        }
    }
}
