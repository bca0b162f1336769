//! What must be true of streams when a step is over.
//!
//! A step is over when the engine has taken in one input and every order that follows from it has
//! been taken note of. Only states that stand at such a moment are judged, never those between two
//! orders of one step (a counsellor's port opens before the caller is connected to it).

use super::{Place, PortStream, Streams};
use crate::reference::parts::Part;
use meishier_engine::Phase;
use meishier_media::Codec;
use meishier_model::PortId;
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

/// Who a party of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who called.
    Caller,
    /// The counsellor's seat that rings or talks.
    Seat,
    /// Whom the transfer key reaches.
    Target,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "the caller",
            Self::Seat => "the seat",
            Self::Target => "the transfer's target",
        })
    }
}

/// A stream as the far end understands offer and answer (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentStream {
    /// Where it wants its RTP, as its own SDP says.
    pub local: SocketAddr,
    /// The codec in use; `None` until offer and answer are complete.
    pub codec: Option<Codec>,
    /// It may send now.
    pub sends: bool,
    /// It may be sent to now.
    pub hears: bool,
    /// True if offer and answer are complete and no new exchange (re-INVITE, UPDATE) is under way
    /// or was lost on it. Only then are codec, direction and address compared: in between, the two
    /// ends rightly differ.
    pub settled: bool,
}

/// One party of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartyStream {
    /// Who.
    pub role: Role,
    /// The engine's port for it: [`Streams::place_at`] of the engine's SDP address that the party
    /// was told. Still to be given when the agent has forgotten the call.
    pub port: PortId,
    /// How it takes part in the conversation; `None` as long as it does not: who waits, who rings,
    /// who is told something before joining.
    pub part: Option<Part>,
    /// It hears what is whispered to the counsellor: it is the counsellor, or in the counsellor's place.
    pub attends: bool,
    /// True if the engine has to send to this party now: it has had its answer (or, for the caller,
    /// has given one by 183 or 200), and neither side has ended the leg as far as the engine knows.
    /// False where that is not known; the party is then judged only while its port is open with its
    /// address.
    pub present: bool,
    /// False as long as the engine cannot know where to send: the party is to answer an offer of the
    /// engine's, in its PRACK or ACK (RFC 3261 §13.2.1).
    pub described: bool,
    /// What the party itself believes; `None` if its machine knows nothing of the call any more.
    pub agent: Option<AgentStream>,
}

/// One call, as those outside the engine see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStreams {
    /// Names the call in a finding.
    pub name: String,
    /// The shard on which it lives.
    pub shard: u16,
    /// Where the engine says it stands.
    pub phase: Phase,
    /// True if waiting callers have had music by the configuration for as long as this call lasts.
    pub music: bool,
    /// Its parties: the caller, the seat that rings or talks, the targets that ring or talk.
    /// Parties of earlier offers and transfers are left out.
    pub parties: Vec<PartyStream>,
}

/// A party whose port is open, and is its own.
type Here<'a> = (&'a PartyStream, &'a PortStream);

impl CallStreams {
    fn blame(&self, what: impl fmt::Display) -> Result<(), String> {
        let phase = self.phase.as_str();
        Err(format!("call {} ({phase}): {what}", self.name))
    }

    fn place(&self, party: &PartyStream) -> Place {
        Place {
            shard: self.shard,
            port: party.port,
        }
    }
}

impl Streams {
    /// The orders since the last time were such as an engine may give.
    ///
    /// # Errors
    /// The first order that was not: see the states of a port in the module's description.
    pub fn check(&mut self) -> Result<(), String> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// The streams of one call are right, at the end of a step:
    ///
    /// - In every phase, its parties hear and are heard by parties of this call alone. A settled
    ///   agent is sent to at its own address, in the codec it took, in the directions it agreed to
    ///   (hold and inactive included). These hold however long ago the last order was.
    /// - [`Phase::Queued`], [`Phase::Offered`]: the caller hears prompts, music, noise or silence, no
    ///   party; silence is wrong if it is present and [`CallStreams::music`]. Nobody else has an
    ///   open port: a seat's opens by its answer. So it is again for a caller whose seat vanished.
    /// - [`Phase::Talking`]: caller and seat are open and hear each other, alone or with a prompt over
    ///   the conversation, from the step of the seat's answer on.
    /// - [`Phase::Transferring`]: each party hears exactly whom its part lets it hear
    ///   ([`Part::hears`]); a target that rings is not open, and one that is told something hears
    ///   nobody and is heard by nobody. Nobody hears nothing at all.
    /// - [`Phase::WrappingUp`] (and for a call that has ended): no party has an open port.
    ///
    /// Not judged: whether prompts end in time, what an agent that is not settled believes, and
    /// whether packets flow (see the media scenario).
    ///
    /// # Errors
    /// What is wrong, in words, with ports in the place of numbers.
    pub fn check_call(&self, call: &CallStreams) -> Result<(), String> {
        let mut here: Vec<Here<'_>> = Vec::with_capacity(call.parties.len());
        for party in &call.parties {
            let must = self.must_be_open(call, party);
            let stream = self.stream(call.place(party));
            match stream.filter(|stream| is_of(stream, party, must)) {
                Some(stream) => here.push((party, stream)),
                None if must => {
                    return call.blame(format_args!(
                        "{}, at {}, is not sent to",
                        party.role,
                        call.place(party)
                    ));
                }
                None => {}
            }
        }
        for (party, stream) in &here {
            self.check_apart(call, &here, party, stream)?;
            check_agreement(call, party, stream)?;
        }
        match call.phase {
            Phase::Queued | Phase::Offered => check_waiting(call, &here),
            Phase::Talking | Phase::Transferring => check_conversation(call, &here),
            Phase::WrappingUp => match here.first() {
                Some((party, _)) => call.blame(format_args!("{} still has its port", party.role)),
                None => Ok(()),
            },
        }
    }

    /// Nothing is sent to an address by an agreement that no agent took part in.
    /// `is_agents` says whether an address is one where some agent, of whatever call, wants or
    /// wanted its RTP. Only agreements since the last time are asked about; an unspecified address
    /// (hold by `c=0.0.0.0`, RFC 3264 §8.4) means that nothing is sent.
    ///
    /// # Errors
    /// The first port with a strange address.
    pub fn check_destinations(
        &mut self,
        is_agents: impl Fn(SocketAddr) -> bool,
    ) -> Result<(), String> {
        for place in std::mem::take(&mut self.renewed) {
            let Some(stream) = self.stream(place) else {
                continue;
            };
            let to = stream.media.remote;
            if !to.ip().is_unspecified() && !is_agents(to) {
                return Err(format!("{place} sends to {to}, which no agent negotiated"));
            }
        }
        Ok(())
    }

    /// Open ports that are of no call (services to a seat, such as signing on) neither hear nor are
    /// heard by anybody. `of_calls` are the ports of all calls that have not ended.
    ///
    /// # Errors
    /// The first port that hears a party and is of no call.
    pub fn check_others(&self, of_calls: &BTreeSet<Place>) -> Result<(), String> {
        for (place, stream) in self.streams() {
            if of_calls.contains(&place) {
                continue;
            }
            if let Some(party) = stream.hears.parties().first() {
                return Err(format!("{place} is of no call and hears port {}", party.0));
            }
            if let Some(listener) = self.who_hears(place).first() {
                return Err(format!(
                    "{place} is of no call, port {} hears it",
                    listener.0
                ));
            }
        }
        Ok(())
    }

    fn must_be_open(&self, call: &CallStreams, party: &PartyStream) -> bool {
        match (call.phase, party.role) {
            (Phase::Talking, Role::Seat) => true,
            (Phase::Talking, Role::Caller) => party.described,
            (Phase::Queued | Phase::Offered, Role::Caller) => party.present && call.music,
            // A caller may have hung up while the others go on.
            (Phase::Transferring, Role::Caller) => party.present,
            (Phase::Transferring, Role::Seat) => party.present,
            (Phase::Transferring, Role::Target) => party.present && party.part.is_some(),
            _ => false,
        }
    }

    fn check_apart(
        &self,
        call: &CallStreams,
        here: &[Here<'_>],
        party: &PartyStream,
        stream: &PortStream,
    ) -> Result<(), String> {
        let is_here = |port: &PortId| here.iter().any(|(other, _)| other.port == *port);
        if let Some(port) = stream.hears.parties().iter().find(|p| !is_here(p)) {
            return call.blame(format_args!(
                "{} hears port {}, which is not of this call",
                party.role, port.0
            ));
        }
        let listeners = self.who_hears(call.place(party));
        match listeners.iter().find(|p| !is_here(p)) {
            Some(port) => call.blame(format_args!(
                "port {}, which is not of this call, hears {}",
                port.0, party.role
            )),
            None => Ok(()),
        }
    }
}

/// A port that a party had may be another call's by now: then it has another address. Of a party
/// whose machine knows nothing any more, the port is its own only as long as it has to be.
fn is_of(stream: &PortStream, party: &PartyStream, must: bool) -> bool {
    let to = stream.media.remote;
    party.agent.map_or(must || party.present, |agent| {
        agent.local == to || to.ip().is_unspecified()
    })
}

fn check_agreement(
    call: &CallStreams,
    party: &PartyStream,
    stream: &PortStream,
) -> Result<(), String> {
    let Some(agent) = party.agent.filter(|agent| agent.settled) else {
        return Ok(());
    };
    let (role, media) = (party.role, &stream.media);
    if agent.codec != Some(media.codec) {
        return call.blame(format_args!(
            "{role} took {:?}, the engine uses {:?}",
            agent.codec, media.codec
        ));
    }
    if media.direction.sends() != agent.hears || media.direction.receives() != agent.sends {
        return call.blame(format_args!(
            "{role} agreed to send: {}, to hear: {}; the engine to {}",
            agent.sends,
            agent.hears,
            media.direction.attribute()
        ));
    }
    Ok(())
}

fn check_waiting(call: &CallStreams, here: &[Here<'_>]) -> Result<(), String> {
    for (party, stream) in here {
        if party.role != Role::Caller {
            return call.blame(format_args!("{} has an open port", party.role));
        }
        if !stream.hears.parties().is_empty() {
            return call.blame("the caller waits and hears a party");
        }
        if call.music && party.present && stream.hears.is_nothing() {
            return call.blame("the caller waits in silence");
        }
    }
    Ok(())
}

/// Everybody hears whom they are to hear and nobody else; nobody is left in silence, but for who still
/// waits for a caller's description.
fn check_conversation(call: &CallStreams, here: &[Here<'_>]) -> Result<(), String> {
    let known = call.parties.iter().all(|party| party.described);
    let needed: &[Role] = match call.phase {
        Phase::Talking => &[Role::Caller, Role::Seat],
        _ => &[],
    };
    for role in needed {
        if known && !here.iter().any(|(party, _)| party.role == *role) {
            return call.blame(format_args!("{role} is not there"));
        }
    }
    for (party, stream) in here {
        if call.phase == Phase::Talking && party.role == Role::Target {
            return call.blame("the transfer is over, and its target still has an open port");
        }
        let others = here.iter().map(|(other, _)| other);
        for other in others.filter(|other| other.port != party.port) {
            let hears = stream.hears.parties().contains(&other.port);
            if hears != is_to_hear(party, other) {
                let not = if hears { "hears" } else { "does not hear" };
                return call.blame(format_args!(
                    "{} {not} {}, but {:?}",
                    party.role, other.role, stream.hears
                ));
            }
        }
        if known && party.part.is_some() && stream.hears.is_nothing() {
            return call.blame(format_args!("{} hears nothing at all", party.role));
        }
    }
    Ok(())
}

/// Whether one party of a conversation is to hear another.
fn is_to_hear(party: &PartyStream, other: &PartyStream) -> bool {
    let (Some(part), Some(others)) = (party.part, other.part) else {
        return false;
    };
    part.hears(party.attends).contains(&others)
}
