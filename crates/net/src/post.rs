//! One HTTPS POST after the other to one receiver, signed: what carries dossiers.
//!
//! ```text
//!   POST /incidents HTTP/1.1
//!   Content-Type: application/json
//!   Idempotency-Key: 00000000000004d2-1
//!   X-Meishier-Timestamp: 1764000000
//!   X-Meishier-Signature: sha256=<hex of HMAC-SHA256(secret, "1764000000.00000000000004d2-1." and the body)>
//! ```
//!
//! A connection of its own for each, for there are few of them, and one that was left open may be dead
//! when a life depends on it. TLS is checked against the certificates that the file names and no others;
//! redirects are not followed: a receiver that sends the dossier elsewhere is none.

use crate::certificates::{CertificateError, CertificateFault, chain, key, roots};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use meishier_engine::config::{Receiver, WebAddress};
use meishier_model::Wall;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sha2::Sha256;
use std::fmt;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are looked at before the connection is dropped.
const ANSWER_BYTES: usize = 16 * 1024;

/// Why a POST got no answer. It says nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostError {
    /// The name has no address, or nobody takes connections there.
    Unreachable,
    /// TLS came to nothing: whose certificate we do not believe, or who does not believe ours.
    Tls,
    /// The connection ended, or what came was no HTTP.
    Broken,
    /// It took too long.
    TimedOut,
}

impl PostError {
    /// One word for logs and the data base.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Broken => "broken",
            Self::TimedOut => "timeout",
        }
    }
}

/// The way to one receiver. `Debug` shows the address alone.
pub struct Post {
    address: WebAddress,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    secret: Option<Vec<u8>>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("address", &self.address)
            .field("secret", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

impl Post {
    /// Reads the receiver's certificates. The secret must have been filled in
    /// ([`meishier_engine::config::Secret::text`]).
    ///
    /// # Errors
    /// [`CertificateError`] for the first file that is of no use.
    pub fn new(receiver: &Receiver) -> Result<Self, CertificateError> {
        let secret = receiver.secret.as_ref();
        Ok(Self {
            tls: tls(receiver)?,
            address: receiver.url.clone(),
            secret: secret.map(|secret| secret.text().as_bytes().to_vec()),
        })
    }

    /// Sends a JSON document under a mark (ASCII) by which the receiver knows one that came before.
    /// Gives the HTTP status.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn send(&self, at: Wall, mark: &str, body: &[u8]) -> Result<u16, PostError> {
        let host = (self.address.host.as_str(), self.address.port);
        let stream = timeout(CONNECT_LIMIT, TcpStream::connect(host)).await;
        let stream = stream.map_err(|_| PostError::TimedOut)?;
        let stream = stream.map_err(|_| PostError::Unreachable)?;
        // Without it the last bytes may wait for an acknowledgement; its lack costs only that.
        let _ = stream.set_nodelay(true);
        let request = self.request(at, mark, body)?;
        let asked = async {
            match &self.tls {
                None => exchange(stream, request).await,
                Some((connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await;
                    exchange(stream.map_err(|_| PostError::Tls)?, request).await
                }
            }
        };
        timeout(ANSWER_LIMIT, asked)
            .await
            .unwrap_or(Err(PostError::TimedOut))
    }

    fn request(
        &self,
        at: Wall,
        mark: &str,
        body: &[u8],
    ) -> Result<Request<Full<Bytes>>, PostError> {
        let stamp = at.0.div_euclid(1000).to_string();
        let mut request = Request::post(&self.address.path)
            .header("Host", self.address.authority())
            .header("Content-Type", "application/json")
            .header("User-Agent", "meishier")
            .header("Connection", "close")
            .header("Idempotency-Key", mark)
            .header("X-Meishier-Timestamp", &stamp);
        if let Some(secret) = &self.secret {
            let signature = signature(secret, &stamp, mark, body);
            request = request.header("X-Meishier-Signature", format!("sha256={signature}"));
        }
        let body = Full::new(Bytes::copy_from_slice(body));
        request.body(body).map_err(|_| PostError::Broken)
    }
}

fn signature(secret: &[u8], stamp: &str, mark: &str, body: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        for part in [stamp.as_bytes(), b".", mark.as_bytes(), b".", body] {
            mac.update(part);
        }
        for byte in mac.finalize().into_bytes() {
            let _ = write!(out, "{byte:02x}");
        }
    }
    out
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<u16, PostError> {
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(ANSWER_BYTES)
        .handshake(io)
        .await
        .map_err(|_| PostError::Broken)?;
    // On this task: dropping the future ends the connection with it.
    let answer = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(broken)?;
        let status = response.status();
        // So much of the body as fits; the rest is of no use to us.
        let mut body = response.into_body();
        let mut left = ANSWER_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
        Ok::<StatusCode, PostError>(status)
    };
    tokio::pin!(connection);
    tokio::pin!(answer);
    let status = tokio::select! {
        biased;
        status = &mut answer => status?,
        ended = &mut connection => match ended {
            // The answer may stand in what was read before the end.
            Ok(()) => answer.await?,
            Err(error) => return Err(broken(error)),
        },
    };
    Ok(status.as_u16())
}

/// TLS 1.3 tells that our certificate is not believed only when the first answer is read.
fn broken(error: hyper::Error) -> PostError {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>();
        let within = io.and_then(std::io::Error::get_ref);
        if within.is_some_and(|it| it.is::<rustls::Error>()) {
            return PostError::Tls;
        }
        source = cause.source();
    }
    PostError::Broken
}

fn tls(
    receiver: &Receiver,
) -> Result<Option<(TlsConnector, ServerName<'static>)>, CertificateError> {
    let Some(trusted) = receiver
        .trusted_ca
        .as_deref()
        .filter(|_| receiver.url.secure)
    else {
        return Ok(None);
    };
    let unfit = |file: &Path, error: &dyn fmt::Display| {
        CertificateError::new(file, CertificateFault::DoNotFit, error)
    };
    let name = ServerName::try_from(receiver.url.host.clone());
    let name = name.map_err(|error| unfit(trusted, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit(trusted, &error))?
        .with_root_certificates(roots(trusted)?);
    let config = match &receiver.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, private)) => builder
            .with_client_auth_cert(chain(certificate)?, key(private)?)
            .map_err(|error| unfit(private, &error))?,
    };
    Ok(Some((TlsConnector::from(Arc::new(config)), name)))
}
