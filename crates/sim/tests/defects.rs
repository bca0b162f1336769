//! Each invariant is shown able to fail: the engine is broken on purpose, and the judges say so.
//!
//! The same runs with a sound engine are clean, so it is the defect that they see.
//! Defects are data of the engine that is broken, so runs of one process do not meet.

use meishier_engine::Defect as Shards;
use meishier_queue::Defect as Matching;
use meishier_signaling::Defect as Sip;
use meishier_sim::invariants::Invariant;
use meishier_sim::{Defect, FaultLevel, QueueKind, RunOptions, Scenario, run, run_broken};

/// A small hotline in which everything happens often.
const BUSY: &str = include_str!("defects/busy.toml");

/// A hotline of two provinces that uses all of routing.
const PLACES: &str = include_str!("defects/places.toml");

/// A hotline where transfer keys are pressed in every way.
const KEYS: &str = include_str!("transfers/keys.toml");

/// What is broken, under which faults it shows, and the invariant that must say so: one of these.
struct Row(Defect, FaultLevel, &'static [Invariant]);

const fn engine(which: Shards, must: &'static [Invariant]) -> Row {
    Row(Defect::Engine(which), FaultLevel::None, must)
}

const fn queue(which: Matching, must: &'static [Invariant]) -> Row {
    Row(Defect::Queue(which), FaultLevel::None, must)
}

const fn sip(which: Sip, must: &'static [Invariant]) -> Row {
    Row(Defect::Signaling(which), FaultLevel::None, must)
}

/// The same among faults, where far ends use all that dialogs can.
const fn late(which: Sip, must: &'static [Invariant]) -> Row {
    Row(Defect::Signaling(which), FaultLevel::Light, must)
}

/// Seeds that are tried with each defect.
const SEEDS: [u64; 4] = [0, 1, 2, 3];
/// Within so many seeds a defect must be noticed: some show only where two things meet.
const TRIES: u64 = 16;

const ROWS: &[Row] = &[
    engine(Shards::CallerNotPutBack, &[Invariant::OnePlace]),
    queue(Matching::AbandonTakesAnother, &[Invariant::OnePlace]),
    engine(Shards::WakeForgotten, &[Invariant::OnePlace]),
    engine(Shards::RecordForgotten, &[Invariant::OnePlace]),
    engine(Shards::SeatDoesNotRest, &[Invariant::OneOffer]),
    engine(Shards::SeatNeverPaused, &[Invariant::OneOffer]),
    queue(Matching::WithdrawnSeatStays, &[Invariant::OneOffer]),
    queue(
        Matching::LastComesFirst,
        &[Invariant::Order, Invariant::Kept],
    ),
    queue(
        Matching::RiskStandsBehind,
        &[Invariant::Order, Invariant::Flag],
    ),
    queue(
        Matching::PutBackLosesPlace,
        &[Invariant::Order, Invariant::Kept],
    ),
    queue(
        Matching::WaitingLiftsNobody,
        &[Invariant::Order, Invariant::Kept],
    ),
    queue(Matching::SkillsIgnored, &[Invariant::Fit]),
    engine(Shards::RingsOpenAtOnce, &[Invariant::Fit]),
    queue(Matching::FullRefusesRisk, &[Invariant::Risk]),
    engine(Shards::RiskDropped, &[Invariant::Risk]),
    engine(Shards::CounsellorTakesCallerAlong, &[Invariant::Transfer]),
    engine(Shards::TargetRingsForEver, &[Invariant::Transfer]),
    engine(Shards::CallerUnheard, &[Invariant::Streams]),
    engine(Shards::CallersCrossed, &[Invariant::Streams]),
    engine(Shards::MusicGoesOn, &[Invariant::Streams]),
    engine(Shards::RecordTwice, &[Invariant::Record]),
    engine(Shards::TalkCountsTwice, &[Invariant::Record]),
    queue(Matching::FreedLineUnmatched, &[Invariant::Stranded]),
    engine(Shards::SeatRestsForEver, &[Invariant::Stranded]),
    engine(Shards::SeatRingsForEver, &[Invariant::Overtaken]),
    engine(Shards::WrapupNeverEnds, &[Invariant::Overtaken]),
    engine(Shards::PortLostAtReinvite, &[Invariant::Baseline]),
    engine(Shards::TimerOutlivesCall, &[Invariant::Baseline]),
    queue(Matching::OneLineTooMany, &[Invariant::Lines]),
    engine(Shards::LineLostWithCaller, &[Invariant::Lines]),
    sip(Sip::CseqNotRaised, &[Invariant::Sip]),
    sip(Sip::AckForgotten, &[Invariant::Sip]),
    sip(Sip::SecondAnswer, &[Invariant::AnsweredOnce]),
    Row(
        Defect::Signaling(Sip::AnswerAgainDiffers),
        FaultLevel::Light,
        &[Invariant::AnsweredOnce],
    ),
    sip(Sip::CancelForgotten, &[Invariant::Rings]),
    sip(Sip::ByeForgotten, &[Invariant::Rings]),
    engine(Shards::CallerNotReleased, &[Invariant::LegOver]),
    sip(Sip::CallersByeForgotten, &[Invariant::LegOver]),
    engine(Shards::PortNotClosed, &[Invariant::Notices]),
    engine(Shards::CallerPutBackTwice, &[Invariant::Notices]),
    engine(Shards::AnsweredTwice, &[Invariant::Replies]),
    engine(Shards::NeverAnswered, &[Invariant::Replies]),
];

/// The same of what dialogs agree on while they last.
const DIALOGS: &[Row] = &[
    late(Sip::PrackForgotten, &[Invariant::Pracks]),
    late(Sip::PrackTwice, &[Invariant::Pracks]),
    late(Sip::RefreshForgotten, &[Invariant::Refreshed]),
    late(Sip::RefreshLate, &[Invariant::Refreshed]),
    late(
        Sip::RefreshUnheard,
        &[Invariant::KeptUp, Invariant::Risk, Invariant::Transfer],
    ),
    late(
        Sip::SessionCutShort,
        &[Invariant::KeptUp, Invariant::Risk, Invariant::Transfer],
    ),
    engine(Shards::ResumeUnheard, &[Invariant::Streams]),
];

/// The same over [`PLACES`].
const ROUTING: &[Row] = &[
    engine(Shards::RedialLosesPlace, &[Invariant::Kept]),
    engine(Shards::StrangersPlaceTaken, &[Invariant::Kept]),
    engine(Shards::DangerKeyUnheard, &[Invariant::Flag]),
    // Who is flagged waits for the counsellor who knows them.
    engine(Shards::FlagForgotten, &[Invariant::Flag, Invariant::Fit]),
    engine(Shards::MarkedAtRisk, &[Invariant::Flag]),
    engine(Shards::StatesUnheeded, &[Invariant::Ladder]),
    // What is preferred changes with a flag.
    engine(
        Shards::NeverDecidedAnew,
        &[Invariant::Ladder, Invariant::Fit, Invariant::Flag],
    ),
    engine(
        Shards::FullPoolsUnheeded,
        &[Invariant::Ladder, Invariant::Stranded],
    ),
    engine(
        Shards::PreferenceForNobody,
        &[Invariant::Order, Invariant::Stranded, Invariant::Overtaken],
    ),
    engine(Shards::TableNotNamed, &[Invariant::Route]),
    engine(Shards::UnknownRefused, &[Invariant::Route]),
];

/// The same over [`KEYS`].
const TRANSFERS: &[Row] = &[
    engine(Shards::AlarmForgotten, &[Invariant::Transfer]),
    engine(Shards::SecondTargetForgotten, &[Invariant::Transfer]),
    engine(Shards::WrongEar, &[Invariant::Streams]),
    engine(Shards::CallerReleasedFirst, &[Invariant::Transfer]),
    engine(Shards::CounsellorLetGoUnconfirmed, &[Invariant::Transfer]),
    engine(Shards::TargetLeftBehind, &[Invariant::Rings]),
    engine(Shards::CallerQueuedForSecond, &[Invariant::Transfer]),
    engine(Shards::SecondRingsForEver, &[Invariant::Overtaken]),
    engine(Shards::SecondLineLost, &[Invariant::Lines]),
    engine(Shards::SecondUnskilled, &[Invariant::Fit]),
    engine(Shards::SupervisorUntold, &[Invariant::Transfer]),
    engine(Shards::DoubtUnsaid, &[Invariant::Transfer]),
    Row(
        Defect::Engine(Shards::RequestForgotten),
        FaultLevel::Swarm,
        &[Invariant::OnePlace],
    ),
];

/// The same over [`PLACES`] with a route that asks for the state of a pool.
const STATES: &[Row] = &[reading("[\"down\", \"unstaffed\"]", "[\"normal\"]")];

/// That route, and the one before which it stands.
const ELSEWHERE: &str = "[[routes]]\nname = \"elsewhere\"\nat_risk = false\n\
     provinces = [\"贵州\"]\nstates = { guizhou = [\"down\", \"unstaffed\"] }\n\
     rings = [\"@city\", { pool = \"@nation\", after = \"5s\" }]\n\n\
     [[routes]]\nname = \"danger\"";

fn with_states() -> String {
    PLACES.replacen("[[routes]]\nname = \"danger\"", ELSEWHERE, 1)
}

/// The same over shipped tables, where the engine takes something of the file for something else.
const READING: &[(&str, Row)] = &[
    ("zhuzhou", reading("0731-2", "0731-3")),
    ("zhuzhou", reading("4600007312", "4600007313")),
    (
        "zhuzhou",
        reading("area_code = \"0731\"", "area_code = \"0755\""),
    ),
    (
        "shanghai",
        reading("area_code = \"021\"", "area_code = \"020\""),
    ),
    (
        "guangzhou",
        reading("provinces = [\"广东\"]", "provinces = [\"广西\"]"),
    ),
    (
        "referral",
        reading("trunks = [\"hospital\"]", "trunks = [\"carrier\"]"),
    ),
];

const fn reading(what: &'static str, taken_for: &'static str) -> Row {
    Row(
        Defect::Reading(what, taken_for),
        FaultLevel::None,
        &[
            Invariant::Route,
            Invariant::Ladder,
            Invariant::Fit,
            Invariant::Record,
            Invariant::Lines,
            Invariant::Flag,
        ],
    )
}

fn options(seed: u64, faults: FaultLevel) -> RunOptions {
    RunOptions {
        seed,
        days: 1,
        faults,
        restore_at: None,
        queue: QueueKind::default(),
    }
}

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text).expect("the scenario can be read")
}

fn not_accused(text: &str, seeds: &[u64]) {
    let scenario = scenario(text);
    for faults in [FaultLevel::None, FaultLevel::Light] {
        for seed in seeds {
            let report = run(&scenario, &options(*seed, faults), None).expect("the scenario fits");
            if let Some(failure) = report.failure {
                panic!("seed {seed}, faults {}: {failure}", faults.as_str());
            }
        }
    }
}

#[test]
fn a_sound_engine_is_not_accused() {
    not_accused(BUSY, &SEEDS);
}

#[test]
fn a_sound_engine_that_routes_is_not_accused() {
    not_accused(PLACES, &SEEDS);
}

#[test]
fn a_sound_engine_that_looks_at_states_is_not_accused() {
    not_accused(&with_states(), &SEEDS[..1]);
}

/// What is wrong with the verdicts on broken engines.
fn wrongs<'r>(scenario: &Scenario, rows: impl IntoIterator<Item = &'r Row>) -> Vec<String> {
    let mut wrong = Vec::new();
    for Row(defect, faults, must) in rows {
        let found = (0..TRIES).find_map(|seed| {
            let report = run_broken(scenario, &options(seed, *faults), *defect);
            report.expect("the scenario fits").failure
        });
        match found {
            Some(failure) if must.contains(&failure.violation.invariant) => {}
            Some(failure) => wrong.push(format!(
                "{defect:?}: {must:?} said nothing before\n{failure}"
            )),
            None => wrong.push(format!("{defect:?}: nobody said anything")),
        }
    }
    wrong
}

#[test]
fn each_defect_is_caught_by_its_invariant() {
    let wrong = wrongs(&scenario(BUSY), ROWS);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_defect_of_dialogs_is_caught_by_its_invariant() {
    let wrong = wrongs(&scenario(BUSY), DIALOGS);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_defect_of_transfers_is_caught_by_its_invariant() {
    let wrong = wrongs(&scenario(KEYS), TRANSFERS);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_defect_of_routing_is_caught_by_its_invariant() {
    let wrong = wrongs(&scenario(PLACES), ROUTING);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_misreading_of_states_is_noticed() {
    let wrong = wrongs(&scenario(&with_states()), STATES);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_misread_of_a_shipped_table_is_noticed() {
    let mut wrong = Vec::new();
    for (name, row) in READING {
        let scenario = Scenario::named(name).expect("shipped");
        wrong.extend(wrongs(&scenario, [row]));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The same hotline in a rush, where impatient callers try again for hours.
fn stubborn() -> String {
    let changes = [
        ("within = \"2min\"", "within = \"45min\""),
        (
            "redial_after = [\"5s\", \"40s\"]",
            "redial_after = [\"28min\", \"40min\"]",
        ),
        ("redials = 4", "redials = 5"),
        ("mean = \"60s\"", "mean = \"10s\""),
        (
            "hours = [{ hours = \"00:00-24:00\", share = 1.0 }]",
            "hours = [{ hours = \"00:00-09:00\", share = 0.01 }, \
             { hours = \"09:00-11:00\", share = 0.98 }, \
             { hours = \"11:00-24:00\", share = 0.01 }]",
        ),
    ];
    changes.iter().fold(PLACES.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    })
}

#[test]
fn a_sound_engine_with_stubborn_callers_is_not_accused() {
    not_accused(&stubborn(), &SEEDS[..1]);
}

#[test]
fn a_place_that_is_kept_for_ever_is_noticed() {
    let row = [engine(Shards::PlaceKeptForEver, &[Invariant::Kept])];
    let wrong = wrongs(&scenario(&stubborn()), &row);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_invariant_can_fail() {
    for (invariant, _, name, _) in Invariant::ALL {
        let rows = ROWS
            .iter()
            .chain(ROUTING)
            .chain(DIALOGS)
            .filter(|row| row.2.contains(&invariant));
        assert!(
            rows.count() >= 2,
            "too few defects show that {name} can fail"
        );
    }
}
