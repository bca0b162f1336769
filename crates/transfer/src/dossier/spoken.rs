//! The dossier as it is told over the telephone: words from a fixed set, and digits.
//!
//! There is no recording of every city's name: the place is told by its area code.

use super::{Dossier, Hazard, Level, Sure, Told};
use meishier_model::DialString;

/// One word of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spoken {
    /// The recording of this name.
    Prompt(&'static str),
    /// A digit of a telephone number, 0 to 9; 1 is 幺.
    Digit(u8),
    /// A digit of a count, 0 to 9.
    Count(u8),
}

impl Spoken {
    /// The name of the recording that says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        match self {
            Self::Prompt(name) => name,
            Self::Digit(1) => "yao",
            Self::Digit(digit) | Self::Count(digit) => {
                DIGITS.get(usize::from(digit)).copied().unwrap_or("0")
            }
        }
    }
}

/// Most digits of a number that are read out.
const MOST_DIGITS: usize = 20;
/// Most hazards that are read out, the first that the counsellor named.
const MOST_HAZARDS: usize = 4;

impl Dossier {
    /// What whoever answers the key hears before they join: who calls them, how great the danger is,
    /// where, what is dangerous there, the number, where to call back, what is left in the telephone,
    /// and which key confirms. About half a minute with everything in it.
    #[must_use]
    pub fn spoken(&self) -> Vec<Spoken> {
        let mut out = Vec::with_capacity(48);
        out.push(Spoken::Prompt(match self.emergency {
            true => "brief_danger",
            false => "brief_help",
        }));
        let level = match self.level() {
            Some(Level::Acting) => Some("brief_acting"),
            Some(Level::High) => Some("brief_high"),
            Some(Level::Medium) => Some("brief_medium"),
            Some(Level::Low) | None => None,
        };
        out.extend(level.map(Spoken::Prompt));
        self.say_place(&mut out);
        let hazards = self.facts.hazards.iter().copied().take(MOST_HAZARDS);
        out.extend(hazards.map(Hazard::prompt).map(Spoken::Prompt));
        self.say_numbers(&mut out);
        if let Some(percent) = self.facts.battery {
            out.push(Spoken::Prompt("brief_battery"));
            count(&mut out, percent);
        }
        out.push(Spoken::Prompt("brief_stays"));
        out.push(Spoken::Prompt("brief_confirm"));
        out
    }

    /// What whoever answers hears before they join if nothing of the caller is to be told them: who hands
    /// over, that the place is not certain, and which key confirms. No personal data.
    #[must_use]
    pub fn spoken_doubt() -> Vec<Spoken> {
        let words = ["brief_help", "brief_place_unsure", "brief_confirm"];
        words.map(Spoken::Prompt).to_vec()
    }

    fn say_place(&self, out: &mut Vec<Spoken>) {
        if let Some(place) = self.located() {
            out.push(Spoken::Prompt("brief_place"));
            digits(out, &place.area_code);
            out.push(Spoken::Prompt(match place.by {
                Told::Counsellor => "brief_place_told",
                Told::Cell => "brief_place_cell",
                Told::Block | Told::AreaCode | Told::Dialled | Told::Segment => {
                    "brief_place_number"
                }
            }));
        }
        if self.is_place_unsure() {
            out.push(Spoken::Prompt("brief_place_unsure"));
        }
    }

    fn say_numbers(&self, out: &mut Vec<Spoken>) {
        let number = &self.caller.number;
        if !is_dialled(number) {
            out.push(Spoken::Prompt("brief_no_number"));
        } else {
            out.push(Spoken::Prompt("brief_number"));
            digits(out, number.reveal());
            let doubt = match self.caller.sure {
                Sure::Asserted => None,
                Sure::Switchboard => Some("brief_switchboard"),
                Sure::Claimed | Sure::Unknown => Some("brief_unproved"),
            };
            out.extend(doubt.map(Spoken::Prompt));
        }
        // The caller's own number need not be said twice.
        if let Some(callback) = &self.facts.callback {
            out.push(Spoken::Prompt("brief_callback"));
            digits(out, callback);
        }
    }
}

fn is_dialled(number: &DialString) -> bool {
    number.reveal().bytes().any(|b| b.is_ascii_digit())
}

fn digits(out: &mut Vec<Spoken>, text: &str) {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    out.extend(digits.take(MOST_DIGITS).map(|b| Spoken::Digit(b - b'0')));
}

/// 0 to 100 as Mandarin counts: 十五, 二十, 三十七, 一百.
fn count(out: &mut Vec<Spoken>, value: u8) {
    let (tens, ones) = (value / 10, value % 10);
    match (tens, ones) {
        (10.., _) => return out.push(Spoken::Prompt("hundred")),
        (0, ones) => return out.push(Spoken::Count(ones)),
        (1, _) => {}
        (tens, _) => out.push(Spoken::Count(tens)),
    }
    out.push(Spoken::Prompt("10"));
    if ones > 0 {
        out.push(Spoken::Count(ones));
    }
}
