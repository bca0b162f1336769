//! Where callers are, by tables of the judges' own: divisions and area codes of the whole country,
//! and some segments of mobile numbers as they were given out. Of a mobile number of another segment
//! the judges know nothing, and say so.
//!
//! | place | what says so, the first that does |
//! | --- | --- |
//! | called | the area code before 12356; if cities share it: block, cell, trunk, segment |
//! | here | block of a fixed line, cell, area code of a landline, trunk |
//! | home | block, area code of a landline, segment of a mobile number |

use super::cities::CITIES;
use super::segments::{COVERED, OF_0851, OF_1390, WHOLE};

/// A row of the table: division, province, name, area code.
type Row = (u32, &'static str, &'static str, &'static str);

/// A place: a city, or an area code that several cities share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The city, if it is known.
    pub city: Option<&'static str>,
    /// The shared code, if the city is not.
    pub code: Option<&'static str>,
    /// The province; none only of a code that provinces share.
    pub province: Option<&'static str>,
}

/// Whether the judges know a number's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// They do.
    At(Place),
    /// It has none.
    Nowhere,
    /// It was given out to some place that is not in the judges' table.
    Unlisted,
}

/// What tells where a call comes from, beside its numbers' digits: cities of the file's own lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// By the block of the caller's number.
    pub block: Option<Place>,
    /// By the cell.
    pub cell: Option<Place>,
    /// By the trunk, whoever calls.
    pub trunk: Option<Place>,
}

/// Names of districts that several cities have, written by hand.
pub const VAGUE: &[(&str, &[&str])] = &[
    ("鼓楼区", &["南京", "徐州", "福州", "开封"]),
    ("西湖区", &["杭州", "南昌"]),
];

fn at(row: &'static Row) -> Place {
    Place {
        city: Some(row.2),
        code: None,
        province: Some(row.1),
    }
}

/// The city of this name, of this name behind its province's, or of this division's code.
#[must_use]
pub fn city(name: &str) -> Option<Place> {
    let division: Option<u32> = name.parse().ok();
    let is = |row: &&Row| match division {
        Some(code) => row.0 == code,
        None => row.2 == name || name.strip_prefix(row.1) == Some(row.2),
    };
    CITIES.iter().find(is).map(at)
}

/// The area code of the city of this name, with its 0.
#[must_use]
pub fn area_code(name: &str) -> Option<&'static str> {
    let is = |row: &&Row| row.2 == name || name.strip_prefix(row.1) == Some(row.2);
    CITIES.iter().find(is).map(|row| row.3)
}

/// The province of this name, or of its code of six digits.
#[must_use]
pub fn province(name: &str) -> Option<&'static str> {
    let division: Option<u32> = name.parse().ok();
    let is = |row: &&Row| match division {
        Some(code) => code == row.0 / 10_000 * 10_000,
        None => row.1 == name,
    };
    CITIES.iter().find(is).map(|row| row.1)
}

/// The area code that these digits are, as it stands in the table.
#[must_use]
pub fn code(digits: &str) -> Option<&'static str> {
    let mut codes = CITIES.iter().map(|row| row.3);
    codes.find(|code| *code == digits)
}

fn sharing(code: &str) -> impl Iterator<Item = &'static Row> + Clone {
    CITIES.iter().filter(move |row| row.3 == code)
}

/// The city that an area code means by itself: its only one, or the one in which all others lie.
fn alone(code: &str) -> Option<&'static Row> {
    let rows = sharing(code);
    let within = |inner: &Row, outer: &Row| {
        [inner.0, inner.0 / 100 * 100, inner.0 / 10_000 * 10_000].contains(&outer.0)
    };
    rows.clone()
        .find(|outer| rows.clone().all(|it| within(it, outer)))
}

/// The area code, if cities share it and none of them is meant by it alone.
#[must_use]
pub fn shared(digits: &str) -> Option<&'static str> {
    code(digits).filter(|code| alone(code).is_none())
}

/// What a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    City(Place),
    /// It is no mobile number, or was given to nobody.
    Nowhere,
    Unlisted,
}

fn mobile(number: &str) -> bool {
    let digits = number.len() == 11 && number.bytes().all(|b| b.is_ascii_digit());
    digits && number.starts_with('1') && number.as_bytes()[1] >= b'3'
}

fn segment(number: &str) -> Segment {
    let seven = number.get(..7).filter(|_| mobile(number));
    let Some(seven) = seven.and_then(|digits| digits.parse::<u32>().ok()) else {
        return Segment::Nowhere;
    };
    if number.starts_with(WHOLE) {
        let row = OF_1390.iter().find(|row| (row.0..=row.1).contains(&seven));
        let found = row.and_then(|row| CITIES.iter().find(|city| city.0 == row.2));
        return found.map_or(Segment::Nowhere, |row| Segment::City(at(row)));
    }
    let row = OF_0851.iter().find(|row| (row.0..=row.1).contains(&seven));
    match row.and_then(|row| city(row.2)) {
        Some(place) => Segment::City(place),
        None => Segment::Unlisted,
    }
}

/// The area code of a landline, and the digits of the line behind it.
fn landline(number: &str) -> Option<(&str, &str)> {
    let length = match number.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', ..] => 3,
        [b'0', b'3'..=b'9', ..] => 4,
        _ => return None,
    };
    let (code, line) = (number.get(..length)?, number.get(length..)?);
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    (digits && (3..=8).contains(&line.len())).then_some((code, line))
}

/// True for seven or eight digits that are somebody's line where the area code is not dialled.
#[must_use]
pub fn is_local(number: &str) -> bool {
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let line =
        matches!(number.as_bytes(), [b'2'..=b'8', ..] | [b'9', b'0'..=b'4' | b'6'..=b'9', ..]);
    digits && line && matches!(number.len(), 7 | 8)
}

/// The place of an area code. A sign settles a shared one if its city is among those that share it.
fn of_code(code: &'static str, signs: &Signs, caller: &str, segment: Segment) -> Found {
    if let Some(row) = alone(code) {
        return Found::At(at(row));
    }
    let shares = |place: &Place| sharing(code).any(|row| Some(row.2) == place.city);
    let signs = [signs.block, signs.cell, signs.trunk];
    if let Some(place) = signs.into_iter().flatten().find(shares) {
        return Found::At(place);
    }
    // Of the cities that share 0851 every segment of some beginnings is known.
    let covered = code == "0851" && COVERED.iter().any(|head| caller.starts_with(head));
    match segment {
        Segment::City(place) if shares(&place) => return Found::At(place),
        Segment::Unlisted if !covered => return Found::Unlisted,
        _ => {}
    }
    let first = sharing(code).next().map(|row| row.1);
    Found::At(Place {
        city: None,
        code: Some(code),
        province: first.filter(|it| sharing(code).all(|row| row.1 == *it)),
    })
}

/// Where the hotline that was dialled is: of an area code before 12356.
#[must_use]
pub fn called(called: &str, caller: &str, signs: &Signs) -> Found {
    match called.strip_suffix("12356").and_then(code) {
        Some(code) => of_code(code, signs, caller, segment(caller)),
        None => Found::Nowhere,
    }
}

/// Where the call is made. A mobile number's block says nothing of that.
#[must_use]
pub fn here(caller: &str, signs: &Signs) -> Found {
    let block = signs.block.filter(|_| !mobile(caller));
    if let Some(place) = block.or(signs.cell) {
        return Found::At(place);
    }
    match landline(caller).and_then(|(digits, _)| code(digits)) {
        Some(code) => of_code(code, signs, caller, Segment::Nowhere),
        None => signs.trunk.map_or(Found::Nowhere, Found::At),
    }
}

/// Where the number is from.
#[must_use]
pub fn home(caller: &str, signs: &Signs) -> Found {
    let fixed = landline(caller).and_then(|(digits, _)| code(digits));
    if let Some(place) = signs.block.filter(|_| mobile(caller) || fixed.is_some()) {
        return Found::At(place);
    }
    if let Some(code) = fixed {
        return of_code(code, signs, caller, Segment::Nowhere);
    }
    if is_local(caller) {
        // Of which area it is nobody says but the trunk.
        return signs
            .block
            .or(signs.trunk)
            .map_or(Found::Nowhere, Found::At);
    }
    match segment(caller) {
        Segment::City(place) => Found::At(place),
        Segment::Nowhere => Found::Nowhere,
        Segment::Unlisted => Found::Unlisted,
    }
}
