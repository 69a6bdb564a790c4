//! Strings that repeat.

use super::{Rows, Text};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// `a == b` without a call for the lengths that keys and labels have: two words that overlap cover all bytes.
#[inline(always)]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        16..=32 => a.first_chunk::<16>() == b.first_chunk() && a.last_chunk::<16>() == b.last_chunk(),
        8..16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        33..=64 => a.first_chunk::<32>() == b.first_chunk() && a.last_chunk::<32>() == b.last_chunk(),
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        1..4 => a[0] == b[0] && a[a.len() / 2] == b[a.len() / 2] && a[a.len() - 1] == b[a.len() - 1],
        0 => true,
        _ => a == b,
    }
}

/// Strings that repeat: each distinct one is kept once (`dict`), a row keeps its position. Position 0 is the empty string.
#[derive(Clone)]
pub struct Label {
    pub dict: Text,
    pub keys: Vec<u32>,
    seen: HashTable<u32>,
    /// Random for each run: nobody outside can prepare labels that collide.
    state: RandomState,
    /// Labels given lately, by `slot`: most rows repeat one of few.
    recent: Box<[Recent; SLOTS]>,
    /// Words of the program given lately: where they stand, their length and their position, by `place`.
    words: [(usize, usize, u32); WORDS],
}

const WORDS: usize = 4;

/// A label in the dictionary: its position, and where its bytes are.
#[derive(Clone, Copy, Default)]
struct Recent {
    key: u32,
    start: u32,
    end: u32,
}

const SLOTS: usize = 64;

/// A place among the recent labels, from the ends of the label: cheap, and enough to keep a column's usual values apart.
#[inline(always)]
fn slot(value: &[u8]) -> usize {
    let word = match (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23),
        _ => match (value.first_chunk::<4>(), value.last_chunk::<4>()) {
            (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)),
            _ => value.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        },
    };
    ((word ^ value.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize
}

impl Default for Label {
    fn default() -> Self {
        let mut dict = Text::default();
        dict.set(0, "");
        Label {
            dict,
            keys: Vec::new(),
            seen: HashTable::new(),
            state: RandomState::default(),
            recent: Box::new([Recent::default(); SLOTS]),
            words: [(0, 0, 0); WORDS],
        }
    }
}

impl Label {
    /// The position of `value` in the dictionary, added where it is new.
    #[inline]
    pub fn intern(&mut self, value: &str) -> u32 {
        let slot = slot(value.as_bytes());
        if let Some(key) = self.recent(slot, value.as_bytes()) {
            return key;
        }
        let key = self.intern_slow(value);
        self.remember(slot, key);
        key
    }

    #[inline(always)]
    fn recent(&self, slot: usize, value: &[u8]) -> Option<u32> {
        let recent = &self.recent[slot];
        same(&self.dict.bytes()[recent.start as usize..recent.end as usize], value).then_some(recent.key)
    }

    #[inline]
    fn remember(&mut self, slot: usize, key: u32) {
        let ends = self.dict.ends();
        let start = if key == 0 { 0 } else { ends[key as usize - 1] };
        let end = ends[key as usize];
        self.recent[slot] = Recent { key, start, end };
    }

    /// As `intern`, for bytes that may not be UTF-8: nothing where they are not. What is known already needs no proof.
    #[inline]
    pub fn intern_bytes(&mut self, value: &[u8]) -> Option<u32> {
        let slot = slot(value);
        if let Some(key) = self.recent(slot, value) {
            return Some(key);
        }
        let key = match self.find(value) {
            Some(known) => known,
            None => self.intern_slow(std::str::from_utf8(value).ok()?),
        };
        self.remember(slot, key);
        Some(key)
    }

    fn find(&self, value: &[u8]) -> Option<u32> {
        let hash = self.state.hash_one(value);
        self.seen
            .find(hash, |&key| same(self.dict.get(key as usize).as_bytes(), value))
            .copied()
    }

    #[inline(never)]
    fn intern_slow(&mut self, value: &str) -> u32 {
        if value.is_empty() {
            return 0;
        }
        let value = value.as_bytes();
        if let Some(known) = self.find(value) {
            return known;
        }
        let key = self.dict.len() as u32;
        // SAFETY: `value` was a `&str` two lines ago.
        unsafe { self.dict.push_unproven(value) };
        let (dict, state) = (&self.dict, &self.state);
        self.seen
            .insert_unique(state.hash_one(value), key, |&key| state.hash_one(dict.get(key as usize).as_bytes()));
        key
    }

    /// Puts `value` into `row`; rows between the last one and this one become the empty string.
    #[inline]
    pub fn set(&mut self, row: usize, value: &str) {
        let key = self.intern(value);
        self.set_key(row, key);
    }

    /// As `set` for a word of the program, which is known by where it stands.
    #[inline]
    pub fn set_word(&mut self, row: usize, word: &'static str) {
        let address = word.as_ptr() as usize;
        let place = (address ^ address >> 4) % WORDS;
        let (known, length, key) = self.words[place];
        if (known, length) == (address, word.len()) {
            return self.set_key(row, key);
        }
        let key = self.intern(word);
        self.words[place] = (address, word.len(), key);
        self.set_key(row, key);
    }

    /// As `set_each` for words of the program.
    pub fn set_words(&mut self, row: usize, words: impl Iterator<Item = &'static str>) {
        let (mut last, mut key) = ("", 0);
        for (row, word) in (row..).zip(words) {
            if std::ptr::eq(word, last) {
                self.set_key(row, key);
            } else {
                self.set_word(row, word);
                (last, key) = (word, self.keys[row]);
            }
        }
    }

    /// Puts a position that `intern` gave into `row`.
    #[inline]
    pub fn set_key(&mut self, row: usize, key: u32) {
        let len = self.keys.len();
        if len == row {
            self.keys.push(key);
        } else if len > row {
            self.keys[row] = key;
        } else {
            self.keys.resize(row, 0);
            self.keys.push(key);
        }
    }

    /// Puts a position that `intern` gave into all of `rows`, of which none is set yet.
    pub fn set_all(&mut self, rows: std::ops::Range<usize>, key: u32) {
        debug_assert!(self.keys.len() <= rows.start, "rows are set once");
        self.keys.resize(rows.start, 0);
        self.keys.resize(rows.end, key);
    }

    /// Puts values into the rows from `row` on, of which none is set yet. Neighbours often have the same one.
    pub fn set_each<'a>(&mut self, row: usize, values: impl Iterator<Item = &'a str>) {
        let (mut last, mut key) = ("", 0);
        for (row, value) in (row..).zip(values) {
            if value.is_empty() {
                continue;
            }
            if !same(value.as_bytes(), last.as_bytes()) {
                (last, key) = (value, self.intern(value));
            }
            self.set_key(row, key);
        }
    }

    /// The value of `row`, empty where it was never set.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        self.keys.get(row).map_or("", |key| self.dict.get(*key as usize))
    }
}

impl Rows for Label {
    fn len(&self) -> usize {
        self.keys.len()
    }
    fn truncate(&mut self, rows: usize) {
        // The dictionary keeps what a forgotten row added: unused entries are legal and rare.
        self.keys.truncate(rows);
    }
    fn fill(&mut self, rows: usize) {
        if self.keys.len() < rows {
            self.keys.resize(rows, 0);
        }
    }
    fn is_default(&self) -> bool {
        self.keys.iter().all(|key| *key == 0)
    }
    fn nbytes(&self) -> usize {
        self.dict.nbytes() + size_of_val(self.keys.as_slice())
    }
    fn hand_over(&mut self) -> Label {
        let room = Label {
            keys: Vec::with_capacity(self.keys.len()),
            ..Label::default()
        };
        std::mem::replace(self, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_a_label(rows in proptest::collection::vec(0usize..9, 0..60)) {
            // Words within words begin or end at the same place.
            const ALL: &str = "alphabet";
            let words: [&'static str; 9] = std::array::from_fn(|at| if at < 5 { &ALL[at..] } else { &ALL[..at - 4] });
            let mut label = Label::default();
            for (row, at) in rows.iter().enumerate() {
                label.set_word(row, words[*at]);
            }
            for (row, at) in rows.iter().enumerate() {
                prop_assert_eq!(label.get(row), words[*at]);
            }
        }

        #[test]
        fn same_is_equality(a in proptest::collection::vec(0u8..2, 0..40), b in proptest::collection::vec(0u8..2, 0..40)) {
            prop_assert_eq!(same(&a, &b), a == b);
            prop_assert!(same(&a, &a.clone()));
            for place in 0..a.len() {
                let mut other = a.clone();
                other[place] ^= 1;
                prop_assert!(!same(&a, &other));
            }
        }
    }
}
