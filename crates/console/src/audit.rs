//! Who did what in a call: written down as it is done, and read again.
//!
//! Listening in is written down before it begins, or does not begin. Help is never kept waiting for
//! the disk: a key is pressed first. Either goes on if the asker hangs up half-way.

use crate::error::Fault;
use crate::portion::portion;
use crate::router::{Entry, Shared};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply};
use meishier_model::CallId;
use meishier_records::{AuditEntry, KeptEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is written down of something that is asked for.
pub(crate) struct Deed {
    /// A word such as `key`.
    pub(crate) what: &'static str,
    /// In which call.
    pub(crate) call: CallId,
    /// Account of whoever asks, as far as it is known.
    pub(crate) by: Option<String>,
    /// More of it; no personal data of callers.
    pub(crate) detail: Map<String, Value>,
}

/// When it is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before it is done: without an entry it is not done.
    Before,
    /// Once it is done, for it cannot wait.
    After,
}

impl Deed {
    fn entry(&self, site: &Shared, more: Map<String, Value>) -> AuditEntry {
        let mut detail = self.detail.clone();
        detail.extend(more);
        AuditEntry {
            at: site.app.control.wall(),
            what: self.what.to_owned(),
            call: self.call,
            by: self.by.clone(),
            detail: Value::Object(detail).to_string(),
        }
    }

    /// Adds the entry, with this in its detail.
    pub(crate) async fn write(&self, site: &Shared, more: Map<String, Value>) -> Result<(), Fault> {
        let store = site.app.store.as_ref().ok_or(Fault::Unavailable)?;
        store.audit(&self.entry(site, more)).await?;
        Ok(())
    }
}

/// Asks the engine, and writes it down.
pub(crate) async fn carry_out(
    site: &Shared,
    deed: Deed,
    when: When,
    command: Command,
) -> Result<Reply, Fault> {
    let site = Arc::clone(site);
    let task = tokio::spawn(async move {
        if when == When::Before {
            deed.write(&site, Map::new()).await?;
        }
        let reply = site.command(command).await;
        let more = outcome(&reply);
        if when == When::After || more.contains_key("refused") {
            // It is done; that it could not be written down is in the log.
            if deed.write(&site, more).await.is_err() {
                tracing::error!(what = deed.what, "no entry in the audit");
            }
        }
        reply
    });
    task.await.map_err(|_| Fault::Unavailable)?
}

/// What came of it, for the entry.
fn outcome(reply: &Result<Reply, Fault>) -> Map<String, Value> {
    let refused = |code: &'static str| ("refused".to_owned(), Value::from(code));
    let code = |error: &CommandError| refused(Fault::Refused(error.clone()).code());
    match reply {
        Err(fault) => [refused(fault.code())].into_iter().collect(),
        Ok(
            Reply::Done(Err(error))
            | Reply::Transfer(Err(error))
            | Reply::Revealed(Err(error))
            | Reply::Written(Err(error)),
        ) => [code(error)].into_iter().collect(),
        Ok(Reply::Transfer(Ok(started))) => [
            ("third".to_owned(), Value::from(started.third.0)),
            ("dialled".to_owned(), Value::from(started.dialled.as_str())),
        ]
        .into_iter()
        .collect(),
        Ok(_) => Map::new(),
    }
}

/// Which page. `lang` is read elsewhere and only tolerated here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    call: Option<String>,
    limit: Option<u32>,
    offset: Option<u64>,
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

#[derive(Serialize)]
struct Entries<'a> {
    entries: Vec<EntryBody<'a>>,
}

#[derive(Serialize)]
struct EntryBody<'a> {
    id: i64,
    at_ms: i64,
    what: &'a str,
    call: Option<String>,
    by: Option<&'a str>,
    detail: Value,
}

impl<'a> From<&'a KeptEntry> for EntryBody<'a> {
    fn from(kept: &'a KeptEntry) -> Self {
        let entry = &kept.entry;
        let plain = || Value::from(entry.detail.as_str());
        Self {
            id: kept.id,
            at_ms: entry.at.0,
            what: &entry.what,
            call: (entry.call != CallId(0)).then(|| entry.call.to_string()),
            by: entry.by.as_deref(),
            detail: serde_json::from_str(&entry.detail).unwrap_or_else(|_| plain()),
        }
    }
}

/// `GET /api/v1/audit?call=&limit=&offset=`
pub(crate) async fn list(
    entry: Entry,
    State(site): State<Shared>,
    which: Result<Query<Which>, QueryRejection>,
) -> Response {
    entry.answer(page(&site, which).await)
}

async fn page(
    site: &Shared,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(which) = which.map_err(|error| Fault::Invalid(error.body_text()))?;
    let (limit, offset) = portion(which.limit, which.offset)?;
    let call = which
        .call
        .map(|id| CallId::parse(&id).ok_or(CommandError::UnknownCall));
    let store = site.app.store.as_ref().ok_or(Fault::Unavailable)?;
    let found = store.audited(call.transpose()?, limit, offset).await?;
    let entries = found.iter().map(EntryBody::from).collect();
    Ok(Json(Entries { entries }).into_response())
}
