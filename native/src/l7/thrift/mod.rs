//! Apache Thrift: the binary coding, with its version and without, and the compact one; in frames, behind a THeader, or bare.
//!
//! Source: github apache/thrift, `doc/specs`. A bare message says nowhere how long it is: its fields are walked to their end, as they come.

mod fields;
mod head;

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::rest::Rest;
use super::rpc;
use fields::{Fields, Value, Walk};
use head::{Coding, Head, ONE_WAY, REPLY, head, inside, look};

/// Bytes of a message that are read.
const MAX_TOLD: usize = 2 * 1024;
/// A head is shorter, unless a THeader says a lot.
const MAX_GUESSED: usize = 600;
/// Fields of an error that are looked at.
const MAX_FIELDS: usize = 4;

/// Names of the framework's own errors, by number.
const ERRORS: [&str; 11] = [
    "UNKNOWN",
    "UNKNOWN_METHOD",
    "INVALID_MESSAGE_TYPE",
    "WRONG_METHOD_NAME",
    "BAD_SEQUENCE_ID",
    "MISSING_RESULT",
    "INTERNAL_ERROR",
    "PROTOCOL_ERROR",
    "INVALID_TRANSFORM",
    "INVALID_PROTOCOL",
    "UNSUPPORTED_CLIENT_TYPE",
];

pub fn guess(opening: &Opening<'_>) -> Guess {
    match look(opening.bytes) {
        Ok((head, _)) if head.is_answer() != opening.from_client => Guess::Yes,
        Ok(_) => Guess::Reversed,
        Err(Guess::Maybe) if opening.bytes.len() < MAX_GUESSED => Guess::Maybe,
        Err(_) => Guess::No,
    }
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Thrift::default())
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// What comes of a framed message.
    rest: Rest,
    /// Where a bare message is, that is longer than what is read of it.
    walk: Option<(Box<Walk>, Kind)>,
}

/// Reads one connection.
#[derive(Debug, Default)]
struct Thrift {
    sides: [Side; 2],
    /// Whether messages are without a version, and whether they are framed, where one was seen. After a loss nothing else is one.
    form: Option<(bool, bool)>,
}

impl Parser for Thrift {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.rest.is_open() {
            return side.rest.go_on(input.bytes.len());
        }
        if let Some((walk, kind)) = &mut side.walk {
            let kind = *kind;
            let taken = walk.take(input.bytes);
            let is_over = walk.is_over();
            return match taken {
                Err(_) => Step::Lost { size: 1 },
                Ok(size) if is_over => {
                    side.walk = None;
                    // The end of the structure is a byte of its own.
                    message(size, kind, facts)
                }
                Ok(0) => Step::More,
                Ok(size) => {
                    facts.length += size as i64;
                    Step::Took { size }
                }
            };
        }
        match head::framed(input.bytes) {
            Ok(Some(size)) => self.framed(size as usize + 4, input, facts),
            Ok(None) => self.bare(input, facts),
            Err(Guess::Maybe) => Step::More,
            Err(_) => Step::Lost { size: 1 },
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        for at in 0..bytes.len() {
            match look(&bytes[at..]) {
                Ok((head, frame)) if self.form.unwrap_or((false, frame.is_some())) == (head.coding == Coding::Old, frame.is_some()) => {
                    return Resync::At(at);
                }
                Err(Guess::Maybe) => return Resync::Drop(at),
                _ => {}
            }
        }
        Resync::Drop(bytes.len())
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let side = &mut self.sides[usize::from(!from_client)];
        match &mut side.walk {
            Some((walk, _)) => walk.gap(missing),
            None => side.rest.gap(missing),
        }
    }

    fn cut(&mut self, from_client: bool, _: &mut Facts) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        let walked = side.walk.take().map(|(_, kind)| kind);
        side.rest.cut().or(walked)
    }

    fn heap_bytes(&self) -> usize {
        let walks = self.sides.iter().filter(|side| side.walk.is_some()).count();
        walks * size_of::<Walk>()
    }
}

fn message(size: usize, kind: Kind, facts: &mut Facts) -> Step {
    facts.length += size as i64;
    Step::Message {
        size,
        kind,
        body: Body::Bytes(0),
    }
}

impl Thrift {
    fn framed(&mut self, size: usize, input: Input<'_>, facts: &mut Facts) -> Step {
        let Some(told) = input.bytes.get(..size.min(MAX_TOLD)) else {
            return Step::More;
        };
        let mut context = Context::default();
        let body = inside(&told[4..], &mut |key, value| context.pair(key, value, facts));
        let Ok(head) = body.and_then(head) else {
            return Step::Lost { size: 1 };
        };
        self.form = Some((head.coding == Coding::Old, true));
        let kind = read(&head, facts);
        facts.length = size as i64;
        self.sides[usize::from(!input.from_client)]
            .rest
            .begin(size as u64, input.bytes.len(), Some(kind))
    }

    fn bare(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let told = &input.bytes[..input.bytes.len().min(MAX_TOLD)];
        let head = match head(told) {
            Ok(head) => head,
            Err(Guess::Maybe) if told.len() < MAX_TOLD => return Step::More,
            Err(_) => return Step::Lost { size: 1 },
        };
        let fields = &input.bytes[told.len() - head.rest.0.len()..];
        let mut walk = Walk::new(head.coding == Coding::Compact);
        let Ok(taken) = walk.take(fields) else {
            return Step::Lost { size: 1 };
        };
        if !walk.is_over() && told.len() < MAX_TOLD {
            return Step::More;
        }
        self.form = Some((head.coding == Coding::Old, false));
        let size = input.bytes.len() - fields.len() + taken;
        let told = &told[..size.min(told.len())];
        let begun = Head {
            rest: super::frame::Bytes(&told[told.len().min(size - taken)..]),
            ..head
        };
        let kind = read(&begun, facts);
        facts.length = 0;
        if walk.is_over() {
            return message(size, kind, facts);
        }
        facts.length = size as i64;
        self.sides[usize::from(!input.from_client)].walk = Some((Box::new(walk), kind));
        Step::Took { size }
    }
}

/// Tells what a message says, as far as it is here.
fn read(head: &Head<'_>, facts: &mut Facts) -> Kind {
    facts.request_id = u64::from(head.sequence);
    let (service, method) = match memchr::memchr(b':', head.name) {
        Some(colon) => (&head.name[..colon], &head.name[colon + 1..]),
        None => (&[][..], head.name),
    };
    // Many clients number every call 0. An answer repeats the method, but not the service that shares a connection with others.
    let spread = |key: u64, byte: &u8| (key ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    facts.key = method.iter().fold(0xcbf2_9ce4_8422_2325 ^ facts.request_id, spread);
    if head.is_answer() {
        answer(head, facts);
        return Kind::Response;
    }
    rpc::call(service, method, facts);
    if service.is_empty() {
        facts.put_same(Slot::Endpoint, Slot::RequestType);
    }
    let coding: &[u8] = match head.coding {
        Coding::Binary | Coding::Old => b"binary",
        Coding::Compact => b"compact",
    };
    facts.attribute("thrift.protocol", coding);
    if head.coding != Coding::Old {
        facts.put(Slot::Version, b"1");
    }
    if head.kind == ONE_WAY { Kind::Notice } else { Kind::Request }
}

/// An answer's first field is what was returned (0) or an exception that the service declares; the framework's own say what went wrong.
fn answer(head: &Head<'_>, facts: &mut Facts) {
    let mut fields = Fields::new(head.rest, head.coding == Coding::Compact);
    if head.kind == REPLY {
        match fields.next() {
            Some((id, Value::Struct)) if id > 0 => {
                facts.status = Status::ServerError;
                error(Fields::new(fields.rest, fields.compact), facts);
                facts.put_first(Slot::Exception, b"declared exception");
            }
            _ => facts.status = Status::Ok,
        }
        return;
    }
    error(fields, facts);
    facts.status = match facts.code {
        1..=4 | 7..=10 => Status::ClientError,
        _ => Status::ServerError,
    };
    let name = usize::try_from(facts.code).ok().and_then(|code| ERRORS.get(code));
    facts.put_first(Slot::Exception, name.unwrap_or(&ERRORS[0]).as_bytes());
}

/// The first text and the first number of an exception, where they stand at its front.
fn error(mut fields: Fields<'_>, facts: &mut Facts) {
    for _ in 0..MAX_FIELDS {
        match fields.next() {
            Some((_, Value::Text(text))) => facts.put_first(Slot::Exception, text),
            Some((_, Value::Number(code))) if facts.code == 0 => facts.code = code,
            _ => break,
        }
    }
}
