//! Who one end of a row is.

use super::table::{Ids, Ip, Table};
use std::hash::{Hash, Hasher};

/// What a row says about one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub agent_id: u32,
    /// VPC of the agent as the sender says it; the table knows better where it knows the agent.
    pub vpc_id: u32,
    pub ip: Ip,
    pub mac: u64,
    /// Operating-system process id at this end, 0 for unknown.
    pub process_id: u32,
    /// Port and protocol of a server's end, zeros at the client.
    pub port: u16,
    pub protocol: u8,
}

impl Hash for End {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.ip.0);
        state.write_u64(u64::from(self.agent_id) << 32 | u64::from(self.vpc_id));
        state.write_u64(u64::from(self.process_id) << 32 | u64::from(self.port) << 8 | u64::from(self.protocol));
        state.write_u64(self.mac);
    }
}

/// What is known of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tags {
    pub ids: Ids,
    pub auto_instance: (u32, u8),
    pub auto_service: (u32, u8),
    pub source: u8,
}

// Bits of `tag_source`, as libs/catalog names them.
const AGENT_IP: u8 = 1;
const VPC_IP: u8 = 2;
const MAC: u8 = 4;
const CIDR: u8 = 8;
const POD: u8 = 16;
const PROCESS: u8 = 32;
const LOOPBACK: u8 = 64;

// Values of `auto_instance_type` and `auto_service_type`, as libs/catalog names them.
const INTERNET: u8 = 0;
const CHOST: u8 = 1;
const HOST: u8 = 6;
const POD_INSTANCE: u8 = 10;
const POD_SERVICE: u8 = 11;
const POD_NODE: u8 = 14;
const POD_GROUP: u8 = 101;
const CUSTOM_SERVICE: u8 = 102;
const POD_CLUSTER: u8 = 103;
const GPROCESS: u8 = 120;
const IP: u8 = 255;

/// Looks one end up: address, then process, then service, then what follows from them.
pub fn resolve(table: &Table, end: &End) -> Tags {
    let vpc_id = table.agent(end.agent_id).map_or(end.vpc_id, |(vpc_id, _)| vpc_id);
    let (entry, mut source) = place(table, end, vpc_id);
    let mut ids = entry.map(|entry| *table.ids(entry)).unwrap_or_default();
    let process = (end.process_id != 0)
        .then(|| table.by_pid(end.agent_id, end.process_id))
        .flatten()
        .map(|entry| *table.ids(entry));
    if let Some(process) = process {
        if entry.is_none() {
            ids = process;
        }
        ids.gprocess_id = process.gprocess_id;
        source |= PROCESS;
    } else if end.port != 0
        && let Some(gprocess_id) = ids.owner().and_then(|owner| table.listener(owner, end.ip, end.port, end.protocol))
    {
        ids.gprocess_id = gprocess_id;
        source |= PROCESS;
    }
    let mut custom = 0;
    if end.port != 0 {
        let vpc_id = if ids.vpc_id == 0 { vpc_id } else { ids.vpc_id };
        match table.service(vpc_id, end.ip, end.port, end.protocol) {
            Some((service_id, kind)) if kind == u32::from(CUSTOM_SERVICE) => custom = service_id,
            Some((service_id, _)) => ids.service_id = service_id,
            None => {}
        }
    }
    if ids.pod_id != 0 {
        source |= POD;
    }
    let auto_instance = auto_instance(&ids, end.ip, source);
    Tags {
        ids,
        auto_instance,
        auto_service: auto_service(&ids, custom, auto_instance),
        source,
    }
}

/// The entry that the address, or else the MAC or the network, leads to.
fn place(table: &Table, end: &End, vpc_id: u32) -> (Option<u32>, u8) {
    if end.ip.is_local() {
        return table.agent(end.agent_id).map_or((None, 0), |(_, entry)| (Some(entry), LOOPBACK));
    }
    let found = table.by_agent_ip(end.agent_id, end.ip).map(|entry| (entry, AGENT_IP));
    let found = found.or_else(|| table.by_vpc_ip(vpc_id, end.ip).map(|entry| (entry, VPC_IP)));
    let found = found.or_else(|| (end.mac != 0).then(|| table.by_mac(end.mac)).flatten().map(|entry| (entry, MAC)));
    let found = found.or_else(|| table.by_cidr(vpc_id, end.ip).map(|entry| (entry, CIDR)));
    found.map_or((None, 0), |(entry, source)| (Some(entry), source))
}

fn first(choices: &[(u32, u8)]) -> Option<(u32, u8)> {
    choices.iter().copied().find(|(id, _)| *id != 0)
}

fn auto_instance(ids: &Ids, ip: Ip, source: u8) -> (u32, u8) {
    let known = first(&[
        (ids.pod_id, POD_INSTANCE),
        (ids.gprocess_id, GPROCESS),
        (ids.pod_node_id, POD_NODE),
        (ids.chost_id, CHOST),
        (ids.host_id, HOST),
    ]);
    // An address in no known network and of the public range is the Internet; any other is itself, in its subnet.
    known.unwrap_or(if source == 0 && ip.is_global() {
        (0, INTERNET)
    } else {
        (ids.subnet_id, IP)
    })
}

fn auto_service(ids: &Ids, custom: u32, auto_instance: (u32, u8)) -> (u32, u8) {
    let known = first(&[
        (custom, CUSTOM_SERVICE),
        (ids.service_id, POD_SERVICE),
        (ids.pod_group_id, POD_GROUP),
        (ids.gprocess_id, GPROCESS),
        (ids.pod_cluster_id, POD_CLUSTER),
    ]);
    known.unwrap_or(auto_instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::table::Builder;

    const AGENT: u32 = 7;

    fn ids(chost_id: u32) -> Ids {
        Ids {
            vpc_id: 1,
            chost_id,
            ..Ids::default()
        }
    }

    fn table() -> Table {
        let mut builder = Builder::default();
        let ip = |text: &str| Ip::v4(text.parse::<std::net::Ipv4Addr>().unwrap().to_bits());
        builder.agent(AGENT, 1, ids(100));
        builder.interface(ids(100), 0xaa, [ip("10.0.0.1")].into_iter(), AGENT, false);
        builder.interface(ids(200), 0xbb, [ip("10.0.0.2")].into_iter(), 8, false);
        builder.interface(ids(101), 0xcc, [ip("172.17.0.2")].into_iter(), AGENT, true);
        builder.interface(ids(201), 0xdd, [ip("172.17.0.2")].into_iter(), 8, true);
        builder.cidr(
            1,
            &[10, 0, 0, 0],
            8,
            Ids {
                subnet_id: 5,
                vpc_id: 1,
                ..Ids::default()
            },
        );
        builder.cidr(
            1,
            &[10, 9, 0, 0],
            16,
            Ids {
                subnet_id: 6,
                vpc_id: 1,
                ..Ids::default()
            },
        );
        builder.process(900, AGENT, 4242, ids(100), vec![(None, 80, 6), (Some(ip("127.0.0.1")), 5432, 6)]);
        builder.process(901, AGENT, 4243, ids(101), vec![(None, 80, 6)]);
        builder.process(902, 8, 1, Ids::default(), vec![]);
        builder.service((1, ip("10.0.0.2"), 443, 6), 33, 102);
        builder.finish_for_tests()
    }

    fn end(ip: &str) -> End {
        let ip = match ip.parse().unwrap() {
            std::net::IpAddr::V4(ip) => Ip::v4(ip.to_bits()),
            std::net::IpAddr::V6(ip) => Ip::v6(ip.octets()),
        };
        End {
            agent_id: AGENT,
            vpc_id: 0,
            ip,
            mac: 0,
            process_id: 0,
            port: 0,
            protocol: 0,
        }
    }

    #[test]
    fn loopback_link_local_and_unspecified_are_the_agents_own_machine() {
        for ip in ["127.0.0.1", "127.9.9.9", "169.254.1.1", "0.0.0.0", "::", "::1", "fe80::1"] {
            let tags = resolve(&table(), &end(ip));
            assert_eq!(
                (tags.ids.chost_id, tags.source, tags.auto_instance),
                (100, LOOPBACK, (100, CHOST)),
                "{ip}"
            );
        }
    }

    #[test]
    fn shared_addresses_belong_to_the_machine_that_reports_them() {
        assert_eq!(resolve(&table(), &end("172.17.0.2")).ids.chost_id, 101);
        assert_eq!(
            resolve(
                &table(),
                &End {
                    agent_id: 8,
                    vpc_id: 1,
                    ..end("172.17.0.2")
                }
            )
            .ids
            .chost_id,
            201
        );
        assert_eq!(
            resolve(
                &table(),
                &End {
                    agent_id: 9,
                    vpc_id: 1,
                    ..end("172.17.0.2")
                }
            )
            .ids
            .chost_id,
            0
        );
    }

    #[test]
    fn the_vpc_knows_what_the_own_machine_does_not() {
        let tags = resolve(&table(), &end("10.0.0.2"));
        assert_eq!((tags.ids.chost_id, tags.source), (200, VPC_IP));
        assert_eq!(resolve(&table(), &end("10.0.0.1")).source, AGENT_IP);
    }

    #[test]
    fn the_mac_comes_before_the_network_and_the_longest_prefix_wins() {
        let by_mac = resolve(
            &table(),
            &End {
                mac: 0xbb,
                ..end("10.9.1.1")
            },
        );
        assert_eq!((by_mac.ids.chost_id, by_mac.source), (200, MAC));
        let by_cidr = resolve(&table(), &end("10.9.1.1"));
        assert_eq!((by_cidr.ids.subnet_id, by_cidr.source, by_cidr.auto_instance), (6, CIDR, (6, IP)));
        assert_eq!(resolve(&table(), &end("10.8.1.1")).ids.subnet_id, 5);
    }

    #[test]
    fn unknown_addresses_are_the_internet_or_themselves() {
        assert_eq!(resolve(&table(), &end("8.8.8.8")).auto_instance, (0, INTERNET));
        assert_eq!(resolve(&table(), &end("2606:4700::1")).auto_instance, (0, INTERNET));
        for ip in ["192.168.9.9", "100.64.0.1", "224.0.0.1", "fd00::1", "2001:db8::1"] {
            assert_eq!(resolve(&table(), &end(ip)).auto_service, (0, IP), "{ip}");
        }
    }

    #[test]
    fn a_server_is_the_process_that_listens_there() {
        let at = |ip: &str, port| {
            resolve(
                &table(),
                &End {
                    port,
                    protocol: 6,
                    ..end(ip)
                },
            )
            .ids
            .gprocess_id
        };
        assert_eq!((at("10.0.0.1", 80), at("127.0.0.1", 80), at("172.17.0.2", 80)), (900, 900, 901));
        assert_eq!((at("127.0.0.1", 5432), at("10.0.0.1", 5432), at("10.0.0.2", 80)), (900, 0, 0));
    }

    #[test]
    fn a_process_id_names_the_process() {
        let tags = resolve(
            &table(),
            &End {
                process_id: 4242,
                ..end("10.0.0.1")
            },
        );
        assert_eq!(
            (tags.ids.gprocess_id, tags.auto_instance, tags.source),
            (900, (900, GPROCESS), AGENT_IP | PROCESS)
        );
    }

    #[test]
    fn a_custom_service_comes_first() {
        let tags = resolve(
            &table(),
            &End {
                port: 443,
                protocol: 6,
                ..end("10.0.0.2")
            },
        );
        assert_eq!((tags.auto_service, tags.auto_instance), ((33, CUSTOM_SERVICE), (200, CHOST)));
    }
}
