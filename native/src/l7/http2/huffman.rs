//! HPACK's Huffman code (RFC 7541, appendix B). The code is canonical: the lengths say all of it.

/// Bits of each byte's code, and of the end-of-string symbol.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
const LONGEST: usize = 30;
const END: u16 = 256;

struct Code {
    /// By the next eight bits: symbol and length, of codes that are no longer.
    short: [(u8, u8); 256],
    /// Symbols in the order of their codes.
    symbols: [u16; 257],
    /// By length: the first code of it, the first that is no longer of it, and where its symbols start.
    lengths: [(u32, u32, u16); LONGEST + 1],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut made = Code {
        short: [(0, 0); 256],
        symbols: [0; 257],
        lengths: [(0, 0, 0); LONGEST + 1],
    };
    let (mut next, mut at, mut length) = (0_u32, 0_usize, 1_usize);
    while length <= LONGEST {
        next <<= 1;
        let (first, start) = (next, at);
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                made.symbols[at] = symbol as u16;
                if length <= 8 {
                    let (from, count) = ((next as usize) << (8 - length), 1 << (8 - length));
                    let mut slot = 0;
                    while slot < count {
                        made.short[from + slot] = (symbol as u8, length as u8);
                        slot += 1;
                    }
                }
                next += 1;
                at += 1;
            }
            symbol += 1;
        }
        made.lengths[length] = (first, next, start as u16);
        length += 1;
    }
    made
}

/// Appends what `bytes` say to `out`; `None` where they are no such code.
pub fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut held, mut count) = (0_u64, 0_usize);
    let mut input = bytes.iter();
    out.reserve(bytes.len() * 8 / 5);
    loop {
        while count <= 56 {
            let Some(byte) = input.next() else { break };
            held |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let (symbol, length) = CODE.short[(held >> 56) as usize];
        if length != 0 {
            if usize::from(length) > count {
                break;
            }
            out.push(symbol);
            (held, count) = (held << length, count - usize::from(length));
            continue;
        }
        let found = (9..=LONGEST.min(count)).find(|length| (held >> (64 - length)) < u64::from(CODE.lengths[*length].1));
        let Some(length) = found else { break };
        let (first, _, start) = CODE.lengths[length];
        let symbol = CODE.symbols[usize::from(start) + ((held >> (64 - length)) as usize - first as usize)];
        if symbol == END {
            return None;
        }
        out.push(symbol as u8);
        (held, count) = (held << length, count - length);
    }
    // What is left is the front of the longest code: less than a byte of ones.
    (count < 8 && (count == 0 || held >> (64 - count) == (1 << count) - 1)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn examples_of_the_standard_are_read() {
        // RFC 7541, C.4 and C.6.
        let examples: [(&[u8], &str); 4] = [
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", "www.example.com"),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\x64\x02", "302"),
            (
                b"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
        ];
        for (bytes, text) in examples {
            let mut out = Vec::new();
            assert_eq!(decode(bytes, &mut out), Some(()));
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn wrong_padding_and_the_end_symbol_are_refused() {
        for bytes in [&b"\x64\x02\x00"[..], b"\xff", b"\xff\xff\xff\xff", b"\xff\xff\xff\xfc"] {
            assert_eq!(decode(bytes, &mut Vec::new()), None, "{bytes:?}");
        }
    }
}
