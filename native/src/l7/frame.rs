//! Protocols whose every message says at its front how long it is: one loop for all of them.

use super::facts::Facts;
use super::parser::{Body, Guess, Input, Kind, Parser, Resync, Step};

/// Bytes of a message that are kept to be read; less than what a direction may keep.
const MAX_TOLD: u64 = 8 * 1024;

/// What the first bytes of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Too few to tell.
    Short,
    /// No message starts like this.
    Wrong,
    /// A message of `size` bytes, front and all, of which the first `told` are worth reading.
    Frame { size: u64, told: u64 },
}

impl Front {
    /// A message that is to be read as a whole, as far as that is possible.
    pub fn whole(size: u64) -> Front {
        Front::Frame { size, told: size }
    }
}

/// What a message turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Message(Kind),
    /// Nothing that makes a row.
    Nothing,
    /// It is not what its front promised.
    Wrong,
}

/// One flow's reader of one such protocol.
pub trait Framed: Send {
    /// Measures the message at the front of `bytes`.
    fn front(&self, bytes: &[u8], from_client: bool) -> Front;

    /// Reads a message of `size` bytes, of which the first `message.len()` are here.
    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said;

    /// Whether a message starts at the front of bytes that may be anything.
    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess;

    /// Bytes of a direction were lost: what is known about it may be wrong.
    fn lost(&mut self, _from_client: bool) {}

    /// Whether the bytes are gone before they could tell anything: nothing more is looked at in either direction.
    fn is_over(&self) -> bool {
        false
    }

    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The loop: measures, reads, passes over what is not worth reading.
#[derive(Debug, Default)]
pub struct Frames<P> {
    protocol: P,
    /// By direction: bytes still to come of a message that makes no row.
    left: [u64; 2],
}

impl<P: Framed> Frames<P> {
    pub fn new(protocol: P) -> Frames<P> {
        Frames { protocol, left: [0; 2] }
    }

    pub fn protocol(&self) -> &P {
        &self.protocol
    }
}

impl<P: Framed> Parser for Frames<P> {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let left = &mut self.left[usize::from(!input.from_client)];
        if *left > 0 {
            let size = (*left).min(input.bytes.len() as u64);
            *left -= size;
            return Step::Skip { size: size as usize };
        }
        let (size, told) = match self.protocol.front(input.bytes, input.from_client) {
            Front::Short => return Step::More,
            Front::Wrong => return Step::Lost { size: 1 },
            Front::Frame { size, .. } if input.datagram => (size, size),
            Front::Frame { size, told } => (size, told.min(size).min(MAX_TOLD)),
        };
        let Some(message) = input.bytes.get(..told as usize) else {
            return Step::More;
        };
        let said = self.protocol.read(message, size, input, facts);
        if self.protocol.is_over() && said == Said::Nothing {
            return Step::Stop;
        }
        match said {
            Said::Message(kind) => Step::Message {
                size: told as usize,
                kind,
                body: Body::Bytes(size - told),
            },
            Said::Nothing => {
                self.left[usize::from(!input.from_client)] = size - told;
                Step::Skip { size: told as usize }
            }
            Said::Wrong => Step::Lost { size: 1 },
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.left[usize::from(!from_client)] = 0;
        self.protocol.lost(from_client);
        for at in 0..bytes.len() {
            match self.protocol.starts(&bytes[at..], from_client) {
                Guess::Yes | Guess::Reversed => return Resync::At(at),
                Guess::Maybe => return Resync::Drop(at),
                Guess::No => {}
            }
        }
        Resync::Drop(bytes.len())
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let left = &mut self.left[usize::from(!from_client)];
        let inside = missing <= *left;
        *left = left.saturating_sub(missing);
        inside
    }

    fn heap_bytes(&self) -> usize {
        self.protocol.heap_bytes()
    }
}

/// Reads numbers and texts off the front of bytes; nothing is taken where they do not suffice.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    #[inline]
    pub fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text behind its length in 16 bits.
    pub fn text16(&mut self) -> Option<&'a [u8]> {
        let mut rest = *self;
        let size = rest.u16()?;
        let text = rest.take(usize::from(size))?;
        *self = rest;
        Some(text)
    }

    /// A text behind its length in 32 bits.
    pub fn text32(&mut self) -> Option<&'a [u8]> {
        let mut rest = *self;
        let size = rest.u32()?;
        let text = rest.take(size as usize)?;
        *self = rest;
        Some(text)
    }
}
