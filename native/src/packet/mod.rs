//! Frames become five-tuples, flags, lengths and the place of the payload. Nothing here keeps state or allocates.
//!
//! Lengths come from the IP header, not from the record: captures pad frames, cut them, and sometimes claim lengths that are wrong.

mod ip;
mod link;
mod quoted;
#[cfg(test)]
mod tests;
pub mod tunnel;

pub use ip::usual;
pub use link::{Link, macs};
pub use quoted::{Trouble, quoted};
pub use tunnel::Tunnel;

/// An address as two big-endian halves; IPv4 is the low half of the second one.
pub type Ip = [u64; 2];

/// TCP flags as they are in the header.
pub mod flag {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const PSH: u8 = 8;
    pub const ACK: u8 = 16;
}

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP6: u8 = 58;

/// Which part of an IP datagram a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragment {
    #[default]
    Whole,
    /// Has the transport header; later ones follow.
    First,
    /// Has no transport header: its ports are those of the first one with the same id.
    Later,
}

/// What the headers of one frame say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet {
    pub time_us: i64,
    pub src: Ip,
    pub dst: Ip,
    pub src_port: u16,
    pub dst_port: u16,
    pub protocol: u8,
    pub is_ipv6: bool,
    pub tcp_flags: u8,
    pub window: u16,
    pub vlan: u16,
    /// The second of two tags.
    pub vlan_inner: u16,
    /// Where the innermost MAC header begins in the frame, where it is not the first one; else 0.
    pub ethernet_at: u16,
    /// What was taken off, outermost first.
    pub tunnels: [Tunnel; tunnel::DEPTH],
    pub seq: u32,
    pub ack: u32,
    /// Frame with link header and tunnels, without padding and check sequence.
    pub frame_bytes: u32,
    /// IP payload.
    pub l3_bytes: u32,
    /// TCP or UDP payload on the wire.
    pub l4_bytes: u32,
    /// Where the captured part of that payload begins in the frame, and how much of it there is.
    pub payload_at: u32,
    pub payload_len: u32,
    /// IP identification, where the packet is a fragment.
    pub ip_id: u32,
    pub fragment: Fragment,
    /// Payload of each packet that offload makes of this one, or made it from; 0 where it is one packet.
    pub segment_bytes: u16,
    /// Interface and network namespace it was seen on, as the capture numbers them.
    pub nic: u16,
    pub netns: u16,
}

impl Packet {
    /// How many packets this is on the wire.
    #[inline]
    pub fn segments(&self) -> u32 {
        self.segments_of(self.l4_bytes)
    }

    /// How many packets `bytes` of its payload are on the wire.
    #[inline]
    pub fn segments_of(&self, bytes: u32) -> u32 {
        if self.segment_bytes == 0 {
            1
        } else {
            bytes.div_ceil(u32::from(self.segment_bytes)).max(1)
        }
    }
}

/// Why a frame is not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// The link type is not known.
    Link,
    /// Not IP: ARP, LLDP …
    NotIp,
    /// The headers go on behind the end of what was captured.
    Truncated,
    /// The headers contradict themselves.
    Malformed,
}

/// Reads the headers of `frame`. `wire_len` is its length before it was cut; at least `frame.len()` is assumed.
///
/// # Errors
/// Why there is nothing to count for a flow.
#[inline]
pub fn parse(link: Link, frame: &[u8], wire_len: u32, time_us: i64) -> Result<Packet, Unparsed> {
    match usual(link, frame, wire_len, time_us) {
        Some(packet) => Ok(packet),
        None => every(link, frame, wire_len, time_us),
    }
}

/// [`parse`] for every frame.
#[inline(never)]
pub fn every(link: Link, frame: &[u8], wire_len: u32, time_us: i64) -> Result<Packet, Unparsed> {
    let mut packet = Packet {
        time_us,
        ..Packet::default()
    };
    let at = link::strip(link, frame, &mut packet)?;
    let wire = (wire_len as usize).max(frame.len());
    ip::read(frame, at, wire, &mut packet)?;
    tunnel::unwrap(frame, &mut packet);
    Ok(packet)
}

/// Addresses of the tunnel that `packet` came in: of the outermost IP header, where it is not the packet's own.
#[must_use]
pub fn outside(link: Link, frame: &[u8], packet: &Packet) -> Option<(Ip, Ip, bool)> {
    let mut outer = Packet::default();
    let at = link::strip(link, frame, &mut outer).ok()?;
    if outer.tunnels == packet.tunnels {
        return None;
    }
    ip::read(frame, at, frame.len(), &mut outer).ok()?;
    Some((outer.src, outer.dst, outer.is_ipv6))
}

#[inline]
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[inline]
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[inline]
fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
