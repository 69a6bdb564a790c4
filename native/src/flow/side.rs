//! Which end of a flow is the client. A SYN or SYN-ACK says so; else the ports and what was seen before have to.

use super::key::Seed;
use crate::packet::{ICMP, ICMP6, Ip, Packet, TCP, flag};

/// Servers seen lately, direct-mapped: a newer one takes an older one's place.
#[derive(Clone)]
pub struct Servers {
    tags: Vec<u32>,
    seed: Seed,
}

const SERVERS: usize = 4096;

impl Default for Servers {
    fn default() -> Self {
        Servers {
            tags: vec![0; SERVERS],
            seed: Seed::default(),
        }
    }
}

impl Servers {
    fn place(&self, ip: Ip, port: u16, protocol: u8) -> (usize, u32) {
        let hash = self.seed.hash_words([ip[0], ip[1], u64::from(port) << 8 | u64::from(protocol)]);
        (hash as usize % SERVERS, (hash >> 32) as u32 | 1)
    }

    pub fn learn(&mut self, ip: Ip, port: u16, protocol: u8) {
        let (at, tag) = self.place(ip, port, protocol);
        self.tags[at] = tag;
    }

    fn knows(&self, ip: Ip, port: u16, protocol: u8) -> bool {
        let (at, tag) = self.place(ip, port, protocol);
        self.tags[at] == tag
    }
}

/// First port that Linux gives to clients by itself.
const EPHEMERAL: u16 = 32_768;

/// UDP ports that answer. The first datagram seen from one of them is an answer whose question was missed; the first from any other
/// is a question.
const ANSWERING: [u16; 16] = [53, 67, 69, 88, 111, 123, 137, 161, 389, 443, 500, 853, 1812, 3478, 4500, 5060];

/// Whether the source of a flow's first packet is its client, and how sure that is (255 is certain).
pub fn source_is_client(packet: &Packet, icmp_type: u8, servers: &mut Servers) -> (bool, u8) {
    if packet.protocol == TCP {
        match packet.tcp_flags & (flag::SYN | flag::ACK) {
            flag::SYN => return (true, 255),
            bits if bits & flag::SYN != 0 => {
                servers.learn(packet.src, packet.src_port, TCP);
                return (false, 255);
            }
            _ => {}
        }
    }
    if packet.protocol == ICMP || packet.protocol == ICMP6 {
        // An echo reply whose request was not seen.
        let is_reply = icmp_type == if packet.protocol == ICMP { 0 } else { 129 };
        return (!is_reply, 255);
    }
    let known = (
        servers.knows(packet.src, packet.src_port, packet.protocol),
        servers.knows(packet.dst, packet.dst_port, packet.protocol),
    );
    let (src, dst) = (packet.src_port, packet.dst_port);
    match known {
        (false, true) => (true, 200),
        (true, false) => (false, 200),
        _ if packet.protocol != TCP => match (ANSWERING.contains(&src), ANSWERING.contains(&dst)) {
            (true, false) => (false, 128),
            (false, true) => (true, 128),
            _ => (true, 64),
        },
        _ if (src < 1024) != (dst < 1024) => (dst < 1024, 128),
        _ if (src < EPHEMERAL) != (dst < EPHEMERAL) => (dst < EPHEMERAL, 96),
        _ if src == dst => (true, 64),
        _ => (dst < src, 32),
    }
}
