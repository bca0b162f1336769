//! Deliberate defects, which the simulator's tests switch on one at a time to show that each of its
//! invariants can fail. Without the feature `defects` nothing of them is in the program: the switch
//! has no size and says no at compile time.

/// What of the signalling is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Every request of a dialog has the number of the one before.
    CseqNotRaised,
    /// No ACK for 200.
    AckForgotten,
    /// A call of ours that is up ends without BYE.
    ByeForgotten,
    /// A call that came to us and is up ends without BYE.
    CallersByeForgotten,
    /// A call that rings ends without CANCEL.
    CancelForgotten,
    /// 200 is followed by another one with another tag.
    SecondAnswer,
    /// 200 that is sent again has another tag.
    AnswerAgainDiffers,
    /// No PRACK for reliable ringing.
    PrackForgotten,
    /// Two of them.
    PrackTwice,
    /// A session that is ours to refresh is not refreshed.
    RefreshForgotten,
    /// It is refreshed when half of what should be left is gone as well.
    RefreshLate,
    /// A refresh of the other side counts for nothing.
    RefreshUnheard,
    /// A session ends after a third of its time.
    SessionCutShort,
}

/// The switch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Broken {
    #[cfg(feature = "defects")]
    which: Option<Defect>,
}

impl Broken {
    /// True if this is broken.
    #[cfg(feature = "defects")]
    pub(crate) fn is(self, which: Defect) -> bool {
        self.which == Some(which)
    }

    /// True if this is broken: nothing is.
    #[cfg(not(feature = "defects"))]
    pub(crate) const fn is(self, _: Defect) -> bool {
        false
    }
}

/// True if this BYE is not sent.
pub(crate) fn no_bye(broken: Broken, call_id: &str) -> bool {
    let which = match call_id.starts_with('~') {
        true => Defect::ByeForgotten,
        false => Defect::CallersByeForgotten,
    };
    broken.is(which)
}

/// The same message with another tag in place of this one.
pub(crate) fn other_tag(bytes: &[u8], tag: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let other = format!("{tag}x");
    text.replace(tag, &other).into_bytes()
}

#[cfg(feature = "defects")]
impl crate::Endpoint {
    /// Breaks it.
    pub fn break_deliberately(&mut self, which: Defect) {
        self.broken.which = Some(which);
    }
}
