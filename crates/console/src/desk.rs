//! The desk in the browser: the call of a seat, its keys and third parties; all calls for supervisors.
//!
//! The page itself holds nothing of any call: its script asks the API, with the token that the person
//! types in. Nothing is loaded from elsewhere.

use crate::lang::Lang;
use crate::router::Shared;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

const SCRIPT: &str = include_str!("desk/desk.js");
const STYLE: &str = include_str!("desk/desk.css");
/// The script asks this address alone, and no other page shows the desk within itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /desk`
pub(crate) async fn show(
    State(site): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let lang = Lang::of(query.as_deref(), &headers);
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept-Language"),
        (header::CONTENT_LANGUAGE, lang.pick("zh-CN", "en")),
    ];
    (fixed, render(lang, &site.app.directory.name)).into_response()
}

/// `GET /desk.js`
pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// `GET /desk.css`
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let fixed = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Another program's version may stand behind the same address tomorrow.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (fixed, text).into_response()
}

fn render(lang: Lang, name: &str) -> String {
    let word = |id: &str| {
        let found = WORDS.iter().find(|(it, ..)| *it == id);
        found.map_or("", |(_, zh, en)| lang.pick(*zh, *en))
    };
    let words: Map<String, Value> = WORDS
        .iter()
        .map(|(id, zh, en)| ((*id).to_owned(), Value::from(lang.pick(*zh, *en))))
        .collect();
    // `<` would let a word end the element that holds it.
    let words = Value::Object(words).to_string().replace('<', "\\u003c");
    let name = crate::page::escape(name);
    let (code, other) = (lang.pick("zh-CN", "en"), lang.pick("en", "zh"));
    include_str!("desk/desk.html")
        .replace("{code}", code)
        .replace("{title}", word("title"))
        .replace("{other}", other)
        .replace("{other_name}", lang.pick("English", "中文"))
        .replace("{seat}", word("seat"))
        .replace("{supervisor}", word("supervisor"))
        .replace("{token}", word("token"))
        .replace("{token_set}", word("token_set"))
        .replace("{place}", word("place"))
        .replace("{place_hint}", word("place_hint"))
        .replace("{keys}", word("keys"))
        .replace("{thirds}", word("thirds"))
        .replace("{no_script}", word("no_script"))
        .replace("{words}", &words)
        // Last: a name may hold anything.
        .replace("{name}", &name)
}

/// What the page says: id, Chinese, English. The script takes them by id.
const WORDS: &[(&str, &str, &str)] = &[
    ("title", "咨询员工作台", "Counsellor's desk"),
    ("seat", "坐席", "Seat"),
    ("supervisor", "督导视图", "Supervisor's view"),
    ("token", "访问令牌", "Access token"),
    ("token_set", "使用", "Use"),
    (
        "no_script",
        "请允许本页运行脚本。",
        "Please allow this page to run its script.",
    ),
    ("choose_seat", "请选择坐席", "Choose a seat"),
    ("no_call", "当前没有通话", "No call now"),
    ("no_calls", "当前没有进行中的通话", "No calls now"),
    ("caller", "来电", "Caller"),
    ("withheld", "号码未显示", "number withheld"),
    ("counsellor", "咨询员", "Counsellor"),
    ("phase_queued", "等候中", "waiting"),
    ("phase_offered", "振铃", "ringing"),
    ("phase_talking", "通话中", "talking"),
    ("phase_transferring", "转接中", "with third parties"),
    ("phase_wrapping_up", "正在结束", "ending"),
    ("place", "事发地点", "Place of the event"),
    (
        "place_hint",
        "不填则按来电号码归属地",
        "empty: by what is known of the caller",
    ),
    ("settled", "将拨打 {0}（{1}）", "{0} will be dialled ({1})"),
    (
        "several",
        "有多个地点符合，请选定：",
        "several places fit, choose one:",
    ),
    ("keys", "一键转接", "Transfer keys"),
    ("manner", "方式", "manner"),
    ("manner_warm", "三方通话", "three talk"),
    ("manner_consult", "先咨询后接入", "consult first"),
    (
        "manner_quiet",
        "静默（来电者听不到）",
        "quiet, the caller does not hear",
    ),
    ("manner_blind", "直接转出", "blind"),
    (
        "pressed",
        "已按下 {0}，正在拨打 {1}",
        "{0} pressed, dialling {1}",
    ),
    (
        "asks",
        "地点不确定，请选定；{0} 秒后拨打最可能的一个",
        "the place is not certain, choose one; the likeliest is dialled in {0} s",
    ),
    ("thirds", "通话各方", "Third parties"),
    ("role_target", "外部", "outside"),
    ("role_second_line", "二线", "second line"),
    ("role_supervisor", "督导", "supervisor"),
    ("state_asking", "等待选定地点", "asking for the place"),
    ("state_dialling", "正在呼叫", "being called"),
    ("state_briefing", "正在播报情况", "being told what is known"),
    (
        "state_apart",
        "与咨询员单独通话",
        "talks with the counsellor apart",
    ),
    ("state_joined", "已接入", "in the conversation"),
    ("state_confirmed", "已接手", "has taken over"),
    ("state_over", "已结束", "over"),
    ("join", "接入", "Join"),
    ("confirm", "对方已接手", "Has taken over"),
    ("cancel", "撤回", "Take back"),
    ("mode", "参与方式", "Takes part"),
    ("mode_full", "全体互通", "hears and is heard by all"),
    ("mode_aside", "与咨询员单独", "apart with the counsellor"),
    ("mode_listen", "只听", "listens only"),
    ("mode_whisper", "只对咨询员说", "whispers to the counsellor"),
    (
        "mode_desk",
        "听来电者、与外部通话",
        "hears the caller, talks with those outside",
    ),
    ("mode_back", "来电者听不到", "not heard by the caller"),
    ("mode_held", "保持", "on hold"),
    ("leave", "离开通话", "Leave the call"),
    (
        "leave_not_yet",
        "还不能离开：对方尚未确认接手",
        "not yet: nobody has confirmed that they take over",
    ),
    (
        "leave_now",
        "可以离开：{0} 已接手",
        "you may leave: {0} has taken over",
    ),
    (
        "alarm",
        "紧急转接 {0} 未接通！请立即人工拨打 {1}",
        "Emergency key {0} reached nobody! Dial {1} by hand now",
    ),
    (
        "alarm_alone",
        "来电者身边没有本中心的人，二线无人接听！请立即接入该通话",
        "Nobody of this house is with the caller, and no second line came! Go into the call now",
    ),
    ("alarm_call", "通话 {0}，坐席 {1}", "call {0}, seat {1}"),
    ("alarm_seen", "已处理", "Seen to"),
    (
        "caller_gone",
        "来电者已挂断，请与已接入的各方继续处理；回拨号码 {0}（通话 {1}）。须经本人同意并在安全时段回拨；若他人接听，请勿说明来意。",
        "The caller has hung up; go on with those who are there. Call back {0} (call {1}): only with consent and in safe hours, and if another answers do not say what it is about.",
    ),
    ("reveal", "显示完整号码", "Show the whole number"),
    (
        "reveal_reason",
        "为何需要完整号码（会记入审计）",
        "Why the whole number is needed (goes into the audit)",
    ),
    (
        "supervise",
        "督导接入（先选自己的坐席）",
        "Supervise (choose your own seat first)",
    ),
    ("listen", "监听", "Listen"),
    ("whisper", "耳语", "Whisper"),
    ("barge", "插话", "Barge in"),
    ("called_in", "正在呼叫坐席 {0}", "seat {0} is being called"),
    ("risk", "来电者有生命危险", "The caller's life is in danger"),
    ("risk_done", "已标记为有生命危险", "marked as in danger"),
    ("done", "已完成", "done"),
    (
        "lost",
        "与引擎的连接中断，正在重试",
        "no connection to the engine, trying again",
    ),
];
