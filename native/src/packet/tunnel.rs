//! Tunnels: what is inside is what talks; the outside is kept as ids.
//!
//! Sources: RFC 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe, RFC 8300 (NSH), RFC 8926 (Geneve), RFC 2784/2890 (GRE), RFC 7637 (NVGRE),
//! draft-foschiano-erspan (I to III), RFC 2003/4213 (IP in IP), RFC 3032/4023/7510 (MPLS), 3GPP TS 29.281 (GTP-U).

use super::link::ethertype;
use super::{Fragment, Packet, UDP, Unparsed, be16, be32, ip};

/// `tunnel_type` of a row; the numbers are those of `libs.catalog`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    #[default]
    None = 0,
    Vxlan = 1,
    /// IPv4 or IPv6 in IPv4 or IPv6, 6in4 too.
    IpIp = 2,
    Gre = 3,
    Geneve = 4,
    Erspan = 5,
    /// Ethernet in GRE.
    Nvgre = 6,
    VxlanGpe = 7,
    Nsh = 8,
    Mpls = 9,
    GtpU = 10,
    Pppoe = 11,
}

/// One encapsulation: VNI, key, session, label, path or TEID, 0 where it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    pub kind: Kind,
    pub id: u32,
}

impl Tunnel {
    /// Whether addresses inside may mean something else under another id.
    pub fn is_overlay(self) -> bool {
        matches!(self.kind, Kind::Vxlan | Kind::VxlanGpe | Kind::Geneve | Kind::Nvgre)
    }
}

/// Encapsulations that are taken off.
pub const DEPTH: usize = 2;

/// What follows an encapsulation's header.
#[derive(Clone, Copy)]
enum Inner {
    Ip(usize),
    /// A MAC header.
    Ethernet(usize),
    /// What a type field elsewhere says.
    Typed(u16, usize),
}

const IP_IN_IP: u8 = 4;
const IP6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const MPLS_IN_IP: u8 = 137;
const MPLS_IN_UDP: u16 = 6635;

const ETHERNET: u16 = 0x6558;
const NSH: u16 = 0x894f;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// Takes off what `packet` carries, as long as it is a tunnel and its inside makes sense; else the outside is what there is.
#[inline]
pub(super) fn unwrap(frame: &[u8], packet: &mut Packet) {
    while packet.fragment == Fragment::Whole && is_candidate(packet) && one(frame, packet) == Some(()) {}
}

#[inline]
fn is_candidate(packet: &Packet) -> bool {
    matches!(packet.protocol, UDP | IP_IN_IP | IP6_IN_IP | GRE | MPLS_IN_IP)
}

fn one(frame: &[u8], outer: &mut Packet) -> Option<()> {
    let at = outer.payload_at as usize;
    let end = at + outer.l4_bytes as usize;
    let (tunnel, inner) = match outer.protocol {
        UDP if outer.dst_port == MPLS_IN_UDP => return inside(frame, Inner::Typed(MPLS, at), end, None, outer),
        UDP => in_udp(frame, at, outer)?,
        IP_IN_IP | IP6_IN_IP => (Tunnel { kind: Kind::IpIp, id: 0 }, Inner::Ip(at)),
        GRE => gre(frame, at)?,
        _ => return inside(frame, Inner::Typed(MPLS, at), end, None, outer),
    };
    inside(frame, inner, end, Some(tunnel), outer)
}

/// Reads what lies inside, and makes it the packet.
fn inside(frame: &[u8], inner: Inner, end: usize, tunnel: Option<Tunnel>, outer: &mut Packet) -> Option<()> {
    let mut packet = Packet {
        time_us: outer.time_us,
        vlan: outer.vlan,
        vlan_inner: outer.vlan_inner,
        tunnels: outer.tunnels,
        nic: outer.nic,
        netns: outer.netns,
        ethernet_at: outer.ethernet_at,
        ..Packet::default()
    };
    if let Some(tunnel) = tunnel {
        packet.enter(tunnel)?;
    }
    let at = match inner {
        Inner::Ip(at) => at,
        Inner::Ethernet(at) => {
            packet.ethernet_at = u16::try_from(at).ok()?;
            let mut tags = Packet { vlan: 0, ..packet };
            let found = ethertype(frame, at + 12, &mut tags).ok()?;
            let (vlan, vlan_inner) = if packet.vlan == 0 {
                (tags.vlan, tags.vlan_inner)
            } else {
                (packet.vlan, packet.vlan_inner)
            };
            packet = Packet { vlan, vlan_inner, ..tags };
            found
        }
        Inner::Typed(kind, at) => typed(frame, kind, at, &mut packet).ok()?,
    };
    if at >= end {
        return None;
    }
    ip::read(frame, at, end, &mut packet).ok()?;
    // What was on the wire is the whole frame.
    packet.frame_bytes = outer.frame_bytes;
    *outer = packet;
    Some(())
}

/// Tells apart the address spaces of overlay networks: 0 for packets that came in none.
#[inline]
pub fn scope(packet: &Packet) -> u16 {
    match packet.tunnels {
        [first, _] if first.kind == Kind::None => 0,
        tunnels => tunnels
            .iter()
            .filter(|tunnel| tunnel.is_overlay())
            .fold(0, |scope, tunnel| scope ^ ((tunnel.id + 1).wrapping_mul(0x9e37_79b1) >> 16) as u16),
    }
}

impl Packet {
    /// Notes one more encapsulation; None where that is one too many.
    #[inline]
    pub(super) fn enter(&mut self, tunnel: Tunnel) -> Option<()> {
        *self.tunnels.iter_mut().find(|free| free.kind == Kind::None)? = tunnel;
        Some(())
    }
}

/// Offset of the IP header behind the header of type `kind` at `at`: label stacks, service headers, PPPoE.
#[cold]
pub(super) fn typed(frame: &[u8], kind: u16, at: usize, packet: &mut Packet) -> Result<usize, Unparsed> {
    match kind {
        0x0800 | 0x86dd => Ok(at),
        MPLS | MPLS_MULTICAST => labels(frame, at, packet),
        NSH => service_header(frame, at, packet),
        0x8864 => pppoe(frame, at, packet),
        _ => Err(Unparsed::NotIp),
    }
}

fn labels(frame: &[u8], mut at: usize, packet: &mut Packet) -> Result<usize, Unparsed> {
    let mut first = None;
    // A stack of more than a few labels is no stack.
    for depth in 0.. {
        if depth == 16 {
            return Err(Unparsed::Malformed);
        }
        let entry = be32(frame, at).ok_or(Unparsed::Truncated)?;
        first.get_or_insert(entry >> 12);
        at += 4;
        if entry & 0x100 != 0 {
            break;
        }
    }
    let label = first.unwrap_or_default();
    packet
        .enter(Tunnel {
            kind: Kind::Mpls,
            id: label,
        })
        .ok_or(Unparsed::NotIp)?;
    match frame.get(at).ok_or(Unparsed::Truncated)? >> 4 {
        4 | 6 => Ok(at),
        // A pseudowire: a control word, then Ethernet.
        0 => {
            packet.ethernet_at = u16::try_from(at + 4).map_err(|_| Unparsed::Malformed)?;
            ethertype(frame, at + 16, packet)
        }
        _ => Err(Unparsed::NotIp),
    }
}

fn service_header(frame: &[u8], at: usize, packet: &mut Packet) -> Result<usize, Unparsed> {
    let base = be32(frame, at).ok_or(Unparsed::Truncated)?;
    let words = (base >> 16 & 0x3f) as usize;
    if base >> 30 != 0 || words < 2 {
        return Err(Unparsed::Malformed);
    }
    let path = be32(frame, at + 4).ok_or(Unparsed::Truncated)? >> 8;
    packet.enter(Tunnel { kind: Kind::Nsh, id: path }).ok_or(Unparsed::NotIp)?;
    let at = at + words * 4;
    match base & 0xff {
        1 | 2 => Ok(at),
        3 => {
            packet.ethernet_at = u16::try_from(at).map_err(|_| Unparsed::Malformed)?;
            ethertype(frame, at + 12, packet)
        }
        5 => labels(frame, at, packet),
        _ => Err(Unparsed::NotIp),
    }
}

fn pppoe(frame: &[u8], at: usize, packet: &mut Packet) -> Result<usize, Unparsed> {
    let head = frame.get(at..at + 8).ok_or(Unparsed::Truncated)?;
    let session = u32::from(u16::from_be_bytes([head[2], head[3]]));
    match [head[0], head[1], head[6], head[7]] {
        [0x11, 0, 0, 0x21 | 0x57] => {
            packet
                .enter(Tunnel {
                    kind: Kind::Pppoe,
                    id: session,
                })
                .ok_or(Unparsed::NotIp)?;
            Ok(at + 8)
        }
        _ => Err(Unparsed::NotIp),
    }
}

fn in_udp(frame: &[u8], at: usize, outer: &Packet) -> Option<(Tunnel, Inner)> {
    match outer.dst_port {
        4789 | 8472 => vxlan(frame, at),
        4790 => vxlan_gpe(frame, at),
        6081 => geneve(frame, at),
        2152 => gtp_u(frame, at),
        // VXLAN is used on other ports too; there everything about it has to be right.
        _ => vxlan(frame, at).filter(|_| is_strictly_vxlan(frame, at, outer.payload_at as usize + outer.l4_bytes as usize)),
    }
}

fn vxlan(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let flags = be32(frame, at)?;
    // There is a VNI. Other bits are to be ignored, but some senders say here too what is inside.
    match flags & 0x0c00_0000 {
        0x0800_0000 => {}
        0x0c00_0000 => return vxlan_gpe(frame, at),
        _ => return None,
    }
    let id = be32(frame, at + 4)? >> 8;
    Some((Tunnel { kind: Kind::Vxlan, id }, Inner::Ethernet(at + 8)))
}

/// Reserved bits are zero, and what is inside is IP of just the length that is left.
fn is_strictly_vxlan(frame: &[u8], at: usize, end: usize) -> bool {
    let inner = at + 8;
    be32(frame, at) == Some(0x0800_0000)
        && frame.get(at + 7) == Some(&0)
        && match be16(frame, inner + 12) {
            Some(0x0800) => {
                frame.get(inner + 14).is_some_and(|head| head >> 4 == 4)
                    && be16(frame, inner + 16)
                        .is_some_and(|total| inner + 14 + usize::from(total) <= end && end <= inner + 14 + usize::from(total).max(46))
            }
            Some(0x86dd) => {
                frame.get(inner + 14).is_some_and(|head| head >> 4 == 6)
                    && be16(frame, inner + 18).is_some_and(|payload| inner + 54 + usize::from(payload) == end)
            }
            _ => false,
        }
}

fn vxlan_gpe(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let head = be32(frame, at)?;
    // Version 0, a VNI, and a next protocol.
    if head & 0x3c00_0000 != 0x0c00_0000 {
        return None;
    }
    let id = be32(frame, at + 4)? >> 8;
    let inner = match head & 0xff {
        1 | 2 => Inner::Ip(at + 8),
        3 => Inner::Ethernet(at + 8),
        4 => Inner::Typed(NSH, at + 8),
        5 => Inner::Typed(MPLS, at + 8),
        _ => return None,
    };
    Some((Tunnel { kind: Kind::VxlanGpe, id }, inner))
}

fn geneve(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let head = frame.get(at..at + 8)?;
    if head[0] >> 6 != 0 {
        return None;
    }
    let begin = at + 8 + usize::from(head[0] & 0x3f) * 4;
    let id = be32(head, 4)? >> 8;
    let inner = match u16::from_be_bytes([head[2], head[3]]) {
        ETHERNET => Inner::Ethernet(begin),
        kind => Inner::Typed(kind, begin),
    };
    Some((Tunnel { kind: Kind::Geneve, id }, inner))
}

fn gtp_u(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let head = frame.get(at..at + 8)?;
    // Version 1, GTP and not GTP', a user packet.
    if head[0] & 0xf0 != 0x30 || head[1] != 0xff {
        return None;
    }
    let id = be32(head, 4)?;
    let mut begin = at + 8;
    if head[0] & 7 != 0 {
        let mut next = *frame.get(begin + 3)?;
        begin += 4;
        let mut extensions = 0;
        while next != 0 {
            let words = usize::from(*frame.get(begin)?);
            extensions += 1;
            if words == 0 || extensions > 8 {
                return None;
            }
            begin += words * 4;
            next = *frame.get(begin - 1)?;
        }
    }
    Some((Tunnel { kind: Kind::GtpU, id }, Inner::Ip(begin)))
}

fn gre(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let (flags, kind) = (be16(frame, at)?, be16(frame, at + 2)?);
    // Version 0, no source route.
    if flags & 0x4007 != 0 {
        return None;
    }
    let mut begin = at + 4;
    if flags & 0x8000 != 0 {
        begin += 4;
    }
    let mut key = 0;
    if flags & 0x2000 != 0 {
        key = be32(frame, begin)?;
        begin += 4;
    }
    let has_sequence = flags & 0x1000 != 0;
    if has_sequence {
        begin += 4;
    }
    match kind {
        ETHERNET => Some((
            Tunnel {
                kind: Kind::Nvgre,
                id: key >> 8,
            },
            Inner::Ethernet(begin),
        )),
        // Without a sequence number it is the first version, which has no header of its own.
        ERSPAN if !has_sequence => Some((Tunnel { kind: Kind::Erspan, id: 0 }, Inner::Ethernet(begin))),
        ERSPAN | ERSPAN_III => erspan(frame, begin),
        kind => Some((Tunnel { kind: Kind::Gre, id: key }, Inner::Typed(kind, begin))),
    }
}

fn erspan(frame: &[u8], at: usize) -> Option<(Tunnel, Inner)> {
    let head = be32(frame, at)?;
    let tunnel = Tunnel {
        kind: Kind::Erspan,
        id: head & 0x3ff,
    };
    match head >> 28 {
        1 => Some((tunnel, Inner::Ethernet(at + 8))),
        2 => {
            let tail = be32(frame, at + 8)?;
            let begin = at + if tail & 1 != 0 { 20 } else { 12 };
            match tail >> 10 & 0x1f {
                0 => Some((tunnel, Inner::Ethernet(begin))),
                2 => Some((tunnel, Inner::Ip(begin))),
                _ => None,
            }
        }
        _ => None,
    }
}
