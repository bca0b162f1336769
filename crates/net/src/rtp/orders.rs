//! The inbox of a media thread, and the way to it.

use crate::bell::Bell;
use crate::stats::RtpSocketCounts;
use crossbeam::queue::ArrayQueue;
use meishier_engine::media::{MediaCommand, RtpTotals};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use tokio::sync::oneshot;

/// Orders that may wait; beyond them they wait at the sender.
const ORDERS: usize = 8192;

/// Something for a media thread to do.
pub(crate) enum Order {
    Media(MediaCommand),
    Report(oneshot::Sender<(RtpTotals, RtpSocketCounts)>),
    Stop,
}

/// A media thread's inbox.
pub(crate) struct Orders {
    queue: ArrayQueue<Order>,
    closed: AtomicBool,
    bell: Bell,
}

impl Orders {
    /// An empty inbox, and what wakes its thread.
    pub(super) fn new(bell: Bell) -> Self {
        Self {
            queue: ArrayQueue::new(ORDERS),
            closed: AtomicBool::new(false),
            bell,
        }
    }

    /// The thread is awake.
    pub(super) fn rise(&self) {
        self.bell.rise();
    }

    /// True if the thread may sleep: it is woken by whatever comes from now on.
    pub(super) fn lie_down(&self) -> bool {
        self.bell.lie_down(|| self.queue.is_empty())
    }

    /// The oldest order.
    pub(super) fn pop(&self) -> Option<Order> {
        self.queue.pop()
    }

    /// Hands an order over, or gives it back if too many wait or the thread has ended.
    pub(crate) fn push(&self, order: Order) -> Result<(), Order> {
        if self.is_closed() {
            return Err(order);
        }
        let pushed = self.queue.push(order);
        self.ring();
        pushed
    }

    /// Wakes the thread if it sleeps, for orders that lie in the queue.
    fn ring(&self) {
        self.bell.ring();
        // The thread may have ended between the check and the push; the fences in the bell and in
        // `close` let one of the two see the order.
        if self.closed.load(Ordering::Relaxed) {
            while self.queue.pop().is_some() {}
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The thread ends: orders are refused, those who wait for an answer hear that none comes.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        while self.queue.pop().is_some() {}
    }
}

/// One thread's way to a media thread: keeps in order what could not be taken at once. What waits
/// is bounded by the calls that are alive.
pub(crate) struct OrderOutlet {
    orders: Arc<Orders>,
    waiting: VecDeque<Order>,
    /// Something was put into the queue and the thread not woken for it yet.
    quiet: bool,
    /// As `quiet`, but it is only ports to be closed, which has time.
    patient: bool,
}

impl OrderOutlet {
    pub(crate) fn new(orders: Arc<Orders>) -> Self {
        Self {
            orders,
            waiting: VecDeque::new(),
            quiet: false,
            patient: false,
        }
    }

    /// Puts the order into the queue, or keeps it for [`Self::flush`]; true if nothing waits. The
    /// thread is woken by [`Self::ring`]: once for all orders that follow from one input, and
    /// after its messages have left.
    pub(crate) fn push(&mut self, command: MediaCommand) -> bool {
        let patient = matches!(command, MediaCommand::Close { .. });
        self.patient |= patient;
        self.quiet |= !patient;
        self.waiting.push_back(Order::Media(command));
        self.flush()
    }

    /// Wakes the thread for what was pushed, ports to be closed apart.
    pub(crate) fn ring(&mut self) {
        if self.quiet {
            self.ring_for_all();
        }
    }

    /// Wakes the thread for everything that was pushed.
    pub(crate) fn ring_for_all(&mut self) {
        if std::mem::take(&mut self.quiet) | std::mem::take(&mut self.patient) {
            self.orders.ring();
        }
    }

    /// Tries again; true if nothing waits any more.
    pub(crate) fn flush(&mut self) -> bool {
        while let Some(order) = self.waiting.pop_front() {
            if self.orders.is_closed() {
                self.waiting.clear(); // shutting down: nobody will read it
                return true;
            }
            if let Err(order) = self.orders.queue.push(order) {
                self.waiting.push_front(order);
                return false;
            }
        }
        true
    }
}
