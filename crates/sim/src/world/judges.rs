//! Everybody who looks on: the log, the judges, the figures, and the trace of a repeated run.

use super::helps::Helped;
use crate::invariants::{Checker, Inspection, Seen, Violation};
use crate::log::Log;
use crate::rig::Witness;
use crate::stream::Streams;
use crate::trace::{Trace, call_id};
use meishier_engine::{Command, Notice, SeatState, Shard};
use meishier_model::{CallId, CallRecord, Mono, Now, SeatId, ShardId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// The onlookers of one run.
#[derive(Debug)]
pub(super) struct Judges {
    pub checker: Checker,
    pub log: Log,
    pub trace: Option<Trace>,
    /// Call-ID of the message that the present step dealt with, and the call that began by it.
    reading: Option<String>,
    pub arrived: Vec<(String, CallId)>,
    /// Seats that the engine paused.
    pub paused: Vec<SeatId>,
    /// The shard of each seat.
    homes: Vec<ShardId>,
    /// Who hears whom, by the engine's orders to its media threads.
    pub streams: Streams,
    /// Where the engine wants its RTP, as its SDP said last, by Call-ID.
    pub told: BTreeMap<String, SocketAddr>,
    /// What the present step told of third parties.
    pub helped: Vec<(CallId, Helped)>,
    /// Calls whose phase changed in the present step, or of whose third parties something was told.
    pub changed: BTreeSet<CallId>,
    /// Offers to seats: all, and those that crossed shards.
    pub offers: (u64, u64),
    records: u64,
    /// Number of the record that the checker sees twice.
    forge: Option<u64>,
}

impl Judges {
    pub(super) fn new(
        checker: Checker,
        log: Log,
        trace: Option<Trace>,
        forge: Option<u64>,
    ) -> Self {
        Self {
            checker,
            log,
            trace,
            reading: None,
            arrived: Vec::new(),
            paused: Vec::new(),
            homes: Vec::new(),
            streams: Streams::default(),
            told: BTreeMap::new(),
            helped: Vec::new(),
            changed: BTreeSet::new(),
            offers: (0, 0),
            records: 0,
            forge,
        }
    }

    /// Which seats are at home on these shards.
    pub(super) fn at_home(&mut self, shards: &[Shard]) {
        let of = |shard: &Shard| {
            let id = shard.id();
            let seats = shard.seat_standings().map(move |seat| (seat.seat, id));
            seats.collect::<Vec<_>>()
        };
        let mut homes: Vec<(SeatId, ShardId)> = shards.iter().flat_map(of).collect();
        homes.sort_unstable();
        self.homes = homes.into_iter().map(|(_, shard)| shard).collect();
    }

    /// A message was put on the wire, with its fate.
    pub(super) fn sent(
        &mut self,
        now: Mono,
        (from, to): (SocketAddr, SocketAddr),
        bytes: &[u8],
        copies: usize,
    ) {
        self.log
            .write(now, format_args!("{from} > {to} x{copies}"), bytes);
        if let Some(trace) = &mut self.trace {
            trace.message(now, from, to, bytes, copies == 0);
        }
    }

    /// Something that no message tells.
    pub(super) fn note(&mut self, now: Mono, what: std::fmt::Arguments<'_>) {
        self.log.write(now, what, &[]);
        if let Some(trace) = &mut self.trace {
            trace.note(now, what.to_string());
        }
    }

    pub(super) fn after_step(&mut self, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
        self.reading = None;
        self.checker.after_step(now, look)
    }

    fn on_notice(&mut self, now: Mono, shard: u16, notice: &Notice) {
        if let Notice::Phase { call, .. }
        | Notice::TransferStep { call, .. }
        | Notice::SecondEnded { call, .. }
        | Notice::Transfer { call, .. }
        | Notice::CallBackDue { call } = notice
        {
            self.changed.insert(*call);
        }
        if let Some(helped) = Helped::of(notice) {
            self.helped.push(helped);
        }
        match notice {
            Notice::Arrived { call, .. } => {
                if let Some(id) = self.reading.clone() {
                    if let Some(trace) = &mut self.trace {
                        trace.call(&id, call.to_string());
                    }
                    self.arrived.push((id, *call));
                }
            }
            Notice::Offered { call, seat, .. } => {
                let home = self.homes.get(seat.0 as usize);
                self.offers.0 += 1;
                self.offers.1 += u64::from(home != Some(&call.shard()));
            }
            Notice::Seat {
                seat,
                to: SeatState::Paused,
                by_engine: true,
                ..
            } => self.paused.push(*seat),
            _ => {}
        }
        self.log
            .write(now, format_args!("shard{shard} notice {notice:?}"), &[]);
    }

    fn on_record(&mut self, now: Mono, record: &CallRecord) {
        // A record of names and numbers is always JSON.
        let text = serde_json::to_string(record).unwrap_or_default();
        self.log.write(now, format_args!("record {text}"), &[]);
        self.records += 1;
        if self.forge == Some(self.records) {
            self.log
                .write(now, format_args!("the judges see it twice"), &[]);
        }
    }
}

/// The address in an SDP body (RFC 8866 §5.7, §5.14); `None` without one.
pub(super) fn rtp_address(bytes: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    let after = |key: &str| body.split("\r\n").find_map(|line| line.strip_prefix(key));
    let ip = after("c=IN IP4 ").or_else(|| after("c=IN IP6 "))?;
    let port = after("m=audio ")?.split(' ').next()?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

impl Witness for Judges {
    fn see(&mut self, now: Now, seen: &Seen<'_>) {
        let at = now.mono;
        match seen {
            Seen::In { shard, from, bytes } => {
                self.log.write(
                    at,
                    format_args!("shard{shard} reads {from} {}", bytes.len()),
                    &[],
                );
                if bytes.starts_with(b"INVITE ") {
                    self.reading = call_id(bytes).map(str::to_owned);
                }
            }
            Seen::Out { bytes, .. } => {
                if let (Some(at), Some(id)) = (rtp_address(bytes), call_id(bytes)) {
                    match self.told.get_mut(id) {
                        Some(known) => *known = at,
                        None => drop(self.told.insert(id.to_owned(), at)),
                    }
                }
            }
            Seen::Notice { shard, notice } => self.on_notice(at, *shard, notice),
            Seen::Record(record) => {
                self.on_record(at, record);
                if self.forge == Some(self.records) {
                    self.checker.see(now, seen);
                }
            }
            Seen::MediaCommand { shard, command } => {
                self.streams.on_command(at, *shard, command);
                self.log
                    .write(at, format_args!("shard{shard} media {command:?}"), &[]);
            }
            Seen::MediaEvent { shard, event } => {
                self.streams.on_event(at, *shard, event);
                self.log
                    .write(at, format_args!("shard{shard} hears {event:?}"), &[]);
            }
            Seen::Command { token, command } => {
                if let Command::Hear { call, .. } | Command::Leave { call } = command {
                    self.changed.insert(*call);
                }
                self.log
                    .write(at, format_args!("command {token} {command:?}"), &[]);
            }
            Seen::MediaGone { shard } => self.streams.forget_shard(*shard),
            Seen::Timeout { shard } => {
                self.log.write(at, format_args!("shard{shard} timer"), &[]);
            }
            Seen::Reply { token, reply } => {
                self.log
                    .write(at, format_args!("reply {token} {reply:?}"), &[]);
            }
            Seen::Registered(change) => {
                self.log.write(at, format_args!("{change:?}"), &[]);
            }
            Seen::FlowFailed { remote } => {
                self.log.write(at, format_args!("{remote} failed"), &[]);
            }
            Seen::Configured(text) => {
                self.log
                    .write(at, format_args!("configured"), text.as_bytes());
            }
            // What is sent stands in the log with its fate on the wire.
            _ => {}
        }
        self.checker.see(now, seen);
    }
}
