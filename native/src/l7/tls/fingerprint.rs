//! What a client's hello looks like, whoever sends it: JA3 (MD5 of the numbers as they come) and JA4 (sorted, with a part that people can read).
//!
//! Sources: <https://github.com/salesforce/ja3>, <https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md>

use super::extension::{ALPN, SNI};
use super::hello::{ClientHello, Over};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::io::Write;

/// Numbers of a list that are written; scanners send all ciphers there are, which is a third of that.
const MAX_NUMBERS: usize = 1024;

/// Numbers that say nothing: clients mix them in so that servers do not choke on new ones (RFC 8701).
pub fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// The 16-bit numbers of a list, without GREASE.
pub fn numbers(list: &[u8]) -> impl Iterator<Item = u16> + '_ {
    let pairs = list.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    pairs.filter(|number| !is_grease(*number)).take(MAX_NUMBERS)
}

fn decimal(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    for (nth, number) in numbers.enumerate() {
        if nth > 0 {
            text.push(b'-');
        }
        let _ = write!(text, "{number}");
    }
}

fn hexadecimal(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    for (nth, number) in numbers.enumerate() {
        if nth > 0 {
            text.push(b',');
        }
        let _ = write!(text, "{number:04x}");
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8], text: &mut Vec<u8>) {
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
}

fn md5(text: &[u8]) -> Vec<u8> {
    let mut printed = Vec::with_capacity(32);
    hex(&Md5::digest(text), &mut printed);
    printed
}

/// JA3: version, ciphers, extensions, curves, point formats.
pub fn ja3(hello: &ClientHello<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    let _ = write!(text, "{},", hello.version);
    decimal(&mut text, numbers(hello.ciphers));
    text.push(b',');
    decimal(&mut text, hello.extensions());
    text.push(b',');
    decimal(&mut text, numbers(hello.groups));
    text.push(b',');
    decimal(&mut text, hello.point_formats.iter().map(|format| u16::from(*format)));
    md5(&text)
}

/// JA3S: version, cipher, extensions of the server's hello.
pub fn ja3s(version: u16, cipher: u16, extensions: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    let _ = write!(text, "{version},{cipher},");
    decimal(&mut text, extensions);
    md5(&text)
}

/// JA4: its first character tells what the hello came over.
pub fn ja4(hello: &ClientHello<'_>, over: Over) -> Vec<u8> {
    let version = match hello.highest_version() {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    };
    let mut ciphers: Vec<u16> = numbers(hello.ciphers).collect();
    let count = hello.extensions().count();
    let mut extensions: Vec<u16> = hello.extensions().filter(|kind| !matches!(*kind, SNI | ALPN)).collect();
    ciphers.sort_unstable();
    extensions.sort_unstable();
    let mut text = Vec::with_capacity(40);
    let (first, last) = ends(hello.first_protocol());
    let _ = write!(
        text,
        "{}{version}{}{:02}{:02}{first}{last}_",
        match over {
            Over::Tcp => 't',
            Over::Quic => 'q',
            Over::Datagrams => 'd',
        },
        if hello.extensions().any(|kind| kind == SNI) { 'd' } else { 'i' },
        ciphers.len().min(99),
        count.min(99),
    );
    let mut list = Vec::with_capacity(256);
    hexadecimal(&mut list, ciphers.iter().copied());
    front_of_hash(&list, &mut text);
    text.push(b'_');
    list.clear();
    hexadecimal(&mut list, extensions.iter().copied());
    let mut algorithms = numbers(hello.signature_algorithms).peekable();
    if !list.is_empty() && algorithms.peek().is_some() {
        list.push(b'_');
        hexadecimal(&mut list, algorithms);
    }
    front_of_hash(&list, &mut text);
    text
}

/// First and last character of the first protocol offered.
fn ends(protocol: &[u8]) -> (char, char) {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else {
        return ('0', '0');
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return (char::from(first), char::from(last));
    }
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    (digit(first >> 4), digit(last & 15))
}

fn front_of_hash(list: &[u8], text: &mut Vec<u8>) {
    if list.is_empty() {
        text.extend_from_slice(b"000000000000");
    } else {
        hex(&Sha256::digest(list)[..6], text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_that_others_publish() {
        // The example of JA3's own description.
        let text = b"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(md5(text), b"ada70206e40642a3e4461f35503241d5");
        // The example of JA4's: a browser.
        let mut hash = Vec::new();
        front_of_hash(
            b"002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9",
            &mut hash,
        );
        front_of_hash(
            b"0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601",
            &mut hash,
        );
        assert_eq!(hash, b"8daaf6152771e5627efa2ab1");
    }

    #[test]
    fn grease_is_left_out() {
        assert_eq!(
            numbers(&[0x0a, 0x0a, 0x13, 0x01, 0xfa, 0xfa, 0x0a, 0x1a]).collect::<Vec<_>>(),
            [0x1301, 0x0a1a]
        );
    }

    #[test]
    fn protocols_that_are_no_words_give_their_digits() {
        assert_eq!((ends(b"h2"), ends(b"http/1.1"), ends(b"")), (('h', '2'), ('h', '1'), ('0', '0')));
        assert_eq!(ends(&[0xab, 0xcd]), ('a', 'd'));
    }
}
