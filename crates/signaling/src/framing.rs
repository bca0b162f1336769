//! Cuts SIP messages out of a TCP stream (RFC 3261 §18.3) and counts keep-alives (RFC 5626 §3.5.1).
//!
//! ```text
//!   push(bytes) ─► buffer ─► next() ─► message │ nothing yet │ error: close the connection
//!                              └─ CRLF CRLF between messages ─► take_pings()
//! ```
//!
//! On a stream only Content-Length says where a message ends. Of a message without one, or with one
//! that cannot be read, the head is given out, so that its sender can be told (RFC 3261 §18.3);
//! whatever comes after it could be anything and is dropped, until the connection ends.

use crate::header::HeaderName;
use crate::index::header_line;
use crate::lex;
use crate::message::Message;
use std::fmt;

/// Why a stream cannot be read on; the peer is at fault and the connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FramingError {
    /// Headers longer than [`Message::MAX_BYTES`].
    TooLarge,
    /// More bytes pushed than [`TcpFramer::MAX_BUFFERED`] before any was taken out, or after the
    /// stream was lost.
    Overrun,
    /// A byte that no start line begins with.
    NotSip,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "message too large",
            Self::Overrun => "too many bytes buffered",
            Self::NotSip => "not SIP",
        })
    }
}

impl std::error::Error for FramingError {}

/// The unread bytes of one TCP connection.
#[derive(Debug, Default)]
pub struct TcpFramer {
    buffer: Buffer,
    /// Bytes already searched for the empty line, so that a peer who sends byte by byte costs no
    /// more than one who does not.
    searched: usize,
    /// Length of the message at the front, once its head is complete.
    length: Option<usize>,
    /// Line ends seen since the last message.
    line_ends: u32,
    pings: u32,
    /// Bytes dropped since nobody can tell any more where a message ends.
    lost: Option<usize>,
    failed: Option<FramingError>,
}

/// What stands at the front of the buffer.
enum Front {
    /// A head that is not complete.
    Part,
    /// A message of this length; its body may still be under way.
    Message(usize),
    /// A head of this length, and nobody knows how long its body is.
    Endless(usize),
}

/// Bytes with a consumed front. `Debug` shows lengths only.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    front: usize,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.rest().len())
    }
}

impl Buffer {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.front..).unwrap_or(&[])
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.front > 0 {
            self.bytes.drain(..self.front);
            self.front = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn consume(&mut self, count: usize) {
        self.front = (self.front + count).min(self.bytes.len());
        if self.front == self.bytes.len() {
            self.front = 0;
            self.bytes.clear();
            // An idle connection should not keep the room of its largest message.
            self.bytes.shrink_to(4096);
        }
    }
}

impl TcpFramer {
    /// Most bytes kept: one message and what one read may bring behind it.
    pub const MAX_BUFFERED: usize = 2 * (Message::MAX_BYTES + 1);

    /// The framer of a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was read. Call [`TcpFramer::next`] until it gives nothing before the next
    /// read; more than [`TcpFramer::MAX_BUFFERED`] at once fails the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if let Some(dropped) = &mut self.lost {
            *dropped = dropped.saturating_add(bytes.len());
            if *dropped > Self::MAX_BUFFERED {
                self.fail(FramingError::Overrun);
            }
            return;
        }
        if self.buffer.rest().len() + bytes.len() > Self::MAX_BUFFERED {
            self.fail(FramingError::Overrun);
            return;
        }
        self.buffer.push(bytes);
    }

    /// The next whole message, not yet parsed; `None` if more bytes are needed, and for ever after
    /// a head whose body has no end that can be known.
    ///
    /// # Errors
    /// [`FramingError`], the same again on every further call.
    #[allow(
        clippy::should_implement_trait,
        reason = "it yields Result<Option<…>>, which no iterator does"
    )]
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let taken = self.take_message();
        if let Err(error) = taken {
            self.fail(error);
        }
        taken
    }

    /// How many keep-alives (double CRLF) came since the last call; each is to be answered with
    /// one CRLF (RFC 5626 §4.4.1). One answer for all of them is enough for any peer.
    pub fn take_pings(&mut self) -> u32 {
        std::mem::take(&mut self.pings)
    }

    /// Bytes waiting for the rest of their message. Never 0 once the stream is lost, so that whoever
    /// closes connections with unfinished messages closes this one.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.lost.map_or(self.buffer.rest().len(), |n| n.max(1))
    }

    fn fail(&mut self, error: FramingError) {
        self.failed = Some(error);
        self.lost = None;
        self.buffer = Buffer::default();
    }

    fn take_message(&mut self) -> Result<Option<Vec<u8>>, FramingError> {
        if self.lost.is_some() {
            return Ok(None);
        }
        let length = match self.length {
            Some(length) => length,
            None => {
                self.skip_line_ends();
                match self.front()? {
                    Front::Message(length) => length,
                    Front::Part => return Ok(None),
                    Front::Endless(head) => return Ok(self.lose(head)),
                }
            }
        };
        self.length = Some(length);
        let Some(message) = self.buffer.rest().get(..length) else {
            return Ok(None);
        };
        let message = message.to_vec();
        self.buffer.consume(length);
        self.length = None;
        self.searched = 0;
        Ok(Some(message))
    }

    /// Drops line ends before a start line (RFC 3261 §7.5); two CRLF in a row are a ping.
    fn skip_line_ends(&mut self) {
        let rest = self.buffer.rest();
        let count = rest
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        if count == 0 {
            return;
        }
        let line_feeds = rest[..count].iter().filter(|b| **b == b'\n').count() as u32;
        let more = rest.len() > count;
        self.buffer.consume(count);
        self.line_ends += line_feeds;
        self.pings = self.pings.saturating_add(self.line_ends / 2);
        // The second half of a ping may come in another segment, but not behind a message.
        self.line_ends = if more { 0 } else { self.line_ends % 2 };
    }

    /// Gives out the head at the front and drops everything else.
    fn lose(&mut self, head: usize) -> Option<Vec<u8>> {
        let buffer = std::mem::take(&mut self.buffer);
        let (head, rest) = buffer.rest().split_at_checked(head)?;
        self.lost = Some(rest.len());
        Some(head.to_vec())
    }

    /// What stands at the front.
    fn front(&mut self) -> Result<Front, FramingError> {
        let rest = self.buffer.rest();
        let Some(first) = rest.first() else {
            return Ok(Front::Part);
        };
        if !lex::is_token_byte(*first) {
            return Err(FramingError::NotSip);
        }
        let from = self.searched.saturating_sub(3);
        let found = rest
            .get(from..)
            .unwrap_or(&[])
            .windows(4)
            .position(|w| w == b"\r\n\r\n");
        let Some(at) = found else {
            self.searched = rest.len();
            return if rest.len() > Message::MAX_BYTES {
                Err(FramingError::TooLarge)
            } else {
                Ok(Front::Part)
            };
        };
        self.line_ends = 0;
        let head = from + at + 4;
        if head > Message::MAX_BYTES {
            return Err(FramingError::TooLarge);
        }
        let body = rest.get(..head).and_then(content_length);
        let length = body.map(|body| head.saturating_add(body));
        Ok(
            match length.filter(|length| *length <= Message::MAX_BYTES) {
                Some(length) => Front::Message(length),
                None => Front::Endless(head),
            },
        )
    }
}

/// The Content-Length among these headers; `None` if there is none, or it is no number, or two of
/// them differ. A line that is no header is left to the parser.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut found = None;
    let mut lines = head.split(|b| *b == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        if !matches!(line.first(), Some(b'C' | b'c' | b'L' | b'l')) {
            continue;
        }
        let text = crate::error::substitute(line);
        let Some(header) = header_line(text.trim_end_matches('\r'), 0) else {
            continue;
        };
        if header.name != HeaderName::ContentLength {
            continue;
        }
        let mut value = header.value.text(&text).to_owned();
        while let Some(fold) = lines.next_if(|l| matches!(l.first(), Some(b' ' | b'\t'))) {
            value.push_str(&crate::error::substitute(fold));
        }
        let length = lex::number(lex::trim(&value))?;
        if found.is_some_and(|other| other != length) {
            return None;
        }
        found = Some(length);
    }
    found.map(|length| length as usize)
}
