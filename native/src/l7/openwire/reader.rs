//! Reads objects in the tight and the loose encoding.
//!
//! Tightly, all truth values of a command come first, as bits, together with what tells how long its other values are.

use super::schema::{self, Form, Object, What};
use crate::l7::context::Context;
use crate::l7::facts::{Facts, Slot};
use crate::l7::frame::Bytes;
use crate::l7::parser::Guess;
use std::collections::HashMap;

const MAX_DEPTH: u8 = 6;
/// Destinations that are remembered by the number that stands for them.
const MAX_CACHED: usize = 128;
const MAX_NAME: usize = 256;
const MAX_PROPERTIES: u32 = 256;

/// What could be read, or `Maybe` where the bytes end and `No` where they are wrong.
pub type Read<T> = Result<T, Guess>;

fn need<T>(value: Option<T>) -> Read<T> {
    value.ok_or(Guess::Maybe)
}

/// What both ends agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub version: u8,
    pub tight: bool,
    /// Objects that come often are written once, and numbered.
    pub cached: bool,
    /// Frames have no size.
    pub unsized_frames: bool,
}

/// Destinations of one direction by their numbers.
pub type Cache = HashMap<u16, (u8, Box<[u8]>)>;

/// The truth values of a command.
#[derive(Clone, Copy, Debug, Default)]
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn read(rest: &mut Bytes<'a>) -> Read<Bits<'a>> {
        let size = match need(rest.u8())? {
            0xc0 => usize::from(need(rest.u8())?),
            0x80 => usize::from(need(rest.u16())?),
            size => usize::from(size),
        };
        let bytes = need(rest.take(size))?;
        Ok(Bits { bytes, at: 0 })
    }

    fn next(&mut self) -> Read<bool> {
        let byte = self.bytes.get(self.at / 8).ok_or(Guess::No)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }
}

/// What a command says for the pairing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    pub command: u32,
    pub is_required: bool,
    pub correlation: u32,
}

/// Reads one command.
pub struct Reader<'a, 'b> {
    rest: Bytes<'a>,
    bits: Bits<'a>,
    format: Format,
    cache: &'b mut Cache,
    facts: &'b mut Facts,
    pub numbers: Numbers,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub fn new(bytes: &'a [u8], format: Format, cache: &'b mut Cache, facts: &'b mut Facts) -> Reader<'a, 'b> {
        Reader {
            rest: Bytes(bytes),
            bits: Bits::default(),
            format,
            cache,
            facts,
            numbers: Numbers::default(),
        }
    }

    /// Reads the fields of a command, whose type was taken.
    pub fn command(&mut self, object: &Object) -> Read<()> {
        if self.format.tight {
            self.bits = Bits::read(&mut self.rest)?;
        }
        self.fields(object, MAX_DEPTH).map(drop)
    }

    /// Whether everything was read and nothing is left.
    pub fn is_exact(&self) -> bool {
        self.rest.0.is_empty() && self.bits.at.div_ceil(8) == self.bits.bytes.len()
    }

    /// Gives the first text of the object.
    fn fields(&mut self, object: &Object, depth: u8) -> Read<&'a [u8]> {
        let mut first = &[][..];
        for (form, what) in object.fields(self.format.version) {
            let text = self.field(form, what, depth)?;
            if first.is_empty() {
                first = text;
            }
        }
        Ok(first)
    }

    fn field(&mut self, form: Form, what: What, depth: u8) -> Read<&'a [u8]> {
        match form {
            Form::Bit => {
                let bit = self.bit()?;
                // That of a message inside says nothing.
                self.numbers.is_required |= bit && what == What::Required && depth == MAX_DEPTH;
            }
            Form::Byte => drop(need(self.rest.u8())?),
            Form::Int => {
                let number = need(self.rest.u32())?;
                match what {
                    What::Command if depth == MAX_DEPTH => self.numbers.command = number,
                    What::Correlation => self.numbers.correlation = number,
                    _ => {}
                }
            }
            Form::Long => self.long()?,
            Form::Text => {
                let text = self.text()?;
                self.tell(what, text);
                return Ok(text);
            }
            Form::Bytes => {
                if self.bit()? {
                    let bytes = need(self.rest.text32())?;
                    if what == What::Properties {
                        let mut context = Context::default();
                        properties(bytes, &mut |key, value| {
                            if let Property::Text(text) = value {
                                context.pair(key, text, self.facts);
                            }
                        });
                    }
                }
            }
            Form::Nested => {
                if let Some((kind, text)) = self.nested(depth)? {
                    destination(what, kind, text, self.facts);
                }
            }
            Form::Cached => self.cached(what, depth)?,
            Form::Array => {
                if self.bit()? {
                    for _ in 0..need(self.rest.u16())? {
                        self.nested(depth)?;
                    }
                }
            }
            Form::Thrown => self.thrown()?,
        }
        Ok(&[])
    }

    fn bit(&mut self) -> Read<bool> {
        if self.format.tight {
            return self.bits.next();
        }
        match need(self.rest.u8())? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Guess::No),
        }
    }

    fn long(&mut self) -> Read<()> {
        let size = if self.format.tight {
            match (self.bits.next()?, self.bits.next()?) {
                (true, true) => 8,
                (true, false) => 4,
                (false, true) => 2,
                (false, false) => 0,
            }
        } else {
            8
        };
        need(self.rest.take(size)).map(drop)
    }

    fn text(&mut self) -> Read<&'a [u8]> {
        if !self.bit()? {
            return Ok(&[]);
        }
        if self.format.tight {
            // Whether it is ASCII; the length is written in the same way.
            self.bits.next()?;
        }
        need(self.rest.text16())
    }

    /// The type of an object and its first text.
    fn nested(&mut self, depth: u8) -> Read<Option<(u8, &'a [u8])>> {
        if !self.bit()? {
            return Ok(None);
        }
        let kind = need(self.rest.u8())?;
        let object = schema::find(kind).ok_or(Guess::No)?;
        let depth = depth.checked_sub(1).ok_or(Guess::No)?;
        if !(self.format.tight && object.is_message() && self.bits.next()?) {
            return self.fields(object, depth).map(|text| Some((kind, text)));
        }
        // It was written before: a whole command, with bits of its own.
        need(self.rest.take(5))?;
        let bits = Bits::read(&mut self.rest)?;
        let outer = std::mem::replace(&mut self.bits, bits);
        let text = self.fields(object, depth)?;
        self.bits = outer;
        Ok(Some((kind, text)))
    }

    fn cached(&mut self, what: What, depth: u8) -> Read<()> {
        if !self.format.cached {
            if let Some((kind, text)) = self.nested(depth)? {
                destination(what, kind, text, self.facts);
            }
            return Ok(());
        }
        let is_new = self.bit()?;
        let number = need(self.rest.u16())?;
        if !is_new {
            if let Some((kind, name)) = self.cache.get(&number) {
                destination(what, *kind, name, self.facts);
            }
            return Ok(());
        }
        let found = self.nested(depth)?;
        self.cache.remove(&number);
        if let Some((kind @ 100..=103, name)) = found {
            destination(what, kind, name, self.facts);
            if self.cache.len() < MAX_CACHED && name.len() <= MAX_NAME {
                self.cache.insert(number, (kind, name.into()));
            }
        }
        Ok(())
    }

    /// What was thrown ends the reading: traces may follow, or not.
    fn thrown(&mut self) -> Read<()> {
        if !self.bit()? {
            return Ok(());
        }
        let class = self.text()?;
        let message = self.text()?;
        self.facts.put(Slot::Exception, if message.is_empty() { class } else { message });
        self.facts.attribute("exception.type", class);
        Err(Guess::Maybe)
    }

    fn tell(&mut self, what: What, text: &[u8]) {
        let name = match what {
            _ if text.is_empty() => return,
            What::Client => "openwire.client_id",
            What::User => "openwire.user",
            What::Selector => "openwire.selector",
            What::Subscription => "openwire.subscription",
            What::BrokerName => "openwire.broker",
            What::MessageCorrelation => "openwire.correlation_id",
            What::BrokerUrl => return self.facts.put(Slot::Domain, text),
            _ => return,
        };
        self.facts.attribute(name, text);
    }
}

/// The first destination is what the command is about.
fn destination(what: What, kind: u8, name: &[u8], facts: &mut Facts) {
    let scheme: &[u8] = match kind {
        100 => b"queue://",
        101 => b"topic://",
        102 => b"temp-queue://",
        103 => b"temp-topic://",
        _ => return,
    };
    if what == What::Destination && facts.get(Slot::Endpoint).is_empty() {
        facts.put(Slot::Endpoint, name);
        facts.put(Slot::Resource, scheme);
        facts.extend(Slot::Resource, name);
    }
}

/// A value of a map of properties.
#[derive(Clone, Copy, Debug)]
pub enum Property<'a> {
    Text(&'a [u8]),
    Truth(bool),
    Other,
}

/// Hands on the pairs of a map as far as they can be read.
pub fn properties<'a>(map: &'a [u8], pair: &mut dyn FnMut(&'a [u8], Property<'a>)) -> Option<()> {
    let mut rest = Bytes(map);
    for _ in 0..rest.u32()?.min(MAX_PROPERTIES) {
        let key = rest.text16()?;
        let value = match rest.u8()? {
            0 => Property::Other,
            1 => Property::Truth(rest.u8()? != 0),
            2 => rest.take(1).map(|_| Property::Other)?,
            3 | 4 => rest.take(2).map(|_| Property::Other)?,
            5 | 8 => rest.take(4).map(|_| Property::Other)?,
            6 | 7 => rest.take(8).map(|_| Property::Other)?,
            9 => Property::Text(rest.text16()?),
            10 => rest.text32().map(|_| Property::Other)?,
            13 => Property::Text(rest.text32()?),
            // Maps and lists are not measured.
            _ => return None,
        };
        pair(key, value);
    }
    Some(())
}
