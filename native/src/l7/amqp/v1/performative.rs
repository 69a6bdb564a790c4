//! What frames of AMQP 1.0 are called, and what errors and outcomes say.

use super::value::{Value, Values};
use crate::l7::Status;
use crate::l7::context::Context;
use crate::l7::facts::{Facts, Slot};

pub const OPEN: u8 = 0x10;
pub const BEGIN: u8 = 0x11;
pub const ATTACH: u8 = 0x12;
pub const FLOW: u8 = 0x13;
pub const TRANSFER: u8 = 0x14;
pub const DISPOSITION: u8 = 0x15;
pub const DETACH: u8 = 0x16;
pub const END: u8 = 0x17;
pub const CLOSE: u8 = 0x18;
pub const SASL_INIT: u8 = 0x41;
pub const SASL_OUTCOME: u8 = 0x44;
const ERROR: u64 = 0x1d;
const REJECTED: u64 = 0x25;

/// The name of what a frame does; nothing where there is none with this number.
pub fn name(number: u8) -> Option<&'static str> {
    Some(match number {
        OPEN => "Open",
        BEGIN => "Begin",
        ATTACH => "Attach",
        FLOW => "Flow",
        TRANSFER => "Transfer",
        DISPOSITION => "Disposition",
        DETACH => "Detach",
        END => "End",
        CLOSE => "Close",
        0x40 => "SaslMechanisms",
        SASL_INIT => "SaslInit",
        0x42 => "SaslChallenge",
        0x43 => "SaslResponse",
        SASL_OUTCOME => "SaslOutcome",
        _ => return None,
    })
}

/// Puts what went wrong; false where nothing did.
pub fn error(value: Value<'_>, facts: &mut Facts) -> bool {
    let Some((ERROR, [condition, description])) = value.described::<2>() else {
        return false;
    };
    let (condition, description) = (condition.text(), description.text());
    facts.status = match condition {
        b"amqp:internal-error"
        | b"amqp:not-implemented"
        | b"amqp:resource-limit-exceeded"
        | b"amqp:connection:forced"
        | b"amqp:connection:redirect"
        | b"amqp:link:detach-forced"
        | b"amqp:link:redirect" => Status::ServerError,
        _ => Status::ClientError,
    };
    facts.put(Slot::Exception, if description.is_empty() { condition } else { description });
    facts.attribute("amqp.condition", condition);
    true
}

/// Puts what became of a delivery; false where that is not decided.
pub fn outcome(state: Value<'_>, facts: &mut Facts) -> bool {
    let (number, fields) = match state {
        // In a transaction: its id, and the outcome.
        Value::Described(0x34, _) => match state.described::<2>() {
            Some((_, [_, inner])) => return outcome(inner, facts),
            None => (0x24, [Value::Null]),
        },
        state => state.described::<1>().unwrap_or((0x24, [Value::Null])),
    };
    let (name, status) = match number {
        0x23 => return false,
        REJECTED => ("rejected", Status::ClientError),
        0x26 => ("released", Status::ServerError),
        0x27 => ("modified", Status::ServerError),
        0x33 => ("declared", Status::Ok),
        _ => ("accepted", Status::Ok),
    };
    facts.status = status;
    if status == Status::Ok {
        facts.put(Slot::Result, name.as_bytes());
    } else if number != REJECTED || !error(fields[0], facts) {
        facts.put(Slot::Exception, name.as_bytes());
    }
    true
}

/// The address of a source or target; nothing of one that is made up as they go, or of one for transactions.
pub fn address<'a>(terminus: Value<'a>) -> &'a [u8] {
    match terminus.described::<1>() {
        Some((0x28 | 0x29, [address])) => address.text(),
        _ => &[],
    }
}

/// Reads the sections of a message in front of its content. Gives where it is sent to, where the message says so.
pub fn message<'a>(sections: Values<'a>, facts: &mut Facts) -> &'a [u8] {
    let mut context = Context::default();
    let mut to = &[][..];
    for section in sections {
        let Value::Described(number, mut inner) = section else { break };
        match (number, inner.next()) {
            (0x72 | 0x74, Some(Value::Map(mut pairs))) => {
                while let (Some(Value::Text(key)), Some(value)) = (pairs.next(), pairs.next()) {
                    context.pair(key, value.text(), facts);
                }
            }
            (0x73, Some(Value::List(list))) => {
                let [id, _, place, subject, reply_to, correlation] = list.fields();
                to = place.text();
                for (name, value) in [
                    ("messaging.message.id", id),
                    ("amqp.subject", subject),
                    ("amqp.reply_to", reply_to),
                    ("messaging.message.conversation_id", correlation),
                ] {
                    match value {
                        Value::Text(text) if !text.is_empty() => facts.attribute(name, text),
                        Value::Number(number) => facts.attribute(name, itoa::Buffer::new().format(number).as_bytes()),
                        _ => {}
                    }
                }
            }
            (0x70 | 0x71, Some(_)) => {}
            _ => break,
        }
    }
    to
}
