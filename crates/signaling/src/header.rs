//! Names of header fields, long and compact (RFC 3261 §7.3.3, §20), and what each may hold.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! names {
    ($($variant:ident $long:literal $(/ $short:literal)?),* $(,)?) => {
        /// A header field that this crate knows by name. Names compare without case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $long, "`")] $variant,)*
            /// Any other field; found by `Message::raw_header`.
            Other,
        }

        const LONG: &[(&str, HeaderName)] = &[$(($long, HeaderName::$variant)),*];

        impl HeaderName {
            /// The long form, as it is written; empty for [`HeaderName::Other`].
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $long,)* Self::Other => "" }
            }

            /// The field of that name, long or compact, in any case.
            #[must_use]
            pub fn of(name: &str) -> Self {
                if let [letter] = name.as_bytes() {
                    return match letter.to_ascii_lowercase() {
                        $($($short => Self::$variant,)?)*
                        _ => Self::Other,
                    };
                }
                let Some(bucket) = BY_LENGTH.get(name.len()) else { return Self::Other };
                for &at in bucket {
                    // The first empty place of a bucket holds a number beyond the table.
                    let Some((long, variant)) = LONG.get(usize::from(at)) else { break };
                    // Most senders write names as the RFC does.
                    if *long == name || long.eq_ignore_ascii_case(name) {
                        return *variant;
                    }
                }
                Self::Other
            }
        }
    };
}

names! {
    Via "Via" / b'v',
    From "From" / b'f',
    To "To" / b't',
    CallId "Call-ID" / b'i',
    CSeq "CSeq",
    Contact "Contact" / b'm',
    MaxForwards "Max-Forwards",
    ContentLength "Content-Length" / b'l',
    ContentType "Content-Type" / b'c',
    Route "Route",
    RecordRoute "Record-Route",
    Allow "Allow",
    Supported "Supported" / b'k',
    Require "Require",
    ProxyRequire "Proxy-Require",
    Unsupported "Unsupported",
    UserAgent "User-Agent",
    Server "Server",
    Expires "Expires",
    MinExpires "Min-Expires",
    Authorization "Authorization",
    WwwAuthenticate "WWW-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyAuthenticate "Proxy-Authenticate",
    SessionExpires "Session-Expires" / b'x',
    MinSe "Min-SE",
    Reason "Reason",
    RetryAfter "Retry-After",
    Accept "Accept",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    ContentEncoding "Content-Encoding" / b'e',
    ContentDisposition "Content-Disposition",
    Subject "Subject" / b's',
    Date "Date",
    Timestamp "Timestamp",
    Warning "Warning",
    Event "Event" / b'o',
    AllowEvents "Allow-Events" / b'u',
    ReferTo "Refer-To" / b'r',
    ReferredBy "Referred-By" / b'b',
    Replaces "Replaces",
    RAck "RAck",
    RSeq "RSeq",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    PAccessNetworkInfo "P-Access-Network-Info",
    PChargingVector "P-Charging-Vector",
    PEarlyMedia "P-Early-Media",
    Privacy "Privacy",
    RemotePartyId "Remote-Party-ID",
    Diversion "Diversion",
    HistoryInfo "History-Info",
    Path "Path",
    ServiceRoute "Service-Route",
    Identity "Identity" / b'y',
    Priority "Priority",
    AlertInfo "Alert-Info",
    CallInfo "Call-Info",
    MimeVersion "MIME-Version",
    Organization "Organization",
    ResourcePriority "Resource-Priority",
}

/// Longest known name and one.
const LENGTHS: usize = 22;
/// Most names of one length.
const SAME_LENGTH: usize = 10;

/// Indices into `LONG` by the length of the name, so that a look-up compares two or three names
/// and not all of them: it runs once for every line of every message.
static BY_LENGTH: [[u8; SAME_LENGTH]; LENGTHS] = {
    let mut table = [[u8::MAX; SAME_LENGTH]; LENGTHS];
    let mut i = 0;
    while i < LONG.len() {
        let bucket = &mut table[LONG[i].0.len()];
        let mut place = 0;
        while bucket[place] != u8::MAX {
            place += 1;
        }
        bucket[place] = i as u8;
        i += 1;
    }
    table
};

impl HeaderName {
    /// True if a message may hold the field once only; twice would let two readers of one
    /// message see two different things.
    #[must_use]
    pub fn is_single(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::MaxForwards
                | Self::ContentLength
                | Self::ContentType
                | Self::Expires
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
