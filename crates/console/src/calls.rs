//! Running calls, and the transfer key.

use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use crate::wire::{CallBody, NuisanceRequest, TransferBody, TransferRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply, TransferStarted};
use meishier_model::CallId;
use serde::Serialize;

#[derive(Serialize)]
struct Calls<'a> {
    calls: Vec<CallBody<'a>>,
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
    entry.answer(start(&site, &id, request).await)
}

/// `DELETE /api/v1/calls/{id}/transfer`
pub(crate) async fn take_back(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(cancel(&site, &id).await)
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
    })
    .into_response())
}

async fn start(site: &Shared, id: &str, request: TransferRequest) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    request.check().map_err(Fault::Invalid)?;
    let TransferRequest { key, city } = request;
    let started = ask(site, Command::Transfer { call, key, city }).await?;
    // Dialling has begun; whether the target answers is told by the call's own state.
    Ok((StatusCode::ACCEPTED, Json(TransferBody::from(started))).into_response())
}

async fn cancel(site: &Shared, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    ask(site, Command::CancelTransfer { call }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn ask(site: &Shared, command: Command) -> Result<TransferStarted, Fault> {
    match site.command(command).await? {
        Reply::Transfer(result) => Ok(result?),
        _ => Err(Fault::Unavailable),
    }
}
