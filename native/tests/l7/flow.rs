//! One flow, driven by hand.

use crate::rows::Rows;
use std::sync::Arc;
use weir_native::l7::{FlowL7, L7Packet, L7Seen, L7Settings};

pub const CLIENT: bool = true;
pub const SERVER: bool = false;

/// A flow with its clock and its sequence numbers.
pub struct Flow {
    pub l7: FlowL7,
    pub rows: Rows,
    pub seen: L7Seen,
    pub now_us: i64,
    sequence: [u32; 2],
    protocol: u8,
    server_port: u16,
}

impl Flow {
    pub fn new(protocol: u8, server_port: u16) -> Flow {
        Flow::with(protocol, server_port, L7Settings::default())
    }

    pub fn with(protocol: u8, server_port: u16, settings: L7Settings) -> Flow {
        Flow {
            l7: FlowL7::new(&Arc::new(settings)),
            rows: Rows::default(),
            seen: L7Seen::default(),
            now_us: 1_000_000_000,
            sequence: [1000, 5000],
            protocol,
            server_port,
        }
    }

    pub fn tcp() -> Flow {
        Flow::new(6, 80)
    }

    /// One packet, a millisecond after the one before.
    pub fn send(&mut self, from_client: bool, payload: &[u8]) -> &mut Flow {
        self.now_us += 1000;
        self.snapped(from_client, payload, 0)
    }

    /// One packet of which the capture left out the last `missing` bytes; the clock stands still.
    pub fn snapped(&mut self, from_client: bool, payload: &[u8], missing: u32) -> &mut Flow {
        let wire_len = payload.len() as u32 + missing;
        let tcp_ack = if self.protocol == 6 {
            self.sequence[usize::from(from_client)]
        } else {
            0
        };
        let sequence = &mut self.sequence[usize::from(!from_client)];
        let packet = L7Packet {
            time_us: self.now_us,
            from_client,
            payload,
            wire_len,
            tcp_seq: if self.protocol == 6 { *sequence } else { 0 },
            tcp_ack,
            protocol: self.protocol,
            client_port: 40000,
            server_port: self.server_port,
        };
        *sequence += wire_len;
        self.seen += self.l7.packet(&packet, &mut self.rows);
        self
    }

    /// The same bytes, one a packet, all at the same time.
    pub fn drip(&mut self, from_client: bool, payload: &[u8]) -> &mut Flow {
        self.now_us += 1000;
        for byte in payload {
            self.snapped(from_client, std::slice::from_ref(byte), 0);
        }
        self
    }

    pub fn gap(&mut self, from_client: bool, missing: u32) -> &mut Flow {
        self.sequence[usize::from(!from_client)] += missing;
        self.seen += self.l7.gap(from_client, missing, self.now_us, &mut self.rows);
        self
    }

    pub fn wait(&mut self, seconds: i64) -> &mut Flow {
        self.now_us += seconds * 1_000_000;
        self.seen += self.l7.tick(self.now_us, &mut self.rows);
        self
    }

    pub fn close(&mut self) -> Rows {
        self.seen += self.l7.close(self.now_us, &mut self.rows);
        assert!(self.l7.is_idle(), "a closed flow has nothing left to report");
        self.rows.clone()
    }
}
