//! Just enough HTTP/1.1 to ask the console.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer; far beyond what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {}", self.body),
        }
    }
}

/// `GET path`.
///
/// # Errors
/// What the system says, or `InvalidData` for an answer that is not HTTP.
pub fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    ask(address, "GET", path, "")
}

/// `POST path` with a JSON body.
///
/// # Errors
/// As [`get`].
pub fn post(address: SocketAddr, path: &str, json: &str) -> io::Result<Answer> {
    ask(address, "POST", path, json)
}

/// Any method on a path, with a JSON body unless it is empty.
///
/// # Errors
/// As [`get`].
pub fn ask(address: SocketAddr, method: &str, path: &str, json: &str) -> io::Result<Answer> {
    ask_within(LIMIT, address, method, path, json)
}

/// As [`ask`], of somebody who may take so long.
///
/// # Errors
/// As [`get`].
pub fn ask_within(
    limit: Duration,
    address: SocketAddr,
    method: &str,
    path: &str,
    json: &str,
) -> io::Result<Answer> {
    exchange(limit, address, &request(address, method, path, json))
}

fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn exchange(limit: Duration, address: SocketAddr, request: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // Some leave the connection open behind an answer that says how long it is.
    while !is_whole(&bytes) {
        match stream.read(&mut part)? {
            0 => break,
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(invalid)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    Ok(Answer {
        status: status.ok_or_else(invalid)?,
        body: if chunked {
            joined(body).ok_or_else(invalid)?
        } else {
            body.to_owned()
        },
    })
}

/// True if the head is there, and behind it as many bytes as it says.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|it| it.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= end + 4 + length)
}

/// A chunked body put together (RFC 9112 §7.1).
fn joined(mut rest: &str) -> Option<String> {
    let mut out = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(out);
        }
        out.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(
            joined("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").as_deref(),
            Some("abcde")
        );
        assert_eq!(joined("9\r\nabc\r\n"), None);
    }
}
