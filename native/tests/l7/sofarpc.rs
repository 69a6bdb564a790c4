//! SofaRPC, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

const REQUEST: &[u8] = b"com.alipay.sofa.rpc.core.request.SofaRequest";
const RESPONSE: &[u8] = b"com.alipay.sofa.rpc.core.response.SofaResponse";

fn sizes(class: &[u8], map: &[u8], content: &[u8]) -> Vec<u8> {
    let short = |part: &[u8]| (part.len() as u16).to_be_bytes();
    let parts = [
        &short(class)[..],
        &short(map),
        &(content.len() as u32).to_be_bytes(),
        class,
        map,
        content,
    ];
    parts.concat()
}

fn map(pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    pairs.iter().flat_map(|(key, value)| [text(key), text(value)].concat()).collect()
}

fn request(kind: u8, id: u8, pairs: &[(&str, &str)]) -> Vec<u8> {
    [
        &[1, kind, 0, 1, 1, 0, 0, 0, id, 1, 0, 0, 0x27, 0x10][..],
        &sizes(REQUEST, &map(pairs), b"Nargs"),
    ]
    .concat()
}

fn response(id: u8, status: u8, content: &[u8]) -> Vec<u8> {
    [&[1, 0, 0, 2, 1, 0, 0, 0, id, 1, 0, status][..], &sizes(RESPONSE, b"", content)].concat()
}

const CALL: &[(&str, &str)] = &[
    ("sofa_head_target_service", "a.Shop:1.0"),
    ("sofa_head_method_name", "find"),
    ("new_rpc_trace_context", "tcid=t1&spid=0.1&pspid=0&sample=true&"),
];

#[test]
fn a_call_and_its_answer() {
    let mut flow = Flow::new(6, 12200);
    flow.send(CLIENT, &request(1, 3, CALL)).send(SERVER, &response(3, 0, b"O"));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type version request_resource request_type endpoint"),
        "2 1 a.Shop:1.0 find a.Shop:1.0/find"
    );
    assert_eq!(
        rows.pick(0, "request_id response_code response_status trace_id span_id parent_span_id"),
        "3  0 t1 0.1 0"
    );
}

#[test]
fn failures_say_whose_they_are() {
    let told = [
        RESPONSE,
        b"\x94\x07isError\x08errorMsg\x0bappResponse\x0dresponsePropso\x90T\x06wrong!NN",
    ]
    .concat();
    for (status, content, expected) in [
        (0, &told[..], " 3 wrong!"),
        (7, b"", "7 3 TIMEOUT"),
        (8, b"", "8 4 CLIENT_SEND_ERROR"),
        (18, b"", "18 3 SERVER_DESERIAL_EXCEPTION"),
    ] {
        let mut flow = Flow::new(6, 12200);
        flow.send(CLIENT, &request(1, 1, CALL)).send(SERVER, &response(1, status, content));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn the_second_version_has_a_switch_and_a_checksum() {
    let head = [2, 1, 1, 0, 1, 1, 0, 0, 0, 9, 1, 1, 0, 0, 0x27, 0x10];
    let asked = [&head[..], &sizes(REQUEST, &map(CALL), b"args"), b"\xde\xad\xbe\xef"].concat();
    let head = [2, 1, 0, 0, 2, 1, 0, 0, 0, 9, 1, 1, 0, 0];
    let told = [&head[..], &sizes(RESPONSE, b"", b"N"), b"\xde\xad\xbe\xef"].concat();
    let mut flow = Flow::new(6, 12200);
    flow.drip(CLIENT, &[&asked[..], &asked].concat()).drip(SERVER, &told);
    let rows = flow.close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([1, 0, 1], 0));
    assert_eq!(
        rows.pick(0, "version endpoint request_length"),
        format!("2 a.Shop:1.0/find {}", asked.len())
    );
}

#[test]
fn heartbeats_are_rows_and_one_way_calls_wait_for_nothing() {
    let mut flow = Flow::new(6, 12200);
    flow.send(CLIENT, &request(2, 1, CALL));
    flow.send(CLIENT, b"\x01\x01\0\0\x01\0\0\0\x02\x01\0\0\x03\xe8\0\0\0\0\0\0\0\0")
        .send(SERVER, b"\x01\0\0\0\x01\0\0\0\x02\x01\0\0\0\0\0\0\0\0\0\0");
    let rows = flow.close();
    assert_eq!(
        (rows.column("request_type"), rows.column("type")),
        (
            vec!["find".to_owned(), "heartbeat".to_owned()],
            vec!["0".to_owned(), "2".to_owned()]
        )
    );
}

#[test]
fn a_flow_is_picked_up_in_the_middle_and_after_a_loss() {
    let mut flow = Flow::new(6, 12200);
    let asked = request(1, 2, CALL);
    flow.send(CLIENT, &response(1, 0, b"N"))
        .send(SERVER, &asked[..50])
        .gap(SERVER, 30)
        .send(SERVER, &asked[80..]);
    assert!(flow.l7.is_reversed());
    flow.send(SERVER, &request(1, 3, CALL)).send(CLIENT, &response(3, 0, b"N"));
    assert_eq!(flow.close().types, [0, 1, 1]);
}

#[test]
fn what_only_resembles_bolt_is_left_alone() {
    for bytes in [
        &b"\x01\x01\0\0\x01\0\0\0\x02\x01\0\0\x03\xe8\0\0\0\0\0\0\0\0"[..],
        b"\x01\x01\0\x02",
        &[1; 60],
        &[2; 60],
    ] {
        let mut flow = Flow::new(6, 12200);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn calls_that_nobody_here_recorded() {
    let Some((rows, _)) = case("sofarpc/sofa-new.pcap") else { return };
    let service = "com.mycompany.app.common.ServInterface:1.0";
    assert_eq!(
        rows.pick(0, "type request_id endpoint response_status"),
        format!("2 2 {service}/testSuccess 0")
    );
    assert_eq!(
        rows.pick(0, "trace_id span_id captured_request_byte captured_response_byte"),
        "0a2200ce1670900283956100813525 0 752 230"
    );
}
