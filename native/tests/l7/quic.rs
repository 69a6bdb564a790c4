//! QUIC, behaviour by behaviour, with recorded hellos: nobody writes an encrypted one by hand.

use crate::capture::{Payload, read, run};
use crate::flow::{CLIENT, Flow};
use std::path::Path;

/// The payloads of the recorded connection that comes at this place.
fn connection(nth: usize) -> Vec<Payload> {
    let payloads = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/l7/quic/hellos.pcap"));
    let mut flows = Vec::new();
    for payload in &payloads {
        if !flows.contains(&payload.flow) {
            flows.push(payload.flow);
        }
    }
    payloads.into_iter().filter(|payload| payload.flow == flows[nth]).collect()
}

#[test]
fn a_hello_in_two_packets_is_read_in_any_order_and_begins_with_the_first() {
    let mut payloads = connection(4);
    let whole = run(&payloads).0;
    assert_eq!(whole.lines.len(), 1);
    assert_eq!(whole.get(0, "start_time"), payloads[0].time_us.to_string());
    let (first, second) = payloads.split_at_mut(1);
    std::mem::swap(&mut first[0].bytes, &mut second[0].bytes);
    let turned = run(&payloads).0;
    assert_eq!(
        turned.pick(0, "request_domain tls.client.ja4"),
        whole.pick(0, "request_domain tls.client.ja4")
    );
    let alone = run(&payloads[1..]).0;
    assert_eq!(alone.column("type"), ["1"], "half a hello is none, its answer is one");
}

#[test]
fn a_hello_that_comes_again_is_one_request() {
    let mut payloads = connection(0);
    payloads.insert(1, payloads[0].clone());
    let (rows, seen) = run(&payloads);
    assert_eq!((rows.types, seen.requests, seen.parse_failed), ([0, 0, 1], 1, 0));
}

#[test]
fn a_hello_without_an_answer_is_a_row() {
    let payloads: Vec<Payload> = connection(0).into_iter().filter(|payload| payload.from_client).collect();
    let rows = run(&payloads).0;
    assert_eq!(rows.pick(0, "type version request_domain"), "0 1 quic.example.org");
}

#[test]
fn packets_that_no_key_opens_are_left_alone() {
    let mut flow = Flow::new(17, 443);
    let mut packet = vec![0xc0, 0, 0, 0, 1, 4, 1, 2, 3, 4, 0, 0, 0x44, 0];
    packet.resize(14 + 0x400, 0x5a);
    for _ in 0..200 {
        flow.send(CLIENT, &packet);
        assert!(flow.l7.heap_bytes() < 8 * 1024);
    }
    assert!(flow.l7.is_done());
    assert_eq!((flow.close().lines.len(), flow.seen.parse_failed), (0, 0));
}
