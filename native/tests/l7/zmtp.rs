//! ZMTP, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn greeting(mechanism: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1][..], mechanism].concat();
    bytes.resize(64, 0);
    bytes
}

fn frame(flags: u8, content: &[u8]) -> Vec<u8> {
    if content.len() < 256 {
        return [&[flags, content.len() as u8][..], content].concat();
    }
    [&[flags | 2][..], &(content.len() as u64).to_be_bytes(), content].concat()
}

fn ready(socket: &[u8]) -> Vec<u8> {
    let size = (socket.len() as u32).to_be_bytes();
    frame(4, &[b"\x05READY\x0bSocket-Type", &size[..], socket].concat())
}

fn connected(client: &[u8], server: &[u8]) -> Flow {
    let mut flow = Flow::new(6, 5555);
    flow.send(CLIENT, &greeting(b"NULL")[..10]).send(SERVER, &greeting(b"NULL")[..11]);
    flow.send(CLIENT, &greeting(b"NULL")[10..])
        .send(SERVER, &[&greeting(b"NULL")[11..], &ready(server)].concat());
    flow.send(CLIENT, &ready(client));
    flow
}

#[test]
fn requests_and_answers_of_several_frames_are_one_row() {
    let mut flow = connected(b"REQ", b"REP");
    let asked = [frame(1, b""), frame(1, b"one"), frame(0, &[b'x'; 3000])].concat();
    flow.drip(CLIENT, &asked).drip(SERVER, &[frame(1, b""), frame(0, b"two")].concat());
    flow.send(CLIENT, &[frame(1, b""), frame(0, b"")].concat())
        .send(SERVER, &[frame(1, b""), frame(0, b"!")].concat());
    let rows = flow.close();
    assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 2], 0));
    assert_eq!(
        rows.pick(0, "version request_type request_length response_length response_status"),
        "3.1 REQ 3 3 0"
    );
}

#[test]
fn the_end_that_asks_may_be_the_one_that_was_connected_to() {
    let mut flow = connected(b"REP", b"REQ");
    flow.send(SERVER, &[frame(1, b""), frame(0, b"?")].concat())
        .send(CLIENT, &[frame(1, b""), frame(0, b"!")].concat());
    assert_eq!(flow.close().types, [0, 0, 1]);
}

#[test]
fn subscriptions_and_what_is_published_tell_their_topic() {
    let mut flow = connected(b"SUB", b"PUB");
    flow.send(
        CLIENT,
        &[
            frame(4, b"\x09SUBSCRIBEsport"),
            frame(0, b"\x01news"),
            frame(4, b"\x04PING\0\0"),
            frame(4, b"\x06CANCELsport"),
        ]
        .concat(),
    );
    flow.send(SERVER, &[frame(1, b"sport"), frame(0, b"set 1"), frame(0, b"\x01\x02")].concat());
    let rows = flow.close();
    assert_eq!(rows.column("request_type"), ["SUBSCRIBE", "SUBSCRIBE", "CANCEL", "PUB", "PUB"]);
    assert_eq!(rows.column("request_resource"), ["sport", "news", "sport", "sport", ""]);
    assert_eq!(rows.types, [5, 0, 0]);
}

#[test]
fn a_refused_login_is_the_clients_error() {
    let mut flow = Flow::new(6, 5555);
    flow.send(CLIENT, &greeting(b"PLAIN"))
        .send(SERVER, &greeting(b"PLAIN"))
        .send(CLIENT, &frame(4, b"\x05HELLO\x01u\x01p"));
    flow.send(SERVER, &frame(4, b"\x05ERROR\x03400"));
    assert_eq!(flow.close().pick(0, "type response_status response_exception"), "1 4 400");
    assert_eq!(flow.seen.client_errors, 1);
}

#[test]
fn after_a_loss_nothing_is_made_up() {
    let mut flow = connected(b"SUB", b"PUB");
    flow.send(SERVER, &frame(0, b"a"))
        .gap(SERVER, 10)
        .send(SERVER, &frame(0, b"b").repeat(500));
    assert_eq!(flow.close().lines.len(), 1);
    assert!(flow.l7.heap_bytes() < 20_000);
}

#[test]
fn what_only_resembles_zmtp_is_left_alone() {
    for bytes in [
        &b"\xff\0\0\0\0\0\0\0\x01\x7f\x01"[..],
        b"\xff\0\0\0\0\0\0\x01\x01\x7f",
        b"\xff\x01",
        b"\0\x05hello",
    ] {
        let mut flow = Flow::new(6, 5555);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn messages_that_nobody_here_recorded() {
    let Some((rows, _)) = case("zmtp/zmtp_null.pcap") else { return };
    assert_eq!(rows.pick(0, "type version request_type"), "2 3.1 REQ");
    let Some((rows, _)) = case("zmtp/zmtp_plain.pcap") else { return };
    assert_eq!(rows.pick(0, "type request_length"), "2 11");
    let Some((rows, _)) = case("zmtp/zmtp_subscribe_one.pcap") else {
        return;
    };
    assert_eq!(rows.pick(0, "request_type request_resource"), "SUBSCRIBE sports.general");
    assert!((1..rows.lines.len()).all(|row| rows.pick(row, "request_type request_resource") == "PUB sports.general"));
    assert!(rows.lines.len() > 3);
}
