//! Search filters in the form in which people write them (RFC 4515).

use super::ber::Ber;

/// Bytes of a filter that are written, and how deep it may be.
const MAX_TEXT: usize = 1024;
const MAX_DEPTH: usize = 16;

/// Writes the filter with this tag and content; values become `?` where `hide`.
pub fn write(tag: u8, content: &[u8], hide: bool, text: &mut Vec<u8>) {
    nested(tag, content, hide, MAX_DEPTH, text);
}

fn nested(tag: u8, content: &[u8], hide: bool, depth: usize, text: &mut Vec<u8>) {
    if depth == 0 || text.len() > MAX_TEXT {
        text.extend("…".as_bytes());
        return;
    }
    text.push(b'(');
    let mut parts = Ber(content);
    match tag & 0x1f {
        kind @ 0..=2 => {
            text.push([b'&', b'|', b'!'][usize::from(kind)]);
            while let Some((tag, content)) = parts.next() {
                nested(tag, content, hide, depth - 1, text);
            }
        }
        4 => substrings(parts, hide, text),
        kind @ (3 | 5 | 6 | 8) => {
            plain(parts.next(), false, text);
            text.extend(match kind {
                5 => &b">="[..],
                6 => b"<=",
                8 => b"~=",
                _ => b"=",
            });
            plain(parts.next(), hide, text);
        }
        7 => {
            text.extend(content);
            text.extend(b"=*");
        }
        _ => extensible(parts, hide, text),
    }
    text.push(b')');
}

fn plain(value: Option<(u8, &[u8])>, hide: bool, text: &mut Vec<u8>) {
    match value {
        Some(_) if hide => text.push(b'?'),
        // What would be taken for the filter's own signs is written as its number.
        Some((_, value)) => {
            for byte in value.iter().take(MAX_TEXT) {
                if matches!(byte, b'(' | b')' | b'*' | b'\\' | 0) {
                    super::super::tls::fingerprint::hex(&[*byte], {
                        text.push(b'\\');
                        text
                    });
                } else {
                    text.push(*byte);
                }
            }
        }
        None => {}
    }
}

fn substrings(mut parts: Ber<'_>, hide: bool, text: &mut Vec<u8>) {
    plain(parts.next(), false, text);
    text.push(b'=');
    let mut pieces = Ber(parts.next().map_or(&[], |(_, pieces)| pieces));
    let mut ends_open = true;
    let mut nth = 0;
    while let Some((tag, piece)) = pieces.next() {
        // First, any, and last.
        if nth > 0 || tag & 3 != 0 {
            text.push(b'*');
        }
        plain(Some((tag, piece)), hide, text);
        ends_open = tag & 3 != 2;
        nth += 1;
    }
    if ends_open {
        text.push(b'*');
    }
}

fn extensible(mut parts: Ber<'_>, hide: bool, text: &mut Vec<u8>) {
    let mut value = None;
    while let Some((tag, content)) = parts.next() {
        match tag & 0x1f {
            1 => {
                text.push(b':');
                text.extend(content);
            }
            2 => text.extend(content),
            3 => value = Some((tag, content)),
            _ => {}
        }
    }
    text.extend(b":=");
    plain(value, hide, text);
}
