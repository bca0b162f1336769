//! The caller in danger: the key, the police, three voices; then the counsellor may leave.

use super::director::Offer;
use super::play::{Actor, EXTRA, LEAST_HEARD, SOON};
use super::report::Step;
use super::why::{Who, Why};
use super::{DeskStep, Key, KeyPress, POLICE_HZ};
use crate::call::{Call, EndedBy};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long the engine may take from the key to the INVITE at the police.
const KEY_TO_POLICE: Duration = Duration::from_secs(15);

impl Actor<'_> {
    /// Presses the key, waits for the police, checks that each of the three hears both others for a
    /// second; then the police take over, the counsellor leaves, and caller and police go on alone until
    /// the caller hangs up.
    pub(super) async fn danger(&mut self, offer: &Offer) -> Result<(), Why> {
        let Some(key) = self.scene.options.key.clone() else {
            return Err(Why::KeyRefused("-".into()));
        };
        let noted = self.at_desk(offer, DeskStep::Note, &key).await;
        noted.map_err(Why::KeyRefused)?;
        let pressed = self.at_desk(offer, DeskStep::Press, &key).await;
        pressed.map_err(Why::KeyRefused)?;
        self.say(Step::KeyPressed {
            key: key.key.clone(),
            city: key.city.clone(),
        })
        .await;
        let police = self.police(&key).await?;
        self.three_talk(offer, &police).await?;
        self.result.transferred = true;
        self.say(Step::ThreeTalk).await;
        self.hand_over(offer, &police, &key).await?;
        self.result.handed_over = true;
        self.say(Step::CounsellorLeft).await;
        self.call.hang_up().await;
        if self.call.wait_ended(SOON).await.is_none() {
            return Err(Why::HangUpUnconfirmed(Who::Caller));
        }
        match police.wait_ended(SOON).await {
            Some(end) if end.by == EndedBy::Remote => Ok(()),
            _ => Err(Why::NotReleased(Who::Police)),
        }
    }

    /// Does something at the desk of the seat that talks.
    async fn at_desk(&self, offer: &Offer, step: DeskStep, key: &Key) -> Result<(), String> {
        let press = KeyPress {
            step,
            call: self.planned.call,
            caller: self.number.clone(),
            sip_call_id: self.call.call_id().to_owned(),
            seat: self.scene.seats[offer.seat].name.clone(),
            key: key.clone(),
        };
        (self.scene.press_key)(press).await
    }

    /// The police, once they have answered.
    async fn police(&self, key: &Key) -> Result<Call, Why> {
        let police = timeout(KEY_TO_POLICE, self.scene.police.next_call()).await;
        let police = police.ok().flatten().ok_or(Why::PoliceNotCalled)?;
        let dialled = police.dialled().to_owned();
        if (key.dialled.as_ref()).is_some_and(|number| *number != dialled) {
            return Err(Why::WrongNumber(dialled));
        }
        self.say(Step::PoliceRing {
            dialled: dialled.clone(),
        })
        .await;
        if !police.wait_answered(SOON).await {
            return Err(Why::PoliceNotReached);
        }
        self.say(Step::PoliceAnswered { dialled }).await;
        Ok(police)
    }

    /// The police take over, and the counsellor leaves: the caller is never alone.
    async fn hand_over(&self, offer: &Offer, police: &Call, key: &Key) -> Result<(), Why> {
        let confirmed = self.at_desk(offer, DeskStep::Confirm, key).await;
        confirmed.map_err(Why::NotLetGo)?;
        self.say(Step::Confirmed).await;
        let left = self.at_desk(offer, DeskStep::Leave, key).await;
        left.map_err(Why::NotLetGo)?;
        match offer.call.wait_ended(SOON).await {
            Some(end) if end.by == EndedBy::Remote => {}
            _ => return Err(Why::NotReleased(Who::Counsellor)),
        }
        let parties = [
            (&self.call, vec![POLICE_HZ], Who::Caller),
            (police, vec![self.tone], Who::Police),
        ];
        hear(&parties).await
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
