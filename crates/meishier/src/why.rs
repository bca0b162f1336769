//! `meishier why`: asks a running engine why a caller still waits.

use crate::cli;
use meishier_config::Lang;
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// How long connecting, and then the answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Asks and prints; 0 if the engine told, 1 if not.
pub fn run(args: &cli::Why) -> ExitCode {
    let lang = Lang::from(args.lang);
    match asked(args, lang) {
        Ok(text) => {
            // Nobody may be reading it.
            let _ = writeln!(io::stdout(), "{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn asked(args: &cli::Why, lang: Lang) -> Result<String, String> {
    if args.call.len() > 16 || !args.call.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(pick(
            lang,
            "通话编号是最多 16 位的十六进制数，见 /api/v1/calls",
            "a call is named by at most 16 hexadecimal digits, see /api/v1/calls",
        ));
    }
    let token = args.token.clone();
    let token = token.or_else(|| std::env::var("MEISHIER_TOKEN").ok());
    let path = format!("/api/v1/calls/{}/why", args.call);
    let (status, body) = get(args.http, &path, token.as_deref(), lang).map_err(|error| {
        let http = args.http;
        match lang {
            Lang::Zh => format!("引擎 http://{http} 没有应答：{error}"),
            Lang::En => format!("the engine at http://{http} does not answer: {error}"),
        }
    })?;
    if status != 200 {
        let refused: Option<Refused> = serde_json::from_str(&body).ok();
        return Err(refused.map_or_else(|| format!("HTTP {status}"), |it| it.error.message));
    }
    if args.json {
        return Ok(body);
    }
    let why: Why = serde_json::from_str(&body).map_err(|error| error.to_string())?;
    Ok(match lang {
        Lang::Zh => zh(&why),
        Lang::En => en(&why),
    })
}

fn pick(lang: Lang, zh: &str, en: &str) -> String {
    match lang {
        Lang::Zh => zh.to_owned(),
        Lang::En => en.to_owned(),
    }
}

/// One request by HTTP/1.0, so that the answer ends with the connection and has no chunks.
fn get(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    lang: Lang,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let lang = pick(lang, "zh", "en");
    let mut request = format!("GET {path}?lang={lang} HTTP/1.0\r\nHost: {address}\r\n");
    if let Some(token) = token {
        if token.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(io::Error::other("the token is no text of one line"));
        }
        let _ = write!(request, "Authorization: Bearer {token}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let broken = || io::Error::other("what came is no HTTP answer");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    Ok((status.ok_or_else(broken)?, body.to_owned()))
}

#[derive(Deserialize)]
struct Refused {
    error: Message,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// The answer of the API.
#[derive(Deserialize)]
struct Why {
    id: String,
    phase: String,
    waited_ms: u64,
    risk: bool,
    ahead: Option<u32>,
    expected_ms: Option<u64>,
    pools: Vec<Pool>,
    needs: Vec<String>,
    reasons: Vec<Reason>,
    route_reason: String,
    table: String,
}

#[derive(Deserialize)]
struct Pool {
    pool: String,
    service: String,
    open: bool,
    opens_in_ms: Option<u64>,
    lines: u16,
    used: u16,
    staffed: u32,
}

#[derive(Deserialize)]
struct Reason {
    pool: Option<String>,
    seat: Option<String>,
    kind: String,
    missing: Vec<String>,
}

impl Reason {
    fn of(&self, pool: &Pool) -> bool {
        self.pool.as_deref() == Some(pool.pool.as_str())
    }

    fn zh(&self) -> String {
        let seat = self.seat.as_deref().unwrap_or_default();
        let missing = self.missing.join("、");
        match self.kind.as_str() {
            "own_seat_not_ready" => format!("在等指定的坐席 {seat}，它还没有空闲"),
            "ring_not_open" => "还没有轮到这一组".to_owned(),
            "draining" => "引擎正在停止，不再派话".to_owned(),
            "lines_full" => "线路都在使用".to_owned(),
            "no_seat_ready" => "没有空闲的坐席".to_owned(),
            "skill_missing" => format!("坐席 {seat} 缺少技能：{missing}"),
            "preference_held" => format!("坐席 {seat} 先留给更合适的来电（缺少：{missing}）"),
            "reserved" => format!("坐席 {seat} 已留给另一位来电者"),
            other => format!("{other} {seat} {missing}"),
        }
    }

    fn en(&self) -> String {
        let seat = self.seat.as_deref().unwrap_or_default();
        let missing = self.missing.join(", ");
        match self.kind.as_str() {
            "own_seat_not_ready" => format!("waits for seat {seat}, which is not ready"),
            "ring_not_open" => "not this pool's turn yet".to_owned(),
            "draining" => "the engine ends and makes no offers".to_owned(),
            "lines_full" => "all lines are in use".to_owned(),
            "no_seat_ready" => "no seat is ready".to_owned(),
            "skill_missing" => format!("seat {seat} lacks skills: {missing}"),
            "preference_held" => {
                format!("a seat that fits better is waited for; {seat} lacks: {missing}")
            }
            "reserved" => format!("seat {seat} is kept for another caller"),
            other => format!("{other} {seat} {missing}"),
        }
    }
}

fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

fn phase_zh(phase: &str) -> &str {
    match phase {
        "queued" => "排队",
        "offered" => "振铃",
        "talking" => "通话",
        "transferring" => "转接",
        "wrapping_up" => "收尾",
        other => other,
    }
}

fn zh(why: &Why) -> String {
    let mut out = format!(
        "来电 {}：{}，已 {} 秒{}\n",
        why.id,
        phase_zh(&why.phase),
        seconds(why.waited_ms),
        if why.risk { "，有风险" } else { "" }
    );
    // Writing to a String cannot fail.
    if let Some(ahead) = why.ahead {
        let _ = writeln!(out, "前面还有 {ahead} 人");
    }
    if let Some(expected) = why.expected_ms {
        let _ = writeln!(out, "同样位置的来电，一半在 {} 秒内接通", seconds(expected));
    }
    if !why.needs.is_empty() {
        let _ = writeln!(out, "需要技能：{}", why.needs.join("、"));
    }
    for pool in &why.pools {
        let service = meishier_routing::Service::parse(&pool.service);
        let opens = match (pool.open, pool.opens_in_ms) {
            (true, _) => "已开放".to_owned(),
            (false, Some(ms)) => format!("{} 秒后开放", seconds(ms)),
            (false, None) => "未开放".to_owned(),
        };
        let _ = writeln!(
            out,
            "坐席组 {}：{opens}，{}，线路 {}/{}，{} 人在岗",
            pool.pool,
            service.map_or(pool.service.as_str(), |it| it.zh()),
            pool.used,
            pool.lines,
            pool.staffed
        );
        for reason in why.reasons.iter().filter(|reason| reason.of(pool)) {
            let _ = writeln!(out, "  - {}", reason.zh());
        }
    }
    for reason in why.reasons.iter().filter(|reason| reason.pool.is_none()) {
        let _ = writeln!(out, "- {}", reason.zh());
    }
    let _ = writeln!(out, "路由：{}（路由表 {}）", why.route_reason, why.table);
    out
}

fn en(why: &Why) -> String {
    let mut out = format!(
        "call {}: {} for {} s{}\n",
        why.id,
        why.phase,
        seconds(why.waited_ms),
        if why.risk { ", at risk" } else { "" }
    );
    if let Some(ahead) = why.ahead {
        let _ = writeln!(out, "{ahead} callers are ahead");
    }
    if let Some(expected) = why.expected_ms {
        let within = seconds(expected);
        let _ = writeln!(
            out,
            "half of the callers in this place waited less than {within} s"
        );
    }
    if !why.needs.is_empty() {
        let _ = writeln!(out, "skills needed: {}", why.needs.join(", "));
    }
    for pool in &why.pools {
        let opens = match (pool.open, pool.opens_in_ms) {
            (true, _) => "open".to_owned(),
            (false, Some(ms)) => format!("opens in {} s", seconds(ms)),
            (false, None) => "not open".to_owned(),
        };
        let _ = writeln!(
            out,
            "pool {}: {opens}, {}, lines {}/{}, {} at work",
            pool.pool, pool.service, pool.used, pool.lines, pool.staffed
        );
        for reason in why.reasons.iter().filter(|reason| reason.of(pool)) {
            let _ = writeln!(out, "  - {}", reason.en());
        }
    }
    for reason in why.reasons.iter().filter(|reason| reason.pool.is_none()) {
        let _ = writeln!(out, "- {}", reason.en());
    }
    let _ = writeln!(out, "route: {} (table {})", why.route_reason, why.table);
    out
}
