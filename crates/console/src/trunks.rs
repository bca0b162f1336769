//! Trunks: whether they answer, and whether we are registered there.

use crate::error::Fault;
use crate::router::{Entry, Shared};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use meishier_engine::api::TrunkView;
use serde::Serialize;

#[derive(Serialize)]
struct Trunks<'a> {
    trunks: Vec<TrunkBody<'a>>,
}

#[derive(Serialize)]
struct TrunkBody<'a> {
    id: u16,
    name: &'a str,
    /// Whether it answers our OPTIONS; `null` if it is not asked.
    up: Option<bool>,
    /// `null` if its carrier wants none.
    registration: Option<RegistrationBody>,
}

#[derive(Serialize)]
struct RegistrationBody {
    registered: bool,
    state: &'static str,
    /// Status of the last answer; 408 if none came, 503 if nothing could be sent, 0 before the first.
    status: u16,
}

impl<'a> From<&'a TrunkView> for TrunkBody<'a> {
    fn from(trunk: &'a TrunkView) -> Self {
        let registration = trunk.registration.map(|it| RegistrationBody {
            registered: it.state.is_bound(),
            state: it.state.as_str(),
            status: it.status,
        });
        Self {
            id: trunk.trunk.0,
            name: &trunk.name,
            up: trunk.up,
            registration,
        }
    }
}

/// `GET /api/v1/trunks`
pub(crate) async fn list(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(all(&site).await.map(|trunks| {
        Json(Trunks {
            trunks: trunks.iter().map(TrunkBody::from).collect(),
        })
        .into_response()
    }))
}

async fn all(site: &Shared) -> Result<Vec<TrunkView>, Fault> {
    let views = site.views().await?;
    let mut trunks: Vec<TrunkView> = views.into_iter().flat_map(|view| view.trunks).collect();
    if trunks.is_empty() {
        // The shard that tells of them did not answer.
        return Err(Fault::Unavailable);
    }
    trunks.sort_by_key(|trunk| trunk.trunk);
    Ok(trunks)
}
