//! The far ends, the people and the judges share no code with the engine: they use its data types
//! at its border, and nothing that decides. Read from the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// A part of the simulator and the words of each crate of ours that it may use. Words of `model`
/// are everybody's: moments, identifiers, and what a record is made of.
struct Part {
    folder: &'static str,
    uses: &'static [(&'static str, &'static [&'static str])],
}

const PARTS: &[Part] = &[
    Part {
        folder: "peer",
        uses: &[],
    },
    Part {
        folder: "people",
        uses: &[],
    },
    Part {
        folder: "traffic",
        uses: &[],
    },
    Part {
        folder: "scenario",
        uses: &[],
    },
    Part {
        folder: "reference",
        uses: &[(
            "engine",
            &[
                "Asks",
                "Command",
                "Manner",
                "Mode",
                "Notice",
                "Phase",
                "Refusal",
                "Reply",
                "SeatChange",
                "SeatState",
                "ThirdWish",
                "TransferStep",
                "Who",
            ],
        )],
    },
    Part {
        folder: "invariants",
        uses: &[
            (
                "engine",
                &[
                    "Asks",
                    "CallBackResult",
                    "CallStanding",
                    "Command",
                    "Notice",
                    "Phase",
                    "Reply",
                    "SeatStanding",
                    "SeatState",
                    "Shard",
                ],
            ),
            ("media", &["MediaCommand", "MediaEvent"]),
            ("queue", &["Queue", "WaitingView"]),
            ("signaling", &["BindingChange"]),
        ],
    },
    Part {
        folder: "stream",
        uses: &[
            ("engine", &["Phase"]),
            (
                "media",
                &[
                    "Accept",
                    "Codec",
                    "MediaCommand",
                    "MediaEvent",
                    "Negotiated",
                    "Source",
                ],
            ),
        ],
    },
    Part {
        folder: "wire",
        uses: &[],
    },
    Part {
        folder: "dice",
        uses: &[],
    },
];

/// What judges may ask a shard or the queue: where things stand, never what ought to happen.
const MAY_ASK: &[&str] = &[
    "call_standings",
    "called_in",
    "counts",
    "gauges",
    "id",
    "idle",
    "numbers_known",
    "ports",
    "requests",
    "seat_standing",
    "seat_standings",
    "standing_timers",
    "waiting_list",
];

/// Other parts of the simulator that drive the engine; the parts above must not lean on them. Seen
/// at the border is what the invariants take in.
const DRIVERS: &[&str] = &["crate::rig", "crate::world", "crate::run", "crate::defect"];

fn sources(part: &Part) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join(format!("{}.rs", part.folder))];
    let mut open = vec![src.join(part.folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// The text without comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every word that is taken out of a crate of ours: `engine`, `Phase`. A path goes as far as its
/// first word; of a group, each.
fn words(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in code.split("meishier_").skip(1) {
        let name = |c: char| c.is_alphanumeric() || c == '_';
        let end = part.find(|c| !name(c)).unwrap_or(part.len());
        let (krate, rest) = part.split_at(end);
        let Some(rest) = rest.strip_prefix("::") else {
            found.push((krate.to_owned(), "*".to_owned()));
            continue;
        };
        let list = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap(),
            None => &rest[..rest.find(|c| !name(c)).unwrap_or(rest.len())],
        };
        // `*` names everything, and so does what is neither a word nor a group of words.
        let list = if list.is_empty() { "*" } else { list };
        let list = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        found.extend(list.map(|word| (krate.to_owned(), word.to_owned())));
    }
    found
}

fn offences(part: &Part, text: &str) -> Vec<String> {
    let code = code(text);
    let mut out = Vec::new();
    for (krate, word) in words(&code) {
        let allowed = part.uses.iter().find(|(of, _)| *of == krate);
        let allowed = allowed.is_some_and(|(_, words)| words.contains(&word.as_str()));
        if krate != "model" && !allowed {
            out.push(format!("{krate}::{word}"));
        }
    }
    for driver in DRIVERS {
        if code.contains(driver) {
            out.push((*driver).to_owned());
        }
    }
    for receiver in ["shard.", "queue."] {
        for part in code.split(receiver).skip(1) {
            let end = part.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let (method, rest) = part.split_at(end.unwrap_or(part.len()));
            // Adaptors of an option of a shard are not the shard's.
            let of_option = ["and_then", "map", "is_some_and", "get"].contains(&method);
            if rest.starts_with('(') && !of_option && !MAY_ASK.contains(&method) {
                out.push(format!("{receiver}{method}()"));
            }
        }
    }
    out
}

#[test]
fn far_ends_people_and_judges_use_the_engines_words_alone() {
    let mut out = Vec::new();
    for part in PARTS {
        let files = sources(part);
        assert!(!files.is_empty(), "{} is gone", part.folder);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let bad = offences(part, &text);
            out.extend(bad.iter().map(|what| format!("{}: {what}", file.display())));
        }
    }
    assert!(out.is_empty(), "\n{}", out.join("\n"));
}

/// What is allowed is also used: a list that is longer than need be allows what nobody thought of.
#[test]
fn nothing_is_allowed_in_vain() {
    let mut out = Vec::new();
    for part in PARTS {
        let texts = sources(part).into_iter();
        let texts = texts.map(|file| code(&fs::read_to_string(file).unwrap()));
        let used: Vec<_> = texts.flat_map(|text| words(&text)).collect();
        for (krate, allowed) in part.uses {
            for word in *allowed {
                let word = ((*krate).to_owned(), (*word).to_owned());
                if !used.contains(&word) {
                    out.push(format!("{}: {}::{}", part.folder, word.0, word.1));
                }
            }
        }
    }
    assert!(out.is_empty(), "never used:\n{}", out.join("\n"));
}

/// None of the parts reaches the engine's readers and tables by its manifest name either.
#[test]
fn the_simulator_depends_on_no_decision_of_the_engine() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let table: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let dependencies = table["dependencies"].as_table().unwrap();
    for name in ["meishier-transfer", "rsip", "sdp-types"] {
        assert!(!dependencies.contains_key(name), "{name}");
    }
    // The study asks the shipped table itself, and nothing else does.
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let study = src.join("study");
    let mut open = vec![src];
    let mut users = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if code(&fs::read_to_string(&path).unwrap()).contains("meishier_routing") {
                users += 1;
                assert!(path.starts_with(&study), "{}", path.display());
            }
        }
    }
    assert!(users > 0, "the dependency is not needed");
}

#[test]
fn the_checks_can_fail() {
    let judge = PARTS.iter().find(|it| it.folder == "invariants").unwrap();
    let peer = PARTS.iter().find(|it| it.folder == "peer").unwrap();
    for (part, text, bad) in [
        (judge, "use meishier_engine::{Notice, Phase};", 0),
        (judge, "use meishier_engine::{Notice, dispatch};", 1),
        (judge, "use meishier_engine::*;", 1),
        (judge, "use meishier_engine as engine;", 1),
        (judge, "let next = meishier_queue::order(a, b);", 1),
        (judge, "look.queue.counts(); shard.gauges();", 0),
        (judge, "look.queue.take(seat); shard.handle(now, it);", 2),
        (judge, "use meishier_engine::{api::{Phase}};", 1),
        (peer, "use meishier_model::{Mono, Now};", 0),
        (peer, "use meishier_engine::Phase;", 1),
        (peer, "use meishier_signaling::message::Message;", 1),
        (peer, "let a = crate::rig::Rig::new();", 1),
        (peer, "// as meishier_engine::Shard has it", 0),
    ] {
        assert_eq!(
            offences(part, text).len(),
            bad,
            "{text}: {:?}",
            offences(part, text)
        );
    }
}
