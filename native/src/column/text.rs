//! Strings, each on its own.

use super::Rows;

/// `bytes.is_ascii()`, quick also where they are few: the ends of two words that overlap need no loop over single bytes.
#[inline(always)]
pub fn is_ascii(bytes: &[u8]) -> bool {
    const WORD: usize = 32;
    let Some(last) = bytes.last_chunk::<WORD>() else {
        return match (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
            (Some(first), Some(last)) => (u128::from_ne_bytes(*first) | u128::from_ne_bytes(*last)) & ((u128::MAX / 0xff) << 7) == 0,
            _ => few_are_ascii(bytes),
        };
    };
    let mut any = *last;
    for word in bytes.as_chunks::<WORD>().0 {
        for (any, byte) in any.iter_mut().zip(word) {
            *any |= byte;
        }
    }
    any.map(|byte| byte & 0x80) == [0; WORD]
}

#[inline(always)]
fn few_are_ascii(bytes: &[u8]) -> bool {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(_), Some(_)) if bytes.len() > 8 => {
            let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
                return false;
            };
            (u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last)) & 0x8080_8080_8080_8080 == 0
        }
        (Some(first), Some(last)) => (u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last)) & 0x8080_8080 == 0,
        _ => bytes.iter().fold(0, |any, byte| any | byte) < 0x80,
    }
}

/// Appends `value` to `data` without a call for the lengths that values usually have.
#[inline(always)]
pub fn append(data: &mut Vec<u8>, value: &[u8]) {
    let length = value.len();
    if !(1..=64).contains(&length) {
        data.extend_from_slice(value);
        return;
    }
    data.reserve(64);
    let (from, at) = (value.as_ptr(), data.len());
    // SAFETY: 64 bytes are reserved behind `at`, and `length` is at most 64. Each branch copies two pieces of N bytes, the first N
    // and the last N of `value`, where N <= length <= 2 N: both stay inside `value` and inside the reserved bytes, and together they
    // write every byte up to the new length; the last branch copies the byte in the middle of three as well.
    // `value` borrows another allocation than `data`, which is borrowed mutably.
    unsafe {
        let to = data.as_mut_ptr().add(at);
        macro_rules! halves {
            ($n:literal) => {{
                std::ptr::copy_nonoverlapping(from, to, $n);
                std::ptr::copy_nonoverlapping(from.add(length - $n), to.add(length - $n), $n);
            }};
        }
        match length {
            33.. => halves!(32),
            16.. => halves!(16),
            8.. => halves!(8),
            4.. => halves!(4),
            _ => {
                *to.add(length / 2) = *from.add(length / 2);
                halves!(1);
            }
        }
        data.set_len(at + length);
    }
}

/// Values up to so many bytes are appended in one go by [`append_ascii`].
pub const SHORT: usize = 64;

/// Appends `value` where it takes at most [`SHORT`] bytes, is ASCII, and `data` has room for as many; else does nothing. Most values are so, and each
/// byte is loaded once, to be looked at and to be stored.
#[inline(always)]
pub fn append_ascii(data: &mut Vec<u8>, value: &[u8]) -> bool {
    const HIGH: u128 = (u128::MAX / 0xff) << 7;
    let (length, at) = (value.len(), data.len());
    if !(1..=SHORT).contains(&length) || data.capacity() - at < SHORT {
        return false;
    }
    let from = value.as_ptr();
    // SAFETY: there is room for 64 bytes behind `at`, and `length` is at most 64. Each branch copies words of N bytes, the first and the last one of
    // `value`, where N <= length, and as many as are needed to cover what lies between: all stay inside `value` and inside that room. What is
    // not ASCII stays there unseen, since the length is set only for what is. `value` borrows another allocation than `data`.
    unsafe {
        let to = data.as_mut_ptr().add(at);
        macro_rules! copy {
            ($word:ty, $($place:expr),+) => {{
                let mut any = 0;
                $(
                    let word = from.add($place).cast::<$word>().read_unaligned();
                    to.add($place).cast::<$word>().write_unaligned(word);
                    any |= word;
                )+
                any & HIGH as $word == 0
            }};
        }
        let is_ascii = match length {
            33.. => copy!(u128, 0, 16, length - 32, length - 16),
            16.. => copy!(u128, 0, length - 16),
            8.. => copy!(u64, 0, length - 8),
            4.. => copy!(u32, 0, length - 4),
            _ => copy!(u8, 0, length / 2, length - 1),
        };
        if is_ascii {
            data.set_len(at + length);
        }
        is_ascii
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

    /// Puts values into the rows from `row` on, of which none is set yet.
    pub fn set_each<'a>(&mut self, row: usize, values: impl Iterator<Item = &'a str>) {
        debug_assert!(self.ends.len() <= row, "rows are set once");
        for (row, value) in (row..).zip(values) {
            if !value.is_empty() {
                self.fill(row);
                append(&mut self.data, value.as_bytes());
                self.ends.push(self.data.len() as u32);
            }
        }
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
        is_ascii(self.tail(row)) || (row..self.ends.len()).all(|row| std::str::from_utf8(self.raw(row)).is_ok())
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
        fn ascii_is_what_the_standard_library_calls_so(values in proptest::collection::vec(0u8..0x80, 0..100)) {
            prop_assert!(is_ascii(&values));
            for place in 0..values.len() {
                let mut other = values.clone();
                other[place] |= 0x80;
                prop_assert!(!is_ascii(&other));
            }
        }

        #[test]
        fn what_is_short_and_ascii_is_appended_in_one_go(value in proptest::collection::vec(0u8..0x80, 0..100), room in 0usize..100) {
            let mut data = b"before".to_vec();
            data.reserve_exact(room);
            let fits = (1..=SHORT).contains(&value.len()) && data.capacity() - data.len() >= SHORT;
            for place in 0..value.len() {
                let mut other = value.clone();
                other[place] |= 0x80;
                prop_assert!(!append_ascii(&mut data, &other));
                prop_assert_eq!(&data, b"before");
            }
            prop_assert_eq!(append_ascii(&mut data, &value), fits);
            prop_assert_eq!(data, if fits { [&b"before"[..], &value].concat() } else { b"before".to_vec() });
        }

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
