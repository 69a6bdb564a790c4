//! FastCGI, behaviour by behaviour.

use crate::cases::case;
use crate::flow::{CLIENT, Flow, SERVER};

fn record(kind: u8, id: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let size = (content.len() as u16).to_be_bytes();
    [
        &[1, kind, 0, id, size[0], size[1], padding, 0][..],
        content,
        &vec![0; usize::from(padding)],
    ]
    .concat()
}

fn begin(id: u8) -> Vec<u8> {
    record(1, id, &[0, 1, 1, 0, 0, 0, 0, 0], 0)
}

fn pair(name: &str, value: &str) -> Vec<u8> {
    let size = |size: usize| {
        if size < 128 {
            vec![size as u8]
        } else {
            (size as u32 | 1 << 31).to_be_bytes().to_vec()
        }
    };
    [&size(name.len())[..], &size(value.len()), name.as_bytes(), value.as_bytes()].concat()
}

fn params() -> Vec<u8> {
    let pairs = [
        ("REQUEST_METHOD", "POST"),
        ("SCRIPT_NAME", "/index.php"),
        ("REQUEST_URI", "/a/b/c?d=e"),
        ("HTTP_HOST", "shop"),
        ("HTTP_COOKIE", &"c".repeat(9000)),
        ("HTTP_TRACEPARENT", "00-01-02-01"),
        ("HTTP_X_REQUEST_ID", "r1"),
        ("CONTENT_LENGTH", "5"),
    ];
    pairs.iter().flat_map(|(name, value)| pair(name, value)).collect()
}

fn request(id: u8) -> Vec<u8> {
    [
        begin(id),
        record(4, id, &params(), 3),
        record(4, id, b"", 0),
        record(5, id, b"hello", 3),
        record(5, id, b"", 0),
    ]
    .concat()
}

fn answer(id: u8, text: &[u8]) -> Vec<u8> {
    [
        record(6, id, text, 4),
        record(6, id, b"more", 0),
        record(6, id, b"", 0),
        record(3, id, &[0; 8], 0),
    ]
    .concat()
}

#[test]
fn a_request_and_its_answer_also_byte_by_byte() {
    let told = answer(1, b"Status: 404 Not Found\r\nX-Request-Id: r2\r\n\r\nno");
    for drip in [false, true] {
        let mut flow = Flow::new(6, 9000);
        if drip {
            flow.drip(CLIENT, &request(1))
                .drip(SERVER, &told)
                .drip(CLIENT, &request(1))
                .drip(SERVER, &told);
        } else {
            flow.send(CLIENT, &request(1))
                .send(SERVER, &told)
                .send(CLIENT, &request(1))
                .send(SERVER, &told);
        }
        let rows = flow.close();
        assert_eq!((rows.types, flow.seen.parse_failed), ([0, 0, 2], 0));
        assert_eq!(
            rows.pick(1, "request_type request_domain request_resource endpoint"),
            "POST shop /a/b/c?d=e /a/b"
        );
        assert_eq!(
            rows.pick(1, "trace_id span_id x_request_id_0 x_request_id_1 response_code response_status"),
            "01 02 r1 r2 404 4"
        );
        assert_eq!(rows.pick(1, "request_length response_length"), "5 6");
        assert_eq!(rows.get(1, "captured_request_byte"), request(1).len().to_string());
        assert_eq!(rows.get(1, "captured_response_byte"), told.len().to_string());
    }
}

#[test]
fn a_pair_goes_on_in_the_next_record() {
    let pairs = params();
    for cut in [3, 20, 100, 5000, pairs.len() - 2] {
        let parts = [
            begin(1),
            record(4, 1, &pairs[..cut], 2),
            record(4, 1, &pairs[cut..], 0),
            record(4, 1, b"", 0),
            record(5, 1, b"", 0),
        ];
        let mut flow = Flow::new(6, 9000);
        flow.send(CLIENT, &parts.concat())
            .send(SERVER, &answer(1, b"Content-Type: a\r\n\r\n"));
        assert_eq!(
            flow.close().pick(0, "request_type request_resource trace_id response_code"),
            "POST /a/b/c?d=e 01 200",
            "{cut}"
        );
    }
}

#[test]
fn what_an_application_complains_about_is_told() {
    for (text, expected) in [
        ("Status: 500 No\r\n\r\n", "500 3 it broke "),
        ("Location: /x\r\n\r\n", "302 0  it broke"),
    ] {
        let mut flow = Flow::new(6, 9000);
        let told = [record(7, 1, b"it broke\n", 1), answer(1, text.as_bytes())].concat();
        flow.send(CLIENT, &request(1)).send(SERVER, &told);
        assert_eq!(
            flow.close()
                .pick(0, "response_code response_status response_exception fastcgi.stderr"),
            expected
        );
    }
    let mut flow = Flow::new(6, 9000);
    flow.send(CLIENT, &request(1))
        .send(SERVER, &record(3, 1, &[0, 0, 0, 0, 2, 0, 0, 0], 0));
    assert_eq!(
        flow.close().pick(0, "type response_status response_exception"),
        "2 3 FCGI_OVERLOADED"
    );
}

#[test]
fn a_head_in_several_records_and_a_complaint_behind_it_are_read() {
    let mut flow = Flow::new(6, 9000);
    let end = record(3, 1, &[0; 8], 0);
    let told = [
        record(6, 1, b"Content-Type: text/plain\n", 3),
        record(7, 1, b"", 0),
        record(6, 1, b"Status: 50", 0),
        record(6, 1, b"3 Busy\n\nsor", 0),
        record(7, 1, b"the shelf fell down\n", 4),
        record(6, 1, b"ry", 0),
        end.clone(),
    ]
    .concat();
    let fine = [record(6, 1, b"Status: 201\r\n\r\n", 0), record(7, 1, b"a warning", 0), end.clone()].concat();
    let bare = [record(6, 1, b"Status: 404\n", 0), end].concat();
    for answer in [&told, &fine, &bare] {
        flow.send(CLIENT, &request(1)).send(SERVER, answer);
    }
    flow.send(CLIENT, &request(1)).drip(SERVER, &told);
    let rows = flow.close();
    let fields = "type response_code response_status response_exception response_length";
    assert_eq!(rows.pick(0, fields), "2 503 3 the shelf fell down 5");
    assert_eq!(
        rows.pick(1, "type response_code response_status fastcgi.stderr"),
        "2 201 0 a warning"
    );
    assert_eq!(rows.pick(2, "type response_code response_status"), "2 404 4");
    assert_eq!((rows.lines.len(), rows.pick(3, fields)), (4, rows.pick(0, fields)));
}

#[test]
fn gaps_in_bodies_cost_nothing_and_others_one_request() {
    let body = [
        begin(1),
        record(4, 1, &params(), 0),
        record(4, 1, b"", 0),
        record(5, 1, &[b'x'; 3000], 0),
        record(5, 1, b"", 0),
    ]
    .concat();
    let mut flow = Flow::new(6, 9000);
    flow.send(CLIENT, &body[..body.len() - 2000])
        .gap(CLIENT, 500)
        .send(CLIENT, &body[body.len() - 1500..]);
    flow.send(SERVER, &answer(1, b"A-B: c\r\n\r\n"));
    flow.send(CLIENT, &request(1)[..30])
        .gap(CLIENT, 100)
        .send(CLIENT, &request(1)[130..])
        .send(CLIENT, &request(2))
        .send(SERVER, &answer(2, b"A-B: c\r\n\r\n"));
    let rows = flow.close();
    assert_eq!(
        (rows.column("request_id"), rows.types),
        (vec!["1".to_owned(), "2".to_owned()], [0, 0, 2])
    );
}

#[test]
fn what_only_resembles_fastcgi_is_left_alone() {
    for bytes in [
        &b"\x01\x01\0\x01\0\x08\0\0\0\x04\x01\0\0\0\0\0"[..],
        b"\x01\x06\0\x01\0\x08\0\0\0\0\0\0",
        b"\x01\x04\0\x01\0\x02\0\0\0\0",
        b"\x01\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0",
    ] {
        let mut flow = Flow::new(6, 9000);
        flow.send(CLIENT, bytes);
        assert_eq!(flow.l7.protocol(), 0, "{bytes:?}");
    }
}

#[test]
fn a_request_that_nobody_here_recorded() {
    let Some((rows, _)) = case("fastcgi/fastcgi.pcap") else { return };
    assert_eq!(
        rows.pick(0, "request_type request_resource endpoint request_domain response_code"),
        "GET /aaaaa /aaaaa 172.17.0.3:8080 200"
    );
    assert_eq!(rows.pick(0, "user_agent fastcgi.script"), "curl/7.87.0 /var/www/html/index.php");
}

#[test]
fn a_head_that_never_ends_is_as_long_however_it_comes() {
    let endless = [&b"X-A: b\r\nX-C: "[..], &[b'x'; 20_000]].concat();
    for (first, cut) in [(0, 1400), (0, 24), (5, 9000), (5000, 24), (5000, 9000)] {
        let told = |cut: usize| {
            let mut flow = Flow::new(6, 9000);
            flow.send(CLIENT, &request(1));
            let records = [&endless[..first], &endless[first..]].map(|text| record(6, 1, text, 0));
            flow.now_us += 1000;
            for piece in records[usize::from(first == 0)..].concat().chunks(cut) {
                flow.snapped(SERVER, piece, 0);
            }
            flow.close().lines
        };
        assert_eq!(told(cut), told(usize::MAX), "{first} {cut}");
    }
}
