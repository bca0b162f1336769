//! Calling back who hung up while help was on the way: into the running conversation, or afterwards by a
//! person who asks for the number. Either only as [`meishier_engine::transfer::call_back`] allows it, and
//! written down before; with the words for whoever answers.

use crate::audit::{Deed, When, carry_out};
use crate::error::{Fault, Words, words};
use crate::lang::Lang;
use crate::reveal::{Request, reason};
use crate::router::{Entry, Payload, Shared};
use crate::wire::TransferBody;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{CallBackView, Command, CommandError, Reply};
use meishier_engine::routing::Hours;
use meishier_engine::transfer::call_back::{Refused, Terms};
use meishier_model::{CallBackRecord, CallId, CallRecord, Wall};
use meishier_records::{KeptTask, TaskKind};
use serde::Serialize;
use serde_json::{Map, Value};

/// What the counsellor keeps to, and says: id, Chinese, English.
const CAREFUL: [(&str, &str, &str); 7] = [
    (
        "listen",
        "接通后先听，不先报姓名、单位和热线名称；通话中的其他各方先不要出声",
        "Listen first; name neither yourself nor any service; everybody else in the call stays silent",
    ),
    (
        "ask",
        "只按来电者留下的称呼找人：“您好，请问某某在吗？”",
        "Ask for the person by the name that they left: \"Hello, may I speak to ...?\"",
    ),
    (
        "person",
        "是本人：先问“现在方便说话吗？只答是或不是就好”；不方便就改时间，马上结束",
        "It is the person: ask \"Is it safe to talk? Yes or no is enough\"; if not, agree on another time and end at once",
    ),
    (
        "another",
        "他人接听：“不好意思，我以后再联系。”不说哪里打来、为什么打来，不说此人打过电话",
        "Somebody else: \"Sorry, I will try another time.\" Do not say which service calls or why, nor that the person has called",
    ),
    (
        "pressed",
        "被追问身份：不编造身份，重复“没有急事，我以后再联系”，然后挂断",
        "Asked who you are: invent nobody, say again \"It is not urgent, I will try later\", and hang up",
    ),
    (
        "mailbox",
        "语音信箱或无人接听：挂断，不留言，不发短信",
        "A mailbox, or no answer: hang up; leave no message and send none",
    ),
    (
        "confirm",
        "确认是本人之后，才在工作台上确认，并请其他各方说话",
        "Once it is certain that it is the person, confirm it at the desk, and let the others speak",
    ),
];

#[derive(Serialize)]
struct Careful {
    id: &'static str,
    text: &'static str,
}

fn careful(lang: Lang) -> Vec<Careful> {
    let line = |&(id, zh, en): &(&'static str, _, _)| Careful {
        id,
        text: lang.pick(zh, en),
    };
    CAREFUL.iter().map(line).collect()
}

#[derive(Serialize)]
struct Started {
    #[serde(flatten)]
    third: TransferBody,
    words: Vec<Careful>,
}

#[derive(Serialize)]
struct ToCall<'a> {
    caller: &'a str,
    hours: &'a str,
    note: &'a str,
    words: Vec<Careful>,
}

#[derive(Serialize)]
struct WordsBody {
    words: Vec<Careful>,
}

/// What a running call says of calling back.
#[derive(Serialize)]
pub(crate) struct ViewBody {
    state: &'static str,
    next_ms: Option<i64>,
}

impl From<CallBackView> for ViewBody {
    fn from(view: CallBackView) -> Self {
        let next = match view {
            CallBackView::Refused(Refused::UnsafeHours { next }) => Some(next.0),
            _ => None,
        };
        Self {
            state: view.as_str(),
            next_ms: next,
        }
    }
}

/// What a record says of it. For whom to ask is shown with the number alone.
#[derive(Serialize)]
pub(crate) struct RecordBody<'a> {
    consent_ms: Option<i64>,
    hours: &'a str,
    since_ms: Option<i64>,
    reached: bool,
}

impl<'a> From<&'a CallBackRecord> for RecordBody<'a> {
    fn from(record: &'a CallBackRecord) -> Self {
        Self {
            consent_ms: record.consent.map(|at| at.0),
            hours: &record.hours,
            since_ms: record.since.map(|at| at.0),
            reached: record.reached,
        }
    }
}

/// `GET /api/v1/call-back/words`
pub(crate) async fn show_words(entry: Entry) -> Response {
    let words = careful(entry.lang);
    entry.answer(Ok(Json(WordsBody { words }).into_response()))
}

/// `POST /api/v1/calls/{id}/call-back`
pub(crate) async fn of_call(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
) -> Response {
    let asked = running(&site, &entry, &id).await;
    entry.answer(asked)
}

/// `POST /api/v1/tasks/{id}/call-back`
pub(crate) async fn of_task(
    entry: Entry,
    State(site): State<Shared>,
    Path(id): Path<String>,
    Payload(request): Payload<Request>,
) -> Response {
    let asked = owed(&site, &entry, &id, &request).await;
    entry.answer(asked)
}

/// Nobody is dialled before it is on the disk that somebody asked for it.
async fn running(site: &Shared, entry: &Entry, id: &str) -> Result<Response, Fault> {
    let call = CallId::parse(id).ok_or(CommandError::UnknownCall)?;
    let deed = Deed {
        what: "call_back",
        call,
        by: entry.by.clone(),
        detail: Map::new(),
    };
    let command = Command::CallBack { call };
    match carry_out(site, deed, When::Before, command).await? {
        Reply::Transfer(started) => {
            let started = Started {
                third: TransferBody::from(started?),
                words: careful(entry.lang),
            };
            Ok((StatusCode::ACCEPTED, Json(started)).into_response())
        }
        _ => Err(Fault::Unavailable),
    }
}

/// The number of who is still to be called back, for a reason, at a time at which that may be.
async fn owed(
    site: &Shared,
    entry: &Entry,
    id: &str,
    request: &Request,
) -> Result<Response, Fault> {
    let id: i64 = id.parse().map_err(|_| Fault::UnknownTask)?;
    let reason = reason(request)?;
    let store = site.app.store.as_ref().ok_or(Fault::Unavailable)?;
    let tables = site.app.tables.as_ref().ok_or(Fault::Unavailable)?;
    let open = |task: &KeptTask| task.task.kind == TaskKind::CallBack && task.done.is_none();
    let task = store.task(id).await?.filter(open);
    let task = task.ok_or(Fault::UnknownTask)?;
    let record = store.get(task.call).await?;
    let record = record.ok_or(CommandError::UnknownCall)?;
    let said = record.call_back.as_deref().cloned().unwrap_or_default();
    let now = site.app.control.wall();
    let allowed = terms(&record, &said, tables.call_back_hours()).allow(now);
    let deed = Deed {
        what: "call_back_number",
        call: task.call,
        by: entry.by.clone(),
        detail: [
            ("reason".to_owned(), Value::from(reason)),
            ("task".to_owned(), Value::from(id)),
        ]
        .into_iter()
        .collect(),
    };
    let refused = allowed
        .err()
        .map(|why| ("refused".to_owned(), why.as_str().into()));
    deed.write(site, refused.into_iter().collect()).await?;
    allowed.map_err(CommandError::CallBack)?;
    let body = Json(ToCall {
        caller: record.caller.reveal(),
        hours: &said.hours,
        note: &said.note,
        words: careful(entry.lang),
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}

fn terms(record: &CallRecord, said: &CallBackRecord, house: Hours) -> Terms {
    Terms {
        number: said.number && !record.caller.is_empty(),
        consent: said.consent.is_some(),
        own: Hours::parse(&said.hours).ok(),
        house,
    }
}

/// Why nobody is called back.
pub(crate) fn refused(why: Refused) -> Words {
    use StatusCode as S;
    match why {
        Refused::NoNumber => words(
            S::CONFLICT,
            "no_number",
            "没有可以回拨的号码：号码隐藏、来自总机，或不是境内用户号码",
            "there is no number to call back: it is withheld, a switchboard's, or none of this country's subscribers",
        ),
        Refused::NoConsent => words(
            S::FORBIDDEN,
            "no_consent",
            "记录中没有来电者同意回拨的内容，不能回拨",
            "the record has no consent of the caller to be called back",
        ),
        Refused::UnsafeHours { next } => {
            let next = time(next);
            (
                S::CONFLICT,
                "unsafe_hours",
                format!("现在不是可以回拨的安全时段，最早 {next}（北京时间）"),
                format!("it is not safe to call back now; from {next} Beijing time on it is"),
            )
        }
    }
}

/// Time of day in China.
fn time(at: Wall) -> String {
    let minute = at.0.div_euclid(60_000) + 8 * 60;
    let of_day = minute.rem_euclid(24 * 60);
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}
