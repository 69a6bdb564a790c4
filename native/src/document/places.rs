//! Ends and pairs of ends, each with a small number.

use super::meter::NONE;
use crate::flow::key::Seed;
use crate::packet::Ip;
use hashbrown::HashTable;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    fn hash(&self, seed: &Seed) -> u64 {
        let rest = u64::from(self.server_port) | u64::from(self.protocol) << 16 | u64::from(self.observation_point) << 24;
        let rest = rest | u64::from(self.nic) << 32 | u64::from(self.is_ipv6) << 48;
        let mut hash = seed.hash_words([self.client[1], self.server[1], rest]);
        if self.is_ipv6 {
            hash = seed.hash_words([self.client[0], self.server[0], hash]);
        }
        hash
    }
}

impl EndKey {
    fn hash(&self, seed: &Seed) -> u64 {
        let rest = u64::from(self.server_port) | u64::from(self.protocol) << 16 | u64::from(self.observation_point) << 24;
        let rest = rest | u64::from(self.nic) << 32 | u64::from(self.is_ipv6) << 48 | u64::from(self.role) << 49;
        seed.hash_words([self.ip[1], self.ip[0], rest])
    }
}

/// Two ends.
pub struct Pair {
    pub key: PairKey,
    pub ends: [u32; 2],
    /// Flows alive.
    pub alive: u32,
    /// Flows that are over and of which rows are still to come.
    held: u32,
    /// Its meter in the second and in the minute.
    pub(super) meters: [u32; 2],
    is_free: bool,
}

/// One end.
pub struct End {
    pub key: EndKey,
    pub alive: u32,
    pairs: u32,
    pub(super) meter: u32,
    is_free: bool,
}

#[derive(Default)]
pub struct Places {
    pub(super) pairs: Vec<Pair>,
    pub(super) ends: Vec<End>,
    by_pair: HashTable<u32>,
    by_end: HashTable<u32>,
    free_pairs: Vec<u32>,
    free_ends: Vec<u32>,
    seed: Seed,
}

impl Places {
    /// The number of `key`, with one more flow alive.
    pub(super) fn open(&mut self, key: &PairKey) -> u32 {
        let hash = key.hash(&self.seed);
        let found = self.by_pair.find(hash, |&pair| self.pairs[pair as usize].key == *key).copied();
        let pair = found.unwrap_or_else(|| self.add_pair(key, hash));
        let Pair { alive, ends, .. } = &mut self.pairs[pair as usize];
        *alive += 1;
        for end in *ends {
            self.ends[end as usize].alive += 1;
        }
        pair
    }

    pub(super) fn close(&mut self, pair: u32) {
        let Pair { alive, ends, .. } = &mut self.pairs[pair as usize];
        *alive -= 1;
        for end in *ends {
            self.ends[end as usize].alive -= 1;
        }
    }

    pub(super) fn hold(&mut self, pair: u32) {
        self.pairs[pair as usize].held += 1;
    }

    pub(super) fn release(&mut self, pair: u32) {
        self.pairs[pair as usize].held -= 1;
    }

    fn add_pair(&mut self, key: &PairKey, hash: u64) -> u32 {
        let end = |ip, role| EndKey {
            ip,
            role,
            is_ipv6: key.is_ipv6,
            server_port: key.server_port,
            protocol: key.protocol,
            nic: key.nic,
            observation_point: key.observation_point,
        };
        let ends = [self.end(&end(key.client, 0)), self.end(&end(key.server, 1))];
        let pair = Pair {
            key: *key,
            ends,
            alive: 0,
            held: 0,
            meters: [NONE; 2],
            is_free: false,
        };
        let number = put(&mut self.pairs, &mut self.free_pairs, pair);
        let (pairs, seed) = (&self.pairs, &self.seed);
        self.by_pair
            .insert_unique(hash, number, |&pair| pairs[pair as usize].key.hash(seed));
        number
    }

    fn end(&mut self, key: &EndKey) -> u32 {
        let hash = key.hash(&self.seed);
        let found = self.by_end.find(hash, |&end| self.ends[end as usize].key == *key).copied();
        let number = found.unwrap_or_else(|| {
            let end = End {
                key: *key,
                alive: 0,
                pairs: 0,
                meter: NONE,
                is_free: false,
            };
            let number = put(&mut self.ends, &mut self.free_ends, end);
            let (ends, seed) = (&self.ends, &self.seed);
            self.by_end.insert_unique(hash, number, |&end| ends[end as usize].key.hash(seed));
            number
        });
        self.ends[number as usize].pairs += 1;
        number
    }

    /// Forgets pairs without flows and without measures.
    pub(super) fn sweep(&mut self) {
        for number in 0..self.pairs.len() as u32 {
            let pair = &mut self.pairs[number as usize];
            if pair.is_free || pair.alive > 0 || pair.held > 0 || pair.meters != [NONE; 2] {
                continue;
            }
            pair.is_free = true;
            let (ends, hash) = (pair.ends, pair.key.hash(&self.seed));
            remove(&mut self.by_pair, hash, number);
            self.free_pairs.push(number);
            for number in ends {
                let end = &mut self.ends[number as usize];
                end.pairs -= 1;
                if end.pairs == 0 && !end.is_free {
                    end.is_free = true;
                    let hash = end.key.hash(&self.seed);
                    remove(&mut self.by_end, hash, number);
                    self.free_ends.push(number);
                }
            }
        }
        if self.free_pairs.len() == self.pairs.len() {
            *self = Places {
                seed: self.seed,
                ..Places::default()
            };
        }
    }

    /// Pairs in use.
    pub(super) fn len(&self) -> usize {
        self.pairs.len() - self.free_pairs.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.pairs.capacity() * (size_of::<Pair>() + 8) + self.ends.capacity() * (size_of::<End>() + 8)
    }
}

fn put<T>(held: &mut Vec<T>, free: &mut Vec<u32>, value: T) -> u32 {
    if let Some(number) = free.pop() {
        held[number as usize] = value;
        return number;
    }
    held.push(value);
    held.len() as u32 - 1
}

fn remove(table: &mut HashTable<u32>, hash: u64, number: u32) {
    if let Ok(entry) = table.find_entry(hash, |&held| held == number) {
        entry.remove();
    }
}
