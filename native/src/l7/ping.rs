//! Ping: ICMP echo (RFC 792) and that of ICMPv6 (RFC 4443). The end that asks is the client of the flow; where both do, the attribute
//! `icmp.asked_by` tells those of the server apart.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::table::ICMP;

const HEADER: usize = 8;

/// Types of the question and of the answer, by version.
fn echo(transport: u8) -> (u8, u8) {
    if transport == ICMP { (8, 0) } else { (128, 129) }
}

/// Whether an ICMP message is one of ours: all others are never payload.
pub fn is_echo(transport: u8, kind: u8) -> bool {
    let (question, answer) = echo(transport);
    kind == question || kind == answer
}

/// The type says it.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match opening.bytes {
        [kind, 0, ..] if opening.bytes.len() >= HEADER && is_echo(opening.transport, *kind) => Guess::Yes,
        _ => Guess::No,
    }
}

/// Reads the echoes between two ends.
#[derive(Debug)]
pub struct Ping {
    transport: u8,
    /// The server was heard: not so where a machine pings itself, whose packets all go the same way.
    has_server: bool,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Ping {
        transport: opening.transport,
        has_server: false,
    })
}

impl Parser for Ping {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = input.bytes.len();
        let (question, answer) = echo(self.transport);
        let &[kind, _, _, _, id_high, id_low, seq_high, seq_low] = match input.bytes.first_chunk() {
            Some(head) if head[0] == question || head[0] == answer => head,
            _ => return Step::Skip { size },
        };
        let (id, seq) = (u16::from_be_bytes([id_high, id_low]), u16::from_be_bytes([seq_high, seq_low]));
        let is_question = kind == question;
        // Both ends may ask with the same numbers: the answer goes the other way.
        self.has_server |= !input.from_client;
        let asked_by_client = !self.has_server || is_question == input.from_client;
        facts.key = u64::from(id) << 16 | u64::from(seq) | u64::from(asked_by_client) << 32;
        facts.request_id = seq.into();
        facts.length = (size - HEADER) as i64;
        if is_question {
            facts.put(Slot::RequestType, b"Echo");
            facts.attribute("icmp.id", itoa::Buffer::new().format(id).as_bytes());
            if !asked_by_client {
                facts.attribute("icmp.asked_by", b"server");
            }
        } else {
            facts.status = Status::Ok;
        }
        Step::Message {
            size,
            kind: if is_question { Kind::Request } else { Kind::Response },
            body: Body::Bytes(0),
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }
}
