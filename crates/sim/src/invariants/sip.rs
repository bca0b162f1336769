//! RFC 3261: what every message must have (§8.1.1, §8.2.6), how a dialog counts (§12.2.1.1), one
//! final response to a transaction (§17.2), an ACK for each final response to an INVITE (§13.2.2.4,
//! §17.1.1.3), no 200 beside another one.

use super::table::{Invariant, Violation};
use crate::reference::Books;
use crate::reference::legs::{Leg, hash};
use crate::reference::sip::{Sip, Start};
use meishier_model::{Mono, Now};
use std::time::Duration;

const IT: Invariant = Invariant::Sip;
/// A client transaction may have been given up this long before 64·T1 by the judges' clock.
const MARGIN: Duration = Duration::from_secs(1);

/// Reads what the engine sent.
pub(super) fn read(bytes: &[u8]) -> Result<Sip<'_>, Violation> {
    match Sip::read(bytes) {
        Some(message) => Ok(message),
        None => IT.broken(None, "what was sent is no SIP message".to_owned()),
    }
}

/// Headers that must be there.
pub(super) fn sound(message: &Sip<'_>) -> Result<(), Violation> {
    let call = Some(message.call_id);
    let missing = [
        ("Call-ID", message.call_id.is_empty()),
        ("CSeq", message.method.is_empty() || message.cseq == 0),
        ("From", message.from.is_empty()),
        ("To", message.to.is_empty()),
        ("branch of Via", message.branch.is_empty()),
    ];
    // What answers nonsense may repeat it (§8.2.6.2).
    let bad_request = message.status() == Some(400);
    if let Some((name, _)) = missing.iter().find(|m| m.1).filter(|_| !bad_request) {
        return IT.broken(call, format!("{} is missing", name));
    }
    if message.length.is_some_and(|length| length != message.body) {
        return IT.broken(call, "Content-Length is not the body's".to_owned());
    }
    let fault = match message.start {
        Start::Request(method, _) => request_fault(message, method),
        Start::Response(status) => response_fault(message, status),
    };
    fault.map_or(Ok(()), |fault| IT.broken(call, fault.to_owned()))
}

fn request_fault(message: &Sip<'_>, method: &str) -> Option<&'static str> {
    if !message.branch.starts_with("z9hG4bK") {
        return Some("the branch lacks its cookie");
    }
    if message.method != method {
        return Some("CSeq names another method");
    }
    if message.from_tag().is_empty() {
        return Some("From has no tag");
    }
    if !message.forwards {
        return Some("Max-Forwards is missing");
    }
    (method == "INVITE" && !message.contact).then_some("an INVITE without Contact")
}

fn response_fault(message: &Sip<'_>, status: u16) -> Option<&'static str> {
    if status > 100 && status != 400 && message.to_tag().is_empty() {
        return Some("a response without a tag in To");
    }
    let dialog = message.method == "INVITE" && (200..300).contains(&status);
    (dialog && !message.contact).then_some("a 200 to an INVITE without Contact")
}

/// Requests in a dialog: the count rises, and nothing follows a BYE.
pub(super) fn in_dialog(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    let Start::Request(method, _) = message.start else {
        return Ok(());
    };
    let Some(leg) = books.legs.get(message.call_id) else {
        return Ok(());
    };
    if matches!(method, "ACK" | "CANCEL") || message.to_tag().is_empty() {
        return Ok(());
    }
    let (tag, branch) = (hash(&[message.to_tag()]), hash(&[message.branch]));
    let before = || leg.sent.iter().filter(|sent| sent.0 == tag);
    if before().any(|sent| sent.1 == message.cseq && sent.2 == branch) {
        return Ok(());
    }
    let call = Some(message.call_id);
    let own = if leg.inbound { 0 } else { leg.invite };
    let highest = before().map(|sent| sent.1).max().unwrap_or(own);
    if message.cseq <= highest {
        let what = format!("CSeq {} after {highest} in one dialog", message.cseq);
        return IT.broken(call, what);
    }
    let bye = leg.bye_out.is_some() && before().next().is_some();
    if bye {
        return IT.broken(call, format!("{method} in a dialog after BYE"));
    }
    Ok(())
}

/// One final response to a transaction.
pub(super) fn one_final(books: &Books, now: Now, message: &Sip<'_>) -> Result<(), Violation> {
    let Some(status) = message.status().filter(|status| *status >= 200) else {
        return Ok(());
    };
    match books.legs.answered_before(now.mono, message) {
        Some(before) if before != status => {
            let what = format!("{} answered {before} and then {status}", message.method);
            IT.broken(Some(message.call_id), what)
        }
        _ => Ok(()),
    }
}

/// One 200 to a caller's INVITE.
pub(super) fn answered_once(books: &Books, message: &Sip<'_>) -> Result<(), Violation> {
    let ok = message
        .status()
        .is_some_and(|status| (200..300).contains(&status));
    let leg = books.legs.get(message.call_id);
    let Some(leg) = leg.filter(|leg| ok && leg.inbound && message.method == "INVITE") else {
        return Ok(());
    };
    if message.cseq != leg.invite || leg.last.is_none() {
        return Ok(());
    }
    if leg.ok != Some(hash(&[message.branch, message.to])) {
        let what = "a second, different 200 to one INVITE".to_owned();
        return Invariant::AnsweredOnce.broken(Some(message.call_id), what);
    }
    Ok(())
}

/// Final responses to INVITEs of the engine that came in this step have their ACK.
pub(super) fn acknowledged(books: &mut Books, now: Now) -> Result<(), Violation> {
    if books.legs.unacknowledged.is_empty() {
        return Ok(());
    }
    let waiting = std::mem::take(&mut books.legs.unacknowledged);
    let patience = books.plan.patience().saturating_sub(MARGIN);
    for id in waiting {
        let Some(leg) = books.legs.get(&id) else {
            continue;
        };
        if !given_up(leg, now.mono, patience) {
            return IT.broken(Some(&id), "a final response had no ACK".to_owned());
        }
    }
    Ok(())
}

/// True if the engine may have forgotten the INVITE.
fn given_up(leg: &Leg, now: Mono, patience: Duration) -> bool {
    let cancelled = leg.cancel.is_some_and(|at| now.since(at) >= patience);
    // What is heard only when timer B has fired (§17.1.1.2) comes too late: a stream that was cut may
    // deliver it then.
    let heard = leg
        .provisional
        .is_some_and(|at| at.since(leg.began) < patience);
    let unheard = !heard && now.since(leg.began) >= patience;
    leg.broken || cancelled || unheard
}
