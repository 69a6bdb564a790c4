//! SSH 2 (RFC 4253): software and algorithms of both ends, until they encrypt. One row a connection.
//!
//! The request is the client's banner and its offer of algorithms; the response is everything the server says until its keys are in use, so the
//! row's duration is that of the key exchange.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::tls::extension::Reader;
use super::tls::fingerprint::hex;
use md5::{Digest, Md5};
use memchr::memchr;

const BANNER: &[u8] = b"SSH-";
/// Longest banner, and lines that a server may send before it (RFC 4253, 4.2).
const MAX_LINE: usize = 1024;
const MAX_LINES: u8 = 64;
const MAX_PACKET: usize = 40_000;
/// Bytes of an offer that are kept.
const MAX_OFFER: usize = 8 * 1024;
const DISCONNECT: u8 = 1;
const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const SERVICE_NOT_AVAILABLE: u32 = 7;
const TOO_MANY_CONNECTIONS: u32 = 12;

/// Lists of an offer that a connection goes by, from the client's side.
const CHOICES: [(usize, &str); 5] = [
    (0, "ssh.kex"),
    (1, "ssh.host_key"),
    (2, "ssh.cipher"),
    (4, "ssh.mac"),
    (6, "ssh.compression"),
];

#[derive(Debug, Default)]
struct Side {
    lines: u8,
    has_banner: bool,
    /// Its lists of algorithms.
    offer: Vec<u8>,
    /// Bytes of a packet still to come.
    left: usize,
}

/// Reads one SSH connection.
#[derive(Debug, Default)]
pub struct Ssh {
    /// Client, server.
    sides: [Side; 2],
    done: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Ssh::default())
}

/// The banner; either end may be the first.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let bytes = opening.bytes;
    match bytes.get(BANNER.len()..) {
        None if BANNER.starts_with(bytes) => Guess::Maybe,
        None => Guess::No,
        Some(_) if !bytes.starts_with(BANNER) => Guess::No,
        Some([] | [b'1' | b'2']) => Guess::Maybe,
        Some([b'1' | b'2', b'.', ..]) => Guess::Yes,
        Some(_) => Guess::No,
    }
}

impl Parser for Ssh {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.done {
            return Step::Stop;
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.left > 0 {
            let size = side.left.min(input.bytes.len());
            side.left -= size;
            return Step::Took { size };
        }
        if side.has_banner {
            self.packet(input, facts)
        } else {
            self.banner(input, facts)
        }
    }

    fn resync(&mut self, _from_client: bool, _bytes: &[u8]) -> Resync {
        // What was lost may be the change of keys; nothing behind it would be told apart from ciphertext.
        self.done = true;
        Resync::At(0)
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let is_told = self.sides[usize::from(!from_client)].has_banner && (!from_client || self.sides[0].offer.is_empty());
        if !is_told || self.done {
            return None;
        }
        if !from_client && let Some(missing) = self.not_agreed() {
            facts.status = Status::ClientError;
            facts.put(Slot::Exception, missing.as_bytes());
        }
        Some(if from_client { Kind::Request } else { Kind::Response })
    }

    fn heap_bytes(&self) -> usize {
        self.sides.iter().map(|side| side.offer.capacity()).sum()
    }
}

impl Ssh {
    fn banner(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let Some(end) = memchr(b'\n', input.bytes) else {
            return if input.bytes.len() > MAX_LINE {
                Step::Lost { size: input.bytes.len() }
            } else {
                Step::More
            };
        };
        let size = end + 1;
        let line = input.bytes[..end].trim_ascii_end();
        let Some(rest) = line.strip_prefix(BANNER) else {
            side.lines += 1;
            return if side.lines > MAX_LINES {
                Step::Lost { size }
            } else {
                Step::Took { size }
            };
        };
        side.has_banner = true;
        let dash = memchr(b'-', rest).unwrap_or(rest.len());
        let software = rest.get(dash + 1..).unwrap_or_default();
        facts.put(Slot::Version, &rest[..dash]);
        if input.from_client {
            facts.put(Slot::RequestType, b"KeyExchange");
            facts.put(Slot::UserAgent, software);
            facts.attribute("ssh.client.software", software);
        } else {
            facts.until_end = true;
            facts.put(Slot::Result, software);
            facts.attribute("ssh.server.software", software);
        }
        if rest.starts_with(b"1.") && !rest.starts_with(b"1.99") {
            // The old protocol: told by its banners only.
            self.done = !input.from_client;
            facts.status = Status::Ok;
            return told(size, input.from_client);
        }
        Step::Took { size }
    }

    fn packet(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let Some((length, rest)) = input.bytes.split_first_chunk() else {
            return Step::More;
        };
        let length = u32::from_be_bytes(*length) as usize;
        if !(5..=MAX_PACKET).contains(&length) {
            return Step::Lost { size: input.bytes.len() };
        }
        let [padding, kind, ..] = *rest else { return Step::More };
        let size = 4 + length;
        if matches!(kind, KEXINIT | DISCONNECT) {
            let Some(payload) = input.bytes.get(6..size.saturating_sub(usize::from(padding)).max(6)) else {
                return if input.full {
                    Step::Lost { size: input.bytes.len() }
                } else {
                    Step::More
                };
            };
            if input.bytes.len() < size {
                return Step::More;
            }
            return match kind {
                KEXINIT => self.offered(payload, size, input.from_client, facts),
                _ => self.disconnected(payload, size, input.from_client, facts),
            };
        }
        if kind == NEWKEYS && !input.from_client {
            if input.bytes.len() < size && !input.full {
                return Step::More;
            }
            self.agreed(facts);
            return told(size.min(input.bytes.len()), false);
        }
        let taken = size.min(input.bytes.len());
        self.sides[usize::from(!input.from_client)].left = size - taken;
        Step::Took { size: taken }
    }

    fn offered(&mut self, payload: &[u8], size: usize, from_client: bool, facts: &mut Facts) -> Step {
        // The cookie goes before the lists.
        let lists = payload.get(16..).unwrap_or_default();
        let side = &mut self.sides[usize::from(!from_client)];
        let is_first = side.offer.is_empty();
        side.offer = lists[..lists.len().min(MAX_OFFER)].to_vec();
        let key = if from_client { "ssh.client.hassh" } else { "ssh.server.hassh" };
        facts.attribute(key, &hassh(lists, from_client));
        if from_client && is_first {
            return told(size, true);
        }
        Step::Took { size }
    }

    /// Both offers are known, and what comes of them.
    fn agreed(&mut self, facts: &mut Facts) {
        self.done = true;
        facts.status = Status::Ok;
        let [client, server] = std::mem::take(&mut self.sides);
        for (nth, key) in CHOICES {
            if let Some(chosen) = choice(&client.offer, &server.offer, nth) {
                facts.attribute(key, chosen);
            }
        }
    }

    /// What both offered has nothing in common here; that is why they part.
    fn not_agreed(&self) -> Option<&'static str> {
        let [client, server] = &self.sides;
        if client.offer.is_empty() || server.offer.is_empty() {
            return None;
        }
        const NEEDED: [(usize, &str); 3] = [
            (0, "no matching key exchange method"),
            (1, "no matching host key type"),
            (2, "no matching cipher"),
        ];
        let missing = NEEDED.iter().find(|(nth, _)| choice(&client.offer, &server.offer, *nth).is_none());
        missing.map(|(_, text)| *text)
    }

    fn disconnected(&mut self, payload: &[u8], size: usize, from_client: bool, facts: &mut Facts) -> Step {
        let code = payload.first_chunk().map_or(0, |code| u32::from_be_bytes(*code));
        let text = Reader(payload.get(6..).unwrap_or_default()).long().unwrap_or_default();
        facts.code = i32::try_from(code).unwrap_or_default();
        let is_own = matches!(code, SERVICE_NOT_AVAILABLE | TOO_MANY_CONNECTIONS);
        facts.status = if from_client == is_own {
            Status::ClientError
        } else {
            Status::ServerError
        };
        facts.put(Slot::Exception, text);
        self.done = true;
        if from_client {
            Step::Closed { size, key: 0 }
        } else {
            told(size, false)
        }
    }
}

fn told(size: usize, from_client: bool) -> Step {
    Step::Message {
        size,
        kind: if from_client { Kind::Request } else { Kind::Response },
        body: Body::Bytes(0),
    }
}

/// What comes of two lists: the first of the client's wishes that the server can meet.
fn choice<'a>(client: &'a [u8], server: &[u8], nth: usize) -> Option<&'a [u8]> {
    let (wishes, offers) = (list(client, nth), list(server, nth));
    let mut wishes = wishes.split(|byte| *byte == b',');
    wishes.find(|wish| !wish.is_empty() && offers.split(|byte| *byte == b',').any(|offer| offer == *wish))
}

/// The list at this place of an offer.
fn list(offer: &[u8], nth: usize) -> &[u8] {
    let mut reader = Reader(offer);
    let mut lists = std::iter::from_fn(|| {
        let length = reader.take(4)?;
        reader.take(u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize)
    });
    lists.nth(nth).unwrap_or_default()
}

/// HASSH: what an offer looks like (<https://github.com/salesforce/hassh>).
fn hassh(offer: &[u8], from_client: bool) -> Vec<u8> {
    let way = usize::from(!from_client);
    let mut digest = Md5::new();
    for (nth, place) in [0, 2 + way, 4 + way, 6 + way].into_iter().enumerate() {
        if nth > 0 {
            digest.update(b";");
        }
        digest.update(list(offer, place));
    }
    let mut printed = Vec::with_capacity(32);
    hex(&digest.finalize(), &mut printed);
    printed
}
