//! One kept HTTP connection, just enough of it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest answer read, in bytes.
const LONGEST: usize = 1 << 20;

/// A connection that is used again and again.
pub struct Http {
    stream: TcpStream,
    host: SocketAddr,
}

impl Http {
    /// Connects.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream, host })
    }

    /// The bytes of a POST, so that sending it later is one system call and nothing else.
    pub fn post(&self, path: &str, body: &str) -> Vec<u8> {
        let Self { host, .. } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Asks for a page; its status.
    ///
    /// # Errors
    /// What the system says, or an answer that is none.
    pub fn get(&mut self, path: &str) -> io::Result<u16> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.send(request.as_bytes())?;
        self.answer()
    }

    /// Reads one answer to its end; its status.
    ///
    /// # Errors
    /// What the system says, or an answer that is none.
    pub fn answer(&mut self) -> io::Result<u16> {
        let mut got = Vec::new();
        let mut part = [0; 4096];
        loop {
            if let Some(status) = complete(&got) {
                return status;
            }
            let length = self.stream.read(&mut part)?;
            if length == 0 || got.len() > LONGEST {
                return Err(io::Error::other("the HTTP connection ended early"));
            }
            got.extend_from_slice(&part[..length]);
        }
    }
}

/// The status, once head and body are there.
fn complete(got: &[u8]) -> Option<io::Result<u16>> {
    let text = String::from_utf8_lossy(got);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    if body.len() < length.unwrap_or(0) {
        return None;
    }
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Some(status.ok_or_else(|| io::Error::other("not an HTTP answer")))
}
