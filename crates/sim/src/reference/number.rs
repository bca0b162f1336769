//! Telephone numbers in one form, so that a route's numbers and those of an INVITE compare.

/// The number as routes compare it: without separators and country code, an area code with its 0,
/// a mobile number without. What is no number stays as it is.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.trim();
    if !text
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.() *#".contains(c))
    {
        return text.to_owned();
    }
    let digits: String = text.chars().filter(|c| !"-.() ".contains(*c)).collect();
    // Who is called 0000, or has a country's number and nothing behind it, has withheld the number.
    if digits.len() > 1 && digits.bytes().all(|b| b == b'0') {
        return String::new();
    }
    let abroad = ["+86", "0086"]
        .iter()
        .find_map(|code| digits.strip_prefix(code));
    let out = match abroad {
        Some(rest) if rest.len() > 6 && !is_mobile(rest) && !rest.starts_with('0') => {
            format!("0{rest}")
        }
        Some(rest) => rest.to_owned(),
        None => digits.clone(),
    };
    match out.strip_prefix('0') {
        Some(rest) if is_mobile(rest) => rest.to_owned(),
        _ => out,
    }
}

/// Eleven digits from 13 to 19.
fn is_mobile(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && bytes[1] >= b'3'
}
