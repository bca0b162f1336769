//! Pools: how they stand, and their state of service set by hand.

use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, PoolView, Reply};
use meishier_engine::routing::{Hand, Service};
use meishier_model::{PoolId, Wall};
use serde::{Deserialize, Serialize};

/// Longest reason, in characters.
const REASON: usize = 200;

/// The body of `PUT /api/v1/pools/{name}/state`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRequest {
    state: String,
    until_ms: Option<i64>,
    reason: String,
}

impl StateRequest {
    fn hand(self, now: Wall) -> Result<Hand, String> {
        let name = self.state.replace('_', "");
        let state = Service::parse(&name).ok_or_else(|| {
            let names = Service::ALL.map(Service::as_str);
            format!("`state` is one of {}", names.join(", "))
        })?;
        let until = self.until_ms.map(Wall);
        if until.is_some_and(|until| until <= now) {
            return Err("`until_ms` has passed".to_owned());
        }
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON {
            return Err(format!("`reason` has 1 to {REASON} characters"));
        }
        Ok(Hand {
            state,
            until,
            reason: reason.to_owned(),
        })
    }
}

#[derive(Serialize)]
struct Pools<'a> {
    pools: Vec<PoolBody<'a>>,
}

#[derive(Serialize)]
struct PoolBody<'a> {
    id: u16,
    name: &'a str,
    state: &'static str,
    lines: u16,
    used: u16,
    staffed: u32,
    hand: Option<HandBody<'a>>,
}

#[derive(Serialize)]
struct HandBody<'a> {
    state: &'static str,
    until_ms: Option<i64>,
    reason: &'a str,
}

impl<'a> From<&'a PoolView> for PoolBody<'a> {
    fn from(pool: &'a PoolView) -> Self {
        let hand = pool.hand.as_ref().map(|hand| HandBody {
            state: hand.state.as_str(),
            until_ms: hand.until.map(|until| until.0),
            reason: &hand.reason,
        });
        Self {
            id: pool.pool.0,
            name: &pool.name,
            state: pool.service.as_str(),
            lines: pool.lines,
            used: pool.used,
            staffed: pool.staffed,
            hand,
        }
    }
}

/// `GET /api/v1/pools`
pub(crate) async fn list(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(all(&site).await.map(|pools| {
        Json(Pools {
            pools: pools.iter().map(PoolBody::from).collect(),
        })
        .into_response()
    }))
}

/// `PUT /api/v1/pools/{name}/state`
pub(crate) async fn set_state(
    entry: Entry,
    State(site): State<Shared>,
    Path(name): Path<String>,
    Payload(request): Payload<StateRequest>,
) -> Response {
    let hand = request.hand(site.app.control.wall());
    entry.answer(match hand {
        Ok(hand) => set(&site, &name, Some(hand)).await,
        Err(what) => Err(Fault::Invalid(what)),
    })
}

/// `DELETE /api/v1/pools/{name}/state`
pub(crate) async fn by_rule(
    entry: Entry,
    State(site): State<Shared>,
    Path(name): Path<String>,
) -> Response {
    entry.answer(set(&site, &name, None).await)
}

async fn all(site: &Shared) -> Result<Vec<PoolView>, Fault> {
    let views = site.views().await?;
    let mut pools: Vec<PoolView> = views.into_iter().flat_map(|view| view.pools).collect();
    if pools.is_empty() {
        // The shard that tells of them did not answer.
        return Err(Fault::Unavailable);
    }
    pools.sort_by_key(|pool| pool.pool);
    Ok(pools)
}

async fn set(site: &Shared, name: &str, hand: Option<Hand>) -> Result<Response, Fault> {
    let names = &site.app.directory.pools;
    let index = names.iter().position(|it| it == name);
    let pool = index
        .and_then(|index| u16::try_from(index).ok())
        .map(PoolId)
        .ok_or(CommandError::UnknownPool)?;
    let state = hand.as_ref().map_or("by rule", |hand| hand.state.as_str());
    for reply in site
        .command_all(Command::PoolState {
            pool,
            hand: hand.clone(),
        })
        .await?
    {
        match reply {
            Reply::Done(done) => done?,
            _ => return Err(Fault::Unavailable),
        }
    }
    tracing::info!(pool = name, state, "state of service set by hand");
    let pools = all(site).await?;
    let found = pools.iter().find(|it| it.pool == pool);
    let found = found.ok_or(Fault::Unavailable)?;
    Ok(Json(PoolBody::from(found)).into_response())
}
