//! ClickHouse's binary encoding of data types, read into a name and a shape.
//!
//! Source: <https://clickhouse.com/docs/en/sql-reference/data-types/data-types-binary-encoding>.

use super::cursor::{Cursor, Fault, Read};

const DEEPEST: usize = 64;
const MOST_ELEMENTS: usize = 100_000;

/// How a type's values lie in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// So many bytes a row. Also tuples of such types: a column after the other, the same number of bytes in all.
    Fixed(usize),
    String,
    Nullable(Box<Shape>),
    Array(Box<Shape>),
    Tuple(Vec<Shape>),
    LowCardinality(Box<Shape>),
    Variant(Vec<Shape>),
    Dynamic,
    Json(Vec<Shape>),
    /// Values whose size only their function knows.
    Opaque(String),
}

/// A type as ClickHouse writes its name, and its shape.
pub struct DataType {
    pub name: String,
    pub shape: Shape,
}

fn typed(name: impl Into<String>, shape: Shape) -> DataType {
    DataType { name: name.into(), shape }
}

pub fn read(from: &mut Cursor<'_>) -> Read<DataType> {
    read_at(from, 0)
}

fn read_at(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    if depth > DEEPEST {
        return Err(Fault::Malformed("a type is nested too deeply".into()));
    }
    let tag = from.byte()?;
    if let Some((name, size)) = plain(tag) {
        return Ok(typed(name, Shape::Fixed(size)));
    }
    match tag {
        0x12 => Ok(typed(format!("DateTime({})", quote(&from.text()?)), Shape::Fixed(4))),
        0x13 => Ok(typed(format!("DateTime64({})", from.byte()?), Shape::Fixed(8))),
        0x14 => Ok(typed(
            format!("DateTime64({}, {})", from.byte()?, quote(&from.text()?)),
            Shape::Fixed(8),
        )),
        0x15 => Ok(typed("String", Shape::String)),
        0x16 => from.varint().map(|size| typed(format!("FixedString({size})"), Shape::Fixed(size))),
        0x17 | 0x18 => enumeration(from, tag == 0x18),
        0x19..=0x1c => Ok(typed(
            format!("Decimal({}, {})", from.byte()?, from.byte()?),
            Shape::Fixed(4 << (tag - 0x19)),
        )),
        0x1e => read_at(from, depth + 1).map(|inner| typed(format!("Array({})", inner.name), Shape::Array(Box::new(inner.shape)))),
        0x1f | 0x20 => tuple(from, depth, tag == 0x20),
        0x22 => interval(from.byte()?),
        0x23 => read_at(from, depth + 1).map(|inner| typed(format!("Nullable({})", inner.name), Shape::Nullable(Box::new(inner.shape)))),
        0x25 => aggregate(from, depth),
        0x26 => low_cardinality(from, depth),
        0x27 => map(from, depth),
        0x2a => variant(from, depth),
        0x2b => Ok(match from.byte()? {
            32 => typed("Dynamic", Shape::Dynamic),
            most => typed(format!("Dynamic(max_types={most})"), Shape::Dynamic),
        }),
        0x2c => custom(from.text()?),
        0x2e => simple_aggregate(from, depth),
        0x2f => nested(from, depth),
        0x30 => json(from, depth),
        0x34 => Ok(typed(format!("Time64({})", from.byte()?), Shape::Fixed(8))),
        0x36 => qbit(from, depth),
        other => Err(Fault::Unsupported(format!("data type 0x{other:02x}"))),
    }
}

fn plain(tag: u8) -> Option<(&'static str, usize)> {
    Some(match tag {
        0x00 => ("Nothing", 1),
        0x01 => ("UInt8", 1),
        0x02 => ("UInt16", 2),
        0x03 => ("UInt32", 4),
        0x04 => ("UInt64", 8),
        0x05 => ("UInt128", 16),
        0x06 => ("UInt256", 32),
        0x07 => ("Int8", 1),
        0x08 => ("Int16", 2),
        0x09 => ("Int32", 4),
        0x0a => ("Int64", 8),
        0x0b => ("Int128", 16),
        0x0c => ("Int256", 32),
        0x0d => ("Float32", 4),
        0x0e => ("Float64", 8),
        0x0f => ("Date", 2),
        0x10 => ("Date32", 4),
        0x11 => ("DateTime", 4),
        0x1d => ("UUID", 16),
        0x28 => ("IPv4", 4),
        0x29 => ("IPv6", 16),
        0x2d => ("Bool", 1),
        0x31 => ("BFloat16", 2),
        0x32 => ("Time", 4),
        _ => return None,
    })
}

fn elements(from: &mut Cursor<'_>) -> Read<usize> {
    match from.varint()? {
        count if count > MOST_ELEMENTS => Err(Fault::Malformed(format!("a type has {count} elements"))),
        count => Ok(count),
    }
}

fn enumeration(from: &mut Cursor<'_>, wide: bool) -> Read<DataType> {
    let mut parts = Vec::new();
    for _ in 0..elements(from)? {
        let name = quote(&from.text()?);
        let value = if wide {
            i16::from_le_bytes(from.take(2)?.try_into().unwrap_or_default())
        } else {
            i16::from(from.byte()? as i8)
        };
        parts.push(format!("{name} = {value}"));
    }
    let (name, size) = if wide { ("Enum16", 2) } else { ("Enum8", 1) };
    Ok(typed(format!("{name}({})", parts.join(", ")), Shape::Fixed(size)))
}

fn tuple(from: &mut Cursor<'_>, depth: usize, named: bool) -> Read<DataType> {
    let (mut names, mut shapes) = (Vec::new(), Vec::new());
    for _ in 0..elements(from)? {
        let prefix = if named {
            format!("{} ", identifier(&from.text()?))
        } else {
            String::new()
        };
        let inner = read_at(from, depth + 1)?;
        names.push(prefix + &inner.name);
        shapes.push(inner.shape);
    }
    // A tuple of nothing still has a byte a row.
    let shape = if shapes.is_empty() { Shape::Fixed(1) } else { Shape::Tuple(shapes) };
    Ok(typed(format!("Tuple({})", names.join(", ")), shape))
}

fn interval(kind: u8) -> Read<DataType> {
    const NAMES: [&str; 11] = [
        "Nanosecond",
        "Microsecond",
        "Millisecond",
        "Second",
        "Minute",
        "Hour",
        "Day",
        "Week",
        "Month",
        "Quarter",
        "Year",
    ];
    let name = NAMES.get(if kind == 0x1a { 10 } else { usize::from(kind) });
    name.map(|name| typed(format!("Interval{name}"), Shape::Fixed(8)))
        .ok_or_else(|| Fault::Malformed(format!("interval kind {kind}")))
}

fn low_cardinality(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let inner = read_at(from, depth + 1)?;
    // The dictionary holds plain values; NULL is its first key.
    let keys = match inner.shape {
        Shape::Nullable(shape) => shape,
        shape => Box::new(shape),
    };
    Ok(typed(format!("LowCardinality({})", inner.name), Shape::LowCardinality(keys)))
}

fn map(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let (key, value) = (read_at(from, depth + 1)?, read_at(from, depth + 1)?);
    let shape = Shape::Array(Box::new(Shape::Tuple(vec![key.shape, value.shape])));
    Ok(typed(format!("Map({}, {})", key.name, value.name), shape))
}

fn variant(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let (mut names, mut shapes) = (Vec::new(), Vec::new());
    for _ in 0..elements(from)? {
        let inner = read_at(from, depth + 1)?;
        names.push(inner.name);
        shapes.push(inner.shape);
    }
    Ok(typed(format!("Variant({})", names.join(", ")), Shape::Variant(shapes)))
}

fn custom(name: String) -> Read<DataType> {
    let array = |shape: &Shape| Shape::Array(Box::new(shape.clone()));
    let point = Shape::Fixed(16);
    let (line, polygon) = (array(&point), array(&array(&point)));
    let shape = match name.as_str() {
        "Point" => point,
        "Ring" | "LineString" => line,
        "Polygon" | "MultiLineString" => polygon,
        "MultiPolygon" => array(&polygon),
        "Geometry" => Shape::Variant(vec![line.clone(), polygon.clone(), array(&polygon), point, polygon, line]),
        _ => return Err(Fault::Unsupported(format!("data type {name}"))),
    };
    Ok(typed(name, shape))
}

/// The function's name and its argument types; parameters are values, which have no text here.
fn function(from: &mut Cursor<'_>, depth: usize) -> Read<(String, Vec<DataType>)> {
    let name = from.text()?;
    if elements(from)? > 0 {
        return Err(Fault::Unsupported(format!("aggregate function {name} with parameters")));
    }
    let mut arguments = Vec::new();
    for _ in 0..elements(from)? {
        arguments.push(read_at(from, depth + 1)?);
    }
    Ok((name, arguments))
}

fn aggregate(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    from.varint()?;
    let (name, arguments) = function(from, depth)?;
    let name = std::iter::once(name)
        .chain(arguments.into_iter().map(|one| one.name))
        .collect::<Vec<_>>()
        .join(", ");
    let name = format!("AggregateFunction({name})");
    Ok(typed(name.clone(), Shape::Opaque(name)))
}

fn simple_aggregate(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let (name, arguments) = function(from, depth)?;
    let names = arguments.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let shape = arguments
        .into_iter()
        .next()
        .map(|one| one.shape)
        .ok_or_else(|| Fault::Malformed(format!("{name} of nothing")))?;
    Ok(typed(format!("SimpleAggregateFunction({name}, {names})"), shape))
}

fn nested(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let inner = tuple(from, depth, true)?;
    let name = format!("Nested{}", inner.name.strip_prefix("Tuple").unwrap_or_default());
    Ok(typed(name, Shape::Array(Box::new(inner.shape))))
}

fn json(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    from.byte()?;
    let (paths, types) = (from.varint()?, from.byte()?);
    let mut parts = Vec::new();
    if paths != 1024 {
        parts.push(format!("max_dynamic_paths={paths}"));
    }
    if types != 32 {
        parts.push(format!("max_dynamic_types={types}"));
    }
    // The type lists its paths in no order at all; its name and its data have them sorted.
    let mut paths = Vec::new();
    for _ in 0..elements(from)? {
        paths.push((from.text()?, read_at(from, depth + 1)?));
    }
    paths.sort_by(|left, right| left.0.cmp(&right.0));
    parts.extend(paths.iter().map(|(path, inner)| format!("{} {}", typed_path(path), inner.name)));
    let shapes = paths.into_iter().map(|(_, inner)| inner.shape).collect();
    let mut skipped = (0..elements(from)?).map(|_| from.text()).collect::<Read<Vec<_>>>()?;
    skipped.sort_unstable();
    parts.extend(skipped.iter().map(|path| format!("SKIP {}", identifier(path))));
    let mut patterns = (0..elements(from)?).map(|_| from.text()).collect::<Read<Vec<_>>>()?;
    patterns.sort_unstable();
    parts.extend(patterns.iter().map(|pattern| format!("SKIP REGEXP {}", quote(pattern))));
    let name = if parts.is_empty() {
        "JSON".into()
    } else {
        format!("JSON({})", parts.join(", "))
    };
    Ok(typed(name, Shape::Json(shapes)))
}

fn qbit(from: &mut Cursor<'_>, depth: usize) -> Read<DataType> {
    let (element, size) = (read_at(from, depth + 1)?, from.varint()?);
    let Shape::Fixed(bytes) = element.shape else {
        return Err(Fault::Malformed("QBit of something without a size".into()));
    };
    // One FixedString for each bit of the element, each with a bit for each dimension.
    Ok(typed(
        format!("QBit({}, {size})", element.name),
        Shape::Fixed(bytes.saturating_mul(8).saturating_mul(size.div_ceil(8))),
    ))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Words that are plain names to look at and that the engine quotes all the same.
const QUOTED: [&str; 13] = [
    "all", "distinct", "false", "from", "inf", "nan", "null", "select", "some", "table", "top", "true", "values",
];

fn identifier(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
        && !QUOTED.iter().any(|word| word.eq_ignore_ascii_case(name));
    if plain { name.into() } else { backquoted(name) }
}

fn backquoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A path with a type: one that is called SKIP would be read as the word.
fn typed_path(path: &str) -> String {
    if path.eq_ignore_ascii_case("skip") {
        backquoted(path)
    } else {
        identifier(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_the_engine_quotes_them() {
        let told: Vec<String> = ["a", "_b1", "a.b", "x y", "From", "skip", "1a", "a`b"]
            .into_iter()
            .map(identifier)
            .collect();
        assert_eq!(told, ["a", "_b1", "`a.b`", "`x y`", "`From`", "skip", "`1a`", "`a\\`b`"]);
        assert_eq!(typed_path("SKIP"), "`SKIP`");
    }
}
