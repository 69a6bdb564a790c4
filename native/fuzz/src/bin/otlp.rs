//! What anybody can post to an ingester: OTLP in both forms, decoded and written as the store's blocks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_fuzz::budget::Budget;
use weir_native::otlp::gather::{Content, Decoder, Gather, Request, Signal, prepare};
use weir_native::otlp::inflate::Encoding;

/// Bodies may be so large when they are inflated.
const MAX_BODY: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((&what, body)) = input.split_first() else { return };
    let budget = Budget::begin((192 << 20) + 64 * input.len(), input);
    budget.end(read(what, body).is_some_and(|rows| rows > 0));
});

/// Rows of one body; `None` where it was refused.
fn read(what: u8, body: &[u8]) -> Option<usize> {
    let request = Request {
        signal: if what & 1 == 0 { Signal::Traces } else { Signal::Logs },
        content: if what & 2 == 0 { Content::Protobuf } else { Content::Json },
        encoding: if what & 4 == 0 { Encoding::Identity } else { Encoding::Zstd },
        batch_id: 1,
        now_us: 1_700_000_000_000_000,
        max_bytes: MAX_BODY,
    };
    let mut gather = Gather::new(if what & 8 == 0 { Decoder::FlowLog } else { Decoder::FlowMetrics }, None);
    let body = prepare(body, &request).ok()?;
    let rows = gather.append(&body, &request).map_or(0, |appended| appended.rows);
    assert_eq!(gather.rows(), rows, "what was refused leaves nothing behind");
    assert!(gather.nbytes() < (64 << 20) + 64 * body.len());
    let stored: usize = gather.take().iter().map(|batch| batch.rows).sum();
    assert_eq!(stored, rows);
    Some(rows)
}
