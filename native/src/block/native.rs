//! ClickHouse's Native format: a block of columns, each with its name and type.
//!
//! Source: <https://clickhouse.com/docs/interfaces/formats/Native> and, for LowCardinality and Map, what the server's own serialisation
//! writes (SerializationLowCardinality, SerializationMap). Columns that hold the default in every row are left out: the server fills them.

use crate::column::{Column, Label, LabelMap, Text, TextMap, append};
use crate::table::{Batch, Kind};

/// Where the block goes, piece by piece.
pub trait Sink {
    fn put(&mut self, bytes: &[u8]);

    /// Length and bytes of a string.
    #[inline]
    fn string(&mut self, value: &[u8])
    where
        Self: Sized,
    {
        varint(value.len(), self);
        self.put(value);
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn string(&mut self, value: &[u8]) {
        if value.len() < 0x80 {
            self.push(value.len() as u8);
            append(self, value);
        } else {
            varint(value.len(), self);
            self.extend_from_slice(value);
        }
    }
}

/// The columns that `write` writes: those that differ from the default in some row.
pub fn present(batch: &Batch) -> impl Iterator<Item = (&'static str, Kind, &Column)> {
    let columns = batch.table.columns.iter().zip(&batch.columns);
    columns
        .filter(|(_, column)| !column.is_default())
        .map(|(declared, column)| (declared.name, declared.kind, column))
}

/// Writes the batch as one block; nothing where it has no rows, because the server takes a block without rows for a list of all columns.
pub fn write(batch: &Batch, out: &mut impl Sink) {
    if batch.rows == 0 {
        return;
    }
    let mut columns: Vec<_> = present(batch).collect();
    if columns.is_empty() {
        // A block without columns has no rows: the first column carries them.
        columns.extend(
            batch
                .table
                .columns
                .iter()
                .zip(&batch.columns)
                .take(1)
                .map(|(declared, column)| (declared.name, declared.kind, column)),
        );
    }
    varint(columns.len(), out);
    varint(batch.rows, out);
    for (name, kind, column) in columns {
        out.string(name.as_bytes());
        out.string(kind.clickhouse().as_bytes());
        values(column, batch.rows, out);
    }
}

fn values(column: &Column, rows: usize, out: &mut impl Sink) {
    match column {
        Column::U8(column) => fixed(&column.values, rows, |value| [*value], out),
        Column::U16(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::U32(column) | Column::Ip4(column) | Column::TimeS(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::U64(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::I32(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::I64(column) | Column::TimeUs(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::F64(column) => fixed(&column.values, rows, |value| value.to_le_bytes(), out),
        Column::Ip6(column) => fixed(&column.values, rows, |value| *value, out),
        Column::Label(column) => {
            label_prefix(out);
            labels(column, rows, out);
        }
        Column::Text(column) => texts(column, rows, out),
        Column::TextMap(column) => text_map(column, rows, out),
        Column::LabelMap(column) => label_map(column, rows, out),
    }
}

fn fixed<T, const N: usize>(values: &[T], rows: usize, bytes: impl Fn(&T) -> [u8; N], out: &mut impl Sink) {
    let mut buffer = [[0u8; N]; 512];
    for chunk in values.chunks(buffer.len()) {
        for (place, value) in buffer.iter_mut().zip(chunk) {
            *place = bytes(value);
        }
        out.put(buffer[..chunk.len()].as_flattened());
    }
    zeros((rows - values.len()) * N, out);
}

fn zeros(mut bytes: usize, out: &mut impl Sink) {
    const ZEROS: [u8; 4096] = [0; 4096];
    while bytes > 0 {
        let piece = bytes.min(ZEROS.len());
        out.put(&ZEROS[..piece]);
        bytes -= piece;
    }
}

pub fn varint(mut value: usize, out: &mut impl Sink) {
    let mut buffer = [0u8; 10];
    let mut length = 0;
    while value >= 0x80 {
        buffer[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    buffer[length] = value as u8;
    out.put(&buffer[..=length]);
}

fn texts(column: &Text, rows: usize, out: &mut impl Sink) {
    let (data, mut start) = (column.bytes(), 0);
    for &end in column.ends() {
        out.string(&data[start..end as usize]);
        start = end as usize;
    }
    zeros(rows - column.ends().len(), out);
}

/// Version of LowCardinality's serialisation: dictionaries travel with each block.
fn label_prefix(out: &mut impl Sink) {
    out.put(&1u64.to_le_bytes());
}

const HAS_ADDITIONAL_KEYS: u64 = 1 << 9;
const NEED_UPDATE_DICTIONARY: u64 = 1 << 10;

fn labels(column: &Label, rows: usize, out: &mut impl Sink) {
    if rows == 0 {
        return;
    }
    let dict = &column.dict;
    let entries = dict.ends().len();
    let width = match entries {
        ..=0x100 => 0u64,
        0x101..=0x1_0000 => 1,
        _ => 2,
    };
    out.put(&(width | HAS_ADDITIONAL_KEYS | NEED_UPDATE_DICTIONARY).to_le_bytes());
    out.put(&(entries as u64).to_le_bytes());
    texts(dict, entries, out);
    out.put(&(rows as u64).to_le_bytes());
    match width {
        0 => fixed(&column.keys, rows, |key| [*key as u8], out),
        1 => fixed(&column.keys, rows, |key| (*key as u16).to_le_bytes(), out),
        _ => fixed(&column.keys, rows, |key| key.to_le_bytes(), out),
    }
}

fn offsets(ends: &[u32], rows: usize, out: &mut impl Sink) -> usize {
    let last = ends.last().copied().unwrap_or(0);
    fixed(ends, ends.len(), |end| u64::from(*end).to_le_bytes(), out);
    for _ in ends.len()..rows {
        out.put(&u64::from(last).to_le_bytes());
    }
    last as usize
}

fn text_map(column: &TextMap, rows: usize, out: &mut impl Sink) {
    label_prefix(out);
    let pairs = offsets(&column.ends, rows, out);
    labels(&column.keys, pairs, out);
    texts(&column.values, pairs, out);
}

fn label_map(column: &LabelMap, rows: usize, out: &mut impl Sink) {
    label_prefix(out);
    label_prefix(out);
    let pairs = offsets(&column.ends, rows, out);
    labels(&column.keys, pairs, out);
    labels(&column.values, pairs, out);
}
