//! pcap (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>): microseconds, nanoseconds, and Kuznetzov's modified form.

use super::source::Source;
use super::{MAX_RECORD, Next, Order, Record};
use crate::packet::Link;

/// What the file header says about the records.
pub(super) struct Layout {
    order: Order,
    nanoseconds: bool,
    /// 16, or 24 in the modified form, which adds interface, protocol and direction.
    header: usize,
    link: Link,
}

impl Layout {
    pub(super) fn read(head: &[u8]) -> Option<Layout> {
        let magic: [u8; 4] = head.get(..24)?[..4].try_into().ok()?;
        let (big, word) = match magic {
            [0xa1, ..] => (true, u32::from_be_bytes(magic)),
            _ => (false, u32::from_le_bytes(magic)),
        };
        let (nanoseconds, header) = match word {
            0xa1b2_c3d4 => (false, 16),
            0xa1b2_3c4d => (true, 16),
            0xa1b2_cd34 => (false, 24),
            _ => return None,
        };
        let order = Order { big };
        // The upper bits tell about a frame check sequence at the end, which lengths from the IP header leave out anyway.
        Some(Layout {
            order,
            nanoseconds,
            header,
            link: Link::from_number(order.u32(head, 20) & 0xffff),
        })
    }

    /// Puts up to `max` records into `records`, as many as are in memory; gives what comes then, nothing where `records` is full.
    pub(super) fn read_some(&self, source: &mut Source, records: &mut Vec<Record>, max: usize) -> Option<Next> {
        if self.order.big {
            self.read_in(source, records, max, u32::from_be_bytes)
        } else {
            self.read_in(source, records, max, u32::from_le_bytes)
        }
    }

    #[inline(always)]
    fn read_in(&self, source: &mut Source, records: &mut Vec<Record>, max: usize, number: impl Fn([u8; 4]) -> u32) -> Option<Next> {
        let (bytes, begin) = (source.bytes(), source.passed());
        let mut at = 0;
        let next = loop {
            if records.len() >= max {
                break None;
            }
            let rest = &bytes[at..];
            let Some(head) = rest.first_chunk::<16>().filter(|_| rest.len() >= self.header) else {
                break Some(Next::More(self.header));
            };
            let word = |at: usize| number([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let len = word(8) as usize;
            if len > MAX_RECORD {
                break Some(Next::Corrupt);
            }
            if rest.len() < self.header + len {
                break Some(Next::More(self.header + len));
            }
            let fraction = word(4);
            let fraction_us = if self.nanoseconds { fraction / 1000 } else { fraction };
            records.push(Record {
                time_us: i64::from(word(0)) * 1_000_000 + i64::from(fraction_us),
                len: len as u32,
                wire: word(12),
                link: self.link,
                at: begin + at + self.header,
            });
            at += self.header + len;
        };
        source.pass(at);
        next
    }
}
