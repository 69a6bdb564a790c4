//! MySQL and MariaDB, from the greeting or from the middle of a connection.
//!
//! Sources: <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>, <https://mariadb.com/kb/en/clientserver-protocol/>.
//! Rows and column definitions are counted and not looked at. Whether results end with EOF packets or with an OK packet shows in what comes
//! behind the column definitions, so that it needs no greeting.

mod command;
mod compressed;
mod opening;
mod packet;
mod reply;
mod request;

use super::facts::{Facts, Slot};
use super::layer::Layer;
use super::parser::{Body, Input, Kind, Opening, Parser, Resync, Step};
use super::statements::Statements;
pub use opening::guess;
use packet::{HEADER, LARGEST};
use reply::{After, Reply};

/// Bytes of a request that are looked at.
const REQUEST_FRONT: usize = super::facts::MAX_TEXT + 256;
/// Bytes of a server's packet that are looked at.
const REPLY_FRONT: usize = 768;
/// A result longer than this is reported before its end: what goes wrong behind it does not show.
const MAX_GATHERED: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the server said OK to the login.
    Login,
    Command,
}

/// Reads one connection.
pub struct MySql {
    phase: Phase,
    /// By direction (client first): bytes left of the packet that is passed over.
    rest: [u64; 2],
    /// By direction: the last packet was of the largest size, the next one continues it.
    continues: [bool; 2],
    /// What is left of the server's packet belongs to no message.
    dropping: bool,
    /// The response was reported; the rest of it is parts.
    streaming: bool,
    /// The client sends a file.
    infile: bool,
    /// TLS begins.
    tls: bool,
    client_sequence: u8,
    reply: Reply,
    /// Rows of the result so far.
    rows: u64,
    version: [u8; 32],
    version_len: u8,
    statements: Statements,
    /// Both sides can compress, and will once the login is through.
    compresses: bool,
    /// By direction (client first), where packets are compressed.
    layers: Option<Box<[Layer; 2]>>,
}

/// The parser for the table.
pub fn parser(opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(MySql {
        phase: if opening::is_login(opening) { Phase::Login } else { Phase::Command },
        rest: [0; 2],
        continues: [false; 2],
        dropping: false,
        streaming: false,
        infile: false,
        tls: false,
        client_sequence: 0,
        reply: Reply::Start,
        rows: 0,
        version: [0; 32],
        version_len: 0,
        statements: Statements::default(),
        compresses: false,
        layers: (compressed::is_frame(opening.bytes) == Some(true)).then(Box::default),
    })
}

impl Parser for MySql {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.tls {
            return super::tls::or_stop(input.bytes);
        }
        match self.layers.take() {
            Some(layers) => self.compressed(layers, input, facts),
            None => self.plain(input, facts),
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = usize::from(!from_client);
        (self.rest[side], self.continues[side]) = (0, false);
        if from_client {
            self.infile = false;
        } else {
            (self.reply, self.dropping, self.streaming, self.rows) = (Reply::Start, false, false, 0);
        }
        if self.compresses && self.layers.is_none() {
            // What was lost is most likely the end of the login.
            self.layers = Some(Box::default());
        }
        if let Some(layers) = &mut self.layers {
            layers[side].reset();
            return compressed::resync(from_client, bytes);
        }
        opening::resync(from_client, bytes)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let rest = &mut self.rest[usize::from(!from_client)];
        if self.layers.is_some() {
            return false;
        }
        if missing > *rest {
            return false;
        }
        *rest -= missing;
        true
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        if from_client || self.reply == Reply::Start || self.streaming {
            return None;
        }
        self.finish(facts);
        Some(Kind::Response)
    }

    fn heap_bytes(&self) -> usize {
        let layers = self.layers.as_ref().map_or(0, |layers| {
            size_of::<[Layer; 2]>() + layers.iter().map(Layer::heap_bytes).sum::<usize>()
        });
        self.statements.heap_bytes() + layers
    }
}

impl MySql {
    /// Packets as they are when nothing is compressed.
    #[inline]
    fn plain(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if input.from_client {
            self.client(input, facts)
        } else {
            self.server(input, facts)
        }
    }

    /// Passes over what is left of a packet.
    fn pass(&mut self, side: usize, available: usize) -> usize {
        let taken = self.rest[side].min(available as u64);
        self.rest[side] -= taken;
        taken as usize
    }

    #[inline]
    fn client(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        if self.rest[0] > 0 {
            let size = self.pass(0, input.bytes.len());
            return Step::Skip { size };
        }
        let Some((length, sequence)) = packet::header(input.bytes) else {
            return Step::More;
        };
        let continues = std::mem::replace(&mut self.continues[0], false);
        let is_login = self.phase == Phase::Login && sequence == 1;
        if continues || self.infile || length == 0 || !(is_login || sequence == 0) {
            // More of a request, an answer to a question about the login, or a file.
            self.infile &= length > 0;
            self.continues[0] = length == LARGEST;
            self.client_sequence = sequence;
            self.rest[0] = length as u64;
            return Step::Skip { size: HEADER };
        }
        let front = length.min(REQUEST_FRONT);
        let Some(payload) = input.bytes.get(HEADER..HEADER + front) else {
            self.continues[0] = continues;
            return Step::More;
        };
        let kind = if is_login {
            self.login(payload, facts)
        } else {
            self.command(payload, length, facts, input.settings)
        };
        let Some(kind) = kind else { return Step::Lost { size: 1 } };
        self.client_sequence = sequence;
        self.continues[0] = length == LARGEST;
        facts.length = length as i64;
        facts.put(Slot::Version, &self.version[..usize::from(self.version_len)]);
        Step::Message {
            size: HEADER + front,
            kind,
            body: Body::Bytes((length - front) as u64),
        }
    }

    #[inline]
    fn server(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let mut at = 0;
        loop {
            at += self.pass(1, input.bytes.len() - at);
            let left = &input.bytes[at..];
            if self.dropping && at > 0 {
                self.dropping = self.rest[1] > 0;
                return Step::Skip { size: at };
            }
            let Some((length, sequence)) = packet::header(left) else {
                return self.moved(at);
            };
            let front = length.min(REPLY_FRONT);
            let Some(payload) = left.get(HEADER..HEADER + front) else {
                return self.moved(at);
            };
            let after = self.answered(payload, (length, sequence), &input, facts);
            let size = at + HEADER + front;
            let rest = (length - front) as u64;
            match after {
                After::Go => {
                    (at, self.rest[1]) = (size, rest);
                    if !self.streaming && facts.captured + at as u64 > MAX_GATHERED {
                        self.streaming = true;
                        facts.status = super::Status::Ok;
                        return Step::Message {
                            size,
                            kind: Kind::Response,
                            body: Body::Parts,
                        };
                    }
                }
                After::Drop => {
                    (self.rest[1], self.dropping) = (rest, rest > 0);
                    return Step::Skip { size };
                }
                After::Done if self.streaming => {
                    (self.rest[1], self.dropping, self.streaming) = (rest, rest > 0, false);
                    self.reply = Reply::Start;
                    return Step::Part {
                        size,
                        content: size,
                        key: 0,
                        end: true,
                    };
                }
                After::Done => {
                    self.finish(facts);
                    return Step::Message {
                        size,
                        kind: Kind::Response,
                        body: Body::Bytes(rest),
                    };
                }
                After::Stream => {
                    self.reply = Reply::Start;
                    facts.status = super::Status::Ok;
                    return Step::Message {
                        size,
                        kind: Kind::Response,
                        body: Body::UntilClose,
                    };
                }
                After::Lost => return Step::Lost { size: 1 },
            }
        }
    }

    /// `size` bytes of a response that goes on.
    fn moved(&self, size: usize) -> Step {
        match (size, self.streaming) {
            (0, _) => Step::More,
            (size, false) => Step::Took { size },
            (size, true) => Step::Part {
                size,
                content: size,
                key: 0,
                end: false,
            },
        }
    }

    /// The response is complete.
    fn finish(&mut self, facts: &mut Facts) {
        self.reply = Reply::Start;
        if facts.status == super::Status::Unknown {
            facts.status = super::Status::Ok;
        }
        let rows = std::mem::take(&mut self.rows);
        if rows > 0 {
            facts.attribute("db.response.returned_rows", itoa::Buffer::new().format(rows).as_bytes());
        }
        facts.put(Slot::Version, &self.version[..usize::from(self.version_len)]);
    }
}
