//! Attribute keys, recognised once.
//!
//! Rows of one sender carry the same keys in the same order, so each key remembers which one followed it last time: one
//! comparison of the raw bytes then settles key, meaning and column. Only a surprise is looked up by hash.

use super::convention::Fact;
use super::said::HOLDABLE;
use super::value::{Value, read_pair};
use super::wire::{BYTES, Broken, Reader, VARINT, tag};
use crate::column::same;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// What an attribute means for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing but itself: it is kept as text where the row keeps attributes.
    Keep,
    /// Not kept at all.
    Drop,
    /// One of OpenTelemetry's conventions that a column follows from; kept as text too. The lower rank wins.
    Fact(Fact, u8),
    /// It fills the column at that place of the layout.
    Column(u16),
    /// An address that fills one of the four address columns: 0 client, 1 server.
    Address(u8),
    /// Path or query of a URL, the two halves of `request_resource`.
    UrlPath,
    UrlQuery,
    /// A whole map column in one attribute.
    Attributes,
    Resource,
}

/// What a span of a foreign sender does with an attribute; follows from its action and label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Leave,
    Keep,
    /// Both kept and said.
    Say(Fact, u8),
    /// Said, and kept where no column turns out to hold it.
    Wait(Fact),
}

impl Plan {
    fn of(action: Action, label: u32) -> Plan {
        match action {
            _ if label == NO_LABEL => Plan::Leave,
            Action::Fact(fact, 0) if HOLDABLE >> fact as usize & 1 != 0 => Plan::Wait(fact),
            Action::Fact(fact, rank) => Plan::Say(fact, rank),
            _ => Plan::Keep,
        }
    }
}

/// A key that was seen in the open block.
pub struct Known {
    /// The key as a KeyValue message begins with it, up to and with the tag of its value.
    raw: Box<[u8]>,
    /// The first bytes of `raw`, and which of them there are, as ones.
    front: [u8; FRONT],
    mask: [u8; FRONT],
    pub action: Action,
    pub plan: Plan,
    /// Position in the dictionary of `attributes`, or `NO_LABEL`.
    pub label: u32,
    /// Which key followed it last.
    next: u32,
    /// The row that had it last: the second of two equal keys in one row is left out.
    pub row: u64,
}

pub const NO_LABEL: u32 = u32::MAX;

/// The value of a usual attribute.
pub enum Usual<'a> {
    Str(&'a [u8]),
    Int(i64),
}

/// As many bytes of a key are compared at once.
const FRONT: usize = 32;

/// How an AnyValue begins that is a string, and one that is a number.
const STR: u8 = tag(1, BYTES) as u8;
const INT: u8 = tag(3, VARINT) as u8;

/// Keys beyond this many are not remembered: no sane sender has so many, and memory is bounded.
const MAX_KNOWN: usize = 1 << 16;

/// The keys seen in the open block. Position 0 is the beginning of a row.
pub struct Keys {
    known: Vec<Known>,
    index: HashTable<u32>,
    state: RandomState,
}

impl Default for Keys {
    fn default() -> Keys {
        let start = Known::new(Box::from([0xffu8]), Action::Drop, NO_LABEL);
        Keys {
            known: vec![start],
            index: HashTable::new(),
            state: RandomState::default(),
        }
    }
}

/// How a key that was never seen gets its meaning.
pub trait Meaning {
    /// The action, and the label where the row keeps attributes; nothing where the key is not UTF-8.
    fn learn(&mut self, key: &[u8]) -> Option<(Action, u32)>;
}

impl Keys {
    /// Reads the KeyValue message that `bytes` begin with, from its length on, and that follows the key at `after`, where it is the
    /// key that followed last time and its value is a short string or number in the usual form: what nearly every attribute is.
    /// Gives where the key is known, the value, and what is behind the message.
    #[inline(always)]
    pub fn usual<'a>(&mut self, after: u32, bytes: &'a [u8]) -> Option<(u32, &mut Known, Usual<'a>, &'a [u8])> {
        let guess = self.known[after as usize].next;
        let known = &mut self.known[guess as usize];
        let raw = &*known.raw;
        let (&length, pair) = bytes.split_first()?;
        let (key, value) = pair.split_at_checked(raw.len())?;
        let alike = match pair.first_chunk::<FRONT>() {
            Some(front) => begins(front, &known.front, &known.mask) && (raw.len() <= FRONT || key[FRONT..] == raw[FRONT..]),
            None => same(key, raw),
        };
        if !alike {
            return None;
        }
        let (&[whole, kind, first], rest) = value.split_first_chunk::<3>()?;
        // Both lengths are a byte each, and say the same.
        if length >= 0x80 || usize::from(length) != raw.len() + 1 + usize::from(whole) {
            return None;
        }
        match (kind, whole) {
            (STR, 2..) if first == whole - 2 => {
                let (text, rest) = rest.split_at_checked(usize::from(first))?;
                Some((guess, known, Usual::Str(text), rest))
            }
            (INT, 2) if first < 0x80 => Some((guess, known, Usual::Int(i64::from(first)), rest)),
            (INT, 3) if first >= 0x80 => {
                let (&second, rest) = rest.split_first()?;
                let number = i64::from(first & 0x7f) | i64::from(second) << 7;
                (second < 0x80).then_some((guess, known, Usual::Int(number), rest))
            }
            _ => None,
        }
    }

    /// Reads one KeyValue message that follows the key at `after`: where the key is known now, and the value.
    /// Position 0 says that the key is not UTF-8.
    pub fn read<'a>(&mut self, after: u32, mut pair: Reader<'a>, meaning: &mut impl Meaning) -> Result<(u32, Value<'a>), Broken> {
        let guess = self.known[after as usize].next;
        let raw = &self.known[guess as usize].raw;
        if starts_with(pair.rest(), raw) {
            let whole = pair;
            pair.at += raw.len();
            let value = Value::read(pair.message()?)?;
            if pair.is_done() {
                return Ok((guess, value));
            }
            pair = whole;
        }
        self.surprise(after, pair, meaning)
    }

    #[inline(never)]
    fn surprise<'a>(&mut self, after: u32, pair: Reader<'a>, meaning: &mut impl Meaning) -> Result<(u32, Value<'a>), Broken> {
        let (key, value) = read_pair(pair)?;
        let at = self.find(key, meaning);
        if at != 0 && at as usize <= MAX_KNOWN {
            self.known[after as usize].next = at;
        }
        Ok((at, value))
    }

    fn find(&mut self, key: &[u8], meaning: &mut impl Meaning) -> u32 {
        let hash = self.state.hash_one(key);
        if let Some(found) = self.index.find(hash, |&at| self.known[at as usize].key() == key) {
            return *found;
        }
        let Some((action, label)) = meaning.learn(key) else { return 0 };
        let known = Known::new(raw(key), action, label);
        if self.known.len() > MAX_KNOWN {
            // The place behind the last one serves every key that is not remembered, one after the other.
            self.known.truncate(MAX_KNOWN + 1);
            self.known.push(known);
            return self.known.len() as u32 - 1;
        }
        let at = self.known.len() as u32;
        self.known.push(known);
        let (known, state) = (&self.known, &self.state);
        self.index.insert_unique(hash, at, |&at| state.hash_one(known[at as usize].key()));
        at
    }

    #[inline(always)]
    pub fn get(&mut self, at: u32) -> &mut Known {
        &mut self.known[at as usize]
    }
}

/// Whether `bytes` are `front` where `mask` is set, `front` being 0 elsewhere; no branch depends on the length.
#[inline(always)]
fn begins(bytes: &[u8; FRONT], front: &[u8; FRONT], mask: &[u8; FRONT]) -> bool {
    let mut bytes = *bytes;
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte &= mask;
    }
    bytes == *front
}

impl Known {
    fn new(raw: Box<[u8]>, action: Action, label: u32) -> Known {
        let (mut front, mut mask) = ([0; FRONT], [0; FRONT]);
        let length = raw.len().min(FRONT);
        front[..length].copy_from_slice(&raw[..length]);
        mask[..length].fill(0xff);
        Known {
            raw,
            front,
            mask,
            action,
            plan: Plan::of(action, label),
            label,
            next: 0,
            row: 0,
        }
    }

    fn key(&self) -> &[u8] {
        let mut reader = Reader::new(&self.raw);
        let _tag = reader.tag();
        reader.bytes().unwrap_or_default()
    }
}

fn raw(key: &[u8]) -> Box<[u8]> {
    let mut raw = vec![tag(1, BYTES) as u8];
    let mut length = key.len();
    while length >= 0x80 {
        raw.push(length as u8 | 0x80);
        length >>= 7;
    }
    raw.push(length as u8);
    raw.extend_from_slice(key);
    raw.push(tag(2, BYTES) as u8);
    raw.into()
}

/// `bytes.starts_with(prefix)`, quick for prefixes of the usual length.
#[inline(always)]
fn starts_with(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|bytes| same(bytes, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_compare_as_bytes_do(a in proptest::collection::vec(0u8..2, 0..40), b in proptest::collection::vec(0u8..2, 0..40)) {
            prop_assert_eq!(starts_with(&a, &b), a.starts_with(&b));
            let mut longer = b.clone();
            longer.extend_from_slice(&a);
            prop_assert!(starts_with(&longer, &b));
        }
    }
}
