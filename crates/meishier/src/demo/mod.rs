//! `meishier demo`: the shipped Guizhou configuration on loopback, played by a cast of phones.
//!
//! ```text
//!   place ─ ports ─┐
//!   adapt ─ config ┴► service (the real one) ◄── SIP, RTP, UDP ──► phones: callers, seats, police
//!                        │        ▲                                   │ steps of each call
//!        dossier, HTTP ◄─┤        │                                   │
//!        records (SQLite)│        │ HTTP: sign-on, the key            ▼
//!                        ▼        └────────── api ◄── play ──► screen, live
//!                      judge ── report ── exit status
//! ```
//!
//! `--no-calls` leaves the cast out, the police excepted: whoever presses the key is heard.

mod adapt;
mod alone;
mod api;
mod handed;
mod judge;
mod live;
mod moment;
mod oversight;
mod place;
mod play;
mod screen;
mod signon;
mod summary;
mod words;

pub use moment::Moment;

use crate::service::{Service, Setup};
use crate::shutdown::{Hangup, Signals};
use crate::{cli, limits};
use adapt::Wishes;
use meishier_config::Lang;
use meishier_media::PromptSet;
use meishier_net::{Clock, Seeds};
use meishier_phones::cast::Stage;
use meishier_telemetry::{Level, LogFormat, logs};
use oversight::Oversight;
use place::Place;
use screen::Screen;
use signon::SignOn;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Everything that a run of the demo has in hand.
struct Demo<'a> {
    args: &'a cli::Demo,
    lang: Lang,
    service: Service,
    stage: Stage,
    oversight: Oversight,
    screen: Screen,
    signals: Signals,
    /// Who sits where.
    staff: Vec<SignOn>,
    /// Where SIP over UDP listens.
    sip: SocketAddr,
}

/// Plays the demo; success only if every call ended as its script says and left one record.
pub fn run(args: &cli::Demo) -> ExitCode {
    // Warnings and errors only: what happens in calls is told by the screen.
    let _log = match logs::init(LogFormat::Text, Level::Warn) {
        Ok(guard) => guard,
        Err(error) => return fail(&error.to_string()),
    };
    // Two threads: the phones speak while records are written.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(demonstrate(args)),
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

async fn demonstrate(args: &cli::Demo) -> ExitCode {
    let lang = Lang::from(args.lang);
    let folder = match tempfile::Builder::new().prefix("meishier-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return fail(&words::no_folder(lang, &error)),
    };
    let demo = match raise(args, lang, folder.path()).await {
        Ok(demo) => demo,
        Err(message) => return fail(&message),
    };
    if args.no_calls {
        alone::run(demo).await
    } else {
        play::run(demo).await
    }
}

/// Opens the phones and starts the engine.
async fn raise<'a>(
    args: &'a cli::Demo,
    lang: Lang,
    folder: &std::path::Path,
) -> Result<Demo<'a>, String> {
    let signals = Signals::new(Hangup::Ends).map_err(|error| error.to_string())?;
    let sip = place::sip(args.sip).map_err(|error| error.message(lang))?;
    let http = place::http(args.http).map_err(|error| error.message(lang))?;
    let stage = Stage::open().await;
    let stage = stage.map_err(|error| words::no_phones(lang, &error))?;
    let oversight = Oversight::open().await;
    let oversight = oversight.map_err(|error| error.to_string())?;
    let wishes = Wishes {
        oversight: oversight.address(),
        sip: sip.address,
        http: http.address,
        out: stage.trunk_address(),
        records: folder.join("records.db"),
        moment: args.wall.unwrap_or_default(),
        shards: args.shards,
    };
    let (mut config, wall) = adapt::config(adapt::GUIZHOU, &wishes)?;
    let staff = signon::staff(&mut config, !args.no_calls);
    // Fewer descriptors than wished mean fewer RTP ports, which the engine says by itself.
    let _ = limits::raise_open_files(&config);
    let service = Service::start(Setup {
        origin: Default::default(),
        config,
        prompts: PromptSet::embedded(),
        clock: Clock::fixed(wall),
        seeds: args.seed.map_or(Seeds::System, Seeds::Fixed),
        any_free_port: true,
    });
    let service = service.await.map_err(|error| error.message(lang))?;
    let mut demo = Demo {
        args,
        lang,
        sip: bound_sip(&service).unwrap_or(sip.address),
        service,
        stage,
        oversight,
        screen: Screen::new(args.json, lang),
        signals,
        staff,
    };
    if let Err(error) = demo.check_places(&sip, &http) {
        demo.service.end().await;
        return Err(error);
    }
    Ok(demo)
}

fn bound_sip(service: &Service) -> Option<SocketAddr> {
    service.sip().first().map(|(_, address)| *address)
}

impl Demo<'_> {
    /// Says where the engine is if that is not where people expect it. An address that was asked
    /// for and lost in the last instant is an error.
    fn check_places(&mut self, sip: &Place, http: &Place) -> Result<(), String> {
        let found = [(sip, self.sip, "SIP"), (http, self.service.http(), "HTTP")];
        for (place, bound, what) in found {
            if place.named && place.address != bound {
                return Err(place::PlaceError::Taken(place.address).message(self.lang));
            }
            if place.usual != bound && !place.asked {
                let moved = words::moved(self.lang, what, place.usual, bound);
                self.screen.say(&moved);
            }
        }
        Ok(())
    }
}
