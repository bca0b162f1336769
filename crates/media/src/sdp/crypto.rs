//! `a=crypto` (RFC 4568): reading the lines of an offer or answer, writing ours.

use super::SdpError;
use crate::srtp::{KeySeed, Master, Policy, Protection, Suite};
use sdp_types::Media;
use std::fmt::Write as _;

/// A line that is understood in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// 1 to 999,999,999 (§9.1).
    pub tag: u32,
    /// The key of who wrote it.
    pub key: Master,
}

/// What is to be done about SRTP, and with which keys.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    /// What is taken and offered.
    pub policy: Policy,
    /// What our keys follow from; another one for every description.
    pub seed: Option<&'a KeySeed>,
    /// What holds with this party now. A party that keeps its key keeps ours, and every counter with it
    /// (§7.1.4); one with another key may be another device, and is given another of ours.
    pub before: Option<&'a Protection>,
}

impl Guard<'_> {
    /// Plain RTP alone.
    pub const NONE: Guard<'static> = Guard {
        policy: Policy::Off,
        seed: None,
        before: None,
    };

    /// The suites of our offers.
    pub(super) fn offered(&self) -> Option<&KeySeed> {
        self.seed.filter(|_| self.policy == Policy::Required)
    }

    /// What protects the stream whose party says `theirs`; `None` without a key of ours, or if theirs is
    /// ours: then whoever sends our own packets back would be taken for the party, and two streams under
    /// one key give each other away (RFC 3711 §9.1).
    pub(super) fn protection(&self, theirs: &Master) -> Option<Protection> {
        if let Some(before) = self.before.filter(|before| before.theirs == *theirs) {
            return Some(before.clone());
        }
        let ours = self.seed?.master(theirs.suite());
        (ours != *theirs).then(|| Protection {
            ours,
            theirs: theirs.clone(),
            turns: 0,
        })
    }
}

/// The first line of a stream that is understood (§5.1.2: those that are not are passed over).
pub(super) fn first(media: &Media) -> Option<Line> {
    lines(media).find_map(read)
}

/// The line that takes up one of ours (§5.1.3, §7.1.3): there is one alone.
pub(super) fn taken_up(media: &Media, is_ours: impl Fn(&Line) -> bool) -> Result<Line, SdpError> {
    let mut all = lines(media);
    let (first, second) = (all.next(), all.next());
    let text = first.ok_or(SdpError::Unprotected)?;
    let line = read(text).filter(|_| second.is_none());
    line.filter(is_ours).ok_or(SdpError::Crypto)
}

/// The suite that our offers have under this tag.
pub(super) fn offered(tag: u32) -> Option<Suite> {
    let index = usize::try_from(tag.checked_sub(1)?).ok()?;
    Suite::OFFERED.get(index).copied()
}

fn lines(media: &Media) -> impl Iterator<Item = &str> {
    super::read::values(&media.attributes, "crypto")
}

/// `1 AES_CM_128_HMAC_SHA1_80 inline:key|2^31 KDR=0`. A line with a key identifier, with several keys or
/// with a parameter that is not known is not taken (§6.1, §6.3.7).
fn read(line: &str) -> Option<Line> {
    let mut words = line.split_ascii_whitespace();
    let tag = words.next()?;
    let fits = (1..=9).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_digit());
    let tag: u32 = tag.parse().ok().filter(|_| fits)?;
    let suite = Suite::named(words.next()?)?;
    let (method, info) = words.next()?.split_once(':')?;
    let mut parts = info.split('|');
    let key = parts.next()?;
    let lives = match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(lifetime), None) => is_lifetime(lifetime),
        _ => false,
    };
    let known = words.all(is_harmless);
    let sound = method.eq_ignore_ascii_case("inline") && lives && known;
    let key = Master::from_base64(suite, key).filter(|_| sound)?;
    Some(Line { tag, key })
}

/// `2^20` or a number of packets, at most 2^48 (§6.1). Who gave the key out renews it.
fn is_lifetime(text: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    let packets = match text.strip_prefix("2^") {
        Some(power) => number(power).and_then(|power| 1u64.checked_shl(u32::try_from(power).ok()?)),
        None => number(text),
    };
    packets.is_some_and(|packets| (1..=1 << 48).contains(&packets))
}

/// Parameters that change nothing here: a derivation rate of 0, which is ours, a hint for the window, and
/// what may be passed over (§6.3.1, §6.3.6, §6.3.7).
fn is_harmless(parameter: &str) -> bool {
    parameter == "KDR=0" || parameter.starts_with("WSH=") || parameter.starts_with('-')
}

/// One line of ours.
pub(super) fn write(out: &mut String, tag: u32, key: &Master) {
    let (suite, text) = (key.suite().name(), key.to_base64());
    let _ = write!(out, "a=crypto:{tag} {suite} inline:{text}\r\n");
}

/// All lines of an offer of ours.
pub(super) fn write_offer(out: &mut String, seed: &KeySeed) {
    for (tag, suite) in (1..).zip(Suite::OFFERED) {
        write(out, tag, &seed.master(suite));
    }
}
