//! `meishier key`: whom a transfer key would reach, by which trunks and why.
//!
//! ```text
//!   key, place ──────────┐
//!   caller, trunk, cell ─┴─► Plan::choose ─► what is dialled in order, or what is asked
//! ```

use crate::cli;
use crate::loaded::Loaded;
use crate::route::find;
use crate::wording::{self, join, say};
use meishier_config::{Config, Lang, Plan, Reach};
use meishier_model::TrunkId;
use meishier_routing::{Evidence, Number};
use meishier_transfer::{Choice, Heard, Key, SERVICES, Target, TargetError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Status of arguments that cannot be.
const USAGE: u8 = 2;

/// 0: settled. 1: the file is wrong, the place is unknown or not certain. 2: an argument is wrong.
pub fn run(args: &cli::Key) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let (config, plan) = match &args.config {
        None => (None, services()),
        Some(path) => match Loaded::read(path, asked) {
            Some(loaded) => (Some(loaded.config), Plan::default()),
            None => return ExitCode::FAILURE,
        },
    };
    let lang = config.as_ref().map_or(Lang::Zh, |config| config.lang);
    let lang = asked.unwrap_or(lang);
    let plan = config.as_ref().map_or(&plan, |config| &config.transfer);
    let choice = match &config {
        None => Ok(plan.choose(&args.key, &Heard::given(&args.place))),
        Some(config) => choose(args, config, lang),
    };
    let choice = match choice {
        Ok(choice) => choice,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(USAGE);
        }
    };
    let choice = match choice {
        Ok(choice) => choice,
        Err(error) => {
            eprintln!("{}", refusal(&error, plan, lang));
            return ExitCode::FAILURE;
        }
    };
    if args.json {
        println!("{}", to_json(&choice, plan, config.as_ref()));
    } else {
        print!("{}", to_text(&choice, plan, config.as_ref(), lang));
    }
    match choice {
        Choice::Dials(_) => ExitCode::SUCCESS,
        Choice::Asks { .. } => ExitCode::FAILURE,
    }
}

/// The keys that need no configuration.
fn services() -> Plan {
    let keys = SERVICES.iter();
    let keys = keys.map(|it| Key::usual(it.name, it.title, it.kind, TrunkId(0)));
    Plan::new(keys.collect())
}

/// What the engine would choose in such a call; the argument that cannot be.
fn choose(
    args: &cli::Key,
    config: &Config,
    lang: Lang,
) -> Result<Result<Choice, TargetError>, String> {
    let trunks: Vec<&str> = config.trunks.iter().map(|it| it.name.as_str()).collect();
    let at = match &args.trunk {
        None => 0,
        Some(name) => find(&trunks, name, lang, "中继", "trunk")?,
    };
    let trunk = config.trunks.get(at);
    let own = trunk.and_then(|trunk| trunk.area_code.as_deref());
    let places = config.routing.gazetteer().places(&Evidence {
        trunk: TrunkId(u16::try_from(at).unwrap_or(u16::MAX)),
        caller: &Number::in_area(&args.from, own),
        called: &Number::new("12356"),
        cell: args.cell.as_deref(),
    });
    // The trunk tells of a call, and nobody asked about one.
    let call = args.from != "anonymous" || args.cell.is_some() || args.trunk.is_some();
    let heard = match call {
        true => Heard::of(&args.place, &places, own),
        false => Heard::given(&args.place),
    };
    Ok(config.transfer.choose(&args.key, &heard))
}

fn refusal(error: &TargetError, plan: &Plan, lang: Lang) -> String {
    let mut out = match lang {
        Lang::Zh => error.message_zh(),
        Lang::En => error.message_en(),
    };
    if *error == TargetError::UnknownKey {
        let names: Vec<String> = plan.keys.iter().map(|key| key.name.clone()).collect();
        let list = join(&names, lang);
        let _ = match lang {
            Lang::Zh => write!(out, "；只有：{list}"),
            Lang::En => write!(out, "; there are: {list}"),
        };
    }
    out
}

/// The trunks of one dial in order; none if there is no configuration.
fn trunks<'c>(target: &Target, at: usize, key: &Key, config: Option<&'c Config>) -> Vec<&'c str> {
    let Some(config) = config else {
        return Vec::new();
    };
    let first = target.trunk(at).unwrap_or(key.trunk);
    let rest = std::iter::once(&key.trunk).chain(&key.backup);
    let rest = rest.copied().filter(|it| *it != first);
    let name = |id: TrunkId| config.trunk(id);
    let all = std::iter::once(first).chain(rest).filter_map(name);
    all.map(|it| it.name.as_str()).collect()
}

fn to_text(choice: &Choice, plan: &Plan, config: Option<&Config>, lang: Lang) -> String {
    let target = choice.target();
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |zh: &str, en: &str, value: String| {
        rows.push((say(lang, zh, en).to_owned(), value));
    };
    let Some(key) = plan.keys.get(target.key) else {
        return String::new();
    };
    row("转接键", "key", titled(key, lang));
    if !target.city.is_empty() {
        row("地点", "place", target.city.clone());
    }
    if let Choice::Asks { others, within, .. } = choice {
        let also = match others.is_empty() {
            true => say(lang, "请核实地点", "is this the place?").to_owned(),
            false => format!(
                "{}{}",
                say(lang, "也可能在", "or is it "),
                join(others, lang)
            ),
        };
        let seconds = within.as_secs();
        row(
            "要问",
            "to be asked",
            match lang {
                Lang::Zh => format!("{also}；{seconds} 秒没有回答就按上面的地点拨"),
                Lang::En => format!("{also}; without an answer in {seconds} s the place above"),
            },
        );
        row("告诉对方", "told to them", target.doubt.clone());
    }
    for (dial, at) in target.dials.iter().zip(0..) {
        let trunks = trunks(target, at, key, config).join(say(lang, "，再 ", ", then "));
        let value = match (trunks.is_empty(), lang) {
            (true, _) => dial.as_str().to_owned(),
            (false, Lang::Zh) => format!("{}，走 {trunks}", dial.as_str()),
            (false, Lang::En) => format!("{} by {trunks}", dial.as_str()),
        };
        row(
            &format!("拨 {}", at + 1),
            &format!("dial {}", at + 1),
            value,
        );
    }
    if let (Reach::Seats { pool, skills }, Some(config)) = (&key.reach, config) {
        let mut value = wording::pool(config, *pool).to_owned();
        let skills = wording::skills(config, *skills);
        if !skills.is_empty() {
            let _ = match lang {
                Lang::Zh => write!(value, "，会{}", join(&skills, lang)),
                Lang::En => write!(value, " with {}", join(&skills, lang)),
            };
        }
        row("坐席组", "pool", value);
    }
    row("记录", "record", target.reason.clone());
    rows.iter().fold(String::new(), |mut out, (label, value)| {
        let wide: usize = label
            .chars()
            .map(|c| if c.is_ascii() { 1 } else { 2 })
            .sum();
        let space = " ".repeat(14_usize.saturating_sub(wide));
        let _ = writeln!(out, "{label}{space}{value}");
        out
    })
}

fn titled(key: &Key, lang: Lang) -> String {
    match lang {
        _ if key.title == key.name => key.name.clone(),
        Lang::Zh => format!("{}（{}）", key.name, key.title),
        Lang::En => format!("{} ({})", key.name, key.title),
    }
}

fn to_json(choice: &Choice, plan: &Plan, config: Option<&Config>) -> Value {
    let target = choice.target();
    let key = plan.keys.get(target.key);
    let dials = target.dials.iter().zip(0..).map(|(dial, at)| {
        let trunks = key.map(|key| trunks(target, at, key, config));
        json!({ "dial": dial.as_str(), "trunks": trunks.unwrap_or_default() })
    });
    let (others, within) = match choice {
        Choice::Dials(_) => (None, None),
        Choice::Asks { others, within, .. } => (Some(others), Some(within.as_secs())),
    };
    json!({
        "key": key.map(|key| key.name.as_str()),
        "settled": others.is_none(),
        "place": target.city,
        "dials": dials.collect::<Vec<_>>(),
        "others": others,
        "ask_within_s": within,
        "doubt": target.doubt,
        "reason": target.reason,
    })
}
