//! Oracle by hand: no server of its kind is in a registry, so that bytes are as descriptions of the protocol have them.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

const DESCRIPTOR: &str =
    "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=shop)(CID=(PROGRAM=app)(HOST=h)(USER=u)))(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521)))";

fn packet(kind: u8, content: &[u8], large: bool) -> Vec<u8> {
    let size = content.len() + 8;
    let front = if large {
        (size as u32).to_be_bytes().to_vec()
    } else {
        [&(size as u16).to_be_bytes()[..], &[0, 0]].concat()
    };
    [&front[..], &[kind, 0, 0, 0], content].concat()
}

fn connect() -> Vec<u8> {
    let mut content = [&318_u16.to_be_bytes()[..], &300_u16.to_be_bytes(), &[0; 12]].concat();
    content.extend((DESCRIPTOR.len() as u16).to_be_bytes());
    content.extend(74_u16.to_be_bytes());
    content.resize(66, 0);
    content.extend(DESCRIPTOR.as_bytes());
    packet(1, &content, false)
}

fn accept() -> Vec<u8> {
    let mut content = 318_u16.to_be_bytes().to_vec();
    content.resize(24, 0);
    content.extend(8192_u32.to_be_bytes());
    content.resize(40, 0);
    packet(2, &content, false)
}

fn data(content: &[u8]) -> Vec<u8> {
    packet(6, &[b"\0\0", content].concat(), true)
}

fn execute(sql: &str) -> Vec<u8> {
    let text = match sql.len() {
        short @ ..=252 => [&[short as u8][..], sql.as_bytes()].concat(),
        long => [&b"\xfe\x02"[..], &(long as u16).to_be_bytes(), sql.as_bytes(), b"\0"].concat(),
    };
    data(
        &[
            &b"\x03\x5e\x05\x02\x80\x21\0\x01\x01\x14\x01\x01\x0d\0\0\0\x01\x02\x04\x7f\xff\xff\xff"[..],
            &text,
            b"\x01\x01\0\0",
        ]
        .concat(),
    )
}

fn failure(text: &str) -> Vec<u8> {
    data(
        &[
            &b"\x04\x01\x01\x02\x03\xae\0\0\0"[..],
            &[text.len() as u8],
            text.as_bytes(),
            b"\x1d",
        ]
        .concat(),
    )
}

fn database() -> Flow {
    let mut flow = Flow::new(6, 1521);
    flow.send(CLIENT, &connect()).send(SERVER, &accept());
    flow
}

#[test]
fn a_service_is_asked_for_and_refused() {
    let mut flow = Flow::new(6, 1521);
    let text = b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))";
    let refusal = [&b"\x22\0"[..], &(text.len() as u16).to_be_bytes(), text].concat();
    let rows = flow.send(CLIENT, &connect()).send(SERVER, &packet(4, &refusal, false)).close();
    let fields = "type request_type request_domain user_agent response_result response_code response_status";
    assert_eq!(rows.pick(0, fields), "2 CONNECT shop app REFUSE 12514 4");
}

#[test]
fn statements_are_told_with_their_service_and_the_version() {
    let mut flow = database();
    let long = format!("update t set a = '{}'", "x".repeat(1000));
    for sql in ["select a from t where b = :1", &long] {
        flow.send(CLIENT, &execute(sql)).send(SERVER, &data(b"\x10\x01\x02rows"));
    }
    flow.send(CLIENT, &data(b"\x11\x69\x06\x01\x01\x01\x02\x03\x05\x07\x02\x01"))
        .send(SERVER, &data(b"\x07\x01"));
    flow.send(CLIENT, &data(b"\x03\x0e\x08")).send(SERVER, &data(b"\x09\x01"));
    flow.send(CLIENT, &packet(6, b"\0\x40", true));
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type"),
        ["CONNECT", "EXECUTE", "EXECUTE", "FETCH", "COMMIT", "END"]
    );
    assert_eq!(rows.column("type"), ["2", "2", "2", "2", "2", "0"]);
    assert_eq!(
        rows.pick(1, "version request_domain request_resource endpoint"),
        "318 shop select a from t where b = :1 SELECT t"
    );
    assert_eq!((rows.get(2, "request_resource"), flow.seen.parse_failed), (long, 0));
}

#[test]
fn errors_are_blamed_on_the_client_or_the_server() {
    for (text, code, status) in [
        ("ORA-00942: table or view does not exist\n", "942", "4"),
        ("ORA-00001: unique constraint (S.T) violated\nORA-06512: at line 1\n", "1", "4"),
        ("ORA-01017: invalid username/password; logon denied\n", "1017", "4"),
        ("ORA-00060: deadlock detected while waiting for resource\n", "60", "3"),
        ("ORA-00600: internal error code\n", "600", "3"),
        ("ORA-01403: no data found\n", "", "0"),
    ] {
        let mut flow = database();
        // Interrupted by markers, as it is.
        flow.send(CLIENT, &execute("select a from t"))
            .send(SERVER, &packet(12, b"\x01\0\x01", true));
        flow.send(CLIENT, &packet(12, b"\x01\0\x02", true))
            .send(SERVER, &packet(12, b"\x01\0\x02", true));
        let rows = flow.send(SERVER, &failure(text)).close();
        assert_eq!(rows.pick(1, "type response_code response_status"), format!("2 {code} {status}"));
        let told = if code.is_empty() { "" } else { text.trim_end() };
        assert_eq!(rows.get(1, "response_exception"), told.replace('\n', "\\u000a"));
    }
}

#[test]
fn literals_are_hidden_on_request() {
    let settings = L7Settings {
        obfuscate: true,
        ..L7Settings::default()
    };
    let mut flow = Flow::with(6, 1521, settings);
    flow.send(CLIENT, &connect()).send(SERVER, &accept());
    let rows = flow
        .send(CLIENT, &execute("select a from t where b = 'x'"))
        .send(SERVER, &failure("ORA-20001: no 'x'\n"))
        .close();
    assert_eq!(rows.pick(1, "request_resource response_code"), "select a from t where b = ? 20001");
    assert!(rows.get(1, "response_exception").ends_with("no ?"));
}

#[test]
fn a_connection_is_known_from_its_middle_by_its_calls() {
    let mut flow = Flow::new(6, 1521);
    let rows = flow
        .drip(CLIENT, &execute("delete from t"))
        .send(SERVER, &data(b"\x04\x01\x01"))
        .close();
    assert_eq!(rows.pick(0, "type request_type endpoint response_status"), "2 EXECUTE DELETE t 0");
}
