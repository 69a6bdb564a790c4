//! Key-value pairs of a row.

use super::{Label, Rows, Text, repeat};

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

    /// Adds a pair to `row`, which is the last one closed and does not have the key, by the position that `keys.intern` gave.
    #[inline]
    pub fn append(&mut self, row: usize, key: u32, value: &str) {
        self.add_labelled(key, value);
        self.ends[row] = self.values.len() as u32;
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
    /// Writes each of `rows` whole, by the positions of its keys and of as many values.
    pub fn add_rows(&mut self, rows: std::ops::Range<usize>, keys: &[u32], values: &[u32]) {
        debug_assert_eq!(keys.len(), values.len(), "each key has a value");
        debug_assert!(self.ends.len() <= rows.start, "a map row is closed once");
        let before = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(rows.start, before);
        self.ends.extend((1..=rows.len()).map(|row| before + (row * keys.len()) as u32));
        repeat(&mut self.keys.keys, keys, rows.len());
        repeat(&mut self.values.keys, values, rows.len());
    }

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
