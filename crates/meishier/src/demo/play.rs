//! The play: the day, then the night, then the verdict.

use super::api::Api;
use super::judge::Records;
use super::live::Figures;
use super::moment::NIGHT;
use super::oversight::Oversight;
use super::screen::Screen;
use super::summary::Summary;
use super::{Demo, adapt, handed, signon, words};
use crate::service::Service;
use meishier_config::Config;
use meishier_model::Wall;
use meishier_net::Clock;
use meishier_phones::cast::{
    CastOptions, KeyPress, Mute, Progress, Report, SeatAccount, Side, Stage,
};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Calls if nobody says how many.
const CALLS: u32 = 60;
/// Calls of a run that come every two seconds; further ones come faster.
const SLOW_CALLS: u64 = 60;
/// From one of the slow calls to the next, and of the others, milliseconds.
const PACE_MS: (u64, u64) = (2_000, 700);
/// One call in so many is played at night.
const NIGHT_PART: usize = 4;
/// How long the last records may take to be written.
const RECORDS_LIMIT: Duration = Duration::from_secs(15);
/// How long a dossier may take to come.
const DOSSIER_LIMIT: Duration = Duration::from_secs(15);
/// Between two looks at the records.
const RECORDS_PAUSE: Duration = Duration::from_millis(100);
/// Records read at a time.
const PAGE: u32 = 1_000;
/// RTP ports of a call: caller and seat.
const PORTS_PER_CALL: usize = 2;
/// RTP ports of a shard that the police and a caller from outside may need.
const PORTS_BESIDE: usize = 3;
/// Steps that may wait to be shown.
const STEPS: usize = 256;
/// Exit status after a signal that ended the demo before its end (128 + SIGINT).
const INTERRUPTED: u8 = 130;

/// One part of the play.
struct Part {
    first_call: usize,
    calls: usize,
    length: Duration,
}

/// Plays, judges, ends the engine.
pub async fn run(demo: Demo<'_>) -> ExitCode {
    let planned = usize::try_from(demo.args.calls.unwrap_or(CALLS)).unwrap_or(usize::MAX);
    let json = demo.args.json;
    let Demo {
        args,
        lang,
        service,
        stage,
        oversight,
        screen,
        mut signals,
        staff,
        sip,
    } = demo;
    let api = Api::new(service.http(), lang);
    let mut director = Director {
        service: &service,
        stage: &stage,
        oversight: &oversight,
        screen,
        figures: Figures::default(),
        args,
        api,
        staff: &staff,
        sip,
    };
    let ended = tokio::select! {
        summary = director.direct(planned) => summary.map_err(|message| (message, ExitCode::FAILURE)),
        () = signals.next() => Err((words::interrupted(lang).into(), ExitCode::from(INTERRUPTED))),
        () = service.broken() => Err((words::broken(lang).into(), ExitCode::FAILURE)),
    };
    let mut screen = director.screen;
    screen.done();
    let (code, last_line) = match ended {
        Ok(summary) => {
            screen.say(&summary.text(planned, lang));
            let code = if summary.good(planned) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
            (code, json.then(|| summary.json()))
        }
        Err((message, code)) => {
            screen.say(&message);
            (code, None)
        }
    };
    // The engine's own end may still have something to say; the JSON comes after it.
    service.end().await;
    if let Some(line) = last_line {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
    code
}

struct Director<'a> {
    service: &'a Service,
    stage: &'a Stage,
    oversight: &'a Oversight,
    screen: Screen,
    figures: Figures,
    args: &'a crate::cli::Demo,
    api: Api,
    staff: &'a [signon::SignOn],
    sip: std::net::SocketAddr,
}

impl Director<'_> {
    async fn direct(&mut self, planned: usize) -> Result<Summary, String> {
        let lang = self.screen.lang;
        let welcome = words::welcome(lang, self.sip, self.service.http(), planned);
        self.screen.say(&welcome);
        signon::come(self.staff, &self.api, self.sip).await?;
        let count = |way| self.staff.iter().filter(|person| person.way == way).count();
        let (by_api, by_star) = (count(signon::Way::Api), count(signon::Way::StarCode));
        self.screen.say(&words::staffed(lang, by_api, by_star));

        let (day, night) = parts(planned, self.args.length);
        let wall = self.service.control().clock().wall();
        self.screen
            .say(&words::day(lang, self.open_seats(wall).len()));
        let mut report = self.play(&day, wall).await?;
        if let Some(night) = night {
            let moment = self.args.wall.unwrap_or_default().at(NIGHT);
            let wall = moment.wall(&self.service.config().routing);
            let wall = wall.ok_or("no such moment")?;
            self.nightfall(wall).await?;
            report = report.and(self.play(&night, wall).await?);
        }
        let records = self.records(&report).await?;
        let dossiers = self.tell_of_keys(&report, &records).await;
        Ok(Summary::new(&report, &records, dossiers, lang))
    }

    /// What the record keeps of each use of a key: its time line, and what was told of the caller.
    /// Gives how many dossiers came.
    async fn tell_of_keys(&mut self, report: &Report, records: &Records) -> usize {
        let mut came = 0;
        self.screen.done();
        let lang = self.screen.lang;
        for result in report.results.iter().filter(|it| it.transferred) {
            if let Some(record) = records.only(result) {
                self.screen
                    .say(&handed::time_line(lang, result.call, record));
                let Some(dossier) = self.oversight.dossier(record.call, DOSSIER_LIMIT).await else {
                    continue;
                };
                came += 1;
                self.screen.say(&handed::told(lang, &dossier));
            }
        }
        came
    }

    /// The clock is set to the night; who has no line then goes home.
    async fn nightfall(&mut self, wall: Wall) -> Result<(), String> {
        self.service.control().set_wall(wall).await;
        let open = self.open_seats(wall);
        let is_open = |name: &str| open.iter().any(|seat| seat.name == name);
        let mut gone = 0;
        for person in self.staff {
            if !is_open(&person.seat) {
                self.api.sign_off(&person.seat).await?;
                gone += 1;
            }
        }
        self.screen
            .say(&words::night(self.screen.lang, open.len(), gone));
        Ok(())
    }

    /// The seats that may get calls at that moment, with what their callers dial.
    fn open_seats(&self, wall: Wall) -> Vec<SeatAccount> {
        open_seats(&self.service.config(), self.staff, wall)
    }

    async fn play(&mut self, part: &Part, wall: Wall) -> Result<Report, String> {
        let mut options = self.options(part, wall);
        self.fit_to_ports(&mut options);
        let (sender, mut steps) = mpsc::channel(STEPS);
        let api = self.api;
        let press_key = move |press: KeyPress| async move { api.at_desk(&press).await };
        let mut played = std::pin::pin!(self.stage.play(options, press_key, sender));
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let clock = self.service.control().clock().clone();
        let (screen, figures) = (&mut self.screen, &mut self.figures);
        let report = loop {
            tokio::select! {
                biased;
                Some(step) = steps.recv() => show(screen, figures, &clock, &step),
                report = &mut played => break report,
                _ = tick.tick() => screen.show(figures.line(screen.lang)),
            }
        };
        while let Ok(step) = steps.try_recv() {
            show(screen, figures, &clock, &step);
        }
        report.map_err(|error| error.to_string())
    }

    fn options(&self, part: &Part, wall: Wall) -> CastOptions {
        let mut options = CastOptions::new(self.sip, self.open_seats(wall), part.calls);
        let is_first = part.first_call == 1;
        options.first_call = part.first_call;
        options.length = part.length;
        options.domain = Some(self.service.config().sip.domain.clone());
        if !is_first {
            // One caller in danger a run.
            options.key = None;
        }
        if let Some(seed) = self.args.seed {
            options.seed = seed.wrapping_add(part.first_call as u64);
        }
        options.mute = (self.args.cut_one_direction && is_first).then_some(Mute {
            call: 1,
            side: Side::Seat,
        });
        options
    }

    /// Where other programs have most ports, fewer seats play, so that no call lacks a port.
    fn fit_to_ports(&mut self, options: &mut CastOptions) {
        let ports = self.service.rtp_ports();
        // Calls fall on shards by chance: in the worst case all of them on one.
        let of_shard = ports / usize::from(self.service.config().shards);
        let fitting = of_shard.saturating_sub(PORTS_BESIDE) / PORTS_PER_CALL;
        let seats = options.seats_playing();
        let too_many = options.calls_at_once().saturating_sub(fitting);
        if too_many > 0 {
            let seats = seats.saturating_sub(too_many).max(2);
            options.seats_used = Some(seats);
            let text = words::few_ports(self.screen.lang, ports, seats);
            self.screen.say(&text);
        }
    }

    /// The records, once every call has one or none is to be expected any more.
    async fn records(&self, report: &Report) -> Result<Records, String> {
        let begun = Instant::now();
        loop {
            // A refusal is tried again by the writer, and counted.
            let _ = self.service.writer().flush().await;
            let records = Records::new(self.all_records().await?);
            let all = records.count(&report.results) >= report.calls;
            if all || begun.elapsed() >= RECORDS_LIMIT {
                return Ok(records);
            }
            tokio::time::sleep(RECORDS_PAUSE).await;
        }
    }

    async fn all_records(&self) -> Result<Vec<meishier_model::CallRecord>, String> {
        let mut all = Vec::new();
        loop {
            let page = self.service.store().recent(PAGE, all.len() as u64).await;
            let page = page.map_err(|error| error.to_string())?;
            let last = page.len() < PAGE as usize;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }
}

fn show(screen: &mut Screen, figures: &mut Figures, clock: &Clock, step: &Progress) {
    figures.take(step);
    screen.say(&words::step(screen.lang, &time_of_day(clock), step));
    screen.show(figures.line(screen.lang));
}

/// The engine's time of day; the demo's zone is eight hours ahead of UTC all year.
fn time_of_day(clock: &Clock) -> String {
    let seconds = (clock.wall().0 / 1_000 + 8 * 3_600).rem_euclid(86_400);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

fn open_seats(config: &Config, staff: &[signon::SignOn], wall: Wall) -> Vec<SeatAccount> {
    let account = |person: &signon::SignOn| {
        let seat = config.seats.iter().find(|seat| seat.name == person.seat)?;
        let number = adapt::number_for(config, &seat.pools, wall)?;
        Some(SeatAccount {
            name: person.seat.clone(),
            password: person.password.clone(),
            number: Some(number.to_owned()),
        })
    };
    staff.iter().filter_map(account).collect()
}

/// How many calls by day and by night, and over which time they come.
fn parts(calls: usize, length_s: Option<u64>) -> (Part, Option<Part>) {
    let (slow, fast) = PACE_MS;
    let count = calls as u64;
    let usual = count.min(SLOW_CALLS) * slow + count.saturating_sub(SLOW_CALLS) * fast;
    let length_ms = length_s.map_or(usual, |seconds| seconds * 1_000);
    let part = |first_call, part: usize| Part {
        first_call,
        calls: part,
        length: Duration::from_millis(length_ms * part as u64 / count.max(1)),
    };
    let night = calls / NIGHT_PART;
    let day = calls - night;
    let later = (night > 0).then(|| part(day + 1, night));
    (part(1, day), later)
}

#[cfg(test)]
mod tests {
    use super::super::adapt::tests::adapted;
    use super::*;

    #[test]
    fn calls_are_shared_between_day_and_night() {
        let (day, night) = parts(60, None);
        let night = night.unwrap();
        assert_eq!(
            (day.first_call, day.calls, night.first_call, night.calls),
            (1, 45, 46, 15)
        );
        assert_eq!(day.length + night.length, Duration::from_secs(120));
        let (day, night) = parts(4, Some(2));
        assert_eq!((day.calls, night.unwrap().calls), (3, 1));
        assert_eq!(day.length, Duration::from_millis(1_500));
        assert!(parts(1, None).1.is_none());
        let (day, night) = parts(200, None);
        let all = day.length + night.unwrap().length;
        assert_eq!(all, Duration::from_secs(120 + 98));
    }

    #[test]
    fn the_night_has_fewer_seats() {
        let (mut config, day) = adapted("2026-03-04T10:00");
        let staff = signon::staff(&mut config, true);
        assert_eq!(open_seats(&config, &staff, day).len(), 23);
        let (_, night) = adapted("2026-03-04T23:00");
        let open = open_seats(&config, &staff, night);
        let names: Vec<_> = open.iter().map(|seat| &seat.name[..2]).collect();
        assert_eq!(names.len(), 11);
        assert!(names.iter().all(|name| ["gz", "gy", "lp"].contains(name)));
    }

    #[test]
    fn the_clock_shows_the_engines_time() {
        let (_, wall) = adapted("2031-03-05T10:07");
        assert!(time_of_day(&Clock::fixed(wall)).starts_with("10:07:0"));
    }
}
