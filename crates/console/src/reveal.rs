//! The caller's number in full, for whoever must call back. Who asked why is written down before it is
//! shown; without that entry it is not.

use crate::audit::{Deed, When, carry_out};
use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply};
use meishier_model::CallId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest reason, in characters.
const LONGEST: usize = 200;

/// The body of both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    reason: String,
}

#[derive(Serialize)]
struct Revealed<'a> {
    caller: &'a str,
}

/// `POST /api/v1/calls/{id}/reveal`
pub(crate) async fn of_call(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<Request>,
) -> Response {
    let asked = running(&site, &entry, &id, &request).await;
    entry.answer(asked)
}

/// `POST /api/v1/records/{id}/reveal`
pub(crate) async fn of_record(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<Request>,
) -> Response {
    let asked = finished(&site, &entry, &id, &request).await;
    entry.answer(asked)
}

/// Why it is asked for.
pub(crate) fn reason(request: &Request) -> Result<&str, Fault> {
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST {
        let why = format!("`reason` has 1 to {LONGEST} characters");
        return Err(Fault::Invalid(why));
    }
    Ok(reason)
}

fn deed(entry: &Entry, what: &'static str, id: &str, request: &Request) -> Result<Deed, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let reason = reason(request)?;
    let detail = ("reason".to_owned(), Value::from(reason));
    Ok(Deed {
        what,
        call,
        by: entry.by.clone(),
        detail: [detail].into_iter().collect(),
    })
}

fn answer(number: &str) -> Response {
    let body = Json(Revealed { caller: number });
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn running(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: &Request,
) -> Result<Response, Fault> {
    let deed = deed(entry, "reveal", id, request)?;
    let command = Command::Reveal { call: deed.call };
    match carry_out(site, deed, When::Before, command).await? {
        Reply::Revealed(Ok(number)) => Ok(answer(number.reveal())),
        Reply::Revealed(Err(CommandError::NumberWithheld)) => Err(Fault::Withheld),
        Reply::Revealed(Err(error)) => Err(error.into()),
        _ => Err(Fault::Unavailable),
    }
}

/// The record of a caller who withheld the number has none.
async fn finished(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: &Request,
) -> Result<Response, Fault> {
    let deed = deed(entry, "reveal_record", id, request)?;
    let store = site.app.store.as_ref().ok_or(Fault::Unavailable)?;
    deed.write(site, Map::new()).await?;
    let record = store.get(deed.call).await?;
    let record = record.ok_or(CommandError::UnknownCall)?;
    let number = Some(record.caller).filter(|number| !number.is_empty());
    Ok(answer(number.ok_or(Fault::Withheld)?.reveal()))
}
