//! SMTP and LMTP (RFC 5321): a row for each command. That of DATA has the mail's length, and ends when the mail was taken.

use super::facts::{Facts, Slot};
use super::parser::{Body, Guess, Input, Kind, Opening, Parser, Resync, Step};
use super::reply::{self, Commands, Line, Replies};
use super::table::TLS;
use memchr::{memchr, memchr_iter};

const PORTS: [u16; 4] = [25, 587, 2525, 24];
const HELLOS: [&[u8]; 3] = [b"EHLO", b"HELO", b"LHLO"];
/// Commands where reading can go on after a loss.
const WORDS: [&[u8]; 13] = [
    b"EHLO",
    b"HELO",
    b"LHLO",
    b"MAIL",
    b"RCPT",
    b"DATA",
    b"RSET",
    b"QUIT",
    b"NOOP",
    b"VRFY",
    b"AUTH",
    b"STARTTLS",
    b"BDAT",
];

/// What the client says next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Commands,
    /// It has asked to send a mail.
    Asked,
    /// It sends a mail. How much of the end (CR LF . CR LF) was seen.
    Mail(u8),
    /// It answers what the server asked for to know who it is.
    Secret,
    /// TLS follows.
    Encrypted,
}

/// Reads one SMTP connection.
#[derive(Debug, Default)]
pub struct Smtp {
    phase: Phase,
    replies: Replies,
    commands: Commands,
    starts_tls: bool,
    mail: u64,
    /// Code of the reply that was just read.
    replied: Option<u16>,
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Smtp::default())
}

/// A greeting that says SMTP, or a client's hello.
pub fn guess(opening: &Opening<'_>) -> Guess {
    let is_expected = PORTS.contains(&opening.server_port);
    match opening.from_client {
        true => reply::first_word(opening.bytes, &HELLOS),
        false => reply::greeting(opening.bytes, b"SMTP", is_expected),
    }
}

impl Parser for Smtp {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        self.replied = None;
        match (input.from_client, self.phase) {
            (_, Phase::Encrypted) => Step::Switch {
                size: 0,
                protocol: TLS,
                key: 0,
            },
            (false, _) => self.reply(input, facts),
            (true, Phase::Mail(seen)) => self.content(input.bytes, seen, facts),
            (true, _) => self.command(input, facts),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        if !from_client {
            self.replies = Replies::default();
            return match reply::line(bytes) {
                Line::Whole(text, size) if reply::Reply::read(text).is_none() => Resync::Drop(size),
                Line::Whole(..) => Resync::At(0),
                Line::Partial => Resync::Drop(0),
                Line::Long(_) => Resync::Drop(bytes.len()),
            };
        }
        self.commands = Commands::default();
        match self.phase {
            // The server waits for a mail of which nothing was seen yet.
            Phase::Mail(_) => {
                self.phase = Phase::Mail(0);
                return Resync::At(0);
            }
            Phase::Encrypted => {}
            _ => self.phase = Phase::Commands,
        }
        let starts = std::iter::once(0).chain(memchr_iter(b'\n', bytes).map(|end| end + 1));
        for at in starts {
            match reply::first_word(&bytes[at..], &WORDS) {
                Guess::Yes if is_sound(&bytes[at..]) => return Resync::At(at),
                Guess::Maybe => return Resync::Drop(at),
                _ => {}
            }
        }
        Resync::Drop(bytes.len())
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        // Where requests were lost, a reply that is none to DATA can come before it.
        let is_other = self.phase == Phase::Asked && self.replied.is_some_and(|code| code < 400);
        let is_mail = from_client && matches!(self.phase, Phase::Asked | Phase::Mail(_)) && !is_other;
        if is_mail {
            // How much of it there was nobody knows.
            self.phase = Phase::Commands;
        }
        is_mail.then_some(Kind::Request)
    }
}

/// Whether a line is more than a word that mails use too.
fn is_sound(bytes: &[u8]) -> bool {
    let Line::Whole(text, _) = reply::line(bytes) else { return false };
    let Some((word, rest)) = reply::command(text) else { return false };
    let begins = |front: &[u8]| rest.get(..front.len()).is_some_and(|start| start.eq_ignore_ascii_case(front));
    match word.to_ascii_uppercase().as_slice() {
        b"MAIL" => begins(b"FROM:"),
        b"RCPT" => begins(b"TO:"),
        b"DATA" | b"RSET" | b"QUIT" | b"STARTTLS" => rest.is_empty(),
        _ => !rest.contains(&b' ') || word.eq_ignore_ascii_case(b"AUTH"),
    }
}

fn message(size: usize, kind: Kind) -> Step {
    Step::Message {
        size,
        kind,
        body: Body::Bytes(0),
    }
}

impl Smtp {
    fn reply(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (reply, size) = match self.replies.read(input.bytes) {
            Ok(read) => read,
            Err(step) => return step,
        };
        match reply.code {
            354 => {
                // A mail follows, whether the question for it was seen or not.
                self.phase = Phase::Mail(2);
                return Step::Skip { size };
            }
            // Said to AUTH only, whether that was seen or not.
            334 => {
                self.phase = Phase::Secret;
                return Step::Skip { size };
            }
            220 if input.waiting.is_none() && !self.starts_tls => return Step::Skip { size },
            _ => {}
        }
        if std::mem::take(&mut self.starts_tls) && reply.code == 220 {
            self.phase = Phase::Encrypted;
        }
        self.replied = Some(reply.code);
        reply.put(facts);
        let enhanced = reply.text.split(|byte| *byte == b' ').next().unwrap_or_default();
        if matches!(enhanced, [b'2' | b'4' | b'5', b'.', ..]) {
            facts.attribute("smtp.enhanced_status", enhanced);
        }
        message(size, Kind::Response)
    }

    fn command(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let (text, size) = match self.commands.read(input.bytes) {
            Ok(read) => read,
            Err(step) => return step,
        };
        if self.phase == Phase::Asked {
            // The refusal was lost; what was asked is told without it.
            return Step::Lost { size: 1 };
        }
        if self.phase == Phase::Secret {
            self.phase = Phase::Commands;
            return Step::Skip { size };
        }
        let Some((word, rest)) = reply::command(text) else {
            return if text.is_empty() {
                Step::Skip { size }
            } else {
                Step::Lost { size }
            };
        };
        reply::put_command(word, facts);
        match facts.get(Slot::RequestType) {
            "DATA" => {
                (self.phase, self.mail) = (Phase::Asked, 0);
                return Step::Took { size };
            }
            "BDAT" => {
                facts.put(Slot::Resource, rest);
                let length = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
                let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
                facts.length = i64::try_from(length).unwrap_or(i64::MAX);
                return Step::Message {
                    size,
                    kind: Kind::Request,
                    body: Body::Bytes(length),
                };
            }
            "AUTH" => {
                // The mechanism may be told, what is behind it not.
                facts.put(Slot::Resource, rest.split(|byte| *byte == b' ').next().unwrap_or_default());
            }
            "EHLO" | "HELO" | "LHLO" => {
                facts.put(Slot::Resource, rest);
                facts.put_same(Slot::Domain, Slot::Resource);
            }
            "MAIL" | "RCPT" => put_address(rest, facts),
            kind => {
                self.starts_tls = kind == "STARTTLS";
                facts.put(Slot::Resource, rest);
            }
        }
        message(size, Kind::Request)
    }

    /// Takes what belongs to the mail; `seen` bytes of the end of it came before.
    fn content(&mut self, bytes: &[u8], mut seen: u8, facts: &mut Facts) -> Step {
        const END: &[u8; 5] = b"\r\n.\r\n";
        let mut at = 0;
        while at < bytes.len() {
            if seen == 0 {
                match memchr(b'\r', &bytes[at..]) {
                    Some(next) => at += next,
                    None => {
                        at = bytes.len();
                        break;
                    }
                }
            }
            seen = match bytes[at] {
                byte if byte == END[usize::from(seen)] => seen + 1,
                b'\r' => 1,
                _ => 0,
            };
            at += 1;
            if seen == 5 {
                self.phase = Phase::Commands;
                // The dot and its line are not part of the mail.
                self.mail = (self.mail + at as u64).saturating_sub(3);
                if facts.get(Slot::RequestType).is_empty() {
                    reply::put_command(b"DATA", facts);
                }
                facts.length = i64::try_from(self.mail).unwrap_or(i64::MAX);
                return message(at, Kind::Request);
            }
        }
        self.mail += at as u64;
        self.phase = Phase::Mail(seen);
        Step::Took { size: at }
    }
}

/// `FROM:<a@b> SIZE=…` or `TO:<a@b>`: the address, and whose it is.
fn put_address(rest: &[u8], facts: &mut Facts) {
    let start = memchr(b'<', rest).map_or_else(|| memchr(b':', rest).map_or(0, |colon| colon + 1), |open| open + 1);
    let address = &rest[start..];
    let end = memchr::memchr2(b'>', b' ', address).unwrap_or(address.len());
    facts.put(Slot::Resource, &address[..end]);
    if let Some(sign) = memchr::memrchr(b'@', &address[..end]) {
        facts.put(Slot::Domain, &address[sign + 1..end]);
    }
}
