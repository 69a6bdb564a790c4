//! The resource of a group of spans or log records: who sent them. Read once, repeated for each row by position only.

use super::bad::Bad;
use super::value::{Value, read_pair};
use super::wire::{BYTES, Broken, Reader, tag};
use crate::column::{Label, LabelMap};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::net::{IpAddr, Ipv4Addr};

/// Who sent a group of rows.
#[derive(Default)]
pub struct Resource {
    /// Positions of its attributes' keys and values in the dictionaries of the `resource` column.
    pub keys: Vec<u32>,
    pub values: Vec<u32>,
    /// Position of service.name in the dictionary of `app_service`.
    pub app_service: u32,
    /// Position of service.instance.id in the dictionary of `app_instance`.
    pub app_instance: u32,
    /// Whether the rows were made by one of Weir's own agents: they carry columns, not conventions.
    pub is_weir: bool,
    pub agent_id: u32,
    pub vpc_id: u32,
    pub process_id: u32,
    /// The machine's own address, where it says one.
    pub host_ip: Option<IpAddr>,
    /// What makes every row of it bad.
    pub bad: Option<Bad>,
}

/// The dictionaries that a resource's attributes go to; none for tables that do not keep them.
pub struct Dictionaries<'a> {
    pub resource: &'a mut LabelMap,
    pub app_service: &'a mut Label,
    pub app_instance: &'a mut Label,
}

/// The name by which an agent of Weir says that it made the rows itself.
pub const WEIR_AGENT: &[u8] = b"weir-agent";

impl Resource {
    /// Reads a Resource message.
    pub fn read(mut message: Reader<'_>, mut into: Option<Dictionaries<'_>>) -> Result<Resource, Broken> {
        let mut resource = Resource::default();
        let mut seen = HashSet::with_hasher(RandomState::default());
        let mut text = Vec::new();
        while let Some(field) = message.tag()? {
            if field != tag(1, BYTES) {
                message.skip(field)?;
                continue;
            }
            let (key, value) = read_pair(message.message()?)?;
            resource.note(key, value)?;
            if key.starts_with(b"weir.") {
                continue;
            }
            if let Some(into) = &mut into {
                text.clear();
                if let Err(bad) = value.text(&mut text)? {
                    resource.bad = Some(bad);
                }
                resource.keep(key, &text, into, &mut seen);
            }
        }
        if resource.is_weir {
            resource.keys.clear();
            resource.values.clear();
        }
        Ok(resource)
    }

    fn note(&mut self, key: &[u8], value: Value<'_>) -> Result<(), Broken> {
        let id = || value.int().and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
        match (key, value) {
            (b"service.name", Value::Str(name)) => self.is_weir = name == WEIR_AGENT,
            (b"weir.agent.id", _) => self.agent_id = id(),
            (b"weir.vpc.id", _) => self.vpc_id = id(),
            (b"process.pid", _) => self.process_id = id(),
            (b"host.ip", Value::Array(mut items)) => {
                while let Some(field) = items.tag()? {
                    if field != tag(1, BYTES) {
                        items.skip(field)?;
                    } else if let Value::Str(text) = Value::read(items.message()?)? {
                        self.host_ip = self.host_ip.or(parse_ip(text).filter(|ip| !ip.is_loopback()));
                    }
                }
            }
            (b"k8s.pod.ip" | b"host.ip", Value::Str(text)) => self.host_ip = parse_ip(text).or(self.host_ip),
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, key: &[u8], text: &[u8], into: &mut Dictionaries<'_>, seen: &mut HashSet<u32, RandomState>) {
        let (Some(name), Some(value)) = (into.resource.keys.intern_bytes(key), into.resource.values.intern_bytes(text)) else {
            self.bad = Some(Bad::InvalidUtf8);
            return;
        };
        if !seen.insert(name) {
            return;
        }
        self.keys.push(name);
        self.values.push(value);
        match key {
            b"service.name" => self.app_service = into.app_service.intern_bytes(text).unwrap_or_default(),
            b"service.instance.id" => self.app_instance = into.app_instance.intern_bytes(text).unwrap_or_default(),
            _ => {}
        }
    }
}

/// The address that `text` spells, nothing where it is a name.
#[inline]
pub fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    if !text.first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':') {
        return None;
    }
    if let Some(ip) = parse_v4(text) {
        return Some(IpAddr::V4(ip));
    }
    let literal = text.len() <= 45 && text.contains(&b':');
    if literal {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}

/// Four decimal numbers, as strict as the standard library: no leading zeros, nothing around them.
fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let digit = |at: usize| {
        text.get(at)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
            .map(u32::from)
    };
    let (mut bits, mut at) = (0, 0);
    for place in 0..4 {
        if place > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut number = digit(at)?;
        at += 1;
        if number != 0
            && let Some(second) = digit(at)
        {
            number = number * 10 + second;
            at += 1;
            if let Some(third) = digit(at) {
                number = number * 10 + third;
                at += 1;
            }
        }
        if number > 255 {
            return None;
        }
        bits = bits << 8 | number;
    }
    (at == text.len()).then(|| Ipv4Addr::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn addresses_are_those_of_the_standard_library(text in "[0-9.]{0,16}|[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-f:.]{0,20}|\\PC{0,8}", bits: u32, six: u128) {
            prop_assert_eq!(parse_ip(text.as_bytes()), text.parse().ok());
            for ip in [IpAddr::V4(Ipv4Addr::from_bits(bits)), IpAddr::V6(std::net::Ipv6Addr::from_bits(six))] {
                prop_assert_eq!(parse_ip(ip.to_string().as_bytes()), Some(ip));
            }
        }
    }
}
