//! Records of finished calls, numbers masked.

use crate::error::Fault;
use crate::portion::portion;
use crate::router::{Entry, Shared};
use crate::wire::RecordBody;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::CommandError;
use meishier_model::CallId;
use meishier_records::Store;
use serde::{Deserialize, Serialize};

/// Which page. `lang` is read elsewhere and only tolerated here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    limit: Option<u32>,
    offset: Option<u64>,
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

#[derive(Serialize)]
struct Records<'a> {
    total: u64,
    limit: u32,
    offset: u64,
    records: Vec<RecordBody<'a>>,
}

/// `GET /api/v1/records?limit=&offset=`
pub(crate) async fn list(
    entry: Entry,
    State(site): State<Shared>,
    which: Result<Query<Which>, QueryRejection>,
) -> Response {
    entry.answer(page(&site, which).await)
}

/// `GET /api/v1/records/{id}`
pub(crate) async fn show(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(one(&site, &id).await)
}

fn store(site: &Shared) -> Result<&Store, Fault> {
    site.app.store.as_ref().ok_or(Fault::Unavailable)
}

async fn page(
    site: &Shared,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(which) = which.map_err(|error| Fault::Invalid(error.body_text()))?;
    let (limit, offset) = portion(which.limit, which.offset)?;
    let store = store(site)?;
    let total = store.count().await?;
    let records = store.recent(limit, offset).await?;
    let records = records.iter().map(RecordBody::from).collect();
    Ok(Json(Records {
        total,
        limit,
        offset,
        records,
    })
    .into_response())
}

async fn one(site: &Shared, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let record = store(site)?
        .get(call)
        .await?
        .ok_or(CommandError::UnknownCall)?;
    Ok(Json(RecordBody::from(&record)).into_response())
}
