//! Bodies of Fastjson: one JSON value a line.

use memchr::{memchr, memmem};

/// The lines of a body.
pub fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n')
}

/// A text without its quotes; escapes stay as they are.
pub fn text(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"\"")?;
    let end = end(rest)?;
    Some(&rest[..end])
}

/// Where the text that begins here ends.
fn end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(b'"', text.get(at..)?)?;
        let slashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        at += 1;
    }
}

/// The pairs of an object in one line that are texts.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let start = memchr(b'"', rest)? + 1;
            let key_end = start + end(&rest[start..])?;
            let key = &rest[start..key_end];
            rest = &rest[key_end + 1..];
            if let Some(value) = rest.strip_prefix(b":\"") {
                let value_end = end(value)?;
                rest = &value[value_end + 1..];
                return Some((key, &value[..value_end]));
            }
        }
    })
}

/// The text of a key, wherever it is.
pub fn find<'a>(line: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let at = memmem::find(line, format!("\"{key}\":\"").as_bytes())?;
    text(&line[at + key.len() + 3..])
}
