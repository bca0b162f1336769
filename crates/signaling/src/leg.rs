//! A leg: our side of one INVITE dialog, incoming or outgoing (RFC 3261 §12 to §15).
//!
//! ```text
//!   leg ─────────── state, timers, hanging up
//!   leg_incoming ── ring, answer, reject, CANCEL, ACK
//!   leg_outgoing ── responses to our INVITE, CANCEL, forks
//!   leg_reliable ── provisional responses that are acknowledged: PRACK both ways, early dialogs
//!   leg_timer ───── the session timer: refreshes both ways, the end without them
//!   leg_responses ─ whose response or failure it is
//!   leg_again ───── a request that was challenged goes again with credentials
//!   refer ───────── REFER, and the NOTIFYs that follow it
//!   leg_session ─── requests within the dialog: BYE, re-INVITE both ways, UPDATE, INFO, OPTIONS
//! ```

use crate::body;
use crate::client_auth::{AccountId, Attempts, Credentials, Wallet};
use crate::defect::{Broken, Defect, no_bye};
use crate::dialog::Dialog;
use crate::early::Early;
use crate::endpoint::EndpointConfig;
use crate::event::{EndCause, Event};
use crate::flow::Flow;
use crate::keys::{ClientKey, Owner, Purpose, ServerKey};
use crate::leg_reliable::{Peer, Provisionals};
use crate::leg_timer::Draft;
use crate::message::{HeaderName, Message, Method};
use crate::names::{Names, branch};
use crate::refer::{self, Refers};
use crate::session_timer::{Claimed, SessionTimer};
use crate::terms::Terms;
use crate::timers::{Due, Repeat, earlier, rebase};
use crate::transactions::Transactions;
use crate::write;
use meishier_model::{LegId, Mono};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::time::Duration;

/// Longest Reason value that is handed up, in bytes.
const REASON_LIMIT: usize = 256;

/// Where a leg stands.
///
/// ```text
///        INVITE came                                      invite()
///             ▼                                               ▼
///       ┌─────────┐ ring()  ┌─────────┐                 ┌─────────┐
///       │ Arrived │────────▶│ Ringing │──┐              │ Calling │───────────────┐
///       └──┬──┬───┘         └──┬──┬───┘  │ again        └──┬─┬────┘               │
///          │  │         ┌──────┘  │◀─────┘             1xx │ │ 2xx: ACK           │
///          │  │ answer()│         │                        ▼ │                    │
///          │  ▼         ▼         │                 ┌────────┴───┐                │
///          │ ┌─────────────┐      │                 │ Proceeding │──────┐         │
///          │ │  Answered   │ 200 again until ACK    └──┬─────────┘      │         │
///          │ │             │      │ (§13.3.1.4)        │ 2xx: ACK       │ hangup()│
///          │ └──┬───────┬──┘      │                    │ (§13.2.2.4)    ▼         ▼
///  reject()│    │ ACK   │ no ACK  │ reject()           │         ┌────────────────────┐
///  hangup()│    ▼       │ hangup()│ hangup()           │         │     Cancelling     │
///  CANCEL  │ ┌──────────│─────────│────────────────────▼──┐      │ CANCEL at once or  │
///          │ │ Confirmed│ (re-INVITE, UPDATE, INFO: stay) │      │ after 1xx (§9.1)   │
///          │ └──┬───────│─────────│───────────────────┬───┘      └──┬────────────┬────┘
///          │    │hangup()         │                   │ BYE came    │2xx crossed:│ failure
///          ▼    ▼       ▼         ▼                   │ (§15.1.2)   ▼ ACK, BYE   │ or none
///        ┌─────────────────────────────────────┐      │         (to Ending)      │
///        │ Ending: BYE without response, or    │      │                          │
///        │ final response without ACK          │      │                          │
///        └──────────────────┬──────────────────┘      │                          │
///                           ▼                         ▼                          ▼
///        ┌───────────────────────────────────────────────────────────────────────────┐
///        │ Over: freed, Event::Gone                                                  │
///        └───────────────────────────────────────────────────────────────────────────┘
/// ```
/// `turn_away()` leads from Arrived straight to Over: nothing of a stranger's is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LegState {
    /// Incoming: the INVITE came, 100 was sent.
    Arrived,
    /// Incoming: 180 to 183 was sent.
    Ringing,
    /// Incoming: 200 was sent, the ACK has not come.
    Answered,
    /// Outgoing: the INVITE was sent, nothing has come.
    Calling,
    /// Outgoing: a provisional response came.
    Proceeding,
    /// Outgoing: we gave up before the answer; CANCEL was sent or waits for a provisional response.
    Cancelling,
    /// The call is up.
    Confirmed,
    /// We hung up or refused; the peer has not acknowledged it.
    Ending,
    /// Nothing is left to do. Never seen from outside.
    Over,
}

/// A 200 to INVITE that is sent until its ACK comes (§13.3.1.4), on every transport.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Unacknowledged {
    pub bytes: Vec<u8>,
    pub cseq: u32,
    /// It holds the offer, and the ACK is to bring the answer.
    #[serde(default)]
    pub offers: bool,
    pub repeat: Repeat,
    pub end: Option<Mono>,
}

/// A change of the session that the peer asked for and our user has not answered.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub key: ServerKey,
    /// Re-INVITE (its 200 waits for an ACK) or UPDATE (it does not).
    pub invite: bool,
    pub cseq: u32,
    pub target: Option<Box<str>>,
    /// What the request said of the session's time.
    #[serde(default)]
    pub session: Claimed,
    /// Tag of the early dialog that it came in; `None` in the call's own.
    #[serde(default)]
    pub early: Option<Box<str>>,
    /// The offer.
    #[serde(default)]
    pub offer: Option<Box<[u8]>>,
}

/// A change of the session that we asked for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Asking {
    /// The re-INVITE, unless it waits to be sent again.
    pub key: Option<ClientKey>,
    pub sdp: Vec<u8>,
    /// When it is sent again after a 491 (§14.1).
    pub again: Option<Mono>,
    /// How often it was sent.
    pub tries: u8,
    /// It refreshes the session and changes nothing of ours: our user hears of the party's answer alone.
    #[serde(default)]
    pub refresh: bool,
}

/// One leg.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub id: LegId,
    pub state: LegState,
    pub flow: Flow,
    pub dialog: Dialog,
    pub contact_user: Box<str>,
    /// How the dialog is kept.
    #[serde(default)]
    pub terms: Terms,
    /// Whose credentials our requests show.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// What the other side can.
    #[serde(default)]
    pub peer: Peer,
    /// The session timer.
    #[serde(default)]
    pub timer: SessionTimer,
    /// The longest Min-SE that the other side named.
    #[serde(default)]
    pub least: Duration,
    /// The other side takes UPDATE.
    #[serde(default)]
    pub takes_update: bool,
    /// Our UPDATE, until its final response.
    #[serde(default)]
    pub updating: Option<ClientKey>,
    /// Our description that holds, for a refresh by re-INVITE; kept until the call is up, and as long
    /// as a timer runs.
    #[serde(default)]
    pub described: Option<Box<[u8]>>,
    /// Outgoing: what our INVITE is made of, while 422 may come.
    #[serde(default)]
    pub draft: Option<Box<Draft>>,
    /// Incoming: our reliable provisional responses, if there were any.
    #[serde(default)]
    pub provisionals: Option<Box<Provisionals>>,
    /// Incoming: want of a PRACK is no reason to refuse the call.
    #[serde(default)]
    pub patient: bool,
    /// Outgoing: the early dialogs in which one was acknowledged, until the answer.
    #[serde(default)]
    pub early: Vec<Early>,
    /// Incoming: the INVITE, until its failure is acknowledged or its 200 sent.
    pub arrived: Option<ServerKey>,
    /// Incoming: the number of the INVITE, which its ACK repeats.
    pub invite_seq: u32,
    /// Incoming: the INVITE brought no offer.
    #[serde(default)]
    pub late: bool,
    /// Outgoing: our INVITE, until its final response.
    pub calling: Option<ClientKey>,
    /// We hung up: nothing but Gone is told any more.
    pub quiet: bool,
    /// Reason value for the CANCEL or BYE that is still to be sent.
    pub farewell: Option<Box<str>>,
    pub bye: Option<ClientKey>,
    pub unacknowledged: Option<Box<Unacknowledged>>,
    pub asked: Option<Box<Asked>>,
    pub asking: Option<Box<Asking>>,
    /// Our OPTIONS within the dialog, until its final response.
    pub probing: Option<ClientKey>,
    /// The REFERs that came, if any did.
    #[serde(default)]
    pub refers: Option<Box<Refers>>,
    /// Body of the ACK, when our 200 held the offer.
    pub ack_sdp: Option<Box<[u8]>>,
    /// When the ringing response is sent again (§13.3.1.1).
    pub refresh: Option<Mono>,
    /// Transactions that were ever the leg's and may still be.
    pub clients: SmallVec<[ClientKey; 2]>,
    pub servers: SmallVec<[ServerKey; 2]>,
    #[serde(skip)]
    pub deadline: Option<Due>,
    /// The connection under which the endpoint finds the leg; 0 for none.
    #[serde(skip)]
    pub indexed: u64,
}

/// What a leg works with: all of the endpoint but the legs.
pub(crate) struct Context<'a> {
    pub now: Mono,
    pub config: &'a EndpointConfig,
    pub names: &'a mut Names,
    pub wallet: &'a mut Wallet,
    pub tx: &'a mut Transactions,
    pub events: &'a mut VecDeque<Event>,
    pub broken: Broken,
}

impl Leg {
    pub(crate) fn new(
        id: LegId,
        state: LegState,
        flow: Flow,
        dialog: Dialog,
        contact_user: &str,
    ) -> Self {
        Self {
            id,
            state,
            flow,
            dialog,
            contact_user: write::contact_user(contact_user).into(),
            terms: Terms::default(),
            account: None,
            peer: Peer::UNKNOWN,
            timer: SessionTimer::default(),
            least: Duration::ZERO,
            takes_update: false,
            updating: None,
            described: None,
            draft: None,
            provisionals: None,
            patient: false,
            early: Vec::new(),
            arrived: None,
            invite_seq: 0,
            late: false,
            calling: None,
            quiet: false,
            farewell: None,
            bye: None,
            unacknowledged: None,
            asked: None,
            asking: None,
            probing: None,
            refers: None,
            ack_sdp: None,
            refresh: None,
            clients: SmallVec::new(),
            servers: SmallVec::new(),
            deadline: None,
            indexed: 0,
        }
    }

    /// When [`Leg::on_timer`] is due.
    pub(crate) fn next_timer(&self) -> Option<Mono> {
        let ok = self.unacknowledged.as_ref();
        let ok = ok.and_then(|ok| earlier(ok.repeat.at(), ok.end));
        let again = self.asking.as_ref().and_then(|a| a.again);
        // The session's time is looked at in a call that is up alone.
        let session = self.timer.deadline();
        let session = session.filter(|_| self.state == LegState::Confirmed);
        let told = self.refers.as_ref().and_then(|refers| refers.deadline());
        earlier(
            earlier(ok, self.next_reliable()),
            earlier(earlier(self.refresh, again), earlier(session, told)),
        )
    }

    /// Moves its timers to another clock, in whose queue none of them stands yet.
    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        self.deadline = None;
        self.indexed = 0;
        if let Some(ok) = &mut self.unacknowledged {
            ok.repeat.rebase(taken, now);
            rebase(&mut ok.end, taken, now);
        }
        if let Some(asking) = &mut self.asking {
            rebase(&mut asking.again, taken, now);
        }
        if let Some(provisionals) = &mut self.provisionals {
            provisionals.rebase(taken, now);
        }
        if let Some(refers) = &mut self.refers {
            refers.rebase(taken, now);
        }
        self.timer.rebase(taken, now);
        rebase(&mut self.refresh, taken, now);
    }

    /// A timer of the leg may be due.
    pub(crate) fn on_timer(&mut self, cx: &mut Context<'_>) {
        if let Some(ok) = &mut self.unacknowledged {
            if ok.end.is_some_and(|end| end <= cx.now) {
                self.on_no_ack(cx);
            } else if ok.repeat.fire(cx.now, Some(cx.config.timers.t2)) {
                cx.tx.counters.retransmissions_sent += 1;
                cx.tx.send_response(200, self.flow, ok.bytes.clone());
            }
        }
        self.on_reliable_timer(cx);
        if self.refresh.is_some_and(|at| at <= cx.now) {
            self.refresh_ringing(cx);
        }
        if self
            .asking
            .as_ref()
            .is_some_and(|a| a.again.is_some_and(|at| at <= cx.now))
        {
            self.ask_again(cx);
        }
        self.on_refer_timer(cx);
        self.on_session_timer(cx);
    }

    /// The call's user hangs up, whatever the state asks for.
    pub(crate) fn hangup(&mut self, cx: &mut Context<'_>, reason: Option<&str>) {
        self.quiet = true;
        self.farewell = reason.map(Into::into);
        match self.state {
            LegState::Arrived | LegState::Ringing => {
                let headers: SmallVec<[(&str, &str); 1]> =
                    reason.map(|r| ("Reason", r)).into_iter().collect();
                self.refuse(cx, 480, &headers);
            }
            // §15: the callee may not send BYE before the ACK came or the wait for it ended.
            LegState::Answered => self.state = LegState::Ending,
            LegState::Calling | LegState::Proceeding => {
                self.state = LegState::Cancelling;
                self.try_cancel(cx);
            }
            LegState::Confirmed => self.send_bye(cx),
            LegState::Cancelling | LegState::Ending | LegState::Over => {}
        }
    }

    /// Sends BYE (§15.1.1) and waits for its response. A change of the session that waits for our
    /// answer is refused first, one that we asked for is forgotten.
    pub(crate) fn send_bye(&mut self, cx: &mut Context<'_>) {
        if no_bye(cx.broken, &self.dialog.call_id) {
            return self.finish();
        }
        self.state = LegState::Ending;
        self.unacknowledged = None;
        self.refuse_asked(cx, 487, &[]);
        self.end_refers(cx);
        if let Some(key) = self.asking.take().and_then(|a| a.key) {
            cx.tx.disown(cx.now, key);
        }
        self.forget_probe(cx);
        self.timer.stop();
        if let Some(key) = self.updating.take() {
            cx.tx.disown(cx.now, key);
        }
        let reason = self.farewell.take();
        let headers: SmallVec<[(&str, &str); 1]> = reason
            .as_deref()
            .map(|r| ("Reason", r))
            .into_iter()
            .collect();
        let key = self.send(cx, Purpose::Bye, &headers, None);
        self.bye = Some(key);
    }

    /// Sends a request within the dialog in a transaction of its own (§12.2.1.1).
    pub(crate) fn send(
        &mut self,
        cx: &mut Context<'_>,
        purpose: Purpose,
        headers: &[(&str, &str)],
        bytes: Option<&[u8]>,
    ) -> ClientKey {
        let kind = match purpose.method() {
            Method::Notify => refer::FRAGMENT,
            _ => body::SDP,
        };
        self.send_with(cx, purpose, headers, bytes.map(|bytes| (kind, bytes)))
    }

    /// The same with a body of any type.
    pub(crate) fn send_with(
        &mut self,
        cx: &mut Context<'_>,
        purpose: Purpose,
        headers: &[(&str, &str)],
        body: Option<(&str, &[u8])>,
    ) -> ClientKey {
        let word = cx.names.word();
        let method = purpose.method();
        let cseq = match cx.broken.is(Defect::CseqNotRaised) {
            true => self.dialog.local_seq.max(1),
            false => self.dialog.next_seq(),
        };
        let shown = self.credentials(cx, method);
        let shown = shown.iter().map(|(name, value)| (*name, &**value));
        let headers: SmallVec<[(&str, &str); 4]> = headers.iter().copied().chain(shown).collect();
        let bytes = self.request(cx, method, cseq, &branch(word), &headers, body);
        let key = ClientKey {
            word,
            cancel: false,
        };
        cx.tx
            .start(cx.now, key, purpose, Owner::Leg(self.id), self.flow, bytes);
        cx.tx.attribute(key, Attempts::of(self.account));
        self.note_client(cx, key);
        key
    }

    /// What a request of the dialog shows before anybody asks for it.
    pub(crate) fn credentials(&self, cx: &mut Context<'_>, method: Method) -> Credentials {
        if self.account.is_none() {
            return Vec::new();
        }
        let (uri, _) = self.dialog.next_hop();
        cx.wallet.carry(self.account, (method.as_str(), &uri))
    }

    /// Writes a request within the dialog.
    pub(crate) fn request(
        &self,
        cx: &Context<'_>,
        method: Method,
        cseq: u32,
        branch: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, &[u8])>,
    ) -> Vec<u8> {
        let (uri, route) = self.dialog.next_hop();
        let is_hops = |name: &str| name.eq_ignore_ascii_case("Max-Forwards");
        let hops = headers.iter().find(|header| is_hops(header.0));
        let request = write::Request {
            method: method.as_str(),
            uri: &uri,
            flow: &self.flow,
            branch,
            route: &route,
            from: &self.dialog.local,
            to: &self.dialog.remote,
            call_id: &self.dialog.call_id,
            cseq,
            hops: hops.map_or(write::MAX_FORWARDS, |header| header.1),
        };
        let mut out = request.builder();
        if matches!(method, Method::Invite | Method::Notify) {
            out = out.header_with("Contact", |out| {
                write::contact(out, &self.contact_user, &self.flow)
            });
        }
        if method == Method::Invite {
            out = out.header("Allow", write::ALLOW);
        }
        out = out.header("User-Agent", &cx.config.user_agent);
        for (name, value) in headers.iter().filter(|header| !is_hops(header.0)) {
            out = out.header(name, value);
        }
        if let Some((content_type, bytes)) = body {
            // The builder keeps the body until it is finished.
            return out.body(content_type, bytes).finish();
        }
        out.finish()
    }

    /// Remembers a client transaction for the snapshot, and forgets those that are over.
    pub(crate) fn note_client(&mut self, cx: &Context<'_>, key: ClientKey) {
        self.clients.retain(|k| cx.tx.clients.contains_key(k));
        self.clients.push(key);
    }

    /// Remembers a server transaction for the snapshot, and forgets those that are over.
    pub(crate) fn note_server(&mut self, cx: &Context<'_>, key: ServerKey) {
        self.servers.retain(|k| cx.tx.servers.contains_key(k));
        self.servers.push(key);
    }

    /// Tells the user that the leg ended, unless it was the user who ended it.
    pub(crate) fn tell_ended(
        &mut self,
        cx: &mut Context<'_>,
        cause: EndCause,
        reason: Option<String>,
    ) {
        if !self.quiet {
            self.quiet = true;
            cx.events.push_back(Event::Ended {
                leg: self.id,
                cause,
                reason,
            });
        }
    }

    /// Nothing is left to do.
    pub(crate) fn finish(&mut self) {
        self.state = LegState::Over;
    }
}

/// The Reason value of a message (RFC 3326), cut to a length that may be kept.
pub(crate) fn reason_of(message: &Message) -> Option<String> {
    let value = message.header(HeaderName::Reason)?;
    let mut end = value.len().min(REASON_LIMIT);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).map(str::to_owned)
}
