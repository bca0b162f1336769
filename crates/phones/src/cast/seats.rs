//! The counsellors' phones: registered, and played by one task each.

use super::director::{Act, Director, Offer};
use super::{CastError, CastOptions, POLICE_HZ, SeatAccount, Stage, plan};
use crate::audio::tone;
use crate::phone::{Behaviour, Phone, PhoneOptions, Register};
use crate::sip::Algorithm;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Time asked for at the registrar.
const EXPIRES: Duration = Duration::from_secs(600);
/// How long a seat rings before it refuses.
const REFUSES_AFTER: Duration = Duration::from_millis(300);
/// How long a tone must be heard to be taken for the caller's.
const KNOWN_MS: u64 = 300;
/// How long a seat listens for the tone of a caller whose number was hidden.
const LISTEN: Duration = Duration::from_secs(5);

/// One seat of the play.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub name: String,
    pub number: Option<String>,
    pub tone: u16,
    pub phone: Phone,
}

/// The seats take the lowest tones, the police the highest, callers what is between.
pub(crate) fn tones(seats: usize) -> (Vec<u16>, Vec<u16>) {
    let mut grid = tone::grid().filter(|hz| *hz != POLICE_HZ);
    let seats = grid.by_ref().take(seats).collect();
    (seats, grid.collect())
}

/// Registers the seats that play, spread evenly over those that are there (over all pools).
pub(crate) async fn register(stage: &Stage, options: &CastOptions) -> Result<Vec<Seat>, CastError> {
    let used = plan::seats_used(options);
    if used == 0 {
        return Err(CastError::NoSeats);
    }
    let (seat_tones, caller_tones) = tones(used);
    let mut listen = caller_tones;
    listen.push(POLICE_HZ);
    let mut seats = Vec::with_capacity(used);
    let mut registering = JoinSet::new();
    for (index, tone) in seat_tones.into_iter().enumerate() {
        let account = &options.seats[index * options.seats.len() / used];
        let phone = PhoneOptions {
            behaviour: Behaviour::Manual,
            ..PhoneOptions::new(&account.name, tone, &listen)
        };
        let phone = stage.seats.phone(phone).await?;
        let wanted = wanted(options, account, index);
        seats.push(Seat {
            name: account.name.clone(),
            number: account.number.clone(),
            tone,
            phone: phone.clone(),
        });
        registering.spawn(async move { (index, phone.register(wanted).await) });
    }
    while let Some(done) = registering.join_next().await {
        if let Ok((index, Err(error))) = done {
            return Err(CastError::Register {
                seat: seats[index].name.clone(),
                error,
            });
        }
    }
    Ok(seats)
}

/// Old phones and new ones: every other seat has MD5 only.
fn wanted(options: &CastOptions, account: &SeatAccount, index: usize) -> Register {
    Register {
        registrar: options.engine,
        domain: options.domain.clone(),
        password: account.password.clone(),
        algorithm: if index.is_multiple_of(2) {
            Algorithm::Sha256
        } else {
            Algorithm::Md5
        },
        expires: EXPIRES,
    }
}

/// Ends the registrations; what the engine answers no longer matters.
pub(crate) async fn unregister(seats: &[Seat]) {
    let mut leaving = JoinSet::new();
    for seat in seats {
        let phone = seat.phone.clone();
        leaving.spawn(async move { phone.unregister().await });
    }
    while leaving.join_next().await.is_some() {}
}

/// Plays one seat until it is aborted.
pub(crate) async fn play(index: usize, phone: Phone, director: Arc<Director>) {
    while let Some(call) = phone.next_call().await {
        let (act, known) = director.decide(index, &call);
        match act {
            Act::Ignore => {}
            Act::Refuse(status) => {
                if call.wait_ended(REFUSES_AFTER).await.is_none() {
                    call.reject(status).await;
                }
            }
            Act::Answer(after) => {
                if call.wait_ended(after).await.is_none() {
                    call.answer().await;
                    if !known {
                        identify(
                            &director,
                            Offer {
                                seat: index,
                                call: call.clone(),
                                act,
                            },
                        )
                        .await;
                    }
                }
            }
        }
        call.ended().await;
    }
}

/// Finds out by its tone which caller an answered seat talks with.
async fn identify(director: &Director, offer: Offer) {
    let mut found = None;
    let candidates = |hearing: &crate::Hearing| {
        let tones = director.tones();
        hearing
            .tones
            .iter()
            .find(|t| t.ms >= KNOWN_MS && tones.contains(&t.hz))
            .map(|t| t.hz)
    };
    offer
        .call
        .wait_hearing(LISTEN, |hearing| {
            found = candidates(hearing);
            found.is_some()
        })
        .await;
    if let Some(tone) = found {
        director.identified(tone, offer);
    }
}
