//! DTLS 1.0 to 1.3 (RFC 6347, RFC 9147): the two hellos, or an alert instead of the server's. One row a connection.

use super::extension::Reader;
use super::hello::{ClientHello, Over, ServerHello};
use super::record::{ALERT, HANDSHAKE};
use super::{CLIENT_HELLO, SERVER_HELLO, alert};
use crate::l7::Status;
use crate::l7::facts::Facts;
use crate::l7::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use crate::l7::quic::frames::Stream;

/// A server that wants to see first that the client is where it says sends this; the hello comes again.
const VERIFY_REQUEST: u8 = 3;
/// What records begin with.
const FIRST: u8 = 20;
const LAST: u8 = 63;
/// Datagrams that are looked at before the flow is left alone.
const MAX_DATAGRAMS: u8 = 64;

/// A record in the clear: its type and its content.
struct Record<'a> {
    kind: u8,
    content: &'a [u8],
}

/// Reads the record at the front; nothing where none in the clear begins.
fn record<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    let kind = reader.u8()?;
    let version = reader.u16()?;
    let epoch = reader.u16()?;
    reader.take(6)?;
    let content = reader.long()?;
    (matches!(version, 0xfeff | 0xfefd) && epoch == 0).then_some(Record { kind, content })
}

/// A piece of a handshake message.
struct Piece<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    bytes: &'a [u8],
}

fn piece<'a>(reader: &mut Reader<'a>) -> Option<Piece<'a>> {
    let kind = reader.u8()?;
    let (length, sequence, offset, size) = (reader.u24()?, reader.u16()?, reader.u24()?, reader.u24()?);
    let bytes = reader.take(size)?;
    (offset + size <= length).then_some(Piece {
        kind,
        length,
        sequence,
        offset,
        bytes,
    })
}

/// A record with the front of a hello, which fills the datagram or is followed by another.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let mut reader = Reader(opening.bytes);
    let Some(record) = record(&mut reader).filter(|record| record.kind == HANDSHAKE) else {
        return Guess::No;
    };
    let Some(piece) = piece(&mut Reader(record.content)) else {
        return Guess::No;
    };
    let is_hello = matches!(piece.kind, CLIENT_HELLO | SERVER_HELLO | VERIFY_REQUEST)
        && piece.offset == 0
        && piece.sequence < 3
        && piece
            .bytes
            .first_chunk()
            .is_some_and(|version| matches!(version, [0xfe, 0xff | 0xfd]));
    match is_hello {
        false => Guess::No,
        true if (piece.kind == CLIENT_HELLO) == opening.from_client => Guess::Yes,
        true => Guess::Reversed,
    }
}

/// What one side says.
#[derive(Debug, Default)]
struct Side {
    /// The number of the message that is put together.
    sequence: u16,
    message: Stream,
}

/// Reads one DTLS connection.
#[derive(Debug, Default)]
pub struct Dtls {
    /// Client, server.
    sides: [Side; 2],
    asked: bool,
    again: bool,
    datagrams: u8,
}

impl Parser for Dtls {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = input.bytes.len();
        self.datagrams = self.datagrams.saturating_add(1);
        if self.datagrams > MAX_DATAGRAMS {
            return Step::Stop;
        }
        let mut records = Reader(input.bytes);
        let mut is_clear = false;
        while let Some(record) = record(&mut records) {
            is_clear = true;
            let told = match (record.kind, record.content) {
                (HANDSHAKE, content) => self.handshake(content, input.from_client, facts),
                (ALERT, &[level, code]) if level != 1 && !input.from_client => {
                    alert::put(code, false, facts);
                    facts.is_tls = true;
                    Some(Kind::Response)
                }
                _ => None,
            };
            if let Some(kind) = told {
                if kind == Kind::Response {
                    self.datagrams = MAX_DATAGRAMS;
                    self.sides = Default::default();
                }
                return Step::Message {
                    size,
                    kind,
                    body: Body::Bytes(0),
                };
            }
        }
        // What is encrypted comes behind the hellos; from the same ports may come what is no DTLS at all (RFC 7983).
        let is_encrypted = !is_clear && matches!(input.bytes[0], FIRST..=LAST);
        if is_encrypted { Step::Stop } else { Step::Skip { size } }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }

    fn heap_bytes(&self) -> usize {
        self.sides.iter().map(|side| side.message.heap_bytes()).sum()
    }
}

impl Dtls {
    /// Messages, or pieces of them, of which only the hellos are looked at.
    fn handshake(&mut self, content: &[u8], from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let mut pieces = Reader(content);
        while let Some(piece) = piece(&mut pieces) {
            let is_hello = piece.kind == if from_client { CLIENT_HELLO } else { SERVER_HELLO };
            self.again |= piece.kind == VERIFY_REQUEST && !from_client;
            // A hello that comes again, with the cookie that was asked for, is the same.
            if !is_hello || from_client && self.asked {
                continue;
            }
            let side = &mut self.sides[usize::from(!from_client)];
            if side.sequence != piece.sequence {
                *side = Side {
                    sequence: piece.sequence,
                    ..Side::default()
                };
            }
            let length = (piece.length as u32).to_be_bytes();
            side.message.add(0, &[piece.kind, length[1], length[2], length[3]]);
            side.message.add(4 + piece.offset, piece.bytes);
            let Some((_, body)) = side.message.message() else { continue };
            let kind = if from_client {
                ClientHello::read(body, Over::Datagrams)?.put(Over::Datagrams, facts);
                self.asked = true;
                Kind::Request
            } else {
                let hello = ServerHello::read(body)?;
                if hello.is_retry {
                    self.again = true;
                    continue;
                }
                hello.put(facts);
                facts.until_end = false;
                facts.status = Status::Ok;
                if self.again {
                    facts.attribute("tls.hello_retry", b"true");
                }
                Kind::Response
            };
            return Some(kind);
        }
        None
    }
}
