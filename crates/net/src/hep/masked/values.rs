//! Values of headers in which people may write what they like: what can be known of them stays.

use super::{GONE, host, parts};

/// Protocols of a Reason (RFC 3326, RFC 4411, 3GPP TS 24.229 §7.2A.18).
const PROTOCOLS: &[&str] = &[
    "sip",
    "q.850",
    "preemption",
    "release_cause",
    "failure_cause",
    "diameter",
    "ikev2",
    "emm",
    "esm",
    "s1ap-rnl",
];

/// True for a number of at most so many digits.
fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Protocol and cause; the text could say anything (RFC 3326 §2).
pub(super) fn reason(text: &str) -> String {
    let mut parts = parts(text, ';').map(str::trim);
    let protocol = parts.next().unwrap_or_default();
    let known = PROTOCOLS.contains(&protocol.to_ascii_lowercase().as_str());
    let cause = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let cause = value.trim();
        (name.trim().eq_ignore_ascii_case("cause") && is_number(cause, 4)).then_some(cause)
    });
    let cause = cause.map(|cause| format!(";cause={cause}"));
    let protocol = if known { protocol } else { GONE };
    format!("{protocol}{}", cause.unwrap_or_default())
}

/// Code and who warns; the text could say anything (RFC 3261 §20.43).
pub(super) fn warning(text: &str) -> String {
    let mut words = text.split_ascii_whitespace();
    let code = words.next().filter(|code| is_number(code, 3));
    let agent = words.next().map_or(GONE.to_owned(), host);
    format!("{} {agent} \"{GONE}\"", code.unwrap_or("000"))
}

/// Seconds and duration; between them a comment may stand (RFC 3261 §20.33).
pub(super) fn retry_after(text: &str) -> String {
    let end = text.find(['(', ';']).unwrap_or(text.len());
    let seconds = text[..end].trim();
    let comment = text.rfind(')').unwrap_or(end);
    let duration = text[comment..].split(';').find_map(|part| {
        let value = part.trim().strip_prefix("duration=")?;
        is_number(value, 7).then(|| format!(";duration={value}"))
    });
    let seconds = if is_number(seconds, 7) { seconds } else { GONE };
    format!("{seconds}{}", duration.unwrap_or_default())
}

/// True for a service such as sos.police, counseling or test.sos (RFC 5031 §4.1): letters, and one of the
/// beginnings that are registered.
pub(super) fn is_service(text: &str) -> bool {
    let letters = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
    };
    let first = text.split('.').next().unwrap_or_default();
    ["sos", "counseling", "test"].contains(&first) && text.split('.').all(letters)
}
