//! From the text to the [`Config`]: reads every part in the order in which they refer to each other.

use crate::error::{ConfigError, Warning};
use crate::include::KEY;
use crate::limits::MOST_SEATS;
use crate::merge::merge;
use crate::names::Known;
use crate::section::Section;
use crate::sink::{Sink, both};
use crate::sources::Sources;
use crate::types::{Config, Counsellor, Lang, Seat, Trunk};
use crate::{counsellors, pools, routes, seats, service, trunks};
use meishier_model::{PoolId, Wall};
use meishier_routing::{Table, To};
use std::path::PathBuf;
use std::time::Duration;

/// Shards if the file names no number.
const DEFAULT_SHARDS: u16 = 4;

pub(crate) fn parse(
    sources: &Sources,
    today: Option<Wall>,
) -> Result<(Config, Vec<Warning>), Vec<ConfigError>> {
    let sink = Sink::default();
    sink.adopt(&sources.mistakes, &sources.doubts);
    // What stands in a file that is not TOML, or in one that is not there, can only be guessed; so
    // these are told first.
    let sound = sink.count() == 0;
    let Some(whole) = merge(sources, &sink).filter(|_| sound) else {
        return Err(sink.into_lists().0);
    };
    // The top of the main file stands for what is missing altogether.
    let top = Section::new(&sink, &whole, 0..0, "");
    // Followed before; asked for here so that a slip of it has a near name.
    top.raw(KEY);
    let config = read(&top, today);
    top.finish();
    let (errors, warnings) = sink.into_lists();
    match config {
        Some(config) if errors.is_empty() => {
            let table_hash = sources.hash();
            Ok((
                Config {
                    table_hash,
                    ..config
                },
                warnings,
            ))
        }
        _ => Err(errors),
    }
}

/// What routes and keys refer to, with its names.
struct Directory {
    skills: Vec<String>,
    pools: Vec<pools::PoolEntry>,
    trunks: Vec<Trunk>,
    seats: Vec<Seat>,
    counsellors: Vec<Counsellor>,
    known_skills: Known,
    known_pools: Known,
    known_trunks: Known,
}

fn directory(top: &Section<'_>, zone: &str, today: Option<Wall>) -> Option<Directory> {
    let mut known_skills = Known::new("技能", "skill");
    let mut known_pools = Known::new("坐席组", "pool");
    let mut known_trunks = Known::new("中继", "trunk");
    let mut known_seats = Known::new("坐席", "seat");
    let skills = pools::skills(top, &mut known_skills);
    let sections = need(top, "pools", "[[pools]]", pools::MAX_POOLS);
    let pools = pools::pools(sections, &mut known_pools);
    let sections = need(top, "trunks", "[[trunks]]", trunks::MAX_TRUNKS);
    let trunks = trunks::trunks(sections, &mut known_trunks);
    let sections = need(top, "seats", "[[seats]]", MOST_SEATS);
    let seats = seats::seats(sections, &mut known_seats, &known_pools);

    let clock = routes::clock(zone)?;
    let midnight = |date| clock.wall_on(date, 0);
    let most = counsellors::MAX_COUNSELLORS;
    let sections = need(top, "counsellors", "[[counsellors]]", most);
    let people = counsellors::People::new(&known_skills, &known_seats, today, &midnight);
    let counsellors = people.read(sections);
    Some(Directory {
        skills,
        pools,
        trunks,
        seats,
        counsellors,
        known_skills,
        known_pools,
        known_trunks,
    })
}

fn read(top: &Section<'_>, today: Option<Wall>) -> Option<Config> {
    let sink = top.sink();
    let name = top
        .need_text("name", "\"贵州 12356\"")
        .map_or("", |name| name.value);
    let lang = top.choice("lang", &[("zh", Lang::Zh), ("en", Lang::En)]);
    let shards = top
        .number("shards", 1..=64)
        .and_then(|at| u16::try_from(at.value).ok());
    let prompts = top.full_text("prompts_dir", "\"prompts\"");
    let limits = Duration::ZERO..=Duration::from_secs(6 * 3600);
    let shutdown = top.duration("shutdown_limit", limits);
    let zone = routes::zone(top);
    let directory = directory(top, &zone, today)?;

    let sections = need(top, "routes", "[[routes]]", routes::MAX_ROUTES);
    let names = routes::Names {
        pools: &directory.known_pools,
        trunks: &directory.known_trunks,
        skills: &directory.known_skills,
    };
    let routes = routes::routes(top, top.table("routing", "[routing]"), sections, &names);
    let transfer = top.table("transfer", "[transfer]");
    let transfer = trunks::transfer(transfer, &directory.trunks, &directory.known_trunks);

    let before = sink.count();
    let sip = service::sip(top.table("sip", "[sip]"));
    let rtp = service::rtp(top, &sip, directory.seats.len(), before);
    let http = service::http(top.table("http", "[http]"));
    let records = service::records(top.table("records", "[records]"));
    let offer = service::offer(top.table("offer", "[offer]"));
    let waiting = service::waiting(top.table("waiting", "[waiting]"));

    warn_idle(sink, &directory, &routes);
    warn_skills(sink, &directory, &routes);
    routes::warn_shadowed(sink, &routes);
    let sound = sink.count() == 0;
    let routing = sound.then(|| routes::compile(sink, zone, &directory.pools, routes))??;
    warn_calendar(sink, &routing, today);
    Some(Config {
        table_hash: String::new(),
        name: name.to_owned(),
        shards: shards.unwrap_or(DEFAULT_SHARDS),
        sip,
        rtp,
        http,
        records,
        trunks: directory.trunks,
        pools: directory
            .pools
            .into_iter()
            .map(|entry| entry.pool)
            .collect(),
        skills: directory.skills,
        tags: Vec::new(),
        seats: directory.seats,
        counsellors: directory.counsellors,
        offer,
        waiting,
        transfer,
        routing,
        rule_places: crate::RulePlaces::default(),
        care: crate::Care::default(),
        lang: lang.unwrap_or_default(),
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
fn warn_idle(sink: &Sink, directory: &Directory, routes: &routes::Routes) {
    let (pools, seats) = (&directory.pools, &directory.seats);
    let mut manned = vec![false; pools.len()];
    for pool in seats.iter().flat_map(|seat| &seat.pools) {
        if let Some(manned) = manned.get_mut(usize::from(pool.0)) {
            *manned = true;
        }
    }
    for ((entry, id), manned) in pools.iter().zip(0..).zip(manned) {
        let name = &entry.pool.name;
        if !manned {
            sink.warn(
                &entry.span,
                both!("坐席组 {name:?} 没有坐席", "pool {name:?} has no seat"),
                both!(
                    "把坐席的 pools 指向它，或删去它",
                    "point some seat's pools at it, or remove it"
                ),
            );
        }
        let mut steps = routes.routes.iter().flat_map(|route| &route.steps);
        if !steps.any(|step| step.to == To::Pool(PoolId(id))) {
            sink.warn(
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
fn warn_skills(sink: &Sink, directory: &Directory, routes: &routes::Routes) {
    let (skills, counsellors) = (&directory.skills, &directory.counsellors);
    let mut held = 0_u64;
    for (skill, _) in counsellors.iter().flat_map(|counsellor| &counsellor.skills) {
        held |= 1 << skill.index();
    }
    for (route, span) in routes.routes.iter().zip(&routes.spans) {
        let lacking = (0..64).find(|bit| route.required.0 & !held & (1 << bit) != 0);
        if let Some(name) = lacking.and_then(|bit: usize| skills.get(bit)) {
            sink.warn(
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
fn warn_calendar(sink: &Sink, table: &Table, today: Option<Wall>) {
    let Some(today) = today else { return };
    if table.calendar_covers(today) {
        return;
    }
    let year = table.civil(today).0.year();
    sink.warn(
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
