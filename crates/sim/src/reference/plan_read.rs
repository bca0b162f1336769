//! From the file's text to a [`Plan`]: tolerant, since the engine has accepted the file.

use super::hours::{Calendar, Clock, Shift, Special};
use super::plan::{CounsellorPlan, Plan, PoolPlan, SeatPlan, TrunkPlan};
use super::policy_read::{self, Words};
use super::presses::KeyPlan;
use super::unjudged;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use meishier_model::Wall;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::{Table, Value};

/// Bits for what no file names: a woman, a man, somebody whose cap is not reached.
pub(super) const FEMALE: u64 = 1 << 63;
pub(super) const MALE: u64 = 1 << 62;
pub(super) const FRESH: u64 = 1 << 61;

const S: fn(u64) -> Duration = Duration::from_secs;

/// `20s`, `500ms`, `2min`, `1h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text.get(..end)?.parse().ok()?;
    match text.get(end..)?.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(S(number)),
        "min" => Some(S(number * 60)),
        "h" => Some(S(number * 3600)),
        _ => None,
    }
}

/// The names of a range such as `gy{01..04}` with what stands for `{n}`; one name has none.
fn range(text: &str) -> Vec<(String, String)> {
    let parts = text.split_once('{').and_then(|(head, rest)| {
        let (range, tail) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        let bounds = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        Some((head, bounds, first.len(), tail))
    });
    let Some((head, (first, last), digits, tail)) = parts else {
        return vec![(text.to_owned(), String::new())];
    };
    let name = |n| {
        let number = format!("{n:0digits$}");
        (format!("{head}{number}{tail}"), number)
    };
    (first..=last).map(name).collect()
}

pub(super) fn text<'t>(table: &'t Table, key: &str) -> &'t str {
    table.get(key).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn texts(table: &Table, key: &str) -> Vec<String> {
    let values = table.get(key).and_then(Value::as_array);
    let values = values.into_iter().flatten();
    values
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}

pub(super) fn tables<'t>(table: &'t Table, key: &str) -> Vec<&'t Table> {
    let values = table.get(key).and_then(Value::as_array);
    values
        .into_iter()
        .flatten()
        .filter_map(Value::as_table)
        .collect()
}

pub(super) fn number(table: &Table, key: &str, default: u64) -> u64 {
    let found = table.get(key).and_then(Value::as_integer);
    found.and_then(|n| u64::try_from(n).ok()).unwrap_or(default)
}

pub(super) fn time(table: &Table, key: &str, default: Duration) -> Duration {
    duration(text(table, key)).unwrap_or(default)
}

pub(super) fn date(value: Option<&Value>) -> Option<Date> {
    let date = value?.as_datetime()?.date?;
    let part = |n: u8| i8::try_from(n).ok();
    Date::new(
        i16::try_from(date.year).ok()?,
        part(date.month)?,
        part(date.day)?,
    )
    .ok()
}

/// Positions of names in a list of names; unknown ones are left out.
pub(super) fn places<T: TryFrom<usize>>(names: &[String], known: &[String]) -> Vec<T> {
    let place = |name: &String| known.iter().position(|k| k == name);
    names
        .iter()
        .filter_map(place)
        .filter_map(|at| T::try_from(at).ok())
        .collect()
}

pub(super) fn bits(names: &[String], known: &[String]) -> u64 {
    let places: Vec<u32> = places(names, known);
    places
        .iter()
        .fold(0, |set, at| set | 1u64.checked_shl(*at).unwrap_or(0))
}

pub(super) fn names_of(list: &[&Table]) -> Vec<String> {
    list.iter()
        .map(|table| text(table, "name").to_owned())
        .collect()
}

fn most_calls(all: u64, shards: u64) -> usize {
    usize::try_from((all * 2).div_ceil(shards.max(1)).max(16)).unwrap_or(usize::MAX)
}

impl Plan {
    /// Reads the file. What cannot be read at all is told by [`Plan::broken`].
    #[must_use]
    pub fn read(file: &str) -> Self {
        let hash: String = Sha256::digest(file)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (file, broken) = match file.parse::<Table>() {
            Ok(table) => (table, None),
            Err(error) => (Table::new(), Some(error.to_string())),
        };
        let broken = broken.or_else(|| unjudged::unjudged(&file));
        let empty = Table::new();
        let section = |key: &str| file.get(key).and_then(Value::as_table).unwrap_or(&empty);
        let (sip, offer, waiting) = (section("sip"), section("offer"), section("waiting"));
        let clock = clock(&file, section("routing"));
        let pools = tables(&file, "pools");
        let trunks = tables(&file, "trunks");
        let skills = texts(&file, "skills");
        let pool_names = names_of(&pools);
        let seats = seats(&file, &pool_names);
        let seat_names: BTreeMap<String, u32> = seats
            .iter()
            .zip(0..)
            .map(|(seat, id)| (seat.name.clone(), id))
            .collect();
        let counsellors = counsellors(&file, &skills, &seat_names, &clock);
        let trunk_names = names_of(&trunks);
        let tags = texts(&file, "tags");
        let words = Words {
            pools: &pool_names,
            trunks: &trunk_names,
            skills: &skills,
            tags: &tags,
        };
        let routes = tables(&file, "routes");
        let default = text(section("routing"), "default");
        let accounts: BTreeMap<String, u32> = counsellors
            .iter()
            .zip(0..)
            .map(|(c, id)| (c.account.clone(), id))
            .collect();
        let policies = policy_read::policies(&file, &words, &accounts, &clock);
        let routes_read = policy_read::routes(&routes, &words);
        let keys = tables(section("transfer"), "keys");
        let rules = tables(section("transfer"), "places");
        Self {
            shards: u16::try_from(number(&file, "shards", 4))
                .unwrap_or(1)
                .max(1),
            t1: time(sip, "t1", Duration::from_millis(500)),
            domain: text(sip, "domain").to_owned(),
            default: names_of(&routes)
                .iter()
                .position(|n| n == default)
                .unwrap_or(0),
            routes: routes_read,
            policies,
            hash,
            trunks: trunks.iter().map(|t| trunk(t)).collect(),
            pools: pools.iter().map(|p| pool(p)).collect(),
            accounts,
            counsellors,
            pool_seats: pool_seats(&seats, pools.len()),
            seats,
            seat_names,
            clock,
            ring: time(offer, "ring", S(20)),
            backoff: time(offer, "backoff", S(30)),
            wrapup: time(offer, "wrapup", S(60)),
            pause_after: u8::try_from(number(offer, "pause_after", 3)).unwrap_or(3),
            ageing: time(waiting, "ageing_step", S(120)),
            most_calls: most_calls(number(sip, "max_calls", 2000), number(&file, "shards", 4)),
            max_waiting: usize::try_from(number(waiting, "max_waiting", 1000)).unwrap_or(1000),
            keys: keys
                .iter()
                .map(|key| (text(key, "name").to_owned(), key_plan(key, &rules, &words)))
                .collect(),
            second: keys
                .iter()
                .find(|key| text(key, "kind") == "second_line")
                .map(|key| text(key, "name").to_owned()),
            broken,
        }
    }
}

fn key_plan(key: &Table, rules: &[&Table], words: &Words<'_>) -> KeyPlan {
    let name = text(key, "name");
    let own = rules.iter().filter(|rule| text(rule, "key") == name);
    let ring = time(key, "ring", S(30));
    let manners = texts(key, "manner");
    let usual = |manner: &str| manners.first().is_some_and(|it| it == manner);
    KeyPlan {
        ring,
        limit: time(key, "limit", S(90)).max(ring),
        quiet: usual("quiet"),
        blind: usual("blind"),
        to: texts(key, "to"),
        kind: text(key, "kind").to_owned(),
        seats: places(&[text(key, "pool").to_owned()], words.pools)
            .first()
            .map(|pool| (*pool, bits(&texts(key, "skills"), words.skills))),
        places: own
            .map(|rule| (text(rule, "city").to_owned(), texts(rule, "to")))
            .collect(),
    }
}

fn clock(file: &Table, routing: &Table) -> Clock {
    let named = text(file, "zone");
    let named = if named.is_empty() {
        "Asia/Shanghai"
    } else {
        named
    };
    let mut calendar = Calendar::published();
    for day in tables(routing, "calendar") {
        let what = match text(day, "kind") {
            "holiday" => Special::Holiday,
            _ => Special::Workday,
        };
        if let Some(date) = date(day.get("date")) {
            calendar.set(date, what);
        }
    }
    Clock {
        zone: TimeZoneDatabase::bundled()
            .get(named)
            .unwrap_or(TimeZone::UTC),
        calendar,
    }
}

fn trunk(table: &Table) -> TrunkPlan {
    let peer = |text: &String| {
        let alone = text.parse().ok().map(|ip| (ip, 0));
        alone.or_else(|| {
            let address: std::net::SocketAddr = text.parse().ok()?;
            Some((address.ip(), address.port()))
        })
    };
    let trust = texts(table, "trust");
    let trusts = |word: &str| trust.iter().any(|it| it == word);
    TrunkPlan {
        name: text(table, "name").to_owned(),
        peers: texts(table, "peers").iter().filter_map(peer).collect(),
        area_code: text(table, "area_code").to_owned(),
        cell: trusts("cell"),
        forwards: ["remote_party", "diversion", "history"]
            .into_iter()
            .any(trusts),
    }
}

fn pool_seats(seats: &[SeatPlan], pools: usize) -> Vec<Vec<u32>> {
    let mut out = vec![Vec::new(); pools];
    for (seat, id) in seats.iter().zip(0u32..) {
        for pool in &seat.pools {
            if let Some(list) = out.get_mut(usize::from(*pool)) {
                list.push(id);
            }
        }
    }
    out
}

fn pool(table: &Table) -> PoolPlan {
    let shift = |shift: &&Table| {
        let (from, to) = Shift::hours(text(shift, "hours"))?;
        Some(Shift {
            days: texts(shift, "days"),
            from,
            to,
            lines: u16::try_from(number(shift, "lines", 0)).ok()?,
        })
    };
    PoolPlan {
        name: text(table, "name").to_owned(),
        shifts: tables(table, "shifts").iter().filter_map(shift).collect(),
    }
}

fn seats(file: &Table, pools: &[String]) -> Vec<SeatPlan> {
    let mut out = Vec::new();
    for entry in tables(file, "seats") {
        let of: Vec<u16> = places(&texts(entry, "pools"), pools);
        for (name, _) in range(text(entry, "name")) {
            out.push(SeatPlan {
                name,
                pools: of.clone(),
                fixed: entry.contains_key("contact"),
            });
        }
    }
    out
}

fn counsellors(
    file: &Table,
    skills: &[String],
    seats: &BTreeMap<String, u32>,
    clock: &Clock,
) -> Vec<CounsellorPlan> {
    let mut out = Vec::new();
    for entry in tables(file, "counsellors") {
        let known = entry.get("skills").and_then(Value::as_table);
        let known: Vec<String> = known.into_iter().flat_map(|t| t.keys().cloned()).collect();
        let qualification = entry.get("qualification").and_then(Value::as_table);
        let expires = qualification.and_then(|q| void_from(date(q.get("expires"))?, clock));
        for (account, n) in range(text(entry, "account")) {
            let fill = |text: &str| text.replace("{n}", &n);
            let any = text(entry, "seats") == "any";
            let permitted = texts(entry, "seats");
            let permitted = permitted.iter().flat_map(|seat| range(&fill(seat)));
            let permitted = permitted
                .filter_map(|(name, _)| seats.get(&name).copied())
                .collect();
            let start = entry
                .get("start")
                .and_then(Value::as_table)
                .and_then(|start| {
                    let seat = *seats.get(&fill(text(start, "seat")))?;
                    Some((seat, text(start, "state") == "ready"))
                });
            out.push(CounsellorPlan {
                account,
                pin: fill(text(entry, "pin")),
                skills: bits(&known, skills)
                    | FRESH
                    | match text(entry, "gender") {
                        "female" => FEMALE,
                        "male" => MALE,
                        _ => 0,
                    },
                seats: (!any).then_some(permitted),
                expires,
                start,
            });
        }
    }
    out
}

/// Midnight after the last day of a qualification.
pub(super) fn void_from(last: Date, clock: &Clock) -> Option<Wall> {
    let next = last.tomorrow().ok()?.at(0, 0, 0, 0);
    let moment = clock.zone.to_timestamp(next).ok()?;
    Some(Wall(moment.as_millisecond()))
}
