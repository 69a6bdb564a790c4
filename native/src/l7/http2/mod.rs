//! HTTP/2 (RFC 9113), and what is spoken over it: gRPC and Triple.
//!
//! A stream is a key. Header blocks are read where they lie; only one that comes in several frames, or in a very large one, is gathered first.

mod field;
mod frame;
mod grpc;
mod hpack;
mod huffman;
mod stream;

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::{L7Settings, Status};
use crate::l7::table::Dialect;
use field::Head;
use frame::{Frame, HEADER};
use stream::Streams;

/// A frame with a header block up to this size is waited for.
const MAX_WHOLE: usize = 8 * 1024;
/// Bytes of a header block that are read.
const MAX_BLOCK: usize = 32 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The preface may come.
    #[default]
    Start,
    Frame,
    /// A frame that nobody reads: bytes still to come.
    Skip(usize),
    /// Payload: bytes still to come, of which so many are content.
    Data {
        left: usize,
        content: usize,
    },
    /// A fragment of a header block: the same.
    Fragment {
        left: usize,
        content: usize,
    },
}

/// The frame that a message, or the end of one, is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    stream: u32,
    /// The stream that a push promise opens.
    promised: Option<u32>,
    end_stream: bool,
    end_headers: bool,
}

#[derive(Debug, Default)]
struct Side {
    state: State,
    table: hpack::Table,
    block: Block,
    /// Fragments of `block` so far.
    gathered: Vec<u8>,
    /// Bytes of it were left out.
    is_cut: bool,
}

/// Reads one HTTP/2 connection.
#[derive(Debug, Default)]
pub struct Http2 {
    /// Client, server.
    sides: [Side; 2],
    streams: Streams,
    /// What was spoken last.
    dialect: Option<&'static Dialect>,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Http2::default())
}

/// The preface, or frames of which one tells enough.
pub fn guess(opening: &Opening<'_>) -> Guess {
    frame::guess(opening.bytes, opening.from_client)
}

impl Parser for Http2 {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let available = input.bytes.len();
        match side.state {
            State::Start => {
                let front = &input.bytes[..available.min(frame::PREFACE.len())];
                if !input.from_client || !frame::PREFACE.starts_with(front) {
                    side.state = State::Frame;
                    return self.frame(input, facts);
                }
                if front.len() < frame::PREFACE.len() {
                    return Step::More;
                }
                side.state = State::Frame;
                Step::Skip { size: front.len() }
            }
            State::Frame => self.frame(input, facts),
            State::Skip(left) => {
                let size = left.min(available);
                side.state = if size == left { State::Frame } else { State::Skip(left - size) };
                Step::Skip { size }
            }
            State::Data { left, content } => self.data(input, 0, left, content),
            State::Fragment { left, content } => self.fragment(input, 0, left, content, facts),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = &mut self.sides[usize::from(!from_client)];
        side.table.forget();
        side.state = State::Frame;
        (side.block, side.gathered, side.is_cut) = (Block::default(), Vec::new(), false);
        let streams = &self.streams;
        frame::find(bytes, |stream| streams.has(stream))
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let side = &mut self.sides[usize::from(!from_client)];
        match &mut side.state {
            // The end of a message has to be told with a byte of it.
            State::Data { left, content } if missing < *left as u64 => {
                *left -= missing as usize;
                *content = (*content).min(*left);
                true
            }
            State::Skip(left) if missing < *left as u64 => {
                *left -= missing as usize;
                true
            }
            _ => false,
        }
    }

    fn heap_bytes(&self) -> usize {
        let sides: usize = self
            .sides
            .iter()
            .map(|side| side.table.heap_bytes() + side.gathered.capacity())
            .sum();
        sides + self.streams.heap_bytes()
    }
}

impl Http2 {
    #[inline]
    fn frame(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let bytes = input.bytes;
        let Some(frame) = Frame::read(bytes) else { return Step::More };
        if !frame.is_legal() {
            return Step::Lost { size: 1 };
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        let in_block = side.block.stream != 0;
        if in_block != (frame.kind == frame::CONTINUATION) || (in_block && frame.stream != side.block.stream) {
            return Step::Lost { size: HEADER };
        }
        match frame.kind {
            frame::DATA | frame::HEADERS | frame::PUSH_PROMISE | frame::CONTINUATION => {}
            frame::RST_STREAM => return self.reset(input, frame, facts),
            _ => {
                let size = (HEADER + frame.length).min(bytes.len());
                let left = HEADER + frame.length - size;
                side.state = if left == 0 { State::Frame } else { State::Skip(left) };
                return Step::Skip { size };
            }
        }
        let front = HEADER + frame.front();
        if bytes.len() < front {
            return Step::More;
        }
        let padding = if frame.front() > 0 && frame.has(frame::PADDED) {
            usize::from(bytes[HEADER])
        } else {
            0
        };
        let left = frame.length - frame.front();
        let Some(content) = left.checked_sub(padding) else {
            return Step::Lost { size: HEADER };
        };
        if frame.kind == frame::DATA {
            side.block = Block {
                stream: frame.stream,
                end_stream: frame.has(frame::END_STREAM),
                ..Block::default()
            };
            return self.data(input, front, left, content);
        }
        if !in_block && frame.has(frame::END_HEADERS) && frame.length <= MAX_WHOLE && bytes.len() < HEADER + frame.length {
            return Step::More;
        }
        side.block.end_headers = frame.has(frame::END_HEADERS);
        if !in_block {
            side.block.stream = frame.stream;
            side.block.end_stream = frame.kind == frame::HEADERS && frame.has(frame::END_STREAM);
            let promised = bytes[front - 4..front]
                .first_chunk()
                .map(|id| u32::from_be_bytes(*id) & 0x7fff_ffff);
            side.block.promised = promised.filter(|_| frame.kind == frame::PUSH_PROMISE);
        }
        self.fragment(input, front, left, content, facts)
    }

    /// Data behind `front` bytes.
    #[inline]
    fn data(&mut self, input: Input<'_>, front: usize, left: usize, content: usize) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let taken = left.min(input.bytes.len() - front);
        let counted = content.min(taken);
        let Block { stream, end_stream, .. } = side.block;
        let is_done = taken == left;
        if is_done {
            side.state = State::Frame;
            side.block = Block::default();
        } else {
            let (left, content) = (left - taken, content - counted);
            side.state = State::Data { left, content };
        }
        let end = is_done && end_stream;
        if end {
            self.streams.ended(stream, input.from_client);
        }
        Step::Part {
            size: front + taken,
            content: counted,
            key: u64::from(stream),
            end,
        }
    }

    /// A piece of a header block behind `front` bytes.
    #[inline]
    fn fragment(&mut self, input: Input<'_>, front: usize, left: usize, content: usize, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let taken = left.min(input.bytes.len() - front);
        let piece = &input.bytes[front..front + content.min(taken)];
        let size = front + taken;
        let (is_done, ends) = (taken == left, side.block.end_headers);
        if is_done && ends && side.gathered.is_empty() {
            side.state = State::Frame;
            return self.head(input, piece, size, facts);
        }
        let kept = piece.len().min(MAX_BLOCK - side.gathered.len());
        side.gathered.extend_from_slice(&piece[..kept]);
        side.is_cut |= kept < piece.len();
        side.state = if is_done {
            State::Frame
        } else {
            State::Fragment {
                left: left - taken,
                content: content - piece.len(),
            }
        };
        if is_done && ends {
            let gathered = std::mem::take(&mut side.gathered);
            return self.head(input, &gathered, size, facts);
        }
        Step::Took { size }
    }

    /// A header block is complete.
    #[inline]
    fn head(&mut self, input: Input<'_>, bytes: &[u8], size: usize, facts: &mut Facts) -> Step {
        let side = &mut self.sides[usize::from(!input.from_client)];
        let block = std::mem::take(&mut side.block);
        let is_cut = std::mem::take(&mut side.is_cut);
        let mut head = Head::default();
        let told = side.table.decode(bytes, |name, value| head.field(name, value, facts));
        if told.is_err() || is_cut {
            side.table.forget();
            if !is_cut {
                return Step::Lost { size };
            }
        }
        let stream = block.promised.unwrap_or(block.stream);
        let body = if block.end_stream || block.promised.is_some() {
            facts.length = facts.length.max(0);
            Body::Bytes(0)
        } else {
            Body::Parts
        };
        (facts.key, facts.request_id) = (u64::from(stream), u64::from(stream));
        if input.from_client || block.promised.is_some() {
            if !input.from_client {
                facts.attribute("http.pushed", b"true");
            }
            self.request(&block, head, stream, body, size, facts, input.settings)
        } else {
            self.response(&block, head, body, size, facts)
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn request(
        &mut self,
        block: &Block,
        head: Head,
        stream: u32,
        body: Body,
        size: usize,
        facts: &mut Facts,
        settings: &L7Settings,
    ) -> Step {
        if !head.is_request && (self.streams.is_asked(stream) || (!head.is_partial && block.end_stream)) {
            // Trailers.
            return self.part(size, stream, block.end_stream, true);
        }
        self.streams.asked(stream, head.dialect);
        if block.end_stream || block.promised.is_some() {
            self.streams.ended(stream, true);
        }
        facts.dialect = head.dialect;
        facts.put(Slot::Version, b"2");
        if head.dialect.is_some() {
            facts.put_same(Slot::Endpoint, Slot::Resource);
        } else {
            super::http1::put_endpoint(facts, settings.http_endpoint_segments);
        }
        let kind = Kind::Request;
        Step::Message { size, kind, body }
    }

    fn response(&mut self, block: &Block, head: Head, body: Body, size: usize, facts: &mut Facts) -> Step {
        let stream = block.stream;
        let is_trailer = head.status.is_none() && (self.streams.is_answered(stream) || (block.end_stream && !self.streams.has(stream)));
        if head.status.is_some_and(|status| (100..200).contains(&status)) || self.streams.is_given_up(stream) {
            return Step::Skip { size };
        }
        let dialect = head.dialect.or(self.streams.dialect(stream));
        // What the fields were that would tell was lost: a connection speaks the same from its beginning to its end.
        let dialect = dialect.or(self.dialect.filter(|_| head.is_partial));
        self.dialect = dialect.or(self.dialect);
        facts.dialect = dialect;
        if is_trailer {
            let Some(code) = head.grpc_status else {
                return self.part(size, stream, block.end_stream, false);
            };
            grpc::put_status(code, facts);
            self.streams.ended(stream, false);
            let key = u64::from(stream);
            return Step::Tail { size, key };
        }
        self.streams.answered(stream, dialect);
        if block.end_stream {
            self.streams.ended(stream, false);
        }
        put_response(&head, dialect, facts);
        let kind = Kind::Response;
        Step::Message { size, kind, body }
    }

    /// Trailers of which nothing is told but that they end the message.
    fn part(&mut self, size: usize, stream: u32, end: bool, from_client: bool) -> Step {
        if end {
            self.streams.ended(stream, from_client);
        }
        let (content, key) = (0, u64::from(stream));
        Step::Part { size, content, key, end }
    }

    /// Neither side's message on this stream will go on.
    fn reset(&mut self, input: Input<'_>, frame: Frame, facts: &mut Facts) -> Step {
        let size = HEADER + frame.length;
        let Some(error) = input.bytes.get(HEADER..size).and_then(|payload| payload.first_chunk()) else {
            return Step::More;
        };
        let error = u32::from_be_bytes(*error);
        let dialect = self.streams.dialect(frame.stream);
        let is_answered = self.streams.is_answered(frame.stream);
        if !self.streams.remove(frame.stream) {
            return Step::Skip { size };
        }
        if input.from_client {
            self.streams.give_up(frame.stream);
        }
        facts.dialect = dialect;
        let key = u64::from(frame.stream);
        if error == 0 && !input.from_client && !is_answered {
            // The answer was complete, and the rest of the question is not wanted (RFC 9113, 8.1); what it was is not known.
            return Step::Closed { size, key };
        }
        let name = usize::try_from(error).ok().and_then(|at| ERRORS.get(at)).copied().unwrap_or("?");
        facts.put(Slot::Exception, b"RST_STREAM ");
        facts.extend(Slot::Exception, name.as_bytes());
        if dialect.is_some() {
            grpc::put_status(grpc::of_reset(error), facts);
        } else if !is_answered {
            facts.status = if input.from_client {
                Status::ClientError
            } else {
                Status::ServerError
            };
        }
        Step::Closed { size, key }
    }
}

/// Error codes (RFC 9113, 7).
const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// What a response's head says of how it went. With gRPC nobody knows before the trailers.
fn put_response(head: &Head, dialect: Option<&'static Dialect>, facts: &mut Facts) {
    facts.put(Slot::Version, b"2");
    let status = head.status.unwrap_or_default();
    match (dialect, head.grpc_status) {
        (Some(_), Some(code)) => grpc::put_status(code, facts),
        (Some(_), None) if status != 0 && status != 200 => {
            grpc::put_status(grpc::of_http(status), facts);
        }
        (Some(_), None) => {}
        (None, _) => {
            facts.code = status;
            facts.status = match status {
                0 => Status::Unknown,
                400..500 => Status::ClientError,
                500.. => Status::ServerError,
                _ => Status::Ok,
            };
        }
    }
}
