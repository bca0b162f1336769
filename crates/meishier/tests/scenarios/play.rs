//! Call by call: what happens, who rings, and what the record says.

use crate::hall::Hall;
use crate::table::{self, Mark, Table, Then};
use meishier_config::Config;
use meishier_engine::{Command, Reply};
use meishier_model::{CallId, CallRecord, Wall};
use meishier_phones::{Call, Dial};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// Far longer than anything takes; only a failure waits for it.
const LIMIT: Duration = Duration::from_secs(60);

/// `2026-06-01 10:00` in the configuration's zone.
pub fn moment(config: &Config, text: &str) -> Wall {
    let (date, time) = text.split_once(' ').unwrap();
    let (hour, minute) = time.split_once(':').unwrap();
    let minute = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
    let wall = config.routing.wall_on(date.parse().unwrap(), minute);
    wall.unwrap_or_else(|| panic!("no such moment: {text}"))
}

struct Play<'t> {
    hall: Hall,
    /// Calls that go on, by name.
    open: BTreeMap<&'t str, (&'t table::Call, Call)>,
    staff: &'t [String],
    /// Records that came before they were asked for.
    early: Vec<CallRecord>,
}

/// Plays a table to its end.
pub async fn all(hall: Hall, table: &Table) {
    let mut play = Play {
        hall,
        open: BTreeMap::new(),
        staff: &[],
        early: Vec::new(),
    };
    for call in &table.calls {
        play.one(call).await;
    }
    let names: Vec<&str> = play.open.keys().copied().collect();
    for name in names {
        play.end(name).await;
    }
}

impl<'t> Play<'t> {
    async fn one(&mut self, call: &'t table::Call) {
        let name = call.name.as_str();
        if let Some(at) = &call.at {
            let wall = moment(&self.hall.config, at);
            self.hall.control.set_wall(wall).await;
        }
        if let Some(staff) = &call.staff {
            self.staff = staff;
        }
        let open = self.open.values();
        let talk: Vec<String> = open.filter_map(|(call, _)| call.seat.clone()).collect();
        self.hall.staff(self.staff, &talk).await;
        let dialled = self.dial(call).await;
        if let Some(key) = &call.press {
            let (status, early) = dialled.wait(LIMIT, |it| it.early_media).await;
            assert!(early, "{name}: nobody hears the key: {status:?}");
            dialled.send_digits(key);
        }
        if call.then == Then::GivesUp || call.then == Then::Waits || call.ends.is_some() {
            let waits = dialled.wait_ringing(LIMIT).await && dialled.status().answered_at.is_none();
            assert!(waits, "{name}: does not wait: {:?}", dialled.status());
        }
        if let Some(other) = &call.ends {
            self.end(other).await;
        }
        match call.then {
            Then::GivesUp => {
                dialled.hang_up().await;
                self.check(call, &dialled).await;
            }
            Then::HangsUp => {
                self.answered(call, &dialled).await;
                if let Some(mark) = call.mark {
                    self.mark(call, mark).await;
                }
                dialled.hang_up().await;
                self.check(call, &dialled).await;
            }
            Then::Stays => {
                self.answered(call, &dialled).await;
                self.open.insert(name, (call, dialled));
            }
            Then::Waits => {
                self.open.insert(name, (call, dialled));
            }
        }
    }

    async fn dial(&self, call: &table::Call) -> Call {
        let first = &self.hall.config.trunks[0].name;
        let trunk = &self.hall.trunks[call.trunk.as_ref().unwrap_or(first)];
        let header = |line: &String| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.trim().to_owned())
        };
        let withheld = (call.from == "anonymous").then(|| "anonymous.invalid".to_owned());
        let dial = Dial {
            from_user: Some(call.from.clone()),
            from_host: withheld,
            headers: call.headers.iter().map(header).collect(),
            ..Dial::new(self.hall.engine, &call.dial)
        };
        trunk.dial(dial).await.unwrap()
    }

    /// Waits for the answer, and sees that it was the telephone of the right seat.
    async fn answered(&mut self, call: &table::Call, dialled: &Call) {
        let name = &call.name;
        let answered = dialled.wait_answered(LIMIT).await;
        assert!(answered, "{name}: nobody answers: {:?}", dialled.status());
        let Some(seat) = &call.seat else { return };
        let rang = timeout(LIMIT, self.hall.phones[seat].next_call()).await;
        assert!(
            matches!(rang, Ok(Some(_))),
            "{name}: {seat} does not ring, but another"
        );
    }

    /// Ends a call that goes on, after it was answered as it should be.
    async fn end(&mut self, name: &str) {
        let found = self.open.remove(name);
        let (call, dialled) = found.unwrap_or_else(|| panic!("no call {name} goes on"));
        if call.then == Then::Waits {
            self.answered(call, &dialled).await;
        }
        dialled.hang_up().await;
        self.check(call, &dialled).await;
    }

    async fn mark(&self, call: &table::Call, mark: Mark) {
        let id = self.talks(call.seat.as_deref()).await;
        let command = match mark {
            Mark::Nuisance => Command::Nuisance {
                call: id,
                lasts: None,
                reason: String::new(),
                end: false,
            },
        };
        let reply = self.hall.control.command(command).await.unwrap();
        assert!(
            matches!(reply, Reply::Done(Ok(()))),
            "{}: {reply:?}",
            call.name
        );
    }

    /// The call at a seat.
    async fn talks(&self, seat: Option<&str>) -> CallId {
        let replies = self.hall.control.command_all(Command::View).await;
        let mut calls = replies.into_iter().flat_map(|reply| match reply {
            Reply::View(view) => view.calls,
            _ => Vec::new(),
        });
        let found = calls.find(|call| call.seat.as_deref() == seat);
        found.unwrap().call
    }

    /// The record of a call that ends.
    async fn record(&mut self, call_id: &str) -> CallRecord {
        loop {
            let mut early = self.early.iter();
            if let Some(at) = early.position(|it| it.sip_call_id == call_id) {
                return self.early.swap_remove(at);
            }
            let next = timeout(LIMIT, self.hall.records.recv()).await;
            self.early.push(next.expect("a record in time").unwrap());
        }
    }

    /// Holds the record against the table.
    async fn check(&mut self, call: &table::Call, dialled: &Call) {
        let name = &call.name;
        let record = self.record(dialled.call_id()).await;
        let answered = call.then != Then::GivesUp;
        assert_eq!(record.answered.is_some(), answered, "{name}");
        if answered {
            assert_eq!(record.seat, call.seat, "{name}: {}", record.route_reason);
        }
        if call.pool.is_some() {
            assert_eq!(record.pool, call.pool, "{name}: {}", record.route_reason);
        }
        for rule in &call.rules {
            assert!(
                record.rules.contains(rule),
                "{name}: {rule} not in {:?}",
                record.rules
            );
        }
        if let Some(caller) = &call.caller {
            assert_eq!(record.caller.reveal(), caller, "{name}");
        }
        if let Some(waited) = &call.waited {
            let least: u64 = waited.trim_end_matches('s').parse().unwrap();
            assert!(
                record.waited_ms >= least * 1000,
                "{name}: {} ms",
                record.waited_ms
            );
        }
        let marks = (record.risk, record.nuisance);
        assert_eq!(
            marks,
            (call.risk, call.nuisance),
            "{name}: {:?}",
            record.rules
        );
        assert_eq!(record.table.len(), 16, "{name}");
    }
}
