//! AMQP 1.0, which has only its name in common with what was before it.
//!
//! Source: OASIS AMQP 1.0, parts 2 (transport), 3 (messaging) and 5 (security). Ends open, begin, attach and undo it in pairs; a message that is not
//! settled from the beginning is answered by the disposition that settles it, together with others.

mod link;
pub mod opening;
mod performative;
mod value;

use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Input, Kind, Parser, Resync, Step};
use crate::l7::rest::Rest;
use crate::l7::table;
use link::Links;
use opening::{Frame, HEAD};
use performative::{ATTACH, BEGIN, CLOSE, DETACH, DISPOSITION, END, FLOW, OPEN, SASL_INIT, SASL_OUTCOME, TRANSFER, error};
use std::collections::VecDeque;
use value::{Value, Values};

/// Bytes of a frame that are looked at.
const MAX_FRONT: usize = 4 * 1024;
const MAX_HOST: usize = 128;
/// What was asked in pairs and waits; the oldest is forgotten first.
const MAX_ASKED: usize = 256;
/// The key of what answers nothing.
const NOBODY: u64 = u64::MAX;
/// Keys: who asked, what, in which session, and of it a number.
const BY_CLIENT: u64 = 1 << 63;
/// What was undone in anger: the other end does it too, but nobody waits for that.
const ANGRY: u64 = 1 << 62;
const KIND_AT: u32 = 48;
const SESSION_AT: u32 = 32;

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    rest: Rest,
    /// Channel, handle and kind of the message of which more frames come.
    content: Option<(u16, u32, Kind)>,
    /// The first byte of the next frame was taken already.
    taken: Option<u8>,
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Amqp1 {
    sides: [Side; 2],
    links: Links,
    asked: VecDeque<u64>,
    host: Box<str>,
}

/// What of a row a frame makes.
enum Made {
    Message(Kind),
    Nothing,
    Wrong,
}

fn key(by_client: bool, what: u8, session: u16, number: u32) -> u64 {
    let by = if by_client { BY_CLIENT } else { 0 };
    by | u64::from(what) << KIND_AT | u64::from(session) << SESSION_AT | u64::from(number)
}

impl Parser for Amqp1 {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.rest.is_open() {
            let step = side.rest.go_on(input.bytes.len());
            return self.gathered(step, input.from_client);
        }
        if input.bytes[0] == b'A' && side.taken.is_none() {
            return greeting(input);
        }
        let mut head = [0; HEAD];
        let missing = HEAD - usize::from(side.taken.is_some());
        head[0] = side.taken.unwrap_or(0);
        let Some(front) = input.bytes.get(..missing) else {
            return Step::More;
        };
        head[HEAD - missing..].copy_from_slice(front);
        let Some(frame) = opening::frame(head) else {
            side.taken = None;
            return Step::Lost { size: 1 };
        };
        let size = frame.size - (HEAD - missing);
        let Some(told) = input.bytes.get(missing..size.min(MAX_FRONT)) else {
            return Step::More;
        };
        let mut values = Values::new(told.get(frame.start - HEAD..).unwrap_or_default());
        let performative = values.next().and_then(Value::described::<12>);
        let belongs = |content: (u16, u32, Kind)| match &performative {
            Some((number, [handle, ..])) => {
                *number == u64::from(TRANSFER) && (content.0, Some(u64::from(content.1))) == (frame.channel, handle.number())
            }
            None => false,
        };
        if let Some((.., kind)) = side.content.filter(|content| !belongs(*content)) {
            // Something else comes before the message is complete: it is told as far as it came, with the first byte of that.
            (side.content, side.taken) = (None, Some(head[0]));
            return Step::Message {
                size: 1,
                kind,
                body: Body::Bytes(0),
            };
        }
        side.taken = None;
        let made = match performative {
            Some((number, fields)) => self.read(number, frame, &fields, values, input.from_client, facts),
            None if frame.size == frame.start => Made::Nothing,
            None => Made::Wrong,
        };
        let kind = match made {
            Made::Message(kind) => {
                facts.length = facts.length.max(0) + frame.size as i64;
                Some(kind)
            }
            Made::Nothing => None,
            Made::Wrong => return Step::Lost { size: 1 },
        };
        let step = self.sides[usize::from(!input.from_client)]
            .rest
            .begin(size as u64, input.bytes.len(), kind);
        self.gathered(step, input.from_client)
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        // What this side was asked it may have answered.
        self.asked.retain(|asked| (asked & BY_CLIENT != 0) == from_client);
        opening::resync(bytes)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.sides[usize::from(!from_client)].rest.gap(missing)
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        let content = side.content.take().map(|(.., kind)| kind);
        side.rest.cut().or(content)
    }

    fn heap_bytes(&self) -> usize {
        self.host.len() + self.asked.capacity() * 8 + self.links.heap_bytes()
    }
}

/// What is spoken next.
fn greeting(input: Input<'_>) -> Step {
    match input.bytes.get(..8) {
        None => Step::More,
        Some(greeting) if !greeting.starts_with(b"AMQP") => Step::Lost { size: 1 },
        Some(greeting) if greeting[4] == opening::TLS && !input.from_client => Step::Switch {
            size: 8,
            protocol: table::TLS,
            key: 0,
        },
        Some(_) => Step::Skip { size: 8 },
    }
}

impl Amqp1 {
    /// A frame of a message that is not complete yet ends no row.
    fn gathered(&self, step: Step, from_client: bool) -> Step {
        match step {
            Step::Message { size, .. } if self.sides[usize::from(!from_client)].content.is_some() => Step::Took { size },
            step => step,
        }
    }

    fn read(
        &mut self,
        number: u64,
        frame: Frame,
        fields: &[Value<'_>; 12],
        behind: Values<'_>,
        from_client: bool,
        facts: &mut Facts,
    ) -> Made {
        let what = u8::try_from(number).unwrap_or(0);
        let named = performative::name(what).filter(|_| (what >= 0x40) == (frame.kind == opening::SASL));
        let Some(name) = named else { return Made::Wrong };
        let session = self.links.session(frame.channel, from_client);
        if what == TRANSFER && self.sides[usize::from(!from_client)].content.is_some() {
            return self.goes_on(fields, from_client);
        }
        facts.put(Slot::RequestType, name.as_bytes());
        facts.put(Slot::Version, b"1.0");
        facts.request_id = u64::from(frame.channel);
        let kind = match what {
            SASL_INIT => {
                facts.attribute("amqp.sasl_mechanism", fields[0].text());
                self.host(fields[2].text());
                facts.key = key(true, what, 0, 0);
                Kind::Request
            }
            SASL_OUTCOME => {
                facts.key = key(true, SASL_INIT, 0, 0);
                logged_in(fields[0].number().unwrap_or(0), facts);
                Kind::Response
            }
            0x40..=0x43 => return Made::Nothing,
            OPEN => {
                facts.key = key(true, what, 0, 0);
                if from_client {
                    self.host(fields[1].text());
                    facts.attribute("amqp.container_id", fields[0].text());
                    Kind::Request
                } else {
                    facts.status = Status::Ok;
                    facts.put(Slot::Result, fields[0].text());
                    Kind::Response
                }
            }
            BEGIN => match fields[0].number() {
                None => {
                    facts.key = key(from_client, what, frame.channel, 0);
                    Kind::Request
                }
                Some(asked) => {
                    let asked = asked as u16;
                    let (client, server) = if from_client {
                        (frame.channel, asked)
                    } else {
                        (asked, frame.channel)
                    };
                    self.links.begin(client, server);
                    facts.key = key(!from_client, what, asked, 0);
                    facts.status = Status::Ok;
                    Kind::Response
                }
            },
            ATTACH => match self.attach(session, frame.channel, fields, from_client, facts) {
                Some(kind) => kind,
                None => return Made::Nothing,
            },
            FLOW => {
                self.place(fields[4], frame.channel, from_client, facts);
                Kind::Notice
            }
            TRANSFER => return self.transfer(session, frame.channel, fields, behind, from_client, facts),
            DISPOSITION => return self.disposition(session, fields, from_client, facts),
            DETACH => {
                let handle = fields[0].number().unwrap_or(0) as u32;
                let link = self.links.find(from_client, frame.channel, handle).map_or(handle, |link| link.name);
                self.place(fields[0], frame.channel, from_client, facts);
                self.links.detach(from_client, frame.channel, handle);
                match self.undo(key(false, what, session, link), fields[2], from_client, facts) {
                    Some(kind) => kind,
                    None => return Made::Nothing,
                }
            }
            _ => {
                // The end of a session, or of all of them.
                let session = if what == END { session } else { 0 };
                match self.undo(key(false, what, session, 0), fields[0], from_client, facts) {
                    Some(kind) => kind,
                    None => return Made::Nothing,
                }
            }
        };
        facts.put(Slot::Domain, self.host.as_bytes());
        Made::Message(kind)
    }

    fn host(&mut self, host: &[u8]) {
        if !host.is_empty() {
            self.host = String::from_utf8_lossy(&host[..host.len().min(MAX_HOST)]).into();
        }
    }

    /// Puts the address of a handle.
    fn place(&self, handle: Value<'_>, channel: u16, from_client: bool, facts: &mut Facts) {
        let handle = handle.number().map(|handle| handle as u32);
        if let Some(link) = handle.and_then(|handle| self.links.find(from_client, channel, handle)) {
            facts.put(Slot::Resource, &link.address);
            facts.put_same(Slot::Endpoint, Slot::Resource);
        }
    }

    /// What both ends do in turn: the first asks, the other answers. Nothing where nobody waits for the answer.
    fn in_turn(&mut self, key: u64, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let (mine, theirs) = if from_client {
            (key | BY_CLIENT, key)
        } else {
            (key, key | BY_CLIENT)
        };
        if let Some(at) = self.asked.iter().position(|asked| *asked & !ANGRY == theirs) {
            let asked = self.asked.remove(at).unwrap_or_default();
            facts.key = theirs;
            if facts.status == Status::Unknown {
                facts.status = Status::Ok;
            }
            return (asked & ANGRY == 0).then_some(Kind::Response);
        }
        if self.asked.len() >= MAX_ASKED {
            self.asked.pop_front();
        }
        let is_angry = facts.status != Status::Unknown;
        self.asked.push_back(if is_angry { mine | ANGRY } else { mine });
        facts.key = mine;
        Some(Kind::Request)
    }

    fn attach(&mut self, session: u16, channel: u16, fields: &[Value<'_>; 12], from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let [name, handle, role, _, _, source, target, ..] = fields;
        // The end of the link that is the server's.
        let is_sender = !role.is_true();
        let address = performative::address(if is_sender == from_client { *target } else { *source });
        let handle = handle.number().unwrap_or(0) as u32;
        let name = self.links.attach(from_client, channel, handle, name.text(), address);
        facts.put(Slot::Resource, address);
        facts.put_same(Slot::Endpoint, Slot::Resource);
        let kind = self.in_turn(key(false, ATTACH, session, name), from_client, facts);
        if kind == Some(Kind::Request) {
            facts.attribute("amqp.role", if is_sender { b"sender" } else { b"receiver" });
        } else {
            facts.put(Slot::Result, address);
        }
        kind
    }

    /// Undoing in anger is an error, and the answer to what waits; in peace it is done by both.
    fn undo(&mut self, key: u64, why: Value<'_>, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let is_angry = error(why, facts);
        let kind = self.in_turn(key, from_client, facts)?;
        if !is_angry || kind == Kind::Response {
            return Some(kind);
        }
        facts.key = NOBODY;
        if (key >> KIND_AT) as u8 == CLOSE {
            let by = if from_client { 0 } else { BY_CLIENT };
            (facts.first_key, facts.key, facts.is_last_word) = (Some(by), by | (BY_CLIENT - 1), true);
        }
        Some(Kind::Response)
    }

    fn transfer(
        &mut self,
        session: u16,
        channel: u16,
        fields: &[Value<'_>; 12],
        behind: Values<'_>,
        from_client: bool,
        facts: &mut Facts,
    ) -> Made {
        let [handle, delivery, _, _, settled, more, ..] = fields;
        let Some(number) = delivery.number() else {
            // The rest of a message whose beginning is a row already, or was not seen.
            return Made::Nothing;
        };
        facts.request_id = number;
        facts.key = key(from_client, TRANSFER, session, number as u32);
        self.place(*handle, channel, from_client, facts);
        let to = performative::message(behind, facts);
        if facts.get(Slot::Endpoint).is_empty() {
            facts.put(Slot::Resource, to);
            facts.put_same(Slot::Endpoint, Slot::Resource);
        }
        facts.put(Slot::Domain, self.host.as_bytes());
        let kind = if settled.is_true() { Kind::Notice } else { Kind::Request };
        if more.is_true() {
            let handle = handle.number().unwrap_or(0) as u32;
            self.sides[usize::from(!from_client)].content = Some((channel, handle, kind));
        }
        Made::Message(kind)
    }

    /// More of a message.
    fn goes_on(&mut self, fields: &[Value<'_>; 12], from_client: bool) -> Made {
        let content = &mut self.sides[usize::from(!from_client)].content;
        let Some((.., kind)) = *content else { return Made::Nothing };
        if !fields[5].is_true() || fields[9].is_true() {
            *content = None;
        }
        Made::Message(kind)
    }

    fn disposition(&mut self, session: u16, fields: &[Value<'_>; 12], from_client: bool, facts: &mut Facts) -> Made {
        let [role, first, last, _, state, ..] = fields;
        let Some(first) = first.number() else { return Made::Wrong };
        let last = last.number().unwrap_or(first);
        if !role.is_true() {
            // The sender, who takes notice of what it was told.
            facts.put(Slot::Domain, self.host.as_bytes());
            return Made::Message(Kind::Notice);
        }
        if !performative::outcome(*state, facts) {
            return Made::Nothing;
        }
        let key = |number: u64| key(!from_client, TRANSFER, session, number as u32);
        facts.first_key = Some(key(first));
        facts.key = key(last);
        Made::Message(Kind::Response)
    }
}

/// How a login ended.
fn logged_in(code: u64, facts: &mut Facts) {
    let (status, told) = match code {
        0 => (Status::Ok, ""),
        1 => (Status::ClientError, "authentication failed"),
        2 => (Status::ServerError, "system error"),
        3 => (Status::ServerError, "system error that will not go away"),
        _ => (Status::ServerError, "system error that may go away"),
    };
    (facts.status, facts.code) = (status, code as i32);
    facts.put(Slot::Exception, told.as_bytes());
}
