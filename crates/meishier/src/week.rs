//! `meishier week`: the hours, lines and holes of pools in one week.

use crate::cli;
use crate::loaded::Loaded;
use crate::moment::{self, clock};
use crate::route::find;
use crate::wording::{self, join, say};
use crate::{land, standing::Standing};
use meishier_config::{Config, Lang};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{
    Date, Exceptional, ExceptionalLines, ExceptionalPools, NOTICE_MINUTES, Query, Week, WeekDay,
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Status of arguments that cannot be.
const USAGE: u8 = 2;
/// Hours of a week.
const HOURS: i64 = 7 * 24;
const HOUR_MS: i64 = 3_600_000;

/// 0: drawn. 1: the file is wrong. 2: an argument is.
pub fn run(args: &cli::Week) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let Some(loaded) = Loaded::read(&args.config, asked) else {
        return ExitCode::FAILURE;
    };
    let config = &loaded.config;
    let lang = asked.unwrap_or(config.lang);
    let table = &config.routing;
    let today = || table.civil(meishier_net::Clock::system().wall()).0;
    let date = args.from.unwrap_or_else(today);
    let week = |pools: &[PoolId]| table.week(pools, date);
    let pools = match &args.city {
        None => named(config, &args.pools, lang),
        Some(city) => of_city(config, city, &week(&[]), lang),
    };
    let pools = match pools {
        Ok(pools) => pools,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(USAGE);
        }
    };
    let week = week(&pools);
    if args.json {
        println!("{}", to_json(&week, &pools, &loaded));
    } else {
        print!("{}", to_text(&week, &pools, config, lang));
    }
    ExitCode::SUCCESS
}

fn named(config: &Config, names: &[String], lang: Lang) -> Result<Vec<PoolId>, String> {
    let known: Vec<&str> = config.pools.iter().map(|it| it.name.as_str()).collect();
    let mut pools = Vec::with_capacity(names.len());
    for name in names {
        let at = find(&known, name, lang, "坐席组", "pool")?;
        let pool = PoolId(u16::try_from(at).unwrap_or(u16::MAX));
        if !pools.contains(&pool) {
            pools.push(pool);
        }
    }
    Ok(pools)
}

/// Every pool to which callers of a city are led at any hour of the week.
fn of_city(config: &Config, name: &str, week: &Week, lang: Lang) -> Result<Vec<PoolId>, String> {
    let table = &config.routing;
    let (code, caller) = land::caller_of(table, name).map_err(|others| match (lang, others) {
        (Lang::Zh, others) if others.is_empty() => format!("没有城市 {name:?}"),
        (Lang::Zh, others) => format!("{name:?} 不止一个：{}", others.join("、")),
        (Lang::En, others) if others.is_empty() => format!("there is no city {name:?}"),
        (Lang::En, others) => format!("{name:?} may be one of: {}", others.join(", ")),
    })?;
    let called = DialString::new(&format!("{code}12356"));
    let begin = week.days.first().and_then(|day| table.wall_on(day.date, 0));
    let begin = begin.unwrap_or(Wall(0));
    let mut pools = Vec::new();
    for hour in 0..HOURS {
        let wall = Wall(begin.0.saturating_add(hour * HOUR_MS));
        let standing = Standing::new(table, config.pools.len(), wall, &[]);
        let query = Query::new(wall, TrunkId(0), &caller, &called);
        for ring in table.decide_among(&query, &standing).rings {
            if !pools.contains(&ring.pool) {
                pools.push(ring.pool);
            }
        }
    }
    Ok(pools)
}

fn to_text(week: &Week, pools: &[PoolId], config: &Config, lang: Lang) -> String {
    let names: Vec<String> = pools.iter().map(|it| title(config, *it, lang)).collect();
    let mut out = format!(
        "{}{}{}\n",
        say(lang, "坐席组", "pools"),
        say(lang, "：", ": "),
        join(&names, lang)
    );
    out.push_str(&match lang {
        Lang::Zh => week.draw_zh(),
        Lang::En => week.draw_en(),
    });
    let short: Vec<String> = short_days(week).map(|day| short_day(day, lang)).collect();
    if !short.is_empty() {
        let list = join(&short, lang);
        // Writing to a String cannot fail.
        let _ = match lang {
            Lang::Zh => writeln!(
                out,
                "不足 18 小时的日子（国家要求每天不少于 18 小时）：{list}"
            ),
            Lang::En => writeln!(
                out,
                "days under the 18 hours that the national notice asks for: {list}"
            ),
        };
    }
    for entry in entries(week, pools, config) {
        let _ = writeln!(out, "{}", exceptional(entry, config, lang));
    }
    for year in missing_years(week, config) {
        let _ = match lang {
            Lang::Zh => writeln!(out, "没有 {year} 年的节假日表：只按星期推算"),
            Lang::En => writeln!(
                out,
                "no holidays of {year} are known: days go by weekday alone"
            ),
        };
    }
    out
}

fn title(config: &Config, pool: PoolId, lang: Lang) -> String {
    let found = config.pools.get(usize::from(pool.0));
    let (name, title) = found.map_or(("", ""), |it| (&*it.name, &*it.title));
    match lang {
        _ if title == name || title.is_empty() => name.to_owned(),
        Lang::Zh => format!("{name}（{title}）"),
        Lang::En => format!("{name} ({title})"),
    }
}

fn short_days(week: &Week) -> impl Iterator<Item = &WeekDay> {
    week.days.iter().filter(|day| day.open < NOTICE_MINUTES)
}

fn short_day(day: &WeekDay, lang: Lang) -> String {
    let (date, open) = (day.date, clock(day.open));
    let weekday = moment::weekday(day.day.weekday, lang);
    let (month, date) = (date.month(), date.day());
    match lang {
        Lang::Zh => format!("{month:02}-{date:02} {weekday}（{open}）"),
        Lang::En => format!("{month:02}-{date:02} {weekday} ({open})"),
    }
}

/// Entries that count for one of the pools within the week.
fn entries<'c>(
    week: &Week,
    pools: &[PoolId],
    config: &'c Config,
) -> impl Iterator<Item = &'c Exceptional> {
    let table = &config.routing;
    let moment = |date: Option<Date>| date.and_then(|date| table.wall_on(date, 0));
    let from = moment(week.days.first().map(|day| day.date));
    let to = moment(week.days.last().and_then(|day| day.date.tomorrow().ok()));
    let (from, to) = (from.unwrap_or(Wall(i64::MIN)), to.unwrap_or(Wall(i64::MAX)));
    let within = move |it: &&Exceptional| it.from < to && it.to > from;
    let pools = pools.to_vec();
    let concerns = move |it: &&Exceptional| match &it.pools {
        ExceptionalPools::All => true,
        ExceptionalPools::These(these) => these.iter().any(|it| pools.contains(it)),
    };
    table
        .exceptional()
        .entries()
        .iter()
        .filter(within)
        .filter(concerns)
}

fn exceptional(entry: &Exceptional, config: &Config, lang: Lang) -> String {
    let shown = |wall| {
        let (date, minute) = config.routing.civil(wall);
        format!("{date} {}", clock(minute))
    };
    let (from, to) = (shown(entry.from), shown(entry.to));
    let whom = match &entry.pools {
        ExceptionalPools::All => say(lang, "全部坐席组", "all pools").to_owned(),
        ExceptionalPools::These(pools) => {
            let names = pools.iter().map(|it| wording::pool(config, *it).to_owned());
            join(&names.collect::<Vec<_>>(), lang)
        }
    };
    let lines = match (entry.lines, lang) {
        (ExceptionalLines::AllLines, Lang::Zh) => "全部线路".to_owned(),
        (ExceptionalLines::AllLines, Lang::En) => "all lines".to_owned(),
        (ExceptionalLines::Closed | ExceptionalLines::Number(0), Lang::Zh) => "关闭".to_owned(),
        (ExceptionalLines::Closed | ExceptionalLines::Number(0), Lang::En) => "closed".to_owned(),
        (ExceptionalLines::Number(lines), Lang::Zh) => format!("{lines} 条线路"),
        (ExceptionalLines::Number(lines), Lang::En) => format!("{lines} lines"),
    };
    let reason = entry.reason.replace(char::is_control, " ");
    match lang {
        Lang::Zh => format!("特殊安排：{from} 至 {to}，{whom}，{lines}，{reason}"),
        Lang::En => format!("exceptional: {from} to {to}, {whom}, {lines}, {reason}"),
    }
}

fn missing_years(week: &Week, config: &Config) -> Vec<i16> {
    let (first, last) = (week.days.first(), week.days.last());
    match (first, last) {
        (Some(first), Some(last)) => config
            .routing
            .calendar()
            .missing_years(first.date, last.date),
        _ => Vec::new(),
    }
}

fn to_json(week: &Week, pools: &[PoolId], loaded: &Loaded) -> Value {
    let config = &loaded.config;
    let names: Vec<&str> = pools.iter().map(|it| wording::pool(config, *it)).collect();
    let holes = week.holes.iter().map(|hole| {
        json!({
            "from": format!("{}T{}", hole.from, clock(hole.from_minute)),
            "to": format!("{}T{}", hole.to, clock(hole.to_minute)),
            "minutes": hole.minutes,
        })
    });
    let entries = entries(week, pools, config).map(|it| {
        json!({
            "from": moment::rfc3339(it.from, &config.routing),
            "to": moment::rfc3339(it.to, &config.routing),
            "reason": it.reason,
        })
    });
    json!({
        "table": loaded.table(),
        "pools": names,
        "days": week.days.iter().map(day).collect::<Vec<_>>(),
        "holes": holes.collect::<Vec<_>>(),
        "open_minutes": week.open,
        "most_lines": week.most_lines,
        "short_days": short_days(week).map(|it| it.date.to_string()).collect::<Vec<_>>(),
        "exceptional": entries.collect::<Vec<_>>(),
        "years_without_calendar": missing_years(week, config),
    })
}

fn day(day: &WeekDay) -> Value {
    let spans = day.spans.iter().map(|span| {
        json!({
            "from": clock(span.from),
            "to": clock(span.to),
            "lines": span.lines,
            "exceptional": span.exceptional,
        })
    });
    let weekday = moment::weekday(day.day.weekday, Lang::En).to_lowercase();
    json!({
        "date": day.date.to_string(),
        "weekday": weekday,
        "kind": moment::kind(day.day.kind, day.day.weekday, Lang::En),
        "name": day.name.as_ref().map(|(zh, _)| zh),
        "open_minutes": day.open,
        "spans": spans.collect::<Vec<_>>(),
    })
}
