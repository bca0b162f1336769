//! The judge of one run: keeps the books, asks each invariant, gives out the first that is broken.

use super::seen::{Inspection, Seen};
use super::table::{Invariant, Violation};
use super::{
    baseline, claims, dialogs, fit, leg_over, lines, notices, one_offer, one_place, order,
    overtaken, record, replies, rings, risk, sip, stranded, transfer,
};
use crate::reference::Books;
use crate::reference::sip::Sip;
use meishier_engine::Notice;
use meishier_model::Now;
use std::net::SocketAddr;

/// Keeps the books of a run and judges after every step.
#[derive(Debug)]
pub struct Checker {
    books: Books,
    found: Option<Violation>,
    watch: stranded::Watch,
    waits: claims::Watch,
}

impl Checker {
    /// A judge for an engine that starts now with this configuration (the file's text) and sends
    /// from this address.
    #[must_use]
    pub fn new(config_toml: &str, _engine: SocketAddr, now: Now) -> Self {
        let books = Books::new(config_toml, now);
        let found = books.plan.broken.clone().map(|why| Violation {
            invariant: Invariant::Baseline,
            call: None,
            what: format!("the judges cannot read the configuration: {why}"),
        });
        Self {
            books,
            found,
            watch: stranded::Watch::default(),
            waits: claims::Watch::default(),
        }
    }

    /// The version of the table that records are to name, where the judges read another file than the
    /// engine so that something else can be seen to fail.
    pub fn name_table(&mut self, version: &str) {
        version.clone_into(&mut self.books.plan.hash);
    }

    /// Takes note of something.
    pub fn see(&mut self, now: Now, seen: &Seen<'_>) {
        if let Seen::Out { to, bytes, .. } = seen {
            return self.sent(now, *to, bytes);
        }
        if self.found.is_none() {
            self.found = self.at_once(now, seen).err();
        }
        self.books.see(now, seen);
    }

    fn sent(&mut self, now: Now, to: SocketAddr, bytes: &[u8]) {
        match sip::read(bytes) {
            Ok(message) => {
                if self.found.is_none() {
                    self.found = self.judge_sent(now, &message).err();
                }
                self.books.left(now, to, &message);
            }
            Err(violation) => {
                self.found.get_or_insert(violation);
            }
        }
    }

    /// What is judged by the books as they were before.
    fn at_once(&self, now: Now, seen: &Seen<'_>) -> Result<(), Violation> {
        let books = &self.books;
        match seen {
            Seen::Notice { notice, .. } => {
                if let Notice::Offered { call, seat, .. } = notice {
                    one_offer::offered(books, now, *call, seat.0)?;
                }
                if let Notice::SecondOffered { call, third, seat } = notice {
                    one_offer::second_offered(books, now, (*call, third.0), seat.0)?;
                }
                baseline::paused_by_engine(books, notice)?;
                stranded::told(books, notice)?;
                claims::told(books, notice)?;
                risk::kept_outside(books, notice)?;
                transfer::told(books, now, notice)?;
                notices::check(books, now, notice)
            }
            Seen::Record(record) => {
                record::check(books, now, record)?;
                claims::recorded(books, record)?;
                risk::recorded(books, now, record)?;
                transfer::recorded(books, record)
            }
            Seen::Reply { token, reply } => {
                claims::replied(books, *token, reply)?;
                transfer::replied(books, *token, reply)?;
                replies::check(books, *token, reply)
            }
            _ => Ok(()),
        }
    }

    fn judge_sent(&self, now: Now, message: &Sip<'_>) -> Result<(), Violation> {
        let books = &self.books;
        sip::sound(message)?;
        sip::in_dialog(books, message)?;
        sip::one_final(books, now, message)?;
        sip::answered_once(books, message)?;
        dialogs::acknowledged(books, message)?;
        dialogs::hung_up(books, now, message)?;
        one_offer::rung(books, message)?;
        claims::refused(books, message)?;
        risk::refused(books, message)
    }

    /// Judges what happened since the last time.
    ///
    /// # Errors
    /// The first promise found broken; every later call gives the same one.
    pub fn after_step(&mut self, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
        self.books.settle(now, look);
        if self.found.is_none() {
            self.found = self.judge(now, look).err();
        }
        self.books.next_step(now);
        self.found.clone().map_or(Ok(()), Err)
    }

    fn judge(&mut self, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
        one_place::check(&self.books, now, look)?;
        one_offer::check(&self.books, now, look)?;
        self.waits.check(&self.books, now, look)?;
        order::check(&self.books)?;
        overtaken::count(&mut self.books)?;
        overtaken::limits(&self.books, now, look)?;
        fit::check(&self.books, now)?;
        risk::room(&self.books, look)?;
        transfer::check(&self.books, now, look)?;
        lines::check(&self.books, look)?;
        leg_over::check(&self.books, now)?;
        sip::acknowledged(&mut self.books, now)?;
        dialogs::all_acknowledged(&mut self.books, now)?;
        dialogs::refreshed(&mut self.books, now)?;
        rings::check(&mut self.books, now)?;
        replies::overdue(&self.books, now)?;
        self.watch.check(&self.books, now, look)
    }

    /// No new faults from now on.
    pub fn faults_over(&mut self, now: Now) {
        self.books.calm = Some(now.mono);
    }

    /// Judges an engine that has had time to finish everything: no caller is there, nobody rings,
    /// and 40 s have passed since the last message of a call. To be asked after
    /// [`Self::after_step`].
    ///
    /// # Errors
    /// The first promise found broken.
    pub fn at_rest(&mut self, now: Now, look: &Inspection<'_>) -> Result<(), Violation> {
        if let Some(found) = &self.found {
            return Err(found.clone());
        }
        let judged = baseline::at_rest(&self.books, now, look);
        self.found = judged.clone().err();
        judged
    }

    /// What the judges know, for reports.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }
}
