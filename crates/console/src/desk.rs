//! The desk in the browser: the call of a seat, its keys and third parties; all calls for supervisors.
//!
//! The page itself holds nothing of any call: its script asks the API, with the token that the person
//! types in. Nothing is loaded from elsewhere.

use crate::lang::Lang;
use crate::page::{escape, html};
use crate::router::Shared;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use words::WORDS;

mod words;

/// One script, in this order.
const SCRIPT: &str = concat!(
    include_str!("desk/base.js"),
    include_str!("desk/facts.js"),
    include_str!("desk/keys.js"),
    include_str!("desk/thirds.js"),
    include_str!("desk/call.js"),
    include_str!("desk/alarms.js"),
    include_str!("desk/look.js"),
);
const CLOCK: &str = include_str!("desk/clock.js");
const STYLE: &str = include_str!("desk/desk.css");
/// Words that stand in the page itself.
const IN_PAGE: [&str; 16] = [
    "title",
    "seat",
    "supervisor",
    "token",
    "token_set",
    "no_script",
    "mute",
    "place",
    "place_hint",
    "keys",
    "thirds",
    "recording",
    "recording_reason",
    "recording_usual",
    "facts",
    "facts_hint",
];
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
    html(lang, POLICY, render(lang, &site.app.directory.name))
}

/// `GET /desk.js`
pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// `GET /desk-clock.js`
pub(crate) async fn clock() -> Response {
    asset("text/javascript; charset=utf-8", CLOCK)
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
    let name = escape(name);
    let (code, other) = (lang.pick("zh-CN", "en"), lang.pick("en", "zh"));
    let mut page = include_str!("desk/desk.html")
        .replace("{code}", code)
        .replace("{other}", other)
        .replace("{other_name}", lang.pick("English", "中文"));
    for id in IN_PAGE {
        page = page.replace(&format!("{{{id}}}"), word(id));
    }
    page.replace("{words}", &words)
        // Last: a name may hold anything.
        .replace("{name}", &name)
}
