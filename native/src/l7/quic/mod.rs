//! QUIC 1 and 2 (RFC 9000, RFC 9369), and the drafts from 23 on: the hellos in the Initial packets, which anyone on the way can read. One row a connection.

pub(super) mod frames;
mod keys;
mod packet;

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{self, Body, Guess, Input, Opening, Parser, Resync, Step};
use super::tls::alert;
use super::tls::hello::{ClientHello, Over, ServerHello};
use foldhash::fast::FixedState;
use frames::{Close, Stream};
use keys::Keys;
pub(crate) use packet::may_begin;
use packet::{Kind, Packet, Version};
use std::hash::BuildHasher;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Errors of the transport (RFC 9000, 20.1) that are one's own.
const INTERNAL_ERROR: u64 = 1;
const CONNECTION_REFUSED: u64 = 2;
/// Alerts of TLS as errors of the transport.
const CRYPTO_ERROR: std::ops::Range<u64> = 0x100..0x200;
/// Datagrams that are looked at before the flow is left alone.
const MAX_DATAGRAMS: u8 = 64;

/// Reads one QUIC connection, or several from the same port, one after the other.
#[derive(Default)]
pub struct Quic {
    /// The id that the client made up for the server, hashed: another one is another connection.
    key: u64,
    /// Client, server.
    keys: Option<Box<[Keys; 2]>>,
    streams: [Stream; 2],
    /// When the first part of the client's hello came.
    asked_us: Option<i64>,
    captured: u64,
    asked: bool,
    answered: bool,
    retried: bool,
    datagrams: u8,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Quic::default())
}

/// An Initial packet of a known version.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match packet::read(opening.bytes) {
        Some((packet, _)) if packet.kind == Kind::Initial && packet::is_marked(opening.bytes) => Guess::Yes,
        _ => Guess::No,
    }
}

impl Parser for Quic {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = input.bytes.len();
        self.datagrams = self.datagrams.saturating_add(1);
        // With that the client goes on where the handshake is over.
        let is_over = packet::is_short(input.bytes) && if self.answered { input.from_client } else { !self.asked };
        if is_over || self.datagrams > MAX_DATAGRAMS {
            self.end();
            return Step::Stop;
        }
        if self.answered && !(input.from_client && self.begins_again(input.bytes)) {
            return Step::Skip { size };
        }
        if !input.from_client && self.refused(input.bytes, facts) {
            return Step::Message {
                size,
                kind: parser::Kind::Response,
                body: Body::Bytes(0),
            };
        }
        let mut rest = input.bytes;
        let mut told = None;
        while let Some((packet, behind)) = packet::read(rest) {
            rest = behind;
            told = told.or_else(|| self.packet(&packet, input.from_client, facts));
        }
        match told {
            Some(kind) => Step::Message {
                size,
                kind,
                body: Body::Bytes(0),
            },
            None => {
                if input.from_client && !self.asked && self.keys.is_some() {
                    self.asked_us.get_or_insert(facts.start_us);
                    self.captured += size as u64;
                }
                Step::Skip { size }
            }
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }

    fn heap_bytes(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, |_| size_of::<[Keys; 2]>());
        keys + self.streams.iter().map(Stream::heap_bytes).sum::<usize>()
    }
}

impl Quic {
    fn end(&mut self) {
        self.answered = true;
        self.keys = None;
        self.streams = Default::default();
    }

    /// Whether a client that was answered begins another connection with this: an id that it made up gives the keys of the packet that names it.
    fn begins_again(&mut self, bytes: &[u8]) -> bool {
        let Some((packet, _)) = packet::read(bytes).filter(|(packet, _)| packet.kind == Kind::Initial && may_begin(bytes)) else {
            return false;
        };
        let begins = hash(packet.target) != self.key && self.first(&packet).is_some();
        if begins {
            self.begin_again(&packet);
        }
        begins
    }

    /// Forgets the connection before this packet's, of which the keys are there.
    fn begin_again(&mut self, packet: &Packet<'_>) {
        *self = Quic {
            key: hash(packet.target),
            keys: self.keys.take(),
            ..Quic::default()
        };
    }

    /// Whether the server says that it does not speak the client's version, which ends this attempt.
    fn refused(&mut self, bytes: &[u8], facts: &mut Facts) -> bool {
        let Some((_, versions)) = packet::negotiation(bytes).filter(|(source, _)| self.asked && hash(source) == self.key) else {
            return false;
        };
        facts.key = self.key;
        facts.is_tls = true;
        facts.status = Status::ClientError;
        facts.put(Slot::Exception, b"version not supported");
        facts.put(Slot::Result, spoken(versions).as_bytes());
        *self = Quic {
            datagrams: self.datagrams,
            ..Quic::default()
        };
        true
    }

    fn packet(&mut self, packet: &Packet<'_>, from_client: bool, facts: &mut Facts) -> Option<parser::Kind> {
        match packet.kind {
            Kind::Initial => {}
            Kind::Retry => {
                self.retried |= !from_client;
                return None;
            }
            Kind::Other => return None,
        }
        let side = usize::from(!from_client);
        let opened = self.keys.as_ref().and_then(|keys| keys[side].open(packet));
        let frames = match opened {
            Some(frames) => frames,
            None if from_client && !self.asked => self.first(packet)?,
            None => {
                let frames = if from_client { self.first(packet)? } else { return None };
                // Behind a Retry the client goes by another id.
                if self.retried {
                    self.streams = Default::default();
                } else {
                    self.begin_again(packet);
                }
                frames
            }
        };
        let stream = &mut self.streams[side];
        let close = frames::read(&frames, stream);
        facts.put(Slot::Version, packet.version.text().as_bytes());
        let told = match (stream.message(), close) {
            (Some((CLIENT_HELLO, body)), _) if from_client && !self.asked => {
                ClientHello::read(body, Over::Quic)?.put(Over::Quic, facts);
                if let Some(first_us) = self.asked_us {
                    facts.start_us = first_us;
                    facts.captured = self.captured;
                }
                self.asked = true;
                facts.key = self.key;
                parser::Kind::Request
            }
            (Some((SERVER_HELLO, body)), _) if !from_client => {
                let hello = ServerHello::read(body)?;
                if hello.is_retry {
                    self.streams[side].pass();
                    return None;
                }
                hello.put(facts);
                facts.key = self.key;
                facts.until_end = false;
                facts.put(Slot::Version, packet.version.text().as_bytes());
                facts.status = Status::Ok;
                parser::Kind::Response
            }
            (_, Some(close)) if !from_client => {
                closed(&close, facts);
                facts.key = self.key;
                parser::Kind::Response
            }
            _ => return None,
        };
        if told == parser::Kind::Response {
            if self.retried {
                facts.attribute("quic.retry", b"true");
            }
            if self.streams[1].has_passed() {
                facts.attribute("tls.hello_retry", b"true");
            }
            self.end();
        }
        Some(told)
    }

    /// Frames of a client's packet that is the first with its id.
    fn first(&mut self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let keys = [true, false].map(|from_client| Keys::of(packet.version, packet.target, from_client));
        let frames = keys[0].open(packet)?;
        self.keys = Some(Box::new(keys));
        if !self.asked && !self.answered {
            self.key = hash(packet.target);
        }
        Some(frames)
    }
}

fn hash(id: &[u8]) -> u64 {
    FixedState::default().hash_one(id)
}

/// Versions of a list, without those that are there to see who chokes on them (RFC 9000, 15).
fn spoken(versions: &[u8]) -> String {
    let numbers = versions
        .chunks_exact(4)
        .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
    let names: Vec<String> = numbers
        .filter(|number| number & 0x0f0f_0f0f != 0x0a0a_0a0a)
        .take(16)
        .map(|number| Version::of(number).map_or_else(|| format!("0x{number:08x}"), |version| version.text().into_owned()))
        .collect();
    names.join(",")
}

/// Says that the server will not have it.
fn closed(close: &Close<'_>, facts: &mut Facts) {
    facts.is_tls = true;
    if CRYPTO_ERROR.contains(&close.code) {
        alert::put((close.code & 0xff) as u8, false, facts);
    } else {
        facts.code = i32::try_from(close.code).unwrap_or(i32::MAX);
        facts.status = match close.code {
            0 => Status::Ok,
            INTERNAL_ERROR | CONNECTION_REFUSED => Status::ServerError,
            _ => Status::ClientError,
        };
        if facts.status != Status::Ok {
            facts.put(Slot::Exception, close.reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::packet::Version;
    use super::*;

    /// The keys of RFC 9001, A.1, open the packet of A.2, of which the header is enough to see that they fit.
    #[test]
    fn ids_and_lengths_of_a_header_are_read() {
        let mut bytes = vec![
            0xc0, 0, 0, 0, 1, 8, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 0, 0, 0x40, 0x20,
        ];
        bytes.resize(bytes.len() + 0x20 + 3, 0);
        let (packet, rest) = packet::read(&bytes).unwrap();
        assert_eq!((packet.version, packet.kind, packet.target.len()), (Version::V1, Kind::Initial, 8));
        assert_eq!((packet.number_at, rest.len()), (18, 3));
        assert!(Keys::of(packet.version, packet.target, true).open(&packet).is_none());
        assert!(packet::is_marked(&bytes));
        bytes[0] = 0x40;
        assert!(packet::read(&bytes).is_none());
    }
}
