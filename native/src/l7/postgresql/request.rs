//! What the client says.

use super::opening::{CANCEL, GSS, SSL, from_client, header, startup};
use super::{HEADER, PostgreSql, REQUEST_FRONT};
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Input, Kind, Step};
use crate::l7::{L7Settings, sql};
use memchr::memchr;

/// `Facts::note`: how the response ends.
pub const QUERY: u32 = 0;
pub const PARSE: u32 = 1;
pub const EXECUTE: u32 = 2;
pub const LOGIN: u32 = 3;
pub const ENCRYPTION: u32 = 4;
/// What is bound where that is not known.
const NOTHING: u64 = u64::MAX;
/// Named portals of one connection that are remembered.
const MAX_PORTALS: usize = 64;

/// A text that ends with a zero byte, and what follows it.
pub fn zero_ended(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(0, bytes) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, b""),
    }
}

/// FNV-1a.
fn hash(name: &[u8]) -> u64 {
    let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    name.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl PostgreSql {
    #[inline]
    pub(super) fn client(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let bytes = input.bytes;
        // The kind may have been taken with the request before.
        let mut whole = [0_u8; HEADER];
        let taken = self.taken;
        let (kind, length, start) = match taken {
            Some(kind) => {
                let Some(four) = bytes.first_chunk::<4>() else { return Step::More };
                whole[0] = kind;
                whole[1..].copy_from_slice(four);
                let Some((kind, length)) = header(&whole) else { return Step::More };
                (kind, length, 4)
            }
            None if bytes[0] == 0 => return self.startup(bytes, facts),
            None => {
                let Some((kind, length)) = header(bytes) else { return Step::More };
                (kind, length, HEADER)
            }
        };
        if !from_client(kind, length) {
            return Step::Lost { size: 1 };
        }
        if self.parsed && taken.is_none() && matches!(kind, b'P' | b'Q' | b'S' | b'H' | b'F') {
            // The preparation stands alone.
            (self.parsed, self.taken) = (false, Some(kind));
            return self.message(1, 0, Kind::Request, facts);
        }
        let front = match kind {
            b'd' | b'p' => 0,
            _ => length.min(REQUEST_FRONT),
        };
        let Some(content) = bytes.get(start..start + front) else {
            return Step::More;
        };
        self.taken = None;
        let (size, rest) = (start + front, (length - front) as u64);
        let request = self.request(kind, content, facts, input.settings);
        facts.length = facts.length.max(0) + length as i64;
        if let Some(kind) = request {
            (self.parsed, self.binds) = (false, false);
            return self.message(size, rest, kind, facts);
        }
        if kind == b'S' {
            self.batch = self.batch.wrapping_add(1);
        }
        self.binds = kind == b'B' || (self.binds && kind != b'S');
        (self.rest[0], self.gathering[0]) = (rest, self.parsed || self.binds);
        self.moved(0, size)
    }

    /// Messages of the client were lost: what has no name may mean something else by now, and what has one may have another statement.
    pub(super) fn forget_unnamed(&mut self) {
        self.statements.forget(hash(b""));
        self.portals.clear();
        self.bound = NOTHING;
    }

    fn message(&self, size: usize, rest: u64, kind: Kind, facts: &mut Facts) -> Step {
        facts.put(Slot::Version, self.version.as_bytes());
        facts.group = self.batch;
        let is_passed_over = kind == Kind::Request && facts.note != QUERY && self.failed == Some(self.batch);
        let kind = if is_passed_over { Kind::Notice } else { kind };
        Step::Message {
            size,
            kind,
            body: Body::Bytes(rest),
        }
    }

    /// What a message asks for, `None` where it is only a part of it.
    #[inline]
    fn request(&mut self, kind: u8, content: &[u8], facts: &mut Facts, settings: &L7Settings) -> Option<Kind> {
        match kind {
            b'Q' => {
                facts.note = QUERY;
                facts.put(Slot::RequestType, b"QUERY");
                sql::put(zero_ended(content).0, facts, settings);
                Some(Kind::Request)
            }
            b'P' => {
                let (name, rest) = zero_ended(content);
                facts.note = PARSE;
                facts.put(Slot::RequestType, b"PARSE");
                sql::put(zero_ended(rest).0, facts, settings);
                self.statements.remember(hash(name), facts.get(Slot::Resource));
                self.parsed = true;
                None
            }
            b'B' => {
                let (portal, rest) = zero_ended(content);
                let statement = hash(zero_ended(rest).0);
                if portal.is_empty() {
                    self.bound = statement;
                } else {
                    self.portals.retain(|(name, _)| *name != hash(portal));
                    self.portals.push_back((hash(portal), statement));
                    if self.portals.len() > MAX_PORTALS {
                        self.portals.pop_front();
                    }
                }
                None
            }
            b'E' => {
                let portal = zero_ended(content).0;
                let statement = if portal.is_empty() {
                    self.bound
                } else {
                    let named = self.portals.iter().find(|(name, _)| *name == hash(portal));
                    named.map_or(NOTHING, |(_, statement)| *statement)
                };
                facts.note = EXECUTE;
                facts.put(Slot::RequestType, b"EXECUTE");
                if facts.get(Slot::Resource).is_empty() {
                    sql::put(self.statements.text(statement).as_bytes(), facts, settings);
                }
                Some(Kind::Request)
            }
            b'C' => {
                match content.split_first() {
                    Some((b'S', name)) => self.statements.forget(hash(zero_ended(name).0)),
                    Some((_, name)) => self.portals.retain(|(portal, _)| *portal != hash(zero_ended(name).0)),
                    None => {}
                }
                None
            }
            b'F' => {
                facts.note = QUERY;
                facts.put(Slot::RequestType, b"FUNCTION_CALL");
                Some(Kind::Request)
            }
            b'X' => {
                facts.put(Slot::RequestType, b"TERMINATE");
                Some(Kind::Notice)
            }
            _ => None,
        }
    }

    /// The first message of a connection, which has no kind.
    fn startup(&mut self, bytes: &[u8], facts: &mut Facts) -> Step {
        if bytes.len() < 8 {
            return Step::More;
        }
        let Some((length, code)) = startup(bytes) else {
            return Step::Lost { size: 1 };
        };
        let Some(content) = bytes.get(8..length) else { return Step::More };
        facts.length = length as i64;
        let (name, kind) = match code {
            SSL => ("SSLRequest", Kind::Request),
            GSS => ("GSSENCRequest", Kind::Request),
            CANCEL => ("CancelRequest", Kind::Notice),
            _ => ("LOGIN", Kind::Request),
        };
        facts.put(Slot::RequestType, name.as_bytes());
        facts.note = if code == SSL || code == GSS { ENCRYPTION } else { LOGIN };
        if name == "LOGIN" {
            login(content, facts);
        }
        self.message(length, 0, kind, facts)
    }
}

fn login(mut content: &[u8], facts: &mut Facts) {
    let (mut user, mut database) = (&b""[..], &b""[..]);
    while !content.is_empty() {
        let (name, rest) = zero_ended(content);
        let (value, rest) = zero_ended(rest);
        match name {
            b"user" => user = value,
            b"database" => database = value,
            _ => {}
        }
        content = rest;
    }
    facts.put(Slot::Resource, b"Login username: ");
    facts.extend(Slot::Resource, user);
    if !database.is_empty() {
        facts.extend(Slot::Resource, b" db: ");
        facts.extend(Slot::Resource, database);
    }
    facts.put_same(Slot::Endpoint, Slot::Resource);
}
