//! The metrics: made at start, moved by notices, read by scrapes.

use crate::handles::{self, Handles};
use crate::names;
use crate::scrape::Scraped;
use meishier_engine::api::{LegParty, Notice, Phase, SeatState};
use meishier_engine::routing::{Dialled, NuisanceWhy, RiskWhy, Service};
use meishier_model::{PoolId, SeatId};
use metrics::Counter;
use metrics_exporter_prometheus::{BuildError, PrometheusHandle, PrometheusRecorder};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Names from the configuration that become labels, by index.
#[derive(Clone, Debug, Default)]
pub struct TelemetryNames {
    /// Trunks, in the order of the configuration.
    pub trunks: Vec<String>,
    /// Pools, in the order of the configuration.
    pub pools: Vec<String>,
    /// One entry a seat, in the order of the configuration: the pools it belongs to.
    pub seats: Vec<Vec<PoolId>>,
    /// Names of the old numbers, in the order of the configuration.
    pub aliases: Vec<String>,
}

/// Why the metrics could not be made.
#[derive(Debug)]
pub enum TelemetryError {
    /// Our own doing: a histogram without buckets.
    Buckets(BuildError),
}

impl fmt::Display for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buckets(error) => write!(f, "metrics cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for TelemetryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Buckets(error) => Some(error),
        }
    }
}

/// The state of a seat of which no notice has come yet.
const UNKNOWN: u8 = u8::MAX;

/// All metrics of the process.
pub struct Telemetry {
    pub(crate) names: TelemetryNames,
    pub(crate) recorder: PrometheusRecorder,
    page: PrometheusHandle,
    handles: Handles,
    /// Of the old numbers; written only when another configuration is taken.
    aliases: RwLock<Vec<Counter>>,
    /// Index into [`SeatState::ALL`] of each seat's last known state.
    seats: Vec<AtomicU8>,
    pub(crate) scraped: Mutex<Scraped>,
    /// Whether the log has said that holidays are missing.
    pub(crate) calendar_missing: AtomicBool,
    pub(crate) unexpected_logged: crate::log_notice::Allowance,
    pub(crate) queue_logged: crate::log_notice::Allowance,
    pub(crate) media_logged: crate::log_notice::Allowance,
    pub(crate) refers_logged: crate::log_notice::Allowance,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Registers every metric. The recorder is this object's own: several may live in a process.
    ///
    /// # Errors
    /// [`TelemetryError::Buckets`]: a mistake in this crate.
    pub fn new(names: &TelemetryNames) -> Result<Arc<Self>, TelemetryError> {
        let recorder = names::recorder().map_err(TelemetryError::Buckets)?;
        let handles = Handles::new(&recorder, &names.trunks, &names.pools);
        let scraped = Mutex::new(Scraped::new(&recorder, &names.pools));
        Ok(Arc::new(Self {
            page: recorder.handle(),
            handles,
            aliases: RwLock::new(handles::aliases(&recorder, &names.aliases)),
            seats: names.seats.iter().map(|_| AtomicU8::new(UNKNOWN)).collect(),
            scraped,
            names: names.clone(),
            recorder,
            calendar_missing: AtomicBool::new(false),
            unexpected_logged: crate::log_notice::Allowance::default(),
            queue_logged: crate::log_notice::Allowance::default(),
            media_logged: crate::log_notice::Allowance::default(),
            refers_logged: crate::log_notice::Allowance::default(),
        }))
    }

    /// Other old numbers are dialled from now on: counted by these names, in the order of the
    /// configuration. Counts of names that are gone stay.
    pub fn set_aliases(&self, names: &[String]) {
        let counters = handles::aliases(&self.recorder, names);
        *self.aliases.write().unwrap_or_else(PoisonError::into_inner) = counters;
    }

    /// Counts a fact. Called on shard threads: no allocation, well under a microsecond, and no lock
    /// but one for reading that is written when the configuration is taken anew; all this but for the
    /// rare peer of a trunk that goes up or down.
    pub fn notice(&self, notice: &Notice) {
        let handles = &self.handles;
        match notice {
            Notice::Arrived { trunk, .. } => {
                if let Some(arrived) = handles.arrived.get(usize::from(trunk.0)) {
                    arrived.increment(1);
                }
            }
            Notice::Routed {
                dialled,
                ambiguous,
                default,
                risk,
                nuisance,
                redial,
                ..
            } => {
                self.on_dialled(*dialled);
                handles.routed[usize::from(*default)].increment(1);
                handles.ambiguous.increment(u64::from(*ambiguous));
                handles.redial.increment(u64::from(*redial));
                self.on_judged(*risk, *nuisance);
            }
            Notice::Flagged { why, .. } => add(handles.flagged.of(*why)),
            Notice::Pool { pool, service } => self.on_service(*pool, *service),
            Notice::CalendarMissing(missing) => {
                handles
                    .calendar_missing
                    .set(if *missing { 1.0 } else { 0.0 });
            }
            Notice::Refused(reason) => add(handles.refused.of(*reason)),
            // Counted with what else is not allowed.
            Notice::ReferRefused { .. } => {}
            Notice::ForeignCodec { offered, .. } => add(handles.foreign.of(*offered)),
            Notice::Phase { from, to, .. } => self.on_phase(*from, *to),
            Notice::Offered {
                ready_to_invite,
                setup,
                ..
            } => {
                handles.offered.increment(1);
                if let Some(latency) = ready_to_invite {
                    handles.ready.record(latency.as_secs_f64());
                }
                if let Some(latency) = setup {
                    handles.setup.record(latency.as_secs_f64());
                }
            }
            Notice::OfferEnded { outcome, .. } => add(handles.offers.of(*outcome)),
            Notice::Answered { pool, waited, .. } => {
                if let Some(answer) = Handles::of_pool(&handles.answer, *pool) {
                    answer.record(waited.as_secs_f64());
                }
            }
            Notice::Ended {
                outcome, lasted, ..
            } => {
                add(handles.ended.of(*outcome));
                handles.duration.record(lasted.as_secs_f64());
            }
            Notice::Transfer { kind, outcome, .. } => {
                let outcomes = handles.transfers.of(*kind);
                add(outcomes.and_then(|it| it.of(*outcome)));
            }
            Notice::TransferAnswered { kind, after, .. } => {
                if let Some(answer) = handles.transfer_answer.of(*kind) {
                    answer.record(after.as_secs_f64());
                }
            }
            Notice::TransferStep { .. }
            | Notice::TakesPart { .. }
            | Notice::KeyByTelephone { .. } => {}
            Notice::TransferAlarm { .. } => handles.transfer_alarms.increment(1),
            Notice::CallBackDue { .. } => handles.call_backs.increment(1),
            Notice::CallBack { result, .. } => add(handles.called_back.of(*result)),
            Notice::Seat {
                seat,
                to,
                by_engine,
                ..
            } => self.on_seat(*seat, *to, *by_engine),
            Notice::Trunk { trunk, up } => {
                if let Some(gauge) = handles.trunk_up.get(usize::from(trunk.0)) {
                    gauge.set(if *up { 1.0 } else { 0.0 });
                }
            }
            Notice::Registration {
                trunk, registered, ..
            } => {
                if let Some(gauge) = handles.registered.get(usize::from(trunk.0)) {
                    gauge.set(if *registered { 1.0 } else { 0.0 });
                }
            }
            Notice::Peer { trunk, address, up } => {
                let trunk = self.names.trunks.get(usize::from(trunk.0));
                let labels = [
                    ("trunk", trunk.map_or("", String::as_str)),
                    ("peer", &*address.to_string()),
                ];
                let gauge = handles::gauge(&self.recorder, names::PEER_UP, &labels);
                gauge.set(if *up { 1.0 } else { 0.0 });
            }
            Notice::NoPeers { .. } => {}
            Notice::Channel { trunk, taken } => {
                if let Some(gauge) = handles.channels.get(usize::from(trunk.0)) {
                    gauge.increment(if *taken { 1.0 } else { -1.0 });
                }
            }
            Notice::ChannelsFull {
                trunk,
                emergency,
                out,
            } => {
                if let Some(full) = handles.channels_full.get(usize::from(trunk.0)) {
                    full[usize::from(*out)][usize::from(*emergency)].increment(1);
                }
            }
            Notice::Lines { pool, lines } => {
                if let Some(open) = Handles::of_pool(&handles.lines_open, *pool) {
                    open.set(f64::from(*lines));
                }
            }
            Notice::Probe { party, .. } => add(handles.probes.of(*party)),
            Notice::DeadLeg { party, .. } => add(handles.dead_legs.of(*party)),
            Notice::MediaLost { .. } => handles.media_lost.increment(1),
            Notice::OneWay { party, begins, .. } => self.on_one_way(*party, *begins),
            Notice::LegOver { party, stats, .. } => {
                if let Some(leg) = handles.legs.of(*party) {
                    leg.count(stats);
                }
            }
            Notice::Missed { .. } => handles.missed.increment(1),
            Notice::KeptOutside { risk, .. } => {
                handles.kept_outside[usize::from(*risk)].increment(1);
            }
            Notice::Unexpected(_) => handles.unexpected.increment(1),
        }
    }

    /// The page, as Prometheus reads it (text format 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        // Counters of the library hold whole numbers only; CPU time is a counter with a fraction.
        let (gauge, counter) = (format!("# TYPE {} gauge", names::CPU), "counter");
        self.page
            .render()
            .replacen(&gauge, &gauge.replace("gauge", counter), 1)
    }

    /// Folds what histograms have gathered into their buckets. To be called every few seconds,
    /// for else samples pile up until the next [`Self::render`].
    pub fn run_upkeep(&self) {
        self.page.run_upkeep();
    }

    fn on_dialled(&self, dialled: Dialled) {
        let Dialled::Alias(at) = dialled else {
            return add(self.handles.dialled.of(dialled));
        };
        let aliases = self.aliases.read().unwrap_or_else(PoisonError::into_inner);
        match aliases.get(usize::from(at)) {
            Some(alias) => alias.increment(1),
            None => add(self.handles.dialled.of(Dialled::Other)),
        }
    }

    fn on_one_way(&self, party: LegParty, begins: bool) {
        let now = &self.handles.one_way_now;
        if begins {
            add(self.handles.one_way.of(party));
            now.increment(1.0);
        } else {
            now.decrement(1.0);
        }
    }

    fn on_judged(&self, risk: Option<RiskWhy>, nuisance: Option<NuisanceWhy>) {
        if let Some(why) = risk {
            add(self.handles.at_risk.of(why));
        }
        if let Some(why) = nuisance {
            add(self.handles.nuisance.of(why));
        }
    }

    fn on_service(&self, pool: PoolId, service: Service) {
        let Some(states) = Handles::of_pool(&self.handles.services, pool) else {
            return;
        };
        for (state, gauge) in states.all() {
            gauge.set(if *state == service { 1.0 } else { 0.0 });
        }
    }

    fn on_phase(&self, from: Option<Phase>, to: Option<Phase>) {
        if let Some(before) = from.and_then(|phase| self.handles.phases.of(phase)) {
            before.decrement(1.0);
        }
        if let Some(after) = to.and_then(|phase| self.handles.phases.of(phase)) {
            after.increment(1.0);
        }
    }

    /// The state before is taken from our own memory, not from the notice, so that the gauges
    /// add up to the number of seats whatever is told twice or never.
    fn on_seat(&self, seat: SeatId, to: SeatState, by_engine: bool) {
        let Some(known) = self.seats.get(seat.0 as usize) else {
            return;
        };
        if by_engine {
            self.handles.seats_paused.increment(1);
        }
        let index = SeatState::ALL
            .iter()
            .position(|it| *it == to)
            .unwrap_or_default() as u8;
        let before = known.swap(index, Relaxed);
        if before == index {
            return;
        }
        if let Some(state) = SeatState::ALL.get(usize::from(before)) {
            self.move_seat(seat, *state, -1.0);
        }
        self.move_seat(seat, to, 1.0);
    }

    fn move_seat(&self, seat: SeatId, state: SeatState, by: f64) {
        if let Some(gauge) = self.handles.seats.of(state) {
            gauge.increment(by);
        }
        if state != SeatState::Ready {
            return;
        }
        let pools = self
            .names
            .seats
            .get(seat.0 as usize)
            .map_or(&[][..], Vec::as_slice);
        for pool in pools {
            if let Some(gauge) = Handles::of_pool(&self.handles.seats_ready, *pool) {
                gauge.increment(by);
            }
        }
    }
}

fn add(counter: Option<&metrics::Counter>) {
    if let Some(counter) = counter {
        counter.increment(1);
    }
}
