//! A span of any OpenTelemetry SDK → one row, by the semantic conventions.

use super::bad::{Bad, believable};
use super::convention::{FACTS, Fact, Family, meaning, protocol};
use super::events::{Printed, print};
use super::identity::{set_addresses, set_id};
use super::keys::{Action, Keys, Meaning, NO_LABEL, Usual};
use super::resource::parse_ip;
use super::traces::{Context, Dialect};
use super::url::{authority_of, path_of};
use super::value::Value;
use super::wire::{Broken, Reader};
use crate::column::TextMap;
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

const fn set(facts: &[Fact]) -> u64 {
    let (mut bits, mut at) = (0, 0);
    while at < facts.len() {
        bits |= 1 << facts[at] as u64;
        at += 1;
    }
    bits
}

/// Facts whose attribute by its current name a column can hold as it is.
const HOLDABLE: u64 = set(&[
    Fact::HttpMethod,
    Fact::HttpStatus,
    Fact::HttpRoute,
    Fact::UrlPath,
    Fact::UrlQuery,
    Fact::RequestSize,
    Fact::ResponseSize,
    Fact::UserAgent,
    Fact::DbSystem,
    Fact::DbText,
    Fact::DbOperation,
    Fact::DbStatus,
    Fact::RpcService,
    Fact::RpcMethod,
    Fact::MessagingSystem,
    Fact::MessagingDestination,
    Fact::MessagingOperation,
    Fact::DnsName,
    Fact::ServerAddress,
    Fact::ServerPort,
    Fact::ClientAddress,
    Fact::ClientPort,
    Fact::ProtocolVersion,
]);

/// Decodes spans of foreign senders. Holds what one span said until its row is written.
pub struct Foreign<'a> {
    keys: &'a mut Keys,
    last: u32,
    /// Grows by one for each span, so that a key knows whether this span had it already.
    serial: &'a mut u64,
    bad: Option<Bad>,
    /// Which facts were said as text, and which as a number; their values are below.
    said: u64,
    counted: u64,
    ranks: [u8; FACTS],
    texts: [&'a [u8]; FACTS],
    numbers: [i64; FACTS],
    /// Facts whose attributes wait outside of the map, with their keys there, because a column may turn out to hold them.
    waiting: u64,
    labels: [u32; FACTS],
    /// Facts that were said by several names: the column could not give back which.
    again: u64,
    /// Facts that a column holds as they were said: their attributes are not kept.
    held: u64,
    scratch: Vec<u8>,
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
            said: 0,
            counted: 0,
            ranks: [0; FACTS],
            texts: [&[]; FACTS],
            numbers: [0; FACTS],
            waiting: 0,
            labels: [0; FACTS],
            again: 0,
            held: 0,
            scratch: Vec::new(),
        }
    }

    /// Whether `fact` is new or said by a better name now.
    #[inline(always)]
    fn better(&mut self, fact: Fact, rank: u8) -> bool {
        let at = fact as usize;
        if (self.said | self.counted) >> at & 1 != 0 {
            self.again |= 1 << at;
            if self.ranks[at] <= rank {
                return false;
            }
        }
        self.ranks[at] = rank;
        true
    }

    #[inline(always)]
    fn say(&mut self, fact: Fact, rank: u8, text: &'a [u8]) {
        if self.better(fact, rank) {
            self.said |= 1 << fact as usize;
            self.counted &= !(1 << fact as usize);
            self.texts[fact as usize] = text;
        }
    }

    #[inline(always)]
    fn count(&mut self, fact: Fact, rank: u8, number: i64) {
        if self.better(fact, rank) {
            self.counted |= 1 << fact as usize;
            self.said &= !(1 << fact as usize);
            self.numbers[fact as usize] = number;
        }
    }

    /// Lets an attribute wait outside of the map, where it is one that a column may hold; says whether it does.
    #[inline(always)]
    fn waits(&mut self, action: Action, label: u32) -> bool {
        let Action::Fact(fact, 0) = action else { return false };
        if HOLDABLE >> fact as usize & 1 == 0 {
            return false;
        }
        self.waiting |= 1 << fact as usize;
        self.labels[fact as usize] = label;
        true
    }

    /// A column has what was said, to the letter, and `encode` calls it by the same name: the attribute need not be kept.
    #[inline(always)]
    fn hold(&mut self, fact: Fact) {
        self.held |= 1 << fact as usize;
    }

    /// The same for a number that a column has; one that is not above 0 cannot be told from none.
    #[inline]
    fn hold_number(&mut self, fact: Fact, number: i64) {
        let plain = self.counted >> (fact as usize) & 1 != 0 || self.text(fact) == itoa::Buffer::new().format(number);
        if number > 0 && plain {
            self.hold(fact);
        }
    }

    /// Puts what waited and is not held into the map of `row`.
    #[inline]
    fn keep_the_rest(&mut self, rows: &mut L7FlowLog, row: usize) {
        let mut rest = self.waiting & !(self.held & !self.again);
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let mut digits = itoa::Buffer::new();
            let text = if self.counted >> at & 1 != 0 {
                digits.format(self.numbers[at])
            } else {
                // SAFETY: `sound` has proven it.
                unsafe { std::str::from_utf8_unchecked(self.texts[at]) }
            };
            rows.attributes.append(row, self.labels[at], text);
        }
    }

    /// What was said as text; empty where nothing was, or a number. Only for rows that `sound` has passed.
    #[inline]
    fn text(&self, fact: Fact) -> &'a str {
        if self.said >> (fact as usize) & 1 == 0 {
            return "";
        }
        // SAFETY: `say` is only called with a text that was added to the row's attributes or waits, and `sound` has proven all of those.
        unsafe { std::str::from_utf8_unchecked(self.texts[fact as usize]) }
    }

    /// What was said as a number, or as text that spells one.
    #[inline]
    fn number(&self, fact: Fact) -> Option<i64> {
        if self.counted >> (fact as usize) & 1 != 0 {
            return Some(self.numbers[fact as usize]);
        }
        if self.said >> (fact as usize) & 1 != 0 {
            self.text(fact).parse().ok()
        } else {
            None
        }
    }

    #[inline]
    fn has(&self, fact: Fact) -> bool {
        (self.said | self.counted) >> (fact as usize) & 1 != 0
    }

    #[inline]
    fn ip(&self, fact: Fact) -> Option<IpAddr> {
        if self.said >> (fact as usize) & 1 == 0 {
            None
        } else {
            parse_ip(self.texts[fact as usize]).map(|ip| ip.to_canonical())
        }
    }

    #[inline]
    fn port(&self, fact: Fact) -> Option<u16> {
        self.number(fact).and_then(|port| u16::try_from(port).ok())
    }
}

impl<'a> Dialect<'a> for Foreign<'a> {
    #[inline(always)]
    fn attribute(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken> {
        let Some((at, value)) = self.keys.usual(self.last, &pair) else {
            return self.unusual(rows, pair);
        };
        self.last = at;
        let known = self.keys.get(at);
        if known.row == *self.serial || known.label == NO_LABEL {
            return Ok(());
        }
        known.row = *self.serial;
        let (action, label) = (known.action, known.label);
        match value {
            Usual::Str(text) => {
                if text.is_empty() || !self.waits(action, label) {
                    // SAFETY: `finish` proves every pair of the row or has it taken back, before anything reads them.
                    unsafe { rows.attributes.add_unproven(label, text) };
                }
                if let Action::Fact(fact, rank) = action {
                    self.say(fact, rank, text);
                }
            }
            Usual::Int(number) => {
                if !self.waits(action, label) {
                    // SAFETY: digits are ASCII.
                    unsafe { rows.attributes.add_unproven(label, itoa::Buffer::new().format(number).as_bytes()) };
                }
                if let Action::Fact(fact, rank) = action {
                    self.count(fact, rank, number);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, rows: &mut L7FlowLog, head: &Head<'a>, context: &Context<'_>) -> Result<Result<(), Bad>, Broken> {
        let outcome = self.row(rows, head, context);
        *self.serial += 1;
        self.last = 0;
        self.said = 0;
        self.counted = 0;
        self.waiting = 0;
        self.again = 0;
        self.held = 0;
        self.bad = None;
        outcome
    }
}

impl<'a> Foreign<'a> {
    /// An attribute out of order, of a new key, or with a long or nested value.
    #[inline(never)]
    fn unusual(&mut self, rows: &mut L7FlowLog, pair: Reader<'a>) -> Result<(), Broken> {
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
        let (action, label, again) = (known.action, known.label, known.row == *self.serial);
        known.row = *self.serial;
        if again || label == NO_LABEL {
            return Ok(());
        }
        self.scratch.clear();
        if let Err(bad) = value.text(&mut self.scratch)? {
            self.bad = Some(bad);
            return Ok(());
        }
        let plain = matches!(value, Value::Int(_)) || matches!(value, Value::Str(text) if !text.is_empty());
        if !plain || !self.waits(action, label) {
            // SAFETY: `finish` proves every pair of the row or has it taken back, before anything reads them.
            unsafe { rows.attributes.add_unproven(label, &self.scratch) };
        }
        if let Action::Fact(fact, rank) = action {
            match (value, value.int()) {
                (Value::Str(text), _) => self.say(fact, rank, text),
                (_, Some(number)) => self.count(fact, rank, number),
                _ => {}
            }
        }
        Ok(())
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
        rows.resource.add_row(row, &context.resource.keys, &context.resource.values);
        rows.app_service.set_key(row, context.resource.app_service);
        rows.app_instance.set_key(row, context.resource.app_instance);
        rows.scope_name.set_key(row, context.scope);
        rows.signal_source.set(row, SIGNAL_OTEL);
        rows.r#type.set(row, TYPE_SESSION);
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
        self.keep_the_rest(rows, row);
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
        if !rows.attributes.values.tail_is_utf8(rows.attributes.closed()) || !self.waiting_is_utf8() {
            return Err(Bad::InvalidUtf8);
        }
        if rows.resource.values.keys.len() + context.resource.keys.len() > context.body.max_pairs {
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

    #[inline]
    fn waiting_is_utf8(&self) -> bool {
        let mut texts = self.waiting & self.said;
        while texts != 0 {
            let text = self.texts[texts.trailing_zeros() as usize];
            if !text.is_ascii() && std::str::from_utf8(text).is_err() {
                return false;
            }
            texts &= texts - 1;
        }
        true
    }

    /// Addresses and ports of both ends, and where on the way it was seen.
    fn ends(&mut self, rows: &mut L7FlowLog, row: usize, kind: u64, context: &Context<'_>) {
        let (point, server_side) = match kind {
            CLIENT | PRODUCER => ("c-app", false),
            SERVER | CONSUMER => ("s-app", true),
            _ => ("app", false),
        };
        rows.observation_point.set(row, point);
        let (near, far) = ((Fact::LocalAddress, Fact::LocalPort), (Fact::PeerAddress, Fact::PeerPort));
        let (client, server) = if server_side { (far, near) } else { (near, far) };
        if let Some(port) = self.port(Fact::ServerPort).or_else(|| self.port(server.1)) {
            rows.server_port.set(row, port);
            self.hold_number(Fact::ServerPort, i64::from(port));
        }
        if let Some(port) = self.port(Fact::ClientPort).or_else(|| self.port(client.1)) {
            rows.client_port.set(row, port);
            self.hold_number(Fact::ClientPort, i64::from(port));
        }
        let own = context.resource.host_ip;
        let ip_1 = self
            .ip(Fact::ServerAddress)
            .or_else(|| self.ip(server.0))
            .or(own.filter(|_| server_side));
        let said = self.ip(Fact::ClientAddress);
        let ip_0 = said.or_else(|| self.ip(client.0)).or(own.filter(|_| !server_side));
        set_addresses(rows, row, ip_0, ip_1);
        // Only one family is stored, and only what is spelled as we spell it is the same again.
        if let (true, Some(IpAddr::V4(ip))) = (ip_1.is_none_or(|ip| ip.is_ipv4()), said)
            && !ip.is_unspecified()
            && !self.texts[Fact::ClientAddress as usize].contains(&b':')
        {
            self.hold(Fact::ClientAddress);
        }
        if context.resource.process_id != 0 {
            if server_side {
                rows.process_id_1.set(row, context.resource.process_id)
            } else {
                rows.process_id_0.set(row, context.resource.process_id)
            }
        }
    }

    /// The columns of the request; says which kind of protocol it was, and whether the row's protocol is known to be of that kind.
    fn request(&mut self, rows: &mut L7FlowLog, row: usize) -> (Family, bool) {
        let family = self.family();
        let version = self.text(Fact::ProtocolVersion);
        if !version.is_empty() {
            rows.version.set(row, version);
            self.hold(Fact::ProtocolVersion);
        }
        let (number, name) = match family {
            Family::Http if version.starts_with('2') => (21, "HTTP2"),
            Family::Http if version.starts_with('3') => (0, "HTTP3"),
            Family::Http => (20, "HTTP"),
            Family::Dns => (120, "DNS"),
            Family::Other => protocol(self.text(Fact::ProtocolName)).unwrap_or_default(),
            Family::Rpc => known_or_named(self.text(Fact::RpcSystem)),
            Family::Messaging => known_or_named(self.text(Fact::MessagingSystem)),
            Family::Db => known_or_named(self.text(Fact::DbSystem)),
        };
        if number != 0 {
            rows.l7_protocol.set(row, number);
        }
        rows.l7_protocol_str.set(row, name);
        if let Some(transport) = match self.text(Fact::Transport) {
            "udp" | "ip_udp" | "quic" => Some(17),
            "tcp" | "ip_tcp" => Some(6),
            "" if !matches!(family, Family::Dns | Family::Other) && name != "HTTP3" => Some(6),
            _ => None,
        } {
            rows.protocol.set(row, transport);
        }
        // `encode` gives a column the name that goes with the protocol.
        let own = family != Family::Other && Family::of(number) == family;
        let (method, resource) = match family {
            Family::Http => (self.text(Fact::HttpMethod), self.http_resource(rows, row, own)),
            Family::Db => (self.db_operation(), self.text(Fact::DbText)),
            Family::Rpc => (self.text(Fact::RpcMethod), self.text(Fact::RpcService)),
            Family::Messaging => (self.text(Fact::MessagingOperation), self.text(Fact::MessagingDestination)),
            Family::Dns => ("", self.text(Fact::DnsName)),
            Family::Other => ("", ""),
        };
        if !method.is_empty() {
            rows.request_type.set(row, method);
        }
        let resource = if family == Family::Db && resource.is_empty() {
            self.text(Fact::DbCollection)
        } else {
            resource
        };
        if !resource.is_empty() {
            rows.request_resource.set(row, resource);
        }
        let domain = self.domain(family);
        if !domain.is_empty() {
            rows.request_domain.set(row, domain);
        }
        if own {
            self.hold_request(family, name);
        }
        let agent = self.text(Fact::UserAgent);
        if !agent.is_empty() {
            rows.user_agent.set(row, agent);
            self.hold(Fact::UserAgent);
        }
        let sizes = [Fact::RequestSize, Fact::ResponseSize].map(|fact| self.number(fact));
        rows.request_length.set(row, sizes[0].unwrap_or(-1));
        rows.response_length.set(row, sizes[1].unwrap_or(-1));
        if let (true, Family::Http) = (own, family) {
            self.hold_number(Fact::RequestSize, sizes[0].unwrap_or(-1));
            self.hold_number(Fact::ResponseSize, sizes[1].unwrap_or(-1));
        }
        if matches!(self.text(Fact::UrlScheme), "https" | "wss") || self.text(Fact::UrlFull).starts_with("https:") {
            rows.is_tls.set(row, 1);
        }
        (family, own)
    }

    /// What says no more than the columns of a request of a known protocol, named `protocol`, do.
    fn hold_request(&mut self, family: Family, protocol: &str) {
        let facts = match family {
            Family::Http => set(&[Fact::HttpMethod, Fact::ServerAddress]),
            Family::Db => set(&[Fact::DbOperation, Fact::DbText, Fact::ServerAddress]),
            Family::Rpc => set(&[Fact::RpcMethod, Fact::RpcService, Fact::ServerAddress]),
            Family::Messaging => set(&[Fact::MessagingOperation, Fact::MessagingDestination, Fact::ServerAddress]),
            Family::Dns => set(&[Fact::DnsName]),
            Family::Other => 0,
        };
        self.held |= facts & self.said;
        let fact = match family {
            Family::Db => Fact::DbSystem,
            Family::Messaging => Fact::MessagingSystem,
            _ => return,
        };
        let system = self.text(fact);
        if system.bytes().eq(protocol.bytes().map(|byte| byte.to_ascii_lowercase())) {
            self.hold(fact);
        }
    }

    fn family(&self) -> Family {
        // gRPC spans may carry http attributes too, and HTTP clients of databases db ones: the narrower convention wins.
        if self.has(Fact::RpcSystem) {
            Family::Rpc
        } else if self.has(Fact::MessagingSystem) {
            Family::Messaging
        } else if self.has(Fact::DbSystem) {
            Family::Db
        } else if self.has(Fact::HttpMethod) || self.has(Fact::HttpStatus) || self.has(Fact::HttpRoute) {
            Family::Http
        } else if self.has(Fact::DnsName) {
            Family::Dns
        } else {
            Family::Other
        }
    }

    /// Path and query; written here where they come in two parts.
    fn http_resource(&mut self, rows: &mut L7FlowLog, row: usize, own: bool) -> &'a str {
        let (path, query) = (self.text(Fact::UrlPath), self.text(Fact::UrlQuery));
        // The first question mark parts them again.
        if own && !path.is_empty() && !path.contains('?') {
            self.hold(Fact::UrlPath);
            if !query.is_empty() {
                self.hold(Fact::UrlQuery);
            }
        }
        if !path.is_empty() && !query.is_empty() {
            rows.request_resource.set(row, &format!("{path}?{query}"));
            return "";
        }
        if !path.is_empty() {
            return path;
        }
        let target = self.text(Fact::UrlTarget);
        if target.is_empty() {
            path_of(self.text(Fact::UrlFull))
        } else {
            target
        }
    }

    fn db_operation(&self) -> &'a str {
        let operation = self.text(Fact::DbOperation);
        if !operation.is_empty() {
            return operation;
        }
        let statement = self.text(Fact::DbText).trim_start();
        let end = statement
            .bytes()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(statement.len());
        if end <= 16 { &statement[..end] } else { "" }
    }

    fn domain(&self, family: Family) -> &'a str {
        let said = [Fact::ServerAddress, Fact::HttpHost, Fact::PeerAddress].map(|fact| self.text(fact));
        match said {
            [server, ..] if !server.is_empty() => server,
            [_, host, _] if !host.is_empty() => host,
            _ if family == Family::Http && self.has(Fact::UrlFull) => authority_of(self.text(Fact::UrlFull)),
            [_, _, peer] if matches!(family, Family::Db | Family::Messaging | Family::Rpc) => peer,
            _ => "",
        }
    }

    /// `endpoint`: the route where there is one, else the span's name; a name that says more than that stays among the attributes.
    fn name(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let route = if family == Family::Http { self.text(Fact::HttpRoute) } else { "" };
        if route.is_empty() {
            let key = rows.endpoint.intern_bytes(head.name).ok_or(Bad::InvalidUtf8)?;
            rows.endpoint.set_key(row, key);
            if family == Family::Http && head.name.starts_with(b"/") {
                // It looks like a route and is none.
                let name = rows.endpoint.get(row).to_owned();
                rows.attributes.amend(row, "span.name", &name);
            }
            return Ok(());
        }
        rows.endpoint.set(row, route);
        if own && route.starts_with('/') {
            self.hold(Fact::HttpRoute);
        }
        let rest = head.name.strip_suffix(route.as_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix(b" ") == Some(self.text(Fact::HttpMethod).as_bytes())) {
            return Ok(());
        }
        let name = std::str::from_utf8(head.name).map_err(|_| Bad::InvalidUtf8)?;
        rows.attributes.amend(row, "span.name", name);
        Ok(())
    }

    /// How it ended.
    fn answer(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let fact = match family {
            Family::Http => Some(Fact::HttpStatus),
            Family::Rpc => Some(Fact::RpcStatus),
            Family::Db => Some(Fact::DbStatus),
            _ => None,
        };
        let code = fact.and_then(|fact| self.number(fact)).and_then(|code| i32::try_from(code).ok());
        let code = code.unwrap_or_default();
        if code != 0 {
            rows.response_code.set(row, code);
            if let (true, Some(fact @ (Fact::HttpStatus | Fact::DbStatus))) = (own, fact) {
                self.hold_number(fact, i64::from(code));
            }
        }
        let failed = head.status_code == STATUS_ERROR;
        let status = match (family, code) {
            (Family::Http, 500..) => SERVER_ERROR,
            (Family::Http, 400..500) => CLIENT_ERROR,
            (Family::Rpc, code) if code != 0 => grpc_status(code),
            _ if failed => SERVER_ERROR,
            _ => OK,
        };
        if status != OK {
            rows.response_status.set(row, status);
        }
        if !head.status_message.is_empty() {
            rows.response_exception
                .set(row, std::str::from_utf8(head.status_message).map_err(|_| Bad::InvalidUtf8)?);
        } else if failed || status != OK {
            let said = self.text(Fact::ExceptionMessage);
            let said = if said.is_empty() { self.text(Fact::ErrorType) } else { said };
            if !said.is_empty() {
                rows.response_exception.set(row, said);
            }
        }
        Ok(())
    }

    /// Events and links as a JSON array; the message of the first exception stands for what went wrong where nothing else said it.
    #[inline(never)]
    fn events(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>) -> Result<Result<(), Bad>, Broken> {
        let Printed { exception, sound } = print(&head.events, &head.links, &mut self.scratch)?;
        let Ok(text) = std::str::from_utf8(&self.scratch) else {
            return Ok(Err(Bad::InvalidUtf8));
        };
        rows.events.set(row, text);
        if let (Some(Value::Str(message)), true) = (exception, rows.response_exception.get(row).is_empty()) {
            let Ok(message) = std::str::from_utf8(message) else {
                return Ok(Err(Bad::InvalidUtf8));
            };
            rows.response_exception.set(row, message);
        }
        Ok(sound)
    }
}

fn known_or_named(system: &str) -> (u8, &str) {
    protocol(system).unwrap_or((0, system))
}

/// Whose fault a gRPC status is: <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/> names the codes that are errors of a server.
fn grpc_status(code: i32) -> u8 {
    match code {
        4 => TIMEOUT,
        2 | 12 | 13 | 14 | 15 => SERVER_ERROR,
        _ => CLIENT_ERROR,
    }
}
