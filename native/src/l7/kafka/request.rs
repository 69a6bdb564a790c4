//! What requests ask for: topics, partitions, offsets, groups.

use super::Kafka;
use super::api::{API_VERSIONS, FETCH, PRODUCE, SASL_HANDSHAKE};
use super::record;
use super::wire::Wire;
use crate::l7::facts::{Facts, Slot};
use std::borrow::Cow;

/// Names of one request that are told.
const MAX_NAMES: usize = 16;

/// `topic-partition` for the endpoint, with `:offset` for the resource where there is one.
pub fn place(topic: &[u8], partition: i32, offset: Option<i64>, facts: &mut Facts) {
    let mut buffer = itoa::Buffer::new();
    // No broker allows longer names.
    let topic = &topic[..topic.len().min(249)];
    let slot = if offset.is_some() { Slot::Resource } else { Slot::Endpoint };
    facts.put(slot, topic);
    let topic_size = facts.get(slot).len();
    facts.extend(slot, b"-");
    facts.extend(slot, buffer.format(partition).as_bytes());
    if let Some(offset) = offset {
        let size = facts.get(slot).len();
        facts.put_front(Slot::Endpoint, slot, size);
        facts.extend(slot, b":");
        facts.extend(slot, buffer.format(offset).as_bytes());
    }
    facts.put_front(Slot::Domain, slot, topic_size);
}

fn group(name: &[u8], facts: &mut Facts) {
    facts.attribute("messaging.consumer.group.name", name);
}

/// Names joined by commas.
fn names<'a>(count: usize, mut next: impl FnMut() -> Option<&'a [u8]>, facts: &mut Facts) -> Option<()> {
    for at in 0..count.min(MAX_NAMES) {
        let name = next()?;
        if at == 0 {
            facts.put(Slot::Resource, name);
        } else {
            facts.extend(Slot::Resource, b",");
            facts.extend(Slot::Resource, name);
        }
    }
    Some(())
}

impl Kafka {
    /// A topic by its name, or by its identifier as far as it is known.
    pub(super) fn topic<'a, 'w: 'a>(&'a self, by_id: bool, wire: &mut Wire<'w>) -> Option<Cow<'a, [u8]>> {
        if by_id {
            return wire.uuid().map(|id| self.name_of(id));
        }
        wire.text().map(Cow::Borrowed)
    }

    /// Reads the body of a request as far as it is there; whether it will be answered.
    pub(super) fn request(&self, key: i16, version: i16, wire: &mut Wire<'_>, facts: &mut Facts) -> bool {
        let mut answered = true;
        let _cut = match key {
            PRODUCE => self.produce(version, wire, facts, &mut answered),
            FETCH => self.fetch(version, wire, facts),
            2 | 8 | 9 | 21 | 23 => self.partitions(key, version, wire, facts),
            API_VERSIONS if version >= 3 => software(wire, facts),
            _ => named(key, version, wire, facts),
        };
        answered
    }

    fn produce(&self, version: i16, wire: &mut Wire<'_>, facts: &mut Facts, answered: &mut bool) -> Option<()> {
        if version >= 3 {
            let transaction = wire.text()?;
            if !transaction.is_empty() {
                facts.attribute("kafka.transactional_id", transaction);
            }
        }
        *answered = wire.i16()? != 0;
        wire.skip(4)?;
        if wire.list()? == 0 {
            return None;
        }
        let topic = self.topic(version >= 13, wire)?;
        if wire.list()? == 0 {
            return None;
        }
        place(&topic, wire.i32()?, None, facts);
        let size = wire.blob()?;
        record::batch(&wire.rest()[..wire.rest().len().min(size)], facts)
    }

    fn fetch(&self, version: i16, wire: &mut Wire<'_>, facts: &mut Facts) -> Option<()> {
        wire.skip(if version < 15 { 12 } else { 8 })?;
        wire.skip(if version >= 3 { 4 } else { 0 } + if version >= 4 { 1 } else { 0 } + if version >= 7 { 8 } else { 0 })?;
        if wire.list()? == 0 {
            return None;
        }
        let topic = self.topic(version >= 13, wire)?;
        if wire.list()? == 0 {
            return None;
        }
        let partition = wire.i32()?;
        wire.skip(if version >= 9 { 4 } else { 0 })?;
        place(&topic, partition, Some(wire.i64()?), facts);
        Some(())
    }

    /// Requests about topics and their partitions: the first of them is told.
    fn partitions(&self, key: i16, version: i16, wire: &mut Wire<'_>, facts: &mut Facts) -> Option<()> {
        let mut by_id = false;
        match key {
            2 => wire.skip(if version >= 2 { 5 } else { 4 })?,
            23 => wire.skip(if version >= 3 { 4 } else { 0 })?,
            8 => {
                group(wire.text()?, facts);
                if version >= 1 {
                    wire.skip(4)?;
                    wire.text()?;
                }
                if version >= 7 {
                    wire.text()?;
                }
                wire.skip(if (2..=4).contains(&version) { 8 } else { 0 })?;
                by_id = version >= 10;
            }
            9 => {
                if version >= 8 && wire.list()? == 0 {
                    return None;
                }
                group(wire.text()?, facts);
                if version >= 9 {
                    wire.text()?;
                    wire.skip(4)?;
                }
                by_id = version >= 10;
            }
            _ => {}
        }
        if wire.list()? == 0 {
            return None;
        }
        let topic = self.topic(by_id, wire)?;
        if wire.list()? == 0 {
            return None;
        }
        let partition = wire.i32()?;
        let offset = match key {
            8 | 21 => Some(wire.i64()?),
            _ => None,
        };
        place(&topic, partition, offset, facts);
        Some(())
    }
}

fn software(wire: &mut Wire<'_>, facts: &mut Facts) -> Option<()> {
    let (name, version) = (wire.text()?, wire.text()?);
    facts.put(Slot::UserAgent, name);
    facts.extend(Slot::UserAgent, b"/");
    facts.extend(Slot::UserAgent, version);
    Some(())
}

/// Requests about things with names: topics, groups, transactions.
fn named(key: i16, version: i16, wire: &mut Wire<'_>, facts: &mut Facts) -> Option<()> {
    match key {
        // Topics, all of them where there is no list.
        3 => {
            let count = wire.list()?;
            let next = || {
                wire.skip(if version >= 10 { 16 } else { 0 })?;
                let name = wire.text()?;
                wire.tags()?;
                Some(name)
            };
            names(count, next, facts)?;
            if count == 1 {
                facts.put_same(Slot::Domain, Slot::Resource);
            }
        }
        // Who coordinates a group.
        10 => {
            if version >= 4 {
                wire.skip(1)?;
                let count = wire.list()?;
                return names(count, || wire.text(), facts);
            }
            facts.put(Slot::Resource, wire.text()?);
        }
        11..=14 | 68 | 76 | 88 => {
            let name = wire.text()?;
            facts.put(Slot::Resource, name);
            group(name, facts);
        }
        15 | 42 | 69 | 77 => {
            let count = wire.list()?;
            names(count, || wire.text(), facts)?;
        }
        20 if version < 6 => {
            let count = wire.list()?;
            names(count, || wire.text(), facts)?;
        }
        // The first of a list of objects that begin with their names.
        19 | 20 | 37 => first(wire, facts)?,
        25 | 28 => {
            facts.put(Slot::Resource, wire.text()?);
            wire.skip(if key == 25 { 10 } else { 0 })?;
            group(wire.text()?, facts);
        }
        24 if version >= 4 => first(wire, facts)?,
        SASL_HANDSHAKE | 22 | 24 | 26 => facts.put(Slot::Resource, wire.text()?),
        _ => {}
    }
    Some(())
}

/// The name that the first object of a list begins with.
fn first(wire: &mut Wire<'_>, facts: &mut Facts) -> Option<()> {
    if wire.list()? > 0 {
        facts.put(Slot::Resource, wire.text()?);
    }
    Some(())
}
