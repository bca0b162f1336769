//! What a trunk carries and how: channels, how numbers are written, what calls out say of us.

use crate::section::{Entry, Section};
use crate::sink::both;
use meishier_routing::{Form, MobileZero, NumberFormat};
use std::ops::BitOr;

/// Most channels of one trunk.
const MAX_CHANNELS: i64 = 100_000;
/// What an emergency is marked as unless the file says otherwise (RFC 4412 §10.2).
const PRIORITY: &str = "esnet.0";

/// Words of `form`.
const FORMS: [(&str, Form); 4] = [
    ("national", Form::National),
    ("bare", Form::Bare),
    ("e164", Form::E164),
    ("local", Form::Local),
];

/// Words of `mobile`.
const MOBILES: [(&str, MobileZero); 3] = [
    ("plain", MobileZero::Never),
    ("zero_elsewhere", MobileZero::Elsewhere),
    ("zero", MobileZero::Always),
];

/// Words of `tells`.
const TELLS: [(&str, Tells); 6] = [
    ("asserted", Tells::ASSERTED),
    ("diversion", Tells::DIVERSION),
    ("history", Tells::HISTORY),
    ("priority", Tells::PRIORITY),
    ("location", Tells::LOCATION),
    ("dossier", Tells::DOSSIER),
];

/// How many calls a trunk carries at once, those in and those out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// All, 1 to 100,000.
    pub all: u32,
    /// Of these for emergency keys and callers at risk alone; less than all.
    pub reserve: u32,
}

impl Channels {
    /// How many a call may find taken and still get one.
    #[must_use]
    pub fn limit(self, emergency: bool) -> u32 {
        match emergency {
            true => self.all,
            false => self.all.saturating_sub(self.reserve),
        }
    }
}

/// What calls out over a trunk say beside From.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tells(u8);

impl Tells {
    /// Nothing.
    pub const NOTHING: Tells = Tells(0);
    /// P-Asserted-Identity with the trunk's own number (RFC 3325 §9.1).
    pub const ASSERTED: Tells = Tells(1);
    /// Diversion: the hotline forwards the call (RFC 5806).
    pub const DIVERSION: Tells = Tells(2);
    /// History-Info: the same (RFC 7044).
    pub const HISTORY: Tells = Tells(4);
    /// Resource-Priority on emergency keys, and the caller's where its trunk is trusted (RFC 4412).
    pub const PRIORITY: Tells = Tells(8);
    /// Where the caller is, on keys with a dossier: Geolocation and PIDF-LO (RFC 6442).
    pub const LOCATION: Tells = Tells(16);
    /// The dossier, on keys with one: Call-Info and additional data by value (RFC 7852).
    pub const DOSSIER: Tells = Tells(32);

    /// True if all of `other` is in this.
    #[must_use]
    pub fn contains(self, other: Tells) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Tells {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Reads `channels` and `reserve`.
pub(crate) fn channels(section: &Section<'_>) -> Option<Channels> {
    let all = section.number("channels", 1..=MAX_CHANNELS);
    let reserve = section.number("reserve", 0..=MAX_CHANNELS);
    let bound = |value: i64| u32::try_from(value).unwrap_or(0);
    if let Some(reserve) = &reserve {
        let (message, help) = match &all {
            Some(all) if reserve.value >= all.value => (
                both!(
                    "reserve 不能达到 channels",
                    "reserve must be less than channels"
                ),
                both!("普通来电也要有路可走", "ordinary calls need channels too"),
            ),
            None if section.raw("channels").is_none() => (
                both!(
                    "写了 reserve 却没有写 channels",
                    "reserve is there without channels"
                ),
                both!("加上 channels = 60", "add channels = 60"),
            ),
            _ => {
                return all.map(|all| Channels {
                    all: bound(all.value),
                    reserve: bound(reserve.value),
                });
            }
        };
        section.sink().error(&reserve.span, message, help);
    }
    all.map(|all| Channels {
        all: bound(all.value),
        reserve: 0,
    })
}

/// Reads `numbers_in` or `numbers_out`: a word, or a table.
pub(crate) fn numbers(section: &Section<'_>, key: &'static str) -> Option<NumberFormat> {
    match section.entry(key, key)? {
        Entry::Text(_) => Some(NumberFormat {
            form: section.choice(key, &FORMS)?,
            ..NumberFormat::default()
        }),
        Entry::Table(table) => {
            let format = NumberFormat {
                form: table.choice("form", &FORMS).unwrap_or_default(),
                mobile: match key {
                    // What arrives with a 0 is known without being told.
                    "numbers_in" => MobileZero::Never,
                    _ => table.choice("mobile", &MOBILES).unwrap_or_default(),
                },
                strip: prefix(&table, "strip"),
                add: prefix(&table, "add"),
            };
            table.finish();
            Some(format)
        }
    }
}

fn prefix(section: &Section<'_>, key: &'static str) -> String {
    let Some(text) = section.full_text(key, "\"9\"") else {
        return String::new();
    };
    let digits = |b: u8| b.is_ascii_digit() || b"+*#".contains(&b);
    let fits = text.value.len() <= 10 && text.value.bytes().all(digits);
    let parsed = fits.then(|| text.value.to_owned());
    let what = ("1 到 10 位号码前缀", "a prefix of 1 to 10 digits");
    section
        .parsed(key, &text, parsed, what, "\"9\"")
        .unwrap_or_default()
}

/// Reads `tells`.
pub(crate) fn tells(section: &Section<'_>) -> Tells {
    let mut out = Tells::NOTHING;
    for text in section.texts("tells", TELLS.len()) {
        match TELLS.iter().find(|(word, _)| *word == text.value) {
            Some((_, tells)) => out = out | *tells,
            None => {
                let list = TELLS.map(|(word, _)| format!("{word:?}"));
                section.unknown_word("tells", &text, &list, TELLS.map(|(word, _)| word));
            }
        }
    }
    out
}

/// Reads `priority`: namespace and value (RFC 4412 §3.1).
pub(crate) fn priority(section: &Section<'_>) -> String {
    let Some(text) = section.full_text("priority", "\"esnet.0\"") else {
        return PRIORITY.to_owned();
    };
    let token = |part: &str| {
        (1..=32).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-!%*_+`'~".contains(&b))
    };
    let parts = text.value.split_once('.');
    let fits = parts.is_some_and(|(namespace, value)| token(namespace) && token(value));
    let parsed = fits.then(|| text.value.to_owned());
    let what = (
        "优先级（名字空间.值）",
        "a resource priority (namespace.value)",
    );
    section
        .parsed("priority", &text, parsed, what, "\"esnet.0\"")
        .unwrap_or_else(|| PRIORITY.to_owned())
}
