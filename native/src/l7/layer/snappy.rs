//! Snappy's block format (<https://github.com/google/snappy/blob/main/format_description.txt>).

/// Appends what `packed` was before to `plain`; `None` where it makes no sense or gives more than `limit` bytes.
pub fn unpack(packed: &[u8], plain: &mut Vec<u8>, limit: usize) -> Option<()> {
    let (size, mut at) = length(packed)?;
    if size > limit {
        return None;
    }
    let start = plain.len();
    plain.reserve(size);
    while at < packed.len() {
        let tag = packed[at];
        let high = usize::from(tag >> 2);
        at += 1;
        if tag & 3 == 0 {
            let extra = high.saturating_sub(59);
            let run = if extra == 0 { high } else { little(packed.get(at..at + extra)?) } + 1;
            at += extra;
            plain.extend_from_slice(packed.get(at..at.checked_add(run)?)?);
            at += run;
        } else {
            let (run, offset, extra) = match tag & 3 {
                1 => (4 + (high & 7), usize::from(tag >> 5) << 8 | usize::from(*packed.get(at)?), 1),
                2 => (high + 1, little(packed.get(at..at + 2)?), 2),
                _ => (high + 1, little(packed.get(at..at + 4)?), 4),
            };
            at += extra;
            let from = plain.len().checked_sub(offset).filter(|from| offset > 0 && *from >= start)?;
            // A copy may overlap what it makes.
            for byte in from..from + run {
                plain.push(plain[byte]);
            }
        }
        if plain.len() - start > size {
            return None;
        }
    }
    (plain.len() - start == size).then_some(())
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
            assert_eq!(unpack(packed, &mut plain, 200), Some(()), "{packed:?}");
            assert_eq!(&plain[6..], wanted);
        }
        assert_eq!(unpack(&long, &mut Vec::new(), 199), None);
    }

    #[test]
    fn a_copy_from_before_the_block_is_refused() {
        for packed in [
            &b"\x06\x04ab\x0e\x03\0"[..],
            b"\x06\x04ab\x0e\0\0",
            b"\x03\x08ab",
            b"\xff\xff\xff\xff\x0f",
        ] {
            assert_eq!(unpack(packed, &mut b"before".to_vec(), 100), None);
        }
    }
}
