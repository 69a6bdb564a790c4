//! Pieces of packets: the header, numbers of variable length, OK and ERR.

use crate::l7::facts::{Facts, Slot};
use crate::l7::{L7Settings, Status};
use memchr::memchr;

pub const HEADER: usize = 4;
/// A packet of this length is followed by another that continues it.
pub const LARGEST: usize = 0xff_ffff;

/// Payload length and sequence number.
#[inline]
pub fn header(bytes: &[u8]) -> Option<(usize, u8)> {
    let header = bytes.first_chunk::<HEADER>()?;
    Some((
        usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16,
        header[3],
    ))
}

/// A number of variable length at the front, and the bytes it takes.
pub fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let little = |from: &[u8]| from.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    match *bytes.first()? {
        byte @ 0..=0xfa => Some((u64::from(byte), 1)),
        0xfc => Some((little(bytes.get(1..3)?), 3)),
        0xfd => Some((little(bytes.get(1..4)?), 4)),
        0xfe => Some((little(bytes.get(1..9)?), 9)),
        _ => None,
    }
}

/// More results follow this one.
pub const MORE_RESULTS: u16 = 0x0008;
/// Rows are fetched later.
pub const CURSOR: u16 = 0x0040;

/// Status flags of an OK packet, or of an EOF packet; sets the rows affected.
pub fn ok(payload: &[u8], facts: &mut Facts) -> u16 {
    let two = |at: usize| payload.get(at..at + 2).map_or(0, |flags| u16::from_le_bytes([flags[0], flags[1]]));
    if payload.len() <= 5 {
        return two(3);
    }
    let Some((affected, first)) = number(&payload[1..]) else { return 0 };
    let Some((_, second)) = number(&payload[1 + first..]) else {
        return 0;
    };
    facts.affected_rows = facts.affected_rows.saturating_add(affected);
    two(1 + first + second)
}

/// An ERR packet: code, `#` and SQLSTATE, message.
pub fn error(payload: &[u8], facts: &mut Facts, settings: &L7Settings) {
    let Some(code) = payload.get(1..3) else { return };
    let code = u16::from_le_bytes([code[0], code[1]]);
    let (state, text) = match &payload[3..] {
        [b'#', rest @ ..] if rest.len() >= 5 => rest.split_at(5),
        rest => (&rest[..0], rest),
    };
    facts.code = i32::from(code);
    facts.status = blame(code, state);
    if settings.obfuscate {
        facts.put(Slot::Exception, &crate::l7::sql::without_literals(text));
    } else {
        facts.put(Slot::Exception, text);
    }
    if !state.is_empty() {
        facts.attribute("db.response.sqlstate", state);
    }
}

/// Whose fault an error is. SQLSTATE 42000 is what the server says when it has no better state: there only codes that blame the statement or the
/// user are the client's. Sources: <https://mariadb.com/kb/en/mariadb-error-code-reference/>, the SQLSTATE classes of ISO 9075.
fn blame(code: u16, state: &[u8]) -> Status {
    let client = match (state.get(..2), code) {
        (_, 2000..=2999) => true,
        (_, 1044 | 1045 | 1064 | 1142 | 1143 | 1149 | 1227 | 1370 | 1698) => true,
        (_, 1205 | 1213) => false,
        (Some(b"42"), _) => state != b"42000",
        (Some(b"21" | b"22" | b"23" | b"28" | b"3D"), _) => true,
        _ => false,
    };
    if client { Status::ClientError } else { Status::ServerError }
}

/// A text that ends with a zero byte, and what follows it.
pub fn zero_ended(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
