//! A quiet emergency: police must not be heard where the caller is, and must not be left alone.
//!
//! ```text
//!                      somebody of the second line is there       nobody is
//!   police             Back: talk with the desk alone             Whisper: hear the conversation,
//!                                                                 and the counsellor alone hears them
//!   second line        Desk: hears the conversation, talks        (none)
//!                      with police
//!   the counsellor     Full: talks with the caller                Full
//!   has left           the first of the second line takes the     police come to the front: Full,
//!                      counsellor's place (Full), police Whisper  for the caller is alone otherwise
//!   the caller         everybody talks with everybody (Full)      the same
//!   has left
//! ```
//!
//! A caller who is called back is there again, and police of a quiet key go back to where they were.
//!
//! Whoever speaks to the caller in the counsellor's place hears what the counsellor would have heard.
//! Police are quiet until a person brings them forward (`Command::Hear`); when the last of them has
//! left, or was brought forward, the second line speaks with everybody again.

use crate::call::{Call, State, ThirdSide};
use crate::key::write_event;
use crate::shard::Shard;
use meishier_model::{Now, TransferEvent};
use meishier_transfer::{Mode, Role, ThirdId};
use smallvec::SmallVec;

fn is_quiet(side: &ThirdSide) -> bool {
    side.present && side.role == Role::Target && matches!(side.mode, Mode::Back | Mode::Whisper)
}

/// Somebody of the second line who talks with everybody or sits at the desk; who is on hold, listens or
/// whispers was told to.
fn is_officer(side: &ThirdSide) -> bool {
    side.present && side.role == Role::SecondLine && matches!(side.mode, Mode::Full | Mode::Desk)
}

/// True if somebody of the second line, or a supervisor who speaks with everybody, is there.
pub(crate) fn has_officer(call: &Call) -> bool {
    call.thirds.iter().any(|it| it.present && is_ours(it))
}

/// Of this house, and there to speak.
pub(crate) fn is_ours(side: &ThirdSide) -> bool {
    match side.role {
        Role::SecondLine => true,
        Role::Supervisor => side.mode == Mode::Full,
        Role::Caller | Role::Counsellor | Role::Target => false,
    }
}

/// True if the caller is there, or who answered at its number when it was called back.
pub(crate) fn has_caller(call: &Call) -> bool {
    let returned = |it: &ThirdSide| it.present && it.role == Role::Caller;
    !call.side.gone || call.thirds.iter().any(returned)
}

/// True if a counsellor talks with the caller.
pub(crate) fn is_attended(call: &Call) -> bool {
    matches!(call.state, State::Talking(_) | State::Transferring(Some(_)))
}

/// Who stands in for a counsellor who has left.
pub(crate) fn stands_in(call: &Call) -> Option<ThirdId> {
    if is_attended(call) {
        return None;
    }
    let stands = |it: &&ThirdSide| is_officer(it) && it.mode == Mode::Full;
    call.thirds.iter().find(stands).map(|it| it.id)
}

/// Who stands in at a telephone of this house: its keys are the counsellor's.
pub(crate) fn at_the_keys(call: &Call) -> Option<ThirdId> {
    let third = stands_in(call)?;
    let seat = call.third(third).is_some_and(|it| it.seat.is_some());
    seat.then_some(third)
}

/// True if police are there whom the caller is not to hear.
pub(crate) fn has_quiet(call: &Call) -> bool {
    call.thirds.iter().any(is_quiet)
}

/// What each is to be, as the table above has it; only those who change.
fn changes(call: &Call) -> SmallVec<[(ThirdId, Mode); 8]> {
    let thirds = || call.thirds.iter();
    // Nobody is left who is not to hear police.
    let gone = !has_caller(call);
    let quiet = has_quiet(call) && !gone;
    let attended = is_attended(call);
    let mut front = !attended;
    let mut desk = thirds().any(|it| it.role == Role::Supervisor && it.mode == Mode::Desk);
    let mut wanted: SmallVec<[(ThirdId, Mode); 8]> = SmallVec::new();
    for side in thirds().filter(|it| is_officer(it)) {
        // The first of them takes the counsellor's place.
        let to_the_desk = quiet && !std::mem::replace(&mut front, false);
        desk |= to_the_desk;
        let mode = if to_the_desk { Mode::Desk } else { Mode::Full };
        wanted.push((side.id, mode));
    }
    let with_caller = !gone && (attended || !front);
    let back = match (desk, with_caller) {
        (_, false) => Mode::Full,
        (true, true) => Mode::Back,
        (false, true) => Mode::Whisper,
    };
    wanted.extend(thirds().filter(|it| is_quiet(it)).map(|it| (it.id, back)));
    wanted.retain(|(id, mode)| call.third(*id).is_some_and(|it| it.mode != *mode));
    wanted
}

/// What this third party is to be, if that is not what it is.
pub(crate) fn wanted_mode(call: &Call, third: ThirdId) -> Option<Mode> {
    let mut changes = changes(call).into_iter();
    changes.find(|(id, _)| *id == third).map(|(_, mode)| mode)
}

impl Shard {
    /// Arranges who sits at the desk and who is in the back, after every change.
    pub(crate) fn seat_desk(&mut self, now: Now, call: &mut Call) {
        let gone = !has_caller(call);
        for (third, mode) in changes(call) {
            let Some(side) = call.third_mut(third) else {
                continue;
            };
            let alone = is_quiet(side) && mode != Mode::Back && !gone;
            side.mode = mode;
            let record = side.record;
            if alone {
                // The counsellor has two to listen to, and people are to know afterwards.
                let event = TransferEvent::new(now.wall, "no_desk", String::new());
                write_event(call, record, event);
            }
            self.note_part(now, call, third);
        }
    }
}
