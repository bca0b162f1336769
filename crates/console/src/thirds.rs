//! Third parties of a running call: what may be wished of each, how every party takes part, leaving,
//! alarms that somebody has seen to.

use crate::audit::{Deed, When, carry_out};
use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use crate::wire::TransferBody;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply, ThirdWish, Who};
use meishier_engine::transfer::{Mode, ThirdId};
use meishier_model::CallId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Longest place, in bytes.
const LONGEST: usize = 256;

#[derive(Clone, Copy, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Cancel,
    Join,
    Confirm,
    Settle,
}

/// The body of `POST /api/v1/calls/{id}/thirds/{n}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WishRequest {
    wish: Wish,
    city: Option<String>,
}

impl WishRequest {
    fn wish(self) -> Result<ThirdWish, String> {
        let settles = self.wish == Wish::Settle;
        match self.city.filter(|city| !city.trim().is_empty()) {
            Some(_) if !settles => Err("`city` goes with wish `settle`".to_owned()),
            Some(city) if city.len() > LONGEST => Err("`city` is too long".to_owned()),
            Some(city) => Ok(ThirdWish::Settle(city)),
            None => match self.wish {
                Wish::Cancel => Ok(ThirdWish::Cancel),
                Wish::Join => Ok(ThirdWish::Join),
                Wish::Confirm => Ok(ThirdWish::Confirm),
                Wish::Settle => Err("wish `settle` needs `city`".to_owned()),
            },
        }
    }
}

/// The body of `POST /api/v1/calls/{id}/alarms/seen`, which may do without one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenRequest {
    /// Third parties whose alarms were seen; all of the call's if none is named.
    #[serde(default)]
    thirds: Vec<u8>,
}

/// The body of `POST /api/v1/calls/{id}/recording`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordRequest {
    on: bool,
    reason: String,
}

impl RecordRequest {
    /// Longest reason, in characters; the engine keeps so many.
    const REASON: usize = 200;

    fn command(self, call: CallId) -> Result<Command, String> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > Self::REASON {
            return Err(format!("`reason` has 1 to {} characters", Self::REASON));
        }
        Ok(Command::Record {
            call,
            on: self.on,
            reason: reason.to_owned(),
        })
    }
}

/// The body of `POST /api/v1/calls/{id}/supervise`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuperviseRequest {
    seat: String,
    mode: Mode,
}

/// The body of `POST /api/v1/calls/{id}/parties/{who}/mode`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModeRequest {
    mode: Mode,
}

/// `POST /api/v1/calls/{id}/thirds/{n}`
pub(crate) async fn wish(
    entry: Entry,
    State(site): State<Shared>,
    Path((id, third)): Path<(String, String)>,
    Payload(request): Payload<WishRequest>,
) -> Response {
    let asked = ask_wish(&site, &entry, (&id, &third), request).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/parties/{who}/mode`
pub(crate) async fn mode(
    entry: Entry,
    State(site): State<Shared>,
    Path((id, who)): Path<(String, String)>,
    Payload(request): Payload<ModeRequest>,
) -> Response {
    let asked = ask_mode(&site, &entry, (&id, &who), request.mode).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/leave`
pub(crate) async fn leave(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    let command = |call| Command::Leave { call };
    let asked = plain(&site, &entry, &id, "leave", command).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/alarms/seen`
pub(crate) async fn alarms_seen(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    request: Option<Payload<SeenRequest>>,
) -> Response {
    let thirds = request.map(|Payload(it)| it.thirds).unwrap_or_default();
    let thirds = thirds.into_iter().map(ThirdId).collect();
    let command = |call| Command::AlarmSeen { call, thirds };
    let asked = plain(&site, &entry, &id, "alarm_seen", command).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/recording`
pub(crate) async fn recording(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<RecordRequest>,
) -> Response {
    let asked = ask_recording(&site, &entry, &id, request).await;
    entry.answer(asked)
}

/// `POST /api/v1/calls/{id}/supervise`
pub(crate) async fn supervise(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<SuperviseRequest>,
) -> Response {
    let asked = ask_supervise(&site, &entry, &id, request).await;
    entry.answer(asked)
}

fn call_of(id: &str) -> Result<CallId, Fault> {
    Ok(CallId::parse(id).ok_or(CommandError::UnknownCall)?)
}

/// The third party of that number; a number that none can have is none's.
fn third_of(number: &str) -> Result<ThirdId, Fault> {
    let number = number.parse().map_err(|_| CommandError::NoTransfer)?;
    Ok(ThirdId(number))
}

fn deed(entry: &Entry, what: &'static str, call: CallId, detail: Value) -> Deed {
    let detail = match detail {
        Value::Object(detail) => detail,
        _ => Map::new(),
    };
    Deed {
        what,
        call,
        by: entry.by.clone(),
        detail,
    }
}

fn done(reply: Reply) -> Result<Response, Fault> {
    match reply {
        Reply::Done(result) => {
            result?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

async fn ask_wish(
    site: &Shared,
    entry: &Entry,
    (id, third): (&str, &str),
    request: WishRequest,
) -> Result<Response, Fault> {
    let (call, third) = (call_of(id)?, third_of(third)?);
    let detail = json!({ "third": third.0, "wish": request.wish });
    let wish = request.wish().map_err(Fault::Invalid)?;
    let command = Command::Third {
        call,
        third: Some(third),
        wish,
    };
    let deed = deed(entry, "third", call, detail);
    done(carry_out(site, deed, When::After, command).await?)
}

async fn ask_mode(
    site: &Shared,
    entry: &Entry,
    (id, who): (&str, &str),
    mode: Mode,
) -> Result<Response, Fault> {
    let call = call_of(id)?;
    let party = match who {
        "caller" => Who::Caller,
        "counsellor" => Who::Counsellor,
        number => Who::Third(third_of(number)?),
    };
    let detail = json!({ "party": who, "mode": mode.as_str() });
    let command = Command::Hear {
        call,
        who: party,
        mode,
    };
    let deed = deed(entry, "mode", call, detail);
    done(carry_out(site, deed, when(mode), command).await?)
}

/// Who hears without being heard by everybody, the caller among them, is written down first.
fn when(mode: Mode) -> When {
    match mode {
        Mode::Listen | Mode::Whisper | Mode::Desk => When::Before,
        Mode::Full | Mode::Aside | Mode::Back | Mode::Held => When::After,
    }
}

async fn ask_recording(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: RecordRequest,
) -> Result<Response, Fault> {
    let call = call_of(id)?;
    // The reason is in the call's record; it may name people.
    let deed = deed(entry, "recording", call, json!({ "on": request.on }));
    let command = request.command(call).map_err(Fault::Invalid)?;
    done(carry_out(site, deed, When::After, command).await?)
}

/// Calls a supervisor's telephone in. That it was asked for is on the disk before it rings.
async fn ask_supervise(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: SuperviseRequest,
) -> Result<Response, Fault> {
    let call = call_of(id)?;
    let seat = site.seat(&request.seat).ok_or(CommandError::UnknownSeat)?;
    let mode = request.mode;
    let detail = json!({ "seat": request.seat, "mode": mode.as_str() });
    let deed = deed(entry, "supervise", call, detail);
    let command = Command::Supervise { call, seat, mode };
    match carry_out(site, deed, When::Before, command).await? {
        Reply::Transfer(started) => {
            Ok((StatusCode::ACCEPTED, Json(TransferBody::from(started?))).into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

/// A command without more than its call.
async fn plain(
    site: &Shared,
    entry: &Entry,
    id: &str,
    what: &'static str,
    command: impl FnOnce(CallId) -> Command,
) -> Result<Response, Fault> {
    let call = call_of(id)?;
    let deed = deed(entry, what, call, Value::Null);
    done(carry_out(site, deed, When::After, command(call)).await?)
}
