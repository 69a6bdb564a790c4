//! The name service of NetBIOS, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

const SHORT: &str = "type request_type request_resource response_code response_status dns.variant";
const NB: u16 = 32;
const NBSTAT: u16 = 33;

/// Fifteen bytes, filled up with spaces, and the suffix.
fn padded(name: &str, suffix: u8) -> [u8; 16] {
    let mut raw = [b' '; 16];
    raw[..name.len()].copy_from_slice(name.as_bytes());
    raw[15] = suffix;
    raw
}

/// First-level encoding: each half of a byte is a letter.
fn encoded(raw: [u8; 16]) -> Vec<u8> {
    let letters = raw.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
    [32].into_iter().chain(letters).chain([0]).collect()
}

fn message(id: u16, flags: u16, counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
    let words = [id, flags, counts[0], counts[1], counts[2], counts[3]];
    words.iter().flat_map(|word| word.to_be_bytes()).chain(rest.concat()).collect()
}

fn question(raw: [u8; 16], kind: u16) -> Vec<u8> {
    [&encoded(raw)[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

fn query(id: u16, flags: u16, raw: [u8; 16], kind: u16) -> Vec<u8> {
    message(id, flags, [1, 0, 0, 0], &[&question(raw, kind)])
}

fn answer(id: u16, flags: u16, raw: [u8; 16], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    let record = [&question(raw, kind)[..], &[0, 0, 1, 44], &length, data].concat();
    message(id, flags, [0, 1, 0, 0], &[&record])
}

/// A request about the sender's own name, its address in a record of its own.
fn announcement(id: u16, opcode: u16, flags: u16) -> Vec<u8> {
    let record = [&[0xc0, 12][..], &NB.to_be_bytes(), &[0, 1, 0, 0, 1, 44, 0, 6, 0, 0, 10, 0, 0, 5]].concat();
    message(id, opcode << 11 | flags, [1, 0, 0, 1], &[&question(padded("ANN", 0), NB), &record])
}

fn udp() -> Flow {
    Flow::new(17, 137)
}

#[test]
fn a_name_is_asked_for_and_answered_with_its_addresses() {
    let mut flow = udp();
    flow.send(CLIENT, &query(7, 0x0100, padded("FILE SERVER", 0x20), NB));
    let addresses = [0, 0, 10, 0, 0, 5, 0, 0, 10, 0, 1, 5];
    flow.send(SERVER, &answer(7, 0x8580, padded("FILE SERVER", 0x20), NB, &addresses));
    let rows = flow.close();
    assert_eq!(flow.l7.protocol(), 120);
    assert_eq!(rows.pick(0, SHORT), "2 NB FILE SERVER<20>  0 nbns");
    assert_eq!(
        rows.pick(0, "endpoint request_id response_result response_duration"),
        "FILE SERVER<20> 7 NB=10.0.0.5,10.0.1.5 TTL=300 1000"
    );
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn a_node_tells_its_names() {
    let mut any = [0; 16];
    any[0] = b'*';
    let own = |name: &str, suffix, flags: u8| [&padded(name, suffix)[..], &[flags, 0]].concat();
    let data = [
        &[2][..],
        &own("ANN", 0x20, 4),
        &own("\u{1}\u{2}__MSBROWSE__\u{2}", 1, 0x84),
        &[0; 46],
    ]
    .concat();
    let mut flow = udp();
    flow.send(CLIENT, &query(1, 0, any, NBSTAT))
        .send(SERVER, &answer(1, 0x8400, any, NBSTAT, &data));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type request_type request_resource response_result"),
        "2 NBSTAT *<00> NBSTAT=ANN<20>,<01><02>__MSBROWSE__<02><01> TTL=300"
    );
}

#[test]
fn what_is_shouted_waits_for_nobody() {
    let mut flow = udp();
    for _ in 0..3 {
        flow.send(CLIENT, &query(1, 0x0110, padded("BOB", 0x1c), NB))
            .send(CLIENT, &announcement(2, 5, 0x0110));
    }
    flow.send(CLIENT, &query(3, 0x0110, padded("BOB", 0x1c), NB));
    let rows = flow.wait(60).close();
    assert_eq!(
        rows.column("request_type"),
        ["NB", "REGISTRATION", "NB"],
        "said again, it is the same"
    );
    assert_eq!(rows.column("request_resource"), ["BOB<1c>", "ANN<00>", "BOB<1c>"]);
    assert_eq!((flow.seen.timeouts, flow.seen.parse_failed), (0, 0));
}

#[test]
fn names_are_registered_refreshed_and_released() {
    let mut flow = udp();
    for (id, opcode) in [(1, 5), (2, 8), (3, 9), (4, 15), (5, 6)] {
        flow.send(CLIENT, &announcement(id, opcode, 0x0100));
        if opcode == 5 {
            let wait = answer(id, 0x8000 | 7 << 11, padded("ANN", 0), NB, &[0x29, 0]);
            flow.send(SERVER, &wait);
        }
        let code = if opcode == 15 { 6 } else { 0 };
        flow.send(SERVER, &answer(id, 0x8580 | opcode << 11 | code, padded("ANN", 0), NB, &[0; 6]));
    }
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type"),
        ["REGISTRATION", "REFRESH", "REFRESH", "REGISTRATION", "RELEASE"]
    );
    assert_eq!(rows.column("type"), ["2"; 5], "what says to wait is no answer");
    assert_eq!(
        rows.pick(3, "response_code response_status response_exception"),
        "6 4 ACT_ERR",
        "another has the name"
    );
}

#[test]
fn a_name_that_nobody_has_is_the_askers_error() {
    let mut flow = udp();
    flow.send(CLIENT, &query(9, 0x0100, padded("GONE", 0), NB))
        .send(SERVER, &answer(9, 0x8583, padded("GONE", 0), 10, b""));
    assert_eq!(
        flow.close()
            .pick(0, "type request_type response_code response_status response_exception"),
        "2 NB 3 4 NAM_ERR"
    );
    let mut flow = udp();
    flow.send(CLIENT, &answer(9, 0x8583, padded("GONE", 0), 10, b""));
    assert!(flow.l7.is_reversed(), "who answers is the server");
    assert_eq!(flow.close().pick(0, "type request_type request_resource"), "1 NB GONE<00>");
}

#[test]
fn a_scope_follows_the_name_and_strange_bytes_are_spelt() {
    let mut raw = padded("M", 3);
    raw[1] = 0xfc;
    let mut name = encoded(raw);
    name.pop();
    let scoped = [&name[..], b"\x04corp\x05local\0", &[0, 32, 0, 1]].concat();
    let mut flow = udp();
    flow.send(CLIENT, &message(1, 0x0110, [1, 0, 0, 0], &[&scoped]));
    assert_eq!(flow.close().get(0, "request_resource"), "M<fc><03>.corp.local");
}

#[test]
fn nothing_else_is_guessed_on_this_port() {
    let plain = [&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x01a\x07example\0", &[0, 1, 0, 1]].concat();
    for payload in [
        &plain[..],
        b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n",
        b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe",
    ] {
        let mut flow = udp();
        flow.send(CLIENT, payload);
        assert_eq!(flow.l7.protocol(), 0, "{}", payload.escape_ascii());
    }
    let mut flow = Flow::new(17, 5060);
    flow.send(CLIENT, b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n");
    assert_eq!(flow.l7.protocol(), 128);
}

#[test]
fn broken_messages_are_counted() {
    let sound = query(1, 0x0100, padded("ANN", 0), NB);
    let mut flow = udp();
    flow.send(CLIENT, &sound);
    let mut strange = sound.clone();
    strange[20] = b'Z';
    for broken in [&sound[..30], &strange, b"", b"\0"] {
        flow.send(CLIENT, broken);
    }
    assert_eq!(flow.seen.parse_failed, 3);
}

#[test]
fn counts_that_nobody_believes_are_no_message() {
    for port in [137, 5060] {
        let mut flow = Flow::new(17, port);
        for flags in [0x8500_u16, 0x0100] {
            let mut many = query(1, flags, padded("ANN", 0), NB);
            many[6..12].fill(0xff);
            flow.send(SERVER, &many).send(CLIENT, &many);
        }
        assert_eq!(flow.l7.protocol(), 0);
    }
}
