//! Publisher confirms: behind Confirm.Select the messages of a channel are numbered, and the broker acknowledges their numbers.

use super::method::{CHANNEL, CONNECTION};
use super::table::Fields;
use crate::l7::facts::Facts;

/// Channels that are remembered; beyond that publications are not paired.
const MAX_CHANNELS: usize = 256;
/// Keys of publications are apart from those of methods; the channel stands in front of the number.
const PUBLISHED: u64 = 1 << 63;
const CHANNEL_AT: u32 = 47;

#[derive(Clone, Copy, Debug)]
struct Confirmed {
    channel: u16,
    last: u64,
    /// Publications may have been missed, so that nobody knows the number of the next one.
    is_lost: bool,
}

impl Confirmed {
    fn key(self, tag: u64) -> u64 {
        PUBLISHED | u64::from(self.channel) << CHANNEL_AT | tag & ((1 << CHANNEL_AT) - 1)
    }
}

/// Channels whose publications are confirmed.
#[derive(Debug, Default)]
pub struct Confirms(Vec<Confirmed>);

impl Confirms {
    /// A method that may begin or end it.
    pub fn see(&mut self, class: u16, method: u16, channel: u16) {
        match (class, method) {
            (85, 10) if self.0.len() < MAX_CHANNELS && self.find(channel).is_none() => {
                self.0.push(Confirmed {
                    channel,
                    last: 0,
                    is_lost: false,
                });
            }
            (CHANNEL, 10 | 41) => self.0.retain(|confirmed| confirmed.channel != channel),
            (CONNECTION, 40) => self.0.clear(),
            _ => {}
        }
    }

    /// The key of the message that is published now; nothing where it will not be confirmed.
    pub fn publish(&mut self, channel: u16) -> Option<u64> {
        let confirmed = self.find(channel).filter(|confirmed| !confirmed.is_lost)?;
        confirmed.last += 1;
        Some(confirmed.key(confirmed.last))
    }

    /// Puts the keys that Basic.Ack or Basic.Nack is about; false where they are those of nobody.
    pub fn answer(&mut self, channel: u16, fields: &mut Fields<'_>, facts: &mut Facts) -> bool {
        let Some(confirmed) = self.find(channel) else { return false };
        let (Some(tag), Some(bits)) = (fields.u64(), fields.u8()) else {
            return false;
        };
        let is_multiple = bits & 1 != 0;
        // None of them is all of them so far.
        let tag = if tag == 0 && is_multiple { confirmed.last } else { tag };
        if tag > confirmed.last {
            return false;
        }
        facts.key = confirmed.key(tag);
        facts.first_key = Some(if is_multiple { confirmed.key(0) } else { facts.key });
        true
    }

    /// Every publication of a channel: what is not confirmed when it is closed in anger never will be.
    pub fn all(&mut self, channel: u16) -> Option<(u64, u64)> {
        let confirmed = self.find(channel).filter(|confirmed| confirmed.last > 0)?;
        Some((confirmed.key(0), confirmed.key(u64::MAX)))
    }

    /// Messages of the client are missing.
    pub fn lose_count(&mut self) {
        for confirmed in &mut self.0 {
            confirmed.is_lost = true;
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Confirmed>()
    }

    fn find(&mut self, channel: u16) -> Option<&mut Confirmed> {
        self.0.iter_mut().find(|confirmed| confirmed.channel == channel)
    }
}
