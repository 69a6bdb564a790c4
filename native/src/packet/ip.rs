//! IPv4, IPv6 with its extension headers, and the transport header behind them.

use super::{Fragment, Link, Packet, TCP, UDP, Unparsed, be16, be32, be64};

/// What most frames are, in one look: TCP in whole IPv4 without options, in Ethernet without tags. None for all others, and for those that
/// contradict themselves: [`read`] says why.
#[inline(always)]
pub fn usual(link: Link, frame: &[u8], wire_len: u32, time_us: i64) -> Option<Packet> {
    const IP: usize = 14;
    const TRANSPORT: usize = IP + 20;
    let head: &[u8; TRANSPORT + 20] = frame.first_chunk()?;
    let half = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // EtherType, version with header length, and TCP without a fragment's offset or "more" bit.
    let is_usual = link == Link::Ethernet && half(12) == 0x0800 && head[IP] == 0x45 && half(IP + 6) & 0x3fff == 0 && head[IP + 9] == TCP;
    let wire = (wire_len as usize).max(frame.len());
    let (total, header) = (usize::from(half(IP + 2)).min(wire - IP), usize::from(head[TRANSPORT + 12] >> 4) * 4);
    if !is_usual || header < 20 || total < 20 + header {
        return None;
    }
    let (end, begin) = (IP + total, TRANSPORT + header);
    Some(Packet {
        time_us,
        src: [0, u64::from(word(IP + 12))],
        dst: [0, u64::from(word(IP + 16))],
        src_port: half(TRANSPORT),
        dst_port: half(TRANSPORT + 2),
        protocol: TCP,
        tcp_flags: head[TRANSPORT + 13],
        window: half(TRANSPORT + 14),
        seq: word(TRANSPORT + 4),
        ack: word(TRANSPORT + 8),
        frame_bytes: end as u32,
        l3_bytes: (total - 20) as u32,
        l4_bytes: (end - begin) as u32,
        payload_at: begin as u32,
        payload_len: end.min(frame.len()).saturating_sub(begin) as u32,
        ..Packet::default()
    })
}

/// Reads the IP header at `at` and the transport header. `wire` is the frame's length before it was cut.
#[inline]
pub(super) fn read(frame: &[u8], at: usize, wire: usize, packet: &mut Packet) -> Result<(), Unparsed> {
    match frame.get(at).ok_or(Unparsed::Truncated)? >> 4 {
        4 => ipv4(frame, at, wire, packet),
        6 => ipv6(frame, at, wire, packet),
        _ => Err(Unparsed::Malformed),
    }
}

#[inline]
fn ipv4(frame: &[u8], at: usize, wire: usize, packet: &mut Packet) -> Result<(), Unparsed> {
    let head: &[u8; 20] = frame
        .get(at..at + 20)
        .and_then(|head| head.try_into().ok())
        .ok_or(Unparsed::Truncated)?;
    let header = usize::from(head[0] & 15) * 4;
    if header < 20 {
        return Err(Unparsed::Malformed);
    }
    // 0: a segment larger than the field can say, on its way through segmentation offload.
    let told = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let room = wire.checked_sub(at).ok_or(Unparsed::Malformed)?;
    let total = if told == 0 { room } else { told.min(room) };
    if total < header {
        return Err(Unparsed::Malformed);
    }
    packet.protocol = head[9];
    packet.src = [0, u64::from(u32::from_be_bytes([head[12], head[13], head[14], head[15]]))];
    packet.dst = [0, u64::from(u32::from_be_bytes([head[16], head[17], head[18], head[19]]))];
    packet.frame_bytes = (at + total) as u32;
    packet.l3_bytes = (total - header) as u32;
    let offset = u16::from_be_bytes([head[6], head[7]]);
    if offset & 0x3fff != 0 {
        packet.ip_id = u32::from(u16::from_be_bytes([head[4], head[5]]));
        packet.fragment = if offset & 0x1fff == 0 { Fragment::First } else { Fragment::Later };
    }
    transport(frame, at + header, at + total, packet)
}

#[inline]
fn ipv6(frame: &[u8], at: usize, wire: usize, packet: &mut Packet) -> Result<(), Unparsed> {
    let head = frame.get(at..at + 40).ok_or(Unparsed::Truncated)?;
    let told = usize::from(be16(head, 4).ok_or(Unparsed::Truncated)?);
    let end = if told == 0 { wire } else { (at + 40 + told).min(wire) };
    // What is around it may be shorter than this header.
    if end < at + 40 {
        return Err(Unparsed::Malformed);
    }
    packet.is_ipv6 = true;
    packet.src = [
        be64(head, 8).ok_or(Unparsed::Truncated)?,
        be64(head, 16).ok_or(Unparsed::Truncated)?,
    ];
    packet.dst = [
        be64(head, 24).ok_or(Unparsed::Truncated)?,
        be64(head, 32).ok_or(Unparsed::Truncated)?,
    ];
    packet.frame_bytes = end as u32;
    packet.l3_bytes = (end - at - 40) as u32;
    let mut next = head[6];
    let mut at = at + 40;
    // A chain is at most as long as the payload, and each header takes at least eight bytes of it; real chains have one or two.
    for _ in 0..16 {
        match next {
            0 | 43 | 60 | 135 => {
                let length = 8 + 8 * usize::from(*frame.get(at + 1).ok_or(Unparsed::Truncated)?);
                next = frame[at];
                at += length;
            }
            51 => {
                let length = 8 + 4 * usize::from(*frame.get(at + 1).ok_or(Unparsed::Truncated)?);
                next = frame[at];
                at += length;
            }
            44 => {
                let offset = be16(frame, at + 2).ok_or(Unparsed::Truncated)?;
                if offset & 0xfff9 != 0 {
                    packet.ip_id = be32(frame, at + 4).ok_or(Unparsed::Truncated)?;
                    packet.fragment = if offset & 0xfff8 == 0 { Fragment::First } else { Fragment::Later };
                }
                next = frame[at];
                at += 8;
                if packet.fragment == Fragment::Later {
                    break;
                }
            }
            _ => break,
        }
    }
    if at > end {
        return Err(Unparsed::Malformed);
    }
    packet.protocol = next;
    transport(frame, at, end, packet)
}

/// Reads ports, TCP fields and the payload's place; the datagram is `at..end` of the frame, of which a part may not be captured.
#[inline]
fn transport(frame: &[u8], at: usize, end: usize, packet: &mut Packet) -> Result<(), Unparsed> {
    let length = end - at;
    let mut header = 0;
    if packet.fragment != Fragment::Later {
        match packet.protocol {
            TCP => {
                // Twenty bytes of it are needed; options may be cut off.
                let head: &[u8; 20] = frame
                    .get(at..at + 20)
                    .and_then(|head| head.try_into().ok())
                    .ok_or(Unparsed::Truncated)?;
                header = usize::from(head[12] >> 4) * 4;
                if header < 20 || header > length {
                    return Err(Unparsed::Malformed);
                }
                packet.src_port = u16::from_be_bytes([head[0], head[1]]);
                packet.dst_port = u16::from_be_bytes([head[2], head[3]]);
                packet.seq = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
                packet.ack = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
                packet.tcp_flags = head[13];
                packet.window = u16::from_be_bytes([head[14], head[15]]);
            }
            UDP | 136 => {
                ports(frame, at, packet)?;
                header = 8;
            }
            132 => {
                ports(frame, at, packet)?;
                header = 12;
            }
            _ => {}
        }
        if header > length {
            return Err(Unparsed::Malformed);
        }
    }
    packet.l4_bytes = (length - header) as u32;
    let begin = at + header;
    packet.payload_at = begin as u32;
    packet.payload_len = end.min(frame.len()).saturating_sub(begin) as u32;
    Ok(())
}

#[inline]
fn ports(frame: &[u8], at: usize, packet: &mut Packet) -> Result<(), Unparsed> {
    packet.src_port = be16(frame, at).ok_or(Unparsed::Truncated)?;
    packet.dst_port = be16(frame, at + 2).ok_or(Unparsed::Truncated)?;
    Ok(())
}
