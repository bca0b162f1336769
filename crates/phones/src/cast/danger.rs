//! The caller in danger: the key, the police, three voices.

use super::director::Offer;
use super::play::{Actor, EXTRA, LEAST_HEARD, SOON};
use super::report::Step;
use super::why::{Who, Why};
use super::{KeyPress, POLICE_HZ};
use crate::call::Call;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long the engine may take from the key to the INVITE at the police.
const KEY_TO_POLICE: Duration = Duration::from_secs(15);

impl Actor<'_> {
    /// Presses the key, waits for the police, checks that each of the three hears both others for a
    /// second, lets the police hang up, and checks that caller and counsellor still hear each other.
    pub(super) async fn danger(&mut self, offer: &Offer) -> Result<(), Why> {
        let Some(key) = self.scene.options.key.clone() else {
            return Err(Why::KeyRefused("-".into()));
        };
        let seat = &self.scene.seats[offer.seat];
        let press = KeyPress {
            call: self.planned.call,
            caller: self.number.clone(),
            sip_call_id: self.call.call_id().to_owned(),
            seat: seat.name.clone(),
            key: key.clone(),
        };
        (self.scene.press_key)(press)
            .await
            .map_err(Why::KeyRefused)?;
        self.say(Step::KeyPressed).await;
        let police = timeout(KEY_TO_POLICE, self.scene.police.next_call())
            .await
            .ok()
            .flatten();
        let Some(police) = police else {
            return Err(Why::PoliceNotCalled);
        };
        if key.dialled.is_some_and(|number| number != police.dialled()) {
            return Err(Why::WrongNumber(police.dialled().to_owned()));
        }
        if !police.wait_answered(SOON).await {
            return Err(Why::PoliceNotReached);
        }
        self.say(Step::PoliceAnswered {
            dialled: police.dialled().to_owned(),
        })
        .await;
        self.three_talk(offer, &police).await?;
        self.result.transferred = true;
        self.say(Step::ThreeTalk).await;
        police.hang_up().await;
        if police.wait_ended(SOON).await.is_none() {
            return Err(Why::HangUpUnconfirmed(Who::Police));
        }
        // The caller is never released first: the two talk on.
        let parties = [
            (&self.call, seat.tone, Who::Caller),
            (&offer.call, self.tone, Who::Counsellor),
        ];
        hear(&parties.map(|(call, hz, who)| (call, vec![hz], who))).await
    }

    async fn three_talk(&self, offer: &Offer, police: &Call) -> Result<(), Why> {
        let seat_tone = self.scene.seats[offer.seat].tone;
        let parties = [
            (&self.call, vec![seat_tone, POLICE_HZ], Who::Caller),
            (&offer.call, vec![self.tone, POLICE_HZ], Who::Counsellor),
            (police, vec![self.tone, seat_tone], Who::Police),
        ];
        hear(&parties).await
    }
}

/// From now on each of `parties` must hear every tone of its list for a second.
async fn hear(parties: &[(&Call, Vec<u16>, Who)]) -> Result<(), Why> {
    let least = LEAST_HEARD.as_millis() as u64;
    let deadline = Instant::now() + 2 * EXTRA;
    let before: Vec<_> = parties.iter().map(|(call, ..)| call.hearing()).collect();
    for ((call, tones, who), before) in parties.iter().zip(before) {
        let left = deadline.saturating_duration_since(Instant::now());
        let enough = |now: &crate::Hearing| {
            tones
                .iter()
                .all(|hz| now.tone_ms(*hz) >= before.tone_ms(*hz) + least)
        };
        if !call.wait_hearing(left, enough).await {
            return Err(Why::Deaf(*who));
        }
    }
    Ok(())
}
