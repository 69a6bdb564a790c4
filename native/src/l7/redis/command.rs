//! What commands mean for the answers that follow, and what of their arguments may be told.

use crate::l7::facts::{Facts, Slot};

/// The longest name of a message: `sunsubscribe`.
pub const MAX_WORD: usize = 12;

/// Commands whose answers are not like the others', and messages that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    Other,
    Subscribe,
    Unsubscribe,
    PatternSubscribe,
    PatternUnsubscribe,
    ShardSubscribe,
    ShardUnsubscribe,
    Monitor,
    Client,
    Reset,
    Sync,
    Message,
}

const CLASSES: [(&str, Class); 11] = [
    ("SUBSCRIBE", Class::Subscribe),
    ("UNSUBSCRIBE", Class::Unsubscribe),
    ("PSUBSCRIBE", Class::PatternSubscribe),
    ("PUNSUBSCRIBE", Class::PatternUnsubscribe),
    ("SSUBSCRIBE", Class::ShardSubscribe),
    ("SUNSUBSCRIBE", Class::ShardUnsubscribe),
    ("MONITOR", Class::Monitor),
    ("CLIENT", Class::Client),
    ("RESET", Class::Reset),
    ("PSYNC", Class::Sync),
    ("SYNC", Class::Sync),
];

impl Class {
    /// By the command's name in capitals.
    pub fn named(name: &str) -> Class {
        let found = CLASSES.iter().find(|(known, _)| *known == name);
        found.map_or(Class::Other, |(_, class)| *class)
    }

    /// `Facts::note` of a command of this class.
    pub fn note(self, arguments: u32) -> u32 {
        self as u32 | arguments.min(0x00ff_ffff) << 8
    }

    /// The class of a `Facts::note`.
    pub fn of(note: u32) -> Class {
        // Most commands are like all others.
        if note & 0xff == Class::Other as u32 {
            return Class::Other;
        }
        let found = CLASSES.iter().find(|(_, class)| *class as u32 == note & 0xff);
        found.map_or(Class::Other, |(_, class)| *class)
    }

    pub fn arguments(note: u32) -> u32 {
        note >> 8
    }

    pub fn subscribes(self) -> bool {
        matches!(self, Class::Subscribe | Class::PatternSubscribe | Class::ShardSubscribe)
    }

    pub fn is_subscription(self) -> bool {
        (Class::Subscribe as u8..=Class::ShardUnsubscribe as u8).contains(&(self as u8))
    }
}

/// What the first element of an array or a push says it is.
pub fn pushed(word: &[u8]) -> Option<Class> {
    if matches!(word, b"message" | b"pmessage" | b"smessage") {
        return Some(Class::Message);
    }
    let found = CLASSES[..6].iter().find(|(name, _)| {
        let lower = word.iter().all(u8::is_ascii_lowercase);
        lower && name.as_bytes().eq_ignore_ascii_case(word)
    });
    found.map(|(_, class)| *class)
}

/// `1700000000.123456 [0 127.0.0.1:50000] "GET" "a"`
pub fn is_monitored(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits >= 9 && text.get(digits) == Some(&b'.') && memchr::memmem::find(&text[..text.len().min(40)], b" [").is_some()
}

/// `CLIENT REPLY`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    On,
    Off,
    Skip,
}

pub fn reply_mode(resource: &str) -> Option<Reply> {
    let mut words = resource.split(' ').skip(1);
    if !words.next()?.eq_ignore_ascii_case("REPLY") {
        return None;
    }
    let mode = words.next()?;
    let is = |name: &str| mode.eq_ignore_ascii_case(name);
    match () {
        () if is("ON") => Some(Reply::On),
        () if is("OFF") => Some(Reply::Off),
        () if is("SKIP") => Some(Reply::Skip),
        () => None,
    }
}

/// Sets type, endpoint and the front of the resource. The endpoint is in capitals, so that clients that write differently are one.
pub fn put_name(name: &[u8], facts: &mut Facts) {
    let mut capitals = [0; 32];
    let is_mixed = name.iter().any(u8::is_ascii_lowercase);
    if is_mixed && name.len() <= capitals.len() {
        let capitals = &mut capitals[..name.len()];
        capitals.copy_from_slice(name);
        capitals.make_ascii_uppercase();
        facts.put(Slot::Endpoint, capitals);
    }
    facts.put(Slot::Resource, name);
    facts.put_same(Slot::RequestType, Slot::Resource);
    if !is_mixed || name.len() > 32 {
        facts.put_same(Slot::Endpoint, Slot::Resource);
    }
}

/// Which arguments are told; the others are `?`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    #[default]
    All,
    None,
    First,
    /// Key, value, key, value …
    Odd,
    /// Key, field, value, field, value …
    Fields,
}

impl Rule {
    /// By the command's name in capitals. Passwords are never told, values not with `obfuscate`.
    pub fn of(name: &str, obfuscate: bool) -> Rule {
        match name {
            "AUTH" => Rule::None,
            "HELLO" => Rule::First,
            _ if !obfuscate => Rule::All,
            "MGET" | "DEL" | "UNLINK" | "EXISTS" | "TOUCH" | "WATCH" | "RENAME" | "RENAMENX" | "HGET" | "HMGET" | "HDEL" | "HEXISTS"
            | "SINTER" | "SUNION" | "SDIFF" | "SINTERSTORE" | "SUNIONSTORE" | "SDIFFSTORE" | "BLPOP" | "BRPOP" | "LRANGE" | "ZRANGE"
            | "EXPIRE" | "PEXPIRE" | "PFCOUNT" | "PFMERGE" | "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE"
            | "SUNSUBSCRIBE" => Rule::All,
            "MSET" | "MSETNX" => Rule::Odd,
            "HSET" | "HMSET" => Rule::Fields,
            "ECHO" | "PING" | "EVAL" | "EVAL_RO" => Rule::None,
            _ => Rule::First,
        }
    }

    /// Whether the `nth` argument, from 1, is told.
    pub fn shows(self, nth: u64) -> bool {
        match self {
            Rule::All => true,
            Rule::None => false,
            Rule::First => nth == 1,
            Rule::Odd => nth % 2 == 1,
            Rule::Fields => nth == 1 || nth.is_multiple_of(2),
        }
    }
}
