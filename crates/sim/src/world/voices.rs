//! Who hears whom, judged: the engine's streams against what the far ends believe.
//!
//! Judged after each step for the calls whose phase changed in it, and for all calls whenever media
//! looks whose packets come.

use super::World;
use super::far::FarId;
use super::judges::rtp_address;
use crate::invariants::{Invariant, Violation};
use crate::peer::{CallKey, Codec};
use crate::reference::calls::Call;
use crate::reference::legs::{Leg as BookLeg, Party};
use crate::reference::parts::Part;
use crate::reference::presses::Press;
use crate::stream::{AgentStream, CallStreams, PartyStream, Place, Role, Streams};
use meishier_engine::{CallStanding, Phase};
use meishier_model::CallId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// A call of a far end, by its Call-ID.
#[derive(Debug)]
struct Voice {
    far: FarId,
    key: CallKey,
    /// A hold or a resumption is under way, or its fate is not known to this end.
    changing: bool,
}

/// The books of who speaks where.
#[derive(Debug)]
pub(super) struct Voices {
    by_call_id: BTreeMap<String, Voice>,
    /// Every address at which a far end ever wanted RTP.
    wanted: BTreeSet<SocketAddr>,
    music: bool,
}

impl Voices {
    pub(super) fn new(music: bool) -> Self {
        Self {
            by_call_id: BTreeMap::new(),
            wanted: BTreeSet::new(),
            music,
        }
    }

    /// A far end sent this. What it wants is told here and nowhere else: it may have given up and
    /// forgotten it before the engine reads it.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.wanted.extend(rtp_address(bytes));
    }
}

/// The engine has this party's answer, or has given its own, and nobody has hung up as far as the
/// engine knows.
fn present(leg: &BookLeg) -> bool {
    let over = leg.over() || leg.broken || leg.released.is_some();
    let ending = leg.cancel.is_some() || leg.bye_in.is_some() || leg.bye_out.is_some();
    leg.answered() && described(leg) && !over && !ending
}

/// To an INVITE without an offer the answer comes in the ACK at the latest: before the engine has it, it
/// cannot send.
fn described(leg: &BookLeg) -> bool {
    !leg.inbound || !leg.late || leg.acked
}

fn codec(codec: Codec) -> meishier_media::Codec {
    match codec {
        Codec::Pcma => meishier_media::Codec::Pcma,
        Codec::Pcmu => meishier_media::Codec::Pcmu,
    }
}

fn role(
    (call_id, leg): (&str, &BookLeg),
    standing: &CallStanding<'_>,
    book: Option<&Call>,
) -> Option<Role> {
    let running = standing.phase == Phase::Transferring && leg.released.is_none();
    match leg.party {
        Party::Caller(Some(call)) if call == standing.call => Some(Role::Caller),
        Party::Seat(call, _) if call == standing.call && is_second(call_id, book) => {
            running.then_some(Role::Target)
        }
        Party::Seat(call, seat) if call == standing.call => {
            let present = standing.seat.is_some_and(|it| it.0 == seat);
            (present && leg.released.is_none()).then_some(Role::Seat)
        }
        Party::Target(call) if call == standing.call => running.then_some(Role::Target),
        _ => None,
    }
}

/// True for the leg of a seat that was called into the conversation.
fn is_second(call_id: &str, book: Option<&Call>) -> bool {
    let presses = book.into_iter().flat_map(|book| &book.presses);
    let mut bids = presses.filter(|press| press.bid.is_some() || press.named.is_some());
    bids.any(|press| press.legs.iter().any(|leg| **leg == *call_id))
}

/// How a party takes part, by the judges' books.
fn part(
    role: Role,
    call_id: &str,
    standing: &CallStanding<'_>,
    book: Option<&Call>,
) -> Option<Part> {
    if !matches!(standing.phase, Phase::Talking | Phase::Transferring) {
        return None;
    }
    let book = book?;
    match role {
        Role::Caller => Some(book.parts.caller),
        Role::Seat => Some(book.parts.counsellor),
        Role::Target => {
            let own = |press: &&Press| press.legs.last().is_some_and(|leg| **leg == *call_id);
            let press = book.presses.iter().find(own).filter(|press| press.there);
            press.map(|press| press.part)
        }
    }
}

/// True if this is the leg of the second line that has taken the place of a counsellor who has left.
fn stands_in(call_id: &str, book: Option<&Call>) -> bool {
    let officer =
        |press: &&Press| press.there && press.role == "second_line" && press.part == Part::Full;
    let first = book.and_then(|book| book.presses.iter().find(officer));
    first.is_some_and(|press| press.legs.last().is_some_and(|leg| **leg == *call_id))
}

/// False if nobody can say whether a party is still there: its path broke.
fn everybody_known(call: &CallStreams, standing: &CallStanding<'_>, book: Option<&Call>) -> bool {
    let is_there = |role: Role| call.parties.iter().any(|party| party.role == role);
    let talks = matches!(standing.phase, Phase::Talking | Phase::Transferring);
    let seat = !talks || standing.seat.is_none() || is_there(Role::Seat);
    let presses = book.into_iter().flat_map(|book| &book.presses);
    let there = presses.filter(|press| press.there).count();
    let heard = |party: &&PartyStream| party.role == Role::Target && party.part.is_some();
    let targets = call.parties.iter().filter(heard).count() == there;
    let gone = book.is_some_and(|book| book.caller_gone.is_some());
    // A path that failed may have ended a leg without a message, and the far end has forgotten it.
    let vague = |party: &PartyStream| {
        !party.present && party.agent.is_none() && !(gone && party.role == Role::Caller)
    };
    (is_there(Role::Caller) || gone) && seat && targets && !call.parties.iter().any(vague)
}

impl World {
    /// A far end has a call of this Call-ID.
    pub(super) fn has_voice(&mut self, call_id: String, far: FarId, key: CallKey) {
        let voice = Voice {
            far,
            key,
            changing: false,
        };
        self.voices.by_call_id.insert(call_id, voice);
    }

    /// A far end changes its session, or has done so.
    pub(super) fn voice_changes(&mut self, far: FarId, key: CallKey, changing: bool) {
        let call_id = self.fars[far.0].agent.call_id(key);
        let voice = call_id.and_then(|id| self.voices.by_call_id.get_mut(id));
        if let Some(voice) = voice {
            voice.changing = changing;
        }
    }

    fn party(
        &self,
        streams: &Streams,
        (call_id, leg): (&str, &BookLeg),
        (role, part): (Role, Option<Part>),
    ) -> Option<PartyStream> {
        let place: Place = streams.place_at(*self.judges.told.get(call_id)?)?;
        // Whoever gave up before the engine read the INVITE knows nothing any more.
        let voice = self.voices.by_call_id.get(call_id);
        let agent = voice.and_then(|voice| {
            let stream = self.fars[voice.far.0].agent.stream(voice.key)?;
            Some(AgentStream {
                local: stream.local,
                codec: stream.codec.map(codec),
                sends: stream.sends,
                hears: stream.hears,
                settled: described(leg)
                    && !voice.changing
                    && stream.codec.is_some()
                    && stream.remote.is_some(),
            })
        });
        Some(PartyStream {
            role,
            part,
            attends: role == Role::Seat,
            port: place.port,
            present: present(leg),
            described: described(leg),
            agent,
        })
    }

    /// Judges the streams of these calls, or of all.
    pub(super) fn judge_streams(
        &mut self,
        changed: Option<&BTreeSet<CallId>>,
    ) -> Result<(), Violation> {
        let mut streams = std::mem::take(&mut self.judges.streams);
        let result = self.judged(&mut streams, changed);
        if changed.is_none() {
            let legs = &self.judges.checker.books().legs;
            let fars = &self.fars;
            // The first INVITE may not have reached the engine yet.
            self.voices.by_call_id.retain(|id, voice| {
                let known = fars[voice.far.0].agent.call_id(voice.key).is_some();
                known || legs.get(id).is_some()
            });
            self.judges.told.retain(|id, _| legs.get(id).is_some());
        }
        self.judges.streams = streams;
        result
    }

    fn judged(
        &self,
        streams: &mut Streams,
        changed: Option<&BTreeSet<CallId>>,
    ) -> Result<(), Violation> {
        let broken = |call: Option<&str>, what: String| {
            Err(Violation {
                invariant: Invariant::Streams,
                call: call.map(str::to_owned),
                what,
            })
        };
        if let Err(what) = streams.check() {
            return broken(None, what);
        }
        let wanted = &self.voices.wanted;
        if let Err(what) = streams.check_destinations(|at| wanted.contains(&at)) {
            return broken(None, what);
        }
        for shard in self.rig.shards() {
            for standing in shard.call_standings() {
                if changed.is_some_and(|calls| !calls.contains(&standing.call)) {
                    continue;
                }
                // Who was marked for nuisance hears a last prompt while the call is wound up.
                let books = self.judges.checker.books();
                let parts = books
                    .calls
                    .get(&standing.call)
                    .is_some_and(|call| call.parted);
                if parts && standing.phase == Phase::WrappingUp {
                    continue;
                }
                let call = self.call_streams(streams, shard.id().0, &standing);
                if !everybody_known(&call, &standing, books.calls.get(&standing.call)) {
                    continue;
                }
                if let Err(what) = streams.check_call(&call) {
                    return broken(Some(standing.sip_call_id), what);
                }
            }
        }
        Ok(())
    }

    fn call_streams(
        &self,
        streams: &Streams,
        shard: u16,
        standing: &CallStanding<'_>,
    ) -> CallStreams {
        let books = self.judges.checker.books();
        let book = books.calls.get(&standing.call);
        let parties = books.legs.iter().filter_map(|(call_id, leg)| {
            let role = role((call_id, leg), standing, book)?;
            let part = part(role, call_id, standing, book);
            let mut party = self.party(streams, (call_id, leg), (role, part))?;
            party.attends |= standing.seat.is_none() && stands_in(call_id, book);
            Some(party)
        });
        CallStreams {
            name: standing.call.to_string(),
            shard,
            phase: standing.phase,
            music: self.voices.music,
            parties: parties.collect(),
        }
    }
}
