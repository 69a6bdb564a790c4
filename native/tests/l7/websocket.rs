//! WebSocket behind an upgrade of HTTP/1, and other things behind a tunnel.

use crate::flow::{CLIENT, Flow, SERVER};

const ASK: &[u8] = b"GET /rooms/7/live HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const YES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

fn opened() -> Flow {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, ASK).send(SERVER, YES);
    flow
}

/// A frame with a payload of zeros, masked where the client sends it.
fn frame(from_client: bool, front: u8, length: usize) -> Vec<u8> {
    let mask = if from_client { 0x80 } else { 0 };
    let mut bytes = vec![front];
    match length {
        0..126 => bytes.push(mask | length as u8),
        126..65536 => {
            bytes.push(mask | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.resize(bytes.len() + usize::from(mask) / 32 + length, 0);
    bytes
}

#[test]
fn each_message_is_a_row_that_says_where_the_connection_was_opened() {
    let mut flow = opened();
    flow.send(CLIENT, &frame(CLIENT, 0x81, 5))
        .send(SERVER, &frame(SERVER, 0x82, 70_000));
    flow.send(
        SERVER,
        &[frame(SERVER, 0x01, 10), frame(SERVER, 0x89, 4), frame(SERVER, 0x80, 20)].concat(),
    );
    let rows = flow.close();
    assert_eq!(rows.pick(0, "l7_protocol_str response_code websocket.protocol"), "HTTP 101 chat");
    let fields = "l7_protocol type request_type request_domain request_resource endpoint request_length websocket.from";
    assert_eq!(rows.pick(1, fields), "22 0 Text h /rooms/7/live /rooms/7 5 client");
    assert_eq!(rows.pick(2, fields), "22 0 Binary h /rooms/7/live /rooms/7 70000 server");
    assert_eq!(rows.pick(3, fields), "22 0 Ping h /rooms/7/live /rooms/7 4 server");
    assert_eq!(rows.pick(4, fields), "22 0 Text h /rooms/7/live /rooms/7 30 server", "two frames");
    assert_eq!((rows.lines.len(), flow.seen.parse_failed, flow.l7.protocol()), (5, 0, 22));
}

#[test]
fn the_end_says_whose_fault_it_is() {
    let end = |from_client: bool, code: u16| {
        let mut flow = opened();
        let mask: &[u8] = if from_client { &[0, 0, 0, 0] } else { &[] };
        let second = if from_client { 0x84 } else { 4 };
        flow.send(from_client, &[&[0x88, second], mask, &code.to_be_bytes(), b"no"].concat());
        flow.close()
            .pick(1, "request_type response_status response_code response_exception")
    };
    assert_eq!(end(SERVER, 1000), "Close 0 1000 ");
    assert_eq!(end(SERVER, 1008), "Close 4 1008 no");
    assert_eq!(end(SERVER, 1011), "Close 3 1011 no");
    assert_eq!(end(CLIENT, 1002), "Close 3 1002 no");
}

#[test]
fn a_gap_in_a_message_costs_nothing_and_one_elsewhere_what_it_hid() {
    let mut flow = opened();
    let message = frame(CLIENT, 0x82, 5000);
    flow.send(CLIENT, &message[..2000]).gap(CLIENT, 1000).send(CLIENT, &message[3000..]);
    assert_eq!(flow.rows.pick(1, "request_length"), "5000");
    flow.gap(CLIENT, 10).send(CLIENT, &[0xff; 30]).send(CLIENT, &frame(CLIENT, 0x81, 3));
    assert_eq!(flow.close().pick(2, "request_type request_length"), "Text 3");
}

#[test]
fn what_is_tunnelled_is_read_where_it_is_tls_and_left_alone_where_not() {
    let connected = || {
        let mut flow = Flow::tcp();
        flow.send(CLIENT, b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
        flow.send(SERVER, b"HTTP/1.1 200 OK\r\n\r\n");
        flow
    };
    let mut flow = connected();
    flow.send(CLIENT, b"something else");
    assert!(flow.l7.is_done());
    let mut flow = connected();
    flow.drip(CLIENT, &[22, 3, 1, 0, 4, 1, 0, 0, 0, 3, 3]);
    assert_eq!(flow.l7.protocol(), 121);
}
