//! SSH, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let padding = 4;
    let length = (2 + body.len() + padding) as u32;
    [&length.to_be_bytes()[..], &[padding as u8, kind], body, &[0; 4]].concat()
}

fn offer(lists: [&str; 10]) -> Vec<u8> {
    let mut body = vec![9; 16];
    for list in lists {
        body.extend((list.len() as u32).to_be_bytes());
        body.extend(list.as_bytes());
    }
    body.extend([0; 5]);
    packet(20, &body)
}

const WISHES: [&str; 10] = ["k1,k2", "h1", "c1,c2", "c1,c2", "m1", "m1", "none", "none", "", ""];

#[test]
fn the_first_wish_that_the_server_can_meet_is_chosen() {
    let mut flow = Flow::new(6, 2200);
    flow.send(SERVER, b"SSH-2.0-server_1 comment\r\n")
        .send(CLIENT, b"SSH-2.0-client_1\r\n");
    flow.send(CLIENT, &offer(WISHES));
    flow.send(SERVER, &offer(["k2", "h0,h1", "c2", "c1", "m1", "m1", "none", "none", "", ""]));
    flow.send(CLIENT, &packet(30, &[0; 40]))
        .send(SERVER, &[packet(31, &[0; 200]), packet(21, &[])].concat());
    flow.send(SERVER, &[0xee; 100]);
    assert!(flow.l7.is_done());
    let rows = flow.close();
    let fields =
        "version request_type user_agent response_result response_status response_duration ssh.kex ssh.host_key ssh.cipher ssh.mac";
    assert_eq!(rows.pick(0, fields), "2.0 KeyExchange client_1 server_1 comment 0 4000 k2 h1 c2 m1");
    assert_eq!((rows.lines.len(), flow.seen.parse_failed), (1, 0));
}

#[test]
fn ends_that_have_nothing_in_common_part() {
    let mut flow = Flow::new(6, 2200);
    flow.send(CLIENT, b"SSH-2.0-client_1\r\n")
        .send(SERVER, b"a notice\r\nSSH-2.0-server_1\r\n");
    flow.send(CLIENT, &offer(WISHES))
        .send(SERVER, &offer(["k2", "h1", "c3", "c3", "m1", "m1", "none", "none", "", ""]));
    assert_eq!(
        flow.close().pick(0, "type response_status response_exception"),
        "2 4 no matching cipher"
    );
}

#[test]
fn a_disconnect_says_why() {
    let told = |from_client: bool, code: u32| {
        let mut flow = Flow::new(6, 2200);
        flow.send(CLIENT, b"SSH-2.0-client_1\r\n")
            .send(SERVER, b"SSH-2.0-server_1\r\n")
            .send(CLIENT, &offer(WISHES));
        flow.send(
            from_client,
            &packet(1, &[&code.to_be_bytes()[..], &[0, 0, 0, 3], b"why", &[0; 4]].concat()),
        );
        flow.close().pick(0, "response_status response_code response_exception")
    };
    assert_eq!(told(SERVER, 12), "3 12 why", "too many connections");
    assert_eq!(told(SERVER, 2), "4 2 why", "protocol error");
    assert_eq!(told(CLIENT, 9), "3 9 why", "host key not verifiable");
}

#[test]
fn hostile_lengths_hold_no_memory() {
    let mut flow = Flow::new(6, 2200);
    flow.send(CLIENT, b"SSH-2.0-client_1\r\n");
    flow.send(CLIENT, &[0xff, 0xff, 0xff, 0xff, 4, 20]).send(CLIENT, &[7; 60_000]);
    flow.send(SERVER, &b"no banner\r\n".repeat(1000)).send(SERVER, &[b'x'; 60_000]);
    assert!(flow.l7.heap_bytes() < 64 * 1024);
    flow.close();
    assert!(flow.seen.parse_failed > 0);
}
