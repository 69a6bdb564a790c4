//! The whole engine: frames in, rows out, every protocol on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_fuzz::steps;
use weir_native::engine::{BATCH, Config, Core, Frame, Passing};
use weir_native::packet::{Link, parse};

const LINKS: [Link; 5] = [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2];
/// What the engine may hold with so few flows, whatever it is fed.
const BOUND: usize = 256 << 20;

fuzz_target!(|input: &[u8]| {
    let config = Config {
        max_flows: 64,
        l4_rows_per_s: 50,
        ..Config::default()
    };
    let mut core = Core::new(config, false);
    let (mut time_us, mut frames, mut fed) = (1_700_000_000_000_000_i64, Vec::with_capacity(BATCH), 0u64);
    for step in steps(input) {
        // The high bits are the time that passes: nothing, a moment, a second, a minute.
        time_us += [0, 700, 1_000_000, 61_000_000][usize::from(step.what >> 6)];
        let link = LINKS[usize::from(step.what >> 2 & 7) % LINKS.len()];
        if let Ok(packet) = parse(link, step.bytes, u32::from(step.announced), time_us) {
            fed += 1;
            frames.push(Frame {
                packet,
                bytes: step.bytes,
                link,
                passing: Passing::Unknown,
            });
        }
        if frames.len() == BATCH {
            core.frames(&mut frames);
            frames.clear();
        }
    }
    core.frames(&mut frames);
    core.finish(false);
    while let Some(batch) = core.output.take() {
        assert!(batch.rows > 0);
    }
    assert_eq!(core.alive(), 0);
    assert!(core.bytes() < BOUND, "the engine holds {} bytes", core.bytes());
    let counters: std::collections::HashMap<_, _> = core.counters().into_iter().collect();
    assert_eq!(
        counters["packets"] + counters.get("fragment_orphans").copied().unwrap_or(0),
        fed,
        "each packet is counted"
    );
});
