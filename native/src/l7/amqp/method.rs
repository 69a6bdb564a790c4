//! Methods of AMQP 0-9-1: their names, what they are to each other, and what their arguments tell.

use super::table::{Fields, Table};
use crate::l7::Status;
use crate::l7::facts::{Facts, Slot};

pub const CONNECTION: u16 = 10;
pub const CHANNEL: u16 = 20;
pub const BASIC: u16 = 60;

/// What a method is for the pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It wants to be answered, by the method with this number or the one behind it.
    Asks(u16),
    /// It answers.
    Answers,
    /// It ends channel or connection: it answers what is not answered yet, and wants to be answered itself.
    Closes,
    Tells,
}

use Role::{Answers, Asks, Closes, Tells};

/// (class, method, name, role)
const METHODS: &[(u16, u16, &str, Role)] = &[
    (60, 40, "Basic.Publish", Tells),
    (60, 60, "Basic.Deliver", Tells),
    (60, 80, "Basic.Ack", Tells),
    (60, 10, "Basic.Qos", Asks(11)),
    (60, 11, "Basic.QosOk", Answers),
    (60, 20, "Basic.Consume", Asks(21)),
    (60, 21, "Basic.ConsumeOk", Answers),
    (60, 30, "Basic.Cancel", Asks(31)),
    (60, 31, "Basic.CancelOk", Answers),
    (60, 50, "Basic.Return", Tells),
    (60, 70, "Basic.Get", Asks(71)),
    (60, 71, "Basic.GetOk", Answers),
    (60, 72, "Basic.GetEmpty", Answers),
    (60, 90, "Basic.Reject", Tells),
    (60, 100, "Basic.RecoverAsync", Tells),
    (60, 110, "Basic.Recover", Asks(111)),
    (60, 111, "Basic.RecoverOk", Answers),
    (60, 120, "Basic.Nack", Tells),
    (10, 10, "Connection.Start", Asks(11)),
    (10, 11, "Connection.StartOk", Answers),
    (10, 20, "Connection.Secure", Asks(21)),
    (10, 21, "Connection.SecureOk", Answers),
    (10, 30, "Connection.Tune", Asks(31)),
    (10, 31, "Connection.TuneOk", Answers),
    (10, 40, "Connection.Open", Asks(41)),
    (10, 41, "Connection.OpenOk", Answers),
    (10, 50, "Connection.Close", Closes),
    (10, 51, "Connection.CloseOk", Answers),
    (10, 60, "Connection.Blocked", Tells),
    (10, 61, "Connection.Unblocked", Tells),
    (10, 70, "Connection.UpdateSecret", Asks(71)),
    (10, 71, "Connection.UpdateSecretOk", Answers),
    (20, 10, "Channel.Open", Asks(11)),
    (20, 11, "Channel.OpenOk", Answers),
    (20, 20, "Channel.Flow", Asks(21)),
    (20, 21, "Channel.FlowOk", Answers),
    (20, 40, "Channel.Close", Closes),
    (20, 41, "Channel.CloseOk", Answers),
    (30, 10, "Access.Request", Asks(11)),
    (30, 11, "Access.RequestOk", Answers),
    (40, 10, "Exchange.Declare", Asks(11)),
    (40, 11, "Exchange.DeclareOk", Answers),
    (40, 20, "Exchange.Delete", Asks(21)),
    (40, 21, "Exchange.DeleteOk", Answers),
    (40, 30, "Exchange.Bind", Asks(31)),
    (40, 31, "Exchange.BindOk", Answers),
    (40, 40, "Exchange.Unbind", Asks(51)),
    (40, 51, "Exchange.UnbindOk", Answers),
    (50, 10, "Queue.Declare", Asks(11)),
    (50, 11, "Queue.DeclareOk", Answers),
    (50, 20, "Queue.Bind", Asks(21)),
    (50, 21, "Queue.BindOk", Answers),
    (50, 30, "Queue.Purge", Asks(31)),
    (50, 31, "Queue.PurgeOk", Answers),
    (50, 40, "Queue.Delete", Asks(41)),
    (50, 41, "Queue.DeleteOk", Answers),
    (50, 50, "Queue.Unbind", Asks(51)),
    (50, 51, "Queue.UnbindOk", Answers),
    (85, 10, "Confirm.Select", Asks(11)),
    (85, 11, "Confirm.SelectOk", Answers),
    (90, 10, "Tx.Select", Asks(11)),
    (90, 11, "Tx.SelectOk", Answers),
    (90, 20, "Tx.Commit", Asks(21)),
    (90, 21, "Tx.CommitOk", Answers),
    (90, 30, "Tx.Rollback", Asks(31)),
    (90, 31, "Tx.RollbackOk", Answers),
];

/// Name and role of a method; nothing where there is none with these numbers.
pub fn find(class: u16, method: u16) -> Option<(&'static str, Role)> {
    METHODS
        .iter()
        .find(|(of, number, ..)| (*of, *number) == (class, method))
        .map(|(_, _, name, role)| (*name, *role))
}

/// Whether content follows the method.
pub fn has_content(class: u16, method: u16) -> bool {
    class == BASIC && matches!(method, 40 | 50 | 60 | 71)
}

/// Whose error a reply code is.
fn status(code: u16) -> Status {
    match code {
        200 => Status::Ok,
        320 | 506 | 540 | 541 => Status::ServerError,
        _ => Status::ClientError,
    }
}

/// `exchange.routing key`, or the one of them that there is, as resource and endpoint.
fn place(exchange: &[u8], key: &[u8], facts: &mut Facts) {
    facts.put(Slot::Resource, if exchange.is_empty() { key } else { exchange });
    if !exchange.is_empty() && !key.is_empty() {
        facts.extend(Slot::Resource, b".");
        facts.extend(Slot::Resource, key);
    }
    facts.put_same(Slot::Endpoint, Slot::Resource);
}

/// Why something ends, or comes back.
fn reply(fields: &mut Fields<'_>, facts: &mut Facts) -> Option<()> {
    let code = fields.u16()?;
    let text = fields.short()?;
    facts.code = i32::from(code);
    facts.status = status(code);
    if code != 200 {
        facts.put(Slot::Exception, text);
    }
    Some(())
}

/// Reads the arguments of a method as far as they are there. Gives whether it does not want to be answered after all.
pub fn arguments(class: u16, method: u16, fields: &mut Fields<'_>, facts: &mut Facts) -> Option<bool> {
    match (class, method) {
        (BASIC, 40) => {
            fields.skip(2)?;
            let (exchange, key) = (fields.short()?, fields.short()?);
            place(exchange, key, facts);
        }
        (BASIC, 60) => {
            fields.short()?;
            fields.skip(9)?;
            let (exchange, key) = (fields.short()?, fields.short()?);
            place(exchange, key, facts);
        }
        (BASIC, 71) => {
            fields.skip(9)?;
            let (exchange, key) = (fields.short()?, fields.short()?);
            facts.put(Slot::Result, exchange);
            if exchange.is_empty() {
                facts.put(Slot::Result, key);
            } else {
                facts.extend(Slot::Result, b".");
                facts.extend(Slot::Result, key);
            }
        }
        (BASIC, 50) => {
            reply(fields, facts)?;
            let (exchange, key) = (fields.short()?, fields.short()?);
            place(exchange, key, facts);
        }
        // A queue, named behind a number that means nothing any more.
        (50, 10 | 30 | 40) | (BASIC, 20 | 70) => {
            fields.skip(2)?;
            place(b"", fields.short()?, facts);
            if (class, method) == (BASIC, 20) {
                fields.short()?;
            }
            let bits = fields.u8()?;
            return Some(match (class, method) {
                (50, 10) => bits & 16 != 0,
                (50, 30) => bits & 1 != 0,
                (50, 40) => bits & 4 != 0,
                (BASIC, 20) => bits & 8 != 0,
                _ => false,
            });
        }
        (50, 20 | 50) => {
            fields.skip(2)?;
            let queue = fields.short()?;
            let (exchange, key) = (fields.short()?, fields.short()?);
            place(exchange, key, facts);
            facts.attribute("amqp.queue", queue);
            return Some(method == 20 && fields.u8()? & 1 != 0);
        }
        (40, 10 | 20) => {
            fields.skip(2)?;
            place(fields.short()?, b"", facts);
            if method == 10 {
                facts.attribute("amqp.exchange_type", fields.short()?);
                return Some(fields.u8()? & 16 != 0);
            }
            return Some(fields.u8()? & 2 != 0);
        }
        (40, 30 | 40) => {
            fields.skip(2)?;
            let (target, source, key) = (fields.short()?, fields.short()?, fields.short()?);
            place(source, key, facts);
            facts.attribute("amqp.destination", target);
            return Some(fields.u8()? & 1 != 0);
        }
        (CONNECTION, 50) | (CHANNEL, 40) => reply(fields, facts)?,
        (CONNECTION, 10) => {
            fields.skip(2)?;
            software(fields.table()?, facts);
        }
        (CONNECTION, 11) => software(fields.table()?, facts),
        (CONNECTION, 40) => {
            facts.put(Slot::Domain, fields.short()?);
        }
        (BASIC, 30) => {
            facts.put(Slot::Resource, fields.short()?);
            return Some(fields.u8()? & 1 != 0);
        }
        (50, 11) => {
            let queue = fields.short()?;
            facts.put(Slot::Result, queue);
        }
        (85, 10) => return Some(fields.u8()? & 1 != 0),
        _ => {}
    }
    Some(false)
}

/// Which program one end is.
fn software(table: Table<'_>, facts: &mut Facts) {
    let (mut product, mut version) = (b"".as_slice(), b"".as_slice());
    for (name, value) in table {
        match name {
            b"product" => product = value,
            b"version" => version = value,
            _ => {}
        }
    }
    facts.put(Slot::UserAgent, product);
    if !product.is_empty() && !version.is_empty() {
        facts.extend(Slot::UserAgent, b"/");
        facts.extend(Slot::UserAgent, version);
    }
}
