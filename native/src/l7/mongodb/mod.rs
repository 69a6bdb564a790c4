//! MongoDB's wire protocol: OP_MSG, what came before it, and both of them compressed.
//!
//! Source: <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>. Of a message the first 8 KiB are read: commands tell what they
//! are at their front, errors are short, and what is longer than that is an answer that went well.

mod blame;
mod bson;
mod request;

use super::Status;
use super::facts::{Facts, Slot};
use super::frame::{Framed, Frames, Front, Said};
use super::layer::{self, Codec};
use super::parser::{Guess, Input, Kind, Opening, Parser};
use bson::{Elements, int32};

const HEADER: usize = 16;
const REPLY: i32 = 1;
const UPDATE: i32 = 2001;
const INSERT: i32 = 2002;
const QUERY: i32 = 2004;
const GET_MORE: i32 = 2005;
const DELETE: i32 = 2006;
const KILL_CURSORS: i32 = 2007;
const COMPRESSED: i32 = 2012;
const MSG: i32 = 2013;
/// Servers take 48 MB.
const LARGEST: usize = 64 << 20;
/// Bytes of a message that was compressed that are read.
const UNPACKED: usize = 16 * 1024;

const CHECKSUM: u32 = 1;
const MORE_TO_COME: u32 = 2;
/// Flags that a reader who does not know them may pass over begin behind these.
const REQUIRED_FLAGS: u32 = 0xffff;

/// Reads one connection.
#[derive(Default)]
pub struct MongoDb {
    /// A text in the making.
    text: Vec<u8>,
}

struct Header {
    size: usize,
    id: u32,
    answers: u32,
    op: i32,
}

impl Header {
    /// `None` where it is too short or no header.
    #[inline]
    fn read(bytes: &[u8]) -> Option<Header> {
        let header = bytes.first_chunk::<HEADER>()?;
        let four = |at: usize| int32(header, at).unwrap_or(0);
        let size = usize::try_from(four(0)).ok()?;
        let op = four(12);
        let least = match op {
            REPLY => 36,
            MSG => 26,
            COMPRESSED => 26,
            UPDATE | INSERT | QUERY | GET_MORE | DELETE | KILL_CURSORS => 24,
            _ => return None,
        };
        let is_sound = (least..=LARGEST).contains(&size);
        is_sound.then(|| Header {
            size,
            id: four(4) as u32,
            answers: four(8) as u32,
            op,
        })
    }
}

fn op_name(op: i32) -> &'static str {
    match op {
        REPLY => "OP_REPLY",
        UPDATE => "OP_UPDATE",
        INSERT => "OP_INSERT",
        QUERY => "OP_QUERY",
        GET_MORE => "OP_GET_MORE",
        DELETE => "OP_DELETE",
        KILL_CURSORS => "OP_KILL_CURSORS",
        _ => "OP_MSG",
    }
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Frames::new(MongoDb::default()))
}

/// A sound header, and content that begins as it must.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match (starts(opening.bytes), opening.from_client) {
        (Ok(header), from_client) if (header.answers == 0) == from_client => Guess::Yes,
        (Ok(_), _) => Guess::Reversed,
        (Err(guess), _) => guess,
    }
}

fn starts(bytes: &[u8]) -> Result<Header, Guess> {
    let Some(header) = Header::read(bytes) else {
        // Lengths are below 64 MiB, operations below 2¹⁶: these bytes are zero or small.
        let fits = |at: usize, most: u8| bytes.get(at).is_none_or(|byte| *byte <= most);
        let is_short = bytes.len() < HEADER && fits(3, 3) && fits(13, 7) && fits(14, 0) && fits(15, 0);
        return Err(if is_short { Guess::Maybe } else { Guess::No });
    };
    let content = &bytes[HEADER..];
    if content.len() < 10 {
        return Err(Guess::Maybe);
    }
    let flags = int32(content, 0).unwrap_or(0) as u32;
    let is_name = |name: &[u8]| {
        let name = &name[..name.len().min(16)];
        let text = name.split(|byte| *byte == 0).next().unwrap_or_default();
        !text.is_empty() && text.iter().all(|byte| matches!(byte, b'!'..=b'~' | 0x80..))
    };
    let fits_inside = |at: usize| int32(content, at).is_some_and(|size| (5..=(header.size - HEADER) as i32).contains(&size));
    let is_sound = match header.op {
        MSG => {
            let known = flags & REQUIRED_FLAGS & !(CHECKSUM | MORE_TO_COME) == 0 && flags >> 16 <= 1;
            known && fits_inside(5) && (content[4] == 0 || content[4] == 1 && is_name(&content[9..]))
        }
        COMPRESSED => {
            matches!(
                flags as i32,
                REPLY | MSG | UPDATE | INSERT | QUERY | GET_MORE | DELETE | KILL_CURSORS
            ) && content[8] <= 3
        }
        REPLY => flags < 16 && header.answers != 0,
        QUERY | INSERT => flags < 512 && header.answers == 0 && is_name(&content[4..]),
        KILL_CURSORS => flags == 0 && header.answers == 0,
        _ => flags == 0 && header.answers == 0 && is_name(&content[4..]),
    };
    if is_sound { Ok(header) } else { Err(Guess::No) }
}

impl Framed for MongoDb {
    fn front(&self, bytes: &[u8], _from_client: bool) -> Front {
        match Header::read(bytes) {
            Some(header) => Front::whole(header.size as u64),
            None if bytes.len() < HEADER => Front::Short,
            None => Front::Wrong,
        }
    }

    fn read(&mut self, message: &[u8], size: u64, input: Input<'_>, facts: &mut Facts) -> Said {
        let Some(mut header) = Header::read(message) else {
            return Said::Wrong;
        };
        facts.length = size as i64;
        let content = &message[HEADER..];
        let unpacked;
        let content = if header.op == COMPRESSED {
            let Some(plain) = unpack(content) else {
                // Compressed in a way that is not known: what the header says is all there is.
                return self.opaque(&header, input.from_client, facts);
            };
            (header.op, unpacked) = plain;
            &unpacked[..]
        } else {
            content
        };
        if input.from_client {
            self.request(&header, content, input.settings, facts)
        } else {
            self.reply(&header, content, input.settings, facts)
        }
    }

    fn starts(&self, bytes: &[u8], from_client: bool) -> Guess {
        match starts(bytes) {
            Ok(header) if (header.answers == 0) == from_client => Guess::Yes,
            Ok(_) => Guess::No,
            Err(guess) => guess,
        }
    }

    fn heap_bytes(&self) -> usize {
        self.text.capacity()
    }
}

/// Operation and content of a compressed message.
fn unpack(content: &[u8]) -> Option<(i32, Vec<u8>)> {
    let op = int32(content, 0)?;
    let codec = match content.get(8)? {
        0 => Codec::Stored,
        1 => Codec::Snappy,
        2 => Codec::Zlib,
        3 => Codec::Zstd,
        _ => return None,
    };
    Some((op, layer::front(codec, &content[9..], UNPACKED)?))
}

impl MongoDb {
    fn opaque(&self, header: &Header, from_client: bool, facts: &mut Facts) -> Said {
        facts.put(Slot::RequestType, b"OP_COMPRESSED");
        if !from_client {
            facts.status = Status::Ok;
        }
        keyed(header, from_client, facts)
    }

    fn reply(&mut self, header: &Header, content: &[u8], settings: &super::L7Settings, facts: &mut Facts) -> Said {
        facts.status = Status::Ok;
        let document = match header.op {
            MSG => content.get(5..).filter(|_| content[4] == 0),
            REPLY => {
                // 1: the cursor is gone; 2: the query failed, and the document says why.
                if int32(content, 0).is_some_and(|flags| flags & 1 != 0) {
                    facts.code = 43;
                    facts.status = Status::ClientError;
                    facts.put(Slot::Exception, b"cursor not found");
                }
                content.get(20..)
            }
            _ => return Said::Nothing,
        };
        if let Some((elements, _)) = document.and_then(bson::document) {
            answer(elements, settings, facts);
        }
        keyed(header, false, facts)
    }
}

fn keyed(header: &Header, from_client: bool, facts: &mut Facts) -> Said {
    if from_client {
        (facts.key, facts.request_id) = (u64::from(header.id), u64::from(header.id));
        Said::Message(Kind::Request)
    } else {
        (facts.key, facts.request_id) = (u64::from(header.answers), u64::from(header.answers));
        Said::Message(Kind::Response)
    }
}

/// What a server's document says about how it went.
fn answer(elements: Elements<'_>, settings: &super::L7Settings, facts: &mut Facts) {
    let (mut ok, mut code, mut message, mut name) = (true, 0, &b""[..], &b""[..]);
    let mut changed = [None; 2];
    for element in elements {
        match element.name {
            b"ok" => ok = element.number() != Some(0),
            b"code" => code = element.number().unwrap_or(0),
            b"codeName" => name = element.text().unwrap_or_default(),
            b"errmsg" | b"$err" => {
                message = element.text().unwrap_or_default();
                ok &= element.name == b"errmsg";
            }
            b"n" => changed[0] = element.number(),
            b"nModified" => changed[1] = element.number(),
            b"writeErrors" | b"writeConcernError" if ok && code == 0 => {
                // The first of them.
                let inner = element.elements().and_then(|mut all| match element.kind {
                    bson::ARRAY => all.next().and_then(|first| first.elements()),
                    _ => Some(all),
                });
                for part in inner.into_iter().flatten() {
                    match part.name {
                        b"code" => code = part.number().unwrap_or(0),
                        b"codeName" => name = part.text().unwrap_or_default(),
                        b"errmsg" => message = part.text().unwrap_or_default(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    facts.affected_rows = changed[1].or(changed[0]).and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    if ok && code == 0 {
        return;
    }
    facts.code = i32::try_from(code).unwrap_or(0);
    facts.status = blame::blame(facts.code);
    if settings.obfuscate {
        facts.put(Slot::Exception, &blame::without_values(message));
    } else {
        facts.put(Slot::Exception, message);
    }
    if !name.is_empty() {
        facts.attribute("mongodb.error", name);
    }
}
