//! HTTP/1.0 and HTTP/1.1 (RFC 9112).
//!
//! A head is read line by line, so that one of any length needs no buffer; bodies are counted and not looked at.

mod chunks;
mod head;
pub(super) mod scan;
mod start;
pub(super) mod trace;
mod websocket;

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::table;
use memchr::memchr;
use start::{Method, StartLine};
use websocket::WebSocket;

/// Bytes of a line that are read; the rest of it is skipped.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// What is read next in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Headers,
    ChunkSize,
    /// Bytes of the chunk still to come.
    ChunkData(u64),
    ChunkEnd,
    Trailers,
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    /// The rest of the line is skipped up to its end.
    long_line: bool,
    head: head::Head,
}

/// Reads one HTTP/1 connection.
#[derive(Debug, Default)]
pub struct Http1 {
    /// Requests, responses.
    sides: [Side; 2],
    /// CONNECT or Upgrade succeeded: what follows is not HTTP/1.
    tunnel: bool,
    /// Upgrade to WebSocket succeeded.
    socket: Option<Box<WebSocket>>,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Http1::default())
}

/// A request line with a known method, or a status line.
pub fn guess(opening: &Opening<'_>) -> Guess {
    match start::guess(opening.bytes) {
        (Guess::Yes, Some(Kind::Request)) if !opening.from_client => Guess::Reversed,
        (Guess::Yes, Some(Kind::Response)) if opening.from_client => Guess::Reversed,
        (guess, _) => guess,
    }
}

/// The front line of `bytes` without its end, and how many bytes it takes with it.
enum Line<'a> {
    Whole(&'a [u8], usize),
    /// Longer than anyone reads: its front.
    Long(&'a [u8]),
    Partial,
}

#[inline]
fn line(bytes: &[u8]) -> Line<'_> {
    match scan::line_end(bytes) {
        Some(end) if end <= MAX_LINE => {
            let text = &bytes[..end];
            Line::Whole(text.strip_suffix(b"\r").unwrap_or(text), end + 1)
        }
        None if bytes.len() <= MAX_LINE => Line::Partial,
        _ => Line::Long(&bytes[..MAX_LINE]),
    }
}

impl Parser for Http1 {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if let Some(socket) = &mut self.socket {
            return socket.parse(input, facts);
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        if side.long_line {
            let end = memchr(b'\n', input.bytes);
            side.long_line = end.is_none();
            return side.taken(end.map_or(input.bytes.len(), |end| end + 1), 0);
        }
        match side.state {
            State::Start => {
                if self.tunnel {
                    return behind_tunnel(input);
                }
                self.start(input, facts)
            }
            State::Headers => self.more_headers(input, facts),
            _ => side.chunks(input.bytes),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        if let Some(socket) = &mut self.socket {
            return socket.resync(from_client, bytes);
        }
        self.sides[usize::from(!from_client)] = Side::default();
        if from_client {
            start::find_request(bytes)
        } else {
            start::find_response(bytes)
        }
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        if let Some(socket) = &mut self.socket {
            return socket.gap(from_client, missing);
        }
        match &mut self.sides[usize::from(!from_client)].state {
            State::ChunkData(left) if missing <= *left => {
                *left -= missing;
                if *left == 0 {
                    self.sides[usize::from(!from_client)].state = State::ChunkEnd;
                }
                true
            }
            _ => false,
        }
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let side = &mut self.sides[usize::from(!from_client)];
        if side.state != State::Headers {
            return None;
        }
        side.head.finish(facts);
        if !from_client && is_interim(facts.code) {
            return None;
        }
        Some(if from_client { Kind::Request } else { Kind::Response })
    }

    fn breaks_off(&self) -> bool {
        self.socket.is_none()
    }

    fn heap_bytes(&self) -> usize {
        self.socket
            .as_ref()
            .map_or(0, |socket| size_of::<WebSocket>() + socket.heap_bytes())
    }
}

/// What a proxy was asked to connect to is most often TLS.
fn behind_tunnel(input: Input<'_>) -> Step {
    match super::tls::begins(input.bytes, input.from_client) {
        Guess::Yes => Step::Switch {
            size: 0,
            protocol: table::TLS,
            key: 0,
        },
        Guess::Maybe if !input.full => Step::More,
        _ => Step::Stop,
    }
}

/// 1xx but 101: the real response is still to come.
fn is_interim(code: i32) -> bool {
    (100..200).contains(&code) && code != 101
}

impl Side {
    /// `size` bytes of whatever is being read.
    fn taken(&self, size: usize, content: usize) -> Step {
        match self.state {
            State::Start | State::Headers => Step::Took { size },
            _ => Step::Part {
                size,
                content,
                key: 0,
                end: false,
            },
        }
    }
}

impl Http1 {
    #[inline]
    fn start(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        // A client may send an empty line after a body (RFC 9112, 2.2).
        let blank = input.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            return Step::Skip { size: blank };
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        let (text, size, long) = match line(input.bytes) {
            Line::Whole(text, size) => (text, size, false),
            Line::Long(text) => (text, text.len(), true),
            Line::Partial if start::is_possible(input.bytes, input.from_client) => return Step::More,
            Line::Partial => return Step::Lost { size: 1 },
        };
        // Each on its own, so that what was read need not be told apart again.
        if input.from_client {
            let Some(read) = StartLine::request(text, long) else {
                return Step::Lost { size: 1 };
            };
            read.put(facts, input.settings);
        } else {
            let Some(read) = StartLine::response(text) else {
                return Step::Lost { size: 1 };
            };
            read.put(facts, input.settings);
        }
        side.head = head::Head::default();
        side.state = State::Headers;
        if long {
            side.long_line = true;
            return Step::Took { size };
        }
        self.headers(input, size, facts)
    }

    /// Header lines that did not come with their start line.
    #[inline(never)]
    fn more_headers(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        self.headers(input, 0, facts)
    }

    /// Reads header lines from `at` on.
    #[inline(always)]
    fn headers(&mut self, input: Input<'_>, mut at: usize, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let end = loop {
            let left = &input.bytes[at..];
            if left.starts_with(b"\r\n") {
                break at + 2;
            }
            match line(left) {
                Line::Whole([], size) => break at + size,
                Line::Whole(text, size) => {
                    side.head.line(text, facts);
                    at += size;
                }
                Line::Long(text) => {
                    side.head.long_line(text, facts);
                    side.long_line = true;
                    return Step::Took { size: at + text.len() };
                }
                Line::Partial if at == 0 => return Step::More,
                Line::Partial => return Step::Took { size: at },
            }
        };
        side.head.finish(facts);
        self.body(input, end, facts)
    }

    /// The head is complete: what follows it?
    #[inline(always)]
    fn body(&mut self, input: Input<'_>, size: usize, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        side.state = State::Start;
        let method = input.waiting.map_or(Method::Other, |request| Method::of(request.note));
        let (kind, bodiless) = if input.from_client {
            (Kind::Request, false)
        } else {
            if is_interim(facts.code) {
                return Step::Skip { size };
            }
            let connected = method == Method::Connect && (200..300).contains(&facts.code);
            self.tunnel |= facts.code == 101 || connected;
            (
                Kind::Response,
                connected || method == Method::Head || matches!(facts.code, 101 | 204 | 304),
            )
        };
        if side.head.is_websocket && facts.code == 101 && !input.from_client {
            self.socket = Some(Box::new(WebSocket::opened_by(input.waiting)));
        }
        if side.head.is_h2c && facts.code == 101 && !input.from_client {
            // The request that asked for it is answered on the first stream (RFC 7540, 3.2).
            let (protocol, key) = (super::table::HTTP2, 1);
            return Step::Switch { size, protocol, key };
        }
        let body = if bodiless {
            Body::Bytes(0)
        } else if side.head.is_chunked {
            side.state = State::ChunkSize;
            facts.length = -1;
            Body::Parts
        } else if let Some(length) = side.head.length {
            Body::Bytes(length)
        } else if input.from_client {
            Body::Bytes(0)
        } else {
            Body::UntilClose
        };
        Step::Message { size, kind, body }
    }
}

/// Sets what the row calls an endpoint: the first segments of the path, without query.
pub(super) fn put_endpoint(facts: &mut Facts, segments: usize) {
    let resource = facts.get(Slot::Resource).as_bytes();
    // The slash behind the last wanted segment ends it; a path that does not start with one (an authority, `*`) is taken whole.
    let is_path = resource.first() == Some(&b'/');
    let end = scan::segments_end(resource, if is_path { segments } else { usize::MAX });
    facts.put_front(Slot::Endpoint, Slot::Resource, end);
}
