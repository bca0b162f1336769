//! Where callers are, by a table of the judges' own: area codes of the numbering plan, and some
//! segments of mobile numbers as they were given out. It holds the places that scenarios speak of;
//! of a caller from elsewhere the judges know nothing, and say so.

use super::segments::{COVERED, OF_0851};

/// Cities with province and area code. Of a code that is here, every city that has it is.
const CITIES: &[(&str, &str, &str)] = &[
    ("北京", "北京", "010"),
    ("上海", "上海", "021"),
    ("石家庄", "河北", "0311"),
    ("长沙", "湖南", "0731"),
    ("株洲", "湖南", "0731"),
    ("湘潭", "湖南", "0731"),
    ("贵阳", "贵州", "0851"),
    ("遵义", "贵州", "0851"),
    ("安顺", "贵州", "0851"),
    ("黔南", "贵州", "0854"),
    ("黔东南", "贵州", "0855"),
    ("铜仁", "贵州", "0856"),
    ("毕节", "贵州", "0857"),
    ("六盘水", "贵州", "0858"),
];

/// Segments and their cities: first the carrier's 139, then the digits of the old area code.
const SEGMENTS: &[(&str, &str)] = &[
    ("1390100", "北京"),
    ("1390311", "石家庄"),
    ("1390731", "长沙"),
    ("1390733", "株洲"),
    ("1390851", "贵阳"),
    ("1390852", "遵义"),
    ("1390854", "黔南"),
    ("1390855", "黔东南"),
    ("1390858", "六盘水"),
];

/// A place: a city, or an area code that several cities share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The city, if it is known.
    pub city: Option<&'static str>,
    /// The shared code, if the city is not.
    pub code: Option<&'static str>,
    /// The province.
    pub province: Option<&'static str>,
}

/// Whether the judges know a number's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// They do.
    At(Place),
    /// It has none.
    Nowhere,
    /// The numbering plan has one that is not in the judges' table.
    Unlisted,
}

/// The city of this name.
#[must_use]
pub fn city(name: &str) -> Option<Place> {
    let row = CITIES.iter().find(|row| row.0 == name)?;
    Some(Place {
        city: Some(row.0),
        code: None,
        province: Some(row.1),
    })
}

/// True if the judges know this province.
#[must_use]
pub fn province(name: &str) -> Option<&'static str> {
    CITIES.iter().map(|row| row.1).find(|known| *known == name)
}

/// The area code with its 0 at the beginning of a number, as it stands in the table.
fn code_of(number: &str) -> Option<&'static str> {
    let mut codes = CITIES.iter().map(|row| row.2);
    codes.find(|code| number.starts_with(code))
}

/// The place of an area code; `hint` settles a shared one if its city is among those that share it.
fn of_code(code: &'static str, hint: Option<&str>) -> Place {
    let cities: Vec<_> = CITIES.iter().filter(|row| row.2 == code).collect();
    let one = match cities.as_slice() {
        [one] => Some(*one),
        many => many.iter().find(|row| Some(row.0) == hint).copied(),
    };
    match one {
        Some(row) => Place {
            city: Some(row.0),
            code: None,
            province: Some(row.1),
        },
        None => Place {
            city: None,
            code: Some(code),
            province: cities.first().map(|row| row.1),
        },
    }
}

/// The shared area code, if it is one.
#[must_use]
pub fn shared(code: &str) -> Option<&'static str> {
    let known = code_of(code).filter(|known| *known == code)?;
    of_code(known, None).code
}

fn mobile(number: &str) -> bool {
    number.len() == 11 && number.starts_with('1') && number.bytes().all(|b| b.is_ascii_digit())
}

fn segment(number: &str) -> Option<&'static str> {
    if !mobile(number) {
        return None;
    }
    let found = SEGMENTS.iter().find(|row| number.starts_with(row.0));
    found.map(|row| row.1).or_else(|| {
        let segment: u32 = number.get(..7)?.parse().ok()?;
        let within = |row: &&(u32, u32, &str)| (row.0..=row.1).contains(&segment);
        OF_0851.iter().find(within).map(|row| row.2)
    })
}

/// True if it is known whether this number's segment lies in a city of the code: of no mobile number
/// is anything missing.
fn settles(code: &str, number: &str) -> bool {
    let covered = code == "0851" && COVERED.iter().any(|head| number.starts_with(head));
    !mobile(number) || covered || segment(number).is_some()
}

/// Where the hotline that was dialled is: of an area code before 12356.
#[must_use]
pub fn called(called: &str, caller: &str) -> Found {
    let Some(code) = called.strip_suffix("12356").filter(|it| !it.is_empty()) else {
        return Found::Nowhere;
    };
    if !code.starts_with('0') || !(3..=4).contains(&code.len()) {
        return Found::Nowhere;
    }
    match code_of(code).filter(|known| *known == code) {
        Some(code) if shared(code).is_some() && !settles(code, caller) => Found::Unlisted,
        Some(code) => Found::At(of_code(code, segment(caller))),
        None => Found::Unlisted,
    }
}

/// Where a fixed line is.
#[must_use]
pub fn line(caller: &str) -> Found {
    if !caller.starts_with('0') || caller.starts_with("00") || caller.len() < 10 {
        return Found::Nowhere;
    }
    if caller.len() > 12 || !caller.bytes().all(|b| b.is_ascii_digit()) {
        return Found::Nowhere;
    }
    match code_of(caller) {
        Some(code) => Found::At(of_code(code, None)),
        None => Found::Unlisted,
    }
}

/// Where the number is from.
#[must_use]
pub fn home(caller: &str) -> Found {
    if !mobile(caller) {
        return line(caller);
    }
    match segment(caller).and_then(city) {
        Some(place) => Found::At(place),
        None => Found::Unlisted,
    }
}
