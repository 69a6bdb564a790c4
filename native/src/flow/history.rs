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

const LETTERS: &[u8; 24] = b"SsHhAaDdFfRrTtWwGgIiQq^^";
const BITS: u32 = 5;
/// Where the number of letters stands.
const COUNT: u32 = 60;
/// Letters that are kept; what comes later is not.
const LENGTH: u64 = 12;

/// Up to twelve letters, the first one in the lowest bits, each `2 * letter + way`; above them how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History(u64);

impl History {
    fn len(self) -> u64 {
        self.0 >> COUNT
    }

    /// Adds the `fresh` letters of one packet.
    #[inline]
    pub fn tell(&mut self, way: usize, mut fresh: u16) {
        while fresh != 0 {
            let (letter, at) = (u64::from(fresh.trailing_zeros()), self.len());
            fresh &= fresh - 1;
            if at < LENGTH {
                self.0 |= (2 * letter + way as u64) << (at as u32 * BITS);
                self.0 += 1 << COUNT;
            }
        }
    }

    /// The client turned out to be the server.
    pub fn turn(&mut self) {
        // The lowest bit of each letter says whose it is.
        let whose = (0..self.len()).fold(0, |bits, at| bits | 1 << (at as u32 * BITS));
        self.0 ^= whose;
        self.tell(0, letter::TURNED);
    }

    /// Calls `with` with the letters.
    pub fn text<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let mut text = [0; LENGTH as usize];
        let length = self.len() as usize;
        let mut codes = self.0;
        for place in &mut text[..length] {
            *place = LETTERS[(codes as usize & 31) % LETTERS.len()];
            codes >>= BITS;
        }
        with(std::str::from_utf8(&text[..length]).unwrap_or_default())
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
