//! Replies that begin with three digits, as SMTP and FTP servers send them (RFC 5321, 4.2; RFC 959, 4.2): one line, or several of which the last one
//! repeats the digits with a space behind them.

use super::Status;
use super::facts::{Facts, Slot};
use super::parser::{Guess, Step};
use memchr::memchr;

/// Longest line that is read; of a longer one the front.
pub const MAX_LINE: usize = 2048;

/// A line without its end, and the bytes that it takes.
pub enum Line<'a> {
    Whole(&'a [u8], usize),
    /// Longer than anyone writes: its front, and that it goes on.
    Long(&'a [u8]),
    Partial,
}

/// The line that `bytes` begin with.
pub fn line(bytes: &[u8]) -> Line<'_> {
    match memchr(b'\n', bytes) {
        Some(end) if end <= MAX_LINE => Line::Whole(bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]), end + 1),
        None if bytes.len() <= MAX_LINE => Line::Partial,
        _ => Line::Long(&bytes[..MAX_LINE]),
    }
}

/// What a line of a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    pub code: u16,
    pub text: &'a [u8],
    /// Further lines follow.
    pub goes_on: bool,
}

impl<'a> Reply<'a> {
    /// `None` for a line without digits.
    pub fn read(line: &'a [u8]) -> Option<Reply<'a>> {
        let ([a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9'], rest) = line.split_at_checked(3)? else {
            return None;
        };
        let code = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
        let (goes_on, text) = match rest {
            [] => (false, rest),
            [b' ', text @ ..] => (false, text),
            [b'-', text @ ..] => (true, text),
            _ => return None,
        };
        Some(Reply { code, text, goes_on })
    }

    /// Says how it ended. What may work later is the server's trouble, what will never work the asker's.
    pub fn put(&self, facts: &mut Facts) {
        facts.code = i32::from(self.code);
        facts.status = match self.code {
            400..500 => Status::ServerError,
            500.. => Status::ClientError,
            _ => Status::Ok,
        };
        let slot = if facts.status == Status::Ok {
            Slot::Result
        } else {
            Slot::Exception
        };
        facts.put(slot, self.text);
    }
}

/// Where the lines of a reply have got to.
#[derive(Debug, Default)]
pub struct Replies {
    /// Digits of the reply whose lines are being read.
    open: Option<u16>,
    long: bool,
}

impl Replies {
    /// Reads a line; a reply where it is the last one of it, else the step to take.
    pub fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<(Reply<'a>, usize), Step> {
        if self.long {
            let end = memchr(b'\n', bytes);
            self.long = end.is_none();
            return Err(Step::Took {
                size: end.map_or(bytes.len(), |end| end + 1),
            });
        }
        let (text, size) = match line(bytes) {
            Line::Whole(text, size) => (text, size),
            Line::Long(text) => {
                self.long = true;
                (text, text.len())
            }
            Line::Partial => return Err(Step::More),
        };
        let reply = Reply::read(text);
        match (self.open, reply) {
            (Some(code), Some(reply)) if reply.code == code && !reply.goes_on => {
                self.open = None;
                Ok((reply, size))
            }
            (Some(_), _) => Err(Step::Took { size }),
            (None, Some(reply)) if reply.goes_on => {
                self.open = Some(reply.code);
                Err(Step::Took { size })
            }
            (None, Some(reply)) => Ok((reply, size)),
            (None, None) => Err(Step::Lost { size }),
        }
    }
}

/// Where the lines of a client have got to.
#[derive(Debug, Default)]
pub struct Commands {
    long: bool,
}

impl Commands {
    /// Reads a line; of one that is too long the front, and later the rest is passed over.
    pub fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<(&'a [u8], usize), Step> {
        if self.long {
            let end = memchr(b'\n', bytes);
            self.long = end.is_none();
            return Err(Step::Skip {
                size: end.map_or(bytes.len(), |end| end + 1),
            });
        }
        match line(bytes) {
            Line::Whole(text, size) => Ok((text, size)),
            Line::Long(text) => {
                self.long = true;
                Ok((text, text.len()))
            }
            Line::Partial => Err(Step::More),
        }
    }
}

/// What a server's first line says about the protocol whose name is `word`; on the protocol's own port the digits will do.
pub fn greeting(bytes: &[u8], word: &[u8], is_expected: bool) -> Guess {
    let front = match line(bytes) {
        Line::Whole(text, _) => text,
        Line::Long(_) => return Guess::No,
        Line::Partial if b"220".starts_with(&bytes[..bytes.len().min(3)]) && bytes.len() < 512 => return Guess::Maybe,
        Line::Partial => return Guess::No,
    };
    let is_greeting = Reply::read(front).is_some_and(|reply| matches!(reply.code, 220 | 421 | 554 | 120 | 530));
    let is_named = front.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    if is_greeting && (is_expected || is_named) {
        Guess::Yes
    } else {
        Guess::No
    }
}

/// Whether a client's first line is one of `words`, with or without something behind it.
pub fn first_word(bytes: &[u8], words: &[&[u8]]) -> Guess {
    let word = bytes.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
    let is_whole = word.len() < bytes.len();
    let fits = |known: &&[u8]| {
        known.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word)) && (!is_whole || known.len() == word.len())
    };
    match words.iter().any(fits) {
        false => Guess::No,
        true if is_whole && matches!(line(bytes), Line::Whole(..)) => Guess::Yes,
        true if bytes.len() < MAX_LINE => Guess::Maybe,
        true => Guess::No,
    }
}

/// Word and rest of a command; the word has letters only.
pub fn command(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii();
    let end = memchr(b' ', line).unwrap_or(line.len());
    let (word, rest) = (&line[..end], line[end..].trim_ascii());
    ((3..=12).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic)).then_some((word, rest))
}

/// Puts the command's name in capitals.
pub fn put_command(word: &[u8], facts: &mut Facts) {
    let mut name = [0; 12];
    let name = &mut name[..word.len().min(12)];
    name.copy_from_slice(&word[..name.len()]);
    name.make_ascii_uppercase();
    facts.put(Slot::RequestType, name);
    facts.put_same(Slot::Endpoint, Slot::RequestType);
}
