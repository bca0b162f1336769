//! What people said of numbers: the list for review, taking back, adding by hand.
//!
//! Numbers go out masked. What is said here counts for the next call of the number; a call that runs
//! stays as it is.

use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meishier_engine::routing::{Fact, Note};
use meishier_model::{CallId, DialString, MarkKind, NumberMark, Wall};
use meishier_records::{KeptMark, Store};
use serde::{Deserialize, Serialize};

/// Longest number, reason or account, in characters.
const LONGEST: usize = 200;
/// Longest that a mark lasts: a year; then people look again.
const MOST_DAYS: i64 = 366;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// The body of `PUT /api/v1/marks`. Without `Debug`: it holds a number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkRequest {
    number: String,
    kind: MarkKind,
    until_ms: Option<i64>,
    days: Option<i64>,
    reason: String,
    by: String,
}

impl MarkRequest {
    /// When it ends: exactly one of moment and days is given.
    fn until(&self, now: Wall) -> Result<Wall, String> {
        let until = match (self.until_ms, self.days) {
            (Some(until), None) => until,
            (None, Some(days)) => now.0.saturating_add(days.saturating_mul(DAY_MS)),
            (Some(_), Some(_)) | (None, None) => {
                return Err("one of `until_ms` and `days` is needed".to_owned());
            }
        };
        let left = until.saturating_sub(now.0);
        if !(1..=MOST_DAYS * DAY_MS).contains(&left) {
            return Err(format!("the end lies within the next {MOST_DAYS} days"));
        }
        Ok(Wall(until))
    }

    fn mark(self, now: Wall) -> Result<NumberMark, String> {
        let long = |text: &String| text.chars().count() > LONGEST;
        if [&self.number, &self.reason, &self.by].into_iter().any(long) {
            return Err(format!("field longer than {LONGEST} characters"));
        }
        if self.reason.trim().is_empty() || self.by.trim().is_empty() {
            return Err("`reason` and `by` are needed".to_owned());
        }
        let until = self.until(now)?;
        let number = DialString::new(&self.number);
        let note = Note::new(&number, now, Fact::Cleared);
        let note = note.filter(|note| note.number.reveal().chars().any(|c| c.is_ascii_digit()));
        let note = note.ok_or_else(|| "`number` is no telephone number".to_owned())?;
        Ok(NumberMark {
            number: note.number,
            kind: self.kind,
            at: now,
            until,
            reason: self.reason,
            by: Some(self.by),
            call: CallId(0),
        })
    }
}

#[derive(Serialize)]
struct Marks<'a> {
    marks: Vec<MarkBody<'a>>,
}

#[derive(Serialize)]
struct MarkBody<'a> {
    id: i64,
    number: String,
    kind: &'static str,
    at_ms: i64,
    until_ms: i64,
    reason: &'a str,
    by: Option<&'a str>,
    /// `None` if it was said outside of a call.
    call: Option<String>,
}

impl<'a> MarkBody<'a> {
    fn new(id: i64, mark: &'a NumberMark) -> Self {
        Self {
            id,
            number: mark.number.masked(),
            kind: mark.kind.as_str(),
            at_ms: mark.at.0,
            until_ms: mark.until.0,
            reason: &mark.reason,
            by: mark.by.as_deref(),
            call: (mark.call != CallId(0)).then(|| mark.call.to_string()),
        }
    }
}

/// `GET /api/v1/marks`
pub(crate) async fn list(entry: Entry, State(site): State<Shared>) -> Response {
    entry.answer(all(&site).await)
}

/// `PUT /api/v1/marks`
pub(crate) async fn add(
    entry: Entry,
    State(site): State<Shared>,
    Payload(request): Payload<MarkRequest>,
) -> Response {
    entry.answer(put(&site, request).await)
}

/// `DELETE /api/v1/marks/{id}`
pub(crate) async fn take_back(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    entry.answer(remove(&site, &id).await)
}

fn store(site: &Shared) -> Result<&Store, Fault> {
    site.app.store.as_ref().ok_or(Fault::Unavailable)
}

async fn all(site: &Shared) -> Result<Response, Fault> {
    let kept = store(site)?.marks(site.app.control.wall()).await?;
    let marks = kept.iter().map(|it| MarkBody::new(it.id, &it.mark));
    Ok(Json(Marks {
        marks: marks.collect(),
    })
    .into_response())
}

async fn put(site: &Shared, request: MarkRequest) -> Result<Response, Fault> {
    let mark = request
        .mark(site.app.control.wall())
        .map_err(Fault::Invalid)?;
    let kept = store(site)?.put_mark(&mark).await?;
    tell(site, Note::from_mark(&kept.mark)).await?;
    let KeptMark { id, mark } = &kept;
    tracing::info!(id, kind = mark.kind.as_str(), "a number was marked by hand");
    Ok((StatusCode::CREATED, Json(MarkBody::new(*id, mark))).into_response())
}

async fn remove(site: &Shared, id: &str) -> Result<Response, Fault> {
    let id: i64 = id.parse().map_err(|_| Fault::UnknownMark)?;
    let store = store(site)?;
    let mark = store.mark(id).await?.ok_or(Fault::UnknownMark)?;
    let now = site.app.control.wall();
    let fact = match mark.kind {
        MarkKind::Risk => Fact::Cleared,
        MarkKind::Nuisance => Fact::Marked { until: now },
    };
    // The engine first: what it could not be told stays in the list, to be tried again.
    tell(site, Note::new(&mark.number, now, fact)).await?;
    store.take_mark_back(id).await?;
    tracing::info!(id, kind = mark.kind.as_str(), "a mark was taken back");
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn tell(site: &Shared, note: Option<Note>) -> Result<(), Fault> {
    let notes = note.into_iter().collect();
    Ok(site.app.control.remember(notes).await?)
}
