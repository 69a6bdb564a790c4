//! ZMTP 3 (rfc.zeromq.org/spec/23, 37): what ZeroMQ's sockets say. With CURVE everything behind the handshake is encrypted.
//!
//! Between REQ and REP a message is a request and the next one its answer; every other message is a row of its own without an answer.

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Bytes, Framed, Frames, Front, Said};
use super::parser::{Guess, Input, Kind, Opening, Parser};

/// What both ends say first: a signature, a version, a mechanism.
const GREETING: usize = 64;
const SIGNATURE: usize = 10;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
const MAX_FRAME: u64 = 1 << 32;
/// Bytes of a frame that are read: a topic, a command's name and properties.
const MAX_TOLD: u64 = 512;

/// The signature and, as far as it is there, the version.
fn look(bytes: &[u8]) -> Guess {
    let fits = |at: usize, wanted: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| wanted(*byte));
    // The eight bytes between are a length in older versions.
    let signed = fits(0, |byte| byte == 0xff) && fits(9, |byte| byte == 0x7f) && bytes.iter().take(8).skip(1).all(|byte| *byte == 0);
    let named = bytes
        .get(12..16)
        .is_none_or(|name| matches!(name, b"NULL" | b"PLAI" | b"CURV" | b"GSSA"));
    match bytes.len() {
        _ if !(signed && fits(10, |byte| byte == 3) && named) => Guess::No,
        0..SIGNATURE => Guess::Maybe,
        _ => Guess::Yes,
    }
}

/// Only the greeting tells: frames look like anything.
pub fn guess(opening: &Opening<'_>) -> Guess {
    look(opening.bytes)
}

/// The parser for the table.
pub fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(Zmtp::default()))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Socket {
    #[default]
    Other,
    Req,
    Rep,
    Pub,
    Sub,
}

/// What an end has said so far.
#[derive(Debug, Default)]
struct End {
    greeted: bool,
    socket: Socket,
    /// The message of several frames that goes on was told.
    told: bool,
}

/// One connection.
#[derive(Debug, Default)]
struct Zmtp {
    ends: [End; 2],
    version: [u8; 2],
    mechanism: Mechanism,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mechanism {
    #[default]
    Null,
    Plain,
    Curve,
}

impl Framed for Zmtp {
    fn front(&self, bytes: &[u8], from_client: bool) -> Front {
        if !self.ends[usize::from(!from_client)].greeted {
            return if look(bytes) == Guess::No {
                Front::Wrong
            } else {
                Front::whole(GREETING as u64)
            };
        }
        let mut rest = Bytes(bytes);
        let Some(flags) = rest.u8() else { return Front::Short };
        // A command is one frame.
        if flags > 7 || flags & (COMMAND | MORE) == COMMAND | MORE {
            return Front::Wrong;
        }
        let (size, head) = if flags & LONG == 0 {
            (rest.u8().map(u64::from), 2)
        } else {
            (rest.u64(), 9)
        };
        match size {
            None => Front::Short,
            Some(size) if size > MAX_FRAME => Front::Wrong,
            Some(size) => Front::Frame {
                size: size + head,
                told: (size + head).min(MAX_TOLD),
            },
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let end = &mut self.ends[usize::from(!input.from_client)];
        if !end.greeted {
            end.greeted = true;
            self.version = [message[10], message[11]];
            self.mechanism = match &message[12..16] {
                b"PLAI" => Mechanism::Plain,
                b"CURV" => Mechanism::Curve,
                _ => Mechanism::Null,
            };
            return Said::Nothing;
        }
        let flags = message[0];
        let content = &message[if flags & LONG == 0 { 2 } else { 9 }..];
        let head = (message.len() - content.len()) as u64;
        facts.length = (size - head) as i64;
        facts.put(Slot::Version, &[b'0' + self.version[0] % 10, b'.', b'0' + self.version[1] % 10]);
        facts.is_tls = self.mechanism == Mechanism::Curve;
        if flags & COMMAND != 0 {
            return self.command(content, input.from_client, facts);
        }
        // Empty frames in front are part of the envelope.
        let (has_more, is_envelope) = (flags & MORE != 0, content.is_empty() && flags & MORE != 0);
        let was_told = end.told;
        end.told = has_more && (was_told || !is_envelope);
        if was_told || is_envelope {
            return Said::Nothing;
        }
        Said::Message(first_frame(content, end.socket, facts))
    }

    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess {
        match self.ends[usize::from(!from_client)].greeted {
            // Nothing tells where a frame begins.
            true => Guess::No,
            false => look(bytes),
        }
    }
}

impl Zmtp {
    /// A command: its name behind a length, then properties, a topic, or a reason.
    fn command(&mut self, content: &[u8], from_client: bool, facts: &mut Facts) -> Said {
        let mut rest = Bytes(content);
        let Some(name) = rest.u8().and_then(|size| rest.take(usize::from(size))) else {
            return Said::Wrong;
        };
        facts.put(Slot::RequestType, name);
        match name {
            b"READY" | b"INITIATE" if self.mechanism != Mechanism::Curve => {
                self.ends[usize::from(!from_client)].socket = socket(rest.0);
                Said::Nothing
            }
            b"SUBSCRIBE" | b"CANCEL" => {
                topic(rest.0, facts);
                Said::Message(Kind::Notice)
            }
            // What CURVE wraps a message in.
            b"MESSAGE" => Said::Message(Kind::Notice),
            b"ERROR" => {
                let reason = rest.u8().and_then(|size| rest.take(usize::from(size)));
                facts.put(Slot::Exception, reason.unwrap_or_default());
                facts.status = Status::ClientError;
                Said::Message(Kind::Response)
            }
            _ => Said::Nothing,
        }
    }
}

/// The kind of socket that an end's properties name.
fn socket(properties: &[u8]) -> Socket {
    let mut rest = Bytes(properties);
    while let Some(name) = rest.u8().and_then(|size| rest.take(usize::from(size))) {
        let Some(value) = rest.text32() else { break };
        if name.eq_ignore_ascii_case(b"socket-type") {
            return match value {
                b"REQ" => Socket::Req,
                b"REP" => Socket::Rep,
                b"PUB" | b"XPUB" => Socket::Pub,
                b"SUB" | b"XSUB" => Socket::Sub,
                _ => Socket::Other,
            };
        }
    }
    Socket::Other
}

/// The first frame of a message that says something.
fn first_frame(content: &[u8], socket: Socket, facts: &mut Facts) -> Kind {
    match socket {
        Socket::Req => {
            facts.put(Slot::RequestType, b"REQ");
            Kind::Request
        }
        Socket::Rep => {
            facts.status = Status::Ok;
            Kind::Response
        }
        // Before 3.1 a subscription is a message.
        Socket::Sub if matches!(content.first(), Some(0 | 1)) => {
            let name: &[u8] = if content[0] == 1 { b"SUBSCRIBE" } else { b"CANCEL" };
            facts.put(Slot::RequestType, name);
            topic(&content[1..], facts);
            Kind::Notice
        }
        Socket::Pub => {
            facts.put(Slot::RequestType, b"PUB");
            topic(content, facts);
            Kind::Notice
        }
        _ => {
            facts.put(Slot::RequestType, b"MESSAGE");
            Kind::Notice
        }
    }
}

/// A topic is bytes; those that are a text are told.
fn topic(bytes: &[u8], facts: &mut Facts) {
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    if is_text && bytes.len() <= 256 {
        facts.put(Slot::Resource, bytes);
        facts.put_same(Slot::Endpoint, Slot::Resource);
    }
}
