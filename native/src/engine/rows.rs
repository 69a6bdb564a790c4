//! What rows of `flow_log` have in common, and the way of a flow's requests to theirs.

use super::Output;
use crate::document::{Documents, L7Meter, PairKey};
use crate::flow::measure::Delay;
use crate::flow::{Cold, Flow};
use crate::l7::{Finished, L7Row, L7Sink, RowType, Status, Tells};
use crate::packet::Ip;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Writes what was taken off a flow's packets.
macro_rules! write_tunnel {
    ($table:expr, $row:expr, $tunnel:expr) => {{
        let (table, row) = (&mut *$table, $row);
        let $crate::flow::Outside {
            tunnels: [outer, inner],
            ends,
        } = $tunnel;
        $crate::document::rows::set!(
            table,
            row,
            tunnel_tier = 1 + u8::from(inner.kind != $crate::packet::tunnel::Kind::None),
            tunnel_type = outer.kind as u8,
            tunnel_id = outer.id,
            tunnel_inner_type = inner.kind as u8,
            tunnel_inner_id = inner.id,
        );
        if let Some((ips, is_ipv6)) = ends {
            table.tunnel_ip_0.set(row, &$crate::engine::rows::address(ips[0], *is_ipv6));
            table.tunnel_ip_1.set(row, &$crate::engine::rows::address(ips[1], *is_ipv6));
        }
    }};
}
pub(super) use write_tunnel;

/// An address as text.
pub(super) fn address(ip: Ip, is_ipv6: bool) -> String {
    if is_ipv6 {
        Ipv6Addr::from(super::ip6(ip)).to_string()
    } else {
        Ipv4Addr::from(ip[1] as u32).to_string()
    }
}

/// What the rows of one flow have in common.
#[derive(Clone, Copy, Debug)]
pub struct FlowEnds {
    pub pair: PairKey,
    pub flow_id: u64,
    pub client_port: u16,
    pub vlan: u16,
    pub vlan_inner: u16,
    pub processes: [u32; 2],
}

impl FlowEnds {
    pub fn of(flow: &Flow, cold: &Cold, pair: PairKey) -> FlowEnds {
        FlowEnds {
            pair,
            flow_id: cold.id,
            client_port: flow.client().1,
            vlan: cold.vlan,
            vlan_inner: cold.vlan_inner,
            processes: cold.processes,
        }
    }
}

/// The last second there is, with room for every timeout behind it.
const LAST_S: i64 = u32::MAX as i64 - 200_000;

/// Seconds of a time in µs, as ClickHouse's `DateTime` has them. None is 0: that is the engine's before its first packet.
pub fn seconds(us: i64) -> u32 {
    us.div_euclid(1_000_000).clamp(1, LAST_S) as u32
}

/// Takes the requests of one flow.
pub struct RowSink<'a> {
    pub output: &'a mut Output,
    pub documents: &'a mut Documents,
    pub flow: &'a Flow,
    pub cold: &'a Cold,
    pub writes_log: bool,
}

impl L7Sink for RowSink<'_> {
    fn row(&mut self, row: &L7Row<'_>) {
        self.count(row);
        if self.writes_log && self.output.may_write_l7() {
            self.output.write_l7(row, &self.ends(), self.cold.tunnel());
        }
    }

    fn finished(&mut self, finished: Finished) {
        // The same twice: where both sides are known to be there, nothing that is asked of them looks again.
        if finished.is_session() {
            self.take(finished);
        } else {
            self.take_part(finished);
        }
    }
}

impl RowSink<'_> {
    #[inline(never)]
    fn take_part(&mut self, finished: Finished) {
        self.take(finished);
    }

    #[inline(always)]
    fn take(&mut self, finished: Finished) {
        self.count(&finished.sides());
        if self.writes_log && self.output.may_write_l7() {
            let ends = self.ends();
            self.output.keep_l7(finished, &ends, self.cold.tunnel());
        } else {
            Finished::give_back([finished]);
        }
    }

    #[inline(always)]
    fn ends(&self) -> FlowEnds {
        FlowEnds::of(self.flow, self.cold, self.documents.key(self.flow.pair))
    }

    #[inline(always)]
    fn count(&mut self, row: &impl Tells) {
        let (row_type, status) = (row.row_type(), row.response_status());
        let mut counts = L7Meter {
            request: u64::from(row_type != RowType::Response),
            response: u64::from(row_type != RowType::Request),
            client_error: u32::from(status == Status::ClientError),
            server_error: u32::from(status == Status::ServerError),
            timeout: u32::from(status == Status::Timeout),
            rrt: Delay::default(),
        };
        if row_type == RowType::Session {
            counts.rrt.sample(0, row.response_duration_us() as i64, i64::MAX);
        }
        self.documents.add_l7(self.flow.pair, row.protocol(), row.endpoint(), &counts);
    }
}
