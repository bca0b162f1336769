//! What goes along with a caller who is handed over: what the counsellor writes down for it, what became
//! of it, and what people owe for it. Nothing of what stands in a dossier is given out here.

use crate::audit::{Deed, When, carry_out};
use crate::error::{Fault, FieldFault};
use crate::router::{Entry, Payload, Shared};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply};
use meishier_engine::transfer::{Facts, FactsError};
use meishier_model::CallId;
use meishier_records::{KeptTask, Receipt, Store, Use};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Sent {
    deliveries: Vec<ReceiptBody>,
    uses: Vec<UseBody>,
}

#[derive(Serialize)]
struct ReceiptBody {
    receiver: String,
    state: &'static str,
    attempts: u32,
    status: u16,
    fault: String,
    done_ms: Option<i64>,
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        Self {
            state: receipt.standing.as_str(),
            receiver: receipt.receiver,
            attempts: receipt.attempts,
            status: receipt.status,
            fault: receipt.fault,
            done_ms: receipt.done.map(|at| at.0),
        }
    }
}

#[derive(Serialize)]
struct UseBody {
    at_ms: i64,
    receiver: String,
    what: String,
    ground: String,
}

impl From<Use> for UseBody {
    fn from(it: Use) -> Self {
        Self {
            at_ms: it.at.0,
            receiver: it.receiver,
            what: it.what,
            ground: it.ground,
        }
    }
}

#[derive(Serialize)]
struct Tasks {
    tasks: Vec<TaskBody>,
}

#[derive(Serialize)]
struct TaskBody {
    id: i64,
    kind: &'static str,
    call: String,
    made_ms: i64,
    due_ms: i64,
    done_ms: Option<i64>,
    by: Option<String>,
}

impl From<KeptTask> for TaskBody {
    fn from(kept: KeptTask) -> Self {
        Self {
            id: kept.id,
            kind: kept.task.kind.as_str(),
            call: kept.call.to_string(),
            made_ms: kept.made.0,
            due_ms: kept.task.due.0,
            done_ms: kept.done.map(|at| at.0),
            by: kept.by,
        }
    }
}

/// Which tasks. `lang` is read elsewhere and only tolerated here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    all: bool,
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// `PUT /api/v1/calls/{id}/facts`
pub(crate) async fn facts(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(fields): Payload<Map<String, Value>>,
) -> Response {
    let written = write(&site, &entry, &id, fields).await;
    entry.answer(written)
}

/// `GET /api/v1/calls/{id}/facts`
pub(crate) async fn written(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(read(&site, &entry, &id).await)
}

/// `GET /api/v1/calls/{id}/dossier`
pub(crate) async fn sent(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(of_call(&site, &id).await)
}

/// `GET /api/v1/tasks?all=`
pub(crate) async fn tasks(
    entry: Entry,
    State(site): State<Shared>,
    which: Result<Query<Which>, QueryRejection>,
) -> Response {
    entry.answer(owed(&site, which).await)
}

/// `POST /api/v1/tasks/{id}/done`
pub(crate) async fn task_done(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(finish(&site, &entry, &id).await)
}

fn store(site: &Shared) -> Result<&Store, Fault> {
    site.app.store.as_ref().ok_or(Fault::Unavailable)
}

/// The fields that the engine would not take, with the reason of each. A desk shows it beside the field,
/// and sends the others without it.
fn unfit(fields: &Map<String, Value>) -> Vec<(String, FieldFault)> {
    let fault = |(name, value): (&String, &Value)| {
        let alone: Map<_, _> = [(name.clone(), value.clone())].into_iter().collect();
        let fault = match serde_json::from_value::<Facts>(Value::Object(alone)) {
            Ok(facts) => FieldFault::Unfit(facts.check().err()?),
            // More than its type can hold is more than 100 as well.
            Err(_) if name == "battery" => FieldFault::Unfit(FactsError::Battery),
            Err(_) => FieldFault::Kind,
        };
        Some((name.clone(), fault))
    };
    fields.iter().filter_map(fault).collect()
}

fn facts_of(fields: Map<String, Value>) -> Result<Facts, Fault> {
    let known = serde_json::to_value(Facts::default()).unwrap_or_default();
    if let Some(name) = fields.keys().find(|name| known.get(name).is_none()) {
        return Err(Fault::Invalid(format!("unknown field `{name}`")));
    }
    let faults = unfit(&fields);
    if !faults.is_empty() {
        return Err(Fault::UnfitFields(faults));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| Fault::Invalid(error.to_string()))
}

/// The audit keeps which fields were written, never what stands in them.
async fn write(
    site: &Shared,
    entry: &Entry,
    id: &str,
    fields: Map<String, Value>,
) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let facts = facts_of(fields)?;
    let fields = ("fields".to_owned(), Value::from(facts.names()));
    let deed = Deed {
        what: "facts",
        call,
        by: entry.by.clone(),
        detail: [fields].into_iter().collect(),
    };
    let facts = Box::new(facts);
    let command = Command::Facts { call, facts };
    match carry_out(site, deed, When::After, command).await? {
        Reply::Done(result) => {
            result?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

/// For whoever goes on writing. The audit keeps that it was read; a call's desk does not wait for it.
async fn read(site: &Shared, entry: &Entry, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let deed = Deed {
        what: "facts_read",
        call,
        by: entry.by.clone(),
        detail: Map::new(),
    };
    match carry_out(site, deed, When::After, Command::Written { call }).await? {
        Reply::Written(facts) => {
            Ok(([(header::CACHE_CONTROL, "no-store")], Json(facts?)).into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

async fn of_call(site: &Shared, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let store = store(site)?;
    let receipts = store.receipts(call).await?.into_iter();
    let uses = store.uses(call).await?.into_iter();
    Ok(Json(Sent {
        deliveries: receipts.map(ReceiptBody::from).collect(),
        uses: uses.map(UseBody::from).collect(),
    })
    .into_response())
}

async fn owed(
    site: &Shared,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(which) = which.map_err(|error| Fault::Invalid(error.body_text()))?;
    let tasks = store(site)?.tasks(which.all).await?.into_iter();
    Ok(Json(Tasks {
        tasks: tasks.map(TaskBody::from).collect(),
    })
    .into_response())
}

async fn finish(site: &Shared, entry: &Entry, id: &str) -> Result<Response, Fault> {
    let id: i64 = id.parse().map_err(|_| Fault::UnknownTask)?;
    let now = site.app.control.wall();
    match store(site)?.task_done(id, now, entry.by.as_deref()).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Fault::UnknownTask),
    }
}
