//! What a client asks.

use super::bson::{self, Element, Elements, Writer, int32};
use super::*;
use crate::l7::facts::MAX_TEXT;
use crate::l7::{L7Settings, sql};
use memchr::memmem;

/// What drivers add to each command.
const NOISE: [&[u8]; 8] = [
    b"lsid",
    b"$clusterTime",
    b"$db",
    b"$readPreference",
    b"txnNumber",
    b"$audit",
    b"$client",
    b"$configServerState",
];
/// A text in the making up to this size stays allocated.
const SMALL: usize = 512;

impl MongoDb {
    pub(super) fn request(&mut self, header: &Header, content: &[u8], settings: &L7Settings, facts: &mut Facts) -> Said {
        let known = match header.op {
            MSG => self.message(content, settings, facts),
            QUERY | INSERT | UPDATE | DELETE | GET_MORE => self.legacy(header.op, content, settings, facts),
            KILL_CURSORS => {
                facts.put(Slot::RequestType, b"killCursors");
                Some(Kind::Notice)
            }
            _ => return Said::Nothing,
        };
        if header.op != MSG {
            facts.attribute("mongodb.operation", op_name(header.op).as_bytes());
        }
        self.text.clear();
        self.text.shrink_to(SMALL);
        let kind = known.unwrap_or(Kind::Request);
        keyed(header, true, facts);
        Said::Message(kind)
    }

    /// A document, and sequences of others in front of it or behind it.
    fn message(&mut self, content: &[u8], settings: &L7Settings, facts: &mut Facts) -> Option<Kind> {
        let flags = int32(content, 0)? as u32;
        let (mut rest, mut body) = (&content[4..], None);
        let mut sequences: [Option<(&[u8], &[u8])>; 2] = [None; 2];
        while let Some((&kind, section)) = rest.split_first() {
            let (size, read) = (usize::try_from(int32(section, 0).unwrap_or(0)).unwrap_or(0), section.len());
            if size < 5 {
                break;
            }
            match kind {
                0 if body.is_none() => body = bson::document(section).map(|(elements, _)| elements),
                1 => {
                    let sequence = section.get(4..size.min(read)).unwrap_or_default();
                    let name = sequence.split(|byte| *byte == 0).next().unwrap_or_default();
                    let documents = sequence.get(name.len() + 1..).unwrap_or_default();
                    if let Some(free) = sequences.iter_mut().find(|slot| slot.is_none()) {
                        *free = Some((name, documents));
                    }
                }
                // A checksum, perhaps.
                _ => break,
            }
            rest = section.get(size..).unwrap_or_default();
        }
        if let Some(elements) = body {
            self.command(elements, &sequences, settings, facts);
        }
        Some(if flags & MORE_TO_COME != 0 { Kind::Notice } else { Kind::Request })
    }

    /// A command: its name is that of its first element, the value of which is most often a collection.
    fn command(&mut self, elements: Elements<'_>, sequences: &[Option<(&[u8], &[u8])>], settings: &L7Settings, facts: &mut Facts) {
        let mut all = elements;
        let Some(first) = all.next() else { return };
        facts.put(Slot::RequestType, first.name);
        let mut collection = first.text().unwrap_or_default();
        for element in all {
            match element.name {
                b"$db" => facts.put(Slot::Domain, element.text().unwrap_or_default()),
                b"collection" if first.name == b"getMore" => collection = element.text().unwrap_or_default(),
                b"comment" | b"$comment" => comment(&element, facts),
                b"filter" | b"query" => {
                    let inner = element.elements().and_then(|mut inner| inner.find(|part| part.name == b"$comment"));
                    inner.iter().for_each(|element| comment(element, facts));
                }
                _ => {}
            }
        }
        self.text.push(b'{');
        let mut writer = Writer {
            out: &mut self.text,
            limit: MAX_TEXT,
            hide: false,
        };
        // The name of the collection is no secret.
        writer.elements(elements, |name| name == first.name);
        writer.hide = settings.obfuscate;
        let mark = writer.out.len();
        writer.out.extend_from_slice(b", ");
        if !writer.elements(elements, |name| name != first.name && !NOISE.contains(&name)) {
            writer.out.truncate(mark);
        }
        for (name, documents) in sequences.iter().flatten() {
            sequence(&mut writer, name, documents);
        }
        self.text.push(b'}');
        facts.put(Slot::Resource, &self.text);
        endpoint(first.name, collection, facts);
    }

    /// What there was before OP_MSG. Queries of `$cmd` are commands, writes are never answered.
    fn legacy(&mut self, op: i32, content: &[u8], settings: &L7Settings, facts: &mut Facts) -> Option<Kind> {
        let name = content.get(4..)?.split(|byte| *byte == 0).next()?;
        let rest = content.get(4 + name.len() + 1..).unwrap_or_default();
        let dot = name.iter().position(|byte| *byte == b'.').unwrap_or(name.len());
        let (database, collection) = (&name[..dot], name.get(dot + 1..).unwrap_or_default());
        facts.put(Slot::Domain, database);
        let (kind, word, skipped) = match op {
            QUERY => (Kind::Request, &b"query"[..], 8),
            GET_MORE => (Kind::Request, &b"getMore"[..], usize::MAX),
            INSERT => (Kind::Notice, &b"insert"[..], 0),
            UPDATE => (Kind::Notice, &b"update"[..], 4),
            _ => (Kind::Notice, &b"delete"[..], 4),
        };
        let document = rest.get(skipped..).and_then(bson::document).map(|(elements, _)| elements);
        match document {
            Some(elements) if op == QUERY && collection == b"$cmd" => self.command(elements, &[], settings, facts),
            document => {
                facts.put(Slot::RequestType, word);
                if let Some(elements) = document {
                    let mut writer = Writer {
                        out: &mut self.text,
                        limit: MAX_TEXT,
                        hide: settings.obfuscate,
                    };
                    writer.nested(elements, false, 0);
                    facts.put(Slot::Resource, &self.text);
                }
                endpoint(word, collection, facts);
            }
        }
        Some(kind)
    }
}

/// The documents of a sequence, as an element of the command that they belong to.
fn sequence(writer: &mut Writer<'_>, name: &[u8], mut documents: &[u8]) {
    writer.out.extend_from_slice(b", \"");
    writer.out.extend_from_slice(name);
    writer.out.extend_from_slice(b"\": [");
    let mut first = true;
    while let Some((elements, rest)) = bson::document(documents) {
        if writer.out.len() >= writer.limit {
            break;
        }
        if !std::mem::take(&mut first) {
            writer.out.extend_from_slice(b", ");
        }
        writer.nested(elements, false, 1);
        documents = rest;
    }
    writer.out.push(b']');
}

fn endpoint(command: &[u8], collection: &[u8], facts: &mut Facts) {
    facts.put(Slot::Endpoint, command);
    if !collection.is_empty() && !command.is_empty() {
        facts.extend(Slot::Endpoint, b" ");
        facts.extend(Slot::Endpoint, collection);
    }
}

/// Trace context that a client wrote into a comment: the value alone, `traceparent='…'`, or a document that has it.
fn comment(element: &Element<'_>, facts: &mut Facts) {
    if let Some(inner) = element.elements() {
        return inner
            .filter(|part| part.name == b"traceparent")
            .for_each(|part| comment(&part, facts));
    }
    let Some(text) = element.text() else { return };
    let value = match memmem::find(text, b"traceparent") {
        Some(at) => {
            let rest = &text[at + b"traceparent".len()..];
            let quotes = rest.iter().take_while(|byte| b"='\": ".contains(byte)).count();
            &rest[quotes..]
        }
        None => text,
    };
    sql::traceparent(value, facts);
}
