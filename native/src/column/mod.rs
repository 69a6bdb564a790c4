//! Columns that are filled row by row and handed over whole.
//!
//! `set(row, value)` may skip rows: the gap reads as the default, and costs nothing until it is closed. A column that is never
//! set costs nothing per row, which is what makes tables of a hundred columns cheap.

mod label;
mod map;
mod text;

pub use label::{Label, same};
pub use map::{LabelMap, TextMap};
pub use text::{SHORT, Text, append, append_ascii, is_ascii};

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

/// Appends `piece` so many times.
pub fn repeat(into: &mut Vec<u32>, piece: &[u32], times: usize) {
    let (start, whole) = (into.len(), piece.len() * times);
    into.reserve(whole);
    if whole > 0 {
        into.extend_from_slice(piece);
    }
    // What is there already is copied behind itself, twice as much each time.
    while into.len() - start < whole {
        let have = into.len() - start;
        into.extend_from_within(start..start + have.min(whole - have));
    }
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

    /// Puts `value` into all of `rows`, of which none is set yet.
    pub fn set_all(&mut self, rows: std::ops::Range<usize>, value: T) {
        debug_assert!(self.values.len() <= rows.start, "rows are set once");
        self.values.resize(rows.start, T::default());
        self.values.resize(rows.end, value);
    }

    /// Puts values into the rows from `row` on, of which none is set yet.
    #[inline(always)]
    pub fn set_block(&mut self, row: usize, values: &[T])
    where
        T: PartialEq,
    {
        debug_assert!(self.values.len() <= row, "rows are set once");
        let default = T::default();
        // All of them are looked at: that takes a few wide steps, to stop at the first a step for each.
        if !values.iter().fold(false, |any, value| any | (*value != default)) {
            return;
        }
        if self.values.len() < row {
            self.values.resize(row, default);
        }
        self.values.extend_from_slice(values);
    }

    /// As [`Num::set_block`] for values that are not all the default.
    #[inline]
    pub fn set_each(&mut self, row: usize, values: impl ExactSizeIterator<Item = T>) {
        debug_assert!(self.values.len() <= row, "rows are set once");
        if self.values.len() < row {
            self.values.resize(row, T::default());
        }
        self.values.extend(values);
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
