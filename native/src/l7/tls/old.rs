//! The hello of clients that would speak SSL 2 too (RFC 5246, E.2): it has the form of that, and what follows it is TLS.

use super::CLIENT_HELLO;

/// Bytes in front of the ciphers.
pub const FRONT: usize = 11;
/// The bit that tells a length of two bytes.
const MARK: u8 = 0x80;
/// Bytes of ciphers that are believed, three each.
const MAX_CIPHERS: usize = 3 * 256;

/// Whether such a hello can begin like this.
pub fn is_possible(bytes: &[u8]) -> bool {
    let fits = |nth: usize, check: fn(u8) -> bool| bytes.get(nth).is_none_or(|byte| check(*byte));
    match bytes.first_chunk() {
        Some(front) => size(front).is_some(),
        None => {
            fits(0, |first| first & MARK != 0)
                && fits(2, |kind| kind == CLIENT_HELLO)
                && fits(3, |major| major == 3)
                && fits(4, |minor| minor <= 3)
        }
    }
}

/// How long the hello is, `None` where none begins.
pub fn size(front: &[u8; FRONT]) -> Option<usize> {
    let number = |at: usize| usize::from(u16::from_be_bytes([front[at], front[at + 1]]));
    let length = number(0) & 0x7fff;
    let (ciphers, session, challenge) = (number(5), number(7), number(9));
    let is_hello = front[0] & MARK != 0 && front[2] == CLIENT_HELLO && front[3] == 3 && front[4] <= 3;
    let is_sound = (3..=MAX_CIPHERS).contains(&ciphers)
        && ciphers.is_multiple_of(3)
        && matches!(session, 0 | 16)
        && (16..=32).contains(&challenge)
        && length == FRONT - 2 + ciphers + session + challenge;
    (is_hello && is_sound).then_some(2 + length)
}
