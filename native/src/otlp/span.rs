//! A span of any OpenTelemetry SDK → one row, by the semantic conventions.

mod request;

use super::bad::{Bad, believable};
use super::convention::{Fact, Family, meaning, protocol};
use super::events::{Printed, print};
use super::identity::{set_addresses, set_id};
use super::keys::{Action, Keys, Meaning, NO_LABEL, Plan, Usual};
use super::said::{Said, set};
use super::traces::{ATTRIBUTE, Context, Dialect};
use super::url::{authority_of, path_of};
use super::value::Value;
use super::wire::{Broken, Reader};
use crate::column::{TextMap, is_ascii};
use crate::table::Layout;
use crate::table::generated::L7FlowLog;
use std::net::IpAddr;

/// The fields of a span that are not attributes.
#[derive(Default)]
pub struct Head<'a> {
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub parent_span_id: &'a [u8],
    pub name: &'a [u8],
    pub kind: u64,
    pub start_ns: u64,
    pub end_ns: u64,
    pub status_code: u64,
    pub status_message: &'a [u8],
    pub events: Vec<Reader<'a>>,
    pub links: Vec<Reader<'a>>,
}

const ATTRIBUTE_BYTE: u8 = ATTRIBUTE as u8;

/// Where on the way a span is seen: at the client, at the server, or in between.
const POINTS: [&str; 3] = ["c-app", "s-app", "app"];

const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const PRODUCER: u64 = 4;
const CONSUMER: u64 = 5;
const STATUS_ERROR: u64 = 2;
const SIGNAL_OTEL: u8 = 4;
const TYPE_SESSION: u8 = 2;

const OK: u8 = 0;
const TIMEOUT: u8 = 2;
const SERVER_ERROR: u8 = 3;
const CLIENT_ERROR: u8 = 4;

/// Text columns stop here: their offsets are 32 bits, in Arrow signed ones.
const MAX_TEXT: usize = 1 << 30;

/// Decodes spans of foreign senders. Holds what one span said until its row is written.
pub struct Foreign<'a> {
    keys: &'a mut Keys,
    last: u32,
    /// Grows by one for each span, so that a key knows whether this span had it already.
    serial: &'a mut u64,
    bad: Option<Bad>,
    /// All text of its attributes is ASCII so far.
    ascii: bool,
    said: Said<'a>,
    scratch: Vec<u8>,
    /// Positions of `POINTS` in the dictionary of `observation_point`.
    points: [Option<u32>; 3],
    /// The protocol's name that was written last, and its position in the dictionary of `l7_protocol_str`.
    protocol: (&'a str, u32),
}

struct Learn<'a> {
    attributes: &'a mut TextMap,
}

impl Meaning for Learn<'_> {
    fn learn(&mut self, key: &[u8]) -> Option<(Action, u32)> {
        if key.starts_with(b"weir.") {
            // What a foreign sender says in our name means nothing.
            return Some((Action::Drop, NO_LABEL));
        }
        let label = self.attributes.keys.intern_bytes(key)?;
        Some((meaning(key).map_or(Action::Keep, |(fact, rank)| Action::Fact(fact, rank)), label))
    }
}

impl<'a> Foreign<'a> {
    pub fn new(keys: &'a mut Keys, serial: &'a mut u64) -> Foreign<'a> {
        *serial += 1;
        Foreign {
            keys,
            last: 0,
            serial,
            bad: None,
            ascii: true,
            said: Said::default(),
            scratch: Vec::new(),
            points: [None; 3],
            protocol: ("", 0),
        }
    }
}

impl<'a> Dialect<'a> for Foreign<'a> {
    #[inline(never)]
    fn usual(&mut self, rows: &mut L7FlowLog, span: &mut Reader<'a>) -> bool {
        let whole = span.rest();
        // Everything from `doubted` on may hold text that is not ASCII; tags and lengths of the usual form are ASCII.
        let (mut rest, mut doubted, mut last, serial) = (whole, whole, self.last, *self.serial);
        let left = loop {
            let Some((at, known, value, behind)) = self.keys.usual(last, rest) else {
                break true;
            };
            last = at;
            let again = known.row == serial;
            known.row = serial;
            let (plan, label) = (if again { Plan::Leave } else { known.plan }, known.label);
            match value {
                Usual::Str(text) => self.text(rows, plan, label, text),
                Usual::Int(number) => {
                    self.number(rows, plan, label, number);
                    if !(0..0x80).contains(&number) {
                        self.ascii &= is_ascii(&doubted[..doubted.len() - rest.len()]);
                        doubted = behind;
                    }
                }
            }
            rest = behind;
            match rest.split_first() {
                Some((&ATTRIBUTE_BYTE, behind)) => rest = behind,
                _ => break false,
            }
        };
        self.ascii &= is_ascii(&doubted[..doubted.len() - rest.len()]);
        self.last = last;
        span.at += whole.len() - rest.len();
        left
    }

    /// An attribute out of order, of a new key, or with a long or nested value.
    #[inline(never)]
    fn attribute(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken> {
        let (at, value) = self.keys.read(
            self.last,
            pair,
            &mut Learn {
                attributes: &mut rows.attributes,
            },
        )?;
        if at == 0 {
            self.bad = Some(Bad::InvalidUtf8);
            return Ok(());
        }
        self.last = at;
        let known = self.keys.get(at);
        let (plan, label, again) = (known.plan, known.label, known.row == *self.serial);
        known.row = *self.serial;
        if again || plan == Plan::Leave {
            return Ok(());
        }
        match value {
            Value::Str(text) => {
                self.ascii &= is_ascii(text);
                self.text(rows, plan, label, text);
                return Ok(());
            }
            Value::Int(number) => {
                self.number(rows, plan, label, number);
                return Ok(());
            }
            _ => {}
        }
        self.scratch.clear();
        if let Err(bad) = value.text(&mut self.scratch)? {
            self.bad = Some(bad);
            return Ok(());
        }
        self.ascii &= is_ascii(&self.scratch);
        // SAFETY: `finish` proves every pair of the row or has it taken back, before anything reads them.
        unsafe { rows.attributes.add_unproven(label, &self.scratch) };
        let (fact, rank) = match plan {
            Plan::Say(fact, rank) => (fact, rank),
            Plan::Wait(fact) => (fact, 0),
            Plan::Leave | Plan::Keep => return Ok(()),
        };
        if let Some(number) = value.int() {
            self.said.count(fact, rank, number);
        }
        Ok(())
    }

    fn finish(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let outcome = self.row(rows, head, context);
        *self.serial += 1;
        self.last = 0;
        self.said.forget();
        self.bad = None;
        self.ascii = true;
        outcome
    }

    fn close(&mut self, rows: &mut L7FlowLog, context: &Context<'_>) {
        let (group, resource) = (context.first..rows.rows(), context.resource);
        if group.is_empty() {
            return;
        }
        rows.resource.add_rows(group.clone(), &resource.keys, &resource.values);
        rows.app_service.set_all(group.clone(), resource.app_service);
        rows.app_instance.set_all(group.clone(), resource.app_instance);
        rows.scope_name.set_all(group.clone(), context.scope);
        rows.r#type.set_all(group, TYPE_SESSION);
    }
}

impl<'a> Foreign<'a> {
    #[inline(always)]
    fn text(&mut self, rows: &mut L7FlowLog, plan: Plan, label: u32, text: &'a [u8]) {
        // SAFETY of `add_unproven`: `finish` proves every pair of the row or has it taken back, before anything reads them.
        match plan {
            Plan::Wait(fact) => {
                if text.is_empty() {
                    unsafe { rows.attributes.add_unproven(label, text) };
                } else {
                    self.said.wait(fact, label);
                }
                self.said.say(fact, 0, text);
            }
            Plan::Keep => unsafe { rows.attributes.add_unproven(label, text) },
            Plan::Say(fact, rank) => {
                unsafe { rows.attributes.add_unproven(label, text) };
                self.said.say(fact, rank, text);
            }
            Plan::Leave => {}
        }
    }

    #[inline(always)]
    fn number(&mut self, rows: &mut L7FlowLog, plan: Plan, label: u32, number: i64) {
        let keep = |rows: &mut L7FlowLog| rows.attributes.add_labelled(label, itoa::Buffer::new().format(number));
        match plan {
            Plan::Wait(fact) => {
                self.said.wait(fact, label);
                self.said.count(fact, 0, number);
            }
            Plan::Keep => keep(rows),
            Plan::Say(fact, rank) => {
                keep(rows);
                self.said.count(fact, rank, number);
            }
            Plan::Leave => {}
        }
    }

    fn row(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let row = rows.rows();
        let end_ns = head.end_ns.max(head.start_ns);
        let start_ns = if head.start_ns == 0 { end_ns } else { head.start_ns };
        let (start_us, end_us) = ((start_ns / 1000) as i64, (end_ns / 1000) as i64);
        if let Err(bad) = self.sound(rows, end_us, context) {
            return Ok(Err(bad));
        }
        rows.time.set(row, (end_us / 1_000_000) as u32);
        rows.start_time.set(row, start_us);
        rows.end_time.set(row, end_us);
        rows.response_duration.set(row, (end_us - start_us) as u64);
        rows.attributes.end_row(row);
        rows.signal_source.set(row, SIGNAL_OTEL);
        rows.span_kind.set(row, head.kind.min(255) as u8);
        if context.resource.agent_id != 0 {
            rows.agent_id.set(row, context.resource.agent_id);
        }
        let ids = set_id::<32>(&mut rows.trace_id, row, head.trace_id)
            .and_then(|()| set_id::<16>(&mut rows.span_id, row, head.span_id))
            .and_then(|()| set_id::<16>(&mut rows.parent_span_id, row, head.parent_span_id));
        if let Err(bad) = ids {
            return Ok(Err(bad));
        }
        self.ends(rows, row, head.kind, context);
        let (family, own) = self.request(rows, row);
        let named = self.name(rows, row, head, family, own);
        let answered = named.and_then(|()| self.answer(rows, row, head, family, own));
        self.said.keep_the_rest(rows, row);
        if head.events.is_empty() && head.links.is_empty() {
            return Ok(answered);
        }
        let told = self.events(rows, row, head)?;
        Ok(answered.and(told))
    }

    /// What can be said against the row before any column but `attributes` is written.
    #[inline]
    fn sound(&self, rows: &L7FlowLog, end_us: i64, context: &Context<'_>) -> Result<(), Bad> {
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        believable(end_us, context.body.now_us)?;
        let proven = self.ascii || rows.attributes.values.tail_is_utf8(rows.attributes.closed()) && self.said.waiting_is_utf8();
        if !proven {
            return Err(Bad::InvalidUtf8);
        }
        // `close` adds the resource's attributes for each row of the group.
        let pairs = (rows.rows() + 1 - context.first) * context.resource.keys.len();
        if rows.resource.values.keys.len() + pairs > context.body.max_pairs {
            return Err(Bad::TooManyAttributes);
        }
        let texts = [
            &rows.attributes.values,
            &rows.request_resource,
            &rows.events,
            &rows.response_exception,
        ];
        if texts.iter().any(|text| text.bytes().len() > MAX_TEXT) {
            Err(Bad::BlockFull)
        } else {
            Ok(())
        }
    }

    /// Addresses and ports of both ends, and where on the way it was seen.
    fn ends(&mut self, rows: &mut L7FlowLog, row: usize, kind: u64, context: &Context<'_>) {
        let (point, server_side) = match kind {
            CLIENT | PRODUCER => (0, false),
            SERVER | CONSUMER => (1, true),
            _ => (2, false),
        };
        let label = self.points[point].unwrap_or_else(|| rows.observation_point.intern(POINTS[point]));
        self.points[point] = Some(label);
        rows.observation_point.set_key(row, label);
        let (near, far) = ((Fact::LocalAddress, Fact::LocalPort), (Fact::PeerAddress, Fact::PeerPort));
        let (client, server) = if server_side { (far, near) } else { (near, far) };
        if let Some(port) = self.said.port(Fact::ServerPort).or_else(|| self.said.port(server.1)) {
            rows.server_port.set(row, port);
            self.said.hold_number(Fact::ServerPort, i64::from(port));
        }
        if let Some(port) = self.said.port(Fact::ClientPort).or_else(|| self.said.port(client.1)) {
            rows.client_port.set(row, port);
            self.said.hold_number(Fact::ClientPort, i64::from(port));
        }
        let own = context.resource.host_ip;
        let ip_1 = self
            .said
            .ip(Fact::ServerAddress)
            .or_else(|| self.said.ip(server.0))
            .or(own.filter(|_| server_side));
        let said = self.said.ip(Fact::ClientAddress);
        let ip_0 = said.or_else(|| self.said.ip(client.0)).or(own.filter(|_| !server_side));
        set_addresses(rows, row, ip_0, ip_1);
        // Only one family is stored, and only what is spelled as we spell it is the same again.
        if let (true, Some(IpAddr::V4(ip))) = (ip_1.is_none_or(|ip| ip.is_ipv4()), said)
            && !ip.is_unspecified()
            && self.said.text(Fact::ClientAddress).bytes().find(|byte| !byte.is_ascii_digit()) == Some(b'.')
        {
            self.said.hold(Fact::ClientAddress);
        }
        if context.resource.process_id != 0 {
            if server_side {
                rows.process_id_1.set(row, context.resource.process_id)
            } else {
                rows.process_id_0.set(row, context.resource.process_id)
            }
        }
    }
}
