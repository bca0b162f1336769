//! The page for people who open the address in a browser.

use crate::lang::Lang;
use crate::router::Shared;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use std::sync::atomic::Ordering::Acquire;

/// `GET /`
pub(crate) async fn show(
    State(site): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let lang = Lang::of(query.as_deref(), &headers);
    let page = render(lang, &site.app.directory.name, site.app.ready.load(Acquire));
    html(lang, POLICY, page)
}

/// A page in that language, that may load what the policy says.
pub(crate) fn html(lang: Lang, policy: &'static str, page: String) -> Response {
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept-Language"),
        (header::CONTENT_LANGUAGE, lang.pick("zh-CN", "en")),
    ];
    (fixed, page).into_response()
}

/// Nothing is loaded; what it looks like stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// Address, Chinese, English.
const LINKS: [(&str, &str, &str); 8] = [
    ("/desk", "咨询员工作台", "the counsellor's desk"),
    ("/healthz", "进程是否存活", "is the process alive"),
    ("/readyz", "是否接听新来电", "are new calls taken"),
    ("/metrics", "Prometheus 指标", "metrics for Prometheus"),
    ("/api/v1/seats", "坐席", "seats"),
    (
        "/api/v1/trunks",
        "中继(是否应答、是否已注册)",
        "trunks (do they answer, are we registered)",
    ),
    (
        "/api/v1/calls",
        "进行中的通话(号码已脱敏)",
        "running calls (numbers masked)",
    ),
    (
        "/api/v1/records",
        "通话记录(号码已脱敏)",
        "records of calls (numbers masked)",
    ),
];

fn render(lang: Lang, name: &str, ready: bool) -> String {
    let title = lang.pick(
        "没事儿 · 12356 热线呼叫引擎",
        "meishier · call engine of the 12356 hotline",
    );
    let state = match ready {
        true => lang.pick("正在接听来电", "taking calls"),
        false => lang.pick("暂不接听新来电", "not taking new calls"),
    };
    let (other, other_name) = lang.pick(("/?lang=en", "English"), ("/?lang=zh", "中文"));
    let links: String = LINKS
        .iter()
        .map(|(path, zh, en)| {
            format!(
                "<li><a href=\"{path}\">{path}</a> {}</li>\n",
                lang.pick(zh, en)
            )
        })
        .collect();
    let (code, name) = (lang.pick("zh-CN", "en"), escape(name));
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n\
         <style>body{{font-family:sans-serif;max-width:40em;margin:2em auto;padding:0 1em}}\
         li{{margin:.4em 0}}</style></head>\n<body>\n<h1>{title}</h1>\n\
         <p>{name}</p>\n<p><strong>{state}</strong></p>\n<ul>\n{links}</ul>\n\
         <p><a href=\"{other}\">{other_name}</a></p>\n</body>\n</html>\n"
    )
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
