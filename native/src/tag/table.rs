//! The platform table, indexed for lookups.

use super::cidr::Cidrs;
use super::snapshot;
use crate::otlp::wire::Broken;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Arc, PoisonError, RwLock};

/// An address of either family, IPv4 in the mapped range of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ip(pub u128);

const MAPPED: u128 = 0xffff_0000_0000;

impl Ip {
    pub fn v4(bits: u32) -> Ip {
        Ip(MAPPED | u128::from(bits))
    }

    /// From the 16 bytes of an IPv6 address.
    pub fn v6(bytes: [u8; 16]) -> Ip {
        Ip(u128::from_be_bytes(bytes))
    }

    /// From 4 or 16 bytes in network order.
    pub fn from_bytes(bytes: &[u8]) -> Option<Ip> {
        if let Ok(four) = <[u8; 4]>::try_from(bytes) {
            return Some(Ip::v4(u32::from_be_bytes(four)));
        }
        <[u8; 16]>::try_from(bytes).ok().map(Ip::v6)
    }

    fn as_v4(self) -> Option<u32> {
        (self.0 >> 32 == MAPPED >> 32).then_some(self.0 as u32)
    }

    pub fn is_unspecified(self) -> bool {
        self.0 == 0 || self.as_v4() == Some(0)
    }

    /// Whether the address only means something on the machine or link that saw it: loopback, link-local, unspecified.
    pub fn is_local(self) -> bool {
        match self.as_v4() {
            Some(v4) => v4 == 0 || v4 >> 24 == 127 || v4 >> 16 == 0xa9fe,
            None => self.0 <= 1 || self.0 >> 118 == 0xfe80 >> 6,
        }
    }

    /// Whether the address is one of the public Internet. Sources: IANA's special-purpose address registries.
    pub fn is_global(self) -> bool {
        match self.as_v4() {
            Some(v4) => {
                let within = |prefix: u32, bits: u32| v4 >> (32 - bits) == prefix >> (32 - bits);
                !(within(0, 8)
                    || within(0x0a00_0000, 8)
                    || within(0x6440_0000, 10)
                    || within(0x7f00_0000, 8)
                    || within(0xa9fe_0000, 16)
                    || within(0xac10_0000, 12)
                    || within(0xc000_0000, 24)
                    || within(0xc000_0200, 24)
                    || within(0xc0a8_0000, 16)
                    || within(0xc612_0000, 15)
                    || within(0xc633_6400, 24)
                    || within(0xcb00_7100, 24)
                    || within(0xe000_0000, 3))
            }
            None => Ipv6Addr::from_bits(self.0).segments()[0] >> 13 == 1 && self.0 >> 96 != 0x2001_0db8,
        }
    }
}

/// The ids of everything one thing belongs to, named as the columns are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    pub region_id: u32,
    pub az_id: u32,
    pub host_id: u32,
    pub vpc_id: u32,
    pub subnet_id: u32,
    pub pod_cluster_id: u32,
    pub pod_node_id: u32,
    pub pod_ns_id: u32,
    pub pod_group_id: u32,
    pub pod_id: u32,
    pub service_id: u32,
    pub chost_id: u32,
    pub gprocess_id: u32,
}

/// Whose network it is: that of a pod, else of a cloud or legacy host, else of a hypervisor. A process listens in one of these.
pub type Owner = (u8, u32);

impl Ids {
    /// In the order of `PlatformIds`.
    pub fn from_fields(ids: [u32; 13]) -> Ids {
        let [
            region_id,
            az_id,
            host_id,
            vpc_id,
            subnet_id,
            pod_cluster_id,
            pod_node_id,
            pod_ns_id,
            pod_group_id,
            pod_id,
            service_id,
            chost_id,
            gprocess_id,
        ] = ids;
        Ids {
            region_id,
            az_id,
            host_id,
            vpc_id,
            subnet_id,
            pod_cluster_id,
            pod_node_id,
            pod_ns_id,
            pod_group_id,
            pod_id,
            service_id,
            chost_id,
            gprocess_id,
        }
    }

    pub fn owner(&self) -> Option<Owner> {
        [(10, self.pod_id), (1, self.chost_id), (14, self.pod_node_id), (6, self.host_id)]
            .into_iter()
            .find(|(_, id)| *id != 0)
    }
}

type Map<K, V> = HashMap<K, V, RandomState>;

/// One snapshot, indexed. Where a snapshot says a thing twice the first counts.
#[derive(Default)]
pub struct Table {
    pub version: u64,
    entries: Vec<Ids>,
    by_agent_ip: Map<(u32, Ip), u32>,
    by_vpc_ip: Map<(u32, Ip), u32>,
    by_mac: Map<u64, u32>,
    cidrs: Cidrs,
    /// Agent → its VPC and the ids of its machine.
    agents: Map<u32, (u32, u32)>,
    by_pid: Map<(u32, u32), u32>,
    /// What a process listens on, in whose network; `None` is any address.
    listeners: Map<(Owner, Option<Ip>, u16, u8), u32>,
    services: Map<(u32, Ip, u16, u8), (u32, u32)>,
}

impl Table {
    /// Reads and indexes a `weir.v1.PlatformTable`.
    pub fn read(snapshot: &[u8]) -> Result<Table, Broken> {
        let mut builder = Builder::default();
        let version = snapshot::read(snapshot, &mut builder)?;
        Ok(builder.finish(version))
    }

    pub fn ids(&self, entry: u32) -> &Ids {
        &self.entries[entry as usize]
    }

    /// The agent's VPC and the ids of the machine it runs on.
    pub fn agent(&self, agent_id: u32) -> Option<(u32, u32)> {
        self.agents.get(&agent_id).copied()
    }

    pub fn by_agent_ip(&self, agent_id: u32, ip: Ip) -> Option<u32> {
        self.by_agent_ip.get(&(agent_id, ip)).copied()
    }

    pub fn by_vpc_ip(&self, vpc_id: u32, ip: Ip) -> Option<u32> {
        self.by_vpc_ip.get(&(vpc_id, ip)).copied()
    }

    pub fn by_mac(&self, mac: u64) -> Option<u32> {
        self.by_mac.get(&mac).copied()
    }

    pub fn by_cidr(&self, vpc_id: u32, ip: Ip) -> Option<u32> {
        self.cidrs.find(vpc_id, ip)
    }

    pub fn by_pid(&self, agent_id: u32, pid: u32) -> Option<u32> {
        self.by_pid.get(&(agent_id, pid)).copied()
    }

    /// The process that listens there: on that very address, else on any.
    pub fn listener(&self, owner: Owner, ip: Ip, port: u16, protocol: u8) -> Option<u32> {
        let on = |ip| self.listeners.get(&(owner, ip, port, protocol)).copied();
        on(Some(ip)).or_else(|| on(None))
    }

    /// The service at that place and its kind; port 0 in the snapshot stands for every port.
    pub fn service(&self, vpc_id: u32, ip: Ip, port: u16, protocol: u8) -> Option<(u32, u32)> {
        let at = |port, protocol| self.services.get(&(vpc_id, ip, port, protocol)).copied();
        at(port, protocol).or_else(|| at(0, 0))
    }
}

/// One process: id, agent, ids of its own and what it listens on; indexed once every agent is known.
type PendingProcess = (u32, u32, Ids, Vec<(Option<Ip>, u16, u8)>);

/// Takes the facts of a snapshot in any order.
#[derive(Default)]
pub struct Builder {
    table: Table,
    processes: Vec<PendingProcess>,
}

impl Builder {
    fn entry(&mut self, ids: Ids) -> u32 {
        self.table.entries.push(ids);
        self.table.entries.len() as u32 - 1
    }

    pub fn interface(&mut self, ids: Ids, mac: u64, ips: impl Iterator<Item = Ip>, agent_id: u32, shared: bool) {
        let entry = self.entry(ids);
        let table = &mut self.table;
        for ip in ips {
            if agent_id != 0 {
                table.by_agent_ip.entry((agent_id, ip)).or_insert(entry);
            }
            if !shared {
                table.by_vpc_ip.entry((ids.vpc_id, ip)).or_insert(entry);
            }
        }
        if mac != 0 && !shared {
            table.by_mac.entry(mac).or_insert(entry);
        }
    }

    pub fn cidr(&mut self, vpc_id: u32, prefix: &[u8], bits: u32, ids: Ids) {
        let entry = self.entry(ids);
        self.table.cidrs.add(vpc_id, prefix, bits, entry);
    }

    pub fn agent(&mut self, agent_id: u32, vpc_id: u32, ids: Ids) {
        let entry = self.entry(ids);
        self.table.agents.entry(agent_id).or_insert((vpc_id, entry));
    }

    pub fn process(&mut self, gprocess_id: u32, agent_id: u32, pid: u32, ids: Ids, listeners: Vec<(Option<Ip>, u16, u8)>) {
        let ids = Ids { gprocess_id, ..ids };
        if pid != 0 {
            let entry = self.entry(ids);
            self.table.by_pid.entry((agent_id, pid)).or_insert(entry);
        }
        self.processes.push((gprocess_id, agent_id, ids, listeners));
    }

    pub fn service(&mut self, place: (u32, Ip, u16, u8), service_id: u32, kind: u32) {
        self.table.services.entry(place).or_insert((service_id, kind));
    }

    #[cfg(test)]
    pub fn finish_for_tests(self) -> Table {
        self.finish(1)
    }

    fn finish(mut self, version: u64) -> Table {
        for (gprocess_id, agent_id, ids, listeners) in std::mem::take(&mut self.processes) {
            let agent = self.table.agent(agent_id).map(|(_, entry)| *self.table.ids(entry));
            let Some(owner) = ids.owner().or_else(|| agent.and_then(|ids| ids.owner())) else {
                continue;
            };
            for (ip, port, protocol) in listeners {
                self.table.listeners.entry((owner, ip, port, protocol)).or_insert(gprocess_id);
            }
        }
        self.table.version = version;
        self.table
    }
}

/// The table in use, replaced as a whole: who looks something up keeps the one it began with.
#[derive(Default)]
pub struct Shared {
    current: RwLock<Arc<Table>>,
}

impl Shared {
    pub fn current(&self) -> Arc<Table> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a new snapshot in place of the current one; a malformed one changes nothing.
    pub fn load(&self, snapshot: &[u8]) -> Result<(), Broken> {
        let table = Arc::new(Table::read(snapshot)?);
        let before = std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), table);
        // Freed here, after the lock: it may be large.
        drop(before);
        Ok(())
    }
}
