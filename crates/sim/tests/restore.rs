//! The whole engine is turned into snapshots and restored at every step of a few calls.

mod whole;

use meishier_sim::{FaultLevel, RunOptions, RunReport, Scenario};
use std::collections::{BTreeMap, BTreeSet};
use whole::{Entry, Reads, entry, options, play, sound};

/// What the calls of one run were like.
#[derive(Debug, Default)]
struct Calls {
    dialled: BTreeSet<String>,
    /// By Call-ID of the caller's leg.
    records: BTreeMap<String, serde_json::Value>,
    /// Records beyond the first of a call.
    again: u64,
    /// Calls that stood at the moment of the restoring, with their phases.
    stood: Vec<(String, String)>,
    restored: u64,
    /// What happened at all.
    happened: BTreeSet<&'static str>,
}

/// What must happen in these calls, so that it is restored in the middle of each.
const WANTED: &[&str] = &[
    "abandoned",
    "announced",
    "answered",
    "held",
    "joined",
    "no_answer",
    "refused",
    "waited",
    "wrap-up",
];

impl Calls {
    fn record(&mut self, text: &str) {
        let record: serde_json::Value = serde_json::from_str(text).unwrap();
        let call = record["sip_call_id"].as_str().unwrap().to_owned();
        let parts = record["offers"].as_array().unwrap().iter();
        let parts = parts.chain(record["transfers"].as_array().unwrap());
        let outcomes: Vec<_> = parts.map(|part| &part["outcome"]).collect();
        for wanted in WANTED {
            if record["outcome"] == *wanted || outcomes.iter().any(|it| *it == wanted) {
                self.happened.insert(wanted);
            }
        }
        if record["waited_ms"].as_u64() > Some(20_000) && record["outcome"] == "answered" {
            self.happened.insert("waited");
        }
        self.again += u64::from(self.records.insert(call, record).is_some());
    }
}

impl Reads for Calls {
    fn read(&mut self, line: &[u8]) {
        let (_, entry) = entry(line);
        let what = match entry {
            Entry::Message { from, bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                let held = text.starts_with("INVITE ") && text.contains("a=sendonly");
                if held && !from.starts_with("127.0.0.1:5060") {
                    self.happened.insert("held");
                }
                return;
            }
            Entry::Said(what) => what,
        };
        let words: Vec<&str> = what.split(' ').collect();
        if let ["caller", _, "dials", _, _, call] = words.as_slice() {
            self.dialled.insert((*call).to_owned());
        } else if let Some(text) = what.strip_prefix("record ") {
            self.record(text);
        } else if let Some((_, calls)) = what.split_once("engine restored at step ") {
            self.restored += 1;
            let (_, calls) = calls.split_once(':').unwrap();
            let calls = calls.split(',').filter_map(|it| it.trim().split_once(' '));
            self.stood
                .extend(calls.map(|(phase, call)| (call.to_owned(), phase.to_owned())));
        } else if what.contains("notice Seat") && what.contains("to: Wrapup") {
            self.happened.insert("wrap-up");
        } else if what.contains("PlaylistDone") {
            self.happened.insert("announced");
        }
    }
}

/// Half an hour in which a handful of people call, and more goes on than on usual days. Two
/// telephones have fixed addresses, one of them over TCP; the third registers.
fn scenario() -> Scenario {
    let tiny = include_str!("../scenarios/tiny.toml");
    let from = tiny.find("config_text").unwrap();
    let to = from + tiny[from..].find("[talk]").unwrap();
    let fixed = tiny[from..to].replace(
        "name = \"s{1..2}\"\npassword = \"example-s{n}\"\npools = [\"county\"]",
        "name = \"s1\"\ncontact = \"sip:s1@10.77.0.1:5060\"\npools = [\"county\"]\n\n\
         [[seats]]\nname = \"s2\"\ncontact = \"sip:s2@10.77.0.2:5060;transport=tcp\"\npools = [\"county\"]",
    );
    assert_ne!(fixed, tiny[from..to]);
    let text = format!(
        r#"
        name = "steps"
        base = "tiny"
        calls_per_day = 6
        hours = [
            {{ hours = "09:00-09:15", share = 1.0 }},
            {{ hours = "09:15-09:00", share = 0.0 }},
        ]
        {fixed}
        [talk]
        mean = "90s"
        hold_share = 0.7
        [mix]
        nuisance = 0.1
        risk = 0.5
        crisis = 0.4
        [patience]
        mean = "50s"
        redials = 1
        [seats]
        refuse_share = 0.15
        ring_out_share = 0.15
        notice_after = ["5s", "10s"]
        [targets]
        talk = "20s"
        "#
    );
    Scenario::parse(&text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn once(scenario: &Scenario, seed: u64, restore_at: Option<u64>) -> (RunReport, Calls) {
    let options = RunOptions {
        restore_at,
        ..options(seed, 1, FaultLevel::None)
    };
    play(scenario, &options, Calls::default())
}

/// Its calls are few, and everything that is wanted happens in them.
const SEED: u64 = 2947;

/// The calls whose conversation the restoring fell into, with what they said without it.
fn conversations_go_on(plain: &Calls, calls: &Calls, replay: &str) {
    for (call, phase) in &calls.stood {
        if phase != "talking" {
            continue;
        }
        let (was, is) = (&plain.records[call], &calls.records[call]);
        assert_eq!(is["outcome"], "answered", "{is}\n{replay}");
        let talked = |record: &serde_json::Value| record["talked_ms"].as_u64().unwrap();
        // Whoever was to hang up does so on time, and no RTP that is missed ends it.
        assert!(
            talked(is).abs_diff(talked(was)) < 2_000,
            "{was}\n{is}\n{replay}"
        );
    }
}

/// Restores at each of these steps; returns the phases in which calls stood then.
fn every(steps: impl Iterator<Item = u64>) -> BTreeSet<String> {
    let scenario = scenario();
    let (_, plain) = once(&scenario, SEED, None);
    let mut phases = BTreeSet::new();
    for step in steps {
        let (report, calls) = once(&scenario, SEED, Some(step));
        sound(&report);
        let replay = report.replay();
        assert_eq!(calls.restored, 1, "{replay}");
        assert_eq!(calls.again, 0, "two records of one call: {replay}");
        let recorded: BTreeSet<String> = calls.records.keys().cloned().collect();
        assert_eq!(calls.dialled, recorded, "{replay}");
        conversations_go_on(&plain, &calls, &replay);
        phases.extend(calls.stood.into_iter().map(|(_, phase)| phase));
    }
    phases
}

fn steps() -> u64 {
    let (report, calls) = once(&scenario(), SEED, None);
    sound(&report);
    let missing: Vec<_> = WANTED
        .iter()
        .filter(|what| !calls.happened.contains(*what))
        .collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
    assert_eq!(calls.dialled.len(), calls.records.len());
    assert!(calls.records.len() >= 4, "{}", calls.records.len());
    report.steps
}

/// What a call goes through.
const PHASES: [&str; 5] = [
    "offered",
    "queued",
    "talking",
    "transferring",
    "wrapping_up",
];

// Two halves, since there are two cores.
#[test]
fn at_every_even_step() {
    let phases = every((0..=steps()).step_by(2));
    assert_eq!(phases.iter().collect::<Vec<_>>(), PHASES);
}

#[test]
fn at_every_odd_step() {
    let phases = every((0..=steps()).skip(1).step_by(2));
    assert_eq!(phases.iter().collect::<Vec<_>>(), PHASES);
}
