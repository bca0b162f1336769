//! From the text of a scenario file to the [`Scenario`].

use super::reader::{Notes, Reader, hours, is_number};
use super::{
    AnswerAs, CallerGroup, Helps, HourShare, Mix, Overlay, Patience, Says, Scenario, ScenarioError,
    SeatHabits, Start, Surge, Talk, TargetHabits, Weighted, shipped,
};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Most calls a day: above what any machine simulates.
const MOST_CALLS: f64 = 1e6;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn parse(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
    let notes = Notes::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let what = error.message().lines().next().unwrap_or_default();
        let span = error.span().unwrap_or(0..0);
        notes.add(
            &span,
            format!("TOML 语法错误：{what}"),
            format!("not TOML: {what}"),
        );
    }
    let mut scenario = None;
    if syntax.is_empty() {
        let top = Reader::new(&notes, Some(document.get_ref()), 0..0, "");
        let base = base(&top);
        scenario = read(&top, base.as_ref());
        top.finish();
    }
    let list = notes.into_list();
    match scenario {
        Some(scenario) if list.is_empty() => Ok(scenario),
        _ => Err(list),
    }
}

/// The shipped scenario that this one starts from.
fn base(top: &Reader<'_>) -> Option<Scenario> {
    let name = top.text("base")?;
    // No shipped scenario has a base with a base, so this goes no deeper than one step.
    let found = shipped::scenario(name).and_then(|text| Scenario::parse(text).ok());
    if found.is_none() {
        let list = shipped::NAMES.join(", ");
        top.raw("base").and_then(|value| {
            top.wrong::<()>(
                "base",
                value,
                &format!("已有的场景：{list}"),
                &format!("one of {list}"),
            )
        });
    }
    found
}

fn read(top: &Reader<'_>, base: Option<&Scenario>) -> Option<Scenario> {
    let name = top.or("name", top.text("name"), None).map(str::to_owned);
    // The title is for those who read the file.
    let _ = top.text("title");
    let config = top.or("config", config(top), base.map(|b| b.config_text.clone()));
    let start = top.or("start", start(top), base.map(|b| b.start));
    let day_lasts = top.duration("day").or(base.map(|b| b.day)).unwrap_or(DAY);
    if let Some(value) = top.raw("day")
        && !(HOUR..=DAY).contains(&day_lasts)
    {
        top.wrong::<()>("day", value, "1h 到 24h", "1h to 24h");
    }
    let calls = top.number("calls_per_day", 0.0..=MOST_CALLS);
    let calls = top.or("calls_per_day", calls, base.map(|b| b.calls_per_day));
    let hours = top.or("hours", day(top), base.map(|b| b.hours.clone()));
    let talk = talk(top, base.map(|b| b.talk));
    let mix = mix(top, base.map(|b| b.mix));
    let patience = patience(top, base.map(|b| b.patience));
    let list = |key, inner, digits, of: fn(&Scenario) -> &Vec<Weighted>| {
        let found = weighted(top, key, inner, digits);
        top.or(key, found, base.map(|b| of(b).clone()))
    };
    let called = list("called", "number", true, |b| &b.called);
    let callers = top.or("callers", callers(top), base.map(|b| b.callers.clone()));
    let cities = list("cities", "name", false, |b| &b.cities);
    let keys = list("keys", "name", false, |b| &b.keys);
    let flagged = top.or(
        "flagged_prefix",
        top.digits("flagged_prefix"),
        base.map(|b| b.flagged_prefix.clone()),
    );
    let surges = surges(top).or(base.map(|b| b.surges.clone()));
    let seats = seats(top, base.map(|b| b.seats));
    let targets = targets(top, base.map(|b| b.targets));
    let says = says(top, base.map(|b| b.says).unwrap_or_default());
    let helps = helps(top, base.map(|b| b.helps).unwrap_or_default());
    let engine = engine(top, base.map(|b| b.engine.clone()).unwrap_or_default());
    Some(Scenario {
        name: name?,
        config_text: config?,
        start: start?,
        day: day_lasts,
        calls_per_day: calls?,
        hours: hours?,
        talk: talk?,
        mix: mix?,
        patience: patience?,
        called: called?,
        callers: callers?,
        cities: cities?,
        keys: keys?,
        flagged_prefix: flagged?,
        surges: surges.unwrap_or_default(),
        seats: seats?,
        targets: targets?,
        says,
        helps,
        engine,
    })
}

/// The configuration: the path of a shipped file, or the text itself.
fn config(top: &Reader<'_>) -> Option<String> {
    if let Some(text) = top.text("config_text") {
        let _ = top.raw("config");
        return Some(text.to_owned());
    }
    let path = top.text("config")?;
    let found = shipped::config(path);
    found.or_else(|| {
        let list = shipped::CONFIGS.join(", ");
        top.wrong(
            "config",
            top.raw("config")?,
            &format!("{list} 之一；别的写在 config_text 里"),
            &format!("one of {list}; others go into config_text"),
        )
    })
}

fn start(top: &Reader<'_>) -> Option<Start> {
    let value = top.raw("start")?;
    let found = match value.get_ref() {
        DeValue::Datetime(moment) => moment.date.map(|date| Start {
            year: date.year as i16,
            month: date.month as i8,
            day: date.day as i8,
            minute: moment
                .time
                .map_or(0, |time| u16::from(time.hour) * 60 + u16::from(time.minute)),
        }),
        _ => None,
    };
    found.or_else(|| {
        let (zh, en) = (
            "当地时间，如 2026-06-01T00:00:00",
            "a local time such as 2026-06-01T00:00:00",
        );
        top.wrong("start", value, zh, en)
    })
}

/// The hours of the day; each minute in exactly one entry, the shares together 1.
fn day(top: &Reader<'_>) -> Option<Vec<HourShare>> {
    let mut out = Vec::new();
    let mut covered = vec![0u8; 1440];
    for entry in top.tables("hours")? {
        let text = entry.or("hours", entry.text("hours"), None);
        let share = entry.or("share", entry.share("share"), None);
        match text.map(hours) {
            Some(Some((from, to))) => {
                for minute in from..to {
                    covered[usize::from(minute % 1440)] += 1;
                }
                let share = share.unwrap_or(0.0);
                out.push(HourShare { from, to, share });
            }
            Some(None) => {
                let (zh, en) = ("钟点，如 \"18:00-02:00\"", "hours such as \"18:00-02:00\"");
                entry
                    .raw("hours")
                    .and_then(|value| entry.wrong::<()>("hours", value, zh, en));
            }
            None => {}
        }
        entry.finish();
    }
    let sum: f64 = out.iter().map(|hour| hour.share).sum();
    let value = top.raw("hours")?;
    if covered.iter().any(|times| *times != 1) {
        top.wrong::<()>(
            "hours",
            value,
            "不重叠、无空缺的一整天",
            "a whole day without gaps and overlaps",
        );
    }
    if (sum - 1.0).abs() > 1e-6 {
        let (zh, en) = ("合计为 1 的份额", "shares that make 1");
        top.wrong::<()>("hours", value, zh, en);
    }
    Some(out)
}

fn talk(top: &Reader<'_>, base: Option<Talk>) -> Option<Talk> {
    let t = top.table("talk");
    let time = |key, of: fn(&Talk) -> Duration| t.or(key, t.duration(key), base.as_ref().map(of));
    let share = |key, of: fn(&Talk) -> f64| t.or(key, t.share(key), base.as_ref().map(of));
    let mean = time("mean", |b| b.mean);
    let longest = time("longest", |b| b.longest);
    let nuisance_mean = time("nuisance_mean", |b| b.nuisance_mean);
    let spread = t.or(
        "spread",
        t.number("spread", 0.0..=3.0),
        base.map(|b| b.spread),
    );
    let caller_ends = share("caller_ends", |b| b.caller_ends);
    let hold_share = share("hold_share", |b| b.hold_share);
    t.finish();
    Some(Talk {
        mean: mean?,
        spread: spread?,
        longest: longest?,
        nuisance_mean: nuisance_mean?,
        caller_ends: caller_ends?,
        hold_share: hold_share?,
    })
}

/// What the file does not have is as in its base.
fn says(top: &Reader<'_>, base: Says) -> Says {
    let t = top.table("says");
    let out = Says {
        danger: t.share("danger").unwrap_or(base.danger),
        hidden: t.share("hidden").unwrap_or(base.hidden),
        odd: t.share("odd").unwrap_or(base.odd),
        flags: t.share("flags").unwrap_or(base.flags),
        marks: t.share("marks").unwrap_or(base.marks),
        hands: t.number("hands", 0.0..=MOST_CALLS).unwrap_or(base.hands),
    };
    t.finish();
    out
}

/// What the file does not have is as in its base.
fn helps(top: &Reader<'_>, base: Helps) -> Helps {
    let t = top.table("helps");
    let out = Helps {
        more: t.share("more").unwrap_or(base.more),
        twice: t.share("twice").unwrap_or(base.twice),
        consult: t.share("consult").unwrap_or(base.consult),
        back: t.share("back").unwrap_or(base.back),
        cross: t.share("cross").unwrap_or(base.cross),
        confirm: t.share("confirm").unwrap_or(base.confirm),
        leave: t.share("leave").unwrap_or(base.leave),
        hold: t.share("hold").unwrap_or(base.hold),
        drops: t.share("drops").unwrap_or(base.drops),
        goes: t.share("goes").unwrap_or(base.goes),
        supervise: t.share("supervise").unwrap_or(base.supervise),
        vague: t.share("vague").unwrap_or(base.vague),
    };
    t.finish();
    out
}

fn mix(top: &Reader<'_>, base: Option<Mix>) -> Option<Mix> {
    let t = top.table("mix");
    let share = |key, of: fn(&Mix) -> f64| t.or(key, t.share(key), base.as_ref().map(of));
    let mix = (
        share("nuisance", |b| b.nuisance),
        share("risk", |b| b.risk),
        share("crisis", |b| b.crisis),
        share("minors", |b| b.minors),
        share("women", |b| b.women),
        share("flagged", |b| b.flagged),
        share("withheld", |b| b.withheld),
    );
    let span = t.span.clone();
    t.finish();
    let mix = Mix {
        nuisance: mix.0?,
        risk: mix.1?,
        crisis: mix.2?,
        minors: mix.3?,
        women: mix.4?,
        flagged: mix.5?,
        withheld: mix.6?,
    };
    if mix.nuisance + mix.risk > 1.0 {
        top.notes.add(
            &span,
            "nuisance 与 risk 合计超过 1".to_owned(),
            "nuisance and risk make more than 1".to_owned(),
        );
    }
    if mix.crisis > mix.risk {
        top.notes.add(
            &span,
            "crisis 是 risk 的一部分，不能更大".to_owned(),
            "crisis is a part of risk and cannot be more".to_owned(),
        );
    }
    Some(mix)
}

fn patience(top: &Reader<'_>, base: Option<Patience>) -> Option<Patience> {
    let t = top.table("patience");
    let floor = t.or("floor", t.duration("floor"), base.map(|b| b.floor));
    let mean = t.or("mean", t.duration("mean"), base.map(|b| b.mean));
    let share = t.share("redial_share");
    let share = t.or("redial_share", share, base.map(|b| b.redial_share));
    let after = t.durations("redial_after");
    let after = t.or("redial_after", after, base.map(|b| b.redial_after));
    let redials = t.whole("redials", 0..=5).map(|n| n as u8);
    let redials = t.or("redials", redials, base.map(|b| b.redials));
    t.finish();
    Some(Patience {
        floor: floor?,
        mean: mean?,
        redial_share: share?,
        redial_after: after?,
        redials: redials?,
    })
}

/// Texts with weights; digits where they are dialled.
fn weighted(
    top: &Reader<'_>,
    key: &'static str,
    inner: &'static str,
    digits: bool,
) -> Option<Vec<Weighted>> {
    let mut out = Vec::new();
    for entry in top.tables(key)? {
        let text = entry.or(inner, entry.text(inner), None);
        let weight = entry.number("weight", 0.0..=MOST_CALLS);
        let weight = entry.or("weight", weight, None);
        if let (Some(text), Some(value)) = (text, entry.raw(inner))
            && digits
            && !is_number(text)
        {
            entry.wrong::<()>(inner, value, "数字串", "digits, as a text");
        }
        if let (Some(text), Some(weight)) = (text, weight) {
            let text = text.to_owned();
            out.push(Weighted { text, weight });
        }
        entry.finish();
    }
    if out.iter().map(|one| one.weight).sum::<f64>() <= 0.0 {
        let value = top.raw(key)?;
        let (zh, en) = ("至少一项权重大于 0", "at least one of a weight above 0");
        return top.wrong(key, value, zh, en);
    }
    Some(out)
}

/// Whoever calls, by the beginning of the number.
fn callers(top: &Reader<'_>) -> Option<Vec<CallerGroup>> {
    let mut out = Vec::new();
    for entry in top.tables("callers")? {
        let prefix = entry.or("prefix", entry.digits("prefix"), None);
        let weight = entry.number("weight", 0.0..=MOST_CALLS);
        let weight = entry.or("weight", weight, None);
        let digits = entry.whole("digits", 5..=14).map(|digits| digits as usize);
        let word = |key| entry.text(key).unwrap_or_default().to_owned();
        let (trunk, cell) = (word("trunk"), word("cell"));
        if let (Some(prefix), Some(weight)) = (prefix, weight) {
            let usual = if prefix.starts_with('0') { 12 } else { 11 };
            out.push(CallerGroup {
                digits: digits.unwrap_or(usual),
                prefix,
                weight,
                trunk,
                cell,
            });
        }
        entry.finish();
    }
    if out.iter().map(|one| one.weight).sum::<f64>() <= 0.0 {
        let (zh, en) = ("至少一项权重大于 0", "at least one of a weight above 0");
        return top.wrong("callers", top.raw("callers")?, zh, en);
    }
    Some(out)
}

fn surges(top: &Reader<'_>) -> Option<Vec<Surge>> {
    let mut out = Vec::new();
    for entry in top.tables("surges")? {
        let from = entry.or("from", entry.duration("from"), None);
        let to = entry.or("to", entry.duration("to"), None);
        let times = entry.or("times", entry.number("times", 0.0..=1000.0), None);
        if let (Some(from), Some(to), Some(times)) = (from, to, times) {
            if from >= to {
                let (zh, en) = ("from 不早于 to", "from is not before to");
                top.notes.add(&entry.span, zh.to_owned(), en.to_owned());
            }
            out.push(Surge { from, to, times });
        }
        entry.finish();
    }
    Some(out)
}

fn seats(top: &Reader<'_>, base: Option<SeatHabits>) -> Option<SeatHabits> {
    let t = top.table("seats");
    let time =
        |key, of: fn(&SeatHabits) -> Duration| t.or(key, t.duration(key), base.as_ref().map(of));
    let share = |key, of: fn(&SeatHabits) -> f64| t.or(key, t.share(key), base.as_ref().map(of));
    let answer = t.durations("answer_after");
    let answer = t.or("answer_after", answer, base.map(|b| b.answer_after));
    let notice = t.durations("notice_after");
    let notice = t.or("notice_after", notice, base.map(|b| b.notice_after));
    let habits = (
        share("refuse_share", |b| b.refuse_share),
        share("ring_out_share", |b| b.ring_out_share),
        time("pause_every", |b| b.pause_every),
        time("pause_for", |b| b.pause_for),
        time("stretch", |b| b.stretch),
        time("stagger", |b| b.stagger),
    );
    if let (Some(stretch), Some(value)) = (habits.4, t.raw("stretch"))
        && stretch < Duration::from_secs(3600)
    {
        t.wrong::<()>("stretch", value, "至少 1h", "at least 1h");
    }
    t.finish();
    Some(SeatHabits {
        answer_after: answer?,
        refuse_share: habits.0?,
        ring_out_share: habits.1?,
        pause_every: habits.2?,
        pause_for: habits.3?,
        notice_after: notice?,
        stretch: habits.4?,
        stagger: habits.5?,
    })
}

fn targets(top: &Reader<'_>, base: Option<TargetHabits>) -> Option<TargetHabits> {
    let t = top.table("targets");
    let answer = t.durations("answer_after");
    let answer = t.or("answer_after", answer, base.map(|b| b.answer_after));
    let busy = t.or(
        "busy_share",
        t.share("busy_share"),
        base.map(|b| b.busy_share),
    );
    let ring_out = t.share("ring_out_share");
    let ring_out = t.or("ring_out_share", ring_out, base.map(|b| b.ring_out_share));
    let talk = t.or("talk", t.duration("talk"), base.map(|b| b.talk));
    t.finish();
    Some(TargetHabits {
        answer_after: answer?,
        busy_share: busy?,
        ring_out_share: ring_out?,
        talk: talk?,
    })
}

/// What of the engine's configuration differs; its own reader checks the limits.
fn engine(top: &Reader<'_>, base: Overlay) -> Overlay {
    let t = top.table("engine");
    let answer = match (t.text("answer"), t.raw("answer")) {
        (Some("on_seat"), _) => Some(AnswerAs::OnSeat),
        (Some("at_once"), _) => Some(AnswerAs::AtOnce),
        (Some(_), Some(value)) => {
            let (zh, en) = ("\"on_seat\" 或 \"at_once\"", "\"on_seat\" or \"at_once\"");
            t.wrong("answer", value, zh, en)
        }
        _ => None,
    };
    let shards = t.whole("shards", 1..=64).map(|n| n as u16);
    let overlay = Overlay {
        shards: shards.or(base.shards),
        max_calls: t.whole("max_calls", 1..=65_536).or(base.max_calls),
        max_waiting: t.whole("max_waiting", 1..=100_000).or(base.max_waiting),
        wrapup: t.duration("wrapup").or(base.wrapup),
        announce_every: t.duration("announce_every").or(base.announce_every),
        answer: answer.or(base.answer),
        answer_after: t.duration("answer_after").or(base.answer_after),
    };
    t.finish();
    overlay
}
