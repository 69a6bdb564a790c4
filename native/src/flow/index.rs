//! From a hash to the number of what has it: a flow's place in its slab, a pair, an end.

/// Open addressing with linear probing; an entry is half of the hash and the number + 1, so that eight of them share a cache line.
/// The half that is kept also says where the entry belongs, so that growing and removing touch nothing but the index.
pub struct Index {
    entries: Vec<(u32, u32)>,
    used: usize,
}

/// Entries that there is room for however few there are.
const ROOM: usize = 1024;

impl Default for Index {
    fn default() -> Self {
        Index {
            entries: vec![(0, 0); ROOM],
            used: 0,
        }
    }
}

impl Index {
    #[inline]
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    /// Brings the place where `hash` is looked up nearer.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        super::prefetch(&self.entries[hash as u32 as usize & self.mask()]);
    }

    /// The first number that may be it, without looking at what has it.
    #[inline]
    pub fn guess(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The number with this hash for which `is` holds.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.mask();
        let mut at = hash as u32 as usize & mask;
        loop {
            let (tag, entry) = self.entries[at & mask];
            if entry == 0 {
                return None;
            }
            if tag == hash as u32 && is(entry - 1) {
                return Some(entry - 1);
            }
            at += 1;
        }
    }

    /// Adds a number that is not there.
    pub fn insert(&mut self, hash: u64, number: u32) {
        if (self.used + 1) * 2 > self.entries.len() {
            self.resize(self.entries.len() * 2);
        }
        self.used += 1;
        self.put(hash as u32, number + 1);
    }

    #[cold]
    fn resize(&mut self, room: usize) {
        for (tag, entry) in std::mem::replace(&mut self.entries, vec![(0, 0); room]) {
            if entry != 0 {
                self.put(tag, entry);
            }
        }
    }

    /// Gives back the room that a flood needed.
    pub fn trim(&mut self) {
        if self.entries.len() > ROOM.max(8 * self.used) {
            self.resize((4 * self.used).next_power_of_two().max(ROOM));
        }
    }

    fn put(&mut self, tag: u32, entry: u32) {
        let mut at = tag as usize & self.mask();
        while self.entries[at].1 != 0 {
            at = (at + 1) & self.mask();
        }
        self.entries[at] = (tag, entry);
    }

    /// Takes a number out and closes the hole.
    pub fn remove(&mut self, hash: u64, number: u32) {
        let mask = self.mask();
        let mut hole = hash as u32 as usize & mask;
        while self.entries[hole].1 != number + 1 {
            if self.entries[hole].1 == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let (tag, other) = self.entries[at];
            if other == 0 {
                break;
            }
            let home = tag as usize & mask;
            // It may move back unless its home lies behind the hole.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = self.entries[at];
                hole = at;
            }
        }
        self.entries[hole] = (0, 0);
    }

    pub fn bytes(&self) -> usize {
        self.entries.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn the_index_agrees_with_a_map(steps in proptest::collection::vec((0u8..64, 0u32..200), 0..3000), flood in 0u32..3000) {
            // A poor hash on purpose: long runs of neighbours.
            let hash_of = |number: u32| u64::from(number / 7) | u64::from(number % 7) << 20;
            let (mut index, mut model) = (Index::default(), HashMap::new());
            (200..200 + flood).for_each(|number| index.insert(hash_of(number), number));
            (200..200 + flood).for_each(|number| index.remove(hash_of(number), number));
            let most = index.bytes();
            for (step, number) in steps {
                if step == 0 {
                    index.trim();
                    prop_assert_eq!(index.bytes(), Index::default().bytes());
                } else if step < 32 && !model.contains_key(&number) {
                    index.insert(hash_of(number), number);
                    model.insert(number, ());
                } else if step >= 32 && model.remove(&number).is_some() {
                    index.remove(hash_of(number), number);
                }
            }
            prop_assert!(index.bytes() <= most);
            for number in 0..200 {
                prop_assert_eq!(index.find(hash_of(number), |found| found == number).is_some(), model.contains_key(&number));
            }
        }
    }
}
