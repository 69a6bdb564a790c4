//! The streams under way.

use crate::l7::table::Dialect;

/// Streams of one connection that are remembered; most peers allow 100 or 128 at a time.
const MAX_STREAMS: usize = 1024;

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
pub struct Streams(Vec<Stream>);

impl Streams {
    fn find(&self, id: u32) -> Option<&Stream> {
        self.0.iter().find(|stream| stream.id == id)
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
        let Some(at) = self.0.iter().position(|stream| stream.id == id) else {
            return;
        };
        let flags = &mut self.0[at].flags;
        *flags |= ENDED[usize::from(!from_client)];
        let all = ENDED[0] | ENDED[1];
        if *flags & all == all || *flags & (ENDED[1] | ASKED) == ENDED[1] {
            self.0.swap_remove(at);
        }
    }

    pub fn remove(&mut self, id: u32) -> bool {
        let at = self.0.iter().position(|stream| stream.id == id);
        at.map(|at| self.0.swap_remove(at)).is_some()
    }

    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Stream>()
    }

    fn mark(&mut self, id: u32, flag: u8, dialect: Option<&'static Dialect>) {
        if let Some(stream) = self.0.iter_mut().find(|stream| stream.id == id) {
            stream.flags |= flag;
            stream.dialect = stream.dialect.or(dialect);
            return;
        }
        if self.0.len() >= MAX_STREAMS {
            self.0.swap_remove(0);
        }
        self.0.push(Stream { id, flags: flag, dialect });
    }
}
