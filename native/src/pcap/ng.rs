//! pcapng (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>): sections, interfaces, enhanced, simple and old packet blocks.

use super::source::Source;
use super::{MAX_RECORD, Next, Order, Record};
use crate::packet::Link;

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
/// Interfaces of one section; a file that describes more is not a capture of anything.
const MAX_INTERFACES: usize = 65_536;

pub(super) fn is_section(head: &[u8]) -> bool {
    head.starts_with(&SECTION.to_be_bytes())
        && matches!(head.get(8..12), Some(order) if order == BYTE_ORDER || order.iter().rev().eq(&BYTE_ORDER))
}

/// How an interface counts time: `ticks` a second, from `offset_s` on.
struct Interface {
    link: Link,
    snap: u32,
    ticks: u64,
    offset_s: i64,
}

/// State of the section being read.
#[derive(Default)]
pub(super) struct Sections {
    order: Order,
    interfaces: Vec<Interface>,
}

impl Sections {
    #[inline]
    pub(super) fn next(&mut self, source: &mut Source) -> Next {
        let bytes = source.bytes();
        if bytes.len() < 12 {
            return Next::More(12);
        }
        if is_section(bytes) {
            self.order = Order {
                big: bytes[8] == BYTE_ORDER[0],
            };
            self.interfaces.clear();
        }
        let kind = self.order.u32(bytes, 0);
        let length = self.order.u32(bytes, 4) as usize;
        if length < 12 || !length.is_multiple_of(4) || length > MAX_RECORD + 4096 {
            return Next::Corrupt;
        }
        if bytes.len() < length {
            return Next::More(length);
        }
        let body = &bytes[8..length - 4];
        let found = match kind {
            1 => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(Interface::read(body, self.order));
                }
                None
            }
            6 => self.packet(body, self.order.u32(body, 0) as usize),
            2 => self.packet(body, usize::from(self.order.u16(body, 0))),
            3 => self.simple(body),
            _ => None,
        };
        let at = source.pass(length) + 8;
        found.map_or(Next::Skipped, |record| {
            Next::Record(Record {
                at: at + record.at,
                ..record
            })
        })
    }

    /// An enhanced packet block, or the older packet block whose other fields lie in the same places.
    fn packet(&self, body: &[u8], interface: usize) -> Option<Record> {
        let interface = self.interfaces.get(interface)?;
        let ticks = u64::from(self.order.u32(body, 4)) << 32 | u64::from(self.order.u32(body, 8));
        let len = self.order.u32(body, 12);
        body.get(20..20 + len as usize)?;
        Some(Record {
            at: 20,
            len,
            wire: self.order.u32(body, 16),
            time_us: interface.time_us(ticks),
            link: interface.link,
        })
    }

    /// A simple packet block: the first interface, no time.
    fn simple(&self, body: &[u8]) -> Option<Record> {
        let interface = self.interfaces.first()?;
        let wire = self.order.u32(body, 0);
        let snap = if interface.snap == 0 { u32::MAX } else { interface.snap };
        let len = wire.min(snap).min(body.len().saturating_sub(4) as u32);
        Some(Record {
            at: 4,
            len,
            wire,
            time_us: 0,
            link: interface.link,
        })
    }
}

impl Interface {
    fn read(body: &[u8], order: Order) -> Interface {
        let link = Link::from_number(u32::from(order.u16(body, 0)));
        let mut interface = Interface {
            link,
            snap: order.u32(body, 4),
            ticks: 1_000_000,
            offset_s: 0,
        };
        let mut options = body.get(8..).unwrap_or(&[]);
        while options.len() >= 4 {
            let (code, length) = (order.u16(options, 0), usize::from(order.u16(options, 2)));
            let Some(value) = options.get(4..4 + length) else { break };
            match (code, value) {
                (0, _) => break,
                (9, [resolution, ..]) => interface.ticks = ticks(*resolution),
                (14, [_, _, _, _, _, _, _, _]) => {
                    let halves = (order.u32(value, 0), order.u32(value, 4));
                    let (high, low) = if order.big { halves } else { (halves.1, halves.0) };
                    interface.offset_s = (u64::from(high) << 32 | u64::from(low)) as i64;
                }
                _ => {}
            }
            options = options.get(4 + length.div_ceil(4) * 4..).unwrap_or(&[]);
        }
        interface
    }

    fn time_us(&self, ticks: u64) -> i64 {
        let us = u128::from(ticks) * 1_000_000 / u128::from(self.ticks);
        i64::try_from(us)
            .unwrap_or(0)
            .saturating_add(self.offset_s.saturating_mul(1_000_000))
    }
}

/// `if_tsresol`: a negative power of ten, or of two where the top bit is set.
fn ticks(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}
