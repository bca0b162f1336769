//! What every machine of a far end needs at hand: who it is, its dice, and where packets and events
//! go.

use super::digest::Account;
use super::lasting::Lasting;
use super::other_in::{OtherIn, name_of};
use super::text::{Message, Writer};
use super::{AgentEvent, AgentSettings, Codec, Fired, Quirks, Transport};
use crate::dice::Dice;
use meishier_model::Mono;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// The parts of an agent that its calls share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub settings: AgentSettings,
    pub dice: Dice,
    pub packets: VecDeque<Vec<u8>>,
    pub events: VecDeque<AgentEvent>,
    pub answered: OtherIn,
    pub account: Option<Account>,
    pub fired: Fired,
}

/// A desk at one moment.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub now: Mono,
    pub quirks: Quirks,
    pub desk: &'a mut Desk,
}

impl Desk {
    /// The name in Via.
    pub(crate) fn transport(&self) -> &'static str {
        match self.settings.transport {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// Nothing is sent again by the transactions (RFC 3261 §17).
    pub(crate) fn is_reliable(&self) -> bool {
        self.settings.transport == Transport::Tcp
    }

    /// What ends the URI of a Contact.
    pub(crate) fn contact_parameters(&self) -> &'static str {
        match self.settings.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
        }
    }

    pub(crate) fn codecs(&self) -> &[Codec] {
        match self.settings.codecs.as_slice() {
            [] => &[Codec::Pcma],
            codecs => codecs,
        }
    }
}

impl Context<'_> {
    /// Sends a packet; sometimes twice.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) {
        if self.roll(self.quirks.duplicate_any) {
            self.desk.packets.push_back(bytes.clone());
        }
        self.desk.packets.push_back(bytes);
    }

    pub(crate) fn tell(&mut self, event: AgentEvent) {
        self.desk.events.push_back(event);
    }

    /// One occasion for a quirk. A share of 0 takes no number, so that quirks that are off do not
    /// change what follows.
    pub(crate) fn roll(&mut self, share: f64) -> bool {
        share > 0.0 && self.desk.dice.chance(share)
    }

    /// A request with a branch of its own.
    pub(crate) fn request(&mut self, method: &str, uri: &str) -> (u64, Writer) {
        let branch = self.desk.dice.bits();
        let address = self.desk.settings.address;
        let writer = Writer::request(method, uri, self.desk.transport(), address, branch);
        (branch, writer)
    }

    /// Answers a non-INVITE request of a call, the same again if it comes again (§17.2.2).
    pub(crate) fn reply(
        &mut self,
        request: &Message<'_>,
        from: SocketAddr,
        status: u16,
        sdp: Option<(&str, &str)>,
    ) {
        let mut writer = Writer::response(request, status, name_of(request), from);
        if let Some((contact, _)) = sdp {
            writer = writer.header("Contact", contact);
        }
        let bytes = writer.finish(sdp.map(|(_, body)| body));
        if !self.desk.is_reliable() {
            self.desk.answered.remember(self.now, request, &bytes);
        }
        self.send(bytes);
    }

    /// Answers an UPDATE that changes nothing, with what it says of the session's time.
    pub(crate) fn reply_lasting(&mut self, request: &Message<'_>, from: SocketAddr) {
        let writer = Writer::response(request, 200, name_of(request), from);
        let bytes = Lasting::repeat(request, writer).finish(None);
        if !self.desk.is_reliable() {
            self.desk.answered.remember(self.now, request, &bytes);
        }
        self.send(bytes);
    }

    /// Answers a request of no call and keeps nothing. The tag follows from the request, so that one
    /// that comes again gets the same again (§8.2.7).
    pub(crate) fn reply_stray(&mut self, request: &Message<'_>, from: SocketAddr, status: u16) {
        let mut writer = Writer::response(request, status, name_of(request), from);
        if request.cseq.1 == "OPTIONS" {
            writer = writer
                .header("Allow", ALLOW)
                .header("Accept", "application/sdp");
        }
        let bytes = writer.finish(None);
        self.send(bytes);
    }
}

/// What a far end understands.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK";
