//! What is compared: the queue as it is, and the very same queue under a lock that is held for each
//! operation.

use meishier_queue::{Ageing, PoolConfig, Queue, QueueConfig, Strategy};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;
use std::time::Duration;

use crate::hold;
use crate::sizes::{CALLERS, SEATS};

/// Something that does a queue's operations.
pub trait Contender: Sync {
    /// Does one operation.
    fn with<R>(&self, operation: impl FnOnce(&Queue) -> R) -> R;

    /// Does one operation and stops this thread inside it for `time`: holding the lock if there is
    /// one, otherwise before the atomic access number `access` of this operation, from 1. False if
    /// the operation ended before it came so far, or cannot be stopped in this build.
    fn with_stop(&self, access: u32, time: Duration, operation: impl FnOnce(&Queue)) -> bool;

    /// False if this build knows no way to stop a thread inside one of its operations.
    fn can_stop(&self) -> bool;
}

/// Which contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `Queue::new`.
    Queue,
    /// `Queue::new` under one `std::sync::Mutex`.
    StdMutex,
    /// `Queue::new` under one `parking_lot::Mutex`.
    ParkingLot,
    /// `Queue::one_lock`, the reference model.
    OneLock,
    /// A push and a pop on crossbeam's `ArrayQueue`.
    Floor,
}

impl Kind {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::StdMutex => "queue, std lock",
            Self::ParkingLot => "queue, parking_lot",
            Self::OneLock => "reference model",
            Self::Floor => "floor: ArrayQueue",
        }
    }
}

/// A queue that is called as it is.
pub struct Bare {
    queue: Queue,
    stops: bool,
}

impl Bare {
    /// The queue of the product.
    #[must_use]
    pub fn queue(shards: u16) -> Self {
        Self {
            queue: Queue::new(config(shards)),
            stops: hold::INSTALL.is_some(),
        }
    }

    /// The reference model, whose own lock nobody outside can hold.
    #[must_use]
    pub fn one_lock(shards: u16) -> Self {
        Self {
            queue: Queue::one_lock(config(shards)),
            stops: false,
        }
    }
}

impl Contender for Bare {
    fn with<R>(&self, operation: impl FnOnce(&Queue) -> R) -> R {
        operation(&self.queue)
    }

    fn with_stop(&self, access: u32, time: Duration, operation: impl FnOnce(&Queue)) -> bool {
        hold::within(hold::INSTALL, access, time, || operation(&self.queue))
    }

    fn can_stop(&self) -> bool {
        self.stops
    }
}

/// The same queue under one lock of the standard library.
pub struct UnderStd(std::sync::Mutex<Queue>);

impl UnderStd {
    /// The queue of the product, locked.
    #[must_use]
    pub fn new(shards: u16) -> Self {
        Self(std::sync::Mutex::new(Queue::new(config(shards))))
    }
}

impl Contender for UnderStd {
    fn with<R>(&self, operation: impl FnOnce(&Queue) -> R) -> R {
        operation(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_stop(&self, _: u32, time: Duration, operation: impl FnOnce(&Queue)) -> bool {
        let queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        operation(&queue);
        std::thread::sleep(time);
        true
    }

    fn can_stop(&self) -> bool {
        true
    }
}

/// The same queue under one lock of parking_lot.
pub struct UnderParkingLot(parking_lot::Mutex<Queue>);

impl UnderParkingLot {
    /// The queue of the product, locked.
    #[must_use]
    pub fn new(shards: u16) -> Self {
        Self(parking_lot::Mutex::new(Queue::new(config(shards))))
    }
}

impl Contender for UnderParkingLot {
    fn with<R>(&self, operation: impl FnOnce(&Queue) -> R) -> R {
        operation(&self.0.lock())
    }

    fn with_stop(&self, _: u32, time: Duration, operation: impl FnOnce(&Queue)) -> bool {
        let queue = self.0.lock();
        operation(&queue);
        std::thread::sleep(time);
        true
    }

    fn can_stop(&self) -> bool {
        true
    }
}

/// One pool for all. A class counts for a microsecond only, so that everybody who waits has a turn
/// soon and all slots are gone through.
fn config(shards: u16) -> QueueConfig {
    QueueConfig {
        shards,
        pools: vec![PoolConfig {
            strategy: Strategy::LongestIdle,
            lines: meishier_queue::MAX_LINES,
        }],
        seats: SEATS,
        max_callers: CALLERS,
        capacity: CALLERS,
        ageing: Ageing {
            step: Duration::from_micros(1),
        },
    }
}
