//! What shards do with pools: lines, draining, rules.

use meishier_model::{LineId, Mono, PoolId};

use super::layout::{Global, PoolWord};
use super::operation::Operation;
use super::{ALL_WORK, LockFree, most_callers, step_words};
use crate::config::{MAX_LINES, QueueConfig};
use crate::defect::Defect;
use crate::matches::Wakes;
use crate::memory::Stop;
use crate::sync::Ordering;

impl LockFree {
    /// See [`crate::Queue::set_lines`].
    pub(crate) fn set_lines(&self, now: Mono, pool: PoolId, lines: u16) -> Wakes {
        let more = u16::from(self.broken.now().is(Defect::OneLineTooMany));
        let lines = lines.saturating_add(more).min(MAX_LINES);
        self.change_pool(now, pool, |operation, pool| {
            operation.set_limit(pool, lines)
        })
    }

    /// See [`crate::Queue::release_line`].
    pub(crate) fn release_line(&self, now: Mono, line: LineId) -> Wakes {
        self.change_pool(now, line.pool, |operation, pool| {
            operation.give_line(pool, line.number).map(|_| ())
        })
    }

    /// See [`crate::Queue::drain`].
    pub(crate) fn drain(&self, now: Mono, pool: PoolId, draining: bool) -> Wakes {
        self.change_pool(now, pool, |operation, pool| {
            operation.set_draining(pool, draining)
        })
    }

    /// Changes a pool; if it becomes usable by that, matches what fits through it now. A pool that
    /// was usable before has no pair left to make.
    fn change_pool(
        &self,
        now: Mono,
        pool: PoolId,
        change: impl Fn(&mut Operation<'_, '_>, u32) -> Result<(), Stop>,
    ) -> Wakes {
        let pool = u32::from(pool.0);
        if pool >= self.layout.pools {
            return Wakes::new();
        }
        // Release: whoever does the work that this leaves reads when it was left.
        self.work_since.store(now.0, Ordering::Release);
        let unmatched = self.broken.now().is(Defect::FreedLineUnmatched);
        let ((), mut wakes) = self.operate(pool as usize, now, |operation| {
            let before = operation.usable(pool)?;
            change(operation, pool)?;
            if !before && !unmatched && operation.usable(pool)? {
                operation.pool_opened(pool)?;
            }
            Ok(())
        });
        self.settle(pool as usize, &mut wakes);
        self.with_unheard(wakes)
    }

    /// See [`crate::Queue::hold_line`].
    pub(crate) fn hold_line(&self, line: LineId) -> bool {
        let pool = u32::from(line.pool.0);
        pool < self.layout.pools
            && self.operate_silently(pool as usize, Mono(0), |operation| {
                operation.hold_line(pool, line.number)
            })
    }

    /// See [`crate::Queue::heal`].
    pub(crate) fn heal(&self, now: Mono) -> Wakes {
        // Release: as in `change_pool`.
        self.work_since.store(now.0, Ordering::Release);
        let ((), mut wakes) = self.operate(0, now, |operation| {
            if operation.is_open()? {
                operation.set_global(Global::Work, ALL_WORK)?;
            }
            Ok(())
        });
        self.settle(0, &mut wakes);
        self.with_unheard(wakes)
    }

    /// See [`crate::Queue::reconfigure`].
    pub(crate) fn reconfigure(&self, config: &QueueConfig) -> bool {
        if !self.layout.is_for(config) {
            return false;
        }
        let [low, high] = step_words(config.ageing);
        self.operate_silently(0, Mono(0), |operation| {
            operation.set_global(Global::StepLow, low)?;
            operation.set_global(Global::StepHigh, high)?;
            operation.set_global(Global::MaxCallers, most_callers(config))
        });
        for (pool, rules) in (0..).zip(&config.pools) {
            self.choose_by(pool, rules.strategy as u32);
        }
        true
    }

    /// A pool chooses by another strategy: its ready seats move to their new groups one by one.
    fn choose_by(&self, pool: u32, strategy: u32) {
        let at = self.layout.pool(pool, PoolWord::Strategy);
        let changed = self.operate_silently(0, Mono(0), |operation| {
            let before = operation.get(at)?;
            operation.set(at, strategy)?;
            Ok(before != strategy)
        });
        for seat in (0..self.layout.seats).filter(|_| changed) {
            self.operate_silently(0, Mono(0), |operation| {
                if let Some(entry) = operation.ready_entry(seat)?
                    && operation.entry(entry).serves(pool).is_some()
                {
                    operation.leave_groups(entry, true)?;
                    operation.join_groups(entry)?;
                }
                Ok(())
            });
        }
    }
}
