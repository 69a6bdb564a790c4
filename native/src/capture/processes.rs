//! Which process has the socket at an end of a flow: sockets by netlink, their owners by `/proc/*/fd`. Best effort: a process that is
//! gone before it was looked for is not found, but a server is known from the moment it was seen to listen.

use super::Namespace;
use crate::engine::Owners;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Looking costs at most this part of the time.
const SHARE: u32 = 20;
/// Inodes remembered; beyond that the memory begins anew.
const MAX_INODES: usize = 200_000;

/// Finds owners now and then.
#[derive(Default)]
pub struct Processes {
    /// Inode of a socket → process.
    owners: HashMap<u32, u32>,
    next: Option<Instant>,
}

impl Processes {
    /// The next look is due at once.
    pub fn hurry(&mut self) {
        self.next = None;
    }

    /// Looks again where it is time to. Gives what is known about the ends of flows.
    pub fn look(&mut self, namespaces: &[Namespace]) -> Option<Owners> {
        let began = Instant::now();
        if self.next.is_some_and(|next| began < next) {
            return None;
        }
        let mut found = Owners::looked_at(super::now_us());
        let mut sockets = Vec::new();
        for namespace in namespaces {
            // A namespace that does not answer is one whose processes are not known, nothing more.
            for ip in namespace.netlink.addresses().unwrap_or_default() {
                found.add_address(ip, namespace.number);
            }
            sockets.extend(
                namespace
                    .netlink
                    .sockets()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|socket| (namespace.number, socket)),
            );
        }
        if sockets.iter().any(|(_, socket)| !self.owners.contains_key(&socket.inode)) {
            self.scan();
        }
        let alive: HashSet<u32> = sockets.iter().map(|(_, socket)| socket.inode).collect();
        self.owners.retain(|inode, _| alive.contains(inode));
        for (netns, socket) in sockets {
            match self.owners.get(&socket.inode) {
                Some(&process) if process != 0 => found.add_socket(netns, &socket, process),
                Some(_) => {}
                // Its owner is in no namespace that we see: it is not looked for again.
                None => {
                    self.owners.insert(socket.inode, 0);
                }
            }
        }
        self.next = Some(Instant::now() + (began.elapsed() * SHARE).max(Duration::from_millis(900)));
        Some(found)
    }

    fn scan(&mut self) {
        if self.owners.len() > MAX_INODES {
            self.owners.clear();
        }
        let Ok(entries) = std::fs::read_dir("/proc") else { return };
        for entry in entries.flatten() {
            let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // A process may end, or be none of our business, at any moment.
            let Ok(files) = std::fs::read_dir(entry.path().join("fd")) else {
                continue;
            };
            for file in files.flatten() {
                let Ok(target) = std::fs::read_link(file.path()) else { continue };
                let inode = target
                    .to_str()
                    .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
                if let Some(inode) = inode {
                    self.owners.insert(inode, process);
                }
            }
        }
    }
}
