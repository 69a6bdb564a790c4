//! Headers in JSON: an object with one object of texts in it, as Fastjson writes them.

use super::Head;
use crate::l7::frame::Bytes;

/// Reads a header; the pairs of `extFields` are handed on. Escapes stay as they are.
pub fn read<'a>(header: &'a [u8], field: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Option<Head<'a>> {
    let mut rest = Bytes(header);
    let mut head = Head::default();
    let (mut has_code, mut has_opaque) = (false, false);
    expect(&mut rest, b'{')?;
    loop {
        let key = text(&mut rest)?;
        expect(&mut rest, b':')?;
        match key {
            b"extFields" if peek(&mut rest)? == b'{' => fields(&mut rest, field)?,
            b"remark" if peek(&mut rest)? == b'"' => head.remark = text(&mut rest)?,
            _ => {
                let number = scalar(&mut rest)?;
                match key {
                    b"code" => (head.code, has_code) = (number?, true),
                    b"opaque" => (head.opaque, has_opaque) = (number?, true),
                    b"flag" => head.flag = number?,
                    b"version" => head.version = number.unwrap_or(0),
                    _ => {}
                }
            }
        }
        match next(&mut rest)? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    (has_code && has_opaque).then_some(head)
}

fn fields<'a>(rest: &mut Bytes<'a>, field: &mut dyn FnMut(&'a [u8], &'a [u8])) -> Option<()> {
    expect(rest, b'{')?;
    if peek(rest)? == b'}' {
        return expect(rest, b'}');
    }
    loop {
        let key = text(rest)?;
        expect(rest, b':')?;
        if peek(rest)? == b'"' {
            field(key, text(rest)?);
        } else {
            let before = rest.0;
            scalar(rest)?;
            field(key, before[..before.len() - rest.0.len()].trim_ascii());
        }
        match next(rest)? {
            b',' => {}
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

fn peek(rest: &mut Bytes<'_>) -> Option<u8> {
    rest.0 = rest.0.trim_ascii_start();
    rest.0.first().copied()
}

fn next(rest: &mut Bytes<'_>) -> Option<u8> {
    peek(rest)?;
    rest.u8()
}

fn expect(rest: &mut Bytes<'_>, wanted: u8) -> Option<()> {
    (next(rest)? == wanted).then_some(())
}

fn text<'a>(rest: &mut Bytes<'a>) -> Option<&'a [u8]> {
    expect(rest, b'"')?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', rest.0.get(at..)?)?;
        if rest.0[at] == b'"' {
            let text = rest.take(at)?;
            rest.u8()?;
            return Some(text);
        }
        at += 2;
    }
}

/// Passes over a text, a number, a word or an empty list; tells the number.
fn scalar(rest: &mut Bytes<'_>) -> Option<Option<i32>> {
    if peek(rest)? == b'"' {
        return text(rest).map(|_| None);
    }
    let size = rest.0.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    let word = rest.take(size)?;
    let sound = word
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b' ' | b'[' | b']'));
    sound.then(|| std::str::from_utf8(word.trim_ascii()).ok().and_then(|word| word.parse().ok()))
}

/// The properties of a message: `name 1 value 2 …`, the separators as they are or escaped.
pub fn properties(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    const NAME_END: [&[u8]; 2] = [b"\\u0001", b"\x01"];
    const VALUE_END: [&[u8]; 2] = [b"\\u0002", b"\x02"];
    let escaped = memchr::memchr(1, text).is_none();
    let [name_end, value_end] = [NAME_END, VALUE_END].map(|ends| ends[usize::from(!escaped)]);
    let mut rest = text;
    std::iter::from_fn(move || {
        let name = memchr::memmem::find(rest, name_end)?;
        let value = &rest[name + name_end.len()..];
        let size = memchr::memmem::find(value, value_end).unwrap_or(value.len());
        let pair = (&rest[..name], &value[..size]);
        rest = value.get(size + value_end.len()..).unwrap_or_default();
        Some(pair)
    })
}
