//! Redis: RESP2 and RESP3, inline commands, pipelines, pushes (publish/subscribe, monitor, invalidation).
//!
//! A value is read through without a stack: a counter says how many values are still to come. Large values are skipped, not kept.

mod command;
mod opening;

use super::Status;
use super::facts::{Facts, Slot};
use super::http1::scan::line_end;
use super::parser::{Body, Input, Kind, Opening, Parser, Resync, Step};
use command::{Class, Rule};
pub use opening::guess;

/// Bytes of a command, and of a line of an answer, that are kept.
const MAX_TEXT: usize = 1024;
/// Values of one message; Redis itself stops at 2^31.
const MAX_VALUES: u64 = 1 << 32;
/// Redis takes values up to 512 MiB unless told otherwise.
const MAX_BULK: u64 = 1 << 40;

/// How far one direction has come in its message.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// The message has begun.
    begun: bool,
    /// Values still to come.
    pending: u64,
    /// Bytes of the current bulk string still to come, with its line end.
    bulk: u64,
    /// The rest of a long line is skipped.
    line: bool,
    /// Values read.
    values: u64,
    /// Bytes on the wire so far, missing ones too.
    wire: u64,
    /// Type of the outermost value.
    top: u8,
    /// Elements of the outermost value.
    elements: u64,
    /// What the first element says.
    word: Option<Class>,
    /// The last number.
    number: i64,
    rule: Rule,
    /// Bytes of the command that may still be told.
    room: usize,
}

/// Reads one Redis connection.
#[derive(Debug, Default)]
pub struct Redis {
    sides: [Side; 2],
    /// RESP3 was agreed upon.
    is_resp3: bool,
    /// The client has subscribed: answers that look like messages are messages.
    subscribed: bool,
    /// The server reports what others do.
    monitor: bool,
    /// Confirmations still to come for the last (un)subscribe.
    confirmations: u32,
    /// Commands that will not be answered: `CLIENT REPLY`.
    unanswered: u32,
    /// The connection becomes a replica's.
    replica: bool,
    /// The client has asked something since answers were lost.
    asked: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Redis::default())
}

/// A line that starts at `at`: its content without the line end, and where the next begins.
enum Line<'a> {
    Whole(&'a [u8], usize),
    /// Longer than `MAX_TEXT`: its front.
    Long(&'a [u8]),
    More,
}

#[inline]
fn line(bytes: &[u8], at: usize) -> Line<'_> {
    let rest = &bytes[at..];
    let seen = &rest[..rest.len().min(MAX_TEXT + 2)];
    match line_end(seen) {
        Some(end) => Line::Whole(seen[..end].strip_suffix(b"\r").unwrap_or(&seen[..end]), at + end + 1),
        None if seen.len() == MAX_TEXT + 2 => Line::Long(&seen[..MAX_TEXT]),
        None => Line::More,
    }
}

/// A decimal number and nothing else.
fn number(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        value = value * 10 + i64::from(digit.wrapping_sub(b'0'));
        if !digit.is_ascii_digit() {
            return None;
        }
    }
    Some(sign * value)
}

/// What reading a value came to.
enum Read {
    /// Bytes up to here are done with.
    To(usize),
    More,
    Bad,
}

impl Parser for Redis {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.replica {
            return Step::Stop;
        }
        let side = &mut self.sides[usize::from(!input.from_client)];
        if !side.begun && input.from_client {
            // Redis overlooks blanks before a line, and lines of nothing else.
            let blanks = input
                .bytes
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
                .count();
            if blanks > 0 {
                return Step::Skip { size: blanks };
            }
        }
        let mut at = 0;
        loop {
            let side = &mut self.sides[usize::from(!input.from_client)];
            let left = &input.bytes[at..];
            if side.bulk > 0 {
                let taken = side.bulk.min(left.len() as u64);
                side.bulk -= taken;
                at += taken as usize;
            } else if side.line {
                let end = memchr::memchr(b'\n', left);
                side.line = end.is_none();
                at += end.map_or(left.len(), |end| end + 1);
            }
            if side.bulk > 0 || side.line {
                return self.took(at, input.from_client);
            }
            if side.begun && side.pending == 0 {
                side.wire += at as u64;
                facts.length = side.wire as i64;
                let kind = if input.from_client {
                    self.request(facts)
                } else {
                    self.answer(input.waiting, facts)
                };
                self.sides[usize::from(!input.from_client)] = Side::default();
                return match kind {
                    Some(kind) => Step::Message {
                        size: at,
                        kind,
                        body: Body::Bytes(0),
                    },
                    None => Step::Skip { size: at },
                };
            }
            if at == input.bytes.len() {
                return self.took(at, input.from_client);
            }
            let read = if input.from_client {
                self.read_command(input, at, facts)
            } else {
                self.read_answer(input, at, facts)
            };
            match read {
                Read::To(next) => at = next,
                Read::More => return self.took(at, input.from_client),
                Read::Bad => {
                    self.sides[usize::from(!input.from_client)] = Side::default();
                    return Step::Lost { size: at.max(1) };
                }
            }
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = &mut self.sides[usize::from(!from_client)];
        *side = Side::default();
        if from_client {
            return opening::find_command(bytes);
        }
        self.confirmations = 0;
        match opening::find_answer(bytes, self.asked, self.subscribed) {
            Resync::At(at) => {
                self.asked = false;
                Resync::At(at)
            }
            drop => drop,
        }
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let side = &mut self.sides[usize::from(!from_client)];
        let inside = side.bulk > missing;
        if inside {
            side.bulk -= missing;
            side.wire += missing;
        } else if !from_client {
            self.asked = false;
        }
        inside
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let side = std::mem::take(&mut self.sides[usize::from(!from_client)]);
        if from_client {
            return (!facts.get(Slot::RequestType).is_empty()).then(|| self.request(facts)).flatten();
        }
        self.asked = false;
        // Of a message or a confirmation that was cut off nobody can say what it was.
        let told = side.begun && side.top != b'>' && side.word.is_none() && !self.subscribed && !self.monitor;
        told.then(|| {
            if facts.status != Status::ServerError {
                facts.status = Status::Ok;
            }
            Kind::Response
        })
    }
}

impl Redis {
    /// `size` bytes of a message that is not complete.
    fn took(&mut self, size: usize, from_client: bool) -> Step {
        if size == 0 {
            return Step::More;
        }
        self.sides[usize::from(!from_client)].wire += size as u64;
        Step::Took { size }
    }

    /// Reads the head of a command, or one of its parts.
    fn read_command(&mut self, input: Input<'_>, at: usize, facts: &mut Facts) -> Read {
        let side = &mut self.sides[0];
        if !side.begun && input.bytes.get(at) != Some(&b'*') {
            return self.read_inline(input, at, facts);
        }
        let (text, next) = match line(input.bytes, at) {
            Line::Whole(text, next) => (text, next),
            Line::Long(_) => return Read::Bad,
            Line::More => return more(&input.bytes[at..], if side.begun { b'$' } else { b'*' }),
        };
        let Some(value) = number(text.get(1..).unwrap_or_default()) else {
            return Read::Bad;
        };
        if !side.begun {
            if value > MAX_VALUES as i64 {
                return Read::Bad;
            }
            if value <= 0 {
                // Redis takes an empty command without a word.
                *side = Side::default();
                return Read::To(next);
            }
            *side = Side {
                begun: true,
                pending: value as u64,
                wire: side.wire,
                room: MAX_TEXT,
                ..Side::default()
            };
            return Read::To(next);
        }
        if text[0] != b'$' || value < 0 || value as u64 > MAX_BULK {
            return Read::Bad;
        }
        let length = value as u64;
        let wanted = length.min(side.room as u64) as usize;
        let Some(told) = input.bytes.get(next..next + wanted) else {
            return Read::More;
        };
        side.pending -= 1;
        side.bulk = length + 2 - wanted as u64;
        side.argument(told, length, input.settings.obfuscate, self.is_resp3, facts);
        Read::To(next + wanted)
    }

    /// A command on a line, as people type it.
    fn read_inline(&mut self, input: Input<'_>, at: usize, facts: &mut Facts) -> Read {
        let (text, next, is_long) = match line(input.bytes, at) {
            Line::Whole(text, next) => (text, next, false),
            Line::Long(front) => (front, at + front.len(), true),
            Line::More => return inline_more(&input.bytes[at..]),
        };
        let side = &mut self.sides[0];
        if !text.first().is_some_and(u8::is_ascii_alphabetic) || text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Read::Bad;
        }
        *side = Side {
            begun: true,
            wire: side.wire,
            room: MAX_TEXT,
            line: is_long,
            ..Side::default()
        };
        for word in text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()) {
            side.elements += 1;
            side.argument(word, word.len() as u64, input.settings.obfuscate, self.is_resp3, facts);
        }
        Read::To(next)
    }

    /// Reads the head of a value of an answer.
    fn read_answer(&mut self, input: Input<'_>, at: usize, facts: &mut Facts) -> Read {
        let side = &mut self.sides[1];
        let (text, next, is_long) = match line(input.bytes, at) {
            Line::Whole(text, next) => (text, next, false),
            Line::Long(front) => (front, at + front.len(), true),
            Line::More => return if opening::is_type(input.bytes[at]) { Read::More } else { Read::Bad },
        };
        let [kind, text @ ..] = text else { return Read::Bad };
        let is_top = !side.begun;
        let (mut told, mut next) = (text, next);
        match kind {
            b'+' | b'-' | b'(' | b',' | b'#' | b'_' => {}
            b':' => match number(text) {
                Some(value) => side.number = value,
                None if text.len() <= 20 => {}
                None => return Read::Bad,
            },
            _ => {
                let Some(count) = number(text).filter(|_| !is_long) else {
                    return Read::Bad;
                };
                match kind {
                    b'$' | b'=' | b'!' if count >= 0 => {
                        let room = if side.begun { side.room.min(count as usize) } else { 0 };
                        let room = if *kind == b'!' { MAX_TEXT.min(count as usize) } else { room };
                        let Some(front) = input.bytes.get(next..next + room) else {
                            return Read::More;
                        };
                        if count as u64 > MAX_BULK {
                            return Read::Bad;
                        }
                        told = front;
                        next += room;
                        side.bulk = count as u64 + 2 - room as u64;
                    }
                    b'*' | b'~' | b'>' | b'%' | b'|' if (0..=MAX_VALUES as i64).contains(&count) => {
                        let count = count as u64;
                        let values = match kind {
                            b'%' => 2 * count,
                            b'|' => 2 * count + 1,
                            _ => count,
                        };
                        side.pending = side.pending.saturating_add(values).min(2 * MAX_VALUES);
                        told = b"";
                        if is_top {
                            side.elements = count;
                        }
                    }
                    b'$' | b'*' if count == -1 => told = b"nil",
                    _ => return Read::Bad,
                }
            }
        }
        side.line = is_long;
        if is_top {
            side.begun = true;
            side.top = *kind;
            // The name of a message, where it can be one.
            side.room = match (kind, side.elements) {
                (b'*', 3 | 4) => command::MAX_WORD,
                (b'>', _) => MAX_TEXT,
                _ => 0,
            };
            self.is_resp3 |= matches!(kind, b'%' | b'>' | b'|' | b'~' | b'_' | b'#' | b',' | b'(' | b'=');
        } else {
            side.pending -= 1;
        }
        side.values += 1;
        self.told(*kind, told, input, facts);
        Read::To(next)
    }

    /// Takes from a value of an answer what the row tells.
    fn told(&mut self, kind: u8, text: &[u8], input: Input<'_>, facts: &mut Facts) {
        let side = &mut self.sides[1];
        if matches!(kind, b'-' | b'!') {
            // One in an array is a command of a transaction that failed.
            if facts.status != Status::ServerError {
                facts.status = Status::ServerError;
                facts.put(Slot::Exception, text);
                let prefix = text.split(|byte| *byte == b' ').next().unwrap_or_default();
                facts.attribute("redis.error", prefix);
            }
        } else if side.values == 1 {
            if self.monitor && kind == b'+' && command::is_monitored(text) {
                side.word = Some(Class::Monitor);
                let end = memchr::memchr(b']', text).map_or(0, |end| end + 1);
                facts.put(Slot::RequestType, b"MONITOR");
                facts.put_same(Slot::Endpoint, Slot::RequestType);
                facts.put(Slot::Resource, if input.settings.obfuscate { &text[..end] } else { text });
            } else if kind == b'_' {
                facts.put(Slot::Result, b"nil");
            } else if !text.is_empty() && !matches!(kind, b'$' | b'=') || text == b"nil" {
                facts.put(Slot::Result, text);
            }
        } else if side.values == 2 && side.room > 0 {
            side.word = command::pushed(text).filter(|class| {
                let is_message = *class == Class::Message;
                side.top == b'>' || self.subscribed || input.waiting.is_none_or(|request| !is_message && Class::of(request.note) == *class)
            });
            side.room = if side.word.is_some() || side.top == b'>' { MAX_TEXT } else { 0 };
            if side.room > 0 && !side.word.is_some_and(Class::is_subscription) {
                facts.put(Slot::Resource, text);
                facts.put_same(Slot::RequestType, Slot::Resource);
                facts.put_same(Slot::Endpoint, Slot::Resource);
            }
        } else if side.room > 0 && !text.is_empty() && !facts.get(Slot::Resource).is_empty() {
            // The last part of a message is what was said, those before it where.
            let is_hidden = input.settings.obfuscate && side.pending == 0;
            facts.extend_word(Slot::Resource, if is_hidden { b"?" } else { text });
            side.room = side.room.saturating_sub(text.len() + 1);
        }
    }

    /// A command is complete.
    fn request(&mut self, facts: &mut Facts) -> Option<Kind> {
        let side = self.sides[0];
        let class = Class::named(facts.get(Slot::Endpoint));
        let arguments = u32::try_from(side.values.saturating_sub(1)).unwrap_or(u32::MAX);
        facts.note = class.note(arguments);
        self.asked = true;
        self.subscribed |= class.subscribes();
        if facts.get(Slot::RequestType).is_empty() {
            return None;
        }
        if class == Class::Client {
            match command::reply_mode(facts.get(Slot::Resource)) {
                Some(command::Reply::On) => self.unanswered = 0,
                Some(command::Reply::Off) => self.unanswered = u32::MAX,
                Some(command::Reply::Skip) if self.unanswered == 0 => self.unanswered = 2,
                _ => {}
            }
        }
        if self.unanswered > 0 {
            self.unanswered -= u32::from(self.unanswered != u32::MAX);
            return Some(Kind::Notice);
        }
        Some(Kind::Request)
    }

    /// An answer, or something that nobody asked for, is complete.
    fn answer(&mut self, waiting: Option<&Facts>, facts: &mut Facts) -> Option<Kind> {
        let side = self.sides[1];
        if facts.status != Status::ServerError {
            facts.status = Status::Ok;
        }
        let asked = waiting.map_or(Class::Other, |request| Class::of(request.note));
        if let Some(class) = side.word {
            if !class.is_subscription() {
                return Some(Kind::Notice);
            }
            self.subscribed = side.number > 0;
            if self.confirmations > 0 {
                self.confirmations -= 1;
                return None;
            }
            if asked != class {
                return None;
            }
            self.confirmations = waiting.map_or(0, |request| Class::arguments(request.note).saturating_sub(1));
        } else if side.top == b'>' {
            return Some(Kind::Notice);
        }
        if self.is_resp3 && waiting.is_some_and(|request| request.get(Slot::Version).is_empty()) {
            facts.put(Slot::Version, b"3");
        }
        match asked {
            Class::Monitor if facts.status == Status::Ok => self.monitor = true,
            Class::Reset => (self.monitor, self.subscribed, self.is_resp3) = (false, false, false),
            Class::Sync => self.replica = facts.status == Status::Ok,
            _ => {}
        }
        Some(Kind::Response)
    }
}

impl Side {
    /// Tells one word of a command, of which `told` is the front.
    fn argument(&mut self, told: &[u8], length: u64, obfuscate: bool, is_resp3: bool, facts: &mut Facts) {
        self.values += 1;
        if self.values == 1 {
            if is_resp3 {
                facts.put(Slot::Version, b"3");
            }
            command::put_name(told, facts);
            self.rule = Rule::of(facts.get(Slot::Endpoint), obfuscate);
            self.room -= told.len();
            return;
        }
        if self.room == 0 {
            return;
        }
        let text = if self.rule.shows(self.values - 1) { told } else { b"?" };
        facts.extend_word(Slot::Resource, text);
        let is_cut = length > told.len() as u64;
        self.room = if is_cut { 0 } else { self.room.saturating_sub(told.len() + 1) };
        if is_cut || (self.room == 0 && self.pending > 0) {
            facts.extend(Slot::Resource, "…".as_bytes());
        }
    }
}

/// A head that is not complete: whether it can become one.
fn more(bytes: &[u8], kind: u8) -> Read {
    let digits = |rest: &[u8]| rest.len() <= 20 && rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'\r'));
    match bytes {
        [] => Read::More,
        [first, rest @ ..] if *first == kind && digits(rest) => Read::More,
        _ => Read::Bad,
    }
}

fn inline_more(bytes: &[u8]) -> Read {
    match bytes {
        [] | [b'\r'] => Read::More,
        [first, ..] if first.is_ascii_alphabetic() => Read::More,
        _ => Read::Bad,
    }
}
