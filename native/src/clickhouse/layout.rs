//! Where a column's values end, by its shape: first the prefixes of all its parts, then their data.

use super::cursor::{Cursor, Fault, Read, put_text, put_varint};
use super::datatype::{self, Shape};

const KEYS_FOLLOW: u64 = 1 << 9;
const SHARED_DICTIONARY: u64 = 1 << 8;

/// Reads the prefixes of `shape`, writes them with the names of dynamic types as text, and gives the shape that the data have:
/// dynamic types have become variants, objects have become tuples.
pub fn prefix(from: &mut Cursor<'_>, shape: &Shape, out: &mut Vec<u8>) -> Read<Shape> {
    match shape {
        Shape::Fixed(_) | Shape::String => Ok(shape.clone()),
        Shape::Opaque(name) => Err(Fault::Unsupported(format!(
            "values of type {name} (finalizeAggregation() gives plain ones)"
        ))),
        Shape::Nullable(inner) => Ok(Shape::Nullable(Box::new(prefix(from, inner, out)?))),
        Shape::Array(inner) => Ok(Shape::Array(Box::new(prefix(from, inner, out)?))),
        Shape::LowCardinality(keys) => {
            out.extend_from_slice(from.take(8)?);
            Ok(Shape::LowCardinality(keys.clone()))
        }
        Shape::Tuple(parts) => Ok(Shape::Tuple(prefixes(from, parts, out)?)),
        Shape::Variant(parts) => {
            out.extend_from_slice(basic_mode(from)?);
            Ok(Shape::Variant(prefixes(from, parts, out)?))
        }
        Shape::Dynamic => dynamic(from, out),
        Shape::Json(typed) => object(from, typed, out),
    }
}

fn prefixes(from: &mut Cursor<'_>, parts: &[Shape], out: &mut Vec<u8>) -> Read<Vec<Shape>> {
    parts.iter().map(|part| prefix(from, part, out)).collect()
}

fn basic_mode<'a>(from: &mut Cursor<'a>) -> Read<&'a [u8]> {
    let mode = from.take(8)?;
    if mode != [0; 8] {
        return Err(Fault::Unsupported("compact discriminators of a Variant".into()));
    }
    Ok(mode)
}

/// Version 1 has one number more than version 2. The variants lie in the order of their names, the shared one among them.
fn dynamic(from: &mut Cursor<'_>, out: &mut Vec<u8>) -> Read<Shape> {
    let version = from.take(8)?;
    out.extend_from_slice(version);
    match version[0] {
        1 => put_varint(out, from.varint()?),
        2 => {}
        other => return Err(Fault::Unsupported(format!("version {other} of Dynamic"))),
    }
    let count = from.varint()?;
    put_varint(out, count);
    let mut parts = vec![("SharedVariant".to_owned(), Shape::String)];
    for _ in 0..count {
        let found = datatype::read(from)?;
        put_text(out, &found.name);
        parts.push((found.name, found.shape));
    }
    parts.sort_by(|left, right| left.0.cmp(&right.0));
    let shapes: Vec<Shape> = parts.into_iter().map(|part| part.1).collect();
    out.extend_from_slice(basic_mode(from)?);
    Ok(Shape::Variant(prefixes(from, &shapes, out)?))
}

fn object(from: &mut Cursor<'_>, typed: &[Shape], out: &mut Vec<u8>) -> Read<Shape> {
    let version = from.take(8)?;
    out.extend_from_slice(version);
    match version[0] {
        0 => put_varint(out, from.varint()?),
        1 => return Ok(Shape::String),
        2 => {}
        other => return Err(Fault::Unsupported(format!("version {other} of JSON"))),
    }
    let count = from.varint()?;
    put_varint(out, count);
    for _ in 0..count {
        let path = from.string()?;
        put_varint(out, path.len());
        out.extend_from_slice(path);
    }
    let mut parts = prefixes(from, typed, out)?;
    for _ in 0..count {
        parts.push(dynamic(from, out)?);
    }
    parts.push(Shape::Array(Box::new(Shape::Tuple(vec![Shape::String, Shape::String]))));
    Ok(Shape::Tuple(parts))
}

/// Steps over the data of `rows` values.
pub fn data(from: &mut Cursor<'_>, shape: &Shape, rows: usize) -> Read<()> {
    match shape {
        Shape::Fixed(size) => from.skip(rows, *size),
        Shape::String => (0..rows).try_for_each(|_| from.string().map(drop)),
        Shape::Nullable(inner) => {
            from.skip(rows, 1)?;
            data(from, inner, rows)
        }
        Shape::Array(inner) => {
            let offsets = rows.checked_mul(8).ok_or(Fault::Incomplete).and_then(|size| from.take(size))?;
            let last = offsets.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last));
            let total = usize::try_from(last).map_err(|_| Fault::Malformed("an array's offset".into()))?;
            data(from, inner, total)
        }
        Shape::Tuple(parts) => parts.iter().try_for_each(|part| data(from, part, rows)),
        Shape::LowCardinality(keys) => low_cardinality(from, keys, rows),
        Shape::Variant(parts) => {
            let mut counts = vec![0usize; 256];
            from.take(rows)?.iter().for_each(|kind| counts[usize::from(*kind)] += 1);
            parts.iter().zip(counts).try_for_each(|(part, count)| data(from, part, count))
        }
        Shape::Dynamic | Shape::Json(_) | Shape::Opaque(_) => Err(Fault::Malformed("data without a prefix".into())),
    }
}

fn low_cardinality(from: &mut Cursor<'_>, keys: &Shape, rows: usize) -> Read<()> {
    if rows == 0 {
        return Ok(());
    }
    let flags = from.u64()?;
    if flags & SHARED_DICTIONARY != 0 || flags & KEYS_FOLLOW == 0 || flags & 0xff > 3 {
        return Err(Fault::Unsupported(format!("a LowCardinality dictionary of kind 0x{flags:x}")));
    }
    let count = from.count()?;
    data(from, keys, count)?;
    let indexes = from.count()?;
    from.skip(indexes, 1 << (flags & 0xff))
}
