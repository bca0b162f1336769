//! `[[counsellors]]`, single or as a range of accounts.

use crate::names::{Known, check_plain};
use crate::seats::names;
use crate::section::{At, Section};
use crate::sink::both;
use crate::types::{Counsellor, Gender, Qualification, Start, StartState};
use crate::value::{NUMBER, Names};
use meishier_model::{SeatId, SkillId, Wall};
use meishier_routing::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeValue;

/// Most counsellors.
pub(crate) const MAX_COUNSELLORS: usize = 50_000;
/// Most permitted seats over all entries, `"any"` apart.
const MAX_PERMITS: usize = 1_000_000;

/// What counsellors refer to, and what must not be there twice.
pub(crate) struct People<'k> {
    pub skills: &'k Known,
    pub seats: &'k Known,
    /// The moment against which qualifications are checked.
    pub today: Option<Wall>,
    /// The first moment of a date in the file's zone.
    pub midnight: &'k dyn Fn(Date) -> Option<Wall>,
    accounts: Known,
    pins: BTreeSet<String>,
    taken: BTreeMap<SeatId, String>,
    any: Arc<[SeatId]>,
    permits: usize,
}

impl<'k> People<'k> {
    pub fn new(
        skills: &'k Known,
        seats: &'k Known,
        today: Option<Wall>,
        midnight: &'k dyn Fn(Date) -> Option<Wall>,
    ) -> Self {
        Self {
            skills,
            seats,
            today,
            midnight,
            accounts: Known::new("咨询员账号", "counsellor's account"),
            pins: BTreeSet::new(),
            taken: BTreeMap::new(),
            any: (0..seats.len()).map(SeatId).collect(),
            permits: 0,
        }
    }

    /// Reads all counsellors and gives them their indices; their accounts are found by name after.
    pub fn read(mut self, sections: Vec<Section<'_>>) -> (Vec<Counsellor>, Known) {
        let mut out = Vec::new();
        for section in sections {
            self.entry(&section, &mut out);
            section.finish();
        }
        (out, self.accounts)
    }

    fn entry(&mut self, section: &Section<'_>, out: &mut Vec<Counsellor>) {
        let sink = section.sink();
        let account = section.need_text("account", "\"c001\"");
        let title = section.full_text("title", "\"陈咨询员\"");
        let pin = section.need_text("pin", "\"246810\"");
        let institution = section.text("institution").map_or("", |text| text.value);
        let genders = [("female", Gender::Female), ("male", Gender::Male)];
        let gender = section.choice("gender", &genders);
        let qualification = self.qualification(section);
        let skills = self.skills(section);
        let permit = self.permit(section);
        let start = start(section);
        let Some(account) = account else { return };
        let Some(names) = names(sink, "account", &account, MAX_COUNSELLORS, out.len()) else {
            return;
        };
        for (name, number) in names.iter() {
            let before = sink.count();
            check_plain(sink, "account", &name, &account.span);
            self.accounts.add(sink, &name, &account.span);
            let fill = |text: &str| text.replace(NUMBER, &number);
            let pin = pin
                .as_ref()
                .map(|pin| self.pin(section, pin, fill(pin.value)));
            let seats = self.seats_of(section, &permit, &number);
            let start = start.as_ref();
            let start = start.and_then(|s| self.start(section, s, &fill(s.0.value), &seats, &name));
            out.push(Counsellor {
                title: title
                    .as_ref()
                    .map_or(name.clone(), |title| fill(title.value)),
                account: name,
                pin: pin.unwrap_or_default(),
                skills: skills.clone(),
                institution: institution.to_owned(),
                gender,
                qualification: qualification.clone(),
                seats,
                start,
            });
            if sink.count() > before {
                // The rest of a range would only say the same again.
                return;
            }
        }
    }

    fn pin(&mut self, section: &Section<'_>, at: &At<&str>, pin: String) -> String {
        let sink = section.sink();
        // A mistake in a PIN is shown without the PIN.
        if !(4..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
            let message = both!("pin 不合格", "pin will not do");
            sink.error(&at.span, message, both!("4 到 12 位数字", "4 to 12 digits"));
        } else if !self.pins.insert(pin.clone()) {
            sink.error(
                &at.span,
                both!(
                    "pin 与另一位咨询员相同",
                    "another counsellor has the same pin"
                ),
                both!(
                    "话机签到只凭 pin 认人，每人一个；范围可用 {NUMBER}",
                    "signing on by telephone knows people by it; in a range use {NUMBER}"
                ),
            );
        }
        pin
    }

    fn skills(&self, section: &Section<'_>) -> Vec<(SkillId, u8)> {
        let mut out = Vec::new();
        for (name, level) in section.numbers("skills", &(1..=5)) {
            let found = self.skills.find(section.sink(), &name);
            let id = found.and_then(|id| SkillId::new(u8::try_from(id).ok()?));
            if let (Some(id), Ok(level)) = (id, u8::try_from(level)) {
                out.push((id, level));
            }
        }
        out.sort_unstable();
        out
    }

    fn qualification(&self, section: &Section<'_>) -> Option<Qualification> {
        let table = section.table("qualification", "qualification")?;
        let sink = table.sink();
        let name = table.need_text("name", "\"心理治疗师\"");
        let given = table.raw("expires");
        if given.is_none() {
            table.missing("expires", "2028-12-31");
        }
        let date = given.and_then(|value| match date(value.get_ref()) {
            Some(date) => Some((date, value.span())),
            None => table.wrong(
                "expires",
                value,
                ("日期，如 2028-12-31", "a date such as 2028-12-31"),
            ),
        });
        table.finish();
        let (date, span) = date?;
        let expires = date.tomorrow().ok().and_then(self.midnight)?;
        if self.today.is_some_and(|today| today >= expires) {
            sink.warn(
                &span,
                both!(
                    "资质已于 {date} 到期",
                    "the qualification expired on {date}"
                ),
                both!("续期后改写日期", "write the new date once it is renewed"),
            );
        }
        Some(Qualification {
            name: name?.value.to_owned(),
            expires,
        })
    }

    fn permit<'f>(&mut self, section: &Section<'f>) -> Permit<'f> {
        let sink = section.sink();
        let Some(value) = section.raw("seats") else {
            section.missing("seats", "\"any\"");
            return Permit::Shared(Arc::from([]));
        };
        if let DeValue::String(word) = value.get_ref() {
            let word = At {
                value: word.as_ref(),
                span: value.span(),
            };
            if word.value != "any" {
                section.unknown_word("seats", &word, &["\"any\"".to_owned()], ["any"]);
            }
            return Permit::Shared(self.any.clone());
        }
        let texts = section.texts("seats", MAX_COUNSELLORS);
        if texts.is_empty() && value.get_ref().is_array() {
            let message = both!("不允许在任何坐席签到", "may sign on at no seat");
            let help = both!(
                "例如 [\"gy01\"] 或 \"any\"",
                "such as [\"gy01\"] or \"any\""
            );
            sink.error(&value.span(), message, help);
        }
        if texts.iter().any(|text| text.value.contains(NUMBER)) {
            return Permit::Own(texts);
        }
        let mut out = BTreeSet::new();
        for text in &texts {
            let room = MAX_PERMITS.saturating_sub(self.permits);
            let Some(names) = names(sink, "seats", text, room, 0) else {
                continue;
            };
            self.permits += names.len();
            self.add_seats(section, text, &names, &mut out);
        }
        Permit::Shared(out.into_iter().collect())
    }

    fn add_seats(
        &self,
        section: &Section<'_>,
        text: &At<&str>,
        names: &Names<'_>,
        into: &mut BTreeSet<SeatId>,
    ) {
        for (seat, _) in names.iter() {
            match self.seats.get(&seat) {
                Some(id) => {
                    into.insert(SeatId(id));
                }
                None => {
                    let at = At {
                        value: seat.as_str(),
                        span: text.span.clone(),
                    };
                    return self.seats.unknown(section.sink(), &at);
                }
            }
        }
    }

    fn seats_of(&self, section: &Section<'_>, permit: &Permit<'_>, number: &str) -> Arc<[SeatId]> {
        let texts = match permit {
            Permit::Shared(seats) => return seats.clone(),
            Permit::Own(texts) => texts,
        };
        let mut out = BTreeSet::new();
        for text in texts {
            let name = text.value.replace(NUMBER, number);
            let at = At {
                value: name.as_str(),
                span: text.span.clone(),
            };
            out.extend(self.seats.find(section.sink(), &at).map(SeatId));
        }
        out.into_iter().collect()
    }

    fn start(
        &mut self,
        section: &Section<'_>,
        (seat, state): &(At<&str>, StartState),
        name: &str,
        permitted: &[SeatId],
        account: &str,
    ) -> Option<Start> {
        let sink = section.sink();
        let id = SeatId(self.seats.find(
            sink,
            &At {
                value: name,
                span: seat.span.clone(),
            },
        )?);
        if permitted.binary_search(&id).is_err() {
            sink.error(
                &seat.span,
                both!(
                    "{account} 不可在坐席 {name:?} 签到",
                    "{account} may not sign on at {name:?}"
                ),
                both!("把 {name:?} 加进 seats", "add {name:?} to seats"),
            );
        }
        if let Some(other) = self.taken.insert(id, account.to_owned()) {
            sink.error(
                &seat.span,
                both!(
                    "坐席 {name:?} 已由 {other} 签到",
                    "{other} is signed on at {name:?} already"
                ),
                both!("一个坐席同时只坐一人", "a seat is for one person at a time"),
            );
        }
        Some(Start {
            seat: id,
            state: *state,
        })
    }
}

/// Seats that a counsellor may sign on at.
enum Permit<'f> {
    /// The same for everyone of the entry.
    Shared(Arc<[SeatId]>),
    /// Names with `{n}`, so others for each.
    Own(Vec<At<&'f str>>),
}

fn start<'f>(section: &Section<'f>) -> Option<(At<&'f str>, StartState)> {
    let table = section.table("start", "start")?;
    let seat = table.need_text("seat", "\"gy01\"");
    let states = [("ready", StartState::Ready), ("paused", StartState::Paused)];
    let state = table.choice("state", &states).unwrap_or(StartState::Paused);
    table.finish();
    Some((seat?, state))
}

/// A date without a time of day.
pub(crate) fn date(value: &DeValue<'_>) -> Option<Date> {
    let found = value
        .as_datetime()
        .filter(|d| d.time.is_none() && d.offset.is_none())?;
    let date = found.date?;
    let part = |n: u8| i8::try_from(n).ok();
    Date::new(
        i16::try_from(date.year).ok()?,
        part(date.month)?,
        part(date.day)?,
    )
    .ok()
}

/// Notes a value at a place of the file that is no date.
pub(crate) fn not_a_date(section: &Section<'_>, span: &Range<usize>) {
    let message = both!("date 应为日期", "date must be a date");
    section.sink().error(
        span,
        message,
        both!(
            "例如 2027-01-01，不加引号",
            "such as 2027-01-01, without quotes"
        ),
    );
}
