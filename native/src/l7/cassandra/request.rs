//! What a client asks.

use super::envelope::*;
use super::{Cql, MAX_PREPARING, short};
use crate::l7::context::Context;
use crate::l7::facts::{Facts, MAX_TEXT, Slot};
use crate::l7::frame::{Bytes, Said};
use crate::l7::parser::Kind;
use crate::l7::{L7Settings, sql};

const CONSISTENCY: [&str; 11] = [
    "any",
    "one",
    "two",
    "three",
    "quorum",
    "all",
    "local_quorum",
    "each_quorum",
    "serial",
    "local_serial",
    "local_one",
];

impl Cql {
    pub(super) fn request(&mut self, header: &Header, mut rest: Bytes<'_>, settings: &L7Settings, facts: &mut Facts) -> Said {
        facts.put(Slot::RequestType, header.name().as_bytes());
        facts.put(Slot::Domain, self.keyspace.as_bytes());
        if header.flags & PAYLOAD != 0 {
            payload(&mut rest, facts);
        }
        // What of it was cut off is not told.
        let _ = self.content(header, &mut rest, settings, facts);
        Said::Message(Kind::Request)
    }

    fn content(&mut self, header: &Header, rest: &mut Bytes<'_>, settings: &L7Settings, facts: &mut Facts) -> Option<()> {
        match header.opcode {
            QUERY => {
                sql::put(Cql::text(rest)?, facts, settings);
                consistency(rest, facts)?;
            }
            PREPARE => {
                let text = Cql::text(rest)?;
                self.prepares(header.stream, text);
                sql::put(text, facts, settings);
            }
            EXECUTE => {
                let text = self.remembered(rest)?;
                sql::put(text.as_bytes(), facts, settings);
                if header.version >= 5 {
                    short(rest)?;
                }
                consistency(rest, facts)?;
            }
            BATCH => self.batch(rest, settings, facts)?,
            STARTUP => {
                for _ in 0..rest.u16()?.min(16) {
                    let (name, value) = (short(rest)?, short(rest)?);
                    match name {
                        b"COMPRESSION" => self.snappy = value.eq_ignore_ascii_case(b"snappy"),
                        b"DRIVER_NAME" => facts.put(Slot::UserAgent, value),
                        _ => {}
                    }
                    facts.attribute("cassandra.startup", &[name, b"=", value].concat());
                }
            }
            REGISTER => {
                let count = rest.u16()?;
                let mut events = Vec::new();
                for _ in 0..count.min(16) {
                    events.push(short(rest)?);
                }
                facts.put(Slot::Resource, &events.join(&b", "[..]));
            }
            _ => {}
        }
        Some(())
    }

    fn prepares(&mut self, stream: u16, text: &[u8]) {
        self.preparing.retain(|(known, _)| *known != stream);
        if self.preparing.len() >= MAX_PREPARING {
            self.preparing.remove(0);
        }
        let text = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT)]);
        self.preparing.push((stream, text.into()));
    }

    /// Several statements at once: the texts of all of them, the endpoint of the first.
    fn batch(&mut self, rest: &mut Bytes<'_>, settings: &L7Settings, facts: &mut Facts) -> Option<()> {
        let kind = match rest.u8()? {
            0 => "logged",
            1 => "unlogged",
            _ => "counter",
        };
        facts.attribute("cassandra.batch", kind.as_bytes());
        let count = rest.u16()?;
        let mut texts: Vec<u8> = Vec::new();
        let mut read = || {
            for at in 0..count {
                if texts.len() < MAX_TEXT {
                    texts.extend_from_slice(if at > 0 { b"; " } else { b"" });
                }
                let text = match rest.u8()? {
                    0 => Cql::text(rest)?,
                    _ => self.remembered(rest)?.as_bytes(),
                };
                if texts.len() < MAX_TEXT {
                    texts.extend_from_slice(text);
                }
                for _ in 0..rest.u16()? {
                    let size = i32::try_from(i64::from(rest.u32()? as i32)).unwrap_or(0);
                    rest.take(usize::try_from(size).unwrap_or(0))?;
                }
            }
            Some(())
        };
        let whole = read();
        sql::put(&texts, facts, settings);
        facts.attribute("db.operation.batch.size", itoa::Buffer::new().format(count).as_bytes());
        whole?;
        consistency(rest, facts)
    }
}

fn consistency(rest: &mut Bytes<'_>, facts: &mut Facts) -> Option<()> {
    let name = CONSISTENCY.get(usize::from(rest.u16()?))?;
    facts.attribute("cassandra.consistency.level", name.as_bytes());
    Some(())
}

/// Pairs that drivers let applications add: trace context among them.
fn payload(rest: &mut Bytes<'_>, facts: &mut Facts) -> Option<()> {
    let mut context = Context::default();
    for _ in 0..rest.u16()? {
        let name = short(rest)?;
        let size = rest.u32()? as i32;
        let value = rest.take(usize::try_from(size).unwrap_or(0))?;
        context.pair(name, value, facts);
    }
    Some(())
}
