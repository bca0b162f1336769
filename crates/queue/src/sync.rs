//! The atomics of this crate, so that the same code runs under loom, under shuttle, and under a hook
//! that holds a thread at any access.
//!
//! loom takes SeqCst accesses as AcqRel; nothing here leans on more than acquire and release, since
//! every decision is one compare-and-swap of one word.

#[cfg(loom)]
use loom::sync::atomic as imp;
#[cfg(all(not(loom), feature = "shuttle"))]
use shuttle::sync::atomic as imp;
#[cfg(all(not(loom), not(feature = "shuttle")))]
use std::sync::atomic as imp;

pub(crate) use imp::{Ordering, fence};

#[cfg(feature = "hold")]
use crate::hold::step;

#[cfg(not(feature = "hold"))]
#[inline(always)]
fn step() {}

/// Of the reads before a write loom remembers the last alone, so whoever reads a word and then writes
/// it hides from the search that another had read it before. A read-modify-write that orders nothing
/// before each access shows them all.
#[cfg(all(loom, test))]
#[derive(Debug)]
struct Shown(imp::AtomicU64);

#[cfg(all(loom, test))]
impl Shown {
    fn new() -> Self {
        Self(imp::AtomicU64::new(0))
    }

    fn step(&self) {
        self.0.fetch_or(0, Ordering::Relaxed);
        step();
    }
}

#[cfg(not(all(loom, test)))]
#[derive(Debug)]
struct Shown;

#[cfg(not(all(loom, test)))]
impl Shown {
    #[inline(always)]
    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn step(&self) {
        step();
    }
}

/// Whole operations under loom, which are too long for what each of their reads might have seen: each
/// access is a read-modify-write there, so each read sees the newest, and all interleavings are tried.
/// The memory's own tests try weak memory as well.
const NEWEST: bool = cfg!(all(loom, not(test)));

/// A figure for people, on which nothing is decided: loom need not try what each of its reads might
/// have seen.
#[cfg(loom)]
pub(crate) type Note = std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) type Note = AtomicU64;

/// An atomic word; every access passes the hook first.
#[derive(Debug)]
pub(crate) struct AtomicU64(imp::AtomicU64, Shown);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(imp::AtomicU64::new(value), Shown::new())
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.1.step();
        if NEWEST {
            return self.0.fetch_or(0, order);
        }
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.1.step();
        if NEWEST {
            self.0.swap(value, order);
        } else {
            self.0.store(value, order);
        }
    }

    /// Stores where another thread may compare and swap away what this one stored before. That swap
    /// stands right behind what it read, so this store comes after it; loom knows the order of two
    /// writes only where one happens before the other, or is a read-modify-write: it gets one.
    #[inline]
    pub(crate) fn store_after(&self, value: u64, order: Ordering) {
        if cfg!(loom) {
            self.swap(value, order);
        } else {
            self.store(value, order);
        }
    }

    #[inline]
    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.1.step();
        self.0.swap(value, order)
    }

    #[inline]
    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.1.step();
        self.0.fetch_add(value, order)
    }

    #[inline]
    pub(crate) fn fetch_or(&self, value: u64, order: Ordering) -> u64 {
        self.1.step();
        self.0.fetch_or(value, order)
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.1.step();
        self.0.compare_exchange(old, new, success, failure)
    }
}
