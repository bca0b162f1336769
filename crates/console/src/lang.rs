//! Which language an answer is in.

use axum::http::{HeaderMap, header};

/// Chinese unless English is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// `?lang=en` or `?lang=zh` decides; else the first of the two in `Accept-Language`, by the
    /// weights of RFC 9110 §12.5.4; else Chinese.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        for pair in query.unwrap_or_default().split('&') {
            match pair {
                "lang=en" => return Self::En,
                "lang=zh" => return Self::Zh,
                _ => {}
            }
        }
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok());
        let (mut zh, mut en) = (0.0, 0.0);
        for range in accepted.unwrap_or_default().split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight: f32 = match weight.trim().strip_prefix("q=") {
                Some(text) => text.parse().unwrap_or(0.0),
                None => 1.0,
            };
            let primary = tag.trim().split('-').next().unwrap_or_default();
            if primary.eq_ignore_ascii_case("en") {
                en = weight.max(en);
            } else if primary.eq_ignore_ascii_case("zh") {
                zh = weight.max(zh);
            }
        }
        if en > zh { Self::En } else { Self::Zh }
    }

    /// The one of the two texts that fits.
    pub(crate) fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}
