//! What machines ask: alive, ready, metrics.

use crate::error::Fault;
use crate::lang::Lang;
use crate::router::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

/// `GET /healthz`: the process answers.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 while new calls are taken, else 503.
pub(crate) async fn ready(State(site): State<Shared>) -> Response {
    if site.app.ready.load(Acquire) {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

/// `GET /metrics`: the Prometheus page.
pub(crate) async fn metrics(State(site): State<Shared>, headers: HeaderMap) -> Response {
    let make = Arc::clone(&site.app.metrics);
    // Off this thread: a scrape must not stand before a seat's change of state.
    match tokio::task::spawn_blocking(move || make()).await {
        Ok(page) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            page,
        )
            .into_response(),
        Err(_) => Fault::Unavailable.answer(Lang::of(None, &headers)),
    }
}
