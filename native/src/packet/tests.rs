use super::*;
use proptest::prelude::*;

/// An Ethernet frame with IPv4 and TCP, `payload` bytes of it.
fn tcp4(flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let total = 20 + header + payload.len();
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, (total >> 8) as u8, total as u8];
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([
        0x30,
        0x39,
        0,
        80,
        0,
        0,
        0,
        7,
        0,
        0,
        0,
        9,
        (header as u8 / 4) << 4,
        flags,
        1,
        0,
        0,
        0,
        0,
        0,
    ]);
    frame.extend(options);
    frame.extend(payload);
    frame
}

#[test]
fn lengths_come_from_the_ip_header_and_not_from_the_record() {
    let mut frame = tcp4(flag::ACK | flag::PSH, &[], b"hello");
    let length = frame.len() as u32;
    frame.extend([0; 16]);
    let packet = parse(Link::Ethernet, &frame, length + 32, 1).unwrap();
    assert_eq!((packet.frame_bytes, packet.l3_bytes, packet.l4_bytes), (length, 25, 5));
    assert_eq!(&frame[packet.payload_at as usize..][..packet.payload_len as usize], b"hello");
}

#[test]
fn a_cut_frame_keeps_its_wire_lengths() {
    let frame = tcp4(flag::ACK, &[], &[b'x'; 1000]);
    let packet = parse(Link::Ethernet, &frame[..96], frame.len() as u32, 1).unwrap();
    assert_eq!((packet.l4_bytes, packet.payload_len), (1000, 96 - 54));
    assert_eq!(
        parse(Link::Ethernet, &frame[..50], frame.len() as u32, 1).unwrap_err(),
        Unparsed::Truncated
    );
}

proptest! {
    #[test]
    fn the_short_way_says_what_the_long_one_does(
        flags in any::<u8>(), options in 0usize..6, payload in 0usize..40, cut in 0usize..120, more in 0u32..20, changes in proptest::collection::vec((0usize..60, any::<u8>()), 0..3)
    ) {
        let mut frame = tcp4(flags, &vec![1; options * 4], &vec![b'x'; payload]);
        for (at, byte) in changes {
            let length = frame.len();
            frame[at % length] = byte;
        }
        let wire = frame.len() as u32 + more;
        frame.truncate(cut.max(20));
        let (short, long) = (parse(Link::Ethernet, &frame, wire, 7), every(Link::Ethernet, &frame, wire, 7));
        prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
    }
}

#[test]
fn the_outer_vlan_of_two_is_kept() {
    let mut frame = tcp4(flag::ACK, &[], b"");
    frame.splice(12..12, [0x88, 0xa8, 0, 100, 0x81, 0, 0x20, 200]);
    let packet = parse(Link::Ethernet, &frame, 0, 1).unwrap();
    assert_eq!((packet.vlan, packet.src_port, packet.dst_port), (100, 12345, 80));
}

#[test]
fn ipv6_extension_headers_are_walked() {
    let mut frame = vec![0x60, 0, 0, 0, 0, 24, 0, 64];
    frame.extend([0x20; 16]);
    frame.extend([0x30; 16]);
    frame.extend([60, 0, 0, 0, 0, 0, 0, 0]); // hop-by-hop, then destination options
    frame.extend([17, 0, 0, 0, 0, 0, 0, 0]);
    frame.extend([0, 53, 0x10, 0, 0, 8, 0, 0]);
    let packet = parse(Link::Raw, &frame, 0, 1).unwrap();
    assert!(packet.is_ipv6);
    assert_eq!(
        (packet.protocol, packet.src_port, packet.dst_port, packet.l3_bytes, packet.l4_bytes),
        (17, 53, 4096, 24, 0)
    );
}

#[test]
fn other_link_types_lead_to_the_same_packet() {
    let ip = &tcp4(flag::ACK, &[], b"x")[14..];
    let with = |front: &[u8]| [front, ip].concat();
    for (link, frame) in [
        (Link::from_number(101), with(&[])),
        (Link::from_number(0), with(&[2, 0, 0, 0])),
        (Link::from_number(113), with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0])),
        (
            Link::from_number(276),
            with(&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0]),
        ),
        (Link::from_number(9), with(&[0xff, 3, 0, 0x21])),
        (Link::from_number(9), with(&[0, 0x21])),
        (Link::from_number(50), with(&[0x21])),
        (Link::from_number(104), with(&[0x0f, 0, 8, 0])),
        (Link::from_number(239), with(&nflog(&[(10, b"eth0\0"), (9, &[])]))),
    ] {
        let packet = parse(link, &frame, 0, 1).unwrap();
        assert_eq!((packet.dst_port, packet.l4_bytes), (80, 1), "{link:?}");
    }
}

/// The front of a logged packet: its attributes, of which the last is the packet itself.
fn nflog(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut front = vec![2, 0, 0, 5];
    for (kind, value) in attributes {
        front.extend((4 + value.len() as u16).to_ne_bytes());
        front.extend(kind.to_ne_bytes());
        front.extend(*value);
        front.resize(front.len().next_multiple_of(4), 0);
    }
    front
}

#[test]
fn links_that_carry_something_else_say_so() {
    for (number, frame, why) in [
        (9, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4][..], Unparsed::NotIp),
        (9, &[0xff, 3, 0], Unparsed::Truncated),
        (104, &[0x8f, 0, 0x20, 0, 1, 2, 3, 4], Unparsed::NotIp),
        (239, &nflog(&[(1, &[0; 4])]), Unparsed::NotIp),
        (239, &[2, 0, 0, 5, 0, 0, 0, 0], Unparsed::Malformed),
    ] {
        assert_eq!(parse(Link::from_number(number), frame, 0, 1).unwrap_err(), why, "{number}");
    }
}

#[test]
fn what_is_not_ip_says_so() {
    let mut frame = tcp4(flag::ACK, &[], b"");
    frame[12..14].copy_from_slice(&[8, 6]);
    assert_eq!(parse(Link::Ethernet, &frame, 0, 1).unwrap_err(), Unparsed::NotIp);
    assert_eq!(parse(Link::Unknown(147), &frame, 0, 1).unwrap_err(), Unparsed::Link);
}

#[test]
fn a_header_that_is_longer_than_what_is_around_it_is_malformed() {
    let outer = |told: u16, inner: u8| {
        let mut head = [0u8; 20];
        head[0] = 0x45;
        head[2..4].copy_from_slice(&told.to_be_bytes());
        head[9] = inner;
        head
    };
    let ipv6 = [&[0x60, 0, 0, 0, 0, 8, 17, 64][..], &[1; 32], &[0, 53, 0, 53, 0, 8, 0, 0]].concat();
    let ipv4 = [&outer(28, 17)[..], &[0, 53, 0, 53, 0, 8, 0, 0]].concat();
    for (protocol, inner) in [(41, ipv6), (4, ipv4)] {
        let whole = 20 + inner.len() as u16;
        for told in 20..=whole {
            let frame = [&outer(told, protocol)[..], &inner].concat();
            match parse(Link::Raw, &frame, 0, 1) {
                Ok(packet) => assert!(
                    packet.l3_bytes <= frame.len() as u32 && packet.l4_bytes <= packet.l3_bytes,
                    "{told}: {packet:?}"
                ),
                Err(why) => assert!(told < whole && why == Unparsed::Malformed, "{told}: {why:?}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), link in 0u32..300, wire in any::<u32>(), v in 0usize..4) {
        // Half of them look like IP, or the parser would give up at once.
        let kinds: [&[u8]; 4] = [&[], &[8, 0, 0x45], &[0x86, 0xdd, 0x60], &[0x81, 0, 0, 1, 8, 0, 0x46]];
        for (at, byte) in kinds[v].iter().enumerate() {
            if let Some(slot) = bytes.get_mut(12 + at) { *slot = *byte; }
        }
        for link in [Link::Ethernet, Link::Raw, Link::from_number(link)] {
            if let Ok(packet) = parse(link, &bytes, wire, 0) {
                prop_assert!(packet.payload_len == 0 || (packet.payload_at + packet.payload_len) as usize <= bytes.len());
                prop_assert!(packet.payload_len <= packet.l4_bytes);
            }
            macs(link, &bytes, 0);
        }
    }
}

#[test]
fn a_frame_that_offload_joined_is_the_packets_it_becomes() {
    for (l4_bytes, segment_bytes, expected) in [
        (0, 0, 1),
        (5000, 0, 1),
        (0, 1448, 1),
        (1448, 1448, 1),
        (1449, 1448, 2),
        (65_160, 1448, 45),
    ] {
        let packet = Packet {
            l4_bytes,
            segment_bytes,
            ..Packet::default()
        };
        assert_eq!(packet.segments(), expected, "{l4_bytes} in {segment_bytes}");
    }
}
