//! Connections whose SYN brings data (TCP Fast Open, RFC 7413).

use super::*;

const CLIENT_SEQ: u32 = u32::MAX - 10;
const SERVER_SEQ: u32 = 7_000;
const ASK: &[u8] = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
const ASK_MORE: &[u8] = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
const TELL: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A TCP segment from the client or to it; numbers count from where its sender and its receiver began.
struct Segment {
    by_client: bool,
    flags: u8,
    seq: u32,
    ack: u32,
    data: &'static [u8],
}

fn segment(by_client: bool, flags: u8, (seq, ack): (usize, usize), data: &'static [u8]) -> Segment {
    let begin = |by_client: bool| if by_client { CLIENT_SEQ } else { SERVER_SEQ };
    Segment {
        by_client,
        flags,
        seq: begin(by_client).wrapping_add(seq as u32),
        ack: begin(!by_client).wrapping_add(ack as u32),
        data,
    }
}

fn rows_of(all: &[Segment]) -> (Vec<Batch>, u64) {
    let mut core = Core::new(Config::default(), false);
    for (at, segment) in (0..).zip(all) {
        let (from, to, ports) = if segment.by_client {
            (1, 2, (40_000, 80))
        } else {
            (2, 1, (80, 40_000))
        };
        let mut bytes = bytes_of(&Sent {
            from,
            to,
            ports,
            flags: segment.flags,
            seq: segment.seq,
            payload: segment.data.len() as u8,
            ..SENT
        });
        let data_at = bytes.len() - segment.data.len();
        bytes[data_at..].copy_from_slice(segment.data);
        bytes[data_at - 12..data_at - 8].copy_from_slice(&segment.ack.to_be_bytes());
        core.frames(&mut [Frame {
            packet: parse(Link::Ethernet, &bytes, bytes.len() as u32, BEGIN_US + at * 1000).unwrap(),
            bytes: &bytes,
            link: Link::Ethernet,
            passing: Passing::Unknown,
        }]);
    }
    let batches = finished(&mut core);
    (batches, core.stats.stream_gaps)
}

const PUSH: u8 = flag::PSH | flag::ACK;

#[test]
fn data_of_a_syn_is_read_and_what_follows_it_joins() {
    let (asked, both, told) = (1 + ASK.len(), 1 + ASK.len() + ASK_MORE.len(), 1 + TELL.len());
    let (batches, gaps) = rows_of(&[
        segment(true, flag::SYN, (0, 0), ASK),
        segment(false, flag::SYN | flag::ACK, (0, asked), b""),
        segment(true, flag::ACK, (asked, 1), b""),
        segment(false, PUSH, (1, asked), TELL),
        segment(true, PUSH, (asked, told), ASK_MORE),
        segment(false, PUSH, (told, both), TELL),
    ]);
    assert_eq!(gaps, 0);
    assert_eq!(values(&batches, "log.l7_flow_log", "type"), [2, 2]);
    // From the SYN to the answer.
    assert_eq!(values(&batches, "log.l7_flow_log", "response_duration"), [3000, 1000]);
    assert_eq!(sum(&batches, "log.l4_flow_log", "retrans_tx"), 0);
    assert_eq!(sum(&batches, "log.l4_flow_log", "rtt"), 2000);
}

#[test]
fn data_that_the_server_does_not_take_with_the_syn_is_told_once() {
    let asked = 1 + ASK.len();
    let (batches, gaps) = rows_of(&[
        segment(true, flag::SYN, (0, 0), ASK),
        segment(false, flag::SYN | flag::ACK, (0, 1), b""),
        segment(true, PUSH, (1, 1), ASK),
        segment(false, PUSH, (1, asked), TELL),
    ]);
    assert_eq!((gaps, values(&batches, "log.l7_flow_log", "type")), (0, vec![2]));
    assert_eq!(sum(&batches, "log.l4_flow_log", "retrans_tx"), 1);
}
