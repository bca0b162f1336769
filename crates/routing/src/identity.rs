//! Who really calls: the headers that name a caller, weighed by what the trunk is trusted for.
//!
//! ```text
//!   P-Asserted-Identity ─┐  trusted?            not a number that forwarded the call
//!   Remote-Party-ID ─────┼───────────► candidates ───────────────────────────────► caller
//!   From ────────────────┘                          │ all of them forwarded
//!                                                   └► the first, and `switchboard` says so
//!   Diversion ───┬─ trusted? ─► forwarded_by (last), dialled_before (first)
//!   History-Info ┘
//! ```
//!
//! - Within a trust domain the asserted identity goes before From (RFC 3325 §9.1); a Remote-Party-ID
//!   is its forerunner (draft-ietf-sip-privacy-04). What an untrusted trunk asserts is nobody's word
//!   (RFC 3325 §5): it is ignored, and [`Identified::ignored`] says that it was there.
//! - A switchboard that forwards a call may put its own number where the caller's belongs. It stands
//!   in Diversion (RFC 5806) or History-Info (RFC 7044) as well, so whoever is named there is passed
//!   over as long as another header names somebody else. History-Info holds targets and never
//!   callers (RFC 7044 §5), so it can only tell who it was not.
//! - A number may be known and yet withheld (RFC 3325 §9.3): the engine routes by it, people do not
//!   see it. A wish for privacy is honoured whoever says it.

use meishier_model::DialString;
use std::ops::BitOr;

use crate::number::{Called, Kind, Number, user_part};

/// Most values of one header that are looked at.
const MOST: usize = 32;

/// One value of a header: its URI and what follows it.
#[derive(Clone, Copy, Default)]
pub struct Claim<'a> {
    /// The URI, without `<` and `>`.
    pub uri: &'a str,
    /// The parameters, as they came: `;party=calling;privacy=full`.
    pub params: &'a str,
}

/// What the headers of a request say of who calls, cut out and nothing more.
#[derive(Clone, Copy, Default)]
pub struct Claims<'a> {
    /// URI of From.
    pub from: &'a str,
    /// Display name of From; "Anonymous" is a wish for privacy (RFC 3323 §4.1.1.3).
    pub display: &'a str,
    /// URIs of P-Asserted-Identity: a `sip:` one, a `tel:` one, or one of each (RFC 3325 §9.1).
    pub asserted: &'a [&'a str],
    /// Values of Remote-Party-ID.
    pub remote_party: &'a [Claim<'a>],
    /// Values of Diversion, the most recent first (RFC 5806).
    pub diversion: &'a [Claim<'a>],
    /// Values of History-Info, the oldest first, each with its `index` (RFC 7044 §5).
    pub history: &'a [Claim<'a>],
    /// Value of Privacy: `id;critical`; several headers are joined by `;` or `,`.
    pub privacy: &'a str,
    /// Values of P-Access-Network-Info (RFC 7315 §4.4).
    pub access: &'a [&'a str],
}

/// What a trunk is trusted for; also which headers were ignored because it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trust(u8);

impl Trust {
    /// Nothing: From alone counts.
    pub const NOTHING: Trust = Trust(0);
    /// P-Asserted-Identity.
    pub const ASSERTED: Trust = Trust(1);
    /// Remote-Party-ID.
    pub const REMOTE_PARTY: Trust = Trust(2);
    /// Diversion.
    pub const DIVERSION: Trust = Trust(4);
    /// History-Info.
    pub const HISTORY: Trust = Trust(8);
    /// P-Access-Network-Info.
    pub const ACCESS: Trust = Trust(16);
    /// Resource-Priority.
    pub const PRIORITY: Trust = Trust(32);
    /// Everything, as of a carrier's trunk.
    pub const ALL: Trust = Trust(63);
    /// Names that [`Self::parse`] knows, in the order of the bits.
    pub const NAMES: [&'static str; 6] = [
        "asserted",
        "remote_party",
        "diversion",
        "history",
        "cell",
        "priority",
    ];

    /// The trust of one name; `None` if there is no such name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self(1 << at))
    }

    /// True if all of `other` is in this.
    #[must_use]
    pub fn contains(self, other: Trust) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if there is nothing in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Names of what is in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = Self::NAMES.into_iter().enumerate();
        bits.filter_map(move |(at, name)| (self.0 >> at & 1 == 1).then_some(name))
    }
}

impl BitOr for Trust {
    type Output = Trust;

    fn bitor(self, other: Trust) -> Trust {
        Trust(self.0 | other.0)
    }
}

/// Which header named the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentitySource {
    /// P-Asserted-Identity.
    Asserted,
    /// Remote-Party-ID.
    RemoteParty,
    /// From.
    From,
    /// None did.
    Nobody,
}

/// Who calls, and by which way the call came. `Debug` masks every number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The caller, as the header wrote it; empty if nobody says.
    pub caller: DialString,
    /// The number must not be shown to people; the engine may know it nevertheless.
    pub withheld: bool,
    /// Which header named the caller.
    pub source: IdentitySource,
    /// The caller is a number that forwarded the call, since no header names anybody else: it
    /// leads to a switchboard and not to a person.
    pub switchboard: bool,
    /// What was dialled before the first forward; none if the call was not forwarded, or it asked
    /// for privacy.
    pub dialled_before: Option<DialString>,
    /// The number that forwarded the call last; none likewise.
    pub forwarded_by: Option<DialString>,
    /// The cell or access point; masked like a number, since it tells whereabouts.
    pub cell: Option<DialString>,
    /// Headers that were there and not trusted.
    pub ignored: Trust,
}

/// Weighs what the headers claim by what the trunk is trusted for. Never fails: who cannot be told
/// is nobody.
#[must_use]
pub fn weigh(claims: &Claims<'_>, trust: Trust) -> Identified {
    let mut ignored = Trust::NOTHING;
    let mut trusted = |what: Trust, there: bool| {
        if there && !trust.contains(what) {
            ignored = ignored | what;
        }
        there && trust.contains(what)
    };
    let asserted = trusted(Trust::ASSERTED, !claims.asserted.is_empty());
    let remote = trusted(Trust::REMOTE_PARTY, !claims.remote_party.is_empty());
    let diversion = trusted(Trust::DIVERSION, !claims.diversion.is_empty());
    let history = trusted(Trust::HISTORY, !claims.history.is_empty());
    let access = trusted(Trust::ACCESS, !claims.access.is_empty());
    let way = Way::new(
        if diversion { claims.diversion } else { &[] },
        if history { claims.history } else { &[] },
        wishes(claims, &["history"]),
    );
    let candidates = [
        asserted.then(|| best(claims.asserted.iter().copied())),
        remote.then(|| best(calling(claims.remote_party).map(|entry| entry.uri))),
        Some(Line::new(claims.from)),
    ];
    let sources = [
        IdentitySource::Asserted,
        IdentitySource::RemoteParty,
        IdentitySource::From,
    ];
    let named = || {
        let lines = candidates.iter().zip(sources);
        lines.filter_map(|(line, source)| Some((line.as_ref().filter(|l| l.is_known())?, source)))
    };
    let original = named().find(|(line, _)| !way.forwarded(line));
    let switchboard = original.is_none();
    let (caller, source) = match original.or_else(|| named().next()) {
        Some((line, source)) => (line.text(), source),
        None => (DialString::default(), IdentitySource::Nobody),
    };
    let remote_wish = calling(claims.remote_party).any(|entry| entry.is_private());
    Identified {
        withheld: caller.is_empty() || asks_privacy(claims) || remote_wish,
        switchboard: switchboard && source != IdentitySource::Nobody,
        caller,
        source,
        dialled_before: way.first,
        forwarded_by: way.last,
        cell: if access { cell_of(claims.access) } else { None },
        ignored,
    }
}

/// A URI as a line: the text of its number and the form for comparing.
struct Line<'a> {
    uri: &'a str,
    number: Number,
}

impl<'a> Line<'a> {
    fn new(uri: &'a str) -> Self {
        // Headers in a URI (RFC 3261 §19.1.1) are nobody's number.
        let uri = uri.split('?').next().unwrap_or(uri);
        Self {
            uri,
            number: Number::new(uri),
        }
    }

    fn is_known(&self) -> bool {
        self.number.kind() != Kind::Withheld
    }

    /// As the header wrote it, but in its form where a parameter belongs to it (`phone-context`)
    /// or characters are escaped.
    fn text(&self) -> DialString {
        let (user, context) = user_part(self.uri);
        if context.is_some() || user.contains('%') {
            return DialString::new(self.number.as_str());
        }
        DialString::new(user)
    }
}

/// The first URI with a telephone number, else the first with a name.
fn best<'a>(uris: impl Iterator<Item = &'a str>) -> Line<'a> {
    let mut name = None;
    for line in uris.take(MOST).map(Line::new) {
        match line.number.kind() {
            Kind::Withheld => {}
            Kind::Name => {
                name.get_or_insert(line);
            }
            _ => return line,
        }
    }
    name.unwrap_or_else(|| Line::new(""))
}

/// The values that are about the calling party: so marked, or not marked at all
/// (draft-ietf-sip-privacy-04, rpi-pty-type).
fn calling<'a>(entries: &'a [Claim<'a>]) -> impl Iterator<Item = &'a Claim<'a>> {
    entries.iter().take(MOST).filter(|entry| {
        let party = entry.param("party");
        party.is_none_or(|party| party.eq_ignore_ascii_case("calling"))
    })
}

impl<'a> Claim<'a> {
    /// The value of a parameter, without quotes; empty for one without a value.
    fn param(&self, name: &str) -> Option<&'a str> {
        params(self.params).find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The `privacy` of Remote-Party-ID and of Diversion: full or uri hides the number, name only
    /// the display name. A History-Info entry has it in its URI: `?Privacy=history` (RFC 7044 §10.1).
    fn is_private(&self) -> bool {
        let hides = |value: &str| {
            value.split(',').any(|what| {
                let what = what.trim().split('-').next().unwrap_or_default();
                what.eq_ignore_ascii_case("full") || what.eq_ignore_ascii_case("uri")
            })
        };
        let headers = self.uri.split_once('?').map_or("", |(_, headers)| headers);
        let asks = |header: &str| {
            let (name, value) = header.split_once('=').unwrap_or((header, ""));
            let value = value.split(['%', ';']).next().unwrap_or(value);
            name.eq_ignore_ascii_case("privacy")
                && !value.is_empty()
                && !value.eq_ignore_ascii_case("none")
        };
        self.param("privacy").is_some_and(hides) || headers.split('&').any(asks)
    }
}

/// Parameters `;name=value`, values without their quotes.
fn params(text: &str) -> impl Iterator<Item = (&str, &str)> {
    pieces(text, b';').map(|param| {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        (name.trim(), value.trim().trim_matches('"'))
    })
}

/// The pieces between separators that stand outside of quotes.
fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let end = text.bytes().position(|b| {
            quoted ^= b == b'"';
            b == separator && !quoted
        });
        // A separator is one byte of ASCII, so both sides are whole characters.
        let (piece, after) = match end {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        rest = after;
        Some(piece.trim())
    })
}

/// The way that a call came: who forwarded it.
struct Way {
    numbers: Vec<Number>,
    first: Option<DialString>,
    last: Option<DialString>,
}

impl Way {
    /// Diversion is the word of those who forward; History-Info holds every target, those among
    /// which a proxy only translated a number too. Where both are there, History-Info knows better
    /// what was dialled at first (RFC 7544 §2), Diversion who forwarded last.
    fn new(diversion: &[Claim<'_>], history: &[Claim<'_>], hidden: bool) -> Self {
        let diverting = diversion.iter().take(MOST);
        let mut numbers: Vec<Number> = diverting.map(|e| Line::new(e.uri).number).collect();
        let targets = &history[history.len().saturating_sub(MOST)..];
        let now = targets.last().map(|entry| Line::new(entry.uri).number);
        let left = |entry: &&Claim<'_>| {
            let number = Line::new(entry.uri).number;
            now.is_some_and(|now| !is_same_target(&number, &now))
        };
        numbers.extend(targets.iter().filter(left).map(|e| Line::new(e.uri).number));
        let origin = history
            .iter()
            .find(|entry| entry.param("index") == Some("1"));
        let origin = origin.filter(left).or(diversion.last());
        let recent = diversion.first().or(targets.iter().rev().find(left));
        // Privacy may ask it for the whole of History-Info (RFC 7044 §10.1).
        let secret = |e: &&Claim<'_>| e.is_private() || (hidden && e.param("index").is_some());
        let shown = |entry: Option<&Claim<'_>>| {
            let line = Line::new(entry.filter(|entry| !secret(entry))?.uri);
            line.is_known().then(|| line.text())
        };
        Self {
            numbers,
            first: shown(origin),
            last: shown(recent),
        }
    }

    fn forwarded(&self, line: &Line<'_>) -> bool {
        self.numbers.iter().any(|n| n.same_line(&line.number))
    }
}

/// True if nobody forwarded between these two targets: they are one number, or both the hotline,
/// from `12356` to `085112356`, which is how a carrier routes it. A hidden target tells nothing.
fn is_same_target(a: &Number, b: &Number) -> bool {
    let hotline = |n: &Number| n.called() != Called::Other;
    a.as_bytes().is_empty() || a.same_line(b) || (hotline(a) && hotline(b))
}

/// RFC 3323 §4.2 (`user`, `header`), RFC 3325 §9.3 (`id`), and a From that names nobody. A From
/// that is anonymous is a wish too, whatever Privacy says: of two the stricter is honoured.
fn asks_privacy(claims: &Claims<'_>) -> bool {
    let display = claims.display.trim().trim_matches('"').trim();
    wishes(claims, &["id", "user", "header"])
        || display.eq_ignore_ascii_case("anonymous")
        || !Line::new(claims.from).is_known()
}

/// True if Privacy has one of these values.
fn wishes(claims: &Claims<'_>, values: &[&str]) -> bool {
    let mut said = claims.privacy.split([';', ',']).map(str::trim);
    said.any(|wish| values.iter().any(|value| wish.eq_ignore_ascii_case(value)))
}

/// The cell of the first value that the network itself provided (`np`, `network-provided`, RFC 7315
/// §5.4), else of the first that names one: what a telephone says of itself can be made up.
fn cell_of(access: &[&str]) -> Option<DialString> {
    let values = access
        .iter()
        .take(MOST)
        .flat_map(|value| pieces(value, b','));
    let mut other = None;
    for value in values.take(MOST) {
        let Some(cell) = params(value).skip(1).find_map(cell) else {
            continue;
        };
        let by_network = |(name, _): (&str, &str)| {
            name.eq_ignore_ascii_case("np") || name.eq_ignore_ascii_case("network-provided")
        };
        if params(value).skip(1).any(by_network) {
            return Some(cell);
        }
        other.get_or_insert(cell);
    }
    other
}

/// Identities of cells of all generations: GSM, UMTS, LTE and NR (RFC 7315 §5.4, 3GPP TS 24.229
/// §7.2A.4).
fn cell((name, value): (&str, &str)) -> Option<DialString> {
    const NAMES: [&str; 6] = [
        "utran-cell-id-3gpp",
        "cgi-3gpp",
        "utran-sai-3gpp",
        "eci",
        "ecgi",
        "ncgi",
    ];
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let known = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    let whole = (1..=DialString::MAX).contains(&value.len()) && value.bytes().all(fits);
    (known && whole).then(|| DialString::new(value))
}
