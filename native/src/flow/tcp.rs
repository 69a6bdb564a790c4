//! What a TCP segment says about its connection. Times are taken where the packets were captured.
//!
//! * `rtt_server`: first SYN to each SYN-ACK; `rtt_client`: first SYN-ACK to each handshake ACK, of which there can be no more than
//!   SYN-ACKs (a later ACK with the same number is a window update or a keep-alive); `rtt`: first SYN to the last of them. None of
//!   them is taken once data flows: what comes then is a repeated packet of a handshake that was over.
//! * `srt`: last byte of a request to the pure ACK of it; `art`: the same to the first byte of the response.
//! * `cit`: handshake ACK, or last byte of a response, to the first byte of the next request.
//! * A segment below the highest sequence number seen is repeated, unless it fills a hole so soon that it must have been on its way
//!   already: then it is out of order. A repeated FIN is counted too, but no pure ACK: it cannot be told from a keep-alive. What
//!   offload joined counts as the packets that it becomes, as the sender's kernel counts them.

use super::history::letter;
use super::state::{Facts, State};
use super::{Beside, Flow, measure, wait};
use crate::packet::{Packet, flag};

const RTT_CAP_US: i64 = 30_000_000;
pub(super) const ART_CAP_US: i64 = 30_000_000;
const SRT_CAP_US: i64 = 10_000_000;
const CIT_CAP_US: i64 = 3_600_000_000;
/// A hole that is filled within this time was made by reordering, one filled later by loss. So was one filled in less than a round
/// trip: who sends something again has heard first that it is missing. How long a round trip takes is known from the handshake only,
/// which may have been slow, so half of it is allowed for; where it was repeated, it says nothing.
const REORDER_US: i64 = 3_000;

/// Besides the letters of `Direction::told`: a packet of the handshake was repeated.
const REOPENED: u16 = 1 << 15;

/// The longest time in which a hole is filled by what was on its way already.
fn reorder_us(flow: &Flow, beside: &mut Beside<'_>) -> i64 {
    let cold = beside.cold();
    match (cold.syn_us(), cold.synack_us()) {
        (Some(syn_us), Some(synack_us)) if (flow.directions[0].told | flow.directions[1].told) & REOPENED == 0 => {
            REORDER_US.max((synack_us - syn_us).clamp(0, 1_000_000) / 2)
        }
        _ => REORDER_US,
    }
}

/// Ranges of sequence numbers that were jumped over.
#[derive(Default)]
pub struct Holes {
    /// First number, number after the last, when it was found.
    ranges: [(u32, u32, i64); 8],
    used: usize,
}

impl Holes {
    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn add(&mut self, begin: u32, end: u32, now: i64) {
        if self.used == self.ranges.len() {
            self.ranges.rotate_left(1);
            self.used -= 1;
        }
        self.ranges[self.used] = (begin, end, now);
        self.used += 1;
    }

    /// Fills what `begin..end` covers; gives when the first hole that it touches was found.
    fn fill(&mut self, begin: u32, end: u32) -> Option<i64> {
        let at = self.ranges[..self.used]
            .iter()
            .position(|hole| before(begin, hole.1) && before(hole.0, end))?;
        let (first, last, found) = self.ranges[at];
        let (left, right) = (before(first, begin), before(end, last));
        match (left, right) {
            (true, true) => {
                self.ranges[at].1 = begin;
                self.add(end, last, found);
            }
            (true, false) => self.ranges[at].1 = begin,
            (false, true) => self.ranges[at].0 = end,
            (false, false) => {
                self.ranges[at..self.used].rotate_left(1);
                self.used -= 1;
            }
        }
        Some(found)
    }
}

/// Whether `left` comes before `right` on the circle of sequence numbers.
#[inline]
fn before(left: u32, right: u32) -> bool {
    (left.wrapping_sub(right) as i32) < 0
}

#[inline]
pub(super) fn segment(flow: &mut Flow, packet: &Packet, way: usize, beside: &mut Beside<'_>) {
    let flags = packet.tcp_flags;
    if flags & (flag::SYN | flag::FIN | flag::RST) != 0 {
        control(flow, packet, way, beside);
    } else {
        if flow.state != State::Established {
            advance(flow, packet, way);
        }
        if packet.l4_bytes == 0 {
            acknowledge(flow, packet, way, beside);
        }
        let is_ack = u16::from(flags & flag::ACK != 0) * letter::ACK;
        flow.tell(way, if packet.l4_bytes > 0 { letter::DATA } else { is_ack });
    }
    if packet.l4_bytes > 0 && flags & (flag::SYN | flag::RST) == 0 {
        data(flow, packet, way, beside);
    }
    if packet.window == 0 && flags & (flag::RST | flag::SYN) == 0 {
        flow.tell(way, letter::ZERO_WINDOW);
        beside.rares.count(&mut flow.rare, measure::ZERO_WINDOW + way, 1);
    }
    flow.directions[way].flags |= flags;
    flow.directions[way].spoke |= flags & flag::SYN == 0;
}

fn advance(flow: &mut Flow, packet: &Packet, way: usize) {
    let facts = Facts {
        from_client: way == 0,
        synacks: flow.synacks,
        server_spoke: flow.directions[1].spoke,
    };
    flow.state = flow.state.next(packet.tcp_flags, facts);
}

/// SYN, FIN, RST.
#[cold]
fn control(flow: &mut Flow, packet: &Packet, way: usize, beside: &mut Beside<'_>) {
    let flags = packet.tcp_flags;
    let now = packet.time_us;
    if flags & flag::RST != 0 && !matches!(flow.state, State::Reset) {
        flow.reset = flow.state.reset_by(way == 0);
    }
    advance(flow, packet, way);
    let (rare, rares) = (&mut flow.rare, &mut *beside.rares);
    let direction = &mut flow.directions[way];
    match flags & (flag::SYN | flag::ACK) {
        flag::SYN => {
            rares.count(rare, measure::SYN, 1);
            if direction.flags & flag::SYN != 0 {
                rares.count(rare, measure::RETRANS_SYN, 1);
                rares.count(rare, measure::RETRANS + way, 1);
                direction.told |= REOPENED;
            } else if way == 0 {
                beside.cold.get_mut(beside.slot).set_syn_us(now);
            }
            direction.begin(packet);
        }
        SYN_ACK => {
            rares.count(rare, measure::SYNACK, 1);
            let cold = beside.cold.get_mut(beside.slot);
            // Where both ends opened at once, each answers the other's SYN.
            if direction.told & letter::SYN_ACK != 0 {
                rares.count(rare, measure::RETRANS_SYNACK, 1);
                rares.count(rare, measure::RETRANS + way, 1);
                direction.told |= REOPENED;
            } else if flow.synacks == 0 {
                cold.set_synack_us(now);
            }
            flow.synacks = flow.synacks.saturating_add(1);
            direction.begin(packet);
            let client = &flow.directions[0];
            if let Some(syn_us) = cold.syn_us()
                && way == 1
                && client.data_us == 0
                && client.flags & flag::FIN == 0
            {
                rares.sample(rare, measure::RTT_SERVER, syn_us, now, RTT_CAP_US);
            }
        }
        _ => {}
    }
    if flags & flag::FIN != 0 {
        rares.count(rare, measure::FIN, 1);
        // A FIN takes one number; where it has data, `data` counts it.
        if packet.l4_bytes == 0 && flow.directions[way].is_synced {
            fin(flow, packet, way, beside);
        }
    }
    if flags & flag::RST != 0 {
        flow.waits &= wait::FIRST_REQUEST;
    }
    flow.tell(way, letters(packet));
}

/// A FIN without data.
fn fin(flow: &mut Flow, packet: &Packet, way: usize, beside: &mut Beside<'_>) {
    let direction = &mut flow.directions[way];
    let (next, end) = (direction.next_seq, packet.seq.wrapping_add(1));
    if before(next, end) {
        if packet.seq != next {
            flow.holes.get_or_insert_default()[way].add(next, packet.seq, packet.time_us);
        }
        direction.next_seq = end;
    } else if end == next && direction.flags & flag::FIN != 0 {
        beside.rares.count(&mut flow.rare, measure::RETRANS + way, 1);
    }
}

/// What a packet with SYN, FIN or RST is called.
fn letters(packet: &Packet) -> u16 {
    let data = if packet.l4_bytes > 0 { letter::DATA } else { 0 };
    match packet.tcp_flags & (flag::SYN | flag::FIN | flag::RST) {
        flag::SYN if packet.tcp_flags & flag::ACK != 0 => letter::SYN_ACK,
        flag::SYN => letter::SYN,
        flag::FIN => letter::FIN | data,
        flag::RST => letter::RST,
        FIN_RST => letter::INCONSISTENT,
        _ => letter::MULTI_FLAG,
    }
}

const FIN_RST: u8 = flag::FIN | flag::RST;
const SYN_ACK: u8 = flag::SYN | flag::ACK;

impl super::Direction {
    /// Notes where the sequence begins. A repeated SYN may come after data, and a SYN may bring data (RFC 7413).
    fn begin(&mut self, packet: &Packet) {
        if self.first_seq == 0 {
            self.first_seq = packet.seq;
        }
        if !self.is_synced || self.data_us == 0 {
            self.next_seq = packet.seq.wrapping_add(1).wrapping_add(packet.l4_bytes);
            self.is_synced = true;
        }
    }
}

/// A segment without data.
#[inline]
fn acknowledge(flow: &mut Flow, packet: &Packet, way: usize, beside: &mut Beside<'_>) {
    if way == 0 {
        if flow.handshake_acks < flow.synacks && flow.directions[0].data_us == 0 {
            handshake_ack(flow, packet, beside);
        }
        if flow.waits & wait::CLIENT_ACK != 0 && packet.ack == flow.directions[1].next_seq {
            flow.waits &= !wait::CLIENT_ACK;
        }
    } else if flow.waits & wait::ACK != 0 && packet.ack == flow.directions[0].next_seq {
        flow.waits &= !wait::ACK;
        let asked_us = flow.directions[0].data_us;
        beside
            .rares
            .sample(&mut flow.rare, measure::SRT, asked_us, packet.time_us, SRT_CAP_US);
    }
}

#[cold]
fn handshake_ack(flow: &mut Flow, packet: &Packet, beside: &mut Beside<'_>) {
    if packet.ack != flow.directions[1].first_seq.wrapping_add(1) || flow.directions[1].data_us != 0 {
        return;
    }
    flow.handshake_acks += 1;
    flow.waits |= wait::FIRST_REQUEST;
    let (now, cold) = (packet.time_us, beside.cold.get_mut(beside.slot));
    cold.set_ack_us(now);
    let Some(synack_us) = cold.synack_us() else { return };
    beside.rares.sample(&mut flow.rare, measure::RTT_CLIENT, synack_us, now, RTT_CAP_US);
    if let Some(syn_us) = cold.syn_us()
        && syn_us <= synack_us
        && (0..=RTT_CAP_US).contains(&(now - syn_us))
    {
        beside.rares.set_rtt(&mut flow.rare, (now - syn_us) as u32);
    }
}

/// A segment with data.
#[inline]
fn data(flow: &mut Flow, packet: &Packet, way: usize, beside: &mut Beside<'_>) {
    let now = packet.time_us;
    let end = packet
        .seq
        .wrapping_add(packet.l4_bytes)
        .wrapping_add(u32::from(packet.tcp_flags & flag::FIN));
    let direction = &mut flow.directions[way];
    if direction.is_synced && packet.seq != direction.next_seq {
        if before(packet.seq, direction.next_seq) {
            if !old_data(flow, packet, way, end, beside) {
                return;
            }
        } else {
            let begin = direction.next_seq;
            flow.holes.get_or_insert_default()[way].add(begin, packet.seq, now);
        }
    }
    let direction = &mut flow.directions[way];
    direction.is_synced = true;
    direction.next_seq = end;
    if way == 0 {
        if flow.waits & wait::FIRST_REQUEST != 0 {
            if let Some(opened_us) = beside.cold().ack_us() {
                beside.rares.sample(&mut flow.rare, measure::CIT, opened_us, now, CIT_CAP_US);
            }
        } else if flow.waits & wait::REQUEST != 0 {
            let answered_us = flow.directions[1].data_us;
            beside.rares.sample(&mut flow.rare, measure::CIT, answered_us, now, CIT_CAP_US);
        }
        flow.waits = wait::ACK | wait::RESPONSE;
    } else {
        if flow.waits & wait::RESPONSE != 0 {
            let asked_us = flow.directions[0].data_us;
            beside.rares.sample(&mut flow.rare, measure::ART, asked_us, now, ART_CAP_US);
        }
        flow.waits = wait::REQUEST | wait::CLIENT_ACK | flow.waits & wait::FIRST_REQUEST;
    }
    flow.directions[way].data_us = now;
}

/// A segment that begins below what was seen. Whether it also has something new.
#[cold]
fn old_data(flow: &mut Flow, packet: &Packet, way: usize, end: u32, beside: &mut Beside<'_>) -> bool {
    let is_acknowledged = flow.waits & [wait::ACK, wait::CLIENT_ACK][way] == 0;
    let direction = &flow.directions[way];
    // The last byte once more, though the other end has it: a keep-alive probe, which asks for an ACK and carries nothing.
    if packet.l4_bytes <= 1 && packet.seq.wrapping_add(1) == direction.next_seq && is_acknowledged {
        return false;
    }
    let found = flow.holes.as_mut().and_then(|holes| holes[way].fill(packet.seq, end));
    let event = match found {
        Some(found) if packet.time_us - found <= reorder_us(flow, beside) => measure::OUT_OF_ORDER,
        _ => measure::RETRANS,
    };
    if flow.holes.as_ref().is_some_and(|holes| holes.iter().all(Holes::is_empty)) {
        flow.holes = None;
    }
    let next = flow.directions[way].next_seq;
    let is_new = before(next, end);
    if event == measure::RETRANS {
        flow.tell(way, letter::REPEATED);
    }
    let old_bytes = next.wrapping_sub(packet.seq).min(packet.l4_bytes);
    beside.rares.count(&mut flow.rare, event + way, packet.segments_of(old_bytes));
    is_new
}
