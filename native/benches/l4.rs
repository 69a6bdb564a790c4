//! What one packet costs in the engine: `cargo bench --bench l4`.
//!
//! Every capture is made in memory, so what is timed is parsing, looking up, measuring and the rows and documents of each second.

use std::hint::black_box;
use weir_native::engine::{BATCH, Config, Core, Frame, Passing};
use weir_native::packet::{Link, parse};

const BEGIN_US: i64 = 1_700_000_000_000_000;
const FIN_ACK: u8 = 17;
const SYN: u8 = 2;
const SYN_ACK: u8 = 18;
const ACK: u8 = 16;
const PSH_ACK: u8 = 24;

/// One Ethernet frame: TCP from `from` to `to`, or back.
fn frame(flow: u32, is_back: bool, flags: u8, seq: [u32; 2], payload: usize) -> Vec<u8> {
    let (client, server) = ((10 << 24 | (flow >> 4)).to_be_bytes(), [10, 200, 0, 1]);
    let ports = [40_000 + (flow & 15) as u16, 80];
    let (src, dst) = if is_back { (server, client) } else { (client, server) };
    let (src_port, dst_port) = if is_back { (ports[1], ports[0]) } else { (ports[0], ports[1]) };
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend((40 + payload as u16).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    frame.extend(src);
    frame.extend(dst);
    frame.extend(src_port.to_be_bytes());
    frame.extend(dst_port.to_be_bytes());
    frame.extend(seq[usize::from(is_back)].to_be_bytes());
    frame.extend(seq[usize::from(!is_back)].to_be_bytes());
    frame.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
    frame.resize(frame.len() + payload, b'x');
    frame
}

/// Frames of `flows` connections that live side by side, with `rounds` requests and answers each.
fn conversations(flows: u32, rounds: u32) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut step = |is_back: bool, flags: u8, seq: [u32; 2], payload: usize| {
        frames.extend((0..flows).map(|flow| frame(flow, is_back, flags, seq, payload)));
    };
    step(false, SYN, [1000, 0], 0);
    step(true, SYN_ACK, [1001, 5000], 0);
    step(false, ACK, [1001, 5001], 0);
    for round in 0..rounds {
        let (sent, came) = (1001 + round * 20, 5001 + round * 100);
        step(false, PSH_ACK, [sent, came], 20);
        step(true, ACK, [sent + 20, came], 0);
        step(true, PSH_ACK, [sent + 20, came], 100);
        step(false, ACK, [sent + 20, came + 100], 0);
    }
    let (sent, came) = (1001 + rounds * 20, 5001 + rounds * 100);
    step(false, FIN_ACK, [sent, came], 0);
    step(true, FIN_ACK, [sent + 1, came], 0);
    step(false, ACK, [sent + 1, came + 1], 0);
    frames
}

fn run(frames: &[Vec<u8>], packets_per_s: i64) -> (f64, usize) {
    let config = Config {
        l7: false,
        max_flows: 1 << 20,
        max_ready_bytes: usize::MAX,
        ..Config::default()
    };
    let mut core = Core::new(config, false);
    let (start, mut rows) = (cpu_ns(), 0);
    for (nth, some) in frames.chunks(BATCH).enumerate() {
        let mut batch: Vec<Frame<'_>> = Vec::with_capacity(BATCH);
        for (at, bytes) in some.iter().enumerate() {
            let time_us = BEGIN_US + (nth * BATCH + at) as i64 * 1_000_000 / packets_per_s;
            let Ok(packet) = parse(Link::Ethernet, black_box(bytes), bytes.len() as u32, time_us) else {
                continue;
            };
            batch.push(Frame {
                packet,
                bytes,
                link: Link::Ethernet,
                passing: Passing::Unknown,
            });
        }
        core.frames(&mut batch);
        while let Some(batch) = core.output.take() {
            rows += batch.rows;
        }
    }
    core.finish(false);
    while let Some(batch) = core.output.take() {
        rows += batch.rows;
    }
    ((cpu_ns() - start) as f64 / frames.len() as f64, rows)
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists and `time` is a timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn main() {
    for (name, flows, rounds) in [
        ("few flows, long", 200, 2_000),
        ("many flows, 26 packets", 50_000, 5),
        ("many flows, 10 packets", 100_000, 1),
    ] {
        let frames = conversations(flows, rounds);
        let runs: Vec<(f64, usize)> = (0..5).map(|_| run(&frames, 2_000_000)).collect();
        let best = runs.iter().map(|(ns, _)| *ns).fold(f64::INFINITY, f64::min);
        println!("{name:<28} {best:6.1} ns a packet, {} packets, {} rows", frames.len(), runs[0].1);
    }
}
