//! The binary protocol: a header of 24 bytes, extras, key, value.

use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Guess, Input, Kind, Resync, Step};

const HEADER: usize = 24;
const REQUEST: u8 = 0x80;
const MAX_KEY: u16 = 250;
/// Values are 1 MiB unless the server was told otherwise; 1 GiB is its last word.
const MAX_BODY: u32 = 1 << 30;

/// (name, whether it is quiet) by opcode.
const OPCODES: [(&str, bool); 0x26] = [
    ("Get", false),
    ("Set", false),
    ("Add", false),
    ("Replace", false),
    ("Delete", false),
    ("Increment", false),
    ("Decrement", false),
    ("Quit", false),
    ("Flush", false),
    ("GetQ", true),
    ("No-op", false),
    ("Version", false),
    ("GetK", false),
    ("GetKQ", true),
    ("Append", false),
    ("Prepend", false),
    ("Stat", false),
    ("SetQ", true),
    ("AddQ", true),
    ("ReplaceQ", true),
    ("DeleteQ", true),
    ("IncrementQ", true),
    ("DecrementQ", true),
    ("QuitQ", true),
    ("FlushQ", true),
    ("AppendQ", true),
    ("PrependQ", true),
    ("Verbosity", false),
    ("Touch", false),
    ("GAT", false),
    ("GATQ", true),
    ("", false),
    ("SASL list mechs", false),
    ("SASL auth", false),
    ("SASL step", false),
    ("GATK", false),
    ("GATKQ", true),
    ("", false),
];
const STAT: u8 = 0x10;

/// The fields of a header.
struct Header {
    is_request: bool,
    opcode: u8,
    key: u16,
    extras: u8,
    /// A response's, a request's partition.
    status: u16,
    body: u32,
    opaque: u32,
}

impl Header {
    /// `None` where it is not sound.
    fn read(bytes: &[u8; HEADER]) -> Option<Header> {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let header = Header {
            is_request: bytes[0] == REQUEST,
            opcode: bytes[1],
            key: word(2),
            extras: bytes[4],
            status: word(6),
            body: long(8),
            opaque: long(12),
        };
        let known = OPCODES.get(usize::from(header.opcode)).is_some_and(|(name, _)| !name.is_empty());
        let fits = header.key <= MAX_KEY && header.extras <= 24 && header.body <= MAX_BODY;
        let parts = u32::from(header.key) + u32::from(header.extras);
        (matches!(bytes[0], 0x80 | 0x81) && known && bytes[5] == 0 && fits && parts <= header.body).then_some(header)
    }

    /// Whether its parts are as long as those of such a message are: one byte and some zeros are in the middle of anything.
    fn is_typical(&self) -> bool {
        let (has_key, extras) = (self.key > 0, u32::from(self.extras));
        let rest = self.body - u32::from(self.key) - extras;
        if !self.is_request {
            let is_value = matches!(self.opcode, 0x00 | 0x09 | 0x0c | 0x0d | 0x1d | 0x1e | 0x23 | 0x24);
            return match self.status {
                0 => extras == if is_value { 4 } else { 0 },
                1..=8 | 0x20 | 0x21 | 0x81..=0x86 => extras == 0,
                _ => false,
            };
        }
        match self.opcode {
            // Get, Delete and their kin.
            0x00 | 0x04 | 0x09 | 0x0c | 0x0d | 0x14 => extras == 0 && has_key && rest == 0,
            // Set, Add, Replace: flags and a time.
            0x01..=0x03 | 0x11..=0x13 => extras == 8 && has_key,
            // Increment, Decrement: by how much, from where, and a time.
            0x05 | 0x06 | 0x15 | 0x16 => extras == 20 && has_key && rest == 0,
            // Quit, No-op, Version, SASL list mechs.
            0x07 | 0x0a | 0x0b | 0x17 | 0x20 => self.body == 0,
            // Flush, Verbosity: perhaps a time, or how much.
            0x08 | 0x18 | 0x1b => matches!(extras, 0 | 4) && !has_key && rest == 0,
            // Stat: all of them, or those of a name.
            0x10 => extras == 0 && rest == 0,
            // Touch and what touches as it gets: a time.
            0x1c..=0x1e | 0x23 | 0x24 => extras == 4 && has_key && rest == 0,
            // Append, Prepend, SASL auth and step: a key and a value.
            _ => extras == 0 && has_key,
        }
    }

    fn name(&self) -> &'static str {
        OPCODES[usize::from(self.opcode)].0
    }
}

pub fn guess(bytes: &[u8], from_client: bool) -> Guess {
    let Some(header) = bytes.first_chunk() else {
        let fits = bytes.get(1).is_none_or(|opcode| usize::from(*opcode) < OPCODES.len()) && bytes.get(5).is_none_or(|kind| *kind == 0);
        return if fits { Guess::Maybe } else { Guess::No };
    };
    match Header::read(header).filter(Header::is_typical) {
        Some(header) if header.is_request == from_client => Guess::Yes,
        Some(_) => Guess::Reversed,
        None => Guess::No,
    }
}

/// Both directions of a connection in binary. Each message is read at its header; what follows its key is skipped.
#[derive(Debug, Default)]
pub struct Binary {
    /// The statistics of one request are many messages.
    stat: Option<u32>,
    /// Bytes still to come of an answer that makes no row.
    left: u64,
}

impl Binary {
    pub fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.left > 0 && !input.from_client {
            let size = self.left.min(input.bytes.len() as u64);
            self.left -= size;
            return Step::Skip { size: size as usize };
        }
        let Some(head) = input.bytes.first_chunk() else { return Step::More };
        let Some(header) = Header::read(head).filter(|header| header.is_request == input.from_client) else {
            return Step::Lost { size: 1 };
        };
        let (extras, key) = (usize::from(header.extras), usize::from(header.key));
        let told = if header.is_request || header.status == 0 {
            extras + key
        } else {
            header.body.min(64) as usize
        };
        let size = HEADER + told;
        let Some(told) = input.bytes.get(HEADER..size) else {
            return Step::More;
        };
        let body = Body::Bytes(u64::from(header.body) + HEADER as u64 - size as u64);
        facts.request_id = u64::from(header.opaque);
        facts.length = i64::from(header.body) + HEADER as i64;
        // Servers repeat opaque and opcode; clients give several requests one opaque.
        facts.key = u64::from(header.opaque) | u64::from(header.opcode) << 32;
        if header.is_request {
            facts.put(Slot::Version, b"binary");
            facts.put(Slot::Resource, header.name().as_bytes());
            facts.put_same(Slot::RequestType, Slot::Resource);
            facts.put_same(Slot::Endpoint, Slot::Resource);
            if key > 0 {
                facts.extend(Slot::Resource, b" ");
                facts.extend(Slot::Resource, &told[extras..]);
            }
            let is_quiet = OPCODES[usize::from(header.opcode)].1;
            let kind = if is_quiet { Kind::Notice } else { Kind::Request };
            return Step::Message { size, kind, body };
        }
        if header.opcode == STAT {
            // One message a statistic, an empty one at the end.
            let is_first = self.stat.replace(header.opaque) != Some(header.opaque);
            if header.body == 0 {
                self.stat = None;
            }
            if !is_first {
                self.left = u64::from(header.body);
                return Step::Skip { size: HEADER };
            }
        }
        if OPCODES[usize::from(header.opcode)].1 {
            // The request is a row already: nobody could know that it would be answered.
            self.left = u64::from(header.body);
            return Step::Skip { size: HEADER };
        }
        facts.code = i32::from(header.status);
        facts.status = status(header.status);
        let name = status_name(header.status);
        if facts.status == Status::Ok {
            facts.put(Slot::Result, name.as_bytes());
        } else {
            facts.put(Slot::Exception, name.as_bytes());
        }
        Step::Message {
            size,
            kind: Kind::Response,
            body,
        }
    }

    pub fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        if !from_client {
            (self.stat, self.left) = (None, 0);
        }
        let magic = if from_client { 0x80 } else { 0x81 };
        for at in memchr::memchr_iter(magic, bytes) {
            match bytes[at..].first_chunk().map(|head| Header::read(head).filter(Header::is_typical)) {
                Some(Some(_)) => return Resync::At(at),
                None => return Resync::Drop(at),
                Some(None) => {}
            }
        }
        Resync::Drop(bytes.len())
    }
}

/// A key that is not there is an answer; what the server cannot do is its error, everything else the asker's.
fn status(code: u16) -> Status {
    match code {
        0x00 | 0x01 | 0x02 | 0x05 | 0x21 => Status::Ok,
        0x81..=0x86 => Status::ServerError,
        _ => Status::ClientError,
    }
}

fn status_name(code: u16) -> &'static str {
    match code {
        0x00 => "No error",
        0x01 => "Key not found",
        0x02 => "Key exists",
        0x03 => "Value too large",
        0x04 => "Invalid arguments",
        0x05 => "Item not stored",
        0x06 => "Incr/Decr on non-numeric value",
        0x07 => "The vbucket belongs to another server",
        0x08 => "Authentication error",
        0x20 => "Authentication required",
        0x21 => "Authentication continue",
        0x81 => "Unknown command",
        0x82 => "Out of memory",
        0x83 => "Not supported",
        0x84 => "Internal error",
        0x85 => "Busy",
        0x86 => "Temporary failure",
        _ => "Unknown status",
    }
}
