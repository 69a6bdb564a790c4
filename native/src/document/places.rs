//! Ends and pairs of ends, each with a small number.

use super::meter::NONE;
use super::pool::Pool;
use crate::flow::index::Index;
use crate::flow::key::Seed;
use crate::packet::Ip;

/// What the rows of a pair have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PairKey {
    pub client: Ip,
    pub server: Ip,
    pub is_ipv6: bool,
    pub server_port: u16,
    pub protocol: u8,
    pub nic: u16,
    /// Index into [`crate::engine::OBSERVATION_POINTS`].
    pub observation_point: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndKey {
    pub ip: Ip,
    /// 0 client, 1 server.
    pub role: u8,
    pub is_ipv6: bool,
    pub server_port: u16,
    pub protocol: u8,
    pub nic: u16,
    pub observation_point: u8,
}

impl PairKey {
    /// The client or the server.
    fn end(&self, role: u8) -> EndKey {
        EndKey {
            ip: if role == 0 { self.client } else { self.server },
            role,
            is_ipv6: self.is_ipv6,
            server_port: self.server_port,
            protocol: self.protocol,
            nic: self.nic,
            observation_point: self.observation_point,
        }
    }
}

/// Bits of [`End::what`], above the observation point.
const SERVER: u8 = 1 << 2;
const IPV6: u8 = 1 << 3;

impl EndKey {
    fn hash(&self, seed: &Seed) -> u64 {
        let rest = u64::from(self.server_port) | u64::from(self.protocol) << 16 | u64::from(self.what()) << 24;
        seed.hash_words([self.ip[1], self.ip[0], rest | u64::from(self.nic) << 32])
    }

    fn what(&self) -> u8 {
        (self.observation_point & 3) | (self.role * SERVER) | (u8::from(self.is_ipv6) * IPV6)
    }
}

/// Two ends, which say the rest.
pub struct Pair {
    /// The client and the server.
    pub ends: [u32; 2],
    /// Flows alive.
    pub alive: u32,
    /// Flows that are over and of which rows are still to come.
    held: u32,
    /// Its meter in the second and in the minute.
    pub(super) meters: [u32; 2],
}

/// One end.
pub struct End {
    /// Addresses of IPv6 stand beside.
    ip4: u32,
    pub alive: u32,
    /// 0 where it is free.
    pairs: u32,
    pub(super) meter: u32,
    server_port: u16,
    nic: u16,
    protocol: u8,
    what: u8,
}

#[derive(Default)]
pub struct Places {
    pub(super) pairs: Pool<Pair>,
    pub(super) ends: Pool<End>,
    /// The addresses of ends that are IPv6, by their chunk.
    wide: Vec<Vec<Ip>>,
    by_pair: Index,
    by_end: Index,
    seed: Seed,
}

/// Places in a chunk of [`Places::wide`].
const CHUNK: usize = Pool::<End>::CHUNK;
/// A pair that is free.
const FREE: [u32; 2] = [NONE; 2];

impl Places {
    /// The number of `key`, with one more flow alive.
    pub(super) fn open(&mut self, key: &PairKey) -> u32 {
        let keys = [key.end(0), key.end(1)];
        let hashes = keys.map(|key| key.hash(&self.seed));
        let hash = self.pair_hash(hashes);
        // All three are asked for before the first is waited for.
        hashes.iter().for_each(|hash| self.by_end.prefetch(*hash));
        self.by_pair.prefetch(hash);
        let ends = [self.end(&keys[0], hashes[0]), self.end(&keys[1], hashes[1])];
        let found = self.by_pair.find(hash, |pair| self.pairs.get(pair).ends == ends);
        let pair = found.unwrap_or_else(|| self.add_pair(ends, hash));
        self.pairs.get_mut(pair).alive += 1;
        for end in ends {
            self.ends.get_mut(end).alive += 1;
        }
        pair
    }

    pub(super) fn close(&mut self, pair: u32) {
        let Pair { alive, ends, .. } = self.pairs.get_mut(pair);
        *alive -= 1;
        for end in *ends {
            self.ends.get_mut(end).alive -= 1;
        }
    }

    pub(super) fn hold(&mut self, pair: u32) {
        self.pairs.get_mut(pair).held += 1;
    }

    pub(super) fn release(&mut self, pair: u32) {
        self.pairs.get_mut(pair).held -= 1;
    }

    /// What the rows of a pair say.
    #[inline]
    pub(super) fn key(&self, ends: [u32; 2]) -> PairKey {
        let client = self.end_key(ends[0]);
        PairKey {
            client: client.ip,
            server: self.ip(ends[1]),
            is_ipv6: client.is_ipv6,
            server_port: client.server_port,
            protocol: client.protocol,
            nic: client.nic,
            observation_point: client.observation_point,
        }
    }

    #[inline]
    fn ip(&self, number: u32) -> Ip {
        let end = self.ends.get(number);
        if end.what & IPV6 == 0 {
            [0, u64::from(end.ip4)]
        } else {
            self.wide[number as usize / CHUNK][number as usize % CHUNK]
        }
    }

    /// What the rows of an end say.
    #[inline]
    pub(super) fn end_key(&self, number: u32) -> EndKey {
        let end = self.ends.get(number);
        EndKey {
            ip: self.ip(number),
            role: u8::from(end.what & SERVER != 0),
            is_ipv6: end.what & IPV6 != 0,
            server_port: end.server_port,
            protocol: end.protocol,
            nic: end.nic,
            observation_point: end.what & 3,
        }
    }

    /// The hash of a pair, by those of its ends.
    #[inline]
    fn pair_hash(&self, ends: [u64; 2]) -> u64 {
        self.seed.hash_words([ends[0], ends[1], 0])
    }

    fn end_hash(&self, number: u32) -> u64 {
        self.end_key(number).hash(&self.seed)
    }

    fn add_pair(&mut self, ends: [u32; 2], hash: u64) -> u32 {
        let number = self.pairs.put(Pair {
            ends,
            alive: 0,
            held: 0,
            meters: [NONE; 2],
        });
        for end in ends {
            self.ends.get_mut(end).pairs += 1;
        }
        self.by_pair.insert(hash, number);
        number
    }

    /// The number of an end. One that is new has no pair: the caller adds one.
    #[inline]
    fn end(&mut self, key: &EndKey, hash: u64) -> u32 {
        let found = self.by_end.find(hash, |end| self.end_key(end) == *key);
        found.unwrap_or_else(|| self.add_end(key, hash))
    }

    fn add_end(&mut self, key: &EndKey, hash: u64) -> u32 {
        let number = self.ends.put(End {
            ip4: if key.is_ipv6 { 0 } else { key.ip[1] as u32 },
            alive: 0,
            pairs: 0,
            meter: NONE,
            server_port: key.server_port,
            nic: key.nic,
            protocol: key.protocol,
            what: key.what(),
        });
        if key.is_ipv6 {
            let chunk = number as usize / CHUNK;
            if self.wide.len() <= chunk {
                self.wide.resize_with(chunk + 1, Vec::new);
            }
            self.wide[chunk].resize(CHUNK, [0; 2]);
            self.wide[chunk][number as usize % CHUNK] = key.ip;
        }
        self.by_end.insert(hash, number);
        number
    }

    /// Forgets pairs without flows and without measures.
    pub(super) fn sweep(&mut self) {
        for number in 0..self.pairs.end() {
            let Some(pair) = self.pairs.at_mut(number) else { continue };
            if pair.alive > 0 || pair.held > 0 || pair.ends == FREE || pair.meters != [NONE; 2] {
                continue;
            }
            let ends = std::mem::replace(&mut pair.ends, FREE);
            let hashes = ends.map(|end| self.end_hash(end));
            self.by_pair.remove(self.pair_hash(hashes), number);
            self.pairs.release(number);
            for (number, hash) in ends.into_iter().zip(hashes) {
                let end = self.ends.get_mut(number);
                end.pairs -= 1;
                if end.pairs == 0 {
                    self.by_end.remove(hash, number);
                    self.ends.release(number);
                }
            }
        }
        self.trim();
    }

    /// Gives back what a flood needed.
    fn trim(&mut self) {
        if self.pairs.len() == 0 {
            *self = Places {
                seed: self.seed,
                ..Places::default()
            };
            return;
        }
        self.pairs.trim(|pair| pair.ends == FREE, |_| {});
        let wide = &mut self.wide;
        self.ends.trim(
            |end| end.pairs == 0,
            |chunk| {
                if let Some(addresses) = wide.get_mut(chunk) {
                    *addresses = Vec::new();
                }
            },
        );
        self.by_pair.trim();
        self.by_end.trim();
    }

    /// Pairs in use.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let wide = self.wide.iter().map(|chunk| chunk.capacity() * size_of::<Ip>()).sum::<usize>();
        self.pairs.bytes() + self.ends.bytes() + wide + self.by_pair.bytes() + self.by_end.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> PairKey {
        PairKey {
            client: [if number.is_multiple_of(2) { 0 } else { 1 << 60 }, number],
            server: [0, 1 + number % 50],
            is_ipv6: !number.is_multiple_of(2),
            server_port: 80 + (number % 3) as u16,
            protocol: 6,
            nic: (number % 7) as u16,
            observation_point: (number % 4) as u8,
        }
    }

    #[test]
    fn a_pair_takes_few_bytes() {
        assert_eq!((size_of::<Pair>(), size_of::<End>()), (24, 24));
    }

    #[test]
    fn a_pair_says_what_it_was_opened_with_and_keeps_its_number() {
        let mut places = Places::default();
        let numbers: Vec<u32> = (0..20_000).map(|number| places.open(&key(number))).collect();
        for (number, pair) in (0..).zip(&numbers) {
            assert_eq!(places.key(places.pairs.get(*pair).ends), key(number));
            assert_eq!(places.open(&key(number)), *pair);
            assert_eq!(places.pairs.get(*pair).alive, 2);
        }
        assert_eq!(places.len(), numbers.len());
        for pair in &numbers {
            places.close(*pair);
            places.close(*pair);
        }
        let most = places.bytes();
        // Some are still wanted.
        numbers[..10].iter().for_each(|pair| places.hold(*pair));
        places.sweep();
        assert_eq!(places.len(), 10);
        assert!(places.bytes() < most / 4, "{} of {most}", places.bytes());
        for (number, pair) in (0..10).zip(&numbers) {
            assert_eq!(places.key(places.pairs.get(*pair).ends), key(number));
            assert_eq!(places.open(&key(number)), *pair);
            places.close(*pair);
            places.release(*pair);
        }
        places.sweep();
        assert_eq!((places.len(), places.ends.len(), places.bytes()), (0, 0, Places::default().bytes()));
    }
}
