//! Seats: who sits where, and changes of their state.

use crate::error::Fault;
use crate::router::{Entry, Payload, Shared};
use crate::wire::{SeatBody, StateRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use meishier_engine::api::{Command, CommandError, Reply, SeatStatus};
use serde::Serialize;

#[derive(Serialize)]
struct Seats<'a> {
    seats: Vec<SeatBody<'a>>,
}

/// `GET /api/v1/seats`
pub(crate) async fn list(entry: Entry, State(site): Held) -> Response {
    entry.answer(all(&site).await.map(|seats| {
        Json(Seats {
            seats: seats.iter().map(SeatBody::from).collect(),
        })
        .into_response()
    }))
}

/// `GET /api/v1/seats/{name}`
pub(crate) async fn show(entry: Entry, State(site): Held, Path(name): Path<String>) -> Response {
    entry.answer(one(&site, &name).await)
}

/// `POST /api/v1/seats/{name}/state`
pub(crate) async fn set_state(
    entry: Entry,
    State(site): Held,
    Path(name): Path<String>,
    Payload(request): Payload<StateRequest>,
) -> Response {
    entry.answer(change(&site, &name, request).await)
}

/// The part of a request that is the same for all.
type Held = State<Shared>;

async fn all(site: &Shared) -> Result<Vec<SeatStatus>, Fault> {
    let views = site.views().await?;
    let mut seats: Vec<SeatStatus> = views.into_iter().flat_map(|view| view.seats).collect();
    seats.sort_by_key(|seat| seat.seat);
    Ok(seats)
}

async fn one(site: &Shared, name: &str) -> Result<Response, Fault> {
    let id = site.seat(name).ok_or(CommandError::UnknownSeat)?;
    let seats = all(site).await?;
    // A shard that did not answer has taken the seat's state with it.
    let seat = seats
        .iter()
        .find(|seat| seat.seat == id)
        .ok_or(Fault::Unavailable)?;
    Ok(Json(SeatBody::from(seat)).into_response())
}

async fn change(site: &Shared, name: &str, request: StateRequest) -> Result<Response, Fault> {
    let seat = site.seat(name).ok_or(CommandError::UnknownSeat)?;
    // Who has shown the API's token signs others on; anybody else has to know the PIN.
    let pin_missing = counsellor_without_pin(&request) && site.app.token.is_none();
    // An account that nobody has is refused like a wrong PIN, so that accounts cannot be probed.
    let counsellor = request
        .counsellor
        .as_ref()
        .map(|account| site.counsellor(account));
    let change = request
        .change(counsellor.flatten())
        .map_err(Fault::Invalid)?;
    if counsellor == Some(None) || pin_missing {
        return Err(CommandError::NotAdmitted.into());
    }
    match site.command(Command::Seat { seat, change }).await? {
        Reply::Seat(status) => Ok(Json(SeatBody::from(&status?)).into_response()),
        _ => Err(Fault::Unavailable),
    }
}

fn counsellor_without_pin(request: &StateRequest) -> bool {
    request.counsellor.is_some() && request.pin.is_none()
}
