//! AMQP 1.0, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

const NULL: &[u8] = &[0x40];
const TRUE: &[u8] = &[0x41];
const FALSE: &[u8] = &[0x42];
const OPEN: u8 = 0x10;
const BEGIN: u8 = 0x11;
const ATTACH: u8 = 0x12;
const FLOW: u8 = 0x13;
const TRANSFER: u8 = 0x14;
const DISPOSITION: u8 = 0x15;
const DETACH: u8 = 0x16;
const END: u8 = 0x17;
const CLOSE: u8 = 0x18;

fn text(text: &str) -> Vec<u8> {
    [&[0xa1, text.len() as u8], text.as_bytes()].concat()
}

fn number(number: u8) -> Vec<u8> {
    vec![0x52, number]
}

/// A described list.
fn list(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let body = fields.concat();
    let size = (body.len() + 4) as u32;
    [
        &[0, 0x53, kind, 0xd0][..],
        &size.to_be_bytes(),
        &(fields.len() as u32).to_be_bytes(),
        &body,
    ]
    .concat()
}

fn frame(kind: u8, channel: u8, body: &[u8]) -> Vec<u8> {
    let size = (body.len() + 8) as u32;
    [&size.to_be_bytes()[..], &[2, kind, 0, channel], body].concat()
}

fn amqp(channel: u8, kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    frame(0, channel, &list(kind, fields))
}

fn transfer(channel: u8, delivery: Option<u8>, settled: bool, more: bool, message: &[u8]) -> Vec<u8> {
    let delivery = delivery.map_or(NULL.to_vec(), number);
    let truth = |truth| if truth { TRUE } else { FALSE };
    let fields = list(TRANSFER, &[&number(0), &delivery, NULL, NULL, truth(settled), truth(more)]);
    frame(0, channel, &[fields, message.to_vec()].concat())
}

fn disposition(channel: u8, is_receiver: bool, first: u8, last: u8, state: &[u8]) -> Vec<u8> {
    let role = if is_receiver { TRUE } else { FALSE };
    amqp(channel, DISPOSITION, &[role, &number(first), &number(last), TRUE, state])
}

fn error(condition: &str, why: &str) -> Vec<u8> {
    list(0x1d, &[&text(condition), &text(why)])
}

/// A sender's attachment to `orders`, or a receiver's.
fn attach(channel: u8, handle: u8, is_receiver: bool) -> Vec<u8> {
    let role = if is_receiver { TRUE } else { FALSE };
    let (source, target) = (list(0x28, &[&text("from")]), list(0x29, &[&text("orders")]));
    amqp(
        channel,
        ATTACH,
        &[&text("link"), &number(handle), role, NULL, NULL, &source, &target],
    )
}

/// A flow with a sender of the client on channel 0.
fn attached() -> Flow {
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, b"AMQP\0\x01\0\0").send(SERVER, b"AMQP\0\x01\0\0");
    flow.send(CLIENT, &amqp(0, OPEN, &[&text("maker"), &text("shop")]));
    flow.send(CLIENT, &attach(0, 0, false));
    flow
}

#[test]
fn ends_open_begin_attach_and_undo_in_pairs() {
    let mut flow = Flow::new(6, 7000);
    flow.drip(CLIENT, b"AMQP\0\x01\0\0").drip(SERVER, b"AMQP\0\x01\0\0");
    flow.drip(CLIENT, &amqp(0, OPEN, &[&text("maker"), &text("shop")]))
        .drip(SERVER, &amqp(0, OPEN, &[&text("broker")]));
    flow.drip(CLIENT, &amqp(0, BEGIN, &[NULL, &number(0)]))
        .drip(SERVER, &amqp(5, BEGIN, &[&number(0), &number(0)]));
    flow.drip(CLIENT, &attach(0, 0, false)).drip(SERVER, &attach(5, 3, true));
    flow.drip(SERVER, &amqp(5, FLOW, &[NULL, NULL, NULL, NULL, &number(3)]));
    flow.drip(CLIENT, &amqp(0, DETACH, &[&number(0), TRUE]))
        .drip(SERVER, &amqp(5, DETACH, &[&number(3), TRUE]));
    flow.drip(CLIENT, &amqp(0, END, &[])).drip(SERVER, &amqp(5, END, &[]));
    flow.drip(SERVER, &amqp(0, CLOSE, &[])).drip(CLIENT, &amqp(0, CLOSE, &[]));
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type"),
        ["Open", "Begin", "Attach", "Flow", "Detach", "End", "Close"]
    );
    assert_eq!(rows.column("type"), ["2", "2", "2", "0", "2", "2", "2"]);
    assert_eq!(rows.column("endpoint"), ["", "", "orders", "orders", "orders", "", ""]);
    assert_eq!(
        rows.pick(0, "version request_domain amqp.container_id response_result"),
        "1.0 shop maker broker"
    );
    assert_eq!((flow.seen.parse_failed, rows.get(2, "amqp.role")), (0, "sender".into()));
}

#[test]
fn one_disposition_answers_several_messages() {
    let mut flow = attached();
    for delivery in 0..4 {
        flow.send(CLIENT, &transfer(0, Some(delivery), false, false, b""));
    }
    flow.send(SERVER, &disposition(0, true, 0, 1, &list(0x24, &[])))
        .send(SERVER, &disposition(0, true, 3, 3, &list(0x26, &[])))
        .send(
            SERVER,
            &disposition(0, true, 2, 2, &list(0x25, &[&error("amqp:not-allowed", "no room")])),
        )
        .send(CLIENT, &disposition(0, false, 0, 3, NULL));
    let rows = flow.close();
    let sent: Vec<usize> = (0..rows.lines.len())
        .filter(|row| rows.get(*row, "request_type") == "Transfer")
        .collect();
    let fields = "type request_id endpoint request_domain response_status response_result response_exception amqp.condition";
    let told: Vec<String> = sent.iter().map(|row| rows.pick(*row, fields)).collect();
    assert_eq!(
        told,
        [
            "2  orders shop 0 accepted  ",
            "2 1 orders shop 0 accepted  ",
            "2 3 orders shop 3  released ",
            "2 2 orders shop 4  no room amqp:not-allowed",
        ]
    );
    assert!(rows.column("request_type").contains(&"Disposition".to_owned()));
}

#[test]
fn what_is_settled_from_the_beginning_waits_for_nothing() {
    let mut flow = attached();
    flow.send(CLIENT, &transfer(0, Some(0), true, false, b""));
    let rows = flow.close();
    let at = rows.column("request_type").iter().position(|name| name == "Transfer").unwrap();
    assert_eq!(rows.pick(at, "type endpoint"), "0 orders");
}

#[test]
fn a_message_tells_its_names_and_its_trace() {
    let properties = list(
        0x73,
        &[&text("m-1"), NULL, &text("elsewhere"), &text("new"), &text("answers"), &number(7)],
    );
    let pairs = [text("traceparent"), text("00-01-02-01")].concat();
    let application = [&[0, 0x53, 0x74, 0xc1, pairs.len() as u8 + 1, 2][..], &pairs].concat();
    let message = [list(0x70, &[TRUE]), properties, application, vec![0, 0x53, 0x75, 0xa0, 1, b'x']].concat();
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, &transfer(0, Some(9), false, false, &message));
    let fields = "request_type request_id endpoint trace_id span_id messaging.message.id amqp.subject amqp.reply_to messaging.message.conversation_id";
    assert_eq!(flow.close().pick(0, fields), "Transfer 9 elsewhere 01 02 m-1 new answers 7");
}

#[test]
fn a_message_is_one_row_however_many_frames_it_has() {
    let mut flow = attached();
    let parts = [
        transfer(0, Some(0), false, true, &[0; 5000]),
        transfer(0, None, false, true, &[0; 9000]),
        transfer(0, None, false, false, &[0; 100]),
    ]
    .concat();
    flow.drip(CLIENT, &parts).send(SERVER, &disposition(0, true, 0, 0, NULL));
    // Another one in between: what came so far is told, the rest is none of its own.
    flow.send(CLIENT, &transfer(0, Some(1), false, true, &[0; 50]))
        .send(CLIENT, &amqp(0, FLOW, &[]))
        .send(CLIENT, &transfer(0, None, false, false, &[0; 50]))
        .send(SERVER, &disposition(0, true, 1, 1, NULL));
    let rows = flow.close();
    let sent: Vec<usize> = (0..rows.lines.len())
        .filter(|row| rows.get(*row, "request_type") == "Transfer")
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(rows.pick(sent[0], "type request_length"), format!("2 {}", parts.len()));
    assert_eq!(rows.pick(sent[1], "type request_id"), "2 1");
    assert_eq!(flow.seen.parse_failed, 0);
}

#[test]
fn undoing_in_anger_is_an_error_and_answers_what_waits() {
    let mut flow = attached();
    flow.send(SERVER, &attach(0, 0, true))
        .send(
            SERVER,
            &amqp(0, DETACH, &[&number(0), TRUE, &error("amqp:not-found", "no such queue")]),
        )
        .send(CLIENT, &amqp(0, DETACH, &[&number(0), TRUE]))
        .send(CLIENT, &transfer(0, Some(0), false, false, b""))
        .send(SERVER, &amqp(0, CLOSE, &[&error("amqp:internal-error", "oops")]))
        .send(CLIENT, &amqp(0, CLOSE, &[]));
    let rows = flow.close();
    let errors: Vec<String> = (0..rows.lines.len())
        .filter(|row| !rows.get(*row, "response_exception").is_empty())
        .map(|row| rows.pick(row, "type request_type response_status response_exception"))
        .collect();
    assert!(errors.contains(&"1 Detach 4 no such queue".to_owned()), "{errors:?}");
    assert!(errors.contains(&"2 Transfer 3 oops".to_owned()), "{errors:?}");
    // What the client does in turn is awaited by nobody.
    assert_eq!(rows.lines.len(), 4);
}

#[test]
fn a_login_is_a_request() {
    for (code, expected) in [
        (0, "2 SaslInit 0  PLAIN"),
        (1, "2 SaslInit 4 authentication failed PLAIN"),
        (3, "2 SaslInit 3 system error that will not go away PLAIN"),
    ] {
        let mut flow = Flow::new(6, 7000);
        flow.send(CLIENT, b"AMQP\x03\x01\0\0").send(SERVER, b"AMQP\x03\x01\0\0");
        flow.send(SERVER, &frame(1, 0, &list(0x40, &[&text("PLAIN")])))
            .send(CLIENT, &frame(1, 0, &list(0x41, &[&text("PLAIN"), &text("x"), &text("shop")])))
            .send(SERVER, &frame(1, 0, &list(0x44, &[&[0x50, code]])));
        let fields = "type request_type response_status response_exception amqp.sasl_mechanism";
        assert_eq!(flow.close().pick(0, fields), expected);
    }
}

#[test]
fn what_both_want_encrypted_is_read_as_tls() {
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, b"AMQP\x02\x01\0\0").send(SERVER, b"AMQP\x02\x01\0\0");
    flow.send(CLIENT, &[21, 3, 3, 0, 2, 2, 40]);
    assert_eq!(flow.l7.protocol(), 121);
}

#[test]
fn a_flow_is_picked_up_in_the_middle_and_after_a_loss() {
    let big = transfer(0, Some(1), false, false, &[7; 20_000]);
    let mut flow = Flow::new(6, 7000);
    flow.send(CLIENT, &transfer(0, Some(0), false, false, b""))
        .send(SERVER, &[0, 0, 0, 8, 2, 0, 0, 0])
        .send(CLIENT, &big[..5000])
        .gap(CLIENT, 10_000)
        .send(CLIENT, &big[15_000..])
        .send(CLIENT, &big[..5000])
        .gap(CLIENT, 20_000)
        .send(CLIENT, b"garbage")
        .send(CLIENT, &transfer(0, Some(2), false, false, b""));
    let rows = flow.close();
    assert_eq!(rows.column("request_id").last().unwrap(), "2");
    assert_eq!(rows.column("request_type"), ["Transfer"; 4]);
}

#[test]
fn what_only_resembles_amqp_1_is_left_alone() {
    for bytes in [
        &b"AMQP\x01\x01\0\0"[..],
        &frame(0, 0, &list(0x19, &[])),
        &frame(0, 0, &list(0x41, &[])),
        &frame(1, 0, &list(0x10, &[])),
        &frame(2, 0, &list(0x10, &[])),
        b"\0\0\0\x0c\x02\0\0\0\0\x53\x10\xc1",
    ] {
        let mut flow = Flow::new(6, 7000);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn links_and_values_without_end_hold_no_memory() {
    let mut flow = attached();
    for channel in 0..20_000u32 {
        let [.., high, low] = channel.to_be_bytes();
        let mut attach = attach(low, 0, false);
        attach[6] = high;
        flow.send(CLIENT, &attach);
        flow.rows.lines.clear();
        assert!(flow.l7.heap_bytes() < 2 << 20);
    }
    let mut flow = attached();
    flow.send(CLIENT, &transfer(0, Some(0), false, false, &[0; 30_000])).send(
        CLIENT,
        &transfer(
            0,
            Some(1),
            false,
            false,
            &[&[0, 0x53, 0x73][..], &[0xd0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1].repeat(400)].concat(),
        ),
    );
    assert_eq!(flow.seen.parse_failed, 0);
}
