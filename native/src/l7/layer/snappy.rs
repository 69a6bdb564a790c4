//! Snappy's block format (<https://github.com/google/snappy/blob/main/format_description.txt>).

use super::lz4::copy;

/// Appends at most `room` bytes of what `packed`, the end of which can be missing, was before; `None` where it makes no sense.
/// Returns how many bytes all of it is.
pub fn front(packed: &[u8], plain: &mut Vec<u8>, room: usize) -> Option<usize> {
    let (size, mut at) = length(packed)?;
    let start = plain.len();
    let end = start + room.min(size);
    while at < packed.len() && plain.len() < end {
        let tag = packed[at];
        let high = usize::from(tag >> 2);
        at += 1;
        if tag & 3 == 0 {
            let extra = high.saturating_sub(59);
            let Some(more) = packed.get(at..at + extra) else { break };
            let run = if extra == 0 { high } else { little(more) } + 1;
            at += extra;
            let here = run.min(packed.len() - at);
            plain.extend_from_slice(&packed[at..at + here.min(end - plain.len())]);
            at += here;
        } else {
            let (run, extra) = match tag & 3 {
                1 => (4 + (high & 7), 1),
                2 => (high + 1, 2),
                _ => (high + 1, 4),
            };
            let Some(more) = packed.get(at..at + extra) else { break };
            let offset = if extra == 1 { usize::from(tag >> 5) << 8 } else { 0 } | little(more);
            at += extra;
            copy(plain, start, offset, run.min(end - plain.len()))?;
        }
    }
    Some(size)
}

/// The length in front, and the bytes it takes.
fn length(packed: &[u8]) -> Option<(usize, usize)> {
    let mut size = 0_usize;
    for (at, byte) in packed.iter().take(5).enumerate() {
        size |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((size, at + 1));
        }
    }
    None
}

fn little(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_copies_of_each_kind() {
        let long = [b"\xc8\x01\xf0\xc7".as_slice(), &[b'x'; 200]].concat();
        for (packed, wanted) in [
            (&b"\x03\x08abc"[..], &b"abc"[..]),
            (b"\x08\x04ab\x09\x02", b"abababab"),
            (b"\x06\x04ab\x0e\x02\0", b"ababab"),
            (b"\x06\x04ab\x0f\x02\0\0\0", b"ababab"),
            (&long, &[b'x'; 200]),
        ] {
            let mut plain = b"before".to_vec();
            assert_eq!(front(packed, &mut plain, 1000), Some(wanted.len()), "{packed:?}");
            assert_eq!(&plain[6..], wanted);
            for kept in 1..packed.len() {
                let mut part = Vec::new();
                if front(&packed[..kept], &mut part, 1000).is_some() {
                    assert!(wanted.starts_with(&part));
                }
            }
            let mut little = Vec::new();
            front(packed, &mut little, 3);
            assert_eq!(little, wanted[..3]);
        }
    }

    #[test]
    fn a_copy_from_before_the_block_is_refused() {
        for packed in [&b"\x06\x04ab\x0e\x03\0"[..], b"\x06\x04ab\x0e\0\0", b"\xff\xff\xff\xff\xff"] {
            assert_eq!(front(packed, &mut b"before".to_vec(), 100), None);
        }
    }
}
