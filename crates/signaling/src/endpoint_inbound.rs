//! What an endpoint does with a message that came (RFC 3261 §8.1.3, §8.2, §9.2, §12.2.2, §17).
//!
//! ```text
//!   bytes ─ parse ─┬─ response ─▶ client transaction ─▶ leg
//!                  ├─ ACK ──────▶ server transaction, or leg by To tag
//!                  ├─ CANCEL ───▶ the INVITE's transaction ─▶ leg
//!                  └─ other ────▶ server transaction: again? 482?
//!                                   ├─ To tag: leg, or 481
//!                                   └─ none:   checks (§8.2) ─▶ Event::Invite, Event::Request
//! ```
//!
//! Requests refused here get their answer without a transaction (§8.2.7): a stranger's garbage
//! costs no memory, and a repetition of it gets the same answer again.

use crate::builder::Builder;
use crate::counters::count;
use crate::dialog::{Dialog, DialogError};
use crate::endpoint::Endpoint;
use crate::event::{Event, RequestId};
use crate::flow::Flow;
use crate::keys::{ClientKey, Owner, Purpose, ServerKey, merge_key, server_key};
use crate::leg::{Context, Leg, LegState};
use crate::leg_outgoing::{acknowledge_orphan, release_fork};
use crate::leg_reliable::Peer;
use crate::leg_timer::takes_update;
use crate::message::{HeaderName, Message, Method, ParseError};
use crate::names::leg_of_tag;
use crate::refusal::{self, Refusal};
use crate::scan;
use crate::server_transactions::{Opening, Seen};
use crate::uri::Uri;
use crate::write;
use meishier_model::{LegId, Mono};

/// Most requests of one call whose transactions still live. A person who presses a key four times
/// a second, each an INFO, stays below it.
const REQUESTS_PER_LEG: usize = 256;

/// Transactions of requests within calls beyond the limit of the others.
const RESERVE_PER_LEG: usize = 4;

/// Where and as what a new request came.
#[derive(Clone, Copy)]
struct Arrival {
    now: Mono,
    flow: Flow,
    key: ServerKey,
    /// `None` within dialogs.
    merge: Option<u64>,
}

impl Arrival {
    fn opening(self, invite: bool, owner: Owner, head: Vec<u8>) -> Opening {
        Opening {
            key: self.key,
            flow: self.flow,
            invite,
            owner,
            head,
            merge: self.merge,
        }
    }
}

/// What became of a request that was taken.
enum Admitted {
    /// A new leg.
    Leg(LegId),
    /// Its answer is up to the user.
    Request(RequestId),
    /// A leg has it.
    Within,
}

impl Endpoint {
    /// Takes one message: a datagram, or what the framer cut out of a stream.
    pub fn handle_message(&mut self, now: Mono, flow: Flow, bytes: &[u8]) {
        self.last = now;
        let message = match read(flow, bytes) {
            Ok(message) => message,
            // RFC 5626 §4.4.1: a keep-alive is no message.
            Err(ParseError::Empty) => return,
            Err(error) => {
                if scan::start_line_is_request(bytes) {
                    self.tx.counters.malformed += 1;
                } else {
                    self.tx.counters.malformed_responses += 1;
                }
                if let Some(reply) = error.reply_400(bytes, flow.remote) {
                    self.tx.send_response(error.status(), flow, reply);
                }
                return;
            }
        };
        if message.call_id().bytes().any(|b| b.is_ascii_control()) {
            // §25.1: no word; no answer could repeat it as it is.
            match message.is_request() {
                true => self.tx.counters.malformed += 1,
                false => self.tx.counters.malformed_responses += 1,
            }
            return;
        }
        match message.method() {
            None => self.on_response(now, flow, &message),
            Some(method) => {
                count(&mut self.tx.counters.received_requests, method as usize);
                match method {
                    Method::Ack => self.on_ack(now, &message),
                    Method::Cancel => self.on_cancel(now, flow, &message),
                    _ => self.on_request(now, flow, message),
                }
            }
        }
    }

    fn on_response(&mut self, now: Mono, flow: Flow, response: &Message) {
        let status = response.status().unwrap_or_default();
        count(
            &mut self.tx.counters.received_responses,
            usize::from(status),
        );
        let Some(mut heard) = self.tx.on_response(now, response) else {
            return;
        };
        if let Some(challenged) = heard.challenged.take()
            && self.ask_with_credentials(now, &heard, challenged, response)
        {
            return;
        }
        let (key, owner, purpose) = (heard.key, heard.owner, heard.purpose);
        match owner {
            Owner::Leg(leg) => {
                let heard = self.with_leg(now, leg, |leg, cx| {
                    leg.on_response(cx, key, purpose, response);
                });
                if heard.is_err() {
                    self.on_orphan(now, flow, response, key, purpose);
                }
            }
            Owner::Request(id) if status >= 200 => {
                self.on_request_done(id, purpose, status, Some(response));
            }
            Owner::Request(_) => {}
            Owner::Nobody => self.on_orphan(now, flow, response, key, purpose),
        }
    }

    /// A response whose leg is gone: only a 2xx to INVITE asks for something (§13.2.2.4).
    fn on_orphan(
        &mut self,
        now: Mono,
        flow: Flow,
        response: &Message,
        key: ClientKey,
        purpose: Purpose,
    ) {
        if !response.status().is_some_and(|s| (200..300).contains(&s)) {
            return;
        }
        let cx = &mut self.context(now);
        match purpose {
            Purpose::Invite => release_fork(cx, key, flow, response),
            // The BYE of that dialog is under way or done.
            Purpose::Reinvite => drop(acknowledge_orphan(cx, key, flow, response)),
            Purpose::Cancel
            | Purpose::Bye
            | Purpose::Options
            | Purpose::Prack
            | Purpose::Register
            | Purpose::Notify
            | Purpose::Update => {}
        }
    }

    fn on_ack(&mut self, now: Mono, ack: &Message) {
        if let Some(report) = self.tx.on_ack(now, server_key(ack, "INVITE")) {
            self.on_reports(now, report);
            return;
        }
        match self.leg_of(ack) {
            Some(leg) => {
                let _ = self.with_leg(now, leg, |leg, cx| leg.on_ack(cx, ack));
            }
            // §17.2.1: an ACK is never answered.
            None => self.tx.counters.unmatched += 1,
        }
    }

    fn on_cancel(&mut self, now: Mono, flow: Flow, cancel: &Message) {
        let key = server_key(cancel, "CANCEL");
        if self.tx.on_request(key, None) == Seen::Again {
            return;
        }
        let invite = server_key(cancel, "INVITE");
        let owner = self.tx.servers.get(&invite).map(|server| server.owner);
        let Some(Owner::Leg(leg)) = owner else {
            // §9.2: no such transaction.
            self.tx.counters.unmatched += 1;
            self.refuse(cancel, key, flow, &Refusal::plain(481));
            return;
        };
        // §9.2: the To tag of the answer should be that of the INVITE's responses.
        let tag = self
            .legs
            .get(&leg)
            .map(|leg| leg.dialog.local_tag.to_string());
        let tag = tag.unwrap_or_else(|| self.names.stateless_tag(key.0));
        let head = write::head(cancel, &flow, &tag);
        let bytes = write::response(&head, 200)
            .header("Server", &self.config.user_agent)
            .finish();
        let at = Arrival {
            now,
            flow,
            key,
            merge: None,
        };
        self.tx.accept(now, at.opening(false, Owner::Nobody, head));
        self.tx.respond(now, key, 200, bytes);
        let _ = self.with_leg(now, leg, |leg, cx| leg.on_cancel(cx, invite, cancel));
    }

    fn on_request(&mut self, now: Mono, flow: Flow, request: Message) {
        let key = server_key(&request, request.method_str());
        let merge = request.to_tag().is_none().then(|| merge_key(&request));
        let at = Arrival {
            now,
            flow,
            key,
            merge,
        };
        match self.tx.on_request(key, merge) {
            Seen::Again => {}
            // §8.2.2.2: the same request came by another way.
            Seen::Merged => self.refuse(&request, key, flow, &Refusal::plain(482)),
            Seen::New => match self.admit(at, &request) {
                Ok(Admitted::Leg(leg)) => {
                    self.events.push_back(Event::Invite { leg, flow, request })
                }
                Ok(Admitted::Request(id)) => {
                    self.events.push_back(Event::Request { id, flow, request })
                }
                Ok(Admitted::Within) => {}
                Err(refusal) => self.refuse(&request, key, flow, &refusal),
            },
        }
    }

    /// Takes a new request, or says why not.
    fn admit(&mut self, at: Arrival, request: &Message) -> Result<Admitted, Refusal> {
        refusal::check(request, &at.flow, &self.config.supported)?;
        if request.bytes().len() - request.body().len() > write::HEAD_LIMIT {
            return Err(self.limited(513));
        }
        let held = self.tx.servers.len();
        if at.merge.is_none() {
            let Some(leg) = self.leg_of(request) else {
                self.tx.counters.unmatched += 1;
                return Err(Refusal::plain(481));
            };
            let reserve = RESERVE_PER_LEG.saturating_mul(self.config.max_legs);
            let full = held >= self.config.max_transactions.saturating_add(reserve);
            // A call may always be ended.
            let ending = request.method() == Some(Method::Bye);
            if full || (!ending && self.is_flooded(leg)) {
                return Err(self.limited(503));
            }
            self.hand_to_leg(at, leg, request);
            return Ok(Admitted::Within);
        }
        let method = request.method().unwrap_or(Method::Other);
        // Whoever asks and asks, or registers, must not keep callers out.
        let room = match method {
            Method::Invite => self.config.max_transactions,
            _ => self.config.max_transactions / 2,
        };
        if held >= room {
            return Err(self.limited(503));
        }
        if method == Method::Invite {
            return self.open_leg(at, request).map(Admitted::Leg);
        }
        let id = self.take_request_id();
        let tag = self.names.stateless_tag(at.key.0);
        self.tx.accept(
            at.now,
            at.opening(
                false,
                Owner::Request(id),
                write::head(request, &at.flow, &tag),
            ),
        );
        self.requests.insert(id, at.key);
        Ok(Admitted::Request(id))
    }

    /// A request within a dialog (§12.2.2).
    fn hand_to_leg(&mut self, at: Arrival, leg: LegId, request: &Message) {
        let invite = request.method() == Some(Method::Invite);
        self.tx.accept(
            at.now,
            at.opening(invite, Owner::Leg(leg), write::head(request, &at.flow, "")),
        );
        let _ = self.with_leg(at.now, leg, |leg, cx| {
            leg.note_server(cx, at.key);
            if at.flow.transport == leg.flow.transport && at.flow.transport.is_reliable() {
                // The peer has opened another connection: what follows goes there.
                leg.flow = at.flow;
            }
            leg.on_request(cx, at.key, request);
        });
    }

    /// An INVITE outside any dialog makes a leg (§13.3.1).
    fn open_leg(&mut self, at: Arrival, request: &Message) -> Result<LegId, Refusal> {
        if self.legs.len() >= self.config.max_legs {
            return Err(self.limited(503));
        }
        let id = self.take_leg_id();
        let tag = self.names.leg_tag(id);
        let head = write::head(request, &at.flow, &tag);
        let dialog = Dialog::of_request(request, tag).map_err(|error| match error {
            DialogError::Contact | DialogError::Route | DialogError::Party => Refusal::plain(400),
        })?;
        let user = Uri::parse(request.request_uri())
            .ok()
            .and_then(|uri| uri.user)
            .unwrap_or("");
        let mut leg = Leg::new(id, LegState::Arrived, at.flow, dialog, user);
        leg.arrived = Some(at.key);
        leg.invite_seq = request.cseq().0;
        leg.late = crate::body::sdp(request).is_none();
        leg.peer = Peer::of_invite(request);
        leg.takes_update = takes_update(request);
        self.legs.insert(id, Box::new(leg));
        self.tx
            .accept(at.now, at.opening(true, Owner::Leg(id), head));
        // §17.2.1: 100 at once, so that the caller stops repeating the INVITE.
        let mut trying = Builder::response_from(request, 100, "", None, at.flow.remote);
        if let Some(stamp) = request.header(HeaderName::Timestamp) {
            // §8.2.6.1
            trying = trying.header("Timestamp", stamp);
        }
        self.tx.respond(at.now, at.key, 100, trying.finish());
        let _ = self.with_leg(at.now, id, |leg, cx| leg.note_server(cx, at.key));
        Ok(id)
    }

    /// True if a leg has as many live requests as it may have.
    fn is_flooded(&mut self, leg: LegId) -> bool {
        let Some(leg) = self.legs.get_mut(&leg) else {
            return false;
        };
        if leg.servers.len() < REQUESTS_PER_LEG {
            return false;
        }
        leg.servers.retain(|key| self.tx.servers.contains_key(key));
        leg.servers.len() >= REQUESTS_PER_LEG
    }

    /// A refusal because of a limit, counted.
    fn limited(&mut self, status: u16) -> Refusal {
        self.tx.counters.limited += 1;
        match status {
            // §21.5.4
            503 => Refusal::with(503, "Retry-After", "5"),
            status => Refusal::plain(status),
        }
    }

    /// Answers a request without keeping anything (§8.2.7).
    fn refuse(&mut self, request: &Message, key: ServerKey, flow: Flow, refusal: &Refusal) {
        let tag = self.names.stateless_tag(key.0);
        let head = write::head(request, &flow, &tag);
        let mut out =
            write::response(&head, refusal.status).header("Server", &self.config.user_agent);
        if let Some((name, value)) = &refusal.header {
            out = out.header(name, value);
        }
        let bytes = out.finish();
        self.tx.send_response(refusal.status, flow, bytes);
    }

    /// The leg whose dialog a request belongs to.
    fn leg_of(&self, request: &Message) -> Option<LegId> {
        let id = leg_of_tag(request.to_tag()?)?;
        self.legs
            .get(&id)
            .filter(|leg| leg.owns_request(request))
            .map(|leg| leg.id)
    }

    fn context(&mut self, now: Mono) -> Context<'_> {
        Context {
            now,
            config: &self.config,
            names: &mut self.names,
            wallet: &mut self.wallet,
            tx: &mut self.tx,
            events: &mut self.events,
            broken: self.broken,
        }
    }
}

/// Reads a message, of which a stream asks more than a datagram.
fn read(flow: Flow, bytes: &[u8]) -> Result<Message, ParseError> {
    let message = Message::parse(bytes)?;
    // §18.3: nothing else says where a message on a stream ends.
    if flow.transport.is_reliable() && message.header(HeaderName::ContentLength).is_none() {
        return Err(ParseError::Missing(HeaderName::ContentLength));
    }
    Ok(message)
}
