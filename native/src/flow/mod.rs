//! Flows: what is kept of each, how its packets change it, when it ends.

pub mod attention;
pub mod cold;
pub mod history;
pub mod index;
pub mod key;
pub mod measure;
pub mod rares;
pub mod side;
pub mod slab;
pub mod state;
pub mod stream;
mod tcp;
pub mod timer;
mod udp;

use crate::custom::Remote;
use crate::l7::FlowL7;
use crate::packet::{Packet, TCP};
use attention::Attention;
pub use cold::{Cold, Outside};
use history::History;
use key::Key;
use measure::Traffic32;
use rares::{Number, Rares};
use slab::Slab;
use state::State;
use stream::Stream;

/// No interface seen yet in this direction.
pub const NO_NIC: u16 = u16::MAX;

/// One direction of a flow.
#[repr(C)]
pub struct Direction {
    /// Before any time where nothing was seen.
    pub last_us: i64,
    /// Last packet with new payload.
    pub data_us: i64,
    /// The sequence number after the highest seen.
    pub next_seq: u32,
    /// Sequence number of the SYN or SYN-ACK.
    pub first_seq: u32,
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

impl Default for Direction {
    fn default() -> Self {
        Direction {
            last_us: i64::MIN,
            data_us: 0,
            next_seq: 0,
            first_seq: 0,
            nic: NO_NIC,
            told: 0,
            flags: 0,
            is_synced: false,
            seen: false,
            spoke: false,
        }
    }
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
    /// The first request, whoever speaks first: `Cold::opening` has the handshake's last ACK.
    pub const FIRST_REQUEST: u8 = 16;
}

/// The part of a flow that each packet touches: three cache lines, the one that most need comes first.
#[repr(C, align(64))]
pub struct Flow {
    pub key: Key,
    /// The second it is looked at next.
    pub timer_at: u32,
    pub pair: u32,
    pub state: State,
    /// The client is the lower end of the key.
    pub client_is_low: bool,
    /// It is in the list of those that were active in this second.
    pub is_dirty: bool,
    pub waits: u8,
    pub attention: Attention,
    /// A bit for each direction: payload passed that was not read.
    pub unread: u8,
    /// Its first row is still to be written.
    pub is_new: bool,
    pub synacks: u8,
    pub app: Option<Box<App>>,
    /// Traffic since the second began.
    pub delta: Traffic32,
    pub directions: [Direction; 2],
    pub start_us: i64,
    pub history: History,
    /// Missing ranges below `next_seq` of each direction.
    pub holes: Option<Box<[tcp::Holes; 2]>>,
    /// Its rare measures of this second.
    pub rare: Number,
    pub handshake_acks: u8,
    /// `close_type` of the reset that ended it.
    pub reset: u8,
    pub direction_score: u8,
}

/// The application side of a flow that has payload.
pub struct App {
    pub l7: FlowL7,
    /// The flow was turned round since: what is the client now was the server when `l7` was made.
    pub is_turned: bool,
    pub streams: [Stream; 2],
    /// The process that reads this flow, where it is not `l7`.
    pub remote: Option<Box<Remote>>,
    /// The last process that it was offered to.
    pub offered: Option<u16>,
    /// When the client began to negotiate TLS, until data flows.
    pub tls_hello_us: i64,
}

impl Default for Flow {
    fn default() -> Self {
        Flow {
            key: Key::NONE,
            rare: Number::default(),
            timer_at: 0,
            pair: 0,
            state: State::Raw,
            client_is_low: false,
            is_dirty: false,
            waits: 0,
            app: None,
            delta: Traffic32::default(),
            directions: Default::default(),
            start_us: 0,
            history: History::default(),
            holes: None,
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

/// What is kept beside the flow that a packet belongs to.
pub struct Beside<'a> {
    pub rares: &'a mut Rares,
    pub cold: &'a mut Slab<Cold>,
    pub slot: u32,
}

impl Beside<'_> {
    /// Asked for by few packets, and not in the cache.
    fn cold(&mut self) -> &mut Cold {
        self.cold.get_mut(self.slot)
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
        if self.key.protocol() != TCP {
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
        if self.key.protocol() == TCP {
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

    /// The last packet of either end.
    #[inline]
    pub fn last_us(&self) -> i64 {
        self.directions[0].last_us.max(self.directions[1].last_us)
    }

    /// Counts a packet and takes its measures. Whether `delta` has room for one more.
    #[inline]
    pub fn update(&mut self, packet: &Packet, way: usize, beside: &mut Beside<'_>) -> bool {
        let has_room = self.delta.add(packet, way);
        if packet.protocol == TCP {
            tcp::segment(self, packet, way, beside);
        } else {
            udp::datagram(self, packet, way, beside.rares);
        }
        let direction = &mut self.directions[way];
        direction.seen = true;
        // Files are not always in order, and a time that is only a little too early is not worth more.
        direction.last_us = direction.last_us.max(packet.time_us);
        self.start_us = self.start_us.min(packet.time_us);
        has_room
    }

    /// Whether bytes are missing in this direction.
    #[inline]
    pub fn has_holes(&self, way: usize) -> bool {
        self.holes.as_ref().is_some_and(|holes| !holes[way].is_empty())
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
        if let Some(holes) = &mut self.holes {
            holes.swap(0, 1);
        }
        self.unread = self.unread >> 1 | (self.unread & 1) << 1;
        self.waits &= wait::FIRST_REQUEST;
        self.direction_score = 200;
        self.history.turn();
        self.delta.turn();
    }

    pub fn client(&self) -> (crate::packet::Ip, u16) {
        if self.client_is_low {
            (self.key.low, self.key.low_port())
        } else {
            (self.key.high, self.key.high_port())
        }
    }

    pub fn server(&self) -> (crate::packet::Ip, u16) {
        if self.client_is_low {
            (self.key.high, self.key.high_port())
        } else {
            (self.key.low, self.key.low_port())
        }
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

/// The same for all of a value that takes several.
#[inline]
pub fn prefetch_all<T>(value: &T) {
    const LINE: usize = 64;
    let lines = std::ptr::from_ref(value).cast::<[u8; LINE]>();
    #[cfg(target_arch = "x86_64")]
    for line in 0..size_of::<T>().div_ceil(LINE) {
        // SAFETY: as above.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(lines.wrapping_add(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lines;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_flow_is_small() {
        assert_eq!((size_of::<Flow>(), size_of::<Cold>()), (192, 112));
    }

    #[test]
    fn what_reads_payload_is_small() {
        assert!(size_of::<App>() <= 344, "{}", size_of::<App>());
    }
}
