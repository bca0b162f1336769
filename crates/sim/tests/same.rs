//! A run follows from its seed, byte for byte, and its log covers every message.

mod whole;

use meishier_sim::{FaultLevel, QueueKind, RunOptions, run};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use whole::{Entry, Reads, entry, named, options, play, sound};

fn log(name: &str, seed: u64, days: u32, faults: FaultLevel) -> Vec<u8> {
    let (report, log) = play(&named(name), &options(seed, days, faults), Vec::new());
    let hash: String = Sha256::digest(&log)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(report.log_sha256, hash, "the hash is that of the bytes");
    log
}

/// Logs are large: where they differ is told, not what stands in them.
fn differ(one: &[u8], other: &[u8]) -> Option<usize> {
    let place = one.iter().zip(other).position(|(a, b)| a != b);
    place.or((one.len() != other.len()).then(|| one.len().min(other.len())))
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    for (name, seed, faults) in [
        ("guizhou", 3, FaultLevel::Swarm),
        ("beijing", 6, FaultLevel::Swarm),
        ("beijing", 1, FaultLevel::Light),
        ("tiny", 5, FaultLevel::Swarm),
    ] {
        let (one, other) = (log(name, seed, 1, faults), log(name, seed, 1, faults));
        assert!(one.len() > 1_000_000, "{name}: {} bytes", one.len());
        assert_eq!(differ(&one, &other), None, "{name} {seed}");
    }
}

/// The log with offers named by the order in which they appear: how a queue numbers them is its own
/// affair, as long as no two share a number.
/// Gives the log and how many there were.
fn offers_renamed(log: &[u8]) -> (Vec<u8>, usize) {
    const MARK: &[u8] = b"OfferId(";
    let mut names: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut out = Vec::with_capacity(log.len());
    let mut rest = log;
    while let Some(at) = rest.windows(MARK.len()).position(|w| w == MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let next = names.len();
        let name = *names.entry(&after[..digits]).or_insert(next);
        out.extend_from_slice(before);
        out.extend_from_slice(name.to_string().as_bytes());
        rest = &after[digits..];
    }
    out.extend_from_slice(rest);
    (out, names.len())
}

#[test]
fn both_queues_write_the_same_bytes() {
    let mut offers = 0;
    for (name, seed, faults) in [
        ("guizhou", 4, FaultLevel::None),
        ("guizhou", 5, FaultLevel::Swarm),
        ("beijing", 7, FaultLevel::Light),
        ("tiny", 8, FaultLevel::Swarm),
        ("tiny", 9, FaultLevel::Swarm),
    ] {
        let written = |queue| {
            let options = RunOptions {
                queue,
                ..options(seed, 1, faults)
            };
            let (report, log) = play(&named(name), &options, Vec::new());
            sound(&report);
            offers_renamed(&log)
        };
        let (one, other) = (written(QueueKind::LockFree), written(QueueKind::OneLock));
        assert_eq!(differ(&one.0, &other.0), None, "{name} {seed}");
        offers += one.1;
    }
    // Of one shard alone the log names none.
    assert!(offers > 100, "{offers}");
}

#[test]
fn callers_and_seats_of_the_provinces_are_on_different_shards() {
    for (name, seed) in [("guizhou", 1), ("beijing", 1)] {
        let report = run(&named(name), &options(seed, 1, FaultLevel::None), None).unwrap();
        let (all, crossed) = report.offers;
        // Among four shards three of four offers cross, give or take.
        assert!(all >= 30, "{name}: {all}");
        assert!(
            crossed * 2 > all && crossed < all,
            "{name}: {crossed} of {all}"
        );
    }
}

#[test]
fn the_log_is_the_same_whether_or_not_somebody_reads_it() {
    let options = options(2, 1, FaultLevel::Swarm);
    let (read, _) = play(&named("guizhou"), &options, Vec::new());
    let unread = run(&named("guizhou"), &options, None).unwrap();
    assert_eq!(read.log_sha256, unread.log_sha256);
    assert_eq!(read.steps, unread.steps);
}

#[test]
fn everything_else_writes_other_bytes() {
    let first = log("guizhou", 1, 1, FaultLevel::None);
    for (name, seed, faults) in [
        ("guizhou", 2, FaultLevel::None),
        ("guizhou", 1, FaultLevel::Light),
        ("guizhou", 1, FaultLevel::Swarm),
        ("beijing", 1, FaultLevel::None),
    ] {
        let other = log(name, seed, 1, faults);
        assert!(differ(&first, &other).is_some(), "{name} {seed} {faults:?}");
        // Nor do they share how they begin, as two runs of one seed of different length do.
        let most = first.len().min(other.len()) / 10;
        assert!(
            differ(&first[..most], &other[..most]).is_some(),
            "{name} {seed} {faults:?}"
        );
    }
}

/// Counts of a log by several ways of counting.
#[derive(Debug, Default)]
struct Counted {
    from_engine: u64,
    to_engine: u64,
    /// Copies that arrive at the engine less copies that it has read, by sender and length.
    unread: BTreeMap<(String, usize), i64>,
    last_sent: u64,
    last: u64,
    /// Requests without a final response, by who is to answer, Call-ID and CSeq.
    open: BTreeSet<(bool, String, String)>,
    asked: BTreeSet<(bool, String, String)>,
    /// Responses to nothing.
    stray: Vec<String>,
    answers: u64,
}

const ENGINE: &str = "127.0.0.1:5060";

fn header<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or("", |rest| rest.trim_start_matches(':').trim())
}

impl Counted {
    /// Whoever sends a request is owed a final response; an ACK is not answered.
    fn transaction(&mut self, from_engine: bool, bytes: &[u8], copies: u64) {
        let text = String::from_utf8_lossy(bytes);
        let (call, cseq) = (header(&text, "Call-ID"), header(&text, "CSeq"));
        let (call, cseq) = (call.to_owned(), cseq.to_owned());
        if let Some(status) = text.strip_prefix("SIP/2.0 ") {
            self.answers += 1;
            let key = (!from_engine, call, cseq);
            if !self.asked.contains(&key) {
                self.stray.push(format!("{key:?}"));
            }
            if !status.starts_with('1') && copies > 0 {
                self.open.remove(&key);
            }
        } else if !cseq.ends_with(" ACK") {
            let key = (from_engine, call, cseq);
            if self.asked.insert(key.clone()) {
                self.open.insert(key);
            }
        }
    }
}

impl Reads for Counted {
    fn read(&mut self, line: &[u8]) {
        let (at, entry) = entry(line);
        self.last = at;
        match entry {
            Entry::Message {
                from,
                to,
                copies,
                bytes,
            } => {
                assert!((from == ENGINE) != (to == ENGINE), "{from} {to}");
                if from == ENGINE {
                    self.from_engine += 1;
                } else {
                    self.to_engine += 1;
                    self.last_sent = at;
                    let unread = self.unread.entry((from.to_owned(), bytes.len()));
                    *unread.or_default() += copies as i64;
                }
                self.transaction(from == ENGINE, bytes, copies);
            }
            Entry::Said(what) => {
                let words: Vec<&str> = what.split(' ').collect();
                if let [_, "reads", from, length] = words.as_slice() {
                    let key = ((*from).to_owned(), length.parse().unwrap());
                    *self.unread.entry(key).or_default() -= 1;
                }
            }
        }
    }
}

fn counted(name: &str, seed: u64, faults: FaultLevel) -> Counted {
    let options = options(seed, 1, faults);
    let (report, counted) = play(&named(name), &options, Counted::default());
    sound(&report);
    let place = report.replay();
    // As the wires count what they are given, and what the engine could not give to them.
    let messages = (counted.from_engine, counted.to_engine);
    assert_eq!(report.messages, messages, "{place}");
    assert!(messages.0 > 1_000 && messages.1 > 1_000, "{messages:?}");
    // The engine reads what was sent, each copy once, and nothing else.
    let wrong: Vec<_> = counted.unread.iter().filter(|(_, n)| **n < 0).collect();
    assert!(wrong.is_empty(), "{place}: read but never sent: {wrong:?}");
    let late: i64 = counted.unread.values().sum();
    assert!(late <= 5, "{place}: {late} never arrived");
    // Nobody answers what does not stand in the log.
    assert!(counted.stray.is_empty(), "{place}: {:?}", counted.stray);
    assert!(counted.answers > 1_000, "{place}");
    counted
}

#[test]
fn the_log_covers_every_message() {
    for name in ["guizhou", "beijing", "tiny"] {
        let counted = counted(name, 4, FaultLevel::None);
        // Where nothing is lost, everybody gets an answer, and it stands in the log.
        assert!(counted.open.len() <= 2, "{name}: {:?}", counted.open);
    }
}

#[test]
fn the_log_covers_what_was_lost_or_came_twice() {
    for seed in [4, 6, 9] {
        counted("beijing", seed, FaultLevel::Swarm);
        counted("tiny", seed, FaultLevel::Swarm);
    }
}
