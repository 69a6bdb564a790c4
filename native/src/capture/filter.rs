//! The kernel's filter: leaves out what Weir itself says, and the second sighting of loopback frames.
//!
//! Classic BPF reads relative to the network header (`SKF_NET_OFF`), so it does not matter what the link layer is.

use std::net::IpAddr;

/// A socket address of Weir's own: packets from it and to it are not captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Unspecified (0.0.0.0 or ::) stands for every address of its family.
    pub ip: IpAddr,
    pub port: u16,
}

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
/// X = 4 * (byte & 15): the length of an IPv4 header.
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

const NET: u32 = libc::SKF_NET_OFF as u32;
const EXTRA: u32 = libc::SKF_AD_OFF as u32;
const WHOLE: u32 = 0x0004_0000;

/// Most addresses that fit; each takes up to 22 of the kernel's 4096 instructions.
const MAX_EXCLUDED: usize = 160;

fn step(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// The program for these addresses.
pub fn program(excluded: &[Excluded]) -> Vec<libc::sock_filter> {
    let excluded = &excluded[..excluded.len().min(MAX_EXCLUDED)];
    let mut out = vec![
        // Loopback frames are seen on their way out and on their way in; keep the second.
        step(LOAD_HALF, EXTRA + libc::SKF_AD_HATYPE as u32),
        jump(JUMP_EQUAL, u32::from(libc::ARPHRD_LOOPBACK), 0, 3),
        step(LOAD_HALF, EXTRA + libc::SKF_AD_PKTTYPE as u32),
        jump(JUMP_EQUAL, u32::from(libc::PACKET_OUTGOING), 0, 1),
        step(RETURN, 0),
        step(LOAD_HALF, EXTRA + libc::SKF_AD_PROTOCOL as u32),
    ];
    for is_ipv6 in [false, true] {
        let rules: Vec<_> = excluded.iter().filter(|one| one.ip.is_ipv6() == is_ipv6).collect();
        // A jump reaches 255 instructions, a family's rules may be longer: the far one goes over an unconditional jump.
        let body = if is_ipv6 { ipv6(&rules) } else { ipv4(&rules) };
        out.push(jump(JUMP_EQUAL, if is_ipv6 { 0x86dd } else { 0x0800 }, 1, 0));
        out.push(step(0x05, body.len() as u32));
        out.extend(body);
    }
    out.push(step(RETURN, WHOLE));
    out
}

/// TCP or UDP, not a later fragment; X is the length of the IP header.
fn ipv4(rules: &[&Excluded]) -> Vec<libc::sock_filter> {
    let mut out = vec![
        step(LOAD_BYTE, NET + 9),
        jump(JUMP_EQUAL, 6, 2, 0),
        jump(JUMP_EQUAL, 17, 1, 0),
        step(RETURN, WHOLE),
        step(LOAD_HALF, NET + 6),
        jump(JUMP_ANY_BIT, 0x1fff, 0, 1),
        step(RETURN, WHOLE),
        step(LOAD_HEADER_LENGTH, NET),
    ];
    for rule in rules {
        let IpAddr::V4(ip) = rule.ip else { continue };
        for (port_at, ip_at) in [(0, 12), (2, 16)] {
            out.push(step(LOAD_HALF_AT_X, NET + port_at));
            if ip.is_unspecified() {
                out.push(jump(JUMP_EQUAL, u32::from(rule.port), 0, 1));
            } else {
                out.push(jump(JUMP_EQUAL, u32::from(rule.port), 0, 3));
                out.push(step(LOAD_WORD, NET + ip_at));
                out.push(jump(JUMP_EQUAL, u32::from(ip), 0, 1));
            }
            out.push(step(RETURN, 0));
        }
    }
    out.push(step(RETURN, WHOLE));
    out
}

/// TCP or UDP right behind the IPv6 header.
fn ipv6(rules: &[&Excluded]) -> Vec<libc::sock_filter> {
    let mut out = vec![
        step(LOAD_BYTE, NET + 6),
        jump(JUMP_EQUAL, 6, 2, 0),
        jump(JUMP_EQUAL, 17, 1, 0),
        step(RETURN, WHOLE),
    ];
    for rule in rules {
        let IpAddr::V6(ip) = rule.ip else { continue };
        let words = u128::from(ip);
        for (port_at, ip_at) in [(40, 8), (42, 24)] {
            out.push(step(LOAD_HALF, NET + port_at));
            if ip.is_unspecified() {
                out.push(jump(JUMP_EQUAL, u32::from(rule.port), 0, 1));
            } else {
                out.push(jump(JUMP_EQUAL, u32::from(rule.port), 0, 9));
                for word in 0..4u32 {
                    out.push(step(LOAD_WORD, NET + ip_at + 4 * word));
                    out.push(jump(JUMP_EQUAL, (words >> (96 - 32 * word)) as u32, 0, (7 - 2 * word) as u8));
                }
            }
            out.push(step(RETURN, 0));
        }
    }
    out.push(step(RETURN, WHOLE));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jump_lands_inside_the_program() {
        let excluded: Vec<Excluded> = (0..200u16)
            .map(|port| Excluded {
                ip: if port % 3 == 0 {
                    "::1".parse().unwrap()
                } else if port % 3 == 1 {
                    "0.0.0.0".parse().unwrap()
                } else {
                    "10.0.0.1".parse().unwrap()
                },
                port,
            })
            .collect();
        let program = program(&excluded);
        assert!(program.len() < 4096);
        for (at, step) in program.iter().enumerate() {
            let furthest = match step.code & 7 {
                5 if step.code == 0x05 => at + 1 + step.k as usize,
                5 => at + 1 + usize::from(step.jt.max(step.jf)),
                _ => continue,
            };
            assert!(furthest < program.len(), "{at}");
        }
    }
}
