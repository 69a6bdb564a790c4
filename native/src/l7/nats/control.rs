//! Control lines: what a line asks for, and whether it is one.

use crate::l7::parser::{Guess, Opening, Resync};

const PORT: u16 = 4222;
/// Servers greet with a line that lists the whole cluster; others are short.
const MAX_LINE: usize = 15 * 1024;
/// Payloads are 64 MiB at most, whatever the server is told.
const MAX_PAYLOAD: u64 = 1 << 30;
const MAX_WORDS: usize = 5;

/// Operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Info,
    Connect,
    Pub,
    Hpub,
    Sub,
    Unsub,
    Msg,
    Hmsg,
    Ping,
    Pong,
    Ok,
    Err,
}

/// Those that clients send, and those that servers send.
const OPS: [&[(&str, Op)]; 2] = [
    &[
        ("PUB", Op::Pub),
        ("HPUB", Op::Hpub),
        ("SUB", Op::Sub),
        ("UNSUB", Op::Unsub),
        ("PING", Op::Ping),
        ("PONG", Op::Pong),
        ("CONNECT", Op::Connect),
    ],
    &[
        ("MSG", Op::Msg),
        ("HMSG", Op::Hmsg),
        ("PING", Op::Ping),
        ("PONG", Op::Pong),
        ("+OK", Op::Ok),
        ("-ERR", Op::Err),
        ("INFO", Op::Info),
    ],
];

/// One control line.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    pub op: Op,
    pub name: &'static str,
    /// Bytes of the line with its end.
    pub line: usize,
    /// What is said behind the operation.
    pub text: &'a [u8],
    pub subject: &'a [u8],
    pub reply: &'a [u8],
    /// The subscription's id.
    pub sid: &'a [u8],
    /// The queue group of a subscription, or how many messages are still wanted of one.
    pub extra: &'a [u8],
    /// Bytes of the headers.
    pub headers: u64,
    /// Bytes of headers and payload; nothing where the operation has none.
    pub payload: Option<u64>,
}

/// What reading a line came to.
#[derive(Debug)]
pub enum Line<'a> {
    Whole(Control<'a>),
    More,
    Bad,
}

/// The operation that begins here; `Err(true)` where it may still become one.
fn op(bytes: &[u8], from_client: bool) -> Result<(&'static str, Op), bool> {
    let mut maybe = false;
    for (name, op) in OPS[usize::from(!from_client)] {
        let seen = bytes.len().min(name.len());
        if !bytes[..seen].eq_ignore_ascii_case(&name.as_bytes()[..seen]) {
            continue;
        }
        match bytes.get(name.len()) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => return Ok((name, *op)),
            Some(_) => {}
            None => maybe = true,
        }
    }
    Err(maybe)
}

/// Reads the control line at the front.
pub fn read(bytes: &[u8], from_client: bool) -> Line<'_> {
    let (name, op) = match op(bytes, from_client) {
        Ok(found) => found,
        Err(true) => return Line::More,
        Err(false) => return Line::Bad,
    };
    let seen = &bytes[..bytes.len().min(MAX_LINE)];
    let end = memchr::memchr(b'\n', seen);
    let text = &seen[name.len()..end.unwrap_or(seen.len())];
    let text = text.trim_ascii();
    if matches!(op, Op::Info | Op::Connect) && text.first().is_some_and(|first| *first != b'{') || text.iter().any(u8::is_ascii_control) {
        return Line::Bad;
    }
    let Some(end) = end else {
        return if seen.len() == MAX_LINE { Line::Bad } else { Line::More };
    };
    let mut control = Control {
        op,
        name,
        line: end + 1,
        text,
        subject: b"",
        reply: b"",
        sid: b"",
        extra: b"",
        headers: 0,
        payload: None,
    };
    match control.arguments() {
        Some(()) => Line::Whole(control),
        None => Line::Bad,
    }
}

impl<'a> Control<'a> {
    /// Sorts the words of the line; nothing where they do not fit the operation.
    fn arguments(&mut self) -> Option<()> {
        let mut words: [&'a [u8]; MAX_WORDS] = [b""; MAX_WORDS];
        let mut count = 0;
        if matches!(self.op, Op::Info | Op::Connect | Op::Err) {
            return (!self.text.is_empty()).then_some(());
        }
        for word in self.text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()) {
            *words.get_mut(count)? = word;
            count += 1;
        }
        match (self.op, &words[..count]) {
            (Op::Pub, [subject, reply @ .., size]) if reply.len() < 2 => {
                (self.subject, self.reply) = (*subject, reply.first().copied().unwrap_or_default());
                self.sizes(b"0", size)
            }
            (Op::Hpub, [subject, reply @ .., headers, size]) if reply.len() < 2 => {
                (self.subject, self.reply) = (*subject, reply.first().copied().unwrap_or_default());
                self.sizes(headers, size)
            }
            (Op::Msg, [subject, sid, reply @ .., size]) if reply.len() < 2 => {
                (self.subject, self.sid, self.reply) = (*subject, *sid, reply.first().copied().unwrap_or_default());
                self.sizes(b"0", size)
            }
            (Op::Hmsg, [subject, sid, reply @ .., headers, size]) if reply.len() < 2 => {
                (self.subject, self.sid, self.reply) = (*subject, *sid, reply.first().copied().unwrap_or_default());
                self.sizes(headers, size)
            }
            (Op::Sub, [subject, queue @ .., sid]) if queue.len() < 2 => {
                (self.subject, self.sid, self.extra) = (*subject, *sid, queue.first().copied().unwrap_or_default());
                Some(())
            }
            (Op::Unsub, [sid]) => {
                self.sid = *sid;
                Some(())
            }
            (Op::Unsub, [sid, max]) => {
                (self.sid, self.extra) = (*sid, *max);
                number(max).map(drop)
            }
            (Op::Ping | Op::Pong | Op::Ok, []) => Some(()),
            _ => None,
        }
    }

    fn sizes(&mut self, headers: &[u8], size: &[u8]) -> Option<()> {
        let (headers, size) = (number(headers)?, number(size)?);
        (self.headers, self.payload) = (headers, Some(size));
        (headers <= size && size <= MAX_PAYLOAD).then_some(())
    }

    /// Bytes of the whole message.
    pub fn size(&self) -> u64 {
        self.line as u64 + self.payload.map_or(0, |payload| payload + 2)
    }
}

/// A decimal number and nothing else.
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 12 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// Greetings, subscriptions and messages say it all; words that others have too are believed on the usual port only.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let is_usual = [opening.client_port, opening.server_port].contains(&PORT);
    let mut maybe = false;
    for turned in [false, true] {
        match read(opening.bytes, opening.from_client != turned) {
            Line::Whole(control) => {
                let is_plain = matches!(control.op, Op::Unsub | Op::Ping | Op::Pong | Op::Ok | Op::Err);
                return match turned {
                    _ if is_plain && !is_usual => Guess::No,
                    // Either end sends these: the flow's own word counts.
                    false => Guess::Yes,
                    true => Guess::Reversed,
                };
            }
            Line::More => maybe = true,
            Line::Bad => {}
        }
    }
    if maybe { Guess::Maybe } else { Guess::No }
}

/// Where a control line begins after a loss: payloads are rarely lines of this form.
pub fn resync(bytes: &[u8], from_client: bool) -> Resync {
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    for at in starts {
        match read(&bytes[at..], from_client) {
            Line::Whole(_) => return Resync::At(at),
            Line::More => return Resync::Drop(at),
            Line::Bad => {}
        }
    }
    Resync::Drop(bytes.len())
}
