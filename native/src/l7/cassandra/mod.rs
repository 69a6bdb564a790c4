//! Cassandra's native protocol, versions 3 to 5.
//!
//! Source: <https://cassandra.apache.org/doc/latest/cassandra/reference/native-protocol.html>. Since version 5 messages travel in checked
//! segments once the connection is ready; before that a message can be compressed by itself. The first 8 KiB of each are read.

mod envelope;
mod request;
mod response;
mod segment;

use super::facts::Facts;
use super::frame::{Bytes, Frames};
use super::layer::Layer;
use super::parser::{Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::statements::Statements;

/// Texts of statements that are being prepared.
const MAX_PREPARING: usize = 64;

/// Reads messages.
#[derive(Default)]
pub struct Cql {
    version: u8,
    /// Messages are compressed by Snappy, where they are.
    snappy: bool,
    /// Version 5 is ready: segments follow.
    segmented: bool,
    /// By stream.
    preparing: Vec<(u16, Box<str>)>,
    statements: Statements,
    keyspace: String,
}

/// Reads one connection.
#[derive(Default)]
struct Cassandra {
    frames: Frames<Cql>,
    /// By direction (client first), where messages travel in segments.
    layers: Option<Box<[Layer; 2]>>,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Cassandra {
        layers: segment::Segment::read(opening.bytes).is_some().then(Box::default),
        ..Cassandra::default()
    })
}

/// A message that makes sense, or a segment with one at its front.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let found = match segment::Segment::read(opening.bytes) {
        Some(segment) => return segment.guess(opening),
        None => envelope::guess(opening.bytes),
    };
    match found {
        Ok(header) if header.is_response != opening.from_client => Guess::Yes,
        Ok(_) => Guess::Reversed,
        Err(Guess::No) if segment::may_be(opening.bytes) => Guess::Maybe,
        Err(guess) => guess,
    }
}

impl Parser for Cassandra {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.layers.is_none() && !self.frames.protocol().segmented {
            return self.frames.parse(input, facts);
        }
        let layers = self.layers.get_or_insert_default();
        let layer = &mut layers[usize::from(!input.from_client)];
        if !layer.is_open() {
            let Some(segment) = segment::Segment::read(input.bytes) else {
                let is_short = input.bytes.len() < segment::LONG;
                return if is_short && !input.full {
                    Step::More
                } else {
                    Step::Lost { size: 1 }
                };
            };
            if layer.open(segment.codec, segment.sizes()).is_none() {
                return Step::Lost { size: segment.head };
            }
        }
        let frames = &mut self.frames;
        layer.read(input.bytes, facts, |bytes, full, facts| {
            frames.parse(Input { bytes, full, ..input }, facts)
        })
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = usize::from(!from_client);
        if let Some(layers) = &mut self.layers {
            layers[side].reset();
        }
        let plain = self.frames.resync(from_client, bytes);
        for at in 0..bytes.len() {
            let rest = &bytes[at..];
            if segment::Segment::read(rest).is_some_and(|segment| segment.begins_message(rest, from_client)) {
                self.layers.get_or_insert_default();
                return Resync::At(at);
            }
        }
        match plain {
            Resync::At(at) if self.layers.is_none() => Resync::At(at),
            _ if self.layers.is_some() || self.frames.protocol().segmented => Resync::Drop(bytes.len().saturating_sub(segment::LONG)),
            plain => plain,
        }
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.layers.is_none() && self.frames.gap(from_client, missing)
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        self.frames.cut(from_client, facts)
    }

    fn heap_bytes(&self) -> usize {
        let layers = self.layers.as_ref().map_or(0, |layers| {
            size_of::<[Layer; 2]>() + layers.iter().map(Layer::heap_bytes).sum::<usize>()
        });
        self.frames.heap_bytes() + layers
    }
}

/// FNV-1a.
fn hash(name: &[u8]) -> u64 {
    let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    name.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// A text with two bytes of length in front.
fn short<'a>(rest: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let size = rest.u16()?;
    rest.take(usize::from(size))
}

/// A text with four bytes of length in front, or what there is of it.
fn long<'a>(rest: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let size = rest.u32()? as usize;
    let here = size.min(rest.0.len());
    rest.take(here)
}
