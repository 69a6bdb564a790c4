//! The order in which a flow's ends did something for the first time, in the letters of Zeek's `history`
//! (<https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html>): capital for the client, small for the server.
//! Checksums are not verified, so `c` never appears.

/// What a packet can be, as bits of `Direction::told`; told in this order where one packet is several.
pub mod letter {
    pub const SYN: u16 = 1;
    pub const SYN_ACK: u16 = 1 << 1;
    /// An ACK without data.
    pub const ACK: u16 = 1 << 2;
    pub const DATA: u16 = 1 << 3;
    pub const FIN: u16 = 1 << 4;
    pub const RST: u16 = 1 << 5;
    /// Data that was sent before.
    pub const REPEATED: u16 = 1 << 6;
    pub const ZERO_WINDOW: u16 = 1 << 7;
    /// Bytes that were never captured.
    pub const GAP: u16 = 1 << 8;
    /// FIN and RST.
    pub const INCONSISTENT: u16 = 1 << 9;
    /// SYN and FIN or RST.
    pub const MULTI_FLAG: u16 = 1 << 10;
    /// Not a packet: the ends changed places.
    pub const TURNED: u16 = 1 << 11;
}

const LETTERS: [[u8; 2]; 12] = [
    *b"Ss", *b"Hh", *b"Aa", *b"Dd", *b"Ff", *b"Rr", *b"Tt", *b"Ww", *b"Gg", *b"Ii", *b"Qq", *b"^^",
];
const BITS: u32 = 5;
/// Letters that are kept; what comes later is not.
const LENGTH: u32 = u64::BITS / BITS;

/// Up to twelve letters, the first one in the lowest bits; each is `1 + 2 * letter + way`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History(u64);

impl History {
    fn len(self) -> u32 {
        (u64::BITS - self.0.leading_zeros()).div_ceil(BITS)
    }

    /// Adds the `fresh` letters of one packet.
    pub fn tell(&mut self, way: usize, fresh: u16) {
        let mut left = fresh;
        while left != 0 {
            let (letter, at) = (u64::from(left.trailing_zeros()), self.len());
            left &= left - 1;
            if at < LENGTH {
                self.0 |= (1 + 2 * letter + way as u64) << (at * BITS);
            }
        }
    }

    /// The client turned out to be the server.
    pub fn turn(&mut self) {
        let turned = self.codes().enumerate().fold(0, |all, (at, code)| {
            let other = ((code - 1) ^ 1) + 1;
            all | other << (at as u32 * BITS)
        });
        self.0 = turned;
        self.tell(0, letter::TURNED);
    }

    fn codes(self) -> impl Iterator<Item = u64> {
        (0..self.len()).map(move |at| self.0 >> (at * BITS) & ((1 << BITS) - 1))
    }

    /// Calls `with` with the letters.
    pub fn text<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let mut text = [0; LENGTH as usize];
        for (place, code) in text.iter_mut().zip(self.codes()) {
            let code = (code as usize).saturating_sub(1);
            *place = LETTERS.get(code / 2).map_or(b'?', |pair| pair[code % 2]);
        }
        with(std::str::from_utf8(&text[..self.len() as usize]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(history: History) -> String {
        history.text(str::to_string)
    }

    #[test]
    fn letters_come_in_the_order_they_were_told() {
        let mut history = History::default();
        assert_eq!(text(history), "");
        history.tell(0, letter::SYN);
        history.tell(1, letter::SYN_ACK);
        history.tell(0, letter::FIN | letter::DATA);
        assert_eq!(text(history), "ShDF");
        history.turn();
        assert_eq!(text(history), "sHdf^");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut history = History::default();
        history.tell(0, 0x7ff);
        history.tell(1, 0x7ff);
        assert_eq!(text(history), "SHADFRTWGIQs");
        history.turn();
        assert_eq!(text(history), "shadfrtwgiqS");
    }
}
