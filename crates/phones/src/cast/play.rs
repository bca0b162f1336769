//! Plays the plan: one task a call, one a seat.

use super::director::{Act, Director, Offer};
use super::plan::{Planned, Script, Side, plan};
use super::report::{CallResult, LEAST_HEARD_MS, Progress, Report, Step};
use super::seats::{self, Seat};
use super::why::{Who, Why};
use super::{CastError, CastOptions, KeyPress, POLICE_HZ, Stage};
use crate::call::{Call, EndedBy};
use crate::phone::{Dial, Phone, PhoneOptions};
use meishier_model::DialString;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Presses the key for a call.
pub(crate) type PressKey =
    Box<dyn Fn(KeyPress) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Callers at a time beyond the number of seats.
pub(super) const MORE_CALLERS: usize = 6;
/// How long the other side may take to hear of a hang-up.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// After the talk time, how long to wait for the rest of the second that each must hear.
pub(crate) const EXTRA: Duration = Duration::from_secs(5);
/// As long as each must hear the other.
pub(crate) const LEAST_HEARD: Duration = Duration::from_millis(LEAST_HEARD_MS);
/// A tone heard as long as this is somebody's voice, not chance.
const STRAY_MS: u64 = 300;
/// A caller who waits longer than this with an open line must have heard something.
const SILENT_WAIT: Duration = Duration::from_secs(3);
/// How long a seat rings before a caller who gives up ringing hangs up.
const RINGS: Duration = Duration::from_millis(150);
/// The same, if nobody can say for whom a seat rings.
const RINGS_SOMEWHERE: Duration = Duration::from_millis(300);

/// What every call of the play shares.
pub(crate) struct Scene {
    pub options: CastOptions,
    pub seats: Vec<Seat>,
    pub director: Arc<Director>,
    pub press_key: PressKey,
    pub progress: mpsc::Sender<Progress>,
    pub police: Phone,
}

pub(crate) async fn play(
    stage: &Stage,
    options: CastOptions,
    press_key: PressKey,
    progress: mpsc::Sender<Progress>,
) -> Result<Report, CastError> {
    let seats = seats::register(stage, &options).await?;
    let director = Arc::new(Director::default());
    let mut counsellors = JoinSet::new();
    for (index, seat) in seats.iter().enumerate() {
        counsellors.spawn(seats::play(index, seat.phone.clone(), director.clone()));
    }
    let (free, mut callers) = callers(stage, &seats).await?;
    let scene = Arc::new(Scene {
        options,
        seats,
        director,
        press_key,
        progress,
        police: stage.police().clone(),
    });
    let begin = Instant::now();
    let mut calls = JoinSet::new();
    for planned in plan(&scene.options) {
        sleep_until(begin + planned.at).await;
        // All callers taken: this one dials when the next has hung up.
        let Some(phone) = callers.recv().await else {
            break;
        };
        let (scene, free) = (scene.clone(), free.clone());
        calls.spawn(async move {
            let result = run(&scene, &phone, planned).await;
            // The channel has room for every phone.
            let _ = free.try_send(phone);
            result
        });
    }
    let mut results = Vec::new();
    while let Some(done) = calls.join_next().await {
        match done {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    seats::unregister(&scene.seats).await;
    Ok(Report::new(results))
}

/// The phones from which callers dial, each with a tone of its own.
async fn callers(
    stage: &Stage,
    seats: &[Seat],
) -> Result<(mpsc::Sender<Phone>, mpsc::Receiver<Phone>), CastError> {
    let (_, mut tones) = seats::tones(seats.len());
    tones.truncate(seats.len() + MORE_CALLERS);
    let mut listen: Vec<u16> = seats.iter().map(|s| s.tone).collect();
    listen.push(POLICE_HZ);
    let (free, callers) = mpsc::channel(tones.len());
    for tone in tones {
        let phone = stage
            .trunk
            .phone(PhoneOptions::new(&format!("caller-{tone}"), tone, &listen))
            .await?;
        let _ = free.try_send(phone);
    }
    Ok((free, callers))
}

async fn run(scene: &Scene, phone: &Phone, planned: Planned) -> CallResult {
    let number = number(&scene.options, planned.call);
    let tone = phone.tone_hz();
    let offers = scene.director.enter(tone, &number, &planned);
    let mut dial = Dial::new(scene.options.engine, dialled(scene, planned.call));
    dial.from_user = Some(number.clone());
    let mut result = blank(&planned);
    let caller = DialString::new(&number).masked();
    match phone.dial(dial).await {
        Err(error) => result.why_not = Some(Why::NotDialled(error.to_string())),
        Ok(call) => {
            result.sip_call_id = call.call_id().to_owned();
            let mut act = Actor {
                scene,
                planned,
                number,
                tone,
                call,
                offers,
                spent: false,
                caller,
                result,
            };
            let outcome = act.play().await;
            act.clear().await;
            result = act.result;
            result.why_not = outcome.err();
        }
    }
    result.ok = result.why_not.is_none();
    scene.director.leave(tone);
    let caller = DialString::new(&self::number(&scene.options, result.call)).masked();
    let ended = Progress {
        call: result.call,
        caller,
        step: Step::Ended(Box::new(result.clone())),
    };
    let _ = scene.progress.send(ended).await;
    result
}

fn blank(planned: &Planned) -> CallResult {
    CallResult {
        call: planned.call,
        script: planned.script,
        sip_call_id: String::new(),
        ok: false,
        why_not: None,
        answered: false,
        seat: None,
        answer_time_ms: None,
        waiting_sound_ms: 0,
        both_ways_ms: 0,
        transferred: false,
        handed_over: false,
    }
}

/// The number of the `call`-th caller; distinct among any 10,000 in turn.
fn number(options: &CastOptions, call: usize) -> String {
    let prefixes = &options.caller_prefixes;
    let prefix = prefixes
        .get(call % prefixes.len().max(1))
        .map_or("", String::as_str);
    format!("{prefix}{:04}", call % 10_000)
}

/// What the `call`-th caller dials: the seats' numbers in turn, so that each is called for.
fn dialled(scene: &Scene, call: usize) -> &str {
    let seat = &scene.seats[call % scene.seats.len()];
    seat.number.as_deref().unwrap_or(&scene.options.number)
}

/// One call being played.
pub(crate) struct Actor<'a> {
    pub scene: &'a Scene,
    pub planned: Planned,
    pub number: String,
    pub tone: u16,
    pub call: Call,
    offers: mpsc::Receiver<Offer>,
    /// The seat that had to refuse or ignore the call did.
    spent: bool,
    caller: String,
    pub result: CallResult,
}

impl Actor<'_> {
    pub(crate) async fn say(&self, step: Step) {
        let progress = Progress {
            call: self.planned.call,
            caller: self.caller.clone(),
            step,
        };
        let _ = self.scene.progress.send(progress).await;
    }

    fn seat(&self, offer: &Offer) -> &Seat {
        &self.scene.seats[offer.seat]
    }

    async fn play(&mut self) -> Result<(), Why> {
        if self.mutes(Side::Caller) {
            self.call.set_muted(true);
        }
        let dialled = self.call.dialled().to_owned();
        self.say(Step::Waiting { dialled }).await;
        match self.planned.script {
            Script::GiveUpRinging | Script::GiveUpWaiting => self.give_up().await,
            script => {
                let offer = self.connected().await?;
                self.talk(&offer).await?;
                if script == Script::Danger {
                    return self.danger(&offer).await;
                }
                let ends = if let Script::Talk { ends } = script {
                    ends
                } else {
                    Side::Caller
                };
                self.part(&offer, ends).await
            }
        }
    }

    fn mutes(&self, side: Side) -> bool {
        self.scene
            .options
            .mute
            .is_some_and(|m| m.call == self.planned.call && m.side == side)
    }

    /// Waits until a seat has answered.
    async fn connected(&mut self) -> Result<Offer, Why> {
        let deadline = Instant::now() + self.scene.options.patience;
        let offer = loop {
            tokio::select! {
                Some(offer) = self.offers.recv() => {
                    if self.offered(&offer).await {
                        break offer;
                    }
                }
                end = self.call.ended() => {
                    return Err(Why::EndedEarly(end.status));
                }
                () = sleep_until(deadline) => return Err(Why::NotAnswered),
            }
        };
        if self.mutes(Side::Seat) {
            offer.call.set_muted(true);
        }
        let special = matches!(
            self.planned.script,
            Script::SeatRefuses { .. } | Script::SeatIgnores
        );
        if special && !self.spent {
            return Err(Why::NotRefused);
        }
        if !self.call.wait_answered(SOON).await {
            return Err(Why::AnswerLost);
        }
        self.result.answered = true;
        self.result.seat = Some(self.seat(&offer).name.clone());
        let answered_at = offer.call.status().answered_at.unwrap_or_else(Instant::now);
        let waited = answered_at.saturating_duration_since(self.call.status().begun_at);
        self.result.answer_time_ms = u64::try_from(waited.as_millis()).ok();
        let answer_time_ms = self.result.answer_time_ms.unwrap_or_default();
        self.say(Step::Talking {
            seat: self.seat(&offer).name.clone(),
            answer_time_ms,
        })
        .await;
        Ok(offer)
    }

    /// A seat rings; true once it answered.
    async fn offered(&mut self, offer: &Offer) -> bool {
        let seat = self.seat(offer).name.clone();
        match offer.act {
            Act::Refuse(status) => {
                self.spent = true;
                self.say(Step::Refused { seat, status }).await;
                false
            }
            Act::Ignore => {
                self.spent = true;
                self.say(Step::Ringing { seat }).await;
                false
            }
            Act::Answer(_) => {
                self.say(Step::Ringing { seat }).await;
                offer.call.wait_answered(self.scene.options.patience).await
            }
        }
    }

    /// The talk: as long as planned, and until each heard the other for a second.
    async fn talk(&mut self, offer: &Offer) -> Result<(), Why> {
        tokio::select! {
            () = sleep(self.planned.talk) => {}
            end = self.call.ended() => return Err(Why::Released(Who::Caller, end.status)),
            end = offer.call.ended() => return Err(Why::Released(Who::Counsellor, end.status)),
        }
        let seat_tone = self.seat(offer).tone;
        let caller = self.call.wait_heard(seat_tone, LEAST_HEARD, EXTRA).await;
        let seat = offer.call.wait_heard(self.tone, LEAST_HEARD, EXTRA).await;
        self.measure(offer);
        match (caller, seat) {
            (true, true) => self.undisturbed(offer),
            (false, true) => Err(Why::Deaf(Who::Caller)),
            (true, false) => Err(Why::Deaf(Who::Counsellor)),
            (false, false) => Err(Why::BothDeaf),
        }
    }

    fn measure(&mut self, offer: &Offer) {
        let (caller, seat) = (self.call.hearing(), offer.call.hearing());
        self.result.both_ways_ms = caller
            .tone_ms(self.seat(offer).tone)
            .min(seat.tone_ms(self.tone));
        self.result.waiting_sound_ms = caller.sound_before_tones_ms;
    }

    /// Nobody else's voice was in the call, and a long wait was not silent.
    fn undisturbed(&self, offer: &Offer) -> Result<(), Why> {
        let own = self.seat(offer).tone;
        let heard = self.call.hearing();
        let stray = heard.tones.iter().find(|t| t.hz != own && t.ms >= STRAY_MS);
        if let Some(other) = stray {
            return Err(Why::Stray(Who::Caller, other.hz));
        }
        if let Some(other) = offer
            .call
            .hearing()
            .tones
            .iter()
            .find(|t| t.hz != self.tone && t.ms >= STRAY_MS)
        {
            return Err(Why::Stray(Who::Counsellor, other.hz));
        }
        let status = self.call.status();
        let open_at = if status.early_media {
            status.ringing_at
        } else {
            status.answered_at
        };
        let waited = open_at
            .zip(offer.call.status().answered_at)
            .map(|(open, seat)| seat.saturating_duration_since(open));
        if waited.is_some_and(|w| w > SILENT_WAIT) && heard.sound_before_tones_ms < LEAST_HEARD_MS {
            return Err(Why::Silence);
        }
        Ok(())
    }

    /// One side hangs up; the other must hear of it.
    async fn part(&mut self, offer: &Offer, ends: Side) -> Result<(), Why> {
        let (first, second, who, other) = match ends {
            Side::Caller => (&self.call, &offer.call, Who::Caller, Who::Counsellor),
            Side::Seat => (&offer.call, &self.call, Who::Counsellor, Who::Caller),
        };
        if first.status().ended.is_some() {
            return Err(Why::OverTooSoon);
        }
        first.hang_up().await;
        if first
            .wait_ended(SOON)
            .await
            .is_none_or(|end| end.by != EndedBy::Local || end.status != 200)
        {
            return Err(Why::HangUpUnconfirmed(who));
        }
        match second.wait_ended(SOON).await {
            Some(end) if end.by == EndedBy::Remote => {}
            _ => return Err(Why::NotReleased(other)),
        }
        self.measure(offer);
        Ok(())
    }

    async fn give_up(&mut self) -> Result<(), Why> {
        let mut seen = Vec::new();
        let begun = Instant::now();
        let deadline = match self.planned.script {
            Script::GiveUpWaiting => begun + self.planned.gives_up_after,
            _ => begun + self.scene.options.patience,
        };
        let mut hang_up_at = deadline;
        loop {
            if self.planned.script == Script::GiveUpRinging && !self.scene.director.number_kept() {
                hang_up_at = hang_up_at.min(begun + RINGS_SOMEWHERE);
            }
            tokio::select! {
                Some(offer) = self.offers.recv() => {
                    self.say(Step::Ringing { seat: self.seat(&offer).name.clone() }).await;
                    if self.planned.script == Script::GiveUpRinging {
                        hang_up_at = hang_up_at.min(Instant::now() + RINGS);
                    }
                    seen.push(offer);
                }
                end = self.call.ended() => return Err(Why::EndedEarly(end.status)),
                () = sleep_until(hang_up_at.min(Instant::now() + RINGS_SOMEWHERE)) => {
                    if Instant::now() >= hang_up_at {
                        break;
                    }
                }
            }
        }
        if self.planned.script == Script::GiveUpRinging && seen.is_empty() && hang_up_at == deadline
        {
            return Err(Why::NotRung);
        }
        self.call.hang_up().await;
        if self
            .call
            .wait_ended(SOON)
            .await
            .is_none_or(|end| end.by != EndedBy::Local)
        {
            return Err(Why::HangUpUnconfirmed(Who::Caller));
        }
        self.result.waiting_sound_ms = self.call.hearing().sound_before_tones_ms;
        while let Ok(offer) = self.offers.try_recv() {
            seen.push(offer);
        }
        for offer in seen {
            if offer.call.wait_ended(SOON).await.is_none() {
                return Err(Why::RangOn(self.seat(&offer).name.clone()));
            }
            if offer.call.status().answered_at.is_some() {
                return Err(Why::AnsweredGone(self.seat(&offer).name.clone()));
            }
        }
        Ok(())
    }

    /// Whatever happened, the caller's leg is over when the script is.
    async fn clear(&mut self) {
        if self.call.status().ended.is_none() {
            self.call.hang_up().await;
            // A CANCEL or BYE that nobody answers ends with its timer.
            self.call.wait_ended(2 * SOON).await;
        }
    }
}
