//! The transfer keys of the configuration in force, and whom one of them would reach.

use crate::app::{KeyInfo, Reached};
use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Longest place, in bytes.
const LONGEST: usize = 256;

#[derive(Serialize)]
struct Keys<'a> {
    keys: &'a [KeyInfo],
}

/// The body of `POST /api/v1/keys/{name}/target`: a place is no part of an address, for addresses stand in
/// logs and histories.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    place: String,
}

/// `GET /api/v1/keys`
pub(crate) async fn list(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(all(&site))
}

/// `POST /api/v1/keys/{name}/target`
pub(crate) async fn target(
    entry: Entry,
    State(site): State<Shared>,
    Path(name): Path<String>,
    Payload(place): Payload<Where>,
) -> Response {
    entry.answer(one(&site, &name, &place))
}

fn all(site: &Shared) -> Result<Response, Fault> {
    let tables = site.app.tables.as_ref().ok_or(Fault::Unavailable)?;
    let keys = tables.keys();
    Ok(Json(Keys { keys: &keys }).into_response())
}

fn one(site: &Shared, name: &str, place: &Where) -> Result<Response, Fault> {
    if place.place.len() > LONGEST {
        return Err(Fault::Invalid("`place` is too long".to_owned()));
    }
    let tables = site.app.tables.as_ref().ok_or(Fault::Unavailable)?;
    let reached: Reached = tables.reach(name, &place.place)?;
    Ok(Json(reached).into_response())
}
