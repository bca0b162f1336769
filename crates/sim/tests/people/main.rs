//! Minds: what people want, given what happens to them.

mod any_order;
mod callers;
mod seats;
mod shifts;
mod targets;

use meishier_model::{Mono, Now, Wall};
use meishier_sim::people::{Happening, Token, Wish};
use meishier_sim::traffic::{CallPlan, TalkPlan};
use std::time::Duration;

const S: fn(u64) -> Duration = Duration::from_secs;

fn at(seconds: u64) -> Now {
    Now {
        mono: Mono(seconds * 1_000_000),
        wall: Wall(0),
    }
}

fn plan() -> CallPlan {
    CallPlan {
        number: "13800001234".into(),
        trunk: String::new(),
        cell: String::new(),
        withheld: false,
        called: "12356".into(),
        nuisance: false,
        risk: false,
        flagged: false,
        minor: false,
        woman: true,
        patience: S(100),
        redial: true,
        redial_after: S(20),
        redials: 2,
        talk: TalkPlan {
            length: S(600),
            caller_ends: true,
            crisis: false,
            key: String::new(),
            city: String::new(),
            hold: None,
        },
    }
}

fn answered(call: u64) -> Happening {
    Happening::CallAnswered { call: Token(call) }
}

fn ended(call: u64) -> Happening {
    Happening::CallEnded { call: Token(call) }
}

fn hears(call: u64, person: bool) -> Happening {
    let call = Token(call);
    Happening::Hears { call, person }
}

fn refused(call: u64, status: u16) -> Happening {
    let call = Token(call);
    Happening::CallRefused { call, status }
}

fn bye(call: u64) -> Wish {
    Wish::Bye { call: Token(call) }
}
