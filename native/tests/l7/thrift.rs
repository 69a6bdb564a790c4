//! Thrift, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;
const ONE_WAY: u8 = 4;

/// How a message is sent.
type Wrap = fn(&[u8]) -> Vec<u8>;

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text].concat()
}

/// A message of the binary coding; its fields must end with a zero.
fn binary(kind: u8, name: &[u8], sequence: u32, fields: &[u8]) -> Vec<u8> {
    [&[0x80, 1, 0, kind][..], &text(name), &sequence.to_be_bytes(), fields].concat()
}

fn old(kind: u8, name: &[u8], sequence: u32, fields: &[u8]) -> Vec<u8> {
    [&text(name)[..], &[kind], &sequence.to_be_bytes(), fields].concat()
}

fn compact(kind: u8, name: &[u8], sequence: u8, fields: &[u8]) -> Vec<u8> {
    [&[0x82, kind << 5 | 1, sequence, name.len() as u8][..], name, fields].concat()
}

fn frame(message: &[u8]) -> Vec<u8> {
    text(message)
}

/// A THeader with a pair, around a message; `transforms` are named but not done.
fn header(message: &[u8], protocol: u8, transforms: &[u8]) -> Vec<u8> {
    let pair: &[u8] = b"\x01\x01\x0btraceparent\x0b00-01-02-01";
    let mut words = [&[protocol, transforms.len() as u8][..], transforms, pair].concat();
    words.resize(words.len().next_multiple_of(4), 0);
    frame(&[&[0x0f, 0xff, 0, 0, 0, 0, 0, 7, 0, (words.len() / 4) as u8][..], &words, message].concat())
}

#[test]
fn a_call_and_its_answer_in_every_form() {
    let wraps: [Wrap; 3] = [<[u8]>::to_vec, frame, |message| header(message, 0, &[])];
    let codings = [
        (binary(CALL, b"find", 7, &[0]), binary(REPLY, b"find", 7, &[0]), "1 binary"),
        (old(CALL, b"find", 7, &[0]), old(REPLY, b"find", 7, &[0]), " binary"),
        (compact(CALL, b"find", 7, &[0]), compact(REPLY, b"find", 7, &[0]), "1 compact"),
    ];
    for wrap in wraps {
        for (asked, told, coding) in &codings {
            let mut flow = Flow::new(6, 9090);
            flow.drip(CLIENT, &wrap(asked)).drip(SERVER, &wrap(told));
            let rows = flow.close();
            assert_eq!(
                rows.pick(0, "type request_type endpoint request_id response_status"),
                "2 find find 7 0"
            );
            assert_eq!(rows.pick(0, "version thrift.protocol"), *coding);
            let sizes = format!("{} {}", wrap(asked).len(), wrap(told).len());
            assert_eq!(rows.pick(0, "request_length response_length"), sizes);
        }
    }
}

#[test]
fn services_that_share_a_connection_are_told_and_answers_do_not_name_them() {
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &frame(&binary(CALL, b"Shop:find", 0, &[0])))
        .send(CLIENT, &frame(&binary(CALL, b"Bank:pay", 0, &[0])))
        .send(SERVER, &frame(&binary(REPLY, b"pay", 0, &[0])))
        .send(SERVER, &frame(&binary(REPLY, b"find", 0, &[0])));
    let rows = flow.close();
    assert_eq!(rows.column("endpoint"), ["Bank/pay", "Shop/find"]);
    assert_eq!(rows.column("request_resource"), ["Bank", "Shop"]);
    assert_eq!(rows.column("type"), ["2", "2"]);
}

#[test]
fn errors_of_the_framework_say_whose_they_are() {
    let told = |why: &[u8], code: u8| [&[11, 0, 1][..], &text(why), &[8, 0, 2, 0, 0, 0, code, 0]].concat();
    for (why, code, expected) in [
        (&b"no such method"[..], 1, "1 4 no such method"),
        (b"", 4, "4 4 BAD_SEQUENCE_ID"),
        (b"oops", 6, "6 3 oops"),
        (b"", 0, " 3 UNKNOWN"),
        (b"", 99, "99 3 UNKNOWN"),
    ] {
        let mut flow = Flow::new(6, 9090);
        flow.send(CLIENT, &frame(&binary(CALL, b"find", 1, &[0])))
            .send(SERVER, &frame(&binary(EXCEPTION, b"find", 1, &told(why, code))));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &compact(CALL, b"find", 1, &[0]))
        .send(SERVER, &compact(EXCEPTION, b"find", 1, b"\x18\x02no\x15\x0c\0"));
    assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), "6 3 no");
}

#[test]
fn a_declared_exception_is_an_error_and_what_is_returned_is_none() {
    let refused = [&[12, 0, 1, 8, 0, 1, 0, 0, 0, 5, 11, 0, 2][..], &text(b"no room"), &[0, 0]].concat();
    let found = [&[12, 0, 0, 11, 0, 1][..], &text(b"lamp"), &[0, 0]].concat();
    let mut flow = Flow::new(6, 9090);
    for fields in [&refused[..], &found, &[12, 0, 1, 0, 0]] {
        flow.send(CLIENT, &binary(CALL, b"put", 0, &[0]))
            .send(SERVER, &binary(REPLY, b"put", 0, fields));
    }
    let rows = flow.close();
    assert_eq!(rows.column("response_status"), ["3", "0", "3"]);
    assert_eq!(rows.column("response_exception"), ["no room", "", "declared exception"]);
    assert_eq!(rows.column("response_code"), ["5", "", ""]);
}

#[test]
fn what_is_one_way_waits_for_nothing() {
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &compact(ONE_WAY, b"forget", 1, &[0]))
        .send(CLIENT, &binary(ONE_WAY, b"forget", 1, &[0]));
    assert_eq!(flow.close().types, [2, 0, 0]);
}

/// Fields with one of each type, in both codings.
fn everything(size: usize) -> (Vec<u8>, Vec<u8>) {
    let long = vec![b'x'; size];
    let binary = [
        &[2, 0, 1, 1, 3, 0, 2, 9, 6, 0, 3, 0, 1, 8, 0, 4, 0, 0, 0, 1][..],
        &[10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 7],
        &[7; 16],
        &[11, 0, 8],
        &text(&long),
        &[13, 0, 9, 11, 8, 0, 0, 0, 2],
        &text(b"a"),
        &[0, 0, 0, 1],
        &text(b"b"),
        &[0, 0, 0, 2],
        &[15, 0, 10, 12, 0, 0, 0, 2, 2, 0, 1, 1, 0, 0, 14, 0, 11, 8, 0, 0, 0, 1, 0, 0, 0, 1],
        &[15, 0, 12, 15, 0, 0, 0, 1, 11, 0, 0, 0, 1],
        &text(b"c"),
        &[0],
    ];
    let size = [size as u8 & 0x7f | 0x80, (size >> 7) as u8 & 0x7f | 0x80, (size >> 14) as u8];
    let compact = [
        &[0x11, 0x12, 0x13, 9, 0x14, 2, 0x15, 2, 0x16, 2, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0x1d][..],
        &[7; 16],
        &[0x18],
        &size,
        &long,
        &[0x1b, 2, 0x85, 1, b'a', 2, 1, b'b', 4, 0x1b, 0],
        &[
            0x19, 0x2c, 0x11, 0, 0, 0x1a, 0x15, 2, 0x19, 0x19, 0x18, 1, b'c', 0x09, 0xf0, 0x01, 0xf1, 2, 1, 1, 0,
        ],
    ];
    (binary.concat(), compact.concat())
}

#[test]
fn bare_messages_end_where_their_fields_end() {
    for size in [3, 1900, 2048, 50_000] {
        let (binary_fields, compact_fields) = everything(size);
        let asked = [
            binary(CALL, b"put", 1, &binary_fields),
            old(CALL, b"put", 2, &binary_fields),
            compact(CALL, b"put", 3, &compact_fields),
        ];
        let told = [
            binary(REPLY, b"put", 1, &[0]),
            old(REPLY, b"put", 2, &[0]),
            compact(REPLY, b"put", 3, &[0]),
        ];
        let mut whole = Flow::new(6, 9090);
        whole.send(CLIENT, &asked.concat()).send(SERVER, &told.concat());
        let mut dripped = Flow::new(6, 9090);
        dripped.drip(CLIENT, &asked.concat()).drip(SERVER, &told.concat());
        let rows = whole.close();
        assert_eq!(rows, dripped.close(), "{size}");
        assert_eq!(rows.column("request_id"), ["1", "2", "3"]);
        assert_eq!(rows.types, [0, 0, 3], "{size}");
        let sizes: Vec<String> = asked.iter().map(|asked| asked.len().to_string()).collect();
        assert_eq!(rows.column("request_length"), sizes);
    }
}

#[test]
fn a_loss_inside_a_long_text_costs_nothing_and_one_elsewhere_a_message() {
    let (fields, _) = everything(60_000);
    let asked = binary(CALL, b"put", 1, &fields);
    let next = binary(CALL, b"find", 2, &[0]);
    for (from, to) in [(10_000, 20_000), (59_000, 60_150)] {
        let mut flow = Flow::new(6, 9090);
        flow.send(CLIENT, &asked[..from])
            .gap(CLIENT, (to - from) as u32)
            .send(CLIENT, &asked[to..])
            .send(CLIENT, &next);
        let rows = flow.close();
        assert_eq!(rows.column("request_type"), ["put", "find"]);
        assert_eq!(flow.seen.parse_failed, 0);
    }
}

#[test]
fn trace_context_comes_in_a_header() {
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &header(&compact(CALL, b"find", 7, &[0]), 2, &[]));
    assert_eq!(flow.close().pick(0, "request_type trace_id span_id"), "find 01 02");
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &header(&compact(CALL, b"find", 7, &[0]), 2, &[1]));
    assert_eq!(flow.l7.protocol(), 0, "what is compressed is not read");
}

#[test]
fn a_flow_is_picked_up_in_the_middle() {
    let mut flow = Flow::new(6, 9090);
    flow.send(CLIENT, &frame(&binary(REPLY, b"find", 1, &[0])));
    assert!(flow.l7.is_reversed());
    flow.send(SERVER, &frame(&binary(CALL, b"find", 2, &[0])))
        .send(CLIENT, &frame(&binary(REPLY, b"find", 2, &[0])));
    assert_eq!(flow.close().types, [0, 1, 1]);
}

#[test]
fn what_only_resembles_thrift_is_left_alone() {
    for bytes in [
        &b"\x80\x01\0\x05\0\0\0\x04find\0\0\0\x01\0"[..],
        b"\x80\x02\0\x01\0\0\0\x04find\0\0\0\x01\0",
        b"\x80\x01\0\x01\0\0\0\x04f\nnd\0\0\0\x01\0",
        b"\x80\x01\0\x01\0\0\0\x04find\0\0\0\x01\x01",
        b"\x82\x41ab",
        b"\0\0\0\x04find\x05\0\0\0\x01\0",
        b"\0\0\0\x02me\x01\0\0\0\x01\0",
        b"\0\0\0\x04\x80\x01\0\x01",
    ] {
        let mut flow = Flow::new(6, 9090);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn structures_that_never_end_hold_no_memory() {
    let fillers: [&[u8]; 4] = [
        &[12, 0, 1],
        &[15, 0, 1, 15, 0x3f, 0xff, 0xff, 0xff],
        &[13, 0, 1, 12, 12, 0x7f, 0, 0, 0],
        &[11, 0, 1, 0xff, 0xff, 0xff, 0xff],
    ];
    for filler in fillers {
        let mut flow = Flow::new(6, 9090);
        flow.send(CLIENT, &binary(CALL, b"find", 1, &filler.repeat(20_000)));
        for _ in 0..100 {
            flow.send(CLIENT, &filler.repeat(2_000));
            assert!(flow.l7.heap_bytes() < 64 * 1024);
        }
        flow.close();
    }
}
