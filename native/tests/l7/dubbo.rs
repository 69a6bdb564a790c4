//! Dubbo, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

const REQUEST: u8 = 0xc2;

fn message(flags: u8, status: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let head = [
        &[0xda, 0xbb, flags, status][..],
        &id.to_be_bytes(),
        &(body.len() as u32).to_be_bytes(),
    ];
    [&head.concat(), body].concat()
}

/// A Hessian text.
fn text(text: &str) -> Vec<u8> {
    let size = text.len() as u8;
    let head = if size < 32 { vec![size] } else { vec![b'S', 0, size] };
    [&head, text.as_bytes()].concat()
}

fn call(arguments: &str, values: &[u8], attachments: &[(&str, &str)]) -> Vec<u8> {
    let mut body = ["2.0.2", "a.Shop", "1.0", "find", arguments].map(text).concat();
    body.extend_from_slice(values);
    body.push(b'H');
    attachments
        .iter()
        .for_each(|(key, value)| body.extend([text(key), text(value)].concat()));
    body.push(b'Z');
    body
}

#[test]
fn a_call_and_its_answer() {
    let mut flow = Flow::new(6, 20880);
    let values = [
        0x90, b'N', 0x5b, b'C', 1, b'K', 0x92, 1, b'a', 1, b'b', 0x60, b'T', 0xe0, 0x71, 1, b'L', 0x60, b'F', 0xe1,
    ];
    let asked = call(
        "I[Ljava/lang/String;DLa/K;Ljava/util/List;",
        &values,
        &[("group", "north"), ("traceparent", "00-0123-4567-01")],
    );
    flow.send(CLIENT, &message(REQUEST, 0, 7, &asked))
        .send(SERVER, &message(2, 20, 7, &[0x91, 2, b'o', b'k']));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type version request_resource request_type endpoint"),
        "2 2.0.2 a.Shop find a.Shop/find"
    );
    assert_eq!(
        rows.pick(0, "request_id response_code response_status trace_id span_id"),
        "7 20 0 0123 4567"
    );
    assert_eq!(rows.pick(0, "dubbo.service_version dubbo.group"), "1.0 north");
    assert_eq!(rows.get(0, "request_length"), asked.len().to_string());
}

#[test]
fn failures_say_whose_they_are() {
    let thrown = [
        &[0x90, b'C'][..],
        &text("a.NoBread"),
        &[0x92],
        &text("code"),
        &text("detailMessage"),
        &[0x60, 0xc8, 0x41],
        &text("no bread"),
    ]
    .concat();
    let fields = "response_code response_status response_exception";
    let answers = [
        (20, thrown, "20 3 a.NoBread: no bread"),
        (40, text("cannot read"), "40 4 cannot read"),
        (31, text("slow"), "31 3 slow"),
        (70, vec![b'N'], "70 3 SERVICE_ERROR"),
    ];
    for (status, body, expected) in answers {
        let mut flow = Flow::new(6, 20880);
        flow.send(CLIENT, &message(REQUEST, 0, 1, &call("", &[], &[])))
            .send(SERVER, &message(2, status, 1, &body));
        assert_eq!(flow.close().pick(0, fields), expected);
    }
}

#[test]
fn heartbeats_of_both_ends_are_not_taken_for_each_other() {
    let mut flow = Flow::new(6, 20880);
    flow.send(CLIENT, &message(0xe2, 0, 5, b"N"))
        .send(SERVER, &message(0xe2, 0, 5, b"N"));
    flow.send(CLIENT, &message(0x22, 20, 5, b"N"))
        .send(SERVER, &message(0x22, 20, 5, b"N"));
    let rows = flow.close();
    assert_eq!(
        (rows.types, rows.column("request_type")),
        ([0, 0, 2], vec!["heartbeat".to_owned(); 2])
    );
    assert_eq!(rows.durations, [1000, 3000]);
}

#[test]
fn calls_that_nobody_answers_wait_for_nothing_and_other_bodies_are_not_read() {
    let mut flow = Flow::new(6, 20880);
    flow.send(CLIENT, &message(0x82, 0, 1, &call("", &[], &[])))
        .send(CLIENT, &message(0xc8, 0, 2, b"\x01\x02\x03"));
    flow.send(SERVER, &message(8, 20, 2, b"\x01"));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "2"]);
    assert_eq!(rows.pick(1, "request_id request_length response_code endpoint"), "2 3 20 ");
}

#[test]
fn a_flow_is_picked_up_in_the_middle_and_after_a_loss() {
    let big = call(
        "[B",
        &[&[b'A', 0x27, 0x10][..], &[7; 10_000], &[b'B', 0, 1, 0]].concat(),
        &[("sw8", "x")],
    );
    let mut flow = Flow::new(6, 20880);
    flow.send(CLIENT, &message(2, 20, 3, b"\x92"))
        .send(SERVER, &message(REQUEST, 0, 9, &call("", &[], &[])));
    assert!(flow.l7.is_reversed());
    let packet = message(REQUEST, 0, 10, &big);
    flow.send(SERVER, &packet[..5000]).gap(SERVER, 100).send(SERVER, &packet[5100..]);
    flow.send(SERVER, &message(REQUEST, 0, 11, &call("", &[], &[])))
        .send(CLIENT, &message(2, 20, 11, b"\x92"));
    let rows = flow.close();
    assert_eq!(rows.types[2], 1);
    assert!(rows.column("request_id").contains(&"11".to_owned()));
}

#[test]
fn what_only_resembles_dubbo_is_left_alone() {
    for bytes in [
        &b"\xda\xbb\x02\x15\0\0\0\0\0\0\0\x01\0\0\0\x01\x91"[..],
        b"\xda\xbb\xc0\0\0\0\0\0\0\0\0\x01\0\0\0\0",
        b"\xda\xbc",
    ] {
        let mut flow = Flow::new(6, 20880);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn hostile_bodies_end_somewhere() {
    for value in [b'C', b'V', 0x58, 0x55, b'A', b'H', b'M', 0x7f, 0x6f, b'S', b'R'] {
        let mut flow = Flow::new(6, 20880);
        for filler in [value, 0xff, 0x90, b'I', 0] {
            let body = call("I", &[&[value][..], &[filler; 6000]].concat(), &[]);
            flow.send(CLIENT, &message(REQUEST, 0, 1, &body));
            assert!(flow.l7.heap_bytes() < 100 * 1024);
        }
        assert_eq!(flow.close().lines.len(), 5);
    }
}

#[test]
fn calls_that_nobody_here_recorded() {
    let Some((rows, _)) = case("dubbo/dubbo-sw8.pcap") else { return };
    let fields = "request_id version request_resource request_type endpoint dubbo.service_version";
    let service = "my.demo.service.ItemService";
    assert_eq!(
        rows.pick(0, fields),
        format!("102499 2.0.2 {service} findItem {service}/findItem 0.0.0")
    );
    assert_eq!(rows.get(0, "trace_id"), "c8164cae90e94fe68493c106ea95f1ee.66.16667985488510067");
    assert_eq!(rows.get(0, "span_id"), "c8164cae90e94fe68493c106ea95f1ee.66.16667985488510066-3");
    assert_eq!(rows.pick(0, "request_length captured_request_byte"), "465 481");
    let Some((rows, _)) = case("dubbo/dubbo_hessian2.pcap") else {
        return;
    };
    let fields = "type request_id endpoint response_code response_status response_length dubbo.application";
    assert_eq!(rows.pick(0, fields), "2 22872 my.demo.service.UserService/login 20 0 191 shop-web");
}

#[test]
fn a_call_is_as_long_as_it_says_though_another_is_answered_meanwhile() {
    let mut flow = Flow::new(6, 20880);
    let inner = message(REQUEST, 0, 9, &call("", &[], &[]));
    let asked = call("[B", &[&b"B\x4e\x20"[..], &[b'x'; 20_000]].concat(), &[]);
    let long = message(REQUEST, 0, 8, &asked);
    flow.send(CLIENT, &message(REQUEST, 0, 7, &call("", &[], &[])))
        .send(CLIENT, &long[..10_000])
        .send(SERVER, &message(2, 20, 7, &[0x91, 0x91]));
    // A segment of it begins with what would be a call by itself.
    flow.send(CLIENT, &[&inner[..], &long[10_000 + inner.len()..]].concat())
        .send(SERVER, &message(2, 20, 8, &[0x91, 0x92]));
    let rows = flow.close();
    assert_eq!(
        (rows.column("request_id"), rows.types),
        (vec!["7".to_owned(), "8".to_owned()], [0, 0, 2])
    );
    assert_eq!(rows.get(1, "captured_request_byte"), long.len().to_string());
}
