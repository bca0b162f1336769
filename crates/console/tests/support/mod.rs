//! An engine that answers as told, and requests to the console in front of it.
#![allow(dead_code)] // each test takes what it needs

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use meishier_console::{App, Control, Directory, Reachable, Unavailable, router};
use meishier_engine::RegistrationView;
use meishier_engine::api::{
    CallView, Command, CommandError, Phase, PoolView, Reply, SeatState, SeatStatus, ShardView,
    TrunkView, WhyPool, WhyReason, WhyView,
};
use meishier_engine::routing::{Hand, Note, Service};
use meishier_engine::signaling::RegistrationState;
use meishier_model::{CallId, DialString, PoolId, SeatId, ShardId, TrunkId, Wall};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

/// What the engine says to everything.
#[derive(Clone)]
pub enum Mood {
    Fine,
    Refuses(CommandError),
    Away,
    Silent,
    Confused,
}

pub struct Engine {
    pub mood: Mood,
    pub asked: Mutex<Vec<Command>>,
    pub remembered: Mutex<Vec<Note>>,
}

pub fn seat(id: u32, state: SeatState) -> SeatStatus {
    SeatStatus {
        seat: SeatId(id),
        name: format!("gy{id:02}"),
        state,
        reason: (state == SeatState::Paused).then(|| "茶歇".to_owned()),
        counsellor: (state != SeatState::SignedOff).then(|| "c001".to_owned()),
        call: (state == SeatState::Talking).then(call_id),
        since_ms: 1500,
    }
}

/// Above 2^53: a browser would lose its last digits as a number.
pub fn call_id() -> CallId {
    CallId::new(ShardId(3), 0x6800_0000_0001)
}

fn pool(id: u16, name: &str, by_hand: Option<&str>) -> PoolView {
    let hand = by_hand.map(|reason| Hand {
        state: Service::GoingDown,
        until: Some(Wall(NOW.0 + 60_000)),
        reason: reason.into(),
    });
    PoolView {
        pool: PoolId(id),
        name: name.into(),
        service: hand.as_ref().map_or(Service::Normal, |hand| hand.state),
        hand,
        lines: 3,
        used: 1,
        staffed: 2,
    }
}

fn trunk(n: u16, up: Option<bool>, line: Option<(RegistrationState, u16)>) -> TrunkView {
    TrunkView {
        trunk: TrunkId(n),
        name: format!("trunk{n}"),
        up,
        registration: line.map(|(state, status)| RegistrationView { state, status }),
    }
}

fn view(shard: u16) -> Reply {
    let call = CallView {
        call: CallId::new(ShardId(shard), 1),
        phase: Phase::Queued,
        caller: "139****6666".into(),
        arrived: Wall(1_000 - i64::from(shard)),
        age_ms: 7,
        ahead: Some(2),
        seat: None,
        counsellor: None,
        pool: None,
        transfer: None,
        thirds: Vec::new(),
        alarms: Vec::new(),
        caller_gone: false,
        call_back: None,
    };
    let seats = match shard {
        0 => vec![seat(0, SeatState::Ready), seat(2, SeatState::SignedOff)],
        _ => vec![seat(1, SeatState::Paused)],
    };
    Reply::View(Box::new(ShardView {
        calls: vec![call],
        seats,
        alarms: Vec::new(),
        pools: match shard {
            0 => vec![pool(0, "city", None), pool(1, "province", Some("检修"))],
            _ => Vec::new(),
        },
        trunks: match shard {
            0 => vec![
                trunk(0, None, None),
                trunk(1, Some(true), Some((RegistrationState::Overdue, 503))),
                trunk(2, Some(false), Some((RegistrationState::Refused, 403))),
            ],
            _ => Vec::new(),
        },
    }))
}

/// Why a caller waits.
pub fn why(call: CallId) -> WhyView {
    WhyView {
        call,
        phase: Phase::Queued,
        waited_ms: 12_000,
        risk: true,
        ahead: Some(2),
        expected_ms: Some(90_000),
        pools: vec![
            WhyPool {
                pool: "city".into(),
                service: "Normal".into(),
                open: true,
                opens_in_ms: None,
                lines: 2,
                used: 2,
                staffed: 3,
            },
            WhyPool {
                pool: "province".into(),
                service: "Overloaded".into(),
                open: false,
                opens_in_ms: Some(8_000),
                lines: 5,
                used: 1,
                staffed: 4,
            },
        ],
        needs: vec!["苗语".into()],
        reasons: vec![WhyReason {
            pool: Some("city".into()),
            seat: Some("gy02".into()),
            kind: "skill_missing".into(),
            missing: vec!["苗语".into()],
        }],
        route_reason: "主叫归属：贵阳".into(),
        rules: vec!["guiyang".into()],
        table: "0123456789abcdef".into(),
    }
}

impl Engine {
    fn reply(&self, command: Command) -> Result<Reply, Unavailable> {
        self.asked.lock().unwrap().push(command.clone());
        match (&self.mood, command) {
            (Mood::Away | Mood::Silent, _) => Err(Unavailable),
            (Mood::Confused, _) => Ok(Reply::Rescheduled),
            (Mood::Refuses(error), Command::Seat { .. }) => Ok(Reply::Seat(Err(error.clone()))),
            (
                Mood::Refuses(error),
                Command::Flag { .. }
                | Command::Facts { .. }
                | Command::Nuisance { .. }
                | Command::PoolState { .. }
                | Command::Third { .. }
                | Command::Hear { .. }
                | Command::Leave { .. }
                | Command::Record { .. }
                | Command::AlarmSeen { .. },
            ) => Ok(Reply::Done(Err(error.clone()))),
            (Mood::Refuses(error), Command::Why { .. }) => Ok(Reply::Why(Err(error.clone()))),
            (Mood::Refuses(error), Command::Reveal { .. }) => {
                Ok(Reply::Revealed(Err(error.clone())))
            }
            (Mood::Refuses(error), _) => Ok(Reply::Transfer(Err(error.clone()))),
            (Mood::Fine, Command::Seat { seat: id, .. }) => {
                Ok(Reply::Seat(Ok(seat(id.0, SeatState::Ready))))
            }
            (Mood::Fine, Command::CallBack { .. }) => {
                Ok(Reply::Transfer(Ok(meishier_engine::api::TransferStarted {
                    third: meishier_engine::transfer::ThirdId(2),
                    dialled: "139****6666".into(),
                    reason: "来电者同意回拨".into(),
                    asks: None,
                })))
            }
            (Mood::Fine, Command::Transfer { .. } | Command::Supervise { .. }) => {
                Ok(Reply::Transfer(Ok(meishier_engine::api::TransferStarted {
                    third: meishier_engine::transfer::ThirdId(1),
                    dialled: "0851110".into(),
                    reason: "贵阳".into(),
                    asks: None,
                })))
            }
            (
                Mood::Fine,
                Command::Flag { .. }
                | Command::Facts { .. }
                | Command::Nuisance { .. }
                | Command::PoolState { .. }
                | Command::Third { .. }
                | Command::Hear { .. }
                | Command::Leave { .. }
                | Command::Record { .. }
                | Command::AlarmSeen { .. },
            ) => Ok(Reply::Done(Ok(()))),
            (Mood::Fine, Command::Reveal { .. }) => {
                Ok(Reply::Revealed(Ok(DialString::new("13900006666"))))
            }
            (Mood::Fine, Command::Why { call }) => Ok(Reply::Why(Ok(Box::new(why(call))))),
            (Mood::Fine, Command::Reschedule | Command::View) => Ok(Reply::Rescheduled),
        }
    }
}

/// The time that the engine sees.
pub const NOW: Wall = Wall(1_763_762_611_000);

impl Control for Engine {
    fn remember(&self, notes: Vec<Note>) -> Reachable<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            match self.mood {
                Mood::Away => Err(Unavailable),
                _ => {
                    self.remembered.lock().unwrap().extend(notes);
                    Ok(())
                }
            }
        })
    }

    fn wall(&self) -> Wall {
        NOW
    }

    fn command(&self, command: Command) -> Reachable<'_, Result<Reply, Unavailable>> {
        match self.mood {
            Mood::Silent => Box::pin(std::future::pending()),
            _ => Box::pin(async move { self.reply(command) }),
        }
    }

    fn command_all(&self, command: Command) -> Reachable<'_, Vec<Reply>> {
        self.asked.lock().unwrap().push(command.clone());
        if let Command::PoolState { .. } = command {
            let done = match &self.mood {
                Mood::Away => return Box::pin(async { Vec::new() }),
                Mood::Refuses(error) => Err(error.clone()),
                _ => Ok(()),
            };
            return Box::pin(async { vec![Reply::Done(done.clone()), Reply::Done(done)] });
        }
        match self.mood {
            Mood::Away => Box::pin(async { Vec::new() }),
            Mood::Silent => Box::pin(std::future::pending()),
            Mood::Confused => Box::pin(async { vec![Reply::Rescheduled] }),
            Mood::Fine | Mood::Refuses(_) => Box::pin(async { vec![view(1), view(0)] }),
        }
    }
}

pub struct Console {
    pub app: App,
    pub engine: Arc<Engine>,
    router: Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub fn app(engine: Arc<Engine>) -> App {
    App {
        control: engine,
        directory: Directory {
            name: "贵州 <12356>".into(),
            seats: vec!["gy00".into(), "gy01".into(), "gy02".into()],
            counsellors: vec!["c000".into(), "c001".into()],
            pools: vec!["city".into(), "province".into()],
        },
        metrics: Arc::new(|| "meishier_calls 1\n".to_owned()),
        ready: Arc::new(AtomicBool::new(true)),
        store: None,
        tables: None,
        token: None,
    }
}

pub fn console(mood: Mood) -> Console {
    console_with(mood, |_| {})
}

pub fn console_with(mood: Mood, change: impl FnOnce(&mut App)) -> Console {
    let engine = Arc::new(Engine {
        mood,
        asked: Mutex::default(),
        remembered: Mutex::default(),
    });
    let mut app = app(Arc::clone(&engine));
    change(&mut app);
    Console {
        router: router(app.clone()),
        app,
        engine,
    }
}

pub const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

impl Console {
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, JSON, body.to_owned()).await
    }

    pub fn asked(&self) -> Vec<Command> {
        std::mem::take(&mut self.engine.asked.lock().unwrap())
    }
}
