//! QUIC, behaviour by behaviour, with recorded hellos: nobody writes an encrypted one by hand.

use crate::capture::{Payload, read, run};
use crate::disorder::{Seen, frames, requests};
use crate::flow::{CLIENT, Flow, SERVER};
use std::path::{Path, PathBuf};

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/l7/quic/hellos.pcap")
}

/// The payloads of the recorded connection that comes at this place.
fn connection(nth: usize) -> Vec<Payload> {
    let payloads = read(&recorded());
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

/// The packets of the recorded connections at these places, all from the port of the first.
fn from_one_port(places: &[usize]) -> Vec<Seen> {
    let all = frames(&recorded());
    let ends = |seen: &Seen| seen.packet().map(|packet| (packet.src_port, packet.dst_port)).unwrap();
    // Clients have high ports.
    let client = |seen: &Seen| ends(seen).0.max(ends(seen).1);
    let mut clients: Vec<u16> = Vec::new();
    for seen in &all {
        if !clients.contains(&client(seen)) {
            clients.push(client(seen));
        }
    }
    let mut chosen = Vec::new();
    for place in places {
        for seen in all.iter().filter(|seen| client(seen) == clients[*place]) {
            let (from, to) = ends(seen);
            let pair = [from.to_be_bytes(), to.to_be_bytes()].concat();
            let at = seen.bytes.windows(4).position(|four| four == pair).unwrap();
            let ports = if from > to {
                [clients[places[0]], 4433]
            } else {
                [4433, clients[places[0]]]
            };
            let mut seen = seen.clone();
            seen.bytes[at..at + 4].copy_from_slice(&ports.map(u16::to_be_bytes).concat());
            chosen.push(seen);
        }
    }
    let first_us = chosen[0].time_us;
    for (nth, seen) in chosen.iter_mut().enumerate() {
        seen.time_us = first_us + 1000 * nth as i64;
    }
    chosen
}

#[test]
fn connections_from_one_port_are_a_row_each() {
    let rows = requests(&from_one_port(&[0]));
    assert_eq!(rows.len(), 1);
    for others in [vec![0, 1], vec![0, 1, 0, 2, 3, 4, 3, 1]] {
        let rows = requests(&from_one_port(&others));
        assert_eq!(rows.len(), others.len(), "{rows:#?}");
        assert!(rows.iter().all(|row| row.contains("|2|")), "each is answered: {rows:#?}");
    }
    // The same again, before anything else was said.
    let mut twice = from_one_port(&[0]);
    twice.insert(1, twice[0].clone());
    assert_eq!(requests(&twice).len(), 1);
}

#[test]
fn a_version_that_the_server_does_not_speak_is_an_attempt_of_its_own() {
    let (refused, accepted) = (connection(0), connection(1));
    let mut flow = Flow::new(17, 443);
    let hello = &refused[0].bytes;
    let target = &hello[5..6 + usize::from(hello[5])];
    let source = &hello[5 + target.len()..];
    let source = &source[..1 + usize::from(source[0])];
    let versions = [0, 0, 0, 2, 0x1a, 0x2a, 0x3a, 0x4a, 0x6b, 0x33, 0x43, 0xcf];
    let answer = |target: &[u8]| [&[0x8f, 0, 0, 0, 0][..], source, target, &versions].concat();
    flow.send(CLIENT, hello).send(SERVER, &answer(b"\x04none"));
    assert_eq!(flow.rows.lines.len(), 0, "somebody else's word");
    flow.send(SERVER, &answer(target));
    assert_eq!(
        flow.rows
            .pick(0, "type request_domain response_status response_exception response_result"),
        "2 quic.example.org 4 version not supported 0x00000002,2"
    );
    for payload in &accepted {
        flow.send(payload.from_client, &payload.bytes);
    }
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "2"]);
    assert_eq!(rows.get(1, "response_status"), "0");
}
