//! What of a flow is touched when it opens, when a second ends in which it did something, and when it is reported.

use super::measure::{Traffic, Traffic32};
use super::rares::Number;
use crate::packet::{Ip, Trouble, Tunnel, tunnel};

#[derive(Default)]
pub struct Cold {
    /// Since the last row; what does not fit is in `extra`.
    traffic: Traffic32,
    /// Packets and bytes up to the last row, likewise.
    total: [[u32; 2]; 2],
    pub id: u64,
    extra: Option<Box<Extra>>,
    macs: [[u8; 6]; 2],
    pub opening: Opening,
    /// Its rare measures since the last row, without those of this second.
    pub rare: Number,
    /// When this flow was bound to the interfaces it is counted on, in ms that begin anew after 49 days.
    pub bound_ms: u32,
    pub vlan: u16,
    pub vlan_inner: u16,
    pub processes: [u32; 2],
    pub l7_protocol: u8,
}

/// What few flows have, or for a short time.
#[derive(Clone, Default)]
pub struct Extra {
    /// Since the last row.
    pub l7: L7Counts,
    /// Since the last row.
    pub troubles: Option<Troubles>,
    pub tls_rtt_us: u32,
    tunnel: Option<Box<Outside>>,
    carried: Option<Box<Carried>>,
}

/// What of a busy flow's counters does not fit into 32 bits.
#[derive(Clone, Copy, Default)]
struct Carried {
    traffic: Traffic,
    total: [[u64; 2]; 2],
}

impl Cold {
    pub fn new(id: u64, tunnel: Option<Box<Outside>>) -> Cold {
        let mut cold = Cold { id, ..Cold::default() };
        if tunnel.is_some() {
            cold.extra_mut().tunnel = tunnel;
        }
        cold
    }

    pub fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub fn tunnel(&self) -> Option<&Outside> {
        self.extra.as_ref()?.tunnel.as_deref()
    }

    pub fn troubles(&self) -> Option<&Troubles> {
        self.extra.as_ref()?.troubles.as_ref()
    }

    fn carried(&mut self) -> &mut Carried {
        self.extra_mut().carried.get_or_insert_default()
    }

    fn carried_now(&self) -> Option<&Carried> {
        self.extra.as_ref()?.carried.as_deref()
    }

    /// Adds what was seen in a second, or a part of one.
    #[inline]
    pub fn add(&mut self, delta: &Traffic32) {
        match self.traffic.sum(delta) {
            Some(sum) => self.traffic = sum,
            None => {
                let before = std::mem::replace(&mut self.traffic, *delta).widen();
                self.carried().traffic.add(&before);
            }
        }
    }

    /// Adds what another flow did.
    pub fn add_all(&mut self, other: &Cold) {
        let (traffic, total) = (other.traffic(), other.total());
        let carried = self.carried();
        carried.traffic.add(&traffic);
        for (mine, more) in carried.total.iter_mut().flatten().zip(total.into_iter().flatten()) {
            *mine += more;
        }
    }

    /// Traffic since the last row.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = self.traffic.widen();
        if let Some(carried) = self.carried_now() {
            traffic.add(&carried.traffic);
        }
        traffic
    }

    /// Whether there was any since the last row.
    #[inline]
    pub fn has_traffic(&self) -> bool {
        self.traffic.packet != [0, 0]
    }

    /// Packets and bytes up to the last row.
    pub fn total(&self) -> [[u64; 2]; 2] {
        let mut total = self.total.map(|ways| ways.map(u64::from));
        if let Some(carried) = self.carried_now() {
            for (mine, more) in total.iter_mut().flatten().zip(carried.total.iter().flatten()) {
                *mine += more;
            }
        }
        total
    }

    /// A row was written: what comes now is for the next one.
    pub fn begin_row(&mut self) {
        let traffic = self.traffic();
        for (which, ways) in [traffic.packet, traffic.byte].into_iter().enumerate() {
            for (way, more) in ways.into_iter().enumerate() {
                let sum = u64::from(self.total[which][way]) + more;
                match u32::try_from(sum) {
                    Ok(sum) => self.total[which][way] = sum,
                    Err(_) => {
                        self.total[which][way] = 0;
                        self.carried().total[which][way] += sum;
                    }
                }
            }
        }
        self.traffic = Traffic32::default();
        if let Some(extra) = &mut self.extra {
            (extra.l7, extra.troubles, extra.tls_rtt_us) = Default::default();
            if let Some(carried) = &mut extra.carried {
                carried.traffic = Traffic::default();
            }
            if extra.tunnel.is_none() && extra.carried.is_none() {
                self.extra = None;
            }
        }
    }

    /// The flow is over, its last row written.
    pub fn end(&mut self) {
        self.extra = None;
    }

    /// MAC address of an end, 0 where it is not known.
    pub fn mac(&self, way: usize) -> u64 {
        let [a, b, c, d, e, f] = self.macs[way];
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    pub fn set_mac(&mut self, way: usize, mac: u64) {
        let [_, _, bytes @ ..] = mac.to_be_bytes();
        self.macs[way] = bytes;
    }

    /// The client turned out to be the server.
    pub fn turn(&mut self) {
        self.macs.swap(0, 1);
        self.processes.swap(0, 1);
    }

    /// What rows of requests tell of a flow that is over.
    pub fn told(&self) -> Cold {
        Cold {
            vlan: self.vlan,
            vlan_inner: self.vlan_inner,
            processes: self.processes,
            ..Cold::new(self.id, self.tunnel().copied().map(Box::new))
        }
    }
}

/// When the packets of a handshake came, as µs from the second in which the flow began; what is further away than half an hour says nothing
/// about a handshake.
#[derive(Clone, Copy, Default)]
pub struct Opening {
    syn: Offset,
    synack: Offset,
    ack: Offset,
}

/// Never 0 where it is known.
type Offset = Option<std::num::NonZeroI32>;

impl Cold {
    /// The second in which the flow began, in µs.
    fn base_us(&self) -> i64 {
        (self.id >> 32) as i64 * 1_000_000
    }

    fn offset(&self, time_us: i64) -> Offset {
        // One more, so that the second's own begin is no zero.
        let from = i32::try_from(time_us - self.base_us()).ok()?;
        std::num::NonZeroI32::new(if from >= 0 { from.checked_add(1)? } else { from })
    }

    fn time_us(&self, offset: Offset) -> Option<i64> {
        let from = i64::from(offset?.get());
        Some(self.base_us() + if from > 0 { from - 1 } else { from })
    }

    /// The client's first SYN.
    pub fn syn_us(&self) -> Option<i64> {
        self.time_us(self.opening.syn)
    }

    /// The first SYN-ACK.
    pub fn synack_us(&self) -> Option<i64> {
        self.time_us(self.opening.synack)
    }

    /// The last ACK of the handshake.
    pub fn ack_us(&self) -> Option<i64> {
        self.time_us(self.opening.ack)
    }

    pub fn set_syn_us(&mut self, time_us: i64) {
        self.opening.syn = self.offset(time_us);
    }

    pub fn set_synack_us(&mut self, time_us: i64) {
        self.opening.synack = self.offset(time_us);
    }

    pub fn set_ack_us(&mut self, time_us: i64) {
        self.opening.ack = self.offset(time_us);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn traffic(value: u32) -> Traffic32 {
        Traffic32 {
            packet: [1, value / 64],
            byte: [value, value / 2],
            l3_byte: [value / 3, value],
            l4_byte: [0, value / 5],
        }
    }

    proptest! {
        #[test]
        fn what_does_not_fit_is_carried(values in proptest::collection::vec((any::<u32>(), any::<bool>()), 0..60)) {
            let mut cold = Cold::default();
            let (mut since, mut total) = (Traffic::default(), [[0, 0]; 2]);
            for (value, writes) in values {
                cold.add(&traffic(value));
                since.add(&traffic(value).widen());
                prop_assert!(cold.has_traffic());
                prop_assert_eq!(cold.traffic(), since);
                if writes {
                    cold.begin_row();
                    for (mine, more) in total.iter_mut().flatten().zip([since.packet, since.byte].into_iter().flatten()) {
                        *mine += more;
                    }
                    since = Traffic::default();
                }
                prop_assert_eq!(cold.total(), total);
            }
        }

        #[test]
        fn times_of_a_handshake_are_exact(second in 0u64..4_000_000_000, from in -2_000_000_000i64..2_000_000_000) {
            let mut cold = Cold::new(second << 32 | 7, None);
            let time_us = second as i64 * 1_000_000 + from;
            prop_assert_eq!(cold.syn_us(), None);
            cold.set_syn_us(time_us);
            cold.set_ack_us(time_us + 5_000_000_000);
            prop_assert_eq!((cold.syn_us(), cold.synack_us(), cold.ack_us()), (Some(time_us), None, None));
        }
    }

    #[test]
    fn a_flow_without_tunnel_gives_its_extra_back_with_each_row() {
        let mut cold = Cold::default();
        cold.extra_mut().l7.request = 3;
        cold.begin_row();
        assert!(cold.extra().is_none());
        let mut cold = Cold::new(1, Some(Box::default()));
        cold.extra_mut().tls_rtt_us = 3;
        cold.begin_row();
        assert!(cold.tunnel().is_some() && cold.extra().is_some_and(|extra| extra.tls_rtt_us == 0));
    }

    #[test]
    fn a_mac_is_six_bytes() {
        let mut cold = Cold::default();
        cold.set_mac(1, 0x0203_0405_0607);
        assert_eq!((cold.mac(0), cold.mac(1)), (0, 0x0203_0405_0607));
    }
}
