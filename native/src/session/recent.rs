//! Keys answered last, in which a repeated datagram is recognised.

const RECENT: usize = 4;

/// Keys that were answered, the oldest of them forgotten first.
#[derive(Default)]
pub(super) struct Recent {
    keys: [u64; RECENT],
    /// A bit for each that counts.
    held: u8,
    next: u8,
}

impl Recent {
    pub fn place(&self, key: u64) -> Option<usize> {
        (0..RECENT).find(|at| self.held >> at & 1 != 0 && self.keys[*at] == key)
    }

    pub fn add(&mut self, key: u64) {
        let at = self.next as usize % RECENT;
        self.keys[at] = key;
        self.held |= 1 << at;
        self.next = self.next.wrapping_add(1);
    }

    pub fn forget(&mut self, key: u64) {
        if let Some(at) = self.place(key) {
            self.held &= !(1 << at);
        }
    }
}
