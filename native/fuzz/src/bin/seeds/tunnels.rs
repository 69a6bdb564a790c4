//! Frames of a capture inside every encapsulation that is taken off.

use weir_fuzz::steps::write;
use weir_native::packet::Link;

/// Some frames, each in every tunnel, as steps of the target.
pub fn wrapped(frames: &[(Link, Vec<u8>)]) -> Vec<u8> {
    let mut input = Vec::new();
    let ethernet = frames.iter().filter(|(link, frame)| *link == Link::Ethernet && frame.len() > 34);
    for (_, frame) in ethernet.take(2) {
        for outer in each(frame) {
            write(&mut input, 0, &outer);
        }
    }
    input
}

fn each(frame: &[u8]) -> Vec<Vec<u8>> {
    let (macs, rest) = frame.split_at(12);
    let (kind, ip) = rest.split_at(2);
    let tagged = |tags: &[u8]| [macs, tags, rest].concat();
    let in_ip = |protocol, parts: &[&[u8]]| ip_packet(macs, protocol, &parts.concat());
    let in_udp = |port, parts: &[&[u8]]| in_ip(17, &[&udp(port, &parts.concat())]);
    let is_6 = kind == [0x86, 0xdd];
    vec![
        tagged(&[0x81, 0, 0, 5]),
        tagged(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6]),
        [macs, &[0x88, 0x47, 0, 1, 1, 64], ip].concat(),
        [macs, &[0x88, 0x64, 0x11, 0, 0, 9, 0, 40, 0, if is_6 { 0x57 } else { 0x21 }], ip].concat(),
        [macs, &[0x89, 0x4f, 0, 2, 2, 3, 0, 0, 9, 255], frame].concat(),
        in_udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], frame]),
        in_udp(4790, &[&[0x0c, 0, 0, 3, 0, 0, 7, 0], frame]),
        in_udp(4790, &[&[0x0c, 0, 0, 4, 0, 0, 7, 0], &[0, 2, 2, 3, 0, 0, 9, 255], frame]),
        in_udp(6081, &[&[1, 0, 0x65, 0x58, 0, 0, 7, 0], &[1, 2, 3, 4], frame]),
        in_udp(2152, &[&[0x34, 255, 0, 44, 0, 0, 0, 7], &[0, 0, 0, 0x85], &[1, 0, 9, 0], ip]),
        in_ip(if is_6 { 41 } else { 4 }, &[ip]),
        in_ip(137, &[&[0, 1, 1, 64], ip]),
        in_ip(47, &[&[0, 0], kind, ip]),
        in_ip(47, &[&[0xb0, 0], kind, &[0; 4], &[0, 0, 0, 7], &[0; 4], ip]),
        in_ip(47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 7, 0], frame]),
        in_ip(47, &[&[0, 0, 0x88, 0xbe], frame]),
        in_ip(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 0, 0, 9, 0, 0, 0, 0], frame]),
        in_ip(
            47,
            &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0], frame],
        ),
        in_udp(
            4789,
            &[&[8, 0, 0, 0, 0, 0, 7, 0], &in_udp(4789, &[&[8, 0, 0, 0, 0, 0, 8, 0], frame])],
        ),
        in_ip(1, &[&[3, 3, 0, 0, 0, 0, 0, 0], ip]),
    ]
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    [&[0x30, 0x39], &port.to_be_bytes()[..], &length.to_be_bytes(), &[0, 0], payload].concat()
}

fn ip_packet(macs: &[u8], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let header = [
        0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    [macs, &[8, 0], &header, payload].concat()
}
