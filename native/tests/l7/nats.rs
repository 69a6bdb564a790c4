//! NATS, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

const INFO: &[u8] = b"INFO {\"server_id\":\"NID\",\"server_name\":\"east\",\"version\":\"2.10.7\",\"headers\":true} \r\n";
const CONNECT: &[u8] =
    b"CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"secret\",\"lang\":\"go\",\"version\":\"1.25.0\",\"name\":\"shop\"}\r\n";

fn nats() -> Flow {
    Flow::new(6, 7000)
}

/// A flow behind its greeting.
fn greeted() -> Flow {
    let mut flow = nats();
    flow.send(SERVER, INFO)
        .send(CLIENT, &[CONNECT, b"PING\r\n"].concat())
        .send(SERVER, b"PONG\r\n");
    flow
}

/// The same with a subscription for what it asks, the row of which is left out.
fn asking() -> Flow {
    let mut flow = greeted();
    flow.send(CLIENT, b"SUB _INBOX.> 1\r\n");
    flow.rows.lines.pop();
    flow
}

#[test]
fn a_greeting_is_one_row_and_keeps_its_secrets() {
    let rows = greeted().close();
    assert_eq!(rows.column("request_type"), ["INFO", "CONNECT"]);
    assert_eq!(rows.pick(0, "type version request_domain request_resource"), "0 2.10.7 east NID");
    assert_eq!(
        rows.pick(1, "type response_status request_resource user_agent response_duration"),
        "2 0 shop go/1.25.0 1000"
    );
    assert!(!rows.lines.join("").contains("secret"));
}

#[test]
fn a_client_that_may_not_in_is_the_clients_error() {
    let mut flow = nats();
    flow.send(SERVER, INFO)
        .send(CLIENT, &[CONNECT, b"PING\r\n"].concat())
        .send(SERVER, b"-ERR 'Authorization Violation'\r\n");
    let rows = flow.close();
    assert_eq!(
        rows.pick(1, "type request_type response_status response_exception"),
        "2 CONNECT 4 Authorization Violation"
    );
    assert_eq!(flow.seen.client_errors, 1);
}

#[test]
fn a_request_is_answered_by_what_comes_to_its_reply_subject() {
    let mut flow = asking();
    flow.send(
        CLIENT,
        b"PUB orders.new _INBOX.a.1 5\r\nfirst\r\nPUB orders.new _INBOX.a.2 6\r\nsecond\r\n",
    );
    flow.send(SERVER, b"MSG news.x 4 3\r\nnew\r\nMSG _INBOX.a.2 1 2\r\nok\r\n")
        .send(SERVER, b"MSG _INBOX.a.1 1 2\r\nok\r\n");
    // A second answer to the same question is news.
    flow.send(SERVER, b"MSG _INBOX.a.1 1 2\r\nok\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("type")[2..], ["0", "2", "2", "0"]);
    assert_eq!(
        rows.pick(
            3,
            "request_type request_resource endpoint request_length response_length response_duration nats.reply_to"
        ),
        "PUB orders.new orders 37 24 1000 _INBOX.a.2"
    );
    assert_eq!(rows.pick(4, "nats.reply_to response_duration"), "_INBOX.a.1 2000");
}

#[test]
fn a_service_answers_what_is_delivered_to_it() {
    let mut flow = greeted();
    flow.send(CLIENT, b"SUB greet.* workers 1\r\n");
    flow.send(SERVER, b"MSG greet.world 1 _INBOX.z.1 2\r\nhi\r\n")
        .send(CLIENT, b"PUB _INBOX.z.1 5\r\nhello\r\n");
    flow.send(SERVER, b"PING\r\n").send(CLIENT, b"PONG\r\n");
    let rows = flow.close();
    assert_eq!(rows.pick(2, "type request_type nats.queue_group"), "0 SUB workers");
    assert_eq!(
        rows.pick(3, "type request_type request_resource response_status response_duration"),
        "2 MSG greet.world 0 1000"
    );
    assert_eq!(rows.pick(4, "type request_type response_duration"), "2 PING 1000");
}

#[test]
fn who_only_listens_owes_no_answers() {
    let mut flow = greeted();
    for number in 0..50 {
        flow.send(SERVER, format!("MSG a 1 _INBOX.{number} 1\r\nx\r\n").as_bytes());
    }
    flow.wait(200);
    assert_eq!(flow.seen.timeouts, 0);
    flow.send(CLIENT, b"PUB _INBOX.49 1\r\ny\r\n")
        .send(SERVER, b"MSG a 1 _INBOX.50 1\r\nx\r\n");
    flow.send(CLIENT, b"PUB _INBOX.50 1\r\ny\r\n");
    assert_eq!(flow.close().types, [51, 1, 2], "until it answers once");
}

#[test]
fn who_answered_once_owes_an_answer_each_time() {
    let mut flow = greeted();
    flow.send(CLIENT, b"SUB greet workers 1\r\nSUB news 2\r\n");
    flow.send(SERVER, b"MSG greet 1 _INBOX.z.1 2\r\nhi\r\nMSG news 2 _INBOX.z.2 2\r\nhi\r\n")
        .send(CLIENT, b"PUB _INBOX.z.1 5\r\nhello\r\n");
    flow.send(SERVER, b"MSG greet 1 _INBOX.z.3 2\r\nhi\r\nMSG news 2 _INBOX.z.4 2\r\nhi\r\n");
    flow.send(SERVER, b"MSG greet 1 $JS.ACK.O.w.1.2.3.4.0 2\r\nhi\r\n").wait(200);
    assert_eq!(flow.seen.timeouts, 1);
    let rows = flow.close();
    let late: Vec<usize> = (0..rows.lines.len())
        .filter(|row| rows.get(*row, "response_status") == "2")
        .collect();
    assert_eq!(late.len(), 1);
    assert_eq!(rows.pick(late[0], "type request_type nats.reply_to"), "0 MSG _INBOX.z.3");
}

#[test]
fn what_is_answered_to_somebody_else_waits_for_nothing() {
    let asks = |subscribed: &str| {
        let mut flow = greeted();
        flow.send(CLIENT, format!("SUB {subscribed} 1\r\nPUB a _INBOX.me.1 1\r\nx\r\n").as_bytes());
        flow.wait(200).seen.timeouts
    };
    assert_eq!(["_INBOX.me.*", "_INBOX.>", "_INBOX.me.1", "*.*.1"].map(asks), [1; 4]);
    assert_eq!(["_INBOX.you.*", "_INBOX.*", "_INBOX.me.1.>", "news"].map(asks), [0; 4]);
    let mut flow = nats();
    flow.send(CLIENT, b"SUB news 1\r\n").send(CLIENT, b"PUB a _INBOX.me.1 1\r\nx\r\n");
    assert_eq!(
        flow.wait(200).seen.timeouts,
        1,
        "what was subscribed to before the capture is not known"
    );
}

#[test]
fn headers_carry_traces_and_failures() {
    let mut flow = asking();
    let block =
        "NATS/1.0\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Request-Id: r1\r\nNats-Msg-Id: m1\r\n\r\n";
    let publish = format!("HPUB a.b _INBOX.1 {} {}\r\n{block}body\r\n", block.len(), block.len() + 4);
    flow.send(CLIENT, publish.as_bytes())
        .send(SERVER, b"HMSG _INBOX.1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
    assert_eq!(
        flow.rows.pick(
            2,
            "trace_id span_id x_request_id_0 messaging.message.id response_status response_code"
        ),
        "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 r1 m1 3 503"
    );
    assert_eq!(flow.rows.get(2, "response_exception"), "No Responders");
    let block = "NATS/1.0\r\nNats-Service-Error: no such order\r\nNats-Service-Error-Code: 404\r\n\r\n";
    flow.send(CLIENT, b"PUB a.b _INBOX.2 0\r\n\r\n");
    let reply = format!("HMSG _INBOX.2 1 {0} {0}\r\n{block}\r\n", block.len());
    flow.send(SERVER, reply.as_bytes());
    assert_eq!(
        flow.rows.pick(3, "response_status response_code response_exception"),
        "4 404 no such order"
    );
}

#[test]
fn jetstream_says_where_it_stored_a_message_or_why_not() {
    let answer = |payload: &str| {
        let mut flow = asking();
        flow.send(CLIENT, b"PUB orders.new _INBOX.1 2\r\nhi\r\n");
        flow.send(SERVER, format!("MSG _INBOX.1 1 {}\r\n{payload}\r\n", payload.len()).as_bytes());
        flow.close()
            .pick(2, "response_status response_code response_result response_exception")
    };
    assert_eq!(answer(r#"{"stream":"ORDERS", "seq":17}"#), "0  ORDERS:17 ");
    let error = r#"{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059,"description":"stream not found"}}"#;
    assert_eq!(answer(error), "4 404  stream not found");
    assert_eq!(
        answer(r#"{"error":{"code":503,"err_code":10077,"description":"full"}}"#),
        "3 503  full"
    );
    assert_eq!(answer(r#"{"error":{"code":"mine"}}"#), "0   ", "somebody else's object");
    let mut flow = asking();
    flow.send(SERVER, b"MSG orders.new 1 $JS.ACK.O.w.1.2.3.4.0 2\r\nhi\r\n")
        .send(CLIENT, b"PUB $JS.ACK.O.w.1.2.3.4.0 4\r\n-NAK\r\n");
    flow.send(CLIENT, b"PUB $JS.API.CONSUMER.MSG.NEXT.O.w _INBOX.3 1\r\n1\r\n");
    let rows = flow.close();
    assert_eq!(rows.pick(2, "type response_result"), "2 -NAK");
    assert_eq!(
        rows.pick(3, "type endpoint"),
        "0 $JS.API.CONSUMER.MSG.NEXT",
        "what it brings has subjects of its own"
    );
}

#[test]
fn a_verbose_client_is_answered_in_order() {
    let mut flow = nats();
    flow.send(SERVER, INFO).send(CLIENT, b"CONNECT {}\r\n").send(SERVER, b"+OK\r\n");
    flow.send(
        CLIENT,
        b"sub FOO 1\r\nPUB FOO reply 2\r\nhi\r\nPING\r\nUNSUB 1 5\r\nPUB no 1\r\nx\r\n",
    );
    flow.send(SERVER, b"+OK\r\n+OK\r\nMSG FOO 1 reply 2\r\nhi\r\n")
        .send(SERVER, b"PONG\r\n+OK\r\n-ERR 'Permissions Violation for Publish to \"no\"'\r\n");
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type"),
        ["INFO", "CONNECT", "SUB", "PUB", "PING", "UNSUB", "PUB", "MSG"]
    );
    assert_eq!(rows.column("response_status"), ["5", "0", "0", "0", "0", "0", "4", "5"]);
    let mut flow = greeted();
    flow.send(SERVER, b"-ERR 'Maximum Connections Exceeded'\r\n");
    assert_eq!(
        flow.close().pick(2, "type request_type response_status"),
        "1 -ERR 3",
        "nobody asked"
    );
}

#[test]
fn long_payloads_are_not_kept_and_gaps_in_them_cost_nothing() {
    let mut flow = asking();
    let payload = vec![b'\n'; 3_000_000];
    let head = b"PUB a _INBOX.1 3000000\r\n";
    flow.send(CLIENT, head)
        .send(CLIENT, &payload[..1_000_000])
        .gap(CLIENT, 1_000_000)
        .send(CLIENT, &payload[..1_000_000]);
    assert!(flow.l7.heap_bytes() < 8 * 1024);
    flow.send(CLIENT, b"\r\nPUB b 0\r\n\r\n").send(SERVER, b"MSG _INBOX.1 1 0\r\n\r\n");
    let rows = flow.close();
    assert_eq!(rows.pick(3, "type request_resource request_length"), "2 a 3000026");
    assert_eq!((rows.pick(2, "request_resource").as_str(), flow.seen.parse_failed), ("b", 0));
}

#[test]
fn after_a_loss_reading_goes_on_with_the_next_line() {
    let mut flow = greeted();
    flow.gap(CLIENT, 100)
        .send(CLIENT, b"rest of something\r\nPUB lost 1\r\nx\r\nPUB found 2\r\nab\r\n");
    flow.gap(SERVER, 10).send(SERVER, b"ail\r\nMSG late 1 1\r\nx\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_resource")[2..], ["lost", "found", "late"]);
}

#[test]
fn only_lines_of_this_form_are_taken_for_nats() {
    for (bytes, from_client, is_nats) in [
        (&b"PUB a 1\r\nx\r\n"[..], CLIENT, true),
        (b"SUB a.> 1\r\n", CLIENT, true),
        (b"MSG a 1 1\r\nx\r\n", SERVER, true),
        (b"MSG a 1 1\r\nx\r\n", CLIENT, true),
        (b"PING\r\n", CLIENT, false),
        (b"+OK\r\n", SERVER, false),
        (b"-ERR no\r\n", SERVER, false),
        (b"INFO\r\n", CLIENT, false),
        (b"CONNECT host:443 HTTP/1.1\r\n\r\n", CLIENT, false),
        (b"PUB a\r\n", CLIENT, false),
        (b"PUB a x 1x\r\n", CLIENT, false),
        (b"SUB\x01a 1\r\n", CLIENT, false),
    ] {
        let mut flow = nats();
        flow.send(from_client, bytes);
        assert_eq!(flow.l7.protocol() == 104, is_nats, "{:?}", String::from_utf8_lossy(bytes));
    }
    let mut flow = Flow::new(6, 4222);
    flow.send(CLIENT, b"PING\r\n").send(SERVER, b"PONG\r\n");
    assert_eq!(flow.close().pick(0, "l7_protocol_str type"), "NATS 2");
}

#[test]
fn hostile_lines_hold_no_memory() {
    let mut flow = greeted();
    for number in 0..20_000 {
        flow.send(CLIENT, format!("PUB a _INBOX.{number} 0\r\n\r\n").as_bytes());
        flow.send(SERVER, format!("MSG a 1 _INBOX.{number}x 0\r\n\r\n").as_bytes());
        flow.rows.lines.clear();
    }
    assert!(flow.l7.heap_bytes() < 1024 * 1024, "{}", flow.l7.heap_bytes());
    for _ in 0..100 {
        flow.send(CLIENT, &[b"PUB ".as_slice(), &[b'a'; 60_000]].concat());
    }
    assert!(flow.l7.heap_bytes() < 1024 * 1024);
    flow.close();
}

#[test]
fn captures_of_others() {
    let Some((rows, _)) = case("nats/nats-headers.pcap") else { return };
    let count = |name: &str| rows.column("request_type").iter().filter(|found| *found == name).count();
    assert_eq!([count("HPUB"), count("HMSG"), count("SUB"), count("UNSUB")], [5, 4, 2, 2]);
    assert_eq!(rows.column("endpoint").iter().filter(|name| *name == "FRONT").count(), 3);
    let Some((rows, _)) = case("nats/nats-nrpc1.pcap") else { return };
    let calls: Vec<usize> = (0..rows.lines.len())
        .filter(|row| rows.get(*row, "request_resource") == "Greeter.SayHello")
        .collect();
    assert_eq!(calls.len(), 2);
    for row in calls {
        assert_eq!(
            rows.pick(row, "type endpoint captured_request_byte captured_response_byte"),
            "2 Greeter 74 62"
        );
    }
    let Some((rows, _)) = case("nats/nats-err.pcap") else { return };
    let last = rows.lines.len() - 1;
    assert_eq!(
        rows.pick(last, "response_status response_exception"),
        "4 Unknown Protocol Operation"
    );
}
