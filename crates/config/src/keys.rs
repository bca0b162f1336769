//! `[transfer]`: the keys of the desk, and the numbers of places. Nothing else can be dialled.

use crate::directory::Directory;
use crate::key_places;
use crate::names::{Known, check_plain};
use crate::section::{At, Section};
use crate::sink::{Both, Sink, both};
use crate::trunks::{MAX_TRUNKS, leading_out};
use crate::types::NuisanceKey;
use crate::when::{self, Names};
use meishier_model::{PoolId, SkillId, SkillSet, TrunkId};
use meishier_transfer::{Key, KeyKind, Manner, Plan, Reach};
use smallvec::SmallVec;
use std::ops::Range;

use std::time::Duration;

/// Most keys.
const MAX_KEYS: usize = 64;
/// Longest time that all targets of a key may take.
const LONGEST: Duration = Duration::from_secs(600);
/// The same if the file says nothing.
const LIMIT: Duration = Duration::from_secs(90);
/// What counsellors press after `*` to sign on, be ready, pause, sign off.
const SERVICE_CODES: [&str; 4] = ["11", "12", "13", "14"];
/// What they press after `*` in a conversation, for whom a key has brought: it is taken back, joins,
/// has taken over.
const TALK_CODES: [&str; 3] = ["0", "8", "9"];

const KINDS: [(&str, KeyKind); 6] = [
    ("emergency", KeyKind::Emergency),
    ("hotline", KeyKind::Hotline),
    ("second_line", KeyKind::SecondLine),
    ("supervisor", KeyKind::Supervisor),
    ("clinic", KeyKind::Clinic),
    ("number", KeyKind::Number),
];
const MANNERS: [(&str, Manner); 4] = [
    ("warm", Manner::Warm),
    ("consult", Manner::Consult),
    ("quiet", Manner::Quiet),
    ("blind", Manner::Blind),
];

/// Digits after `*` that mean something.
struct Star {
    digits: String,
    /// Whose they are.
    whose: Both,
    /// Where they stand, if it is in this section.
    at: Option<Range<usize>>,
}

/// What keys refer to.
struct Reader<'d> {
    names: Names<'d>,
    directory: &'d Directory,
    /// What is pressed after `*` already.
    stars: Vec<Star>,
}

/// Reads `[transfer]`.
pub(crate) fn plan(
    section: Option<Section<'_>>,
    directory: &Directory,
    nuisance: Option<&NuisanceKey>,
) -> Plan {
    let mut plan = Plan {
        atlas: directory.places.atlas(),
        districts: key_places::districts(),
        ..Plan::default()
    };
    let Some(section) = section else { return plan };
    let taken = |digits: &str, whose: (&str, &str)| Star {
        digits: digits.to_owned(),
        whose: (whose.0.to_owned(), whose.1.to_owned()),
        at: None,
    };
    let service = ("签入签出的代码", "signing on and off");
    let talk = ("通话中的代码", "what is pressed in a conversation");
    let mut reader = Reader {
        names: directory.names(),
        directory,
        stars: (SERVICE_CODES.iter().map(|code| taken(code, service)))
            .chain(TALK_CODES.iter().map(|code| taken(code, talk)))
            .collect(),
    };
    if let Some(code) = nuisance.and_then(pressed_after_star) {
        let care = ("care.nuisance_key", "care.nuisance_key");
        reader.stars.push(taken(&code, care));
    }
    let mut known = Known::new("转接键", "transfer key");
    for entry in section.tables("keys", "[[transfer.keys]]", MAX_KEYS) {
        plan.keys.push(reader.key(&entry, &mut known));
        entry.finish();
    }
    plan.places = key_places::places(&section, (&known, &plan.keys), directory);
    section.finish();
    plan
}

/// The digits of a key for nuisance that begins with `*`.
fn pressed_after_star(key: &NuisanceKey) -> Option<String> {
    let keys: String = (0..).map_while(|at| key.after(at)).collect();
    keys.strip_prefix('*').map(str::to_owned)
}

impl Reader<'_> {
    fn key(&mut self, section: &Section<'_>, known: &mut Known) -> Key {
        let sink = section.sink();
        let name = section.need_text("name", "\"110\"");
        if let Some(name) = &name {
            check_plain(sink, "name", name.value, &name.span);
            known.add(sink, name.value, &name.span);
        }
        let text = name.as_ref().map_or("", |name| name.value);
        let title = section
            .full_text("title", "\"公安\"")
            .map_or(text, |title| title.value);
        let kind = section.choice("kind", &KINDS);
        if section.raw("kind").is_none() {
            section.missing("kind", "\"emergency\"");
        }
        let reach = self.reach(section, text, kind);
        let (trunk, backup) = self.trunks(section, matches!(reach, Reach::Seats { .. }));
        let (ring, limit) = times(section);
        let mut key = Key {
            ring,
            limit,
            manners: manners(section, kind),
            brief: section.flag("brief").unwrap_or(false),
            dossier: section.flag("dossier").unwrap_or(false),
            consent: section.flag("consent").unwrap_or(false),
            star: self.star(section, text),
            backup,
            reach,
            ..Key::usual(text, title, kind.unwrap_or(KeyKind::Emergency), trunk)
        };
        tells_by_law(section, &key);
        let limits = Duration::from_secs(3)..=Duration::from_secs(60);
        if let Some(within) = section.duration("ask_within", limits) {
            key.ask_within = within.value;
            if !key.by_place() {
                sink.error(
                    &within.span,
                    both!(
                        "{text:?} 不按地点拨，用不着 ask_within",
                        "{text:?} does not depend on the place and asks nothing"
                    ),
                    both!("删去这一行", "remove the line"),
                );
            }
        }
        key
    }

    /// How the target is found; a mistake if nothing says it.
    fn reach(&self, section: &Section<'_>, name: &str, kind: Option<KeyKind>) -> Reach {
        let sink = section.sink();
        let to = section.raw("to").map(|value| value.span());
        let dials = key_places::dials(section);
        let pool = section.full_text("pool", "\"second\"");
        let skills = self.skills(section);
        let by_place = match kind {
            Some(KeyKind::Emergency) => is_digits(name),
            Some(KeyKind::Hotline) => is_short_code(name),
            _ => false,
        };
        let seats = matches!(kind, Some(KeyKind::SecondLine | KeyKind::Supervisor));
        match (kind, &to, &pool) {
            (None, ..) => return Reach::Place,
            (Some(KeyKind::Emergency), Some(span), _) => sink.error(
                span,
                both!(
                    "紧急键按事发地拨，不能写 to",
                    "an emergency key goes by the place of the event and takes no to"
                ),
                both!(
                    "某地的直拨号码写进 [[transfer.places]]，如 city = \"贵阳\", key = {name:?}, to = [\"085112345\"]",
                    "write a place's direct number in [[transfer.places]], as city = \"贵阳\", key = {name:?}, to = [\"085112345\"]"
                ),
            ),
            (_, _, Some(pool)) if !seats => sink.error(
                &pool.span,
                both!("只有 second_line 和 supervisor 找坐席组", "only second_line and supervisor have a pool"),
                both!("改用 to = [\"号码\"]，或改 kind", "write to = [\"a number\"], or change kind"),
            ),
            (_, Some(span), Some(_)) => sink.error(
                span,
                both!("to 和 pool 只能写一个", "to and pool exclude each other"),
                both!("删去一个", "remove one"),
            ),
            (_, None, None) if !by_place => nowhere(section, name, kind),
            _ => {}
        }
        let pool = pool.filter(|_| seats);
        let found = pool.and_then(|pool| self.names.pools.find(sink, &pool));
        match found.and_then(|pool| u16::try_from(pool).ok()) {
            Some(pool) => Reach::Seats {
                pool: PoolId(pool),
                skills,
            },
            None if to.is_some() => Reach::Fixed(dials),
            None => Reach::Place,
        }
    }

    fn skills(&self, section: &Section<'_>) -> SkillSet {
        let sink = section.sink();
        if let (Some(value), None) = (section.raw("skills"), section.raw("pool")) {
            sink.error(
                &value.span(),
                both!("skills 没有 pool", "skills without pool"),
                both!("加上 pool = \"坐席组\"", "add pool = \"the pool\""),
            );
        }
        let mut out = SkillSet::EMPTY;
        for text in section.texts("skills", SkillId::LIMIT) {
            let id = self.names.skills.find(sink, &text).and_then(when::skill);
            out = id.map_or(out, |id| out.with(id));
        }
        out
    }

    /// The trunk and those after it; seats are called by none.
    fn trunks(&self, section: &Section<'_>, seats: bool) -> (TrunkId, Vec<TrunkId>) {
        let sink = section.sink();
        if seats {
            for key in ["trunk", "backup"] {
                if let Some(value) = section.raw(key) {
                    sink.error(
                        &value.span(),
                        both!("找坐席组的键不走中继", "a key to a pool has no trunk"),
                        both!("删去 {key}", "remove {key}"),
                    );
                }
            }
            return (TrunkId(0), Vec::new());
        }
        let trunk = section
            .need_text("trunk", "\"telecom\"")
            .and_then(|named| self.trunk(sink, &named));
        let mut backup = Vec::new();
        for named in section.texts("backup", MAX_TRUNKS) {
            let Some(found) = self.trunk(sink, &named) else {
                continue;
            };
            if Some(found) == trunk || backup.contains(&found) {
                let value = named.value;
                sink.error(
                    &named.span,
                    both!(
                        "中继 {value:?} 写了两次",
                        "trunk {value:?} stands there twice"
                    ),
                    both!("删去一个", "remove one"),
                );
            }
            backup.push(found);
        }
        (trunk.unwrap_or(TrunkId(0)), backup)
    }

    fn trunk(&self, sink: &Sink, named: &At<&str>) -> Option<TrunkId> {
        leading_out(sink, named, &self.directory.trunks, self.names.trunks)
    }

    /// What the seat's telephone presses; no code may be the beginning of another, for whoever presses
    /// keys does not say when the last was.
    fn star(&mut self, section: &Section<'_>, name: &str) -> String {
        let Some(text) = section.text("star") else {
            return String::new();
        };
        let (sink, star) = (section.sink(), text.value);
        if !is_digits(star) || star.len() > 5 {
            sink.error(
                &text.span,
                both!(
                    "star 不是一到五个数字：{star:?}",
                    "star is not one to five digits: {star:?}"
                ),
                both!(
                    "例如 \"20\"，话机上按 *20",
                    "such as \"20\", pressed as *20"
                ),
            );
            return String::new();
        }
        let clashes =
            |other: &&Star| other.digits.starts_with(star) || star.starts_with(&other.digits);
        if let Some(Star { digits, whose, at }) = self.stars.iter().find(clashes) {
            let (zh, en) = whose;
            sink.error_also(
                &text.span,
                at.clone(),
                both!("*{star} 与 *{digits}（{zh}）分不清", "*{star} cannot be told from *{digits} ({en})"),
                both!(
                    "换一个，谁也不能是另一个的开头；11 到 14 是签入签出用的",
                    "choose another, none the beginning of another; 11 to 14 are for signing on and off"
                ),
            );
        }
        self.stars.push(Star {
            digits: star.to_owned(),
            whose: both!("转接键 {name:?}", "transfer key {name:?}"),
            at: Some(text.span),
        });
        star.to_owned()
    }
}

/// Notes what a key tells of its caller without a law that lets it.
fn tells_by_law(section: &Section<'_>, key: &Key) {
    let name = &key.name;
    for (word, said) in [("brief", key.brief), ("dossier", key.dossier)] {
        let value = section.raw(word).filter(|_| said);
        if let (Some(value), false) = (value, key.is_emergency() || key.consent) {
            section
                .sink()
                .error(&value.span(), without_consent(name), ask_first());
        }
    }
}

/// Why nothing of a caller goes to a key that is no emergency's, of a name.
pub(crate) fn without_consent(name: &str) -> Both {
    both!(
        "{name:?} 不是紧急键：没有生命危险时，来电者同意才能把其信息交给对方（《个人信息保护法》第十三条第一款第一项）",
        "{name:?} is no emergency key: where no life is in danger, data of callers go only if they agree (PIPL Art. 13(1)(1))"
    )
}

/// What to do about it.
pub(crate) fn ask_first() -> Both {
    both!(
        "确已规定先征得来电者同意再按此键，写 consent = true；否则删去这一行",
        "write consent = true if it is a rule that callers are asked before it is pressed; else remove the line"
    )
}

/// Notes a key of which nothing says whom it reaches.
fn nowhere(section: &Section<'_>, name: &str, kind: Option<KeyKind>) {
    let help = match kind {
        Some(KeyKind::SecondLine | KeyKind::Supervisor) => both!(
            "加上 pool = \"坐席组\"（可加 skills），或 to = [\"号码\"]",
            "add pool = \"the pool\" (and skills), or to = [\"a number\"]"
        ),
        Some(KeyKind::Emergency) => both!(
            "紧急键的 name 就是拨的号码，如 \"110\"",
            "the name of an emergency key is what is dialled, as \"110\""
        ),
        Some(KeyKind::Hotline) => both!(
            "加上 to = [\"号码\"]；name 是 12345 这样的短号时按地点拨",
            "add to = [\"a number\"]; one whose name is a short code as 12345 goes by place"
        ),
        _ => both!(
            "加上 to = [\"号码\"]，也可写 \"sip:…\"",
            "add to = [\"a number\"], or \"sip:…\""
        ),
    };
    section.sink().error(
        &section.span,
        both!(
            "转接键 {name:?} 不知道拨给谁",
            "nothing says whom transfer key {name:?} reaches"
        ),
        help,
    );
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// True for the number of a public service, that every place has: 1 and two to five digits more.
fn is_short_code(name: &str) -> bool {
    is_digits(name) && name.starts_with('1') && (3..=6).contains(&name.len())
}

/// The longest ring of each target and of all.
fn times(section: &Section<'_>) -> (Duration, Duration) {
    let limits = Duration::from_secs(5)..=Duration::from_secs(120);
    let ring = section
        .duration("ring", limits)
        .map_or(Duration::from_secs(30), |at| at.value);
    let limit = section.duration("limit", Duration::from_secs(5)..=LONGEST);
    if let Some(limit) = limit.as_ref().filter(|limit| limit.value < ring) {
        section.sink().error(
            &limit.span,
            both!("limit 比 ring 短", "limit is shorter than ring"),
            both!(
                "limit 是全部目标加起来的时间，不能少于一个目标的 ring",
                "limit is for all targets together, ring for each of them"
            ),
        );
    }
    (ring, limit.map_or(LIMIT.max(ring), |at| at.value))
}

fn manners(section: &Section<'_>, kind: Option<KeyKind>) -> SmallVec<[Manner; 2]> {
    let sink = section.sink();
    let mut out = SmallVec::new();
    for text in section.texts("manner", MANNERS.len()) {
        let value = text.value;
        let Some((_, manner)) = MANNERS.iter().find(|(word, _)| *word == value) else {
            let list = MANNERS.map(|(word, _)| format!("{word:?}"));
            section.unknown_word("manner", &text, &list, MANNERS.map(|(word, _)| word));
            continue;
        };
        if (kind, *manner) == (Some(KeyKind::Emergency), Manner::Blind) {
            sink.error(
                &text.span,
                both!("紧急键不能 blind", "an emergency key cannot be blind"),
                both!(
                    "咨询员要留到对方确认：写 \"warm\"、\"consult\" 或 \"quiet\"",
                    "the counsellor stays until the target has confirmed: write \"warm\", \"consult\" or \"quiet\""
                ),
            );
        } else if out.contains(manner) {
            sink.error(
                &text.span,
                both!("manner 中 {value:?} 重复", "manner has {value:?} twice"),
                both!("删去一个", "remove one"),
            );
        }
        out.push(*manner);
    }
    if let (true, Some(value)) = (out.is_empty(), section.raw("manner"))
        && value.get_ref().as_array().is_some_and(|it| it.is_empty())
    {
        sink.error(
            &value.span(),
            both!("manner 不能为空", "manner must not be empty"),
            both!("例如 [\"warm\"]", "such as [\"warm\"]"),
        );
    }
    if out.is_empty() {
        out.push(Manner::Warm);
    }
    out
}
