//! Dossiers by HTTPS, against a receiver of the test's own: signed, under mutual TLS, tried again, over a
//! restart, and given up where nothing else is left.
#![allow(missing_docs)]

#[path = "../../net/tests/support/papers.rs"]
mod papers;

use meishier_config::{Receiver, Secret, WebAddress};
use meishier_model::{CallId, Wall};
use meishier_net::{Clock, Post, PostError};
use meishier_records::{
    Carried, Carrier, Carrying, Courier, CourierOptions, Delivery, Parcel, Receipt, Standing,
    Store, Task, TaskKind,
};
use papers::{Authority, Paper};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "a secret of the police";
const BODY: &[u8] = "{\"note\":\"楼顶\"}".as_bytes();

/// One request as it came.
struct Came {
    head: String,
    body: Vec<u8>,
}

impl Came {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A receiver. Answers with one status after the other, then 202.
struct Desk {
    address: SocketAddr,
    came: Inbox<Came>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
}

impl Desk {
    fn open(tls: Option<Arc<ServerConfig>>, statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, came) = channel();
        let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect()));
        let queue: Arc<Mutex<VecDeque<u16>>> = Arc::clone(&statuses);
        // Ends with the process; the last one waits for a connection that never comes.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // What broke off came to nothing; the next one may not.
                let _: Option<()> = match &tls {
                    None => serve(stream, &told, &queue),
                    Some(config) => {
                        let tls = ServerConnection::new(config.clone()).unwrap();
                        serve(StreamOwned::new(tls, stream), &told, &queue)
                    }
                };
            }
        });
        Self {
            address,
            came,
            statuses,
        }
    }

    fn next(&self) -> Came {
        self.came.recv_timeout(PATIENCE).unwrap()
    }
}

/// Reads one request and answers it; `None` if it broke off, or TLS came to nothing.
fn serve(
    mut stream: impl Read + Write,
    told: &Sender<Came>,
    statuses: &Mutex<VecDeque<u16>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut came = Came {
        head,
        body: Vec::new(),
    };
    let length = came.header("content-length")?.parse().unwrap();
    came.body.resize(length, 0);
    stream.read_exact(&mut came.body).ok()?;
    let status = statuses.lock().unwrap().pop_front().unwrap_or(202);
    told.send(came).ok()?;
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}");
    stream.write_all(answer.as_bytes()).ok()?;
    stream.flush().ok()
}

/// A folder with the papers of both sides.
struct Office {
    folder: TempDir,
    authority: Authority,
    paper: Paper,
}

impl Office {
    fn new() -> Self {
        let authority = Authority::new();
        let office = Self {
            folder: tempfile::tempdir().unwrap(),
            paper: authority.sign(&["127.0.0.1"]),
            authority,
        };
        let ours = office.authority.sign(&["hotline.example"]);
        office.put("ca.pem", &office.authority.pem);
        office.put("ours.pem", &ours.certificate);
        office.put("ours.key", &ours.key);
        office
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn mutual(&self) -> Option<Arc<ServerConfig>> {
        Some(papers::server(&self.paper, &self.authority))
    }

    fn receiver(&self, scheme: &str, address: SocketAddr) -> Receiver {
        Receiver {
            name: "police".into(),
            url: WebAddress::parse(&format!("{scheme}://{address}/incidents?from=12356")).unwrap(),
            keys: vec!["110".into()],
            consent: false,
            emergencies: false,
            secret: Some(Secret::Text(SECRET.into())),
            identity: Some((self.path("ours.pem"), self.path("ours.key"))),
            trusted_ca: Some(self.path("ca.pem")),
        }
    }
}

struct ByPost(Post);

impl Carrier for ByPost {
    fn carry<'a>(&'a self, delivery: &'a Delivery) -> Carrying<'a> {
        Box::pin(async {
            match self
                .0
                .send(Wall(1_764_000_000_500), &delivery.mark, &delivery.body)
                .await
            {
                Ok(status) => Carried::Answered(status),
                Err(error) => Carried::Failed(error.as_str()),
            }
        })
    }
}

fn parcel(count: u32) -> Box<Parcel> {
    let now = Clock::system().wall();
    Box::new(Parcel {
        call: CallId(7),
        mark: format!("{}-{count}", CallId(7)),
        document: String::new(),
        made: now,
        receivers: vec!["police".into()],
        told: Vec::new(),
        contents: "number,places".into(),
        ground: "PIPL Art.13(1)(4)".into(),
        task: Some(Task {
            kind: TaskKind::Tell,
            due: Wall(now.0 + 1000),
        }),
        body: BODY.to_vec(),
    })
}

async fn store(folder: &Path) -> Store {
    Store::open(folder.join("records.db")).await.unwrap()
}

fn courier(store: &Store, receiver: &Receiver) -> Courier {
    let carrier = Arc::new(ByPost(Post::new(receiver).unwrap()));
    let options = CourierOptions {
        first_pause: Duration::from_millis(1),
        ..CourierOptions::default()
    };
    let clock = Clock::system();
    let clock = Arc::new(move || clock.wall());
    let routes: Vec<meishier_records::Route> = vec![(receiver.name.clone(), carrier)];
    Courier::start(store.clone(), routes, clock, options)
}

/// Waits until so many deliveries of the call are over.
async fn over(store: &Store, count: usize) -> Vec<Receipt> {
    let all = async {
        loop {
            let receipts = store.receipts(CallId(7)).await.unwrap();
            let done = receipts.iter().filter(|it| it.done.is_some()).count();
            if done >= count {
                return receipts;
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap()
}

/// HMAC as RFC 2104 §2 describes it, by hand.
fn hmac(key: &[u8], parts: &[&[u8]]) -> String {
    let pad = |with: u8| {
        let mut block = [with; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(pad(0x5c));
    outer.update(inner.finalize());
    let bytes = outer.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dossier_arrives_signed_over_mutual_tls_and_again_after_500() {
    let office = Office::new();
    let desk = Desk::open(office.mutual(), &[500, 503]);
    let store = store(office.folder.path()).await;
    let courier = courier(&store, &office.receiver("https", desk.address));
    courier.try_post(parcel(1)).unwrap();
    let receipts = over(&store, 1).await;
    let [receipt] = &receipts[..] else {
        panic!("{receipts:?}")
    };
    assert_eq!((receipt.standing, receipt.status), (Standing::Sent, 202));
    assert_eq!((receipt.attempts, receipt.fault.as_str()), (3, ""));
    for _ in 0..3 {
        let came = desk.next();
        assert!(
            came.head
                .starts_with("POST /incidents?from=12356 HTTP/1.1\r\n")
        );
        assert_eq!(came.body, BODY);
        assert_eq!(came.header("host"), Some(&*desk.address.to_string()));
        assert_eq!(came.header("content-type"), Some("application/json"));
        let mark = came.header("idempotency-key").unwrap();
        assert_eq!(mark, "0000000000000007-1");
        let stamp = came.header("x-meishier-timestamp").unwrap();
        assert_eq!(stamp, "1764000000");
        let parts = [stamp.as_bytes(), b".", mark.as_bytes(), b".", BODY];
        let expected = format!("sha256={}", hmac(SECRET.as_bytes(), &parts));
        assert_eq!(came.header("x-meishier-signature"), Some(&*expected));
    }
    let counts = courier.counts().await.unwrap();
    assert_eq!((counts.sent, counts.failed, counts.given_up), (1, 2, 0));
    assert_eq!(counts.pending.count, 0);
    // What was done with personal data, and what is owed for it.
    let uses = store.uses(CallId(7)).await.unwrap();
    assert_eq!((uses.len(), uses[0].receiver.as_str()), (1, "police"));
    assert_eq!(uses[0].ground, "PIPL Art.13(1)(4)");
    assert_eq!(store.tasks(false).await.unwrap().len(), 1);
    courier.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_is_carried_by_the_next_process() {
    let office = Office::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let first = store(office.folder.path()).await;
    let before = courier(&first, &office.receiver("https", address));
    before.try_post(parcel(1)).unwrap();
    before.close(PATIENCE).await;
    let pending = first.pending(Wall(0)).await.unwrap();
    assert_eq!(pending.count, 1, "it was kept before the end");
    first.close().await;

    let desk = Desk::open(office.mutual(), &[]);
    let second = store(office.folder.path()).await;
    let after = courier(&second, &office.receiver("https", desk.address));
    assert_eq!(desk.next().body, BODY);
    assert_eq!(over(&second, 1).await[0].standing, Standing::Sent);
    after.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_will_never_take_it_is_left_in_peace() {
    let office = Office::new();
    let desk = Desk::open(None, &[422, 409]);
    let store = store(office.folder.path()).await;
    let courier = courier(&store, &office.receiver("http", desk.address));
    courier.try_post(parcel(1)).unwrap();
    assert_eq!(
        desk.next().header("idempotency-key"),
        Some("0000000000000007-1")
    );
    let receipts = over(&store, 1).await;
    assert_eq!(
        (receipts[0].standing, receipts[0].status),
        (Standing::GivenUp, 422)
    );
    // The next is tried all the same, and one that the receiver has already is done.
    courier.try_post(parcel(2)).unwrap();
    assert_eq!(
        desk.next().header("idempotency-key"),
        Some("0000000000000007-2")
    );
    let receipts = over(&store, 2).await;
    assert_eq!(
        (receipts[1].standing, receipts[1].status),
        (Standing::Sent, 409)
    );
    assert!(desk.statuses.lock().unwrap().is_empty());
    courier.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_believed_gets_nothing() {
    let office = Office::new();
    let desk = Desk::open(office.mutual(), &[]);
    let send = async |receiver: &Receiver| {
        let post = Post::new(receiver).unwrap();
        post.send(Wall(0), "m", BODY).await
    };
    let good = office.receiver("https", desk.address);
    assert_eq!(send(&good).await, Ok(202));
    assert_eq!(desk.next().body, BODY);
    // They do not know us.
    let nameless = Receiver {
        identity: None,
        ..good.clone()
    };
    assert_eq!(send(&nameless).await, Err(PostError::Tls));
    // We do not know them.
    office.put("other.pem", &Authority::new().pem);
    let other = Receiver {
        trusted_ca: Some(office.path("other.pem")),
        ..good.clone()
    };
    assert_eq!(send(&other).await, Err(PostError::Tls));
    // They are somebody else: the certificate names an address.
    let url = format!("https://localhost:{}/", desk.address.port());
    let elsewhere = Receiver {
        url: WebAddress::parse(&url).unwrap(),
        ..good
    };
    assert_eq!(send(&elsewhere).await, Err(PostError::Tls));
    assert!(desk.came.try_recv().is_err(), "nobody saw the body");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_none_is_a_failure() {
    let office = Office::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in [
            "SIP/2.0 200 OK\r\n\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)),
            String::new(),
        ] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut some = [0; 1024];
            assert_ne!(stream.read(&mut some).unwrap(), 0);
            // The other side may have seen enough.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let post = Post::new(&office.receiver("http", address)).unwrap();
    for _ in 0..3 {
        assert_eq!(post.send(Wall(0), "m", BODY).await, Err(PostError::Broken));
    }
    assert!(!format!("{post:?}").contains("from=12356"));
}
