//! Values at small numbers, in chunks: growing copies nothing, and what a flood needed is given back.

const CHUNK: usize = 1024;
/// No chunk, or no number.
const NONE: usize = usize::MAX;

/// Values that keep their numbers until they are released.
pub struct Pool<T> {
    /// An empty one was given back.
    chunks: Vec<Vec<T>>,
    /// Numbers that were released.
    free: Vec<u32>,
    /// Places of chunks that were given back.
    vacant: Vec<u32>,
    /// The chunk that new numbers are taken from.
    open: usize,
    used: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool {
            chunks: Vec::new(),
            free: Vec::new(),
            vacant: Vec::new(),
            open: NONE,
            used: 0,
        }
    }
}

impl<T> Pool<T> {
    /// Numbers in a chunk.
    pub const CHUNK: usize = CHUNK;

    #[inline]
    pub fn get(&self, number: u32) -> &T {
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }

    #[inline]
    pub fn get_mut(&mut self, number: u32) -> &mut T {
        &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }

    /// What has, or had, this number.
    pub fn at_mut(&mut self, number: u32) -> Option<&mut T> {
        self.chunks.get_mut(number as usize / CHUNK)?.get_mut(number as usize % CHUNK)
    }

    /// Every number is below.
    pub fn end(&self) -> u32 {
        (self.chunks.len() * CHUNK) as u32
    }

    /// Values in use.
    pub fn len(&self) -> usize {
        self.used
    }

    pub fn put(&mut self, value: T) -> u32 {
        self.used += 1;
        if let Some(number) = self.free.pop() {
            *self.get_mut(number) = value;
            return number;
        }
        if self.chunks.get(self.open).is_none_or(|chunk| chunk.len() == CHUNK) {
            self.open = self.vacant.pop().map_or(self.chunks.len(), |at| at as usize);
            if self.open == self.chunks.len() {
                self.chunks.push(Vec::new());
            }
            self.chunks[self.open].reserve_exact(CHUNK);
        }
        let chunk = &mut self.chunks[self.open];
        chunk.push(value);
        (self.open * CHUNK + chunk.len() - 1) as u32
    }

    /// Its number is another's from now on; until then the value stands as it is.
    pub fn release(&mut self, number: u32) {
        self.used -= 1;
        self.free.push(number);
    }

    /// Gives back the chunks of which nothing is in use, where that is much of them all; tells which.
    pub fn trim(&mut self, is_free: impl Fn(&T) -> bool, mut gone: impl FnMut(usize)) {
        if self.free.len() < CHUNK || self.free.len() < self.used {
            return;
        }
        for (at, chunk) in self.chunks.iter_mut().enumerate() {
            if !chunk.is_empty() && chunk.iter().all(&is_free) {
                *chunk = Vec::new();
                self.vacant.push(at as u32);
                gone(at);
            }
        }
        if self.chunks.get(self.open).is_some_and(Vec::is_empty) {
            self.open = NONE;
        }
        let chunks = &self.chunks;
        self.free.retain(|number| !chunks[*number as usize / CHUNK].is_empty());
        self.free.shrink_to_fit();
    }

    pub fn bytes(&self) -> usize {
        (self.chunks.len() - self.vacant.len()) * CHUNK * size_of::<T>() + self.free.capacity() * 4
    }
}

/// Values that are forgotten all at once.
pub struct List<T> {
    chunks: Vec<Vec<T>>,
    /// Chunks that are full.
    full: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List {
            chunks: Vec::new(),
            full: 0,
        }
    }
}

impl<T> List<T> {
    #[inline]
    pub fn get(&self, number: u32) -> &T {
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }

    #[inline]
    pub fn get_mut(&mut self, number: u32) -> &mut T {
        &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }

    /// The value with this number, with as many behind it as lie beside it.
    #[inline]
    pub fn run(&self, number: u32) -> &[T] {
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK..]
    }

    pub fn len(&self) -> usize {
        self.full * CHUNK + self.chunks.get(self.full).map_or(0, Vec::len)
    }

    #[inline]
    pub fn push(&mut self, value: T) -> u32 {
        if self.full == self.chunks.len() {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = &mut self.chunks[self.full];
        let number = self.full * CHUNK + chunk.len();
        chunk.push(value);
        self.full += usize::from(chunk.len() == CHUNK);
        number as u32
    }

    /// Forgets all of them, and keeps room for `most`.
    pub fn clear(&mut self, most: usize) {
        self.full = 0;
        self.chunks.truncate(most.div_ceil(CHUNK));
        self.chunks.iter_mut().for_each(Vec::clear);
    }

    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_number_is_one_values_until_it_is_released(steps in proptest::collection::vec((0u8..8, any::<proptest::sample::Index>()), 0..60)) {
            let mut pool: Pool<Option<usize>> = Pool::default();
            let mut model = BTreeMap::new();
            for (nth, (step, which)) in steps.into_iter().enumerate() {
                match step {
                    // A flood, and its end.
                    0 => (0..3 * CHUNK).for_each(|value| prop_assert_none(model.insert(pool.put(Some(value)), value))),
                    1 | 2 => {
                        let gone: Vec<u32> = model.keys().copied().skip(which.index(9)).collect();
                        gone.into_iter().for_each(|number| {
                            *pool.get_mut(number) = None;
                            pool.release(number);
                            model.remove(&number);
                        });
                        pool.trim(Option::is_none, |_| {});
                    }
                    3 => if let Some((number, _)) = model.iter().nth(which.index(model.len().max(1))) {
                        let number = *number;
                        *pool.get_mut(number) = None;
                        pool.release(number);
                        model.remove(&number);
                    },
                    _ => prop_assert_none(model.insert(pool.put(Some(nth)), nth)),
                }
                prop_assert_eq!(pool.len(), model.len());
            }
            let held: Vec<(u32, usize)> = (0..pool.end()).filter_map(|number| Some((number, (*pool.at_mut(number)?)?))).collect();
            prop_assert_eq!(held, model.into_iter().collect::<Vec<_>>());
        }
    }

    fn prop_assert_none(before: Option<usize>) {
        assert_eq!(before, None);
    }

    #[test]
    fn what_a_flood_needed_is_given_back() {
        let mut pool = Pool::default();
        let numbers: Vec<u32> = (0..100_000u64).map(|value| pool.put(Some(value))).collect();
        let most = pool.bytes();
        for number in &numbers[1..] {
            *pool.get_mut(*number) = None;
            pool.release(*number);
        }
        pool.trim(Option::is_none, |_| {});
        assert!(pool.bytes() < most / 50, "{} of {most}", pool.bytes());
        assert_eq!(*pool.get(numbers[0]), Some(0));
    }

    #[test]
    fn a_list_holds_what_was_put_into_it_since_it_was_cleared() {
        let mut list = List::default();
        for round in 0..3u32 {
            let size = 3000 - round * 500;
            assert!((0..size).all(|value| list.push(value + round) == value));
            assert_eq!(list.len(), size as usize);
            assert!((0..size).all(|value| *list.get(value) == value + round && list.run(value)[0] == value + round));
            assert_eq!(list.run(size - 5), [5, 4, 3, 2, 1].map(|back| size - back + round));
            list.clear(CHUNK);
            assert_eq!((list.len(), list.bytes()), (0, CHUNK * 4));
        }
    }
}
