//! Prefixes and what they stand for: the longest one of a key in one binary search.

/// Bytes that a head holds.
const HEAD: usize = 16;

/// Prefixes, ascending. Of two neighbours in that order the later may extend the earlier, so each
/// knows the longest other one that it extends; the prefixes of a key are then one search and a
/// walk upwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefixes<V> {
    /// The head of each entry, side by side: all that most searches look at.
    heads: Vec<u128>,
    entries: Vec<Entry<V>>,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    head: u128,
    /// What does not fit into the head.
    tail: Box<[u8]>,
    len: usize,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
    value: V,
}

/// A key as the search compares it.
#[derive(Clone, Copy)]
struct Key<'a> {
    head: u128,
    tail: &'a [u8],
    len: usize,
}

impl<V> Prefixes<V> {
    /// Takes prefixes in any order; of two that are the same the first stays.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (Box<[u8]>, V)>) -> Self {
        let mut pairs: Vec<(Box<[u8]>, V)> = pairs.into_iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        let mut entries: Vec<Entry<V>> = Vec::with_capacity(pairs.len());
        for (prefix, value) in pairs {
            let key = Key::new(&prefix);
            let mut parent = entries.len().checked_sub(1);
            while let Some(entry) = parent.and_then(|at| entries.get(at)) {
                if entry.begins(key) {
                    break;
                }
                parent = entry.parent;
            }
            entries.push(Entry {
                head: key.head,
                tail: key.tail.into(),
                len: key.len,
                parent,
                value,
            });
        }
        Self {
            heads: entries.iter().map(|entry| entry.head).collect(),
            entries,
        }
    }

    /// Every prefix of `key` with its length and value, the longest first.
    pub(crate) fn of<'a, 'k>(
        &'a self,
        key: &'k [u8],
    ) -> impl Iterator<Item = (usize, &'a V)> + use<'a, 'k, V> {
        let key = Key::new(key);
        let less = self.less(key);
        let same = self.same_head(less, key);
        let same = same.take_while(|entry| entry.at_most(key)).count();
        let entry = |at: Option<usize>| at.and_then(|at| self.entries.get(at));
        let up = move |from: &&'a Entry<V>| entry(from.parent);
        std::iter::successors(entry((less + same).checked_sub(1)), up)
            .filter(move |entry| entry.begins(key))
            .map(|entry| (entry.len, &entry.value))
    }

    /// What the whole key stands for.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&V> {
        let key = Key::new(key);
        let mut same = self.same_head(self.less(key), key);
        let found = same.find(|it| it.len == key.len && *it.tail == *key.tail)?;
        Some(&found.value)
    }

    /// How many entries have a lesser head.
    fn less(&self, key: Key<'_>) -> usize {
        self.heads.partition_point(|&head| head < key.head)
    }

    /// The entries with the key's head, of which the first is at `from`. Looks at heads before it
    /// looks at entries, which lie further apart.
    fn same_head(&self, from: usize, key: Key<'_>) -> impl Iterator<Item = &Entry<V>> {
        let heads = self.heads.get(from..).unwrap_or_default();
        let same = heads.iter().zip(from..);
        let same = same.take_while(move |(head, _)| **head == key.head);
        same.filter_map(|(_, at)| self.entries.get(at))
    }

    /// What the empty prefix stands for.
    pub(crate) fn of_nothing(&self) -> Option<&V> {
        let first = self.entries.first().filter(|entry| entry.len == 0)?;
        Some(&first.value)
    }
}

impl<V> Entry<V> {
    /// True if the key begins with this prefix. Whole heads are compared, not their bytes: a call
    /// for a few bytes costs more than the search.
    fn begins(&self, key: Key<'_>) -> bool {
        let unlike = (self.head ^ key.head).leading_zeros() as usize;
        key.len >= self.len
            && unlike >= 8 * self.len.min(HEAD)
            && (self.len <= HEAD || key.tail.starts_with(&self.tail))
    }

    /// True if this prefix has the key's head and is not after the key.
    fn at_most(&self, key: Key<'_>) -> bool {
        let longer = self.len > HEAD || key.len > HEAD;
        self.head == key.head
            && if longer {
                (self.tail.as_ref(), self.len) <= (key.tail, key.len)
            } else {
                self.len <= key.len
            }
    }
}

impl<'a> Key<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (start, tail) = bytes.split_at(bytes.len().min(HEAD));
        let mut head = [0; HEAD];
        head[..start.len()].copy_from_slice(start);
        Self {
            head: u128::from_be_bytes(head),
            tail,
            len: bytes.len(),
        }
    }
}
