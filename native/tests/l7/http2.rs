//! HTTP/2 and gRPC, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SHORT: &str = "type l7_protocol request_id request_resource response_code response_status";

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head, payload.to_vec()].concat()
}

/// A literal field; `keep` adds it to the dynamic table.
fn field(name: &str, value: &str, keep: bool) -> Vec<u8> {
    let mut bytes = vec![if keep { 0x40 } else { 0 }, name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(value.len() as u8);
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

/// GET, http and a path.
fn get(path: &str) -> Vec<u8> {
    [b"\x82\x86".to_vec(), field(":path", path, false)].concat()
}

fn call(path: &str) -> Vec<u8> {
    let head = [
        b"\x83\x86".to_vec(),
        field(":path", path, false),
        field("content-type", "application/grpc+proto", true),
    ];
    head.concat()
}

fn opened() -> Flow {
    let mut flow = Flow::new(6, 50051);
    flow.send(CLIENT, &[PREFACE, &frame(4, 0, 0, b"\0\x03\0\0\0\x64")].concat())
        .send(SERVER, &frame(4, 0, 0, b""));
    flow
}

#[test]
fn interleaved_streams_find_their_requests() {
    let mut flow = opened();
    let requests = [
        frame(1, 5, 1, &get("/a")),
        frame(1, 4, 3, &get("/b/c/d?x")),
        frame(0, 1, 3, b"hello"),
    ]
    .concat();
    let rows = flow
        .send(CLIENT, &requests)
        .send(
            SERVER,
            &[frame(1, 4, 3, b"\x8d"), frame(0, 0, 3, b"no"), frame(1, 4, 1, b"\x88")].concat(),
        )
        .send(
            SERVER,
            &[frame(0, 8, 1, b"\x02abc\0\0"), frame(0, 1, 3, b"pe"), frame(0, 1, 1, b"")].concat(),
        )
        .close();
    assert_eq!(rows.column("request_resource"), ["/b/c/d?x", "/a"]);
    assert_eq!(rows.pick(0, SHORT), "2 21 3 /b/c/d?x 404 4");
    assert_eq!(rows.pick(0, "endpoint request_length response_length"), "/b/c 5 4");
    assert_eq!(rows.pick(1, SHORT), "2 21 1 /a 200 0");
    assert_eq!(rows.pick(1, "response_length version"), "3 2");
    assert_eq!((flow.seen.requests, flow.seen.responses, flow.seen.client_errors), (2, 2, 1));
}

#[test]
fn a_head_in_pieces_with_padding_and_priority_is_one() {
    let block = [get("/long"), field("user-agent", &"u".repeat(120), true)].concat();
    let padded = [b"\x03\0\0\0\0\x10", &block[..5], b"\0\0\0"].concat();
    let request = [
        frame(1, 0x29, 1, &padded),
        frame(9, 0, 1, &block[5..40]),
        frame(9, 0, 1, b""),
        frame(9, 4, 1, &block[40..]),
    ]
    .concat();
    let response = [frame(1, 5, 1, b"\x88")].concat();
    let whole = opened().send(CLIENT, &request).send(SERVER, &response).close();
    assert_eq!(whole.pick(0, SHORT), "2 21 1 /long 200 0");
    assert_eq!(whole.get(0, "user_agent").len(), 120);
    assert_eq!(whole.get(0, "captured_request_byte"), request.len().to_string());
    assert_eq!(opened().drip(CLIENT, &request).drip(SERVER, &response).close(), whole);
}

#[test]
fn an_upgrade_is_answered_on_the_first_stream() {
    let mut flow = Flow::tcp();
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec();
    let first = [frame(4, 0, 0, b""), frame(1, 4, 1, b"\x88"), frame(0, 1, 1, b"hi")].concat();
    let rows = flow
        .send(
            CLIENT,
            b"GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        )
        .send(SERVER, &[answer, first].concat())
        .send(CLIENT, &[PREFACE, &frame(4, 0, 0, b""), &frame(1, 5, 3, &get("/next"))].concat())
        .send(SERVER, &frame(1, 5, 3, b"\x8e"))
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 21  /up 200 0");
    assert_eq!(rows.pick(0, "request_domain response_length"), "h 2");
    assert_eq!(rows.pick(1, SHORT), "2 21 3 /next 500 3");
    assert_eq!((rows.lines.len(), flow.l7.protocol()), (2, 21));
}

#[test]
fn trailers_say_how_a_call_went() {
    let mut flow = opened();
    let head = [b"\x88".to_vec(), field("content-type", "application/grpc", true)].concat();
    let trailers = [field("grpc-status", "5", true), field("grpc-message", "no%20such%20cart%21", true)].concat();
    flow.send(
        CLIENT,
        &[frame(1, 4, 1, &call("/shop.Cart/Get")), frame(0, 1, 1, b"\0\0\0\0\x02ab")].concat(),
    )
    .send(SERVER, &[frame(1, 4, 1, &head), frame(0, 0, 1, b"\0\0\0\0\0")].concat())
    .send(SERVER, &frame(1, 5, 1, &trailers));
    assert_eq!((flow.seen.client_errors, flow.l7.protocol()), (1, 41));
    // Trailers only, and a message without a word from the server's dynamic table.
    let only = [b"\x88".to_vec(), b"\xc0".to_vec(), field("grpc-status", "14", false)].concat();
    let rows = flow
        .send(CLIENT, &frame(1, 5, 3, &call("/shop.Cart/Put")))
        .send(SERVER, &frame(1, 5, 3, &only))
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 41 1 /shop.Cart/Get 5 4");
    assert_eq!(
        rows.pick(0, "endpoint response_exception l7_protocol_str"),
        "/shop.Cart/Get no such cart! gRPC"
    );
    assert_eq!(rows.pick(0, "request_length response_length"), "7 5");
    assert_eq!(rows.pick(1, SHORT), "2 41 3 /shop.Cart/Put 14 3");
    assert_eq!(rows.get(1, "response_exception"), "UNAVAILABLE");
}

#[test]
fn a_stream_that_is_reset_is_a_row_at_once() {
    let mut flow = opened();
    flow.send(
        CLIENT,
        &[
            frame(1, 5, 1, &get("/slow")),
            frame(1, 5, 3, &get("/busy")),
            frame(1, 4, 5, &call("/s/Watch")),
        ]
        .concat(),
    )
    .send(CLIENT, &frame(3, 0, 1, b"\0\0\0\x08"))
    .send(SERVER, &[frame(3, 0, 3, b"\0\0\0\x07"), frame(1, 4, 5, b"\x88")].concat())
    .send(CLIENT, &frame(3, 0, 5, b"\0\0\0\x08"));
    let rows = flow.rows.clone();
    assert_eq!(rows.pick(0, SHORT), "0 21 1 /slow  4");
    assert_eq!(rows.get(0, "response_exception"), "RST_STREAM CANCEL");
    assert_eq!(rows.pick(1, SHORT), "0 21 3 /busy  3");
    assert_eq!(rows.pick(2, SHORT), "2 41 5 /s/Watch 1 4");
    assert_eq!(flow.close().lines.len(), 3);
}

#[test]
fn an_answer_that_was_under_way_when_the_client_gave_up_is_no_row() {
    let mut flow = opened();
    let late = [
        frame(1, 4, 1, b"\x88"),
        frame(0, 0, 1, b"late"),
        frame(1, 5, 1, &field("grpc-status", "4", false)),
        frame(3, 0, 1, &[0, 0, 0, 8]),
    ]
    .concat();
    let rows = flow
        .send(CLIENT, &[frame(1, 5, 1, &call("/a.B/C")), frame(3, 0, 1, &[0, 0, 0, 8])].concat())
        .send(SERVER, &late)
        .send(CLIENT, &frame(1, 5, 3, &call("/a.B/D")))
        .send(
            SERVER,
            &frame(1, 5, 3, &[b"\x88".to_vec(), field("grpc-status", "0", false)].concat()),
        )
        .close();
    assert_eq!(rows.column("request_resource"), ["/a.B/C", "/a.B/D"]);
    assert_eq!(rows.column("response_code"), ["1", ""]);
    assert_eq!(rows.column("type"), ["0", "2"]);
}

#[test]
fn triple_is_told_by_its_fields_and_trace_context_is_read() {
    let block = [
        call("/org.Greeter/hello"),
        field("tri-service-version", "1.0", false),
        field("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        field("x-request-id", "q1", false),
        field(":authority", "greeter:50051", false),
    ];
    let ok = [b"\x88".to_vec(), field("grpc-status", "0", false)].concat();
    let rows = opened()
        .send(CLIENT, &frame(1, 5, 1, &block.concat()))
        .send(SERVER, &frame(1, 5, 1, &ok))
        .close();
    assert_eq!(
        rows.pick(0, "l7_protocol l7_protocol_str request_domain x_request_id_0"),
        "49 Triple greeter:50051 q1"
    );
    assert_eq!(
        rows.pick(0, "trace_id span_id"),
        "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331"
    );
}

#[test]
fn an_interim_answer_is_no_answer_and_a_promise_is_a_request() {
    let promise = [&b"\0\0\0\x02"[..], &get("/style.css")].concat();
    let server = [
        frame(1, 4, 1, &field(":status", "103", false)),
        frame(5, 4, 1, &promise),
        frame(1, 4, 1, b"\x88"),
        frame(0, 1, 1, b"page"),
        frame(1, 5, 2, b"\x89"),
        frame(7, 0, 0, b"\0\0\0\x01\0\0\0\0"),
    ];
    let rows = opened()
        .send(CLIENT, &frame(1, 5, 1, &get("/")))
        .send(SERVER, &server.concat())
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 21 1 / 200 0");
    assert_eq!(rows.pick(1, SHORT), "2 21 2 /style.css 204 0");
    assert_eq!(rows.lines.len(), 2);
}

#[test]
fn after_a_loss_fields_that_cannot_be_known_are_left_out() {
    let mut flow = opened();
    let named = |path: &str| [b"\x82\x86".to_vec(), field(":path", path, true), field("user-agent", "ua", true)].concat();
    flow.send(CLIENT, &frame(1, 5, 1, &named("/one")))
        .send(SERVER, &frame(1, 5, 1, b"\x88"));
    flow.gap(CLIENT, 70).send(SERVER, &frame(1, 5, 3, b"\x88"));
    // Both fields from the table as it was before the loss: nobody can know that it did not change.
    let rows = flow
        .send(CLIENT, &frame(1, 5, 5, b"\x82\x86\xbf\xbe"))
        .send(SERVER, &frame(1, 5, 5, b"\x88"))
        .send(CLIENT, &frame(1, 5, 7, &named("/two")))
        .send(SERVER, &frame(1, 5, 7, b"\x88"))
        .close();
    assert_eq!(rows.column("type"), ["2", "1", "2", "2"]);
    assert_eq!(rows.column("request_resource"), ["/one", "", "", "/two"]);
    assert_eq!(rows.column("user_agent"), ["ua", "", "", "ua"]);
}

#[test]
fn lost_data_of_a_body_lose_nothing_else() {
    let mut flow = opened();
    let body = frame(0, 1, 1, &[b'x'; 5000]);
    let rows = flow
        .send(CLIENT, &frame(1, 5, 1, &get("/file")))
        .send(SERVER, &[frame(1, 4, 1, b"\x88"), body[..1000].to_vec()].concat())
        .gap(SERVER, 2000)
        .send(SERVER, &body[3000..])
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 21 1 /file 200 0");
    assert_eq!((rows.lines.len(), flow.seen.parse_failed), (1, 0));
}

#[test]
fn endless_heads_and_streams_hold_no_memory() {
    let mut flow = opened();
    flow.send(CLIENT, &frame(1, 0, 1, &get("/a")));
    for _ in 0..300 {
        flow.send(CLIENT, &frame(9, 0, 1, &[0x40; 16_000]));
        assert!(flow.l7.heap_bytes() < 128 * 1024);
    }
    let mut flow = opened();
    for stream in 0..20_000 {
        let block = [get("/a"), field("user-agent", &"u".repeat(100), true)].concat();
        flow.send(CLIENT, &frame(1, 4, stream * 2 + 1, &block));
        assert!(flow.l7.heap_bytes() < 4 << 20);
    }
    assert_eq!(flow.close().lines.len(), 20_000);
}

#[test]
fn a_grpc_call_of_which_the_beginning_of_the_connection_was_not_captured() {
    let Some((rows, seen)) = case("http/h2c_ascii.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, rows.lines.len()), (1, 1, 1));
    let fields = "l7_protocol_str version request_id request_domain request_resource endpoint response_code response_status request_length response_length response_duration";
    let path = "/hipstershop.CartService/GetCart";
    assert_eq!(
        rows.pick(0, fields),
        format!("gRPC 2 1 cartservice:7070 {path} {path}  0 43 21 2023")
    );
}

#[test]
fn a_grpc_call_without_its_trailers() {
    let Some((rows, seen)) = case("http/grpc-unary.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, rows.lines.len()), (1, 1, 1));
    let fields = "l7_protocol_str request_type request_domain request_resource response_status request_length captured_request_byte response_duration";
    // Their status is ok, from HTTP's 200; how the call ended was not captured.
    assert_eq!(
        rows.pick(0, fields),
        "gRPC POST 10.1.23.21:30035 /agent.Synchronizer/Sync 5 242 339 30826"
    );
}

#[test]
fn a_grpc_call_whose_data_come_later() {
    let Some((rows, seen)) = case("http/grpc-segmented.pcap") else {
        return;
    };
    assert_eq!((seen.requests, seen.responses, rows.lines.len()), (1, 0, 1));
    let fields = "type l7_protocol_str request_domain request_resource request_length";
    assert_eq!(rows.pick(0, fields), "0 gRPC 192.168.199.215:30035 /agent.Synchronizer/Push -1");
}

#[test]
fn two_streams_in_one_packet_whose_names_were_said_before() {
    let Some((rows, seen)) = case("http/http2-multi.pcap") else {
        return;
    };
    assert_eq!((seen.requests, seen.responses, rows.lines.len()), (2, 2, 2));
    let fields = "l7_protocol_str request_type request_id request_resource request_length response_length response_code response_duration";
    // The later stream is answered first. Path and host are in the part of the table that nobody saw.
    assert_eq!(rows.pick(0, fields), "HTTP2 POST 18131983  17 150 200 258");
    assert_eq!(rows.pick(1, fields), "HTTP2 POST 18131981  17 148 200 258");
}
