//! Longest-prefix match: one map, asked for each length that occurs in the VPC, longest first.

use super::table::Ip;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Prefixes of all VPCs. IPv4 prefixes live in the mapped range, so their lengths count from 96.
#[derive(Default)]
pub struct Cidrs {
    prefixes: HashMap<(u32, u8, u128), u32, RandomState>,
    /// Lengths that occur in a VPC, longest first.
    lengths: HashMap<u32, Vec<u8>, RandomState>,
}

impl Cidrs {
    /// Adds a prefix of 4 or 16 bytes; one that is neither, or longer than its address, is left out.
    pub fn add(&mut self, vpc_id: u32, prefix: &[u8], bits: u32, entry: u32) {
        let Some(ip) = Ip::from_bytes(prefix) else { return };
        if bits as usize > prefix.len() * 8 {
            return;
        }
        let bits = bits as u8 + if prefix.len() == 4 { 96 } else { 0 };
        self.prefixes.entry((vpc_id, bits, masked(ip, bits))).or_insert(entry);
        let lengths = self.lengths.entry(vpc_id).or_default();
        if !lengths.contains(&bits) {
            lengths.push(bits);
            lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    /// The entry of the longest prefix that holds the address.
    pub fn find(&self, vpc_id: u32, ip: Ip) -> Option<u32> {
        let lengths = self.lengths.get(&vpc_id)?;
        lengths
            .iter()
            .find_map(|&bits| self.prefixes.get(&(vpc_id, bits, masked(ip, bits))).copied())
    }
}

fn masked(ip: Ip, bits: u8) -> u128 {
    if bits == 0 {
        0
    } else {
        ip.0 & u128::MAX << (128 - u32::from(bits))
    }
}
