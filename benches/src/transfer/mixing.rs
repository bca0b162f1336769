//! CPU of the program for each party: the same calls as two who are relayed, then as three who are mixed,
//! then as two again.

use super::Options;
use super::police::{Called, Police};
use crate::engine::{Engine, Seats};
use crate::http::Http;
use crate::media::generator::{Generator, Stream};
use crate::media::measure::{LONG_CALLS, ROOM, connect, median, pin, pinned, places, window};
use crate::stage::Stage;
use std::io;
use std::time::Duration;

/// Speech before the first window of a kind.
const WARM: Duration = Duration::from_millis(1_000);
/// Share of what should be heard that may be missing in a window.
const MOST_MISSING: f64 = 0.02;

/// What was measured.
pub struct Mixing {
    /// Calls at once.
    pub calls: usize,
    /// CPU µs for each party and second, relayed: each round that counts.
    pub relay: Vec<f64>,
    /// The same, mixed.
    pub mixed: Vec<f64>,
    /// Rounds that do not count: the far ends were late, or something was not heard.
    pub void: usize,
}

impl Mixing {
    /// The middle of the rounds of each kind.
    pub fn medians(&self) -> (f64, f64) {
        (median(&self.relay), median(&self.mixed))
    }
}

struct Room<'a> {
    options: &'a Options,
    generator: Generator,
    stage: Stage,
    engine: Engine,
    void: usize,
}

impl Room<'_> {
    /// Rounds with so many parties in each call.
    fn rounds(&mut self, streams: &mut [Stream], parties: usize) -> io::Result<Vec<f64>> {
        let stage = &mut self.stage;
        let mut attend = || stage.attend();
        self.generator
            .play(streams, WARM, &mut attend, &mut || Ok(()))?;
        let mut found = Vec::new();
        for _ in 0..self.options.rounds {
            let (pid, length) = (self.engine.pid(), self.options.window);
            let (played, used) = window(&mut self.generator, streams, pid, length, &mut attend)?;
            let seconds = played.length.as_secs_f64();
            let all = (self.options.calls * parties) as f64 * seconds;
            let missing = 1.0 - played.heard as f64 / (all * 50.0);
            if played.kept_pace() && missing < MOST_MISSING {
                found.push(used * 1e6 / all);
            } else {
                self.void += 1;
            }
        }
        Ok(found)
    }

    /// The police are called into every call.
    fn press(&mut self, police: &mut Police) -> io::Result<Vec<Called>> {
        let mut http = Http::connect(self.engine.http)?;
        let mut called = Vec::new();
        for number in 0..self.options.calls {
            let lacking = || io::Error::other("a call without a name");
            let id = self.stage.calls()[number].id.clone().ok_or_else(lacking)?;
            let path = format!("/api/v1/calls/{id}/transfer");
            let request = http.post(&path, r#"{"key":"110","city":"贵阳"}"#);
            http.send(&request)?;
            let one = police.called()?;
            http.answer()?;
            let seats = &self.generator.seats;
            police.answer(&one, seats[number % seats.len()])?;
            called.push(one);
            self.stage.attend()?;
        }
        Ok(called)
    }
}

/// Runs the rounds.
///
/// # Errors
/// What kept it from measuring.
pub fn measure(options: &Options) -> io::Result<Mixing> {
    pin(false)?;
    let generator = Generator::new()?;
    let mut police = Police::new()?;
    let mut stage = Stage::new(LONG_CALLS)?;
    stage.speak_at(&generator.callers, &generator.seats);
    let lines = police.configuration();
    let mut changes: Vec<(&str, &str)> = lines.iter().map(|(a, b)| (*a, b.as_str())).collect();
    changes.extend(ROOM);
    let seats_at = stage.seat_address();
    let engine = pinned(|| Engine::start_with(&options.program, Seats::Ready, seats_at, &changes))?;
    stage.play_against(engine.sip);
    connect(&mut stage, options.calls)?;
    let two = places(&stage);
    let mut room = Room {
        options,
        generator,
        stage,
        engine,
        void: 0,
    };
    let mut streams = Generator::streams(&two);
    let mut relay = room.rounds(&mut streams, 2)?;
    let called = room.press(&mut police)?;
    let third: Vec<_> = called.iter().map(|it| [None, Some(it.speech)]).collect();
    let mut three = Generator::streams(&two);
    three.extend(Generator::streams(&third));
    let mixed = room.rounds(&mut three, 3)?;
    for one in &called {
        police.hang_up(one)?;
    }
    relay.extend(room.rounds(&mut streams, 2)?);
    Ok(Mixing {
        calls: options.calls,
        relay,
        mixed,
        void: room.void,
    })
}
