//! Memcached, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

fn memcached() -> Flow {
    Flow::new(6, 11211)
}

fn row(request: &str, answer: &str, fields: &str) -> String {
    let mut flow = memcached();
    let rows = flow.send(CLIENT, request.as_bytes()).send(SERVER, answer.as_bytes()).close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 1], 0), "{request:?} {answer:?}");
    rows.pick(0, fields)
}

#[test]
fn lines_are_told_without_their_data() {
    let fields = "request_type request_resource endpoint response_status response_result request_length response_length";
    assert_eq!(
        row("set k 0 0 3\r\nabc\r\n", "STORED\r\n", fields),
        "set set k 0 0 3 set 0 STORED 18 8"
    );
    assert_eq!(
        row("get k\r\n", "VALUE k 0 3\r\nabc\r\nEND\r\n", fields),
        "get get k get 0 VALUE k 0 3 7 23"
    );
    assert_eq!(row("get k\r\n", "END\r\n", fields), "get get k get 0 END 7 5");
    assert_eq!(row("incr k 1\r\n", "42\r\n", fields), "incr incr k 1 incr 0 42 10 4");
    assert_eq!(row("mg k v\r\n", "VA 2\r\nhi\r\n", fields), "mg mg k v mg 0 VA 2 8 10");
}

#[test]
fn a_get_of_many_keys_counts_what_it_found() {
    let values = "VALUE a 0 5\r\nEND\r\n\r\nVALUE b 0 0\r\n\r\nEND\r\n";
    assert_eq!(
        row("gets a b c\r\n", values, "type memcached.hits response_result"),
        "2 2 VALUE a 0 5"
    );
}

#[test]
fn errors_say_whose_they_are() {
    let fields = "response_status response_exception";
    assert_eq!(row("touch k\r\n", "ERROR\r\n", fields).as_str(), "4 ERROR");
    assert_eq!(row("get k\r\n", "CLIENT_ERROR bad key\r\n", fields), "4 CLIENT_ERROR bad key");
    assert_eq!(
        row("get k\r\n", "SERVER_ERROR out of memory\r\n", fields),
        "3 SERVER_ERROR out of memory"
    );
    assert_eq!(row("delete k\r\n", "NOT_FOUND\r\n", fields), "0 ");
}

#[test]
fn quiet_commands_wait_for_nothing() {
    let mut flow = memcached();
    flow.send(CLIENT, b"set a 0 0 1 noreply\r\nx\r\nget a\r\n")
        .send(SERVER, b"VALUE a 0 1\r\nx\r\nEND\r\n");
    assert_eq!(flow.close().column("type"), ["0", "2"]);
}

#[test]
fn quiet_meta_commands_are_answered_only_where_something_is_to_be_said() {
    let mut flow = memcached();
    flow.send(CLIENT, b"mg a v q k\r\nmg b v q k\r\nmn\r\nget c\r\n");
    flow.send(SERVER, b"VA 1 kb\r\nx\r\nMN\r\nEND\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_resource"), ["mg a v q k", "mg b v q k", "mn", "get c"]);
    assert_eq!(rows.column("type"), ["0", "0", "2", "2"]);
    assert_eq!(rows.column("response_result"), ["", "", "MN", "END"]);
}

#[test]
fn the_same_byte_by_byte_and_a_gap_in_data_costs_nothing() {
    let data = "v".repeat(3000);
    let (asked, told) = (
        format!("set k 0 0 3000\r\n{data}\r\nget k\r\n"),
        format!("STORED\r\nVALUE k 0 3000\r\n{data}\r\nEND\r\n"),
    );
    let whole = memcached().send(CLIENT, asked.as_bytes()).send(SERVER, told.as_bytes()).close();
    assert_eq!(
        memcached().drip(CLIENT, asked.as_bytes()).drip(SERVER, told.as_bytes()).close(),
        whole
    );
    let mut flow = memcached();
    flow.send(CLIENT, &asked.as_bytes()[..100])
        .gap(CLIENT, 1000)
        .send(CLIENT, &asked.as_bytes()[1100..]);
    flow.send(SERVER, &told.as_bytes()[..100])
        .gap(SERVER, 1000)
        .send(SERVER, &told.as_bytes()[1100..]);
    assert_eq!(flow.close().types, [0, 0, 2]);
}

fn binary(magic: u8, opcode: u8, status: u16, key: &[u8], value: &[u8], opaque: u32) -> Vec<u8> {
    let body = (key.len() + value.len()) as u32;
    let head = [
        &[magic, opcode][..],
        &(key.len() as u16).to_be_bytes(),
        &[0, 0],
        &status.to_be_bytes(),
        &body.to_be_bytes(),
        &opaque.to_be_bytes(),
        &[0; 8],
    ];
    [&head.concat(), key, value].concat()
}

#[test]
fn binary_messages_are_paired_although_quiet_ones_are_not_answered() {
    let mut flow = Flow::new(6, 9999);
    let asked = [
        binary(0x80, 13, 0, b"a", b"", 1),
        binary(0x80, 13, 0, b"b", b"", 2),
        binary(0x80, 10, 0, b"", b"", 3),
        binary(0x80, 0, 0, b"c", b"", 4),
    ];
    let told = [
        binary(0x81, 13, 0, b"b", b"value", 2),
        binary(0x81, 10, 0, b"", b"", 3),
        binary(0x81, 0, 1, b"", b"Not found", 4),
    ];
    flow.drip(CLIENT, &asked.concat()).drip(SERVER, &told.concat());
    let rows = flow.close();
    assert_eq!(rows.column("request_resource"), ["GetKQ a", "GetKQ b", "No-op", "Get c"]);
    assert_eq!(rows.column("type"), ["0", "0", "2", "2"]);
    assert_eq!(
        rows.pick(3, "request_id response_code response_status response_result version"),
        "4 1 0 Key not found binary"
    );
}

#[test]
fn what_only_resembles_memcached_is_left_alone() {
    for bytes in [
        &b"get / HTTP/1.1\r\n"[..],
        b"set x\r\n",
        b"quit\r\n",
        b"\x80\x01\x00\x00\x00\x01\x00\x00\xff\xff\xff\xff1234567890123456",
        b"GET a\r\n",
        b"get k",
        // The middle of something else: a byte that fits, and zeros.
        b"\x80\x02\x00\x02\x00\x00\x00\x10\x00\x00\x10\x00\x61\x62\x63\x64\x00\x00\x00\x00\x00\x00\x00\x00\x07\x08",
        b"\x80\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x61\x62\x63\x64\x00\x00\x00\x00\x00\x00\x00\x00",
    ] {
        let mut flow = Flow::new(6, 7777);
        flow.send(CLIENT, bytes);
        assert_ne!(flow.l7.protocol(), 82, "{bytes:?}");
    }
}

#[test]
fn endless_lines_and_data_hold_no_memory() {
    let mut flow = memcached();
    flow.send(CLIENT, b"get a\r\nget ");
    for _ in 0..100 {
        flow.send(CLIENT, &[b'k'; 60_000]).send(SERVER, &[b'x'; 60_000]);
        assert!(flow.l7.heap_bytes() < 80 * 1024, "{}", flow.l7.heap_bytes());
    }
    flow.close();
}
