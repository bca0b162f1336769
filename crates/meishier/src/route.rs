//! `meishier route`: who would take one call, and why.
//!
//! ```text
//!   arguments ─► Question ─┐
//!   file ─► Loaded ────────┴─► explain ─► Answer ─┬─ text ── people
//!                                                 └─ json ── programs
//! ```

mod json;
mod text;

use crate::cli;
use crate::loaded::{Loaded, Place};
use crate::moment;
use crate::standing::{Standing, Supposed};
use crate::wording::say;
use meishier_config::Lang;
use meishier_model::{DialString, PoolId, TrunkId, Wall};
use meishier_routing::{
    Explained, Found, Known, Miss, NuisanceWhy, PoolNow, Pools, Query, RiskWhy, Rule, Tags, Which,
};
use std::process::ExitCode;
use std::time::Duration;

/// Status if nobody would take the call at that moment.
const NOBODY: u8 = 3;
/// Status of arguments that cannot be.
const USAGE: u8 = 2;
/// How far ahead the close of a pool is told.
const CLOSES_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is asked, resolved.
pub struct Question {
    /// When.
    pub wall: Wall,
    /// Over which trunk.
    pub trunk: TrunkId,
    /// The caller's number; empty if withheld.
    pub caller: DialString,
    /// The number dialled.
    pub called: DialString,
    /// Whether numbers are shown in full.
    pub reveal: bool,
    /// The language of words.
    pub lang: Lang,
    known: Known,
    supposed: Vec<(PoolId, Supposed)>,
}

/// A pool of the answer.
pub struct PoolAnswer {
    /// Which.
    pub pool: PoolId,
    /// How long after the call's arrival it opens for it.
    pub after: Duration,
    /// Whether it takes calls.
    pub taking: bool,
    /// Open lines.
    pub lines: u16,
    /// How it stands.
    pub now: PoolNow,
    /// When the last line closes, if within a week.
    pub until: Option<Wall>,
    /// When it opens, if it is closed.
    pub opens: Option<Wall>,
}

impl PoolAnswer {
    /// True if it would take the call as soon as one of its lines is free.
    pub fn is_only_full(&self) -> bool {
        self.now.full && self.lines > 0 && self.now.service.takes_calls()
    }
}

/// A rule that was looked at.
pub struct RuleAnswer {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// Why it was passed over.
    pub miss: Option<Miss>,
}

/// The decision with all that people ask about it.
pub struct Answer {
    /// What was decided.
    pub explained: Explained,
    /// Its pools in order.
    pub pools: Vec<PoolAnswer>,
    /// Rules in the order in which they count.
    pub rules: Vec<RuleAnswer>,
}

impl Answer {
    /// How the place that counts was found.
    pub fn found(&self) -> Option<Found> {
        let places = &self.explained.places;
        match self.explained.decision.place.which? {
            Which::Called => places.called,
            Which::Here => places.here,
            Which::Home => places.home,
        }
    }
}

/// 0: somebody would take the call. 1: the file is wrong. 2: an argument is. 3: nobody would.
pub fn run(args: &cli::Route) -> ExitCode {
    let asked = args.lang.map(Lang::from);
    let Some(loaded) = Loaded::read(&args.config, asked) else {
        return ExitCode::FAILURE;
    };
    let lang = asked.unwrap_or(loaded.config.lang);
    let question = match question(args, &loaded, lang) {
        Ok(question) => question,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(USAGE);
        }
    };
    let answer = answer(&question, &loaded, args.cell.as_deref());
    if args.json {
        println!("{}", json::json(&question, &answer, &loaded));
    } else {
        print!("{}", text::text(&question, &answer, &loaded, args.explain));
    }
    if answer.explained.decision.taking == 0 {
        return ExitCode::from(NOBODY);
    }
    ExitCode::SUCCESS
}

fn question(args: &cli::Route, loaded: &Loaded, lang: Lang) -> Result<Question, String> {
    let config = &loaded.config;
    let wall = match &args.at {
        None => meishier_net::Clock::system().wall(),
        Some(text) => moment::parse(text, &config.routing).ok_or_else(|| match lang {
            Lang::Zh => format!("看不懂时间 {text:?}；写成 \"2026-10-01 23:30\" 或 RFC 3339"),
            Lang::En => format!("{text:?} is no moment; write \"2026-10-01 23:30\" or RFC 3339"),
        })?,
    };
    let trunks: Vec<&str> = config.trunks.iter().map(|it| it.name.as_str()).collect();
    let trunk = match &args.trunk {
        None => 0,
        Some(name) => find(&trunks, name, lang, "中继", "trunk")?,
    };
    let names: Vec<&str> = config.tags.iter().map(String::as_str).collect();
    let mut tags = Tags::default();
    for name in &args.tags {
        tags = tags.with(find(&names, name, lang, "标签", "tag")?);
    }
    let known = Known {
        risk: args.risk.then_some(RiskWhy::Person),
        nuisance: args.nuisance.then_some(NuisanceWhy::Marked),
        tags,
        ..Known::default()
    };
    Ok(Question {
        wall,
        trunk: TrunkId(u16::try_from(trunk).unwrap_or(u16::MAX)),
        caller: DialString::new(&args.from),
        called: DialString::new(&args.to),
        reveal: args.reveal,
        lang,
        known,
        supposed: supposed(&args.pool_states, loaded, lang)?,
    })
}

fn supposed(
    texts: &[String],
    loaded: &Loaded,
    lang: Lang,
) -> Result<Vec<(PoolId, Supposed)>, String> {
    let pools: Vec<&str> = loaded
        .config
        .pools
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let mut out = Vec::with_capacity(texts.len());
    for text in texts {
        let wrong = || match lang {
            Lang::Zh => format!(
                "看不懂 --pool-state {text:?}；写成 坐席组=状态，状态为 normal、unstaffed、overloaded、going_down、down、full"
            ),
            Lang::En => format!(
                "--pool-state {text:?} is not POOL=STATE with normal, unstaffed, overloaded, going_down, down or full"
            ),
        };
        let (pool, state) = text.split_once('=').ok_or_else(wrong)?;
        let state = Supposed::parse(state.trim()).ok_or_else(wrong)?;
        let at = find(&pools, pool.trim(), lang, "坐席组", "pool")?;
        out.push((PoolId(u16::try_from(at).unwrap_or(u16::MAX)), state));
    }
    Ok(out)
}

/// The index of a name, or which names there are.
pub fn find(names: &[&str], name: &str, lang: Lang, zh: &str, en: &str) -> Result<usize, String> {
    names.iter().position(|it| *it == name).ok_or_else(|| {
        let known = names.join(say(lang, "、", ", "));
        match lang {
            Lang::Zh => format!("没有{zh} {name:?}；配置里有：{known}"),
            Lang::En => format!("there is no {en} {name:?}; the file has: {known}"),
        }
    })
}

fn answer(question: &Question, loaded: &Loaded, cell: Option<&str>) -> Answer {
    let (config, wall) = (&loaded.config, question.wall);
    let table = &config.routing;
    let standing = Standing::new(table, config.pools.len(), wall, &question.supposed);
    let query = Query {
        cell,
        known: question.known,
        ..Query::new(wall, question.trunk, &question.caller, &question.called)
    };
    let explained = table.explain(&query, &standing);
    let decision = &explained.decision;
    let pools = decision.rings.iter().enumerate().map(|(at, ring)| {
        let lines = table.lines(ring.pool, wall);
        let closes = table.closes_in(ring.pool, wall, CLOSES_WITHIN);
        let closes = closes.and_then(|it| i64::try_from(it.as_millis()).ok());
        PoolAnswer {
            pool: ring.pool,
            after: ring.after,
            taking: decision.taking & (1 << at) != 0,
            lines,
            now: standing.state(ring.pool),
            until: closes.map(|ms| Wall(wall.0.saturating_add(ms))),
            opens: table.opens(ring.pool, wall).filter(|_| lines == 0),
        }
    });
    let rules = rules(&explained)
        .into_iter()
        .map(|(rule, miss)| RuleAnswer {
            name: table.rule_name(rule),
            place: loaded.place(rule),
            miss,
        });
    Answer {
        pools: pools.collect(),
        rules: rules.collect(),
        explained,
    }
}

/// What was looked at and what else the decision rests on, in the order in which it counts.
fn rules(explained: &Explained) -> Vec<(Rule, Option<Miss>)> {
    let looked = explained.looked.iter().map(|it| (it.rule, it.miss));
    let mut out: Vec<_> = looked.collect();
    for rule in &explained.decision.rules {
        if !out.iter().any(|(it, _)| it == rule) {
            out.push((*rule, None));
        }
    }
    out.sort_by_key(|(rule, _)| match rule {
        Rule::Listed(_) => 0,
        Rule::Alias(_) => 1,
        Rule::Ambiguous => 2,
        Rule::Route(_) => 3,
        Rule::Default(_) => 4,
        Rule::Risk(_) | Rule::Nuisance(_) | Rule::Redial => 5,
        Rule::Area(_) => 6,
        Rule::Preference(_) => 7,
    });
    out
}
