//! SIP, NTP and DHCP, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

fn request(method: &str, number: u32) -> Vec<u8> {
    format!(
        "{method} sip:bob@example.org;transport=udp SIP/2.0\r\nCall-ID: x\r\nCSeq: {number} {method}\r\nFrom: <sip:ann@a>;tag=1\r\n\r\n"
    )
    .into_bytes()
}

fn response(code: &str, number: u32, method: &str) -> Vec<u8> {
    format!("SIP/2.0 {code}\r\ni: x\r\nCSeq: {number} {method}\r\nl: 0\r\n\r\n").into_bytes()
}

#[test]
fn a_call_is_answered_by_its_final_response_and_either_end_may_hang_up() {
    let mut flow = Flow::new(17, 5060);
    flow.send(CLIENT, &request("INVITE", 1))
        .send(SERVER, &response("100 Trying", 1, "INVITE"));
    flow.send(SERVER, &response("180 Ringing", 1, "INVITE"))
        .send(SERVER, &response("200 OK", 1, "INVITE"));
    flow.send(CLIENT, &request("ACK", 1))
        .send(SERVER, &request("BYE", 9))
        .send(CLIENT, &response("200 OK", 9, "BYE"));
    flow.send(CLIENT, b"\r\n\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "2"]);
    let fields = "version request_type request_resource request_domain response_code response_duration sip.call_id sip.from";
    assert_eq!(
        rows.pick(0, fields),
        "2.0 INVITE sip:bob@example.org;transport=udp example.org 200 3000 x sip:ann@a"
    );
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn a_response_of_sip_says_whose_fault_it_is() {
    for (line, status) in [
        ("302 Moved", "0"),
        ("486 Busy Here", "4"),
        ("503 Unavailable", "3"),
        ("603 Decline", "4"),
    ] {
        let mut flow = Flow::new(17, 5060);
        flow.send(CLIENT, &request("INVITE", 1)).send(SERVER, &response(line, 1, "INVITE"));
        assert_eq!(flow.close().get(0, "response_status"), status, "{line}");
    }
}

#[test]
fn a_response_that_does_not_say_to_what_has_no_type() {
    let mut flow = Flow::new(17, 5060);
    flow.send(SERVER, b"SIP/2.0 401 Unauthorized\r\ni: x\r\nl: 0\r\n\r\n");
    assert_eq!(flow.close().pick(0, "type request_type response_code"), "1  401");
}

#[test]
fn http_is_not_sip_and_sip_not_http() {
    let mut flow = Flow::tcp();
    flow.send(CLIENT, b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n");
    assert_eq!(flow.l7.protocol(), 128);
    let mut flow = Flow::tcp();
    flow.drip(CLIENT, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(flow.l7.protocol(), 20);
}

fn time(first: u8, stratum: u8, reference: &[u8; 4], origin: u64, transmit: u64) -> Vec<u8> {
    let mut bytes = vec![first, stratum, 6, 0xe8];
    bytes.extend([0; 8]);
    bytes.extend(reference);
    bytes.extend([0; 8]);
    bytes.extend(origin.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(transmit.to_be_bytes());
    bytes
}

#[test]
fn the_time_is_paired_by_its_stamp() {
    let mut flow = Flow::new(17, 123);
    flow.send(CLIENT, &time(0x23, 0, &[0; 4], 0, 7))
        .send(CLIENT, &time(0x23, 0, &[0; 4], 0, 8));
    flow.send(SERVER, &time(0x24, 1, b"GPS\0", 8, 99))
        .send(SERVER, &time(0x24, 2, &[10, 0, 0, 1], 7, 99));
    let rows = flow.close();
    let fields = "version request_type response_status response_duration ntp.stratum ntp.reference_id";
    assert_eq!(rows.pick(0, fields), "4 Client 0 1000 1 GPS");
    assert_eq!(rows.pick(1, fields), "4 Client 0 3000 2 10.0.0.1");
}

#[test]
fn a_clock_that_is_not_set_and_a_kiss_of_death_are_errors() {
    let answered = |first: u8, stratum: u8, reference: &[u8; 4]| {
        let mut flow = Flow::new(17, 123);
        flow.send(CLIENT, &time(0x23, 0, &[0; 4], 0, 7))
            .send(SERVER, &time(first, stratum, reference, 7, 9));
        flow.close().pick(0, "response_status response_exception")
    };
    assert_eq!(answered(0x24, 0, b"RATE"), "4 RATE");
    assert_eq!(answered(0xe4, 0, b"INIT"), "3 INIT");
    assert_eq!(answered(0xe4, 16, &[0; 4]), "3 unsynchronized");
    assert_eq!(answered(0xe4, 0, &[0; 4]), "3 unsynchronized");
}

fn lease(operation: u8, kind: u8, current: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![operation, 1, 6, 0, 0, 0, 0, 9, 0, 0, 0, 0];
    bytes.extend(current);
    bytes.resize(28, 0);
    bytes.extend([2, 0, 0, 0, 0, 1]);
    bytes.resize(236, 0);
    bytes.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind]);
    bytes.extend(options);
    bytes.push(255);
    bytes
}

#[test]
fn a_renewal_is_answered_in_its_flow_and_a_shout_waits_for_nothing() {
    let mut flow = Flow::new(17, 67);
    flow.send(CLIENT, &lease(1, 3, [10, 0, 0, 7], &[]))
        .send(SERVER, &lease(2, 5, [10, 0, 0, 7], &[51, 4, 0, 0, 0, 60]));
    flow.send(CLIENT, &lease(1, 1, [0; 4], b"\x0c\x02pc")).wait(60);
    let rows = flow.close();
    let fields = "type version request_type request_id request_domain response_status response_result dhcp.lease_s dhcp.client_mac";
    assert_eq!(rows.pick(0, fields), "2 4 Request 9  0 10.0.0.7 60 02:00:00:00:00:01");
    assert_eq!(rows.pick(1, fields), "0 4 Discover 9 pc 5   02:00:00:00:00:01");
    assert_eq!(flow.seen.timeouts, 0);
}

#[test]
fn dhcp_for_ipv6_tells_its_status() {
    let mut flow = Flow::new(17, 547);
    flow.send(CLIENT, &[1, 0, 0, 9]);
    flow.send(SERVER, &[7, 0, 0, 9, 0, 13, 0, 6, 0, 2, b'n', b'o', b'n', b'e']);
    let rows = flow.close();
    assert_eq!(rows.pick(0, "type version request_type request_id"), "0 6 Solicit 9");
    assert_eq!(
        rows.pick(1, "type request_type response_status response_code response_exception"),
        "1 Reply 3 2 none"
    );
}
