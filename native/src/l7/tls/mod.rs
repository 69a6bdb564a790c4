//! TLS 1.0 to 1.3 (RFC 8446, RFC 5246): the handshake is one row, its duration from the client's hello to the end; what follows is not looked at.
//!
//! The request is the client's hello. The response is everything the server says in the clear; it stays open until the handshake is through, which
//! the first encrypted record of the client (1.3, or a resumed session) or the server's change of ciphers tells. [`datagram`] is DTLS.

pub(super) mod alert;
mod certificate;
mod cipher;
mod datagram;
pub(super) mod extension;
pub(super) mod fingerprint;
pub(super) mod hello;
mod old;
mod record;

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use hello::{ClientHello, Over, ServerHello};
use record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Header, Messages};

/// Types of handshake messages.
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const HELLO_DONE: u8 = 14;
/// Ports where encrypted records without a hello before them are believed: flows that were there before the capture.
const PORTS: [u16; 16] = [443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 2376, 5061, 5671, 6443, 8443, 8883];
/// What 1.3 makes of an alert: two bytes, their real type, and the tag of the cipher.
const ENCRYPTED_ALERT: usize = 19;

/// A version as the protocol numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Version(u16);

impl Version {
    const TLS_1_3: Version = Version(0x0304);

    fn text(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0300 => "SSL 3.0",
            0x0301 => "1.0",
            0x0302 => "1.1",
            0x0303 => "1.2",
            0x0304 => "1.3",
            0xfeff => "DTLS 1.0",
            0xfefd => "DTLS 1.2",
            0xfefc => "DTLS 1.3",
            _ => return None,
        })
    }
}

/// How far the handshake has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Start,
    /// The client's hello is told.
    Asked,
    /// The server's hello was read, what follows it in the clear not yet.
    Answering,
    /// The response is told, and open.
    Answered,
    /// What follows is encrypted.
    Done,
}

#[derive(Debug, Default)]
struct Side {
    /// The record that is being read.
    kind: u8,
    left: usize,
    messages: Messages,
    /// What it says from here on is encrypted.
    ciphered: bool,
    /// Bytes of an alert.
    alert: Vec<u8>,
}

impl Side {
    /// Of the `size` bytes taken last, those up to the end of the message that was read last. The others are of the record still, to be read again:
    /// what of them came in the same segment is chance.
    fn up_to_here(&mut self, size: usize) -> usize {
        let behind = self.messages.give_back();
        self.left += behind;
        size - behind
    }
}

/// Reads one TLS connection.
#[derive(Debug, Default)]
pub struct Tls {
    /// Client, server.
    sides: [Side; 2],
    phase: Phase,
    version: Version,
    early_data: bool,
    resumed: bool,
    /// The client said hello again because it was asked to.
    again: bool,
    /// Bytes were lost: an alert may be the farewell behind a handshake of which the end was not seen.
    lost: bool,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    if opening.transport == super::table::UDP {
        return Box::new(datagram::Dtls::default());
    }
    Box::new(Tls::default())
}

/// What a parser says where both ends agreed on TLS: a record is read as such, anything else by nobody.
pub fn or_stop(bytes: &[u8]) -> Step {
    match bytes {
        [HANDSHAKE, 3, ..] => Step::Switch {
            size: 0,
            protocol: super::table::TLS,
            key: 0,
        },
        [HANDSHAKE] => Step::More,
        _ => Step::Stop,
    }
}

/// Whether a record with a hello begins here.
pub fn begins(bytes: &[u8], from_client: bool) -> Guess {
    let header = bytes.first_chunk().and_then(Header::read);
    match header {
        None if bytes.len() < HEADER && bytes.first().is_none_or(|kind| *kind == HANDSHAKE) && Header::is_possible(bytes) => Guess::Maybe,
        Some(header) if header.kind == HANDSHAKE => {
            let message = &bytes[HEADER..bytes.len().min(HEADER + header.length)];
            let fits = |nth: usize, check: fn(u8) -> bool| message.get(nth).is_none_or(|byte| check(*byte));
            let is_hello = fits(0, |kind| matches!(kind, CLIENT_HELLO | SERVER_HELLO))
                && fits(1, |high| high == 0)
                && fits(4, |major| major == 3)
                && fits(5, |minor| minor <= 4);
            match message.first() {
                _ if !is_hello => Guess::No,
                // A record may hold less than that of its message.
                Some(_) if message.len() < header.length.min(6) => Guess::Maybe,
                Some(&kind) if (kind == CLIENT_HELLO) == from_client => Guess::Yes,
                Some(_) => Guess::Reversed,
                None => Guess::Maybe,
            }
        }
        _ => Guess::No,
    }
}

/// A record with a hello, or, where TLS is expected, a record of an encrypted connection.
pub fn guess(opening: &Opening<'_>) -> Guess {
    if opening.transport == super::table::UDP {
        return datagram::guess(opening);
    }
    let bytes = opening.bytes;
    if !bytes.is_empty() && old::is_possible(bytes) {
        return match (bytes.first_chunk::<{ old::FRONT }>(), opening.from_client) {
            (None, _) => Guess::Maybe,
            (Some(_), true) => Guess::Yes,
            (Some(_), false) => Guess::Reversed,
        };
    }
    let hello = begins(bytes, opening.from_client);
    if hello != Guess::No || !Header::is_possible(bytes) {
        return hello;
    }
    let is_expected = [opening.client_port, opening.server_port].map(|port| PORTS.contains(&port));
    let Some(header) = bytes.first_chunk().and_then(Header::read) else {
        return if is_expected.contains(&true) { Guess::Maybe } else { Guess::No };
    };
    let is_sound = header.kind == APPLICATION_DATA && bytes.get(HEADER + header.length..).is_none_or(Header::is_possible);
    match is_expected {
        [_, true] if is_sound => Guess::Yes,
        [true, false] if is_sound => Guess::Reversed,
        _ => Guess::No,
    }
}

impl Parser for Tls {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.phase == Phase::Done {
            return Step::Stop;
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.left > 0 {
            let content = &input.bytes[..input.bytes.len().min(side.left)];
            side.left -= content.len();
            return self.content(content, 0, input.from_client, facts);
        }
        if self.phase == Phase::Start && input.from_client && old::is_possible(input.bytes) {
            return self.old_hello(input.bytes, facts);
        }
        let Some(bytes) = input.bytes.first_chunk() else {
            return if Header::is_possible(input.bytes) {
                Step::More
            } else {
                Step::Lost { size: input.bytes.len() }
            };
        };
        let Some(header) = Header::read(bytes) else {
            return Step::Lost { size: input.bytes.len() };
        };
        // Alerts in the clear are two bytes.
        if header.kind == APPLICATION_DATA || side.ciphered || (header.kind == ALERT && header.length > 2) {
            return self.encrypted(header, input.from_client, facts);
        }
        let content = &input.bytes[HEADER..input.bytes.len().min(HEADER + header.length)];
        side.kind = header.kind;
        side.left = header.length - content.len();
        side.alert.clear();
        self.content(content, HEADER, input.from_client, facts)
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        self.lost = true;
        match bytes.first_chunk() {
            Some(header) if Header::read(header).is_some() => Resync::At(0),
            None if Header::is_possible(bytes) => Resync::Drop(0),
            // A record begins with a packet, or is not found.
            _ => Resync::Drop(bytes.len()),
        }
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        if !from_client && self.phase == Phase::Answering {
            self.phase = Phase::Answered;
            return Some(Kind::Response);
        }
        None
    }

    fn heap_bytes(&self) -> usize {
        self.sides
            .iter()
            .map(|side| side.messages.heap_bytes() + side.alert.capacity())
            .sum()
    }
}

impl Tls {
    /// A hello that has no room for a name, nor for anything else that is told.
    fn old_hello(&mut self, bytes: &[u8], facts: &mut Facts) -> Step {
        let Some(size) = bytes.first_chunk().and_then(old::size).filter(|size| *size <= bytes.len()) else {
            return Step::More;
        };
        facts.is_tls = true;
        facts.put(Slot::RequestType, b"ClientHello");
        self.phase = Phase::Asked;
        Step::Message {
            size,
            kind: Kind::Request,
            body: Body::Bytes(0),
        }
    }

    /// Content of a record in the clear, of which `header` bytes of front were taken with it.
    fn content(&mut self, content: &[u8], header: usize, from_client: bool, facts: &mut Facts) -> Step {
        let size = header + content.len();
        let side = &mut self.sides[usize::from(!from_client)];
        match side.kind {
            HANDSHAKE => {
                side.messages.add(content);
                self.messages(size, from_client, facts)
            }
            // It counts where its end is, so however it was cut.
            CHANGE_CIPHER_SPEC if side.left > 0 => Step::Took { size },
            CHANGE_CIPHER_SPEC => self.changed(size, from_client, facts),
            ALERT => {
                side.alert.extend_from_slice(&content[..content.len().min(2)]);
                match *side.alert.as_slice() {
                    [level, code, ..] if side.left == 0 => self.alerted(size, level, code, from_client, facts),
                    _ => Step::Took { size },
                }
            }
            _ => self.passed(size, from_client),
        }
    }

    /// Bytes that tell nothing, but count.
    fn passed(&self, size: usize, from_client: bool) -> Step {
        match self.phase {
            // Of a record that ends the handshake nothing is counted, however it was cut.
            Phase::Answered if !from_client && self.sides[1].left == 0 => Step::Part {
                size,
                content: 0,
                key: 0,
                end: false,
            },
            Phase::Asked | Phase::Answered if from_client => Step::Skip { size },
            _ => Step::Took { size },
        }
    }

    fn messages(&mut self, size: usize, from_client: bool, facts: &mut Facts) -> Step {
        while let Some((kind, body)) = self.sides[usize::from(!from_client)].messages.next() {
            match (kind, from_client) {
                (CLIENT_HELLO, true) if self.phase == Phase::Start => {
                    let Some(hello) = ClientHello::read(&body, Over::Tcp) else {
                        return Step::Lost { size };
                    };
                    hello.put(Over::Tcp, facts);
                    self.early_data = hello.has_early_data;
                    self.phase = Phase::Asked;
                    return Step::Message {
                        size: self.sides[0].up_to_here(size),
                        kind: Kind::Request,
                        body: Body::Bytes(0),
                    };
                }
                (SERVER_HELLO, false) if matches!(self.phase, Phase::Start | Phase::Asked) => {
                    let Some(hello) = ServerHello::read(&body) else {
                        return Step::Lost { size };
                    };
                    if hello.is_retry {
                        self.again = true;
                        continue;
                    }
                    hello.put(facts);
                    (self.version, self.resumed) = (hello.version, hello.is_resumed());
                    if self.version == Version::TLS_1_3 {
                        let size = self.sides[1].up_to_here(size);
                        return self.answered(size, facts);
                    } else {
                        self.phase = Phase::Answering;
                    }
                }
                (CERTIFICATE, false) if self.phase == Phase::Answering => certificate::put(&body, facts),
                (HELLO_DONE, false) if self.phase == Phase::Answering => {
                    let size = self.sides[1].up_to_here(size);
                    return self.answered(size, facts);
                }
                _ => {}
            }
        }
        self.passed(size, from_client)
    }

    /// The server has said all that it says in the clear.
    fn answered(&mut self, size: usize, facts: &mut Facts) -> Step {
        self.phase = Phase::Answered;
        if self.again {
            facts.attribute("tls.hello_retry", b"true");
        }
        self.sides.iter_mut().for_each(|side| side.messages.clear());
        Step::Message {
            size,
            kind: Kind::Response,
            body: Body::Parts,
        }
    }

    /// From the next record on this side is encrypted; in 1.3 that is said for the sake of old machines between the two ends.
    fn changed(&mut self, size: usize, from_client: bool, facts: &mut Facts) -> Step {
        if self.version == Version::TLS_1_3 || self.phase == Phase::Start || self.phase == Phase::Asked {
            return self.passed(size, from_client);
        }
        self.sides[usize::from(!from_client)].ciphered = true;
        if !from_client && self.phase == Phase::Answering {
            // Without a certificate before it: an earlier session goes on.
            self.resumed = true;
            facts.attribute("tls.resumed", b"true");
            return self.answered(size, facts);
        }
        if self.phase == Phase::Answered && from_client == self.resumed {
            return self.through(size, facts);
        }
        self.passed(size, from_client)
    }

    /// A record that cannot be read.
    fn encrypted(&mut self, header: Header, from_client: bool, facts: &mut Facts) -> Step {
        let size = HEADER + header.length;
        let is_1_3 = self.version == Version::TLS_1_3;
        match self.phase {
            // The flow was there before the capture.
            Phase::Start => Step::Stop,
            Phase::Asked if from_client && self.early_data => self.pass_over(header, from_client),
            // The end of the handshake was lost: the server encrypts nothing before the client does, and the client has nothing to complain of
            // before the server does.
            Phase::Answered
                if !is_1_3 && header.kind == ALERT && (self.lost || !self.sides[0].ciphered || (from_client && !self.resumed)) =>
            {
                self.end(HEADER.min(size))
            }
            Phase::Answered if self.lost && from_client && is_1_3 && header.length == ENCRYPTED_ALERT => self.end(HEADER.min(size)),
            Phase::Answered if from_client && is_1_3 && header.length == ENCRYPTED_ALERT => {
                facts.status = Status::ServerError;
                facts.put(Slot::Exception, b"encrypted alert");
                self.end(HEADER)
            }
            Phase::Answered if from_client && is_1_3 => {
                let is_early = self.early_data && !matches!(header.length, 53 | 69);
                if is_early {
                    return self.pass_over(header, from_client);
                }
                self.through(HEADER, facts)
            }
            Phase::Answered if is_1_3 || header.kind == HANDSHAKE => self.pass_over(header, from_client),
            Phase::Answered if header.kind == ALERT => {
                facts.status = alert::status(40, from_client);
                facts.put(Slot::Exception, b"encrypted alert");
                self.end(HEADER)
            }
            // It goes on although an answer was never seen.
            Phase::Asked | Phase::Answering | Phase::Answered => self.end(HEADER.min(size)),
            Phase::Done => Step::Stop,
        }
    }

    fn pass_over(&mut self, header: Header, from_client: bool) -> Step {
        let side = &mut self.sides[usize::from(!from_client)];
        (side.kind, side.left) = (APPLICATION_DATA, header.length);
        self.passed(HEADER, from_client)
    }

    fn through(&mut self, size: usize, facts: &mut Facts) -> Step {
        facts.status = Status::Ok;
        self.end(size)
    }

    fn end(&mut self, size: usize) -> Step {
        self.phase = Phase::Done;
        self.sides = Default::default();
        Step::Closed { size, key: 0 }
    }

    fn alerted(&mut self, size: usize, level: u8, code: u8, from_client: bool, facts: &mut Facts) -> Step {
        if level == 1 && !matches!(code, alert::CLOSE_NOTIFY | alert::USER_CANCELED) {
            alert::warn(code, facts);
            return match self.phase {
                Phase::Answering if !from_client => Step::Took { size },
                Phase::Start | Phase::Asked if !from_client => Step::Took { size },
                _ => self.passed(size, from_client),
            };
        }
        alert::put(code, from_client, facts);
        let is_answer = !from_client && matches!(self.phase, Phase::Start | Phase::Asked | Phase::Answering);
        self.end(size);
        if is_answer {
            facts.is_tls = true;
            facts.until_end = true;
            return Step::Message {
                size,
                kind: Kind::Response,
                body: Body::Bytes(0),
            };
        }
        Step::Closed { size, key: 0 }
    }
}
