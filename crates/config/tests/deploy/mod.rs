//! The shipped files from the disk, and tables of promises that a clerk can read.
#![allow(dead_code, reason = "not every test uses all of it")]

use meishier_config::{Config, Entry, Files, Lang, Source, Sources, Unreadable, Warning};
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{Date, Decision, Dialled, Known, NuisanceWhy, Query, RiskWhy};
use std::path::Path;

/// The folder of the shipped files.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");

/// Files as they lie on the disk.
struct Disk;

impl Files for Disk {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        let entries = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap());
        let entry = |it: std::fs::DirEntry| Entry {
            name: it.file_name().into_string().unwrap(),
            is_folder: it.path().is_dir(),
        };
        Ok(entries.map(entry).collect())
    }

    fn text(&mut self, name: &str, _: usize) -> Result<String, Unreadable> {
        Ok(std::fs::read_to_string(Path::new(name)).unwrap())
    }
}

pub fn text(file: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{file}")).unwrap()
}

/// A shipped file with all that it includes.
pub fn sources(file: &str) -> Sources {
    let name = format!("{FOLDER}/{file}");
    let text = text(file);
    Sources::gather(vec![Source { name, text }], &mut Disk)
}

/// Loads a file as of a workday of a year whose holidays are known, with its doubts.
pub fn load_with_doubts(file: &str) -> (Config, Vec<Warning>) {
    let sources = sources(file);
    let read = |today: Option<Wall>| match sources.parse(today) {
        Ok(read) => read,
        Err(errors) => panic!("{}", sources.render(&errors, Lang::En)),
    };
    let (config, _) = read(None);
    read(Some(at(&config, 2026, 6, 1, 10 * 60)))
}

/// Loads a file that leaves no doubt.
pub fn load(file: &str) -> Config {
    let (config, doubts) = load_with_doubts(file);
    let told = sources(file).render_warnings(&doubts, Lang::En);
    assert!(doubts.is_empty(), "{told}");
    config
}

pub fn at(config: &Config, year: i16, month: i8, day: i8, minute: u16) -> Wall {
    let date = Date::new(year, month, day).unwrap();
    config.routing.wall_on(date, minute).unwrap()
}

pub fn pool(config: &Config, name: &str) -> PoolId {
    let at = config.pools.iter().position(|pool| pool.name == name);
    PoolId(u16::try_from(at.unwrap_or_else(|| panic!("no pool {name}"))).unwrap())
}

pub fn lines(config: &Config, name: &str, minute: u16) -> u16 {
    let wall = at(config, 2026, 6, 1, minute);
    config.routing.lines(pool(config, name), wall)
}

pub fn decide(config: &Config, caller: &str, called: &str, minute: u16) -> Decision {
    config.routing.decide(&Query::new(
        at(config, 2026, 6, 1, minute),
        TrunkId(0),
        &DialString::new(caller),
        &DialString::new(called),
    ))
}

/// Pools with the seconds after which each takes part.
pub fn rings(config: &Config, decision: &Decision) -> Vec<(String, u64)> {
    let name = |pool: PoolId| config.pools[usize::from(pool.0)].name.clone();
    let rings = decision.rings.iter();
    rings
        .map(|ring| (name(ring.pool), ring.after.as_secs()))
        .collect()
}

/// `2026-06-01 10:00` in the file's zone.
fn moment(config: &Config, text: &str) -> Wall {
    let (date, time) = text.split_once(' ').unwrap();
    let (hour, minute) = time.split_once(':').unwrap();
    let minute = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
    config
        .routing
        .wall_on(date.parse().unwrap(), minute)
        .unwrap()
}

/// What is known of the caller by a word after the number.
fn known(word: Option<&str>) -> Known {
    let nothing = Known::default();
    match word {
        None => nothing,
        Some("高危") => Known {
            risk: Some(RiskWhy::Flagged),
            ..nothing
        },
        Some("骚扰") => Known {
            nuisance: Some(NuisanceWhy::Marked),
            ..nothing
        },
        Some("高危又骚扰") => Known {
            risk: Some(RiskWhy::Key),
            nuisance: Some(NuisanceWhy::Marked),
            ..nothing
        },
        Some(other) => panic!("{other}?"),
    }
}

/// Pools in order, each with its seconds if it is not at once; the route; what else is to be said.
fn told(config: &Config, decision: &Decision) -> (String, String) {
    let rings: Vec<String> = rings(config, decision)
        .into_iter()
        .map(|(name, after)| match after {
            0 => name,
            after => format!("{name} {after}秒"),
        })
        .collect();
    let route = config
        .routing
        .route_names()
        .nth(usize::from(decision.route.0));
    let mut words = vec![route.unwrap().to_owned()];
    if let Dialled::Alias(_) = decision.dialled {
        words.push("老号码".to_owned());
    }
    if decision.ambiguous() {
        words.push("区号不明".to_owned());
    }
    if decision.risk {
        words.push("高危".to_owned());
    }
    if decision.class.number() != 4 {
        words.push(format!("{}级", decision.class.number()));
    }
    (rings.join("，"), words.join("，"))
}

/// Holds a file against a table: moment | trunk | caller | dialled | pools | route and remarks.
pub fn promises(config: &Config, table: &str) {
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| line.contains('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [when, trunk, caller, called, pools, remarks] = cells[..] else {
            panic!("six cells: {line}");
        };
        let mut caller = caller.split(' ');
        let number = DialString::new(caller.next().unwrap().replace('无', "").as_str());
        let trunk = config
            .trunks
            .iter()
            .position(|it| it.name == trunk)
            .unwrap();
        let called = DialString::new(called);
        let query = Query {
            known: known(caller.next()),
            ..Query::new(
                moment(config, when),
                TrunkId(u16::try_from(trunk).unwrap()),
                &number,
                &called,
            )
        };
        let found = told(config, &config.routing.decide(&query));
        if (found.0.as_str(), found.1.as_str()) != (pools, remarks) {
            wrong.push(format!("{line}\n    is: {} | {}", found.0, found.1));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
