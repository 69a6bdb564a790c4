//! MongoDB by hand: what the recorded connections do not have.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

enum Value<'a> {
    Text(&'a str),
    Int(i32),
    Doc(Vec<(&'a str, Value<'a>)>),
    Array(Vec<Value<'a>>),
}
use Value::{Array, Doc, Int, Text};

fn bson(elements: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    for (name, value) in elements {
        let (kind, value) = match value {
            Text(text) => (2, [&(text.len() as i32 + 1).to_le_bytes()[..], text.as_bytes(), b"\0"].concat()),
            Int(number) => (16, number.to_le_bytes().to_vec()),
            Doc(inner) => (3, bson(inner)),
            Array(all) => {
                let mut array = vec![0; 4];
                for (at, value) in all.iter().enumerate() {
                    let Doc(inner) = value else { panic!() };
                    array.push(3);
                    array.extend(format!("{at}\0").as_bytes());
                    array.extend(bson(inner));
                }
                (4, ended(array))
            }
        };
        bytes.push(kind);
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(value);
    }
    ended(bytes)
}

fn ended(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(0);
    let size = (bytes.len() as i32).to_le_bytes();
    bytes[..4].copy_from_slice(&size);
    bytes
}

fn message(id: i32, answers: i32, op: i32, content: &[u8]) -> Vec<u8> {
    let size = content.len() as i32 + 16;
    let header: Vec<u8> = [size, id, answers, op].iter().flat_map(|number| number.to_le_bytes()).collect();
    [&header[..], content].concat()
}

fn msg(id: i32, answers: i32, flags: u32, elements: &[(&str, Value<'_>)]) -> Vec<u8> {
    message(id, answers, 2013, &[&flags.to_le_bytes()[..], b"\0", &bson(elements)].concat())
}

fn find(id: i32) -> Vec<u8> {
    let filter = Doc(vec![("pin", Int(1234)), ("name", Text("o'hara"))]);
    msg(
        id,
        0,
        0,
        &[
            ("find", Text("people")),
            ("filter", filter),
            ("$db", Text("shop")),
            ("lsid", Int(1)),
        ],
    )
}

fn done(id: i32) -> Vec<u8> {
    msg(1000 + id, id, 0, &[("n", Int(3)), ("ok", Int(1))])
}

fn database() -> Flow {
    Flow::new(6, 27017)
}

#[test]
fn answers_find_their_commands_by_id() {
    let mut flow = database();
    flow.send(CLIENT, &[find(7), find(8)].concat())
        .send(SERVER, &[done(8), done(7)].concat());
    let rows = flow.close();
    assert_eq!(rows.types, [0, 0, 2]);
    assert_eq!(rows.column("request_id"), ["8", "7"]);
    let fields = "request_type request_domain endpoint response_status sql_affected_rows request_length";
    assert_eq!(rows.pick(0, fields), format!("find shop find people 0 3 {}", find(8).len()));
    let wanted = r#"{\"find\": \"people\", \"filter\": {\"pin\": 1234, \"name\": \"o'hara\"}}"#;
    assert_eq!(rows.get(0, "request_resource"), wanted);
}

#[test]
fn values_are_hidden_on_request() {
    let settings = L7Settings {
        obfuscate: true,
        ..L7Settings::default()
    };
    let mut flow = Flow::with(6, 27017, settings);
    let error = "E11000 duplicate key error collection: shop.people index: _id_ dup key: { _id: \"secret\" }";
    flow.send(CLIENT, &find(1)).send(
        SERVER,
        &msg(2, 1, 0, &[("ok", Int(0)), ("errmsg", Text(error)), ("code", Int(11000))]),
    );
    let rows = flow.close();
    let wanted = r#"{\"find\": \"people\", \"filter\": {\"pin\": ?, \"name\": ?}}"#;
    assert_eq!(rows.get(0, "request_resource"), wanted);
    assert!(rows.get(0, "response_exception").ends_with("_id_ dup key: ?"));
    assert_eq!(rows.pick(0, "response_code response_status"), "11000 4");
}

#[test]
fn errors_are_blamed_on_the_client_or_the_server() {
    for (code, status) in [
        (13, 4),
        (59, 4),
        (11000, 4),
        (31249, 4),
        (50, 3),
        (11600, 3),
        (10107, 3),
        (189, 3),
        (1, 3),
    ] {
        let mut flow = database();
        let error = [
            ("ok", Int(0)),
            ("errmsg", Text("no")),
            ("code", Int(code)),
            ("codeName", Text("Name")),
        ];
        let rows = flow.send(CLIENT, &find(1)).send(SERVER, &msg(2, 1, 0, &error)).close();
        assert_eq!(
            rows.pick(0, "response_code response_status response_exception"),
            format!("{code} {status} no")
        );
        assert!(rows.lines[0].contains("\"mongodb.error\": \"Name\""));
    }
}

#[test]
fn errors_of_single_writes_count() {
    let mut flow = database();
    let first = Doc(vec![
        ("index", Int(0)),
        ("code", Int(121)),
        ("errmsg", Text("Document failed validation")),
    ]);
    let second = Doc(vec![("index", Int(1)), ("code", Int(11000)), ("errmsg", Text("dup"))]);
    let reply = [("n", Int(1)), ("writeErrors", Array(vec![first, second])), ("ok", Int(1))];
    let rows = flow.send(CLIENT, &find(1)).send(SERVER, &msg(2, 1, 0, &reply)).close();
    assert_eq!(
        rows.pick(0, "response_code response_status response_exception sql_affected_rows"),
        "121 4 Document failed validation 1"
    );
}

#[test]
fn documents_in_sequences_belong_to_the_command() {
    let mut flow = database();
    let body = bson(&[("insert", Text("people")), ("ordered", Int(1)), ("$db", Text("shop"))]);
    let documents = [bson(&[("a", Int(1))]), bson(&[("a", Int(2))])].concat();
    let size = (documents.len() as i32 + 4 + 10).to_le_bytes();
    let sequence = [&b"\x01"[..], &size, b"documents\0", &documents].concat();
    for (id, sections) in [(1, [&b"\0"[..], &body, &sequence]), (2, [&sequence[..], b"\0", &body])] {
        // With a checksum behind them.
        let content = [&1_u32.to_le_bytes()[..], sections[0], sections[1], sections[2], b"\x01\x02\x03\x04"].concat();
        flow.send(CLIENT, &message(id, 0, 2013, &content)).send(SERVER, &done(id));
    }
    let rows = flow.close();
    let wanted = r#"{\"insert\": \"people\", \"ordered\": 1, \"documents\": [{\"a\": 1}, {\"a\": 2}]}"#;
    assert_eq!(rows.column("request_resource"), [wanted, wanted]);
    assert_eq!(rows.column("endpoint"), ["insert people", "insert people"]);
}

#[test]
fn what_asks_for_no_answer_is_a_row_at_once() {
    let mut flow = database();
    flow.send(CLIENT, &msg(1, 0, 2, &[("insert", Text("people")), ("$db", Text("shop"))]));
    flow.send(CLIENT, &find(2)).send(SERVER, &done(2));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "2"]);
}

#[test]
fn legacy_operations_are_told_apart() {
    let mut flow = database();
    let query = [&b"\0\0\0\0shop.people\0"[..], &[0; 8], &bson(&[("a", Int(1))])].concat();
    let command = [
        &b"\0\0\0\0shop.$cmd\0"[..],
        &[0, 0, 0, 0, 255, 255, 255, 255],
        &bson(&[("count", Text("people"))]),
    ]
    .concat();
    let insert = [&b"\0\0\0\0shop.people\0"[..], &bson(&[("a", Int(1))])].concat();
    let update = [
        &b"\0\0\0\0shop.people\0\0\0\0\0"[..],
        &bson(&[("a", Int(1))]),
        &bson(&[("a", Int(2))]),
    ]
    .concat();
    let reply = |id, flags: i32, document: &[u8]| {
        let front: Vec<u8> = [flags, 0, 0, 0, 1].iter().flat_map(|number: &i32| number.to_le_bytes()).collect();
        message(100, id, 1, &[&front[..], document].concat())
    };
    flow.send(CLIENT, &message(1, 0, 2004, &query))
        .send(SERVER, &reply(1, 0, &bson(&[("a", Int(1))])));
    flow.send(CLIENT, &message(2, 0, 2004, &command))
        .send(SERVER, &reply(2, 8, &bson(&[("n", Int(5)), ("ok", Int(1))])));
    flow.send(CLIENT, &message(3, 0, 2002, &insert))
        .send(CLIENT, &message(4, 0, 2001, &update));
    flow.send(CLIENT, &message(5, 0, 2005, &[&b"\0\0\0\0shop.people\0"[..], &[0; 12]].concat()));
    flow.send(SERVER, &reply(5, 1, b"")).send(CLIENT, &message(6, 0, 2004, &query));
    flow.send(SERVER, &reply(6, 2, &bson(&[("$err", Text("bad query")), ("code", Int(17287))])));
    let rows = flow.close();
    let endpoints = [
        "query people",
        "count people",
        "insert people",
        "update people",
        "getMore people",
        "query people",
    ];
    assert_eq!(rows.column("endpoint"), endpoints);
    assert_eq!(rows.column("type"), ["2", "2", "0", "0", "2", "2"]);
    assert_eq!(rows.column("response_code"), ["", "", "", "", "43", "17287"]);
    assert_eq!(rows.column("request_domain"), ["shop"; 6]);
    assert!(rows.lines[2].contains("\"mongodb.operation\": \"OP_INSERT\""));
}

type Pack = fn(&[u8]) -> Vec<u8>;

fn packed(id: i32, answers: i32, plain: &[u8], compressor: u8, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let content = &plain[16..];
    let front = [&2013_i32.to_le_bytes()[..], &(content.len() as i32).to_le_bytes(), &[compressor]].concat();
    message(id, answers, 2012, &[&front[..], &pack(content)].concat())
}

/// Snappy of literals only.
fn snappy(plain: &[u8]) -> Vec<u8> {
    let size = plain.len();
    let mut packed = vec![size as u8 | 0x80, (size >> 7) as u8 | 0x80, (size >> 14) as u8];
    for piece in plain.chunks(60) {
        packed.push((piece.len() as u8 - 1) << 2);
        packed.extend(piece);
    }
    packed
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_messages_are_read_whichever_way_they_were_compressed() {
    let text = "x".repeat(30_000);
    let reply = msg(5, 1, 0, &[("ok", Int(1)), ("n", Int(9)), ("text", Text(&text))]);
    let packs: [(u8, Pack); 4] = [
        (0, |plain| plain.to_vec()),
        (1, snappy),
        (2, zlib),
        (3, |plain| zstd::encode_all(plain, 3).unwrap()),
    ];
    for (compressor, pack) in packs {
        for drip in [false, true] {
            let mut flow = database();
            let (ask, answer) = (packed(1, 0, &find(1), compressor, pack), packed(5, 1, &reply, compressor, pack));
            if drip {
                flow.drip(CLIENT, &ask).drip(SERVER, &answer);
            } else {
                flow.send(CLIENT, &ask).send(SERVER, &answer);
            }
            let rows = flow.close();
            assert_eq!(
                rows.pick(0, "type endpoint sql_affected_rows response_status"),
                "2 find people 9 0",
                "{compressor}"
            );
            assert_eq!(rows.get(0, "captured_response_byte"), answer.len().to_string());
        }
    }
    let mut flow = database();
    flow.send(CLIENT, &packed(1, 0, &find(1), 2, |_| b"\xffrubbish".to_vec()))
        .send(SERVER, &done(1));
    assert_eq!(flow.close().pick(0, "type request_type"), "2 OP_COMPRESSED");
}

#[test]
fn a_comment_can_carry_the_trace() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let sql = format!("app='x',traceparent='{parent}'");
    let json = format!("{{\"traceparent\": \"{parent}\"}}");
    let comments = [Text(parent), Text(&sql), Text(&json), Doc(vec![("traceparent", Text(parent))])];
    for comment in comments {
        let mut flow = database();
        let rows = flow
            .send(
                CLIENT,
                &msg(1, 0, 0, &[("find", Text("people")), ("comment", comment), ("$db", Text("shop"))]),
            )
            .close();
        assert_eq!(
            rows.pick(0, "trace_id span_id"),
            "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331"
        );
    }
}

#[test]
fn long_messages_hold_little_memory_and_lose_only_what_is_behind_their_front() {
    let mut flow = database();
    let text = "x".repeat(3_000_000);
    let insert = msg(1, 0, 0, &[("insert", Text("people")), ("a", Text(&text)), ("$db", Text("shop"))]);
    for piece in insert.chunks(1400) {
        flow.send(CLIENT, piece);
        assert!(flow.l7.heap_bytes() < 64 * 1024, "{}", flow.l7.heap_bytes());
    }
    let rows = flow.send(SERVER, &done(1)).close();
    assert_eq!(rows.pick(0, "type endpoint request_domain"), "2 insert people ");
    assert_eq!(rows.get(0, "captured_request_byte"), insert.len().to_string());
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_message() {
    let mut flow = database();
    flow.send(CLIENT, &find(1))
        .gap(SERVER, 300)
        .send(CLIENT, &find(2))
        .send(SERVER, &done(2));
    flow.gap(CLIENT, 50).send(CLIENT, &find(4)).send(SERVER, &done(4));
    let rows = flow.close();
    assert_eq!(rows.types, [1, 0, 2]);
}
