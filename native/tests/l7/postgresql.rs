//! PostgreSQL by hand: what the recorded connections do not have.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], &(content.len() as u32 + 4).to_be_bytes()[..], content].concat()
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

fn run(name: &str) -> Vec<u8> {
    let bind = [b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"].concat();
    [message(b'B', &bind), message(b'E', b"\0\0\0\0\0")].concat()
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

const SYNC: &[u8] = b"S\0\0\0\x04";
const READY: &[u8] = b"Z\0\0\0\x05I";
const BOUND: &[u8] = b"2\0\0\0\x04";
const ERROR: &[u8] = b"SERROR\0C23505\0Mduplicate key 'x'\0\0";

fn database() -> Flow {
    Flow::new(6, 5432)
}

fn done(tag: &str) -> Vec<u8> {
    message(b'C', &[tag.as_bytes(), b"\0"].concat())
}

#[test]
fn a_simple_query_lasts_until_the_server_is_ready() {
    let mut flow = database();
    flow.send(CLIENT, &query("update t set a = 1; delete from u"));
    let rows = flow
        .send(SERVER, &[&done("UPDATE 3")[..], &done("DELETE 2"), READY].concat())
        .close();
    assert_eq!(
        rows.pick(0, "type request_type endpoint sql_affected_rows response_status"),
        "2 QUERY UPDATE t 5 0"
    );
}

#[test]
fn prepared_statements_are_known_by_name() {
    let mut flow = database();
    flow.send(CLIENT, &[&parse("s1", "insert into t values ($1)")[..], SYNC].concat())
        .send(SERVER, &[b"1\0\0\0\x04", READY].concat());
    flow.send(CLIENT, &[&run("s1")[..], SYNC].concat())
        .send(SERVER, &[BOUND, &done("INSERT 0 1"), READY].concat());
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["PARSE", "EXECUTE"]);
    assert_eq!(rows.column("endpoint"), ["INSERT t", "INSERT t"]);
    assert_eq!(rows.column("type"), ["2", "2"]);
    assert_eq!(rows.get(1, "sql_affected_rows"), "1");
}

#[test]
fn an_execution_begins_with_what_it_binds() {
    let mut flow = database();
    let (bind, execute) = (message(b'B', b"\0s1\0\0\0\0\0\0\0"), message(b'E', b"\0\0\0\0\0"));
    for _ in 0..2 {
        flow.send(CLIENT, &bind).send(CLIENT, &[&execute[..], SYNC].concat());
        flow.send(SERVER, BOUND).send(SERVER, &[&done("SELECT 1")[..], READY].concat());
    }
    let rows = flow.close();
    assert_eq!(rows.durations, [2000, 2000]);
    let length = (bind.len() + execute.len()).to_string();
    assert_eq!(rows.column("captured_request_byte"), [&length[..], &length]);
}

#[test]
fn what_stands_behind_an_error_in_its_batch_is_never_answered() {
    let mut flow = database();
    let batch = [&parse("s", "insert into t values ($1)")[..], &run("s"), &run("s"), &run("s"), SYNC].concat();
    flow.send(CLIENT, &batch).send(CLIENT, &[&run("s")[..], SYNC].concat());
    flow.send(
        SERVER,
        &[b"1\0\0\0\x04", BOUND, &done("INSERT 0 1"), BOUND, &message(b'E', ERROR), READY].concat(),
    );
    flow.send(SERVER, &[BOUND, &done("INSERT 0 7"), READY].concat());
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "2", "2"]);
    assert_eq!(rows.column("sql_affected_rows"), ["1", "", "", "7"]);
    assert_eq!((flow.seen.client_errors, flow.seen.timeouts), (1, 0));
}

#[test]
fn errors_are_blamed_by_class() {
    for (state, status) in [
        ("42601", "4"),
        ("23505", "4"),
        ("28P01", "4"),
        ("53300", "3"),
        ("57014", "3"),
        ("XX000", "3"),
        ("40P01", "3"),
    ] {
        let mut flow = database();
        let error = message(b'E', format!("SERROR\0C{state}\0Mno\0\0").as_bytes());
        let rows = flow
            .send(CLIENT, &query("select 1"))
            .send(SERVER, &[&error[..], READY].concat())
            .close();
        assert_eq!(rows.pick(0, "response_status response_exception"), format!("{status} no"));
    }
}

#[test]
fn encryption_that_is_granted_ends_reading() {
    let mut flow = database();
    let wish = b"\0\0\0\x08\x04\xd2\x16\x2f";
    let rows = flow.send(CLIENT, wish).send(SERVER, b"S").send(CLIENT, b"\x16\x03\x01").close();
    assert_eq!(
        (rows.types, rows.pick(0, "request_type response_result")),
        ([0, 0, 1], "SSLRequest S".to_owned())
    );
    assert!(flow.l7.is_done());
}

#[test]
fn encryption_that_is_refused_does_not() {
    let mut flow = database();
    flow.send(CLIENT, b"\0\0\0\x08\x04\xd2\x16\x2f").send(SERVER, b"N");
    flow.send(CLIENT, b"\0\0\0\x10\0\x03\0\0user\0u\0\0");
    let rows = flow.send(SERVER, &[&message(b'R', &[0; 4])[..], READY].concat()).close();
    assert_eq!(rows.pick(1, "type request_type request_resource"), "2 LOGIN Login username: u");
}

#[test]
fn statements_that_are_never_closed_hold_little_memory() {
    let mut flow = database();
    for id in 0..3000 {
        let text = parse(&format!("s{id}"), &format!("select '{}' from t", "x".repeat(4000)));
        flow.send(CLIENT, &[&text[..], SYNC].concat())
            .send(SERVER, &[b"1\0\0\0\x04", READY].concat());
        flow.rows.lines.clear();
        assert!(flow.l7.heap_bytes() < 160 * 1024, "{}", flow.l7.heap_bytes());
    }
    assert_eq!(flow.seen.responses, 3000);
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_statement() {
    let mut flow = database();
    flow.send(CLIENT, &query("select 1")).gap(SERVER, 500).send(SERVER, READY);
    let answer = [&done("SELECT 1")[..], READY].concat();
    let rows = flow.send(CLIENT, &query("select 2")).send(SERVER, &answer).close();
    assert_eq!(rows.get(rows.lines.len() - 1, "request_resource"), "select 2");
    assert_eq!(rows.column("type").last().unwrap(), "2");
}

#[test]
fn literals_are_hidden_on_request() {
    let settings = L7Settings {
        obfuscate: true,
        ..L7Settings::default()
    };
    let mut flow = Flow::with(6, 5432, settings);
    flow.send(CLIENT, &query("insert into t values ('x', 12)"));
    let rows = flow.send(SERVER, &[&message(b'E', ERROR)[..], READY].concat()).close();
    assert_eq!(
        rows.pick(0, "request_resource response_exception"),
        "insert into t values (?, ?) duplicate key ?"
    );
}

#[test]
fn a_turn_that_ends_before_its_request_does_is_counted_as_not_understood() {
    let mut flow = database();
    flow.send(CLIENT, &query("select 1"))
        .send(SERVER, &[&done("SELECT 1")[..], READY].concat());
    flow.send(CLIENT, &[&parse("s1", "select a from t")[..], b"B\0\x04\0\x18\0s1"].concat())
        .send(SERVER, &[b"1\0\0\0\x04", READY].concat());
    assert_eq!(flow.seen.parse_failed, 1, "where reading goes on is a guess from here on");
    let rows = flow.close();
    assert_eq!(rows.pick(1, "type request_type endpoint"), "2 PARSE SELECT t");
}

#[test]
fn an_error_that_is_told_before_the_batch_is_over_answers_what_was_prepared() {
    // The server refuses the statement while values for it are still on their way.
    let bind = message(b'B', &[b"\0\0\0\0\0\x01\0\0\x4e\x20", &[b'x'; 20_000][..], b"\0\0"].concat());
    let batch = [&parse("", "selec a from t")[..], &bind, &message(b'E', b"\0\0\0\0\0"), SYNC].concat();
    for early in [40, 45, 3000, 9000, 20_000] {
        for cut in [1, 7, 1400, 20_000] {
            let mut flow = database();
            flow.send(CLIENT, &query("select 1"))
                .send(SERVER, &[&done("SELECT 1")[..], READY].concat());
            for part in batch[..early].chunks(cut) {
                flow.send(CLIENT, part);
            }
            flow.send(SERVER, &message(b'E', b"SERROR\0C42601\0Msyntax error\0\0"));
            for part in batch[early..].chunks(cut) {
                flow.send(CLIENT, part);
            }
            flow.send(SERVER, READY);
            flow.send(CLIENT, &query("select 2"))
                .send(SERVER, &[&done("SELECT 1")[..], READY].concat());
            let rows = flow.close();
            assert_eq!(rows.column("request_type"), ["QUERY", "PARSE", "EXECUTE", "QUERY"], "{early} {cut}");
            assert_eq!(rows.column("type"), ["2", "2", "0", "2"]);
            assert_eq!(rows.get(1, "response_exception"), "syntax error");
            assert_eq!((flow.seen.parse_failed, flow.seen.timeouts, flow.seen.client_errors), (0, 0, 1));
        }
    }
}

#[test]
fn a_message_that_cannot_be_so_long_is_not_waited_for() {
    let mut flow = database();
    flow.send(CLIENT, &query("select 1"))
        .send(SERVER, &[&done("SELECT 1")[..], READY].concat());
    // Of a Describe, a bit of the length is wrong.
    flow.send(CLIENT, &[&parse("s1", "select a from t")[..], b"D\0\x04\0\x08Ss1\0", SYNC].concat());
    flow.send(SERVER, &[b"1\0\0\0\x04", READY].concat());
    flow.send(CLIENT, &[&run("s1")[..], SYNC].concat())
        .send(SERVER, &[BOUND, &done("SELECT 0"), READY].concat());
    assert_eq!(flow.seen.parse_failed, 1);
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["QUERY", "PARSE", "EXECUTE"]);
    assert_eq!(rows.column("type"), ["2", "2", "2"]);
}
