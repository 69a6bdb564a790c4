//! The application side of one flow.

use super::{L7Packet, L7Seen, L7Settings, L7Sink};
use std::sync::Arc;

/// Application-layer state of one flow. Make it when the first payload comes; drop it when [`FlowL7::is_done`].
pub struct FlowL7 {
    _settings: Arc<L7Settings>,
}

impl FlowL7 {
    pub fn new(settings: &Arc<L7Settings>) -> FlowL7 {
        FlowL7 {
            _settings: Arc::clone(settings),
        }
    }

    /// Reads the payload of one packet.
    pub fn packet(&mut self, _packet: &L7Packet<'_>, _sink: &mut dyn L7Sink) -> L7Seen {
        L7Seen::default()
    }

    /// `missing` bytes of TCP payload will never come; what comes next in this direction lies behind them.
    pub fn gap(&mut self, _from_client: bool, _missing: u32, _now_us: i64, _sink: &mut dyn L7Sink) -> L7Seen {
        L7Seen::default()
    }

    /// Gives up requests that waited too long. Call about once a second, or at each look at the flow.
    pub fn tick(&mut self, _now_us: i64, _sink: &mut dyn L7Sink) -> L7Seen {
        L7Seen::default()
    }

    /// The flow is over: reports everything that is still open.
    pub fn close(&mut self, _now_us: i64, _sink: &mut dyn L7Sink) -> L7Seen {
        L7Seen::default()
    }

    /// Whether nothing is open, so that `tick` and `close` have nothing to report.
    pub fn is_idle(&self) -> bool {
        true
    }

    /// The recognised protocol's id, 0 for none.
    pub fn protocol(&self) -> u8 {
        0
    }

    /// Bytes held on the heap besides `size_of::<FlowL7>()`.
    pub fn heap_bytes(&self) -> usize {
        0
    }
}
