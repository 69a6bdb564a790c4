//! MQTT 3.1, 3.1.1 and 5.
//!
//! Sources: the OASIS standards. Publications that are acknowledged are requests of the end that sends them; those that are not are rows without an
//! answer. Payloads are not looked at.

mod packet;
mod property;

use super::Status;
use super::context::Context;
use super::facts::{Facts, Slot};

use super::parser::{Input, Kind, Opening, Parser, Resync, Step};
use super::rest::Rest;
pub use packet::guess;
use packet::{
    CONNACK, CONNECT, DISCONNECT, Front, Header, NAMES, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE,
    UNSUBACK, UNSUBSCRIBE,
};
use property::{Properties, Property, reason, refusal};

/// Bytes of a packet that are looked at.
const MAX_FRONT: usize = 2048;
/// Bytes of a client's identifier, and of a topic that has an alias, that are kept.
const MAX_KEPT: usize = 256;
/// Aliases that are remembered, each way; most servers allow ten.
const MAX_ALIASES: usize = 64;

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Mqtt {
    rest: [Rest; 2],
    /// 3, 4, 5; 0 where the connection's beginning was not seen.
    level: u8,
    /// The level was said: 3.1 and 3.1.1 look the same.
    is_said: bool,
    client: Box<str>,
    /// Topics by their aliases, by direction (client first).
    aliases: [Vec<(u16, Box<[u8]>)>; 2],
}

/// The parser for the table.
pub fn parser(_opening: &Opening<'_>) -> Box<dyn Parser> {
    Box::new(Mqtt::default())
}

impl Parser for Mqtt {
    #[inline]
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let side = usize::from(!input.from_client);
        if self.rest[side].is_open() {
            return self.rest[side].go_on(input.bytes.len());
        }
        let header = match Header::read(input.bytes, input.from_client) {
            Front::Header(header) => header,
            Front::More => return Step::More,
            Front::Bad => return Step::Lost { size: 1 },
        };
        let front = header.length.min(MAX_FRONT);
        let Some(content) = input.bytes.get(header.size..header.size + front) else {
            return Step::More;
        };
        facts.length = header.length as i64;
        facts.put(Slot::RequestType, NAMES[usize::from(header.kind)].as_bytes());
        let Some(kind) = self.read(header, content, input.from_client, facts) else {
            return Step::Lost { size: 1 };
        };
        if self.is_said || self.level == 5 {
            facts.put(Slot::Version, version(self.level));
        }
        facts.put_first(Slot::Domain, self.client.as_bytes());
        self.rest[side].begin((header.size + header.length) as u64, input.bytes.len(), Some(kind))
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let side = usize::from(!from_client);
        self.rest[side] = Rest::default();
        // What an alias means may have changed meanwhile.
        self.aliases[side].clear();
        packet::resync(bytes, from_client)
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        self.rest[usize::from(!from_client)].gap(missing)
    }

    fn cut(&mut self, from_client: bool, _facts: &mut Facts) -> Option<Kind> {
        self.rest[usize::from(!from_client)].cut()
    }

    fn heap_bytes(&self) -> usize {
        let aliases = |of: &Vec<(u16, Box<[u8]>)>| {
            of.capacity() * size_of::<(u16, Box<[u8]>)>() + of.iter().map(|(_, topic)| topic.len()).sum::<usize>()
        };
        self.client.len() + self.aliases.iter().map(aliases).sum::<usize>()
    }
}

fn version(level: u8) -> &'static [u8] {
    match level {
        3 => b"3.1",
        4 => b"3.1.1",
        5 => b"5",
        _ => b"",
    }
}

/// Takes a text with its length off the front.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, rest) = bytes.split_at_checked(2)?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([size[0], size[1]])))?;
    *bytes = rest;
    Some(text)
}

/// A packet's identifier.
fn identifier(content: &[u8]) -> Option<u64> {
    Some(u64::from(u16::from_be_bytes([*content.first()?, *content.get(1)?])))
}

/// Pairs packets: identifiers count for each end and each kind of request alone.
fn key(kind: u8, asked_by_client: bool, identifier: u64) -> u64 {
    u64::from(kind) << 32 | u64::from(asked_by_client) << 31 | identifier
}

impl Mqtt {
    /// Reads what the front of a packet tells; nothing where it cannot be one.
    fn read(&mut self, header: Header, content: &[u8], from_client: bool, facts: &mut Facts) -> Option<Kind> {
        match header.kind {
            PUBLISH => return self.publish(header.flags, content, from_client, facts),
            CONNECT => return self.connect(content, facts),
            CONNACK => return self.connected(content, facts),
            SUBSCRIBE | UNSUBSCRIBE => return self.subscribe(header.kind, content, facts),
            PUBREL => self.answer(content, facts)?,
            PUBACK | PUBREC | PUBCOMP | UNSUBACK | SUBACK => {
                self.answer(content, facts)?;
                let asked = match header.kind {
                    SUBACK | UNSUBACK => {
                        self.granted(content, facts);
                        header.kind - 1
                    }
                    PUBCOMP => PUBREL,
                    _ => PUBLISH,
                };
                facts.key = key(asked, !from_client, facts.request_id);
                return Some(Kind::Response);
            }
            PINGRESP => {
                facts.key = key(PINGREQ, true, 0);
                facts.status = Status::Ok;
                return Some(Kind::Response);
            }
            _ => {}
        }
        match header.kind {
            // The last step of a publication that is to arrive exactly once.
            PUBREL => {
                facts.status = Status::Unknown;
                facts.key = key(PUBREL, from_client, facts.request_id);
                Some(Kind::Request)
            }
            PINGREQ => {
                facts.key = key(PINGREQ, true, 0);
                Some(Kind::Request)
            }
            DISCONNECT => {
                self.ended(content, facts);
                // It answers nothing; as an answer to nothing its error counts.
                facts.key = u64::MAX;
                Some(if facts.status == Status::Unknown {
                    Kind::Notice
                } else {
                    Kind::Response
                })
            }
            _ => Some(Kind::Notice),
        }
    }

    fn connect(&mut self, content: &[u8], facts: &mut Facts) -> Option<Kind> {
        let mut rest = content;
        let name = text(&mut rest)?;
        let [level, _flags, _, _, rest @ ..] = rest else { return None };
        (self.level, self.is_said) = (level & 0x7f, true);
        if !matches!(name, b"MQTT" | b"MQIsdp") || !matches!(self.level, 3..=5) {
            return None;
        }
        let mut rest = rest;
        if self.level == 5 {
            let (properties, behind) = Properties::split(rest)?;
            carried(properties, facts);
            rest = behind;
        }
        let client = text(&mut rest).unwrap_or_default();
        self.keep(client);
        self.aliases = Default::default();
        facts.key = key(CONNECT, true, 0);
        Some(Kind::Request)
    }

    fn keep(&mut self, client: &[u8]) {
        self.client = String::from_utf8_lossy(&client[..client.len().min(MAX_KEPT)])
            .into_owned()
            .into_boxed_str();
    }

    fn connected(&mut self, content: &[u8], facts: &mut Facts) -> Option<Kind> {
        let [_, code, rest @ ..] = content else { return None };
        if self.level == 0 {
            self.level = if rest.is_empty() { 4 } else { 5 };
        }
        facts.key = key(CONNECT, true, 0);
        if self.level == 5 {
            if let Some((properties, _)) = Properties::split(rest) {
                for property in properties {
                    match property {
                        Property::AssignedClient(client) => self.keep(client),
                        Property::Reason(text) => facts.put(Slot::Exception, text),
                        _ => {}
                    }
                }
            }
            judge(*code, reason(*code), facts);
        } else {
            judge(*code, refusal(*code), facts);
        }
        Some(Kind::Response)
    }

    fn publish(&mut self, flags: u8, content: &[u8], from_client: bool, facts: &mut Facts) -> Option<Kind> {
        let mut rest = content;
        let topic = text(&mut rest)?;
        let qos = flags >> 1 & 3;
        let mut id = 0;
        if qos > 0 {
            id = identifier(rest)?;
            rest = &rest[2..];
        }
        let mut alias = None;
        if self.level == 5
            && let Some((properties, _)) = Properties::split(rest)
        {
            alias = carried(properties, facts);
        }
        self.tell_topic(topic, alias, from_client, facts);
        if flags != 0 {
            facts.attribute("mqtt.qos", &[b'0' + qos]);
            for (bit, name) in [(1, "mqtt.retain"), (8, "mqtt.dup")] {
                if flags & bit != 0 {
                    facts.attribute(name, b"true");
                }
            }
        }
        if qos == 0 {
            return Some(Kind::Notice);
        }
        facts.request_id = id;
        facts.key = key(PUBLISH, from_client, id);
        Some(Kind::Request)
    }

    /// A topic by itself, or by the number that it was given before.
    fn tell_topic(&mut self, topic: &[u8], alias: Option<u16>, from_client: bool, facts: &mut Facts) {
        let known = &mut self.aliases[usize::from(!from_client)];
        let mut named = topic;
        if let Some(alias) = alias {
            let at = known.iter().position(|(number, _)| *number == alias);
            match (at, topic.is_empty()) {
                (Some(at), true) => named = &known[at].1,
                (Some(at), false) => known[at].1 = topic[..topic.len().min(MAX_KEPT)].into(),
                (None, false) if known.len() < MAX_ALIASES => known.push((alias, topic[..topic.len().min(MAX_KEPT)].into())),
                _ => {}
            }
        }
        facts.put(Slot::Resource, named);
        facts.put_same(Slot::Endpoint, Slot::Resource);
    }

    fn subscribe(&mut self, kind: u8, content: &[u8], facts: &mut Facts) -> Option<Kind> {
        let id = identifier(content)?;
        let options = usize::from(kind == SUBSCRIBE);
        let mut rest = &content[2..];
        if self.level == 0 {
            self.level = if is_list(rest, options) { 4 } else { 5 };
        }
        if self.level == 5 {
            let (properties, behind) = Properties::split(rest)?;
            carried(properties, facts);
            rest = behind;
        }
        while let Some(filter) = text(&mut rest) {
            if facts.get(Slot::Resource).is_empty() {
                facts.put(Slot::Resource, filter);
            } else {
                facts.extend(Slot::Resource, b", ");
                facts.extend(Slot::Resource, filter);
            }
            rest = rest.get(options..).unwrap_or_default();
        }
        facts.request_id = id;
        facts.key = key(kind, true, id);
        Some(Kind::Request)
    }

    /// An identifier, and in version 5 a reason and properties.
    fn answer(&mut self, content: &[u8], facts: &mut Facts) -> Option<()> {
        facts.request_id = identifier(content)?;
        facts.status = Status::Ok;
        let is_list = matches!(facts.get(Slot::RequestType), "SUBACK" | "UNSUBACK");
        if !is_list && content.len() > 2 {
            self.level = if self.level == 0 { 5 } else { self.level };
            if let Some((properties, _)) = content.get(3..).and_then(Properties::split) {
                why(properties, facts);
            }
            judge(content[2], reason(content[2]), facts);
        }
        Some(())
    }

    /// What of the subscriptions asked for was granted: the first refusal counts.
    fn granted(&mut self, content: &[u8], facts: &mut Facts) {
        let mut codes = &content[2..];
        if self.level == 5 {
            let Some((properties, behind)) = Properties::split(codes) else {
                return;
            };
            why(properties, facts);
            codes = behind;
        } else if self.level == 0 && codes.len() > 1 && codes[0] == 0 {
            // Granted, or no properties: that depends on the version, which was not seen.
            if codes.iter().any(|code| *code >= 0x80) {
                facts.status = Status::Unknown;
            }
            return;
        }
        if let Some(code) = codes.iter().find(|code| **code >= 0x80) {
            let refused = match self.level {
                5 => reason(*code),
                _ => ("subscription refused", Status::ClientError),
            };
            judge(*code, refused, facts);
        }
        for (at, code) in codes.iter().take(64).enumerate() {
            let number = itoa::Buffer::new().format(*code).to_owned();
            match at {
                0 => facts.put(Slot::Result, number.as_bytes()),
                _ => {
                    facts.extend(Slot::Result, b" ");
                    facts.extend(Slot::Result, number.as_bytes());
                }
            }
        }
    }

    /// Why an end says goodbye.
    fn ended(&mut self, content: &[u8], facts: &mut Facts) {
        let Some(code) = content.first() else { return };
        if let Some((properties, _)) = content.get(1..).and_then(Properties::split) {
            why(properties, facts);
        }
        if *code >= 0x80 {
            judge(*code, reason(*code), facts);
        }
    }
}

/// Whether filters of subscriptions, each with so many bytes behind it, fill this to its end.
fn is_list(mut bytes: &[u8], options: usize) -> bool {
    while let Some(filter) = text(&mut bytes) {
        if filter.is_empty() || bytes.len() < options {
            return false;
        }
        bytes = &bytes[options..];
    }
    bytes.is_empty()
}

/// Takes from a request's properties what rows tell; gives the topic's alias.
fn carried(properties: Properties<'_>, facts: &mut Facts) -> Option<u16> {
    let (mut trace, mut alias) = (Context::default(), None);
    for property in properties {
        match property {
            Property::User(name, value) => trace.pair(name, value, facts),
            Property::TopicAlias(number) => alias = Some(number),
            Property::ResponseTopic(topic) => facts.attribute("mqtt.response_topic", topic),
            Property::Correlation(data) => facts.attribute("messaging.message.conversation_id", data),
            _ => {}
        }
    }
    alias
}

/// The reason that an answer tells in words.
fn why(properties: Properties<'_>, facts: &mut Facts) {
    for property in properties {
        if let Property::Reason(text) = property {
            facts.put(Slot::Exception, text);
        }
    }
}

fn judge(code: u8, (text, status): (&str, Status), facts: &mut Facts) {
    facts.code = i32::from(code);
    facts.status = status;
    if status == Status::Ok {
        facts.put(Slot::Exception, b"");
    } else {
        facts.put_first(Slot::Exception, text.as_bytes());
    }
}
