//! The session timer of a leg (RFC 4028): what its messages say of it, refreshes, and its end.

use crate::attached::Attached;
use crate::defect::Defect;
use crate::event::EndCause;
use crate::keys::{ClientKey, Purpose};
use crate::leg::{Asking, Context, Leg, LegState};
use crate::leg_reliable::names;
use crate::message::{HeaderName, Message};
use crate::session_timer::{
    self, Claimed, Refresher, SHORTEST, SessionAction, SessionState, Verdict,
};
use crate::transactions::Failure;
use std::time::Duration;

/// The option tag of RFC 4028 §12.
pub(crate) const TAG: &str = "timer";

/// After this a refresh that another change of the session kept out is tried again.
const AGAIN: Duration = Duration::from_secs(3);

/// How often an INVITE is sent again with a longer interval (422).
const LONGER_TRIES: u8 = 2;

/// Headers of the session timer, name and value.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// What an INVITE of ours was made of, to be made again if its interval is too short (§7.3), or without
/// what was attached to it.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Draft {
    pub headers: Vec<(String, String)>,
    pub sdp: Option<Vec<u8>>,
    #[serde(default)]
    pub attached: Option<Attached>,
    tries: u8,
}

impl Draft {
    pub(crate) fn new(
        headers: Vec<(String, String)>,
        sdp: Option<Vec<u8>>,
        attached: Option<Attached>,
    ) -> Self {
        Self {
            headers,
            sdp,
            attached,
            tries: 0,
        }
    }
}

/// What a message says of the session's time.
pub(crate) fn claimed(message: &Message) -> Claimed {
    let expires = message
        .header(HeaderName::SessionExpires)
        .and_then(session_timer::parse);
    let least = message.header(HeaderName::MinSe);
    Claimed {
        expires: expires.map(|(interval, _)| interval),
        refresher: expires.and_then(|(_, refresher)| refresher),
        least: least
            .and_then(session_timer::seconds)
            .unwrap_or(Duration::ZERO),
        supports: names(message, HeaderName::Supported, TAG)
            || names(message, HeaderName::Require, TAG),
    }
}

/// True if the sender of this message takes UPDATE (RFC 3311 §5.1).
pub(crate) fn takes_update(message: &Message) -> bool {
    names(message, HeaderName::Allow, "UPDATE")
}

fn expires(interval: Duration, refresher: Option<Refresher>) -> (&'static str, String) {
    let seconds = interval.as_secs();
    let value = match refresher {
        Some(refresher) => format!("{seconds};refresher={}", refresher.as_str()),
        None => seconds.to_string(),
    };
    ("Session-Expires", value)
}

impl Leg {
    /// The headers of our first INVITE (§7.1): who refreshes is left to the other side.
    pub(crate) fn session_wish(&self) -> Headers {
        match self.terms.session {
            Some(ours) => vec![
                expires(ours.max(self.least), None),
                ("Min-SE", self.least.max(SHORTEST).as_secs().to_string()),
            ],
            None => Vec::new(),
        }
    }

    /// The headers of a refresh, or of another change of ours (§7.4): the refresher stays who it is.
    pub(crate) fn session_refresh(&self) -> Headers {
        let refresher = match self.timer.state() {
            SessionState::Off => return self.session_wish(),
            SessionState::Refreshing => Refresher::Uac,
            SessionState::Waiting => Refresher::Uas,
        };
        let mut out = vec![expires(
            self.timer.interval().max(self.least),
            Some(refresher),
        )];
        if self.least > SHORTEST {
            out.push(("Min-SE", self.least.as_secs().to_string()));
        }
        out
    }

    /// A 2xx of ours goes out to a request of which this was said: its headers; the timer begins.
    pub(crate) fn session_answer(&mut self, cx: &Context<'_>, claimed: Claimed) -> Headers {
        match session_timer::judge(claimed, self.terms.session) {
            Verdict::Timed {
                interval,
                refresher,
                require,
            } => {
                let ours = refresher == Refresher::Uas;
                self.agree(cx, interval, ours);
                let mut out = vec![expires(interval, Some(refresher))];
                if require {
                    // §9: Require for a caller that refreshes, or that knows the timer at all.
                    out.push(("Require", TAG.to_owned()));
                }
                out
            }
            Verdict::Untimed | Verdict::TooShort => {
                self.timer.stop();
                Vec::new()
            }
        }
    }

    fn agree(&mut self, cx: &Context<'_>, interval: Duration, ours: bool) {
        let again = self.timer.state() != SessionState::Off;
        if again && !ours && cx.broken.is(Defect::RefreshUnheard) {
            return;
        }
        self.timer.agree(cx.now, interval, ours);
        if cx.broken.is(Defect::SessionCutShort) && !ours {
            self.timer.agree(cx.now, interval / 3, ours);
        }
        if cx.broken.is(Defect::RefreshLate) {
            self.timer.retry(cx.now, interval * 7 / 9);
        }
    }

    /// A 2xx came to an INVITE or UPDATE of ours (§7.2).
    pub(crate) fn session_agreed(&mut self, cx: &Context<'_>, response: &Message) {
        let said = claimed(response);
        match (said.expires, self.terms.session) {
            // Shorter than anybody may ask for; it would have us refresh without end.
            (Some(interval), _) => {
                let ours = said.refresher != Some(Refresher::Uas);
                self.agree(cx, interval.max(SHORTEST), ours);
            }
            // §7.2: the other side knows no timer; we refresh all the same.
            (None, Some(ours)) => self.timer.keep(cx.now, ours.max(self.least)),
            (None, None) => self.timer.stop(),
        }
        if self.timer.state() == SessionState::Off {
            self.described = None;
        }
    }

    /// Our description that holds from now on; kept if a refresh may need it.
    pub(crate) fn note_description(&mut self, sdp: &[u8]) {
        let early = matches!(self.state, LegState::Arrived | LegState::Ringing);
        let timed = self.timer.state() != SessionState::Off;
        self.described = (early || timed).then(|| sdp.into());
    }

    /// Our 200 to the INVITE went out, with this description unless one went before: that may have
    /// been changed since (RFC 3311).
    pub(crate) fn note_answered(&mut self, sdp: &[u8]) {
        if self.timer.state() == SessionState::Off {
            self.described = None;
        } else if !sdp.is_empty() {
            self.described = Some(sdp.into());
        }
    }

    /// True if a request within the dialog asks for too short an interval (§9).
    pub(crate) fn asks_too_short(&self, request: &Message) -> bool {
        session_timer::judge(claimed(request), self.terms.session) == Verdict::TooShort
    }

    /// 422 came: the INVITE goes again with what it says, under the same Call-ID (§7.3). False if
    /// that is of no use.
    pub(crate) fn invite_longer(&mut self, cx: &mut Context<'_>, response: &Message) -> bool {
        let least = response
            .header(HeaderName::MinSe)
            .and_then(session_timer::seconds);
        let asked = self.terms.session.map(|ours| ours.max(self.least));
        let (Some(least), Some(asked), Some(mut draft)) = (least, asked, self.draft.take()) else {
            return false;
        };
        if self.state == LegState::Cancelling || least <= asked || draft.tries >= LONGER_TRIES {
            return false;
        }
        self.least = least;
        draft.tries += 1;
        self.state = LegState::Calling;
        self.send_invite(cx, &draft);
        self.draft = Some(draft);
        true
    }

    /// A timer of the session may be due.
    pub(crate) fn on_session_timer(&mut self, cx: &mut Context<'_>) {
        if self.state != LegState::Confirmed {
            return;
        }
        match self.timer.on_timeout(cx.now) {
            SessionAction::Nothing => {}
            SessionAction::Refresh => self.refresh_session(cx),
            SessionAction::Expire => {
                self.send_bye(cx);
                self.tell_ended(cx, EndCause::Expired, None);
            }
        }
    }

    /// Refreshes the session (§7.4): by UPDATE where the other side takes it, else by a re-INVITE with
    /// the description that holds.
    pub(crate) fn refresh_session(&mut self, cx: &mut Context<'_>) {
        if cx.broken.is(Defect::RefreshForgotten) {
            return;
        }
        let busy = self.asked.is_some() || self.asking.is_some() || self.unacknowledged.is_some();
        if busy || self.updating.is_some() {
            return self.timer.retry(cx.now, AGAIN);
        }
        if self.takes_update {
            let headers = self.session_refresh();
            let mut headers: Vec<(&str, &str)> = headers.iter().map(|h| (h.0, &*h.1)).collect();
            headers.push(("Supported", TAG));
            self.updating = Some(self.send(cx, Purpose::Update, &headers, None));
        } else if let Some(sdp) = self.described.clone() {
            self.asking = Some(Box::new(Asking {
                key: None,
                sdp: sdp.into(),
                again: None,
                tries: 0,
                refresh: true,
            }));
            self.ask_again(cx);
        }
    }

    /// The final response to our UPDATE came.
    pub(crate) fn on_update_response(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        response: &Message,
    ) {
        if self.updating == Some(key) {
            self.updating = None;
            let status = response.status().unwrap_or_default();
            if status < 300 {
                self.session_agreed(cx, response);
            } else {
                self.on_refresh_refused(cx, status, Some(response));
            }
        }
    }

    /// Our UPDATE got no response.
    pub(crate) fn on_update_failure(
        &mut self,
        cx: &mut Context<'_>,
        key: ClientKey,
        failure: Failure,
    ) {
        if self.updating == Some(key) {
            self.updating = None;
            self.on_refresh_refused(cx, failure.status(), None);
        }
    }

    /// A refresh was refused, or nobody answered it.
    pub(crate) fn on_refresh_refused(
        &mut self,
        cx: &mut Context<'_>,
        status: u16,
        response: Option<&Message>,
    ) {
        match status {
            // §10, RFC 3261 §12.2.1.2: the dialog is gone.
            408 | 481 => {
                self.send_bye(cx);
                self.tell_ended(cx, EndCause::Lost, None);
            }
            422 => {
                let least = response.and_then(|r| r.header(HeaderName::MinSe));
                let least = least.and_then(session_timer::seconds);
                if let Some(least) = least.filter(|least| *least > self.least) {
                    self.least = least;
                }
                self.timer.retry(cx.now, AGAIN);
            }
            405 | 501 => {
                // It named UPDATE in Allow and does not take it; then a re-INVITE goes at once.
                let named = std::mem::take(&mut self.takes_update);
                let wait = if named { Duration::ZERO } else { AGAIN };
                self.timer.retry(cx.now, wait);
            }
            // Another change is under way (491), or it cannot now: as long as there is time (§10).
            _ => self.timer.retry(cx.now, AGAIN),
        }
    }
}
