//! HPACK (RFC 7541): header blocks into fields, with the dynamic table of one direction.
//!
//! A table that was not followed from its beginning, or that lost a block, still numbers its newest entries rightly. An index beyond them
//! names a field that cannot be known: it is told as [`Name::Unknown`], never as another one.

use super::field::{Name, STATIC};
use super::huffman;
use std::cell::RefCell;
use std::collections::VecDeque;

/// Until its peer says otherwise (RFC 9113, 6.5.2).
const DEFAULT_SIZE: usize = 4096;
/// Entries beyond this are forgotten, however large the encoder's table is.
const MAX_SIZE: usize = 16 * 1024;
/// What each entry counts beside its texts (RFC 7541, 4.1).
const OVERHEAD: usize = 32;

/// A header block that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

#[derive(Debug)]
struct Entry {
    name: Name,
    name_len: u32,
    size: u32,
    /// Empty where nobody reads the field.
    value: Box<[u8]>,
}

/// The dynamic table of one direction.
#[derive(Debug)]
pub struct Table {
    /// Newest first.
    entries: VecDeque<Entry>,
    size: usize,
    limit: usize,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            entries: VecDeque::new(),
            size: 0,
            limit: DEFAULT_SIZE,
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

impl Table {
    /// Reads a header block, and calls `each` with every field in it.
    pub fn decode(&mut self, block: &[u8], mut each: impl FnMut(Name, &[u8])) -> Result<(), Broken> {
        SCRATCH.with_borrow_mut(|[name, value]| {
            let mut rest = block;
            while !rest.is_empty() {
                self.field(&mut rest, name, value, &mut each)?;
            }
            Ok(())
        })
    }

    /// Blocks of this direction were missed: what the indices of older entries mean is unknown.
    pub fn forget(&mut self) {
        self.entries = VecDeque::new();
        self.size = 0;
    }

    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.entries.iter().map(|entry| entry.value.len()).sum::<usize>()
    }

    #[inline]
    fn field(
        &mut self,
        rest: &mut &[u8],
        name_scratch: &mut Vec<u8>,
        value_scratch: &mut Vec<u8>,
        each: &mut impl FnMut(Name, &[u8]),
    ) -> Result<(), Broken> {
        let first = rest[0];
        if first & 0x80 != 0 {
            let index = integer(rest, 7)?;
            match index.checked_sub(1).ok_or(Broken)? {
                at if at < STATIC.len() => each(STATIC[at].0, STATIC[at].2.as_bytes()),
                at => match self.entries.get(at - STATIC.len()) {
                    Some(entry) => each(entry.name, &entry.value),
                    None => each(Name::Unknown, b""),
                },
            }
            return Ok(());
        }
        if first & 0xe0 == 0x20 {
            self.limit = integer(rest, 5)?.min(MAX_SIZE);
            self.fit(0);
            return Ok(());
        }
        let keep = first & 0x40 != 0;
        let index = integer(rest, if keep { 6 } else { 4 })?;
        let (name, name_len) = match index {
            0 => {
                let text = string(rest, name_scratch)?;
                (Name::of(text), text.len())
            }
            _ if index <= STATIC.len() => (STATIC[index - 1].0, STATIC[index - 1].1.len()),
            _ => {
                let entry = self.entries.get(index - 1 - STATIC.len());
                entry.map_or((Name::Unknown, 0), |entry| (entry.name, entry.name_len as usize))
            }
        };
        let value = string(rest, value_scratch)?;
        each(name, value);
        if keep {
            self.keep(name, name_len, value);
        }
        Ok(())
    }

    fn keep(&mut self, name: Name, name_len: usize, value: &[u8]) {
        let size = name_len + value.len() + OVERHEAD;
        self.fit(size);
        // One that does not fit empties the table and is not kept (RFC 7541, 4.4).
        if size <= self.limit {
            self.size += size;
            self.entries.push_front(Entry {
                name,
                name_len: name_len as u32,
                size: size as u32,
                value: if matches!(name, Name::Other | Name::Unknown) {
                    Box::default()
                } else {
                    value.into()
                },
            });
        }
    }

    /// Makes room for `size`.
    fn fit(&mut self, size: usize) {
        while self.size + size > self.limit {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.size -= oldest.size as usize;
        }
    }
}

/// An integer that begins in the low `bits` of the first byte (RFC 7541, 5.1).
#[inline]
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Broken> {
    let mask = (1_usize << bits) - 1;
    let (first, mut behind) = rest.split_first().ok_or(Broken)?;
    let mut number = usize::from(*first) & mask;
    if number == mask {
        let mut shift = 0;
        loop {
            let (byte, more) = behind.split_first().ok_or(Broken)?;
            behind = more;
            number += (usize::from(*byte) & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return Err(Broken);
            }
        }
    }
    *rest = behind;
    Ok(number)
}

/// A string (RFC 7541, 5.2), taken from where it is or unpacked into `scratch`.
#[inline]
fn string<'a: 'b, 'b>(rest: &mut &'a [u8], scratch: &'b mut Vec<u8>) -> Result<&'b [u8], Broken> {
    let packed = rest.first().ok_or(Broken)? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (text, behind) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = behind;
    if !packed {
        return Ok(text);
    }
    scratch.clear();
    huffman::decode(text, scratch).ok_or(Broken)?;
    Ok(scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(table: &mut Table, block: &[u8]) -> Vec<(Name, String)> {
        let mut seen = Vec::new();
        let told = table.decode(block, |name, value| seen.push((name, String::from_utf8_lossy(value).into_owned())));
        assert_eq!(told, Ok(()));
        seen
    }

    #[test]
    fn the_requests_of_the_standard_use_what_earlier_ones_left() {
        // RFC 7541, C.4.
        let mut table = Table::default();
        let first = fields(&mut table, b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
        assert_eq!(first[3], (Name::Authority, "www.example.com".to_owned()));
        let second = fields(&mut table, b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf");
        assert_eq!(second[3], (Name::Authority, "www.example.com".to_owned()));
        assert_eq!(table.size, 110);
        let third = fields(
            &mut table,
            b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf",
        );
        assert_eq!(third[3], (Name::Authority, "www.example.com".to_owned()));
        assert_eq!(table.size, 164);
    }

    #[test]
    fn an_entry_from_before_the_capture_is_unknown_and_later_ones_are_not() {
        let mut table = Table::default();
        assert_eq!(fields(&mut table, b"\xbe")[0].0, Name::Unknown);
        fields(&mut table, b"\x41\x01a\x7f\x01\x01b\x41\x01c");
        assert_eq!(
            fields(&mut table, b"\xbe\xc0\xbf\xc1")[..2],
            [(Name::Authority, "c".into()), (Name::Authority, "a".into())]
        );
        assert_eq!(
            fields(&mut table, b"\xbf\xc1")[0].0,
            Name::Unknown,
            "its name was that of an unknown one"
        );
        table.forget();
        assert_eq!(fields(&mut table, b"\xbe")[0].0, Name::Unknown);
    }

    #[test]
    fn a_table_holds_no_more_than_its_limit() {
        let mut table = Table::default();
        fields(&mut table, b"\x3f\xe1\xff\xff\x03");
        let mut literal = b"\x41\x7f\xe9\x06".to_vec();
        literal.extend_from_slice(&[b'a'; 1000]);
        for _ in 0..1000 {
            fields(&mut table, &literal);
            assert!(table.size <= MAX_SIZE && table.heap_bytes() < 2 * MAX_SIZE);
        }
        fields(&mut table, b"\x20");
        assert_eq!((table.size, table.entries.len()), (0, 0));
        assert_eq!(table.decode(b"\x80", |_, _| {}), Err(Broken));
        assert_eq!(table.decode(b"\xff\xff\xff\xff\xff\xff\xff", |_, _| {}), Err(Broken));
    }
}
