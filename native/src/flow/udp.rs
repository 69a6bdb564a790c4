//! Flows without connections: only the time to the first answer is measured.

use super::history::letter;
use super::{Flow, measure, rares::Rares, wait};
use crate::packet::{ICMP, ICMP6, Packet};

#[inline]
pub(super) fn datagram(flow: &mut Flow, packet: &Packet, way: usize, rares: &mut Rares) {
    if way == 0 {
        flow.waits |= wait::RESPONSE;
    } else if flow.waits & wait::RESPONSE != 0 {
        flow.waits &= !wait::RESPONSE;
        let asked_us = flow.directions[0].data_us;
        rares.sample(&mut flow.rare, measure::ART, asked_us, packet.time_us, super::tcp::ART_CAP_US);
    }
    flow.directions[way].data_us = packet.time_us;
    if packet.l4_bytes > 0 && !matches!(packet.protocol, ICMP | ICMP6) {
        flow.tell(way, letter::DATA);
    }
}
