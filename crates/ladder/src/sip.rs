//! What a SIP message is called in the drawing.

/// Every registered method (RFC 3261 §27.4 and its successors).
const METHODS: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

/// Names a SIP message by its start line: `INVITE sdp`, `200 (INVITE) sdp sendonly`, `BYE`.
///
/// Nothing that a stranger wrote gets into it: neither numbers nor names nor reason phrases. A
/// method that is not registered is `OTHER`, bytes that are no SIP are `?`, an empty line is
/// `keep-alive` (RFC 5626 §3.5.1).
#[must_use]
pub fn label_of_sip(bytes: &[u8]) -> String {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return "keep-alive".to_owned();
    }
    let (head, body) = split(bytes);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let start = lines.next().unwrap_or("");
    let mut label = match start.strip_prefix("SIP/2.0 ") {
        Some(rest) => {
            let Some(status) = status_of(rest) else {
                return "?".to_owned();
            };
            let method = lines.find_map(cseq_method).unwrap_or("OTHER");
            format!("{status} ({method})")
        }
        None if start.trim_end().ends_with(" SIP/2.0") => {
            known(start.split(' ').next().unwrap_or("")).to_owned()
        }
        None => return "?".to_owned(),
    };
    label.push_str(media_of(body));
    label
}

/// Header and body; the empty line may end in CRLF or LF.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    for end in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if let Some(at) = bytes.windows(end.len()).position(|w| w == end) {
            return (&bytes[..at], &bytes[at + end.len()..]);
        }
    }
    (bytes, &[])
}

fn status_of(rest: &str) -> Option<u16> {
    let status = rest.split(' ').next()?.parse().ok()?;
    (100..700).contains(&status).then_some(status)
}

fn known(method: &str) -> &'static str {
    let found = METHODS.iter().find(|known| **known == method);
    found.copied().unwrap_or("OTHER")
}

fn cseq_method(line: &str) -> Option<&'static str> {
    let (name, value) = line.split_once(':')?;
    if !name.trim().eq_ignore_ascii_case("CSeq") {
        return None;
    }
    Some(known(value.split_ascii_whitespace().nth(1)?))
}

/// That there is a session description, and its direction if that is not both ways (RFC 8866 §6.7).
fn media_of(body: &[u8]) -> &'static str {
    let lines = || {
        body.split(|b| *b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
    };
    if lines().next().is_none() {
        return "";
    }
    if !lines().any(|line| line == b"v=0") {
        return " body";
    }
    let direction = lines().find_map(|line| match line {
        b"a=sendonly" => Some(" sdp sendonly"),
        b"a=recvonly" => Some(" sdp recvonly"),
        b"a=inactive" => Some(" sdp inactive"),
        _ => None,
    });
    direction.unwrap_or(" sdp")
}
