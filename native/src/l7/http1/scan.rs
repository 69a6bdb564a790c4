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
        memchr(b'\n', &bytes[at..]).map(|end| at + end)
    }
    #[cfg(not(target_arch = "x86_64"))]
    memchr(b'\n', bytes)
}

/// Bytes that are looked at here; a longer line is worth more than that.
#[cfg(target_arch = "x86_64")]
const NEAR: usize = 128;

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
        fn a_value_is_trimmed(bytes in proptest::collection::vec(proptest::sample::select(b" \t\rab".to_vec()), 0..8)) {
            prop_assert_eq!(value(&bytes), bytes.trim_ascii());
        }
    }
}
