//! What the attributes of one span say, until its row is written: each fact once, by its best name, and whether a column holds it.

use super::convention::{FACTS, Fact};
use super::resource::parse_ip;
use crate::column::is_ascii;
use crate::table::generated::L7FlowLog;
use std::net::IpAddr;

/// A set of facts as bits.
pub const fn set(facts: &[Fact]) -> u64 {
    let (mut bits, mut at) = (0, 0);
    while at < facts.len() {
        bits |= 1 << facts[at] as u64;
        at += 1;
    }
    bits
}

/// Facts whose attribute by its current name a column can hold as it is.
pub const HOLDABLE: u64 = set(&[
    Fact::HttpMethod,
    Fact::HttpStatus,
    Fact::HttpRoute,
    Fact::UrlPath,
    Fact::UrlQuery,
    Fact::RequestSize,
    Fact::ResponseSize,
    Fact::UserAgent,
    Fact::DbSystem,
    Fact::DbText,
    Fact::DbOperation,
    Fact::DbStatus,
    Fact::RpcService,
    Fact::RpcMethod,
    Fact::MessagingSystem,
    Fact::MessagingDestination,
    Fact::MessagingOperation,
    Fact::DnsName,
    Fact::ServerAddress,
    Fact::ServerPort,
    Fact::ClientAddress,
    Fact::ClientPort,
    Fact::ProtocolVersion,
]);

/// The facts of one span.
pub struct Said<'a> {
    /// Which facts were said, and which of them as a number, not as text; their values are below.
    told: u64,
    counted: u64,
    ranks: [u8; FACTS],
    texts: [&'a [u8]; FACTS],
    numbers: [i64; FACTS],
    /// Facts whose attributes wait outside of the map, with their keys there, because a column may turn out to hold them.
    waiting: u64,
    labels: [u32; FACTS],
    /// Facts that were said by several names: the column could not give back which.
    again: u64,
    /// Facts that a column holds as they were said: their attributes are not kept.
    held: u64,
}

impl Default for Said<'_> {
    fn default() -> Self {
        Said {
            told: 0,
            counted: 0,
            ranks: [0; FACTS],
            texts: [&[]; FACTS],
            numbers: [0; FACTS],
            waiting: 0,
            labels: [0; FACTS],
            again: 0,
            held: 0,
        }
    }
}

impl<'a> Said<'a> {
    /// Makes ready for the next span.
    #[inline]
    pub fn forget(&mut self) {
        self.told = 0;
        self.counted = 0;
        self.waiting = 0;
        self.again = 0;
        self.held = 0;
    }

    /// Columns have these facts, as far as they were said as text.
    #[inline]
    pub fn hold_texts(&mut self, facts: u64) {
        self.held |= facts & self.told & !self.counted;
    }

    /// Whether `fact` is new or said by a better name now.
    #[inline(always)]
    fn better(&mut self, fact: Fact, rank: u8) -> bool {
        let at = fact as usize;
        if self.told >> at & 1 != 0 && !self.better_again(at, rank) {
            return false;
        }
        self.ranks[at] = rank;
        true
    }

    #[cold]
    fn better_again(&mut self, at: usize, rank: u8) -> bool {
        self.again |= 1 << at;
        if self.ranks[at] <= rank {
            return false;
        }
        self.counted &= !(1 << at);
        true
    }

    #[inline(always)]
    pub fn say(&mut self, fact: Fact, rank: u8, text: &'a [u8]) {
        if self.better(fact, rank) {
            self.told |= 1 << fact as usize;
            self.texts[fact as usize] = text;
        }
    }

    #[inline(always)]
    pub fn count(&mut self, fact: Fact, rank: u8, number: i64) {
        if self.better(fact, rank) {
            self.told |= 1 << fact as usize;
            self.counted |= 1 << fact as usize;
            self.numbers[fact as usize] = number;
        }
    }

    /// Lets an attribute, by its best name, wait outside of the map.
    #[inline(always)]
    pub fn wait(&mut self, fact: Fact, label: u32) {
        self.waiting |= 1 << fact as usize;
        self.labels[fact as usize] = label;
    }

    /// A column has what was said, to the letter, and `encode` calls it by the same name: the attribute need not be kept.
    #[inline(always)]
    pub fn hold(&mut self, fact: Fact) {
        self.held |= 1 << fact as usize;
    }

    /// The same for a number that a column has; one that is not above 0 cannot be told from none.
    #[inline]
    pub fn hold_number(&mut self, fact: Fact, number: i64) {
        let plain = self.counted >> (fact as usize) & 1 != 0 || self.text(fact) == itoa::Buffer::new().format(number);
        if number > 0 && plain {
            self.hold(fact);
        }
    }

    /// Puts what waited and is not held into the map of `row`.
    #[inline]
    pub fn keep_the_rest(&mut self, rows: &mut L7FlowLog, row: usize) {
        let mut rest = self.waiting & !(self.held & !self.again);
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let mut digits = itoa::Buffer::new();
            let text = if self.counted >> at & 1 != 0 {
                digits.format(self.numbers[at])
            } else {
                // SAFETY: `sound` has proven it.
                unsafe { std::str::from_utf8_unchecked(self.texts[at]) }
            };
            rows.attributes.append(row, self.labels[at], text);
        }
    }

    #[inline(always)]
    fn is_text(&self, fact: Fact) -> bool {
        (self.told & !self.counted) >> (fact as usize) & 1 != 0
    }

    /// What was said as text; empty where nothing was, or a number. Only for rows that `sound` has passed.
    #[inline]
    pub fn text(&self, fact: Fact) -> &'a str {
        if !self.is_text(fact) {
            return "";
        }
        // SAFETY: `say` is only called with a text that was added to the row's attributes or waits, and `sound` has proven all of those.
        unsafe { std::str::from_utf8_unchecked(self.texts[fact as usize]) }
    }

    /// What was said as a number, or as text that spells one.
    #[inline]
    pub fn number(&self, fact: Fact) -> Option<i64> {
        if self.counted >> (fact as usize) & 1 != 0 {
            return Some(self.numbers[fact as usize]);
        }
        if self.is_text(fact) { self.text(fact).parse().ok() } else { None }
    }

    #[inline]
    pub fn has(&self, fact: Fact) -> bool {
        self.told >> (fact as usize) & 1 != 0
    }

    #[inline]
    pub fn ip(&self, fact: Fact) -> Option<IpAddr> {
        if !self.is_text(fact) {
            None
        } else {
            parse_ip(self.texts[fact as usize]).map(|ip| ip.to_canonical())
        }
    }

    #[inline]
    pub fn port(&self, fact: Fact) -> Option<u16> {
        self.number(fact).and_then(|port| u16::try_from(port).ok())
    }

    #[inline]
    pub fn waiting_is_utf8(&self) -> bool {
        let mut texts = self.waiting & self.told & !self.counted;
        while texts != 0 {
            let text = self.texts[texts.trailing_zeros() as usize];
            if !is_ascii(text) && std::str::from_utf8(text).is_err() {
                return false;
            }
            texts &= texts - 1;
        }
        true
    }
}
