//! REFER within a call (RFC 3515, RFC 4488, RFC 7647), and the NOTIFYs by which its sender hears what
//! becomes of it (RFC 6665). Whether anything comes of it is our user's to say; the endpoint itself
//! calls nobody.
//!
//! ```text
//!          REFER: Event::Refer       accept_refer: 200, NOTIFY 100
//!   None ──────────────────────▶ Asked ─────────────────────────▶ Telling ◀──┐ notify_refer: a NOTIFY;
//!     ▲                            │ reject_refer: 300 to 699        │  │    │ one at a time, what is
//!     │◀───────────────────────────┤ Refer-Sub: false: 200 alone     │  └────┘ newer takes its place
//!     │                            │ either side's BYE: 487          │
//!     │◀───────────────────────────┘                                 │ a final status, the next REFER,
//!     │                                                              │ BYE, LASTS is over: the NOTIFY
//!     │◀─────────────────────────────────────────────────────────────┤ that says `terminated`
//!     │◀─────────────────────────────────────────────────────────────┘ a NOTIFY refused or unanswered
//! ```
//! Asked and Telling may stand beside each other: a second REFER while the first is still told of.
//!
//! RFC 7647 §7: the answer is 200, never 202. A leg tells of one REFER at a time; SUBSCRIBE, by which
//! its sender could prolong that or end it, is not taken (a NOTIFY answered 481 ends it as well).

use crate::endpoint::Endpoint;
use crate::event::{Event, LegError};
use crate::keys::{ClientKey, Purpose, ServerKey};
use crate::leg::{Context, Leg, LegState};
use crate::message::{HeaderName, Message, NameAddr};
use crate::phrases::reason_phrase;
use crate::uri::Uri;
use meishier_model::{LegId, Mono};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest URI of a Refer-To that is handed up, in bytes.
const URI_LIMIT: usize = 512;

/// How long the sender of a REFER hears of it at most. Longer than any transfer may ring: 60 s for the
/// place, 600 s for all targets together, 15 s more for the last way to an emergency.
const LASTS: Duration = Duration::from_secs(900);

/// The media type of what a NOTIFY tells (RFC 3515 §2.4.5, RFC 3420).
pub(crate) const FRAGMENT: &str = "message/sipfrag;version=2.0";

/// The REFERs of one leg.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Refers {
    asked: Option<Asked>,
    telling: Option<Telling>,
    /// One of this dialog was told of before: from now on `id` tells them apart (RFC 3515 §2.4.6).
    again: bool,
}

/// A REFER that our user has not answered.
#[derive(Clone, Serialize, Deserialize)]
struct Asked {
    key: ServerKey,
    cseq: u32,
    /// Its sender wants no NOTIFY (RFC 4488 §4).
    silent: bool,
}

/// The implicit subscription of a REFER that was accepted.
#[derive(Clone, Serialize, Deserialize)]
struct Telling {
    cseq: u32,
    numbered: bool,
    until: Mono,
    /// Our NOTIFY, until its final response.
    under_way: Option<ClientKey>,
    /// What was told last, or is to be told.
    status: u16,
    /// It is still to be told.
    waits: bool,
}

/// Why a subscription ends (RFC 6665 §4.1.3), as Subscription-State has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// There is nothing more to tell (RFC 3515 §2.4.7).
    NoResource,
    Timeout,
}

impl Refers {
    /// When [`Leg::on_refer_timer`] is due.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.telling.as_ref().map(|telling| telling.until)
    }

    pub(crate) fn rebase(&mut self, taken: Mono, now: Mono) {
        if let Some(telling) = &mut self.telling {
            let mut until = Some(telling.until);
            crate::timers::rebase(&mut until, taken, now);
            telling.until = until.unwrap_or(telling.until);
        }
    }

    /// The NOTIFY under way.
    pub(crate) fn under_way_mut(&mut self) -> Option<&mut Option<ClientKey>> {
        self.telling.as_mut().map(|telling| &mut telling.under_way)
    }
}

impl Endpoint {
    /// Accepts the REFER of [`Event::Refer`]: its sender hears that we try (100), unless it asked to
    /// hear nothing, and from then on what [`Endpoint::notify_refer`] is told. A REFER before it is
    /// told of no more.
    ///
    /// # Errors
    /// [`LegError::State`]: none waits for an answer (any more).
    pub fn accept_refer(&mut self, now: Mono, leg: LegId) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.accept_refer(cx))?
    }

    /// Refuses the REFER of [`Event::Refer`] with a status of 300 to 699.
    ///
    /// # Errors
    /// [`LegError`]: none waits for an answer (any more), or another status.
    pub fn reject_refer(
        &mut self,
        now: Mono,
        leg: LegId,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.reject_refer(cx, status, headers))?
    }

    /// Tells the sender of the REFER that was accepted last how far it has come: 101 to 199, or with
    /// 200 to 699 how it ended, after which nothing is told any more. While a NOTIFY is under way the
    /// newest status waits.
    ///
    /// # Errors
    /// [`LegError::State`]: nobody wants to hear it (any more); [`LegError::Status`].
    pub fn notify_refer(&mut self, now: Mono, leg: LegId, status: u16) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, cx| leg.notify_refer(cx, status))?
    }
}

impl Leg {
    /// A REFER of the dialog came.
    pub(crate) fn on_refer(&mut self, cx: &mut Context<'_>, key: ServerKey, request: &Message) {
        let waits = self.refers.as_ref().is_some_and(|it| it.asked.is_some());
        if self.state != LegState::Confirmed || waits {
            // Not yet: its ACK, or our user's answer to the one before, is still to come.
            return self.reply(cx, key, 500, &[("Retry-After", "1")]);
        }
        let Some(refer_to) = refer_to(request) else {
            return self.reply(cx, key, 400, &[]);
        };
        let uri = Uri::parse(refer_to).ok();
        let replaces = uri.is_some_and(|uri| {
            uri.header_fields()
                .any(|(name, _)| name.eq_ignore_ascii_case("Replaces"))
        });
        let refer_to = refer_to.to_owned();
        self.refers.get_or_insert_default().asked = Some(Asked {
            key,
            cseq: request.cseq().0,
            silent: is_silent(request),
        });
        cx.events.push_back(Event::Refer {
            leg: self.id,
            refer_to,
            replaces,
        });
    }

    /// The REFER that waits for our user's answer, which it gets now.
    fn take_asked(&mut self) -> Result<Asked, LegError> {
        let asked = self.refers.as_mut().and_then(|it| it.asked.take());
        asked.ok_or(LegError::State)
    }

    fn accept_refer(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        let asked = self.take_asked()?;
        let headers: &[(&str, &str)] = match asked.silent {
            true => &[("Refer-Sub", "false")],
            false => &[],
        };
        self.reply(cx, asked.key, 200, headers);
        if asked.silent {
            return Ok(());
        }
        self.stop_telling(cx, End::NoResource);
        let Some(refers) = &mut self.refers else {
            return Err(LegError::State);
        };
        refers.telling = Some(Telling {
            cseq: asked.cseq,
            numbered: std::mem::replace(&mut refers.again, true),
            until: cx.now + LASTS,
            under_way: None,
            status: 100,
            waits: true,
        });
        self.tell(cx);
        Ok(())
    }

    fn reject_refer(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        headers: &[(&str, &str)],
    ) -> Result<(), LegError> {
        if !(300..=699).contains(&status) {
            return Err(LegError::Status);
        }
        let asked = self.take_asked()?;
        self.reply(cx, asked.key, status, headers);
        Ok(())
    }

    fn notify_refer(&mut self, cx: &mut Context<'_>, status: u16) -> Result<(), LegError> {
        if !(101..=699).contains(&status) {
            return Err(LegError::Status);
        }
        let telling = self.telling_mut().ok_or(LegError::State)?;
        // A final status stays: what is told after it is of something else.
        if telling.status < 200 && telling.status != status {
            telling.status = status;
            telling.waits = true;
        }
        self.tell(cx);
        Ok(())
    }

    /// The REFER that is told of.
    fn telling_mut(&mut self) -> Option<&mut Telling> {
        self.refers.as_mut()?.telling.as_mut()
    }

    /// Sends what waits to be told, unless a NOTIFY is under way: they are to come in order.
    fn tell(&mut self, cx: &mut Context<'_>) {
        let next = |it: &&mut Telling| it.waits && it.under_way.is_none();
        let Some(telling) = self.telling_mut().filter(next) else {
            return;
        };
        if telling.status >= 200 {
            return self.stop_telling(cx, End::NoResource);
        }
        telling.waits = false;
        let key = self.send_notify(cx, None);
        if let Some(telling) = self.telling_mut() {
            telling.under_way = key;
        }
    }

    /// The last NOTIFY. Its transaction sees itself to its end.
    fn stop_telling(&mut self, cx: &mut Context<'_>, end: End) {
        let _ = self.send_notify(cx, Some(end));
        if let Some(refers) = &mut self.refers {
            refers.telling = None;
        }
    }

    fn send_notify(&mut self, cx: &mut Context<'_>, end: Option<End>) -> Option<ClientKey> {
        let telling = self.refers.as_ref()?.telling.as_ref()?;
        let event = match telling.numbered {
            true => format!("refer;id={}", telling.cseq),
            false => "refer".to_owned(),
        };
        let left = telling.until.since(cx.now).as_secs();
        let state = match end {
            None => format!("active;expires={left}"),
            Some(End::NoResource) => "terminated;reason=noresource".to_owned(),
            Some(End::Timeout) => "terminated;reason=timeout".to_owned(),
        };
        let status = telling.status;
        let fragment = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
        let headers = [("Event", &*event), ("Subscription-State", &*state)];
        Some(self.send(cx, Purpose::Notify, &headers, Some(fragment.as_bytes())))
    }

    /// The final response to a NOTIFY came, or none will.
    pub(crate) fn on_notified(&mut self, cx: &mut Context<'_>, key: ClientKey, status: u16) {
        let Some(refers) = &mut self.refers else {
            return;
        };
        match &mut refers.telling {
            Some(telling) if telling.under_way == Some(key) => telling.under_way = None,
            _ => return,
        }
        if status >= 300 {
            // RFC 6665 §4.2.2: nobody listens. The call itself goes on (RFC 5057 §5.1).
            refers.telling = None;
            return;
        }
        self.tell(cx);
    }

    /// The subscription's time may be over.
    pub(crate) fn on_refer_timer(&mut self, cx: &mut Context<'_>) {
        let deadline = self.refers.as_ref().and_then(|it| it.deadline());
        if deadline.is_some_and(|at| at <= cx.now) {
            self.stop_telling(cx, End::Timeout);
        }
    }

    /// The call ends: a REFER that waits is refused (RFC 3261 §15.1.2), one that is told of is told of
    /// for the last time.
    pub(crate) fn end_refers(&mut self, cx: &mut Context<'_>) {
        let _ = self.reject_refer(cx, 487, &[]);
        self.stop_telling(cx, End::NoResource);
    }
}

/// The URI of the one Refer-To (RFC 3515 §2.4.1). `None` for none, several, one that cannot be read or
/// is too long; and if a Referred-By is not what RFC 3892 §3 says, though nothing follows from it.
fn refer_to(request: &Message) -> Option<&str> {
    let one = |name: HeaderName| {
        let mut values = request.values(name);
        let first = values.next();
        (first, values.next().is_some())
    };
    let (by, several) = one(HeaderName::ReferredBy);
    if several || by.is_some_and(|by| NameAddr::parse(by).is_err()) {
        return None;
    }
    let (to, several) = one(HeaderName::ReferTo);
    let uri = NameAddr::parse(to.filter(|_| !several)?).ok()?.uri;
    (uri.len() <= URI_LIMIT).then_some(uri)
}

/// True if the sender wants no NOTIFY (RFC 4488 §4).
fn is_silent(request: &Message) -> bool {
    let value = request.raw_header("Refer-Sub").unwrap_or("");
    let value = value.split(';').next().unwrap_or("").trim();
    value.eq_ignore_ascii_case("false")
}
