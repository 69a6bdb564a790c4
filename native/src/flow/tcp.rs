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
use super::{Flow, measure, measure::Rares, wait};
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
fn reorder_us(flow: &Flow) -> i64 {
    if (flow.directions[0].told | flow.directions[1].told) & REOPENED != 0 {
        return REORDER_US;
    }
    REORDER_US.max((flow.synack_us - flow.syn_us).clamp(0, 1_000_000) / 2)
}

/// Ranges of sequence numbers that were jumped over.
#[derive(Default)]
pub struct Holes {
    /// First number, number after the last, when it was found.
    ranges: [(u32, u32, i64); 8],
    used: usize,
}

impl Holes {
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
pub(super) fn segment(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    let flags = packet.tcp_flags;
    if flags & (flag::SYN | flag::FIN | flag::RST) != 0 {
        control(flow, packet, way, rares);
    } else {
        if flow.state != State::Established {
            advance(flow, packet, way);
        }
        if packet.l4_bytes == 0 {
            acknowledge(flow, packet, way, rares);
        }
        let is_ack = u16::from(flags & flag::ACK != 0) * letter::ACK;
        flow.tell(way, if packet.l4_bytes > 0 { letter::DATA } else { is_ack });
    }
    if packet.l4_bytes > 0 && flags & (flag::SYN | flag::RST) == 0 {
        data(flow, packet, way, rares);
    }
    if packet.window == 0 && flags & (flag::RST | flag::SYN) == 0 {
        flow.tell(way, letter::ZERO_WINDOW);
        rares.of(&mut flow.rare).tcp[measure::ZERO_WINDOW + way] += 1;
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
fn control(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    let flags = packet.tcp_flags;
    let now = packet.time_us;
    if flags & flag::RST != 0 && !matches!(flow.state, State::Reset) {
        flow.reset = flow.state.reset_by(way == 0);
    }
    advance(flow, packet, way);
    let rare = rares.of(&mut flow.rare);
    let direction = &mut flow.directions[way];
    match flags & (flag::SYN | flag::ACK) {
        flag::SYN => {
            rare.tcp[measure::SYN] += 1;
            if direction.flags & flag::SYN != 0 {
                rare.tcp[measure::RETRANS_SYN] += 1;
                rare.tcp[measure::RETRANS + way] += 1;
                direction.told |= REOPENED;
            } else if way == 0 {
                flow.syn_us = now;
            }
            direction.begin(packet);
        }
        SYN_ACK => {
            rare.tcp[measure::SYNACK] += 1;
            // Where both ends opened at once, each answers the other's SYN.
            if direction.told & letter::SYN_ACK != 0 {
                rare.tcp[measure::RETRANS_SYNACK] += 1;
                rare.tcp[measure::RETRANS + way] += 1;
                direction.told |= REOPENED;
            } else if flow.synacks == 0 {
                flow.synack_us = now;
            }
            flow.synacks = flow.synacks.saturating_add(1);
            direction.begin(packet);
            let client = &flow.directions[0];
            if way == 1 && flow.syn_us != 0 && client.data_us == 0 && client.flags & flag::FIN == 0 {
                rare.delays[measure::RTT_SERVER].sample(flow.syn_us, now, RTT_CAP_US);
            }
        }
        _ => {}
    }
    if flags & flag::FIN != 0 {
        rare.tcp[measure::FIN] += 1;
        // A FIN takes one number; where it has data, `data` counts it.
        if packet.l4_bytes == 0 && flow.directions[way].is_synced {
            fin(flow, packet, way, rares);
        }
    }
    if flags & flag::RST != 0 {
        flow.waits = 0;
    }
    flow.tell(way, letters(packet));
}

/// A FIN without data.
fn fin(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    let direction = &mut flow.directions[way];
    let (next, end) = (direction.next_seq, packet.seq.wrapping_add(1));
    if before(next, end) {
        if packet.seq != next {
            direction.holes.get_or_insert_default().add(next, packet.seq, packet.time_us);
        }
        direction.next_seq = end;
    } else if end == next && direction.flags & flag::FIN != 0 {
        rares.of(&mut flow.rare).tcp[measure::RETRANS + way] += 1;
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
    /// Notes where the sequence begins. A repeated SYN may come after data.
    fn begin(&mut self, packet: &Packet) {
        if self.first_seq == 0 {
            self.first_seq = packet.seq;
        }
        if !self.is_synced || self.data_us == 0 {
            self.next_seq = packet.seq.wrapping_add(1);
            self.is_synced = true;
        }
    }
}

/// A segment without data.
#[inline]
fn acknowledge(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    if way == 0 {
        if flow.handshake_acks < flow.synacks && flow.directions[0].data_us == 0 {
            handshake_ack(flow, packet, rares);
        }
        if flow.waits & wait::CLIENT_ACK != 0 && packet.ack == flow.directions[1].next_seq {
            flow.waits &= !wait::CLIENT_ACK;
        }
    } else if flow.waits & wait::ACK != 0 && packet.ack == flow.directions[0].next_seq {
        flow.waits &= !wait::ACK;
        rares.of(&mut flow.rare).delays[measure::SRT].sample(flow.directions[0].data_us, packet.time_us, SRT_CAP_US);
    }
}

#[cold]
fn handshake_ack(flow: &mut Flow, packet: &Packet, rares: &mut Rares) {
    if packet.ack != flow.directions[1].first_seq.wrapping_add(1) || flow.directions[1].data_us != 0 {
        return;
    }
    flow.handshake_acks += 1;
    flow.handshake_us = packet.time_us;
    let rare = rares.of(&mut flow.rare);
    rare.delays[measure::RTT_CLIENT].sample(flow.synack_us, packet.time_us, RTT_CAP_US);
    if flow.syn_us != 0 && flow.syn_us <= flow.synack_us && (0..=RTT_CAP_US).contains(&(packet.time_us - flow.syn_us)) {
        rare.rtt_us = (packet.time_us - flow.syn_us) as u32;
    }
}

/// A segment with data.
#[inline]
fn data(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    let now = packet.time_us;
    let end = packet
        .seq
        .wrapping_add(packet.l4_bytes)
        .wrapping_add(u32::from(packet.tcp_flags & flag::FIN));
    let direction = &mut flow.directions[way];
    if direction.is_synced && packet.seq != direction.next_seq {
        if before(packet.seq, direction.next_seq) {
            if !old_data(flow, packet, way, end, rares) {
                return;
            }
        } else {
            let begin = direction.next_seq;
            direction.holes.get_or_insert_default().add(begin, packet.seq, now);
        }
    }
    let direction = &mut flow.directions[way];
    direction.is_synced = true;
    direction.next_seq = end;
    if way == 0 {
        if flow.handshake_us != 0 {
            rares.of(&mut flow.rare).delays[measure::CIT].sample(flow.handshake_us, now, CIT_CAP_US);
            flow.handshake_us = 0;
        } else if flow.waits & wait::REQUEST != 0 {
            rares.of(&mut flow.rare).delays[measure::CIT].sample(flow.directions[1].data_us, now, CIT_CAP_US);
        }
        flow.waits = wait::ACK | wait::RESPONSE;
    } else {
        if flow.waits & wait::RESPONSE != 0 {
            rares.of(&mut flow.rare).delays[measure::ART].sample(flow.directions[0].data_us, now, ART_CAP_US);
        }
        flow.waits = wait::REQUEST | wait::CLIENT_ACK;
    }
    flow.directions[way].data_us = now;
}

/// A segment that begins below what was seen. Whether it also has something new.
#[cold]
fn old_data(flow: &mut Flow, packet: &Packet, way: usize, end: u32, rares: &mut Rares) -> bool {
    let is_acknowledged = flow.waits & [wait::ACK, wait::CLIENT_ACK][way] == 0;
    let direction = &mut flow.directions[way];
    // The last byte once more, though the other end has it: a keep-alive probe, which asks for an ACK and carries nothing.
    if packet.l4_bytes <= 1 && packet.seq.wrapping_add(1) == direction.next_seq && is_acknowledged {
        return false;
    }
    let found = direction.holes.as_mut().and_then(|holes| holes.fill(packet.seq, end));
    let event = match found {
        Some(found) if packet.time_us - found <= reorder_us(flow) => measure::OUT_OF_ORDER,
        _ => measure::RETRANS,
    };
    let direction = &mut flow.directions[way];
    if direction.holes.as_ref().is_some_and(|holes| holes.used == 0) {
        direction.holes = None;
    }
    let next = direction.next_seq;
    let is_new = before(next, end);
    if event == measure::RETRANS {
        flow.tell(way, letter::REPEATED);
    }
    let old_bytes = next.wrapping_sub(packet.seq).min(packet.l4_bytes);
    rares.of(&mut flow.rare).tcp[event + way] += packet.segments_of(old_bytes);
    is_new
}
