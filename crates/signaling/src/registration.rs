//! We ourselves as a client of a carrier's registrar (RFC 3261 §10.2): one address of record, kept
//! registered.
//!
//! The machine draws its time and its answers from outside like everything here; its requests leave by
//! an [`Endpoint`], whose [`crate::Event::RegisterDone`] comes back to it.

use crate::client_auth::{AccountId, MAX_ANSWERS};
use crate::endpoint::Endpoint;
use crate::endpoint_requests::Register;
use crate::event::RequestId;
use crate::flow::{Flow, Transport};
use crate::message::{HeaderName, Message};
use crate::registration_reply::{granted, seconds, seen_at, service_route};
use crate::write;
use meishier_model::Mono;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// First and longest wait after failures in a row (RFC 5626 §4.5: `base-time` while no flow stands,
/// `max-time`).
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1800));
/// Wait after a refusal that will not go away by itself, before it is looked at again.
const SLOW: Duration = Duration::from_secs(1200);
/// A binding that lasts longer than this is refreshed [`EARLY`] before its end, others at half of
/// their time (3GPP TS 24.229 §5.1.1.4.1).
const LONG: Duration = Duration::from_secs(1200);
const EARLY: Duration = Duration::from_secs(600);
/// Two REGISTERs stand at least this far apart, whatever a registrar says; but for the answer to a
/// challenge, to 423, and to an address that it sees for the first time.
const APART: Duration = Duration::from_secs(1);
/// Shortest wait before a refresh that failed is tried again while the binding holds.
const RETRY: Duration = Duration::from_secs(5);
/// Longest interval that is asked for and believed.
const LONGEST: Duration = Duration::from_secs(86_400);
/// How often one registration is asked for anew at once: for 423, or because of an address seen.
const AT_ONCE: u8 = 2;

/// Which Contact we name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContactMode {
    /// Our own address, as the listener has it.
    #[default]
    Own,
    /// The address that the registrar sees us at (`received` and `rport` of our Via, RFC 3581 §4):
    /// what a NAT on the way makes of ours.
    AsSeen,
}

/// What a registration is of.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistrationConfig {
    /// Request-URI: the registrar's domain, `sip:ims.example.com` (§10.2: no user).
    pub registrar: String,
    /// The address of record, `sip:user@domain`.
    pub aor: String,
    /// User part of our Contact; empty for none.
    pub contact_user: String,
    /// Which Contact.
    pub contact: ContactMode,
    /// The interval that is asked for, at most a day.
    pub expires: Duration,
    /// Whose credentials are shown.
    pub account: Option<AccountId>,
}

/// Without the address of record, which is a number.
impl fmt::Debug for RegistrationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationConfig")
            .field("registrar", &self.registrar)
            .finish_non_exhaustive()
    }
}

/// Where a registration stands.
///
/// ```text
///                 start()                 2xx                     half its time is over
///  ┌────────────┐  ───▶  ┌───────────┐  ───────▶  ┌──────────┐  ─────────────────▶  ┌────────────┐
///  │Unregistered│        │Registering│            │Registered│        2xx           │ Refreshing │
///  └────────────┘        └───────────┘  ◀──┐      └──────────┘  ◀─────────────────  └────────────┘
///     ▲              4xx, │   │  5xx, 408, │                                       due  ▲    │ any
///     │              6xx  ▼   ▼  no answer │ due                                        │    │ failure
///     │          ┌─────────┐ ┌─────────┐   │          the time of ┌─────────┐           │    │
///     │          │ Refused │ │ Waiting │───┘          the binding │ Overdue │ ──────────┘    │
///     │          └────┬────┘ └─────────┘ ◀─────────────────────── └─────────┘ ◀──────────────┘
///     │ any           └ due, after 10 to 20 min: Registering   ran out (Refreshing: Registering)
///  ┌─────────┐  leave() from anywhere, once no request is under way (§10.2)
///  │ Leaving │
///  └─────────┘
/// ```
/// Transitions: `start`, `handle_timeout` (due), `handle_done` (responses), `leave`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationState {
    /// Nothing was sent, or all was taken back (§10.2.2).
    Unregistered,
    /// REGISTER is under way; nothing is bound.
    Registering,
    /// Bound (§10.2.1); waits for its refresh.
    Registered,
    /// Bound, and the refresh is under way (§10.2.4).
    Refreshing,
    /// Bound; a refresh failed or was refused, which takes no binding away (§10.3 step 7), and is tried
    /// again.
    Overdue,
    /// Not bound; the registrar is tried again (RFC 5626 §4.5).
    Waiting,
    /// Not bound; the registrar does not want us (403, 404, wrong password): tried again rarely.
    Refused,
    /// Expires: 0 is under way (§10.2.2).
    Leaving,
}

impl RegistrationState {
    /// The name used in metrics and on pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::Registering => "registering",
            Self::Registered => "registered",
            Self::Refreshing => "refreshing",
            Self::Overdue => "overdue",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Leaving => "leaving",
        }
    }

    /// True while the registrar has a binding of ours.
    #[must_use]
    pub fn is_bound(self) -> bool {
        matches!(self, Self::Registered | Self::Refreshing | Self::Overdue)
    }
}

/// An address of record of ours and how it stands with its registrar.
pub struct Registration {
    config: RegistrationConfig,
    state: RegistrationState,
    /// Call-ID and From tag, the same for as long as we run (§10.2).
    names: Option<(String, String)>,
    cseq: u32,
    pending: Option<RequestId>,
    /// The interval that the registrar insists on (423).
    least: Duration,
    /// The address in our Contact, once it is another than our own.
    seen: Option<SocketAddr>,
    /// The address that is bound.
    bound: Option<SocketAddr>,
    /// The address of the request under way.
    asked: Option<SocketAddr>,
    until: Option<Mono>,
    next: Option<Mono>,
    sent: Option<Mono>,
    failures: u32,
    at_once: u8,
    leaving: bool,
    route: Box<str>,
    status: u16,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("state", &self.state)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// One that has sent nothing yet.
    #[must_use]
    pub fn new(config: RegistrationConfig) -> Self {
        Self {
            config,
            state: RegistrationState::Unregistered,
            names: None,
            cseq: 0,
            pending: None,
            least: Duration::ZERO,
            seen: None,
            bound: None,
            asked: None,
            until: None,
            next: None,
            sent: None,
            failures: 0,
            at_once: 0,
            leaving: false,
            route: "".into(),
            status: 0,
        }
    }

    /// What it is of.
    #[must_use]
    pub fn config(&self) -> &RegistrationConfig {
        &self.config
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> RegistrationState {
        self.state
    }

    /// Status of the last final response: 408 if none came, 503 if none could; 0 before the first.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The Route value that requests outside dialogs are to go by (Service-Route, RFC 3608 §5); empty
    /// if the registrar named none, or nothing is bound.
    #[must_use]
    pub fn route(&self) -> &str {
        match self.state.is_bound() {
            true => &self.route,
            false => "",
        }
    }

    /// Our request that is under way.
    #[must_use]
    pub fn pending(&self) -> Option<RequestId> {
        self.pending
    }

    /// When [`Registration::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let until = self.until.filter(|_| self.state.is_bound());
        crate::timers::earlier(self.next, until)
    }

    /// Begins to register, at once.
    pub fn start(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        self.leaving = false;
        if self.state == RegistrationState::Unregistered {
            self.ask(now, endpoint, flow);
        }
    }

    /// Does not wait any longer to be tried again, if that is all that it waits for.
    pub fn hurry(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        if self.state == RegistrationState::Waiting && !self.leaving {
            self.ask(now, endpoint, flow);
        }
    }

    /// Takes the binding back (§10.2.2), as soon as no request is under way. It ends in
    /// [`RegistrationState::Unregistered`].
    pub fn leave(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        self.leaving = true;
        self.next = None;
        if self.pending.is_none() {
            self.go(now, endpoint, flow);
        }
    }

    /// Does what is due. `flow` is the way to the registrar; `None` if there is none now.
    pub fn handle_timeout(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        let ran_out = self.until.is_some_and(|until| until <= now);
        if ran_out && self.state.is_bound() {
            self.unbind();
            self.state = match self.pending {
                Some(_) => RegistrationState::Registering,
                None => RegistrationState::Waiting,
            };
        }
        if self.next.is_some_and(|next| next <= now) && self.pending.is_none() {
            self.ask(now, endpoint, flow);
        }
    }

    /// The final response to a request came, or none will ([`crate::Event::RegisterDone`]). False if
    /// the request is not of this registration.
    pub fn handle_done(
        &mut self,
        now: Mono,
        endpoint: &mut Endpoint,
        flow: Option<Flow>,
        (id, status, reply): (RequestId, u16, Option<&Message>),
    ) -> bool {
        if self.pending != Some(id) {
            return false;
        }
        self.pending = None;
        self.status = status;
        // Answers to challenges have counted on; how many, nobody says where none was answered in turn.
        self.cseq = match reply {
            Some(reply) => self.cseq.max(reply.cseq().0),
            None => self.cseq.wrapping_add(MAX_ANSWERS) & 0x7fff_ffff,
        };
        match (self.state, status, reply) {
            (RegistrationState::Leaving, ..) => self.rest(),
            (_, 200..300, Some(reply)) => self.on_bound(now, endpoint, flow, reply),
            (_, 423, Some(reply)) => self.on_too_brief(now, endpoint, flow, reply),
            _ => self.on_failed(now, endpoint, status, reply),
        }
        if self.leaving && self.pending.is_none() && self.state != RegistrationState::Unregistered {
            self.go(now, endpoint, flow);
        }
        true
    }

    fn go(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        let bound = self.state.is_bound();
        self.unbind();
        match flow {
            Some(flow) if bound => {
                let own = self.bound.unwrap_or(flow.local);
                self.state = RegistrationState::Leaving;
                let contacts = [(self.contact(own, flow.transport), 0)];
                self.send(now, endpoint, flow, &contacts);
                if self.pending.is_none() {
                    self.rest();
                }
            }
            _ => self.rest(),
        }
    }

    fn rest(&mut self) {
        self.unbind();
        self.bound = None;
        self.next = None;
        self.state = RegistrationState::Unregistered;
    }

    fn unbind(&mut self) {
        self.until = None;
        self.route = "".into();
    }

    /// Sends a REGISTER that asks for the binding, new or again.
    fn ask(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Option<Flow>) {
        self.next = None;
        let Some(flow) = flow else {
            return self.on_no_way(now, endpoint);
        };
        self.state = match self.state.is_bound() {
            true => RegistrationState::Refreshing,
            false => RegistrationState::Registering,
        };
        let address = self.seen.unwrap_or(flow.local);
        let expires = self.interval().as_secs();
        let mut contacts = vec![(self.contact(address, flow.transport), expires)];
        // The same request takes back what was bound under another address.
        let before = self.bound.filter(|before| *before != address);
        contacts.extend(before.map(|before| (self.contact(before, flow.transport), 0)));
        self.asked = Some(address);
        self.send(now, endpoint, flow, &contacts);
        if self.pending.is_none() {
            self.on_no_way(now, endpoint);
        }
    }

    /// Nothing could be sent.
    fn on_no_way(&mut self, now: Mono, endpoint: &mut Endpoint) {
        self.status = 503;
        self.on_failed(now, endpoint, 503, None);
    }

    /// The interval that is asked for.
    fn interval(&self) -> Duration {
        self.config.expires.max(self.least).min(LONGEST)
    }

    fn send(&mut self, now: Mono, endpoint: &mut Endpoint, flow: Flow, contacts: &[(String, u64)]) {
        self.cseq = self.cseq.wrapping_add(1) & 0x7fff_ffff;
        let (call_id, tag) = self.names.get_or_insert_with(|| endpoint.register_names());
        let register = Register {
            flow,
            registrar: &self.config.registrar,
            aor: &self.config.aor,
            tag,
            call_id,
            cseq: self.cseq,
            contacts,
            account: self.config.account,
        };
        self.sent = Some(now);
        self.pending = endpoint.register(now, &register).ok();
    }

    fn contact(&self, address: SocketAddr, transport: Transport) -> String {
        let mut out = Vec::with_capacity(64);
        let flow = Flow {
            transport,
            local: address,
            remote: address,
            connection: 0,
        };
        write::contact(
            &mut out,
            write::contact_user(&self.config.contact_user),
            &flow,
        );
        String::from_utf8(out).unwrap_or_default()
    }

    /// 2xx: bound for as long as it says (§10.2.4).
    fn on_bound(
        &mut self,
        now: Mono,
        endpoint: &mut Endpoint,
        flow: Option<Flow>,
        reply: &Message,
    ) {
        let granted = granted(reply, self.asked).unwrap_or(self.interval());
        let granted = granted.min(LONGEST);
        if granted.is_zero() {
            // Another removed it in the same moment, or it was never taken in.
            return self.on_failed(now, endpoint, 480, None);
        }
        self.bound = self.asked;
        self.route = service_route(reply);
        self.state = RegistrationState::Registered;
        self.failures = 0;
        let lead = if granted > LONG {
            granted - EARLY
        } else {
            granted / 2
        };
        self.until = Some(now + granted);
        self.next = Some(now + lead.max(APART));
        let seen = seen_at(reply, self.asked);
        let moved =
            self.config.contact == ContactMode::AsSeen && seen.is_some() && seen != self.bound;
        if !moved {
            self.at_once = 0;
        } else {
            self.seen = seen;
            // A NAT that shows another address every time is met at the next refresh.
            if !self.leaving && self.at_once < AT_ONCE {
                self.at_once += 1;
                self.ask(now, endpoint, flow);
            }
        }
    }

    /// 423: the interval is too brief (§10.2.8).
    fn on_too_brief(
        &mut self,
        now: Mono,
        endpoint: &mut Endpoint,
        flow: Option<Flow>,
        reply: &Message,
    ) {
        let least = reply.header(HeaderName::MinExpires).and_then(seconds);
        match least.filter(|least| *least > self.interval() && *least <= LONGEST) {
            Some(least) if self.at_once < AT_ONCE && !self.leaving => {
                self.at_once += 1;
                self.least = least;
                self.ask(now, endpoint, flow);
            }
            _ => self.on_failed(now, endpoint, 423, Some(reply)),
        }
    }

    /// No binding came of a request.
    fn on_failed(
        &mut self,
        now: Mono,
        endpoint: &mut Endpoint,
        status: u16,
        reply: Option<&Message>,
    ) {
        self.at_once = 0;
        self.failures = self.failures.saturating_add(1);
        let passing = matches!(status, 408 | 429 | 480 | 486 | 491 | 500..600);
        let after = reply.and_then(|reply| reply.header(HeaderName::RetryAfter));
        // §20.33: a comment and parameters may follow.
        let after = after.and_then(|value| seconds(value.split([' ', ';', '(']).next()?));
        let after = after.unwrap_or(Duration::ZERO).min(BACK_OFF.1);
        let word = endpoint.random();
        let doubled = BACK_OFF.0.saturating_mul(1 << (self.failures - 1).min(16));
        let mut wait = jitter(doubled.min(BACK_OFF.1), word);
        match self.until.filter(|until| *until > now) {
            // One that refuses a refresh may have meant the request, or have its bad hour.
            Some(until) => {
                self.state = RegistrationState::Overdue;
                let left = Duration::from_micros(until.0.saturating_sub(now.0));
                wait = wait.min((left / 2).max(RETRY));
            }
            None if passing => self.state = RegistrationState::Waiting,
            None => {
                self.unbind();
                self.bound = None;
                self.state = RegistrationState::Refused;
                wait = jitter(SLOW, word);
            }
        }
        self.next = Some(now + wait.max(after));
    }
}

/// Evenly between half of `longest` and all of it (RFC 5626 §4.5).
fn jitter(longest: Duration, word: u64) -> Duration {
    let half = longest / 2;
    half + half * ((word % 1001) as u32) / 1000
}
