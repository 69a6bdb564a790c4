//! QUIC 1 and 2 (RFC 9000, RFC 9369): the hellos in the Initial packets, which anyone on the way can read. One row a connection.

mod frames;
mod keys;
mod packet;

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{self, Body, Guess, Input, Opening, Parser, Resync, Step};
use super::tls::alert;
use super::tls::hello::{ClientHello, ServerHello};
use frames::{Close, Stream};
use keys::Keys;
use packet::{Kind, Packet};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Errors of the transport (RFC 9000, 20.1) that are one's own.
const INTERNAL_ERROR: u64 = 1;
const CONNECTION_REFUSED: u64 = 2;
/// Alerts of TLS as errors of the transport.
const CRYPTO_ERROR: std::ops::Range<u64> = 0x100..0x200;
/// Datagrams that are looked at before the flow is left alone.
const MAX_DATAGRAMS: u8 = 64;

/// Reads one QUIC connection.
#[derive(Default)]
pub struct Quic {
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
        Some((packet, _)) if packet.kind == Kind::Initial => Guess::Yes,
        _ => Guess::No,
    }
}

impl Parser for Quic {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = input.bytes.len();
        self.datagrams = self.datagrams.saturating_add(1);
        if self.answered || (!self.asked && packet::is_short(input.bytes)) || self.datagrams > MAX_DATAGRAMS {
            self.end();
            return Step::Stop;
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
                // Behind a Retry the client goes by another id.
                let frames = if from_client { self.first(packet)? } else { return None };
                self.streams = Default::default();
                frames
            }
        };
        let stream = &mut self.streams[side];
        let close = frames::read(&frames, stream);
        facts.put(Slot::Version, packet.version.text().as_bytes());
        let told = match (stream.message(), close) {
            (Some((CLIENT_HELLO, body)), _) if from_client && !self.asked => {
                ClientHello::read(body)?.put(true, facts);
                if let Some(first_us) = self.asked_us {
                    facts.start_us = first_us;
                    facts.captured = self.captured;
                }
                self.asked = true;
                parser::Kind::Request
            }
            (Some((SERVER_HELLO, body)), _) if !from_client => {
                let hello = ServerHello::read(body)?;
                if hello.is_retry {
                    self.streams[side] = Stream::default();
                    return None;
                }
                hello.put(facts);
                facts.until_end = false;
                facts.put(Slot::Version, packet.version.text().as_bytes());
                facts.status = Status::Ok;
                parser::Kind::Response
            }
            (_, Some(close)) if !from_client => {
                closed(&close, facts);
                parser::Kind::Response
            }
            _ => return None,
        };
        if told == parser::Kind::Response {
            if self.retried {
                facts.attribute("quic.retry", b"true");
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
        Some(frames)
    }
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
        bytes[0] = 0x80;
        assert!(packet::read(&bytes).is_none());
    }
}
