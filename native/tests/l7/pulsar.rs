//! Pulsar, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field that is a number.
fn num(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

/// A field that is a text, or a message.
fn text(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn with(kind: u64, fields: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
    let command = [num(1, kind), text(kind, &fields.concat())].concat();
    let size = (4 + command.len() + behind.len()) as u32;
    [&size.to_be_bytes()[..], &(command.len() as u32).to_be_bytes(), &command, behind].concat()
}

fn command(kind: u64, fields: &[Vec<u8>]) -> Vec<u8> {
    with(kind, fields, &[])
}

/// A message behind its metadata, with a checksum that nobody checks.
fn message(metadata: &[Vec<u8>], content: &[u8]) -> Vec<u8> {
    let metadata = metadata.concat();
    [
        &[0x0e, 1, 0, 0, 0, 0][..],
        &(metadata.len() as u32).to_be_bytes(),
        &metadata,
        content,
    ]
    .concat()
}

fn property(field: u64, key: &str, value: &str) -> Vec<u8> {
    text(field, &[text(1, key.as_bytes()), text(2, value.as_bytes())].concat())
}

const TOPIC: &[u8] = b"persistent://public/default/orders";

fn connect() -> Vec<u8> {
    command(
        2,
        &[text(1, b"Pulsar-Test-1"), num(4, 19), text(5, b"token"), text(6, b"broker:6650")],
    )
}

fn connected() -> Vec<u8> {
    command(3, &[text(1, b"Pulsar Server3.2.0"), num(2, 19)])
}

#[test]
fn a_connection_tells_who_is_there_and_what_is_sent_its_topic() {
    let mut flow = Flow::new(6, 6650);
    let sent = message(
        &[
            text(1, b"p"),
            num(2, 0),
            num(3, 1),
            property(4, "traceparent", "00-01-02-01"),
            text(6, b"k7"),
        ],
        b"body",
    );
    flow.drip(CLIENT, &connect())
        .drip(SERVER, &connected())
        .send(CLIENT, &command(5, &[text(1, TOPIC), num(2, 3), num(3, 9)]))
        .send(SERVER, &command(17, &[num(1, 9), text(2, b"maker-1")]))
        .drip(CLIENT, &with(6, &[num(1, 3), num(2, 5), num(3, 40)], &sent))
        .drip(
            SERVER,
            &command(7, &[num(1, 3), num(2, 5), text(3, &[num(1, 9), num(2, 40)].concat())]),
        )
        .send(CLIENT, &command(15, &[num(1, 3), num(2, 10)]))
        .send(SERVER, &command(13, &[num(1, 10)]));
    let rows = flow.close();
    assert_eq!(rows.types, [0, 0, 4]);
    assert_eq!(rows.column("request_type"), ["Connect", "Producer", "Send", "CloseProducer"]);
    assert_eq!(rows.column("request_id"), ["", "9", "5", "10"]);
    assert_eq!(rows.column("version"), ["19", "19", "19", "19"]);
    assert_eq!(rows.column("request_domain"), ["broker:6650"; 4]);
    assert_eq!(rows.column("response_result"), ["Pulsar Server3.2.0", "maker-1", "9:40", ""]);
    assert_eq!(rows.pick(0, "user_agent pulsar.auth_method"), "Pulsar-Test-1 token");
    let fields = "request_resource endpoint trace_id span_id pulsar.message_key pulsar.messages";
    assert_eq!(
        rows.pick(2, fields),
        "persistent://public/default/orders public/default/orders 01 02 k7 40"
    );
    assert_eq!(rows.get(3, "endpoint"), "public/default/orders");
}

#[test]
fn the_first_message_of_a_batch_carries_the_trace_unless_it_is_compressed() {
    let single = [property(1, "traceparent", "00-01-02-01"), num(3, 4)].concat();
    let content = [&(single.len() as u32).to_be_bytes()[..], &single, b"body"].concat();
    for (compression, expected) in [(0, "01"), (1, "")] {
        let sent = message(&[text(1, b"p"), num(2, 0), num(3, 1), num(8, compression), num(11, 2)], &content);
        let mut flow = Flow::new(6, 6650);
        flow.send(CLIENT, &with(6, &[num(1, 3), num(2, 5)], &sent));
        assert_eq!(flow.close().pick(0, "request_type trace_id"), format!("Send {expected}"));
    }
}

#[test]
fn what_is_delivered_is_a_row_with_the_topic_that_was_subscribed() {
    let entry = [
        &[0x0e, 2, 0, 0, 0, 2, 8, 1][..],
        &message(&[text(1, b"p"), num(2, 0), num(3, 1)], b"body"),
    ]
    .concat();
    let mut flow = Flow::new(6, 6650);
    flow.send(
        CLIENT,
        &command(4, &[text(1, TOPIC), text(2, b"shop"), num(3, 1), num(4, 2), num(5, 6)]),
    )
    .send(SERVER, &command(13, &[num(1, 6)]))
    .send(CLIENT, &command(11, &[num(1, 2), num(2, 1000)]))
    .drip(SERVER, &with(9, &[num(1, 2), text(2, &[num(1, 9), num(2, 1)].concat())], &entry))
    .send(CLIENT, &command(10, &[num(1, 2), num(2, 0)]))
    .send(CLIENT, &command(10, &[num(1, 2), num(2, 0), num(8, 7)]))
    .send(SERVER, &command(38, &[num(1, 2), num(6, 7)]))
    .send(SERVER, &command(16, &[num(1, 2), num(2, 7)]));
    let rows = flow.close();
    let names = ["Subscribe", "Flow", "Message", "Ack", "Ack", "CloseConsumer"];
    assert_eq!(rows.column("request_type"), names);
    assert_eq!(rows.column("type"), ["2", "0", "0", "0", "2", "0"]);
    assert_eq!(rows.column("endpoint"), ["public/default/orders"; 6]);
    assert_eq!(rows.get(0, "pulsar.subscription"), "shop");
}

#[test]
fn errors_say_whose_they_are() {
    for (code, told, expected) in [
        (11, &b"no such topic"[..], "11 4 no such topic"),
        (2, b"", "2 3 PersistenceError"),
        (0, b"oops", " 3 oops"),
    ] {
        let mut flow = Flow::new(6, 6650);
        flow.send(CLIENT, &command(5, &[text(1, TOPIC), num(2, 3), num(3, 9)]))
            .send(SERVER, &command(14, &[num(1, 9), num(2, code), text(3, told)]));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
        let mut flow = Flow::new(6, 6650);
        flow.send(CLIENT, &with(6, &[num(1, 3), num(2, 9)], &message(&[], b"")))
            .send(SERVER, &command(8, &[num(1, 3), num(2, 9), num(3, code), text(4, told)]));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
        let mut flow = Flow::new(6, 6650);
        flow.send(CLIENT, &command(23, &[text(1, TOPIC), num(2, 9)]))
            .send(SERVER, &command(24, &[num(3, 2), num(4, 9), num(6, code), text(7, told)]));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn who_is_not_let_in_gets_an_error_for_an_answer() {
    let mut flow = Flow::new(6, 6650);
    flow.send(CLIENT, &connect())
        .send(SERVER, &command(14, &[num(1, u64::MAX), num(2, 3), text(3, b"bad token")]));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type request_type response_code response_status response_exception"),
        "2 Connect 3 4 bad token"
    );
}

#[test]
fn both_ends_may_ask_whether_the_other_is_there() {
    let mut flow = Flow::new(6, 6650);
    flow.send(CLIENT, &command(18, &[]))
        .send(SERVER, &command(18, &[]))
        .send(SERVER, &command(19, &[]))
        .send(CLIENT, &command(19, &[]));
    assert_eq!(flow.close().types, [0, 0, 2]);
}

#[test]
fn a_producer_that_waits_for_its_turn_is_answered_when_it_has_it() {
    let mut flow = Flow::new(6, 6650);
    flow.send(CLIENT, &command(5, &[text(1, TOPIC), num(2, 3), num(3, 9)]))
        .send(SERVER, &command(17, &[num(1, 9), text(2, b"m"), num(6, 0)]))
        .wait(1)
        .send(SERVER, &command(17, &[num(1, 9), text(2, b"m"), num(6, 1)]));
    let rows = flow.close();
    assert_eq!(rows.types, [0, 0, 1]);
    assert!(rows.durations[0] >= 1_000_000);
}

#[test]
fn a_flow_is_picked_up_in_the_middle_and_after_a_loss() {
    let big = with(6, &[num(1, 3), num(2, 1)], &message(&[text(1, b"p")], &[7; 20_000]));
    let mut flow = Flow::new(6, 6650);
    flow.send(CLIENT, &command(13, &[num(1, 1)]));
    assert!(flow.l7.is_reversed());
    flow.send(SERVER, &big[..5000])
        .gap(SERVER, 10_000)
        .send(SERVER, &big[15_000..])
        .send(SERVER, &big[..5000])
        .gap(SERVER, 15_100)
        .send(SERVER, b"garbage")
        .send(SERVER, &command(18, &[]));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["", "Send", "Send", "Ping"]);
}

#[test]
fn topics_of_ever_more_producers_hold_no_memory() {
    let mut flow = Flow::new(6, 6650);
    for number in 0..10_000 {
        flow.send(CLIENT, &command(5, &[text(1, &[b'x'; 4000]), num(2, number), num(3, 1)]))
            .send(SERVER, &command(17, &[num(1, 1)]));
        assert!(flow.l7.heap_bytes() < 256 * 1024);
    }
}

#[test]
fn what_only_resembles_pulsar_is_left_alone() {
    let good = command(18, &[]);
    for (at, byte) in [(3, 10), (7, 6), (8, 9), (9, 69), (10, 0x93), (12, 1)] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        let mut flow = Flow::new(6, 6650);
        flow.send(CLIENT, &[bytes, vec![0; 20]].concat());
        assert_eq!(flow.l7.protocol(), 0, "{at}");
    }
}

#[test]
fn messages_that_nobody_here_recorded() {
    let Some((rows, _)) = case("pulsar/pulsar-producer.pcap") else {
        return;
    };
    assert_eq!(rows.types, [0, 0, rows.lines.len()]);
    let fields = "request_type request_domain endpoint request_id version request_length response_length response_result response_duration";
    let sends = rows.column("request_type").iter().filter(|name| *name == "Send").count();
    assert_eq!(sends, 10);
    let first = rows.column("request_type").iter().position(|name| name == "Send").unwrap();
    assert_eq!(
        rows.pick(first, fields),
        "Send localhost:6650 public/default/my-topic  19 61 20 9:40 11240"
    );
}
