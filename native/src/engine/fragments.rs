//! Ports of fragmented datagrams: only the first fragment has them.

use crate::flow::key::Seed;
use crate::packet::{Fragment, Ip, Packet};

/// `ip_id` of a later fragment whose first one is not known.
pub const ORPHAN: u32 = u32::MAX;

const KEPT: usize = 1024;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Datagram {
    src: Ip,
    dst: Ip,
    id: u32,
    protocol: u8,
}

/// Datagrams begun lately, direct-mapped: a newer one takes an older one's place.
pub struct Fragments {
    kept: Vec<(Datagram, u16, u16)>,
    seed: Seed,
}

impl Default for Fragments {
    fn default() -> Self {
        Fragments {
            kept: vec![Default::default(); KEPT],
            seed: Seed::default(),
        }
    }
}

impl Fragments {
    /// Remembers the ports of a first fragment, and gives them to later ones.
    #[cold]
    pub fn resolve(&mut self, packet: &mut Packet) {
        let datagram = Datagram {
            src: packet.src,
            dst: packet.dst,
            id: packet.ip_id,
            protocol: packet.protocol,
        };
        let words = [
            packet.src[0] ^ packet.src[1],
            packet.dst[0] ^ packet.dst[1],
            u64::from(packet.ip_id) << 8 | u64::from(packet.protocol),
        ];
        let kept = &mut self.kept[self.seed.hash_words(words) as usize % KEPT];
        match packet.fragment {
            Fragment::First => *kept = (datagram, packet.src_port, packet.dst_port),
            Fragment::Later if kept.0 == datagram => (packet.src_port, packet.dst_port) = (kept.1, kept.2),
            Fragment::Later => packet.ip_id = ORPHAN,
            Fragment::Whole => {}
        }
    }
}
