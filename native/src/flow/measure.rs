//! The L4 measures, as they add up. Index 0 of a pair is client to server, 1 is server to client.

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub packet: [u64; 2],
    pub byte: [u64; 2],
    pub l3_byte: [u64; 2],
    pub l4_byte: [u64; 2],
}

impl Traffic {
    pub fn add(&mut self, other: &Traffic) {
        for way in 0..2 {
            self.packet[way] += other.packet[way];
            self.byte[way] += other.byte[way];
            self.l3_byte[way] += other.l3_byte[way];
            self.l4_byte[way] += other.l4_byte[way];
        }
    }
}

/// Samples of a time in µs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    pub sum: u64,
    pub count: u32,
    pub max: u32,
}

impl Delay {
    /// Adds the time from `begin_us` to `end_us`; what is negative or longer than `cap_us` says nothing and is left out.
    #[inline]
    pub fn sample(&mut self, begin_us: i64, end_us: i64, cap_us: i64) {
        let us = end_us - begin_us;
        if (0..=cap_us).contains(&us) {
            self.sum += us as u64;
            self.count += 1;
            self.max = self.max.max(us as u32);
        }
    }

    pub fn add(&mut self, other: &Delay) {
        self.sum += other.sum;
        self.count += other.count;
        self.max = self.max.max(other.max);
    }
}

/// TCP events, in the order of [`TCP_EVENTS`].
pub const TCP_EVENTS: usize = 11;
pub const SYN: usize = 0;
pub const SYNACK: usize = 1;
pub const FIN: usize = 2;
/// Of the client; the server's is the next.
pub const RETRANS: usize = 3;
pub const RETRANS_SYN: usize = 5;
pub const RETRANS_SYNACK: usize = 6;
pub const ZERO_WINDOW: usize = 7;
pub const OUT_OF_ORDER: usize = 9;

/// Times measured, in the order of a flow's life.
pub const DELAYS: usize = 5;
pub const RTT_CLIENT: usize = 0;
pub const RTT_SERVER: usize = 1;
pub const SRT: usize = 2;
pub const ART: usize = 3;
pub const CIT: usize = 4;

/// What most packets do not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rare {
    pub delays: [Delay; DELAYS],
    pub tcp: [u32; TCP_EVENTS],
    /// First SYN to the last handshake ACK, 0 for none.
    pub rtt_us: u32,
}

impl Rare {
    pub fn add(&mut self, other: &Rare) {
        for (mine, theirs) in self.delays.iter_mut().zip(&other.delays) {
            mine.add(theirs);
        }
        for (mine, theirs) in self.tcp.iter_mut().zip(&other.tcp) {
            *mine += theirs;
        }
        if other.rtt_us != 0 {
            self.rtt_us = other.rtt_us;
        }
    }
}

/// The [`Rare`] of flows that were active in the current second. A flow owns at most one.
#[derive(Default)]
pub struct Rares {
    held: Vec<Rare>,
}

/// A flow without one.
pub const NO_RARE: u32 = u32::MAX;

impl Rares {
    #[inline]
    pub fn of(&mut self, slot: &mut u32) -> &mut Rare {
        if *slot == NO_RARE {
            *slot = self.held.len() as u32;
            self.held.push(Rare::default());
        }
        &mut self.held[*slot as usize]
    }

    /// Asks for one before it is needed.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        if let Some(rare) = self.held.get(slot as usize) {
            super::prefetch(&rare.delays[SRT]);
            super::prefetch(&rare.rtt_us);
        }
    }

    pub fn get(&self, slot: u32) -> Option<&Rare> {
        self.held.get(slot as usize)
    }

    /// Forgets all of them; every owner has given its own up before.
    pub fn clear(&mut self) {
        self.held.clear();
        self.held.shrink_to(1 << 16);
    }

    pub fn bytes(&self) -> usize {
        self.held.capacity() * size_of::<Rare>()
    }
}
