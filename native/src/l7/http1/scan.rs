//! Where lines and values end. Lines of a head are short: what counts is how little is done before the first byte is looked at.

use memchr::memchr;

/// Offset of the first line feed.
#[inline(always)]
pub(in crate::l7) fn line_end(bytes: &[u8]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
        let mut at = 0;
        while at < NEAR && at + 16 <= bytes.len() {
            // SAFETY: the 16 bytes from `at` on, which the load reads at any alignment, lie inside `bytes`; SSE2 is part of every x86-64.
            let found = unsafe {
                let data = _mm_loadu_si128(bytes.as_ptr().add(at).cast());
                _mm_movemask_epi8(_mm_cmpeq_epi8(data, _mm_set1_epi8(b'\n' as i8)))
            };
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize);
            }
            at += 16;
        }
        if at >= NEAR {
            return memchr(b'\n', &bytes[at..]).map(|end| at + end);
        }
        let Some(last) = bytes.last_chunk::<16>() else {
            return bytes.iter().position(|byte| *byte == b'\n');
        };
        // Fewer than 16 are left. They are looked at with some before them, among which there was none.
        // SAFETY: the load reads the 16 bytes of `last`, at any alignment.
        let found = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(last.as_ptr().cast()), _mm_set1_epi8(b'\n' as i8))) };
        (found != 0).then(|| bytes.len() - 16 + found.trailing_zeros() as usize)
    }
    #[cfg(not(target_arch = "x86_64"))]
    memchr(b'\n', bytes)
}

/// Bytes that are looked at here; a longer line is worth more than that.
#[cfg(target_arch = "x86_64")]
const NEAR: usize = 128;

/// Where the first segments of a path end: at the slash behind so many others, or at its query or fragment.
#[inline]
pub(super) fn segments_end(path: &[u8], slashes: usize) -> usize {
    let mut left = slashes;
    let mut at = 0;
    for piece in path.chunks(16) {
        let mut marks = marks(piece);
        while marks != 0 {
            let place = at + marks.trailing_zeros() as usize;
            if path[place] != b'/' || left == 0 {
                return place;
            }
            left -= 1;
            marks &= marks - 1;
        }
        at += piece.len();
    }
    path.len()
}

/// A bit for each `/`, `?` and `#` of up to 16 bytes.
#[inline(always)]
fn marks(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
        if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            // What the last eight share with the first is shifted out.
            let behind = u64::from_le_bytes(*last).checked_shr(8 * (16 - bytes.len()) as u32).unwrap_or(0);
            // SAFETY: SSE2 is part of every x86-64, and nothing here reads memory.
            return unsafe {
                let data = _mm_set_epi64x(behind as i64, i64::from_le_bytes(*first));
                let is = |byte: u8| _mm_cmpeq_epi8(data, _mm_set1_epi8(byte as i8));
                _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is(b'/'), is(b'?')), is(b'#'))) as u32
            };
        }
    }
    let mark = |(at, byte): (usize, &u8)| u32::from(matches!(byte, b'/' | b'?' | b'#')) << at;
    bytes.iter().enumerate().map(mark).fold(0, |marks, mark| marks | mark)
}

/// A field's value without the space around it, which usually is the one in front.
#[inline]
pub(super) fn value(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b' ', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_whitespace) && !rest.last().is_some_and(u8::is_ascii_whitespace) => {
            rest
        }
        _ => bytes.trim_ascii(),
    }
}

/// `bytes.trim_ascii()`, where there is most often nothing to trim.
#[inline]
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    match bytes {
        [first, .., last] if !first.is_ascii_whitespace() && !last.is_ascii_whitespace() => bytes,
        _ => bytes.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_line_ends_where_its_line_feed_is(mut bytes in proptest::collection::vec(0u8..=255, 0..400), at in 0usize..400) {
            bytes.iter_mut().for_each(|byte| *byte = if *byte == b'\n' { b'x' } else { *byte });
            prop_assert_eq!(line_end(&bytes), None);
            if at < bytes.len() {
                bytes[at] = b'\n';
                prop_assert_eq!(line_end(&bytes), Some(at));
            }
        }

        #[test]
        fn segments_end_where_one_byte_after_the_other_says(path in proptest::collection::vec(proptest::sample::select(b"/?#ab".to_vec()), 0..40), rare in 0usize..9, slashes in 0usize..6) {
            let path: Vec<u8> = path.iter().enumerate().map(|(at, byte)| if at % 9 < rare { b'x' } else { *byte }).collect();
            let mut left = slashes + 1;
            let end = path.iter().position(|byte| {
                left -= usize::from(*byte == b'/');
                left == 0 || matches!(byte, b'?' | b'#')
            });
            prop_assert_eq!(segments_end(&path, slashes), end.unwrap_or(path.len()));
        }

        #[test]
        fn a_value_is_trimmed(bytes in proptest::collection::vec(proptest::sample::select(b" \t\rab".to_vec()), 0..8)) {
            prop_assert_eq!(value(&bytes), bytes.trim_ascii());
        }
    }
}
