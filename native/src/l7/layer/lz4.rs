//! LZ4's block format (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>).

/// Appends at most `room` bytes of what `packed`, the end of which can be missing, was before; `None` where it makes no sense.
pub fn front(packed: &[u8], plain: &mut Vec<u8>, room: usize) -> Option<()> {
    let start = plain.len();
    let end = start + room;
    let mut at = 0;
    while at < packed.len() && plain.len() < end {
        let token = packed[at];
        at += 1;
        let Some(literals) = long(packed, &mut at, usize::from(token >> 4)) else {
            break;
        };
        let here = literals.min(packed.len() - at);
        plain.extend_from_slice(&packed[at..at + here.min(end - plain.len())]);
        at += here;
        // The last sequence has literals only.
        let Some(offset) = packed.get(at..at + 2) else { break };
        at += 2;
        let offset = usize::from(offset[0]) | usize::from(offset[1]) << 8;
        let Some(run) = long(packed, &mut at, usize::from(token & 15)) else {
            break;
        };
        copy(plain, start, offset, (run + 4).min(end - plain.len()))?;
    }
    Some(())
}

/// A length of which the first 15 are known.
fn long(packed: &[u8], at: &mut usize, mut length: usize) -> Option<usize> {
    if length == 15 {
        loop {
            let byte = *packed.get(*at)?;
            *at += 1;
            length += usize::from(byte);
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}

/// Appends `run` bytes that came `offset` bytes before; they may overlap what they make.
pub fn copy(plain: &mut Vec<u8>, start: usize, offset: usize, run: usize) -> Option<()> {
    let from = plain.len().checked_sub(offset).filter(|from| offset > 0 && *from >= start)?;
    if offset >= run {
        plain.extend_from_within(from..from + run);
    } else {
        for byte in from..from + run {
            plain.push(plain[byte]);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_of_what_was_packed_is_a_front_of_what_it_was() {
        let wanted: Vec<u8> = (0..5000_u32).map(|at| (at * at / 97 % 251) as u8).chain([7; 5000]).collect();
        let packed = lz4_flex::block::compress(&wanted);
        for (kept, room) in [
            (packed.len(), 10_000),
            (packed.len(), 77),
            (packed.len() / 2, 10_000),
            (3, 10_000),
            (0, 5),
        ] {
            let mut plain = b"before".to_vec();
            assert_eq!(front(&packed[..kept], &mut plain, room), Some(()));
            assert!(wanted.starts_with(&plain[6..]) && plain.len() <= 6 + room);
            assert!(kept < packed.len() || plain.len() == 6 + room.min(wanted.len()));
        }
        assert_eq!(front(b"\x00\x00\x00", &mut b"before".to_vec(), 100), None);
        assert_eq!(front(b"\x10a\x02\x00", &mut b"before".to_vec(), 100), None);
    }
}
