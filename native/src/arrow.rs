//! A batch as Arrow sees it, through the C data interface.
//!
//! Numbers, addresses, positions and text are the batch's own memory; offsets (which begin with a zero in Arrow) and seconds (which
//! have 64 bits there) are copied. The schema is the one that `libs/tables/arrow.py` declares.

use crate::column::{Column, Label, LabelMap, Text, TextMap};
use crate::table::{Batch, Kind, TableDef};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, Field, Fields, TimeUnit};
use std::ptr::NonNull;
use std::sync::Arc;

/// The Arrow type of a column.
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::U8 => DataType::UInt8,
        Kind::U16 => DataType::UInt16,
        Kind::U32 | Kind::Ip4 => DataType::UInt32,
        Kind::U64 => DataType::UInt64,
        Kind::I32 => DataType::Int32,
        Kind::I64 => DataType::Int64,
        Kind::F64 => DataType::Float64,
        Kind::Ip6 => DataType::FixedSizeBinary(16),
        Kind::TimeS => DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
        Kind::TimeUs => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Label => label(),
        Kind::Text => DataType::Utf8,
        Kind::TextMap => map(DataType::Utf8),
        Kind::LabelMap => map(label()),
    }
}

fn label() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn entries(value: DataType) -> Fields {
    Fields::from(vec![Field::new("key", label(), false), Field::new("value", value, false)])
}

fn map(value: DataType) -> DataType {
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries(value)), false)), false)
}

/// The fields of a table.
pub fn fields(table: &TableDef) -> Fields {
    table
        .columns
        .iter()
        .map(|column| Field::new(column.name, data_type(column.kind), false))
        .collect()
}

/// The batch as a struct array, which is what a record batch is at the C data interface.
pub fn struct_array(batch: &Arc<Batch>) -> Result<ArrayData, ArrowError> {
    let columns = batch.table.columns.iter().zip(&batch.columns);
    let children: Result<Vec<_>, _> = columns.map(|(declared, column)| array(batch, declared.kind, column)).collect();
    ArrayData::builder(DataType::Struct(fields(batch.table)))
        .len(batch.rows)
        .child_data(children?)
        .build()
}

fn array(batch: &Arc<Batch>, kind: Kind, column: &Column) -> Result<ArrayData, ArrowError> {
    let rows = batch.rows;
    let buffer = match column {
        Column::U8(column) => shared(batch, &column.values, rows),
        Column::U16(column) => shared(batch, &column.values, rows),
        Column::U32(column) | Column::Ip4(column) => shared(batch, &column.values, rows),
        Column::U64(column) => shared(batch, &column.values, rows),
        Column::I32(column) => shared(batch, &column.values, rows),
        Column::I64(column) | Column::TimeUs(column) => shared(batch, &column.values, rows),
        Column::F64(column) => shared(batch, &column.values, rows),
        Column::Ip6(column) => shared(batch, &column.values, rows),
        Column::TimeS(column) => (0..rows).map(|row| i64::from(column.get(row))).collect(),
        Column::Label(column) => return labels(batch, column, rows),
        Column::Text(column) => return texts(batch, column, rows),
        Column::TextMap(column) => return text_map(batch, column),
        Column::LabelMap(column) => return label_map(batch, column),
    };
    ArrayData::builder(data_type(kind)).len(rows).add_buffer(buffer).build()
}

/// The memory of `values` where there are any, which there are for every row or for none; else zeros.
fn shared<T: Copy>(batch: &Arc<Batch>, values: &[T], rows: usize) -> Buffer {
    if values.is_empty() {
        return Buffer::from(vec![0u64; (rows * size_of::<T>()).div_ceil(8)]);
    }
    let start = NonNull::from(values).cast::<u8>();
    // SAFETY: the bytes are initialised (`T` is one of the number types above, or bytes) and are those of a column of `batch`,
    // which is never changed once it is in an `Arc` and lives as long as the buffer, which holds that `Arc`.
    unsafe { Buffer::from_custom_allocation(start, size_of_val(values), batch.clone()) }
}

fn offsets(ends: &[u32], rows: usize) -> Buffer {
    let last = ends.last().copied().unwrap_or_default();
    let rest = std::iter::repeat_n(last, rows - ends.len());
    let offsets: Vec<i32> = std::iter::once(0)
        .chain(ends.iter().copied())
        .chain(rest)
        .map(|end| end as i32)
        .collect();
    Buffer::from(offsets)
}

fn texts(batch: &Arc<Batch>, column: &Text, rows: usize) -> Result<ArrayData, ArrowError> {
    if column.bytes().len() > i32::MAX as usize {
        return Err(ArrowError::OffsetOverflowError(column.bytes().len()));
    }
    let builder = ArrayData::builder(DataType::Utf8)
        .len(rows)
        .add_buffer(offsets(column.ends(), rows));
    builder.add_buffer(shared(batch, column.bytes(), 0)).build()
}

fn labels(batch: &Arc<Batch>, column: &Label, rows: usize) -> Result<ArrayData, ArrowError> {
    let dictionary = texts(batch, &column.dict, column.dict.ends().len())?;
    ArrayData::builder(label())
        .len(rows)
        .add_buffer(shared(batch, &column.keys, rows))
        .add_child_data(dictionary)
        .build()
}

fn text_map(batch: &Arc<Batch>, column: &TextMap) -> Result<ArrayData, ArrowError> {
    let pairs = column.closed();
    pairs_of(
        batch,
        &column.ends,
        labels(batch, &column.keys, pairs)?,
        texts(batch, &column.values, pairs)?,
        DataType::Utf8,
    )
}

fn label_map(batch: &Arc<Batch>, column: &LabelMap) -> Result<ArrayData, ArrowError> {
    let pairs = column.ends.last().map_or(0, |pairs| *pairs as usize);
    pairs_of(
        batch,
        &column.ends,
        labels(batch, &column.keys, pairs)?,
        labels(batch, &column.values, pairs)?,
        label(),
    )
}

fn pairs_of(batch: &Arc<Batch>, ends: &[u32], keys: ArrayData, values: ArrayData, value: DataType) -> Result<ArrayData, ArrowError> {
    let entries = ArrayData::builder(DataType::Struct(entries(value.clone())))
        .len(keys.len())
        .add_child_data(keys)
        .add_child_data(values);
    let array = ArrayData::builder(map(value)).len(batch.rows).add_buffer(offsets(ends, batch.rows));
    array.add_child_data(entries.build()?).build()
}
