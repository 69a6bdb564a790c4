//! Headers of one frame: link layers, IP, tunnels, and what an ICMP error quotes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_fuzz::budget::Budget;
use weir_fuzz::steps::steps;
use weir_native::packet::{Link, macs, outside, parse, quoted};

const LINKS: [Link; 5] = [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2];

fuzz_target!(|input: &[u8]| {
    let (budget, mut reached) = (Budget::begin(1 << 20, input), false);
    for step in steps(input) {
        let (frame, link) = (step.bytes, LINKS[usize::from(step.what >> 2 & 7) % LINKS.len()]);
        let Ok(packet) = parse(link, frame, u32::from(step.announced), 0) else {
            continue;
        };
        reached = true;
        let end = packet.payload_at as usize + packet.payload_len as usize;
        assert!(packet.payload_len == 0 || end <= frame.len(), "the payload ends behind the frame");
        assert!(packet.payload_len <= packet.l4_bytes, "more payload was captured than was sent");
        assert!(packet.l4_bytes <= packet.l3_bytes, "a part is larger than the whole");
        assert!(packet.segments() >= 1);
        macs(link, frame, packet.ethernet_at);
        let is_tunnelled = packet.tunnels[0] != Default::default();
        assert!(
            is_tunnelled || outside(link, frame, &packet).is_none(),
            "the outside of what has none"
        );
        let message = frame.get(packet.payload_at as usize..).unwrap_or(&[]);
        quoted(packet.protocol, message);
        // Cut anywhere, a frame is nothing, or less of the same.
        let short = &frame[..frame.len() - frame.len().min(1 + usize::from(step.what))];
        if let Ok(cut) = parse(link, short, u32::from(step.announced), 0)
            && cut.tunnels == packet.tunnels
        {
            assert_eq!((cut.src, cut.dst, cut.protocol), (packet.src, packet.dst, packet.protocol));
        }
    }
    budget.end(reached);
});
