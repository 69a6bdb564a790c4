//! What a server answers.

use super::envelope::*;
use super::{Cql, hash, short};
use crate::l7::facts::{Facts, Slot};
use crate::l7::frame::{Bytes, Said};
use crate::l7::parser::Kind;
use crate::l7::{L7Settings, Status, sql};

const ROWS: u32 = 2;
const KEYSPACE: u32 = 3;
const PREPARED: u32 = 4;
/// Columns whose types are read to find the number of rows behind them.
const MAX_COLUMNS: u32 = 1000;

/// Name of an error, and whose fault it is; `None` for what is no error.
pub fn blame(code: u32) -> Option<(&'static str, Status)> {
    let (client, server) = (Status::ClientError, Status::ServerError);
    Some(match code {
        0x0000 => ("server_error", server),
        0x000a => ("protocol_error", client),
        0x0100 => ("bad_credentials", client),
        0x1000 => ("unavailable", server),
        0x1001 => ("overloaded", server),
        0x1002 => ("bootstrapping", server),
        0x1003 => ("truncate_error", server),
        0x1100 => ("write_timeout", server),
        0x1200 => ("read_timeout", server),
        0x1300 => ("read_failure", server),
        0x1400 => ("function_failure", client),
        0x1500 => ("write_failure", server),
        0x1600 => ("cdc_write_failure", server),
        0x1700 => ("cas_write_unknown", server),
        0x2000 => ("syntax_error", client),
        0x2100 => ("unauthorized", client),
        0x2200 => ("invalid", client),
        0x2300 => ("config_error", client),
        0x2400 => ("already_exists", client),
        0x2500 => ("unprepared", client),
        _ => return None,
    })
}

impl Cql {
    pub(super) fn response(&mut self, header: &Header, mut rest: Bytes<'_>, settings: &L7Settings, facts: &mut Facts) -> Said {
        facts.status = Status::Ok;
        if header.version >= 5 && matches!(header.opcode, READY | AUTHENTICATE) {
            self.segmented = true;
        }
        // What of it was cut off is not told.
        let _ = self.told(header, &mut rest, settings, facts);
        if header.opcode == EVENT {
            facts.put(Slot::RequestType, b"EVENT");
            facts.status = Status::Unknown;
            return Said::Message(Kind::Notice);
        }
        Said::Message(Kind::Response)
    }

    fn told(&mut self, header: &Header, rest: &mut Bytes<'_>, settings: &L7Settings, facts: &mut Facts) -> Option<()> {
        if header.flags & TRACED != 0 {
            rest.take(16)?;
        }
        if header.flags & WARNED != 0 {
            for _ in 0..rest.u16()? {
                facts.attribute("cassandra.warning", short(rest)?);
            }
        }
        if header.flags & PAYLOAD != 0 {
            for _ in 0..rest.u16()? {
                short(rest)?;
                let size = rest.u32()? as i32;
                rest.take(usize::try_from(size).unwrap_or(0))?;
            }
        }
        match header.opcode {
            ERROR => {
                let code = rest.u32()?;
                let (name, status) = blame(code).unwrap_or(("", Status::ServerError));
                (facts.code, facts.status) = (code as i32, status);
                facts.attribute("cassandra.error", name.as_bytes());
                let text = short(rest)?;
                if settings.obfuscate {
                    facts.put(Slot::Exception, &sql::without_literals(text));
                } else {
                    facts.put(Slot::Exception, text);
                }
            }
            RESULT => self.result(header, rest, facts)?,
            EVENT => facts.put(Slot::Resource, short(rest)?),
            AUTHENTICATE => facts.put(Slot::Result, short(rest)?),
            _ => {}
        }
        Some(())
    }

    fn result(&mut self, header: &Header, rest: &mut Bytes<'_>, facts: &mut Facts) -> Option<()> {
        let kind = rest.u32()?;
        let name = ["", "VOID", "ROWS", "SET_KEYSPACE", "PREPARED", "SCHEMA_CHANGE"].get(kind as usize)?;
        facts.put(Slot::Result, name.as_bytes());
        match kind {
            ROWS => {
                let rows = count(header.version, rest)?;
                facts.attribute("db.response.returned_rows", itoa::Buffer::new().format(rows).as_bytes());
            }
            KEYSPACE => self.keyspace = String::from_utf8_lossy(short(rest)?).into_owned(),
            PREPARED => {
                let id = short(rest)?;
                let at = self.preparing.iter().position(|(stream, _)| *stream == header.stream)?;
                let (_, text) = self.preparing.swap_remove(at);
                self.statements.remember(hash(id), &text);
            }
            _ => {}
        }
        Some(())
    }
}

/// Rows of a result, which are told behind what its columns are.
fn count(version: u8, rest: &mut Bytes<'_>) -> Option<u32> {
    let (flags, columns) = (rest.u32()?, rest.u32()?);
    let has = |bit: u32| flags & bit != 0;
    if has(2) {
        let size = rest.u32()? as i32;
        rest.take(usize::try_from(size).unwrap_or(0))?;
    }
    if version >= 5 && has(8) {
        short(rest)?;
    }
    if !has(4) {
        if has(1) {
            short(rest)?;
            short(rest)?;
        }
        for _ in 0..columns.min(MAX_COLUMNS) {
            if !has(1) {
                short(rest)?;
                short(rest)?;
            }
            short(rest)?;
            column(rest, 0)?;
        }
    }
    rest.u32().filter(|_| columns <= MAX_COLUMNS)
}

/// Passes over a column's type.
fn column(rest: &mut Bytes<'_>, depth: u8) -> Option<()> {
    let inner = match (rest.u16()?, depth) {
        (_, 8..) => return None,
        (0, _) => return short(rest).map(drop),
        (0x20 | 0x22, _) => 1,
        (0x21, _) => 2,
        (0x31, _) => rest.u16()?,
        (0x30, _) => {
            short(rest)?;
            short(rest)?;
            for _ in 0..rest.u16()? {
                short(rest)?;
                column(rest, depth + 1)?;
            }
            0
        }
        _ => 0,
    };
    (0..inner).try_for_each(|_| column(rest, depth + 1))
}
