//! rtpengine in userspace as a carrier's media relay, told what to do by its `ng` protocol: bencode
//! over UDP.

use super::{Peer, free_port};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Longest wait for an answer of it.
const LIMIT: Duration = Duration::from_secs(20);

/// A value of bencode, as far as a command needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A running rtpengine.
#[derive(Debug)]
pub struct Rtpengine {
    peer: Peer,
    socket: UdpSocket,
    asked: u32,
}

impl Rtpengine {
    /// Starts it below this folder, with RTP ports from `first` to `last`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(folder: &Path, (first, last): (u16, u16)) -> Self {
        let port = free_port();
        let mut command = Command::new("rtpengine");
        command.args(["--foreground", "--log-stderr", "--log-level=6"]);
        command.args(["--config-file=none", "--table=-1", "--num-threads=1"]);
        command.args(["--interface=127.0.0.1", "--endpoint-learning=immediate"]);
        command.arg(format!("--listen-ng=127.0.0.1:{port}"));
        command.arg(format!("--port-min={first}"));
        command.arg(format!("--port-max={last}"));
        let peer = Peer::spawn("rtpengine", command, folder, port);
        peer.await_words("Startup complete");
        let socket = UdpSocket::bind("127.0.0.1:0");
        let socket = socket.unwrap_or_else(|error| panic!("UDP socket: {error}"));
        let ready = socket
            .connect(("127.0.0.1", port))
            .and_then(|()| socket.set_read_timeout(Some(LIMIT)));
        ready.unwrap_or_else(|error| panic!("UDP socket: {error}"));
        Self {
            peer,
            socket,
            asked: 0,
        }
    }

    /// Hands a description over, `offer` or `answer`, with further words of the command; what the
    /// other side is to be told instead.
    ///
    /// # Panics
    /// If it is refused.
    pub fn describe(&mut self, command: &str, sdp: &str, more: &[(&str, Value)]) -> String {
        let mut words: BTreeMap<&str, Value> = BTreeMap::from([
            ("command", command.into()),
            ("call-id", "the-call".into()),
            ("from-tag", "ours".into()),
            ("sdp", sdp.into()),
            ("ICE", "remove".into()),
            ("replace", Value::List(vec!["origin".into()])),
        ]);
        if command == "answer" {
            words.insert("to-tag", "theirs".into());
        }
        words.extend(more.iter().cloned());
        let answer = self.ask(&words);
        match text_of(&answer, "sdp") {
            Some(sdp) => sdp.to_owned(),
            None => panic!("{command}: {answer}"),
        }
    }

    /// Ends the call; its counts as it tells them.
    pub fn delete(&mut self) -> String {
        self.ask(&BTreeMap::from([
            ("command", "delete".into()),
            ("call-id", "the-call".into()),
            ("from-tag", "ours".into()),
        ]))
    }

    fn ask(&mut self, words: &BTreeMap<&str, Value>) -> String {
        self.asked += 1;
        let cookie = format!("ask{} ", self.asked);
        let sent = self
            .socket
            .send((cookie.clone() + &encode(words)).as_bytes());
        sent.unwrap_or_else(|error| panic!("rtpengine: {error}"));
        let mut buffer = vec![0; 65_536];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                text.strip_prefix(&cookie).unwrap_or(&text).to_owned()
            }
            Err(error) => panic!("rtpengine: {error}\n{}", self.peer.output()),
        }
    }

    /// Ends it in order.
    pub fn end(self) {
        self.peer.end();
    }
}

/// A relay's address of RTP in a description.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn audio(sdp: &str) -> SocketAddr {
    let line = |start: &str| sdp.lines().find_map(|line| line.strip_prefix(start));
    let host = line("c=IN IP4 ").unwrap_or_default().trim();
    let port = line("m=audio ").and_then(|rest| rest.split(' ').next());
    let address = format!("{host}:{}", port.unwrap_or_default()).parse();
    address.unwrap_or_else(|_| panic!("no audio in\n{sdp}"))
}

fn encode(words: &BTreeMap<&str, Value>) -> String {
    let text = |text: &str| format!("{}:{text}", text.len());
    let mut out = "d".to_owned();
    for (key, value) in words {
        out.push_str(&text(key));
        match value {
            Value::Text(value) => out.push_str(&text(value)),
            Value::List(list) => {
                out.push('l');
                list.iter().for_each(|value| out.push_str(&text(value)));
                out.push('e');
            }
        }
    }
    out.push('e');
    out
}

/// The text that follows this key at the first place where it stands.
fn text_of<'a>(answer: &'a str, key: &str) -> Option<&'a str> {
    let mark = format!("{}:{key}", key.len());
    let (_, rest) = answer.split_once(&mark)?;
    let (length, rest) = rest.split_once(':')?;
    rest.get(..length.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Value, audio, encode, text_of};

    #[test]
    fn commands_are_bencode_and_answers_are_read() {
        let words = BTreeMap::from([
            ("replace", Value::List(vec!["origin".into(), "x".into()])),
            ("call-id", "a:b".into()),
        ]);
        assert_eq!(encode(&words), "d7:call-id3:a:b7:replacel6:origin1:xee");
        assert_eq!(text_of("d6:result2:ok3:sdp4:v=0\ne", "sdp"), Some("v=0\n"));
        assert_eq!(text_of("d6:result5:errore", "sdp"), None);
        let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n";
        assert_eq!(audio(sdp).to_string(), "192.0.2.1:4000");
    }
}
