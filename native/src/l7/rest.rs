//! What comes of a message behind the bytes that were looked at.

use super::parser::{Body, Kind, Step};

/// The rest of the message that one direction is in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    left: u64,
    kind: Option<Kind>,
}

impl Rest {
    /// The facts of a message of `size` bytes are gathered, `available` bytes of it are there. Without a kind it is passed over.
    #[inline]
    pub fn begin(&mut self, size: u64, available: usize, kind: Option<Kind>) -> Step {
        (self.left, self.kind) = (size.max(1), kind);
        self.go_on(available)
    }

    /// Takes what is there of the message.
    #[inline]
    pub fn go_on(&mut self, available: usize) -> Step {
        let size = self.left.min(available as u64) as usize;
        self.left -= size as u64;
        match (self.left, self.kind) {
            (_, None) => Step::Skip { size },
            (0, Some(kind)) => Step::Message {
                size,
                kind,
                body: Body::Bytes(0),
            },
            _ => Step::Took { size },
        }
    }

    #[inline]
    pub fn is_open(&self) -> bool {
        self.left > 0
    }

    /// Whether `missing` bytes lie inside the message, so that reading goes on behind them.
    pub fn gap(&mut self, missing: u64) -> bool {
        // One that ends within the gap would have no byte left to be reported with.
        let inside = missing < self.left;
        if inside {
            self.left -= missing;
        }
        inside
    }

    /// Forgets the message; says what it was where it was begun.
    pub fn cut(&mut self) -> Option<Kind> {
        let begun = std::mem::take(&mut self.left) > 0;
        self.kind.take().filter(|_| begun)
    }
}
