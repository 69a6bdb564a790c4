//! What a packet of each protocol costs in the application layer, from the captures that the tests have: `cargo bench --bench recorded [NAME…]`.
//!
//! Each connection of a capture is read from its beginning, again and again: guessing, handshakes and closing are part of it, as in short connections.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_native::l7::table::PROTOCOLS;
use weir_native::l7::{FlowL7, L7Packet, L7Row, L7Settings, L7Sink};
use weir_native::packet::parse;
use weir_native::pcap::Capture;

/// How long each protocol is measured.
const MEASURED_NS: f64 = 300e6;

#[derive(Default)]
struct Count {
    rows: u64,
    named: u64,
    name: &'static str,
}

impl L7Sink for Count {
    fn row(&mut self, row: &L7Row<'_>) {
        self.rows += 1;
        self.named += u64::from(row.protocol_name == self.name);
    }
}

struct Payload {
    flow: usize,
    from_client: bool,
    time_us: i64,
    seq: u32,
    ack: u32,
    wire_len: u32,
    ports: (u16, u16),
    protocol: u8,
    bytes: Vec<u8>,
}

/// The payload of every packet of a capture, and how many flows it has. Whoever speaks first is the client.
fn read(path: &Path) -> (Vec<Payload>, usize) {
    let mut capture = Capture::open(path).unwrap();
    let (mut records, mut payloads, mut flows) = (Vec::new(), Vec::new(), HashMap::new());
    loop {
        capture.read(&mut records, 1024).unwrap();
        if records.is_empty() {
            return (payloads, flows.len());
        }
        for record in &records {
            let frame = &capture.bytes()[record.at..record.at + record.len as usize];
            let Ok(packet) = parse(record.link, frame, record.wire, record.time_us) else {
                continue;
            };
            let (source, target) = ((packet.src, packet.src_port), (packet.dst, packet.dst_port));
            let number = flows.len();
            let &mut (flow, client) = flows
                .entry((source.min(target), source.max(target), packet.protocol))
                .or_insert((number, source));
            let from_client = client == source;
            if packet.l4_bytes > 0 {
                payloads.push(Payload {
                    flow,
                    from_client,
                    time_us: packet.time_us,
                    seq: packet.seq,
                    ack: packet.ack,
                    wire_len: packet.l4_bytes,
                    ports: if from_client { (source.1, target.1) } else { (target.1, source.1) },
                    protocol: packet.protocol,
                    bytes: frame[packet.payload_at as usize..][..packet.payload_len as usize].to_vec(),
                });
            }
        }
    }
}

/// Reads them all once.
fn pass(payloads: &[Payload], flows: usize, settings: &Arc<L7Settings>, sink: &mut Count) {
    let mut flows: Vec<FlowL7> = (0..flows).map(|_| FlowL7::new(settings)).collect();
    for payload in payloads {
        let packet = L7Packet {
            time_us: payload.time_us,
            from_client: payload.from_client,
            payload: &payload.bytes,
            wire_len: payload.wire_len,
            tcp_seq: payload.seq,
            tcp_ack: payload.ack,
            protocol: payload.protocol,
            client_port: payload.ports.0,
            server_port: payload.ports.1,
        };
        flows[payload.flow].packet(&packet, sink);
    }
    let end_us = payloads.last().map_or(0, |payload| payload.time_us);
    for flow in &mut flows {
        flow.close(end_us, sink);
    }
}

fn captures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/l7").join(folder);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "pcap"))
        .collect()
}

fn measure(name: &'static str, folder: &str) {
    let files: Vec<_> = captures(folder).iter().map(|path| read(path)).collect();
    let packets: usize = files.iter().map(|(payloads, _)| payloads.len()).sum();
    let settings = Arc::new(L7Settings::default());
    let mut sink = Count { name, ..Count::default() };
    let all = |sink: &mut Count| files.iter().for_each(|(payloads, flows)| pass(payloads, *flows, &settings, sink));
    all(&mut sink);
    let rows = sink.rows;
    assert!(sink.named > 0, "no capture of {folder} has a row of {name}");
    let (start, mut passes) = (cpu_ns(), 0u64);
    while cpu_ns() - start < MEASURED_NS {
        all(&mut sink);
        passes += 1;
    }
    let elapsed = (cpu_ns() - start) / passes as f64;
    println!(
        "{name:12} {:7.0} ns/packet  {:7.0} ns/row   {packets:5} packets, {rows:5} rows",
        elapsed / packets as f64,
        elapsed / rows as f64
    );
}

/// CPU time of this thread: the machine may be doing other things.
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word.eq_ignore_ascii_case(name));
    for protocol in PROTOCOLS.iter().filter(|protocol| is_wanted(protocol.name)) {
        measure(protocol.name, protocol.folder);
    }
}
