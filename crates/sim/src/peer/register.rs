//! A telephone's registration.

use super::AgentEvent;
use super::desk::Context;
use super::dialog::contact;
use super::digest::Challenge;
use super::other_out::{Due, Method, OtherOut};
use super::text::{Message, parameter, uri_of};
use meishier_model::Mono;
use std::time::Duration;

/// Where a registration stands (RFC 3261 §10.2, §22.2).
///
/// ```text
///               register                                  0.8 of what was granted
///                  ▼                                                │
///            ┌────────────┐ 200                    ┌────────────┐───┘
///         ┌─▶│   Asking   │───────────────────────▶│ Registered │
///         │  └─┬─┬──────┬─┘◀───────────────────────└────────────┘
///         │    │ │      │ 408, 5xx                 ┌────────────┐
///  401,   └────┘ │      └─────────────────────────▶│  Waiting   │─┐ 30–60 s
///  423: again    │ other failures, or              └────────────┘ │
///                │ 200 to Expires: 0    Asking ◀──────────────────┘
///                ▼
///              Idle
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asking,
    Registered,
    Waiting,
    Idle,
}

/// How a far end is registered. The nonce of the last challenge is used again, with a rising count,
/// until the registrar finds it stale (RFC 7616 §3.3).
#[derive(Debug)]
pub(crate) struct Registration {
    state: State,
    pub call_id: Box<str>,
    from: String,
    /// Registrar's URI.
    uri: String,
    contact: Box<str>,
    seq: u32,
    /// What is asked for, seconds.
    expires: u32,
    challenge: Option<Challenge>,
    /// Challenges since the last answer of another kind.
    tries: u8,
    request: Option<OtherOut>,
    /// When it is to be asked again.
    again: Option<Mono>,
}

/// Challenges that are taken up one after another: one for want of a nonce, one for a stale one.
const MOST_TRIES: u8 = 3;

impl Registration {
    /// Nothing asked for yet; of the desk's account.
    pub(crate) fn new(cx: &mut Context<'_>) -> Option<Self> {
        let (tag, call) = (cx.desk.dice.bits(), cx.desk.dice.bits());
        let account = cx.desk.account.as_ref()?;
        let (user, domain) = (&account.user, &account.domain);
        let host = cx.desk.settings.address.ip();
        Some(Self {
            state: State::Idle,
            call_id: format!("{call:016x}@{host}").into(),
            from: format!("<sip:{user}@{domain}>;tag={tag:016x}"),
            uri: format!("sip:{domain}"),
            contact: contact(cx.desk, user),
            seq: 0,
            expires: 0,
            challenge: None,
            tries: 0,
            request: None,
            again: None,
        })
    }

    /// Asks for so many seconds.
    pub(crate) fn ask(&mut self, cx: &mut Context<'_>, expires: u32) {
        self.expires = expires;
        self.tries = 0;
        self.send(cx);
    }

    fn send(&mut self, cx: &mut Context<'_>) {
        let cnonce = cx.desk.dice.bits();
        let Some(account) = &cx.desk.account else {
            return;
        };
        let challenge = self.challenge.as_mut();
        let authorization =
            challenge.map(|c| c.authorize(account, Method::Register.as_str(), &self.uri, cnonce));
        self.seq += 1;
        let to = self.from.split(";tag").next().unwrap_or_default();
        let (branch, writer) = cx.request(Method::Register.as_str(), &self.uri);
        let mut writer = writer
            .header("From", &self.from)
            .header("To", to)
            .header("Call-ID", &self.call_id)
            .format("CSeq", format_args!("{} REGISTER", self.seq))
            .header("Contact", &self.contact)
            .header("Max-Forwards", "70")
            .format("Expires", format_args!("{}", self.expires));
        if let Some(value) = &authorization {
            writer = writer.header("Authorization", value);
        }
        let packet = writer.finish(None);
        cx.send(packet.clone());
        let reliable = cx.desk.is_reliable();
        let request = OtherOut::new(cx.now, reliable, Method::Register, branch, packet);
        self.request = Some(request);
        self.state = State::Asking;
        self.again = None;
    }

    pub(crate) fn handle_response(
        &mut self,
        cx: &mut Context<'_>,
        response: &Message<'_>,
        status: u16,
    ) {
        let (branch, method) = (response.own_branch(), response.cseq.1);
        let own = self.request.as_mut().filter(|r| r.owns(branch, method));
        if !own.is_some_and(|r| r.handle_response(status)) {
            return;
        }
        self.request = None;
        match status {
            200..300 => self.on_registered(cx, response),
            401 if self.take_up(cx, response) => self.send(cx),
            // §10.2.8
            423 if self.lengthen(response) => self.send(cx),
            _ => self.on_refused(cx, status),
        }
    }

    /// Takes up a challenge. False if it is of no use: an unknown algorithm, or a password that was
    /// refused.
    fn take_up(&mut self, cx: &mut Context<'_>, response: &Message<'_>) -> bool {
        let Some(account) = &cx.desk.account else {
            return false;
        };
        let found = Challenge::choose(response.headers("WWW-Authenticate"), account);
        // A nonce that is answered for the first time can only be called stale, or the password is
        // wrong.
        let fresh = self.tries > 0;
        self.tries += 1;
        match found {
            Some(challenge) if (challenge.stale || !fresh) && self.tries <= MOST_TRIES => {
                self.challenge = Some(challenge);
                true
            }
            _ => false,
        }
    }

    fn lengthen(&mut self, response: &Message<'_>) -> bool {
        let least = response.header("Min-Expires").and_then(|v| v.parse().ok());
        let longer = least.filter(|least| *least > self.expires && self.expires > 0);
        self.expires = longer.unwrap_or(self.expires);
        longer.is_some()
    }

    fn on_registered(&mut self, cx: &mut Context<'_>, response: &Message<'_>) {
        self.tries = 0;
        let expires = match self.expires {
            0 => 0,
            asked => self.granted(response).unwrap_or(asked),
        };
        self.state = match expires {
            0 => State::Idle,
            _ => State::Registered,
        };
        let refresh = Duration::from_secs(u64::from(expires)).mul_f64(0.8);
        self.again = (expires > 0).then(|| cx.now + refresh);
        cx.tell(AgentEvent::Registered { expires });
    }

    /// The seconds that the registrar gave our Contact (§10.2.4).
    fn granted(&self, response: &Message<'_>) -> Option<u32> {
        let own = uri_of(&self.contact);
        let mut contacts = response.headers("Contact").flat_map(|v| v.split(','));
        let found = contacts.find(|c| uri_of(c.trim()) == own)?;
        let (_, parameters) = found.split_once('>')?;
        let text = parameter(parameters, "expires").or_else(|| response.header("Expires"));
        text?.parse().ok()
    }

    fn on_refused(&mut self, cx: &mut Context<'_>, status: u16) {
        let passing = status == 408 || (500..600).contains(&status);
        self.state = State::Idle;
        if passing && self.expires > 0 {
            // As RFC 5626 §4.5 waits, so that not all come at once.
            let (least, most) = (Duration::from_secs(30), Duration::from_secs(60));
            self.again = Some(cx.now + cx.desk.dice.between(least, most));
            self.state = State::Waiting;
        }
        cx.tell(AgentEvent::RegisterRefused { status });
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        if let Some(request) = &mut self.request {
            match request.handle_timeout(cx.now) {
                Due::Nothing => {}
                Due::Again => {
                    let packet = request.packet();
                    cx.send(packet);
                }
                Due::Unanswered => {
                    self.request = None;
                    self.on_refused(cx, 408);
                }
            }
        } else if self.again.is_some_and(|at| at <= cx.now)
            && matches!(self.state, State::Registered | State::Waiting)
        {
            self.tries = 0;
            self.send(cx);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Mono> {
        match &self.request {
            Some(request) => request.poll_timeout(),
            None => self.again,
        }
    }

    /// A REGISTER without its final response.
    pub(crate) fn live(&self) -> usize {
        usize::from(self.request.is_some())
    }
}
