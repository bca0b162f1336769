//! `[recording]`: which conversations are recorded, where to, for how long.

use crate::pools::PoolEntry;
use crate::section::{At, Section};
use crate::sink::{Sink, both};
use crate::value;
use meishier_model::{Consent, PoolId, TapeForm};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Most key files: one encrypts, the others are of recordings that are not past their time.
const MAX_KEYS: usize = 32;
/// Three years, a leap year among them: what the notice of 2024 on the hotline asks for.
const LEAST_KEEP: Duration = Duration::from_secs((3 * 365 + 1) * 86_400);
const LONGEST_KEEP: Duration = Duration::from_secs(100 * 366 * 86_400);
const EXAMPLE: &str = "\"/var/lib/meishier/recordings\"";
const KEY_EXAMPLE: &str = "[\"/etc/meishier/recording.key\"]";

/// Which conversations are recorded, where to, for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Folder of the recordings; made if it is not there. A relative path counts from the working directory.
    pub folder: PathBuf,
    /// Key files, the newest first: it encrypts. None of them lies in the folder.
    pub key_files: Vec<PathBuf>,
    /// How long a recording is kept from the end of its call.
    pub keep: Duration,
    /// What is kept of a conversation.
    pub form: TapeForm,
    /// Which key of the telephone refuses, where a pool asks: a digit, `*` or `#`.
    pub refuse_key: char,
    /// On what ground the calls of each pool are recorded, by [`PoolId`].
    pub consents: Vec<Consent>,
}

impl Recording {
    /// On what ground calls that a pool answers are recorded.
    #[must_use]
    pub fn consent(&self, pool: PoolId) -> Consent {
        let consent = self.consents.get(usize::from(pool.0));
        consent.copied().unwrap_or_default()
    }
}

/// The words of `consent` and of a pool's `recording`.
pub(crate) const CONSENTS: [(&str, Consent); 4] = [
    ("off", Consent::Off),
    ("announced", Consent::Announced),
    ("asked", Consent::Asked),
    ("emergency_only", Consent::EmergencyOnly),
];

const FORMS: [(&str, Option<TapeForm>); 4] = [
    ("off", None),
    ("mixed", Some(TapeForm::Mixed)),
    ("parties", Some(TapeForm::Parties)),
    ("both", Some(TapeForm::Both)),
];

/// Reads `[recording]`; without it, or with `mode = "off"`, nothing is recorded. `records` is the file of
/// the call records, whose folder holds data as well.
pub(crate) fn recording(
    sink: &Sink,
    section: Option<Section<'_>>,
    pools: &[PoolEntry],
    records: &Path,
) -> Option<Recording> {
    let Some(section) = section else {
        let mut asking = pools.iter().filter(|it| it.recording.is_some());
        if let Some(pool) = asking.next() {
            sink.error(
                &pool.span,
                both!(
                    "坐席组要录音，却没有 [recording]",
                    "a pool is to be recorded, but there is no [recording]"
                ),
                both!(
                    "加上 [recording]，写明 folder 和 key_files",
                    "add [recording] with folder and key_files"
                ),
            );
        }
        return None;
    };
    let folder = section.need_text("folder", EXAMPLE);
    let form = section
        .choice("mode", &FORMS)
        .unwrap_or(Some(TapeForm::Mixed));
    let consent = section.choice("consent", &CONSENTS).unwrap_or_default();
    let keys = section.texts("key_files", MAX_KEYS);
    if keys.is_empty() {
        section.missing("key_files", KEY_EXAMPLE);
    }
    let inside = folder.as_ref().map(|at| Path::new(at.value));
    for key in &keys {
        check_key(sink, key, inside, records);
    }
    let keep = keep(&section);
    let refuse_key = refuse_key(&section);
    section.finish();
    Some(Recording {
        folder: PathBuf::from(folder?.value),
        key_files: keys.iter().map(|at| PathBuf::from(at.value)).collect(),
        keep,
        form: form?,
        refuse_key,
        consents: pools
            .iter()
            .map(|pool| pool.recording.unwrap_or(consent))
            .collect(),
    })
}

/// Notes a key that lies where data lies: whoever takes the one has the other.
fn check_key(sink: &Sink, key: &At<&str>, folder: Option<&Path>, records: &Path) {
    let path = plain(Path::new(key.value));
    let data = records.parent().map(plain);
    // The records of a relative path lie in the working directory, as anything may.
    let data = data.filter(|it| !it.as_os_str().is_empty());
    let folders = [folder.map(plain), data];
    if folders.iter().flatten().any(|it| path.starts_with(it)) {
        sink.error(
            &key.span,
            both!(
                "录音密钥不能放在数据所在的文件夹里",
                "a key of recordings must not lie in a folder of data"
            ),
            both!("例如 {KEY_EXAMPLE}", "such as {KEY_EXAMPLE}"),
        );
    }
}

/// The path without `.` and `..`, as far as that can be told without the disk.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Reads `3y`, or any duration; `None` if it is neither.
fn years(text: &str) -> Option<Duration> {
    let Some(number) = text.strip_suffix('y') else {
        return value::duration(text);
    };
    let years: u64 = number.parse().ok().filter(|years| *years <= 1000)?;
    // With every leap year that may fall among them.
    Some(Duration::from_secs(
        (years * 365 + years.div_ceil(4)) * 86_400,
    ))
}

fn keep(section: &Section<'_>) -> Duration {
    let why = section.full_text("keep_shorter_because", "\"...\"");
    let Some(text) = section.text("keep") else {
        return LEAST_KEEP;
    };
    let help = both!("写成 \"3y\" 或 \"1200d\"", "write \"3y\" or \"1200d\"");
    let sink = section.sink();
    let found = years(text.value).filter(|it| !it.is_zero() && *it <= LONGEST_KEEP);
    let Some(found) = found else {
        let value = text.value;
        let message = both!(
            "keep 不是时长：{value:?}",
            "keep is not a duration: {value:?}"
        );
        sink.error(&text.span, message, help);
        return LEAST_KEEP;
    };
    if found < LEAST_KEEP {
        let message = both!(
            "录音保存不足三年：国家要求至少三年",
            "recordings are kept for less than the three years that the national notice asks for"
        );
        if why.is_some() {
            sink.warn(&text.span, message, help);
        } else {
            let help = both!(
                "改为 \"3y\"，或用 keep_shorter_because 写明理由",
                "write \"3y\", or say why by keep_shorter_because"
            );
            sink.error(&text.span, message, help);
        }
    }
    found
}

fn refuse_key(section: &Section<'_>) -> char {
    const DEFAULT: char = '9';
    let Some(text) = section.text("refuse_key") else {
        return DEFAULT;
    };
    let mut keys = text.value.chars();
    match (keys.next(), keys.next()) {
        // The prompt names it by its digit.
        (Some(key), None) if key.is_ascii_digit() => key,
        _ => {
            let value = text.value;
            section.sink().error(
                &text.span,
                both!(
                    "refuse_key 应为一个数字键：{value:?}",
                    "refuse_key must be one digit: {value:?}"
                ),
                both!("例如 \"9\"", "such as \"9\""),
            );
            DEFAULT
        }
    }
}
