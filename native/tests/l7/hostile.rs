//! Input that means harm: nothing panics, nothing grows without bound, everything given up is counted.

use crate::flow::{CLIENT, Flow, SERVER};

/// What one flow may hold whatever it is fed: the waiting requests, their texts, two buffers.
const BOUND: usize = 4 * 1024 * 1024;

#[test]
fn an_endless_header_line_and_endless_headers_hold_no_memory() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /a HTTP/1.1\r\nX-Endless: ");
    for _ in 0..500 {
        flow.send(CLIENT, &[b'a'; 60_000]);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    flow.send(CLIENT, b"\r\n");
    for _ in 0..500 {
        flow.send(
            CLIENT,
            &b"User-Agent: x\r\nX-Forwarded-For: 1.2.3.4\r\nReferer: y\r\n folded\r\n".repeat(100),
        );
        assert!(flow.l7.heap_bytes() < 80 * 1024, "{}", flow.l7.heap_bytes());
    }
    let rows = flow
        .send(CLIENT, b"\r\n")
        .send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .close();
    assert_eq!(rows.pick(0, "type request_resource response_code"), "2 /a 200");
}

#[test]
fn a_request_line_without_end_holds_no_memory() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /");
    for _ in 0..500 {
        flow.send(CLIENT, &[b'a'; 60_000]);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    let rows = flow
        .send(CLIENT, b" HTTP/1.1\r\n\r\n")
        .send(SERVER, b"HTTP/1.1 414 URI Too Long\r\nContent-Length: 0\r\n\r\n")
        .close();
    assert_eq!(rows.pick(0, "type request_type response_code"), "2 GET 414");
    assert!(rows.get(0, "request_resource").len() <= 8192);
}

#[test]
fn endless_chunk_extensions_and_trailers_hold_no_memory() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /a HTTP/1.1\r\n\r\n")
        .send(SERVER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;");
    for _ in 0..500 {
        flow.send(SERVER, &[b'x'; 60_000]);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    flow.send(SERVER, b"\r\nabc\r\n0\r\n");
    for _ in 0..500 {
        flow.send(SERVER, &b"Trailer: x\r\n".repeat(1000));
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    assert_eq!(flow.send(SERVER, b"\r\n").close().pick(0, "type response_length"), "2 3");
}

#[test]
fn millions_of_requests_without_answers_are_bounded_and_counted() {
    let mut flow = Flow::tcp();
    let batch = b"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: h\r\n\r\n".repeat(800);
    for _ in 0..1300 {
        flow.send(CLIENT, &batch);
        flow.rows.lines.clear();
        assert!(flow.l7.heap_bytes() < BOUND, "{}", flow.l7.heap_bytes());
    }
    assert_eq!(flow.seen.requests, 1_040_000);
    assert!((1_040_000 - 8 * 512..=1_040_000 - 512).contains(&flow.seen.evicted));
    flow.close();
    assert_eq!(flow.rows.types, [1_040_000, 0, 0], "each is a row, none is silent");
}

#[test]
fn a_number_that_is_too_large_is_no_length() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n");
    flow.send(
        SERVER,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    );
    assert_eq!(flow.close().pick(0, "type request_length response_length"), "2 -1 -1");
    assert_eq!(flow.seen.parse_failed, 1);
}
