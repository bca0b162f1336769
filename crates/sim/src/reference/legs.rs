//! The SIP legs by Call-ID, as far as one can tell from what reached the engine and what it sent.

use super::dialogs::Keeping;
use super::sip::{Sip, Start};
use meishier_model::{CallId, Mono};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a finished leg is remembered for stragglers.
const REMEMBERED: Duration = Duration::from_secs(90);
/// How long RFC 3261 lets a server transaction absorb repetitions: 64·T1 of 500 ms.
const ABSORBED: Duration = Duration::from_secs(30);
/// The same for a refused INVITE whose ACK came (Timer I).
const CONFIRMED: Duration = Duration::from_secs(4);

/// Whose leg it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A caller's, with its call once the engine has taken it.
    Caller(Option<CallId>),
    /// A seat's telephone that dialled a star code.
    Star(u32),
    /// A seat's, for an offer.
    Seat(CallId, u32),
    /// A transfer's target.
    Target(CallId),
}

/// One leg. "Out" is what the engine sends.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Whose.
    pub party: Party,
    /// True if the INVITE came to the engine.
    pub inbound: bool,
    /// The far end.
    pub far: SocketAddr,
    /// When the INVITE came or left.
    pub began: Mono,
    /// CSeq of the INVITE.
    pub invite: u32,
    /// Hash of the INVITE's branch.
    pub branch: u64,
    /// First provisional response.
    pub provisional: Option<Mono>,
    /// Final response to the INVITE.
    pub last: Option<(u16, Mono)>,
    /// Hash of the 200 that the engine sent.
    pub ok: Option<u64>,
    /// The final response was acknowledged.
    pub acked: bool,
    /// CANCEL, in the direction of the INVITE.
    pub cancel: Option<Mono>,
    /// BYE from the far end.
    pub bye_in: Option<Mono>,
    /// BYE from the engine.
    pub bye_out: Option<Mono>,
    /// When the far end was last heard.
    pub heard: Mono,
    /// The leg may have ended without a message: the far end knows it no more, or its path broke.
    pub broken: bool,
    /// The call let go of it.
    pub released: Option<Mono>,
    /// Requests of the engine in dialogs: hash of the far tag, CSeq, hash of the branch.
    pub sent: Vec<(u64, u32, u64)>,
    /// Its INVITE held no offer.
    pub late: bool,
    /// What its dialog agreed on.
    pub keeping: Keeping,
}

impl Leg {
    fn new(party: Party, inbound: bool, far: SocketAddr, now: Mono, sip: &Sip<'_>) -> Self {
        Self {
            party,
            inbound,
            far,
            began: now,
            invite: sip.cseq,
            branch: hash(&[sip.branch]),
            provisional: None,
            last: None,
            ok: None,
            acked: false,
            cancel: None,
            bye_in: None,
            bye_out: None,
            heard: now,
            broken: false,
            released: None,
            sent: Vec::new(),
            late: sip.body == 0,
            keeping: Keeping::default(),
        }
    }

    /// True if the call is up, as both ends have said.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.answered() && self.acked && self.bye_out.is_none()
    }

    /// True once INVITE or dialog has ended, as far as one can tell.
    #[must_use]
    pub fn over(&self) -> bool {
        self.ended() || self.broken
    }

    /// The same without doubt: a leg whose path broke may go on over another one.
    fn ended(&self) -> bool {
        self.bye_in.is_some()
            || self.bye_out.is_some()
            || self.last.is_some_and(|(status, _)| status >= 300)
    }

    /// True if the far end answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.last.is_some_and(|(status, _)| status < 300)
    }

    /// True if the far end may count as vanished: nothing heard for so long.
    #[must_use]
    pub fn silent(&self, now: Mono, patience: Duration) -> bool {
        self.broken || now.since(self.heard) + Duration::from_secs(1) >= patience
    }
}

/// FNV-1a over parts.
#[must_use]
pub fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// All legs.
#[derive(Debug, Default)]
pub struct Legs {
    by_call_id: BTreeMap<Arc<str>, Leg>,
    ending: VecDeque<(Mono, Arc<str>)>,
    /// Final responses sent, by transaction: status, and until when the transaction stands.
    finals: BTreeMap<u64, (u16, Mono)>,
    aging: VecDeque<(Mono, u64)>,
    /// Final responses to INVITEs of the engine that have no ACK yet.
    pub unacknowledged: Vec<Arc<str>>,
    /// Reliable ringing of this step that has no PRACK yet: Call-ID, hash of the tag, RSeq.
    pub unpracked: Vec<(Arc<str>, u64, u32)>,
    /// When the engine's refreshes are due by RFC 4028 §7.2: half the time.
    pub refreshes: BTreeSet<(Mono, Arc<str>)>,
    /// Legs of seats and targets that the call let go of and that are not over yet.
    pub leaving: Vec<Arc<str>>,
    /// When requests outside of calls last came or left.
    pub strangers: Mono,
}

impl Legs {
    /// The leg of a Call-ID.
    #[must_use]
    pub fn get(&self, call_id: &str) -> Option<&Leg> {
        self.by_call_id.get(call_id)
    }

    /// Every leg with its Call-ID.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Leg)> {
        self.by_call_id.iter()
    }

    pub(super) fn get_mut(&mut self, call_id: &str) -> Option<&mut Leg> {
        self.by_call_id.get_mut(call_id)
    }

    /// The status that the engine gave to the transaction of this response before, if any.
    #[must_use]
    pub fn answered_before(&self, now: Mono, sip: &Sip<'_>) -> Option<u16> {
        let key = hash(&[sip.call_id, sip.branch, sip.method]);
        let found = self.finals.get(&key);
        found
            .filter(|(_, until)| now < *until)
            .map(|(status, _)| *status)
    }

    /// A path broke, or a shard was made anew: what the far ends and strangers may see differently.
    pub(super) fn flow_failed(&mut self, remote: SocketAddr) {
        for leg in self.by_call_id.values_mut().filter(|leg| leg.far == remote) {
            leg.broken = true;
        }
    }

    /// Transactions of strangers are not part of a snapshot.
    pub(super) fn replaced(&mut self) {
        self.finals.clear();
        self.aging.clear();
    }

    /// A message came in. Gives the Call-ID if it is an INVITE outside of a dialog, and whether the
    /// engine must take it for a new one.
    pub(super) fn incoming(
        &mut self,
        now: Mono,
        from: SocketAddr,
        sip: &Sip<'_>,
        star: Option<u32>,
    ) -> Option<(Arc<str>, bool)> {
        self.forget(now);
        match sip.start {
            Start::Request("INVITE", _) if sip.to_tag().is_empty() => {
                return Some(self.invited(now, from, sip, star));
            }
            Start::Request("REGISTER" | "OPTIONS", _) => self.strangers = now,
            _ => {}
        }
        let leg = self.by_call_id.get_mut(sip.call_id)?;
        leg.heard = now;
        match sip.start {
            Start::Request("CANCEL", _) if leg.inbound && sip.cseq == leg.invite => {
                leg.cancel = leg.cancel.or(Some(now));
            }
            Start::Request("BYE", _) => leg.bye_in = leg.bye_in.or(Some(now)),
            Start::Request("ACK", _) if leg.inbound && sip.cseq == leg.invite => leg.acked = true,
            Start::Response(status) => {
                self.rings(now, sip);
                self.response(now, status, sip);
            }
            Start::Request(..) => {}
        }
        if self.get(sip.call_id).is_some_and(Leg::ended) {
            self.end(now, sip.call_id);
        }
        None
    }

    fn invited(
        &mut self,
        now: Mono,
        from: SocketAddr,
        sip: &Sip<'_>,
        star: Option<u32>,
    ) -> (Arc<str>, bool) {
        let branch = hash(&[sip.branch]);
        if let Some((id, _)) = self.by_call_id.get_key_value(sip.call_id) {
            let id = Arc::clone(id);
            if let Some(leg) = self.by_call_id.get_mut(&id) {
                leg.heard = now;
                // The same again, or a new attempt while the first one lasts.
                if (leg.branch == branch && leg.invite == sip.cseq) || !leg.over() {
                    return (id, false);
                }
            }
        }
        let party = star.map_or(Party::Caller(None), Party::Star);
        let id: Arc<str> = Arc::from(sip.call_id);
        self.by_call_id
            .insert(Arc::clone(&id), Leg::new(party, true, from, now, sip));
        (id, true)
    }

    /// The engine took an INVITE for the beginning of this call: its leg begins now.
    pub(super) fn taken(&mut self, now: Mono, call_id: &str, call: CallId) {
        let Some(leg) = self.by_call_id.get_mut(call_id) else {
            return;
        };
        if leg.began != now {
            // A repetition that came after everything about the first one was forgotten.
            leg.began = now;
            leg.heard = now;
            leg.provisional = None;
            leg.last = None;
            leg.ok = None;
            leg.acked = false;
            leg.cancel = None;
            leg.bye_in = None;
            leg.bye_out = None;
            leg.broken = false;
            leg.released = None;
            leg.sent.clear();
            leg.keeping = Keeping::default();
        }
        leg.party = Party::Caller(Some(call));
    }

    fn response(&mut self, now: Mono, status: u16, sip: &Sip<'_>) {
        let Some((id, leg)) = self.by_call_id.get_key_value(sip.call_id) else {
            return;
        };
        let id = Arc::clone(id);
        let mut leg = leg.clone();
        match (sip.method, status) {
            ("INVITE", ..200) if sip.cseq == leg.invite && !leg.inbound => {
                leg.provisional = leg.provisional.or(Some(now));
            }
            ("INVITE", _) if sip.cseq == leg.invite && !leg.inbound && leg.last.is_none() => {
                leg.last = Some((status, now));
                self.unacknowledged.push(Arc::clone(&id));
            }
            ("CANCEL", _) | (_, ..300) => {}
            (_, 408 | 481) => leg.broken = true,
            _ => {}
        }
        self.by_call_id.insert(id, leg);
    }

    /// A response came: what it settles, and ringing to be acknowledged.
    fn rings(&mut self, now: Mono, sip: &Sip<'_>) {
        let Some(leg) = self.by_call_id.get_mut(sip.call_id) else {
            return;
        };
        let open = !leg.inbound && leg.last.is_none();
        let rings = leg.keeping.came(now, sip);
        self.note_refresh(sip.call_id);
        if let (Some((tag, number)), true) = (rings, open) {
            self.unpracked.push((Arc::from(sip.call_id), tag, number));
        }
    }

    /// The session of this leg may be the engine's to refresh.
    fn note_refresh(&mut self, call_id: &str) {
        let Some((id, leg)) = self.by_call_id.get_key_value(call_id) else {
            return;
        };
        let session = leg.keeping.session.filter(|session| session.by_engine);
        if let Some(session) = session {
            let due = session.since + session.lasts / 2;
            self.refreshes.insert((due, Arc::clone(id)));
        }
    }

    /// A message went out. Gives the Call-ID if it is a new INVITE.
    pub(super) fn outgoing(
        &mut self,
        now: Mono,
        to: SocketAddr,
        sip: &Sip<'_>,
        party: Option<Party>,
    ) -> Option<Arc<str>> {
        match sip.start {
            Start::Request("INVITE", _) if sip.to_tag().is_empty() => {
                if self.by_call_id.contains_key(sip.call_id) {
                    return None;
                }
                let id: Arc<str> = Arc::from(sip.call_id);
                let leg = Leg::new(party?, false, to, now, sip);
                self.by_call_id.insert(Arc::clone(&id), leg);
                return Some(id);
            }
            Start::Request("OPTIONS", _) if sip.to_tag().is_empty() => self.strangers = now,
            Start::Request(method, _) => self.sent_request(now, method, sip),
            Start::Response(status) => self.sent_response(now, status, sip),
        }
        if let Some(leg) = self.by_call_id.get_mut(sip.call_id) {
            leg.keeping.left(now, sip);
            self.note_refresh(sip.call_id);
        }
        if self.get(sip.call_id).is_some_and(Leg::ended) {
            self.end(now, sip.call_id);
        }
        None
    }

    fn sent_request(&mut self, now: Mono, method: &str, sip: &Sip<'_>) {
        if method == "ACK" {
            self.unacknowledged.retain(|id| **id != *sip.call_id);
        }
        let Some(leg) = self.by_call_id.get_mut(sip.call_id) else {
            return;
        };
        match method {
            "ACK" => leg.acked |= !leg.inbound,
            "CANCEL" => leg.cancel = leg.cancel.or(Some(now)),
            _ => {
                if method == "BYE" {
                    leg.bye_out = leg.bye_out.or(Some(now));
                }
                let entry = (hash(&[sip.to_tag()]), sip.cseq, hash(&[sip.branch]));
                if !leg.sent.contains(&entry) {
                    leg.sent.push(entry);
                }
            }
        }
    }

    fn sent_response(&mut self, now: Mono, status: u16, sip: &Sip<'_>) {
        if let Some(leg) = self.by_call_id.get_mut(sip.call_id)
            && sip.method == "INVITE"
            && leg.inbound
            && sip.cseq == leg.invite
        {
            if status < 200 {
                leg.provisional = leg.provisional.or(Some(now));
            } else if leg.last.is_none() {
                leg.last = Some((status, now));
                leg.ok = (status < 300).then(|| hash(&[sip.branch, sip.to]));
            }
        }
        // Those who were turned away without a transaction may be answered otherwise next time.
        let kept = status < 300 || (sip.method == "INVITE" && !matches!(status, 401 | 403 | 481));
        if status >= 200 && kept {
            let stands = if status < 300 { ABSORBED } else { CONFIRMED };
            let key = hash(&[sip.call_id, sip.branch, sip.method]);
            self.finals.entry(key).or_insert((status, now + stands));
            // Remembered longer, so that a repetition of it that is sent late does not count as another
            // transaction's beginning: a stall may put all of them behind the transaction's end.
            self.aging.push_back((now + stands + REMEMBERED, key));
        }
    }

    /// The call has no use for this leg any more.
    pub(super) fn release(&mut self, now: Mono, call_id: &str) {
        let Some((id, _)) = self.by_call_id.get_key_value(call_id) else {
            return;
        };
        let id = Arc::clone(id);
        if let Some(leg) = self.by_call_id.get_mut(&id)
            && leg.released.is_none()
        {
            leg.released = Some(now);
            self.leaving.push(Arc::clone(&id));
            self.ending.push_back((now + REMEMBERED, id));
        }
    }

    pub(super) fn end(&mut self, now: Mono, call_id: &str) {
        if let Some((id, _)) = self.by_call_id.get_key_value(call_id) {
            self.ending.push_back((now + REMEMBERED, Arc::clone(id)));
        }
    }

    /// Drops what no message can be about any more.
    fn forget(&mut self, now: Mono) {
        while let Some((at, id)) = self.ending.front()
            && *at <= now
        {
            if self
                .by_call_id
                .get(id)
                .is_some_and(|leg| leg.began + REMEMBERED <= now)
            {
                self.by_call_id.remove(id);
            }
            self.ending.pop_front();
        }
        while let Some((at, key)) = self.aging.front()
            && *at <= now
        {
            self.finals.remove(key);
            self.aging.pop_front();
        }
    }
}
