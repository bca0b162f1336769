//! What happens in calls, as orders to the hub: the way that the engine gives them.

use super::far_end::FarEnd;
use super::judge::Ear;
use super::voice::Voice;
use super::{Due, Scene};
use meishier_media::{Accept, Direction, MediaCommand, PromptId, Source};
use meishier_model::PortId;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// How long a port rests at least; longer than any packet is under way.
const REST: Duration = Duration::from_millis(300);

/// A call: its caller's port, and those of whoever is in the conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    caller: Option<PortId>,
    seat: Option<PortId>,
    target: Option<PortId>,
}

impl Call {
    pub fn parties(&self) -> Vec<PortId> {
        [self.caller, self.seat, self.target]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Scene {
    /// The next thing that happens in a call.
    pub(super) fn step(&mut self, number: u32) -> Result<(), String> {
        let pause = self
            .script
            .between(Duration::from_millis(150), Duration::from_millis(3500));
        let mut call = self.calls.remove(&number).unwrap_or_default();
        match (call.caller, call.seat, call.target) {
            (None, ..) => self.begin(&mut call)?,
            (Some(caller), None, None) => match self.script.roll(10) {
                0 => self.end(&mut call)?,
                1..=4 => {
                    call.seat = self.open()?;
                    self.arrange(&call)?;
                }
                _ => self.entertain(caller)?,
            },
            (Some(_), Some(_), None) => match self.script.roll(14) {
                0 => self.end(&mut call)?,
                1 => self.vanish(&mut call)?,
                2 | 3 => {
                    call.target = self.open()?;
                    self.arrange(&call)?;
                }
                4 | 5 => self.say_over(&call)?,
                _ => self.change_somebody(&call)?,
            },
            (Some(_), _, Some(_)) => match self.script.roll(12) {
                0 => self.end(&mut call)?,
                1 => {
                    let seat = call.seat.take();
                    self.leave(seat)?;
                    self.arrange(&call)?;
                }
                2 => {
                    let target = call.target.take();
                    self.leave(target)?;
                    self.arrange(&call)?;
                }
                _ => self.change_somebody(&call)?,
            },
        }
        self.calls.insert(number, call);
        self.due(pause, Due::Step(number));
        Ok(())
    }

    fn begin(&mut self, call: &mut Call) -> Result<(), String> {
        call.caller = self.open()?;
        if let Some(caller) = call.caller {
            self.figures.calls += 1;
            self.entertain(caller)?;
        }
        Ok(())
    }

    fn end(&mut self, call: &mut Call) -> Result<(), String> {
        for port in std::mem::take(call).parties() {
            self.leave(Some(port))?;
        }
        Ok(())
    }

    /// The seat's telephone is gone; the caller hears music again.
    fn vanish(&mut self, call: &mut Call) -> Result<(), String> {
        let seat = call.seat.take();
        self.leave(seat)?;
        match call.caller {
            Some(port) => self.hear(port, Source::Music),
            None => Ok(()),
        }
    }

    /// A party answers at a port that has rested. `None` if there is none, or too many voices.
    fn open(&mut self) -> Result<Option<PortId>, String> {
        let rested = self
            .free
            .front()
            .is_some_and(|(_, since)| self.now.since(*since) >= REST);
        let (true, Some(voice)) = (rested, self.voices.front().copied()) else {
            return Ok(None);
        };
        self.voices.pop_front();
        let Some((port, _)) = self.free.pop_front() else {
            return Ok(None);
        };
        let number = self.next_end;
        self.next_end += 1;
        let end = FarEnd::new(self.now, port, number, Voice::new(voice), &mut self.script);
        let (media, accept) = (end.media.clone(), end.accept);
        self.ends.insert(number, end);
        self.at.insert(port, number);
        self.ears.insert(port, Ear::new());
        self.order(MediaCommand::Open {
            port,
            media,
            accept,
        })?;
        let first = self
            .script
            .between(Duration::ZERO, Duration::from_millis(40));
        self.due(first, Due::Speak(number));
        Ok(Some(port))
    }

    /// A party is gone; some go on talking for a while. At an address that others share that is no
    /// ghost of whose stream the hub has seen nothing: it cannot tell it from the next party.
    fn leave(&mut self, port: Option<PortId>) -> Result<(), String> {
        let Some(port) = port else { return Ok(()) };
        self.order(MediaCommand::Close { port })?;
        self.ears.remove(&port);
        let Some(number) = self.at.remove(&port) else {
            return Ok(());
        };
        let haunts = self.script.chance(self.faults.ghosts);
        let ghost = self
            .ends
            .get_mut(&number)
            .filter(|end| haunts && (end.met || !end.shares_address()));
        match ghost {
            Some(ghost) => {
                ghost.sending = true;
                let lasts = self
                    .script
                    .between(Duration::from_millis(500), Duration::from_secs(5));
                self.due(lasts, Due::Forget(number));
            }
            None => self.forget(number),
        }
        Ok(())
    }

    /// The far end falls silent for good; its voice may be another's.
    pub(super) fn forget(&mut self, number: u32) {
        if let Some(end) = self.ends.remove(&number) {
            self.voices.push_back(end.voice.number());
        }
    }

    fn hear(&mut self, port: PortId, source: Source) -> Result<(), String> {
        self.order(MediaCommand::Hear { port, source })
    }

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn prompts(&mut self) -> Vec<PromptId> {
        let all = [PromptId::Greeting, PromptId::AllBusy, PromptId::NextInLine];
        let count = self.script.index(4);
        all.into_iter().take(count).collect()
    }

    /// What a caller hears who waits.
    fn entertain(&mut self, caller: PortId) -> Result<(), String> {
        let source = match self.script.roll(6) {
            0 => Source::Music,
            1 => Source::Comfort,
            2 => Source::Ringback,
            3 => Source::Silence,
            _ => Source::Playlist {
                prompts: self.prompts(),
                then_music: self.script.chance(0.7),
                token: self.token(),
            },
        };
        self.hear(caller, source)
    }

    /// Everybody hears everybody else.
    fn arrange(&mut self, call: &Call) -> Result<(), String> {
        let present = call.parties();
        for port in &present {
            let others: Vec<PortId> = present.iter().copied().filter(|p| p != port).collect();
            let source = match others.as_slice() {
                [] => Source::Ringback,
                [other] => Source::Peer(*other),
                _ => Source::Mix(others),
            };
            self.hear(*port, source)?;
        }
        Ok(())
    }

    /// Prompts over a conversation of two, to one or both.
    fn say_over(&mut self, call: &Call) -> Result<(), String> {
        let (Some(caller), Some(seat)) = (call.caller, call.seat) else {
            return Ok(());
        };
        let both = self.script.chance(0.5);
        let listeners = [(seat, caller), (caller, seat)];
        for (port, other) in listeners.into_iter().take(1 + usize::from(both)) {
            let source = Source::Over {
                parties: vec![other],
                prompts: self.prompts(),
                token: self.token(),
            };
            self.hear(port, source)?;
        }
        Ok(())
    }

    /// A party presses a key, breaks off, holds, resumes, takes another codec or moves.
    fn change_somebody(&mut self, call: &Call) -> Result<(), String> {
        let parties = call.parties();
        let port = parties[self.script.index(parties.len())];
        let number = self.at.get(&port).copied().unwrap_or(u32::MAX);
        let Some(mut end) = self.ends.remove(&number) else {
            return Ok(());
        };
        // A key is let up before anything else is done.
        if !end.pressed_within(self.now, Duration::from_millis(600)) {
            if self.script.chance(self.faults.breaks) {
                if self.script.chance(0.4) {
                    end.restart(self.now, &mut self.script);
                } else {
                    end.sending = !end.sending;
                    end.changed = self.now;
                }
            } else if self.script.chance(self.faults.rebinds) && end.known {
                end.rebind(self.now);
            } else {
                self.ends.insert(number, end);
                return self.offer(number);
            }
        }
        self.ends.insert(number, end);
        Ok(())
    }

    /// A re-INVITE, or a key.
    fn offer(&mut self, number: u32) -> Result<(), String> {
        let now = self.now;
        let fresh = self.next_end;
        let what = self.script.roll(8);
        let Some(end) = self.ends.get_mut(&number) else {
            return Ok(());
        };
        let held = end.media.direction != Direction::SendRecv;
        match what {
            _ if held => {
                end.media.direction = Direction::SendRecv;
                end.changed = now;
            }
            0 => end.media.direction = Direction::RecvOnly,
            1 => end.media.direction = Direction::SendOnly,
            2 => end.media.direction = Direction::Inactive,
            3 => end.use_codec(now, &mut self.script),
            4 => {
                end.move_to(now, fresh);
                self.next_end += 1;
            }
            _ => {
                let keys = b"0123456789*#ABCD";
                let key = char::from(keys[self.script.index(keys.len())]);
                end.press(now, key);
                return Ok(());
            }
        }
        end.changed = now;
        let (port, mut media, mut accept) = (end.port, end.media.clone(), end.accept);
        // Some say that they listen nowhere, as before RFC 3264 (§8.4).
        if media.direction == Direction::RecvOnly && self.script.chance(0.3) {
            let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            media.remote.set_ip(nowhere);
            accept = Accept {
                sdp: nowhere,
                ..accept
            };
        }
        self.order(MediaCommand::Update {
            port,
            media,
            accept,
        })
    }
}
