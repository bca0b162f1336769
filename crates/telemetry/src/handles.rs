//! Handles to metrics, taken once and kept: 5 ns a use instead of a look-up by name and labels.

use crate::names;
use meishier_engine::api::{CallBackResult, LegParty, Phase, Refusal, SeatState};
use meishier_engine::media::Foreign;
use meishier_engine::routing::{Dialled, NuisanceWhy, RiskWhy, Service};
use meishier_engine::transfer::KeyKind;
use meishier_model::{OfferOutcome, Outcome, PoolId, RtpStats, TransferOutcome};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

static METADATA: Metadata<'static> = Metadata::new("meishier", Level::INFO, None);

/// A name with its labels.
pub(crate) fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(label, value)| Label::new(*label, (*value).to_owned()))
        .collect();
    Key::from_parts(name, labels)
}

pub(crate) fn counter(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Counter {
    recorder.register_counter(&key(name, labels), &METADATA)
}

pub(crate) fn gauge(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Gauge {
    recorder.register_gauge(&key(name, labels), &METADATA)
}

pub(crate) fn histogram(
    recorder: &PrometheusRecorder,
    name: &'static str,
    labels: &[(&'static str, &str)],
) -> Histogram {
    recorder.register_histogram(&key(name, labels), &METADATA)
}

/// The order of [`Handles::refused`].
const REFUSALS: [Refusal; 12] = [
    Refusal::UnknownSource,
    Refusal::Draining,
    Refusal::NoCommonMedia,
    Refusal::Overload,
    Refusal::RiskOverload,
    Refusal::NotAdmitted,
    Refusal::WrongPassword,
    Refusal::SlowedDown,
    Refusal::NotAllowed,
    Refusal::NotAgreed,
    Refusal::Channels,
    Refusal::Loop,
];
const OUTCOMES: [Outcome; 3] = [Outcome::Answered, Outcome::Abandoned, Outcome::Failed];
const OFFERS: [OfferOutcome; 6] = [
    OfferOutcome::Answered,
    OfferOutcome::NoAnswer,
    OfferOutcome::Refused,
    OfferOutcome::Unreachable,
    OfferOutcome::CallerGone,
    OfferOutcome::Withdrawn,
];
const TRANSFERS: [TransferOutcome; 4] = [
    TransferOutcome::Joined,
    TransferOutcome::Failed,
    TransferOutcome::NoAnswer,
    TransferOutcome::Cancelled,
];

const RISKS: [RiskWhy; 6] = [
    RiskWhy::Listed,
    RiskWhy::Flagged,
    RiskWhy::Dropped,
    RiskWhy::Key,
    RiskWhy::Route,
    RiskWhy::Person,
];
const NUISANCES: [NuisanceWhy; 4] = [
    NuisanceWhy::Listed,
    NuisanceWhy::Marked,
    NuisanceWhy::CallsADay,
    NuisanceWhy::ShortCalls,
];
/// Numbers that are no old ones.
const DIALLED: [Dialled; 3] = [Dialled::Short, Dialled::Area, Dialled::Other];

fn dialled_name(dialled: Dialled) -> &'static str {
    match dialled {
        Dialled::Short => "12356",
        Dialled::Area => "area",
        // Old numbers are named by the configuration.
        Dialled::Alias(_) | Dialled::Other => "other",
    }
}

/// One handle for each value of a small enum.
pub(crate) struct Family<T, H>(Vec<(T, H)>);

impl<T: Copy + PartialEq, H> Family<T, H> {
    fn new(all: &[T], name: fn(T) -> &'static str, handle: impl Fn(&str) -> H) -> Self {
        Self(all.iter().map(|it| (*it, handle(name(*it)))).collect())
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &(T, H)> {
        self.0.iter()
    }

    /// The handle of that value.
    pub(crate) fn of(&self, value: T) -> Option<&H> {
        self.0
            .iter()
            .find(|(it, _)| *it == value)
            .map(|(_, handle)| handle)
    }
}

/// The sound of one kind of party.
pub(crate) struct LegHandles {
    /// At our side, at the party's.
    lost: [Counter; 2],
    expected: [Counter; 2],
    jitter: Histogram,
    round_trip: Histogram,
}

impl LegHandles {
    fn new(r: &PrometheusRecorder, party: &str) -> Self {
        let both = |name| {
            ["us", "party"].map(|at| counter(r, name, &[("party", party), ("received_by", at)]))
        };
        Self {
            lost: both(names::LEG_LOST),
            expected: both(names::LEG_EXPECTED),
            jitter: histogram(r, names::LEG_JITTER, &[("party", party)]),
            round_trip: histogram(r, names::LEG_TRIP, &[("party", party)]),
        }
    }

    /// A leg is over. What the party says counts only if it said anything.
    pub(crate) fn count(&self, stats: &RtpStats) {
        if stats.received > 0 {
            self.lost[0].increment(stats.lost);
            self.expected[0].increment(stats.received + stats.lost);
            self.jitter.record(f64::from(stats.jitter_us) / 1e6);
        }
        if stats.reports > 0 {
            // A party may say anything; more than was sent cannot have been lost.
            self.lost[1].increment(stats.peer_lost.min(stats.sent));
            self.expected[1].increment(stats.sent);
        }
        if stats.round_trip_us > 0 {
            self.round_trip.record(f64::from(stats.round_trip_us) / 1e6);
        }
    }
}

/// What notices move.
pub(crate) struct Handles {
    pub(crate) arrived: Vec<Counter>,
    pub(crate) trunk_up: Vec<Gauge>,
    pub(crate) registered: Vec<Gauge>,
    pub(crate) channels: Vec<Gauge>,
    /// By trunk: in and out, each without and with the reserve.
    pub(crate) channels_full: Vec<[[Counter; 2]; 2]>,
    pub(crate) phases: Family<Phase, Gauge>,
    pub(crate) ended: Family<Outcome, Counter>,
    pub(crate) refused: Family<Refusal, Counter>,
    pub(crate) foreign: Family<Foreign, Counter>,
    pub(crate) answer: Vec<Histogram>,
    pub(crate) duration: Histogram,
    pub(crate) setup: Histogram,
    pub(crate) ready: Histogram,
    pub(crate) offered: Counter,
    pub(crate) offers: Family<OfferOutcome, Counter>,
    pub(crate) transfers: Family<KeyKind, Family<TransferOutcome, Counter>>,
    pub(crate) transfer_answer: Family<KeyKind, Histogram>,
    pub(crate) transfer_alarms: Counter,
    pub(crate) call_backs: Counter,
    pub(crate) called_back: Family<CallBackResult, Counter>,
    pub(crate) probes: Family<LegParty, Counter>,
    pub(crate) dead_legs: Family<LegParty, Counter>,
    pub(crate) media_lost: Counter,
    pub(crate) one_way: Family<LegParty, Counter>,
    pub(crate) one_way_now: Gauge,
    pub(crate) legs: Family<LegParty, LegHandles>,
    pub(crate) seats: Family<SeatState, Gauge>,
    pub(crate) seats_ready: Vec<Gauge>,
    pub(crate) seats_paused: Counter,
    pub(crate) lines_open: Vec<Gauge>,
    pub(crate) missed: Counter,
    pub(crate) kept_outside: [Counter; 2],
    pub(crate) unexpected: Counter,
    pub(crate) dialled: Family<Dialled, Counter>,
    /// By a route of the table, by the default.
    pub(crate) routed: [Counter; 2],
    pub(crate) ambiguous: Counter,
    pub(crate) at_risk: Family<RiskWhy, Counter>,
    pub(crate) nuisance: Family<NuisanceWhy, Counter>,
    pub(crate) redial: Counter,
    pub(crate) flagged: Family<RiskWhy, Counter>,
    pub(crate) services: Vec<Family<Service, Gauge>>,
    pub(crate) calendar_missing: Gauge,
}

/// Counters of the old numbers, in the order of the configuration.
pub(crate) fn aliases(r: &PrometheusRecorder, names: &[String]) -> Vec<Counter> {
    let count = |name: &String| counter(r, names::BY_NUMBER, &[("number", name)]);
    names.iter().map(count).collect()
}

fn transfers(r: &PrometheusRecorder, kind: &str) -> Family<TransferOutcome, Counter> {
    Family::new(&TRANSFERS, TransferOutcome::as_str, |outcome| {
        let labels = [("kind", kind), ("outcome", outcome)];
        counter(r, names::TRANSFERS, &labels)
    })
}

fn services(r: &PrometheusRecorder, pool: &str) -> Family<Service, Gauge> {
    Family::new(&Service::ALL, Service::as_str, |state| {
        gauge(r, names::POOL_SERVICE, &[("pool", pool), ("state", state)])
    })
}

impl Handles {
    pub(crate) fn new(r: &PrometheusRecorder, trunks: &[String], pools: &[String]) -> Self {
        let by_trunk = |name| trunks.iter().map(move |trunk| (name, trunk));
        let by_pool = |name| pools.iter().map(move |pool| (name, pool));
        let trunk_up: Vec<Gauge> = by_trunk(names::TRUNK_UP)
            .map(|(name, trunk)| gauge(r, name, &[("trunk", trunk)]))
            .collect();
        // A trunk that is not asked by OPTIONS is never told about; it counts as up.
        trunk_up.iter().for_each(|up| up.set(1.0));
        let registered: Vec<Gauge> = by_trunk(names::TRUNK_REGISTERED)
            .map(|(name, trunk)| gauge(r, name, &[("trunk", trunk)]))
            .collect();
        registered.iter().for_each(|it| it.set(1.0));
        gauge(r, names::BUILD, &[("version", env!("CARGO_PKG_VERSION"))]).set(1.0);
        Self {
            arrived: by_trunk(names::ARRIVED)
                .map(|(name, trunk)| counter(r, name, &[("trunk", trunk)]))
                .collect(),
            trunk_up,
            registered,
            channels: by_trunk(names::CHANNELS)
                .map(|(name, trunk)| gauge(r, name, &[("trunk", trunk)]))
                .collect(),
            channels_full: by_trunk(names::CHANNELS_FULL)
                .map(|(name, trunk)| {
                    ["in", "out"].map(|way| {
                        ["no", "yes"].map(|reserve| {
                            let labels = [
                                ("trunk", &**trunk),
                                ("direction", way),
                                ("reserve", reserve),
                            ];
                            counter(r, name, &labels)
                        })
                    })
                })
                .collect(),
            phases: Family::new(&Phase::ALL, Phase::as_str, |phase| {
                gauge(r, names::CALLS_NOW, &[("phase", phase)])
            }),
            ended: Family::new(&OUTCOMES, Outcome::as_str, |outcome| {
                counter(r, names::ENDED, &[("outcome", outcome)])
            }),
            refused: Family::new(&REFUSALS, Refusal::as_str, |reason| {
                counter(r, names::REFUSED, &[("reason", reason)])
            }),
            foreign: Family::new(&Foreign::ALL, Foreign::as_str, |codec| {
                counter(r, names::FOREIGN, &[("codec", codec)])
            }),
            answer: by_pool(names::ANSWER)
                .map(|(name, pool)| histogram(r, name, &[("pool", pool)]))
                .collect(),
            duration: histogram(r, names::DURATION, &[]),
            setup: histogram(r, names::SETUP, &[]),
            ready: histogram(r, names::READY, &[]),
            offered: counter(r, names::OFFERED, &[]),
            offers: Family::new(&OFFERS, OfferOutcome::as_str, |outcome| {
                counter(r, names::OFFERS, &[("outcome", outcome)])
            }),
            transfers: Family::new(&KeyKind::ALL, KeyKind::as_str, |kind| transfers(r, kind)),
            transfer_answer: Family::new(&KeyKind::ALL, KeyKind::as_str, |kind| {
                histogram(r, names::TRANSFER_ANSWER, &[("kind", kind)])
            }),
            transfer_alarms: counter(r, names::TRANSFER_ALARMS, &[]),
            call_backs: counter(r, names::CALL_BACKS, &[]),
            called_back: Family::new(&CallBackResult::ALL, CallBackResult::as_str, |result| {
                counter(r, names::CALLED_BACK, &[("result", result)])
            }),
            probes: Family::new(&LegParty::ALL, LegParty::as_str, |party| {
                counter(r, names::PROBES, &[("party", party)])
            }),
            dead_legs: Family::new(&LegParty::ALL, LegParty::as_str, |party| {
                counter(r, names::DEAD_LEGS, &[("party", party)])
            }),
            media_lost: counter(r, names::MEDIA_LOST, &[]),
            one_way: Family::new(&LegParty::ALL, LegParty::as_str, |party| {
                counter(r, names::ONE_WAY, &[("party", party)])
            }),
            one_way_now: gauge(r, names::ONE_WAY_NOW, &[]),
            legs: Family::new(&LegParty::ALL, LegParty::as_str, |party| {
                LegHandles::new(r, party)
            }),
            seats: Family::new(&SeatState::ALL, SeatState::as_str, |state| {
                gauge(r, names::SEATS, &[("state", state)])
            }),
            seats_ready: by_pool(names::SEATS_READY)
                .map(|(name, pool)| gauge(r, name, &[("pool", pool)]))
                .collect(),
            seats_paused: counter(r, names::SEATS_PAUSED, &[]),
            lines_open: by_pool(names::LINES_OPEN)
                .map(|(name, pool)| gauge(r, name, &[("pool", pool)]))
                .collect(),
            missed: counter(r, names::QUEUE_MISSED, &[]),
            kept_outside: ["other", "risk"]
                .map(|caller| counter(r, names::KEPT_OUTSIDE, &[("caller", caller)])),
            unexpected: counter(r, names::UNEXPECTED, &[]),
            dialled: Family::new(&DIALLED, dialled_name, |number| {
                counter(r, names::BY_NUMBER, &[("number", number)])
            }),
            routed: ["table", "default"].map(|by| counter(r, names::ROUTED, &[("by", by)])),
            ambiguous: counter(r, names::AMBIGUOUS, &[]),
            at_risk: Family::new(&RISKS, RiskWhy::as_str, |why| {
                counter(r, names::AT_RISK, &[("why", why)])
            }),
            nuisance: Family::new(&NUISANCES, NuisanceWhy::as_str, |why| {
                counter(r, names::NUISANCE, &[("why", why)])
            }),
            redial: counter(r, names::REDIAL, &[]),
            flagged: Family::new(&RISKS, RiskWhy::as_str, |why| {
                counter(r, names::FLAGGED, &[("why", why)])
            }),
            services: pools.iter().map(|pool| services(r, pool)).collect(),
            calendar_missing: gauge(r, names::CALENDAR_MISSING, &[]),
        }
    }

    /// A pool's entry in one of the lists by pool.
    pub(crate) fn of_pool<H>(list: &[H], pool: PoolId) -> Option<&H> {
        list.get(usize::from(pool.0))
    }
}
