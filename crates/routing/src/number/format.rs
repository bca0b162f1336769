//! How numbers are written on a trunk: what arrives is brought into the form that routes compare, what
//! leaves into the form that the carrier asks for.
//!
//! | [`Form`] | landline | mobile | another country's |
//! | --- | --- | --- | --- |
//! | `National` | `085188888888` | `13312345678` or `013312345678` | `0085221234567` |
//! | `Bare` | `85188888888` | `13312345678` | `0085221234567` |
//! | `E164` | `+8685188888888` | `+8613312345678` | `+85221234567` |
//! | `Local` | `88888888` in its own area, else as `National` | as `National` | as `National` |
//!
//! Short numbers (`110`, `12356`, `400…`), names and what fits no numbering plan stay as they are.

use super::{Kind, Number};

/// Country code of China.
const CHINA: &str = "86";
/// Fewest digits that a number without the 0 of its area code has: a subscriber's own are fewer.
const BARE: usize = 9;
/// Fewest digits of a number with its country code that came without its `+`: a subscriber's own and
/// services are shorter.
const GLOBAL: usize = 10;

/// How a landline number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// With the 0 of its area code.
    #[default]
    National,
    /// With its area code, but without the 0.
    Bare,
    /// With `+` and country code.
    E164,
    /// Without the area code where it is the trunk's own.
    Local,
}

/// When a 0 stands before a mobile number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MobileZero {
    /// Never.
    #[default]
    Never,
    /// If it is of another area code than the trunk, as far as anybody knows.
    Elsewhere,
    /// Always.
    Always,
}

/// How numbers are written in one direction of a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberFormat {
    /// Landlines.
    pub form: Form,
    /// Mobile numbers, in [`Form::National`] and [`Form::Local`].
    pub mobile: MobileZero,
    /// Digits that are taken off what was dialled, if it begins so.
    pub strip: String,
    /// Digits that are put before what was dialled.
    pub add: String,
}

impl NumberFormat {
    /// What came over a trunk of `area_code`, as digits that [`Number::new`] reads rightly; text that is
    /// no number stays as it is.
    #[must_use]
    pub fn read(&self, text: &str, area_code: Option<&str>) -> String {
        let rest = match text.strip_prefix(self.strip.as_str()) {
            Some(rest) if !rest.is_empty() => rest,
            _ => text,
        };
        let digits = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        let plain = |rest: &str| Number::in_area(rest, area_code);
        let read = match self.form {
            _ if !digits => return rest.to_owned(),
            Form::E164 if rest.len() >= GLOBAL && !rest.starts_with('0') => {
                let global = Number::new(&format!("+{rest}"));
                let known = !matches!(global.kind(), Kind::Other | Kind::Short);
                if known && !is_short(rest) {
                    global
                } else {
                    plain(rest)
                }
            }
            Form::Bare if rest.len() >= BARE && !rest.starts_with('0') && !is_short(rest) => {
                let national = Number::new(&format!("+{CHINA}{rest}"));
                let whole = matches!(national.kind(), Kind::Landline { .. } | Kind::Mobile);
                if whole { national } else { plain(rest) }
            }
            _ => plain(rest),
        };
        let read = read.as_str();
        match is_short(read) {
            true => read.to_owned(),
            false => format!("{}{read}", self.add),
        }
    }

    /// What is dialled over a trunk of `area_code`; `code_of` knows the area code of a mobile number.
    #[must_use]
    pub fn dial<'c>(
        &self,
        text: &str,
        area_code: Option<&str>,
        code_of: impl FnOnce(&Number) -> Option<&'c str>,
    ) -> String {
        let written = self.write(text, area_code, code_of);
        let rest = match written.strip_prefix(self.strip.as_str()) {
            Some(rest) if !rest.is_empty() => rest,
            _ => &written,
        };
        format!("{}{rest}", self.add)
    }

    /// A number that is shown and not dialled: nothing is put before it or taken off.
    #[must_use]
    pub fn write<'c>(
        &self,
        text: &str,
        area_code: Option<&str>,
        code_of: impl FnOnce(&Number) -> Option<&'c str>,
    ) -> String {
        let number = Number::in_area(text, area_code);
        let form = number.as_str();
        match number.kind() {
            Kind::Landline { code } => match self.form {
                Form::National => form.to_owned(),
                Form::Bare => form.get(1..).unwrap_or(form).to_owned(),
                Form::E164 => format!("+{CHINA}{}", form.get(1..).unwrap_or(form)),
                Form::Local => {
                    let (area, local) = form.split_at_checked(code.into()).unwrap_or(("", form));
                    let own = area_code == Some(area);
                    if own { local } else { form }.to_owned()
                }
            },
            Kind::Mobile if self.form == Form::E164 => format!("+{CHINA}{form}"),
            Kind::Mobile if self.form == Form::Bare => form.to_owned(),
            Kind::Mobile => {
                let zero = match self.mobile {
                    MobileZero::Never => false,
                    MobileZero::Always => true,
                    MobileZero::Elsewhere => match (code_of(&number), area_code) {
                        (Some(its), Some(ours)) => its != ours,
                        _ => false,
                    },
                };
                if zero {
                    format!("0{form}")
                } else {
                    form.to_owned()
                }
            }
            Kind::Foreign if self.form != Form::E164 => {
                format!("00{}", form.strip_prefix('+').unwrap_or(form))
            }
            _ if form.is_empty() => text.to_owned(),
            _ => form.to_owned(),
        }
    }
}

/// True for digits that are dialled the same everywhere.
fn is_short(digits: &str) -> bool {
    Number::new(digits).kind() == Kind::Short
}
