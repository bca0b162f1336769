//! One call as a script sees it: events to await, speech to measure, keys to press.

use crate::bank::Command;
use crate::media::port::{Hearing, MediaPort};
use crate::sdp::Direction;
use crate::sip::leg::Leg;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The INVITE is on its way.
    Calling,
    /// A provisional response above 100 came or was sent.
    Ringing,
    /// 200 came or was sent.
    Answered,
    /// It is over.
    Ended,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// This phone: BYE, CANCEL or a refusal.
    Local,
    /// The far side: BYE, CANCEL or a refusal.
    Remote,
    /// Nobody: a response did not come in time.
    Timeout,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Who ended it.
    pub by: EndedBy,
    /// SIP status: 200 after BYE, 487 after CANCEL, else the refusal's; 408 for [`EndedBy::Timeout`].
    pub status: u16,
}

/// Everything known of a call's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStatus {
    /// How far it is.
    pub phase: Phase,
    /// The last provisional status, or 0.
    pub provisional: u16,
    /// A provisional response carried SDP.
    pub early_media: bool,
    /// The ACK to our 200 came.
    pub confirmed: bool,
    /// Re-INVITEs answered so far.
    pub reinvites: u32,
    /// INVITE sent or received.
    pub begun_at: Instant,
    /// First provisional response above 100.
    pub ringing_at: Option<Instant>,
    /// 200 sent or received.
    pub answered_at: Option<Instant>,
    /// When it was over.
    pub ended_at: Option<Instant>,
    /// How it ended.
    pub ended: Option<End>,
}

impl CallStatus {
    pub(crate) fn begun() -> Self {
        Self {
            phase: Phase::Calling,
            provisional: 0,
            early_media: false,
            confirmed: false,
            reinvites: 0,
            begun_at: Instant::now(),
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            ended: None,
        }
    }
}

/// Why no call could be begun.
#[derive(Debug)]
pub enum DialError {
    /// The bank's task is gone.
    BankGone,
    /// The bank has as many calls as it can hold.
    TooManyCalls,
    /// The operating system gave no RTP port.
    Media(io::Error),
}

impl std::fmt::Display for DialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BankGone => f.write_str("the phones' socket was closed"),
            Self::TooManyCalls => f.write_str("the phones' socket carries as many calls as it can"),
            Self::Media(error) => write!(f, "no RTP port: {error}"),
        }
    }
}

impl std::error::Error for DialError {}

/// A call, dialled or received. Dropping every clone does not end it.
#[derive(Clone)]
pub struct Call {
    leg: u64,
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<CallStatus>,
    media: Arc<MediaPort>,
    call_id: Arc<str>,
    caller: Arc<str>,
    dialled: Arc<str>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("leg", &self.leg)
            .field("phase", &self.status().phase)
            .finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn new(
        leg: &Leg,
        commands: mpsc::Sender<Command>,
        caller: String,
        dialled: String,
    ) -> Self {
        Self {
            leg: leg.id,
            commands,
            status: leg.status.subscribe(),
            media: leg.media.clone(),
            call_id: leg.call_id.as_str().into(),
            caller: caller.into(),
            dialled: dialled.into(),
        }
    }

    /// The SIP Call-ID of this leg.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// User part of From in a call received; the dialled number in one dialled.
    #[must_use]
    pub fn remote_user(&self) -> &str {
        &self.caller
    }

    /// User part of the request URI.
    #[must_use]
    pub fn dialled(&self) -> &str {
        &self.dialled
    }

    /// How far it is now.
    #[must_use]
    pub fn status(&self) -> CallStatus {
        *self.status.borrow()
    }

    /// Waits until `reached` holds or `limit` has passed; the status then, and whether it holds.
    pub async fn wait(
        &self,
        limit: Duration,
        reached: impl FnMut(&CallStatus) -> bool,
    ) -> (CallStatus, bool) {
        let mut status = self.status.clone();
        let mut reached = reached;
        let done = timeout(limit, status.wait_for(|s| reached(s))).await;
        let done = matches!(done, Ok(Ok(_)));
        (self.status(), done)
    }

    /// Waits for a provisional response above 100; false if the call ended or `limit` passed first.
    pub async fn wait_ringing(&self, limit: Duration) -> bool {
        let (status, _) = self
            .wait(limit, |s| {
                s.ringing_at.is_some() || s.phase >= Phase::Answered
            })
            .await;
        status.ringing_at.is_some()
    }

    /// Waits for 200; false if the call ended unanswered or `limit` passed first.
    pub async fn wait_answered(&self, limit: Duration) -> bool {
        let (status, _) = self.wait(limit, |s| s.phase >= Phase::Answered).await;
        status.answered_at.is_some()
    }

    /// Waits for the end. RFC 3261's timers bound it unless the call goes on; the far side's silence is a 408.
    pub async fn ended(&self) -> End {
        let mut status = self.status.clone();
        let seen = status
            .wait_for(|s| s.ended.is_some())
            .await
            .ok()
            .and_then(|s| s.ended);
        seen.unwrap_or(End {
            by: EndedBy::Timeout,
            status: 408,
        })
    }

    /// Waits for the end, at most `limit`.
    pub async fn wait_ended(&self, limit: Duration) -> Option<End> {
        timeout(limit, self.ended()).await.ok()
    }

    /// Ends the call as its state asks: CANCEL, 480, or BYE. Await [`Self::ended`] for the outcome.
    pub async fn hang_up(&self) {
        self.order(Command::HangUp(self.leg)).await;
    }

    /// Answers a ringing call.
    pub async fn answer(&self) {
        self.order(Command::Answer(self.leg)).await;
    }

    /// Sends 183 with SDP and begins to speak.
    pub async fn early_media(&self) {
        self.order(Command::Ring(self.leg, true)).await;
    }

    /// Refuses a ringing call with `status` (300 to 699).
    pub async fn reject(&self, status: u16) {
        self.order(Command::Reject(self.leg, status)).await;
    }

    /// Sends a re-INVITE; the status of its final response, 481 if there is no call, 491 if one is under way.
    pub async fn reinvite(&self, direction: Direction) -> u16 {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Reinvite(self.leg, direction, reply))
            .await;
        answer.await.unwrap_or(481)
    }

    /// Presses keys, sent as RFC 4733 events.
    pub fn send_digits(&self, digits: &str) {
        self.media.send_digits(digits);
    }

    /// Cuts or restores the direction from this phone.
    pub fn set_muted(&self, muted: bool) {
        self.media.set_muted(muted);
    }

    /// What was heard so far.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        self.media.hearing()
    }

    /// How long the tone of `hz` was heard so far.
    #[must_use]
    pub fn heard(&self, hz: u16) -> Duration {
        Duration::from_millis(self.hearing().tone_ms(hz))
    }

    /// Waits until what was heard satisfies `enough`; false if the call ended or `limit` passed first.
    pub async fn wait_hearing(
        &self,
        limit: Duration,
        mut enough: impl FnMut(&Hearing) -> bool,
    ) -> bool {
        let mut windows = self.media.watch();
        let judged = async {
            loop {
                windows.mark_unchanged();
                if enough(&self.hearing()) {
                    return true;
                }
                if self.status().ended.is_some() || windows.changed().await.is_err() {
                    return enough(&self.hearing());
                }
            }
        };
        timeout(limit, judged).await.unwrap_or(false)
    }

    /// Waits until the tone of `hz` was heard for `least`; false if the call ended or `limit` passed first.
    pub async fn wait_heard(&self, hz: u16, least: Duration, limit: Duration) -> bool {
        let least = least.as_millis() as u64;
        self.wait_hearing(limit, |hearing| hearing.tone_ms(hz) >= least)
            .await
    }

    async fn order(&self, command: Command) {
        // A closed channel means that the bank ended, and every call with it.
        let _ = self.commands.send(command).await;
    }
}
