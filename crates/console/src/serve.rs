//! Connections: how many, how slow, and how they end.

use crate::app::App;
use crate::router::router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Limits against whoever connects.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at once; more wait in the system's backlog. Default 512.
    pub connections: usize,
    /// How long a request's head may take, and a kept connection may stay idle. Default 15 s.
    pub head: Duration,
    /// How long running requests may take after shutdown was asked for. Default 5 s.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            head: Duration::from_secs(15),
            drain: Duration::from_secs(5),
        }
    }
}

/// Bytes of a request's head at most.
const LARGEST_HEAD: usize = 32 * 1024;
/// Header lines of a request at most.
const MOST_HEADERS: usize = 64;

/// Serves the console until `shutdown` is done, then lets running requests end.
///
/// # Errors
/// None once it has begun; the result is kept for what may come.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    serve_with(listener, app, shutdown, ServeLimits::default()).await
}

/// [`serve`] with limits of one's own.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send,
    limits: ServeLimits,
) -> io::Result<()> {
    let service = TowerToHyperService::new(router(app));
    let places = Arc::new(Semaphore::new(limits.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS);
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed; without a place nobody is taken in.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (accept(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = next => next,
        };
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        drop(tokio::spawn(async move {
            // A peer that broke the connection or the protocol has been dealt with by hyper.
            let _ = connection.await;
            drop(place);
        }));
    }
    drop(listener);
    // Whoever still talks after the limit is cut off with the runtime.
    let _ = timeout(limits.drain, graceful.shutdown()).await;
    Ok(())
}

/// The next connection, small packets sent at once.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if stream.set_nodelay(true).is_ok() {
                    return stream;
                }
            }
            Err(error) => {
                // Out of descriptors, or the peer gave up already: the next one may be better.
                tracing::warn!(%error, "no connection accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
