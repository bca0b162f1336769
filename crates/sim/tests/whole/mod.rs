//! Runs of the whole simulator, and their logs read line by line.
#![allow(dead_code)]

use meishier_sim::{FaultLevel, QueueKind, RunOptions, RunReport, Scenario, run};
use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

/// A shipped scenario.
pub fn named(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|| panic!("no scenario {name}"))
}

pub fn options(seed: u64, days: u32, faults: FaultLevel) -> RunOptions {
    RunOptions {
        seed,
        days,
        faults,
        restore_at: None,
        queue: QueueKind::default(),
    }
}

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A message on the wire; as many copies of it arrive.
    Message {
        from: &'a str,
        to: &'a str,
        copies: u64,
        bytes: &'a [u8],
    },
    /// Anything else.
    Said(&'a str),
}

/// Takes one entry apart; the log hands each over in one piece. The moment is in microseconds.
pub fn entry(line: &[u8]) -> (u64, Entry<'_>) {
    let end = line.iter().position(|byte| *byte == b'\n').unwrap();
    let head = std::str::from_utf8(&line[..end]).unwrap();
    let (at, what) = head.split_once(' ').unwrap();
    let words: Vec<&str> = what.split(' ').collect();
    let at = at.parse().unwrap();
    match words.as_slice() {
        [from, ">", to, copies, length, "bytes"] => {
            let bytes = &line[end + 1..line.len() - 1];
            assert_eq!(bytes.len(), length.parse::<usize>().unwrap(), "{head}");
            let copies = copies.strip_prefix('x').unwrap().parse().unwrap();
            let message = Entry::Message {
                from,
                to,
                copies,
                bytes,
            };
            (at, message)
        }
        _ => (at, Entry::Said(what)),
    }
}

/// Something that reads a log while it is written.
pub trait Reads: 'static {
    fn read(&mut self, line: &[u8]);
}

/// The log itself.
impl Reads for Vec<u8> {
    fn read(&mut self, line: &[u8]) {
        self.extend_from_slice(line);
    }
}

struct Handed<R>(Rc<RefCell<R>>);

impl<R: Reads> Write for Handed<R> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().read(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A run, read by this reader.
pub fn play<R: Reads>(scenario: &Scenario, options: &RunOptions, reader: R) -> (RunReport, R) {
    let shared = Rc::new(RefCell::new(reader));
    let log: Box<dyn Write> = Box::new(Handed(Rc::clone(&shared)));
    let report = run(scenario, options, Some(log)).unwrap();
    (report, Rc::into_inner(shared).unwrap().into_inner())
}

/// Fails with everything that is needed to see it again.
pub fn sound(report: &RunReport) {
    if let Some(failure) = &report.failure {
        panic!("{failure}\n{}", report.replay());
    }
}
