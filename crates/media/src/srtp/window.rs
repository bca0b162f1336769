//! Which packets of a stream have been seen: replay protection (RFC 3711 §3.3.2).

/// Packets behind the newest one of which each is remembered; §3.3.2 wants 64 at least.
const SIZE: u64 = 128;

/// The newest index and the [`SIZE`] before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Above every index that was seen; 0 before the first.
    next: u64,
    /// Bit `n`: `next - 1 - n` was seen.
    seen: u128,
}

impl Window {
    /// True if this packet is neither known nor too old to tell.
    pub fn is_new(&self, index: u64) -> bool {
        match self.next.checked_sub(index + 1) {
            None => true,
            Some(behind) => behind < SIZE && self.seen >> behind & 1 == 0,
        }
    }

    /// True if this packet is newer than every one that was seen.
    pub fn is_ahead(&self, index: u64) -> bool {
        index >= self.next
    }

    /// The packet was seen.
    pub fn note(&mut self, index: u64) {
        match self.next.checked_sub(index + 1) {
            Some(behind) if behind < SIZE => self.seen |= 1 << behind,
            Some(_) => {}
            None => {
                let ahead = index + 1 - self.next;
                self.seen = if ahead < SIZE { self.seen << ahead } else { 0 } | 1;
                self.next = index + 1;
            }
        }
    }

    /// The index that a packet of this sequence number has most likely: the one next to the newest
    /// (§3.3.1, appendix A). Never below zero: what seems older than the beginning is a jump ahead.
    pub fn guess(&self, sequence: u16) -> u64 {
        let newest = self.next.saturating_sub(1);
        let step = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        newest
            .checked_add_signed(step)
            .filter(|_| self.next > 0)
            .unwrap_or(u64::from(sequence))
    }

    /// True once a packet was seen.
    pub fn is_begun(&self) -> bool {
        self.next > 0
    }

    /// How often the sequence numbers have turned over.
    pub fn turns(&self) -> u64 {
        self.next.saturating_sub(1) >> 16
    }
}
