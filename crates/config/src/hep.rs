//! `[hep]`: copies of SIP messages for a collector (HEP version 3, as HOMER takes it).

use crate::section::Section;
use crate::sink::both;
use std::net::SocketAddr;

/// Number of the capture agent if the file names none.
const DEFAULT_ID: u32 = 2001;
/// Longest password, bytes.
const MAX_PASSWORD: usize = 255;
const EXAMPLE: &str = "\"192.0.2.9:9060\"";

/// What the copies show of the numbers and names of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HepNumbers {
    /// User parts of addresses as `133****6745`, no names, and nothing of headers that are not
    /// known to be harmless.
    #[default]
    Masked,
    /// The messages as they are, passwords' digests with them.
    Whole,
}

/// Where copies of SIP messages go.
#[derive(Clone, PartialEq, Eq)]
pub struct Hep {
    /// The collector, by UDP.
    pub collector: SocketAddr,
    /// Number of this capture agent.
    pub capture_id: u32,
    /// What the collector knows us by, at most 255 bytes.
    pub password: Option<String>,
    /// Of the messages' heads.
    pub numbers: HepNumbers,
    /// Bodies go with them, as they are but for keys of SRTP, which are hidden with the numbers; without
    /// them Content-Length is 0.
    pub bodies: bool,
}

impl std::fmt::Debug for Hep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hep")
            .field("collector", &self.collector)
            .field("capture_id", &self.capture_id)
            .field("numbers", &self.numbers)
            .field("bodies", &self.bodies)
            .finish_non_exhaustive()
    }
}

/// Reads `[hep]`; without it nothing is copied.
pub(crate) fn hep(section: Option<Section<'_>>) -> Option<Hep> {
    let section = section?;
    let collector = match section.raw("collector") {
        Some(_) => section.socket("collector"),
        None => {
            section.missing("collector", EXAMPLE);
            None
        }
    };
    if let Some(at) = &collector
        && (at.value.port() == 0 || at.value.ip().is_unspecified())
    {
        section.sink().error(
            &at.span,
            both!(
                "collector 必须是能到达的地址和端口",
                "collector must be an address and a port that can be reached"
            ),
            both!("例如 {EXAMPLE}", "such as {EXAMPLE}"),
        );
    }
    let id = section.number("capture_id", 1..=i64::from(u32::MAX));
    let password = section.full_text("password", "\"请换成自己的密码\"");
    if let Some(long) = password.as_ref().filter(|it| it.value.len() > MAX_PASSWORD) {
        section.sink().error(
            &long.span,
            both!("password 太长", "password is too long"),
            both!("最多 {MAX_PASSWORD} 字节", "at most {MAX_PASSWORD} bytes"),
        );
    }
    let words = [("masked", HepNumbers::Masked), ("whole", HepNumbers::Whole)];
    let numbers = section.choice("numbers", &words).unwrap_or_default();
    let bodies = section.flag("bodies").unwrap_or(false);
    section.finish();
    Some(Hep {
        collector: collector?.value,
        capture_id: id.map_or(DEFAULT_ID, |id| {
            u32::try_from(id.value).unwrap_or(DEFAULT_ID)
        }),
        password: password.map(|it| it.value.to_owned()),
        numbers,
        bodies,
    })
}
