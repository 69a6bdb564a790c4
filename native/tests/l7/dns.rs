//! DNS, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

const SHORT: &str = "type request_type request_resource response_code response_status";

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    labels
        .flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat())
        .chain([0])
        .collect()
}

fn message(id: u16, flags: u16, counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
    let words = [id, flags, counts[0], counts[1], counts[2], counts[3]];
    words.iter().flat_map(|word| word.to_be_bytes()).chain(rest.concat()).collect()
}

fn question(text: &str, kind: u16) -> Vec<u8> {
    [&name(text)[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

fn query(id: u16, text: &str, kind: u16) -> Vec<u8> {
    message(id, 0x0100, [1, 0, 0, 0], &[&question(text, kind)])
}

/// A record whose name points at the question.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [
        &[0xc0, 12][..],
        &kind.to_be_bytes(),
        &[0, 1, 0, 0, 1, 44],
        &(data.len() as u16).to_be_bytes(),
        data,
    ]
    .concat()
}

fn answer(id: u16, text: &str, kind: u16, code: u16, records: &[Vec<u8>]) -> Vec<u8> {
    message(
        id,
        0x8180 | code,
        [1, records.len() as u16, 0, 0],
        &[&question(text, kind), &records.concat()],
    )
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

fn udp() -> Flow {
    Flow::new(17, 53)
}

#[test]
fn an_answer_finds_its_question_by_id_in_any_order() {
    let mut flow = udp();
    flow.send(CLIENT, &query(1, "a.example", 1))
        .send(CLIENT, &query(2, "a.example", 28));
    flow.send(SERVER, &answer(2, "A.EXAMPLE", 28, 0, &[record(28, &[0x20; 16])]));
    let rows = flow
        .send(SERVER, &answer(1, "a.example", 1, 0, &[record(1, &[10, 0, 0, 1])]))
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 AAAA a.example 0 0".replace(" 0 0", "  0"));
    assert_eq!(
        rows.pick(0, "response_result response_duration request_id"),
        "AAAA=2020:2020:2020:2020:2020:2020:2020:2020 TTL=300 1000 2"
    );
    assert_eq!(
        rows.pick(1, "request_type request_domain endpoint response_result response_duration"),
        "A a.example a.example A=10.0.0.1 TTL=300 3000"
    );
    assert_eq!((flow.seen.requests, flow.seen.responses), (2, 2));
}

#[test]
fn two_questions_with_one_id_are_two_requests() {
    let mut flow = udp();
    flow.send(CLIENT, &query(7, "a.example", 1))
        .send(CLIENT, &query(7, "a.example", 28));
    flow.send(SERVER, &answer(7, "a.example", 28, 0, &[]))
        .send(SERVER, &answer(7, "a.example", 1, 0, &[]));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["AAAA", "A"]);
    assert_eq!(rows.types, [0, 0, 2]);
}

#[test]
fn a_repeated_question_is_one_request_as_old_as_the_first() {
    let mut flow = udp();
    flow.send(CLIENT, &query(7, "a.example", 1))
        .wait(5)
        .send(CLIENT, &query(7, "a.example", 1));
    let reply = answer(7, "a.example", 1, 0, &[]);
    let rows = flow.send(SERVER, &reply).send(SERVER, &reply).close();
    assert_eq!(rows.types, [0, 0, 1]);
    assert_eq!(rows.durations, [5_002_000]);
    assert_eq!((flow.seen.requests, flow.seen.responses), (1, 1));
}

#[test]
fn codes_blame_the_asker_or_the_server() {
    let mut flow = udp();
    for (id, code) in [1, 2, 3, 5].into_iter().enumerate() {
        flow.send(CLIENT, &query(id as u16, "a.example", 1))
            .send(SERVER, &answer(id as u16, "a.example", 1, code, &[]));
    }
    let rows = flow.close();
    assert_eq!(rows.column("response_status"), ["4", "3", "4", "3"]);
    assert_eq!(rows.column("response_exception"), ["FORMERR", "SERVFAIL", "NXDOMAIN", "REFUSED"]);
    assert_eq!((flow.seen.client_errors, flow.seen.server_errors), (2, 2));
}

#[test]
fn a_name_that_the_search_list_made_may_not_exist() {
    let ask = |settings: L7Settings| {
        let mut flow = Flow::with(17, 53, settings);
        let host = "example.com.default.svc.Cluster.Local";
        let rows = flow
            .send(CLIENT, &query(1, host, 1))
            .send(SERVER, &answer(1, host, 1, 3, &[]))
            .close();
        rows.pick(0, "response_code response_status")
    };
    assert_eq!(ask(L7Settings::default()), "3 0");
    assert_eq!(
        ask(L7Settings {
            dns_expected_nxdomain_suffixes: vec![],
            ..L7Settings::default()
        }),
        "3 4"
    );
}

#[test]
fn an_answer_without_the_question_goes_by_its_id() {
    let mut flow = udp();
    let rows = flow
        .send(CLIENT, &query(9, "a.example", 1))
        .send(SERVER, &message(9, 0x8181, [0; 4], &[]))
        .close();
    assert_eq!(rows.pick(0, SHORT), "2 A a.example 1 4");
}

#[test]
fn records_are_told_in_words() {
    let records = [
        record(5, &name("b.example")),
        record(15, &[&[0, 10][..], &name("mx.example")].concat()),
        record(33, &[&[0, 1, 0, 2, 0x1f, 0x90][..], &name("srv.example")].concat()),
        record(16, b"\x03one\x05two 3"),
        record(65, b"\x00\x01\x00\x00\x01\x00\x03\x02h3"),
        record(257, b"\x00\x05issueca.example"),
        record(46, b"signature"),
        record(1000, b""),
    ];
    let rows = udp()
        .send(CLIENT, &query(1, "a.example", 255))
        .send(SERVER, &answer(1, "a.example", 255, 0, &records))
        .close();
    let expected = "CNAME=b.example TTL=300; MX=10 mx.example TTL=300; SRV=1 2 8080 srv.example TTL=300; TXT=\\\"one\\\" \\\"two 3\\\" TTL=300; \
                    HTTPS=1 . TTL=300; CAA=0 issue ca.example TTL=300; RRSIG TTL=300; TYPE1000 TTL=300";
    assert_eq!(rows.pick(0, "request_type response_result"), format!("ANY {expected}"));
}

#[test]
fn the_extended_code_is_believed_and_the_option_record_not_told() {
    let option = [&[0][..], &[0, 41, 16, 0, 1, 0, 0, 0, 0, 0]].concat();
    let reply = message(1, 0x8180, [1, 0, 0, 1], &[&question("a.example", 1), &option]);
    let rows = udp().send(CLIENT, &query(1, "a.example", 1)).send(SERVER, &reply).close();
    assert_eq!(rows.pick(0, "response_code response_exception response_result"), "16 BADVERS ");
}

#[test]
fn over_tcp_messages_are_cut_by_their_length() {
    let queries = [framed(&query(1, "a.example", 1)), framed(&query(2, "b.example", 16))].concat();
    let text = [&[250][..], &[b'x'; 250]].concat();
    let large = answer(2, "b.example", 16, 0, &vec![record(16, &text); 100]);
    let answers = [framed(&large), framed(&answer(1, "a.example", 1, 0, &[]))].concat();
    let whole = Flow::new(6, 53).send(CLIENT, &queries).send(SERVER, &answers).close();
    assert_eq!(whole.column("request_resource"), ["b.example", "a.example"]);
    assert_eq!(whole.get(0, "captured_response_byte"), (large.len() + 2).to_string());
    assert_eq!(Flow::new(6, 53).drip(CLIENT, &queries).drip(SERVER, &answers).close(), whole);
    let mut flow = Flow::new(6, 53);
    flow.send(CLIENT, &queries)
        .send(SERVER, &answers[..5000])
        .gap(SERVER, 3000)
        .send(SERVER, &answers[8000..]);
    assert_eq!(flow.close().types, [0, 0, 2], "a gap inside a large answer");
}

#[test]
fn a_zone_transfer_is_one_row() {
    let mut flow = Flow::new(6, 53);
    let part = |questions: u16| {
        let asked = question("zone.example", 252);
        framed(&message(
            5,
            0x8400,
            [questions, 1, 0, 0],
            &[
                &asked[..asked.len() * usize::from(questions)],
                &[0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4],
            ],
        ))
    };
    flow.send(CLIENT, &framed(&query(5, "zone.example", 252)))
        .send(SERVER, &[part(1), part(0), part(1)].concat())
        .send(SERVER, &part(0));
    flow.send(CLIENT, &framed(&query(6, "a.example", 1)))
        .send(SERVER, &framed(&answer(6, "a.example", 1, 0, &[])));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["AXFR", "A"]);
    assert_eq!(rows.types, [0, 0, 2]);
}

#[test]
fn multicast_questions_do_not_wait_and_answers_stand_alone() {
    let mut flow = Flow::new(17, 5353);
    flow.send(
        CLIENT,
        &message(0, 0, [2, 0, 0, 0], &[&question("_ipp._tcp.local", 12), &question("host.local", 28)]),
    );
    assert_eq!(
        flow.rows.pick(0, "type request_type request_resource"),
        "0 PTR _ipp._tcp.local;host.local"
    );
    let service = [&name("_ipp._tcp.local")[..], &[0, 12, 0, 1, 0, 0, 17, 148, 0, 2, 0xc0, 12]].concat();
    flow.send(CLIENT, &message(0, 0x8400, [0, 1, 0, 0], &[&service]));
    assert!(!flow.l7.is_reversed());
    assert_eq!(flow.rows.pick(1, SHORT), "1 PTR _ipp._tcp.local  0");
    // A server that answers ordinary questions on that port.
    flow.send(CLIENT, &query(3, "a.example", 1))
        .send(SERVER, &answer(3, "a.example", 1, 0, &[]));
    assert_eq!(flow.close().types, [1, 1, 1]);
}

#[test]
fn nobody_answering_is_a_timeout() {
    let mut flow = udp();
    flow.send(CLIENT, &query(1, "a.example", 1)).wait(14);
    assert!(flow.rows.lines.is_empty());
    flow.wait(1);
    assert_eq!(flow.rows.pick(0, SHORT), "0 A a.example  2");
    flow.send(CLIENT, &query(2, "a.example", 1));
    flow.now_us += 5_000_000;
    assert_eq!(flow.close().pick(1, SHORT), "0 A a.example  2", "the flow went quiet");
    assert_eq!(flow.seen.timeouts, 2);
}

#[test]
fn a_flow_that_begins_with_an_answer_is_turned() {
    let mut flow = Flow::new(17, 53);
    flow.send(SERVER, &query(1, "a.example", 1))
        .send(CLIENT, &answer(1, "a.example", 1, 0, &[]));
    assert!(flow.l7.is_reversed());
    assert_eq!(flow.close().types, [0, 0, 1]);
}

#[test]
fn on_a_strange_port_only_a_flawless_message_is_dns() {
    let on_port_9999 = |payload: &[u8]| {
        let mut flow = Flow::new(17, 9999);
        flow.send(CLIENT, payload);
        flow.l7.protocol()
    };
    assert_eq!(on_port_9999(&query(1, "a.example", 1)), 120);
    assert_eq!(on_port_9999(&[&query(1, "a.example", 1)[..], b"\x00"].concat()), 0);
    assert_eq!(on_port_9999(&query(1, "a.example", 1)[..20]), 0);
    assert_eq!(on_port_9999(&[0; 64]), 0);
}

#[test]
fn the_first_fragment_of_a_padded_query_holds_its_question() {
    // What pads the query goes on in other fragments.
    let padding = [&[0][..], &[0, 10, 0, 1, 0, 0, 0, 0, 5, 0xdc]].concat();
    let front = message(1, 0x0100, [1, 0, 0, 1], &[&question("a.example", 16), &padding]);
    let first = [&front[..], &vec![0; 1472 - front.len()]].concat();
    for (port, payload, protocol) in [(53, &first[..], 120), (443, &first, 120), (443, &first[..1471], 0)] {
        let mut flow = Flow::new(17, port);
        flow.send(CLIENT, payload);
        assert_eq!(flow.l7.protocol(), protocol, "{} bytes on {port}", payload.len());
    }
    let mut flow = Flow::new(17, 443);
    flow.send(CLIENT, &first).send(SERVER, &answer(1, "a.example", 16, 0, &[]));
    assert_eq!(flow.close().pick(0, SHORT), "2 TXT a.example  0");
}

#[test]
fn broken_datagrams_are_counted_and_a_wrong_guess_is_taken_back() {
    let mut flow = udp();
    flow.send(CLIENT, &query(1, "a.example", 1));
    for _ in 0..16 {
        flow.send(CLIENT, b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\xff");
    }
    assert_eq!(flow.seen.parse_failed, 16);
    assert_eq!((flow.l7.protocol(), flow.rows.lines.len()), (0, 1));
}

#[test]
fn what_is_shouted_waits_for_nothing_and_each_announcement_is_a_row() {
    let name = b"\x04shop\x05local\0";
    let question = [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name, &[0, 1, 0x80, 1]].concat();
    let announce = |last: u8| {
        let record = [&name[..], &[0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, last]].concat();
        [&[0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0][..], &record].concat()
    };
    let mut flow = Flow::new(17, 5353);
    flow.send(CLIENT, &question)
        .send(CLIENT, &announce(1))
        .send(CLIENT, &announce(2))
        .send(CLIENT, &announce(2));
    let rows = flow.wait(60).close();
    assert_eq!(rows.column("type"), ["0", "1", "1"], "the same words again are no other answer");
    assert_eq!(rows.pick(0, "request_resource request_type dns.variant"), "shop.local A mdns");
    assert_eq!(rows.column("response_result"), ["", "A=10.0.0.1 TTL=120", "A=10.0.0.2 TTL=120"]);
    assert_eq!((flow.seen.timeouts, flow.seen.parse_failed), (0, 0));
}
