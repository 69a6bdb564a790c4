//! SOME/IP, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn message(method: u16, session: u8, kind: u8, code: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32 + 8).to_be_bytes();
    [
        &[0x12, 0x34][..],
        &method.to_be_bytes(),
        &length,
        &[0, 1, 0, session, 1, 2, kind, code],
        payload,
    ]
    .concat()
}

#[test]
fn a_request_and_its_answer_in_a_datagram_and_in_a_stream() {
    for transport in [17, 6] {
        let mut flow = Flow::new(transport, 30501);
        flow.send(CLIENT, &[message(1, 7, 0, 0, b"payload"), message(1, 8, 1, 0, b"")].concat());
        flow.send(
            SERVER,
            &[message(0x8001, 0, 2, 0, b"event"), message(1, 7, 0x80, 0, b"yes")].concat(),
        );
        let rows = flow.close();
        assert_eq!(rows.types, [2, 0, 1]);
        assert_eq!(rows.column("request_type"), ["Request no return", "Notification", "Request"]);
        assert_eq!(
            rows.pick(2, "version request_resource endpoint request_id request_length"),
            "Protocol 1 Interface 2 0x1234 0x1234/0x0001 65543 15"
        );
        assert_eq!(rows.pick(2, "response_status response_result"), "0 No error occurred");
    }
}

#[test]
fn errors_say_whose_they_are() {
    for (kind, code, expected) in [
        (0x81, 3, "3 4 Unknown method"),
        (0x80, 4, "4 3 Not ready"),
        (0x81, 0x20, "32 3 Error of the service"),
        (0x81, 0, " 3 No error occurred"),
    ] {
        let mut flow = Flow::new(17, 30501);
        flow.send(CLIENT, &message(1, 1, 0, 0, b""))
            .send(SERVER, &message(1, 1, kind, code, b""));
        assert_eq!(flow.close().pick(0, "response_code response_status response_exception"), expected);
    }
}

#[test]
fn long_messages_in_pieces_are_one() {
    let mut flow = Flow::new(17, 30501);
    for (at, more) in [(0, 1), (1392, 1), (2784, 0)] {
        flow.send(
            CLIENT,
            &message(1, 1, 0x20, 0, &[&(at as u32 | more).to_be_bytes()[..], &[7; 100]].concat()),
        );
    }
    flow.send(SERVER, &message(1, 1, 0x80, 0, b""));
    assert_eq!((flow.close().types, flow.seen.parse_failed), ([0, 0, 1], 0));
}

#[test]
fn a_stream_survives_a_loss() {
    let big = message(1, 1, 0, 0, &[7; 3000]);
    let mut flow = Flow::new(6, 30501);
    flow.send(CLIENT, &message(1, 9, 1, 0, b""))
        .send(CLIENT, &big[..500])
        .gap(CLIENT, 1000)
        .send(CLIENT, &big[1500..]);
    flow.send(CLIENT, &message(1, 2, 0, 0, b"")[..7])
        .gap(CLIENT, 9)
        .send(CLIENT, &message(1, 3, 0, 0, b""));
    flow.send(SERVER, &[message(1, 1, 0x80, 0, b""), message(1, 3, 0x80, 0, b"")].concat());
    assert_eq!(flow.close().types, [1, 0, 2]);
}

#[test]
fn what_only_resembles_someip_is_left_alone() {
    let half = message(1, 1, 0, 0, &[7; 30]);
    for bytes in [
        &half[..20],
        &[&half[..], b"x"].concat(),
        &message(1, 1, 3, 0, b""),
        &message(1, 1, 0, 1, b""),
        &[0; 16],
    ] {
        let mut flow = Flow::new(17, 30501);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn a_request_that_nobody_here_recorded() {
    let Some((rows, _)) = case("some_ip/some_ip.pcap") else { return };
    // Client 1, session 171, service 41, method 20484.
    assert_eq!(
        rows.pick(0, "type request_type request_id endpoint version"),
        "2 Request 65707 0x0029/0x5004 Protocol 1 Interface 1"
    );
    assert_eq!(
        rows.pick(0, "request_length response_length response_status response_result"),
        "8 29 0 No error occurred"
    );
}
