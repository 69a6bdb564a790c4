//! Redis, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};
use weir_native::l7::L7Settings;

fn redis() -> Flow {
    Flow::new(6, 7000)
}

fn say(words: &[&str]) -> Vec<u8> {
    let parts = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), parts.collect::<String>()).into_bytes()
}

/// The row of one command with this answer.
fn row(words: &[&str], answer: &str, fields: &str) -> String {
    let mut flow = redis();
    let rows = flow.send(CLIENT, &say(words)).send(SERVER, answer.as_bytes()).close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 1], 0), "{words:?} {answer:?}");
    rows.pick(0, fields)
}

#[test]
fn a_command_is_told_with_its_arguments_and_grouped_by_its_name() {
    let fields = "request_type request_resource endpoint response_status response_result request_length response_length";
    assert_eq!(row(&["set", "k", "v w"], "+OK\r\n", fields), "set set k v w SET 0 OK 29 5");
    assert_eq!(row(&["INCR", "k"], ":42\r\n", fields), "INCR INCR k INCR 0 42 21 5");
    assert_eq!(row(&["GET", "k"], "$-1\r\n", fields), "GET GET k GET 0 nil 20 5");
    assert_eq!(row(&["GET", "k"], "$3\r\nabc\r\n", fields), "GET GET k GET 0  20 9");
}

#[test]
fn every_error_is_the_servers_and_names_its_kind() {
    for (error, kind) in [
        ("WRONGTYPE Operation against a key", "WRONGTYPE"),
        ("NOAUTH Authentication required.", "NOAUTH"),
        ("ERR unknown command", "ERR"),
        ("MOVED 3999 127.0.0.1:6381", "MOVED"),
    ] {
        let mut flow = redis();
        let rows = flow
            .send(CLIENT, &say(&["GET", "k"]))
            .send(SERVER, format!("-{error}\r\n").as_bytes())
            .close();
        assert_eq!(
            rows.pick(0, "response_status response_exception redis.error"),
            format!("3 {error} {kind}")
        );
        assert_eq!(flow.seen.server_errors, 1);
    }
    assert_eq!(
        row(&["EXEC"], "*2\r\n+OK\r\n-ERR no\r\n", "response_status response_exception"),
        "3 ERR no",
        "a command of a transaction"
    );
    assert_eq!(
        row(&["GET", "k"], "!6\r\nERR no\r\n", "response_status response_exception"),
        "3 ERR no",
        "RESP3 with a length"
    );
}

#[test]
fn values_are_hidden_on_request_and_passwords_always() {
    let hidden = |words: &[&str], obfuscate: bool| {
        let mut flow = Flow::with(
            6,
            7000,
            L7Settings {
                obfuscate,
                ..L7Settings::default()
            },
        );
        let rows = flow.send(CLIENT, &say(words)).send(SERVER, b"+OK\r\n").close();
        rows.get(0, "request_resource")
    };
    assert_eq!(hidden(&["SET", "k", "secret", "EX", "10"], true), "SET k ? ? ?");
    assert_eq!(hidden(&["SET", "k", "secret", "EX", "10"], false), "SET k secret EX 10");
    assert_eq!(hidden(&["mset", "a", "1", "b", "2"], true), "mset a ? b ?");
    assert_eq!(hidden(&["HSET", "h", "f", "1", "g", "2"], true), "HSET h f ? g ?");
    assert_eq!(hidden(&["DEL", "a", "b"], true), "DEL a b");
    assert_eq!(hidden(&["EVAL", "return 'x'", "0"], true), "EVAL ? ?");
    assert_eq!(hidden(&["AUTH", "user", "password"], false), "AUTH ? ?");
    assert_eq!(hidden(&["HELLO", "3", "AUTH", "user", "password"], false), "HELLO 3 ? ? ?");
}

#[test]
fn long_commands_are_cut_at_a_bound() {
    let long = "x".repeat(100_000);
    let mut flow = redis();
    flow.send(CLIENT, &say(&["SET", "k", &long, "EX", "1"])).send(SERVER, b"+OK\r\n");
    let text = flow.close().get(0, "request_resource");
    assert!(
        text.starts_with("SET k xxx") && text.ends_with('…') && text.len() < 1100,
        "{}",
        text.len()
    );
    let mut words = vec!["MGET"];
    words.resize(100_000, "key");
    assert!(row(&words, "*1\r\n$-1\r\n", "request_resource").len() < 1100);
}

#[test]
fn a_pipeline_is_answered_in_order_however_it_is_cut() {
    let commands: Vec<u8> = (0..40).flat_map(|n| say(&["GET", &format!("key:{n}")])).collect();
    let answers: String = (0..40)
        .map(|n| {
            if n % 3 == 0 {
                "$-1\r\n".to_owned()
            } else {
                format!("*2\r\n:{n}\r\n*1\r\n$2\r\n\r\n\r\n")
            }
        })
        .collect();
    let whole = redis().send(CLIENT, &commands).send(SERVER, answers.as_bytes()).close();
    assert_eq!(whole.types, [0, 0, 40]);
    assert_eq!(whole.pick(39, "request_resource response_result"), "GET key:39 nil");
    assert_eq!(redis().drip(CLIENT, &commands).drip(SERVER, answers.as_bytes()).close(), whole);
}

#[test]
fn typed_lines_are_commands() {
    let mut flow = Flow::new(6, 6379);
    flow.send(CLIENT, b"ping\r\n")
        .send(SERVER, b"+PONG\r\n")
        .send(CLIENT, b"\r\n  \r\n  SET k  v\n")
        .send(SERVER, b"+OK\r\n");
    let rows = flow.send(CLIENT, &say(&["GET", "k"])).send(SERVER, b"$1\r\nv\r\n").close();
    assert_eq!(rows.pick(0, "request_resource endpoint response_result"), "ping PING PONG");
    assert_eq!(rows.column("request_resource"), ["ping", "SET k v", "GET k"]);
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 3], 0));
}

#[test]
fn each_subscription_is_one_row_and_so_is_each_message() {
    let mut flow = redis();
    let confirm = |kind: &str, channel: &str, count: u8| {
        format!("*3\r\n${}\r\n{kind}\r\n${}\r\n{channel}\r\n:{count}\r\n", kind.len(), channel.len())
    };
    flow.send(CLIENT, &say(&["SUBSCRIBE", "a", "bb"]));
    flow.send(SERVER, (confirm("subscribe", "a", 1) + &confirm("subscribe", "bb", 2)).as_bytes());
    flow.send(SERVER, &say(&["message", "a", "hello"]));
    flow.send(CLIENT, &say(&["UNSUBSCRIBE"]))
        .send(SERVER, &say(&["message", "bb", "late"]));
    flow.send(
        SERVER,
        (confirm("unsubscribe", "a", 1) + &confirm("unsubscribe", "bb", 0)).as_bytes(),
    );
    flow.send(CLIENT, &say(&["LRANGE", "k", "0", "-1"]))
        .send(SERVER, &say(&["message", "a", "element"]));
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "0", "2", "2"]);
    assert_eq!(
        rows.column("request_resource"),
        [
            "SUBSCRIBE a bb",
            "message a hello",
            "message bb late",
            "UNSUBSCRIBE",
            "LRANGE k 0 -1"
        ]
    );
}

#[test]
fn pushes_of_resp3_come_between_answers() {
    let mut flow = redis();
    flow.send(CLIENT, &say(&["HELLO", "3"]))
        .send(SERVER, b"%1\r\n$5\r\nproto\r\n:3\r\n");
    flow.send(CLIENT, &say(&["GET", "k"]));
    flow.send(SERVER, b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n|1\r\n+ttl\r\n:3600\r\n#t\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "2"]);
    assert_eq!(rows.pick(1, "request_type request_resource"), "invalidate invalidate k");
    assert_eq!(rows.pick(2, "version request_resource response_status"), "3 GET k 0");
}

#[test]
fn what_a_monitor_is_told_answers_nothing() {
    let mut flow = redis();
    flow.send(CLIENT, &say(&["MONITOR"]))
        .send(SERVER, b"+OK\r\n+1700000000.123456 [0 127.0.0.1:5] \"GET\" \"k\"\r\n");
    flow.send(CLIENT, &say(&["RESET"]))
        .send(SERVER, b"+1700000001.5 [0 127.0.0.1:5] \"PING\"\r\n+RESET\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["2", "0", "0", "2"]);
    assert_eq!(rows.column("request_type"), ["MONITOR", "MONITOR", "MONITOR", "RESET"]);
}

#[test]
fn a_client_that_wants_no_answers_gets_none() {
    let mut flow = redis();
    flow.send(CLIENT, &say(&["CLIENT", "REPLY", "OFF"]))
        .send(CLIENT, &say(&["SET", "a", "1"]));
    flow.send(CLIENT, &say(&["CLIENT", "REPLY", "ON"])).send(SERVER, b"+OK\r\n");
    flow.send(CLIENT, &say(&["client", "reply", "skip"]))
        .send(CLIENT, &say(&["SET", "a", "2"]));
    flow.send(CLIENT, &say(&["GET", "a"])).send(SERVER, b"$1\r\n2\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("type"), ["0", "0", "2", "0", "0", "2"]);
    assert_eq!(flow.seen.requests, 6);
}

#[test]
fn a_replica_is_left_alone_once_it_follows() {
    let mut flow = redis();
    flow.send(CLIENT, &say(&["PSYNC", "?", "-1"]))
        .send(SERVER, b"+FULLRESYNC 8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb 0\r\n$9\r\nREDIS0009");
    flow.send(SERVER, &say(&["SET", "a", "1"]));
    assert!(flow.l7.is_done());
    assert_eq!(flow.close().types, [0, 0, 1]);
}

#[test]
fn a_gap_in_a_value_costs_nothing_and_one_elsewhere_mixes_nothing_up() {
    let mut flow = redis();
    let value = "v".repeat(5000);
    let set = say(&["SET", "k", &value]);
    flow.send(CLIENT, &set[..2000])
        .gap(CLIENT, 1000)
        .send(CLIENT, &set[3000..])
        .send(SERVER, b"+OK\r\n");
    assert_eq!(flow.rows.pick(0, "type request_length"), format!("2 {}", set.len()));
    flow.send(CLIENT, &say(&["LRANGE", "k", "0", "9"]));
    flow.send(SERVER, b"*3\r\n$1\r\na\r\n").gap(SERVER, 7).send(SERVER, b"$1\r\nc\r\n");
    flow.send(CLIENT, &say(&["GET", "other"])).send(SERVER, b"$1\r\nx\r\n");
    let rows = flow.close();
    assert_eq!(rows.column("request_resource")[1..], ["LRANGE k 0 9", "GET other"]);
    assert_eq!(rows.types, [0, 0, 3]);
}

#[test]
fn reading_goes_on_at_the_next_command_after_a_loss() {
    let mut flow = redis();
    flow.send(CLIENT, &say(&["SET", "a", "1"]))
        .send(SERVER, b"+OK\r\n")
        .gap(CLIENT, 30)
        .gap(SERVER, 5);
    flow.send(CLIENT, &[b"garbage\r\n*1\r\nno\r\n".to_vec(), say(&["GET", "a"])].concat())
        .send(SERVER, b"$1\r\n1\r\n");
    let rows = flow.close();
    assert_eq!(rows.pick(1, "type request_resource"), "2 GET a");
}

#[test]
fn mid_stream_answers_are_known_by_the_port_and_other_lines_are_not_redis() {
    let mut flow = Flow::new(6, 6379);
    flow.send(SERVER, b"$3\r\nabc\r\n")
        .send(CLIENT, &say(&["GET", "a"]))
        .send(SERVER, b"$-1\r\n");
    assert_eq!(flow.close().types, [0, 1, 1]);
    for bytes in ["PING\r\n", "*0\r\n", "*1\r\n$3\r\n\0\0\0\r\n", "*x", "*1\r\n:1\r\n", "+OK\r\n"] {
        let mut flow = redis();
        flow.send(CLIENT, bytes.as_bytes());
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn hostile_values_hold_no_memory() {
    let mut flow = redis();
    flow.send(CLIENT, b"*9999999\r\n$4\r\nMGET\r\n");
    for _ in 0..300 {
        flow.send(CLIENT, &b"$3\r\nkey\r\n".repeat(5000));
        assert!(flow.l7.heap_bytes() < 64 * 1024, "{}", flow.l7.heap_bytes());
    }
    flow.send(SERVER, &b"*1000000\r\n".repeat(1000))
        .send(SERVER, b"-")
        .send(SERVER, &b"x".repeat(1_000_000));
    assert!(flow.l7.heap_bytes() < 64 * 1024);
    assert_eq!(flow.seen.parse_failed, 0);
    flow.send(CLIENT, b"$99999999999999999\r\n");
    assert_eq!(flow.seen.parse_failed, 1);
    flow.close();
}
