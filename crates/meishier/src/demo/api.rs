//! The console's API as a program outside would use it: real HTTP over a connection of its own.

use meishier_config::Lang;
use meishier_phones::cast::{DeskStep, KeyPress};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(15);
/// Bytes of an answer at most.
const LARGEST: u64 = 4 << 20;

/// A client of the console.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    address: SocketAddr,
    lang: Lang,
}

impl Api {
    /// A client of the console at `address`, which answers in `lang`.
    pub fn new(address: SocketAddr, lang: Lang) -> Self {
        Self { address, lang }
    }

    /// Signs a counsellor on.
    ///
    /// # Errors
    /// What the console said.
    pub async fn sign_on(&self, seat: &str, account: &str, pin: &str) -> Result<(), String> {
        let body = json!({ "state": "ready", "counsellor": account, "pin": pin });
        let path = format!("/api/v1/seats/{seat}/state");
        self.ask("POST", &path, Some(&body)).await.map(drop)
    }

    /// Signs off whoever is signed on at a seat.
    ///
    /// # Errors
    /// What the console said.
    pub async fn sign_off(&self, seat: &str) -> Result<(), String> {
        let path = format!("/api/v1/seats/{seat}/state");
        let body = json!({ "state": "signed_off" });
        self.ask("POST", &path, Some(&body)).await.map(drop)
    }

    /// The account of whoever is signed on at a seat.
    ///
    /// # Errors
    /// What the console said.
    pub async fn who_sits_at(&self, seat: &str) -> Result<Option<String>, String> {
        let status = self
            .ask("GET", &format!("/api/v1/seats/{seat}"), None)
            .await?;
        Ok(status["counsellor"].as_str().map(str::to_owned))
    }

    /// Does at the desk what the counsellor of the call does in which the seat talks: presses the
    /// transfer key, says that its target has taken over, leaves.
    ///
    /// # Errors
    /// What the console said, or that the seat is in no call.
    pub async fn at_desk(&self, press: &KeyPress) -> Result<(), String> {
        let calls = self.ask("GET", "/api/v1/calls", None).await?;
        let mut calls = calls["calls"].as_array().into_iter().flatten();
        let call = calls.find(|call| call["seat"] == press.seat.as_str());
        let id = call.and_then(|call| call["id"].as_str());
        let id = id.ok_or_else(|| format!("no call at seat {}", press.seat))?;
        let third = || {
            let third = call.and_then(|call| call["thirds"][0]["third"].as_u64());
            third.ok_or_else(|| format!("nobody was called by seat {}", press.seat))
        };
        let (what, body) = match press.step {
            DeskStep::Note => {
                let path = format!("/api/v1/calls/{id}/facts");
                return self.ask("PUT", &path, Some(&noted())).await.map(drop);
            }
            DeskStep::Press => {
                let body = json!({ "key": press.key.key, "place": press.key.city });
                ("transfer".to_owned(), Some(body))
            }
            DeskStep::Confirm => {
                let body = json!({ "wish": "confirm" });
                (format!("thirds/{}", third()?), Some(body))
            }
            DeskStep::Leave => ("leave".to_owned(), None),
        };
        let path = format!("/api/v1/calls/{id}/{what}");
        self.ask("POST", &path, body.as_ref()).await.map(drop)
    }

    /// One request; the body of a 2xx answer.
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let asked = timeout(LIMIT, self.exchange(method, path, body)).await;
        let answer = match asked {
            Ok(answer) => answer.map_err(|error| format!("{method} {path}: {error}"))?,
            Err(_) => return Err(format!("{method} {path}: no answer in time")),
        };
        let (status, body) = read(&answer).ok_or_else(|| format!("{method} {path}: no HTTP"))?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let message = body["error"]["message"].as_str().unwrap_or_default();
        Err(format!("{method} {path}: {status} {message}"))
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<Vec<u8>> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let lang = match self.lang {
            Lang::Zh => "zh",
            Lang::En => "en",
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept-Language: {lang}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LARGEST).read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

/// What the counsellor of the caller in danger has heard.
fn noted() -> Value {
    json!({
        "level": "high",
        "why": "来电者说站在楼顶，想往下跳",
        "place": "某小区 3 栋楼顶",
        "clothing": "红色外套",
        "hazards": ["height"],
        "battery": 20,
        "done": ["已劝其离开楼边，通话未断"],
    })
}

/// Status and JSON of an answer whose end is the connection's; an empty body is null.
fn read(answer: &[u8]) -> Option<(u16, Value)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).ok()?
    };
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let read = |text: &str| read(text.as_bytes());
        assert_eq!(
            read("HTTP/1.1 204 No Content\r\n\r\n"),
            Some((204, Value::Null))
        );
        let found = read("HTTP/1.1 409 Conflict\r\nA: b\r\n\r\n{\"error\":{\"message\":\"m\"}}");
        assert_eq!(found, Some((409, json!({ "error": { "message": "m" } }))));
        for wrong in [
            "",
            "HTTP/1.1 200 OK",
            "SIP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
