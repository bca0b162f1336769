//! The routes, and what all handlers begin with.

use crate::app::App;
use crate::error::Fault;
use crate::lang::Lang;
use crate::{
    access, audit, call_back, calls, desk, dossier, keys, marks, page, pools, probes, records,
    reveal, seats, table, thirds, trunks, why,
};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use meishier_engine::api::{Command, Reply};
use meishier_model::{CounsellorId, SeatId};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Largest body taken, in bytes.
const LARGEST_BODY: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(5);
/// How long the engine may take to answer.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

/// [`App`] with its names made ready for look-up.
pub(crate) struct Site {
    pub(crate) app: App,
    seats: HashMap<String, SeatId>,
    counsellors: HashMap<String, CounsellorId>,
}

/// What the handlers share.
pub(crate) type Shared = Arc<Site>;

/// All routes of the console.
pub fn router(app: App) -> Router {
    let by_name =
        |names: &[String]| -> Vec<(String, u32)> { names.iter().cloned().zip(0..).collect() };
    let seats = by_name(&app.directory.seats);
    let counsellors = by_name(&app.directory.counsellors);
    let site = Site {
        seats: seats
            .into_iter()
            .map(|(name, n)| (name, SeatId(n)))
            .collect(),
        counsellors: counsellors
            .into_iter()
            .map(|(name, n)| (name, CounsellorId(n)))
            .collect(),
        app,
    };
    Router::new()
        .route("/", get(page::show))
        .route("/desk", get(desk::show))
        .route("/desk.js", get(desk::script))
        .route("/desk-clock.js", get(desk::clock))
        .route("/desk.css", get(desk::style))
        .route("/healthz", get(probes::health))
        .route("/readyz", get(probes::ready))
        .route("/metrics", get(probes::metrics))
        .route("/api/v1/seats", get(seats::list))
        .route("/api/v1/seats/{name}", get(seats::show))
        .route("/api/v1/seats/{name}/state", post(seats::set_state))
        .route("/api/v1/calls", get(calls::list))
        .route(
            "/api/v1/calls/{id}/transfer",
            post(calls::transfer).delete(calls::take_back),
        )
        .route("/api/v1/calls/{id}/thirds/{third}", post(thirds::wish))
        .route("/api/v1/calls/{id}/parties/{who}/mode", post(thirds::mode))
        .route("/api/v1/calls/{id}/leave", post(thirds::leave))
        .route("/api/v1/calls/{id}/alarms/seen", post(thirds::alarms_seen))
        .route("/api/v1/calls/{id}/supervise", post(thirds::supervise))
        .route("/api/v1/calls/{id}/recording", post(thirds::recording))
        .route("/api/v1/keys", get(keys::list))
        .route("/api/v1/keys/{name}/target", post(keys::target))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/calls/{id}/risk", post(calls::flag))
        .route("/api/v1/calls/{id}/nuisance", post(calls::nuisance))
        .route(
            "/api/v1/calls/{id}/facts",
            get(dossier::written).put(dossier::facts),
        )
        .route("/api/v1/calls/{id}/dossier", get(dossier::sent))
        .route("/api/v1/calls/{id}/reveal", post(reveal::of_call))
        .route("/api/v1/calls/{id}/call-back", post(call_back::of_call))
        .route("/api/v1/call-back/words", get(call_back::show_words))
        .route("/api/v1/tasks/{id}/call-back", post(call_back::of_task))
        .route("/api/v1/calls/{id}/why", get(why::show))
        .route("/api/v1/pools", get(pools::list))
        .route(
            "/api/v1/pools/{name}/state",
            put(pools::set_state).delete(pools::by_rule),
        )
        .route("/api/v1/trunks", get(trunks::list))
        .route("/api/v1/marks", get(marks::list).put(marks::add))
        .route("/api/v1/marks/{id}", delete(marks::take_back))
        .route("/api/v1/tasks", get(dossier::tasks))
        .route("/api/v1/tasks/{id}/done", post(dossier::task_done))
        .route("/api/v1/table", get(table::show))
        .route("/api/v1/reload", post(table::reload))
        .route("/api/v1/records", get(records::list))
        .route("/api/v1/records/{id}", get(records::show))
        .route("/api/v1/records/{id}/reveal", post(reveal::of_record))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(site))
}

async fn unknown_path(request: Request) -> Response {
    Fault::UnknownPath.answer(Lang::of(request.uri().query(), request.headers()))
}

async fn method_not_allowed(request: Request) -> Response {
    Fault::MethodNotAllowed.answer(Lang::of(request.uri().query(), request.headers()))
}

impl Site {
    /// The seat with that name, or with that number if no seat is named so.
    pub(crate) fn seat(&self, name: &str) -> Option<SeatId> {
        let numbered = || {
            let index: u32 = name.parse().ok()?;
            ((index as usize) < self.app.directory.seats.len()).then_some(SeatId(index))
        };
        self.seats.get(name).copied().or_else(numbered)
    }

    /// The counsellor with that account.
    pub(crate) fn counsellor(&self, account: &str) -> Option<CounsellorId> {
        self.counsellors.get(account).copied()
    }

    /// Asks one shard.
    pub(crate) async fn command(&self, command: Command) -> Result<Reply, Fault> {
        let reply = timeout(ENGINE_LIMIT, self.app.control.command(command)).await;
        Ok(reply.map_err(|_| Fault::TimedOut)??)
    }

    /// Asks every shard; at least one answer.
    pub(crate) async fn command_all(&self, command: Command) -> Result<Vec<Reply>, Fault> {
        let replies = timeout(ENGINE_LIMIT, self.app.control.command_all(command)).await;
        let replies = replies.map_err(|_| Fault::TimedOut)?;
        if replies.is_empty() {
            return Err(Fault::Unavailable);
        }
        Ok(replies)
    }

    /// Asks every shard for its calls and seats.
    pub(crate) async fn views(&self) -> Result<Vec<meishier_engine::api::ShardView>, Fault> {
        let replies = self.command_all(Command::View).await?;
        let view = |reply| match reply {
            Reply::View(view) => Ok(*view),
            _ => Err(Fault::Unavailable),
        };
        replies.into_iter().map(view).collect()
    }
}

/// A request to the API that may proceed: the token was shown. Comes before all other parts.
pub(crate) struct Entry {
    pub(crate) lang: Lang,
    /// The account that the asker says to be, if it is one of the configuration's.
    pub(crate) by: Option<String>,
}

/// The header in which a desk's program names the account that it works for.
const ACCOUNT: &str = "x-meishier-account";

impl Entry {
    /// Turns what a handler came to into an answer.
    pub(crate) fn answer(&self, result: Result<Response, Fault>) -> Response {
        result.unwrap_or_else(|fault| fault.answer(self.lang))
    }
}

impl FromRequestParts<Shared> for Entry {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Response> {
        let lang = Lang::of(parts.uri.query(), &parts.headers);
        access::check(&parts.headers, site.app.token.as_deref())
            .map_err(|fault| fault.answer(lang))?;
        let said = parts.headers.get(ACCOUNT);
        let said = said.and_then(|value| value.to_str().ok());
        let known = said.filter(|account| site.counsellor(account).is_some());
        Ok(Self {
            lang,
            by: known.map(str::to_owned),
        })
    }
}

/// A JSON body of limited size.
pub(crate) struct Payload<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Payload<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Response> {
        let lang = Lang::of(request.uri().query(), request.headers());
        read(request)
            .await
            .map(Self)
            .map_err(|fault| fault.answer(lang))
    }
}

impl<T: DeserializeOwned> OptionalFromRequest<Shared> for Payload<T> {
    type Rejection = Response;

    /// None if the request declares no type: then it has no body to be read.
    async fn from_request(request: Request, site: &Shared) -> Result<Option<Self>, Response> {
        match request.headers().contains_key(header::CONTENT_TYPE) {
            true => <Self as FromRequest<Shared>>::from_request(request, site)
                .await
                .map(Some),
            false => Ok(None),
        }
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Fault> {
    // Asked for strictly: a form on another site cannot send this type unasked.
    if !declares_json(request.headers()) {
        return Err(Fault::NotJson);
    }
    let body: Bytes = timeout(BODY_LIMIT, to_bytes(request.into_body(), LARGEST_BODY))
        .await
        .map_err(|_| Fault::Malformed)?
        .map_err(|_| Fault::TooLarge)?;
    serde_json::from_slice(&body).map_err(|error| {
        if error.is_data() {
            Fault::Invalid(error.to_string())
        } else {
            Fault::Malformed
        }
    })
}

fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = declared
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}
