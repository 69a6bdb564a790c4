//! Properties and reason codes of version 5.

use super::packet::varint;
use crate::l7::Status;

/// One property that rows tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property<'a> {
    User(&'a [u8], &'a [u8]),
    TopicAlias(u16),
    Reason(&'a [u8]),
    ResponseTopic(&'a [u8]),
    Correlation(&'a [u8]),
    AssignedClient(&'a [u8]),
    Other,
}

/// Walks over a list of properties, as far as it can be read.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a>(&'a [u8]);

impl<'a> Properties<'a> {
    /// The list that begins here with its length, and what is behind it.
    pub fn split(bytes: &'a [u8]) -> Option<(Properties<'a>, &'a [u8])> {
        let (length, size) = varint(bytes)?;
        let rest = &bytes[size..];
        let (list, rest) = rest.split_at(rest.len().min(length as usize));
        Some((Properties(list), rest))
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let size = self.take(2)?;
        self.take(usize::from(u16::from_be_bytes([size[0], size[1]])))
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let id = self.take(1)?[0];
        Some(match id {
            0x26 => Property::User(self.text()?, self.text()?),
            0x23 => {
                let alias = self.take(2)?;
                Property::TopicAlias(u16::from_be_bytes([alias[0], alias[1]]))
            }
            0x1f => Property::Reason(self.text()?),
            0x08 => Property::ResponseTopic(self.text()?),
            0x09 => Property::Correlation(self.text()?),
            0x12 => Property::AssignedClient(self.text()?),
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => self.take(1).map(|_| Property::Other)?,
            0x13 | 0x21 | 0x22 => self.take(2).map(|_| Property::Other)?,
            0x02 | 0x11 | 0x18 | 0x27 => self.take(4).map(|_| Property::Other)?,
            0x03 | 0x15 | 0x16 | 0x1a | 0x1c => self.text().map(|_| Property::Other)?,
            0x0b => {
                let (_, size) = varint(self.0)?;
                self.take(size).map(|_| Property::Other)?
            }
            _ => return None,
        })
    }
}

/// What a reason code of version 5 says, and whose error it is.
pub fn reason(code: u8) -> (&'static str, Status) {
    use Status::{ClientError, ServerError};
    match code {
        0x80 => ("unspecified error", ServerError),
        0x81 => ("malformed packet", ClientError),
        0x82 => ("protocol error", ClientError),
        0x83 => ("implementation specific error", ServerError),
        0x84 => ("unsupported protocol version", ClientError),
        0x85 => ("client identifier not valid", ClientError),
        0x86 => ("bad user name or password", ClientError),
        0x87 => ("not authorized", ClientError),
        0x88 => ("server unavailable", ServerError),
        0x89 => ("server busy", ServerError),
        0x8a => ("banned", ClientError),
        0x8b => ("server shutting down", ServerError),
        0x8c => ("bad authentication method", ClientError),
        0x8d => ("keep alive timeout", ClientError),
        0x8e => ("session taken over", ClientError),
        0x8f => ("topic filter invalid", ClientError),
        0x90 => ("topic name invalid", ClientError),
        0x91 => ("packet identifier in use", ClientError),
        0x92 => ("packet identifier not found", ClientError),
        0x93 => ("receive maximum exceeded", ClientError),
        0x94 => ("topic alias invalid", ClientError),
        0x95 => ("packet too large", ClientError),
        0x96 => ("message rate too high", ClientError),
        0x97 => ("quota exceeded", ClientError),
        0x98 => ("administrative action", ServerError),
        0x99 => ("payload format invalid", ClientError),
        0x9a => ("retain not supported", ClientError),
        0x9b => ("QoS not supported", ClientError),
        0x9c => ("use another server", ServerError),
        0x9d => ("server moved", ServerError),
        0x9e => ("shared subscriptions not supported", ClientError),
        0x9f => ("connection rate exceeded", ClientError),
        0xa0 => ("maximum connect time", ServerError),
        0xa1 => ("subscription identifiers not supported", ClientError),
        0xa2 => ("wildcard subscriptions not supported", ClientError),
        0..0x80 => ("", Status::Ok),
        _ => ("unknown reason", ServerError),
    }
}

/// The same for the return codes with which older versions refuse a connection.
pub fn refusal(code: u8) -> (&'static str, Status) {
    match code {
        0 => ("", Status::Ok),
        1 => ("unacceptable protocol version", Status::ClientError),
        2 => ("identifier rejected", Status::ClientError),
        3 => ("server unavailable", Status::ServerError),
        4 => ("bad user name or password", Status::ClientError),
        5 => ("not authorized", Status::ClientError),
        _ => ("unknown return code", Status::ServerError),
    }
}
