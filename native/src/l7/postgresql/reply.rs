//! What the server says: a response is several messages.

use super::PostgreSql;
use super::request::{ENCRYPTION, EXECUTE, LOGIN, PARSE, QUERY, zero_ended};
use crate::l7::facts::{Facts, Slot};
use crate::l7::parser::{Body, Input, Kind, Step};
use crate::l7::{L7Settings, Status, sql};

/// What a message does to the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Go,
    Done,
    /// It belongs to no response.
    Drop,
    /// It is a message of its own.
    Notice,
    Lost,
}

impl PostgreSql {
    /// The answer to a request for encryption: one byte.
    pub(super) fn encryption(&mut self, input: &Input<'_>, facts: &mut Facts) -> Option<Step> {
        let answer = *input.bytes.first()?;
        if input.waiting.is_none_or(|request| request.note != ENCRYPTION) || !b"SNG".contains(&answer) {
            return None;
        }
        self.tls = answer != b'N';
        facts.is_tls = self.tls;
        facts.status = Status::Ok;
        facts.put(Slot::Result, &[answer]);
        Some(Step::Message {
            size: 1,
            kind: Kind::Response,
            body: Body::Bytes(0),
        })
    }

    #[inline]
    pub(super) fn answered(&mut self, kind: u8, content: &[u8], input: &Input<'_>, facts: &mut Facts) -> After {
        let waiting = input.waiting.map(|request| request.note);
        // What a response reported early answers is no longer the oldest that waits.
        let note = if self.streaming { QUERY } else { waiting.unwrap_or(QUERY) };
        let is_extended = matches!(note, PARSE | EXECUTE);
        match kind {
            b'D' | b'd' => {
                self.rows += 1;
                self.go()
            }
            b'Z' if self.begun => After::Done,
            b'Z' => After::Drop,
            b'C' => {
                self.completed(zero_ended(content).0, facts);
                if is_extended { After::Done } else { self.go() }
            }
            b'I' | b's' if is_extended => After::Done,
            b'E' => {
                error(content, facts, input.settings);
                // The rest of the execution that was prepared may not have come yet.
                let is_early = waiting.is_none() && self.parsed && !self.begun;
                if is_extended || is_early {
                    // The server passes over the rest of the batch.
                    facts.ends_group = true;
                    self.failed = Some(input.waiting.map_or(self.batch, |request| request.group));
                }
                if is_extended || note == ENCRYPTION || waiting.is_none() && !self.begun || note == LOGIN {
                    After::Done
                } else {
                    self.go()
                }
            }
            b'1' if note == PARSE => After::Done,
            b'S' => {
                self.parameter(content);
                self.within()
            }
            b'R' if content.first_chunk::<4>() == Some(&[0; 4]) && note == LOGIN => self.go(),
            b'A' if !self.begun => {
                let (channel, rest) = zero_ended(content.get(4..).unwrap_or_default());
                facts.put(Slot::RequestType, b"NOTIFICATION");
                facts.put(Slot::Resource, channel);
                facts.attribute("db.notification.payload", zero_ended(rest).0);
                After::Notice
            }
            b'N' if self.begun => {
                let state = field(content, b'C');
                facts.attribute("db.response.notice", state);
                After::Go
            }
            b'T' | b'n' | b'2' if waiting.is_none() || note == PARSE => self.within(),
            b'1' | b'2' | b'T' | b'n' | b'I' | b's' | b'G' | b'H' | b'W' | b'V' => self.go(),
            b'R' | b'K' | b't' | b'3' | b'c' | b'A' | b'N' | b'v' => self.within(),
            _ => After::Lost,
        }
    }

    /// More of the response, which begins here if it has not yet.
    fn go(&mut self) -> After {
        self.begun = true;
        After::Go
    }

    /// Nothing of a response unless one was begun.
    fn within(&self) -> After {
        if self.begun { After::Go } else { After::Drop }
    }

    /// A command tag: what was done, and to how many rows.
    fn completed(&mut self, tag: &[u8], facts: &mut Facts) {
        let mut words = tag.rsplit(|byte| *byte == b' ');
        let count = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok());
        let is_read = tag.starts_with(b"SELECT") || tag.starts_with(b"FETCH") || tag.starts_with(b"SHOW");
        if let (Some(count), false) = (count, is_read) {
            facts.affected_rows = facts.affected_rows.saturating_add(count);
        }
    }

    fn parameter(&mut self, content: &[u8]) {
        let (name, rest) = zero_ended(content);
        if name == b"server_version" {
            let version = zero_ended(rest).0;
            self.version = String::from_utf8_lossy(&version[..version.len().min(32)]).into_owned();
        }
    }
}

/// A field of an error or a notice, empty where it has none.
fn field(mut content: &[u8], wanted: u8) -> &[u8] {
    while let Some((kind, rest)) = content.split_first().filter(|(kind, _)| **kind != 0) {
        let (value, rest) = zero_ended(rest);
        if *kind == wanted {
            return value;
        }
        content = rest;
    }
    b""
}

fn error(content: &[u8], facts: &mut Facts, settings: &L7Settings) {
    let (state, text) = (field(content, b'C'), field(content, b'M'));
    facts.status = blame(state);
    // Where the state is a number, it is the code.
    facts.code = std::str::from_utf8(state).ok().and_then(|state| state.parse().ok()).unwrap_or(0);
    if settings.obfuscate {
        facts.put(Slot::Exception, &sql::without_literals(text));
    } else {
        facts.put(Slot::Exception, text);
    }
    facts.attribute("db.response.sqlstate", state);
}

/// Whose fault an error is, by the class of its SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn blame(state: &[u8]) -> Status {
    let client: [&[u8]; 20] = [
        b"03", b"0A", b"0B", b"0L", b"0P", b"20", b"21", b"22", b"23", b"24", b"25", b"26", b"27", b"28", b"34", b"3B", b"3D", b"3F",
        b"42", b"44",
    ];
    match state.get(..2) {
        Some(class) if client.contains(&class) || class == b"P0" => Status::ClientError,
        _ => Status::ServerError,
    }
}
