//! Inputs: a head that says where packets go, and steps.

/// One step of an input: what happens, and with which bytes.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Bits of [`FROM_SERVER`], [`GAP`] and [`LATER`]; for frames, the number of the link type.
    pub what: u8,
    pub bytes: &'a [u8],
    /// Bytes that the head announced, which may be more than there are.
    pub announced: u16,
}

pub const FROM_SERVER: u8 = 1;
/// The announced bytes never come; there are none in the input.
pub const GAP: u8 = 2;
/// A second passes first.
pub const LATER: u8 = 4;

/// Where the packets of a flow go: some protocols are known by their ports only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which of the protocol's transports.
    pub transport: u8,
    pub client_port: u16,
    pub server_port: u16,
}

impl Head {
    /// Reads the head of an input; the steps follow.
    pub fn read(input: &[u8]) -> Option<(Head, &[u8])> {
        let (&[transport, c0, c1, s0, s1], rest) = input.split_first_chunk()?;
        let head = Head {
            transport,
            client_port: u16::from_le_bytes([c0, c1]),
            server_port: u16::from_le_bytes([s0, s1]),
        };
        Some((head, rest))
    }

    /// Writes the head as [`Head::read`] reads it.
    pub fn write(&self, input: &mut Vec<u8>) {
        input.push(self.transport);
        input.extend_from_slice(&self.client_port.to_le_bytes());
        input.extend_from_slice(&self.server_port.to_le_bytes());
    }
}

/// Cuts an input into steps: a byte of what, two bytes of length, the bytes.
pub fn steps(mut input: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || {
        let (&[what, low, high], rest) = input.split_first_chunk()?;
        let announced = u16::from_le_bytes([low, high]);
        let size = if what & GAP != 0 {
            0
        } else {
            usize::from(announced).min(rest.len())
        };
        let (bytes, rest) = rest.split_at(size);
        input = rest;
        Some(Step { what, bytes, announced })
    })
}

/// Writes one step as [`steps`] reads it.
pub fn write(input: &mut Vec<u8>, what: u8, bytes: &[u8]) {
    for part in bytes.chunks(usize::from(u16::MAX)) {
        input.push(what);
        input.extend_from_slice(&(part.len() as u16).to_le_bytes());
        input.extend_from_slice(part);
    }
}
