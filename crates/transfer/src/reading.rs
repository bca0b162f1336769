//! Which place a counsellor's words mean.
//!
//! Words name places in many ways, and not every name in them is the place: a street is named after a
//! city, a caller comes from one and is in another. So each name that is found counts as one of
//! these:
//!
//! | | such as | worth |
//! | --- | --- | --- |
//! | said | `遵义市`, `红花岗区`; `遵义` at the beginning or after `在` | settles |
//! | hint | `开封` in `刚开封的药`, `鼓楼` alone, `上海` in `上海宾馆`; `贵阳市` in `要去贵阳市` ([`doubt`]) | is asked about |
//! | denied | `贵阳市` in `不在贵阳市` | speaks against a place |
//! | nothing | `南京路`, `贵阳人`, `兰州拉面` | |
//!
//! What is said in several words must fit all of them: `白云区` is in two cities and `贵州白云区` in one.
//! Words that fit no one place, or several, settle none.

use crate::context::{Doubt, doubt};
use crate::districts::{Districts, Meaning, Name, Rank, SpotId};

/// Most characters that are looked at; whoever writes more is asked.
const LONGEST: usize = 160;

/// Cities that everybody means by their bare names, though a district elsewhere has the same.
const MEANT: [&str; 3] = ["西安", "大同", "中山"];

/// Cities whose names are words too, or begin others (`天门山`, `大理石`): they count only where the
/// name ends there.
const WORDS: [&str; 20] = [
    "阿里", "白银", "开封", "来宾", "安康", "中卫", "大庆", "大同", "长治", "海口", "通化", "四平",
    "三明", "大理", "天门", "中山", "玉树", "山南", "和田", "黄山",
];
/// What may follow where a name ends.
const AFTER: &str = "：:，,。.；;、！!？?)）”\"/-的那这市附";

/// What may stand before a bare name that says where somebody is.
const BEFORE: &str = "在住址位置于址是：:，,。.；;、！!？?（(“\"/—-我他她们了";
/// What, after a bare name, makes it the name of something else.
const ELSE: [&str; 43] = [
    "路",
    "街",
    "大道",
    "道",
    "巷",
    "弄",
    "胡同",
    "桥",
    "门",
    "村",
    "镇",
    "乡",
    "屯",
    "县",
    "区",
    "州",
    "旗",
    "盟",
    "人",
    "籍",
    "户口",
    "户籍",
    "口音",
    "话",
    "拉面",
    "火锅",
    "小吃",
    "烤鸭",
    "米粉",
    "米线",
    "菜",
    "啤酒",
    "茅台",
    "白药",
    "火腿",
    "炒饭",
    "牛肉",
    "热干面",
    "小面",
    "螺蛳粉",
    "榨菜",
    "扑克",
    "时间",
];
/// What may stand between a name and the kind of street.
const BETWEEN: &str = "东西南北中一二三四五六七八九十环前后大小支";
/// What, after a bare name, is often elsewhere.
const HOUSES: [&str; 17] = [
    "人民", "大学", "学院", "学校", "中学", "小学", "医院", "银行", "饭店", "酒店", "宾馆", "大厦",
    "公司", "集团", "广场", "公园", "小区",
];

/// What words say of the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nothing was said.
    Empty,
    /// No place of the table is named.
    Unknown,
    /// It is none of these; at least one.
    Denied {
        /// The places.
        spots: Vec<SpotId>,
    },
    /// This one.
    One {
        /// The place.
        spot: SpotId,
        /// Its own area code, if the county has another than its place.
        code: Option<&'static str>,
        /// The names that say so.
        words: String,
        /// There is nothing in the text but the name or code of a place.
        exact: bool,
    },
    /// One of these, the most probable first; at least two.
    Several {
        /// The places.
        spots: Vec<SpotId>,
        /// The names that say so.
        words: String,
    },
    /// Perhaps one of these; at least one.
    Hinted {
        /// The places.
        spots: Vec<SpotId>,
        /// The names that say so.
        words: String,
    },
}

/// A name in the text.
struct Mention<'a> {
    name: &'a Name,
    /// The meanings that it can have there.
    spots: Vec<SpotId>,
    said: bool,
    /// From which byte to which it stands in the text.
    at: (usize, usize),
    doubt: Option<Doubt>,
}

impl Districts {
    /// What a text says of the place. White space is ignored.
    pub(crate) fn read(&self, text: &str) -> Reading {
        let all = text.chars().filter(|c| !c.is_whitespace());
        let text: String = all.take(LONGEST + 1).collect();
        if text.is_empty() {
            return Reading::Empty;
        }
        if text.chars().count() > LONGEST {
            return self.hinted(&self.weighed(&text));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return self.digits(&text);
        }
        if let Some(spot) = self.with_full_name(&text) {
            return one(spot, None, text);
        }
        let mentions = self.weighed(&text);
        match mentions.iter().any(|it| it.said) {
            true => self.settle(&mentions, is_all(&text, &mentions)),
            false => self.hinted(&mentions),
        }
    }

    /// Where a text says that something is in this part of a place; `None` if it says so nowhere. White
    /// space is ignored.
    pub(crate) fn says_part(&self, text: &str, part: &str) -> Option<usize> {
        let all = text.chars().filter(|c| !c.is_whitespace());
        let text: String = all.take(LONGEST + 1).collect();
        let mentions = self.weighed(&text);
        let found = text.match_indices(part).map(|(at, _)| at);
        let mut found = found.filter(|at| {
            let mut over = mentions.iter();
            if let Some(mention) = over.find(|it| (it.at.0..it.at.1).contains(at)) {
                return mention.doubt.is_none();
            }
            let end = *at + part.len();
            let after = text.get(end..).unwrap_or_default();
            let ended = mentions.iter().map(|it| it.at.1).filter(|it| it <= at);
            let earlier = ended.max().unwrap_or(0);
            let named = part.ends_with(['区', '县', '市', '旗', '镇', '乡']);
            let other = !named && (begins_else(after) || is_street(after));
            !other && doubt(&text, (*at, end), earlier).is_none()
        });
        found.next()
    }

    /// The names in a text, and what is said around them.
    fn weighed(&self, text: &str) -> Vec<Mention<'_>> {
        let mut out = self.mentions(text);
        let (mut from, mut earlier) = (0, 0);
        while let Some(first) = out.get(from) {
            // Names one after the other are of one place.
            let mut at = first.at;
            let mut to = from + 1;
            while let Some(next) = out.get(to).filter(|next| next.at.0 == at.1) {
                at.1 = next.at.1;
                to += 1;
            }
            let doubt = doubt(text, at, earlier);
            for mention in out.iter_mut().take(to).skip(from) {
                mention.doubt = doubt;
                mention.said &= doubt.is_none();
            }
            (from, earlier) = (to, at.1);
        }
        out
    }

    /// A code: of a place, or of an area.
    fn digits(&self, text: &str) -> Reading {
        if text.starts_with('0') {
            let spots = self.outermost(self.of_code(text));
            return of_spots(spots, text.to_owned());
        }
        let found = text.parse().ok().and_then(|code| self.with_adcode(code));
        found.map_or(Reading::Unknown, |spot| one(spot, None, text.to_owned()))
    }

    fn mentions(&self, text: &str) -> Vec<Mention<'_>> {
        let mut out: Vec<Mention<'_>> = Vec::new();
        let (mut at, mut ended) = (0, None);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(name) = self.longest(rest) else {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            };
            let after = rest.get(name.text.len()..).unwrap_or_default();
            let before = text.get(..at).unwrap_or_default();
            let adjoins = (ended == Some(at)).then(|| out.last()).flatten();
            let (end, mention) = self.mention(name, (before, after), adjoins);
            let begun = at;
            at += name.text.len() + end;
            if let Some(mention) = mention {
                out.push(Mention {
                    at: (begun, at),
                    ..mention
                });
                ended = Some(at);
            }
        }
        out
    }

    /// What a name says where it stands, and how many bytes after it are of it too.
    fn mention<'a>(
        &'a self,
        name: &'a Name,
        (before, after): (&str, &str),
        adjoins: Option<&Mention<'_>>,
    ) -> (usize, Option<Mention<'a>>) {
        let long = if name.full { 0 } else { autonomous(after) };
        let again = adjoins.is_some_and(|it| is_province(it.name) && is_province(name));
        let taken = |meaning: &&Meaning| match meaning.rank {
            // After its province the same name is the city's.
            Rank::Province => long == 0 && !again,
            Rank::Place => true,
            Rank::District => long == 0,
        };
        let mut meanings: Vec<&Meaning> = name.meanings.iter().filter(taken).collect();
        let fits = adjoins.is_some_and(|other| {
            let mut mine = meanings.iter().flat_map(|it| &it.spots);
            mine.any(|id| other.spots.contains(id))
        });
        if !fits && MEANT.contains(&name.text.as_str()) {
            meanings.retain(|it| it.rank == Rank::Place);
        }
        // The place itself is the likeliest that a name means.
        meanings.sort_by_key(|it| it.rank != Rank::Place);
        let mut spots: Vec<SpotId> = Vec::new();
        for id in meanings.iter().flat_map(|it| it.spots.iter().copied()) {
            if !spots.contains(&id) {
                spots.push(id);
            }
        }
        // `贵阳市场` is no city, `市南区` no end of one.
        let full =
            (name.full || long > 0) && !(name.text.ends_with('市') && after.starts_with('场'));
        let mut said = full;
        if !full {
            let next = self.longest(after);
            let goes_on = next.is_some_and(|next| {
                let mut theirs = next.meanings.iter().flat_map(|it| it.spots.iter());
                theirs.any(|id| spots.contains(id))
            });
            // `北京镇江路`: the street has another city's name.
            let other_street = next.is_some_and(|next| {
                let rest = after.get(next.text.len()..).unwrap_or_default();
                begins_else(rest) || is_street(rest)
            });
            let else_here = begins_else(after) && !other_street;
            if !goes_on && (else_here || next.is_none() && is_street(after)) {
                return (0, None);
            }
            let only_district = meanings.iter().all(|it| it.rank == Rank::District);
            let house = !goes_on && HOUSES.iter().any(|it| after.starts_with(it));
            let said_there = placed(before) || adjoins.is_some();
            let whole = goes_on || ends(&name.text, (before, after));
            said = fits || !only_district && !house && said_there && whole;
        }
        let mention = Mention {
            name,
            spots,
            said,
            at: (0, 0),
            doubt: None,
        };
        (long, (!mention.spots.is_empty()).then_some(mention))
    }

    fn settle(&self, mentions: &[Mention<'_>], exact: bool) -> Reading {
        let said: Vec<&Mention<'_>> = mentions.iter().filter(|it| it.said).collect();
        let words = words(said.iter().copied());
        // Names that fit each other are of one place; one that fits none before begins another.
        let mut groups: Vec<Vec<SpotId>> = Vec::new();
        for mention in &said {
            let both = groups.last().map(|left| {
                let fits = |id: &&SpotId| left.contains(id);
                mention.spots.iter().filter(fits).copied().collect()
            });
            match (
                both.filter(|both: &Vec<SpotId>| !both.is_empty()),
                groups.last_mut(),
            ) {
                (Some(both), Some(last)) => *last = both,
                _ => groups.push(mention.spots.clone()),
            }
        }
        // Where somebody may be as well, or goes, is not where they are said to be.
        for mention in mentions.iter().filter(|it| it.doubt == Some(Doubt::Open)) {
            let fits = |left: &Vec<SpotId>| left.iter().any(|id| mention.spots.contains(id));
            if !groups.iter().any(fits) {
                groups.push(mention.spots.clone());
            }
        }
        groups.sort_by_key(Vec::len);
        let mut spots: Vec<SpotId> = Vec::new();
        for id in groups.iter().flatten() {
            if !spots.contains(id) {
                spots.push(*id);
            }
        }
        let mut spots = self.outermost(&spots);
        match (groups.len(), spots.as_slice()) {
            (1, [spot]) => {
                let mut meanings = said.iter().flat_map(|it| it.name.meanings.iter());
                let own = meanings.find_map(|it| it.code.filter(|_| it.spots.contains(spot)));
                return Reading::One {
                    spot: *spot,
                    code: own,
                    words,
                    exact,
                };
            }
            (_, [_]) => return Reading::Hinted { spots, words },
            (1, _) => {
                let hints = mentions.iter().filter(|it| !it.said);
                let hinted = |id: &SpotId| hints.clone().any(|it| it.spots.contains(id));
                spots.sort_by_key(|id| (!hinted(id), !self.is_named(*id, &words), *id));
            }
            _ => {}
        }
        of_spots(spots, words)
    }

    fn hinted(&self, all: &[Mention<'_>]) -> Reading {
        let (not_there, mentions): (Vec<&Mention<'_>>, Vec<_>) =
            all.iter().partition(|it| it.doubt == Some(Doubt::Denied));
        let words = words(mentions.iter().copied());
        let mut spots: Vec<SpotId> = Vec::new();
        for id in mentions.iter().flat_map(|it| it.spots.iter().copied()) {
            if !spots.contains(&id) {
                spots.push(id);
            }
        }
        if let (true, [first, rest @ ..]) = (spots.is_empty(), not_there.as_slice()) {
            // Names that are denied together are of one place.
            let mut spots = first.spots.clone();
            for next in rest {
                match next.spots.iter().any(|id| spots.contains(id)) {
                    true => spots.retain(|id| next.spots.contains(id)),
                    false => spots.extend(&next.spots),
                }
            }
            return Reading::Denied { spots };
        }
        let in_all = |id: &SpotId| mentions.iter().all(|it| it.spots.contains(id));
        let mut spots = self.outermost(&spots);
        spots.sort_by_key(|id| (!in_all(id), !self.is_named(*id, &words)));
        match spots.is_empty() {
            true => Reading::Unknown,
            false => Reading::Hinted { spots, words },
        }
    }

    /// True if this is the very name of the place.
    fn is_named(&self, id: SpotId, words: &str) -> bool {
        self.spot(id).is_some_and(|it| it.city.name == words)
    }
}

fn one(spot: SpotId, code: Option<&'static str>, words: String) -> Reading {
    Reading::One {
        spot,
        code,
        words,
        exact: true,
    }
}

fn of_spots(spots: Vec<SpotId>, words: String) -> Reading {
    match spots.as_slice() {
        [] => Reading::Unknown,
        [spot] => one(*spot, None, words),
        _ => Reading::Several { spots, words },
    }
}

fn words<'a>(mentions: impl IntoIterator<Item = &'a Mention<'a>>) -> String {
    let names = mentions.into_iter().map(|it| it.name.text.as_str());
    names.collect::<Vec<_>>().join("、")
}

/// True if the text has nothing but these names.
fn is_all(text: &str, mentions: &[Mention<'_>]) -> bool {
    let named = mentions.iter().map(|it| it.at);
    text.char_indices()
        .filter(|(_, c)| c.is_alphanumeric())
        .all(|(at, _)| named.clone().any(|(from, to)| (from..to).contains(&at)))
}

fn is_province(name: &Name) -> bool {
    let mut meanings = name.meanings.iter();
    meanings.any(|it| it.rank == Rank::Province)
}

/// True if what stands before a bare name lets it say where somebody is.
fn placed(before: &str) -> bool {
    let last = before.chars().next_back();
    last.is_none_or(|c| BEFORE.contains(c) || c.is_ascii_alphanumeric())
}

/// True if a name that is a word too is no part of another here.
fn ends(name: &str, (before, after): (&str, &str)) -> bool {
    let next = after.chars().next();
    match WORDS.contains(&name) {
        // Who is `在阿里` works there.
        true if name == "阿里" => before.is_empty() && after.is_empty(),
        true => next.is_none_or(|c| AFTER.contains(c)),
        false => true,
    }
}

/// How many bytes of what follows a name make it that of an autonomous prefecture.
fn autonomous(after: &str) -> usize {
    const END: &str = "自治州";
    let found = after.find(END);
    let peoples = found.and_then(|at| after.get(..at));
    let whole = peoples.is_some_and(|it| {
        it.is_empty() || it.chars().count() <= 10 && it.chars().all(|c| PEOPLE.contains(c))
    });
    found.filter(|_| whole).map_or(0, |at| at + END.len())
}

/// The characters in which peoples' names are written in autonomous prefectures'.
const PEOPLE: &str = "族土家苗布依侗朝鲜彝壮哈尼傣白景颇傈僳藏羌回蒙古柯尔克孜萨";

/// True if what follows a bare name makes it that of a street, a person, a dish.
fn begins_else(after: &str) -> bool {
    let mut ends = ELSE.iter().filter(|it| after.starts_with(**it));
    // `人民医院` is of a place.
    ends.any(|it| *it != "人" || !after.starts_with("人民"))
}

/// True for `东路`, `北大街`, `中一路`.
fn is_street(after: &str) -> bool {
    let rest = after.trim_start_matches(|c| BETWEEN.contains(c));
    let between = after.chars().count() - rest.chars().count();
    let kinds = ["路", "街", "道", "巷", "弄", "胡同", "桥", "门"];
    (1..=3).contains(&between) && kinds.iter().any(|it| rest.starts_with(it))
}
