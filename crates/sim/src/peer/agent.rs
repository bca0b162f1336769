//! One far end: its calls, its registration and what it remembers.

use super::call::{Call, Phase};
use super::desk::{Context, Desk};
use super::dialog::{Dialog, contact};
use super::digest::Account;
use super::other_in::OtherIn;
use super::other_out::{Due, Method, OtherOut};
use super::register::Registration;
use super::sdp::Session;
use super::timers::earlier;
use super::{AgentEvent, AgentSettings, CallKey, Fired, NewCall, Quirks, Stream};
use crate::dice::Dice;
use meishier_model::Mono;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

/// Stopped calls that are remembered, to stay silent for them.
const MOST_STOPPED: usize = 256;
/// RTP ports begin anew after this one.
const LAST_PORT: u16 = 65_000;

/// A SIP user agent at one address. Handle in, poll out: after each call take packets and events
/// until there are none, then ask for the next timeout.
#[derive(Debug)]
pub struct Agent {
    /// How it misbehaves from now on.
    pub quirks: Quirks,
    pub(super) desk: Desk,
    powered: bool,
    pub(super) calls: BTreeMap<CallKey, Box<Call>>,
    pub(super) by_call_id: BTreeMap<Box<str>, CallKey>,
    /// When the calls have something to do.
    agenda: BTreeSet<(Mono, CallKey)>,
    pub(super) registration: Option<Registration>,
    /// OPTIONS outside of calls.
    pub(super) asked: Vec<OtherOut>,
    pub(super) stopped: VecDeque<Box<str>>,
    next_key: u64,
    next_port: u16,
}

impl Agent {
    /// A far end that is on and does nothing yet.
    #[must_use]
    pub fn new(settings: AgentSettings, dice: Dice) -> Self {
        let next_port = settings.media_port;
        let desk = Desk {
            settings,
            dice,
            packets: VecDeque::new(),
            events: VecDeque::new(),
            answered: OtherIn::default(),
            account: None,
            fired: Fired::default(),
        };
        Self {
            quirks: Quirks::default(),
            desk,
            powered: true,
            calls: BTreeMap::new(),
            by_call_id: BTreeMap::new(),
            agenda: BTreeSet::new(),
            registration: None,
            asked: Vec::new(),
            stopped: VecDeque::new(),
            next_key: 0,
            next_port,
        }
    }

    /// Where it is and what it can.
    #[must_use]
    pub fn settings(&self) -> &AgentSettings {
        &self.desk.settings
    }

    /// How often its quirks showed.
    #[must_use]
    pub fn fired(&self) -> Fired {
        self.desk.fired
    }

    /// True unless [`Agent::power`] turned it off.
    #[must_use]
    pub fn powered(&self) -> bool {
        self.powered
    }

    /// Makes a call (RFC 3261 §13.2.1). Without power nothing is sent, and the call is gone at once.
    pub fn invite(&mut self, now: Mono, call: NewCall) -> CallKey {
        let (tag, id) = (self.desk.dice.bits(), self.desk.dice.bits());
        let settings = &self.desk.settings;
        let (address, engine) = (settings.address, settings.engine);
        let account = self.desk.account.as_ref();
        let local = if call.caller == "anonymous" {
            format!("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={tag:016x}")
        } else if let Some(account) = account.filter(|a| a.user == call.caller) {
            format!("<sip:{}@{}>;tag={tag:016x}", account.user, account.domain)
        } else {
            format!("<sip:{}@{address}>;tag={tag:016x}", call.caller)
        };
        let dialog = Dialog {
            call_id: format!("{id:016x}@{}", address.ip()).into(),
            local: local.into(),
            remote: format!("<sip:{}@{engine}>", call.to_user).into(),
            target: format!("sip:{}@{engine}", call.to_user).into(),
            contact: contact(&self.desk, &call.caller),
            // Any number to begin with (§8.1.1.5).
            seq: self.desk.dice.roll(1000) as u32,
            remote_seq: None,
        };
        let key = self.new_key();
        if !self.powered {
            return key;
        }
        let mut made = Call::new(key, Phase::Dialling, dialog, self.new_session());
        made.dial(&mut self.context(now), &call, None);
        made.dialled = Some(Box::new(call));
        self.keep(made);
        key
    }

    /// Takes an outgoing call back (§9.1); hangs up what was answered, as [`Agent::bye`] does. False
    /// if there is nothing to take back.
    pub fn cancel(&mut self, now: Mono, key: CallKey) -> bool {
        self.bye(now, key)
    }

    /// Hangs up: BYE (§15.1.1), CANCEL while the engine has not answered, 480 while this end has
    /// not. False if the call is over or was hung up.
    pub fn bye(&mut self, now: Mono, key: CallKey) -> bool {
        self.with(now, key, Call::hang_up).unwrap_or(false)
    }

    /// Sends a provisional response; 183 has SDP (unless the INVITE had none), others have not.
    /// False unless the call is incoming and unanswered.
    pub fn ring(&mut self, now: Mono, key: CallKey, status: u16) -> bool {
        self.with(now, key, |call, cx| call.ring(cx, status))
            .unwrap_or(false)
    }

    /// Answers an incoming call with 200. False unless it is unanswered.
    pub fn answer(&mut self, now: Mono, key: CallKey) -> bool {
        self.with(now, key, Call::answer).unwrap_or(false)
    }

    /// Refuses an incoming call with 300 to 699. False unless it is unanswered.
    pub fn reject(&mut self, now: Mono, key: CallKey, status: u16) -> bool {
        self.with(now, key, |call, cx| call.reject(cx, status))
            .unwrap_or(false)
    }

    /// Holds (sendonly) or resumes (sendrecv) an established call (RFC 3264 §8.4). False if the call
    /// is not established or a change is under way; else [`AgentEvent::HoldDone`] follows, unless
    /// the call ends before.
    pub fn hold(&mut self, now: Mono, key: CallKey, on: bool) -> bool {
        self.with(now, key, |call, cx| call.hold(cx, on))
            .unwrap_or(false)
    }

    /// Asks the engine whether it is there (§11); its answer tells nobody anything.
    pub fn options(&mut self, now: Mono) {
        if !self.powered {
            return;
        }
        let mut cx = self.context(now);
        let (tag, id) = (cx.desk.dice.bits(), cx.desk.dice.bits());
        let (address, engine) = (cx.desk.settings.address, cx.desk.settings.engine);
        let (branch, writer) = cx.request("OPTIONS", &format!("sip:{engine}"));
        let packet = writer
            .format("From", format_args!("<sip:{address}>;tag={tag:016x}"))
            .format("To", format_args!("<sip:{engine}>"))
            .format("Call-ID", format_args!("{id:016x}@{}", address.ip()))
            .header("CSeq", "1 OPTIONS")
            .header("Max-Forwards", "70")
            .finish(None);
        cx.send(packet.clone());
        let reliable = cx.desk.is_reliable();
        let asked = OtherOut::new(now, reliable, Method::Options, branch, packet);
        self.asked.push(asked);
    }

    /// Registers `user` at `domain` for so many seconds, and again at 0.8 of what was granted while
    /// powered; 0 unregisters. The password serves INVITEs that are challenged, too.
    pub fn register(&mut self, now: Mono, user: &str, domain: &str, password: &str, expires: u32) {
        if !self.powered {
            return;
        }
        let same = (self.desk.account.as_ref())
            .is_some_and(|a| (&*a.user, &*a.domain, &*a.password) == (user, domain, password));
        let kept = self.registration.take().filter(|_| same);
        if !same {
            self.desk.account = Some(Account {
                user: user.to_owned(),
                domain: domain.to_owned(),
                password: password.to_owned(),
            });
        }
        let mut cx = self.context(now);
        let mut registration = kept.or_else(|| Registration::new(&mut cx));
        if let Some(registration) = &mut registration {
            registration.ask(&mut cx, expires);
        }
        self.registration = registration;
    }

    /// Off: forgets every call, transaction and registration without a word, and hears nothing.
    pub fn power(&mut self, on: bool) {
        self.powered = on;
        if on {
            return;
        }
        self.calls.clear();
        self.by_call_id.clear();
        self.agenda.clear();
        self.asked.clear();
        self.stopped.clear();
        self.registration = None;
        self.desk.account = None;
        self.desk.answered.clear();
        self.desk.packets.clear();
        self.desk.events.clear();
    }

    /// This call answers nothing any more, and says nothing. It no longer counts as live.
    pub fn stop(&mut self, key: CallKey) {
        let Some(call) = self.forget(key) else {
            return;
        };
        if self.stopped.len() >= MOST_STOPPED {
            self.stopped.pop_front();
        }
        self.stopped.push_back(call.dialog.call_id);
    }

    /// The time of [`Agent::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some((at, key)) = self.agenda.first().copied()
            && at <= now
        {
            self.with(now, key, Call::handle_timeout);
        }
        self.desk.answered.handle_timeout(now);
        if let Some(mut registration) = self.registration.take() {
            registration.handle_timeout(&mut self.context(now));
            self.registration = Some(registration);
        }
        let mut asked = std::mem::take(&mut self.asked);
        for one in &mut asked {
            if one.handle_timeout(now) == Due::Again {
                let packet = one.packet();
                self.context(now).send(packet);
            }
        }
        asked.retain(|one| !one.is_over());
        self.asked = asked;
    }

    /// The next packet to the engine.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.desk.packets.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<AgentEvent> {
        self.desk.events.pop_front()
    }

    /// When to come back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let first = self.agenda.first().map(|(at, _)| *at);
        let registration = self.registration.as_ref();
        let asked = self.asked.iter().map(OtherOut::poll_timeout);
        let others = [
            self.desk.answered.poll_timeout(),
            registration.and_then(Registration::poll_timeout),
        ];
        asked.chain(others).fold(first, earlier)
    }

    /// Media of a call; `None` if the call is gone or hung up.
    #[must_use]
    pub fn stream(&self, key: CallKey) -> Option<Stream> {
        let call = self.calls.get(&key)?;
        let stands = !matches!(call.phase, Phase::Leaving | Phase::Over);
        stands.then(|| call.session.stream())
    }

    /// The call's Call-ID; `None` if the call is gone.
    #[must_use]
    pub fn call_id(&self, key: CallKey) -> Option<&str> {
        Some(&self.calls.get(&key)?.dialog.call_id)
    }

    /// Dialogs and transactions that are not finished; 0 at rest. A registration that merely waits
    /// for its refresh is at rest.
    #[must_use]
    pub fn live(&self) -> usize {
        self.calls.values().map(|c| c.live()).sum::<usize>()
            + self.asked.len()
            + self.desk.answered.len()
            + self.registration.as_ref().map_or(0, Registration::live)
    }

    pub(super) fn context(&mut self, now: Mono) -> Context<'_> {
        Context {
            now,
            quirks: self.quirks,
            desk: &mut self.desk,
        }
    }

    pub(super) fn new_key(&mut self) -> CallKey {
        self.next_key += 1;
        CallKey(self.next_key)
    }

    pub(super) fn new_session(&mut self) -> Session {
        let port = self.next_port;
        self.next_port = match port.checked_add(2) {
            Some(next) if next <= LAST_PORT => next,
            _ => self.desk.settings.media_port,
        };
        let local = SocketAddr::new(self.desk.settings.address.ip(), port);
        Session::new(local, self.desk.dice.bits())
    }

    /// Takes a new call in.
    pub(super) fn keep(&mut self, call: Call) {
        let key = call.key;
        self.by_call_id.insert(call.dialog.call_id.clone(), key);
        self.calls.insert(key, Box::new(call));
        self.settle(key);
    }

    /// Does something with a call, and notes when it has something to do next.
    pub(super) fn with<R>(
        &mut self,
        now: Mono,
        key: CallKey,
        act: impl FnOnce(&mut Call, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let call = self.calls.get_mut(&key)?;
        let mut cx = Context {
            now,
            quirks: self.quirks,
            desk: &mut self.desk,
        };
        let result = act(call, &mut cx);
        self.settle(key);
        Some(result)
    }

    fn settle(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.tidy() {
            self.forget(key);
            return;
        }
        let next = call.poll_timeout();
        if next != call.entry {
            if let Some(at) = call.entry {
                self.agenda.remove(&(at, key));
            }
            self.agenda.extend(next.map(|at| (at, key)));
            call.entry = next;
        }
    }

    fn forget(&mut self, key: CallKey) -> Option<Box<Call>> {
        let call = self.calls.remove(&key)?;
        if let Some(at) = call.entry {
            self.agenda.remove(&(at, key));
        }
        self.by_call_id.remove(&call.dialog.call_id);
        Some(call)
    }

    pub(super) fn tell(&mut self, event: AgentEvent) {
        self.desk.events.push_back(event);
    }
}
