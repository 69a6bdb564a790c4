//! What one message costs in the application layer: `cargo bench --bench l7`.

use std::hint::black_box;
use std::sync::Arc;
use weir_native::l7::{FlowL7, L7Packet, L7Row, L7Seen, L7Settings, L7Sink};

#[derive(Default)]
struct Count {
    rows: u64,
    bytes: u64,
}

impl L7Sink for Count {
    fn row(&mut self, row: &L7Row<'_>) {
        self.rows += 1;
        self.bytes += black_box(row).request_resource.len() as u64;
    }
}

const WRK: &[u8] = b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER: &[u8] = b"GET /shop/cart/items?page=2&sort=price HTTP/1.1\r\nHost: shop.example.org\r\nConnection: keep-alive\r\n\
Pragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml\r\nReferer: https://shop.example.org/\r\n\
Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Request-ID: 7b3ac1d0-1f1e-4d2c-9d2e-5b1f0c9a8e77\r\n\r\n";
const HEAD: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 615\r\n\
Last-Modified: Tue, 04 Dec 2018 14:52:24 GMT\r\nConnection: keep-alive\r\nETag: \"5c0692e1-267\"\r\nAccept-Ranges: bytes\r\n\r\n";
const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01";
const ANSWER: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01";

const INSERT: &[u8] = b"\x42\0\0\0\x03insert into orders (customer, item, amount) values (17, 'abc', 3)";
const INSERTED: &[u8] = b"\x07\0\0\x01\0\x01\0\x02\0\0\0";

const LDAP_COMPARE: &[u8] = b"\x30\x1f\x02\x01\x02\x6e\x1a\x04\x0bcn=ann,dc=a\x30\x0b\x04\x02sn\x04\x05Smith";
const LDAP_COMPARED: &[u8] = b"\x30\x0c\x02\x01\x02\x6f\x07\x0a\x01\x06\x04\x00\x04\x00";
const SIP_OPTIONS: &[u8] = b"OPTIONS sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK77\r\nFrom: <sip:ann@example.org>;tag=1\r\n\
To: <sip:bob@example.org>\r\nCall-ID: 1234567890@10.0.0.1\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\nUser-Agent: phone/1.0\r\nContent-Length: 0\r\n\r\n";
const SIP_OK: &[u8] = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK77\r\nFrom: <sip:ann@example.org>;tag=1\r\n\
To: <sip:bob@example.org>;tag=2\r\nCall-ID: 1234567890@10.0.0.1\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";
/// A server's alert: the shortest end of a handshake.
const SERVER_HELLO: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// A client's hello with what browsers send, but for the key shares.
fn hello() -> Vec<u8> {
    let extension = |kind: u16, data: &[u8]| [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat();
    let extensions = [
        extension(0, b"\0\x13\0\0\x10shop.example.org"),
        extension(10, &[0, 6, 0, 29, 0, 23, 0, 24]),
        extension(13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]),
        extension(16, b"\0\x0c\x02h2\x08http/1.1"),
        extension(43, &[4, 3, 4, 3, 3]),
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 8, 0x13, 1, 0x13, 2, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let message = [&[1, 0], &(body.len() as u16).to_be_bytes()[..], &body].concat();
    [&[22, 3, 1], &(message.len() as u16).to_be_bytes()[..], &message].concat()
}

/// Sends `request` and `response` in turn, `rounds` times, over flows that live for `reuse` rounds; prints ns per packet.
fn run(name: &str, protocol: u8, server_port: u16, request: &[u8], response: &[u8], reuse: usize) {
    const ROUNDS: usize = 1_000_000;
    let settings = Arc::new(L7Settings::default());
    let (mut sink, mut seen) = (Count::default(), L7Seen::default());
    let mut flow = Box::new(FlowL7::new(&settings));
    let start = cpu_ns();
    for round in 0..ROUNDS {
        if round % reuse == 0 {
            seen += flow.close(round as i64, &mut sink);
            *flow = FlowL7::new(&settings);
        }
        for (from_client, payload) in [(true, request), (false, response)] {
            let time_us = (round * 100 + usize::from(!from_client) * 50) as i64;
            let wire_len = payload.len() as u32;
            let packet = L7Packet {
                time_us,
                from_client,
                payload,
                wire_len,
                tcp_seq: 1,
                tcp_ack: 0,
                protocol,
                client_port: 40000,
                server_port,
            };
            seen += flow.packet(black_box(&packet), &mut sink);
        }
    }
    let elapsed = cpu_ns() - start;
    assert_eq!(
        (sink.rows, seen.requests, seen.responses),
        (ROUNDS as u64, ROUNDS as u32, ROUNDS as u32)
    );
    let packets = (2 * ROUNDS) as f64;
    println!(
        "{name:28} {:6.0} ns/packet  {:5.2} M packets/s",
        elapsed / packets,
        packets / elapsed * 1e3
    );
}

/// CPU time of this thread: the machine may be doing other things.
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// A call with a text for its argument and two attachments.
const DUBBO: &[u8] = b"\xda\xbb\xc2\0\0\0\0\0\0\0\0\x01\0\0\0\x48\x052.0.2\x06a.Shop\x031.0\x04find\x12Ljava/lang/String;\
    \x04lampH\x05group\x05north\x04path\x06a.ShopZ";

fn main() {
    let response = [HEAD.as_bytes(), &[b'x'; 615]].concat();
    run("http, wrk, keep-alive", 6, 8080, WRK, &response, usize::MAX);
    run("http, browser, keep-alive", 6, 80, BROWSER, &response, usize::MAX);
    run("http, wrk, new connections", 6, 8080, WRK, &response, 1);
    run("mysql, insert", 6, 3306, INSERT, INSERTED, usize::MAX);
    run("dns, one flow", 17, 53, QUERY, ANSWER, usize::MAX);
    run(
        "redis, get",
        6,
        6379,
        b"*2\r\n$3\r\nGET\r\n$8\r\nuser:123\r\n",
        b"$5\r\nhello\r\n",
        usize::MAX,
    );
    let set = b"*5\r\n$3\r\nSET\r\n$8\r\nuser:123\r\n$5\r\nhello\r\n$2\r\nEX\r\n$2\r\n60\r\n";
    run("redis, set", 6, 6379, set, b"+OK\r\n", usize::MAX);
    let value = b"VALUE user:123 0 5\r\nhello\r\nEND\r\n";
    run("memcached, get", 6, 11211, b"get user:123\r\n", value, usize::MAX);
    run(
        "dubbo, hessian 2",
        6,
        20880,
        DUBBO,
        b"\xda\xbb\x02\x14\0\0\0\0\0\0\0\x01\0\0\0\x01\x92",
        usize::MAX,
    );
    let (publish, reply) = (b"PUB orders.new _INBOX.a.b 5\r\nhello\r\n", b"MSG _INBOX.a.b 1 2\r\nok\r\n");
    run("nats, request", 6, 4222, publish, reply, usize::MAX);
    let find = b"1\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1c\0\0\0\x02find\0\x02\0\0\0t\0\x02$db\0\x02\0\0\0d\0\0";
    let found = b"\x22\0\0\0\x02\0\0\0\x01\0\0\0\xdd\x07\0\0\0\0\0\0\0\x0d\0\0\0\x10ok\0\x01\0\0\0\0";
    run("mongodb, find", 6, 27017, find, found, usize::MAX);
    let publish = b"\x32\x18\0\x0fsensors/7/value\0\x0121.50";
    run("mqtt, publication", 6, 1883, publish, b"\x40\x02\0\x01", usize::MAX);
    let query = b"\x04\0\0\x01\x07\0\0\0\x20\0\0\0\x19select a from t where b=?\0\x01\0";
    let void = b"\x84\0\0\x01\x08\0\0\0\x04\0\0\0\x01";
    run("cassandra, query", 6, 9042, query, void, usize::MAX);
    let produce = b"\0\0\0\x32\0\0\0\x02\0\0\0\x01\0\x03app\0\x01\0\0\0\x64\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0\0\0\0\x05hello\0\0";
    let produced = b"\0\0\0\x2e\0\0\0\x01\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0";
    run("kafka, produce", 6, 9092, produce, produced, usize::MAX);
    let declare = b"\x01\0\x01\0\0\0\x11\0\x32\0\x0a\0\0\x05queue\0\0\0\0\0\xce";
    let declared = b"\x01\0\x01\0\0\0\x12\0\x32\0\x0b\x05queue\0\0\0\0\0\0\0\0\xce";
    run("amqp, declare", 6, 5672, declare, declared, usize::MAX);
    let (call, reply) = (
        b"\0\0\0\x19\x80\x01\0\x01\0\0\0\x04find\0\0\0\x07\x0b\0\x01\0\0\0\x01a\0",
        b"\0\0\0\x18\x80\x01\0\x02\0\0\0\x04find\0\0\0\x07\x08\0\0\0\0\0\x01\0",
    );
    run("thrift, framed", 6, 9090, call, reply, usize::MAX);
    let sent = b"\0\0\0\x21\0\0\0\x08\x08\x06\x32\x04\x08\0\x10\x07\x0e\x01\0\0\0\0\0\0\0\x07\x0a\x01p\x10\x07\x18\x01body";
    let receipt = b"\0\0\0\x12\0\0\0\x0e\x08\x07\x3a\x0a\x08\0\x10\x07\x1a\x04\x08\x09\x10\x28";
    run("pulsar, send", 6, 6650, sent, receipt, usize::MAX);
    let ack = b"\0\0\0\x12\x16\x01\x01\0\0\0\x02\0\x07\0\x06\0\x05\x02\0\0\0\x01";
    let acked = b"\0\0\0\x0b\x1e\x01\0\0\0\0\x01\0\0\0\x02";
    run("openwire, acknowledgement", 6, 61616, ack, acked, usize::MAX);
    run("thrift, bare", 6, 9090, &call[4..], &reply[4..], usize::MAX);
    let transfer = b"\0\0\0\x1f\x02\0\0\0\0\x53\x14\xc0\x09\x05\x43\x52\x07\xa0\x01t\x43\x42\0\x53\x75\xa0\x04body";
    let settled = b"\0\0\0\x18\x02\0\0\0\0\x53\x15\xc0\x0b\x05\x41\x52\x07\x52\x07\x41\0\x53\x24\x45";
    run("amqp 1.0, transfer", 6, 5672, transfer, settled, usize::MAX);
    run("dns, new flows", 17, 53, QUERY, ANSWER, 1);
    run("tls 1.3, new connections", 6, 8443, &hello(), &SERVER_HELLO, 1);
    run(
        "smtp, ehlo",
        6,
        25,
        b"EHLO laptop.example.org\r\n",
        b"250 mail.example.org\r\n",
        usize::MAX,
    );
    run("ftp, syst", 6, 21, b"SYST\r\n", b"215 UNIX Type: L8\r\n", usize::MAX);
    run("ldap, compare", 6, 389, LDAP_COMPARE, LDAP_COMPARED, usize::MAX);
    run("sip, options", 17, 5060, SIP_OPTIONS, SIP_OK, usize::MAX);
}
