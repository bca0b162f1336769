//! Running calls, and the transfer key.

use crate::audit::{Deed, When, carry_out};
use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use crate::wire::{AlarmBody, CallBody, NuisanceRequest, TransferBody, TransferRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply};
use meishier_model::CallId;
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Calls<'a> {
    calls: Vec<CallBody<'a>>,
    alarms: Vec<AlarmBody<'a>>,
}

/// `GET /api/v1/calls`
pub(crate) async fn list(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(all(&site).await)
}

/// `POST /api/v1/calls/{id}/transfer`
pub(crate) async fn transfer(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<TransferRequest>,
) -> Response {
    let asked = start(&site, &entry, &id, request).await;
    entry.answer(asked)
}

/// `DELETE /api/v1/calls/{id}/transfer`
pub(crate) async fn take_back(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    let asked = cancel(&site, &entry, &id).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/risk`
pub(crate) async fn flag(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(done(&site, &id, |call| Ok(Command::Flag { call })).await)
}

/// `POST /api/v1/calls/{id}/nuisance`
pub(crate) async fn nuisance(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<NuisanceRequest>,
) -> Response {
    entry.answer(done(&site, &id, |call| request.command(call)).await)
}

async fn done(
    site: &Shared,
    id: &str,
    command: impl FnOnce(CallId) -> Result<Command, String>,
) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    match site.command(command(call).map_err(Fault::Invalid)?).await? {
        Reply::Done(result) => {
            result?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

async fn all(site: &Shared) -> Result<Response, Fault> {
    let views = site.views().await?;
    let mut calls: Vec<_> = views.iter().flat_map(|view| &view.calls).collect();
    calls.sort_by_key(|call| (call.arrived, call.call));
    Ok(Json(Calls {
        calls: calls.into_iter().map(CallBody::from).collect(),
        alarms: (views.iter().flat_map(|view| &view.alarms))
            .map(AlarmBody::from)
            .collect(),
    })
    .into_response())
}

async fn start(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: TransferRequest,
) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let press = request.press().map_err(Fault::Invalid)?;
    let key = ("key".to_owned(), Value::from(press.key.as_str()));
    let deed = deed(entry, "key", call, [key].into_iter().collect());
    let command = Command::Transfer { call, press };
    match carry_out(site, deed, When::After, command).await? {
        Reply::Transfer(started) => {
            // Dialling has begun; whether the target answers is told by the call's own state.
            Ok((StatusCode::ACCEPTED, Json(TransferBody::from(started?))).into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

async fn cancel(site: &Shared, entry: &Entry, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let deed = deed(entry, "take_back", call, Map::new());
    match carry_out(site, deed, When::After, Command::take_back(call)).await? {
        Reply::Done(result) => {
            result?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

fn deed(entry: &Entry, what: &'static str, call: CallId, detail: Map<String, Value>) -> Deed {
    let by = entry.by.clone();
    Deed {
        what,
        call,
        by,
        detail,
    }
}
