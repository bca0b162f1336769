//! The configuration in force, and reading it again.

use crate::app::{NotReloaded, Reloaded, TableInfo, Tables};
use crate::error::Fault;
use crate::router::{Entry, Shared};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct TableBody<'a> {
    hash: &'a str,
    loaded_ms: i64,
    files: &'a [String],
}

#[derive(Serialize)]
struct ReloadedBody<'a> {
    before: &'a str,
    after: &'a str,
    changed_files: &'a [String],
    changed_sections: &'a [&'static str],
    warnings: Vec<&'a str>,
}

/// `GET /api/v1/table`
pub(crate) async fn show(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(tables(&site).map(|tables| {
        let TableInfo {
            hash,
            files,
            loaded,
        } = tables.current();
        Json(TableBody {
            hash: &hash,
            loaded_ms: loaded.0,
            files: &files,
        })
        .into_response()
    }))
}

/// `POST /api/v1/reload`
pub(crate) async fn reload(entry: Entry, State(site): State<Shared>) -> Response {
    let result = match tables(&site) {
        Ok(tables) => finished(tables).await,
        Err(fault) => Err(fault),
    };
    entry.answer(result.map(|done| {
        let warnings = done.warnings.iter();
        Json(ReloadedBody {
            before: &done.before,
            after: &done.after,
            changed_files: &done.changed_files,
            changed_sections: &done.changed_sections,
            warnings: warnings
                .map(|it| entry.lang.pick(it.zh.as_str(), it.en.as_str()))
                .collect(),
        })
        .into_response()
    }))
}

fn tables(site: &Shared) -> Result<Arc<dyn Tables>, Fault> {
    site.app.tables.clone().ok_or(Fault::Unavailable)
}

/// On a task of its own: an asker who goes away half-way leaves no shard behind the others.
async fn finished(tables: Arc<dyn Tables>) -> Result<Reloaded, Fault> {
    let task = tokio::spawn(async move { tables.reload().await });
    match task.await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(NotReloaded::Unavailable)) | Err(_) => Err(Fault::Unavailable),
        Ok(Err(refused)) => Err(Fault::NotReloaded(refused)),
    }
}
