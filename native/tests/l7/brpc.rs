//! bRPC, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn message(meta: &[u8], body: &[u8]) -> Vec<u8> {
    let size = |size: usize| (size as u32).to_be_bytes();
    [b"PRPC", &size(meta.len() + body.len())[..], &size(meta.len()), meta, body].concat()
}

fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, value.len() as u8][..], value].concat()
}

fn request(id: u8, more: &[u8]) -> Vec<u8> {
    let call = [bytes(1, b"a.Shop"), bytes(2, b"Find"), more.to_vec()].concat();
    message(&[bytes(1, &call), vec![0x20, id]].concat(), b"body")
}

fn response(id: u8, more: &[u8]) -> Vec<u8> {
    message(&[bytes(2, more), vec![0x20, id]].concat(), b"body")
}

#[test]
fn answers_find_their_calls_in_any_order() {
    let mut flow = Flow::new(6, 8000);
    let traced = [0x20, 0x0a, 0x28, 0x0b, 0x30, 0x0c];
    flow.send(CLIENT, &[request(1, &traced), request(2, b"\x18\x07")].concat());
    flow.send(SERVER, &[response(2, b""), response(1, b"\x08\x00")].concat());
    let rows = flow.close();
    assert_eq!(rows.column("request_id"), ["2", "1"]);
    assert_eq!(
        rows.pick(0, "type endpoint request_resource request_type brpc.log_id response_status"),
        "2 a.Shop/Find a.Shop Find 7 0"
    );
    assert_eq!(
        rows.pick(1, "trace_id span_id parent_span_id"),
        "000000000000000a 000000000000000b 000000000000000c"
    );
}

#[test]
fn errors_say_whose_they_are() {
    for (code, expected) in [
        (&[0x08, 0xea, 0x07][..], "1002 4 no"),
        (&[0x08, 0xd1, 0x0f], "2001 3 no"),
        (&[0x08, 0x70], "112 3 no"),
    ] {
        let mut flow = Flow::new(6, 8000);
        flow.send(CLIENT, &request(1, b""))
            .send(SERVER, &response(1, &[code, &bytes(2, b"no")].concat()));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn a_gap_in_a_body_costs_nothing_and_one_in_a_meta_only_its_message() {
    let big = message(
        &[bytes(1, &[bytes(1, b"a.Shop"), bytes(2, b"Find")].concat()), vec![0x20, 1]].concat(),
        &[b'x'; 9000],
    );
    let mut flow = Flow::new(6, 8000);
    flow.send(CLIENT, &big[..100]).gap(CLIENT, 5000).send(CLIENT, &big[5100..]);
    flow.send(CLIENT, &request(2, b"")[..20])
        .gap(CLIENT, 5)
        .send(CLIENT, &request(3, b""));
    flow.send(SERVER, &[response(1, b""), response(3, b"")].concat());
    assert_eq!(flow.close().types, [0, 0, 2]);
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn what_only_resembles_brpc_is_left_alone() {
    for bytes in [&b"PRPC\0\0\0\x01\0\0\0\x09123456789"[..], b"PRPD", b"PRI * HTTP/2.0"] {
        let mut flow = Flow::new(6, 8000);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn calls_that_nobody_here_recorded() {
    let Some((rows, seen)) = case("brpc/brpc-echo.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, seen.parse_failed), (5, 5, 0));
    assert_eq!(rows.column("response_duration"), ["4560", "238", "1382", "1912", "710"]);
    assert_eq!(
        rows.pick(0, "request_id endpoint request_length response_length response_status"),
        "4294967298 example.EchoService/Echo 64 37 0"
    );
    assert_eq!(rows.column("brpc.log_id"), ["", "1", "2", "3", "4"]);
}
