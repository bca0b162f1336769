//! Why a caller still waits.

use crate::error::Fault;
use crate::router::{Entry, Shared};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply, WhyPool, WhyReason, WhyView};
use meishier_model::CallId;
use serde::Serialize;

#[derive(Serialize)]
struct WhyBody<'a> {
    id: String,
    phase: &'static str,
    waited_ms: u64,
    risk: bool,
    ahead: Option<u32>,
    expected_ms: Option<u64>,
    pools: &'a [WhyPool],
    needs: &'a [String],
    reasons: &'a [WhyReason],
    route_reason: &'a str,
    rules: &'a [String],
    table: &'a str,
}

impl<'a> From<&'a WhyView> for WhyBody<'a> {
    fn from(why: &'a WhyView) -> Self {
        Self {
            id: why.call.to_string(),
            phase: why.phase.as_str(),
            waited_ms: why.waited_ms,
            risk: why.risk,
            ahead: why.ahead,
            expected_ms: why.expected_ms,
            pools: &why.pools,
            needs: &why.needs,
            reasons: &why.reasons,
            route_reason: &why.route_reason,
            rules: &why.rules,
            table: &why.table,
        }
    }
}

/// `GET /api/v1/calls/{id}/why`
pub(crate) async fn show(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(one(&site, &id).await)
}

async fn one(site: &Shared, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    match site.command(Command::Why { call }).await? {
        Reply::Why(why) => Ok(Json(WhyBody::from(&*why?)).into_response()),
        _ => Err(Fault::Unavailable),
    }
}
