//! Tars, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn message(fields: &[u8]) -> Vec<u8> {
    [&(fields.len() as u32 + 4).to_be_bytes()[..], fields].concat()
}

fn text(tag: u8, text: &[u8]) -> Vec<u8> {
    [&[tag << 4 | 6, text.len() as u8][..], text].concat()
}

/// A request: version, kind, number, and its body's bytes.
fn request(version: u8, kind: u8, id: u8, body: &[u8], context: &[(&[u8], &[u8])]) -> Vec<u8> {
    let kind = if kind == 0 { vec![0x2c] } else { vec![0x20, kind] };
    let pairs: Vec<u8> = context
        .iter()
        .flat_map(|(key, value)| [text(0, key), text(1, value)].concat())
        .collect();
    let parts = [
        &[0x10, version][..],
        &kind,
        &[0x3c, 0x40, id],
        &text(5, b"Shop.Server.ShopObj"),
        &text(6, b"find"),
        &[0x7d, 0, 1],
        &(body.len() as u16).to_be_bytes(),
        body,
        &[0x81, 0x0b, 0xb8, 0x98, 0, context.len() as u8],
        &pairs,
        &[0xa8, 0x0c],
    ];
    message(&parts.concat())
}

fn response(id: u8, code: i8, told: &[u8]) -> Vec<u8> {
    let parts = [
        &[0x10, 1, 0x2c, 0x30, id, 0x4c, 0x50, code as u8, 0x6d, 0, 0x0c, 0x78, 0x0c][..],
        &text(8, told),
    ];
    message(&parts.concat())
}

#[test]
fn a_call_and_its_answer() {
    let mut flow = Flow::new(6, 10000);
    flow.send(CLIENT, &request(1, 0, 7, b"body", &[(b"traceparent", b"00-01-02-01")]))
        .send(SERVER, &response(7, 0, b""));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type version request_resource request_type endpoint"),
        "2 1 Shop.Server.ShopObj find Shop.Server.ShopObj/find"
    );
    assert_eq!(
        rows.pick(0, "request_id response_code response_status response_result trace_id"),
        "7  0 ServerSuccess 01"
    );
}

#[test]
fn errors_say_whose_they_are() {
    for (code, told, expected) in [
        (-3, &b""[..], "-3 4 ServerNoFuncErr"),
        (-9, b"busy", "-9 3 busy"),
        (5, b"", "5 3 ServiceErr"),
    ] {
        let mut flow = Flow::new(6, 10000);
        flow.send(CLIENT, &request(1, 0, 1, b"", &[]))
            .send(SERVER, &response(1, code, told));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn one_way_calls_wait_for_nothing_and_answers_of_tup_look_like_requests() {
    let mut flow = Flow::new(6, 10000);
    flow.drip(CLIENT, &[request(3, 1, 1, b"", &[]), request(3, 0, 2, b"", &[])].concat())
        .drip(SERVER, &request(3, 0, 2, b"", &[]));
    assert_eq!(flow.close().column("type"), ["0", "2"]);
}

#[test]
fn long_bodies_are_passed_over_and_gaps_in_them_cost_nothing() {
    let big = request(1, 0, 1, &[0; 30_000], &[]);
    let mut flow = Flow::new(6, 10000);
    flow.send(CLIENT, &big[..10_000])
        .gap(CLIENT, 1000)
        .send(CLIENT, &big[11_000..])
        .send(CLIENT, &request(1, 0, 2, b"", &[]));
    flow.send(SERVER, &[response(1, 0, b""), response(2, 0, b"")].concat());
    assert_eq!((flow.close().types, flow.seen.parse_failed), ([0, 0, 2], 0));
}

#[test]
fn what_only_resembles_tars_is_left_alone() {
    for bytes in [
        &b"\0\0\0\x20\x10\x04\x2c"[..],
        b"\0\0\0\x20\x10\x01\x2c\x3c\x4c\x5c\x66\x01aaaaaaaaaaaaaaaaaaaaa",
        b"\x10\x01",
        b"\0\0\0\x20\x10\x01\x2c\x3c\x40\x0f\x56\x02\x01\x02\x66\x01a12345678901",
    ] {
        let mut flow = Flow::new(6, 10000);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn nested_values_end_somewhere() {
    for filler in [0x08, 0x09, 0x0a, 0x0d, 0x07, 0xff] {
        let mut flow = Flow::new(6, 10000);
        let hostile = [
            &request(1, 0, 1, b"", &[])[4..],
            &[0x98, 0x02, 0x7f, 0xff, 0xff, 0xff][..],
            &[filler; 5000],
        ]
        .concat();
        flow.send(CLIENT, &message(&hostile));
        assert_eq!(flow.close().lines.len(), 1);
    }
}

#[test]
fn calls_that_nobody_here_recorded() {
    let Some((rows, _)) = case("tars/tars-echo.pcap") else { return };
    assert_eq!(
        rows.column("endpoint"),
        ["tars.tarslog.LogObj/tars_ping", "tars.tarslog.TopologyObj/tars_ping"]
    );
    assert_eq!(rows.column("request_id"), ["15", "16"]);
    assert_eq!(rows.column("response_duration"), ["256", "635"]);
    assert_eq!(
        rows.pick(0, "request_length response_length response_status response_result version"),
        "52 16 0 ServerSuccess 1"
    );
}
