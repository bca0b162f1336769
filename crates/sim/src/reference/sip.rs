//! A reader of SIP messages for the judges: one pass, tolerant, nothing copied.

/// What a message asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// Method and Request-URI.
    Request(&'a str, &'a str),
    /// Status.
    Response(u16),
}

/// One message. Fields that it does not have are empty.
#[derive(Clone, Copy, Debug)]
pub struct Sip<'a> {
    /// First line.
    pub start: Start<'a>,
    /// Call-ID.
    pub call_id: &'a str,
    /// Number of CSeq.
    pub cseq: u32,
    /// Method of CSeq.
    pub method: &'a str,
    /// Value of From.
    pub from: &'a str,
    /// Value of To.
    pub to: &'a str,
    /// Branch of the topmost Via.
    pub branch: &'a str,
    /// Value of P-Asserted-Identity, the first.
    pub asserted: [&'a str; 2],
    /// The cell in P-Access-Network-Info (RFC 7315 §4.4); "" if it names none.
    pub cell: &'a str,
    /// It has a header of forwards, or Remote-Party-ID.
    pub forwarded: bool,
    /// Value of X-Meishier-Call.
    pub engine_call: &'a str,
    /// True if it has credentials.
    pub credentials: bool,
    /// True if it has Contact.
    pub contact: bool,
    /// True if it has Max-Forwards.
    pub forwards: bool,
    /// Value of Content-Length.
    pub length: Option<usize>,
    /// Length of the body.
    pub body: usize,
    /// True if Require names 100rel (RFC 3262 §7).
    pub reliable: bool,
    /// RSeq; 0 if there is none.
    pub rseq: u32,
    /// Value of RAck.
    pub rack: &'a str,
    /// Seconds of Session-Expires, and true if who asked refreshes (RFC 4028 §4).
    pub expires: Option<(u32, bool)>,
}

impl<'a> Sip<'a> {
    /// Reads a message; `None` if its first line is no SIP.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // A body may be anything; the headers are text.
            Err(error) => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        };
        let mut lines = text.split('\n');
        let first = lines.next()?;
        let mut head = first.len() + 1;
        let start = start(first.trim_end())?;
        let mut out = Self {
            start,
            call_id: "",
            cseq: 0,
            method: "",
            from: "",
            to: "",
            branch: "",
            asserted: [""; 2],
            cell: "",
            forwarded: false,
            engine_call: "",
            credentials: false,
            contact: false,
            forwards: false,
            length: None,
            body: 0,
            reliable: false,
            rseq: 0,
            rack: "",
            expires: None,
        };
        for line in lines {
            head += line.len() + 1;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                out.header(name.trim_end(), value.trim_start());
            }
        }
        out.body = bytes.len().saturating_sub(head);
        Some(out)
    }

    fn header(&mut self, name: &str, value: &'a str) {
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long)
                || (!short.is_empty() && name.eq_ignore_ascii_case(short))
        };
        match name.len() {
            1 | 7 if is("Call-ID", "i") => self.call_id = value,
            1 | 7 if is("Contact", "m") => self.contact = true,
            1 | 3 if is("Via", "v") && self.branch.is_empty() => {
                self.branch = parameter(value, "branch").unwrap_or("");
            }
            1 | 4 if is("From", "f") => self.from = value,
            1 | 2 if is("To", "t") => self.to = value,
            4 if is("CSeq", "") => {
                let (number, method) = value.split_once(' ').unwrap_or((value, ""));
                self.cseq = number.parse().unwrap_or(0);
                self.method = method.trim();
            }
            1 | 14 if is("Content-Length", "l") => self.length = value.parse().ok(),
            12 if is("Max-Forwards", "") => self.forwards = true,
            7 if is("Require", "") => self.reliable |= value.contains("100rel"),
            4 if is("RSeq", "") => self.rseq = value.parse().unwrap_or(0),
            4 if is("RAck", "") => self.rack = value,
            1 | 15 if is("Session-Expires", "x") => {
                let seconds = value
                    .split(';')
                    .next()
                    .map_or(Ok(0), |it| it.trim().parse());
                let by_asker = parameter(value, "refresher") != Some("uas");
                self.expires = seconds.ok().map(|seconds| (seconds, by_asker));
            }
            9 if is("Diversion", "") => self.forwarded = true,
            12 if is("History-Info", "") => self.forwarded = true,
            15 if is("Remote-Party-ID", "") => self.forwarded = true,
            21 if is("P-Access-Network-Info", "") && self.cell.is_empty() => {
                let names = ["utran-cell-id-3gpp", "cgi-3gpp"];
                let found = names.iter().find_map(|name| parameter(value, name));
                self.cell = found.unwrap_or("").trim_matches('"');
            }
            13 if is("Authorization", "") => self.credentials = true,
            15 if is("X-Meishier-Call", "") => self.engine_call = value,
            19 if is("P-Asserted-Identity", "") => {
                let free = usize::from(!self.asserted[0].is_empty());
                self.asserted[free] = value;
            }
            _ => {}
        }
    }

    /// Tag of From.
    #[must_use]
    pub fn from_tag(&self) -> &'a str {
        parameter(after_uri(self.from), "tag").unwrap_or("")
    }

    /// Tag of To.
    #[must_use]
    pub fn to_tag(&self) -> &'a str {
        parameter(after_uri(self.to), "tag").unwrap_or("")
    }

    /// True for a request with this method.
    #[must_use]
    pub fn is(&self, method: &str) -> bool {
        matches!(self.start, Start::Request(name, _) if name == method)
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response(status) => Some(status),
            Start::Request(..) => None,
        }
    }

    /// User part of the Request-URI.
    #[must_use]
    pub fn called(&self) -> &'a str {
        match self.start {
            Start::Request(_, uri) => user(uri),
            Start::Response(_) => "",
        }
    }

    /// Who calls: the first asserted identity with a user, else From; "" if withheld.
    #[must_use]
    pub fn caller(&self) -> &'a str {
        let mut asserted = self.asserted.iter().map(|value| user(uri_of(value)));
        let found = asserted.find(|user| !user.is_empty());
        let user = found.unwrap_or_else(|| user(uri_of(self.from)));
        if user.eq_ignore_ascii_case("anonymous") {
            ""
        } else {
            user
        }
    }
}

fn start(line: &str) -> Option<Start<'_>> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        return rest.get(..3)?.parse().ok().map(Start::Response);
    }
    let mut words = line.split(' ');
    let (method, uri) = (words.next()?, words.next()?);
    (words.next()? == "SIP/2.0").then_some(Start::Request(method, uri))
}

/// The value of `;name=…`.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.split([',', ' ']).next().unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

/// What follows the URI of a From or To: the header's own parameters.
fn after_uri(value: &str) -> &str {
    value.rfind('>').map_or(value, |at| &value[at..])
}

/// The URI of a name-addr.
#[must_use]
pub fn uri_of(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value),
    }
}

/// User part of a SIP URI, or the number of a `tel:` one.
#[must_use]
pub fn user(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or("", |(_, rest)| rest);
    if uri.starts_with("tel:") {
        return rest.split(';').next().unwrap_or(rest);
    }
    let user = rest.split_once('@').map_or("", |(user, _)| user);
    user.split([';', ':']).next().unwrap_or(user)
}
