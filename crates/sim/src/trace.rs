//! The messages of a run, kept so that the ladder of one call can be drawn.
//!
//! Only a run that is repeated because it failed is traced: a run follows from its seed, so nothing
//! has to be kept in the others.

use meishier_ladder::{Ladder, label_of_sip};
use meishier_model::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

/// Most messages that are kept; the oldest are let go first.
const MOST: usize = 200_000;
/// Most lines of one ladder: the last ones tell why.
const MOST_LINES: usize = 400;

/// One message at the engine's border, or on its way there.
#[derive(Debug)]
struct Arrow {
    at: Mono,
    from: SocketAddr,
    to: SocketAddr,
    label: String,
    call_id: String,
    lost: bool,
}

/// Messages of a run.
#[derive(Debug, Default)]
pub struct Trace {
    arrows: VecDeque<Arrow>,
    notes: VecDeque<(Mono, String)>,
    /// Which calls of the engine a SIP Call-ID belongs to, as header X-Meishier-Call says.
    legs: BTreeMap<String, String>,
    /// The engine's name of a caller's Call-ID.
    calls: BTreeMap<String, String>,
    names: BTreeMap<SocketAddr, String>,
}

/// The value of a header of a SIP message, by its full name or its compact form.
fn header<'a>(text: &'a str, name: &str, compact: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next()?;
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let key = key.trim();
        let hit = key.eq_ignore_ascii_case(name)
            || (!compact.is_empty() && key.eq_ignore_ascii_case(compact));
        hit.then(|| value.trim())
    })
}

/// The Call-ID of a message.
#[must_use]
pub fn call_id(bytes: &[u8]) -> Option<&str> {
    // Bodies may hold anything; the head of what is sent here is text.
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    header(std::str::from_utf8(&bytes[..end + 4]).ok()?, "Call-ID", "i")
}

impl Trace {
    /// Names an address for the drawing.
    pub fn name(&mut self, address: SocketAddr, name: &str) {
        self.names.insert(address, name.to_owned());
    }

    /// A message was sent.
    pub fn message(
        &mut self,
        at: Mono,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        lost: bool,
    ) {
        let text = String::from_utf8_lossy(bytes);
        let call_id = header(&text, "Call-ID", "i").unwrap_or("").to_owned();
        if let Some(call) = header(&text, "X-Meishier-Call", "") {
            self.legs.insert(call_id.clone(), call.to_owned());
        }
        self.arrows.push_back(Arrow {
            at,
            from,
            to,
            label: label_of_sip(bytes),
            call_id,
            lost,
        });
        if self.arrows.len() > MOST {
            self.arrows.pop_front();
        }
    }

    /// The engine calls the call with this Call-ID so.
    pub fn call(&mut self, call_id: &str, engine: String) {
        self.calls.insert(call_id.to_owned(), engine);
    }

    /// Something that concerns every call.
    pub fn note(&mut self, at: Mono, text: String) {
        self.notes.push_back((at, text));
        if self.notes.len() > MOST {
            self.notes.pop_front();
        }
    }

    /// The ladder of the call with this Call-ID and of every leg that the engine made for it;
    /// without one, of everything.
    #[must_use]
    pub fn ladder(&self, call_id: Option<&str>) -> String {
        let mut legs = BTreeSet::new();
        if let Some(id) = call_id {
            legs.insert(id);
            let engine = self.calls.get(id).or_else(|| self.legs.get(id));
            // The caller's own leg, and those that the engine made for it.
            let both = self.calls.iter().chain(&self.legs);
            let others = both.filter(|(_, of)| engine == Some(of));
            legs.extend(others.map(|(leg, _)| leg.as_str()));
        }
        let wanted = |arrow: &&Arrow| call_id.is_none() || legs.contains(arrow.call_id.as_str());
        let mut arrows: Vec<&Arrow> = self.arrows.iter().filter(wanted).collect();
        let cut = arrows.len().saturating_sub(MOST_LINES);
        arrows.drain(..cut);
        let mut ladder = Ladder::new();
        let Some(first) = arrows.first().map(|arrow| arrow.at) else {
            return String::new();
        };
        let mut notes = self.notes.iter().filter(|(at, _)| *at >= first).peekable();
        for arrow in arrows {
            while let Some((at, text)) = notes.next_if(|(at, _)| *at <= arrow.at) {
                ladder.note(*at - first, "engine", text);
            }
            let name = |address: &SocketAddr| {
                let known = self.names.get(address).cloned();
                known.unwrap_or_else(|| address.to_string())
            };
            let (at, from, to) = (arrow.at - first, name(&arrow.from), name(&arrow.to));
            if arrow.lost {
                ladder.lost(at, &from, &to, &arrow.label);
            } else {
                ladder.message(at, &from, &to, &arrow.label);
            }
        }
        for (at, text) in notes.take(MOST_LINES) {
            ladder.note(*at - first, "engine", text);
        }
        ladder.to_string()
    }
}
