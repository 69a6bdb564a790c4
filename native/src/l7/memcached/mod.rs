//! Memcached: the text protocol with meta commands, the binary protocol with quiet operations.
//!
//! Sources: `doc/protocol.txt` and the binary protocol's description of the memcached project.

mod binary;
mod opening;
mod text;

use super::facts::Facts;
use super::parser::{Input, Kind, Opening, Parser, Resync, Step};
pub use opening::guess;

/// Bytes of a line that are kept.
const MAX_TEXT: usize = 1024;
/// Keys are 250 bytes at most; lines with many of them are cut.
const MAX_LINE: usize = 2048;

/// Reads one connection: which of the two protocols it speaks shows in its first byte.
#[derive(Debug)]
pub enum Memcached {
    Text(text::Text),
    Binary(binary::Binary),
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(match opening.bytes.first() {
        Some(0x80 | 0x81) => Memcached::Binary(binary::Binary::default()),
        _ => Memcached::Text(text::Text::default()),
    })
}

impl Parser for Memcached {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        match self {
            Memcached::Text(text) => text.parse(input, facts),
            Memcached::Binary(binary) => binary.parse(input, facts),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        match self {
            Memcached::Text(text) => text.resync(from_client, bytes),
            Memcached::Binary(binary) => binary.resync(from_client, bytes),
        }
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        match self {
            Memcached::Text(text) => text.gap(from_client, missing),
            Memcached::Binary(_) => false,
        }
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        match self {
            Memcached::Text(text) => text.cut(from_client, facts),
            Memcached::Binary(_) => None,
        }
    }
}
