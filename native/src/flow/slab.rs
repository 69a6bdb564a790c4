//! Values at stable small numbers, in chunks, so that growing never copies them.

const CHUNK: usize = 1024;

pub struct Slab<T> {
    chunks: Vec<Box<[T; CHUNK]>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { chunks: Vec::new() }
    }
}

impl<T: Default> Slab<T> {
    #[inline]
    pub fn get(&self, slot: u32) -> &T {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// What is there, where there is such a place.
    #[inline]
    pub fn find(&self, slot: u32) -> Option<&T> {
        let chunk = self.chunks.get(slot as usize / CHUNK)?;
        Some(&chunk[slot as usize % CHUNK])
    }

    /// Makes room for one slot after `last`.
    pub fn reach(&mut self, slot: u32) {
        while self.chunks.len() * CHUNK <= slot as usize {
            let chunk: Vec<T> = (0..CHUNK).map(|_| T::default()).collect();
            if let Ok(chunk) = chunk.into_boxed_slice().try_into() {
                self.chunks.push(chunk);
            }
        }
    }

    /// Gives back what is behind the first `slots`.
    pub fn shrink_to(&mut self, slots: usize) {
        self.chunks.truncate(slots.div_ceil(CHUNK));
    }

    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>()
    }
}
