//! `skills`, `[[pools]]` and their shifts.

use crate::implied::IMPLIED;
use crate::limits::{MOST_CALLS, MOST_LINES};
use crate::names::{Known, check_plain};
use crate::recording::CONSENTS;
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::types::{Pool, Strategy};
use meishier_model::{Consent, SkillId};
use meishier_routing::{
    Clash, Days, Hours, HoursError, Moment, Schedule, ServiceRules, Shift, Tags, weekday_names,
};
use std::ops::Range;
use std::time::Duration;

/// Most pools.
pub(crate) const MAX_POOLS: usize = 1024;
/// Most lines of a pool.
const MAX_LINES: i64 = MOST_LINES as i64;
const MAX_SHIFTS: usize = 32;

const STRATEGIES: [(&str, Strategy); 4] = [
    ("least_talk", Strategy::LeastTalk),
    ("longest_idle", Strategy::LongestIdle),
    ("best_skill", Strategy::BestSkill),
    ("round_robin", Strategy::RoundRobin),
];

/// Reads the names of the skills.
pub(crate) fn skills(top: &Section<'_>, known: &mut Known) -> Vec<String> {
    let mut out = Vec::new();
    for text in top.texts("skills", SkillId::LIMIT) {
        if text.value.trim().is_empty() || text.value.len() > 64 {
            let message = both!(
                "技能的名字不能为空或过长",
                "a skill's name must not be empty or long"
            );
            top.sink().error(
                &text.span,
                message,
                both!("例如 \"苗语\"", "such as \"苗语\""),
            );
        }
        if IMPLIED.contains(&text.value) {
            let value = text.value;
            top.sink().error(
                &text.span,
                both!(
                    "技能 {value:?} 由程序自己加上",
                    "skill {value:?} is added by the program"
                ),
                both!("换一个名字", "choose another name"),
            );
        }
        known.add(top.sink(), text.value, &text.span);
        out.push(text.value.to_owned());
    }
    out
}

/// Reads the names of what may be noted of callers.
pub(crate) fn tags(top: &Section<'_>, known: &mut Known) -> Vec<String> {
    let mut out = Vec::new();
    for text in top.texts("tags", Tags::LIMIT) {
        if text.value.trim().is_empty() || text.value.len() > 64 {
            let message = both!("标签不能为空或过长", "a tag must not be empty or long");
            let help = both!("例如 \"儿童\"", "such as \"儿童\"");
            top.sink().error(&text.span, message, help);
        }
        known.add(top.sink(), text.value, &text.span);
        out.push(text.value.to_owned());
    }
    out
}

/// A pool with its schedule and its place in the file.
pub(crate) struct PoolEntry {
    pub pool: Pool,
    pub schedule: Schedule,
    pub rules: ServiceRules,
    /// On what ground its calls are recorded, if it says so itself.
    pub recording: Option<Consent>,
    pub span: Range<usize>,
}

/// Reads all pools and gives them their indices.
pub(crate) fn pools(sections: Vec<Section<'_>>, known: &mut Known) -> Vec<PoolEntry> {
    let mut out = Vec::new();
    for section in sections {
        let sink = section.sink();
        let name = section.need_text("name", "\"city\"");
        if let Some(name) = &name {
            check_plain(sink, "name", name.value, &name.span);
            known.add(sink, name.value, &name.span);
        }
        let span = name
            .as_ref()
            .map_or(section.span.clone(), |name| name.span.clone());
        let name = name.map_or("", |name| name.value);
        let title = section
            .full_text("title", "\"市级坐席\"")
            .map_or(name, |title| title.value);
        let strategy = section.choice("strategy", &STRATEGIES).unwrap_or_default();
        let pool = Pool {
            name: name.to_owned(),
            title: title.to_owned(),
            strategy,
        };
        let schedule = schedule(&section);
        let rules = rules(&section);
        let recording = section.choice("recording", &CONSENTS);
        section.finish();
        out.push(PoolEntry {
            pool,
            schedule,
            rules,
            recording,
            span,
        });
    }
    out
}

/// When the pool counts as overloaded or about to close.
fn rules(section: &Section<'_>) -> ServiceRules {
    let day = Duration::from_secs(24 * 3600);
    let waiting = section.number("overloaded_waiting", 1..=MOST_CALLS as i64);
    let wait = section.duration("overloaded_wait", Duration::from_secs(1)..=day);
    let going_down = section.duration("going_down", Duration::from_secs(1)..=day);
    ServiceRules {
        overloaded_waiting: waiting.and_then(|at| u32::try_from(at.value).ok()),
        overloaded_wait: wait.map(|at| at.value),
        going_down: going_down.map(|at| at.value),
    }
}

fn schedule(section: &Section<'_>) -> Schedule {
    let sink = section.sink();
    let before = sink.count();
    let sections = section.tables("shifts", "shifts", MAX_SHIFTS);
    if sections.is_empty() && sink.count() == before {
        section.missing("shifts", "[{ hours = \"00:00-24:00\", lines = 2 }]");
    }
    let mut shifts = Vec::new();
    let mut spans = Vec::new();
    for section in sections {
        let hours = hours(&section);
        let days = days(&section);
        let lines = section.number("lines", 1..=MAX_LINES);
        if lines.is_none() && section.raw("lines").is_none() {
            section.missing("lines", "2");
        }
        if let (Some(hours), Some(lines)) = (hours, lines) {
            let lines = u16::try_from(lines.value).unwrap_or(u16::MAX);
            shifts.push(Shift { days, hours, lines });
            spans.push(section.span.clone());
        }
        section.finish();
    }
    let schedule = Schedule { shifts };
    match schedule.clash() {
        Some(clash) => {
            note_clash(sink, &clash, &schedule, &spans);
            Schedule::default()
        }
        None => schedule,
    }
}

fn hours(section: &Section<'_>) -> Option<Hours> {
    let text = section.need_text("hours", "\"08:00-18:00\"")?;
    hours_of(section, &text)
}

/// Reads `08:00-18:00`, or notes what is wrong with it.
pub(crate) fn hours_of(section: &Section<'_>, text: &At<&str>) -> Option<Hours> {
    let value = text.value;
    let help = match Hours::parse(value) {
        Ok(hours) => return Some(hours),
        Err(HoursError::Form) => both!(
            "写成 \"08:00-18:00\"；跨夜写 \"18:00-08:00\"",
            "write \"08:00-18:00\", or \"18:00-08:00\" across midnight"
        ),
        Err(HoursError::Range) => both!(
            "时从 00 到 23，分从 00 到 59；只有结束可写 24:00",
            "hours 00 to 23, minutes 00 to 59; only an end may be 24:00"
        ),
        Err(HoursError::Empty) => {
            both!(
                "全天写 \"00:00-24:00\"",
                "write \"00:00-24:00\" for the whole day"
            )
        }
    };
    let message = both!("hours 看不懂：{value:?}", "hours makes no sense: {value:?}");
    section.sink().error(&text.span, message, help);
    None
}

/// The days of a rule; all if it names none.
pub(crate) fn days(section: &Section<'_>) -> Days {
    let texts = section.texts("days", 16);
    if texts.is_empty() {
        return Days::ALL;
    }
    let mut out = Days::NONE;
    for text in texts {
        match Days::parse(text.value) {
            Some(days) => out = out.or(days),
            None => {
                let list: Vec<_> = Days::NAMES.iter().map(|name| format!("{name:?}")).collect();
                section.unknown_word("days", &text, &list, Days::NAMES);
            }
        }
    }
    out
}

fn note_clash(sink: &Sink, clash: &Clash, schedule: &Schedule, spans: &[Range<usize>]) {
    let (Some(second), Some(first)) = (spans.get(clash.second), schedule.shifts.get(clash.first))
    else {
        return;
    };
    let (zh, en) = moment(&clash.at);
    let lines = first.lines;
    sink.error(
        second,
        both!(
            "与另一班次（{lines} 条线路）重叠：{zh}",
            "overlaps with another shift (of {lines} lines): {en}"
        ),
        both!(
            "同一时刻只能有一个班次；跨夜的班次算在开始的那一天",
            "only one shift may be open at a time; one across midnight belongs to the day it begins"
        ),
    );
}

/// A moment of the week for people, in both languages.
pub(crate) fn moment(moment: &Moment) -> (String, String) {
    let (zh, en) = weekday_names(moment.day.weekday);
    let (kind_zh, kind_en) = moment.day.kind_names();
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (from, to) = (clock(moment.from), clock(moment.to));
    both!(
        "{zh}（{kind_zh}）{from}-{to}",
        "{en} ({kind_en}) {from}-{to}"
    )
}
