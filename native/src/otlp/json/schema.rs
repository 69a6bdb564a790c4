//! The messages of an export request: JSON name, field number, how the value is written.
//!
//! Source: opentelemetry-proto 1.x. Fields that no row needs are left out: they are read over like unknown ones.

/// How a field's value is written.
pub enum Kind {
    Message(fn() -> &'static Message),
    Text,
    Hex,
    Base64,
    Int,
    Enum(&'static [&'static str]),
    Bool,
    Double,
    Fixed64,
    Fixed32,
}

/// One field of a message.
pub struct Field {
    name: &'static str,
    pub number: u32,
    pub kind: Kind,
    pub repeated: bool,
}

pub type Message = [Field];

impl Field {
    /// Whether `key` names this field, in camelCase or in snake_case.
    pub fn is(&self, key: &[u8]) -> bool {
        self.name.as_bytes() == key || self.is_snake(key)
    }

    fn is_snake(&self, key: &[u8]) -> bool {
        let mut letters = key.iter();
        key.contains(&b'_')
            && self.name.bytes().all(|letter| match letter {
                b'A'..=b'Z' => letters.next() == Some(&b'_') && letters.next() == Some(&letter.to_ascii_lowercase()),
                _ => letters.next() == Some(&letter),
            })
            && letters.next().is_none()
    }
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: false,
    }
}

const fn many(name: &'static str, number: u32, message: fn() -> &'static Message) -> Field {
    Field {
        name,
        number,
        kind: Kind::Message(message),
        repeated: true,
    }
}

/// `ExportTraceServiceRequest`
pub static TRACES: [Field; 1] = [many("resourceSpans", 1, || &RESOURCE_SPANS)];
/// `ExportLogsServiceRequest`
pub static LOGS: [Field; 1] = [many("resourceLogs", 1, || &RESOURCE_LOGS)];

static RESOURCE_SPANS: [Field; 2] = [
    one("resource", 1, Kind::Message(|| &RESOURCE)),
    many("scopeSpans", 2, || &SCOPE_SPANS),
];
static SCOPE_SPANS: [Field; 2] = [one("scope", 1, Kind::Message(|| &SCOPE)), many("spans", 2, || &SPAN)];
static RESOURCE_LOGS: [Field; 2] = [
    one("resource", 1, Kind::Message(|| &RESOURCE)),
    many("scopeLogs", 2, || &SCOPE_LOGS),
];
static SCOPE_LOGS: [Field; 2] = [one("scope", 1, Kind::Message(|| &SCOPE)), many("logRecords", 2, || &LOG_RECORD)];
static RESOURCE: [Field; 1] = [many("attributes", 1, || &KEY_VALUE)];
static SCOPE: [Field; 2] = [one("name", 1, Kind::Text), one("version", 2, Kind::Text)];

static SPAN: [Field; 13] = [
    one("traceId", 1, Kind::Hex),
    one("spanId", 2, Kind::Hex),
    one("traceState", 3, Kind::Text),
    one("parentSpanId", 4, Kind::Hex),
    one("name", 5, Kind::Text),
    one("kind", 6, Kind::Enum(SPAN_KINDS)),
    one("startTimeUnixNano", 7, Kind::Fixed64),
    one("endTimeUnixNano", 8, Kind::Fixed64),
    many("attributes", 9, || &KEY_VALUE),
    many("events", 11, || &EVENT),
    many("links", 13, || &LINK),
    one("status", 15, Kind::Message(|| &STATUS)),
    one("flags", 16, Kind::Fixed32),
];

const SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUS_CODES: &[&str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static STATUS: [Field; 2] = [one("message", 2, Kind::Text), one("code", 3, Kind::Enum(STATUS_CODES))];
static EVENT: [Field; 3] = [
    one("timeUnixNano", 1, Kind::Fixed64),
    one("name", 2, Kind::Text),
    many("attributes", 3, || &KEY_VALUE),
];
static LINK: [Field; 4] = [
    one("traceId", 1, Kind::Hex),
    one("spanId", 2, Kind::Hex),
    one("traceState", 3, Kind::Text),
    many("attributes", 4, || &KEY_VALUE),
];

static LOG_RECORD: [Field; 7] = [
    one("timeUnixNano", 1, Kind::Fixed64),
    one("observedTimeUnixNano", 11, Kind::Fixed64),
    one("body", 5, Kind::Message(|| &ANY_VALUE)),
    many("attributes", 6, || &KEY_VALUE),
    one("traceId", 9, Kind::Hex),
    one("spanId", 10, Kind::Hex),
    one("eventName", 12, Kind::Text),
];

static KEY_VALUE: [Field; 2] = [one("key", 1, Kind::Text), one("value", 2, Kind::Message(|| &ANY_VALUE))];
static ANY_VALUE: [Field; 7] = [
    one("stringValue", 1, Kind::Text),
    one("boolValue", 2, Kind::Bool),
    one("intValue", 3, Kind::Int),
    one("doubleValue", 4, Kind::Double),
    one("arrayValue", 5, Kind::Message(|| &ARRAY_VALUE)),
    one("kvlistValue", 6, Kind::Message(|| &KV_LIST)),
    one("bytesValue", 7, Kind::Base64),
];
static ARRAY_VALUE: [Field; 1] = [many("values", 1, || &ANY_VALUE)];
static KV_LIST: [Field; 1] = [many("values", 1, || &KEY_VALUE)];
