//! The name service of NetBIOS (RFC 1001 and 1002): messages made like those of DNS, with names, types and operations of their own.

use super::name::Name;
use super::record::Record;
use super::{HEADER, Header, Question, hash_seed};
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Input, Kind, Parser, Resync, Step};
use std::io::Write;
use std::net::Ipv4Addr;

pub const PORT: u16 = 137;
const NB: u16 = 32;
const NBSTAT: u16 = 33;
/// What a refusal says about the name it refuses (as `NULL` in DNS).
const NULL: u16 = 10;
/// "Wait for the answer": it is still to come.
const WAIT: u16 = 7;
/// Sent to everybody who listens.
const BROADCAST: u16 = 0x0010;
const RESERVED: u16 = 0x0060;
/// A name and its suffix, half a byte a letter.
const ENCODED: usize = 32;
const MAX_SPELT: usize = 15 * 4 + 4;
const MAX_RESULT: usize = 1024;

/// Whether a datagram is a message of the name service: `Some(true)` is an answer.
pub fn is_answer(message: &[u8]) -> Option<bool> {
    let (header, ..) = read(message, &mut Name::default())?;
    Some(header.is_response())
}

/// Reads one flow of the name service.
#[derive(Debug, Default)]
pub struct Netbios {
    /// What was shouted last: each of it is said three or four times, in turn with the like about other names.
    shouted: [u64; 4],
}

impl Parser for Netbios {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (message, size) = (input.bytes, input.bytes.len());
        let mut name = Name::default();
        let Some((header, kind, end)) = read(message, &mut name) else {
            return Step::Lost { size };
        };
        if header.opcode() == WAIT {
            return Step::Skip { size };
        }
        facts.attribute("dns.variant", b"nbns");
        put_name(name.text(), facts);
        facts.put_same(Slot::Endpoint, Slot::Resource);
        match (operation(header.opcode()), kind) {
            (Some(text), _) => facts.put(Slot::RequestType, text.as_bytes()),
            (None, NBSTAT) => facts.put(Slot::RequestType, b"NBSTAT"),
            // A refusal has no address to tell, and says so by the type.
            (None, NB | NULL) => facts.put(Slot::RequestType, b"NB"),
            (None, other) => facts.put(Slot::RequestType, format!("TYPE{other}").as_bytes()),
        }
        facts.request_id = u64::from(header.id);
        facts.key = u64::from(header.id) | name.hash(hash_seed(kind)) << 16;
        // Answers do not repeat the question.
        facts.loose_key = header.is_response();
        let kind = match (header.is_response(), header.flags & BROADCAST) {
            (true, _) => Kind::Response,
            (false, 0) => Kind::Request,
            // Whom it concerns answers from an address of his own, and nobody else.
            (false, _) => Kind::Notice,
        };
        if kind == Kind::Notice {
            if self.shouted.contains(&facts.key) {
                return Step::Skip { size };
            }
            self.shouted.rotate_right(1);
            self.shouted[0] = facts.key;
        }
        if kind == Kind::Response {
            let code = header.flags & 15;
            facts.code = i32::from(code);
            facts.status = match code {
                0 => Status::Ok,
                // The query, or the name: malformed, unknown, another's, in conflict.
                1 | 3 | 6 | 7 => Status::ClientError,
                _ => Status::ServerError,
            };
            if code != 0 {
                facts.put(Slot::Exception, code_name(code).as_bytes());
            }
            put_result(message, header, end, facts);
        }
        Step::Message {
            size,
            kind,
            body: Body::Bytes(0),
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        Resync::Drop(bytes.len())
    }
}

/// The header, the type of the first name, and where the records begin.
fn read(message: &[u8], name: &mut Name) -> Option<(Header, u16, usize)> {
    let header = Header::read(message)?;
    let [questions, answers, authorities, additional] = header.counts;
    let known = matches!(header.opcode(), 0 | 5..=9 | 15) && header.flags & RESERVED == 0;
    let small = answers <= 64 && authorities <= 64 && additional <= 64;
    let fits = if header.is_response() {
        questions == 1 || (questions == 0 && answers > 0)
    } else {
        questions == 1 && answers == 0 && header.flags & 15 == 0
    };
    if !(known && small && fits) {
        return None;
    }
    let (kind, class, end) = if questions == 1 {
        let question = Question::read(message, HEADER, name)?;
        (question.kind, question.class, question.end)
    } else {
        let end = name.read(message, HEADER)?;
        let [a, b, c, d] = *message.get(end..)?.first_chunk()?;
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), HEADER)
    };
    (class == 1 && decoded(name.text()).is_some()).then_some((header, kind, end))
}

/// The sixteen bytes of a name at the front of its text.
fn decoded(text: &[u8]) -> Option<[u8; 16]> {
    let (encoded, scope) = text.split_first_chunk::<ENCODED>()?;
    if !encoded.iter().all(|byte| matches!(byte, b'A'..=b'P')) || !matches!(scope.first(), None | Some(b'.')) {
        return None;
    }
    Some(std::array::from_fn(|at| {
        (encoded[2 * at] - b'A') << 4 | (encoded[2 * at + 1] - b'A')
    }))
}

/// `NAME<20>.scope`
fn put_name(text: &[u8], facts: &mut Facts) {
    let Some(name) = decoded(text) else { return };
    let mut buffer = [0; MAX_SPELT];
    let length = spell(&name, &mut buffer);
    facts.put(Slot::Resource, &buffer[..length]);
    if text.len() > ENCODED {
        facts.extend(Slot::Resource, &text[ENCODED..]);
    }
}

/// Writes a name without what it is filled up with, and its last byte, which says what kind of service bears it.
fn spell(name: &[u8; 16], buffer: &mut [u8; MAX_SPELT]) -> usize {
    let [front @ .., suffix] = name;
    let filled = front.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    let mut left = &mut buffer[..];
    // Each byte takes four at most: there is room for all.
    for byte in &front[..filled] {
        let _ = match byte {
            b' '..=b'~' => left.write_all(&[*byte]),
            _ => write!(left, "<{byte:02x}>"),
        };
    }
    let _ = write!(left, "<{suffix:02x}>");
    MAX_SPELT - left.len()
}

/// Appends the addresses of a name, or the names of a node.
fn put_result(message: &[u8], header: Header, mut at: usize, facts: &mut Facts) {
    let mut buffer = [0; MAX_RESULT];
    let mut left = &mut buffer[..];
    for _ in 0..header.counts[1] {
        let Some(record) = Record::read(message, at) else { break };
        at = record.end;
        let gap = if left.len() < MAX_RESULT { "; " } else { "" };
        // The buffer may end early: what fits is kept.
        let _ = match record.kind {
            NB => write!(left, "{gap}NB=").and_then(|()| write_addresses(record.data(message), &mut left)),
            NBSTAT => write!(left, "{gap}NBSTAT=").and_then(|()| write_names(record.data(message), &mut left)),
            _ => continue,
        };
        let _ = write!(left, " TTL={}", record.ttl);
    }
    let length = MAX_RESULT - left.len();
    facts.put(Slot::Result, &buffer[..length]);
}

fn write_addresses(data: &[u8], out: &mut &mut [u8]) -> std::io::Result<()> {
    for (nth, [_, _, address @ ..]) in data.as_chunks::<6>().0.iter().enumerate() {
        write!(out, "{}{}", if nth == 0 { "" } else { "," }, Ipv4Addr::from(*address))?;
    }
    Ok(())
}

fn write_names(data: &[u8], out: &mut &mut [u8]) -> std::io::Result<()> {
    let Some((count, names)) = data.split_first() else { return Ok(()) };
    for (nth, name) in names.as_chunks::<18>().0.iter().take(usize::from(*count)).enumerate() {
        let mut buffer = [0; MAX_SPELT];
        let length = name.first_chunk().map_or(0, |name| spell(name, &mut buffer));
        out.write_all(if nth == 0 { b"" } else { b"," })?;
        out.write_all(&buffer[..length])?;
    }
    Ok(())
}

/// What is done with a name other than asking for it.
fn operation(opcode: u16) -> Option<&'static str> {
    Some(match opcode {
        5 | 15 => "REGISTRATION",
        6 => "RELEASE",
        8 | 9 => "REFRESH",
        _ => return None,
    })
}

/// RCODE of RFC 1002, 4.2.
fn code_name(code: u16) -> &'static str {
    match code {
        1 => "FMT_ERR",
        2 => "SRV_ERR",
        3 => "NAM_ERR",
        4 => "IMP_ERR",
        5 => "RFS_ERR",
        6 => "ACT_ERR",
        7 => "CFT_ERR",
        _ => "RESERVED",
    }
}
