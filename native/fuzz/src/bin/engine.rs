//! The whole engine: frames in, rows out, every protocol on, and the rows written as other tools' logs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_fuzz::budget::Budget;
use weir_fuzz::steps::steps;
use weir_native::engine::{BATCH, Config, Core, Frame, Passing};
use weir_native::export::ipfix::Exporter;
use weir_native::export::logs::{Dialect, Logs};
use weir_native::packet::{Link, parse};

const LINKS: [Link; 5] = [Link::Ethernet, Link::Raw, Link::Null, Link::Sll, Link::Sll2];
/// What the engine may hold with so few flows, whatever it is fed.
const BOUND: usize = 256 << 20;
const MESSAGE: usize = 1400;

fuzz_target!(|input: &[u8]| {
    let config = Config {
        max_flows: 64,
        l4_rows_per_s: 50,
        ..Config::default()
    };
    let budget = Budget::begin(BOUND, input);
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
    export(&mut core);
    assert_eq!(core.alive(), 0);
    assert!(core.bytes() < BOUND, "the engine says that it holds {} bytes", core.bytes());
    let counters: std::collections::HashMap<_, _> = core.counters().into_iter().collect();
    assert_eq!(
        counters["packets"] + counters.get("fragment_orphans").copied().unwrap_or(0),
        fed,
        "each packet is counted"
    );
    budget.end(fed > 0);
});

/// Takes every batch, in every form it can leave in.
fn export(core: &mut Core) {
    let (mut exporter, mut zeek, mut eve) = (Exporter::new(1), Logs::new(Dialect::Zeek, 0), Logs::new(Dialect::Eve, 0));
    while let Some(batch) = core.output.take() {
        assert!(batch.rows > 0);
        for message in exporter.messages(&batch, 0, MESSAGE) {
            let said = usize::from(u16::from_be_bytes([message[2], message[3]]));
            assert!(
                message.len() <= MESSAGE && said == message.len(),
                "a message of IPFIX has another length"
            );
        }
        for lines in zeek.lines(&batch).into_iter().chain(eve.lines(&batch)) {
            let text = std::str::from_utf8(&lines.text).expect("a log is text");
            assert!(text.is_empty() || text.ends_with('\n'), "a line has no end");
            assert!(text.lines().count() >= lines.records, "a record is not a line");
            let is_eve = lines.file.ends_with("json");
            assert!(
                !is_eve || text.lines().all(|line| line.starts_with('{') && line.ends_with('}')),
                "a line is no object"
            );
        }
    }
    zeek.end(0);
}
