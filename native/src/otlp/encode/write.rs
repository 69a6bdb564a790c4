//! Protobuf fields and OpenTelemetry's KeyValue, written.

use crate::otlp::wire::{BYTES, FIXED64, VARINT, tag};

pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that `value` takes as a varint.
pub fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Tag and length of a field whose bytes follow.
pub fn header(out: &mut Vec<u8>, field: u32, length: usize) {
    varint(out, u64::from(tag(field, BYTES)));
    varint(out, length as u64);
}

pub fn bytes_field(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    header(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

pub fn varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(tag(field, VARINT)));
    varint(out, value);
}

pub fn fixed64_field(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(tag(field, FIXED64)));
    out.extend_from_slice(&value.to_le_bytes());
}

/// A KeyValue with a text.
pub fn pair_text(out: &mut Vec<u8>, field: u32, key: &str, text: &str) {
    let inner = 1 + varint_len(text.len() as u64) + text.len();
    pair(out, field, key, inner);
    bytes_field(out, 1, text.as_bytes());
}

/// A KeyValue with a number.
pub fn pair_int(out: &mut Vec<u8>, field: u32, key: &str, int: i64) {
    pair(out, field, key, 1 + varint_len(int as u64));
    varint_field(out, 3, int as u64);
}

/// A KeyValue with a double.
pub fn pair_double(out: &mut Vec<u8>, field: u32, key: &str, double: f64) {
    pair(out, field, key, 9);
    fixed64_field(out, 4, double.to_bits());
}

/// A KeyValue with a map of texts.
pub fn pair_map<'a>(out: &mut Vec<u8>, field: u32, key: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut list = Vec::new();
    for (key, value) in pairs {
        pair_text(&mut list, 1, key, value);
    }
    pair(out, field, key, 1 + varint_len(list.len() as u64) + list.len());
    bytes_field(out, 6, &list);
}

/// Begins a KeyValue whose AnyValue takes `inner` bytes, which follow.
fn pair(out: &mut Vec<u8>, field: u32, key: &str, inner: usize) {
    let whole = 1 + varint_len(key.len() as u64) + key.len() + 1 + varint_len(inner as u64) + inner;
    header(out, field, whole);
    bytes_field(out, 1, key.as_bytes());
    header(out, 2, inner);
}
