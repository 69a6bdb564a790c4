//! What follows `101 Switching Protocols` to WebSocket (RFC 6455): a row for each message, whatever number of frames it came in.
//!
//! Nobody answers a message, so none waits for one. Its text is not looked at; rows say where the connection was opened.

use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Input, Kind, Resync, Step};
use crate::l7::table::WEBSOCKET;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Longest payload of a control frame.
const MAX_CONTROL: u64 = 125;

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Of the message in progress: its first frame's opcode, bytes of it so far, payload of this frame still to come, whether this frame is its last.
    opcode: u8,
    length: u64,
    left: u64,
    is_last: bool,
}

/// Reads both directions behind the upgrade.
#[derive(Debug)]
pub struct WebSocket {
    sides: [Side; 2],
    domain: Box<str>,
    resource: Box<str>,
    /// Bytes of `resource` that are the endpoint.
    endpoint: usize,
}

/// The front of a frame.
struct Header {
    opcode: u8,
    is_last: bool,
    mask: Option<[u8; 4]>,
    length: u64,
    size: usize,
}

impl Header {
    /// `Ok(None)` where more bytes are needed, `Err` where no frame begins.
    fn read(bytes: &[u8], from_client: bool) -> Result<Option<Header>, ()> {
        let [front, second, rest @ ..] = bytes else {
            return if bytes.first().is_none_or(|front| is_opcode(front & 15)) {
                Ok(None)
            } else {
                Err(())
            };
        };
        let (opcode, is_last, masked) = (front & 15, front & FINAL != 0, second & MASKED != 0);
        let (length, taken) = match second & 0x7f {
            126 => match rest.first_chunk() {
                Some(long) => (u64::from(u16::from_be_bytes(*long)), 2),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(long) => (u64::from_be_bytes(*long), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        // Clients mask, servers do not (RFC 6455, 5.1); two of the reserved bits nobody uses.
        let is_control_sound = opcode < CLOSE || (is_last && length <= MAX_CONTROL);
        if !is_opcode(opcode) || masked != from_client || front & 0x30 != 0 || length >> 63 != 0 || !is_control_sound {
            return Err(());
        }
        let mask = match (masked, rest.get(taken..)) {
            (true, Some(rest)) => match rest.first_chunk() {
                Some(mask) => Some(*mask),
                None => return Ok(None),
            },
            _ => None,
        };
        Ok(Some(Header {
            opcode,
            is_last,
            mask,
            length,
            size: 2 + taken + if masked { 4 } else { 0 },
        }))
    }
}

fn is_opcode(opcode: u8) -> bool {
    matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG)
}

impl WebSocket {
    /// The connection that this request opened.
    pub fn opened_by(request: Option<&Facts>) -> WebSocket {
        let text = |slot| request.map_or("", |request| request.get(slot));
        WebSocket {
            sides: Default::default(),
            domain: text(Slot::Domain).into(),
            resource: text(Slot::Resource).into(),
            endpoint: text(Slot::Endpoint).len(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.domain.len() + self.resource.len()
    }

    pub fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.left > 0 {
            let size = side.left.min(input.bytes.len() as u64);
            side.left -= size;
            return self.progress(size as usize, input.from_client, facts);
        }
        let header = match Header::read(input.bytes, input.from_client) {
            Ok(Some(header)) => header,
            Ok(None) => return Step::More,
            Err(()) => return Step::Lost { size: input.bytes.len() },
        };
        if header.opcode >= CLOSE {
            return self.control(&header, input, facts);
        }
        if header.opcode != CONTINUATION {
            (side.opcode, side.length) = (header.opcode, 0);
        }
        side.length = side.length.saturating_add(header.length);
        (side.left, side.is_last) = (header.length, header.is_last);
        self.progress(header.size, input.from_client, facts)
    }

    /// `size` bytes of a message were taken; it may be complete.
    fn progress(&mut self, size: usize, from_client: bool, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!from_client)];
        if side.left > 0 || !side.is_last {
            return Step::Took { size };
        }
        let (opcode, length) = (side.opcode, side.length);
        *side = Side::default();
        self.told(opcode, length, from_client, facts);
        facts.status = Status::Ok;
        message(size)
    }

    fn told(&self, opcode: u8, length: u64, from_client: bool, facts: &mut Facts) {
        let name: &[u8] = match opcode {
            TEXT => b"Text",
            BINARY => b"Binary",
            CLOSE => b"Close",
            PING => b"Ping",
            PONG => b"Pong",
            _ => b"Continuation",
        };
        facts.dialect = Some(&WEBSOCKET);
        facts.length = i64::try_from(length).unwrap_or(i64::MAX);
        facts.put(Slot::Version, b"13");
        facts.put(Slot::RequestType, name);
        facts.put(Slot::Domain, self.domain.as_bytes());
        facts.put(Slot::Resource, self.resource.as_bytes());
        facts.put_front(Slot::Endpoint, Slot::Resource, self.endpoint);
        facts.attribute("websocket.from", if from_client { b"client" } else { b"server" });
    }

    /// A control frame, which may come between the frames of a message.
    fn control(&mut self, header: &Header, input: Input<'_>, facts: &mut Facts) -> Step {
        let size = header.size + header.length as usize;
        let Some(payload) = input.bytes.get(header.size..size) else {
            return Step::More;
        };
        self.told(header.opcode, header.length, input.from_client, facts);
        facts.status = Status::Ok;
        if header.opcode == CLOSE && payload.len() >= 2 {
            let mask = header.mask.unwrap_or_default();
            let plain: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
            let code = u16::from_be_bytes([plain[0], plain[1]]);
            facts.code = i32::from(code);
            facts.status = status(code, input.from_client);
            if facts.status != Status::Ok {
                facts.put(Slot::Exception, &plain[2..]);
            } else {
                facts.put(Slot::Result, &plain[2..]);
            }
        }
        message(size)
    }

    /// A frame begins with a packet, or is not found.
    pub fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.sides[usize::from(!from_client)] = Side::default();
        match Header::read(bytes, from_client) {
            Ok(Some(header)) if header.opcode != CONTINUATION => Resync::At(0),
            Ok(None) => Resync::Drop(0),
            _ => Resync::Drop(bytes.len()),
        }
    }

    /// Whether the missing bytes are all payload.
    pub fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let side = &mut self.sides[usize::from(!from_client)];
        // The last byte must be seen for the message to end.
        let fits = missing < side.left;
        if fits {
            side.left -= missing;
        }
        fits
    }
}

/// Whose fault the end is (RFC 6455, 7.4.1): a complaint is about the other side, an internal error or overload is one's own.
fn status(code: u16, from_client: bool) -> Status {
    let by = |client: bool| if client { Status::ClientError } else { Status::ServerError };
    match code {
        1002 | 1003 | 1007..=1010 => by(!from_client),
        1011..=1014 => by(from_client),
        _ => Status::Ok,
    }
}

fn message(size: usize) -> Step {
    Step::Message {
        size,
        kind: Kind::Notice,
        body: Body::Bytes(0),
    }
}
