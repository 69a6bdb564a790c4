//! What the server says: one response can be many packets.

use super::command::*;
use super::packet::{self, CURSOR, LARGEST, MORE_RESULTS, number, zero_ended};
use super::{MySql, Phase};
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::Input;

/// What comes next of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Start,
    /// Another result, or what the server makes of the file it asked for.
    Next,
    /// So many column definitions.
    Columns(u64),
    /// EOF or the first row.
    Behind,
    Rows,
    /// Definitions until EOF.
    Fields,
    /// Definitions of a prepared statement: parameters, and then columns.
    Prepared {
        parameters: u16,
        columns: u16,
    },
}

/// What a packet does to the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Go,
    Done,
    /// It belongs to no response.
    Drop,
    /// It never ends.
    Stream,
    Lost,
}

const OK: u8 = 0x00;
const MORE_DATA: u8 = 0x01;
const LOCAL_INFILE: u8 = 0xfb;
const EOF: u8 = 0xfe;
const ERR: u8 = 0xff;

impl MySql {
    #[inline]
    pub(super) fn answered(&mut self, payload: &[u8], (length, sequence): (usize, u8), input: &Input<'_>, facts: &mut Facts) -> After {
        if std::mem::replace(&mut self.continues[1], length == LARGEST) {
            return if self.reply == Reply::Start { After::Drop } else { After::Go };
        }
        let Some(&first) = payload.first() else {
            // A row without columns does not exist, but an empty packet ends a row of just the largest size.
            return if self.reply == Reply::Start { After::Drop } else { After::Go };
        };
        if first == ERR && length >= 3 {
            return self.failed(payload, input, facts);
        }
        let is_end = first == EOF && length < LARGEST;
        match self.reply {
            Reply::Start if self.phase == Phase::Login => self.admitted(payload, sequence, facts),
            Reply::Start => {
                if sequence != 1 && sequence != self.client_sequence.wrapping_add(1) {
                    return After::Drop;
                }
                self.first(payload, length, input, facts)
            }
            Reply::Next => self.result(payload, length, facts),
            Reply::Columns(left) => {
                self.reply = if left > 1 { Reply::Columns(left - 1) } else { Reply::Behind };
                After::Go
            }
            Reply::Behind if is_end && length == 5 => {
                if packet::ok(payload, facts) & CURSOR != 0 {
                    return After::Done;
                }
                self.reply = Reply::Rows;
                After::Go
            }
            Reply::Behind | Reply::Rows if is_end => self.ended(payload, facts),
            Reply::Behind | Reply::Rows => {
                self.reply = Reply::Rows;
                self.rows += 1;
                After::Go
            }
            Reply::Fields if is_end => After::Done,
            Reply::Fields => After::Go,
            Reply::Prepared { parameters, columns } => self.defined(parameters, columns, is_end),
        }
    }

    /// An error ends whatever was begun; MariaDB tells the progress of long statements with code 65535.
    fn failed(&mut self, payload: &[u8], input: &Input<'_>, facts: &mut Facts) -> After {
        if payload[1..3] == [0xff, 0xff] {
            return if self.reply == Reply::Start { After::Drop } else { After::Go };
        }
        packet::error(payload, facts, input.settings);
        self.infile = false;
        After::Done
    }

    /// The greeting, and questions and answers until the login is through.
    fn admitted(&mut self, payload: &[u8], sequence: u8, facts: &mut Facts) -> After {
        match payload[0] {
            10 if sequence == 0 => {
                let version = zero_ended(&payload[1..]).map_or(&b""[..], |(version, _)| version);
                let version = version.strip_prefix(b"5.5.5-").unwrap_or(version);
                let length = version.len().min(self.version.len());
                self.version[..length].copy_from_slice(&version[..length]);
                self.version_len = length as u8;
                self.compresses = super::compressed::is_offered(payload);
                After::Drop
            }
            OK => {
                self.phase = Phase::Command;
                self.layers = self.compresses.then(Box::default);
                packet::ok(payload, facts);
                After::Done
            }
            // Another way to log in, more to say about it.
            _ => After::Drop,
        }
    }

    /// The first packet of a response, the meaning of which depends on the command.
    fn first(&mut self, payload: &[u8], length: usize, input: &Input<'_>, facts: &mut Facts) -> After {
        let command = input.waiting.map_or(QUERY, |request| request.note as u8);
        match (command, payload[0]) {
            (LOGIN | CHANGE_USER, EOF | MORE_DATA) => After::Drop,
            (STATISTICS, _) => After::Done,
            (BINLOG_DUMP | BINLOG_DUMP_GTID, _) => After::Stream,
            (FIELD_LIST, first) if first != EOF => {
                self.reply = Reply::Fields;
                After::Go
            }
            (STMT_FETCH, first) if first != EOF => {
                (self.reply, self.rows) = (Reply::Rows, 1);
                After::Go
            }
            (STMT_PREPARE, OK) if length >= 12 => {
                let two = |at: usize| u16::from_le_bytes([payload[at], payload[at + 1]]);
                let id = u32::from_le_bytes([payload[1], payload[2], payload[3], payload[4]]);
                let text = input.waiting.map_or("", |request| request.get(Slot::Resource));
                self.statements.remember(u64::from(id), text);
                facts.attribute("db.statement.id", itoa::Buffer::new().format(id).as_bytes());
                let (columns, parameters) = (two(5), two(7));
                self.reply = Reply::Prepared { parameters, columns };
                if (parameters, columns) == (0, 0) { After::Done } else { After::Go }
            }
            _ => self.result(payload, length, facts),
        }
    }

    /// The first packet of a result.
    fn result(&mut self, payload: &[u8], length: usize, facts: &mut Facts) -> After {
        match payload[0] {
            OK | EOF => self.ended(payload, facts),
            LOCAL_INFILE => {
                self.infile = true;
                self.reply = Reply::Next;
                After::Go
            }
            _ => match number(payload) {
                Some((count, size)) if count > 0 && length <= size + 1 => {
                    // MariaDB leaves out definitions that the client knows, and says so in another byte.
                    let known = payload.get(size) == Some(&0);
                    self.reply = if known { Reply::Behind } else { Reply::Columns(count) };
                    After::Go
                }
                _ => After::Lost,
            },
        }
    }

    /// OK or EOF at the end of a result.
    fn ended(&mut self, payload: &[u8], facts: &mut Facts) -> After {
        if packet::ok(payload, facts) & MORE_RESULTS == 0 {
            return After::Done;
        }
        self.reply = Reply::Next;
        After::Go
    }

    /// Definitions of a prepared statement. Nothing tells whether an EOF packet follows the last of them: one that does is dropped.
    fn defined(&mut self, parameters: u16, columns: u16, is_end: bool) -> After {
        let (parameters, columns) = match (is_end, parameters, columns) {
            (true, ..) => (parameters, columns),
            (false, 0, columns) => (0, columns.saturating_sub(1)),
            (false, parameters, columns) => (parameters - 1, columns),
        };
        self.reply = Reply::Prepared { parameters, columns };
        if (parameters, columns) == (0, 0) { After::Done } else { After::Go }
    }
}
