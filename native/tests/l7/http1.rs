//! HTTP/1, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SHORT: &str = "type request_type request_resource response_code response_status";

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn a_request_with_its_response_is_one_row() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /shop/cart/7?x=1#y HTTP/1.1\r\nhost:example.org:8080\r\nUSER-AGENT:  curl/8 \r\nReferer: http://r/\r\nX-Request-Id: q\r\n\r\n");
    flow.now_us += 500;
    let rows = flow
        .send(
            SERVER,
            b"HTTP/1.1 404 Not Found\r\nx-request-id: a\r\ncontent-length: 3\r\n\r\nno\n",
        )
        .close();
    assert_eq!(rows.lines.len(), 1);
    assert_eq!(rows.pick(0, SHORT), "2 GET /shop/cart/7?x=1#y 404 4");
    assert_eq!(
        rows.pick(0, "request_domain endpoint user_agent referer"),
        "example.org:8080 /shop/cart curl/8 http://r/"
    );
    assert_eq!(
        rows.pick(0, "response_exception x_request_id_0 x_request_id_1 response_duration"),
        "Not Found q a 1500"
    );
    assert_eq!(
        rows.pick(0, "request_length response_length req_tcp_seq resp_tcp_seq"),
        "-1 3 1000 5000"
    );
    assert_eq!((flow.seen.requests, flow.seen.responses, flow.seen.client_errors), (1, 1, 1));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut flow = Flow::tcp();
    let requests: Vec<u8> = (0..100).flat_map(|n| get(&format!("/{n}"))).collect();
    let responses: Vec<u8> = (0..100).flat_map(|n| ok(&"x".repeat(n))).collect();
    let rows = flow
        .send(CLIENT, &requests)
        .send(SERVER, &responses[..3000])
        .send(SERVER, &responses[3000..])
        .close();
    let expected: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
    assert_eq!(rows.column("request_resource"), expected);
    let lengths: Vec<String> = (0..100).map(|n| if n == 0 { String::new() } else { n.to_string() }).collect();
    assert_eq!(rows.column("response_length"), lengths);
    assert_eq!(rows.types, [0, 0, 100]);
}

#[test]
fn chunked_bodies_are_counted_in_both_directions() {
    let request = b"POST /up HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n5;name=\"v\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
    let whole = Flow::tcp()
        .send(CLIENT, request)
        .send(SERVER, response)
        .send(CLIENT, GET)
        .send(SERVER, OK)
        .close();
    assert_eq!(whole.pick(0, "request_length response_length"), "5 29");
    assert_eq!(
        whole.pick(0, "captured_request_byte captured_response_byte"),
        format!("{} {}", request.len(), response.len())
    );
    assert_eq!(whole.types, [0, 0, 2]);
    let bytes = Flow::tcp()
        .drip(CLIENT, request)
        .drip(SERVER, response)
        .drip(CLIENT, GET)
        .drip(SERVER, OK)
        .close();
    assert_eq!(bytes, whole);
}

#[test]
fn answers_without_a_body_do_not_swallow_the_next() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"HEAD /h HTTP/1.1\r\n\r\n")
        .send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    flow.send(CLIENT, GET)
        .send(SERVER, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n");
    flow.send(CLIENT, GET).send(SERVER, b"HTTP/1.1 204 No Content\r\n\r\n");
    let rows = flow.send(CLIENT, GET).send(SERVER, OK).close();
    assert_eq!(rows.column("response_code"), ["200", "304", "204", "200"]);
    assert_eq!(rows.types, [0, 0, 4]);
}

#[test]
fn interim_answers_are_not_the_answer() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"PUT /f HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    flow.send(SERVER, b"HTTP/1.1 100 Continue\r\n\r\n").send(CLIENT, b"data");
    let rows = flow
        .send(
            SERVER,
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        )
        .close();
    assert_eq!(rows.lines.len(), 1);
    assert_eq!(
        rows.pick(0, "response_code response_duration captured_request_byte captured_response_byte"),
        "201 3000 64 43"
    );
    assert_eq!(flow.seen.responses, 1);
}

#[test]
fn behind_connect_and_upgrade_nothing_is_read() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
    flow.send(SERVER, b"HTTP/1.1 200 Connection established\r\n\r\n")
        .send(CLIENT, GET)
        .send(SERVER, OK);
    assert!(flow.l7.is_done());
    let rows = flow.close();
    assert_eq!(rows.pick(0, SHORT), "2 CONNECT example.org:443 200 0");
    assert_eq!(rows.lines.len(), 1);

    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    flow.send(SERVER, b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello")
        .send(CLIENT, b"\x81\x05hello");
    assert_eq!(flow.close().column("response_code"), ["101"]);
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn a_refused_connect_stays_http() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"CONNECT h:1 HTTP/1.1\r\n\r\n")
        .send(SERVER, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!(
        flow.send(CLIENT, GET).send(SERVER, OK).close().column("response_code"),
        ["403", "200"]
    );
}

#[test]
fn an_answer_may_last_until_the_connection_closes() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET / HTTP/1.0\r\n\r\n")
        .send(SERVER, b"HTTP/1.0 200 OK\r\n\r\npart one, ")
        .send(SERVER, b"part two");
    assert!(flow.rows.lines.is_empty());
    assert_eq!(
        flow.close().pick(0, "type version response_length captured_response_byte"),
        "2 1.0 -1 37"
    );
}

#[test]
fn odd_but_legal_lines_are_read() {
    let mut flow = Flow::tcp();
    flow.send(
        CLIENT,
        b"\r\nGET http://user@proxy.example:81/x/y/z?q HTTP/1.1\nHost: other\nUser-Agent: a\n  b\nHost: third\n\n",
    );
    flow.send(SERVER, b"HTTP/1.1 200\ncontent-length: 1\ncontent-length: 5\n\nx");
    flow.send(CLIENT, b"\r\nOPTIONS * HTTP/1.1\r\nHost: \xe4h\r\n\r\n").send(SERVER, OK);
    let rows = flow
        .send(CLIENT, b"M-SEARCH /with space/b HTTP/1.1\r\n\r\n")
        .send(SERVER, OK)
        .close();
    assert_eq!(
        rows.pick(0, "request_domain request_resource endpoint user_agent"),
        "proxy.example:81 /x/y/z?q /x/y a b"
    );
    assert_eq!(
        rows.pick(1, "request_type request_domain request_resource endpoint"),
        "OPTIONS \u{fffd}h * *"
    );
    assert_eq!(rows.pick(2, "request_type request_resource"), "M-SEARCH /with space/b");
    assert_eq!(rows.types, [0, 0, 3]);
}

#[test]
fn trace_context_is_read_and_the_standard_one_wins() {
    let rows_of = |headers: &str| {
        let request = format!("GET / HTTP/1.1\r\n{headers}\r\n\r\n");
        let rows = Flow::tcp().send(CLIENT, request.as_bytes()).send(SERVER, OK).close();
        rows.pick(0, "trace_id span_id parent_span_id")
    };
    assert_eq!(
        rows_of("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 "
    );
    assert_eq!(rows_of("traceparent: 00-aa-bb-01\r\nb3: cc-dd-1-ee"), "aa bb ");
    assert_eq!(rows_of("b3: cc-dd-1-ee\r\ntraceparent: 00-aa-bb-01"), "aa bb ");
    assert_eq!(rows_of("b3: cc-dd-1-ee"), "cc dd ee");
    assert_eq!(rows_of("b3: 0"), "  ");
    assert_eq!(rows_of("X-B3-TraceId: cc\r\nX-B3-SpanId: dd\r\nX-B3-ParentSpanId: ee"), "cc dd ee");
    assert_eq!(rows_of("uber-trace-id: cc%3add%3A0%3A1"), "cc dd ");
    assert_eq!(rows_of("sw8: 1-dHI=-c2Vn-3-a-b-c-d"), "tr seg-3 ");
    assert_eq!(rows_of("sw8: nonsense"), "  ");
}

#[test]
fn the_proxys_client_is_the_forwarded_one() {
    for headers in [
        "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Real-IP: 3.3.3.3",
        "X-Real-IP: 3.3.3.3\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2",
    ] {
        let request = format!("GET / HTTP/1.1\r\n{headers}\r\n\r\n");
        let rows = Flow::tcp().send(CLIENT, request.as_bytes()).send(SERVER, OK).close();
        assert_eq!(rows.get(0, "http_proxy_client"), "1.1.1.1, 2.2.2.2");
    }
}

#[test]
fn an_unanswered_request_times_out_or_ends_with_the_flow() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, GET).wait(119);
    assert!(flow.rows.lines.is_empty());
    flow.wait(1);
    assert_eq!(flow.rows.pick(0, "type response_status"), "0 2");
    assert_eq!(flow.seen.timeouts, 1);
    // Its answer comes after all: it must not be taken for the answer to anything else.
    flow.send(SERVER, &ok("late"))
        .send(CLIENT, &get("/b"))
        .send(SERVER, OK)
        .send(CLIENT, &get("/c"));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "1", "2", "0"]);
    assert_eq!(rows.pick(2, "request_resource response_length"), "/b 2");
    assert_eq!(rows.pick(3, "request_resource response_status"), "/c 5");
}

#[test]
fn an_answer_without_its_request_is_a_row_of_its_own() {
    let mut flow = Flow::tcp();
    // The end of a body, the rest of an answer to HEAD (whose length would swallow what follows), then sound traffic.
    flow.send(SERVER, b"HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n")
        .send(CLIENT, GET)
        .send(SERVER, OK);
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["1", "2"]);
    assert_eq!(rows.pick(0, "response_code response_status response_exception"), "500 3 Oops");
    assert_eq!(rows.pick(1, SHORT), "2 GET /a 200 0");
}

#[test]
fn a_request_that_is_answered_early_is_a_row_when_its_body_has_come() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345");
    flow.send(SERVER, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    assert!(flow.rows.lines.is_empty());
    flow.send(CLIENT, b"67890");
    assert_eq!(flow.rows.pick(0, "response_code captured_request_byte"), "413 52");
    let rows = flow.send(CLIENT, GET).send(SERVER, OK).close();
    assert_eq!(rows.column("response_code"), ["413", "200"]);
    assert_eq!(rows.types, [0, 0, 2]);
}

#[test]
fn a_body_that_is_refused_may_never_come() {
    let mut flow = Flow::tcp();
    flow.send(
        CLIENT,
        b"PUT /big HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
    );
    flow.send(SERVER, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    let rows = flow.send(CLIENT, GET).send(SERVER, OK).close();
    assert_eq!(rows.column("response_code"), ["401", "200"]);
    assert_eq!(rows.column("request_resource"), ["/big", "/a"]);
    assert_eq!(rows.types, [0, 0, 2]);
}

#[test]
fn a_gap_inside_a_body_costs_nothing_but_bytes() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, GET)
        .send(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
        .gap(SERVER, 7);
    flow.send(CLIENT, GET)
        .send(SERVER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123")
        .gap(SERVER, 4);
    flow.send(SERVER, b"89\r\n0\r\n\r\n").send(CLIENT, GET);
    flow.snapped(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 1000);
    let rows = flow.send(CLIENT, GET).send(SERVER, OK).close();
    assert_eq!(rows.types, [0, 0, 4]);
    assert_eq!(rows.column("captured_response_byte")[0], "42");
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn after_a_lost_answer_the_next_ones_are_paired_right() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, &get("/lost"))
        .gap(SERVER, 100)
        .send(CLIENT, &get("/b"))
        .send(SERVER, &ok("bb"));
    let rows = flow.send(CLIENT, &get("/c")).send(SERVER, &ok("ccc")).close();
    assert_eq!(rows.column("type"), ["0", "2", "2"]);
    assert_eq!(rows.column("request_resource"), ["/lost", "/b", "/c"]);
    assert_eq!(rows.column("response_length"), ["-1", "2", "3"]);
}

#[test]
fn after_a_lost_request_its_answer_stands_alone() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, &get("/a"))
        .send(SERVER, &ok("a"))
        .gap(CLIENT, 50)
        .send(SERVER, &ok("lost"));
    let rows = flow.send(CLIENT, &get("/c")).send(SERVER, &ok("ccc")).close();
    assert_eq!(rows.column("type"), ["2", "1", "2"]);
    assert_eq!(rows.pick(2, "request_resource response_length"), "/c 3");
}

#[test]
fn a_gap_inside_a_head_keeps_what_was_read() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"GET /a HTTP/1.1\r\nHost: h\r\nCook")
        .gap(CLIENT, 1000)
        .send(CLIENT, b"rest: of it\r\n\r\n");
    let rows = flow.send(SERVER, &ok("a")).send(CLIENT, &get("/b")).send(SERVER, &ok("bb")).close();
    assert_eq!(rows.column("request_resource"), ["/a", "/b"]);
    assert_eq!(rows.types, [0, 0, 2]);
}

#[test]
fn garbage_between_messages_is_skipped_and_counted() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, GET)
        .send(SERVER, OK)
        .send(CLIENT, b"\x00\x01garbage\nmore")
        .send(CLIENT, &get("/b"));
    let rows = flow.send(SERVER, OK).close();
    assert_eq!(rows.column("request_resource"), ["/a", "/b"]);
    assert_eq!(flow.seen.parse_failed, 1);
}

#[test]
fn a_flow_seen_from_the_wrong_end_is_turned() {
    let mut flow = Flow::tcp();
    let rows = flow.send(SERVER, GET).send(CLIENT, OK).close();
    assert!(flow.l7.is_reversed());
    assert_eq!(rows.pick(0, SHORT), "2 GET /a 200 0");
}

#[test]
fn a_request_line_that_a_server_puts_up_with_begins_a_flow() {
    let long = " ".repeat(40);
    for (target, resource) in [(&format!("{long}/a")[..], "/a"), (".", "."), ("?a=1", "?a=1")] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
        let whole = Flow::tcp().send(CLIENT, &request).send(SERVER, OK).close();
        assert_eq!(whole.pick(0, "type request_type request_resource"), format!("2 GET {resource}"));
        assert_eq!(Flow::tcp().drip(CLIENT, &request).send(SERVER, OK).close().types, [0, 0, 1]);
    }
}

#[test]
fn what_only_resembles_http_is_not_taken_for_it() {
    for bytes in [
        &b"GET key\r\n"[..],
        b"GET .key\r\n",
        b"GET      \r\n HTTP/1.1\r\n",
        b"OPTIONS rtsp://h/ RTSP/1.0\r\n\r\n",
        b"\x16\x03\x01GET / HTTP/1.1\r\n",
        b"HTTP/2 200\r\n",
    ] {
        let mut flow = Flow::tcp();
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn a_flow_that_speaks_something_else_is_left_alone_and_looked_at_again() {
    let mut flow = Flow::tcp();
    for _ in 0..20 {
        flow.send(CLIENT, b"\x16\x03\x03 something else");
    }
    assert_eq!(flow.send(CLIENT, GET).l7.protocol(), 0);
    assert_eq!(flow.l7.heap_bytes(), 0);
    assert_eq!(flow.wait(61).send(CLIENT, GET).l7.protocol(), 20);
}

#[test]
fn a_stream_without_end_is_reported_as_far_as_it_came() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, GET)
        .send(SERVER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n")
        .wait(121);
    assert_eq!(flow.rows.pick(0, "type response_length captured_response_byte"), "2 -1 57");
    flow.send(SERVER, b"5\r\nevent\r\n0\r\n\r\n");
    assert_eq!(flow.send(CLIENT, GET).send(SERVER, OK).close().types, [0, 0, 2]);
}
