//! The texts of prepared statements.

use std::collections::VecDeque;

/// Statements of one connection that are remembered; the oldest is forgotten first.
const MAX_STATEMENTS: usize = 256;
/// Bytes of their texts.
const MAX_TEXTS: usize = 64 * 1024;

/// Texts by the id that the server gave, or by a hash of the name that the client gave.
#[derive(Default)]
pub struct Statements {
    texts: VecDeque<(u64, Box<str>)>,
    bytes: usize,
    /// The id of the last one that was remembered.
    pub last: u64,
}

impl Statements {
    pub fn remember(&mut self, id: u64, text: &str) {
        self.forget(id);
        self.last = id;
        if text.is_empty() {
            return;
        }
        self.bytes += text.len();
        self.texts.push_back((id, text.into()));
        while self.texts.len() > MAX_STATEMENTS || self.bytes > MAX_TEXTS {
            let Some((_, text)) = self.texts.pop_front() else { break };
            self.bytes -= text.len();
        }
    }

    pub fn forget(&mut self, id: u64) {
        if let Some((_, text)) = self.position(id).and_then(|at| self.texts.remove(at)) {
            self.bytes -= text.len();
        }
    }

    /// The text of a statement, empty where its preparation was not seen.
    pub fn text(&self, id: u64) -> &str {
        self.position(id).map_or("", |at| &self.texts[at].1)
    }

    pub fn clear(&mut self) {
        *self = Statements::default();
    }

    pub fn heap_bytes(&self) -> usize {
        self.bytes + self.texts.capacity() * size_of::<(u64, Box<str>)>()
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.texts.iter().rposition(|(known, _)| *known == id)
    }
}
