//! Kafka, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn kafka() -> Flow {
    Flow::new(6, 7000)
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&(content.len() as u32).to_be_bytes()[..], &content].concat()
}

/// A request of a version that is not flexible, by the client "app".
fn ask(api: u8, version: u8, correlation: u8, body: &[&[u8]]) -> Vec<u8> {
    frame(&[&[0, api, 0, version, 0, 0, 0, correlation], &text("app"), &body.concat()])
}

fn answer(correlation: u8, body: &[&[u8]]) -> Vec<u8> {
    frame(&[&[0, 0, 0, correlation], &body.concat()])
}

const ONE: &[u8] = &[0, 0, 0, 1];
const NONE: &[u8] = &[0; 4];

/// Version 2: acknowledgements, timeout, one partition of one topic, without records.
fn produce(correlation: u8, acks: u8, topic: &str, partition: u8) -> Vec<u8> {
    ask(
        0,
        2,
        correlation,
        &[
            &[0, acks],
            &[0, 0, 1, 0],
            ONE,
            &text(topic),
            ONE,
            &[0, 0, 0, partition],
            &[0, 0, 0, 8],
            &[0; 8],
        ],
    )
}

fn produced(correlation: u8, topic: &str, partition: u8, code: i16, offset: u8) -> Vec<u8> {
    let offset = [0, 0, 0, 0, 0, 0, 0, offset];
    answer(
        correlation,
        &[
            ONE,
            &text(topic),
            ONE,
            &[0, 0, 0, partition],
            &code.to_be_bytes(),
            &offset,
            &[0; 8],
            NONE,
        ],
    )
}

/// The code of a response to a version of a request: its text and whose error it is.
fn judged(code: i16) -> String {
    let mut flow = kafka();
    flow.send(CLIENT, &produce(7, 1, "orders", 3))
        .send(SERVER, &produced(7, "orders", 3, code, 9));
    flow.close().pick(0, "response_code response_status response_exception")
}

#[test]
fn a_message_is_told_with_its_place() {
    let mut flow = kafka();
    flow.send(CLIENT, &produce(7, 1, "orders", 3))
        .send(SERVER, &produced(7, "orders", 3, 0, 42));
    let fields = "type version request_type request_domain request_resource endpoint request_id response_status messaging.client.id";
    assert_eq!(flow.close().pick(0, fields), "2 2 Produce orders orders-3:42 orders-3 7 0 app");
}

#[test]
fn codes_are_the_clients_or_the_clusters() {
    assert_eq!(judged(3), "3 4 UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(judged(6), "6 3 NOT_LEADER_OR_FOLLOWER");
    assert_eq!(judged(29), "29 4 TOPIC_AUTHORIZATION_FAILED");
    assert_eq!(judged(-1), "-1 3 UNKNOWN_SERVER_ERROR");
    assert_eq!(judged(127), "127 4 VOTER_NOT_FOUND");
    assert_eq!(judged(9999), "9999 4 UNKNOWN_ERROR");
    let mut flow = kafka();
    // The first of two steps to join a group.
    flow.send(
        CLIENT,
        &ask(11, 4, 1, &[&text("workers"), &[0; 8], &text(""), &text("consumer"), NONE]),
    );
    flow.send(
        SERVER,
        &answer(1, &[NONE, &[0, 79], NONE, &text(""), &text(""), &text("m-1"), NONE]),
    );
    flow.send(CLIENT, &ask(12, 1, 2, &[&text("workers"), &[0; 4], &text("m-1")]))
        .send(SERVER, &answer(2, &[NONE, &[0, 25]]));
    let rows = flow.close();
    let fields = "request_type request_resource response_code response_status response_exception messaging.consumer.group.name";
    assert_eq!(rows.pick(0, fields), "JoinGroup workers 79 0 MEMBER_ID_REQUIRED workers");
    assert_eq!(rows.pick(1, fields), "Heartbeat workers 25 4 UNKNOWN_MEMBER_ID workers");
}

#[test]
fn what_nobody_is_to_answer_is_a_row_without_an_answer() {
    let mut flow = kafka();
    flow.send(CLIENT, &[produce(1, 0, "logs", 0), produce(2, 1, "orders", 0)].concat());
    flow.send(SERVER, &produced(2, "orders", 0, 0, 5));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "2"]);
    assert_eq!(rows.column("endpoint"), ["logs-0", "orders-0"]);
}

#[test]
fn many_under_way_are_paired_by_their_numbers_however_they_are_cut() {
    let requests: Vec<u8> = (0..40).flat_map(|n| produce(n, 1, "orders", n)).collect();
    let answers: Vec<u8> = (0..40).flat_map(|n| produced(n, "orders", n, 0, n)).collect();
    let whole = kafka().send(CLIENT, &requests).send(SERVER, &answers).close();
    assert_eq!(whole.types, [0, 0, 40]);
    assert_eq!(whole.get(39, "request_resource"), "orders-39:39");
    assert_eq!(kafka().drip(CLIENT, &requests).drip(SERVER, &answers).close(), whole);
}

#[test]
fn flexible_versions_and_topics_by_their_identifiers() {
    let id = [7_u8; 16];
    let mut flow = kafka();
    // Metadata 12: one topic by name; the answer tells its identifier.
    let header = |api: u8, version: u8, correlation: u8| [&[0, api, 0, version, 0, 0, 0, correlation][..], &text("app"), &[0]].concat();
    flow.send(
        CLIENT,
        &frame(&[&header(3, 12, 1), &[2], &[0; 16], b"\x07orders", &[0], &[1, 0, 0]]),
    );
    let broker = [&[0, 0, 0, 1][..], b"\x05host", &[0, 0, 35, 132], &[0], &[0]].concat();
    flow.send(
        SERVER,
        &frame(&[
            &[0, 0, 0, 1, 0],
            NONE,
            &[2],
            &broker,
            b"\x04cid",
            ONE,
            &[2, 0, 0],
            b"\x07orders",
            &id,
            &[0, 1],
            &[0; 4],
            &[0, 0],
        ]),
    );
    // Fetch 15 names it by that, and another one that nobody told of.
    for (correlation, id) in [(2, [7_u8; 16]), (3, [0xff; 16])] {
        let partition = [&[0, 0, 0, 4][..], &[0; 4], &[0, 0, 0, 0, 0, 0, 0, 36], &[0; 16], &[0]].concat();
        flow.send(
            CLIENT,
            &frame(&[
                &header(1, 15, correlation),
                &[0; 8],
                &[0; 4],
                &[0],
                &[0; 8],
                &[2],
                &id,
                &[2],
                &partition,
                &[0],
            ]),
        );
        let nothing = [&[0, 0, 0, correlation, 0][..], NONE, &[0, 0], NONE, &[1, 0]].concat();
        flow.send(SERVER, &frame(&[&nothing]));
    }
    let rows = flow.close();
    assert_eq!(rows.pick(0, "request_type request_resource response_status"), "Metadata orders 0");
    assert_eq!(
        rows.pick(1, "request_type request_resource endpoint version response_status"),
        "Fetch orders-4:36 orders-4 15 0"
    );
    assert_eq!(rows.get(2, "endpoint"), "_____________________w-4");
}

#[test]
fn a_login_of_old_is_passed_over() {
    let mut flow = kafka();
    flow.send(CLIENT, &ask(17, 0, 1, &[&text("PLAIN")]))
        .send(SERVER, &answer(1, &[&[0, 0], ONE, &text("PLAIN")]));
    flow.send(CLIENT, &frame(&[b"\0alice\0secret-secret"])).send(SERVER, &frame(&[b""]));
    flow.send(CLIENT, &produce(2, 1, "orders", 0))
        .send(SERVER, &produced(2, "orders", 0, 0, 1));
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["SaslHandshake", "Produce"]);
    assert_eq!(rows.types, [0, 0, 2]);
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn long_messages_are_not_kept_and_gaps_in_them_cost_nothing() {
    let mut flow = kafka();
    let request = ask(
        0,
        2,
        1,
        &[
            &[0, 1],
            &[0; 4],
            ONE,
            &text("large"),
            ONE,
            NONE,
            &3_000_000_u32.to_be_bytes(),
            &vec![b'x'; 3_000_000],
        ],
    );
    flow.send(CLIENT, &request[..10_000])
        .gap(CLIENT, 1_000_000)
        .send(CLIENT, &request[1_010_000..]);
    assert!(flow.l7.heap_bytes() < 16 * 1024, "{}", flow.l7.heap_bytes());
    flow.send(SERVER, &produced(1, "large", 0, 0, 1));
    let rows = flow.close();
    assert_eq!(
        rows.pick(0, "type endpoint request_length"),
        format!("2 large-0 {}", request.len() - 4)
    );
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_message() {
    let mut flow = kafka();
    flow.send(CLIENT, &produce(1, 1, "orders", 0));
    flow.gap(CLIENT, 100)
        .send(CLIENT, &[b"the end of something".to_vec(), produce(9, 1, "orders", 9)].concat());
    flow.gap(SERVER, 100)
        .send(SERVER, &[b"\xff\xff\xff\xff\xff".to_vec(), produced(9, "orders", 9, 0, 3)].concat());
    let rows = flow.close();
    assert_eq!(rows.pick(0, "type request_resource"), "2 orders-9:3");
    assert_eq!(rows.types, [1, 0, 1]);
}

#[test]
fn only_requests_with_a_clients_name_are_taken_for_kafka() {
    for (bytes, is_kafka) in [
        (produce(1, 1, "a", 0), true),
        (frame(&[&[0, 3, 0, 0], b"user", &[0], b"postgres\0\0"]), false),
        (frame(&[&[0, 0, 0, 99, 0, 0, 0, 1], &text("app"), NONE]), false),
        (frame(&[&[0, 200, 0, 1, 0, 0, 0, 1], &text("app"), NONE]), false),
        (frame(&[&[0, 3, 0, 1, 0, 0, 0, 1], &text("\u{1}\u{2}"), NONE]), false),
        (frame(&[&[0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]]), false),
    ] {
        let mut flow = kafka();
        flow.send(CLIENT, &bytes);
        assert_eq!(flow.l7.protocol() == 100, is_kafka, "{bytes:?}");
    }
    let mut flow = Flow::new(6, 9092);
    flow.send(CLIENT, &frame(&[&[0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]]))
        .send(SERVER, &answer(1, &[&[0, 35], NONE]));
    assert_eq!(
        flow.close().pick(0, "request_type response_exception"),
        "ApiVersions UNSUPPORTED_VERSION"
    );
}

#[test]
fn hostile_counts_hold_no_memory_and_no_time() {
    let mut flow = kafka();
    flow.send(CLIENT, &produce(1, 1, "a", 0));
    let huge = 0x7fff_ffff_u32.to_be_bytes();
    for correlation in 0..100 {
        flow.send(CLIENT, &ask(3, 0, correlation, &[&huge]))
            .send(SERVER, &answer(correlation, &[&huge, &[0; 4000]]));
        flow.send(CLIENT, &ask(8, 0, correlation, &[&text("g"), &huge]))
            .send(SERVER, &answer(correlation, &[&huge, &huge, &huge]));
    }
    for _ in 0..20_000 {
        flow.send(CLIENT, &produce(5, 1, "a", 0));
    }
    assert!(flow.l7.heap_bytes() < 1024 * 1024, "{}", flow.l7.heap_bytes());
    flow.close();
}

#[test]
fn captures_of_others() {
    let fields =
        "type version request_type request_resource endpoint request_id response_status request_length response_length response_duration";
    for (name, expected) in [
        ("00-produce-v2", "2 2 Produce topic2-0:0 topic2-0 1 0 117 46 16107"),
        ("00-produce-v9", "2 9 Produce zqy-test-0:35 zqy-test-0 47 0 152 55 1619"),
        ("01-fetch-v12-ok", "2 12 Fetch zqy-test-0:36 zqy-test-0 15603 0 116 17 499610"),
        ("18-api-versions-v3", "2 3 ApiVersions   2 0 49 435 4941"),
        ("11-join-group-v7", "2 7 JoinGroup zzzz12  120 3 141 75 2956"),
    ] {
        let Some((rows, _)) = case(&format!("kafka/{name}.pcap")) else {
            return;
        };
        assert_eq!(rows.pick(0, fields), expected, "{name}");
    }
}
