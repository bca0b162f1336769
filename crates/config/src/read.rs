//! From the text to the [`Config`]: reads every part in the order in which they refer to each other.

use crate::error::{ConfigError, Warning};
use crate::names::Known;
use crate::section::Section;
use crate::sink::{Sink, both, no_help};
use crate::types::{Config, Counsellor, Lang, Seat};
use crate::{counsellors, pools, routes, seats, service, trunks};
use meishier_model::{PoolId, Wall};
use meishier_routing::Table;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeTable;

/// Longest file, bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

pub(crate) fn parse(
    text: &str,
    today: Option<Wall>,
) -> Result<(Config, Vec<Warning>), Vec<ConfigError>> {
    let sink = Sink::default();
    if text.len() > MAX_TEXT {
        let message = both!("文件太大", "the file is too large");
        sink.error(
            &(0..0),
            message,
            both!("最多 {MAX_TEXT} 字节", "at most {MAX_TEXT} bytes"),
        );
        return Err(sink.into_lists().0);
    }
    let (document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        // What stands in a file that is not TOML can only be guessed; so its syntax comes first.
        for error in &syntax {
            let what = error.message().lines().next().unwrap_or_default();
            let message = both!("TOML 语法错误：{what}", "not TOML: {what}");
            sink.error(&error.span().unwrap_or(0..0), message, no_help());
        }
        return Err(sink.into_lists().0);
    }
    // The top of the file stands for what is missing altogether.
    let top = Section::new(&sink, document.get_ref(), 0..0, "");
    let config = read(&top, today);
    top.finish();
    let (errors, warnings) = sink.into_lists();
    match config {
        Some(config) if errors.is_empty() => Ok((config, warnings)),
        _ => Err(errors),
    }
}

fn read(top: &Section<'_>, today: Option<Wall>) -> Option<Config> {
    let sink = top.sink();
    let name = top
        .need_text("name", "\"贵州 12356\"")
        .map_or("", |name| name.value)
        .to_owned();
    let lang = top
        .choice("lang", &[("zh", Lang::Zh), ("en", Lang::En)])
        .unwrap_or_default();
    let shards = top
        .number("shards", 1..=64)
        .and_then(|at| u16::try_from(at.value).ok());
    let prompts = top.full_text("prompts_dir", "\"prompts\"");
    let limits = Duration::ZERO..=Duration::from_secs(6 * 3600);
    let shutdown = top.duration("shutdown_limit", limits);
    let zone = routes::zone(top);

    let mut known = [
        Known::new("技能", "skill"),
        Known::new("坐席组", "pool"),
        Known::new("中继", "trunk"),
        Known::new("坐席", "seat"),
    ];
    let [known_skills, known_pools, known_trunks, known_seats] = &mut known;
    let skills = pools::skills(top, known_skills);
    let pools = pools::pools(
        need(top, "pools", "[[pools]]", pools::MAX_POOLS),
        known_pools,
    );
    let trunks = need(top, "trunks", "[[trunks]]", trunks::MAX_TRUNKS);
    let trunks = trunks::trunks(trunks, known_trunks);
    let seats = need(top, "seats", "[[seats]]", seats::MAX_SEATS);
    let seats = seats::seats(seats, known_seats, known_pools);

    let clock = routes::clock(&zone)?;
    let midnight = |date| clock.wall_on(date, 0);
    let mut people = counsellors::People::new(known_skills, known_seats, today, &midnight);
    let counsellors = need(
        top,
        "counsellors",
        "[[counsellors]]",
        counsellors::MAX_COUNSELLORS,
    );
    let counsellors = people.read(counsellors);

    let names = routes::Names {
        pools: known_pools,
        trunks: known_trunks,
        skills: known_skills,
    };
    let sections = need(top, "routes", "[[routes]]", routes::MAX_ROUTES);
    let table = top.table("routing", "[routing]");
    let routes = routes::routes(top, table, sections, &names);
    let transfer = top.table("transfer", "[transfer]");
    let transfer = trunks::transfer(transfer, &trunks, known_trunks);

    let before = sink.count();
    let sip = service::sip(top.table("sip", "[sip]"));
    let rtp = service::rtp(top, &sip, seats.len(), before);
    let http = service::http(top.table("http", "[http]"));
    let records = service::records(top.table("records", "[records]"));
    let offer = service::offer(top.table("offer", "[offer]"));
    let waiting = service::waiting(top.table("waiting", "[waiting]"));

    routes::warn_shadowed(sink, &routes);
    warn_idle(top, &pools, &seats, &routes);
    warn_skills(top, &skills, &counsellors, &routes);
    let routing = if sink.count() == 0 {
        routes::compile(sink, zone, &pools, routes)
    } else {
        None
    };
    let routing = routing?;
    warn_calendar(top, &routing, today);
    Some(Config {
        name,
        shards: shards.unwrap_or(1),
        sip,
        rtp,
        http,
        records,
        trunks,
        pools: pools.into_iter().map(|entry| entry.pool).collect(),
        skills,
        seats,
        counsellors,
        offer,
        waiting,
        transfer,
        routing,
        lang,
        prompts_dir: prompts.map(|text| PathBuf::from(text.value)),
        shutdown_limit: shutdown.map_or(Duration::from_secs(600), |at| at.value),
    })
}

/// The tables of an array that must have at least one.
fn need<'f>(
    top: &Section<'f>,
    key: &'static str,
    label: &'static str,
    most: usize,
) -> Vec<Section<'f>> {
    let before = top.sink().count();
    let sections = top.tables(key, label, most);
    if sections.is_empty() && top.sink().count() == before {
        top.sink().error(
            &(0..0),
            both!("至少要有一个 {label}", "there must be at least one {label}"),
            both!(
                "加上一段 {label}，写法见随程序附带的 guizhou.toml",
                "add a {label}; the shipped guizhou.toml shows how"
            ),
        );
    }
    sections
}

/// Pools without a seat, pools that no route names.
fn warn_idle(
    top: &Section<'_>,
    pools: &[pools::PoolEntry],
    seats: &[Seat],
    routes: &routes::Routes,
) {
    let mut manned = vec![false; pools.len()];
    for pool in seats.iter().flat_map(|seat| &seat.pools) {
        if let Some(manned) = manned.get_mut(usize::from(pool.0)) {
            *manned = true;
        }
    }
    for ((entry, id), manned) in pools.iter().zip(0..).zip(manned) {
        let name = &entry.pool.name;
        if !manned {
            top.sink().warn(
                &entry.span,
                both!("坐席组 {name:?} 没有坐席", "pool {name:?} has no seat"),
                both!(
                    "把坐席的 pools 指向它，或删去它",
                    "point some seat's pools at it, or remove it"
                ),
            );
        }
        let rings = routes.routes.iter().flat_map(|route| &route.rings);
        if !rings.into_iter().any(|ring| ring.pool == PoolId(id)) {
            top.sink().warn(
                &entry.span,
                both!(
                    "没有路由用到坐席组 {name:?}",
                    "no route leads to pool {name:?}"
                ),
                both!(
                    "把它写进某条路由的 rings，或删去它",
                    "name it in some route's rings, or remove it"
                ),
            );
        }
    }
}

/// Routes that ask for a skill nobody has.
fn warn_skills(
    top: &Section<'_>,
    skills: &[String],
    counsellors: &[Counsellor],
    routes: &routes::Routes,
) {
    let mut held = 0_u64;
    for (skill, _) in counsellors.iter().flat_map(|counsellor| &counsellor.skills) {
        held |= 1 << skill.index();
    }
    for (route, span) in routes.routes.iter().zip(&routes.spans) {
        let lacking = (0..64).find(|bit| route.required.0 & !held & (1 << bit) != 0);
        if let Some(name) = lacking.and_then(|bit: usize| skills.get(bit)) {
            top.sink().warn(
                span,
                both!(
                    "没有咨询员具备技能 {name:?}，来电者会一直等",
                    "no counsellor has skill {name:?}: callers would wait for ever"
                ),
                both!(
                    "给咨询员加上该技能，或改用 prefer",
                    "give it to a counsellor, or use prefer"
                ),
            );
        }
    }
}

/// A year whose holidays nobody has entered.
fn warn_calendar(top: &Section<'_>, table: &Table, today: Option<Wall>) {
    let Some(today) = today else { return };
    if table.calendar_covers(today) {
        return;
    }
    let year = table.civil(today).0.year();
    top.sink().warn(
        &(0..0),
        both!(
            "没有 {year} 年的节假日表：班次中的工作日和节假日只按星期推算",
            "no holidays of {year} are known: workdays and holidays of shifts go by weekday alone"
        ),
        both!(
            "在 [routing] 的 calendar 中加上该年的放假和调休日",
            "add that year's holidays and make-up workdays to calendar in [routing]"
        ),
    );
}
