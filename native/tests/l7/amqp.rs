//! AMQP 0-9-1, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn frame(kind: u8, channel: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, channel][..], &(payload.len() as u32).to_be_bytes(), payload, &[0xce]].concat()
}

fn method(channel: u8, class: u8, number: u8, arguments: &[&[u8]]) -> Vec<u8> {
    frame(1, channel, &[&[0, class, 0, number][..], &arguments.concat()].concat())
}

fn header(channel: u8, size: u64, properties: &[u8]) -> Vec<u8> {
    frame(2, channel, &[&[0, 60, 0, 0][..], &size.to_be_bytes(), properties].concat())
}

fn publish(channel: u8, exchange: &str, key: &str, body: &[u8]) -> Vec<u8> {
    [
        method(channel, 60, 40, &[&[0, 0], &short(exchange), &short(key), &[0]]),
        header(channel, body.len() as u64, &[0, 0]),
        frame(3, channel, body),
    ]
    .concat()
}

/// A flow behind its greeting, on the host "/shop".
fn opened() -> Flow {
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, b"AMQP\0\0\x09\x01");
    flow.send(CLIENT, &method(0, 10, 40, &[&short("/shop"), &[0, 0]]))
        .send(SERVER, &method(0, 10, 41, &[&[0]]));
    flow
}

#[test]
fn methods_are_paired_on_their_channels() {
    let mut flow = opened();
    let declare = |channel, name: &str| method(channel, 50, 10, &[&[0, 0], &short(name), &[0], &[0; 4]]);
    let declared = |channel, name: &str| method(channel, 50, 11, &[&short(name), &[0; 8]]);
    flow.send(CLIENT, &[declare(1, "a"), declare(2, "b"), declare(1, "c")].concat());
    flow.send(SERVER, &declared(2, "b"))
        .send(SERVER, &declared(1, "a"))
        .send(SERVER, &declared(1, "c"));
    // Nobody answers one that does not want it.
    flow.send(CLIENT, &method(1, 50, 10, &[&[0, 0], &short("d"), &[16], &[0; 4]]));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "2", "2", "2", "0"]);
    assert_eq!(rows.column("endpoint"), ["", "b", "a", "c", "d"]);
    let fields = "version request_type request_domain request_id response_status response_result";
    assert_eq!(rows.pick(1, fields), "0-9-1 Queue.Declare /shop 2 0 b");
}

#[test]
fn a_message_is_one_row_however_many_frames_it_has() {
    let mut flow = opened();
    let trace = [
        &short("traceparent")[..],
        b"S",
        &[0, 0, 0, 55],
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ]
    .concat();
    let properties = [
        &[0x24, 0x80][..],
        &(trace.len() as u32).to_be_bytes(),
        &trace,
        &short("c-1"),
        &short("m-1"),
    ]
    .concat();
    let message = [
        method(1, 60, 40, &[&[0, 0], &short("orders"), &short("new"), &[0]]),
        header(1, 5, &properties),
        frame(3, 1, b"he"),
        frame(3, 1, b"llo"),
    ]
    .concat();
    flow.send(CLIENT, &message).send(CLIENT, &publish(1, "", "queue", b""));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "0"]);
    assert_eq!(
        rows.pick(1, "request_type request_resource endpoint trace_id span_id request_length"),
        format!(
            "Basic.Publish orders.new orders.new 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 {}",
            message.len()
        )
    );
    assert_eq!(
        rows.pick(1, "messaging.message.conversation_id messaging.message.id captured_request_byte"),
        format!("c-1 m-1 {}", message.len())
    );
    assert_eq!(rows.get(2, "endpoint"), "queue");
    let mut dripped = opened();
    dripped.drip(CLIENT, &message).drip(CLIENT, &publish(1, "", "queue", b""));
    assert_eq!(dripped.close().lines[1..].len(), 2);
}

#[test]
fn a_confirmed_publication_is_one_row_whoever_else_is_confirmed_with_it() {
    let mut flow = opened();
    let confirm = |number: u8, tag: u64, multiple: u8| method(1, 60, number, &[&tag.to_be_bytes(), &[multiple]]);
    flow.send(CLIENT, &publish(1, "", "before", b"x"));
    flow.send(CLIENT, &method(1, 85, 10, &[&[0]])).send(SERVER, &method(1, 85, 11, &[]));
    for name in ["1", "2", "3", "4", "5", "6"] {
        flow.send(CLIENT, &publish(1, "", name, b"x"));
    }
    flow.send(CLIENT, &publish(2, "", "other", b"x"));
    flow.send(SERVER, &[confirm(80, 2, 0), confirm(120, 1, 0), confirm(80, 4, 1)].concat());
    let close = |code: u16, text: &str| method(1, 20, 40, &[&code.to_be_bytes(), &short(text), &[0; 4]]);
    flow.send(SERVER, &close(404, "gone")).send(CLIENT, &method(1, 20, 41, &[]));
    // Opened again nothing is confirmed.
    flow.send(CLIENT, &[method(1, 20, 10, &[&[0]]), publish(1, "", "after", b"x")].concat());
    flow.send(SERVER, &method(1, 20, 11, &[&[0; 4]]));
    let rows = flow.close();
    let told: Vec<String> = (1..rows.lines.len())
        .map(|at| rows.pick(at, "type request_type endpoint response_code response_status response_exception"))
        .collect();
    let expected = [
        "0 Basic.Publish before  5 ",
        "2 Confirm.Select   0 ",
        "0 Basic.Publish other  5 ",
        "2 Basic.Publish 2  0 ",
        "2 Basic.Publish 1  3 not taken",
        "2 Basic.Publish 3  0 ",
        "2 Basic.Publish 4  0 ",
        "2 Basic.Publish 5 404 4 gone",
        "2 Basic.Publish 6 404 4 gone",
        "0 Basic.Publish after  5 ",
        "2 Channel.Open   0 ",
    ];
    assert_eq!(told, expected);
}

#[test]
fn thousands_may_wait_for_their_confirmation() {
    let told = |published: usize| {
        let mut flow = opened();
        let confirm = |tag: u64, multiple: u8| method(1, 60, 80, &[&tag.to_be_bytes(), &[multiple]]);
        flow.send(CLIENT, &method(1, 85, 10, &[&[0]])).send(SERVER, &method(1, 85, 11, &[]));
        for _ in 0..published {
            flow.send(CLIENT, &publish(1, "orders", "new", b"x"));
        }
        flow.send(SERVER, &confirm(published as u64 - 1, 0))
            .send(SERVER, &confirm(published as u64 / 2, 1))
            .send(SERVER, &confirm(published as u64, 1));
        let held = flow.l7.heap_bytes();
        assert!(held < 4 << 20, "{held}");
        (flow.close().types, flow.seen.evicted)
    };
    assert_eq!(told(3000), ([0, 0, 3002], 0));
    let (types, evicted) = told(20_000);
    assert_eq!(
        (types[0] as u32, types.iter().sum()),
        (evicted, 20_002),
        "each is a row, and who had to go is counted"
    );
    assert!((3000..=4098).contains(&types[2]), "{types:?}");
}

#[test]
fn a_confirm_of_several_answers_only_the_last_of_them_where_others_may_have_been_lost() {
    let mut flow = opened();
    let confirm = |tag: u64, multiple: u8| method(1, 60, 80, &[&tag.to_be_bytes(), &[multiple]]);
    flow.send(CLIENT, &method(1, 85, 10, &[&[0]])).send(SERVER, &method(1, 85, 11, &[]));
    for name in ["1", "2", "3", "4"] {
        flow.send(CLIENT, &publish(1, "", name, b"x"));
    }
    flow.gap(SERVER, 21).send(SERVER, &[confirm(3, 1), confirm(4, 0)].concat());
    let rows = flow.close();
    let told: Vec<String> = (2..rows.lines.len()).map(|at| rows.pick(at, "type endpoint")).collect();
    assert_eq!(told, ["0 1", "0 2", "2 3", "2 4"]);
}

#[test]
fn frames_of_others_between_those_of_a_message_are_not_lost() {
    let mut flow = opened();
    let (head, body) = (
        [method(1, 60, 40, &[&[0, 0], &short("e"), &short("k"), &[0]]), header(1, 4, &[0, 0])].concat(),
        frame(3, 1, b"late"),
    );
    flow.send(CLIENT, &[head, frame(8, 0, b""), method(2, 20, 10, &[&[0]]), body].concat())
        .send(SERVER, &method(2, 20, 11, &[&[0; 4]]));
    let rows = flow.close();
    assert_eq!(rows.column("request_type")[1..], ["Basic.Publish", "Channel.Open"]);
    assert_eq!((rows.get(2, "type").as_str(), flow.seen.parse_failed), ("2", 0));
}

#[test]
fn a_closed_channel_answers_what_was_asked_there() {
    let mut flow = opened();
    let close = |channel, code: u16, text: &str| method(channel, 20, 40, &[&code.to_be_bytes(), &short(text), &[0; 4]]);
    flow.send(CLIENT, &method(1, 50, 10, &[&[0, 0], &short("x"), &[1], &[0; 4]]))
        .send(SERVER, &close(1, 404, "NOT_FOUND - no queue 'x'"))
        .send(CLIENT, &method(1, 20, 41, &[]));
    flow.send(CLIENT, &publish(2, "none", "k", b"x"))
        .send(SERVER, &close(2, 404, "NOT_FOUND - no exchange 'none'"))
        .send(CLIENT, &method(2, 20, 41, &[]));
    flow.send(CLIENT, &close(3, 200, "bye")).send(SERVER, &method(3, 20, 41, &[]));
    let rows = flow.close();
    let fields = "type request_type response_code response_status response_exception";
    assert_eq!(rows.pick(1, fields), "2 Queue.Declare 404 4 NOT_FOUND - no queue 'x'");
    assert_eq!(rows.pick(3, fields), "1 Channel.Close 404 4 NOT_FOUND - no exchange 'none'");
    assert_eq!(rows.pick(4, fields), "2 Channel.Close  0 ");
    assert_eq!((rows.lines.len(), flow.seen.client_errors), (5, 2));
}

#[test]
fn deliveries_returns_and_pulls_carry_content_too() {
    let mut flow = opened();
    let content = |body: &[u8]| [header(1, body.len() as u64, &[0, 0]), frame(3, 1, body)].concat();
    let delivery = method(1, 60, 60, &[&short("tag"), &[0; 9], &short("ex"), &short("rk")]);
    flow.send(SERVER, &[delivery, content(b"hello")].concat())
        .send(CLIENT, &method(1, 60, 80, &[&[0; 8], &[0]]));
    flow.send(CLIENT, &method(1, 60, 70, &[&[0, 0], &short("q"), &[1]]));
    let got = method(1, 60, 71, &[&[0; 9], &short(""), &short("q"), &[0; 4]]);
    flow.send(SERVER, &[got, content(b"one")].concat());
    flow.send(CLIENT, &method(1, 60, 70, &[&[0, 0], &short("q"), &[1]]))
        .send(SERVER, &method(1, 60, 72, &[&[0]]));
    let returned = method(1, 60, 50, &[&312_u16.to_be_bytes(), &short("NO_ROUTE"), &short("ex"), &short("no")]);
    flow.send(SERVER, &[returned, content(b"back")].concat());
    flow.send(SERVER, &method(1, 60, 120, &[&[0; 8], &[0]]));
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type")[1..],
        ["Basic.Deliver", "Basic.Ack", "Basic.Get", "Basic.Get", "Basic.Return", "Basic.Nack"]
    );
    assert_eq!(rows.column("type")[1..], ["0", "0", "2", "2", "1", "1"]);
    assert_eq!(rows.pick(1, "endpoint"), "ex.rk");
    assert_eq!(
        rows.pick(5, "endpoint response_code response_status response_exception"),
        "ex.no 312 4 NO_ROUTE"
    );
    assert_eq!(rows.pick(6, "response_status"), "3");
}

#[test]
fn long_messages_are_not_kept_and_gaps_in_them_cost_nothing() {
    let mut flow = opened();
    let message = publish(1, "e", "k", &vec![0x01; 2_000_000]);
    flow.send(CLIENT, &message[..9000])
        .gap(CLIENT, 1_000_000)
        .send(CLIENT, &message[1_009_000..]);
    assert!(flow.l7.heap_bytes() < 16 * 1024);
    let rows = flow.close();
    assert_eq!(rows.pick(1, "type endpoint request_length"), format!("0 e.k {}", message.len()));
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_frame() {
    let mut flow = opened();
    flow.gap(CLIENT, 77).send(
        CLIENT,
        &[b"end of a body\xce".to_vec(), publish(1, "found", "again", b"x")].concat(),
    );
    assert_eq!(flow.close().get(1, "endpoint"), "found.again");
}

#[test]
fn whole_methods_are_known_in_the_middle_too() {
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, &publish(1, "ex", "rk", b"x"));
    assert_eq!(flow.close().pick(0, "l7_protocol_str endpoint"), "AMQP ex.rk");
    for bytes in [
        &b"AMQP\0\x02\0\0"[..],
        &[1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 99, 0xce],
        &[1, 0, 1, 0, 0, 0, 4, 0, 90, 0, 10, 0xcf],
    ] {
        let mut flow = Flow::new(6, 7000);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn hostile_frames_hold_no_memory() {
    let mut flow = opened();
    for channel in 0..30_000_u32 {
        flow.send(CLIENT, &method(channel as u8, 20, 10, &[&[0]]));
        flow.send(CLIENT, &header(channel as u8, u64::MAX, &[0xff; 100]));
        flow.rows.lines.clear();
    }
    flow.send(CLIENT, &[1, 0, 1, 0, 0, 0xff, 0xff]).send(CLIENT, &[0xff; 60_000]);
    assert!(flow.l7.heap_bytes() < 4 << 20, "{}", flow.l7.heap_bytes());
    flow.close();
}

#[test]
fn captures_of_others() {
    let Some((rows, seen)) = case("amqp/amqp1.pcap") else { return };
    assert_eq!((seen.parse_failed, seen.client_errors), (0, 0));
    let all = |name: &str| -> Vec<usize> { (0..rows.lines.len()).filter(|row| rows.get(*row, "request_type") == name).collect() };
    let [start, tune, open] = ["Connection.Start", "Connection.Tune", "Connection.Open"].map(|name| all(name)[0]);
    let fields = "type captured_request_byte captured_response_byte response_duration";
    assert_eq!(rows.pick(start, fields), "2 516 298 257");
    assert_eq!(rows.pick(tune, fields), "2 20 20 218");
    assert_eq!(rows.pick(open, fields), "2 16 13 3658");
    let publish = all("Basic.Publish")[0];
    assert_eq!(
        rows.pick(publish, "type endpoint captured_request_byte request_domain"),
        "0 exchange-1.rk-1 73 /"
    );
    assert_eq!(rows.get(all("Queue.Bind")[0], "endpoint"), "exchange-1.rk-1");
    assert_eq!(rows.get(all("Basic.Deliver")[0], "endpoint"), "exchange-1.rk-1");
    let Some((rows, seen)) = case("amqp/amqp-error.pcap") else { return };
    assert_eq!((seen.parse_failed, seen.client_errors), (0, 4));
    let codes: Vec<String> = rows.column("response_code").into_iter().filter(|code| !code.is_empty()).collect();
    assert_eq!(codes, ["530", "530", "406", "312"]);
}
