//! DNS (RFC 1035) over UDP and TCP, with multicast DNS (RFC 6762), LLMNR (RFC 4795) and the name service of NetBIOS.

mod name;
mod netbios;
mod record;

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::table::UDP;
use super::{L7Settings, Status};
use name::{Name, skip};
pub use netbios::PORT as NETBIOS;
pub use record::type_number;
use record::{Record, type_name};

const HEADER: usize = 12;
/// A message in a stream is read up to here; answers beyond it are only counted as bytes.
const MAX_MESSAGE: usize = 4096;
/// Questions that are read; nobody but multicast DNS sends more than one.
const MAX_QUESTIONS: u16 = 32;
const MDNS: u16 = 5353;
const LLMNR: u16 = 5355;
const PORTS: [u16; 3] = [53, MDNS, LLMNR];
const TYPE_AXFR: u16 = 252;
const TYPE_IXFR: u16 = 251;
const NXDOMAIN: u16 = 3;

/// Reads one DNS flow.
#[derive(Debug)]
pub struct Dns {
    ports: [u16; 2],
    /// The zone transfer that is being answered, message after message.
    transfer: Option<u16>,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    if is_netbios(opening) {
        return Box::new(netbios::Netbios::default());
    }
    Box::new(Dns {
        ports: [opening.client_port, opening.server_port],
        transfer: None,
    })
}

/// Whether only the name service of NetBIOS can be meant: its datagrams look like DNS, and nothing else uses its port.
pub fn is_netbios(opening: &Opening<'_>) -> bool {
    opening.transport == UDP && (opening.server_port == NETBIOS || opening.client_port == NETBIOS)
}

/// On a DNS port a sound header and question will do; elsewhere the whole message must be flawless.
pub fn guess(opening: &Opening<'_>) -> Guess {
    if is_netbios(opening) {
        return match netbios::is_answer(opening.bytes) {
            Some(is_answer) if is_answer == opening.from_client => Guess::Reversed,
            Some(_) => Guess::Yes,
            None => Guess::No,
        };
    }
    let ports = [opening.client_port, opening.server_port];
    let expected = PORTS.iter().any(|port| ports.contains(port));
    let message = if opening.transport == UDP {
        opening.bytes
    } else {
        let Some((prefix, rest)) = opening.bytes.split_first_chunk() else {
            return if expected { Guess::Maybe } else { Guess::No };
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if length < HEADER || (!expected && rest.len() < length) {
            return Guess::No;
        }
        if rest.len() < length.min(MAX_MESSAGE) {
            // Not even a query could be read yet; but what can be read must be sound.
            return if Header::read(rest).is_none_or(|header| header.is_plausible(true)) {
                Guess::Maybe
            } else {
                Guess::No
            };
        }
        &rest[..length.min(rest.len())]
    };
    let Some(header) = Header::read(message).filter(|header| header.is_plausible(expected)) else {
        return Guess::No;
    };
    let sound = if expected {
        header.first_question(message).is_ok()
    } else {
        header.is_flawless(message)
    };
    match sound {
        false => Guess::No,
        true if header.is_response() == opening.from_client && !ports.contains(&MDNS) && !ports.contains(&LLMNR) => Guess::Reversed,
        true => Guess::Yes,
    }
}

/// The fixed part of a message.
#[derive(Clone, Copy, Debug)]
struct Header {
    id: u16,
    flags: u16,
    /// Questions, answers, authorities, additional records.
    counts: [u16; 4],
}

impl Header {
    fn read(message: &[u8]) -> Option<Header> {
        let header: &[u8; HEADER] = message.first_chunk()?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Some(Header {
            id: word(0),
            flags: word(2),
            counts: [word(4), word(6), word(8), word(10)],
        })
    }

    fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    fn opcode(&self) -> u16 {
        self.flags >> 11 & 15
    }

    fn is_plausible(&self, expected: bool) -> bool {
        let [questions, answers, authorities, additional] = self.counts;
        // Inverse queries are gone; 3 and 6 up were never given out (but for stateful operations).
        let known = matches!(self.opcode(), 0 | 2 | 4 | 5) && self.flags & 0x0040 == 0;
        let small = questions <= 64 && answers <= 4096 && authorities <= 4096 && additional <= 4096;
        let fits = if self.is_response() {
            questions <= 1 || expected
        } else {
            questions >= 1 && self.flags & 0x000f == 0
        };
        known && small && fits && (expected || questions == 1)
    }

    /// Whether the first question, where there is one, can be read.
    fn first_question(&self, message: &[u8]) -> Result<(), ()> {
        if self.counts[0] == 0 {
            return if self.is_response() { Ok(()) } else { Err(()) };
        }
        let mut name = Name::default();
        Question::read(message, HEADER, &mut name)
            .filter(|question| question.is_plausible())
            .map(|_| ())
            .ok_or(())
    }

    /// Whether every record can be read and nothing is left over.
    fn is_flawless(&self, message: &[u8]) -> bool {
        let mut name = Name::default();
        let Some(question) = Question::read(message, HEADER, &mut name).filter(|question| question.is_plausible()) else {
            return false;
        };
        let mut at = question.end;
        for _ in 0..self.counts[1..].iter().map(|count| u32::from(*count)).sum() {
            let Some(record) = Record::read(message, at) else {
                return self.is_fragment(message, at);
            };
            at = record.end;
        }
        at == message.len() && !name.text().is_empty()
    }

    /// Whether a query goes on in another fragment of its datagram, with the data of what it has besides the question (padding, most
    /// often). Fragments but the last one are multiples of eight bytes, UDP's own header among them.
    fn is_fragment(&self, message: &[u8], at: usize) -> bool {
        const FIXED: usize = 10;
        let [_, answers, authorities, additional] = self.counts;
        let is_query = !self.is_response() && answers == 0 && authorities == 0 && additional <= 2;
        is_query && message.len().is_multiple_of(8) && skip(message, at).is_some_and(|fixed| fixed + FIXED <= message.len())
    }
}

struct Question {
    kind: u16,
    class: u16,
    end: usize,
}

impl Question {
    fn read(message: &[u8], at: usize, name: &mut Name) -> Option<Question> {
        let at = name.read(message, at)?;
        let fixed: &[u8; 4] = message.get(at..)?.first_chunk()?;
        Some(Question {
            kind: u16::from_be_bytes([fixed[0], fixed[1]]),
            class: u16::from_be_bytes([fixed[2], fixed[3]]),
            end: at + 4,
        })
    }

    fn is_plausible(&self) -> bool {
        // Multicast DNS asks for a unicast answer with the highest bit.
        matches!(self.class & 0x7fff, 1 | 3 | 4 | 254 | 255) && self.kind != 0
    }
}

impl Parser for Dns {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if input.datagram {
            let size = input.bytes.len();
            return match self.message(input.bytes, facts, input.settings) {
                Some(kind) => Step::Message {
                    size,
                    kind,
                    body: Body::Bytes(0),
                },
                None => Step::Lost { size },
            };
        }
        let Some((prefix, rest)) = input.bytes.split_first_chunk() else {
            return Step::More;
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let readable = length.min(MAX_MESSAGE);
        if length < HEADER {
            return Step::Lost { size: 1 };
        }
        if rest.len() < readable {
            return Step::More;
        }
        let message = &rest[..readable];
        let size = 2 + readable;
        if let Some(id) = self.transfer
            && Header::read(message).is_some_and(|header| header.id == id && header.is_response())
        {
            // Part of an answer that comes in many messages; the first one made the row.
            return Step::Skip { size };
        }
        match self.message(message, facts, input.settings) {
            Some(kind) => Step::Message {
                size,
                kind,
                body: Body::Bytes((length - readable) as u64),
            },
            None => Step::Lost { size },
        }
    }

    fn resync(&mut self, _from_client: bool, bytes: &[u8]) -> Resync {
        // Longest name, and what stands around it: beyond this nothing changes the verdict.
        const ENOUGH: usize = 2 + HEADER + 255 + 4;
        let Some((prefix, rest)) = bytes.split_first_chunk() else {
            return Resync::Drop(0);
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let message = &rest[..rest.len().min(length)];
        match Header::read(message) {
            _ if length < HEADER => Resync::Drop(bytes.len()),
            Some(header) if !header.is_plausible(true) => Resync::Drop(bytes.len()),
            Some(header) if header.first_question(message).is_ok() => Resync::At(0),
            _ if bytes.len() < ENOUGH && rest.len() < length => Resync::Drop(0),
            _ => Resync::Drop(bytes.len()),
        }
    }
}

impl Dns {
    /// Whether a query is shouted into the network: answers, if any, come from elsewhere.
    fn is_multicast(&self, id: u16) -> bool {
        // Servers that answer ordinary queries on 5353 exist; multicast queries have no id there.
        self.ports.contains(&LLMNR) || (id == 0 && self.ports.contains(&MDNS))
    }

    fn message(&mut self, message: &[u8], facts: &mut Facts, settings: &L7Settings) -> Option<Kind> {
        let header = Header::read(message).filter(|header| header.is_plausible(true))?;
        let mut name = Name::default();
        let mut at = HEADER;
        let mut first_kind = None;
        let mut hash = hash_seed(0);
        for nth in 0..header.counts[0].min(MAX_QUESTIONS) {
            let question = Question::read(message, at, &mut name)?;
            at = question.end;
            hash = name.hash(hash ^ u64::from(question.kind));
            if nth == 0 {
                facts.put(Slot::Resource, name.text());
                first_kind = Some(question.kind);
            } else if !facts.get(Slot::Resource).as_bytes().ends_with(name.text()) {
                // Several questions are most often about one name.
                facts.extend(Slot::Resource, b";");
                facts.extend(Slot::Resource, name.text());
            }
        }
        facts.request_id = u64::from(header.id);
        // Two questions with one id are two requests; an answer that leaves the question out goes by its id alone.
        facts.key = u64::from(header.id) | hash << 16;
        facts.loose_key = header.counts[0] == 0;
        if self.is_multicast(header.id) {
            let is_llmnr = self.ports.contains(&LLMNR);
            facts.attribute("dns.variant", if is_llmnr { b"llmnr" } else { b"mdns" });
            if header.is_response() && !is_llmnr {
                // Nobody can say what it answers; only the same words again are the same answer.
                (facts.key, facts.loose_key) = (digest(message), false);
            }
        }
        if header.is_response() {
            let questions_read = header.counts[0] <= MAX_QUESTIONS;
            self.response(
                header,
                message,
                if questions_read { at } else { message.len() },
                facts,
                settings,
                &mut first_kind,
            );
        }
        if let Some(kind) = first_kind {
            put_question(kind, facts);
        }
        if header.opcode() != 0 {
            facts.attribute("dns.opcode", opcode_name(header.opcode()).as_bytes());
        }
        if header.is_response() {
            let is_transfer = matches!(first_kind, Some(TYPE_AXFR | TYPE_IXFR));
            self.transfer = is_transfer.then_some(header.id).or(self.transfer);
            return Some(Kind::Response);
        }
        // An id that is asked with again starts over.
        self.transfer = self.transfer.filter(|id| *id != header.id);
        Some(if self.is_multicast(header.id) {
            Kind::Notice
        } else {
            Kind::Request
        })
    }

    fn response(
        &self,
        header: Header,
        message: &[u8],
        mut at: usize,
        facts: &mut Facts,
        settings: &L7Settings,
        first_kind: &mut Option<u16>,
    ) {
        let told = u32::from(header.counts[1]) + u32::from(header.counts[2]);
        let mut code = header.flags & 15;
        for nth in 0..told + u32::from(header.counts[3]) {
            // Records that were cut off, or are broken, cost themselves: the header has said what matters.
            let Some(record) = Record::read(message, at) else { break };
            at = record.end;
            if let Some(high) = record.extended_code() {
                code |= high << 4;
            } else if nth < told {
                if first_kind.is_none() {
                    // Multicast answers repeat no question.
                    let mut name = Name::default();
                    name.read(message, record.start);
                    facts.put(Slot::Resource, name.text());
                    *first_kind = Some(record.kind);
                }
                record.put(message, facts);
            }
        }
        facts.code = i32::from(code);
        facts.status = status(code, facts.get(Slot::Resource), settings);
        if facts.status != Status::Ok {
            facts.put(Slot::Exception, code_name(code).as_bytes());
        }
    }
}

/// What the first question asks for.
fn put_question(kind: u16, facts: &mut Facts) {
    facts.put_same(Slot::Endpoint, Slot::Resource);
    match type_name(kind) {
        Some(text) => facts.put(Slot::RequestType, text.as_bytes()),
        None => facts.put(Slot::RequestType, format!("TYPE{kind}").as_bytes()),
    }
    if matches!(kind, 1 | 28) {
        facts.put_same(Slot::Domain, Slot::Resource);
    }
}

/// FORMERR and NXDOMAIN are the asker's doing, every other code the server's. NXDOMAIN for a name under a configured suffix is what a resolver
/// that walks its search list expects (Kubernetes pods ask for `example.com.ns.svc.cluster.local` first), and no error.
fn status(code: u16, name: &str, settings: &L7Settings) -> Status {
    let ends = |suffix: &String| {
        let start = name.len().checked_sub(suffix.len());
        start
            .and_then(|start| name.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    match code {
        0 => Status::Ok,
        NXDOMAIN if settings.dns_expected_nxdomain_suffixes.iter().any(ends) => Status::Ok,
        1 | NXDOMAIN => Status::ClientError,
        _ => Status::ServerError,
    }
}

/// What the hash of names begins with (FNV-1a).
fn hash_seed(kind: u16) -> u64 {
    0xcbf2_9ce4_8422_2325 ^ u64::from(kind)
}

fn digest(message: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    message.iter().fold(hash_seed(0), step)
}

fn opcode_name(opcode: u16) -> &'static str {
    match opcode {
        2 => "Status",
        4 => "Notify",
        5 => "Update",
        _ => "StandardQuery",
    }
}

/// Mnemonics of the IANA registry "DNS RCODEs".
fn code_name(code: u16) -> &'static str {
    const NAMES: [&str; 12] = [
        "NOERROR",
        "FORMERR",
        "SERVFAIL",
        "NXDOMAIN",
        "NOTIMP",
        "REFUSED",
        "YXDOMAIN",
        "YXRRSET",
        "NXRRSET",
        "NOTAUTH",
        "NOTZONE",
        "DSOTYPENI",
    ];
    match code {
        16 => "BADVERS",
        23 => "BADCOOKIE",
        code => NAMES.get(usize::from(code)).copied().unwrap_or("RESERVED"),
    }
}
