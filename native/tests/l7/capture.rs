//! Just enough of a pcap reader to feed recorded payload to flows: Ethernet, IP, TCP, UDP and ICMP, packets in order.

use crate::rows::Rows;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use weir_native::l7::{FlowL7, L7Packet, L7Seen, L7Settings};

/// Payload of one packet.
#[derive(Clone)]
pub struct Payload {
    pub time_us: i64,
    /// Addresses and ports of both ends, the client's first, and the protocol.
    pub flow: (u32, u16, u32, u16, u8),
    pub from_client: bool,
    pub tcp_seq: u32,
    pub tcp_ack: u32,
    pub bytes: Vec<u8>,
}

/// Every payload of a capture file. The first packet of a flow goes to the server.
pub fn read(path: &Path) -> Vec<Payload> {
    let data = std::fs::read(path).unwrap();
    let le = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
    assert!(matches!(le(0), 0xa1b2_c3d4 | 0xa1b2_cd34), "a capture in µs");
    // One kind of writer says more of each packet.
    let head = if le(0) == 0xa1b2_cd34 { 24 } else { 16 };
    let link = le(20);
    let (mut at, mut payloads, mut clients) = (24, Vec::new(), HashMap::new());
    while at + head <= data.len() {
        let (time_us, length) = (i64::from(le(at)) * 1_000_000 + i64::from(le(at + 4)), le(at + 8) as usize);
        let frame = &data[at + head..at + head + length];
        at += head + length;
        let ip = match link {
            101 => frame,
            _ if frame[12..14] == [0x81, 0] => &frame[18..],
            _ => &frame[14..],
        };
        let be = |at: usize| u16::from_be_bytes([ip[at], ip[at + 1]]);
        let be32 = |at: usize| u32::from_be_bytes(ip[at..at + 4].try_into().unwrap());
        let (protocol, l4, addresses, end) = match ip[0] >> 4 {
            // The last words of the addresses are enough to tell flows apart.
            6 => (ip[6], 40, (be32(20), be32(36)), 40 + usize::from(be(4))),
            _ => (ip[9], usize::from(ip[0] & 15) * 4, (be32(12), be32(16)), usize::from(be(2))),
        };
        let is_icmp = matches!(protocol, 1 | 58);
        let port = |at| if is_icmp { 0 } else { be(at) };
        let (ip, source, target) = (&ip[..end], (addresses.0, port(l4)), (addresses.1, port(l4 + 2)));
        let header = match protocol {
            6 => usize::from(ip[l4 + 12] >> 4) * 4,
            1 | 58 => 0,
            _ => 8,
        };
        let (tcp_seq, tcp_ack) = if protocol == 6 { (be32(l4 + 4), be32(l4 + 8)) } else { (0, 0) };
        let ends = (source.min(target), source.max(target), protocol);
        let from_client = *clients.entry(ends).or_insert(source) == source;
        let (client, server) = if from_client { (source, target) } else { (target, source) };
        let flow = (client.0, client.1, server.0, server.1, protocol);
        if ip.len() > l4 + header {
            payloads.push(Payload {
                time_us,
                flow,
                from_client,
                tcp_seq,
                tcp_ack,
                bytes: ip[l4 + header..].to_vec(),
            });
        }
    }
    payloads
}

/// Cuts TCP payload into single bytes.
pub fn drip(payloads: &[Payload]) -> Vec<Payload> {
    let mut bytes = Vec::new();
    for payload in payloads {
        if payload.flow.4 != 6 {
            bytes.push(payload.clone());
            continue;
        }
        let byte = |(at, byte): (usize, &u8)| Payload {
            bytes: vec![*byte],
            tcp_seq: payload.tcp_seq.wrapping_add(at as u32),
            ..payload.clone()
        };
        bytes.extend(payload.bytes.iter().enumerate().map(byte));
    }
    bytes
}

/// Runs payloads through flows of their own.
pub fn run(payloads: &[Payload]) -> (Rows, L7Seen) {
    let settings = Arc::new(L7Settings::default());
    let (mut rows, mut seen) = (Rows::default(), L7Seen::default());
    let mut flows: Vec<(_, FlowL7)> = Vec::new();
    for payload in payloads {
        let at = flows.iter().position(|(flow, _)| *flow == payload.flow).unwrap_or_else(|| {
            flows.push((payload.flow, FlowL7::new(&settings)));
            flows.len() - 1
        });
        let packet = L7Packet {
            time_us: payload.time_us,
            from_client: payload.from_client,
            payload: &payload.bytes,
            wire_len: payload.bytes.len() as u32,
            tcp_seq: payload.tcp_seq,
            tcp_ack: payload.tcp_ack,
            protocol: payload.flow.4,
            client_port: payload.flow.1,
            server_port: payload.flow.3,
        };
        seen += flows[at].1.packet(&packet, &mut rows);
    }
    let end = payloads.iter().map(|payload| payload.time_us).max().unwrap_or(0);
    for (_, flow) in &mut flows {
        seen += flow.close(end, &mut rows);
    }
    (rows, seen)
}
