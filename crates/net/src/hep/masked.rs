//! A copy of a SIP message without the numbers and names of people, without its body, or both.
//!
//! What is known to be harmless stays, addresses lose users and names, all other headers lose their
//! values: a header that nobody thought of shows nothing.

mod values;

use meishier_model::DialString;
use values::{is_service, reason, retry_after, warning};

/// What a key of SRTP begins with.
const KEY: &[u8] = b"inline:";
/// What stands for something left out.
const GONE: &str = "*";

/// Headers that hold nobody's number or name (compact forms too): they stay as they are.
const HARMLESS: &[&str] = &[
    "via",
    "v",
    "call-id",
    "i",
    "cseq",
    "max-forwards",
    "content-length",
    "l",
    "content-type",
    "c",
    "content-encoding",
    "e",
    "content-disposition",
    "content-language",
    "mime-version",
    "allow",
    "supported",
    "k",
    "require",
    "proxy-require",
    "unsupported",
    "expires",
    "min-expires",
    "user-agent",
    "server",
    "session-expires",
    "x",
    "min-se",
    "accept",
    "accept-encoding",
    "accept-language",
    "date",
    "rack",
    "rseq",
    "event",
    "o",
    "allow-events",
    "u",
    "subscription-state",
    "privacy",
    "timestamp",
    "resource-priority",
    "accept-resource-priority",
    "priority",
    "p-early-media",
    "x-meishier-call",
    "www-authenticate",
    "proxy-authenticate",
];

/// Headers of addresses, with their compact forms.
const ADDRESSES: &[&str] = &[
    "from",
    "f",
    "to",
    "t",
    "contact",
    "m",
    "route",
    "record-route",
    "path",
    "service-route",
    "p-asserted-identity",
    "p-preferred-identity",
    "remote-party-id",
    "diversion",
    "history-info",
    "refer-to",
    "r",
    "referred-by",
    "b",
    "reply-to",
    "p-called-party-id",
    "p-associated-uri",
];

/// Parameters behind an address that stay.
const PARAMETERS: &[&str] = &[
    "tag", "expires", "q", "index", "privacy", "counter", "reason", "rc", "mp", "np", "reg-id",
    "screen", "party", "lr", "ob",
];

/// Parameters within an address that stay.
const URI_PARAMETERS: &[&str] = &["transport", "lr", "user", "maddr", "ttl", "method", "ob"];

/// The copy. `numbers`: without numbers and names; else the head is as it was. Without `bodies` its
/// Content-Length is 0.
pub(super) fn masked(message: &[u8], numbers: bool, bodies: bool) -> Vec<u8> {
    if bodies && !numbers {
        let mut out = message.to_vec();
        hide_keys(&mut out);
        return out;
    }
    let (head, body) = split(message);
    let head = String::from_utf8_lossy(head);
    let mut out = String::with_capacity(message.len());
    let mut lines = unfolded(&head).into_iter();
    let start = lines.next().unwrap_or_default();
    if numbers {
        out.push_str(&start_line(&start));
    } else {
        out.push_str(&start);
    }
    out.push_str("\r\n");
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((GONE, ""));
        let low = name.trim().to_ascii_lowercase();
        let low = low.as_str();
        let value = match low {
            "content-length" | "l" if !bodies => "0".to_owned(),
            _ if !numbers || HARMLESS.contains(&low) => value.trim().to_owned(),
            "reason" => each(value, reason),
            "warning" => each(value, warning),
            "retry-after" => retry_after(value),
            _ if ADDRESSES.contains(&low) => addresses(value),
            _ => GONE.to_owned(),
        };
        // The name of a line that is none could be anything.
        let name = if is_name(low) { name.trim() } else { GONE };
        out.push_str(name);
        out.push_str(": ");
        out.push_str(&value);
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    if bodies {
        let start = out.len();
        out.extend_from_slice(body);
        hide_keys(&mut out[start..]);
    }
    out
}

/// Overwrites the keys of speech in a session description (RFC 4568 §9.1): a copy of them is as good as
/// the speech itself. The body keeps its length.
fn hide_keys(body: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = body[at..]
        .windows(KEY.len())
        .position(|it| it.eq_ignore_ascii_case(KEY))
    {
        at += found + KEY.len();
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"|;".contains(byte);
        let end = body[at..].iter().position(ends);
        let end = end.map_or(body.len(), |end| at + end);
        body[at..end].fill(b'*');
        at = end;
    }
}

/// Head and body; the empty line belongs to neither.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let found = ends.into_iter().filter_map(|end| {
        let at = message.windows(end.len()).position(|it| it == end)?;
        Some((at, at + end.len()))
    });
    match found.min() {
        Some((head, body)) => (&message[..head], &message[body..]),
        None => (message, &[]),
    }
}

/// The lines of a head, continuations joined (RFC 3261 §7.3.1); empty lines before it are left out.
fn unfolded(head: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.split('\n').map(|line| line.trim_end_matches('\r')) {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ if line.trim().is_empty() => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn is_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"-.!%_+`'~".contains(&b);
    // Digits alone are a number and no name.
    !name.is_empty() && name.bytes().all(letter) && !name.bytes().all(|b| b.is_ascii_digit())
}

fn start_line(line: &str) -> String {
    if line.starts_with("SIP/") {
        // Some put texts of their own into the phrase.
        let code = line
            .split(' ')
            .nth(1)
            .filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()));
        return format!("SIP/2.0 {} {GONE}", code.unwrap_or("000"));
    }
    let mut words = line.split(' ');
    let method = words
        .next()
        .filter(|it| it.bytes().all(|b| b.is_ascii_alphabetic()));
    let target = words.next().map(uri);
    match (method, target, words.next(), words.next()) {
        (Some(method), Some(target), Some("SIP/2.0"), None) => {
            format!("{method} {target} SIP/2.0")
        }
        _ => GONE.to_owned(),
    }
}

/// The addresses of one header, each with what may stay of it.
fn addresses(value: &str) -> String {
    if value.trim() == "*" {
        return "*".to_owned();
    }
    each(value, address)
}

/// The values of one header, each with what may stay of it.
fn each(value: &str, shown: impl Fn(&str) -> String) -> String {
    let all: Vec<String> = parts(value, ',').map(shown).collect();
    all.join(", ")
}

fn address(text: &str) -> String {
    let open = outside_quotes(text, '<').next();
    let close = open.and_then(|open| Some(open + text[open..].find('>')?));
    if let (Some(open), Some(close)) = (open, close) {
        let rest = parameters(&text[close + 1..], PARAMETERS);
        return format!("<{}>{rest}", uri(&text[open + 1..close]));
    }
    // Without brackets what follows the first semicolon is the header's (RFC 3261 §20.10).
    let (target, rest) = match text.find(';') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    format!("{}{}", uri(target.trim()), parameters(rest, PARAMETERS))
}

/// An address of a scheme that we know, its user masked, nothing but harmless parameters behind it.
fn uri(text: &str) -> String {
    let Some((scheme, rest)) = text.trim().split_once(':') else {
        return GONE.to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        // Services, such as urn:service:sos.
        "urn" if rest.strip_prefix("service:").is_some_and(is_service) => format!("urn:{rest}"),
        "tel" => {
            let number = rest.split(';').next().unwrap_or_default();
            format!("tel:{}", user(number))
        }
        known @ ("sip" | "sips") => {
            let (name, place) = match rest.rsplit_once('@') {
                Some((name, place)) => (Some(name), place),
                None => (None, rest),
            };
            let at = place.find(';').unwrap_or(place.len());
            let host = host(&place[..at]);
            let behind = parameters(&place[at..], URI_PARAMETERS);
            match name {
                Some(name) => {
                    // A password, or parameters of the number.
                    let name = name.split([':', ';']).next().unwrap_or_default();
                    format!("{known}:{}@{host}{behind}", user(name))
                }
                None => format!("{known}:{host}{behind}"),
            }
        }
        _ => GONE.to_owned(),
    }
}

/// A number or a name as everywhere in the logs.
fn user(name: &str) -> String {
    // Anything but these could end the address and leave the rest outside.
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+*#-._".contains(&b);
    if !name.is_empty() && name.bytes().all(fits) {
        DialString::new(name).masked()
    } else {
        GONE.to_owned()
    }
}

/// A host with its port; a number in its place is a number.
fn host(text: &str) -> String {
    let text = text.trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]%_".contains(&b);
    let digits = |text: &str| text.len() > 3 && text.bytes().all(|b| b.is_ascii_digit());
    if text.bytes().all(fits) && !digits(text.split(':').next().unwrap_or_default()) {
        text.to_owned()
    } else {
        GONE.to_owned()
    }
}

/// Those of `;name=value;…` that may stay; a quoted value may not.
fn parameters(text: &str, allowed: &[&str]) -> String {
    let mut out = String::new();
    for part in parts(text, ';').map(str::trim) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let low = name.trim().to_ascii_lowercase();
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-.~_+%!*".contains(&b);
        if allowed.contains(&low.as_str()) && value.trim().bytes().all(harmless) {
            out.push(';');
            out.push_str(part);
        }
    }
    out
}

/// Pieces between separators that stand outside quotes and angle brackets.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut inside) = (false, false, false);
    text.split(move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !inside => quoted = !quoted,
            '<' if !quoted => inside = true,
            '>' if !quoted => inside = false,
            _ => return c == separator && !quoted && !inside,
        }
        false
    })
}

/// Where a character stands outside quotes.
fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().filter_map(move |(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == wanted && !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:12356@192.0.2.1;transport=udp?Subject=hurt SIP/2.0\r\n\
        Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK1\r\n\
        From: \"Zhang \\\" <sip:3@x>\" <sip:13312346745:secret@203.0.113.10;user=phone>;tag=a;cpc=x\r\n\
        To: tel:12356;phone-context=+86\r\n\
        Call-ID: one@203.0.113.10\r\nCSeq: 1 INVITE\r\n\
        m: Zhang San <sip:13312346745@203.0.113.10:5060>;expires=60\r\n\
        P-Asserted-Identity: <sip:+8613312346745@ims.example>,\r\n <tel:+8613312346745;x=13312346745>\r\n\
        History-Info: <sip:12356@ims.example?Reason=SIP%3Bcause%3D302>;index=1\r\n\
        P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=460001234\r\n\
        Authorization: Digest username=\"zhang\", response=\"abcdef\"\r\n\
        X-Other: 13312346745\r\n\
        Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n";

    fn text(message: &str, numbers: bool, bodies: bool) -> String {
        String::from_utf8(masked(message.as_bytes(), numbers, bodies)).unwrap()
    }

    #[test]
    fn nothing_of_a_person_is_left() {
        assert_eq!(
            text(INVITE, true, false),
            "INVITE sip:****56@192.0.2.1;transport=udp SIP/2.0\r\n\
             Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK1\r\n\
             From: <sip:133****6745@203.0.113.10;user=phone>;tag=a\r\n\
             To: tel:****56\r\n\
             Call-ID: one@203.0.113.10\r\nCSeq: 1 INVITE\r\n\
             m: <sip:133****6745@203.0.113.10:5060>;expires=60\r\n\
             P-Asserted-Identity: <sip:+86****6745@ims.example>, <tel:+86****6745>\r\n\
             History-Info: <sip:****56@ims.example>;index=1\r\n\
             P-Access-Network-Info: *\r\n\
             Authorization: *\r\n\
             X-Other: *\r\n\
             Content-Type: application/sdp\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn keys_of_a_description_are_hidden_whatever_is_shown() {
        let body =
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19z+/==|2^20|1:4;INLINE:abc\r\na=x\r\n";
        let message = format!("BYE sip:a@b SIP/2.0\r\n\r\n{body}");
        let shown = text(&message, true, true);
        let hidden =
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:************|2^20|1:4;INLINE:***\r\na=x\r\n";
        assert!(shown.ends_with(hidden), "{shown}");
        assert!(text(&message, false, true).ends_with(hidden));
        assert!(text("BYE sip:a@b SIP/2.0\r\n\r\ninline:", true, true).ends_with("inline:"));
    }

    #[test]
    fn bodies_come_and_go_by_themselves() {
        assert!(text(INVITE, true, true).ends_with("Content-Length: 4\r\n\r\nv=0\n"));
        let whole = text(INVITE, false, false);
        assert!(whole.contains("<sip:13312346745:secret@203.0.113.10;user=phone>;tag=a;cpc=x\r\n"));
        assert!(whole.ends_with("Content-Length: 0\r\n\r\n"));
    }

    #[test]
    fn texts_that_people_write_are_left_out() {
        let table = [
            (
                "Reason: Q.850 ; cause=16;text=\"13312346745\"",
                "Reason: Q.850;cause=16",
            ),
            (
                "Reason: SIP;text=\"Zhang, 1;cause=7\";cause=200, 13312346745;cause=13312346745",
                "Reason: SIP;cause=200, *",
            ),
            ("Reason: preemption", "Reason: preemption"),
            (
                "Warning: 399 sbc.example:5060 \"13312346745, is busy\", 301 [::1] \"x\"",
                "Warning: 399 sbc.example:5060 \"*\", 301 [::1] \"*\"",
            ),
            ("Warning: 13312346745 13312346745 x", "Warning: 000 * \"*\""),
            (
                "Retry-After: 120 (call 13312346745;duration=9);duration=60",
                "Retry-After: 120;duration=60",
            ),
            ("Retry-After: 13312346745 (x", "Retry-After: *"),
            ("Retry-After: 5", "Retry-After: 5"),
            (
                "To: <urn:service:sos.police>;tag=1",
                "To: <urn:service:sos.police>;tag=1",
            ),
            ("To: <urn:service:sos.13312346745>", "To: <*>"),
            ("To: <urn:service:zhang>", "To: <*>"),
            ("To: <urn:service:sos..x>", "To: <*>"),
        ];
        for (line, shown) in table {
            let message = format!("BYE sip:a@b SIP/2.0\r\n{line}\r\n\r\n");
            let expected = format!("BYE sip:****@b SIP/2.0\r\n{shown}\r\n\r\n");
            assert_eq!(text(&message, true, false), expected);
            assert_eq!(text(&message, false, false), message);
        }
    }

    #[test]
    fn what_cannot_be_read_shows_nothing() {
        let broken = [
            "13312346745",
            "INVITE sip:13312346745 @host SIP/2.0",
            "INVITE 13312346745 SIP/2.0",
            "INVITE sip:13312346745 SIP/2.0",
            "INVITE sip:13312346745%40@[::1] SIP/2.0",
            "INVITE tel:13312346745/1 SIP/2.0",
            "SIP/2.0 200 13312346745",
            "SIP/2.0 13312346745 OK",
            "BYE sip:a@b SIP/2.0\r\n13312346745",
            "BYE sip:a@b SIP/2.0\r\n13312346745: 1",
            "BYE sip:a@b SIP/2.0\r\nFrom 13312346745: <sip:a@b>",
            "BYE sip:a@b SIP/2.0\r\nFrom: 13312346745 <sip:a@b",
            "BYE sip:a@b SIP/2.0\r\nFrom: \"13312346745 <sip:a@b>",
            "BYE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>13312346745;tag=1",
            "BYE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;reason=\"13312346745\"",
            "BYE sip:a@b SIP/2.0\r\nFrom: <http:13312346745>",
            "BYE sip:a@b SIP/2.0\r\n\t13312346745: 1",
        ];
        for message in broken {
            let shown = text(message, true, false);
            assert!(!shown.contains("13312346745"), "{message:?}: {shown:?}");
        }
    }
}
