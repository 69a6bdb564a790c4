//! Processes at the ends of flows, as they were found last.

use super::Core;
use crate::capture::Socket;
use crate::flow::Flow;
use crate::packet::Ip;
use std::collections::HashMap;
use std::sync::Arc;

/// Flows that wait for their processes to be looked for.
pub(super) const MAX_FRESH: usize = 65_536;
/// Names of processes remembered.
const MAX_NAMES: usize = 16_384;

/// Local end, remote end, namespace, protocol.
type Connection = ((Ip, u16), (Ip, u16), u16, u8);

/// Who has which socket.
#[derive(Default)]
pub struct Owners {
    /// When this was looked for, in µs since 1970: it says nothing about flows that began later.
    pub looked_us: i64,
    /// Addresses → the namespace that has them.
    addresses: HashMap<Ip, u16>,
    /// Sockets that take from anybody: namespace, protocol, port.
    listening: HashMap<(u16, u8, u16), u32>,
    connected: HashMap<Connection, u32>,
}

impl Owners {
    /// Nothing yet; looking begins now.
    pub fn looked_at(now_us: i64) -> Owners {
        Owners {
            looked_us: now_us,
            ..Owners::default()
        }
    }

    /// Loopback addresses are everywhere and say nothing.
    pub fn add_address(&mut self, ip: Ip, netns: u16) {
        if !is_loopback(ip) {
            self.addresses.insert(ip, netns);
        }
    }

    pub fn add_socket(&mut self, netns: u16, socket: &Socket, process: u32) {
        if socket.remote.1 == 0 {
            self.listening.insert((netns, socket.protocol, socket.local.1), process);
        } else {
            self.connected
                .insert((socket.local, socket.remote, netns, socket.protocol), process);
        }
    }

    /// The processes at the client and at the server, 0 where not known.
    pub(super) fn of(&self, flow: &Flow) -> [u32; 2] {
        let (client, server) = (flow.client(), flow.server());
        [self.at(client, server, flow), self.at(server, client, flow)]
    }

    fn at(&self, local: (Ip, u16), remote: (Ip, u16), flow: &Flow) -> u32 {
        let netns = if is_loopback(local.0) {
            Some(flow.key.scope())
        } else {
            self.addresses.get(&local.0).copied()
        };
        let Some(netns) = netns else { return 0 };
        let protocol = flow.key.protocol();
        let connected = self.connected.get(&(local, remote, netns, protocol));
        connected
            .or_else(|| self.listening.get(&(netns, protocol, local.1)))
            .copied()
            .unwrap_or(0)
    }
}

fn is_loopback(ip: Ip) -> bool {
    ip == [0, 1] || (ip[0] == 0 && ip[1] >> 24 == 127)
}

impl Core {
    /// Whether flows came whose processes are not known yet.
    pub fn wants_owners(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Takes what was found: for the flows that came lately, and for those that will come.
    pub fn set_owners(&mut self, owners: Arc<Owners>) {
        for slot in std::mem::take(&mut self.fresh) {
            let flow = self.flows.get(slot);
            if flow.is_alive() && flow.start_us > owners.looked_us {
                self.fresh.push(slot);
            } else if flow.is_alive() {
                let found = owners.of(flow);
                let known = &mut self.cold.get_mut(slot).processes;
                for (known, found) in known.iter_mut().zip(found) {
                    if found != 0 {
                        *known = found;
                    }
                }
                let processes = *known;
                self.learn_names(processes);
            }
        }
        self.owners = owners;
    }

    fn learn_names(&mut self, processes: [u32; 2]) {
        if self.output.seen.processes.len() > MAX_NAMES {
            self.output.write_waiting();
            self.output.seen.processes.clear();
        }
        let names = &mut self.output.seen.processes;
        for process in processes.into_iter().filter(|process| *process != 0) {
            names.entry(process).or_insert_with(|| {
                // Gone already: a name that stays empty.
                std::fs::read_to_string(format!("/proc/{process}/comm"))
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned()
            });
        }
    }
}
