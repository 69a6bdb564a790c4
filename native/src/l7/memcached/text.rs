//! The text protocol.

use super::{MAX_LINE, MAX_TEXT};
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Guess, Input, Kind, Resync, Step};

/// What kind of answer a command gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `VALUE …` with data, any number of them, then `END`.
    Values,
    /// A line that holds data where it begins with `VA`.
    Meta,
    /// Lines up to `END`.
    Lines,
    /// One line.
    Line,
    /// None.
    None,
}

/// `Facts::note` of `mn`, of which the answer is known by its name: what comes before it answers quiet commands.
const NO_OP: u32 = 100;

/// A command: its name, its answer, and which word says how many bytes of data follow (0: none do).
pub struct Command {
    pub name: &'static [u8],
    shape: Shape,
    size_at: usize,
    /// Whether its first word is a key.
    pub has_key: bool,
}

const fn command(name: &'static [u8], shape: Shape, size_at: usize, has_key: bool) -> Command {
    Command {
        name,
        shape,
        size_at,
        has_key,
    }
}

const COMMANDS: [Command; 27] = [
    command(b"get", Shape::Values, 0, true),
    command(b"gets", Shape::Values, 0, true),
    command(b"set", Shape::Line, 4, true),
    command(b"mg", Shape::Meta, 0, true),
    command(b"ms", Shape::Line, 2, true),
    command(b"md", Shape::Line, 0, true),
    command(b"ma", Shape::Meta, 0, true),
    command(b"mn", Shape::Line, 0, false),
    command(b"me", Shape::Line, 0, true),
    command(b"add", Shape::Line, 4, true),
    command(b"replace", Shape::Line, 4, true),
    command(b"append", Shape::Line, 4, true),
    command(b"prepend", Shape::Line, 4, true),
    command(b"cas", Shape::Line, 4, true),
    command(b"delete", Shape::Line, 0, true),
    command(b"incr", Shape::Line, 0, true),
    command(b"decr", Shape::Line, 0, true),
    command(b"touch", Shape::Line, 0, true),
    command(b"gat", Shape::Values, 0, false),
    command(b"gats", Shape::Values, 0, false),
    command(b"stats", Shape::Lines, 0, false),
    command(b"version", Shape::Line, 0, false),
    command(b"verbosity", Shape::Line, 0, false),
    command(b"flush_all", Shape::Line, 0, false),
    command(b"cache_memlimit", Shape::Line, 0, false),
    command(b"shutdown", Shape::None, 0, false),
    command(b"quit", Shape::None, 0, false),
];

pub fn find(line: &[u8]) -> Option<&'static Command> {
    let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    COMMANDS.iter().find(|command| command.name == name)
}

/// Whether these bytes begin with a command and, as far as they go, what it needs.
pub fn is_command(bytes: &[u8]) -> Guess {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(MAX_LINE)]);
    let line = &bytes[..end.unwrap_or(bytes.len().min(MAX_LINE))];
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\r') {
        return Guess::No;
    }
    let Some(end) = end else {
        let is_name = COMMANDS
            .iter()
            .any(|command| command.name.starts_with(line) || (line.starts_with(command.name) && line[command.name.len()] == b' '));
        return if is_name && bytes.len() < MAX_LINE {
            Guess::Maybe
        } else {
            Guess::No
        };
    };
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    let Some(command) = find(line) else { return Guess::No };
    let words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    let fits = match command.size_at {
        0 if command.has_key => words >= 2,
        0 => true,
        at => size(line, at).is_some(),
    };
    if fits { Guess::Yes } else { Guess::No }
}

fn word(line: &[u8], at: usize) -> Option<&[u8]> {
    line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(at)
}

/// The number in a word.
fn size(line: &[u8], at: usize) -> Option<u64> {
    let word = word(line, at)?;
    if word.is_empty() || word.len() > 10 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(word.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// Both directions of a connection in text.
#[derive(Debug, Default)]
pub struct Text {
    /// Bytes of data, with their line end, still to come, by direction.
    data: [u64; 2],
    /// By direction: the message has begun.
    begun: [bool; 2],
    /// By direction: the message ends with the data.
    last: [bool; 2],
    wire: [u64; 2],
    /// Answers with values so far.
    hits: u64,
    /// Nobody waits for the answer.
    quiet: bool,
    asked: bool,
    /// The answer belongs to a quiet command, which is a row already.
    dropped: bool,
}

impl Text {
    pub fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let lane = usize::from(!input.from_client);
        let mut at = 0;
        loop {
            let left = &input.bytes[at..];
            if self.data[lane] > 0 {
                let taken = self.data[lane].min(left.len() as u64);
                self.data[lane] -= taken;
                at += taken as usize;
                if self.data[lane] > 0 {
                    return self.took(lane, at);
                }
            }
            if self.last[lane] {
                return self.finish(lane, at, facts);
            }
            let left = &input.bytes[at..];
            let seen = &left[..left.len().min(MAX_LINE)];
            let Some(end) = memchr::memchr(b'\n', seen) else {
                return if seen.len() == MAX_LINE {
                    self.long(lane, at, left, facts)
                } else {
                    self.took(lane, at)
                };
            };
            let line = seen[..end].strip_suffix(b"\r").unwrap_or(&seen[..end]);
            at += end + 1;
            if line.is_empty() && !self.begun[lane] {
                return Step::Skip { size: at };
            }
            let is_read = if input.from_client {
                self.command(line, facts)
            } else {
                self.answer(line, input, facts)
            };
            if !is_read {
                self.reset(lane);
                return Step::Lost { size: at };
            }
            self.begun[lane] = true;
        }
    }

    pub fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        self.reset(usize::from(!from_client));
        let mut at = 0;
        if !from_client {
            // Data may look like a line, so an answer is one only behind a question.
            return if self.asked && is_answer(bytes) {
                Resync::At(0)
            } else {
                Resync::Drop(bytes.len())
            };
        }
        loop {
            match is_command(&bytes[at..]) {
                Guess::Yes => return Resync::At(at),
                Guess::Maybe => return Resync::Drop(at),
                _ => {}
            }
            match memchr::memchr(b'\n', &bytes[at..]) {
                Some(end) => at += end + 1,
                None => return Resync::Drop(bytes.len()),
            }
        }
    }

    pub fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let lane = usize::from(!from_client);
        let inside = self.data[lane] > missing;
        if inside {
            self.data[lane] -= missing;
            self.wire[lane] += missing;
        } else if !from_client {
            self.asked = false;
        }
        inside
    }

    pub fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let lane = usize::from(!from_client);
        let begun = self.begun[lane];
        self.reset(lane);
        match (begun, from_client) {
            (false, _) => None,
            (true, true) => Some(Kind::Request),
            (true, false) => {
                facts.status = Status::Ok;
                Some(Kind::Response)
            }
        }
    }

    fn reset(&mut self, lane: usize) {
        (self.data[lane], self.begun[lane], self.last[lane], self.wire[lane]) = (0, false, false, 0);
        if lane == 1 {
            (self.hits, self.dropped) = (0, false);
        }
    }

    fn took(&mut self, lane: usize, size: usize) -> Step {
        self.wire[lane] += size as u64;
        if size == 0 { Step::More } else { Step::Took { size } }
    }

    /// A line beyond every bound: a get of very many keys is still one request.
    fn long(&mut self, lane: usize, at: usize, left: &[u8], facts: &mut Facts) -> Step {
        if at > 0 {
            return self.took(lane, at);
        }
        let front = &left[..MAX_LINE];
        let is_get = lane == 0 && find(front).is_some_and(|command| command.shape == Shape::Values);
        match memchr::memchr(b'\n', left) {
            _ if !is_get => {
                self.reset(lane);
                Step::Lost { size: front.len() }
            }
            Some(end) => {
                self.command(front, facts);
                self.finish(lane, end + 1, facts)
            }
            None => Step::More,
        }
    }

    fn finish(&mut self, lane: usize, size: usize, facts: &mut Facts) -> Step {
        facts.length = (self.wire[lane] + size as u64) as i64;
        let kind = match (lane, self.quiet) {
            (0, true) => Kind::Notice,
            (0, false) => Kind::Request,
            _ => Kind::Response,
        };
        if lane == 0 {
            self.asked = true;
        } else {
            self.asked = false;
            if facts.status == Status::Unknown {
                facts.status = Status::Ok;
            }
        }
        let is_dropped = lane == 1 && std::mem::take(&mut self.dropped);
        self.reset(lane);
        if is_dropped {
            return Step::Skip { size };
        }
        Step::Message {
            size,
            kind,
            body: Body::Bytes(0),
        }
    }

    /// Reads a command's line; false where it is none.
    fn command(&mut self, line: &[u8], facts: &mut Facts) -> bool {
        let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let known = find(line);
        if name.is_empty() || name.len() > 32 || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        facts.put(Slot::Resource, &line[..line.len().min(MAX_TEXT)]);
        facts.put_front(Slot::RequestType, Slot::Resource, name.len());
        facts.put_same(Slot::Endpoint, Slot::RequestType);
        let shape = known.map_or(Shape::Line, |command| command.shape);
        facts.note = if name == b"mn" { NO_OP } else { shape as u32 };
        let is_meta = name.len() == 2 && name[0] == b'm';
        self.quiet = shape == Shape::None || line.ends_with(b" noreply");
        if is_meta {
            // Quiet: only what is out of the ordinary is answered, which nobody can foresee.
            self.quiet = line.split(|byte| *byte == b' ').skip(2).any(|flag| flag == b"q");
        }
        self.last[0] = true;
        if let Some(at) = known.map(|command| command.size_at).filter(|at| *at > 0) {
            let Some(size) = size(line, at) else {
                // The server says what is wrong, and reads the data as a command.
                return true;
            };
            self.data[0] = size + 2;
        }
        true
    }

    /// Reads a line of an answer; false where it is none.
    fn answer(&mut self, line: &[u8], input: Input<'_>, facts: &mut Facts) -> bool {
        let first = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let text = &line[..line.len().min(MAX_TEXT)];
        self.dropped = first != b"MN" && input.waiting.is_some_and(|request| request.note == NO_OP);
        match first {
            b"VALUE" => {
                let Some(size) = size(line, 3) else { return false };
                self.data[1] = size + 2;
                self.hits += 1;
                facts.put_first(Slot::Result, text);
            }
            b"VA" => {
                let Some(size) = size(line, 1) else { return false };
                self.data[1] = size + 2;
                self.last[1] = true;
                facts.put(Slot::Result, text);
            }
            b"STAT" | b"ITEM" => {}
            b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR" => {
                facts.status = if first == b"SERVER_ERROR" {
                    Status::ServerError
                } else {
                    Status::ClientError
                };
                facts.put(Slot::Exception, text);
                self.last[1] = true;
            }
            b"END" => {
                facts.put_first(Slot::Result, text);
                if self.hits > 0 && input.waiting.is_some_and(|request| request.note == Shape::Values as u32) {
                    facts.attribute("memcached.hits", self.hits.to_string().as_bytes());
                }
                self.last[1] = true;
            }
            _ if is_word(first) => {
                facts.put(Slot::Result, text);
                self.last[1] = true;
            }
            _ => return false,
        }
        true
    }
}

/// The first word of an answer of one line: capitals with underscores, or a number.
fn is_word(word: &[u8]) -> bool {
    let is_name = word.len() >= 2 && word.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    is_name || (!word.is_empty() && word.iter().all(u8::is_ascii_digit))
}

pub fn is_answer(bytes: &[u8]) -> bool {
    const WORDS: [&[u8]; 15] = [
        b"VALUE ",
        b"END\r\n",
        b"STORED\r\n",
        b"NOT_STORED\r\n",
        b"DELETED\r\n",
        b"NOT_FOUND\r\n",
        b"EXISTS\r\n",
        b"TOUCHED\r\n",
        b"HD",
        b"VA ",
        b"EN\r\n",
        b"ERROR\r\n",
        b"CLIENT_ERROR ",
        b"SERVER_ERROR ",
        b"VERSION ",
    ];
    WORDS.iter().any(|word| bytes.starts_with(word))
}
