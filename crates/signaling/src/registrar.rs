//! The registrar of the seats' phones (RFC 3261 §10.3).
//!
//! ```text
//!   REGISTER ─► digest ─► To user = that user? ─► contacts readable? ─► expires ≥ minimum?
//!                 │401/403/400    │403                 │400/403              │423
//!                 ▼                                                          ▼
//!             no state kept                       bindings changed all or none ─► 200 + change
//! ```
//!
//! Nothing is stored for a stranger: a binding needs a password first, and a user has at most
//! `max_contacts` of them.

use crate::auth::{AuthConfig, AuthResult, Authenticator, Sender};
use crate::bindings::{Bindings, Entry, Origin, OutOfOrder, Wanted};
use crate::flow::{Flow, Transport};
use crate::header::HeaderName;
use crate::lex;
use crate::message::{Message, NameAddr};
use crate::outbound::{self, FlowId, Unreachable, Way};
use crate::uri::Uri;
use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

pub use crate::bindings::{Binding, BindingChange};

/// What a [`Registrar`] needs to know.
#[derive(Clone, Debug)]
pub struct RegistrarConfig {
    /// Realm, key and life of nonces.
    pub auth: AuthConfig,
    /// Shortest binding; shorter ones are answered 423. Whole seconds, below an hour.
    pub min_expires: Duration,
    /// Length of a binding whose REGISTER says none. Whole seconds.
    pub default_expires: Duration,
    /// Longest binding; longer ones are shortened. Whole seconds.
    pub max_expires: Duration,
    /// Most contacts of one user, at least 1.
    pub max_contacts: usize,
}

/// The answer to one REGISTER.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterReply {
    /// Status of the response.
    pub status: u16,
    /// Headers of the response beyond those that every response copies.
    pub headers: Vec<(String, String)>,
    /// What the user's bindings are now, if the request changed them.
    pub change: Option<BindingChange>,
    /// 403 because the password was wrong, or the user unknown.
    pub guessed: bool,
}

/// Shows no contacts and no nonces.
impl fmt::Debug for RegisterReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterReply")
            .field("status", &self.status)
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

impl RegisterReply {
    /// 503: too many wrong passwords came from there before.
    fn later(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1).to_string();
        Self {
            headers: vec![("Retry-After".to_owned(), seconds)],
            ..Self::status(503)
        }
    }

    fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            change: None,
            guessed: false,
        }
    }
}

/// Who is reached where.
pub struct Registrar {
    config: RegistrarConfig,
    auth: Authenticator,
    bindings: Bindings,
    changes: VecDeque<BindingChange>,
}

/// The bindings of a registrar with the requests that made them, so that the order of §10.3 step 7
/// holds on. Times are of the clock of the registrar that took it. Holds personal data.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct RegistrarSnapshot {
    users: Vec<(String, Vec<Entry>)>,
}

/// Shows how many, not whose.
impl fmt::Debug for RegistrarSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrarSnapshot")
            .field("users", &self.users.len())
            .finish()
    }
}

/// Longest Contact URI, Call-ID and user that are kept, in bytes.
const MAX_TEXT: usize = 512;

/// How often a phone with a flow of its own gives a sign of life, in seconds at most (RFC 5626 §10): less
/// than any NAT forgets in.
const FLOW_TIMER: &str = "30";

/// What the Contact headers ask for.
enum Request<'a> {
    /// No Contact: only tell (§10.3 step 6).
    Query,
    /// `Contact: *` with `Expires: 0`.
    Clear,
    /// The contacts with their lengths; `None` removes.
    Update(Vec<(NameAddr<'a>, Option<Duration>)>),
}

impl Registrar {
    /// A registrar without bindings.
    #[must_use]
    pub fn new(mut config: RegistrarConfig) -> Self {
        config.max_contacts = config.max_contacts.max(1);
        let auth = Authenticator::new(config.auth.clone());
        Self {
            config,
            auth,
            bindings: Bindings::default(),
            changes: VecDeque::new(),
        }
    }

    /// How many users have at least one binding.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Where nonces are kept and guesses counted.
    #[must_use]
    pub fn auth(&self) -> &Authenticator {
        &self.auth
    }

    /// True if nobody is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is registered. Nonces are not in it: with the same secret they hold on, but which
    /// counts of them were used is forgotten.
    #[must_use]
    pub fn snapshot(&self) -> RegistrarSnapshot {
        let users = self.bindings.all();
        RegistrarSnapshot {
            users: users
                .map(|(user, list)| (user.clone(), list.clone()))
                .collect(),
        }
    }

    /// Takes over what another registrar knew; a change is queued for each user. With
    /// `connections` false the process is another one: bindings by TCP went with their connections
    /// (RFC 5626 §4.2.2: the phone registers again on a new one), and a user may be left with none.
    pub fn restore(&mut self, snapshot: RegistrarSnapshot, connections: bool) {
        for (user, mut list) in snapshot.users {
            list.retain(|entry| connections || entry.binding.flow.connection == 0);
            self.bindings.take_over(&user, list);
            let contacts = self.bindings.of(&user);
            self.changes.push_back(BindingChange { user, contacts });
        }
    }

    /// The bindings of `user`, newest first.
    #[must_use]
    pub fn bindings(&self, user: &str) -> Vec<Binding> {
        self.bindings.of(user)
    }

    /// Whoever is reached by UDP through something that translates addresses, and forgets how if nobody
    /// speaks.
    pub fn behind_nat(&self) -> impl Iterator<Item = &Binding> {
        let all = self.bindings.all().flat_map(|(_, list)| list);
        all.map(|entry| &entry.binding)
            .filter(|it| it.flow.transport == Transport::Udp && it.behind_nat())
    }

    /// When [`Registrar::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.bindings.next_end()
    }

    /// Removes what ran out and queues a change for each user concerned.
    pub fn handle_timeout(&mut self, now: Mono) {
        for user in self.bindings.expire(now) {
            let contacts = self.bindings.of(&user);
            self.changes.push_back(BindingChange { user, contacts });
        }
    }

    /// A flow failed. Bindings on a TCP connection that is closed are gone, as nobody behind NAT can
    /// be reached by another (RFC 5626 §4.2.2 has the phone register again on a new one); a
    /// change is queued for each user concerned. Bindings by UDP stay.
    pub fn handle_flow_failed(&mut self, flow: Flow) {
        for user in self.bindings.drop_connection(flow.connection) {
            let contacts = self.bindings.of(&user);
            self.changes.push_back(BindingChange { user, contacts });
        }
    }

    /// The next change that time, not a request, brought about.
    pub fn poll_change(&mut self) -> Option<BindingChange> {
        self.changes.pop_front()
    }

    /// Answers one REGISTER that came by `flow`. Only the user whose password was proved can
    /// change bindings, and only those of the same name.
    pub fn handle_register(
        &mut self,
        now: Mono,
        flow: Flow,
        request: &Message,
        password: &dyn Fn(&str) -> Option<String>,
    ) -> RegisterReply {
        self.handle_timeout(now);
        // §10.2: To and what Contact holds are checked before anybody is asked who it is; RFC 4475
        // §3.3.4, §3.1.2.13 have 400 for them.
        let to = request.to_addr().and_then(|to| to.uri());
        let Some(to) = to.ok().filter(Uri::is_sip) else {
            return RegisterReply::status(400);
        };
        if request.contacts().any(|contact| contact.is_err()) {
            return RegisterReply::status(400);
        }
        let (bindings, from) = (&self.bindings, flow.remote.ip());
        let is_home = |user: &str| bindings.is_home(user, &flow);
        let sender = Sender {
            from,
            is_home: &is_home,
        };
        let user = match self.auth.check_from(now, sender, request, password) {
            AuthResult::Ok { user } => user,
            AuthResult::Challenge { headers } => {
                return RegisterReply {
                    headers,
                    ..RegisterReply::status(401)
                };
            }
            AuthResult::Refused => {
                return RegisterReply {
                    guessed: true,
                    ..RegisterReply::status(403)
                };
            }
            AuthResult::Malformed => return RegisterReply::status(400),
            AuthResult::Later { wait } => return RegisterReply::later(wait),
        };
        if to.user_unescaped() != user.as_str() {
            return RegisterReply::status(403);
        }
        if request.call_id().len() > MAX_TEXT || user.len() > MAX_TEXT {
            return RegisterReply::status(400);
        }
        let asked = self.read_contacts(request);
        match (asked, outbound::way(request)) {
            (Ok(asked), Ok(way)) => self.apply(now, (flow, &way), request, user, &asked),
            (Err(reply), _) => reply,
            (_, Err(Unreachable(status))) => RegisterReply::status(status),
        }
    }

    fn apply(
        &mut self,
        now: Mono,
        (flow, way): (Flow, &Way),
        request: &Message,
        user: String,
        asked: &Request<'_>,
    ) -> RegisterReply {
        let origin = Origin {
            flow,
            route: &way.route,
            call_id: request.call_id(),
            cseq: request.cseq().0,
        };
        let mut flows = false;
        let changed = match asked {
            Request::Query => Ok(false),
            Request::Clear => self.bindings.clear(&user, &origin),
            Request::Update(contacts) => {
                let wanted: Vec<Wanted<'_>> = contacts
                    .iter()
                    .map(|(c, length)| Wanted {
                        uri: c.uri,
                        expires: length.map(|l| now + l),
                        flow_id: outbound::flow_of(c, way),
                        q: preference(c),
                    })
                    .collect();
                if let Err(Unreachable(status)) = may_flow(&wanted, request) {
                    return RegisterReply::status(status);
                }
                flows = wanted.iter().any(|w| w.flow_id.is_some());
                self.bindings
                    .update(&user, &origin, &wanted, self.config.max_contacts)
                    .map(|()| true)
            }
        };
        // §10.3 step 7: "the update MUST be aborted and the request fails", as in §12.2.2 by 500.
        let Ok(changed) = changed.map_err(|OutOfOrder| ()) else {
            return RegisterReply::status(500);
        };
        let contacts = self.bindings.of(&user);
        let mut headers: Vec<(String, String)> = contacts
            .iter()
            .map(|b| ("Contact".to_owned(), contact_value(b, now)))
            .collect();
        let mut say = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if !way.route.is_empty() {
            // RFC 3327 §5.3: so that the phone knows who stands between.
            say("Path", &way.route);
        }
        if way.outbound || !way.route.is_empty() {
            say("Supported", &outbound::TAGS.join(", "));
        }
        if flows {
            // RFC 5626 §6: only where it was done.
            say("Require", "outbound");
            say("Flow-Timer", FLOW_TIMER);
        }
        let change = changed.then_some(BindingChange { user, contacts });
        RegisterReply {
            headers,
            change,
            ..RegisterReply::status(200)
        }
    }

    /// Steps 6 and 7 of §10.3, as far as they look at the request alone.
    fn read_contacts<'a>(&self, request: &'a Message) -> Result<Request<'a>, RegisterReply> {
        let bad = || RegisterReply::status(400);
        let header = request
            .header(HeaderName::Expires)
            .map(|text| self.seconds(text));
        let mut contacts = Vec::new();
        let mut star = false;
        for contact in request.contacts() {
            let contact = contact.map_err(|_| bad())?;
            if contact.uri == "*" {
                star = true;
                continue;
            }
            if contacts.len() >= self.config.max_contacts {
                return Err(RegisterReply::status(403));
            }
            let uri = contact.uri().map_err(|_| bad())?;
            if !uri.is_sip() || contact.uri.len() > MAX_TEXT {
                return Err(bad());
            }
            let asked = contact
                .params
                .value("expires")
                .map(|text| self.seconds(text))
                .or(header);
            let length = asked.unwrap_or(self.config.default_expires);
            if length.is_zero() {
                contacts.push((contact, None));
            } else if length < self.config.min_expires {
                let minimum = self.config.min_expires.as_secs().to_string();
                let headers = vec![("Min-Expires".to_owned(), minimum)];
                return Err(RegisterReply {
                    headers,
                    ..RegisterReply::status(423)
                });
            } else {
                contacts.push((contact, Some(length.min(self.config.max_expires))));
            }
        }
        match (star, contacts.is_empty()) {
            (false, true) => Ok(Request::Query),
            (false, false) => Ok(Request::Update(contacts)),
            // The star stands alone, and only to remove (§10.2.2).
            (true, true) if header == Some(Duration::ZERO) => Ok(Request::Clear),
            (true, _) => Err(bad()),
        }
    }

    /// Delta-seconds. What is no number counts as the default (§10.2.1.1 says 3600 s there); one
    /// beyond 32 bits is only too long.
    fn seconds(&self, text: &str) -> Duration {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return self.config.default_expires;
        }
        Duration::from_secs(u64::from(lex::number(text).unwrap_or(u32::MAX)))
    }
}

/// One Contact of a 200: the URI and the seconds that are left, rounded down but never to 0,
/// which would say that the binding is gone.
fn contact_value(binding: &Binding, now: Mono) -> String {
    let left = binding.expires.since(now).as_secs().max(1);
    let flow = binding.flow_id.as_ref().map(FlowId::params);
    let q = match binding.q {
        1000 => String::new(),
        q => format!(";q=0.{q:03}"),
    };
    let flow = flow.unwrap_or_default();
    format!("<{}>;expires={left}{q}{flow}", binding.uri)
}

/// `q` of a contact in thousandths (RFC 3261 §25.1: three places at most); the most if there is none.
fn preference(contact: &NameAddr<'_>) -> u16 {
    let Some(text) = contact.params.value("q") else {
        return 1000;
    };
    let places = text.strip_prefix("0.").or(text.strip_prefix('.'));
    let places = places.filter(|p| p.len() <= 3 && p.bytes().all(|b| b.is_ascii_digit()));
    match places {
        Some(places) => format!("{places:0<3}").parse().unwrap_or(1000),
        None if text == "0" => 0,
        None => 1000,
    }
}

/// Whether flows may be bound as they are asked for (RFC 5626 §6).
fn may_flow(wanted: &[Wanted<'_>], request: &Message) -> Result<(), Unreachable> {
    let bound = wanted.iter().filter(|want| want.expires.is_some());
    match wanted.iter().any(|want| want.flow_id.is_some()) {
        true if bound.count() > 1 => Err(Unreachable(400)),
        true if !outbound::first_hop_keeps_flow(request) => Err(Unreachable(439)),
        _ => Ok(()),
    }
}
