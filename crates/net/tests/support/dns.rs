//! A DNS server that answers what the test says, over UDP and TCP.
#![allow(dead_code, missing_docs, reason = "each test file uses a part of it")]

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

type Zone = HashMap<Name, Vec<(u32, RData)>>;

#[derive(Default)]
struct Shared {
    zone: Mutex<Zone>,
    asked: Mutex<Vec<String>>,
    /// Whatever is asked over UDP is cut off.
    truncates: AtomicBool,
    /// Nothing is answered any more.
    silent: AtomicBool,
    /// Everything is answered by "server failure".
    fails: AtomicBool,
    /// So are these questions, such as `A example.com.`
    fails_on: Mutex<Vec<String>>,
    stops: AtomicBool,
}

/// Ends with the test.
pub struct Server {
    shared: Arc<Shared>,
    pub address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

/// A name as it stands in a record.
pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

pub fn a(text: &str) -> RData {
    RData::A(A(text.parse().unwrap()))
}

pub fn aaaa(text: &str) -> RData {
    RData::AAAA(AAAA(text.parse().unwrap()))
}

pub fn cname(text: &str) -> RData {
    RData::CNAME(CNAME(name(text)))
}

pub fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, name(target)))
}

pub fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> RData {
    let part = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    let replacement = name(replacement);
    RData::NAPTR(NAPTR::new(
        order,
        preference,
        part("s"),
        part(service),
        part(""),
        replacement,
    ))
}

impl Server {
    pub fn start() -> Self {
        // The two transports have ports of their own, of which one number is to be free.
        let (udp, tcp) = (0..50)
            .find_map(|_| {
                let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
                let tcp = TcpListener::bind(udp.local_addr().unwrap()).ok()?;
                Some((udp, tcp))
            })
            .expect("no port is free for both");
        let address = udp.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        // Only so that the thread sees the test's end.
        udp.set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let (by_udp, by_tcp) = (shared.clone(), shared.clone());
        let threads = vec![
            std::thread::spawn(move || by_udp.serve_udp(&udp)),
            std::thread::spawn(move || by_tcp.serve_tcp(&tcp)),
        ];
        Self {
            shared,
            address,
            threads,
        }
    }

    /// Makes these the only records of a name, with this time to live in seconds.
    pub fn set(&self, of: &str, ttl: u32, records: &[RData]) {
        let records = records.iter().map(|it| (ttl, it.clone())).collect();
        self.shared.zone.lock().unwrap().insert(name(of), records);
    }

    pub fn truncate(&self) {
        self.shared.truncates.store(true, Ordering::SeqCst);
    }

    pub fn fall_silent(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    pub fn fail(&self, fails: bool) {
        self.shared.fails.store(fails, Ordering::SeqCst);
    }

    pub fn fail_on(&self, question: &str) {
        self.shared.fails_on.lock().unwrap().push(question.into());
    }

    /// Every question so far, such as `A example.com.`; over TCP with `TCP ` before it.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = std::net::TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stops(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while !self.stops() {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                continue;
            };
            if let Some(answer) = self.answer(&buffer[..length], "") {
                let _ = socket.send_to(&answer, from);
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stops() {
                return;
            }
            let Ok(mut stream) = stream else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                if stream.read_exact(&mut question).is_err() {
                    break;
                }
                let Some(answer) = self.answer(&question, "TCP ") else {
                    break;
                };
                let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                let _ = stream.write_all(&[&length[..], &answer].concat());
            }
        }
    }

    fn answer(&self, question: &[u8], by: &str) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let query = question.queries.first()?.clone();
        let asked = format!("{by}{} {}", query.query_type(), query.name());
        let fails = self.fails_on.lock().unwrap();
        let fails = fails.contains(&asked);
        self.asked.lock().unwrap().push(asked);
        if self.silent.load(Ordering::SeqCst) {
            return None;
        }
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        if fails || self.fails.load(Ordering::SeqCst) {
            answer.metadata.response_code = ResponseCode::ServFail;
            return answer.to_vec().ok();
        }
        if by.is_empty() && self.truncates.load(Ordering::SeqCst) {
            answer.metadata.truncation = true;
            return answer.to_vec().ok();
        }
        let zone = self.zone.lock().unwrap();
        let mut at = query.name().clone();
        // As a server does that knows the aliases too; a loop ends somewhere.
        for _ in 0..4 {
            let Some(records) = zone.get(&at) else {
                if answer.answers.is_empty() {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                }
                break;
            };
            let fits = |it: &&(u32, RData)| {
                it.1.record_type() == query.query_type() || it.1.record_type() == RecordType::CNAME
            };
            let mut next = None;
            for (ttl, data) in records.iter().filter(fits) {
                answer.add_answer(Record::from_rdata(at.clone(), *ttl, data.clone()));
                if let RData::CNAME(alias) = data {
                    next = Some(alias.0.clone());
                }
            }
            match next {
                Some(alias) => at = alias,
                None => break,
            }
        }
        answer.to_vec().ok()
    }
}
