//! Flows: what is kept of each, how its packets change it, when it ends.

pub mod attention;
pub mod history;
pub mod key;
pub mod measure;
pub mod side;
pub mod slab;
pub mod state;
pub mod stream;
mod tcp;
pub mod timer;
mod udp;

use crate::custom::Remote;
use crate::l7::FlowL7;
use crate::packet::{Ip, Packet, TCP, Trouble, Tunnel, tunnel};
use attention::Attention;
use history::History;
use key::Key;
use measure::{NO_RARE, Rare, Rares, Traffic};
use state::State;
use stream::Stream;

/// No interface seen yet in this direction.
pub const NO_NIC: u16 = u16::MAX;

/// One direction of a flow.
#[derive(Default)]
#[repr(C)]
pub struct Direction {
    pub last_us: i64,
    /// Last packet with new payload.
    pub data_us: i64,
    /// The sequence number after the highest seen.
    pub next_seq: u32,
    /// Sequence number of the SYN or SYN-ACK.
    pub first_seq: u32,
    /// Missing ranges below `next_seq`.
    pub holes: Option<Box<tcp::Holes>>,
    /// Interface on which this direction is counted.
    pub nic: u16,
    /// What it did so far, as letters of `history`.
    pub told: u16,
    /// Every TCP flag seen, or-ed.
    pub flags: u8,
    pub is_synced: bool,
    pub seen: bool,
    /// Sent something other than a SYN or SYN-ACK.
    pub spoke: bool,
}

/// Something that a flow waits for, as bits of `Flow::waits`.
mod wait {
    /// The server's acknowledgement of the last request.
    pub const ACK: u8 = 1;
    /// The first byte of a response.
    pub const RESPONSE: u8 = 2;
    /// The next request after a response.
    pub const REQUEST: u8 = 4;
    /// The client's acknowledgement of the last response.
    pub const CLIENT_ACK: u8 = 8;
}

/// The part of a flow that each packet touches; ordered by how often.
#[repr(C, align(64))]
pub struct Flow {
    pub key: Key,
    pub last_us: i64,
    /// Its [`Rare`] of this second.
    pub rare: u32,
    /// The second it is looked at next.
    pub timer_at: u32,
    pub pair: u32,
    pub state: State,
    /// The client is the lower end of the key.
    pub client_is_low: bool,
    /// It is in the list of those that were active in this second.
    pub is_dirty: bool,
    pub waits: u8,
    /// Traffic since the second began.
    pub delta: Traffic32,
    pub directions: [Direction; 2],
    pub start_us: i64,
    pub syn_us: i64,
    pub synack_us: i64,
    /// The last handshake ACK, until the first request.
    pub handshake_us: i64,
    pub history: History,
    pub app: Option<Box<App>>,
    pub synacks: u8,
    pub handshake_acks: u8,
    /// `close_type` of the reset that ended it.
    pub reset: u8,
    pub direction_score: u8,
    /// Its first row is still to be written.
    pub is_new: bool,
    pub attention: Attention,
    /// A bit for each direction: payload passed that was not read.
    pub unread: u8,
}

/// [`Traffic`] of less than a second.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Traffic32 {
    pub packet: [u32; 2],
    pub byte: [u64; 2],
    pub l3_byte: [u64; 2],
    pub l4_byte: [u64; 2],
}

impl Traffic32 {
    pub fn widen(&self) -> Traffic {
        Traffic {
            packet: self.packet.map(u64::from),
            byte: self.byte,
            l3_byte: self.l3_byte,
            l4_byte: self.l4_byte,
        }
    }
}

/// The part of a flow that is touched when it is reported.
#[derive(Default)]
pub struct Cold {
    /// Since the last row.
    pub traffic: Traffic,
    pub rare: Option<Box<Rare>>,
    /// Up to the last row.
    pub total_packet: [u64; 2],
    pub total_byte: [u64; 2],
    pub id: u64,
    pub macs: [u64; 2],
    /// When this flow was bound to the interfaces it is counted on, in ms that begin anew after 49 days.
    pub bound_ms: u32,
    pub tls_rtt_us: u32,
    pub vlan: u16,
    pub vlan_inner: u16,
    pub tunnel: Option<Box<Outside>>,
    /// Since the last row.
    pub troubles: Option<Box<Troubles>>,
    pub l7: L7Counts,
    pub l7_protocol: u8,
    pub processes: [u32; 2],
}

impl Cold {
    /// What rows of requests tell of a flow that is over.
    pub fn told(&self) -> Cold {
        Cold {
            id: self.id,
            vlan: self.vlan,
            vlan_inner: self.vlan_inner,
            tunnel: self.tunnel.as_deref().copied().map(Box::new),
            processes: self.processes,
            ..Cold::default()
        }
    }
}

/// The tunnel that a flow was seen in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside {
    pub tunnels: [Tunnel; tunnel::DEPTH],
    /// Addresses of the tunnel's ends, the client's side first; none where it is not IP.
    pub ends: Option<([Ip; 2], bool)>,
}

/// ICMP errors about packets of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    pub unreachable: u32,
    pub time_exceeded: u32,
    pub too_big: u32,
    /// The smallest size told by those, 0 for none.
    pub mtu: u32,
    pub other: u32,
    /// Code of the last unreachable one.
    pub code: u8,
}

impl Troubles {
    pub fn add(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Unreachable(code) => {
                self.unreachable += 1;
                self.code = code;
            }
            Trouble::TimeExceeded => self.time_exceeded += 1,
            Trouble::TooBig(mtu) => {
                self.too_big += 1;
                self.mtu = match (self.mtu, mtu) {
                    (0, told) | (told, 0) => told,
                    (before, told) => before.min(told),
                };
            }
            Trouble::Other => self.other += 1,
        }
    }
}

/// Application messages since the last row.
#[derive(Clone, Copy, Default)]
pub struct L7Counts {
    pub request: u32,
    pub response: u32,
    pub parse_failed: u32,
    pub client_error: u32,
    pub server_error: u32,
    pub timeout: u32,
}

/// The application side of a flow that has payload.
pub struct App {
    pub l7: FlowL7,
    /// The flow was turned round since: what is the client now was the server when `l7` was made.
    pub is_turned: bool,
    pub streams: [Stream; 2],
    /// The process that reads this flow, where it is not `l7`.
    pub remote: Option<Remote>,
    /// The last process that it was offered to.
    pub offered: Option<u16>,
    /// When the client began to negotiate TLS, until data flows.
    pub tls_hello_us: i64,
}

impl Default for Flow {
    fn default() -> Self {
        Flow {
            key: Key::NONE,
            last_us: 0,
            rare: NO_RARE,
            timer_at: 0,
            pair: 0,
            state: State::Raw,
            client_is_low: false,
            is_dirty: false,
            waits: 0,
            delta: Traffic32::default(),
            directions: [
                Direction {
                    nic: NO_NIC,
                    ..Direction::default()
                },
                Direction {
                    nic: NO_NIC,
                    ..Direction::default()
                },
            ],
            start_us: 0,
            syn_us: 0,
            synack_us: 0,
            handshake_us: 0,
            history: History::default(),
            app: None,
            synacks: 0,
            handshake_acks: 0,
            reset: 0,
            direction_score: 0,
            is_new: true,
            attention: Attention::default(),
            unread: 0,
        }
    }
}

/// After how many seconds of silence a flow is over.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub established_s: u32,
    pub opening_s: u32,
    pub closing_s: u32,
    /// Packets went one way only.
    pub one_way_s: u32,
    pub reset_s: u32,
    pub opening_reset_s: u32,
    pub closed_s: u32,
    /// What is not TCP and went both ways.
    pub datagram_s: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            established_s: 300,
            opening_s: 5,
            closing_s: 5,
            one_way_s: 5,
            reset_s: 35,
            opening_reset_s: 1,
            closed_s: 2,
            datagram_s: 60,
        }
    }
}

impl Flow {
    /// Whether its place is taken: what is over has the key that no packet has.
    #[inline]
    pub fn is_alive(&self) -> bool {
        self.key != Key::NONE
    }

    /// Seconds of silence after which this flow, as it stands, is over.
    pub fn timeout_s(&self, timeouts: &Timeouts) -> u32 {
        let one_way = !(self.directions[0].seen && self.directions[1].seen);
        if self.key.protocol != TCP {
            return if one_way { timeouts.one_way_s } else { timeouts.datagram_s };
        }
        match self.state {
            State::Raw | State::Opening | State::Answered | State::Stranger => timeouts.opening_s,
            State::Established | State::Queueing if one_way => timeouts.one_way_s,
            State::Established | State::Queueing => timeouts.established_s,
            State::ClientFin | State::ServerFin => timeouts.closing_s,
            State::BothFin | State::Closed => timeouts.closed_s,
            State::Reset if matches!(self.reset, state::close::SERVER_DIRECT_RST | state::close::CLIENT_ESTABLISH_RST) => {
                timeouts.opening_reset_s
            }
            State::Reset => timeouts.reset_s,
        }
    }

    /// Whether silence ends this flow only when whoever asked gives up: a request waits, and its answer may still come. The answer
    /// is looked for in every direction that is open, seen or not: a slow server is silent, and so is a path that is not captured.
    pub fn awaits_response(&self) -> bool {
        let may_answer = !matches!(self.state, State::BothFin | State::Closed | State::Reset);
        may_answer && self.app.as_ref().is_some_and(|app| app.l7.awaits())
    }

    /// What rows tell of a flow that is over.
    pub fn told(&self) -> Flow {
        let direction = |way: usize| Direction {
            flags: self.directions[way].flags,
            first_seq: self.directions[way].first_seq,
            ..Direction::default()
        };
        Flow {
            key: self.key,
            pair: self.pair,
            client_is_low: self.client_is_low,
            start_us: self.start_us,
            history: self.history,
            direction_score: self.direction_score,
            directions: [direction(0), direction(1)],
            ..Flow::default()
        }
    }

    /// `close_type` of a flow that was silent for that long.
    pub fn close_type(&self) -> u8 {
        if self.key.protocol == TCP {
            self.state.silent(self.reset)
        } else {
            state::close::TIMEOUT
        }
    }

    /// 0 where `forward` (the source is the lower end) means client to server, else 1.
    #[inline]
    pub fn way(&self, forward: bool) -> usize {
        usize::from(forward != self.client_is_low)
    }

    /// Counts a packet and takes its measures.
    #[inline]
    pub fn update(&mut self, packet: &Packet, way: usize, rares: &mut Rares) {
        self.delta.packet[way] += packet.segments();
        self.delta.byte[way] += u64::from(packet.frame_bytes);
        self.delta.l3_byte[way] += u64::from(packet.l3_bytes);
        self.delta.l4_byte[way] += u64::from(packet.l4_bytes);
        if self.key.protocol == TCP {
            tcp::segment(self, packet, way, rares);
        } else {
            udp::datagram(self, packet, way, rares);
        }
        let direction = &mut self.directions[way];
        direction.seen = true;
        // Files are not always in order, and a time that is only a little too early is not worth more.
        direction.last_us = direction.last_us.max(packet.time_us);
        self.last_us = self.last_us.max(packet.time_us);
        self.start_us = self.start_us.min(packet.time_us);
    }

    /// Notes in the history what this end does, where it is for the first time.
    #[inline]
    pub fn tell(&mut self, way: usize, letters: u16) {
        if letters & !self.directions[way].told != 0 {
            self.tell_first(way, letters);
        }
    }

    #[cold]
    fn tell_first(&mut self, way: usize, letters: u16) {
        let told = &mut self.directions[way].told;
        let fresh = letters & !*told;
        *told |= fresh;
        self.history.tell(way, fresh);
    }

    /// The client turned out to be the server.
    pub fn turn(&mut self) {
        self.client_is_low = !self.client_is_low;
        self.directions.swap(0, 1);
        self.unread = self.unread >> 1 | (self.unread & 1) << 1;
        self.waits = 0;
        self.direction_score = 200;
        self.history.turn();
        let Traffic32 {
            packet,
            byte,
            l3_byte,
            l4_byte,
        } = &mut self.delta;
        packet.swap(0, 1);
        byte.swap(0, 1);
        l3_byte.swap(0, 1);
        l4_byte.swap(0, 1);
    }

    pub fn client(&self) -> (crate::packet::Ip, u16) {
        if self.client_is_low {
            (self.key.low, self.key.low_port)
        } else {
            (self.key.high, self.key.high_port)
        }
    }

    pub fn server(&self) -> (crate::packet::Ip, u16) {
        if self.client_is_low {
            (self.key.high, self.key.high_port)
        } else {
            (self.key.low, self.key.low_port)
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let holes = self.directions.iter().filter(|way| way.holes.is_some()).count() * size_of::<tcp::Holes>();
        let app = self.app.as_ref().map_or(0, |app| {
            size_of::<App>() + app.l7.heap_bytes() + app.streams.iter().map(Stream::heap_bytes).sum::<usize>()
        });
        holes + app
    }
}

/// Asks for the cache line of `value` before it is needed.
#[inline]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults and changes nothing but the cache; SSE, which it needs, is part of every x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_flow_is_small() {
        assert!(
            size_of::<Flow>() + size_of::<Cold>() <= 448,
            "{} + {}",
            size_of::<Flow>(),
            size_of::<Cold>()
        );
    }
}
