//! TLS, behaviour by behaviour.

use crate::flow::{CLIENT, Flow, SERVER};

fn tls() -> Flow {
    Flow::new(6, 7443)
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &(content.len() as u16).to_be_bytes()[..], content].concat()
}

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

pub fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}

pub fn client_body(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    body
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    record(22, &message(1, &client_body(extensions)))
}

fn named() -> Vec<u8> {
    client_hello(&extension(0, b"\0\x0c\0\0\x09a.example"))
}

pub fn server_body(cipher: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([8; 32]);
    body.push(0);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    body
}

pub fn server_hello(cipher: u16, extensions: &[u8]) -> Vec<u8> {
    message(2, &server_body(cipher, extensions))
}

fn modern() -> Vec<u8> {
    record(22, &server_hello(0x1301, &extension(43, &[3, 4])))
}

const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];

#[test]
fn the_duration_is_that_of_the_handshake_and_nothing_is_read_behind_it() {
    let mut flow = tls();
    flow.send(CLIENT, &named())
        .send(SERVER, &modern())
        .send(SERVER, &record(23, &[0; 900]));
    flow.send(CLIENT, &[CHANGE, &record(23, &[0; 53])].concat());
    let fields = "version request_type request_domain endpoint response_status response_result response_duration";
    assert_eq!(
        flow.rows.pick(0, fields),
        "1.3 ClientHello a.example a.example 0 TLS_AES_128_GCM_SHA256 3000"
    );
    flow.send(CLIENT, &record(23, &[0; 100]));
    assert!(flow.l7.is_done());
    assert_eq!(flow.close().types, [0, 0, 1]);
    assert!(flow.l7.heap_bytes() < 300, "an engine drops it now; until then it holds little");
}

#[test]
fn drafts_of_1_3_are_read_as_it() {
    let bare = [&[0x7f, 0x14][..], &[8; 32], &[0x13, 0x01, 0, 0]].concat();
    for answer in [
        server_hello(0x1301, &extension(43, &[0x7f, 0x1c])),
        server_hello(0x1301, &extension(43, &[0xfb, 0x1a])),
        message(2, &bare),
    ] {
        let mut flow = tls();
        flow.send(CLIENT, &named()).send(SERVER, &record(22, &answer));
        flow.send(CLIENT, &record(23, &[0; 53]));
        assert_eq!(
            flow.rows.pick(0, "version response_status response_result response_duration"),
            "1.3 0 TLS_AES_128_GCM_SHA256 2000"
        );
    }
}

#[test]
fn a_hello_in_the_form_of_ssl_2_is_one_that_tells_no_name() {
    let front = |size: u8, session: u8| [0x80, size, 1, 3, 1, 0, 6, 0, session, 0, 16];
    let rest = [&[0, 0, 0x2f, 1, 0, 0x80][..], &[9; 16]].concat();
    let answer = record(22, &[server_hello(0x002f, &[]), message(14, &[])].concat());
    for is_dripping in [false, true] {
        let hello = [&front(31, 0)[..], &rest].concat();
        let mut flow = tls();
        if is_dripping {
            flow.drip(CLIENT, &hello);
        } else {
            flow.send(CLIENT, &hello);
        }
        flow.send(SERVER, &answer).send(CLIENT, &[&record(22, &[0; 70]), CHANGE].concat());
        flow.send(SERVER, CHANGE);
        assert_eq!(
            flow.close()
                .pick(0, "type version request_type response_status response_result response_duration"),
            "2 1.2 ClientHello 0 TLS_RSA_WITH_AES_128_CBC_SHA 3000"
        );
    }
    // Lengths that do not add up, as chance would have them.
    for front in [front(30, 0), front(32, 1)] {
        let mut flow = tls();
        flow.send(CLIENT, &[&front[..], &rest, &[9; 8]].concat());
        assert_eq!(flow.close().lines.len(), 0);
    }
}

#[test]
fn a_first_record_may_hold_no_more_than_the_front_of_its_message() {
    let hello = named();
    for first in [1, 4, 5] {
        let (front, rest) = hello[5..].split_at(first);
        let mut flow = tls();
        flow.send(CLIENT, &[record(22, front), record(22, rest)].concat())
            .send(SERVER, &modern());
        assert_eq!(flow.close().pick(0, "type request_domain"), "2 a.example", "{first}");
    }
}

#[test]
fn before_1_3_it_ends_when_the_server_changes_ciphers_and_when_resumed_the_client() {
    let rest = [message(12, &[0; 70]), message(14, &[])].concat();
    let mut flow = tls();
    flow.send(CLIENT, &named());
    flow.send(SERVER, &record(22, &[server_hello(0xc02f, &[]), rest].concat()));
    flow.send(
        CLIENT,
        &[&record(22, &message(16, &[0; 66])), CHANGE, &record(22, &[0; 40])].concat(),
    );
    assert_eq!(flow.rows.types, [0, 0, 0]);
    flow.send(SERVER, &[CHANGE, &record(22, &[0; 40])].concat());
    assert_eq!(
        flow.rows.pick(0, "version response_status tls.resumed response_duration"),
        "1.2 0  3000"
    );

    let mut flow = tls();
    flow.send(CLIENT, &named());
    flow.send(
        SERVER,
        &[record(22, &server_hello(0xc02f, &[])), CHANGE.to_vec(), record(22, &[0; 40])].concat(),
    );
    assert_eq!(flow.rows.types, [0, 0, 0]);
    flow.send(CLIENT, &[CHANGE, &record(22, &[0; 40])].concat());
    assert_eq!(
        flow.rows.pick(0, "version response_status tls.resumed response_duration"),
        "1.2 0 true 2000"
    );
}

#[test]
fn an_alert_is_a_complaint_about_the_other_side() {
    let alerted = |from_client: bool, hello: bool, code: u8| {
        let mut flow = tls();
        flow.send(CLIENT, &named());
        if hello {
            flow.send(SERVER, &record(22, &[server_hello(0xc02f, &[]), message(14, &[])].concat()));
        }
        flow.send(from_client, &record(21, &[2, code]));
        let rows = flow.close();
        assert_eq!(rows.lines.len(), 1);
        (
            rows.pick(0, "response_status response_code response_exception"),
            flow.seen.client_errors,
            flow.seen.server_errors,
        )
    };
    assert_eq!(alerted(SERVER, false, 40), ("4 40 handshake_failure".to_owned(), 1, 0));
    assert_eq!(alerted(SERVER, true, 116), ("4 116 certificate_required".to_owned(), 1, 0));
    assert_eq!(alerted(SERVER, false, 80), ("3 80 internal_error".to_owned(), 0, 1));
    assert_eq!(alerted(CLIENT, true, 48), ("3 48 unknown_ca".to_owned(), 0, 1));
    assert_eq!(alerted(CLIENT, true, 90), ("4 90 user_canceled".to_owned(), 1, 0));
    assert_eq!(alerted(CLIENT, false, 45), ("3 45 certificate_expired".to_owned(), 0, 1));
}

#[test]
fn a_warning_ends_nothing() {
    let mut flow = tls();
    flow.send(CLIENT, &named())
        .send(SERVER, &record(21, &[1, 112]))
        .send(SERVER, &modern());
    let rows = flow.send(CLIENT, &record(23, &[0; 53])).close();
    assert_eq!(
        rows.pick(0, "response_status tls.warning response_duration"),
        "0 unrecognized_name 3000"
    );
}

#[test]
fn an_alert_that_1_3_encrypts_is_known_by_its_length() {
    let mut flow = tls();
    flow.send(CLIENT, &named())
        .send(SERVER, &modern())
        .send(CLIENT, &record(23, &[0; 19]));
    assert_eq!(flow.close().pick(0, "response_status response_exception"), "3 encrypted alert");
}

#[test]
fn a_hello_in_many_records_is_one_hello() {
    let hello = named();
    let content = &hello[5..];
    let pieces: Vec<u8> = content.chunks(3).flat_map(|piece| record(22, piece)).collect();
    let mut flow = tls();
    flow.send(CLIENT, &pieces)
        .send(SERVER, &modern())
        .send(CLIENT, &record(23, &[0; 53]));
    assert_eq!(flow.close().pick(0, "type request_domain"), "2 a.example");
}

#[test]
fn what_stands_behind_a_hello_in_its_record_is_none_of_it_however_it_was_cut() {
    let behind = message(200, &[0; 40]);
    let (asked, answered) = (named(), server_hello(0x1301, &extension(43, &[3, 4])));
    let client = record(22, &[&asked[5..], &behind].concat());
    let server = record(22, &[&answered[..], &behind].concat());
    let told = |cut: usize| {
        let mut flow = tls();
        let (front, back) = client.split_at(cut.min(client.len()));
        flow.snapped(CLIENT, front, 0).snapped(CLIENT, back, 0);
        let (front, back) = server.split_at(cut.min(server.len() - 1));
        flow.snapped(SERVER, front, 0).snapped(SERVER, back, 0);
        flow.snapped(CLIENT, &record(23, &[0; 53]), 0).close().lines
    };
    let whole = told(usize::MAX);
    assert!(whole[0].contains(&format!("\"captured_request_byte\": {}, ", asked.len())));
    for cut in 1..client.len() {
        assert_eq!(told(cut), whole, "{cut}");
    }
}

#[test]
fn a_flow_that_was_there_before_is_known_and_left_alone() {
    let mut flow = Flow::new(6, 443);
    flow.send(SERVER, &record(23, &[1; 300]));
    assert_eq!(flow.l7.protocol(), 121);
    assert!(flow.l7.is_done());
    assert_eq!(flow.close().lines.len(), 0);
    let mut flow = tls();
    flow.send(SERVER, &record(23, &[1; 300]));
    assert_eq!(flow.l7.protocol(), 0, "elsewhere five bytes prove nothing");
}

#[test]
fn an_answer_that_was_lost_makes_a_row_without_one() {
    let mut flow = tls();
    flow.send(CLIENT, &named()).gap(SERVER, 1400).send(SERVER, &[9; 200]);
    flow.send(CLIENT, &[CHANGE, &record(23, &[0; 53])].concat());
    flow.send(CLIENT, &record(23, &[0; 100]));
    assert!(flow.l7.is_done());
    assert_eq!(flow.close().pick(0, "type request_domain response_status"), "0 a.example 5");
}

#[test]
fn endless_chains_of_certificates_hold_no_memory() {
    let mut flow = tls();
    flow.send(CLIENT, &named());
    flow.send(SERVER, &record(22, &server_hello(0xc02f, &[])));
    flow.send(SERVER, &record(22, &[11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0, 0xff, 0xff]));
    for _ in 0..600 {
        flow.send(SERVER, &record(22, &[0x30; 16_000]));
        assert!(flow.l7.heap_bytes() < 100 * 1024, "{}", flow.l7.heap_bytes());
    }
    assert_eq!(flow.close().pick(0, "type version"), "2 1.2");
}

/// A record of DTLS 1.2 with pieces of one handshake message.
fn datagram(kind: u8, sequence: u8, body: &[u8], pieces: &[(usize, usize)]) -> Vec<Vec<u8>> {
    let three = |number: usize| (number as u32).to_be_bytes()[1..].to_vec();
    let piece = |&(start, end): &(usize, usize)| {
        let head = [&[kind][..], &three(body.len()), &[0, sequence], &three(start), &three(end - start)].concat();
        let content = [&head, &body[start..end]].concat();
        [
            &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence][..],
            &(content.len() as u16).to_be_bytes(),
            &content,
        ]
        .concat()
    };
    pieces.iter().map(piece).collect()
}

#[test]
fn hellos_over_datagrams_come_in_pieces_and_again_and_other_traffic_between_them() {
    let server = [&[0xfe, 0xfd][..], &[8; 32], &[0, 0xc0, 0x2b, 0, 0, 0]].concat();
    let client = |cookie: &[u8]| {
        let names = extension(0, b"\0\x0c\0\0\x09a.example");
        let front = [
            &[0xfe, 0xfd][..],
            &[7; 32],
            &[0, cookie.len() as u8],
            cookie,
            &[0, 2, 0xc0, 0x2b, 1, 0],
        ]
        .concat();
        [&front[..], &(names.len() as u16).to_be_bytes(), &names].concat()
    };
    let mut flow = Flow::new(17, 5000);
    flow.send(CLIENT, &datagram(1, 0, &client(b""), &[(0, client(b"").len())])[0]);
    flow.send(SERVER, &datagram(3, 0, b"\xfe\xff\x04abcd", &[(0, 7)])[0]);
    let hello = client(b"abcd");
    for piece in datagram(1, 1, &hello, &[(40, hello.len()), (0, 40)]) {
        flow.send(CLIENT, &piece);
    }
    // Such flows carry STUN and RTP too.
    flow.send(SERVER, &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]).send(SERVER, &[0x80; 100]);
    let pieces = datagram(2, 1, &server, &[(0, 20), (20, server.len())]);
    flow.send(SERVER, &pieces[1]).send(SERVER, &pieces[0]);
    assert_eq!(
        flow.rows.pick(
            0,
            "type version request_type request_domain response_status tls.hello_retry response_duration"
        ),
        "2 DTLS 1.2 ClientHello a.example 0 true 7000"
    );
    assert!(flow.rows.get(0, "tls.client.ja4").starts_with("dd2d0101"));
    flow.send(CLIENT, &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 9]);
    assert!(flow.l7.is_done());
    assert_eq!((flow.close().types, flow.seen.parse_failed), ([0, 0, 1], 0));
}

#[test]
fn a_server_that_refuses_over_datagrams_says_why() {
    let client = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0]].concat();
    let mut flow = Flow::new(17, 5000);
    flow.send(CLIENT, &datagram(1, 0, &client, &[(0, client.len())])[0]);
    flow.send(SERVER, &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40]);
    assert_eq!(
        flow.close().pick(0, "type response_status response_code response_exception"),
        "2 4 40 handshake_failure"
    );
}
