//! One far end: its calls, its registration and what it remembers.

use super::{AgentEvent, AgentSettings, CallKey, NewCall, Quirks, Stream};
use crate::dice::Dice;
use meishier_model::Mono;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A SIP user agent at one address. Handle in, poll out: after each call take packets and events
/// until there are none, then ask for the next timeout.
#[derive(Debug)]
pub struct Agent {
    settings: AgentSettings,
    /// How it misbehaves from now on.
    pub quirks: Quirks,
    dice: Dice,
    powered: bool,
    packets: VecDeque<Vec<u8>>,
    events: VecDeque<AgentEvent>,
    next_key: u64,
}

impl Agent {
    /// A far end that is on and does nothing yet.
    #[must_use]
    pub fn new(settings: AgentSettings, dice: Dice) -> Self {
        Self {
            settings,
            quirks: Quirks::default(),
            dice,
            powered: true,
            packets: VecDeque::new(),
            events: VecDeque::new(),
            next_key: 0,
        }
    }

    /// Where it is and what it can.
    #[must_use]
    pub fn settings(&self) -> &AgentSettings {
        &self.settings
    }

    /// True unless [`Agent::power`] turned it off.
    #[must_use]
    pub fn powered(&self) -> bool {
        self.powered
    }

    /// Makes a call (RFC 3261 §13.2.1).
    pub fn invite(&mut self, now: Mono, call: NewCall) -> CallKey {
        let _ = (now, call, self.dice.bits());
        self.next_key += 1;
        CallKey(self.next_key)
    }

    /// Takes an outgoing call back (§9.1); hangs it up if it was answered. False if there is
    /// nothing to take back.
    pub fn cancel(&mut self, now: Mono, key: CallKey) -> bool {
        self.bye(now, key)
    }

    /// Hangs up: BYE (§15.1.1), CANCEL while the engine has not answered, 480 while this end has
    /// not. False if the call is over.
    pub fn bye(&mut self, now: Mono, key: CallKey) -> bool {
        let _ = (now, key);
        false
    }

    /// Sends a provisional response: 180 without SDP, 183 with. False unless the call is incoming
    /// and unanswered.
    pub fn ring(&mut self, now: Mono, key: CallKey, status: u16) -> bool {
        let _ = (now, key, status);
        false
    }

    /// Answers an incoming call. False unless it is unanswered.
    pub fn answer(&mut self, now: Mono, key: CallKey) -> bool {
        let _ = (now, key);
        false
    }

    /// Refuses an incoming call with 300 to 699. False unless it is unanswered.
    pub fn reject(&mut self, now: Mono, key: CallKey, status: u16) -> bool {
        let _ = (now, key, status);
        false
    }

    /// Holds (sendonly) or resumes (sendrecv) an established call (RFC 3264 §8.4). False if the call
    /// is not established or a change is under way.
    pub fn hold(&mut self, now: Mono, key: CallKey, on: bool) -> bool {
        let _ = (now, key, on);
        false
    }

    /// Asks the engine whether it is there (§11); its answer tells nobody anything.
    pub fn options(&mut self, now: Mono) {
        let _ = now;
    }

    /// Registers `user` at `domain` for so many seconds, and again at 0.8 of what was granted while
    /// powered; 0 unregisters.
    pub fn register(&mut self, now: Mono, user: &str, domain: &str, password: &str, expires: u32) {
        let _ = (now, user, domain, password, expires);
    }

    /// Off: forgets every call, transaction and registration without a word and hears nothing.
    pub fn power(&mut self, on: bool) {
        self.powered = on;
        if !on {
            self.packets.clear();
            self.events.clear();
        }
    }

    /// This call answers nothing any more, and says nothing. It no longer counts as live.
    pub fn stop(&mut self, key: CallKey) {
        let _ = key;
    }

    /// Takes one whole SIP message.
    pub fn handle_packet(&mut self, now: Mono, from: SocketAddr, bytes: &[u8]) {
        let _ = (now, from, bytes);
    }

    /// The time of [`Agent::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Mono) {
        let _ = now;
    }

    /// The next packet to the engine.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<AgentEvent> {
        self.events.pop_front()
    }

    /// When to come back.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        None
    }

    /// Media of a call; `None` if the call is gone.
    #[must_use]
    pub fn stream(&self, key: CallKey) -> Option<Stream> {
        let _ = key;
        None
    }

    /// The call's Call-ID; `None` if the call is gone.
    #[must_use]
    pub fn call_id(&self, key: CallKey) -> Option<&str> {
        let _ = key;
        None
    }

    /// Dialogs and transactions that are not finished; 0 at rest. A registration that merely waits
    /// for its refresh is at rest.
    #[must_use]
    pub fn live(&self) -> usize {
        0
    }
}
