//! Columns that are filled row by row and handed over whole.
//!
//! `set(row, value)` may skip rows: the gap reads as the default, and costs nothing until it is closed. A column that is never
//! set costs nothing per row, which is what makes tables of a hundred columns cheap.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// What every column can do, whatever it holds.
pub trait Rows {
    /// Rows held so far; later rows read as the default.
    fn len(&self) -> usize;
    /// Whether no row was ever set.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Forgets every row from `rows` on.
    fn truncate(&mut self, rows: usize);
    /// Appends defaults until there are `rows` rows.
    fn fill(&mut self, rows: usize);
    /// Whether every row holds the default.
    fn is_default(&self) -> bool;
    /// Hands over what it holds and starts empty, with room for as much again: blocks resemble the ones before them.
    fn hand_over(&mut self) -> Self
    where
        Self: Sized;
    /// Bytes held.
    fn nbytes(&self) -> usize;
}

/// Fixed-width values.
#[derive(Default, Debug, Clone, PartialEq)]
pub struct Num<T> {
    pub values: Vec<T>,
}

impl<T: Copy + Default> Num<T> {
    /// Puts `value` into `row`; rows between the last one and this one become the default.
    #[inline]
    pub fn set(&mut self, row: usize, value: T) {
        let len = self.values.len();
        if len == row {
            self.values.push(value);
        } else if len > row {
            self.values[row] = value;
        } else {
            self.values.resize(row, T::default());
            self.values.push(value);
        }
    }

    /// The value of `row`, the default where it was never set.
    #[inline]
    pub fn get(&self, row: usize) -> T {
        self.values.get(row).copied().unwrap_or_default()
    }
}

impl<T: Copy + Default + PartialEq> Rows for Num<T> {
    fn len(&self) -> usize {
        self.values.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
    }
    fn fill(&mut self, rows: usize) {
        if self.values.len() < rows {
            self.values.resize(rows, T::default());
        }
    }
    fn is_default(&self) -> bool {
        let default = T::default();
        self.values.iter().all(|value| *value == default)
    }
    fn nbytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }
    fn hand_over(&mut self) -> Num<T> {
        let room = Vec::with_capacity(self.values.len());
        Num {
            values: std::mem::replace(&mut self.values, room),
        }
    }
}

/// `a == b` without a call for the lengths that keys and labels have: two words that overlap cover all bytes.
#[inline(always)]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        16..=32 => a.first_chunk::<16>() == b.first_chunk() && a.last_chunk::<16>() == b.last_chunk(),
        8..16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

/// Appends `value` to `data` without a call for the lengths that values usually have.
#[inline(always)]
pub fn append(data: &mut Vec<u8>, value: &[u8]) {
    let length = value.len();
    if !(4..=32).contains(&length) {
        data.extend_from_slice(value);
        return;
    }
    data.reserve(32);
    let (from, at) = (value.as_ptr(), data.len());
    // SAFETY: 32 bytes are reserved behind `at`, and `length` is at most 32. Each branch copies two pieces of N bytes, the first N
    // and the last N of `value`, where N <= length <= 2 N: both stay inside `value` and inside the reserved bytes, and together they
    // write every byte up to the new length. `value` borrows another allocation than `data`, which is borrowed mutably.
    unsafe {
        let to = data.as_mut_ptr().add(at);
        macro_rules! halves {
            ($n:literal) => {{
                std::ptr::copy_nonoverlapping(from, to, $n);
                std::ptr::copy_nonoverlapping(from.add(length - $n), to.add(length - $n), $n);
            }};
        }
        match length {
            16.. => halves!(16),
            8.. => halves!(8),
            _ => halves!(4),
        }
        data.set_len(at + length);
    }
}

/// Strings, one after the other, with the end of each. Holds less than 4 GiB; the builder's owner keeps it far below.
#[derive(Default, Debug, Clone, PartialEq)]
pub struct Text {
    data: Vec<u8>,
    ends: Vec<u32>,
}

impl Text {
    /// Puts `value` into `row`, which must be the last row or a later one.
    #[inline]
    pub fn set(&mut self, row: usize, value: &str) {
        if self.ends.len() > row {
            debug_assert_eq!(self.ends.len(), row + 1, "only the last row of a text column can be set again");
            self.truncate(row);
        }
        self.fill(row);
        append(&mut self.data, value.as_bytes());
        self.ends.push(self.data.len() as u32);
    }

    /// Appends a value without looking whether it is UTF-8.
    ///
    /// # Safety
    /// Before anything else reads this column the caller either proves the bytes to be UTF-8 (`tail`) or takes the row back with
    /// `truncate`: everything else here relies on it.
    #[inline]
    pub unsafe fn push_unproven(&mut self, value: &[u8]) {
        append(&mut self.data, value);
        self.ends.push(self.data.len() as u32);
    }

    /// Appends empty values until `row` is the next one.
    #[inline]
    pub fn fill_row(&mut self, row: usize) {
        if self.ends.len() < row {
            self.fill(row);
        }
    }

    /// The bytes of the rows from `row` on, one after the other.
    #[inline]
    pub fn tail(&self, row: usize) -> &[u8] {
        let start = if row == 0 {
            0
        } else {
            self.ends.get(row - 1).map_or(self.data.len(), |end| *end as usize)
        };
        &self.data[start..]
    }

    /// Whether each value from `row` on is UTF-8 by itself; quick where all of it is ASCII.
    #[inline]
    pub fn tail_is_utf8(&self, row: usize) -> bool {
        self.tail(row).is_ascii() || (row..self.ends.len()).all(|row| std::str::from_utf8(self.raw(row)).is_ok())
    }

    fn raw(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.data[start..self.ends[row] as usize]
    }

    /// Every value, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Where each row's value ends in `bytes`.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The value of `row`, empty where it was never set.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        if row >= self.ends.len() {
            return "";
        }
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        // SAFETY: `data` is only ever extended by whole `&str`s, or by bytes that `push_unproven`'s caller has proven since, and
        // cut at their ends, so each slice between ends is UTF-8.
        unsafe { std::str::from_utf8_unchecked(&self.data[start..self.ends[row] as usize]) }
    }
}

impl Rows for Text {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn truncate(&mut self, rows: usize) {
        if rows < self.ends.len() {
            self.ends.truncate(rows);
            self.data.truncate(self.ends.last().map_or(0, |end| *end as usize));
        }
    }
    fn fill(&mut self, rows: usize) {
        if self.ends.len() < rows {
            self.ends.resize(rows, self.data.len() as u32);
        }
    }
    fn is_default(&self) -> bool {
        self.data.is_empty()
    }
    fn nbytes(&self) -> usize {
        self.data.len() + size_of_val(self.ends.as_slice())
    }
    fn hand_over(&mut self) -> Text {
        let room = Text {
            data: Vec::with_capacity(self.data.len()),
            ends: Vec::with_capacity(self.ends.len()),
        };
        std::mem::replace(self, room)
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
    /// Positions given lately, by `slot` of their labels: most rows repeat one of few.
    recent: Box<[u32; SLOTS]>,
}

const SLOTS: usize = 64;

/// A place among the recent labels, from the ends of the label: cheap, and enough to keep a column's usual values apart.
#[inline(always)]
fn slot(value: &[u8]) -> usize {
    let word = match (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23),
        _ => value.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
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
            recent: Box::new([0; SLOTS]),
        }
    }
}

impl Label {
    /// The position of `value` in the dictionary, added where it is new.
    #[inline]
    pub fn intern(&mut self, value: &str) -> u32 {
        let slot = slot(value.as_bytes());
        let recent = self.recent[slot];
        if same(self.dict.get(recent as usize).as_bytes(), value.as_bytes()) {
            return recent;
        }
        self.recent[slot] = self.intern_slow(value);
        self.recent[slot]
    }

    /// As `intern`, for bytes that may not be UTF-8: nothing where they are not. What is known already needs no proof.
    #[inline]
    pub fn intern_bytes(&mut self, value: &[u8]) -> Option<u32> {
        let slot = slot(value);
        let recent = self.recent[slot];
        if same(self.dict.get(recent as usize).as_bytes(), value) {
            return Some(recent);
        }
        let key = match self.find(value) {
            Some(known) => known,
            None => self.intern_slow(std::str::from_utf8(value).ok()?),
        };
        self.recent[slot] = key;
        Some(key)
    }

    fn find(&self, value: &[u8]) -> Option<u32> {
        let hash = self.state.hash_one(value);
        self.seen
            .find(hash, |&key| same(self.dict.get(key as usize).as_bytes(), value))
            .copied()
    }

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

/// Key-value pairs of a row, keys repeating, values free.
#[derive(Default, Clone)]
pub struct TextMap {
    pub keys: Label,
    pub values: Text,
    /// Pairs up to and with each row.
    pub ends: Vec<u32>,
}

impl TextMap {
    /// Adds a pair by the position that `keys.intern` gave.
    #[inline]
    pub fn add_labelled(&mut self, key: u32, value: &str) {
        // SAFETY: `value` is a `&str`.
        unsafe { self.add_unproven(key, value.as_bytes()) };
    }

    /// Adds a pair by the position that `keys.intern` gave.
    ///
    /// # Safety
    /// As `Text::push_unproven`: the value is proven or the row taken back before anything reads it.
    #[inline]
    pub unsafe fn add_unproven(&mut self, key: u32, value: &[u8]) {
        self.keys.keys.push(key);
        // SAFETY: the caller's promise is the same.
        unsafe { self.values.push_unproven(value) };
    }

    /// Pairs held by closed rows: where the pairs of the row that is being written begin.
    #[inline]
    pub fn closed(&self) -> usize {
        self.ends.last().map_or(0, |pairs| *pairs as usize)
    }

    /// The pairs of `row`.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (&str, &str)> {
        span_of(&self.ends, row).map(|pair| (self.keys.get(pair), self.values.get(pair)))
    }

    /// Positions of the keys of `row` in the dictionary.
    pub fn labels(&self, row: usize) -> &[u32] {
        self.keys.keys.get(span_of(&self.ends, row)).unwrap_or_default()
    }

    /// Adds a pair to `row`, which is the last one closed, where it does not have the key yet.
    pub fn amend(&mut self, row: usize, key: &str, value: &str) {
        if self.ends.len() == row + 1 && !self.row(row).any(|(known, _)| known == key) {
            self.add(key, value);
            self.ends[row] = self.values.len() as u32;
        }
    }

    /// Adds a pair to the row that `end_row` will close.
    #[inline]
    pub fn add(&mut self, key: &str, value: &str) {
        let at = self.values.len();
        self.keys.set(at, key);
        self.values.set(at, value);
    }

    /// Closes `row`: it owns every pair added since the row before it was closed.
    #[inline]
    pub fn end_row(&mut self, row: usize) {
        debug_assert!(self.ends.len() <= row, "a map row is closed once");
        let before = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(row, before);
        self.ends.push(self.values.len() as u32);
    }
}

impl Rows for TextMap {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn truncate(&mut self, rows: usize) {
        // Also forgets pairs that were added and not closed yet.
        self.ends.truncate(rows);
        let pairs = self.ends.last().copied().unwrap_or(0) as usize;
        self.keys.truncate(pairs);
        self.values.truncate(pairs);
    }
    fn fill(&mut self, rows: usize) {
        if self.ends.len() < rows {
            let last = self.ends.last().copied().unwrap_or(0);
            self.ends.resize(rows, last);
        }
    }
    fn is_default(&self) -> bool {
        self.ends.last().is_none_or(|pairs| *pairs == 0)
    }
    fn nbytes(&self) -> usize {
        self.keys.nbytes() + self.values.nbytes() + size_of_val(self.ends.as_slice())
    }
    fn hand_over(&mut self) -> TextMap {
        let room = Vec::with_capacity(self.ends.len());
        let ends = std::mem::replace(&mut self.ends, room);
        TextMap {
            keys: self.keys.hand_over(),
            values: self.values.hand_over(),
            ends,
        }
    }
}

/// Key-value pairs of a row, keys and values repeating.
#[derive(Default, Clone)]
pub struct LabelMap {
    pub keys: Label,
    pub values: Label,
    /// Pairs up to and with each row.
    pub ends: Vec<u32>,
}

/// The pairs of `row` where `ends` counts those up to and with each row.
fn span_of(ends: &[u32], row: usize) -> std::ops::Range<usize> {
    let Some(end) = ends.get(row) else { return 0..0 };
    let start = if row == 0 { 0 } else { ends[row - 1] };
    start as usize..*end as usize
}

impl LabelMap {
    /// The pairs of `row`.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (&str, &str)> {
        span_of(&self.ends, row).map(|pair| (self.keys.get(pair), self.values.get(pair)))
    }

    /// Adds a pair, by the positions that `keys.intern` and `values.intern` gave, to the row that `end_row` will close.
    #[inline]
    pub fn add_keys(&mut self, key: u32, value: u32) {
        self.keys.keys.push(key);
        self.values.keys.push(value);
    }

    /// Closes `row`: it owns every pair added since the row before it was closed.
    #[inline]
    pub fn end_row(&mut self, row: usize) {
        debug_assert!(self.ends.len() <= row, "a map row is closed once");
        let before = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(row, before);
        self.ends.push(self.values.keys.len() as u32);
    }
}

impl Rows for LabelMap {
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let pairs = self.ends.last().copied().unwrap_or(0) as usize;
        self.keys.truncate(pairs);
        self.values.truncate(pairs);
    }
    fn fill(&mut self, rows: usize) {
        if self.ends.len() < rows {
            let last = self.ends.last().copied().unwrap_or(0);
            self.ends.resize(rows, last);
        }
    }
    fn is_default(&self) -> bool {
        self.ends.last().is_none_or(|pairs| *pairs == 0)
    }
    fn nbytes(&self) -> usize {
        self.keys.nbytes() + self.values.nbytes() + size_of_val(self.ends.as_slice())
    }
    fn hand_over(&mut self) -> LabelMap {
        let room = Vec::with_capacity(self.ends.len());
        let ends = std::mem::replace(&mut self.ends, room);
        LabelMap {
            keys: self.keys.hand_over(),
            values: self.values.hand_over(),
            ends,
        }
    }
}

/// One finished column of a batch.
#[derive(Clone)]
pub enum Column {
    U8(Num<u8>),
    U16(Num<u16>),
    U32(Num<u32>),
    U64(Num<u64>),
    I32(Num<i32>),
    I64(Num<i64>),
    F64(Num<f64>),
    Ip4(Num<u32>),
    Ip6(Num<[u8; 16]>),
    TimeS(Num<u32>),
    TimeUs(Num<i64>),
    Label(Label),
    Text(Text),
    TextMap(TextMap),
    LabelMap(LabelMap),
}

/// Applies one expression to whichever column it is.
macro_rules! each {
    ($column:expr, $inner:ident => $then:expr) => {
        match $column {
            Column::U8($inner) => $then,
            Column::U16($inner) => $then,
            Column::U32($inner) | Column::Ip4($inner) | Column::TimeS($inner) => $then,
            Column::U64($inner) => $then,
            Column::I32($inner) => $then,
            Column::I64($inner) | Column::TimeUs($inner) => $then,
            Column::F64($inner) => $then,
            Column::Ip6($inner) => $then,
            Column::Label($inner) => $then,
            Column::Text($inner) => $then,
            Column::TextMap($inner) => $then,
            Column::LabelMap($inner) => $then,
        }
    };
}

impl Column {
    /// Whether every row holds the default.
    pub fn is_default(&self) -> bool {
        each!(self, column => column.is_default())
    }

    /// Bytes held.
    pub fn nbytes(&self) -> usize {
        each!(self, column => column.nbytes())
    }
}

/// One column of a layout, by reference.
pub enum ColumnMut<'a> {
    U8(&'a mut Num<u8>),
    U16(&'a mut Num<u16>),
    U32(&'a mut Num<u32>),
    U64(&'a mut Num<u64>),
    I32(&'a mut Num<i32>),
    I64(&'a mut Num<i64>),
    F64(&'a mut Num<f64>),
    Ip4(&'a mut Num<u32>),
    Ip6(&'a mut Num<[u8; 16]>),
    TimeS(&'a mut Num<u32>),
    TimeUs(&'a mut Num<i64>),
    Label(&'a mut Label),
    Text(&'a mut Text),
    TextMap(&'a mut TextMap),
    LabelMap(&'a mut LabelMap),
    /// There is no column at that place.
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn appended_values_are_what_they_were(values in proptest::collection::vec("\\PC{0,50}", 0..40)) {
            let mut text = Text::default();
            for (row, value) in values.iter().enumerate() {
                text.set(row, value);
            }
            for (row, value) in values.iter().enumerate() {
                prop_assert_eq!(text.get(row), value);
            }
            prop_assert!(text.tail_is_utf8(0));
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
