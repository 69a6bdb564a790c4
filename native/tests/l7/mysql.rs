//! MySQL by hand: what the recorded connections do not have.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32 | u32::from(sequence) << 24;
    [&length.to_le_bytes()[..], payload].concat()
}

fn query(sql: &str) -> Vec<u8> {
    packet(0, &[b"\x03", sql.as_bytes()].concat())
}

const DONE: &[u8] = b"\x07\0\0\x01\0\0\0\x02\0\0\0";
const DEFINITION: &[u8] = b"\x03def\0\0\0\x01a\0\x0c\x3f\0\x01\0\0\0\x03\0\0\0\0\0";
const EOF: &[u8] = b"\xfe\0\0\x02\0";

fn database() -> Flow {
    Flow::new(6, 3306)
}

/// Rows of one column, closed by what `end` is.
fn result(rows: usize, end: &[u8], with_eof: bool) -> Vec<u8> {
    let mut bytes = [packet(1, b"\x01"), packet(2, DEFINITION)].concat();
    let mut sequence = 2_u8;
    let mut add = |payload: &[u8]| {
        sequence = sequence.wrapping_add(1);
        bytes.extend(packet(sequence, payload));
    };
    if with_eof {
        add(EOF);
    }
    (0..rows).for_each(|_| add(b"\x01x"));
    add(end);
    bytes
}

#[test]
fn results_end_with_eof_or_with_ok() {
    let mut flow = database();
    for rows in [0, 1, 300] {
        flow.send(CLIENT, &query("select a from t")).send(SERVER, &result(rows, EOF, true));
        flow.send(CLIENT, &query("select a from t"))
            .send(SERVER, &result(rows, b"\xfe\0\0\x02\0\0\0", false));
    }
    let rows = flow.close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 6], 0));
    assert!(
        rows.lines[5].contains("\"db.response.returned_rows\": \"300\""),
        "{}",
        rows.lines[5]
    );
}

#[test]
fn several_results_are_one_response_and_their_rows_add_up() {
    let mut flow = database();
    let answers = [packet(1, b"\0\x02\0\x0a\0\0\0"), packet(2, b"\0\x03\0\x02\0\0\0")].concat();
    flow.send(CLIENT, &query("update t set a = 1; update u set b = 2"))
        .send(SERVER, &answers);
    assert_eq!(
        flow.close().pick(0, "type endpoint sql_affected_rows response_status"),
        "2 UPDATE t 5 0"
    );
}

#[test]
fn an_error_in_the_midst_of_rows_is_the_answer() {
    let mut flow = database();
    let error = b"\xff\x25\x05#70100Query execution was interrupted";
    flow.send(CLIENT, &query("select a from t")).send(SERVER, &result(20, error, false));
    assert_eq!(
        flow.close().pick(0, "type response_code response_status response_exception"),
        "2 1317 3 Query execution was interrupted"
    );
}

#[test]
fn errors_are_blamed_on_the_client_or_the_server() {
    for (code, state, status) in [
        (1064_u16, "42000", "4"),
        (1146, "42S02", "4"),
        (1062, "23000", "4"),
        (1045, "28000", "4"),
        (1049, "42000", "3"),
        (1040, "08004", "3"),
        (1213, "40001", "3"),
        (1205, "HY000", "3"),
    ] {
        let mut flow = database();
        let error = [b"\xff", &code.to_le_bytes()[..], b"#", state.as_bytes(), b"no"].concat();
        let rows = flow.send(CLIENT, &query("select 1")).send(SERVER, &packet(1, &error)).close();
        assert_eq!(rows.pick(0, "response_code response_status"), format!("{code} {status}"));
    }
}

#[test]
fn a_statement_is_known_by_its_id_until_it_is_closed() {
    let mut flow = database();
    let execute = packet(0, b"\x17\x07\0\0\0\0\x01\0\0\0");
    flow.send(CLIENT, &packet(0, b"\x16delete from t"))
        .send(SERVER, &packet(1, b"\0\x07\0\0\0\0\0\0\0\0\0\0"));
    flow.send(CLIENT, &execute)
        .send(SERVER, DONE)
        .send(CLIENT, &packet(0, b"\x19\x07\0\0\0"));
    let rows = flow.send(CLIENT, &execute).send(SERVER, DONE).close();
    assert_eq!(
        rows.column("request_resource"),
        ["delete from t", "delete from t", "delete from t", ""]
    );
    assert_eq!(rows.column("type"), ["2", "2", "0", "2"]);
}

#[test]
fn statements_that_are_never_closed_hold_little_memory() {
    let mut flow = database();
    let text = format!("\x16select '{}' from t", "x".repeat(4000));
    for id in 0..2000_u32 {
        let answer = [b"\0", &id.to_le_bytes()[..], &[0; 7]].concat();
        flow.send(CLIENT, &packet(0, text.as_bytes())).send(SERVER, &packet(1, &answer));
        flow.rows.lines.clear();
        assert!(flow.l7.heap_bytes() < 160 * 1024, "{}", flow.l7.heap_bytes());
    }
    assert_eq!(flow.seen.responses, 2000);
}

#[test]
fn a_request_and_a_row_larger_than_a_packet_are_read_through() {
    let mut flow = database();
    let large = vec![b'x'; 0xff_ffff - 10];
    let first = packet(0, &[b"\x03insert in", &large[..]].concat());
    assert_eq!(first.len(), 4 + 0xff_ffff);
    flow.send(CLIENT, &first).send(CLIENT, &packet(1, b"\x03rest"));
    flow.send(SERVER, &packet(2, b"\0\x01\0\x02\0\0\0"));
    let row = vec![b'y'; 0xff_ffff];
    let answer = [
        packet(1, b"\x01"),
        packet(2, DEFINITION),
        packet(3, EOF),
        packet(4, &row),
        packet(5, b"\xfe\0\0\x08\0"),
        packet(6, EOF),
    ];
    flow.send(CLIENT, &query("select a from t")).send(SERVER, &answer.concat());
    let rows = flow.send(CLIENT, &query("select 1")).send(SERVER, DONE).close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 3], 0));
    assert!(flow.l7.heap_bytes() < 64 * 1024);
}

#[test]
fn literals_are_hidden_on_request() {
    let settings = L7Settings {
        obfuscate: true,
        ..L7Settings::default()
    };
    let mut flow = Flow::with(6, 3306, settings);
    flow.send(CLIENT, &query("select * from t where card = '4111' and pin=1234"));
    flow.send(SERVER, &packet(1, b"\xff\x26\x04#23000Duplicate entry '4111'"));
    let rows = flow.close();
    assert_eq!(rows.get(0, "request_resource"), "select * from t where card = ? and pin=?");
    assert_eq!(rows.get(0, "response_exception"), "Duplicate entry ?");
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_statement() {
    let mut flow = database();
    flow.send(CLIENT, &query("select 1")).gap(SERVER, 500);
    flow.send(CLIENT, &query("select 2")).send(SERVER, DONE);
    flow.gap(CLIENT, 30).send(SERVER, DONE);
    let rows = flow.send(CLIENT, &query("select 3")).send(SERVER, DONE).close();
    assert_eq!(rows.column("type"), ["0", "2", "1", "2"]);
    assert_eq!(rows.get(3, "request_resource"), "select 3");
}

#[test]
fn a_cut_request_and_a_cut_row_cost_nothing_but_bytes() {
    let mut flow = database();
    let long = query(&format!("insert into t values ('{}')", "x".repeat(20_000)));
    flow.snapped(CLIENT, &long[..9000], long.len() as u32 - 9000).send(SERVER, DONE);
    let answer = [packet(1, b"\x01"), packet(2, DEFINITION), packet(3, EOF), packet(4, &[b'y'; 5000])].concat();
    flow.send(CLIENT, &query("select a from t"))
        .snapped(SERVER, &answer[..answer.len() - 3000], 3000)
        .send(SERVER, &packet(5, EOF));
    let rows = flow.close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 2], 0));
}

#[test]
fn query_attributes_can_carry_the_trace() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut payload = b"\x03\x01\x01\0\x01\xfe\0\x0btraceparent".to_vec();
    payload.push(trace.len() as u8);
    payload.extend(trace.as_bytes());
    payload.extend(b"select 1");
    let mut flow = database();
    flow.send(CLIENT, b"\x01\0\0\0\x0e").send(SERVER, DONE);
    let rows = flow.send(CLIENT, &packet(0, &payload)).send(SERVER, DONE).close();
    assert_eq!(
        rows.pick(1, "request_resource trace_id"),
        "select 1 0af7651916cd43dd8448eb211c80319c"
    );
}

/// Bytes of packets as one compressed frame.
fn frame(sequence: u8, plain: &[u8], pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let packed = pack(plain);
    let before = if packed == plain { 0 } else { plain.len() as u32 };
    let length = packed.len() as u32 | u32::from(sequence) << 24;
    [&length.to_le_bytes()[..], &before.to_le_bytes()[..3], &packed].concat()
}

fn stored(plain: &[u8]) -> Vec<u8> {
    plain.to_vec()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, plain).unwrap();
    encoder.finish().unwrap()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).unwrap()
}

#[test]
fn compressed_turns_are_read_whichever_way_they_were_compressed_and_cut() {
    let rows = result(3000, EOF, true);
    let insert = format!("insert into t values ('{}')", "x".repeat(20_000));
    for pack in [stored as fn(&[u8]) -> Vec<u8>, zlib, zstd] {
        for drip in [false, true] {
            let mut flow = database();
            let send = |flow: &mut Flow, from_client, bytes: &[u8]| {
                if drip {
                    flow.drip(from_client, bytes);
                } else {
                    flow.send(from_client, bytes);
                }
            };
            send(&mut flow, CLIENT, &frame(0, &query("select a from t"), stored));
            // A packet may begin in one frame and end in the next.
            let (front, back) = rows.split_at(5001);
            send(&mut flow, SERVER, &[frame(1, front, pack), frame(2, back, pack)].concat());
            send(&mut flow, CLIENT, &frame(0, &query(&insert), pack));
            send(&mut flow, SERVER, &frame(1, DONE, stored));
            send(&mut flow, CLIENT, &frame(0, &packet(0, b"\x0e"), stored));
            send(&mut flow, SERVER, &frame(1, DONE, stored));
            let rows = flow.close();
            assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 3], 0));
            assert_eq!(rows.column("endpoint"), ["SELECT t", "INSERT t", ""]);
            assert!(rows.lines[0].contains("\"db.response.returned_rows\": \"3000\""));
            assert_eq!(rows.get(1, "request_length"), (insert.len() + 1).to_string());
            assert_eq!(
                rows.get(1, "captured_request_byte"),
                frame(0, &query(&insert), pack).len().to_string()
            );
            assert_eq!(rows.get(2, "captured_response_byte"), "18");
            assert_eq!(
                rows.durations, [1000; 3],
                "nothing of one turn is taken for the beginning of the next"
            );
            assert!(flow.l7.heap_bytes() < 80 * 1024, "{}", flow.l7.heap_bytes());
        }
    }
}

#[test]
fn several_packets_of_a_frame_share_its_bytes() {
    let mut flow = database();
    let pings = [packet(0, b"\x03select 1"), packet(0, b"\x0e"), packet(0, b"\x0e")].concat();
    flow.send(CLIENT, &frame(0, &query("select 1"), stored))
        .send(SERVER, &frame(1, DONE, stored));
    flow.send(CLIENT, &frame(0, &pings, zlib))
        .send(SERVER, &frame(1, &DONE.repeat(3), zlib));
    let rows = flow.close();
    assert_eq!(rows.types, [0, 0, 4]);
    let captured = rows.column("captured_request_byte");
    let sum: usize = captured[1..].iter().map(|bytes| bytes.parse::<usize>().unwrap()).sum();
    assert_eq!(sum, frame(0, &pings, zlib).len());
}

#[test]
fn answers_that_share_a_frame_share_it_the_same_way_however_it_was_cut() {
    let asked = frame(0, &[query("select a from t"), query("select b from t")].concat(), stored);
    let noise = |seed: u32| -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"0123456789abcdef"[(state >> 28) as usize]
        };
        (0..9000).map(|_| next()).collect()
    };
    // The first part packs well, the second one does not: bytes of the wire are no measure of what they hold.
    let rows = |text: &[u8]| [packet(1, b"\x01"), packet(2, b"def"), packet(3, text), packet(4, EOF)].concat();
    let plain = [rows(&[b'x'; 4000]), rows(&noise(1))].concat();
    for pack in [zlib as fn(&[u8]) -> Vec<u8>, zstd] {
        let answered = frame(1, &plain, pack);
        let told = |cut: usize| {
            let mut flow = database();
            flow.send(CLIENT, &frame(0, &query("select 1"), stored))
                .send(SERVER, &frame(1, DONE, stored))
                .send(CLIENT, &asked);
            for piece in answered.chunks(cut) {
                flow.snapped(SERVER, piece, 0);
            }
            flow.close().lines
        };
        let whole = told(usize::MAX);
        assert_eq!(whole.len(), 3);
        for cut in [1, 7, 18, 100, 1400, answered.len() - 1] {
            assert_eq!(told(cut), whole, "{cut}");
        }
    }
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_compressed_turn() {
    let mut flow = database();
    let turn = |flow: &mut Flow| {
        flow.send(
            CLIENT,
            &frame(0, &query("select a from t where b in (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"), zlib),
        )
        .send(SERVER, &frame(1, &result(90, EOF, true), zlib));
    };
    turn(&mut flow);
    flow.send(CLIENT, &frame(0, &query("select 2"), stored)).gap(SERVER, 500);
    turn(&mut flow);
    flow.gap(CLIENT, 50);
    turn(&mut flow);
    let rows = flow.close();
    assert_eq!(rows.types, [1, 0, 3]);
}

#[test]
fn what_unfolds_without_end_is_bounded() {
    let mut flow = database();
    let bomb = frame(1, &vec![1; 15_000_000], zlib);
    for round in 0..20 {
        flow.send(CLIENT, &frame(0, &query("select 2"), stored));
        for piece in bomb.chunks(1000) {
            flow.send(SERVER, piece);
            assert!(flow.l7.heap_bytes() < 256 * 1024, "{round} {}", flow.l7.heap_bytes());
        }
    }
}

#[test]
fn a_packet_that_nothing_asked_for_is_as_long_as_it_says() {
    let answer = packet(1, &[b"\xff\x51\x04#HY000", &[b'x'; 1500][..]].concat());
    for cut in [2, 11, 700, usize::MAX] {
        let mut flow = database();
        flow.send(CLIENT, &query("delete from t")).send(SERVER, DONE);
        flow.send(SERVER, &answer[..1000]);
        // In the rest of it there is what would be a packet by itself.
        let rest = [DONE, &answer[1000 + DONE.len()..]].concat();
        for piece in rest.chunks(cut.min(rest.len())) {
            flow.send(SERVER, piece);
        }
        let rows = flow.close();
        assert_eq!(rows.column("type"), ["2", "1"], "{cut}");
        assert_eq!(rows.get(1, "captured_response_byte"), answer.len().to_string());
    }
}
