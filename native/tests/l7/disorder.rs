//! Packets out of order and twice: the same rows, through the whole engine. And any split of what was said into packets.

use crate::capture::{Payload, read, run};
use crate::table::{Random, captures};
use weir_native::column::Column;
use weir_native::engine::{Config, Core, Frame, Passing};
use weir_native::l7::table::PROTOCOLS;
use weir_native::packet::{Link, Packet, TCP, flag, parse};
use weir_native::pcap::Capture;
use weir_native::table::Batch;

/// Columns that do not depend on when something came.
const COLUMNS: [&str; 21] = [
    "l7_protocol",
    "type",
    "version",
    "request_type",
    "request_domain",
    "request_resource",
    "endpoint",
    "request_id",
    "response_status",
    "response_code",
    "response_exception",
    "response_result",
    "request_length",
    "response_length",
    "captured_request_byte",
    "captured_response_byte",
    "sql_affected_rows",
    "trace_id",
    "req_tcp_seq",
    "resp_tcp_seq",
    "user_agent",
];
/// How often each capture is disturbed.
const TIMES: usize = 12;

/// A frame of a capture.
#[derive(Clone)]
pub struct Seen {
    link: Link,
    pub bytes: Vec<u8>,
    pub time_us: i64,
}

impl Seen {
    pub fn packet(&self) -> Option<Packet> {
        parse(self.link, &self.bytes, self.bytes.len() as u32, self.time_us).ok()
    }
}

pub fn frames(path: &std::path::Path) -> Vec<Seen> {
    let mut capture = Capture::open(path).unwrap();
    let (mut records, mut frames) = (Vec::new(), Vec::new());
    while capture.read(&mut records, 4096).is_ok() && !records.is_empty() {
        frames.extend(records.iter().map(|record| Seen {
            link: record.link,
            bytes: capture.bytes()[record.at..record.at + record.len as usize].to_vec(),
            time_us: record.time_us,
        }));
    }
    frames
}

fn print(batch: &Batch, row: usize) -> String {
    let values = COLUMNS.iter().map(|name| match batch.column(name) {
        Some(Column::U8(column)) => column.get(row).to_string(),
        Some(Column::U32(column)) => column.get(row).to_string(),
        Some(Column::U64(column)) => column.get(row).to_string(),
        Some(Column::I32(column)) => column.get(row).to_string(),
        Some(Column::I64(column)) => column.get(row).to_string(),
        Some(Column::Label(column)) => column.get(row).to_owned(),
        Some(Column::Text(column)) => column.get(row).to_owned(),
        _ => panic!("{name} is of another kind"),
    });
    values.collect::<Vec<String>>().join("|")
}

/// The requests that an engine tells of these frames, sorted.
pub fn requests(frames: &[Seen]) -> Vec<String> {
    let config = Config {
        l4_log: false,
        documents: false,
        ..Config::default()
    };
    let mut core = Core::new(config, false);
    for seen in frames {
        if let Some(packet) = seen.packet() {
            core.frames(&mut [Frame {
                packet,
                bytes: &seen.bytes,
                link: seen.link,
                passing: Passing::Unknown,
            }]);
        }
    }
    core.finish(false);
    let mut rows = Vec::new();
    while let Some(batch) = core.output.take() {
        if batch.table.name == "flow_log.l7_flow_log" {
            rows.extend((0..batch.rows).map(|row| print(&batch, row)));
        }
    }
    rows.sort();
    rows
}

/// Whether these two segments of one direction could have overtaken each other without anybody noticing.
fn may_swap(first: &Seen, second: &Seen) -> bool {
    let (Some(one), Some(two)) = (first.packet(), second.packet()) else {
        return false;
    };
    let is_data =
        |packet: &Packet| packet.protocol == TCP && packet.l4_bytes > 0 && packet.tcp_flags & (flag::SYN | flag::FIN | flag::RST) == 0;
    let same_way = (one.src, one.src_port, one.dst, one.dst_port) == (two.src, two.src_port, two.dst, two.dst_port);
    // What only the later one says, that the end of a burst has come, both must say or neither.
    is_data(&one) && is_data(&two) && same_way && one.ack == two.ack && second.time_us - first.time_us < 100_000
}

#[test]
fn segments_that_overtook_each_other_give_the_same_requests() {
    let mut swaps = 0;
    for path in PROTOCOLS.iter().flat_map(|protocol| captures(protocol.folder)) {
        let whole = frames(&path);
        let expected = requests(&whole);
        let mut random = Random(0x5eed);
        for _ in 0..TIMES {
            let (mut changed, mut at) = (whole.clone(), 0);
            while at + 1 < changed.len() {
                if random.below(2) == 0 && may_swap(&changed[at], &changed[at + 1]) {
                    changed.swap(at, at + 1);
                    let (early, late) = (changed[at + 1].time_us, changed[at].time_us);
                    (changed[at].time_us, changed[at + 1].time_us) = (early, late);
                    swaps += 1;
                    at += 1;
                }
                at += 1;
            }
            assert_eq!(requests(&changed), expected, "{}", path.display());
        }
    }
    assert!(swaps > 500, "hardly anything was out of order: {swaps}");
}

#[test]
fn segments_that_come_twice_give_the_same_requests() {
    for path in PROTOCOLS.iter().flat_map(|protocol| captures(protocol.folder)) {
        let whole = frames(&path);
        let expected = requests(&whole);
        let mut random = Random(0x5eed);
        for _ in 0..TIMES {
            let mut changed = Vec::new();
            let mut again: Vec<(usize, Seen)> = Vec::new();
            for (nth, seen) in whole.iter().enumerate() {
                changed.push(seen.clone());
                let is_segment = seen.packet().is_some_and(|packet| packet.protocol == TCP && packet.l4_bytes > 0);
                if is_segment && random.below(4) == 0 {
                    again.push((nth + random.below(6), seen.clone()));
                }
                for (_, late) in again.extract_if(.., |(when, _)| *when <= nth) {
                    changed.push(Seen {
                        time_us: seen.time_us,
                        ..late
                    });
                }
            }
            assert_eq!(requests(&changed), expected, "{}", path.display());
        }
    }
}

#[test]
fn any_split_into_segments_gives_the_same_rows() {
    for path in PROTOCOLS.iter().flat_map(|protocol| captures(protocol.folder)) {
        let payloads = read(&path);
        let expected = run(&payloads);
        let mut random = Random(0x5eed);
        for _ in 0..TIMES {
            let mut pieces = Vec::new();
            for payload in &payloads {
                if payload.flow.4 != 6 {
                    pieces.push(payload.clone());
                    continue;
                }
                let (mut rest, mut tcp_seq) = (payload.bytes.as_slice(), payload.tcp_seq);
                while !rest.is_empty() {
                    let (piece, left) = rest.split_at(rest.len().min(1 + random.below(700)));
                    pieces.push(Payload {
                        bytes: piece.to_vec(),
                        tcp_seq,
                        ..payload.clone()
                    });
                    (rest, tcp_seq) = (left, tcp_seq.wrapping_add(piece.len() as u32));
                }
            }
            let (rows, seen) = run(&pieces);
            for (line, whole) in rows.lines.iter().zip(&expected.0.lines) {
                assert_eq!(line, whole, "{}", path.display());
            }
            assert_eq!((rows, seen), expected, "{}", path.display());
        }
    }
}
