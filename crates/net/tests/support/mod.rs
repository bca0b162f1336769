//! An engine on ephemeral ports and the messages that the tests send to it.
#![allow(dead_code, missing_docs, reason = "each test file uses a part of it")]

pub mod papers;

use meishier_engine::config::{self, Config};
use meishier_engine::media::PromptSet;
use meishier_engine::signaling::Transport;
use meishier_engine::transfer::Dossier;
use meishier_engine::{Notice, config as engine_config};
use meishier_model::{CallRecord, NumberMark, ShardId};
use meishier_net::{Clock, Running, Runtime, RuntimeConfig, Seeds, Sink, StartError};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Long enough for a busy machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What differs between the engines of the tests.
pub struct Wanted {
    pub shards: u16,
    pub listen: Vec<String>,
    /// `[sip.tls]`, if it is to be there.
    pub tls: String,
    /// Keys of the only trunk beside its name.
    pub trunk: String,
    /// Where the seats are; one counsellor is ready at each.
    pub seats: Vec<SocketAddr>,
    /// More keys of every seat.
    pub seat: String,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            shards: 1,
            listen: vec!["udp:127.0.0.1:0".into(), "tcp:127.0.0.1:0".into()],
            tls: String::new(),
            trunk: "peers = [\"127.0.0.1\"]".into(),
            seats: vec!["127.0.0.1:9".parse().unwrap()],
            seat: String::new(),
        }
    }
}

pub fn config(wanted: &Wanted) -> Config {
    let listen: Vec<String> = wanted.listen.iter().map(|it| entry(it)).collect();
    let mut text = format!(
        r#"
name = "test"
lang = "en"
zone = "Asia/Shanghai"
shards = {shards}
shutdown_limit = "1s"
[sip]
listen = [{listen}]
domain = "127.0.0.1"
max_calls = 16
{tls}[rtp]
address = "127.0.0.1"
first_port = 30000
last_port = 30126
threads = 2
[http]
listen = "127.0.0.1:0"
[records]
path = "unused.db"
[[trunks]]
name = "carrier"
{trunk}
answer = "on_seat"
early = "ringing"
answer_after = "59s"
codecs = ["pcma", "pcmu"]
outgoing_number = "12356"
[[pools]]
name = "all"
title = "all"
strategy = "longest_idle"
shifts = [{{ hours = "00:00-24:00", lines = 100 }}]
[offer]
ring = "5s"
backoff = "1s"
pause_after = 0
wrapup = "0s"
[waiting]
greeting = false
music = false
announce_every = "0s"
max_waiting = 16
[routing]
default = "all"
[[routes]]
name = "all"
rings = ["all"]
"#,
        shards = wanted.shards,
        listen = listen.join(", "),
        trunk = wanted.trunk,
        tls = wanted.tls,
    );
    for (number, address) in wanted.seats.iter().enumerate() {
        text += &format!(
            "[[seats]]\nname = \"a{number}\"\ncontact = \"sip:a{number}@{address}\"\npools = [\"all\"]\n{}\
             [[counsellors]]\naccount = \"c{number}\"\npin = \"0000{number}\"\nseats = [\"a{number}\"]\n\
             start = {{ seat = \"a{number}\", state = \"ready\" }}\n",
            wanted.seat
        );
    }
    match config::parse(&text, None) {
        Ok((config, _)) => config,
        Err(errors) => panic!(
            "{}",
            engine_config::render(&errors, "test", &text, engine_config::Lang::En)
        ),
    }
}

/// An element of `listen`: a table as it is, an address in quotes.
fn entry(text: &str) -> String {
    match text.starts_with('{') {
        true => text.to_owned(),
        false => format!("{text:?}"),
    }
}

/// Passes notices on to the test.
pub struct Heard(Mutex<Sender<Notice>>);

impl Sink for Heard {
    fn record(&self, _shard: ShardId, _record: Box<CallRecord>) {}
    fn keep(&self, _shard: ShardId, _mark: Box<NumberMark>) {}
    fn dossier(&self, _shard: ShardId, _dossier: Box<Dossier>) {}
    fn notice(&self, _shard: ShardId, notice: Notice) {
        // The test may have heard enough.
        let _ = self.0.lock().unwrap().send(notice);
    }
}

pub fn try_start(config: Config, any_free_port: bool) -> Result<Running, StartError> {
    start_with(config, any_free_port).map(|(running, _)| running)
}

pub fn start(wanted: &Wanted) -> (Running, Receiver<Notice>) {
    start_with(config(wanted), true).unwrap()
}

fn start_with(
    config: Config,
    any_free_port: bool,
) -> Result<(Running, Receiver<Notice>), StartError> {
    let (heard, notices) = channel();
    let setup = RuntimeConfig {
        config: Arc::new(config),
        prompts: Arc::new(PromptSet::embedded()),
        clock: Clock::system(),
        seeds: Seeds::Fixed(1),
        any_free_port,
        remembered: Vec::new(),
        tapes: None,
    };
    let running = Runtime::start(setup, Arc::new(Heard(Mutex::new(heard))))?;
    Ok((running, notices))
}

pub fn address(running: &Running, transport: Transport) -> SocketAddr {
    let mut all = running.sip_addresses().iter();
    all.find(|(it, _)| *it == transport).unwrap().1
}

/// A telephone's or trunk's socket.
pub fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

pub fn receive(socket: &UdpSocket) -> String {
    let mut buffer = [0; 65536];
    let (length, _) = socket.recv_from(&mut buffer).expect("no datagram came");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

pub fn request(
    method: &str,
    transport: &str,
    from: SocketAddr,
    call: &str,
    kind: &str,
    body: &str,
) -> String {
    format!(
        "{method} sip:12356@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {from};branch=z9hG4bK-{call};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:13800000000@127.0.0.1>;tag=f{call}\r\n\
         To: <sip:12356@127.0.0.1>\r\n\
         Call-ID: {call}\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:13800000000@{from}>\r\n\
         {kind}Content-Length: {length}\r\n\r\n{body}",
        length = body.len()
    )
}

pub fn options(transport: &str, from: SocketAddr, call: &str) -> String {
    request("OPTIONS", transport, from, call, "", "")
}

pub fn invite(transport: &str, from: SocketAddr, call: &str) -> String {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
               m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
    let kind = "Content-Type: application/sdp\r\n";
    request("INVITE", transport, from, call, kind, sdp)
}

/// A connection from an address of ours that no trunk has.
pub fn stranger(engine: SocketAddr, number: u8) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from = SocketAddr::from(([127, 0, 0, number], 0));
    socket.bind(&from.into()).unwrap();
    socket.connect(&engine.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}
