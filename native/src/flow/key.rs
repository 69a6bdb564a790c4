//! Five-tuples, and the index from a five-tuple to its place in the slab.

use crate::packet::{Ip, Packet};
use std::hash::{BuildHasher, RandomState};

/// What the packets of a flow have in common. The lower end comes first, whoever sent the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Key {
    pub low: Ip,
    pub high: Ip,
    pub low_port: u16,
    pub high_port: u16,
    /// Network namespace or overlay network where the addresses mean nothing outside of it, else 0.
    pub scope: u16,
    pub protocol: u8,
    pub is_ipv6: bool,
}

impl Key {
    /// What no packet has: its lower end is the higher one.
    pub const NONE: Key = Key {
        low: [u64::MAX; 2],
        high: [0; 2],
        low_port: 0,
        high_port: 0,
        scope: 0,
        protocol: 0,
        is_ipv6: false,
    };

    /// The key of a packet, and whether its source is the lower end.
    #[inline]
    pub fn of(packet: &Packet, scope: u16) -> (Key, bool) {
        let (src, dst) = ((packet.src, packet.src_port), (packet.dst, packet.dst_port));
        let forward = src <= dst;
        let (low, high) = if forward { (src, dst) } else { (dst, src) };
        let key = Key {
            low: low.0,
            high: high.0,
            low_port: low.1,
            high_port: high.1,
            scope,
            protocol: packet.protocol,
            is_ipv6: packet.is_ipv6,
        };
        (key, forward)
    }

    #[inline]
    fn rest(&self) -> u64 {
        u64::from(self.low_port) | u64::from(self.high_port) << 16 | u64::from(self.scope) << 32 | u64::from(self.protocol) << 48
    }
}

/// A keyed hash: who sends packets cannot choose which of them collide.
#[derive(Clone, Copy)]
pub struct Seed([u64; 3]);

impl Default for Seed {
    fn default() -> Self {
        let state = RandomState::new();
        Seed([0u64, 1, 2].map(|salt| state.hash_one(salt) | 1))
    }
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

impl Seed {
    #[inline]
    pub fn hash(&self, key: &Key) -> u64 {
        let mut hash = fold(key.low[1] ^ self.0[0], key.high[1] ^ self.0[1]);
        if key.is_ipv6 {
            hash = fold(hash ^ key.low[0], self.0[2]) ^ key.high[0];
        }
        fold(hash ^ key.rest(), self.0[2])
    }

    #[inline]
    pub fn hash_words(&self, words: [u64; 3]) -> u64 {
        fold(fold(words[0] ^ self.0[0], words[1] ^ self.0[1]) ^ words[2], self.0[2])
    }
}

/// Open addressing with linear probing; an entry is half of the hash and the slot + 1, so that eight of them share a cache line.
/// The half that is kept also says where the entry belongs, so that growing and removing touch nothing but the index.
pub struct Index {
    entries: Vec<(u32, u32)>,
    used: usize,
}

impl Default for Index {
    fn default() -> Self {
        Index {
            entries: vec![(0, 0); 1024],
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

    /// The first slot that may be it, without looking at the slot itself.
    #[inline]
    pub fn guess(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The slot with this hash for which `is` holds.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.mask();
        let mut at = hash as u32 as usize & mask;
        loop {
            let (tag, slot) = self.entries[at & mask];
            if slot == 0 {
                return None;
            }
            if tag == hash as u32 && is(slot - 1) {
                return Some(slot - 1);
            }
            at += 1;
        }
    }

    /// Adds a slot that is not there.
    pub fn insert(&mut self, hash: u64, slot: u32) {
        if (self.used + 1) * 2 > self.entries.len() {
            let larger = vec![(0, 0); self.entries.len() * 2];
            for (tag, slot) in std::mem::replace(&mut self.entries, larger) {
                if slot != 0 {
                    self.put(tag, slot);
                }
            }
        }
        self.used += 1;
        self.put(hash as u32, slot + 1);
    }

    fn put(&mut self, tag: u32, entry: u32) {
        let mut at = tag as usize & self.mask();
        while self.entries[at].1 != 0 {
            at = (at + 1) & self.mask();
        }
        self.entries[at] = (tag, entry);
    }

    /// Takes a slot out and closes the hole.
    pub fn remove(&mut self, hash: u64, slot: u32) {
        let mask = self.mask();
        let mut hole = hash as u32 as usize & mask;
        while self.entries[hole].1 != slot + 1 {
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
        fn the_index_agrees_with_a_map(steps in proptest::collection::vec((any::<bool>(), 0u32..200), 0..3000)) {
            // A poor hash on purpose: long runs of neighbours.
            let hash_of = |slot: u32| u64::from(slot / 7) | u64::from(slot % 7) << 20;
            let (mut index, mut model) = (Index::default(), HashMap::new());
            for (add, slot) in steps {
                if add && !model.contains_key(&slot) {
                    index.insert(hash_of(slot), slot);
                    model.insert(slot, ());
                } else if !add && model.remove(&slot).is_some() {
                    index.remove(hash_of(slot), slot);
                }
            }
            for slot in 0..200 {
                prop_assert_eq!(index.find(hash_of(slot), |found| found == slot).is_some(), model.contains_key(&slot));
            }
        }
    }

    #[test]
    fn both_directions_have_one_key() {
        let there = Packet {
            src: [0, 9],
            dst: [0, 3],
            src_port: 1,
            dst_port: 2,
            protocol: 6,
            ..Packet::default()
        };
        let back = Packet {
            src: [0, 3],
            dst: [0, 9],
            src_port: 2,
            dst_port: 1,
            protocol: 6,
            ..Packet::default()
        };
        let (a, b) = (Key::of(&there, 0), Key::of(&back, 0));
        assert_eq!(a.0, b.0);
        assert_ne!(a.1, b.1);
    }
}
