//! Captures that nobody here made; skipped where they are absent. Figures are those of their `expected.json` and `.result` files.

use crate::capture::{drip, read, run};
use crate::rows::Rows;
use std::path::{Path, PathBuf};
use weir_native::l7::L7Seen;

pub fn case(name: &str) -> Option<(Rows, L7Seen)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/pcap");
    if !folder.is_dir() {
        eprintln!("skipped: no folder {}", folder.display());
        return None;
    }
    let payloads = read(&folder.join(name));
    let whole = run(&payloads);
    assert_eq!(run(&drip(&payloads)), whole, "byte by byte");
    Some(whole)
}

#[test]
fn a_post_and_its_answer() {
    let Some((rows, seen)) = case("http/httpv1.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, seen.client_errors, rows.lines.len()), (1, 1, 0, 1));
    let fields =
        "version request_type request_domain request_resource endpoint request_length response_code response_status response_length";
    assert_eq!(
        rows.pick(0, fields),
        "1.1 POST rq.cct.cloud.duba.net /query?1590632942 /query 85 200 0 54"
    );
    assert_eq!(
        rows.pick(0, "captured_request_byte captured_response_byte response_duration"),
        "231 227 84051"
    );
}

#[test]
fn a_request_of_which_the_end_was_not_captured_is_paired() {
    let Some((rows, seen)) = case("http/client-ip.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, rows.lines.len()), (1, 1, 1));
    let resource = "/biz-inquiry-bff/bff/v1/common/check/polymerization?channel=webportal&terminalType=bff";
    assert_eq!(
        rows.pick(0, "type request_resource endpoint"),
        format!("2 {resource} /biz-inquiry-bff/bff")
    );
    assert_eq!(rows.get(0, "http_proxy_client"), "10.90.14.76,10.158.233.64");
    assert_eq!(rows.get(0, "trace_id"), "6d4ae9e1fb8a4399aba252d65b5a83c9.76.17016891360410347");
    assert_eq!(rows.get(0, "span_id"), "6d4ae9e1fb8a4399aba252d65b5a83c9.76.17016891360410346-6");
    assert_eq!(
        rows.pick(0, "request_length captured_request_byte captured_response_byte"),
        "50 1410 737"
    );
    assert_eq!(rows.pick(0, "response_code response_duration"), "200 84387");
}

#[test]
fn questions_over_tcp() {
    let Some((rows, seen)) = case("dns/dns.pcap") else { return };
    assert_eq!(
        (seen.requests, seen.responses, seen.client_errors, seen.server_errors),
        (2, 2, 1, 0)
    );
    assert_eq!(
        (rows.durations.iter().sum::<u64>(), rows.durations.iter().max().copied()),
        (181_558, Some(176_754))
    );
    let fields = "request_id request_type request_resource response_result response_status response_code captured_request_byte captured_response_byte";
    assert_eq!(
        rows.pick(0, fields),
        "57315 A guoyongxin.com SOA=a.gtld-servers.net TTL=900 4 3 45 118"
    );
    assert_eq!(
        rows.pick(1, fields),
        "60628 A yunshan.net.cn SOA=f1g1ns1.dnspod.net TTL=1 0  45 122"
    );
}

#[test]
fn answers_and_authorities_over_udp() {
    let Some((rows, _)) = case("dns/a-and-ns.pcap") else { return };
    let fields = "request_id request_type request_resource response_result captured_request_byte captured_response_byte response_duration";
    let name = "aa.bb.cc.ddd.eee.fff.zqytest.com";
    assert_eq!(
        rows.pick(0, fields),
        format!("12697 A {name} A=10.50.71.5 TTL=86400; NS=ns.zqytest.com TTL=86400 50 99 386")
    );
    assert_eq!(
        rows.pick(1, fields),
        format!("7412 AAAA {name} SOA=ns.zqytest.com TTL=10800 50 94 185")
    );
}

#[test]
fn names_that_do_not_exist() {
    let Some((rows, _)) = case("dns/nxdomain.pcap") else { return };
    assert_eq!(rows.column("response_code"), ["3", "", "3"]);
    assert_eq!(
        rows.column("response_status"),
        ["4", "0", "0"],
        "the last one is a search through cluster.local"
    );
    assert_eq!(rows.column("response_duration"), ["385", "449", "267"]);
    assert_eq!(rows.column("captured_response_byte"), ["51", "120", "69"]);
    assert_eq!(rows.get(1, "response_result"), "A=100.103.26.52 TTL=5");
}

#[test]
fn a_mysql_session_from_greeting_to_quit() {
    let Some((rows, seen)) = case("mysql/mysql.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, seen.server_errors), (7, 6, 0));
    assert_eq!(
        (rows.durations.iter().sum::<u64>(), rows.durations.iter().max().copied()),
        (598, Some(225))
    );
    assert_eq!(
        rows.pick(0, "request_resource captured_request_byte"),
        "Login username: root db: deepflow 157"
    );
    assert_eq!(
        rows.pick(1, "version request_type request_resource"),
        "8.0.21 COM_QUERY SET NAMES utf8"
    );
    assert_eq!(rows.column("captured_response_byte"), ["24", "102", "30", "102", "299", "11", ""]);
}

#[test]
fn mysql_errors_and_attributes() {
    let Some((rows, seen)) = case("mysql/mysql-error.pcap") else {
        return;
    };
    assert_eq!(
        (seen.requests, seen.responses, seen.server_errors, seen.client_errors),
        (5, 4, 1, 0)
    );
    assert_eq!(rows.durations.iter().sum::<u64>(), 292);
    assert_eq!(rows.get(1, "request_resource"), "select @@version_comment limit 1");
    assert_eq!(
        rows.pick(3, "request_type request_resource response_code response_exception"),
        "COM_INIT_DB abcd 1049 Unknown database 'abcd'"
    );
    let Some((rows, seen)) = case("mysql/mysql-login-error.pcap") else {
        return;
    };
    assert_eq!((rows.lines.len(), seen.server_errors), (1, 1));
    assert_eq!(
        rows.pick(0, "request_resource response_code response_exception"),
        "Login username: mydemo db: mydemo-dn1 1040 Too many connections"
    );
}

#[test]
fn mysql_from_the_middle_of_connections() {
    let Some((rows, seen)) = case("mysql/171-mysql.pcap") else { return };
    assert_eq!((seen.requests, seen.responses, seen.parse_failed), (390, 390, 0));
    assert_eq!(
        (rows.durations.iter().sum::<u64>(), rows.durations.iter().max().copied()),
        (127_090, Some(5355))
    );
    let Some((rows, _)) = case("mysql/large-response.pcap") else {
        return;
    };
    assert_eq!(rows.column("endpoint"), ["SELECT az_controller_connection", "SELECT controller"]);
    assert_eq!(rows.column("captured_response_byte"), ["779", "2226"]);
    let Some((rows, _)) = case("mysql/mysql-statement.pcap") else {
        return;
    };
    let row = (0..rows.lines.len())
        .find(|row| rows.get(*row, "request_type") == "COM_STMT_EXECUTE")
        .unwrap();
    assert_eq!(
        rows.pick(row, "request_id request_resource"),
        "96 SELECT * FROM `controller` WHERE name = ?"
    );
    assert_eq!(rows.pick(row, "captured_request_byte captured_response_byte"), "36 1350");
}

#[test]
fn mysql_compressed_from_the_middle() {
    let Some((rows, seen)) = case("mysql/mysql-compressed-response.pcap") else {
        return;
    };
    assert_eq!((rows.types, seen.parse_failed), ([0, 0, 1], 0));
    assert_eq!(
        rows.pick(0, "request_type request_resource endpoint response_status"),
        "COM_QUERY SELECT * FROM `az_controller_connection` SELECT az_controller_connection 0"
    );
    assert_eq!(rows.pick(0, "captured_request_byte captured_response_byte"), "52 374");
}

#[test]
fn mysql_rows_affected() {
    let Some((rows, _)) = case("mysql/mysql-table-insert.pcap") else {
        return;
    };
    assert_eq!(rows.pick(2, "endpoint sql_affected_rows"), "INSERT tmp 1");
    let Some((rows, _)) = case("mysql/mysql-table-create.pcap") else {
        return;
    };
    assert_eq!(rows.pick(7, "endpoint response_status"), "CREATE test_table_2 0");
}

#[test]
fn memcached_lines_typed_by_hand() {
    let Some((rows, _)) = case("memcached/memcached.pcap") else {
        return;
    };
    // The recorder's own reader stumbles over data that comes in a packet of its own, and over quit.
    assert_eq!(rows.column("request_resource"), ["set foo 0 0 3", "get foo", "quit"]);
    assert_eq!(rows.column("type"), ["2", "2", "0"]);
    assert_eq!(rows.column("response_result"), ["STORED", "VALUE foo 0 3", ""]);
}

#[test]
fn a_redis_list_is_read_and_answered() {
    let Some((rows, seen)) = case("redis/redis-debug.pcap") else {
        return;
    };
    assert_eq!((seen.requests, seen.responses, seen.server_errors), (1, 1, 0));
    let fields = "type request_type request_resource endpoint response_status response_duration";
    assert_eq!(rows.pick(0, fields), "2 LRANGE LRANGE mylist 0 299 LRANGE 0 1209");
}

#[test]
fn a_redis_command_without_a_password_is_refused() {
    let Some((rows, seen)) = case("redis/redis-error.pcap") else {
        return;
    };
    assert_eq!((seen.requests, seen.responses, seen.server_errors), (1, 1, 1));
    let fields = "type request_type request_resource response_status response_exception response_duration";
    assert_eq!(rows.pick(0, fields), "2 get get abcd 3 NOAUTH Authentication required. 73");
}

#[test]
fn postgresql_from_the_middle() {
    let Some((rows, _)) = case("postgre/simple_query.pcap") else {
        return;
    };
    assert_eq!(
        rows.pick(0, "type endpoint sql_affected_rows captured_request_byte captured_response_byte"),
        "2 DELETE test 1 24 20"
    );
    let Some((rows, seen)) = case("postgre/error.pcap") else { return };
    assert_eq!(rows.pick(0, "request_resource response_code response_status"), "asdsdfdsf; 42601 4");
    assert_eq!(seen.client_errors, 1);
}

#[test]
fn mysql_rows_selected() {
    let Some((rows, _)) = case("mysql/mysql-table-select.pcap") else {
        return;
    };
    assert_eq!(rows.column("captured_request_byte"), ["208", "39", "31", "5"]);
    assert_eq!(rows.column("captured_response_byte"), ["24", "92", "229", ""]);
    assert_eq!(rows.get(2, "endpoint"), "SELECT test_table");
}

#[test]
fn a_mongodb_query_and_its_answer() {
    let Some((rows, _)) = case("mongo/mongo-msg.pcap") else { return };
    let fields = "type request_id request_type request_domain endpoint response_status captured_request_byte captured_response_byte response_duration";
    assert_eq!(rows.pick(0, fields), "2 40 find sky-test find query 0 230 285 1458");
    assert_eq!(
        rows.get(0, "request_resource"),
        r#"{\"find\": \"query\", \"filter\": {\"name\": \"drpanda5\"}}"#
    );
}
