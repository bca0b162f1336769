//! Prefixes and what they stand for, found by hashing: one look for each length that there is.
//!
//! ```text
//!   key 0851223344 ─┬─ length 7: 0851223 ─► none        lengths of all prefixes, the longest first
//!                   ├─ length 4: 0851 ────► value
//!                   └─ length 3: 085 ─────► none
//! ```

/// Bytes that a head holds: nearly every number is shorter.
const HEAD: usize = 16;

/// No entry.
const FREE: u32 = u32::MAX;

/// Prefixes of any length, the empty one among them.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes<V> {
    /// Lengths that prefixes have, the longest first; a handful.
    lengths: Vec<usize>,
    /// Entries by hash, each in the first free place from there on; at most half are taken.
    slots: Box<[u32]>,
    /// The start of each entry, side by side: all that most searches look at.
    starts: Vec<Start>,
    entries: Vec<Entry<V>>,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    prefix: Box<[u8]>,
    value: V,
}

/// A prefix as numbers, which are compared without a call; all of it up to [`HEAD`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    head: u128,
    len: usize,
}

/// A key as the search compares it: made once for a number that is looked up in several places.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    head: u128,
    bytes: &'a [u8],
}

impl<V> Default for Prefixes<V> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<V> Prefixes<V> {
    /// Takes prefixes in any order; of two that are the same the first stays.
    pub fn new(pairs: impl IntoIterator<Item = (Box<[u8]>, V)>) -> Self {
        let pairs: Vec<(Box<[u8]>, V)> = pairs.into_iter().collect();
        let mut out = Self {
            lengths: pairs.iter().map(|(prefix, _)| prefix.len()).collect(),
            slots: vec![FREE; (2 * pairs.len() + 1).next_power_of_two()].into(),
            starts: Vec::with_capacity(pairs.len()),
            entries: Vec::with_capacity(pairs.len()),
        };
        out.lengths.sort_unstable_by(|a, b| b.cmp(a));
        out.lengths.dedup();
        for (prefix, value) in pairs {
            let key = Key::new(&prefix);
            if let Err(slot) = out.search(key) {
                // A table has far fewer numbers than 32 bits count.
                out.slots[slot] = u32::try_from(out.entries.len()).unwrap_or(FREE);
                out.starts.push(key.start());
                out.entries.push(Entry { prefix, value });
            }
        }
        out
    }

    /// Every prefix of `key` with its length and value, the longest first.
    pub fn of<'a, 'k>(
        &'a self,
        key: Key<'k>,
    ) -> impl Iterator<Item = (usize, &'a V)> + use<'a, 'k, V> {
        let lengths = self.lengths.iter().copied();
        lengths.filter_map(move |len| Some((len, self.get(key.cut(len)?)?)))
    }

    /// What the whole key stands for.
    pub fn get(&self, key: Key<'_>) -> Option<&V> {
        self.search(key).ok().map(|entry| &entry.value)
    }

    /// The entry of a key, or the free slot where it would stand.
    fn search(&self, key: Key<'_>) -> Result<&Entry<V>, usize> {
        let start = key.start();
        // There are as many slots as a power of two, and half of them are free.
        let last = self.slots.len() - 1;
        let mut slot = start.hash() as usize & last;
        loop {
            let at = self.slots.get(slot).copied().unwrap_or(FREE);
            if at == FREE {
                return Err(slot);
            }
            if self.starts.get(at as usize) == Some(&start)
                && let Some(entry) = self.entries.get(at as usize)
                && (start.len <= HEAD || *entry.prefix == *key.bytes)
            {
                return Ok(entry);
            }
            slot = (slot + 1) & last;
        }
    }
}

impl Start {
    /// Both halves multiplied, the product folded. What is hashed into a table is the table's, so
    /// no caller can choose numbers that collide.
    fn hash(self) -> u64 {
        let number = self.head ^ self.len as u128;
        // Two numbers of mixed bits: a half that is zero must not make the product zero.
        let first = (number >> 64) as u64 ^ 0x9e37_79b9_7f4a_7c15;
        let second = number as u64 ^ 0xd1b5_4a32_d192_ed03;
        let product = u128::from(first) * u128::from(second);
        (product >> 64) as u64 ^ product as u64
    }
}

impl<'a> Key<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let start = &bytes[..bytes.len().min(HEAD)];
        let mut head = [0; HEAD];
        head[..start.len()].copy_from_slice(start);
        Self {
            head: u128::from_be_bytes(head),
            bytes,
        }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Its first bytes; `None` if there are not so many.
    fn cut(self, len: usize) -> Option<Self> {
        let bytes = self.bytes.get(..len)?;
        let behind = 8 * HEAD.saturating_sub(len) as u32;
        let kept = u128::MAX.checked_shl(behind).unwrap_or(0);
        Some(Self {
            head: self.head & kept,
            bytes,
        })
    }

    fn start(self) -> Start {
        Start {
            head: self.head,
            len: self.bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Prefixes};

    /// Long and short ones, ones that extend others, with and without what a hash cannot tell apart.
    #[test]
    fn every_prefix_is_found_the_longest_first() {
        let long = "utran-cell-id-3gpp-0123456789";
        let zeros = "0\0\0";
        let mut all: Vec<String> = (0..=long.len()).map(|len| long[..len].into()).collect();
        all.extend([long.replace('9', "8"), "0851".into(), "08512".into()]);
        all.extend((1..=zeros.len()).map(|len| zeros[..len].to_owned()));
        let pairs = all.iter().cloned().chain(["0851".to_owned()]).zip(0..);
        let prefixes = Prefixes::new(pairs.map(|(it, at)| (it.into_bytes().into(), at)));
        let longer = format!("{long}0");
        let others = ["", "0", "085", "08512233", "utran-cell-id-3gpp-0123456780"];
        for key in all
            .iter()
            .map(String::as_str)
            .chain([&*longer])
            .chain(others)
        {
            let mut wanted: Vec<(usize, usize)> = all
                .iter()
                .enumerate()
                .filter(|(_, it)| key.starts_with(it.as_str()))
                .map(|(at, it)| (it.len(), at))
                .collect();
            wanted.sort_by(|a, b| b.cmp(a));
            let key_of = Key::new(key.as_bytes());
            let found: Vec<_> = prefixes.of(key_of).map(|(len, at)| (len, *at)).collect();
            assert_eq!(found, wanted, "{key:?}");
            let whole = all.iter().position(|it| it == key);
            assert_eq!(prefixes.get(key_of).copied(), whole, "{key:?}");
        }
    }
}
