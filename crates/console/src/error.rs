//! Everything that a request can be refused for: a status, a code for programs, words for people.

use crate::app::{Mistake, NotReloaded, Unavailable};
use crate::call_back;
use crate::lang::Lang;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::CommandError;
use meishier_engine::transfer::call_back::Refused;
use meishier_records::StoreError;
use serde::Serialize;

/// Why a request was not carried out.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// The asker has not shown the token.
    Unauthorised,
    /// A browser sent it on behalf of another site.
    ForeignOrigin,
    /// No such route.
    UnknownPath,
    /// The route exists, not with this method.
    MethodNotAllowed,
    /// The body is not declared to be JSON.
    NotJson,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is no JSON at all, or broke off.
    Malformed,
    /// The body or the query is readable but not what the route takes; the word says what.
    Invalid(String),
    /// Both ends are in order and the engine says no.
    Refused(CommandError),
    /// The shards cannot be asked, or there is no store.
    Unavailable,
    /// The engine took too long to answer.
    TimedOut,
    /// The records cannot be read.
    Records,
    /// No mark of that id.
    UnknownMark,
    /// No task of that id that is still to be done.
    UnknownTask,
    /// The number is withheld and no emergency key was pressed, or there is none.
    Withheld,
    /// The configuration was not taken.
    NotReloaded(NotReloaded),
}

impl From<Unavailable> for Fault {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "records cannot be read or written");
        Self::Records
    }
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

#[derive(Serialize)]
struct Body {
    error: Detail,
}

#[derive(Serialize)]
struct Detail {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mistakes: Option<Vec<MistakeBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_ms: Option<i64>,
}

#[derive(Serialize)]
struct MistakeBody {
    place: String,
    message: String,
}

impl MistakeBody {
    fn all(list: &[Mistake], lang: Lang) -> Vec<Self> {
        let body = |it: &Mistake| Self {
            place: it.place.clone(),
            message: lang.pick(&it.zh, &it.en).clone(),
        };
        list.iter().map(body).collect()
    }
}

/// Status, code, Chinese, English.
pub(crate) type Words = (StatusCode, &'static str, String, String);

pub(crate) fn words(status: StatusCode, code: &'static str, zh: &str, en: &str) -> Words {
    (status, code, zh.to_owned(), en.to_owned())
}

impl Fault {
    /// The answer that says so.
    pub(crate) fn answer(self, lang: Lang) -> Response {
        let (status, code, zh, en) = self.words();
        let (mut candidates, mut mistakes, mut next) = (None, None, None);
        match self {
            Self::Refused(CommandError::AmbiguousCity(cities)) => candidates = Some(cities),
            Self::Refused(CommandError::CallBack(Refused::UnsafeHours { next: at })) => {
                next = Some(at.0);
            }
            Self::NotReloaded(NotReloaded::Mistakes(list) | NotReloaded::TakesRestart(list)) => {
                mistakes = Some(MistakeBody::all(&list, lang));
            }
            _ => {}
        }
        let detail = Detail {
            code,
            message: lang.pick(zh, en),
            candidates,
            mistakes,
            next_ms: next,
        };
        let mut response = (status, Json(Body { error: detail })).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// What programs know it by.
    pub(crate) fn code(&self) -> &'static str {
        self.words().1
    }

    fn words(&self) -> Words {
        use StatusCode as S;
        match self {
            Self::Unauthorised => words(
                S::UNAUTHORIZED,
                "unauthorised",
                "需要令牌:请在 Authorization 头中写 Bearer 和令牌",
                "a token is needed: send Authorization: Bearer and the token",
            ),
            Self::ForeignOrigin => words(
                S::FORBIDDEN,
                "foreign_origin",
                "不接受其他网站代发的请求",
                "requests on behalf of another site are not accepted",
            ),
            Self::UnknownPath => words(
                S::NOT_FOUND,
                "unknown_path",
                "没有这个地址",
                "there is no such address",
            ),
            Self::MethodNotAllowed => words(
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "该地址不支持这种请求方法",
                "this address does not take that method",
            ),
            Self::NotJson => words(
                S::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "请求体须为 JSON(Content-Type: application/json)",
                "the body must be JSON (Content-Type: application/json)",
            ),
            Self::TooLarge => words(
                S::PAYLOAD_TOO_LARGE,
                "too_large",
                "请求体过大",
                "the body is too large",
            ),
            Self::Malformed => words(
                S::BAD_REQUEST,
                "malformed",
                "请求体不是有效的 JSON",
                "the body is not valid JSON",
            ),
            Self::Invalid(what) => (
                S::UNPROCESSABLE_ENTITY,
                "invalid",
                format!("请求内容不正确:{what}"),
                format!("the request is not right: {what}"),
            ),
            Self::Refused(error) => refused(error),
            Self::Unavailable => words(
                S::SERVICE_UNAVAILABLE,
                "unavailable",
                "服务暂不可用,请稍后再试",
                "not available now, try again",
            ),
            Self::TimedOut => words(
                S::SERVICE_UNAVAILABLE,
                "timed_out",
                "引擎未及时应答,请稍后再试",
                "the engine did not answer in time, try again",
            ),
            Self::Records => words(
                S::SERVICE_UNAVAILABLE,
                "records_unavailable",
                "暂时无法读写通话记录",
                "the records cannot be read or written now",
            ),
            Self::UnknownMark => words(
                S::NOT_FOUND,
                "unknown_mark",
                "没有这条号码标记,或它已撤销",
                "there is no such mark, or it was taken back",
            ),
            Self::UnknownTask => words(
                S::NOT_FOUND,
                "unknown_task",
                "没有这项待办,或它已完成",
                "there is no such task, or it is done",
            ),
            Self::Withheld => words(
                S::CONFLICT,
                "number_withheld",
                "来电者隐藏了号码,或没有送来号码;只有通话中按过紧急转接键才能显示隐藏的号码",
                "the number is withheld, or none came; a withheld one is shown only in a call in which an emergency key was pressed",
            ),
            Self::NotReloaded(why) => not_reloaded(why),
        }
    }
}

fn not_reloaded(why: &NotReloaded) -> Words {
    use StatusCode as S;
    match why {
        NotReloaded::Mistakes(list) => (
            S::UNPROCESSABLE_ENTITY,
            "configuration_wrong",
            format!("配置有 {} 处错误,继续按原配置运行", list.len()),
            format!(
                "the configuration has {} mistakes, the old one stays in force",
                list.len()
            ),
        ),
        NotReloaded::TakesRestart(list) => (
            S::CONFLICT,
            "takes_restart",
            format!("有 {} 处改动需要重启才能生效,继续按原配置运行", list.len()),
            format!(
                "{} changes take a restart, the old configuration stays in force",
                list.len()
            ),
        ),
        NotReloaded::NoFiles => words(
            S::CONFLICT,
            "no_files",
            "引擎按内置配置运行,没有可重新读取的文件",
            "the engine runs on a built-in configuration, there are no files to read again",
        ),
        NotReloaded::Unavailable => words(
            S::SERVICE_UNAVAILABLE,
            "unavailable",
            "服务暂不可用,请稍后再试",
            "not available now, try again",
        ),
    }
}

fn refused(error: &CommandError) -> Words {
    use StatusCode as S;
    match error {
        CommandError::UnknownSeat => words(
            S::NOT_FOUND,
            "unknown_seat",
            "没有这个坐席",
            "there is no such seat",
        ),
        CommandError::NotAdmitted => words(
            S::FORBIDDEN,
            "not_admitted",
            "账号或密码不正确",
            "the account or the PIN is wrong",
        ),
        CommandError::SeatNotPermitted => words(
            S::FORBIDDEN,
            "seat_not_permitted",
            "该咨询员不能使用这个坐席",
            "the counsellor may not use this seat",
        ),
        CommandError::QualificationExpired => words(
            S::FORBIDDEN,
            "qualification_expired",
            "该咨询员的资质已过期",
            "the counsellor's qualification has expired",
        ),
        CommandError::SignedOnElsewhere(seat) => (
            S::CONFLICT,
            "signed_on_elsewhere",
            format!("该咨询员已在坐席 {seat} 签入"),
            format!("the counsellor is signed on at seat {seat}"),
        ),
        CommandError::SeatTaken(account) => (
            S::CONFLICT,
            "seat_taken",
            format!("坐席已由 {account} 签入"),
            format!("{account} is signed on at this seat"),
        ),
        CommandError::NobodySignedOn => words(
            S::CONFLICT,
            "nobody_signed_on",
            "坐席上无人签入",
            "nobody is signed on at this seat",
        ),
        CommandError::UnknownCall => words(
            S::NOT_FOUND,
            "unknown_call",
            "没有这个通话,或通话已结束",
            "there is no such call, or it is over",
        ),
        CommandError::AtRisk => words(
            S::CONFLICT,
            "at_risk",
            "来电者有自杀等风险,不能标记为骚扰",
            "the caller is at risk and cannot be marked for nuisance",
        ),
        CommandError::NumberWithheld => words(
            S::CONFLICT,
            "number_withheld",
            "来电者未显示号码,无从记住;如需结束通话,请使用 end",
            "the caller withholds the number, there is nothing to remember; `end` ends the call",
        ),
        CommandError::UnknownPool => words(
            S::NOT_FOUND,
            "unknown_pool",
            "没有这个坐席组",
            "there is no such pool",
        ),
        CommandError::UnfitFacts(error) => (
            S::UNPROCESSABLE_ENTITY,
            "unfit_facts",
            error.zh().to_owned(),
            error.to_string(),
        ),
        CommandError::CallBack(why) => call_back::refused(*why),
        other => refused_transfer(other),
    }
}

fn refused_transfer(error: &CommandError) -> Words {
    use StatusCode as S;
    match error {
        CommandError::NotTalking => words(
            S::CONFLICT,
            "not_talking",
            "来电者尚未与咨询员通话",
            "the caller is not talking with a counsellor",
        ),
        CommandError::TransferRunning => words(
            S::CONFLICT,
            "transfer_running",
            "已在转接中",
            "a transfer is running already",
        ),
        CommandError::NoTransfer => words(
            S::CONFLICT,
            "no_transfer",
            "没有进行中的转接",
            "no transfer is running",
        ),
        CommandError::UnknownKey => words(
            S::UNPROCESSABLE_ENTITY,
            "unknown_key",
            "没有这个转接键",
            "there is no such transfer key",
        ),
        CommandError::UnknownCity => words(
            S::UNPROCESSABLE_ENTITY,
            "unknown_city",
            "没有这个城市",
            "there is no such city",
        ),
        CommandError::AmbiguousCity(cities) => (
            S::UNPROCESSABLE_ENTITY,
            "ambiguous_city",
            format!("有多个城市符合:{}", cities.join("、")),
            format!("several cities fit: {}", cities.join(", ")),
        ),
        CommandError::TransferElsewhere => words(
            S::CONFLICT,
            "transfer_elsewhere",
            "转接还没有或已经过了这一步",
            "the transfer is not at this point",
        ),
        CommandError::MannerNotAllowed => words(
            S::UNPROCESSABLE_ENTITY,
            "manner_not_allowed",
            "这个转接键不允许这种方式",
            "the key does not allow this manner",
        ),
        CommandError::ModeNotAllowed => words(
            S::UNPROCESSABLE_ENTITY,
            "mode_not_allowed",
            "这一方不能这样加入通话",
            "a party of this kind cannot take part so",
        ),
        CommandError::SeatTakesCalls => words(
            S::CONFLICT,
            "seat_takes_calls",
            "这个坐席正在接听来电，不能用来督导",
            "somebody takes calls at this seat: it cannot supervise now",
        ),
        CommandError::ConferenceFull => words(
            S::CONFLICT,
            "conference_full",
            "通话中已有八方",
            "eight are in the conversation",
        ),
        CommandError::NotConfirmed => words(
            S::CONFLICT,
            "not_confirmed",
            "对方还没有确认接手，请先留在通话中",
            "nobody has taken the caller over yet: stay on the line",
        ),
        CommandError::CallerThere => words(
            S::CONFLICT,
            "caller_there",
            "来电者仍在通话中，不需要回拨",
            "the caller is still there: nobody is called back",
        ),
        CommandError::CallBackRunning => words(
            S::CONFLICT,
            "call_back_running",
            "已在回拨，或已接通",
            "the caller is being called back, or has answered",
        ),
        CommandError::CallBackSpent => words(
            S::CONFLICT,
            "call_back_spent",
            "这个通话的回拨次数已用完",
            "the caller was called back as often as may be in one call",
        ),
        // The others are told by `refused`; a limit is what is left.
        _ => words(
            S::SERVICE_UNAVAILABLE,
            "busy",
            "系统已达上限,请稍后再试",
            "a limit was reached, try again",
        ),
    }
}
