//! Link layers: where the IP header begins.

use super::{Packet, Unparsed, be16, tunnel};

/// Link types by their number in capture files (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Ethernet,
    /// IP without anything in front.
    Raw,
    /// BSD loopback: four bytes of address family, in the byte order of the writer or of the network.
    Null,
    /// Linux cooked capture.
    Sll,
    Sll2,
    /// PPP, with the address and control bytes of HDLC in front or without.
    Ppp,
    /// Cisco's HDLC.
    Hdlc,
    /// What nftables and iptables log: attributes, one of which is the packet.
    Nflog,
    Unknown(u32),
}

impl Link {
    pub fn from_number(number: u32) -> Link {
        match number {
            1 => Link::Ethernet,
            0 | 108 => Link::Null,
            12 | 14 | 101 | 228 | 229 => Link::Raw,
            9 | 50 => Link::Ppp,
            104 => Link::Hdlc,
            113 => Link::Sll,
            239 => Link::Nflog,
            276 => Link::Sll2,
            other => Link::Unknown(other),
        }
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Notes the VLAN and gives the offset of the IP header.
#[inline]
pub(super) fn strip(link: Link, frame: &[u8], packet: &mut Packet) -> Result<usize, Unparsed> {
    match link {
        Link::Ethernet => ethertype(frame, 12, packet),
        Link::Sll => ethertype(frame, 14, packet),
        Link::Sll2 => match be16(frame, 0) {
            Some(IPV4 | IPV6) => Ok(20),
            Some(kind) => tunnel::typed(frame, kind, 20, packet),
            None => Err(Unparsed::Truncated),
        },
        Link::Raw => Ok(0),
        Link::Null => Ok(4),
        Link::Hdlc => ethertype(frame, 2, packet),
        Link::Ppp => ppp(frame, packet),
        Link::Nflog => logged(frame),
        Link::Unknown(_) => Err(Unparsed::Link),
    }
}

/// Follows VLAN tags (802.1Q, 802.1ad and the older QinQ type) and what else lies between from the type field at `at`. The two outermost
/// ids are kept.
#[inline]
pub(super) fn ethertype(frame: &[u8], mut at: usize, packet: &mut Packet) -> Result<usize, Unparsed> {
    let mut tags = 0;
    loop {
        match be16(frame, at).ok_or(Unparsed::Truncated)? {
            IPV4 | IPV6 => return Ok(at + 2),
            0x8100 | 0x88a8 | 0x9100 if tags < 4 => {
                let control = be16(frame, at + 2).ok_or(Unparsed::Truncated)?;
                match tags {
                    0 => packet.vlan = control & 0x0fff,
                    1 => packet.vlan_inner = control & 0x0fff,
                    _ => {}
                }
                tags += 1;
                at += 4;
            }
            kind => return tunnel::typed(frame, kind, at + 2, packet),
        }
    }
}

/// The protocol in front of a packet is one byte where it is odd and both ends agreed to that, else two (RFC 1661, 2; RFC 1662, 3.1).
fn ppp(frame: &[u8], packet: &mut Packet) -> Result<usize, Unparsed> {
    let at = if frame.starts_with(&[0xff, 3]) { 2 } else { 0 };
    match frame.get(at..at + 2).ok_or(Unparsed::Truncated)? {
        [0, 0x21 | 0x57] => Ok(at + 2),
        [0x21 | 0x57, _] => Ok(at + 1),
        [2, 0x81] => tunnel::typed(frame, 0x8847, at + 2, packet),
        _ => Err(Unparsed::NotIp),
    }
}

/// Attributes behind four bytes: each a length, in the byte order of who wrote it, that counts its own head, and a kind; they begin at multiples
/// of four.
fn logged(frame: &[u8]) -> Result<usize, Unparsed> {
    const PACKET: u16 = 9;
    let mut at = 4;
    loop {
        let head = frame.get(at..at + 4).ok_or(Unparsed::NotIp)?;
        let (length, kind) = (u16::from_ne_bytes([head[0], head[1]]), u16::from_ne_bytes([head[2], head[3]]));
        match (kind & 0x7fff, usize::from(length)) {
            (_, ..4) => return Err(Unparsed::Malformed),
            (PACKET, _) => return Ok(at + 4),
            (_, length) => at += length.next_multiple_of(4),
        }
    }
}

/// Source and destination MAC, 0 where the link has none. `ethernet_at`: where the MAC header of what is inside a tunnel begins, else 0.
pub fn macs(link: Link, frame: &[u8], ethernet_at: u16) -> (u64, u64) {
    let start = usize::from(ethernet_at);
    if start > 0 {
        let frame = frame.get(start..).unwrap_or(&[]);
        return macs(Link::Ethernet, frame, 0);
    }
    let mac = |at: usize| {
        frame
            .get(at..at + 6)
            .map_or(0, |bytes| bytes.iter().fold(0, |mac, byte| mac << 8 | u64::from(*byte)))
    };
    match link {
        Link::Ethernet => (mac(6), mac(0)),
        Link::Sll => (mac(6), 0),
        Link::Sll2 => (mac(12), 0),
        _ => (0, 0),
    }
}
