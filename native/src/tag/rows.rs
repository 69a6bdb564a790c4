//! Which columns say who an end is, table by table, and where the answer goes.

use super::cache::Tagger;
use super::resolve::{End, Tags};
use super::table::Ip;
use crate::table::generated::{Application, ApplicationMap, EndColumns, L4FlowLog, L7FlowLog, Network, NetworkMap};

/// Rows whose ends can be looked up.
pub trait TagRow {
    /// Writes what is known of the ends of `row`. `vpc_id` is that of the agent, as the sender says it.
    fn tag(&mut self, row: usize, vpc_id: u32, tagger: &mut Tagger);
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

#[inline(always)]
fn write(columns: EndColumns<'_>, row: usize, tags: &Tags) {
    let ids = &tags.ids;
    macro_rules! put {
        ($($column:ident = $value:expr),* $(,)?) => {
            $(if $value != 0 { columns.$column.set(row, $value); })*
        };
    }
    put!(
        region_id = ids.region_id,
        az_id = ids.az_id,
        host_id = ids.host_id,
        vpc_id = ids.vpc_id,
        subnet_id = ids.subnet_id,
        pod_cluster_id = ids.pod_cluster_id,
        pod_node_id = ids.pod_node_id,
        pod_ns_id = ids.pod_ns_id,
        pod_group_id = ids.pod_group_id,
        pod_id = ids.pod_id,
        service_id = ids.service_id,
        chost_id = ids.chost_id,
        gprocess_id = ids.gprocess_id,
        auto_instance_id = tags.auto_instance.0,
        auto_instance_type = tags.auto_instance.1,
        auto_service_id = tags.auto_service.0,
        auto_service_type = tags.auto_service.1,
        tag_source = tags.source,
    );
}

/// `$mac` and `$process` give those of an end where the table has them.
macro_rules! pair {
    ($layout:ty, $mac:expr, $process:expr, $absent:expr) => {
        impl TagRow for $layout {
            fn tag(&mut self, row: usize, vpc_id: u32, tagger: &mut Tagger) {
                let agent_id = self.agent_id.get(row);
                let is_ipv4 = self.is_ipv4.get(row) != 0;
                let ips = if is_ipv4 {
                    [Ip::v4(self.ip4_0.get(row)), Ip::v4(self.ip4_1.get(row))]
                } else {
                    [Ip::v6(self.ip6_0.get(row)), Ip::v6(self.ip6_1.get(row))]
                };
                let (mac, process): (fn(&Self, usize) -> [u64; 2], fn(&Self, usize) -> [u32; 2]) = ($mac, $process);
                let (macs, processes) = (mac(self, row), process(self, row));
                let absent: fn(&Self, usize, [Ip; 2]) -> [bool; 2] = $absent;
                let absent = absent(self, row, ips);
                let end = End {
                    agent_id,
                    vpc_id,
                    ip: ips[CLIENT],
                    mac: macs[CLIENT],
                    process_id: processes[CLIENT],
                    port: 0,
                    protocol: 0,
                };
                if !absent[CLIENT] {
                    write(self.end_0(), row, tagger.find(end));
                }
                let (port, protocol) = (self.server_port.get(row), self.protocol.get(row));
                let end = End {
                    ip: ips[SERVER],
                    mac: macs[SERVER],
                    process_id: processes[SERVER],
                    port,
                    protocol,
                    ..end
                };
                if !absent[SERVER] {
                    write(self.end_1(), row, tagger.find(end));
                }
            }
        }
    };
}

pair!(
    L4FlowLog,
    |rows, row| [rows.mac_0.get(row), rows.mac_1.get(row)],
    |rows, row| [rows.process_id_0.get(row), rows.process_id_1.get(row)],
    |_, _, _| [false; 2]
);
pair!(
    L7FlowLog,
    |_, _| [0; 2],
    |rows, row| [rows.process_id_0.get(row), rows.process_id_1.get(row)],
    absent_in_span
);
pair!(NetworkMap, |_, _| [0; 2], |_, _| [0; 2], |_, _, _| [false; 2]);
pair!(ApplicationMap, |_, _| [0; 2], |_, _| [0; 2], |_, _, _| [false; 2]);

/// A span of a foreign program may name no address. Its own end then is the machine of the agent that passed it on, if one did;
/// of the other end nothing is known.
fn absent_in_span(rows: &L7FlowLog, row: usize, ips: [Ip; 2]) -> [bool; 2] {
    const SIGNAL_OTEL: u8 = 4;
    if !ips.iter().any(|ip| ip.is_unspecified()) || rows.signal_source.get(row) != SIGNAL_OTEL {
        return [false; 2];
    }
    let relayed = rows.agent_id.get(row) != 0;
    let point = rows.observation_point.get(row);
    let own = [point != "s-app", point != "c-app"];
    [0, 1].map(|end| ips[end].is_unspecified() && !(relayed && own[end]))
}

macro_rules! single {
    ($layout:ty) => {
        impl TagRow for $layout {
            fn tag(&mut self, row: usize, vpc_id: u32, tagger: &mut Tagger) {
                let ip = if self.is_ipv4.get(row) != 0 {
                    Ip::v4(self.ip4.get(row))
                } else {
                    Ip::v6(self.ip6.get(row))
                };
                let server = self.role.get(row) == SERVER as u8;
                let end = End {
                    agent_id: self.agent_id.get(row),
                    vpc_id,
                    ip,
                    mac: 0,
                    process_id: 0,
                    port: if server { self.server_port.get(row) } else { 0 },
                    protocol: if server { self.protocol.get(row) } else { 0 },
                };
                write(self.end(), row, tagger.find(end));
            }
        }
    };
}

single!(Network);
single!(Application);
