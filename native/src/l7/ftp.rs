//! FTP (RFC 959): a row for each command of the control connection. One that moves a file lasts until the server says that it is through.

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::reply::{self, Commands, Line, Replies, Reply};
use super::table::TLS;

const PORT: u16 = 21;
/// What clients begin with, and nobody else.
const FIRST: [&[u8]; 4] = [b"USER", b"FEAT", b"SYST", b"PASS"];

/// Reads one control connection.
#[derive(Debug, Default)]
pub struct Ftp {
    replies: Replies,
    commands: Commands,
    starts_tls: bool,
    encrypted: bool,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Ftp::default())
}

/// A greeting that says FTP, or on the usual port any; or a client that says who it is.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let is_expected = opening.server_port == PORT;
    match opening.from_client {
        // `USER` alone is what POP3 and IRC begin with too.
        true if is_expected => reply::first_word(opening.bytes, &FIRST),
        true => Guess::No,
        false => reply::greeting(opening.bytes, b"FTP", is_expected),
    }
}

impl Parser for Ftp {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.encrypted {
            return Step::Switch {
                size: 0,
                protocol: TLS,
                key: 0,
            };
        }
        if input.from_client {
            self.command(input, facts)
        } else {
            self.reply(input, facts)
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let is_sound = |text: &[u8]| match from_client {
            true => reply::command(text).is_some_and(|(word, _)| word.len() <= 4),
            false => Reply::read(text).is_some(),
        };
        (self.replies, self.commands) = Default::default();
        match reply::line(bytes) {
            Line::Whole(text, _) if is_sound(text) => Resync::At(0),
            Line::Whole(_, size) => Resync::Drop(size),
            Line::Partial => Resync::Drop(0),
            Line::Long(_) => Resync::Drop(bytes.len()),
        }
    }
}

fn message(size: usize, kind: Kind) -> Step {
    Step::Message {
        size,
        kind,
        body: Body::Bytes(0),
    }
}

impl Ftp {
    fn reply(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (reply, size) = match self.replies.read(input.bytes) {
            Ok(read) => read,
            Err(step) => return step,
        };
        // The greeting, and what says that the real reply is still to come.
        if reply.code < 200 || (reply.code == 220 && input.waiting.is_none()) {
            return Step::Skip { size };
        }
        if std::mem::take(&mut self.starts_tls) && reply.code == 234 {
            self.encrypted = true;
        }
        reply.put(facts);
        message(size, Kind::Response)
    }

    fn command(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (text, size) = match self.commands.read(input.bytes) {
            Ok(read) => read,
            Err(step) => return step,
        };
        // An interrupt may stand in front of ABOR (RFC 959, 4.1.3).
        let text = text.trim_ascii_start();
        let text = &text[text.iter().take_while(|byte| **byte >= 0xf0).count()..];
        let Some((word, rest)) = reply::command(text) else {
            return if text.is_empty() {
                Step::Skip { size }
            } else {
                Step::Lost { size }
            };
        };
        reply::put_command(word, facts);
        let is_secret = matches!(facts.get(Slot::RequestType), "PASS" | "ACCT" | "ADAT");
        self.starts_tls |= facts.get(Slot::RequestType) == "AUTH";
        facts.put(Slot::Resource, if is_secret { b"?" } else { rest });
        message(size, Kind::Request)
    }
}
