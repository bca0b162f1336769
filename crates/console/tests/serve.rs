//! Real connections: kept open, limited, ended.
#![allow(missing_docs)]

mod support;

use meishier_console::{ServeLimits, serve_with};
use std::net::SocketAddr;
use std::time::Duration;
use support::{Mood, console};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<std::io::Result<()>>,
}

async fn served(limits: ServeLimits) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = console(Mood::Fine).app;
    let shutdown = async move {
        let _ = stopped.await;
    };
    let done = tokio::spawn(serve_with(listener, app, shutdown, limits));
    Served {
        address,
        stop,
        done,
    }
}

/// Sends and reads until the answer's body (of known length) is there.
async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "closed after: {text}");
        answer.extend_from_slice(&chunk[..read]);
    }
}

const READY: &str = "POST /api/v1/seats/gy01/state HTTP/1.1\r\nHost: x\r\n\
    Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"state\":\"ready\"}";

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let served = served(ServeLimits::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    for _ in 0..50 {
        let answer = exchange(&mut stream, READY).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\"name\":\"gy01\""), "{answer}");
    }
    served.stop.send(()).unwrap();
    served.done.await.unwrap().unwrap();
    assert_eq!(
        stream.read(&mut [0; 16]).await.unwrap(),
        0,
        "idle connections are closed"
    );
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let limits = ServeLimits {
        head: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let served = served(limits).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost")
        .await
        .unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "));
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    let served = served(ServeLimits::default()).await;
    let many: String = (0..80).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(64 * 1024));
    for headers in [many, long] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        // The answer may come, and the connection close, before all is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let limits = ServeLimits {
        connections: 1,
        ..ServeLimits::default()
    };
    let served = served(limits).await;
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(served.address).await.unwrap();
    exchange(&mut first, request).await;
    let mut second = TcpStream::connect(served.address).await.unwrap();
    let waiting = tokio::spawn(async move { exchange(&mut second, request).await });
    exchange(&mut first, request).await;
    assert!(!waiting.is_finished());
    drop(first);
    assert!(waiting.await.unwrap().starts_with("HTTP/1.1 200"));
}
