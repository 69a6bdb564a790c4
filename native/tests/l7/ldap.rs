//! LDAP, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head: Vec<u8> = match length {
        0..128 => vec![tag, length as u8],
        _ => vec![tag, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
    };
    [head, content.to_vec()].concat()
}

fn message(id: u8, operation: u8, content: &[u8]) -> Vec<u8> {
    value(0x30, &[value(2, &[id]), value(operation, content)].concat())
}

fn result(id: u8, operation: u8, code: u8, text: &str) -> Vec<u8> {
    message(
        id,
        operation,
        &[value(10, &[code]), value(4, b""), value(4, text.as_bytes())].concat(),
    )
}

fn bind(id: u8) -> Vec<u8> {
    message(id, 0x60, &[value(2, &[3]), value(4, b"cn=ann"), value(0x80, b"secret")].concat())
}

fn search(id: u8, filter: &[u8]) -> Vec<u8> {
    let limits = [value(10, &[0]), value(2, &[0]), value(2, &[0]), value(1, &[0])].concat();
    message(
        id,
        0x63,
        &[value(4, b"dc=a"), value(10, &[2]), limits, filter.to_vec(), value(0x30, b"")].concat(),
    )
}

/// `(cn=x(y)`
fn equal() -> Vec<u8> {
    value(0xa3, &[value(4, b"cn"), value(4, b"x(y")].concat())
}

fn ldap() -> Flow {
    let mut flow = Flow::new(6, 10389);
    flow.send(CLIENT, &bind(1)).send(SERVER, &result(1, 0x61, 0, ""));
    flow
}

#[test]
fn a_search_is_one_row_with_the_number_of_its_entries_also_where_searches_overlap() {
    let mut flow = ldap();
    flow.send(CLIENT, &[search(2, &equal()), search(3, &value(0x87, b"objectClass"))].concat());
    let large = message(3, 0x64, &[7; 30_000]);
    flow.send(SERVER, &message(2, 0x64, &[0; 20])).send(SERVER, &large);
    flow.send(
        SERVER,
        &[message(2, 0x64, &[0; 20]), result(3, 0x65, 4, ""), result(2, 0x65, 0, "")].concat(),
    );
    let rows = flow.close();
    let fields = "type request_id request_resource response_status response_code response_exception ldap.entries response_duration";
    assert_eq!(
        rows.pick(0, "version request_type request_resource ldap.mechanism"),
        "3 Bind cn=ann simple"
    );
    assert_eq!(rows.pick(1, fields), "2 3 dc=a?sub?(objectClass=*) 4 4 sizeLimitExceeded 1 2000");
    assert_eq!(rows.pick(2, fields), r"2 2 dc=a?sub?(cn=x\\28y) 0   2 1000");
    assert!(rows.get(1, "captured_response_byte").parse::<u32>().unwrap() > 30_000);
    assert!(rows.lines.iter().all(|line| !line.contains("secret")));
}

#[test]
fn filters_are_written_as_people_do_and_hidden_on_request() {
    let pieces = value(0x30, &[value(0x80, b"a"), value(0x81, b"b"), value(0x82, b"c")].concat());
    let like = value(0xa4, &[value(4, b"sn"), pieces].concat());
    let not = value(0xa2, &value(0xa5, &[value(4, b"age"), value(4, b"7")].concat()));
    let all = value(0xa0, &[equal(), like, not].concat());
    let told = |obfuscate: bool| {
        let settings = L7Settings {
            obfuscate,
            ..L7Settings::default()
        };
        let mut flow = Flow::with(6, 389, settings);
        flow.send(CLIENT, &search(1, &all));
        flow.close().get(0, "request_resource")
    };
    assert_eq!(told(false), r"dc=a?sub?(&(cn=x\\28y)(sn=a*b*c)(!(age>=7)))");
    assert_eq!(told(true), "dc=a?sub?(&(cn=?)(sn=?*?*?)(!(age>=?)))");
}

#[test]
fn results_say_whose_fault_it_is() {
    for (code, status) in [(0, "0"), (6, "0"), (14, "0"), (49, "4"), (32, "4"), (51, "3"), (80, "3")] {
        let mut flow = ldap();
        flow.send(CLIENT, &message(2, 0x4a, b"cn=b"))
            .send(SERVER, &result(2, 0x6b, code, ""));
        let rows = flow.close();
        assert_eq!(
            rows.pick(1, "request_type request_resource response_status"),
            format!("Delete cn=b {status}")
        );
    }
}

#[test]
fn what_is_never_answered_waits_for_nothing_and_tls_follows_where_agreed() {
    let mut flow = ldap();
    flow.send(CLIENT, &message(2, 0x50, &[1])).wait(300);
    assert_eq!(flow.rows.pick(1, "type request_type"), "0 Abandon");
    flow.send(CLIENT, &message(3, 0x77, &value(0x80, b"1.3.6.1.4.1.1466.20037")));
    flow.send(SERVER, &result(3, 0x78, 0, ""))
        .send(CLIENT, &[22, 3, 1, 0, 4, 1, 0, 0, 0, 3, 3]);
    assert_eq!(flow.rows.pick(2, "request_type request_resource"), "Extended StartTLS");
    assert_eq!(flow.l7.protocol(), 121);
}

#[test]
fn hostile_lengths_and_depths_are_bounded() {
    let mut flow = ldap();
    let mut deep = vec![];
    for _ in 0..500 {
        deep = value(0xa2, &deep);
    }
    flow.send(CLIENT, &search(2, &deep));
    flow.send(
        CLIENT,
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 3, 0x63, 0x84, 0xff, 0xff, 0xff, 0xf0],
    );
    flow.send(SERVER, &message(9, 0x64, &[1; 100])[..50]);
    for id in 0..200 {
        flow.send(SERVER, &[1; 1000]).send(SERVER, &message(id, 0x64, &[0; 9]));
        assert!(flow.l7.heap_bytes() < 128 * 1024);
    }
    flow.close();
    assert!(flow.seen.parse_failed > 0);
}
