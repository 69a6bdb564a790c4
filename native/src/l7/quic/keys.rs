//! Keys of Initial packets (RFC 9001, 5.2; RFC 9369, 3.3): they follow from the id that the client made up, so whoever sees it can read them.

use super::packet::{Packet, Version};
use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, Payload};
use hkdf::Hkdf;
use sha2::Sha256;

const SALT_V1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
];
const SALT_V2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
];
/// Of drafts 29 to 32; later ones have that of version 1.
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99,
];
/// Of drafts 23 to 28.
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02,
];
/// Bytes behind the start of the packet number from which the header's protection is made.
const SAMPLE_AT: usize = 4;
const BLOCK: usize = 16;

/// Keys of one direction.
pub struct Keys {
    packets: Aes128Gcm,
    header: Aes128,
    iv: [u8; 12],
}

impl Keys {
    /// Those of the packets that the client, or the server, sends.
    pub fn of(version: Version, target: &[u8], from_client: bool) -> Keys {
        let salt = match version {
            Version::V2 => &SALT_V2,
            Version::Draft(..29) | Version::Mvfst => &SALT_DRAFT_23,
            Version::Draft(29..=32) => &SALT_DRAFT_29,
            Version::V1 | Version::Draft(_) => &SALT_V1,
        };
        let labels: [&[u8]; 3] = match version {
            Version::V2 => [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"],
            _ => [b"quic key", b"quic iv", b"quic hp"],
        };
        let (_, initial) = Hkdf::<Sha256>::extract(Some(salt), target);
        let mut secret = [0; 32];
        expand(&initial, if from_client { b"client in" } else { b"server in" }, &mut secret);
        // A pseudo-random key that is as long as the hash is always taken.
        let secret = Hkdf::<Sha256>::from_prk(&secret).unwrap_or(initial);
        let (mut key, mut iv, mut header) = ([0; BLOCK], [0; 12], [0; BLOCK]);
        expand(&secret, labels[0], &mut key);
        expand(&secret, labels[1], &mut iv);
        expand(&secret, labels[2], &mut header);
        Keys {
            packets: Aes128Gcm::new(&Array::from(key)),
            header: Aes128::new(&Array::from(header)),
            iv,
        }
    }

    /// The frames of a packet, `None` where these are not its keys.
    pub fn open(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let at = packet.number_at;
        let sample: [u8; BLOCK] = packet.bytes.get(at + SAMPLE_AT..)?.first_chunk().copied()?;
        let mut mask = Array::from(sample);
        self.header.encrypt_block(&mut mask);
        let mut front = packet.bytes.get(..at + SAMPLE_AT)?.to_vec();
        front[0] ^= mask[0] & 0x0f;
        let size = usize::from(front[0] & 3) + 1;
        front.truncate(at + size);
        let mut nonce = self.iv;
        for nth in 0..size {
            front[at + nth] ^= mask[1 + nth];
            nonce[12 - size + nth] ^= front[at + nth];
        }
        let payload = Payload {
            msg: &packet.bytes[at + size..],
            aad: &front,
        };
        self.packets.decrypt(&Array::from(nonce), payload).ok()
    }
}

/// HKDF-Expand-Label (RFC 8446, 7.1) without context.
fn expand(secret: &Hkdf<Sha256>, label: &[u8], output: &mut [u8]) {
    let mut info = Vec::with_capacity(32);
    info.extend((output.len() as u16).to_be_bytes());
    info.push(6 + label.len() as u8);
    info.extend(b"tls13 ");
    info.extend(label);
    info.push(0);
    // It fails only for outputs of thousands of bytes.
    let _ = secret.expand(&info, output);
}
