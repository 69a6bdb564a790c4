//! One parser behind its flow: `WEIR_FUZZ_PROTOCOL` says which one, all others are left out.
//!
//! Each input is read twice, the second time with every TCP segment cut in two: the rows must be the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};
use weir_fuzz::budget::Budget;
use weir_fuzz::digest::Rows;
use weir_fuzz::steps::{FROM_SERVER, GAP, Head, LATER, steps};
use weir_native::l7::table::{PROTOCOLS, Protocol};
use weir_native::l7::{FlowL7, L7Packet, L7Seen, L7Settings};

/// What one flow may hold, whatever it is fed.
const BOUND: usize = 4 << 20;
const TCP: u8 = 6;

fn chosen() -> &'static (&'static Protocol, Arc<L7Settings>) {
    static CHOSEN: OnceLock<(&'static Protocol, Arc<L7Settings>)> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("WEIR_FUZZ_PROTOCOL").expect("WEIR_FUZZ_PROTOCOL is the name of a protocol");
        let protocol = PROTOCOLS
            .iter()
            .find(|protocol| protocol.name == name)
            .expect("WEIR_FUZZ_PROTOCOL is in the table");
        let left_out = PROTOCOLS.iter().map(|other| other.id).filter(|id| *id != protocol.id).collect();
        let settings = L7Settings {
            left_out,
            max_guesses: u8::MAX,
            ..L7Settings::default()
        };
        (protocol, Arc::new(settings))
    })
}

/// What one reading of an input came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading {
    rows: Rows,
    seen: L7Seen,
    /// The protocol was recognised in the first packet.
    known_at_once: bool,
    known: bool,
}

/// Reads the steps as packets of a flow; with `cut`, every segment as two, the first one of at most so many bytes.
fn read(head: Head, input: &[u8], cut: Option<usize>, prints: bool) -> Reading {
    let (protocol, settings) = chosen();
    let transport = protocol.transports[usize::from(head.transport) % protocol.transports.len()];
    let (mut flow, mut reading) = (FlowL7::new(settings), Reading::default());
    reading.rows.printed = prints.then(Vec::new);
    let (mut time_us, mut next, mut is_first) = (1_700_000_000_000_000, [1u32; 2], true);
    for step in steps(input) {
        time_us += if step.what & LATER != 0 { 1_000_000 } else { 10 };
        if step.what & LATER != 0 {
            reading.seen += flow.tick(time_us, &mut reading.rows);
        }
        let from_client = step.what & FROM_SERVER == 0;
        let ack = next[usize::from(from_client)];
        let seq = &mut next[usize::from(!from_client)];
        if step.what & GAP != 0 {
            *seq = seq.wrapping_add(u32::from(step.announced));
            reading.seen += flow.gap(from_client, u32::from(step.announced), time_us, &mut reading.rows);
            continue;
        }
        let at = cut.filter(|_| transport == TCP).map_or(0, |cut| cut.min(step.bytes.len()));
        for bytes in <[&[u8]; 2]>::from(step.bytes.split_at(at)) {
            if bytes.is_empty() {
                continue;
            }
            let packet = L7Packet {
                time_us,
                from_client,
                payload: bytes,
                wire_len: bytes.len() as u32,
                tcp_seq: if transport == TCP { *seq } else { 0 },
                tcp_ack: if transport == TCP { ack } else { 0 },
                protocol: transport,
                client_port: head.client_port,
                server_port: head.server_port,
            };
            *seq = seq.wrapping_add(bytes.len() as u32);
            reading.seen += flow.packet(&packet, &mut reading.rows);
            assert!(flow.heap_bytes() < BOUND, "a flow says that it holds {} bytes", flow.heap_bytes());
        }
        reading.known |= flow.protocol() != 0;
        reading.known_at_once |= is_first && flow.protocol() != 0;
        is_first = false;
    }
    reading.seen += flow.close(time_us, &mut reading.rows);
    assert!(flow.is_idle(), "a closed flow has nothing left to report");
    let (rows, seen) = (reading.rows.digests.len() as u64, reading.seen);
    assert!(
        rows <= u64::from(seen.requests) + u64::from(seen.responses),
        "{rows} rows of {seen:?}"
    );
    reading
}

fuzz_target!(|input: &[u8]| {
    let Some((head, rest)) = Head::read(input) else { return };
    let budget = Budget::begin(BOUND + 64 * input.len(), input);
    let whole = read(head, rest, None, false);
    // Where bytes are missing or make no sense, what is found behind them may depend on what was seen at once; and a message of HTTP/1 that is
    // answered before its end came is over where a segment begins with another.
    let breaks_off = |reading: &Reading| chosen().0.name == "HTTP" && reading.rows.has_unfinished;
    let is_sound = |reading: &Reading| reading.known_at_once && reading.seen.parse_failed == 0 && !breaks_off(reading);
    if is_sound(&whole) && steps(rest).all(|step| step.what & GAP == 0) {
        let cut = 1 + input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 61;
        let pieces = read(head, rest, Some(cut), false);
        if is_sound(&pieces) && pieces != whole {
            let [whole, pieces] = [None, Some(cut)].map(|cut| read(head, rest, cut, true));
            panic!("with segments cut after {cut} bytes, other rows came out:\n{pieces:#?}\ninstead of\n{whole:#?}");
        }
    }
    budget.end(whole.known);
});
