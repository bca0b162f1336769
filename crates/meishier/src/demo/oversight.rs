//! An overseeing body on loopback: takes the dossiers that the engine pushes, as a real one would.

use meishier_model::CallId;
use serde_json::Value;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// Bytes of a request at most.
const LARGEST: usize = 1 << 20;
/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Dossiers that are kept.
const MOST: usize = 64;

/// The receiver; it takes dossiers as long as it is there.
pub struct Oversight {
    address: SocketAddr,
    came: watch::Receiver<Vec<Value>>,
}

impl Oversight {
    /// Listens at a free port.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (keep, came) = watch::channel(Vec::new());
        drop(tokio::spawn(take(listener, keep)));
        Ok(Self { address, came })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last dossier of a call, once one has come; `None` if none comes in time.
    pub async fn dossier(&self, call: CallId, limit: Duration) -> Option<Value> {
        let mut came = self.came.clone();
        let call = call.to_string();
        let of_call = |all: &Vec<Value>| {
            let fits = |it: &&Value| it["incidentComponent"]["internalIncidentId"] == *call;
            all.iter().rev().find(fits).cloned()
        };
        let found = timeout(limit, came.wait_for(|all| of_call(all).is_some())).await;
        of_call(&*found.ok()?.ok()?)
    }
}

/// Until nobody asks any more.
async fn take(listener: TcpListener, keep: watch::Sender<Vec<Value>>) {
    loop {
        let stream = tokio::select! {
            () = keep.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((mut stream, _)) = stream else {
            continue;
        };
        let body = timeout(LIMIT, body(&mut stream)).await;
        if let Some(dossier) = body.ok().flatten() {
            keep.send_modify(|all| {
                if all.len() < MOST {
                    all.push(dossier);
                }
            });
            let taken = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // Whoever does not hear of it sends again.
            let _ = stream.write_all(taken).await;
        }
    }
}

/// The JSON of one request with a Content-Length.
async fn body(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut part = [0u8; 4096];
    loop {
        let read = stream.read(&mut part).await.ok()?;
        bytes.extend_from_slice(part.get(..read)?);
        if let Some(body) = whole(&bytes) {
            return serde_json::from_slice(body).ok();
        }
        if read == 0 || bytes.len() > LARGEST {
            return None;
        }
    }
}

/// The body, once all of it has come.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse::<usize>().ok()).flatten()
    })?;
    bytes.get(end + 4..)?.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_length_has_come() {
        let head = b"POST /dossiers HTTP/1.1\r\ncontent-length: 4\r\n\r\n";
        let of = |body: &[u8]| whole(&[head, body].concat()).map(<[u8]>::to_vec);
        assert_eq!(of(b"nul"), None);
        assert_eq!(of(b"null"), Some(b"null".to_vec()));
        assert_eq!(of(b"null and more"), Some(b"null".to_vec()));
        assert_eq!(whole(b"GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(whole(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n"), None);
    }
}
