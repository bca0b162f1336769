//! When a conversation is recorded, on what ground, and who is on the recording.
//!
//! ```text
//!            waits, answered; who may        together, the pool records, and it was not
//!            pick up records                 said to its end before
//!   (none) ──────────────────────► Ahead ──────────────────────────────────────► Telling
//!     ▲                              │                                              │
//!     │                              │ said to its end; where the pool asks, the time to answer
//!     │                              │ has passed; together      (or an emergency key)
//!     │                              └───────────────────► Taping ◄─────────────────┘
//!     │                                                     │  ▲ │
//!     │                                   paused (a person) ◄──┘ │
//!     └── parted, back in the queue, over: the tape ends; ◄──────┘
//!         together again: another one
//!
//!   refused, at any time: what was taped is deleted, every tape of the call, and nothing begins again
//! ```
//! It is looked at after every change of a call, from scratch: who is there and heard by somebody is on
//! the tape, each on a track of its own, whoever leaves leaves the tape. A caller is told while waiting;
//! what could not be said to its end by then is said over the conversation, which waits for nothing.
//! Nothing before the end of it is recorded. What anybody hears beside speech (music, prompts) is not on
//! it.

use crate::api::{CommandError, RecordingState, Reply};
use crate::call::{Call, State, ThirdSide};
use crate::consent::TO_ANSWER;
use crate::shard::Shard;
use meishier_media::MediaCommand;
use meishier_model::{
    CallId, Consent, PauseRecord, PortId, RecordingRecord, TapeForm, TapeId, TapeRecord,
    TrackRecord, Wall,
};
use meishier_transfer::{Mode, Role, ThirdId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// Most characters of a reason that are kept.
const REASON_LIMIT: usize = 200;
/// Most times that a person stops one call's recording and lets it go on.
const MOST_PAUSES: usize = 64;
/// Tracks of parties; the one above is the sum.
const MOST_TRACKS: u8 = 254;

/// What a call knows of its recordings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Taping {
    pub(crate) record: RecordingRecord,
    /// Token of what the caller is being told, and on what ground.
    pub(crate) telling: Option<(u64, Consent)>,
    /// Token of what a waiting caller hears before the music. It is not cut off by what can wait.
    #[serde(default)]
    pub(crate) playing: Option<u64>,
    paused: bool,
    running: Option<Running>,
    /// Recordings so far.
    segments: u16,
}

/// The recording that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Running {
    segment: u16,
    /// Who is on it.
    on: SmallVec<[(PortId, u8); 4]>,
    /// The next party's track.
    next: u8,
}

impl Taping {
    /// For the call's record; `None` if there is nothing to be said.
    pub(crate) fn into_record(self) -> Option<Box<RecordingRecord>> {
        let record = self.record;
        let nothing =
            record.consent == Consent::Off && record.tapes.is_empty() && record.refused.is_none();
        (!nothing).then(|| Box::new(record))
    }
}

#[derive(Clone, Copy)]
enum Party {
    Caller,
    Counsellor,
    Third(ThirdId),
}

type Together = SmallVec<[(PortId, Party); 4]>;

pub(crate) fn talks(call: &Call) -> bool {
    matches!(call.state, State::Talking(_) | State::Transferring(_))
}

/// Everybody in the conversation whom somebody may hear.
fn together(call: &Call) -> Together {
    let mut out = Together::new();
    let heard = |mode: Mode| !matches!(mode, Mode::Listen | Mode::Held);
    let (caller, counsellor) = call.modes;
    if !call.side.closed && call.side.voice.open && heard(caller) {
        out.push((call.side.voice.port, Party::Caller));
    }
    let seat = call.seat_side().and_then(|side| side.voice.as_ref());
    if let Some(voice) = seat.filter(|voice| voice.open && heard(counsellor)) {
        out.push((voice.port, Party::Counsellor));
    }
    // Who answers at the caller's number may be anybody, and was told nothing.
    let told = |it: &&ThirdSide| !it.is_call_back() || it.confirmed;
    let there = call.thirds.iter().filter(|it| it.present && heard(it.mode));
    for third in there.filter(told) {
        if let Some(voice) = third.voice.as_ref().filter(|voice| voice.open) {
            out.push((voice.port, Party::Third(third.id)));
        }
    }
    out
}

impl Shard {
    /// The call changed: the tape follows.
    pub(crate) fn tape_follow(&mut self, call: &mut Call) {
        let config = Arc::clone(&self.config);
        let recording = config.recording.as_ref().filter(|_| talks(call));
        let Some(recording) = recording else {
            self.end_tape(call);
            return self.tell_ahead(call);
        };
        call.taping.playing = None;
        if let Some(side) = call.seat_side() {
            call.taping.record.consent = recording.consent(side.line.pool);
        }
        if !self.may_tape(call) {
            self.end_tape(call);
            return self.tell_of_tape(call, recording);
        }
        let together = together(call);
        // Whoever comes back comes on another track: who is there is to have one on this tape, or on the next.
        let tracks = |it: &Running| usize::from(it.next) + together.len();
        let running = call.taping.running.as_ref();
        if running.is_some_and(|it| tracks(it) > usize::from(MOST_TRACKS)) {
            self.end_tape(call);
        }
        if call.taping.running.is_none() {
            if together.len() < 2 {
                return;
            }
            self.start_tape(call, recording.form);
        }
        self.change_parties(call, &together);
    }

    fn may_tape(&self, call: &Call) -> bool {
        let record = &call.taping.record;
        match record.consent {
            _ if record.refused.is_some() => false,
            Consent::Off => false,
            Consent::Announced => record.told.is_some(),
            // Who was told elsewhere, and not by which key to refuse, was not asked.
            Consent::Asked => record.asked.is_some_and(|asked| {
                let had = self.wall_in(call).0.saturating_sub(asked.0);
                u128::try_from(had).is_ok_and(|had| had >= TO_ANSWER.as_millis())
            }),
            Consent::EmergencyOnly => call.emergency,
        }
    }

    /// How it stands, for whoever looks at the call. What a person stopped is stopped, whether or not
    /// anything had begun.
    pub(crate) fn recording_state(&self, call: &Call) -> Option<RecordingState> {
        let taping = &call.taping;
        let records = self.config.recording.is_some() && talks(call);
        match taping.record.consent {
            _ if !records => None,
            _ if taping.record.refused.is_some() => Some(RecordingState::Refused),
            Consent::Off => None,
            _ if taping.paused => Some(RecordingState::Paused),
            _ if taping.running.is_some() => Some(RecordingState::On),
            _ => Some(RecordingState::Waiting),
        }
    }

    /// What time it is for the record of this call.
    pub(crate) fn wall_in(&self, call: &Call) -> Wall {
        let lasted = (self.now - call.arrived.mono).as_millis();
        let lasted = i64::try_from(lasted).unwrap_or(i64::MAX);
        Wall(call.arrived.wall.0.saturating_add(lasted))
    }

    fn start_tape(&mut self, call: &mut Call, form: TapeForm) {
        let begun = self.wall_in(call);
        let segment = call.taping.segments;
        call.taping.segments = segment.saturating_add(1);
        let consent = call.taping.record.consent;
        call.taping.record.tapes.push(TapeRecord {
            segment,
            form,
            consent,
            begun,
            ended: None,
            lost: 0,
            given_up: false,
            tracks: Vec::new(),
        });
        call.taping.running = Some(Running {
            segment,
            on: SmallVec::new(),
            next: 0,
        });
        let pool = call.seat_side().map(|side| usize::from(side.line.pool.0));
        let pool = pool.and_then(|pool| self.config.pools.get(pool));
        let pool = pool.map_or("", |pool| pool.name.as_str());
        let consent = consent.as_str();
        self.media(MediaCommand::StartTape {
            tape: TapeId {
                call: call.id,
                segment,
            },
            form,
            begun,
            about: format!("pool={pool} consent={consent}"),
        });
    }

    /// Puts who has come on the tape and takes who has gone off it.
    fn change_parties(&mut self, call: &mut Call, together: &Together) {
        let wanted: &[(PortId, Party)] = if call.taping.paused { &[] } else { together };
        let Some(mut running) = call.taping.running.take() else {
            return;
        };
        let tape = TapeId {
            call: call.id,
            segment: running.segment,
        };
        let there = |port: PortId| wanted.iter().any(|(it, _)| *it == port);
        for (port, _) in running.on.iter().filter(|(port, _)| !there(*port)) {
            self.media(MediaCommand::Untape { tape, port: *port });
        }
        running.on.retain(|(port, _)| there(*port));
        for (port, party) in wanted {
            let known = running.on.iter().any(|(it, _)| it == port);
            if known {
                continue;
            }
            let track = running.next;
            running.next = running.next.saturating_add(1);
            running.on.push((*port, track));
            let label = self.label(call, *party);
            let from = self.wall_in(call);
            if let Some(record) = call.taping.record.tapes.last_mut() {
                record.tracks.push(TrackRecord {
                    track,
                    party: label.clone(),
                    from,
                });
            }
            self.media(MediaCommand::Tape {
                tape,
                port: *port,
                track,
                label,
            });
        }
        call.taping.running = Some(running);
    }

    /// Who a party is, without a number or a person's name.
    fn label(&self, call: &Call, party: Party) -> String {
        match party {
            Party::Caller => "caller".to_owned(),
            Party::Counsellor => {
                let seat = call.seat_side().map(|side| side.seat.0 as usize);
                let seat = seat.and_then(|seat| self.config.seats.get(seat));
                format!("seat {}", seat.map_or("", |seat| seat.name.as_str()))
            }
            Party::Third(id) => {
                let third = call.third(id);
                let role = third.map_or(Role::Target, |it| it.role);
                let record = third.and_then(|it| call.transfers.get(it.record));
                let key = record.map_or("", |it| it.key.as_str());
                format!("{} {key}", role.as_str()).trim_end().to_owned()
            }
        }
    }

    fn end_tape(&mut self, call: &mut Call) {
        let Some(running) = call.taping.running.take() else {
            return;
        };
        let ended = self.wall_in(call);
        if let Some(tape) = call.taping.record.tapes.last_mut() {
            tape.ended = Some(ended);
        }
        self.media(MediaCommand::EndTape {
            tape: TapeId {
                call: call.id,
                segment: running.segment,
            },
            keep: true,
        });
    }

    /// Whoever refuses leaves no file: neither the tape that runs nor one that ended before.
    pub(crate) fn unmake_tapes(&mut self, call: &mut Call) {
        call.taping.running = None;
        for tape in std::mem::take(&mut call.taping.record.tapes) {
            self.media(MediaCommand::EndTape {
                tape: TapeId {
                    call: call.id,
                    segment: tape.segment,
                },
                keep: false,
            });
        }
    }

    /// The call goes on in another shard object, or process: media knows nothing of what it had on tape.
    pub(crate) fn tape_cut(&mut self, call: &mut Call) {
        call.taping.telling = None;
        call.taping.playing = None;
        if let Some(running) = call.taping.running.take() {
            self.media(MediaCommand::EndTape {
                tape: TapeId {
                    call: call.id,
                    segment: running.segment,
                },
                keep: true,
            });
        }
    }

    /// A person stops the recording of a conversation, or lets it go on.
    pub(crate) fn on_record(&mut self, token: u64, id: CallId, on: bool, reason: &str) {
        let mut result = Err(CommandError::UnknownCall);
        self.with_call(id, |shard, call| {
            let taped = talks(call) && call.taping.record.consent != Consent::Off;
            result = match taped {
                false => Err(CommandError::NotTalking),
                // Stopping always works, so only letting it go on has an end.
                true if on && call.taping.record.pauses.len() >= MOST_PAUSES => {
                    Err(CommandError::Busy)
                }
                true => Ok(()),
            };
            if result.is_err() || call.taping.paused != on {
                return;
            }
            call.taping.paused = !on;
            let reason: String = reason.chars().take(REASON_LIMIT).collect();
            if let Some(running) = &call.taping.running {
                let word = if on { "resumed" } else { "paused" };
                shard.media(MediaCommand::NoteTape {
                    tape: TapeId {
                        call: call.id,
                        segment: running.segment,
                    },
                    note: format!("{word}: {reason}"),
                });
            }
            let at = shard.wall_in(call);
            let pauses = &mut call.taping.record.pauses;
            pauses.push(PauseRecord { at, on, reason });
        });
        self.reply(token, Reply::Done(result));
    }
}
