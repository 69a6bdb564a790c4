//! ICMP: echoes go to the application layer, errors to the flow whose packet they quote.

use super::{Core, Frame};
use crate::flow::key::Key;
use crate::l7::ping;
use crate::packet::{Fragment, quoted};

impl Core {
    /// Looks into an ICMP message of flow `slot`, which was counted already.
    #[inline(never)]
    pub(super) fn icmp(&mut self, slot: u32, frame: &Frame<'_>, way: usize, scope: u16) {
        let packet = &frame.packet;
        let begin = packet.payload_at as usize;
        let message = frame.bytes.get(begin..begin + packet.payload_len as usize).unwrap_or(&[]);
        let Some(kind) = message.first().filter(|_| packet.fragment != Fragment::Later) else {
            return;
        };
        if ping::is_echo(packet.protocol, *kind) {
            if self.config.l7 {
                self.payload(slot, frame, way);
            }
            return;
        }
        let Some((trouble, inner)) = quoted(packet.protocol, message) else {
            return;
        };
        let (key, _) = Key::of(&inner, scope);
        let flows = &self.flows;
        match self.index.find(self.seed.hash(&key), |slot| flows.get(slot).key == key) {
            Some(about) => self.cold.get_mut(about).extra_mut().troubles.get_or_insert_default().add(trouble),
            None => self.stats.icmp_errors_unknown += 1,
        }
    }
}
