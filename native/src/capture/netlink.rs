//! Dumps over netlink: the sockets (sock_diag(7)) and the addresses (rtnetlink(7)) of one network namespace.

use super::checked;
use crate::packet::Ip;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A socket that belongs to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    pub protocol: u8,
    pub local: (Ip, u16),
    /// Port 0: it listens, or takes from anybody.
    pub remote: (Ip, u16),
    pub inode: u32,
}

/// Answers read in one dump; a machine with more sockets is asked for the first of them only.
const MAX_MESSAGES: usize = 200_000;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const LISTEN: u32 = 1 << 10;
const ESTABLISHED: u32 = 1 << 1;
const CLOSE_WAIT: u32 = 1 << 8;
/// State of a UDP socket that is not connected.
const CLOSE: u32 = 1 << 7;

/// Netlink sockets of one network namespace.
pub struct Netlink {
    diag: OwnedFd,
    route: OwnedFd,
}

fn open(protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    let socket = checked(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the descriptor was just made and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let patience = libc::timeval {
        tv_sec: 0,
        tv_usec: 200_000,
    };
    super::ring::set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &patience)?;
    Ok(socket)
}

impl Netlink {
    /// In the network namespace of the calling thread.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn open() -> io::Result<Netlink> {
        Ok(Netlink {
            diag: open(libc::NETLINK_SOCK_DIAG)?,
            route: open(libc::NETLINK_ROUTE)?,
        })
    }

    /// TCP and UDP sockets that listen or are connected.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn sockets(&self) -> io::Result<Vec<Socket>> {
        let mut found = Vec::new();
        for (protocol, states) in [(6u8, LISTEN | ESTABLISHED | CLOSE_WAIT), (17, ESTABLISHED | CLOSE)] {
            for family in [libc::AF_INET as u8, libc::AF_INET6 as u8] {
                let mut request = [0; 56];
                request[..2].copy_from_slice(&[family, protocol]);
                request[4..8].copy_from_slice(&states.to_ne_bytes());
                dump(&self.diag, SOCK_DIAG_BY_FAMILY, &request, |body| {
                    found.extend(socket(body, protocol))
                })?;
            }
        }
        Ok(found)
    }

    /// Every address of the namespace's interfaces.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn addresses(&self) -> io::Result<Vec<Ip>> {
        let mut found = Vec::new();
        dump(&self.route, libc::RTM_GETADDR, &[0; 8], |body| found.extend(address(body)))?;
        Ok(found)
    }
}

/// `struct inet_diag_msg`.
fn socket(body: &[u8], protocol: u8) -> Option<Socket> {
    let family = *body.first()?;
    let port = |at: usize| Some(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?));
    let ip = |at: usize| ip(body.get(at..at + 16)?, family);
    let inode = u32::from_ne_bytes(body.get(68..72)?.try_into().ok()?);
    (inode != 0).then_some(Socket {
        protocol,
        local: (ip(8)?, port(4)?),
        remote: (ip(24)?, port(6)?),
        inode,
    })
}

/// `struct ifaddrmsg` and its attributes.
fn address(body: &[u8]) -> Option<Ip> {
    let family = *body.first()?;
    let mut attributes = body.get(8..)?;
    while attributes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
        let kind = u16::from_ne_bytes([attributes[2], attributes[3]]);
        let value = attributes.get(4..length)?;
        // IFA_LOCAL where there is one; IPv6 has IFA_ADDRESS only.
        if kind == 2 || (kind == 1 && family == libc::AF_INET6 as u8) {
            return ip(value, family);
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    None
}

/// An address; IPv4 in IPv6 becomes IPv4, as it is on the wire.
fn ip(bytes: &[u8], family: u8) -> Option<Ip> {
    if family == libc::AF_INET as u8 {
        return Some([0, u64::from(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))]);
    }
    let halves = [
        u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?),
        u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?),
    ];
    if halves[0] == 0 && halves[1] >> 32 == 0xffff {
        return Some([0, halves[1] & 0xffff_ffff]);
    }
    Some(halves)
}

/// Asks for everything, and gives the body of each message to `each`.
fn dump(socket: &OwnedFd, kind: u16, request: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut message = Vec::with_capacity(16 + request.len());
    message.extend(((16 + request.len()) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(request);
    // SAFETY: the pointer and the length describe `message`, which the kernel only reads.
    if unsafe { libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut buffer = vec![0u8; 32 << 10];
    let mut messages = 0;
    loop {
        // SAFETY: the pointer and the length describe `buffer`.
        let got = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        if got < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut rest = &buffer[..got as usize];
        while rest.len() >= 16 {
            let length = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            let kind = i32::from(u16::from_ne_bytes([rest[4], rest[5]]));
            if kind == libc::NLMSG_DONE || kind == libc::NLMSG_ERROR {
                return Ok(());
            }
            let Some(body) = rest.get(16..length) else { return Ok(()) };
            messages += 1;
            if messages < MAX_MESSAGES {
                each(body);
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        if got == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn own_sockets_and_addresses_are_found() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0");
        let netlink = Netlink::open().unwrap();
        let sockets = netlink.sockets().unwrap();
        let loopback: Ip = [0, 0x7f00_0001];
        assert!(
            sockets
                .iter()
                .any(|one| one.protocol == 6 && one.local == (loopback, tcp.local_addr().unwrap().port()) && one.remote.1 == 0)
        );
        if let Ok(udp) = udp {
            assert!(
                sockets
                    .iter()
                    .any(|one| one.protocol == 17 && one.local == ([0, 1], udp.local_addr().unwrap().port()))
            );
        }
        assert!(netlink.addresses().unwrap().contains(&loopback));
    }

    #[test]
    fn short_messages_are_nothing() {
        for length in 0..72 {
            assert_eq!(socket(&vec![2; length], 6), None);
            let _ = address(&vec![2; length]);
        }
    }
}
