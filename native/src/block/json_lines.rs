//! A batch as JSON lines: one object per row, every column by its table name.

use super::calendar;
use crate::column::Column;
use crate::otlp::value::quote;
use crate::table::Batch;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One JSON object per row, each with its newline: `table` first, then every column. Addresses are text, times ISO 8601 with µs
/// (seconds for the time axis), both UTC.
pub fn write(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.rows * batch.columns.len() * 16);
    for row in 0..batch.rows {
        out.extend_from_slice(b"{\"table\":");
        quote(batch.table.name.as_bytes(), &mut out);
        for (declared, column) in batch.table.columns.iter().zip(&batch.columns) {
            out.push(b',');
            quote(declared.name.as_bytes(), &mut out);
            out.push(b':');
            value(column, row, &mut out);
        }
        out.extend_from_slice(b"}\n");
    }
    out
}

fn value(column: &Column, row: usize, out: &mut Vec<u8>) {
    let int = |int: i128, out: &mut Vec<u8>| out.extend_from_slice(itoa::Buffer::new().format(int).as_bytes());
    match column {
        Column::U8(column) => int(column.get(row).into(), out),
        Column::U16(column) => int(column.get(row).into(), out),
        Column::U32(column) => int(column.get(row).into(), out),
        Column::U64(column) => int(column.get(row).into(), out),
        Column::I32(column) => int(column.get(row).into(), out),
        Column::I64(column) => int(column.get(row).into(), out),
        Column::F64(column) if column.get(row).is_finite() => print(out, format_args!("{:?}", column.get(row))),
        Column::F64(_) => out.extend_from_slice(b"null"),
        Column::Ip4(column) => print(out, format_args!("\"{}\"", Ipv4Addr::from_bits(column.get(row)))),
        Column::Ip6(column) => print(out, format_args!("\"{}\"", Ipv6Addr::from(column.get(row)))),
        Column::TimeS(column) => time(i64::from(column.get(row)) * 1_000_000, false, out),
        Column::TimeUs(column) => time(column.get(row), true, out),
        Column::Label(column) => quote(column.get(row).as_bytes(), out),
        Column::Text(column) => quote(column.get(row).as_bytes(), out),
        Column::TextMap(column) => object(column.row(row), out),
        Column::LabelMap(column) => object(column.row(row), out),
    }
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, value)) in pairs.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        quote(key.as_bytes(), out);
        out.push(b':');
        quote(value.as_bytes(), out);
    }
    out.push(b'}');
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

/// ISO 8601 of a time in µs since 1970, in UTC.
fn time(time_us: i64, fraction: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    calendar::iso(time_us, fraction, out);
    out.extend_from_slice(b"Z\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let print = |time_us, fraction| {
            let mut out = Vec::new();
            time(time_us, fraction, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print(0, false), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(print(951_782_400_000_001, true), "\"2000-02-29T00:00:00.000001Z\"");
        assert_eq!(print(-1, true), "\"1969-12-31T23:59:59.999999Z\"");
    }
}
