//! RocketMQ, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn message(kind: u8, header: &[u8], body: &[u8]) -> Vec<u8> {
    let size = (4 + header.len() + body.len()) as u32;
    let header_size = header.len() as u32 | u32::from(kind) << 24;
    [&size.to_be_bytes()[..], &header_size.to_be_bytes(), header, body].concat()
}

fn json(code: i32, opaque: i32, flag: i32, more: &str) -> Vec<u8> {
    let header = format!(
        r#"{{"code":{code},{more}"flag":{flag},"language":"JAVA","opaque":{opaque},"serializeTypeCurrentRPC":"JSON","version":401}}"#
    );
    message(0, header.as_bytes(), b"body")
}

fn binary(code: u16, opaque: u32, flag: u32, remark: &[u8], fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let long = |text: &[u8]| [&(text.len() as u32).to_be_bytes()[..], text].concat();
    let pairs: Vec<u8> = fields
        .iter()
        .flat_map(|(key, value)| [&(key.len() as u16).to_be_bytes()[..], key, &long(value)].concat())
        .collect();
    let parts = [
        &code.to_be_bytes()[..],
        &[0],
        &401u16.to_be_bytes(),
        &opaque.to_be_bytes(),
        &flag.to_be_bytes(),
        &long(remark),
        &long(&pairs),
    ];
    message(1, &parts.concat(), b"body")
}

#[test]
fn what_is_sent_tells_topic_group_and_trace_in_both_headers() {
    let properties = br"traceparent\u000100-01-02-01\u0002UNIQ_KEY\u0001k1\u0002TAGS\u0001red\u0002";
    let short = String::from_utf8_lossy(properties);
    let asked = json(
        310,
        7,
        0,
        &format!(r#""extFields":{{"a":"makers","b":"Orders","e":"3","i":"{short}","m":false}},"#),
    );
    let plain = b"traceparent\x0100-01-02-01\x02UNIQ_KEY\x01k1\x02TAGS\x01red";
    let same = binary(310, 7, 0, b"", &[(b"a", b"makers"), (b"b", b"Orders"), (b"e", b"3"), (b"i", plain)]);
    let fields = "type version request_type request_resource endpoint rocketmq.group rocketmq.message_key rocketmq.tags trace_id span_id";
    for (asked, told) in [(asked, json(0, 7, 1, "")), (same, binary(0, 7, 1, b"", &[]))] {
        let mut flow = Flow::new(6, 10911);
        flow.drip(CLIENT, &asked).drip(SERVER, &told);
        let rows = flow.close();
        assert_eq!(rows.pick(0, fields), "2 4.9.4 SEND_MESSAGE_V2 Orders Orders-3 makers k1 red 01 02");
        assert_eq!(rows.pick(0, "request_id response_status response_result"), "7 0 SUCCESS");
    }
}

#[test]
fn errors_say_whose_they_are() {
    let cases = [
        (17, "17 4 no topic"),
        (1, "1 3 no topic"),
        (19, "19 0 "),
        (24, "24 4 no topic"),
        (14, "14 3 no topic"),
    ];
    for (code, expected) in cases {
        let mut flow = Flow::new(6, 10911);
        flow.send(CLIENT, &json(105, 1, 0, r#""extFields":{"topic":"Orders"},"#))
            .send(SERVER, &json(code, 1, 1, r#""remark":"no topic","#));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn brokers_ask_too_and_nobody_answers_what_is_one_way() {
    let mut flow = Flow::new(6, 10911);
    flow.send(CLIENT, &json(34, 1, 0, ""))
        .send(SERVER, &json(40, 1, 2, r#""extFields":{"consumerGroup":"eaters"},"#))
        .send(SERVER, &json(39, 1, 0, ""));
    flow.send(CLIENT, &json(0, 1, 1, ""))
        .send(SERVER, &json(0, 1, 1, r#""remark":null,"extFields":{},"#))
        .send(CLIENT, &json(9999, 2, 2, ""));
    let rows = flow.close();
    assert_eq!(
        rows.column("request_type"),
        ["NOTIFY_CONSUMER_IDS_CHANGED", "CHECK_TRANSACTION_STATE", "HEART_BEAT", "9999"]
    );
    assert_eq!(rows.column("type"), ["0", "2", "2", "0"]);
}

#[test]
fn a_flow_is_picked_up_in_the_middle_and_after_a_loss() {
    let asked = json(10, 2, 0, r#""extFields":{"topic":"Orders"},"#);
    let mut flow = Flow::new(6, 10911);
    flow.send(CLIENT, &json(0, 1, 1, ""));
    assert!(flow.l7.is_reversed());
    flow.send(SERVER, &asked[..40])
        .gap(SERVER, 20)
        .send(SERVER, &asked[60..])
        .send(SERVER, &json(11, 3, 0, ""))
        .send(CLIENT, &json(19, 3, 1, ""));
    assert_eq!(flow.close().types, [0, 1, 1]);
}

#[test]
fn what_only_resembles_rocketmq_is_left_alone() {
    for bytes in [
        &message(0, br#"{"code":1,"other":2}                "#, b"")[..],
        &message(1, &[0xff; 30], b""),
        b"\0\0\0\x10\0\0\0\x20{\"",
        &message(0, &[b'{'; 40], b""),
    ] {
        let mut flow = Flow::new(6, 10911);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn messages_that_nobody_here_recorded() {
    let Some((rows, _)) = case("rocketmq/rocketmq-producer-otel.pcap") else {
        return;
    };
    let fields = "version request_type request_resource endpoint rocketmq.group rocketmq.message_key trace_id span_id request_length response_length";
    let key = "7F000001000155D9B8F01F92D316006F 7240bb0a67d82172a5527edbe80a4823 08c57e1e4bc4f7d0";
    assert_eq!(
        rows.pick(0, fields),
        format!("4.9.4 SEND_MESSAGE_V2 otel-demo-topic otel-demo-topic-3 otel-producer-group {key} 454 238")
    );
    assert_eq!(rows.column("response_duration"), ["504", "501", "484"]);
    let Some((rows, _)) = case("rocketmq/rocketmq-pull-message.pcap") else {
        return;
    };
    let fields = "version request_type endpoint rocketmq.group response_code response_status response_result";
    let group = "please_rename_unique_group_name_4";
    assert_eq!(
        rows.pick(0, fields),
        format!("4.4.0 PULL_MESSAGE %RETRY%{group}-0 {group} 19 0 PULL_NOT_FOUND")
    );
    let Some((rows, _)) = case("rocketmq/rocketmq-get-routeinfo-by-topic.pcap") else {
        return;
    };
    assert_eq!(
        rows.column("request_resource"),
        ["%RETRY%please_rename_unique_group_name_4", "TopicTest", "TBW102"]
    );
    assert_eq!(rows.column("response_duration"), ["1162", "1065", "827"]);
    let Some((rows, _)) = case("rocketmq/rocketmq-heartbeat.pcap") else {
        return;
    };
    assert_eq!(
        rows.pick(0, "request_type request_length response_length response_duration"),
        "HEART_BEAT 715 101 876"
    );
    let Some((rows, _)) = case("rocketmq/rocketmq-send-message-v2.pcap") else {
        return;
    };
    assert_eq!(
        rows.pick(0, "endpoint rocketmq.group"),
        "TopicTest-0 please_rename_unique_group_name"
    );
}
