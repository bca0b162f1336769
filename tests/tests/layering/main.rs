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

mod rules;

use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, PackageId};
use meishier_tests::tree;
use rules::{
    EXCEPT, FOR_TESTS, LAYERS, Layer, MAY_PANIC, NOT_IN_CORE, NOT_REACHED, OF_CROSSBEAM,
    QUEUE_ONLY_IN, REACHED_BY, SCHEDULERS, VALUES,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The offences of one source: `line: word (why)`. Comments may say anything.
fn offences(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = without_comment(line);
        for (word, why) in NOT_IN_CORE.iter().filter(|(word, _)| holds(code, word)) {
            let panics = *why == VALUES && path.starts_with(MAY_PANIC);
            let mut except = EXCEPT.iter();
            if !panics && !except.any(|(place, it)| it == word && path.starts_with(place)) {
                out.push(format!("{path}:{number}: {word} ({why})"));
            }
        }
    }
    out
}

/// True if the code has the word; the name of a crate only as a whole.
fn holds(code: &str, word: &str) -> bool {
    let whole = word.ends_with("::") && word.starts_with(|c: char| c.is_ascii_lowercase());
    let within = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = code.match_indices(word);
    found.any(|(at, _)| !whole || !code[..at].ends_with(within))
}

/// The offences of one source of the queue against its own rules; `path` is below its `src`.
fn queue_offences(path: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = without_comment(line);
        for (word, places) in QUEUE_ONLY_IN {
            let allowed = places.iter().any(|place| path.starts_with(place));
            if code.contains(word) && !allowed {
                out.push(format!("{path}:{number}: {word}"));
            }
        }
        if code.contains("crossbeam") && code.trim() != OF_CROSSBEAM {
            out.push(format!("{path}:{number}: {code}"));
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

/// True for a dependency that comes with `--cfg loom` only.
fn under_loom(target: Option<&Platform>) -> bool {
    target.is_some_and(|target| target.to_string() == "cfg(loom)")
}

/// Each package and those that it is built with, in the product: dependencies of tests, of build
/// scripts and those under loom apart. Optional ones count if a feature that is on asks for them.
fn built_with(metadata: &Metadata) -> BTreeMap<&PackageId, Vec<&PackageId>> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let below = nodes.iter().map(|node| {
        let normal = node.deps.iter().filter(|dep| {
            dep.dep_kinds.iter().any(|kind| {
                kind.kind == DependencyKind::Normal && !under_loom(kind.target.as_ref())
            })
        });
        (&node.id, normal.map(|dep| &dep.pkg).collect())
    });
    below.collect()
}

/// What package `start` is built with, however far down: by whom, and what.
fn reached<'a>(metadata: &'a Metadata, start: &str) -> Vec<(&'a str, &'a str)> {
    let below = built_with(metadata);
    let packages = metadata.packages.iter();
    let names: BTreeMap<&PackageId, &str> = packages.map(|p| (&p.id, p.name.as_str())).collect();
    let start = names.iter().find(|(_, name)| **name == start);
    let start = *start.unwrap().0;
    let (mut open, mut seen, mut out) = (vec![start], vec![start], Vec::new());
    while let Some(id) = open.pop() {
        for next in &below[id] {
            out.push((names[id], names[next]));
            if !seen.contains(next) {
                seen.push(next);
                open.push(next);
            }
        }
    }
    out
}

fn short(name: &str) -> &str {
    name.strip_prefix("meishier-").unwrap_or(name)
}

/// True for a dependency that the product is not built with: of tests, loom under its own cfg, shuttle
/// where a feature must ask for it.
fn for_tests(dependency: &Dependency) -> bool {
    dependency.kind == DependencyKind::Development
        || (dependency.name == "loom" && under_loom(dependency.target.as_ref()))
        || (dependency.name == "shuttle" && dependency.optional)
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
            let tops = [
                "meishier",
                "meishier-tests",
                "meishier-benches",
                "meishier-queue-bench",
                "meishier-routing-bench",
                "xtask",
            ];
            assert!(
                tops.contains(&package.name.as_str()),
                "{} has no layer",
                package.name
            );
            continue;
        };
        let dependencies = package.dependencies.iter();
        let dependencies: Vec<(String, bool)> = dependencies
            .map(|d| (d.name.clone(), for_tests(d)))
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
    for Layer(name, ..) in core() {
        for (by, found) in reached(&metadata, &format!("meishier-{name}")) {
            assert!(
                !NOT_REACHED.contains(&found) || (by, found) == REACHED_BY,
                "{name} reaches {found} through {by}"
            );
        }
    }
}

#[test]
fn the_product_is_built_without_schedulers() {
    let metadata = metadata();
    let layers = LAYERS.iter().map(|layer| format!("meishier-{}", layer.0));
    for name in layers.chain(["meishier".to_owned()]) {
        let all = reached(&metadata, &name);
        let found = all.iter().find(|(_, it)| SCHEDULERS.contains(it));
        assert_eq!(found, None, "{name}");
    }
    // A search that finds nothing at all would find no scheduler either.
    assert!(reached(&metadata, "meishier").contains(&REACHED_BY));
    let mut packages = metadata.packages.iter();
    assert!(packages.any(|p| *p.name == "loom"), "for the tests");
}

/// The bench of the queue plays on its interface; of ours it needs nothing else.
#[test]
fn the_queue_bench_uses_the_queue_alone() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let bench = packages.iter().find(|p| *p.name == "meishier-queue-bench");
    let dependencies = bench.unwrap().dependencies.iter();
    let ours: Vec<&str> = dependencies
        .map(|it| it.name.as_str())
        .filter(|name| name.starts_with("meishier"))
        .collect();
    assert_eq!(ours, ["meishier-model", "meishier-queue"]);
}

#[test]
fn the_queue_has_no_lock_but_in_its_reference_model() {
    let src = tree::root().join("crates/queue/src");
    let mut out = Vec::new();
    for file in tree::files(&src, ".rs") {
        let below = file.strip_prefix(&src).unwrap().to_string_lossy();
        out.extend(queue_offences(&below, &fs::read_to_string(&file).unwrap()));
    }
    assert!(out.is_empty(), "\n{}", out.join("\n"));
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    assert!(
        lib.contains("#[cfg(feature = \"hold\")]\npub mod hold;"),
        "the hook is there with its feature only"
    );
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

/// Deliberate defects, hooks and schedulers are compiled for the tests alone.
#[test]
fn nothing_switches_on_what_is_for_tests() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    for (feature, holders) in FOR_TESTS {
        let leads = |enabled: &String| enabled.rsplit(['/', ':']).next() == Some(*feature);
        for package in &packages {
            let name = short(&package.name);
            let own = package.features.contains_key(*feature);
            assert_eq!(own, holders.contains(&name), "{name} and {feature}");
            let mut others = package.features.iter().filter(|(it, _)| it != feature);
            assert!(!others.any(|(_, all)| all.iter().any(leads)), "{name}");
            let mut all = package.dependencies.iter();
            assert!(!all.any(|it| it.features.iter().any(leads)), "{name}");
        }
        let nodes = &metadata.resolve.as_ref().unwrap().nodes;
        let ours = |id: &PackageId| packages.iter().any(|package| package.id == *id);
        let mut ours = nodes.iter().filter(|node| ours(&node.id));
        let on = ours.find(|node| node.features.iter().any(|f| **f == *feature));
        assert!(on.is_none(), "{feature}: {:?}", on.map(|node| &node.id));
    }
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
    assert_eq!(offences("crates/queue/src/one_lock/mod.rs", lock).len(), 0);
    assert_eq!(offences("crates/queue/src/lanes.rs", lock).len(), 1);
    let map = "use std::collections::HashMap;";
    assert_eq!(offences("crates/queue/src/one_lock/mod.rs", map).len(), 1);
    let own = "thread_local! {";
    assert_eq!(offences("crates/queue/src/hold.rs", own).len(), 0);
    assert_eq!(offences("crates/queue/src/pace.rs", own).len(), 1);
    assert_eq!(offences("x.rs", "use super::strand::Key;").len(), 0);
    for random in [
        "let a = rand::rng();",
        "use ::rand::Rng;",
        "fastrand::u8(..)",
    ] {
        assert_eq!(offences("x.rs", random).len(), 1, "{random}");
    }

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
    assert_eq!(with("crossbeam", false), 1);
    assert_eq!(with("loom", false), 1);
    let phones = LAYERS.iter().find(|l| l.0 == "phones").unwrap();
    assert_eq!(
        breaches(phones, &[("meishier-signaling".to_owned(), false)]).len(),
        1
    );
    assert_eq!(breaches(phones, &[("tokio".to_owned(), false)]).len(), 0);
}

#[test]
fn the_checks_of_the_queue_can_fail() {
    let count = |path: &str, line: &str| queue_offences(path, line).len();
    assert_eq!(count("one_lock/mod.rs", "use std::sync::Mutex;"), 0);
    assert_eq!(count("lock_free/mod.rs", "lock: Mutex<u8>,"), 1);
    assert_eq!(count("defect.rs", "lock: std::sync::Mutex<u8>,"), 1);
    assert_eq!(count("memory/one_lock/mod.rs", "RwLock::new(0)"), 1);
    assert_eq!(count("sync.rs", "use std::sync::atomic as imp;"), 0);
    assert_eq!(count("sync.rs", "use std::sync::atomic::AtomicU8;"), 0);
    assert_eq!(count("pace.rs", "use std::sync::atomic::AtomicU8;"), 1);
    assert_eq!(count("pace.rs", "use loom::sync::atomic as imp;"), 1);
    assert_eq!(count("pace.rs", OF_CROSSBEAM), 0);
    assert_eq!(count("pace.rs", "    // crossbeam's queues wait"), 0);
    for other in [
        "use crossbeam::queue::ArrayQueue;",
        "use crossbeam::utils::{Backoff, CachePadded};",
        "let a = crossbeam::epoch::pin();",
        "use crossbeam::utils::CachePadded; use crossbeam::channel;",
    ] {
        assert_eq!(count("pace.rs", other), 1, "{other}");
    }

    let loom: Platform = "cfg(loom)".parse().unwrap();
    let unix: Platform = "cfg(unix)".parse().unwrap();
    assert!(under_loom(Some(&loom)) && !under_loom(Some(&unix)) && !under_loom(None));
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let queue = packages
        .iter()
        .find(|p| *p.name == "meishier-queue")
        .unwrap();
    let named = |name: &str| {
        let mut all = queue.dependencies.iter();
        all.find(|it| it.name == name).unwrap().clone()
    };
    assert!(for_tests(&named("loom")) && for_tests(&named("shuttle")));
    let mut always = named("loom");
    always.target = None;
    let mut wanted = named("shuttle");
    wanted.optional = false;
    assert!(!for_tests(&always) && !for_tests(&wanted));
    assert!(!for_tests(&named("crossbeam")));
}
