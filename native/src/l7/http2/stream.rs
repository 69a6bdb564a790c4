//! The streams under way.

use std::collections::VecDeque;

use crate::l7::table::Dialect;

/// Streams of one connection that are remembered; most peers allow 100 or 128 at a time.
const MAX_STREAMS: usize = 1024;

/// Streams that the client gave up and that are remembered: what the server had sent by then still comes.
const MAX_GIVEN_UP: usize = 128;

const ASKED: u8 = 1;
const ANSWERED: u8 = 2;
/// By direction: client, server.
const ENDED: [u8; 2] = [4, 8];

#[derive(Clone, Copy, Debug)]
struct Stream {
    id: u32,
    flags: u8,
    dialect: Option<&'static Dialect>,
}

/// What of each stream was seen.
#[derive(Debug, Default)]
pub struct Streams {
    open: Vec<Stream>,
    given_up: VecDeque<u32>,
}

impl Streams {
    fn find(&self, id: u32) -> Option<&Stream> {
        self.open.iter().find(|stream| stream.id == id)
    }

    pub fn has(&self, id: u32) -> bool {
        self.find(id).is_some()
    }

    pub fn is_asked(&self, id: u32) -> bool {
        self.find(id).is_some_and(|stream| stream.flags & ASKED != 0)
    }

    pub fn is_answered(&self, id: u32) -> bool {
        self.find(id).is_some_and(|stream| stream.flags & ANSWERED != 0)
    }

    pub fn dialect(&self, id: u32) -> Option<&'static Dialect> {
        self.find(id)?.dialect
    }

    /// A request was sent.
    pub fn asked(&mut self, id: u32, dialect: Option<&'static Dialect>) {
        self.remove(id);
        self.mark(id, ASKED, dialect);
    }

    /// The head of a response was sent.
    pub fn answered(&mut self, id: u32, dialect: Option<&'static Dialect>) {
        self.mark(id, ANSWERED, dialect);
    }

    /// One side will send nothing more. Forgotten once both did, or once the server did where the request was not seen.
    pub fn ended(&mut self, id: u32, from_client: bool) {
        let Some(at) = self.open.iter().position(|stream| stream.id == id) else {
            return;
        };
        let flags = &mut self.open[at].flags;
        *flags |= ENDED[usize::from(!from_client)];
        let all = ENDED[0] | ENDED[1];
        if *flags & all == all || *flags & (ENDED[1] | ASKED) == ENDED[1] {
            self.open.swap_remove(at);
        }
    }

    pub fn remove(&mut self, id: u32) -> bool {
        let at = self.open.iter().position(|stream| stream.id == id);
        at.map(|at| self.open.swap_remove(at)).is_some()
    }

    /// The client wants no answer any more.
    pub fn give_up(&mut self, id: u32) {
        if self.given_up.len() >= MAX_GIVEN_UP {
            self.given_up.pop_front();
        }
        self.given_up.push_back(id);
    }

    pub fn is_given_up(&self, id: u32) -> bool {
        self.given_up.contains(&id)
    }

    pub fn heap_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Stream>() + self.given_up.capacity() * size_of::<u32>()
    }

    fn mark(&mut self, id: u32, flag: u8, dialect: Option<&'static Dialect>) {
        if let Some(stream) = self.open.iter_mut().find(|stream| stream.id == id) {
            stream.flags |= flag;
            stream.dialect = stream.dialect.or(dialect);
            return;
        }
        if self.open.len() >= MAX_STREAMS {
            self.open.swap_remove(0);
        }
        self.open.push(Stream { id, flags: flag, dialect });
    }
}
