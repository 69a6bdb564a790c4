//! Five-tuples, and the hashes of them.

use crate::packet::{Ip, Packet};
use std::hash::{BuildHasher, RandomState};

/// What the packets of a flow have in common. The lower end comes first, whoever sent the packet.
#[derive(Clone, Copy, Debug, Default, Eq)]
#[repr(C)]
pub struct Key {
    pub low: Ip,
    pub high: Ip,
    /// All that is no address in one word, which is compared and hashed at once: from the lowest bits on the lower end's port, the higher end's,
    /// the scope, the protocol, and whether it is IPv6.
    rest: u64,
}

impl PartialEq for Key {
    /// Nearly always they are the same: all words are compared before it is asked once.
    #[inline]
    fn eq(&self, other: &Key) -> bool {
        let low = (self.low[0] ^ other.low[0]) | (self.low[1] ^ other.low[1]);
        let high = (self.high[0] ^ other.high[0]) | (self.high[1] ^ other.high[1]);
        low | high | (self.rest ^ other.rest) == 0
    }
}

impl Key {
    /// What no packet has: its lower end is the higher one.
    pub const NONE: Key = Key {
        low: [u64::MAX; 2],
        high: [0; 2],
        rest: 0,
    };

    /// The key of a packet, and whether its source is the lower end. `scope` is the network namespace or overlay network where the addresses mean
    /// nothing outside of it, else 0.
    #[inline]
    pub fn of(packet: &Packet, scope: u16) -> (Key, bool) {
        let (src, dst) = (packet.src, packet.dst);
        let (src_port, dst_port) = (u32::from(packet.src_port), u32::from(packet.dst_port));
        let forward = if packet.is_ipv6 {
            (src, src_port) <= (dst, dst_port)
        } else {
            // The whole of an IPv4 address is in its last 32 bits.
            (src[1] << 16 | u64::from(src_port)) <= (dst[1] << 16 | u64::from(dst_port))
        };
        // Packets go either way, and nobody can foresee which: ends change places without a branch.
        let turned = u64::from(forward).wrapping_sub(1);
        let change = [(src[0] ^ dst[0]) & turned, (src[1] ^ dst[1]) & turned];
        let ports = (src_port | dst_port << 16).rotate_left(16 * u32::from(!forward));
        let key = Key {
            low: [src[0] ^ change[0], src[1] ^ change[1]],
            high: [dst[0] ^ change[0], dst[1] ^ change[1]],
            rest: u64::from(ports) | u64::from(scope) << 32 | u64::from(packet.protocol) << 48 | u64::from(packet.is_ipv6) << 56,
        };
        (key, forward)
    }

    pub fn low_port(&self) -> u16 {
        self.rest as u16
    }

    pub fn high_port(&self) -> u16 {
        (self.rest >> 16) as u16
    }

    pub fn scope(&self) -> u16 {
        (self.rest >> 32) as u16
    }

    #[inline]
    pub fn protocol(&self) -> u8 {
        (self.rest >> 48) as u8
    }

    #[inline]
    fn is_ipv6(&self) -> bool {
        self.rest >> 56 != 0
    }
}

/// A keyed hash: who sends packets cannot choose which of them collide.
#[derive(Clone, Copy)]
pub struct Seed([u64; 3]);

impl Default for Seed {
    fn default() -> Self {
        let state = RandomState::new();
        Seed([0u64, 1, 2].map(|salt| state.hash_one(salt) | 1))
    }
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

impl Seed {
    #[inline]
    pub fn hash(&self, key: &Key) -> u64 {
        let mut hash = fold(key.low[1] ^ self.0[0], key.high[1] ^ self.0[1]);
        if key.is_ipv6() {
            hash = fold(hash ^ key.low[0], self.0[2]) ^ key.high[0];
        }
        fold(hash ^ key.rest, self.0[2])
    }

    #[inline]
    pub fn hash_words(&self, words: [u64; 3]) -> u64 {
        fold(fold(words[0] ^ self.0[0], words[1] ^ self.0[1]) ^ words[2], self.0[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_says_which_end_is_lower(words in proptest::array::uniform4(0u64..3), ports in proptest::array::uniform2(0u16..3), is_ipv6: bool, scope: u16) {
            let half = |word: u64| if is_ipv6 { word << 63 | word } else { 0 };
            let low = |word: u64| if is_ipv6 { word << 62 | word } else { word << 30 };
            let packet = Packet {
                src: [half(words[0]), low(words[1])],
                dst: [half(words[2]), low(words[3])],
                src_port: ports[0] << 14 | ports[0],
                dst_port: ports[1] << 14 | ports[1],
                protocol: 17,
                is_ipv6,
                ..Packet::default()
            };
            let (src, dst) = ((packet.src, packet.src_port), (packet.dst, packet.dst_port));
            let (key, forward) = Key::of(&packet, scope);
            prop_assert_eq!(forward, src <= dst);
            prop_assert_eq!([(key.low, key.low_port()), (key.high, key.high_port())], [src.min(dst), src.max(dst)]);
            prop_assert_eq!((key.scope(), key.protocol(), key.is_ipv6()), (scope, 17, is_ipv6));
            prop_assert!(key == key && key != Key::NONE);
        }
    }

    #[test]
    fn both_directions_have_one_key() {
        let there = Packet {
            src: [0, 9],
            dst: [0, 3],
            src_port: 1,
            dst_port: 2,
            protocol: 6,
            ..Packet::default()
        };
        let back = Packet {
            src: [0, 3],
            dst: [0, 9],
            src_port: 2,
            dst_port: 1,
            protocol: 6,
            ..Packet::default()
        };
        let (a, b) = (Key::of(&there, 0), Key::of(&back, 0));
        assert_eq!(a.0, b.0);
        assert_ne!(a.1, b.1);
    }
}
