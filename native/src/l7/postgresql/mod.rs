//! PostgreSQL, protocol 3, from the start of a connection or from its middle.
//!
//! Source: <https://www.postgresql.org/docs/current/protocol.html>. A simple query is a request until the server is ready again. In the extended
//! protocol each execution is one, together with the preparation in front of it; a preparation alone is one too. Rows are counted, not looked at.

mod opening;
mod reply;
mod request;

use super::facts::{Facts, Slot};
use super::parser::{Body, Input, Kind, Opening, Parser, Resync, Step};
use super::statements::Statements;
pub use opening::guess;
use reply::After;
use std::collections::VecDeque;

/// Kind and length.
const HEADER: usize = 5;
/// Bytes of a request that are looked at.
const REQUEST_FRONT: usize = super::facts::MAX_TEXT + 256;
/// Bytes of a server's message that are looked at.
const REPLY_FRONT: usize = 1024;
/// A response longer than this is reported before its end: what goes wrong behind it does not show.
const MAX_GATHERED: u64 = 1 << 20;

/// Reads one connection.
#[derive(Default)]
pub struct PostgreSql {
    /// By direction (client first): bytes left of the message that is passed over.
    rest: [u64; 2],
    /// What is left of it belongs to the message whose facts are gathered (client first).
    gathering: [bool; 2],
    /// The server said last that it is ready for the next turn.
    ready: bool,
    /// The server's response was begun.
    begun: bool,
    /// It was reported; the rest of it is parts.
    streaming: bool,
    /// The client's batch: everything until it asks for a synchronisation.
    batch: u32,
    /// The batch in which a request failed: what comes after it is passed over by the server.
    failed: Option<u32>,
    /// The kind of the next client message was taken already.
    taken: Option<u8>,
    /// A preparation was read, and what is done with it will show.
    parsed: bool,
    /// A portal was bound: the execution that it is for begins there.
    binds: bool,
    tls: bool,
    /// Rows of the response so far.
    rows: u64,
    version: String,
    statements: Statements,
    /// Statements of named portals, by hashes.
    portals: VecDeque<(u64, u64)>,
    /// The statement of the unnamed portal.
    bound: u64,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(PostgreSql::default())
}

impl Parser for PostgreSql {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.tls {
            return super::tls::or_stop(input.bytes);
        }
        let side = usize::from(!input.from_client);
        if self.rest[side] > 0 {
            let size = self.rest[side].min(input.bytes.len() as u64) as usize;
            self.rest[side] -= size as u64;
            return self.moved(side, size);
        }
        if input.from_client {
            self.client(input, facts)
        } else {
            self.server(input, facts)
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = usize::from(!from_client);
        (self.rest[side], self.gathering[side]) = (0, false);
        if from_client {
            (self.taken, self.parsed, self.binds) = (None, false, false);
            self.forget_unnamed();
        } else {
            (self.begun, self.streaming, self.failed, self.rows) = (false, false, None, 0);
        }
        opening::resync(from_client, bytes)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let rest = &mut self.rest[usize::from(!from_client)];
        if missing > *rest {
            return false;
        }
        *rest -= missing;
        true
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        if from_client {
            facts.group = self.batch;
            return std::mem::take(&mut self.parsed).then_some(Kind::Request);
        }
        if !self.begun || self.streaming {
            return None;
        }
        self.finish(facts);
        Some(Kind::Response)
    }

    /// An error is told at once, while the client still says the rest of its batch. The turn ends behind that: who is ready before heard it all, and
    /// the lengths that say otherwise are wrong.
    fn goes_on(&self) -> bool {
        !self.ready
    }

    fn heap_bytes(&self) -> usize {
        self.statements.heap_bytes() + self.portals.capacity() * 16 + self.version.capacity()
    }
}

impl PostgreSql {
    /// `size` bytes of a message that was begun.
    fn moved(&self, side: usize, size: usize) -> Step {
        match (self.gathering[side], self.streaming && side == 1) {
            (false, _) => Step::Skip { size },
            (true, false) => Step::Took { size },
            (true, true) => Step::Part {
                size,
                content: size,
                key: 0,
                end: false,
            },
        }
    }

    #[inline]
    fn server(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if let Some(step) = self.encryption(&input, facts) {
            return step;
        }
        let Some((kind, length)) = opening::header(input.bytes) else {
            return Step::More;
        };
        let front = length.min(REPLY_FRONT);
        if !opening::from_server(kind, length) {
            return Step::Lost { size: 1 };
        }
        let Some(content) = input.bytes.get(HEADER..HEADER + front) else {
            return Step::More;
        };
        self.ready = kind == b'Z';
        let after = self.answered(kind, content, &input, facts);
        let (size, rest) = (HEADER + front, (length - front) as u64);
        self.rest[1] = rest;
        self.gathering[1] = after == After::Go;
        match after {
            After::Go if !self.streaming && facts.captured > MAX_GATHERED => {
                self.streaming = true;
                facts.status = super::Status::Ok;
                Step::Message {
                    size,
                    kind: Kind::Response,
                    body: Body::Parts,
                }
            }
            After::Go => self.moved(1, size),
            After::Drop => Step::Skip { size },
            After::Done if self.streaming => {
                (self.streaming, self.begun) = (false, false);
                Step::Part {
                    size,
                    content: size,
                    key: 0,
                    end: true,
                }
            }
            After::Done | After::Notice => {
                let kind = if after == After::Done {
                    self.finish(facts);
                    Kind::Response
                } else {
                    Kind::Notice
                };
                self.rest[1] = 0;
                Step::Message {
                    size,
                    kind,
                    body: Body::Bytes(rest),
                }
            }
            After::Lost => Step::Lost { size: 1 },
        }
    }

    /// The response is complete.
    fn finish(&mut self, facts: &mut Facts) {
        self.begun = false;
        if facts.status == super::Status::Unknown {
            facts.status = super::Status::Ok;
        }
        let rows = std::mem::take(&mut self.rows);
        if rows > 0 {
            facts.attribute("db.response.returned_rows", itoa::Buffer::new().format(rows).as_bytes());
        }
        facts.put(Slot::Version, self.version.as_bytes());
    }
}
