//! One parser behind its flow: `WEIR_FUZZ_PROTOCOL` says which one, all others are left out.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};
use weir_fuzz::{FROM_SERVER, GAP, LATER, steps};
use weir_native::l7::table::{PROTOCOLS, Protocol};
use weir_native::l7::{FlowL7, L7Packet, L7Row, L7Seen, L7Settings, L7Sink};

/// What one flow may hold, whatever it is fed.
const BOUND: usize = 4 << 20;

struct Count(u64);

impl L7Sink for Count {
    fn row(&mut self, row: &L7Row<'_>) {
        self.0 += 1;
        assert!(row.endpoint.len() + row.request_resource.len() < 1 << 20, "a text is not bounded");
    }
}

fn chosen() -> &'static (&'static Protocol, Arc<L7Settings>) {
    static CHOSEN: OnceLock<(&'static Protocol, Arc<L7Settings>)> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("WEIR_FUZZ_PROTOCOL").expect("WEIR_FUZZ_PROTOCOL is the name of a protocol");
        let protocol = PROTOCOLS
            .iter()
            .find(|protocol| protocol.name == name)
            .expect("WEIR_FUZZ_PROTOCOL is in the table");
        let left_out = PROTOCOLS.iter().map(|other| other.id).filter(|id| *id != protocol.id).collect();
        (
            protocol,
            Arc::new(L7Settings {
                left_out,
                max_guesses: u8::MAX,
                ..L7Settings::default()
            }),
        )
    })
}

fuzz_target!(|input: &[u8]| {
    let (protocol, settings) = chosen();
    let transport = protocol.transports[usize::from(input.first().is_some_and(|byte| byte & 0x80 != 0)) % protocol.transports.len()];
    let (mut flow, mut rows, mut seen) = (FlowL7::new(settings), Count(0), L7Seen::default());
    let (mut time_us, mut next) = (1_700_000_000_000_000, [1u32; 2]);
    for step in steps(input) {
        time_us += if step.what & LATER != 0 { 1_000_000 } else { 10 };
        if step.what & LATER != 0 {
            seen += flow.tick(time_us, &mut rows);
        }
        let from_client = step.what & FROM_SERVER == 0;
        let seq = &mut next[usize::from(!from_client)];
        if step.what & GAP != 0 {
            *seq = seq.wrapping_add(u32::from(step.announced));
            seen += flow.gap(from_client, u32::from(step.announced), time_us, &mut rows);
        } else if !step.bytes.is_empty() {
            let packet = L7Packet {
                time_us,
                from_client,
                payload: step.bytes,
                wire_len: step.bytes.len() as u32,
                tcp_seq: if transport == 6 { *seq } else { 0 },
                protocol: transport,
                client_port: 40_000,
                server_port: 40_001,
            };
            *seq = seq.wrapping_add(step.bytes.len() as u32);
            seen += flow.packet(&packet, &mut rows);
        }
        assert!(flow.heap_bytes() < BOUND, "a flow holds {} bytes", flow.heap_bytes());
    }
    seen += flow.close(time_us, &mut rows);
    assert!(
        rows.0 <= u64::from(seen.requests) + u64::from(seen.responses),
        "{} rows of {seen:?}",
        rows.0
    );
});
