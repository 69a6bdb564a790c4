//! MQTT, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn mqtt() -> Flow {
    Flow::new(6, 7000)
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![first];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(length as u8 & 0x7f | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [bytes, content].concat()
}

/// A flow behind its greeting.
fn connected(level: u8) -> Flow {
    let mut flow = mqtt();
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    flow.send(
        CLIENT,
        &packet(0x10, &[&text("MQTT"), &[level, 2, 0, 60], properties, &text("sensor-1")]),
    );
    flow.send(SERVER, &packet(0x20, &[&[0, 0], properties]));
    flow
}

#[test]
fn a_connection_says_who_it_is_on_every_row() {
    let mut flow = connected(4);
    flow.send(CLIENT, &packet(0x30, &[&text("a/b"), b"21.5"]))
        .send(CLIENT, &packet(0xc0, &[]))
        .send(SERVER, &packet(0xd0, &[]))
        .send(CLIENT, &packet(0xe0, &[]));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["CONNECT", "PUBLISH", "PINGREQ", "DISCONNECT"]);
    assert_eq!(rows.column("type"), ["2", "0", "2", "0"]);
    for row in 0..4 {
        assert_eq!(rows.pick(row, "version request_domain"), "3.1.1 sensor-1");
    }
    assert_eq!(rows.pick(0, "response_status request_length captured_request_byte"), "0 20 22");
    assert_eq!(rows.pick(1, "request_resource endpoint request_length"), "a/b a/b 9");
}

#[test]
fn refusals_are_the_clients_or_the_servers() {
    for (level, code, status, text_of) in [
        (4, 5, 4, "not authorized"),
        (4, 3, 3, "server unavailable"),
        (4, 4, 4, "bad user name or password"),
        (5, 0x87, 4, "not authorized"),
        (5, 0x89, 3, "server busy"),
    ] {
        let mut flow = mqtt();
        let properties: &[u8] = if level == 5 { &[0] } else { &[] };
        flow.send(CLIENT, &packet(0x10, &[&text("MQTT"), &[level, 2, 0, 60], properties, &text("x")]));
        flow.send(SERVER, &packet(0x20, &[&[0, code], properties]));
        assert_eq!(
            flow.close().pick(0, "response_code response_status response_exception"),
            format!("{code} {status} {text_of}")
        );
    }
}

#[test]
fn publications_are_answered_by_their_identifiers_from_either_end() {
    let mut flow = connected(4);
    flow.send(
        CLIENT,
        &[
            packet(0x32, &[&text("a"), &[0, 1], b"x"]),
            packet(0x32, &[&text("b"), &[0, 2], b"x"]),
            packet(0x34, &[&text("c"), &[0, 3], b"x"]),
        ]
        .concat(),
    );
    // The server's own count begins at 1 too.
    flow.send(SERVER, &packet(0x33, &[&text("d"), &[0, 1], b"x"]))
        .send(SERVER, &packet(0x40, &[&[0, 2]]))
        .send(CLIENT, &packet(0x40, &[&[0, 1]]))
        .send(SERVER, &packet(0x40, &[&[0, 1]]));
    flow.send(SERVER, &packet(0x50, &[&[0, 3]]))
        .send(CLIENT, &packet(0x62, &[&[0, 3]]))
        .send(SERVER, &packet(0x70, &[&[0, 3]]));
    let rows = flow.close();
    assert_eq!(rows.types, [0, 0, 6]);
    assert_eq!(rows.column("request_resource"), ["", "b", "d", "a", "c", ""]);
    assert_eq!(rows.column("request_id")[1..], ["2", "1", "1", "3", "3"]);
    assert_eq!(rows.pick(2, "mqtt.qos mqtt.retain response_duration"), "1 true 2000");
    assert_eq!(rows.pick(5, "request_type response_status"), "PUBREL 0");
}

#[test]
fn subscriptions_tell_their_filters_and_what_was_granted() {
    let mut flow = connected(4);
    flow.send(CLIENT, &packet(0x82, &[&[0, 9], &text("a/#"), &[1], &text("b/+"), &[0]]))
        .send(SERVER, &packet(0x90, &[&[0, 9], &[1, 0x80]]));
    flow.send(CLIENT, &packet(0xa2, &[&[0, 10], &text("a/#")]))
        .send(SERVER, &packet(0xb0, &[&[0, 10]]));
    let rows = flow.close();
    assert_eq!(
        rows.pick(
            1,
            "request_type request_id response_result response_status response_code response_exception"
        ),
        "SUBSCRIBE 9 1 128 4 128 subscription refused"
    );
    assert_eq!(rows.get(1, "request_resource"), "a/#, b/+");
    assert_eq!(rows.pick(2, "request_type request_resource response_status"), "UNSUBSCRIBE a/# 0");
}

#[test]
fn version_5_carries_traces_aliases_and_reasons() {
    let mut flow = connected(5);
    let user = [
        &[0x26][..],
        &text("traceparent"),
        &text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    .concat();
    let properties = [&[(user.len() + 3) as u8, 0x23, 0, 7][..], &user].concat();
    flow.send(CLIENT, &packet(0x32, &[&text("orders/new"), &[0, 1], &properties, b"x"]));
    flow.send(SERVER, &packet(0x40, &[&[0, 1, 0x97], &[8, 0x1f], &text("quota")]));
    flow.send(CLIENT, &packet(0x30, &[&text(""), &[3, 0x23, 0, 7], b"y"]));
    // Nobody listens: no error.
    flow.send(CLIENT, &packet(0x32, &[&text("z"), &[0, 2], &[0], b"x"]))
        .send(SERVER, &packet(0x40, &[&[0, 2, 0x10]]));
    flow.send(SERVER, &packet(0xe0, &[&[0x8e, 0]]));
    let rows = flow.close();
    assert_eq!(
        rows.pick(1, "version trace_id span_id response_status response_code response_exception"),
        "5 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 4 151 quota"
    );
    assert_eq!(rows.pick(2, "type request_resource"), "0 orders/new");
    assert_eq!(rows.pick(3, "response_status response_code response_exception"), "0 16 ");
    assert_eq!(
        rows.pick(4, "type request_type response_status response_exception"),
        "1 DISCONNECT 4 session taken over"
    );
    assert_eq!(flow.seen.client_errors, 2);
}

#[test]
fn long_payloads_are_not_kept_and_gaps_in_them_cost_nothing() {
    let mut flow = connected(4);
    let publication = packet(0x32, &[&text("long"), &[0, 1], &vec![0x30; 2_000_000]]);
    flow.send(CLIENT, &publication[..500_000])
        .gap(CLIENT, 1_000_000)
        .send(CLIENT, &publication[1_500_000..]);
    assert!(flow.l7.heap_bytes() < 16 * 1024);
    flow.send(SERVER, &packet(0x40, &[&[0, 1]]));
    assert_eq!(
        flow.close().pick(1, "type request_length captured_request_byte"),
        "2 2000008 1000012"
    );
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_packet() {
    let mut flow = connected(4);
    flow.gap(CLIENT, 50).send(
        CLIENT,
        &[
            b"\x01\x02 end of payload".to_vec(),
            packet(0x32, &[&text("found/again"), &[0, 4], b"x"]),
        ]
        .concat(),
    );
    flow.send(SERVER, &packet(0x40, &[&[0, 4]]));
    let rows = flow.close();
    assert_eq!(rows.pick(1, "type request_resource"), "2 found/again");
}

#[test]
fn mid_stream_packets_are_known_by_the_port() {
    let publication = packet(0x33, &[&text("hello/0/world"), &[0, 2], b"x"]);
    let mut flow = Flow::new(6, 1883);
    flow.send(CLIENT, &publication).send(SERVER, &packet(0x40, &[&[0, 2]]));
    assert_eq!(flow.close().pick(0, "type request_resource version"), "2 hello/0/world ");
    let mut flow = mqtt();
    flow.send(CLIENT, &publication);
    assert_eq!(flow.l7.protocol(), 0);
    let mut flow = Flow::new(6, 1883);
    flow.send(CLIENT, b"GARBAGE not mqtt");
    assert_eq!(flow.l7.protocol(), 0);
}

#[test]
fn hostile_packets_hold_no_memory() {
    let mut flow = connected(5);
    for number in 0..30_000_u16 {
        let alias = number.to_be_bytes();
        flow.send(
            CLIENT,
            &packet(0x32, &[&text(&"t".repeat(1000)), &alias, &[3, 0x23, alias[0], alias[1]], b"x"]),
        );
        flow.rows.lines.clear();
    }
    assert!(flow.l7.heap_bytes() < 4 * 1024 * 1024, "{}", flow.l7.heap_bytes());
    assert!((30_000 - 8 * 512..=30_000 - 512).contains(&flow.seen.evicted));
    flow.close();
}

#[test]
fn captures_of_others() {
    let Some((rows, seen)) = case("mqtt/mqtt_connect.pcap") else {
        return;
    };
    assert_eq!((seen.requests, seen.responses, rows.durations), (1, 1, vec![256_746]));
    let Some((rows, _)) = case("mqtt/mqtt_pub.pcap") else { return };
    let fields = "type request_type request_resource request_domain request_length response_length response_status";
    let client = "suncy-mqtt-5c67498695-lq5gs_bench_pub_1_1344005826";
    assert_eq!(rows.pick(0, fields), format!("2 CONNECT  {client} 62 2 0"));
    assert_eq!(rows.pick(1, fields), format!("2 PUBLISH bench {client} 265 2 0"));
    let Some((rows, _)) = case("mqtt/mqtt_one_packet_multi_publish.pcap") else {
        return;
    };
    assert_eq!(rows.types, [0, 0, 10]);
    let topics: Vec<String> = (0..10).map(|number| format!("hello/{number}/world")).collect();
    assert_eq!(rows.column("endpoint"), topics);
    assert_eq!(rows.column("request_length")[..3], ["17", "18", "19"]);
}
