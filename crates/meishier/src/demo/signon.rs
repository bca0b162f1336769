//! Who sits at which seat, and how they sign on: most are there from the start, two come by the
//! API, one by the star code of a telephone.

use super::api::Api;
use meishier_config::{Config, SeatContact, Start, StartState};
use meishier_model::SeatId;
use meishier_phones::{Algorithm, Dial, PhoneBank, PhoneOptions};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a star-code call may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Counsellors who come by the API; the next one comes by star code.
const BY_API: usize = 2;

/// By which way a counsellor signs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Signed on when the engine starts.
    Start,
    /// `POST /api/v1/seats/{name}/state`.
    Api,
    /// `*11*ACCOUNT*PIN` from the seat's telephone.
    StarCode,
}

/// A counsellor at a seat.
#[derive(Clone, PartialEq, Eq)]
pub struct SignOn {
    /// Name of the seat.
    pub seat: String,
    /// Password of its telephone.
    pub password: String,
    /// The counsellor's account.
    pub account: String,
    /// The counsellor's PIN.
    pub pin: String,
    /// By which way.
    pub way: Way,
}

/// Finds a counsellor for every seat, as far as there are any who may sit there; writes those who
/// are there from the start into the configuration. `ways`: some come by the other ways.
pub fn staff(config: &mut Config, ways: bool) -> Vec<SignOn> {
    // Whoever may sit at few seats is placed first.
    let mut people: Vec<usize> = (0..config.counsellors.len()).collect();
    people.sort_by_key(|index| config.counsellors[*index].seats.len());
    let mut placed = BTreeSet::new();
    let mut staff = Vec::with_capacity(config.seats.len());
    for (index, seat) in config.seats.iter().enumerate() {
        let Ok(number) = u32::try_from(index) else {
            break;
        };
        let SeatContact::Register { password } = &seat.contact else {
            continue;
        };
        let may = |person: &&usize| {
            !placed.contains(*person)
                && config.counsellors[**person].seats.contains(&SeatId(number))
        };
        let Some(person) = people.iter().find(may).copied() else {
            continue;
        };
        placed.insert(person);
        let way = match staff.len() {
            n if ways && n < BY_API => Way::Api,
            n if ways && n == BY_API => Way::StarCode,
            _ => Way::Start,
        };
        let counsellor = &mut config.counsellors[person];
        counsellor.start = (way == Way::Start).then_some(Start {
            seat: SeatId(number),
            state: StartState::Ready,
        });
        staff.push(SignOn {
            seat: seat.name.clone(),
            password: password.clone(),
            account: counsellor.account.clone(),
            pin: counsellor.pin.clone(),
            way,
        });
    }
    staff
}

/// Signs on those who were not there from the start.
///
/// # Errors
/// Who could not, and why.
pub async fn come(staff: &[SignOn], api: &Api, engine: SocketAddr) -> Result<(), String> {
    for person in staff {
        match person.way {
            Way::Start => {}
            Way::Api => {
                api.sign_on(&person.seat, &person.account, &person.pin)
                    .await?
            }
            Way::StarCode => dial_in(person, api, engine).await?,
        }
    }
    Ok(())
}

/// Signs on by star code and sees by the API that it was taken.
async fn dial_in(person: &SignOn, api: &Api, engine: SocketAddr) -> Result<(), String> {
    let failed = |why: String| format!("{} *11*: {why}", person.seat);
    let bank = PhoneBank::open()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let phone = bank
        .phone(PhoneOptions::new(&person.seat, 1_000, &[]))
        .await;
    let phone = phone.map_err(|error| failed(error.to_string()))?;
    phone.set_password(&person.password, Algorithm::Sha256);
    let code = format!("*11*{}*{}", person.account, person.pin);
    let call = phone.dial(Dial::new(engine, &code)).await;
    let call = call.map_err(|error| failed(error.to_string()))?;
    // The engine says by voice what came of it, then hangs up.
    let Some(end) = call.wait_ended(LIMIT).await else {
        call.hang_up().await;
        return Err(failed("the engine did not hang up".into()));
    };
    match api.who_sits_at(&person.seat).await? {
        Some(account) if account == person.account => Ok(()),
        _ => Err(failed(format!(
            "not signed on, the call ended with {}",
            end.status
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::adapt::tests::adapted;
    use super::*;

    #[test]
    fn everybody_has_a_seat_of_their_own() {
        let (mut config, _) = adapted("2026-03-04T10:00");
        let staff = staff(&mut config, true);
        assert_eq!(staff.len(), config.seats.len());
        let accounts: BTreeSet<_> = staff.iter().map(|s| s.account.as_str()).collect();
        assert_eq!(accounts.len(), staff.len());
        let count = |way| staff.iter().filter(|s| s.way == way).count();
        assert_eq!(
            (count(Way::Api), count(Way::StarCode), count(Way::Start)),
            (2, 1, 20)
        );
        let started = config.counsellors.iter().filter_map(|c| c.start);
        let seats: BTreeSet<_> = started.map(|start| start.seat).collect();
        assert_eq!(seats.len(), 20);
        for counsellor in &config.counsellors {
            let fits = |start: Start| counsellor.seats.contains(&start.seat);
            assert!(counsellor.start.is_none_or(fits), "{}", counsellor.account);
        }
    }

    #[test]
    fn without_calls_all_are_there_from_the_start() {
        let (mut config, _) = adapted("2026-03-04T10:00");
        let staff = staff(&mut config, false);
        assert!(staff.iter().all(|person| person.way == Way::Start));
        assert_eq!(
            config
                .counsellors
                .iter()
                .filter(|c| c.start.is_some())
                .count(),
            23
        );
    }
}
