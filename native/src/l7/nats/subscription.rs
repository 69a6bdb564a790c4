//! What a client is subscribed to: it says whether an answer would come here, and whether who listens also answers.

use super::control::{Control, Op};
use super::hash;

/// Subscriptions of one connection that are remembered, and bytes of each; with more of either nothing is ruled out.
const MAX_SUBSCRIPTIONS: usize = 64;
const MAX_PATTERN: usize = 256;

#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Hashes of their ids, and their subjects.
    all: Vec<(u64, Box<[u8]>)>,
    /// Those through which a question was answered.
    answering: Vec<u64>,
    /// They were all seen since the connection began.
    is_whole: bool,
}

impl Subscriptions {
    /// An operation of the client, which may begin or end one.
    pub fn see(&mut self, control: &Control<'_>) {
        match control.op {
            Op::Connect => self.is_whole = true,
            Op::Sub if self.all.len() < MAX_SUBSCRIPTIONS && control.subject.len() <= MAX_PATTERN => {
                self.all.push((hash(control.sid), control.subject.into()));
            }
            Op::Sub => self.is_whole = false,
            // With a number it ends when so many messages have come.
            Op::Unsub if control.extra.is_empty() => {
                let id = hash(control.sid);
                self.all.retain(|(sid, _)| *sid != id);
                self.answering.retain(|sid| *sid != id);
            }
            _ => {}
        }
    }

    /// Operations of the client are missing.
    pub fn lose_count(&mut self) {
        self.is_whole = false;
    }

    /// Whether what is sent to this subject comes to the client, as far as is known.
    pub fn gets(&self, subject: &[u8]) -> bool {
        !self.is_whole || self.all.iter().any(|(_, pattern)| fits(pattern, subject))
    }

    /// A question that came through this one was answered.
    pub fn answered(&mut self, id: u64) {
        if !self.answers(id) && self.answering.len() < MAX_SUBSCRIPTIONS {
            self.answering.push(id);
        }
    }

    /// Whether questions that come through this one are answered.
    pub fn answers(&self, id: u64) -> bool {
        self.answering.contains(&id)
    }

    pub fn heap_bytes(&self) -> usize {
        let patterns: usize = self.all.iter().map(|(_, pattern)| pattern.len()).sum();
        patterns + self.all.capacity() * size_of::<(u64, Box<[u8]>)>() + self.answering.capacity() * size_of::<u64>()
    }
}

/// `*` is any one token, `>` at the end any number of them.
fn fits(pattern: &[u8], subject: &[u8]) -> bool {
    let mut tokens = subject.split(|byte| *byte == b'.');
    for wanted in pattern.split(|byte| *byte == b'.') {
        match tokens.next() {
            Some(_) if wanted == b">" => return true,
            Some(token) if wanted == b"*" || wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}
