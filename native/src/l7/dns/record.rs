//! Resource records: their types, and their data in words.

use super::name::{Name, skip};
use crate::l7::facts::{Facts, Slot};
use std::io::Write;
use std::net::Ipv6Addr;

const TYPE_OPT: u16 = 41;
/// Text of one record, and of all of them together, that is kept.
const MAX_VALUE: usize = 300;
const MAX_RESULT: usize = 2048;

/// The name of a record type (IANA registry "Resource Record (RR) TYPEs").
pub fn type_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        11 => "WKS",
        12 => "PTR",
        13 => "HINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        18 => "AFSDB",
        24 => "SIG",
        25 => "KEY",
        28 => "AAAA",
        29 => "LOC",
        33 => "SRV",
        35 => "NAPTR",
        37 => "CERT",
        39 => "DNAME",
        TYPE_OPT => "OPT",
        43 => "DS",
        44 => "SSHFP",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        53 => "SMIMEA",
        55 => "HIP",
        59 => "CDS",
        60 => "CDNSKEY",
        61 => "OPENPGPKEY",
        62 => "CSYNC",
        63 => "ZONEMD",
        64 => "SVCB",
        65 => "HTTPS",
        99 => "SPF",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        _ => return None,
    })
}

/// The record type of that name, as `request_type` has it.
pub fn type_number(name: &str) -> Option<u16> {
    match (name, name.strip_prefix("TYPE")) {
        // In the name service of NetBIOS these numbers mean something else.
        ("NB", _) => Some(32),
        ("NBSTAT", _) => Some(33),
        (_, Some(number)) => number.parse().ok(),
        (_, None) => (1..=257).find(|kind| type_name(*kind) == Some(name)),
    }
}

/// One record, its data not yet read.
pub struct Record {
    pub start: usize,
    pub kind: u16,
    pub ttl: u32,
    data: (usize, usize),
    pub end: usize,
}

impl Record {
    /// The record at `at`, where all of it is there.
    pub fn read(message: &[u8], at: usize) -> Option<Record> {
        let fixed = skip(message, at)?;
        let [a, b, _, _, t0, t1, t2, t3, l0, l1] = *message.get(fixed..)?.first_chunk::<10>()?;
        let start = fixed + 10;
        let end = start + usize::from(u16::from_be_bytes([l0, l1]));
        message.get(start..end)?;
        Some(Record {
            start: at,
            kind: u16::from_be_bytes([a, b]),
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            data: (start, end),
            end,
        })
    }

    /// Its data, in the message that it was read from.
    pub fn data<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        &message[self.data.0..self.data.1]
    }

    /// The high bits of the response code, where this is the record that carries them (RFC 6891).
    pub fn extended_code(&self) -> Option<u16> {
        (self.kind == TYPE_OPT).then_some((self.ttl >> 24) as u16)
    }

    /// Appends `TYPE=value TTL=seconds` to the result; a value that nobody would read is left out.
    pub fn put(&self, message: &[u8], facts: &mut Facts) {
        if facts.get(Slot::Result).len() > MAX_RESULT {
            return;
        }
        let mut buffer = [0; MAX_VALUE + 64];
        let mut text = &mut buffer[..];
        let size = text.len();
        // The buffer may end early: what fits is kept.
        let _ = match type_name(self.kind) {
            Some(name) => text.write_all(name.as_bytes()),
            None => write!(text, "TYPE{}", self.kind),
        };
        let mut value = [0; MAX_VALUE];
        let mut left = &mut value[..];
        if self.write_value(message, &mut left).is_some() {
            let length = MAX_VALUE - left.len();
            let _ = text.write_all(b"=").and_then(|()| text.write_all(&value[..length]));
        }
        let _ = text.write_all(b" TTL=").and_then(|()| write_number(self.ttl, &mut text));
        let length = size - text.len();
        if facts.get(Slot::Result).is_empty() {
            facts.put(Slot::Result, &buffer[..length]);
        } else {
            facts.extend(Slot::Result, b"; ");
            facts.extend(Slot::Result, &buffer[..length]);
        }
    }

    fn write_value(&self, message: &[u8], out: &mut &mut [u8]) -> Option<()> {
        let (start, data) = (self.data.0, self.data(message));
        let word = |at: usize| data.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let _ = match self.kind {
            1 => {
                let [first, rest @ ..] = <[u8; 4]>::try_from(data).ok()?;
                let _ = write_number(first, out);
                rest.into_iter()
                    .try_for_each(|byte| out.write_all(b".").and_then(|()| write_number(byte, out)))
            }
            28 => write!(out, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?)),
            // The SOA's first name is the primary server.
            2 | 5 | 6 | 12 | 39 => return write_name(message, start, out),
            15 => {
                let _ = write!(out, "{} ", word(0)?);
                return write_name(message, start + 2, out);
            }
            33 => {
                let _ = write!(out, "{} {} {} ", word(0)?, word(2)?, word(4)?);
                return write_name(message, start + 6, out);
            }
            64 | 65 => {
                let _ = write!(out, "{} ", word(0)?);
                return write_name(message, start + 2, out);
            }
            16 | 99 => return write_strings(data, out),
            257 => {
                let (tag, value) = data.get(2..)?.split_at_checked(usize::from(data[1]))?;
                let _ = write!(out, "{} ", data[0]);
                let _ = out.write_all(tag);
                let _ = out.write_all(b" ");
                out.write_all(value)
            }
            _ => return None,
        };
        Some(())
    }
}

/// What `write!` does, in a third of the time.
fn write_number(number: impl itoa::Integer, out: &mut &mut [u8]) -> std::io::Result<()> {
    out.write_all(itoa::Buffer::new().format(number).as_bytes())
}

fn write_name(message: &[u8], at: usize, out: &mut &mut [u8]) -> Option<()> {
    let mut name = Name::default();
    name.read(message, at)?;
    let _ = out.write_all(name.text());
    Some(())
}

/// Character strings, each in quotes.
fn write_strings(mut data: &[u8], out: &mut &mut [u8]) -> Option<()> {
    let mut gap: &[u8] = b"";
    while let Some((length, rest)) = data.split_first() {
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        let _ = out
            .write_all(gap)
            .and_then(|()| out.write_all(b"\""))
            .and_then(|()| out.write_all(text))
            .and_then(|()| out.write_all(b"\""));
        (data, gap) = (rest, b" ");
    }
    Some(())
}
