//! What the client says: the login and the commands.

use super::command::{self, *};
use super::packet::{number, zero_ended};
use super::{MySql, Phase};
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::Kind;
use crate::l7::{L7Settings, sql};

const WITH_DB: u32 = 1 << 3;
const SSL: u32 = 1 << 11;
const SECURE: u32 = 1 << 15;
const LENGTH_ENCODED_SECRET: u32 = 1 << 21;
/// Capabilities, largest packet, character set, reserved: what a login and a request for TLS begin with.
pub const LOGIN_FRONT: usize = 32;

impl MySql {
    /// The login, or the request for TLS that takes its place.
    pub(super) fn login(&mut self, payload: &[u8], facts: &mut Facts) -> Option<Kind> {
        let capabilities = u32::from_le_bytes(*payload.first_chunk::<4>()?);
        facts.note = u32::from(LOGIN);
        // A greeting that was not seen may have offered it.
        self.compresses = (self.compresses || self.version_len == 0) && capabilities & super::compressed::CAPABILITIES != 0;
        if payload.len() == LOGIN_FRONT && capabilities & SSL != 0 {
            self.tls = true;
            facts.is_tls = true;
            facts.put(Slot::RequestType, b"SSLRequest");
            return Some(Kind::Notice);
        }
        facts.put(Slot::RequestType, b"LOGIN");
        let (user, rest) = zero_ended(payload.get(LOGIN_FRONT..)?)?;
        let rest = if capabilities & (LENGTH_ENCODED_SECRET | SECURE) != 0 {
            let (length, size) = number(rest)?;
            rest.get(size + usize::try_from(length).ok()?..)?
        } else {
            zero_ended(rest)?.1
        };
        let database = if capabilities & WITH_DB != 0 {
            zero_ended(rest).map_or(rest, |(database, _)| database)
        } else {
            b""
        };
        put_login(user, database, facts);
        Some(Kind::Request)
    }

    /// A command, `None` for what is none.
    #[inline]
    pub(super) fn command(&mut self, payload: &[u8], length: usize, facts: &mut Facts, settings: &L7Settings) -> Option<Kind> {
        let command = *payload.first()?;
        let name = command::name(command)?;
        // Whoever sends commands has logged in.
        self.phase = Phase::Command;
        facts.note = u32::from(command);
        facts.put(Slot::RequestType, name.as_bytes());
        let rest = &payload[1..];
        match command {
            QUERY => sql::put(behind_attributes(rest, facts), facts, settings),
            STMT_PREPARE => sql::put(rest, facts, settings),
            INIT_DB => facts.put(Slot::Resource, rest),
            STMT_EXECUTE | STMT_BULK_EXECUTE | STMT_RESET | STMT_FETCH | STMT_SEND_LONG_DATA | STMT_CLOSE => {
                let id = u32::from_le_bytes(*rest.first_chunk::<4>()?);
                facts.request_id = u64::from(id);
                // -1 stands for the statement prepared last (MariaDB).
                let id = if id == u32::MAX { self.statements.last } else { u64::from(id) };
                sql::put(self.statements.text(id).as_bytes(), facts, settings);
                if command == STMT_CLOSE {
                    self.statements.forget(id);
                }
            }
            CHANGE_USER => {
                self.statements.clear();
                let (user, rest) = zero_ended(rest)?;
                let secret = usize::from(*rest.first()?);
                let database = rest
                    .get(1 + secret..)
                    .and_then(zero_ended)
                    .map_or(&b""[..], |(database, _)| database);
                put_login(user, database, facts);
            }
            0x1f => self.statements.clear(),
            FIELD_LIST => facts.put(Slot::Resource, zero_ended(rest).map_or(rest, |(table, _)| table)),
            // A command alone in a packet that should have no more.
            QUIT | PING | STATISTICS if length != 1 => return None,
            _ => {}
        }
        Some(if command::is_notice(command) { Kind::Notice } else { Kind::Request })
    }
}

fn put_login(user: &[u8], database: &[u8], facts: &mut Facts) {
    facts.put(Slot::Resource, b"Login username: ");
    facts.extend(Slot::Resource, user);
    if !database.is_empty() {
        facts.extend(Slot::Resource, b" db: ");
        facts.extend(Slot::Resource, database);
    }
    facts.put_same(Slot::Endpoint, Slot::Resource);
}

/// SQL behind query attributes (MySQL 8.0.25), of which a `traceparent` is taken.
fn behind_attributes<'a>(text: &'a [u8], facts: &mut Facts) -> &'a [u8] {
    match text {
        [0, 1, rest @ ..] => rest,
        [count @ 1..=32, 1, rest @ ..] => attributes(usize::from(*count), rest, facts).unwrap_or(text),
        _ => text,
    }
}

fn attributes<'a>(count: usize, rest: &'a [u8], facts: &mut Facts) -> Option<&'a [u8]> {
    let nulls = rest.get(..count.div_ceil(8))?;
    let rest = rest.get(nulls.len()..)?;
    let mut rest = rest.strip_prefix(b"\x01")?;
    let mut declared: [(u8, &[u8]); 32] = [(0, b""); 32];
    for slot in declared.iter_mut().take(count) {
        let (length, size) = number(rest.get(2..)?)?;
        let end = 2 + size + usize::try_from(length).ok()?;
        *slot = (rest[0], rest.get(2 + size..end)?);
        rest = &rest[end..];
    }
    for (at, (kind, name)) in declared.iter().take(count).enumerate() {
        if nulls[at / 8] >> (at % 8) & 1 == 1 {
            continue;
        }
        let (skip, size) = match kind {
            0x01 => (0, 1),
            0x02 | 0x0d => (0, 2),
            0x03 | 0x04 | 0x09 => (0, 4),
            0x05 | 0x08 => (0, 8),
            0x06 => (0, 0),
            0x07 | 0x0a..=0x0c => (1, usize::from(*rest.first()?)),
            _ => {
                let (length, size) = number(rest)?;
                (size, usize::try_from(length).ok()?)
            }
        };
        let value = rest.get(skip..skip + size)?;
        if *name == b"traceparent" {
            sql::traceparent(value, facts);
        }
        rest = &rest[skip + size..];
    }
    Some(rest)
}
