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

/// [`Traffic`] that is small: whoever adds to it looks whether it still fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Traffic32 {
    pub packet: [u32; 2],
    pub byte: [u32; 2],
    pub l3_byte: [u32; 2],
    pub l4_byte: [u32; 2],
}

impl Traffic32 {
    /// Adds a packet. Whether there is room for one more; what a frame says that claims to be of gigabytes is cut.
    #[inline]
    pub fn add(&mut self, packet: &crate::packet::Packet, way: usize) -> bool {
        self.packet[way] += packet.segments();
        self.byte[way] = self.byte[way].saturating_add(packet.frame_bytes);
        self.l3_byte[way] = self.l3_byte[way].saturating_add(packet.l3_bytes);
        self.l4_byte[way] = self.l4_byte[way].saturating_add(packet.l4_bytes);
        // A frame is longer than what is in it, and no packet is shorter than its headers.
        self.byte[way] <= u32::MAX / 2
    }

    /// The sum, where it fits.
    #[inline]
    pub fn sum(&self, other: &Traffic32) -> Option<Traffic32> {
        let mut is_full = false;
        let mut both = |mine: [u32; 2], theirs: [u32; 2]| {
            let sums = [mine[0].overflowing_add(theirs[0]), mine[1].overflowing_add(theirs[1])];
            is_full |= sums[0].1 | sums[1].1;
            [sums[0].0, sums[1].0]
        };
        let sum = Traffic32 {
            packet: both(self.packet, other.packet),
            byte: both(self.byte, other.byte),
            l3_byte: both(self.l3_byte, other.l3_byte),
            l4_byte: both(self.l4_byte, other.l4_byte),
        };
        (!is_full).then_some(sum)
    }

    #[inline]
    pub fn widen(&self) -> Traffic {
        Traffic {
            packet: self.packet.map(u64::from),
            byte: self.byte.map(u64::from),
            l3_byte: self.l3_byte.map(u64::from),
            l4_byte: self.l4_byte.map(u64::from),
        }
    }

    /// The other way round.
    pub fn turn(&mut self) {
        let Traffic32 {
            packet,
            byte,
            l3_byte,
            l4_byte,
        } = self;
        packet.swap(0, 1);
        byte.swap(0, 1);
        l3_byte.swap(0, 1);
        l4_byte.swap(0, 1);
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
            self.max = self.max.max(u32::try_from(us).unwrap_or(u32::MAX));
        }
    }

    #[inline]
    pub fn add_one(&mut self, us: u32) {
        self.sum += u64::from(us);
        self.count += 1;
        self.max = self.max.max(us);
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

/// What most packets do not change; [`super::rares`] keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
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
