//! The layers of the program: who may depend on whom, and what the pure core may not touch.
//!
//! ```text
//!   meishier ─► net, console, telemetry, records, phones        sockets, clocks, threads, files
//!      │          │        │         │        │        │
//!      ▼          ▼        ▼         ▼        │        │
//!     sim ─►    engine ─► queue, routing, config, signaling, media, transfer       the pure core
//!      │          └────────────────────┬──────┴────────┘
//!      ▼                               ▼
//!    ladder                          model
//! ```

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use meishier_tests::tree;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A crate of ours, which others of ours it may use, and, if it belongs to the pure core, which
/// foreign ones. Order: nobody uses a crate that stands further down.
struct Layer(
    &'static str,
    &'static [&'static str],
    Option<&'static [&'static str]>,
);

const LAYERS: &[Layer] = &[
    Layer("model", &[], Some(&["serde"])),
    Layer("queue", &["model"], Some(&["serde", "smallvec"])),
    Layer("routing", &["model"], Some(&["jiff", "serde", "smallvec"])),
    Layer("transfer", &["model"], Some(&["serde", "smallvec"])),
    Layer(
        "signaling",
        &["model"],
        Some(&["md-5", "serde", "sha2", "smallvec", "subtle"]),
    ),
    Layer(
        "media",
        &["model"],
        Some(&[
            "audio-codec-algorithms",
            "rtp-rs",
            "sdp-types",
            "serde",
            "smallvec",
        ]),
    ),
    Layer(
        "config",
        &["model", "routing", "media", "transfer"],
        Some(&["jiff", "serde", "smallvec", "toml"]),
    ),
    Layer(
        "engine",
        &[
            "model",
            "queue",
            "routing",
            "config",
            "signaling",
            "media",
            "transfer",
        ],
        Some(&["serde", "smallvec"]),
    ),
    Layer("ladder", &[], Some(&[])),
    Layer(
        "sim",
        &[
            "model",
            "queue",
            "config",
            "signaling",
            "media",
            "engine",
            "ladder",
        ],
        Some(&["jiff", "md-5", "serde", "serde_json", "sha2", "toml"]),
    ),
    Layer("records", &["model"], None),
    Layer("phones", &["model"], None),
    Layer("telemetry", &["model", "engine"], None),
    Layer("net", &["model", "engine"], None),
    Layer("console", &["model", "engine", "records"], None),
];

/// Foreign crates that must not be reached from the core, however far down.
const NOT_REACHED: &[&str] = &[
    "async-std",
    "crossbeam",
    "dashmap",
    "getrandom",
    "mio",
    "parking_lot",
    "rand",
    "rand_core",
    "rayon",
    "rustix",
    "socket2",
    "sqlx",
    "tokio",
    "tracing",
];

/// What no source of the core may hold, and why.
const NOT_IN_CORE: &[(&str, &str)] = &[
    ("Instant::", "time is handed in"),
    ("SystemTime", "time is handed in"),
    ("std::thread", "drivers own the threads"),
    ("thread_local!", "drivers own the threads"),
    ("Mutex", "one owner, no locks"),
    ("RwLock", "one owner, no locks"),
    ("Condvar", "one owner, no locks"),
    ("mpsc", "the driver carries messages"),
    ("UdpSocket", "drivers own the sockets"),
    ("TcpStream", "drivers own the sockets"),
    ("TcpListener", "drivers own the sockets"),
    ("std::fs", "drivers own the files"),
    ("std::env", "settings are handed in"),
    ("std::process", "drivers own the process"),
    ("rand::", "randomness is handed in"),
    ("HashMap", "the order of a hash map is random"),
    ("HashSet", "the order of a hash map is random"),
    ("println!", "output is the driver's"),
    ("eprint", "output is the driver's"),
    (".unwrap()", VALUES),
    (".expect(", VALUES),
    ("panic!(", VALUES),
    ("unreachable!(", VALUES),
    ("unsafe ", "not here"),
    ("async fn", "the core is sans-IO"),
];

/// Places where a word is allowed: the queue's reference model is one lock.
const EXCEPT: &[(&str, &str)] = &[("crates/queue/src/one_lock.rs", "Mutex")];

/// Where a panic may stand: the simulator never serves a call, and its unit tests stand beside what
/// they test.
const MAY_PANIC: &str = "crates/sim/src/";
const VALUES: &str = "errors are values";

/// The offences of one source: `line: word (why)`. Comments may say anything.
fn offences(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = without_comment(line);
        for (word, why) in NOT_IN_CORE.iter().filter(|(word, _)| code.contains(word)) {
            let panics = *why == VALUES && path.starts_with(MAY_PANIC);
            if !panics && !EXCEPT.contains(&(path, *word)) {
                out.push(format!("{path}:{number}: {word} ({why})"));
            }
        }
    }
    out
}

/// The line up to `//`; one within a string is taken for a comment only after an even number of
/// quotes.
fn without_comment(line: &str) -> &str {
    let ends = line.match_indices("//").map(|(at, _)| at);
    let mut outside = ends.filter(|at| line[..*at].matches('"').count().is_multiple_of(2));
    outside.next().map_or(line, |at| &line[..at])
}

fn core() -> impl Iterator<Item = &'static Layer> {
    LAYERS.iter().filter(|layer| layer.2.is_some())
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(tree::root().join("Cargo.toml"));
    command.exec().unwrap()
}

fn short(name: &str) -> &str {
    name.strip_prefix("meishier-").unwrap_or(name)
}

/// Breaches of one crate's layer by its direct dependencies; those of tests are free, except that
/// nothing of ours may be used from above.
fn breaches(layer: &Layer, dependencies: &[(String, bool)]) -> Vec<String> {
    let Layer(name, ours, foreign) = layer;
    let mut out = Vec::new();
    for (dependency, for_tests) in dependencies {
        let own = LAYERS
            .iter()
            .position(|l| dependency.strip_prefix("meishier-") == Some(l.0));
        let above = own > LAYERS.iter().position(|l| l.0 == *name);
        let allowed = match (own, foreign) {
            (Some(_), _) if *for_tests => !above,
            (Some(at), _) => ours.contains(&LAYERS[at].0),
            (None, _) if *for_tests => true,
            (None, Some(foreign)) => foreign.contains(&dependency.as_str()),
            (None, None) => dependency != "meishier",
        };
        if !allowed {
            out.push(format!("{name} may not use {dependency}"));
        }
    }
    out
}

#[test]
fn crates_use_only_what_lies_below() {
    let metadata = metadata();
    let mut out = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(layer) = LAYERS
            .iter()
            .find(|l| package.name.as_str() == format!("meishier-{}", l.0))
        else {
            let tops = ["meishier", "meishier-tests", "meishier-benches", "xtask"];
            assert!(
                tops.contains(&package.name.as_str()),
                "{} has no layer",
                package.name
            );
            continue;
        };
        let dependencies = package.dependencies.iter();
        let dependencies: Vec<(String, bool)> = dependencies
            .map(|d| (d.name.clone(), d.kind == DependencyKind::Development))
            .collect();
        out.extend(breaches(layer, &dependencies));
    }
    assert!(out.is_empty(), "\n{}", out.join("\n"));
}

#[test]
fn tests_and_benches_share_no_code_with_the_program() {
    let metadata = metadata();
    for name in ["meishier-tests", "meishier-benches", "xtask"] {
        let packages = metadata.workspace_packages();
        let package = packages.iter().find(|p| p.name.as_str() == name).unwrap();
        for dependency in &package.dependencies {
            assert!(
                !dependency.name.starts_with("meishier"),
                "{name} uses {}",
                dependency.name
            );
        }
    }
}

#[test]
fn every_layer_is_there() {
    let metadata = metadata();
    let names: Vec<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|p| short(&p.name))
        .collect();
    for Layer(name, ..) in LAYERS {
        assert!(names.contains(name), "{name} is gone; so is its layer");
    }
}

#[test]
fn the_core_reaches_no_socket_clock_or_thread() {
    let metadata = metadata();
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|p| (&p.id, p.name.as_str()))
        .collect();
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let below: BTreeMap<&PackageId, Vec<&PackageId>> = nodes
        .iter()
        .map(|node| {
            let normal = node.deps.iter().filter(|dep| {
                dep.dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
            });
            (&node.id, normal.map(|dep| &dep.pkg).collect())
        })
        .collect();
    for Layer(name, ..) in core() {
        let own = format!("meishier-{name}");
        let start = names
            .iter()
            .find(|(_, n)| **n == own)
            .map(|(id, _)| *id)
            .unwrap();
        let (mut open, mut seen) = (vec![start], vec![start]);
        while let Some(id) = open.pop() {
            for next in &below[id] {
                let found = names[next];
                assert!(
                    !NOT_REACHED.contains(&found),
                    "{name} reaches {found} through {}",
                    names[id]
                );
                if !seen.contains(next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
    }
}

#[test]
fn the_core_is_pure() {
    let mut out = Vec::new();
    for Layer(name, ..) in core() {
        let files = tree::files(&tree::root().join("crates").join(name).join("src"), ".rs");
        assert!(!files.is_empty(), "{name} has sources");
        // A program beside a library is a driver.
        let library = |file: &PathBuf| !tree::shown(file).contains("/src/bin/");
        for file in files.into_iter().filter(library) {
            out.extend(offences(
                &tree::shown(&file),
                &fs::read_to_string(&file).unwrap(),
            ));
        }
    }
    assert!(out.is_empty(), "\n{}", out.join("\n"));
}

/// The deliberate defects of the simulator's tests are compiled for them alone.
#[test]
fn nothing_switches_deliberate_defects_on() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let holders = ["queue", "signaling", "engine", "sim"];
    for package in &packages {
        let name = short(&package.name);
        let own = package.features.contains_key("defects");
        assert_eq!(own, holders.contains(&name), "{name} and the defects");
        let mut others = package
            .features
            .iter()
            .filter(|(name, _)| *name != "defects");
        let leads = |enabled: &String| enabled.ends_with("defects");
        assert!(!others.any(|(_, all)| all.iter().any(leads)), "{name}");
        let wants = |features: &[String]| features.iter().any(leads);
        let mut all = package.dependencies.iter();
        assert!(!all.any(|dependency| wants(&dependency.features)), "{name}");
    }
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let on = nodes
        .iter()
        .find(|node| node.features.iter().any(|f| **f == "defects"));
    assert!(on.is_none(), "{:?}", on.map(|node| &node.id));
}

#[test]
fn the_checks_can_fail() {
    let bad =
        "use std::time::Instant;\nfn now() -> Instant { Instant::now() }\nlet a = b.unwrap();";
    assert_eq!(offences("crates/engine/src/bad.rs", bad).len(), 2);
    assert_eq!(offences("x.rs", "let map = HashMap::new();").len(), 1);
    assert_eq!(
        offences("x.rs", "let a = \"http://x\".len().unwrap();").len(),
        1
    );
    assert_eq!(offences("x.rs", "// never Instant::now()").len(), 0);
    let lock = "use std::sync::Mutex;";
    assert_eq!(offences("crates/queue/src/one_lock.rs", lock).len(), 0);
    assert_eq!(offences("crates/queue/src/lanes.rs", lock).len(), 1);

    let both = "let a: HashMap<u8, u8> = b.unwrap();";
    assert_eq!(offences("crates/engine/src/bad.rs", both).len(), 2);
    assert_eq!(offences("crates/sim/src/bad.rs", both).len(), 1);

    let engine = LAYERS.iter().find(|l| l.0 == "engine").unwrap();
    let with = |name: &str, for_tests| breaches(engine, &[(name.to_owned(), for_tests)]).len();
    assert_eq!(with("tokio", false), 1);
    assert_eq!(with("meishier-net", false), 1);
    assert_eq!(with("meishier-net", true), 1);
    assert_eq!(with("meishier-queue", false), 0);
    assert_eq!(with("proptest", true), 0);
    let phones = LAYERS.iter().find(|l| l.0 == "phones").unwrap();
    assert_eq!(
        breaches(phones, &[("meishier-signaling".to_owned(), false)]).len(),
        1
    );
    assert_eq!(breaches(phones, &[("tokio".to_owned(), false)]).len(), 0);
}
