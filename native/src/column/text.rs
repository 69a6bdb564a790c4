//! Strings, each on its own.

use super::Rows;

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
    }
}
