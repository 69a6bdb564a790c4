//! Cassandra by hand: what the recorded connections do not have.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

fn frame(version: u8, flags: u8, stream: i16, opcode: u8, body: &[u8]) -> Vec<u8> {
    let header = [
        &[version, flags][..],
        &stream.to_be_bytes(),
        &[opcode],
        &(body.len() as u32).to_be_bytes(),
    ]
    .concat();
    [&header[..], body].concat()
}

fn long(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat()
}

fn short(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text].concat()
}

fn query(stream: i16, cql: &str) -> Vec<u8> {
    frame(4, 0, stream, 7, &[&long(cql)[..], b"\0\x06\0"].concat())
}

fn void(stream: i16) -> Vec<u8> {
    frame(0x84, 0, stream, 8, b"\0\0\0\x01")
}

fn error(stream: i16, code: u32, text: &str) -> Vec<u8> {
    frame(0x84, 0, stream, 0, &[&code.to_be_bytes()[..], &short(text.as_bytes())].concat())
}

fn database() -> Flow {
    Flow::new(6, 9042)
}

#[test]
fn answers_find_their_questions_by_stream() {
    let mut flow = database();
    flow.send(
        CLIENT,
        &[query(1, "select a from t"), query(2, "delete from u where a = 1")].concat(),
    );
    flow.send(SERVER, &[void(2), void(1)].concat());
    let rows = flow.close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 2], 0));
    assert_eq!(rows.column("endpoint"), ["DELETE u", "SELECT t"]);
    let fields = "version request_type request_resource request_id response_result response_status";
    assert_eq!(rows.pick(1, fields), "4 QUERY select a from t 1 VOID 0");
    assert!(rows.lines[0].contains("\"cassandra.consistency.level\": \"local_quorum\""));
}

#[test]
fn errors_are_blamed_on_the_client_or_the_server() {
    for (code, status) in [
        (0x2000, 4),
        (0x2200, 4),
        (0x2500, 4),
        (0x0100, 4),
        (0x000a, 4),
        (0x1000, 3),
        (0x1100, 3),
        (0x1200, 3),
        (0x0000, 3),
    ] {
        let mut flow = database();
        let rows = flow
            .send(CLIENT, &query(1, "select 1"))
            .send(SERVER, &error(1, code, "no 'x'"))
            .close();
        let code = if code == 0 { String::new() } else { code.to_string() };
        assert_eq!(
            rows.pick(0, "response_code response_status response_exception"),
            format!("{code} {status} no 'x'")
        );
    }
}

#[test]
fn literals_are_hidden_on_request() {
    let settings = L7Settings {
        obfuscate: true,
        ..L7Settings::default()
    };
    let mut flow = Flow::with(6, 9042, settings);
    flow.send(CLIENT, &query(1, "select a from t where pin = 1234 and b = 'x'"))
        .send(SERVER, &error(1, 0x2200, "no 'x'"));
    let rows = flow.close();
    assert_eq!(rows.get(0, "request_resource"), "select a from t where pin = ? and b = ?");
    assert_eq!(rows.get(0, "response_exception"), "no ?");
}

#[test]
fn a_statement_is_known_by_its_id_once_it_is_prepared() {
    let mut flow = database();
    let id = short(&[7; 16]);
    let execute = frame(4, 0, 3, 10, &[&id[..], b"\0\x01\0"].concat());
    flow.send(CLIENT, &execute).send(SERVER, &error(3, 0x2500, "unprepared"));
    flow.send(CLIENT, &frame(4, 0, 3, 9, &long("insert into t (a) values (?)")));
    flow.send(SERVER, &frame(0x84, 0, 3, 8, &[b"\0\0\0\x04", &id[..], &[0; 12]].concat()));
    flow.send(CLIENT, &execute).send(SERVER, &void(3));
    let batch = [
        b"\x01\0\x02\x01",
        &id[..],
        b"\0\x01\0\0\0\x01x\0",
        &long("delete from u"),
        b"\0\0\0\x01\0",
    ]
    .concat();
    flow.send(CLIENT, &frame(4, 0, 3, 13, &batch)).send(SERVER, &void(3));
    let rows = flow.close();
    assert_eq!(rows.column("endpoint"), ["", "INSERT t", "INSERT t", "INSERT t"]);
    assert_eq!(rows.get(3, "request_resource"), "insert into t (a) values (?); delete from u");
    assert!(rows.lines[3].contains("\"cassandra.batch\": \"unlogged\", \"db.operation.batch.size\": \"2\""));
}

#[test]
fn a_keyspace_is_the_domain_once_it_is_set_and_a_payload_can_carry_the_trace() {
    let mut flow = database();
    flow.send(CLIENT, &query(0, "use shop"))
        .send(SERVER, &frame(0x84, 0, 0, 8, &[&b"\0\0\0\x03"[..], &short(b"shop")].concat()));
    let trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let payload = [&b"\0\x01"[..], &short(b"traceparent"), &(trace.len() as u32).to_be_bytes(), trace].concat();
    let body = [&payload[..], &long("select a from t"), b"\0\x01\0"].concat();
    flow.send(CLIENT, &frame(4, 4, 1, 7, &body));
    // Traced, with a warning, and two rows of a column.
    let result = [
        &[9; 16][..],
        b"\0\x01",
        &short(b"slow"),
        b"\0\0\0\x02\0\0\0\x01\0\0\0\x01",
        &short(b"shop"),
        &short(b"t"),
    ]
    .concat();
    let result = [&result[..], &short(b"a"), b"\0\x22\0\x0d\0\0\0\x02rest"].concat();
    flow.send(SERVER, &frame(0x84, 0x0a, 1, 8, &result));
    let rows = flow.close();
    assert_eq!(
        rows.pick(1, "request_domain endpoint trace_id"),
        "shop SELECT t 0af7651916cd43dd8448eb211c80319c"
    );
    assert!(
        rows.lines[1].contains("\"cassandra.warning\": \"slow\", \"db.response.returned_rows\": \"2\""),
        "{}",
        rows.lines[1]
    );
}

#[test]
fn events_are_rows_of_their_own() {
    let mut flow = database();
    flow.send(CLIENT, &query(1, "select a from t"));
    flow.send(SERVER, &[frame(0x84, 0, -1, 12, &short(b"STATUS_CHANGE")), void(1)].concat());
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "2"]);
    assert_eq!(rows.pick(0, "request_type request_resource"), "EVENT STATUS_CHANGE");
}

#[test]
fn long_messages_hold_little_memory() {
    let mut flow = database();
    let text = format!("insert into t (a) values ('{}')", "x".repeat(2_000_000));
    for piece in query(1, &text).chunks(1400) {
        flow.send(CLIENT, piece);
        assert!(flow.l7.heap_bytes() < 64 * 1024);
    }
    let rows = flow.send(SERVER, &void(1)).close();
    assert_eq!(rows.pick(0, "type endpoint"), "2 INSERT t");
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_message() {
    let mut flow = database();
    flow.send(CLIENT, &query(1, "select a from t")).gap(SERVER, 300);
    flow.send(CLIENT, &query(2, "select b from t"))
        .send(SERVER, &void(2))
        .gap(CLIENT, 40);
    let rows = flow.send(CLIENT, &query(3, "select c from t")).send(SERVER, &void(3)).close();
    assert_eq!(rows.types, [1, 0, 2]);
}

#[test]
fn bodies_compressed_by_lz4_are_read_also_where_the_beginning_was_not_seen() {
    let pack = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], &lz4_flex::block::compress(body)].concat();
    for begin in [true, false] {
        let mut flow = database();
        if begin {
            let startup = [
                &b"\0\x02"[..],
                &short(b"CQL_VERSION"),
                &short(b"3.0.0"),
                &short(b"COMPRESSION"),
                &short(b"lz4"),
            ]
            .concat();
            flow.send(CLIENT, &frame(4, 0, 0, 1, &startup))
                .send(SERVER, &frame(0x84, 0, 0, 2, b""));
        }
        let cql = format!("select a from t where b in ({})", "1, ".repeat(9000));
        let body = [&long(&cql)[..], b"\0\x06\0"].concat();
        flow.send(CLIENT, &frame(4, 1, 1, 7, &pack(&body)))
            .send(SERVER, &frame(0x84, 1, 1, 8, &pack(b"\0\0\0\x01")));
        let rows = flow.close();
        let row = rows.lines.len() - 1;
        assert_eq!(rows.pick(row, "type endpoint response_result"), "2 SELECT t VOID");
        assert!(rows.get(row, "request_resource").len() == 8192);
    }
}
